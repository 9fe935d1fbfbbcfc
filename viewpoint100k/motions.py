"""How a camera shall move between two views: codes of motions, and cameras that carry them out.

A motion is a code of seven signs: right, up, forward, yaw, pitch, roll, zoom. Each sign is `+`, `-`, `0`, or
`*` for any amount. `/moved`, `/turned` or `/gone` follows if an object of the scene changes meanwhile.
Families are names of codes; `design` decides which ones a run asks for. Cameras are proposed at random and
kept if they do what the code says and have the object in the picture. Sets of four views have codes of their
own: an arc of cameras around the object, or a star of three cameras around the first.

Not every code has cameras: through a long lens there is no room to go up and tilt up. `has_cameras` finds the
combinations without cameras before anything is planned, and those are not drawn. A motion that finds no
cameras around a particular object is exchanged for a `simpler` one during rendering.
"""

import functools
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewpoint100k.config import GateConfig, PlanConfig, Range
from viewpoint100k.geometry.cameras import aim_deg, pose, position_on_sphere
from viewpoint100k.geometry.relations import motion
from viewpoint100k.geometry.rotations import Array, camera_rotation
from viewpoint100k.records import OBJECT_RADIUS, EventKind, Family

RIGHT, UP, FORWARD, YAW, PITCH, ROLL, ZOOM = range(7)
STILL = "0000000"
EVENTS: tuple[EventKind, ...] = get_args(EventKind)
ORBITS = ("+**-**0", "-**+**0")  # free orbits by any angle
ARC, STAR = SETS = ("arc", "star")
ARC_STEP_DEG = (25.0, 55.0)  # neighbours share surface, and can be told apart
STAR_DEG = (30, 40, 50)  # angles around the object, to either side
STAR_FURTHER = {30: 50, 40: 70, 50: 80}
STAR_NEARER_DEG = 20  # used where it is far enough from the other cameras
STAR_RISE_DEG = 30
STAR_JITTER_DEG = 2.0  # small, because the question rounds to tens of degrees
NAMES = ("right", "up", "forward", "yaw", "pitch", "roll", "zoom")
MIRRORED = (RIGHT, YAW, ROLL)  # signs that a mirror flips
GIVEN_UP_FIRST = (ZOOM, ROLL, PITCH, UP, FORWARD, YAW, RIGHT)
PROPOSALS = 60  # per motion and first camera
SEARCHES = 40  # first cameras that are tried before a code is said to have no cameras
HIGHEST_DEG = 60.0  # elevation that a motion may lead to
NARROW_ORBIT_DEG = 52.0  # beyond that, an orbit also goes forward
TOO_FAR = 0.56  # share of draws: some find no room, so that in the end as many turn too far as too little
LEAST_OVERTURN = 0.25  # of the largest overturn: less would not shift the object enough to mislead anybody
CLEAR = 1.03  # motions exceed the thresholds of questions by this factor
OF_THE_SPHERE = 0.85  # objects do not fill their bounding sphere


class Camera(NamedTuple):
    """A camera, or a batch of them, in angles, before it becomes a matrix."""

    position: Array  # (..., 3) world
    bearing_deg: float | Array
    pitch_deg: float | Array
    roll_deg: float | Array
    hfov_deg: float | Array

    @property
    def world_from_camera(self) -> Array:
        return pose(camera_rotation(self.bearing_deg, self.pitch_deg, self.roll_deg), self.position)


class Overturn(NamedTuple):
    """Whether a camera that turns against its move turns too far (1) or not far enough (-1).

    If it did neither, the object would stay put in the picture.
    """

    sideways: int
    up: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Overturn":
        return cls(*(1 if lot < TOO_FAR else -1 for lot in rng.random(2)))


def event_of(code: str) -> EventKind | None:
    """The event that happens in the scene while the camera moves; None: there is none."""
    name = code.partition("/")[2]
    return next((event for event in EVENTS if event == name), None)


def family_of(code: str) -> Family:
    """The family that a motion or a set of views belongs to: its name for people."""
    if event_of(code) is not None:
        return "event"
    if code == ARC:
        return "arc"
    if code == STAR:
        return "star"
    active = {place for place, sign in enumerate(code) if sign in "+-"}
    if code in ORBITS or active == {RIGHT, YAW}:
        return "orbit" if code[RIGHT] != code[YAW] else "same_sign"
    names: dict[tuple[int, ...], Family] = {
        (): "still",
        (RIGHT,): "truck",
        (UP,): "pedestal",
        (FORWARD,): "dolly",
        (YAW,): "pan",
        (PITCH,): "tilt",
        (ROLL,): "roll",
        (ZOOM,): "zoom",
        (UP, PITCH): "crane",
    }
    return names.get(tuple(sorted(active)), "mixed")


