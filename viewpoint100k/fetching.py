"""Fetching the objects of a run ahead of it: in parts, on as many machines as share the cache."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from viewpoint100k import objects as sources
from viewpoint100k.config import RunConfig
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.kinship import connected, groups_by_shape
from viewpoint100k.plan import Plan
from viewpoint100k.records import ObjectRecord, Record, Reject, SourceObject
from viewpoint100k.run_state import RunPaths, machine_name
from viewpoint100k.shards import write_atomically

REPORT_S = 2.0  # how often a part says how far it is


class Fetching(Record):
    """How far one part of the objects is. Lies in OUT/.run/fetching."""

    part: int
    parts: int
    total: int
    done: int
    failed: int
    machine: str
    pid: int
    updated: float  # Unix time


def objects_of(plan: Plan) -> list[SourceObject]:
    """The objects that a plan's shards visit, each once, those that are visited first before reserves."""
    by_uid = {thing.record.uid: thing for thing in plan.objects}
    longest = max((len(shard.objects) for shard in plan.shards), default=0)
    found = dict[str, SourceObject]()
    for place in range(longest):
        for shard in plan.shards:
            for uid in shard.objects[place : place + 1]:
                for thing in by_uid[uid].parts or [by_uid[uid]]:
                    found.setdefault(thing.record.uid, thing)
    return list(found.values())


def fetch_run(
    out: Path,
    config: RunConfig,
    plan: Plan,
    part: tuple[int, int] = (0, 1),
    connections: int = 1,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Reject]:
    """Bring objects of a run into the cache of its source, each of them once, from whichever machine.

    Args:
        part: (K, N): of the objects every Nth, from the Kth on.
        connections: how many are fetched at a time here.

    Returns:
        The objects that cannot be fetched. Shards find that out by themselves, and use reserves.

    Raises:
        InputError: the source cannot be reached at all.
    """
    wanted = objects_of(plan)[part[0] :: part[1]]
    rejects = list[Reject]()
    report = _Reporter(RunPaths(out).run / "fetching", part, len(wanted), progress)
    report(0, rejects, now=True)
    with ThreadPoolExecutor(connections) as threads:
        scratch = RunPaths(out).run / "tmp" / "objects"
        fetch = partial(sources.fetch_object, source=config.source, folder=scratch, budgets=config.files)
        waiting = {threads.submit(fetch, thing): thing for thing in wanted}
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                try:
                    future.result()
                except ObjectRefused as refusal:
                    rejects.append(_not_fetched(waiting[future], refusal))
                report(done, rejects)
        except BaseException:  # no network, a full disk, or Ctrl-C: nobody waits for the rest
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    report(len(wanted), rejects, now=True)
    return rejects


def _not_fetched(thing: SourceObject, refusal: ObjectRefused) -> Reject:
    return Reject(uid=thing.record.uid, stage="fetch", reason=str(refusal))


class _Reporter:
    """Says how far a part of the fetching is: to the caller always, on disk every few seconds."""

    def __init__(
        self, folder: Path, part: tuple[int, int], total: int, progress: Callable[[int, int], None]
    ) -> None:
        self.path = folder / f"{part[0]}-of-{part[1]}.json"
        self.part = part
        self.total = total
        self.progress = progress
        self.last = 0.0  # when it was written
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, done: int, rejects: Sequence[Reject], now: bool = False) -> None:
        self.progress(done, self.total)
        if not now and time.monotonic() - self.last <= REPORT_S:
            return
        self.last = time.monotonic()
        state = Fetching(
            part=self.part[0],
            parts=self.part[1],
            total=self.total,
            done=done - len(rejects),
            failed=len(rejects),
            machine=machine_name(),
            pid=os.getpid(),
            updated=time.time(),
        )
        write_atomically(self.path, state.model_dump_json().encode())


def read_fetching(out: Path) -> list[Fetching]:
    """How far each part is that was begun; of the latest division into parts alone."""
    found = list[Fetching]()
    for path in sorted((RunPaths(out).run / "fetching").glob("*-of-*.json")):
        try:
            found.append(Fetching.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError):
            continue
    parts = max(found, key=lambda one: one.updated).parts if found else 0
    return [one for one in found if one.parts == parts]


def sum_up(states: Sequence[Fetching]) -> str:
    """For people, in one line; empty if nothing is being fetched."""
    if not states:
        return ""
    done = sum(one.done for one in states)
    total = sum(one.total for one in states)
    failed = sum(one.failed for one in states)
    begun = f" ({len(states)} of {states[0].parts} parts begun)" if states[0].parts > 1 else ""
    return f"{done} of {total} objects fetched{f', {failed} cannot be fetched' if failed else ''}{begun}"


def group_copies(
    config: RunConfig,
    things: Sequence[SourceObject],
    scratch: Path,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[dict[str, str], int]:
    """Fetch objects and compare their files and shapes.

    Args:
        scratch: a folder for files that are made on the spot.

    Returns:
        For each object the uid of the first one that it is a copy of, perhaps its own; how many were refused.
    """
    records = list[ObjectRecord]()
    for done, thing in enumerate(things, 1):
        with suppress(ObjectRefused):
            records.append(sources.fetch_object(thing, config.source, scratch, config.files)[1])
        progress(done, len(things))
    shapes = groups_by_shape([record.shape for record in records])
    same = connected(
        [[("shape", shape), ("file", record.sha256)] for shape, record in zip(shapes, records, strict=True)]
    )
    groups = {record.uid: records[first].uid for record, first in zip(records, same, strict=True)}
    return groups, len(things) - len(records)
