"""Which object of a scene changed between two pictures."""

from support.scene_answers import answer
from support.scene_samples import between, placed

NAME = "changed_object/scene"
SCENE = placed((-0.15, 0.0), (0.15, 0.0), (0.0, -0.6))


def test_the_one_that_stands_elsewhere_is_found_among_three():
    moved = between(SCENE, (0.0, 0.0), {2: (0.0, -0.2)})
    assert answer(NAME, moved, 0, 1, 2, images=(0, 1), change="moved") == "{c}"
    assert answer(NAME, moved, 2, 1, 0, images=(0, 1), change="moved") == "{a}"
    assert answer(NAME, moved, 0, 1, 2, images=(0, 1), change="turned") is None  # that did not happen


def test_a_short_way_is_not_asked_about():
    short = between(SCENE, (0.0, 0.0), {2: (0.0, -0.55)})
    assert answer(NAME, short, 0, 1, 2, images=(0, 1), change="moved") is None
