"""What would be seen from elsewhere: from the east, what is north is to the right."""

import pytest
from support.published import proven, refusals
from support.scene_samples import placed

SCENE = placed((0.0, 0.3), (0.0, -0.3), (0.3, 0.0))
A, B, C = (part.name for part in SCENE.scene.parts)
RIGHT, LEFT = "to the right of it", "to the left of it"
QUARTER = "The camera goes a quarter of a circle around the scene to its {}. Where is it then?"
HALF = "The camera goes half a circle around the scene. Which is closer then?"
STAYS = "The camera stays where it is. Where is it?"


@pytest.mark.parametrize(
    ("kind", "prompt", "words"),
    [
        ("side_after/camera", QUARTER.format("right"), RIGHT),
        ("side_after/camera", QUARTER.format("left"), LEFT),
        ("side_after/camera", HALF, None),
        ("side_after/camera", "Where is it?", None),
        ("closer_after/camera", HALF, A),
        ("closer_after/camera", STAYS, B),
    ],
)
def test_places_after_the_move(kind, prompt, words):
    assert proven(kind, SCENE, images=[0], parts=[0, 1], prompt=prompt) == words


@pytest.mark.parametrize(("prompt", "words"), [(STAYS, RIGHT), (HALF, LEFT)])
def test_the_nearest_of_one_beside_another(prompt, words):
    scene = placed((0.3, 0.0), (0.25, 0.15), (-0.3, 0.0), (-0.4, -0.4))
    assert proven("hops/camera", scene, images=[0], parts=[0, 2], prompt=prompt) == words
    assert proven("hops/camera", scene, images=[0], parts=[0, 1], prompt=prompt) is None  # it is the nearest


def test_a_chain_turns_directions_against_the_camera():
    text = (
        f"Counted clockwise from above, with the camera's direction as 0 degrees, the direction from {B} to "
        f"{A} is about 0 degrees. Once the camera has moved, the direction from {B} to {A} is about 90 "
        f"degrees. So the answer is: {RIGHT}."
    )
    fields = {"images": [0], "parts": [0, 1], "prompt": QUARTER.format("right"), "options": [LEFT, RIGHT]}
    assert refusals(text, "side_after/camera", SCENE, RIGHT, **fields) == []
    then = text.split(". ")[1]
    for old, new in (
        ("about 0", "about 180"),
        ("about 90", "about 270"),
        (f"{then}. ", ""),
        (f"is: {RIGHT}", f"is: {LEFT}"),
    ):
        assert refusals(text.replace(old, new), "side_after/camera", SCENE, RIGHT, **fields)
    left = fields | {"prompt": QUARTER.format("left")}
    assert refusals(text, "side_after/camera", SCENE, RIGHT, **left)
