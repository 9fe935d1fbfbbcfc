"""Chains about dots, maps, sides, the lens and sets of views are true, and the verifier believes no other.

The object is an egg whose points and normals are known in closed form, so that nothing is rendered.
"""

import re
from collections import Counter, defaultdict
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from support.kinds import chain_for, options_of, problems_with

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.questions.ask import figures_of
from viewpoint100k.questions.facts.pair_sentences import PREMISES
from viewpoint100k.questions.kind import Figure
from viewpoint100k.questions.registry import DRAWN_KINDS
from viewpoint100k.records import Decidability, MapCamera, Mark, Move, Seen, SurfacePoint, Truth, View

GATES = GateConfig()
SIZE_PX = 512
KINDS = {kind.name: kind for kind in DRAWN_KINDS if not kind.of_scenes}
WITHOUT = {"mirrored/object", "nearest_of_three/object"}
OUR_PREMISES = [
    lines
    for kind in KINDS.values()
    if kind.chain
    for name, lines in kind.chain.language.premises.items()
    if name not in PREMISES
]
CLEAR = Decidability(**dict.fromkeys(Decidability.model_fields, 0.3))


# --- an egg and cameras, by hand ----------------------------------------------------------------------


class Egg(NamedTuple):
    points: np.ndarray  # (n, 3)
    normals: np.ndarray


