"""Where an object is for a person who stands at another one."""

from support.scene_answers import answer
from support.scene_samples import placed


def test_who_stands_in_the_middle_and_looks_away_has_the_right_on_the_right():
    what = placed((0.0, 0.0), (0.0, 0.4), (0.3, 0.2), (-0.3, -0.25), (0.05, -0.4))
    assert answer("perspective/object", what, 0, 1, 2) == "ahead on the right"
    assert answer("perspective/object", what, 0, 1, 3) == "behind on the left"
    # who looks east by north has the south behind the right shoulder
    assert answer("perspective/object", what, 0, 2, 4) == "behind on the right"
    assert answer("perspective/object", what, 0, 2, 3) is None  # straight behind


def test_a_turn_is_asked_about_only_if_it_is_near_one_of_the_angles():
    what = placed((0.0, 0.0), (0.0, 0.4), (0.3, 0.27), (-0.3, -0.25), (0.33, 0.2))
    assert answer("turn_to_face/object", what, 0, 1, 2) == "about 45 degrees to the right"
    assert answer("turn_to_face/object", what, 0, 1, 3) == "about 135 degrees to the left"
    assert answer("turn_to_face/object", what, 0, 1, 4) is None  # 59 degrees: some would say 45, others 90
