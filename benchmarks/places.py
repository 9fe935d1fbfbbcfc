"""Are places right, and what do they cost? `python benchmarks/places.py SOURCE PART`; a part is a function.

cost      CPU-seconds per view of the mix of backgrounds before places were there against the default one,
          from the same objects before each kind of background in turn.
parallax  Points of the background that OpenCV projects from one picture into the other, against where an
          optical flow finds them.
traced    What is painted of procedural places against a render of the same walls and boxes by Cycles.
contact   How far the lowest vertex of real objects is from the surface that they stand on.
count     Distinct places in 5,000 plans, and those in two splits.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from render_scenes import painting, places
from viewpoint100k import objects as sources
from viewpoint100k.config import RunConfig, load_config
from viewpoint100k.design import design
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.geometry.cameras import look_at, position_on_sphere
from viewpoint100k.plan import generator, plan_views
from viewpoint100k.records import Location, ObjectRecord, SourceObject, Split, ViewSet

BEFORE = {"hdri": 35, "blurred": 15, "plain": 25, "gradient": 15, "ground": 10, "panorama": 0, "place": 0}
CATEGORIES = ("mug", "lamp", "book", "chair", "table", "cabinet", "car", "truck", "boat")
TRAIN: Split = "train"
SPLITS: tuple[Split, ...] = (*[TRAIN] * 8, "validation", "test")
KINDS = ("table", "room", "yard")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="a folder of .glb, or builtin:")
    parser.add_argument("part", choices=["cost", "parallax", "traced", "contact", "count"])
    parser.add_argument("--objects", type=int, default=111)
    parser.add_argument("--pairs", type=int, default=3, help="of each object")
    parser.add_argument("--size", type=int, default=512)
    arguments = parser.parse_args()
    part = {"cost": cost, "parallax": parallax, "traced": traced, "contact": contact, "count": count}
    print(json.dumps(part[arguments.part](arguments), indent=1))


def _config(source: str, size_px: int, shares: Mapping[str, float] | None) -> RunConfig:
    overrides = [f"render.size_px={size_px}", "render.quality=draft", "render.deadline_s=36000"]
    if shares is not None:
        overrides.append(f"render.backgrounds={dict(shares)}")
    return load_config("viewpoint-6dof", overrides, source=source)


def _things(config: RunConfig, wanted: int) -> list[SourceObject]:
    listing = sources.list_objects(config.source, wanted=wanted, seed=0, budgets=config.files)
    return list(listing.objects[:wanted])


def _visit(config: RunConfig, thing: SourceObject, pairs: int) -> ViewSet:
    codes = design(config.plan, config.gates, pairs, generator(0, thing.record.uid))
    return plan_views(config, thing, 0, codes)


def _location(view_set: ViewSet) -> Location:
    assert view_set.background.place is not None
    return view_set.background.place


# --- cost --------------------------------------------------------------------------------------------


def cost(arguments: argparse.Namespace) -> dict[str, object]:
    """Each object before each kind of background in turn, so that a busy machine slows all; then both mixes."""
    shares = {name: dict.fromkeys(BEFORE, 0) | {name: 1} for name in BEFORE}
    configs = {name: _config(arguments.source, arguments.size, only) for name, only in shares.items()}
    settings = configs["plain"]
    spent, views = defaultdict[str, float](float), defaultdict[str, int](int)
    painted = defaultdict[str, float](float)
    with tempfile.TemporaryDirectory() as scratch, Engine(settings.render, Path(scratch)) as engine:
        for thing in _things(settings, arguments.objects):
            path, _ = sources.fetch_object(thing, arguments.source, Path(scratch), settings.files)
            for name, config in configs.items():
                rendered = engine.render(_visit(config, thing, arguments.pairs), path)
                if isinstance(rendered, Rendered) and rendered.views:
                    spent[name] += sum(rendered.cpu_s.values())
                    painted[name] += rendered.cpu_s["views"]
                    views[name] += len(rendered.views)
    mixes = {"before": BEFORE, "now": RunConfig().render.backgrounds.model_dump()}
    whole = {name: spent[name] / views[name] for name in views}
    means = {
        mix: sum(share * whole[name] for name, share in kinds.items()) / sum(kinds.values())
        for mix, kinds in mixes.items()
    }
    return {
        "views": dict(views),
        "CPU-s per view, views alone": {name: round(painted[name] / views[name], 3) for name in views},
        "CPU-s per view, everything": {name: round(seconds, 3) for name, seconds in whole.items()},
        **{mix: round(seconds, 3) for mix, seconds in means.items()},
        "ratio": round(means["now"] / means["before"], 3),
    }


# --- parallax ----------------------------------------------------------------------------------------


def parallax(arguments: argparse.Namespace) -> dict[str, object]:
    """Features of one painted picture, projected into the other by OpenCV, against Lucas-Kanade flow."""
    import cv2

    shares = {**dict.fromkeys(BEFORE, 0), "place": 1}
    config = _config("builtin:", 320, shares)
    off, per_pair, empty = [], [], 0
    for number in range(arguments.objects):
        category = CATEGORIES[number % len(CATEGORIES)]
        record = ObjectRecord(uid=f"{category}-{number}", category=category)
        view_set = _visit(config, SourceObject(record=record), 2)
        if not view_set.pairs:
            continue
        pair = view_set.pairs[0]
        place = places.build(places.Plan(**_location(view_set).model_dump(), ground=-0.4))
        shots = [_shot(place, view_set, view) for view in (pair.first, pair.second)]
        found = _flow_errors(cv2, *shots)
        if len(found) < 8:
            empty += 1
            continue
        off += found.tolist()
        per_pair.append(float(np.median(found)))
    return {
        "pairs": len(per_pair),
        "pairs with too few features in common": empty,
        "features": len(off),
        "median px": round(float(np.median(off)), 3),
        "features within 0.5 px": round(float(np.mean(np.array(off) < 0.5)), 3),
        "pairs whose median is within 0.5 px": round(float(np.mean(np.array(per_pair) < 0.5)), 3),
    }


def _shot(
    place: places.Place, view_set: ViewSet, number: int
) -> tuple[np.ndarray, np.ndarray, painting.Painted]:
    view = view_set.views[number]
    focal = 160 / np.tan(np.radians(view.hfov_deg / 2))
    intrinsics = np.array([[focal, 0, 160], [0, focal, 160], [0, 0, 1.0]])
    pose = np.array(view.world_from_camera)
    return pose, intrinsics, painting.paint(place, pose, intrinsics, 320)


def _flow_errors(cv2, one, two) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Pixels from where a feature is found to where it is projected, warped first so that both look alike."""
    (pose, intrinsics, painted), (other_pose, other_intrinsics, other) = one, two
    height, width = painted.depth.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(intrinsics).T
    world = (rays * painted.depth[..., None]) @ pose[:3, :3].T + pose[:3, 3]
    inverse = np.linalg.inv(other_pose)
    turned, _ = cv2.Rodrigues(inverse[:3, :3])
    flat = world.reshape(-1, 3)
    there, _ = cv2.projectPoints(flat, turned, inverse[:3, 3], other_intrinsics, None)
    z = (flat @ inverse[:3, :3].T + inverse[:3, 3])[:, 2].reshape(height, width)
    maps = there.reshape(height, width, 2).astype(np.float32)
    greys = [
        cv2.cvtColor((np.clip(shot.rgb, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
        for shot in (painted, other)
    ]
    warped = cv2.remap(greys[1], maps[..., 0] - 0.5, maps[..., 1] - 0.5, cv2.INTER_LINEAR)
    depth = cv2.remap(other.depth, maps[..., 0] - 0.5, maps[..., 1] - 0.5, cv2.INTER_NEAREST, borderValue=-1)
    seen = (np.abs(depth / np.maximum(z, 1e-6) - 1) < 0.01) & (painted.depth < 1e3) & (z > 0)
    seen = cv2.erode(seen.astype(np.uint8), np.ones((15, 15))) > 0
    corners = cv2.goodFeaturesToTrack(greys[0], 300, 0.01, 5, mask=seen.astype(np.uint8))
    if corners is None:
        return np.zeros(0)
    found, status, _ = cv2.calcOpticalFlowPyrLK(greys[0], warped, corners, None, winSize=(11, 11), maxLevel=1)
    return np.asarray(np.linalg.norm(found - corners, axis=2)[status == 1])


# --- against Cycles ------------------------------------------------------------------------------------


def traced(arguments: argparse.Namespace) -> dict[str, object]:
    """Four views of each sort of place, painted and traced, without the object."""
    out = {}
    with tempfile.TemporaryDirectory() as scratch:
        asked, painted = [], {}
        for kind, metres in zip(KINDS, (0.15, 0.9, 4.5), strict=True):
            for number in range(4):
                place = places.build(places.Plan(kind, 40 + number, metres, 3.4, 2.0, -0.35))
                pose = look_at(
                    position_on_sphere(75 * number, 12 + 8 * number, 2.4), np.array([0.2, 0.1, 0.0])
                )
                focal = 0.5 * arguments.size / np.tan(np.radians(32))
                middle = arguments.size / 2
                intrinsics = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
                name = f"{kind}-{number}"
                rgb = painting.paint(place, pose, intrinsics, arguments.size).rgb
                painted[name] = np.clip(rgb, 0, 1)
                asked.append(
                    {
                        "name": name,
                        "plan": [kind, 40 + number, metres, 3.4, 2.0, -0.35],
                        "pose": pose.tolist(),
                    }
                )
        command = [sys.executable, "-c", TRACE, json.dumps([scratch, arguments.size, asked])]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for name, picture in painted.items():
            wanted = np.load(Path(scratch) / f"{name}.npy")
            seen = wanted[..., 3] > 0.999  # the sky is no mesh
            wanted = wanted[..., :3]
            error = float(((np.clip(wanted, 0, 1) - picture)[seen] ** 2).mean())
            out[name] = round(-10 * float(np.log10(max(error, 1e-12))), 2)
    values = list(out.values())
    return {"PSNR dB": out, "least": min(values), "mean": round(float(np.mean(values)), 2)}


TRACE = """
import json, sys
import bpy
import numpy as np
from mathutils import Matrix
from render_scenes import camera as cameras, painting, passes, places, scene

folder, size, asked = json.loads(sys.argv[1])
studio = scene.Studio()
studio.scene.view_settings.view_transform = "Raw"
render = studio.scene.render
render.resolution_x = render.resolution_y = size
render.use_border = False
studio.scene.cycles.samples, studio.scene.cycles.use_denoising = 64, False
studio.scene.cycles.use_adaptive_sampling = False
studio.scene.cycles.pixel_filter_type = "BOX"
studio.scene.cycles.filter_width = 1.0


def image(name, pixels):
    rgba = np.ones((*pixels.shape[1:], 4), np.float32)
    rgba[..., : len(pixels)] = pixels.transpose(1, 2, 0)
    made = bpy.data.images.new(name, pixels.shape[1], pixels.shape[0], float_buffer=True, alpha=True)
    made.colorspace_settings.name, made.alpha_mode = "Non-Color", "CHANNEL_PACKED"
    made.pixels.foreach_set(np.ascontiguousarray(rgba[::-1]).ravel())
    made.update()
    return made


def material(finish):
    made = bpy.data.materials.new("face")
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()

    def texture(pixels, uv, extension):
        node, where = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeUVMap")
        node.image, node.extension, where.uv_map = image("face", pixels), extension, uv
        links.new(where.outputs[0], node.inputs[0])
        return node

    def mixed(kind, a, b, factor=None):
        node = nodes.new("ShaderNodeMix")
        node.data_type, node.blend_type, node.clamp_factor = "RGBA", kind, False
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
        colour = mixed("ADD", mixed("MIX", black.outputs[0], colour, keep.outputs[0]), painted.outputs[0])
    shade = np.repeat(finish.shade[None], 3, axis=0)
    colour = mixed("MULTIPLY", colour, texture(shade, "whole", "EXTEND").outputs[0])
    shine, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    links.new(colour, shine.inputs[0])
    links.new(shine.outputs[0], output.inputs[0])
    return made


def face(place, box, number, side):
    across, up = painting.AXES[side]
    axis = 3 - across - up
    low, high = box.low.copy(), box.high.copy()
    wide, tall = high[across] - low[across], high[up] - low[up]
    if number == 0 and np.isfinite(place.wall_height):
        if side == 5:
            return
        if side < 4:
            tall = place.wall_height - low[2]
    corners, tile, whole = [], [], []
    scale = place.metres_per_unit / box.finishes[side].tile.side_m
    for right, rise in ((0, 0), (1, 0), (1, 1), (0, 1)):
        corner = np.empty(3)
        corner[axis] = high[axis] if side % 2 else low[axis]
        corner[across], corner[up] = low[across] + right * wide, low[up] + rise * tall
        corners.append(place.place_from_world.T @ corner)
        # rows of the pictures count downwards; Blender's v upwards
        tile.append((right * wide * scale, 1 + rise * tall * scale))
        whole.append((right, rise))
    mesh = bpy.data.meshes.new("face")
    mesh.from_pydata([tuple(c) for c in corners], [], [(0, 1, 2, 3)])
    for name, values in (("tile", tile), ("whole", whole)):
        layer = mesh.uv_layers.new(name=name)
        layer.uv.foreach_set("vector", np.array(values, np.float32).ravel())
    mesh.materials.append(material(box.finishes[side]))
    studio.scene.collection.objects.link(bpy.data.objects.new("face", mesh))


studio.camera.data.clip_end = 1e5
for shot in asked:
    place = places.build(places.Plan(*shot["plan"]))
    for number, box in enumerate(place.boxes):
        for side in range(6):
            face(place, box, number, side)
    cameras.place(studio.camera, shot["pose"], 64.0)
    bpy.context.view_layer.update()
    bpy.ops.render.render()
    np.save(f"{folder}/{shot['name']}.npy", passes.take()["Combined"])
    studio._forget()
    for kind in (bpy.data.images, bpy.data.materials, bpy.data.meshes):
        for block in list(kind):
            if block.name.startswith("face"):
                kind.remove(block)
"""


# --- contact and count ---------------------------------------------------------------------------------


def contact(arguments: argparse.Namespace) -> dict[str, object]:
    """Vertices as Blender has them against the surface that is painted, for real objects."""
    config = _config(arguments.source, 64, {**dict.fromkeys(BEFORE, 0), "place": 1})
    things = _things(config, arguments.objects)
    with tempfile.TemporaryDirectory() as scratch:
        paths = [
            str(sources.fetch_object(thing, arguments.source, Path(scratch), config.files)[0].resolve())
            for thing in things
        ]
        locations = [_location(_visit(config, thing, 1)).model_dump() for thing in things]
        command = [sys.executable, "-c", CONTACT, json.dumps([paths, locations])]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith("##")]
    off = [abs(row["ground"] - row["lowest"]) / row["height"] for row in rows]
    return {
        "objects": len(rows),
        "largest gap over height": max(off),
        "objects that reach beyond the clear circle": sum(row["reach"] > row["clear"] for row in rows),
    }


CONTACT = """
import json, sys
import bpy
import numpy as np
from render_scenes import protocol, scene

paths, locations = json.loads(sys.argv[1])
studio = scene.Studio()
light = {"name": "place", "panorama": None, "rotation_deg": 0, "strength": 0.5, "lamps": []}
for path, location in zip(paths, locations):
    background = {"kind": "place", "place": location, "rgb": [0, 0, 0], "rgb_below": [0, 0, 0]}
    try:
        studio.open(protocol.Open(paths=[path], scene=False, panoramas={}, out="/tmp", lights=[light], background=background,
                                  jpeg_quality=90, pose="auto", cpu_limit_s=300))
    except Exception as error:
        continue
    found = []
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for thing in studio.parts[0].things:
        if thing.type == "MESH" and not thing.hide_render:
            mesh = thing.evaluated_get(depsgraph).to_mesh()
            used = sorted({v for polygon in mesh.polygons for v in polygon.vertices})
            found += [thing.matrix_world @ mesh.vertices[v].co for v in used]
    points = np.array(found)
    print("##" + json.dumps({"lowest": float(points[:, 2].min()), "height": float(np.ptp(points[:, 2])),
          "ground": float(studio.lighting.place.ground), "clear": location["clear_radius"],
          "reach": float(np.hypot(points[:, 0], points[:, 1]).max())}), flush=True)
"""


def count(arguments: argparse.Namespace) -> dict[str, object]:
    """Places of 5,000 visits, a tenth each for validation and test."""
    config = load_config("viewpoint-6dof")
    seeds = defaultdict[str, set[int]](set)
    for number in range(5000):
        split = SPLITS[number % 10]
        thing = SourceObject(record=ObjectRecord(uid=f"thing-{number}", category=CATEGORIES[number % 9]))
        view_set = plan_views(config, thing, 0, [], split)
        if view_set.background.kind == "place":
            seeds[split].add(_location(view_set).seed)
    shared = sum(
        len(one & other) for name, one in seeds.items() for key, other in seeds.items() if name < key
    )
    return {
        "distinct places": sum(map(len, seeds.values())),
        **{f"of {split}": len(found) for split, found in seeds.items()},
        "in two splits": shared,
    }


if __name__ == "__main__":
    main()
