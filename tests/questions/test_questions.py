"""Answers for motions that a person can act out, options and letters that give nothing away, wordings that can be replaced."""

import itertools
import json
from collections import Counter, defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
from support.kinds import options_of

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig, QuestionConfig
from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.questions import KINDS, carries_question, facts_of, load_templates
from viewpoint100k.questions.ask import Writer, askable, word_all
from viewpoint100k.questions.kind import PairKind
from viewpoint100k.questions.wording import Templates
from viewpoint100k.records import Decidability, ObjectRecord, Provenance, Sample, Seen, View
from viewpoint100k.scoring import score

GATES = GateConfig()
SOUTH = np.array(
    [[1.0, 0, 0, 0], [0, 0, 1, -3], [0, -1, 0, 0], [0, 0, 0, 1]]
)  # at -Y, looks north, east is right
TEMPLATES = Templates(
    load_templates().vocabulary,
    {kind.name: {"train": ["Which way?", "Where to?"], "test": ["Whither?", "And now?"]} for kind in KINDS},
)
LETTERS_ONLY = QuestionConfig(other_forms=0)


def view(world_from_camera, hfov_deg=60.0, box=(24, 24, 40, 40), share=0.06, size_px=64):
    focal_px = 0.5 * size_px / np.tan(np.radians(0.5 * hfov_deg))
    return View(
        intrinsics=[[focal_px, 0, size_px / 2], [0, focal_px, size_px / 2], [0, 0, 1]],
        world_from_camera=np.asarray(world_from_camera).tolist(),
        hfov_deg=hfov_deg,
        object_box=[float(v) for v in box],
        object_share=share,
        light="studio/world",
        background="plain",
    )


def certain(value=1.0, **less):
    return Decidability(**{name: less.get(name, value) for name in Decidability.model_fields})


def truth(second, first=SOUTH, front=None, shared=0.5, zoom_in=1.0):
    """Of two cameras; `zoom_in`: ratio of the focal lengths."""
    hfov_deg = np.degrees(2 * np.arctan(np.tan(np.radians(30)) / zoom_in))
    return make_truth(view(first), view(second, hfov_deg), shared, front)


def answers(second, first=SOUTH, decidability=None, **more):
    """The right option of every kind that may be asked."""
    found = facts_of(truth(second, first, **more), decidability or certain(), GATES)
    return {one.kind.name: options_of(one.kind)[one.fact.option] for one in found if one.kind.options}


def sample(second, first=SOUTH, split="train", decidability=None, **more):
    return Sample(
        object=ObjectRecord(uid="thing"),
        preset="smoke",
        family="mixed",
        split=split,
        views=[view(first), view(second)],
        truth=truth(second, first, **more),
        decidability=decidability or certain(),
        questions=[],
        provenance=Provenance(seed=0, config_hash="c0ffee", code_version="0", renderer="none", device="cpu"),
    )


def ask(samples, settings=LETTERS_ONLY, start=0, seed=0):
    keys = [f"train-00000-{number:05d}" for number in range(len(samples))]
    rng = np.random.default_rng(seed)
    candidates = [askable(one, GATES, rng) for one in samples]  # nothing is thinned: test_balance.py
    return word_all(keys, samples, candidates, GATES, Writer(settings, TEMPLATES, start), rng)


def camera(east=0.0, north=-3.0, height=0.0, bearing_deg=0.0, pitch_deg=0.0, roll_deg=0.0):
    """A camera at a place on the map, its heading clockwise from north, written out by hand."""
    b, p, r = np.radians([bearing_deg, pitch_deg, roll_deg])
    ahead = np.array([np.sin(b) * np.cos(p), np.cos(b) * np.cos(p), np.sin(p)])
    aside = np.array([np.cos(b), -np.sin(b), 0])
    overhead = np.cross(aside, ahead)
    out = np.eye(4)
    out[:3, 0] = np.cos(r) * aside - np.sin(r) * overhead  # clockwise from behind: the right hand sinks
    out[:3, 1] = -np.cos(r) * overhead - np.sin(r) * aside
    out[:3, 2] = ahead
    out[:3, 3] = [east, north, height]
    return out


