"""No rule and no setting changes after the results without a new version of the protocol."""

import json
from pathlib import Path
from typing import Any

import pytest

from kdlib.evidence import protocol as rules
from kdlib.record.protocol import protocol
from kdlib.study.study import load_study

ROOT = Path(__file__).parents[2]
RECORDED = sorted((ROOT / "book" / "results").glob("*/provenance.json"))


def settings(name: str) -> dict[str, Any]:
    return load_study(name).model_dump(mode="json")


def changed_since(folder: Path, study: dict[str, Any]) -> str:
    """What changed since the results in ``folder``, though the version of the protocol did not.

    Empty if nothing did, and for results of another version. ``study`` holds the study's present
    settings.
    """
    seeds = json.loads((folder / "provenance.json").read_text(encoding="utf-8")).get("seeds", {})
    now = protocol(study)
    for seed, made in seeds.items():
        then = made.get("protocol", {})
        for name, what in (("rules", "rules of the ledger"), ("digest", "settings of the study")):
            if then.get("version") == now["version"] and then.get(name) != now[name]:
                return f"seed {seed}: the {what} changed; give the protocol a new version"
    return ""


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_nothing_changed_since_the_results_of_record(path: Path) -> None:
    assert changed_since(path.parent, settings(path.parent.name)) == ""


def test_a_change_without_a_new_version_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = settings("demo")
    made = {"seeds": {"0": {"protocol": protocol(study)}}}
    (tmp_path / "provenance.json").write_text(json.dumps(made))
    assert changed_since(tmp_path, study) == ""
    assert changed_since(tmp_path, study | {"seeds": [7]}) == ""
    longer = study | {"recipe": study["recipe"] | {"steps": 7}}
    assert "settings of the study" in changed_since(tmp_path, longer)
    monkeypatch.setattr(rules, "GENERAL_RULES", ("Everything is reproduced.",))
    assert "rules of the ledger" in changed_since(tmp_path, study)
    monkeypatch.setattr("kdlib.record.protocol.PROTOCOL", rules.PROTOCOL + 1)
    assert changed_since(tmp_path, longer) == ""


def test_the_study_of_real_scans_has_a_protocol_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("standard", "mechanism", "controls", "real")
    before = {name: protocol(settings(name))["rules"] for name in names}
    assert len(set(before.values())) == 2
    monkeypatch.setattr(rules, "RULES", ("Everything carries over.",))
    changed = [name for name in names if protocol(settings(name))["rules"] != before[name]]
    assert changed == ["real"]
