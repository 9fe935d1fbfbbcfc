"""Where an object of a scene is for the camera, compared with another."""

from support.scene_answers import LEFT, RIGHT, answer
from support.scene_samples import placed


def test_places_as_the_camera_sees_them():
    what = placed((-0.3, 0.0), (0.3, 0.0), (0.0, 0.35), (0.0, -0.3))
    assert answer("side_of/camera", what, 0, 1) == LEFT
    assert answer("side_of/camera", what, 1, 0) == RIGHT
    assert answer("side_of/camera", what, 2, 3) is None
    assert answer("front_of/camera", what, 3, 2) == "in front of it"
    assert answer("front_of/camera", what, 2, 3) == "behind it"
    assert answer("front_of/camera", what, 0, 1) is None
    assert answer("closer/camera", what, 2, 3) == "{b}"
