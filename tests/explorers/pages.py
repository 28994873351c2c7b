"""The explorers' pages: where things stand, and how a test reads and operates them."""

import re
from base64 import b64decode
from contextlib import contextmanager

from tests.pages import png_pixels, watched

PAGE = "book/10_explorers.html"  # here with three explorers, which in the book have two chapters
CAUTION = "book/why.html"  # here with the explorers of the threshold and of dials alone
MAP = "book/08_segmentations.html"  # here with the explorer of pairs for three clinics
TEMPERATURE, PAIRS, SCAN, THRESHOLD, DIALS = (
    f'[aria-label="{name}"][data-ready]'
    for name in (
        "Temperature explorer",
        "Clinic-pair explorer",
        "Scan viewer",
        "Threshold explorer",
        "Dials explorer",
    )
)
PHONE = {"width": 390, "height": 844}


@contextmanager
def opened(browser, address, *explorers, missing="", **size):
    """The page at this address, when these explorers are ready; all three if none is named.

    The files of the pattern ``missing`` are not there.
    """
    with watched(browser, address[: address.rindex("/book/") + 1], **size) as page:
        if missing:
            page.route(missing, lambda route: route.abort())
        page.goto(address)
        for explorer in explorers or (TEMPERATURE, PAIRS, SCAN):
            page.wait_for_selector(explorer, timeout=120_000)
        yield page


def control(page, explorer, name):
    """The list or slider whose label starts with ``name``."""
    label = page.locator(f"{explorer} label").filter(has_text=re.compile(rf"^\s*{name}"))
    return label.locator("select, input")


def pixels(page, selector, index=0, columns=None):
    """What a 2-D canvas shows, (rows, columns, 3); of every voxel its middle, given ``columns``.

    Outlines lie on canvases of their own, which do not count.
    """
    canvas = page.locator(f"{selector} canvas:not(.kdlib-over)").nth(index)
    url = canvas.evaluate("(canvas) => canvas.toDataURL()")
    shown = png_pixels(b64decode(url.partition(",")[2]))
    size = shown.shape[1] // columns if columns else 1
    return shown[size // 2 :: size, size // 2 :: size]


def values(page, selector, name):
    """A number that every mark of a chart carries."""
    marks = page.locator(f"{selector} [data-{name}]").evaluate_all(
        "(marks, name) => marks.map((mark) => mark.getAttribute(`data-${name}`))", name
    )
    return [float(mark) for mark in marks]


def options(page, explorer, name):
    """What a list offers: the values, not their texts."""
    offered = control(page, explorer, name).locator("option")
    return offered.evaluate_all("(options) => options.map((option) => option.value)")


def scan_pixels(page, answer="teacher", explorer=SCAN):
    page.wait_for_timeout(150)
    return png_pixels(page.locator(f'{explorer} [data-answer="{answer}"] canvas').screenshot())


def choose(page, **choices):
    for name, value in choices.items():
        control(page, PAIRS, name).select_option(value)


COLOUR = """(one, name) =>
  getComputedStyle(one)[name].match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)"""
