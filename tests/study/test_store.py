"""Laws of runs and their store."""

import os
import pickle
import platform
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.data.image_file import read_volume, write_volume
from kdlib.data.labels import THRESHOLD
from kdlib.errors import InputError
from kdlib.scores.metrics import dice
from kdlib.study.run import Run
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store, run
from kdlib.training import of_threads
from tests.copies import Copy
from tests.tiny import RECIPE, write_clinics

PAIR: dict[str, Any] = {"source": "utrecht", "target": "singapore", **RECIPE}
KD = Scenario(method="distillation", **PAIR)


def same_weights(first: Run, second: Run) -> bool:
    a, b = (load_file(r.directory / "weights.safetensors") for r in (first, second))
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_a_run_is_a_directory_of_plain_files(clinics: Clinics, store: Path) -> None:
    done = run(KD, clinics, store=store)
    names = {path.name for path in done.directory.iterdir()}
    assert names == {
        "DONE", "curve.csv", "findings.json", "history.csv", "lock.1", "lock.2", "scenario.json",
        "scores.csv", "slices.npz", "source_scores.csv", "teacher", "weights.safetensors",
    }  # fmt: skip


def test_a_run_reads_back_what_it_was_told(clinics: Clinics, store: Path) -> None:
    done = Run(run(KD, clinics, store=store).directory)
    assert done.scenario == KD
    assert list(done.scores.columns[:3]) == ["clinic", "subject", "dice"]
    assert set(done.scores.subject) == {s.id for s in clinics["singapore"].folds[1]}
    assert done.history.step.iloc[-1] == RECIPE["steps"]
    assert done.teacher is not None
    assert done.teacher.scenario == KD.teacher


def test_a_run_says_on_which_processor_it_was_made(clinics: Clinics, store: Path) -> None:
    made = run(KD, clinics, store=store).provenance["machine"]
    assert f"{platform.machine()}, " in made
    assert made.endswith(torch.backends.cpu.get_cpu_capability())


def test_a_training_leaves_its_curve_and_what_it_found(clinics: Clinics, store: Path) -> None:
    done = run(KD, clinics, store=store)
    assert done.curve["step"].tolist() == list(range(2, 42, 2))
    held_out = [name for name in done.curve if name.startswith("dice_")]
    assert len(held_out) == len(clinics["utrecht"].test)
    assert done.curve["dice"].iloc[-1] > 0.5
    assert done.findings["loss"] > done.findings["floor"] > 0
    assert run(KD.teacher, clinics, store=store).findings == {}  # type: ignore[arg-type]
    for other in (
        KD.changed(subject=clinics["singapore"].folds[1][0].id),
        KD.changed(method="unadapted", settings={}),
    ):
        assert run(other, clinics, store=store).curve.empty


def test_a_student_of_a_whole_target_is_scored_at_home_too(clinics: Clinics, store: Path) -> None:
    done = run(KD, clinics, store=store)
    assert done.teacher is not None
    assert list(done.source_scores.subject) == list(done.teacher.scores.subject)
    assert list(done.source_scores) == list(done.scores)
    fly = KD.changed(subject=clinics["singapore"].folds[1][0].id)
    assert run(fly, clinics, store=store).source_scores.empty


def test_a_finished_run_is_read_not_repeated(clinics: Clinics, store: Path) -> None:
    run(KD, clinics, store=store)
    steps: list[Any] = []
    run(KD, clinics, store=store, on_progress=lambda *step: steps.append(step))
    assert not steps


def test_the_teacher_is_trained_if_nobody_has(clinics: Clinics, tmp_path: Path) -> None:
    trained = []
    run(KD, clinics, store=tmp_path, on_progress=lambda s, *_: trained.append(s.method))
    steps = RECIPE["steps"]
    assert trained == ["supervised"] * steps + ["distillation"] * steps


def test_an_unadapted_network_is_its_teacher(clinics: Clinics, store: Path) -> None:
    bound = run(Scenario(method="unadapted", **PAIR), clinics, store=store)
    assert bound.teacher is not None
    assert same_weights(bound, bound.teacher)


