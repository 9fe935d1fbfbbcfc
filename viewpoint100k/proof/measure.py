"""The second geometry: what stored poses, intrinsics and boxes say, by formulas of this package's own.

Directions are projected into pictures and onto the ground, and rotations are compared as quaternions, where
`viewpoint100k.geometry` composes matrices and subtracts bearings. Signs and frames are those of
docs/conventions.md: the world has +Z up and the object's middle at the origin; cameras are OpenCV's (x right,
y down, z forward). Lengths are in world units and angles in degrees where nothing else is said.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.records import SurfacePoint, View

Array = NDArray[Any]

# where an object's own sides face, from its front, counter-clockwise from above
SIDES_DEG: Mapping[str, float] = {"front": 0.0, "back": 180.0, "left": 90.0, "right": -90.0}
# what `Pair` measures of a camera's motion, by the names of its properties
MOTIONS = (
    "right", "up", "forward", "yaw_deg", "pitch_deg", "roll_deg", "azimuth_deg", "elevation_deg",
    "distance_ratio", "focal_ratio", "rotation_deg",
)  # fmt: skip


# --- angles ------------------------------------------------------------------------------------------


def swing_deg(start: Array, end: Array) -> float:
    """From one direction to another over the ground, counter-clockwise from above, in (-180, 180]."""
    cross = start[0] * end[1] - start[1] * end[0]
    return math.degrees(math.atan2(cross, start[0] * end[0] + start[1] * end[1]))


def elevation_deg(direction: Array) -> float:
    """How far a direction is above the horizon: what it lacks to the zenith."""
    upward = direction[2] / math.dist(direction, (0, 0, 0))
    return 90 - math.degrees(math.acos(max(-1.0, min(1.0, upward))))


def wrapped_deg(angle_deg: float) -> float:
    """The same direction in [-180, 180]."""
    return math.remainder(angle_deg, 360)


def bearing_deg(point: Array) -> tuple[float, float]:
    """Where a (3,) point in camera axes is seen: right of the line of sight, and below the camera's level."""
    downward = max(-1.0, min(1.0, point[1] / math.dist(point, (0, 0, 0))))
    return math.degrees(math.atan2(point[0], point[2])), math.degrees(math.asin(downward))


def rotation(axis: Array, angle_deg: float) -> Array:
    """(3, 3) by Rodrigues' formula, right-handed about a unit axis."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = math.radians(angle_deg)
    return np.asarray(np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross))


def quaternion(matrix: Array) -> Array:
    """(w, x, y, z) of a (3, 3) rotation.

    Source:
        Bar-Itzhack, "New method for extracting the quaternion from a rotation matrix", JGCD 23, 2000: the
        eigenvector of a symmetric matrix.
    """
    r = matrix
    k = np.zeros((4, 4))  # its lower half is enough for `eigh`
    k[:, 0] = [r[0, 0] + r[1, 1] + r[2, 2], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]
    k[1:, 1] = [r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]]
    k[2:, 2] = [r[1, 1] - r[0, 0] - r[2, 2], r[1, 2] + r[2, 1]]
    k[3, 3] = r[2, 2] - r[0, 0] - r[1, 1]
    return np.asarray(np.linalg.eigh(k)[1][:, -1])


def between_deg(first: Array, second: Array) -> float:
    """The angle of the rotation between two orientations that are given as quaternions."""
    if first @ second < 0:
        second = -second
    apart = float(np.linalg.norm(first - second))
    return math.degrees(4 * math.atan2(apart, float(np.linalg.norm(first + second))))


# --- one view ----------------------------------------------------------------------------------------


def place(view: View) -> Array:
    """(3,) where a camera stands."""
    return np.array([row[3] for row in view.world_from_camera[:3]], dtype=np.float64)


def middle_of_box(view: View) -> tuple[float, float]:
    """Where the middle of the object's box is in a picture, pixels."""
    left, top, right, bottom = view.object_box
    return 0.5 * (left + right), 0.5 * (top + bottom)


def within_box(view: View, x: float, y: float) -> tuple[float, float]:
    """Where a pixel is on the object's box: shares from its left and its top."""
    left, top, right, bottom = view.object_box
    return (x - left) / (right - left), (y - top) / (bottom - top)


