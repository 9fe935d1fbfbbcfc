"""Lights the object: the surroundings, the lamps, and the shadows that they cast on the ground."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from render_scenes import backdrop, glass, painting, passes, places, protocol
from render_scenes import camera as cameras
from render_scenes.dome import Dome
from render_scenes.loading import OBJECT_RADIUS

HDRI_FOLDER = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
BLURRED_KEPT = 48  # blurred HDRIs kept as displayed: 0.1 MB each
PANORAMAS_KEPT = 8  # panoramas that stay loaded between objects: 8 MB each as light, 3 or 12 MB for display
# widths at which panoramas are used as light, and for display
LIGHT_PX = 1024
SHOWN_PX = 2048
PLACE_PX = 64  # height of the panorama that stands for a procedural place as a light
GLARE = 6.0  # factor by which windows and lamps of a place are brighter than white
MIDDLE_STRENGTH = 0.44  # strength of a light under which a procedural place is shown as it was painted
EYE_M = 1.6  # height of a panorama's camera above the floor
# bounds of that height in world units, so that the floor beside a cup is not stretched beyond recognition
EYE_BOUNDS = (1.0, 2.5)
DOME_RADII = (6.0, 14.0)  # in world units
DARKEST = 1e-6  # least mean radiance, so that an entirely black panorama causes no division by zero
BRIGHTEST = 30.0  # radiance of an HDRI's brightest pixel over its mean
# a shadow map's pixels per world unit over the picture's size in pixels: near half of the picture's detail
FLOOR_DETAIL = 0.18
FLOOR_PATHS = 4  # per pixel of a shadow map, at least; else half as many as in a picture, for the denoiser
# of Cycles, for a shadow map: sharp edges, noise that is easily taken out, and nothing that a white floor
# does not need
FLOOR_SETTINGS = {
    "filter_width": 0.3,
    "sampling_pattern": "BLUE_NOISE",
    "use_light_tree": False,
    "denoising_input_passes": "RGB",
}
FLOOR_REACH = 0.5  # how far around itself an object darkens the floor without any lamp, in world units


class Lighting:
    """The world around the object and the lamps in it.

    There is one per process; `begin` gives it each object's lights.
    """

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        # image and mean radiance by name; they stay loaded between objects
        self.hdris: dict[str, tuple[Any, float]] = {}
        self.blurred = lru_cache(BLURRED_KEPT)(self._blurred)
        self.radiance = lru_cache(PANORAMAS_KEPT)(self._radiance)
        self._film: backdrop.Film | None = None
        self._set_up_world()
        self.forget()

    def film(self) -> backdrop.Film:
        """The film curve of pictures, the same for all objects."""
        if self._film is None:
            self._film = backdrop.film(self.folder / "film.png")
        return self._film

    def forget(self) -> None:
        """Forget the lights of the object; its lamps are removed with the other things of the scene."""
        self.lights: list[protocol.Record] = []
        self.background: protocol.Record = {}
        self.panoramas: dict[str, str] = {}  # paths by name
        self.place: places.Place | None = None
        self.dome: Dome | None = None
        self.folder = Path()  # for temporary files
        self.lit: protocol.Record | None = None
        self.lamps: list[
            tuple[Any, protocol.Record, int]
        ] = []  # lamp, its description, the light it belongs to

    def begin(self, job: protocol.Open) -> None:
        """Set the lights of the next object."""
        self.lights = job.lights
        self.background = job.background
        self.folder = Path(job.out)
        self.panoramas = job.panoramas
        self._make_room()

    def settle(self, ground: float) -> None:
        """Build the place in which the object stands, if any, once its lowest point is known."""
        location: protocol.Record = self.background.get("place") or {}
        if self.background["kind"] == "place":
            self.place = places.build(places.Plan(**location, ground=ground))
        elif self.background["kind"] == "panorama":
            eye = float(np.clip(EYE_M / location["metres_per_unit"], *EYE_BOUNDS))
            radius = max(DOME_RADII[0], 1.3 * location["clear_radius"])
            radius += float(np.random.default_rng(location["seed"]).random()) * np.ptp(DOME_RADII)
            self.dome = Dome(ground, eye, float(radius))

    def images(self) -> set[Any]:
        """Blender's images of the HDRIs, which stay loaded between objects."""
        return {image for image, _ in self.hdris.values()}

    def _make_room(self) -> None:
        """Drop panoramas of earlier objects if there are too many. The few bundled ones are kept."""
        own = [name for name in self.hdris if not (HDRI_FOLDER / f"{name}.exr").is_file()]
        wanted = {light["name"] for light in self.lights}
        for name in own[: max(0, len(own) - PANORAMAS_KEPT)]:
            if name not in wanted:
                image, _ = self.hdris.pop(name)
                if self._environment.image == image:
                    self._environment.image = None
                bpy.data.images.remove(image)

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
        # the painted background as seen through glass; connected by `show_behind_glass`
        path, self._painted, self._behind_glass = (
            nodes.new(kind) for kind in ("ShaderNodeLightPath", "ShaderNodeBackground", "ShaderNodeMixShader")
        )
        links.new(path.outputs["Is Transmission Ray"], self._behind_glass.inputs[0])
        links.new(self._surroundings.outputs["Background"], self._behind_glass.inputs[1])
        links.new(self._painted.outputs["Background"], self._behind_glass.inputs[2])
        world.cycles.sampling_method = "MANUAL"  # the importance map at full size costs 1.4 CPU-s per object
        world.cycles.sample_map_resolution = 256

    def show_behind_glass(self, things: Sequence[Any]) -> None:
        """Make the glass of some objects show the colour of a painted background.

        Without this, glass would show the surroundings that light the object.
        """
        plain = self.background["kind"] in {"plain", "gradient", "ground"}
        painted = plain and bool(glass.materials_of(things))
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
        """Create the lamps of all lights at once; they are shown and hidden later."""
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
        """Turn the lamps that are fixed to the camera along with it.

        Lamps fixed in the world are left alone, because Cycles would rebuild its light tree.
        """
        for lamp, described, _ in self.lamps:
            if described["frame"] == "camera":
                lamp.rotation_quaternion = _shining_from(
                    world_from_camera[:3, :3] @ np.asarray(described["direction"])
                )

    def moves(self, number: int) -> bool:
        """Whether one of the object's lights has a lamp that is fixed to the camera."""
        return any(lamp["frame"] == "camera" for lamp in self.lights[number]["lamps"])

    def switch(self, number: int) -> None:
        """Switch to one of the object's lights. HDRIs stay loaded between objects."""
        light = self.lights[number]
        if light is self.lit:
            return
        if self.lit is not None:
            passes.end_session(self.scene)  # Cycles does not always notice that lamps were exchanged
        self.lit = light
        name = light["name"]
        if name not in self.hdris:
            self.hdris[name] = _as_light(name, self._light_of(name))
        image, mean = self.hdris[name]
        self._environment.image = image
        self._mapping.inputs["Rotation"].default_value[2] = np.radians(light["rotation_deg"])
        self._surroundings.inputs["Strength"].default_value = light["strength"] / mean
        for lamp, _, of_light in self.lamps:
            lamp.hide_render = of_light != number

    def set_up_view(self, camera: Any, view: protocol.Record) -> None:
        """Set up the light and the camera of a view."""
        self.switch(view["light"])
        cameras.place(camera, view["world_from_camera"], view["hfov_deg"])
        bpy.context.view_layer.update()

    def _light_of(self, name: str) -> np.ndarray:
        """(H, W, 4) linear radiance of the surroundings with this name, first row at the bottom."""
        if self.place is not None:
            shown = painting.surroundings(self.place, PLACE_PX)
            linear = np.maximum(shown, 0) ** 2.2  # approximately inverts the film
            linear = np.where(shown.max(axis=2, keepdims=True) > 1, GLARE * linear, linear)
            return np.dstack([linear, np.ones_like(linear[..., 0])])[::-1].astype(np.float32)
        path = self.panoramas.get(name)
        return _bundled(name) if path is None else _own(Path(path), LIGHT_PX)

    def behind(self, camera: protocol.Camera, size: int, share: np.ndarray | None) -> np.ndarray:
        """(size, size, 3) in 0..255: what is behind the object, as displayed.

        Args:
            share: (size, size, 3) shares of its light that the ground gets; None where there is no ground.
        """
        if self.background["kind"] in {"plain", "gradient", "ground"}:
            shown = backdrop.gradient(self.background["rgb"], self.background["rgb_below"], size)
            return shown if share is None else backdrop.dimmed(shown, share, self.film())
        assert self.lit is not None
        if self.place is not None:
            pose = np.asarray(camera.world_from_camera)
            painted = painting.paint(self.place, pose, np.asarray(camera.intrinsics), size)
            gain = (self.lit["strength"] / MIDDLE_STRENGTH) ** (1 / 2.2)
            shown = np.clip(painted.rgb * np.float32(255 * gain), 0, 255)
            if share is None:
                return shown
            return backdrop.dimmed(shown, np.where(painted.on_ground[..., None], share, 1), self.film())
        name = self.lit["name"]
        rotation_rad = float(np.radians(self.lit["rotation_deg"]))
        if self.background["kind"] == "blurred":
            return backdrop.look_up_blurred(
                self.blurred(name, self.lit["strength"]), rotation_rad, camera, size
            )
        light = self.radiance(name).astype(np.float32)
        if self.dome is not None:
            seen = backdrop.project(light, rotation_rad, self.dome, camera, size)
        else:
            seen = backdrop.look_up(light, rotation_rad, camera, size)
        seen *= np.float32(self.lit["strength"])
        if share is not None:
            seen *= share.transpose(2, 0, 1)
        return np.asarray(self.film().developed(seen).transpose(1, 2, 0))

    def _to_show(self, name: str) -> tuple[np.ndarray, float]:
        """(H, W, 4) radiance of surroundings that are loaded, as large as they are shown, and its mean."""
        image, mean = self.hdris[name]
        path = self.panoramas.get(name)
        return _pixels_of(image) if path is None else _own(Path(path), SHOWN_PX), mean

    def _blurred(self, name: str, strength: float) -> np.ndarray:
        """Blurred surroundings as the film displays them, cached."""
        pixels, mean = self._to_show(name)
        return backdrop.blurred(backdrop.hdri_as_displayed(pixels, strength / mean, self.folder / "hdri.png"))

    def _radiance(self, name: str) -> np.ndarray:
        """(3, H, W) float16 radiance of an HDRI over its mean, first row at the top, cached."""
        pixels, mean = self._to_show(name)
        light = np.minimum(pixels[::-1, :, :3] / np.float32(mean), BRIGHTEST)
        return np.ascontiguousarray(light.transpose(2, 0, 1), dtype=np.float16)


