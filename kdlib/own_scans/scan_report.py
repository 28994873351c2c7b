"""The report on a clinic's own scans: ``report.html``, one file for any browser, and its numbers.

Every text in the page is escaped; it runs no script and loads nothing.
"""

import json
import math
import shutil
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from kdlib.files import atomic, write_text
from kdlib.own_scans.scan_pictures import section
from kdlib.own_scans.segmentation import Answer, teacher_at_hand
from kdlib.scores.metrics import METRIC_DIGITS, METRIC_NAMES
from kdlib.study.run import Run

DISCLAIMER = "For research only. Not a medical device; not for diagnosis or treatment."


def write_scan_report(
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
            sections.write(section(answer, _place(len(facts))))
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


def _top(about: dict[str, Any], facts: list[dict[str, Any]], left_out: Sequence[str]) -> str:
    names = {"result": about["result"], "teacher": "teacher", "truth": "truth"}
    kinds = [kind for kind in names if any(kind in fact["lesion_ml"] for fact in facts)]
    boxes = "".join(f'<input type="checkbox" id="show-{kind}" checked>' for kind in kinds)
    labels = "".join(
        f'<label for="show-{k}" class="{k}"><span></span>{escape(names[k])}</label>' for k in kinds
    )
    problems = "".join(f"<li>{escape(line.strip())}</li>" for line in left_out)
    gone = f"<h2>Left out</h2><ul class='wrong'>{problems}</ul>" if left_out else ""
    style = (files("kdlib.own_scans") / "scan_report.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(about['title'])}</title><style>{style}</style></head><body>{boxes}"
        f"<main><h1>{escape(about['title'])}</h1><p>{escape(about['what'])}</p>"
        f'<p class="notice">{DISCLAIMER}</p>{gone}'
        f"<h2>Found</h2>{_table(facts, names)}{_scores(facts, names)}"
        "<h2>Scans</h2><div><p>Axial slices, the patient's left on the right. Borders of lesions; "
        f'choose whose to see:</p><p class="legend">{labels}</p>'
    )


def _table(facts: list[dict[str, Any]], names: dict[str, str]) -> str:
    differs = any(fact["difference"] for fact in facts)
    kinds = [kind for kind in names if any(kind in fact["lesion_ml"] for fact in facts)]
    whose = [names[kind] for kind in kinds]
    head = {"": ["scan"], "volume (mL)": whose, "lesions": whose}
    if differs:
        head["compared with the teacher"] = ["Dice", "added (mL)", "removed (mL)"]
    head["grid"] = ["voxel (mm)"]
    rows = []
    for number, fact in enumerate(facts, start=1):
        row = [_link(fact, number)]
        row += [_number(fact["lesion_ml"].get(kind), ".2f") for kind in kinds]
        row += [_number(fact["lesions"].get(kind), "d") for kind in kinds]
        if differs:
            row += [_number(fact["difference"]["dice"], ".2f")]
            row += [f"{fact['difference'][key]:.2f}" for key in ("added_ml", "removed_ml")]
        row += ["×".join(f"{edge:.3g}" for edge in fact["voxel_mm"])]
        rows.append(row)
    return _as_table(head, rows, "numbers")


def _scores(facts: list[dict[str, Any]], names: dict[str, str]) -> str:
    """The scores of each network on each scan that has a truth."""
    rows = [
        [
            _link(fact, number),
            names[kind],
            *(_number(s[key], f".{METRIC_DIGITS.get(key, 2)}f") for key in METRIC_NAMES),
        ]
        for number, fact in enumerate(facts, start=1)
        for kind, s in fact["scores"].items()
    ]
    head = {"": ["scan", "network", *METRIC_NAMES.values()]}
    return f"<h2>Against the truth</h2>{_as_table(head, rows, 'numbers scores')}" if rows else ""


def _place(number: int) -> str:
    return f"scan-{number}"


def _link(fact: dict[str, Any], number: int) -> str:
    return f'<a href="#{_place(number)}">{escape(fact["subject"])}</a>'


def _bottom(about: dict[str, Any]) -> str:
    runs = [
        [name, made["finished"], f"{made['seconds']:.0f}", made["device"],
         ", ".join(f"{what} {number}" for what, number in made["versions"].items())]
        for name, made in about["runs"].items()
    ]  # fmt: skip
    return (
        "</div><h2>How it was made</h2>"
        + _as_table({"": ["run", "finished", "seconds", "device", "versions"]}, _escaped(runs))
        + "<details><summary>All settings</summary>"
        + _settings(about)
        + "</details></main></body></html>\n"
    )


def _settings(about: dict[str, Any]) -> str:
    """A column for the network that answered, one for its teacher, and so on."""
    steps, step = [], about["settings"]
    while step:
        inherited = {name: value for name, value in step.items() if name != "teacher"}
        steps.append(inherited | inherited.pop("settings"))
        step = step["teacher"]
    names = dict.fromkeys(name for step in steps for name in step)
    rows = [[name, *(_value(step.get(name)) for step in steps)] for name in names]
    head = ["setting", about["result"], *["teacher"] * (len(steps) - 1)]
    return _as_table({"": head}, _escaped(rows), "settings")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or "–"
    return "–" if value is None else str(value)


def _escaped(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    return [[escape(cell) for cell in row] for row in rows]


def _as_table(head: dict[str, list[str]], rows: Iterable[Sequence[str]], kind: str = "runs") -> str:
    """``head``: the columns under each common title; ``rows``: cells as HTML."""
    titles = "".join(f'<th colspan="{len(c)}">{escape(t)}</th>' for t, c in head.items())
    columns = "".join(f"<th>{escape(name)}</th>" for names in head.values() for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    top = f"<tr class='titles'>{titles}</tr>" if len(head) > 1 else ""
    return f'<div class="wide"><table class="{kind}">{top}<tr>{columns}</tr>{body}</table></div>'


def _number(value: float | None, form: str) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:{form}}"


def _without_nan(value: Any) -> Any:
    """NaN, which JSON does not know, as null."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
