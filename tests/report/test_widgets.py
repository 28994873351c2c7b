"""The explorers' data are the runs' own, packed so that a browser reads them."""

import gzip
from dataclasses import replace
from functools import cached_property
from html import escape

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from kdlib.data.slices import prepare
from kdlib.data.volume import to_lps
from kdlib.errors import InputError
from kdlib.networks import answer_all
from kdlib.record.explorers import STEPS_PER_LOGIT, STUDENT
from kdlib.record.results import Results
from kdlib.report.widgets import (
    pair_explorer,
    scan_viewer,
    temperature_explorer,
    threshold_explorer,
)
from kdlib.report.widgets.base import pack_within, still_html
from kdlib.report.widgets.carried import scan_files
from kdlib.report.widgets.temperature import student_dice
from tests.explored import ODD_NAME

MAKERS = [temperature_explorer, pair_explorer, scan_viewer, threshold_explorer]


@pytest.fixture
def results(explored_study) -> Results:
    return explored_study.results


def unpacked(explorer):
    return arrays_of(explorer.packed, explorer.contents)


def arrays_of(packed, contents):
    raw = gzip.decompress(packed)
    return {
        item["name"]: np.frombuffer(raw, item["type"], item["length"], item["start"]).reshape(
            item["shape"]
        )
        for item in contents
    }


def first_subject(explored_study, part):
    (owner, arrays), *_ = explored_study.results.explored(part).items()
    _, target, subject = owner
    return explored_study.clinics[target].subject(subject), arrays


def test_packed_arrays_come_back_and_start_where_a_browser_can_read_them():
    others = {"a": np.arange(3, dtype=np.uint8), "b": np.array([[-5, 300]], np.int16)}
    greys = {"c": np.arange(256, dtype=np.uint8), "d": np.zeros(5, np.uint8)}
    packed, contents = pack_within(10_000, greys, others)
    for item, array in zip(contents, (others | greys).values(), strict=True):
        values = np.frombuffer(gzip.decompress(packed), item["type"], item["length"], item["start"])
        np.testing.assert_array_equal(values.reshape(item["shape"]), array)
        assert item["start"] % 8 == 0


@pytest.mark.parametrize("make", MAKERS)
def test_the_same_results_give_the_same_bytes(make, results):
    assert make(results).packed == make(results).packed


def test_stored_logits_give_the_teachers_probabilities(explored_study):
    student = explored_study.run("KD")
    subject, soft = first_subject(explored_study, "soft")
    images = prepare(subject.scan.read(), student.scenario.preparation).images[soft["slices"]]
    logits = answer_all(student.teacher.network(), images, student.scenario.precision)
    wanted = logits.softmax(dim=1)[:, 1].numpy().transpose(0, 2, 1)
    head, stored = soft["flair"] > 0, expit(soft["difference"] / STEPS_PER_LOGIT)
    np.testing.assert_allclose(stored[head], wanted[head], atol=5e-4)
    assert not soft["difference"][~head].any()


@pytest.mark.parametrize(("arm", "temperature"), [("KD", "2"), ("KD, T = 6", "6")])
def test_the_stored_answer_of_each_temperature_is_that_of_its_student(
    explored_study, arm, temperature
):
    subject, soft = first_subject(explored_study, "soft")
    run = explored_study.run(arm)
    images = prepare(subject.scan.read(), run.scenario.preparation).images[soft["slices"]]
    logits = answer_all(run.network(), images, run.scenario.precision).float()
    wanted = 255 * logits.softmax(dim=1)[:, 1].numpy().transpose(0, 2, 1)
    np.testing.assert_allclose(soft[STUDENT + temperature], wanted, atol=1.01)
    assert [n for n in soft if n.startswith(STUDENT)] == [f"{STUDENT}{t}" for t in "1269"]


def with_explorers(results, arrays):
    """The same results, as if their export had kept these ``arrays`` alone for the explorers."""

    class Other(Results):  # of another class, as what is cached for the whole ones is not theirs
        _explorers = arrays

    return Other(results.folder)


def test_results_without_truth_and_students_are_explored_too(results):
    whole = dict(temperature_explorer(results).facts["pairs"][0])
    assert whole["truth"]
    assert [student["temperature"] for student in whole["students"]] == [1, 2, 6, 9]
    kept = {"difference", "flair", "slices"}
    soft = {o: a for o, a in results._explorers.items() if o[-1] == "soft"}
    older = {o: {name: a[name] for name in kept} for o, a in soft.items()}
    (old, *_) = temperature_explorer(with_explorers(results, older)).facts["pairs"]
    assert (old["truth"], old["students"]) == ("", [])


def test_the_threshold_explorer_has_the_probabilities_of_every_saved_slice(results):
    explorer = threshold_explorer(results)
    arrays = unpacked(explorer)
    assert {run["arm"] for run in explorer.facts["runs"]} == {"L-bound", "ADA", "KD", "KD, T = 6"}
    for run in explorer.facts["runs"]:
        example = results.example(run["source"], run["target"], run["subject"])
        np.testing.assert_array_equal(arrays[run["truth"]], example["truth"].T)
        for hundredths in range(1, 100):  # all that the slider has
            grey = int(hundredths / 100 * 255 + 0.5)
            cut = arrays[run["answer"]] >= grey
            np.testing.assert_array_equal(cut, grey <= example[run["arm"]].T)


