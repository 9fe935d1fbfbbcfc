"""What two views share, and what a view would look like had the camera moved another way.

Works on what the renderer measured: planar depth at pixel centres (exact, never blended) and albedo.
Nothing is rendered here: points seen in the first view are carried over to the second.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.geometry.cameras import back_project, project
from viewpoint100k.geometry.rotations import Array

FAR = 1e9  # the renderer writes 1e10 where it sees no object
FRAME_MARGIN_PX = 8.0  # of a 512 px image: a point this near to the frame's edge counts as outside
GRAZING_COSINE = np.cos(np.radians(80.0))  # surface turned further away than this is not seen in practice
CELLS = 64  # along the picture's longer side: of two points in one of these, the nearer hides the farther
BACKGROUND_DIFFERENCE = 0.5  # albedo difference of a point that would lie where the second view has no object

Pixels = NDArray[np.signedinteger[Any]]  # (N,) numbers of rows or columns


class Capture(NamedTuple):
    """What the renderer measured of one view."""

    depth: NDArray[np.float32]  # (H, W) along the optical axis, `FAR` or more where there is no object
    albedo: NDArray[np.float32]  # (H, W, 3) in [0, 1], without light and shadow
    world_from_camera: Array  # (4, 4) OpenCV camera axes
    intrinsics: Array  # (3, 3) pixels


class Surface(NamedTuple):
    """Points of the object seen in one view."""

    points: Array  # (N, 3) world
    normals: Array  # (N, 3) world, unit, towards the camera
    area: Array  # (N,) of the surface that a point stands for
    albedo: Array  # (N, 3)

    def every(self, step: int) -> "Surface":
        """Every `step`-th point; all of them for a step below 2, which a share of few points gives."""
        step = max(1, step)
        return Surface(*(part[step // 2 :: step] for part in self))


def mask(capture: Capture) -> NDArray[np.bool_]:
    """(H, W), true where the object is: equals the renderer's object index on every pixel."""
    return capture.depth < FAR


