"""One shard: its bytes, its samples, and the rows that the index has of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from viewpoint100k.config import GateConfig
from viewpoint100k.errors import InputError
from viewpoint100k.index import FOLDER, rows, shard_differences
from viewpoint100k.manifest import (
    Manifest,
    ShardEntry,
)
from viewpoint100k.records import (
    Provenance,
)
from viewpoint100k.shards import (
    StoredSample,
    in_sample,
    is_own_folder,
    keep_picture_memory,
    parse_sample,
    read_members,
    sha256_file,
    split_of,
)
from viewpoint100k.validate.problem import CheckedShard, MadeBy, Problem
from viewpoint100k.validate.sample import sample_problems


def check_shard(dataset: Path, manifest: Manifest, gates: GateConfig, entry: ShardEntry) -> CheckedShard:
    """Check a shard of a dataset, sample by sample, as far as it can be read."""
    keep_picture_memory()
    path = dataset / entry.name
    out = CheckedShard([], [], {}, set(), 0)
    problems = out.problems
    has_index = is_own_folder(dataset / FOLDER)
    rows_of = dict[str, list[dict[str, Any]]]()  # as the index must have them, by key
    questions = 0
    if not entry.name.startswith(f"{entry.split}-"):
        problems.append(Problem(entry.name, f"manifest.json says it is of split {entry.split}"))
    torn = list[str]()
    for key, files in _readable(path, torn):
        out.keys.append(key)
        try:
            stored = parse_sample(path, key, files)
        except InputError as error:
            problems.append(Problem(f"{entry.name}, {key}", str(error)))
            continue
        questions += len(stored.sample.questions)
        if has_index:
            rows_of[key] = list(rows(path, key, files, stored.sample))
        problems += _stored_problems(path, stored, out, manifest, gates, entry)
    problems += [Problem(entry.name, what) for what in torn]
    if not torn:  # else there is no end to what may have to be read
        problems[:0] = _other_bytes(path, entry)
    if len(out.keys) != entry.samples or questions != entry.questions:
        what = (
            f"{len(out.keys)} samples with {questions} questions; manifest.json says {entry.samples} "
            f"and {entry.questions}"
        )
        problems.append(Problem(entry.name, what))
    if has_index:
        problems += _row_problems(dataset, manifest, entry, rows_of)
    return out._replace(questions=questions)


def _readable(path: Path, torn: list[str]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and files of each sample of a shard, up to where it is torn; `torn` gets what is wrong there."""
    try:
        yield from read_members(path)
    except InputError as error:
        torn.append(str(error))


def _stored_problems(
    path: Path,
    stored: StoredSample,
    shard: CheckedShard,
    manifest: Manifest,
    gates: GateConfig,
    entry: ShardEntry,
) -> list[Problem]:
    """What is wrong with one sample of a shard. Notes in `shard` its objects and what it was made by."""
    where = f"{entry.name}, {stored.key}"
    problems = []
    for record in stored.sample.credited:
        if record != shard.objects.setdefault(record.uid, record):
            what = f"object {record.uid} is described otherwise than in a sample before"
            problems.append(Problem(where, what))
    shard.provenances.add(_made_with(stored.sample.provenance))
    try:
        with in_sample(path, stored.key):
            found = list(sample_problems(stored, entry.split, manifest, gates))
    except InputError as error:
        found = [str(error)]
    return problems + [Problem(where, what) for what in found]


def _row_problems(
    dataset: Path, manifest: Manifest, entry: ShardEntry, rows_of: Mapping[str, list[dict[str, Any]]]
) -> Iterator[Problem]:
    """Rows of the index that a shard contradicts."""
    file = f"{FOLDER}/{split_of(dataset / entry.name)}.parquet"
    most = sum(other.questions for other in manifest.shards if other.split == entry.split)
    for difference in shard_differences(dataset, entry.name, rows_of, most):
        if difference.key:
            yield Problem(f"{entry.name}, {difference.key}", f"{difference.what} ({file})")
        else:
            yield Problem(file, difference.what)


def _other_bytes(path: Path, entry: ShardEntry) -> Iterator[Problem]:
    size = path.stat().st_size
    digest = sha256_file(path)
    if size != entry.bytes or digest != entry.sha256:
        what = (
            f"{size} bytes with sha256 {digest[:12]}...; manifest.json says {entry.bytes} and "
            f"{entry.sha256[:12]}..."
        )
        yield Problem(entry.name, what)


def _made_with(provenance: Provenance) -> MadeBy:
    return MadeBy(provenance.code_version, provenance.code_commit, provenance.renderer, provenance.device)
