"""Shards, read: which a dataset has, and their samples in order."""

from collections.abc import Collection, Iterator
from pathlib import Path

from viewpoint100k.errors import InputError
from viewpoint100k.records import Sample
from viewpoint100k.shards.files import REAL, open_inside
from viewpoint100k.shards.members import members_of, read_member
from viewpoint100k.shards.samples import StoredSample, parse_record, parse_sample

_ORDER = {"train": 0, "validation": 1, "test": 2}


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
        there = sorted({split_of(path) for path in dataset.glob("*-[0-9]*-of-[0-9]*.tar")} & _ORDER.keys())
        known = f"it has {', '.join(there)}" if there else "expected files such as train-00000-of-00010.tar"
        raise InputError(f"{dataset} holds no shards of {split or 'any split'}: {known}")
    return paths


def split_of(path: Path) -> str:
    """Which split a shard is of, by its name."""
    return path.name.split("-")[0]


def shard_start(name: str) -> str:
    """How the name of the shard begins that holds a sample or a question, by its key or id: `train-00000`.

    Photographs are all of the test split, and their keys begin with `real`: see `photos.run`.
    """
    split, number = (name.split("-") + [""])[:2]
    return f"{'test' if split == REAL else split}-{number}"


def iter_samples(dataset: Path, split: str | None = None) -> Iterator[StoredSample]:
    """All samples of a dataset folder, shard by shard."""
    return (stored for _, stored in iter_stored(dataset, split))


def iter_stored(dataset: Path, split: str | None = None) -> Iterator[tuple[Path, StoredSample]]:
    """(Shard, sample) of a dataset folder, shard by shard."""
    for path in shard_paths(dataset, split):
        for stored in read_shard(path):
            yield path, stored


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
        InputError: not a whole tar file of members such as we write, each there once: names the file and the
        member.
    """
    key = ""
    members = dict[str, bytes]()
    with open_inside(path) as file:
        for member in members_of(file, path):
            if keys is not None and member.key not in keys:
                continue
            if member.key != key and members:
                yield key, members
                members = {}
            if member.extension in members:
                raise InputError(f"{path}: member {member.name} occurs twice; expected each once")
            key = member.key
            members[member.extension] = read_member(file, path, member)
    if members:
        yield key, members


def iter_records(path: Path) -> Iterator[tuple[str, Sample]]:
    """(Key, sample) of one shard, in order, without reading the pictures.

    Raises:
        InputError: not a shard of ours: names the file and the sample.
    """
    with open_inside(path) as file:
        for member in members_of(file, path):
            if member.extension == "json":
                yield member.key, parse_record(path, member.key, read_member(file, path, member))
