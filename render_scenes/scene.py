"""One object, or a scene of several, in its light: import, clean, normalise, light, render, forget.

All of Blender's pitfalls live here.
"""

import os
import re
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
from mathutils import Matrix, Vector
from PIL import Image

from render_scenes import alone, backdrop, glass, importing, passes, poses, surfaces
from render_scenes import camera as cameras

HDRI_FOLDER = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
OBJECT_RADIUS = 0.5  # of the normalised object, from the middle of its bounding box to its furthest vertex
OBJECT_INDEX = 1  # of the (first) object's own pixels, 2 of the second object's: what they stand on has none
DIRECTIONS = 120  # on the ground, in which an object's reach is measured
BORDER_PX = 6  # around the object's vertices: the pixel filter and the denoiser reach beyond them
FLOOR_DETAIL = 0.14  # pixels per unit of the world, over the pixels of the picture: about a third of what it shows
FLOOR_REACH = 0.5  # how far around itself an object darkens the floor without a lamp
HDRIS_SHOWN = 48  # kept as displayed: 1.5 MB each
VEIL_PX = 2  # around each pixel of what is blended, whose mean it shows
VEIL_DEPTH = 0.03  # by so much these may be nearer or further
LOOK = ("AgX", "AgX - Medium High Contrast")
BRIGHTEST = 30.0  # pixel of an HDRI, over its mean
FORGETS = (
    1_500  # data blocks, which take up to 1 CPU-s to remove, and twice as many up to eight times; a start takes 1.5
)
GPU_KINDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")  # the fastest first