def egg(radii=(0.4, 0.4, 0.4), count=600):
    """Evenly spread over the surface, by the golden angle."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    level = np.sqrt(1 - height**2)
    ball = np.stack([level * np.cos(angle), level * np.sin(angle), height], axis=1)
    normals = ball / np.array(radii)
    return Egg(ball * radii, normals / np.linalg.norm(normals, axis=1, keepdims=True))


def around(azimuth_deg, elevation_deg=10.0, distance=2.2):
    """world_from_camera of a camera that looks at the origin from there: right, down, forward, written out."""
    a, e = np.radians([azimuth_deg, elevation_deg])
    out = np.eye(4)
    out[:3, 3] = distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    out[:3, 0] = [-np.sin(a), np.cos(a), 0]
    out[:3, 2] = -out[:3, 3] / distance
    out[:3, 1] = np.cross(out[:3, 2], out[:3, 0])
    return out


def pixels(points, pose, hfov_deg):
    seen = (points - pose[:3, 3]) @ pose[:3, :3]
    return seen[:, :2] / seen[:, 2:] * SIZE_PX / 2 / np.tan(np.radians(hfov_deg / 2)) + SIZE_PX / 2


def cosines(thing, pose):
    to_camera = pose[:3, 3] - thing.points
    return (to_camera * thing.normals).sum(axis=1) / np.linalg.norm(to_camera, axis=1)


def view_of(thing, pose, hfov_deg=60.0, background="hdri"):
    at = pixels(thing.points, pose, hfov_deg)
    focal = SIZE_PX / 2 / np.tan(np.radians(hfov_deg / 2))
    width, height = np.ptp(at, axis=0)
    return View(
        intrinsics=[[focal, 0, SIZE_PX / 2], [0, focal, SIZE_PX / 2], [0, 0, 1]],
        world_from_camera=pose.tolist(),
        hfov_deg=hfov_deg,
        object_box=[*at.min(axis=0), *at.max(axis=0)],
        object_share=float(np.pi / 4 * width * height / SIZE_PX**2),
        light="studio/world",
        background=background,
    )


class Shot(NamedTuple):
    """What is known of a sample."""

    views: list[View]
    truth: Truth
    decidability: Decidability
    seen: Seen
    scene: None = None


def shoot(poses, thing=None, hfovs=None, front_azimuth_deg=-90.0, points=None):
    thing = thing or egg()
    hfovs = hfovs or [60.0] * len(poses)
    views = [view_of(thing, pose, hfov) for pose, hfov in zip(poses, hfovs, strict=True)]
    facing = np.array([cosines(thing, pose) for pose in poses])
    clear = facing > 0.31
    shared = [[float((a & b).sum() / (a | b).sum()) for b in clear] for a in clear]
    f = np.radians(front_azimuth_deg)
    front, left, top = (
        np.array(v) for v in ([np.cos(f), np.sin(f), 0], [-np.sin(f), np.cos(f), 0], [0, 0, 1])
    )
    nearest = np.argmax(thing.normals @ np.array([front, -front, left, -left, top, -top]).T, axis=1)
    weights = np.maximum(facing, 0)
    sides = [np.bincount(nearest, one, 6) / one.sum() for one in weights]
    which = np.arange(0, len(thing.points), 17) if points is None else points
    tracked = [
        SurfacePoint(
            world=thing.points[i].tolist(),
            pixels=[pixels(thing.points[[i]], poses[v], hfovs[v])[0].tolist() for v in (0, 1)],
            visible=[
                "yes" if facing[v, i] > 0.31 else "no" if facing[v, i] < -0.1 else "unclear" for v in (0, 1)
            ],
            albedo=[0.5, 0.5, 0.5],
        )
        for i in which
    ]
    seen = Seen(
        covisible_fraction=shared,
        difference=(0.3 * (1 - np.eye(len(poses)))).tolist(),
        other_side=[0.3] * len(poses),
        sides=[one.tolist() for one in sides],
        points=tracked,
    )
    return Shot(views, make_truth(views[0], views[1], shared[0][1], front_azimuth_deg), CLEAR, seen)


# --- random questions ---------------------------------------------------------------------------------


class Item(NamedTuple):
    name: str
    shot: Shot
    figure: Figure
    answer: str

    @property
    def views(self):
        return [self.shot.views[view] for view in self.figure.images]

    @property
    def options(self):
        return options_of(KINDS[self.name])


def random_pair(rng):
    thing = egg(rng.uniform(0.25, 0.42, 3))
    azimuth, elevation, distance = rng.uniform(-180, 180), rng.uniform(5, 30), rng.uniform(2.0, 2.6)
    turn = rng.choice([0.0, 1.0], p=[0.2, 0.8]) * rng.uniform(17, 140) * rng.choice([-1, 1])
    growth, zoom = (float(rng.choice([1.0, 1.0, 0.75, 1.3])) for _ in range(2))
    second = around(azimuth + turn, elevation + rng.choice([0, 0, 12]), distance * growth)
    hfovs = [60.0, float(2 * np.degrees(np.arctan(np.tan(np.radians(30)) / zoom)))]
    return shoot([around(azimuth, elevation, distance), second], thing, hfovs, rng.uniform(-180, 180))


def random_set(rng):
    thing = egg(rng.uniform(0.3, 0.42, 3))
    azimuth, elevation = rng.uniform(-180, 180), rng.uniform(5, 25)
    if rng.random() < 0.5:
        ways = [(turn, 0.0) for turn in np.cumsum(rng.uniform(25, 55, 3)) * rng.choice([-1, 1])]
    else:
        angle = int(rng.choice([30, 40, 50]))
        other = [(0.0, 30.0), (rng.choice([-1, 1]) * (angle + 30.0), 0.0)][rng.integers(2)]
        ways = [(angle, 0.0), (-angle, 0.0), other]
    order = rng.permutation(3)
    jitter = rng.uniform(-2, 2, (3, 2))
    others = [
        around(azimuth + ways[i][0] + j[0], elevation + ways[i][1] + j[1])
        for i, j in zip(order, jitter, strict=True)
    ]
    return shoot([around(azimuth, elevation), *others], thing)


@pytest.fixture(scope="module")
def items():
    rng = np.random.default_rng(3)
    shots = [random_pair(rng) for _ in range(560)] + [random_set(rng) for _ in range(200)]
    return [
        Item(one.kind.name, shot, one.figure, options_of(one.kind)[one.fact.option])
        for shot in shots
        for one in figures_of(shot, GATES, rng)
    ]


def write(item, rng, answer=None):
    shot = item.shot
    return chain_for(item.name, item.views, shot.truth, answer or item.answer, rng, shot, item.figure)


@pytest.fixture(scope="module")
def written(items):
    """Each item with its chain or None."""
    rng = np.random.default_rng(4)
    return [(item, write(item, rng)) for item in items]


@pytest.fixture(scope="module")
def chains(written):
    return [(item, text) for item, text in written if text]


def problems(item, text, answer=None, words=None):
    right, seen = answer or item.answer, item.shot.seen
    return problems_with(text, item.name, item.views, item.options, right, None, seen, item.figure, words)


# --- what is written is true ----------------------------------------------------------------------------


def test_every_chain_that_is_written_is_verified(chains):
    assert len(chains) > 800
    assert (
        {item.name for item, _ in chains}
        == {name for name, kind in KINDS.items() if kind.chain}
        == set(KINDS) - WITHOUT
    )
    for item, text in chains:
        assert problems(item, text) == [], text


def test_a_chain_is_short_and_names_the_answer_last(chains):
    for item, text in chains:
        assert len(text.split()) <= 120
        assert text.endswith(f"So the answer is: {item.answer}.")
        if not item.answer.startswith("image "):  # these list all three images
            assert text.count(item.answer) == 1


def test_most_questions_get_a_chain(written):
    shares = defaultdict(list)
    for item, text in written:
        shares[item.name].append(text is not None)
    assert {name for name, got in shares.items() if np.mean(got) > 0.8} >= {
        "camera_on_map/seen_from_above",
        "revealed_side/object_front",
        "which_view/around_object",
        "order/around_object",
        "composed_angle/seen_from_above",
    }
    assert {name for name, got in shares.items() if np.mean(got) < 0.3} == set()


def test_every_answer_can_be_reached(chains):
    reached = {(item.name, item.answer) for item, _ in chains}
    assert {
        (name, o) for name, kind in KINDS.items() for o in options_of(kind) if name not in WITHOUT
    } == reached


def test_each_kind_has_plans_that_are_used(items):
    assert all(len(set(kind.chain.plans)) >= 3 for kind in KINDS.values() if kind.chain)
    tried = Counter()
    for item in items:
        if KINDS[item.name].chain and tried[item.name] < 3:
            texts = {write(item, np.random.default_rng(i)) for i in range(20)}
            if None not in texts:
                tried[item.name] += 1
                assert len(texts) >= 3


# what is not clear from angles alone: what the egg hides, and how large it looks from elsewhere
BY_SHAPE = {"covisible_point/image_2", "zoom_or_dolly/camera_1"}


def test_no_chain_for_a_wrong_answer(items):
    rng = np.random.default_rng(5)
    for item in items:
        for wrong in item.options:
            if wrong != item.answer and item.name not in BY_SHAPE:
                assert write(item, rng, wrong) is None


# --- what is false is found -------------------------------------------------------------------------------

SWAPS = (("left", "right"), ("larger", "smaller"), ("more at", "less at"), ("clockwise", "counter-clockwise"))
THIRDS = ("left", "middle", "right"), ("top", "middle", "bottom")
PARTS = ("a third of the way", "two thirds of the way", "nearly all the way", "all the way", "out of sight")


def split(text):
    """The facts, without what is true of every picture, and the conclusion."""
    *sentences, conclusion = text.removesuffix(".").split(". ")
    always = {re.sub(r"^\w+, ", "", one).lower() for lines in OUR_PREMISES for one in lines}
    places = [i for i, one in enumerate(sentences) if re.sub(r"^\w+, ", "", one).lower() not in always]
    return sentences, places, conclusion


def flipped(sentence, rng):
    found = [
        (hit.span(), new)
        for pair in SWAPS
        for old, new in (pair, pair[::-1])
        for hit in re.finditer(rf"(?<![-\w]){old}(?![-\w])", sentence)
    ]
    return put(sentence, found, rng)


def other_number(sentence, rng):
    hits = re.finditer(r"(?<!image )(?<!images )(?<!camera )\b\d0+\b", sentence)
    return put(sentence, [(hit.span(), str(int(hit[0]) + int(rng.choice([20, 30])))) for hit in hits], rng)


def other_third(sentence, rng):
    if "third" not in sentence or "of the way" in sentence:
        return None
    found = [
        (hit.span(), new)
        for words in THIRDS
        for hit in re.finditer(rf"\b({'|'.join(words)})\b(?= third| and|,|$)", sentence)
        for new in words
        if new != hit[0]
    ]
    return put(sentence, found, rng)


def other_part(sentence, rng):
    hits = re.finditer(
        "|".join(
            ["two thirds of the way", "a third of the way", "nearly all the way", "(?<!nearly )all the way"]
        ),
        sentence,
    )
    return put(sentence, [(h.span(), new) for h in hits for new in PARTS[:4] if new != h[0]], rng)


def other_image(sentence, rng):
    hits = re.finditer(r"(?<=image )[1-4]", sentence)
    return put(
        sentence, [(hit.span(), str(n)) for hit in hits for n in (1, 2, 3, 4) if str(n) != hit[0]], rng
    )


def other_colour(sentence, rng):
    if not all(c in sentence for c in ("red", "blue", "green", "yellow")):
        return None
    one, two = rng.choice(["red", "blue", "green", "yellow"], 2, replace=False)
    new = re.sub(rf"\b({one}|{two})\b", lambda hit: two if hit[0] == one else one, sentence)
    return new


def put(sentence, found, rng):
    if not found:
        return None
    (start, end), new = found[rng.integers(len(found))]
    return sentence[:start] + new + sentence[end:]


PLANTS = {f.__name__: f for f in (flipped, other_number, other_third, other_part, other_image, other_colour)}


@pytest.mark.parametrize("plant", PLANTS)
def test_one_fact_that_is_made_false_is_found(chains, plant):
    rng = np.random.default_rng(6)
    tried, believed = 0, []
    for item, text in chains:
        sentences, places, conclusion = split(text)
        for place in places * (3 if plant == "other_third" else 2):  # other faults of the same sort
            new = PLANTS[plant](sentences[place], rng)
            if new is None:
                continue
            tried += 1
            changed = ". ".join([*sentences[:place], new, *sentences[place + 1 :], conclusion]) + "."
            if not problems(item, changed):
                believed.append((sentences[place], new, text))
    assert tried >= 200
    assert believed == []


def test_a_false_sentence_that_is_added_is_found(chains):
    rng = np.random.default_rng(7)
    tried = 0
    for item, text in chains:
        sentences, places, conclusion = split(text)
        for place in places:
            wide = re.search("between|more than", sentences[place])  # an interval may become another true one
            new = flipped(sentences[place], rng) or (None if wide else other_number(sentences[place], rng))
            if new:
                tried += 1
                for order in ([sentences[place], new], [new, sentences[place]]):
                    added = [*sentences[:place], *order, *sentences[place + 1 :], conclusion]
                    assert problems(item, ". ".join(added) + "."), added
    assert tried > 1000


def test_another_answer_is_found_even_if_the_question_agrees_with_it(chains):
    for item, text in chains:
        for wrong in item.options:
            if wrong != item.answer:
                changed = text.rsplit(": ", 1)[0] + f": {wrong}."
                assert problems(item, changed)
                assert any("follows" in one for one in problems(item, changed, wrong))


def test_a_conclusion_without_its_facts_is_found(chains):
    for item, text in chains:
        sentences, places, conclusion = split(text)
        assert problems(item, conclusion + ".")
        kept = [one for i, one in enumerate(sentences) if i not in places]
        assert problems(item, ". ".join([*kept, conclusion]) + ".")
        first = ". ".join([conclusion, *sentences]) + "."
        assert problems(item, first)


def test_a_chain_about_another_question_is_found(chains):
    """Its facts are true of what it is about, and nearly always false of the next question of its kind."""
    by_kind = defaultdict(list)
    for item, text in chains:
        by_kind[item.name].append((item, text))
    for name, mine in by_kind.items():
        found = [bool(problems(item, other)) for (item, _), (_, other) in pairwise(mine)]
        few = name in ("zoom_or_dolly/camera_1", "highest_of_three/object")  # facts that are often the same
        assert np.mean(found) > (0.6 if few else 0.85), name


def test_what_a_kind_must_not_say_cannot_be_read(chains):
    """The lens by its field of view, or the nearness, would be the answer of these questions."""
    for item, text in chains:
        for label in (
            "The lens is the same in both images",
            "Apart from the effect of the lens, the object looks larger in image 2",
        ):
            assert any("cannot be read" in one for one in problems(item, f"{label}. {text}"))


def test_a_mirror_has_no_chain():
    """Nothing that could be said of it here would tell the object from its mirror image."""
    item = Item(
        "mirrored/object", shoot([around(-90), around(-50)]), Figure(mirrored=(1,)), "its mirror image"
    )
    assert write(item, np.random.default_rng(0)) is None
    assert problems(item, f"{PREMISES['sees_more'][0]}. So the answer is: its mirror image.")


# --- what one can act out ---------------------------------------------------------------------------------


def soundly(item):
    """Chains of a hand-made question in all its wordings."""
    texts = [write(item, np.random.default_rng(seed)) for seed in range(12)]
    assert None not in texts
    for text in texts:
        assert problems(item, text) == [], text
    return texts


def dots(shot, right, others, colours=("red", "blue", "green", "yellow")):
    points = shot.seen.points
    marks = [Mark(image=0, x=points[right].pixels[0][0], y=points[right].pixels[0][1], colour="red")]
    for number, colour in zip((right, *others), colours, strict=True):
        marks.append(
            Mark(image=1, x=points[number].pixels[1][0], y=points[number].pixels[1][1], colour=colour)
        )
    return Figure(marks=tuple(marks))


def nearest(thing, place):
    return int(np.argmin(np.linalg.norm(thing.points - np.array(place), axis=1)))


def test_what_was_on_the_right_comes_to_the_middle_when_the_camera_goes_right():
    """From the south to the east, counter-clockwise from above: the point in the east was right and is in the middle."""
    thing = egg()
    places = [
        nearest(thing, p)
        for p in ([0.35, -0.2, 0], [-0.1, -0.1, 0.38], [0.05, 0.3, 0.25], [0.1, -0.38, -0.05])
    ]
    shot = shoot([around(-90, 0), around(-30, 0)], thing, points=places)
    item = Item(
        "marked_point/image_2",
        shot,
        dots(shot, 0, (1, 2, 3), ("blue", "red", "green", "yellow")),
        "the blue dot",
    )
    texts = soundly(item)
    assert any("further to the left" in text for text in texts)
    assert all("blue (middle, middle)" in text or "blue is in the middle" in text for text in texts)


@pytest.mark.parametrize(("way", "answer"), [(1, "it can be seen"), (-1, "it is hidden")])
def test_a_place_on_the_right_is_lost_when_the_camera_goes_far_to_the_left(way, answer):
    thing = egg()
    shot = shoot(
        [around(-90, 0), around(-90 + way * 80, 0)], thing, points=[nearest(thing, [0.28, -0.28, 0.0])]
    )
    mark = Mark(image=0, x=shot.seen.points[0].pixels[0][0], y=shot.seen.points[0].pixels[0][1], colour="red")
    item = Item("covisible_point/image_2", shot, Figure(marks=(mark,)), answer)
    (solved,) = [KINDS[item.name].solve(shot, item.figure, GATES)]
    assert item.options[solved.fact.option] == answer
    soundly(item)


@pytest.mark.parametrize(("way", "colour"), [(1, "green"), (-1, "red")])
def test_going_right_leads_to_the_right_half_of_a_map_on_which_the_first_camera_is_below(way, colour):
    angles = {"red": -40.0, "blue": -90.0, "green": 40.0, "yellow": 90.0}
    figure = Figure(map_cameras=tuple(MapCamera(azimuth_deg=a, colour=c) for c, a in angles.items()))
    shot = shoot([around(-90), around(-90 + way * 40)])
    texts = soundly(Item("camera_on_map/seen_from_above", shot, figure, f"the {colour} camera"))
    side = "right" if way > 0 else "left"
    assert all(
        f"the side of the object that was on the {side}" in t.lower()
        or f"from the side that was on the {side}" in t
        for t in texts
    )


@pytest.mark.parametrize(
    ("front_azimuth_deg", "way", "answer"),
    [
        (-90, 1, "its left side"),
        (-90, -1, "its right side"),
        (90, 1, "its right side"),
        (0, 1, "its front"),
        (0, -1, "its back"),
    ],
)
def test_who_stands_before_somebody_and_goes_right_gets_to_see_their_left(front_azimuth_deg, way, answer):
    """Camera 1 is in the south; a front in the east makes it look at the object's right."""
    shot = shoot([around(-90), around(-90 + 60 * way)], front_azimuth_deg=front_azimuth_deg)
    sides = [[0.05] * 6 for _ in range(2)]
    order = ("front", "back", "left", "right")
    first = {-90: "front", 90: "back", 0: "right"}[front_azimuth_deg]
    sides[0][order.index(first)] = 0.8
    word = answer.removeprefix("its ").removesuffix(" side")
    sides[1][order.index(first)] = sides[1][order.index(word)] = 0.4
    shot = shot._replace(seen=shot.seen.model_copy(update={"sides": sides}))
    item = Item("revealed_side/object_front", shot, Figure(), answer)
    solved = KINDS[item.name].solve(shot, item.figure, GATES)
    assert item.options[solved.fact.option] == answer
    soundly(item)


