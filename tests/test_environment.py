"""An endless stream of questions about stored views: seeded, fresh, right, balanced, never about test objects."""

import json
from collections import Counter
from itertools import islice

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.audit_sets import changed, make_samples, write_dataset

import viewpoint100k
from viewpoint100k import InputError
from viewpoint100k.environment import gym

MOVE = "ego_translation/camera_1"


@pytest.fixture(scope="module")
def stored():
    return make_samples(objects=20, pairs=12, seed=3, size_px=32)


@pytest.fixture(scope="module")
def drawn(stored, tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("gym") / "data", stored)


def said(row):
    return {name: value for name, value in row.items() if name != "images"}


def test_the_same_seed_gives_the_same_stream_from_any_place_on_and_another_seed_another(drawn):
    first = [said(row) for row in islice(viewpoint100k.gym(drawn, seed=5), 12)]
    again = gym(drawn, seed=5)
    assert [said(again.row(number)) for number in (11, 3, 7)] == [first[11], first[3], first[7]]
    assert [said(row) for row in islice(gym(drawn, seed=6), 12)] != first


def test_only_objects_of_the_training_split_are_asked_about(drawn, stored):
    training = {one.sample.object.uid for one in stored if one.sample.split == "train"}
    fresh = gym(drawn, seed=1)
    assert {fresh.question(number).sample.object.uid for number in range(60)} <= training


def test_an_object_that_a_dishonest_shard_shares_with_the_test_split_is_left_out(stored, tmp_path):
    test = next(one for one in stored if one.sample.split == "test")
    leaked = [
        changed(one, object=test.sample.object) if one.sample.split == "train" and number % 2 else one
        for number, one in enumerate(stored)
    ]
    fresh = gym(write_dataset(tmp_path / "data", leaked), seed=1)
    assert test.sample.object.uid not in {fresh.question(number).sample.object.uid for number in range(40)}


def test_answers_are_what_the_poses_say_by_other_means(drawn):
    """Which way the camera went, by scipy: the second position in the axes of the first."""
    fresh = gym(drawn, MOVE, difficulty=0.5, seed=2)
    right = Counter()
    for number in range(60):
        question, sample, *_ = fresh.question(number)
        first, second = (np.array(sample.views[view].world_from_camera) for view in question.images)
        moved = Rotation.from_matrix(first[:3, :3]).inv().apply(second[:3, 3] - first[:3, 3])
        answer = question.options[question.answer_index]
        if answer in ("left", "right"):
            assert answer == ("right" if moved[0] > 0 else "left")
        else:
            assert abs(moved[0]) < 0.3
        right[answer] += 1
    assert min(right.values()) > 10  # each of the three as often, within chance


def test_the_right_answer_earns_all_and_any_other_option_nothing(drawn):
    fresh = gym(drawn, seed=4)
    for row in islice(fresh, 20):
        assert fresh.reward(row["answer"], row) == pytest.approx(1.0, abs=0.11)  # a number is rounded
        for place, option in enumerate(row["options"]):
            if place != row["answer_index"]:
                assert fresh.reward(f"<answer>{'ABCDEFGHIJ'[place]}</answer>", row) == 0 or "digit" in option


def test_a_greater_difficulty_asks_about_pairs_nearer_to_the_grey_band(drawn):
    margins = {
        difficulty: np.mean([gym(drawn, MOVE, difficulty, 0).row(n)["margin"] for n in range(15)])
        for difficulty in (0.0, 1.0)
    }
    assert margins[0.0] > margins[1.0] + 0.3
    assert margins[1.0] >= 1


def test_difficulty_follows_success_and_stays_within_its_range(drawn):
    fresh = gym(drawn, MOVE, difficulty=0.5)
    assert fresh.report(MOVE, 1.0) == pytest.approx(0.6)
    assert fresh.report(MOVE, 0.5) == pytest.approx(0.6)
    assert fresh.report(MOVE, 0.0) == pytest.approx(0.5)
    assert [fresh.report(MOVE, 1.0) for _ in range(9)][-1] == 1.0
    with pytest.raises(InputError, match="a share of 0 to 1"):
        fresh.report(MOVE, 1.5)


def test_most_of_a_stream_is_not_stored_in_the_dataset(drawn, stored):
    old = {(one.key, q.prompt, tuple(q.images)) for one in stored for q in one.sample.questions}
    fresh = gym(drawn, seed=8)
    asked = [fresh.question(number) for number in range(60)]
    new = [one for one in asked if (one.key, one.question.prompt, tuple(one.question.images)) not in old]
    assert len(new) > 30
    assert len({one.question.id for one in asked}) == 60


def test_a_row_shows_the_pictures_of_its_question(drawn):
    row = gym(drawn, MOVE, seed=1).row(0)
    assert [picture.size for picture in row["images"]] == [(32, 32)] * 2
    assert row["kind"] == MOVE
    assert row["fair"] is False  # what flat cues suggest is not balanced in a stream
    assert row["type"] == "ego_translation"
    assert set(viewpoint100k.load_questions(drawn, streaming=True).features) <= set(row)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"kinds": "kindness"}, "there is no 'kindness'; expected one of"),
        ({"difficulty": 2}, r"difficulty = 2: expected 0"),
        ({"difficulty": float("nan")}, "difficulty = nan: expected 0"),
        ({"kinds": "next_view/scene"}, "there is no"),
        ({"kinds": []}, "none of its training pairs"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(arguments, complaint, drawn):
    with pytest.raises(InputError, match=complaint):
        gym(drawn, **arguments)


def test_no_folder_and_a_spoiled_sample_are_errors_that_name_them(drawn, tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        gym("org/name")
    shard = next(drawn.glob("train-*.tar"))
    data = shard.read_bytes()
    for old, new in ((b'"margin":', b'"morgin":'), (b'"split":"train"', b'"split":7      ')):
        folder = tmp_path / old.decode().strip('":')
        folder.mkdir()
        (folder / "manifest.json").write_bytes((drawn / "manifest.json").read_bytes())
        (folder / shard.name).write_bytes(data.replace(old, new))
        with pytest.raises(InputError, match=r"train-0|none of its training pairs"):
            gym(folder).row(0)
    assert json.loads((drawn / "manifest.json").read_text())["samples"] > 0
