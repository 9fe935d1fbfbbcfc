"""Chains of thought are true, and the verifier believes no other; wordings are many and differ between splits."""

import re
from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np
import pytest
from support.ball_pairs import DISTANCE, SIZE_PX, Pair, around, ball, camera, pair_of, pixels, words_of_facts
from support.kinds import chain_for, options_of, problems_with

from viewpoint100k.config import GateConfig
from viewpoint100k.questions import load_templates
from viewpoint100k.questions.facts.chain import MAX_WORDS
from viewpoint100k.questions.facts.pair import state_facts
from viewpoint100k.questions.facts.pair_sentences import PREMISES
from viewpoint100k.questions.kind import Kind
from viewpoint100k.questions.registry import PAIR_KINDS as KINDS

GATES = GateConfig()


# --- pictures of a ball ------------------------------------------------------------------


def area_seen(points, world_from_camera):
    """How much area each point of a ball shows to a camera: the cosine of its slant, 0 behind the edge."""
    to_camera = world_from_camera[:3, 3] - points
    normal = points / np.linalg.norm(points, axis=1, keepdims=True)
    return np.maximum((normal * to_camera).sum(axis=1) / np.linalg.norm(to_camera, axis=1), 0.0)


class Item(NamedTuple):
    kind: Kind
    pair: Pair
    answer: str
    options: list[str]


# --- random pairs ------------------------------------------------------------------------------------


def random_pair(rng):
    """Each motion is there or not, or the camera goes around the object."""
    points = rng.normal(size=(80, 3)) * rng.uniform(0.6, 1, 3)
    points -= (points.min(axis=0) + points.max(axis=0)) / 2
    points *= 0.5 / np.linalg.norm(points, axis=1).max()
    azimuth, elevation, distance = rng.uniform(-180, 180), rng.uniform(5, 35), rng.uniform(1.8, 2.4)
    first = around(azimuth, elevation, distance)
    bearing, pitch, roll = (
        -90 - azimuth + rng.uniform(-4, 4),
        -elevation + rng.uniform(-4, 4),
        rng.uniform(-2, 2),
    )
    first = camera(first[:3, 3], bearing, pitch, roll)
    if rng.random() < 0.4:
        away = rng.uniform(15, 100) * rng.choice([-1, 1])
        second = around(azimuth + away, elevation + rng.uniform(-3, 3), distance * rng.uniform(0.95, 1.05))
        second = camera(second[:3, 3], bearing - away + rng.uniform(-8, 8), pitch, roll)
    else:
        alone = np.eye(6)[rng.integers(6)]
        several = rng.random(6) < [0.45, 0.3, 0.3, 0.45, 0.3, 0.3]
        some = (alone if rng.random() < 0.4 else several) * rng.choice([-1, 1], 6)
        step = first[:3, :3] @ (some[:3] * distance * rng.uniform(0.265, 0.34, 3))
        turn = some[3:] * [rng.uniform(10.5, 14), rng.uniform(8.5, 12), rng.uniform(9, 20)]
        second = camera(first[:3, 3] + step, bearing + turn[0], pitch + turn[1], roll + turn[2])
    hfovs = (65.0, 65.0 if rng.random() < 0.7 else float(rng.uniform(35, 95)))
    return pair_of(points, first, second, hfovs, float(rng.uniform(-180, 180)))


@pytest.fixture(scope="module")
def items():
    """All that can be asked of some hundred pairs."""
    rng = np.random.default_rng(7)
    out = []
    for _ in range(360):
        pair = random_pair(rng)
        if not all(0 < side < SIZE_PX for view in pair.views for side in view.object_box):
            continue
        for kind in KINDS:
            fact = kind.fact(pair.truth, GATES)
            if fact is None:
                continue
            answer = options_of(kind)[fact.option] if kind.options else str(10 * round(fact.value / 10))
            out.append(Item(kind, pair, answer, options_of(kind) if kind.options else []))
    return out


@pytest.fixture(scope="module")
def written(items):
    """Each item with its chain or None."""
    rng = np.random.default_rng(8)
    return [(item, chain_for(item.kind.name, *item.pair, item.answer, rng)) for item in items]


def problems(item, text):
    front = item.pair.truth.front_azimuth_deg
    return problems_with(text, item.kind.name, item.pair.views, item.options, item.answer, front)


# --- what is written is true -------------------------------------------------------------------------