class Refused(Exception):
    """This object cannot be used; `stage` says where it was found out."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage


class Box(NamedTuple):
    """The part of the frame that is rendered, in pixels; the last row and column are outside."""

    left: int
    top: int
    right: int
    bottom: int


class Part(NamedTuple):
    """An object that was loaded: the only one, or one of a scene."""

    holder: Any  # the empty over all its roots
    things: list[Any]
    normalise: np.ndarray  # (4, 4): from its file's axes to its own, in which it has `OBJECT_RADIUS` about the origin
    points: np.ndarray  # (3, N) float32 of its surface, in its own axes
    pose: str  # `rest`, or `animation NAME at SECONDS s`
    veiled: bool  # some of it is blended


class Kind(NamedTuple):
    """What a picture is of."""

    scene: bool  # several objects
    veiled: bool  # some of it is blended


class Studio:
    """A Blender scene that stays warm over objects. Opened once per process."""

    def __init__(self, device: str = "CPU") -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.hdris: dict[str, tuple[Any, float]] = {}  # and their mean radiance
        self.as_displayed = lru_cache(HDRIS_SHOWN)(self._as_displayed)
        self.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        self.camera.data.clip_start, self.camera.data.clip_end = 0.01, 100.0
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self.device = self._choose_device(device)
        self._set_up_render()
        self._set_up_passes()
        self._set_up_world()
        self.keep = set(_blocks())
        self.encoder = ThreadPoolExecutor(1)  # Blender lets go of the interpreter while it renders
        self._empty()

    def _empty(self) -> None:
        self.job: dict[str, Any] = {}
        self.points = np.zeros((3, 0), dtype=np.float32)  # of all surfaces that are there, in the world
        self.parts: list[Part] = []
        self.meshes: dict[int, list[alone.Mesh]] = {}  # of parts that something hides, to be met by rays
        self.states: list[list[np.ndarray | None]] = []  # (4, 4) world_from_part per part, None where it is not there
        self.state = -1
        self.lit: dict[str, Any] | None = None
        self.lamps: list[tuple[Any, dict[str, Any], int]] = []  # lamp, its description, the light it belongs to
        self.ground: Any = None
        self.floors: dict[str, backdrop.Floor] = {}  # with the shadows on it, by the name of the view

    def _choose_device(self, kind: str) -> str:
        """Cycles on one kind of GPU if there is one that works, else on the processor."""
        self.scene.cycles.device = "CPU"
        if kind in GPU_KINDS:
            preferences = bpy.context.preferences.addons["cycles"].preferences
            found = gpus(kind)
            for device in preferences.devices:
                device.use = device.type == kind
            if found:
                self.scene.cycles.device = "GPU"
                self.scene.cycles.denoising_use_gpu = True
                return f"{kind.lower()} {found[0]}"
        return _processor_name()

    def _set_up_render(self) -> None:
        scene, cycles = self.scene, self.scene.cycles
        scene.render.engine = "CYCLES"
        scene.render.use_persistent_data = True  # saves the scene sync of every view but the first
        if cycles.device == "CPU":
            scene.render.threads_mode, scene.render.threads = "FIXED", 1  # two such processes beat one with two threads
        scene.render.film_transparent = True
        scene.render.use_compositing = scene.render.use_sequencer = False
        scene.render.resolution_percentage = 100
        scene.render.dither_intensity = 0.0
        scene.render.use_border = scene.render.use_crop_to_border = True
        scene.render.image_settings.media_type = "IMAGE"
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGBA"
        scene.render.image_settings.compression = 0  # read at once and re-encoded by us
        scene.render.use_file_extension = True
        scene.view_settings.view_transform, scene.view_settings.look = LOOK
        cycles.use_auto_tile = False  # pictures above 2048 px would be put together after the passes are taken
        cycles.sample_clamp_indirect = 10.0
        cycles.transparent_max_bounces = (
            32  # leaves and hair are many layers deep; behind the last one it would be black
        )
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_quality = "FAST"
        cycles.denoising_prefilter = "FAST"

    def _set_up_passes(self) -> None:
        """Depth and albedo come from the same render call: exact, at no measurable cost."""
        layer = self.scene.view_layers[0]
        layer.use_pass_z = layer.use_pass_object_index = True
        layer.cycles.denoising_store_passes = True
        passes.listen()
        importing.listen()

    def _set_up_world(self) -> None:
        world = bpy.data.worlds.new("World")
        self.scene.world = world
        nodes, links = world.node_tree.nodes, world.node_tree.links
        nodes.clear()
        coordinates, self.mapping = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
        self.environment, self.background = nodes.new("ShaderNodeTexEnvironment"), nodes.new("ShaderNodeBackground")
        output = nodes.new("ShaderNodeOutputWorld")
        links.new(coordinates.outputs["Generated"], self.mapping.inputs["Vector"])
        links.new(self.mapping.outputs["Vector"], self.environment.inputs["Vector"])
        links.new(self.environment.outputs["Color"], self.background.inputs["Color"])
        links.new(self.background.outputs["Background"], output.inputs["Surface"])
        # what glass shows of a painted background; joined by `_show_behind_glass`
        path, self.painted, self.behind_glass = (
            nodes.new(kind) for kind in ("ShaderNodeLightPath", "ShaderNodeBackground", "ShaderNodeMixShader")
        )
        links.new(path.outputs["Is Transmission Ray"], self.behind_glass.inputs[0])
        links.new(self.background.outputs["Background"], self.behind_glass.inputs[1])
        links.new(self.painted.outputs["Background"], self.behind_glass.inputs[2])
        world.cycles.sampling_method = "MANUAL"  # the importance map at full size costs 1.4 CPU-s per object
        world.cycles.sample_map_resolution = 256

    def forget(self) -> dict[str, Any]:
        """Leave nothing of the object for the next one to meet.

        Returns:
            `clean`: false if something is left. A new process is then the only way, and with very many data blocks it is the
            cheaper one: Blender looks through all of them for each that it removes.
        """
        if sum(map(len, _kinds())) > FORGETS:
            return {"clean": False}
        self._forget()
        ours = self.keep | {image for image, _ in self.hdris.values()}
        ours |= {image for image in bpy.data.images if image.type == "RENDER_RESULT"}  # Blender's own
        return {"clean": set(_blocks()) == ours}

    # --- one object --------------------------------------------------------------------------------

    def open(self, job: dict[str, Any]) -> dict[str, Any]:
        """Load what the pictures are to show: forgets what was before. `shoot` then takes pictures, as often as wanted.

        Args:
            job: `path`, or for a scene `parts`, a list of paths; `out` (a folder for the pictures), `lights`, `background`,
                `jpeg_quality`; `pose` (rest, animation or auto). The objects of a scene have no places before `place`.

        Returns:
            `extent`: sides of the object's bounding box, and the `pose` it is in. Of a scene, `parts`: of each object extent and `reach`, how far it
            goes from the middle of its box in `DIRECTIONS` directions over the ground, counter-clockwise from +x; or
            `problem`.

        Raises:
            Refused: if the only object has nothing to show.
        """
        started = time.process_time()
        self._forget()
        self.job = job
        out: dict[str, Any] = {}
        if "parts" in job:
            out["parts"] = [self._try_part(Path(path)) for path in job["parts"]]
        else:
            self.parts = [self._load(Path(job["path"]), OBJECT_INDEX)]
            out["pose"] = self.parts[0].pose
            out["extent"] = [float(v) for v in np.ptp(self.parts[0].points, axis=1)]
            self._set_up_scene([[np.eye(4)]])
        return {"cpu_s": time.process_time() - started, **out}

    def measure(self, job: dict[str, Any]) -> dict[str, Any]:
        """How large a scene would be with its objects in some places, all states together.

        Args:
            job: `states`, as for `place`.

        Returns:
            `middle` of its bounding box, and `radius` from there to the furthest vertex.
        """
        started = time.process_time()
        states = [[None if m is None else np.asarray(m) for m in state] for state in job["states"]]
        points = np.concatenate([self._points_of(state) for state in states], axis=1)
        middle = 0.5 * (points.min(axis=1) + points.max(axis=1))
        radius = float(np.linalg.norm(points - middle[:, None], axis=0).max())
        return {"cpu_s": time.process_time() - started, "middle": middle.tolist(), "radius": radius}

    def place(self, job: dict[str, Any]) -> dict[str, Any]:
        """Put the objects of a scene that were loaded in their places.

        Args:
            job: `states`: per state of the scene, per object that was loaded, the 4x4 similarity from its own axes, in which
                it has `OBJECT_RADIUS` about the middle of its box, to the world; None where it is not there.

        Returns:
            `states`: the same as Blender has them.
        """
        started = time.process_time()
        self._set_up_scene([[None if m is None else np.asarray(m) for m in state] for state in job["states"]])
        return {
            "cpu_s": time.process_time() - started,
            "states": [[None if m is None else m.tolist() for m in state] for state in self.states],
        }

    def _set_up_scene(self, states: list[list[np.ndarray | None]]) -> None:
        """Places, ground and lamps; from the last state to the first, so that this is the one which stands."""
        read, lowest = [], []
        for places in reversed(states):
            for part, place in zip(self.parts, places, strict=True):
                if place is not None:
                    part.holder.matrix_world = Matrix((place @ part.normalise).tolist())
            bpy.context.view_layer.update()
            read.append(
                [
                    None if place is None else np.array(part.holder.matrix_world) @ np.linalg.inv(part.normalise)
                    for part, place in zip(self.parts, places, strict=True)
                ]
            )
            lowest.append(self._points_of(read[-1])[2].min())
        self.states, self.state = read[::-1], -1
        for part, *places in zip(self.parts, *states, strict=True):
            [place, *_] = [one for one in places if one is not None] or [np.eye(4)]
            glass.tint(part.things, float(np.cbrt(np.linalg.det((place @ part.normalise)[:3, :3]))))
        self._show_behind_glass()
        self._enter(0)
        if self.job["background"]["kind"] == "ground":
            self._lay_ground(float(min(lowest)))
        self._hang_lamps(self.job["lights"])

    def _show_behind_glass(self) -> None:
        """Before a painted background, glass shows its colour, not the surroundings that light the object."""
        background = self.job["background"]
        clear = any(glass.materials_of(part.things) for part in self.parts)
        painted = clear and background["kind"] not in {"hdri", "blurred"}
        if painted:
            rgb = 0.5 * (np.asarray(background["rgb"]) + np.asarray(background["rgb_below"]))
            color = glass.radiance_of(rgb.tolist(), Path(self.job["out"]))
            self.painted.inputs["Color"].default_value = (*color, 1.0)
        nodes = self.scene.world.node_tree.nodes
        output = next(node for node in nodes if node.type == "OUTPUT_WORLD")
        source = self.behind_glass.outputs[0] if painted else self.background.outputs["Background"]
        if output.inputs["Surface"].links[0].from_socket != source:
            self.scene.world.node_tree.links.new(source, output.inputs["Surface"])

    def _points_of(self, places: list[np.ndarray | None]) -> np.ndarray:
        """(3, N) float32 of all surfaces of a state of the scene, in the world."""
        placed = [
            (place[:3, :3] @ part.points + place[:3, 3:]).astype(np.float32)
            for part, place in zip(self.parts, places, strict=True)
            if place is not None
        ]
        return np.ascontiguousarray(np.concatenate(placed, axis=1))

    def _enter(self, state: int) -> None:
        """Bring the scene into one of its states. Cycles does not always notice what is moved and hidden."""
        if state == self.state:
            return
        if self.state >= 0:
            self._end_session()
        self.state = state
        for part, place in zip(self.parts, self.states[state], strict=True):
            if place is not None:
                part.holder.matrix_world = Matrix((place @ part.normalise).tolist())
            if len(self.states) > 1:
                for thing in part.things:
                    thing.hide_render = place is None
        bpy.context.view_layer.update()
        self.points = self._points_of(self.states[state])

    def _try_part(self, path: Path) -> dict[str, Any]:
        """Load one object of a scene: a problem with it leaves the others."""
        before = set(bpy.data.objects)
        try:
            part = self._load(path, OBJECT_INDEX + len(self.parts))
        except Refused as refusal:
            for thing in [o for o in bpy.data.objects if o not in before]:
                bpy.data.objects.remove(thing, do_unlink=True)
            return {"problem": str(refusal)}
        self.parts.append(part)
        angles = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
        x, y, _ = part.points
        reach = [float((np.float32(np.cos(a)) * x + np.float32(np.sin(a)) * y).max()) for a in angles]
        return {"extent": [float(v) for v in np.ptp(part.points, axis=1)], "reach": reach, "pose": part.pose}

    def shoot(self, job: dict[str, Any]) -> dict[str, Any]:
        """Take pictures of the object.

        Args:
            job: `views`, each with a `name` and a `light`, and with the `state` of a scene that has two; `size_px`, `samples`, `denoise`, `adaptive_threshold`; `picture`: false if
                only depth, albedo and the statistics of the picture are wanted.
        """
        started = time.process_time()
        self._quality(job)
        # a new light costs a new map, and another state of the scene a new session
        order = sorted(
            range(len(job["views"])), key=lambda i: (job["views"][i].get("state", 0), job["views"][i]["light"])
        )
        work: dict[int, tuple[dict[str, Any], Any]] = {}
        for state, group in groupby(order, key=lambda i: job["views"][i].get("state", 0)):
            mine = list(group)
            self._enter(state)
            if self.ground is not None and job["picture"]:
                self._cast_shadows([job["views"][i] for i in mine], job["size_px"])
            work |= {i: self._render_view(job["views"][i], job) for i in mine}
        views = [{**work[i][0], **work[i][1].result()} for i in range(len(order))]
        rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"views": views, "cpu_s": time.process_time() - started, "rss_mb": _resident_mb() or rss_mb}

    def _load(self, path: Path, index: int) -> Part:
        before, images = set(self.scene.objects), set(bpy.data.images)
        try:
            bpy.ops.import_scene.gltf(filepath=str(path), disable_bone_shape=True, import_scene_extras=False)
        except RuntimeError as error:
            raise Refused("import", _in_one_line(str(error))) from error
        new = [o for o in self.scene.objects if o not in before]
        pose = poses.choose(new, self.job.get("pose", "auto"), lambda: self._drawn(new))
        bpy.context.view_layer.update()
        for foreign in [o for o in new if o.type in {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER"}]:
            for child in foreign.children:  # what hangs on a camera must not jump to the origin
                placed = child.matrix_world.copy()
                child.parent = None
                child.matrix_world = placed
            bpy.data.objects.remove(foreign)
        new = [o for o in self.scene.objects if o not in before]
        for thing in new:
            thing.pass_index = index
        for image in [one for one in bpy.data.images if one not in images]:
            if image.source == "FILE" and image.users and not image.has_data and not _loads(image):
                raise Refused("import", f"texture {image.name!r} is missing or unreadable: it would render magenta")
        return self._normalise(new, pose)

    def _drawn(self, new: list[Any]) -> list[Any]:
        """Meshes of the scene that the file shows. Blender also imports what that leaves out."""
        shown = set(bpy.context.view_layer.objects)
        return [o for o in new if o.type == "MESH" and not o.hide_render and o in shown]

    def _normalise(self, new: list[Any], pose: str) -> Part:
        """One parent over all roots: scaled by itself, each root of a multi-root file would move apart."""
        surfaces.turn_normals([o.data for o in self._drawn(new)])
        there = surfaces.without_twins(surfaces.without_shadow_planes(surfaces.read(self._drawn(new))))
        surfaces.hide_back_faces(there)
        surfaces.part_glass(there)
        if not sum(len(one.points) for one in there):
            raise Refused("import", "no mesh with vertices was imported")
        points = np.concatenate([one.points for one in there])
        middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
        radius = float(np.linalg.norm(points - middle, axis=1).max())
        if not np.isfinite(radius) or not radius > 0:
            raise Refused("import", f"the object's radius is {radius}: it is one point, or not finite")
        parent = bpy.data.objects.new("Normalise", None)
        self.scene.collection.objects.link(parent)
        for root in [o for o in new if o.parent is None]:
            root.parent = parent
            root.matrix_parent_inverse = Matrix.Identity(4)
        scale = OBJECT_RADIUS / radius
        normalise = Matrix.Translation(Vector(-scale * middle)) @ Matrix.Scale(scale, 4)
        parent.matrix_world = normalise
        bpy.context.view_layer.update()
        own = np.ascontiguousarray(((points - middle) * scale).T, dtype=np.float32)
        drawn = [o for o in new if not o.hide_render]
        worn = {slot.material for one in there for slot in one.thing.material_slots}
        veiled = any(map(surfaces.is_veil, worn))
        return Part(parent, drawn, np.array(normalise, dtype=np.float64), own, pose, veiled)

    def _lay_ground(self, height: float) -> None:
        """A floor under the object, for `_cast_shadows`; hidden from the pictures."""
        mesh = bpy.data.meshes.new("Ground")
        size = 40 * OBJECT_RADIUS
        corners = [(-size, -size, height), (size, -size, height), (size, size, height), (-size, size, height)]
        mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
        matte = bpy.data.materials.new("Matte")  # Blender's default shines, so it would look different from above
        nodes = matte.node_tree.nodes
        nodes.clear()
        surface, output = nodes.new("ShaderNodeBsdfDiffuse"), nodes.new("ShaderNodeOutputMaterial")
        matte.node_tree.links.new(surface.outputs["BSDF"], output.inputs["Surface"])
        mesh.materials.append(matte)
        self.ground = bpy.data.objects.new("Ground", mesh)
        self.ground.hide_render = True
        self.scene.collection.objects.link(self.ground)

    def _cast_shadows(self, views: list[dict[str, Any]], size: int) -> None:
        """What share of its light the ground gets: seen from above, with the object there but hidden from the camera.

        Once per light; a lamp on the camera moves with each view, and these floors have half the detail. Cycles' own
        shadow catcher costs fifteen times the picture.
        """
        things = [o for o in self.scene.objects if o not in self.keep and o is not self.ground]
        self.ground.hide_render = False
        for thing in things:
            thing.visible_camera = False
        self._end_session()
        seen: dict[tuple[int, str], backdrop.Floor] = {}
        for view in views:
            lamps = self.job["lights"][view["light"]]["lamps"]
            moves = any(lamp["frame"] == "camera" for lamp in lamps)
            key = (view["light"], view["name"] if moves else "")
            if key not in seen:
                self._aim_lamps(np.asarray(view["world_from_camera"]))
                self._place(view)
                seen[key] = self._floor(size * FLOOR_DETAIL * (0.5 if moves else 1))
            self.floors[view["name"]] = seen[key]
        for thing in things:
            thing.visible_camera = True
        self.ground.hide_render = True
        self.camera.data.type = "PERSP"
        self.scene.render.resolution_x = self.scene.render.resolution_y = size
        self.scene.render.use_border = True
        self._end_session()  # it does not always notice what is shown and hidden

    def _floor(self, detail: float) -> backdrop.Floor:
        """The ground from straight above as it is lit now, at so many pixels per unit."""
        turned = [lamp.matrix_world.to_3x3() @ Vector((0, 0, 1)) for lamp, _, _ in self.lamps if not lamp.hide_render]
        towards = [np.asarray(one) for one in turned if one.z > 0]
        left, bottom, right, top = backdrop.floor_window(self.points, towards, FLOOR_REACH)
        width, height = int(np.ceil((right - left) * detail)), int(np.ceil((top - bottom) * detail))
        render, camera = self.scene.render, self.camera
        render.resolution_x, render.resolution_y, render.use_border = width, height, False
        camera.data.type, camera.data.ortho_scale = "ORTHO", width / detail  # of the width, as `place` has it fitted
        middle = (left + 0.5 * width / detail, top - 0.5 * height / detail, 20.0)
        camera.matrix_world = Matrix.Translation(Vector(middle))  # without rotation it looks down, +Y at the top
        bpy.ops.render.render()
        green = passes.take()["Combined"][..., 1]
        share = backdrop.light_share(green, backdrop.FADE * detail)
        return backdrop.Floor(share, left, top, detail, float(self.ground.data.vertices[0].co.z))

    def _light(self, number: int) -> None:
        """Switch to one of the object's lights. HDRIs stay loaded over objects."""
        light = self.job["lights"][number]
        if light is self.lit:
            return
        if self.lit is not None:
            self._end_session()  # it does not always notice that lamps were exchanged
        self.lit = light
        name = light["name"]
        if name not in self.hdris:
            self.hdris[name] = _load_hdri(name)
        image, mean = self.hdris[name]
        self.environment.image = image
        self.mapping.inputs["Rotation"].default_value[2] = np.radians(light["rotation_deg"])
        self.background.inputs["Strength"].default_value = light["strength"] / mean
        for lamp, _, of_light in self.lamps:
            lamp.hide_render = of_light != number

    def _hang_lamps(self, lights: list[dict[str, Any]]) -> None:
        """The lamps of all lights at once, to be shown and hidden."""
        for number, light in enumerate(lights):
            for described in light["lamps"]:
                data = bpy.data.lights.new("Lamp", "SUN")
                data.energy, data.angle = described["strength"], np.radians(described["angle_deg"])
                lamp = bpy.data.objects.new("Lamp", data)
                lamp.rotation_mode = "QUATERNION"
                lamp.rotation_quaternion = _shining_from(np.asarray(described["direction"]))
                self.scene.collection.objects.link(lamp)
                self.lamps.append((lamp, described, number))

    def _aim_lamps(self, world_from_camera: np.ndarray) -> None:
        """Lamps on the camera go with it. Those of the world are not touched: Cycles would weigh all lights anew."""
        for lamp, described, _ in self.lamps:
            if described["frame"] == "camera":
                lamp.rotation_quaternion = _shining_from(world_from_camera[:3, :3] @ np.asarray(described["direction"]))

    def _quality(self, job: dict[str, Any]) -> None:
        self.scene.render.resolution_x = self.scene.render.resolution_y = job["size_px"]
        cycles = self.scene.cycles
        cycles.samples, cycles.use_denoising = job["samples"], job["denoise"]
        cycles.use_adaptive_sampling = job["adaptive_threshold"] > 0
        cycles.adaptive_threshold, cycles.seed = job["adaptive_threshold"], job["seed"]

    def _render_view(self, view: dict[str, Any], job: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Render one view. Returns what is known of it at once, and the future of what is read from its files."""
        before = time.process_time()
        if job["picture"]:  # depth and albedo are the same in any light, and a moved lamp costs a new tree of lights
            self._aim_lamps(np.asarray(view["world_from_camera"]))
        self._place(view)
        taken, size = cameras.read_back(self.camera), job["size_px"]
        box = self._box(taken, size)
        self._crop(box, size)
        path = Path(self.job["out"]) / f"{view['name']}.png"
        self.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=job["picture"])
        taken["box"], rendered = box, passes.take()
        if "parts" in self.job and job["picture"]:
            taken |= self._alone(rendered, taken, box)
        behind = self._behind(view["name"], taken, size) if job["picture"] else None
        kind = Kind("parts" in self.job, any(part.veiled for part in self.parts))
        done = self.encoder.submit(_finish, path, rendered, box, behind, self.job["jpeg_quality"], kind)
        return {**taken, "cpu_s": time.process_time() - before}, done

    def _alone(self, rendered: dict[str, np.ndarray], taken: dict[str, Any], box: Box) -> dict[str, Any]:
        """Of each object of a scene, how many pixels it would have if it were alone, and which ones hide it."""
        index = rendered["Object Index"][..., 0].astype(np.int64) - OBJECT_INDEX
        found = [alone.Alone(0, [])] * len(self.parts)
        for number, place in enumerate(self.states[self.state]):
            if place is not None:
                if number not in self.meshes:
                    self.meshes[number] = alone.meshes_of(self.parts[number].things)
                depth, corner = rendered["Depth"][..., 0], (box.left, box.top)
                found[number] = alone.alone(number, self.meshes[number], index, depth, taken, corner)
        return {"solo": [one.solo for one in found], "hidden_by": [one.hidden_by for one in found]}

    def _place(self, view: dict[str, Any]) -> None:
        """Light and camera of a view."""
        self._light(view["light"])
        cameras.place(self.camera, view["world_from_camera"], view["hfov_deg"])
        bpy.context.view_layer.update()

    def _behind(self, name: str, taken: dict[str, Any], size: int) -> np.ndarray:
        """(size, size, 3) uint8: the background as displayed."""
        background, light = self.job["background"], self.lit
        assert light is not None
        if background["kind"] in {"hdri", "blurred"}:
            shown = self.as_displayed(light["name"], light["strength"], background["kind"] == "blurred")
            step = 8 if background["kind"] == "blurred" else 2
            return backdrop.look_up(shown, float(np.radians(light["rotation_deg"])), taken, size, step)
        plain = backdrop.gradient(background["rgb"], background["rgb_below"], size)
        if name in self.floors:
            plain = plain * backdrop.shaded(self.floors[name], taken, size)
        return np.asarray(np.rint(plain), dtype=np.uint8)

    def _as_displayed(self, name: str, strength: float, blur: bool) -> np.ndarray:
        """An HDRI as the film would show it."""
        image, mean = self.hdris[name]
        width, height = image.size
        pixels = np.empty(width * height * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        shown = backdrop.hdri_as_displayed(
            pixels.reshape(height, width, 4), strength / mean, Path(self.job["out"]) / "hdri.png"
        )
        return backdrop.blurred(shown) if blur else shown

    def _box(self, taken: dict[str, Any], size: int) -> Box:
        """The smallest box around the object's vertices in the picture, and a margin; at least a few pixels."""
        (focal_x, _, center_x), (_, focal_y, center_y), _ = taken["intrinsics"]
        camera_from_world = np.linalg.inv(np.asarray(taken["world_from_camera"])).astype(np.float32)
        x, y, z = camera_from_world[:3, :3] @ self.points + camera_from_world[:3, 3:]
        if z.min() < 1e-3:
            return Box(0, 0, size, size)
        x, y = x / z, y / z
        low = np.array([x.min() * focal_x + center_x, y.min() * focal_y + center_y])
        high = np.array([x.max() * focal_x + center_x, y.max() * focal_y + center_y])
        low = np.clip(np.floor(low) - BORDER_PX, 0, size - 8).astype(int)
        high = np.clip(np.ceil(high) + BORDER_PX, low + 8, size).astype(int)
        return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))

    def _crop(self, box: Box, size: int) -> None:
        """Render this box only. A quarter pixel inwards, for Blender rounds the shares down."""
        render = self.scene.render
        render.border_min_x, render.border_max_x = (box.left + 0.25) / size, (box.right + 0.25) / size
        render.border_min_y, render.border_max_y = (size - box.bottom + 0.25) / size, (size - box.top + 0.25) / size

    def _end_session(self) -> None:
        """Make Cycles forget the scene it keeps between renders."""
        self.scene.render.use_persistent_data = False
        self.scene.render.use_persistent_data = True

    def _forget(self) -> None:
        """Remove the object, and Cycles' session with it.

        Cycles' persistent session knows a texture by its address, and Blender hands the address of a freed image to the
        next: without a new session, one object in ten wears the texture of one before it.
        """
        self._end_session()
        kinds = (bpy.data.objects, bpy.data.collections, bpy.data.actions, bpy.data.scenes)
        bpy.data.batch_remove([block for kind in kinds for block in kind if block not in self.keep])
        bpy.ops.outliner.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)
        self._empty()


