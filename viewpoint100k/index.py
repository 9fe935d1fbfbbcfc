"""index/*.parquet: one row per question, no pictures, for SQL. Beside the shards, and not listed in the card's configs.

A row says where its sample is, whose object it shows, what is asked and answered, and how the cameras stood;
`sample_sha256` is the hash of the sample's files, by which `validate` names the sample that somebody changed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from viewpoint100k.errors import MissingExtra
from viewpoint100k.records import Sample, Truth
from viewpoint100k.shards import parse_sample, read_members, read_shard, shard_paths, split_of, write_atomically

FOLDER = "index"
ROW_GROUP = 20_000  # questions
OF_SAMPLE = ("key", "sample_sha256", "shard", "split", "uid", "category", "licence", "author", "preset", "family")
OF_QUESTION = (
    "id", "type", "tier", "frame", "template", "answer_form", "prompt", "options", "answer", "answer_index", "value",
    "margin", "decidability", "images",
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
        MissingExtra: pyarrow is not installed.
    """
    parquet, folder, questions = _parquet(), dataset / FOLDER, 0
    folder.mkdir(exist_ok=True)
    import pyarrow

    splits = dict.fromkeys(split_of(path) for path in shard_paths(dataset))
    for split in splits:
        out, pending = pyarrow.BufferOutputStream(), list[dict[str, Any]]()
        views = len(next(read_shard(shard_paths(dataset, split)[0])).sample.views)
        with parquet.ParquetWriter(out, _schema(views), compression="zstd") as writer:
            for path in shard_paths(dataset, split):
                for key, members in read_members(path):
                    pending += rows(path, key, members, parse_sample(path, key, members).sample)
                while len(pending) >= ROW_GROUP:
                    writer.write_table(pyarrow.Table.from_pylist(pending[:ROW_GROUP], _schema(views)))
                    questions, pending = questions + ROW_GROUP, pending[ROW_GROUP:]
            if pending:
                writer.write_table(pyarrow.Table.from_pylist(pending, _schema(views)))
                questions += len(pending)
        write_atomically(folder / f"{split}.parquet", out.getvalue().to_pybytes())
    for stale in folder.iterdir():  # splits that are gone; somebody may be writing what is not yet whole
        if stale.name not in {f"{split}.parquet" for split in splits} and not stale.name.endswith(".partial"):
            stale.unlink(missing_ok=True)
    return questions


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
        shared[f"view_{number}_world_from_camera"] = [value for row in view.world_from_camera for value in row]
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


def shard_differences(dataset: Path, shard: str, samples: Mapping[str, list[dict[str, Any]]]) -> Iterator[Difference]:
    """What the index says of a shard that is not so.

    Args:
        samples: the rows of each sample that the shard holds, by key.
    """
    path = dataset / FOLDER / f"{split_of(Path(shard))}.parquet"
    try:
        listed = _parquet().read_table(path, filters=[("shard", "==", shard)]).to_pylist()
    except (OSError, ValueError, KeyError) as error:
        yield Difference("", f"cannot be read: {str(error).splitlines()[0]}")
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
            out[path.name] = int(_parquet().read_metadata(path).num_rows)
        except (OSError, ValueError):
            out[path.name] = -1
    return out


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

    number, text = pa.float64(), pa.string()
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
    others |= dict.fromkeys(("value", "margin", "decidability"), number)
    return pa.schema(fields + [(name, others.get(name, text)) for name in OF_QUESTION])


def _parquet() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtra("the index needs pyarrow: pip install 'viewpoint100k[publish]'") from error
    return parquet
