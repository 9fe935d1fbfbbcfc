"""Which of two objects of a scene hides a part of the other."""

from support.scene_answers import answer, hiding
from support.scene_samples import placed

NAME = "hides/camera"
BEHIND = placed((0.0, -0.3), (0.0, 0.3), sizes=[[0.3, 0.1, 0.3], [0.3, 0.1, 0.3]])


def test_the_closer_one_hides_what_is_behind_it():
    assert answer(NAME, hiding(BEHIND, 0.6, [0]), 0, 1) == "{a} hides a part of {b}"
    assert answer(NAME, hiding(BEHIND, 0.6, [0]), 1, 0) == "{b} hides a part of {a}"
    assert answer(NAME, hiding(BEHIND, 0.9, [0]), 0, 1) is None  # hardly anything is hidden


def test_objects_side_by_side_hide_nothing_of_each_other():
    assert answer(NAME, placed((-0.3, 0.0), (0.3, 0.0)), 0, 1) == "neither hides a part of the other"
