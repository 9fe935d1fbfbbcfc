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
from itertools import islice
from pathlib import Path

from trainers.backends import BACKENDS, Asked
from trainers.data import THINK_PROMPT, DataArguments, ask_all, messages, rotated
from trainers.models import check_model_name
from viewpoint100k import InputError
from viewpoint100k.evaluate import read_predictions


@dataclass
class PredictArguments:
    """What is asked, of whom."""

    model: str = field(metadata={"help": "A folder, a Hub id, or the name by which a server knows it."})
    data: str = field(metadata={"help": "A source as --data of training has it, without a weight."})
    out: str = field(metadata={"help": "predictions.jsonl; answers are appended as they come."})
    split: str = field(default="test", metadata={"help": "Its objects are in no other split."})
    backend: str = field(default="transformers", metadata={"help": "transformers, vllm or openai."})
    url: str = field(default="http://localhost:8000/v1", metadata={"help": "Of the server, for openai."})
    api_key_env: str = field(
        default="OPENAI_API_KEY", metadata={"help": "Environment variable that holds the key."}
    )
    types: list[str] | None = field(default=None, metadata={"help": "Only these types of questions."})
    limit: int | None = field(
        default=None, metadata={"help": "Only so many questions, drawn from the whole split."}
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
    dtype: str = field(default="auto", metadata={"help": "Of the weights, for transformers and vllm."})


def to_ask(arguments: PredictArguments) -> Iterator[Asked]:
    """What is not answered yet."""
    known = read_predictions(Path(arguments.out)) if _has_lines(Path(arguments.out)) else {}
    about = DataArguments(
        data=[arguments.data],
        types=arguments.types,
        system_prompt=arguments.system_prompt,
        think_prompt=arguments.think_prompt,
    )
    rows = ask_all(arguments.data, arguments.split, about, arguments.think)
    if arguments.limit is not None and arguments.limit < len(rows):
        rows = rows.shuffle(seed=0).select(range(arguments.limit))
    for row in rows:
        options = row["options"] or []
        turns = arguments.rotations or len(options)
        for by in range(max(1, min(turns, len(options)))):
            if by in known.get(row["question_id"], {}):
                continue
            text = rotated(row["question"], options, by) if by else row["question"]
            think = arguments.think_prompt if arguments.think else ""
            yield Asked(row["question_id"], by, row["images"], messages(text, arguments.system_prompt, think))


def _has_lines(path: Path) -> bool:
    return path.is_file() and bool(path.read_text("utf-8").strip())


def main(arguments: PredictArguments) -> int:
    """Answer what is not answered yet. Returns how many lines were written."""
    if arguments.backend not in BACKENDS:
        raise InputError(f"--backend {arguments.backend}: expected of {', '.join(BACKENDS)}")
    if arguments.backend != "openai":  # a server has names of its own
        check_model_name(arguments.model, "--model")
    waiting, written = to_ask(arguments), 0
    batch = list(islice(waiting, arguments.batch_size))
    if not batch:
        return 0
    answer = BACKENDS[arguments.backend](arguments)
    Path(arguments.out).parent.mkdir(parents=True, exist_ok=True)
    with open(arguments.out, "a", encoding="utf-8") as out:
        while batch:
            for one, said in zip(batch, answer(batch), strict=True):
                line = {"question_id": one.question_id, "rotation": one.rotation, "prediction": said}
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
            out.flush()
            written += len(batch)
            batch = list(islice(waiting, arguments.batch_size))
    return written


if __name__ == "__main__":
    from trl import TrlParser

    from trainers.cli import run

    run(main, TrlParser((PredictArguments,)))
