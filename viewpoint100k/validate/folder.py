"""The folder of a dataset: its files are those that its manifest lists; its card declares what is there."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic_core import from_json

from viewpoint100k.errors import InputError, one_line, shell_line
from viewpoint100k.index import FOLDER, index_files
from viewpoint100k.manifest import (
    BESIDE_THE_SHARDS,
    MOST_MANIFEST_BYTES,
    Manifest,
    content_name,
    features,
    read_any_config,
)
from viewpoint100k.shards import (
    REAL,
    has_photographs,
    is_own_folder,
    read_inside,
    sha256_file,
    shard_paths,
)
from viewpoint100k.validate.problem import Problem

MOST_CARD_BYTES = 4 << 20
MOST_HEAD = 1 << 17  # characters of the YAML of a card; ours have 7,500


def folder_problems(dataset: Path, manifest: Manifest) -> Iterator[Problem]:
    listed = {entry.name: entry for entry in manifest.shards}
    present = {path.name for path in shard_paths(dataset)} if any(dataset.glob("*.tar")) else set()
    for name in sorted(set(listed) - present):
        yield Problem(name, "listed in manifest.json, but not there")
    for entry in sorted(dataset.iterdir()):
        if entry.name not in {*BESIDE_THE_SHARDS, ".run", *listed}:
            yield Problem(entry.name, "is not listed in manifest.json; loaders may read it")
    for name in ("card", FOLDER, ".run"):
        if (dataset / name).is_symlink():
            yield Problem(name, "is a link; expected a folder of the dataset's own")
    for key in ("samples", "questions"):
        total = sum(getattr(entry, key) for entry in manifest.shards)
        if getattr(manifest, key) != total:
            yield Problem(
                "manifest.json", f"says {getattr(manifest, key)} {key}; its shards add up to {total}"
            )
    yield from _side_problems(dataset, manifest)
    try:
        declared, splits, others = _declared(read_inside(dataset / "README.md", MOST_CARD_BYTES).decode())
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError, yaml.YAMLError, InputError):
        yield Problem(
            "README.md", "has no YAML head with configs and dataset_info: loaders would guess, wrongly"
        )
        return
    if declared != features(manifest.views):
        yield Problem("README.md", "declares other features than the samples have")
    for name in ("README.md", "attribution.csv"):
        if name not in manifest.files and (dataset / name).is_file():
            yield Problem(name, "was changed since it was written: manifest.json does not list it")
    if splits != {entry.split: f"{entry.split}-*.tar" for entry in manifest.shards}:
        yield Problem("README.md", f"maps splits to {splits}, which is not what manifest.json lists")
    if others != _of_photographs(dataset):
        yield Problem(
            "README.md",
            f"what it says of photographs in {REAL} is not what lies there: `{shell_line('card', dataset)}` "
            "writes it anew",
        )


def _of_photographs(dataset: Path) -> list[dict[str, Any]]:
    """The configurations that a card must have beside that of its own shards."""
    if not has_photographs(dataset):
        return []
    try:
        beside = read_any_config(dataset / REAL)
    except InputError:  # which is said elsewhere
        return []
    splits = dict.fromkeys(entry.split for entry in beside.shards)
    return [
        {
            "config_name": "real",
            # `datasets` keys its cache by this text
            "description": f"shards {content_name(beside)}",
            "data_files": [{"split": split, "path": f"{REAL}/{split}-*.tar"} for split in splits],
        }
    ]


def _declared(card: str) -> tuple[Any, dict[str, str], list[Any]]:
    """Features and files of each split, as the head of README.md declares them, and its other configurations.

    Raises all kinds of errors.
    """
    head = card[:MOST_HEAD].removeprefix("---\n").split("\n---\n")
    if not card.startswith("---\n") or len(head) < 2:
        raise ValueError("it has no head, or one that is too long")
    # texts alone: what YAML makes of dates, numbers and true costs more than it says. Its aliases can blow up
    # what is printed
    front = yaml.load(head[0], Loader=yaml.BaseLoader)
    splits = {
        str(files["split"])[:99]: str(files["path"])[:99]
        for files in _texts(front["configs"][0]["data_files"])
    }
    return front["dataset_info"][0].get("features"), splits, front["configs"][1:]


def _texts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not all(isinstance(value, str) for row in rows for value in row.values()):
        raise TypeError("a list or a mapping where a text is expected")
    return rows


def _side_problems(dataset: Path, manifest: Manifest) -> Iterator[Problem]:
    """What lies beside the shards is what was written with them."""
    for name, digest in manifest.files.items():
        path = dataset / name
        if not path.is_file():
            yield Problem(name, "listed in manifest.json, but not there")
            continue
        try:
            if sha256_file(path, dataset) == digest:
                continue
            what = (
                f"is not what manifest.json says, or of another version: `{shell_line('card', dataset)}` "
                f"writes it anew"
            )
        except InputError as error:
            what = str(error)
        yield Problem(name, what)
    for path in sorted((dataset / "card").glob("*")) if is_own_folder(dataset / "card") else ():
        if manifest.files and f"card/{path.name}" not in manifest.files:
            yield Problem(f"card/{path.name}", "is not listed in manifest.json")
    audit = dataset / "audit.json"
    if os.path.lexists(audit):
        try:
            tree = from_json(read_inside(audit, MOST_MANIFEST_BYTES))
            fits = [tree[name] == getattr(manifest, name) for name in ("config_hash", "samples", "questions")]
        except (ValueError, LookupError, TypeError, InputError) as error:
            yield Problem("audit.json", f"cannot be read ({one_line(str(error))}): audit again, or delete it")
            return
        if not all(fits):
            yield Problem(
                "audit.json", "is of another dataset, or of another version: audit again, or delete it"
            )


def index_problems(dataset: Path, manifest: Manifest) -> Iterator[Problem]:
    """The files of the index are those of the splits; their rows are compared shard by shard."""
    found = index_files(dataset)
    expected = {f"{entry.split}.parquet" for entry in manifest.shards}
    for name in sorted(found.keys() - expected):
        yield Problem(f"{FOLDER}/{name}", "is of no split")
    for name in sorted(expected):
        rows_wanted = sum(entry.questions for entry in manifest.shards if f"{entry.split}.parquet" == name)
        if name in found and found[name] >= 0 and found[name] != rows_wanted:
            yield Problem(
                f"{FOLDER}/{name}", f"has {found[name]} rows; the shards have {rows_wanted} questions"
            )
