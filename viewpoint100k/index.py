"""index/*.parquet: one row per question, without pictures, for SQL; not listed in the card's configs.

A row says where its sample is, whose object it shows, what is asked and answered, and how the cameras stood;
`sample_sha256` is the hash of the sample's files, by which `validate` names the sample that somebody changed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from viewpoint100k.errors import InputError, MissingExtra, one_line
from viewpoint100k.records import Sample, Truth
from viewpoint100k.shards import (
    open_inside,
    own_folder,
    parse_sample,
    read_members,
    shard_paths,
    split_of,
    write_atomically,
)

FOLDER = "index"
ROW_GROUP = 20_000  # questions
# of a split, uncompressed: some, and more for each question
MOST_BYTES = 64 << 20
MOST_ROW_BYTES = 16 << 10
OF_SAMPLE = (
    "key",
    "sample_sha256",
    "shard",
    "split",
    "uid",
    "category",
    "licence",
    "author",
    "preset",
    "family",
)
OF_QUESTION = (
    "id", "type", "tier", "frame", "template", "answer_form", "prompt", "options", "answer", "answer_index",
    "value",
    "margin", "decidability", "images", "fair",
)  # fmt: skip


class Difference(NamedTuple):
    """Where the index is not what the shards say."""

    key: str  # of a sample; empty: the file as a whole
    what: str


def write_index(dataset: Path) -> int:
    """Write the index of a dataset folder anew, a file per split. The same shards give the same bytes.

    Returns:
        How many questions it lists.

    Raises:
        InputError: a shard is not one of ours, or the samples of a split have not all as many views.
        MissingExtra: pyarrow is not installed.
    """
    _parquet()
    folder = own_folder(dataset / FOLDER)
    questions = 0
    splits = dict.fromkeys(split_of(path) for path in shard_paths(dataset))
    for split in splits:
        data, count = _table(shard_paths(dataset, split))
        write_atomically(folder / f"{split}.parquet", data)
        questions += count
    for stale in folder.iterdir():  # splits that are gone; somebody may be writing what is not yet whole
        if stale.name not in {f"{split}.parquet" for split in splits} and not stale.name.endswith(".partial"):
            stale.unlink(missing_ok=True)
    return questions


def _table(paths: list[Path]) -> tuple[bytes, int]:
    """The index of some shards as a file of Parquet, in groups of `ROW_GROUP`, and how many rows it has."""
    import pyarrow

    out = pyarrow.BufferOutputStream()
    views = _views(paths)
    schema = _schema(views)
    pending = list[dict[str, Any]]()
    written = 0
    with _parquet().ParquetWriter(out, schema, compression="zstd") as writer:
        for path in paths:
            pending += _rows_of_shard(path, views)
            while len(pending) >= ROW_GROUP:
                writer.write_table(pyarrow.Table.from_pylist(pending[:ROW_GROUP], schema))
                written += ROW_GROUP
                pending = pending[ROW_GROUP:]
        if pending:
            writer.write_table(pyarrow.Table.from_pylist(pending, schema))
    return out.getvalue().to_pybytes(), written + len(pending)


def _rows_of_shard(path: Path, views: int) -> Iterator[dict[str, Any]]:
    for key, members in read_members(path):
        sample = parse_sample(path, key, members).sample
        if len(sample.views) != views:
            raise InputError(f"{path}: sample {key!r} has {len(sample.views)} views; the first has {views}")
        yield from rows(path, key, members, sample)


def _views(paths: list[Path]) -> int:
    """How many views the first sample of a split has; 2, which most have, where there is no sample."""
    first = ((path, *one) for path in paths for one in read_members(path))
    return next((len(parse_sample(*one).sample.views) for one in first), 2)


def has_pyarrow() -> bool:
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def rows(path: Path, key: str, members: Mapping[str, bytes], sample: Sample) -> Iterator[dict[str, Any]]:
    """The rows of the questions of a shard's sample."""
    shared: dict[str, Any] = {
        "key": key,
        "sample_sha256": sample_sha256(members),
        "shard": path.name,
        "split": sample.split,
        **{name: getattr(sample.object, name) for name in ("uid", "category", "licence", "author")},
        "preset": sample.preset,
        "family": sample.family,
        **_truth(sample.truth),
    }
    for number, view in enumerate(sample.views):
        shared[f"view_{number}_hfov_deg"] = view.hfov_deg
        shared[f"view_{number}_intrinsics"] = [value for row in view.intrinsics for value in row]
        shared[f"view_{number}_world_from_camera"] = [
            value for row in view.world_from_camera for value in row
        ]
    for question in sample.questions:
        fields = question.model_dump(include=set(OF_QUESTION))
        yield shared | fields


def sample_sha256(members: Mapping[str, bytes]) -> str:
    """Hash of a sample's files, by their names."""
    digest = hashlib.sha256()
    for name in sorted(members):
        digest.update(f"{name} {len(members[name])}\n".encode())
        digest.update(members[name])
    return digest.hexdigest()


