"""The page from one scan to the next, from a file, and without what the book lacks."""

import time

import pytest

from tests.pages import ROOT, watched
from tests.try_page.page import HERE, PAGE, answer_shown, coloured, ended, give, opened, told

LOSE = '(canvas) => canvas.getContext("webgl2").getExtension("WEBGL_lose_context").loseContext()'


def test_no_answer_is_shown_while_the_next_scan_is_worked_on(page, extension):
    """Nor after it failed: then the mask that could be saved would be that of another patient."""
    assert give(page, "anna.nii", extension.example(ROOT)) == "shown"
    assert page.locator(".kdlib-numbers").text_content().startswith("anna.nii: ")
    assert answer_shown(page)
    page.get_by_role("button", name="Take a simulated scan").click()
    page.wait_for_selector(f"{HERE}[data-state=working]")
    assert not answer_shown(page)
    assert ended(page) == "shown"
    assert give(page, "bert.nii", b"no scan at all" * 60) == "failed"
    assert not answer_shown(page)


def test_the_networks_are_loaded_once(page, extension):
    assert give(page, "a.nii", extension.example(ROOT)) == "shown"
    page.evaluate("""() => {
      const status = document.querySelector(".kdlib-status");
      window.said = [];
      new MutationObserver(() => window.said.push(status.textContent))
        .observe(status, { childList: true });
    }""")
    assert give(page, "b.nii", extension.example(ROOT)) == "shown"
    said = page.evaluate("window.said")
    assert any(words.startswith("Finding") for words in said)
    assert not any(words.startswith("Loading") for words in said)


def test_a_scan_that_was_overtaken_before_it_came_is_not_segmented(page, extension):
    assert give(page, "a.nii", extension.example(ROOT)) == "shown"
    page.evaluate("""() => {
      const post = Worker.prototype.postMessage;
      const buttons = [...document.querySelectorAll("button")];
      const example = buttons.find((one) => one.textContent === "Take a simulated scan");
      window.sent = [];
      Worker.prototype.postMessage = function (message, ...more) {
        if (message.file) window.sent.push(message.file.name);
        return post.call(this, message, ...more);
      };
      example.click();
      example.click();
    }""")
    page.wait_for_selector(f"{HERE}[data-state=working]")
    assert ended(page) == "shown"
    assert page.evaluate("window.sent") == ["simulated.nii"]


def test_the_slice_is_chosen_by_keys(page, extension):
    assert give(page, "a.nii", extension.example(ROOT)) == "shown"
    canvas, slider = page.locator(f"{HERE} canvas"), page.get_by_label("Slice")
    for view in ("three planes", "sagittal"):
        page.get_by_label("View").select_option(view)
        page.wait_for_timeout(150)
        before, picture = int(slider.input_value()), canvas.screenshot()
        slider.press("ArrowRight")
        page.wait_for_timeout(150)
        assert int(slider.input_value()) == before + 1
        assert slider.get_attribute("aria-valuetext").startswith(f"{before + 2} of ")
        assert canvas.screenshot() != picture


def test_a_cancelled_scan_leaves_the_page_ready_for_the_next(page, extension):
    page.get_by_role("button", name="Take a simulated scan").click()
    page.wait_for_selector(f"{HERE}[data-state=working]")
    page.get_by_role("button", name="Cancel").click()
    assert ended(page) == "cancelled"
    assert give(page, "a.nii", extension.example(ROOT)) == "shown"


def wait_for(wish):
    """Wait until a wish is true, on a machine that has other work."""
    until = time.monotonic() + 60
    while not wish():
        assert time.monotonic() < until


def test_a_picture_that_the_browser_took_away_is_drawn_again(page, extension):
    assert give(page, "a.nii", extension.example(ROOT)) == "shown"
    page.get_by_label("View").select_option("axial")
    page.get_by_label("Opacity").fill("0.7")  # another test may have faded it
    page.locator(f"{HERE} canvas").evaluate(LOSE)
    wait_for(lambda: coloured(page) > 0)
    assert page.get_by_label("View").input_value() == "axial"
    page.locator(f"{HERE} canvas").evaluate(LOSE)  # so soon after, it is not tried again
    page.wait_for_selector(f"{HERE} .kdlib-scan", state="hidden")
    assert "cannot be shown here (the browser took it away)" in told(page)
    assert answer_shown(page)
    assert give(page, "b.nii", extension.example(ROOT)) == "shown"
    assert coloured(page) > 0


def test_the_name_of_another_scan_does_not_stay_in_the_list_of_files(page, extension):
    assert give(page, "anna.nii", extension.example(ROOT)) == "shown"
    page.get_by_role("button", name="Take a simulated scan").click()
    assert page.locator(f"{HERE} input[type=file]").input_value() == ""
    page.get_by_role("button", name="Cancel").click()
    focused = page.locator(f"{HERE} input[type=file]")
    assert focused.evaluate("(input) => input === document.activeElement")


def test_the_numbers_do_not_wait_for_the_picture(browser, server, extension):
    """And a threshold that is chosen meanwhile is that of the picture."""
    with opened(browser, server) as page:
        held = []
        page.route("**/niivue.umd.js", lambda route: held.append(route))
        path = {"name": "a.nii", "mimeType": "", "buffer": extension.example(ROOT)}
        page.locator(f"{HERE} input[type=file]").set_input_files(path)
        page.wait_for_selector(f"{HERE} .kdlib-numbers:not(:empty)", timeout=240_000)
        assert not page.get_by_role("button", name="Cancel").is_visible()
        page.get_by_label("Threshold").fill("0.05")
        held[0].continue_()
        assert ended(page) == "shown"
        low = coloured(page)
        page.get_by_label("Threshold").fill("0.95")
        assert coloured(page) < low


def test_without_webgl_the_numbers_are_there_and_no_dead_controls(browser, server, extension):
    gone = "HTMLCanvasElement.prototype.getContext = () => null;"
    with opened(browser, server, gone) as page:
        assert give(page, "a.nii", extension.example(ROOT)) == "shown"
        assert "The picture cannot be shown here" in told(page)
        assert answer_shown(page)
        for label, there in (("Threshold", True), ("View", False), ("Slice", False)):
            assert page.get_by_label(label).is_visible() is there


WORKERS = {
    "with workers": "",
    "without workers": "delete window.Worker;",
    "with workers that never run": """Worker = class extends Worker {
      constructor() { super(URL.createObjectURL(new Blob(["throw new Error('never'); "]))); }
    };""",
}


@pytest.mark.parametrize("workers", WORKERS)
def test_it_works_from_a_file_without_a_server(browser, site, workers):
    gone = WORKERS[workers]
    with opened(browser, f"{site.as_uri()}/", gone) as page:
        page.get_by_role("button", name="Take a simulated scan").click()
        assert ended(page) == "shown", told(page)
        assert coloured(page) > 0


def test_what_the_book_was_built_without_is_said_on_the_page(browser, site, extension):
    script = site / "_static" / "starter" / "page.js"
    whole = script.read_text()
    script.write_text(extension.page_script(ROOT / "book" / "starter", "Something <b>is</b> gone."))
    with watched(browser, f"{site.as_uri()}/") as page:
        page.goto(f"{site.as_uri()}/{PAGE}")
        page.wait_for_selector(f"{HERE}[data-state=missing]")
        assert page.locator(HERE).text_content() == "Something <b>is</b> gone."
    script.write_text(whole)
