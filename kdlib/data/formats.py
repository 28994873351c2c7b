"""Which files are images, by their names, and how the other formats can be converted."""

import os
from collections.abc import Iterator
from pathlib import Path

from kdlib.errors import printable

# Read in upper and in lower case. An .img file has its header beside it, in an .hdr file.
ENDINGS = (".nii.gz", ".nii", ".mgz", ".mgh", ".img.gz", ".img")
_PAIRS = {".img.gz": ".hdr.gz", ".img": ".hdr"}
# What else may hold a scan, and what to do with it.
CONVERTERS = {
    ".dcm": "DICOM; convert it with dcm2niix",
    ".ima": "DICOM; convert it with dcm2niix",
    ".par": "Philips PAR/REC; convert it with dcm2niix",
    ".rec": "Philips PAR/REC; convert it with dcm2niix",
    ".nrrd": "NRRD; convert it to .nii.gz with c3d or SimpleITK",
    ".nhdr": "NRRD; convert it to .nii.gz with c3d or SimpleITK",
    ".mha": "MetaImage; convert it to .nii.gz with c3d or SimpleITK",
    ".mhd": "MetaImage; convert it to .nii.gz with c3d or SimpleITK",
    ".mnc": "MINC; convert it to .nii.gz with mnc2nii",
    ".mnc.gz": "MINC; convert it to .nii.gz with mnc2nii",
    ".head": "AFNI; convert it to .nii.gz with 3dAFNItoNIFTI",
    ".hdr": "half of a pair; put the .img file beside it",
    ".zip": "packed; unpack it",
    ".tar": "packed; unpack it",
    ".tgz": "packed; unpack it",
    ".tar.gz": "packed; unpack it",
    ".nii.bz2": "packed; unpack it",
    ".nii.xz": "packed; unpack it",
    ".nii.zst": "packed; unpack it",
    ".7z": "packed; unpack it",
}
# Of the results that kdlib writes: in plain folders, and as a derivative of a BIDS dataset.
OWN_ENDINGS = (
    "_lesion_mask", "_lesion_probability", "_brain_mask",
    "_label-WMH_mask", "_label-WMH_probseg", "_desc-brain_mask",
)  # fmt: skip
NOT_FETCHED = "its content is not here; fetch it, for example with 'datalad get'"
_LOOKED_AT = 200  # files of a folder without a scan that are looked at


def ending(path: Path) -> str:
    """The ending of an image's name in lower case, or an empty text if it is no image."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), "")


def stem(path: Path) -> str:
    """The file's name without its ending. An .hdr file counts as an image here."""
    name = path.name.lower()
    kinds = (kind for kind in (*ENDINGS, *_PAIRS.values()) if name.endswith(kind))
    return path.name[: len(path.name) - len(next(kinds, ""))]


def is_own_result(path: Path) -> bool:
    """Whether a file has the name of a mask or a map that kdlib wrote."""
    return bool(ending(path)) and stem(path).endswith(OWN_ENDINGS)


def parts_of(path: Path) -> list[Path]:
    """The files that an image consists of, its header first: one, or two for .hdr and .img."""
    if not path.name.lower().endswith((*_PAIRS, *_PAIRS.values())):
        return [path]
    headers = _beside(path, tuple(_PAIRS.values()))
    images = _beside(path, tuple(_PAIRS))
    return [*headers[:1], *images[:1]] if headers and images else [path]


def is_lost(path: Path) -> bool:
    """Whether a path is a link that leads nowhere, such as one whose content was not fetched."""
    return path.is_symlink() and not path.exists()


def images_in(folder: Path) -> list[Path]:
    """The images that lie directly in a folder, sorted. Links that lead nowhere are among them.

    Hidden files are not: a Mac writes ``._FLAIR.nii.gz`` beside a file, which is no image.
    """
    files = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in files if ending(path) and not path.is_dir())


def holds_a_scan(folder: Path) -> bool:
    """Whether a folder, or a folder in it, holds an image, of a format that can be read or not."""
    return any(ending(path) or other_format(path) for path in _some_files(folder))


def what_is_there(folder: Path, flair_name: str) -> str:
    """What a folder without a usable scan holds in place of one, and what to do about it."""
    files = list(_some_files(folder))
    for path in files:
        if is_lost(path):
            return f"{_within(folder, path)} is a link; {NOT_FETCHED}"
    for path in files:
        if kind := other_format(path):
            return f"{_within(folder, path)} is {kind}"
    for path in files:
        deeper = path.parent != folder and "/" not in flair_name
        if stem(path).lower() == "flair" and deeper:
            where = f"{folder.name}_{path.parent.name}/{path.name}"
            return f"{_within(folder, path)} lies a folder too deep; move it to {where}"
    names = [_within(folder, path) for path in files if ending(path)]
    if names:
        listed = ", ".join(names[:3]) + ", ..." * (len(names) > 3)
        return f"it has {listed}; name the FLAIR {flair_name}"
    return f"{'add' if files else 'it is empty; fetch or add'} {flair_name} or leave the folder out"


def other_format(path: Path) -> str:
    """What a file is that may hold a scan but cannot be read, and what to do. Else nothing."""
    kinds = sorted(CONVERTERS, key=len, reverse=True)
    for kind in kinds:
        if path.name.lower().endswith(kind) and len(parts_of(path)) == 1:
            return CONVERTERS[kind]
    return CONVERTERS[".dcm"] if not ending(path) and _is_dicom(path) else ""


def _is_dicom(path: Path) -> bool:
    if not path.is_file():  # a pipe would be waited for
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _some_files(folder: Path) -> Iterator[Path]:
    """Some files of a folder and the folders in it, but for hidden ones."""
    count = 0
    for home, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if count == _LOOKED_AT:
                return
            if not name.startswith("."):
                count += 1
                yield Path(home, name)


def _beside(path: Path, endings: tuple[str, ...]) -> list[Path]:
    """The files that differ from ``path`` in their ending only, which is one of ``endings``."""
    try:
        return sorted(
            other
            for other in path.parent.iterdir()
            if stem(other) == stem(path) and other.name[len(stem(path)) :].lower() in endings
        )
    except OSError:
        return []


def _within(folder: Path, path: Path) -> str:
    return printable(path.relative_to(folder))
