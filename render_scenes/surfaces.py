"""Reduces surfaces to what a viewer of glTF shows: each surface once.

Of two coincident triangles, Cycles draws sometimes one and sometimes the other, which leaves black patches.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import bmesh
import bpy
import numpy as np

from render_scenes.materials import is_dark_blend, is_opaque, is_single_sided, transmits

TWO_SIDED = "viewpoint_two_sided"  # attribute of faces that stand for a pair of faces, one for each side
SAME = 1e-6  # share of the object's extent: rounding of different transforms to one place stays below it
APART = 1e-4  # share of the object's extent by which coincident faces with different looks are moved apart
GAP = 5e-5  # share of the extent by which the surface of glass is moved inwards
WRONG = -0.2  # cosine between a vertex normal and its face's normal: all three of a wrong triangle are below
STRAY = 0.01  # share of a mesh's triangles: fewer wrong ones are left alone
# share of the extent: greatest thickness of a shadow plane, and greatest height above the lowest point
FLAT = 0.01


class Surface(NamedTuple):
    """The triangles of one Blender object, as they are drawn."""

    thing: Any
    points: np.ndarray  # (V, 3) float64 in the world
    corners: np.ndarray  # (F, 3) vertex numbers, counter-clockwise seen from the front
    slots: np.ndarray  # (F,) number of the material
    two_sided: np.ndarray  # (F,) bool: whether it stands for a face and its reverse


def read(things: Sequence[Any]) -> list[Surface]:
    """Read the surfaces after modifiers, so that skinned meshes are measured in their pose."""
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    out = []
    for thing in things:
        evaluated = thing.evaluated_get(depsgraph)
        mesh = evaluated.to_mesh()
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        faces = len(mesh.polygons)
        loops = np.empty(len(mesh.loops), dtype=np.int32)
        slots = np.empty(faces, dtype=np.int32)
        mesh.loops.foreach_get("vertex_index", loops)
        mesh.polygons.foreach_get("material_index", slots)
        two_sided = np.zeros(faces, dtype=bool)
        if TWO_SIDED in mesh.attributes:
            mesh.attributes[TWO_SIDED].data.foreach_get("value", two_sided)
        evaluated.to_mesh_clear()
        world = np.array(thing.matrix_world, dtype=np.float64)
        corners = loops.reshape(faces, 3)  # glTF has triangles only
        if np.linalg.det(world[:3, :3]) < 0:
            corners = corners[:, ::-1]
        placed = points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
        out.append(Surface(thing, placed, corners, slots, two_sided))
    return out


def turn_normals(meshes: Sequence[Any]) -> None:
    """Flip normals that point to the back of their face.

    Cycles would render such a face black, while viewers do not.
    """
    for mesh in {id(each): each for each in meshes}.values():
        if not mesh.has_custom_normals:
            continue
        normals = np.empty(len(mesh.loops) * 3, np.float32)
        flat = np.empty(len(mesh.polygons) * 3, np.float32)
        mesh.corner_normals.foreach_get("vector", normals)
        mesh.polygons.foreach_get("normal", flat)
        corners = normals.reshape(-1, 3, 3)
        wrong = (corners * flat.reshape(-1, 1, 3)).sum(axis=2).max(axis=1) < WRONG
        # setting some normals rounds all of them, which is not worth it for a few slivers with arbitrary
        # normals
        if wrong.mean() > STRAY:
            corners[wrong] *= -1
            mesh.normals_split_custom_set(corners.reshape(-1, 3))
            mesh.update()


# --- each once ------------------------------------------------------------------------------------


def without_twins(surfaces: list[Surface]) -> list[Surface]:
    """Keep one of two coincident triangles.

    If one is opaque and one see-through, both stay and the see-through one, which viewers draw over the
    other, is moved a little to its front. Of two opaque triangles, the one that comes last in the file stays,
    as in viewers. A single-sided face and its reverse become one two-sided face; if they look different, both
    stay and are moved apart.
    """
    if not sum(len(surface.corners) for surface in surfaces):
        return surfaces
    faces = Faces(surfaces)
    if not 0 < faces.extent < np.inf:
        return surfaces
    twins = faces.twins()
    if not len(twins):
        return surfaces
    drop, both, moved = _choose(faces, twins)
    if not (drop.any() or moved.any()):
        return surfaces
    out = []
    for number, surface in enumerate(surfaces):
        mine = np.s_[faces.first[number] : faces.first[number + 1]]
        if drop[mine].all() and len(surface.corners):
            surface.thing.hide_render = True
            continue
        if (drop[mine] | both[mine] | moved[mine]).any():
            _change(surface, drop[mine], both[mine], moved[mine], APART * faces.extent)
            [surface] = read([surface.thing])
        out.append(surface)
    return out


# --- shadow planes --------------------------------------------------------------------------------


def without_shadow_planes(surfaces: list[Surface]) -> list[Surface]:
    """Remove shadow planes: dark, blended, flat surfaces at the very bottom, under something else.

    Exporters bake them for viewers without shadows. Here they would enlarge the bounding box and add a dark
    blob to the object.
    """
    blended = [
        {slot for slot in range(slots_of(surface)) if is_dark_blend(material_of(surface.thing.data, slot))}
        if len(surface.corners)
        else set()
        for surface in surfaces
    ]
    if not any(blended):
        return surfaces
    points = np.concatenate([surface.points for surface in surfaces])
    extent = float(np.ptp(points, axis=0).max())
    lowest = float(points[:, 2].min())
    out = []
    for surface, slots in zip(surfaces, blended, strict=True):
        drop = np.zeros(len(surface.corners), dtype=bool)
        for slot in slots:
            mine = surface.slots == slot
            height = surface.points[surface.corners[mine]][..., 2]
            if mine.any() and np.ptp(height) < FLAT * extent and height.min() < lowest + FLAT * extent:
                drop |= mine
        if not drop.any():
            out.append(surface)
        elif drop.all():
            surface.thing.hide_render = True
        else:
            none = np.zeros(len(drop), dtype=bool)
            _change(surface, drop, none, none, 0.0)
            out += read([surface.thing])
    if not out:  # there is nothing else, so it is the object itself
        for surface in surfaces:
            surface.thing.hide_render = False
        return surfaces
    return out


class Faces:
    """The triangles of all surfaces, concatenated."""

    def __init__(self, surfaces: list[Surface]) -> None:
        self.surfaces = surfaces
        starts = np.cumsum([0] + [len(surface.points) for surface in surfaces])
        self.points = np.concatenate([surface.points for surface in surfaces])
        self.corners = np.concatenate(
            [surface.corners + at for surface, at in zip(surfaces, starts, strict=False)]
        )
        self.of = np.repeat(np.arange(len(surfaces)), [len(surface.corners) for surface in surfaces])
        self.first = np.cumsum([0] + [len(surface.corners) for surface in surfaces])
        self.extent = float(np.ptp(self.points, axis=0).max())
        self.places = _places(self.points, SAME * self.extent)

    def twins(self) -> np.ndarray:
        """The numbers of all triangles that coincide with another one.

        They are grouped by place; those of one place are in the order of the file.
        """
        at = self.places[self.corners]
        keys = _scatter(at[:, 0]) + _scatter(at[:, 1]) + _scatter(at[:, 2])
        order = np.argsort(keys, kind="stable")
        same = keys[order][1:] == keys[order][:-1]
        chosen: np.ndarray = order[np.append(same, False) | np.append(False, same)]
        if not len(chosen):
            return chosen
        flat = (at[chosen] == np.roll(at[chosen], 1, axis=1)).any(axis=1)
        chosen = chosen[~flat]
        if not len(chosen):
            return chosen
        starts, group = _groups(keys[chosen])
        ordered = np.take_along_axis(self.corners[chosen], np.argsort(at[chosen], axis=1), axis=1)
        gap = np.abs(self.points[ordered] - self.points[ordered][starts][group]).max(axis=(1, 2))
        chosen = chosen[gap <= 4 * SAME * self.extent]
        self.keys = keys
        return chosen


def _groups(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each run of equal keys starts, and for each key the number of its run."""
    first = np.append(True, keys[1:] != keys[:-1])
    return np.flatnonzero(first), np.cumsum(first) - 1


