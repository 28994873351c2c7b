"""Laws of results that grow by seed."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from kdlib.data.clinics import Clinics
from kdlib.errors import InputError
from kdlib.record.export import export_study
from kdlib.record.merge import merge
from kdlib.record.results import Results
from kdlib.report.provenance import seeds_table
from kdlib.study.plan import run_study
from kdlib.study.store import Store
from kdlib.study.study import Study, load_study
from tests.tiny import RECIPE

SWEEP = {"arm": "KD", "setting": "temperature", "values": [5]}


@pytest.fixture(scope="module")
def exports(clinics: Clinics, store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exports of each of three seeds, and of the first two together in ``both``."""
    demo = load_study("demo")
    arms = {arm: demo.arms[arm] for arm in ("L-bound", "KD")}
    few = {"arms": arms, "recipe": RECIPE | {"steps": 8}, "sweeps": [SWEEP]}
    folder, place = tmp_path_factory.mktemp("exports"), Store(store, clinics)
    for name, seeds in {"0": [0], "1": [1], "2": [2], "both": [1, 0]}.items():
        study = Study(**demo.model_dump() | few | {"seeds": seeds})
        export_study(study, run_study(study, place), place, folder / name)
    return folder


def merged(exports: list[Path], out: Path) -> list[int]:
    """Merge them, and give the seeds."""
    return [seed.seed for seed in merge("demo", exports, out)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_merged_seeds_are_the_export_of_these_seeds(exports: Path, tmp_path: Path) -> None:
    assert merged([exports / "1", exports / "0"], tmp_path / "out") == [0, 1]
    assert contents(tmp_path / "out") == contents(exports / "both")


def test_results_have_curves_and_findings_of_each_seed(exports: Path) -> None:
    results = Results(exports / "both")
    for table in (results.curves, results.findings):
        assert set(table["seed"]) == {0, 1}
        assert "KD" in set(table["arm"])
    assert "teacher" in set(results.curves["arm"])


def test_neither_order_nor_steps_matter(exports: Path, tmp_path: Path) -> None:
    made = []
    for seeds in permutations("012"):
        at_once, in_steps = tmp_path / "".join(seeds), tmp_path / "-".join(seeds)
        merge("demo", [exports / seed for seed in seeds], at_once)
        for seed in seeds:
            merge("demo", [exports / seed], in_steps)
        made += [contents(at_once), contents(in_steps)]
    assert all(one == made[0] for one in made)
    assert list(Results(tmp_path / "012").seeds) == [0, 1, 2]


def test_a_seed_given_again_changes_nothing_if_it_is_the_same(
    exports: Path, tmp_path: Path
) -> None:
    merge("demo", [exports / "both"], tmp_path / "out")
    before = contents(tmp_path / "out")
    merge("demo", [exports / "1", exports / "0"], tmp_path / "out")
    assert contents(tmp_path / "out") == before


def _in_json(*keys: str, value: Any = "other") -> Callable[[Path], None]:
    """A change of one value of ``provenance.json``."""

    def change(folder: Path) -> None:
        path = folder / "provenance.json"
        held = record = json.loads(path.read_text())
        for key in keys[:-1]:
            held = held[key]
        held[keys[-1]] = value
        path.write_text(json.dumps(record))

    return change


def unnoted(folder: Path) -> None:
    """As an export of before files were noted."""
    path = folder / "provenance.json"
    record = json.loads(path.read_text())
    del record["files"]
    path.write_text(json.dumps(record))


def _cut(name: str, bytes_left: int | None = -12) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:bytes_left])

    return change


