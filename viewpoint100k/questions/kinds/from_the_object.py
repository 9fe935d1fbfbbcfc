"""To which side the camera moved, as seen from the object: as if it faced the camera, or by its own front."""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.cameras import position_on_sphere
from viewpoint100k.geometry.rotations import wrapped_deg
from viewpoint100k.questions.facts.chain import SAME, any_of, words_of
from viewpoint100k.questions.facts.pair import chain_of_pair
from viewpoint100k.questions.kind import NONE, SIDEWAYS, Fact, PairKind, along, either, signed
from viewpoint100k.questions.kinds.moved import ego_translation
from viewpoint100k.records import Truth


def object_translation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A2. Which way the camera moved for an object that faces camera 1: its left is that camera's right."""
    fact = along(truth, 0, gates)
    return fact and fact._replace(option=(1, 0, 2)[fact.option])


def front_translation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A2, with an annotated front. Which way the camera moved along the object's own left and right.

    People who look at an object from its side read "to its left" as "nearer to its left side", and people who
    see it at an angle take a step ahead for one to the side: so it is asked only where the camera's own left
    and right say the same.
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
    # the object looks along its front; its right hand is clockwise from there
    beside = np.radians(truth.front_azimuth_deg - 90)
    own = signed(float((second - first) @ [np.cos(beside), np.sin(beside), 0.0]), gates.truck_grey)
    if own is None or own.option != by_camera.option:
        return None
    return own._replace(margin=min(own.margin, by_camera.margin, 2 - off_deg / gates.front_sector_deg))


SWAPPED = {"left": "right", "right": "left", NONE: SAME}

KINDS = (
    PairKind(
        name="object_translation/object_facing_camera_1",
        rank=2,
        tier="A",
        options=("left", "right", NONE),
        fact=object_translation,
        decided_by=("translation",),
        opposites=either(*SIDEWAYS),
        chain=chain_of_pair(
            any_of(words_of("side", **SWAPPED), words_of("swept_x", **SWAPPED)),
            (
                ("side!", "=sees_more", "=facing"),
                ("=facing", "side!", "=sees_more"),
                ("shift_x!", "turned!", "=turn_or_move", "=facing"),
                ("place_1?", "side!", "=facing"),
            ),
        ),
    ),
    PairKind(
        name="object_translation/object_front",
        rank=3,
        tier="A",
        options=("left", "right", NONE),
        fact=front_translation,
        decided_by=("translation",),
        opposites=either(*SIDEWAYS),
        chain=chain_of_pair(
            {
                "left": [
                    {"faces_1": ("front",), "side": ("right",)},
                    {"faces_1": ("back",), "side": ("left",)},
                ],
                "right": [
                    {"faces_1": ("front",), "side": ("left",)},
                    {"faces_1": ("back",), "side": ("right",)},
                ],
                NONE: [{"faces_1": ("front", "back"), "side": (SAME,)}],
            },
            (
                ("faces_1!", "side!", "=own_sides", "=sees_more"),
                ("side!", "faces_1!", "faces_2?", "=own_sides"),
                ("=own_sides", "faces_1!", "upper?", "side!"),
            ),
        ),
    ),
)
