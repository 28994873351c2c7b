"""What the explorers show can be read: words, colours, keys, print and phones."""

import pytest

from kdlib.report.widgets import base
from tests.colours import contrast
from tests.explored import ODD_LABEL, ODD_NAME, STUDY
from tests.explorers.pages import (
    COLOUR,
    MAP,
    PAIRS,
    PHONE,
    SCAN,
    TEMPERATURE,
    choose,
    control,
    options,
    pixels,
)


def test_clinics_stand_under_their_written_names(page):
    texts = [
        control(page, explorer, name).locator("option").all_text_contents()
        for explorer, name in ((TEMPERATURE, "Clinics"), (PAIRS, "Source"), (PAIRS, "Target"))
    ]
    assert texts[0] == ["Utrecht → Singapore", "Singapore → Utrecht"]
    assert {*texts[1], *texts[2]} == {"Utrecht", "Singapore"}


def test_names_of_folders_are_text_and_never_html(page):
    choose(page, Source="utrecht", Method="L-bound")
    for fold in options(page, PAIRS, "Fold"):
        choose(page, Fold=fold)
        if ODD_NAME in options(page, PAIRS, "Subject"):
            choose(page, Subject=ODD_NAME)
            break
    assert ODD_NAME in page.locator(f"{PAIRS} p").first.text_content()
    assert page.locator(".kdlib-explorer b").count() == 0


def test_labels_of_arms_are_text_and_never_html(page):
    choose(page, Source="utrecht", Method="KD, T = 6")
    methods = control(page, PAIRS, "Method").locator("option").all_text_contents()
    assert methods == [arm.label for arm in STUDY.arms.values()]
    assert ODD_LABEL in page.locator(f"{PAIRS} p").first.text_content()
    assert page.locator(f"{PAIRS} svg text.kdlib-title").all_text_contents()[-1] == (
        f"{ODD_LABEL[:21]}…"
    )
    assert page.locator(".kdlib-explorer b").count() == 0


def test_found_missed_and_false_differ_without_colour(page):
    swatches = [pixels(page, f"{PAIRS} .kdlib-legend", kind).sum(axis=-1) for kind in range(4)]
    apart = [abs(swatch - swatch[0, 0]) for swatch in swatches]
    drawn = [part > part.max() / 2 for part in apart]
    shares = [mark.mean() for mark in drawn]
    assert len({mark.tobytes() for mark in drawn}) == 4
    assert shares[0] > shares[1] * 1.5


def test_a_change_near_0_keeps_its_sign(page):
    parts = base.source("parts.js")
    parts = parts[parts.index("const LITTLE = ") :].split("\n\n")[0]
    said = page.evaluate(
        f"() => {{ {parts} return [-0.0004, 0, -1e-9, -0.0006].map((v) => signed(v)) }}"
    )
    assert said == ["−0.0004", "+0.000", "+0.000", "−0.001"]


def test_stills_give_way_on_screen_and_come_back_in_print(page):
    stills = page.locator("figure.kdlib-still")
    assert [still.is_visible() for still in stills.all()] == [False] * 3
    page.emulate_media(media="print")
    assert [still.is_visible() for still in stills.all()] == [True] * 3
    assert not page.locator(".kdlib-explorer").first.is_visible()
    page.emulate_media(media="screen")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page, theme):
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    for explorer in (TEMPERATURE, PAIRS, SCAN):
        root = page.locator(explorer)
        colours = [root.evaluate(COLOUR, name) for name in ("color", "backgroundColor")]
        assert contrast(*colours) >= 7


def test_every_control_has_a_name_and_shows_focus(page):
    for element in page.locator(".kdlib-explorer :is(select, input)").all():
        assert element.evaluate("(e) => e.labels.length") == 1
    control(page, PAIRS, "Source").focus()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_phone_shows_the_page_without_scrolling_sideways(page):
    page.set_viewport_size(PHONE)
    for explorer in (TEMPERATURE, PAIRS, SCAN):
        box = page.locator(explorer).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})


def test_the_map_of_three_clinics_fits_a_phone(open_page):
    page = open_page(MAP, PAIRS, **PHONE)
    cells = page.locator(f"{PAIRS} .kdlib-heat button")
    assert cells.count() == 6
    for cell in cells.all():
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert cell.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1")
    assert page.locator(f"{PAIRS} .kdlib-boxes label").first.bounding_box()["height"] >= 24
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 320, "height": 844})
    explorer = page.locator(PAIRS)
    assert explorer.evaluate("(one) => one.scrollWidth <= one.clientWidth")
    assert explorer.bounding_box()["x"] + explorer.bounding_box()["width"] <= 320


def test_a_phone_folds_a_long_table_until_a_reader_or_a_link_opens_it(open_page):
    page = open_page(MAP, PAIRS, **PHONE)
    table, button = page.locator(".kdlib-folded"), page.locator("button.kdlib-unfold")
    assert table.bounding_box()["height"] < 844
    assert button.text_content() == "Show the whole table"
    button.click()
    assert table.count() == 0
    button.click()
    page.evaluate("location.hash = 'row-n150'")
    page.wait_for_function("!document.querySelector('.kdlib-folded')")
    page.wait_for_function("""() => {
        const { top } = document.getElementById("row-n150").getBoundingClientRect();
        return 0 <= top && top <= 844;
    }""")
    page.set_viewport_size({"width": 1280, "height": 900})
    # The page hears of its new width with its next frame.
    button.wait_for(state="detached")
