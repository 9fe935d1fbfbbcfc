"""What makes a folder of shards a dataset: manifest, attribution, and the card with its typed features."""

import csv
import hashlib
import io
import types
import typing
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field

from viewpoint100k.config import RenderConfig, RunConfig, config_hash, public_source
from viewpoint100k.errors import InputError
from viewpoint100k.records import SCHEMA_VERSION, ObjectRecord, Record, Sample
from viewpoint100k.shards import Receipt, write_atomically

Scalar = {float: "float64", int: "int64", str: "string", bool: "bool"}


class ShardEntry(Record):
    """One shard as the manifest lists it."""

    name: str
    split: str
    sha256: str
    bytes: int
    samples: int
    questions: int


class Manifest(Record):
    """manifest.json: what is in the folder and what it was made with. No times and no machine names."""

    schema_version: int
    preset: str
    config_hash: str
    config: dict[str, Any]
    code_version: str
    renderer: str
    device: str
    samples: int
    questions: int
    shards: list[ShardEntry]
    files: dict[str, str] = Field(default={}, description="sha256 of what lies beside the shards")

    @property
    def views(self) -> int:
        """Of each sample."""
        return 4 if self.config.get("plan", {}).get("sets") else 2


def write_dataset_files(
    dataset: Path, config: RunConfig, receipts: list[Receipt], samples: Iterable[Sample]
) -> Manifest:
    """Write manifest.json, attribution.csv and README.md beside the shards, each atomically."""
    counts, objects, used_in = Counter[str](), dict[str, ObjectRecord](), dict[str, set[str]]()
    by_sample = iter(samples)
    provenance = None
    for receipt in receipts:
        for _ in range(receipt.samples):
            sample = next(by_sample)
            provenance = provenance or sample.provenance
            objects[sample.object.uid] = sample.object
            used_in.setdefault(sample.object.uid, set()).add(receipt.name)
            counts[f"family/{sample.family}"] += 1
            counts[f"split/{sample.split}"] += 1
            for question in sample.questions:
                right = question.options[question.answer_index] if question.options else "a number"
                counts[f"{question.type} ({question.frame})/{right}"] += 1
    assert provenance is not None, "a run has at least one shard with at least one sample"
    credits = attribution(objects, used_in).encode()
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        preset=config.preset,
        config_hash=config_hash(config),
        config=config.model_dump(mode="json") | {"source": public_source(config.source)},
        code_version=provenance.code_version,
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
    )
    files = {"README.md": card(manifest, counts, objects).encode(), "attribution.csv": credits}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest = manifest.model_copy(update={"files": hashes})
    for name, data in files.items():
        write_atomically(dataset / name, data)
    write_atomically(dataset / "manifest.json", (manifest.model_dump_json(indent=1) + "\n").encode())
    return manifest


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


