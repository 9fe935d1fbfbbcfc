"""Ask a model the questions of a dataset, and write what it says: one JSON line per answer, for `viewpoint100k evaluate`.

    python -m trainers.predict --model OUT/sft --data viewpoint-100k --out predictions.jsonl
    viewpoint100k evaluate predictions.jsonl viewpoint-100k

Backends: `transformers`; `vllm`; `openai`, any server of that interface at `--url`. Questions that `--out` answers already
are not asked again. `--rotations 0` asks each in every order of its options.
"""

import base64
import io
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from trainers.data import THINK_PROMPT, DataArguments, ask_all, messages, rotated
from viewpoint100k import InputError
from viewpoint100k.evaluate import read_predictions

Answer = Callable[[Sequence["Asked"]], list[str]]


@dataclass
class PredictArguments:
    """What is asked, of whom."""

    model: str = field(metadata={"help": "A folder, a Hub id, or the name by which a server knows it."})
    data: str = field(metadata={"help": "A source as --data of training has it, without a weight."})
    out: str = field(metadata={"help": "predictions.jsonl; answers are appended as they come."})
    split: str = field(default="test", metadata={"help": "Its objects are in no other split."})
    backend: str = field(default="transformers", metadata={"help": "transformers, vllm or openai."})
    url: str = field(default="http://localhost:8000/v1", metadata={"help": "Of the server, for openai."})
    api_key_env: str = field(default="OPENAI_API_KEY", metadata={"help": "Environment variable that holds the key."})
    types: list[str] | None = field(default=None, metadata={"help": "Only these types of questions."})
    limit: int | None = field(default=None, metadata={"help": "Only so many questions, drawn from the whole split."})
    rotations: int = field(default=1, metadata={"help": "Orders of the options; 0: as many as there are options."})
    think: bool = field(
        default=False, metadata={"help": "Add the think prompt, as answers with thoughts were trained."}
    )
    think_prompt: str = field(default=THINK_PROMPT, metadata={"help": "What --think adds."})
    system_prompt: str | None = field(default=None, metadata={"help": "System message; the one of training."})
    batch_size: int = field(default=16, metadata={"help": "Questions at a time."})
    max_new_tokens: int = field(default=1024, metadata={"help": "A letter alone still needs 3 or more."})
    temperature: float = field(default=0.0, metadata={"help": "0: the likeliest token."})
    dtype: str = field(default="auto", metadata={"help": "Of the weights, for transformers and vllm."})


class Asked(NamedTuple):
    """One question in one order of its options."""

    question_id: str
    rotation: int
    images: list[Any]
    messages: list[dict[str, str]]


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


# --- backends --------------------------------------------------------------------------------------


def generate(
    model: Any, processor: Any, asked: Sequence[Asked], max_new_tokens: int, temperature: float = 0.0
) -> list[str]:
    """Answers of a model of transformers, in one batch. Whatever it is training is left as it was."""
    import torch
    from trl.data_utils import prepare_multimodal_messages

    texts = [
        processor.apply_chat_template(
            prepare_multimodal_messages(one.messages, images=one.images), tokenize=False, add_generation_prompt=True
        )
        for one in asked
    ]
    pictures = [[picture.convert("RGB") for picture in one.images] for one in asked]
    inputs = processor(images=pictures, text=texts, return_tensors="pt", padding=True).to(model.device)
    if inputs["pixel_values"].dtype != model.dtype and model.dtype.is_floating_point:
        inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
    lot: dict[str, Any] = (
        {"temperature": temperature} if temperature else {"temperature": None, "top_p": None, "top_k": None}
    )
    trained, cached = model.training, getattr(model.config, "use_cache", None)
    model.eval()
    try:
        with torch.no_grad():
            said = model.generate(
                **inputs, max_new_tokens=max_new_tokens, do_sample=bool(temperature), use_cache=True, **lot
            )
    finally:
        model.train(trained)
        model.config.use_cache = cached
    return [
        text.strip()
        for text in processor.batch_decode(said[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    ]


def _transformers(arguments: PredictArguments) -> Answer:
    import torch
    from transformers import AutoModelForImageTextToText

    from trainers.models import load_processor

    processor = load_processor(arguments.model)
    model = AutoModelForImageTextToText.from_pretrained(arguments.model, dtype=arguments.dtype)
    model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    return lambda asked: generate(model, processor, asked, arguments.max_new_tokens, arguments.temperature)


def _vllm(arguments: PredictArguments) -> Answer:
    try:
        from vllm import LLM, SamplingParams
    except ImportError as error:
        raise InputError(
            "--backend vllm: vllm is not installed; install it, or ask a server with --backend openai"
        ) from error
    model = LLM(arguments.model, dtype=arguments.dtype, limit_mm_per_prompt={"image": 5})
    settings = SamplingParams(temperature=arguments.temperature, max_tokens=arguments.max_new_tokens)

    def answer(asked: Sequence[Asked]) -> list[str]:
        done = model.chat([_with_pictures(one) for one in asked], settings, use_tqdm=False)
        return [one.outputs[0].text for one in done]

    return answer


def _openai(arguments: PredictArguments) -> Answer:
    address = arguments.url.rstrip("/") + "/chat/completions"
    key = os.environ.get(arguments.api_key_env, "none")

    def ask(one: Asked) -> str:
        body = {
            "model": arguments.model,
            "messages": _with_pictures(one),
            "temperature": arguments.temperature,
            "max_tokens": arguments.max_new_tokens,
        }
        head = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        request = urllib.request.Request(address, json.dumps(body).encode(), head)
        try:
            with urllib.request.urlopen(request, timeout=600) as reply:
                return str(json.load(reply)["choices"][0]["message"]["content"] or "")
        except urllib.error.HTTPError as error:
            said = error.read()[:300].decode("utf-8", "replace")
            raise InputError(
                f"{address} answered {error.code}: {said}. Check --model, --url and ${arguments.api_key_env}"
            ) from error
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{address} gave no answer: {error}. Is the server up? Run again to go on") from error

    def answer(asked: Sequence[Asked]) -> list[str]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(asked)) as pool:
            return list(pool.map(ask, asked))

    return answer


def _with_pictures(one: Asked) -> list[dict[str, Any]]:
    """Messages of the OpenAI interface: the pictures before the text of the user's turn."""
    *before, user = one.messages
    parts: list[dict[str, Any]] = []
    for picture in one.images:
        out = io.BytesIO()
        picture.convert("RGB").save(out, "PNG")
        address = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
        parts.append({"type": "image_url", "image_url": {"url": address}})
    return [*before, {"role": "user", "content": [*parts, {"type": "text", "text": user["content"]}]}]


BACKENDS: dict[str, Callable[[PredictArguments], Answer]] = {
    "transformers": _transformers,
    "vllm": _vllm,
    "openai": _openai,
}


def main(arguments: PredictArguments) -> int:
    """Answer what is not answered yet. Returns how many lines were written."""
    if arguments.backend not in BACKENDS:
        raise InputError(f"--backend {arguments.backend}: expected of {', '.join(BACKENDS)}")
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
