"""Which surfaces are there, as a viewer of glTF has it: each once, and single-sided ones from their front alone.

Cycles draws both sides of everything, and of two triangles at one place now the one and now the other: black
patches.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import bmesh
import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

TWO_SIDED = "viewpoint_two_sided"  # an attribute of faces that stand for two, one for each side
SAME = 1e-6  # of the object's extent: two routes of transforms to one place differ by less
APART = 1e-4  # of the object's extent: so far two faces are moved that show different things at one place
GAP = 5e-5  # of the extent: by so much the surface of glass lies within it
WRONG = -0.2  # cosine of a normal and its face's: all three of a triangle are below
STRAY = 0.01  # of the triangles of a mesh
RAYS = 2048  # lines through the object, to find back faces that can be seen
FLAT = 0.01  # of the extent: how thick the picture of a shadow may be, and how far above the lowest point
DARK = 0.15  # mean colour of such a picture, 0..1, weighed by its alpha
VEIL = 0.2  # of what can be seen of a picture, that is neither opaque nor clear: not only the edges of leaves
LAYERS = 16  # of back faces, one behind the other
FEW = 2  # lines that meet a back face by chance, at an edge between triangles
MOSTLY = (
    2.0  # times as many lines see the back of a shell as its front: what it hides has to be lit through it
)
ENOUGH = 8  # lines, to tell a shell that is seen from its back


class Surface(NamedTuple):
    """The triangles of one thing, as they are drawn."""

    thing: Any
    points: np.ndarray  # (V, 3) float64 in the world
    corners: np.ndarray  # (F, 3) vertex numbers, counter-clockwise seen from the front
    slots: np.ndarray  # (F,) number of the material
    two_sided: np.ndarray  # (F,) bool: stands for a face and its reverse


def read(things: Sequence[Any]) -> list[Surface]:
    """After modifiers, so that skinned meshes are measured in their pose."""
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    out = []
    for thing in things:
        evaluated = thing.evaluated_get(depsgraph)
        mesh = evaluated.to_mesh()
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        faces = len(mesh.polygons)
        corners, slots = np.empty(len(mesh.loops), dtype=np.int32), np.empty(faces, dtype=np.int32)
        mesh.loops.foreach_get("vertex_index", corners)
        mesh.polygons.foreach_get("material_index", slots)
        two_sided = np.zeros(faces, dtype=bool)
        if TWO_SIDED in mesh.attributes:
            mesh.attributes[TWO_SIDED].data.foreach_get("value", two_sided)
        evaluated.to_mesh_clear()
        world = np.array(thing.matrix_world, dtype=np.float64)
        corners = corners.reshape(faces, 3)  # glTF has triangles only
        if np.linalg.det(world[:3, :3]) < 0:
            corners = corners[:, ::-1]
        placed = points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
        out.append(Surface(thing, placed, corners, slots, two_sided))
    return out


def turn_normals(meshes: Sequence[Any]) -> None:
    """Turn normals that point to the back of their face to its front: Cycles would have the face black, no viewer has."""
    for mesh in {id(one): one for one in meshes}.values():
        if not mesh.has_custom_normals:
            continue
        normals, flat = (
            np.empty(len(mesh.loops) * 3, np.float32),
            np.empty(len(mesh.polygons) * 3, np.float32),
        )
        mesh.corner_normals.foreach_get("vector", normals)
        mesh.polygons.foreach_get("normal", flat)
        corners = normals.reshape(-1, 3, 3)
        wrong = (corners * flat.reshape(-1, 1, 3)).sum(axis=2).max(axis=1) < WRONG
        if (
            wrong.mean() > STRAY
        ):  # setting some rounds them all: not for a few slivers, whose normals are anyone's guess
            corners[wrong] *= -1
            mesh.normals_split_custom_set(corners.reshape(-1, 3))
            mesh.update()


# --- each once ------------------------------------------------------------------------------------


def without_twins(surfaces: list[Surface]) -> list[Surface]:
    """Leave one of each two triangles at the same place.

    Of an opaque and a see-through one the see-through is moved a little to its front, for it is drawn over
    the other. Of two opaque ones, a viewer shows the one that the file has last. A single-sided face and its
    reverse become one that is seen from both sides; where the two show different things, both stay and are
    moved apart.
    """
    if not sum(len(one.corners) for one in surfaces):
        return surfaces
    faces = _Faces(surfaces)
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


# --- what stands for a shadow ---------------------------------------------------------------------


def without_shadow_planes(surfaces: list[Surface]) -> list[Surface]:
    """Leave out pictures of a shadow: dark, blended, flat, at the very bottom, under something else.

    Exporters bake them for viewers without shadows. Here they would make the object small, and a blob part of
    it.
    """
    blended = [
        {slot for slot in range(_slots(one)) if _is_dark_blend(_material(one.thing.data, slot))}
        if len(one.corners)
        else set()
        for one in surfaces
    ]
    if not any(blended):
        return surfaces
    points = np.concatenate([one.points for one in surfaces])
    extent, lowest = float(np.ptp(points, axis=0).max()), float(points[:, 2].min())
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
    if not out:  # there is nothing else: it is the object
        for surface in surfaces:
            surface.thing.hide_render = False
        return surfaces
    return out


def _is_dark_blend(material: Any) -> bool:
    if (
        material is None
        or material.surface_render_method != "BLENDED"
        or is_opaque(material)
        or transmits(material)
    ):
        return False
    images = [
        node for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image is not None
    ]
    if not images:
        return bool(max(material.diffuse_color[:3]) < DARK)
    node = principled(material)
    if node is not None and not node.inputs["Base Color"].is_linked:
        return bool(max(list(node.inputs["Base Color"].default_value)[:3]) < DARK)
    if len({one.image for one in images}) != 1:
        return False
    rgba = _pixels(images[0].image)
    if rgba.shape[1] != 4 or not rgba[:, 3].sum():
        return False
    return bool(np.average(rgba[:, :3].max(axis=1), weights=rgba[:, 3]) < DARK)


class _Faces:
    """The triangles of all surfaces, one behind the other."""

    def __init__(self, surfaces: list[Surface]) -> None:
        self.surfaces = surfaces
        starts = np.cumsum([0] + [len(one.points) for one in surfaces])
        self.points = np.concatenate([one.points for one in surfaces])
        self.corners = np.concatenate([one.corners + at for one, at in zip(surfaces, starts, strict=False)])
        self.of = np.repeat(np.arange(len(surfaces)), [len(one.corners) for one in surfaces])
        self.first = np.cumsum([0] + [len(one.corners) for one in surfaces])
        self.extent = float(np.ptp(self.points, axis=0).max())
        self.places = _places(self.points, SAME * self.extent)

    def twins(self) -> np.ndarray:
        """Numbers of the triangles that are not alone at their place, by place, and there in the order of the file."""
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
    """(V,) uint64, the same for vertices at one place.

    By the gaps along each axis, for a grid would part some of them.
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
    """Other numbers of 64 bits, the same for the same, such that sums of a few are different."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(numbers ^ (numbers >> np.uint64(31)))


class _Looks(NamedTuple):
    """What some triangles show."""

    material: np.ndarray  # (N,) a number for each
    single: np.ndarray  # (N,) bool: seen from the front alone
    opaque: np.ndarray  # (N,) bool
    agrees: np.ndarray  # (N,) bool: its normals point to its front
    stiff: np.ndarray  # (N,) bool: not moved by bones or morph targets
    paint: np.ndarray  # (N, 3, 6): texture coordinates and vertex colours of its corners


def _looks(faces: _Faces, chosen: np.ndarray) -> _Looks:
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
        mesh, slots = surface.thing.data, surface.slots[local]
        for slot in np.unique(slots):
            worn = _material(mesh, slot)
            these = mine[slots == slot]
            material[these] = numbers.setdefault(worn, len(numbers))
            single[these], opaque[these] = is_single_sided(worn), is_opaque(worn)
        single[mine] &= ~surface.two_sided[local]
        stiff[mine] = not surface.thing.modifiers and not mesh.shape_keys
        normals, flat = (
            np.empty(len(mesh.loops) * 3, np.float32),
            np.empty(len(mesh.polygons) * 3, np.float32),
        )
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


def _choose(faces: _Faces, twins: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of all triangles, whether it goes, whether it now stands for both sides, and whether it is moved to its front."""
    drop, both, moved = (np.zeros(len(faces.corners), dtype=bool) for _ in range(3))
    looks = _looks(faces, twins)
    at = faces.places[faces.corners[twins]]
    first = np.argmin(at, axis=1)
    front = at[np.arange(len(at)), (first + 1) % 3] < at[np.arange(len(at)), (first + 2) % 3]
    order = np.argsort(faces.keys[twins] + looks.opaque.astype(np.uint64), kind="stable")
    starts, group = _groups((faces.keys[twins] + looks.opaque.astype(np.uint64))[order])
    count = len(order)
    score = looks.agrees[order] * count + np.arange(count)

    def best(which: np.ndarray) -> np.ndarray:
        """Per group the place in `order` of the best of these; -1: none."""
        found = np.maximum.reduceat(np.where(which[order], score, -1), starts)
        return np.where(found < 0, -1, found % count)

    double, there, back = best(~looks.single), best(looks.single & front), best(looks.single & ~front)
    keep = np.zeros(count, dtype=bool)
    keep[double[double >= 0]] = True
    for one, other in ((there, back), (back, there)):
        alone = (double < 0) & (one >= 0) & (other < 0)
        keep[one[alone]] = True
    pairs = np.flatnonzero((double < 0) & (there >= 0) & (back >= 0))
    a, b = order[there[pairs]], order[back[pairs]]
    alike = (looks.material[a] == looks.material[b]) & (
        np.abs(looks.paint[a] - looks.paint[b]).max(axis=(1, 2)) < 1e-3
    )
    alike |= ~(looks.stiff[a] & looks.stiff[b])
    better = np.where(score[there[pairs]] > score[back[pairs]], there[pairs], back[pairs])
    keep[better[alike]] = True
    both[twins[order[better[alike]]]] = True
    for kept in (there[pairs][~alike], back[pairs][~alike]):
        keep[kept] = True
        moved[twins[order[kept]]] = True
    drop[twins[order[~keep]]] = True
    left = order[keep]  # of an opaque and a see-through one at the same place both are left
    left = left[np.argsort(faces.keys[twins[left]], kind="stable")]
    if len(left):
        starts, group = _groups(faces.keys[twins[left]])
        over = (
            np.maximum.reduceat(looks.opaque[left], starts)[group] & ~looks.opaque[left] & looks.stiff[left]
        )
        moved[twins[left[over]]] = True
    return drop, both, moved


