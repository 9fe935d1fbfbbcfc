"""The order along a way around the object, by hand."""

import pytest
from support.published import proven, refusals, sample_of, set_seen, view_at

KIND = "order/around_object"
IMAGES = [0, 1, 2, 3]
OPTIONS = ["2, 3, 4", "2, 4, 3", "3, 2, 4", "3, 4, 2", "4, 2, 3", "4, 3, 2"]


def arc(*angles):
    return sample_of([view_at(-90), *(view_at(-90 + angle) for angle in angles)], seen=set_seen(4))


@pytest.mark.parametrize(
    ("angles", "words"),
    [((120, 40, 80), "3, 4, 2"), ((-30, -60, -95), "2, 3, 4"), ((40, -40, 80), None), ((80, 160, 240), None)],
)
def test_views_of_one_way(angles, words):
    assert proven(KIND, arc(*angles), images=IMAGES) == words


def test_a_chain_orders_the_pictures_by_how_far_the_face_has_turned_away():
    text = (
        "Images 2, 3 and 4 each show more of the side of the object that was on the right in image 1. "
        "Moving towards the object's left edge, the part that faced the camera in image 1 is out of sight "
        "in image 2, two thirds of the way in image 3 and all the way in image 4. So the answer is: 3, 4, 2."
    )
    sample = arc(120, 40, 80)
    assert refusals(text, KIND, sample, "3, 4, 2", OPTIONS, images=IMAGES) == []
    for old, new in (
        ("on the right in", "on the left in"),
        ("left edge", "right edge"),
        ("two thirds of", "a third of"),
        ("out of sight in image 2", "all the way in image 2"),
    ):
        assert refusals(text.replace(old, new), KIND, sample, "3, 4, 2", OPTIONS, images=IMAGES)
    only_ranks = (
        "Images 2, 3 and 4 each show more of the side of the object that was on the right in image 1. So "
        "the answer is: 3, 4, 2."
    )
    assert refusals(only_ranks, KIND, sample, "3, 4, 2", OPTIONS, images=IMAGES) == [
        "from what is said follows '', not '3, 4, 2'"
    ]
