"""The tables of the protocol say what the studies and the ledger say."""

from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.mechanism import PREDICTIONS
from kdlib.report.protocol_tables import (
    budget_table,
    predictions_table,
    recipe_table,
    rules_table,
)
from kdlib.study.study import load_study


def test_a_budget_counts_the_steps_of_all_networks_that_an_arm_needs() -> None:
    standard = load_study("standard")
    steps, short = standard.recipe.steps, standard.recipe.on_the_fly_steps
    table = budget_table(standard).set_index("Arm")
    assert table.loc["L-bound", ["Steps", "All steps"]].tolist() == [0, steps]
    assert table.loc["KD", ["Steps", "All steps"]].tolist() == [steps, 2 * steps]
    assert table.loc["ADA then KD", "Steps of teachers"] == steps
    assert table.loc["KD on the fly", "Steps"] == short
    assert table.loc["KD", "Slices"] == steps * standard.recipe.batch_size


def test_the_design_has_every_setting_of_the_recipe() -> None:
    studies = [load_study(name) for name in ("standard", "mechanism")]
    table = recipe_table(studies).set_index("Setting")
    assert set(studies[0].recipe.model_dump()) <= set(table.index)
    assert table.loc["steps"].nunique() == 1
    assert "temperature" in table.loc["sweeps", "mechanism"]


def test_every_rule_is_on_the_page() -> None:
    assert rules_table()["Rule"].tolist() == [claim.rule for claim in LEDGER]
    assert predictions_table()["Rule"].tolist() == [one.rule for one in PREDICTIONS]
