"""Whether the second camera is nearer or farther, higher or lower, by hand; the lens does not count."""

import pytest
from support.published import proven, refusals, sample_of, view_at


@pytest.mark.parametrize(
    ("kind", "second", "words"),
    [
        ("distance/object", view_at(-50, distance=2), "nearer"),
        ("distance/object", view_at(-50, distance=4), "farther"),
        ("distance/object", view_at(-50, zoom=1.5), "equally far"),
        ("distance/object", view_at(-50, distance=3.2), None),
        ("elevation/object", view_at(-50, 20), "higher"),
        ("elevation/object", view_at(-50, -20), "lower"),
        ("elevation/object", view_at(-50), "equally high"),
        ("elevation/object", view_at(-50, 5), None),
    ],
)
def test_places_of_the_second_camera(kind, second, words):
    assert proven(kind, sample_of([view_at(-90), second])) == words


def test_a_zoom_makes_nothing_nearer():
    zoomed = sample_of([view_at(-90), view_at(-90, zoom=1.5)])
    text = "The lens alone explains the size of the object in image 2. So the answer is: equally far."
    assert refusals(text, "distance/object", zoomed, "equally far") == []
    looks_larger = "The object looks larger in image 2 than in image 1. So the answer is: nearer."
    assert refusals(looks_larger, "distance/object", zoomed, "nearer") == [
        "from what is said follows '', not 'nearer'"
    ]


def test_from_higher_the_top_faces_the_camera_more():
    raised = sample_of([view_at(-90), view_at(-90, 30)])
    text = "In image 2 the top of the object faces the camera {} than in image 1. So the answer is: {}."
    assert refusals(text.format("more", "higher"), "elevation/object", raised, "higher") == []
    assert refusals(text.format("less", "lower"), "elevation/object", raised, "lower")
