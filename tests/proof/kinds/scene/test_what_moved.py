"""What moved between two pictures: by the places of the camera and of the objects in the world."""

import numpy as np
import pytest
from support.published import proven, refusals
from support.scene_samples import between, placed

KIND = "what_moved/scene"
SCENE = placed((-0.3, 0.0), (0.3, 0.0), (0.0, 0.3))
OPTIONS = ["only the camera", "only one object", "the camera and one object", "nothing at all"]


@pytest.mark.parametrize(
    ("camera", "to", "words"),
    [
        ((0.0, 0.0), None, "nothing at all"),
        ((0.3, 0.0), None, "only the camera"),
        ((0.0, 0.0), (0.3, 0.2), "only one object"),
        ((0.3, 0.0), (0.3, 0.2), "the camera and one object"),
        ((0.05, 0.0), None, None),  # less than anybody would call a move
        ((0.0, 0.0), (0.3, 0.05), None),
    ],
)
def test_places_in_the_world(camera, to, words):
    assert proven(KIND, between(SCENE, camera, {} if to is None else {1: to})) == words


def test_two_objects_that_moved_are_refused():
    assert proven(KIND, between(SCENE, (0.0, 0.0), {0: (-0.3, 0.3), 1: (0.3, 0.3)})) is None


def test_a_chain_tells_the_camera_by_what_stayed():
    still = between(SCENE, (0.0, 0.0), {1: (0.3, 0.3)})
    a, b, _ = (part.name for part in SCENE.scene.parts)
    x, y = (10 * round(float(v) / 25.6) for v in np.array(SCENE.scene.views[0].parts[0].centre_pixel))
    stays = (
        f"Measured from the left and the top, {a} is at about {x} and {y} percent of image 1 and at about "
        f"{x} and {y} percent of image 2"
    )
    moved = f"Relative to one another, all objects except {b} stand as before"
    text = f"{moved}. {stays}. So the answer is: only one object."
    assert refusals(text, KIND, still, "only one object", OPTIONS) == []
    for old, new in (
        (f" except {b}", ""),
        (b, a),
        (f"about {x} and {y} percent of image 2", f"about {x + 10} and {y} percent of image 2"),
        ("only one object", "nothing at all"),
    ):
        assert refusals(text.replace(old, new), KIND, still, "only one object", OPTIONS)