def test_every_chain_that_is_written_is_verified(written):
    chains = [(item, text) for item, text in written if text]
    assert len(chains) > 2000
    assert {item.kind.name for item, _ in chains} == {kind.name for kind in KINDS}
    for item, text in chains:
        assert problems(item, text) == [], text


def test_most_questions_get_a_chain(written):
    shares = defaultdict(list)
    for item, text in written:
        shares[item.kind.name].append(text is not None)
    low = {name: round(float(np.mean(got)), 2) for name, got in shares.items() if np.mean(got) < 0.5}
    assert low == {}
    assert np.mean([np.mean(got) > 0.85 for got in shares.values()]) > 0.7


def test_every_answer_of_every_kind_can_be_reached(written):
    reached = Counter((item.kind.name, item.answer) for item, text in written if text)
    wanted = {(kind.name, option) for kind in KINDS if kind.options for option in options_of(kind)}
    assert wanted - set(reached) == set()


def test_a_chain_is_short_and_ends_in_the_answer(written):
    for item, text in written:
        if text:
            assert len(text.split()) <= MAX_WORDS == 120
            assert text.endswith(f"So the answer is: {item.answer}.")
            assert text.count("So the answer is") == 1


def test_every_kind_has_three_plans_and_says_things_in_many_ways(items):
    assert all(len(set(kind.chain.plans)) >= 3 for kind in KINDS)
    tried = Counter()
    for item in items:
        if tried[item.kind.name] >= 3:
            continue
        texts = {
            chain_for(item.kind.name, *item.pair, item.answer, np.random.default_rng(i)) for i in range(20)
        }
        if None not in texts:
            tried[item.kind.name] += 1
            assert len(texts) >= 3, texts


def test_the_same_generator_writes_the_same_chain(items):
    for item in items[:50]:
        both = [
            chain_for(item.kind.name, *item.pair, item.answer, np.random.default_rng(3)) for _ in range(2)
        ]
        assert both[0] == both[1]


# whose facts leave no doubt; sizes and sides alone may speak for an answer that is not asked about
EXACT = ("ego_rotation", "pitch", "roll", "elevation", "angle", "signed_angle")


def test_no_chain_for_a_wrong_answer(items):
    rng = np.random.default_rng(9)
    for item in items:
        for wrong in item.options:
            if wrong != item.answer and (item.kind.type in EXACT or item.kind.frame == "seen_from_above"):
                assert chain_for(item.kind.name, *item.pair, wrong, rng) is None, (item.kind.name, wrong)


def test_no_chain_for_a_number_that_is_finer_than_it_could_know(items):
    pair = items[0].pair
    assert chain_for("angle_number/around_object", *pair, "47", np.random.default_rng(0)) is None


# --- what is false is found --------------------------------------------------------------------------

OPPOSITES = (
    ("left", "right"),
    ("up", "down"),
    ("larger", "smaller"),
    ("zoomed in", "zoomed out"),
    ("clockwise", "counter-clockwise"),
    ("front", "back"),
    ("{} to the camera in image 2 than", ("more", "less")),
    ("the camera {} than", ("more", "less")),
    ("upper side {} in view", ("more", "less")),
)


def flipped(text, rng):
    """One word of direction turned into its opposite, before the conclusion."""
    facts, conclusion = text.rsplit(" So the answer is", 1)
    found = []
    for one, other in OPPOSITES:
        frame, words = (one, other) if isinstance(other, tuple) else ("{}", (one, other))
        for old, new in (words, words[::-1]):
            pattern = rf"(?<![-\w]){re.escape(frame.format(old))}(?![-\w])"
            found += [(hit.span(), frame.format(new)) for hit in re.finditer(pattern, facts)]
    if not found:
        return None
    (start, end), new = found[rng.integers(len(found))]
    return facts[:start] + new + facts[end:] + " So the answer is" + conclusion


def other_number(text, rng, by):
    facts, conclusion = text.rsplit(" So the answer is", 1)
    found = list(re.finditer(r"(?<!image )\b\d+(?= (?:degrees|and|to))", facts))
    if not found:
        return None
    hit = found[rng.integers(len(found))]
    return f"{facts[: hit.start()]}{int(hit[0]) + by}{facts[hit.end() :]} So the answer is{conclusion}"