@pytest.mark.parametrize(
    ("distance", "hfov_deg", "answer"),
    [
        (2.2, 40.0, "only the lens zoomed"),
        (1.7, 60.0, "only the distance changed"),
        (3.1, 45.0, "the lens and the distance changed"),
        (2.2, 60.0, "the lens and the distance stayed the same"),
    ],
)
def test_a_lens_enlarges_the_background_and_nearness_the_object_alone(distance, hfov_deg, answer):
    shot = shoot([around(-90), around(-90, distance=distance)], hfovs=[60.0, hfov_deg])
    texts = soundly(Item("zoom_or_dolly/camera_1", shot, Figure(), answer))
    lamp_posts = np.array([[-5.0, 100.0, 0.0], [5.0, 100.0, 0.0]])  # far behind the object
    apart = [np.ptp(pixels(lamp_posts, np.array(v.world_from_camera), v.hfov_deg)[:, 0]) for v in shot.views]
    scale = apart[1] / apart[0]
    word = "larger" if scale > 1.1 else "smaller" if scale < 1 / 1.1 else "equally large|at the same scale"
    assert all(re.search(rf"(distant background looks|background appear) ({word})", text) for text in texts)


@pytest.mark.parametrize(("sense", "answer"), [("counter-clockwise", "image 3"), ("clockwise", "image 2")])
def test_counter_clockwise_from_above_is_to_the_right(sense, answer):
    shot = shoot([around(-90), around(-130), around(-50), around(-20)])
    move = Move(around_deg=40 if sense == "counter-clockwise" else -40)
    soundly(Item("which_view/around_object", shot, Figure(images=(0, 1, 2, 3), move=move), answer))