EGO, FACING, ABOVE = (
    "ego_translation/camera_1",
    "object_translation/object_facing_camera_1",
    "object_translation/seen_from_above",
)
TURN, FRONT, PITCH, ROLL = (
    "ego_rotation/camera_1",
    "object_translation/object_front",
    "pitch/camera_1",
    "roll/behind_camera_1",
)
VERTICAL, FORWARD, BOTH = (
    "vertical_translation/camera_1",
    "forward_translation/camera_1",
    "combined_translation/camera_1",
)
WHICH, NEXT, POSE = "which_motion/camera_1", "next_action/camera_1", "relative_pose/camera_1"
ANGLE, NUMBER, WAY = "angle/around_object", "angle_number/around_object", "signed_angle/seen_from_above"
DISTANCE, ELEVATION = "distance/object", "elevation/object"


def test_the_hand_made_cameras_agree():
    assert np.allclose(camera(), SOUTH)
    assert np.allclose(camera(3, 0, bearing_deg=-90), look_at([3.0, 0, 0], [0, 0, 0]))
    assert np.allclose(camera(0, -3, 3, pitch_deg=-45), look_at([0, -3.0, 3.0], [0, 0, 0]))
    assert np.allclose(camera(roll_deg=20), look_at([0, -3.0, 0], [0, 0, 0], 20.0))


def test_the_kinds_are_those_of_all_tiers_and_no_two_have_one_name():
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names) == 47
    assert {EGO, FACING, ABOVE, TURN, FRONT, PITCH, ROLL, VERTICAL, FORWARD, BOTH, WHICH, NEXT, POSE} < set(
        names
    )
    assert {ANGLE, NUMBER, WAY, DISTANCE, ELEVATION} < set(names)
    for kind in KINDS:
        assert len(set(kind.options)) == len(kind.options)
        if isinstance(kind, PairKind):
            assert set(kind.decided_by) <= set(Decidability.model_fields)


# --- tier A ------------------------------------------------------------------------------------------


def test_walking_a_quarter_circle_east_around_the_object():
    found = answers(camera(3, 0, bearing_deg=-90))  # stands east of it, looks west
    assert found[EGO] == "right"
    assert found[FACING] == "left"
    assert found[ABOVE] == "counter-clockwise"
    assert found[TURN] == "left"
    assert found[POSE] == "moved right, turned left"
    assert found[WHICH] == "it went around the object"
    assert found[ANGLE] == "about 90 degrees"
    assert found[WAY] == "about 90 degrees counter-clockwise"
    assert found[DISTANCE] == "equally far"
    assert found[ELEVATION] == "equally high"
    assert (
        FORWARD not in found
    )  # it is now as far ahead as it is aside, and no nearer: people would not say forward
    assert NEXT not in found  # no single action does that


def test_walking_west_around_the_object():
    found = answers(camera(-2.1, -2.1, bearing_deg=45))
    assert found[EGO] == "left"
    assert found[FACING] == "right"
    assert found[ABOVE] == "clockwise"
    assert found[TURN] == "right"
    assert found[POSE] == "moved left, turned right"
    assert found[WAY] == "about 45 degrees clockwise"


def test_stepping_right_without_turning():
    found = answers(camera(1.0))
    assert found[EGO] == "right"
    assert found[FACING] == "left"
    assert found[ABOVE] == "counter-clockwise"
    assert found[TURN] == "no horizontal rotation"
    assert found[VERTICAL] == "neither up nor down"
    assert found[FORWARD] == "neither forward nor backward"
    assert found[WHICH] == "it moved sideways"
    assert found[NEXT] == "move right"
    assert POSE not in found  # only asked where both happen
    assert BOTH not in found