def other_answer(item, text, rng):
    others = [one for one in item.options if one != item.answer] or [str(int(item.answer) + 30)]
    return text.rsplit(": ", 1)[0] + f": {others[rng.integers(len(others))]}."


SOMETHING = (
    "Image 2 shows more of the side of the object that was on the left in image 1",
    "Image 2 shows more of the side of the object that was on the right in image 1, by about 40 degrees",
    "In image 2 the top of the object faces the camera less than in image 1",
    "In image 2 the top of the object faces the camera more than in image 1",
    "In the picture, the object appears further to the left in image 2",
    "In the picture, the object appears further to the right in image 2, by about 10 degrees",
    "The object looks about equally large in both images",
    "In the picture, the object has become larger",
    "The camera turned to the right",
    "The camera tilted down",
    "Both images show the object from nearly the same side",
    "Perspective aside, the object's vertical lines lean the same way in both pictures",
)


def test_a_word_of_direction_that_is_flipped_is_found(written):
    rng = np.random.default_rng(10)
    planted = [(item, new) for item, text in written if text and (new := flipped(text, rng))]
    assert len(planted) > 1000
    assert [text for item, text in planted if not problems(item, text)] == []


def test_an_angle_that_is_off_by_thirty_degrees_is_found(written):
    rng = np.random.default_rng(11)
    planted = [(item, new) for item, text in written if text and (new := other_number(text, rng, 30))]
    assert len(planted) > 300
    assert [text for item, text in planted if not problems(item, text)] == []


def test_an_angle_that_is_finer_than_ten_degrees_is_found(written):
    rng = np.random.default_rng(12)
    planted = [(item, new) for item, text in written if text and (new := other_number(text, rng, 3))]
    assert len(planted) > 300
    for item, text in planted:
        assert any("finer" in one for one in problems(item, text)), text


def test_another_answer_is_found_even_if_the_question_agrees_with_it(written):
    rng = np.random.default_rng(13)
    for item, text in written:
        if text:
            wrong = other_answer(item, text, rng)
            assert problems(item, wrong)
            agreed = item._replace(answer=wrong.rsplit(": ", 1)[1].removesuffix("."))
            assert any("follows" in one for one in problems(agreed, wrong)), wrong


def test_a_sentence_outside_the_grammar_is_found(written):
    for item, text in written:
        if text:
            assert problems(item, "The object is probably a chair. " + text)
            assert problems(item, text.replace("image", "picture", 1).replace("the", "thee", 1))
            assert problems(item, text + " I am sure.")
            assert problems(item, text.removesuffix("."))
            assert problems(item, text[0].lower() + text[1:])


def test_the_label_before_the_facts_is_found(written):
    for item, text in written:
        if text:
            facts, conclusion = text.rsplit(" So the answer is", 1)
            first = "So the answer is" + conclusion
            assert problems(item, f"{first} {facts}")
            assert problems(item, f"{first} {text}")


def test_a_conclusion_without_its_facts_is_found(written):
    for item, text in written:
        if text:
            conclusion = "So the answer is" + text.rsplit("So the answer is", 1)[1]
            assert problems(item, conclusion)
            premises = [lines[0] for lines in PREMISES.values()]
            assert problems(item, f"{premises[0]}. {premises[1]}. {conclusion}")


def test_one_false_fact_that_is_added_is_found(written):
    rng = np.random.default_rng(14)
    caught, believed = 0, []
    for item, text in written:
        if not text:
            continue
        one = SOMETHING[rng.integers(len(SOMETHING))]
        alone = problems_with(f"{one}. {text}", item.kind.name, item.pair.views, item.options, item.answer)
        true = not any(problem.startswith("not true") and one in problem for problem in alone)
        if true != is_true(one, item.pair):
            believed.append((one, text))
        caught += not true
    assert caught > 200
    assert believed == []


