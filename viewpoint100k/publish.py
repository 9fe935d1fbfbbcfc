"""What makes a folder of shards a dataset: manifest, attribution, and the types of its columns."""

import csv
import hashlib
import io
import types
import typing
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from viewpoint100k.config import RunConfig, config_hash, public_source
from viewpoint100k.errors import InputError
from viewpoint100k.records import SCHEMA_VERSION, ObjectRecord, Record, Sample
from viewpoint100k.shards import Receipt, write_atomically

# what may lie in a dataset folder beside its shards; all of it is published
BESIDE_THE_SHARDS = (
    "README.md", "manifest.json", "attribution.csv", "croissant.json", "audit.json", "card", "index",
)  # fmt: skip
VERSION = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"
MEASURES = ("rotation_deg", "azimuth_change_deg", "elevation_change_deg", "distance_ratio", "covisible_fraction")
Scalar = {float: "float64", int: "int64", str: "string", bool: "bool"}


class ShardEntry(Record):
    """One shard as the manifest lists it."""

    name: str
    split: str
    sha256: str
    bytes: int
    samples: int
    questions: int


class Removal(Record):
    """An object that was taken out, and must not come back."""

    uid: str
    version: str = Field(description="of the dataset, the first without it")
    reason: str = ""


class Manifest(Record):
    """manifest.json: what is in the folder and what it was made with. No times and no machine names."""

    schema_version: int
    version: str = Field(
        pattern=VERSION,
        description="of the data: more is added or removed in a minor, all is new in a major",
    )
    preset: str
    config_hash: str
    config: dict[str, Any]
    code_version: str
    renderer: str
    device: str
    samples: int
    questions: int
    shards: list[ShardEntry]
    files: dict[str, str] = Field(description="sha256 of what lies beside the shards")
    removed: list[Removal] = Field(description="objects that were taken out on request, oldest first")

    @property
    def views(self) -> int:
        """Of each sample."""
        return 4 if self.config.get("plan", {}).get("sets") else 2


class Contents(NamedTuple):
    """What one pass over the samples of a dataset counts."""

    objects: dict[str, ObjectRecord]
    used_in: dict[str, set[str]]  # shards, by object
    counts: Counter[str]  # family/..., split/..., and kind of question/right answer
    measures: dict[str, list[float]]  # what is plotted, a number for each sample


def count_samples(samples: Iterable[tuple[str, Sample]]) -> Contents:
    """Count what is in a dataset.

    Args:
        samples: (name of the shard, sample), in order.
    """
    found = Contents({}, {}, Counter(), {name: [] for name in MEASURES})
    for shard, sample in samples:
        for thing in sample.objects:
            found.objects[thing.uid] = thing
            found.used_in.setdefault(thing.uid, set()).add(shard)
        found.counts[f"family/{sample.family}"] += 1
        found.counts[f"split/{sample.split}"] += 1
        for question in sample.questions:
            right = question.options[question.answer_index] if question.options else "a number"
            found.counts[f"{question.type} ({question.frame})/{right}"] += 1
        for name in MEASURES:
            found.measures[name].append(float(getattr(sample.truth, name)))
    return found


def make_manifest(
    config: RunConfig,
    receipts: list[Receipt],
    code_version: str,
    version: str = "1.0.0",
    removed: Sequence[Removal] = (),
) -> Manifest:
    """The manifest of shards that have receipts; those that hold no sample are left out."""
    receipts = [receipt for receipt in receipts if receipt.samples]
    return Manifest(
        schema_version=SCHEMA_VERSION,
        version=version,
        preset=config.preset,
        config_hash=config_hash(config),
        config=config.model_dump(mode="json") | {"source": public_source(config.source)},
        code_version=code_version,
        renderer=", ".join(sorted({receipt.renderer for receipt in receipts})),
        device=", ".join(sorted({receipt.device for receipt in receipts})),
        samples=sum(receipt.samples for receipt in receipts),
        questions=sum(receipt.questions for receipt in receipts),
        shards=[
            ShardEntry(
                name=f"{r.name}.tar",
                split=r.name.split("-")[0],
                sha256=r.sha256,
                bytes=r.bytes,
                samples=r.samples,
                questions=r.questions,
            )
            for r in receipts
        ],
        files={},
        removed=list(removed),
    )


def next_version(version: str) -> str:
    """The next minor one."""
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def write_manifest(dataset: Path, manifest: Manifest) -> None:
    """manifest.json, atomically."""
    write_atomically(dataset / "manifest.json", (manifest.model_dump_json(indent=1) + "\n").encode())


def read_manifest(dataset: Path) -> Manifest:
    """manifest.json of a dataset folder.

    Raises:
        InputError: it is not there or not a manifest of ours.
    """
    path = dataset / "manifest.json"
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            f"{dataset} is not a finished dataset: it has no manifest.json. Pass the folder that `viewpoint100k generate` "
            "wrote, or run that first"
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not a manifest of ours: {str(error).splitlines()[0]}") from error


_FORMULA = ("=", "+", "-", "@", "\t")


def attribution(objects: dict[str, ObjectRecord], used_in: dict[str, set[str]]) -> str:
    """One row per object: whom to thank, under which licence, and in which shards it is."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["uid", "title", "author", "licence", "source_url", "sha256", "shards"])
    for uid, thing in sorted(objects.items()):
        shards = " ".join(sorted(used_in[uid]))
        cells = [uid, thing.title, thing.author, thing.licence, thing.source_url, thing.sha256, shards]
        # a spreadsheet runs a cell that starts like a formula, and titles come from strangers
        rows.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return out.getvalue()


def read_attribution(dataset: Path) -> dict[str, dict[str, str]]:
    """The rows of attribution.csv by object.

    Raises:
        InputError: it cannot be read.
    """
    path = dataset / "attribution.csv"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [{key: _plain(cell) for key, cell in row.items()} for row in csv.DictReader(file)]
        return {row["uid"]: row for row in rows}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _plain(cell: str) -> str:
    """A cell without the mark that keeps a spreadsheet from running it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def features(views: int) -> list[dict[str, Any]]:
    """The columns of a dataset whose samples have so many views, as the card declares them, from the code's own records.

    All are declared: a builder that infers them cuts a later 1.5 to 1 after five whole numbers, without an error.
    """
    return [
        *({"name": f"view_{i}.jpg", "dtype": "image"} for i in range(views)),
        {"name": "json", **_feature(Sample)},
        {"name": "__key__", "dtype": "string"},
        {"name": "__url__", "dtype": "string"},
    ]


def content_name(manifest: Manifest) -> str:
    """Twelve hex digits that name the bytes of all shards."""
    return hashlib.sha256("".join(shard.sha256 for shard in manifest.shards).encode()).hexdigest()[:12]


def _feature(annotation: Any) -> dict[str, Any]:
    """A feature of the card from a type annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {
            "struct": [{"name": name, **_feature(field.annotation)} for name, field in annotation.model_fields.items()]
        }
    if annotation in Scalar:
        return {"dtype": Scalar[annotation]}
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return {"dtype": "string"}
    if origin is typing.Annotated:
        return _feature(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return _feature(next(a for a in arguments if a is not type(None)))
    assert origin is list, f"no column type for {annotation}"
    inner = _feature(arguments[0])
    return {"list": inner.get("struct", inner.get("dtype", inner))}
