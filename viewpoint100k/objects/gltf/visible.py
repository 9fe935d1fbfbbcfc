"""What there is to see: not too much for Blender, and a surface of finite size that is not transparent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf.meshes import Mesh, Primitive
from viewpoint100k.objects.gltf.scene import Draw
from viewpoint100k.objects.gltf.shape import extension

_MAX_COORDINATE = 1e15  # of a placed vertex; Blender squares lengths in float32
_BLOCK = 3 << 16  # corners looked at together; a multiple of 3


def check_load(draws: Sequence[Draw], budgets: FileBudgets) -> None:
    """Check what all nodes come to, shown or not, because Blender makes them all."""
    for name, what, limit in (
        ("triangles", "triangles", budgets.max_triangles),
        ("corners", "corners of triangles, lines and points", 3 * budgets.max_triangles),
        ("vertices", "vertices, morph targets included", budgets.max_vertices),
    ):
        number = sum(draw.times * getattr(draw.mesh, name) for draw in draws)
        if number > limit:
            raise ObjectRefused(f"{number:,} {what}, after instancing; expected at most {limit:,}")


def check_visible(draws: Sequence[Draw], materials: list[dict[str, Any]]) -> None:
    draws = [draw for draw in draws if draw.times and draw.mesh.primitives]
    meshes = {mesh: _measure(mesh) for mesh in dict.fromkeys(draw.mesh for draw in draws)}
    if not meshes:
        raise ObjectRefused("the scene is empty: none of its nodes has a mesh, so there is nothing to see")
    parts = [part for mesh in meshes for part in mesh.primitives if part.triangles]
    if not parts:
        raise ObjectRefused("the scene has no triangles, only points or lines; expected a surface")
    if all(part.material is not None and _invisible(materials[part.material]) for part in parts):
        raise ObjectRefused("every material is fully transparent: there is nothing to see")
    low = np.full(3, np.inf)
    high = np.full(3, -np.inf)
    for draw in draws:
        box, _ = meshes[draw.mesh]
        if box is None:
            return
        eight = np.stack(np.meshgrid(*box.T), axis=-1).reshape(-1, 3)
        placed = np.einsum("nij,cj->nci", draw.places[:, :3, :3], eight) + draw.places[:, None, :3, 3]
        low = np.minimum(low, placed.min(axis=(0, 1)))
        high = np.maximum(high, placed.max(axis=(0, 1)))
    far = max(np.abs(low).max(), np.abs(high).max())
    if not far <= _MAX_COORDINATE:
        raise ObjectRefused(
            f"reaches to coordinate {far:g} in the world; expected finite, at most {_MAX_COORDINATE:g}"
        )
    sizes = np.sort(high - low)
    if sizes[2] <= max(1e-12, 1e-6 * far):
        raise ObjectRefused(f"all vertices are at one point: size {sizes[2]:g}, {far:g} from the origin")
    if sizes[1] <= 1e-9 * sizes[2] or not any(surface for _, surface in meshes.values()):
        raise ObjectRefused("all triangles have zero area; expected a surface")


def _invisible(material: dict[str, Any]) -> bool:
    pbr = material.get("pbrMetallicRoughness", {})
    if "baseColorTexture" in pbr or extension(material, "KHR_materials_pbrSpecularGlossiness") is not None:
        return False
    alpha = pbr.get("baseColorFactor", [1.0])[-1]
    mode = material.get("alphaMode")
    return (mode == "MASK" and alpha < material.get("alphaCutoff", 0.5)) or (mode == "BLEND" and alpha <= 0)


def _measure(mesh: Mesh) -> tuple[NDArray[np.float64] | None, bool]:
    """Bounds of a mesh, and whether any of its triangles has an area.

    Returns:
        (2, 3) least and greatest coordinates of the vertices in use; None if Draco hides them.
    """
    low = np.full(3, np.inf)
    high = np.full(3, -np.inf)
    area = 0.0
    known = True
    for part in mesh.primitives:
        if part.draco and part.position.data is None:
            area = np.inf
            if part.position.bounds is None:
                known = False
            else:
                low = np.minimum(low, part.position.bounds[0])
                high = np.maximum(high, part.position.bounds[1])
            continue
        if not all(pull.finite for pull in part.pulls):
            raise ObjectRefused(
                f"{part.where}: weights or morph targets contain NaN or infinity; expected finite numbers"
            )
        for vertices in _blocks(part):
            points = part.position.floats(vertices)
            if not np.isfinite(points).all():
                raise ObjectRefused(
                    f"{part.where}: vertex positions contain NaN or infinity; expected finite numbers"
                )
            low = np.minimum(low, points.min(axis=0))
            high = np.maximum(high, points.max(axis=0))
            area += _area(points, part.mode) if part.triangles else 0.0
    return np.stack([low, high]) if known else None, area > 1e-12 * float(np.sum((high - low) ** 2))


def _area(points: NDArray[np.float64], mode: int) -> float:
    """Twice the area of the triangles of some corners (N, 3), which is only asked whether it is near 0."""
    if mode == 4:
        a = points[0::3]
        b = points[1::3]
        c = points[2::3]
    else:
        a = points[:1] if mode == 6 else points[:-2]
        b = points[1:-1]
        c = points[2:]
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def _blocks(part: Primitive) -> Iterator[NDArray[np.int64]]:
    """The vertex numbers of the corners in pieces of bounded size. Pieces of strips and fans overlap."""
    overlap = 2 if part.mode in (5, 6) else 0
    for start in range(0, part.corners - overlap, _BLOCK):
        block = np.arange(start, min(start + _BLOCK + overlap, part.corners))
        if part.mode == 6:
            block[0] = 0  # a fan turns about its first corner
        yield block if part.indices is None else part.indices.rows[block, 0].astype(np.int64)


# --- its triangles ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Surface:
    """The triangles of a scene, in the file's axes and unit."""

    triangles: NDArray[np.float64]  # (n, 3, 3): corners, counter-clockwise from the front
    parts: NDArray[np.int64]  # (n,): which mesh at which place each is of, counted from 0
    moved: bool  # by a skeleton or by morph targets: they are here as modelled, not as posed