def test_scoring_undoes_the_softening_that_the_settings_tell(clinics: Clinics, store: Path) -> None:
    both = run(KD.changed(softened="both"), clinics, store=store).scores
    plain = run(KD, clinics, store=store).scores
    for name in ("brier_head", "ece_head", "brier_band", "ece_band"):
        np.testing.assert_allclose(both[name], both[f"{name}_undone"], rtol=1e-5)
        assert (abs(plain[name] / plain[f"{name}_undone"] - 1) > 0.01).all()


def test_ada_then_kd_learns_from_the_adversarial_network(clinics: Clinics, store: Path) -> None:
    ada = Scenario(method="adversarial", **PAIR)
    student = run(Scenario(method="distillation", teacher=ada, **PAIR), clinics, store=store)
    assert student.teacher is not None
    assert student.teacher.scenario.method == "adversarial"
    assert not same_weights(student, run(KD, clinics, store=store))


def test_adaptation_cannot_see_target_labels(clinics: Clinics, store: Path, tmp_path: Path) -> None:
    """Turn every target label upside down: volumes, and so the folds, stay; weights must too."""
    folder = Path(shutil.copytree(clinics.folder, tmp_path / "clinics"))
    import nibabel as nib

    for path in folder.glob("*/Singapore/*/wmh.nii.gz"):
        image = nib.load(path)
        turned = np.asarray(image.dataobj)[::-1, ::-1].copy()
        path.unlink()
        nib.save(nib.Nifti1Image(turned, image.affine), path)
    other = open_clinics(folder)
    for method in ("distillation", "adversarial", "supervised"):
        scenario = Scenario(method=method, **PAIR)
        before = run(scenario, clinics, store=store)
        after = run(scenario, other, store=tmp_path / "store")
        assert same_weights(before, after) == (method != "supervised")
        assert not before.scores.dice.equals(after.scores.dice)


def test_other_data_makes_another_run(clinics: Clinics, tmp_path: Path) -> None:
    other = open_clinics(write_clinics(tmp_path, subjects=2))
    assert Store("s", clinics).directory(KD) != Store("s", other).directory(KD)


def test_what_a_store_keeps_changes_no_number(tmp_path: Path) -> None:
    clinics = open_clinics(write_clinics(tmp_path / "clinics", subjects=8))  # over one batch
    together = Store(tmp_path / "together", clinics)
    for temperature in (1.0, 4.0):
        student = Scenario(method="distillation", temperature=temperature, **PAIR)
        alone = Store(tmp_path / "alone", clinics)
        assert same_weights(together.run(student), alone.run(student))
    assert together._once.cache_info().hits == 1


def test_no_number_depends_on_the_threads_of_the_process(clinics: Clinics, tmp_path: Path) -> None:
    teacher = KD.changed(steps=6, teacher=None).teacher
    assert teacher is not None
    made = []
    for count in (1, 2, 3):
        with of_threads(count):
            made.append(Store(tmp_path / str(count), clinics).run(teacher))
            assert torch.get_num_threads() == count
    assert {run.directory.name for run in made} == {made[0].directory.name}
    assert {run.provenance["threads"] for run in made} == {1}
    assert all(same_weights(made[0], other) for other in made)


def test_a_run_of_more_threads_has_another_name(clinics: Clinics, tmp_path: Path) -> None:
    names = [Store(tmp_path, clinics, threads=count).directory(KD).name for count in (1, 2, 3)]
    assert len(set(names)) == 3
    assert names[0] == Store(tmp_path, clinics).directory(KD).name
    sent = pickle.loads(pickle.dumps(Store(tmp_path, clinics, threads=2)))
    assert sent.directory(KD).name == names[1]
    assert sent.run(KD.changed(steps=2, teacher=None)).provenance["threads"] == 2
    with pytest.raises(InputError, match="threads=0"):
        Store(tmp_path, clinics, threads=0)