def third(share: float) -> int:
    """Which third of a whole a share of it lies in: 0, 1 or 2."""
    if share < 1 / 3:
        return 0
    return 1 if share < 2 / 3 else 2


def project(worlds: Sequence[Sequence[float]] | Array, view: View) -> Array:
    """(n, 2) where points are in a picture, in pixels; infinitely far away behind the camera.

    By the camera's whole matrix.
    """
    camera = np.array(view.intrinsics) @ np.linalg.inv(np.array(view.world_from_camera))[:3]  # (3, 4)
    points = np.asarray(worlds, dtype=np.float64).reshape(-1, 3)
    x, y, w = camera @ np.vstack([points.T, np.ones(len(points))])
    ahead = w > 0
    return np.where(ahead[:, None], np.stack([x, y], axis=1) / np.where(ahead, w, 1.0)[:, None], np.inf)


def reprojection_px(points: Sequence[SurfacePoint], view: View, image: int) -> Array:
    """(n,) between where points are stored to be in a picture and where the pose has them."""
    stored = np.array([point.pixels[image] for point in points]).reshape(-1, 2)
    return np.asarray(np.hypot(*(project([point.world for point in points], view) - stored).T))


def side_angle_deg(view: View, side: str, front_azimuth_deg: float) -> float:
    """Between where a side of the object faces and the camera, seen from the object's middle."""
    angle = math.radians(front_azimuth_deg + SIDES_DEG[side])
    x, y, z = place(view)
    cosine = (x * math.cos(angle) + y * math.sin(angle)) / math.hypot(x, y, z)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


# --- two views ---------------------------------------------------------------------------------------


class Pair:
    """Two views of what lies about the world's origin, and how the camera moved from the first to the second.

    A motion is in the words of docs/conventions.md; steps are along the first camera's axes, over its
    distance to the object. Each property is computed when it is first asked for.
    """

    def __init__(self, first: View, second: View, front_azimuth_deg: float | None = None) -> None:
        self.views = (first, second)
        self.front_azimuth_deg = front_azimuth_deg
        poses = [np.array(view.world_from_camera, dtype=np.float64) for view in self.views]
        self.axes = [pose[:3, :3] for pose in poses]  # columns: right, down, forward
        self.places = [pose[:3, 3] for pose in poses]

    # the camera's motion

    @cached_property
    def distance(self) -> float:
        """From the first camera to the object."""
        return math.dist(self.places[0], (0, 0, 0))

    @cached_property
    def _step(self) -> Array:
        return np.asarray(np.linalg.solve(self.axes[0], self.places[1] - self.places[0]) / self.distance)

    @property
    def right(self) -> float:
        return float(self._step[0])

    @property
    def up(self) -> float:
        return -float(self._step[1])

    @property
    def forward(self) -> float:
        return float(self._step[2])

    @cached_property
    def yaw_deg(self) -> float:
        """How far the heading turned to the right."""
        return -swing_deg(self.axes[0][:, 2], self.axes[1][:, 2])

    @cached_property
    def pitch_deg(self) -> float:
        """How far the line of sight tilted up."""
        return elevation_deg(self.axes[1][:, 2]) - elevation_deg(self.axes[0][:, 2])

    @cached_property
    def roll_deg(self) -> float:
        """How far the camera rolled clockwise, seen from behind it."""
        return wrapped_deg(_lean_deg(self.axes[1]) - _lean_deg(self.axes[0]))

    @cached_property
    def azimuth_deg(self) -> float:
        """How far around the object, counter-clockwise from above, which is to the camera's right."""
        return swing_deg(self.places[0], self.places[1])

    @cached_property
    def elevation_deg(self) -> float:
        """How much higher above the object's level the object is seen from."""
        return elevation_deg(self.places[1]) - elevation_deg(self.places[0])

    @cached_property
    def distance_ratio(self) -> float:
        return math.dist(self.places[1], (0, 0, 0)) / self.distance

    @property
    def focal_ratio(self) -> float:
        """How many times longer the second lens is."""
        return self.views[1].intrinsics[0][0] / self.views[0].intrinsics[0][0]

    @cached_property
    def rotation_deg(self) -> float:
        return between_deg(quaternion(self.axes[0]), quaternion(self.axes[1]))

    # about the object's own front

    @cached_property
    def objects_right(self) -> float | None:
        """The step along the object's own right hand, over the distance; None where its front is unknown."""
        if self.front_azimuth_deg is None:
            return None
        # somebody who looks along the front has the right hand where a clock's hand goes next
        angle = math.radians(self.front_azimuth_deg)
        right_hand = np.array([math.sin(angle), -math.cos(angle), 0.0])
        return float((self.places[1] - self.places[0]) @ right_hand) / self.distance

    @cached_property
    def off_front_deg(self) -> float | None:
        """How far off the object's front the first camera stands, over the ground; 180: behind the object."""
        if self.front_azimuth_deg is None:
            return None
        angle = math.radians(self.front_azimuth_deg)
        return abs(swing_deg(self.places[0], np.array([math.cos(angle), math.sin(angle), 0.0])))

    # in the pictures

    def seen_at_deg(self, number: int) -> tuple[float, float]:
        """How far right and down of the line of sight the middle of the object's box is in picture 0 or 1."""
        view = self.views[number]
        (fx, _, cx), (_, fy, cy), _ = view.intrinsics
        x, y = middle_of_box(view)
        across = (x - cx) / fx
        downward = (y - cy) / fy
        return math.degrees(math.atan(across)), math.degrees(math.atan(downward / math.hypot(1, across)))

    @cached_property
    def growth(self) -> float:
        """How many times wider the object looks in the second picture."""
        return math.sqrt(self.views[1].object_share / self.views[0].object_share)

    @cached_property
    def turned_back_deg(self) -> tuple[float, float]:
        """What a turn does: two angles to the right.

        From where the object was in image 1 to where it would be, had the camera kept its heading; and from
        there to where it is.
        """
        # to turn right is clockwise from above, so turning back is counter-clockwise
        kept = rotation(np.array([0.0, 0.0, 1.0]), self.yaw_deg) @ self.axes[1]
        return self._against(kept, 0)

    @cached_property
    def tilted_back_deg(self) -> tuple[float, float]:
        """What a tilt does: the same two angles downwards, had the camera kept its tilt."""
        forward = self.axes[1][:, 2]
        level_right = np.array([forward[1], -forward[0], 0.0]) / math.hypot(forward[0], forward[1])
        return self._against(rotation(level_right, -self.pitch_deg) @ self.axes[1], 1)

    def _against(self, kept: Array, direction: int) -> tuple[float, float]:
        before = bearing_deg(self.axes[0].T @ -self.places[0])[direction]
        would_be = bearing_deg(kept.T @ -self.places[1])[direction]
        now = bearing_deg(self.axes[1].T @ -self.places[1])[direction]
        return wrapped_deg(would_be - before), wrapped_deg(now - would_be)


