"""The explorers of the threshold and of the simulator's dials."""

import numpy as np
import pytest

from kdlib.record.results import open_results
from kdlib.report.widgets import base
from kdlib.report.widgets.dials import dial_scores
from tests.colours import contrast
from tests.explorers.pages import (
    CAUTION,
    COLOUR,
    DIALS,
    PHONE,
    THRESHOLD,
    control,
    pixels,
    values,
)


def test_the_threshold_moves_dice_recall_and_precision(open_page, explored_study):
    page = open_page(CAUTION, THRESHOLD)
    control(page, THRESHOLD, "Method").select_option("KD")
    results, pair = explored_study.results, ("utrecht", "singapore")
    slices = [results.example(*pair, subject) for subject in results.subjects(*pair)]
    truth = np.concatenate([one["truth"].ravel() for one in slices])
    answer = np.concatenate([one["KD"].ravel() for one in slices])[truth != 2]
    lesion = truth[truth != 2] == 1
    for threshold in (0.01, 0.03, 0.1, 0.5, 0.81):
        control(page, THRESHOLD, "Threshold").fill(str(threshold))
        found = answer >= round(threshold * 255 + 1e-9)
        both = (lesion & found).sum()
        assert values(page, THRESHOLD, "dice") == [
            pytest.approx(2 * both / (lesion.sum() + found.sum()))
        ]
        assert values(page, THRESHOLD, "recall") == [pytest.approx(both / lesion.sum())]
        assert values(page, THRESHOLD, "precision") == [pytest.approx(both / found.sum())]


def test_a_link_that_is_pasted_into_the_open_page_is_followed(open_page):
    page = open_page(CAUTION, THRESHOLD)
    for threshold in ("0.9", "0.2"):
        page.evaluate(f"location.hash = 'threshold.threshold={threshold}'")
        page.wait_for_function(
            "(wish) => document.querySelector('.kdlib-explorer [type=range]').value === wish",
            arg=threshold,
        )


DRAWN = """([gains, arms]) => {
  const drawn = gainsChart(arms, gains, [gains], "L-bound", "KD");
  document.querySelector(".kdlib-charts").append(drawn);
  const boxes = (marks) => [...drawn.querySelectorAll(marks)]
    .map((mark) => mark.getBoundingClientRect()).map(({ left, right }) => [left, right]);
  const { left, right } = drawn.getBoundingClientRect();
  const found = [[left, right], boxes("text, line, polygon"), boxes("line.kdlib-arm")];
  const arrows = boxes("polygon").length;
  drawn.remove();
  return [...found, arrows];
}"""


def test_an_interval_that_is_too_wide_is_cut_off_at_the_axis(page):
    own = base.source("parts.js") + base.source("dials.js").replace("export default", "void")
    gains = {"ADA": {"difference": 0, "low": -1.5, "high": 1.5, "dice": 0.5}}
    gains["KD"] = {"difference": 0.1, "low": 0.05, "high": 0.15, "dice": 0.6}
    arms = [[name, name, "#0072b2"] for name in ("L-bound", *gains)]
    code = f"(given) => {{ {own} return ({DRAWN})(given); }}"
    (start, end), marks, (wide, narrow), arrows = page.evaluate(code, [gains, arms])
    assert arrows == 2
    assert narrow[1] - narrow[0] > 0.1 * (wide[1] - wide[0])  # it can be read
    assert all(start <= left <= right <= end for left, right in marks)


def test_a_turned_dial_moves_the_scan_and_the_differences(open_page, site):
    address = f"{CAUTION}#dials.dial=noise&dials.level=0&dials.arm=KD"
    page = open_page(address, DIALS, **PHONE)
    results = open_results(site.parents[1] / "book" / "dialled")
    scores = dial_scores(results, "L-bound")
    level_0 = values(page, DIALS, "difference"), pixels(page, DIALS, 1)
    np.testing.assert_array_equal(level_0[1], pixels(page, DIALS, 0))
    control(page, DIALS, "noise").fill("2")
    page.wait_for_function("location.hash.includes('dials.level=2')")
    assert values(page, DIALS, "difference") == pytest.approx(
        [scores["utrecht~noise2"][arm]["difference"] for arm in results.arms if arm != "L-bound"]
    )
    assert values(page, DIALS, "difference") != level_0[0]
    assert (pixels(page, DIALS, 1) != level_0[1]).any()
    name = page.locator(f"{DIALS} .kdlib-turned > span").first
    assert contrast(name.evaluate(COLOUR, "color"), (1, 1, 1)) >= 4.5
    frame = page.locator(f"{DIALS} .kdlib-charts > svg")
    height = frame.bounding_box()["height"]
    control(page, DIALS, "view").fill("1")  # a level without runs; only one dial is turned
    assert control(page, DIALS, "noise").input_value() == "0"
    assert values(page, DIALS, "difference") == []
    assert frame.bounding_box()["height"] == height  # the page does not jump
    assert frame.get_attribute("aria-label") == "No method was run at this level"
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
