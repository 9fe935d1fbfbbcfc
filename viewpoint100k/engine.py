"""Supervises the render process: starts it, feeds it, waits with a deadline, replaces it when it dies.

Never imports bpy. One warm worker with one render thread; a shard is one such engine, and a machine runs as many
shards as it has cores. Success is judged by what came back, never by an exit code.
"""

import errno
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from viewpoint100k.annotate import RenderedView
from viewpoint100k.config import RenderConfig
from viewpoint100k.errors import EngineError, InputError, MissingExtra
from viewpoint100k.records import Reject, View, ViewSet

ROOM_FOR_A_VIEW_SET = 64 << 20  # bytes: pictures, depth and albedo of all its views, not yet compressed
START_S = 120.0  # importing bpy takes 1.2 s on a calm machine
NEEDS = ("bpy", "numpy", "PIL", "OpenEXR")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Rendered(NamedTuple):
    """All views of one view set, and what they cost."""

    views: list[RenderedView]
    probes: list[RenderedView]
    import_cpu_s: float
    probe_cpu_s: list[float]
    view_cpu_s: list[float]


class _Dead(Exception):
    """The worker ended or was ended; the text says how."""


def check_engine(python: str = sys.executable) -> None:
    """Fail early, with what to do, if an interpreter cannot render.

    Raises:
        InputError: no such interpreter.
        MissingExtra: it lacks bpy or what goes with it.
    """
    if python == sys.executable:
        missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    else:
        code = f"import importlib.util as u; print('lacks', *[n for n in {NEEDS!r} if u.find_spec(n) is None])"
        try:
            done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=START_S)
        except OSError as error:
            raise InputError(
                f"--engine-python {python}: cannot be run ({error.strerror}); pass a Python 3.11"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"--engine-python {python}: did not answer within {START_S:.0f} s; pass a Python 3.11"
            ) from error
        if done.returncode or not done.stdout.startswith("lacks"):
            raise InputError(f"--engine-python {python}: is not a Python interpreter; pass a Python 3.11")
        missing = done.stdout.split()[1:]
    if missing:
        raise MissingExtra(
            f"{python} cannot render: it lacks {', '.join(missing)}. Install them with pip install 'viewpoint100k[render]' "
            "on Python 3.11, or name an interpreter that has them with --engine-python"
        )


