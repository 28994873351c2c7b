"""Does what the simulated bench found hold on real scans? The results, and tables of them."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from kdlib.evidence.bench import LOWER
from kdlib.evidence.carried import Finding, Verdict, judge_carried
from kdlib.evidence.carried_gains import gains_on_both
from kdlib.evidence.comparisons import by_patient
from kdlib.record.choice import Saved
from kdlib.record.results import Results
from kdlib.report.adapting import results_named
from kdlib.report.pictures import Slice, first_arms
from kdlib.report.words import signed
from kdlib.study.arm import upper_bound


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
