"""Laws of fine-tuning."""

import pytest

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.errors import InputError
from kdlib.methods import LabelledTask
from kdlib.study.scenario import Scenario
from tests.methods.shifted import clinic, mistakes, teacher, trained


def test_eight_labelled_slices_mend_what_no_scan_without_a_label_could() -> None:
    """On the target lesions are dark: only a label can tell."""
    target = clinic(1, gain=-1.0)
    few = LabelledSlices(Slices(target.slices.images[:8]), target.labels[:8])
    tuned = trained("fine_tuning", LabelledTask(labelled=few, start=teacher()), 120)
    assert mistakes(teacher(), target) > 0.9
    assert mistakes(tuned.result, target) < 0.05


def test_it_starts_at_the_teacher_of_its_source_and_needs_a_target() -> None:
    scenario = Scenario(method="fine_tuning", source="utrecht", target="singapore")
    assert scenario.starts_from_teacher
    assert scenario.teacher == scenario.default_teacher()
    with pytest.raises(InputError, match="needs a target"):
        Scenario(method="fine_tuning", source="utrecht")
    with pytest.raises(InputError, match="does not adapt; give it no subject"):
        Scenario(method="fine_tuning", source="utrecht", target="singapore", subject="50")