def test_a_store_is_sent_without_what_it_keeps(clinics: Clinics, tmp_path: Path) -> None:
    used = Store(tmp_path, clinics)
    done = used.run(KD)
    sent = pickle.dumps(used)
    assert sent == pickle.dumps(Store(tmp_path, clinics))
    found = pickle.loads(sent).saved(KD)
    assert found.directory == done.directory


def test_a_prediction_lies_on_the_scans_own_grid(clinics: Clinics, store: Path) -> None:
    flair = clinics["singapore"].test[0].scan.flair
    answer, scan = run(KD, clinics, store=store).predict(flair), read_volume(flair)
    assert answer.array.shape == scan.array.shape
    np.testing.assert_array_equal(answer.affine, scan.affine)
    assert 0 <= answer.array.min() <= answer.array.max() <= 1


@pytest.mark.parametrize("share", [0.01, 0.03, 0.05])
def test_noise_in_the_air_hardly_changes_the_mask(
    clinics: Clinics, store: Path, share: float
) -> None:
    """Among some 150 voxels of lesion, a few at a border may change."""
    done, scan = run(KD, clinics, store=store), clinics["singapore"].test[0].scan.read()[0]
    plain = done.predict(scan).array >= THRESHOLD
    assert plain.any()
    for seed in range(3):
        sd = share * np.median(scan.array[scan.array > 0])
        noise = np.hypot(*np.random.default_rng(seed).normal(0, sd, (2, *scan.array.shape)))
        noisy = np.where(scan.array > 0, scan.array, noise).astype(np.float32)
        assert dice(plain, done.predict(replace(scan, array=noisy)).array >= THRESHOLD) > 0.95


@settings(deadline=None, max_examples=10)
@given(
    st.floats(-12, 12),
    st.floats(-20, 20),
    st.booleans(),
    st.sampled_from([0, -1, -1024, 4096, np.nan]),
    st.integers(0, 6),
    st.integers(0, 3),
)
def test_the_mask_does_not_depend_on_how_the_scan_was_written(
    clinics: Clinics, store: Path, power: float, offset: float, z_scored: bool, fill: float,
    margin: int, bright: int,
) -> None:  # fmt: skip
    """Scale, offset, z-scores, what fills the air, padding and a few bright voxels."""
    done, scan = run(KD, clinics, store=store), clinics["singapore"].test[0].scan.read()[0]
    head, array = scan.array > 0, scan.array.astype(float)
    if z_scored:
        array = (array - array[head].mean()) / array[head].std()
    array = (array + 100 * offset * (not z_scored)) * 10**power
    brightest = array.max() + 1000 * np.ptp(array[head])
    array = np.where(head, array, fill)
    array[0, :bright, 0] = brightest
    array = np.pad(array, [(margin, margin), (margin, 0), (0, 0)], constant_values=fill)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nii"
        write_volume(path, replace(scan, array=array))
        answer = done.predict(path).array[margin : array.shape[0] - margin, margin:]
    plain = done.predict(scan).array >= THRESHOLD
    assert dice(plain, answer >= THRESHOLD) > 0.98


def test_a_run_on_two_inputs_reads_both(clinics: Clinics, tmp_path: Path) -> None:
    done = run(Scenario(method="supervised", source="utrecht", inputs="flair+t1", **RECIPE),
               clinics, store=tmp_path)  # fmt: skip
    scan = clinics["singapore"].test[0].scan
    assert done.predict(scan.flair, scan.t1).array.any()
    with pytest.raises(InputError, match=r"reads flair\+t1"):
        done.predict(scan.flair)


def test_an_unfinished_directory_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished run"):
        Run(tmp_path)


def start(scenario: Scenario, clinics: Clinics, store: Path) -> Copy:
    """A process that makes the run, with a checkpoint and a line at every step."""
    return Copy(
        lambda say: run(
            scenario, clinics, store=store, checkpoint_seconds=0, on_progress=lambda *_: say("step")
        )
    )


def kill_after(process: Copy, lines: int) -> None:
    for _ in range(lines):
        process.said.readline()
    os.kill(process.number, signal.SIGKILL)
    process.end()


