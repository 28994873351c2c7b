"""What the studies of adaptation say, in sentences; and how a study is run that was not run yet."""

from collections.abc import Mapping

import pandas as pd

from kdlib.evidence.adapting import by_number
from kdlib.evidence.choosing import chosen_value, home_dice
from kdlib.record.choice import Saved, saved_studies
from kdlib.record.results import Results
from kdlib.report.dials import mended_words
from kdlib.report.landscape import Landscape
from kdlib.report.number_words import samples_in_short
from kdlib.report.words import listed
from kdlib.study.study import Study, load_study


def results_named(name: str, studies: list[Saved] | None = None) -> Results | None:
    """The whole results of a study, the reader's own first. None if it was not run yet."""
    found = saved_studies() if studies is None else studies
    whole = [saved for saved in found if saved.folder.name == name and not saved.fault]
    return whole[0].results if whole else None


def not_run(name: str) -> str:
    """How a study of the package is run, seed by seed, in sentences."""
    study = load_study(name)
    commands = " and ".join(f"`make record STUDY={name} SEEDS={seed}`" for seed in study.seeds)
    run = "runs" if len(study.seeds) == 1 else "run"
    return (
        f"The study *{name}* has not been run yet, so there is nothing to show here. "
        f"{waiting_words(study)}{commands} {run} it, and the next build of this page shows its "
        "results."
    )


def waiting_words(study: Study) -> str:
    """What has to be done before a study that waits for others; empty if it waits for none."""
    if not (waits := awaited_words(study)):
        return ""
    return (
        f"{waits} When these are recorded, `kdlib choose kdlib/studies/{study.name}.toml` writes "
        "into its file what they choose. Then "
    )


def awaited_words(study: Study) -> str:
    """Which studies a study waits for, in a sentence; empty if it waits for none."""
    others = {other for arm in study.arms.values() for other in arm.awaited.values()}
    return f"It waits for the results of the study *{listed(sorted(others))}*." if others else ""


def settings_table(results: Results) -> pd.DataFrame:
    """Each row is one value that the study settings tried; landscape takes the chosen ones.

    The columns are ``Arm``, ``Setting``, ``Value``, ``Home Dice``, ``Chosen`` and ``Target Dice``,
    which the choice does not use.
    """
    rows = []
    for sweep in results.study["sweeps"]:
        arm, setting = sweep["arm"], sweep["setting"]
        home = home_dice(results.all_scores, arm, setting)
        away = by_number(results.all_scores, arm, setting).mean(axis=1)
        label, chosen = results.arms[arm].label, chosen_value(home)
        rows += [
            (label, setting, f"{value:g}", dice, "yes" if value == chosen else "", away.get(value))
            for value, dice in home.items()
        ]
    names = ["Arm", "Setting", "Value", "Home Dice", "Chosen", "Target Dice"]
    return pd.DataFrame(rows, columns=names)


def landscape_words(results: Results) -> str:
    """What came of all methods of the study."""
    return Landscape(results).in_short()


def adapting_conclusion(found: Mapping[str, Results | None]) -> str:
    """The last line of the chapter: what those of its studies say that were run.

    ``found`` are the results of the studies landscape, dials and samples by their names.
    """
    words = {"landscape": landscape_words, "dials": mended_words, "samples": samples_in_short}
    said = [words[name](results) for name, results in found.items() if results is not None]
    missing = [name for name, results in found.items() if results is None]
    if missing:
        has = "study {} has" if len(missing) == 1 else "studies {} have"
        said.append(f"The {has.format(listed(missing))} not been run yet.")
    if len(missing) == len(found):
        said.append("Until then the book compares the methods of the paper and AdaBN alone.")
    return " ".join(said)
