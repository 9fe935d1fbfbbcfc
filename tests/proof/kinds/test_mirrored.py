"""Whether a picture is shown mirrored is what the question itself stores, and no chain can reason about it."""

import pytest
from support.published import proven, refusals, sample_of, view_at, view_from

from viewpoint100k.config import GateConfig

KIND = "mirrored/object"
PAIR = sample_of([view_at(-90), view_at(-50)])


@pytest.mark.parametrize(
    ("mirrored", "words"), [([], "the same object"), ([1], "its mirror image"), ([0], None)]
)
def test_what_is_shown(mirrored, words):
    assert proven(KIND, PAIR, mirrored=mirrored) == words


def test_a_background_that_tells_a_mirror_by_itself_is_refused():
    street = view_from((0, -3, 0), background="hdri")
    assert proven(KIND, sample_of([street, view_at(-50)]), mirrored=[1]) is None


def test_views_that_share_too_little_are_refused():
    assert proven(KIND, PAIR, GateConfig(min_covisible_for_size=0.6), mirrored=[1]) is None


def test_every_chain_is_refused():
    text = (
        "Image 2 shows more of the side of the object that was on the right in image 1. So the answer is: the "
        "same object."
    )
    assert refusals(text, KIND, PAIR, "the same object") == [f"no rule for {KIND}"]
