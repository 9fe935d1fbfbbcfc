"""Shards as processes on this machine."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from viewpoint100k.runners import PROGRAM, WRONG_INPUT, Failure, Places, last_line

POLL_S = 0.25
ROOM_FOR_A_WORKER = 1_200_000_000  # bytes; a render process usually uses 800 MB
PARENT = "VIEWPOINT100K_PARENT"


def run_local(
    command: Sequence[str], shards: Sequence[int], places: Places, logs: Path, tick: Callable[[], None]
) -> dict[int, Failure]:
    """A `Runner` with one process for each slot on this machine."""
    logs.mkdir(parents=True, exist_ok=True)
    waiting = list(shards)
    running = dict[int, subprocess.Popen[bytes]]()
    failed = dict[int, Failure]()
    free = list(range(len(places.slots)))
    slot_of = dict[int, int]()
    try:
        while waiting or running:
            while waiting and free:
                number = waiting.pop(0)
                slot_of[number] = free.pop(0)
                with open(logs / f"{number}.txt", "wb") as log:
                    running[number] = subprocess.Popen(
                        [*PROGRAM, *command, "--shard", str(number)],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env={**os.environ, **places.slots[slot_of[number]], PARENT: str(os.getpid())},
                    )
            time.sleep(POLL_S)
            tick()
            for number, process in list(running.items()):
                if process.poll() is not None:
                    del running[number]
                    free.append(slot_of[number])
                    if process.returncode:
                        if process.returncode == WRONG_INPUT:
                            waiting.clear()  # a full disk, no renderer
                        text = (logs / f"{number}.txt").read_text(errors="replace")
                        failed[number] = Failure(process.returncode, last_line(text))
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return failed


def end_with_parent() -> None:
    """End this process when its parent ends, however that ends, so that a killed run leaves nothing behind.

    Linux only.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent:
        return
    try:
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if os.getppid() != int(parent):
        sys.exit(1)


def default_workers() -> int:
    """One worker per usable core, as far as memory allows (a render process takes 0.8 GB)."""
    free = free_memory()
    return own_cores() if free is None else max(1, min(own_cores(), free // ROOM_FOR_A_WORKER))


def own_cores() -> int:
    """The number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that this process and its children may still take from the machine or its container.

    None if the system does not say: it is not Linux.
    """
    free = list[int]()
    with suppress(OSError, StopIteration):
        lines = (proc / "meminfo").read_text().splitlines()
        free.append(next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable")))
    with suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:  # version 2
                free += _left_in_cgroups(cgroups, path, "memory.max", "memory.current")
            elif "memory" in controllers.split(","):
                root = cgroups / "memory"
                free += _left_in_cgroups(root, path, "memory.limit_in_bytes", "memory.usage_in_bytes")
    return max(0, min(free)) if free else None


def _left_in_cgroups(root: Path, path: str, limit: str, usage: str) -> Iterator[int]:
    """Bytes left in a cgroup and in each of its parents that have a limit."""
    own = root / path.lstrip("/")
    if not own.is_dir():  # a container sees its own cgroup as the root
        own = root
    for folder in (own, *own.parents):
        if not folder.is_relative_to(root):
            return
        with suppress(OSError, ValueError):  # a ValueError means that the file says `max`
            most = int((folder / limit).read_text())
            used = int((folder / usage).read_text())
            counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            # the page cache is released when memory is needed
            yield most - used + int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))
