"""How a camera is to move between two views: a balanced design of motions, and cameras that carry them out.

A motion is a code of seven signs: right, up, forward, yaw, pitch, roll, zoom, each `+`, `-`, `0`, or `*` for whatever
comes; `/moved`, `/turned` or `/gone` follows where something happens in a scene meanwhile. Each of the first six is drawn independently of the others, so that none answers for another; families are names of
codes. Cameras are proposed by lot and kept if they do what the code says and have the object in the picture. Sets of
four views have codes of their own: an arc of cameras around the object, or a star of three around the first.
"""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewpoint100k.config import GateConfig, PlanConfig, Range, ScenesConfig
from viewpoint100k.geometry.cameras import aim_deg, pose, position_on_sphere
from viewpoint100k.geometry.relations import motion
from viewpoint100k.geometry.rotations import Array, camera_rotation
from viewpoint100k.records import OBJECT_RADIUS, EventKind, Family

RIGHT, UP, FORWARD, YAW, PITCH, ROLL, ZOOM = range(7)
STILL = "0000000"
EVENTS: tuple[EventKind, ...] = get_args(EventKind)
ORBITS = ("+**-**0", "-**+**0")  # free orbits, of any angle
ARC, STAR = SETS = ("arc", "star")
ARC_STEP_DEG = (25.0, 55.0)  # neighbours share surface, and can be told apart
STAR_DEG = (30, 40, 50)  # around the object, to either side
STAR_FURTHER = {30: 50, 40: 70, 50: 80}
STAR_NEARER_DEG = 20  # where that is far enough from the others
STAR_RISE_DEG = 30
STAR_JITTER_DEG = 2.0  # the question says tens
PROPOSALS = 60  # per motion and first camera
COLUMNS_TRIED = 64  # of which the least coupled is taken
BLOCK = 512  # pairs that are balanced together
LOWEST_DEG, HIGHEST_DEG = -8.0, 60.0  # elevations that a motion may lead to
NARROW_ORBIT_DEG = 52.0  # beyond that, an orbit also goes forward
CLEAR = 1.03  # over what questions need
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


def event_of(code: str) -> EventKind | None:
    """What happens in the scene while the camera moves; None: nothing."""
    name = code.partition("/")[2]
    return next((event for event in EVENTS if event == name), None)


def family_of(code: str) -> Family:
    """What people call a motion, or a set of views."""
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


def design(settings: PlanConfig, count: int, rng: np.random.Generator) -> list[str]:
    """Codes of so many pairs, in an order in which every stretch has about its share of each."""
    if settings.sets:
        return [SETS[i] for i in rng.permutation(np.arange(count) % len(SETS))]
    codes: list[str] = []
    while len(codes) < count:
        codes += _block(settings, min(BLOCK, count - len(codes)), rng)
    if settings.scenes is not None:
        codes = _with_events(settings.scenes, codes, rng)
    return codes


def _with_events(settings: ScenesConfig, codes: Sequence[str], rng: np.random.Generator) -> list[str]:
    """The same pairs, in a share of which something happens in the scene; in a share of each, the camera stays."""
    count, out = round(settings.events * len(codes)), list(codes)
    order = [int(i) for i in rng.permutation(len(codes))]
    eventful, calm = order[:count], order[count:]
    for place in [*eventful[: round(settings.still_events * count)], *calm[: round(settings.still * len(calm))]]:
        out[place] = STILL
    # each event as often with the camera at rest as with all others
    for number, place in enumerate(eventful):
        out[place] += f"/{EVENTS[number % len(EVENTS)]}"
    return out


def _block(settings: PlanConfig, count: int, rng: np.random.Generator) -> list[str]:
    shares = settings.motions
    orbits = round(shares.orbits * count)
    rest = count - orbits
    active = (shares.right, shares.up, shares.forward, shares.yaw, shares.pitch, shares.roll)
    columns: list[np.ndarray] = []
    for share in active:
        tried = [_column(share, rest, rng) for _ in range(COLUMNS_TRIED)]
        columns.append(min(tried, key=lambda column: _coupling(column, columns)))
    # the lens is not one of the six: it goes with a way forward or against it, or is alone, if the picture has room for it
    moves, ahead = np.abs(np.array(columns)).sum(axis=0), columns[FORWARD]
    alone = max(shares.zoom, 0.5) if shares.zoom else 0.0
    share_of_zoom = np.select([moves == 0, moves > 3, ahead != 0], [alone, 0.0, shares.zoom_ahead], shares.zoom)
    zoom = np.where(rng.random(rest) < share_of_zoom, rng.choice([-1, 1], rest), 0)
    codes = ["".join("-0+"[int(sign) + 1] for sign in row) for row in np.array([*columns, zoom]).T]
    codes += [ORBITS[i % 2] for i in range(orbits)]
    return [codes[i] for i in rng.permutation(count)]


