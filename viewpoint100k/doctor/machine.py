"""What this machine has: cores, memory, disks, and what its limits are."""

import multiprocessing
import os
import platform
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from viewpoint100k.disk import check_disk, written_to
from viewpoint100k.doctor.findings import Finding, red
from viewpoint100k.errors import InputError
from viewpoint100k.runners.local import ROOM_FOR_A_WORKER, default_workers, free_memory, own_cores
from viewpoint100k.storage import is_url

USUAL_RENDER_BYTES = 800_000_000  # of memory, that a render process takes
ROOMY_DISK = 2_000_000_000  # bytes: 28,000 pairs at 512 px take that
PAIR_BYTES = 70_000  # at 512 px; docs/farm.md has the measurements
ENOUGH_FILES = 1024  # for Ray, and for loaders with several processes
ENOUGH_SHM = 1 << 30  # bytes, for the same


def processor() -> Iterator[Finding]:
    cores = own_cores()
    yield Finding(name="processor", verdict="green", found=f"{cores} cores, {platform.machine()}")


def memory() -> Iterator[Finding]:
    free = free_memory()
    cores = own_cores()
    if free is None:
        yield Finding(name="memory", verdict="green", found="this system does not say")
        return
    found = f"{free / 1e9:.1f} GB that this process may still take"
    if free < USUAL_RENDER_BYTES:
        advice = (
            "end other programs, or raise the limit: a render process takes "
            f"{USUAL_RENDER_BYTES / 1e9:.1f} GB, some 2.5 GB"
        )
        yield Finding(name="memory", verdict="red", found=found, advice=advice)
    elif free < cores * ROOM_FOR_A_WORKER:
        advice = f"nothing, if {default_workers()} render processes on {cores} cores will do; else free some"
        yield Finding(name="memory", verdict="yellow", found=found, advice=advice)
    else:
        yield Finding(name="memory", verdict="green", found=found)


def disk(out: str) -> Iterator[Finding]:
    for name, folder in zip(("disk", "temporary files")[is_url(out) :], written_to(out), strict=True):
        try:
            free = check_disk(folder)
        except InputError as error:
            yield red(name, folder, error)
            continue
        tight = free < ROOMY_DISK
        pairs = free // PAIR_BYTES
        room = f"room for about {pairs:,} pairs at 512 px (100,000 take 7 GB): free space for more"
        yield Finding(
            name=name,
            verdict="yellow" if tight else "green",
            found=f"{_size(free)} free in {os.path.abspath(folder)}",
            advice=room if tight else "nothing to do",
        )


def _size(count: int) -> str:
    """A number of bytes in words."""
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def open_files() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= ENOUGH_FILES:
        yield Finding(
            name="open files", verdict="green", found="no limit" if soft == unlimited else f"up to {soft}"
        )
        return
    if hard == unlimited:
        raised = f"`ulimit -n {ENOUGH_FILES * 4}`"
    elif hard >= ENOUGH_FILES:
        raised = f"`ulimit -n {min(hard, ENOUGH_FILES * 4)}`"
    else:
        raised = "have the hard limit raised"
    yield Finding(
        name="open files",
        verdict="yellow",
        found=f"up to {soft} (the hard limit is {'none' if hard == unlimited else hard})",
        advice=f"{raised} before --runner ray, training and publishing; rendering needs few",
    )


def shared_memory() -> Iterator[Finding]:
    """Python's processes share locks in it, Ray its objects, and torch its batches."""
    name = "/dev/shm"
    folder = Path("/dev/shm")
    try:
        multiprocessing.get_context("spawn").Lock()
    except (OSError, ImportError) as error:
        advice = (
            "mount a tmpfs there that you may write to: `validate`, which ends a run, uses processes "
            "that share locks"
        )
        yield Finding(name=name, verdict="red", found=f"no locks can be made: {error}", advice=advice)
        return
    if not folder.is_dir():
        yield Finding(name=name, verdict="green", found="not there, and not needed on this system")
        return
    size = shutil.disk_usage(folder).total
    small = size < ENOUGH_SHM
    yield Finding(
        name=name,
        verdict="yellow" if small else "green",
        found=f"{size / 1e9:.2f} GB",
        advice="for --runner ray and training, start the container with --shm-size=4g"
        if small
        else "nothing to do",
    )
