"""The report on a clinic's own scans: ``report.html``, and its numbers in ``report.json``.

The page is one file for any browser. It runs no script and loads nothing. Every text is escaped.
"""

import json
import math
from collections.abc import Iterable, Sequence
from tempfile import TemporaryFile, gettempdir
from typing import Any

from jinja2.environment import TemplateStream

from kdlib.errors import disk_of
from kdlib.files import atomic, write_text
from kdlib.own_scans.check import Finding, problem_lines
from kdlib.own_scans.results import Results
from kdlib.own_scans.scan_pictures import slices_of
from kdlib.own_scans.segmentation import Answer
from kdlib.own_scans.segmenter import Segmenter
from kdlib.own_scans.templates import template
from kdlib.scores.metrics import METRIC_DIGITS, METRIC_NAMES

DISCLAIMER = "For research only. Not a medical device; not for diagnosis or treatment."


def write_scan_report(
    results: Results,
    about: dict[str, Any],
    answers: Iterable[Answer],
    left_out: Sequence[Finding] = (),
) -> list[dict[str, Any]]:
    """Write the report as a page and as JSON.

    Only the facts of a scan are kept in memory. The pictures wait on the disk.

    Args:
        results: where the files go.
        about: ``what`` (a sentence), ``missing`` (sentences), ``result`` (what the network is
            called), ``settings`` (from name to value) and ``runs`` (from name to provenance).
        answers: the answers to all scans. They may be made one after the other.
        left_out: what is wrong with the scans that were left out. It may grow while the answers are
            made.

    Returns:
        The facts of all answers.
    """
    facts = []
    with (
        disk_of(gettempdir()),
        TemporaryFile("w+", encoding="utf-8", newline="") as sections,
    ):
        for answer in answers:
            facts.append(answer.facts)
            sections.write(_scan(answer, len(facts)))
        sections.seek(0)
        scans = f"{len(facts)} scan{'s' * (len(facts) != 1)}"
        about = {"title": f"White matter hyperintensities in {scans}", **about}
        with atomic(results.page) as temporary:
            _page(about, facts, problem_lines(left_out), sections).dump(
                str(temporary), encoding="utf-8"
            )
    write_numbers(results, about, facts, left_out)
    return facts


def write_numbers(
    results: Results,
    about: dict[str, Any],
    facts: list[dict[str, Any]],
    left_out: Iterable[Finding],
) -> None:
    """Write the report as JSON alone. The arguments are as in ``write_scan_report``."""
    lines = problem_lines(left_out)
    written = {**about, "left_out": lines, "scans": facts, "notice": DISCLAIMER}
    write_text(results.numbers, json.dumps(_without_nan(written), indent=1))


def about(segmenters: Sequence[Segmenter], what: str) -> dict[str, Any]:
    """What a report says about its networks. There is one segmenter for each scan."""
    first, different = segmenters[0], {made.name: made for made in segmenters}.values()
    return {
        "what": what,
        "missing": [why for made in different for why in made.missing],
        "result": first.role,
        "settings": first.settings,
        "runs": {name: told for made in different for name, told in made.provenance.items()},
    }


def _page(
    about: dict[str, Any],
    facts: list[dict[str, Any]],
    left_out: Sequence[str],
    sections: Iterable[str],
) -> TemplateStream:
    """The report as a stream of parts. ``sections`` are the HTML of all scans."""
    names = {"result": about["result"], "teacher": "teacher", "truth": "truth"}
    shown = {
        kind: name for kind, name in names.items() if any(kind in f["lesion_ml"] for f in facts)
    }
    brain = any(fact["brain_ml"] is not None for fact in facts)
    networks = _networks(about["settings"])
    return template("scan_report").stream(
        about=about,
        notice=DISCLAIMER,
        left_out=left_out,
        facts=facts,
        shown=shown,
        borders=shown | ({"brain": "brain"} if brain else {}),
        brain=brain,
        compared=any(fact["difference"] for fact in facts),
        metrics=METRIC_NAMES,
        digits=METRIC_DIGITS,
        sections=sections,
        networks=networks,
        settings=dict.fromkeys(name for network in networks for name in network),
    )


def _scan(answer: Answer, number: int) -> str:
    """The part of the report that shows one scan. If memory is short, it has no picture."""
    try:
        slices = slices_of(answer)
    except MemoryError:
        slices = []
        answer.facts["doubts"].append("there is no picture of it here, since memory was short")
    return template("scan").render(
        number=number,
        subject=answer.facts["subject"],
        found=any(mask.any() for mask in answer.masks.values()),
        slices=slices,
        doubts=answer.facts["doubts"],
        verdict=answer.facts["verdict"],
    )


def _networks(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings of the network that answered, of its teacher, and so on."""
    networks, step = [], settings
    while step:
        inherited = {name: value for name, value in step.items() if name != "teacher"}
        networks.append(inherited | inherited.pop("settings"))
        step = step["teacher"]
    return networks


def _without_nan(value: Any) -> Any:
    """The same value with null instead of NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
