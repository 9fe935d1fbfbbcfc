"""Shards, written: the same samples give the same bytes."""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from viewpoint100k.records import Record, Sample
from viewpoint100k.shards.files import replacing, sha256_file
from viewpoint100k.shards.samples import StoredSample

# 2020-01-01: a fixed time, for bytes that do not depend on the day; whole, else each file gets a second
# header
MTIME = 1_577_836_800


class Receipt(Record):
    """What a finished shard holds and how it was made. Lies in OUT/.run/receipts; not published."""

    name: str
    number: int
    sha256: str
    bytes: int
    samples: int
    questions: int
    config_hash: str
    renderer: str
    device: str
    objects: list[str]
    objects_visited: int
    views_rendered: int
    rejects: int
    dropped: dict[
        str, int
    ]  # pairs that were rendered and not used, and questions that were not asked, by reason
    cpu_s: dict[str, float]
    machine: str = ""  # who made it and how fast; nothing that is published depends on what follows
    seconds: float = 0.0
    finished: float = 0.0  # Unix time
    attempts: int = 1
    visits: list[tuple[float, int]] = Field(
        default=[], description="CPU-seconds and pairs of each visit to an object"
    )


def write_shard(target: Path, scratch: Path, samples: Iterable[StoredSample]) -> tuple[str, int]:
    """Write a shard atomically.

    Args:
        target: the final path, ending in .tar.
        scratch: an existing folder on the same file system, for the unfinished file.

    Returns:
        (sha256, size in bytes) of the shard.
    """
    from webdataset import TarWriter

    with replacing(target, scratch) as file:
        writer = TarWriter(file, user="viewpoint100k", group="viewpoint100k", mtime=MTIME, encoder=False)
        for stored in samples:
            members = {f"view_{i}.jpg": image for i, image in enumerate(stored.images)}
            writer.write({"__key__": stored.key, **members, "json": _json(stored.sample)})
        writer.close()
    return sha256_file(target), target.stat().st_size


def _json(sample: Sample) -> bytes:
    return json.dumps(sample.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()