def test_stepping_left_and_turning_left_too():
    found = answers(camera(-1.0, bearing_deg=-12))
    assert (found[EGO], found[FACING], found[ABOVE], found[TURN]) == ("left", "right", "clockwise", "left")
    assert found[POSE] == "moved left, turned left"
    assert WHICH not in found


def test_turning_right_on_the_spot():
    found = answers(camera(bearing_deg=14))
    nothing = "no movement sideways"
    assert (found[EGO], found[FACING], found[ABOVE], found[TURN]) == (
        nothing,
        nothing,
        "no movement around it",
        "right",
    )
    assert (found[WHICH], found[NEXT]) == ("it turned left or right", "turn right")
    assert (found[PITCH], found[ROLL]) == ("no tilt", "no roll")


def test_from_the_objects_place_the_side_is_the_one_a_person_there_would_name():
    """An object that faces south looks at the camera; east is on its left hand."""
    assert answers(camera(1.5, -2.6))[FACING] == "left"


@pytest.mark.parametrize(
    ("front_azimuth_deg", "side"),
    [
        (-90, "left"),  # it faces south, to the camera: east is on its left
        (-60, "left"),  # it faces a little past the camera
        (90, "right"),  # it faces north, shows its back: east is on its right
        (60, "right"),
        (-40, None),  # the camera stands nearly beside it
        (0, None),  # it faces east: the camera came straight to its front
        (180, None),
    ],
)
def test_along_the_objects_own_left_and_right_from_before_it_or_from_behind(front_azimuth_deg, side):
    found = answers(camera(1.5), front=float(front_azimuth_deg))
    assert found.get(FRONT) == side
    assert found[FACING] == "left"  # whatever its front is


@pytest.mark.parametrize("north", [-1.8, -4.2])
def test_who_stands_beside_an_object_and_comes_nearer_is_not_asked_about_its_own_sides(north):
    """From the south, an object that faces east or west is seen from the side: nearer means away from that side."""
    for front in (0.0, 180.0):
        assert FRONT not in answers(camera(north=north), front=front)
    for front in (90.0, -90.0):
        assert answers(camera(north=north), front=front)[FRONT] == "no movement sideways"


def test_a_step_ahead_that_is_also_one_along_the_objects_own_side_is_not_asked_about():
    """Seen askew, a long step straight ahead leads to the object's other side, and people say: it came nearer."""
    found = answers(camera(north=-1.2), front=-50.0)
    assert found[EGO] == "no movement sideways"
    assert FRONT not in found
    assert answers(camera(north=-1.2), front=-90.0)[FRONT] == "no movement sideways"


def test_from_how_far_beside_the_front_one_is_asked_is_a_setting():
    narrow = GATES.model_copy(update={"front_sector_deg": 20.0})
    for front, asked in ((-71.0, True), (-69.0, False)):  # the camera stands at -90
        known = truth(camera(1.5), front=front)
        assert (FRONT in {one.kind.name for one in facts_of(known, certain(), narrow)}) == asked
        assert FRONT in {one.kind.name for one in facts_of(known, certain(), GATES)}


def test_a_camera_in_the_east_that_goes_north():
    east, further = camera(3, 0, bearing_deg=-90), camera(3, 1.0, bearing_deg=-90)
    assert answers(further, first=east, front=0.0)[FRONT] == "left"  # it faces east
    assert answers(further, first=east, front=180.0)[FRONT] == "right"  # its back is to us
    assert answers(further, first=east)[EGO] == "right"


def test_without_a_known_front_it_is_not_asked_about():
    assert FRONT not in answers(camera(1.0))


