"""An endless stream of fresh questions for TRL, `--data gym:viewpoint-100k#ego_translation`, and a
curriculum.

    python -m trainers.grpo --config NAME --data gym:viewpoint-100k --streaming --max_steps 200 \
        --difficulty 0.2 --curriculum true

With a curriculum, the difficulty of each kind of question adapts so that about half of its answers earn a
reward.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from datasets import IterableDataset

from viewpoint100k import InputError, gym
from viewpoint100k.environment import Gym
from viewpoint100k.load import COLUMNS

NAME = "gym"  # before the colon of a source
Key = tuple[str, tuple[str, ...], int, str | None]  # dataset, kinds, seed, wordings
_OPEN: dict[Key, Gym] = {}  # streams of this process, to which the reward function reports


def fresh_rows(
    path: str, kinds: Sequence[str], difficulty: float, seed: int, wordings: str | None = None
) -> IterableDataset:
    """An endless stream of fresh questions in the columns of `load_questions`.

    Raises:
        InputError: there is no such dataset or kind.
    """
    from viewpoint100k.load import features

    key = (path, tuple(kinds), seed, wordings)
    _OPEN[key] = gym(path, kinds or None, difficulty, seed, wordings)
    return IterableDataset.from_generator(_rows, features=features(), gen_kwargs={"key": key})


def _rows(key: Key) -> Iterator[dict[str, Any]]:
    path, kinds, seed, wordings = key
    opened = _OPEN.get((path, tuple(kinds), seed, wordings)) or gym(path, kinds or None, 0.0, seed, wordings)
    for row in opened:
        yield {name: row[name] for name in COLUMNS}


def with_curriculum(reward: Callable[..., list[float]]) -> Callable[..., list[float]]:
    """Wrap a reward so that it also reports the share of rewarded answers of each kind to this process's
    streams.

    Raises:
        InputError: there is no stream of fresh questions.
    """
    if not _OPEN:
        raise InputError("--curriculum needs fresh questions: --data gym:DATASET")

    def told(*args: Any, **columns: Any) -> list[float]:
        earned = reward(*args, **columns)
        by_kind = defaultdict(list)
        for kind, frame, value in zip(columns["type"], columns["frame"], earned, strict=True):
            by_kind[f"{kind}/{frame}"].append(value)
        for stream in _OPEN.values():
            for kind, values in by_kind.items():
                if kind in stream.difficulty:
                    now = stream.report(kind, sum(values) / len(values))
                    if log := columns.get("log_metric"):
                        log(f"difficulty/{kind}", now)
        return earned

    told.__name__ = reward.__name__  # TRL logs the reward under this name
    return told
