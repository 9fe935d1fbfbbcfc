"""A process that has imported the library and forks itself for each command line that a test runs.

Nearly half of what a short command costs is importing numpy, pydantic and our records. A fork starts with these
in place; all else is as with `python -m viewpoint100k`: a process, streams, a folder and an environment of its own.
"""

import atexit
import json
import os
import runpy
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Nothing that looks at the environment or the terminal while it is imported, and nothing that starts threads.
PRELOADED = ("numpy", "PIL.Image", "pydantic", "rich.console", "rich.table", "rich.progress", "typer", "yaml")
PRELOADED += (
    "viewpoint100k.pipeline",
    "viewpoint100k.validate",
    "viewpoint100k.gallery",
    "viewpoint100k.takedown",
)


class Forks:
    """The side of the tests: `run` is `subprocess.run([python, "-m", "viewpoint100k", ...])` with text captured."""

    def __init__(self):
        self.cpu_s = 0.0  # of all commands so far, and of the processes that they waited for
        self._server = None
        self._one_at_a_time = threading.Lock()

    def run(self, arguments, timeout=600, cwd=None, env=None):
        """Run a command line.

        Raises:
            subprocess.TimeoutExpired: after `timeout` seconds; the command is killed.
        """
        with self._one_at_a_time, tempfile.TemporaryDirectory() as folder:
            if self._server is None:
                self._start()
            streams = [Path(folder, name) for name in ("stdout", "stderr")]
            job = {
                "arguments": arguments,
                "cwd": str(cwd or os.getcwd()),
                "environment": dict(os.environ if env is None else env),
            }
            self._tell(job | {"streams": list(map(str, streams))})
            pid = self._hear(None)["pid"]
            ended = self._hear(timeout)
            if ended is None:
                os.kill(pid, 9)
                self._hear(None)
                raise subprocess.TimeoutExpired(arguments, timeout)
            self.cpu_s += ended["cpu_s"]
            texts = [path.read_text(encoding="utf-8") for path in streams]
            return subprocess.CompletedProcess(arguments, ended["returncode"], *texts)

    def _start(self):
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, bufsize=0
        )
        atexit.register(self._stop)

    def _stop(self):
        self._server.stdin.close()
        self._server.wait()

    def _tell(self, job):
        self._server.stdin.write(json.dumps(job).encode() + b"\n")
        self._server.stdin.flush()

    def _hear(self, timeout):
        if not select.select([self._server.stdout.fileno()], [], [], timeout)[0]:
            return None
        return json.loads(self._server.stdout.readline())


def serve():
    """Fork for each job that a line of standard input names; say the pid, then how it ended."""
    sys.path[0] = str(ROOT)
    for name in PRELOADED:
        __import__(name)
    jobs, answers = sys.stdin, os.dup(1)
    for line in jobs:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.close(answers)
            become(job)
            return
        os.write(answers, json.dumps({"pid": pid}).encode() + b"\n")
        _, status, used = os.wait4(pid, 0)
        cpu_s = used.ru_utime + used.ru_stime
        ended = {"returncode": os.waitstatus_to_exitcode(status), "cpu_s": cpu_s}
        os.write(answers, json.dumps(ended).encode() + b"\n")


def become(job):
    """What `python -m viewpoint100k` does, in the fork."""
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["environment"])
    time.tzset()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, path in enumerate(job["streams"], 1):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.close(nothing)
    sys.argv = ["viewpoint100k", *job["arguments"]]
    runpy.run_module("viewpoint100k", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve()
