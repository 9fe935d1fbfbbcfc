"""One object in its light: import, clean, normalise, light, render, forget. All of Blender's pitfalls live here."""

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
import OpenEXR
from mathutils import Matrix, Vector
from PIL import Image

from render_scenes import backdrop
from render_scenes import camera as cameras

HDRI_FOLDER = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
OBJECT_RADIUS = 0.5  # of the normalised object, from the middle of its bounding box to its furthest vertex
PASSES = {"Depth": "FLOAT", "Denoising Albedo": "RGBA", "Object Index": "FLOAT"}
OBJECT_INDEX = 1  # of the object's own pixels: what it stands on has none
BORDER_PX = 6  # around the object's vertices: the pixel filter and the denoiser reach beyond them
NOTHING = 1e10  # Blender's depth where there is no object
LOOK = ("AgX", "AgX - Medium High Contrast")
BRIGHTEST = 30.0  # pixel of an HDRI, over its mean
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


class Studio:
    """A Blender scene that stays warm over objects. Opened once per process."""

    def __init__(self, device: str = "CPU") -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.hdris: dict[str, tuple[Any, float, np.ndarray]] = {}
        self.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        self.camera.data.clip_start, self.camera.data.clip_end = 0.01, 100.0
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self.device = self._choose_device(device)
        self._set_up_render()
        self._set_up_passes()
        self._set_up_world()
        self.keep = set(bpy.data.objects)
        self.encoder = ThreadPoolExecutor(1)  # Blender lets go of the interpreter while it renders
        self._empty()

    def _empty(self) -> None:
        self.job: dict[str, Any] = {}
        self.points = np.zeros((0, 3), dtype=np.float32)
        self.lit: dict[str, Any] | None = None
        self.lamps: list[tuple[Any, dict[str, Any], int]] = []  # lamp, its description, the light it belongs to
        self.ground: Any = None
        self.shown: np.ndarray | None = None  # the HDRI as displayed
        self.shadows: dict[str, np.ndarray] = {}  # on the ground, by the name of the view

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
        scene.render.resolution_percentage = 100
        scene.render.dither_intensity = 0.0
        scene.render.use_border = scene.render.use_crop_to_border = True
        scene.render.image_settings.media_type = "IMAGE"
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGBA"
        scene.render.image_settings.compression = 0  # read at once and re-encoded by us
        scene.render.use_file_extension = True
        scene.view_settings.view_transform, scene.view_settings.look = LOOK
        cycles.sample_clamp_indirect = 10.0
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_quality = "FAST"
        cycles.denoising_prefilter = "FAST"

    def _set_up_passes(self) -> None:
        """Depth and albedo leave by a compositor File Output of the same render call: exact, at no measurable cost."""
        layer = self.scene.view_layers[0]
        layer.use_pass_z = layer.use_pass_object_index = True
        layer.cycles.denoising_store_passes = True
        tree = bpy.data.node_groups.new("Passes", "CompositorNodeTree")
        self.scene.compositing_node_group = tree
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        layers, picture = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
        tree.links.new(layers.outputs["Image"], picture.inputs["Image"])
        self.files = tree.nodes.new("CompositorNodeOutputFile")
        self.files.format.media_type = "MULTI_LAYER_IMAGE"
        self.files.format.color_depth = "32"
        self.files.format.exr_codec = "NONE"
        for name, kind in PASSES.items():
            self.files.file_output_items.new(kind, name)
            tree.links.new(layers.outputs[name], self.files.inputs[name])

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
        world.cycles.sampling_method = "MANUAL"  # the importance map at full size costs 1.4 CPU-s per object
        world.cycles.sample_map_resolution = 256

    # --- one object --------------------------------------------------------------------------------

    def open(self, job: dict[str, Any]) -> dict[str, Any]:
        """Load an object: forgets the one before. `shoot` then takes pictures of it, as often as wanted.

        Args:
            job: `path`, `out` (a folder for the pictures), `lights`, `background`, `size_px`, `jpeg_quality`.

        Raises:
            Refused: if the object has nothing to show.
        """
        started = time.process_time()
        self._forget()
        self.job = job
        extent = self._load(Path(job["path"]))
        if job["background"]["kind"] == "ground":
            self._lay_ground()
        self._hang_lamps(job["lights"])
        return {"cpu_s": time.process_time() - started, "extent": extent}

    def shoot(self, job: dict[str, Any]) -> dict[str, Any]:
        """Take pictures of the object.

        Args:
            job: `views`, each with a `name`; `size_px`, `samples`, `denoise`, `adaptive_threshold`; `picture`: false if
                only depth, albedo and the statistics of the picture are wanted.
        """
        started = time.process_time()
        self._quality(job)
        order = sorted(range(len(job["views"])), key=lambda i: job["views"][i]["light"])  # a new light costs a new map
        if self.ground is not None and job["picture"]:
            self._cast_shadows([job["views"][i] for i in order], job)
        work = {i: self._render_view(job["views"][i], job) for i in order}
        views = [{**work[i][0], **work[i][1].result()} for i in range(len(order))]
        rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"views": views, "cpu_s": time.process_time() - started, "rss_mb": _resident_mb() or rss_mb}

    def _load(self, path: Path) -> list[float]:
        try:
            bpy.ops.import_scene.gltf(filepath=str(path), disable_bone_shape=True)
        except RuntimeError as error:
            raise Refused("import", " ".join(str(error).split())[-300:]) from error
        new = [o for o in self.scene.objects if o not in self.keep]
        for foreign in [o for o in new if o.type in {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER"}]:
            for child in foreign.children:  # what hangs on a camera must not jump to the origin
                placed = child.matrix_world.copy()
                child.parent = None
                child.matrix_world = placed
            bpy.data.objects.remove(foreign)
        new = [o for o in self.scene.objects if o not in self.keep]
        for thing in new:
            thing.animation_data_clear()
            thing.pass_index = OBJECT_INDEX
            if thing.type == "MESH" and thing.data.shape_keys:
                thing.data.shape_keys.animation_data_clear()
        for image in bpy.data.images:
            if image.source == "FILE" and image.users and not image.has_data and not _loads(image):
                raise Refused("import", f"texture {image.name!r} is missing or unreadable: it would render magenta")
        return self._normalise(new)

    def _normalise(self, new: list[Any]) -> list[float]:
        """One parent over all roots: scaled by itself, each root of a multi-root file would move apart.

        Returns:
            The sides of the normalised object's bounding box.
        """
        shown = set(bpy.context.view_layer.objects)  # Blender also imports what the file's scene leaves out
        points = _vertices([o for o in new if o.type == "MESH" and not o.hide_render and o in shown])
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
        parent.matrix_world = Matrix.Translation(Vector(-scale * middle)) @ Matrix.Scale(scale, 4)
        bpy.context.view_layer.update()
        self.points = np.asarray((points - middle) * scale, dtype=np.float32)
        return [float(v) for v in np.ptp(self.points, axis=0)]

    def _lay_ground(self) -> None:
        """A floor under the object, for `_cast_shadows`; hidden from the pictures."""
        mesh = bpy.data.meshes.new("Ground")
        size, height = 40 * OBJECT_RADIUS, float(self.points[:, 2].min())
        corners = [(-size, -size, height), (size, -size, height), (size, size, height), (-size, size, height)]
        mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
        self.ground = bpy.data.objects.new("Ground", mesh)
        self.ground.hide_render = True
        self.scene.collection.objects.link(self.ground)

    def _cast_shadows(self, views: list[dict[str, Any]], job: dict[str, Any]) -> None:
        """What share of the light reaches the ground at each pixel of each view.

        Renders the floor alone, at half size, with the object there but not seen. Cycles' own shadow catcher gives the
        same at fifteen times the cost of the picture.
        """
        things = [o for o in self.scene.objects if o not in self.keep and o is not self.ground]
        render, size = self.scene.render, job["size_px"]
        half = size // 2
        self.ground.hide_render = False
        for thing in things:
            thing.visible_camera = False
        render.resolution_x = render.resolution_y = half
        render.image_settings.file_format = "OPEN_EXR"
        self._crop(Box(0, 0, half, half), half)
        passes, self.scene.compositing_node_group = self.scene.compositing_node_group, None
        self._end_session()
        for view in views:
            self._place(view)
            path = Path(self.job["out"]) / f"{view['name']}-ground.exr"
            render.filepath = str(path)
            bpy.ops.render.render(write_still=True)
            self.shadows[view["name"]] = backdrop.light_share(path, size)
            path.unlink()
        self.scene.compositing_node_group = passes
        render.image_settings.file_format = "PNG"
        render.image_settings.color_depth = "8"  # EXR left it at 16
        render.resolution_x = render.resolution_y = size
        for thing in things:
            thing.visible_camera = True
        self.ground.hide_render = True
        self._end_session()  # it does not always notice what is shown and hidden

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
        image, mean, pixels = self.hdris[name]
        self.environment.image = image
        self.mapping.inputs["Rotation"].default_value[2] = np.radians(light["rotation_deg"])
        self.background.inputs["Strength"].default_value = light["strength"] / mean
        for lamp, _, of_light in self.lamps:
            lamp.hide_render = of_light != number
        kind = self.job["background"]["kind"]
        self.shown = None
        if kind in {"hdri", "blurred"}:
            shown = backdrop.hdri_as_displayed(pixels, light["strength"] / mean, Path(self.job["out"]))
            self.shown = backdrop.blurred(shown) if kind == "blurred" else shown

    def _hang_lamps(self, lights: list[dict[str, Any]]) -> None:
        """The lamps of all lights at once, to be shown and hidden."""
        for number, light in enumerate(lights):
            for described in light["lamps"]:
                data = bpy.data.lights.new("Lamp", "SUN")
                data.energy, data.angle = described["strength"], np.radians(described["angle_deg"])
                lamp = bpy.data.objects.new("Lamp", data)
                lamp.rotation_mode = "QUATERNION"
                self.scene.collection.objects.link(lamp)
                self.lamps.append((lamp, described, number))

    def _aim_lamps(self, world_from_camera: np.ndarray) -> None:
        """Lamps of the world stay where they are, lamps on the camera go with it."""
        for lamp, described, _ in self.lamps:
            towards = np.asarray(described["direction"])
            if described["frame"] == "camera":
                towards = world_from_camera[:3, :3] @ towards
            lamp.rotation_quaternion = Vector(towards).to_track_quat("Z", "Y")  # suns shine along -Z

    def _quality(self, job: dict[str, Any]) -> None:
        self.scene.render.resolution_x = self.scene.render.resolution_y = job["size_px"]
        cycles = self.scene.cycles
        cycles.samples, cycles.use_denoising = job["samples"], job["denoise"]
        cycles.use_adaptive_sampling = job["adaptive_threshold"] > 0
        cycles.adaptive_threshold, cycles.seed = job["adaptive_threshold"], job["seed"]

    def _render_view(self, view: dict[str, Any], job: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Render one view. Returns what is known of it at once, and the future of what is read from its files."""
        before = time.process_time()
        self._place(view)
        taken, size = cameras.read_back(self.camera), job["size_px"]
        box = self._box(taken, size)
        self._crop(box, size)
        out, name = Path(self.job["out"]), view["name"]
        raw, passes = out / f"{name}.png", out / f"{name}.exr"
        self.scene.render.filepath, self.files.directory, self.files.file_name = str(raw), str(out), name
        bpy.ops.render.render(write_still=True)
        behind = self._behind(view["name"], taken, size) if job["picture"] else None
        done = self.encoder.submit(_finish, raw, passes, box, size, behind, self.job["jpeg_quality"])
        return {**taken, "cpu_s": time.process_time() - before}, done

    def _place(self, view: dict[str, Any]) -> None:
        """Light, camera and lamps of a view."""
        self._light(view["light"])
        cameras.place(self.camera, view["world_from_camera"], view["hfov_deg"])
        self._aim_lamps(np.asarray(view["world_from_camera"]))
        bpy.context.view_layer.update()

    def _behind(self, name: str, taken: dict[str, Any], size: int) -> np.ndarray:
        """(size, size, 3) float32: the background as displayed."""
        background = self.job["background"]
        if self.shown is not None and self.lit is not None:
            step = backdrop.BLUR_PX // 3 if background["kind"] == "blurred" else 2
            return backdrop.look_up(self.shown, float(np.radians(self.lit["rotation_deg"])), taken, size, step)
        plain = backdrop.gradient(background["rgb"], background["rgb_below"], size)
        return plain * self.shadows[name] if name in self.shadows else plain

    def _box(self, taken: dict[str, Any], size: int) -> Box:
        """The smallest box around the object's vertices in the picture, and a margin; at least a few pixels."""
        intrinsics = np.asarray(taken["intrinsics"], dtype=np.float32)
        camera_from_world = np.linalg.inv(np.asarray(taken["world_from_camera"])).astype(np.float32)
        points = self.points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
        if points[:, 2].min() < 1e-3:
            return Box(0, 0, size, size)
        pixels = points[:, :2] / points[:, 2:] * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2]
        low = np.clip(np.floor(pixels.min(axis=0)) - BORDER_PX, 0, size - 8).astype(int)
        high = np.clip(np.ceil(pixels.max(axis=0)) + BORDER_PX, low + 8, size).astype(int)
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
        for thing in [o for o in bpy.data.objects if o not in self.keep]:
            bpy.data.objects.remove(thing, do_unlink=True)
        for collection in list(bpy.data.collections):
            bpy.data.collections.remove(collection)
        for action in list(bpy.data.actions):
            bpy.data.actions.remove(action)
        bpy.ops.outliner.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)
        self._empty()


def gpus(kind: str) -> list[str]:
    """Names of the GPUs of one kind that Cycles can use here."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    try:
        preferences.compute_device_type = kind
        preferences.get_devices()
    except TypeError:  # this build of Blender does not know the kind
        return []
    return [device.name for device in preferences.devices if device.type == kind]


def _load_hdri(name: str) -> tuple[Any, float, np.ndarray]:
    """An HDRI that ships with Blender without its brightest spots, its mean radiance over the sphere, and its pixels.

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
    return image, mean(), pixels


def _loads(image: Any) -> bool:
    """Whether a texture has pixels once Blender is made to read them."""
    return bool(image.size[0] and image.size[1] and len(image.pixels) and image.has_data)


def _vertices(meshes: list[Any]) -> np.ndarray:
    """World positions of what is drawn: after modifiers, so that skinned meshes are measured in their pose."""
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    placed = []
    for thing in meshes:
        evaluated = thing.evaluated_get(depsgraph)
        mesh = evaluated.to_mesh()
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        evaluated.to_mesh_clear()
        world = np.array(thing.matrix_world, dtype=np.float64)
        placed.append(points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
    if not sum(map(len, placed)):
        raise Refused("import", "no mesh with vertices was imported")
    return np.concatenate(placed)


def _finish(raw: Path, passes: Path, box: Box, size: int, behind: np.ndarray | None, quality: int) -> dict[str, Any]:
    """What Blender wrote -> the picture over its background, depth and albedo of the whole frame, and statistics.

    Runs beside the next render. Statistics are of the object's pixels: what gates look at before a picture is kept.
    """
    inside = np.s_[box.top : box.bottom, box.left : box.right]
    with Image.open(raw) as picture:
        rgba = np.asarray(picture.convert("RGBA"), dtype=np.float32)
    depth, albedo = np.full((size, size), NOTHING, np.float32), np.zeros((size, size, 3), np.float16)
    depth[inside], albedo[inside] = _read_passes(passes)
    for read in (raw, passes):  # so that a render which writes nothing cannot pass for the one before
        read.unlink()
    albedo[depth >= 1e9] = 0  # at the outline it is mixed with what is behind
    arrays = raw.with_suffix(".npz")
    np.savez(arrays, depth=depth, albedo=albedo)
    alpha = rgba[..., 3:] / 255
    object_pixels = depth[inside] < 1e9
    luminance = rgba[..., :3] @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) / 255
    on_object = luminance[object_pixels] if object_pixels.any() else np.zeros(1, np.float32)
    out: dict[str, Any] = {
        "arrays": arrays.name,
        "image": "",
        "statistics": {
            "opacity": float(alpha[..., 0][object_pixels].mean()) if object_pixels.any() else 0.0,
            "luminance": float(on_object.mean()),
            "contrast": float(on_object.std()),
            "dark": float((on_object < 0.02).mean()),
            "bright": float((on_object > 0.98).mean()),
            "from_background": 1.0,
        },
    }
    if behind is not None:
        there = behind[inside]
        whole = behind.copy()
        whole[inside] = rgba[..., :3] * alpha + there * (1 - alpha)
        if object_pixels.any():
            apart = np.abs(whole[inside] - there)[object_pixels].mean(axis=1) / 255
            out["statistics"]["from_background"] = float(apart.mean())
        image = raw.with_suffix(".jpg")
        Image.fromarray(np.asarray(np.rint(whole), dtype=np.uint8)).save(image, quality=quality, subsampling=0)
        out["image"] = image.name
    return out


def _read_passes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = {name: channel.pixels for part in file.parts for name, channel in part.channels.items()}
    depth = np.where(channels["Object Index.V"] == OBJECT_INDEX, channels["Depth.V"], NOTHING)
    albedo = np.stack([channels[f"Denoising Albedo.{c}"] for c in "RGB"], axis=-1)
    return depth.astype(np.float32), np.clip(albedo, 0, 1).astype(np.float16)


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
