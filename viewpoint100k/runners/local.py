"""Shards as processes on this machine."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from viewpoint100k.runners import PROGRAM, WRONG_INPUT, Failure, Places, last_line

POLL_S = 0.25
PARENT = "VIEWPOINT100K_PARENT"


def run_local(
    command: Sequence[str], shards: Sequence[int], places: Places, logs: Path, tick: Callable[[], None]
) -> dict[int, Failure]:
    """A `Runner`: as many processes at a time as there are slots."""
    logs.mkdir(parents=True, exist_ok=True)
    waiting, running, failed = list(shards), dict[int, subprocess.Popen[bytes]](), dict[int, Failure]()
    free, slot_of = list(range(len(places.slots))), dict[int, int]()
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
    """End when the process that started us ends, however it ends: a killed run leaves nothing behind. Linux only."""
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
    """One per core that we may use, as far as memory allows (a render process takes 0.8 GB)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return cores
    return max(1, min(cores, int(kilobytes / 1.2e6)))
