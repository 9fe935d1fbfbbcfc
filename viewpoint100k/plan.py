"""Objects and a seed -> shards with their objects, cameras and pairs. No view is rendered here.

Every random draw comes from `generator(seed, uid, purpose, index)`, so the order of work, the number of workers
and the machine never matter. Cameras are planned by three angles (bearing, pitch, roll) and a position: two views
that share a bearing have exactly no yaw between them, two that share a position exactly no translation.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.config import PlanConfig, RunConfig, config_hash
from viewpoint100k.errors import InputError
from viewpoint100k.geometry.cameras import aim_deg, look_at, pose, position_on_sphere
from viewpoint100k.geometry.rotations import Array, camera_rotation
from viewpoint100k.records import (
    FAMILIES,
    OBJECT_RADIUS,
    Background,
    Family,
    Lamp,
    Light,
    PlannedPair,
    PlannedView,
    Record,
    SourceObject,
    Split,
    ViewSet,
)

HDRIS = ("city", "courtyard", "forest", "interior", "night", "studio", "sunrise", "sunset")  # ship inside the bpy wheel
MOST_PAIRS_PER_OBJECT = 12
PAIRS_OF_A_SMALL_VISIT = 3  # four views, the fewest that hold all families
PROBES, PROBE_HFOV_DEG = 12, 40.0  # every 30 degrees: symmetries of order 2, 3, 4, 6 and 12 show
OBJECTS_PER_SHARD = 3  # at least: one or two may be refused
FEWEST_OBJECTS_TO_SPLIT = 10
SPARE_OBJECTS = 1.5  # of an endless source: listed over needed


class Shard(Record):
    """The unit of work: who makes which pairs of which objects."""

    number: int
    split: Split
    name: str
    pairs: dict[Family, int]
    objects: list[str]  # uids in the order in which they are visited; the last are reserves


class Plan(Record):
    """All that `render-shard` needs beside the configuration."""

    config_hash: str
    pairs_per_object: int
    objects: list[SourceObject]
    shards: list[Shard]


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """The random generator of one purpose: the same on every machine, independent of every other."""
    digest = hashlib.sha256("\0".join(map(str, (seed, *names))).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def objects_wanted(config: RunConfig) -> int:
    """How many objects of an endless source a run lists, reserves included."""
    per_object = config.plan.pairs_per_object or MOST_PAIRS_PER_OBJECT
    needed = sum(int(np.ceil(pairs / per_object)) for pairs in _split_pairs(config, FEWEST_OBJECTS_TO_SPLIT).values())
    return FEWEST_OBJECTS_TO_SPLIT + int(np.ceil(SPARE_OBJECTS * needed))


def make_plan(config: RunConfig, objects: Sequence[SourceObject], *, spread: bool) -> Plan:
    """Split the objects, cut the pairs into shards, and give each shard its objects.

    Args:
        spread: use as many of the objects as the pairs allow (a folder); else as few (each costs a download).

    Raises:
        InputError: if there are too few objects for the splits.
    """
    per_object = config.plan.pairs_per_object or (
        _spread(config.pairs, len(objects)) if spread else MOST_PAIRS_PER_OBJECT
    )
    pairs_of = _split_pairs(config, len(objects))
    by_split = _split_objects(config, objects, pairs_of)
    shards: list[Shard] = []
    for split, pairs in pairs_of.items():
        uids, family = by_split[split], _family_sequence(config)
        count = _shard_count(config, pairs, len(uids))
        if count > len(uids):
            raise InputError(
                f"{len(uids)} objects for {count} shards of split {split}: each shard needs at least one. Use more "
                "objects, fewer pairs, or a larger shards.pairs_per_shard"
            )
        for index, part in enumerate(np.array_split(np.arange(pairs), count)):
            quota = Counter(next(family) for _ in part)
            name = f"{split}-{index:05d}-of-{count:05d}"
            mine = uids[index::count]
            shards.append(
                Shard(number=len(shards), split=split, name=name, pairs=dict(sorted(quota.items())), objects=mine)
            )
    return Plan(config_hash=config_hash(config), pairs_per_object=per_object, objects=list(objects), shards=shards)


def _spread(pairs: int, objects: int) -> int:
    """Pairs per object, so few that every object is visited if the pairs are enough for all; the rest comes on top."""
    each = pairs // max(objects, 1)
    return min(each, MOST_PAIRS_PER_OBJECT) if each >= 2 else PAIRS_OF_A_SMALL_VISIT


def _split_pairs(config: RunConfig, objects: int) -> dict[Split, int]:
    """Pairs of each split that has any. A handful of objects is not split."""
    split = objects >= FEWEST_OBJECTS_TO_SPLIT
    validation = round(config.pairs * config.plan.validation_share) if split else 0
    test = round(config.pairs * config.plan.test_share) if split else 0
    pairs: dict[Split, int] = {"train": config.pairs - validation - test, "validation": validation, "test": test}
    return {name: number for name, number in pairs.items() if number}


def _shard_count(config: RunConfig, pairs: int, objects: int) -> int:
    """How many shards a split is cut into: by the setting, else so that each has objects enough for its pairs."""
    if config.shards.pairs_per_shard:
        return int(np.ceil(pairs / config.shards.pairs_per_shard))
    largest = int(np.clip(np.ceil(config.pairs / 20), 8, 1000))
    return max(1, min(int(np.ceil(pairs / largest)), objects // OBJECTS_PER_SHARD))


def _split_objects(
    config: RunConfig, objects: Sequence[SourceObject], pairs_of: dict[Split, int]
) -> dict[str, list[str]]:
    """Shuffled uids of each split, in proportion to its pairs; no object is in two."""
    uids = sorted(thing.record.uid for thing in objects)
    if len(set(uids)) != len(uids):
        raise InputError(f"object uid {next(u for u, n in Counter(uids).items() if n > 1)!r} is listed twice")
    shuffled = [uids[i] for i in generator(config.seed, "splits").permutation(len(uids))]
    out: dict[str, list[str]] = {}
    for split in list(pairs_of)[1:]:
        share = max(round(len(uids) * pairs_of[split] / config.pairs), OBJECTS_PER_SHARD)
        out[split], shuffled = shuffled[:share], shuffled[share:]
    return {"train": shuffled, **out}


def _family_sequence(config: RunConfig) -> Iterator[Family]:
    """Families one after the other so that every stretch has its shares: always the one furthest behind."""
    fractions, made, number = config.plan.families.fractions(), Counter[Family](), 0
    while True:
        number += 1
        behind = max(FAMILIES, key=lambda family: (fractions[family] * number - made[family], fractions[family]))
        made[behind] += 1
        yield behind


# --- the views of one visit ---------------------------------------------------------------------


class _Camera(NamedTuple):
    """A camera in angles, before it becomes a matrix."""

    position: Array  # (3,) world
    bearing_deg: float
    pitch_deg: float
    roll_deg: float


def plan_views(config: RunConfig, thing: SourceObject, round_: int, pairs: Mapping[Family, float]) -> ViewSet:
    """The cameras of one visit to one object, and the pairs they make.

    Args:
        pairs: how many of each family are wanted of this visit; the plan holds about as many, usually some more.

    An arc of cameras around the object; from one of them some that moved sideways and some that turned to the other
    side. Each of the first with each of the second is a pair that moved and turned to the same side, so that eight
    views make about twelve pairs.
    """
    settings, uid = config.plan, thing.record.uid
    rng = generator(config.seed, uid, "views", round_)
    arc, trucks, pans, stills = _how_many(pairs, rng)
    hfov_deg = float(rng.uniform(settings.hfov_deg.low, settings.hfov_deg.high))
    side = float(rng.choice([-1, 1]))  # to which the trucks go
    truck = [float(v) for v in side * rng.uniform(settings.truck.low, settings.truck.high, trucks)]
    pan = [float(v) for v in -side * rng.uniform(settings.pan_deg.low, settings.pan_deg.high, pans)]
    distance = _distance(settings, hfov_deg, truck, pan, rng)

    cameras = _arc(settings, arc, distance, rng)
    base = int(rng.integers(arc))
    made: list[PlannedPair] = []

    def pair(first: int, second: int, family: Family) -> None:
        made.append(PlannedPair(first=first, second=second, family=family))

    for i in range(arc):
        for j in range(i + 1, arc):
            if _apart_deg(cameras[i], cameras[j]) <= settings.orbit_deg.high + 1e-9:
                pair(i, j, "orbit")
    if truck or pan:  # the base looks a little aside, so that the sideways moves and the turns both stay in the frame
        aside = [0.0, *(-np.degrees(np.arctan(t)) for t in truck), *(-p for p in pan)]
        to_object = aim_deg(cameras[base].position, np.zeros(3))
        cameras[base] = cameras[base]._replace(bearing_deg=float(to_object[0]) + 0.5 * (min(aside) + max(aside)))
    first_truck = len(cameras)
    cameras += [_moved(cameras[base], right=t * float(np.linalg.norm(cameras[base].position))) for t in truck]
    first_pan = len(cameras)
    cameras += [cameras[base]._replace(bearing_deg=cameras[base].bearing_deg + p) for p in pan]
    for i in range(trucks):
        pair(base, first_truck + i, "truck")
        for j in range(pans):
            pair(first_pan + j, first_truck + i, "same_sign")
    for j in range(pans):
        pair(base, first_pan + j, "pan")
    for i in range(stills):
        pair(i % arc, len(cameras), "still")
        cameras.append(_still(settings, cameras[i % arc], rng))

    light_rng = generator(config.seed, uid, "light", round_)
    background, lights = _background(config, light_rng), [_light(config, light_rng)]
    if light_rng.random() < config.render.relit_share:
        other = _light(config, light_rng)
        if background.kind in {"hdri", "blurred"}:  # the same place in another light
            other = other.model_copy(update={"name": lights[0].name, "rotation_deg": lights[0].rotation_deg})
        lights.append(other)
    light_of = light_rng.permutation(np.arange(len(cameras)) % len(lights))
    x, y, _ = cameras[base].position
    return ViewSet(
        object=thing,
        round=round_,
        views=[
            PlannedView(
                world_from_camera=pose(camera_rotation(c.bearing_deg, c.pitch_deg, c.roll_deg), c.position).tolist(),
                hfov_deg=hfov_deg,
                light=int(light),
            )
            for c, light in zip(cameras, light_of, strict=True)
        ],
        probes=probe_ring(settings, float(np.degrees(np.arctan2(y, x)))),
        pairs=made,
        lights=lights,
        background=background,
    )


def _how_many(pairs: Mapping[Family, float], rng: np.random.Generator) -> tuple[int, int, int, int]:
    """(arc, trucks, pans, stills): the fewest views whose pairs are about those that are wanted."""
    wanted = {family: pairs.get(family, 0.0) for family in FAMILIES}
    arc = next(n for n in range(2 if wanted["orbit"] > 0 else 1, 99) if n * (n - 1) / 2 >= wanted["orbit"] - 1)
    trucks, pans = int(np.ceil(wanted["truck"])), int(np.ceil(wanted["pan"]))
    while trucks * pans < wanted["same_sign"]:
        trucks, pans = (trucks + 1, pans) if trucks <= pans else (trucks, pans + 1)
    return arc, trucks, pans, int(wanted["still"] + rng.random())  # rounded up as often as its fraction says


def _distance(
    settings: PlanConfig, hfov_deg: float, truck: list[float], pan: list[float], rng: np.random.Generator
) -> float:
    """How near the cameras may come so that the object's bounding sphere stays in every frame."""
    swing = [np.degrees(np.arctan(abs(t))) for t in truck] or [0.0]
    turn = [abs(p) for p in pan] or [0.0]
    aside = max(0.5 * (max(swing) + max(turn)), 1.5 * settings.aim_jitter_deg)
    free_deg = max(0.5 * hfov_deg - aside - 1.0, 4.0)
    nearest = OBJECT_RADIUS / np.sin(np.radians(free_deg))
    nearest /= 1 - settings.distance_jitter
    return float(nearest / rng.uniform(settings.fill.low, settings.fill.high))