def _change(surface: Surface, drop: np.ndarray, both: np.ndarray, moved: np.ndarray, far: float) -> None:
    """Remove faces of a mesh, mark some as two-sided, and move some by so much of the world to their front."""
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
        if custom:  # those of the file, not what the fewer faces make of them
            mesh.normals_split_custom_set(normals.reshape(-1, 3, 3)[~drop].reshape(-1, 3))
    mesh.update()


def mark_two_sided(mesh: Any, which: np.ndarray) -> None:
    """Note which faces of a mesh are seen from both sides, whatever their material says."""
    attribute = mesh.attributes.get(TWO_SIDED) or mesh.attributes.new(TWO_SIDED, "BOOLEAN", "FACE")
    attribute.data.foreach_set("value", which)


def part_glass(surfaces: Sequence[Surface]) -> None:
    """Thin glass by a little: between parts that touch, light would be thrown to and fro, and be lost."""
    extent = max(
        (float(np.ptp(one.points, axis=0).max()) for one in surfaces if len(one.points)), default=0.0
    )
    done = set[int]()
    for one in surfaces:
        mesh = one.thing.data
        if not len(one.corners) or id(mesh) in done or one.thing.modifiers or mesh.shape_keys:
            continue
        clear = np.array([transmits(_material(mesh, slot)) for slot in range(_slots(one))])[one.slots]
        if clear.any():
            done.add(id(mesh))
            _shift(one.thing, -GAP * extent * _outwards(one.points, one.corners[clear]))
            mesh.update()


