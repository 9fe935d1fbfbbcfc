"""CPU-seconds of everything that a program starts, daemons included. Linux.

What a process used is told to its parent by `wait`, and to nobody if the parent ignores its children, as
Ray's raylet does. So the kernel's own counter is read, which all descendants inherit (perf_event_open,
task-clock).
"""

import ctypes
import os
import platform
import struct
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from benchmarks.farm_parts import NotHereError

CALL = {"x86_64": 298, "aarch64": 241}  # number of perf_event_open
SOFTWARE, TASK_CLOCK, INHERIT = 1, 1, 1 << 1
ATTRIBUTES = struct.pack("IIQQQQQIIQ", SOFTWARE, 64, TASK_CLOCK, 0, 0, 0, INHERIT, 0, 0, 0)
CLOSE_ON_EXEC = 8
SUBREAPER = 36  # of prctl: who loses its parent becomes our child, so that we know when it has ended
PATIENCE_S = 60.0  # for daemons, to end


class CpuSeconds:
    """Counts in a `with`: `seconds` is what all processes used that this thread started meanwhile, without
    what the thread itself did.
    """

    def __enter__(self) -> "CpuSeconds":
        """
        Raises:
            NotHereError: the kernel does not let us count.
        """
        self._others = _children()  # whom somebody else waits for, or nobody: a fork server, say
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(SUBREAPER, 1)
        number = CALL.get(platform.machine())
        attributes = ctypes.create_string_buffer(ATTRIBUTES, len(ATTRIBUTES))
        self._counter = libc.syscall(number, attributes, 0, -1, -1, CLOSE_ON_EXEC) if number else -1
        if self._counter < 0:
            why = os.strerror(ctypes.get_errno()) if number else f"no number known for {platform.machine()}"
            raise NotHereError(f"perf_event_open: {why}; needs root, or kernel.perf_event_paranoid at most 1")
        self._own_s = time.thread_time()
        return self

    @property
    def seconds(self) -> float:
        """So far, or of the whole block."""
        if self._counter < 0:
            return self._total_s
        (nanoseconds,) = struct.unpack("Q", os.read(self._counter, 8))
        return float(nanoseconds) / 1e9 - (time.thread_time() - self._own_s)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Wait for the daemons, and read the counter."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and (ours := _children() - self._others):
            for child in ours:
                with suppress(ChildProcessError):  # waited for by whoever started it
                    os.waitpid(child, os.WNOHANG)
            time.sleep(0.1)
        ctypes.CDLL(None).prctl(SUBREAPER, 0)
        self._total_s = self.seconds
        os.close(self._counter)
        self._counter = -1


def _children() -> set[int]:
    """Process ids of this process's children: those that it started, and those that it inherited."""
    own = str(os.getpid())
    out = set[int]()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile
            if (process / "stat").read_text().rpartition(")")[2].split()[1] == own:
                out.add(int(process.name))
    return out
