"""The dot on the marked point, by hand: a ball with a camera in the south and one in the east."""

import numpy as np
import pytest
from support.published import point_at, proven, refusals, sample_of, view_at

from viewpoint100k.records import Mark, Seen

KIND = "marked_point/image_2"
VIEWS = [view_at(-90), view_at(-30)]
# east of south-east on the ball; the others lie behind it, above it and below it
PLACES = ([0.35, -0.2, 0.0], [0.1, -0.1, 0.38], [0.25, 0.35, 0.05], [0.2, -0.2, -0.28])
COLOURS = ("blue", "red", "green", "yellow")


def asked(visible=("yes", "yes")):
    """(sample, marks): the blue dot is right."""
    points = [point_at(place, VIEWS, visible if place is PLACES[0] else ("yes", "yes")) for place in PLACES]
    marks = [Mark(image=0, x=points[0].pixels[0][0], y=points[0].pixels[0][1], colour="red")]
    for point, colour in zip(points, COLOURS, strict=True):
        marks.append(Mark(image=1, x=point.pixels[1][0], y=point.pixels[1][1], colour=colour))
    return sample_of(VIEWS, seen=Seen(points=points)), marks


def test_the_dot_on_the_same_point_is_right():
    sample, marks = asked()
    assert proven(KIND, sample, marks=marks) == "the blue dot"


@pytest.mark.parametrize("change", [{"x": 1.0}, {"colour": "red"}])
def test_a_dot_beside_its_point_and_two_of_one_colour_are_not_asked_about(change):
    sample, marks = asked()
    marks[1] = marks[1].model_copy(
        update={name: marks[1].x + v if name == "x" else v for name, v in change.items()}
    )
    assert proven(KIND, sample, marks=marks) is None


def test_a_point_that_image_2_hides_is_not_asked_about():
    sample, marks = asked(visible=("yes", "no"))
    assert proven(KIND, sample, marks=marks) is None


def test_a_chain_says_where_the_place_lands_and_where_all_dots_are():
    """Going right by 60 degrees takes the place from the right of image 1 to the middle of image 2."""
    sample, marks = asked()
    side = (
        "Image 2 shows more of the side of the object that was on the right in image 1, by about 60 degrees"
    )
    dots = (
        "In image 2 the dots lie in these thirds of the object's width and height: red (middle, top), blue "
        "(middle, middle), green (right, middle), yellow (middle, bottom)"
    )
    lands = (
        "On the object in image 2, this place is further to the left, in the middle third horizontally and "
        "the middle third vertically"
    )
    dot = (
        "In image 1 the dot is in the right third of the object horizontally and in the middle third "
        "vertically"
    )
    text = f"{dot}. {side}. {lands}. {dots}. So the answer is: the blue dot."
    fields = {"marks": marks, "options": [f"the {colour} dot" for colour in COLOURS]}
    assert refusals(text, KIND, sample, "the blue dot", **fields) == []
    for old, new in (
        ("further to the left", "further to the right"),
        ("on the right in image 1", "on the left in image 1"),
        ("blue (middle, middle)", "blue (left, middle)"),
        ("about 60", "about 90"),
        (f"{dot}. ", ""),
    ):
        assert refusals(text.replace(old, new), KIND, sample, "the blue dot", **fields)
    assert np.ptp([mark.x for mark in marks]) > 5
