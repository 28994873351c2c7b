"""What the clinics look like: slices, intensity histograms and lesion volumes."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kdlib.data.box import grey_between
from kdlib.data.labels import Label
from kdlib.record.arrays import Arrays, Key
from kdlib.report.figures import CLINIC_COLOURS, STYLE, Picture, drawing, name_rows
from kdlib.report.pictures import outline, show_slice


def clinic_slices(arrays: Arrays) -> Picture:
    """A row per clinic: three subjects from little to much lesion, in one grey scale for all.

    The truth is outlined. ``arrays`` as ``kdlib.record.clinic_summary`` gives.
    """
    shown = {name: _subjects(arrays, name) for name in _clinics(arrays)}
    white = max(np.percentile(arrays[Key((n, s[-1]), "flair")], 99.5) for n, s in shown.items())
    columns = max(map(len, shown.values()))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2.0 * columns, 2.4 * len(shown)), layout="constrained")
        grid = figure.subplots(len(shown), columns, squeeze=False)
        for row, (name, subjects) in zip(grid, shown.items(), strict=True):
            row[0].set_ylabel(name.capitalize(), fontsize=13)
            for axes, subject in zip(row, subjects, strict=False):
                flair = arrays[Key((name, subject), "flair")]
                show_slice(axes, grey_between(flair, 0.0, float(white)))
                outline(axes, arrays[Key((name, subject), "labels")] == Label.LESION)
    return Picture(figure, "png")


def intensity_histograms(arrays: Arrays) -> Picture:
    """Intensities inside the head, a line a clinic: as scanned, and as a network sees them."""
    names = {"intensity": "intensity as scanned", "normalised": "intensity after normalisation"}
    with drawing(4.6, 2, 1) as (figure, both):
        for axes, (kind, label) in zip(both, names.items(), strict=True):
            edges = arrays[Key((), f"{kind}_edges")]
            middles = (edges[1:] + edges[:-1]) / 2
            for clinic in _clinics(arrays):
                counts = arrays[Key((clinic,), kind)]
                colour = CLINIC_COLOURS.get(clinic, "#666666")
                axes.plot(
                    middles, counts / counts.sum(), color=colour, lw=2, label=clinic.capitalize()
                )
            axes.set_xlabel(label)
            axes.set_yticks([])
        both[0].legend()
        figure.supylabel("share of the head's voxels", fontsize=11)
    return Picture(figure)


def lesion_volumes(table: pd.DataFrame) -> Picture:
    """Lesion volume of every subject, a row a clinic, with the median; logarithmic."""
    names = list(dict.fromkeys(table["clinic"]))
    with drawing(0.7 * len(names) + 0.9) as (figure, axes):
        for row, name in enumerate(names):
            volumes = table.loc[table["clinic"] == name, "lesion_ml"].clip(lower=0.05)
            colour = CLINIC_COLOURS.get(name, "#666666")
            heights = row + np.linspace(-0.2, 0.2, 5)[np.arange(len(volumes)) % 5]
            axes.scatter(volumes, heights, s=22, color=colour, alpha=0.6, lw=0)
            axes.plot([volumes.median()] * 2, [row - 0.35, row + 0.35], color="#222222", lw=2)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel("lesion volume (mL)")
        name_rows(axes, [name.capitalize() for name in names])
    return Picture(figure)


def _clinics(arrays: Arrays) -> list[str]:
    return [key.owner[0] for key in arrays if key.owner and key.part == "intensity"]


def _subjects(arrays: Arrays, clinic: str) -> list[str]:
    owners = [key.owner for key in arrays if key.part == "flair"]
    return [subject for name, subject in owners if name == clinic]
