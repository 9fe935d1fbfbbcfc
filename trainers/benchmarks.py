"""Public benchmarks -> our columns, from the columns that they document; and their scores, circular ones
included.

python -m trainers.benchmarks predictions.jsonl blink:
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from datasets import Dataset, Features, Image, List, Value, load_dataset

from trainers import benchmark_columns as columns
from trainers.benchmark_columns import Row
from viewpoint100k import InputError
from viewpoint100k.evaluate import read_predictions
from viewpoint100k.load import COLUMNS
from viewpoint100k.scoring import parse_choice, parse_number, score


class Benchmark(NamedTuple):
    """The location of a benchmark, and the reader of its rows (which returns None for rows left out)."""

    hub_id: str
    config: str | None
    split: str
    read: Callable[[Row], dict[str, Any] | None]
    # pattern of the types of questions about the camera's motion or what another view shows
    viewpoints: str = ""
    files: tuple[str, ...] = ()  # files with rows, in a folder into which the authors' archives were unpacked
    files_split: str = ""  # name of the scored split in those files; empty: the same


BENCHMARKS: dict[str, Benchmark] = {
    "blink": Benchmark(
        "BLINK-Benchmark/BLINK", "Multi-view_Reasoning", "val", columns.blink, "Multi-view_Reasoning"
    ),
    "blink-depth": Benchmark("BLINK-Benchmark/BLINK", "Relative_Depth", "val", columns.blink),
    "blink-relation": Benchmark("BLINK-Benchmark/BLINK", "Spatial_Relation", "val", columns.blink),
    "cv-bench": Benchmark("nyu-visionx/CV-Bench", None, "test", columns.cv_bench),
    "3dsr-bench": Benchmark("oscarqjh/3DSRBench_lmmseval", "3dsr_circular", "test", columns.three_dsr_bench),
    "mmsi-bench": Benchmark("RunsenXu/MMSI-Bench", None, "test", columns.mmsi_bench, r".*\bCam\..*"),
    "sat": Benchmark("array/SAT-v2", None, "train", columns.sat),
    "mindcube": Benchmark(
        "oscarqjh/MindCube_lmmseval",
        "tiny",
        "combined",
        columns.mindcube,
        "rotation|among|around",
        ("raw/MindCube_{split}.jsonl",),
        "tinybench",
    ),
    "viewspatial": Benchmark(
        "oscarqjh/ViewSpatial_lmmseval",
        "default",
        "test",
        columns.viewspatial,
        "Person perspective - .*",
        ("ViewSpatial-Bench.json",),
    ),
    "spar-bench": Benchmark(
        "jasonzhango/SPAR-Bench",
        None,
        "test",
        columns.spar_bench,
        "camera_motion_infer|spatial_imagination_.*|obj_spatial_relation_.*_mv",
    ),
    "vsi-bench": Benchmark(
        "nyu-visionx/VSI-Bench",
        "full",
        "test",
        columns.vsi_bench,
        "object_rel_direction_.*|route_planning",
        ("{split}-00000-of-00001.parquet", "{split}.parquet", "{split}.jsonl"),
    ),
}


def load_benchmark(
    name: str,
    path: str = "",
    split: str = "",
    *,
    types: Collection[str] = (),
    revision: str | None = None,
    streaming: bool = False,
) -> Any:
    """A benchmark in the columns of `load_questions`.

    `family` is "viewpoints" if a question is about the camera's motion or about what another view shows.

    Args:
        path: another copy: on the Hub, a folder of parquet or json lines, or one of the authors' archives.
            Empty: the known copy.
        split: name of the split; empty: the scored split.
        types: keep only these types of questions; "viewpoints" keeps those that are marked so. Empty: all.

    Raises:
        InputError: it cannot be loaded, or its columns are not as documented.
    """
    known = BENCHMARKS[name]
    split = split or known.split
    folder = _unpacked(known, path, split)
    rows = _rows(known, path, split, revision, streaming) if folder is None else folder.rows
    if streaming and folder:
        rows = rows.to_iterable_dataset()
    read = partial(_read_batch, name=name, types=frozenset(types), folder=folder and str(folder.path))
    return rows.map(
        read,
        batched=True,
        batch_size=16,
        with_indices=True,
        remove_columns=rows.column_names,
        features=_features(),
    )


def _rows(known: Benchmark, path: str, split: str, revision: str | None, streaming: bool) -> Any:
    config = known.config if path in ("", known.hub_id) else None
    try:
        return load_dataset(path or known.hub_id, config, split=split, revision=revision, streaming=streaming)
    except (FileNotFoundError, ValueError, ConnectionError) as error:
        raise InputError(
            f"cannot load {path or known.hub_id}, split {split}: {str(error).splitlines()[0]}"
        ) from error


class _Unpacked(NamedTuple):
    """An unpacked benchmark: its folder of files, and the rows that name them."""

    path: Path
    rows: Dataset


def _unpacked(known: Benchmark, path: str, split: str) -> _Unpacked | None:
    """The rows of a folder with a benchmark as its authors pack it; None for other folders."""
    folder = Path(path)
    scored = split == known.split
    named = known.files_split if scored and known.files_split else split
    for pattern in known.files if path else ():
        file = folder / pattern.format(split=named)
        if not file.is_file() or not (scored or "{split}" in pattern):
            continue
        if file.suffix == ".parquet":
            rows = load_dataset("parquet", data_files=str(file), split="train")
            return _Unpacked(folder, rows)
        return _Unpacked(folder, Dataset.from_dict({"json": list(_json_rows(file))}))
    return None


def _json_rows(file: Path) -> Iterator[str]:
    """Rows of a JSON or JSON lines file, each as its own text, because the types of columns differ."""
    if file.suffix == ".json":
        try:
            rows = json.loads(file.read_bytes())
        except ValueError as error:
            raise InputError(f"{file} is no JSON: {error}") from error
        if not isinstance(rows, list):
            raise InputError(f"{file}: expected a list of rows")
        yield from (json.dumps(row) for row in rows)
        return
    with open(file, encoding="utf-8", errors="replace") as lines:
        yield from (line for line in lines if line.strip())


def _read_batch(
    batch: dict[str, list[Any]], numbers: list[int], name: str, types: frozenset[str], folder: str | None
) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {column: [] for column in COLUMNS}
    known = BENCHMARKS[name]
    for place, number in enumerate(numbers):
        row = {column: values[place] for column, values in batch.items()}
        try:
            if set(row) == {"json"}:
                row = _object(row["json"])
            row.setdefault("idx", number)
            row["folder"] = folder
            read = known.read(row)
        except KeyError as error:
            raise InputError(
                f"{name}, row {number}: there is no column {error}; it has {', '.join(row)}"
            ) from error
        except ValueError as error:
            raise InputError(f"{name}, row {number}: {error}") from error
        if read is None:
            continue
        if re.fullmatch(known.viewpoints, read["type"]):
            read["family"] = columns.VIEWPOINTS
        if types and not types & {read["type"], read["family"]}:
            continue
        for column, values in out.items():
            values.append(read[column])
    return out


def _object(text: str) -> dict[str, Any]:
    row = json.loads(text)
    if not isinstance(row, dict):
        raise ValueError(f"it is {text[:60]!r}; expected an object with columns")
    return row


def _features() -> Features:
    lists = {"images": List(Image()), "options": List(Value("string"))}
    lists["motion"] = List(Value("float64"))
    numbers = {"answer_index": Value("int64"), "value": Value("float64")}
    return Features({name: (lists | numbers).get(name, Value("string")) for name in COLUMNS})


# --- scores ----------------------------------------------------------------------------------------


class Score(NamedTuple):
    """The mean score of answers, and their number; for multiple choice, the share of right answers."""

    right: float
    n: int


def score_benchmark(rows: Dataset, predictions: Path) -> dict[str, Score]:
    """Accuracy of all, of those about viewpoints, and per type; the share of unreadable answers; circular,
    the share that is right in every order of the options and under all rows of a group.

    A question without a line, or whose answer cannot be read, counts as wrong and is never guessed. A number
    counts by its mean relative accuracy; in a circle it is right within 10 %.
    """
    said = read_predictions(predictions)
    plain: dict[str, list[float]] = defaultdict(list)
    groups: dict[str, list[bool]] = defaultdict(list)
    for row in rows.remove_columns("images"):
        answers = said.get(row["question_id"], {})
        worth = {rotation: _worth(text or "", row, rotation) for rotation, text in answers.items()}
        first = worth.get(0)
        plain["all"].append(first or 0.0)
        plain["unreadable"].append(float(first is None))
        if row["family"] == columns.VIEWPOINTS:
            plain[columns.VIEWPOINTS].append(first or 0.0)
        plain[row["type"]].append(first or 0.0)
        groups[row["sample_key"]].append(bool(worth) and all((value or 0) >= 0.9 for value in worth.values()))
    scores = {name: Score(sum(hits) / len(hits), len(hits)) for name, hits in plain.items()}
    if len(groups) < len(rows) or any(len(lines) > 1 for lines in said.values()):
        whole = [all(hits) for hits in groups.values()]
        scores["circular"] = Score(sum(whole) / len(whole), len(whole))
    return scores


def _worth(said: str, row: Row, rotation: int) -> float | None:
    """The score of an answer whose options began with number `rotation`; None if it cannot be read."""
    options = row["options"]
    if not options:
        if parse_number(said) is None:
            return None
        return score(said, options, -1, row["answer_form"], row["value"])
    by = rotation % len(options)
    place = parse_choice(said, options[by:] + options[:by], row["answer_form"])
    return None if place is None else float((place + by) % len(options) == row["answer_index"])


def load_named(text: str) -> Any:
    """The split that is scored of `NAME:[PATH][#TYPE,TYPE]`, as `--data` of `trainers.predict` names it."""
    name, _, rest = text.partition(":")
    path, _, types = rest.partition("#")
    return load_benchmark(name, path, types=types.split(",") if types else ())


def main(arguments: list[str]) -> int:
    names = ", ".join(BENCHMARKS)
    if len(arguments) != 2:
        print(f"expected PREDICTIONS.jsonl NAME:[PATH][#TYPE,TYPE], NAME of {names}", file=sys.stderr)
        return 2
    name = arguments[1].partition(":")[0]
    if name not in BENCHMARKS:
        print(f"there is no benchmark {name!r}; expected one of {names}", file=sys.stderr)
        return 2
    for kind, (right, n) in score_benchmark(load_named(arguments[1]), Path(arguments[0])).items():
        print(f"{kind:40} {right:.3f}  of {n}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
