"""Turns a file into an object of known size: imports it, chooses its pose, cleans and normalises it."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
from mathutils import Matrix, Vector

from render_scenes import back_faces, materials, poses, surfaces

OBJECT_RADIUS = 0.5  # distance from the middle of the normalised object's bounding box to its furthest vertex
DIRECTIONS = 120  # horizontal directions in which an object's reach is measured


class RefusedError(Exception):
    """This object cannot be used; `stage` says at which step that was found."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage


class Part(NamedTuple):
    """A loaded object: the only one, or one of a scene."""

    holder: Any  # the empty that is the parent of all its roots
    things: list[Any]
    # (4, 4) transform from its file's axes to its own, in which it has `OBJECT_RADIUS` about the origin
    normalise: np.ndarray
    points: np.ndarray  # (3, N) float32 points of its surface, in its own axes
    pose: str  # `rest`, or `animation NAME at SECONDS s`
    veiled: bool  # whether some of it is alpha-blended

    @property
    def extent(self) -> list[float]:
        """(3,) sides of its bounding box."""
        return [float(v) for v in np.ptp(self.points, axis=1)]

    @property
    def reach(self) -> list[float]:
        """How far it extends horizontally from the middle of its box.

        Returns:
            A length for each of `DIRECTIONS` directions, counter-clockwise from +x.
        """
        angles = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
        x, y, _ = self.points
        return [float((np.float32(np.cos(a)) * x + np.float32(np.sin(a)) * y).max()) for a in angles]


def load(scene: Any, path: Path, index: int, pose: str) -> Part:
    """Load one object into Blender's scene.

    Args:
        index: object index of its pixels.
        pose: rest, animation or auto.

    Raises:
        RefusedError: the object has nothing to show. Whatever was imported is left in the scene.
    """
    before = set(scene.objects)
    images = set(bpy.data.images)
    try:
        bpy.ops.import_scene.gltf(filepath=str(path), disable_bone_shape=True, import_scene_extras=False)
    except RuntimeError as error:
        raise RefusedError("import", _in_one_line(str(error))) from error
    new = [o for o in scene.objects if o not in before]
    chosen = poses.choose(new, pose, lambda: _drawn(new))
    bpy.context.view_layer.update()
    for foreign in [o for o in new if o.type in {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER"}]:
        for child in foreign.children:  # children of a camera must not jump to the origin
            placed = child.matrix_world.copy()
            child.parent = None
            child.matrix_world = placed
        bpy.data.objects.remove(foreign)
    new = [o for o in scene.objects if o not in before]
    for thing in new:
        thing.pass_index = index
    for image in [image for image in bpy.data.images if image not in images]:
        if image.source == "FILE" and image.users and not image.has_data and not _loads(image):
            raise RefusedError(
                "import", f"texture {image.name!r} is missing or unreadable: it would render magenta"
            )
    return _normalise(scene, new, chosen)


def try_to_load(scene: Any, path: Path, index: int, pose: str) -> Part | RefusedError:
    """`load` for an object among others: if it is refused, all of it is removed and the others stay."""
    before = set(bpy.data.objects)
    try:
        return load(scene, path, index, pose)
    except RefusedError as refusal:
        for thing in [o for o in bpy.data.objects if o not in before]:
            bpy.data.objects.remove(thing, do_unlink=True)
        return refusal


def _drawn(new: list[Any]) -> list[Any]:
    """The meshes that the file shows; Blender also imports those that the file's scene leaves out."""
    shown = set(bpy.context.view_layer.objects)
    return [o for o in new if o.type == "MESH" and not o.hide_render and o in shown]


def _normalise(scene: Any, new: list[Any], pose: str) -> Part:
    """Normalise under one parent of all roots; roots that were scaled one by one would move apart."""
    surfaces.turn_normals([o.data for o in _drawn(new)])
    there = surfaces.without_twins(surfaces.without_shadow_planes(surfaces.read(_drawn(new))))
    back_faces.hide_back_faces(there)
    surfaces.part_glass(there)
    if not sum(len(surface.points) for surface in there):
        raise RefusedError("import", "no mesh with vertices was imported")
    points = np.concatenate([surface.points for surface in there])
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    radius = float(np.linalg.norm(points - middle, axis=1).max())
    if not np.isfinite(radius) or not radius > 0:
        raise RefusedError("import", f"the object's radius is {radius}: it is one point, or not finite")
    parent = bpy.data.objects.new("Normalise", None)
    scene.collection.objects.link(parent)
    for root in [o for o in new if o.parent is None]:
        root.parent = parent
        root.matrix_parent_inverse = Matrix.Identity(4)
    scale = OBJECT_RADIUS / radius
    normalise = Matrix.Translation(Vector(-scale * middle)) @ Matrix.Scale(scale, 4)
    parent.matrix_world = normalise
    bpy.context.view_layer.update()
    own = np.ascontiguousarray(((points - middle) * scale).T, dtype=np.float32)
    drawn = [o for o in new if not o.hide_render]
    worn = {slot.material for surface in there for slot in surface.thing.material_slots}
    veiled = any(map(materials.is_veil, worn))
    return Part(parent, drawn, np.array(normalise, dtype=np.float64), own, pose, veiled)


def _in_one_line(report: str) -> str:
    """The importer's report in one line: for a traceback, the error and the part in which it happened."""
    lines = [
        line.strip() for line in report.splitlines() if line.strip() and not line.startswith("Location:")
    ]
    if "Traceback (most recent call last)" not in report:
        return " ".join(" ".join(lines).split()).removeprefix("Error: ")[:300]
    places = [
        found for line in lines if (found := re.match(r'File ".*?([^/\\"]+)\.py", line \d+, in (\S+)', line))
    ]
    where = f"its {places[-1][1]}, {places[-1][2]}" if places else "it"
    error = next((line for line in reversed(lines) if re.match(r"[\w.]+(:|$)", line)), lines[-1])
    return (
        f"Blender's glTF importer failed on it ({where}: {error[:160]}); "
        "open it in an editor of glTF and export it anew"
    )


def _loads(image: Any) -> bool:
    """Whether Blender can read the pixels of a texture."""
    return bool(image.size[0] and image.size[1] and len(image.pixels) and image.has_data)