def attribution(objects: dict[str, ObjectRecord], used_in: dict[str, set[str]]) -> str:
    """One row per object: whom to thank, under which licence, and in which shards it is."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["uid", "title", "author", "licence", "source_url", "sha256", "shards"])
    for uid, thing in sorted(objects.items()):
        shards = " ".join(sorted(used_in[uid]))
        cells = [uid, thing.title, thing.author, thing.licence, thing.source_url, thing.sha256, shards]
        # a spreadsheet runs a cell that starts like a formula, and titles come from strangers
        rows.writerow([f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) else cell for cell in cells])
    return out.getvalue()


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


def card(manifest: Manifest, counts: Counter[str], objects: dict[str, ObjectRecord]) -> str:
    """README.md of a dataset: YAML that loads it, text that explains it."""
    splits = list(dict.fromkeys(shard.split for shard in manifest.shards))
    licences = Counter(thing.licence for thing in objects.values())
    head = {
        "pretty_name": "Viewpoint-100K, rendered"
        if manifest.preset == "viewpoint-100k"
        else f"Viewpoint ({manifest.preset})",
        "license": "other",
        "license_name": "per-object",
        "license_link": "attribution.csv",
        "task_categories": ["visual-question-answering", "image-text-to-text"],
        "language": ["en"],
        "tags": ["webdataset", "spatial-reasoning", "viewpoint", "3d", "synthetic"],
        "configs": [
            {
                "config_name": "default",
                "default": True,
                "description": f"shards {_content(manifest)}",  # `datasets` keys its cache by this head, not by the files
                "data_files": [{"split": split, "path": f"{split}-*.tar"} for split in splits],
            }
        ],
        "dataset_info": [{"config_name": "default", "features": features(manifest.views)}],
    }
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    families = {key.split("/", 1)[1]: n for key, n in sorted(counts.items()) if key.startswith("family/")}
    answers: dict[str, Counter[str]] = {}
    for key, number in sorted(counts.items()):
        kind, _, answer = key.partition("/")
        if kind not in ("family", "split"):
            answers.setdefault(kind, Counter())[answer] += number
    return CARD.format(
        front=front,
        title="Two views of one object: how did the camera move?"
        if manifest.views == 2
        else "Four views of one object",
        what="pairs of views" if manifest.views == 2 else "sets of four views",
        samples=manifest.samples,
        questions=manifest.questions,
        objects=len(objects),
        splits=", ".join(f"{counts[f'split/{split}']} {split}" for split in splits),
        preset=manifest.preset,
        seed=manifest.config["seed"],
        config_hash=manifest.config_hash,
        code_version=manifest.code_version,
        renderer=manifest.renderer,
        device=manifest.device,
        size=manifest.config["render"]["size_px"],
        quality=_quality_in_words(manifest.config["render"]),
        families="\n".join(f"| {family} | {n} |" for family, n in families.items()),
        answers="\n".join(
            f"| {kind} | {', '.join(f'{answer} {n}' for answer, n in each.items())} |" for kind, each in answers.items()
        ),
        licences="\n".join(f"| {_cell(licence)} | {n} |" for licence, n in sorted(licences.items())),
    )


def _quality_in_words(render: dict[str, Any]) -> str:
    quality = RenderConfig.model_validate(render).settings()
    return f"quality {render['quality']}: {quality.samples} paths per pixel{', denoised' if quality.denoise else ''}"


CARD = """---
{front}---

# {title}

{samples} {what} ({splits}) of {objects} objects, {questions} questions. Rendered, not photographed: every answer is
computed from the poses read back from the renderer. No object is in two splits.

```python
from datasets import load_dataset
samples = load_dataset("path/or/org/name", split="train")        # one row per sample: view_0.jpg, view_1.jpg, ..., json
stream = load_dataset("path/or/org/name", split="train", streaming=True)

from viewpoint100k import load_questions
questions = load_questions("path/or/org/name", split="train")    # one row per question: images, prompt, answer, ...
```

## What is asked

World: +Z up. Cameras: OpenCV axes (x right, y down, z forward). `truth.translation` is the camera's move in the first
camera's axes over its distance to the object: x > 0 right, y < 0 up, z > 0 forward. Yaw > 0: turned right. Azimuth change > 0:
counter-clockwise around the object, seen from above. A question is asked only where its answer is clear: a sideways move of
at least a quarter of the distance, a turn of at least 10 degrees, a tilt or roll of at least 8, an orbit of at least 15, or none
at all; and only where the picture would differ if a wrong answer were true (`decidability`), so that a plain vase is not asked about.
Where the object's shift or growth in the picture gives an answer away, it gives the wrong one as often.

| question | right answers |
|---|---|
{answers}

| family | samples |
|---|---|
{families}

## How it was made

Preset `{preset}`, seed {seed}, settings {config_hash} (in full in `manifest.json`), code {code_version}. {renderer} on {device},
{size} x {size} px, {quality}. `viewpoint100k validate` rereads every file, recomputes every truth and answer.

## Licences

The pictures show objects of others. `attribution.csv` names title, author, licence and source of each.

| licence | objects |
|---|---|
{licences}
"""


def _content(manifest: Manifest) -> str:
    """Twelve hex digits that name the bytes of all shards."""
    return hashlib.sha256("".join(shard.sha256 for shard in manifest.shards).encode()).hexdigest()[:12]


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


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
