"""The gallery in a real browser: Debian's Chromium without a screen.

Skips where there is none, and says so.
"""

import http.server
import importlib.util
import json
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support.gallery_samples import HOSTILE, SAMPLES, jpeg, stored, with_points

from viewpoint100k.gallery import CHUNK, write_gallery
from viewpoint100k.shards import write_shard

_spec = importlib.util.spec_from_file_location(
    "browser", Path(__file__).resolve().parents[1] / "benchmarks" / "browser.py"
)
driver = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(driver)

pytestmark = pytest.mark.skipif(
    driver.find_chromium() is None, reason="Chromium is not here: apt-get install chromium"
)

FILLED = "document.querySelectorAll('.card').length && !document.querySelector('.card[aria-busy]')"
KEYS = [s.key for s in SAMPLES]
MANY = 310  # more than one file holds


@pytest.fixture(scope="module")
def browser():
    with driver.Chromium(1360, 950) as started:
        started.prefer(prefers_reduced_motion="reduce")
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Six samples in one file, each with two points of the surface."""
    folder = tmp_path_factory.mktemp("few")
    write_shard(folder / "train-00000-of-00001.tar", folder, map(with_points, SAMPLES))
    write_gallery(folder, folder / "page.html")
    return folder / "page.html"


@pytest.fixture(scope="module")
def large_page(tmp_path_factory):
    """A page with a folder of scripts, under a name that needs care in an address."""
    folder = tmp_path_factory.mktemp("many")
    small = [jpeg(10, 64), jpeg(200, 64)]
    samples = (stored(n, "train" if n < 300 else "test")._replace(images=small) for n in range(MANY))
    write_shard(folder / "train-00000-of-00001.tar", folder, samples)
    write_gallery(folder, folder / "my page #1.html")
    return folder / "my page #1.html"


@pytest.fixture
def opened(browser, page):
    """The browser with the small page, all cards made; afterwards nothing was said on the console."""
    browser.resize(1360, 950)
    browser.open(page.as_uri())
    browser.wait(FILLED)
    yield browser
    assert browser.complaints == []


def scripts_loaded(browser):
    return [url.rpartition("/")[2] for url in browser.requests if url.endswith(".js")]


def go(browser, url):
    browser.resize(1360, 950)
    browser.open(url)
    browser.wait(FILLED)


def shown_keys(browser):
    return browser.js("[...document.querySelectorAll('.card')].map((card) => card.id.slice(2))")


def current(browser):
    return browser.js("document.querySelector('.card[data-current]').id.slice(2)")


# --- it opens ----------------------------------------------------------------------------------------


def test_the_page_shows_all_pictures_and_asks_for_nothing_but_itself(opened, page):
    assert shown_keys(opened) == KEYS
    sizes = opened.js(
        "Promise.all([...document.querySelectorAll('.pair img')].map((i) => i.decode().then(() => i.naturalWidth)))"
    )
    assert sizes == [320] * 12
    assert opened.requests == [page.as_uri()]


def test_texts_of_strangers_are_seen_as_they_are_and_do_nothing(opened):
    assert opened.js("document.querySelector('#s-train-000000 h3').textContent") == HOSTILE
    assert '"><img src=x onerror=alert(1)>' in opened.js(
        "document.querySelector('#s-train-000001 .credit').textContent"
    )
    assert (
        opened.js("document.querySelectorAll('img:not([src^=\"data:\"]), [onerror], [onclick]').length") == 0
    )
    links = opened.js("[...document.querySelectorAll('.card a')].map((a) => a.getAttribute('href'))")
    assert [link for link in links if not link.startswith("#")] == ["https://example.org/chair?a=1&b=2"]


def test_a_script_that_is_not_ours_does_not_run(opened):
    opened.js(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.theirs = 1'}))"
    )
    assert opened.js("window.theirs") is None
    assert any("Content Security Policy" in said for said in opened.complaints)
    opened.complaints.clear()


@pytest.mark.parametrize("how", ["file", "http"])
def test_many_samples_are_loaded_when_they_are_turned_to(browser, large_page, how):
    server = None
    if how == "http":

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *about):
                pass

        handler = partial(Quiet, directory=str(large_page.parent))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    base = (
        large_page.as_uri()
        if server is None
        else f"http://127.0.0.1:{server.server_port}/my%20page%20%231.html"
    )
    try:
        go(browser, base)
        assert len(shown_keys(browser)) == CHUNK and scripts_loaded(browser) == ["00000.js"]
        assert browser.js("document.getElementById('shown').value") == f"{MANY} samples"
        browser.click("#next")
        browser.wait(FILLED)
        assert scripts_loaded(browser) == ["00000.js", "00001.js"]
        assert shown_keys(browser)[0] == f"train-{CHUNK:06d}"
        go(browser, f"{base}#test-000305")  # a link to a sample far behind
        assert current(browser) == "test-000305" and scripts_loaded(browser) == ["00015.js"]
        browser.press("k")
        assert current(browser) == "test-000304"
        assert browser.js("location.hash") == "#test-000304"
        browser.js("document.querySelector('.menu[data-group=split] summary').click()")
        browser.wait("document.querySelectorAll('.menu[data-group=split] .entries input').length == 2")
        browser.click(".menu[data-group=split] input[data-value=test]")
        browser.wait(FILLED)
        assert shown_keys(browser) == [f"test-{n:06d}" for n in range(300, MANY)]
        assert browser.js("document.getElementById('shown').value") == f"10 of {MANY}"
        assert scripts_loaded(browser) == ["00015.js"]  # filtering loads nothing but what is shown
        assert browser.complaints == []
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()


def test_a_folder_that_is_missing_is_named(browser, large_page, tmp_path):
    alone = tmp_path / "alone.html"
    alone.write_bytes(large_page.read_bytes())
    browser.open(alone.as_uri())
    said = browser.wait(
        "document.querySelector('.wait')?.textContent.includes('missing') && document.querySelector('.wait').textContent"
    )
    assert "my page #1_files" in said and "beside this page" in said
    browser.complaints.clear()  # the browser's own words about a file that is not there


# --- finding ------------------------------------------------------------------------------------------


def test_the_search_looks_at_objects_authors_and_keys(opened):
    opened.press("/")
    opened.call("Input.insertText", text="chair 3")
    assert opened.js("document.activeElement.id") == "search"
    opened.wait("document.querySelectorAll('.card').length == 1")
    assert shown_keys(opened) == ["train-000003"]
    opened.js("document.getElementById('search').value = ''")
    opened.call("Input.insertText", text="nobody has this")
    opened.wait("document.querySelectorAll('.card').length == 0")
    assert opened.js("!document.getElementById('empty').hidden")
    opened.click("#clear")
    opened.wait(FILLED)
    assert shown_keys(opened) == KEYS


@pytest.mark.parametrize(
    ("group", "value", "keys"),
    [
        ("family", "truck", ["train-000000", "train-000003"]),
        ("object", "thing_4", ["validation-000004", "test-000005"]),
        ("kind", "ego_rotation", KEYS),
    ],
)
def test_filters_show_what_they_say(opened, group, value, keys):
    opened.js(f"document.querySelector('.menu[data-group={group}] summary').click()")
    opened.wait(f"document.querySelector('.menu[data-group={group}] [data-value={value}]') !== null")
    opened.click(f".menu[data-group={group}] [data-value={value}]")
    opened.wait(FILLED)
    assert shown_keys(opened) == keys
    opened.press("Escape")
    assert opened.js("document.querySelectorAll('.menu[open]').length") == 0
    if group == "kind":  # other questions are put away
        seen = "[...document.querySelectorAll('.question')].filter((q) => q.checkVisibility()).map((q) => q.dataset.type)"
        assert set(opened.js(seen)) == {"ego_rotation"}


def test_j_and_k_go_from_sample_to_sample_and_the_address_follows(opened):
    assert current(opened) == KEYS[0]
    opened.press("j")
    opened.press("ArrowRight")
    assert current(opened) == KEYS[2] and opened.js("location.hash") == f"#{KEYS[2]}"
    top = opened.js("document.querySelector('.card[data-current]').getBoundingClientRect().top")
    assert opened.js("document.querySelector('.bar').getBoundingClientRect().bottom") <= top < 120
    opened.press("k")
    assert current(opened) == KEYS[1]
    for _ in KEYS:
        opened.press("j")
    assert current(opened) == KEYS[-1]  # and stays there


# --- questions ------------------------------------------------------------------------------------------


def test_answers_open_with_a_key_and_show_the_right_option(opened):
    opened.press("a")
    assert opened.js("document.querySelectorAll('.question details[open]').length") == 12
    right = opened.js("[...document.querySelectorAll('li[data-right]')].map((li) => li.textContent)")
    assert right == [q.answer + q.options[q.answer_index] for s in SAMPLES for q in s.sample.questions]
    assert "margin 2.25 · decidability 0.125" in opened.js(
        "document.querySelector('.question details').innerText"
    )
    opened.press("a")
    assert opened.js("document.querySelectorAll('.question details[open]').length") == 0
    opened.js("document.querySelector('.question summary').focus()")
    opened.press("Enter")
    opened.wait("document.querySelectorAll('.question details[open]').length == 1")


def test_a_digit_answers_the_marked_question_and_the_score_counts(opened):
    first, second = SAMPLES[0].sample.questions
    opened.press(str(first.answer_index + 1))
    assert opened.js("document.getElementById('score').value") == "1 of 1 right"
    opened.press(str((second.answer_index + 1) % 3 + 1))
    assert opened.js("document.getElementById('score').value") == "1 of 2 right"
    assert opened.js("[...document.querySelectorAll('[data-given]')].map((li) => li.dataset.given)") == [
        "right",
        "wrong",
    ]
    assert opened.js("document.getElementById('said').textContent").startswith("Wrong: the answer is")
    opened.press("1")  # nothing is left to answer here
    assert opened.js("document.getElementById('score').value") == "1 of 2 right"
    opened.click("#s-train-000001 .question li:nth-child(1) button")
    assert opened.js("document.getElementById('score').value") == "2 of 3 right"


# --- drawings ---------------------------------------------------------------------------------------------


def test_points_lie_where_they_are_in_the_picture_and_hidden_ones_are_hollow(opened):
    opened.press("c")
    places = opened.js(
        """(() => { const card = document.querySelector('#s-train-000000');
        const frame = card.querySelector('.frame').getBoundingClientRect();
        return [...card.querySelectorAll('.over')].map((over) =>
          [...over.querySelectorAll('.mark')].map((mark) => { const r = mark.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2, getComputedStyle(mark).fill, mark.nextSibling.textContent]; }))
          .concat([[frame.x, frame.y, frame.width, frame.height]]); })()"""
    )
    left, top, width, height = places.pop()
    for shares, place in zip(([0.5, 0.5], [0.25, 0.25]), places[0], strict=True):
        assert place[:2] == pytest.approx([left + shares[0] * width, top + shares[1] * height], abs=1)
    assert [place[3] for place in places[0]] == [place[3] for place in places[1]] == ["1", "2"]
    seen, hidden = places[1]
    assert seen[2] == "rgb(255, 255, 255)" and hidden[2] != seen[2]
    opened.press("c")
    assert opened.js("getComputedStyle(document.querySelector('.point')).display") == "none"


def test_nearer_points_are_yellow_and_farther_ones_violet(opened):
    opened.press("d")
    colours = opened.js(
        "[...document.querySelectorAll('#s-train-000000 .over .deep')].map((c) => getComputedStyle(c).getPropertyValue('--deep'))"
    )
    assert colours[1] == "rgb(253 214 60)"  # 2.5 from camera 1, the nearest of all four
    assert "Depth 2.50" in opened.js("document.querySelector('.legend').innerText")


def test_zooming_fills_the_frame_with_the_object(opened):
    opened.press("z")
    opened.press("b")
    box, frame = opened.js(
        "['#s-train-000000 .box', '#s-train-000000 .frame'].map((s) => document.querySelector(s).getBoundingClientRect().width)"
    )
    assert box / frame == pytest.approx(
        5 * 32 / 512, abs=0.03
    )  # five times larger, and no more: the object is tiny


def test_the_3d_view_puts_cameras_where_they_are(opened):
    places = opened.js("[...document.querySelectorAll('canvas')].slice(0, 2).map((c) => c.scene.places)")
    if places[1] is None:
        opened.press("j")
        opened.wait("document.querySelectorAll('canvas')[1].scene.places")
        places = opened.js("[...document.querySelectorAll('canvas')].slice(0, 2).map((c) => c.scene.places)")
    for sign, (one, two) in zip((1, -1), places, strict=True):  # camera 2 is to the right, and to the left
        assert np.sign(two[0] - one[0]) == sign
        assert two[1] < one[1]  # it is higher
        assert all(0 < value < 400 for value in (*one[:2], *two[:2]))


def test_the_3d_view_is_turned_by_the_mouse_and_the_keys(opened):
    places = "document.querySelector('canvas').scene.places"
    before = opened.wait(places)
    opened.drag("canvas", 80, 0)  # drags the near side to the right
    after = opened.js(places)
    assert after[0][0] > before[0][0] + 10
    opened.js("document.querySelector('canvas').focus()")
    opened.press("ArrowLeft")
    assert opened.js(places) != after
    assert current(opened) == KEYS[0]  # the key went to the view


def test_the_3d_view_turns_by_itself_only_for_those_who_want_motion(browser, page):
    swing = "document.querySelector('canvas').scene.swing"
    go(browser, page.as_uri())
    browser.wait("document.querySelector('canvas').scene.places")
    browser.js("new Promise((done) => setTimeout(done, 400))")
    assert browser.js(swing) == 0
    browser.prefer(prefers_reduced_motion="no-preference")
    try:
        go(browser, page.as_uri())
        browser.wait(f"{swing} != 0")
    finally:
        browser.prefer(prefers_reduced_motion="reduce")


def test_the_plan_from_above_has_camera_2_on_its_side(opened):
    opened.press("v")
    dots = opened.js(
        "[...document.querySelectorAll('.card')].map((c) => [...c.querySelectorAll('[data-camera]')].map((d) => +d.getAttribute('cx')))"
    )
    assert [two > one for one, two in dots] == [s.sample.truth.translation[0] > 0 for s in SAMPLES]
    assert opened.js("document.querySelectorAll('.card line.front').length") == 1  # where the front is known


# --- for everybody --------------------------------------------------------------------------------


def luminance(colour):
    values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_both_schemes(opened, scheme):
    opened.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    names = ["ink", "soft", "faint", "one", "two", "three", "four", "right", "wrong", "card", "page", "sunk"]
    style = "(() => { const s = getComputedStyle(document.documentElement); return %s.map((n) => s.getPropertyValue('--' + n).trim()); })()"
    values = dict(zip(names, opened.js(style % json.dumps(names)), strict=True))
    for ink in names[:-3]:
        for paper in names[-3:]:
            dark, bright = sorted(luminance(values[name]) for name in (ink, paper))
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (scheme, ink, paper)
    opened.prefer(prefers_reduced_motion="reduce")


def test_everything_that_can_be_pressed_has_a_name(opened):
    tree = opened.call("Accessibility.getFullAXTree")["nodes"]
    roles = {
        "button",
        "searchbox",
        "textbox",
        "spinbutton",
        "link",
        "image",
        "checkbox",
        "DisclosureTriangle",
    }
    named = [
        (n["role"]["value"], n.get("name", {}).get("value", ""))
        for n in tree
        if n.get("role", {}).get("value") in roles
    ]
    assert len(named) > 50 and [one for one in named if not one[1].strip()] == []


def test_nothing_is_cut_off_on_a_phone(opened):
    opened.resize(390, 844, phone=True)
    assert opened.js("document.documentElement.scrollWidth") == 390
    wide = opened.js(
        "[...document.querySelectorAll('.card *')].filter((n) => n.getBoundingClientRect().right > 391 && !n.closest('svg, .zoom')).length"
    )
    assert wide == 0
    last = "document.querySelector('.bar .wrap > :last-child')"
    opened.js(f"{last}.scrollIntoView({{ inline: 'end' }})")  # the filters are one row that slides
    assert opened.js(f"{last}.getBoundingClientRect().right") <= 391


def test_a_phone_shows_a_pair_at_first_sight(opened):
    opened.resize(390, 844, phone=True)
    opened.js("scrollTo(0, 0)")
    assert opened.js("document.querySelector('.card .pair').getBoundingClientRect().bottom") < 844


def test_help_opens_with_a_question_mark_and_closes_with_escape(opened):
    opened.press("?")
    assert opened.js("document.getElementById('help').open")
    opened.press("j")
    assert current(opened) == KEYS[0]  # keys do nothing meanwhile
    opened.press("Escape")
    opened.wait("!document.getElementById('help').open")