def _outwards(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(V, 3) unit vectors at the vertices of some triangles, to their front; 0 at others."""
    a, b, c = (points[corners[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    out = np.zeros_like(points)
    for i in range(3):
        np.add.at(out, corners[:, i], normals)
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-30))


def _shift(thing: Any, shift: np.ndarray) -> None:
    """Move the vertices of a mesh by (V, 3) in the world."""
    own_from_world = np.linalg.inv(np.array(thing.matrix_world, dtype=np.float64)[:3, :3])
    points = np.empty(len(thing.data.vertices) * 3, dtype=np.float32)
    thing.data.vertices.foreach_get("co", points)
    thing.data.vertices.foreach_set(
        "co", (points.reshape(-1, 3) + shift @ own_from_world.T).astype(np.float32).ravel()
    )


# --- from their front alone -----------------------------------------------------------------------


def hide_back_faces(surfaces: Sequence[Surface]) -> None:
    """Make single-sided surfaces invisible from their back, where that is seen at all.

    A shader that looks at its side costs time, and most objects show no back face: lines through the object
    tell where one is needed. Light is stopped by both sides, as before; but a shell that is seen mostly from
    its back, such as a room or the hull of an outline, lets the light out that comes from within, or all
    within it would be dark.
    """
    shown = [one for one in surfaces if len(one.corners)]
    worn = {
        id(one.thing.data): [is_single_sided(_material(one.thing.data, slot)) for slot in range(_slots(one))]
        for one in shown
    }
    if not any(map(any, worn.values())):
        return
    faces = _Faces(shown)
    if not 0 < faces.extent < np.inf:
        return
    single = np.concatenate([np.array(worn[id(one.thing.data)])[one.slots] & ~one.two_sided for one in shown])
    front, back, through = _hits(faces, single)
    if back.sum() < FEW:
        return
    shell = _shells(faces)
    inside = np.zeros(len(single), dtype=np.int64)
    same = shell[through[:, 0]] == shell[through[:, 1]]
    np.add.at(inside, through[same, 0], 1)
    by_mesh: dict[int, list[int]] = {}
    for number, one in enumerate(shown):
        by_mesh.setdefault(id(one.thing.data), []).append(number)
    for numbers in by_mesh.values():
        spans = [np.s_[faces.first[i] : faces.first[i + 1]] for i in numbers]
        seen = np.sum([front[span] for span in spans], axis=0)
        unseen = np.sum([back[span] for span in spans], axis=0)
        within = np.sum([inside[span] for span in spans], axis=0)
        _assign(shown[numbers[0]], single[spans[0]], Lines(seen, unseen, within), shell[spans[0]])


def _slots(surface: Surface) -> int:
    return int(max(len(surface.thing.data.materials), surface.slots.max() + 1))


def _material(mesh: Any, slot: int) -> Any:
    return mesh.materials[slot] if slot < len(mesh.materials) else None


def is_single_sided(material: Any) -> bool:
    """Glass is seen from within, too: its back is where light leaves it."""
    if material is None:
        return True  # the default of glTF
    return bool(material.use_backface_culling) and not transmits(material)


def principled(material: Any) -> Any:
    return next((node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"), None)


def transmits(material: Any) -> bool:
    node = None if material is None else principled(material)
    socket = None if node is None else node.inputs["Transmission Weight"]
    return socket is not None and (socket.is_linked or socket.default_value > 0)


def is_opaque(material: Any) -> bool:
    """Neither blended, nor cut out, nor glass."""
    if material is None:
        return True
    node = principled(material)
    if node is None:  # unlit: one mix for the path of the light, another for alpha
        return bool(sum(one.type == "MIX_SHADER" for one in material.node_tree.nodes) < 2)
    alpha = node.inputs["Alpha"]
    return not alpha.is_linked and alpha.default_value >= 1 and not transmits(material)


def is_veil(material: Any) -> bool:
    """Blended, and not only to cut out leaves: something shows through much of it."""
    if (
        material is None
        or material.surface_render_method != "BLENDED"
        or is_opaque(material)
        or transmits(material)
    ):
        return False
    images = {
        node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image is not None
    }
    alphas = [
        pixels[:, 3] for pixels in map(_pixels, images) if pixels.shape[1] == 4 and pixels[:, 3].min() < 1
    ]
    if not alphas:
        return True
    return any(float(((alpha > 0.1) & (alpha < 0.9)).sum()) > VEIL * (alpha > 0.1).sum() for alpha in alphas)


def _pixels(image: Any) -> np.ndarray:
    """(N, channels) in 0..1."""
    pixels = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(-1, image.channels)


class Lines(NamedTuple):
    """Of each of some triangles, how many lines through the object ..."""

    front: np.ndarray  # see it from its front
    back: np.ndarray  # see it from its back
    inside: (
        np.ndarray
    )  # go through it from its back, and then see a front of the same shell: as those into a room do

    def inward(self, number: np.ndarray) -> np.ndarray:
        """Whether what light there is for them comes from within their shell; `number` says which hang together."""
        front, back, inside = (np.bincount(number, each) for each in self)
        found: np.ndarray = (2 * inside > back) | (back > MOSTLY * front)
        return found

    def of(self, which: np.ndarray) -> "Lines":
        return Lines(*(each[which] for each in self))


def _hits(faces: _Faces, single: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many lines through the object see each triangle from its front, and from its back.

    Third, (N, 2): a triangle that a line went through from its back, and the one whose front it saw next.
    """
    front, back = np.zeros(len(single), dtype=np.int64), np.zeros(len(single), dtype=np.int64)
    clear = np.concatenate(
        [
            np.array([not is_opaque(_material(one.thing.data, slot)) for slot in range(_slots(one))])[
                one.slots
            ]
            for one in faces.surfaces
        ]
    )
    low, high = faces.points.min(axis=0), faces.points.max(axis=0)
    middle = 0.5 * (low + high)
    scale = float(np.linalg.norm(high - low)) or 1.0
    tree = BVHTree.FromPolygons(
        ((faces.points - middle) / scale).tolist(), faces.corners.tolist(), all_triangles=True
    )
    ends = np.random.default_rng(0).normal(size=(2, RAYS, 3))  # the same lines for all objects
    ends *= 0.51 / np.linalg.norm(ends, axis=2, keepdims=True)
    through = []
    for start, towards in zip(ends[0].tolist(), (ends[1] - ends[0]).tolist(), strict=True):
        at, along, before = Vector(start), Vector(towards).normalized(), -1
        for _ in range(LAYERS):
            place, normal, number, _ = tree.ray_cast(at, along)
            if place is None:
                break
            if normal.dot(along) > 0:
                back[number] += 1
                if not (single[number] or clear[number]):
                    break
                before = number
            else:
                front[number] += 1
                if before >= 0:
                    through.append((before, number))
                before = -1
                if not clear[number]:
                    break
            at = place + along * 1e-5
    return front, back, np.array(through, dtype=np.int64).reshape(-1, 2)


def _shells(faces: _Faces) -> np.ndarray:
    """(F,) a number for each triangle, the same for those that hang together, also where vertices are doubled."""
    _, at = np.unique(faces.places[faces.corners], return_inverse=True)
    corners = at.reshape(-1, 3)
    label = np.arange(corners.max() + 1)
    while True:
        least = label[corners].min(axis=1)
        new = label.copy()
        for i in range(3):
            np.minimum.at(new, corners[:, i], least)
        new = new[new]
        if (new == label).all():
            return np.asarray(label[corners[:, 0]])
        label = new


def _assign(surface: Surface, single: np.ndarray, lines: Lines, shell: np.ndarray) -> None:
    """Give the faces of a mesh that need it a material that is seen from one side."""
    mesh = surface.thing.data
    chosen = surface.slots.copy()
    for slot in range(_slots(surface)):
        mine = single & (surface.slots == slot)
        if lines.back[mine].sum() < FEW:
            continue
        met = lines.of(mine)
        _, number = np.unique(shell[mine], return_inverse=True)
        enough = np.bincount(number, met.front + met.back) >= ENOUGH
        inward = np.where(enough, met.inward(number), met.inward(np.zeros_like(number))[0])[number]
        while len(mesh.materials) <= slot:
            mesh.materials.append(None)
        material = mesh.materials[slot]
        for inside in (False, True):
            which = np.flatnonzero(mine)[inward == inside]
            if len(which):
                mesh.materials.append(_seen_from_one_side(material, inside))
                chosen[which] = len(mesh.materials) - 1
    if (chosen != surface.slots).any():
        mesh.polygons.foreach_set("material_index", chosen)
        mesh.update()


def _seen_from_one_side(material: Any, inward: bool) -> Any:
    """A copy of a material whose back is not there. Nor is its front for light, if it faces inwards."""
    name = f"{material.name if material else 'Default'} {'inward' if inward else 'outward'}, one side"
    if (
        name in bpy.data.materials
        and material is not None
        and bpy.data.materials[name].get("of") == material.name
    ):
        return bpy.data.materials[name]
    if material is None:
        copy = bpy.data.materials.new(name)
        copy.node_tree.nodes.clear()
        output, surface = (
            copy.node_tree.nodes.new(kind) for kind in ("ShaderNodeOutputMaterial", "ShaderNodeBsdfDiffuse")
        )
        copy.node_tree.links.new(surface.outputs[0], output.inputs["Surface"])
    else:
        copy = material.copy()
        copy.name, copy["of"] = name, material.name
    nodes, links = copy.node_tree.nodes, copy.node_tree.links
    output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    shown = output.inputs["Surface"].links[0].from_socket
    side, path = nodes.new("ShaderNodeNewGeometry"), nodes.new("ShaderNodeLightPath")
    light, gone = nodes.new("ShaderNodeMath"), nodes.new("ShaderNodeMath")
    clear, mix = nodes.new("ShaderNodeBsdfTransparent"), nodes.new("ShaderNodeMixShader")
    light.operation, gone.operation = "MAXIMUM", "SUBTRACT"
    links.new(path.outputs["Is Shadow Ray"], light.inputs[0])
    links.new(path.outputs["Is Diffuse Ray"], light.inputs[1])
    links.new(side.outputs["Backfacing"], gone.inputs[0])
    links.new(light.outputs[0], gone.inputs[1])
    share = gone.outputs[0]
    if inward:  # one of the two: seen from behind, or lit from within
        either = nodes.new("ShaderNodeMath")
        either.operation = "ABSOLUTE"
        links.new(share, either.inputs[0])
        share = either.outputs[0]
    else:
        gone.use_clamp = True
    links.new(share, mix.inputs[0])
    links.new(shown, mix.inputs[1])
    links.new(clear.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], output.inputs["Surface"])
    return copy
