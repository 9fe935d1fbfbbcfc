"""Public benchmarks -> our columns, from the columns that they document; and their scores, circular ones
included.

python -m trainers.benchmarks predictions.jsonl blink:
"""

import base64
import hashlib
import io
import random
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from datasets import Dataset, Features, Image, List, Value, load_dataset

from viewpoint100k import InputError
from viewpoint100k.evaluate import read_predictions
from viewpoint100k.load import COLUMNS
from viewpoint100k.scoring import LETTERS, parse_choice

Row = Mapping[str, Any]


class Benchmark(NamedTuple):
    """Where a benchmark is, and how one of its rows becomes a question (None: it is left out)."""

    hub_id: str
    config: str | None
    split: str
    read: Callable[[Row], dict[str, Any] | None]


def question(
    name: str, images: Iterable[Any], text: str, options: list[str], place: int, kind: str, *, key: str = ""
) -> dict[str, Any]:
    """A row in the columns of `load_questions`, asked by letters."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    prompt = "\n".join([text.strip(), *lines, "Answer with the letter of the correct option."])
    row = dict.fromkeys(COLUMNS)
    return row | {
        "images": [_picture(image) for image in images],
        "prompt": prompt,
        "options": options,
        "answer": LETTERS[place],
        "answer_index": place,
        "answer_form": "letter",
        "type": kind,
        "question_id": name,
        "sample_key": key or name,
    }


def _blink(row: Row) -> dict[str, Any]:
    images = [row[f"image_{i}"] for i in range(1, 5) if row.get(f"image_{i}") is not None]
    return question(
        str(row["idx"]), images, row["question"], list(row["choices"]), _place(row["answer"]), row["sub_task"]
    )


def _cv_bench(row: Row) -> dict[str, Any]:
    kind = f"{row['type']} {row['source']} {row['task']}"
    name = f"cv-{row['idx']}"
    return question(name, [row["image"]], row["question"], list(row["choices"]), _place(row["answer"]), kind)


def _3dsr_bench(row: Row) -> dict[str, Any]:
    options = [row[letter] for letter in "ABCD" if row.get(letter) not in (None, "", "nan")]
    group = str(row["qid"]).split("-")[
        0
    ]  # "-flip" is the mirrored picture, "-1" the same with its options swapped
    return question(
        str(row["qid"]),
        [row["image"]],
        row["question"],
        options,
        _place(row["answer"]),
        row["category"],
        key=group,
    )


def _mmsi_bench(row: Row) -> dict[str, Any] | None:
    """The options are inside the text: "...? Options: A: left, B: right, ..."."""
    text, _, tail = row["question"].partition("Options:")
    found = re.findall(r"\b([A-D])\s*[:.]\s*(.*?)(?=,?\s*\b[A-D]\s*[:.]\s|\s*$)", " ".join(tail.split()))
    if [letter for letter, _ in found] != list(LETTERS[: len(found)]) or len(found) < 2:
        return None
    options = [option.rstrip(" ,;") for _, option in found]
    return question(
        f"mmsi-{row['id']}", row["images"], text, options, _place(row["answer"]), row["question_type"]
    )


def _sat(row: Row) -> dict[str, Any]:
    """A choice between texts; the letters are ours, in an order that belongs to the question."""
    images = row["images"] if "images" in row else row["image_bytes"]
    options = list(row["answers"])
    right = row["correct_answer"]
    name = (
        "sat-"
        + hashlib.sha256("/".join([row["question"], right, *options, _digest(images)]).encode()).hexdigest()[
            :16
        ]
    )
    random.Random(name).shuffle(options)
    return question(name, images, row["question"], options, options.index(right), row["question_type"])


BENCHMARKS: dict[str, Benchmark] = {
    "blink": Benchmark("BLINK-Benchmark/BLINK", "Multi-view_Reasoning", "val", _blink),
    "blink-depth": Benchmark("BLINK-Benchmark/BLINK", "Relative_Depth", "val", _blink),
    "blink-relation": Benchmark("BLINK-Benchmark/BLINK", "Spatial_Relation", "val", _blink),
    "cv-bench": Benchmark("nyu-visionx/CV-Bench", None, "test", _cv_bench),
    "3dsr-bench": Benchmark("oscarqjh/3DSRBench_lmmseval", "3dsr_circular", "test", _3dsr_bench),
    "mmsi-bench": Benchmark("RunsenXu/MMSI-Bench", None, "test", _mmsi_bench),
    "sat": Benchmark("array/SAT-v2", None, "train", _sat),
}


def load_benchmark(
    name: str, path: str = "", split: str = "", *, revision: str | None = None, streaming: bool = False
) -> Any:
    """A benchmark in the columns of `load_questions`.

    Args:
        path: another copy of it: on the Hub, or a folder of parquet or json lines. Empty: the one we know.
        split: empty: the one that is scored.

    Raises:
        InputError: it cannot be loaded, or has other columns than documented.
    """
    known = BENCHMARKS[name]
    config = known.config if path in ("", known.hub_id) else None
    try:
        rows = load_dataset(
            path or known.hub_id, config, split=split or known.split, revision=revision, streaming=streaming
        )
    except (FileNotFoundError, ValueError, ConnectionError) as error:
        raise InputError(
            f"cannot load {name} from {path or known.hub_id}: {str(error).splitlines()[0]}"
        ) from error
    read = partial(_read_batch, name=name)
    others = rows.column_names
    return rows.map(
        read, batched=True, batch_size=16, with_indices=True, remove_columns=others, features=_features()
    )


def _read_batch(batch: dict[str, list[Any]], numbers: list[int], name: str) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {column: [] for column in COLUMNS}
    for place, number in enumerate(numbers):
        row = {column: values[place] for column, values in batch.items()}
        row.setdefault("idx", number)
        try:
            read = BENCHMARKS[name].read(row)
        except KeyError as error:
            raise InputError(
                f"{name}, row {number}: there is no column {error}; it has {', '.join(row)}"
            ) from error
        except ValueError as error:
            raise InputError(f"{name}, row {number}: {error}") from error
        if read is None:
            continue
        for column, values in out.items():
            values.append(read[column])
    return out


def _features() -> Features:
    lists = {"images": List(Image()), "options": List(Value("string"))}
    lists["motion"] = List(Value("float64"))
    numbers = {"answer_index": Value("int64"), "value": Value("float64")}
    return Features({name: (lists | numbers).get(name, Value("string")) for name in COLUMNS})


def _place(answer: str) -> int:
    """ "(B)" or "B" -> 1."""
    found = re.fullmatch(r"\(?([A-J])\)?\.?", str(answer).strip())
    if found is None:
        raise ValueError(
            f"the answer is {answer!r}; expected a letter. The answers of a hidden test split are not public"
        )
    return LETTERS.index(found.group(1))


def _picture(image: Any) -> Any:
    """Bytes, base64 and what `datasets` has decoded, as `datasets` takes it."""
    if isinstance(image, str):
        image = base64.b64decode(image)
    return {"bytes": image, "path": None} if isinstance(image, bytes) else image


def _digest(images: Iterable[Any]) -> str:
    """A hash of pictures, so that the same text about others is another question."""
    digest = hashlib.sha256()
    for image in images:
        picture = _picture(image)
        if isinstance(picture, dict):
            digest.update(picture["bytes"] or b"")
        else:
            small = io.BytesIO()
            picture.convert("RGB").resize((16, 16)).save(small, "BMP")
            digest.update(small.getvalue())
    return digest.hexdigest()


# --- scores ----------------------------------------------------------------------------------------


class Score(NamedTuple):
    """A share of right answers, and of how many answers."""

    right: float
    n: int


def score_benchmark(rows: Dataset, predictions: Path) -> dict[str, Score]:
    """Accuracy of all and per type; the share of unreadable answers; and circular: right in every order of
    the options, and under all rows of a group.

    A question without a line, or whose answer cannot be read, counts as wrong and is never guessed.
    """
    said = read_predictions(predictions)
    plain: dict[str, list[bool]] = defaultdict(list)
    groups: dict[str, list[bool]] = defaultdict(list)
    for row in rows.remove_columns("images"):
        options = row["options"]
        answers = said.get(row["question_id"], {})
        hits = {}
        read = bool(answers)
        for rotation, text in answers.items():
            by = rotation % len(options)
            place = parse_choice(text or "", options[by:] + options[:by], row["answer_form"])
            read = read if rotation else place is not None
            hits[rotation] = place is not None and (place + by) % len(options) == row["answer_index"]
        first = hits.get(0, False)
        plain["all"].append(first)
        plain["unreadable"].append(not read)
        plain[row["type"]].append(first)
        groups[row["sample_key"]].append(bool(hits) and all(hits.values()))
    scores = {name: Score(sum(hits) / len(hits), len(hits)) for name, hits in plain.items()}
    if len(groups) < len(rows) or any(len(lines) > 1 for lines in said.values()):
        whole = [all(hits) for hits in groups.values()]
        scores["circular"] = Score(sum(whole) / len(whole), len(whole))
    return scores


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(f"expected PREDICTIONS.jsonl NAME:[PATH], NAME of {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    name, _, path = arguments[1].partition(":")
    if name not in BENCHMARKS:
        print(f"there is no benchmark {name!r}; expected some of {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for kind, (right, n) in score_benchmark(load_benchmark(name, path), Path(arguments[0])).items():
        print(f"{kind:40} {right:.3f}  of {n}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
