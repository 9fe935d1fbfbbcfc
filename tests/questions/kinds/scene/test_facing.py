"""Which way objects of a scene face."""

from support.scene_answers import answer
from support.scene_samples import placed


def test_which_way_things_face():
    # own +x is the front; turned by 90 degrees it faces north, which is away from the camera
    what = placed((0.0, 0.0), (0.25, 0.2), (-0.25, 0.0), turns=[90.0, 180.0, 270.0])
    assert answer("faces/camera", what, 0) == "away from the camera"
    assert answer("faces/camera", what, 1) == "to the left"
    assert answer("facing/objects", what, 0, 1) == "a quarter turn to the left of that"
    assert answer("facing/objects", what, 0, 2) == "the opposite way"
    assert answer("facing/objects", placed((0, 0), (0.3, 0), turns=[90.0, 45.0]), 0, 1) is None
