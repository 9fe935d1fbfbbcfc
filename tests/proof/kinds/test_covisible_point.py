"""Whether a marked point can be seen in image 2, by hand: going far to the left hides what was on the right."""

import pytest
from support.published import point_at, proven, refusals, sample_of, view_at

from viewpoint100k.config import GateConfig
from viewpoint100k.records import Mark, Seen

KIND = "covisible_point/image_2"
PLACE = [0.283, -0.283, 0.0]  # in the south-east: 45 degrees to the right of what faces a camera in the south
SEEN, HIDDEN = "it can be seen", "it is hidden"


def asked(turn_deg, visible, second=None):
    views = [view_at(-90), second or view_at(-90 + turn_deg)]
    point = point_at(PLACE, views, ("yes", visible))
    mark = Mark(image=0, x=point.pixels[0][0], y=point.pixels[0][1], colour="red")
    return sample_of(views, seen=Seen(points=[point])), {"marks": [mark], "options": [SEEN, HIDDEN]}


@pytest.mark.parametrize(
    ("turn_deg", "visible", "words"), [(80, "yes", SEEN), (-80, "no", HIDDEN), (-40, "unclear", None)]
)
def test_a_place_on_the_right(turn_deg, visible, words):
    sample, fields = asked(turn_deg, visible)
    assert proven(KIND, sample, **fields) == words


def test_a_camera_that_only_turns_hides_nothing():
    sample, fields = asked(0, "no", view_at(-90, turned_deg=(8, 0, 0)))
    assert proven(KIND, sample, **fields) is None


def test_a_handful_of_pixels_decides_nothing():
    sample, fields = asked(80, "yes")
    assert proven(KIND, sample, GateConfig(min_pixels=96 * 96), **fields) is None


def test_a_chain_counts_angles_from_what_faces_each_camera():
    sample, fields = asked(-80, "no")
    text = (
        "In image 1 the dot is in the right third of the object horizontally and in the middle third "
        "vertically. Seen from above, the marked place is about 40 degrees around the object to the right "
        "of the point facing camera 1. Image 2 shows more of the side of the object that was on the left in "
        "image 1, by about 80 degrees. Seen from camera 2, this place is then about 120 degrees to the "
        "right. So the answer is: it is hidden."
    )
    assert refusals(text, KIND, sample, HIDDEN, **fields) == []
    for old, new in (("about 40", "about 80"), ("120", "100"), ("to the right. So", "to the left. So")):
        assert refusals(text.replace(old, new), KIND, sample, HIDDEN, **fields)
    seen = text.replace(HIDDEN, SEEN)
    assert f"from what is said follows {HIDDEN!r}, not {SEEN!r}" in refusals(
        seen, KIND, sample, SEEN, **fields
    )
