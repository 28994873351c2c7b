"""What sweeps say: a temperature chosen on the source, and how much a setting matters.

A sweep's rows stand in the study's scores with two further columns: ``setting`` ("temperature" for
KD; "adversarial_weight" or "discriminator_width" for ADA) and its ``value``, the study's own value
among them. A third column, ``evaluated_on``, is "source" where a student was scored on its source
clinic's subjects; empty or "target" means the target.
"""

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import PAIR, of_sweeps, on_target
from kdlib.evidence.contrast import MINIMUM_SEEDS
from kdlib.evidence.crossed import Interval, jackknifed
from kdlib.evidence.evidence import Evidence, Pairs
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import Judgement, count_of

TEMPERATURE = "temperature"
ADVERSARY = ("adversarial_weight", "discriminator_width")
CONFIGURATION = ["setting", "value"]
MINIMUM_VALUES = 3
MINIMUM_PAIRS = 3
# What somebody without target labels may try; RANGES_BECAUSE says why. Other values are not judged.
RANGES = {TEMPERATURE: (1.0, 10.0), ADVERSARY[0]: (0.003, 0.3), ADVERSARY[1]: (4.0, 16.0)}
RANGES_BECAUSE = (
    "The ranges are what somebody without target labels may try. T begins with 1, which softens"
    " nothing, and ends with 10, where the shape of soft labels hardly changes any more. The weight"
    " of the adversary goes from the study's own 0.003 to 0.3, with the usual 0.05 between them,"
    " and its width from half to twice the paper's."
)


def swept(scores: pd.DataFrame, arm: str, settings: tuple[str, ...], on: str) -> pd.DataFrame:
    """The rows of ``arm``'s sweep over ``settings``, scored ``on`` "source" or "target"."""
    if not {"setting", "value"} <= set(scores.columns):
        return scores.iloc[:0].assign(setting="", value=np.nan)
    where = on_target(scores).eq(on == "target")
    rows = scores[scores["arm"].eq(arm) & scores["setting"].isin(settings) & where]
    rows = rows.assign(value=rows["value"].astype(float))
    low, high = (rows["setting"].map({of: RANGES[of][end] for of in settings}) for end in (0, 1))
    return rows[rows["value"].between(low, high)]


def with_sweeps(scores: pd.DataFrame, mechanism: pd.DataFrame | None) -> pd.DataFrame:
    """A study's ``scores``, with the sweeps of the study of the mechanism if it has none itself."""
    if mechanism is None or "setting" not in mechanism or swept_pairs(scores):
        return scores
    return pd.concat([scores, mechanism[of_sweeps(mechanism)]], ignore_index=True)


def swept_pairs(scores: pd.DataFrame) -> Pairs:
    """The pairs of clinics in which KD's temperature or a setting of ADA was swept."""
    return tuple(
        sorted(
            pairs_of(swept(scores, "KD", (TEMPERATURE,), "target"))
            | pairs_of(swept(scores, "ADA", ADVERSARY, "target"))
        )
    )


def sweep_shortfall(
    evidence: Evidence, arm: str, settings: tuple[str, ...], name: str, on: str = "target"
) -> str:
    """What a sweep lacks: every setting at three values, in three pairs with three seeds.

    Pairs that are not judged count as run.
    """
    rows = swept(evidence.everything, arm, settings, on)
    if rows.empty:
        return f"not run: {name}"
    values = rows.groupby("setting")["value"].nunique().reindex(settings).fillna(0)
    pairs = rows.groupby(PAIR).ngroups
    seeds = int(rows.groupby([*PAIR, *CONFIGURATION])["seed"].nunique().min())
    if values.min() >= MINIMUM_VALUES and pairs >= MINIMUM_PAIRS and seeds >= MINIMUM_SEEDS:
        return ""
    return (
        f"{name} run at {count_of(int(values.min()), 'value')}, {count_of(pairs, 'pair')} of"
        f" clinics and {count_of(seeds, 'seed')}; it takes {MINIMUM_VALUES}, {MINIMUM_PAIRS} and"
        f" {MINIMUM_SEEDS}"
    )


