"""Figures of the clinics: slices, intensity histograms and lesion volumes."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from kdlib.data.box import grey_between
from kdlib.data.labels import Label
from kdlib.record.arrays import Arrays, Key
from kdlib.report.figures import (
    BLACK,
    CLINIC_COLOURS,
    DARK,
    SCANS,
    STYLE,
    Picture,
    drawing,
    name_rows,
)
from kdlib.report.pictures import outline, show_slice


def clinic_slices(arrays: Arrays) -> Picture:
    """Slices of three subjects of each clinic, from little to much lesion. Each row is one clinic.

    All slices have the same grey scale, and the truth is outlined. ``arrays`` are those that
    ``kdlib.record.clinic_summary`` makes.
    """
    shown = {name: _subjects(arrays, name) for name in _clinics(arrays)}
    white = max(np.percentile(arrays[Key((n, s[-1]), "flair")], 99.5) for n, s in shown.items())
    columns = max(map(len, shown.values()))
    with mpl.rc_context(STYLE | SCANS):
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
    """Intensities inside the head, as scanned and as networks see them. Each line is one clinic."""
    names = {"intensity": "intensity as scanned", "normalised": "intensity after normalisation"}
    clinics = _clinics(arrays)
    with drawing(4.6, 2, 1) as (figure, both):
        for axes, (kind, label) in zip(both, names.items(), strict=True):
            edges = arrays[Key((), f"{kind}_edges")]
            middles = pd.Index((edges[1:] + edges[:-1]) / 2, name="intensity")
            counts = pd.DataFrame({name: arrays[Key((name,), kind)] for name in clinics}, middles)
            sns.histplot(
                counts.melt(var_name="clinic", value_name="voxels", ignore_index=False),
                x="intensity", hue="clinic", weights="voxels", bins=list(edges),
                stat="probability", common_norm=False, element="poly", fill=False, lw=2,
                palette=_colours(clinics), legend=axes is both[0], ax=axes,
            )  # fmt: skip
            axes.set(xlabel=label, ylabel="", yticks=[])
        columns = 3 if len(clinics) <= 3 else 2
        sns.move_legend(both[0], "lower center", bbox_to_anchor=(0.5, 1), ncols=columns, title=None)
        for text in both[0].get_legend().get_texts():
            text.set(text=text.get_text().capitalize(), parse_math=False)
        figure.supylabel("share of the head's voxels", fontsize=11)
    return Picture(figure)


def lesion_volumes(table: pd.DataFrame) -> Picture:
    """The lesion volumes of all subjects on a logarithmic axis, with the median of each clinic."""
    names = list(dict.fromkeys(table["clinic"]))
    drawn = table.assign(lesion_ml=table["lesion_ml"].clip(lower=0.05))
    with drawing(0.6 * len(names) + 0.9) as (figure, axes):
        places = {"x": "lesion_ml", "y": "clinic", "order": names, "ax": axes}
        sns.swarmplot(
            drawn, **places, hue="clinic", palette=_colours(names), size=5, alpha=0.6,
            log_scale=True, legend=False, warn_thresh=1,
        )  # fmt: skip
        sns.pointplot(
            drawn, **places, estimator="median", errorbar=None, linestyle="none", color=BLACK,
            marker="|", markersize=30, markeredgewidth=2,
        )  # fmt: skip
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set(xlabel="lesion volume (mL)", ylabel="")
        name_rows(axes, [name.capitalize() for name in names])
    return Picture(figure)


def _colours(clinics: list[str]) -> dict[str, str]:
    return {name: CLINIC_COLOURS.get(name, DARK) for name in clinics}


def _clinics(arrays: Arrays) -> list[str]:
    return [key.owner[0] for key in arrays if key.owner and key.part == "intensity"]


def _subjects(arrays: Arrays, clinic: str) -> list[str]:
    owners = [key.owner for key in arrays if key.part == "flair"]
    return [subject for name, subject in owners if name == clinic]
