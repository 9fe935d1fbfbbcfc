"""The page that people judge the data by: its plans must not lie, and strangers' texts must stay texts."""

import base64
import hashlib
import io
import json
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.gallery_samples import (
    ANGLES,
    EAST_CAMERA,
    HOSTILE,
    LEFT,
    NORTH,
    NORTH_CAMERA,
    PITCHED_CAMERA,
    RIGHT,
    SAMPLES,
    SOUTH_CAMERA,
    UP,
    camera,
    question,
    truth_of,
    view,
    with_points,
)  # fmt: skip

from viewpoint100k import gallery
from viewpoint100k.errors import InputError, MissingExtra
from viewpoint100k.gallery import cards, plans, summary
from viewpoint100k.geometry.cameras import invert, look_at, pose
from viewpoint100k.geometry.relations import motion
from viewpoint100k.geometry.rotations import camera_rotation
from viewpoint100k.records import MapCamera, Mark
from viewpoint100k.shards import write_shard


def positions(plan):
    return [camera.position for camera in plan.cameras]


# --- plans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "step_to_its_right"),
    [
        (SOUTH_CAMERA, RIGHT),
        (EAST_CAMERA, NORTH),
        (NORTH_CAMERA, LEFT),
        (PITCHED_CAMERA, RIGHT),
        (camera([0, 0, 3], RIGHT, -UP), RIGHT),  # straight down: the top of its image is north
        (camera([0, 0, -3], RIGHT, UP), RIGHT),  # straight up: the top of its image is south, ahead is north
    ],
)
def test_a_camera_to_the_right_of_camera_1_is_drawn_on_its_right_and_the_mirrored_one_on_its_left(
    first, step_to_its_right
):
    for sign in (1, -1):
        second = first.copy()
        second[:3, 3] += sign * step_to_its_right
        one, two = positions(plans.draw_top([view(first), view(second)], None))
        assert np.sign(two[0] - one[0]) == sign
        assert two[1] == pytest.approx(one[1])


@pytest.mark.parametrize("first", [SOUTH_CAMERA, EAST_CAMERA, NORTH_CAMERA, PITCHED_CAMERA])
def test_camera_1_looks_up_the_page_from_below_the_object(first):
    plan = plans.draw_top([view(first), view(SOUTH_CAMERA)], None)
    one = plan.cameras[0]
    assert one.position[0] == pytest.approx(plan.object[0])
    assert one.position[1] > plan.object[1]  # SVG: y grows downwards
    assert (one.glyph[:, 1] < one.position[1]).all()
    assert one.label[1] > one.position[1]


def cross(one, other):
    """Of two vectors in the plane: > 0 if the second points to the left of the first."""
    return one[0] * other[1] - one[1] * other[0]


def test_the_plan_agrees_with_the_truth_for_random_level_cameras():
    rng = np.random.default_rng(3)
    for _ in range(200):
        first, second = (
            pose(camera_rotation(rng.uniform(-180, 180), rng.uniform(-40, 40)), rng.uniform(-3, 3, 3))
            for _ in range(2)
        )
        first[:3, :3] = camera_rotation(rng.uniform(-180, 180), 0)
        truth = motion(first, second)
        plan = plans.draw_top([view(first), view(second)], None)
        one, two = positions(plan)
        moved = (
            (two - one) * [1, -1] * plans.OBJECT_RADIUS / plan.object_radius / np.linalg.norm(first[:3, 3])
        )
        assert moved == pytest.approx(truth.translation[[0, 2]])
        ahead_one, ahead_two = (c.edges.mean(axis=0) - c.position for c in plan.cameras)
        clockwise = cross(ahead_one, ahead_two)  # y down: > 0 is clockwise on the page
        assert np.sign(clockwise) == np.sign(truth.yaw_deg)
        around = cross(one - plan.object, two - plan.object)
        assert np.sign(around) == -np.sign(truth.azimuth_change_deg)