def spreads(scores: pd.DataFrame) -> tuple[Interval, Interval]:
    """SD of the mean Dice over settings: of KD over T, and ADA's minus KD's, with 95 % intervals.

    By pair, then averaged. The variance that chance in single trainings would give is taken off
    first. What a seed moves in all settings alike adds none. Subjects and seeds are both random:
    each is left out once, of all pairs and of both methods alike.
    """
    rows = [
        swept(scores, "KD", (TEMPERATURE,), "target"),
        swept(scores, "ADA", ADVERSARY, "target"),
    ]
    tables = [
        _settings_of(pd.concat(rows), pair)
        for pair in sorted(set.intersection(*map(pairs_of, rows)))
    ]
    whole = pd.concat([_sds(table.mean().to_frame()) for table in tables], axis=1).mean(axis=1)
    moved = pd.concat([_without_a_subject(table) for table in tables], axis=1) / len(tables)
    by_subject = moved.T.groupby(["target", "subject"]).sum()
    by_seed = pd.concat([_without_a_seed(table) for table in tables]).groupby("seed").mean()

    def of(weights: dict[str, float]) -> Interval:
        signs = pd.Series(weights)
        clinics = [(part @ signs).to_numpy() for _, part in by_subject.groupby("target")]
        return jackknifed(
            float((whole * signs).sum()), clinics, (by_seed @ signs).to_numpy()
        ).interval()

    return of({"ADA": 0, "KD": 1}), of({"ADA": 1, "KD": -1})


def judge_tuning(evidence: Evidence) -> Judgement:
    """Reproduced if ADA's spread is above KD's and KD's below 0.02, contradicted if one is not."""
    for arm, settings in (("KD", (TEMPERATURE,)), ("ADA", ADVERSARY)):
        name = f"{arm}'s sweep over {' and '.join(settings)}"
        if short := sweep_shortfall(evidence, arm, settings, name):
            return Judgement("undecided", short)
    kd, more = spreads(evidence.scores)
    why = (
        f"KD's SD over T {kd.value:.3f} [{kd.low:.3f}, {kd.high:.3f}]; ADA's over weight and width"
        f" is larger by {more.value:+.3f} [{more.low:+.3f}, {more.high:+.3f}]"
    )
    if more.low > 0 and kd.high < MARGIN:
        return Judgement("reproduced", why)
    if more.high < 0 or kd.low > MARGIN:
        return Judgement("contradicted", why)
    return Judgement("undecided", f"not enough power: {why}")


def pairs_of(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """The pairs of clinics (source, target) of some rows."""
    return set(rows[PAIR].itertuples(index=False, name=None))


def _settings_of(rows: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Dice of a pair's (target, subject) that have all of its (arm, setting, value, seed).

    An arm's own settings stand in each of its sweeps. They are one configuration, and stay once.
    """
    of_pair = rows[rows[PAIR].eq(list(pair)).all(axis=1)]
    columns = ["arm", *CONFIGURATION, "seed"]
    table = of_pair.pivot_table("dice", index=["target", "subject"], columns=columns).dropna()
    again = table.T.reset_index(["arm", "seed"]).duplicated().to_numpy()
    return table.T[~again].T


def _sds(means: pd.DataFrame) -> pd.DataFrame:
    """SD over settings of means (arm, setting, value, seed): a row per arm, for every column."""
    settings, seeds = means.groupby(["arm", *CONFIGURATION]), means.groupby(["arm", "seed"])
    arms = means.groupby("arm")
    left = means - settings.transform("mean") - seeds.transform("mean") + arms.transform("mean")
    counts = pd.DataFrame({"settings": seeds.size().groupby("arm").first(),
                           "seeds": settings.size().groupby("arm").first()})  # fmt: skip
    freedom = ((counts["settings"] - 1) * (counts["seeds"] - 1)).clip(lower=1)
    noise = (left**2).groupby("arm").sum().div(freedom * counts["seeds"], axis=0)
    return (settings.mean().groupby("arm").var() - noise).clip(lower=0) ** 0.5


def _without_a_subject(table: pd.DataFrame) -> pd.DataFrame:
    """How far the SDs move when one subject is left out: a column per (target, subject)."""
    others = ((table.sum() - table) / (len(table) - 1)).T
    return _sds(others).sub(_sds(table.mean().to_frame())[0], axis=0)


def _without_a_seed(table: pd.DataFrame) -> pd.DataFrame:
    """The SDs when one seed is left out: a row per seed, a column per arm."""
    seeds, means = table.columns.unique("seed"), table.mean()
    sds = [_sds(means.drop(seed, level="seed").to_frame(seed)) for seed in seeds]
    return pd.concat(sds, axis=1).T.rename_axis("seed")
