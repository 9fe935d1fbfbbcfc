"""Take objects out of a finished dataset: only the shards that hold them are rewritten, for good.

The manifest is changed first: it lists the removal, the new version, and every shard as it is going to be.
What follows makes the folder agree with it, and can be killed anywhere: the next `remove` goes on. Until then
`validate` says what is unfinished.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from viewpoint100k.card import describe, drop_stale_audit, iter_dataset, with_version
from viewpoint100k.config import read_config
from viewpoint100k.errors import InputError, shell_line
from viewpoint100k.index import FOLDER, write_index
from viewpoint100k.manifest import (
    Manifest,
    Removal,
    ShardEntry,
    count_samples,
    next_version,
    read_attribution,
    read_manifest,
    write_manifest,
)
from viewpoint100k.partition import Losses
from viewpoint100k.plan import Plan
from viewpoint100k.shards import (
    REAL,
    Receipt,
    cut_digest,
    cut_shard,
    has_photographs,
    is_own_folder,
    keep_samples,
    own_folder,
    read_inside,
    sha256_file,
    shard_paths,
    sweep,
    write_atomically,
)

MOST_RECEIPT_BYTES = 16 << 20
Progress = Callable[[int, int], None]


class Removed(NamedTuple):
    """The result of a removal."""

    manifest: Manifest
    shards: list[str]  # shards that were rewritten or deleted
    samples: int  # number of samples that were removed


def remove_objects(
    dataset: Path, uids: Sequence[str], reason: str = "", progress: Progress = lambda done, of: None
) -> Removed:
    """Take objects out of a dataset folder, after finishing an interrupted earlier removal.

    Args:
        uids: of the objects; those that are out already are fine. None at all: only finish.
        reason: published with the removal.

    Raises:
        InputError: no dataset, no such object, nothing would be left, or a shard is damaged: says what to do.
    """
    manifest = read_manifest(dataset)
    for name in ("card", FOLDER):  # before anything is changed
        if os.path.lexists(dataset / name):
            own_folder(dataset / name)
    sweep(dataset, before=time.time())
    if not uids and not manifest.removed:
        raise InputError(
            f"nothing to remove from {dataset}: name an object with --uid; attribution.csv lists them"
        )
    manifest, touched, samples = _finish(dataset, manifest, progress)
    before = manifest.version
    manifest = _begin(dataset, manifest, list(dict.fromkeys(uids)), reason, progress)
    if manifest.version != before:
        manifest, more, went = _finish(dataset, manifest, progress)
        touched = touched + more
        samples = samples + went
    return Removed(manifest, touched, samples)


def _begin(dataset: Path, manifest: Manifest, uids: list[str], reason: str, progress: Progress) -> Manifest:
    """Write the manifest of the dataset without the objects. Nothing else is touched."""
    new = [uid for uid in uids if uid not in {removal.uid for removal in manifest.removed}]
    if not new:
        return manifest
    listed = read_attribution(dataset)
    if unknown := sorted(set(new) - set(listed)):
        _refuse_photographed(dataset, unknown)
        raise InputError(f"{dataset} has no object {unknown[0]!r}; attribution.csv lists those that it has")
    shards: list[ShardEntry] = []
    for done, entry in enumerate(manifest.shards):
        progress(done, len(manifest.shards))
        left = _entry_without(dataset, entry, set(new))
        shards += [left] if left is not None else []
    if not shards:
        raise InputError(
            f"nothing would be left of {dataset}; delete the folder, and the repository, instead"
        )
    version = next_version(manifest.version)
    lost = max((removal.pairs_lost for removal in manifest.removed), default=0)
    lost += manifest.samples - sum(entry.samples for entry in shards)
    size = _planned_pairs(dataset, manifest)
    removals = [
        Removal(uid=uid, version=version, reason=reason, pairs_planned=size, pairs_lost=lost) for uid in new
    ]
    manifest = with_version(manifest, version).model_copy(
        update={
            "shards": shards,
            "samples": sum(entry.samples for entry in shards),
            "questions": sum(entry.questions for entry in shards),
            "removed": [*manifest.removed, *removals],
        }
    )
    write_manifest(dataset, manifest)
    return manifest


def _refuse_photographed(dataset: Path, uids: Sequence[str]) -> None:
    """Raise where objects are in the photographs beside the renders, which are a dataset of their own."""
    photographs = dataset / REAL
    if not has_photographs(dataset) or not (there := sorted(set(uids) & set(read_attribution(photographs)))):
        return
    words = [word for uid in there for word in ("--uid", uid)]
    raise InputError(
        f"{there[0]} is in the photographs in {photographs}. Remove it there: "
        f"`{shell_line('remove', photographs, *words)}`, then raise the version of {dataset}: "
        f"`{shell_line('card', dataset, '--version', next_version(read_manifest(dataset).version))}`"
    )


def _planned_pairs(dataset: Path, manifest: Manifest) -> int:
    """The number of pairs that the run was planned for; its folder may be ahead of its manifest."""
    published = manifest.config.get("pairs")
    sizes = [published if isinstance(published, int) else 0]
    settings = dataset / ".run" / "config.yaml"
    if is_own_folder(settings.parent) and settings.is_file():
        with suppress(InputError):  # it is of another version, or broken: nothing grows from it
            sizes.append(read_config(settings).pairs)
    return max(0, *sizes)


def _entry_without(dataset: Path, entry: ShardEntry, gone: set[str]) -> ShardEntry | None:
    """The entry of a shard without some objects; None if nothing is left of it."""
    path = dataset / entry.name
    kept = keep_samples(path, gone)
    if not kept.dropped:
        return entry
    if sha256_file(path) != entry.sha256:
        raise InputError(
            f"{path} is not what manifest.json says; find out why with "
            f"`{shell_line('validate', dataset)}` first"
        )
    if not kept.samples:
        return None
    digest, size = cut_digest(path, kept)
    counts = {"samples": kept.samples, "questions": kept.questions}
    return entry.model_copy(update={"sha256": digest, "bytes": size, **counts})


def _finish(dataset: Path, manifest: Manifest, progress: Progress) -> tuple[Manifest, list[str], int]:
    """Make the folder what its manifest says, with all that lies beside the shards.

    Returns:
        The manifest, the shards that were not so, and how many samples went.
    """
    gone = {each.uid for each in manifest.removed}
    wanted = {entry.name: entry for entry in manifest.shards}
    touched = list[str]()
    samples = 0
    if not gone:
        return manifest, touched, samples
    paths = shard_paths(dataset)
    for done, path in enumerate(paths):
        progress(done, len(paths))
        kept = keep_samples(path, gone)
        if not kept.dropped:
            continue
        touched.append(path.name)
        samples += kept.dropped
        if not kept.samples:
            path.unlink()
            continue
        if path.name not in wanted or cut_digest(path, kept)[0] != wanted[path.name].sha256:
            raise InputError(
                f"{path} was damaged before object {min(gone & kept.seen)} was taken out of it: without it, "
                "it is not what manifest.json says. Replace the file by a good copy, then run this again"
            )
        cut_shard(path, kept)
    _update_receipts(dataset, wanted, gone)
    contents = count_samples(iter_dataset(dataset, manifest))
    if (dataset / FOLDER).is_dir():  # of a link, it says what is wrong
        write_index(dataset)
    drop_stale_audit(dataset, manifest)
    return describe(dataset, manifest, contents), touched, samples


def _update_receipts(dataset: Path, wanted: dict[str, ShardEntry], gone: set[str]) -> None:
    """Rewrite receipts so that `generate` in the same folder counts the shards as done."""
    receipts = dataset / ".run" / "receipts"
    own = is_own_folder(receipts.parent) and is_own_folder(receipts)
    for path in sorted(receipts.glob("*.json")) if own else ():
        try:
            receipt = Receipt.model_validate_json(read_inside(path, MOST_RECEIPT_BYTES, dataset))
        except (ValidationError, InputError):
            continue
        if not gone & set(receipt.objects):
            continue
        entry = wanted.get(f"{receipt.name}.tar")
        facts = {"sha256": "", "bytes": 0, "samples": 0, "questions": 0} if entry is None else _facts(entry)
        now = receipt.model_copy(
            update={**facts, "objects": [uid for uid in receipt.objects if uid not in gone]}
        )
        write_atomically(path, (now.model_dump_json(indent=1) + "\n").encode())


def _facts(entry: ShardEntry) -> dict[str, str | int]:
    return {
        "sha256": entry.sha256,
        "bytes": entry.bytes,
        "samples": entry.samples,
        "questions": entry.questions,
    }


def losses_of(plan: Plan, removed: Sequence[Removal]) -> Losses:
    """The losses of a run to removals, from its beginning until it grew beyond the size of a plan."""
    before = [removal for removal in removed if removal.pairs_planned <= plan.size]
    lost = max((removal.pairs_lost for removal in before), default=0)
    planned = sum(len(shard.motions) for shard in plan.shards)  # a stranger's manifest may say anything
    return Losses({removal.uid for removal in before}, min(lost, planned))
