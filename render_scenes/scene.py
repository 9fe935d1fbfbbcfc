"""One object in one light: import, clean, normalise, light, render, forget. All of Blender's pitfalls live here."""

import os
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import OpenEXR
from mathutils import Matrix, Vector
from PIL import Image

from render_scenes import camera as cameras

HDRI_FOLDER = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
PROBE = {"size_px": 96, "samples": 1, "denoise": False}  # depth and albedo are what is wanted of it
OBJECT_RADIUS = 0.5  # of the normalised object, from the middle of its bounding box to its furthest vertex
PASSES = {"Depth": "FLOAT", "Denoising Albedo": "RGBA"}


class Refused(Exception):
    """This object cannot be used; `stage` says where it was found out."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage


class Studio:
    """A Blender scene that stays warm over objects. Opened once per process."""

    def __init__(self) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.hdris: dict[str, tuple[Any, float]] = {}
        self.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        self.camera.data.clip_start, self.camera.data.clip_end = 0.01, 100.0
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self._set_up_render()
        self._set_up_passes()
        self._set_up_world()
        self.keep = set(bpy.data.objects)

    def _set_up_render(self) -> None:
        scene, cycles = self.scene, self.scene.cycles
        scene.render.engine = "CYCLES"
        scene.render.use_persistent_data = True  # saves the scene sync of every view but the first
        scene.render.threads_mode, scene.render.threads = "FIXED", 1  # two such processes beat one with two threads
        scene.render.film_transparent = True
        scene.render.resolution_percentage = 100
        scene.render.dither_intensity = 0.0
        scene.render.image_settings.media_type = "IMAGE"
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGBA"
        scene.render.image_settings.compression = 0  # read at once and re-encoded by us
        scene.render.use_file_extension = True
        scene.view_settings.view_transform = "AgX"
        scene.view_settings.look = "AgX - Medium High Contrast"
        cycles.device = "CPU"
        cycles.use_adaptive_sampling = True
        cycles.sample_clamp_indirect = 10.0
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_quality = "FAST"
        cycles.denoising_prefilter = "FAST"
        cycles.seed = 0

    def _set_up_passes(self) -> None:
        """Depth and albedo leave by a compositor File Output of the same render call: exact, at no measurable cost."""
        layer = self.scene.view_layers[0]
        layer.use_pass_z = True
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

    def render(self, job: dict[str, Any]) -> dict[str, Any]:
        """All views of one object. Files are written to the folder `out` of the job; the reply names them.

        Raises:
            Refused: if the object has nothing to show.
        """
        started = time.process_time()
        try:
            self._load(Path(job["path"]))
            self._light(job["light"], job["background"])
            imported = time.process_time()
            self._quality(PROBE)
            probes = [self._timed(f"probe_{i}", view, job) for i, view in enumerate(job["probes"])]
            self._quality(job["render"])
            views = [self._timed(f"view_{i}", view, job) for i, view in enumerate(job["views"])]
            return {"views": views, "probes": probes, "import_cpu_s": imported - started}
        finally:
            self._forget()

    def _load(self, path: Path) -> None:
        try:
            bpy.ops.import_scene.gltf(filepath=str(path), disable_bone_shape=True)
        except RuntimeError as error:
            raise Refused("import", " ".join(str(error).split())[:300]) from error
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
            if thing.type == "MESH" and thing.data.shape_keys:
                thing.data.shape_keys.animation_data_clear()
        for image in bpy.data.images:
            if image.source == "FILE" and image.users and not image.has_data and not _loads(image):
                raise Refused("import", f"texture {image.name!r} is missing or unreadable: it would render magenta")
        self._normalise(new)

    def _normalise(self, new: list[Any]) -> None:
        """One parent over all roots: scaled by itself, each root of a multi-root file would move apart."""
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

    def _light(self, light: dict[str, Any], background: dict[str, Any]) -> None:
        name = light["name"]
        if name not in self.hdris:
            path = HDRI_FOLDER / f"{name}.exr"
            if not path.is_file():
                raise ValueError(
                    f"bpy ships no HDRI {name!r}; it has {sorted(p.stem for p in HDRI_FOLDER.glob('*.exr'))}"
                )
            image = bpy.data.images.load(str(path))
            image.use_fake_user = True
            self.hdris[name] = image, _mean_radiance(path)
        image, mean = self.hdris[name]
        self.environment.image = image
        self.mapping.inputs["Rotation"].default_value[2] = np.radians(light["rotation_deg"])
        self.background.inputs["Strength"].default_value = light["strength"] / mean
        self.scene.render.film_transparent = background["kind"] != "hdri"
        for lamp in light["lamps"]:
            data = bpy.data.lights.new("Lamp", "SUN")
            data.energy, data.angle = lamp["strength"], np.radians(lamp["angle_deg"])
            sun = bpy.data.objects.new("Lamp", data)
            sun.rotation_mode = "QUATERNION"
            sun.rotation_quaternion = Vector(lamp["direction"]).to_track_quat("Z", "Y")  # suns shine along -Z
            self.scene.collection.objects.link(sun)

    def _quality(self, render: dict[str, Any]) -> None:
        self.scene.render.resolution_x = self.scene.render.resolution_y = render["size_px"]
        self.scene.cycles.samples = render["samples"]
        self.scene.cycles.use_denoising = render["denoise"]

    def _timed(self, name: str, view: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
        before = time.process_time()
        return {**self._render_view(name, view, job), "cpu_s": time.process_time() - before}

    def _render_view(self, name: str, view: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
        cameras.place(self.camera, view["world_from_camera"], view["hfov_deg"])
        bpy.context.view_layer.update()
        out = Path(job["out"])
        raw, passes = out / "raw.png", out / "passes.exr"
        self.scene.render.filepath, self.files.directory, self.files.file_name = str(raw), str(out), passes.stem
        bpy.ops.render.render(write_still=True)
        image, arrays = out / f"{name}.jpg", out / f"{name}.npz"
        with Image.open(raw) as picture:
            rgb = _over(np.asarray(picture.convert("RGBA")), job["background"]["rgb"])
        Image.fromarray(rgb).save(image, quality=job["render"]["jpeg_quality"], subsampling=0)
        depth, albedo = _read_passes(passes)
        for read in (raw, passes):  # so that a render which writes nothing cannot pass for the one before
            read.unlink()
        np.savez(arrays, depth=depth, albedo=albedo, luminance_std=rgb.mean(axis=2).std() / 255)
        return {**cameras.read_back(self.camera), "image": image.name, "arrays": arrays.name}

    def _forget(self) -> None:
        """Remove the object, and Cycles' session with it.

        Cycles' persistent session knows a texture by its address, and Blender hands the address of a freed image to the
        next: without a new session, one object in ten wears the texture of one before it.
        """
        self.scene.render.use_persistent_data = False
        self.scene.render.use_persistent_data = True
        for thing in [o for o in bpy.data.objects if o not in self.keep]:
            bpy.data.objects.remove(thing, do_unlink=True)
        for collection in list(bpy.data.collections):
            bpy.data.collections.remove(collection)
        for action in list(bpy.data.actions):
            bpy.data.actions.remove(action)
        bpy.ops.outliner.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)


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


def _mean_radiance(path: Path) -> float:
    """Mean luminance over the sphere of an equirectangular HDRI, so that a night can be lit like a noon."""
    with OpenEXR.File(str(path), separate_channels=False) as file:
        rgb = next(c.pixels for n, c in file.channels().items() if n.startswith("RGB"))[..., :3].astype(np.float64)
    weight = np.sin(np.pi * (np.arange(len(rgb)) + 0.5) / len(rgb))
    return float(np.average(rgb.mean(axis=1) @ [0.2126, 0.7152, 0.0722], weights=weight))


def _over(rgba: np.ndarray, background: list[int]) -> np.ndarray:
    """8-bit RGB of a straight-alpha picture over a plain colour, both as displayed."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    mixed = rgba[..., :3] * alpha + np.asarray(background, dtype=np.float32) * (1 - alpha)
    return np.asarray(np.rint(mixed), dtype=np.uint8)


def _read_passes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = {name: channel.pixels for part in file.parts for name, channel in part.channels.items()}
    depth = channels["Depth.V"]
    albedo = np.stack([channels[f"Denoising Albedo.{c}"] for c in "RGB"], axis=-1)
    return depth.astype(np.float32), np.clip(albedo, 0, 1).astype(np.float16)


def renderer_name() -> str:
    return f"Cycles, bpy {bpy.app.version_string}"


def device_name() -> str:
    """Cycles and its denoiser choose kernels by instruction set, so the bytes may depend on it."""
    try:
        flags = set(next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split())
    except (OSError, StopIteration):
        return f"cpu {os.uname().machine}"
    return "cpu " + next((name for name, flag in (("avx512", "avx512f"), ("avx2", "avx2")) if flag in flags), "sse4.2")
