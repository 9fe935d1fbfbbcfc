"""Turns what was rendered into the truth of each pair, in both orders, or the reason why it is not used.

Everything is computed from the poses that the renderer reports and from its depth and albedo, nothing from
the plan.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from viewpoint100k.config import GateConfig
from viewpoint100k.decidability import POINTS, decidability_of, decide, thin, unlike
from viewpoint100k.geometry.cameras import elevation_about_origin_deg
from viewpoint100k.geometry.points import Tracked, landmarks, side_shares, track
from viewpoint100k.geometry.relations import Motion, motion, motions_between
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.geometry.visibility import Capture, Surface, covisible_fraction, merge, surface
from viewpoint100k.motions import SETS, family_of
from viewpoint100k.quality import Drop, Portrait, RenderedView, view_problem
from viewpoint100k.records import (
    Decidability,
    ObjectRecord,
    PlannedPair,
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

POINTS_KEPT = 10  # points of each view's surface that are stored with a sample
VISIBLE: dict[int, Visible] = {1: "yes", -1: "no", 0: "unclear"}
_POINTS = TypeAdapter(list[SurfacePoint])  # validates all points of a sample in one call


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
    parts: list[ScenePart]  # the objects in all of the scene's states
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
    """The scene as rendered, with the names of its objects.

    Args:
        parts: numbers of the scene's objects that are in it.
        records: the records of the objects' files as fetched, by number.
    """
    shots = {
        number: Shot(
            view_set.views[number].state,
            probe.view,
            probe.capture,
            _index(probe),
            probe.solo,
            probe.hidden_by,
        )
        for number, probe in rendered.items()
    }
    around = [Shot(0, probe.view, probe.capture, _index(probe), (), ()) for probe in probes]
    sources = [view_set.object.parts[number] for number in parts]
    described = describe(sources, [records[number] for number in parts], layout, list(shots.values()))
    return SceneNow(layout, described, shots, around)


def _index(view: RenderedView) -> NDArray[np.uint8]:
    assert view.part_index is not None, "a view of a scene has the renderer's object index"
    return view.part_index


def annotate(
    view_set: ViewSet,
    rendered: Mapping[int, RenderedView],
    portrait: Portrait,
    gates: GateConfig,
    exact: Mapping[tuple[int, int, str], float] | None = None,
    scene: SceneNow | None = None,
) -> tuple[list[Candidate], list[Drop]]:
    """The usable pairs of one view set, and the reasons why the others are not usable.

    Args:
        rendered: views by their number in the plan; a pair that lacks a view is skipped.
        portrait: the probes' measurements, for the parts of the object that no view has seen.
        exact: `Counterfactuals.differences`, if those views were rendered: the smaller of the two values
            decides.
        scene: the scene, if several objects were rendered; `rendered` and `portrait` then lack the object
            that changes.

    Returns:
        Candidates in the order of the plan, and each view or pair that was dropped.
    """
    bad = {number: problem for number, view in rendered.items() if (problem := view_problem(view, gates))}
    captures = {number: view.capture for number, view in rendered.items() if number not in bad}
    visit = _Visit(view_set, rendered, captures, portrait, gates, exact or {}, scene)
    surfaces = {number: surface(capture) for number, capture in captures.items()}
    parts = [seen.every(len(seen.points) // POINTS) for seen in surfaces.values()]
    cloud = thin(merge([portrait.cloud, *parts]))
    kept = landmarks(list(captures.values()), list(surfaces.values()), POINTS_KEPT)
    marks = dict(zip(surfaces, kept, strict=True))
    pairs = [pair for pair in view_set.pairs if all(view in captures for view in pair.views)]
    poses = {number: capture.world_from_camera for number, capture in captures.items()}
    there = motions_between(poses, [(pair.first, pair.second) for pair in pairs])
    back = motions_between(poses, [(pair.second, pair.first) for pair in pairs])
    both = [(captures[pair.first], captures[pair.second]) for pair in pairs]
    followed = track(both, [merge([marks[pair.first], marks[pair.second]]) for pair in pairs])
    found = [
        _candidate(visit, planned, moved, moved_back, tracked, surfaces, cloud)
        for planned, moved, moved_back, tracked in zip(pairs, there, back, followed, strict=True)
    ]
    dropped = [result for result in found if isinstance(result, Drop)]
    return [result for result in found if not isinstance(result, Drop)], [*bad.values(), *dropped]


class _Visit(NamedTuple):
    """What is the same for all pairs of one visit to an object."""

    view_set: ViewSet
    rendered: Mapping[int, RenderedView]
    captures: Mapping[int, Capture]  # of the usable views
    portrait: Portrait
    gates: GateConfig
    exact: Mapping[tuple[int, int, str], float]
    scene: SceneNow | None


def _candidate(
    visit: _Visit,
    planned: PlannedPair,
    moved: Motion,
    moved_back: Motion,
    tracked: Tracked,
    surfaces: Mapping[int, Surface],
    cloud: Surface,
) -> Candidate | Drop:
    """One pair with its truth, or the reason why it is not used."""
    gates = visit.gates
    front = visit.view_set.object.front_azimuth_deg
    mine = [visit.captures[view] for view in planned.views]
    if stays(moved.translation.tolist(), gates):  # two cameras at one place see the same surface
        tracked = tracked._replace(visible=np.maximum(tracked.visible, 0))
    seen = _seen(mine, [surfaces[view] for view in planned.views], cloud, tracked, front)
    shared = seen.covisible_fraction[0][1]
    if shared < gates.min_covisible_fraction and planned.motion not in SETS:
        why = f"the views share {shared:.2f} of the surface, less than {gates.min_covisible_fraction}"
        return Drop("pairs with too little in common", f"{family_of(planned.motion)}: {why}")
    views = [visit.rendered[view].view for view in planned.views]
    scene = None
    if visit.scene is not None:
        scene = _scene(planned, visit.scene, gates)
        if (unfit := scene_problem(scene, gates)) is not None:
            return Drop("views of scenes that show too little", f"{family_of(planned.code)}: {unfit}")
    truth = _truth(moved, views[0], views[1], shared, front)
    differences = decide(cloud, mine[0], mine[1], moved, gates)
    for name in differences:
        rendered = visit.exact.get((planned.first, planned.second, name), 1.0)
        differences[name] = min(differences[name], rendered)
    decidability = decidability_of(differences, cloud, mine[1], truth, visit.portrait)
    other_way = None
    if planned.both_orders:
        truth_back = _truth(moved_back, views[1], views[0], shared, front)
        differences = decide(cloud, mine[1], mine[0], moved_back, gates)
        other_way = decidability_of(differences, cloud, mine[0], truth_back, visit.portrait)
    return Candidate(planned, views, truth, decidability, other_way, seen, scene)


def _scene(planned: PlannedPair, now: SceneNow, gates: GateConfig) -> Scene:
    shots = [now.shots[view] for view in planned.views]
    event = None
    if planned.event is not None:
        event = event_between(shots[0], shots[1], [*now.shots.values(), *now.probes], now.layout)
    return scene_of(now.parts, now.layout.ground, shots, gates, event)


def _seen(
    captures: Sequence[Capture],
    surfaces: Sequence[Surface],
    cloud: Surface,
    tracked: Tracked,
    front: float | None,
) -> Seen:
    """What the depth maps say of a sample's views; `tracked` holds points of the first two."""
    count = len(captures)
    shared = np.eye(count)
    different = np.zeros((count, count))
    for i in range(count):
        for j in range(i):
            shared[i, j] = shared[j, i] = covisible_fraction(
                captures[i], captures[j], surfaces[i], surfaces[j]
            )
    places = [capture.world_from_camera[:3, 3] for capture in captures]
    around = [math.degrees(math.atan2(p[1], p[0])) for p in places]
    up = [elevation_about_origin_deg(p) for p in places]
    other_side = np.zeros(0)
    if count > 2:
        for i in range(count):
            different[i] = unlike(cloud, captures[i], around[i], up[i], around, up)
        mirrored = [2 * around[0] - angle for angle in around]
        other_side = np.array(
            [unlike(cloud, captures[i], around[i], up[i], [mirrored[i]], [up[i]])[0] for i in range(count)]
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


def stays(translation: Sequence[float], gates: GateConfig) -> bool:
    """Whether the camera's position is unchanged, so that no turn of it can hide or reveal anything."""
    return max(map(abs, translation)) <= gates.truck_grey.low


def _points(tracked: Tracked) -> list[SurfacePoint]:
    worlds = _rounded(tracked.points, 5)
    pixels = _rounded(tracked.pixels.swapaxes(0, 1), 2)
    albedos = _rounded(tracked.albedo, 3)
    states = tracked.visible.T.tolist()
    return _POINTS.validate_python(
        [
            {
                "world": world,
                "pixels": pixel,
                "visible": [VISIBLE[state] for state in visible],
                "albedo": albedo,
            }
            for world, pixel, visible, albedo in zip(worlds, pixels, states, albedos, strict=True)
        ]
    )


def _rounded(values: Array, digits: int = 6) -> list[Any]:
    """Nested lists, rounded so that no machine's last bits remain, and without -0.0."""
    out: list[Any] = (np.round(values, digits) + 0.0).tolist()
    return out


def make_truth(first: View, second: View, covisible: float, front_azimuth_deg: float | None) -> Truth:
    """The published truth of two views.

    Raises:
        InputError: a pose is not rigid.
    """
    moved = motion(matrix(first.world_from_camera), matrix(second.world_from_camera))
    return _truth(moved, first, second, covisible, front_azimuth_deg)


def _truth(
    moved: Motion, first: View, second: View, covisible: float, front_azimuth_deg: float | None
) -> Truth:
    """The truth, rounded to a millionth so that it does not depend on a machine's last bits."""

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
