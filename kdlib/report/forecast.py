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
        NAMES[method]: [f"{found['correlation']:.2f}"]
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
    none, is_ = (str(harmed) if harmed else "None"), ("is" if harmed <= 1 else "are")
    return (
        f"With {name} the forecast and the true gain have a correlation of"
        f" {found['correlation']:.2f}, and it foretells in {found['sign_right']:.0%} of the clinics"
        f" whether there is a gain{beside_a_coin(found)}. Therefore the rule adapts rarely:"
        f" {adapted} of {found['clinics']}. {none} of these {is_} worse than the starter by over"
        f" 0.02 Dice, and so few cannot judge the rule. If all were adapted, it would be so in"
        f" {would}. The true gain was in its interval in"
        f" {found['inside_interval']:.0%}."
    )
