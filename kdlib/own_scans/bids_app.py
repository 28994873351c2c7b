"""The scans of a BIDS dataset, participant by participant, as a BIDS app takes them."""

from collections.abc import Collection, Sequence
from pathlib import Path

from kdlib.data.bids import is_bids
from kdlib.data.forms import Reading
from kdlib.data.namesakes import refuse_one_file
from kdlib.data.subjects import Subject
from kdlib.errors import InputError, printable
from kdlib.own_scans.adapt import scans_at
from kdlib.own_scans.check import Finding, OnSubject
from kdlib.own_scans.results import Results


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
    *,
    inputs: str,
    reading: Reading,
    skip_bad: bool,
    on_subject: OnSubject,
) -> tuple[list[tuple[Results, list[Subject]]], list[Finding]]:
    """Where each participant's results go, the usable scans, and what is wrong with the others.

    Raises ``InputError`` as ``scans_at`` does.
    """
    alike = Results(out, dataset)
    subjects, left_out = scans_at(
        [dataset], inputs=inputs, reading=reading, skip_bad=skip_bad, on_subject=on_subject,
        wanted=lambda subject: alike.participant(subject) in people,
    )  # fmt: skip
    parts: dict[str, list[Subject]] = {}
    for subject in subjects:
        parts.setdefault(alike.participant(subject), []).append(subject)
    return [(Results(out, dataset, person), scans) for person, scans in parts.items()], left_out
