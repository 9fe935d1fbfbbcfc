"""In which of two pictures an object of a scene can be seen."""

import pytest
from support.scene_answers import answer, seen_by


@pytest.mark.parametrize(
    ("shares", "words"),
    [((0.9, 0.1), "image 1"), ((0.1, 0.9), "image 2"), ((0.9, 0.3), None), ((0.5, 0.0), None)],
)
def test_seen_in_one_and_hidden_in_the_other(shares, words):
    assert answer("seen_in/images", seen_by(*shares), 0, images=(0, 1)) == words
