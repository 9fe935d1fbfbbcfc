"""One parser for every dressing an answer may come in."""

import pytest

from viewpoint100k.scoring import parse_answer, score

SIDES = ["left", "right", "no movement sideways"]
AROUND = ["counter-clockwise", "clockwise", "no movement around it"]


@pytest.mark.parametrize(
    "completion",
    [
        "B", "b", "B.", "(B)", "[B]", "**B**", "B) right", "B. right", " \n B \n", "The answer is B.", "Answer: B",
        "answer: (b)", "I think the answer is **B**", "<answer>B</answer>", "<ANSWER> (B). </ANSWER>",
        "<think>First A, then C.</think> <answer>B</answer>", "<think>A</think> B", "<think>İ A</think> İ <answer>B</answer>", '{"answer": "B"}',
        "right", "Right.", "the camera moved right", "Option B", "<answer>A</answer> no, wait <answer>B</answer>",
    ],
)  # fmt: skip
def test_the_second_option_is_understood(completion):
    assert parse_answer(completion, SIDES) == 1


@pytest.mark.parametrize(
    "completion",
    ["", "   ", "D", "E.", "left or right", "The answer is A. No, the answer is B.", "<answer></answer>",
     "<think>B</think>", "A camera moved", "I cannot tell", "maybe", "AB", "<answer>left and right</answer>", "🙂"],
)  # fmt: skip
def test_what_is_no_single_option_is_no_answer(completion):
    assert parse_answer(completion, SIDES) is None
    assert score(completion, SIDES, 0) == 0


def test_counter_clockwise_is_not_clockwise():
    assert parse_answer("counter-clockwise", AROUND) == 0
    assert parse_answer("It went clockwise.", AROUND) == 1
    assert parse_answer("There was no movement around it", AROUND) == 2


def test_a_long_option_that_holds_a_short_one_wins():
    assert parse_answer("no rotation left", ["left", "no rotation left"]) == 1


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("options", [SIDES, AROUND])
def test_letter_and_text_of_every_option_score_one_and_no_other(index, options):
    for completion in ("ABC"[index], options[index], f"<think>hm</think> <answer>{'ABC'[index]}</answer>"):
        assert [score(completion, options, other) for other in range(3)] == [
            float(other == index) for other in range(3)
        ]


def test_a_hundred_kilobytes_of_text_are_read_in_passing():
    assert parse_answer("left right " * 10_000 + "<answer>C</answer>", SIDES) == 2
    for hostile in ("<think>", "<answer>", "answer ", "answer is" + " " * 50, "(" * 99, "</answer><answer>"):
        assert parse_answer(hostile * (100_000 // len(hostile)), SIDES) is None
