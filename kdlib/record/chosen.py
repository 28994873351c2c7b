"""Write into the file of a study what the results of other studies choose for it.

Such a file says ``"chosen by NAME"`` in place of a method or of a setting. The rules are those of
``kdlib.evidence.choosing``.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdlib.errors import InputError
from kdlib.evidence.choosing import best, chosen_value, home_dice
from kdlib.files import read_text, write_text
from kdlib.methods import Method
from kdlib.record.results import Results, open_results
from kdlib.study.arm import AWAITS, Arm, label_free
from kdlib.study.study import Study, built_in_studies, load_study


def choose(file: Path, records: Path) -> list[str]:
    """Fill in what ``file``, a study, waits for. Its other lines stay as they are.

    An arm whose method is chosen gets the name of the arm that it takes up, everywhere in the file.

    Args:
        file: the TOML file of a study.
        records: the folder with one folder of results for each study.

    Returns:
        What was chosen, in sentences.

    Raises:
        InputError: nothing is to be chosen, or the results that choose are missing or lack a seed.
    """
    study = load_study(str(file))
    waiting = [(arm, what) for arm, one in study.arms.items() for what in one.awaited]
    if not waiting:
        raise InputError(f"{file}: nothing in it is to be chosen; leave it as it is")
    text, said, methods = read_text(file), [], dict[str, list[str]]()
    for arm, what in waiting:
        other = study.arms[arm].awaited[what]
        results = _whole(records / other, other)
        if what == "method":
            ranked = methods.setdefault(other, best_arms(results, study))
            if not ranked:
                raise InputError(
                    f"{records / other}: no arm of it can be the arm {arm!r}; name one"
                )
            found = ranked.pop(0)
            lines = _as_lines(_taken_up(results.arms[found], study.arms[arm]))
            said.append(f"{arm}: {found}")
        else:
            found, value = arm, _value(results, arm, what)
            lines = _as_lines({what: value})
            said.append(f"{arm}: {what} = {value:g}")
        waits = re.compile(rf'^{what} = "{AWAITS}{re.escape(other)}"$', re.MULTILINE)
        text, count = waits.subn(lines.replace("\\", r"\\"), text, count=1)
        if not count:
            raise InputError(
                f"{file}: put {what} of {arm!r} on a line of its own, without a comment"
            )
        text = text.replace(f'"{arm}"', f'"{found}"')
    write_text(file, text)
    return said


def best_arms(results: Results, study: Study) -> list[str]:
    """The arms of ``results`` that may be taken up by ``study``, the best one first."""
    named = [name for name in label_free(results.arms) if name not in study.arms]
    may = [name for name in named if _may_be_taken_up(results.arms[name], study)]
    return best(results.scores, may, len(may))


def _may_be_taken_up(arm: Arm, study: Study) -> bool:
    inputs, asked = study.recipe.inputs, study.arms.values()
    return (
        not arm.on_the_fly
        and arm.settings.get("inputs", inputs) == inputs
        and all(_method_for(arm, one) is not None for one in asked if "method" in one.awaited)
    )


def _method_for(arm: Arm, asked: Arm) -> str | None:
    """The method of ``arm``, or its twin for a few scans, that has the settings of ``asked``."""
    needed = asked.settings.keys() - {"method"}
    for name in (arm.method, f"{arm.method}_of_few"):
        if name in Method.named and needed <= Method.named[name].Settings.model_fields.keys():
            return name
    return None


def _taken_up(arm: Arm, asked: Arm) -> dict[str, Any]:
    """The lines of an arm that is taken up: what it has of its own, and its name for a reader."""
    own = {name: value for name, value in arm.settings.items() if name not in asked.settings}
    more = {"teacher": arm.teacher} if arm.teacher is not None else {}
    return {"method": _method_for(arm, asked), "label": arm.label} | more | own


def _value(results: Results, arm: str, setting: str) -> float:
    home = home_dice(results.all_scores, arm, setting)
    if home.empty:
        raise InputError(f"{results.folder}: {arm} has no sweep over {setting}; add one and run it")
    return chosen_value(home)


def _whole(folder: Path, name: str) -> Results:
    """The results of a study, with all seeds of its file."""
    if not (folder / "scores.csv").exists():
        raise InputError(
            f"{folder}: the study {name} is not recorded; 'kdlib study {name}' runs it"
        )
    results = open_results(folder)
    seeds = load_study(name).seeds if name in built_in_studies() else tuple(results.seeds)
    if missing := sorted(set(seeds) - set(results.seeds)):
        raise InputError(f"{folder}: has no seed {missing[0]}; record it before anything is chosen")
    return results


def _as_lines(settings: Mapping[str, Any]) -> str:
    """Lines of TOML, in which numbers, texts and lists are written as in JSON."""
    return "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
