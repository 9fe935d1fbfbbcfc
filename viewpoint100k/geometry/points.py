"""Surface points in two views, the sides that a view shows, and rival explanations of a picture.

Works on what the renderer measured, as `visibility` does: planar depth at pixel centres and albedo.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.geometry.rotations import Array
from viewpoint100k.geometry.visibility import Capture, Surface, look_differences

CLEAR_PX = 8.0  # of a 512 px image: a point this near to an outline or to the frame's edge is unclear
LEAST_CLEAR_PX = 1.5  # of any image: within less, all that is looked at may be one pixel
CLEAR_COSINE = np.cos(np.radians(72.0))  # more slanted surface is seen, but not clearly
# a point's own place and eight around it, of the margin
AROUND_X = np.array([0, 1, -1, 0, 0, 0.7, 0.7, -0.7, -0.7])
AROUND_Y = np.array([0, 0, 0, 1, -1, 0.7, -0.7, 0.7, -0.7])
CONTINUOUS = 0.08  # world units: between neighbouring pixels, a greater step in depth is an outline
HIDDEN_BY = 0.05  # world units: a surface so much nearer hides what is behind it for certain
POOL = 120  # points among which those to keep are chosen
# mirror planes that are tried, views of the ring that judge them, and points
PLANES = 24
VIEWS = 2
MIRRORED = 400
SIDES = ("front", "back", "left", "right", "top", "bottom")


class Tracked(NamedTuple):
    """Points and what each of two views sees of them."""

    points: Array  # (N, 3) world
    albedo: Array  # (N, 3)
    pixels: Array  # (2, N, 2)
    visible: NDArray[np.int8]  # (2, N): 1 clearly seen, -1 clearly hidden, 0 unclear


def landmarks(captures: Sequence[Capture], seen: Sequence[Surface], count: int) -> list[Surface]:
    """Points spread over what each view clearly sees of the surface: at most `count`, the outermost first."""
    pools = [one.every(len(one.points) // POOL) for one in seen]
    _, visible = _visibility(captures, pools)
    return [
        _spread(Surface(*(part[clear == 1] for part in pool)), count)
        for pool, clear in zip(pools, visible, strict=True)
    ]


def track(captures: Sequence[tuple[Capture, Capture]], points: Sequence[Surface]) -> list[Tracked]:
    """What the two views of each pair see of its points."""
    pixels, visible = _visibility(
        [one for pair in captures for one in pair], [one for one in points for _ in range(2)]
    )
    return [
        Tracked(one.points, one.albedo, np.stack(pixels[i : i + 2]), np.stack(visible[i : i + 2]))
        for one, i in zip(points, range(0, len(pixels), 2), strict=True)
    ]


def _spread(pool: Surface, count: int) -> Surface:
    """Farthest-point sampling: each point is the furthest from those before; the first is the outermost."""
    if len(pool.points) <= count:
        return pool
    x, y, z = pool.points.T
    apart = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 + (z[:, None] - z) ** 2
    chosen = [int(np.argmax(x * x + y * y + z * z))]
    away = apart[chosen[0]]
    while len(chosen) < count:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, apart[chosen[-1]])
    return Surface(*(part[chosen] for part in pool))


def _visibility(
    captures: Sequence[Capture], of_each: Sequence[Surface]
) -> tuple[list[Array], list[NDArray[np.int8]]]:
    """Where each view sees points of its own: (N, 2) pixels, and (N,) 1, -1 or 0.

    A point is clearly seen, clearly hidden by the object itself, or unclear. All views at once: they are few
    points each.
    """
    if not captures:
        return [], []
    points, normals = (np.concatenate([part[i] for part in of_each]) for i in (0, 1))
    counts = [len(part.points) for part in of_each]
    ends = np.cumsum(counts).tolist()
    own = _own_cameras(captures, np.repeat(np.arange(len(captures)), counts))
    margin = np.maximum(CLEAR_PX * np.maximum(own.height, own.width) / 512, LEAST_CLEAR_PX)
    towards = points - own.poses[:, :3, 3]
    x, y, depth = np.einsum("ni,nij->jn", towards, own.poses[:, :3, :3])
    ahead = np.where(depth > 0, depth, 1)
    u = own.fx * x / ahead + own.cx
    v = own.fy * y / ahead + own.cy
    inside = (depth > 0) & (u >= margin) & (v >= margin)
    inside &= (u < own.width - margin) & (v < own.height - margin)
    places = _pixels_around(np.where(inside, u, margin), np.where(inside, v, margin), margin, own)
    there = np.empty(places.shape)
    for capture, start, end in zip(captures, [0, *ends], ends, strict=False):
        there[:, start:end] = capture.depth.ravel()[places[:, start:end]]
    cosine = -np.einsum("ni,ni->n", towards, normals) / np.maximum(
        np.sqrt(x * x + y * y + depth * depth), 1e-12
    )
    steep = np.minimum(np.maximum(cosine, CLEAR_COSINE), 1)
    slope = np.sqrt(1 - steep**2) / steep
    in_own_pixel = np.maximum(1e-3, 0.005 * depth) + 0.75 * slope * depth / own.fx
    beside = CONTINUOUS + slope * margin * depth / own.fx
    seen = inside & (cosine >= CLEAR_COSINE) & (np.abs(there[0] - depth) <= in_own_pixel)
    seen &= (np.abs(there - depth) <= beside).all(axis=0)
    hidden = inside & (there[0] < depth - HIDDEN_BY) & (there < depth - 0.4 * HIDDEN_BY).all(axis=0)
    states = seen.astype(np.int8) - hidden
    return np.split(np.stack([u, v], axis=-1), ends[:-1]), np.split(states, ends[:-1])


class _Cameras(NamedTuple):
    """For each of N points, the camera that looks at it. All but `poses` are (N,), in pixels."""

    poses: Array  # (N, 4, 4) world_from_camera
    height: Array
    width: Array
    fx: Array
    fy: Array
    cx: Array
    cy: Array


def _own_cameras(captures: Sequence[Capture], which: NDArray[np.intp]) -> _Cameras:
    """The cameras of points, by the number of each point's view."""
    poses = np.array([capture.world_from_camera for capture in captures])[which]
    shapes = [
        (
            *capture.depth.shape,
            capture.intrinsics[0, 0],
            capture.intrinsics[1, 1],
            *capture.intrinsics[:2, 2],
        )
        for capture in captures
    ]
    return _Cameras(poses, *np.array(shapes)[which].T)


