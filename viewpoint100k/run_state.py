"""The state of a run on disk: where its files are, and what is done, in progress or refused."""

import fcntl
import os
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from pydantic import ValidationError

from viewpoint100k.config import RunConfig, read_config
from viewpoint100k.errors import InputError, shell_line
from viewpoint100k.manifest import Removal, read_manifest
from viewpoint100k.plan import Plan, Shard
from viewpoint100k.records import Record, Reject
from viewpoint100k.shards import Receipt, sha256_file, write_atomically

# environment variable that names this machine in receipts, if its host name says nothing
MACHINE = "VIEWPOINT100K_MACHINE"
# a shard in progress reports after each object, which may be tried twice: its deadline is a third of this
QUIET_S = 900.0


class RunPaths(NamedTuple):
    """Every path of a run. OUT is the dataset; OUT/.run is the state that made it and is not published."""

    out: Path

    @property
    def run(self) -> Path:
        return self.out / ".run"

    @property
    def config(self) -> Path:
        return self.run / "config.yaml"

    @property
    def plan(self) -> Path:
        return self.run / "plan.json"

    @property
    def rejects(self) -> Path:
        return self.run / "rejects.jsonl"

    @property
    def listed_rejects(self) -> Path:
        return self.run / "rejects" / "source.jsonl"

    def shard_rejects(self, shard: Shard) -> Path:
        return self.run / "rejects" / f"{shard.name}.jsonl"

    def shard(self, shard: Shard) -> Path:
        return self.out / f"{shard.name}.tar"

    def receipt(self, shard: Shard) -> Path:
        return self.run / "receipts" / f"{shard.name}.json"

    def progress(self, shard: Shard) -> Path:
        return self.run / "progress" / f"{shard.name}.json"

    def visits(self, shard: Shard) -> Path:
        """Results of objects that unfinished attempts at a shard have visited."""
        return self.run / "tmp" / "visits" / shard.name

    def scratch(self, shard: Shard) -> Path:
        """A folder for this call alone: two runs in one folder waste work, but do no harm."""
        return self.run / "tmp" / f"{shard.name}.{uuid4().hex[:12]}"


def read_plan(out: Path) -> Plan:
    path = RunPaths(out).plan
    try:
        return Plan.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            f"{out} holds no run: it has no .run/plan.json. Start one with `{shell_line('generate', out)}`"
        ) from error
    except ValidationError as error:
        raise InputError(f"{path} is not a plan of this version; generate into a new folder") from error


def check_out(paths: RunPaths) -> None:
    """Check that OUT can be the folder of a new run.

    Raises:
        InputError: it is a file, or holds something else.
    """
    if paths.out.exists() and not paths.out.is_dir():
        raise InputError(f"{paths.out} is a file; expected a folder to write the dataset into")
    if paths.out.is_dir():
        foreign = sorted(entry.name for entry in paths.out.iterdir() if entry.name != ".run")
        if foreign:
            raise InputError(
                f"{paths.out} holds something else ({', '.join(foreign[:3])}"
                f"{', ...' if len(foreign) > 3 else ''}) and no run of this tool; pass a new or empty folder"
            )


def same_run(paths: RunPaths, config: RunConfig) -> RunConfig:
    """The settings of the run in OUT, with the number of pairs that is asked for now.

    Raises:
        InputError: another setting differs (the message names it), or fewer pairs are asked for than before.
    """
    there = read_config(paths.config)
    sizes = [*there.grown_from, there.pairs]
    if config.grown_from and config.grown_from != sizes[: len(config.grown_from)]:
        raise InputError(
            f"{paths.out} has grown from {there.grown_from} pairs; grown_from says {config.grown_from}"
        )
    same_size = {"pairs": there.pairs, "grown_from": there.grown_from}
    old = there.model_dump(mode="json")
    new = config.model_copy(update=same_size).model_dump(mode="json")
    for name in new:
        if old[name] != new[name]:
            where = name
            before = old[name]
            after = new[name]
            if isinstance(after, dict):
                inner = next(key for key in after if before[key] != after[key])
                where = f"{name}.{inner}"
                before = before[inner]
                after = after[inner]
            raise InputError(
                f"{paths.out} holds another run: there {where} is {before}, now it would be {after}. Use the "
                "same settings to go on with it, or another folder"
            )
    if config.pairs < there.pairs:
        raise InputError(
            f"{paths.out} has {there.pairs} pairs, now it would be {config.pairs}: a run can grow, not "
            "shrink. Use another folder"
        )
    if config.pairs == there.pairs:
        return there
    grown = {**there.model_dump(mode="json"), "pairs": config.pairs, "grown_from": sizes}
    return RunConfig.model_validate(grown)