def test_along_the_front_the_heights_and_distances_of_both_cameras_count():
    """The first camera looks down from a height: the step is measured on the map, over the distance between them."""
    first = look_at([0.5, -2.0, 2.0], [0, 0, 0])
    second = look_at([1.5, -2.5, 0.4], [0, 0, 0])  # 1.0 to the east, over 2.87: clear
    assert answers(second, first=first, front=90.0)[FRONT] == "right"
    assert answers(second, first=first, front=-90.0)[FRONT] == "left"
    assert FRONT not in answers(
        look_at([0.9, -2.5, 0.4], [0, 0, 0]), first=first, front=90.0
    )  # 0.4 over 2.87: grey


# --- tier B ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "way", "level"), [(1.0, "up", "higher"), (-1.0, "down", "lower")])
def test_going_up_and_down(height, way, level):
    found = answers(camera(height=height))
    assert (found[VERTICAL], found[ELEVATION]) == (way, level)
    assert (found[WHICH], found[NEXT]) == ("it moved up or down", f"move {way}")
    assert (found[EGO], found[PITCH]) == ("no movement sideways", "no tilt")


def test_a_level_way_around_for_a_camera_that_looks_down_is_not_called_up():
    """Its own upright axis leans ahead, so that half of a quarter circle ahead is also up along it."""
    first, second = look_at([0, -2.6, 1.5], [0, 0, 0]), look_at([2.6, 0, 1.5], [0, 0, 0])
    assert -first[:3, 1] @ (second - first)[:3, 3] > 0.4 * 3
    found = answers(second, first=first)
    assert (found[EGO], found[ELEVATION]) == ("right", "equally high")
    assert VERTICAL not in found and BOTH not in found
    assert answers(look_at([0, -2.2, 2.6], [0, 0, 0]), first=first)[VERTICAL] == "up"


def test_a_step_ahead_after_which_the_object_is_seen_from_higher_is_not_called_neither():
    first = camera(0, -3.0, 1.5, pitch_deg=-10)
    ahead = first[:3, 3] + 1.2 * first[:3, 2]
    found = answers(camera(*ahead, pitch_deg=-10), first=first)
    assert (found[FORWARD], found[ELEVATION]) == ("forward", "higher")
    assert VERTICAL not in found


@pytest.mark.parametrize(
    ("north", "way", "far"),
    [(-1.9, "forward", "nearer"), (-4.2, "backward", "farther"), (-3.0, "neither", "equally")],
)
def test_going_forward_and_back(north, way, far):
    found = answers(camera(north=north))
    assert found[FORWARD].startswith(way)
    assert found[DISTANCE].startswith(far)
    if way != "neither":
        assert (found[WHICH], found[NEXT]) == ("it moved forward or back", f"move {way}")


@pytest.mark.parametrize(
    ("east", "height", "both"),
    [
        (1.0, 1.0, "right and up"),
        (-1.0, 1.0, "left and up"),
        (1.0, -1.0, "right and down"),
        (-1.0, -1.0, "left and down"),
    ],
)
def test_two_axes_at_once(east, height, both):
    found = answers(camera(east, height=height))
    assert found[BOTH] == both
    assert found[EGO] == both.split()[0]
    assert found[VERTICAL] == both.split()[2]
    assert WHICH not in found


@pytest.mark.parametrize(("pitch_deg", "way"), [(10, "up"), (-10, "down"), (0, "no tilt")])
def test_tilting_up_and_down(pitch_deg, way):
    found = answers(camera(pitch_deg=pitch_deg))
    assert found[PITCH] == way
    assert found[VERTICAL] == "neither up nor down"
    if pitch_deg:
        assert (found[WHICH], found[NEXT]) == ("it tilted up or down", f"tilt {way}")


@pytest.mark.parametrize(("roll_deg", "way"), [(15, "clockwise"), (-15, "counter-clockwise"), (0, "no roll")])
def test_rolling_as_seen_from_behind_the_camera(roll_deg, way):
    found = answers(camera(roll_deg=roll_deg))
    assert found[ROLL] == way
    if roll_deg:
        assert (found[WHICH], found[NEXT]) == ("it rolled to one side", f"roll {way}")