def _kinds() -> list[Any]:
    """Blender's collections of data blocks."""
    return [getattr(bpy.data, one.identifier) for one in bpy.data.bl_rna.properties if one.type == "COLLECTION"]


def _blocks() -> list[Any]:
    """All data blocks that there are."""
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


def _load_hdri(name: str) -> tuple[Any, float]:
    """An HDRI that ships with Blender without its brightest spots and its mean radiance over the sphere.

    A sun of a few pixels is found by one path in hundreds: fireflies that no denoiser takes for light. Lamps are our suns.
    HDRIs differ in mean radiance by a factor of 50: divided by it, a night lights like a noon.
    """
    path = HDRI_FOLDER / f"{name}.exr"
    if not path.is_file():
        raise ValueError(f"bpy ships no HDRI {name!r}; it has {sorted(p.stem for p in HDRI_FOLDER.glob('*.exr'))}")
    file = bpy.data.images.load(str(path))
    width, height = file.size
    pixels = np.empty(width * height * 4, dtype=np.float32)
    file.pixels.foreach_get(pixels)
    bpy.data.images.remove(file)
    pixels = pixels.reshape(height, width, 4)
    weight = np.sin(np.pi * (np.arange(height) + 0.5) / height)

    def mean() -> float:
        luminance = pixels[..., :3].astype(np.float64).mean(axis=1) @ np.array([0.2126, 0.7152, 0.0722])
        return float(np.average(luminance, weights=weight))

    pixels[..., :3] = np.minimum(pixels[..., :3], BRIGHTEST * mean())
    # an image of its own: of one that comes from a file, Cycles reads the file
    image = bpy.data.images.new(name, width, height, float_buffer=True)
    image.colorspace_settings.name = "Linear Rec.709"
    image.use_fake_user = True
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    return image, mean()


