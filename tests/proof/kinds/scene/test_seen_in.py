"""Which picture shows an object that others hide in the other picture, by how much is stored to be seen."""

import pytest
from support.published import proven, refusals
from support.scene_answers import seen_by
from support.scene_samples import placed

from viewpoint100k.config import GateConfig

KIND = "seen_in/images"
NAME = placed((-0.3, 0.0), (0.3, 0.0)).scene.parts[0].name
FIELDS = {"parts": [0], "options": ["image 1", "image 2"]}


@pytest.mark.parametrize(
    ("shares", "words"),
    [((0.9, 0.1), "image 1"), ((0.1, 0.9), "image 2"), ((0.9, 0.3), None), ((0.5, 0.0), None)],
)
def test_seen_in_one_and_hidden_in_the_other(shares, words):
    assert proven(KIND, seen_by(*shares), **FIELDS) == words


def test_how_little_is_hidden_is_a_setting():
    assert (
        proven(KIND, seen_by(0.9, 0.3), GateConfig(scene_shown={"low": 0.4, "high": 0.6}), **FIELDS)
        == "image 1"
    )


def test_a_chain_compares_both_shares():
    text = (
        f"Image 1 shows about 90 percent of {NAME} past the objects in front of it, and image 2 about 10 percent. So the "
        "answer is: image 1."
    )
    assert refusals(text, KIND, seen_by(0.9, 0.1), "image 1", **FIELDS) == []
    for old, new in (
        ("about 90", "about 50"),
        ("about 10", "about 80"),
        ("is: image 1", "is: image 2"),
        ("about 90", "about 88"),
    ):
        assert refusals(text.replace(old, new), KIND, seen_by(0.9, 0.1), "image 1", **FIELDS)