def test_the_pictures_content_turns_against_a_rolling_camera():
    """What is up in the world leans left in a picture taken by a camera rolled clockwise."""
    up = np.linalg.inv(camera(roll_deg=15))[:3, :3] @ [0, 0, 1]
    assert up[0] < -0.2
    assert up[1] < 0  # y down: still mostly up
    assert answers(camera(roll_deg=15))[ROLL] == "clockwise"


def test_a_lens_is_no_motion_and_makes_it_unfair_to_ask_for_the_one_motion():
    zoomed = answers(SOUTH, zoom_in=1.6)
    assert (zoomed[FORWARD], zoomed[DISTANCE]) == ("neither forward nor backward", "equally far")
    assert answers(camera(north=-1.9), zoom_in=0.6)[DISTANCE] == "nearer"
    assert WHICH in answers(camera(1.0))
    assert WHICH not in answers(camera(1.0), zoom_in=1.6)
    assert NEXT not in answers(camera(1.0), zoom_in=1.6)


@pytest.mark.parametrize(
    ("angle_deg", "said"),
    [(-16, 20), (23, 20), (38, 45), (-51, 45), (80, 90), (-105, 90)]
    + [(angle, None) for angle in (8, 13, -26, 30, 35, 55, -64, 76, 120)],
)
def test_the_nearest_angle_is_asked_unless_another_is_nearly_as_near(angle_deg, said):
    found = answers(
        look_at([3 * np.sin(np.radians(angle_deg)), -3 * np.cos(np.radians(angle_deg)), 0], [0, 0, 0])
    )
    way = "counter-clockwise" if angle_deg > 0 else "clockwise"
    assert found.get(ANGLE) == (said and f"about {said} degrees")
    assert found.get(WAY) == (said and f"about {said} degrees {way}")


def test_the_angle_as_a_number_is_the_angle_without_its_sign():
    for angle_deg in (-47.3, 47.3):
        second = look_at(
            [3 * np.sin(np.radians(angle_deg)), -3 * np.cos(np.radians(angle_deg)), 0.8], [0, 0, 0]
        )
        found = [one for one in facts_of(truth(second), certain(), GATES) if one.kind.name == NUMBER]
        assert [one.fact.value for one in found] == [47.3]
    assert NUMBER not in {
        one.kind.name for one in facts_of(truth(camera(0.9)), certain(), GATES)
    }  # 17 degrees


def test_how_far_is_only_asked_where_enough_of_the_surface_is_shared():
    second = look_at([2.0, -2.2, 0.0], [0, 0, 0])
    kinds = [
        {one.kind.name for one in facts_of(truth(second, shared=shared), certain(), GATES)}
        for shared in (0.26, 0.24)
    ]
    assert {ANGLE, NUMBER, WAY} <= kinds[0]
    assert {ANGLE, NUMBER, WAY}.isdisjoint(kinds[1])
    assert ABOVE in kinds[1]


# --- when it is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "missing"),
    [
        (camera(0.5), EGO),  # a sixth of the distance: neither nothing nor clear
        (camera(0.5), FACING),
        (camera(0.6), ABOVE),  # 11 degrees around
        (camera(bearing_deg=5), TURN),
        (camera(height=0.5), VERTICAL),
        (camera(north=-2.7), FORWARD),  # a tenth of the distance
        (camera(north=-2.75), DISTANCE),
        (camera(pitch_deg=5), PITCH),
        (camera(roll_deg=-5), ROLL),
        (camera(height=0.3), ELEVATION),  # 6 degrees
        (camera(0.8, -0.9), EGO),  # twice as far ahead as aside: people say "forward"
        (camera(0.9, -3, 2.0), EGO),
    ],
)
def test_what_lies_in_the_grey_band_is_not_asked(second, missing):
    assert missing not in answers(second)


