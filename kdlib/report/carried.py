"""Does what the simulated bench found hold on real scans? The answer in sentences and tables."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from kdlib.evidence.bench import LOWER
from kdlib.evidence.carried import Finding, Verdict, judge_carried
from kdlib.evidence.carried_gains import gains_on_both
from kdlib.evidence.comparisons import by_patient
from kdlib.evidence.direction import Direction
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import count_of
from kdlib.record.choice import Saved
from kdlib.record.results import Results
from kdlib.report.adapting import awaited_words, results_named
from kdlib.report.gap_parts import threshold_words
from kdlib.report.other_masks import change_words
from kdlib.report.pictures import Slice, first_arms
from kdlib.report.starter_gains import starter_words
from kdlib.report.words import listed, signed
from kdlib.report.worth import labels_words
from kdlib.study.arm import upper_bound
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
    "holds": "The order of the methods holds: the more of the simulated gap a method closes, the"
    " higher is its Dice on the real scans.",
    "fails": "The order of the methods fails: a method that closes more of the simulated gap does"
    " not for that have a higher Dice on the real scans.",
    "undecided": "It is not decided whether the order of the methods holds.",
}
FATES = {  # of one comparison, and of several
    "carries over": ("carries over", "carry over"),
    "does not carry over": ("does not", "do not"),
    "undecided": ("is undecided", "are undecided"),
    "no finding": ("is open in the simulation already", "are open in the simulation already"),
}
CHANGES: dict[Direction, str] = {
    "better": "It is higher after",
    "worse": "It is lower after",
    "the same": "It is the same after",
    "open": "It is not clearly changed after",
}


@dataclass(frozen=True)
class Carried:
    """The results of the study ``real``, and those of the simulation that they are held against."""

    real: Results
    standard: Results
    controls: Results | None = None
    landscape: Results | None = None

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict, by the rules that were written before the results."""
        return judge_carried(
            self.real.all_scores, self.standard.all_scores, controls=_scores(self.controls),
            landscape=_scores(self.landscape), patients=self.real.patients,
        )  # fmt: skip

    @cached_property
    def gains(self) -> pd.DataFrame:
        """The gain of each arm on both sides, as ``gains_on_both`` describes it."""
        return gains_on_both(
            self.real.all_scores, self.standard.all_scores, landscape=_scores(self.landscape),
            patients=self.real.patients,
        )  # fmt: skip

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The scores on real scans, with each patient as one subject."""
        return by_patient(self.real.all_scores, self.real.patients)

    def label(self, arm: str) -> str:
        """What a reader calls an arm."""
        return self.real.arms[arm].label


def _scores(results: Results | None) -> pd.DataFrame | None:
    return None if results is None else results.all_scores


def carried(studies: list[Saved] | None = None) -> Carried | None:
    """What the verdict needs, of ``studies`` or all saved ones. None without ``real``."""
    names = ("real", "standard", "controls", "landscape")
    found = {name: results_named(name, studies) for name in names}
    real, standard = found.pop("real"), found.pop("standard")
    return None if real is None or standard is None else Carried(real, standard, **found)


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
    said = [ANSWERS[verdict.answer]]
    if verdict.order in ORDERS:
        said.append(ORDERS[verdict.order])
    if verdict.findings:
        counts = Counter[str](one.verdict for one in verdict.findings)
        fates = [
            f"{counts[fate]} {words[counts[fate] > 1]}"
            for fate, words in FATES.items()
            if counts[fate]
        ]
        said.append(f"Of {count_of(len(verdict.findings), 'comparison')}, {listed(fates)}.")
    else:
        said.append(f"The reason: {verdict.why}.")
    return " ".join(said)


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


def findings_table(found: Carried) -> pd.DataFrame:
    """Each row is one comparison: what the simulation and the real scans say, and the verdict."""
    names = ["Comparison", "Simulated", "Real", "Verdict"]
    names += ["Simulated difference", "Real difference"]
    rows = [
        (one.name, one.simulated, one.real, one.verdict, *_numbers(one))
        for one in found.verdict.findings
    ]
    return pd.DataFrame(rows, columns=names)


def _numbers(one: Finding) -> list[str]:
    """The difference in the simulation and on real scans, each with its 95 % interval."""
    if not one.contrasts:
        return ["", one.why]
    return [
        f"{signed(it.difference)} [{signed(it.low)}, {signed(it.high)}]" for it in one.contrasts
    ]


def gains_table(found: Carried) -> pd.DataFrame:
    """Each row is one arm: its gain on both sides with its 95 % interval, in Dice."""
    names = {
        f"{side}_{name}": f"{side.capitalize()} {name}"
        for side in ("simulated", "real")
        for name in ("gain", "low", "high")
    }
    sizes = {
        "Pairs": found.gains["simulated_parts"].map(len),
        "Patients": found.gains["real_parts"].map(len),
        "Seeds": found.gains["real_seeds"].map(len),
    }
    table = found.gains[list(names)].rename(columns=names).assign(**sizes)
    table.insert(0, "Arm", found.gains["arm"].map(found.label))
    return table


def chosen_patients(found: Carried) -> dict[str, str]:
    """A scan of the worst, the median and the best patient, by the Dice without adaptation.

    The choice favours no method. Of a patient with several scans it is the first one.
    """
    source, target = found.real.pairs[0]
    dice = _plain_dice(found, found.rows).sort_values()
    places = {"worst": 0, "median": len(dice) // 2, "best": -1}
    chosen = {name: str(dice.index[place]) for name, place in places.items()}
    shown = sorted(found.real.subjects(source, target))
    scans = {found.real.patients.get((target, scan), scan): scan for scan in reversed(shown)}
    return {name: scans[patient] for name, patient in chosen.items()}


def patient_examples(found: Carried) -> dict[str, dict[str, Slice]]:
    """The slices of the chosen patients, each under its name and its Dice without adaptation."""
    (source, target), dice = found.real.pairs[0], _plain_dice(found, found.real.scores)
    return {
        f"{name}: Dice {dice[scan]:.2f}": found.real.example(source, target, scan)
        for name, scan in chosen_patients(found).items()
    }


def _plain_dice(found: Carried, scores: pd.DataFrame) -> pd.Series:
    """The mean Dice of each subject without adaptation, in the pair of clinics that is shown."""
    source, target = found.real.pairs[0]
    own = scores["source"].eq(source) & scores["target"].eq(target)
    plain = scores[own & scores["arm"].eq(LOWER)]
    return plain.groupby("subject")["dice"].mean()


def patient_arms(found: Carried) -> dict[str, str]:
    """The arms of the pictures with their labels: both bounds, and those of the paper."""
    upper, first = upper_bound(found.real.arms), first_arms(found.real.arms)
    return first if upper is None else first | {upper: found.label(upper)}


def carried_conclusion(found: Carried | None) -> str:
    """The end of the chapter: the answer, the largest gain, and what stands beside it."""
    if found is None:
        return (
            "the study real has not been run yet, so the question is open. Until then, all that is"
            " known of real scans is how the starter does on them, in the chapter before this one."
        )
    gains = found.gains.dropna(subset="real_gain")
    if gains.empty:
        return carried_words(found)
    top = gains.sort_values("real_gain").iloc[-1]
    patients = count_of(found.rows["subject"].nunique(), "patient")
    seeds = count_of(len(top["real_seeds"]), "seed")
    pairs = count_of(len(top["simulated_parts"]), "pair")
    parts = [
        carried_words(found),
        f"These are the results of {patients} and {seeds}. {found.label(top['arm'])} gains most"
        f" there without labels ({signed(top['real_gain'])}). Over the {pairs} of simulated clinics"
        f" that are judged it changes the mean Dice by {signed(top['simulated_gain'])} (95 %"
        f" interval {signed(top['simulated_low'])} to {signed(top['simulated_high'])}).",
        change_words(found.real, str(top["arm"])),
        threshold_words(found.real),
        *starter_words(found.real, str(top["arm"])),
        *labels_words(found.real),
    ]
    return " ".join(part for part in parts if part)


def real_headline(found: Carried) -> str:
    """Which methods the real scans show to raise the Dice, in a sentence; empty if undecided."""
    if not found.verdict.findings:
        return ""
    raised = _changed(found).get("better", [])
    told = f"is higher after {listed(raised)}" if raised else "is clearly raised by no method"
    return (
        "On the real scans of one clinic, against the masks of its reader, the mean Dice"
        f" {told}, without labels of that clinic."
    )
