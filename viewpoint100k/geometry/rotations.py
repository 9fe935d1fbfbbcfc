"""Rotations and the three angles that people mean: bearing, pitch and roll of a camera in the world."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewpoint100k.errors import InputError

Array = NDArray[np.float64]

ATOL = 1e-5  # Blender keeps matrices in float32, so a product of three of them is off by a few 1e-7


def check_rotation(rotation: ArrayLike, name: str) -> Array:
    """Returns the (..., 3, 3) array as float64, or raises InputError if one is not a rotation within `ATOL`."""
    matrix = np.asarray(rotation, dtype=np.float64)
    if matrix.shape[-2:] != (3, 3):
        raise InputError(f"{name} has shape {matrix.shape}; expected (..., 3, 3)")
    worst = np.abs(np.swapaxes(matrix, -1, -2) @ matrix - np.eye(3)).max(initial=0.0)
    if not worst <= ATOL or not (np.linalg.det(matrix) > 0).all():
        raise InputError(f"{name} is not a rotation: R^T R differs from I by {worst:.2g} (at most {ATOL}), or det < 0")
    return matrix


def wrap_deg(angle_deg: ArrayLike) -> Array:
    """The same angle in (-180, 180]."""
    return np.asarray(180.0 - np.mod(180.0 - np.asarray(angle_deg, dtype=np.float64), 360.0))


def rotation_angle_deg(second_from_first: ArrayLike) -> Array:
    """How far the camera turned between two views, about whatever axis it turned.

    Args:
        second_from_first: (..., 3, 3) rotation between any two sets of axes.

    Returns:
        (...) angle in degrees, in [0, 180].

    Raises:
        InputError: if a matrix is not a rotation.

    Source:
        Huynh, "Metrics for 3D Rotations", JMIV 35, 2009, metric 6.
    """
    r = check_rotation(second_from_first, "second_from_first")
    twice_sine_axis = np.stack(
        [r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]], axis=-1
    )
    twice_cosine = np.trace(r, axis1=-2, axis2=-1) - 1.0
    # arctan2, because arccos of the trace loses half the digits near 0 and 180
    return np.asarray(np.degrees(np.arctan2(np.linalg.norm(twice_sine_axis, axis=-1), twice_cosine)))


def bearing_deg(world_from_camera: ArrayLike) -> Array:
    """Compass direction of the optical axis: clockwise seen from above, 0 along world +Y.

    A camera that turns to its own right increases its bearing.

    Args:
        world_from_camera: (..., 3, 3) rotation, OpenCV camera axes.

    Returns:
        (...) degrees in (-180, 180].
    """
    forward = check_rotation(world_from_camera, "world_from_camera")[..., :, 2]
    return wrap_deg(np.degrees(np.arctan2(forward[..., 0], forward[..., 1])))


def pitch_deg(world_from_camera: ArrayLike) -> Array:
    """Angle of the optical axis above the horizon: (...) degrees in [-90, 90], > 0 looks up."""
    forward = check_rotation(world_from_camera, "world_from_camera")[..., :, 2]
    return np.asarray(np.degrees(np.arctan2(forward[..., 2], np.hypot(forward[..., 0], forward[..., 1]))))


def roll_deg(world_from_camera: ArrayLike) -> Array:
    """How far the camera is turned about its optical axis, from level.

    Returns:
        (...) degrees in (-180, 180], > 0: clockwise seen from behind the camera, so that the image's
        content turns counter-clockwise. Not meaningful within a degree of straight up or down.
    """
    rotation = check_rotation(world_from_camera, "world_from_camera")
    level_right, level_down = _level_axes(rotation[..., :, 2])
    right = rotation[..., :, 0]
    return np.asarray(np.degrees(np.arctan2((right * level_down).sum(-1), (right * level_right).sum(-1))))


def camera_rotation(bearing_deg: ArrayLike, pitch_deg: ArrayLike, roll_deg: ArrayLike = 0.0) -> Array:
    """The rotation with these three angles: the inverse of `bearing_deg`, `pitch_deg` and `roll_deg`.

    Returns:
        (..., 3, 3) world_from_camera, OpenCV camera axes.
    """
    b, p, r = (np.radians(np.asarray(a, dtype=np.float64)) for a in (bearing_deg, pitch_deg, roll_deg))
    b, p, r = np.broadcast_arrays(b, p, r)
    forward = np.stack([np.sin(b) * np.cos(p), np.cos(b) * np.cos(p), np.sin(p)], axis=-1)
    level_right, level_down = _level_axes(forward)
    cos_r, sin_r = np.cos(r)[..., None], np.sin(r)[..., None]
    right = cos_r * level_right + sin_r * level_down
    down = -sin_r * level_right + cos_r * level_down
    return np.stack([right, down, forward], axis=-1)


def _level_axes(forward: Array) -> tuple[Array, Array]:
    """Right and down of a camera that looks along `forward` (..., 3) without roll."""
    right = np.cross(forward, np.array([0.0, 0.0, 1.0]))
    right = right / np.linalg.norm(right, axis=-1, keepdims=True)
    return right, np.cross(forward, right)
