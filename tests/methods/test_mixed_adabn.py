"""Laws of AdaBN that is mixed with the source's statistics."""

import pytest
import torch

from kdlib.batch_norms import batch_norms
from kdlib.errors import InputError
from kdlib.methods import SourceFreeTask
from kdlib.networks import UNet
from tests.methods.made import make, recipe
from tests.methods.shifted import clinic, mistakes, teacher, trained

# Another offset asks for the target's statistics, and fewer lesions mislead them.
TARGET = clinic(1, lesions=0.25, offset=-0.7)


def adapted(method: str, **settings: float) -> UNet:
    task = SourceFreeTask(target=TARGET.slices, teacher=teacher(), start=teacher())
    return trained(method, task, 0, **settings).result


def statistics(network: UNet) -> torch.Tensor:
    norms = batch_norms(network)
    return torch.cat([torch.cat([norm.running_mean, norm.running_var]) for norm in norms])  # type: ignore[list-item]


def test_a_mixture_beats_both_ends_where_a_scanner_and_a_population_differ() -> None:
    none, half, whole = (
        mistakes(adapted("mixed_adabn", share=share), TARGET) for share in (0, 0.5, 1)
    )
    assert half < 0.5 * min(none, whole)


def test_the_ends_are_the_teacher_and_adabn() -> None:
    assert torch.equal(statistics(adapted("mixed_adabn", share=0)), statistics(teacher()))
    whole = statistics(adapted("mixed_adabn", share=1))
    torch.testing.assert_close(whole, statistics(adapted("adabn")))


def test_a_network_without_batch_norm_is_refused() -> None:
    with pytest.raises(InputError, match="no statistics to estimate anew"):
        make("mixed_adabn", recipe(norm="instance"))
