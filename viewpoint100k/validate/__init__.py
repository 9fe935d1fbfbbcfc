"""Are the files right? Rereads everything and derives every truth and answer again from the stored poses."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from viewpoint100k.config import GateConfig
from viewpoint100k.errors import InputError, shell_line
from viewpoint100k.index import FOLDER, index_files
from viewpoint100k.manifest import Manifest, ShardEntry, config_fault, read_any_config
from viewpoint100k.records import SCHEMA_VERSION
from viewpoint100k.shards import REAL, has_photographs, is_own_folder
from viewpoint100k.validate.folder import folder_problems, index_problems
from viewpoint100k.validate.problem import CheckedShard, Problem, Report
from viewpoint100k.validate.question import fault_of_words
from viewpoint100k.validate.sample import sample_problems, truth_problems
from viewpoint100k.validate.shard import check_shard
from viewpoint100k.validate.whole import (
    attribution_problems,
    keys_that_come_twice,
    manifest_problems,
    objects_described_otherwise,
    objects_in_two_splits,
    objects_that_came_back,
    used_objects,
)

__all__ = ["Problem", "Report", "sample_problems", "truth_problems", "validate_dataset"]


def validate_dataset(dataset: Path, workers: int | None = None) -> Report:
    """Check every byte of a dataset folder that anybody will read.

    Args:
        workers: processes; None: one per core.

    Raises:
        InputError: the folder is no dataset of ours at all.
    """
    manifest = read_any_config(dataset)
    if manifest.schema_version != SCHEMA_VERSION:
        raise InputError(
            f"{dataset / 'manifest.json'} has schema {manifest.schema_version}; this version reads "
            f"{SCHEMA_VERSION}: {_remedy(dataset, manifest)}"
        )
    if fault := _what_keeps_from_checking(manifest):
        return Report(0, 0, 0, [Problem("manifest.json", fault)])
    problems = list(folder_problems(dataset, manifest))
    entries = [entry for entry in manifest.shards if os.path.lexists(dataset / entry.name)]
    shards = _checked(dataset, manifest, entries, workers)
    used = used_objects(entries, shards)
    for entry, shard in zip(entries, shards, strict=True):
        problems += shard.problems
        problems += objects_described_otherwise(entry, shard, used)
    problems += keys_that_come_twice(entries, shards)
    problems += objects_in_two_splits(entries, shards)
    problems += objects_that_came_back(dataset, manifest, used)
    problems += attribution_problems(dataset, used)
    problems += _beside_problems(dataset, workers)
    problems += manifest_problems(manifest, shards)
    if is_own_folder(dataset / FOLDER):
        problems += index_problems(dataset, manifest)
    samples = len(set[str]().union(*(shard.keys for shard in shards)))
    return Report(samples, sum(shard.questions for shard in shards), len(entries), problems)


def _what_keeps_from_checking(manifest: Manifest) -> str:
    """Why a dataset with this manifest cannot be checked at all; empty: it can."""
    if fault := config_fault(manifest):
        return f"its config is not one of ours, so nothing can be checked by it: {fault}"
    if fault := fault_of_words(manifest.words):
        return f"its words cannot be used, so no question can be checked by them: {fault}"
    return ""


def _checked(
    dataset: Path, manifest: Manifest, entries: Sequence[ShardEntry], workers: int | None
) -> list[CheckedShard]:
    """What was found in each shard, by as many processes as there is work for."""
    gates = GateConfig.model_validate(manifest.config["gates"])
    if is_own_folder(dataset / FOLDER):
        index_files(dataset)  # imports pyarrow once, for all processes
    check = partial(check_shard, dataset, manifest, gates)
    processes = min(workers or os.cpu_count() or 1, len(entries))
    if processes <= 1:
        return list(map(check, entries))
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(check, entries))


def _remedy(dataset: Path, manifest: Manifest) -> str:
    if manifest.schema_version > SCHEMA_VERSION:
        return "a newer viewpoint100k made it; install that"
    return f"`{shell_line('requestion', dataset, 'NEW_FOLDER')}` makes it anew, and renders nothing"


def _beside_problems(dataset: Path, workers: int | None) -> Iterator[Problem]:
    """The photographs in the folder of a dataset of renders are a dataset that validates, too."""
    if not os.path.lexists(dataset / REAL):
        return
    if not has_photographs(dataset):
        yield Problem(REAL, "is no folder with a dataset of photographs; nothing else may lie there")
        return
    if not read_any_config(dataset / REAL).photographed:
        yield Problem(REAL, "is a dataset of renders; expected one that `viewpoint100k photos` wrote")
        return
    if os.path.lexists(dataset / REAL / REAL):
        yield Problem(f"{REAL}/{REAL}", "is not listed; expected one folder of photographs")
        return
    for problem in validate_dataset(dataset / REAL, workers).problems:
        yield Problem(f"{REAL}/{problem.where}", problem.what)
