"""Which of two objects of a scene is closer to a third one."""

from support.scene_answers import answer
from support.scene_samples import placed


def test_distances_on_the_floor():
    what = placed((0.0, 0.0), (-0.3, 0.1), (0.35, -0.1), (0.2, 0.3))
    assert answer("nearer_to/scene", what, 1, 2, 3) == "{b}"
    assert answer("nearer_to/scene", what, 2, 1, 3) == "{a}"
