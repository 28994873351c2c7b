"""A method that is defined outside the package is seen wherever arms are shown."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kdlib.methods import AdaptationTask, Losses, Method, MethodSettings
from kdlib.record.results import Results, open_results
from kdlib.report.answer import answer
from kdlib.report.arm_figures import dice_by_arm, difference_intervals, paper_and_ours
from kdlib.report.figures import Picture
from kdlib.report.open_points import default
from kdlib.report.pictures import other_arms, segmentations
from kdlib.report.provenance import arms_table, settings_table
from kdlib.report.tables import comparison_table, gap_table, results_table, seed_table
from kdlib.report.widgets import pair_explorer
from kdlib.study.study import arm_scenario, load_study
from tests.command import kdlib
from tests.tiny import study_text, write_clinics

LABEL = 'Mine <b>& "$x$"'  # a user's text: no HTML, no formula
COLOUR = "#123456"
ARMS = f"""
[arms.L-bound]
method = "unadapted"

[arms.mine]
label = '{LABEL}'
colour = "{COLOUR}"
method = "scaled"
scale = 0.5

[arms.KD]
method = "distillation"

[arms.U-bound]
method = "supervised"
"""


class ScaledSettings(MethodSettings):
    scale: float = 0.25


@dataclass(frozen=True)
class Shown:
    """What the commands printed and wrote of the study."""

    study: str
    printed: str
    reported: str
    report: Path
    results: Results


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """The study, run, exported and reported; its method is forgotten afterwards."""
    folder = tmp_path_factory.mktemp("mine")
    clinics = write_clinics(folder / "clinics")
    (folder / "mine.toml").write_text(study_text(ARMS, folds=(0, 1), seeds=(0, 1), start="teacher"))
    where = ("--data", clinics, "--store", folder / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Method, "named", dict(Method.named))

        class Scaled(Method[AdaptationTask, ScaledSettings], name="scaled"):
            """Go on learning from the source, from half a batch and with a part of its loss."""

            def update(self, step: int) -> Losses:
                images, labels, _ = self.mixed_batch(step)
                loss = self.segmentation_loss(self.answer(images)[: len(labels)], labels)
                self.descend(self.settings.scale * loss)
                return {"segmentation": loss.detach()}

        made = kdlib(
            "study", folder / "mine.toml", *where, "--workers", 1, "--device", "cpu",
            "--export", folder / "results" / "mine",
        )  # fmt: skip
        said = kdlib("report", folder / "mine.toml", *where, "--out", folder / "report")
        assert (made.status, said.status) == (0, 0), made.err + said.err
        results = open_results(folder / "results" / "mine")
        yield Shown(str(folder / "mine.toml"), made.out, said.out, folder / "report", results)


def texts(picture: Picture) -> list[str]:
    """The names of rows and panels of a figure, whether or not they are folded."""
    found = [[*axes.get_yticklabels(), axes.title] for axes in picture.figure.axes]
    return [text.get_text().replace("\n", " ") for part in found for text in part]


def test_it_stands_in_the_tables_that_are_printed(shown: Shown) -> None:
    assert LABEL in shown.printed
    assert LABEL in shown.reported


def test_it_stands_in_every_table_in_the_studys_order(shown: Shown) -> None:
    scores, arms = shown.results.scores, shown.results.arms
    order = ["L-bound", LABEL, "KD", "U-bound"]
    for make in (results_table, seed_table):
        assert make(scores, arms).index.get_level_values("Method").to_list() == order
    compared = comparison_table(scores, arms)
    assert set(zip(compared["arm"], compared["baseline"], strict=True)) == {
        ("KD", "L-bound"),
        (LABEL, "L-bound"),
    }
    assert set(gap_table(scores, arms)["Method"]) == {LABEL, "KD"}
    row = arms_table(arms).set_index("Arm").loc[LABEL]
    assert row.to_list() == ["other", "scaled", "scale = 0.5"]
    assert LABEL in settings_table(shown.results).set_index("Setting").loc["arms", "Value"]


@pytest.mark.parametrize("figure", [dice_by_arm, difference_intervals, paper_and_ours])
def test_it_stands_in_every_figure_of_arms_in_its_colour(shown: Shown, figure) -> None:
    picture = figure(shown.results.scores, shown.results.arms)
    assert LABEL in texts(picture)
    svg = picture.data().decode()
    assert COLOUR in svg
    assert "<b>" not in svg
    ElementTree.fromstring(svg)


def test_its_answers_stand_beside_the_others(shown: Shown) -> None:
    pair, titles = shown.results.pairs[0], other_arms(shown.results.arms)
    assert list(titles.values()) == ["L-bound", "U-bound", LABEL]
    subject = shown.results.subjects(*pair)[0]
    picture = segmentations({subject: shown.results.example(*pair, subject)}, titles)
    assert LABEL in texts(picture)
    assert picture.data().startswith(b"\x89PNG")


def test_it_can_be_chosen_in_the_explorer(shown: Shown) -> None:
    facts = pair_explorer(shown.results).facts
    assert ["mine", LABEL] in facts["arms"]
    runs = {run["subject"] for run in facts["runs"] if run["arm"] == "mine"}
    assert runs == {run["subject"] for run in facts["runs"] if run["arm"] == "L-bound"}


@pytest.mark.parametrize("name", ["arms", "results", "seeds", "comparisons", "gap_closed"])
def test_it_stands_in_the_report_and_is_text_there(shown: Shown, name: str) -> None:
    escaped = LABEL.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for suffix in ("html", "md"):
        text = (shown.report / f"{name}.{suffix}").read_text()
        assert escaped.split('"')[0] in text
        assert "<b>" not in text
    assert LABEL.replace('"', '""') in (shown.report / f"{name}.csv").read_text()
    assert r"Mine <b>\& " in (shown.report / f"{name}.tex").read_text()


def test_the_study_says_what_it_changed(shown: Shown) -> None:
    assert (
        f"Of the other arms, {LABEL} changes the mean Dice by " in answer(shown.results)["others"]
    )


def test_its_pages_and_its_settings_are_found(shown: Shown) -> None:
    study = load_study(shown.study)
    scenario = arm_scenario(study, "mine", ("utrecht", "singapore"), 0, 0)
    assert study.label(scenario) == LABEL
    assert default("scale") == 0.25


def test_its_record_says_all_that_its_table_said(shown: Shown) -> None:
    record = json.loads((shown.results.folder / "provenance.json").read_text())["study"]["arms"]
    assert record["mine"] | {"label": LABEL, "colour": COLOUR, "scale": 0.5} == record["mine"]
    assert shown.results.arms == load_study(shown.study).arms
