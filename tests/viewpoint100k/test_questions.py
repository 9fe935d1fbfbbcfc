"""Answers for motions that a person can act out, letters that give nothing away, wordings that can be replaced."""

from collections import Counter

import numpy as np
import pytest
import yaml

from viewpoint100k.annotate import Annotation, make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.errors import InputError
from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.geometry.relations import motion
from viewpoint100k.questions import KINDS, ask_all, load_templates
from viewpoint100k.scoring import score

GATES = GateConfig()
SOUTH = np.array([[1.0, 0, 0, 0], [0, 0, 1, -3], [0, -1, 0, 0], [0, 0, 0, 1]])  # at -Y, looks north, east is right


def asked(second, first=SOUTH, decidability=1.0, used=None, start=0, key="train-00000-00000"):
    truth = make_truth(motion(first, second), 0.5, None)
    annotation = Annotation(0, 1, truth, dict.fromkeys(("translation", "rotation", "azimuth"), decidability))
    rng = np.random.default_rng(0)
    return ask_all(annotation, key, GATES, load_templates(), rng, Counter() if used is None else used, start)


def answers(second, first=SOUTH):
    return {(q.type, q.frame): q.options[q.answer_index] for q in asked(second, first)}


def camera(east=0.0, north=-3.0, bearing_deg=0.0):
    """A level camera at a place on the map, its heading clockwise from north, written out by hand."""
    b = np.radians(bearing_deg)
    out = np.eye(4)
    out[:3, :3] = np.array([[np.cos(b), 0, np.sin(b)], [-np.sin(b), 0, np.cos(b)], [0, -1, 0]])
    out[:3, 3] = [east, north, 0]
    return out


EGO, FACING, ABOVE, TURN = (
    ("ego_translation", "camera_1"),
    ("object_translation", "object_facing_camera_1"),
    ("object_translation", "seen_from_above"),
    ("ego_rotation", "camera_1"),
)


def test_the_hand_made_cameras_agree():
    assert np.allclose(camera(), SOUTH)
    assert np.allclose(camera(3, 0, -90), look_at([3.0, 0, 0], [0, 0, 0]))


def test_walking_a_quarter_circle_east_around_the_object():
    found = answers(camera(3, 0, -90))  # stands east of it, looks west
    assert found == {EGO: "right", FACING: "left", ABOVE: "counter-clockwise", TURN: "left"}


def test_walking_west_around_the_object():
    found = answers(camera(-2.5, -1.6, 57))
    assert found == {EGO: "left", FACING: "right", ABOVE: "clockwise", TURN: "right"}


def test_stepping_right_without_turning():
    found = answers(camera(1.0))
    assert found == {EGO: "right", FACING: "left", ABOVE: "counter-clockwise", TURN: "no horizontal rotation"}


def test_stepping_left_and_turning_left_too():
    found = answers(camera(-1.0, bearing_deg=-12))
    assert found == {EGO: "left", FACING: "right", ABOVE: "clockwise", TURN: "left"}


def test_turning_right_on_the_spot():
    found = answers(camera(bearing_deg=14))
    nothing = "no movement sideways"
    assert found == {EGO: nothing, FACING: nothing, ABOVE: "no movement around it", TURN: "right"}


def test_stepping_back():
    found = answers(camera(north=-4))
    nothing = "no movement sideways"
    assert found == {EGO: nothing, FACING: nothing, ABOVE: "no movement around it", TURN: "no horizontal rotation"}


def test_from_the_objects_place_the_side_is_the_one_a_person_there_would_name():
    """An object that faces south looks at the camera; east is on its left hand."""
    assert answers(camera(1.5, -2.6))[FACING] == "left"


@pytest.mark.parametrize(
    ("second", "missing"),
    [
        (camera(0.5), EGO),  # a sixth of the distance: neither nothing nor clear
        (camera(0.5), FACING),
        (camera(0.6), ABOVE),  # 11 degrees around
        (camera(bearing_deg=5), TURN),
    ],
)
def test_what_lies_in_the_grey_band_is_not_asked(second, missing):
    assert missing not in answers(second)


def test_what_the_picture_cannot_show_is_not_asked():
    assert asked(camera(3, 0, -90), decidability=0.001) == []


def test_margins_are_at_least_one_and_grow_with_the_motion():
    small, large = (next(q for q in asked(camera(east)) if q.type == "ego_translation") for east in (0.8, 2.0))
    assert 1 <= small.margin < large.margin


def test_swapping_the_views_swaps_the_answers():
    opposite = {"left": "right", "right": "left", "clockwise": "counter-clockwise", "counter-clockwise": "clockwise"}
    there, back = answers(camera(1.8, -2.0, -30)), answers(SOUTH, first=camera(1.8, -2.0, -30))
    assert {kind: opposite.get(answer, answer) for kind, answer in there.items()} == back


def test_each_letter_is_right_equally_often_for_each_answer():
    used, letters = Counter(), Counter()
    for number in range(60):
        for question in asked(camera(1.0 if number % 2 else -1.0), used=used, start=3):
            letters[question.type, question.frame, question.options[question.answer_index], question.answer] += 1
    for kind_and_answer in {key[:3] for key in letters}:
        assert len({letters[*kind_and_answer, letter] for letter in "ABC"}) == 1


def test_many_small_shards_together_have_balanced_letters():
    letters = Counter()
    for shard in range(300):
        letters.update(q.answer for q in asked(camera(1.0), start=shard))
    assert max(letters.values()) == min(letters.values())


def test_the_prompt_shows_its_options_and_the_gold_answer_scores_one():
    for question in asked(camera(1.0)):
        for letter, option in zip("ABC", question.options, strict=True):
            assert f"\n{letter}. {option}\n" in question.prompt
        assert score(question.answer, question.options, question.answer_index) == 1


def test_at_least_eight_different_wordings_per_kind():
    templates = load_templates()
    for kind in KINDS:
        assert len(set(templates[f"{kind.type}/{kind.frame}"])) >= 8


def test_wordings_can_be_replaced_by_a_file(tmp_path):
    mine = {f"{kind.type}/{kind.frame}": ["Which way?"] for kind in KINDS}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine))
    assert load_templates(str(tmp_path / "mine.yaml")) == mine


@pytest.mark.parametrize("text", ["[]", "a: [", "ego_rotation/camera_1: []", "ego_translation/camera_1: [5]"])
def test_a_broken_wordings_file_is_an_error_that_says_what_is_expected(text, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=r"mine\.yaml"):
        load_templates(str(tmp_path / "mine.yaml"))