def test_the_side_plan_draws_higher_cameras_higher_and_nearer_ones_further_to_the_right():
    second = camera([0, -2, 1], RIGHT, NORTH)
    one, two = positions(plans.draw_side([view(SOUTH_CAMERA), view(second)]))
    assert two[0] > one[0] and two[1] < one[1]


def test_the_wedge_has_the_field_of_view_and_ends_behind_the_object():
    plan = plans.draw_top([view(EAST_CAMERA, hfov_deg=70)], None)
    left, right = (edge - plan.cameras[0].position for edge in plan.cameras[0].edges)
    assert left[0] < 0 < right[0]
    assert np.degrees(np.arctan2(right[0], -right[1])) == pytest.approx(35)
    assert plan.cameras[0].edges[0][1] < plan.object[1]


def test_the_wedge_of_the_side_plan_goes_from_the_top_of_the_picture_to_its_bottom():
    plan = plans.draw_side([view(SOUTH_CAMERA, hfov_deg=50)])
    top, bottom = (edge - plan.cameras[0].position for edge in plan.cameras[0].edges)
    assert top[1] < 0 < bottom[1] and top[0] > 0
    assert np.degrees(np.arctan2(-top[1], top[0])) == pytest.approx(25)


@pytest.mark.parametrize(
    ("front_azimuth_deg", "on_the_page"),
    [
        (0, [0, 1]),
        (90, [1, 0]),
        (180, [0, -1]),
        (-90, [-1, 0]),
    ],  # y down: the camera at azimuth 0 sees the front
)
def test_the_front_arrow_points_to_the_camera_that_sees_the_front(front_azimuth_deg, on_the_page):
    plan = plans.draw_top([view(EAST_CAMERA)], front_azimuth_deg)
    assert plan.front == pytest.approx(on_the_page)


def test_everything_fits_on_the_plan_whatever_the_distance():
    for distance in (0.8, 3.0, 50.0):
        views = [
            view(look_at([distance, 0, 0.3], [0, 0, 0])),
            view(look_at([0, 1.3 * distance, 0.5], [0, 0, 0])),
        ]
        for plan in (plans.draw_top(views, None), plans.draw_side(views)):
            disc = [plan.object - plan.object_radius, plan.object + plan.object_radius]
            points = np.stack([*positions(plan), *(c.label for c in plan.cameras), *disc])
            assert (points >= 8).all() and (points <= np.array([plan.width, plan.height]) - 8).all()


def test_two_cameras_in_one_place_get_no_arrow_and_two_numbers_that_can_be_read():
    turned = pose(camera_rotation(12.0, 0.0), SOUTH_CAMERA[:3, 3])
    plan = plans.draw_top([view(SOUTH_CAMERA), view(turned)], None)
    assert plan.travel is None
    assert np.linalg.norm(plan.cameras[0].label - plan.cameras[1].label) >= 10


def test_no_number_lies_on_the_arrow_of_a_camera_that_moved_straight_ahead():
    plan = plans.draw_top([view(SOUTH_CAMERA), view(camera([0, -1.5, 0], RIGHT, NORTH))], None)
    assert plan.travel is not None
    for one in plan.cameras:
        assert abs(one.label[0] - plan.travel[0][0]) >= 10 or one.label[1] > plan.travel[0][1]


# --- figures and words -----------------------------------------------------------------------------


def test_words_have_the_signs_of_the_conventions():
    truth = truth_of(SOUTH_CAMERA, SOUTH_CAMERA)

    def words(**changes):
        rows = cards.numbers(truth.model_copy(update=changes), [view(SOUTH_CAMERA)])
        return {row.name: row.words for group in rows.values() for row in group}

    plus = words(translation=[0.5, 0.5, 0.5], **dict.fromkeys(ANGLES, 20.0), distance_ratio=1.3)
    minus = words(translation=[-0.5, -0.5, -0.5], **dict.fromkeys(ANGLES, -20.0), distance_ratio=0.7)
    assert [plus[n] for n in ("x", "y", "z")] == ["right", "down", "forward"]
    assert [minus[n] for n in ("x", "y", "z")] == ["left", "up", "back"]
    assert [plus[n] for n in ("yaw", "pitch", "roll")] == ["right", "up", "clockwise"]
    assert [minus[n] for n in ("yaw", "pitch", "roll")] == ["left", "down", "counter-clockwise"]
    assert [plus[n] for n in ("azimuth", "elevation", "distance")] == [
        "counter-clockwise",
        "higher",
        "farther",
    ]
    assert [minus[n] for n in ("azimuth", "elevation", "distance")] == ["clockwise", "lower", "nearer"]
    nothing = words(translation=[0.004, -0.004, 0], yaw_deg=-0.04)
    assert {nothing[n] for n in ("x", "y", "z", "yaw")} == {"none"}


