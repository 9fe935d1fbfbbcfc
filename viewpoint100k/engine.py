"""Supervises the render processes: starts them, feeds them, waits with a deadline, replaces those that die.

Never imports bpy. A worker is one warm process with one render thread; it opens an object, is asked for a few
small pictures, and for the large ones only if these were worth it. Success is judged by what came back, never
by an exit code.
"""

import errno
import math
import os
import queue
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import NamedTuple, TypeVar

import numpy as np

from render_scenes import protocol
from viewpoint100k.config import Quality, RenderConfig
from viewpoint100k.devices import Device, environment_of
from viewpoint100k.errors import EngineError
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.geometry.visibility import FAR
from viewpoint100k.interpreters import START_S
from viewpoint100k.quality import NOTHING, RenderedView, Statistics
from viewpoint100k.records import OBJECT_RADIUS, PlannedView, Reject, View, ViewSet
from viewpoint100k.scenes.placement import Footprint, Layout, arrange, fitted, read_back
from viewpoint100k.surroundings import panorama_files

ROOM_FOR_A_VIEW_SET = 64 << 20  # bytes: pictures, depth and albedo of all its views, not yet compressed
WARM_S = (
    3600.0  # the same on a GPU, whose driver compiles Blender's kernels when it first meets them: ten minutes
)
PATIENCE_S = 15.0  # after which a GPU that is not ready is said to compile
WATCH_S = 0.5  # between two looks at the memory of a process that renders on a GPU
PROBE = Quality(samples=1, denoise=False, adaptive_threshold=0.0)  # depth and albedo are what is wanted of it
PROBE_SIZE_PX = 96
# of a worker, by somebody else, until its object is given up; within its deadline it is tried on and on
KILLS = 6
STARTS = 30  # of a worker that somebody kills each time before it is ready, until the run is given up
FEWEST_OBJECTS = 2  # in a scene
OWN_DEATHS = 2  # crashes: the second one is the object's fault

Choice = Sequence[int] | Reject
Paths = Path | Mapping[int, Path]
Choose = Callable[[list[RenderedView]], Choice]
Answer = TypeVar("Answer", bound=protocol.Answer)


WHOLE = -1  # the number of an object that is no part of a scene


class Rendered(NamedTuple):
    """The views of one view set that were wanted, by their number, and what they cost."""

    views: dict[int, RenderedView]
    probes: list[RenderedView]
    extent: list[float]  # sides of the normalised object's bounding box
    cpu_s: dict[str, float]  # import, probes, views
    rss_mb: float  # of the worker afterwards
    declined: Reject | None  # why no view was wanted
    layout: Layout | None = None  # of a scene, as the renderer has it
    parts: tuple[int, ...] = ()  # of a scene: which of its objects are in it, in the order of the layout
    problems: Mapping[int, str] = MappingProxyType({})  # of a scene: why others are not, by their number
    poses: Mapping[int, str] = MappingProxyType(
        {}
    )  # in which objects are, by their number; a single one's is `WHOLE`


class _Loaded(NamedTuple):
    """An object that is open; of a scene, those that are in it and where they stand.

    The fields are those of `Rendered`.
    """

    extent: list[float]
    cpu_s: float
    poses: Mapping[int, str]
    layout: Layout | None = None
    parts: tuple[int, ...] = ()
    problems: Mapping[int, str] = MappingProxyType({})


class _Dead(Exception):
    """The worker ended or was ended."""

    def __init__(self, code: int, *, too_large: bool = False) -> None:
        super().__init__(f"signal {-code}" if code < 0 else f"exit code {code}")
        self.killed = code == -signal.SIGKILL and not too_large  # by somebody else
        self.out_of_time = code == -signal.SIGXCPU
        self.too_large = too_large


