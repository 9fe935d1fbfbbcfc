"""What only all shards together can tell: splits, credits, and what the manifest says of their making."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from viewpoint100k.errors import InputError, one_line, shell_line
from viewpoint100k.identity import this_code
from viewpoint100k.manifest import (
    MOST_ROW_BYTES,
    Manifest,
    ShardEntry,
    attribution,
)
from viewpoint100k.questions.ask import load_templates
from viewpoint100k.records import (
    ObjectRecord,
)
from viewpoint100k.shards import (
    open_inside,
)
from viewpoint100k.validate.problem import CheckedShard, MadeBy, Problem

MOST_EXTRA_LINES = 20  # of attribution.csv, that are listed one by one


class Used(NamedTuple):
    """The objects of a dataset, by uid."""

    records: dict[str, ObjectRecord]  # as the first shard that has them describes them
    shards: dict[str, list[str]]  # names without .tar, in order


def used_objects(entries: Sequence[ShardEntry], shards: Sequence[CheckedShard]) -> Used:
    """All objects that the samples of a dataset show."""
    used = Used({}, {})
    for entry, shard in zip(entries, shards, strict=True):
        for uid, record in shard.objects.items():
            used.records.setdefault(uid, record)
            used.shards.setdefault(uid, []).append(entry.name.removesuffix(".tar"))
    return used


def objects_described_otherwise(entry: ShardEntry, shard: CheckedShard, used: Used) -> Iterator[Problem]:
    """Objects of a shard whose records differ from those in a shard before."""
    for uid, record in shard.objects.items():
        if record != used.records[uid]:
            what = f"object {uid} is described otherwise than in {used.shards[uid][0]}"
            yield Problem(entry.name, what)


def keys_that_come_twice(entries: Sequence[ShardEntry], shards: Sequence[CheckedShard]) -> Iterator[Problem]:
    """Keys that several samples have."""
    keys = dict[str, str]()
    for entry, shard in zip(entries, shards, strict=True):
        for key in shard.keys:
            if key in keys:
                yield Problem(f"{entry.name}, {key}", f"the key is also in {keys[key]}")
            keys[key] = entry.name


def objects_in_two_splits(entries: Sequence[ShardEntry], shards: Sequence[CheckedShard]) -> Iterator[Problem]:
    """Objects that stand in two splits, under their own name or as another file of the same bytes."""
    splits = dict[str, tuple[str, str]]()
    for entry, shard in zip(entries, shards, strict=True):
        for uid, record in shard.objects.items():
            for name in {uid, record.sha256 or uid}:
                first, other = splits.setdefault(name, (entry.split, entry.name))
                if first != entry.split:
                    what = f"object {uid} is in split {entry.split} and, by {other}, in {first}"
                    yield Problem(entry.name, what)


def objects_that_came_back(dataset: Path, manifest: Manifest, used: Used) -> Iterator[Problem]:
    """Objects that were removed and are there all the same."""
    for removal in manifest.removed:
        if removal.uid in used.shards:
            where = ", ".join(f"{name}.tar" for name in used.shards[removal.uid])
            what = (
                f"holds object {removal.uid}, which was removed: finish that with "
                f"`{shell_line('remove', dataset)}`"
            )
            yield Problem(where, what)


def attribution_problems(dataset: Path, used: Used) -> Iterator[Problem]:
    """The shards say what must be there, line by line."""
    shards_of = {uid: set(names) for uid, names in used.shards.items()}
    expected = attribution(used.records, shards_of).splitlines()
    wanted = set(expected)
    missing = set(expected)
    named = set[str]()
    unasked = list[str]()
    more = 0
    try:
        with open_inside(dataset / "attribution.csv") as file:
            for data in iter(partial(file.readline, MOST_ROW_BYTES), b""):
                for line in data.decode().splitlines():
                    missing.discard(line)
                    if (uid := line.partition(",")[0]) in used.records:
                        named.add(uid)
                    if line not in wanted:
                        more += len(unasked) == MOST_EXTRA_LINES
                        unasked += [line[:80]] * (len(unasked) < MOST_EXTRA_LINES)
    except (OSError, UnicodeDecodeError, InputError) as error:
        yield Problem("attribution.csv", f"cannot be read: {one_line(str(error))}")
        return
    for line in expected:
        if line in missing:
            uid = line.split(",")[0]
            yield Problem(
                "attribution.csv",
                f"says otherwise of object {uid}" if uid in named else f"does not name {uid}",
            )
    for line in sorted(set(unasked)):
        yield Problem("attribution.csv", f"has a line that no shard asks for: {line}")
    if more:
        yield Problem("attribution.csv", f"has {more} more lines that no shard asks for")


def manifest_problems(manifest: Manifest, shards: Sequence[CheckedShard]) -> Iterator[Problem]:
    """What manifest.json says of how the dataset was made is what its samples say."""
    digest = hashlib.sha256(json.dumps(manifest.config, sort_keys=True).encode()).hexdigest()[:12]
    if digest != manifest.config_hash:
        yield Problem("manifest.json", f"config_hash = {manifest.config_hash}; its config hashes to {digest}")
    has_our_words = manifest.config.get("questions", {}).get("templates") is None
    is_of_this_version = manifest.code_version == this_code().version
    if has_our_words and is_of_this_version and manifest.words != load_templates().vocabulary:
        yield Problem("manifest.json", "words: they are not those that this version asks in")
    if manifest.preset != manifest.config.get("preset"):
        yield Problem(
            "manifest.json", f"preset = {manifest.preset}; its config says {manifest.config.get('preset')}"
        )
    made_by = set[MadeBy]().union(*(shard.provenances for shard in shards))
    if made_by:
        yield from _maker_problems(manifest, made_by)


def _maker_problems(manifest: Manifest, made_by: set[MadeBy]) -> Iterator[Problem]:
    """The code, the renderer and the devices that manifest.json names are those that the samples name."""
    versions = {maker.version for maker in made_by}
    named = set(manifest.code_version.split(", "))  # early manifests name the first of several
    some_were_removed = named & versions and manifest.removed  # perhaps all that the others made
    if not (named <= versions or some_were_removed):
        found = ", ".join(sorted(versions))
        yield Problem("manifest.json", f"code_version = {manifest.code_version}; the samples say {found}")
    commits = {maker.commit for maker in made_by if maker.commit is not None}
    named = set(manifest.code_commit.split(", ")) if manifest.code_commit else set()
    if not (commits == named or (commits < named and manifest.removed)):
        found = ", ".join(sorted(commits)) or "none"
        yield Problem("manifest.json", f"code_commit = {manifest.code_commit}; the samples say {found}")
    for name, stated, makers in (
        ("renderer", manifest.renderer, sorted({maker.renderer for maker in made_by})),
        ("device", manifest.device, sorted({maker.device for maker in made_by})),
    ):
        if set(stated.split(", ")) != set(", ".join(makers).split(", ")):
            yield Problem("manifest.json", f"{name} = {stated}; the samples say {', '.join(makers)}")
