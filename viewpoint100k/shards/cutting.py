"""Shards from which some objects are taken out, the bytes of the others left as they are."""

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from viewpoint100k.errors import InputError
from viewpoint100k.records import Sample
from viewpoint100k.shards.files import open_inside, replacing
from viewpoint100k.shards.members import members_of, read_member
from viewpoint100k.shards.samples import check_members, parse_record


class Kept(NamedTuple):
    """What stays of a shard that some objects leave."""

    spans: list[tuple[int, int]]  # of bytes, each a sample's members with their headers
    samples: int
    questions: int
    dropped: int
    seen: set[str]  # objects, before


def keep_samples(path: Path, gone: set[str]) -> Kept:
    """Find the samples of a shard that are of other objects. Reads no picture.

    Raises:
        InputError: not a shard of ours.
    """
    ends = dict[str, list[int]]()
    names = dict[str, list[str]]()
    spans = list[tuple[int, int]]()
    questions = 0
    seen = set[str]()
    records = list[tuple[str, Sample]]()
    with open_inside(path) as file:
        for member in members_of(file, path):
            span = ends.setdefault(member.key, [member.start, member.start])
            if span[1] != member.start:
                raise InputError(
                    f"{path}: sample {member.key!r}: its members lie apart; expected them side by side"
                )
            span[1] = member.end
            names.setdefault(member.key, []).append(member.extension)
            if member.extension == "json":
                records.append((member.key, parse_record(path, member.key, read_member(file, path, member))))
    if len(records) != len(ends) or {key for key, _ in records} != set(ends):
        raise InputError(
            f"{path}: {len(ends)} samples, and {len(records)} json members; expected one in each"
        )
    for key, sample in records:
        check_members(path, key, names[key], sample)
        mine = {thing.uid for thing in sample.credited}
        seen |= mine
        if not mine & gone:
            spans.append((ends[key][0], ends[key][1]))
            questions += len(sample.questions)
    return Kept(spans, len(spans), questions, len(ends) - len(spans), seen)


def cut_digest(path: Path, kept: Kept) -> tuple[str, int]:
    """(sha256, size in bytes) that a shard is going to have."""
    digest = hashlib.sha256()
    size = 0
    for piece in _pieces(path, kept):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def cut_shard(path: Path, kept: Kept) -> None:
    """Rewrite a shard with only what stays, atomically. The bytes of what stays are copied as they are."""
    with replacing(path) as file:
        for piece in _pieces(path, kept):
            file.write(piece)


def _pieces(path: Path, kept: Kept) -> Iterator[bytes]:
    """The bytes of a shard of what stays, as its writer would have written them."""
    written = 0
    with open_inside(path) as file:
        for start, end in kept.spans:
            file.seek(start)
            yield file.read(end - start)
            written += end - start
    ending = 2 * tarfile.BLOCKSIZE  # two empty blocks, then up to a whole record
    yield bytes(ending + -(written + ending) % tarfile.RECORDSIZE)
