"""All HTML pages in a real browser: one look, legible on a phone, nothing asked of a network, no rule of axe-core broken."""

import json
import os
from pathlib import Path

import pytest
from support.command import viewpoint100k

from benchmarks import accessible
from benchmarks.browser import Chromium, find_chromium
from viewpoint100k.pages import style
from viewpoint100k.shards import iter_samples

NAMES = ("gallery", "audit", "evaluate", "status")


@pytest.fixture(scope="module")
def pages(dataset, tmp_path_factory):
    """The four pages of one dataset, as the command line writes them."""
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("pages")
    questions = [question for stored in iter_samples(dataset) for question in stored.sample.questions]
    said = folder / "said.jsonl"
    said.write_text("".join(json.dumps({"question_id": q.id, "prediction": "A"}) + "\n" for q in questions))
    commands = {
        "gallery": ("gallery", dataset, folder / "gallery.html"),
        "audit": ("audit", dataset, "--html", folder / "audit.html"),
        "evaluate": ("evaluate", said, dataset, "--html", folder / "evaluate.html"),
        "status": ("status", dataset, "--html", folder / "status.html"),
    }
    for name in NAMES:
        done = viewpoint100k(*commands[name])
        assert done.returncode in (0, 1), done.stderr  # two dozen pairs may fail a probe
    return [folder / f"{name}.html" for name in NAMES]


@pytest.fixture(scope="module")
def needs_chromium():
    if find_chromium() is None:
        pytest.skip("Chromium is not here: apt-get install chromium")


def axe():
    """The script of axe-core, if this machine has it: VIEWPOINT100K_AXE names it."""
    path = os.environ.get("VIEWPOINT100K_AXE", "")
    return Path(path) if path and Path(path).is_file() else None


def test_pages_have_one_style_and_a_policy_that_forbids_to_load(pages):
    for page in pages:
        text = page.read_text()
        assert style().splitlines()[1] in text, page.name
        assert "default-src 'none'" in text
        assert 'name="viewport"' in text


def test_no_page_is_cut_off_asks_for_anything_or_breaks_a_rule(pages, needs_chromium):
    assert accessible.check(axe(), pages) == []


def test_axe_is_here(needs_chromium):
    if axe() is None:
        pytest.skip("axe-core is not here: npm pack axe-core, and VIEWPOINT100K_AXE=.../axe.min.js")


def test_a_page_that_is_too_wide_and_asks_for_something_is_found(tmp_path, needs_chromium):
    page = tmp_path / "wide.html"
    page.write_text("<!doctype html><div style='width: 800px'>x</div><img src='http://127.0.0.1:9/x.png'>")
    rules = {(each.width, each.rule) for each in accessible.check(None, [page])}
    assert {(390, "width"), (390, "network"), (1280, "network")} <= rules
    assert (1280, "width") not in rules


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_the_first_view_of_the_gallery_shows_a_pair(width, height, pages, needs_chromium):
    with Chromium(width, height) as browser:
        browser.open(pages[0].as_uri())
        browser.wait("document.querySelectorAll('.card img').length > 1")
        bottoms = browser.js(
            "[...document.querySelectorAll('.card')][0] && [...document.querySelectorAll('.card img')].slice(0, 2)"
            ".map(image => image.getBoundingClientRect().bottom)"
        )
        assert all(bottom <= height for bottom in bottoms), bottoms