ALL_AT_ONCE = camera(1.2, -2.0, 1.0, bearing_deg=-25, pitch_deg=-12, roll_deg=10)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("translation", {EGO, FACING, FRONT, POSE, BOTH}), ("rotation", {TURN, POSE}), ("vertical", {VERTICAL, BOTH}),
        ("azimuth", {ABOVE, ANGLE, NUMBER, WAY}), ("pitch", {PITCH}), ("roll", {ROLL}), ("elevation", {ELEVATION}),
        ("distance", {DISTANCE}), ("forward", {FORWARD}),
    ],
)  # fmt: skip
def test_what_the_picture_cannot_show_is_not_asked(name, gone):
    def names(decidability):
        found = facts_of(truth(ALL_AT_ONCE, front=-90.0), decidability, GATES)
        return {one.kind.name for one in found}

    everything = names(certain())
    assert gone - {ANGLE, WAY} <= everything
    assert everything - names(certain(**{name: 0.029})) == gone & everything
    assert names(certain(**{name: 0.031})) == everything
    assert names(certain(0.0)) == set()


def test_the_one_motion_is_judged_by_what_it_would_be_mistaken_for():
    step, roll, around = camera(1.0), camera(roll_deg=15), camera(3, 0, bearing_deg=-90)
    for second, name in (
        (step, "translation"),
        (roll, "roll"),
        (around, "translation"),
        (around, "rotation"),
    ):
        assert WHICH in answers(second)
        assert WHICH not in answers(second, decidability=certain(**{name: 0.0}))
    assert WHICH in answers(roll, decidability=certain(translation=0.0))


def test_margins_are_at_least_one_and_grow_with_the_motion():
    def margins(second):
        return {one.kind.name: one.fact.margin for one in facts_of(truth(second), certain(), GATES)}

    small, large = margins(camera(0.8)), margins(camera(2.0))
    assert 1 <= small[EGO] < large[EGO]
    for margin in (small, large, margins(SOUTH), margins(ALL_AT_ONCE)):
        assert min(margin.values()) >= 1
    assert margins(SOUTH)[EGO] == pytest.approx(2)  # nothing at all: as far below the band as can be


def known(truth, decidability):
    return SimpleNamespace(
        views=[None, None], truth=truth, decidability=decidability, seen=Seen(), scene=None
    )


def test_a_pair_that_moves_must_be_asked_about_a_motion():
    moves, still = truth(camera(1.0)), truth(SOUTH)
    assert carries_question(known(moves, certain()), GATES)
    assert carries_question(known(still, certain()), GATES)
    names = ("translation", "vertical", "forward", "azimuth")
    undecided = certain(**dict.fromkeys(names, 0.0))
    assert not carries_question(known(moves, undecided), GATES)  # "no roll" alone is no question
    assert not carries_question(known(still, certain(0.0)), GATES)


def test_swapping_the_views_swaps_the_answers():
    opposite = {
        "left": "right", "clockwise": "counter-clockwise", "nearer": "farther", "up": "down", "higher": "lower",
        "forward": "backward", "moved right, turned left": "moved left, turned right",
        "left and up": "right and down", "right and up": "left and down",
    }  # fmt: skip
    opposite |= {there: back for back, there in opposite.items()}
    first, second = camera(0, -2.6, 0.4, 0, -8), camera(1.5, -2.6, 1.9, -22, -22)
    there, back = answers(second, first), answers(first, second)
    both = set(there) & set(back) - {ANGLE, WAY, WHICH}
    assert {EGO, TURN, ABOVE, VERTICAL, PITCH, ELEVATION} <= both
    assert {kind: opposite.get(there[kind], there[kind]) for kind in both} == {
        kind: back[kind] for kind in both
    }


# --- options, letters, words -------------------------------------------------------------------------


