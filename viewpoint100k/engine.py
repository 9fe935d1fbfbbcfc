"""Supervises the render processes: feeds them, judges what came back, replaces those that die.

Never imports bpy. A worker is one warm process; it opens an object, is asked for a few small pictures, and
for the large ones only if these were worth it.
"""

import errno
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import NamedTuple

import numpy as np

from render_scenes import protocol
from viewpoint100k.config import Quality, RenderConfig
from viewpoint100k.devices import Device
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.geometry.visibility import FAR
from viewpoint100k.quality import NOTHING, RenderedView, Statistics
from viewpoint100k.records import OBJECT_RADIUS, PlannedView, Reject, View, ViewSet
from viewpoint100k.render_process import ProcessDeadError, RenderProcess, RequestRefusedError
from viewpoint100k.scenes.placement import Footprint, Layout, arrange, fitted, read_back
from viewpoint100k.surroundings import panorama_files

ROOM_FOR_A_VIEW_SET = 64 << 20  # bytes: uncompressed pictures, depth and albedo of all views
PATIENCE_S = 15.0  # a GPU that is not ready after this time is reported as compiling
# a probe is rendered for its depth and albedo only
PROBE = Quality(samples=1, denoise=False, adaptive_threshold=0.0)
PROBE_SIZE_PX = 96
# kills of a worker from outside before its object is given up; before its deadline it is always tried again
KILLS = 6
FEWEST_OBJECTS = 2  # in a scene
OWN_DEATHS = 2  # crashes of a worker: the second one is taken for the object's fault
WHOLE = -1  # stands for the number of an object that is no part of a scene

Choice = Sequence[int] | Reject
Paths = Path | Mapping[int, Path]
Choose = Callable[[list[RenderedView]], Choice]


class Rendered(NamedTuple):
    """The chosen views of one view set by their number, and what they cost."""

    views: dict[int, RenderedView]
    probes: list[RenderedView]
    extent: list[float]  # sides of the normalised object's bounding box
    cpu_s: dict[str, float]  # import, probes, views
    rss_mb: float  # of the worker afterwards
    declined: Reject | None  # why no view was wanted
    layout: Layout | None = None  # of a scene, as the renderer reports it
    parts: tuple[int, ...] = ()  # of a scene: the numbers of its objects, in the order of the layout
    # of a scene: why objects were left out, by their number
    problems: Mapping[int, str] = MappingProxyType({})
    # in which objects are, by their number; a single one's is `WHOLE`
    poses: Mapping[int, str] = MappingProxyType({})


class _Loaded(NamedTuple):
    """An open object, or the objects of an open scene and where they stand.

    The fields are those of `Rendered`.
    """

    extent: list[float]
    cpu_s: float
    poses: Mapping[int, str]
    layout: Layout | None = None
    parts: tuple[int, ...] = ()
    problems: Mapping[int, str] = MappingProxyType({})

    @property
    def changes(self) -> int:
        """The object index of the part that the scene's event changes; 0: none."""
        changed = self.layout.changed if self.layout is not None else None
        return 0 if changed is None else changed + 1


class _Visit(NamedTuple):
    """An open object, and the deadline of its pictures."""

    view_set: ViewSet
    folder: Path  # of the pictures
    end: float  # of the monotonic clock
    changes: int  # as `_Loaded` has it


class _Failure(NamedTuple):
    """Why a visit gave nothing."""

    stage: str
    reason: str
    detail: str = ""
    final: bool = False  # counts even if the process has had other objects before


@dataclass
class _Tally:
    """How often processes ended while one object was open."""

    first: float = field(default_factory=time.monotonic)
    killed: int = 0  # by somebody else
    died: int = 0  # by themselves


