"""The methods, by name. A module in this folder that defines a ``Method`` is one of them."""

from importlib import import_module
from pkgutil import iter_modules

from kdlib.errors import InputError
from kdlib.methods.base import Losses, Method, MethodSettings, NoSettings
from kdlib.methods.task import AdaptationTask, LabelledTask, SourceFreeTask, Task, TaughtTask
from kdlib.recipe import unknown_name

__all__ = [
    "AdaptationTask",
    "LabelledTask",
    "Losses",
    "Method",
    "MethodSettings",
    "NoSettings",
    "SourceFreeTask",
    "Task",
    "TaughtTask",
    "method_named",
]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def method_named(name: str) -> type[Method]:
    """The method of that name; raises ``InputError`` for a name nobody defined."""
    if name not in Method.named:
        raise InputError(unknown_name(name, sorted(Method.named), "method"))
    return Method.named[name]