def test_the_histogram_has_a_middle_bar_for_pairs_that_did_not_go_around():
    bars = summary.histogram([0.0, 4.9, -4.9, 21.0, -38.0])
    assert [bar.samples for bar in bars] == [1, 0, 0, 0, 3, 0, 1, 0, 0]
    assert (bars[4].low_deg, bars[4].high_deg) == (-5, 5)
    assert sum(bar.samples for bar in summary.histogram(np.linspace(-180, 180, 999).tolist())) == 999
    assert len(summary.histogram([])) == 1


def test_an_even_spread_shows_both_of_the_reversal_twins_that_lie_side_by_side():
    places = gallery.even_spread(100_000, 200)
    assert len(set(places)) == 200 and places == sorted(places)
    assert [place // 500 for place in places] == list(range(200))
    assert 80 <= sum(place % 2 for place in places) <= 120
    assert 30 <= sum(place % 5 == 0 for place in places) <= 50
    assert gallery.even_spread(7, 200) == list(range(7))
    assert len(set(gallery.even_spread(7, 5))) == 5
    assert gallery.even_spread(0, 5) == []


def test_a_prompt_is_split_into_wording_and_options_or_stays_whole():
    asked = question("q", ["left", "right"], 1)
    assert cards.lettered(asked).wording == "Which way?"
    assert cards.lettered(asked).options == [("A", "left"), ("B", "right")]
    other = asked.model_copy(update={"prompt": "Which way?\n1) left\n2) right"})
    assert cards.lettered(other).wording == other.prompt


@pytest.mark.parametrize(("form", "mark"), [("digit", "{}."), ("word", "-"), ("json", "{}.")])
def test_the_other_ways_to_answer_are_split_too(form, mark):
    marks = [mark.format("AB"[i] if form == "json" else i + 1) for i in range(2)]
    prompt = f"Which way?\n{marks[0]} left\n{marks[1]} right\nAnswer somehow."
    asked = question("q", ["left", "right"], 1).model_copy(update={"prompt": prompt, "answer_form": form})
    assert cards.lettered(asked).wording == "Which way?"
    assert [text for _, text in cards.lettered(asked).options] == ["left", "right"]


def test_a_question_for_a_number_stays_whole_and_has_no_option():
    asked = question("q", [], -1).model_copy(
        update={
            "prompt": "How far?\nAnswer with a number of degrees.",
            "answer_form": "number",
            "value": 43.0,
            "answer": "43",
        }
    )
    assert cards.lettered(asked).options == []
    assert cards.lettered(asked).wording.startswith("How far?")
    stored = SAMPLES[3]._replace(sample=SAMPLES[3].sample.model_copy(update={"questions": [asked]}))
    assert summary.summarise([stored.sample]).shares() == []
    (shown,) = cards.make_card(stored)["questions"]
    assert (shown["options"], shown["right"], shown["answer"]) == ([], -1, "43")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//evil.example",
        "http://[",
        "http:",
        "",
    ],
)
def test_only_the_web_is_linked(url):
    assert cards.web_link(url) is None


def test_web_addresses_are_linked():
    assert cards.web_link(" https://example.org/a?b=c ") == "https://example.org/a?b=c"


# --- the page --------------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "my-data"
    folder.mkdir()
    for split in ("train", "validation", "test"):
        write_shard(
            folder / f"{split}-00000-of-00001.tar", tmp_path, [s for s in SAMPLES if s.sample.split == split]
        )
    return folder


