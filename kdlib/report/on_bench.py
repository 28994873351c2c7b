"""What the bench of simulated clinics found for a method, so that ``kdlib adapt`` can say it.

The numbers are those of the results of record. They come with the package in ``on_bench.json``;
``python -m kdlib.report.on_bench book/results`` writes this file again.
"""

import json
import sys
from pathlib import Path
from typing import Any

from kdlib.evidence.verdicts import count_of
from kdlib.files import write_text
from kdlib.record.protocol import by_present_rules
from kdlib.record.results import Results
from kdlib.record.whole import LAST
from kdlib.report.dials import dial_effects
from kdlib.report.gains import gains, pooled
from kdlib.report.words import interval, listed, signed
from kdlib.study.arm import Arm, adapting, lower_bound

STUDIES = ("standard", "landscape")  # the first that tried a method is told; it has more pairs
PARTS = "dials"  # the study of single parts of a shift
FILE = Path(__file__).with_suffix(".json")


def on_bench(method: str, *, on_the_fly: bool = False) -> str:
    """What a method gains on the bench, with its interval and study, and what it mends and harms.

    In sentences.
    """
    how = " to one scan at a time" if on_the_fly else ""
    found = json.loads(FILE.read_text(encoding="utf-8")).get(_key(method, on_the_fly))
    if found is None:
        return f"No study of record has tried adapting{how} by {method}."
    said = [_gain_words(f"{method}{how}", found)] if "study" in found else []
    if "mends" in found:
        mends, harms = (listed(found[what]) or "none" for what in ("mends", "harms"))
        said.append(
            f"Where one thing alone differed between two simulated clinics (study {PARTS}), it"
            f" helped against: {mends}; and it made worse: {harms} (not corrected for the number of"
            " tests)."
        )
    return " ".join([*said, "Your scans may differ."])


def _gain_words(name: str, found: dict[str, Any]) -> str:
    over = f"{count_of(found['pairs'], 'pair')} of simulated clinics"
    return (
        f"On the bench, {name} changed the mean Dice by {signed(found['difference'])} "
        f"({found['interval']}) against no adaptation: study {found['study']}, {over}, "
        f"{count_of(found['seeds'], 'seed')}, {count_of(found['n'], 'subject')}, a teacher of "
        "another simulated clinic."
    )


def found_by(results: Results) -> dict[str, dict[str, Any]]:
    """The gain of each method over all pairs, by the first arm of each method, which is plainest.

    Results that another version of the protocol decided are left out.
    """
    if not by_present_rules(results):
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name, row in pooled(gains(results), results).items():
        arm = results.arms[name]
        if _is_plain(arm, results):
            told = {"study": results.name, "pairs": len(results.pairs), "interval": interval(row)}
            told |= {
                "difference": round(row["difference"], 4),
                "n": row["n"],
                "seeds": row["seeds"],
            }
            found.setdefault(_key(arm.method, arm.on_the_fly), told)
    return found


def parts_by(results: Results) -> dict[str, dict[str, Any]]:
    """The dials that each method mends and harms, by the results of the study of dials."""
    lower = lower_bound(results.arms)
    if lower is None or not by_present_rules(results):
        return {}
    effects, found = dial_effects(results, lower), dict[str, dict[str, Any]]()
    for name in adapting(results.arms):
        arm = results.arms[name]
        if _is_plain(arm, results):
            own = effects[effects["arm"] == name].groupby("effect")["dial"].agg(list)
            told = {what: own.get(what, []) for what in ("mends", "harms")}
            found.setdefault(_key(arm.method, arm.on_the_fly), told)
    return found


def text_of(folder: Path) -> str:
    """What ``on_bench.json`` holds for the results in a folder with one folder for each study."""
    told: dict[str, dict[str, Any]] = {}
    for study in reversed(STUDIES):
        if (folder / study / LAST).exists():
            told |= found_by(Results(folder / study))
    if (folder / PARTS / LAST).exists():
        for method, parts in parts_by(Results(folder / PARTS)).items():
            told[method] = told.get(method, {}) | parts
    return json.dumps(dict(sorted(told.items())), indent=1, ensure_ascii=False) + "\n"


def _is_plain(arm: Arm, results: Results) -> bool:
    """Whether an arm adapts, and starts from the teacher that does not."""
    return arm.method != "unadapted" and arm.teacher in (None, lower_bound(results.arms))


def _key(method: str, on_the_fly: bool) -> str:
    return f"{method} on the fly" if on_the_fly else method


if __name__ == "__main__":
    write_text(FILE, text_of(Path(sys.argv[1])))
