"""What single chapters find, in sentences that are computed from a study's results."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kdlib.evidence.comparisons import (
    compare,
    differences,
    pair_name,
    pooled,
    subject_scores,
    within,
)
from kdlib.evidence.contrast import MINIMUM_SEEDS
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.pictures import overlap
from kdlib.report.story import Story
from kdlib.report.two_arms import Taught, adapted_arms, taught
from kdlib.report.words import Change, change_of, change_words, listed, signed
from kdlib.study.arm import lower_bound

SIDES: dict[Change, str] = {
    "raised": "clearly better than no adaptation",
    "lowered": "clearly worse",
    "the same": "the same as no adaptation within the margin",
    "unclear": "not decided",
}
SMALL, DEEP = "lesion_recall_10_100_matched", "lesion_recall_deep_matched"


def adapted_words(results: Results, method: str) -> str:
    """How many subjects of the figure of ``adapted_subjects`` gain, and how much, in sentences."""
    found = adapted_arms(results, method)
    if found is None:
        return "This study has no arm of this kind."
    pair = results.pairs[0]
    inside = within(differences(results.scores, found[1], found[0]), [pair]).mean(axis=1)
    label = results.arms[found[1]].label
    return (
        f"From {pair_name(*pair)}, {label} raises the Dice of {int((inside > 0).sum())} of"
        f" {count_of(len(inside), 'subject')}, and changes the mean by {signed(inside.mean())}."
    )


def over_all_words(results: Results, method: str) -> str:
    """What the arm of ``adapted_subjects`` did to the mean Dice over all pairs, in a sentence."""
    found, story = adapted_arms(results, method), Story(results)
    if found is None or found[1] not in story.found:
        return adapted_words(results, method)
    did = change_words(story.found[found[1]])
    return f"Over all pairs of clinics, {results.arms[found[1]].label} {did}{story.unsure}."


def ranked_words(results: Results) -> str:
    """Which arms are better than no adaptation over all pairs, which worse, and which neither."""
    story = Story(results)
    if not story.found:
        return "no arm can be compared with no adaptation."
    changes = {name: change_of(found) for name, found in story.found.items()}
    if "few seeds" in changes.values():
        return f"with {story.seeds} these tables decide nothing; they show that the study runs."
    parts = []
    for change, text in SIDES.items():
        names = [results.arms[name].label for name, one in changes.items() if one == change]
        if names or change == "raised":
            parts.append(f"{text}: {listed(names) if names else 'none'}")
    return (
        f"over all pairs of clinics, {'; '.join(parts)}. The tests behind this are corrected for"
        " their number."
    )


def harmed_words(results: Results) -> str:
    """How many subjects lose Dice by the first arm of the headline, and who loses most."""
    arms, lower = Story(results).arms, lower_bound(results.arms)
    if not (arms and lower):
        return "no arm can be compared with no adaptation."
    table = subject_scores(results.scores)
    changes = (table[arms[0]] - table[lower]).dropna()
    worst: Any = changes.idxmin()
    source, target, subject = worst
    return (
        f"{results.arms[arms[0]].label} lowers the Dice of {int((changes < 0).sum())} of"
        f" {len(changes)} subjects, where each pair of clinics counts its own. The largest change"
        f" downwards is {signed(min(changes.min(), 0))}, that of subject {subject} from"
        f" {pair_name(source, target)}."
    )


def picture_words(
    results: Results, pair: tuple[str, str], subjects: Sequence[str], arms: Mapping[str, str]
) -> str:
    """The share of the lesion voxels that each arm finds on these slices, and its false voxels."""
    parts = []
    for arm, label in arms.items():
        kinds = {"found": 0, "missed": 0, "false": 0}
        for subject in subjects:
            example = results.example(*pair, subject)
            for kind, voxels in overlap(example["truth"], example[arm]).items():
                kinds[kind] += int(voxels.sum())
        total = kinds["found"] + kinds["missed"]
        share = f"{100 * kinds['found'] / total:.0f} %" if total else "none"
        wrong = count_of(kinds["false"], "false voxel")
        parts.append(f"{label} finds {share} and marks {wrong}")
    return f"Of the lesion voxels on these slices, {listed(parts)}."


def small_and_deep_words(results: Results) -> str:
    """What KD finds of small and of deep lesions beside ADA, in a sentence."""
    found = {m: adapted_arms(results, m) for m in ("distillation", "adversarial")}
    # As many voxels as there are lesion voxels, as in the ledger: caution is not blindness.
    columns = {SMALL: "small lesions (10 to 100 mm³)", DEEP: "deep lesions"}
    if None in found.values() or not set(columns) <= set(results.scores):
        return "these results do not compare KD and ADA on small and deep lesions."
    student, adversary = (found[m][1] for m in found)  # type: ignore[index]
    parts = []
    for column, text in columns.items():
        table = differences(results.scores, student, adversary, column)
        parts.append(f"{signed(np.nanmean(pooled(table)))} for {text}")
    one, other = results.arms[student].label, results.arms[adversary].label
    return (
        f"over all pairs of clinics, if both mark as many voxels as there are lesion voxels, the"
        f" share that {one} finds minus the share that {other} finds is {listed(parts)}. The ledger"
        " says in claims 7 and 8 whether that is more than chance; it leaves out pairs without a"
        " gap."
    )


def taught_conclusion(results: Results) -> str:
    """What the two differences of a student of another teacher say, by their intervals."""
    found: Taught | None = taught(results)
    if found is None:
        return "this study cannot say what another teacher changes."
    student, plain, teacher = (results.arms[name].label for name in found)
    first, second = (
        compare(pooled(differences(results.scores, found.student, other)))
        for other in (found.plain, found.teacher)
    )
    if first["seeds"] < MINIMUM_SEEDS:
        few = count_of(first["seeds"], "seed")
        return f"with {few}, whether another teacher helps is not decided here."
    return (
        f"over all pairs of clinics {student} is {_side(first)} {plain}, and {_side(second)} its"
        f" teacher {teacher}, if each difference is judged alone by its interval."
        f" {_reading(first, second, teacher)}"
    )


def _side(found: Mapping[Any, Any]) -> str:
    """Better or worse by the whole interval, else neither."""
    if found["low"] > 0:
        return "better than"
    return "worse than" if found["high"] < 0 else "not clearly better or worse than"


def _reading(first: Mapping[Any, Any], second: Mapping[Any, Any], teacher: str) -> str:
    if second["low"] > 0:
        return "So the second training did something that its teacher's answers do not explain."
    if first["low"] > 0 and second["high"] < MARGIN:
        return f"So what it gains over the plain student, {teacher} has already without distilling."
    if first["low"] > 0:
        return f"Whether {teacher} has this gain already without distilling is not decided here."
    return "So these runs show no gain by the other teacher."
