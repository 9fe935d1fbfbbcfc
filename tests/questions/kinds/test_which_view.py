"""Which picture the camera takes after a motion that the question gives."""

import numpy as np
import pytest
from support.box_views import BY_NAME, GATES, a_set, answer
from support.egg_shots import Item, around, problems, shoot, soundly, write

from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import Move


def test_the_view_that_a_motion_leads_to():
    what = a_set(0, 40, -40, 70)
    for view_number, around_deg in ((1, 40), (2, -40), (3, 70)):
        figures = [BY_NAME["which_view"].draw(what, GATES, np.random.default_rng(seed)) for seed in range(20)]
        figure = next(figure for figure in figures if figure.move == Move(around_deg=around_deg))
        assert answer("which_view", what, figure) == f"image {view_number + 1}"
        moves = BY_NAME["which_view"].parameter.values  # by which wordings are judged
        assert all(figure.move in moves for figure in figures)
    assert (
        BY_NAME["which_view"].draw(a_set(0, 40, 60, 80), GATES, np.random.default_rng(0)) is None
    )  # no mirror twin
    assert (
        BY_NAME["which_view"].draw(a_set(0, 45, -45, 80), GATES, np.random.default_rng(0)) is None
    )  # between tens


def test_a_camera_that_rises_sees_the_object_more_steeply():
    what = a_set(0, 40, -40, 0, elevations=[10, 10, 10, 40])
    figures = [BY_NAME["which_view"].draw(what, GATES, np.random.default_rng(seed)) for seed in range(20)]
    figure = next(figure for figure in figures if figure.move.up_deg)
    assert figure.move == Move(up_deg=30)
    assert answer("which_view", what, figure) == "image 4"


@pytest.mark.parametrize(("sense", "answer"), [("counter-clockwise", "image 3"), ("clockwise", "image 2")])
def test_counter_clockwise_from_above_is_to_the_right(sense, answer):
    shot = shoot([around(-90), around(-130), around(-50), around(-20)])
    move = Move(around_deg=40 if sense == "counter-clockwise" else -40)
    soundly(Item("which_view/around_object", shot, Figure(images=(0, 1, 2, 3), move=move), answer))


def test_from_higher_one_sees_more_of_the_top():
    shot = shoot([around(-90), around(-130), around(-50), around(-90, 40)])
    figure = Figure(images=(0, 1, 2, 3), move=Move(up_deg=30))
    texts = soundly(Item("which_view/around_object", shot, figure, "image 4"))
    assert not any("clockwise" in text for text in texts)


def test_the_prompt_tells_the_motion_as_well_as_its_words_do():
    shot = shoot([around(-90), around(-130), around(-50), around(-20)])
    words = "goes about 70 degrees counter-clockwise (seen from above) around the object"
    figure = Figure(images=(0, 1, 2, 3), move=Move(around_deg=70))
    item = Item("which_view/around_object", shot, figure, "image 4")
    text = write(item, np.random.default_rng(0))
    prompt = f"Image 1 is first. Then the camera {words}. Which one?\nA. image 4"
    assert problems(item, text, words=prompt) == []
    assert problems(item, text, words="Which one?")