def _places(points: np.ndarray, within: float) -> np.ndarray:
    """(V,) uint64 key of each vertex's place, the same for coincident vertices.

    Places are separated by gaps along each axis, because a grid would separate some coincident vertices.
    """
    out = np.zeros(len(points), dtype=np.uint64)
    for axis in range(3):
        values = points[:, axis]
        order = np.argsort(values, kind="stable")
        number = np.zeros(len(points), dtype=np.uint64)
        number[order[1:]] = np.cumsum(np.diff(values[order]) > within)
        out = _scatter(out + number)
    return out


def _scatter(numbers: np.ndarray) -> np.ndarray:
    """64-bit hashes of numbers, such that sums of a few of them differ."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(numbers ^ (numbers >> np.uint64(31)))


class _Looks(NamedTuple):
    """What makes some triangles look as they do."""

    material: np.ndarray  # (N,) number of the material
    single: np.ndarray  # (N,) bool: visible from the front only
    opaque: np.ndarray  # (N,) bool
    agrees: np.ndarray  # (N,) bool: its normals point to its front
    stiff: np.ndarray  # (N,) bool: not moved by bones or morph targets
    paint: np.ndarray  # (N, 3, 6): texture coordinates and vertex colours of its corners


def _looks(faces: Faces, chosen: np.ndarray) -> _Looks:
    count = len(chosen)
    material = np.zeros(count, dtype=np.int64)
    single, opaque, agrees, stiff = (np.ones(count, dtype=bool) for _ in range(4))
    paint = np.zeros((count, 3, 6))
    numbers: dict[Any, int] = {}
    of = faces.of[chosen]
    order = np.argsort(of, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(of[order])) + 1):  # those of one surface
        which = of[mine[0]]
        surface = faces.surfaces[which]
        local = chosen[mine] - faces.first[which]
        mesh = surface.thing.data
        slots = surface.slots[local]
        for slot in np.unique(slots):
            worn = material_of(mesh, slot)
            these = mine[slots == slot]
            material[these] = numbers.setdefault(worn, len(numbers))
            single[these] = is_single_sided(worn)
            opaque[these] = is_opaque(worn)
        single[mine] &= ~surface.two_sided[local]
        stiff[mine] = not surface.thing.modifiers and not mesh.shape_keys
        normals = np.empty(len(mesh.loops) * 3, np.float32)
        flat = np.empty(len(mesh.polygons) * 3, np.float32)
        mesh.corner_normals.foreach_get("vector", normals)
        mesh.polygons.foreach_get("normal", flat)
        smooth = normals.reshape(-1, 3, 3).sum(axis=1)
        agrees[mine] = (smooth * flat.reshape(-1, 3)).sum(axis=1)[local] >= 0
        if mesh.uv_layers:
            uv = np.empty(len(mesh.loops) * 2, np.float32)
            mesh.uv_layers[0].uv.foreach_get("vector", uv)
            paint[mine, :, :2] = uv.reshape(-1, 3, 2)[local]
        if mesh.color_attributes and mesh.color_attributes[0].domain == "CORNER":
            colors = np.empty(len(mesh.loops) * 4, np.float32)
            mesh.color_attributes[0].data.foreach_get("color", colors)
            paint[mine, :, 2:] = colors.reshape(-1, 3, 4)[local]
        if np.linalg.det(np.array(surface.thing.matrix_world)[:3, :3]) < 0:
            paint[mine] = paint[mine, ::-1]  # `corners` are turned, too
    by_place = np.argsort(faces.places[faces.corners[chosen]], axis=1)[..., None]
    return _Looks(material, single, opaque, agrees, stiff, np.take_along_axis(paint, by_place, axis=1))


def _choose(faces: Faces, twins: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decide which triangles are removed, made two-sided, or moved.

    Returns:
        Three arrays (F,) bool: whether a triangle is removed, becomes two-sided, or is moved to its front.
    """
    drop, both, moved = (np.zeros(len(faces.corners), dtype=bool) for _ in range(3))
    looks = _looks(faces, twins)
    front = _goes_around_forwards(faces.places[faces.corners[twins]])
    keys = faces.keys[twins] + looks.opaque.astype(np.uint64)
    order = np.argsort(keys, kind="stable")
    starts, _ = _groups(keys[order])
    count = len(order)
    score = looks.agrees[order] * count + np.arange(count)  # among equals, the last one in the file wins

    def best(which: np.ndarray) -> np.ndarray:
        """For each group, the index in `order` of the best of these; -1: none."""
        places = np.maximum.reduceat(np.where(which[order], score, -1), starts)
        return np.where(places < 0, -1, places % count)

    double = best(~looks.single)
    there = best(looks.single & front)
    back = best(looks.single & ~front)
    keep = np.zeros(count, dtype=bool)
    keep[double[double >= 0]] = True
    for side, other in ((there, back), (back, there)):
        keep[side[(double < 0) & (side >= 0) & (other < 0)]] = True
    pairs = np.flatnonzero((double < 0) & (there >= 0) & (back >= 0))
    alike = _are_alike(looks, order[there[pairs]], order[back[pairs]])
    better = np.where(score[there[pairs]] > score[back[pairs]], there[pairs], back[pairs])[alike]
    keep[better] = True
    both[twins[order[better]]] = True
    for kept in (there[pairs][~alike], back[pairs][~alike]):
        keep[kept] = True
        moved[twins[order[kept]]] = True
    drop[twins[order[~keep]]] = True
    # an opaque triangle and a see-through one at the same place both stay
    moved[twins[_over_opaque(faces, twins, looks, order[keep])]] = True
    return drop, both, moved


