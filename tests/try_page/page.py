"""The page "Try it": how a test gives it a scan and reads what it says."""

from contextlib import contextmanager

import nibabel as nib
import numpy as np

from tests.pages import png_pixels, watched

PAGE = "book/try.html"
HERE = ".kdlib-try"
STATES = "shown", "failed", "cancelled"


@contextmanager
def opened(browser, home, before=""):
    """The page below the address ``home``, ready. The script ``before`` runs first."""
    with watched(browser, home) as page:
        if before:
            page.add_init_script(before)
        page.goto(home + PAGE)
        page.wait_for_selector(f"{HERE}[data-state=ready]")
        yield page


def give(page, name, content=b""):
    """Choose a file and wait for the end: its path, or its name and its bytes."""
    picker = page.locator(f"{HERE} input[type=file]")
    packed = {"name": name, "mimeType": "", "buffer": content}
    picker.set_input_files(packed if content else name)
    return ended(page)


def ended(page):
    page.wait_for_selector(",".join(f"{HERE}[data-state={s}]" for s in STATES), timeout=240_000)
    return page.locator(HERE).get_attribute("data-state")


def told(page):
    return page.locator(".kdlib-status").text_content()


def saved(page, folder):
    """The mask that the page saves, as nibabel reads it."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the mask").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return nib.load(path)


def coloured(page):
    """How many pixels of the picture are yellow."""
    page.wait_for_timeout(150)
    picture = png_pixels(page.locator(f"{HERE} .kdlib-scan canvas").screenshot())
    return int((np.ptp(picture, -1) > 60).sum())


def answer_shown(page):
    """Whether there is a mask to save, and its numbers."""
    parts = [page.get_by_role("button", name="Save the mask"), page.locator(".kdlib-numbers")]
    return any(part.is_visible() for part in parts)
