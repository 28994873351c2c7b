"""What instance norm is for: each scan is normalised by itself (Ulyanov et al. 2016)."""

from tests.methods.shifted import TOY, clinic, mistakes, teacher


def test_a_change_of_gain_and_offset_of_a_scanner_is_undone_in_each_scan() -> None:
    target = clinic(1, gain=0.4, offset=0.8)
    batch, instance = (teacher(TOY.model_copy(update={"norm": n})) for n in ("batch", "instance"))
    assert mistakes(instance, target) < 0.02 < 0.2 < mistakes(batch, target)