def backwards(code: str) -> str:
    """The code of the same motion from the second camera to the first; an event is kept."""
    return code.translate(str.maketrans("+-", "-+"))


def clear_parts(active: tuple[bool, ...]) -> tuple[float, ...]:
    """(7,) For each motion that is not wanted: the approximate share of pairs with clearly none of it.

    A sideways step has no forward part only if the camera does not turn. A camera that goes around the object
    also ends ahead of where it began. And a motion may have no part along an axis of its first camera while
    the way back has a little along that of the second one (except sideways: such a way back is not used).
    """
    right, up, forward, yaw, pitch, roll, _ = active
    around = right and yaw
    no_rise = 1.0
    no_advance = 1.0
    if around:
        no_rise = 0.53
        no_advance = 0.36
    else:
        if (forward and pitch) or (right and roll):
            no_rise = 0.6
        if up and pitch:
            no_advance = 0.55
    none = (1.0, no_rise, no_advance, 1.0, 1.0, 1.0, 1.0)
    return tuple(1.0 if moves else share for moves, share in zip(active, none, strict=True))


def simpler(code: str) -> str:
    """A code with one motion fewer; motions that tier A asks about are dropped last. An event is kept.

    A code without motions is returned unchanged.
    """
    signs, slash, event = code.partition("/")
    for place in GIVEN_UP_FIRST:
        if signs[place : place + 1] in ("+", "-", "*") and len(signs) == 7:
            return signs[:place] + "0" + signs[place + 1 :] + slash + event
    return code


# --- cameras ---------------------------------------------------------------------------------------


def base_camera(settings: PlanConfig, distance: float, hfov_deg: float, rng: np.random.Generator) -> Camera:
    """A camera somewhere around the object, which looks a little past it."""
    azimuth = rng.uniform(-180, 180)
    elevation = rng.uniform(settings.elevation_deg.low, settings.elevation_deg.high)
    position = position_on_sphere(azimuth, elevation, distance)
    bearing, pitch = aim_deg(position, np.zeros(3))
    room_deg = 0.5 * hfov_deg - float(_half_angle_deg(distance))
    aside_deg = settings.aside * room_deg * rng.uniform(-1, 1, 2)
    roll_deg = settings.roll_jitter_deg * rng.uniform(-1, 1)
    return Camera(
        position, float(bearing + aside_deg[0]), float(pitch + aside_deg[1]), float(roll_deg), hfov_deg
    )


def carry_out(  # noqa: PLR0913 - choices by name
    code: str,
    known: Camera,
    settings: PlanConfig,
    gates: GateConfig,
    rng: np.random.Generator,
    *,
    known_is_first: bool,
    both_ways: bool = False,
    overturn: Overturn | None = None,
) -> Camera | None:
    """The other camera of a pair, or None if none was found for the known one.

    Args:
        both_ways: the way back must do the opposite. Not every motion's does, because each direction is
            measured along the axes of its own first camera.
        overturn: whether a camera that turns against its move turns too far; None: drawn at random.
        known_is_first: whether the pair goes from the known camera to the one sought; else the reverse.
    """
    wanted = code if known_is_first else backwards(code)
    overturn = overturn or Overturn.drawn(rng)
    others = _propose(wanted, known, settings, overturn, rng, own_axes=not known_is_first)
    first, second = (known, others) if known_is_first else (others, known)
    elevation_deg = _elevation_deg(others.position)
    good = in_frame(others) & (elevation_deg >= settings.lowest_deg) & (elevation_deg <= HIGHEST_DEG)
    narrowest_deg, widest_deg = lens_limits(settings)
    good &= (others.hfov_deg >= narrowest_deg) & (others.hfov_deg <= widest_deg)
    good &= does(code, first, second, gates)
    if both_ways and good.any():
        good &= does(backwards(code), second, first, gates)
    if not good.any():
        return None
    best = int(np.argmax(good))
    return Camera(others.position[best], *(float(np.asarray(part)[best]) for part in others[1:]))


def has_cameras(settings: PlanConfig, gates: GateConfig, code: str) -> bool:
    """Whether cameras are soon found for a code with the preset's lenses, sizes and gates, whatever the
    object.

    A code, its mirror image and both of them backwards have cameras together, or none has.
    """
    if code in SETS:
        return _finds_cameras(settings, gates, code)
    mirrored = "".join(backwards(sign) if place in MIRRORED else sign for place, sign in enumerate(code))
    alike = [code, mirrored, backwards(code), backwards(mirrored)]
    return _finds_cameras(settings, gates, min(alike))