def test_each_letter_is_right_equally_often_for_each_answer():
    samples = [sample(camera(1.0 if number % 2 else -1.0)) for number in range(60)]
    letters = Counter()
    for questions in ask(samples, start=3):
        for question in questions:
            letters[
                question.type, question.frame, question.options[question.answer_index], question.answer
            ] += 1
    for kind_and_answer in {key[:3] for key in letters if key[0] == "ego_translation"}:
        found = [letters[*kind_and_answer, letter] for letter in "ABC"]
        assert min(found) > 0
        assert max(found) - min(found) <= 1


def test_many_small_shards_together_have_balanced_letters():
    letters = Counter()
    for shard in range(120):
        asked_here = ask([sample(camera(1.0)), sample(camera(-1.0))], start=shard, seed=shard)
        letters.update(q.answer for questions in asked_here for q in questions if q.type == "ego_translation")
    assert set(letters) == set("ABC")
    assert letters.total() > 100
    assert max(letters.values()) - min(letters.values()) <= 12


def test_the_order_of_the_options_does_not_tell_which_is_right():
    orders = defaultdict(Counter)
    for questions in ask([sample(camera(1.0 if n % 2 else -1.0)) for n in range(200)]):
        for question in (q for q in questions if q.type == "ego_translation"):
            orders[question.options[question.answer_index]][tuple(question.options)] += 1
    assert {len(seen) for seen in orders.values()} == {6}


def asked(name, seconds, settings=LETTERS_ONLY, **more):
    samples = [sample(second, **more) for second in seconds]
    found = [q for questions in ask(samples, settings) for q in questions]
    return [q for q in found if f"{q.type}/{q.frame}" == name]


SINGLE_MOTIONS = [
    camera(1.0), camera(-1.0), camera(height=1.0), camera(height=-1.0), camera(north=-2.0), camera(north=-4.0),
    camera(bearing_deg=13), camera(bearing_deg=-13), camera(pitch_deg=10), camera(pitch_deg=-10),
    camera(roll_deg=15), camera(roll_deg=-15),
]  # fmt: skip


