"""What the camera would see after a move around the scene."""

from support.scene_answers import HALF, LEFT, QUARTER_LEFT, QUARTER_RIGHT, RIGHT, answer
from support.scene_samples import placed

from viewpoint100k.records import Move


def test_going_a_quarter_circle_to_the_right_one_looks_west():
    what = placed((0.0, 0.3), (0.0, -0.3), (0.3, 0.0))
    # from the east, what is north is to the right
    assert answer("side_after/camera", what, 0, 1, move=QUARTER_RIGHT) == RIGHT
    assert answer("side_after/camera", what, 0, 1, move=QUARTER_LEFT) == LEFT
    assert answer("side_after/camera", what, 0, 1, move=HALF) is None
    assert answer("closer_after/camera", what, 0, 1, move=HALF) == "{a}"
    assert answer("closer_after/camera", placed((0.35, 0.0), (-0.3, 0.0)), 0, 1, move=QUARTER_RIGHT) == "{a}"


def test_two_and_three_hops():
    what = placed((0.3, 0.0), (0.25, 0.15), (-0.3, 0.0), (-0.4, -0.4))
    now, stays = 1, Move()
    assert answer("hops/camera", what, 0, 2, move=stays) == RIGHT
    assert answer("hops/camera", what, 0, 2, move=HALF) == LEFT
    assert answer("hops/camera", what, 0, now, move=stays) is None  # the nearest is what it is compared with
