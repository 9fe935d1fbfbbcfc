"""The page that people judge the data by: its plans must not lie, and strangers' texts must stay texts."""

import base64
import io
import sys
from collections import Counter, defaultdict
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viewpoint100k import gallery
from viewpoint100k.errors import InputError, MissingExtra
from viewpoint100k.geometry.cameras import invert, look_at, pose
from viewpoint100k.geometry.relations import motion
from viewpoint100k.geometry.rotations import camera_rotation
from viewpoint100k.records import Decidability, ObjectRecord, Provenance, Question, Sample, Truth, View
from viewpoint100k.shards import StoredSample, write_shard

RIGHT, LEFT, UP = np.array([1.0, 0, 0]), np.array([-1.0, 0, 0]), np.array([0, 0, 1.0])
NORTH, SOUTH = np.array([0, 1.0, 0]), np.array([0, -1.0, 0])


def camera(position, right, forward):
    """A pose written by hand: its axes in world words, down = forward x right."""
    out = np.eye(4)
    out[:3, 0], out[:3, 1], out[:3, 2], out[:3, 3] = right, np.cross(forward, right), forward, position
    return out


def view(world_from_camera, hfov_deg=60.0, size_px=64):
    focal_px = 0.5 * size_px / np.tan(np.radians(0.5 * hfov_deg))
    return View(
        intrinsics=[[focal_px, 0, size_px / 2], [0, focal_px, size_px / 2], [0, 0, 1]],
        world_from_camera=np.asarray(world_from_camera).tolist(),
        hfov_deg=hfov_deg,
        object_box=[16, 16, 48, 48],
        object_share=0.2,
        light="studio",
        background="plain",
    )


def positions(plan):
    return [camera.position for camera in plan.cameras]


# --- plans -----------------------------------------------------------------------------------------

SOUTH_CAMERA = camera([0, -3, 0], RIGHT, NORTH)  # its right is world +X
EAST_CAMERA = camera([3, 0, 0], NORTH, LEFT)  # stands at +X, looks to -X: its right is world +Y
NORTH_CAMERA = camera([0, 3, 1], LEFT, SOUTH)  # its right is world -X
PITCHED_CAMERA = camera([0, -3, 3], RIGHT, np.array([0, 1, -1]) / np.sqrt(2))


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
        one, two = positions(gallery.draw_top([view(first), view(second)], None))
        assert np.sign(two[0] - one[0]) == sign
        assert two[1] == pytest.approx(one[1])


@pytest.mark.parametrize("first", [SOUTH_CAMERA, EAST_CAMERA, NORTH_CAMERA, PITCHED_CAMERA])
def test_camera_1_looks_up_the_page_from_below_the_object(first):
    plan = gallery.draw_top([view(first), view(SOUTH_CAMERA)], None)
    one = plan.cameras[0]
    assert one.position[0] == pytest.approx(plan.object[0])
    assert one.position[1] > plan.object[1]  # SVG: y grows downwards
    assert (one.glyph[:, 1] < one.position[1]).all()
    assert one.label[1] > one.position[1]


def test_the_plan_agrees_with_the_truth_for_random_level_cameras():
    rng = np.random.default_rng(3)
    for _ in range(200):
        first, second = (
            pose(camera_rotation(rng.uniform(-180, 180), rng.uniform(-40, 40)), rng.uniform(-3, 3, 3)) for _ in range(2)
        )
        first[:3, :3] = camera_rotation(rng.uniform(-180, 180), 0)
        truth = motion(first, second)
        plan = gallery.draw_top([view(first), view(second)], None)
        one, two = positions(plan)
        moved = (two - one) * [1, -1] * gallery.OBJECT_RADIUS / plan.object_radius / np.linalg.norm(first[:3, 3])
        assert moved == pytest.approx(truth.translation[[0, 2]])
        ahead_one, ahead_two = (c.edges.mean(axis=0) - c.position for c in plan.cameras)
        clockwise = np.cross(ahead_one, ahead_two)  # y down: > 0 is clockwise on the page
        assert np.sign(clockwise) == np.sign(truth.yaw_deg)
        around = np.cross(one - plan.object, two - plan.object)
        assert np.sign(around) == -np.sign(truth.azimuth_change_deg)