def _column(share: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) signs in random order, as many minus as plus."""
    each = share * count / 2
    minus, plus = int(each + rng.random()), int(each + rng.random())
    signs = np.concatenate([-np.ones(minus), np.ones(plus), np.zeros(max(count - minus - plus, 0))])[:count]
    return np.asarray(rng.permutation(signs), dtype=np.int64)


def _coupling(column: np.ndarray, others: Sequence[np.ndarray]) -> float:
    """How far a column is from independent of others: squared differences of counts from what chance would give."""
    total = 0.0
    for other in others:
        table = np.zeros((3, 3))
        np.add.at(table, (column + 1, other + 1), 1)
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(len(column), 1)
        total += float((np.square(table - expected) / np.maximum(expected, 0.5)).sum())
    return total


# --- cameras ---------------------------------------------------------------------------------------


def base_camera(settings: PlanConfig, distance: float, hfov_deg: float, rng: np.random.Generator) -> Camera:
    """A camera somewhere about the object, which looks a little past it."""
    azimuth, elevation = rng.uniform(-180, 180), rng.uniform(settings.elevation_deg.low, settings.elevation_deg.high)
    position = position_on_sphere(azimuth, elevation, distance)
    bearing, pitch = aim_deg(position, np.zeros(3))
    room_deg = 0.5 * hfov_deg - float(_half_angle_deg(distance))
    aside_deg = settings.aside * room_deg * rng.uniform(-1, 1, 2)
    roll_deg = settings.roll_jitter_deg * rng.uniform(-1, 1)
    return Camera(position, float(bearing + aside_deg[0]), float(pitch + aside_deg[1]), float(roll_deg), hfov_deg)


def carry_out(
    code: str, known: Camera, settings: PlanConfig, gates: GateConfig, rng: np.random.Generator, *, known_is_first: bool
) -> Camera | None:
    """The other camera of a pair, or None if none was found for this one.

    Args:
        known_is_first: else the pair goes from the camera that is sought to the known one.
    """
    wanted = code if known_is_first else code.translate(str.maketrans("+-", "-+"))
    others = _propose(wanted, known, settings, rng, own_axes=not known_is_first)
    first, second = (known, others) if known_is_first else (others, known)
    elevation_deg = _elevation_deg(others.position)
    good = in_frame(others) & (elevation_deg >= LOWEST_DEG) & (elevation_deg <= HIGHEST_DEG)
    good &= does(code, first, second, gates)
    if not good.any():
        return None
    best = int(np.argmax(good))
    return Camera(others.position[best], *(float(np.asarray(part)[best]) for part in others[1:]))


def carry_out_set(code: str, first: Camera, settings: PlanConfig, rng: np.random.Generator) -> list[Camera] | None:
    """The cameras of an arc or a star, `first` among them as the first; None if one has the object out of the frame.

    All look at the object but for some jitter. The others come in random order, so that their order tells nothing.
    """
    azimuth_deg = float(np.degrees(np.arctan2(first.position[1], first.position[0])))
    elevation_deg, distance = float(_elevation_deg(first.position)), float(np.linalg.norm(first.position))
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
        cameras.append(Camera(position, float(bearing + aside[0]), float(pitch + aside[1]), roll, first.hfov_deg))
    return cameras if all(in_frame(camera) for camera in cameras) else None


def _ways_of_star(elevation_deg: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Three ways from the first camera, as (around, up) in degrees: to either side as far, and another."""
    angle = int(rng.choice(STAR_DEG))
    others: list[tuple[float, float]] = [(float(rng.choice([-1, 1]) * STAR_FURTHER[angle]), 0.0)]
    if angle >= 2 * STAR_NEARER_DEG:
        others.append((float(rng.choice([-1, 1]) * STAR_NEARER_DEG), 0.0))
    if elevation_deg + STAR_RISE_DEG <= HIGHEST_DEG - STAR_JITTER_DEG:
        others.append((0.0, float(STAR_RISE_DEG)))
    ways = [(float(angle), 0.0), (-float(angle), 0.0), others[int(rng.integers(len(others)))]]
    return [(around + STAR_JITTER_DEG * rng.uniform(-1, 1), up) for around, up in ways]


def in_frame(camera: Camera) -> NDArray[np.bool_]:
    """(...) whether the object, as far as its sphere tells, is in the picture."""
    rotation = camera_rotation(camera.bearing_deg, camera.pitch_deg, camera.roll_deg)
    middle = -np.einsum("...ij,...i->...j", rotation, camera.position)
    aside_deg = np.degrees(np.arctan2(np.abs(middle[..., :2]), middle[..., 2:]))
    half_deg = _half_angle_deg(np.linalg.norm(camera.position, axis=-1))
    free_deg = 0.5 * np.asarray(camera.hfov_deg) - half_deg - 0.5
    return np.asarray((middle[..., 2] > 0) & (aside_deg <= free_deg[..., None]).all(axis=-1))


