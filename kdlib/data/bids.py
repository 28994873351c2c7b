"""Subjects of a folder in the BIDS layout."""

from collections.abc import Iterator
from pathlib import Path

from kdlib.data.subject_files import ENDINGS, closed, stem, subject_of, unusable
from kdlib.data.subjects import Subject


def bids_subjects(folder: Path, clinic: str) -> Iterator[Subject]:
    """``sub-*/[ses-*/]anat/*_FLAIR.nii.gz``, masks under ``derivatives/``; none in other layouts.

    A person without any FLAIR is a subject with that fault.
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
    """``sub-1_ses-2_FLAIR`` as {sub: 1, ses: 2}; empty where the name is not BIDS."""
    pairs = [part.partition("-") for part in stem(path).split("_")[:-1]]
    valid = path.name.endswith(ENDINGS) and all(dash for _, dash, _ in pairs)
    return {key: value for key, _, value in pairs} if valid else {}


def _belongs(path: Path, flair: Path) -> bool:
    """Whether a file is of the same session as a FLAIR, and not of another run."""
    ours, theirs = _entities(flair), _entities(path)
    return all(theirs.get(key) == ours.get(key) for key in ("sub", "ses")) and all(
        theirs.get(key, ours.get(key)) == ours.get(key) for key in ("acq", "run")
    )


def _closest(t1s: list[Path], flair: Path) -> list[Path]:
    """Those whose names differ least from a FLAIR's: in nothing, or not in acquisition and run.

    Else all but those of another run; an acquisition's name may be of one kind of image alone.
    """
    ours = _entities(flair)
    same = [path for path in t1s if _entities(path) == ours]
    alike = [p for p in t1s if all(_entities(p).get(k) == ours.get(k) for k in ("acq", "run"))]
    others = [p for p in t1s if len({_entities(p).get("run"), ours.get("run")} - {None}) < 2]
    return same or alike or others


def _lesion_masks(derived: list[Path]) -> list[Path]:
    """Those that say lesion or WMH; else those that do not say of what they are."""
    masks = [path for path in derived if stem(path).endswith(("_mask", "_dseg"))]
    named = [p for p in masks if any(word in p.name.lower() for word in ("lesion", "wmh"))]
    return named or [path for path in masks if not {"label", "desc"} & _entities(path).keys()]
