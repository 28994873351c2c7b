"""What sweeps say: a temperature chosen on the source, and how much a setting matters.

A sweep's rows stand in the study's scores with two further columns: ``setting`` ("temperature" for
KD; "adversarial_weight" or "discriminator_width" for ADA) and its ``value``, the study's own value
among them. A third column, ``evaluated_on``, is "source" where a student was scored on its source
clinic's subjects; empty or "target" means the target.
"""

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import PAIR, pooled
from kdlib.evidence.crossed import Interval, jackknifed
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import MINIMUM_SEEDS, Contrast, Judgement, contrast_of, count_of

TEMPERATURE = "temperature"
ADVERSARY = ("adversarial_weight", "discriminator_width")
CONFIGURATION = ["setting", "value"]
MINIMUM_VALUES = 3
MINIMUM_PAIRS = 3
RANGE = (1.0, 10.0)  # of temperatures


def swept(scores: pd.DataFrame, arm: str, settings: tuple[str, ...], on: str) -> pd.DataFrame:
    """The rows of ``arm``'s sweep over ``settings``, scored ``on`` "source" or "target"."""
    if not {"setting", "value"} <= set(scores.columns):
        return scores.iloc[:0].assign(setting="", value=np.nan)
    where = scores.get("evaluated_on", pd.Series("target", index=scores.index)).fillna("target")
    rows = scores[scores["arm"].eq(arm) & scores["setting"].isin(settings) & where.eq(on)]
    rows = rows.assign(value=rows["value"].astype(float))
    hot = rows["setting"].eq(TEMPERATURE) & ~rows["value"].between(*RANGE)
    return rows[~hot]


def sweep_shortfall(rows: pd.DataFrame, settings: tuple[str, ...], name: str) -> str:
    """What a sweep lacks: every setting at three values, in three pairs with three seeds."""
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


def temperature_regret(scores: pd.DataFrame) -> Contrast:
    """Target Dice lost by the temperature that is best on the source, a value per target subject.

    The best temperature on the target is picked from the same numbers that it is judged by, which
    can only make the loss look larger.
    """
    source, target = (swept(scores, "KD", (TEMPERATURE,), on) for on in ("source", "target"))
    chosen, best = best_value(source), best_value(target)
    lost = _dice_lost(target, best, chosen)
    choices = ", ".join(f"{value:g}" for value in chosen)
    name = f"best T on the target - T chosen on the source ({choices})"
    return contrast_of(name, pooled(lost))


def best_value(rows: pd.DataFrame) -> pd.Series:
    """The value with the highest mean Dice over subjects and seeds, by (source, target)."""
    means = rows.groupby([*PAIR, "value"])["dice"].mean()
    return pd.Series(means.unstack("value").idxmax(axis=1))


def judge_temperature(scores: pd.DataFrame) -> Judgement:
    """Reproduced if the loss is below 0.02 with its whole interval, contradicted if above."""
    for on in ("source", "target"):
        rows = swept(scores, "KD", (TEMPERATURE,), on)
        if short := sweep_shortfall(rows, (TEMPERATURE,), f"temperature sweep scored on the {on}"):
            return Judgement("undecided", short)
    lost = temperature_regret(scores)
    if lost.apart:
        return Judgement("contradicted", str(lost))
    if lost.small:
        return Judgement("reproduced", str(lost))
    lack = "no spread" if np.isnan(lost.p) else "not enough power"
    return Judgement("undecided", f"{lack}: {lost}")


def spreads(scores: pd.DataFrame) -> tuple[Interval, Interval]:
    """SD of the mean Dice over settings: of KD over T, and ADA's minus KD's, with 95 % intervals.

    By pair, then averaged. The variance that seeds alone would give is taken off first. Subjects
    and seeds are both random: each is left out once, of all pairs and of both methods alike.
    """
    rows = [
        swept(scores, "KD", (TEMPERATURE,), "target"),
        swept(scores, "ADA", ADVERSARY, "target"),
    ]
    tables = [
        _settings_of(pd.concat(rows), pair) for pair in sorted(set.intersection(*map(_pairs, rows)))
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


def judge_tuning(scores: pd.DataFrame) -> Judgement:
    """Reproduced if ADA's spread is above KD's and KD's below 0.02, contradicted if one is not."""
    for arm, settings in (("KD", (TEMPERATURE,)), ("ADA", ADVERSARY)):
        rows = swept(scores, arm, settings, "target")
        if short := sweep_shortfall(rows, settings, f"{arm}'s sweep over {' and '.join(settings)}"):
            return Judgement("undecided", short)
    kd, more = spreads(scores)
    why = (
        f"KD's SD over T {kd.value:.3f} [{kd.low:.3f}, {kd.high:.3f}]; ADA's over weight and width"
        f" is larger by {more.value:+.3f} [{more.low:+.3f}, {more.high:+.3f}]"
    )
    if more.low > 0 and kd.high < MARGIN:
        return Judgement("reproduced", why)
    if more.high < 0 or kd.low > MARGIN:
        return Judgement("contradicted", why)
    return Judgement("undecided", f"not enough power: {why}")


def _dice_lost(rows: pd.DataFrame, best: pd.Series, chosen: pd.Series) -> pd.DataFrame:
    """Dice at ``best`` minus Dice at ``chosen`` of each subject, with one column for each seed."""
    keys = [*PAIR, "fold", "subject", "seed", "value"]
    dice = rows.groupby(keys)["dice"].mean().unstack("value")
    both = sorted(set(best.index) & set(chosen.index) & _pairs(rows))
    parts = [dice.xs(pair, level=PAIR, drop_level=False) for pair in both]
    lost = [
        part[float(best.loc[pair])] - part[float(chosen.loc[pair])]
        for pair, part in zip(both, parts, strict=True)
    ]
    return pd.concat(lost).unstack("seed").dropna(how="all")


def _pairs(rows: pd.DataFrame) -> set[tuple[str, str]]:
    return set(rows[PAIR].itertuples(index=False, name=None))


def _settings_of(rows: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Dice of a pair's (target, subject) that have all of its (arm, setting, value, seed)."""
    of_pair = rows[rows[PAIR].eq(list(pair)).all(axis=1)]
    columns = ["arm", *CONFIGURATION, "seed"]
    return of_pair.pivot_table("dice", index=["target", "subject"], columns=columns).dropna()


def _sds(means: pd.DataFrame) -> pd.DataFrame:
    """SD over settings of means (arm, setting, value, seed): a row per arm, for every column."""
    settings = means.groupby(["arm", *CONFIGURATION])
    noise = (settings.var() / settings.count()).fillna(0).groupby("arm").mean()
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