class Progress(Record):
    """A shard in progress, or one whose attempt ended before it was done.

    It lies in OUT/.run/progress until the shard is done.
    """

    attempt: int
    machine: str
    pid: int
    started: float  # Unix time
    updated: float
    pairs: int = 0
    rejects: int = 0
    error: str = ""  # why the attempt failed; empty for one that was killed


def machine_name() -> str:
    """The name of this machine in receipts, which are not published."""
    return os.environ.get(MACHINE) or platform.node()


def begin_attempt(out: Path, shard: Shard) -> Progress:
    """Record that this process now makes a shard, for the first time or again."""
    now = time.time()
    before = read_progress(out, shard)
    begun = Progress(
        attempt=before.attempt + 1 if before else 1,
        machine=machine_name(),
        pid=os.getpid(),
        started=now,
        updated=now,
    )
    report_progress(RunPaths(out), shard, begun)
    return begun


def report_progress(
    paths: RunPaths, shard: Shard, begun: Progress, pairs: int = 0, rejects: int = 0, error: str = ""
) -> None:
    """Record how far a shard is, for `status` to read."""
    now = begun.model_copy(
        update={"updated": time.time(), "pairs": pairs, "rejects": rejects, "error": error}
    )
    write_atomically(paths.progress(shard), now.model_dump_json().encode())


def read_progress(out: Path, shard: Shard) -> Progress | None:
    """How far the last attempt at an unfinished shard got; None: there was no attempt."""
    try:
        return Progress.model_validate_json(RunPaths(out).progress(shard).read_bytes())
    except (OSError, ValidationError):
        return None


def read_receipt(out: Path, shard: Shard) -> Receipt | None:
    """The receipt of a finished shard; None if the shard is missing, truncated, or of another run."""
    paths = RunPaths(out)
    try:
        receipt = Receipt.model_validate_json(paths.receipt(shard).read_bytes())
        if not receipt.samples:  # all its objects were removed: there is no file
            return receipt
        whole = (
            paths.shard(shard).stat().st_size == receipt.bytes
            and sha256_file(paths.shard(shard)) == receipt.sha256
        )
    except (OSError, ValidationError):
        return None
    return receipt if whole else None


class Status(NamedTuple):
    """How far a run is, judged only by what is on disk."""

    done: list[Receipt]
    missing: list[Shard]  # all shards that are not done
    progress: dict[int, Progress]  # of the missing shards that were begun, by number
    pairs_wanted: int

    @property
    def running(self) -> dict[int, Progress]:
        """The progress of those shards whose reports say that somebody works on them."""
        return {
            number: progress
            for number, progress in self.progress.items()
            if not progress.error and _alive(progress)
        }

    @property
    def pairs_in_work(self) -> int:
        return sum(progress.pairs for progress in self.running.values())

    @property
    def rejects_in_work(self) -> int:
        return sum(progress.rejects for progress in self.running.values())


def status(out: Path, plan: Plan | None = None, known: dict[int, Receipt] | None = None) -> Status:
    """Judge completeness from receipts and shards, never from an exit code.

    Args:
        known: receipts that were read before and need not be checked against their shards again; updated
            here.
    """
    plan = plan or read_plan(out)
    known = {} if known is None else known
    done = []
    missing = []
    progress = {}
    for shard in plan.shards:
        receipt = known.get(shard.number) or read_receipt(out, shard)
        if receipt is not None:
            known[shard.number] = receipt
            done.append(receipt)
            continue
        missing.append(shard)
        if (begun := read_progress(out, shard)) is not None:
            progress[shard.number] = begun
    return Status(done, missing, progress, sum(len(shard.motions) for shard in plan.shards))


def _alive(progress: Progress) -> bool:
    """Whether a shard is being worked on: it reported recently, and its process, if a local one, exists."""
    if time.time() - progress.updated > QUIET_S:
        return False
    if not progress.machine == machine_name() == platform.node():
        return True
    try:
        os.kill(progress.pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)  # a process that we may not signal is alive
    return True


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process holds this lock. Go on without it on a file system that has no locks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def removed_objects(out: Path) -> list[Removal]:
    """Objects that were taken out of this folder, and must not come back."""
    return read_manifest(out).removed if (out / "manifest.json").exists() else []


def read_rejects(out: Path) -> list[Reject]:
    """Every object that was refused, and why."""
    paths = RunPaths(out)
    files = [paths.rejects] if paths.rejects.exists() else sorted((paths.run / "rejects").glob("*.jsonl"))
    return [
        Reject.model_validate_json(line) for path in files for line in path.read_text("utf-8").splitlines()
    ]


def write_rejects(path: Path, rejects: Iterable[Reject]) -> None:
    """One line for each object that was refused, atomically."""
    write_atomically(path, "".join(reject.model_dump_json() + "\n" for reject in rejects).encode())
