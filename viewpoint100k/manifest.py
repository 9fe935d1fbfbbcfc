"""What makes a folder of shards a dataset: manifest, attribution, and the types of its columns."""

import csv
import hashlib
import io
import os
import re
import types
import typing
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from viewpoint100k.config import (
    GateConfig,
    PlanConfig,
    RenderConfig,
    RunConfig,
    config_hash,
    known_hashes,
    public_tree,
)
from viewpoint100k.errors import InputError, one_line
from viewpoint100k.questions import load_templates
from viewpoint100k.records import SCHEMA_VERSION, Many, ObjectRecord, Record, Sample, Split, Vocabulary
from viewpoint100k.shards import REAL, Receipt, first_fault, open_inside, read_inside, write_atomically

# what may lie in a dataset folder beside its shards; all of it is published
BESIDE_THE_SHARDS = (
    "README.md", "manifest.json", "attribution.csv", "croissant.json", "audit.json", "card", "index", REAL,
)  # fmt: skip
VERSION = r"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$"
SHARD_NAME = r"^(train|validation|test)-[0-9]{1,9}-of-[0-9]{1,9}\.tar$"
SHA256 = r"^[0-9a-f]{64}$"
MOST_MANIFEST_BYTES = 8 << 20  # of 30,000 shards
MOST_OBJECTS = 1_000_000  # of a dataset; Objaverse has 800,000
MOST_ROW_BYTES = 1 << 20  # of attribution.csv
MEASURES = (
    "rotation_deg",
    "azimuth_change_deg",
    "elevation_change_deg",
    "distance_ratio",
    "covisible_fraction",
)
Scalar = {float: "float64", int: "int64", str: "string", bool: "bool"}


class ShardEntry(Record):
    """One shard as the manifest lists it."""

    name: str = Field(pattern=SHARD_NAME, description="a plain name: the file lies in the folder itself")
    split: Split
    sha256: str = Field(pattern=SHA256)
    bytes: int = Field(ge=0, lt=2**63)
    samples: int = Field(ge=0, lt=2**53)
    questions: int = Field(ge=0, lt=2**53)


class Removal(Record):
    """An object that was taken out, and must not come back."""

    uid: str
    version: str = Field(description="of the dataset, the first without it")
    reason: str = ""
    # what a run needs to know that grows afterwards: it makes up for what was lost, of other objects
    pairs_planned: int = Field(default=0, ge=0, lt=2**53, description="of the run when it was removed")
    pairs_lost: int = Field(
        default=0, ge=0, lt=2**53, description="by all removals up to this one, and those at the same time"
    )


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
    code_version: str = Field(description="of all that made shards, with commas between")
    code_commit: str | None = Field(
        default=None, description="the same of their commits, as far as these are known"
    )
    renderer: str
    device: str
    samples: int
    questions: int
    shards: Many[ShardEntry] = Field(min_length=1)
    files: dict[str, str] = Field(description="sha256 of what lies beside the shards")
    removed: Many[Removal] = Field(description="objects that were taken out on request, oldest first")
    words: Vocabulary | None = Field(
        default=None, description="that options and prompts were made with, by key; null before schema 5"
    )

    @property
    def views(self) -> int:
        """How many views each sample has."""
        return 4 if self.config.get("plan", {}).get("sets") else 2

    @cached_property
    def earlier_hashes(self) -> frozenset[str]:
        """`config_hash` of the dataset at each size from which it grew."""
        return frozenset(known_hashes(self.config) - {self.config_hash})

    @property
    def photographed(self) -> bool:
        """Whether the pictures are photographs."""
        return self.config.get("photos") is not None

    @model_validator(mode="after")
    def _distinct(self) -> "Manifest":
        name, times = Counter(shard.name for shard in self.shards).most_common(1)[0]
        if times > 1:
            raise ValueError(f"shards: {name} is listed {times} times")
        for name in self.files:
            if not re.fullmatch(r"(card/)?[A-Za-z0-9_][A-Za-z0-9_.\-]*", name):
                raise ValueError(f"files: {name!a}: expected plain names, or those of files in card/")
        return self


class MadeWith(Record):
    """What readers need of a manifest's config, checked; the rest of it is as it is."""

    model_config = ConfigDict(extra="ignore")

    preset: str
    seed: int = Field(ge=0, lt=2**63)
    source: str
    plan: PlanConfig
    render: RenderConfig
    gates: GateConfig


class Contents(NamedTuple):
    """What one pass over the samples of a dataset counts."""

    objects: dict[str, ObjectRecord]  # and panoramas of the user's own, whose uids are in `panoramas`
    used_in: dict[str, set[str]]  # shards, by object
    counts: Counter[
        str
    ]  # family/..., split/..., asked/fair, and kind of question/right answer, of fair questions
    measures: dict[str, list[float]]  # what is plotted, a number for each sample
    panoramas: set[str]  # which of the `objects` surround others