class Page(HTMLParser):
    """Every element as (tag, attributes), the words outside of scripts, and the data in them."""

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.words = ""
        self.scripts = []  # (attributes, text)
        self.in_script = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.in_script = tag == "script"
        if self.in_script:
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        self.in_script = self.in_script and tag != "script"

    def handle_data(self, data):
        if self.in_script:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        else:
            self.words += data

    def data(self, name):
        return next(json.loads(text) for attributes, text in self.scripts if attributes.get("id") == name)

    def cards(self):
        """All cards of a page of one file, by key."""
        chunks = [a["id"] for a, _ in self.scripts if a.get("id", "").startswith("chunk-")]
        return {card["key"]: card for name in chunks for card in self.data(name)}


@pytest.fixture
def html(dataset, tmp_path):
    assert gallery.write_gallery(dataset, tmp_path / "out" / "page.html").samples == 6
    return (tmp_path / "out" / "page.html").read_text("utf-8")


def test_every_sample_is_there_with_both_pictures_inside_the_page(html):
    shown = Page(html).cards()
    assert list(shown) == [s.key for s in SAMPLES] == Page(html).data("index")["keys"]
    for key, card in shown.items():
        for i, small in enumerate(card["pictures"]):
            with Image.open(io.BytesIO(base64.b64decode(small["jpeg"], validate=True))) as picture:
                assert picture.size == (320, 160) == (small["width"], small["height"])
                assert abs(picture.getpixel((99, 99))[0] - (10 * int(key[-6:]) + 100 * i)) <= 3
        assert len(card["pictures"]) == 2


def test_exactly_the_right_option_of_every_question_is_marked(html):
    shown = Page(html).cards()
    for s in SAMPLES:
        for asked, card in zip(s.sample.questions, shown[s.key]["questions"], strict=True):
            assert card["options"][card["right"]] == [asked.answer, asked.options[asked.answer_index]]


def test_nothing_is_loaded_from_elsewhere_and_the_page_says_so_to_the_browser(html):
    page = Page(html)
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, name, value)
    assert {tag for tag, _ in page.elements}.isdisjoint({"iframe", "object", "embed", "base"})
    assert "@import" not in html and html.count("url(") == html.count("url(#")
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'") and "http" not in policy


def test_the_policy_lets_our_script_run_by_its_hash_and_no_other_inline(html):
    page = Page(html)
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
    (ours,) = [text for attributes, text in page.scripts if "type" not in attributes]
    digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in scripts and "unsafe" not in scripts


def test_texts_of_strangers_stay_texts(html):
    page = Page(html)
    assert sum("type" not in attributes for attributes, _ in page.scripts) == 1  # ours
    assert all("<" not in text for attributes, text in page.scripts if "type" in attributes)
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    shown = page.cards()
    assert shown["train-000000"]["title"] == HOSTILE
    assert shown["validation-000004"]["title"] == "{{ 7 * 7 }}"
    ours = next(text for attributes, text in page.scripts if "type" not in attributes)
    for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "setHTML"):
        assert risky not in ours


def test_sources_are_linked_only_where_they_lead_to_the_web(html):
    links = {key: card["link"] for key, card in Page(html).cards().items() if card["link"]}
    assert links == {"train-000000": "https://example.org/chair?a=1&b=2"}


def test_camera_2_is_on_the_right_side_of_the_page_in_every_card(html):
    for s in SAMPLES:
        one, two = (c["position"][0] for c in Page(html).cards()[s.key]["plans"]["top"]["cameras"])
        assert (two > one) == (s.sample.truth.translation[0] > 0) == (int(s.key[-6:]) % 2 == 0)


def test_the_front_is_drawn_only_where_it_is_known(html):
    fronts = {key: card["plans"]["top"]["front"] for key, card in Page(html).cards().items()}
    assert [key for key, front in fronts.items() if front] == ["train-000002"]
    assert Page(html).cards()["train-000002"]["front_azimuth_deg"] == 30


