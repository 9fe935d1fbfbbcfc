"""The object's own left and right, by hand: somebody who faces the camera has their left on its right."""

import pytest
from support.published import proven, refusals, sample_of, view_at, view_from

FRONT = "object_translation/object_front"
FACING = "object_translation/object_facing_camera_1"
SOUTH = -90.0  # where an object faces that looks at a camera in the south


@pytest.mark.parametrize(
    ("kind", "front_azimuth_deg", "words"),
    [
        (FACING, None, "left"),
        (FRONT, SOUTH, "left"),
        (FRONT, -SOUTH, "right"),
        (FRONT, 0.0, None),  # the camera looks at its side
        (FRONT, None, None),  # nobody knows where its front is
    ],
)
def test_a_step_to_the_cameras_right(kind, front_azimuth_deg, words):
    views = [view_from((0, -3, 0)), view_from((1, -3, 0))]
    assert proven(kind, sample_of(views, front_azimuth_deg=front_azimuth_deg)) == words


def test_a_chain_must_say_which_side_the_camera_looks_at():
    pair = sample_of([view_at(-90), view_at(-50)], front_azimuth_deg=SOUTH)
    side = "Both images show the object from nearly the same side"
    right = "Image 2 shows more of the side of the object that was on the right in image 1"
    assert (
        refusals(
            f"Image 1 shows the object's front side. {right}. So the answer is: left.", FRONT, pair, "left"
        )
        == []
    )
    for said in (
        f"Image 1 shows the object's back side. {right}",
        right,
        f"Image 1 shows the object's front side. {side}",
    ):
        assert refusals(f"{said}. So the answer is: left.", FRONT, pair, "left")
