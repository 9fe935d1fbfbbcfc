"""Places a scene's objects: apart, upright, on the ground, all within `OBJECT_RADIUS` of the origin.

An object is described by its reach: how far it extends in each of `DIRECTIONS` horizontal directions. Two
objects are apart if, along one of these directions, one ends before the other begins. That proves it for
their outlines on the ground, and so for the objects, whatever their shapes. Objects are turned by whole steps
of these directions, so that reach need not be measured again.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.geometry.boxes import standing
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.records import OBJECT_RADIUS, ScenePlan, SourceObject
from viewpoint100k.scenes.catalogue import size_m

DIRECTIONS = 120  # the same as in render_scenes, which measures reach
STEP_DEG = 360.0 / DIRECTIONS
JITTER = 0.15  # deviation of the logarithm of a size, because not all chairs are equally large
ATTEMPTS = 12
TRIES = 60
ROOM = 0.25  # share of a scene's radius by which an object may stand further out than it must
_ANGLES = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
_WAYS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


class Footprint(NamedTuple):
    """An object as loaded, in its own axes: its box is centred at the origin, its radius `OBJECT_RADIUS`."""

    extent: Array  # (3,) sides of its box
    reach: Array  # (DIRECTIONS,) from the middle, counter-clockwise from +x


class Stand(NamedTuple):
    """An object in its place, before the whole scene is scaled."""

    spot: Array  # (2,) horizontal position of the centre of its box
    turn: int  # steps, counter-clockwise from above
    scale: float
    footprint: Footprint

    @property
    def reach(self) -> Array:
        return np.asarray(self.scale * np.roll(self.footprint.reach, self.turn))

    @property
    def height(self) -> float:
        return float(self.scale * self.footprint.extent[2])


class Layout(NamedTuple):
    """Where everything is in each state of the scene."""

    states: list[
        list[Array | None]
    ]  # (4, 4) similarity from an object's own axes to the world; None: not there
    poses: list[list[Array]]  # (4, 4) rigid world_from_object of each box, also for absent objects
    sizes: list[Array]  # (3,) sides of each box
    ground: float  # height of the ground
    changed: int | None  # number of the object in which the states differ


def gap(one: Stand, other: Stand) -> float:
    """A lower bound of the distance of two objects' outlines; negative if no direction separates them."""
    away = _WAYS @ (other.spot - one.spot) - one.reach - np.roll(other.reach, DIRECTIONS // 2)
    return float(np.max(away))


def arrange(plan: ScenePlan, parts: Sequence[SourceObject], footprints: Sequence[Footprint]) -> Layout | str:
    """Places for all objects, or the reason why none were found.

    Args:
        parts: the objects of the scene that could be loaded.
        footprints: the footprint of each.
    """
    spread = plan.gap  # least gap between objects, as a share of the radius, while places are searched
    for attempt in range(ATTEMPTS):
        rng = np.random.Generator(np.random.PCG64([plan.seed, attempt]))
        stands = _stand(plan, parts, footprints, spread, rng)
        changed, after = _event(plan, stands, spread, rng)
        if after is None:
            continue
        radius = _bounds([*stands, *after])[1]
        if _least_gap(stands) >= plan.gap * radius and _least_gap(after) >= plan.gap * radius:
            return _layout(plan, stands, after, changed)
        spread *= 1.2
    return f"no places for {len(parts)} objects were found in {ATTEMPTS} attempts"


def _least_gap(stands: Sequence[Stand]) -> float:
    pairs = [gap(one, other) for i, one in enumerate(stands) for other in stands[:i]]
    return min(pairs, default=np.inf)


def _sizes(plan: ScenePlan, parts: Sequence[SourceObject], rng: np.random.Generator) -> Array:
    """(N,) relative longest sides: those of such things, brought nearer to each other."""
    logs = np.log([size_m(part.record) for part in parts]) + JITTER * rng.uniform(-1, 1, len(parts))
    span = float(np.ptp(logs))
    most = float(np.log(plan.largest_over_smallest))
    return np.asarray(np.exp((logs - np.min(logs)) * min(1.0, most / max(span, 1e-9))))


def _stand(
    plan: ScenePlan,
    parts: Sequence[SourceObject],
    footprints: Sequence[Footprint],
    spread: float,
    rng: np.random.Generator,
) -> list[Stand]:
    """Set objects down one by one, each as near to the middle as one of a few directions allows."""
    scales = _sizes(plan, parts, rng) / [float(np.max(footprint.extent)) for footprint in footprints]
    turns = rng.integers(DIRECTIONS, size=len(parts))
    loose = [
        Stand(np.zeros(2), int(t), float(s), f) for t, s, f in zip(turns, scales, footprints, strict=True)
    ]
    area = sum(float(footprint.reach.mean()) ** 2 for footprint in loose)
    radius = 1.5 * np.sqrt(area)  # approximately the radius of the finished scene
    placed: dict[int, Stand] = {}
    for number in (int(i) for i in rng.permutation(len(loose))):
        found = [
            (_nearest(loose[number], list(placed.values()), way, spread * radius, radius), tuple(way))
            for way in _WAYS[rng.integers(DIRECTIONS, size=6)]
        ]
        distance, way = min(found)
        further = ROOM * radius * rng.random() if placed else 0.0
        tried = [loose[number]._replace(spot=np.array(way) * away) for away in (distance + further, distance)]
        clear = all(gap(tried[0], other) >= spread * radius for other in placed.values())
        placed[number] = tried[0] if clear else tried[1]
    return [placed[i] for i in range(len(loose))]


def _nearest(loose: Stand, others: Sequence[Stand], way: Array, least: float, radius: float) -> float:
    """The distance from the middle, along one direction, at which an object keeps `least` from all others."""
    distances = np.arange(0.0, 8.0, 0.04) * radius
    clear = np.ones(len(distances), dtype=bool)
    along = _WAYS @ way
    for other in others:
        between = -_WAYS @ other.spot - np.roll(loose.reach, DIRECTIONS // 2) - other.reach
        # as in `gap`, but for the other object seen from this one, so all directions are reversed
        clear &= (distances[:, None] * along + between).max(axis=1) >= least
    return float(distances[int(np.argmax(clear))])


def _event(
    plan: ScenePlan, stands: list[Stand], spread: float, rng: np.random.Generator
) -> tuple[int | None, list[Stand] | None]:
    """The object that changes, and all places afterwards; None if there is no room for the change."""
    if plan.event is None:
        return None, stands
    changed = int(rng.integers(len(stands)))
    radius = _bounds(stands)[1]
    others = [stand for i, stand in enumerate(stands) if i != changed]
    before = stands[changed]
    if plan.event == "gone":
        return changed, stands
    for _ in range(TRIES):
        if plan.event == "moved":
            angle = rng.uniform(0, 2 * np.pi)
            distance = radius * rng.uniform(plan.move[0], plan.move[1])
            after = before._replace(spot=before.spot + distance * np.array([np.cos(angle), np.sin(angle)]))
        else:
            turn = int(rng.choice([-1, 1])) * round(
                rng.uniform(plan.turn_deg[0], plan.turn_deg[1]) / STEP_DEG
            )
            after = before._replace(turn=(before.turn + turn) % DIRECTIONS)
        if all(gap(after, other) >= spread * radius for other in others):
            return changed, [after if i == changed else stand for i, stand in enumerate(stands)]
    return changed, None


def _bounds(stands: Sequence[Stand]) -> tuple[Array, float]:
    """(3,) centre of the box around objects, and a radius about it that contains all of them."""
    quarter = DIRECTIONS // 4
    high = np.array([[stand.spot[i] + stand.reach[i * quarter] for i in (0, 1)] for stand in stands])
    low = np.array([[stand.spot[i] - stand.reach[(i + 2) * quarter] for i in (0, 1)] for stand in stands])
    tallest = max(stand.height for stand in stands)
    middle = np.append(0.5 * (high.max(axis=0) + low.min(axis=0)), 0.5 * tallest)
    radius = 0.0
    for stand in stands:
        # two neighbouring directions bound how far out a corner of the outline can be
        out = float((_WAYS @ (stand.spot - middle[:2]) + stand.reach).max()) / np.cos(np.pi / DIRECTIONS)
        radius = max(radius, float(np.hypot(out, max(middle[2], stand.height - middle[2]))))
    return middle, radius


def _layout(plan: ScenePlan, stands: list[Stand], after: list[Stand], changed: int | None) -> Layout:
    middle, radius = _bounds([*stands, *after])
    factor = OBJECT_RADIUS / radius
    states: list[list[Array | None]] = []
    for number, state in enumerate([stands] if changed is None else [stands, after]):
        places: list[Array | None] = [_similarity(stand, middle, factor) for stand in state]
        if plan.event == "gone" and number == 1 and changed is not None:
            places[changed] = None
        states.append(places)
    return read_back(states, [stand.footprint for stand in stands], changed)


def fitted(layout: Layout, footprints: Sequence[Footprint], middle: Array, radius: float) -> Layout:
    """The layout centred and scaled to `OBJECT_RADIUS` by its measured extent, which reach overestimates."""
    factor = OBJECT_RADIUS / radius
    change = np.diag([factor, factor, factor, 1.0])
    change[:3, 3] = -factor * middle
    states = [[None if place is None else change @ place for place in state] for state in layout.states]
    return read_back(states, footprints, layout.changed)


def read_back(
    states: list[list[Array | None]], footprints: Sequence[Footprint], changed: int | None
) -> Layout:
    """The layout that follows from similarities, planned ones or those that the renderer reports."""
    poses = []
    sizes = []
    for number, footprint in enumerate(footprints):
        known = next(state[number] for state in states if state[number] is not None)
        assert known is not None
        sizes.append(np.asarray(np.cbrt(np.linalg.det(known[:3, :3])) * footprint.extent))
    for state in states:
        own = []
        for number, footprint in enumerate(footprints):
            place = state[number]
            place = next(s[number] for s in states if s[number] is not None) if place is None else place
            assert place is not None
            base = place[:3, :3] @ [0.0, 0.0, -0.5 * footprint.extent[2]] + place[:3, 3]
            own.append(standing(base, float(np.degrees(np.arctan2(place[1, 0], place[0, 0])))))
        poses.append(own)
    ground = float(np.mean([pose[2, 3] for state in poses for pose in state]))
    return Layout(states, poses, sizes, ground, changed)


def _similarity(stand: Stand, middle: Array, factor: float) -> Array:
    out = standing(factor * (np.append(stand.spot, 0.5 * stand.height) - middle), stand.turn * STEP_DEG)
    out[:3, :3] *= factor * stand.scale
    return out