def is_true(sentence, pair):
    """The lines of SOMETHING, by the truth that the data stores; outside the bands where people could disagree."""
    truth, (first, second) = pair.truth, pair.views
    shift = np.degrees(np.arctan((box_middle(second) - 256) / second.intrinsics[0][0]))
    shift -= np.degrees(np.arctan((box_middle(first) - 256) / first.intrinsics[0][0]))
    grown = np.sqrt(second.object_share / first.object_share)
    return {
        SOMETHING[0]: truth.azimuth_change_deg <= -5,
        SOMETHING[1]: 34 <= truth.azimuth_change_deg <= 46,
        SOMETHING[2]: truth.elevation_change_deg <= -5,
        SOMETHING[3]: truth.elevation_change_deg >= 5,
        SOMETHING[4]: shift <= -3.2,
        SOMETHING[5]: 4 <= shift <= 16,
        SOMETHING[6]: 1 / 1.10 <= grown <= 1.10,
        SOMETHING[7]: grown > 1.10,
        SOMETHING[8]: truth.yaw_deg >= 4,
        SOMETHING[9]: truth.pitch_deg <= -4,
        SOMETHING[10]: abs(truth.azimuth_change_deg) <= 5,
        SOMETHING[11]: abs(truth.roll_deg) <= 5,
    }[sentence]


def box_middle(view):
    return (view.object_box[0] + view.object_box[2]) / 2


def test_a_chain_about_other_views_is_found(written):
    """The chain of a pair does not hold for the pair the other way round, where it says that something happened."""
    for item, text in written:
        if text and re.search(r"by about \d+ degrees", text):
            swapped = item._replace(pair=item.pair._replace(views=item.pair.views[::-1]))
            assert problems(swapped, text), text


def test_a_front_that_is_not_known_cannot_be_spoken_of(written):
    for item, text in written:
        if text and item.kind.frame == "object_front":
            assert problems_with(text, item.kind.name, item.pair.views, item.options, item.answer)


def test_a_chain_of_too_many_words_is_found(written):
    item, text = next((item, text) for item, text in written if text)
    premise = PREMISES["sees_more"][0] + ". "
    assert problems(item, premise + text) == []
    assert any("words" in one for one in problems(item, premise * 12 + text))


# --- signs, with pictures of a ball ----------------------------------------------------------------------


def test_going_right_around_the_object_shows_more_of_what_was_on_the_right():
    first, second = around(-90), around(-50)  # from south to the south-east; from the south, right is east
    points = ball()
    on_the_right = pixels(points, first, 60)[:, 0] > SIZE_PX / 2 + 40
    assert area_seen(points[on_the_right], second).sum() > 1.3 * area_seen(points[on_the_right], first).sum()
    assert area_seen(points[~on_the_right], second).sum() < area_seen(points[~on_the_right], first).sum()
    nearest = points[[np.argmin(np.linalg.norm(points - first[:3, 3], axis=1))]]
    assert pixels(nearest, second, 60)[0, 0] < SIZE_PX / 2 - 40  # what faced the camera goes to the left
    lamp_post = np.array([[0.0, 100.0, 0.0]])  # straight ahead, far behind the object: only turning shifts it
    assert (
        pixels(lamp_post, second, 60)[0, 0] > pixels(lamp_post, first, 60)[0, 0]
    )  # to the right: the camera turned left
    x, y = first[:2, 3], second[:2, 3]
    assert x[0] * y[1] - x[1] * y[0] > 0  # counter-clockwise from above

    pair = pair_of(points, first, second)
    found = words_of_facts(pair)
    assert (found["side"], found["turned"], found["shift_x"]) == ("right", "left", "same")
    assert (found["unturned_x"], found["offset_x"], found["face"]) == (
        "left",
        "right",
        "two thirds of the way",
    )
    for name, answer in (
        ("ego_translation/camera_1", "right"),
        ("object_translation/object_facing_camera_1", "left"),
        ("object_translation/seen_from_above", "counter-clockwise"),
        ("ego_rotation/camera_1", "left"),
        ("relative_pose/camera_1", "moved right, turned left"),
        ("which_motion/camera_1", "it went around the object"),
        ("signed_angle/seen_from_above", "about 45 degrees counter-clockwise"),
    ):
        for seed in range(10):
            text = chain_for(name, *pair, answer, np.random.default_rng(seed))
            assert text is not None, name
            assert problems_with(text, name, pair.views, (), answer) == []


def test_the_way_to_the_edge_is_what_the_picture_shows():
    """A third, two thirds, nearly all and all of the way, by where the nearest point of a far ball really lands."""
    for angle, low, high in ((20, 0.2, 0.48), (40, 0.48, 0.755), (60, 0.755, 0.957), (90, 0.957, 1.01)):
        first, second = around(-90, distance=40), around(-90 + angle, distance=40)
        edge = np.ptp(pixels(ball(), second, 2)[:, 0]) / 2
        away = SIZE_PX / 2 - pixels(np.array([[0.0, -0.4, 0.0]]), second, 2)[0, 0]
        assert low < away / edge < high
        words = {
            20: "a third of the way",
            40: "two thirds of the way",
            60: "nearly all the way",
            90: "all the way",
        }
        assert state_facts(*pair_of(ball(), first, second, (2.0, 2.0)))["face"].args == (words[angle], "left")


