"""Points of an object's surface in two views, the sides that a view shows, and what else could explain a picture.

Works on what the renderer measured, as `visibility` does: planar depth at pixel centres and albedo.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.geometry.cameras import project
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.geometry.visibility import Capture, Surface, cosine_to_camera, look_differences

CLEAR_PX = 8.0  # of a 512 px image: a point this near to an outline or to the frame's edge is unclear
CLEAR_COSINE = np.cos(np.radians(72.0))  # more slanted surface is seen, but not clearly
# a point's own place and eight around it, of the margin
AROUND_X = np.array([0, 1, -1, 0, 0, 0.7, 0.7, -0.7, -0.7])
AROUND_Y = np.array([0, 0, 0, 1, -1, 0.7, -0.7, 0.7, -0.7])
CONTINUOUS = 0.08  # world units: between neighbouring pixels, a greater step in depth is an outline
HIDDEN_BY = 0.05  # world units: a surface so much nearer hides what is behind it for certain
POOL = 240  # points among which those to keep are chosen
PLANES, VIEWS, MIRRORED = 24, 2, 400  # mirror planes that are tried, views of the ring that judge them, and points
SIDES = ("front", "back", "left", "right", "top", "bottom")


class Tracked(NamedTuple):
    """Points and what each of two views sees of them."""

    points: Array  # (N, 3) world
    albedo: Array  # (N, 3)
    pixels: Array  # (2, N, 2)
    visible: NDArray[np.int8]  # (2, N): 1 clearly seen, -1 clearly hidden, 0 unclear


def landmarks(capture: Capture, seen: Surface, count: int) -> Surface:
    """Points spread over what a view clearly sees of the surface: at most so many, the more outward ones first."""
    pool = seen.every(max(1, len(seen.points) // POOL))
    _, visible = _visibility(capture, pool.points, pool.normals)
    return _spread(Surface(*(part[visible == 1] for part in pool)), count)


def track(captures: tuple[Capture, Capture], points: Surface) -> Tracked:
    """What each of two views sees of some points."""
    looks = [_visibility(capture, points.points, points.normals) for capture in captures]
    pixels, visible = (np.stack(part) for part in zip(*looks, strict=True))
    return Tracked(points.points, points.albedo, pixels, visible)


def _spread(pool: Surface, count: int) -> Surface:
    """Points far from each other: each next one is the furthest from those chosen; the first is the most outward one."""
    if len(pool.points) <= count:
        return pool
    x, y, z = pool.points.T
    chosen = [int(np.argmax(x * x + y * y + z * z))]
    away = np.full(len(x), np.inf)
    while len(chosen) < count:
        at_x, at_y, at_z = pool.points[chosen[-1]]
        away = np.minimum(away, (x - at_x) ** 2 + (y - at_y) ** 2 + (z - at_z) ** 2)
        chosen.append(int(np.argmax(away)))
    return Surface(*(part[chosen] for part in pool))


def _visibility(capture: Capture, points: Array, normals: Array) -> tuple[Array, NDArray[np.int8]]:
    """(N, 2) pixels, and per point 1, -1 or 0: clearly seen, clearly hidden by the object itself, or unclear."""
    pixels, depth = project(points, capture.world_from_camera, capture.intrinsics)
    height, width = capture.depth.shape
    margin = CLEAR_PX * max(height, width) / 512
    u, v = pixels.T
    inside = (depth > 0) & (u >= margin) & (v >= margin) & (u < width - margin) & (v < height - margin)
    cols, rows = (
        (np.where(inside, at, margin) + margin * beside[:, None]).astype(np.int64).clip(0, size - 1)
        for at, beside, size in ((u, AROUND_X, width), (v, AROUND_Y, height))
    )
    there = capture.depth.ravel()[rows * width + cols].astype(np.float64)  # (9, N), the point's own pixel first
    cosine = cosine_to_camera(points, normals, capture.world_from_camera)
    steep = np.clip(cosine, CLEAR_COSINE, 1)
    slope = np.sqrt(1 - steep**2) / steep
    own = np.maximum(1e-3, 0.005 * depth) + 0.75 * slope * depth / capture.intrinsics[0, 0]
    beside = CONTINUOUS + slope * margin * depth / capture.intrinsics[0, 0]
    seen = inside & (cosine >= CLEAR_COSINE) & (np.abs(there[0] - depth) <= own)
    seen &= (np.abs(there - depth) <= beside).all(axis=0)
    hidden = inside & (there[0] < depth - HIDDEN_BY) & (there < depth - 0.4 * HIDDEN_BY).all(axis=0)
    return pixels, np.where(seen, 1, np.where(hidden, -1, 0)).astype(np.int8)


def side_shares(seen: Surface, world_from_camera: Array, front_azimuth_deg: float) -> Array:
    """(6,) shares of an object's pixels that lie on its front, back, left, right, top and bottom.

    A pixel is on the side that its normal is nearest to. The object's left is on the left of somebody who looks out of
    its front.

    Args:
        seen: surface points on a regular grid of pixels, so that each stands for as much of the picture.
        front_azimuth_deg: of a camera that looks at the front.
    """
    angle = np.radians(front_azimuth_deg)
    front = np.array([np.cos(angle), np.sin(angle), 0.0])
    left, top = np.array([-front[1], front[0], 0.0]), np.array([0.0, 0.0, 1.0])
    nearest = np.argmax(seen.normals @ np.array([front, -front, left, -left, top, -top]).T, axis=1)
    return np.bincount(nearest, minlength=len(SIDES)) / max(len(nearest), 1)


def chirality(cloud: Surface, ring: list[Capture]) -> float:
    """How different an object is from its mirror image, however that is turned about the vertical; 0..1.

    The object is mirrored in upright planes all around, and each mirror image is compared with the object as it was seen
    by some views of a ring.
    """
    angles = np.radians(np.arange(PLANES) * 180.0 / PLANES)
    normals = np.stack([np.cos(angles), np.sin(angles), np.zeros(PLANES)], axis=1)
    mirrors = np.eye(3) - 2 * normals[:, :, None] * normals[:, None, :]
    views, thin = ring[:: max(1, len(ring) // VIEWS)][:VIEWS], cloud.every(-(-len(cloud.points) // MIRRORED))
    found = np.mean([look_differences(thin, view, np.array([np.eye(3), *mirrors])) for view in views], axis=0)
    least = float(np.min(found[1:] - found[0])) if np.isfinite(found).all() else 0.0
    return max(least, 0.0)


def lens_or_place(
    points: Array, world_from_camera: Array, intrinsics: Array, distance_ratio: float, focal_ratio: float
) -> float:
    """How far the object's points would be elsewhere in the second picture, had its size come about another way.

    A camera can make an object larger by its lens or by going nearer; only perspective tells which.

    Args:
        points: (N, 3) world.
        world_from_camera: (4, 4) of the second camera.
        intrinsics: (3, 3) of the second camera, pixels.
        distance_ratio: second distance to the object over the first.
        focal_ratio: second focal length over the first.

    Returns:
        Mean distance in the picture over the object's width, of the other way that is nearest to what was done.
    """
    same = np.log(1.1)
    others = [scale for scale in (1 / distance_ratio, 1 / focal_ratio) if abs(np.log(scale)) > same]
    others = others or [
        1.3,
        1 / 1.3,
    ]  # nothing was done: both at once, one against the other, would not show in the size
    scales = np.array([1.0, *others])[:, None]  # the first is what was done
    x, y, z = (points @ world_from_camera[:3, :3]).T[:, None] - scales * (
        world_from_camera[:3, 3] @ world_from_camera[:3, :3]
    )[:, None, None]  # (3, scales, N) in camera axes
    if not (z > 0).all():
        return 0.0
    u, v = scales * intrinsics[0, 0] * x / z, scales * intrinsics[1, 1] * y / z
    width = max(float(np.ptp(u[0])), float(np.ptp(v[0])), 1e-9)
    return float(np.hypot(u[1:] - u[0], v[1:] - v[0]).mean(axis=1).min()) / width
