"""What the study real says of the simulated bench, in sentences."""

from collections import Counter

from kdlib.evidence.bench import LOWER
from kdlib.evidence.direction import Direction
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import count_of
from kdlib.report.adapting import awaited_words
from kdlib.report.carried import Carried
from kdlib.report.gap_parts import threshold_words
from kdlib.report.landscape import percent
from kdlib.report.other_masks import change_words
from kdlib.report.starter_gains import starter_words
from kdlib.report.words import listed, signed
from kdlib.report.worth import labels_words
from kdlib.study.study import load_study

ANSWERS = {
    "yes": "What the simulated bench found holds on these real scans.",
    "in part": "Some of what the simulated bench found holds on these real scans, and some does"
    " not.",
    "no": "What the simulated bench found does not hold on these real scans.",
    "undecided": "These results do not decide whether what the simulated bench found holds on real"
    " scans.",
    "the bench shows no gap here": "The bench shows no gap here, so nothing is said of whether its"
    " findings hold on real scans.",
}
ORDERS = {
    "holds": "The order of the methods holds: those that do better in the simulation do better on"
    " the real scans, too.",
    "fails": "The order of the methods fails: those that do better in the simulation do not do"
    " better on the real scans.",
    "undecided": "It is not decided whether the order of the methods holds.",
}
FATES = {  # of one comparison, and of several
    "carries over": ("carries over", "carry over"),
    "does not carry over": ("does not", "do not"),
    "undecided": ("is undecided", "are undecided"),
    "no finding": (
        "is open in the simulation itself",
        "are open in the simulation itself",
    ),
}
CHANGES: dict[Direction, str] = {
    "better": "It is higher after",
    "worse": "It is lower after",
    "the same": "It is the same after",
    "open": "Once the tests are corrected, it is not clearly changed after",
}


def not_run_words() -> str:
    """What the chapter will show, and how the study is run, in sentences."""
    waits = awaited_words(load_study("real"))
    first = f"{waits} " if waits else ""
    return (
        f"The study *real* has not been run yet, so there is nothing to show here. {first}When it"
        " is recorded beside the study *standard*, the next build of this page shows its verdict in"
        " words, the gains of each method on simulated and on real scans, and pictures of three"
        " patients."
    )


def carried_words(found: Carried) -> str:
    """The verdict, and how many comparisons carry over, in sentences."""
    verdict = found.verdict
    said = [ANSWERS[verdict.answer], ORDERS.get(verdict.order, "")]
    lost = any(one.verdict == "does not carry over" for one in verdict.findings)
    if verdict.order == "fails" and not lost:
        said = [f"{said[0][:-1]}, because {said[1][0].lower()}{said[1][1:]}"]
    if verdict.findings:
        counts = Counter[str](one.verdict for one in verdict.findings)
        fates = [] if lost else ["none is contradicted"]
        fates += [
            f"{counts[fate]} {words[counts[fate] > 1]}"
            for fate, words in FATES.items()
            if counts[fate]
        ]
        said.append(f"Of {count_of(len(verdict.findings), 'comparison')}, {listed(fates)}.")
    else:
        said.append(f"The reason: {verdict.why}.")
    return " ".join(filter(None, said))


def order_words(found: Carried) -> str:
    """What the test of the order rests on, in sentences; empty if it was not made."""
    shares, slope = found.verdict.shares, found.verdict.slope
    if slope is None:
        return ""
    low, high = min(shares.values()), max(shares.values())
    none = " So none of them closes any of it." if high <= 0 else ""
    apart = " to ".join(signed(end) for end in (slope.low, slope.high))
    return (
        f"The order rests on {count_of(len(shares), 'method')}, which close {percent(low)} to"
        f" {percent(high)} of the simulated gap.{none} On the real scans the slope over these"
        f" shares, minus half of the real gap, is {signed(slope.difference)} (95 % interval"
        f" {apart})."
    )


def within_words(found: Carried) -> str:
    """Which undecided comparisons lie within the margin on both sides, in a sentence, if any."""
    within = [
        one
        for one in found.verdict.findings
        if one.verdict == "undecided" and one.contrasts and all(it.same for it in one.contrasts)
    ]
    if not within:
        return ""
    names = listed([f"{one.name} ({one.real} on the real scans)" for one in within])
    lies = "lies" if len(within) == 1 else "lie"
    return (
        "By the rules, a difference that is the same in the simulation, and better or worse on the"
        f" real scans, is undecided. But on both sides {names} {lies} within {MARGIN:g} Dice."
    )


def real_change_words(found: Carried) -> str:
    """Which methods raise and which lower the Dice on the real scans, in sentences."""
    by_change = _changed(found)
    parts = [f"{words} {listed(by_change[c])}." for c, words in CHANGES.items() if c in by_change]
    compared = f"The mean Dice on the real scans is compared with that of {LOWER}."
    return " ".join([compared, *parts]) if parts else ""


def _changed(found: Carried) -> dict[Direction, list[str]]:
    """The methods by what they change on the real scans, each with its gain."""
    by_change: dict[Direction, list[str]] = {}
    gains = found.gains.set_index("arm")["real_gain"]
    for one in found.verdict.findings:
        arm = one.name.removesuffix(f" - {LOWER}")
        if arm in gains:
            little = one.real == "better" and gains[arm] < MARGIN
            size = f"{signed(gains[arm])}, less than {MARGIN:g}" if little else signed(gains[arm])
            told = f"{found.label(arm)} ({size})"
            by_change.setdefault(one.real, []).append(told)
    return by_change


def carried_conclusion(found: Carried | None) -> str:
    """The end of the chapter."""
    if found is None:
        return (
            "the study real has not been run yet, so the question is open. Until then, all that is"
            " known of real scans is how the starter does on them, in the chapter before this one."
        )
    return " ".join(carried_points(found))


def carried_points(found: Carried) -> list[str]:
    """What the study says: the answer, the largest gain, and what stands beside it."""
    gains = found.gains.dropna(subset="real_gain")
    if gains.empty:
        return [carried_words(found)]
    top = gains.sort_values("real_gain").iloc[-1]
    patients = count_of(found.rows["subject"].nunique(), "patient")
    seeds = count_of(len(top["real_seeds"]), "seed")
    pairs = count_of(len(top["simulated_parts"]), "pair")
    said = [
        f"{carried_words(found)} These are the results of {patients} and {seeds}.",
        f"{found.label(top['arm'])} gains most there."
        f" Over the {pairs} of simulated clinics with a gap it changes the mean Dice by"
        f" {signed(top['simulated_gain'])} (95 % interval {signed(top['simulated_low'])} to"
        f" {signed(top['simulated_high'])}). {change_words(found.real, str(top['arm']))}",
        threshold_words(found.real),
        starter_words(found.real, str(top["arm"])),
        labels_words(found.real),
    ]
    return [point.strip() for point in said if point]


def real_headline(found: Carried) -> str:
    """Which methods the real scans show to raise the Dice, in a sentence; empty if undecided."""
    if not found.verdict.findings:
        return ""
    raised = _changed(found).get("better", [])
    told = f"is higher after {listed(raised)}" if raised else "is clearly raised by no method"
    return (
        "Where networks that learnt on the simulated clinics are adapted to the real scans of one"
        f" clinic without labels, the mean Dice against its reader's masks {told}."
    )
