"""Do scenes hold what they promise, and what do they cost? `python benchmarks/scenes.py FOLDER [--scenes
300] [--events 0.3]`.

Composes scenes of a folder's objects, renders the views of one visit to each, and prints one table:

- no two objects meet: their meshes, read and placed by trimesh, are not in collision (needs python-fcl;
  without it, no cell of a fine grid holds surface of two), and how near they come;
- all rest on the ground: the lowest vertex by trimesh, over the object's height;
- masks are right: each mask's box against its object's vertices, projected by plain numpy; solo pixels
  against the area that OpenCV fills with the triangles of the mesh, for some that are partly hidden;
- objects that may be spoken of have the pixels and the visible share that the settings ask for;
- CPU-seconds per accepted view, and of the same objects one by one with the same settings.

Draco-compressed and skinned files are left out of what trimesh looks at: it cannot read or pose them.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial import ConvexHull  # type: ignore[import-untyped]
from scipy.spatial.distance import cdist  # type: ignore[import-untyped]

from viewpoint100k import objects as sources
from viewpoint100k.annotate import annotate, scene_now
from viewpoint100k.config import QUALITIES, RunConfig, load_config
from viewpoint100k.design import design
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.motions import family_of
from viewpoint100k.objects.gltf import check_gltf
from viewpoint100k.plan import generator, plan_views
from viewpoint100k.quality import portray, unchanged
from viewpoint100k.records import Provenance, Reject, Sample, SourceObject, ViewSet
from viewpoint100k.scenes.compose import compose
from viewpoint100k.shards import StoredSample, write_shard
from viewpoint100k.visit import OF_SCENES

YUP = np.array(
    [[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
)  # what Blender's importer does to glTF
FINER = 6  # times finer than the picture: OpenCV also fills what a triangle only touches
GRID = 0.004  # of a cell, in world units, where there is no collision library


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="of .glb files")
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--pairs", type=int, default=6, help="of each scene")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--quality", choices=QUALITIES, default="draft")
    parser.add_argument("--events", type=float, default=0.3)
    parser.add_argument(
        "--singles", type=int, default=60, help="objects that are rendered one by one, for their cost"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, help="a folder for shards of what was made, to look at; without questions"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    overrides = [f"render.size_px={arguments.size}", f"render.quality={arguments.quality}"]
    overrides += [
        f"plan.scenes.events={arguments.events}",
        "render.deadline_s=3600",
        "render.cpu_limit_s=3600",
    ]
    config = load_config("scenes", overrides, source=arguments.folder, seed=arguments.seed)
    listing = sources.list_objects(config.source, wanted=1, seed=0, budgets=config.files)
    with tempfile.TemporaryDirectory() as scratch:
        found = _scenes(config, list(listing.objects), arguments, Path(scratch))
        found |= _singles(config, list(listing.objects), arguments, Path(scratch))
    if arguments.singles:
        found["ratio"] = found["cpu_s_per_view"] / found["cpu_s_per_single_view"]
        found["ratio_to_rendered"] = found["cpu_s_per_view"] / found["cpu_s_per_single_view_rendered"]
    _print(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


def _print(found: dict[str, Any]) -> None:
    table = Table(title="Scenes")
    table.add_column("what")
    table.add_column("found", justify="right")
    for name, value in found.items():
        table.add_row(name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value))
    Console(width=140).print(table)


def _settings_of_single(config: RunConfig) -> RunConfig:
    return config.model_copy(update={"plan": config.plan.model_copy(update={"scenes": None})})


def _jobs(config: RunConfig, things: list[SourceObject], pairs: int) -> list[ViewSet]:
    codes = design(
        config.plan, config.gates, pairs * len(things), generator(config.seed, "motions", "benchmark")
    )
    codes = sorted(
        codes, key=lambda code: code.partition("/")[2]
    )  # as the pipeline has it: those of one event together
    out = []
    for i, thing in enumerate(things):  # again, as the pipeline does, where no cameras are found
        wanted = codes[i * pairs : (i + 1) * pairs]
        planned = [plan_views(config, thing, round_, wanted) for round_ in range(3)]
        out.append(next((one for one in planned if one.pairs), planned[0]))
    return out


# --- scenes ----------------------------------------------------------------------------------------


def _scenes(
    config: RunConfig, listed: list[SourceObject], arguments: argparse.Namespace, scratch: Path
) -> dict[str, Any]:
    assert config.plan.scenes is not None
    things = compose(
        config.plan.scenes, listed, arguments.scenes, generator(config.seed, "scenes", "benchmark")
    )
    gates = config.gates.model_copy(update=OF_SCENES)
    checks, count, drops, refused = (
        Checks(Path(arguments.folder)),
        Counter[str](),
        Counter[str](),
        list[str](),
    )
    parts_s = Counter[str]()
    used, cpu_s, kept = set[str](), 0.0, list[StoredSample]()
    with Engine(config.render, scratch / "engine") as engine:
        for view_set in _jobs(config, things, arguments.pairs):
            if not view_set.pairs:
                continue
            parts = view_set.object.parts
            paths = {number: Path(arguments.folder) / part.path for number, part in enumerate(parts)}
            portraits: list[Any] = []

            def choose(
                probes: list[Any], size: int = len(view_set.views), into: list[Any] = portraits
            ) -> range:
                into.append(portray([unchanged(one) for one in probes], gates))
                return range(size)

            rendered = engine.render(view_set, paths, choose)
            if isinstance(rendered, Reject):
                refused.append(f"{rendered.stage}: {rendered.reason}")
                continue
            assert rendered.layout is not None
            cpu_s += sum(rendered.cpu_s.values())
            parts_s.update(rendered.cpu_s)
            records = {number: part.record for number, part in enumerate(parts)}
            now = scene_now(
                view_set, rendered.views, rendered.probes, rendered.layout, rendered.parts, records
            )
            views = {number: unchanged(view) for number, view in rendered.views.items()}
            candidates, dropped = annotate(view_set, views, portraits[0], config.gates, scene=now)
            drops.update(drop.kind for drop in dropped)
            drops.update(f"- {drop.why}" for drop in dropped if drop.kind.startswith("views of scenes"))
            count["scenes"] += 1
            count["pairs planned"] += len(view_set.pairs)
            count["pairs accepted"] += len(candidates)
            count["views rendered"] += len(rendered.views)
            count["views accepted"] += len({view for one in candidates for view in one.planned.views})
            count.update(f"named by {part.named_by}" for part in now.parts)
            used |= {part.object.uid for part in now.parts}
            checks.look(view_set, rendered, now, candidates, gates)
            kept += _stored(config, view_set, rendered, candidates, len(kept))
            if count["scenes"] % 20 == 0:
                print(count["scenes"], dict(count), round(cpu_s), file=sys.stderr, flush=True)
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        write_shard(arguments.keep / "train-00000-of-00001.tar", arguments.keep, kept)
    reasons = Counter[str]()
    for why, number in drops.items():
        reasons[" ".join(word for word in why.split() if not any(c.isdigit() for c in word))] += number
    return {
        **count,
        "objects_used": len(used),
        "scenes_refused": len(refused),
        "refused_why": dict(Counter(refused).most_common(3)),
        "dropped": dict(reasons.most_common(8)),
        **checks.found(),
        "cpu_s": {name: round(value, 2) for name, value in parts_s.items()},
        "cpu_s_per_view": cpu_s / max(count["views accepted"], 1),
    }


def _stored(
    config: RunConfig, view_set: ViewSet, rendered: Rendered, candidates: list[Any], start: int
) -> list[StoredSample]:
    provenance = Provenance(seed=config.seed, config_hash="", code_version="", renderer="", device="")
    out = []
    for number, one in enumerate(candidates):
        sample = Sample(
            object=view_set.object.record,
            preset=config.preset,
            family=family_of(one.planned.code),
            split="train",
            views=one.views,
            truth=one.truth,
            decidability=one.decidability,
            seen=one.seen,
            scene=one.scene,
            questions=[],
            provenance=provenance,
        )
        images = [rendered.views[view].image for view in one.planned.views]
        out.append(StoredSample(f"train-{start + number:05d}", sample, images))
    return out


def _outline(points: np.ndarray) -> np.ndarray:
    """Points all along the convex outline of some."""
    corners = points[ConvexHull(points).vertices]
    steps = np.linspace(0, 1, 20, endpoint=False)[:, None, None]
    return np.asarray((corners + steps * (np.roll(corners, -1, axis=0) - corners)).reshape(-1, 2))


class Checks:
    """What is looked at with code that shares nothing with what makes scenes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.meshes = folder, dict[str, Any]()
        self.nearest, self.lifted, self.overhang, self.slack = (
            list[float](),
            list[float](),
            list[float](),
            list[float](),
        )
        self.solo, self.pixels, self.shares = list[float](), list[float](), list[float]()
        self.collisions, self.placed, self.meetings = 0, 0, 0

    def look(
        self, view_set: ViewSet, rendered: Rendered, now: Any, candidates: list[Any], gates: Any
    ) -> None:
        for state in range(len(now.layout.states)):
            meshes = {}
            for number, part in enumerate(now.parts):
                source = view_set.object.parts[rendered.parts[number]]
                mesh = self._placed(source, part, state)
                if mesh is not None and part.present[state]:
                    meshes[number] = mesh
                    height = part.size[2]
                    self.lifted.append(abs(mesh.vertices[:, 2].min() - now.layout.ground) / height)
            self.placed += len(meshes)
            self._apart(list(meshes.values()))
            for shot in now.shots.values():
                if shot.state == state:
                    self._masks(shot, meshes)
        first = True
        for one in candidates:
            for view, seen in zip(one.views, one.scene.views, strict=True):
                area = (2 * view.intrinsics[0][2]) ** 2 / 512**2
                for part in seen.parts:
                    if part.referable:
                        self.pixels.append(part.pixels / area)
                        self.shares.append(part.visible_fraction)
                if first and len(self.solo) < 100:
                    self._alone(view, one.scene, seen, view_set, rendered)
                first = False

    def _mesh(self, source: SourceObject) -> Any:
        """A file as trimesh reads it, with the middle of its box at the origin; None if it cannot."""
        import trimesh

        if source.record.uid not in self.meshes:
            from viewpoint100k.config import FileBudgets

            path, mesh = self.folder / source.path, None
            facts = check_gltf(path, FileBudgets())
            if not facts.skinned and not any("draco" in name for name in facts.extensions):
                mesh = trimesh.load(path, force="scene").to_geometry()
                mesh.apply_transform(YUP)
                mesh.apply_translation(-mesh.bounds.mean(axis=0))
            self.meshes[source.record.uid] = mesh
        return self.meshes[source.record.uid]

    def _placed(self, source: SourceObject, part: Any, state: int) -> Any:
        """A mesh where the published record says that its object stands."""
        mesh = self._mesh(source)
        if mesh is None:
            return None
        mesh = mesh.copy()
        scale = part.size[2] / mesh.extents[2]
        if np.abs(mesh.extents * scale - part.size).max() > 0.01 * max(part.size):
            self.slack.append(float(np.abs(mesh.extents * scale - part.size).max() / max(part.size)))
            return None  # trimesh poses it otherwise
        mesh.apply_scale(scale)
        mesh.apply_translation([0, 0, part.size[2] / 2])
        mesh.apply_transform(np.array(part.world_from_object[state]))
        return mesh

    def _apart(self, meshes: list[Any]) -> None:
        """Whether any two are in collision, where their boxes meet at all; and how near their outlines on
        the ground come.
        """
        import trimesh

        outlines = [_outline(mesh.vertices[:, :2]) for mesh in meshes]
        for i, j in combinations(range(len(meshes)), 2):
            self.meetings += 1
            self.nearest.append(float(cdist(outlines[i], outlines[j]).min()))
            (low, high), (other_low, other_high) = meshes[i].bounds, meshes[j].bounds
            if (low > other_high).any() or (other_low > high).any():
                continue
            try:
                manager = trimesh.collision.CollisionManager()
                manager.add_object("i", meshes[i])
                self.collisions += bool(manager.in_collision_single(meshes[j]))
            except ValueError:  # no python-fcl
                cells = [
                    set(map(tuple, np.floor(m.sample(40000) / GRID).astype(int).tolist()))
                    for m in (meshes[i], meshes[j])
                ]
                self.collisions += bool(cells[0] & cells[1])

    def _masks(self, shot: Any, meshes: dict[int, Any]) -> None:
        """How far a mask reaches beyond its object's projected vertices, in pixels; and, where nothing hides
        it, how short.
        """
        k, pose = np.array(shot.view.intrinsics), np.array(shot.view.world_from_camera)
        for number, mesh in meshes.items():
            rows, cols = np.nonzero(shot.part_index == number + 1)
            if not len(rows):
                continue
            x, y, z = ((mesh.vertices - pose[:3, 3]) @ pose[:3, :3]).T
            u, v = k[0, 0] * x / z + k[0, 2], k[1, 1] * y / z + k[1, 2]
            box = np.array([u.min(), v.min(), -u.max(), -v.max()])
            mine = np.array([cols.min() + 0.5, rows.min() + 0.5, -cols.max() - 0.5, -rows.max() - 0.5])
            self.overhang.append(float((box - mine).max()))
            whole = len(rows) >= shot.solo[number]
            size = shot.part_index.shape[0]
            if whole and min(u.min(), v.min(), size - u.max(), size - v.max()) > 0:
                self.slack.append(float((mine - box).max()))

    def _alone(self, view: Any, scene: Any, seen: Any, view_set: ViewSet, rendered: Rendered) -> None:
        """Solo pixels against the area of all triangles, drawn by OpenCV, for objects that something
        hides.
        """
        k, pose = np.array(view.intrinsics), np.array(view.world_from_camera)
        for number, (part, found) in enumerate(zip(scene.parts, seen.parts, strict=True)):
            if not 0.2 < found.visible_fraction < 0.9:
                continue
            mesh = self._placed(view_set.object.parts[rendered.parts[number]], part, seen.state)
            if mesh is None:
                continue
            x, y, z = ((mesh.vertices - pose[:3, 3]) @ pose[:3, :3]).T
            flat = np.stack([k[0, 0] * x / z + k[0, 2], k[1, 1] * y / z + k[1, 2]], axis=1)
            flat += 2 - flat.min(axis=0)
            sheet = np.zeros([FINER * (int(np.ptp(flat[:, i])) + 8) for i in (1, 0)], np.uint8)
            for face in np.rint(16 * FINER * flat[mesh.faces]).astype(np.int32):
                cv2.fillConvexPoly(sheet, face, (1,), shift=4)
            self.solo.append(found.solo_pixels / (sheet.sum() / FINER**2))
            if abs(self.solo[-1] - 1) > 0.06:
                print(
                    part.object.uid,
                    found.pixels,
                    found.solo_pixels,
                    f"ratio {self.solo[-1]:.3f}",
                    file=sys.stderr,
                )

    def found(self) -> dict[str, Any]:
        def part(values: list[float], share: float) -> float | None:
            return float(np.quantile(values, share)) if values else None

        return {
            "objects_placed_by_trimesh": self.placed,
            "pairs_of_objects_looked_at": self.meetings,
            "collisions": self.collisions,
            "least_distance_over_radius": 2 * min(self.nearest) if self.nearest else None,
            "off_the_ground_over_height_at_most": part(self.lifted, 1),
            "mask_beyond_its_vertices_px_99": part(self.overhang, 0.99),
            "mask_beyond_its_vertices_px_at_most": part(self.overhang, 1),
            "whole_mask_short_of_them_px_95": part(self.slack, 0.95),
            "solo_pixels_over_area_of_triangles_median": part(self.solo, 0.5),
            "solo_pixels_over_area_of_triangles_5_95": [part(self.solo, 0.05), part(self.solo, 0.95)],
            "solo_looked_at": len(self.solo),
            "referable": len(self.pixels),
            "fewest_pixels_at_512": part(self.pixels, 0),
            "least_visible_share": part(self.shares, 0),
            "mean_visible_share": float(np.mean(self.shares)) if self.shares else None,
        }


