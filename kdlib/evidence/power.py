"""What a study of this design would answer if the paper's tables were exactly true.

Studies are drawn with the printed differences as the truth, and with the study's own subjects and
trainings as what moves the differences (``components.py``). The rules of the ledger then judge each
of them. Every contrast is drawn on its own, as if contrasts did not share subjects and trainings.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kdlib.evidence import paper
from kdlib.evidence.components import Components, components_of
from kdlib.evidence.contrast import MINIMUM_SEEDS, Contrast
from kdlib.evidence.crossed import Crossed, Values
from kdlib.evidence.evidence import Evidence, Pairs
from kdlib.evidence.statistics import MARGIN, holm
from kdlib.evidence.verdicts import Judgement

STUDIES = 1000
SEARCHED = 200  # studies for each number of seeds that is tried
SEEDS = (5, 10, 20, 50, 100)
# If the paper were right, a design that more often says nothing than something cannot decide.
DECIDABLE = 0.5

Compared = tuple[str, str, Pairs]  # an arm, its baseline and the pairs of clinics


class Expected(NamedTuple):
    """How many of the drawn studies give each verdict, and with how many seeds half decide."""

    reproduced: int
    undecided: int
    contradicted: int
    seeds: str

    @property
    def decides(self) -> bool:
        """Whether at least half of the drawn studies get an answer."""
        return self.undecided <= (1 - DECIDABLE) * sum(self[:3])


def expected(
    evidence: Evidence, claims: Mapping[str, Callable[[Evidence], Judgement]]
) -> dict[str, Expected]:
    """What is expected of each of ``claims`` that the study could judge, by its name."""
    own = int(evidence.main["seed"].nunique())
    parts: dict[Compared, Components] = {}  # the same, whatever the number of seeds
    found = _counted(Drawn(evidence, own, STUDIES, parts), claims, str(own))
    for seeds in SEEDS:
        open_yet = {name: claims[name] for name, one in found.items() if one.seeds == ""}
        if seeds > own and open_yet:
            more = _counted(Drawn(evidence, seeds, SEARCHED, parts), open_yet, str(seeds))
            found |= {name: found[name]._replace(seeds=more[name].seeds) for name in more}
    return {
        name: one._replace(seeds=one.seeds or f"more than {SEEDS[-1]}")
        for name, one in found.items()
    }


def _counted(
    drawn: "Drawn", claims: Mapping[str, Callable[[Evidence], Judgement]], seeds: str
) -> dict[str, Expected]:
    """The verdicts on every drawn study; ``seeds`` stands in those of claims that they decide."""
    found = {}
    for name, decide in claims.items():
        if drawn.lacks_for(decide):
            continue
        verdicts = Counter(decide(drawn.study(turn)).verdict for turn in range(drawn.studies))
        reproduced, contradicted = verdicts["reproduced"], verdicts["contradicted"]
        one = Expected(reproduced, verdicts["undecided"], contradicted, seeds)
        found[name] = one if one.decides else one._replace(seeds="")
    return found


class Drawn(Evidence):
    """The evidence of many drawn studies, of which the rules see one at a time."""

    def __init__(
        self, real: Evidence, seeds: int, studies: int, parts: dict[Compared, Components]
    ) -> None:
        """Draw ``studies`` with ``seeds`` each, as like ``real`` as it allows.

        ``parts`` keeps the components of each contrast of ``real``.
        """
        self.real, self.seeds, self.studies, self.parts = real, seeds, studies, parts
        self.closed, self.main = real.closed, real.main
        self._turn = 0
        self._lacks: dict[tuple[tuple[str, ...], Pairs], str] = {}
        self._drawn: dict[Compared, Crossed] = {}
        self._contrasts: dict[tuple[str, str, Pairs, float, bool], list[Contrast]] = {}

    def study(self, turn: int) -> "Drawn":
        """The evidence of one study."""
        self._turn = turn
        return self

    def shortfall(
        self, arms: Sequence[str], pairs: Pairs = paper.PAIRS, metric: str = "dice"
    ) -> str:
        """What the real study lacks."""
        key = (tuple(arms), pairs)
        if key not in self._lacks:
            self._lacks[key] = self.real.shortfall(arms, pairs, metric)
        return self._lacks[key]

    def lacks_for(self, decide: Callable[[Evidence], Judgement]) -> bool:
        """Whether the real study lacks what the rule asks for."""
        self._lacks.clear()
        decide(self.study(0))
        return any(self._lacks.values())

    def contrast(
        self, arm: str, baseline: str, pairs: Pairs, margin: float = MARGIN, metric: str = "dice"
    ) -> Contrast:
        return self._contrast(arm, baseline, pairs, margin, corrected=False)

    def declared(self, arm: str, baseline: str, pairs: Pairs, margin: float = MARGIN) -> Contrast:
        return self._contrast(arm, baseline, pairs, margin, corrected=True)

    def _contrast(
        self, arm: str, baseline: str, pairs: Pairs, margin: float, corrected: bool
    ) -> Contrast:
        pairs = self.judged(pairs)
        key = (arm, baseline, pairs, margin, corrected)
        if key not in self._contrasts:
            found = self._crossed(arm, baseline, pairs)
            p = self._corrected[arm, baseline, pairs] if corrected else found.p()
            self._contrasts[key] = self._listed(f"{arm} - {baseline}", found, p, margin)
        return self._contrasts[key][self._turn]

    def _listed(self, name: str, found: Crossed, p: Values, margin: float) -> list[Contrast]:
        """One contrast for each study, without what the rules do not ask: intervals and seeds."""
        nan, same, apart = float("nan"), found.equivalence(margin), found.beyond(margin)
        return [
            Contrast(
                name, difference, nan, nan, one_p, 0, nan, margin, is_same, is_apart,
                (difference,) * min(self.seeds, MINIMUM_SEEDS),
            )
            for difference, one_p, is_same, is_apart in np.stack(
                [found.mean, p, same, apart], axis=1
            ).tolist()
        ]  # fmt: skip

    def _crossed(self, arm: str, baseline: str, pairs: Pairs) -> Crossed:
        key = (arm, baseline, pairs)
        if (turned := self._drawn.get((baseline, arm, pairs))) is not None:
            return replace(turned, mean=-turned.mean, seed_means=-turned.seed_means)
        if key not in self._drawn:
            rng = np.random.default_rng([len(self._drawn), self.seeds])
            if key not in self.parts:
                self.parts[key] = components_of(self.real.differences(arm, baseline, pairs))
            truth = paper.printed_difference(arm, baseline, pairs)
            self._drawn[key] = self.parts[key].statistics(truth, self.seeds, self.studies, rng)
        return self._drawn[key]

    @cached_property
    def _corrected(self) -> dict[tuple[str, str, Pairs], Values]:
        """P after Holm of the declared family's single pairs, and of its pooled tests."""
        found: dict[tuple[str, str, Pairs], Values] = {}
        judged = self.judged()
        for family in ([(pair,) for pair in judged], [judged]):
            keys = [(*arms, pairs) for arms in paper.DECLARED for pairs in family]
            p_values = holm(np.stack([self._crossed(*key).p() for key in keys], axis=-1))
            found |= dict(zip(keys, np.moveaxis(p_values, -1, 0), strict=True))
        return found
