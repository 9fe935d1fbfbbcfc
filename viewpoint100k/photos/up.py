"""Estimates which way is up in a set of photographs, and how each must be turned to be upright.

Structure from motion leaves the world in an arbitrary orientation. Several cues hint at the vertical, but
none of them always. It counts as known if two of them agree within `AGREE_DEG`. Image axes are taken modulo
quarter turns, because whole sets are stored lying on their side.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from viewpoint100k.geometry.rotations import Array
from viewpoint100k.photos.posed import PhotoSet, Points
from viewpoint100k.photos.subject import Subject

AGREE_DEG = 5.0
# length of a mean of unit vectors; a full orbit at an elevation of 50 degrees has this one
LEAST_CONSENSUS = 0.6
HALF_WAY_ROUND_DEG = 180.0  # the plane through the camera centres of a shorter arc is unreliable
FLATTEST = 0.2  # greatest ratio of thickness to width of a ring of cameras
MOST_ROLL_DEG = 10.0  # greatest root mean square roll of cameras that are held level
LEAST_SPREAD = 0.25  # spread of level axes about the vertical: with less than 30 degrees any vertical fits
LOOKS_DOWN_DEG = 1.0  # mean angle from which a set stored on its side reveals which side is down
GROUND_TRIES = 400  # planes through three points
GROUND_REACH = 4.0  # distance in object radii within which a table or floor is searched
GROUND_THICKNESS = 0.04  # radii, to either side
LEAST_GROUND = 0.25  # least share of the points around the object that lie on the ground
FEWEST_GROUND_POINTS = 60
MOST_GROUND_POINTS = 5000  # points from which the ground is estimated
CueName = Literal["given", "gravity", "ring", "level", "ground", "cameras"]
TRUSTED: tuple[CueName, ...] = (
    "given",
    "gravity",
    "ring",
    "level",
    "ground",
    "cameras",
)  # the first is taken


class Cue(NamedTuple):
    """The estimate of one cue."""

    name: CueName
    up: Array  # (3,) unit vector in the set's world


class Vertical(NamedTuple):
    """The vertical of a set, or why it is not known."""

    up: Array | None
    source: str  # the name of the cue that it is taken from; "unknown"
    why: str  # which cues agreed, or why the vertical is not known
    apart_deg: float | None = None  # angle between the two cues that agree; None: there was one cue or none


def find_vertical(
    photos: PhotoSet, subject: Subject, points: Points | None = None, given: Array | None = None
) -> Vertical:
    """The vertical, if two cues agree on it.

    Args:
        points: points of the set, on the object and around it.
        given: (3,) the user's vertical, of any length.
    """
    cues = cues_of(photos, subject, points, given)
    if not cues:
        return Vertical(None, "unknown", "no cue tells which way is up; say it with --up x,y,z")
    if len(cues) == 1 and cues[0].name in ("given", "gravity"):
        return Vertical(cues[0].up, cues[0].name, f"{cues[0].name} alone: no other cue tells")
    for first, cue in enumerate(cues):
        apart = {other.name: _apart_deg(cue.up, other.up) for other in cues[first + 1 :]}
        near = {name: angle for name, angle in apart.items() if angle <= AGREE_DEG}
        if near:
            why = f"{cue.name} and {', '.join(near)} agree within {AGREE_DEG:g} degrees"
            return Vertical(cue.up, cue.name, why, min(near.values()))
        if cue.name in ("given", "gravity"):
            break  # two guesses do not overrule what somebody stated or measured: the user has to decide
    return Vertical(None, "unknown", _disagreement(cues))


def cues_of(
    photos: PhotoSet, subject: Subject, points: Points | None = None, given: Array | None = None
) -> list[Cue]:
    """The estimates of all cues that give one, the most trusted first."""
    rotations = np.array([photo.world_from_camera[:3, :3] for photo in photos.photographs])
    centres = np.array([photo.world_from_camera[:3, 3] for photo in photos.photographs])
    rough = _sky(rotations)
    found: dict[CueName, Array | None] = {
        "given": _unit(given),
        "gravity": _unit(photos.up),
        "ring": _ring(centres, subject.centre),
        "level": _level(rotations),
        "ground": _ground(points, subject),
        "cameras": _cameras(rotations),
    }
    cues = []
    for name in TRUSTED:
        up = found[name]
        if up is None:
            continue
        if name not in ("given", "gravity"):
            side = _side(up, rotations, rough)
            if side == 0:
                continue
            up = side * up
        cues.append(Cue(name, up))
    return cues


def quarter_turns(rotation: Array, up: Array) -> int:
    """The number of counter-clockwise quarter turns that make a picture upright.

    Args:
        rotation: (3, 3) world from camera.
        up: (3,) in the world.
    """
    right = float(rotation[:, 0] @ up)
    above = float(-rotation[:, 1] @ up)
    # which image axis points to the sky: its top, its right side, its foot, its left side
    return int(np.argmax([above, right, -above, -right]))


def _unit(vector: Array | None) -> Array | None:
    return None if vector is None else np.asarray(vector / np.linalg.norm(vector))


def _apart_deg(one: Array, other: Array) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))


def _sky(rotations: Array) -> Array | None:
    """Roughly where the sky is: the mean of the pictures' tops, if they agree at all on a side."""
    mean = -rotations[:, :, 1].mean(0)
    return mean if np.linalg.norm(mean) >= LEAST_CONSENSUS else None


