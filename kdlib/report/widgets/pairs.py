"""The clinic-pair explorer. It shows any answer of a study on a slice, and compares its scores."""

from typing import Any

import numpy as np
import pandas as pd
import traitlets
from numpy.typing import NDArray

from kdlib.record.arrays import Arrays, Key
from kdlib.record.results import Results
from kdlib.report.pictures import ERRORS, GREY_THRESHOLD, first_arms, head_window, segmentations
from kdlib.report.widgets.base import Explorer, greys_and_others, script, source
from kdlib.report.widgets.carried import scan_files, senders
from kdlib.scores.metrics import METRIC_DIGITS, METRIC_NAMES
from kdlib.study.arm import lower_bound

LEVELS = ["source", "target", "arm", "fold", "subject"]
DRAWN = ["flair", "truth", "answer"]  # the names of a run's arrays
BOUNDED = ("dice", "lesion_recall", "lesion_f1")
COLOURS = ERRORS | {"other": "#e8e8e8"}


class PairExplorer(Explorer):
    """Lists for source, target, method, fold and subject. Only what was run can be chosen.

    ``beside`` names the methods that are shown beside the chosen one, at most three. ``place`` is
    the number of the slice of a whole scan. -1 is the slice with the most lesion.
    """

    _esm = script("slices.js", "files.js", "pairs.js")
    _css = source("explorers.css")
    budget = 1_300_000
    source = traitlets.Unicode().tag(sync=True)
    target = traitlets.Unicode().tag(sync=True)
    arm = traitlets.Unicode().tag(sync=True)
    fold = traitlets.Unicode().tag(sync=True)
    subject = traitlets.Unicode().tag(sync=True)
    metric = traitlets.Unicode("dice").tag(sync=True)
    zoom = traitlets.Float(1.0).tag(sync=True)
    place = traitlets.Int(-1).tag(sync=True)
    beside: traitlets.List = traitlets.List(traitlets.Unicode()).tag(sync=True)


def pair_explorer(results: Results) -> PairExplorer:
    """Make the explorer of all answers of which a study kept a picture."""
    arrays, shown = _pictures(results)
    runs = _runs(results.scores, shown)
    present = {run["arm"] for run in runs}
    arms = [[name, arm.label] for name, arm in results.arms.items() if name in present]
    first, lower = _first(results, runs), lower_bound(results.arms)
    pair, subject = (first["source"], first["target"]), first["subject"]
    example, files = results.example(*pair, subject), scan_files(results)
    compared = {n: label for n, label in first_arms(results.arms).items() if n in example}

    return PairExplorer(
        *greys_and_others(arrays),
        segmentations({f"subject {subject}": example}, compared),
        f"Subject {subject} of {pair[1].capitalize()}, adapted from {pair[0].capitalize()}. The "
        "pictures show the slice with the most lesion, the truth, and for each method what it "
        "found, what it missed, and what it marked although there is no lesion.",
        senders(files),
        facts={
            "scans": [file.facts for file in files if file.facts["answers"]],
            "runs": runs,
            "metrics": _metrics(),
            "arms": arms,
            "colours": COLOURS,
            "lower": lower if lower in present else None,
        },
        kind="pairs",
        beside=[name for name in compared if name != first["arm"]],
        **{level: first[level] for level in LEVELS},
    )


def _pictures(results: Results) -> tuple[Arrays, pd.DataFrame]:
    """All examples (row, column), and a table of their names. Answers are 0 and 1.

    Each row of the table is one answer. A scan and its truth are kept only once, even if there are
    answers from several sources.
    """
    examples = {
        (*pair, subject): results.example(*pair, subject)
        for pair in results.pairs
        for subject in results.subjects(*pair)
    }
    arrays, shown = Arrays(), []
    for (source_clinic, target, subject), example in examples.items():
        window = shared_window([e for name, e in examples.items() if name[1:] == (target, subject)])
        scan = {name: Key((target, subject), name) for name in ("flair", "truth")}
        arrays |= {key: example[name][window].T for name, key in scan.items()}
        for arm in [name for name in example if name not in scan]:
            answer = Key((source_clinic, target, subject), arm)
            arrays[answer] = (example[arm][window].T >= GREY_THRESHOLD).astype(np.uint8)
            keys = {name: str(key) for name, key in (scan | {"answer": answer}).items()}
            names = {"source": source_clinic, "target": target, "arm": arm, "subject": subject}
            shown.append(names | keys)
    return arrays, pd.DataFrame(shown)


def shared_window(examples: list[dict[str, NDArray[np.uint8]]]) -> tuple[slice, slice]:
    """The window that holds the head and all answers, which may reach outside the head."""
    least = {"flair": 0, "truth": 1}
    held = [
        np.where(array >= least.get(name, GREY_THRESHOLD), 255 if name != "flair" else array, 0)
        for example in examples
        for name, array in example.items()
    ]
    return head_window(np.max(held, axis=0).astype(np.uint8))


def _runs(scores: pd.DataFrame, shown: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row is one answer with a picture: its names, and its scores averaged over seeds."""
    scores = scores.assign(fold=scores["fold"].map(str))
    table = scores.groupby(LEVELS, sort=False)[list(METRIC_NAMES)].mean().round(6).reset_index()
    table = table.merge(shown, on=["source", "target", "arm", "subject"])
    return [
        {name: row[name] for name in (*LEVELS, *DRAWN)}
        | {"scores": {key: None if pd.isna(row[key]) else row[key] for key in METRIC_NAMES}}
        for row in table.to_dict("records")
    ]


def _first(results: Results, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the explorer shows at first: in the first pair, the subject with most lesion.

    If whole scans were kept, it is a subject that has one. The arm is the last of the arms that the
    paper puts first.
    """
    pair = results.pairs[0]
    subjects, arm = results.subjects(*pair), list(first_arms(results.arms))[-1]
    fullest = [s for s in subjects if (*pair, s) in results.answers][-1:] or subjects[-1:]
    own = [run for run in runs if (run["source"], run["target"]) == pair]
    return max(own, key=lambda run: (run["subject"] in fullest, run["arm"] == arm))


def _metrics() -> list[dict[str, Any]]:
    return [
        {"key": key, "name": name, "digits": METRIC_DIGITS.get(key, 3), "bounded": key in BOUNDED}
        for key, name in METRIC_NAMES.items()
    ]
