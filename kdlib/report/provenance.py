"""Tables about how a study was made: its settings, its machines and versions, its runs."""

import subprocess
from collections.abc import Mapping
from typing import Any

import pandas as pd

from kdlib.evidence.comparisons import pair_name
from kdlib.record.results import Results
from kdlib.study.arm import Arm


def commit() -> str:
    """The commit that is checked out here, or "unknown" outside a repository."""
    command = ["git", "rev-parse", "--short=10", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return "unknown"
    return found or "unknown"


def settings_table(results: Results) -> pd.DataFrame:
    """Which scenarios were run, and the recipe they share. Columns: ``Setting`` and ``Value``."""
    study = results.study
    pairs = ", ".join(pair_name(*pair) for pair in study["pairs"])
    rows = {"pairs": pairs, "folds": study["folds"], "seeds": study["seeds"]}
    rows |= {"arms": ", ".join(arm.label for arm in results.arms.values())}
    few = study["on_the_fly_subjects"]
    rows["on_the_fly_subjects"] = "all" if few is None else few
    if sweeps := study.get("sweeps"):
        rows["sweeps"] = "; ".join(
            f"{results.arms[s['arm']].label} over {s['setting']}" for s in sweeps
        )
    rows |= study["recipe"]
    return pd.DataFrame(
        [(name, setting_text(value)) for name, value in rows.items()], columns=["Setting", "Value"]
    )


def arms_table(arms: Mapping[str, Arm]) -> pd.DataFrame:
    """Each row is one arm of the study. Columns: ``Arm``, ``Role``, ``Method``, ``Settings``."""
    rows = [(arm.label, arm.role, arm.method, _settings_of(arm, arms)) for arm in arms.values()]
    return pd.DataFrame(rows, columns=["Arm", "Role", "Method", "Settings"])


def _settings_of(arm: Arm, arms: Mapping[str, Arm]) -> str:
    """The settings that only this arm has, in words."""
    own = [f"{k} = {setting_text(v)}" for k, v in arm.settings.items() if k != "method"]
    if arm.teacher is not None:
        own.append(f"taught by {arms[arm.teacher].label}")
    return "; ".join([*own, *(["one scan at a time"] if arm.on_the_fly else [])])


def seeds_table(results: Results) -> pd.DataFrame:
    """Each row is one seed: its runs, hours and devices, and digests of what decided its numbers.

    Columns: ``Seed``, ``Runs``, ``Hours``, ``Device``, ``Data``, ``Simulation`` (its seed and the
    simulator's version), ``Numbers_version``, ``Protocol`` (its version) and ``Rules`` (their
    digest). What was not kept is "unknown".
    """
    rows = [
        {
            "Seed": seed,
            "Runs": len(made["runs"]),
            "Hours": made["seconds"] / 3600,
            "Device": ", ".join(sorted({run["device"] for run in made["runs"]})),
            "Data": made.get("data", "unknown"),
            "Simulation": _simulation_text(made),
            "Numbers_version": str(made.get("numbers_version", "unknown")),
            "Protocol": str(made.get("protocol", {}).get("version", "unknown")),
            "Rules": made.get("protocol", {}).get("rules", "unknown"),
        }
        for seed, made in results.seeds.items()
    ]
    return pd.DataFrame(rows)


def _simulation_text(made: dict[str, Any]) -> str:
    if "simulation" not in made:
        return "unknown"
    settings = made["simulation"]
    return f"seed {settings['seed']}, version {settings['version']}" if settings else "none"


def environment(results: Results) -> pd.DataFrame:
    """All devices, precisions, threads, machines and versions. Columns: ``What`` and ``Which``."""
    seen: dict[str, set[str]] = {}
    for run in results.runs:
        place = {name: run[name] for name in ("device", "precision", "threads", "machine")}
        for name, value in (place | run["versions"]).items():
            seen.setdefault(name, set()).add(str(value))
    return pd.DataFrame(
        [(name, ", ".join(sorted(values))) for name, values in seen.items()],
        columns=["What", "Which"],
    )


def repeated_table(results: Results, again: pd.DataFrame) -> pd.DataFrame:
    """Each row is one run that was made again, and how far its Dice differs from the recorded one.

    ``again`` has the columns arm, source, target, fold, seed, machine (that of the second time),
    subject and dice.
    """
    keys = ["arm", "source", "target", "fold", "seed"]
    recorded = results.scores[[*keys, "subject", "dice"]].astype({"subject": str})
    both = again.astype({"subject": str}).merge(recorded, on=[*keys, "subject"])
    both["apart"] = both["dice_x"] - both["dice_y"]
    rows = [
        (*key, one["apart"].abs().max(), one["apart"].mean())
        for key, one in both.groupby([*keys, "machine"], sort=False)
    ]
    return pd.DataFrame(rows, columns=[*keys, "machine", "largest difference", "mean difference"])


def runs_table(results: Results) -> pd.DataFrame:
    """Each row is one run. Columns: ``Run``, ``Finished`` (UTC) and ``Seconds``."""
    rows = [
        (run["run"], run["finished"][:16].replace("T", " "), run["seconds"]) for run in results.runs
    ]
    return pd.DataFrame(rows, columns=["Run", "Finished", "Seconds"])


def setting_text(value: object) -> str:
    """A setting's value as a reader sees it, such as "2, 2, 3" for a list, or "none"."""
    if isinstance(value, list | tuple):
        return ", ".join(map(setting_text, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
