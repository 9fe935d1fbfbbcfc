"""Are backgrounds painted as Cycles would trace them? `python benchmarks/traced.py SOURCE [--pictures DIR]`.

Whole frames with the object and its shadow: painted as the engine paints them at `draft`, and traced. In the
traced ones, floor, dome, walls and boxes are meshes with textures; light on the ground is rendered from the
view's own camera, with and without the object; and object, background and shadow are mixed in linear light,
before the film. The object has the same paths in both, so that only what is painted differs.

Each part of the error is also given alone: the PSNR that the frame would have if all the rest were right.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from benchmarks.places import BEFORE, _config, _things, _visit
from render_scenes import backdrop, glass, lighting, painting, passes, pictures, places, protocol, scene
from render_scenes import camera as cameras
from viewpoint100k import objects as sources

Array = np.ndarray
KINDS = ("hdri", "ground", "panorama", "place")
OBJECT_PATHS = 24  # the same ones in both frames
TRACED_PATHS = 128  # of what is behind it
LIGHT_PATHS = 64  # of the light on the ground, which is denoised
OPAQUE = 0.999
NAME = "traced"  # of all that is made here
AROUND = 513  # points of the dome
UP = 129
RAMP = np.geomspace(1e-4, 60, 512)  # radiances


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="a folder of .glb, or builtin:")
    parser.add_argument("--objects", type=int, default=12, help="one view of each, before each kind")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--only", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument(
        "--pictures", type=Path, help="folder for traced, painted and eight times the difference"
    )
    arguments = parser.parse_args()
    rows = defaultdict[str, list[dict[str, float]]](list)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(arguments.size, Path(scratch))
        for kind in arguments.only:
            config = _config(arguments.source, arguments.size, {**dict.fromkeys(BEFORE, 0), kind: 1})
            for number, thing in enumerate(_things(config, arguments.objects)):
                path, _ = sources.fetch_object(thing, arguments.source, Path(scratch), config.files)
                view_set = _visit(config, thing, 1)
                described = view_set.model_dump(mode="json", include={"lights", "background"})
                place = described["background"]["place"]
                row = kind if kind != "place" else place["sort"]
                bench.open(path, described)
                painted, traced, cover, share = bench.frames(view_set.views[0].model_dump(mode="json"))
                rows[row].append(figures(painted, traced, cover, share))
                print(f"{row}-{number} {thing.record.uid} {rows[row][-1]}", file=sys.stderr, flush=True)
                if arguments.pictures:
                    difference = np.clip(8 * np.abs(painted - traced), 0, 255)
                    sheet = np.concatenate([traced, painted, difference], axis=1)
                    Image.fromarray(np.rint(sheet).astype(np.uint8)).save(
                        arguments.pictures / f"{row}-{number}.png"
                    )
    print(json.dumps({row: summary(found) for row, found in rows.items()}, indent=1))


def summary(found: list[dict[str, float]]) -> dict[str, Any]:
    """Least and mean of each figure."""
    columns = {name: [row[name] for row in found] for name in found[0]}
    return {
        "views": len(found),
        **{name: f"least {min(c):.1f}, mean {np.mean(c):.1f} dB" for name, c in columns.items()},
    }


def figures(painted: Array, traced: Array, cover: Array, share: Array) -> dict[str, float]:
    """PSNR in dB of the frame, and of its parts alone.

    Args:
        cover: (H, W) of the object in each pixel.
        share: (H, W) of its light that the ground gets.
    """
    outside = cover < 1 / 255
    parts = {
        "frame": np.ones_like(outside),
        "background in full light": outside & (share > 0.97),
        "shadow": outside & (share <= 0.97),
        "outline": ~outside & (cover < OPAQUE),
    }
    off = ((painted - traced) / 255) ** 2
    return {
        name: round(float(-10 * np.log10(max((off * mine[..., None]).mean(), 1e-7))), 1)
        for name, mine in parts.items()
    }


class Bench:
    """A studio in which what is behind the object can be rendered, too."""

    def __init__(self, size: int, folder: Path) -> None:
        self.size = size
        self.folder = folder
        self.studio = scene.Studio()
        shown = self.displayed(np.repeat(RAMP[None, :, None], 3, axis=2))[0].mean(axis=1)
        self.curve = np.maximum.accumulate(shown) + 1e-6 * np.arange(
            len(RAMP)
        )  # what the film makes of greys

    def open(self, path: Path, described: dict[str, Any]) -> None:
        self.studio.open(
            protocol.Open(
                paths=[str(path.resolve())],
                scene=False,
                panoramas={},
                out=str(self.folder),
                jpeg_quality=100,
                pose="auto",
                cpu_limit_s=600,
                **described,
            )
        )

    def frames(self, view: protocol.Record) -> tuple[Array, Array, Array, Array]:
        """A view of the open object, painted and traced, (H, W, 3) in 0..255.

        Then how much of each pixel the object covers, and the share of its light that the ground gets.
        """
        studio = self.studio
        behind = self._painted_behind(view)
        camera = cameras.read_back(studio.camera)
        rgba, mine, box = self._object(camera)
        painted = behind.astype(np.float64)
        inside = np.s_[box.top : box.bottom, box.left : box.right]
        painted[inside] = pictures.over(rgba, behind[inside], studio.lighting.film(), None)[1]
        whole = np.zeros((self.size, self.size, 4))
        whole[inside] = mine
        cover = whole[..., 3:]
        share = self._light_on_the_ground() if studio.ground is not None else np.ones_like(cover)
        place = studio.lighting.place
        if place is None:
            bare = self._radiance_behind()
            traced = self.displayed(whole[..., :3] + bare * share * (1 - cover))
        else:  # its colours are what is displayed, not what the film makes of them
            shown, on_ground = self._place(place, camera)
            share = np.where(on_ground[..., None], share, 1)
            own = self.linear(self.displayed(whole[..., :3] / np.maximum(cover, 1e-6)))
            traced = self.film(own * cover + self.linear(shown) * share * (1 - cover))
        self._clear()
        return painted, traced, cover[..., 0], share[..., 0]

    def _painted_behind(self, view: protocol.Record) -> Array:
        """(H, W, 3) uint8: by the engine's own methods, at the quality `draft`."""
        studio = self.studio
        named = protocol.NamedView(name="view", planned=view)
        self._quality(4, denoise=True)
        if studio.ground is not None:
            studio._cast_shadows(studio.ground, [named], self.size)
        studio.lighting.aim_lamps(np.asarray(view["world_from_camera"]))
        studio.lighting.set_up_view(studio.camera, view)
        return studio._behind("view", cameras.read_back(studio.camera), self.size)

    def _object(self, camera: protocol.Camera) -> tuple[Path, Array, pictures.Box]:
        """The object alone: the file as displayed, and its linear colours times alpha, and alpha."""
        studio = self.studio
        self._quality(OBJECT_PATHS, denoise=False)
        box = studio._box(camera, self.size)
        studio._crop(box, self.size)
        path = self.folder / "object.png"
        studio.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        return path, passes.take()["Combined"].astype(np.float64), box

    def _quality(self, samples: int, *, denoise: bool) -> None:
        threshold = 0.1 if denoise and samples < LIGHT_PATHS else 0.0
        self.studio._set_quality(
            protocol.Shoot(
                views=[],
                size_px=self.size,
                picture=True,
                samples=samples,
                denoise=denoise,
                adaptive_threshold=threshold,
                seed=1,
            )
        )

    def _whole_frame(self) -> Array:
        """(H, W, 4) linear."""
        self.studio.scene.render.use_border = False
        passes.end_session(self.studio.scene)
        bpy.ops.render.render()
        self.studio.scene.render.use_border = True
        return passes.take()["Combined"].astype(np.float64)

    def _light_on_the_ground(self) -> Array:
        """(H, W, 1) share of the light that is there without the object; 1 where there is no ground."""
        ground = self.studio.ground
        assert ground is not None
        things = self.studio.parts[0].things
        self._quality(LIGHT_PATHS, denoise=True)
        ground.thing.hide_render = False
        lit = []
        for hidden in (False, True):
            for thing in things:
                thing.visible_camera = False
                thing.hide_render = hidden
            lit.append(self._whole_frame())
        ground.thing.hide_render = True
        there = (lit[0][..., 3] > OPAQUE) & (lit[1][..., 3] > OPAQUE)
        share = np.clip(lit[0][..., 1] / np.maximum(lit[1][..., 1], 1e-9), 0, 1)
        return np.asarray(np.where(there, share, 1)[..., None])

    def _radiance_behind(self) -> Array:
        """(H, W, 3): what the film sees behind the object, in full light."""
        light = self.studio.lighting
        for thing in self.studio.parts[0].things:
            thing.hide_render = True
        self._quality(TRACED_PATHS, denoise=False)
        if light.background["kind"] == "ground":
            colour = glass.radiance_of(light.background["rgb"], self.folder)
            return np.broadcast_to(np.asarray(colour), (self.size, self.size, 3))
        if light.dome is not None:
            self._dome()
            return self._whole_frame()[..., :3]
        self.studio.scene.render.film_transparent = False
        seen = self._whole_frame()[..., :3]
        self.studio.scene.render.film_transparent = True
        return seen

    def _dome(self) -> None:
        """A floor and a half sphere that shine as the panorama does from where it was taken."""
        light = self.studio.lighting
        assert light.dome is not None and light.lit is not None
        dome = light.dome
        image, mean = light.hdris[light.lit["name"]]
        made, nodes, links = _material()
        where = nodes.new("ShaderNodeNewGeometry")
        from_eye = nodes.new("ShaderNodeVectorMath")
        turn = nodes.new("ShaderNodeMapping")
        look = nodes.new("ShaderNodeTexEnvironment")
        from_eye.operation = "SUBTRACT"
        from_eye.inputs[1].default_value = (0, 0, dome.ground + dome.eye)
        turn.inputs["Rotation"].default_value[2] = np.radians(light.lit["rotation_deg"])
        look.image = image
        links.new(where.outputs["Position"], from_eye.inputs[0])
        links.new(from_eye.outputs[0], turn.inputs["Vector"])
        links.new(turn.outputs[0], look.inputs["Vector"])
        _shine(nodes, links, look.outputs[0], light.lit["strength"] / mean)
        azimuth, elevation = np.meshgrid(np.linspace(0, 2 * np.pi, AROUND), np.linspace(0, np.pi / 2, UP))
        flat = np.cos(elevation)
        points = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=-1)
        corners = dome.radius * points.reshape(-1, 3) + [0, 0, dome.ground]
        first = [row * AROUND + column for row in range(UP - 1) for column in range(AROUND - 1)]
        sphere = [(i, i + 1, i + 1 + AROUND, i + AROUND) for i in first]
        self._show(corners.tolist(), [*sphere, tuple(range(AROUND - 1))], made)

    def _place(self, place: places.Place, camera: protocol.Camera) -> tuple[Array, Array]:
        """A procedural place by meshes, (H, W, 3) in 0..255, and where its ground is seen."""
        light = self.studio.lighting
        assert light.lit is not None
        for thing in self.studio.parts[0].things:
            thing.hide_render = True
        self._quality(TRACED_PATHS, denoise=False)
        for number, box in enumerate(place.boxes):
            for side in range(6):
                self._face(place, box, number, side)
        traced = self._whole_frame()
        pose = np.asarray(camera.world_from_camera)
        painted = painting.paint(place, pose, np.asarray(camera.intrinsics), self.size)
        gain = (light.lit["strength"] / lighting.MIDDLE_STRENGTH) ** (1 / 2.2)
        mesh = traced[..., 3:] > OPAQUE  # the sky is none
        return np.clip(np.where(mesh, traced[..., :3], painted.rgb) * 255 * gain, 0, 255), painted.on_ground

    def _face(self, place: places.Place, box: places.Box, number: int, side: int) -> None:
        """One face of a box, with its textures at their full size."""
        across, up = painting.AXES[side]
        axis = 3 - across - up
        wide = box.high[across] - box.low[across]
        tall = box.high[up] - box.low[up]
        if number == places.ROOM and np.isfinite(place.wall_height):
            if side == places.FACES.index("top"):
                return
            if side < places.FACES.index("bottom"):
                tall = place.wall_height - box.low[2]
        scale = place.metres_per_unit / box.finishes[side].tile.side_m
        corners = []
        tile = []
        whole = []
        for right, rise in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corner = np.empty(3)
            corner[axis] = box.high[axis] if side % 2 else box.low[axis]
            corner[across] = box.low[across] + right * wide
            corner[up] = box.low[up] + rise * tall
            corners.append((place.place_from_world.T @ corner).tolist())
            # rows of the pictures count downwards; Blender's v upwards
            tile.append((right * wide * scale, 1 + rise * tall * scale))
            whole.append((right, rise))
        mesh = self._show(corners, [(0, 1, 2, 3)], _finish(box.finishes[side]))
        for name, values in (("tile", tile), ("whole", whole)):
            layer = mesh.uv_layers.new(name=name)
            layer.uv.foreach_set("vector", np.array(values, np.float32).ravel())

    def _show(self, corners: list[Any], faces: list[tuple[int, ...]], material: Any) -> Any:
        """A mesh that the camera sees and that lights nothing."""
        mesh = bpy.data.meshes.new(NAME)
        mesh.from_pydata(corners, [], faces)
        mesh.materials.append(material)
        thing = bpy.data.objects.new(NAME, mesh)
        for ray in ("diffuse", "glossy", "transmission", "volume_scatter", "shadow"):
            setattr(thing, f"visible_{ray}", False)
        self.studio.scene.collection.objects.link(thing)
        return mesh

    def _clear(self) -> None:
        for kind in (bpy.data.objects, bpy.data.images, bpy.data.materials, bpy.data.meshes):
            for block in list(kind):
                if block.name.startswith(NAME):
                    kind.remove(block)

    def displayed(self, radiance: Array) -> Array:
        """(H, W, 3) in 0..255: as the film shows it."""
        rgba = np.ones((*radiance.shape[:2], 4), np.float32)
        rgba[..., :3] = radiance
        return backdrop.hdri_as_displayed(rgba[::-1], 1.0, self.folder / "shown.png").astype(np.float64)

    def linear(self, shown: Array) -> Array:
        """Radiances of greys that the film shows so."""
        return np.asarray(np.exp(np.interp(shown, self.curve, np.log(RAMP))))

    def film(self, radiance: Array) -> Array:
        return np.asarray(np.interp(np.log(np.maximum(radiance, RAMP[0])), np.log(RAMP), self.curve))


