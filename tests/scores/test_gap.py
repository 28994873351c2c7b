"""Each kind of error is told by its name: forgiving it mends what was made wrong, and no more."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from kdlib.scores.gap import (
    at_shared_threshold,
    best_threshold,
    dice_at_thresholds,
    gap_parts,
    without_border_errors,
)
from kdlib.scores.metrics import dice

SPACING = (1.0, 1.0, 5.0)
SHAPE = (40, 40, 6)


def box(*corner: int, edge: int = 6) -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, bool)
    x, y, z = corner
    mask[x : x + edge, y : y + edge, z] = True
    return mask


LARGE, TINY = box(5, 5, 2), box(25, 25, 3, edge=2)
TRUTH = (LARGE | TINY).astype(np.uint8)
FALSE = box(30, 4, 1)
BRAIN = np.ones(SHAPE, bool)
BRAIN[30:] = False


def parts(found: NDArray[np.bool_], **known: NDArray) -> dict[str, float]:
    return gap_parts(TRUTH, found.astype(np.float32), SPACING, **known)


def test_a_right_answer_has_no_gap() -> None:
    found = parts(TRUTH > 0, brain=BRAIN, other_labels=TRUTH)
    assert found.pop("dice") == 1
    assert set(found.values()) == {0.0}


@pytest.mark.parametrize(
    ("found", "known", "names"),
    [
        (LARGE, {}, {"missed", "small"}),
        (TINY, {}, {"missed"}),
        (LARGE | TINY | FALSE, {"brain": BRAIN}, {"false", "outside_brain"}),
        (LARGE | TINY | FALSE, {"other_labels": TRUTH + FALSE}, {"false", "other_labels"}),
        (TINY | box(4, 4, 2, edge=8), {}, {"border"}),
    ],
)
def test_what_was_made_wrong_is_what_costs(
    found: NDArray[np.bool_], known: dict[str, NDArray], names: set[str]
) -> None:
    made = parts(found, **known)
    gap = 1 - made.pop("dice")
    assert gap > 0
    mended = {name for name, gained in made.items() if gained == pytest.approx(gap)}
    assert mended == names
    assert all(gained >= 0 for gained in made.values())


def test_lesions_that_were_seen_too_faintly_have_a_low_best_threshold() -> None:
    faint = np.where(TRUTH > 0, 0.3, 0.1).astype(np.float32)
    assert gap_parts(TRUTH, faint, SPACING)["threshold"] == 1
    at, best = best_threshold(TRUTH, faint)
    assert 0.1 < at <= 0.3
    assert best == 1


def test_one_threshold_for_all_scans_gains_no_more_than_one_for_each() -> None:
    answers = {level: np.where(TRUTH > 0, level, level - 0.2) for level in (0.3, 0.4, 0.9)}
    dices = pd.DataFrame([dice_at_thresholds(TRUTH, one) for one in answers.values()])
    own = [best_threshold(TRUTH, one)[1] for one in answers.values()]
    assert own == [1, 1, 1]
    shared = at_shared_threshold(dices).tolist()
    assert shared[:2] == [1, 1]  # a threshold above 0.2 and up to 0.3 is right for two of them
    assert shared[2] < 1


def test_other_pathology_is_no_error_at_any_threshold() -> None:
    truth = TRUTH.copy()
    truth[FALSE] = 2
    assert best_threshold(truth, (LARGE | TINY | FALSE).astype(np.float32))[1] == 1


def test_a_border_is_one_voxel_and_no_more() -> None:
    wide = box(3, 3, 2, edge=10) | TINY
    assert dice(TRUTH > 0, without_border_errors(TRUTH > 0, wide)) < 1
