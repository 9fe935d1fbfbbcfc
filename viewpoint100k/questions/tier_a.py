"""Tier A, parity with the paper: which way did the camera move, which way did it turn, and seen from the object."""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.cameras import position_on_sphere
from viewpoint100k.geometry.rotations import wrapped_deg
from viewpoint100k.questions.kinds import SIDEWAYS, Fact, Kind, along, either, signed
from viewpoint100k.records import Truth


def ego_translation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A1. Left, right or not at all, along the first camera's horizontal axis."""
    return along(truth, 0, gates)


def object_translation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A2, the object facing the first camera: its left is that camera's right."""
    fact = along(truth, 0, gates)
    return fact and fact._replace(option=(1, 0, 2)[fact.option])


def front_translation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A2 with an annotated front: along the object's own left and right, seen from before it or from behind.

    Whoever stands beside it reads "to its left" as "nearer to its left side", and who sees it askew takes a
    step ahead for one to the side: so it is asked only where the camera's own left and right say the same.
    """
    if truth.front_azimuth_deg is None:
        return None
    off_front_deg = abs(wrapped_deg(truth.azimuth_deg - truth.front_azimuth_deg))
    by_camera = (object_translation if off_front_deg < 90 else ego_translation)(truth, gates)
    off_deg = min(off_front_deg, 180 - off_front_deg)
    if by_camera is None or off_deg > gates.front_sector_deg:
        return None
    first = position_on_sphere(truth.azimuth_deg, truth.elevation_deg, 1.0)
    second = position_on_sphere(
        truth.azimuth_deg + truth.azimuth_change_deg,
        truth.elevation_deg + truth.elevation_change_deg,
        truth.distance_ratio,
    )
    beside = np.radians(
        truth.front_azimuth_deg - 90
    )  # the object looks along its front; its right hand is clockwise
    own = signed(float((second - first) @ [np.cos(beside), np.sin(beside), 0.0]), gates.truck_grey)
    if own is None or own.option != by_camera.option:
        return None
    return own._replace(margin=min(own.margin, by_camera.margin, 2 - off_deg / gates.front_sector_deg))


def object_orbit(truth: Truth, gates: GateConfig) -> Fact | None:
    """A2, without a front: clockwise or counter-clockwise around the object, seen from above."""
    return signed(truth.azimuth_change_deg, gates.azimuth_grey_deg)


def ego_rotation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A3. Turned left, right or not at all, about the vertical."""
    return signed(truth.yaw_deg, gates.yaw_grey_deg)


SIDES = ("left", "right", "no movement sideways")

KINDS: tuple[Kind, ...] = (
    Kind(
        "ego_translation",
        "camera_1",
        "A",
        SIDES,
        ("translation",),
        ego_translation,
        opposites=either(*SIDEWAYS),
    ),
    Kind(
        "object_translation",
        "object_facing_camera_1",
        "A",
        SIDES,
        ("translation",),
        object_translation,
        opposites=either(*SIDEWAYS),
    ),
    Kind(
        "object_translation",
        "object_front",
        "A",
        SIDES,
        ("translation",),
        front_translation,
        opposites=either(*SIDEWAYS),
    ),
    Kind(
        "object_translation",
        "seen_from_above",
        "A",
        ("clockwise", "counter-clockwise", "no movement around it"),
        ("azimuth",),
        object_orbit,
        opposites=either(*SIDEWAYS),
    ),
    Kind(
        "ego_rotation",
        "camera_1",
        "A",
        ("left", "right", "no horizontal rotation"),
        ("rotation",),
        ego_rotation,
        opposites=either(*SIDEWAYS),
    ),
)