def _pixels_around(u: Array, v: Array, margin: Array, own: _Cameras) -> NDArray[np.int64]:
    """(9, N) numbers of the pixels at and around places in pictures, the place's own pixel first.

    Args:
        margin: (N,) how far from it the others are, in pixels.
    """
    cols, rows = (
        np.minimum((at + margin * beside[:, None]).astype(np.int64), size.astype(np.int64) - 1)
        for at, beside, size in ((u, AROUND_X, own.width), (v, AROUND_Y, own.height))
    )
    places: NDArray[np.int64] = np.maximum(rows, 0) * own.width.astype(np.int64) + np.maximum(cols, 0)
    return places


def side_shares(seen: Surface, world_from_camera: Array, front_azimuth_deg: float) -> Array:
    """(6,) shares of an object's pixels that lie on its front, back, left, right, top and bottom.

    A pixel is on the side that its normal is nearest to. The object's left is on the left of somebody who
    looks out of its front.

    Args:
        seen: surface points on a regular grid of pixels, so that each stands for as much of the picture.
        front_azimuth_deg: of a camera that looks at the front.
    """
    angle = np.radians(front_azimuth_deg)
    front = np.array([np.cos(angle), np.sin(angle), 0.0])
    left = np.array([-front[1], front[0], 0.0])
    top = np.array([0.0, 0.0, 1.0])
    nearest = np.argmax(seen.normals @ np.array([front, -front, left, -left, top, -top]).T, axis=1)
    return np.bincount(nearest, minlength=len(SIDES)) / max(len(nearest), 1)


def chirality(cloud: Surface, ring: list[Capture]) -> float:
    """How different an object is from its mirror image, however that is turned about the vertical; 0..1.

    The object is mirrored in upright planes all around, and each mirror image is compared with the object as
    it was seen by some views of a ring.
    """
    angles = np.radians(np.arange(PLANES) * 180.0 / PLANES)
    normals = np.stack([np.cos(angles), np.sin(angles), np.zeros(PLANES)], axis=1)
    mirrors = np.eye(3) - 2 * normals[:, :, None] * normals[:, None, :]
    views = ring[:: max(1, len(ring) // VIEWS)][:VIEWS]
    thin = cloud.every(-(-len(cloud.points) // MIRRORED))
    found = np.mean([look_differences(thin, view, np.array([np.eye(3), *mirrors])) for view in views], axis=0)
    least = float(np.min(found[1:] - found[0])) if np.isfinite(found).all() else 0.0
    return max(least, 0.0)


def lens_or_place(
    points: Array, world_from_camera: Array, intrinsics: Array, distance_ratio: float, focal_ratio: float
) -> float:
    """How far the object's points would lie elsewhere in picture 2, had its size come about in another way.

    A camera can make an object larger by its lens or by going nearer; only perspective tells which.

    Args:
        points: (N, 3) world.
        world_from_camera: (4, 4) of the second camera.
        intrinsics: (3, 3) of the second camera, pixels.
        distance_ratio: second distance to the object over the first.
        focal_ratio: second focal length over the first.

    Returns:
        Mean distance in the picture over the object's width, of the other way that is nearest to what was
        done.
    """
    same = math.log(1.1)
    others = [scale for scale in (1 / distance_ratio, 1 / focal_ratio) if abs(math.log(scale)) > same]
    # where nothing was done: both at once, one against the other, would not show in the size
    scales = np.array([1.0, *(others or [1.3, 1 / 1.3])])[:, None]  # the first is what was done
    rotation = world_from_camera[:3, :3]
    position = world_from_camera[:3, 3]
    x, y, z = (rotation.T @ points.T)[:, None] - scales * (position @ rotation)[
        :, None, None
    ]  # (scales, N) each
    if not len(points) or not z.min() > 0:
        return 0.0
    u = scales * (intrinsics[0, 0] * x / z)
    v = scales * (intrinsics[1, 1] * y / z)
    width = max(float(u[0].max() - u[0].min()), float(v[0].max() - v[0].min()), 1e-9)
    across = u[1:] - u[0]
    along = v[1:] - v[0]
    return float(np.sqrt(across * across + along * along).mean(axis=1).min()) / width
