"""Makes single-sided surfaces visible from their front only, as viewers of glTF do.

Cycles draws both sides of every surface.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from render_scenes.materials import is_opaque, is_single_sided
from render_scenes.surfaces import Faces, Surface, material_of, slots_of

RAYS = 2048  # random lines through the object that look for visible back faces
LAYERS = 16  # back faces that a line passes, one behind the other
FEW = 2  # lines that meet a back face by chance, at an edge between triangles
# a shell whose back is seen by this many times as many lines as its front must let light through to what it
# encloses
MOSTLY = 2.0
ENOUGH = 8  # lines that are needed to call a shell seen from its back


def hide_back_faces(surfaces: Sequence[Surface]) -> None:
    """Make single-sided surfaces invisible from their back, where a back can be seen at all.

    A shader that checks the side costs time, and most objects show no back face, so lines through the object
    find out where it is needed. Both sides still block light. The exception is a shell that is seen mostly
    from its back, such as a room or the hull of an outline: it lets light pass, or everything within it would
    be dark.
    """
    shown = [surface for surface in surfaces if len(surface.corners)]
    worn = {
        id(surface.thing.data): [
            is_single_sided(material_of(surface.thing.data, slot)) for slot in range(slots_of(surface))
        ]
        for surface in shown
    }
    if not any(map(any, worn.values())):
        return
    faces = Faces(shown)
    if not 0 < faces.extent < np.inf:
        return
    single = np.concatenate(
        [np.array(worn[id(surface.thing.data)])[surface.slots] & ~surface.two_sided for surface in shown]
    )
    front, back, through = _hits(faces, single)
    if back.sum() < FEW:
        return
    shell = _shells(faces)
    inside = np.zeros(len(single), dtype=np.int64)
    same = shell[through[:, 0]] == shell[through[:, 1]]
    np.add.at(inside, through[same, 0], 1)
    by_mesh: dict[int, list[int]] = {}
    for number, surface in enumerate(shown):
        by_mesh.setdefault(id(surface.thing.data), []).append(number)
    for numbers in by_mesh.values():
        spans = [np.s_[faces.first[i] : faces.first[i + 1]] for i in numbers]
        seen = np.sum([front[span] for span in spans], axis=0)
        unseen = np.sum([back[span] for span in spans], axis=0)
        within = np.sum([inside[span] for span in spans], axis=0)
        _assign(shown[numbers[0]], single[spans[0]], Lines(seen, unseen, within), shell[spans[0]])


class Lines(NamedTuple):
    """Counts, for each of some triangles, of the lines through the object that ..."""

    front: np.ndarray  # see it from its front
    back: np.ndarray  # see it from its back
    # pass it from its back and then see a front of the same shell, as lines into a room do
    inside: np.ndarray

    def inward(self, number: np.ndarray) -> np.ndarray:
        """Whether each triangle belongs to a shell that is lit from within.

        Args:
            number: (F,) the number of each triangle's shell.
        """
        front, back, inside = (np.bincount(number, each) for each in self)
        found: np.ndarray = (2 * inside > back) | (back > MOSTLY * front)
        return found

    def of(self, which: np.ndarray) -> "Lines":
        return Lines(*(each[which] for each in self))


def _hits(faces: Faces, single: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The numbers of lines through the object that see each triangle from its front, and from its back.

    The third array, (N, 2), holds each triangle that a line passed from its back and the one whose front it
    saw next.
    """
    front = np.zeros(len(single), dtype=np.int64)
    back = np.zeros(len(single), dtype=np.int64)
    clear = np.concatenate([_is_clear(surface) for surface in faces.surfaces])
    tree = _tree_of_unit_size(faces)
    ends = np.random.default_rng(0).normal(size=(2, RAYS, 3))  # the same lines for all objects
    ends *= 0.51 / np.linalg.norm(ends, axis=2, keepdims=True)
    through = []
    for start, towards in zip(ends[0].tolist(), (ends[1] - ends[0]).tolist(), strict=True):
        at = Vector(start)
        along = Vector(towards).normalized()
        before = -1
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


def _is_clear(surface: Surface) -> np.ndarray:
    """(F,) whether each triangle is see-through."""
    by_slot = [not is_opaque(material_of(surface.thing.data, slot)) for slot in range(slots_of(surface))]
    return np.asarray(np.array(by_slot)[surface.slots])


def _tree_of_unit_size(faces: Faces) -> Any:
    """A tree of all triangles for ray intersection, centred at the origin and one unit across."""
    low = faces.points.min(axis=0)
    high = faces.points.max(axis=0)
    middle = 0.5 * (low + high)
    scale = float(np.linalg.norm(high - low)) or 1.0
    points = (faces.points - middle) / scale
    return BVHTree.FromPolygons(points.tolist(), faces.corners.tolist(), all_triangles=True)


def _shells(faces: Faces) -> np.ndarray:
    """Number the shells: connected triangles, also where vertices are duplicated.

    Returns:
        (F,) the number of each triangle's shell.
    """
    _, at = np.unique(faces.places[faces.corners], return_inverse=True)
    corners = at.reshape(-1, 3)
    label = np.arange(np.max(corners) + 1)
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
    """Give a one-sided material to those faces of a mesh that need it."""
    mesh = surface.thing.data
    chosen = surface.slots.copy()
    for slot in range(slots_of(surface)):
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
    """A copy of a material with an invisible back; if it faces inwards, its front lets light pass, too."""
    name = f"{material.name if material else 'Default'} {'inward' if inward else 'outward'}, one side"
    if (
        name in bpy.data.materials
        and material is not None
        and bpy.data.materials[name].get("of") == material.name
    ):
        return bpy.data.materials[name]
    if material is None:
        copy = _matte(name)
    else:
        copy = material.copy()
        copy.name = name
        copy["of"] = material.name
    _hide_back(copy, inward)
    return copy


def _matte(name: str) -> Any:
    """A new white material without gloss."""
    material = bpy.data.materials.new(name)
    nodes = material.node_tree.nodes
    nodes.clear()
    output = nodes.new("ShaderNodeOutputMaterial")
    surface = nodes.new("ShaderNodeBsdfDiffuse")
    material.node_tree.links.new(surface.outputs[0], output.inputs["Surface"])
    return material


def _hide_back(copy: Any, inward: bool) -> None:
    """Edit the nodes of a material for `_seen_from_one_side`."""
    nodes = copy.node_tree.nodes
    links = copy.node_tree.links
    output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    shown = output.inputs["Surface"].links[0].from_socket
    side = nodes.new("ShaderNodeNewGeometry")
    path = nodes.new("ShaderNodeLightPath")
    light = nodes.new("ShaderNodeMath")
    gone = nodes.new("ShaderNodeMath")
    clear = nodes.new("ShaderNodeBsdfTransparent")
    mix = nodes.new("ShaderNodeMixShader")
    light.operation = "MAXIMUM"
    gone.operation = "SUBTRACT"
    links.new(path.outputs["Is Shadow Ray"], light.inputs[0])
    links.new(path.outputs["Is Diffuse Ray"], light.inputs[1])
    links.new(side.outputs["Backfacing"], gone.inputs[0])
    links.new(light.outputs[0], gone.inputs[1])
    share = gone.outputs[0]
    if inward:  # transparent if it is seen from behind or lit from within
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
