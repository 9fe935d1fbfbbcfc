"""From how far away, and from how high, the object is seen in the second picture."""

import pytest
from support.acted_motions import DISTANCE, ELEVATION, answers, camera

from viewpoint100k.geometry.cameras import look_at


@pytest.mark.parametrize(("north", "words"), [(-1.9, "nearer"), (-4.2, "farther"), (-2.98, "equally far")])
def test_walking_up_to_the_object_and_away_from_it(north, words):
    assert answers(camera(north=north))[DISTANCE] == words


def test_a_camera_that_climbs_on_a_sphere_is_higher_and_equally_far():
    first = look_at([0, -3.0, 0], [0, 0, 0])
    above = look_at([0, -2.6, 1.5], [0, 0, 0])  # 30 degrees up, at a distance of 3.0
    assert answers(above, first=first)[ELEVATION] == "higher"
    assert answers(above, first=first)[DISTANCE] == "equally far"
    assert answers(first, first=above)[ELEVATION] == "lower"


def test_tilting_the_camera_changes_neither():
    found = answers(camera(pitch_deg=10))
    assert found[ELEVATION] == "equally high"
    assert found[DISTANCE] == "equally far"
