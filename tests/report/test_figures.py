"""Figures and tables of the book show what the results say."""

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from kdlib.data.clinics import Clinics
from kdlib.networks import new_unet
from kdlib.recipe import Recipe
from kdlib.record.arrays import Key
from kdlib.record.clinic_summary import clinic_summary
from kdlib.report.arm_figures import dice_by_arm, difference_intervals, paper_and_ours
from kdlib.report.causes import control_figure
from kdlib.report.clinic_figures import clinic_slices, intensity_histograms, lesion_volumes
from kdlib.report.figures import (
    BLACK,
    CLINIC_COLOURS,
    DARK,
    PALE,
    SMALLEST,
    Picture,
    before_and_after,
    curves,
    drawing,
    numbers_touch,
    training_curve,
)
from kdlib.report.open_points import OPEN_POINTS, default, departures
from kdlib.report.paper_figures import printed_gaps, printed_gaps_closed
from kdlib.report.pictures import ERRORS, TRUTH, head_window, overlap, segmentations
from kdlib.report.shapes import passed_shapes
from kdlib.report.shown import printed, shown
from kdlib.study.arm import BOUNDS, PALETTE
from tests.colours import contrast
from tests.known_effects import ARMS

Study = Callable[..., pd.DataFrame]
SLICES = arrays(np.uint8, (6, 5))


def dots(picture: Picture) -> int:
    """How many dots the scatters of a chart hold."""
    axes = picture.figure.axes
    return sum(len(c.get_offsets()) for axis in axes for c in axis.collections)


@pytest.mark.parametrize("chart", [dice_by_arm, difference_intervals, paper_and_ours])
def test_no_letter_of_a_chart_is_too_small_for_a_phone(study: Study, chart) -> None:
    figure = chart(study(seeds=1, subjects=12), ARMS).figure
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= SMALLEST


@pytest.mark.parametrize(("by_seed", "marks"), [((0.1,), 2), ((0.1, 0.2), 3)])
def test_one_seed_alone_has_no_tick(by_seed: tuple[float, ...], marks: int) -> None:
    row = {"arm": "KD", "low": 0.0, "high": 0.2, "difference": 0.1, "pairs": [0.1]}
    table = pd.DataFrame([row | {"by_seed": by_seed, "seeds": len(by_seed)}])
    assert len(control_figure(table, ARMS).figure.legends[0].get_texts()) == marks


def test_an_arms_row_has_a_dot_per_subject(study: Study) -> None:
    scores = study(pairs=(("utrecht", "singapore"),), seeds=2, subjects=12)
    assert dots(dice_by_arm(scores, ARMS)) == 12 * scores["arm"].nunique()


def test_an_arm_with_fewer_subjects_says_how_many(study: Study) -> None:
    scores = study(pairs=(("utrecht", "singapore"),), seeds=1, subjects=12)
    few = scores[(scores["arm"] != "KD on the fly") | (scores["subject"] < "002")]
    names = [label.get_text() for label in dice_by_arm(few, ARMS).figure.axes[0].get_yticklabels()]
    assert "KD on the fly (n = 2)" in names
    assert "KD" in names


def test_the_mean_lies_where_the_scores_say(study: Study) -> None:
    scores = study(effects={"L-bound": 0.0, "U-bound": 0.2}, noise=0.0)
    lines = [line.get_xdata() for line in dice_by_arm(scores, ARMS).figure.axes[0].lines]
    means = scores.groupby("arm")["dice"].mean()
    assert [x for x in means if not any(np.isclose(line, x).all() for line in lines)] == []


def test_the_papers_figure_begins_with_the_mean_over_the_pairs(study: Study) -> None:
    scores = study(pairs=(("utrecht", "singapore"), ("singapore", "utrecht")), seeds=1)
    axes = paper_and_ours(scores, ARMS).figure.axes[0]
    drawn = {round(float(x), 6) for line in axes.lines for x in line.get_xdata()}  # type: ignore[union-attr]
    means = scores.groupby(["arm", "source"])["dice"].mean().groupby("arm").mean()
    assert axes.get_title() == "All pairs"
    assert {round(float(mean), 6) for mean in means} <= drawn


def test_the_same_results_give_the_same_file(study: Study) -> None:
    scores = study(seeds=1)
    for chart in (dice_by_arm, difference_intervals, paper_and_ours):
        assert chart(scores, ARMS).data() == chart(scores, ARMS).data()


def test_charts_leave_the_readers_settings_alone(study: Study) -> None:
    before = dict(mpl.rcParams)
    difference_intervals(study(seeds=1), ARMS).data()
    assert dict(mpl.rcParams) == before