# --- single objects --------------------------------------------------------------------------------


def _singles(
    config: RunConfig, listed: list[SourceObject], arguments: argparse.Namespace, scratch: Path
) -> dict[str, Any]:
    """The same settings but for the scenes: objects one by one, each with as many pairs."""
    config = _settings_of_single(config)
    order = generator(config.seed, "singles").permutation(len(listed))[: arguments.singles]
    cpu_s, accepted, made, parts_s = 0.0, 0, 0, Counter[str]()
    with Engine(config.render, scratch / "engine") as engine:
        for view_set in _jobs(config, [listed[i] for i in order], arguments.pairs):
            portraits: list[Any] = []

            def choose(
                probes: list[Any], size: int = len(view_set.views), into: list[Any] = portraits
            ) -> range:
                into.append(portray(probes, config.gates))
                return range(size)

            rendered = engine.render(view_set, Path(arguments.folder) / view_set.object.path, choose)
            if isinstance(rendered, Reject):
                continue
            cpu_s += sum(rendered.cpu_s.values())
            parts_s.update(rendered.cpu_s)
            made += len(rendered.views)
            candidates, _ = annotate(view_set, rendered.views, portraits[0], config.gates)
            accepted += len({view for one in candidates for view in one.planned.views})
    shares = {name: round(value, 2) for name, value in parts_s.items()}
    return {
        "single_views_rendered": made,
        "single_views_accepted": accepted,
        "single_cpu_s": shares,
        "cpu_s_per_single_view": cpu_s / max(accepted, 1),
        "cpu_s_per_single_view_rendered": cpu_s / max(made, 1),
    }


if __name__ == "__main__":
    main()
