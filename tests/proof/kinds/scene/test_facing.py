"""Which way objects face: their own +x is the front; turned by 90 degrees it faces north, away from the camera."""

import pytest
from support.published import proven, refusals
from support.scene_samples import placed

from viewpoint100k.config import GateConfig

SCENE = placed((0.0, 0.0), (0.25, 0.2), (-0.25, 0.0), turns=[90.0, 180.0, 270.0])
A, B, C = (part.name for part in SCENE.scene.parts)


@pytest.mark.parametrize(
    ("kind", "parts", "words"),
    [
        ("faces/camera", [0], "away from the camera"),
        ("faces/camera", [1], "to the left"),
        ("faces/camera", [2], "towards the camera"),
        ("facing/objects", [0, 1], "a quarter turn to the left of that"),
        ("facing/objects", [1, 0], "a quarter turn to the right of that"),
        ("facing/objects", [0, 2], "the opposite way"),
    ],
)
def test_the_way_things_face(kind, parts, words):
    assert proven(kind, SCENE, images=[0], parts=parts) == words


def test_halfway_between_two_directions_is_not_asked_about():
    scene = placed((0, 0), (0.3, 0), turns=[90.0, 55.0])
    fields = {"images": [0], "parts": [0, 1]}
    assert proven("facing/objects", scene, **fields) is None
    assert proven("facing/objects", scene, GateConfig(scene_facing_deg=8), **fields) == "the same way"
    unknown = placed((0, 0), (0.3, 0), fronts=[0.0, None])
    assert proven("facing/objects", unknown, **fields) is None


def test_a_chain_takes_the_difference_of_two_directions():
    front = (
        "Counted clockwise from above, with the camera's direction as 0 degrees, the front of {} points to "
        "about {} degrees"
    )
    turn = "The second direction is turned from the first by about 90 degrees counter-clockwise"
    answer = "a quarter turn to the left of that"
    text = f"{front.format(A, 0)}. {front.format(B, 270)}. {turn}. So the answer is: {answer}."
    fields = {"images": [0], "parts": [0, 1]}
    assert refusals(text, "facing/objects", SCENE, answer, **fields) == []
    for old, new in (
        ("about 270", "about 90"),
        ("counter-clockwise.", "clockwise."),
        (f"{turn}. ", ""),
        (f"{turn}. ", f"{turn}. {turn.replace('90', '180')}. "),
        ("about 270", "about 275"),
    ):
        assert refusals(text.replace(old, new), "facing/objects", SCENE, answer, **fields), new
