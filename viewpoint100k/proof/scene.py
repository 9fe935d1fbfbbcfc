"""What a camera has before it in a scene, by the objects' boxes and places and by the camera's matrix alone.

Where the other implementation moves a camera around a scene, here the scene is turned the other way;
directions over the ground are complex numbers. How much of an object can be seen is taken as it is stored: no
shard keeps depth.
"""

import cmath
import math
from functools import cached_property

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.proof.measure import Array
from viewpoint100k.records import OBJECT_RADIUS, Scene, View


class Look:
    """One picture of a scene, and where each object is in it; objects by their numbers."""

    def __init__(self, view: View, scene: Scene, number: int, turned_deg: float = 0.0) -> None:
        """
        Args:
            number: of the view in its sample.
            turned_deg: so far clockwise, seen from above, the scene is turned about its middle: what a camera
                that goes as far counter-clockwise around it would have before it.
        """
        self.view = view
        self.scene = scene
        self.seen = scene.views[number].parts
        self.state = scene.views[number].state
        self.poses = [np.array(part.world_from_object[self.state], dtype=np.float64) for part in scene.parts]
        self.present = [i for i, part in enumerate(scene.parts) if part.present[self.state]]
        self.turn = cmath.exp(-1j * math.radians(turned_deg))
        self.camera = np.array(view.world_from_camera, dtype=np.float64)
        self.lens = np.array(view.intrinsics, dtype=np.float64)

    @cached_property
    def places(self) -> Array:
        """(n, 3) middles of the boxes, in the world."""
        out = []
        for part, pose in zip(self.scene.parts, self.poses, strict=True):
            x, y, z = (pose @ [0.0, 0.0, part.size[2] / 2, 1.0])[:3]
            flat = complex(x, y) * self.turn
            out.append([flat.real, flat.imag, z])
        return np.array(out)

    @cached_property
    def before(self) -> Array:
        """(n, 3) the same in the camera's axes: right, down, ahead."""
        return np.asarray(np.linalg.solve(self.camera, np.c_[self.places, np.ones(len(self.places))].T)[:3].T)

    @cached_property
    def at(self) -> Array:
        """(n, 2) the same in the picture, pixels."""
        flat = (self.lens @ self.before.T).T
        return np.asarray(flat[:, :2] / flat[:, 2:])

    @property
    def heading(self) -> complex:
        """Where the camera looks, over the ground."""
        return complex(self.camera[0, 2], self.camera[1, 2])

    @property
    def eye(self) -> complex:
        """Where the camera stands, over the ground."""
        return complex(self.camera[0, 3], self.camera[1, 3])

    def ground(self, part: int) -> complex:
        return complex(self.places[part, 0], self.places[part, 1])

    def away(self, part: int) -> float:
        """From the camera to an object's middle."""
        return math.hypot(*self.before[part])

    def apart(self, one: int, other: int) -> float:
        """Between the middles of two objects, over the ground, in tenths of the scene's radius."""
        return abs(self.ground(one) - self.ground(other)) * 10 / OBJECT_RADIUS

    def middle(self, part: int) -> tuple[float, float]:
        """The middle of what is seen of an object, pixels."""
        left, top, right, bottom = self.seen[part].box or self.seen[part].full_box
        return (left + right) / 2, (top + bottom) / 2

    # directions

    def front(self, part: int) -> complex | None:
        """Where an object's front faces, over the ground; None where it has no known front."""
        azimuth = self.scene.parts[part].front_azimuth_deg
        if azimuth is None:
            return None
        angle = math.radians(azimuth)
        x, y = self.poses[part][:2, :2] @ [math.cos(angle), math.sin(angle)]
        return complex(x, y)

    def clock_deg(self, way: complex) -> float:
        """A direction over the ground, clockwise from where the camera looks, in [0, 360)."""
        return clockwise_deg(self.heading, way) % 360

    # which of two, in grey bands

    def right(self, one: int, other: int, gates: GateConfig) -> float:
        """Clearness by which an object is further right than another, < 0 if further left; 0 in the band."""
        aside = (self.before[one, 0] - self.before[other, 0]) / (gates.scene_side * OBJECT_RADIUS)
        across = (self.at[one, 0] - self.at[other, 0]) / (gates.scene_across * self.view.size_px[0])
        if aside * across <= 0 or min(abs(aside), abs(across)) < 1:
            return 0.0
        return math.copysign(min(abs(aside), abs(across)), aside)

    def imagined_right(self, one: int, other: int, gates: GateConfig) -> float:
        """The same of what nobody sees: after a move of the camera."""
        aside = abs(self.before[one, 0] - self.before[other, 0]) / (gates.scene_imagined_side * OBJECT_RADIUS)
        amount = self.right(one, other, gates)
        return math.copysign(min(abs(amount), aside), amount)

    def farther(self, one: int, other: int, gates: GateConfig) -> float:
        """The same for farther from the camera, by distance and by depth."""
        by_distance = math.log(self.away(one) / self.away(other))
        by_depth = math.log(self.before[one, 2] / self.before[other, 2])
        if by_distance * by_depth <= 0:
            return 0.0
        clear = min(abs(by_distance), abs(by_depth)) / math.log(gates.scene_closer)
        return math.copysign(clear, by_distance)

    # boxes in the picture

    def corners(self, part: int) -> Array:
        """(8, 3) corners of an object's box, in the world.

        Raises:
            KeyError: the object is absent.
        """
        if part not in self.present:
            raise KeyError(self.scene.parts[part].name)
        x, y, z = self.scene.parts[part].size
        own = np.array([[i * x / 2, j * y / 2, k * z, 1] for i in (-1, 1) for j in (-1, 1) for k in (0, 1)])
        return np.asarray((own @ self.poses[part].T)[:, :3])

    def foot(self, part: int) -> Array:
        """(3,) the middle of an object, as low as its box reaches."""
        corners = self.corners(part)
        return np.array([*(corners.max(axis=0) + corners.min(axis=0))[:2] / 2, corners[:, 2].min()])

    def percent(self, points: Array) -> Array:
        """(..., 2) where (..., 3) points of the world are in the picture: percent from left and top."""
        own = (points - self.camera[:3, 3]) @ np.linalg.inv(self.camera[:3, :3]).T
        flat = own @ self.lens.T
        return np.asarray(100 * flat[..., :2] / flat[..., 2:] / self.view.size_px)

    def middle_percent(self, part: int) -> Array:
        """(2,) the same of an object's middle.

        Raises:
            KeyError: the object is absent.
        """
        corners = self.corners(part)
        return self.percent((corners.max(axis=0) + corners.min(axis=0)) / 2)

    def upright_percent(self, part: int) -> float:
        """How long an object's upright axis is in the picture; pictures are square."""
        foot = self.foot(part)
        ends = self.percent(np.array([foot, foot + [0.0, 0.0, self.scene.parts[part].size[2]]]))
        return math.dist(ends[0], ends[1])

    def span_percent(self, part: int) -> Array:
        """(2, 2) the least and the greatest percent of the picture that an object's box reaches."""
        reached = self.percent(self.corners(part))
        return np.array([reached.min(axis=0), reached.max(axis=0)])


def clockwise_deg(start: complex, end: complex) -> float:
    """From one direction over the ground to another, in (-180, 180]."""
    return math.degrees(cmath.phase(start / end))


def names_of(scene: Scene | None) -> tuple[str, ...]:
    """What the objects of a scene are called; none of a single object."""
    return tuple(part.name for part in scene.parts) if scene is not None else ()
