"""One render process: it is started, gets requests with deadlines, is watched, and can be ended at once.

Never imports bpy. Success is judged by what came back, never by an exit code.
"""

import math
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import TypeVar

from render_scenes import protocol
from viewpoint100k.config import RenderConfig
from viewpoint100k.devices import Device, environment_of
from viewpoint100k.errors import EngineError
from viewpoint100k.interpreters import START_S

# like START_S, but on a GPU, whose driver may first spend ten minutes compiling Blender's kernels
WARM_S = 3600.0
WATCH_S = 0.5  # between two looks at the memory of a process that renders on a GPU
# starts of a process that is killed from outside each time before it is ready, until the run gives up
STARTS = 30

Answer = TypeVar("Answer", bound=protocol.Answer)


class ProcessDeadError(Exception):
    """The process ended or was ended."""

    def __init__(self, code: int, *, too_large: bool = False) -> None:
        super().__init__(f"signal {-code}" if code < 0 else f"exit code {code}")
        self.killed = code == -signal.SIGKILL and not too_large  # by somebody else
        self.out_of_time = code == -signal.SIGXCPU
        self.too_large = too_large


class RequestRefusedError(Exception):
    """The process is alive and refused a request."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage


class RenderProcess:
    """A process with one render thread, which is replaced whenever necessary."""

    def __init__(self, settings: RenderConfig, scratch: Path, python: str, on: Device) -> None:
        self.settings = settings
        self.scratch = scratch
        self.python = python
        self.on = on
        self.renderer = ""
        self.device = ""
        self.start_cpu_s = 0.0  # CPU time of all starts
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._closed = False
        self._most_mb = math.inf  # limit of the process's resident memory

    def start(self) -> None:
        """Start the process and wait until it is ready. One that is killed meanwhile is started again.

        Raises:
            EngineError: it ends or does not answer, and why.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        allowed_s = WARM_S if self.on.is_gpu else START_S
        for attempt in range(STARTS):
            self._unread = b""
            self._most_mb = math.inf
            process = self._process = self._launch()
            try:
                hello = self._receive(time.monotonic() + allowed_s)
                break
            except (TimeoutError, ProcessDeadError) as error:
                tail = self._stderr_tail()
                self.stop()
                killed = isinstance(error, ProcessDeadError) and error.killed
                if killed and attempt + 1 < STARTS and not self._closed:
                    continue
                reason = str(error) or f"no answer in {allowed_s:.0f} s"
                raise EngineError(
                    f"the render process did not start: {reason}. `viewpoint100k doctor` looks for the "
                    f"cause\n{tail}"
                ) from error
        assert isinstance(hello, protocol.Ready), hello
        self.renderer = hello.renderer
        self.device = hello.device
        if self.on.is_gpu:
            self._most_mb = _resident_mb(process.pid) + self.settings.memory_limit_mb
        self.start_cpu_s += hello.cpu_s

    def _launch(self) -> "subprocess.Popen[bytes]":
        # a GPU's driver reserves address space for all of its memory and more, so there what is resident is
        # watched, and the address space has no limit
        memory_mb = 0 if self.on.is_gpu else self.settings.memory_limit_mb
        command = [self.python, "-m", "render_scenes", str(os.getpid()), str(memory_mb), self.on.kind]
        environment = {**environment_of(self.scratch), **self.on.environment()}
        with open(self.scratch / "stderr.txt", "wb") as stderr:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment
            )

    def stop(self) -> None:
        """End the process, at once."""
        process = self._process
        self._process = None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except BrokenPipeError:
                        pass  # a request that the dead process never read

    def close(self) -> None:
        """End the process for good, also under the hands of another thread that waits for it."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _restart(self) -> None:
        self.stop()
        if not self._closed:
            self.start()
        if self._closed:  # meanwhile
            self.stop()

    def _ask(self, request: protocol.Request, answer: type[Answer], end: float) -> Answer:
        """One request, one answer of the kind that belongs to it.

        Raises:
            TimeoutError: there is none before `end`, of the monotonic clock.
            ProcessDeadError: the process ended, or grew too large.
            RequestRefusedError: it lives, and does not carry the request out.
        """
        if self._process is None or self._process.stdin is None:
            raise ProcessDeadError(-signal.SIGKILL)
        try:
            self._process.stdin.write(protocol.encode(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the death is noticed where the reply is awaited
        reply = self._receive(end)
        if isinstance(reply, protocol.Refusal):
            raise RequestRefusedError(reply.stage, reply.reason)
        assert isinstance(reply, answer), reply
        return reply

    def _receive(self, end: float) -> protocol.Message:
        process = self._process
        if process is None or process.stdout is None:
            raise ProcessDeadError(-signal.SIGKILL)
        while b"\n" not in self._unread:
            left_s = max(0.0, end - time.monotonic())
            wait_s = min(left_s, WATCH_S) if self.on.is_gpu else left_s
            ready, _, _ = select.select([process.stdout], [], [], wait_s)
            if self.on.is_gpu and _resident_mb(process.pid) > self._most_mb:
                process.kill()
                process.wait()
                raise ProcessDeadError(-signal.SIGKILL, too_large=True)
            if not ready and time.monotonic() < end:
                continue
            if not ready:
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise ProcessDeadError(process.wait())
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        return protocol.decode(line)

    def _stderr_tail(self) -> str:
        """The last lines of the process's stderr."""
        try:
            text = (self.scratch / "stderr.txt").read_text(errors="replace")
        except OSError:
            return ""
        lines = [
            line
            for line in text.splitlines()
            if line.strip() and " INFO: " not in line and "Saved: " not in line
        ]
        return "\n".join(lines[-8:])[-2000:]


def _resident_mb(pid: int) -> float:
    """Memory of a process; 0 where it cannot be known."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
