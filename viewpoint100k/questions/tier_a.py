"""Tier A, parity with the paper: which way did the camera move, which way did it turn, and seen from the object.

Each kind takes the truth and the grey bands and returns the right option of its fixed set with a margin, or None
where the pair does not carry the question. A margin is in grey bands: 1 is the nearest that is still asked, a true
"no movement" has 1 plus how far it is below the band.
"""

from collections.abc import Callable
from typing import NamedTuple

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.records import Truth


class Fact(NamedTuple):
    """The right one of a kind's options, and how clear it is."""

    option: int
    margin: float


class Kind(NamedTuple):
    """A kind of question."""

    type: str
    frame: str
    tier: str
    options: tuple[str, ...]  # a fixed set: never filtered by the answer
    decided_by: str  # whose decidability counts: translation, rotation or azimuth
    fact: Callable[[Truth, GateConfig], Fact | None]


def ego_translation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A1. Left, right or not at all, along the first camera's horizontal axis."""
    return _three_way(truth.translation[0], gates.truck_grey)


def object_translation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A2, the object facing the first camera: its left is that camera's right."""
    return _three_way(-truth.translation[0], gates.truck_grey)


def object_orbit(truth: Truth, gates: GateConfig) -> Fact | None:
    """A2, without a front: clockwise or counter-clockwise around the object, seen from above."""
    return _three_way(truth.azimuth_change_deg, gates.azimuth_grey_deg)


def ego_rotation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A3. Turned left, right or not at all, about the vertical."""
    return _three_way(truth.yaw_deg, gates.yaw_grey_deg)


def _three_way(value: float, grey: Range) -> Fact | None:
    """Option 0 for a clearly negative value, 1 for a clearly positive one, 2 for none, nothing in the grey band."""
    if abs(value) <= grey.low:
        return Fact(2, 1 + (grey.low - abs(value)) / grey.low)
    if abs(value) < grey.high:
        return None
    return Fact(int(value > 0), abs(value) / grey.high)


KINDS: tuple[Kind, ...] = (
    Kind("ego_translation", "camera_1", "A", ("left", "right", "no movement sideways"), "translation", ego_translation),
    Kind(
        "object_translation",
        "object_facing_camera_1",
        "A",
        ("left", "right", "no movement sideways"),
        "translation",
        object_translation,
    ),
    Kind(
        "object_translation",
        "seen_from_above",
        "A",
        ("clockwise", "counter-clockwise", "no movement around it"),
        "azimuth",
        object_orbit,
    ),
    Kind("ego_rotation", "camera_1", "A", ("left", "right", "no horizontal rotation"), "rotation", ego_rotation),
)
