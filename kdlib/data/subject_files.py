"""Find the files of one subject by their names, and say which have a wrong name or place."""

import os
from collections.abc import Iterable
from pathlib import Path

from kdlib.data.subjects import Scan, Subject
from kdlib.errors import printable

ENDINGS = (".nii.gz", ".nii")
# Results are named by the id with up to 30 bytes more. A file's name can have 255 bytes.
LONGEST_ID = 200


def subject_of(
    root: Path, clinic: str, name: str, flairs: list[Path], t1s: Iterable[Path] = (),
    labels: Iterable[Path] = (), split: str = "training", home: Path | None = None,
) -> Subject:  # fmt: skip
    """A subject, made from the files that may belong to it, and what is wrong with these files."""
    t1s, labels, home = list(t1s), list(labels), home or root / name
    where = printable(home.relative_to(root) if home != root else name)
    faults = (
        [] if flairs else [f"{where}: there is no FLAIR.nii.gz; add it or leave the folder out"]
    )
    for kind, files in (("FLAIR", flairs), ("mask", labels)):
        if len(files) > 1:
            names = printable(" and ".join(file.name for file in files))
            faults.append(f"{where}: {len(files)} files may be its {kind} ({names}); keep one")
    if not name.isprintable() or len(name.encode(errors="replace")) > LONGEST_ID:
        faults.append(f"{where[:80]}: its name is too long or has unprintable letters; rename it")
    t1 = t1s[0] if len(t1s) == 1 else None  # Of several nobody knows which to read.
    used = [*flairs[:1], *([t1] if t1 else []), *labels[:1]]
    base = os.path.realpath(root)
    for file in used:
        if not Path(os.path.realpath(file)).is_relative_to(base):
            what = "this link leads out of the folder; copy the file itself here"
            faults.append(f"{printable(file.relative_to(root))}: {what}")
    doubt = () if t1 else tuple(path.name for path in t1s)
    scan = Scan(clinic, name, flairs[0] if flairs else home / "FLAIR.nii.gz", t1, doubt)
    return Subject(scan, labels[0] if labels else None, split, tuple(faults))


def closed(root: Path, person: Path) -> str:
    """A message if one of a person's folders may not be read; else an empty text."""
    errors: list[OSError] = []
    for _ in os.walk(person, onerror=errors.append):
        pass
    names = [printable(Path(error.filename).relative_to(root)) for error in errors]
    return f"{names[0]}: no permission to read this folder; ask its owner" if names else ""


def unusable(clinic: str, person: Path, why: str, split: str = "training") -> Subject:
    """A subject that cannot be used, and ``why`` not."""
    return Subject(Scan(clinic, person.name, person / "FLAIR.nii.gz"), None, split, (why,))


def images_named(folder: Path, *stems: str) -> list[Path]:
    """The NIfTI files of these names. Broken links are among them."""
    paths = [folder / f"{stem}{ending}" for stem in stems for ending in ENDINGS]
    return [path for path in paths if os.path.lexists(path)]


def stem(path: Path) -> str:
    """The file's name without its ending."""
    return path.name.removesuffix(".gz").removesuffix(".nii")