def test_a_subject_may_have_any_name(tmp_path: Path) -> None:
    folder, names = write_clinics(tmp_path / "clinics"), ["file", "allow_pickle", "a", "a.npy"]
    for old, new in zip(["50", "51", "52", "53"], names, strict=True):
        (folder / "training/Singapore" / old).rename(folder / "training/Singapore" / new)
    scenario = Scenario(method="unadapted", **PAIR, fold=None)
    done = run(scenario, open_clinics(folder), store=tmp_path / "runs")
    assert sorted(done.slices) == sorted(done.scores.subject) == sorted(names)
    assert len({array.tobytes() for array in done.slices.values()}) == len(names)


def test_slices_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    (tmp_path / "DONE").write_text("{}")
    np.savez_compressed(tmp_path / "slices.npz", **{"50": np.arange(3)})
    assert [*Run(tmp_path).slices] == ["50"]


def test_slices_without_head_are_refused(clinics: Clinics, tmp_path: Path) -> None:
    wide = Scenario(method="supervised", source="utrecht", **RECIPE | {"size": (512, 512)})
    with pytest.raises(InputError, match="no slice holds enough of a head; set a smaller size"):
        run(wide, clinics, store=tmp_path)


def test_a_killed_run_goes_on_and_ends_the_same(clinics: Clinics, tmp_path: Path) -> None:
    scenario = KD.changed(steps=100, teacher=None)
    store = Store(tmp_path / "killed", clinics)
    for lines in (20, 50, 60):  # in the teacher, late in the teacher, in the student
        kill_after(start(scenario, clinics, store.folder), lines)
        assert store.saved(scenario) is None
    killed = store.run(scenario)
    whole = run(scenario, clinics, store=tmp_path / "whole")
    assert same_weights(killed, whole)
    pd.testing.assert_frame_equal(killed.scores, whole.scores)
    pd.testing.assert_frame_equal(killed.history, whole.history)


def test_the_seconds_of_a_run_are_those_of_all_its_parts(clinics: Clinics, tmp_path: Path) -> None:
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE)

    def stopped(_: Scenario, step: int, steps: int) -> None:
        time.sleep(0.1)
        if step == steps - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(scenario, clinics, store=tmp_path, checkpoint_seconds=0, on_progress=stopped)
    done = run(scenario, clinics, store=tmp_path)
    assert done.provenance["seconds"] >= 0.1 * (RECIPE["steps"] - 2)


def test_a_checkpoint_stays_until_the_run_is_finished(
    clinics: Clinics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE)
    steps: list[int] = []

    def made() -> Run:
        return run(
            scenario, clinics, store=tmp_path, checkpoint_seconds=0,
            on_progress=lambda _, step, __: steps.append(step),
        )  # fmt: skip

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            made()
    done = made()
    assert steps == [*range(1, RECIPE["steps"] + 1)]
    assert not list(done.directory.glob("checkpoint*"))
    assert not [name for name in done._note["files"] if "checkpoint" in name]


def test_what_a_killed_process_was_writing_is_removed(clinics: Clinics, tmp_path: Path) -> None:
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE | {"steps": 2})
    directory = Store(tmp_path, clinics).directory(scenario)
    directory.mkdir()
    for name in (".0123456789ab.safetensors", ".0123456789ab", ".nfs0123456789", "mine"):
        (directory / name).touch()
    run(scenario, clinics, store=tmp_path)
    left = {path.name for path in directory.iterdir()}
    assert left & {"mine", ".nfs0123456789"} == {"mine", ".nfs0123456789"}
    assert not [name for name in left if name.startswith(".0")]


@pytest.mark.filterwarnings("ignore::kdlib.errors.WaitingWarning")
def test_two_processes_never_write_one_run(clinics: Clinics, tmp_path: Path) -> None:
    first, second = (start(KD, clinics, tmp_path) for _ in range(2))
    steps = [process.said.readlines() for process in (first, second)]
    assert first.end() == second.end() == 0
    assert len(steps[0]) + len(steps[1]) == 2 * RECIPE["steps"]
