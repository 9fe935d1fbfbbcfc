"""Backends that answer questions: transformers, vLLM, or any server with the OpenAI interface.

Each turns questions with pictures into texts.
"""

import base64
import io
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from trainers.benchmark_columns import FRAMES
from viewpoint100k import InputError

if TYPE_CHECKING:
    from trainers.predict import PredictArguments


class Asked(NamedTuple):
    """One question in one order of its options."""

    question_id: str
    rotation: int
    images: list[Any]
    messages: list[dict[str, str]]


Answer = Callable[[Sequence[Asked]], list[str]]


def generate(
    model: Any, processor: Any, asked: Sequence[Asked], max_new_tokens: int, temperature: float = 0.0
) -> list[str]:
    """Answers of a transformers model, in one batch; its training state is left as it was."""
    import torch
    from trl.data_utils import prepare_multimodal_messages

    texts = [
        processor.apply_chat_template(
            prepare_multimodal_messages(question.messages, images=question.images),
            tokenize=False,
            add_generation_prompt=True,
        )
        for question in asked
    ]
    pictures = [[picture.convert("RGB") for picture in question.images] for question in asked]
    inputs = processor(images=pictures, text=texts, return_tensors="pt", padding=True).to(model.device)
    if inputs["pixel_values"].dtype != model.dtype and model.dtype.is_floating_point:
        inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
    lot: dict[str, Any] = (
        {"temperature": temperature} if temperature else {"temperature": None, "top_p": None, "top_k": None}
    )
    trained = model.training
    cached = getattr(model.config, "use_cache", None)
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


def _transformers(arguments: "PredictArguments") -> Answer:
    import torch
    from transformers import AutoModelForImageTextToText

    from trainers.models import load_processor

    processor = load_processor(arguments.model)
    try:
        model = AutoModelForImageTextToText.from_pretrained(arguments.model, dtype=arguments.dtype)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load {arguments.model}: {str(error).splitlines()[0]}") from error
    model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    return lambda asked: generate(model, processor, asked, arguments.max_new_tokens, arguments.temperature)


def _vllm(arguments: "PredictArguments") -> Answer:
    try:
        from vllm import LLM, SamplingParams
    except ImportError as error:
        raise InputError(
            "--backend vllm: vllm is not installed; install it, or ask a server with --backend openai"
        ) from error
    settings: dict[str, Any] = {"dtype": arguments.dtype, "limit_mm_per_prompt": {"image": FRAMES}}
    if (share := arguments.vllm_gpu_memory_utilization or _free_share()) is not None:
        settings["gpu_memory_utilization"] = share
    try:
        model = LLM(arguments.model, **settings)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"vLLM cannot load {arguments.model}: {str(error).splitlines()[0]} If its workers have printed "
            "above that memory is short, lower --vllm_gpu_memory_utilization"
        ) from error
    sampling = SamplingParams(temperature=arguments.temperature, max_tokens=arguments.max_new_tokens)

    def answer(asked: Sequence[Asked]) -> list[str]:
        done = model.chat([_with_pictures(question) for question in asked], sampling, use_tqdm=False)
        return [question.outputs[0].text for question in done]

    return answer


def _free_share() -> float | None:
    """On a processor half of the memory that is free, as a share of all; None elsewhere.

    vLLM takes 92 % of all memory unless told otherwise, and ends if that is not free. On a processor it
    seldom is, because other programs live there, too.
    """
    import psutil
    from vllm.platforms import current_platform

    memory = psutil.virtual_memory()
    return memory.available / memory.total / 2 if current_platform.is_cpu() else None


def _openai(arguments: "PredictArguments") -> Answer:
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
            raise InputError(
                f"{address} gave no answer: {error}. Is the server up? Run again to go on"
            ) from error

    def answer(asked: Sequence[Asked]) -> list[str]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(asked)) as pool:
            return list(pool.map(ask, asked))

    return answer


def _with_pictures(one: Asked) -> list[dict[str, Any]]:
    """Messages for the OpenAI interface, with the pictures before the text of the user's turn."""
    *before, user = one.messages
    parts: list[dict[str, Any]] = []
    for picture in one.images:
        out = io.BytesIO()
        picture.convert("RGB").save(out, "PNG")
        address = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
        parts.append({"type": "image_url", "image_url": {"url": address}})
    return [*before, {"role": "user", "content": [*parts, {"type": "text", "text": user["content"]}]}]


BACKENDS: dict[str, Callable[["PredictArguments"], Answer]] = {
    "transformers": _transformers,
    "vllm": _vllm,
    "openai": _openai,
}
