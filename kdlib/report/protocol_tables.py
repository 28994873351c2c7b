"""Tables of what was decided before the results: studies, budgets, claims and predictions."""

import pandas as pd

from kdlib.evidence.comparisons import pair_name
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.mechanism import PREDICTIONS
from kdlib.report.provenance import setting_text
from kdlib.study.study import Study, arm_scenario


def recipe_table(studies: list[Study]) -> pd.DataFrame:
    """Each row is one setting, and each column what one of the studies has of it."""
    columns = {study.name: _design(study) for study in studies}
    return pd.DataFrame(columns).rename_axis("Setting").reset_index()


def _design(study: Study) -> dict[str, str]:
    sweeps = "; ".join(
        f"{one.arm} over {one.setting} ({setting_text(list(one.values))})" for one in study.sweeps
    )
    few = study.on_the_fly_subjects
    design = {
        "pairs": ", ".join(pair_name(*pair) for pair in study.pairs),
        "folds": len(study.folds),
        "seeds": len(study.seeds),
        "arms": len(study.arms),
        "on the fly": "every tested subject" if few is None else f"{few} subjects of each fold",
        "sweeps": sweeps or "none",
    }
    recipe = study.recipe.model_dump()
    return {name: setting_text(value) for name, value in (design | recipe).items()}


def budget_table(study: Study) -> pd.DataFrame:
    """Each row is one arm: its training steps, its slices, and the steps of its teachers.

    Columns: ``Arm``, ``Starts from``, ``Steps``, ``Slices``, ``Steps of teachers`` and
    ``All steps``. On the fly the steps are those for each scan. Arms that another study has yet to
    choose are left out.
    """
    rows = []
    decided = {name: arm for name, arm in study.arms.items() if not arm.awaited}
    for name, arm in decided.items():
        scenario = arm_scenario(study, name, study.pairs[0], study.folds[0], study.seeds[0])
        if arm.on_the_fly:
            scenario = scenario.changed(subject="any")
        own, *before = (one.updates for one in scenario.lineage)
        start = "the teacher" if scenario.starts_from_teacher else "new weights"
        rows.append(
            (arm.label, start, own, own * scenario.batch_size, sum(before), own + sum(before))
        )
    return pd.DataFrame(
        rows,
        columns=["Arm", "Starts from", "Steps", "Slices", "Steps of teachers", "All steps"],
    )


def rules_table() -> pd.DataFrame:
    """Each row is one claim of the ledger with its place in the paper, its test and its rule."""
    return pd.DataFrame(
        [(one.number, one.claim, one.place, one.test, one.rule) for one in LEDGER],
        columns=["No.", "Claim", "In the paper", "Test", "Rule"],
    )


def predictions_table() -> pd.DataFrame:
    """Each row is one prediction of the hypothesis with its test and its rule."""
    return pd.DataFrame(
        [(one.number, one.prediction, one.test, one.rule) for one in PREDICTIONS],
        columns=["No.", "Prediction", "Test", "Rule"],
    )
