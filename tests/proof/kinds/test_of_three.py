"""The nearest, the highest and the furthest of three cameras, by hand."""

import pytest
from support.published import proven, refusals, sample_of, set_seen, view_at

NEAREST, HIGHEST, FURTHEST = (
    "nearest_of_three/object",
    "highest_of_three/object",
    "furthest_of_three/around_object",
)
IMAGES = [0, 1, 2, 3]
OPTIONS = ["image 2", "image 3", "image 4"]


def views(*ways, zooms=(1.0, 1.0, 1.0)):
    """A set whose first view is in the south, and others at (azimuth from it, elevation, distance)."""
    others = [
        view_at(-90 + turn, up, away, zoom=zoom) for (turn, up, away), zoom in zip(ways, zooms, strict=True)
    ]
    return sample_of([view_at(-90, 10), *others], seen=set_seen(4))


@pytest.mark.parametrize(
    ("distances", "zooms", "words"),
    [
        ((3.0, 2.4, 2.9), (1, 1, 1), "image 3"),
        ((2.4, 3.4, 2.9), (1, 1, 1), "image 2"),
        ((3.0, 2.7, 2.9), (1, 1, 1), None),  # by too little
        ((3.0, 2.4, 2.9), (1, 1, 1.2), None),  # through other lenses
    ],
)
def test_the_nearest_is_the_one_at_the_smallest_distance_through_one_lens(distances, zooms, words):
    sample = views(
        *((turn, 10, away) for turn, away in zip((30, 60, 90), distances, strict=True)), zooms=zooms
    )
    assert proven(NEAREST, sample, images=IMAGES) == words


@pytest.mark.parametrize(
    ("elevations", "words"), [((10, 40, 12), "image 3"), ((10, 12, 25), "image 4"), ((10, 12, 18), None)]
)
def test_the_highest_looks_down_most_steeply(elevations, words):
    sample = views(*((turn, up, 3.0) for turn, up in zip((40, -40, 5), elevations, strict=True)))
    assert proven(HIGHEST, sample, images=IMAGES) == words


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        ((30, 60, 95), "image 4"),
        ((-110, -40, -75), "image 2"),
        ((30, -60, 35), "image 3"),  # to either side
        ((40, -40, 20), None),  # two as far
        ((50, 110, 170), None),  # nearly as far the other way round
    ],
)
def test_the_furthest_has_the_largest_angle_to_either_side(turns, words):
    sample = views(*((turn, 10, 3.0) for turn in turns))
    assert proven(FURTHEST, sample, images=IMAGES) == words


def test_a_chain_names_the_largest_of_three_numbers_that_are_true():
    heights = (
        "The camera looks down at the object at an angle of about 10 degrees in image 2, about 40 in image "
        "3 and about 10 in image 4. So the answer is: image 3."
    )
    sample = views((40, 10, 3.0), (-40, 40, 3.0), (5, 12, 3.0))
    assert refusals(heights, HIGHEST, sample, "image 3", OPTIONS, images=IMAGES) == []
    for old, new in (
        ("about 40", "about 70"),
        ("about 10 degrees", "about 30 degrees"),
        ("image 3.", "image 2."),
    ):
        assert refusals(heights.replace(old, new), HIGHEST, sample, "image 3", OPTIONS, images=IMAGES)
    turns = (
        "Counted from image 1, the angle around the object is about 30 degrees for image 2, about 60 for "
        "image 3 and about 90 for image 4. So the answer is: image 4."
    )
    sample = views((30, 10, 3.0), (60, 10, 3.0), (95, 10, 3.0))
    assert refusals(turns, FURTHEST, sample, "image 4", OPTIONS, images=IMAGES) == []
    assert refusals(
        turns.replace("about 90", "about 50"), FURTHEST, sample, "image 4", OPTIONS, images=IMAGES
    )
