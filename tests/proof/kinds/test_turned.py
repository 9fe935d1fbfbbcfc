"""Which way the camera turned, tilted or rolled, by hand: in place, as people call it."""

import pytest
from support.published import proven, refusals, sample_of, view_at


@pytest.mark.parametrize(
    ("kind", "turned_deg", "words"),
    [
        ("ego_rotation/camera_1", (15, 0, 0), "right"),
        ("ego_rotation/camera_1", (-15, 0, 0), "left"),
        ("ego_rotation/camera_1", (0, 12, 12), "no horizontal rotation"),
        ("ego_rotation/camera_1", (5, 0, 0), None),
        ("pitch/camera_1", (0, 10, 0), "up"),
        ("pitch/camera_1", (0, -10, 0), "down"),
        ("pitch/camera_1", (15, 0, 0), "no tilt"),
        ("roll/behind_camera_1", (0, 0, 12), "clockwise"),
        ("roll/behind_camera_1", (0, 0, -12), "counter-clockwise"),
        ("roll/behind_camera_1", (0, 0, 5), None),
    ],
)
def test_a_turn_in_place(kind, turned_deg, words):
    assert proven(kind, sample_of([view_at(-90), view_at(-90, turned_deg=turned_deg)])) == words


def test_the_object_leaves_to_the_other_side_than_the_camera_turns():
    pair = sample_of([view_at(-90), view_at(-90, turned_deg=(20, 0, 0))])
    kept = (
        "Had the camera kept its heading, the object would have stayed at about the same horizontal position"
    )
    text = (
        f"{kept}. In image 2 the object is further to the left than this predicts. So the answer is: right."
    )
    assert refusals(text, "ego_rotation/camera_1", pair, "right") == []
    assert refusals(text.replace("the left", "the right"), "ego_rotation/camera_1", pair, "right")
    _, offset = text.split(". ", 1)
    assert any("refers to nothing" in why for why in refusals(offset, "ego_rotation/camera_1", pair, "right"))
    label = "The camera turned to the right"
    assert f"this is the label: {label!r}" in refusals(
        f"{label}. {text}", "ego_rotation/camera_1", pair, "right"
    )


def test_what_is_upright_leans_against_the_roll():
    pair = sample_of([view_at(-90), view_at(-90, turned_deg=(0, 0, 15))])
    lean = "Perspective aside, the object's vertical lines are rotated further {} in image 2 than in image 1"
    text = lean.format("counter-clockwise") + ". So the answer is: clockwise."
    assert refusals(text, "roll/behind_camera_1", pair, "clockwise") == []
    other = lean.format("clockwise") + ". So the answer is: counter-clockwise."
    assert refusals(other, "roll/behind_camera_1", pair, "counter-clockwise")
