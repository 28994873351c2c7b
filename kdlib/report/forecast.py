"""How good the forecast of a gain is, on simulated clinics that it has not seen."""

from collections.abc import Mapping

import pandas as pd

from kdlib.own_scans.forecast import beside_a_coin, forecast_tests, people_of_the_tests
from kdlib.report.real_scans import NAMES
from kdlib.report.words import listed, signed

SHARES = {
    "sign_right": "It foretells whether there is a gain",
    "inside_interval": "The true gain is in its interval",
    "adapted": "The verdict is to adapt",
    "harmed": "The result is worse than the starter by over 0.02",
    "harmed_if_always_adapted": "It would be so, if all were adapted",
}
GAINS = {
    "mean_gain": "Mean gain in Dice",
    "mean_gain_if_always_adapted": "Mean gain in Dice, if all were adapted",
    "worst_if_always_adapted": "The worst change, if all were adapted",
}


def forecast_table() -> pd.DataFrame:
    """Each row is one measure of the forecast, and each column after the first one method.

    The first column is ``On unseen clinics``. The table is empty if no forecast was fitted.
    """
    methods = {
        NAMES[method]: [_unsigned(found["correlation"])]
        + [f"{found[name]:.0%}" for name in SHARES]
        + [signed(found[name]) for name in GAINS]
        for method, found in forecast_tests().items()
    }
    rows = ["Correlation of forecast and true gain", *SHARES.values(), *GAINS.values()]
    return pd.DataFrame({"On unseen clinics": rows, **methods}) if methods else pd.DataFrame()


def expected_words() -> str:
    """How often ``kdlib adapt`` uses an adapted network, in a sentence for who is about to try."""
    tests = forecast_tests()
    if not tests:
        return "a rule of thumb decides, and it lets harmful students pass."
    parts = [f"{found['adapted']:.0%} with {NAMES[method]}" for method, found in tests.items()]
    clinics = next(iter(tests.values()))["clinics"]
    if not any(found["adapted"] for found in tests.values()):
        return (
            f"in none of {clinics} simulated clinics it used the adapted network. So nearly always"
            " you get the starter's own masks, with the reason."
        )
    return (
        f"of {clinics} simulated clinics, it used the adapted network in {listed(parts)}. So mostly"
        " you get the starter's own masks, with the reason."
    )


def forecast_words() -> str:
    """Whether the verdict of ``kdlib adapt`` does harm, in sentences."""
    tests = forecast_tests()
    if not tests:
        return "No forecast of the gain was fitted, so a rule of thumb decides."
    said = [_method_words(NAMES[method], found) for method, found in tests.items()]
    one = next(iter(tests.values()))
    return (
        f"It was tested on {one['clinics']} simulated clinics that it has not seen. The"
        f" clinics are made of {people_of_the_tests()} people in all, and {one['of_one_scan']} of"
        " the clinics are a single scan."
        f" {' '.join(said)}"
    )


def _method_words(name: str, found: Mapping[str, float]) -> str:
    """How good the forecast is for one method, in sentences."""
    adapted, harmed, would = (
        round(found[share] * found["clinics"])
        for share in ("adapted", "harmed", "harmed_if_always_adapted")
    )
    correlation = _unsigned(found["correlation"])
    return (
        f"With {name} the forecast and the true gain have a correlation of {correlation}, and it"
        f" foretells in {found['sign_right']:.0%} of the clinics"
        f" whether there is a gain{beside_a_coin(found)}. {_rule_words(adapted, harmed, found)} If"
        f" all were adapted, {would} would be worse than the starter by over 0.02 Dice. The true"
        f" gain was in its interval in {found['inside_interval']:.0%}."
    )


def _rule_words(adapted: int, harmed: int, found: Mapping[str, float]) -> str:
    """How often the rule adapts, and how often it does harm then, in sentences."""
    often = f"{adapted or 'none'} of {found['clinics']}"
    if not adapted:
        return f"Therefore the rule adapts {often}. So nothing got worse, and nothing better."
    none, is_ = (str(harmed) if harmed else "None"), ("is" if harmed <= 1 else "are")
    return (
        f"Therefore the rule adapts rarely: {often}. {none} of these {is_} worse than the starter"
        " by over 0.02 Dice, and so few cannot judge the rule."
    )


def _unsigned(correlation: float) -> str:
    """A correlation with a sign only if it is below 0."""
    return signed(correlation, 2).removeprefix("+")
