"""The report on a clinic's own scans: ``report.html``, one file for any browser, and its numbers.

Every text in the page is escaped; it runs no script and loads nothing.
"""

import json
import math
import shutil
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from kdlib.data.slices import foreground
from kdlib.data.volume import Volume, to_lps
from kdlib.files import atomic, write_text
from kdlib.runs import Run
from kdlib.segmentation import Answer, teacher_at_hand

Mask = NDArray[np.bool_]
SHOWN = (0.15, 0.5, 0.85)  # slices at these shares of the lesion volume, from below
DISCLAIMER = "For research only. Not a medical device; not for diagnosis or treatment."
METRICS = {
    "dice": ("Dice", ".2f"),
    "hd95_mm": ("H95 (mm)", ".1f"),
    "avd_percent": ("volume difference (%)", ".0f"),
    "lesion_recall": ("lesion recall", ".2f"),
    "lesion_f1": ("lesion F1", ".2f"),
}


def write_report(
    folder: Path, about: dict[str, Any], answers: Iterable[Answer], left_out: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Write ``report.html`` and ``report.json`` into ``folder`` as the answers come; their facts.

    ``about``: ``title`` and ``what`` (a sentence), ``result`` (what its network is called),
    ``settings`` (name to value) and ``runs`` (name to provenance). ``left_out``: a line each. Of
    every scan only its facts are kept in memory; the pictures wait on the disk.
    """
    facts = []
    with TemporaryFile("w+", encoding="utf-8") as sections:
        for answer in answers:
            facts.append(answer.facts)
            sections.write(_section(answer))
        sections.seek(0)
        with (
            atomic(folder / "report.html") as temporary,
            temporary.open("w", encoding="utf-8") as page,
        ):
            page.write(_top(about, facts, left_out))
            shutil.copyfileobj(sections, page)
            page.write(_bottom(about))
    written = {**about, "left_out": list(left_out), "scans": facts, "notice": DISCLAIMER}
    write_text(folder / "report.json", json.dumps(_without_nan(written), indent=1))
    return facts


def about(runs: Sequence[Run], what: str) -> dict[str, Any]:
    """What a report says of the runs (one per scan) behind it."""
    first = runs[0].scenario
    made = {run.directory.name: run for run in runs}
    teachers = [teacher_at_hand(run) for run in made.values()]
    made |= {teacher.directory.name: teacher for teacher in teachers if teacher}
    return {
        "title": f"White matter hyperintensities in {len(runs)} scan{'s' * (len(runs) > 1)}",
        "what": what,
        "result": "student" if first.method == "distillation" else "network",
        "settings": first.changed(subject=None).model_dump(mode="json"),
        "runs": {name: run.provenance for name, run in made.items()},
    }


def picture(flair: NDArray, masks: dict[str, Mask], spacing_mm: tuple[float, float]) -> str:
    """A slice (x, y) of axes LPS as SVG: the FLAIR in grey, the border of each mask over it."""
    width, height = flair.shape
    x, y = spacing_mm
    buffer = BytesIO()
    matplotlib.image.imsave(buffer, flair.T, cmap="gray", vmin=0, vmax=255, format="png")
    image = f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
    borders = "".join(f'<path class="{name}" d="{border(m)}"/>' for name, m in masks.items())
    return (
        f'<svg viewBox="0 0 {width * x:.2f} {height * y:.2f}" role="img">'
        f'<g transform="scale({x:.4f} {y:.4f})"><image href="{image}" width="{width}" '
        f'height="{height}" preserveAspectRatio="none"/>{borders}</g></svg>'
    )


def border(mask: Mask) -> str:
    """The edges between the voxels (x, y) of a mask and the others, as an SVG path."""
    padded = np.pad(mask, 1)
    right = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    down = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    return "".join([f"M{x} {y}v1" for x, y in right] + [f"M{x} {y}h1" for x, y in down])


def shown_slices(weight: NDArray[np.floating]) -> list[int]:
    """The slices where ``SHOWN`` shares of all ``weight`` (a number per slice) are reached."""
    summed = np.cumsum(weight)
    return sorted({int(np.searchsorted(summed, share * summed[-1])) for share in SHOWN})


def _section(answer: Answer) -> str:
    """One scan: its pictures, from the feet upwards."""
    flair = to_lps(answer.flair)
    masks = {
        name: to_lps(Volume(mask, answer.flair.affine)).array for name, mask in answer.masks.items()
    }
    head = foreground(flair.array)
    lesion = np.any(list(masks.values()), axis=0)
    here = lesion & head
    weight = (here if here.any() else head).sum(axis=(0, 1)).astype(float)
    window = _window(head)
    grey = _grey(flair.array, head)
    figures = []
    for z in shown_slices(weight):
        plane = (*window, z)
        borders = {name: mask[plane] for name, mask in masks.items()}
        drawn = picture(grey[plane], borders, flair.spacing_mm[:2])
        place = f"slice {z + 1} of {flair.array.shape[2]}"
        figures.append(f"<figure>{drawn}<figcaption>{place}</figcaption></figure>")
    name = escape(answer.facts["subject"])
    none = "" if lesion.any() else "<p>No lesion found.</p>"
    return f"<section><h3>{name}</h3>{none}<div class='row'>{''.join(figures)}</div></section>"


def _window(head: Mask, margin: int = 4) -> tuple[slice, slice]:
    """The part of every slice that holds the head."""
    if not head.any():
        return slice(None), slice(None)
    spans = [np.flatnonzero(head.any(axis=axes)) for axes in ((1, 2), (0, 2))]
    x, y = (slice(max(span[0] - margin, 0), span[-1] + margin + 1) for span in spans)
    return x, y


def _grey(array: NDArray, head: Mask) -> NDArray[np.uint8]:
    inside = array[head] if head.any() else array
    low, high = float(np.percentile(array, 1)), float(np.percentile(inside, 99.8))
    return ((array - low) / max(high - low, 1e-9) * 255).clip(0, 255).astype(np.uint8)


def _top(about: dict[str, Any], facts: list[dict[str, Any]], left_out: Sequence[str]) -> str:
    names = {"result": about["result"], "teacher": "teacher", "truth": "truth"}
    kinds = [kind for kind in names if any(kind in fact["lesion_ml"] for fact in facts)]
    boxes = "".join(f'<input type="checkbox" id="show-{kind}" checked>' for kind in kinds)
    labels = "".join(
        f'<label for="show-{k}" class="{k}"><span></span>{escape(names[k])}</label>' for k in kinds
    )
    problems = "".join(f"<li>{escape(line.strip())}</li>" for line in left_out)
    gone = f"<h2>Left out</h2><ul class='wrong'>{problems}</ul>" if left_out else ""
    style = (files("kdlib.report") / "scan_report.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(about['title'])}</title><style>{style}</style></head><body>{boxes}"
        f"<main><h1>{escape(about['title'])}</h1><p>{escape(about['what'])}</p>"
        f'<p class="notice">{DISCLAIMER}</p>{gone}'
        f"<h2>Found</h2>{_table(facts, names)}{_scores(facts, names)}"
        f"<h2>Scans</h2><p>Axial slices, the patient's left on the right; lesion borders of:</p>"
        f'<p class="legend">{labels}</p>'
    )


def _table(facts: list[dict[str, Any]], names: dict[str, str]) -> str:
    differs = any(fact["difference"] for fact in facts)
    kinds = [kind for kind in names if any(kind in fact["lesion_ml"] for fact in facts)]
    head = ["scan", "voxel (mm)"]
    head += [f"lesion (mL), {names[kind]}" for kind in kinds]
    head += [f"lesions, {names[kind]}" for kind in kinds]
    head += ["Dice with teacher", "added (mL)", "removed (mL)"] if differs else []
    rows = []
    for fact in facts:
        row = [fact["subject"], "×".join(f"{edge:.3g}" for edge in fact["voxel_mm"])]
        row += [_number(fact["lesion_ml"].get(kind), ".2f") for kind in kinds]
        row += [_number(fact["lesions"].get(kind), "d") for kind in kinds]
        if differs:
            row += [_number(fact["difference"]["dice"], ".2f")]
            row += [f"{fact['difference'][key]:.2f}" for key in ("added_ml", "removed_ml")]
        rows.append(row)
    return _as_table(head, rows)


def _scores(facts: list[dict[str, Any]], names: dict[str, str]) -> str:
    """The scores of each network on each scan that has a truth."""
    rows = [
        [
            fact["subject"],
            names[kind],
            *(_number(s[key], form) for key, (_, form) in METRICS.items()),
        ]
        for fact in facts
        for kind, s in fact["scores"].items()
    ]
    head = ["scan", "network", *(name for name, _ in METRICS.values())]
    return f"<h2>Against the truth</h2>{_as_table(head, rows)}" if rows else ""


def _bottom(about: dict[str, Any]) -> str:
    settings = [[name, json.dumps(value)] for name, value in about["settings"].items()]
    runs = [
        [name, made["finished"], f"{made['seconds']:.0f}", made["device"],
         ", ".join(f"{what} {number}" for what, number in made["versions"].items())]
        for name, made in about["runs"].items()
    ]  # fmt: skip
    return (
        "<h2>How it was made</h2>"
        + _as_table(["run", "finished", "seconds", "device", "versions"], runs)
        + "<details><summary>All settings</summary>"
        + _as_table(["setting", "value"], settings)
        + "</details></main></body></html>\n"
    )


def _as_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def _number(value: float | None, form: str) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:{form}}"


def _without_nan(value: Any) -> Any:
    """NaN, which JSON does not know, as null."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
