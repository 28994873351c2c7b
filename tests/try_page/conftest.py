"""The page "Try it on your scan" without the book around it, in a browser without a network."""

import importlib.util
import re

import nibabel as nib
import pytest

from tests.pages import NO_SCRIPTS, ROOT, chromium, served
from tests.try_page.page import PAGE, opened


@pytest.fixture(scope="package")
def extension():
    """The book's extension that writes the page's files. Its scan has half of the slices."""
    path = ROOT / "book" / "_extensions" / "try_page.py"
    spec = importlib.util.spec_from_file_location("try_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    whole = nib.Nifti1Image.from_bytes(module.example(ROOT))
    module.example = lambda _: whole.slicer[:, :, ::2].to_bytes()
    return module


@pytest.fixture(scope="package")
def site(scripts, extension, tmp_path_factory):
    """The part of the page that runs, without the book around it."""
    if not scripts:
        pytest.skip(NO_SCRIPTS)
    folder = tmp_path_factory.mktemp("try")
    extension.write_files(ROOT, folder / "_static" / "starter")
    (folder / "_static" / "vendor").symlink_to(ROOT / "book" / "_static" / "vendor")
    text = (ROOT / "book" / "try.md").read_text()
    html = re.search(r"```{raw} html\n(.*?)```", text, re.DOTALL)[1]
    (folder / "book").mkdir()
    (folder / PAGE).write_text(f"<!doctype html><meta charset='utf-8'><body>{html}")
    return folder


@pytest.fixture(scope="package")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def server(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="package")
def page(browser, server):
    with opened(browser, server) as page:
        yield page
