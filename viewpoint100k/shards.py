"""Tar shards: the same samples give the same bytes, and no reader ever sees a torn one.

Written with webdataset's own writer, times and owners fixed; first beside the run's state, then renamed into place.
A shard is done when it and its receipt are there and the receipt's hash is the shard's.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic import Field, ValidationError

from viewpoint100k.errors import InputError
from viewpoint100k.records import Record, Sample

MTIME = 1_577_836_800  # 2020-01-01: a fixed time, for bytes that do not depend on the day; whole, else each file gets a second header
BLOCKS_KEPT = 8  # of 16 MB each, by Pillow


class StoredSample(NamedTuple):
    """A sample as it lies in a shard."""

    key: str
    sample: Sample
    images: list[bytes]  # JPEG, in the order of the views


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
    dropped: dict[str, int]  # pairs that were rendered and not used, and questions that were not asked, by reason
    cpu_s: dict[str, float]
    machine: str = ""  # who made it and how fast; nothing that is published depends on what follows
    seconds: float = 0.0
    finished: float = 0.0  # Unix time
    attempts: int = 1
    visits: list[tuple[float, int]] = Field(default=[], description="CPU-seconds and pairs of each visit to an object")


def write_shard(target: Path, scratch: Path, samples: Iterable[StoredSample]) -> tuple[str, int]:
    """Write a shard atomically.

    Args:
        target: the final path, ending in .tar.
        scratch: an existing folder on the same file system, for the unfinished file.

    Returns:
        (sha256, size in bytes) of the shard.
    """
    from webdataset import TarWriter

    unfinished = scratch / _unfinished(target).name
    try:
        with open(unfinished, "wb") as file:
            writer = TarWriter(file, user="viewpoint100k", group="viewpoint100k", mtime=MTIME, encoder=False)
            for stored in samples:
                members = {f"view_{i}.jpg": image for i, image in enumerate(stored.images)}
                writer.write({"__key__": stored.key, **members, "json": _json(stored.sample)})
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        digest, size = sha256_file(unfinished), unfinished.stat().st_size
        os.replace(unfinished, target)
        _sync_folder(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return digest, size


def write_atomically(target: Path, data: bytes) -> None:
    """Write a small file so that a reader sees the old or the new one, never a part."""
    unfinished = _unfinished(target)
    try:
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
        _sync_folder(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


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
    ends: dict[str, list[int]] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                end = info.offset_data + -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                ends.setdefault(info.name.partition(".")[0], [info.offset, 0])[1] = end
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{path} is not a whole tar file: {error}") from error
    spans, questions, seen, records = list[tuple[int, int]](), 0, set[str](), list(iter_records(path))
    if len(records) != len(ends):
        raise InputError(
            f"{path}: {len(ends)} samples, of which {len(records)} have a json member; expected one in each"
        )
    for key, sample in records:
        mine = {thing.uid for thing in sample.objects}
        seen |= mine
        if not mine & gone:
            spans.append((ends[key][0], ends[key][1]))
            questions += len(sample.questions)
    return Kept(spans, len(spans), questions, len(ends) - len(spans), seen)


def cut_digest(path: Path, kept: Kept) -> tuple[str, int]:
    """(sha256, size in bytes) that a shard is going to have."""
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(path, kept):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def cut_shard(path: Path, kept: Kept) -> None:
    """Rewrite a shard with only what stays, atomically. The bytes of what stays are copied as they are."""
    unfinished = _unfinished(path)
    try:
        with open(unfinished, "wb") as file:
            for piece in _pieces(path, kept):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
        _sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _pieces(path: Path, kept: Kept) -> Iterator[bytes]:
    """The bytes of a shard of what stays, as its writer would have written them."""
    written = 0
    with open(path, "rb") as file:
        for start, end in kept.spans:
            file.seek(start)
            yield file.read(end - start)
            written += end - start
    ending = 2 * tarfile.BLOCKSIZE  # two empty blocks, then up to a whole record
    yield bytes(ending + -(written + ending) % tarfile.RECORDSIZE)


def _unfinished(target: Path) -> Path:
    """A hidden name beside a file that no other process takes, on whatever machine: they may share the folder."""
    return target.with_name(f".{target.name}.{uuid4().hex[:12]}.partial")


def sweep(out: Path, *, before: float) -> None:
    """Remove what killed processes left half-written, here and in OUT/.run; a file begun since `before` is at work."""
    for unfinished in [*out.glob(".*.partial"), *out.glob("*/.*.partial"), *(out / ".run").rglob(".*.partial")]:
        with suppress(FileNotFoundError):  # another finalizer was faster
            if unfinished.stat().st_mtime < before:
                unfinished.unlink()


def read_shard(path: Path) -> Iterator[StoredSample]:
    """The samples of one shard, in order.

    Raises:
        InputError: not a shard of ours: names the file and the sample.
    """
    for key, members in read_members(path):
        yield parse_sample(path, key, members)


def read_members(path: Path, keys: Collection[str] | None = None) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and files of each sample of one shard, in order; the files by what follows the key's dot.

    Args:
        keys: of the samples that are wanted; the others are not read. None: all.

    Raises:
        InputError: not a whole tar file of plain files, each there once: names the file.
    """
    key, members = "", dict[str, bytes]()
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                name, _, extension = info.name.partition(".")
                if keys is not None and name not in keys:
                    continue
                if name != key and members:
                    yield key, members
                    members = {}
                file = tar.extractfile(info)
                if file is None or extension in members:
                    raise InputError(f"{path}: member {info.name!r} is not a file, or is there twice")
                key, members[extension] = name, file.read()
        if members:
            yield key, members
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not a whole tar file: {error}") from error