def test_the_side_plan_draws_higher_cameras_higher_and_nearer_ones_further_to_the_right():
    second = camera([0, -2, 1], RIGHT, NORTH)
    one, two = positions(gallery.draw_side([view(SOUTH_CAMERA), view(second)]))
    assert two[0] > one[0] and two[1] < one[1]


def test_the_wedge_has_the_field_of_view_and_ends_behind_the_object():
    plan = gallery.draw_top([view(EAST_CAMERA, hfov_deg=70)], None)
    left, right = (edge - plan.cameras[0].position for edge in plan.cameras[0].edges)
    assert left[0] < 0 < right[0]
    assert np.degrees(np.arctan2(right[0], -right[1])) == pytest.approx(35)
    assert plan.cameras[0].edges[0][1] < plan.object[1]


def test_the_wedge_of_the_side_plan_goes_from_the_top_of_the_picture_to_its_bottom():
    plan = gallery.draw_side([view(SOUTH_CAMERA, hfov_deg=50)])
    top, bottom = (edge - plan.cameras[0].position for edge in plan.cameras[0].edges)
    assert top[1] < 0 < bottom[1] and top[0] > 0
    assert np.degrees(np.arctan2(-top[1], top[0])) == pytest.approx(25)


@pytest.mark.parametrize(
    ("front_azimuth_deg", "on_the_page"),
    [(0, [0, 1]), (90, [1, 0]), (180, [0, -1]), (-90, [-1, 0])],  # y down: the camera at azimuth 0 sees the front
)
def test_the_front_arrow_points_to_the_camera_that_sees_the_front(front_azimuth_deg, on_the_page):
    plan = gallery.draw_top([view(EAST_CAMERA)], front_azimuth_deg)
    assert plan.front == pytest.approx(on_the_page)


def test_everything_fits_on_the_plan_whatever_the_distance():
    for distance in (0.8, 3.0, 50.0):
        views = [view(look_at([distance, 0, 0.3], [0, 0, 0])), view(look_at([0, 1.3 * distance, 0.5], [0, 0, 0]))]
        for plan in (gallery.draw_top(views, None), gallery.draw_side(views)):
            disc = [plan.object - plan.object_radius, plan.object + plan.object_radius]
            points = np.stack([*positions(plan), *(c.label for c in plan.cameras), *disc])
            assert (points >= 8).all() and (points <= np.array([plan.width, plan.height]) - 8).all()


def test_two_cameras_in_one_place_get_no_arrow_and_two_numbers_that_can_be_read():
    turned = pose(camera_rotation(12.0, 0.0), SOUTH_CAMERA[:3, 3])
    plan = gallery.draw_top([view(SOUTH_CAMERA), view(turned)], None)
    assert plan.travel is None
    assert np.linalg.norm(plan.cameras[0].label - plan.cameras[1].label) >= 10


def test_no_number_lies_on_the_arrow_of_a_camera_that_moved_straight_ahead():
    plan = gallery.draw_top([view(SOUTH_CAMERA), view(camera([0, -1.5, 0], RIGHT, NORTH))], None)
    assert plan.travel is not None
    for one in plan.cameras:
        assert abs(one.label[0] - plan.travel[0][0]) >= 10 or one.label[1] > plan.travel[0][1]


# --- figures and words -----------------------------------------------------------------------------


ANGLES = (
    "yaw_deg", "pitch_deg", "roll_deg", "azimuth_change_deg", "elevation_change_deg", "rotation_deg", "azimuth_deg",
    "elevation_deg",
)  # fmt: skip


def truth_of(first, second, front_azimuth_deg=None):
    moved = motion(first, second)
    return Truth(
        second_from_first=moved.second_from_first.tolist(),
        translation=moved.translation.tolist(),
        **{name: float(getattr(moved, name)) for name in (*ANGLES, "distance_ratio")},
        focal_ratio=1.0,
        covisible_fraction=0.64,
        front_azimuth_deg=front_azimuth_deg,
    )


