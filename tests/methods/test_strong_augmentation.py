"""What strong random changes of the source are for (BigAug, Zhang et al. 2020)."""

import pytest

from kdlib.methods import LabelledTask
from tests.methods.shifted import SOURCE, TOY, clinic, mistakes, trained

STRONG = ("gamma", "sharpness", "brightness", "noise")


@pytest.mark.parametrize("offset", [-0.5, 0.8])
def test_a_source_of_many_looks_prepares_for_another_offset(offset: float) -> None:
    task, target = LabelledTask(labelled=SOURCE), clinic(1, offset=offset)
    plain, strong = (
        trained("supervised", task, 150, TOY.model_copy(update={"augmentation": kinds}))
        for kinds in ((), STRONG)
    )
    assert mistakes(strong.result, target) < 0.5 * mistakes(plain.result, target)