def surface(capture: Capture, *, max_points: int = 6000) -> Surface:
    """Points of the object in view, on a regular grid of pixels, with normals from the depth around them."""
    seen = mask(capture)
    stride = max(1, int(np.ceil(np.sqrt(seen.sum() / max_points))))
    rows, cols = np.nonzero(seen[stride // 2 :: stride, stride // 2 :: stride])
    rows = rows * stride + stride // 2
    cols = cols * stride + stride // 2
    here = capture.depth[rows, cols].astype(np.float64)
    points = np.array(_rays(capture, rows, cols)) * here  # in camera axes, where the camera is the origin
    normal = _normals(capture, rows, cols, points)
    length = np.sqrt((normal * normal).sum(axis=0))
    normal /= np.where(length > 0, length, 1)
    cosine = -(normal * points).sum(axis=0) / np.maximum(np.sqrt((points * points).sum(axis=0)), 1e-12)
    kept = np.flatnonzero(np.isfinite(length) & (cosine >= GRAZING_COSINE))
    rows = rows[kept]
    cols = cols[kept]
    here = here[kept]
    pixels = np.stack([cols + 0.5, rows + 0.5], axis=1)
    return Surface(
        back_project(pixels, here, capture.world_from_camera, capture.intrinsics),
        normal.take(kept, axis=1).T @ capture.world_from_camera[:3, :3].T,
        (here * stride / capture.intrinsics[0][0]) ** 2 / cosine[kept],
        capture.albedo[rows, cols].astype(np.float64),
    )


def _rays(capture: Capture, rows: Pixels, cols: Pixels) -> tuple[Array, Array, Array]:
    """x, y and z, each (N,), of what is seen in pixels at a depth of one, in camera axes."""
    (fx, _, cx), (_, fy, cy), _ = capture.intrinsics
    return (cols + 0.5 - cx) / fx, (rows + 0.5 - cy) / fy, np.ones(len(rows))


def _normals(capture: Capture, rows: Pixels, cols: Pixels, points: Array) -> Array:
    """(3, N) of the surface in pixels, towards the viewer, in camera axes; of any length.

    Args:
        points: (3, N) what is seen there, in camera axes.
    """
    height, width = capture.depth.shape
    here = points[2]

    def step(dr: int, dc: int) -> Array:
        """(3, N) to a neighbour.

        Central where both are on the object, one-sided on its edge: the nearer in depth wins.
        """
        ahead = np.minimum(rows + dr, height - 1), np.minimum(cols + dc, width - 1)
        behind = np.maximum(rows - dr, 0), np.maximum(cols - dc, 0)
        depth_ahead = capture.depth[ahead]
        depth_behind = capture.depth[behind]
        nearer = np.abs(depth_ahead - here) <= np.abs(depth_behind - here)
        depth = np.where(nearer, depth_ahead, depth_behind).astype(np.float64)
        row, col = (np.where(nearer, *both) for both in zip(ahead, behind, strict=True))
        there = np.array(_rays(capture, row, col)) * depth
        return np.asarray(np.where(nearer, 1.0, -1.0) * (there - points))

    return np.array(_cross(step(1, 0), step(0, 1)))  # down x right points to the viewer in OpenCV axes


def merge(surfaces: Sequence[Surface]) -> Surface:
    """One cloud of points from several views of the same object."""
    return Surface(*(np.concatenate(parts) for parts in zip(*surfaces, strict=True)))


def covisible_fraction(
    first: Capture, second: Capture, of_first: Surface | None = None, of_second: Surface | None = None
) -> float:
    """Area of the surface seen in both views over the area seen in either, in [0, 1].

    Args:
        of_first: `surface(first)`, where it is known already.

    A point is seen if it lies in the frame by `FRAME_MARGIN_PX` (of 512), its depth agrees with the depth
    that was rendered there, and the surface is turned away from the camera by no more than 80 degrees.
    """
    of_first = of_first or surface(first)
    of_second = of_second or surface(second)
    if not len(of_first.points) or not len(of_second.points):
        return 0.0
    area_first = of_first.area.sum()
    area_second = of_second.area.sum()
    shared = 0.5 * (
        of_first.area[_sees(second, of_first)].sum() + of_second.area[_sees(first, of_second)].sum()
    )
    return float(np.clip(shared / max(area_first + area_second - shared, 1e-12), 0.0, 1.0))


def turn_difference(cloud: Surface, view: Capture, turn_deg: float) -> float:
    """`look_differences` of one turn about the vertical, counter-clockwise seen from above."""
    c = np.cos(np.radians(turn_deg))
    s = np.sin(np.radians(turn_deg))
    return float(look_differences(cloud, view, np.array([[[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]]))[0])


def look_differences(cloud: Surface, view: Capture, looks: Array) -> Array:
    """How badly a picture fits if the object stood there turned or scaled about the origin.

    The points of the object, from whatever views they were measured in, are moved, looked at by the camera of
    `view`, and compared with what it really saw: albedo against albedo, shape against shape, and a fixed
    difference where it saw no object at all. Light and shadow play no part: lamps that stand still would
    otherwise make a plain vase look decidable.

    Args:
        looks: (K, 3, 3) what is done to the object, in world axes: a rotation or a reflection, times a
            factor.

    Returns:
        (K,) mean difference in [0, 1] over the points that would face the camera. About the noise floor for
        the identity; as small for any other look that is the same to the eye. NaN if nothing would be seen.
    """
    looks = np.asarray(looks, dtype=np.float64)
    seen = _seen_points(cloud, view, looks)
    depth_there = view.depth.ravel()[seen.pixel].astype(np.float64)
    there = view.albedo.reshape(-1, 3).take(seen.pixel, axis=0)
    of_albedo = np.abs(there - cloud.albedo.take(seen.point, axis=0)) @ np.full(3, 1 / 3)
    position = view.world_from_camera[:3, 3]
    of_shape = np.minimum(2 / math.hypot(*position) * np.abs(depth_there - seen.depth), BACKGROUND_DIFFERENCE)
    difference = np.where(depth_there < FAR, np.maximum(of_albedo, of_shape), BACKGROUND_DIFFERENCE)
    weight = np.bincount(seen.look, seen.cosine, minlength=len(looks))
    total = np.bincount(seen.look, seen.cosine * difference, minlength=len(looks))
    return np.asarray(np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan))


class _Seen(NamedTuple):
    """Points of an object that a camera would see, whatever was done to the object. All (M,)."""

    look: NDArray[np.intp]  # number of what was done
    point: NDArray[np.intp]  # number of the point in its cloud
    pixel: NDArray[np.intp]  # number of the pixel in which it would be seen, row by row
    depth: Array
    cosine: Array  # of the angle between its normal and the line of sight


def _seen_points(cloud: Surface, view: Capture, looks: Array) -> _Seen:
    """What the camera of `view` would see of a cloud under each of (K, 3, 3) looks: see `look_differences`.

    A point is left out where it faces away, or is seen at a slant, outside the picture, or behind others.
    """
    count = len(cloud.points)
    height, width = view.depth.shape
    factor = np.sqrt((looks[:, :, 0] ** 2).sum(axis=1))
    camera_from_world = view.world_from_camera[:3, :3].T
    turned = camera_from_world @ looks
    x, y, z = _rows(turned, cloud.points) - camera_from_world @ view.world_from_camera[:3, 3:]
    right, down, ahead = _rows(turned / factor[:, None, None], cloud.normals)
    cosine = -(right * x + down * y + ahead * z) / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-12)
    facing = np.flatnonzero((cosine > GRAZING_COSINE) & (z > 0))
    cosine = cosine[facing]
    depth = z[facing]
    (fx, _, cx), (_, fy, cy), _ = view.intrinsics
    u = fx * x[facing] / depth + cx
    v = fy * y[facing] / depth + cy
    inside = np.flatnonzero((u >= 0) & (v >= 0) & (u < width) & (v < height))
    facing = facing[inside]
    cosine, depth, u, v = (part[inside] for part in (cosine, depth, u, v))
    front = _in_front(u, v, depth, facing // count, cell_px=max(width, height) / CELLS)
    facing = facing[front]
    look = facing // count
    pixel = v[front].astype(np.int64) * width + u[front].astype(np.int64)
    return _Seen(look, facing - count * look, pixel, depth[front], cosine[front])


def _rows(matrices: Array, vectors: Array) -> Array:
    """(3, K * N): (N, 3) vectors under each of (K, 3, 3) matrices.

    Rows of numbers are several times as fast as columns.
    """
    return np.asarray((matrices.transpose(1, 0, 2).reshape(-1, 3) @ vectors.T).reshape(3, -1))


def _cross(a: Array | Sequence[Array], b: Array | Sequence[Array]) -> tuple[Array, Array, Array]:
    """Rows of cross products, of rows of vectors."""
    (ax, ay, az) = a
    (bx, by, bz) = b
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


def _length(vectors: Array) -> Array:
    """(N,) of (N, 3) vectors."""
    x, y, z = vectors.T
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def cosine_to_camera(points: Array, normals: Array, world_from_camera: Array) -> Array:
    """(N,) cosine between each normal and the direction to the camera."""
    to_camera = world_from_camera[:3, 3] - points
    (x, y, z) = to_camera.T
    (across, along, up) = normals.T
    return np.asarray((across * x + along * y + up * z) / np.maximum(_length(to_camera), 1e-12))


def _sees(capture: Capture, seen: Surface) -> NDArray[np.bool_]:
    """(N,) which points of a surface the capture sees too."""
    pixels, depth = project(seen.points, capture.world_from_camera, capture.intrinsics)
    height, width = capture.depth.shape
    margin = FRAME_MARGIN_PX * max(height, width) / 512
    u, v = pixels.T
    inside = (depth > 0) & (u >= margin) & (v >= margin) & (u < width - margin) & (v < height - margin)
    cosine = cosine_to_camera(seen.points, seen.normals, capture.world_from_camera)
    rows, cols = (np.where(inside, part, 0).astype(np.int64) for part in (v, u))
    steep = np.minimum(np.maximum(cosine, GRAZING_COSINE), 1)
    slope = np.sqrt(1 - steep**2) / steep
    # half a per cent of the distance, and what the depth of a slanted surface changes within its pixel
    tolerance = np.maximum(1e-3, 0.005 * depth) + 0.75 * slope * depth / capture.intrinsics[0, 0]
    return np.asarray(
        inside & (cosine >= GRAZING_COSINE) & (np.abs(capture.depth[rows, cols] - depth) <= tolerance)
    )


def _in_front(
    u: Array, v: Array, depth: Array, which: NDArray[np.int64], *, cell_px: float
) -> NDArray[np.intp]:
    """Indices of the points at (u, v) pixels that no other point of the same look hides, on a coarse grid."""
    if not len(depth):
        return np.arange(0)
    column = (u / cell_px).astype(np.int64)
    row = (v / cell_px).astype(np.int64)
    left = int(np.min(column))
    top = int(np.min(row))
    wide = int(np.max(column)) - left + 1
    high = int(np.max(row)) - top + 1
    index = (which * high + row - top) * wide + column - left
    nearest = np.full((int(np.max(which)) + 1) * high * wide, np.inf)
    np.minimum.at(nearest, index, depth)
    return np.flatnonzero(depth <= nearest[index] * 1.03)
