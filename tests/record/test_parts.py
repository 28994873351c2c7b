"""Laws of seeds whose sources are run apart from each other."""

import json
from itertools import permutations
from pathlib import Path
from shutil import copytree

import pytest

from kdlib.data.clinics import Clinics
from kdlib.errors import InputError
from kdlib.record.arrays import Key, read_arrays
from kdlib.record.choice import saved_studies
from kdlib.record.export import export_study
from kdlib.record.merge import merge
from kdlib.record.results import Results
from kdlib.record.whole import ARCHIVES, EXPLORERS, LAST
from kdlib.study.plan import plan, run_study
from kdlib.study.store import Store
from kdlib.study.study import Study, load_study
from tests.command import kdlib
from tests.record.test_merge import contents, unnoted
from tests.tiny import RECIPE

PAIRS = [["utrecht", "singapore"], ["singapore", "utrecht"]]
SWEEP = {"arm": "KD", "setting": "temperature", "values": [5]}


def study(seed: int) -> Study:
    demo = load_study("demo")
    arms = {arm: demo.arms[arm] for arm in ("L-bound", "KD")}
    few = {"arms": arms, "recipe": RECIPE | {"steps": 4}, "sweeps": [SWEEP]}
    return Study(**demo.model_dump() | few | {"pairs": PAIRS, "seeds": [seed]})


