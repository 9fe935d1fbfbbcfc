"""The questions in the formats of other tools, two that evaluate and four that train; figures are drawn in.

    vlmevalkit     a TSV for its custom multiple-choice sets; questions that ask for a number are left out: it knows letters only
    lmms-eval      a task folder: yaml, utils.py, parquet
    llamafactory   ShareGPT json, dataset_info.json, a folder of pictures
    ms-swift       messages as JSON lines, and a folder of pictures
    openai         messages as JSON lines, pictures inside, as its fine-tuning takes them
    verl           parquet, and a reward function

The tools that score by a function of ours (lmms-eval, verl) call `viewpoint100k.scoring`, so that a score
means the same everywhere; viewpoint100k must be installed beside them.
"""

import base64
import csv
import hashlib
import io
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from viewpoint100k.drawing import draws, shown
from viewpoint100k.errors import InputError, MissingExtra
from viewpoint100k.questions import KINDS
from viewpoint100k.records import Question, Sample
from viewpoint100k.scoring import LETTERS
from viewpoint100k.shards import (
    StoredSample,
    decode,
    in_sample,
    iter_records,
    iter_samples,
    iter_stored,
    open_picture,
    shard_paths,
    write_atomically,
)

NAME = "viewpoint100k"
IMAGE = "<image>"  # where LLaMA-Factory, ms-swift and verl put a picture
JPEG_QUALITY = 95
BATCH = 256  # rows of a parquet file that are held at a time


class Exported(NamedTuple):
    """What was written."""

    questions: int
    left_out: int
    files: list[str]  # names within the folder; of pictures only their folder


class _Chosen(NamedTuple):
    """What is exported: the fair questions of a split, of these types; no types: of all."""

    dataset: Path
    split: str
    types: frozenset[str]

    def of(self, sample: Sample) -> list[Question]:
        """The questions of a sample that are exported."""
        return [each for each in sample.fair_questions if not self.types or each.type in self.types]


class _Row(NamedTuple):
    stored: StoredSample
    question: Question
    pictures: list[bytes]  # JPEG, as they are to be shown


