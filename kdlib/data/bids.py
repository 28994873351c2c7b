"""Subjects of a folder in the BIDS layout."""

from collections.abc import Iterator
from pathlib import Path

from kdlib.data.formats import ending, holds_a_scan, images_in, other_format, stem
from kdlib.data.subject_files import (
    closed,
    is_folder,
    is_no_patient,
    is_own_derivative,
    loose_images,
    subject_of,
    unusable,
)
from kdlib.data.subjects import Subject
from kdlib.errors import InputError, printable

# By the standard these are numbers: run-01 is run-1.
NUMBERED = ("run", "echo", "flip", "inv", "split", "chunk")
# A file of another one of these is of another scan of the session.
OF_A_SCAN = ("acq", "ce", "rec", "part", *NUMBERED)
OF_A_FLAIR = ("sub", "ses", *OF_A_SCAN)
FLAIR_NAME = "anat/sub-<name>[_ses-<name>]_FLAIR.nii.gz"


def bids_subjects(folder: Path, clinic: str) -> Iterator[Subject]:
    """Find subjects as ``sub-*/[ses-*/]anat/*_FLAIR.nii.gz``, and masks under ``derivatives/``.

    A folder in another layout has no such subjects. A person without a FLAIR is a subject whose
    ``faults`` say so.
    """
    if not is_bids(folder):
        return
    people = sorted(path for path in folder.glob("sub-*") if is_folder(path))
    derived = _derived(folder)
    for person in people:
        if why := closed(folder, person):
            yield unusable(clinic, person, why)
            continue
        yield from _of_person(folder, clinic, person, derived)
    yield from _others(folder, clinic, people)


def _of_person(folder: Path, clinic: str, person: Path, derived: list[Path]) -> Iterator[Subject]:
    """The subjects of a person's folder and sessions, and each FLAIR that is in none of them."""
    sessions = sorted(path for path in person.glob("ses-*") if is_folder(path))
    alone = (person / "anat").is_dir() or not sessions
    told = set[Path]()  # scans, and folders that are said to have none
    for home in [*([person] if alone else []), *sessions]:
        if why := closed(folder, home):
            yield unusable(clinic, person / f"{person.name}_{home.name}", why)
            continue
        for subject in _in_session(folder, clinic, home, derived):
            yield subject
            told.add(home if subject.scan.flair.parent == home else subject.scan.flair)
    for path in sorted(person.rglob("*")):
        if _looks_like_a_flair(path) and not told & {path, *path.parents}:
            where = printable(path.relative_to(folder))
            why = other_format(path) or f"not read; call it {FLAIR_NAME}"
            yield unusable(clinic, path, f"{where}: this FLAIR is {why}")


def _looks_like_a_flair(path: Path) -> bool:
    name = path.name.lower()
    kind = "_flair." in name and not name.startswith(".") and (ending(path) or other_format(path))
    return bool(kind) and not path.is_dir()


def is_bids(folder: Path) -> bool:
    """Whether a folder has participants with images, as a BIDS dataset has."""
    return any([*folder.glob("sub-*/anat/"), *folder.glob("sub-*/ses-*/anat/")])


def refuse_participant(folder: Path) -> None:
    """Raise ``InputError`` for a folder of one person or session, whose name would be lost."""
    if folder.name[:4] not in ("sub-", "ses-"):
        return
    if any(home.is_dir() for home in (folder / "anat", *folder.glob("ses-*/anat"))):
        what = "this is one participant of a BIDS dataset; name the dataset, or the FLAIR itself"
        raise InputError(f"{printable(folder)}: {what}")


def _derived(folder: Path) -> list[Path]:
    """The files of the derivatives, but for those that kdlib wrote: its answers are no labels."""
    files = [p for p in sorted(folder.glob("derivatives/**/sub-*")) if _entities(p)]
    homes = {path: _dataset_of(path, folder) for path in files}
    own = {home for home in set(homes.values()) if is_own_derivative(home)}
    return [path for path in files if homes[path] not in own]


def _dataset_of(path: Path, folder: Path) -> Path:
    """The folder inside ``folder`` that the folders of the participants lie in."""
    inside = [p for p in path.parents if p != folder and p.is_relative_to(folder)]
    return next((p.parent for p in reversed(inside) if p.name[:4] == "sub-"), path.parent)


def _others(folder: Path, clinic: str, people: list[Path]) -> Iterator[Subject]:
    """What lies beside the people of BIDS and looks like a patient."""
    for path in sorted(set(folder.iterdir()) - set(people)):
        if path.is_dir() and not is_no_patient(path) and holds_a_scan(path):
            what = "there are scans in it, but it is not called sub-<name>"
            yield unusable(clinic, path, f"{printable(path.name)}: {what}; rename or move it")
    yield from loose_images(folder, clinic)


