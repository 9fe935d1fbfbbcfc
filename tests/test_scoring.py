"""One parser for every dressing an answer may come in."""

import time

import pytest

from benchmarks.answers import ANSWERS, OPTIONS
from viewpoint100k.scoring import mean_relative_accuracy, parse_answer, parse_number, score

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


@pytest.mark.parametrize(("completion", "index"), ANSWERS, ids=lambda value: ascii(value)[:40])
def test_habits_of_base_models_are_read_and_hedges_are_not(completion, index):
    assert parse_answer(completion, OPTIONS) == index
    inside = f"<think>A or C?</think> <answer>{completion}</answer>"
    assert parse_answer(inside, OPTIONS) == index or "<think>" in completion or "</answer>" in completion


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    "dress",
    [r"\boxed{{{}}}", r"$\boxed{{\mathrm{{({})}}}}$", "答案：{}", "答案为{}。", "正确选项：{}", "**Answer:** {}",
     "The correct choice is option {}.", "I'd go with {}", "Thus, {}", "I am sure.\n\n**{}**"],
)  # fmt: skip
def test_every_dressing_carries_every_letter(dress, place):
    said = dress.format("ABCD"[place])
    assert [score(said, ["w", "x", "y", "z"], other) for other in range(4)] == [
        float(other == place) for other in range(4)
    ], said


