"""The scans of a BIDS dataset, participant by participant, as a BIDS app takes them."""

from collections.abc import Collection, Sequence
from pathlib import Path

from kdlib.data.bids import is_bids
from kdlib.data.forms import Reading
from kdlib.data.namesakes import refuse_one_file
from kdlib.data.subjects import Subject
from kdlib.errors import InputError, printable
from kdlib.own_scans.adapt import scans_at
from kdlib.own_scans.batch import Batch
from kdlib.own_scans.check import OnSubject
from kdlib.own_scans.results import Results
from kdlib.own_scans.segmenter import Segmenter


def participants_named(dataset: Path, labels: Sequence[str]) -> list[str]:
    """The folders ``sub-<label>`` of some participants; without labels, of all.

    Raises:
        InputError: this is no BIDS dataset, or it has no such participant, or two whose results
            some disks take for one.
    """
    if not is_bids(dataset):
        what = "this is no BIDS dataset (looked for sub-*/anat/ and sub-*/ses-*/anat/)"
        raise InputError(f"{dataset}: {what}; name its folder, or use 'kdlib predict'")
    there = sorted(path.name for path in dataset.glob("sub-*/"))
    wanted = [f"sub-{label.removeprefix('sub-')}" for label in labels]
    for name in wanted:
        if name not in there:
            known = ", ".join(person.removeprefix("sub-") for person in there[:5])
            more = ", ..." if len(there) > 5 else ""
            what = f"there is no participant {printable(name.removeprefix('sub-'))!r}"
            raise InputError(f"{dataset}: {what}; it has {known}{more}")
    refuse_one_file(there, "rename one")
    return sorted(set(wanted)) or there


def of_each_participant(
    dataset: Path,
    out: Path,
    people: Collection[str],
    segmenter: Segmenter,
    *,
    reading: Reading,
    skip_bad: bool,
    replace: bool = False,
    on_subject: OnSubject,
) -> list[Batch]:
    """Each participant's usable scans, and what is wrong with the others.

    With ``skip_bad`` a participant may have no usable scan. Raises ``InputError`` as ``scans_at``
    does.
    """
    alike = Results(out, dataset)
    owners = dict[str, set[str]]()

    def wanted(subject: Subject) -> bool:
        owners.setdefault(printable(subject.id), set()).add(alike.participant(subject))
        return alike.participant(subject) in people

    subjects, left_out = scans_at(
        [dataset], inputs=segmenter.recipe.inputs, reading=reading, skip_bad=skip_bad,
        or_none=True, on_subject=on_subject, wanted=wanted,
    )  # fmt: skip
    cases: dict[str, list[tuple[Subject, Segmenter]]] = {person: [] for person in people}
    for subject in subjects:
        cases[alike.participant(subject)].append((subject, segmenter))
    return [
        Batch(
            Results(out, dataset, person, replace),
            own,
            [finding for finding in left_out if person in owners[finding.subject]],
        )
        for person, own in cases.items()
    ]
