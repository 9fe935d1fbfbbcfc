"""What two parts of a way around the object come to."""

import numpy as np
from support.box_views import GATES, a_set, answer
from support.egg_shots import Item, around, shoot, soundly, write

from viewpoint100k.questions import figures_of
from viewpoint100k.questions.kind import Figure


def test_two_ways_add_up():
    what = a_set(0, 110, 30, 60)  # east, so counter-clockwise
    assert answer("composed_angle", what, Figure(images=(0, 2, 1))) == "about 120 degrees counter-clockwise"
    assert answer("composed_angle", what, Figure(images=(0, 2, 3))) == "about 60 degrees counter-clockwise"
    assert (
        answer("composed_angle", what, Figure(images=(0, 1, 2))) is None
    )  # that is not the order of the way
    far = a_set(0, -138, -45, -90)
    assert answer("composed_angle", far, Figure(images=(0, 2, 1))) == "about 120 degrees clockwise"
    assert (
        answer("composed_angle", far, Figure(images=(0, 2, 3))) is None
    )  # 90 degrees are as near to 60 as to 120


def test_a_way_whose_mirror_image_shows_the_same_is_not_asked_about():
    kinds = {
        asked.kind.type
        for asked in figures_of(a_set(0, 110, 30, 60, other=0.01), GATES, np.random.default_rng(0))
    }
    assert "composed_angle" not in kinds and "order" in kinds  # an order names no side


def test_two_parts_of_a_way_add_up():
    shot = shoot([around(-90), around(-90 + 110), around(-40), around(-90 + 150)])
    item = Item(
        "composed_angle/seen_from_above",
        shot,
        Figure(images=(0, 2, 1)),
        "about 120 degrees counter-clockwise",
    )
    texts = soundly(item)
    assert all("110 degrees." in text or "110 degrees. " in text for text in texts)
    assert write(item, np.random.default_rng(0), "about 120 degrees clockwise") is None