@functools.cache
def _finds_cameras(settings: PlanConfig, gates: GateConfig, code: str) -> bool:
    rng = np.random.default_rng(list(code.encode()))
    for number in range(SEARCHES):
        forth = number % 2 == 0
        hfov_deg, distance = lens_and_distance(settings, rng)
        base = base_camera(
            settings, distance, lens_before(code, hfov_deg, settings, known_is_first=forth), rng
        )
        if not in_frame(base):
            continue
        if code in SETS:
            works = carry_out_set(code, base, settings, rng) is not None
        else:
            works = carry_out(code, base, settings, gates, rng, known_is_first=forth) is not None
        if works:
            return True
    return False


def lens_and_distance(settings: PlanConfig, rng: np.random.Generator) -> tuple[float, float]:
    """A horizontal field of view in degrees and a distance to the object; no motion is known yet."""
    hfov_deg = float(rng.uniform(settings.hfov_deg.low, settings.hfov_deg.high))
    return hfov_deg, distance_at(
        float(rng.uniform(settings.half_angle_deg.low, settings.half_angle_deg.high))
    )


def distance_at(half_angle_deg: float) -> float:
    """The distance from which an object appears at this size."""
    return float(OF_THE_SPHERE * OBJECT_RADIUS / np.sin(np.radians(half_angle_deg)))


def lens_limits(settings: PlanConfig) -> tuple[float, float]:
    """The narrowest and the widest horizontal field of view that zooming may lead to, in degrees."""
    half_way = settings.zoom.high**0.5
    narrowest, widest = np.tan(np.radians([settings.hfov_deg.low / 2, settings.hfov_deg.high / 2])) * [
        1 / half_way,
        half_way,
    ]
    slack = 1 + 1e-9  # without zoom, every lens is within the limits
    return float(2 * np.degrees(np.arctan(narrowest)) / slack), float(
        2 * np.degrees(np.arctan(widest)) * slack
    )


def lens_before(code: str, hfov_deg: float, settings: PlanConfig, *, known_is_first: bool) -> float:
    """Field of view of a new camera: half of the code's zoom to the other side of `hfov_deg`."""
    sign = {"+": 1, "-": -1}.get(code[ZOOM : ZOOM + 1], 0) * (1 if known_is_first else -1)
    half_way = (settings.zoom.low * settings.zoom.high) ** (0.25 * sign)
    return float(2 * np.degrees(np.arctan(half_way * np.tan(np.radians(hfov_deg / 2)))))


def carry_out_set(
    code: str, first: Camera, settings: PlanConfig, rng: np.random.Generator
) -> list[Camera] | None:
    """The cameras of an arc or a star that begins with `first`; None if one has the object out of frame.

    All of them look at the object, with some jitter. The others come in random order, so that their order
    gives nothing away.
    """
    azimuth_deg = float(np.degrees(np.arctan2(first.position[1], first.position[0])))
    elevation_deg = float(_elevation_deg(first.position))
    distance = float(np.linalg.norm(first.position))
    if code == ARC:
        steps_deg = rng.uniform(*ARC_STEP_DEG, 3) * rng.choice([-1, 1])
        ways = [(float(turn), 0.0) for turn in np.cumsum(steps_deg)]
    else:
        ways = _ways_of_star(elevation_deg, rng)
    cameras = [first]
    for turn_deg, rise_deg in (ways[i] for i in rng.permutation(3)):
        jitter = 2 * settings.elevation_jitter_deg if code == ARC else STAR_JITTER_DEG
        elevation = elevation_deg + rise_deg + jitter * rng.uniform(-0.5, 0.5)
        away = distance * (1 + settings.distance_jitter * rng.uniform(-1, 1))
        position = position_on_sphere(azimuth_deg + turn_deg, elevation, away)
        bearing, pitch = aim_deg(position, np.zeros(3))
        aside = settings.aim_jitter_deg * rng.uniform(-1, 1, 2)
        roll = settings.roll_jitter_deg * rng.uniform(-1, 1)
        cameras.append(
            Camera(position, float(bearing + aside[0]), float(pitch + aside[1]), roll, first.hfov_deg)
        )
    high_enough = all(_elevation_deg(camera.position) >= settings.lowest_deg for camera in cameras)
    return cameras if high_enough and all(in_frame(camera) for camera in cameras) else None


