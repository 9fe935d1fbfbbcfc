"""Left and right as they are for the object, or for somebody who looks out of its front."""

import numpy as np
import pytest
from support.acted_motions import EGO, FACING, FRONT, GATES, answers, camera, certain, truth
from support.ball_pairs import around, ball, pair_of, words_of_facts
from support.kinds import chain_for, problems_with

from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.questions import facts_of


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


@pytest.mark.parametrize(
    ("front_azimuth_deg", "seen", "answer"),
    [(-90.0, "front", "left"), (90.0, "back", "right"), (0.0, "right", None)],
)
def test_an_objects_own_sides_are_those_of_somebody_who_looks_out_of_its_front(
    front_azimuth_deg, seen, answer
):
    pair = pair_of(ball(), around(-90), around(-60), front_azimuth_deg=front_azimuth_deg)
    assert words_of_facts(pair)["faces_1"] == seen
    if answer:
        text = chain_for("object_translation/object_front", *pair, answer, np.random.default_rng(0))
        assert text is not None


def test_nothing_follows_for_the_objects_own_sides_from_a_camera_that_stands_beside_it():
    """Neither implementation of chains draws a conclusion there, whatever the answer is said to be."""
    name = "object_translation/object_front"
    pair = pair_of(
        ball(), around(-90), around(-60), front_azimuth_deg=0.0
    )  # its right side, and then its front
    said = "Image 1 shows the object's right side. The object looks about equally large in both images"
    for answer in ("left", "right", "no movement sideways"):
        assert chain_for(name, *pair, answer, np.random.default_rng(0)) is None
        text = f"{said}. So the answer is: {answer}."
        found = problems_with(text, name, pair.views, ("left", "right", "no movement sideways"), answer, 0.0)
        assert found == [f"from what is said follows '', not {answer!r}"]
