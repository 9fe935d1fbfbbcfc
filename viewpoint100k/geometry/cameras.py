"""Poses and pixels: building, inverting, projecting, back-projecting."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from viewpoint100k.errors import InputError
from viewpoint100k.geometry.rotations import Array, camera_rotation


def pose(rotation: ArrayLike, position: ArrayLike) -> Array:
    """world_from_camera, (..., 4, 4), from a (..., 3, 3) rotation and a (..., 3) position in the world."""
    rotation = np.asarray(rotation, dtype=np.float64)
    position = np.asarray(position, dtype=np.float64)
    out = np.zeros((*np.broadcast_shapes(rotation.shape[:-2], position.shape[:-1]), 4, 4))
    out[..., :3, :3] = rotation
    out[..., :3, 3] = position
    out[..., 3, 3] = 1.0
    return out


def invert(b_from_a: ArrayLike) -> Array:
    """(..., 4, 4) a_from_b of a rigid transform, by transposing: exact where a general inverse is not."""
    m = np.asarray(b_from_a, dtype=np.float64)
    if m.shape[-2:] != (4, 4):
        raise InputError(f"a rigid transform has shape {m.shape}; expected (..., 4, 4)")
    rotation = np.swapaxes(m[..., :3, :3], -1, -2)
    return pose(rotation, -(rotation @ m[..., :3, 3:])[..., 0])


def position_on_sphere(azimuth_deg: ArrayLike, elevation_deg: ArrayLike, distance: ArrayLike) -> Array:
    """World position of a camera about the origin, (..., 3); azimuth counter-clockwise from +X from above."""
    a = np.radians(np.asarray(azimuth_deg, dtype=np.float64))
    e = np.radians(np.asarray(elevation_deg, dtype=np.float64))
    unit = np.stack(np.broadcast_arrays(np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)), axis=-1)
    return np.asarray(np.asarray(distance, dtype=np.float64)[..., None] * unit)


def elevation_about_origin_deg(position: Sequence[float] | Array) -> float:
    """How high a camera stands over the horizon of the world's origin, in degrees."""
    x, y, z = position
    return math.degrees(math.atan2(z, math.hypot(x, y)))


def aim_deg(position: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    """(bearing, pitch) in degrees that point a camera at `position` (..., 3) to `target` (..., 3)."""
    d = np.asarray(target, dtype=np.float64) - np.asarray(position, dtype=np.float64)
    bearing = np.degrees(np.arctan2(d[..., 0], d[..., 1]))
    return np.asarray(bearing), np.asarray(np.degrees(np.arctan2(d[..., 2], np.hypot(d[..., 0], d[..., 1]))))


def look_at(position: ArrayLike, target: ArrayLike, roll_deg: ArrayLike = 0.0) -> Array:
    """(..., 4, 4) world_from_camera of a camera at `position` whose optical axis goes through `target`."""
    bearing, pitch = aim_deg(position, target)
    return pose(camera_rotation(bearing, pitch, roll_deg), position)


def intrinsics_from_hfov(hfov_deg: float, width_px: int, height_px: int) -> Array:
    """(3, 3) pinhole intrinsics in pixels, square pixels, principal point in the middle of the image."""
    focal_px = 0.5 * width_px / np.tan(np.radians(0.5 * hfov_deg))
    return np.array([[focal_px, 0.0, 0.5 * width_px], [0.0, focal_px, 0.5 * height_px], [0.0, 0.0, 1.0]])


def project(
    points_world: ArrayLike, world_from_camera: ArrayLike, intrinsics: ArrayLike
) -> tuple[Array, Array]:
    """Where world points land in the image.

    Args:
        points_world: (N, 3).
        world_from_camera: (4, 4), OpenCV camera axes.
        intrinsics: (3, 3) pixels.

    Returns:
        (N, 2) pixels (x right, y down; not clipped to the image) and (N,) depth along the optical axis.
        Points with depth <= 0 are behind the camera and their pixels are meaningless.
    """
    world_from_camera = np.asarray(world_from_camera, dtype=np.float64)
    points = (np.asarray(points_world, dtype=np.float64) - world_from_camera[:3, 3]) @ world_from_camera[
        :3, :3
    ]
    depth = points[:, 2]
    homogeneous = points @ np.asarray(intrinsics, dtype=np.float64).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return homogeneous[:, :2] / depth[:, None], depth


def back_project(
    pixels: ArrayLike, depth: ArrayLike, world_from_camera: ArrayLike, intrinsics: ArrayLike
) -> Array:
    """World points (N, 3) seen at `pixels` (N, 2) with planar depth (N,): the inverse of `project`."""
    k = np.asarray(intrinsics, dtype=np.float64)
    xy = (np.asarray(pixels, dtype=np.float64) - k[:2, 2]) / np.array([k[0, 0], k[1, 1]])
    points = (
        np.concatenate([xy, np.ones((len(xy), 1))], axis=1) * np.asarray(depth, dtype=np.float64)[:, None]
    )
    world_from_camera = np.asarray(world_from_camera, dtype=np.float64)
    return np.asarray(points @ world_from_camera[:3, :3].T + world_from_camera[:3, 3])