def iter_records(path: Path) -> Iterator[tuple[str, Sample]]:
    """(Key, sample) of one shard, in order, without reading the pictures.

    Raises:
        InputError: not a shard of ours: names the file and the sample.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                key, _, extension = info.name.partition(".")
                file = tar.extractfile(info) if extension == "json" else None
                if file is not None:
                    yield key, _sample(path, key, file.read())
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{path} is not a whole tar file: {error}") from error


def shard_paths(dataset: Path, split: str | None = None) -> list[Path]:
    """The shards of a dataset folder, in order; all splits, or one.

    Raises:
        InputError: there is no such folder, or it holds no shards.
    """
    if not dataset.is_dir():
        raise InputError(f"{dataset} is not a folder; pass the folder that `viewpoint100k generate` wrote")
    paths = sorted(
        dataset.glob(f"{split or '*'}-[0-9]*-of-[0-9]*.tar"),
        key=lambda p: (_ORDER.get(split_of(p), 9), p.name),
    )
    if not paths:
        raise InputError(
            f"{dataset} holds no shards of {split or 'any split'}: expected files such as train-00000-of-00010.tar"
        )
    return paths


def iter_samples(dataset: Path, split: str | None = None) -> Iterator[StoredSample]:
    """All samples of a dataset folder, shard by shard."""
    for path in shard_paths(dataset, split):
        yield from read_shard(path)


def split_of(path: Path) -> str:
    """Which split a shard is of, by its name."""
    return path.name.split("-")[0]


def sha256_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_ORDER = {"train": 0, "validation": 1, "test": 2}


def _json(sample: Sample) -> bytes:
    return json.dumps(sample.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()


def parse_sample(path: Path, key: str, members: dict[str, bytes]) -> StoredSample:
    """A sample from its files.

    Raises:
        InputError: a file is missing, or the json is not a sample: names the file, the sample and the field.
    """
    views = sorted((name for name in members if name != "json"), key=lambda name: (len(name), name))
    if "json" not in members or not views or views != [f"view_{i}.jpg" for i in range(len(views))]:
        raise InputError(
            f"{path}: sample {key!r} has members {sorted(members)}; expected view_0.jpg, view_1.jpg, ..., json"
        )
    return StoredSample(key, _sample(path, key, members["json"]), [members[name] for name in views])


def _sample(path: Path, key: str, data: bytes) -> Sample:
    try:
        return Sample.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: sample {key!r}: {where or 'json'}: {first['msg']}") from error


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the file system lets us."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems cannot sync a folder; the rename itself is still atomic
    finally:
        os.close(handle)


def keep_picture_memory() -> None:
    """Let Pillow use the memory of pictures again that are no longer needed: to ask for it anew takes a fifth of the time."""
    from PIL import Image

    core: Any = Image.core  # type: ignore[attr-defined]
    core.set_blocks_max(max(core.get_blocks_max(), BLOCKS_KEPT))
