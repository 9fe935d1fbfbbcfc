"""One answer format, one parser, one scorer: for rewards, evaluation and validation alike.

A question has lettered options. A model may answer with the letter in many dressings, or with the option's text;
what cannot be read as exactly one option scores 0.
"""

import re
from collections.abc import Sequence

LETTERS = "ABCDEFGHIJ"

_TAG = re.compile(r"</?(?:answer|think)>", re.IGNORECASE)
_THINK = re.compile(r"<think>", re.IGNORECASE)  # thinking that never ends holds no answer
_STATED = re.compile(
    r"\b(?:answer|option|choice)\b(?:\s+is)?[\"'*]*\s*[:=]?\s*[\"'(\[*]*([A-J])\b(?![a-z'])", re.IGNORECASE
)
_LEADING = re.compile(r"^[\s\"'(\[*]*([A-J])[\s\"')\].:,*]*(?:$|[\s)\].:,])", re.IGNORECASE)
_LONGEST = 100_000  # characters that are read; nobody answers a lettered question with more


def parse_answer(completion: str, options: Sequence[str]) -> int | None:
    """Which option a completion means, or None if that cannot be told.

    The last `<answer>` tag counts if there is one, else what follows the thinking. A letter wins over a text; two
    different letters, or two different texts, are no answer.

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


def score(completion: str, options: Sequence[str], answer_index: int) -> float:
    """1.0 if the completion means the right option, else 0.0."""
    return float(parse_answer(completion, options) == answer_index)


def _said(text: str) -> str:
    """What is in the last answer tag, else what comes after the thinking. One pass: hostile text must not cost time."""
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
    """Whether a leading letter is an answer: `A camera moved` starts with a word, `A. left` with a letter."""
    rest = text[leading.end(1) :]
    return not re.match(r"\s+[a-z]", rest)


def _by_text(text: str, options: Sequence[str]) -> int | None:
    lowered = " ".join(re.sub(r"[^\w\s\-]", " ", text.lower()).split())
    found = [
        index
        for index, option in enumerate(options)
        if re.search(rf"(?<![\w\-]){re.escape(' '.join(option.lower().split()))}(?![\w\-])", lowered)
    ]
    if len(found) > 1:  # "counter-clockwise" holds no "clockwise", but "no movement to the left" holds "left"
        longest = max(found, key=lambda index: len(options[index]))
        found = [i for i in found if options[i].lower() not in options[longest].lower() or i == longest]
    return found[0] if len(found) == 1 else None