def _arc(settings: PlanConfig, count: int, distance: float, rng: np.random.Generator) -> list[_Camera]:
    """Cameras around the object: neighbours at least the smallest orbit apart, the ends at most the largest if that fits."""
    smallest, room = settings.orbit_deg.low, settings.orbit_deg.high - settings.orbit_deg.low * max(count - 1, 0)
    if count == 2:
        extra = rng.uniform(0, max(room, 0), 1)
    else:
        extra = max(room, 0) * rng.dirichlet(np.ones(count))[: count - 1] if count > 1 else np.zeros(0)
    azimuths = rng.uniform(-180, 180) + np.concatenate([[0.0], np.cumsum(smallest + extra)])
    elevation = rng.uniform(settings.elevation_deg.low, settings.elevation_deg.high)
    out = []
    for azimuth in azimuths:
        jitter = rng.uniform(-1, 1, 5)
        position = position_on_sphere(
            azimuth,
            np.clip(
                elevation + settings.elevation_jitter_deg * jitter[0],
                settings.elevation_deg.low,
                settings.elevation_deg.high,
            ),
            distance * (1 + settings.distance_jitter * jitter[1]),
        )
        bearing, pitch = aim_deg(position, np.zeros(3))
        out.append(
            _Camera(
                position,
                float(bearing) + settings.aim_jitter_deg * jitter[2],
                float(pitch) + settings.aim_jitter_deg * jitter[3],
                settings.roll_jitter_deg * jitter[4],
            )
        )
    return out


