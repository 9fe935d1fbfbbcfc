"""Left or right, in front or behind, closer: objects on a floor that a camera in the south sees."""

import pytest
from support.published import proven, refusals
from support.scene_samples import placed

from viewpoint100k.config import GateConfig

# to the left, to the right, far away and near the camera
SCENE = placed((-0.3, 0.0), (0.3, 0.0), (0.0, 0.35), (0.0, -0.3))
NAMES = [part.name for part in SCENE.scene.parts]
ONE = {"images": [0]}


@pytest.mark.parametrize(
    ("kind", "parts", "words"),
    [
        ("side_of/camera", [0, 1], "to the left of it"),
        ("side_of/camera", [1, 0], "to the right of it"),
        ("side_of/camera", [2, 3], None),
        ("front_of/camera", [3, 2], "in front of it"),
        ("front_of/camera", [2, 3], "behind it"),
        ("front_of/camera", [0, 1], None),
        ("closer/camera", [2, 3], NAMES[3]),
        ("closer/camera", [0, 1], None),
    ],
)
def test_places_as_the_camera_sees_them(kind, parts, words):
    assert proven(kind, SCENE, parts=parts, **ONE) == words


def test_how_far_aside_is_clear_is_a_setting():
    scene = placed((0.0, 0.0), (0.06, 0.0))
    assert proven("side_of/camera", scene, parts=[1, 0], **ONE) is None
    gates = GateConfig(scene_side=0.02, scene_across=0.01)
    assert proven("side_of/camera", scene, gates, parts=[1, 0], **ONE) == "to the right of it"


def test_a_chain_reads_the_side_off_the_direction_from_one_to_the_other():
    a, b, *_ = NAMES
    text = (
        f"Counted clockwise from above, with the camera's direction as 0 degrees, the direction from {b} to "
        f"{a} is about 270 degrees. Directions from 0 to 180 degrees point to the right, and those from 180 "
        "to 360 to the left. So the answer is: to the left of it."
    )
    fields = {"parts": [0, 1], **ONE}
    assert refusals(text, "side_of/camera", SCENE, "to the left of it", **fields) == []
    for old, new in (("about 270", "about 90"), (f"from {b} to {a}", f"from {a} to {b}"), (a, NAMES[2])):
        assert refusals(text.replace(old, new), "side_of/camera", SCENE, "to the left of it", **fields)


def test_a_chain_reads_nearness_off_the_floor():
    _, _, far, near = NAMES
    rows = dict(zip(NAMES, feet_percent(), strict=True))
    text = (
        f"Measured from the top, the base of {far} is at about {rows[far]} percent of the height and that of {near} at "
        f"about {rows[near]}. On a level floor, what stands lower in the picture is closer to the camera. So the "
        f"answer is: {near}."
    )
    fields = {"parts": [2, 3], "options": [far, near], **ONE}
    assert refusals(text, "closer/camera", SCENE, near, **fields) == []
    assert refusals(
        text.replace(f"about {rows[far]}", f"about {rows[far] + 30}"), "closer/camera", SCENE, near, **fields
    )
    assert refusals(text.replace(f"is: {near}", f"is: {far}"), "closer/camera", SCENE, far, **fields)


def feet_percent():
    """Where the feet are in the picture, to tens, by the renderer's own record of their pixels' middles."""
    view, seen = SCENE.views[0], SCENE.scene.views[0].parts
    height = view.size_px[1]
    focal = view.intrinsics[1][1]
    feet = []
    for part in seen:
        half = 0.05 * focal * 0.866 / part.depth  # half of its height of 0.1, seen from 30 degrees above
        feet.append(10 * round(10 * (part.centre_pixel[1] + half) / height))
    return feet
