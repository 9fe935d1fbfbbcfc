"""The answers once more, from the stored poses alone, by formulas of its own.

Shares no code with `viewpoint100k.geometry` and `viewpoint100k.questions` (setup.cfg holds it to that): where
both agree, a sign would have to be wrong twice in the same way. Everything is done by projecting directions
into pictures and onto the ground, and by quaternions, where the other implementation composes matrices and
subtracts bearings.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from viewpoint100k.audit.statistics import Array
from viewpoint100k.config import GateConfig, Range
from viewpoint100k.records import View

BINS_DEG = (20, 45, 90)
EDGES_DEG = (12, 30, 64, 135)


class Label(NamedTuple):
    """The right answer's words and how clear it is; a number where one is asked for."""

    words: str
    margin: float
    value: float | None = None


class Moved(NamedTuple):
    """How the camera moved, in the words of docs/conventions.md."""

    right: float
    up: float
    forward: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    azimuth_deg: float
    elevation_deg: float
    distance_ratio: float
    focal_ratio: float
    rotation_deg: float
    objects_right: float | None  # along the object's own right hand, where its front is known
    off_front_deg: float | None  # of the first camera, over the ground; 180: it stands behind the object


def measure(first: View, second: View, front_azimuth_deg: float | None) -> Moved:
    """The motion between two stored views."""
    one, two = np.array(first.world_from_camera), np.array(second.world_from_camera)
    here, there = one[:3, 3], two[:3, 3]
    distance = math.dist(here, (0, 0, 0))
    step = np.linalg.solve(one[:3, :3], there - here) / distance  # in the first camera's axes
    ahead, ahead_then = one[:3, 2], two[:3, 2]
    front = off_front = None
    if front_azimuth_deg is not None:
        # somebody who looks along the front has the right hand where a clock's hand goes next
        angle = math.radians(front_azimuth_deg)
        front = float((there - here) @ np.array([math.sin(angle), -math.cos(angle), 0.0])) / distance
        off_front = abs(swing_deg(here, np.array([math.cos(angle), math.sin(angle), 0.0])))
    return Moved(
        right=float(step[0]),
        up=-float(step[1]),
        forward=float(step[2]),
        yaw_deg=-swing_deg(ahead, ahead_then),
        pitch_deg=elevation_deg(ahead_then) - elevation_deg(ahead),
        roll_deg=_signed_deg(_lean_deg(two) - _lean_deg(one)),
        azimuth_deg=swing_deg(here, there),
        elevation_deg=elevation_deg(there) - elevation_deg(here),
        distance_ratio=math.dist(there, (0, 0, 0)) / distance,
        focal_ratio=second.intrinsics[0][0] / first.intrinsics[0][0],
        rotation_deg=_between_deg(_quaternion(one[:3, :3]), _quaternion(two[:3, :3])),
        objects_right=front,
        off_front_deg=off_front,
    )


# the things whose difference a question needs, by the fields of `Decidability`
DECIDED_BY = {
    "ego_translation/camera_1": ("translation",),
    "object_translation/object_facing_camera_1": ("translation",),
    "object_translation/object_front": ("translation",),
    "object_translation/seen_from_above": ("azimuth",),
    "ego_rotation/camera_1": ("rotation",),
    "vertical_translation/camera_1": ("vertical",),
    "forward_translation/camera_1": ("forward",),
    "combined_translation/camera_1": ("translation", "vertical"),
    "pitch/camera_1": ("pitch",),
    "roll/behind_camera_1": ("roll",),
    "angle/around_object": ("azimuth",),
    "angle_number/around_object": ("azimuth",),
    "signed_angle/seen_from_above": ("azimuth",),
    "distance/object": ("distance",),
    "elevation/object": ("elevation",),
    "relative_pose/camera_1": ("translation", "rotation"),
}
DECIDED_BY_MOTION = {
    "sideways": ("translation",), "vertical": ("vertical",), "ahead": ("forward",), "yaw": ("rotation",),
    "pitch": ("pitch",), "roll": ("roll",), "around": ("translation", "rotation"),
}  # fmt: skip