def _moved(camera: _Camera, right: float = 0.0, forward: float = 0.0, up: float = 0.0) -> _Camera:
    """The camera moved along its own level axes, without turning."""
    bearing = np.radians(camera.bearing_deg)
    ahead, aside = np.array([np.sin(bearing), np.cos(bearing), 0.0]), np.array([np.cos(bearing), -np.sin(bearing), 0.0])
    return camera._replace(position=camera.position + right * aside + forward * ahead + up * np.array([0.0, 0.0, 1.0]))


def _still(settings: PlanConfig, camera: _Camera, rng: np.random.Generator) -> _Camera:
    """Neither sideways nor turned: nearer or farther along the line to the object, or up or down and tilted to it."""
    rotation = camera_rotation(camera.bearing_deg, camera.pitch_deg, camera.roll_deg)
    ratio = rng.uniform(settings.dolly.low, settings.dolly.high)
    distance = float(np.linalg.norm(camera.position))
    if rng.random() < 0.5:  # away along the optical axis, so that not even a rolled camera moves sideways
        return camera._replace(position=camera.position - (ratio - 1) * distance * rotation[:, 2])
    rise = (0.25 + 0.5 * (ratio - 1)) * distance * (1 if camera.position[2] < 0.35 * distance else -1)
    moved = _moved(camera, up=rise)
    return moved._replace(pitch_deg=float(aim_deg(moved.position, np.zeros(3))[1]))


