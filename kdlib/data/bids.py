"""Subjects of a folder in the BIDS layout."""

from collections.abc import Iterator
from pathlib import Path

from kdlib.data.subject_files import ENDINGS, closed, stem, subject_of, unusable
from kdlib.data.subjects import Subject


def bids_subjects(folder: Path, clinic: str) -> Iterator[Subject]:
    """Find subjects as ``sub-*/[ses-*/]anat/*_FLAIR.nii.gz``, and masks under ``derivatives/``.

    A folder in another layout has no such subjects. A person without a FLAIR is a subject whose
    ``faults`` say so.
    """
    derived = [path for path in sorted(folder.glob("derivatives/**/sub-*.nii*")) if _entities(path)]
    people = sorted(path for path in folder.glob("sub-*") if path.is_dir())
    anatomies = {p: sorted([*p.glob("anat"), *p.glob("ses-*/anat")]) for p in people}
    if not any(anatomies.values()):
        return
    for person, homes in anatomies.items():
        if why := closed(folder, person):
            yield unusable(clinic, person, why)
        elif not homes:
            yield subject_of(folder, clinic, person.name, [])
        else:
            for home in homes:
                yield from _in_anatomy(folder, clinic, home, derived)


def _in_anatomy(folder: Path, clinic: str, home: Path, derived: list[Path]) -> Iterator[Subject]:
    files = [path for path in sorted(home.glob("sub-*.nii*")) if _entities(path)]
    flairs = [path for path in files if stem(path).endswith("_FLAIR")]
    if not flairs:
        yield subject_of(folder, clinic, "_".join(home.relative_to(folder).parts[:-1]), [])
    for flair in flairs:
        near = [path for path in derived if _belongs(path, flair)]
        t1s = [p for p in near if stem(p).endswith("_T1w") and "FLAIR" in stem(p)]
        t1s = t1s or [path for path in files if stem(path).endswith("_T1w")]
        name = stem(flair).removesuffix("_FLAIR")
        yield subject_of(folder, clinic, name, [flair], _closest(t1s, flair), _lesion_masks(near))


def _entities(path: Path) -> dict[str, str]:
    """Read ``sub-1_ses-2_FLAIR`` as {sub: 1, ses: 2}. A name that is not BIDS gives no entries."""
    pairs = [part.partition("-") for part in stem(path).split("_")[:-1]]
    valid = path.name.endswith(ENDINGS) and all(dash for _, dash, _ in pairs)
    return {key: value for key, _, value in pairs} if valid else {}


def _belongs(path: Path, flair: Path) -> bool:
    """Whether a file belongs to the session of a FLAIR, and not to another run."""
    ours, theirs = _entities(flair), _entities(path)
    return all(theirs.get(key) == ours.get(key) for key in ("sub", "ses")) and all(
        theirs.get(key, ours.get(key)) == ours.get(key) for key in ("acq", "run")
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
    named = [p for p in masks if any(word in p.name.lower() for word in ("lesion", "wmh"))]
    return named or [path for path in masks if not {"label", "desc"} & _entities(path).keys()]