def _in_session(folder: Path, clinic: str, home: Path, derived: list[Path]) -> Iterator[Subject]:
    """The subjects of a person's folder or of a session's. Each FLAIR is one."""
    anat = home / "anat"
    files = [p for p in images_in(anat) if _entities(p)] if anat.is_dir() else []
    flairs = [path for path in files if stem(path).endswith("_FLAIR")]
    if not flairs:
        name = "_".join(home.relative_to(folder).parts)
        yield subject_of(folder, clinic, name, [], home=home, flair_name=FLAIR_NAME)
    masks = {flair: _lesion_masks([p for p in derived if _belongs(p, flair)]) for flair in flairs}
    for flair in flairs:
        near = [path for path in derived if _belongs(path, flair)]
        t1s = [p for p in near if stem(p).endswith("_T1w") and "FLAIR" in stem(p)]
        t1s = t1s or [path for path in files if stem(path).endswith("_T1w")]
        yield subject_of(
            folder, clinic, stem(flair).removesuffix("_FLAIR"), [flair], _closest(t1s, flair),
            masks[flair], mask_doubts=_doubts(folder, flair, masks, derived),
        )  # fmt: skip


def _doubts(
    folder: Path, flair: Path, masks: dict[Path, list[Path]], derived: list[Path]
) -> Iterator[str]:
    """What is not clear about a FLAIR's mask. ``masks`` are those of all FLAIRs of its session."""
    for mask in masks[flair]:
        owners = [other for other, theirs in masks.items() if mask in theirs]
        if len(owners) > 1:
            what = f"its mask {printable(mask.name)} may belong to {len(owners)} FLAIRs"
            yield f"{what}; write in its name which run or acquisition it is of"
    if not masks[flair]:
        taken = {mask for theirs in masks.values() for mask in theirs}
        for mask in _says_lesion([p for p in derived if p not in taken]):
            if _of_session(mask, flair):
                what = f"the mask {printable(mask.name)} is of another run or acquisition"
                yield f"{what}; rename it, or move it away"
            elif _may_mean(folder, mask, flair):
                what = f"the mask {printable(mask.name)} names another participant or session"
                yield f"{what}; rename it, or move it away"


def _entities(path: Path) -> dict[str, str]:
    """Read ``sub-1_ses-2_run-01_FLAIR`` as {sub: 1, ses: 2, run: 1}.

    A name that is not BIDS gives no entries. A run is a number: 01 is the same as 1.
    """
    pairs = [part.partition("-") for part in stem(path).split("_")[:-1]]
    if not ending(path) or not all(dash for _, dash, _ in pairs):
        return {}
    found = {key: value for key, _, value in pairs}
    return {k: _number(v) if k in NUMBERED else v for k, v in found.items()}


def _number(value: str) -> str:
    return value.lstrip("0") or "0"


def _of_session(path: Path, flair: Path) -> bool:
    ours, theirs = _entities(flair), _entities(path)
    return all(theirs.get(key) == ours.get(key) for key in ("sub", "ses"))


def _may_mean(folder: Path, mask: Path, flair: Path) -> bool:
    """Whether a mask of a session that is not there may be of this FLAIR, as ses-1 of ses-01."""
    ours, theirs = _entities(flair), _entities(mask)
    home = folder / f"sub-{theirs['sub']}" / (f"ses-{theirs['ses']}" if "ses" in theirs else "")
    if (home / "anat").is_dir():
        return False
    both = ours.keys() & theirs.keys() & {"sub", "ses"}
    return all(_number(ours[key]).casefold() == _number(theirs[key]).casefold() for key in both)


def _belongs(path: Path, flair: Path) -> bool:
    """Whether a file is of a FLAIR's session, and not of another run or reconstruction."""
    ours, theirs = _entities(flair), _entities(path)
    return _of_session(path, flair) and all(
        theirs.get(key, ours.get(key)) == ours.get(key) for key in OF_A_SCAN
    )


def _closest(t1s: list[Path], flair: Path) -> list[Path]:
    """The T1s whose names are closest to the name of a FLAIR.

    The first choice has the same entities. The second has the same acquisition and run. The last
    is every T1 that is not of another run, since one image's name may leave out the acquisition.
    """
    ours = _entities(flair)
    same = [path for path in t1s if _entities(path) == ours]
    alike = [p for p in t1s if all(_entities(p).get(k) == ours.get(k) for k in ("acq", "run"))]
    others = [p for p in t1s if len({_entities(p).get("run"), ours.get("run")} - {None}) < 2]
    return same or alike or others


def _lesion_masks(derived: list[Path]) -> list[Path]:
    """The masks whose names say lesion or WMH, else those whose names do not say what they mark."""
    masks = [path for path in derived if stem(path).endswith(("_mask", "_dseg"))]
    unnamed = [path for path in masks if not {"label", "desc"} & _entities(path).keys()]
    return _says_lesion(masks) or unnamed


def _says_lesion(derived: list[Path]) -> list[Path]:
    masks = [path for path in derived if stem(path).endswith(("_mask", "_dseg"))]
    return [p for p in masks if any(word in _description(p) for word in ("lesion", "wmh"))]


def _description(path: Path) -> str:
    """A name without what says whose scan it is: a participant may be called sub-WMH01."""
    parts = stem(path).lower().split("_")
    return "_".join(part for part in parts if part.partition("-")[0] not in OF_A_FLAIR)
