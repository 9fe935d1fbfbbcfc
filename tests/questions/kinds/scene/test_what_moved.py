"""What moved between two pictures of a scene."""

import pytest
from support.scene_answers import answer
from support.scene_samples import between, placed

SCENE = placed((-0.3, 0.0), (0.3, 0.0), (0.0, 0.3))


@pytest.mark.parametrize(
    ("camera", "moved", "words"),
    [
        ((0.0, 0.0), {}, "nothing at all"),
        ((0.3, 0.0), {}, "only the camera"),
        ((0.0, 0.0), {1: (0.3, 0.2)}, "only one object"),
        ((0.3, 0.0), {1: (0.3, 0.2)}, "the camera and one object"),
        ((0.05, 0.0), {}, None),  # less than people would call a move
    ],
)
def test_the_camera_an_object_both_or_neither(camera, moved, words):
    assert answer("what_moved/scene", between(SCENE, camera, moved), images=(0, 1)) == words