def shard_differences(
    dataset: Path, shard: str, samples: Mapping[str, list[dict[str, Any]]], most_rows: int
) -> Iterator[Difference]:
    """What the index says of a shard that is not so.

    Args:
        samples: the rows of each sample that the shard holds, by key.
        most_rows: of the split, by the manifest: a file of more is not read.
    """
    path = dataset / FOLDER / f"{split_of(Path(shard))}.parquet"
    try:
        _check_index(dataset, path, most_rows)
        with open_inside(path, dataset) as file:
            listed = _parquet().read_table(file, filters=[("shard", "==", shard)]).to_pylist()
    except InputError as error:
        yield Difference("", str(error))
        return
    except Exception as error:  # pyarrow has no list of what damage makes it raise
        yield Difference("", f"cannot be read: {one_line(str(error))}")
        return
    by_key: dict[str, list[dict[str, Any]]] = {}
    for row in listed:
        by_key.setdefault(row["key"], []).append(row)
    for key in by_key.keys() - samples.keys():
        yield Difference(key, "is in the index and not, or no longer readable, in the shard")
    for key, expected in samples.items():
        found = by_key.get(key)
        if found is None:
            yield Difference(key, "is not in the index")
        elif found != expected:
            fields = sorted(
                {name for a, b in zip(found, expected, strict=False) for name in b if a.get(name) != b[name]}
            )
            if len(found) != len(expected):
                yield Difference(key, f"has {len(expected)} questions; the index lists {len(found)}")
            elif fields == ["sample_sha256"]:
                yield Difference(key, "its files are others than when the index was written")
            else:
                yield Difference(key, f"{', '.join(fields)}: the shard and the index differ")


def index_files(dataset: Path) -> dict[str, int]:
    """Name and number of questions of each file of the index but hidden ones; -1: it cannot be read."""
    out = {}
    for path in sorted(path for path in (dataset / FOLDER).iterdir() if not path.name.startswith(".")):
        try:
            with open_inside(path, dataset) as file:
                out[path.name] = int(_parquet().read_metadata(file).num_rows)
        except Exception:  # pyarrow has no list of what damage makes it raise
            out[path.name] = -1
    return out


def _check_index(dataset: Path, path: Path, most_rows: int) -> None:
    """Look at what a file of the index says of itself before any of its pages is read.

    Raises:
        InputError: it has other columns than ours, or pages that are larger than rows of ours can make them.
    """
    with open_inside(path, dataset) as file:
        found = _parquet().ParquetFile(file)
        views = sum(name.endswith("_hfov_deg") for name in found.schema_arrow.names)
        if found.schema_arrow.names != _schema(min(views, 10)).names:
            raise InputError("has other columns than an index of ours")
        groups = [found.metadata.row_group(number) for number in range(found.metadata.num_row_groups)]
        columns = [group.column(number) for group in groups for number in range(group.num_columns)]
        if found.metadata.num_rows > most_rows:
            raise InputError(f"has {found.metadata.num_rows} rows; the shards have {most_rows} questions")
        most = MOST_BYTES + MOST_ROW_BYTES * most_rows
        if sum(max(column.total_uncompressed_size, 0) for column in columns) > most:
            raise InputError(f"says that it holds more than {most:,} bytes; expected fewer")


def _truth(truth: Truth) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in Truth.model_fields:
        value = getattr(truth, name)
        if name == "translation":
            out |= {f"translation_{axis}": part for axis, part in zip("xyz", value, strict=True)}
        elif name == "second_from_first":
            out[name] = [part for row in value for part in row]
        else:
            out[name] = value
    return out


def _schema(views: int) -> Any:
    import pyarrow as pa

    number = pa.float64()
    text = pa.string()
    fields: list[tuple[str, Any]] = [(name, text) for name in OF_SAMPLE]
    for name in Truth.model_fields:
        if name == "translation":
            fields += [(f"translation_{axis}", number) for axis in "xyz"]
        else:
            fields.append((name, pa.list_(number, 16) if name == "second_from_first" else number))
    for view in range(views):
        fields.append((f"view_{view}_hfov_deg", number))
        fields.append((f"view_{view}_intrinsics", pa.list_(number, 9)))
        fields.append((f"view_{view}_world_from_camera", pa.list_(number, 16)))
    others = {"options": pa.list_(text), "images": pa.list_(pa.int64()), "answer_index": pa.int64()}
    others |= dict.fromkeys(("value", "margin", "decidability"), number) | {"fair": pa.bool_()}
    return pa.schema(fields + [(name, others.get(name, text)) for name in OF_QUESTION])


def _parquet() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtra("the index needs pyarrow: pip install 'viewpoint100k[publish]'") from error
    return parquet
