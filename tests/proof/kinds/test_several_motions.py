"""Several motions at once and the one motion that there is, by hand."""

import pytest
from support.published import proven, refusals, sample_of, view_at, view_from

SOUTH = view_from((0, -3, 0))


@pytest.mark.parametrize(
    ("kind", "second", "words"),
    [
        ("combined_translation/camera_1", view_from((1, -3, 1)), "right and up"),
        ("combined_translation/camera_1", view_from((-1, -3, -1)), "left and down"),
        ("combined_translation/camera_1", view_from((1, -3, 0)), None),
        ("relative_pose/camera_1", view_from((1, -3, 0), (-20, 0, 0)), "moved right, turned left"),
        ("relative_pose/camera_1", view_from((-1, -3, 0), (-20, 0, 0)), "moved left, turned left"),
        ("which_motion/camera_1", view_from((1, -3, 0)), "it moved sideways"),
        ("which_motion/camera_1", view_from((0, -3, -1)), "it moved up or down"),
        ("which_motion/camera_1", view_from((0, -2, 0)), "it moved forward or back"),
        ("which_motion/camera_1", view_from((0, -3, 0), (20, 0, 0)), "it turned left or right"),
        ("which_motion/camera_1", view_from((0, -3, 0), (0, 20, 0)), "it tilted up or down"),
        ("which_motion/camera_1", view_from((0, -3, 0), (0, 0, 20)), "it rolled to one side"),
        ("which_motion/camera_1", view_at(-45), "it went around the object"),
        ("which_motion/camera_1", view_from((1, -3, 1)), None),
        ("which_motion/camera_1", view_from((1, -3, 0), zoom=1.5), None),
        ("next_action/camera_1", view_from((-1, -3, 0)), "move left"),
        ("next_action/camera_1", view_from((0, -3, 1)), "move up"),
        ("next_action/camera_1", view_from((0, -4, 0)), "move backward"),
        ("next_action/camera_1", view_from((0, -3, 0), (-20, 0, 0)), "turn left"),
        ("next_action/camera_1", view_from((0, -3, 0), (0, -20, 0)), "tilt down"),
        ("next_action/camera_1", view_from((0, -3, 0), (0, 0, 20)), "roll clockwise"),
        ("next_action/camera_1", view_at(-45), None),
    ],
)
def test_what_a_person_would_call_it(kind, second, words):
    assert proven(kind, sample_of([SOUTH, second])) == words


def test_what_decides_depends_on_which_motion_it_was():
    rolled = sample_of([SOUTH, view_from((0, -3, 0), (0, 0, 20))])
    low = rolled.decidability.model_copy(update={"roll": 0.01})
    text = "it rolled to one side"
    assert proven("which_motion/camera_1", rolled.model_copy(update={"decidability": low})) == text


def test_a_motion_follows_only_where_all_others_are_ruled_out():
    pair = sample_of([SOUTH, view_from((0, -3, 0), (20, 0, 0))])
    still = (
        "Both images show the object from nearly the same side. The top of the object is turned towards "
        "the camera equally in both images"
    )
    shift = (
        "Had the camera kept its heading, the object would have stayed at about the same horizontal "
        "position. In image 2 the object is further to the left than this predicts"
    )
    answer = "it turned left or right"
    text = f"{still}. {shift}. So the answer is: {answer}."
    assert refusals(text, "which_motion/camera_1", pair, answer) == []
    assert refusals(f"{shift}. So the answer is: {answer}.", "which_motion/camera_1", pair, answer)
    assert any(
        "label" in why
        for why in refusals(f"The camera tilted up. {text}", "which_motion/camera_1", pair, answer)
    )
