"""Does validate find what is damaged? `python benchmarks/corruptions.py my-dataset [--count 1000] [--seed
0]`.

Damages a copy of a finished dataset in one place at a time, in ways drawn by lot from a seed: flipped bits,
truncation, swapped shards, members that are deleted or swapped or renamed, json that is edited (with the
manifest's hashes made to fit, as a careless editor would), a manifest, card, attribution or index that is
edited. What does not change content is not counted: bytes that no reader sees, and json written otherwise.
Prints a table per way and writes JSON; exit 1 if anything passes, or if a damaged sample is not named.
"""

import argparse
import contextlib
import csv
import io
import json
import shutil
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from viewpoint100k.errors import ViewpointError
from viewpoint100k.shards import sha256_file, shard_paths
from viewpoint100k.validate import validate_dataset


class Damage(NamedTuple):
    """What was done, and what a report must name."""

    file: str
    key: str = ""  # of the sample, where one is damaged
    what: str = ""


class NothingChangedError(Exception):
    """The lot fell on something that changes no content."""


Rng = np.random.Generator
T = TypeVar("T")


def flip_a_bit_of_a_shard(dataset: Path, rng: Rng) -> Damage:
    path = _any_shard(dataset, rng)
    data, members = bytearray(path.read_bytes()), _members_at(path)
    place = int(rng.integers(len(data)))
    key = next((key for start, end, key in members if start <= place < end), "")
    data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)
    return Damage(path.name, key, f"byte {place}")


def flip_a_bit_of_a_picture(dataset: Path, rng: Rng) -> Damage:
    path = _any_shard(dataset, rng)
    start, end, key = _pick(_members_at(path), rng)
    data, place = bytearray(path.read_bytes()), int(rng.integers(start, end))
    data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)
    _fit(dataset, path)
    return Damage(path.name, key, f"byte {place}, hashes made to fit")


def truncate_a_shard(dataset: Path, rng: Rng) -> Damage:
    path = _any_shard(dataset, rng)
    data = path.read_bytes()
    path.write_bytes(data[: int(rng.integers(len(data)))])
    return Damage(path.name)


def swap_two_shards(dataset: Path, rng: Rng) -> Damage:
    one, other = (shard_paths(dataset)[int(i)] for i in rng.permutation(len(shard_paths(dataset)))[:2])
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return Damage(one.name)


def delete_a_member(dataset: Path, rng: Rng) -> Damage:
    return _edit_members(dataset, rng, lambda files, name, rng: files.pop(name))


def swap_two_pictures(dataset: Path, rng: Rng) -> Damage:
    def swap(files: dict[str, bytes], name: str, rng: Rng) -> None:
        other = _pick([n for n in files if n.endswith(".jpg") and files[n] != files[name]], rng)
        files[name], files[other] = files[other], files[name]

    return _edit_members(dataset, rng, swap, ending=".jpg")


def delete_a_sample(dataset: Path, rng: Rng) -> Damage:
    def delete(files: dict[str, bytes], name: str, rng: Rng) -> None:
        for each in [n for n in files if n.split(".")[0] == name.split(".")[0]]:
            del files[each]

    return _edit_members(dataset, rng, delete)


def rename_a_sample(dataset: Path, rng: Rng) -> Damage:
    def rename(files: dict[str, bytes], name: str, rng: Rng) -> None:
        old = name.split(".")[0]
        renamed = {n.replace(old, f"{old}x"): data for n, data in files.items()}
        files.clear()
        files.update(renamed)

    return _edit_members(dataset, rng, rename)


def edit_a_sample(dataset: Path, rng: Rng) -> Damage:
    """One value anywhere in the json of one sample: a number moved, a text changed, an entry dropped."""
    what = []

    def edit(files: dict[str, bytes], name: str, rng: Rng) -> None:
        tree = json.loads(files[name])
        what.append(_edit_json(tree, rng))
        files[name] = json.dumps(tree).encode()

    damage = _edit_members(dataset, rng, edit, ending=".json")
    return damage._replace(what=what[0])


