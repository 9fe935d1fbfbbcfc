"""What trimesh knows of a mesh, where it is installed: is it closed, how many bodies, how large?

trimesh opens no file: it is given the triangles that our own reader has checked and placed, so it decodes no
image, follows no URI, and asks nothing of the network.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf import Surface, read_surface
from viewpoint100k.records import Record

MAX_TRIANGLES = 500_000  # 4 us each, and 0.4 kB
_DIGITS = 6  # of the longest side: vertices so near to each other are one, as for the renderer


class MeshFacts(Record):
    """Facts about the triangles as the file's nodes place them, without animation.

    Lengths in the file's unit (glTF: metres).
    """

    not_known: str = ""  # why what is None below is not known; empty if there is nothing to explain
    watertight: bool | None = None  # each edge is of two triangles
    bodies: int | None = None  # connected components, by vertices
    volume: float | None = None  # only of what is watertight, wound one way, and not inside out
    extents: list[float] | None = None  # (3,) sides of the bounding box, along the file's x, y (up) and z


def installed() -> bool:
    """Whether anything can be known: trimesh counts bodies by scipy."""
    return all(find_spec(name) is not None for name in ("trimesh", "scipy"))


def know_mesh(path: Path, budgets: FileBudgets) -> MeshFacts | None:
    """What trimesh knows of a file's mesh; whatever it trips over is `not_known`.

    None where it is not installed.
    """
    if not installed():
        return None
    try:
        return _know(read_surface(path, budgets, MAX_TRIANGLES))
    except ObjectRefused as refusal:
        return MeshFacts(not_known=str(refusal))
    except Exception as error:  # of trimesh or scipy, with no promise which; of MemoryError, too
        return MeshFacts(not_known=f"trimesh fails on it ({type(error).__name__}: {error})")


def _know(surface: Surface) -> MeshFacts:
    corners = surface.triangles.reshape(-1, 3)
    low = corners.min(axis=0)
    high = corners.max(axis=0)
    size = float(np.max(high - low))
    if not 0 < size < np.inf:
        return MeshFacts(not_known=f"its triangles have a size of {size:g}")
    unit = (corners - 0.5 * (low + high)) / size  # trimesh's tolerances are for lengths around one
    # parts that touch are closed each for itself; one that is in pieces, say a piece for each material, is
    # closed as a whole
    mesh = _joined(unit, np.repeat(surface.parts, 3))
    if not mesh.is_watertight and len(surface.parts) and surface.parts[-1]:
        mesh = _joined(unit, np.zeros(len(unit)))
    if mesh.is_empty:
        return MeshFacts(not_known="all its triangles are too small")
    return MeshFacts(
        not_known="size: a skeleton or morph targets move it" if surface.moved else "",
        watertight=bool(mesh.is_watertight),
        bodies=int(mesh.body_count),
        volume=_figure(float(mesh.volume) * size**3) if mesh.is_volume and not surface.moved else None,
        extents=None if surface.moved else [_figure(float(side)) for side in high - low],
    )


def _joined(corners: Any, groups: Any) -> Any:
    """A mesh of triangles whose corners are one vertex where they are at one place and in one group.

    Args:
        corners: (3n, 3), three for each triangle.
        groups: (3n,) numbers.
    """
    import trimesh

    first, vertex = trimesh.grouping.unique_rows(np.column_stack([corners, groups]), digits=_DIGITS)
    faces = np.asarray(vertex).reshape(-1, 3)
    whole = (faces != np.roll(faces, 1, axis=1)).all(
        axis=1
    )  # else an edge has shrunk to a point: poles of spheres
    mesh = trimesh.Trimesh(corners[first], faces[whole], process=False)
    mesh.remove_unreferenced_vertices()
    return mesh


def _figure(value: float) -> float:
    """Six digits: files store no more than seven."""
    return float(f"{value:.6g}")


def describe(facts: MeshFacts | None) -> list[str]:
    """For people, in short lines: ["watertight, 2 bodies", "1 x 0.5 x 0.25", "volume 0.1"].

    Empty where nothing was asked.
    """
    if facts is None:
        return []
    if facts.watertight is None:
        return [f"not known: {facts.not_known}"]
    bodies = f"{facts.bodies:,} " + ("body" if facts.bodies == 1 else "bodies")
    lines = [f"{'watertight' if facts.watertight else 'not watertight'}, {bodies}"]
    if facts.extents is None:
        return [*lines, f"not known: {facts.not_known}"]
    lines.append(" x ".join(f"{side:.3g}" for side in facts.extents))
    return lines if facts.volume is None else [*lines, f"volume {facts.volume:.3g}"]
