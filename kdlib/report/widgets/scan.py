"""The scan viewer. It shows a target scan in three planes, as teacher and student answer it."""

from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from kdlib.data.labels import Label
from kdlib.errors import InputError
from kdlib.record.results import Results
from kdlib.report.figures import Picture, drawing
from kdlib.report.pictures import overlap, show_slice
from kdlib.report.widgets.base import Explorer, script, source
from kdlib.report.widgets.carried import ANSWERS, scan_files, senders
from kdlib.report.widgets.pairs import COLOURS

NIIVUE = Path("_static/vendor/niivue.umd.js")  # from the folder of a chapter


class ScanViewer(Explorer):
    """Lists for the pair, the subject and the view, and sliders for the slice and the opacity.

    ``pair`` is "source target". ``opacity`` (0 to 1) is that of the colours.
    """

    _esm = script("slices.js", "files.js", "planes.js", "scan.js")
    _css = source("explorers.css")
    pair = traitlets.Unicode().tag(sync=True)
    subject = traitlets.Unicode().tag(sync=True)
    view = traitlets.Unicode("three planes").tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)
    opacity = traitlets.Float(0.8).tag(sync=True)


def scan_viewer(results: Results, niivue: Path = NIIVUE) -> ScanViewer:
    """Make the viewer of the whole scans that a study kept.

    ``niivue`` is the script that draws scans, which a live notebook gets from the kernel. Raises
    ``InputError`` if the study kept no scan.
    """
    (source_clinic, target, subject), scan = next(iter(results.explored("scan").items()))
    files = scan_files(results)
    place = files[0].facts["fullest"]

    return ScanViewer(
        {},
        {},
        _still(scan, place),
        f"Subject {subject} of {target.capitalize()}: the truth, and what the teacher from "
        f"{source_clinic.capitalize()} and the student that it taught on unlabelled scans found "
        "(blue), missed (orange) and marked although there is no lesion (pink).",
        senders(files) | {"niivue": lambda: _script(niivue)},
        facts={"scans": [file.facts for file in files], "colours": COLOURS},
        kind="scan",
        pair=f"{source_clinic} {target}",
        subject=subject,
        place=place,
    )


def _script(path: Path) -> bytes:
    if not path.exists():
        raise InputError(f"{path} is missing; 'python book/vendor.py' fetches it")
    return path.read_bytes()


def _still(scan: dict[str, NDArray[Any]], place: int) -> Picture:
    flair, truth = scan["flair"][:, :, place], scan["truth"][:, :, place]
    shown = {"truth": {"found": truth == Label.LESION}}
    for name in ANSWERS:
        shown[name] = overlap(truth, (scan[name][:, :, place] == Label.LESION) * np.uint8(255))
    with drawing(2.6, 1, len(shown), scans=True) as (figure, grid):
        for axes, (name, kinds) in zip(grid, shown.items(), strict=True):
            show_slice(axes, flair)
            for kind, voxels in kinds.items():
                if voxels.any():
                    axes.contour(voxels.T, levels=[0.5], colors=[COLOURS[kind]], linewidths=1)
            axes.set_title(name)
    return Picture(figure, "png")