def test_from_higher_more_of_the_top_is_seen():
    points = ball()
    first, second = around(-90, 10), around(-90, 35)
    top = points[:, 2] > 0.2
    assert area_seen(points[top], second).sum() > 1.3 * area_seen(points[top], first).sum()
    assert words_of_facts(pair_of(points, first, second))["upper"] == "more"


def test_tilting_up_takes_the_object_down_in_the_picture():
    first, second = camera([0, -DISTANCE, 0]), camera([0, -DISTANCE, 0], pitch_deg=10)
    sky = np.array([[0.0, 100.0, 5.0]])
    assert pixels(sky, second, 60)[0, 1] > pixels(sky, first, 60)[0, 1]  # pixels count downwards
    found = words_of_facts(pair_of(ball(), first, second))
    assert (found["shift_y"], found["offset_y"], found["unturned_y"], found["tilted"]) == (
        "down",
        "down",
        "same",
        "up",
    )


def test_rolling_clockwise_turns_the_content_counter_clockwise():
    first, second = camera([0, -DISTANCE, 0]), camera([0, -DISTANCE, 0], roll_deg=20)
    top = np.array([[0.0, 0.0, 0.4]])
    assert second[2, 0] < 0  # its right hand went down: clockwise for somebody behind it
    assert pixels(top, second, 60)[0, 0] < SIZE_PX / 2 - 20  # the top of the object leans to the left
    assert words_of_facts(pair_of(ball(), first, second))["lean"] == "counter-clockwise"


def test_going_straight_ahead_makes_things_larger_and_zooming_does_not_count():
    first, second = camera([0, -DISTANCE, 0]), camera([0, -0.7 * DISTANCE, 0])
    found = words_of_facts(pair_of(ball(), first, second))
    assert (found["size"], found["beyond_lens"], found["lens"]) == ("larger", "larger", "same")
    zoomed = words_of_facts(pair_of(ball(), first, first, (70.0, 40.0)))
    assert (zoomed["size"], zoomed["beyond_lens"], zoomed["lens"]) == ("larger", "same", "in")
    both = words_of_facts(pair_of(ball(), first, second, (40.0, 70.0)))
    assert (both["size"], both["beyond_lens"], both["lens"]) == ("smaller", "larger", "out")


# --- wordings -----------------------------------------------------------------------------------------


def test_every_kind_has_wordings_for_training_and_others_for_testing():
    templates = load_templates()
    for kind in KINDS:
        train, test = templates.wordings[kind.name]["train"], templates.wordings[kind.name]["test"]
        assert len(set(train)) == len(train) >= 8
        assert len(set(test)) == len(test) >= 4
        for one in test:
            assert max(shared_phrases(one, other) for other in train) < 0.3, one


def shared_phrases(one, other):
    """The share of four words in a row that two wordings have in common."""
    runs = []
    for wording in (one, other):
        words = re.findall(r"\w+", wording.lower())
        runs.append({tuple(words[i : i + 4]) for i in range(len(words) - 3)})
    return len(runs[0] & runs[1]) / min(map(len, runs))


def test_no_wording_says_towards_which_some_read_as_the_direction_and_some_as_nearer():
    for name, uses in load_templates().wordings.items():
        for wording in (*uses["train"], *uses["test"]):
            assert "toward" not in wording.lower(), name


PAIRED = (
    ("clockwise", "counter-clockwise"),
    ("nearer", "farther"),
    ("higher", "lower"),
    ("forward", "backward"),
)


def test_a_wording_names_both_outcomes_or_none():
    for name, uses in load_templates().wordings.items():
        for wording in (*uses["train"], *uses["test"]):
            words = set(re.findall(r"[\w-]+", wording.lower()))
            for one, other in PAIRED:
                if name == "forward_translation/camera_1" and "forward" in words and "meaning" in words:
                    continue  # says what forward means
                if name == "object_translation/object_front" and one == "forward":
                    continue
                assert (one in words) == (other in words), wording
