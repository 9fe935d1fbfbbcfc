"""Two motions at once, and the one motion that explains everything."""

import pytest
from support.acted_motions import (
    BOTH,
    DISTANCE,
    EGO,
    FORWARD,
    NEXT,
    SOUTH,
    VERTICAL,
    WHICH,
    answers,
    camera,
    certain,
)


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


def test_a_lens_is_no_motion_and_makes_it_unfair_to_ask_for_the_one_motion():
    zoomed = answers(SOUTH, zoom_in=1.6)
    assert (zoomed[FORWARD], zoomed[DISTANCE]) == ("neither forward nor backward", "equally far")
    assert answers(camera(north=-1.9), zoom_in=0.6)[DISTANCE] == "nearer"
    assert WHICH in answers(camera(1.0))
    assert WHICH not in answers(camera(1.0), zoom_in=1.6)
    assert NEXT not in answers(camera(1.0), zoom_in=1.6)


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
