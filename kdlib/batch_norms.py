"""The batch norms of a network, for methods that need some."""

from torch import nn

from kdlib.errors import InputError
from kdlib.recipe import Recipe


def check_norm(recipe: Recipe, method: str) -> None:
    """Raise ``InputError`` if the networks of a recipe have no batch norm, which a method needs."""
    if recipe.norm != "batch":
        why = f"with norm={recipe.norm!r} a network has no statistics to estimate anew"
        raise InputError(f"method={method!r}: {why}; give norm='batch'")


def batch_norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    """The batch norms of a network, from its first layer to its last."""
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
