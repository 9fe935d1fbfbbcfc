"""How the camera moved between two views of an object: the labels of every question come from here.

Signs (docs/conventions.md has a picture of each): translation x > 0 right, y < 0 up, z > 0 forward, in
the first camera's axes; yaw > 0 turned right; pitch > 0 turned up; roll > 0 clockwise seen from behind the
camera; azimuth change > 0 counter-clockwise around the object, seen from above.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from viewpoint100k.errors import InputError
from viewpoint100k.geometry.cameras import invert
from viewpoint100k.geometry.rotations import Array, camera_angles_deg, turned_deg, wrap_deg


class Motion(NamedTuple):
    """The motion from a first to a second view; leading batch axes (...)."""

    second_from_first: Array  # (..., 4, 4) takes points in first-camera axes to second-camera axes
    translation: Array  # (..., 3) of the camera, in first-camera axes, over the first distance to the object
    yaw_deg: Array
    pitch_deg: Array
    roll_deg: Array
    azimuth_change_deg: Array
    elevation_change_deg: Array
    distance_ratio: Array
    rotation_deg: Array
    azimuth_deg: Array  # of the first camera
    elevation_deg: Array  # of the first camera


def motion(
    world_from_first: ArrayLike, world_from_second: ArrayLike, object_center: ArrayLike = (0, 0, 0)
) -> Motion:
    """The motion that takes the first camera to the second.

    Args:
        world_from_first: (..., 4, 4) first camera, OpenCV axes.
        world_from_second: (..., 4, 4) second camera.
        object_center: (3,) in the world.

    Returns:
        A `Motion`. Azimuth and elevation are the camera's about the object; both vanish for a pure turn.

    Raises:
        InputError: if a pose is not rigid, or a camera sits on the object's centre.
    """
    first = np.asarray(world_from_first, dtype=np.float64)
    second = np.asarray(world_from_second, dtype=np.float64)
    center = np.asarray(object_center, dtype=np.float64)
    from_first = _seen_from(first[..., :3, 3] - center)
    from_second = _seen_from(second[..., :3, 3] - center)
    if not ((from_first.distance > 0) & (from_second.distance > 0)).all():
        raise InputError("a camera sits on the object's centre: its direction to the object is undefined")
    bearing_first, pitch_first, roll_first = camera_angles_deg(first[..., :3, :3])
    bearing_second, pitch_second, roll_second = camera_angles_deg(second[..., :3, :3])
    moved = (np.swapaxes(first[..., :3, :3], -1, -2) @ (second - first)[..., :3, 3:])[..., 0]
    second_from_first = invert(second) @ first
    return Motion(
        second_from_first=second_from_first,
        translation=moved / from_first.distance[..., None],
        yaw_deg=wrap_deg(bearing_second - bearing_first),
        pitch_deg=pitch_second - pitch_first,
        roll_deg=wrap_deg(roll_second - roll_first),
        azimuth_change_deg=wrap_deg(from_second.azimuth_deg - from_first.azimuth_deg),
        elevation_change_deg=from_second.elevation_deg - from_first.elevation_deg,
        distance_ratio=from_second.distance / from_first.distance,
        rotation_deg=turned_deg(second_from_first[..., :3, :3]),
        azimuth_deg=from_first.azimuth_deg,
        elevation_deg=from_first.elevation_deg,
    )


def motions_between(
    poses: Sequence[Array] | Mapping[int, Array], orders: Sequence[tuple[int, int]]
) -> list[Motion]:
    """The motion from one numbered pose to another, for all of them in one batch."""
    if not orders:
        return []
    moved = motion(
        *(np.stack([poses[number] for number in numbers]) for numbers in zip(*orders, strict=True))
    )
    return [Motion(*(part[i] for part in moved)) for i in range(len(orders))]


class _Direction(NamedTuple):
    """(...) where a camera is, seen from the object."""

    distance: Array
    azimuth_deg: Array
    elevation_deg: Array


def _seen_from(offset: Array) -> _Direction:
    x = offset[..., 0]
    y = offset[..., 1]
    z = offset[..., 2]
    return _Direction(
        np.sqrt(x * x + y * y + z * z),
        np.degrees(np.arctan2(y, x)),
        np.degrees(np.arctan2(z, np.hypot(x, y))),
    )
