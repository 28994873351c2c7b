"""Numbers, intervals and lists in words, as sentences and tables of the book use them."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from kdlib.evidence.contrast import ALPHA, MINIMUM_SEEDS
from kdlib.evidence.crossed import MINIMUM_SUBJECTS
from kdlib.evidence.statistics import MARGIN
from kdlib.study.arm import Arm

LITTLE = 1e-6  # less is 0 but for rounding
NO_SPREAD = 1e-12  # of Dice: differences that are alike but for rounding
SMALLEST_P = 0.001  # a smaller p says no more than this
# What a method is called in a sentence, before the label of its arm.
METHODS = {"adversarial": "adversarial adaptation", "distillation": "distillation"}
Change = Literal["few seeds", "raised", "lowered", "the same", "unclear"]


def signed(value: Any, digits: int = 3) -> str:
    """A number as "+0.031" or "−0.004", with the sign that printers use. 0 has a plus."""
    return rounded(value, digits, sign="+").replace("-", "−")


def rounded(value: Any, digits: int, sign: str = "") -> str:
    """A number with ``digits`` after the point, or as many as show that it is not 0.

    So a bound that is just below 0 keeps its sign. What is smaller than ``LITTLE`` is 0.

    >>> rounded(-0.00042, 3), rounded(-0.0004, 3, "+"), rounded(1e-9, 3)
    ('-0.0004', '-0.0004', '0.000')
    """
    while LITTLE <= abs(value) < 0.5 * 10**-digits:
        digits += 1
    return f"{value:{sign}z.{digits}f}"


def interval(found: Mapping[Any, Any]) -> str:
    """The 95 % interval of a comparison in words, and in words too why there is none."""
    if math.isnan(found["low"]) or math.isnan(found["high"]):
        alike = found["n"] >= MINIMUM_SUBJECTS and not found["sd"] > NO_SPREAD
        return f"{'no spread' if alike else 'too few subjects'} for an interval"
    alone = " over subjects alone" if found["seeds"] == 1 else ""
    return f"95 % interval{alone} {signed(found['low'])} to {signed(found['high'])}"


def listed(parts: Sequence[str]) -> str:
    """As "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def in_italics(text: str, names: Sequence[str]) -> str:
    """``text`` with each of ``names`` in italics, as Markdown.

    >>> in_italics("the study dials", ["dials"])
    'the study *dials*'
    """
    return re.sub(rf"\b({'|'.join(map(re.escape, names))})\b", r"*\1*", text)


def p_text(p: float, digits: int = 3) -> str:
    """A p as "0.023" or "< 0.001"; empty where there is none."""
    if math.isnan(p):
        return ""
    return f"{p:.{digits}f}" if p >= SMALLEST_P else f"< {SMALLEST_P:g}"


def called(arm: Arm) -> str:
    """What an arm is called in a sentence, for example "distillation (KD)"."""
    return f"{METHODS[arm.method]} ({arm.label})" if arm.method in METHODS else arm.label


def change_of(found: Mapping[Any, Any]) -> Change:
    """What a comparison, a row of ``study_comparisons``, says of an arm's Dice.

    It is "raised" or "lowered" if p is below 5 % after the correction for several tests, and "the
    same" if the test of equivalence says so. With fewer than three seeds nothing is decided.
    """
    if found["seeds"] < MINIMUM_SEEDS:
        return "few seeds"
    if found["p_holm"] < ALPHA:
        return "raised" if found["difference"] > 0 else "lowered"
    return "the same" if found["p_equivalence"] < ALPHA else "unclear"


def change_words(found: Mapping[Any, Any]) -> str:
    """What an arm did to the Dice, as the second half of a sentence with its number."""
    number = signed(found["difference"])
    size = f"{abs(found['difference']):.3f}"
    p = p_text(found["p_holm"], 2)
    corrected = f": p = {p}, corrected for several tests" if p else ""
    return {
        "few seeds": f"changed the mean Dice by {number}",
        "raised": f"raised the mean Dice by {size}",
        "lowered": f"lowered the mean Dice by {size}",
        "the same": f"left the mean Dice the same within {MARGIN:g} ({number})",
        "unclear": f"changed the mean Dice by {number} (not clear{corrected})",
    }[change_of(found)]