def test_words_have_the_signs_of_the_conventions():
    truth = truth_of(SOUTH_CAMERA, SOUTH_CAMERA)

    def words(**changes):
        rows = gallery.numbers(truth.model_copy(update=changes), [view(SOUTH_CAMERA)])
        return {row.name: row.words for group in rows.values() for row in group}

    plus = words(translation=[0.5, 0.5, 0.5], **dict.fromkeys(ANGLES, 20.0), distance_ratio=1.3)
    minus = words(translation=[-0.5, -0.5, -0.5], **dict.fromkeys(ANGLES, -20.0), distance_ratio=0.7)
    assert [plus[n] for n in ("x", "y", "z")] == ["right", "down", "forward"]
    assert [minus[n] for n in ("x", "y", "z")] == ["left", "up", "back"]
    assert [plus[n] for n in ("yaw", "pitch", "roll")] == ["right", "up", "clockwise"]
    assert [minus[n] for n in ("yaw", "pitch", "roll")] == ["left", "down", "counter-clockwise"]
    assert [plus[n] for n in ("azimuth", "elevation", "distance")] == ["counter-clockwise", "higher", "farther"]
    assert [minus[n] for n in ("azimuth", "elevation", "distance")] == ["clockwise", "lower", "nearer"]
    nothing = words(translation=[0.004, -0.004, 0], yaw_deg=-0.04)
    assert {nothing[n] for n in ("x", "y", "z", "yaw")} == {"none"}


def test_the_histogram_has_a_middle_bar_for_pairs_that_did_not_go_around():
    bars = gallery.histogram([0.0, 4.9, -4.9, 21.0, -38.0])
    assert [bar.samples for bar in bars] == [1, 0, 0, 0, 3, 0, 1, 0, 0]
    assert (bars[4].low_deg, bars[4].high_deg) == (-5, 5)
    assert sum(bar.samples for bar in gallery.histogram(np.linspace(-180, 180, 999).tolist())) == 999
    assert len(gallery.histogram([])) == 1


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
    assert gallery.lettered(asked).wording == "Which way?"
    assert gallery.lettered(asked).options == [("A", "left", False), ("B", "right", True)]
    other = asked.model_copy(update={"prompt": "Which way?\n1) left\n2) right"})
    assert gallery.lettered(other).wording == other.prompt


@pytest.mark.parametrize(("form", "mark"), [("digit", "{}."), ("word", "-"), ("json", "{}.")])
def test_the_other_ways_to_answer_are_split_too(form, mark):
    marks = [mark.format("AB"[i] if form == "json" else i + 1) for i in range(2)]
    prompt = f"Which way?\n{marks[0]} left\n{marks[1]} right\nAnswer somehow."
    asked = question("q", ["left", "right"], 1).model_copy(update={"prompt": prompt, "answer_form": form})
    assert gallery.lettered(asked).wording == "Which way?"
    assert [(text, right) for _, text, right in gallery.lettered(asked).options] == [("left", False), ("right", True)]


def test_a_question_for_a_number_stays_whole_and_has_no_option():
    asked = question("q", [], -1).model_copy(
        update={
            "prompt": "How far?\nAnswer with a number of degrees.",
            "answer_form": "number",
            "value": 43.0,
            "answer": "43",
        }
    )
    assert gallery.lettered(asked).options == []
    assert gallery.lettered(asked).wording.startswith("How far?")
    card = SAMPLES[3]._replace(sample=SAMPLES[3].sample.model_copy(update={"questions": [asked]}))
    html = gallery.render_page("numbers", gallery.summarise([card.sample]), [card])
    assert Page(html).marked == []
    assert "<b>43</b>" in html


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
    assert gallery.web_link(url) is None


def test_web_addresses_are_linked():
    assert gallery.web_link(" https://example.org/a?b=c ") == "https://example.org/a?b=c"


# --- the page --------------------------------------------------------------------------------------

HOSTILE = "<script>alert('title')</script>"


