"""Rotations and the three angles that people mean: bearing, pitch and roll of a camera in the world."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewpoint100k.errors import InputError

Array = NDArray[np.float64]

ATOL = 1e-5  # Blender keeps matrices in float32, so a product of three of them is off by a few 1e-7


IDENTITY = np.eye(3)


def check_rotation(rotation: ArrayLike, name: str) -> Array:
    """Return the (..., 3, 3) array as float64, or raise InputError if one is not a rotation within `ATOL`."""
    matrix = np.asarray(rotation, dtype=np.float64)
    if matrix.shape[-2:] != (3, 3):
        raise InputError(f"{name} has shape {matrix.shape}; expected (..., 3, 3)")
    worst = np.abs(matrix.swapaxes(-1, -2) @ matrix - IDENTITY).max(initial=0.0)
    if not worst <= ATOL or not (np.linalg.det(matrix) > 0).all():
        raise InputError(
            f"{name} is not a rotation: R^T R differs from I by {worst:.2g} (at most {ATOL}), or det < 0"
        )
    return matrix


def wrap_deg(angle_deg: ArrayLike) -> Array:
    """The same angle in (-180, 180]."""
    return np.asarray(180.0 - np.mod(180.0 - np.asarray(angle_deg, dtype=np.float64), 360.0))


def wrapped_deg(angle_deg: float) -> float:
    """`wrap_deg` of one number, at a twentieth of its price."""
    return 180.0 - (180.0 - angle_deg) % 360.0


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
    return turned_deg(check_rotation(second_from_first, "second_from_first"))


def turned_deg(rotation: Array) -> Array:
    """`rotation_angle_deg` of what is known to be a rotation: (...) degrees of a (..., 3, 3) array."""
    x, y, z = (rotation[..., i, j] - rotation[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    twice_cosine = rotation[..., 0, 0] + rotation[..., 1, 1] + rotation[..., 2, 2] - 1.0
    # arctan2, because arccos of the trace loses half the digits near 0 and 180
    return np.asarray(np.degrees(np.arctan2(np.sqrt(x * x + y * y + z * z), twice_cosine)))


def bearing_deg(world_from_camera: ArrayLike) -> Array:
    """Compass direction of the optical axis: clockwise seen from above, 0 along world +Y.

    A camera that turns to its own right increases its bearing.

    Args:
        world_from_camera: (..., 3, 3) rotation, OpenCV camera axes.

    Returns:
        (...) degrees in (-180, 180].
    """
    return camera_angles_deg(world_from_camera)[0]


def pitch_deg(world_from_camera: ArrayLike) -> Array:
    """Angle of the optical axis above the horizon: (...) degrees in [-90, 90], > 0 looks up."""
    return camera_angles_deg(world_from_camera)[1]


def roll_deg(world_from_camera: ArrayLike) -> Array:
    """How far the camera is turned about its optical axis, from level.

    Returns:
        (...) degrees in (-180, 180], > 0: clockwise seen from behind the camera, so that the image's
        content turns counter-clockwise. Not meaningful within a degree of straight up or down.
    """
    return camera_angles_deg(world_from_camera)[2]


def camera_angles_deg(world_from_camera: ArrayLike) -> tuple[Array, Array, Array]:
    """`bearing_deg`, `pitch_deg` and `roll_deg` at once, the matrix checked once.

    Args:
        world_from_camera: (..., 3, 3) rotation, OpenCV camera axes.

    Returns:
        (...) degrees each.

    Raises:
        InputError: if a matrix is not a rotation.
    """
    axes = check_rotation(world_from_camera, "world_from_camera")
    right_x, right_y, right_z = (axes[..., i, 0] for i in range(3))
    x, y, z = (axes[..., i, 2] for i in range(3))
    (level_x, level_y, _), (down_x, down_y, down_z) = _level_axes(x, y, z)
    roll = np.arctan2(
        right_x * down_x + right_y * down_y + right_z * down_z, right_x * level_x + right_y * level_y
    )
    pitch = np.arctan2(z, np.hypot(x, y))
    return wrap_deg(np.degrees(np.arctan2(x, y))), np.asarray(np.degrees(pitch)), np.asarray(np.degrees(roll))


def camera_rotation(bearing_deg: ArrayLike, pitch_deg: ArrayLike, roll_deg: ArrayLike = 0.0) -> Array:
    """The rotation with these three angles: the inverse of `bearing_deg`, `pitch_deg` and `roll_deg`.

    Returns:
        (..., 3, 3) world_from_camera, OpenCV camera axes.
    """
    b, p, r = (np.radians(np.asarray(a, dtype=np.float64)) for a in (bearing_deg, pitch_deg, roll_deg))
    cos_p = np.cos(p)
    cos_r = np.cos(r)
    sin_r = np.sin(r)
    forward = np.sin(b) * cos_p, np.cos(b) * cos_p, np.sin(p)
    level_right, level_down = _level_axes(*forward)
    out = np.empty((*np.broadcast_shapes(b.shape, p.shape, r.shape), 3, 3))
    for i, (right, down, ahead) in enumerate(zip(level_right, level_down, forward, strict=True)):
        out[..., i, 0] = cos_r * right + sin_r * down
        out[..., i, 1] = cos_r * down - sin_r * right
        out[..., i, 2] = ahead
    return out


Axis = tuple[
    Array, Array, Array
]  # x, y and z of a batch of vectors: arithmetic on parts is several times as fast


def _level_axes(x: Array, y: Array, z: Array) -> tuple[Axis, Axis]:
    """Right and down axes of a camera looking along (x, y, z) without roll: forward x up, forward x right."""
    length = np.sqrt(x * x + y * y)
    right_x = y / length
    right_y = (0.0 - x) / length
    level = 0.0 * x - 0.0 * y  # a zero, of the sign that a cross product gives it
    return (right_x, right_y, level), (0.0 - z * right_y, z * right_x, x * right_y - y * right_x)
