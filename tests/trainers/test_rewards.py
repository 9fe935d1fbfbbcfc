"""Rewards on what a policy under pressure writes."""

import time

import pytest

pytest.importorskip("trl", reason="needs the extra [train]")

from trainers.grpo import reward_functions
from trainers.rewards import accuracy_reward, format_reward, length_reward, paper_reward, partial_reward
from viewpoint100k import InputError

OPTIONS = ["left", "right", "no movement"]
GOOD = "<think>It went right.</think> <answer>B</answer>"


def said(*texts):
    return [[{"role": "assistant", "content": text}] for text in texts]


def accuracy(text, options=OPTIONS, place=1, form="letter", value=None, reward=accuracy_reward):
    return reward(said(text), [options], [place], [form], [value])[0]


@pytest.mark.parametrize(
    ("text", "well_formed", "right"),
    [
        (GOOD, 1, 1),
        ("<THINK>It went right.</THINK>\n<ANSWER>right</ANSWER>", 1, 1),
        ("B", 0, 1),
        ("", 0, 0),
        ("<think></think> <answer>B</answer>", 0, 1),  # no thought
        ("<think>right</think> <answer> </answer>", 0, 0),  # no answer
        (
            "<think>right</think> <answer>A</answer> <answer>B</answer>",
            0,
            1,
        ),  # the last counts: no second chance in format
        ("<think>right</think> <answer>B</answer> <answer>A</answer>", 0, 0),
        ("<think>right</think> <answer>A or B</answer>", 1, 0),  # two answers in one
        ("<think>a <think>b</think> c</think> <answer>B</answer>", 0, 1),
        ("<think>so <answer>B</answer></think>", 0, 1),  # an answer inside the thinking
        ("<think>so <answer>B</answer></think> <answer>A</answer>", 0, 0),
        ("<answer>B</answer> <think>right</think>", 0, 1),
        ("<think>right</think> <answer>B", 0, 0),  # cut off
        ("<think>right, B", 0, 0),
        (GOOD + " and that is certain", 0, 1),
        ("Sure! " + GOOD, 0, 1),
        ("<answer><think>right</think>B</answer>", 0, 1),
    ],
)
def test_hostile_completions_earn_what_they_should(text, well_formed, right):
    assert format_reward(said(text)) == [well_formed]
    assert accuracy(text) == right


@pytest.mark.parametrize(
    "text", ["<think>" * 14_000, "A" * 100_000, "<think>" + "x " * 50_000 + "</think> <answer>B</answer>",
        "</answer>" * 11_000]
)  # fmt: skip
def test_a_hundred_kilobytes_cost_no_time(text):
    start = time.process_time()
    (
        format_reward(said(text)),
        accuracy(text),
        paper_reward(said(text), ["B"]),
        accuracy(text, reward=partial_reward),
    )
    assert time.process_time() - start < 2


def test_an_empty_conversation_earns_nothing():
    assert format_reward([[]]) == [0.0] and accuracy_reward([[]], [OPTIONS], [1], ["letter"], [None]) == [0.0]


def test_other_answer_forms_go_by_the_one_scorer():
    assert accuracy('<answer>{"answer": "B"}</answer>', form="json") == 1
    assert accuracy("<answer>2</answer>", form="digit") == 1
    assert accuracy("<answer>the camera went right</answer>", form="word") == 1
    assert accuracy("<answer>40</answer>", [], -1, "number", 38.0) == pytest.approx(0.9)


def test_a_wrong_angle_earns_by_nearness_and_only_the_right_way_around():
    ways = ["about 60 degrees clockwise", "about 60 degrees counter-clockwise", "about 90 degrees clockwise"]
    credit = [accuracy(letter, ways, 2, reward=partial_reward) for letter in "ABC"]
    assert credit == [0.4, 0.0, 1.0]
    assert (
        accuracy("A", reward=partial_reward) == 0 and accuracy("B", reward=partial_reward) == 1
    )  # no angles: as accuracy


def test_the_papers_form_pays_a_right_answer_in_a_wrong_format_half_and_takes_the_first():
    texts = [GOOD, "<answer>B</answer>", "<answer>B</answer><answer>A</answer>", "<answer>b</answer>", "B"]
    assert paper_reward(said(*texts), ["B"] * 5) == [1.0, 0.5, 0.5, 0.0, 0.0]


def test_length_costs_only_near_the_limit():
    assert length_reward(100)(completion_ids=[[0] * 75, [0] * 88, [0] * 100]) == pytest.approx(
        [0.0, -0.52, -1.0]
    )


def test_an_unknown_reward_is_named():
    with pytest.raises(InputError, match="--rewards kindness: expected some of format, accuracy"):
        reward_functions(["kindness"], 64)
