"""The camera on the map, by hand: going right leads to the map's right half, the first camera is at its lower edge."""

import pytest
from support.published import proven, refusals, sample_of, view_at

from viewpoint100k.config import GateConfig
from viewpoint100k.records import MapCamera

KIND = "camera_on_map/seen_from_above"
CAMERAS = [
    MapCamera(azimuth_deg=angle, colour=colour)
    for colour, angle in (("red", -40.0), ("blue", -90.0), ("green", 40.0), ("yellow", 90.0))
]
FIELDS = {"map_cameras": CAMERAS, "options": [f"the {camera.colour} camera" for camera in CAMERAS]}


@pytest.mark.parametrize(
    ("turn_deg", "words"),
    [(40, "the green camera"), (-40, "the red camera"), (90, "the yellow camera"), (60, None), (10, None)],
)
def test_the_camera_where_image_2_was_taken(turn_deg, words):
    assert proven(KIND, sample_of([view_at(-90), view_at(-90 + turn_deg)]), **FIELDS) == words


def test_cameras_that_stand_close_together_are_not_asked_about():
    close = [camera.model_copy(update={"azimuth_deg": camera.azimuth_deg / 2}) for camera in CAMERAS]
    pair = sample_of([view_at(-90), view_at(-70)])
    assert proven(KIND, pair, map_cameras=close) is None
    assert proven(KIND, pair, GateConfig(min_map_apart_deg=20), map_cameras=close) == "the green camera"


def test_a_chain_leads_to_the_only_camera_on_that_side_and_that_far_around():
    pair = sample_of([view_at(-90), view_at(-50)])
    text = (
        "Image 2 shows more of the side of the object that was on the right in image 1. The angle between "
        "the two directions from the object to the camera is between 30 and 50 degrees. On the map, going "
        "around from the white camera, red is about 40 degrees to the left, blue 90 to the left, green 40 "
        "to the right, yellow 90 to the right. So the answer is: the green camera."
    )
    assert refusals(text, KIND, pair, "the green camera", **FIELDS) == []
    for old, new in (
        ("on the right in", "on the left in"),
        ("30 and 50", "50 and 70"),
        ("30 and 50", "20 and 100"),
        ("green 40", "green 60"),
        ("blue 90 to the left", "blue 90 to the right"),
        ("the green camera", "the red camera"),
    ):
        assert refusals(text.replace(old, new), KIND, pair, "the green camera", **FIELDS)
