"""The README's answer: a table of the study of record, and what it and real say in sentences.

``python -m kdlib.report.readme book/results/standard README.md`` writes it again.
"""

import re
import sys
from pathlib import Path
from textwrap import fill
from typing import Any

from kdlib.evidence.comparisons import subject_scores
from kdlib.files import write_text
from kdlib.record.choice import saved_studies
from kdlib.record.results import Results
from kdlib.report.answer import answer
from kdlib.report.carried import carried
from kdlib.report.carried_words import carried_conclusion, real_headline
from kdlib.report.gains import gains, pooled
from kdlib.report.words import listed, signed
from kdlib.study.arm import lower_bound

PLACE = re.compile(r"(?<=<!-- answer -->\n).*?(?=<!-- end -->)", re.DOTALL)
WIDTH = 110
HEAD = """| arm | mean Dice | change from {lower} | 95 % interval | of each seed |
| --- | --- | --- | --- | --- |"""


def answer_text(results: Results) -> str:
    """The table of a study's arms with their changes of Dice from the lower bound, and sentences.

    The means are over the tested subjects of all pairs of clinics. An arm that is not compared with
    the lower bound has its mean alone.
    """
    means = subject_scores(results.scores).groupby(["target", "subject"]).mean().mean()
    compared, lower = pooled(gains(results), results), str(lower_bound(results.arms))
    rows = [
        f"| {arm.label} | {means[name]:.3f} | {_change(compared.get(name))} |"
        for name, arm in results.arms.items()
        if name in means
    ]
    told = answer(results)
    sentences = " ".join(told[name] for name in ("size", "gap", "gains"))
    table = "\n".join([HEAD.format(lower=lower), *rows])
    return f"{table}\n\n{fill(sentences, WIDTH, break_on_hyphens=False)}\n"


def _change(row: dict[Any, Any] | None) -> str:
    if row is None:
        return "| |"
    seeds = listed([signed(value) for value in row["by_seed"]])
    return f"{signed(row['difference'])} | {signed(row['low'])} to {signed(row['high'])} | {seeds}"


def real_text(folder: Path) -> str:
    """What the study ``real`` says, from the recorded results beside ``folder``; or nothing."""
    found = carried([saved for saved in saved_studies(folder.parent) if not saved.own])
    if found is None or not found.verdict.findings:
        return ""
    said = f"{real_headline(found)} {carried_conclusion(found)}"
    return f"\n{fill(said, WIDTH, break_on_hyphens=False)}\n"


def with_answer(readme: str, folder: Path) -> str:
    """The text of the README with the answer of these recorded results in place of its own."""
    return PLACE.sub(lambda _: answer_text(Results(folder)) + real_text(folder), readme)


if __name__ == "__main__":
    file = Path(sys.argv[2])
    write_text(file, with_answer(file.read_text(encoding="utf-8"), Path(sys.argv[1])))
