"""The book's story in sentences that are computed: the headline, what limits it, what to do."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kdlib.evidence import paper
from kdlib.evidence.comparisons import POOLED
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.gains import gains, pooled
from kdlib.report.length import slices_of, slices_of_study
from kdlib.report.words import Change, called, change_of, change_words, listed, signed
from kdlib.study.arm import featured

LEAST = 0.001  # of Dice: a smaller change of a mean is no change
STARTS = {
    "scratch": "A student that adapts to pooled scans starts from random weights. The paper does"
    " not say how its students start.",
    "teacher": "A student starts from the weights of its teacher. The paper does not say how its"
    " students start.",
}


@dataclass(frozen=True)
class Story:
    """What the first page says of a study."""

    results: Results

    @cached_property
    def gains(self) -> pd.DataFrame:
        """Every comparison of an arm with the lower bound, by pair and pooled."""
        return gains(self.results)

    @cached_property
    def found(self) -> dict[str, dict[Any, Any]]:
        """The pooled comparison of every arm with the lower bound, by arm."""
        return pooled(self.gains, self.results)

    @cached_property
    def arms(self) -> list[str]:
        """The arms of the headline: the first arm that distils, and AdaBN.

        Without an arm that distils the first is the first arm that the paper features.
        """
        arms = {name: arm for name, arm in self.results.arms.items() if name in self.found}
        first = [name for name in featured(self.results.arms) if name in arms]
        distilled = [name for name in first if arms[name].method == "distillation"]
        norm = [name for name, arm in arms.items() if arm.method == "adabn" and not arm.teacher]
        return list(dict.fromkeys([*(distilled or first)[:1], *norm[:1]]))

    @property
    def changes(self) -> dict[str, Change]:
        """What the pooled comparison says of each arm of the headline."""
        return {arm: change_of(self.found[arm]) for arm in self.arms}

    @property
    def headline(self) -> str:
        """One sentence: what the paper reports of its method, and what this study found of it."""
        if not self.arms:
            return "This study has no arm that can be compared with no adaptation."
        names = {arm: called(self.results.arms[arm]) for arm in self.arms}
        printed = paper.printed_gain(self.arms[0], tuple(self.results.pairs))
        said = ""
        if not math.isnan(printed):
            said = f"The paper reports that {names[self.arms[0]]} gains {signed(printed)} Dice; "
            names[self.arms[0]] = "it"
        parts = [self._did(arm, name) for arm, name in names.items()]
        here = f"in our study of {self.scope}, {listed(parts)}"
        whole = f"{said}{here}{self.unsure}."
        return whole[0].upper() + whole[1:]

    @property
    def unsure(self) -> str:
        """The end of a sentence on a change if there are too few seeds, else nothing."""
        few = "few seeds" in self.changes.values()
        return f", and {self.seeds} cannot decide whether that is chance" if few else ""

    def _did(self, arm: str, name: str) -> str:
        """What an arm did to the Dice, in short if the first arm did the same."""
        same = self.changes[arm] == self.changes[self.arms[0]] in ("raised", "lowered", "the same")
        if same and arm != self.arms[0]:
            return f"so did {name} ({signed(self.found[arm]['difference'])})"
        return f"{name} {change_words(self.found[arm])}"

    @property
    def scope(self) -> str:
        """How large the study is, as "6 pairs of simulated clinics and 3 seeds"."""
        kind = "simulated clinics" if self.simulated else "clinics"
        return f"{count_of(len(self.results.pairs), 'pair')} of {kind} and {self.seeds}"

    @property
    def seeds(self) -> str:
        """The number of seeds, as "3 seeds"."""
        return count_of(self.results.scores["seed"].nunique(), "seed")

    @property
    def simulated(self) -> bool:
        """Whether the scans were simulated. Results that do not say are older, and were."""
        return all(made.get("simulation", {}) is not None for made in self.results.seeds.values())

    @property
    def caveats(self) -> list[str]:
        """What must be known before the headline is believed, each in one or two sentences."""
        recipe = self.results.study["recipe"]
        own, whole = slices_of(recipe), slices_of_study("paper")
        return [
            "The pairs of clinics are simulated." if self.simulated else "The scans are real.",
            f"Each network learnt from {own:,} slices; the paper's from {whole:,}.",
            STARTS[recipe["start"]],
        ]

    @property
    def harm(self) -> str:
        """In how many pairs, and for how many subjects, the headline's arms lower the Dice."""
        table = self.gains[self.gains["source"].ne(POOLED)]
        parts = []
        for arm in self.arms:
            own = table[table["arm"].eq(arm)]
            parts.append(
                f"With {self.results.arms[arm].label} the mean Dice is lower than without"
                f" adaptation by {LEAST:g} or more in"
                f" {int((own['difference'] <= -LEAST).sum())} of {count_of(len(own), 'pair')}."
                " Averaged over the pairs in which they are tested,"
                f" {100 * self.found[arm]['made_worse']:.0f} % of the subjects have a lower Dice."
            )
        return " ".join(parts)

    @property
    def _worse(self) -> str:
        """The arms that clearly lower the Dice, as the second half of a sentence, if any does."""
        lowered = [name for name, one in self.found.items() if change_of(one) == "lowered"]
        labels = [self.results.arms[name].label for name in lowered]
        lowers = "lowers" if len(labels) == 1 else "lower"
        return f", and {listed(labels)} clearly {lowers} the Dice" if labels else ""

    @property
    def advice(self) -> str:
        """What these results say to somebody with scans of a new scanner."""
        scope = "simulated clinics" if self.simulated else "results"
        if not self.arms:
            return f"These {scope} compare no method with no adaptation, so they advise nothing."
        if "few seeds" in self.changes.values():
            few = f"These {scope} have {self.seeds}, which is too few to recommend a method."
            return f"{few} By them, start without adaptation."
        raised = [arm for arm, change in self.changes.items() if change == "raised"]
        if not raised:
            names = " or ".join(self.results.arms[arm].label for arm in self.arms)
            none = f"These {scope} show no clear gain by {names}{self._worse}."
            return f"{none} By them, start without adaptation."
        best = max(raised, key=lambda arm: self.found[arm]["difference"])
        name = called(self.results.arms[best])
        largest = f"{name} has the largest clear gain of the methods above"
        return f"In these {scope}, {largest}. Try it."