def test_questions_say_how_clear_they_are(html):
    asked = [question for card in Page(html).cards().values() for question in card["questions"]]
    assert len(asked) == 12 and {(q["margin"], q["decidability"]) for q in asked} == {(2.25, 0.125)}


def test_the_head_counts_the_whole_dataset_also_when_few_samples_are_shown(dataset, tmp_path):
    written = gallery.write_gallery(dataset, tmp_path / "few.html", limit=4)
    assert (written.samples, written.total, written.folder) == (4, 6, None)
    assert written.bytes == (tmp_path / "few.html").stat().st_size
    page = Page((tmp_path / "few.html").read_text("utf-8"))
    head = " ".join(page.words.split())
    assert "6 samples of 5 objects, with 12 questions · train 4 · validation 1 · test 1" in head
    assert "This page shows 4 of them" in head
    assert "left 50 %right 50 %" in head
    said = {thing.uid: thing.category for stored in SAMPLES for thing in stored.sample.objects}
    for category, count in Counter(said.values()).items():
        name = " ".join(category.replace("_", " ").split())
        assert f"{name} {count} · {100 * count / len(said):.0f} %" in head
    assert len(page.cards()) == 4


def test_filters_offer_what_there_is(html):
    index = Page(html).data("index")
    assert index["names"]["family"] == ["truck", "orbit"]
    assert index["names"]["split"] == ["train", "validation", "test"]
    assert index["names"]["kind"] == ["ego_translation", "ego_rotation"]
    assert [thing["uid"] for thing in index["names"]["object"]] == [f"thing_{i}" for i in range(5)]
    assert index["object"] == [0, 1, 2, 3, 4, 4]
    assert [index["names"]["family"][i] for i in index["family"]] == [s.sample.family for s in SAMPLES]
    backgrounds = [s.sample.views[0].background for s in SAMPLES]
    assert [index["names"]["background"][i] for i in index["background"]] == backgrounds
    assert [[index["names"]["kind"][i] for i in index["kind_sets"][kinds]] for kinds in index["kinds"]] == [
        ["ego_translation", "ego_rotation"]
    ] * 6


# --- what is drawn over pictures --------------------------------------------------------------------


def test_points_are_placed_by_shares_of_the_picture_and_know_their_depth():
    card = cards.make_card(with_points(SAMPLES[0]))
    middle, near = card["points"]
    assert middle["at"] == [[0.5, 0.5], [0.5, 0.5]] and near["at"] == [[0.25, 0.25], [0, 1]]
    assert (middle["depth"][0], near["depth"][0]) == (3.0, 2.5)  # camera 1 stands 3 south of the middle
    assert middle["depth"][1] == pytest.approx(
        np.linalg.norm([1.0, -2.8, 0.4]), abs=1e-3
    )  # camera 2 looks at it
    assert near["visible"] == ["yes", "no"]
    assert middle["rgb"][0] == 255 and 100 < middle["rgb"][1] < 255 and near["rgb"] == [0, 0, 0]
    assert card["boxes"][0] == pytest.approx([16 / 512, 16 / 256, 48 / 512, 48 / 256], abs=1e-4)


def test_cameras_keep_their_pose_and_field_of_view():
    one, two = cards.make_card(SAMPLES[0])["cameras"]
    assert np.array(one["pose"]) == pytest.approx(SOUTH_CAMERA[:3])
    assert np.array(two["pose"])[:, 3] == pytest.approx([1.0, -2.8, 0.4])
    assert one["slopes"] == pytest.approx([np.tan(np.radians(30))] * 2, abs=1e-4)


# --- figures ---------------------------------------------------------------------------------------


