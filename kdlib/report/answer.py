"""The study's answer in sentences that are computed, so that they say what the results say."""

import math
from collections.abc import Sequence

from kdlib.evidence import paper
from kdlib.evidence.bench import Bench
from kdlib.evidence.comparisons import POOLED, gaps_closed, subject_scores
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.gains import gains, pooled
from kdlib.report.ledger import Ledger, decided_words, verdict_words
from kdlib.report.words import Change, called, change_of, interval, listed, signed
from kdlib.study.arm import featured, lower_bound, upper_bound

# What the corrected test says of a change, behind its interval.
_SURE: dict[Change, str] = {
    "few seeds": "",
    "raised": ", clear",
    "lowered": ", clear",
    "the same": f", the same within {MARGIN:g}",
    "unclear": ", not clear when the tests are corrected for their number",
}


def answer(results: Results, ledger: Ledger | None = None) -> dict[str, str]:
    """Sentences by name: ``gap, gains, others, on_the_fly`` and ``size`` of the study.

    With a ``ledger`` they also say how ``sure`` it is.
    """
    sure = {} if ledger is None else {"sure": _sure(ledger)}
    return sure | {
        "gap": _gap(results),
        "gains": _gains(results),
        "others": _others(results),
        "on_the_fly": _on_the_fly(results),
        "size": _size(results),
    }


def _gap(results: Results) -> str:
    arms = results.arms
    means = subject_scores(results.scores).groupby(["target", "subject"]).mean().mean()
    seen = {
        "a segmenter that has only seen the source reaches a mean Dice of": lower_bound(arms),
        "one that was also given labelled target scans reaches": upper_bound(arms),
    }
    parts = [f"{who} {means[arm]:.2f}" for who, arm in seen.items() if arm and arm in means]
    if not parts:
        return "The study has no bounds between which an arm could lie."
    return f"On the target clinic, {listed(parts)}."


def _gains(results: Results) -> str:
    """What the arms that the paper puts first change, and what the paper printed of them."""
    by_arm, shares = pooled(gains(results), results), _shares(results)
    shown = [arm for arm in featured(results.arms) if arm in by_arm]
    if not shown:
        return "No arm can be compared with one that does not adapt."
    parts = []
    for arm in shown:
        # A withheld share is NaN; a negative one closes nothing.
        share = shares.get(arm, math.nan)
        closed = f", {100 * share:.0f} % of that gap" if share > 0 else ""
        found = by_arm[arm]
        parts.append(
            f"{called(results.arms[arm])} changes the mean Dice by "
            f"{signed(found['difference'])} ({interval(found)}{closed}{_SURE[change_of(found)]})"
        )
    return f"Without any target label, {listed(parts)}.{_as_printed(results, shown)}"


def _as_printed(results: Results, shown: Sequence[str]) -> str:
    printed = {arm: paper.printed_gain(arm, tuple(results.pairs)) for arm in shown}
    parts = [
        f"{signed(gain)} for {results.arms[arm].label}"
        for arm, gain in printed.items()
        if not math.isnan(gain)
    ]
    return f" The paper reports {listed(parts)}." if parts else ""


def _others(results: Results) -> str:
    """What the other arms change that adapt to pooled scans."""
    by_arm, first = pooled(gains(results), results), featured(results.arms)
    parts = [
        f"{arm.label} changes the mean Dice by {signed(by_arm[name]['difference'])}"
        for name, arm in results.arms.items()
        if name in by_arm and name not in first and not arm.on_the_fly
    ]
    return f"Of the other arms, {listed(parts)}." if parts else "There are no other arms."


def _shares(results: Results) -> dict[str, float]:
    """All pairs pooled: the share of the gap that each arm closes, by arm."""
    arms = results.arms
    table = gaps_closed(results.scores, featured(arms), lower_bound(arms), upper_bound(arms))
    pooled = table[table["source"] == POOLED]
    return dict(zip(pooled["arm"], pooled["gap_closed"], strict=True))


def _sure(found: Ledger) -> str:
    """The verdicts on what is claimed of the methods, and whether the bench was tested."""
    claims = f"Our ledger has {len(found.claimed)} claims of the paper."
    said = [claims, verdict_words(found.claimed), decided_words(found.claimed)]
    return " ".join(filter(None, said)) + _tested(found.bench)


def _tested(bench: Bench) -> str:
    """Whether the study of controls says that this bench sees a gain, and none where none is."""
    if not bench.tested:
        return f" Controls have not tested the bench: {bench.why}."
    if not bench.open:
        return " The bench failed its controls, so no verdict on a gain can be trusted."
    return (
        " The bench passed its test by controls: it sees a gain that was made, and none where "
        "there is none."
    )


def _on_the_fly(results: Results) -> str:
    """Means over the scans adapted to alone, which may be few, beside the bound's over the same."""
    by_arm = subject_scores(results.scores).groupby(["target", "subject"]).mean()
    arms = [n for n, arm in results.arms.items() if arm.on_the_fly and n in by_arm]
    if not arms:
        return "No arm was adapted on the fly."
    lower = lower_bound(results.arms)
    shown = [*([lower] if lower else []), *arms]
    tried = by_arm[shown].dropna()
    reached = [f"{tried[arm].mean():.2f} for {results.arms[arm].label}" for arm in shown]
    return (
        f"Adaptation on the fly was tried on {len(tried)} of "
        f"{count_of(len(by_arm), 'tested subject')}. The mean Dice over these is {listed(reached)}."
    )


def _size(results: Results) -> str:
    scores, study = results.scores, results.study
    seeds = count_of(scores["seed"].nunique(), "seed")
    folds = count_of(scores["fold"].nunique(), "fold")
    subjects = count_of(len(scores[["target", "subject"]].drop_duplicates()), "tested subject")
    pairs = count_of(len(results.pairs), "pair")
    weight = (
        "Another seed can change a mean as much as a method does, so this study decides nothing."
        if scores["seed"].nunique() < 3
        else "Intervals count how far subjects differ and how far another training moves a mean."
    )
    return (
        f"The study {study['name']!r} has {pairs} of clinics, {folds}, {seeds} and {subjects}. "
        f"{weight}"
    )
