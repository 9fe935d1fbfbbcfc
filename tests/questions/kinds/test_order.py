"""In which order three pictures were taken on a way around the object."""

import pytest
from support.box_views import a_set, answer
from support.egg_shots import Item, around, shoot, soundly

from viewpoint100k.questions.kind import Figure


def test_the_order_of_a_way_around_the_object():
    assert answer("order", a_set(0, 90, 30, 60)) == "3, 4, 2"
    assert answer("order", a_set(0, -30, -60, -90)) == "2, 3, 4"
    assert answer("order", a_set(0, 30, -30, 60)) is None  # it would have had to turn back
    assert answer("order", a_set(0, 30, 45, 90)) is None  # two are too near to each other
    assert answer("order", a_set(0, 40, 80, 120, shared=0.05)) is None


@pytest.mark.parametrize("way", [1, -1])
def test_the_order_is_that_of_the_way_from_image_1(way):
    shot = shoot([around(-90), around(-90 + way * 120), around(-90 + way * 40), around(-90 + way * 80)])
    texts = soundly(Item("order/around_object", shot, Figure(images=(0, 1, 2, 3)), "3, 4, 2"))
    edge = "left" if way > 0 else "right"
    assert all(f"{edge} edge" in text for text in texts if " edge" in text)
