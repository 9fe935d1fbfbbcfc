"""Counts the pixels that each object of a scene would have if it were alone, by rays through what hides it.

No render is needed. In pixels that show no other object, nothing would change if the object were alone. Rays
are therefore needed only through pixels that show another object, within the part of the picture where this
one could be. They are intersected with the object's own meshes, in trees that Blender builds.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from render_scenes.protocol import Camera

# rays for one object in one picture; with more pixels, only every second, third, ... is tried and stands for
# its neighbours
RAYS = 1200
HIDES = 0.05  # share of an object's pixels: an object that hides less is not named


class Mesh(NamedTuple):
    """A mesh of an object, ready for ray intersection."""

    thing: Any
    tree: Any
    corners: np.ndarray  # (8, 3) corners of its box, in its own axes


class Alone(NamedTuple):
    """What one picture would show of one object."""

    solo: int  # pixels, including those in which the object is visible now
    hidden_by: list[int]  # numbers of the objects that hide it


def meshes_of(things: Sequence[Any]) -> list[Mesh]:
    """The meshes among an object's things, as they are rendered."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    out = []
    for thing in things:
        if thing.type != "MESH":
            continue
        tree = BVHTree.FromObject(thing, depsgraph)
        if tree is not None:
            out.append(
                Mesh(thing, tree, np.array(thing.evaluated_get(depsgraph).bound_box, dtype=np.float64))
            )
    return out


def alone(
    number: int,
    meshes: Sequence[Mesh],
    index: np.ndarray,
    depth: np.ndarray,
    camera: Camera,
    corner: tuple[int, int],
) -> Alone:
    """What a picture would show of an object if the others were absent.

    Args:
        number: number of the object.
        index: (H, W) number of the object that each pixel shows; negative: none.
        depth: (H, W) planar z.
        corner: column and row of the first pixel in the whole picture.
    """
    mine = int((index == number).sum())
    world_from_camera = np.asarray(camera.world_from_camera)
    intrinsics = np.asarray(camera.intrinsics)
    rows, cols = np.nonzero((index >= 0) & (index != number))
    others = index[rows, cols]
    there = depth[rows, cols]
    across = (cols + corner[0] + 0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
    down = (rows + corner[1] + 0.5 - intrinsics[1, 2]) / intrinsics[1, 1]
    boxes = [_box(mesh, world_from_camera) for mesh in meshes]
    could = np.zeros(len(rows), dtype=bool)
    for low, high, far in boxes:
        could |= _inside(across, down, low, high) & (there < far)
    chosen = np.flatnonzero(could)
    step = max(1, -(-len(chosen) // RAYS))
    chosen = chosen[step // 2 :: step]
    hit = np.zeros(len(chosen), dtype=bool)
    seen = np.stack([across[chosen], down[chosen], np.ones(len(chosen))], axis=1)
    for mesh, (low, high, _) in zip(meshes, boxes, strict=True):
        near = np.flatnonzero(~hit & _inside(across[chosen], down[chosen], low, high))
        hit[near] = _meets(mesh, world_from_camera, seen[near])
    solo = mine + step * int(hit.sum())
    hides = np.bincount(others[chosen][hit].astype(np.int64)) * step
    return Alone(solo, [int(i) for i in np.flatnonzero(hides >= max(HIDES * solo, 1))])


def _meets(mesh: Mesh, world_from_camera: np.ndarray, rays: np.ndarray) -> list[bool]:
    """(N,) whether each ray from the camera, (N, 3) in camera axes, meets a mesh."""
    own_from_world = np.linalg.inv(np.array(mesh.thing.matrix_world, dtype=np.float64))
    start = Vector(own_from_world[:3, :3] @ world_from_camera[:3, 3] + own_from_world[:3, 3])
    towards = rays @ world_from_camera[:3, :3].T @ own_from_world[:3, :3].T
    return [mesh.tree.ray_cast(start, Vector(ray))[0] is not None for ray in towards]


def _inside(across: np.ndarray, down: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.asarray((across >= low[0]) & (across <= high[0]) & (down >= low[1]) & (down <= high[1]))


def _box(mesh: Mesh, world_from_camera: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Least and greatest (x/z, y/z) of a mesh's box in camera axes, and the greatest z."""
    placed = np.array(mesh.thing.matrix_world, dtype=np.float64)
    world = mesh.corners @ placed[:3, :3].T + placed[:3, 3]
    x, y, z = ((world - world_from_camera[:3, 3]) @ world_from_camera[:3, :3]).T
    if z.min() < 1e-3:
        return np.full(2, -np.inf), np.full(2, np.inf), np.inf
    return np.array([(x / z).min(), (y / z).min()]), np.array([(x / z).max(), (y / z).max()]), float(z.max())