def _material() -> tuple[Any, Any, Any]:
    made = bpy.data.materials.new(NAME)
    made.node_tree.nodes.clear()
    return made, made.node_tree.nodes, made.node_tree.links


def _shine(nodes: Any, links: Any, colour: Any, strength: float) -> None:
    shine = nodes.new("ShaderNodeEmission")
    output = nodes.new("ShaderNodeOutputMaterial")
    shine.inputs["Strength"].default_value = strength
    links.new(colour, shine.inputs[0])
    links.new(shine.outputs[0], output.inputs[0])


def _finish(finish: places.Finish) -> Any:
    """A tile, what is painted over it, and how bright it is where."""
    made, nodes, links = _material()

    def texture(planes: Array, uv: str, extension: str) -> Any:
        node = nodes.new("ShaderNodeTexImage")
        where = nodes.new("ShaderNodeUVMap")
        node.image = _image(planes)
        node.extension = extension
        where.uv_map = uv
        links.new(where.outputs[0], node.inputs[0])
        return node

    def mixed(kind: str, a: Any, b: Any, factor: Any = None) -> Any:
        node = nodes.new("ShaderNodeMix")
        node.data_type = "RGBA"
        node.blend_type = kind
        node.clamp_factor = False
        node.inputs[0].default_value = 1.0
        if factor is not None:
            links.new(factor, node.inputs[0])
        links.new(a, node.inputs[6])
        links.new(b, node.inputs[7])
        return node.outputs[2]

    colour = texture(finish.tile.pyramid.levels[0], "tile", "REPEAT").outputs[0]
    if finish.canvas is not None:
        painted = texture(finish.canvas.levels[0], "whole", "EXTEND")
        keep = nodes.new("ShaderNodeMath")
        keep.operation = "SUBTRACT"
        keep.inputs[0].default_value = 1.0
        links.new(painted.outputs[1], keep.inputs[1])
        black = nodes.new("ShaderNodeRGB")
        black.outputs[0].default_value = (0, 0, 0, 1)
        kept = mixed("MIX", black.outputs[0], colour, keep.outputs[0])
        colour = mixed("ADD", kept, painted.outputs[0])
    shade = texture(np.repeat(finish.shade[None], 3, axis=0), "whole", "EXTEND")
    _shine(nodes, links, mixed("MULTIPLY", colour, shade.outputs[0]), 1.0)
    return made


def _image(planes: Array) -> Any:
    """Of (channels, H, W) numbers."""
    channels, height, width = planes.shape
    rgba = np.ones((height, width, 4), np.float32)
    rgba[..., :channels] = planes.transpose(1, 2, 0)
    made = bpy.data.images.new(NAME, width, height, float_buffer=True, alpha=True)
    made.colorspace_settings.name = "Non-Color"
    made.alpha_mode = "CHANNEL_PACKED"
    made.pixels.foreach_set(np.ascontiguousarray(rgba[::-1]).ravel())
    made.update()
    return made


if __name__ == "__main__":
    main()
