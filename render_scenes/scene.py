"""The Blender scene of one object, or of several: load, place, light, render, forget."""

import os
import resource
import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from render_scenes import alone, backdrop, compressed, glass, importing, loading, passes, protocol
from render_scenes import camera as cameras
from render_scenes.lighting import Ground, Lighting
from render_scenes.pictures import OBJECT_INDEX, Box, Finished, Kind, finish

# margin around the object's vertices, because the pixel filter and the denoiser reach beyond them
BORDER_PX = 6
LOOK = ("AgX", "AgX - Medium High Contrast")
# data blocks: this many take up to 1 CPU-s to remove, and twice as many up to 8; a new process takes 1.5
FORGETS = 1_500
GPU_KINDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")  # the fastest first


class Studio:
    """A Blender scene that is reused for all objects; there is one per process."""

    def __init__(self, device: str = "CPU") -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        self.camera.data.clip_start = 0.01
        self.camera.data.clip_end = 100.0
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self.device = self._choose_device(device)
        self._set_up_render()
        self._set_up_passes()
        self.lighting = Lighting(self.scene)
        self.keep = set(_blocks())
        self.encoder = ThreadPoolExecutor(1)  # Blender lets go of the interpreter while it renders
        self._empty()

    def _empty(self) -> None:
        self.job: protocol.Open | None = None
        # points of all surfaces that are present, in the world
        self.points = np.zeros((3, 0), dtype=np.float32)
        self.parts: list[loading.Part] = []
        # meshes of the parts that others hide, for ray intersection
        self.meshes: dict[int, list[alone.Mesh]] = {}
        self.states: list[
            list[np.ndarray | None]
        ] = []  # (4, 4) world_from_part for each part, None where it is absent
        self.state = -1
        self.ground: Ground | None = None
        self.lighting.forget()

    def _choose_device(self, kind: str) -> str:
        """Set Cycles to one kind of GPU if one of that kind works, else to the CPU."""
        self.scene.cycles.device = "CPU"
        if kind in GPU_KINDS:
            preferences = bpy.context.preferences.addons["cycles"].preferences
            names = gpus(kind)
            for device in preferences.devices:
                device.use = device.type == kind
            if names:
                self.scene.cycles.device = "GPU"
                self.scene.cycles.denoising_use_gpu = True
                return f"{kind.lower()} {names[0]}"
        return _processor_name()

    def _set_up_render(self) -> None:
        scene = self.scene
        cycles = self.scene.cycles
        scene.render.engine = "CYCLES"
        scene.render.use_persistent_data = True  # saves the scene sync of every view but the first
        if cycles.device == "CPU":
            # two such processes beat one with two threads
            scene.render.threads_mode = "FIXED"
            scene.render.threads = 1
        scene.render.film_transparent = True
        scene.render.use_compositing = scene.render.use_sequencer = False
        scene.render.resolution_percentage = 100
        scene.render.dither_intensity = 0.0
        scene.render.use_border = scene.render.use_crop_to_border = True
        scene.render.image_settings.media_type = "IMAGE"
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGBA"
        scene.render.image_settings.compression = 0  # read immediately and encoded again by us
        scene.render.use_file_extension = True
        scene.view_settings.view_transform, scene.view_settings.look = LOOK
        cycles.use_auto_tile = (
            False  # pictures above 2048 px would be put together after the passes are taken
        )
        cycles.sample_clamp_indirect = 10.0
        cycles.transparent_max_bounces = (
            32  # leaves and hair have many layers; behind the last one, pixels would be black
        )
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_quality = "FAST"
        cycles.denoising_prefilter = "FAST"

    def warm_up(self) -> None:
        """Render something small, so that a GPU's kernels are compiled before any deadline runs."""
        mesh = bpy.data.meshes.new("warm-up")
        mesh.from_pydata([(-1, 0, -1), (1, 0, -1), (0, 0, 1)], [], [(0, 1, 2)])
        self.scene.collection.objects.link(bpy.data.objects.new("warm-up", mesh))
        render = self.scene.render
        cycles = self.scene.cycles
        render.resolution_x = render.resolution_y = 32
        cycles.samples = 1
        cycles.use_denoising = True
        bpy.ops.render.render()
        passes.take()
        self._forget()

    def _set_up_passes(self) -> None:
        """Switch on depth and albedo, which the same render call gives exactly, at no measurable cost."""
        layer = self.scene.view_layers[0]
        layer.use_pass_z = layer.use_pass_object_index = True
        layer.cycles.denoising_store_passes = True
        passes.listen()
        importing.listen()
        compressed.listen()

    def forget(self) -> protocol.Forgot:
        """Remove every trace of the object before the next one.

        If traces remain, only a new process helps. With very many data blocks a new process is cheaper, too,
        because Blender searches all of them for each one that it removes.
        """
        if sum(map(len, _kinds())) > FORGETS:
            return protocol.Forgot(clean=False)
        self._forget()
        ours = self.keep | self.lighting.images()
        ours |= {image for image in bpy.data.images if image.type == "RENDER_RESULT"}  # Blender's own
        return protocol.Forgot(clean=set(_blocks()) == ours)

    # --- one object --------------------------------------------------------------------------------

    def open(self, job: protocol.Open) -> protocol.Opened:
        """Load an object or a scene, and forget the previous one.

        After that, `shoot` takes pictures, as often as it is called.

        Raises:
            loading.RefusedError: the only object has nothing to show.
        """
        started = time.process_time()
        self._forget()
        self.job = job
        self.lighting.begin(job)
        loaded = []
        if job.scene:
            for path in job.paths:
                part = loading.try_to_load(self.scene, Path(path), OBJECT_INDEX + len(self.parts), job.pose)
                if isinstance(part, loading.RefusedError):
                    loaded.append(protocol.Loaded(problem=str(part)))
                else:
                    self.parts.append(part)
                    loaded.append(protocol.Loaded(extent=part.extent, reach=part.reach, pose=part.pose))
        else:
            [path] = job.paths
            part = loading.load(self.scene, Path(path), OBJECT_INDEX, job.pose)
            self.parts = [part]
            loaded.append(protocol.Loaded(extent=part.extent, pose=part.pose))
            self._set_up_scene([[np.eye(4)]])
        return protocol.Opened(parts=loaded, cpu_s=time.process_time() - started)

    def measure(self, job: protocol.Measure) -> protocol.Measured:
        """Measure a scene with its objects in given places, over all states."""
        started = time.process_time()
        points = np.concatenate([self._points_of(state) for state in _arrays(job.states)], axis=1)
        middle = 0.5 * (points.min(axis=1) + points.max(axis=1))
        radius = float(np.linalg.norm(points - middle[:, None], axis=0).max())
        return protocol.Measured(middle=middle.tolist(), radius=radius, cpu_s=time.process_time() - started)

    def place(self, job: protocol.Place) -> protocol.Placed:
        """Put the loaded objects of a scene in their places."""
        started = time.process_time()
        self._set_up_scene(_arrays(job.states))
        states = [[None if m is None else m.tolist() for m in state] for state in self.states]
        return protocol.Placed(states=states, cpu_s=time.process_time() - started)

    def _set_up_scene(self, states: list[list[np.ndarray | None]]) -> None:
        """Set up places, ground and lamps.

        States are visited from the last to the first, so that the scene is left in its first state.
        """
        read = []
        lowest = []
        for places in reversed(states):
            for part, place in zip(self.parts, places, strict=True):
                if place is not None:
                    part.holder.matrix_world = Matrix((place @ part.normalise).tolist())
            bpy.context.view_layer.update()
            read.append(
                [
                    None
                    if place is None
                    else np.array(part.holder.matrix_world) @ np.linalg.inv(part.normalise)
                    for part, place in zip(self.parts, places, strict=True)
                ]
            )
            lowest.append(self._points_of(read[-1])[2].min())
        self.states = read[::-1]
        self.state = -1
        for part, *places in zip(self.parts, *states, strict=True):
            [place, *_] = [there for there in places if there is not None] or [np.eye(4)]
            glass.tint(part.things, float(np.cbrt(np.linalg.det((place @ part.normalise)[:3, :3]))))
        self.lighting.show_behind_glass([thing for part in self.parts for thing in part.things])
        self._enter(0)
        if self.lighting.background["kind"] in {"ground", "panorama", "place"}:
            self.ground = Ground(self.scene, float(min(lowest)))
        self.lighting.settle(float(min(lowest)))
        self.lighting.hang_lamps()

    def _points_of(self, places: list[np.ndarray | None]) -> np.ndarray:
        """(3, N) float32 points of all surfaces in one state of the scene, in the world."""
        placed = [
            (place[:3, :3] @ part.points + place[:3, 3:]).astype(np.float32)
            for part, place in zip(self.parts, places, strict=True)
            if place is not None
        ]
        return np.ascontiguousarray(np.concatenate(placed, axis=1))

    def _enter(self, state: int) -> None:
        """Bring the scene into one of its states. Cycles does not always notice moved and hidden objects."""
        if state == self.state:
            return
        if self.state >= 0:
            passes.end_session(self.scene)
        self.state = state
        for part, place in zip(self.parts, self.states[state], strict=True):
            if place is not None:
                part.holder.matrix_world = Matrix((place @ part.normalise).tolist())
            if len(self.states) > 1:
                for thing in part.things:
                    thing.hide_render = place is None
        bpy.context.view_layer.update()
        self.points = self._points_of(self.states[state])

    def shoot(self, job: protocol.Shoot) -> protocol.Shots:
        """Take pictures of the open object or scene."""
        started = time.process_time()
        self._set_quality(job)

        def state_of(number: int) -> int:
            return int(job.views[number].planned["state"])

        # views are sorted, because a new light costs a new map, and another state a new session
        order = sorted(range(len(job.views)), key=lambda i: (state_of(i), job.views[i].planned["light"]))
        work: dict[int, tuple[dict[str, Any], Future[Finished]]] = {}
        for state, group in groupby(order, key=state_of):
            mine = list(group)
            self._enter(state)
            if self.ground is not None and job.picture:
                self._cast_shadows(self.ground, [job.views[i] for i in mine], job.size_px)
            work |= {i: self._render_view(job.views[i], job) for i in mine}
        views = [protocol.Taken(**work[i][0], **work[i][1].result()._asdict()) for i in range(len(order))]
        rss_mb = _resident_mb() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return protocol.Shots(views=views, cpu_s=time.process_time() - started, rss_mb=rss_mb)

    def _cast_shadows(self, ground: Ground, views: list[protocol.NamedView], size: int) -> None:
        """Render the shadows of the objects in the current state."""
        things = [o for o in self.scene.objects if o not in self.keep and o is not ground.thing]
        ground.cast_shadows(views, size, self.camera, self.lighting, things, self.points)

    def _set_quality(self, job: protocol.Shoot) -> None:
        self.scene.render.resolution_x = self.scene.render.resolution_y = job.size_px
        cycles = self.scene.cycles
        cycles.samples = job.samples
        cycles.use_denoising = job.denoise
        cycles.use_adaptive_sampling = job.adaptive_threshold > 0
        cycles.adaptive_threshold = job.adaptive_threshold
        cycles.seed = job.seed

    def _render_view(
        self, view: protocol.NamedView, job: protocol.Shoot
    ) -> tuple[dict[str, Any], "Future[Finished]"]:
        """Render one view.

        Returns:
            The fields of `Taken` that are known immediately, and a future of those that are read from the
            view's files.
        """
        assert self.job is not None
        # a probe's depth and albedo are the same in any light, and moving a lamp would cost a new light tree
        if job.picture:
            self.lighting.aim_lamps(np.asarray(view.planned["world_from_camera"]))
        self.lighting.set_up_view(self.camera, view.planned)
        camera = cameras.read_back(self.camera)
        size = job.size_px
        box = self._box(camera, size)
        self._crop(box, size)
        path = Path(self.job.out) / f"{view.name}.png"
        self.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=job.picture)
        rendered = passes.take()
        solo_pixels = self._alone(rendered, camera, box) if self.job.scene and job.picture else []
        behind = self._behind(view.name, camera, size) if job.picture else None
        veiled = any(part.veiled for part in self.parts)
        kind = Kind(self.job.scene, veiled, job.denoise, self.lighting.film())
        done = self.encoder.submit(finish, path, rendered, box, behind, self.job.jpeg_quality, kind)
        solo = [each.solo for each in solo_pixels]
        hidden_by = [each.hidden_by for each in solo_pixels]
        return {**vars(camera), "box": list(box), "solo": solo, "hidden_by": hidden_by}, done

    def _alone(self, rendered: dict[str, np.ndarray], camera: protocol.Camera, box: Box) -> list[alone.Alone]:
        """Per object of a scene, the pixels that it would have if it were alone, and which others hide it."""
        index = rendered["Object Index"][..., 0].astype(np.int64) - OBJECT_INDEX
        found = [alone.Alone(0, [])] * len(self.parts)
        for number, place in enumerate(self.states[self.state]):
            if place is not None:
                if number not in self.meshes:
                    self.meshes[number] = alone.meshes_of(self.parts[number].things)
                depth = rendered["Depth"][..., 0]
                corner = (box.left, box.top)
                found[number] = alone.alone(number, self.meshes[number], index, depth, camera, corner)
        return found

    def _behind(self, name: str, camera: protocol.Camera, size: int) -> np.ndarray:
        """(size, size, 3) uint8: the background as displayed."""
        share = None if self.ground is None else backdrop.shaded(self.ground.floors[name], camera, size)
        return np.asarray(np.rint(self.lighting.behind(camera, size, share)), dtype=np.uint8)

    def _box(self, camera: protocol.Camera, size: int) -> Box:
        """The smallest box around the object's vertices in the picture, with a margin."""
        (focal_x, _, center_x), (_, focal_y, center_y), _ = camera.intrinsics
        camera_from_world = np.linalg.inv(np.asarray(camera.world_from_camera)).astype(np.float32)
        x, y, z = camera_from_world[:3, :3] @ self.points + camera_from_world[:3, 3:]
        if z.min() < 1e-3:
            return Box(0, 0, size, size)
        x = x / z
        y = y / z
        low = np.array([x.min() * focal_x + center_x, y.min() * focal_y + center_y])
        high = np.array([x.max() * focal_x + center_x, y.max() * focal_y + center_y])
        low = np.clip(np.floor(low) - BORDER_PX, 0, size - 8).astype(int)
        high = np.clip(np.ceil(high) + BORDER_PX, low + 8, size).astype(int)
        return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))

    def _crop(self, box: Box, size: int) -> None:
        """Render this box only, shifted by a quarter pixel, because Blender rounds its border down."""
        render = self.scene.render
        render.border_min_x = (box.left + 0.25) / size
        render.border_max_x = (box.right + 0.25) / size
        render.border_min_y = (size - box.bottom + 0.25) / size
        render.border_max_y = (size - box.top + 0.25) / size

    def _forget(self) -> None:
        """Remove the object together with Cycles' session.

        Cycles' persistent session identifies a texture by its address, and Blender reuses the addresses of
        freed images. Without a new session, one object in ten would get the texture of an earlier one.
        """
        passes.end_session(self.scene)
        kinds = (bpy.data.objects, bpy.data.collections, bpy.data.actions, bpy.data.scenes)
        bpy.data.batch_remove([block for kind in kinds for block in kind if block not in self.keep])
        bpy.ops.outliner.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)
        self._empty()


