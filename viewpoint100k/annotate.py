"""What was rendered -> the truth of each pair, in both orders, and the reason where a pair is not used.

Everything comes from the poses read back from the renderer and from its depth and albedo, nothing from the plan. Only
`promising` looks at planned poses: it saves pictures of pairs that could not be asked about anyway.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.geometry.points import Tracked, landmarks, lens_or_place, side_shares, track
from viewpoint100k.geometry.relations import Motion, motion
from viewpoint100k.geometry.rotations import Array, wrap_deg, wrapped_deg
from viewpoint100k.geometry.visibility import Capture, Surface, covisible_fraction, look_differences, merge, surface
from viewpoint100k.motions import SETS, family_of
from viewpoint100k.quality import SYMMETRIC, Drop, Portrait, RenderedView, picture_difference, view_problem
from viewpoint100k.records import (
    OBJECT_RADIUS,
    Decidability,
    ObjectRecord,
    PlannedPair,
    PlannedView,
    Scene,
    ScenePart,
    Seen,
    SurfacePoint,
    Truth,
    View,
    ViewSet,
    Visible,
    matrix,
)
from viewpoint100k.scenes.labels import Shot, describe, event_between, scene_of, scene_problem
from viewpoint100k.scenes.placement import Layout

# what a wrong answer would have meant where there was no such motion
WHEN_STILL = {"move": 0.3, "rotation": 15.0, "azimuth": 20.0, "tilt": 12.0, "ratio": 1.3}
# what the exact form finds over the cheap one, at the median: benchmarks/counterfactual.py
EXACT_OVER_CHEAP = 1.5
POINTS = 250  # of an object that are compared: enough for its looks to differ or not
POINTS_KEPT = 10  # of each view's surface, with a sample
VISIBLE: dict[int, Visible] = {1: "yes", -1: "no", 0: "unclear"}
_POINTS = TypeAdapter(list[SurfacePoint])  # all of a sample's at once: checked in one go
UPRIGHT, EYE = (0.0, 0.0, 1.0), np.eye(3)
BENEFIT_OF_DOUBT = 0.7  # small probes tell less than full pictures


UNDECIDABLE = "undecidable pairs (the object looks the same from elsewhere)"


class Candidate(NamedTuple):
    """A usable pair or set of views and its truth."""

    planned: PlannedPair
    views: list[View]
    truth: Truth
    decidability: Decidability
    decidability_reversed: Decidability | None
    seen: Seen
    scene: Scene | None = None


class SceneNow(NamedTuple):
    """A scene as it was rendered in one visit."""

    layout: Layout
    parts: list[ScenePart]  # in all states
    shots: dict[int, Shot]  # pictures by the number of the view
    probes: list[Shot]


def scene_now(
    view_set: ViewSet,
    rendered: Mapping[int, RenderedView],
    probes: Sequence[RenderedView],
    layout: Layout,
    parts: Sequence[int],
    records: Mapping[int, ObjectRecord],
) -> SceneNow:
    """What was rendered of a scene, with its objects' names.

    Args:
        parts: numbers of the scene's objects that are in it.
        records: of their files as fetched, by number.
    """
    shots = {
        number: Shot(view_set.views[number].state, one.view, one.capture, _index(one), one.solo, one.hidden_by)
        for number, one in rendered.items()
    }
    around = [Shot(0, one.view, one.capture, _index(one), (), ()) for one in probes]
    sources = [view_set.object.parts[number] for number in parts]
    described = describe(sources, [records[number] for number in parts], layout, list(shots.values()))
    return SceneNow(layout, described, shots, around)


def _index(view: RenderedView) -> NDArray[np.uint8]:
    assert view.part_index is not None, "a view of a scene has the renderer's object index"
    return view.part_index


def promising(
    view_set: ViewSet, portrait: Portrait, probes: Sequence[RenderedView], gates: GateConfig
) -> tuple[list[PlannedPair], list[Drop]]:
    """The planned pairs that are worth full pictures: their wrong answers would look different, as far as probes tell."""
    captures = [probe.capture for probe in probes]
    azimuths = np.array([_azimuth(one.world_from_camera) for one in captures])
    poses = [matrix(view.world_from_camera) for view in view_set.views]
    moved_of = _motions(poses, [(one.first, one.second) for one in view_set.pairs])
    worth, drops = [], []
    for planned, moved in zip(view_set.pairs, moved_of, strict=True):
        away = np.abs(wrap_deg(np.degrees(azimuths - _azimuth(poses[planned.second]))))
        nearest = captures[int(np.argmin(away))]
        found = differences(portrait.cloud, nearest, wrong_looks(poses[planned.first], moved, gates))
        found |= dict.fromkeys(_beyond(portrait), 0.0)
        best = max(found[name] for name in moving(planned.motion))
        if planned.event or best >= BENEFIT_OF_DOUBT * gates.min_decidability:
            worth.append(planned)
        else:
            why = f"by its probes, no wrong answer would change the picture by more than {best:.3f}"
            drops.append(Drop(UNDECIDABLE, f"{family_of(planned.motion)}: {why}"))
    return worth, drops


def _azimuth(world_from_camera: Array) -> float:
    """Of a camera about the object, in radians."""
    return float(np.arctan2(world_from_camera[1, 3], world_from_camera[0, 3]))


def _motions(poses: Sequence[Array] | Mapping[int, Array], orders: Sequence[tuple[int, int]]) -> list[Motion]:
    """The motion from one numbered pose to another, for all of them in one batch."""
    if not orders:
        return []
    moved = motion(*(np.stack([poses[number] for number in numbers]) for numbers in zip(*orders, strict=True)))
    return [Motion(*(part[i] for part in moved)) for i in range(len(orders))]


def _beyond(portrait: Portrait) -> tuple[str, ...]:
    """What cannot be told of an object that looks the same after every turn about the vertical."""
    symmetric = portrait.problem is not None and portrait.problem.kind == SYMMETRIC
    return ("translation", "rotation", "azimuth") if symmetric else ()


def moving(code: str) -> list[str]:
    """What is asked of a motion beside "none": the keys of `wrong_looks` that go with its signs."""
    of_sign = (
        ("translation", "azimuth"),
        ("vertical", "elevation"),
        ("forward", "distance"),
        ("rotation",),
        ("pitch",),
        ("roll",),
    )
    if code in SETS:
        return ["azimuth"]
    found = [name for sign, names in zip(code, of_sign, strict=False) if sign in "+-" for name in names]
    return found or [name for names in of_sign for name in names]


class Counterfactuals:
    """The views that wrong answers imply, to be really rendered: small, aimed at the object, for a sample of objects.

    `views` are what to render; `differences` of what came back is the exact form of what `decide` estimates.
    """

    def __init__(self, view_set: ViewSet, gates: GateConfig) -> None:
        self.views: list[PlannedView] = []
        self._place: dict[tuple[int, float], int] = {}
        self._turns: dict[tuple[int, int, str], list[float]] = {}
        self._poses = [matrix(view.world_from_camera) for view in view_set.views]
        for planned in view_set.pairs:
            first, second = planned.first, planned.second
            moved = motion(self._poses[first], self._poses[second])
            for name, turns in _wrong_turns_deg(
                self._poses[first], moved, self._poses[second][:3, 3].tolist(), gates
            ).items():
                self._turns[first, second, name] = [round(turn, 3) for turn in turns]
                for turn in (0.0, *self._turns[first, second, name]):
                    self._plan(second, turn)

    def _plan(self, second: int, turn_deg: float) -> None:
        """The second camera, where it would stand if the object were not turned but everything else were."""
        if (second, turn_deg) in self._place:
            return
        c, s = np.cos(np.radians(-turn_deg)), np.sin(np.radians(-turn_deg))
        position = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ self._poses[second][:3, 3]
        hfov_deg = 2 * np.degrees(np.arcsin(min(OBJECT_RADIUS / float(np.linalg.norm(position)), 0.9)))
        self._place[second, turn_deg] = len(self.views)
        self.views.append(
            PlannedView(world_from_camera=look_at(position, np.zeros(3)).tolist(), hfov_deg=float(hfov_deg))
        )

    def differences(self, rendered: Sequence[RenderedView]) -> dict[tuple[int, int, str], float]:
        """For each ordered pair and each thing that is asked: how different the nearest wrong answer's view is."""
        captures = [view.capture for view in rendered]

        def difference(second: int, turn_deg: float) -> float:
            return picture_difference(captures[self._place[second, 0.0]], captures[self._place[second, turn_deg]])

        return {key: min(difference(key[1], turn) for turn in turns) for key, turns in self._turns.items()}


