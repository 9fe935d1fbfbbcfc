"""Which way around the object and how far, by hand: to the right is counter-clockwise from above."""

import pytest
from support.published import proven, refusals, sample_of, view_at

from viewpoint100k.config import GateConfig


def pair(angle_deg):
    return sample_of([view_at(-90, 10), view_at(-90 + angle_deg, 10)])


@pytest.mark.parametrize(
    ("kind", "angle_deg", "words"),
    [
        ("object_translation/seen_from_above", 40, "counter-clockwise"),
        ("object_translation/seen_from_above", -40, "clockwise"),
        ("object_translation/seen_from_above", 0, "no movement around it"),
        ("object_translation/seen_from_above", 8, None),
        ("angle/around_object", 20, "about 20 degrees"),
        ("angle/around_object", -48, "about 45 degrees"),
        ("angle/around_object", 95, "about 90 degrees"),
        ("angle/around_object", 30, None),
        ("signed_angle/seen_from_above", -90, "about 90 degrees clockwise"),
        ("angle_number/around_object", 55, pytest.approx(55)),
        ("angle_number/around_object", 10, None),
    ],
)
def test_a_way_around_the_object(kind, angle_deg, words):
    assert proven(kind, pair(angle_deg)) == words


def test_how_near_to_an_edge_is_asked_about_is_a_setting():
    assert proven("angle/around_object", pair(35)) is None
    assert proven("angle/around_object", pair(35), GateConfig(bin_grey=0.1)) == "about 45 degrees"


def test_a_chain_says_how_far_the_face_went_and_what_that_means():
    face = (
        "The part that faced the camera in image 1 has moved two thirds of the way to the object's left "
        "edge in image 2"
    )
    means = "The angle between the two directions from the object to the camera is between 30 and 60 degrees"
    text = f"{face}. {means}. So the answer is: about 45 degrees."
    assert refusals(text, "angle/around_object", pair(40), "about 45 degrees") == []
    for old, new in (("left edge", "right edge"), ("two thirds", "a third"), ("30 and 60", "70 and 110")):
        assert refusals(text.replace(old, new), "angle/around_object", pair(40), "about 45 degrees")
    assert refusals(f"{means}. So the answer is: about 45 degrees.", "angle/around_object", pair(40), "about 45 degrees") == [
        "from what is said follows '', not 'about 45 degrees'"
    ]  # fmt: skip