def _side(axis: Array, rotations: Array, sky: Array | None) -> int:
    """1 or -1: to which side of an axis the sky is; 0 where nothing tells.

    Upright pictures have it at their tops. Where they lie on their side, the cameras have to look down.
    """
    along = np.abs(rotations[:, :, 1] @ axis)
    across = np.abs(rotations[:, :, 0] @ axis)
    if sky is not None and along.mean() >= across.mean():
        return 1 if float(sky @ axis) > 0 else -1
    looks_up_deg = float(np.degrees(np.arcsin(np.clip(rotations[:, :, 2] @ axis, -1, 1))).mean())
    if abs(looks_up_deg) < LOOKS_DOWN_DEG:
        return 0
    return -1 if looks_up_deg > 0 else 1


def _ring(centres: Array, centre: Array) -> Array | None:
    """The normal of the plane through the cameras, if they go more than half-way around the object."""
    if len(centres) < 4:
        return None
    _, sizes, axes = np.linalg.svd(centres - centres.mean(0))
    if sizes[2] > FLATTEST * sizes[1]:
        return None
    flat = (centres - centre) @ axes[:2].T
    angles = np.sort(np.degrees(np.arctan2(flat[:, 1], flat[:, 0])))
    gaps = np.diff(np.append(angles, angles[0] + 360))
    return np.asarray(axes[2]) if 360 - gaps.max() > HALF_WAY_ROUND_DEG else None


def _level(rotations: Array) -> Array | None:
    """What all horizontal image axes are at right angles to.

    The right-hand sides, or the tops of lying pictures.
    """
    best = None
    for axis in (0, 1):
        _, sizes, axes = np.linalg.svd(rotations[:, :, axis])
        sizes = sizes / np.sqrt(len(rotations))
        if len(sizes) < 3 or sizes[1] < LEAST_SPREAD or sizes[2] > np.sin(np.radians(MOST_ROLL_DEG)):
            continue
        if best is None or sizes[2] < best[0]:
            best = (float(sizes[2]), axes[2])
    return None if best is None else np.asarray(best[1])


def _ground(points: Points | None, subject: Subject) -> Array | None:
    """The normal of the plane that most points around the object lie in.

    What it stands on, if there are as many.
    """
    if points is None:
        return None
    around = (points.world - subject.centre) / subject.radius
    around = around[np.linalg.norm(around, axis=1) <= GROUND_REACH]
    if len(around) < FEWEST_GROUND_POINTS:
        return None
    rng = np.random.default_rng(0)
    around = around[rng.permutation(len(around))[:MOST_GROUND_POINTS]]
    corners = around[rng.integers(len(around), size=(GROUND_TRIES, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(lengths, 1e-12)
    off = np.abs(around @ normals.T - (corners[:, 0] * normals).sum(1)) <= GROUND_THICKNESS
    off[:, lengths[:, 0] < 1e-3] = False
    best = off[:, int(np.argmax(off.sum(0)))]
    if best.mean() < LEAST_GROUND:
        return None
    plane = around[best]
    _, _, axes = np.linalg.svd(plane - plane.mean(0), full_matrices=False)
    return np.asarray(axes[2])


def _cameras(rotations: Array) -> Array | None:
    """The mean of the pictures' tops; of lying pictures, of the sides that are up or down."""
    means = []
    for axis in (1, 0):
        sides = -rotations[:, :, axis]
        # lying pictures may lie on either side: the sign is that of most
        _, _, axes = np.linalg.svd(sides)
        signs = np.sign(sides @ axes[0])
        means.append((sides * signs[:, None]).mean(0) if axis == 0 else sides.mean(0))
    mean = max(means, key=lambda vector: float(np.linalg.norm(vector)))
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length) if length >= LEAST_CONSENSUS else None


def _disagreement(cues: Sequence[Cue]) -> str:
    first = cues[0]
    if len(cues) == 1:
        return (
            f"only one cue tells which way is up ({first.name}), and two have to agree; say it with --up "
            f"x,y,z"
        )
    apart = ", ".join(f"{_apart_deg(first.up, other.up):.0f} degrees from {other.name}" for other in cues[1:])
    return (
        f"no two cues agree within {AGREE_DEG:g} degrees on which way is up: {first.name} is {apart}. "
        "Only what needs no vertical is asked"
    )
