"""Find the files of one subject by their names, and say which have a wrong name or place."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kdlib.data.formats import (
    NOT_FETCHED,
    ending,
    images_in,
    is_lost,
    is_own_result,
    other_format,
    stem,
    what_is_there,
)
from kdlib.data.subjects import Scan, Subject
from kdlib.errors import printable

# Results are named by the id with up to 30 bytes more. A file's name can have 255 bytes.
LONGEST_ID = 200
# Folders that lie beside those of the patients: by the BIDS standard, and kdlib's own.
NO_PATIENTS = {
    "derivatives", "code", "sourcedata", "stimuli", "phenotype", "lost+found", "readme", "changes",
    "license",
}  # fmt: skip
NO_SCANS = ("mask", "seg", "brain")  # in a name: the image was made from a scan
STORE_FOLDER = "prepared"  # a folder of runs has such a folder
OWN_REPORT = "report.json"  # lies beside the masks that kdlib wrote
DESCRIPTION = "dataset_description.json"  # of a BIDS dataset; it says who made a derivative


def subject_of(
    root: Path, clinic: str, name: str, flairs: list[Path], t1s: Iterable[Path] = (),
    labels: Iterable[Path] = (), split: str = "training", home: Path | None = None,
    mask_doubts: Iterable[str] = (), flair_name: str = "FLAIR.nii.gz",
) -> Subject:  # fmt: skip
    """A subject, made from the files that may belong to it, and what is wrong with these files.

    ``home`` is the folder where they lie. ``mask_doubts`` are faults of the labels that were found
    already. ``flair_name`` is what a missing FLAIR would be called.
    """
    t1s, labels, home = list(t1s), list(labels), home or root / name
    where = printable(home.relative_to(root) if home != root else name)
    faults = list[str]()
    if not flairs:
        faults.append(f"{where}: there is no FLAIR here; {what_is_there(home, flair_name)}")
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        what = "its name has letters that this locale does not know"
        faults.append(f"{where[:80]}: {what}; rename it, or set PYTHONUTF8=1")
    elif not name.isprintable() or len(name.encode(errors="replace")) > LONGEST_ID:
        faults.append(f"{where[:80]}: its name is too long or has unprintable letters; rename it")
    t1 = t1s[0] if len(t1s) == 1 else None  # Of several nobody knows which to read.
    faults += [*_several(where, "FLAIR", flairs), *_strange_links(root, flairs[:1])]
    faults += _strange_links(root, [t1] if t1 else [])
    of_label = [f"{where}: {doubt}" for doubt in mask_doubts]
    of_label += [*_several(where, "mask", labels), *_strange_links(root, labels[:1])]
    doubt = () if t1 else tuple(path.name for path in t1s)
    scan = Scan(clinic, name, flairs[0] if flairs else home / "FLAIR.nii.gz", t1, doubt)
    label = labels[0] if labels else None
    return Subject(scan, label, split, (*faults, *of_label), label_faults=tuple(of_label))


def _several(where: str, kind: str, files: list[Path]) -> Iterator[str]:
    if len(files) > 1:
        names = printable(" and ".join(file.name for file in files))
        yield f"{where}: {len(files)} files may be its {kind} ({names}); keep one"


def _strange_links(root: Path, files: list[Path]) -> Iterator[str]:
    base = os.path.realpath(root)
    for file in files:
        if is_lost(file):
            yield f"{printable(file.relative_to(root))}: this is a link; {NOT_FETCHED}"
        elif not Path(os.path.realpath(file)).is_relative_to(base):
            what = "this link leads out of the folder; copy the file itself here"
            yield f"{printable(file.relative_to(root))}: {what}"


def unusable(clinic: str, person: Path, why: str, split: str = "training") -> Subject:
    """A subject that cannot be used, and ``why`` not."""
    return Subject(Scan(clinic, person.name, person / "FLAIR.nii.gz"), None, split, (why,))


def images_named(folder: Path, *stems: str) -> list[Path]:
    """The images of these names, in upper or lower case. Links that lead nowhere are among them."""
    if not folder.is_dir():
        return []
    wanted = {name.lower() for name in stems}
    return [path for path in images_in(folder) if stem(path).lower() in wanted]


def flairs_like(folder: Path) -> list[Path]:
    """The images whose names hold the word FLAIR, but for masks, brains and kdlib's own results."""
    return [
        path
        for path in images_in(folder)
        if "flair" in (name := stem(path).lower())
        and not any(word in name for word in NO_SCANS)
        and not is_own_result(path)
    ]


def with_labels(subject: Subject, name: str) -> Subject | None:
    """The subject with the labels in another file, called ``name``, beside its own labels.

    None if there is no such file, or more than one.
    """
    found = images_named(subject.label.parent, name) if subject.label else []
    return replace(subject, label=found[0]) if len(found) == 1 else None


def is_no_patient(folder: Path) -> bool:
    """Whether a folder belongs to no patient: hidden, beside them by BIDS, or filled by kdlib."""
    if folder.name[0] == "." or folder.name.lower() in NO_PATIENTS or is_own_derivative(folder):
        return True
    try:
        if own_report(folder / OWN_REPORT) is not None:
            return all(is_own_result(path) for path in images_in(folder)) and not any(
                path.is_dir() for path in folder.iterdir()
            )
        return (folder / STORE_FOLDER).is_dir() and any(folder.glob("*/scenario.json"))
    except OSError:
        return False


def own_report(path: Path) -> dict[str, Any] | None:
    """What a report says that kdlib wrote beside its results. None if the file is none or gone."""
    try:
        report = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(report, dict) or not {"scans", "left_out", "notice"} <= report.keys():
        return None
    scans = report["scans"]
    is_one = isinstance(scans, list) and all(isinstance(scan, dict) for scan in scans)
    return report if is_one else None


def is_own_derivative(folder: Path) -> bool:
    """Whether a folder is a BIDS derivative that kdlib wrote."""
    try:
        made_by = json.loads((folder / DESCRIPTION).read_bytes())["GeneratedBy"]
        return any(maker["Name"] == "kdlib" for maker in made_by)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def is_folder(path: Path) -> bool:
    """Whether this is a folder, or a link that leads nowhere and may have been one."""
    return path.is_dir() or (is_lost(path) and not path.suffix)


def closed(root: Path, person: Path) -> str:
    """Why one of a person's folders cannot be read; an empty text if all of them can."""
    if is_lost(person):
        return f"{printable(person.relative_to(root))}: this is a link; {NOT_FETCHED}"
    errors: list[OSError] = []
    for _ in os.walk(person, onerror=errors.append):
        pass
    names = [printable(Path(error.filename).relative_to(root)) for error in errors]
    return f"{names[0]}: no permission to read this folder; ask its owner" if names else ""


def loose_images(folder: Path, clinic: str, split: str = "training") -> Iterator[Subject]:
    """A subject that cannot be used for each image that lies beside the patients' folders.

    Masks and maps that kdlib wrote there are no scans. Images of other formats are named too.
    """
    for path in sorted(folder.iterdir()):
        name, kind = printable(path.name), ending(path)
        if path.is_dir() or name.startswith(".") or is_own_result(path):
            continue
        if kind:
            advice = f"move it into a folder of its own as FLAIR{kind}"
            what = f"{name}: this image lies beside the patients' folders; {advice}"
            yield unusable(clinic, path, what, split)
        elif other := other_format(path):
            what = f"{name}: this file beside the patients' folders is {other}, or move it away"
            yield unusable(clinic, path, what, split)