def test_the_subject_shown_is_the_one_of_middle_lesion_volume(explored_study):
    subject, _ = first_subject(explored_study, "scan")
    tested = explored_study.clinics["singapore"].folds[1]
    volumes = sorted(other.lesion_ml for other in tested)
    assert subject in tested
    assert subject.lesion_ml == volumes[len(volumes) // 2]


def test_the_viewers_truth_lies_where_the_scan_has_it(explored_study, tmp_path):
    subject, _ = first_subject(explored_study, "scan")
    (file, *_) = scan_files(explored_study.results)
    arrays = arrays_of(file.packed, file.facts["contents"])
    voxels = arrays["header"].tobytes() + arrays["truth"].tobytes()
    (tmp_path / "truth.nii").write_bytes(voxels)
    shown, truth = nib.load(tmp_path / "truth.nii"), to_lps(subject.labelled.read_labels())
    places = [
        nib.affines.apply_affine(affine, np.argwhere(np.asarray(array) == 1))
        for affine, array in ((shown.affine, shown.dataobj), (truth.affine, truth.array))
    ]
    np.testing.assert_allclose(places[0], places[1], atol=1e-4)


def test_the_files_hold_every_answer_to_every_whole_scan(results):
    seen = 0
    for file in scan_files(results):
        arrays, facts = arrays_of(file.packed, file.facts["contents"]), file.facts
        for source, names in facts["answers"].items():
            answers = results.answers[source, facts["target"], facts["subject"]]
            for arm, name in names.items():
                np.testing.assert_array_equal(arrays[name], answers[arm].transpose(2, 1, 0))
                seen += 1
    assert seen == sum(len(answers) for answers in results.answers.values()) > 0


def test_a_live_explorer_sends_the_files_that_it_is_asked_for(results, tmp_path, monkeypatch):
    viewer, sent = scan_viewer(results, niivue=tmp_path / "missing.js"), []
    monkeypatch.setattr(viewer, "send", lambda words, buffers: sent.append((words, buffers)))
    for name in (scan_files(results)[0].name, "niivue", "../secret"):
        viewer._send_file(name)
    assert sent[0] == ({"file": "scan-0"}, [scan_files(results)[0].packed])
    assert "vendor.py" in sent[1][0]["reason"]
    assert len(sent) == 2


def test_results_with_one_scan_and_no_answers_are_shown_too(results):
    owner, scan = next((o, a) for o, a in results._explorers.items() if o[-1] == "scan")
    old = with_explorers(results, {owner: scan})
    assert pair_explorer(old).facts["scans"] == []
    (scan,) = scan_viewer(old).facts["scans"]
    assert (list(scan["pictures"]), scan["answers"]) == (["utrecht"], {})


def test_only_what_was_run_is_on_offer(results):
    runs = pair_explorer(results).facts["runs"]
    assert all(run["source"] != run["target"] for run in runs)
    ours = {tuple(run[key] for key in ("arm", "source", "target", "subject")) for run in runs}
    scored = results.scores[["arm", "source", "target", "subject"]]
    assert ours == set(scored.itertuples(index=False, name=None))


def test_dice_by_temperature_averages_seeds_before_subjects(results):
    table = student_dice(results, "utrecht", "singapore").set_index("temperature")
    assert list(table.index) == [1.0, 2.0, 6.0, 9.0]
    rows = results.scores.query("arm == 'KD' and source == 'utrecht'")
    by_subject = rows.groupby("subject")["dice"].mean()
    assert table.loc[2.0, "mean"] == pytest.approx(by_subject.mean())
    assert table.loc[2.0, "sd"] == pytest.approx(by_subject.std())


def test_a_sweeps_rows_count_at_their_own_temperature(results):
    class Swept(Results):
        @cached_property
        def all_scores(self) -> pd.DataFrame:
            kd = results.scores.query("arm == 'KD'")
            half = kd.query("fold == 0")
            hot = half.assign(setting="temperature", value=9.0, dice=0.25, evaluated_on="target")
            at_home = hot.assign(dice=0.9, evaluated_on="source")
            return pd.concat([kd, hot, at_home], ignore_index=True)

    table = student_dice(Swept(results.folder), "utrecht", "singapore").set_index("temperature")
    assert list(table.index) == [2.0, 9.0]
    assert table.loc[9.0, "mean"] == 0.25
    half = results.scores.query("arm == 'KD' and source == 'utrecht' and fold == 0")["dice"]
    assert table.loc[2.0, "mean"] == pytest.approx(half.mean())


@pytest.mark.parametrize("make", MAKERS)
def test_the_still_picture_says_in_words_what_it_shows(make, results):
    explorer = make(results)
    explorer.description = f"Subject {ODD_NAME}"
    html = still_html(explorer)
    assert f'alt="Subject {escape(ODD_NAME)}"' in html
    assert "data:image/png;base64," in html
    assert ODD_NAME not in html


@pytest.mark.parametrize("make", [temperature_explorer, scan_viewer])
def test_results_without_explorers_say_how_to_get_them(make, results, tmp_path):
    with pytest.raises(InputError, match="export"):
        make(replace(results, folder=tmp_path))
