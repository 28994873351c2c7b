"""Adapt the starter to a clinic's own scans. No scan of a source is there to be handed over."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch

from kdlib.data.slices import Slices, pool, prepare
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from kdlib.methods import Method, SourceFreeTask, method_named
from kdlib.networks import UNet
from kdlib.recipe import Recipe
from kdlib.starter.starter import Starter
from kdlib.study.scenario import Scenario
from kdlib.training import OnStep, train

SOURCE, TARGET = "simulated people", "target"  # of the scenario of such an adaptation
# The starter has learnt for long; a student goes on from it, for a short time and at a low rate.
SHORT: dict[str, Any] = {
    "start": "teacher", "on_the_fly_start": "teacher", "steps": 200, "on_the_fly_steps": 60,
    "learning_rate": 1e-4,
}  # fmt: skip


def source_free_methods() -> list[str]:
    """The names of the methods that are handed no source, but for the one that changes nothing."""
    return sorted(
        name
        for name, kind in Method.named.items()
        if issubclass(kind.task_type, SourceFreeTask) and kind.changes_network
    )


def source_free_scenario(
    starter: Starter,
    method: str,
    *,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    on_the_fly: bool = False,
) -> Scenario:
    """The scenario of an adaptation of the starter, with ``SHORT`` and its own recipe.

    Raises:
        InputError: the method is unknown or is handed a source, or a setting is wrong.
    """
    kind = method_named(method)
    if method not in source_free_methods():
        known = ", ".join(source_free_methods())
        if not kind.changes_network:
            what = "it adapts nothing; 'kdlib predict' takes the starter as it is"
            raise InputError(f"method {method!r}: {what}, or choose: {known}")
        what = f"its task is {kind.task_type.__name__}, which is no {SourceFreeTask.__name__}"
        raise InputError(f"method {method!r}: {what}; name a --source, or choose: {known}")
    made = starter.recipe.model_dump() | SHORT | dict(settings or {})
    subject = "each scan alone" if on_the_fly else None
    scenario = Scenario(
        method=method, source=SOURCE, target=TARGET, fold=None, subject=subject, seed=seed, **made
    )
    _check_same_network(scenario, starter.recipe)
    if getattr(scenario.settings, "target_scans", None) is not None:
        what = "the starter adapts to all scans that it is given"
        raise InputError(f"--set target_scans: {what}; leave it out, and name fewer scans")
    return scenario


def inside_slices(cut: Volume, recipe: Recipe) -> Slices:
    """The slices of a stripped FLAIR that hold brain. There may be none."""
    ready = prepare([cut], recipe.preparation)
    return Slices(ready.images[ready.holds_head])


def adapted_network(
    network: UNet, target: Slices, scenario: Scenario, *, on_step: OnStep | None = None
) -> UNet:
    """The ``network`` after its adaptation to the slices of a ``target``, on their device.

    The method gets a ``SourceFreeTask``: the slices and the network, which does not change.
    """
    device = target.images.device
    teacher = deepcopy(network).to(device).eval().requires_grad_(False)
    task = SourceFreeTask(
        target=target, teacher=teacher, start=teacher if scenario.starts_from_teacher else None,
        on_the_fly=scenario.subject is not None,
    )  # fmt: skip
    method = scenario.method_type(
        scenario, scenario.settings, task, seed=scenario.seed, updates=scenario.updates
    )
    train(method, on_step=on_step)
    return method.result.eval().requires_grad_(False)


def pooled(parts: Sequence[Slices], device: torch.device) -> Slices:
    """The slices of several scans on one device.

    Raises:
        InputError: there are none.
    """
    held = [Slices(part.images.to(device)) for part in parts if len(part)]
    if not held:
        raise InputError(
            "no brain was found in any of these scans; look at the pictures of 'kdlib predict'"
        )
    return pool(held)


def _check_same_network(scenario: Scenario, recipe: Recipe) -> None:
    for name in ("inputs", "voxel_mm", "size", "normalisation", "width", "depth", "norm", "stem"):
        if getattr(scenario, name) != getattr(recipe, name):
            raise InputError(
                f"--set {name}: the starter has {name}={getattr(recipe, name)!r}; leave it out, or "
                "name a --source"
            )
