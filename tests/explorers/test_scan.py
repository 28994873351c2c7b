"""The viewer of whole scans, teacher beside student."""

import numpy as np
import pytest

from kdlib.report.pictures import overlap
from tests.explorers.pages import PAGE, PAIRS, SCAN, TEMPERATURE, control, scan_pixels


def coloured(picture):
    return np.ptp(picture, axis=-1) > 60


def kinds_of(scan, answer):
    return overlap(scan["truth"], scan[answer] * np.uint8(255))


@pytest.mark.parametrize("answer", ["teacher", "student"])
def test_an_answers_colours_cover_their_share_of_the_slice_and_fade(page, explored_study, answer):
    scan = next(iter(explored_study.results.explored("scan").values()))
    marked = np.any([*kinds_of(scan, answer).values(), scan["truth"] == 2], axis=0)
    place = int(marked.sum(axis=(0, 1)).argmax())
    control(page, SCAN, "View").select_option("axial")
    control(page, SCAN, "Slice").fill(str(place))
    control(page, SCAN, "Colours").fill("1")
    head = (scan["flair"][:, :, place] > 0) | marked[:, :, place]
    shown = scan_pixels(page, answer)
    share = coloured(shown).sum() / (shown.max(axis=-1) > 20).sum()
    assert share == pytest.approx(marked[:, :, place].sum() / head.sum(), rel=0.15, abs=0.02)
    control(page, SCAN, "Colours").fill("0")
    assert coloured(scan_pixels(page, answer)).sum() == 0


def test_every_kept_scan_is_shown_with_teacher_and_student(page, explored_study):
    for (source, target, subject), scan in explored_study.results.explored("scan").items():
        control(page, SCAN, "Clinics").select_option(f"{source} {target}")
        control(page, SCAN, "Subject").select_option(subject)
        page.wait_for_function(
            "([at, name]) => document.querySelector(at).dataset.shown === name",
            arg=[SCAN, f"{source} {target} {subject}"],
        )
        for place, answer in enumerate(("teacher", "student")):
            counts = {kind: int(voxels.sum()) for kind, voxels in kinds_of(scan, answer).items()}
            words = page.locator(f"{SCAN} figcaption").nth(place).text_content()
            lesion = counts["found"] + counts["missed"]
            assert f"{answer} found {counts['found']} of {lesion} lesion voxels" in words
            assert f"and {counts['false']} that it marked are false" in words


def test_views_and_slices_of_the_scan_change_the_picture(page):
    shown = set()
    for view in ("axial", "coronal", "sagittal", "three planes", "surface"):
        control(page, SCAN, "View").select_option(view)
        shown.add(scan_pixels(page).tobytes())
    control(page, SCAN, "View").select_option("axial")
    for place in range(5):
        control(page, SCAN, "Slice").fill(str(place))
        shown.add(scan_pixels(page).tobytes())
    assert len(shown) >= 9


@pytest.mark.parametrize("view", ["coronal", "sagittal"])
def test_the_slider_goes_through_the_slices_of_the_view(page, view):
    control(page, SCAN, "View").select_option(view)
    slider = control(page, SCAN, "Slice")
    last = int(slider.get_attribute("max"))
    shown = []
    for share in (0.1, 0.5):
        slider.fill(str(round(share * last)))
        shown.append(scan_pixels(page))
    assert (abs(shown[0] - shown[1]).max(axis=-1) > 20).mean() > 0.05  # more than the cross
    control(page, SCAN, "View").select_option("surface")
    assert slider.is_disabled()
    control(page, SCAN, "View").select_option("axial")
    assert slider.is_enabled()


def test_keys_do_not_part_the_picture_from_the_list_of_views(page):
    canvas = page.locator(f"{SCAN} .kdlib-scan canvas").first
    canvas.hover()
    canvas.focus()
    before = scan_pixels(page)
    for key in "vcp":
        page.keyboard.press(key)
        np.testing.assert_array_equal(scan_pixels(page), before)


TOUCH = """(canvas, kind) => {
  const { x, y } = canvas.getBoundingClientRect();
  const at = { identifier: 1, target: canvas, clientX: x + 9, clientY: y + 9 };
  const touches = kind === "touchend" ? [] : [new Touch(at)];
  const given = { touches, targetTouches: touches, bubbles: true, cancelable: true };
  return canvas.dispatchEvent(new TouchEvent(kind, given));
}"""


def test_a_finger_scrolls_the_page_over_a_scan_until_it_is_tapped(page):
    canvas = page.locator(f"{SCAN} .kdlib-scan canvas").first
    canvas.evaluate("(canvas) => canvas.blur()")
    kinds = ("touchstart", "touchmove", "touchend")
    assert [canvas.evaluate(TOUCH, kind) for kind in kinds] == [True] * 3
    canvas.focus()
    assert canvas.evaluate(TOUCH, "touchstart") is False
    canvas.evaluate(TOUCH, "touchend")


LOSE = '(canvas) => canvas.getContext("webgl2").getExtension("WEBGL_lose_context").loseContext()'


def test_a_picture_that_the_browser_took_away_comes_again_when_it_is_asked_for(page):
    page.locator(f"{SCAN} .kdlib-scan canvas").first.evaluate(LOSE)
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    assert "took the picture away" in page.locator(f"{SCAN} .kdlib-says").text_content()
    again.click()
    again.wait_for(state="hidden")
    assert scan_pixels(page).max() > 100
    assert scan_pixels(page, "student").max() > 100


def test_a_scan_that_is_missing_leaves_the_rest_at_work(open_page):
    """Under an address with values that no control has, which leads to an explorer all the same."""
    strange = "temperature.pair=-1.5&pairs.place=1.5&pairs.beside=&scan.view=foo"
    page = open_page(f"{PAGE}#{strange}", TEMPERATURE, PAIRS, missing="**/scans/*.js")
    assert page.evaluate("scrollY") > 0
    assert control(page, TEMPERATURE, "Clinics").input_value() == "0"

    words = page.locator(f"{PAIRS} label").filter(has_text="missing from this copy")
    words.wait_for()
    label = page.locator(f"{PAIRS} .kdlib-large > canvas").get_attribute("aria-label")
    assert label.endswith("the slice with the most lesion.")
    assert page.locator(f"{PAIRS} .kdlib-scores tr").count() > 1

    viewer = SCAN.removesuffix("[data-ready]")
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    assert "missing from this copy" in page.locator(f"{viewer} .kdlib-says").text_content()
    assert control(page, viewer, "View").input_value() == "three planes"
    assert page.locator("figure.kdlib-still").last.is_visible()
    page.unroute("**/scans/*.js")
    again.click()
    page.wait_for_selector(f"{viewer}[data-shown]")
    assert not again.is_visible()
    assert scan_pixels(page, explorer=viewer).max() > 100

    control(page, TEMPERATURE, "Temperature").fill("3")
    page.wait_for_function("location.hash.includes('temperature.temperature=3')")
    assert "pairs.beside=" in page.url  # no methods beside it is a value too
    assert all("/scans/" in complaint for complaint in page.complaints)
    page.complaints.clear()