def edit_the_manifest(dataset: Path, rng: Rng) -> Damage:
    path = dataset / "manifest.json"
    tree = json.loads(path.read_text())
    what = _edit_json(tree, rng)
    path.write_text(json.dumps(tree))
    return Damage("manifest.json", what=what)


def flip_a_bit_of_the_manifest(dataset: Path, rng: Rng) -> Damage:
    path = dataset / "manifest.json"
    before, data = json.loads(path.read_text()), bytearray(path.read_bytes())
    place = int(rng.integers(len(data)))
    data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)
    with contextlib.suppress(ValueError):
        if json.loads(bytes(data)) == before:
            raise NothingChangedError
    return Damage("manifest.json", what=f"byte {place}")


def flip_a_bit_of_the_card(dataset: Path, rng: Rng) -> Damage:
    return _flip(dataset / "README.md", rng)


def flip_a_bit_of_the_credits(dataset: Path, rng: Rng) -> Damage:
    return _flip(dataset / "attribution.csv", rng)


def cut_the_card(dataset: Path, rng: Rng) -> Damage:
    path = dataset / "README.md"
    path.write_bytes(path.read_bytes()[: int(rng.integers(path.stat().st_size))])
    return Damage(path.name)


def edit_the_credits(dataset: Path, rng: Rng) -> Damage:
    path = dataset / "attribution.csv"
    rows = list(csv.reader(path.open(newline="")))
    row, cell = int(rng.integers(1, len(rows))), int(rng.integers(len(rows[0])))
    rows[row][cell] += "x"
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return Damage(path.name, what=f"row {row}")


def flip_a_bit_of_the_index(dataset: Path, rng: Rng) -> Damage:
    import pyarrow.parquet as parquet

    path = _pick(sorted((dataset / "index").glob("*.parquet")), rng)
    before, damage = parquet.read_table(path), _flip(path, rng)
    try:
        if parquet.read_table(path).equals(before):
            raise NothingChangedError
    except (OSError, ValueError):
        pass
    return damage._replace(file="")  # a row of it is named by its sample, the file in the line


def delete_a_file(dataset: Path, rng: Rng) -> Damage:
    path = _pick([*shard_paths(dataset), dataset / "README.md", dataset / "attribution.csv"], rng)
    path.unlink()
    return Damage(path.name)


WAYS: tuple[Callable[[Path, Rng], Damage], ...] = (
    flip_a_bit_of_a_shard, flip_a_bit_of_a_picture, truncate_a_shard, swap_two_shards, delete_a_member,
    swap_two_pictures,
    delete_a_sample, rename_a_sample, edit_a_sample, edit_the_manifest, flip_a_bit_of_the_manifest,
    flip_a_bit_of_the_card,
    flip_a_bit_of_the_credits, cut_the_card, edit_the_credits, flip_a_bit_of_the_index, delete_a_file,
)  # fmt: skip


def found(dataset: Path, damage: Damage) -> str:
    """Empty if validate names what was damaged, else what it says."""
    try:
        lines = [f"{p.where}: {p.what}" for p in validate_dataset(dataset, 1).problems]
    except ViewpointError as error:
        lines = [str(error)]
    if any(damage.file in line and damage.key in line for line in lines):
        return ""
    return (
        f"{len(lines)} problems, none of {damage.file} {damage.key}: {lines[:2]}"
        if lines
        else "nothing at all"
    )


