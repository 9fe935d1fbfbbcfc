"""Ask a model the questions of a dataset, and write what it says: one JSON line per answer, for
`viewpoint100k evaluate`.

    python -m trainers.predict --model OUT/sft --data viewpoint-100k --out predictions.jsonl
    viewpoint100k evaluate predictions.jsonl viewpoint-100k

Backends: `transformers`; `vllm`; `openai`, any server of that interface at `--url`. Questions that `--out`
answers already are not asked again. `--rotations 0` asks each in every order of its options.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainers.backends import BACKENDS, Asked
from trainers.data import THINK_PROMPT, DataArguments, ask_all, messages, rotated
from trainers.models import check_model_name
from viewpoint100k import InputError
from viewpoint100k.evaluate import read_predictions


@dataclass
class PredictArguments:
    """Options for the questions that are asked, and for the model that answers."""

    model: str = field(metadata={"help": "A folder, a Hub id, or the name by which a server knows it."})
    data: str = field(metadata={"help": "A source as --data of training has it, without a weight."})
    out: str = field(metadata={"help": "predictions.jsonl; answers are appended as they come."})
    split: str = field(default="test", metadata={"help": "Its objects are in no other split."})
    backend: str = field(default="transformers", metadata={"help": "transformers, vllm or openai."})
    url: str = field(default="http://localhost:8000/v1", metadata={"help": "URL of the server, for openai."})
    api_key_env: str = field(
        default="OPENAI_API_KEY", metadata={"help": "Environment variable that holds the key."}
    )
    types: list[str] | None = field(default=None, metadata={"help": "Only these types of questions."})
    limit: int | None = field(
        default=None,
        metadata={"help": "How many questions to answer, drawn from the whole split; by default all."},
    )
    rotations: int = field(
        default=1, metadata={"help": "Orders of the options; 0: as many as there are options."}
    )
    think: bool = field(
        default=False, metadata={"help": "Add the think prompt, as answers with thoughts were trained."}
    )
    think_prompt: str = field(default=THINK_PROMPT, metadata={"help": "What --think adds."})
    system_prompt: str | None = field(default=None, metadata={"help": "System message; the one of training."})
    batch_size: int = field(default=16, metadata={"help": "Questions at a time."})
    max_new_tokens: int = field(default=1024, metadata={"help": "A letter alone still needs 3 or more."})
    temperature: float = field(default=0.0, metadata={"help": "0: the likeliest token."})
    dtype: str = field(
        default="auto", metadata={"help": "Number format of the weights, for transformers and vllm."}
    )
    vllm_gpu_memory_utilization: float | None = field(
        default=None,
        metadata={
            "help": "Share of the memory that vLLM takes; by default vLLM's own, on a processor half of what "
            "is free."
        },
    )


def to_ask(arguments: PredictArguments) -> Iterator[list[tuple[Asked, bool]]]:
    """Yield batches with at least one unanswered question; each question comes with whether it is unanswered.

    The contents of a batch do not depend on which questions are answered already. Padding follows the longest
    row of a batch and may decide between two equally likely tokens, so an interrupted run gives the same
    answers as an uninterrupted one.
    """
    known = _known(Path(arguments.out))
    about = DataArguments(
        data=[arguments.data],
        types=arguments.types,
        system_prompt=arguments.system_prompt,
        think_prompt=arguments.think_prompt,
    )
    rows = ask_all(arguments.data, arguments.split, about, arguments.think)
    if arguments.limit is not None and arguments.limit < len(rows):
        rows = rows.shuffle(seed=0).select(range(arguments.limit))
    texts = rows.remove_columns("images")  # pictures are decoded only when a question is asked
    turns = [(place, by) for place, row in enumerate(texts) for by in _orders(row, arguments.rotations)]
    for start in range(0, len(turns), arguments.batch_size):
        batch = turns[start : start + arguments.batch_size]
        ids = [texts[place]["question_id"] for place, _ in batch]
        done = [by in known.get(name, ()) for name, (_, by) in zip(ids, batch, strict=True)]
        if not all(done):
            asked = (_ask(rows[place], by, arguments) for place, by in batch)
            yield list(zip(asked, done, strict=True))


def _orders(row: Any, rotations: int) -> range:
    """The rotations of its options in which a question is asked."""
    options = len(row["options"] or [])
    return range(max(1, min(rotations or options, options)))


def _ask(row: Any, by: int, arguments: PredictArguments) -> Asked:
    text = rotated(row["question"], row["options"] or [], by) if by else row["question"]
    think = arguments.think_prompt if arguments.think else ""
    return Asked(row["question_id"], by, row["images"], messages(text, arguments.system_prompt, think))


def _known(path: Path) -> dict[str, dict[int, str | None]]:
    """The answers in the output file; half a line, left by a killed run, is cut off."""
    if not path.is_file():
        return {}
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        try:
            json.loads(text[len(whole) :])
            path.write_bytes(text + b"\n")
        except ValueError:
            path.write_bytes(whole)
    return read_predictions(path) if path.read_bytes().strip() else {}


def _check_numbers(arguments: PredictArguments) -> None:
    least = {"batch_size": 1, "limit": 1, "rotations": 0, "max_new_tokens": 1}
    for name, fewest in least.items():
        given = getattr(arguments, name)
        if given is not None and given < fewest:
            raise InputError(f"--{name} {given}: expected {fewest} or more")
    share = arguments.vllm_gpu_memory_utilization
    if share is not None and not 0 < share <= 1:
        raise InputError(
            f"--vllm_gpu_memory_utilization {share}: expected a share, more than 0 and at most 1"
        )
    if Path(arguments.out).is_dir():
        raise InputError(f"--out {arguments.out} is a folder; name a file in it, such as predictions.jsonl")


def main(arguments: PredictArguments) -> int:
    """Answer the remaining questions, and return the number of lines written."""
    if arguments.backend not in BACKENDS:
        raise InputError(f"--backend {arguments.backend}: expected one of {', '.join(BACKENDS)}")
    _check_numbers(arguments)
    if arguments.backend != "openai":  # a server has model names of its own
        check_model_name(arguments.model, "--model")
    waiting = to_ask(arguments)
    batch = next(waiting, None)
    if batch is None:
        return 0
    answer = BACKENDS[arguments.backend](arguments)
    written = 0
    Path(arguments.out).parent.mkdir(parents=True, exist_ok=True)
    with open(arguments.out, "a", encoding="utf-8") as out:
        while batch is not None:
            questions = [asked for asked, _ in batch]
            for (asked, done), said in zip(batch, answer(questions), strict=True):
                if done:
                    continue
                written += 1
                line = {"question_id": asked.question_id, "rotation": asked.rotation, "prediction": said}
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
            out.flush()
            batch = next(waiting, None)
    return written


if __name__ == "__main__":
    from trl import TrlParser

    from trainers.cli import run

    run(main, TrlParser((PredictArguments,)))
