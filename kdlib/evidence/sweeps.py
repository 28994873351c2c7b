"""What sweeps say: a temperature chosen on the source, and how much a setting matters.

A sweep's rows stand in the study's scores with two further columns: ``setting`` ("temperature" for
KD; "adversarial_weight" or "discriminator_width" for ADA) and its ``value``, the study's own value
among them. A third column, ``evaluated_on``, is "source" where a student was scored on its source
clinic's subjects; empty or "target" means the target.
"""

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import PAIR, pooled
from kdlib.evidence.statistics import MARGIN, Interval, Values, interval_of, resample_counts
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
    by_seed = [_dice_lost(rows, best, chosen).mean() for _, rows in target.groupby("seed")]
    choices = ", ".join(f"{value:g}" for value in chosen)
    name = f"best T on the target - T chosen on the source ({choices})"
    return contrast_of(name, pooled(lost), np.array(by_seed))


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
    return Judgement("undecided", f"not enough power: {lost}")


def spreads(scores: pd.DataFrame) -> tuple[Interval, Interval]:
    """SD of the mean Dice over settings: of KD over T, and ADA's minus KD's, with 95 % intervals.

    By pair, then averaged. The variance that seeds alone would give is taken off first. Subjects
    are resampled within clinic, the same ones for both methods.
    """
    rows = {
        "KD": swept(scores, "KD", (TEMPERATURE,), "target"),
        "ADA": swept(scores, "ADA", ADVERSARY, "target"),
    }
    pairs = sorted(set.intersection(*(_pairs(part) for part in rows.values())))
    kd, ada = (
        np.mean([_spread_draws(part, pair) for pair in pairs], axis=0) for part in rows.values()
    )
    subjects = rows["KD"].groupby(["target", "subject"]).ngroups
    clinics = rows["KD"]["target"].nunique()
    found = []
    for draws in (kd, ada - kd):
        low, high = interval_of(draws[1:], subjects, clinics)
        found.append(Interval(float(draws[0]), float(low), float(high)))
    return found[0], found[1]


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


def _dice_lost(rows: pd.DataFrame, best: pd.Series, chosen: pd.Series) -> pd.Series:
    """Dice at ``best`` minus Dice at ``chosen``, by (source, target, subject)."""
    dice = rows.groupby([*PAIR, "subject", "value"])["dice"].mean().unstack("value")
    both = sorted(set(best.index) & set(chosen.index) & _pairs(rows))
    parts = [dice.xs(pair, level=PAIR, drop_level=False) for pair in both]
    lost = [
        part[float(best.loc[pair])] - part[float(chosen.loc[pair])]
        for pair, part in zip(both, parts, strict=True)
    ]
    return pd.concat(lost).dropna()


def _pairs(rows: pd.DataFrame) -> set[tuple[str, str]]:
    return set(rows[PAIR].itertuples(index=False, name=None))


def _spread_draws(rows: pd.DataFrame, pair: tuple[str, str]) -> Values:
    """SD over configurations of one pair: as found, then in every resample of subjects."""
    of_pair = rows[rows[PAIR].eq(list(pair)).all(axis=1)]
    table = of_pair.pivot_table("dice", index="subject", columns=[*CONFIGURATION, "seed"]).dropna()
    values = table.to_numpy()
    drawn = resample_counts((len(values),)) @ values / len(values)
    means = pd.DataFrame(np.vstack([values.mean(axis=0), drawn]), columns=table.columns).T
    grouped = means.groupby(CONFIGURATION)
    noise = (grouped.var() / grouped.count()).fillna(0).mean()
    return np.sqrt(np.maximum((grouped.mean().var() - noise).to_numpy(), 0))
