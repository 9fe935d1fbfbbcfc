"""Upright boxes on the ground: their corners, middles and fronts in the world."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from viewpoint100k.geometry.cameras import project
from viewpoint100k.geometry.rotations import Array

# (8, 3) corners of a box with sides of 1, whose base is at z = 0: x slowest, z fastest
UNIT_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])


class Projected(NamedTuple):
    """An upright box in a picture."""

    full_box: (
        Array  # (4,) left, top, right, bottom of its corners, pixels; not cut at the edge of the picture
    )
    centre_pixel: Array  # (2,) of its middle
    base_pixel: Array  # (2,) of the middle of its base
    depth: float  # of its middle along the line of sight


def standing(position: ArrayLike, turn_deg: float) -> Array:
    """world_from_object, (4, 4), of a box by the middle of its base, turned counter-clockwise from above."""
    c = np.cos(np.radians(turn_deg))
    s = np.sin(np.radians(turn_deg))
    out = np.eye(4)
    out[:2, :2] = [[c, -s], [s, c]]
    out[:3, 3] = np.asarray(position, dtype=np.float64)
    return out


def turn_deg(world_from_object: ArrayLike) -> float:
    """How far an upright box is turned, counter-clockwise from above, in (-180, 180]."""
    m = np.asarray(world_from_object, dtype=np.float64)
    return float(np.degrees(np.arctan2(m[1, 0], m[0, 0])))


def box_corners(world_from_object: ArrayLike, size: ArrayLike) -> Array:
    """(8, 3) world corners of a box: x slowest, z fastest; the base of the box is at its own z = 0.

    Args:
        world_from_object: (4, 4).
        size: (3,) its sides.
    """
    m = np.asarray(world_from_object, dtype=np.float64)
    return np.asarray((UNIT_CORNERS * np.asarray(size, dtype=np.float64)) @ m[:3, :3].T + m[:3, 3])


def project_box(
    world_from_object: ArrayLike, size: ArrayLike, world_from_camera: ArrayLike, intrinsics: ArrayLike
) -> Projected:
    """Where a box is in a picture.

    All of it must be in front of the camera, else the pixels are meaningless.
    """
    corners = box_corners(world_from_object, size)
    base = np.asarray(world_from_object, dtype=np.float64)[:3, 3]
    points = np.concatenate([corners, corners.mean(axis=0)[None], base[None]])
    pixels, depth = project(points, world_from_camera, intrinsics)
    full = np.concatenate([pixels[:8].min(axis=0), pixels[:8].max(axis=0)])
    return Projected(full, pixels[8], pixels[9], float(depth[8]))
