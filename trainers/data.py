"""Converts datasets to the columns that TRL's trainers take, one row per question.

A source is `PATH`, `ORG/NAME` or `ORG/NAME@REVISION`, with `#TYPE,TYPE` behind it for only these types of
questions, and `=WEIGHT` where several are mixed. A public benchmark has its name before it,
`sat:array/SAT-v2`: see `trainers/benchmarks.py`.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from datasets import Dataset, Features, Image, List, Value, concatenate_datasets, interleave_datasets

from trainers import gym
from trainers.benchmarks import BENCHMARKS, load_benchmark
from viewpoint100k import InputError, load_questions
from viewpoint100k.config import GateConfig
from viewpoint100k.load import COLUMNS
from viewpoint100k.questions import never_fair
from viewpoint100k.scoring import LETTERS

THINK_PROMPT = (
    "Think first, between <think> and </think>; then write the answer alone, between <answer> and </answer>."
)
THOUGHTS = ("chain", "motion")  # contents of the text between <think> and </think>
# words for the six numbers of `load_questions`'s `motion`: name, below 0, above 0, grey band of the gates
RELATIONS = (
    ("sideways", "left", "right", "truck_grey"),
    ("height", "up", "down", "truck_grey"),
    ("depth", "backward", "forward", "dolly_grey"),
    ("yaw", "left", "right", "yaw_grey_deg"),
    ("pitch", "down", "up", "tilt_grey_deg"),
    ("roll", "counter-clockwise", "clockwise", "tilt_grey_deg"),
)
_MARKED = re.compile(r"^(?:[A-J]\.|\d+\.|-) ")  # how an option begins
MESSAGES = List({"role": Value("string"), "content": Value("string")})
FEATURES = Features(
    {
        "images": List(Image()),
        "prompt": MESSAGES,
        "completion": MESSAGES,
        "options": List(Value("string")),
        "answer_index": Value("int64"),
        "value": Value("float64"),
        "thinks": Value("bool"),
        **{name: Value("string") for name in ("answer", "answer_form", "type", "tier", "family", "frame")},
        **{name: Value("string") for name in ("question_id", "sample_key", "question")},
    }
)


@dataclass
class DataArguments:
    """Options for the training data and for the form of its questions."""

    data: list[str] = field(
        metadata={
            "help": "Sources: a dataset folder, ORG/NAME[@REVISION] on the Hub, or sat:ORG/NAME; PATH#TYPE "
            "keeps only questions "
            "of that type, PATH=0.25 gives a weight."
        }
    )
    split: str = field(default="train", metadata={"help": "Split of every source that is trained on."})
    streaming: bool = field(default=False, metadata={"help": "Read shards as they come; needs --max_steps."})
    types: list[str] | None = field(
        default=None, metadata={"help": "Only these types of questions, of our own sources."}
    )
    tiers: list[str] | None = field(default=None, metadata={"help": "Only these tiers."})
    families: list[str] | None = field(
        default=None, metadata={"help": "Only pairs of these families of motions."}
    )
    fair: bool = field(
        default=False,
        metadata={
            "help": "Only questions of the balanced subset, whose answers no flat cue gives away; false: "
            "all that are "
            "stored, of which a model learns more (docs/training.md). What is watched and scored is the "
            "balanced subset."
        },
    )
    think_ratio: float = field(
        default=0.1,
        metadata={
            "help": "Share of the answers that begin with a thought. The paper's hybrid cold start has 0.1; "
            "0: answers alone."
        },
    )
    thought: str = field(
        default="chain",
        metadata={
            "help": "What a thought says. chain: the dataset's chain of thought; motion: one line, which "
            "states in six relations how the camera moved and turned."
        },
    )
    orders: int = field(
        default=1,
        metadata={
            "help": "In how many orders of its options to show each question. More: letters mean less."
        },
    )
    system_prompt: str | None = field(
        default=None, metadata={"help": "System message of every question; None: none."}
    )
    think_prompt: str = field(
        default=THINK_PROMPT,
        metadata={"help": "Added to a question that is to be thought about; '' adds nothing."},
    )
    mixture_seed: int = field(
        default=0, metadata={"help": "Decides which answers think, and the order of a mixture."}
    )
    watch: str | None = field(
        default=None,
        metadata={"help": "Source whose questions are answered during training; its accuracy is logged."},
    )
    watch_split: str = field(
        default="validation", metadata={"help": "Its split: objects that are not trained on."}
    )
    watch_questions: int = field(
        default=256, metadata={"help": "So many of them; the standard error is 0.03 at 256."}
    )
    watch_every: int = field(default=50, metadata={"help": "Optimizer steps between two such measurements."})
    watch_thinks: bool = field(
        default=True, metadata={"help": "Whether they are asked with the think prompt."}
    )
    max_fall: float | None = field(
        default=None,
        metadata={"help": "Stop when their accuracy is so far below the first measurement, twice in a row."},
    )
    difficulty: float = field(
        default=0.0,
        metadata={
            "help": "How hard questions of gym:DATASET are, from 0 to 1, which is just above the grey band."
        },
    )
    wordings: str | None = field(
        default=None,
        metadata={"help": "File of templates for the questions of gym:DATASET; None: those that ship."},
    )
    curriculum: bool = field(
        default=False,
        metadata={"help": "Move it, for each kind of question, so that half of the answers earn (GRPO)."},
    )
    freeze: list[str] | None = field(
        default=None, metadata={"help": "Parts that are not trained: vision, projector, language."}
    )


class Source(NamedTuple):
    """One parsed source of `--data`."""

    benchmark: str | None
    path: str
    revision: str | None
    weight: float | None
    types: tuple[str, ...] = ()  # types of questions; empty: those of --types

    @property
    def name(self) -> str:
        """The name of the source in a model card."""
        return (Path(self.path).name if Path(self.path).exists() else self.path) + (
            f"@{self.revision}" if self.revision else ""
        )


def parse_source(text: str) -> Source:
    """
    Example:
        >>> parse_source("sat:array/SAT-v2@main=0.75")
        Source(benchmark='sat', path='array/SAT-v2', revision='main', weight=0.75, types=())
    """
    path, separator, last = text.rpartition("=")
    weight = None
    if separator:
        try:
            weight = float(last)
        except ValueError:
            path = text
        if weight is not None and weight <= 0:
            raise InputError(
                f"--data {text}: the weight is {weight}; expected a number above 0, as in PATH=0.25"
            )
    else:
        path = text
    benchmark, colon, rest = path.partition(":")
    if colon and not Path(path).exists() and benchmark == gym.NAME:
        path = rest
    elif colon and not Path(path).exists():
        if benchmark not in BENCHMARKS:
            raise InputError(
                f"--data {text}: there is no {benchmark!r}; expected one of {', '.join(BENCHMARKS)}"
            )
        path = rest or BENCHMARKS[benchmark].hub_id
    else:
        benchmark = ""
    types: tuple[str, ...] = ()
    if "#" in path and not Path(path).exists():
        path, _, names = path.rpartition("#")
        path = path or BENCHMARKS[benchmark].hub_id if benchmark in BENCHMARKS else path
        types = tuple(names.split(","))
    revision = None
    if "@" in path and not Path(path).exists():
        path, _, revision = path.partition("@")
    return Source(benchmark or None, path, revision, weight, types)


class Wanted(NamedTuple):
    """The questions that are wanted from a source, and the form in which they are asked."""

    split: str
    think_ratio: float
    fair: bool
    streaming: bool = False
    only_chains: bool = True  # only questions with a chain of thought are asked to think
    orders: int = 1


def load_rows(arguments: DataArguments) -> Any:
    """The questions to train on, as a table or a stream.

    Raises:
        InputError: a source does not exist or has no such split, or required weights are missing.
    """
    sources = [parse_source(text) for text in arguments.data]
    if arguments.thought not in THOUGHTS:
        raise InputError(f"--thought {arguments.thought}: expected one of {', '.join(THOUGHTS)}")
    if arguments.orders > 1 and arguments.streaming:
        raise InputError(f"--orders {arguments.orders} needs a table: leave out --streaming")
    wanted = Wanted(
        arguments.split,
        arguments.think_ratio,
        fair=arguments.fair,
        streaming=arguments.streaming,
        orders=arguments.orders,
    )
    tables = [_rows(source, arguments, wanted) for source in sources]
    if len(tables) == 1:
        return tables[0]
    if all(source.weight is None for source in sources):
        if arguments.streaming:
            raise InputError("--data: streams are mixed by weights; write PATH=0.75 OTHER=0.25")
        return concatenate_datasets(tables)
    weights = [1.0 if source.weight is None else source.weight for source in sources]
    shares = [weight / sum(weights) for weight in weights]
    return interleave_datasets(
        tables, probabilities=shares, seed=arguments.mixture_seed, stopping_strategy="all_exhausted"
    )


def load_watched(arguments: DataArguments) -> Dataset | None:
    """The fair questions whose accuracy is logged, spread over the split; all of them thought about, or
    none.
    """
    if arguments.watch is None:
        return None
    ratio = 1.0 if arguments.watch_thinks else 0.0
    wanted = Wanted(arguments.watch_split, ratio, fair=True)
    rows = _rows(parse_source(arguments.watch), arguments, wanted)
    return rows.shuffle(seed=0).select(range(min(arguments.watch_questions, len(rows))))


def ask_all(source: str, split: str, arguments: DataArguments, thinks: bool) -> Dataset:
    """All fair questions of a split, as `predict` asks and `evaluate` scores them."""
    ratio = 1.0 if thinks else 0.0
    wanted = Wanted(split, ratio, fair=True, only_chains=False)
    return _rows(parse_source(source), arguments, wanted)


def _rows(source: Source, arguments: DataArguments, wanted: Wanted) -> Any:
    rows = _opened(source, arguments, wanted)
    # other benchmarks have no chains of thought; if the share is above 0, all of their questions ask for one
    has_chains = source.benchmark in ("", None, gym.NAME)
    more = {
        "think_ratio": wanted.think_ratio,
        "arguments": arguments,
        "only_chains": wanted.only_chains and has_chains,
    }
    dropped = [name for name in COLUMNS if name not in FEATURES]
    if wanted.streaming:
        return rows.map(to_trl, fn_kwargs=more, features=FEATURES, remove_columns=dropped)
    if not len(rows):
        raise InputError(
            f"{source.path}, split {wanted.split}: no question is left to ask; check --split, --types, "
            "--tiers, --families and --fair"
        )
    return _table(rows, more, dropped, wanted.orders)


def _opened(source: Source, arguments: DataArguments, wanted: Wanted) -> Any:
    """The unconverted questions of a source: of the gym, of a benchmark, or of one of our datasets."""
    streaming = wanted.streaming
    if source.benchmark == gym.NAME:
        if not streaming:
            raise InputError(f"gym:{source.path} has no end: add --streaming, and --max_steps")
        kinds = list(source.types) or arguments.types or []
        return gym.fresh_rows(
            source.path, kinds, arguments.difficulty, arguments.mixture_seed, arguments.wordings
        )
    if source.benchmark:
        return load_benchmark(
            source.benchmark,
            source.path,
            wanted.split,
            types=source.types,
            revision=source.revision,
            streaming=streaming,
        )
    types = list(source.types) or arguments.types
    if wanted.fair and never_fair(types, arguments.tiers):
        raise InputError(
            f"--types {' '.join(types or [])}: such questions are never of the balanced subset, which alone "
            "is watched, predicted and scored; they can be trained on, with --fair false and without --watch"
        )
    return load_questions(
        source.path,
        wanted.split,
        revision=source.revision,
        streaming=streaming,
        types=types,
        tiers=arguments.tiers,
        families=arguments.families,
        fair=wanted.fair,
        shuffle_seed=arguments.mixture_seed if streaming else None,
    )


def _table(rows: Dataset, more: Mapping[str, Any], dropped: list[str], orders: int) -> Dataset:
    """Questions in TRL's columns, each with its options in `orders` different orders.

    Pictures are neither decoded nor copied.
    """
    texts = rows.remove_columns("images")
    features = Features({name: kind for name, kind in FEATURES.items() if name != "images"})
    tables = []
    for by in range(orders):
        asked = texts.map(to_trl, fn_kwargs={**more, "by": by}, features=features, remove_columns=dropped)
        table = concatenate_datasets([rows.select_columns("images"), asked], axis=1).select_columns(
            list(FEATURES)
        )
        kept = [i for i, options in enumerate(asked["options"]) if by < max(1, len(options or ()))]
        tables.append(table if len(kept) == len(table) else table.select(kept))
    return concatenate_datasets(tables)


def to_trl(
    row: dict[str, Any], think_ratio: float, arguments: DataArguments, only_chains: bool = True, by: int = 0
) -> dict[str, Any]:
    """A question as messages, its options rotated by `by`, with the columns that rewards need."""
    row = turned(row, by % len(row["options"])) if by and row["options"] else row
    thought = row["chain_of_thought"] if arguments.thought == "chain" else motion_line(row["motion"])
    thinks = lot(row["question_id"], arguments.mixture_seed) < think_ratio and (
        thought is not None or not only_chains
    )
    said = row["answer"]
    if thinks and thought:
        said = f"<think>{thought}</think> <answer>{said}</answer>"
    asked = messages(row["prompt"], arguments.system_prompt, arguments.think_prompt if thinks else "")
    return {
        "prompt": asked,
        "completion": [{"role": "assistant", "content": said}],
        "thinks": thinks,
        "question": row["prompt"],
        **{name: row[name] for name in ("options", "answer_index", "answer")},
    }


def motion_line(motion: Sequence[float] | None) -> str | None:
    """The six relations of a motion in one line; values in a grey band are called slight.

    Args:
        motion: the column `motion` of `load_questions`; None: the question shows no motion.

    Example:
        >>> motion_line([0.4, -0.1, 0.0, -20.0, 3.0, 0.5])
        'sideways right, height slightly up, depth none, yaw left, pitch slightly up, roll none'
    """
    if motion is None:
        return None
    gates = GateConfig()
    parts = []
    for (name, below, above, grey), amount in zip(RELATIONS, motion, strict=True):
        band = getattr(gates, grey)
        direction = above if amount > 0 else below
        if abs(amount) <= band.low:
            direction = "none"
        elif abs(amount) < band.high:
            direction = f"slightly {direction}"
        parts.append(f"{name} {direction}")
    return ", ".join(parts)


def turned(row: dict[str, Any], by: int) -> dict[str, Any]:
    """A question with its options rotated by `by`, so that they begin with number `by`."""
    options = row["options"]
    form = row["answer_form"]
    place = (row["answer_index"] - by) % len(options)
    letter = LETTERS[place]
    text = options[row["answer_index"]]
    answers = {"letter": letter, "digit": str(place + 1), "json": f'{{"answer": "{letter}"}}', "word": text}
    return {
        **row,
        "prompt": rotated(row["prompt"], options, by),
        "options": [*options[by:], *options[:by]],
        "answer_index": place,
        "answer": answers[form],
    }


def rotated(question: str, options: Sequence[str], by: int) -> str:
    """A prompt with its options rotated by `by`; their letters stay in order.

    Example:
        >>> rotated("Which way?\\nA. left\\nB. right\\nAnswer with the letter.", ["left", "right"], 1)
        'Which way?\\nA. right\\nB. left\\nAnswer with the letter.'
    """
    lines = question.split("\n")
    start = len(lines) - 1 - len(options)
    shown = [_MARKED.match(line) for line in lines[start:-1]] if start >= 0 else [None]
    marks = [mark.group() for mark in shown if mark]
    if lines[start:-1] != [mark + option for mark, option in zip(marks, options, strict=False)] or not all(
        shown
    ):
        raise InputError(f"cannot find the options {list(options)} in the prompt {question[-200:]!r}")
    changed = [*options[by:], *options[:by]]
    return "\n".join(
        [*lines[:start], *(mark + option for mark, option in zip(marks, changed, strict=True)), lines[-1]]
    )


def messages(question: str, system_prompt: str | None, think_prompt: str = "") -> list[dict[str, str]]:
    """The messages of a question, without pictures: TRL puts them before the text of the first user turn."""
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    return [*system, {"role": "user", "content": f"{question}\n{think_prompt}".strip()}]


def lot(question_id: str, seed: int) -> float:
    """A pseudo-random number in [0, 1) for a question, the same on every machine and in every order."""
    digest = hashlib.sha256(f"{seed}/{question_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def dataset_names(sources: Sequence[str]) -> list[str]:
    return [parse_source(text).name for text in sources]