def test_from_higher_one_sees_more_of_the_top():
    shot = shoot([around(-90), around(-130), around(-50), around(-90, 40)])
    figure = Figure(images=(0, 1, 2, 3), move=Move(up_deg=30))
    texts = soundly(Item("which_view/around_object", shot, figure, "image 4"))
    assert not any("clockwise" in text for text in texts)


def test_the_prompt_tells_the_motion_as_well_as_its_words_do():
    shot = shoot([around(-90), around(-130), around(-50), around(-20)])
    words = "goes about 70 degrees counter-clockwise (seen from above) around the object"
    figure = Figure(images=(0, 1, 2, 3), move=Move(around_deg=70))
    item = Item("which_view/around_object", shot, figure, "image 4")
    text = write(item, np.random.default_rng(0))
    prompt = f"Image 1 is first. Then the camera {words}. Which one?\nA. image 4"
    assert problems(item, text, words=prompt) == []
    assert problems(item, text, words="Which one?")


@pytest.mark.parametrize("way", [1, -1])
def test_the_order_is_that_of_the_way_from_image_1(way):
    shot = shoot([around(-90), around(-90 + way * 120), around(-90 + way * 40), around(-90 + way * 80)])
    texts = soundly(Item("order/around_object", shot, Figure(images=(0, 1, 2, 3)), "3, 4, 2"))
    edge = "left" if way > 0 else "right"
    assert all(f"{edge} edge" in text for text in texts if " edge" in text)


def test_two_parts_of_a_way_add_up():
    shot = shoot([around(-90), around(-90 + 110), around(-40), around(-90 + 150)])
    item = Item(
        "composed_angle/seen_from_above",
        shot,
        Figure(images=(0, 2, 1)),
        "about 120 degrees counter-clockwise",
    )
    texts = soundly(item)
    assert all("110 degrees." in text or "110 degrees. " in text for text in texts)
    assert write(item, np.random.default_rng(0), "about 120 degrees clockwise") is None