def _arrays(states: protocol.States) -> list[list[np.ndarray | None]]:
    """The protocol's matrices as (4, 4) float64 arrays."""
    return [[None if place is None else np.asarray(place) for place in state] for state in states]


def _kinds() -> list[Any]:
    """Blender's collections of data blocks."""
    return [
        getattr(bpy.data, kind.identifier) for kind in bpy.data.bl_rna.properties if kind.type == "COLLECTION"
    ]


def _blocks() -> list[Any]:
    """All data blocks that exist."""
    return [block for kind in _kinds() for block in kind]


def gpus(kind: str) -> list[str]:
    """Names of the GPUs of one kind that Cycles can use here."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    try:
        preferences.compute_device_type = kind
        preferences.get_devices()
    except TypeError:  # this build of Blender does not know the kind
        return []
    return [device.name for device in preferences.devices if device.type == kind]


def _resident_mb() -> float:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return 0.0


def renderer_name() -> str:
    return f"Cycles, bpy {bpy.app.version_string}, {LOOK[1]}"


def _processor_name() -> str:
    """The CPU's name: Cycles and its denoiser choose kernels by instruction set, which may change bytes."""
    try:
        flags = set(next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split())
    except (OSError, StopIteration):
        return f"cpu {os.uname().machine}"
    return "cpu " + next(
        (name for name, flag in (("avx512", "avx512f"), ("avx2", "avx2")) if flag in flags), "sse4.2"
    )