def jpeg(shade, size_px=512):
    out = io.BytesIO()
    Image.new("RGB", (size_px, size_px // 2), (shade, 90, 160)).save(out, "JPEG")
    return out.getvalue()


def question(id_, options, answer_index, type_="ego_translation"):
    lines = "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", options, strict=False))
    return Question(
        id=id_,
        type=type_,
        tier="A",
        frame="camera_1",
        images=[0, 1],
        prompt=f"Which way?\n{lines}\nAnswer with the letter.",
        options=options,
        answer_index=answer_index,
        answer="ABCD"[answer_index],
        answer_form="letter",
        template="t/0",
        margin=2.25,
        decidability=0.125,
    )


def stored(number, split, **thing):
    """Camera 1 south of the object; camera 2 to its right in even samples, to its left in odd ones."""
    side = 1 if number % 2 == 0 else -1
    first, second = SOUTH_CAMERA, look_at([side * 1.0, -2.8, 0.4], [0, 0, 0])
    key = f"{split}-{number:06d}"
    sample = Sample(
        object=ObjectRecord(**{"uid": f"thing_{number}", "category": "chair", "title": f"Chair {number}", **thing}),
        preset="smoke",
        family="orbit" if number % 3 else "truck",
        split=split,
        views=[view(first), view(second)],
        truth=truth_of(first, second, 30.0 if number == 2 else None),
        decidability=Decidability(**dict.fromkeys(Decidability.model_fields, 0.125)),
        questions=[
            question(f"{key}-a", ["left", "right", "no movement"], 1 if side > 0 else 0),
            question(f"{key}-b", ["no rotation", "left", "right"], number % 3, "ego_rotation"),
        ],
        provenance=Provenance(seed=0, config_hash="c0ffee", code_version="0", renderer="none", device="cpu"),
    )
    return StoredSample(key, sample, [jpeg(10 * number), jpeg(10 * number + 100)])


SAMPLES = [
    stored(0, "train", title=HOSTILE, source_url="https://example.org/chair?a=1&b=2"),
    stored(1, "train", author='"><img src=x onerror=alert(1)>', source_url="javascript:alert(1)"),
    stored(2, "train", category="' onclick='alert(1)"),
    stored(3, "train", licence="CC-BY-4.0"),
    stored(4, "validation", title="{{ 7 * 7 }}"),
    stored(5, "test", uid="thing_4", title=""),
]


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "my-data"
    folder.mkdir()
    for split in ("train", "validation", "test"):
        write_shard(folder / f"{split}-00000-of-00001.tar", tmp_path, [s for s in SAMPLES if s.sample.split == split])
    return folder


class Page(HTMLParser):
    """Every element as (tag, attributes, id of its card), and the words and the marked options of each card."""

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.words = defaultdict(str)
        self.marked = []  # (card, words of the option)
        self.card, self.in_marked = "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "article":
            self.card = attributes["id"]
        if tag == "li" and "data-right" in attributes:
            self.marked.append((self.card, ""))
            self.in_marked = True
        self.elements.append((tag, attributes, self.card))

    def handle_endtag(self, tag):
        if tag == "article":
            self.card = ""
        if tag == "li":
            self.in_marked = False

    def handle_data(self, data):
        self.words[self.card] += data
        if self.in_marked:
            self.marked[-1] = (self.card, self.marked[-1][1] + data)


@pytest.fixture
def html(dataset, tmp_path):
    assert gallery.write_gallery(dataset, tmp_path / "out" / "page.html") == 6
    return (tmp_path / "out" / "page.html").read_text("utf-8")