def place_triangles(draws: Sequence[Draw], max_triangles: int, *, by_joints: bool = False) -> Surface:
    """All triangles where the nodes put them.

    Args:
        draws: those shown, that `check_visible` has seen.
        max_triangles: 72 bytes each.
        by_joints: put a skinned mesh, as modelled, where its first joint takes it, so that it turns with the
            rest of the scene; else it stays where it was modelled.

    Raises:
        ObjectRefused: there are more, or they are compressed and cannot be read here.
    """
    if (number := sum(draw.times * draw.mesh.triangles for draw in draws)) > max_triangles:
        raise ObjectRefused(f"{number:,} triangles; looked at are at most {max_triangles:,}")
    drawn = [part for mesh in {draw.mesh for draw in draws} for part in mesh.primitives if part.triangles]
    if any(part.draco for part in drawn):
        raise ObjectRefused("Draco-compressed, which only the renderer reads")
    if any(
        array and array.data is None and array.sparse is None
        for part in drawn
        for array in (part.position, part.indices)
    ):
        raise ObjectRefused("its vertices or indices have no data that can be read here")
    modelled = {mesh: _corners(mesh) for mesh in dict.fromkeys(draw.mesh for draw in draws)}
    placed: list[NDArray[np.float64]] = []
    for draw in draws:
        # the node of a skinned mesh moves nothing, and where its joints put it is a matter of poses
        modelled_at = draw.places[:1] if by_joints else np.eye(4)[None]
        places = modelled_at if draw.skinned else draw.places
        for place in places if len(modelled[draw.mesh]) else ():
            corners = modelled[draw.mesh] @ place[:3, :3].T + place[:3, 3]
            mirrored = np.linalg.det(place[:3, :3]) < 0  # which turns fronts to backs
            placed.append(corners[:, ::-1] if mirrored else corners)
    return Surface(
        triangles=np.concatenate(placed),
        parts=np.repeat(np.arange(len(placed)), [len(array) for array in placed]),
        moved=any(draw.skinned or draw.mesh.morphs for draw in draws),
    )


def _corners(mesh: Mesh) -> NDArray[np.float64]:
    """(n, 3, 3) of all triangles of a mesh, in its own axes."""
    found = [np.zeros((0, 3, 3))]
    for part in mesh.primitives:
        if not part.triangles:
            continue
        order = np.arange(part.corners) if part.indices is None else part.indices.rows[:, 0].astype(np.int64)
        if part.mode == 4:
            faces = order.reshape(-1, 3)
        elif part.mode == 5:  # every other triangle of a strip goes the other way around
            faces = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
            faces[1::2] = faces[1::2, ::-1]
        else:
            faces = np.stack([np.full(part.triangles, order[0]), order[1:-1], order[2:]], axis=1)
        found.append(part.position.floats()[faces])
    return np.concatenate(found)