def _lean_deg(axes: Array) -> float:
    """How far a camera leans to its right: how far the world's up leans to the left in its picture."""
    return math.degrees(math.atan2(-axes[2, 0], -axes[2, 1]))  # the world's up, in camera axes


def stays(pair: Pair, gates: GateConfig) -> bool:
    """Whether the second camera is where the first was, along each of its axes, turned or not."""
    return all(abs(step) <= gates.truck_grey.low for step in (pair.right, pair.up, pair.forward))


def signs(pair: Pair, gates: GateConfig) -> dict[str, int | None]:
    """-1, 0 or 1 of each of the six motions and of the lens (1: longer); None in the grey band."""
    amounts = [
        ("right", pair.right, gates.truck_grey),
        ("up", pair.up, gates.truck_grey),
        ("forward", pair.forward, gates.dolly_grey),
        ("yaw", pair.yaw_deg, gates.yaw_grey_deg),
        ("pitch", pair.pitch_deg, gates.tilt_grey_deg),
        ("roll", pair.roll_deg, gates.tilt_grey_deg),
        ("lens", math.log(pair.focal_ratio), logarithms(gates.size_grey)),
    ]
    out: dict[str, int | None] = {}
    for name, amount, band in amounts:
        size = abs(amount)
        if size <= band.low:
            out[name] = 0
        else:
            out[name] = None if size < band.high else int(math.copysign(1, amount))
    return out


def logarithms(ratios: Range) -> Range:
    """A band of ratios as one of their logarithms, in which twice and half are as far from one."""
    return Range(low=math.log(ratios.low), high=math.log(ratios.high))
