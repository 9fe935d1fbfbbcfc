"""How many objects of a scene are further to one side than another one."""

from support.scene_answers import answer
from support.scene_samples import placed


def test_counting():
    what = placed((0.0, 0.0), (-0.3, 0.1), (0.35, -0.1), (0.2, 0.3))
    assert answer("count/camera", what, 0, relation="left") == "one"
    assert answer("count/camera", what, 0, relation="right") == "two"