class Engine:
    """Some warm render processes and their scratch folder.

    Use it in a `with` block; `render` may be called from many threads.
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
        self.settings = settings
        self.scratch = scratch
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
        self.renderer = self._workers[0].renderer
        self.device = self._workers[0].device
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
        """CPU-seconds that starting workers has cost so far, including workers that were replaced."""
        return sum(worker.start_cpu_s for worker in self._workers)

    def stop(self) -> None:
        """End all workers at once; calls of `render` that other threads still wait for end too."""
        for worker in self._workers:
            worker.close()

    def render(self, view_set: ViewSet, path: Paths, choose: Choose | None = None) -> Rendered | Reject:
        """Render one object with the next free worker.

        Args:
            path: path of the object's file; for a scene, the paths of those objects that are available, by
                number.
            choose: given the probes, returns the numbers of the wanted views or why none is wanted; default:
                all views.

        Returns:
            The rendered views, or a `Reject` if the object was refused, took too long, or killed its worker
            twice. A refusal counts only in a new process, so that the leftovers of other objects are never
            its reason. A worker that was killed from outside costs an attempt and no object.
        """
        worker = self._free.get()
        try:
            return worker.render(view_set, path, choose or (lambda probes: range(len(view_set.views))))
        finally:
            self._free.put(worker)


class Worker(RenderProcess):
    """A render process that renders view sets, one after the other."""

    def __init__(self, settings: RenderConfig, scratch: Path, python: str, on: Device) -> None:
        super().__init__(settings, scratch, python, on)
        self.rss_mb = 0.0
        self._served = 0  # objects that this process has had

    def start(self) -> None:
        """`RenderProcess.start`, and note that the new process has had no object."""
        self.rss_mb = 0.0
        self._served = 0
        super().start()

    def render(self, view_set: ViewSet, path: Paths, choose: Choose) -> Rendered | Reject:
        """`Engine.render` on this worker.

        A refusal is final only if the process has had no other object before.
        """
        tally = _Tally()
        while True:
            started = time.monotonic()
            fresh = not self._served
            end = started + self.settings.deadline_s
            self._served += 1
            failure: _Failure | None
            try:
                rendered = self._visit(view_set, path, choose, end)
                self._tidy(end)
                return rendered
            except RequestRefusedError as refusal:
                seconds = time.monotonic() - started
                failure = self._after_refusal(refusal, fresh, end)
            except TimeoutError:
                seconds = time.monotonic() - started
                failure = _Failure("render", f"not finished after {seconds:.0f} s", self._stderr_tail())
                self._restart()
            except ProcessDeadError as death:
                seconds = time.monotonic() - started
                failure = self._after_death(death, tally)
            except Exception:
                self._restart()  # the process may be in the middle of anything
                raise
            if failure is not None and (fresh or failure.final):
                return _reject(view_set, failure, seconds)

    def _after_refusal(self, refusal: RequestRefusedError, fresh: bool, end: float) -> _Failure:
        """Get ready for the next object after the process refused one.

        Raises:
            OSError: the disk is full, which is no fault of the object.
        """
        detail = self._stderr_tail() if refusal.stage == "render" else ""
        if refusal.stage == "render" and shutil.disk_usage(self.scratch).free < ROOM_FOR_A_VIEW_SET:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from refusal
        final = refusal.stage == "gate" or (fresh and refusal.stage == "import")
        if final:
            self._tidy(end)
        else:
            self._restart()  # an exception may have left Blender in any state
        return _Failure(refusal.stage, str(refusal), detail, final)

    def _after_death(self, death: ProcessDeadError, tally: _Tally) -> _Failure | None:
        """Replace a process that died; None means that the object is to be tried again."""
        if self._closed:
            return _Failure("render", "the run was ended", final=True)
        detail = self._stderr_tail()
        self._restart()
        tally.killed += death.killed
        tally.died += not death.killed
        if death.too_large:
            return _Failure(
                "render", f"needed more than {self.settings.memory_limit_mb} MB of memory", detail
            )
        if death.out_of_time:
            return _Failure("render", f"used more than {self.settings.cpu_limit_s:.0f} CPU-s", detail)
        too_long = time.monotonic() - tally.first > self.settings.deadline_s
        if tally.died == OWN_DEATHS or (tally.killed >= KILLS and too_long):
            reason = f"the render process died {tally.killed + tally.died} times: {death}"
            return _Failure("render", reason, detail, final=True)
        return None

    def _tidy(self, end: float) -> None:
        """Let the process forget its object.

        The process is replaced if it cannot forget everything, has served enough objects, or has grown too
        large.
        """
        try:
            clean = self._ask(protocol.Forget(), protocol.Forgot, end).clean
        except (RequestRefusedError, TimeoutError, ProcessDeadError):
            clean = False
        enough = self._served >= self.settings.recycle_after or self.rss_mb > self.settings.recycle_above_mb
        if enough or not clean:
            self._restart()

    def _visit(self, view_set: ViewSet, path: Paths, choose: Choose, end: float) -> Rendered:
        """Open the object, render its probes, have them judged, and render the views that were chosen."""
        folder = self.scratch / "pictures"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        loaded = self._open(view_set, path, folder, end)
        visit = _Visit(view_set, folder, end, loaded.changes)
        probes, cpu_s_of_probes = self._shoot(visit, view_set.probes, PROBE_SIZE_PX, PROBE, picture=False)
        chosen = choose(probes)
        declined = chosen if isinstance(chosen, Reject) else None
        numbers = [] if isinstance(chosen, Reject) else list(chosen)
        wanted = [view_set.views[number] for number in numbers]
        size_px = self.settings.size_px
        views, cpu_s_of_views = self._shoot(visit, wanted, size_px, self.settings.settings(), picture=True)
        shutil.rmtree(folder, ignore_errors=True)
        return Rendered(
            views=dict(zip(numbers, views, strict=True)),
            probes=probes,
            extent=loaded.extent,
            cpu_s={"import": loaded.cpu_s, "probes": cpu_s_of_probes, "views": cpu_s_of_views},
            rss_mb=self.rss_mb,
            declined=declined,
            layout=loaded.layout,
            parts=loaded.parts,
            problems=loaded.problems,
            poses=loaded.poses,
        )

    def _shoot(
        self, visit: _Visit, planned: Sequence[PlannedView], size_px: int, quality: Quality, *, picture: bool
    ) -> tuple[list[RenderedView], float]:
        """The rendered views in their order, and the CPU-seconds that they cost."""
        if not planned:
            return [], 0.0
        named = [
            protocol.NamedView(name=str(number), planned=view.model_dump(mode="json"))
            for number, view in enumerate(planned)
        ]
        request = protocol.Shoot(views=named, size_px=size_px, picture=picture, **quality._asdict())
        shots = self._ask(request, protocol.Shots, visit.end)
        self.rss_mb = shots.rss_mb
        views = [
            _collect(visit.folder, taken, view, visit.view_set, size_px)._replace(changes=visit.changes)
            for taken, view in zip(shots.views, planned, strict=True)
        ]
        return views, shots.cpu_s

    def _open(self, view_set: ViewSet, path: Paths, folder: Path, end: float) -> _Loaded:
        """Load the object or the objects of a scene; their pictures will be written into `folder`."""
        described = view_set.model_dump(mode="json", include={"lights", "background"})
        paths = [path] if isinstance(path, Path) else list(path.values())
        job = protocol.Open(
            paths=[str(each.resolve()) for each in paths],
            scene=not isinstance(path, Path),
            out=str(folder.resolve()),
            lights=described["lights"],
            background=described["background"],
            jpeg_quality=self.settings.jpeg_quality,
            pose=self.settings.pose,
            cpu_limit_s=self.settings.cpu_limit_s,
            panoramas=panorama_files(view_set, self.settings),
        )
        if not isinstance(path, Path):
            return self._open_scene(view_set, list(path), job, end)
        opened = self._ask(job, protocol.Opened, end)
        [only] = opened.parts
        return _Loaded(only.extent, opened.cpu_s, {WHOLE: only.pose})

    def _open_scene(self, view_set: ViewSet, listed: list[int], job: protocol.Open, end: float) -> _Loaded:
        """Load the objects of a scene, and place those that could be loaded.

        Args:
            listed: numbers of the objects in the order of the job's paths.
        """
        assert view_set.scene is not None
        opened = self._ask(job, protocol.Opened, end)
        found = dict(zip(listed, opened.parts, strict=True))
        problems = {number: part.problem for number, part in found.items() if part.problem}
        numbers = tuple(number for number in found if number not in problems)
        # an earlier object may be at fault: only a new process can confirm the refusal
        if problems and self._served > 1:
            raise RequestRefusedError("import", "; ".join(problems.values()))
        if len(numbers) < FEWEST_OBJECTS:
            raise RequestRefusedError(
                "import", "; ".join(["fewer than two of its objects can be used", *problems.values()])
            )
        footprints = [Footprint(np.asarray(found[i].extent), np.asarray(found[i].reach)) for i in numbers]
        layout = arrange(view_set.scene, [view_set.object.parts[i] for i in numbers], footprints)
        if isinstance(layout, str):
            raise RequestRefusedError("gate", layout)
        measured = self._ask(protocol.Measure(states=_plain(layout.states)), protocol.Measured, end)
        layout = fitted(layout, footprints, np.asarray(measured.middle), measured.radius)
        placed = self._ask(protocol.Place(states=_plain(layout.states)), protocol.Placed, end)
        there = [[None if place is None else np.asarray(place) for place in state] for state in placed.states]
        layout = read_back(there, footprints, layout.changed)
        extent = [2 * OBJECT_RADIUS] * 3  # bounds of the whole scene
        cpu_s = opened.cpu_s + measured.cpu_s + placed.cpu_s
        poses = {number: found[number].pose for number in numbers}
        return _Loaded(extent, cpu_s, poses, layout, numbers, problems)


def warm_up(
    devices: Sequence[Device], settings: RenderConfig, scratch: Path, python: str, say: Callable[[str], None]
) -> dict[Device, float]:
    """Render a first picture on one GPU of each kind.

    The first picture makes the driver compile Blender's kernels, once per machine.

    Args:
        say: called with a message that this takes long, once for each kind of GPU.

    Returns:
        The seconds until the process was ready, by device; the CPU has nothing to compile and is left out.
    """
    took = dict[Device, float]()
    first = dict[tuple[str, str], Device]()
    for each in devices:
        if each.is_gpu:
            first.setdefault((each.kind, each.name), each)
    for device in first.values():
        name = device.name or device.kind
        text = f"compiling Blender's kernels for {name}, once on this machine, about ten minutes"
        started = time.monotonic()
        worker = Worker(settings, scratch / f"warm-{device.kind}", python, device)
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
    """Poses of objects, by state and part, as plain lists for the protocol."""
    return [[None if place is None else place.tolist() for place in state] for state in states]


def _collect(
    folder: Path, taken: protocol.Taken, planned: PlannedView, view_set: ViewSet, size_px: int
) -> RenderedView:
    """Read the files that the worker wrote for one view."""
    left, top, right, bottom = taken.box
    depth = np.full((size_px, size_px), NOTHING, np.float32)
    albedo = np.zeros((size_px, size_px, 3), np.float32)
    with open(folder / taken.arrays, "rb") as file:  # covers only the part of the frame that was rendered
        depth[top:bottom, left:right] = np.load(file)
        albedo[top:bottom, left:right] = np.load(file)
        index = None
        if view_set.scene is not None:
            index = np.zeros((size_px, size_px), np.uint8)
            index[top:bottom, left:right] = np.load(file)
    seen = depth < FAR
    rows = np.flatnonzero(seen.any(axis=1))
    cols = np.flatnonzero(seen.any(axis=0))
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
    statistics = Statistics(**taken.statistics)
    solo = tuple(taken.solo)
    return RenderedView(camera, image, depth, albedo, statistics, index, solo, hidden_by)


def _reject(view_set: ViewSet, failure: _Failure, seconds: float) -> Reject:
    row = {
        "uid": view_set.object.record.uid,
        "stage": failure.stage,
        "reason": failure.reason,
        "detail": failure.detail,
        "round": view_set.round,
        "seconds": round(seconds, 1),
    }
    return Reject.model_validate(row)
