"""Laws of what ``kdlib adapt`` says of the bench: the numbers of the results of record, or none."""

import json
from pathlib import Path

import pytest

from kdlib.evidence.adapting import dial_gains
from kdlib.evidence.protocol import PROTOCOL
from kdlib.record.results import Results
from kdlib.report.dials import dial_names
from kdlib.report.on_bench import FILE, PARTS, STUDIES, found_by, on_bench, parts_by, text_of

RECORD = Path(__file__).parents[2] / "book/results"


def test_the_package_has_the_numbers_of_the_results_of_record() -> None:
    remedy = "run python -m kdlib.report.on_bench book/results"
    assert FILE.read_text(encoding="utf-8") == text_of(RECORD), remedy


def test_a_method_is_told_with_its_mean_gain_and_its_study() -> None:
    results = Results(RECORD / "controls")
    trainings = ["source", "target", "fold", "seed", "subject"]
    dice = results.scores.pivot(index=trainings, columns="arm", values="dice")
    people = dice.groupby(["target", "subject"]).ngroups
    found = found_by(results)
    assert len(found) == len(results.arms) - 2  # without the two bounds
    for method, told in found.items():
        (name,) = (name for name, arm in results.arms.items() if arm.method == method)
        gain = (dice[name] - dice["L-bound"]).mean()  # every pair has as many subjects and seeds
        assert told["difference"] == pytest.approx(gain, abs=1e-4)
        assert (told["study"], told["n"]) == ("controls", people)


def test_a_method_is_told_with_the_parts_of_a_shift_that_it_mends_and_harms() -> None:
    results = Results(RECORD / PARTS)
    gains = dial_gains(results.scores, ["AdaBN"], "L-bound").set_index("target")
    harmed = gains.index[gains["high"] < 0]
    assert set(parts_by(results)["adabn"]["harms"]) == {dial_names(results)[t] for t in harmed}


def test_methods_that_start_from_the_plain_teacher_are_told() -> None:
    results = Results(RECORD / "landscape")
    named = {name: arm for name, arm in results.arms.items() if arm.teacher == "L-bound"}
    assert {"tent", "ADDA"} <= named.keys()
    assert {arm.method for arm in named.values()} <= found_by(results).keys()
    assert "unadapted" not in found_by(results)


def test_results_of_another_protocol_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdlib.record.protocol.PROTOCOL", PROTOCOL + 1)
    assert found_by(Results(RECORD / "controls")) == {}
    assert parts_by(Results(RECORD / PARTS)) == {}


def test_what_was_not_tried_is_said() -> None:
    told = json.loads(FILE.read_text(encoding="utf-8"))
    assert all(one.get("study", STUDIES[0]) in STUDIES for one in told.values())
    assert on_bench("sorcery") == "No study of record has tried adapting by sorcery."
    for key, one in told.items():
        method = key.removesuffix(" on the fly")
        said = on_bench(method, on_the_fly=key != method)
        assert one.get("interval", "") in said
        assert all(dial in said for dial in [*one.get("mends", []), *one.get("harms", [])])
