"""The tests behind the claim ledger: each takes the evidence and gives a judgement.

What is claimed, tested and required stands in words in ``claims.py``.
"""

from collections.abc import Callable
from dataclasses import replace

from kdlib.evidence import paper
from kdlib.evidence.comparisons import pair_name
from kdlib.evidence.verdicts import (
    Evidence,
    Judgement,
    Pairs,
    Verdict,
    all_better,
    all_the_same,
    corrected,
    margin_of,
    most_better,
)

Decision = Callable[[Evidence], Judgement]

U_TO_S: Pairs = (("utrecht", "singapore"),)
S_TO_U: Pairs = (("singapore", "utrecht"),)
OTHER_PAIRS: Pairs = tuple(pair for pair in paper.PAIRS if pair not in U_TO_S + S_TO_U)
SUBJECTS = 20  # of each clinic, in the paper
NEARLY_ALL = 0.9


def kd_beats(baseline: str, pairs: Pairs = paper.PAIRS) -> Decision:
    """KD against ``baseline`` in the pooled family."""

    def decide(evidence: Evidence) -> Judgement:
        if short := evidence.shortfall(["KD", baseline], pairs):
            return Judgement("undecided", short)
        margin = margin_of(paper.printed_difference("KD", baseline, pairs))
        return all_better([evidence.declared("KD", baseline, pairs, margin)])

    return decide


def kd_beats_ada_elsewhere(evidence: Evidence) -> Judgement:
    """KD against ADA in each pair but those between Utrecht and Singapore."""
    if short := evidence.shortfall(["KD", "ADA"], OTHER_PAIRS):
        return Judgement("undecided", short)
    margins = {
        pair: margin_of(paper.printed_difference("KD", "ADA", (pair,))) for pair in OTHER_PAIRS
    }
    return all_better(
        [evidence.declared("KD", "ADA", (pair,), margin) for pair, margin in margins.items()]
    )


def ada_beats_kd(evidence: Evidence) -> Judgement:
    """ADA against KD from Utrecht to Singapore, with the declared family's p."""
    if short := evidence.shortfall(["KD", "ADA"], U_TO_S):
        return Judgement("undecided", short)
    margin = margin_of(paper.printed_difference("ADA", "KD", U_TO_S))
    p = evidence.declared("KD", "ADA", U_TO_S).p
    return all_better([replace(evidence.contrast("ADA", "KD", U_TO_S, margin), p=p)])


def same_from_singapore(evidence: Evidence) -> Judgement:
    """KD and ADA nearly the same from Singapore to Utrecht."""
    if short := evidence.shortfall(["KD", "ADA"], S_TO_U):
        return Judgement("undecided", short)
    return all_the_same([evidence.declared("KD", "ADA", S_TO_U)])


def beaten_by_upper_bound(evidence: Evidence) -> Judgement:
    """U-bound against KD and against ADA, pooled."""
    if short := evidence.shortfall(["U-bound", "KD", "ADA"]):
        return Judgement("undecided", short)
    margins = {arm: margin_of(paper.printed_difference("U-bound", arm)) for arm in ("KD", "ADA")}
    return all_better(
        corrected(
            [
                evidence.contrast("U-bound", arm, paper.PAIRS, margin)
                for arm, margin in margins.items()
            ]
        )
    )


def located_gain(inside: str, outside: str) -> Decision:
    """KD's gain over ADA in the recall of one class of lesions, and above that in another."""

    def decide(evidence: Evidence) -> Judgement:
        recalls = [f"lesion_recall_{stratum}" for stratum in (inside, outside)]
        precision = f"lesion_precision_{inside}"
        for metric in (*recalls, precision):
            if short := evidence.shortfall(["KD", "ADA"], metric=metric):
                return Judgement("undecided", short)
        excess = f"{recalls[0]} - {recalls[1]}"
        table = evidence.main.assign(**{excess: lambda rows: rows[recalls[0]] - rows[recalls[1]]})
        gains = [
            Evidence(table).contrast("KD", "ADA", paper.PAIRS, metric=metric)
            for metric in (recalls[0], excess)
        ]
        bought = evidence.contrast("KD", "ADA", paper.PAIRS, metric=precision)
        verdict, why = all_better(corrected(gains))
        if verdict == "reproduced" and bought.worse:
            return Judgement("contradicted", f"recall is bought with precision: {bought}")
        return Judgement(verdict, f"{why} | {bought}")

    return decide


