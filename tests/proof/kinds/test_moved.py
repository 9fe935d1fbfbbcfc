"""Which way the camera moved: by hand, from the south, from where right is east and forward is north."""

import pytest
from support.published import proven, refusals, sample_of, view_at, view_from

from viewpoint100k.config import GateConfig

SOUTH = (0.0, -3.0, 0.0)


@pytest.mark.parametrize(
    ("kind", "second", "words"),
    [
        ("ego_translation/camera_1", (1, -3, 0), "right"),
        ("ego_translation/camera_1", (-1, -3, 0), "left"),
        ("ego_translation/camera_1", (0, -3, 0), "no movement sideways"),
        ("vertical_translation/camera_1", (0, -3, 1), "up"),
        ("vertical_translation/camera_1", (0, -3, -1), "down"),
        ("forward_translation/camera_1", (0, -2, 0), "forward"),
        ("forward_translation/camera_1", (0, -4, 0), "backward"),
        ("forward_translation/camera_1", (0.5, -3, 0), "neither forward nor backward"),
    ],
)
def test_steps_along_the_axes_of_the_first_camera(kind, second, words):
    assert proven(kind, sample_of([view_from(SOUTH), view_from(second)])) == words


def test_a_step_in_the_grey_band_or_beside_one_of_twice_its_length_is_not_asked_about():
    assert proven("ego_translation/camera_1", sample_of([view_from(SOUTH), view_from((0.4, -3, 0))])) is None
    aside = sample_of([view_from(SOUTH), view_from((0.8, -3, 1.7))])
    assert proven("ego_translation/camera_1", aside) is None
    assert proven("ego_translation/camera_1", aside, GateConfig(min_axis_share=0.4)) == "right"


def test_ahead_without_coming_nearer_is_not_forward():
    """A quarter of a circle around the object leads as far forward as to the side, and no nearer."""
    assert proven("forward_translation/camera_1", sample_of([view_at(-90), view_at(0)])) is None


CHAIN = "Image 2 shows more of the side of the object that was on the {} in image 1, by about {} degrees"


def test_a_chain_of_the_side_that_comes_into_view():
    pair = sample_of([view_at(-90), view_at(-50)])
    assert refusals(f"{CHAIN.format('right', 40)}. So the answer is: right.", "ego_translation/camera_1", pair, "right") == []  # fmt: skip
    for side, angle, answer in (("left", 40, "right"), ("right", 80, "right"), ("right", 40, "left")):
        text = f"{CHAIN.format(side, angle)}. So the answer is: {answer}."
        assert refusals(text, "ego_translation/camera_1", pair, answer)