def _cut_and_unnoted(name: str, bytes_left: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        _cut(name, bytes_left)(folder)
        unnoted(folder)

    return change


def _other_score(folder: Path) -> None:
    unnoted(folder)
    lines = (folder / "scores.csv").read_text().splitlines()
    lines[1] = lines[1][:-1] + ("1" if lines[1][-1] != "1" else "2")
    (folder / "scores.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("seed", "change", "said"),
    [
        ("1", _in_json("study", "name"), "is of the study 'other', not 'demo'; leave it out"),
        (
            "1",
            _in_json("study", "recipe", "steps", value=9),
            "recipe.steps=9, .* has 8; make both",
        ),
        ("1", _in_json("study", "arms", "KD", "temperature", value=3.0), "temperature=3.0"),
        ("1", _in_json("seeds", "1", "data"), "data='other', .*; make both on the same data"),
        ("1", _in_json("seeds", "1", "numbers_version", value=1), "numbers_version=1, .* same kdl"),
        ("1", _in_json("seeds", "1", "protocol", "digest"), "protocol.digest='other', .* \\(--out"),
        ("1", lambda folder: (folder / "provenance.json").unlink(), "json is missing.*; export it"),
        ("1", lambda folder: (folder / "teachers.csv").unlink(), "teachers.csv is missing"),
        ("1", lambda folder: (folder / "curves.csv").unlink(), "curves.csv is missing"),
        ("1", _cut("scores.csv"), "scores.csv is not as it was written.*; export it again"),
        ("1", _cut("clinics.csv", 0), "clinics.csv is not as it was written"),
        ("1", _cut_and_unnoted("curves.csv", 0), "damaged or not finished .*; export it again"),
        ("1", _cut_and_unnoted("teachers.csv", 9), "damaged or not finished .*; export it again"),
        ("1", _in_json("study", "pairs", value=3), "damaged or not finished"),
        ("1", _in_json("study", "sources", value=3), "damaged or not finished"),
        ("1", _in_json("study", "sources", value=["mars"]), "has 'mars' as a source"),
        ("1", _in_json("study", "sources", value=["../../x"]), "has '../../x' as a source"),
        ("0", _in_json("seeds", "0", "seconds", value=-1), "json: seed 0 is also in .*differs"),
        ("0", _other_score, "scores.csv: seed 0 is also in .*; leave one of the two out"),
        ("1", _in_json("seeds", "7", value={"runs": []}), "scores.csv: its seeds are not .* again"),
    ],
)
def test_what_does_not_agree_is_refused_and_leaves_no_trace(
    seed: str, change: Callable[[Path], None], said: str, exports: Path, tmp_path: Path
) -> None:
    changed, out = copytree(exports / seed, tmp_path / "changed"), tmp_path / "out"
    change(changed)
    merge("demo", [exports / "0"], out)
    before = contents(out)
    with pytest.raises(InputError, match=said) as refused:
        merge("demo", [changed], out)
    assert str(changed) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert contents(out) == before


def test_what_is_no_export_is_named(exports: Path, tmp_path: Path) -> None:
    (archive := tmp_path / "demo-0.tar.gz").write_bytes(b"packed")
    for folder, said in ((archive, "unpack it"), (tmp_path / "gone", "no such folder")):
        with pytest.raises(InputError, match=said):
            merge("demo", [folder], tmp_path / "out")


def test_results_that_a_stopped_recording_left_are_not_taken_for_none(
    exports: Path, tmp_path: Path
) -> None:
    merge("demo", [exports / "0"], tmp_path / "out")
    (tmp_path / "out" / "provenance.json").unlink()
    before = contents(tmp_path / "out")
    with pytest.raises(InputError, match=r"out: provenance.json is missing.*; bring the folder"):
        merge("demo", [exports / "1"], tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_two_recordings_at_once_keep_both_seeds(exports: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(merge, "demo", [exports / seed], tmp_path / "out") for seed in "01"]
    assert all(one.result() for one in done)
    assert list(Results(tmp_path / "out").seeds) == [0, 1]


def test_looks_and_prose_of_a_study_may_change_between_seeds(exports: Path, tmp_path: Path) -> None:
    changed = copytree(exports / "1", tmp_path / "changed")
    _in_json("study", "arms", "KD", "label")(changed)
    _in_json("study", "about")(changed)
    assert merged([changed, exports / "0"], tmp_path / "out") == [0, 1]
    assert Results(tmp_path / "out").arms["KD"].label == "KD"


def test_the_table_of_seeds_shows_that_they_agree(exports: Path) -> None:
    table = seeds_table(Results(exports / "both"))
    assert list(table["Seed"]) == [0, 1]
    assert list(table["Runs"]) == [4, 4]  # the teacher, both arms and the other temperature
    assert table[["Data", "Numbers_version", "Protocol"]].nunique().eq(1).all()
    assert not table.eq("unknown").any(axis=None)