def probe_ring(settings: PlanConfig, azimuth_deg: float) -> list[PlannedView]:
    """A ring of close cameras at middle height, evenly spaced, the first of them at this azimuth."""
    elevation = 0.5 * (settings.elevation_deg.low + settings.elevation_deg.high)
    distance = OBJECT_RADIUS / np.sin(np.radians(0.5 * PROBE_HFOV_DEG))
    return [
        PlannedView(
            world_from_camera=look_at(
                position_on_sphere(azimuth_deg + turn, elevation, distance), np.zeros(3)
            ).tolist(),
            hfov_deg=PROBE_HFOV_DEG,
        )
        for turn in np.linspace(0, 360, PROBES, endpoint=False)
    ]


def _apart_deg(a: _Camera, b: _Camera) -> float:
    difference = np.arctan2(a.position[1], a.position[0]) - np.arctan2(b.position[1], b.position[0])
    return float(np.degrees(np.abs(np.angle(np.exp(1j * difference)))))


def _light(config: RunConfig, rng: np.random.Generator) -> Light:
    """One of the bundled HDRIs turned about the vertical, and one or two suns: above in the world, or on the camera."""
    lamps, on_camera = [], rng.random() < config.render.camera_lamp_share
    for _ in range(int(rng.integers(1, 3))):
        if on_camera:
            aside, up = rng.uniform(-0.6, 0.6), rng.uniform(-0.2, 0.8)
            towards = np.array([aside, -up, -1.0]) / np.linalg.norm([aside, up, 1.0])  # behind the camera
        else:
            azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 0.9)
            towards = np.append(np.sqrt(1 - height**2) * np.array([np.cos(azimuth), np.sin(azimuth)]), height)
        lamps.append(
            Lamp(
                direction=[float(v) for v in towards],
                frame="camera" if on_camera else "world",
                strength=float(rng.uniform(0.6, 1.8)),
                angle_deg=float(rng.uniform(2, 20)),
            )
        )
    return Light(
        name=str(rng.choice(HDRIS)),
        rotation_deg=float(rng.uniform(0, 360)),
        strength=float(rng.uniform(0.6, 1.0)),
        lamps=lamps,
    )


def _background(config: RunConfig, rng: np.random.Generator) -> Background:
    shares = config.render.backgrounds.model_dump()
    kind = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
    rgb, below = ([int(v) for v in rng.integers(70, 226, 3)] for _ in range(2))
    return Background.model_validate({"kind": kind, "rgb": rgb, "rgb_below": below if kind == "gradient" else rgb})