def _ways_of_star(elevation_deg: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Three moves from the first camera, (around, up) in degrees: one to either side, and a third."""
    angle = int(rng.choice(STAR_DEG))
    others: list[tuple[float, float]] = [(float(rng.choice([-1, 1]) * STAR_FURTHER[angle]), 0.0)]
    if angle >= 2 * STAR_NEARER_DEG:
        others.append((float(rng.choice([-1, 1]) * STAR_NEARER_DEG), 0.0))
    if elevation_deg + STAR_RISE_DEG <= HIGHEST_DEG - STAR_JITTER_DEG:
        others.append((0.0, float(STAR_RISE_DEG)))
    ways = [(float(angle), 0.0), (-float(angle), 0.0), others[int(rng.integers(len(others)))]]
    return [(around + STAR_JITTER_DEG * rng.uniform(-1, 1), up) for around, up in ways]


def in_frame(camera: Camera) -> NDArray[np.bool_]:
    """(...) whether the object's bounding sphere lies within the picture."""
    rotation = camera_rotation(camera.bearing_deg, camera.pitch_deg, camera.roll_deg)
    middle = -np.einsum("...ij,...i->...j", rotation, camera.position)
    aside_deg = np.degrees(np.arctan2(np.abs(middle[..., :2]), middle[..., 2:]))
    half_deg = _half_angle_deg(np.linalg.norm(camera.position, axis=-1))
    free_deg = 0.5 * np.asarray(camera.hfov_deg) - half_deg - 0.5
    return np.asarray((middle[..., 2] > 0) & (aside_deg <= free_deg[..., None]).all(axis=-1))


def does(code: str, first: Camera, second: Camera, gates: GateConfig) -> NDArray[np.bool_]:
    """(...) whether a motion is what its code says: clearly there for `+` and `-`, absent for `0`.

    A motion that tier A asks about must be clearly absent, or "none" could not be the answer.
    """
    moved = motion(first.world_from_camera, second.world_from_camera)
    focal = [1 / np.tan(np.radians(np.asarray(camera.hfov_deg) / 2)) for camera in (first, second)]
    right, down, ahead = (moved.translation[..., i] for i in range(3))
    largest = np.maximum(np.maximum(np.abs(right), np.abs(down)), np.abs(ahead))
    amounts: list[tuple[Array, float]] = [
        (right, gates.truck_grey.high),
        (-down, gates.truck_grey.high),
        (ahead, gates.dolly_grey.high),
        (moved.yaw_deg, gates.yaw_grey_deg.high),
        (moved.pitch_deg, gates.tilt_grey_deg.high),
        (moved.roll_deg, gates.tilt_grey_deg.high),
        (np.log(focal[1] / focal[0]), float(np.log(gates.size_grey.high))),
    ]
    nothing = {RIGHT: gates.truck_grey.low, YAW: gates.yaw_grey_deg.low}
    good = np.ones(largest.shape, dtype=bool)
    for place, (sign, (amount, least)) in enumerate(zip(code, amounts, strict=True)):
        clear = np.abs(amount) >= CLEAR * least
        if place <= FORWARD:  # a step that is small beside another one is not asked about: it counts as none
            clear = clear & (np.abs(amount) >= 0.5 * largest)
        if sign == "0":
            good &= np.abs(amount) <= nothing[place] if place in nothing else ~clear
        elif sign != "*":
            good &= clear & ((amount > 0) == (sign == "+"))
    return good


def _propose(
    code: str,
    base: Camera,
    settings: PlanConfig,
    overturn: Overturn,
    rng: np.random.Generator,
    *,
    own_axes: bool,
) -> Camera:
    """Cameras that may carry out a code: `PROPOSALS` of them, in one batch.

    Args:
        own_axes: the step is along the axes of the proposed camera, which is the first of the pair, and in
            units of its distance to the object; else along the axes of `base` and in its distance.
    """

    def amount(place: int, size: Range) -> Array:
        return {"+": 1, "-": -1}.get(code[place], 0) * rng.uniform(size.low, size.high, PROPOSALS)

    around = code[RIGHT] != code[YAW] and "0" not in (code[RIGHT], code[YAW])
    if around:
        position, bearing_deg, pitch_deg = _around(code, base, settings, overturn, rng)
    else:
        position = np.tile(base.position, (PROPOSALS, 1))
        bearing_deg = np.full(PROPOSALS, base.bearing_deg)
        pitch_deg = np.full(PROPOSALS, base.pitch_deg)
    right = np.zeros(PROPOSALS) if around else amount(RIGHT, settings.move)
    step = np.stack([right, -amount(UP, settings.move), amount(FORWARD, settings.dolly)], axis=-1)
    yaw_deg = np.zeros(PROPOSALS) if around else amount(YAW, settings.pan_deg)
    still_deg = settings.still_deg * rng.uniform(-1, 1, PROPOSALS) * (code[YAW] == "0")
    tilt_deg = amount(PITCH, settings.tilt_deg)
    if code[UP] != code[PITCH] and "0" not in (code[UP], code[PITCH]):
        # too far or not far enough, like the turns of orbits
        lifted_deg = np.degrees(np.arctan(np.abs(step[:, 1])))
        tilt_deg = (1 if code[PITCH] == "+" else -1) * (lifted_deg + _further_deg(settings, overturn.up, rng))
    zoom = np.exp(amount(ZOOM, Range(low=np.log(settings.zoom.low), high=np.log(settings.zoom.high))))
    bearing_deg = bearing_deg + yaw_deg + still_deg
    pitch_deg = pitch_deg + tilt_deg
    roll_deg = base.roll_deg + amount(ROLL, settings.roll_deg)
    length = np.linalg.norm(base.position) / (1 + step[:, 2] if own_axes else 1.0)
    axes = camera_rotation(bearing_deg, pitch_deg, roll_deg) if own_axes else camera_rotation(*base[1:4])
    return Camera(
        position + np.broadcast_to(length, PROPOSALS)[:, None] * (axes @ step[..., None])[..., 0],
        bearing_deg,
        pitch_deg,
        roll_deg,
        2 * np.degrees(np.arctan(np.tan(np.radians(base.hfov_deg / 2)) / zoom)),
    )


class _Placed(NamedTuple):
    """Where cameras stand and look, before they step and turn."""

    position: Array  # (n, 3)
    bearing_deg: Array  # (n,)
    pitch_deg: Array  # (n,)


def _around(
    code: str, base: Camera, settings: PlanConfig, overturn: Overturn, rng: np.random.Generator
) -> _Placed:
    """`PROPOSALS` cameras that went around the object and turned back towards it.

    A free orbit also rises, recedes and aims a little past the object. Any other camera turns further than to
    the object, or not as far. If it turned exactly that far, the object's shift in the picture would tell
    which way the camera went.
    """
    distance = np.full(PROPOSALS, np.linalg.norm(base.position))
    free = code in ORBITS
    low = settings.orbit_deg.low
    high = settings.orbit_deg.high
    widest = high if free or code[FORWARD] == "+" else min(NARROW_ORBIT_DEG, high)
    angle_deg = rng.uniform(low, widest, PROPOSALS) * (1 if code[RIGHT] == "+" else -1)
    azimuth_deg = np.degrees(np.arctan2(base.position[1], base.position[0])) + angle_deg
    elevation_deg = _elevation_deg(base.position)
    bearing_deg = np.full(PROPOSALS, base.bearing_deg) - angle_deg
    pitch_deg = np.full(PROPOSALS, base.pitch_deg)
    if free:
        rise_deg = settings.elevation_jitter_deg * rng.uniform(-1, 1, PROPOSALS)
        elevation_deg = elevation_deg + rise_deg
        pitch_deg = pitch_deg - rise_deg
        distance = distance * (1 + settings.distance_jitter * rng.uniform(-1, 1, PROPOSALS))
        aim_deg = settings.aim_jitter_deg * rng.uniform(-1, 1, (2, PROPOSALS))
        bearing_deg = bearing_deg + aim_deg[0]
        pitch_deg = pitch_deg + aim_deg[1]
    else:
        turned = -1 if code[RIGHT] == "+" else 1  # to the left, where it goes to the right
        bearing_deg = bearing_deg + turned * _further_deg(settings, overturn.sideways, rng)
    return _Placed(position_on_sphere(azimuth_deg, elevation_deg, distance), bearing_deg, pitch_deg)


def _further_deg(settings: PlanConfig, sign: int, rng: np.random.Generator) -> Array:
    """How far past the object cameras turn, in degrees; by `sign` all too far, or all not far enough."""
    return np.asarray(sign * settings.overturn_deg * rng.uniform(LEAST_OVERTURN, 1, PROPOSALS))


def _elevation_deg(position: Array) -> Array:
    return np.asarray(np.degrees(np.arctan2(position[..., 2], np.hypot(position[..., 0], position[..., 1]))))


def _half_angle_deg(distance: ArrayLike) -> Array:
    return np.asarray(
        np.degrees(np.arcsin(np.minimum(OF_THE_SPHERE * OBJECT_RADIUS / np.asarray(distance), 1.0)))
    )
