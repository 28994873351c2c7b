"""Whole scans as files, which a page loads only when a reader asks for them."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdlib.data.image_file import write_volume
from kdlib.data.labels import Label
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from kdlib.evidence.verdicts import count_of
from kdlib.record.arrays import Key
from kdlib.record.results import Results
from kdlib.report.widgets.base import pack_within

SCANS_BUDGET = 1_900_000  # packed bytes of all files; with all of them a page has at most 5 MB
HEADER = 352  # bytes of a NIfTI file before its first voxel
ANSWERS = ("teacher", "student")


@dataclass(frozen=True)
class ScanFile:
    """One target scan with its answers, packed for a browser.

    Attributes:
        name: the name of the file, without an ending.
        packed: the arrays, gzipped, as ``kdlib.report.widgets.base.pack_within`` makes them.
        facts: what an explorer needs to know of it before it has the file: ``file``, ``target``,
            ``subject``, ``contents``, ``slices``, ``fullest`` (the slice with most lesion), and the
            names of the arrays: ``pictures`` by source, and ``answers`` by source and arm.
    """

    name: str
    packed: bytes
    facts: dict[str, Any]


@cache
def scan_files(results: Results) -> list[ScanFile]:
    """The files of all whole scans of a study, first the first pair's. None if it kept no scan."""
    try:
        scans = results.explored("scan")
    except InputError:
        return []
    people = list(dict.fromkeys(owner[1:] for owner in scans))
    budget = SCANS_BUDGET // len(people)
    return [_file(results, f"scan-{i}", one, budget) for i, one in enumerate(people)]


def scans_words(results: Results) -> str:
    """How many whole scans the explorers have, in a sentence."""
    count = len(scan_files(results))
    if not count:
        return "This study kept no whole scan."
    clinics = len({file.facts["target"] for file in scan_files(results)})
    return (
        f"There are {count_of(count, 'whole scan')} of {count_of(clinics, 'clinic')} to look"
        " through. Of the other subjects there is one slice."
    )


def senders(files: list[ScanFile]) -> dict[str, Callable[[], bytes]]:
    """The files by name, as an ``Explorer`` takes them."""
    return {file.name: partial(bytes, file.packed) for file in files}


def _file(results: Results, name: str, person: tuple[str, ...], budget: int) -> ScanFile:
    own = {o[0]: scan for o, scan in results.explored("scan").items() if o[1:] == person}
    answers = {o[0]: found for o, found in results.answers.items() if o[1:] == person}
    first = next(iter(own.values()))
    lesion = first["truth"] == Label.LESION
    shown = {"header": nifti_bytes(first["flair"], first["affine"])[:HEADER]}
    shown["truth"] = _turned(first["truth"])
    for source, scan in own.items():
        shown |= {
            str(Key((source,), part)): _turned(scan[part] == Label.LESION) for part in ANSWERS
        }
    for source, found in answers.items():
        shown |= {str(Key((source, "answers"), arm)): _turned(a) for arm, a in found.items()}
    packed, contents = pack_within(budget, {"flair": _turned(first["flair"])}, shown)
    facts = {
        "file": name,
        "target": person[0],
        "subject": person[1],
        "contents": contents,
        "slices": first["flair"].shape[2],
        "fullest": int(lesion.sum(axis=(0, 1)).argmax()),
        "pictures": {s: {part: str(Key((s,), part)) for part in ANSWERS} for s in own},
        "answers": {
            s: {arm: str(Key((s, "answers"), arm)) for arm in found} for s, found in answers.items()
        },
    }
    return ScanFile(name, packed, facts)


def _turned(array: NDArray[Any]) -> NDArray[np.uint8]:
    """An array (x, y, z) as (slice, row, column), which is the order of voxels in NIfTI files."""
    return array.transpose(2, 1, 0).astype(np.uint8)


def nifti_bytes(array: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The bytes of an uncompressed NIfTI file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.nii"
        write_volume(path, Volume(array, affine))
        return np.frombuffer(path.read_bytes(), np.uint8)