def does(code: str, first: Camera, second: Camera, gates: GateConfig) -> NDArray[np.bool_]:
    """(...) whether a motion is what its code says: clear where it says so, nothing to speak of where it says none."""
    moved = motion(first.world_from_camera, second.world_from_camera)
    focal = [1 / np.tan(np.radians(np.asarray(camera.hfov_deg) / 2)) for camera in (first, second)]
    right, down, ahead = (moved.translation[..., i] for i in range(3))
    largest = np.maximum(np.maximum(np.abs(right), np.abs(down)), np.abs(ahead))
    amounts: list[tuple[Array, float]] = [
        *((value, gates.truck_grey.high) for value in (right, -down, ahead)),
        (moved.yaw_deg, gates.yaw_grey_deg.high),
        (moved.pitch_deg, gates.tilt_grey_deg.high),
        (moved.roll_deg, gates.tilt_grey_deg.high),
        (np.log(focal[1] / focal[0]), float(np.log(gates.size_grey.high))),
    ]
    good = np.ones(largest.shape, dtype=bool)
    for place, (sign, (amount, least)) in enumerate(zip(code, amounts, strict=True)):
        clear = np.abs(amount) >= CLEAR * least
        if place <= FORWARD:  # along an axis that is small beside another, nothing is asked: it counts as none
            clear = clear & (np.abs(amount) >= 0.5 * largest)
        if sign == "0":
            good &= ~clear
        elif sign != "*":
            good &= clear & ((amount > 0) == (sign == "+"))
    return good


def _propose(code: str, base: Camera, settings: PlanConfig, rng: np.random.Generator, *, own_axes: bool) -> Camera:
    """Cameras that may do it: `PROPOSALS` of them, in one batch.

    Args:
        own_axes: the step is along the axes of the camera that is proposed, which is the first of the pair, and in its
            distances; else along those of `base`.
    """

    def amount(place: int, size: Range) -> Array:
        return {"+": 1, "-": -1}.get(code[place], 0) * rng.uniform(size.low, size.high, PROPOSALS)

    distance = np.full(PROPOSALS, np.linalg.norm(base.position))
    bearing_deg, pitch_deg = (np.full(PROPOSALS, angle) for angle in (base.bearing_deg, base.pitch_deg))
    position = np.tile(base.position, (PROPOSALS, 1))
    around, free = code[RIGHT] != code[YAW] and "0" not in (code[RIGHT], code[YAW]), code in ORBITS
    if around:
        low, high = settings.orbit_deg.low, settings.orbit_deg.high
        widest = high if free or code[FORWARD] == "+" else min(NARROW_ORBIT_DEG, high)
        angle_deg = rng.uniform(low, widest, PROPOSALS) * (1 if code[RIGHT] == "+" else -1)
        azimuth_deg = np.degrees(np.arctan2(base.position[1], base.position[0])) + angle_deg
        elevation_deg = _elevation_deg(base.position)
        bearing_deg = bearing_deg - angle_deg
        if free:
            rise_deg = settings.elevation_jitter_deg * rng.uniform(-1, 1, PROPOSALS)
            elevation_deg, pitch_deg = elevation_deg + rise_deg, pitch_deg - rise_deg
            distance = distance * (1 + settings.distance_jitter * rng.uniform(-1, 1, PROPOSALS))
            aim_deg = settings.aim_jitter_deg * rng.uniform(-1, 1, (2, PROPOSALS))
            bearing_deg, pitch_deg = bearing_deg + aim_deg[0], pitch_deg + aim_deg[1]
        else:  # not with the object where it was: then its shift in the picture would tell the way the camera went
            bearing_deg = bearing_deg + settings.overturn_deg * rng.uniform(-1, 1, PROPOSALS)
        position = position_on_sphere(azimuth_deg, elevation_deg, distance)
    right = 0.0 * bearing_deg if around else amount(RIGHT, settings.move)
    step = np.stack([right, -amount(UP, settings.move), amount(FORWARD, settings.move)], axis=-1)
    yaw_deg = 0.0 * bearing_deg if around else amount(YAW, settings.pan_deg)
    still_deg = settings.still_deg * rng.uniform(-1, 1, PROPOSALS) * (code[YAW] == "0")
    tilt = settings.tilt_deg
    if code[UP] != code[PITCH] and "0" not in (code[UP], code[PITCH]):  # too far or not far enough, as orbits turn
        lifted_deg = float(np.degrees(np.arctan(0.5 * (settings.move.low + settings.move.high))))
        tilt = Range(low=tilt.low, high=float(lifted_deg + settings.overturn_deg))
    zoom = np.exp(amount(ZOOM, Range(low=np.log(settings.zoom.low), high=np.log(settings.zoom.high))))
    bearing_deg, pitch_deg = bearing_deg + yaw_deg + still_deg, pitch_deg + amount(PITCH, tilt)
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


def _elevation_deg(position: Array) -> Array:
    return np.asarray(np.degrees(np.arctan2(position[..., 2], np.hypot(position[..., 0], position[..., 1]))))


def _half_angle_deg(distance: ArrayLike) -> Array:
    return np.asarray(np.degrees(np.arcsin(np.minimum(OF_THE_SPHERE * OBJECT_RADIUS / np.asarray(distance), 1.0))))