class Ground:
    """A floor under the object.

    Cycles does not show it in pictures; the shadows on it are painted into them afterwards.
    """

    def __init__(self, scene: Any, height: float) -> None:
        self.scene = scene
        self.floors: dict[str, backdrop.Floor] = {}  # shadow maps by the name of the view
        mesh = bpy.data.meshes.new("Ground")
        size = 40 * OBJECT_RADIUS
        corners = [(-size, -size, height), (size, -size, height), (size, size, height), (-size, size, height)]
        mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
        # Blender's default is glossy and would look different from above
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
        """Measure the share of its full light that the ground gets, once per light.

        The ground is rendered from above, with the object hidden from the camera only. A lamp that moves with
        the camera costs a map for each view. Cycles' own shadow catcher costs fifteen times as much as the
        picture.

        Args:
            views: the views whose floors are wanted, for pictures of `size` pixels.
            things: the object's Blender objects.
            points: (3, N) points of the object's surface in the world.
        """
        self.thing.hide_render = False
        for thing in things:
            thing.visible_camera = False
        cycles = self.scene.cycles
        usual = {name: getattr(cycles, name) for name in ("samples", *FLOOR_SETTINGS)}
        cycles.samples = max(FLOOR_PATHS, cycles.samples // 2)
        for name, value in FLOOR_SETTINGS.items():
            setattr(cycles, name, value)
        passes.end_session(self.scene)  # Cycles does not always notice what is shown and hidden
        seen: dict[tuple[int, str], backdrop.Floor] = {}
        for view in views:
            moves = lighting.moves(view.planned["light"])
            key = (view.planned["light"], view.name if moves else "")
            if key not in seen:
                lighting.aim_lamps(np.asarray(view.planned["world_from_camera"]))
                lighting.set_up_view(camera, view.planned)
                seen[key] = self._from_above(size * FLOOR_DETAIL, camera, lighting, points)
            self.floors[view.name] = seen[key]
        for thing in things:
            thing.visible_camera = True
        self.thing.hide_render = True
        for name, value in usual.items():
            setattr(cycles, name, value)
        camera.data.type = "PERSP"
        self.scene.render.resolution_x = self.scene.render.resolution_y = size
        self.scene.render.use_border = True
        passes.end_session(self.scene)

    def _from_above(
        self, detail: float, camera: Any, lighting: Lighting, points: np.ndarray
    ) -> backdrop.Floor:
        """Render the ground from straight above as it is lit now, with `detail` pixels per world unit."""
        shining = [lamp for lamp, _, _ in lighting.lamps if not lamp.hide_render]
        turned = [lamp.matrix_world.to_3x3() @ Vector((0, 0, 1)) for lamp in shining]
        towards = [np.asarray(axis) for axis in turned if axis.z > 0]
        left, bottom, right, top = backdrop.floor_window(points, towards, FLOOR_REACH)
        width = int(np.ceil((right - left) * detail))
        height = int(np.ceil((top - bottom) * detail))
        render = self.scene.render
        render.resolution_x = width
        render.resolution_y = height
        render.use_border = False
        camera.data.type = "ORTHO"
        camera.data.ortho_scale = width / detail  # the scale of the width, as `place` fits the sensor
        middle = (left + 0.5 * width / detail, top - 0.5 * height / detail, 20.0)
        # without rotation it looks down, +Y at the top
        camera.matrix_world = Matrix.Translation(Vector(middle))
        bpy.ops.render.render()
        light = passes.take()["Combined"][..., :3].transpose(2, 0, 1)
        share = backdrop.light_share(light, backdrop.FADE * detail)
        return backdrop.Floor(share, left, top, detail, float(self.thing.data.vertices[0].co.z))


def _bundled(name: str) -> np.ndarray:
    """(H, W, 4) linear radiance of an HDRI that ships with Blender, first row at the bottom."""
    path = HDRI_FOLDER / f"{name}.exr"
    if not path.is_file():
        raise ValueError(
            f"bpy ships no HDRI {name!r}; it has {sorted(p.stem for p in HDRI_FOLDER.glob('*.exr'))}"
        )
    return _read(path)


def _own(path: Path, width: int) -> np.ndarray:
    """The same for the user's own panorama, shrunk to about `width` by means over whole blocks of pixels."""
    pixels = _read(path)
    block = max(1, pixels.shape[1] // width)
    height, wide = (side // block for side in pixels.shape[:2])
    blocks = pixels[: height * block, : wide * block].reshape(height, block, wide, block, 4)
    return np.ascontiguousarray(blocks.mean(axis=(1, 3)))


def _read(path: Path) -> np.ndarray:
    """(H, W, 4) float32 linear radiance of an image file."""
    file = bpy.data.images.load(str(path))
    try:
        if not len(file.pixels):
            raise ValueError(f"panorama {path.name} cannot be read by Blender")
        pixels = _pixels_of(file)
        if not file.is_float:  # for a JPEG, Blender returns the file's values, encoded for a screen
            colour = pixels[..., :3]
            pixels[..., :3] = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return pixels
    finally:
        bpy.data.images.remove(file)


def _pixels_of(image: Any) -> np.ndarray:
    """(H, W, 4) float32, first row at the bottom as Blender keeps it."""
    width, height = image.size
    pixels = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)


def _as_light(name: str, pixels: np.ndarray) -> tuple[Any, float]:
    """Surroundings without their brightest spots, as a Blender image, and their mean radiance over the
    sphere.

    Only one path in hundreds finds a sun of a few pixels, which leaves fireflies that no denoiser takes for
    light; lamps serve as suns instead. HDRIs differ in mean radiance by a factor of 50. Divided by it, a
    night lights the object as brightly as a noon.

    Args:
        pixels: (H, W, 4) linear radiance, first row at the bottom.
    """
    height, width, _ = pixels.shape
    weight = np.sin(np.pi * (np.arange(height) + 0.5) / height)

    def mean() -> float:
        luminance = pixels[..., :3].astype(np.float64).mean(axis=1) @ np.array([0.2126, 0.7152, 0.0722])
        return max(float(np.average(luminance, weights=weight)), DARKEST)

    pixels[..., :3] = np.minimum(pixels[..., :3], BRIGHTEST * mean())
    # a new image, because for one that comes from a file Cycles reads the file instead
    image = bpy.data.images.new(name, width, height, float_buffer=True)
    image.colorspace_settings.name = "Linear Rec.709"
    image.use_fake_user = True
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    return image, mean()


def _shining_from(towards: np.ndarray) -> Any:
    """The rotation of a sun in this direction: it shines along its own -Z."""
    return Vector(towards).to_track_quat("Z", "Y")
