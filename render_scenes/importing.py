"""What Blender's importer of glTF is made to tell, and to leave as it is. Both would be lost once it is done."""

from typing import Any

import numpy as np
from io_scene_gltf2.blender.imp import mesh as importer_of_meshes

from render_scenes.surfaces import mark_two_sided


def listen() -> None:
    """From now on, a triangle and its reverse on the same vertices become one that is marked as two-sided.

    Blender's validation would leave one of them, without a word, and not always the one whose normals are right.
    """
    triangles_of, make_mesh = importer_of_meshes.points_edges_tris, importer_of_meshes.do_primitives
    two_sided: list[np.ndarray] = []

    def triangles_once(mode: int, indices: np.ndarray) -> tuple[Any, Any, Any]:
        points, edges, triangles = triangles_of(mode, indices)
        if triangles is not None:
            triangles, both = _once(triangles)
            two_sided.append(both)
        return points, edges, triangles

    def mesh_with_marks(gltf: Any, mesh_number: int, skin: Any, mesh: Any, thing: Any) -> None:
        two_sided.clear()
        make_mesh(gltf, mesh_number, skin, mesh, thing)
        marks = np.concatenate([np.zeros(0, dtype=bool), *two_sided])
        if marks.any() and len(marks) == len(mesh.polygons):
            mark_two_sided(mesh, marks)

    importer_of_meshes.points_edges_tris, importer_of_meshes.do_primitives = triangles_once, mesh_with_marks


def _once(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangles on the same vertices once, and (F,) whether each stands for its reverse, too.

    Nothing is changed where there are none; else those without area go, too, as Blender's validation would have it.
    """
    corners = triangles.reshape(-1, 3)
    ordered = np.sort(corners, axis=1).astype(np.uint64)
    keys = (ordered[:, 0] << np.uint64(42)) ^ (ordered[:, 1] << np.uint64(21)) ^ ordered[:, 2]
    order = np.argsort(keys, kind="stable")  # budgets keep vertices below 2^21, or nearly: equal keys are compared
    equal = (keys[order][1:] == keys[order][:-1]) & (ordered[order][1:] == ordered[order][:-1]).all(axis=1)
    if not equal.any():
        return triangles, np.zeros(len(corners), dtype=bool)
    first = np.append(True, ~equal)
    group = np.cumsum(first) - 1
    turned = np.take_along_axis(corners, (corners.argmin(axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    front = turned[:, 1] < turned[:, 2]
    both = np.zeros(len(corners), dtype=bool)
    found = np.bincount(group, front[order]) > 0, np.bincount(group, ~front[order]) > 0
    both[order[first]] = found[0] & found[1]
    solid = (ordered[:, 0] < ordered[:, 1]) & (ordered[:, 1] < ordered[:, 2])
    keep = np.zeros(len(corners), dtype=bool)
    keep[order[first]] = True
    keep &= solid
    return corners[keep].ravel(), both[keep]