def annotate(
    view_set: ViewSet,
    rendered: Mapping[int, RenderedView],
    portrait: Portrait,
    gates: GateConfig,
    exact: Mapping[tuple[int, int, str], float] | None = None,
    scene: SceneNow | None = None,
) -> tuple[list[Candidate], list[Drop]]:
    """The usable pairs of one view set, and why the others are not usable.

    Args:
        rendered: views by their number in the plan; a pair that lacks one is not looked at.
        portrait: what the object looks like where none of the views has seen it.
        exact: `Counterfactuals.differences`, where they were rendered: the smaller of both decides.
        scene: of several objects, where that was rendered; then `rendered` and `portrait` are without the one that changes.

    Returns:
        Candidates in the order of the plan, and each view or pair that was dropped.
    """
    bad = {number: problem for number, view in rendered.items() if (problem := view_problem(view, gates))}
    drops = list(bad.values())
    captures = {number: view.capture for number, view in rendered.items() if number not in bad}
    surfaces = {number: surface(one) for number, one in captures.items()}
    parts = [one.every(len(one.points) // POINTS) for one in surfaces.values()]
    cloud = _thin(merge([portrait.cloud, *parts]))
    marks = dict(zip(surfaces, landmarks(list(captures.values()), list(surfaces.values()), POINTS_KEPT), strict=True))
    pairs = [one for one in view_set.pairs if all(view in captures for view in one.views)]
    poses = {number: one.world_from_camera for number, one in captures.items()}
    candidates = []
    there = _motions(poses, [(one.first, one.second) for one in pairs])
    back = _motions(poses, [(one.second, one.first) for one in pairs])
    followed = track(
        [(captures[one.first], captures[one.second]) for one in pairs],
        [merge([marks[one.first], marks[one.second]]) for one in pairs],
    )
    for planned, moved, moved_back, tracked in zip(pairs, there, back, followed, strict=True):
        first, second = planned.first, planned.second
        mine = [captures[view] for view in planned.views]
        if stays(moved.translation.tolist(), gates):  # what one camera sees from there, the other sees too
            tracked = tracked._replace(visible=np.maximum(tracked.visible, 0))
        seen = _seen(mine, [surfaces[i] for i in planned.views], cloud, tracked, view_set.object.front_azimuth_deg)
        shared = seen.covisible_fraction[0][1]
        if shared < gates.min_covisible_fraction and planned.motion not in SETS:
            why = f"the views share {shared:.2f} of the surface, less than {gates.min_covisible_fraction}"
            drops.append(Drop("pairs with too little in common", f"{family_of(planned.motion)}: {why}"))
            continue
        views = [rendered[view].view for view in planned.views]
        found_scene = None
        if scene is not None:
            found_scene = _scene(planned, scene, gates)
            if (unfit := scene_problem(found_scene, gates)) is not None:
                drops.append(Drop("views of scenes that show too little", f"{family_of(planned.code)}: {unfit}"))
                continue
        truth = _truth(moved, views[0], views[1], shared, view_set.object.front_azimuth_deg)
        found = decide(cloud, mine[0], mine[1], moved, gates)
        for name in found:
            found[name] = min(found[name], (exact or {}).get((first, second, name), 1.0))
        decidability = _decidability(found, cloud, mine[1], truth, portrait)
        other_way = None
        if planned.both_orders:
            reversed_truth = _truth(moved_back, views[1], views[0], shared, view_set.object.front_azimuth_deg)
            found = decide(cloud, mine[1], mine[0], moved_back, gates)
            other_way = _decidability(found, cloud, mine[0], reversed_truth, portrait)
        candidates.append(Candidate(planned, views, truth, decidability, other_way, seen, found_scene))
    return candidates, drops


def _thin(cloud: Surface) -> Surface:
    """At most `POINTS` of an object, side by side in memory."""
    return merge([cloud.every(math.ceil(len(cloud.points) / POINTS))])


def _scene(planned: PlannedPair, now: SceneNow, gates: GateConfig) -> Scene:
    shots = [now.shots[view] for view in planned.views]
    event = None
    if planned.event is not None:
        event = event_between(shots[0], shots[1], [*now.shots.values(), *now.probes], now.layout)
    return scene_of(now.parts, now.layout.ground, shots, gates, event)


def _decidability(
    found: Mapping[str, float], cloud: Surface, second: Capture, truth: Truth, portrait: Portrait
) -> Decidability:
    """What was found, with what the lens or a mirror could have done, within 0..1."""
    perspective = lens_or_place(
        cloud.points[::3], second.world_from_camera, second.intrinsics, truth.distance_ratio, truth.focal_ratio
    )
    every = {**found, "perspective": perspective, "chirality": EXACT_OVER_CHEAP * portrait.chirality}
    every |= dict.fromkeys(_beyond(portrait), 0.0)
    return Decidability(**{name: round(min(max(float(value), 0.0), 1.0), 6) for name, value in every.items()})


def _seen(
    captures: Sequence[Capture], surfaces: Sequence[Surface], cloud: Surface, tracked: Tracked, front: float | None
) -> Seen:
    """What depth tells of a sample's views; `tracked` is seen by the first two."""
    count = len(captures)
    shared, different = np.eye(count), np.zeros((count, count))
    for i in range(count):
        for j in range(i):
            shared[i, j] = shared[j, i] = covisible_fraction(captures[i], captures[j], surfaces[i], surfaces[j])
    places = [capture.world_from_camera[:3, 3] for capture in captures]
    around, up = [math.degrees(math.atan2(p[1], p[0])) for p in places], [_elevation_deg(p) for p in places]
    other_side = np.zeros(0)
    if count > 2:
        for i in range(count):
            different[i] = _unlike(cloud, captures[i], around[i], up[i], around, up)
        mirrored = [2 * around[0] - angle for angle in around]
        other_side = np.array(
            [_unlike(cloud, captures[i], around[i], up[i], [mirrored[i]], [up[i]])[0] for i in range(count)]
        )
    sides = []
    if front is not None:
        sides = [side_shares(s, c.world_from_camera, front) for s, c in zip(surfaces, captures, strict=True)]
    return Seen(
        covisible_fraction=_rounded(shared),
        difference=_rounded(different),
        other_side=_rounded(other_side),
        sides=_rounded(np.array(sides)) if sides else [],
        points=_points(tracked),
    )


def _unlike(
    cloud: Surface, capture: Capture, azimuth: float, height: float, azimuths: Sequence[float], heights: Sequence[float]
) -> Array:
    """(n,) how different the object looks to a camera from what others, elsewhere about it, would see in its place.

    Args:
        azimuth: of the camera, and
        height: its elevation, in degrees, as are those of the others.
    """
    here = math.radians(azimuth)
    across = (-math.sin(here), math.cos(here), 0.0)
    # a camera further around sees the object turned back, one that is higher sees it tipped down
    back = _turned([(UPRIGHT, azimuth - other) for other in azimuths])
    down = _turned([(across, other - height) for other in heights])
    found, *others = EXACT_OVER_CHEAP * look_differences(cloud, capture, np.array([EYE, *(down @ back)]))
    return np.asarray(np.clip(np.nan_to_num(np.array(others) - found), 0, 1))


def stays(translation: Sequence[float], gates: GateConfig) -> bool:
    """Whether a camera is where it was, so that nothing is hidden or revealed, whichever way it turned."""
    return max(map(abs, translation)) <= gates.truck_grey.low


def _points(tracked: Tracked) -> list[SurfacePoint]:
    worlds, pixels = _rounded(tracked.points, 5), _rounded(tracked.pixels.swapaxes(0, 1), 2)
    albedos, states = _rounded(tracked.albedo, 3), tracked.visible.T.tolist()
    return _POINTS.validate_python(
        [
            {"world": world, "pixels": pixel, "visible": [VISIBLE[state] for state in visible], "albedo": albedo}
            for world, pixel, visible, albedo in zip(worlds, pixels, states, albedos, strict=True)
        ]
    )


def _rounded(values: Array, digits: int = 6) -> list[Any]:
    """Nested lists without a machine's last bits, and without -0.0."""
    out: list[Any] = (np.round(values, digits) + 0.0).tolist()
    return out


def make_truth(first: View, second: View, covisible: float, front_azimuth_deg: float | None) -> Truth:
    """The published truth of two views.

    Raises:
        InputError: a pose is not rigid.
    """
    moved = motion(matrix(first.world_from_camera), matrix(second.world_from_camera))
    return _truth(moved, first, second, covisible, front_azimuth_deg)


def _truth(moved: Motion, first: View, second: View, covisible: float, front_azimuth_deg: float | None) -> Truth:
    """Rounded to a millionth, so that it does not depend on a machine's last bits."""

    def rounded(value: Array | float) -> float:
        return round(float(value), 6) + 0.0  # + 0.0 turns -0.0 into 0.0

    return Truth(
        second_from_first=[[rounded(v) for v in row] for row in moved.second_from_first.tolist()],
        translation=[rounded(v) for v in moved.translation.tolist()],
        yaw_deg=rounded(moved.yaw_deg),
        pitch_deg=rounded(moved.pitch_deg),
        roll_deg=rounded(moved.roll_deg),
        azimuth_change_deg=rounded(moved.azimuth_change_deg),
        elevation_change_deg=rounded(moved.elevation_change_deg),
        distance_ratio=rounded(moved.distance_ratio),
        focal_ratio=rounded(second.intrinsics[0][0] / first.intrinsics[0][0]),
        azimuth_deg=rounded(moved.azimuth_deg),
        elevation_deg=rounded(moved.elevation_deg),
        rotation_deg=rounded(moved.rotation_deg),
        covisible_fraction=rounded(covisible),
        front_azimuth_deg=front_azimuth_deg,
    )


def decide(cloud: Surface, first: Capture, second: Capture, moved: Motion, gates: GateConfig) -> dict[str, float]:
    """How much worse the second picture would fit if a wrong answer were true, for each thing that is asked.

    A wrong answer is a camera elsewhere that still has the object where the picture shows it: all that differs is by
    how much the object is turned, or how near it is. What would be seen then is compared with what is seen, on the
    object's own points.
    """
    return differences(cloud, second, wrong_looks(first.world_from_camera, moved, gates))


def differences(cloud: Surface, second: Capture, wrong: Mapping[str, Sequence[Array]]) -> dict[str, float]:
    """The least difference that a wrong answer makes, over what the right one makes; what cannot be judged is 0."""
    looks = np.array([EYE, *(look for looks in wrong.values() for look in looks)])
    values = look_differences(_thin(cloud), second, looks).tolist()
    out, at = {}, 1
    for name, mine in wrong.items():
        least = EXACT_OVER_CHEAP * (min(values[at : at + len(mine)]) - values[0])
        out[name], at = least if math.isfinite(least) else 0.0, at + len(mine)
    return out


def wrong_looks(world_from_first: Array, moved: Motion, gates: GateConfig) -> dict[str, list[Array]]:
    """What the object would look like to the second camera under the wrong answers, for each thing that is asked.

    Args:
        world_from_first: (4, 4) pose of the first camera.
        moved: what the camera really did.

    Returns:
        By name the (3, 3) changes of the object, in world axes, that its wrong answers come to.
    """
    x, y, z = second = _second_place(world_from_first, moved)
    around, here = math.atan2(y, x), math.hypot(x, y, z)
    _, down, ahead = moved.translation.tolist()
    moves, move, tilts, tilt = gates.truck_grey, WHEN_STILL["move"], gates.tilt_grey_deg, WHEN_STILL["tilt"]
    wrong_moves = {1: _wrong(down, moves, move), 2: _wrong(ahead, gates.dolly_grey, move)}
    higher, nearer = _elsewhere(world_from_first, moved, wrong_moves)
    pitched, rolled, raised = float(moved.pitch_deg), float(moved.roll_deg), float(moved.elevation_change_deg)
    ratio = float(moved.distance_ratio)
    if abs(math.log(ratio)) <= math.log(gates.size_grey.low):
        ratio = WHEN_STILL["ratio"]
    elevation_deg = _elevation_deg((x, y, z))
    tipped = {  # a camera so much higher sees the object tipped towards it by so much; a turn about `across` tips it down
        "vertical": [_elevation_deg(place) - elevation_deg for place in higher],
        "pitch": [pitched - wrong for wrong in _wrong(pitched, tilts, tilt)],
        "elevation": [wrong - raised for wrong in _wrong(raised, tilts, tilt)],
    }
    rolls = {"roll": [rolled - wrong for wrong in _wrong(rolled, tilts, tilt)]}
    across = (-math.sin(around), math.cos(around), 0.0)
    line_of_sight = tuple((world_from_first[:3, :3] @ moved.second_from_first[2, :3]).tolist())
    upright = _wrong_turns_deg(world_from_first, moved, second, gates)
    turns = [(axis, angle) for axis, of_name in ((UPRIGHT, upright), (across, tipped), (line_of_sight, rolls))
             for angles in of_name.values() for angle in angles]  # fmt: skip
    looks = iter(_turned(turns))
    out = {name: [next(looks) for _ in angles] for name, angles in (upright | tipped | rolls).items()}
    out["forward"] = [_larger(here / math.hypot(*place) for place in nearer)]
    out["distance"] = [_larger([ratio])]  # had it stayed as far; the other way would differ more
    return out


def _second_place(world_from_first: Array, moved: Motion) -> list[float]:
    """Where in the world the second camera is."""
    position, rotation = world_from_first[:3, 3], world_from_first[:3, :3]
    out: list[float] = (position + math.hypot(*position) * rotation @ moved.translation).tolist()
    return out


def _elsewhere(world_from_first: Array, moved: Motion, wrong: Mapping[int, Sequence[float]]) -> list[list[list[float]]]:
    """Where in the world the second camera would be had it moved otherwise along one axis of the first: for each axis a list."""
    position, rotation = world_from_first[:3, 3], world_from_first[:3, :3]
    ways: list[float] = moved.translation.tolist()
    translations = [[*ways[:axis], one, *ways[axis + 1 :]] for axis, ones in wrong.items() for one in ones]
    places = iter((position + math.hypot(*position) * np.array(translations) @ rotation.T).tolist())
    return [[next(places) for _ in ones] for ones in wrong.values()]


def _wrong(value: float, grey: Range, when_still: float) -> list[float]:
    """What else an answer might say: the opposite or nothing, or either way where there was nothing."""
    return [-when_still, when_still] if abs(value) <= grey.low else [0.0, -value]


def _larger(factors: Iterable[float]) -> Array:
    """The object scaled up by the least of some factors, also where it should be scaled down: that is as different, and
    shows beside the outline."""
    return np.asarray(EYE * min(max(factor, 1 / factor) for factor in factors))


def _turned(turns: Sequence[tuple[tuple[float, ...], float]]) -> Array:
    """(K, 3, 3) rotations about unit axes, by the right hand, each by an angle in degrees."""
    cross = np.array([[[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]] for (x, y, z), _ in turns])
    angles = np.radians([angle for _, angle in turns])[:, None, None]
    return np.asarray(EYE + np.sin(angles) * cross + (1 - np.cos(angles)) * (cross @ cross))


def _elevation_deg(position: Sequence[float] | Array) -> float:
    x, y, z = position
    return math.degrees(math.atan2(z, math.hypot(x, y)))


def _wrong_turns_deg(
    world_from_first: Array, moved: Motion, second: Sequence[float], gates: GateConfig
) -> dict[str, list[float]]:
    """By how much the object would seem turned (counter-clockwise from above) under each wrong answer.

    Args:
        second: where in the world the second camera is.

    Returns:
        For "translation", "rotation" and "azimuth" the turns of their two wrong answers, in degrees.
    """
    x, y, _ = second
    sideways = _wrong(float(moved.translation[0]), gates.truck_grey, WHEN_STILL["move"])
    further = [
        math.degrees(math.atan2(there_y, there_x) - math.atan2(y, x))
        for there_x, there_y, _ in _elsewhere(world_from_first, moved, {0: sideways})[0]
    ]
    yaw, around = float(moved.yaw_deg), float(moved.azimuth_change_deg)
    turned, went = (
        _wrong(yaw, gates.yaw_grey_deg, WHEN_STILL["rotation"]),
        _wrong(around, gates.azimuth_grey_deg, WHEN_STILL["azimuth"]),
    )
    return {
        "translation": [wrapped_deg(-angle) for angle in further],  # who is further around sees the object turned back
        "rotation": [wrapped_deg(wrong - yaw) for wrong in turned],
        "azimuth": [wrapped_deg(around - wrong) for wrong in went],
    }