def fly_as_pooled(evidence: Evidence) -> Judgement:
    """On the fly nearly the same as pooled adaptation, for KD and for ADA."""
    if short := evidence.shortfall(["KD on the fly", "KD", "ADA on the fly", "ADA"]):
        return Judgement("undecided", short)
    return all_the_same(
        [evidence.contrast(f"{arm} on the fly", arm, paper.PAIRS) for arm in ("KD", "ADA")]
    )


def kd_beats_ada_on_the_fly(evidence: Evidence) -> Judgement:
    """KD against ADA on the fly, pair by pair."""
    arms = ("KD on the fly", "ADA on the fly")
    if short := evidence.shortfall(arms):
        return Judgement("undecided", short)
    return most_better(
        corrected(
            [
                evidence.contrast(
                    *arms, (pair,), margin_of(paper.printed_difference(*arms, (pair,)))
                )
                for pair in paper.PAIRS
            ]
        )
    )


def ada_beats_kd_on_the_fly(evidence: Evidence) -> Judgement:
    """ADA against KD on the fly, from Utrecht to Singapore."""
    arms = ("ADA on the fly", "KD on the fly")
    if short := evidence.shortfall(arms, U_TO_S):
        return Judgement("undecided", short)
    margin = margin_of(paper.printed_difference(*arms, U_TO_S))
    return all_better([evidence.contrast(*arms, U_TO_S, margin)])


def adversarial_teacher(evidence: Evidence) -> Judgement:
    """KD taught by ADA against KD taught by L-bound, from Utrecht to Singapore."""
    arms = ("ADA then KD", "KD")
    if short := evidence.shortfall(arms, U_TO_S):
        return Judgement("undecided", short)
    margin = margin_of(paper.printed_difference(*arms, U_TO_S))
    return all_better([evidence.contrast(*arms, U_TO_S, margin)])


# --- The errata are decided by what is printed --------------------------------------------------


def not_variances(evidence: Evidence) -> Judgement:
    """The numbers in Table 2's brackets against the largest variance there can be."""
    printed = paper.printed_results().query("table == 2")
    mean = printed["mean"]
    share = printed["sd"] / (mean * (1 - mean) * SUBJECTS / (SUBJECTS - 1))
    why = (
        f"{(share > NEARLY_ALL).sum()} of {len(share)} above 90 %; the largest at {share.max():.1%}"
    )
    return Judgement("contradicted" if share.max() > NEARLY_ALL else "undecided", why)


def bold_is_better(evidence: Evidence) -> Judgement:
    """The bold means of both tables against the other method's."""
    printed = paper.printed_results()
    pair = ["table", "source", "target"]
    compared = printed[~printed["arm"].isin(["L-bound", "U-bound"])]
    best = compared.groupby(pair)["mean"].transform("max")
    wrong = compared[compared["bold"] & (compared["mean"] < best)]
    why = "; ".join(
        f"Table {row['table']}, {pair_name(row['source'], row['target'])}:"
        f" {row['arm']} bold with {row['mean']:.4f}"
        for _, row in wrong.iterrows()
    )
    return Judgement("contradicted", why) if why else Judgement("reproduced", "bold is the better")


def never_tested(evidence: Evidence) -> Judgement:
    """The arms that have a bold number."""
    printed = paper.printed_results()
    arms = sorted(set(printed.loc[printed["bold"], "arm"]))
    verdict: Verdict = "undecided" if "L-bound" in arms else "contradicted"
    return Judgement(verdict, f"bold stands beside {', '.join(arms)} alone")