def decided_by(kind: str, moved: Moved, gates: GateConfig) -> tuple[str, ...]:
    """What a question's decidability is the least of; nothing where the question must not be asked."""
    if kind in DECIDED_BY:
        return DECIDED_BY[kind]
    found = _one_motion(moved, 1.0, gates)
    return DECIDED_BY_MOTION[found.words] if found else ()


def label(kind: str, moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    """The right answer of a kind, or None where it must not be asked.

    Raises:
        KeyError: there is no second implementation of this kind.
    """
    return LABELS[kind](moved, covisible, gates)


def signs(moved: Moved, gates: GateConfig) -> dict[str, int | None]:
    """-1, 0 or 1 of each of the six motions and of the lens (1: longer); None in the grey band."""
    lens = Range(low=math.log(gates.size_grey.low), high=math.log(gates.size_grey.high))
    amounts = [
        ("right", moved.right, gates.truck_grey),
        ("up", moved.up, gates.truck_grey),
        ("forward", moved.forward, gates.dolly_grey),
        ("yaw", moved.yaw_deg, gates.yaw_grey_deg),
        ("pitch", moved.pitch_deg, gates.tilt_grey_deg),
        ("roll", moved.roll_deg, gates.tilt_grey_deg),
        ("lens", math.log(moved.focal_ratio), lens),
    ]
    out: dict[str, int | None] = {}
    for name, amount, band in amounts:
        size = abs(amount)
        out[name] = 0 if size <= band.low else None if size < band.high else int(math.copysign(1, amount))
    return out


# --- angles ----------------------------------------------------------------------------------------


def swing_deg(start: Array, end: Array) -> float:
    """From one direction to another over the ground, counter-clockwise from above."""
    cross = start[0] * end[1] - start[1] * end[0]
    return math.degrees(math.atan2(cross, start[0] * end[0] + start[1] * end[1]))


def elevation_deg(direction: Array) -> float:
    """Of a direction above the horizon: what it lacks to the zenith."""
    return 90 - math.degrees(math.acos(max(-1.0, min(1.0, direction[2] / math.dist(direction, (0, 0, 0))))))


def _lean_deg(world_from_camera: Array) -> float:
    """How far the camera leans to its right: how far the world's up leans to the left in its picture."""
    x, y = world_from_camera[2, 0], world_from_camera[2, 1]  # the world's up, in camera axes
    return math.degrees(math.atan2(-x, -y))


def _signed_deg(angle_deg: float) -> float:
    return math.remainder(angle_deg, 360)


def _quaternion(rotation: Array) -> Array:
    """(w, x, y, z) as the eigenvector of Bar-Itzhack's symmetric matrix (JGCD 23, 2000)."""
    r = rotation
    k = np.zeros((4, 4))  # its lower half is enough for `eigh`
    k[:, 0] = [r[0, 0] + r[1, 1] + r[2, 2], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]
    k[1:, 1] = [r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]]
    k[2:, 2] = [r[1, 1] - r[0, 0] - r[2, 2], r[1, 2] + r[2, 1]]
    k[3, 3] = r[2, 2] - r[0, 0] - r[1, 1]
    return np.asarray(np.linalg.eigh(k)[1][:, -1])


def _between_deg(one: Array, two: Array) -> float:
    if one @ two < 0:
        two = -two
    return math.degrees(4 * math.atan2(float(np.linalg.norm(one - two)), float(np.linalg.norm(one + two))))


# --- answers ---------------------------------------------------------------------------------------


def _three(value: float, band: Range, less: str, more: str, none: str) -> Label | None:
    size = abs(value)
    if size <= band.low:
        return Label(none, 2 - size / band.low)
    if size < band.high:
        return None
    return Label(more if value > 0 else less, size / band.high)


