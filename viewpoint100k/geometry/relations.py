"""How the camera moved between two views of an object: the labels of every question come from here.

Signs (docs/conventions.md has a picture of each): translation x > 0 right, y < 0 up, z > 0 forward, in
the first camera's axes; yaw > 0 turned right; pitch > 0 turned up; roll > 0 clockwise seen from behind the
camera; azimuth change > 0 counter-clockwise around the object, seen from above.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from viewpoint100k.errors import InputError
from viewpoint100k.geometry.cameras import invert
from viewpoint100k.geometry.rotations import (
    Array,
    bearing_deg,
    pitch_deg,
    roll_deg,
    rotation_angle_deg,
    wrap_deg,
)


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


def motion(world_from_first: ArrayLike, world_from_second: ArrayLike, object_center: ArrayLike = (0, 0, 0)) -> Motion:
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
    first, second = np.asarray(world_from_first, dtype=np.float64), np.asarray(world_from_second, dtype=np.float64)
    center = np.asarray(object_center, dtype=np.float64)
    from_object_first, from_object_second = first[..., :3, 3] - center, second[..., :3, 3] - center
    distance_first = np.linalg.norm(from_object_first, axis=-1)
    distance_second = np.linalg.norm(from_object_second, axis=-1)
    if not ((distance_first > 0) & (distance_second > 0)).all():
        raise InputError("a camera sits on the object's centre: its direction to the object is undefined")
    first_from_world = invert(first)
    moved = (first_from_world[..., :3, :3] @ (second - first)[..., :3, 3:])[..., 0]
    turned_first, turned_second = first[..., :3, :3], second[..., :3, :3]
    second_from_first = invert(second) @ first
    return Motion(
        second_from_first=second_from_first,
        translation=moved / distance_first[..., None],
        yaw_deg=wrap_deg(bearing_deg(turned_second) - bearing_deg(turned_first)),
        pitch_deg=pitch_deg(turned_second) - pitch_deg(turned_first),
        roll_deg=wrap_deg(roll_deg(turned_second) - roll_deg(turned_first)),
        azimuth_change_deg=wrap_deg(_azimuth_deg(from_object_second) - _azimuth_deg(from_object_first)),
        elevation_change_deg=_elevation_deg(from_object_second) - _elevation_deg(from_object_first),
        distance_ratio=distance_second / distance_first,
        rotation_deg=rotation_angle_deg(second_from_first[..., :3, :3]),
        azimuth_deg=_azimuth_deg(from_object_first),
        elevation_deg=_elevation_deg(from_object_first),
    )


def _azimuth_deg(offset: Array) -> Array:
    return np.asarray(np.degrees(np.arctan2(offset[..., 1], offset[..., 0])))


def _elevation_deg(offset: Array) -> Array:
    return np.asarray(np.degrees(np.arctan2(offset[..., 2], np.hypot(offset[..., 0], offset[..., 1]))))