def export(
    dataset: Path, to: str, out: Path, split: str | None = None, types: Collection[str] = ()
) -> Exported:
    """Write a split of a dataset for another tool.

    Args:
        to: one of `FORMATS`.
        out: a folder that is new or empty.
        split: None: test for what evaluates, train for what trains.
        types: only these types of questions, such as "ego_translation"; none: all of them.

    Raises:
        InputError: there is no such format, split or type, or the folder is not empty.
        MissingExtra: the format needs a library that is not installed.
    """
    if to not in FORMATS:
        raise InputError(f"--to {to}: expected {', '.join(FORMATS)}")
    write, usual = FORMATS[to]
    chosen = _Chosen(dataset, split or usual, frozenset(types))
    known = {kind.type for kind in KINDS}
    if unknown := sorted(chosen.types - known):
        raise InputError(f"--type {unknown[0]}: expected some of {', '.join(sorted(known))}")
    samples = (sample for path in shard_paths(dataset, chosen.split) for _, sample in iter_records(path))
    if not any(map(chosen.of, samples)):
        named = f" of type {', '.join(sorted(chosen.types))}" if chosen.types else ""
        raise InputError(
            f"{dataset}: no question{named} of its split {chosen.split} is of the balanced subset, which is "
            "exported; choose another --split or --type"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder; choose a new one")
    out.mkdir(parents=True, exist_ok=True)
    return write(chosen, out)


def _rows(chosen: _Chosen) -> Iterator[_Row]:
    """The questions to export; pictures are decoded once, and only if something is drawn into them.

    Raises:
        InputError: a picture is none of ours: others read what is exported, and their readers take more
        formats. Or a prompt has a place for a picture more.
    """
    for path, stored in iter_stored(chosen.dataset, chosen.split):
        decoded: list[Any] = []
        with in_sample(path, stored.key):
            for view, data in enumerate(stored.images):
                open_picture(data, f"view_{view}.jpg")
        for question in chosen.of(stored.sample):
            if IMAGE in question.prompt:
                raise InputError(
                    f"{path}: {question.id}: its prompt holds {IMAGE}, where others put a picture"
                )
            if not draws(question):
                yield _Row(stored, question, [stored.images[view] for view in question.images])
                continue
            with in_sample(path, stored.key):
                decoded = decoded or [
                    decode(data, f"view_{view}.jpg") for view, data in enumerate(stored.images)
                ]
                plain = {id(picture): data for picture, data in zip(decoded, stored.images, strict=True)}
                pictures = [plain.get(id(picture)) or _jpeg(picture) for picture in shown(question, decoded)]
            yield _Row(stored, question, pictures)


def _jpeg(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()


# --- VLMEvalKit ------------------------------------------------------------------------------------


# what `pandas.read_csv` takes for an empty cell, as its documentation lists them
_EMPTY_CELLS = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
     "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)  # fmt: skip


def _vlmevalkit(chosen: _Chosen, out: Path) -> Exported:
    """NAME.tsv for $LMUData; `python run.py --data NAME` takes a set of unknown name for multiple choice."""
    name = f"{NAME}_{chosen.split}"
    left_out = 0
    count = 0
    most = max(
        (
            len(question.options)
            for stored in iter_samples(chosen.dataset, chosen.split)
            for question in chosen.of(stored.sample)
        ),
        default=0,
    )
    letters = LETTERS[: max(2, most)]
    unfinished = out / f".{name}.partial"
    with open(unfinished, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        others = ["answer", "category", "l2-category", "question_id", "split", "image"]
        table.writerow(["index", "question", *letters, *others])
        for row in _rows(chosen):
            question = row.question
            if not question.options:
                left_out += 1
                continue
            texts = [base64.b64encode(data).decode() for data in row.pictures]
            image = texts[0] if len(texts) == 1 else "[" + ",".join(f"'{text}'" for text in texts) + "]"
            _check_cells(question)
            options = [*question.options, *[""] * (len(letters) - len(question.options))]
            right = LETTERS[question.answer_index]
            asked = question.prompt.split("\n")[0]
            about = [question.type, question.tier, question.id, chosen.split]
            table.writerow([_kit_index(row), asked, *options, right, *about, image])
            count += 1
    unfinished.replace(out / f"{name}.tsv")
    return Exported(count, left_out, [f"{name}.tsv"])


def _check_cells(question: Question) -> None:
    """An option that its table cannot hold would be left out of the question, or be another text."""
    for option in question.options:
        if option in _EMPTY_CELLS or _is_number(option):
            raise InputError(
                f"{question.id}: VLMEvalKit, which reads tables with pandas, takes the option {option!r} for "
                "an empty cell or a number; word it differently (questions.templates) or leave the type out"
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _kit_index(row: _Row) -> int:
    """A number of the question and its pictures, which even a spreadsheet keeps exactly.

    VLMEvalKit unpacks pictures into files that it names by the index, and reads a file that is there already:
    under a running number, a second dataset would be asked about the pictures of the first.
    """
    digest = hashlib.sha256(row.question.id.encode())
    for picture in row.pictures:
        digest.update(hashlib.sha256(picture).digest())
    return int.from_bytes(digest.digest()[:6])  # 48 bits


# --- lmms-eval -------------------------------------------------------------------------------------


LMMS_YAML = """task: {name}
dataset_path: parquet
dataset_kwargs:
  data_files:
    {split}: {data}
test_split: {split}
output_type: generate_until
doc_to_visual: !function utils.doc_to_visual
doc_to_text: !function utils.doc_to_text
doc_to_target: answer
process_results: !function utils.process_results
generation_kwargs:
  max_new_tokens: 1024
  temperature: 0
  do_sample: false
metric_list:
  - metric: accuracy
    aggregation: mean
    higher_is_better: true
lmms_eval_specific_kwargs:
  default:
    pre_prompt: ""
    post_prompt: ""
metadata:
  version: 1.0
"""

LMMS_UTILS = '''"""Asks and scores as viewpoint100k does; needs `pip install viewpoint100k` beside lmms-eval."""

import io

from PIL import Image

from viewpoint100k.scoring import score


def doc_to_visual(doc):
    return [_picture(image) for image in doc["images"]]


def _picture(image):
    if isinstance(image, dict):
        image = Image.open(io.BytesIO(image["bytes"]))
    return image.convert("RGB")


def doc_to_text(doc, lmms_eval_specific_kwargs=None):
    around = lmms_eval_specific_kwargs or {}
    return around.get("pre_prompt", "") + doc["prompt"] + around.get("post_prompt", "")


def process_results(doc, results):
    worth = score(results[0], doc["options"], doc["answer_index"], doc["answer_form"], doc["value"])
    return {"accuracy": worth}
'''


def _lmms_eval(chosen: _Chosen, out: Path) -> Exported:
    """A task folder for `--include_path`.

    The yaml names the data by its full path: the harness resolves no other.
    """
    name = f"{NAME}_{chosen.split}"
    data = out.resolve() / f"{chosen.split}.parquet"
    count = _write_parquet(data, _features(), (_columns(row) for row in _rows(chosen)))
    yaml = LMMS_YAML.format(name=name, split=chosen.split, data=json.dumps(str(data)))
    write_atomically(out / f"{name}.yaml", yaml.encode())
    write_atomically(out / "utils.py", LMMS_UTILS.encode())
    return Exported(count, 0, [f"{name}.yaml", "utils.py", data.name])


def _columns(row: _Row) -> dict[str, Any]:
    question = row.question
    return {
        "question_id": question.id,
        "images": [{"bytes": data, "path": None} for data in row.pictures],
        **question.model_dump(include={
            "prompt", "options", "answer", "answer_index", "answer_form", "value", "type", "tier",
        }),
        "family": row.stored.sample.family,
    }  # fmt: skip


def _features(**more: Any) -> Any:
    try:
        from datasets import Features, Image, List, Value
    except ImportError as error:
        raise MissingExtra("this format needs `datasets`: pip install 'viewpoint100k[publish]'") from error
    text = {
        name: Value("string")
        for name in ("question_id", "prompt", "answer", "answer_form", "type", "tier", "family")
    }
    typed = {"images": List(Image()), "options": List(Value("string")), "answer_index": Value("int64")}
    return Features({**text, **typed, "value": Value("float64"), **more})


def _write_parquet(path: Path, features: Any, rows: Iterator[dict[str, Any]]) -> int:
    """Rows to a file, a batch at a time, with the types that `datasets` reads back."""
    import pyarrow
    import pyarrow.parquet as parquet

    schema = features.arrow_schema
    count = 0
    batch = list[dict[str, Any]]()
    unfinished = path.with_name(f".{path.name}.partial")
    with parquet.ParquetWriter(unfinished, schema) as writer:
        for row in rows:
            batch.append(row)
            count += 1
            if len(batch) == BATCH:
                writer.write_table(pyarrow.Table.from_pylist(batch, schema))
                batch = []
        if batch:
            writer.write_table(pyarrow.Table.from_pylist(batch, schema))
    unfinished.replace(path)
    return count


# --- LLaMA-Factory ---------------------------------------------------------------------------------


def _llamafactory(chosen: _Chosen, out: Path) -> Exported:
    """A folder for `dataset_dir`: the pictures' paths are relative to it.

    A picture that several questions show is there once.
    """
    name = f"{NAME}_{chosen.split}"
    rows = list[dict[str, Any]]()
    for row in _rows(chosen):
        paths = _picture_files(row, out)
        turns = [
            {"from": "human", "value": IMAGE * len(paths) + row.question.prompt},
            {"from": "gpt", "value": row.question.answer},
        ]
        rows.append({"id": row.question.id, "conversations": turns, "images": paths})
    info = {
        name: {
            "file_name": f"{name}.json",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "images": "images"},
        }
    }
    write_atomically(out / f"{name}.json", json.dumps(rows, ensure_ascii=False, indent=0).encode())
    write_atomically(out / "dataset_info.json", (json.dumps(info, indent=2) + "\n").encode())
    return Exported(len(rows), 0, [f"{name}.json", "dataset_info.json", "images/"])


def _picture_files(row: _Row, out: Path) -> list[str]:
    """The pictures of a question below `out`/images, as they are named from `out`. A picture that several
    questions show is there once.
    """
    (out / "images").mkdir(exist_ok=True)
    paths = list[str]()
    for place, data in enumerate(row.pictures):
        plain = row.question.images[place] if place < len(row.question.images) else None
        same = plain is not None and data is row.stored.images[plain]
        file = f"{row.stored.key}.view_{plain}.jpg" if same else f"{row.question.id}.{place}.jpg"
        paths.append(f"images/{file}")
        if not (out / paths[-1]).exists():
            (out / paths[-1]).write_bytes(data)
    return paths


# --- messages as JSON lines ------------------------------------------------------------------------


def _ms_swift(chosen: _Chosen, out: Path) -> Exported:
    """NAME.jsonl for `--dataset`. Pictures by their full paths: others are looked up from where it is run."""
    folder = out.resolve()

    def line(row: _Row) -> dict[str, Any]:
        paths = [str(folder / path) for path in _picture_files(row, out)]
        asked = {"role": "user", "content": IMAGE * len(paths) + row.question.prompt}
        said = {"role": "assistant", "content": row.question.answer}
        return {"messages": [asked, said], "images": paths}

    name = f"{NAME}_{chosen.split}.jsonl"
    count = _write_lines(out / name, (line(row) for row in _rows(chosen)))
    return Exported(count, 0, [name, "images/"])


def _openai(chosen: _Chosen, out: Path) -> Exported:
    """NAME.jsonl for its fine-tuning, and for servers and trainers of that interface."""

    def line(row: _Row) -> dict[str, Any]:
        addresses = ["data:image/jpeg;base64," + base64.b64encode(data).decode() for data in row.pictures]
        parts: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": address}} for address in addresses
        ]
        asked = {"role": "user", "content": [*parts, {"type": "text", "text": row.question.prompt}]}
        return {"messages": [asked, {"role": "assistant", "content": row.question.answer}]}

    name = f"{NAME}_{chosen.split}.jsonl"
    count = _write_lines(out / name, (line(row) for row in _rows(chosen)))
    return Exported(count, 0, [name])


def _write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    unfinished = path.with_name(f".{path.name}.partial")
    with open(unfinished, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    unfinished.replace(path)
    return count


# --- verl ------------------------------------------------------------------------------------------


VERL_REWARD = '''"""custom_reward_function.path=reward.py; needs `pip install viewpoint100k` beside verl."""

from viewpoint100k.scoring import score


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    asked = extra_info or {}
    return score(solution_str, list(asked["options"]), asked["answer_index"], asked["answer_form"], asked["value"])
'''


def _verl(chosen: _Chosen, out: Path) -> Exported:
    """NAME.parquet for `data.train_files` or `data.val_files`, `data.image_key=images`."""
    _features()  # says what is missing
    from datasets import Features, Image, List, Value

    text = Value("string")
    name = f"{chosen.split}.parquet"
    features = Features(
        {
            "data_source": text,
            "prompt": List({"role": text, "content": text}),
            "images": List(Image()),
            "ability": text,
            "reward_model": {"style": text, "ground_truth": text},
            "extra_info": {
                "split": text,
                "index": Value("int64"),
                "question_id": text,
                "options": List(text),
                "answer_index": Value("int64"),
                "answer_form": text,
                "value": Value("float64"),
                "type": text,
                "tier": text,
                "family": text,
            },
        }
    )
    rows = (_verl_row(number, row, chosen.split) for number, row in enumerate(_rows(chosen)))
    count = _write_parquet(out / name, features, rows)
    write_atomically(out / "reward.py", VERL_REWARD.encode())
    return Exported(count, 0, [name, "reward.py"])


def _verl_row(number: int, row: _Row, split: str) -> dict[str, Any]:
    asked = _columns(row)
    kept = ("question_id", "options", "answer_index", "answer_form", "value", "type", "tier", "family")
    return {
        "data_source": NAME,
        "prompt": [{"role": "user", "content": IMAGE * len(row.pictures) + row.question.prompt}],
        "images": asked["images"],
        "ability": "spatial",
        "reward_model": {"style": "rule", "ground_truth": row.question.answer},
        "extra_info": {"split": split, "index": number, **{name: asked[name] for name in kept}},
    }


Writer = Callable[[_Chosen, Path], Exported]
FORMATS: dict[str, tuple[Writer, str]] = {  # and the split that is written if none is named
    "vlmevalkit": (_vlmevalkit, "test"),
    "lmms-eval": (_lmms_eval, "test"),
    "llamafactory": (_llamafactory, "train"),
    "ms-swift": (_ms_swift, "train"),
    "openai": (_openai, "train"),
    "verl": (_verl, "train"),
}