def _step(moved: Moved, name: str, gates: GateConfig, less: str, more: str, none: str) -> Label | None:
    """A step along one axis, if it is none or at least half of the largest."""
    value = float(getattr(moved, name))
    found = _three(value, gates.dolly_grey if name == "forward" else gates.truck_grey, less, more, none)
    if found is None or found.words == none:
        return found
    return found if 2 * abs(value) >= max(abs(moved.right), abs(moved.up), abs(moved.forward)) else None


def _ego(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    return _step(moved, "right", gates, "left", "right", "no movement sideways")


def _facing(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    return _step(moved, "right", gates, "right", "left", "no movement sideways")


def _front(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    """Only for who stands before the object or behind it, and whose own left and right say the same."""
    if moved.objects_right is None or moved.off_front_deg is None:
        return None
    aside_deg = 90 - abs(90 - moved.off_front_deg)  # 0 straight before it or behind it
    if aside_deg > gates.front_sector_deg:
        return None
    found = _three(moved.objects_right, gates.truck_grey, "left", "right", "no movement sideways")
    for_camera = (_facing if moved.off_front_deg < 90 else _ego)(moved, covisible, gates)
    if found is None or for_camera is None or found.words != for_camera.words:
        return None
    return found._replace(margin=min(found.margin, for_camera.margin, 2 - aside_deg / gates.front_sector_deg))


def _around(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    names = ("clockwise", "counter-clockwise", "no movement around it")
    return _three(moved.azimuth_deg, gates.azimuth_grey_deg, *names)


def _turned(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    return _three(moved.yaw_deg, gates.yaw_grey_deg, "left", "right", "no horizontal rotation")


def _vertical(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    """Only where the object is seen from higher or lower too, or for "neither" not clearly so."""
    found = _step(moved, "up", gates, "down", "up", "neither up nor down")
    if found is None:
        return None
    raised = moved.elevation_deg / gates.tilt_grey_deg.high
    agrees = {"down": -raised, "up": raised, "neither up nor down": 2 - abs(raised)}[found.words]
    return found._replace(margin=min(found.margin, agrees)) if agrees >= 1 else None


def _forward(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    """Only where half of the way ahead at least is a way nearer, and for "neither" where it is as far."""
    found = _step(moved, "forward", gates, "backward", "forward", "neither forward nor backward")
    if found is None:
        return None
    clear, ratio = gates.size_grey.high, moved.distance_ratio
    half_way = math.exp(-moved.forward / 2)  # of the distance, had half of the way ahead brought it nearer
    agrees = {"forward": ratio <= half_way, "backward": ratio >= half_way}.get(
        found.words, 1 / clear < ratio < clear
    )
    return found if agrees else None


def _tilted(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    return _three(moved.pitch_deg, gates.tilt_grey_deg, "down", "up", "no tilt")


def _rolled(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    return _three(moved.roll_deg, gates.tilt_grey_deg, "counter-clockwise", "clockwise", "no roll")


def _higher(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    return _three(moved.elevation_deg, gates.tilt_grey_deg, "lower", "higher", "equally high")


def _farther(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    band = Range(low=math.log(gates.size_grey.low), high=math.log(gates.size_grey.high))
    return _three(math.log(moved.distance_ratio), band, "nearer", "farther", "equally far")


def _two(one: Label | None, other: Label | None, joined: str) -> Label | None:
    """Both at once; a "none" of either is no answer."""
    if (
        one is None
        or other is None
        or any(each.words.startswith(("no ", "neither")) for each in (one, other))
    ):
        return None
    return Label(joined.format(one.words, other.words), min(one.margin, other.margin))


def _combined(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    return _two(_ego(moved, covisible, gates), _vertical(moved, covisible, gates), "{} and {}")


def _pose(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    return _two(_ego(moved, covisible, gates), _turned(moved, covisible, gates), "moved {}, turned {}")


def _angle(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    """The bin whose edges the angle lies between, away from both by a fifth at least."""
    size = abs(moved.azimuth_deg)
    if covisible < gates.min_covisible_for_size or not EDGES_DEG[0] < size < EDGES_DEG[-1]:
        return None
    away = min(abs(math.log(size / edge)) for edge in EDGES_DEG) / 0.2
    number = sum(size > edge for edge in EDGES_DEG) - 1
    return Label(f"about {BINS_DEG[number]} degrees", away) if away >= 1 else None


def _signed_angle(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    found = _angle(moved, covisible, gates)
    way = "counter-clockwise" if moved.azimuth_deg > 0 else "clockwise"
    return found and found._replace(words=f"{found.words} {way}")


def _angle_number(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    size = abs(moved.azimuth_deg)
    if size < BINS_DEG[0] or covisible < gates.min_covisible_for_size:
        return None
    return Label("", size / BINS_DEG[0], size)


def _amounts(moved: Moved, gates: GateConfig) -> dict[str, float]:
    """Each motion in the smallest amount of it that is asked about."""
    step, ahead, tilt = gates.truck_grey.high, gates.dolly_grey.high, gates.tilt_grey_deg.high
    return {
        "sideways": moved.right / step,
        "vertical": moved.up / step,
        "ahead": moved.forward / ahead,
        "yaw": moved.yaw_deg / gates.yaw_grey_deg.high,
        "pitch": moved.pitch_deg / tilt,
        "roll": moved.roll_deg / tilt,
    }


def _one_motion(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    """The name of the one motion that is at least 70 % of all, with the lens unchanged."""
    if max(moved.focal_ratio, 1 / moved.focal_ratio) > gates.size_grey.low:
        return None
    amounts = _amounts(moved, gates)
    everything = sum(map(abs, amounts.values()))
    side, yaw = amounts["sideways"], amounts["yaw"]
    if min(abs(side), abs(yaw)) >= 1 and (side > 0) != (yaw > 0):
        circle = abs(side) + abs(yaw) + max(0.0, amounts["ahead"])
        return Label("around", min(abs(side), abs(yaw))) if circle >= 0.7 * everything else None
    name = max(amounts, key=lambda one: abs(amounts[one]))
    size = abs(amounts[name])
    return Label(name, size) if size >= 1 and size >= 0.7 * everything else None


MOTION_NAMES = {
    "sideways": "it moved sideways",
    "vertical": "it moved up or down",
    "ahead": "it moved forward or back",
    "yaw": "it turned left or right",
    "pitch": "it tilted up or down",
    "roll": "it rolled to one side",
    "around": "it went around the object",
}
ACTION_NAMES = {
    "sideways": ("move left", "move right"),
    "vertical": ("move down", "move up"),
    "ahead": ("move backward", "move forward"),
    "yaw": ("turn left", "turn right"),
    "pitch": ("tilt down", "tilt up"),
    "roll": ("roll counter-clockwise", "roll clockwise"),
}


def _which(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    found = _one_motion(moved, covisible, gates)
    return found and found._replace(words=MOTION_NAMES[found.words])


def _action(moved: Moved, covisible: float, gates: GateConfig) -> Label | None:
    found = _one_motion(moved, covisible, gates)
    if found is None or found.words not in ACTION_NAMES:
        return None
    names = ACTION_NAMES[found.words]
    return found._replace(words=names[_amounts(moved, gates)[found.words] > 0])


LABELS: dict[str, Callable[[Moved, float, GateConfig], Label | None]] = {
    "ego_translation/camera_1": _ego,
    "object_translation/object_facing_camera_1": _facing,
    "object_translation/object_front": _front,
    "object_translation/seen_from_above": _around,
    "ego_rotation/camera_1": _turned,
    "vertical_translation/camera_1": _vertical,
    "forward_translation/camera_1": _forward,
    "combined_translation/camera_1": _combined,
    "pitch/camera_1": _tilted,
    "roll/behind_camera_1": _rolled,
    "which_motion/camera_1": _which,
    "next_action/camera_1": _action,
    "angle/around_object": _angle,
    "angle_number/around_object": _angle_number,
    "signed_angle/seen_from_above": _signed_angle,
    "distance/object": _farther,
    "elevation/object": _higher,
    "relative_pose/camera_1": _pose,
}
