"""Laws of the batches."""

import numpy as np

from kdlib.randomness import batch_indices


def test_a_pass_takes_every_slice_once() -> None:
    batches = [batch_indices(12, 4, step, seed=0, purpose="p") for step in range(3)]
    assert sorted(np.concatenate(batches)) == list(range(12))


def test_a_batch_may_be_larger_than_the_data() -> None:
    batch = batch_indices(3, 8, 0, seed=0, purpose="p")
    assert np.bincount(batch, minlength=3).min() >= 2


def test_steps_seeds_and_purposes_differ() -> None:
    keys = [(0, 0, "a"), (1, 0, "a"), (0, 1, "a"), (0, 0, "b")]
    batches = {tuple(batch_indices(100, 10, step, seed=seed, purpose=p)) for step, seed, p in keys}
    assert len(batches) == 4