def _goes_around_forwards(places: np.ndarray) -> np.ndarray:
    """(N,) whether the corner numbers (N, 3) rise after the least one; those of reversed triangles fall."""
    row = np.arange(len(places))
    first = np.argmin(places, axis=1)
    return np.asarray(places[row, (first + 1) % 3] < places[row, (first + 2) % 3])


def _are_alike(looks: _Looks, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N,) whether each triangle looks like its reverse, or is deformed so that this cannot be decided."""
    same_material = looks.material[a] == looks.material[b]
    same_paint = np.abs(looks.paint[a] - looks.paint[b]).max(axis=(1, 2)) < 1e-3
    alike: np.ndarray = (same_material & same_paint) | ~(looks.stiff[a] & looks.stiff[b])
    return alike


def _over_opaque(faces: Faces, twins: np.ndarray, looks: _Looks, left: np.ndarray) -> np.ndarray:
    """The see-through triangles among `left` that coincide with an opaque one.

    `left` and the result are indices into `twins`.
    """
    left = left[np.argsort(faces.keys[twins[left]], kind="stable")]
    if not len(left):
        return left
    starts, group = _groups(faces.keys[twins[left]])
    on_opaque = np.maximum.reduceat(looks.opaque[left], starts)[group]
    return np.asarray(left[on_opaque & ~looks.opaque[left] & looks.stiff[left]])


def _change(surface: Surface, drop: np.ndarray, both: np.ndarray, moved: np.ndarray, far: float) -> None:
    """Remove faces of a mesh, mark some as two-sided, and move some to their front by `far` world units."""
    thing = surface.thing
    if thing.data.users > 1:
        thing.data = thing.data.copy()
    mesh = thing.data
    if moved.any():
        _shift(thing, far * _outwards(surface.points, surface.corners[moved]))
    if both.any() or TWO_SIDED in mesh.attributes:
        mark_two_sided(mesh, surface.two_sided | both)
    if drop.any():
        normals = np.empty(len(mesh.loops) * 3, dtype=np.float32)
        mesh.corner_normals.foreach_get("vector", normals)
        custom = mesh.has_custom_normals
        edited = bmesh.new()
        edited.from_mesh(mesh)
        edited.faces.ensure_lookup_table()
        gone = [edited.faces[i] for i in np.flatnonzero(drop)]
        bmesh.ops.delete(edited, geom=gone, context="FACES")
        edited.to_mesh(mesh)
        edited.free()
        if custom:  # keep the file's normals, not those recomputed from fewer faces
            mesh.normals_split_custom_set(normals.reshape(-1, 3, 3)[~drop].reshape(-1, 3))
    mesh.update()


def mark_two_sided(mesh: Any, which: np.ndarray) -> None:
    """Mark the faces of a mesh that are visible from both sides, whatever their material says."""
    attribute = mesh.attributes.get(TWO_SIDED) or mesh.attributes.new(TWO_SIDED, "BOOLEAN", "FACE")
    attribute.data.foreach_set("value", which)


def part_glass(surfaces: Sequence[Surface]) -> None:
    """Shrink glass a little: between touching parts, light would bounce to and fro and be lost."""
    extent = max(
        (float(np.ptp(surface.points, axis=0).max()) for surface in surfaces if len(surface.points)),
        default=0.0,
    )
    done = set[int]()
    for surface in surfaces:
        mesh = surface.thing.data
        if not len(surface.corners) or id(mesh) in done or surface.thing.modifiers or mesh.shape_keys:
            continue
        clear = np.array([transmits(material_of(mesh, slot)) for slot in range(slots_of(surface))])[
            surface.slots
        ]
        if clear.any():
            done.add(id(mesh))
            _shift(surface.thing, -GAP * extent * _outwards(surface.points, surface.corners[clear]))
            mesh.update()


def _outwards(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals at the vertices of some triangles, towards their front; 0 at other vertices."""
    a, b, c = (points[corners[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    out = np.zeros_like(points)
    for i in range(3):
        np.add.at(out, corners[:, i], normals)
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-30))


def _shift(thing: Any, shift: np.ndarray) -> None:
    """Move the vertices of a mesh by (V, 3) vectors in the world."""
    own_from_world = np.linalg.inv(np.array(thing.matrix_world, dtype=np.float64)[:3, :3])
    points = np.empty(len(thing.data.vertices) * 3, dtype=np.float32)
    thing.data.vertices.foreach_get("co", points)
    thing.data.vertices.foreach_set(
        "co", (points.reshape(-1, 3) + shift @ own_from_world.T).astype(np.float32).ravel()
    )


def slots_of(surface: Surface) -> int:
    return int(max(len(surface.thing.data.materials), surface.slots.max() + 1))


def material_of(mesh: Any, slot: int) -> Any:
    return mesh.materials[slot] if slot < len(mesh.materials) else None
