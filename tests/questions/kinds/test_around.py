"""How far around the object the camera went, and which way, for a walk that a person can take."""

import numpy as np
import pytest
from support.acted_motions import (
    ABOVE,
    ANGLE,
    DISTANCE,
    EGO,
    ELEVATION,
    FACING,
    FORWARD,
    GATES,
    NEXT,
    NUMBER,
    POSE,
    TURN,
    WAY,
    WHICH,
    answers,
    camera,
    certain,
    truth,
)

from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.questions import facts_of


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