def run(dataset: Path, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How often each way was tried, and what passed. The dataset is put right again after each."""
    original = {p.relative_to(dataset): p.read_bytes() for p in dataset.rglob("*") if p.is_file()}
    tried, passed = Counter[str](), []
    for number in range(count):
        way, attempt = WAYS[number % len(WAYS)], 0
        while True:
            rng = np.random.default_rng([seed, number, attempt])
            try:
                damage = way(dataset, rng)
                break
            except NothingChangedError:
                attempt += 1
            finally:
                changed = {
                    n
                    for n, data in original.items()
                    if not (dataset / n).exists() or (dataset / n).read_bytes() != data
                }
            for name in changed:
                (dataset / name).write_bytes(original[name])
        tried[way.__name__] += 1
        if missed := found(dataset, damage):
            passed.append(f"{way.__name__}, number {number} of seed {seed}: {damage}: {missed}")
        for name in changed:
            (dataset / name).write_bytes(original[name])
    return tried, passed


def _any_shard(dataset: Path, rng: Rng) -> Path:
    return _pick(shard_paths(dataset), rng)


def _pick(things: Sequence[T], rng: Rng) -> T:
    if not things:
        raise NothingChangedError
    return things[int(rng.integers(len(things)))]


def _members_at(path: Path) -> list[tuple[int, int, str]]:
    with tarfile.open(path) as tar:
        return [(info.offset_data, info.offset_data + info.size, info.name.split(".")[0]) for info in tar]


def _flip(path: Path, rng: Rng) -> Damage:
    data = bytearray(path.read_bytes())
    place = int(rng.integers(len(data)))
    data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)
    return Damage(path.name, what=f"byte {place}")


def _edit_members(
    dataset: Path, rng: Rng, change: Callable[[dict[str, bytes], str, Rng], object], ending: str = ""
) -> Damage:
    """Change the files of a shard and make the manifest's hashes fit."""
    path = _any_shard(dataset, rng)
    with tarfile.open(path) as tar:
        files = {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
    name = _pick([n for n in files if n.endswith(ending)], rng)
    change(files, name, rng)
    with tarfile.open(path, "w") as tar:
        for each, data in files.items():
            info = tarfile.TarInfo(each)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    _fit(dataset, path)
    return Damage(path.name, name.split(".")[0], name)


def _fit(dataset: Path, path: Path) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text())
    entry = next(e for e in manifest["shards"] if e["name"] == path.name)
    entry.update(sha256=sha256_file(path), bytes=path.stat().st_size)
    (dataset / "manifest.json").write_text(json.dumps(manifest, indent=1))


def _edit_json(tree: dict | list, rng: Rng) -> str:
    """Change one value, found by going down by lot. Says where."""
    where = []
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            raise NothingChangedError
        key = keys[int(rng.integers(len(keys)))]
        where.append(str(key))
        value = tree[key]
        if isinstance(value, dict | list) and value and rng.random() > 0.02:
            tree = value
            continue
        if rng.random() < 0.1:
            del tree[key]
            return f"{'.'.join(where)} deleted"
        match value:
            case bool():
                tree[key] = not value
            case int():
                tree[key] = value + int(rng.choice([-1, 1]))
            case float():
                tree[key] = value + float(rng.choice([-1, 1])) * 10.0 ** float(rng.uniform(-3, 1))
            case str():
                place = int(rng.integers(len(value) + 1))
                tree[key] = value[:place] + "q" + value[place:]
            case _:
                tree[key] = "changed"
        return f"{'.'.join(where)}: {str(value)[:40]} -> {str(tree[key])[:40]}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(options.dataset, copy, ignore=shutil.ignore_patterns(".run"))
        if problems := validate_dataset(copy).problems:
            sys.exit(f"{options.dataset} has problems to begin with: {problems[0]}")
        tried, passed = run(copy, options.count, options.seed)
    print("| way | tried | passed unseen, or the sample not named |\n|---|---|---|")
    for way in WAYS:
        missed = sum(line.startswith(f"{way.__name__},") for line in passed)
        print(f"| {way.__name__.replace('_', ' ')} | {tried[way.__name__]} | {missed} |")
    print("\n".join(passed[:40]))
    if options.json:
        options.json.write_text(json.dumps({"tried": tried, "passed": passed}, indent=1) + "\n")
    sys.exit(bool(passed))


if __name__ == "__main__":
    main()
