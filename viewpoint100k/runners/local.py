"""Shards as processes on this machine."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

POLL_S = 0.25
WRONG_INPUT = 2  # the exit code of an error that the user has to fix


class Failure(NamedTuple):
    """How a command ended."""

    exit_code: int  # negative: killed by that signal
    last_line: str


def run_local(
    commands: Sequence[tuple[int, list[str]]],
    slots: Sequence[Mapping[str, str]],
    logs: Path,
    tick: Callable[[], None],
) -> dict[int, Failure]:
    """Run one command per shard, as many at a time as there are slots.

    Args:
        commands: (shard number, command line).
        slots: what each place to run adds to the environment: which GPU it may see, for instance.
        logs: a folder for what each command prints.
        tick: called a few times a second, to show progress.

    Returns:
        The commands that failed, by shard number. What is done is judged from the disk, not from these.
    """
    logs.mkdir(parents=True, exist_ok=True)
    waiting, running, failed = list(commands), dict[int, subprocess.Popen[bytes]](), dict[int, Failure]()
    free, slot_of = list(range(len(slots))), dict[int, int]()
    try:
        while waiting or running:
            while waiting and free:
                number, command = waiting.pop(0)
                slot_of[number] = free.pop(0)
                with open(logs / f"{number}.txt", "wb") as log:
                    running[number] = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env={**os.environ, **slots[slot_of[number]], "VIEWPOINT100K_PARENT": str(os.getpid())},
                    )
            time.sleep(POLL_S)
            tick()
            for number, process in list(running.items()):
                if process.poll() is not None:
                    del running[number]
                    free.append(slot_of[number])
                    if process.returncode:
                        if process.returncode == WRONG_INPUT:
                            waiting.clear()  # it would be as wrong for the others: a full disk, no renderer
                        failed[number] = Failure(process.returncode, _last_line(logs / f"{number}.txt"))
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return failed


def end_with_parent() -> None:
    """End when the process that started us ends, however it ends: a killed run leaves nothing behind. Linux only."""
    parent = os.environ.pop("VIEWPOINT100K_PARENT", "")
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


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
