"""One answer format, one parser, one scorer: for rewards, evaluation and validation alike.

A question has lettered (or numbered, or listed) options, or asks for a number. A model may answer with the
letter in many dressings, in JSON, or with the option's text; what cannot be read as exactly one option scores
0. A number scores by how near it is.
"""

import re
from collections.abc import Sequence

from viewpoint100k.records import AnswerForm

LETTERS = "ABCDEFGHIJ"

_TAG = re.compile(r"</?(?:answer|think)>", re.IGNORECASE)
_THINK = re.compile(r"<think>", re.IGNORECASE)  # thinking that never ends holds no answer
_STATED = re.compile(
    # what is taken is not given back: else a hundred thousand asterisks take minutes
    r"\b(?:answer|option|choice)\b(?:\s+is)?[\"'*]*+\s*+[:=]?+\s*+[\"'(\[*]*+([A-J])\b(?!'[a-z])",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^[\s\"'(\[*]*([A-J])[\s\"')\].:,*]*(?:$|[\s)\].:,])", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,9})?(?![\w]|\.\d)")
_LISTED = re.compile(r"\d+(?: \d+)+")  # an option such as "2, 3, 4", without its commas
_LONGEST = 100_000  # characters that are read; nobody answers a lettered question with more


def parse_answer(completion: str, options: Sequence[str]) -> int | None:
    """Which option a completion means, or None if that cannot be told.

    The last `<answer>` tag counts if there is one, else what follows the thinking. A letter wins over a text;
    two different letters, or two different texts, are no answer.

    Example:
        >>> parse_answer("<think>It went right.</think> <answer>(b)</answer>", ["left", "right"])
        1
    """
    text = " ".join(_said(completion[-_LONGEST:]).split())
    if not text:
        return None
    stated = {letter.upper() for letter in _STATED.findall(text)}
    leading = _LEADING.match(text)
    letters = stated or ({leading.group(1).upper()} if leading and _alone(text, leading) else set())
    if letters:
        index = LETTERS.index(letters.pop()) if len(letters) == 1 else None
        return index if index is not None and index < len(options) else None
    return _by_text(text, options)


def score(
    completion: str,
    options: Sequence[str],
    answer_index: int,
    answer_form: AnswerForm = "letter",
    value: float | None = None,
) -> float:
    """1.0 if the completion means the right option, else 0.0; for a number its `mean_relative_accuracy`.

    Example:
        >>> score("Option 2.", ["left", "right"], 1, "digit")
        1.0
        >>> score("about 40 degrees", [], -1, "number", 38.0)
        0.9
    """
    if value is not None:
        said = parse_number(completion)
        return 0.0 if said is None else mean_relative_accuracy(said, value)
    return float(parse_choice(completion, options, answer_form) == answer_index)


def parse_choice(completion: str, options: Sequence[str], answer_form: AnswerForm) -> int | None:
    """Which option a completion means, where options may be numbered and may hold numbers themselves.

    Example:
        >>> [parse_choice(said, ["image 2", "image 3"], "digit") for said in ("2", "image 2")]
        [1, 0]
    """
    if answer_form == "digit":
        if any(character.isdigit() for option in options for character in option):
            named = _by_text(" ".join(_said(completion[-_LONGEST:]).split()), options, in_full=True)
            if named is not None:
                return named
        digit = parse_number(completion)
        if digit is not None:
            return int(digit) - 1 if digit in range(1, len(options) + 1) else None
    return parse_answer(completion, options)


def parse_number(completion: str) -> float | None:
    """The one number that a completion says, or None if it says none or several different ones."""
    numbers = {float(found) for found in _NUMBER.findall(_said(completion[-_LONGEST:]))}
    return numbers.pop() if len(numbers) == 1 else None


def mean_relative_accuracy(said: float, right: float) -> float:
    """Share of ten tolerances, from 50 % down to 5 % of the right number, within which a number lies.

    Source:
        Yang et al., "Thinking in Space", arXiv 2412.14171: MRA.
    """
    error = abs(said - right) / abs(right)
    return sum(error <= tolerance / 100 + 1e-9 for tolerance in range(5, 55, 5)) / 10


def _said(text: str) -> str:
    """What is in the last answer tag, else what comes after the thinking.

    One pass: hostile text must not cost time.
    """
    opened, answer, thought = -1, None, 0
    for tag in _TAG.finditer(text):
        match tag.group().lower():
            case "<answer>":
                opened = tag.end()
            case "</answer>" if opened >= 0:
                answer, opened = text[opened : tag.start()], -1
            case "</think>":
                thought = tag.end()
    if answer is not None:
        return answer
    unfinished = _THINK.search(text, thought)
    return text[thought : unfinished.start() if unfinished else None]


def _alone(text: str, leading: re.Match[str]) -> bool:
    """Whether a leading letter is an answer: `A camera moved` starts with a word, `A.

    left` with a letter, `A, B` with two.
    """
    rest = text[leading.end(1) :]
    return not re.match(r"\s+[a-z]", rest) and not re.fullmatch(r"(?:[\s,;]+[A-J])+[\s.]*", rest)


def _by_text(text: str, options: Sequence[str], *, in_full: bool = False) -> int | None:
    """The one option whose words a text holds; unless `in_full`, the one word by which it differs from the others will do."""
    lowered, plain = _plain(text), [_plain(option) for option in options]
    found = _held(lowered, plain)
    if len(found) > 1:  # "counter-clockwise" holds no "clockwise", but "no movement to the left" holds "left"
        longest = max(found, key=lambda index: len(plain[index]))
        found = [i for i in found if plain[i] not in plain[longest] or i == longest]
    if not found and all(_LISTED.fullmatch(option) for option in plain):
        said, lists = re.findall(r"\d+", lowered), [option.split() for option in plain]
        # all start from image 1, and some say the option's number before
        found = [
            i for i, numbers in enumerate(lists) if said in (numbers, ["1", *numbers], [str(i + 1), *numbers])
        ]
    elif not found and not in_full:
        found = _held(lowered, _telling_words(plain))
    return found[0] if len(found) == 1 else None


def _held(text: str, words: Sequence[str]) -> list[int]:
    def holds(one: str) -> bool:
        before, after = (
            (r"(?<!\d )", r"(?! \d)") if _LISTED.fullmatch(one) else ("", "")
        )  # "2 3 4 5" holds no "2 3 4"
        return bool(re.search(rf"{before}(?<![\w\-]){re.escape(one)}(?![\w\-]){after}", text))

    return [i for i, one in enumerate(words) if holds(one)]


def _telling_words(options: Sequence[str]) -> list[str]:
    """ "red", "blue" of "the red dot", "the blue dot"; nothing where options differ in more than one place."""
    rows = [option.split() for option in options]
    if len({len(row) for row in rows}) != 1:
        return []
    places = [i for i, column in enumerate(zip(*rows, strict=True)) if len(set(column)) > 1]
    return [row[places[0]] for row in rows] if len(places) == 1 else []


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s\-]", " ", text.lower()).split())
