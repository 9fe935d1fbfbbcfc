"""What lights the object: the surroundings, the lamps, and the shadows that these cast on the ground."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from render_scenes import backdrop, glass, passes, protocol
from render_scenes import camera as cameras
from render_scenes.loading import OBJECT_RADIUS

HDRI_FOLDER = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
HDRIS_SHOWN = 48  # kept as displayed: 1.5 MB each
BRIGHTEST = 30.0  # pixel of an HDRI, over its mean
FLOOR_DETAIL = (
    0.14  # pixels per unit of the world, over the pixels of the picture: about a third of what it shows
)
FLOOR_REACH = 0.5  # how far around itself an object darkens the floor without a lamp


class Lighting:
    """The world around the object and the lamps in it.

    There is one for a process; `begin` tells it of each object's lights.
    """

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.hdris: dict[
            str, tuple[Any, float]
        ] = {}  # by name: image and mean radiance; they stay loaded over objects
        self.as_displayed = lru_cache(HDRIS_SHOWN)(self._as_displayed)
        self._set_up_world()
        self.forget()

    def forget(self) -> None:
        """The lights of the object; its lamps go with the other things of the scene."""
        self.lights: list[protocol.Record] = []
        self.background: protocol.Record = {}
        self.folder = Path()  # for temporary files
        self.lit: protocol.Record | None = None
        self.lamps: list[
            tuple[Any, protocol.Record, int]
        ] = []  # lamp, its description, the light it belongs to

    def begin(self, job: protocol.Open) -> None:
        """Take note of what the next object is to be lit by."""
        self.lights = job.lights
        self.background = job.background
        self.folder = Path(job.out)

    def images(self) -> set[Any]:
        """Blender's images of the HDRIs, which stay over objects."""
        return {image for image, _ in self.hdris.values()}

    def _set_up_world(self) -> None:
        world = bpy.data.worlds.new("World")
        self.scene.world = world
        nodes = world.node_tree.nodes
        links = world.node_tree.links
        nodes.clear()
        coordinates = nodes.new("ShaderNodeTexCoord")
        self._mapping = nodes.new("ShaderNodeMapping")
        self._environment, self._surroundings = (
            nodes.new(kind) for kind in ("ShaderNodeTexEnvironment", "ShaderNodeBackground")
        )
        output = nodes.new("ShaderNodeOutputWorld")
        links.new(coordinates.outputs["Generated"], self._mapping.inputs["Vector"])
        links.new(self._mapping.outputs["Vector"], self._environment.inputs["Vector"])
        links.new(self._environment.outputs["Color"], self._surroundings.inputs["Color"])
        links.new(self._surroundings.outputs["Background"], output.inputs["Surface"])
        # what glass shows of a painted background; joined by `show_behind_glass`
        path, self._painted, self._behind_glass = (
            nodes.new(kind) for kind in ("ShaderNodeLightPath", "ShaderNodeBackground", "ShaderNodeMixShader")
        )
        links.new(path.outputs["Is Transmission Ray"], self._behind_glass.inputs[0])
        links.new(self._surroundings.outputs["Background"], self._behind_glass.inputs[1])
        links.new(self._painted.outputs["Background"], self._behind_glass.inputs[2])
        world.cycles.sampling_method = "MANUAL"  # the importance map at full size costs 1.4 CPU-s per object
        world.cycles.sample_map_resolution = 256

    def show_behind_glass(self, things: Sequence[Any]) -> None:
        """Let glass among these things show a painted background's colour.

        Without this, it would show the surroundings that light the object.
        """
        painted = bool(glass.materials_of(things)) and self.background["kind"] not in {"hdri", "blurred"}
        if painted:
            rgb = 0.5 * (np.asarray(self.background["rgb"]) + np.asarray(self.background["rgb_below"]))
            color = glass.radiance_of(rgb.tolist(), self.folder)
            self._painted.inputs["Color"].default_value = (*color, 1.0)
        nodes = self.scene.world.node_tree.nodes
        output = next(node for node in nodes if node.type == "OUTPUT_WORLD")
        source = self._behind_glass.outputs[0] if painted else self._surroundings.outputs["Background"]
        if output.inputs["Surface"].links[0].from_socket != source:
            self.scene.world.node_tree.links.new(source, output.inputs["Surface"])

    def hang_lamps(self) -> None:
        """The lamps of all lights at once, to be shown and hidden."""
        for number, light in enumerate(self.lights):
            for described in light["lamps"]:
                data = bpy.data.lights.new("Lamp", "SUN")
                data.energy = described["strength"]
                data.angle = np.radians(described["angle_deg"])
                lamp = bpy.data.objects.new("Lamp", data)
                lamp.rotation_mode = "QUATERNION"
                lamp.rotation_quaternion = _shining_from(np.asarray(described["direction"]))
                self.scene.collection.objects.link(lamp)
                self.lamps.append((lamp, described, number))

    def aim_lamps(self, world_from_camera: np.ndarray) -> None:
        """Lamps on the camera go with it.

        Those of the world are not touched: Cycles would weigh all lights anew.
        """
        for lamp, described, _ in self.lamps:
            if described["frame"] == "camera":
                lamp.rotation_quaternion = _shining_from(
                    world_from_camera[:3, :3] @ np.asarray(described["direction"])
                )

    def moves(self, number: int) -> bool:
        """Whether one of the object's lights has a lamp that goes with the camera."""
        return any(lamp["frame"] == "camera" for lamp in self.lights[number]["lamps"])

    def switch(self, number: int) -> None:
        """Switch to one of the object's lights. HDRIs stay loaded over objects."""
        light = self.lights[number]
        if light is self.lit:
            return
        if self.lit is not None:
            passes.end_session(self.scene)  # it does not always notice that lamps were exchanged
        self.lit = light
        name = light["name"]
        if name not in self.hdris:
            self.hdris[name] = _load_hdri(name)
        image, mean = self.hdris[name]
        self._environment.image = image
        self._mapping.inputs["Rotation"].default_value[2] = np.radians(light["rotation_deg"])
        self._surroundings.inputs["Strength"].default_value = light["strength"] / mean
        for lamp, _, of_light in self.lamps:
            lamp.hide_render = of_light != number

    def set_up_view(self, camera: Any, view: protocol.Record) -> None:
        """Light and camera of a view."""
        self.switch(view["light"])
        cameras.place(camera, view["world_from_camera"], view["hfov_deg"])
        bpy.context.view_layer.update()

    def surroundings(self, camera: protocol.Camera, size: int) -> np.ndarray:
        """The HDRI that lights the object, seen by a camera.

        Returns:
            (size, size, 3) uint8, as displayed, and blurred if the background is.
        """
        assert self.lit is not None
        blur = self.background["kind"] == "blurred"
        shown = self.as_displayed(self.lit["name"], self.lit["strength"], blur)
        return backdrop.look_up(
            shown, float(np.radians(self.lit["rotation_deg"])), camera, size, 8 if blur else 2
        )

    def _as_displayed(self, name: str, strength: float, blur: bool) -> np.ndarray:
        """An HDRI as the film would show it."""
        image, mean = self.hdris[name]
        width, height = image.size
        pixels = np.empty(width * height * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        shown = backdrop.hdri_as_displayed(
            pixels.reshape(height, width, 4), strength / mean, self.folder / "hdri.png"
        )
        return backdrop.blurred(shown) if blur else shown


class Ground:
    """A floor under the object.

    Pictures do not show it; the shadows on it are painted into them.
    """

    def __init__(self, scene: Any, height: float) -> None:
        self.scene = scene
        self.floors: dict[str, backdrop.Floor] = {}  # with the shadows on it, by the name of the view
        mesh = bpy.data.meshes.new("Ground")
        size = 40 * OBJECT_RADIUS
        corners = [(-size, -size, height), (size, -size, height), (size, size, height), (-size, size, height)]
        mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
        # Blender's default shines, so it would look different from above
        matte = bpy.data.materials.new("Matte")
        nodes = matte.node_tree.nodes
        nodes.clear()
        surface = nodes.new("ShaderNodeBsdfDiffuse")
        output = nodes.new("ShaderNodeOutputMaterial")
        matte.node_tree.links.new(surface.outputs["BSDF"], output.inputs["Surface"])
        mesh.materials.append(matte)
        self.thing = bpy.data.objects.new("Ground", mesh)
        self.thing.hide_render = True
        scene.collection.objects.link(self.thing)

    def cast_shadows(
        self,
        views: Sequence[protocol.NamedView],
        size: int,
        camera: Any,
        lighting: Lighting,
        things: Sequence[Any],
        points: np.ndarray,
    ) -> None:
        """Find what share of its light the ground gets, once per light.

        It is rendered from above, with the object hidden from the camera alone; at half the detail for a lamp
        that moves with each view. Cycles' own shadow catcher costs fifteen times the picture.

        Args:
            views: whose floors are wanted, in pictures of `size` pixels.
            things: the object, as Blender has it.
            points: (3, N) of its surface, in the world.
        """
        self.thing.hide_render = False
        for thing in things:
            thing.visible_camera = False
        passes.end_session(self.scene)  # it does not always notice what is shown and hidden
        seen: dict[tuple[int, str], backdrop.Floor] = {}
        for view in views:
            moves = lighting.moves(view.planned["light"])
            key = (view.planned["light"], view.name if moves else "")
            if key not in seen:
                lighting.aim_lamps(np.asarray(view.planned["world_from_camera"]))
                lighting.set_up_view(camera, view.planned)
                detail = size * FLOOR_DETAIL * (0.5 if moves else 1)
                seen[key] = self._from_above(detail, camera, lighting, points)
            self.floors[view.name] = seen[key]
        for thing in things:
            thing.visible_camera = True
        self.thing.hide_render = True
        camera.data.type = "PERSP"
        self.scene.render.resolution_x = self.scene.render.resolution_y = size
        self.scene.render.use_border = True
        passes.end_session(self.scene)

    def _from_above(
        self, detail: float, camera: Any, lighting: Lighting, points: np.ndarray
    ) -> backdrop.Floor:
        """The ground from straight above as it is lit now, at so many pixels per unit."""
        shining = [lamp for lamp, _, _ in lighting.lamps if not lamp.hide_render]
        turned = [lamp.matrix_world.to_3x3() @ Vector((0, 0, 1)) for lamp in shining]
        towards = [np.asarray(one) for one in turned if one.z > 0]
        left, bottom, right, top = backdrop.floor_window(points, towards, FLOOR_REACH)
        width = int(np.ceil((right - left) * detail))
        height = int(np.ceil((top - bottom) * detail))
        render = self.scene.render
        render.resolution_x = width
        render.resolution_y = height
        render.use_border = False
        camera.data.type = "ORTHO"
        camera.data.ortho_scale = width / detail  # of the width, as `place` has it fitted
        middle = (left + 0.5 * width / detail, top - 0.5 * height / detail, 20.0)
        # without rotation it looks down, +Y at the top
        camera.matrix_world = Matrix.Translation(Vector(middle))
        bpy.ops.render.render()
        green = passes.take()["Combined"][..., 1]
        share = backdrop.light_share(green, backdrop.FADE * detail)
        return backdrop.Floor(share, left, top, detail, float(self.thing.data.vertices[0].co.z))


def _load_hdri(name: str) -> tuple[Any, float]:
    """An HDRI that ships with Blender without its brightest spots and its mean radiance over the sphere.

    A sun of a few pixels is found by one path in hundreds: fireflies that no denoiser takes for light. Lamps
    are our suns. HDRIs differ in mean radiance by a factor of 50: divided by it, a night lights like a noon.
    """
    path = HDRI_FOLDER / f"{name}.exr"
    if not path.is_file():
        raise ValueError(
            f"bpy ships no HDRI {name!r}; it has {sorted(p.stem for p in HDRI_FOLDER.glob('*.exr'))}"
        )
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


def _shining_from(towards: np.ndarray) -> Any:
    """The rotation of a sun that stands there: it shines along its -Z."""
    return Vector(towards).to_track_quat("Z", "Y")