class _Refused(Exception):
    """The worker lives and says no."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage


class Engine:
    """Some warm render processes and their scratch folder.

    Use with `with`; `render` may be called by many threads.
    """

    def __init__(
        self,
        settings: RenderConfig,
        scratch: Path,
        python: str = sys.executable,
        *,
        workers: int = 1,
        devices: Sequence[Device] = (Device(),),
    ) -> None:
        self.settings, self.scratch = settings, scratch
        self._workers = [
            Worker(settings, scratch / f"worker-{i}", python, devices[i % len(devices)])
            for i in range(workers)
        ]
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self.renderer = self.device = ""

    def __enter__(self) -> "Engine":
        for worker in self._workers:
            worker.start()
            self._free.put(worker)
        self.renderer, self.device = self._workers[0].renderer, self._workers[0].device
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def workers(self) -> int:
        return len(self._workers)

    @property
    def start_cpu_s(self) -> float:
        """What starting workers has cost so far, those that were replaced included."""
        return sum(worker.start_cpu_s for worker in self._workers)

    def stop(self) -> None:
        """End all workers at once, and with them what other threads still wait for."""
        for worker in self._workers:
            worker.close()

    def render(self, view_set: ViewSet, path: Paths, choose: Choose | None = None) -> Rendered | Reject:
        """Render one object with the next free worker.

        Args:
            path: of the object's file; of a scene, those of its objects by their number, any that are at
                hand.
            choose: looks at the probes and says which views are wanted, or why none is; all of them if not
                given.

        Returns:
            A `Reject` if the object was refused, took too long, or killed its worker twice, and that in a new
            process: what others have left is never the reason. A worker that somebody else killed costs an
            attempt and no object.
        """
        worker = self._free.get()
        try:
            return worker.render(view_set, path, choose or (lambda probes: range(len(view_set.views))))
        finally:
            self._free.put(worker)


class Worker:
    """One render process."""

    def __init__(self, settings: RenderConfig, scratch: Path, python: str, on: Device) -> None:
        self.settings, self.scratch, self.python, self.on = settings, scratch, python, on
        self.renderer = self.device = ""
        self._process: subprocess.Popen[bytes] | None = None
        self.start_cpu_s = self.rss_mb = 0.0
        self._unread, self._closed = b"", False
        self._most_mb = math.inf  # resident, of this process
        self._served = 0  # objects that this process has had

    def render(self, view_set: ViewSet, path: Paths, choose: Choose) -> Rendered | Reject:
        """`Engine.render` on this worker.

        Only a process that has had no other object before refuses one for good.
        """
        killed, died, first = 0, 0, time.monotonic()
        while True:
            started, fresh = time.monotonic(), not self._served
            end = started + self.settings.deadline_s
            self._served += 1
            try:
                rendered = self._visit(view_set, path, choose, end)
                self._tidy(end)
                return rendered
            except _Refused as refusal:
                detail = self._stderr_tail() if refusal.stage == "render" else ""
                if (
                    refusal.stage == "render" and shutil.disk_usage(self.scratch).free < ROOM_FOR_A_VIEW_SET
                ):  # that is no fault of the object
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from refusal
                reject = _reject(view_set, refusal.stage, str(refusal), detail, started)
                if refusal.stage == "gate" or (fresh and refusal.stage == "import"):
                    self._tidy(end)
                    return reject
                self._restart()  # an exception may have left Blender in any state
            except TimeoutError:
                detail, seconds = self._stderr_tail(), time.monotonic() - started
                self._restart()
                reject = _reject(view_set, "render", f"not finished after {seconds:.0f} s", detail, started)
            except _Dead as death:
                if self._closed:
                    return _reject(view_set, "render", "the run was ended", "", started)
                detail = self._stderr_tail()
                self._restart()
                killed, died = killed + death.killed, died + (not death.killed)
                if death.too_large:
                    reason = f"needed more than {self.settings.memory_limit_mb} MB of memory"
                    reject = _reject(view_set, "render", reason, detail, started)
                elif death.out_of_time:
                    reason = f"used more than {self.settings.cpu_limit_s:.0f} CPU-s"
                    reject = _reject(view_set, "render", reason, detail, started)
                elif died == OWN_DEATHS or (
                    killed >= KILLS and time.monotonic() - first > self.settings.deadline_s
                ):
                    reason = f"the render process died {killed + died} times: {death}"
                    return _reject(view_set, "render", reason, detail, started)
                else:
                    continue
            except Exception:
                self._restart()  # it may be in the middle of anything
                raise
            if fresh:
                return reject

    def _tidy(self, end: float) -> None:
        """Let the process forget its object; replace it if something is left, or if it has had or grown enough."""
        try:
            clean = self._ask(protocol.Forget(), protocol.Forgot, end).clean
        except (_Refused, TimeoutError, _Dead):
            clean = False
        enough = self._served >= self.settings.recycle_after or self.rss_mb > self.settings.recycle_above_mb
        if enough or not clean:
            self._restart()

    def _visit(self, view_set: ViewSet, path: Paths, choose: Choose, end: float) -> Rendered | Reject:
        """Open the object, take its probes, let them be judged, take the pictures that are wanted."""
        folder = self.scratch / "pictures"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings = self.settings
        described = view_set.model_dump(mode="json", include={"lights", "background"})
        paths = [path] if isinstance(path, Path) else list(path.values())
        job = protocol.Open(
            paths=[str(one.resolve()) for one in paths],
            scene=not isinstance(path, Path),
            out=str(folder.resolve()),
            lights=described["lights"],
            background=described["background"],
            jpeg_quality=settings.jpeg_quality,
            pose=settings.pose,
            cpu_limit_s=settings.cpu_limit_s,
            panoramas=panorama_files(view_set, settings),
        )
        if isinstance(path, Path):
            opened = self._ask(job, protocol.Opened, end)
            [only] = opened.parts
            loaded = _Loaded(only.extent, opened.cpu_s, {WHOLE: only.pose})
        else:
            loaded = self._open_scene(view_set, list(path), job, end)

        changed = loaded.layout.changed if loaded.layout is not None else None
        changes = 0 if changed is None else changed + 1

        def shoot(
            views: Sequence[PlannedView], size_px: int, quality: Quality, picture: bool
        ) -> tuple[list[RenderedView], float]:
            """The pictures as they come back, and what they cost."""
            planned = [
                protocol.NamedView(name=str(i), planned=view.model_dump(mode="json"))
                for i, view in enumerate(views)
            ]
            wanted = protocol.Shoot(views=planned, size_px=size_px, picture=picture, **quality._asdict())
            shots = self._ask(wanted, protocol.Shots, end)
            self.rss_mb = shots.rss_mb
            return [
                _collect(folder, taken, view, view_set, size_px)._replace(changes=changes)
                for taken, view in zip(shots.views, views, strict=True)
            ], shots.cpu_s

        probes, of_probes = (
            shoot(view_set.probes, PROBE_SIZE_PX, PROBE, False) if view_set.probes else ([], 0.0)
        )
        chosen = choose(probes)
        if isinstance(chosen, Reject):
            views, of_views = dict[int, RenderedView](), 0.0
        else:
            wanted = [view_set.views[i] for i in chosen]
            taken, of_views = (
                shoot(wanted, settings.size_px, settings.settings(), True) if wanted else ([], 0.0)
            )
            views = dict(zip(chosen, taken, strict=True))
        shutil.rmtree(folder, ignore_errors=True)
        cpu_s = {"import": loaded.cpu_s, "probes": of_probes, "views": of_views}
        declined = chosen if isinstance(chosen, Reject) else None
        return Rendered(
            views,
            probes,
            loaded.extent,
            cpu_s,
            self.rss_mb,
            declined,
            loaded.layout,
            loaded.parts,
            loaded.problems,
            loaded.poses,
        )

    def _open_scene(self, view_set: ViewSet, listed: list[int], job: protocol.Open, end: float) -> _Loaded:
        """Load the objects of a scene, find places for those that could be loaded, and put them there.

        Args:
            listed: numbers of the objects whose paths the job has, in that order.
        """
        assert view_set.scene is not None
        opened = self._ask(job, protocol.Opened, end)
        found = dict(zip(listed, opened.parts, strict=True))
        problems = {number: part.problem for number, part in found.items() if part.problem}
        numbers = tuple(number for number in found if number not in problems)
        if (
            problems and self._served > 1
        ):  # it may be the fault of an object before: a new process is to say so, too
            raise _Refused("import", "; ".join(problems.values()))
        if len(numbers) < FEWEST_OBJECTS:
            raise _Refused(
                "import", "; ".join(["fewer than two of its objects can be used", *problems.values()])
            )
        footprints = [Footprint(np.asarray(found[i].extent), np.asarray(found[i].reach)) for i in numbers]
        layout = arrange(view_set.scene, [view_set.object.parts[i] for i in numbers], footprints)
        if isinstance(layout, str):
            raise _Refused("gate", layout)
        measured = self._ask(protocol.Measure(states=_plain(layout.states)), protocol.Measured, end)
        layout = fitted(layout, footprints, np.asarray(measured.middle), measured.radius)
        placed = self._ask(protocol.Place(states=_plain(layout.states)), protocol.Placed, end)
        there = [[None if place is None else np.asarray(place) for place in state] for state in placed.states]
        layout = read_back(there, footprints, layout.changed)
        extent = [2 * OBJECT_RADIUS] * 3  # all of it is within this
        cpu_s = opened.cpu_s + measured.cpu_s + placed.cpu_s
        poses = {number: found[number].pose for number in numbers}
        return _Loaded(extent, cpu_s, poses, layout, numbers, problems)

    # --- the process ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process and wait until it is ready. One that is killed meanwhile is started again.

        Raises:
            EngineError: it ends or does not answer, and why.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        allowed_s = WARM_S if self.on.is_gpu else START_S
        for attempt in range(STARTS):
            self._unread, self._served, self.rss_mb, self._most_mb = b"", 0, 0.0, math.inf
            # a GPU's driver reserves address space for all of its memory and more, so there what is resident
            # is watched
            memory_mb = 0 if self.on.is_gpu else self.settings.memory_limit_mb
            with open(self.scratch / "stderr.txt", "wb") as stderr:
                self._process = subprocess.Popen(
                    [
                        self.python,
                        "-m",
                        "render_scenes",
                        str(os.getpid()),
                        str(memory_mb),
                        self.on.kind,
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    env={**environment_of(self.scratch), **self.on.environment()},
                )
            try:
                hello = self._receive(time.monotonic() + allowed_s)
                break
            except (TimeoutError, _Dead) as error:
                tail = self._stderr_tail()
                self.stop()
                if isinstance(error, _Dead) and error.killed and attempt + 1 < STARTS and not self._closed:
                    continue
                raise EngineError(
                    f"the render process did not start: {str(error) or f'no answer in {allowed_s:.0f} s'}. `viewpoint100k doctor` looks "
                    f"for the cause\n{tail}"
                ) from error
        assert isinstance(hello, protocol.Ready), hello
        self.renderer, self.device = hello.renderer, hello.device
        if self.on.is_gpu and self._process is not None:
            self._most_mb = _resident_mb(self._process.pid) + self.settings.memory_limit_mb
        self.start_cpu_s += hello.cpu_s

    def stop(self) -> None:
        """End the process, at once."""
        process, self._process = self._process, None
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
        """One request, one answer of the kind that belongs to it."""
        if self._process is None or self._process.stdin is None:
            raise _Dead(-signal.SIGKILL)
        try:
            self._process.stdin.write(protocol.encode(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the death is noticed where the reply is awaited
        reply = self._receive(end)
        if isinstance(reply, protocol.Refusal):
            raise _Refused(reply.stage, reply.reason)
        assert isinstance(reply, answer), reply
        return reply

    def _receive(self, end: float) -> protocol.Message:
        process = self._process
        if process is None or process.stdout is None:
            raise _Dead(-signal.SIGKILL)
        while b"\n" not in self._unread:
            left_s = max(0.0, end - time.monotonic())
            ready, _, _ = select.select(
                [process.stdout], [], [], min(left_s, WATCH_S) if self.on.is_gpu else left_s
            )
            if self.on.is_gpu and _resident_mb(process.pid) > self._most_mb:
                process.kill()
                process.wait()
                raise _Dead(-signal.SIGKILL, too_large=True)
            if not ready and time.monotonic() < end:
                continue
            if not ready:
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise _Dead(process.wait())
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        return protocol.decode(line)

    def _stderr_tail(self) -> str:
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


def warm_up(
    devices: Sequence[Device], settings: RenderConfig, scratch: Path, python: str, say: Callable[[str], None]
) -> dict[Device, float]:
    """Render a first picture on one GPU of each kind, for which the driver compiles Blender's kernels once per machine.

    Args:
        say: told, once for each kind, that it takes long.

    Returns:
        The seconds it took, until the process was ready; nothing of the processor, which has nothing to
        compile.
    """
    took, first = dict[Device, float](), dict[tuple[str, str], Device]()
    for each in devices:
        if each.is_gpu:
            first.setdefault((each.kind, each.name), each)
    for device in first.values():
        text = f"compiling Blender's kernels for {device.name or device.kind}, once on this machine, about ten minutes"
        started, worker = time.monotonic(), Worker(settings, scratch / f"warm-{device.kind}", python, device)
        soon = threading.Timer(PATIENCE_S, say, [text])
        soon.daemon = True
        soon.start()
        try:
            worker.start()
        finally:
            soon.cancel()
            worker.close()
        took[device] = time.monotonic() - started
    return took


def _plain(states: Sequence[Sequence[Array | None]]) -> protocol.States:
    """Places as the protocol has them."""
    return [[None if place is None else place.tolist() for place in state] for state in states]


def _collect(
    folder: Path, taken: protocol.Taken, planned: PlannedView, view_set: ViewSet, size_px: int
) -> RenderedView:
    """Read what the worker wrote of one view."""
    left, top, right, bottom = taken.box
    depth = np.full((size_px, size_px), NOTHING, np.float32)
    albedo = np.zeros((size_px, size_px, 3), np.float32)
    with open(folder / taken.arrays, "rb") as file:  # of the part of the frame that was rendered
        depth[top:bottom, left:right] = np.load(file)
        albedo[top:bottom, left:right] = np.load(file)
        index = None
        if view_set.scene is not None:
            index = np.zeros((size_px, size_px), np.uint8)
            index[top:bottom, left:right] = np.load(file)
    seen = depth < FAR
    rows, cols = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    box = [cols[0], rows[0], cols[-1] + 1, rows[-1] + 1] if len(rows) else [0, 0, 0, 0]
    light = view_set.lights[planned.light]
    panorama = light.panorama
    camera = View(
        intrinsics=taken.intrinsics,
        world_from_camera=taken.world_from_camera,
        hfov_deg=taken.hfov_deg,
        object_box=[float(v) for v in box],
        object_share=round(float(seen.mean()), 6),
        light=light.label,
        background=view_set.background.kind,
        panorama=panorama.record if panorama is not None else None,
    )
    image = (folder / taken.image).read_bytes() if taken.image else b""
    hidden_by = tuple(tuple(others) for others in taken.hidden_by)
    statistics, solo = Statistics(**taken.statistics), tuple(taken.solo)
    return RenderedView(camera, image, depth, albedo, statistics, index, solo, hidden_by)


def _reject(view_set: ViewSet, stage: str, reason: str, detail: str, started: float) -> Reject:
    row = {"uid": view_set.object.record.uid, "stage": stage, "reason": reason, "detail": detail}
    return Reject.model_validate(
        {**row, "round": view_set.round, "seconds": round(time.monotonic() - started, 1)}
    )