def _in_one_line(report: str) -> str:
    """What the importer reports, for people: of a traceback the error, and in which of its parts."""
    lines = [line.strip() for line in report.splitlines() if line.strip() and not line.startswith("Location:")]
    if "Traceback (most recent call last)" not in report:
        return " ".join(" ".join(lines).split()).removeprefix("Error: ")[:300]
    places = [found for line in lines if (found := re.match(r'File ".*?([^/\\"]+)\.py", line \d+, in (\S+)', line))]
    where = f"its {places[-1][1]}, {places[-1][2]}" if places else "it"
    error = next((line for line in reversed(lines) if re.match(r"[\w.]+(:|$)", line)), lines[-1])
    return f"Blender's glTF importer failed on it ({where}: {error[:160]}); open it in an editor of glTF and export it anew"


def _loads(image: Any) -> bool:
    """Whether a texture has pixels once Blender is made to read them."""
    return bool(image.size[0] and image.size[1] and len(image.pixels) and image.has_data)


def _shining_from(towards: np.ndarray) -> Any:
    """The rotation of a sun that stands there: it shines along its -Z."""
    return Vector(towards).to_track_quat("Z", "Y")


def _finish(
    path: Path, taken: dict[str, np.ndarray], box: Box, behind: np.ndarray | None, quality: int, kind: Kind
) -> dict[str, Any]:
    """What was rendered -> the picture over its background, depth and albedo of the box, and statistics.

    Runs beside the next render. Statistics are of the object's pixels: what gates look at before a picture is kept.
    """
    depth, albedo = passes.depth_and_albedo(taken, OBJECT_INDEX)
    with open(path.with_suffix(".npy"), "wb") as file:
        np.save(file, depth)
        np.save(file, albedo)
        if kind.scene:
            np.save(file, taken["Object Index"][..., 0].astype(np.uint8))  # 0 where there is none
    there = depth < 1e9
    alpha = taken["Combined"][..., 3]
    statistics = {"opacity": float(alpha[there].mean()) if there.any() else 0.0}
    out = {"arrays": path.with_suffix(".npy").name, "image": "", "statistics": statistics}
    if behind is not None:
        image = path.with_suffix(".jpg")
        out["image"], inside = image.name, np.s_[box.top : box.bottom, box.left : box.right]
        before = behind[inside].astype(np.float32)
        rgb, after = _over(path, before, depth if kind.veiled else None)
        path.unlink()
        if there.any():
            statistics |= _exposure(rgb[there], np.abs(after - before)[there])
        whole = behind.copy()
        whole[inside] = np.rint(after)
        Image.fromarray(whole).save(image, quality=quality, subsampling=0)
    return out


