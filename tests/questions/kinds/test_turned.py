"""Which way the camera turned, tilted or rolled, for motions that a person can act out."""

import numpy as np
import pytest
from support.acted_motions import (
    ABOVE,
    EGO,
    FACING,
    NEXT,
    PITCH,
    ROLL,
    TURN,
    VERTICAL,
    WHICH,
    answers,
    camera,
)


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
