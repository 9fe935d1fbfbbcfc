"""The side that comes into view, by hand: whoever goes right before somebody gets to see their left."""

import pytest
from support.published import proven, refusals, sample_of, view_at

from viewpoint100k.records import Seen

KIND = "revealed_side/object_front"
SIDES = ("front", "back", "left", "right", "top", "bottom")
OPTIONS = ["its front", "its back", "its left side", "its right side"]


def sides(**shares):
    return [shares.get(side, 0.01) for side in SIDES]


def asked(front_azimuth_deg, way, before, after, second=None):
    views = [view_at(-90), second or view_at(-90 + 60 * way)]
    return sample_of(views, front_azimuth_deg=front_azimuth_deg, seen=Seen(sides=[before, after]))


@pytest.mark.parametrize(
    ("front_azimuth_deg", "way", "faced", "new"),
    [
        (-90, 1, "front", "left"),
        (-90, -1, "front", "right"),
        (90, 1, "back", "right"),
        (0, 1, "right", "front"),
    ],
)
def test_going_around_somebody(front_azimuth_deg, way, faced, new):
    sample = asked(front_azimuth_deg, way, sides(**{faced: 0.9}), sides(**{faced: 0.4, new: 0.5}))
    words = f"its {new}" + (" side" if new in ("left", "right") else "")
    assert proven(KIND, sample) == words


def test_stored_shares_that_the_poses_make_impossible_are_refused():
    other_way = asked(-90, 1, sides(front=0.9), sides(front=0.4, right=0.5))
    assert proven(KIND, other_way) is None
    stays = asked(-90, 1, sides(front=0.9), sides(front=0.4, left=0.5), view_at(-90, turned_deg=(8, 0, 0)))
    assert proven(KIND, stays) is None
    unclear = asked(-90, 1, sides(front=0.9), sides(front=0.6, left=0.1))
    assert proven(KIND, unclear) is None


def test_a_chain_goes_on_around_the_object():
    sample = asked(-90, 1, sides(front=0.9), sides(front=0.4, left=0.5))
    text = (
        "Image 1 shows the front of the object, and none of its other vertical sides. Image 2 shows more of "
        "the side of the object that was on the right in image 1. So the answer is: its left side."
    )
    assert refusals(text, KIND, sample, "its left side", OPTIONS) == []
    for old, new in (
        ("shows the front", "shows the back"),
        ("on the right", "on the left"),
        ("its left", "its right"),
    ):
        assert refusals(text.replace(old, new), KIND, sample, "its left side", OPTIONS)