def _over(path: Path, behind: np.ndarray, veil: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """A picture's own colours, and these over what is behind it; both (H, W, 3) float32 in 0..255.

    Args:
        veil: depth, (H, W), if some of it is blended: how much is, few paths tell with a grain.
    """
    with Image.open(path) as picture:
        rgba = np.asarray(picture.convert("RGBA"), dtype=np.float32)
    if veil is not None:
        rgba = _without_grain(rgba, veil)
    rgb, alpha = rgba[..., :3], rgba[..., 3:] / 255
    return rgb, rgb * alpha + behind * (1 - alpha)


def _without_grain(rgba: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Colours and alpha of what is blended as the mean of their surroundings at that depth. The denoiser leaves alpha alone."""
    thin = (depth < 1e9) & (rgba[..., 3] > 0) & (rgba[..., 3] < 255)
    height, width = depth.shape
    weighed = np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=2)
    far = np.pad(depth, VEIL_PX, constant_values=np.inf)
    near = np.pad(weighed, ((VEIL_PX, VEIL_PX), (VEIL_PX, VEIL_PX), (0, 0)))
    total, count = np.zeros_like(weighed), np.zeros((height, width, 1), dtype=np.float32)
    for down in range(2 * VEIL_PX + 1):
        for right in range(2 * VEIL_PX + 1):
            there = np.s_[down : down + height, right : right + width]
            same = (np.abs(far[there] - depth) < VEIL_DEPTH)[..., None]
            total += same * near[there]
            count += same
    smooth = np.concatenate([total[..., :3] / np.maximum(total[..., 3:], 1e-6), total[..., 3:] / count.clip(1)], axis=2)
    return np.where(thin[..., None], smooth, rgba)


def _exposure(rgb: np.ndarray, from_behind: np.ndarray) -> dict[str, float]:
    """Of the object's pixels (N, 3), all in 0..255."""
    luminance = rgb @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) / 255
    return {
        "luminance": float(luminance.mean()),
        "contrast": float(luminance.std()),
        "dark": float((luminance < 0.02).mean()),
        "bright": float((luminance > 0.98).mean()),
        "from_background": float(from_behind.mean()) / 255,
    }


def _resident_mb() -> float:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return 0.0


def renderer_name() -> str:
    return f"Cycles, bpy {bpy.app.version_string}, {LOOK[1]}"


def _processor_name() -> str:
    """Cycles and its denoiser choose kernels by instruction set, so the bytes may depend on it."""
    try:
        flags = set(next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split())
    except (OSError, StopIteration):
        return f"cpu {os.uname().machine}"
    return "cpu " + next((name for name, flag in (("avx512", "avx512f"), ("avx2", "avx2")) if flag in flags), "sse4.2")
