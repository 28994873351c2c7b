"""The ledger of saved results, with the studies that support them beside it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from kdlib.evidence.bench import BENT, CURE, NEVER_BETTER, UNCHANGED
from kdlib.evidence.claim import Ruling
from kdlib.evidence.claims import LEDGER
from kdlib.evidence.protocol import PROTOCOL, REAL_PROTOCOL, rules_digest
from kdlib.evidence.verdicts import NO_GAP
from kdlib.record.results import Results, open_results
from kdlib.report.answer import answer
from kdlib.report.ledger import (
    _teachers,
    bench_list,
    bench_words,
    decided_words,
    gap_tests,
    ledger_of,
    prediction_table,
    protocol_words,
    verdict_words,
)

Study = Callable[..., pd.DataFrame]
FLAT = dict.fromkeys(("L-bound", "U-bound", *NEVER_BETTER), 0.0)


def saved(folder: Path, scores: pd.DataFrame, steps: int = 100) -> Results:
    folder.mkdir()
    scores.to_csv(folder / "scores.csv", index=False)
    record = {"study": {"name": folder.name, "arms": {}, "recipe": {"steps": steps}}}
    (folder / "provenance.json").write_text(json.dumps(record))
    return open_results(folder)


def test_controls_beside_the_results_are_the_gate(study: Study, tmp_path: Path) -> None:
    results = saved(tmp_path / "standard", study())
    alone = ledger_of(results)
    assert "not tested by controls" in bench_words(alone.bench)
    assert NO_GAP not in {one.verdict for one in alone.rulings}
    saved(tmp_path / "controls", study(effects=FLAT, pairs=(*BENT, *UNCHANGED)))
    found = ledger_of(results)
    assert "fails its test" in bench_words(found.bench)
    assert found.claimed[0].verdict == NO_GAP
    assert "failed its controls" in answer(results, found)["sure"]


def test_students_at_home_are_compared_with_the_teachers_that_made_them(
    study: Study, tmp_path: Path
) -> None:
    results = saved(tmp_path / "standard", study())
    home = pd.DataFrame({"source": ["utrecht"], "seed": [0], "subject": ["1"], "dice": [0.5]})
    home.to_csv(results.folder / "teachers.csv", index=False)
    assert _teachers(results)["dice"].tolist() == [0.5]
    other = saved(tmp_path / "mechanism", study())
    assert _teachers(results)["dice"].tolist() == [0.5]
    home.assign(dice=0.7).to_csv(other.folder / "teachers.csv", index=False)
    assert _teachers(results)["dice"].tolist() == [0.7]


def test_controls_of_another_recipe_are_none(study: Study, tmp_path: Path) -> None:
    results = saved(tmp_path / "standard", study(), steps=200)
    saved(tmp_path / "controls", study(effects=FLAT, pairs=(*BENT, *UNCHANGED)))
    assert not ledger_of(results).bench.tested


def test_a_good_bench_is_said_to_stand(study: Study, tmp_path: Path) -> None:
    results = saved(tmp_path / "standard", study())
    bent = study(effects=FLAT | {CURE: 0.05}, pairs=BENT)
    same = study(effects=FLAT, pairs=UNCHANGED, number=1)
    saved(tmp_path / "controls", pd.concat([bent, same]))
    found = ledger_of(results)
    assert "The bench passes its test" in bench_words(found.bench)
    listed = bench_list(found.bench)
    assert listed.count("\n- ") == len(BENT) + len(NEVER_BETTER)
    assert all(
        said in listed
        for said in ("passes", "The gains that were made are", "No gain is found where")
    )
    assert "a gain that was made, and none" in answer(results, found)["sure"]
    assert gap_tests(found.gate)["A gap"].eq("yes").all()


def test_verdicts_that_no_claim_has_are_not_counted_in_words() -> None:
    undecided = [Ruling(LEDGER[0], "undecided", why) for why in ("not run: no sweep", "no power")]
    said = verdict_words(undecided)
    assert said.endswith("undecided, 1 of them because what it needs was not run.")
    assert "another 2" in verdict_words([Ruling(LEDGER[0], "undecidable here", "")] * 2)


def test_decided_claims_are_told_with_their_text() -> None:
    first = Ruling(LEDGER[0], "contradicted", "")
    assert decided_words([first]) == f"Contradicted: “{LEDGER[0].claim.removesuffix('.')}”."
    assert decided_words([replace(first, verdict="undecided")]) == ""


def test_the_hypothesis_is_judged_by_the_study_of_the_mechanism(
    study: Study, tmp_path: Path
) -> None:
    results = saved(tmp_path / "standard", study(seeds=1))
    assert set(prediction_table(ledger_of(results).outcomes)["verdict"]) == {"undecided"}
    effects = {"L-bound": 0.0, "U-bound": 0.1, "ADA": 0.05, "ADA with weight 0": 0.05}
    saved(tmp_path / "mechanism", study(effects=effects))
    table = prediction_table(ledger_of(results).outcomes).set_index("number")
    assert table.loc["M1", "verdict"] == "holds"
    assert "not run" in table.loc["M2", "why"]


@pytest.mark.parametrize(("name", "version"), [("standard", PROTOCOL), ("real", REAL_PROTOCOL)])
def test_results_say_whether_these_rules_are_older_than_they_are(
    name: str, version: int, tmp_path: Path
) -> None:
    own = {"version": version, "rules": rules_digest(name)}
    for number, (kept, told) in enumerate(
        ((own, "were made by version"), (own | {"rules": "others"}, "were not"), ({}, "were not"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        record = {
            "study": {"name": name, "arms": {}},
            "seeds": {"0": {"protocol": own}, "1": {"protocol": kept}},
        }
        (folder / "provenance.json").write_text(json.dumps(record))
        assert told in protocol_words(Results(folder))
