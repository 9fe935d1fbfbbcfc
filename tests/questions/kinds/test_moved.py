"""Which way the camera moved, for motions that a person can act out."""

import pytest
from support.acted_motions import (
    ABOVE,
    BOTH,
    DISTANCE,
    EGO,
    ELEVATION,
    FACING,
    FORWARD,
    NEXT,
    PITCH,
    POSE,
    TURN,
    VERTICAL,
    WHICH,
    answers,
    camera,
)

from viewpoint100k.geometry.cameras import look_at


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