@pytest.mark.parametrize("answer", [["yes", "no"], ["no", "yes"]])
def test_a_verdict_is_told_from_an_option_of_the_same_word(answer):
    repeated = f"A: {answer[0]}. B: {answer[1]}."
    assert parse_answer(repeated, answer) is None
    crossed = f"A: {answer[1]}. B: {answer[0]}."
    assert parse_answer(crossed, answer) == answer.index("no")


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
    for hostile in (
        r"\boxed{", r"\boxed{}", "\\", "A: no. ", "A (", "答案", "not left ", "option ", "A or ", "I'd go with ",
        "answer is not ", "correct ", "$", "- ", "A. left ", "n't ", "<|", "<|a", "<b>", "<answer ", "< /", "A. left - ", "A? ", "not think ",
        "be B (", "A (or ",
    ):  # fmt: skip
        started = time.process_time()
        parse_answer(hostile * (100_000 // len(hostile)), SIDES)
        assert time.process_time() - started < 2, hostile
    for hostile in ("<think>", "<answer>", "answer ", "answer is" + " " * 50, "(" * 99, "</answer><answer>"):
        assert parse_answer(hostile * (100_000 // len(hostile)), SIDES) is None


# --- other forms -----------------------------------------------------------------------------------

ACTIONS = ["move up", "tilt up", "roll clockwise", "roll counter-clockwise"]


@pytest.mark.parametrize(
    "completion",
    ["3", "3.", " 3 ", "(3)", "Option 3", "The answer is 3.", "**3**", "3. roll clockwise", "<answer>3</answer>",
     "<think>1 or 2, no: 3 - 1 = 2.</think> <answer>3</answer>", "<think>1</think> 3", "<answer>1</answer> <answer>3</answer>",
     "roll clockwise", "The camera had to roll clockwise.", "C", '{"answer": "C"}', '{"answer": 3}', "3.0", "3 and again 3"],
)  # fmt: skip
def test_the_third_numbered_option_is_understood(completion):
    assert [score(completion, ACTIONS, place, "digit") for place in range(4)] == [0, 0, 1, 0]


@pytest.mark.parametrize(
    "completion",
    ["0", "5", "-3", "30", "1 or 3", "3/4", "2.5", "", "three of them", "1e3", "<think>3</think>"],
)
def test_what_is_no_number_of_an_option_scores_nothing(completion):
    assert [score(completion, ACTIONS, place, "digit") for place in range(4)] == [0, 0, 0, 0]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("form", ["letter", "digit", "word", "json"])
def test_the_gold_answer_of_each_form_scores_one_and_that_of_every_other_option_nothing(form, place):
    def gold(number):
        letter = "ABCD"[number]
        return {
            "letter": letter,
            "digit": str(number + 1),
            "word": ACTIONS[number],
            "json": f'{{"answer": "{letter}"}}',
        }

    for number in range(4):
        for dress in ("{}", "<answer>{}</answer>", "<think>B? No. 2? No.</think>\n<answer> {} </answer>"):
            said = dress.replace("{}", gold(number)[form])
            assert score(said, ACTIONS, place, form) == float(number == place), said


@pytest.mark.parametrize(
    "completion",
    ['{"answer": "D"}', '{ "answer" : "d" }', "```json\n{\"answer\": \"D\"}\n```", "{'answer': 'D'}", '{"answer": "(D)"}',
     '{"answer":"D"}', '{"reasoning": "it rolled", "answer": "D"}', "D", "roll counter-clockwise"],
)  # fmt: skip
def test_json_is_read_however_it_is_written(completion):
    assert [score(completion, ACTIONS, place, "json") for place in range(4)] == [0, 0, 0, 1]


@pytest.mark.parametrize(
    "completion",
    ['{"answer": "A"} {"answer": "D"}', '{"answer": "E"}', '{"answer": ""}', "{}", "[]", '{"answer": null}'],
)
def test_json_that_says_nothing_or_two_things_scores_nothing(completion):
    assert not any(score(completion, ACTIONS, place, "json") for place in range(4))


@pytest.mark.parametrize(
    ("completion", "number"),
    [
        ("40", 40), ("40.5", 40.5), ("about 40 degrees", 40), ("40°", 40), ("-40", -40), ("<answer>40</answer>", 40),
        ("<think>It is 30, or 50.</think> 40", 40), ("40 degrees, yes, 40.", 40), ("40.0 = 40", 40), ("<answer>7</answer> 8", 7),
        ("答案：40度", 40), ("From camera 1 to 2. Answer: about 40 degrees", 40), (r"30 + 10 = \boxed{40^\circ}", 40),
        ("the answer is 30 or the answer is 40", None), ("between 30 and 40", None), ("forty", None), ("", None), ("30-40", None), ("4.0.1", None), ("v40", None),
        ("40deg", None), ("1e9", None), ("nan", None), ("inf", None), ("9" * 30, None), ("<think>40", None),
    ],
)  # fmt: skip
def test_the_one_number_of_a_completion_is_found(completion, number):
    assert parse_number(completion) == number


@pytest.mark.parametrize(
    ("said", "worth"),
    [("40", 1.0), ("41.9", 1.0), ("38.1", 1.0), ("42.1", 0.9), ("35", 0.8), ("50", 0.6), ("59.9", 0.1), ("60.1", 0.0),
     ("-40", 0.0), ("0", 0.0), ("4000000", 0.0), ("no idea", 0.0), ("about forty", 0.0)],
)  # fmt: skip
def test_a_number_is_worth_the_more_the_nearer_it_is(said, worth):
    """Ten tolerances of 5 to 50 %: 35 for 40 is off by 12.5 %, so within eight of them."""
    assert score(said, [], -1, "number", 40.0) == pytest.approx(worth)


def test_the_worth_of_a_number_counts_tolerances_written_out_here():
    for said in (20.5, 27.0, 33.3, 36.1, 39.0, 44.0, 48.9, 57.0, 75.0):
        off = abs(said - 40) / 40
        worth = (
            sum(off <= tolerance for tolerance in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5))
            / 10
        )
        assert mean_relative_accuracy(said, 40) == pytest.approx(worth)
        assert mean_relative_accuracy(-said, -40) == pytest.approx(worth)
        assert mean_relative_accuracy(said / 1000, 0.04) == pytest.approx(worth)


@pytest.mark.parametrize(
    "hostile",
    ["9", "9.", "-", "1 ", "1.1.", ".1", "<answer>", "</answer>", "<think>", "<answer>3</think>", '{"answer": ', "{", "(",
     "answer is ", "option 1 ", "٣", "²", "\x00", "\u202e3", "😀"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["letter", "digit", "word", "json", "number"])
def test_a_flood_of_anything_costs_no_time_and_earns_nothing_by_volume(hostile, form):
    text = hostile * (40_000 // len(hostile))
    started = time.process_time()
    if form == "number":
        assert score(text, [], -1, form, 40.0) == 0
    else:
        assert sum(score(text, ACTIONS, place, form) for place in range(4)) <= 1
    assert time.process_time() - started < 2


def test_saying_everything_earns_nothing():
    numbers = " ".join(map(str, range(200)))
    assert score(numbers, [], -1, "number", 40.0) == 0
    for everything in (
        "1 2 3 4",
        "A B C D",
        "A, B, C, D",
        " ".join(ACTIONS),
        "The answer is A. The answer is C.",
    ):
        for form in ("letter", "digit", "word", "json"):
            assert sum(score(everything, ACTIONS, place, form) for place in range(4)) == 0, (everything, form)


# --- options that hold numbers, and options that differ in one word ----------------------------------

ORDERS = ["2, 3, 4", "2, 4, 3", "3, 2, 4", "3, 4, 2", "4, 2, 3", "4, 3, 2"]
VIEWS = ["image 2", "image 3", "image 4"]
DOTS = ["the red dot", "the blue dot", "the green dot", "the yellow dot"]
TURNS = ["about 60 degrees clockwise", "about 60 degrees counter-clockwise", "about 90 degrees clockwise"]
FORMS = ["letter", "digit", "word", "json"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("options", [ORDERS, VIEWS, DOTS, TURNS])
def test_an_option_is_understood_by_its_words_and_its_letter_in_every_form(options, form):
    """In the digit form "image 2" is the option of these words, not the second one."""
    for place, option in enumerate(options):
        letter = "ABCDEF"[place]
        for said in (
            option, f"{option}.", f"<answer>{option}</answer>", f"The answer is {option}.", f"**{option}**", letter,
            f"({letter}) {option}", f'{{"answer": "{option}"}}', f'{{"answer": "{letter}"}}',
        ):  # fmt: skip
            assert [score(said, options, i, form) for i in range(len(options))] == [
                float(i == place) for i in range(len(options))
            ], (said, form)


@pytest.mark.parametrize("options", [ORDERS, VIEWS, DOTS, TURNS])
def test_a_bare_number_is_the_options_number_only_where_options_are_numbered(options):
    for place in range(len(options)):
        assert score(str(place + 1), options, place, "digit") == 1
        assert score(f"{place + 1}. {options[place]}", options, place, "digit") == 1
    assert score("2", VIEWS, 0, "letter") == 1
    assert score("2", VIEWS, 1, "digit") == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "said",
    ["3,2,4", "3 2 4", "3-2-4", "3 -> 2 -> 4", "Image 3, image 2, image 4", "3, then 2, then 4", "[3, 2, 4]", "1, 3, 2, 4",
     "The order is 3, 2, 4."],
)  # fmt: skip
def test_an_order_is_understood_however_it_is_strung_together(said, form):
    assert [score(said, ORDERS, place, form) for place in range(6)] == [0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "said", ["2, 3", "2, 3, 4, 5", "2, 3, 4 or 3, 2, 4", "2, 2, 4", "4, 3, 2, 1", "2 3 4 2 4 3"]
)
def test_what_is_no_order_of_three_is_no_answer(said):
    assert not any(
        score(said, ORDERS, place, form) for place in range(6) for form in ("letter", "word", "json")
    )


@pytest.mark.parametrize(
    ("said", "place"), [("red", 0), ("Blue.", 1), ("green dot", 2), ("It is the one in yellow", 3)]
)
def test_the_one_word_by_which_options_differ_is_enough(said, place):
    assert [score(said, DOTS, i) for i in range(4)] == [float(i == place) for i in range(4)]
    assert not any(score("red or blue", DOTS, i) for i in range(4))
    assert not any(score("dot", DOTS, i) for i in range(4))
