"""The verdicts on a study's results, with the studies of record that support it beside them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from kdlib.evidence.bench import Bench, Gate, bench_of
from kdlib.evidence.claim import Ruling
from kdlib.evidence.claims import judge
from kdlib.evidence.comparisons import pair_name
from kdlib.evidence.mechanism import Outcome, judge_mechanism
from kdlib.evidence.paper import in_order
from kdlib.evidence.sweeps import swept_pairs
from kdlib.evidence.verdicts import NO_GAP
from kdlib.record.protocol import by_present_rules, protocol
from kdlib.record.results import Results, open_results
from kdlib.report.shown import printed
from kdlib.report.words import listed

CONTROLS, MECHANISM = "controls", "mechanism"


@dataclass(frozen=True)
class Ledger:
    """The verdicts on the claims and on the predictions, and what the gate before them says."""

    rulings: list[Ruling]
    outcomes: list[Outcome]
    bench: Bench
    gate: Gate

    @property
    def claimed(self) -> list[Ruling]:
        """The rulings on what is claimed of the methods. The errata need no study."""
        return [found for found in self.rulings if not found.claim.number.startswith("E")]


def ledger_of(results: Results) -> Ledger:
    """Judge the claims by a study's results, and the hypothesis by the study of the mechanism.

    The studies of controls and of the mechanism are taken from the same place, if they are there
    and were made by the same recipe.
    """
    controls, mechanism = _supporting(results)
    bench = bench_of(controls)
    teachers = _teachers(results)
    return Ledger(
        judge(results.all_scores, teachers=teachers, controls=controls, mechanism=mechanism),
        judge_mechanism(mechanism, controls),
        bench,
        Gate(results.all_scores, bench),
    )


def _teachers(results: Results) -> pd.DataFrame | None:
    """The teachers at home, of the study whose sweeps are judged: they taught its students."""
    other = None if swept_pairs(results.all_scores) else beside(results, MECHANISM)
    for owner in (other, results):
        if owner is not None and (owner.folder / "teachers.csv").exists():
            return owner.teachers
    return None


def outcomes_of(results: Results) -> list[Outcome]:
    """The verdicts on the predictions of the hypothesis alone."""
    controls, mechanism = _supporting(results)
    return judge_mechanism(mechanism, controls)


def bench_words(bench: Bench) -> str:
    """What the study of controls says of the bench, in a sentence."""
    if not bench.tested:
        return f"Whether the bench can see a gain was not tested by controls ({bench.untested})."
    return f"{_passes(bench)}: {bench.why}."


def bench_list(bench: Bench) -> str:
    """``bench_words`` as Markdown, in which each comparison has its own line."""
    if not bench.tested:
        return printed(bench_words(bench))
    parts = [f"{_passes(bench)}."]
    for what, contrasts in bench.found:
        parts.append(f"{what.capitalize()}:")
        parts.append("\n".join(f"- {one}" for one in contrasts))
    return printed("\n\n".join(parts))


def _passes(bench: Bench) -> str:
    return f"The bench {'passes' if bench.open else 'fails'} its test by controls"


def verdict_words(rulings: Sequence[Ruling]) -> str:
    """How many of the claims have each verdict, in sentences."""
    counts = Counter(ruling.verdict for ruling in rulings)
    design, gap = counts["undecidable here"], counts[NO_GAP]
    absent = sum(not ruling.run for ruling in rulings if ruling.verdict == "undecided")
    need = "it needs" if absent == 1 else "they need"
    why = f", {absent} of them because what {need} was not run" if absent else ""
    said = [
        f"These results reproduce {counts['reproduced']} of them, contradict"
        f" {counts['contradicted']} and leave {counts['undecided']} undecided{why}."
    ]
    said += [f"The design of this study cannot decide another {design}."] if design else []
    said += [f"For the other {gap}, {NO_GAP}."] if gap else []
    return " ".join(said)


def decided_words(rulings: Sequence[Ruling]) -> str:
    """The claims that are reproduced and contradicted, in the paper's sense; empty without any."""
    parts = []
    for verdict in ("reproduced", "contradicted"):
        claims = [ruling.claim.claim for ruling in rulings if ruling.verdict == verdict]
        if claims:
            quoted = listed([f"“{claim.removesuffix('.')}”" for claim in claims])
            parts.append(f"{verdict.capitalize()}: {quoted}.")
    return " ".join(parts)


def protocol_words(results: Results) -> str:
    """Whether the results were made by the rules that hold now, in sentences."""
    if by_present_rules(results):
        version = protocol(results.study)["version"]
        return f"These results were made by version {version} of the protocol, with these rules."
    return (
        "These results were not made by this version of the protocol. Its rules were written "
        "later, so the verdicts on these results only show what the rules do."
    )


def gap_tests(gate: Gate) -> pd.DataFrame:
    """Each row is one pair of clinics: whether there is a gap in it, and the test that says so."""
    rows = [
        (pair_name(*pair), "yes" if gap.above else "no", str(gap))
        for pair, gap in ((pair, gate.gaps[pair]) for pair in in_order(gate.gaps))
    ]
    return pd.DataFrame(rows, columns=["Pair", "A gap", "Test"])


def prediction_table(outcomes: list[Outcome]) -> pd.DataFrame:
    """Each row is one prediction of the hypothesis, with its test, its rule and its verdict."""
    columns = ["number", "prediction", "test", "rule"]
    rows = [
        {name: getattr(one.prediction, name) for name in columns}
        | {"verdict": one.verdict, "why": one.why}
        for one in outcomes
    ]
    return pd.DataFrame(rows, columns=[*columns, "verdict", "why"])


def _supporting(results: Results) -> list[pd.DataFrame | None]:
    """The scores of the studies of controls and of the mechanism."""
    found = (beside(results, name) for name in (CONTROLS, MECHANISM))
    return [None if one is None else one.all_scores for one in found]


def beside(results: Results, name: str) -> Results | None:
    """A supporting study in the same place that was made by the same recipe; None without one."""
    folder = results.folder.parent / name
    if not (folder / "provenance.json").exists():
        return None
    other = open_results(folder)
    return other if other.study.get("recipe") == results.study.get("recipe") else None