def count_samples(samples: Iterable[tuple[str, Sample]]) -> Contents:
    """Count what is in a dataset.

    Args:
        samples: (name of the shard, sample), in order.
    """
    found = Contents({}, {}, Counter(), {name: [] for name in MEASURES}, set())
    for shard, sample in samples:
        for thing in sample.credited:
            found.objects[thing.uid] = thing
            found.used_in.setdefault(thing.uid, set()).add(shard)
        found.panoramas.update(view.panorama.uid for view in sample.views if view.panorama is not None)
        found.counts[f"family/{sample.family}"] += 1
        found.counts[f"split/{sample.split}"] += 1
        found.counts["asked/fair"] += len(sample.fair_questions)
        for question in sample.fair_questions:
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
    code_commit: str | None = None,
) -> Manifest:
    """The manifest of shards that have receipts; those that hold no sample are left out."""
    receipts = [receipt for receipt in receipts if receipt.samples]
    return Manifest(
        schema_version=SCHEMA_VERSION,
        version=version,
        preset=config.preset,
        config_hash=config_hash(config),
        config=public_tree(config),
        code_version=code_version,
        code_commit=code_commit,
        renderer=", ".join(sorted({receipt.renderer for receipt in receipts})),
        device=", ".join(sorted({receipt.device for receipt in receipts})),
        samples=sum(receipt.samples for receipt in receipts),
        questions=sum(receipt.questions for receipt in receipts),
        shards=[
            ShardEntry(
                name=f"{r.name}.tar",
                split=r.name.split("-")[0],  # type: ignore[arg-type]  # checked when it is built
                sha256=r.sha256,
                bytes=r.bytes,
                samples=r.samples,
                questions=r.questions,
            )
            for r in receipts
        ],
        files={},
        removed=list(removed),
        words=load_templates(config.questions.templates).vocabulary,
    )


def next_version(version: str) -> str:
    """The next minor one."""
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def write_manifest(dataset: Path, manifest: Manifest) -> None:
    """manifest.json, atomically."""
    write_atomically(dataset / "manifest.json", (manifest.model_dump_json(indent=1) + "\n").encode())


def read_manifest(dataset: Path) -> Manifest:
    """manifest.json of a dataset folder, its config such as ours.

    Raises:
        InputError: it is not there or not a manifest of ours.
    """
    manifest = read_any_config(dataset)
    if fault := config_fault(manifest):
        raise InputError(f"{dataset / 'manifest.json'} is not a manifest of ours: {fault}")
    return manifest


def read_any_config(dataset: Path) -> Manifest:
    """manifest.json of a dataset folder, whatever its config is.

    Raises:
        InputError: it is not there or not a manifest of ours.
    """
    path = dataset / "manifest.json"
    if not os.path.lexists(path):
        raise InputError(
            f"{dataset} is not a finished dataset: it has no manifest.json. Pass the folder that "
            "`viewpoint100k generate` wrote, or run that first"
        )
    try:
        return Manifest.model_validate_json(read_inside(path, MOST_MANIFEST_BYTES), strict=True)
    except ValidationError as error:
        raise InputError(f"{path} is not a manifest of ours: {first_fault(error)}") from error


def config_fault(manifest: Manifest) -> str:
    """What is wrong with a manifest's config; empty: all that readers need is there."""
    try:
        MadeWith.model_validate(manifest.config)
    except ValidationError as error:
        return f"config: {first_fault(error)}"
    return ""


ATTRIBUTION = ["uid", "title", "author", "licence", "source_url", "sha256", "shards"]
_FORMULA = ("=", "+", "-", "@", "\t")


def attribution(objects: dict[str, ObjectRecord], used_in: dict[str, set[str]]) -> str:
    """One row per object: whom to thank, under which licence, and in which shards it is."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(ATTRIBUTION)
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
    out = dict[str, dict[str, str]]()
    try:
        with io.TextIOWrapper(open_inside(path), encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.reader(_lines(file, path))):
                if number == 0 and row != ATTRIBUTION:
                    raise InputError(
                        f"{path}: its columns are {one_line(str(row))}; expected {', '.join(ATTRIBUTION)}"
                    )
                if len(row) != len(ATTRIBUTION) or len(out) > MOST_OBJECTS:
                    raise InputError(
                        f"{path}, row {number}: expected {len(ATTRIBUTION)} cells, and at most "
                        f"{MOST_OBJECTS} rows"
                    )
                if number:
                    out[_plain(row[0])] = dict(zip(ATTRIBUTION, map(_plain, row), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return out


def _lines(file: io.TextIOWrapper, path: Path) -> Iterator[str]:
    while line := file.readline(MOST_ROW_BYTES):
        if len(line) == MOST_ROW_BYTES:
            raise InputError(
                f"{path} has a line of more than {MOST_ROW_BYTES:,} characters; expected shorter ones"
            )
        yield line


def _plain(cell: str) -> str:
    """A cell without the mark that keeps a spreadsheet from running it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def features(views: int) -> list[dict[str, Any]]:
    """The columns that the card declares, from the records, for samples of the given number of views.

    All are declared: a builder that infers them cuts a later 1.5 to 1 after five whole numbers, without an
    error.
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
            "struct": [
                {"name": name, **_feature(field.annotation)}
                for name, field in annotation.model_fields.items()
            ]
        }
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _feature(arguments[0])
    if origin is None and annotation in Scalar:  # what is generic cannot be hashed
        return {"dtype": Scalar[annotation]}
    if origin is typing.Literal:
        return {"dtype": "string"}
    if origin in (typing.Union, types.UnionType):
        return _feature(next(a for a in arguments if a is not type(None)))
    assert origin is list, f"no column type for {annotation}"
    inner = _feature(arguments[0])
    return {"list": inner.get("struct", inner.get("dtype", inner))}


def version_of(out: Path, receipts: Sequence[Receipt]) -> str:
    """The version of the dataset: the one it has, or the next one if it has grown since."""
    if not (out / "manifest.json").exists():
        return "1.0.0"
    manifest = read_manifest(out)
    known = {entry.name for entry in manifest.shards}
    grown = any(receipt.samples and f"{receipt.name}.tar" not in known for receipt in receipts)
    return next_version(manifest.version) if grown else manifest.version
