"""A scenario gives the numbers that it gave before: those stored here, up to rounding.

Each kind of CPU rounds in its own way, which moves these numbers by some millionths. A changed
loss, rate or draw moves them far more.
To store them anew after a new NUMBERS_VERSION: ``python -m tests.study.test_numbers``.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.files import write_text
from kdlib.study.scenario import NUMBERS_VERSION, Scenario
from kdlib.study.store import Store
from tests.tiny import RECIPE, write_clinics

STORED = Path(__file__).with_name("numbers.json")
METHODS = ("supervised", "distillation", "adversarial")
SHORT = RECIPE | {"steps": 6, "precision": "float32"}


def numbers(method: str, store: Store) -> dict[str, list[float]]:
    """The losses of each step, and how far the network's answers are from the truth."""
    scenario = Scenario(method=method, source="utrecht", target="singapore", **SHORT)
    run = store.run(scenario)
    tables = (run.history.drop(columns="step"), run.scores[["brier_head", "brier_band"]])
    return {name: column.tolist() for table in tables for name, column in table.items()}


@pytest.mark.parametrize("method", METHODS)
def test_a_scenario_gives_the_numbers_that_it_gave_before(
    method: str, clinics: Clinics, tmp_path: Path
) -> None:
    stored = json.loads(STORED.read_text())
    assert stored["version"] == NUMBERS_VERSION, "run python -m tests.study.test_numbers"
    found = numbers(method, Store(tmp_path, clinics, "cpu"))
    expected = {name: pytest.approx(now, rel=1e-3) for name, now in stored[method].items()}
    assert found == expected, "raise NUMBERS_VERSION, or undo what moved the numbers"


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        tiny = open_clinics(write_clinics(Path(folder, "data")))
        store = Store(Path(folder, "runs"), tiny, "cpu")
        found = {method: numbers(method, store) for method in METHODS}
    write_text(STORED, json.dumps({"version": NUMBERS_VERSION, **found}, indent=1) + "\n")