def test_every_sample_is_there_with_both_pictures_inside_the_page(html):
    images = [(attributes, card) for tag, attributes, card in Page(html).elements if tag == "img"]
    assert Counter(card for _, card in images) == {f"s-{s.key}": 2 for s in SAMPLES}
    for attributes, card in images:
        head, _, data = attributes["src"].partition(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as picture:
            assert picture.size == (320, 160) == (int(attributes["width"]), int(attributes["height"]))
            number = int(card[-6:])
            shade = 10 * number + (0 if attributes["alt"].startswith("Image 1") else 100)
            assert abs(picture.getpixel((99, 99))[0] - shade) <= 3


def test_exactly_the_right_option_of_every_question_is_marked(html):
    wanted = [(f"s-{s.key}", q.answer + q.options[q.answer_index]) for s in SAMPLES for q in s.sample.questions]
    assert Page(html).marked == wanted


def test_nothing_is_loaded_from_elsewhere_and_the_page_says_so_to_the_browser(html):
    elements = Page(html).elements
    for tag, attributes, _ in elements:
        for name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")) or (tag, name) == ("a", "href"), (tag, name, value)
    assert {tag for tag, *_ in elements}.isdisjoint({"iframe", "object", "embed", "base"})
    assert "@import" not in html and html.count("url(") == html.count("url(#")
    policy = next(
        a["content"] for tag, a, _ in elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'") and "http" not in policy


def test_texts_of_strangers_stay_texts(html):
    page = Page(html)
    assert sum(tag == "script" for tag, *_ in page.elements) == 1  # ours
    assert "alert(" not in html.split("<script>", 2)[-1].split("</script>")[0]
    assert HOSTILE in page.words["s-train-000000"]
    assert all(not name.startswith("on") for _, attributes, _ in page.elements for name in attributes)
    assert "{{ 7 * 7 }}" in page.words["s-validation-000004"]


def test_sources_are_linked_only_where_they_lead_to_the_web(html):
    links = {card: a["href"] for tag, a, card in Page(html).elements if tag == "a" and not a["href"].startswith("#")}
    assert links == {"s-train-000000": "https://example.org/chair?a=1&b=2"}


def test_camera_2_is_on_the_right_side_of_the_page_in_every_card(html):
    dots: dict[str, list[float]] = {}
    for tag, attributes, card in Page(html).elements:
        if tag == "circle" and "data-camera" in attributes:
            dots.setdefault(card, []).append(float(attributes["cx"]))
    assert len(dots) == 6
    for s in SAMPLES:
        one, two, *_side_view = dots[f"s-{s.key}"]
        assert (two > one) == (s.sample.truth.translation[0] > 0) == (int(s.key[-6:]) % 2 == 0)


def test_the_front_is_drawn_only_where_it_is_known(html):
    cards = [
        card for tag, attributes, card in Page(html).elements if tag == "line" and attributes.get("class") == "front"
    ]
    assert cards == ["s-train-000002"]


def test_answers_can_be_opened_with_the_keyboard_and_say_how_clear_they_are(html):
    elements = Page(html).elements
    for tag in ("details", "summary"):
        assert sum(t == tag and card != "" for t, _, card in elements) == 12
    assert html.count("margin 2.25 · decidability 0.125") == 12


def test_the_head_counts_the_whole_dataset_also_when_few_samples_are_shown(dataset, tmp_path):
    assert gallery.write_gallery(dataset, tmp_path / "few.html", limit=4) == 4
    page = Page((tmp_path / "few.html").read_text("utf-8"))
    head = " ".join(page.words[""].split())
    assert "6 samples of 5 objects, with 12 questions · train 4 · validation 1 · test 1" in head
    assert "This page shows 4 of them" in head
    assert "left 50 %right 50 %" in head
    assert len({card for *_, card in page.elements if card}) == 4


def test_filters_offer_what_there_is(html):
    offered = [
        (a["data-group"], a["data-value"]) for tag, a, _ in Page(html).elements if tag == "button" and "data-group" in a
    ]
    assert offered == [
        ("family", "orbit"), ("family", "truck"), ("split", "train"), ("split", "validation"), ("split", "test"),
        ("type", "ego_translation"), ("type", "ego_rotation"),
    ]  # fmt: skip


def test_the_answer_no_comes_last_and_grey_whatever_its_share():
    shares = gallery.summarise(s.sample for s in SAMPLES).shares()
    kind, frame, parts = shares[1]
    assert (kind, frame) == ("ego_rotation", "camera_1")
    assert [(answer, tone) for answer, _, tone in parts] == [("left", "0"), ("right", "1"), ("no rotation", "none")]
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
        gallery.make_card(SAMPLES[0]._replace(images=SAMPLES[0].images[:1]))


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