class Engine:
    """A warm render process and its scratch folder. Use with `with`."""

    def __init__(self, settings: RenderConfig, scratch: Path, python: str = sys.executable) -> None:
        self.settings, self.scratch, self.python = settings, scratch, python
        self.renderer = self.device = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._made = 0

    def __enter__(self) -> "Engine":
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def render(self, view_set: ViewSet, path: Path) -> Rendered | Reject:
        """Render all views of one object.

        A death of the worker that nobody asked for is tried once more, so that a killed process costs an attempt and
        no object; a second one, a deadline or a refusal is a `Reject`.
        """
        self._send(view_set, path)
        started = time.monotonic()
        for attempt in (1, 2):
            try:
                reply = self._receive(self.settings.deadline_s)
                break
            except TimeoutError:
                detail = self._stderr_tail()
                self._restart()
                return self._reject(
                    view_set, "render", f"not finished after {time.monotonic() - started:.0f} s", detail
                )
            except _Dead as death:
                detail = self._stderr_tail()
                self._restart()
                if attempt == 2:
                    return self._reject(view_set, "render", f"the render process died twice: {death}", detail)
                self._send(view_set, path)
        if not reply["ok"]:
            detail = self._stderr_tail() if reply["stage"] == "render" else ""
            if reply["stage"] == "render":  # an exception may have left Blender in any state
                if shutil.disk_usage(self.scratch).free < ROOM_FOR_A_VIEW_SET:  # that is no fault of the object
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._restart()
            return self._reject(view_set, reply["stage"], reply["reason"], detail)
        rendered = self._collect(reply, view_set)
        self._made += 1
        if self._made % self.settings.recycle_after == 0:
            self._restart()
        return rendered

    def _collect(self, reply: dict[str, Any], view_set: ViewSet) -> Rendered:
        folder = self._folder(view_set)

        def read(view: dict[str, Any]) -> RenderedView:
            with np.load(folder / view["arrays"]) as arrays:
                depth, albedo, std = (
                    arrays["depth"],
                    arrays["albedo"].astype(np.float32),
                    float(arrays["luminance_std"]),
                )
            camera = View(
                intrinsics=view["intrinsics"],
                world_from_camera=view["world_from_camera"],
                hfov_deg=view["hfov_deg"],
                light=view_set.light.name,
                background=view_set.background.kind,
            )
            return RenderedView(camera, (folder / view["image"]).read_bytes(), depth, albedo, std)

        views, probes = [read(view) for view in reply["views"]], [read(view) for view in reply["probes"]]
        shutil.rmtree(folder, ignore_errors=True)
        seconds = [[view["cpu_s"] for view in reply[kind]] for kind in ("probes", "views")]
        return Rendered(views, probes, reply["import_cpu_s"], *seconds)

    def _reject(self, view_set: ViewSet, stage: str, reason: str, detail: str) -> Reject:
        shutil.rmtree(self._folder(view_set), ignore_errors=True)
        return Reject.model_validate(
            {
                "uid": view_set.object.record.uid,
                "stage": stage,
                "reason": reason,
                "detail": detail,
                "round": view_set.round,
            }
        )

    def _folder(self, view_set: ViewSet) -> Path:
        return self.scratch / f"{view_set.object.record.uid}-{view_set.round}"

    def _send(self, view_set: ViewSet, path: Path) -> None:
        folder = self._folder(view_set)
        folder.mkdir(parents=True, exist_ok=True)
        request = view_set.model_dump(mode="json", include={"views", "probes", "light", "background"})
        settings = self.settings.model_dump(include={"size_px", "samples", "denoise", "jpeg_quality"})
        request |= {"out": str(folder.resolve()), "path": str(path.resolve()), "render": settings}
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the death is noticed, and the job sent again, where the reply is awaited

    def _receive(self, seconds: float) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        end = time.monotonic() + seconds
        while b"\n" not in self._unread:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            chunk = os.read(self._process.stdout.fileno(), 1 << 16)
            if not chunk:
                code = self._process.wait()
                raise _Dead(f"signal {-code}" if code < 0 else f"exit code {code}")
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        message = json.loads(line)
        assert isinstance(message, dict)
        return message

    def _start(self) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        home = self.scratch / "path"  # holds this one package: another interpreter must not see our site-packages
        home.mkdir(exist_ok=True)
        link, package = home / "render_scenes", importlib.util.find_spec("render_scenes")
        assert package is not None and package.origin is not None
        if not link.is_symlink():
            link.symlink_to(Path(package.origin).resolve().parent)
        self._unread = b""
        with open(self.scratch / "stderr.txt", "wb") as stderr:
            self._process = subprocess.Popen(
                [self.python, "-m", "render_scenes", str(os.getpid()), str(self.settings.memory_limit_mb)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(home.resolve()), "PYTHONDONTWRITEBYTECODE": "1"},
            )
        try:
            hello = self._receive(START_S)
        except (TimeoutError, _Dead) as error:
            tail = self._stderr_tail()
            self._stop()
            raise EngineError(
                f"the render process did not start: {error or f'no answer in {START_S:.0f} s'}\n{tail}"
            ) from error
        self.renderer, self.device = hello["renderer"], hello["device"]

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except BrokenPipeError:
                        pass  # a request that the dead process never read
            self._process = None

    def _restart(self) -> None:
        self._stop()
        self._start()

    def _stderr_tail(self) -> str:
        try:
            text = (self.scratch / "stderr.txt").read_text(errors="replace")
        except OSError:
            return ""
        lines = [line for line in text.splitlines() if line.strip() and " INFO: " not in line and "Saved: " not in line]
        return "\n".join(lines[-8:])[-2000:]
