"""Are backgrounds painted as Cycles would trace them? `python benchmarks/traced.py SOURCE [--pictures DIR]`.

Whole frames with the object and its shadow: painted as the engine paints them at `draft`, and traced. In the
traced ones, floor, dome, walls and boxes are meshes with textures; light on the ground is rendered from the
view's own camera, with and without the object; and object, background and shadow are mixed in linear light,
before the film. The object has the same paths in both, so that only what is painted differs.

Each part of the error is also given alone: the PSNR that the frame would have if all the rest were right.
"two references" is the PSNR between two traced frames of different seeds, which bounds what can be asked.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

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
TRACED_PATHS = 64  # of what is behind it
LIGHT_PATHS = 32  # of the light on the ground, which is denoised
BARE_PATHS = 4  # of the light on an empty ground, which is the same everywhere
SEEDS = (2, 3)  # of the two references
ROUNDS = 30  # of the search for a colour's radiance
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
    parser.add_argument(
        "--references", type=Path, help="folder that keeps traced frames, and whose frames are used again"
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
                kept = arguments.references and arguments.references / f"{row}-{number}-{arguments.size}.npz"
                frames = bench.frames(view_set.views[0].model_dump(mode="json"), kept)
                rows[row].append(figures(frames))
                print(f"{row}-{number} {thing.record.uid} {rows[row][-1]}", file=sys.stderr, flush=True)
                if arguments.pictures:
                    difference = np.clip(8 * np.abs(frames.painted - frames.traced[0]), 0, 255)
                    sheet = np.concatenate([frames.traced[0], frames.painted, difference], axis=1)
                    Image.fromarray(np.rint(sheet).astype(np.uint8)).save(
                        arguments.pictures / f"{row}-{number}.png"
                    )
    print(json.dumps({row: summary(found) for row, found in rows.items()}, indent=1))


class Frames(NamedTuple):
    """A view, painted and traced; pictures are in 0..255."""

    painted: Array  # (H, W, 3)
    traced: Array  # (seeds, H, W, 3)
    cover: Array  # (H, W) of the object in each pixel
    share: Array  # (H, W) of its light that the ground gets


def summary(found: list[dict[str, float]]) -> dict[str, Any]:
    """Least and median of each figure."""
    columns = {name: [row[name] for row in found] for name in found[0]}
    return {
        "views": len(found),
        **{name: f"least {min(c):.1f}, median {np.median(c):.1f} dB" for name, c in columns.items()},
    }


def figures(frames: Frames) -> dict[str, float]:
    """PSNR in dB of the frame, of its parts alone, and of one reference against the other."""
    outside = frames.cover < 1 / 255
    one, two = frames.traced
    full_light = frames.share > 0.97
    parts = {
        "frame": np.ones_like(outside),
        "background in full light": outside & full_light,
        "shadow": outside & ~full_light,
        "outline": ~outside & (frames.cover < OPAQUE),
    }
    return {
        **{name: psnr(frames.painted, one, mine) for name, mine in parts.items()},
        "two references": psnr(two, one, parts["frame"]),
    }


def psnr(one: Array, two: Array, mine: Array) -> float:
    """In dB, of pictures that differ in some of their pixels (H, W) only."""
    off = ((one - two) / 255) ** 2 * mine[..., None]
    return round(float(-10 * np.log10(max(off.mean(), 1e-7))), 1)


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

    def frames(self, view: protocol.Record, kept: Path | None) -> Frames:
        """A view of the open object.

        Args:
            kept: file of its traced frames, which is written if there is none.
        """
        studio = self.studio
        behind = self._painted_behind(view)
        camera = cameras.read_back(studio.camera)
        rgba, mine, box = self._object(camera)
        painted = behind.astype(np.float64)
        inside = np.s_[box.top : box.bottom, box.left : box.right]
        film = studio.lighting.film()
        painted[inside] = pictures.over(rgba, behind[inside], film, None, denoised=False)[1]
        whole = np.zeros((self.size, self.size, 4))
        whole[inside] = mine
        if kept is not None and kept.is_file():
            traced, share = np.load(kept).values()
        else:
            traced, share = self._traced(whole, camera)
            self._clear()
        if kept is not None:
            np.savez(kept, traced=traced, share=share)
        return Frames(painted, traced, whole[..., 3], share[0].mean(axis=-1))

    def _traced(self, whole: Array, camera: protocol.Camera) -> tuple[Array, Array]:
        """The frame (seeds, H, W, 3) in 0..255, and the share (seeds, H, W, 3) of its light on the ground.

        Args:
            whole: (H, W, 4) linear colours times alpha, and alpha, of the object.
        """
        studio = self.studio
        cover = whole[..., 3:]
        share = np.ones((len(SEEDS), *cover.shape))
        if studio.ground is not None:
            share = self._light_on_the_ground()
        light = studio.lighting
        shown = np.asarray(light.background["rgb"])
        if light.place is not None:
            shown, on_ground = self._place(light.place, camera)
            share = np.where(on_ground[..., None], share, 1)
        elif light.background["kind"] != "ground" or self._radiance_of(shown).min() > 0:
            bare = self._radiance_behind()
            return self.displayed(whole[..., :3] + bare * share * (1 - cover)), share
        # the colours of a place, and strong ones of a floor, are what is displayed: no light looks like them
        own = self.linear(self.displayed(whole[..., :3] / np.maximum(cover, 1e-6)))
        return self.film(own * cover + self.linear(shown) * share * (1 - cover)), share

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

    def _quality(self, samples: int, *, denoise: bool, seed: int = 1) -> None:
        threshold = 0.1 if denoise and samples < LIGHT_PATHS else 0.0
        self.studio._set_quality(
            protocol.Shoot(
                views=[],
                size_px=self.size,
                picture=True,
                samples=samples,
                denoise=denoise,
                adaptive_threshold=threshold,
                seed=seed,
            )
        )

    def _whole_frames(self, samples: int, *, denoise: bool) -> Array:
        """(seeds, H, W, 4) linear."""
        self.studio.scene.render.use_border = False
        seen = []
        for seed in SEEDS:
            self._quality(samples, denoise=denoise, seed=seed)
            passes.end_session(self.studio.scene)
            bpy.ops.render.render()
            seen.append(passes.take()["Combined"].astype(np.float64))
        self.studio.scene.render.use_border = True
        return np.stack(seen)

    def _light_on_the_ground(self) -> Array:
        """(seeds, H, W, 3) share of the light that an empty ground gets; 1 where there is no ground."""
        ground = self.studio.ground
        assert ground is not None
        things = self.studio.parts[0].things
        ground.thing.hide_render = False
        for thing in things:
            thing.visible_camera = False
        lit = self._whole_frames(LIGHT_PATHS, denoise=True)
        for thing in things:
            thing.hide_render = True
        bare = self._whole_frames(BARE_PATHS, denoise=False)
        ground.thing.hide_render = True
        there = bare[..., 3] > OPAQUE
        # an empty floor is lit evenly
        full = bare[there][:, :3].mean(axis=0) if there.any() else np.ones(3)
        return np.asarray(np.where(there[..., None], lit[..., :3] / full, 1))

    def _radiance_behind(self) -> Array:
        """(seeds, H, W, 3): what the film sees behind the object, in full light."""
        light = self.studio.lighting
        for thing in self.studio.parts[0].things:
            thing.hide_render = True
        if light.background["kind"] == "ground":
            colour = self._radiance_of(np.asarray(light.background["rgb"]))
            return np.broadcast_to(colour, (len(SEEDS), self.size, self.size, 3))
        if light.dome is not None:
            self._dome()
            return self._whole_frames(TRACED_PATHS, denoise=False)[..., :3]
        self.studio.scene.render.film_transparent = False
        seen = self._whole_frames(TRACED_PATHS, denoise=False)[..., :3]
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
        """A procedural place by meshes, (seeds, H, W, 3) in 0..255, and where its ground is seen."""
        light = self.studio.lighting
        assert light.lit is not None
        for thing in self.studio.parts[0].things:
            thing.hide_render = True
        for number, box in enumerate(place.boxes):
            for side in range(6):
                self._face(place, box, number, side)
        traced = self._whole_frames(TRACED_PATHS, denoise=False)
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
        """(..., W, 3) in 0..255: as the film shows it."""
        rgba = np.ones((*radiance.shape[:-1], 4), np.float32)
        rgba[..., :3] = radiance
        rows = rgba.reshape(-1, *rgba.shape[-2:])[::-1]
        shown = backdrop.hdri_as_displayed(rows, 1.0, self.folder / "shown.png")
        return shown.reshape(radiance.shape).astype(np.float64)

    def _radiance_of(self, rgb: Array) -> Array:
        """(3,) what the film displays as a colour: for strong ones, some channel is negative."""
        radiance = np.asarray(glass.radiance_of(rgb.tolist(), self.folder))
        for _ in range(ROUNDS):
            shown = self.displayed(radiance[None, None])[0, 0]
            radiance = radiance + 0.7 * (self.linear(rgb) - self.linear(shown))
        return radiance

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