def test_figures_are_what_a_model_is_shown_and_plain_views_are_not_stored_twice():
    asked = SAMPLES[0].sample.questions[0]
    mark = Mark(image=0, x=256, y=128, colour="red")
    stored = SAMPLES[0]._replace(
        sample=SAMPLES[0].sample.model_copy(
            update={
                "questions": [
                    asked,
                    asked.model_copy(update={"images": [1, 0]}),
                    asked.model_copy(update={"marks": [mark]}),
                    asked.model_copy(update={"map_cameras": [MapCamera(azimuth_deg=90, colour="blue")]}),
                ]
            }
        )
    )
    plain, swapped, dotted, mapped = (
        question["figures"] for question in cards.make_card(stored)["questions"]
    )
    assert plain == [] and swapped == [1, 0]
    assert dotted[1] == 1
    with Image.open(io.BytesIO(base64.b64decode(dotted[0]["jpeg"]))) as picture:
        red, green, blue = picture.getpixel((picture.width // 2, picture.height // 2))
        assert red > 150 and green < 90 and blue < 110
    assert mapped[:2] == [0, 1] and len(mapped) == 3 and mapped[2]["width"] == mapped[2]["height"]


# --- a large dataset: a page and a folder -----------------------------------------------------------


@pytest.fixture
def many(dataset, monkeypatch):
    """The six samples, as if they were too many for one file, two to a script."""
    monkeypatch.setattr(gallery, "ONE_FILE", 5)
    monkeypatch.setattr(gallery, "CHUNK", 2)
    return dataset


def scripts(folder):
    """[(number, cards)] of the one version in a page's folder."""
    (version,) = folder.iterdir()
    found = []
    for path in sorted(version.iterdir()):
        call = re.fullmatch(r"chunk\((\d+),(.*)\);\n", path.read_text("utf-8"))
        assert path.name == f"{int(call[1]):05d}.js"
        found.append((int(call[1]), json.loads(call[2])))
    return found


def test_many_samples_lie_in_scripts_beside_the_page(many, tmp_path):
    written = gallery.write_gallery(many, tmp_path / "my page #1.html")
    folder = tmp_path / "my page #1_files"
    assert (written.samples, written.folder) == (6, folder)
    found = scripts(folder)
    assert [number for number, _ in found] == [0, 1, 2]
    assert [card["key"] for _, shown in found for card in shown] == [s.key for s in SAMPLES]
    page = Page((tmp_path / "my page #1.html").read_text("utf-8"))
    assert page.cards() == {}
    index = page.data("index")
    assert index["keys"] == [s.key for s in SAMPLES] and index["chunk"] == 2
    assert index["folder"] == f"my%20page%20%231_files/{next(folder.iterdir()).name}"
    sizes = [path.stat().st_size for path in tmp_path.glob("my page*/**/*.js")]
    assert written.bytes == (tmp_path / "my page #1.html").stat().st_size + sum(sizes)


def test_writing_again_replaces_the_folder_and_leaves_nothing_stale(many, tmp_path, monkeypatch):
    page, folder = tmp_path / "page.html", tmp_path / "page_files"
    gallery.write_gallery(many, page)
    first = {path: path.stat().st_ino for path in folder.rglob("*.js")}
    gallery.write_gallery(many, page)
    assert {path: path.stat().st_ino for path in folder.rglob("*.js")} == first  # the same, left in place
    (folder / ("1" * 16)).mkdir()  # of an earlier page
    (folder / f"{'0' * 16}.77.partial").mkdir()  # of a process that was killed
    monkeypatch.setattr(gallery, "CHUNK", 3)
    gallery.write_gallery(many, page)
    assert [number for number, _ in scripts(folder)] == [0, 1]
    monkeypatch.setattr(gallery, "ONE_FILE", 300)
    assert gallery.write_gallery(many, page).folder is None
    assert not folder.exists()


def test_a_damaged_script_is_written_anew(many, tmp_path):
    gallery.write_gallery(many, tmp_path / "page.html")
    damaged = next((tmp_path / "page_files").rglob("00001.js"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100])
    gallery.write_gallery(many, tmp_path / "page.html")
    assert damaged.read_bytes() == whole


def test_files_of_others_in_the_folder_stay(many, tmp_path, monkeypatch):
    others = tmp_path / "page_files" / "saved-by-a-browser.css"
    others.parent.mkdir()
    others.write_text("body {}")
    gallery.write_gallery(many, tmp_path / "page.html")
    monkeypatch.setattr(gallery, "ONE_FILE", 300)
    gallery.write_gallery(many, tmp_path / "page.html")
    assert list(others.parent.iterdir()) == [others]


def test_a_failure_leaves_the_old_page_and_its_samples(many, tmp_path):
    page, folder = tmp_path / "page.html", tmp_path / "page_files"
    gallery.write_gallery(many, page)
    before = {path: path.read_bytes() for path in [page, *folder.rglob("*.js")]}
    broken = SAMPLES[5]._replace(images=[SAMPLES[5].images[0], SAMPLES[5].images[1][:300]])
    write_shard(many / "test-00000-of-00001.tar", tmp_path, [broken])
    with pytest.raises(InputError, match="test-000005"):
        gallery.write_gallery(many, page)
    assert {path: path.read_bytes() for path in [page, *folder.rglob("*.js")]} == before
    assert len(list(folder.iterdir())) == 1


def test_progress_counts_the_samples_that_are_shown(dataset, tmp_path):
    said = []
    gallery.write_gallery(dataset, tmp_path / "page.html", limit=3, progress=lambda *pair: said.append(pair))
    assert said == [(1, 3), (2, 3), (3, 3)]


def test_the_answer_no_comes_last_and_grey_whatever_its_share():
    shares = summary.summarise(s.sample for s in SAMPLES).shares()
    kind, frame, parts = shares[1]
    assert (kind, frame) == ("ego_rotation", "camera_1")
    assert [(answer, tone) for answer, _, tone in parts] == [
        ("left", "0"),
        ("right", "1"),
        ("no rotation", "none"),
    ]
    assert sum(share for _, share, _ in parts) == pytest.approx(1)


def test_the_same_dataset_gives_the_same_page(dataset, tmp_path):
    for name in ("a.html", "b.html"):
        gallery.write_gallery(dataset, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_picture_that_cannot_be_read_is_named_and_the_old_page_stays(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    broken = SAMPLES[1]._replace(images=[SAMPLES[1].images[0], SAMPLES[1].images[1][:300]])
    write_shard(folder / "train-00000-of-00001.tar", tmp_path, [SAMPLES[0], broken])
    page = tmp_path / "page.html"
    page.write_text("old")
    with pytest.raises(InputError, match="train-000001"):
        gallery.write_gallery(folder, page)
    assert page.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "page.html"]


def test_pictures_and_views_must_match():
    with pytest.raises(InputError, match="1 pictures and 2 views"):
        cards.make_card(SAMPLES[0]._replace(images=SAMPLES[0].images[:1]))


def test_a_missing_library_names_what_to_install(monkeypatch, dataset, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r"pip install 'viewpoint100k\[render\]'"):
        gallery.write_gallery(dataset, tmp_path / "page.html")


def test_wrong_input_is_told_apart(dataset, tmp_path):
    with pytest.raises(InputError, match="limit = 0"):
        gallery.write_gallery(dataset, tmp_path / "page.html", limit=0)
    with pytest.raises(InputError, match="nowhere"):
        gallery.write_gallery(Path("nowhere"), tmp_path / "page.html")
    with pytest.raises(InputError, match="cannot write"):
        gallery.write_gallery(dataset, dataset)  # a folder


def test_the_helpers_of_this_file_make_proper_poses():
    for hand_made in (SOUTH_CAMERA, EAST_CAMERA, NORTH_CAMERA, PITCHED_CAMERA):
        assert invert(hand_made) @ hand_made == pytest.approx(np.eye(4))
        assert np.linalg.det(hand_made[:3, :3]) == pytest.approx(1)


def test_objects_are_counted_by_category_and_the_rare_ones_together():
    found = summary.Summary(objects={f"{n}-{i}": f"kind {n:02d}" for n in range(14) for i in range(14 - n)})
    rows = found.categories()
    assert rows[0] == ("kind 00", 14)
    assert rows[-1] == ("3 others", 3 + 2 + 1)
    assert sum(count for _, count in rows) == len(found.objects)
    assert summary.Summary(objects={"a": "chair", "b": "chair"}).categories() == []
