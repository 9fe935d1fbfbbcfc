"""Are places right, and what do they cost? `python benchmarks/places.py SOURCE PART`; a part is a function.

cost      CPU-seconds per view of the mix of backgrounds before places were there against the default one,
          from the same objects before each kind of background in turn.
parallax  Points of the background that OpenCV projects from one picture into the other, against where an
          optical flow finds them; and whether SIFT matches of the background alone support the stated motion.
contact   How far the lowest vertex of real objects is from the surface that they stand on.
count     Distinct places in 5,000 plans, and those in two splits.
learning  A small classifier trained on each of two mixes and scored on unseen objects of both, and before
          plain backgrounds. SOURCE is a folder with datasets `old`, `new` and `plain`, rendered at 64 px.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from render_scenes import painting, protocol
from render_scenes.dome import dome_hits
from viewpoint100k import objects as sources
from viewpoint100k.config import RunConfig, load_config
from viewpoint100k.design import design
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.plan import generator, plan_views
from viewpoint100k.records import Location, ObjectRecord, PlannedView, SourceObject, Split, ViewSet

BEFORE = {"hdri": 35, "blurred": 15, "plain": 25, "gradient": 15, "ground": 10, "panorama": 0, "place": 0}
CATEGORIES = ("mug", "lamp", "book", "chair", "table", "cabinet", "car", "truck", "boat")
LOWEST = -0.4  # of an object, where it stands
TRAIN: Split = "train"
SPLITS: tuple[Split, ...] = (*[TRAIN] * 8, "validation", "test")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="a folder of .glb, or builtin:")
    parser.add_argument("part", choices=["cost", "parallax", "contact", "count", "learning"])
    parser.add_argument("--objects", type=int, default=111)
    parser.add_argument("--pairs", type=int, default=3, help="of each object")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--samples", type=int, default=20_000, help="that a classifier sees, in all")
    arguments = parser.parse_args()
    part = {"cost": cost, "parallax": parallax, "contact": contact, "count": count, "learning": learning}
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


class Shot(NamedTuple):
    """A picture of what is behind the object alone, without the object and its shadow."""

    pose: np.ndarray  # (4, 4) world_from_camera
    intrinsics: np.ndarray
    rgb: np.ndarray  # (H, W, 3) uint8
    depth: np.ndarray  # (H, W) along the camera's z; infinite where nothing is


def parallax(arguments: argparse.Namespace) -> dict[str, object]:
    """Backgrounds alone, as the engine paints them, of pairs of real plans: OpenCV's projections, and SIFT.

    For each pair, features of the first picture are projected into the second by `cv2.projectPoints`, from the
    depth of the background and the stated poses, and looked for there by an optical flow; and SIFT matches vote
    between the stated motion and the mirrored one. What is infinitely far knows of the turn only.
    """
    from render_scenes import scene

    lighting = scene.Studio().lighting
    rows: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("place", "panorama", "hdri"):
            config = _config("builtin:", arguments.size, {**dict.fromkeys(BEFORE, 0), kind: 1})
            rows[kind] = _of_pairs(kind, list(_shots(lighting, config, arguments, scratch)))
    return rows


def _shots(
    lighting: Any, config: RunConfig, arguments: argparse.Namespace, scratch: str
) -> Iterator[list[Shot]]:
    """Both pictures of the first pair of each visit."""
    for number in range(arguments.objects):
        category = CATEGORIES[number % len(CATEGORIES)]
        record = ObjectRecord(uid=f"{category}-{number}", category=category)
        view_set = _visit(config, SourceObject(record=record), 2)
        if not view_set.pairs:
            continue
        lighting.forget()
        described = view_set.model_dump(mode="json", include={"lights", "background"})
        files: dict[str, Any] = {"paths": [], "scene": False, "panoramas": {}, "out": scratch}
        lighting.begin(protocol.Open(**files, **described, jpeg_quality=92, pose="auto", cpu_limit_s=0))
        lighting.settle(LOWEST)
        pair = view_set.pairs[0]
        yield [_shot(lighting, view_set.views[view], arguments.size) for view in (pair.first, pair.second)]


def _shot(lighting: Any, view: PlannedView, size: int) -> Shot:
    focal = 0.5 * size / np.tan(np.radians(view.hfov_deg / 2))
    intrinsics = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1.0]])
    pose = np.array(view.world_from_camera)
    camera = protocol.Camera(
        world_from_camera=pose.tolist(), intrinsics=intrinsics.tolist(), hfov_deg=view.hfov_deg
    )
    lighting.switch(view.light)
    shown = lighting.behind(camera, size, None)
    if lighting.place is not None:
        depth = painting.paint(lighting.place, pose, intrinsics, size).depth
    elif lighting.dome is not None:
        x, y = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
        rays = np.linalg.inv(intrinsics) @ np.stack([x.ravel(), y.ravel(), np.ones(size * size)])
        depth = dome_hits(lighting.dome, pose[:3, 3], pose[:3, :3] @ rays).reshape(size, size)
    else:
        depth = np.full((size, size), 1e10)
    return Shot(pose, intrinsics, np.rint(shown).astype(np.uint8), depth)


def _of_pairs(kind: str, pairs: list[list[Shot]]) -> dict[str, object]:
    """Figures of one kind of background."""
    import cv2

    from viewpoint100k.photos import epipolar

    off = list[float]()
    medians = list[float]()
    verdicts = list[str]()
    for shots in pairs:
        found = _flow_errors(cv2, *shots) if kind != "hdri" else np.zeros(0)
        if len(found) >= 8:
            off += found.tolist()
            medians.append(float(np.median(found)))
        stated = epipolar.pair_from_poses(shots[0].pose, shots[1].pose)
        if kind == "hdri":
            stated = stated._replace(translation=np.zeros(3))
        wrong = epipolar.wrong_motions(stated).get("mirrored")
        if wrong is None:
            continue
        first, second = (_jpeg(cv2, shot.rgb) for shot in shots)
        both = (shots[0].intrinsics, shots[1].intrinsics)
        verdicts.append(epipolar.vote(stated, wrong, *epipolar.match(first, second), both).verdict)
    told = verdicts.count("stated")
    deciding = told + verdicts.count("wrong")
    out: dict[str, object] = {
        "pairs": len(pairs),
        "SIFT: pairs that decide between the stated motion and its mirror image": deciding,
        "SIFT: for the stated one": told,
    }
    if off:
        out |= {
            "projected: pairs with features in common": len(medians),
            "projected: features": len(off),
            "projected: median px": round(float(np.median(off)), 3),
            "projected: features within 0.5 px": round(float(np.mean(np.array(off) < 0.5)), 3),
            "projected: pairs whose median is within 0.5 px": sum(median < 0.5 for median in medians),
        }
    return out


def _jpeg(cv2: Any, rgb: np.ndarray) -> bytes:
    encoded: bytes = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    return encoded


def _flow_errors(cv2, one, two) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Pixels from where a feature is found to where it is projected, warped first so that both look alike."""
    (pose, intrinsics, rgb, here), (other_pose, other_intrinsics, other_rgb, other_depth) = one, two
    height, width = here.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(intrinsics).T
    world = (rays * here[..., None]) @ pose[:3, :3].T + pose[:3, 3]
    inverse = np.linalg.inv(other_pose)
    turned, _ = cv2.Rodrigues(inverse[:3, :3])
    flat = world.reshape(-1, 3)
    there, _ = cv2.projectPoints(flat, turned, inverse[:3, 3], other_intrinsics, None)
    z = (flat @ inverse[:3, :3].T + inverse[:3, 3])[:, 2].reshape(height, width)
    maps = there.reshape(height, width, 2).astype(np.float32)
    greys = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (rgb, other_rgb)]
    warped = cv2.remap(greys[1], maps[..., 0] - 0.5, maps[..., 1] - 0.5, cv2.INTER_LINEAR)
    depth = cv2.remap(
        other_depth.astype(np.float32),
        maps[..., 0] - 0.5,
        maps[..., 1] - 0.5,
        cv2.INTER_NEAREST,
        borderValue=-1,
    )
    seen = (np.abs(depth / np.maximum(z, 1e-6) - 1) < 0.01) & (here < 1e3) & (z > 0)
    seen = cv2.erode(seen.astype(np.uint8), np.ones((15, 15))) > 0
    corners = cv2.goodFeaturesToTrack(greys[0], 300, 0.01, 5, mask=seen.astype(np.uint8))
    if corners is None:
        return np.zeros(0)
    window = {"winSize": (11, 11), "maxLevel": 1}
    found, ahead, _ = cv2.calcOpticalFlowPyrLK(greys[0], warped, corners, None, **window)
    again, back, _ = cv2.calcOpticalFlowPyrLK(warped, greys[0], found, None, **window)
    # what is not found the other way around is not found
    sure = (ahead == 1) & (back == 1) & (np.linalg.norm(again - corners, axis=2) < 0.1)
    return np.asarray(np.linalg.norm(found - corners, axis=2)[sure])


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


def learning(arguments: argparse.Namespace) -> dict[str, object]:
    """Which way the camera went, told by `trainers/probe.py`, two seeds."""
    from trainers import probe

    folder = Path(arguments.source)

    def pairs(name: str, split: str) -> probe.Pairs:
        return probe.load_pairs(str(folder / name), split, "ego_translation", 32, fair=False)

    tests = {name: pairs(name, "test") for name in ("old", "new", "plain")}
    out: dict[str, object] = {"test pairs": {name: len(test.labels) for name, test in tests.items()}}
    for mix in ("old", "new"):
        data = pairs(mix, "train")
        for seed in (0, 1):
            _, results = probe.train(data, tests, samples=arguments.samples, seed=seed)
            scores = {f"on {name}": round(found.accuracy, 3) for name, found in results.items()}
            spent = round(results["new"].cpu_s)
            out[f"trained on {mix}, seed {seed}"] = {"pairs": len(data.labels), **scores, "CPU-s": spent}
    return out


if __name__ == "__main__":
    main()