def test_a_chart_is_svg_and_a_picture_of_scans_a_small_png(study: Study) -> None:
    chart = dice_by_arm(study(seeds=1), ARMS)._repr_mimebundle_()
    assert list(chart) == ["image/svg+xml"]
    noise = np.random.default_rng(0).integers(0, 255, (96, 112), dtype=np.uint8)
    example = {"flair": noise, "truth": noise // 127, "KD": noise}
    scans = segmentations({"subject 1": example}, {"KD": "KD"})
    assert scans.data().startswith(b"\x89PNG")
    assert len(scans.data()) < 250_000


@pytest.mark.parametrize(("arms", "rows"), [(0, 2), (1, 2), (4, 4), (5, 6), (12, 10)])
def test_answers_of_many_arms_take_rows_and_not_columns(arms: int, rows: int) -> None:
    names = {f"arm {n}": f"its title {n}" for n in range(arms)}
    scan = np.full((6, 5), 200, np.uint8)
    examples = {one: dict.fromkeys(("flair", "truth", *names), scan) for one in ("a", "b")}
    axes = segmentations(examples, names).figure.axes
    titles = [one.get_title() for one in axes[: len(axes) // 2] if one.get_visible()]
    assert [t for t in titles if t not in ("", "FLAIR", "truth")] == list(names.values())
    assert axes[0].get_subplotspec().get_gridspec().nrows == rows
    assert sum(one.get_visible() for one in axes) == 2 * (2 + arms)


@given(SLICES, SLICES)
def test_found_and_missed_are_the_truth_and_found_and_false_the_answer(
    labels: np.ndarray, probability: np.ndarray
) -> None:
    truth = labels % 3
    parts = overlap(truth, probability)
    assert np.array_equal(parts["found"] | parts["missed"], truth == 1)
    assert np.array_equal(parts["found"] | parts["false"], (probability >= 128) & (truth != 2))
    assert not (parts["found"] & (parts["missed"] | parts["false"])).any()


@pytest.mark.parametrize("width", [2.1, 3.0, 5.0])
@pytest.mark.parametrize("most", [0.05, 0.17, 3.0, 1500.0])
def test_no_number_of_an_axis_touches_the_next(width: float, most: float) -> None:
    with drawing(1.5, width=width) as (_, axes):
        axes.plot([-most, most], [0, 1])
    numbers = [label for label in axes.get_xticklabels() if label.get_text()]
    assert len(numbers) >= 2
    assert not numbers_touch(axes)


def test_the_window_holds_the_whole_head() -> None:
    flair = np.zeros((40, 30), np.uint8)
    flair[0:17, 12:30] = 200
    assert (flair[head_window(flair)] > 0).sum() == (flair > 0).sum()


def test_a_line_joins_a_subjects_two_scores() -> None:
    before = pd.DataFrame({"subject": ["a", "b"], "dice": [0.1, 0.5]})
    after = pd.DataFrame({"subject": ["b", "a"], "dice": [0.6, 0.2]})
    picture = before_and_after(before, after, ("L-bound", "KD"))
    drawn = [list(line.get_ydata()) for line in picture.figure.axes[0].lines]
    assert drawn[:2] == [[0.1, 0.2], [0.5, 0.6]]


def test_a_training_curve_has_a_line_per_loss() -> None:
    history = pd.DataFrame({"step": [1, 2], "learning_rate": [1, 1], "segmentation": [2.0, 1.0]})
    (axes,) = training_curve(history).figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["segmentation"]
    assert [list(line.get_ydata()) for line in axes.lines if len(line.get_ydata())] == [[2.0, 1.0]]


def test_the_paper_closed_the_gap_by_these_shares() -> None:
    gaps = (100 * printed_gaps_closed()).round()
    assert gaps["ADA"].to_list() == [46, -13, 45, -9, 45, 33]
    assert gaps["KD"].to_list() == [17, 69, 62, 40, 59, 57]
    (axes,) = printed_gaps(gaps).figure.axes
    assert [[round(bar.get_width()) for bar in bars] for bars in axes.containers] == [
        gaps["ADA"].to_list(),
        gaps["KD"].to_list(),
    ]


def test_each_level_of_the_unet_has_half_the_size_and_twice_the_channels() -> None:
    recipe = Recipe(size=(96, 112), width=4)
    stages = passed_shapes(new_unet(recipe, seed=0), recipe).set_index("Stage")
    assert stages["Channels"].to_list() == [1, 4, 8, 16, 32, 16, 8, 4, 2]
    assert stages.loc[["slice", "down, level 3"], "Size"].to_list() == ["96 x 112", "12 x 14"]
    weights = sum(p.numel() for p in new_unet(recipe, seed=0).parameters())
    assert stages["Weights"].sum() == weights


@pytest.mark.parametrize("point", OPEN_POINTS, ids=lambda point: point.point)
def test_every_decision_names_settings_that_exist(point) -> None:
    for name in point.settings:
        default(name)
    assert all(text.endswith(".") for text in (point.choice, point.reason))


def test_a_recipe_departs_in_what_it_sets_otherwise() -> None:
    assert departures(Recipe().model_dump(mode="json")).empty
    table = departures(Recipe(steps=5, size=(96, 112)).model_dump(mode="json"))
    assert table["Setting"].to_list() == ["size", "steps"]


def test_a_shown_table_is_escaped_whole_and_readable() -> None:
    long = "x" * 300
    table = pd.DataFrame({"a_b": ["<b>", long], "n": [24000, 7], "p": [0.12345, np.nan]})
    html = shown(table, "name")._repr_html_()
    assert "<b>" not in html
    assert all(text in html for text in ("&lt;b&gt;", long, "24,000", "0.123", "a b"))
    assert "nan" not in html.lower()


def test_the_summary_of_clinics_is_that_of_their_files(clinics: Clinics) -> None:
    table, found = clinic_summary(clinics)
    assert table.groupby("clinic").size().to_dict() == {
        n: len(c.subjects) for n, c in clinics.items()
    }
    some = clinics["utrecht"].subjects[1]
    row = table[table["subject"] == some.id].iloc[0]
    assert row["lesion_ml"] == pytest.approx(some.lesion_ml, abs=0.01)
    assert all(found[Key((name,), "intensity")].sum() > 100 for name in clinics)


def test_clinics_are_drawn_one_by_one(clinics: Clinics) -> None:
    table, found = clinic_summary(clinics)
    assert len(intensity_histograms(found).figure.axes[0].lines) == len(clinics)
    assert dots(lesion_volumes(table)) == len(table)
    assert len(clinic_slices(found).figure.axes) == 3 * len(clinics)


def test_half_of_a_clinics_lesion_volumes_lie_on_each_side_of_its_mark() -> None:
    table = pd.DataFrame({"clinic": list("aaaabbb"), "lesion_ml": [9, 1, 2, 60, 7, 0.5, 3]})
    (line,) = lesion_volumes(table).figure.axes[0].lines
    assert 2 < line.get_xdata()[0] < 9
    assert line.get_xdata()[1] == pytest.approx(3)


def test_a_clinic_whose_slices_are_empty_is_drawn_black() -> None:
    empty = np.zeros((8, 9), np.uint16)
    owner = ("utrecht", "1")
    found = {Key(owner[:1], "intensity"): empty, Key(owner, "flair"): empty}
    drawn = clinic_slices(found | {Key(owner, "labels"): empty}).figure.axes
    assert not drawn[0].images[0].get_array().any()


def test_nothing_is_shown_as_less_than_zero_by_rounding() -> None:
    assert "-0.000" not in shown(pd.DataFrame({"x": [-0.0001, 0.5]}), "x")._repr_html_()


def test_no_clinic_and_no_error_shares_a_colour_with_another_meaning() -> None:
    assert not {*CLINIC_COLOURS.values()} & {*PALETTE, *BOUNDS.values()}
    assert ERRORS["found"] == TRUTH


# hue-rotate(180deg) of CSS, which keeps greys; it follows the inversion on a dark page
TURNED = [[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]]


def test_every_line_of_a_chart_stands_out_on_a_light_page_and_on_a_dark_one() -> None:
    softened = curves({"a": np.sin, "b": np.cos, "c": np.tan}, [0.0, 1.0], "x", "y")
    drawn = [line.get_color() for line in softened.figure.axes[0].lines]
    for colour in map(to_rgb, [BLACK, DARK, PALE, *CLINIC_COLOURS.values(), *PALETTE, *drawn]):
        dark = np.clip(TURNED @ np.subtract(1, colour), 0, 1)
        assert contrast(colour, to_rgb("white")) > 2.2
        assert contrast(dark, to_rgb("#121212")) > 3


def test_numbers_have_a_printed_minus_and_a_space_before_percent_and_words_keep_their_hyphens() -> (
    None
):
    assert printed("-0.072, [-1259%, 136%], z-score, 1e-05, 10-100, 2026-11-28") == (
        "−0.072, [−1259\u00a0%, 136\u00a0%], z-score, 1e-05, 10-100, 2026-11-28"
    )
    assert "<td>−0.006</td>" in shown(pd.DataFrame({"x": [-0.006, 0.1]}), "x")._repr_html_()