def test_four_of_many_options_are_shown_with_the_right_one_and_its_opposite():
    found = asked(NEXT, SINGLE_MOTIONS * 5)
    assert len(found) >= 40
    kind = next(kind for kind in KINDS if kind.name == NEXT)
    shown = Counter()
    for question in found:
        numbers = [options_of(kind).index(option) for option in question.options]
        assert [kind.options[n] for n in numbers] == question.option_keys
        assert len(set(numbers)) == 4
        assert sorted(n ^ 1 for n in numbers) == sorted(numbers)  # twins: neither is left out
        shown.update(n // 2 for n in numbers)
    assert set(shown) == set(range(6))
    letters = Counter(question.answer for question in found)
    assert set(letters) == set("ABCD")


def test_four_kinds_of_motion_are_shown_the_right_one_among_them():
    found = asked(WHICH, [*SINGLE_MOTIONS[::2], camera(3, 0, bearing_deg=-90)] * 5)
    assert len(found) >= 25
    assert all(len(set(question.options)) == 4 for question in found)
    assert len({frozenset(question.options) for question in found}) > 6


def test_small_sets_are_shown_whole_whatever_is_right():
    every_way = [
        camera(1.2 * x, -2.0, z, bearing_deg=25 * yaw, pitch_deg=-12 * z, roll_deg=10 * z)
        for x, yaw, z in itertools.product((1, -1), repeat=3)
    ]
    for name in (EGO, VERTICAL, ROLL, POSE):
        kind = next(kind for kind in KINDS if kind.name == name)
        found = asked(name, every_way * 4)
        assert found
        assert all(sorted(question.options) == sorted(options_of(kind)) for question in found)


@pytest.mark.parametrize("form", ["letter", "digit", "word", "json", "number"])
def test_every_answer_form_shows_its_options_its_own_way_and_says_how_to_answer(form):
    marks = {"letter": "A.", "json": "A.", "digit": "1.", "word": "-"}
    endings = {
        "letter": "letter",
        "json": "JSON",
        "digit": "number of the correct",
        "word": "words",
        "number": "degrees",
    }
    seconds = [ALL_AT_ONCE, camera(1.0), look_at([2.0, -2.2, 0.0], [0, 0, 0])] * 10
    samples = [one for second in seconds for one in (sample(second), sample(SOUTH, second))]
    found = [q for qs in ask(samples, QuestionConfig(other_forms=0.9)) for q in qs if q.answer_form == form]
    assert len(found) >= 10
    for question in found:
        lines = question.prompt.split("\n")
        assert endings[form] in lines[-1]
        assert len(lines) == 2 + len(question.options)
        if form == "number":
            assert question.options == []
            assert (question.answer_index, question.answer) == (-1, f"{question.value:.0f}")
        else:
            assert lines[1] == f"{marks[form]} {question.options[0]}"
            right = question.options[question.answer_index]
            place = question.answer_index
            assert {
                "letter": question.answer == "ABCD"[place], "digit": question.answer == str(place + 1),
                "word": question.answer == right,
                "json": form == "json" and json.loads(question.answer) == {"answer": "ABCD"[place]},
            }[form]  # fmt: skip
        gold = question.answer, question.options, question.answer_index, form, question.value
        assert score(*gold) == 1


def test_other_forms_have_their_share():
    samples = [sample(ALL_AT_ONCE), sample(SOUTH, ALL_AT_ONCE)] * 40
    for share in (0.0, 0.25, 1.0):
        forms = [
            q.answer_form for qs in ask(samples, QuestionConfig(other_forms=share)) for q in qs if q.options
        ]
        assert np.mean([form != "letter" for form in forms]) == pytest.approx(share, abs=0.1)
    assert set(forms) == {"digit", "word", "json"}


def test_the_lens_is_told_where_size_means_something_and_nowhere_else():
    samples = [
        sample(camera(north=-1.9)).model_copy(
            update={"views": [view(SOUTH, 60.0), view(camera(north=-1.9), second)]}
        )
        for second in (60.0, 42.0)
    ]
    same, other = ask(samples)
    for questions, words in (
        (same, "of 60 degrees"),
        (other, "60 degrees in image 1 and 42 degrees in image 2"),
    ):
        told = {f"{q.type}/{q.frame}" for q in questions if words in q.prompt.split("\n")[0]}
        assert told <= {FORWARD, DISTANCE, WHICH, NEXT}
        assert {f"{q.type}/{q.frame}" for q in questions} & {FORWARD, DISTANCE, WHICH, NEXT} == told


def test_wordings_for_testing_are_never_used_for_training():
    for split, words in (("train", {"Which way?", "Where to?"}), ("validation", {"Which way?", "Where to?"}),
                         ("test", {"Whither?", "And now?"})):  # fmt: skip
        found = [q for qs in ask([sample(camera(1.0, bearing_deg=12), split=split)] * 9) for q in qs]
        used = {
            next(w for w in ("Which way?", "Where to?", "Whither?", "And now?") if q.prompt.startswith(w))
            for q in found
        }
        assert used == words
        use = "test" if split == "test" else "train"
        assert all(q.template.startswith(f"{q.type}/{q.frame}/{use}/") for q in found)


def test_the_same_seed_asks_the_same():
    samples = [sample(ALL_AT_ONCE), sample(camera(1.0)), sample(SOUTH)] * 4
    assert ask(samples, seed=1) == ask(samples, seed=1)
    assert ask(samples, seed=1) != ask(samples, seed=2)


def test_ids_name_sample_and_kind():
    ids = [q.id for qs in ask([sample(ALL_AT_ONCE), sample(ALL_AT_ONCE)]) for q in qs]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith(("train-00000-00000-", "train-00000-00001-")) for one in ids)
