"""What a run plans: shards with their objects and motions, and the cameras and pairs of each visit.

Every random draw comes from `generator(seed, uid, purpose, index)`, so the order of work, the number of
workers and the machine never matter.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from viewpoint100k.config import BUNDLED, PlanConfig, RunConfig
from viewpoint100k.geometry.cameras import look_at, position_on_sphere
from viewpoint100k.identity import Code
from viewpoint100k.motions import (
    SETS,
    Camera,
    Overturn,
    backwards,
    base_camera,
    carry_out,
    carry_out_set,
    distance_at,
    does,
    event_of,
    in_frame,
    lens_and_distance,
    lens_before,
)
from viewpoint100k.records import (
    OBJECT_RADIUS,
    STANDING,
    Backdrop,
    Background,
    EventKind,
    Lamp,
    Light,
    Location,
    Panorama,
    PlaceSort,
    PlannedPair,
    PlannedView,
    Record,
    ScenePlan,
    SourceObject,
    Split,
    ViewSet,
)
from viewpoint100k.scenes.catalogue import noun_of, size_m

# The panoramas that ship inside the bpy wheel. Each belongs to one split, the same in all datasets: what a
# model has memorised of a training panorama is of no use in the test split of any dataset.
HDRIS: dict[Split, tuple[str, ...]] = {
    "train": ("city", "forest", "interior", "night", "sunrise", "sunset"),
    "validation": ("studio",),
    "test": ("courtyard",),
}
# one probe every 30 degrees reveals symmetries of order 2, 3, 4, 6 and 12
PROBES = 12
PROBE_HFOV_DEG = 40.0
KNOWN_TRIES = 3  # for each existing camera: a search costs a millisecond, one more view hundreds of them
NEW_BASES = 24  # new first cameras that are tried if no existing one will do
# backgrounds that show the surroundings which light the object
SHOWN: tuple[Backdrop, ...] = ("hdri", "blurred", *STANDING)
# objects up to these sizes stand on a table, or on the floor of a room; larger ones stand in a yard
ON_A_TABLE_M = 0.6
IN_A_ROOM_M = 1.8
LARGE_FURNITURE = {"sofa", "bed", "table", "desk", "wardrobe", "cabinet", "piano", "bookcase", "bathtub"}
SCENE_M = 0.8  # size taken for a scene of several objects, whose sizes are brought near to each other
# least elevation of a camera: the ground may lie just below the middle of a flat object
ABOVE_GROUND_DEG = 3.0
# lamps are stronger by this factor where the object stands on something, so that its shadow shows
STANDING_LAMPS = 2.6
PLACE_LIGHT = 0.55  # and the light from the walls of a procedural place is weaker by this one
CLEARANCE = 0.5  # between the outermost camera and what surrounds it, in world units
SEED_CLASSES = 8  # the remainder of a place's seed says which split the place belongs to
SEEDS_OF: dict[Split, tuple[int, ...]] = {"train": (0, 1, 2, 3, 4, 5), "validation": (6,), "test": (7,)}


class Shard(Record):
    """The unit of work: the pairs that one call of `render_shard` makes, and the objects that they show."""

    number: int
    split: Split
    name: str
    motions: list[str]  # one code for each pair
    objects: list[str]  # uids in the order in which they are visited; the last are reserves
    # in a run that has grown: the values when this shard was planned; empty or 0: those of the plan
    config_hash: str = ""
    pairs_per_object: int = 0
    first_round: int = Field(default=0, description="of visits: views of earlier rounds are in older shards")


class Selection(Record):
    """How the objects of a run were chosen among those of its source."""

    sha256: str = Field(
        default="", description="of the settings, the files that they name, and what was chosen"
    )
    files: dict[str, str] = Field(default={}, description="sha256 of each file, by its setting")
    steps: list[tuple[str, int]] = Field(
        default=[], description="how many objects are left after each filter"
    )


class Plan(Record):
    """Everything that `render-shard` needs in addition to the configuration."""

    config_hash: str
    pairs: int = Field(
        default=0,
        description="that it is for: of a run that lost some before it grew, fewer than its shards planned; "
        "0: as many",
    )
    pairs_per_object: int
    objects: list[SourceObject]
    shards: list[Shard]
    selection: Selection = Selection()
    panoramas: dict[Split, list[Panorama]] = Field(
        default={}, description="of the user's own, by the only split that shows them"
    )
    code: Code = Field(
        default=Code(), description="that planned the run, and makes its shards unless it is replaced"
    )

    @property
    def size(self) -> int:
        """How many pairs the plan is for."""
        return self.pairs or sum(len(shard.motions) for shard in self.shards)

    def hash_of(self, shard: Shard) -> str:
        """The hash of the settings that a shard was planned with."""
        return shard.config_hash or self.config_hash

    def pairs_per_object_of(self, shard: Shard) -> int:
        """How many pairs a shard makes in one visit to an object."""
        return shard.pairs_per_object or self.pairs_per_object


Around = tuple[str, Panorama | None]  # the name of the surroundings, and the panorama if it is the user's own


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """The random generator of one purpose: the same on every machine, independent of all other purposes."""
    digest = hashlib.sha256("\0".join(map(str, (seed, *names))).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


# --- the views of one visit ---------------------------------------------------------------------


def plan_views(
    config: RunConfig,
    thing: SourceObject,
    round_: int,
    motions: Sequence[str],
    split: Split = "train",
    panoramas: Sequence[Panorama] = (),
) -> ViewSet:
    """The cameras of one visit to one object, and the pairs they make.

    Args:
        motions: codes of the pairs that are wanted. A code for which no cameras are found is left out.
        split: the split whose surroundings are shown.
        panoramas: the user's own panoramas that belong to that split.

    A pair reuses the views of another pair in the opposite order if they fit its code. Otherwise it adds one
    camera, if an existing camera can be its first or its second view, and two cameras if not. No view is in
    more than `plan.pairs_per_view` pairs.
    """
    uid = thing.record.uid
    rng = generator(config.seed, uid, "views", round_)
    scene, motions = _scene_plan(config, thing, round_, motions)
    light_rng = generator(config.seed, uid, "light", round_)
    background = _background(config, light_rng)
    cameras, states, made = _arrange(_above_ground(config, background), motions, rng)
    if background.kind in STANDING:
        place = _location(
            background.kind, thing, split, cameras, generator(config.seed, uid, "place", round_)
        )
        background = background.model_copy(update={"place": place})
    lights = _lights(config, background, _surroundings(config, split, panoramas), light_rng)
    light_of = light_rng.permutation(np.arange(len(cameras)) % len(lights))
    return ViewSet(
        object=thing,
        round=round_,
        views=list(map(_planned_view, cameras, light_of, states)),
        probes=probe_ring(config.plan, _azimuth_deg(cameras[0]) if cameras else 0.0),
        pairs=made,
        lights=lights,
        background=background,
        scene=scene,
    )


def _azimuth_deg(camera: Camera) -> float:
    """Azimuth of a camera about the object in degrees, counter-clockwise from +X."""
    x, y, _ = camera.position
    return float(np.degrees(np.arctan2(y, x)))


def _planned_view(camera: Camera, light: np.integer[Any], state: int) -> PlannedView:
    return PlannedView(
        world_from_camera=camera.world_from_camera.tolist(),
        hfov_deg=float(np.asarray(camera.hfov_deg)),
        light=int(light),
        state=state,
    )


def _lights(
    config: RunConfig, background: Background, around: Sequence[Around], rng: np.random.Generator
) -> list[Light]:
    """The light of a visit; sometimes there are two, which views take in turn. Visible surroundings stay."""
    lights = [_light(config, background, around, rng)]
    if rng.random() < config.render.relit_share:
        other = _light(config, background, around, rng)
        if background.kind in SHOWN:
            same = {name: getattr(lights[0], name) for name in ("name", "panorama", "rotation_deg")}
            other = other.model_copy(update=same)
        lights.append(other)
    return lights


def _scene_plan(
    config: RunConfig, thing: SourceObject, round_: int, motions: Sequence[str]
) -> tuple[ScenePlan | None, list[str]]:
    """How a scene is laid out in one visit, and the codes that fit it: one visit has one kind of event."""
    settings = config.plan.scenes
    if settings is None or not thing.parts:
        return None, list(motions)
    wanted = Counter(event_of(code) for code in motions if event_of(code))
    event: EventKind | None = wanted.most_common(1)[0][0] if wanted else None
    plan = ScenePlan(
        seed=int(generator(config.seed, thing.record.uid, "places", round_).integers(2**53)),
        gap=settings.gap,
        largest_over_smallest=settings.largest_over_smallest,
        event=event,
        move=[settings.move.low, settings.move.high],
        turn_deg=[settings.turn_deg.low, settings.turn_deg.high],
    )
    return plan, [code for code in motions if event_of(code) in (None, event)]


class _Arranged(NamedTuple):
    """The cameras of a visit that were found so far."""

    cameras: list[Camera]
    states: list[int]  # the state of the scene that each camera sees
    made: list[PlannedPair]

    def add(self, camera: Camera, state: int = 0) -> int:
        """Add a camera; returns its number."""
        self.cameras.append(camera)
        self.states.append(state)
        return len(self.cameras) - 1


def _arrange(config: RunConfig, motions: Sequence[str], rng: np.random.Generator) -> _Arranged:
    """Cameras that see the object, the scene state that each of them sees, and pairs with the wanted motions.

    The object's apparent size and the lens are drawn before any motion is looked at, so that they give no
    hint of it. A motion that finds no cameras that way is tried once more with the object at its smallest.
    """
    settings = config.plan
    hfov_deg, distance = lens_and_distance(settings, rng)
    farthest = distance_at(settings.half_angle_deg.low)
    arranged = _Arranged([], [], [])
    for whole_code in motions:
        arrange = _arrange_set if whole_code in SETS else _arrange_pair
        for away in (distance, farthest):
            if arrange(config, whole_code, away, hfov_deg, arranged, rng):
                break
    return arranged


def _arrange_pair(
    config: RunConfig,
    whole_code: str,
    distance: float,
    hfov_deg: float,
    arranged: _Arranged,
    rng: np.random.Generator,
) -> bool:
    """Add one camera that makes a pair with an existing one, or two new ones; False if none were found."""
    settings = config.plan
    code = whole_code.partition("/")[0]
    event = event_of(whole_code)
    if (turned := _turned_around(config, whole_code, arranged.cameras, arranged.made)) is not None:
        arranged.made.append(turned)
        return True
    tries = [*_reusable(settings, arranged, event, rng) * KNOWN_TRIES, *[None] * NEW_BASES]
    twin = bool(rng.random() < settings.both_orders) and not event
    # drawn before any camera is looked at, so that turning too far, for which there is less room, is as
    # frequent as not turning far enough
    drawn = Overturn.drawn(rng)
    ways = [(True, drawn), (False, drawn), (False, None)] if event is None else [(False, None)]
    for (both_ways, overturn), known in product(ways, tries):
        forth = bool(rng.random() < 0.5)
        if known is None:
            lens_deg = lens_before(code, hfov_deg, settings, known_is_first=forth)
            camera = base_camera(settings, distance, lens_deg, rng)
        else:
            camera = arranged.cameras[known]
        if not in_frame(camera):
            continue
        how = {"known_is_first": forth, "both_ways": both_ways}
        partner = carry_out(code, camera, settings, config.gates, rng, **how, overturn=overturn)
        if partner is None:
            continue
        base = arranged.add(camera) if known is None else known
        other = arranged.add(partner, state=1 - arranged.states[base] if event else 0)
        first, second = (base, other) if forth else (other, base)
        pair = PlannedPair(first=first, second=second, motion=code, both_orders=twin, event=event)
        arranged.made.append(pair)
        return True
    return False


def _reusable(
    settings: PlanConfig, arranged: _Arranged, event: EventKind | None, rng: np.random.Generator
) -> list[int]:
    """The numbers of the cameras that may be in one more pair, in random order.

    A pair without an event takes only cameras that see the scene's first state, in which no object is
    missing.
    """
    used = Counter(view for pair in arranged.made for view in pair.views)
    return [
        int(i)
        for i in rng.permutation(len(arranged.cameras))
        if used[int(i)] < settings.pairs_per_view and (event or arranged.states[int(i)] == 0)
    ]


def _turned_around(
    config: RunConfig, code: str, cameras: Sequence[Camera], made: Sequence[PlannedPair]
) -> PlannedPair | None:
    """An existing pair in the opposite order, if it fits the code and both of its views may be reused."""
    orders = {(pair.first, pair.second) for pair in made}
    used = Counter(view for pair in made for view in pair.views)
    for pair in made:
        first = pair.second
        second = pair.first
        if pair.event or pair.both_orders or pair.more or (first, second) in orders:
            continue
        if max(used[first], used[second]) >= config.plan.pairs_per_view or backwards(code) != pair.motion:
            continue
        if does(code, cameras[first], cameras[second], config.gates):
            return PlannedPair(first=first, second=second, motion=code)
    return None


def _arrange_set(
    config: RunConfig,
    code: str,
    distance: float,
    hfov_deg: float,
    arranged: _Arranged,
    rng: np.random.Generator,
) -> bool:
    """Add the four cameras of one set; False if none were found."""
    for _ in range(NEW_BASES):
        cameras = carry_out_set(code, base_camera(config.plan, distance, hfov_deg, rng), config.plan, rng)
        if cameras is not None:
            first, second, *more = (arranged.add(camera) for camera in cameras)
            arranged.made.append(PlannedPair(first=first, second=second, more=more, motion=code))
            return True
    return False


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


def _above_ground(config: RunConfig, background: Background) -> RunConfig:
    """Settings that keep every camera above the surface that the object stands on, if it is visible."""
    lowest_deg = max(config.plan.lowest_deg, ABOVE_GROUND_DEG)
    if background.kind not in STANDING or lowest_deg == config.plan.lowest_deg:
        return config
    return config.model_copy(update={"plan": config.plan.model_copy(update={"lowest_deg": lowest_deg})})


def _surroundings(config: RunConfig, split: Split, panoramas: Sequence[Panorama]) -> list[Around]:
    """The panoramas that may surround the objects of a split: bundled ones by name, and the user's own.

    A split to which no panorama of the user's own belongs has the bundled ones.
    """
    own: list[Around] = [(panorama.record.uid, panorama) for panorama in panoramas]
    if own and BUNDLED not in config.render.surroundings:
        return own
    return [*((name, None) for name in HDRIS[split]), *own]


def _light(
    config: RunConfig,
    background: Background,
    around: Sequence[Around],
    rng: np.random.Generator,
) -> Light:
    """Surroundings turned about the vertical, and one or two suns: in the world, or fixed to the camera."""
    lamps = []
    on_camera = rng.random() < config.render.camera_lamp_share
    brightness = STANDING_LAMPS if background.kind in STANDING else 1.0
    for _ in range(int(rng.integers(1, 3))):
        if on_camera:
            aside = rng.uniform(-0.6, 0.6)
            up = rng.uniform(-0.2, 0.8)
            towards = np.array([aside, -up, -1.0]) / np.linalg.norm([aside, up, 1.0])  # behind the camera
        else:
            azimuth = rng.uniform(0, 2 * np.pi)
            height = rng.uniform(0.35, 0.9)
            towards = np.append(np.sqrt(1 - height**2) * np.array([np.cos(azimuth), np.sin(azimuth)]), height)
        lamps.append(
            Lamp(
                direction=[float(v) for v in towards],
                frame="camera" if on_camera else "world",
                strength=float(brightness * rng.uniform(0.6, 1.8)),
                angle_deg=float(rng.uniform(2, 20)),
            )
        )
    name, panorama = around[int(rng.integers(len(around)))]
    if background.kind == "place" and background.place is not None:
        name = f"{background.place.sort}-{background.place.seed:x}"
        panorama = None
    return Light(
        name=name,
        panorama=panorama,
        rotation_deg=float(rng.uniform(0, 360)) if background.kind != "place" else 0.0,
        # one of few strengths, because the appearance of an HDRI is cached for each strength
        strength=float(rng.integers(6, 11)) / 10 * (PLACE_LIGHT if background.kind == "place" else 1.0),
        lamps=lamps,
    )


def _background(config: RunConfig, rng: np.random.Generator) -> Background:
    shares = config.render.backgrounds.model_dump()
    kind = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
    rgb, below = ([int(v) for v in rng.integers(70, 226, 3)] for _ in range(2))
    return Background.model_validate(
        {"kind": kind, "rgb": rgb, "rgb_below": below if kind == "gradient" else rgb}
    )


def _stands_in(thing: SourceObject, metres: float) -> PlaceSort:
    """Where such an object stands, by its size and by what it is."""
    if metres <= ON_A_TABLE_M:
        return "table"
    indoors = metres <= IN_A_ROOM_M or noun_of(thing.record) in LARGE_FURNITURE
    return "room" if indoors else "yard"


def _location(
    kind: Backdrop, thing: SourceObject, split: Split, cameras: Sequence[Camera], rng: np.random.Generator
) -> Location:
    """The place where an object stands, with room for the cameras around it.

    The seeds of the splits have different remainders, so that no place is in two splits of any dataset.
    """
    metres = SCENE_M if thing.parts else size_m(thing.record)
    sort: PlaceSort = "dome"
    if kind == "place":
        sort = _stands_in(thing, metres)
    positions = np.array([camera.position for camera in cameras] or [np.array([2.0, 0.0, 1.0])])
    remainders = SEEDS_OF[split]
    remainder = remainders[int(rng.integers(len(remainders)))]
    return Location(
        sort=sort,
        seed=int(rng.integers(2**53 // SEED_CLASSES - 1)) * SEED_CLASSES + remainder,
        metres_per_unit=float(metres),
        clear_radius=round(float(np.linalg.norm(positions[:, :2], axis=1).max()) + CLEARANCE, 6),
        clear_height=round(float(positions[:, 2].max()) + CLEARANCE, 6),
    )
