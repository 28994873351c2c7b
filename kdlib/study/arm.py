"""The arms of a study: what each is run with, what it is there for, and how it is shown."""

from collections import Counter
from collections.abc import Mapping
from itertools import chain, cycle
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from kdlib.recipe import Strict

Role = Literal["lower bound", "upper bound", "paper", "control", "other"]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]

BOUNDS = {"lower bound": "#8c8c8c", "upper bound": "#222222"}
# The first five from Wong, Nature Methods 8 (2011), the others found by search: readers with any
# common colour blindness tell them apart.
PALETTE = (
    "#d55e00", "#0072b2", "#e69f00", "#56b4e9", "#009e73", "#882e72", "#72190e", "#332288",
    "#b89f4b", "#e5194c", "#7f00ff",
)  # fmt: skip
# What an arm is there for where its table does not say.
USUAL_ROLES: dict[str, Role] = {
    "unadapted": "lower bound",
    "supervised": "upper bound",
    "adversarial": "paper",
    "distillation": "paper",
}
RESERVED = ("flair", "truth")  # what stands beside the arms' answers in a study's pictures


class Arm(Strict):
    """One arm of a study: a table of its TOML file.

    Everything in the table that is not named here is a setting of the arm's scenarios, for example
    ``temperature``.
    """

    model_config = ConfigDict(extra="allow")

    method: str
    on_the_fly: bool = Field(False, description="adapted to one scan at a time")
    teacher: str | None = Field(None, description="another arm, whose network teaches this one")
    role: Role = Field(
        description="lower bound: what the others are compared with; upper bound: what they can "
        "reach; paper: a method of the paper; control: tells the cause of another arm's effect"
    )
    label: str = Field(description="its name in tables and figures")
    colour: Colour

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of its scenarios, without the teacher."""
        return {"method": self.method, **(self.model_extra or {})}


def described(tables: Any) -> Any:
    """The tables of a study's arms, with a role, a label and a colour where they have none.

    The label is the arm's name. The role is the usual one of its method, and a bound's role goes
    to one arm alone. Bounds are grey and black; the others take the colours of ``PALETTE`` that
    are still free, in order. Studies that were saved before arms had roles are read by this rule.
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
    given = {table.get("colour") for table in full.values()}
    free = [colour for colour in PALETTE if colour not in given]
    colours = chain(free, cycle(PALETTE))
    for table in full.values():
        if "colour" not in table:
            table["colour"] = BOUNDS.get(table["role"]) or next(colours)
    return full


def _as_mapping(name: str, table: Any) -> dict[str, Any]:
    if isinstance(table, Mapping | Arm):
        return dict(table)
    raise ValueError(f"arms.{name}={table!r}: give it a table with a method")


def _told_apart(arms: dict[str, Arm]) -> dict[str, Arm]:
    """Refuse arms that could not be told apart, or whose names cannot be written."""
    for name, arm in arms.items():
        for text in (name, arm.label):
            if not text.strip() or not text.isprintable():
                raise ValueError(f"arm {text!r}: give it a name of letters that can be printed")
        if name in RESERVED:
            raise ValueError(f"arm {name!r}: that name stands for a picture; choose another")
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
    """The arms of a study that was saved."""

    arms: Arms


def lower_bound(arms: Mapping[str, Arm]) -> str | None:
    """The name of the arm that the others are compared with; none: the study has no such arm."""
    return _with_role(arms, "lower bound")


def upper_bound(arms: Mapping[str, Arm]) -> str | None:
    """The name of the arm that is given labels from the target; none: there is no such arm."""
    return _with_role(arms, "upper bound")


def adapting(arms: Mapping[str, Arm]) -> list[str]:
    """The names of all arms that are no bounds."""
    return [name for name, arm in arms.items() if arm.role not in BOUNDS]


def featured(arms: Mapping[str, Arm]) -> list[str]:
    """The names of the arms that the paper puts first.

    Its methods, adapted to pooled scans, with the plain teacher. A study that has none of them
    features what it has instead: all arms that adapt to pooled scans, else all that adapt.
    """
    pooled = [name for name in adapting(arms) if not arms[name].on_the_fly]
    first = [n for n in pooled if arms[n].role == "paper" and arms[n].teacher is None]
    return first or pooled or adapting(arms)


def _with_role(arms: Mapping[str, Arm], role: Role) -> str | None:
    return next((name for name, arm in arms.items() if arm.role == role), None)
