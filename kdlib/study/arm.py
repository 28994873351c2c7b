"""The arms of a study: their settings, their roles, and how they are shown."""

from collections import Counter
from collections.abc import Mapping
from itertools import chain, cycle
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from kdlib.methods import Method
from kdlib.recipe import Strict

Role = Literal["lower bound", "upper bound", "paper", "control", "other"]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]

BOUNDS = {"lower bound": "#8c8c8c", "upper bound": "#222222"}
# Readers with any common colour blindness can tell these colours apart. The first five are from
# Wong, Nature Methods 8 (2011). The others were found by a search.
PALETTE = (
    "#d55e00", "#0072b2", "#e69f00", "#56b4e9", "#009e73", "#882e72", "#72190e", "#332288",
    "#b89f4b", "#e5194c", "#7f00ff",
)  # fmt: skip
# The role of an arm if its table does not say it, by its method.
USUAL_ROLES: dict[str, Role] = {
    "unadapted": "lower bound",
    "supervised": "upper bound",
    "adversarial": "paper",
    "distillation": "paper",
}
# What a study, or a command, says itself of each scenario.
GIVEN = ("source", "target", "fold", "subject", "seed", "settings")
# How the value of a method or a setting begins that another study, whose name follows, will choose.
AWAITS = "chosen by "
RESERVED = ("flair", "truth")  # names of the pictures that are saved beside the arms' answers


class Arm(Strict):
    """One arm of a study. It is one table of the study's TOML file.

    All other names in the table are settings of the arm's scenarios, for example ``temperature``.
    """

    model_config = ConfigDict(extra="allow")

    method: str
    on_the_fly: bool = Field(False, description="whether to adapt to one scan at a time")
    teacher: str | None = Field(None, description="the arm whose network teaches this one")
    role: Role = Field(
        description="lower bound: the others are compared with it; upper bound: the most that they "
        "can reach; paper: a method of the paper; control: it shows what causes another arm's gain"
    )
    label: str = Field(description="its name in tables and figures")
    colour: Colour

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the arm's scenarios, without the teacher."""
        return {"method": self.method, **(self.model_extra or {})}

    @property
    def awaited(self) -> dict[str, str]:
        """What is still to be chosen, the method or settings, each with the study that chooses."""
        texts = {name: str(value) for name, value in self.settings.items()}
        return {
            name: text.removeprefix(AWAITS)
            for name, text in texts.items()
            if text.startswith(AWAITS)
        }


def described(tables: Any) -> Any:
    """Fill in a role, a label and a colour in the tables of arms that have none.

    The label is the arm's name. The role is the usual one of its method, but only one arm can be a
    lower bound or an upper bound. Bounds are grey and black. The other arms get the colours of
    ``PALETTE`` that are still free, in order. By this rule older studies without roles can be read.
    """
    if not isinstance(tables, Mapping):
        return tables
    full = {name: _as_mapping(name, table) for name, table in tables.items()}
    for name, table in full.items():
        table.setdefault("label", name)
    for table in full.values():
        if "role" not in table:
            role = USUAL_ROLES.get(str(table.get("method")), "other")
            taken = role in BOUNDS and any(one.get("role") == role for one in full.values())
            table["role"] = "other" if taken else role
    given = {str(table.get("colour")) for table in full.values()}
    free = [colour for colour in PALETTE if colour not in given]
    colours = chain(free, cycle(PALETTE))
    for table in full.values():
        if "colour" not in table:
            table["colour"] = BOUNDS.get(str(table["role"])) or next(colours)
    return full


def _as_mapping(name: str, table: Any) -> dict[str, Any]:
    if isinstance(table, Mapping | Arm):
        return dict(table)
    raise ValueError(f"arms.{name}={table!r}: give it a table with a method")


def _told_apart(arms: dict[str, Arm]) -> dict[str, Arm]:
    """Refuse arms that look the same to a reader, or whose names cannot be printed."""
    for name, arm in arms.items():
        for text in (name, arm.label):
            if not text.strip() or not text.isprintable():
                raise ValueError(f"arm {text!r}: give it a name of letters that can be printed")
        if name in RESERVED:
            raise ValueError(f"arm {name!r}: that name stands for a picture; choose another")
        if given := sorted(arm.settings.keys() & set(GIVEN)):
            raise ValueError(f"arm {name!r}: the study gives its {given[0]}; leave it out here")
        if name in _teachers(name, arms):
            raise ValueError(f"arm {name!r} is its own teacher in the end; name another teacher")
    labels, roles = (Counter(getattr(a, of) for a in arms.values()) for of in ("label", "role"))
    if twice := [label for label, count in labels.items() if count > 1]:
        raise ValueError(f"two arms are labelled {twice[0]!r}; give one another label")
    if twice := [role for role in BOUNDS if roles[role] > 1]:
        raise ValueError(f"two arms have the role {twice[0]!r}; give one another role")
    return arms


def _teachers(name: str, arms: Mapping[str, Arm]) -> list[str]:
    """The arm's teacher, that one's teacher, and so on, each once."""
    found: list[str] = []
    while name in arms and (teacher := arms[name].teacher) is not None and teacher not in found:
        found.append(teacher)
        name = teacher
    return found


Arms = Annotated[dict[str, Arm], BeforeValidator(described), AfterValidator(_told_apart)]


class SavedArms(Strict):
    """The arms of a saved study."""

    arms: Arms


def lower_bound(arms: Mapping[str, Arm]) -> str | None:
    """The name of the arm that the others are compared with. None if there is no such arm."""
    return _with_role(arms, "lower bound")


def upper_bound(arms: Mapping[str, Arm]) -> str | None:
    """The name of the arm that learns from labels of the target. None if there is no such arm."""
    return _with_role(arms, "upper bound")


def adapting(arms: Mapping[str, Arm]) -> list[str]:
    """The names of all arms that are not bounds."""
    return [name for name, arm in arms.items() if arm.role not in BOUNDS]


def label_free(arms: Mapping[str, Arm]) -> list[str]:
    """The names of the arms that adapt and see no label of the target."""
    known = Method.named
    return [
        name
        for name in adapting(arms)
        if arms[name].method not in known or not known[arms[name].method].reads_target_labels
    ]


def featured(arms: Mapping[str, Arm]) -> list[str]:
    """The names of the arms that the paper puts first.

    These are its methods, adapted to pooled scans, with the plain teacher. A study without such
    arms features all arms that adapt to pooled scans. If it has none of these either, it features
    all arms that adapt.
    """
    pooled = [name for name in adapting(arms) if not arms[name].on_the_fly]
    first = [n for n in pooled if arms[n].role == "paper" and arms[n].teacher is None]
    return first or pooled or adapting(arms)


def _with_role(arms: Mapping[str, Arm], role: Role) -> str | None:
    return next((name for name, arm in arms.items() if arm.role == role), None)
