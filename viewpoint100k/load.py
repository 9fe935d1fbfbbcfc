"""Shards -> the columns that trainers, and people, want: one row per question."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewpoint100k.drawing import draws, shown
from viewpoint100k.errors import InputError, MissingExtra
from viewpoint100k.records import Question

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

COLUMNS = (
    "images", "prompt", "options", "answer", "answer_index", "answer_form", "value", "type", "tier", "frame",
    "chain_of_thought", "family", "question_id", "sample_key",
)  # fmt: skip


def load_questions(
    path: str | Path, split: str = "train", *, streaming: bool = False, revision: str | None = None
) -> "Dataset | IterableDataset":
    """One row per question of a dataset folder or of a dataset on the Hub.

    Args:
        path: a folder that `viewpoint100k generate` wrote, or `org/name`.
        split: train, validation or test.
        streaming: read the shards as they come, nothing is copied to a cache.
        revision: tag, branch or commit on the Hub.

    Returns:
        Rows of `images` (list of pictures), `prompt` (with its lettered options), `options`, `answer` (the letter),
        `answer_index`, `answer_form`, `value` (the right number, where one is asked for), `type`, `tier`, `frame`, `family`, `chain_of_thought` (or None), `question_id`, `sample_key`.

    Raises:
        InputError: there is no such dataset or split.
        MissingExtra: the `datasets` library is not installed.
    """
    try:
        from datasets import Features, Image, List, Value, load_dataset
    except ImportError as error:
        raise MissingExtra("loading needs the `datasets` library: pip install 'viewpoint100k[publish]'") from error

    try:
        pairs = load_dataset(str(path), split=split, streaming=streaming, revision=revision)
    except (FileNotFoundError, ValueError) as error:
        raise InputError(f"cannot load split {split!r} of {path}: {str(error).splitlines()[0]}") from error
    others = {
        "images": List(Image()),
        "options": List(Value("string")),
        "answer_index": Value("int64"),
        "value": Value("float64"),
    }
    features = Features({name: others.get(name, Value("string")) for name in COLUMNS})
    columns = pairs.column_names or list(pairs.features)
    # a stream hands on what the function returns: pictures decoded once per pair; a table keeps them as files
    source = pairs if streaming else _undecoded(pairs, columns)
    rows = source.map(_rows, batched=True, batch_size=16, remove_columns=columns, features=features)
    return rows.select_columns(list(COLUMNS))


def _undecoded(pairs: Any, columns: list[str]) -> Any:
    """Pictures as bytes: they are copied, not decoded and encoded again."""
    from datasets import Image

    for name in (name for name in columns if name.startswith("view_")):
        pairs = pairs.cast_column(name, Image(decode=False))
    return pairs


def _rows(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """All questions of a batch of pairs; the pictures are shared by the questions of a pair."""
    out: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    views = sorted(name for name in batch if name.startswith("view_"))
    for number, (key, sample) in enumerate(zip(batch["__key__"], batch["json"], strict=True)):
        images = [batch[name][number] for name in views]
        for question in sample["questions"]:
            out["images"].append(_shown(question, images))
            out["question_id"].append(question["id"])
            out["sample_key"].append(key)
            out["family"].append(sample["family"])
            for name in COLUMNS[1:-3]:
                out[name].append(question[name])
    return out


def _shown(row: dict[str, Any], images: list[Any]) -> list[Any]:
    """A question's pictures, with what is drawn into them; plain ones are handed on as they are."""
    question = Question.model_validate(row)
    if not draws(question):
        return [images[view] for view in question.images]
    from PIL import Image

    return shown(question, [one if isinstance(one, Image.Image) else _decoded(one) for one in images])


def _decoded(image: dict[str, Any]) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(image["bytes"])).convert("RGB")
