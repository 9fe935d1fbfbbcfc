"""Reward functions for GRPO, all based on the scorer that evaluation uses.

Each takes TRL's columns and returns one number per completion. The keys of `REWARDS` are their names on the
command line.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from viewpoint100k.records import AnswerForm
from viewpoint100k.scoring import mean_relative_accuracy, parse_choice, score

Completions = Sequence[Sequence[dict[str, str]]]
Reward = Callable[..., list[float]]

_TAG = re.compile(r"</?(?:think|answer)>", re.IGNORECASE)
_ORDER = ["<think>", "</think>", "<answer>", "</answer>"]
_DEGREES = re.compile(r"(-?\d+(?:\.\d+)?) degrees\b(.*)")


def format_reward(completions: Completions, **columns: Any) -> list[float]:
    """1 for exactly one thought followed by one answer, neither empty, and nothing around them; else 0.

    Each tag must occur once and in order: tags inside thoughts, two answers, or an answer inside the thought
    earn 0.

    Example:
        >>> said = ["<think>It went right.</think> <answer>B</answer>", "<think>no</think> B", "B"]
        >>> format_reward([[{"role": "assistant", "content": text}] for text in said])
        [1.0, 0.0, 0.0]
    """
    return [float(_well_formed(text)) for text in _texts(completions)]


def accuracy_reward(
    completions: Completions,
    options: Sequence[Sequence[str]],
    answer_index: Sequence[int],
    answer_form: Sequence[AnswerForm],
    value: Sequence[float | None],
    **columns: Any,
) -> list[float]:
    """The score by `viewpoint100k.scoring.score`: 1 for the right option; a number's score by its error.

    Example:
        >>> accuracy_reward([[{"role": "assistant", "content": "<answer>b</answer>"}]], [["left", "right"]],
        [1], ["letter"], [None]) [1.0]
    """
    rows = zip(_texts(completions), options, answer_index, answer_form, value, strict=True)
    return [score(text, one, place, form, number) for text, one, place, form, number in rows]


def partial_reward(
    completions: Completions,
    options: Sequence[Sequence[str]],
    answer_index: Sequence[int],
    answer_form: Sequence[AnswerForm],
    value: Sequence[float | None],
    **columns: Any,
) -> list[float]:
    """As `accuracy_reward`, but a wrong angle earns the more the nearer it is, if it goes the right way
    around.

    Example:
        >>> angles = ["about 60 degrees", "about 90 degrees"]
        >>> partial_reward([[{"role": "assistant", "content": "A"}]], [angles], [1], ["letter"], [None])
        [0.4]
    """
    rewards = accuracy_reward(completions, options, answer_index, answer_form, value)
    rows = zip(rewards, _texts(completions), options, answer_index, answer_form, value, strict=True)
    return [
        _near(text, one, place, form) if number is None and reward == 0 else reward
        for reward, text, one, place, form, number in rows
    ]


def paper_reward(completions: Completions, answer: Sequence[str], **columns: Any) -> list[float]:
    """The paper's fused form, for comparison: half for the format, half if the first answer is the expected
    text exactly.

    The halves are independent: a right answer in a wrong format earns 0.5.

    Example:
        >>> paper_reward([[{"role": "assistant", "content": "<answer>B</answer>"}]], ["B"])
        [0.5]
    """
    rewards = []
    for text, right in zip(_texts(completions), answer, strict=True):
        start = text.find("<answer>")
        end = text.find("</answer>", start)
        said = text[start + len("<answer>") : end].strip() if 0 <= start < end else None
        rewards.append(0.5 * float(_well_formed(text)) + 0.5 * float(said == right))
    return rewards


def length_reward(max_tokens: int) -> Reward:
    """0 up to three quarters of `max_tokens`, then down to -1 at all of it: a completion that is cut off
    costs most.

    Example:
        >>> length_reward(100)(completion_ids=[[0] * 50, [0] * 100])
        [0.0, -1.0]
    """
    from trl.rewards import get_soft_overlong_punishment

    punish = get_soft_overlong_punishment(
        max_completion_len=max_tokens, soft_punish_cache=max(1, max_tokens // 4)
    )

    def length_reward(completion_ids: Sequence[Sequence[int]], **columns: Any) -> list[float]:
        return [float(reward) for reward in punish(completion_ids=completion_ids)]

    return length_reward


REWARDS: dict[str, Reward] = {
    "format": format_reward,
    "accuracy": accuracy_reward,
    "partial": partial_reward,
    "paper": paper_reward,
}  # and "length", which depends on max_completion_length


def _texts(completions: Completions) -> list[str]:
    return [completion[-1]["content"] if completion else "" for completion in completions]


def _well_formed(text: str) -> bool:
    """Whether the tags are in order, found in one pass, so that hostile text costs no time."""
    tags = list(_TAG.finditer(text))
    if [tag.group().lower() for tag in tags] != _ORDER:
        return False
    inside = [text[tags[0].end() : tags[1].start()], text[tags[2].end() : tags[3].start()]]
    around = [text[: tags[0].start()], text[tags[1].end() : tags[2].start()], text[tags[3].end() :]]
    return all(part.strip() for part in inside) and not any(part.strip() for part in around)


def _near(text: str, options: Sequence[str], place: int, form: str) -> float:
    chosen = parse_choice(text, options, form)  # type: ignore[arg-type]
    if chosen is None or not options:
        return 0.0
    said, right = (_DEGREES.search(options[i]) for i in (chosen, place))
    if said is None or right is None or said.group(2) != right.group(2):  # no angle, or another way around
        return 0.0
    return mean_relative_accuracy(float(said.group(1)), float(right.group(1)))
