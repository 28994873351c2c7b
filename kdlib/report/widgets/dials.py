"""The explorer of dials: a part of the shift is turned, and the scan and every Dice follow."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from kdlib.data.box import grey
from kdlib.data.labels import Label
from kdlib.errors import InputError
from kdlib.evidence.adapting import dial_gains
from kdlib.record.arrays import Arrays, Key, by_owner
from kdlib.record.results import Results
from kdlib.report.figures import Picture, drawing
from kdlib.report.pictures import GREY_THRESHOLD, outline, show_slice
from kdlib.report.widgets.base import Explorer, greys_and_others, script, source
from kdlib.report.widgets.pairs import COLOURS, shared_window
from kdlib.simulator.dials import DIALLED, DIALS
from kdlib.study.arm import adapting, lower_bound

MOST_SUBJECTS = 3
ABOUT = {
    "contrast": "The times of the sequence move towards Singapore's and beyond.",
    "sharpness": "The scanner blurs more, and its slices are thicker.",
    "noise": "The scanner has more noise and a stronger bias field.",
    "view": "The field of view is taller and more of the face is cut off. As the scan is taller, "
    "its lesions are drawn anew, at about the same load.",
    "population": "The people have fewer lesions and less atrophy. Dice falls with the lesion load "
    "by itself, so that not all of the fall is a cost of the shift.",
    "reader": "The reader draws the borders of the same lesions wider. The scan stays as it was.",
}
HOW = (
    "Turn a dial yourself. Each slider is one part of the shift, and only one is turned at a time. "
    "The scan, the answer of the chosen method and the differences in Dice follow. A blue line is "
    "the truth where the scan stands alone. In an answer, blue is *found*, orange is *missed* and "
    "pink is *false*, as everywhere in this book."
)
NO_DIAL = "It needs a dial that was turned, and this study has none."
Scan = dict[str, NDArray[np.uint8]]


class DialsExplorer(Explorer):
    """A slider for each dial, of which one is turned, and lists for the method and the subject.

    ``dial`` is turned to ``level`` (0 to 2). ``arm`` is empty where the scan stands alone.
    """

    _esm = script("slices.js", "dials.js")
    _css = source("explorers.css")
    budget = 1_500_000
    dial = traitlets.Unicode().tag(sync=True)
    level = traitlets.Int(0).tag(sync=True)
    arm = traitlets.Unicode().tag(sync=True)
    subject = traitlets.Unicode().tag(sync=True)


@dataclass(frozen=True)
class Turned:
    """What a study of dials kept.

    Attributes:
        lower: the name of the lower bound.
        levels: for each dial its clinics by their levels; level 0 is the same of all dials.
        subjects: up to three who were scanned in most of the clinics, from little to much lesion.
        scans: for each (clinic, subject) a slice (x, y): ``flair``, ``truth`` (labels) and the
            answers of arms (probabilities as 0 to 255), of which a level without runs has none.
    """

    lower: str
    levels: dict[str, dict[int, str]]
    subjects: list[str]
    scans: dict[tuple[str, str], Scan]


def dials_explorer(results: Results) -> DialsExplorer:
    """Make the explorer of a study whose first pair is level 0 and whose others are dials.

    Raises ``InputError`` if the study turned no dial or has no lower bound.
    """
    turned = turned_of(results)
    arrays, scans = _pictures(turned)
    arms = [[name, arm.label, arm.colour] for name, arm in results.arms.items()]
    subject = turned.subjects[-1]
    dial = next(iter(turned.levels))
    return DialsExplorer(
        *greys_and_others(arrays),
        _still(turned, subject),
        f"A slice of subject {subject} as scanned, and with each dial turned as far as it goes. "
        "The blue line is the truth.",
        facts={
            "dials": [
                {"name": name, "about": ABOUT[name], "levels": list(map(list, clinics.items()))}
                for name, clinics in turned.levels.items()
            ],
            "arms": arms,
            "lower": turned.lower,
            "scores": dial_scores(results, turned.lower),
            "subjects": turned.subjects,
            "scans": scans,
            "dice": _dice_of(results, turned),
            "colours": COLOURS,
        },
        kind="dials",
        dial=dial,
        level=max(turned.levels[dial]),
        arm=[*adapting(results.arms), turned.lower][0],
        subject=subject,
    )


def turned_of(results: Results) -> Turned:
    """What a study kept. Raises ``InputError`` if it turned no dial or has no lower bound."""
    source_clinic, zero = results.study["pairs"][0]
    targets = [target for start, target in results.pairs if start == source_clinic]
    lower = lower_bound(results.arms)
    if lower is None or not DIALLED.keys() & set(targets):
        raise InputError(
            f"{results.folder}: no dial was turned against a lower bound; record the study dials"
        )
    scans = _scans(results, source_clinic)
    pictured = {clinic for clinic, _ in scans}
    levels = {
        dial: {0: zero}
        | {made.level: name for name, made in DIALLED.items() if made.dial == dial
           and name in {*targets, *pictured}}
        for dial in DIALS
        if any(made.dial == dial and name in targets for name, made in DIALLED.items())
    }  # fmt: skip
    used = {clinic for clinics in levels.values() for clinic in clinics.values()}
    known = results.subjects(source_clinic, zero)
    often = sorted(known, key=lambda s: -sum((clinic, s) in scans for clinic in used))
    subjects = [subject for subject in known if subject in often[:MOST_SUBJECTS]]
    kept = {k: scan for k, scan in scans.items() if k[0] in used and k[1] in subjects}
    return Turned(lower, levels, subjects, kept)


def dial_scores(results: Results, lower: str) -> dict[str, dict[str, dict[str, float | None]]]:
    """For each target and arm: its mean Dice ``dice``, and as ``dial_gains`` its difference.

    ``difference``, ``low`` and ``high`` are None for the lower bound, and where they are unknown.
    """
    means = results.scores.groupby(["target", "arm"], sort=False)["dice"].mean()
    others = [arm for arm in results.arms if arm != lower]
    gains = dial_gains(results.scores, others, lower).set_index(["target", "arm"])
    table = gains[["difference", "low", "high"]].reindex(means.index).assign(dice=means)
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for row in table.reset_index().to_dict("records"):
        values = {name: _known(row[name]) for name in ("difference", "low", "high", "dice")}
        found.setdefault(row["target"], {})[row["arm"]] = values
    return found


def _known(value: float) -> float | None:
    """A number that JSON can carry."""
    return round(float(value), 5) if np.isfinite(value) else None


def _scans(results: Results, source_clinic: str) -> dict[tuple[str, str], Scan]:
    """The slices of all clinics and subjects, with the answers where the study has them.

    A FLAIR is the clinics' own where it was kept, so that all levels have the same scale of grey.
    """
    scans = {
        (target, subject): results.example(source_clinic, target, subject)
        for start, target in results.pairs
        if start == source_clinic
        for subject in results.subjects(start, target)
    }
    for owner, own in by_owner(results.clinic_arrays).items():
        if "labels" in own:
            clinic, subject = owner
            shown = {"flair": grey(own["flair"], own["flair"] > 0), "truth": own["labels"]}
            scans[clinic, subject] = scans.get((clinic, subject), {}) | shown
    return scans


def _pictures(turned: Turned) -> tuple[Arrays, dict[str, dict[str, Any]]]:
    """All slices (row, column), and by clinic and subject the names of their arrays."""
    arrays = Arrays()
    names: dict[str, dict[str, Any]] = {}
    windows = {
        subject: shared_window([scan for k, scan in turned.scans.items() if k[1] == subject])
        for subject in turned.subjects
    }
    for (clinic, subject), scan in turned.scans.items():
        keys = {part: Key((clinic, subject), part) for part in scan}
        for part, key in keys.items():
            shown = scan[part][windows[subject]].T
            whole = part in ("flair", "truth")
            arrays[key] = shown if whole else (shown >= GREY_THRESHOLD).astype(np.uint8)
        names.setdefault(clinic, {})[subject] = {part: str(key) for part, key in keys.items()}
    return arrays, names


def _dice_of(results: Results, turned: Turned) -> dict[str, dict[str, dict[str, float]]]:
    """The Dice of the whole scan by target, subject and arm, with the seeds averaged."""
    rows = results.scores.assign(subject=results.scores["subject"].astype(str))
    means = rows[rows["subject"].isin(turned.subjects)]
    table = means.groupby(["target", "subject", "arm"])["dice"].mean().round(5)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in table.reset_index().to_dict("records"):
        own = found.setdefault(row["target"], {}).setdefault(row["subject"], {})
        own[row["arm"]] = row["dice"]
    return found


def _still(turned: Turned, subject: str) -> Picture:
    zero = next(iter(turned.levels.values()))[0]
    farthest = {
        f"{d} {max(clinics)}": clinics[max(clinics)] for d, clinics in turned.levels.items()
    }
    panels = {
        title: turned.scans[clinic, subject]
        for title, clinic in ({"no dial": zero} | farthest).items()
        if (clinic, subject) in turned.scans
    }
    window = shared_window(list(panels.values()))
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    with drawing(1.65 * rows, rows, columns, scans=True, squeeze=False) as (figure, grid):
        for axes in grid.ravel():
            axes.set_visible(False)
        for axes, (title, scan) in zip(grid.ravel(), panels.items(), strict=False):
            axes.set_visible(True)
            show_slice(axes, scan["flair"][window])
            outline(axes, scan["truth"][window] == Label.LESION)
            axes.set_title(title)
    return Picture(figure, "png")
