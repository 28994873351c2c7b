"""What several commands take, and how it is read."""

import errno
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kdlib.errors import InputError

if TYPE_CHECKING:
    from kdlib.data.clinics import Clinics
    from kdlib.own_scans.check import Finding

Data = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FOLDER[:NAME]",
        help="Folder of clinics, and what its clinic is called. Can be repeated. "
        "Default: data/clinics.",
    ),
]
StoreFolder = Annotated[Path, typer.Option("--store", help="Folder that keeps the runs.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda (a GPU) or mps (a Mac).")]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out subjects that cannot be used, and list them.")
]
Observer = Annotated[
    str | None, typer.Option(help="o3 or o4: use this observer's masks where there are any.")
]
Orientation = Annotated[
    str | None,
    typer.Option(help="Where the axes of files without an orientation point, for example LPS."),
]
Form = Annotated[
    str | None,
    typer.Option(help="sform or qform: the right one where a file has both and they disagree."),
]
Threads = Annotated[
    int | None,
    typer.Option(help="Cores for each training. Another number of them makes another run."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Another setting, as name=value. Can be repeated.")
]


def method_names() -> list[str]:
    """The package's methods: the files of their folder have their names, and none is loaded."""
    files = (Path(__file__).parents[1] / "methods").glob("*.py")
    return sorted({path.stem for path in files} - {"__init__", "base", "task"})


_STUDIES = (
    "demo, standard, mechanism, controls, settings, landscape, dials, samples, real, real_reverse, "
    "paper, or the path of a .toml file"
)
StudyName = Annotated[str, typer.Argument(help=f"{_STUDIES}.")]
StudyOrStarter = Annotated[
    str,
    typer.Argument(
        help=f"{_STUDIES}; starter: train a lesion segmenter like the shipped one.",
        metavar="STUDY",
    ),
]
RecipeOf = Annotated[str, typer.Option(help="Study whose recipe is used: a name or a .toml file.")]
Seed = Annotated[int, typer.Option(help="Decides all that is random in a training.")]
Seeds = Annotated[
    str | None,
    typer.Option("--seeds", help="Seeds to run, for example 0,1. Default: those of the study."),
]
Sources = Annotated[
    str | None,
    typer.Option(
        "--sources",
        help="Sources whose pairs to run, for example utrecht,singapore. Default: all. 'kdlib "
        "record' joins the parts of a seed.",
    ),
]
MethodName = Annotated[str, typer.Option(help=f"One of: {', '.join(method_names())}.")]


def folders(data: list[str] | None) -> list[str]:
    """What ``--data`` says, or its default."""
    return data or ["data/clinics"]


def opened(
    data: list[str] | None,
    orientation: str | None,
    form: str | None,
    observer: str | None = None,
) -> "Clinics":
    """The clinics in all folders of ``--data``."""
    from kdlib.data.clinics import open_clinics
    from kdlib.data.forms import Reading

    return open_clinics(*folders(data), observer=observer, reading=Reading(orientation, form))


def sound_ones(
    clinics: "Clinics", labelled: Collection[str], inputs: str, skip_bad: bool
) -> "tuple[Clinics, list[Finding]]":
    """The clinics with the scans that can be used, and what is wrong with the others.

    Those of the clinics ``labelled`` need a label, or several of them, joined by +. The errors are
    those of ``sound``.
    """
    from kdlib.own_scans.check import sound
    from kdlib.study.progress import count_bar

    with count_bar("scans checked", passing=True) as on_subject:
        kept, left_out = sound(
            [clinics], inputs=inputs, labelled="+".join(labelled).split("+"), skip_bad=skip_bad,
            on_subject=on_subject,
        )  # fmt: skip
    return kept[0], left_out


def parsed(pairs: list[str] | None) -> dict[str, Any]:
    """``name=value`` texts as settings; values as JSON where they are JSON."""
    from kdlib.study.arm import GIVEN

    settings = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair}: write name=value, for example --set steps=500")
        if name in ("method", "teacher", *GIVEN):
            what = f"{name} is no setting of a method or a recipe"
            raise InputError(f"--set {pair}: {what}; see the command's options with --help")
        try:
            settings[name] = json.loads(value)
        except json.JSONDecodeError:
            settings[name] = value
    return settings


def seeds_in(text: str) -> tuple[int, ...]:
    """The seeds of a text such as ``0,1``, sorted, each once."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"--seeds {text}: write numbers from 0 with commas, such as --seeds 0,1")
    return tuple(sorted({int(part) for part in parts}))


def make_writable(folder: Path) -> None:
    """Make a folder for results, before hours are spent on what should fill it.

    Raises ``OSError`` where it cannot be made or filled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
