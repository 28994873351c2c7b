"""The explorers from files, from a server and from an address that was shared."""

import numpy as np

from tests.explorers.pages import (
    PAGE,
    PAIRS,
    SCAN,
    TEMPERATURE,
    choose,
    control,
    opened,
    scan_pixels,
)


def test_a_slider_that_moves_often_writes_the_address_once(page):
    page.wait_for_timeout(400)  # what is still to be written
    page.evaluate("""() => {
      const write = history.replaceState.bind(history);
      window.writes = 0;
      history.replaceState = (...given) => { window.writes += 1; write(...given); };
    }""")
    control(page, TEMPERATURE, "Temperature").evaluate("""(slider) => {
      for (let i = 0; i < 150; i += 1) {
        slider.value = 1 + i / 20;
        slider.dispatchEvent(new Event("input"));
      }
    }""")
    page.wait_for_function("location.hash.includes('temperature.temperature=8.45')")
    page.wait_for_timeout(400)
    assert page.evaluate("window.writes") == 1


def test_what_is_shown_stands_in_the_address_and_comes_back(page, open_page):
    choose(page, Source="singapore", Method="ADA")
    control(page, TEMPERATURE, "Temperature").fill("7")
    page.wait_for_function("location.hash.includes('temperature.temperature=7')")
    other = open_page(PAGE + page.evaluate("location.hash"), TEMPERATURE, PAIRS)
    assert control(other, PAIRS, "Source").input_value() == "singapore"
    assert control(other, PAIRS, "Method").input_value() == "ADA"
    assert control(other, TEMPERATURE, "Temperature").input_value() == "7"


def everything(page):
    """Every canvas of the page and all its text, after a choice in each explorer."""
    control(page, TEMPERATURE, "Temperature").fill("3.7")
    choose(page, Source="singapore", Method="KD")
    control(page, SCAN, "View").select_option("coronal")
    scan = scan_pixels(page)
    canvases = page.locator(".kdlib-explorer canvas:not(.kdlib-scan canvas)")
    drawn = canvases.evaluate_all("(all) => all.map((canvas) => canvas.toDataURL())")
    return drawn, page.locator(".kdlib-explorer").all_inner_texts(), scan


def test_from_a_server_the_page_shows_the_same(browser, site, server):
    shown = []
    for home in (f"{site.as_uri()}/", server):
        with opened(browser, home + PAGE) as page:
            shown.append(everything(page))
    (drawn, texts, scan), (others, other_texts, other_scan) = shown
    assert len(drawn) > 4
    assert drawn == others
    assert texts == other_texts
    np.testing.assert_array_equal(scan, other_scan)


def test_without_javascript_the_still_pictures_stand_there(browser, site):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site.as_uri()}/{PAGE}")
        stills = page.locator("figure.kdlib-still img")
        assert [still.is_visible() for still in stills.all()] == [True] * 3


def test_a_page_carries_at_most_five_megabytes_with_its_scans(site):
    scans = list((site / "_static" / "scans").iterdir())
    assert scans
    assert sum(path.stat().st_size for path in [site / PAGE, *scans]) < 5e6