@pytest.fixture(scope="module")
def exports(clinics: Clinics, store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each of two seeds: whole, and each source alone."""
    folder, place = tmp_path_factory.mktemp("parts"), Store(store, clinics)
    for seed in (0, 1):
        whole = study(seed)
        for name in ("utrecht", "singapore", "whole"):
            part = whole if name == "whole" else whole.only_from([name])
            export_study(part, run_study(part, place), place, folder / f"{seed}-{name}")
    return folder


def arrays(results: Results) -> dict[str, set[Key]]:
    return {name: set(read_arrays(results.folder / name)) for name in ARCHIVES}


def test_a_part_has_the_runs_of_its_source_alone(clinics: Clinics) -> None:
    planned = plan(study(0).only_from(["singapore"]), clinics)
    assert {item.scenario.source for item in planned} == {"singapore"}
    assert len(planned) == len(plan(study(0), clinics)) / 2
    assert study(0).only_from(["singapore", "utrecht"]) == study(0)
    with pytest.raises(InputError, match="unknown source of demo 'utrech'; did you mean 'utrecht'"):
        study(0).only_from(["utrech"])


def test_parts_become_the_whole_seed_in_any_order(exports: Path, tmp_path: Path) -> None:
    parts = ["0-utrecht", "0-singapore", "1-utrecht", "1-singapore"]
    merge("demo", [exports / "0-whole", exports / "1-whole"], tmp_path / "whole")
    expected = Results(tmp_path / "whole")
    for number, order in enumerate(permutations(parts)):
        out = tmp_path / str(number)
        if number % 2:
            merge("demo", [exports / part for part in order], out)
        else:
            for part in order:
                merge("demo", [exports / part], out)
        found = Results(out)
        for part in ("study", "seeds"):
            assert found.provenance[part] == expected.provenance[part]
        assert not (out / "parts").exists()
        keys = ["seed", "source", "arm", "fold", "subject", "value"]
        one, other = (r.scores.sort_values(keys, ignore_index=True) for r in (found, expected))
        assert one.equals(other)
        assert arrays(found) == arrays(expected)


def test_without_scans_everything_else_is_kept(exports: Path, tmp_path: Path) -> None:
    kept = arrays(Results(exports / "0-whole"))
    assert kept[EXPLORERS]
    for parts in (["0-whole"], ["0-utrecht", "0-singapore"]):
        out = tmp_path / parts[0]
        for part in parts:
            merge("demo", [exports / part], out, scans=False)
            assert not any(read_arrays(path) for path in out.rglob(EXPLORERS))
        assert arrays(Results(out)) == kept | {EXPLORERS: set()}
        assert set(contents(out)) == set(contents(exports / "0-whole"))


def test_a_supporting_study_keeps_no_scans_unless_asked(exports: Path, tmp_path: Path) -> None:
    own = copytree(exports / "0-whole", tmp_path / "own")
    made = json.loads((own / LAST).read_text())
    (own / LAST).write_text(json.dumps(made | {"study": made["study"] | {"supporting": True}}))
    for scans, kept in ((None, False), (True, True)):
        merge("demo", [own], tmp_path / str(kept), scans=scans)
        assert bool(read_arrays(tmp_path / str(kept) / EXPLORERS)) == kept


def test_a_source_of_sweeps_alone_is_a_part_too(
    clinics: Clinics, store: Path, tmp_path: Path
) -> None:
    only = {"pairs": PAIRS[:1], "sweeps": [SWEEP | {"pairs": PAIRS[1:]}]}
    both, place = Study(**study(0).model_dump() | only), Store(store, clinics)
    for name in ("utrecht", "singapore"):
        part = both.only_from([name])
        export_study(part, run_study(part, place), place, tmp_path / name)
        merge("demo", [tmp_path / name], tmp_path / "out")
    found = Results(tmp_path / "out")
    assert set(found.scores["source"]) == {"utrecht"}
    assert set(found.all_scores["source"]) == {"utrecht", "singapore"}


def test_parts_of_seeds_that_have_other_columns_become_whole(
    clinics: Clinics, store: Path, exports: Path, tmp_path: Path
) -> None:
    """A sweep of one source alone adds columns, which are empty for the other."""
    place, out = Store(store, clinics), tmp_path / "out"
    swept = study(0).sweeps[0].model_copy(update={"pairs": (("singapore", "utrecht"),)})
    for seeds, sources in (((0, 1), "singapore"), ((0,), "utrecht"), ((1,), "utrecht")):
        whole = study(0).model_copy(update={"seeds": seeds, "sweeps": (swept,)})
        part, folder = whole.only_from([sources]), tmp_path / f"{seeds}-{sources}"
        export_study(part, run_study(part, place), place, folder)
        merge("demo", [folder], out)
    assert list(Results(out).seeds) == [0, 1]


def test_a_part_waits_and_is_not_shown(exports: Path, tmp_path: Path) -> None:
    records = tmp_path / "results"
    out = records / "demo"
    (waits,) = merge("demo", [exports / "0-utrecht"], out)
    assert (waits.seed, waits.lacking) == (0, ["singapore"])
    assert saved_studies(records, tmp_path / "own") == []
    merge("demo", [exports / "1-whole"], out)
    assert list(Results(out).seeds) == [1]
    before = contents(out / "parts" / "seed0-utrecht")
    merge("demo", [exports / "1-whole"], out)
    assert contents(out / "parts" / "seed0-utrecht") == before
    merge("demo", [exports / "0-singapore"], out)
    assert list(Results(out).seeds) == [0, 1]


def test_the_command_says_what_a_seed_waits_for(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for part, said in (
        ("0-utrecht", f"{out}: no seed yet\nseed 0 waits for the sources singapore\n"),
        ("0-singapore", f"{out}: now has the seeds 0\n"),
    ):
        assert kdlib("record", "demo", exports / part, "--out", out).out == said


def test_pictures_of_parts_that_no_page_will_show_are_not_kept(
    exports: Path, tmp_path: Path
) -> None:
    merge("demo", [exports / "0-whole", exports / "1-utrecht"], tmp_path)
    part = tmp_path / "parts" / "seed1-utrecht"
    sizes = [(folder / "examples.npz").stat().st_size for folder in (part, exports / "1-utrecht")]
    assert sizes[0] < 100 < sizes[1]


def test_a_part_that_differs_from_the_whole_is_refused(exports: Path, tmp_path: Path) -> None:
    merge("demo", [exports / "0-whole"], tmp_path / "out")
    merge("demo", [exports / "0-utrecht"], tmp_path / "out")  # the same again
    assert not (tmp_path / "out" / "parts").exists()
    changed = copytree(exports / "0-singapore", tmp_path / "changed")
    scores = changed / "scores.csv"
    scores.write_text(
        scores.read_text().replace("singapore,utrecht,0,0,", "singapore,utrecht,1,0,")
    )
    unnoted(changed)
    with pytest.raises(InputError, match=r"scores.csv: seed 0 is also in .*; leave one"):
        merge("demo", [changed], tmp_path / "out")
