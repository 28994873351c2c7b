"""The scan viewer. It shows one target scan in three planes, with truth, teacher and student."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from kdlib.data.image_file import write_volume
from kdlib.data.labels import Label
from kdlib.data.volume import Volume
from kdlib.record.results import Results
from kdlib.report.figures import Picture, drawing
from kdlib.report.pictures import TRUTH, show_slice
from kdlib.report.widgets.base import Explorer, coarser, script, source

# The truth has its colour of all pictures; the others have none that means found, missed or false.
COLOURS = {"truth": TRUTH, "teacher": "#f0e442", "student": "#ff5533"}
NIIVUE = Path("_static/vendor/niivue.umd.js")  # from the folder of a chapter


class ScanViewer(Explorer):
    """A list of views, and sliders for the slice and for the opacity (0 to 1) of each overlay."""

    _esm = script("scan.js")
    _css = source("explorers.css")
    view = traitlets.Unicode("three planes").tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)
    truth = traitlets.Float(0.6).tag(sync=True)
    teacher = traitlets.Float(0.5).tag(sync=True)
    student = traitlets.Float(0.5).tag(sync=True)

    def __init__(self, *arguments: Any, niivue: Path = NIIVUE, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.on_msg(lambda _, message, __: self._send_niivue(message, niivue))

    def _send_niivue(self, message: dict[str, Any], path: Path) -> None:
        """Send niivue from the kernel to the page. A live notebook has no files beside it."""
        if message.get("kind") != "niivue":
            return
        if path.exists():
            self.send({"kind": "niivue"}, [path.read_bytes()])
        else:
            reason = f"{path} is missing; 'python book/vendor.py' fetches it"
            self.send({"kind": "niivue", "reason": reason}, [])


def scan_viewer(results: Results) -> ScanViewer:
    """Make the viewer of the whole scan that a study kept.

    Raises ``InputError`` if it kept none.
    """
    (source_clinic, target, subject), scan = next(iter(results.explored("scan").items()))
    affine = scan.pop("affine")
    place = int((scan["truth"] == Label.LESION).sum(axis=(0, 1)).argmax())
    words = (
        f"Subject {subject} of {target.capitalize()}. The colours show the truth, the answer of "
        f"the teacher from {source_clinic.capitalize()}, and the answer of the student that it "
        "taught on unlabelled scans."
    )

    def arrays(levels: int) -> dict[str, NDArray[Any]]:
        shown = {key: (scan[key] == Label.LESION).astype(np.uint8) for key in COLOURS}
        shown |= {"flair": coarser(scan["flair"], levels)}
        return {key: nifti_bytes(array, affine) for key, array in shown.items()}

    return ScanViewer(
        arrays,
        _still(scan, place),
        words,
        facts={
            "overlays": [{"name": name, "colour": colour} for name, colour in COLOURS.items()],
            "slices": scan["flair"].shape[2],
            "words": words,
        },
        kind="scan",
        place=place,
    )


def nifti_bytes(array: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The bytes of an uncompressed NIfTI file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.nii"
        write_volume(path, Volume(array, affine))
        return np.frombuffer(path.read_bytes(), np.uint8)


def _still(scan: dict[str, NDArray[Any]], place: int) -> Picture:
    flair = scan["flair"][:, :, place]
    with drawing(2.6, 1, len(COLOURS), scans=True) as (figure, grid):
        for axes, (name, colour) in zip(grid, COLOURS.items(), strict=True):
            show_slice(axes, flair)
            outline = (scan[name][:, :, place] == Label.LESION).T
            if outline.any():
                axes.contour(outline, levels=[0.5], colors=[colour], linewidths=1)
            axes.set_title(name)
    return Picture(figure, "png")
