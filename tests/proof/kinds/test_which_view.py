"""The view that a motion leads to, by hand: counter-clockwise from above is to the right."""

import pytest
from support.published import proven, refusals, sample_of, set_seen, view_at

KIND = "which_view/around_object"
VIEWS = [view_at(-90), view_at(-130), view_at(-50), view_at(-90, 30)]
SET = sample_of(VIEWS, seen=set_seen(4))
AROUND = "The camera goes about {} degrees {} (seen from above) around the object. Which image does it take?"
RISES = "The camera rises until it looks down at the object about {} degrees more steeply. Which image does it take?"
OPTIONS = ["image 2", "image 3", "image 4"]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (AROUND.format(40, "clockwise"), "image 2"),
        (AROUND.format(40, "counter-clockwise"), "image 3"),
        (RISES.format(30), "image 4"),
        (AROUND.format(70, "clockwise"), None),
        ("Which image does it take?", None),
        (AROUND.format(40, "clockwise") + " " + RISES.format(30), None),
    ],
)
def test_the_motion_of_the_prompt(prompt, words):
    assert proven(KIND, SET, images=[0, 1, 2, 3], prompt=prompt) == words


def test_a_chain_matches_the_motion_with_what_each_image_shows():
    views = (
        "Compared with image 1, image 2 was taken from about 40 degrees further to the left, image 3 from about 40 "
        "degrees further to the right and image 4 from about 30 degrees higher"
    )
    expected = (
        "The move brings more of the side that is on the right in image 1 into view, by about 40 degrees"
    )
    text = f"{expected}. {views}. So the answer is: image 3."
    fields = {"images": [0, 1, 2, 3], "prompt": AROUND.format(40, "counter-clockwise"), "options": OPTIONS}
    assert refusals(text, KIND, SET, "image 3", **fields) == []
    for old, new in (
        ("on the right in", "on the left in"),
        ("image 2 was taken from about 40", "image 2 was taken from about 70"),
        ("30 degrees higher", "30 degrees further to the left"),
    ):
        assert refusals(text.replace(old, new), KIND, SET, "image 3", **fields)
    other = fields | {"prompt": AROUND.format(40, "clockwise")}
    assert refusals(text, KIND, SET, "image 3", **other)
