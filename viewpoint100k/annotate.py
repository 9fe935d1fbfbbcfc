"""What was rendered -> the truth of each pair, in both orders, and the reason where a pair is not used.

Everything comes from the poses read back from the renderer and from its depth and albedo, nothing from the
plan.
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

POINTS_KEPT = 10  # of each view's surface, with a sample
VISIBLE: dict[int, Visible] = {1: "yes", -1: "no", 0: "unclear"}
_POINTS = TypeAdapter(list[SurfacePoint])  # all of a sample's at once: checked in one go


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
        number: Shot(
            view_set.views[number].state, one.view, one.capture, _index(one), one.solo, one.hidden_by
        )
        for number, one in rendered.items()
    }
    around = [Shot(0, one.view, one.capture, _index(one), (), ()) for one in probes]
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
    """The usable pairs of one view set, and why the others are not usable.

    Args:
        rendered: views by their number in the plan; a pair that lacks one is not looked at.
        portrait: what the object looks like where none of the views has seen it.
        exact: `Counterfactuals.differences`, where they were rendered: the smaller of both decides.
        scene: of several objects, where that was rendered; then `rendered` and `portrait` are without the one
            that changes.

    Returns:
        Candidates in the order of the plan, and each view or pair that was dropped.
    """
    bad = {number: problem for number, view in rendered.items() if (problem := view_problem(view, gates))}
    drops = list(bad.values())
    captures = {number: view.capture for number, view in rendered.items() if number not in bad}
    surfaces = {number: surface(one) for number, one in captures.items()}
    parts = [one.every(len(one.points) // POINTS) for one in surfaces.values()]
    cloud = thin(merge([portrait.cloud, *parts]))
    marks = dict(
        zip(surfaces, landmarks(list(captures.values()), list(surfaces.values()), POINTS_KEPT), strict=True)
    )
    pairs = [one for one in view_set.pairs if all(view in captures for view in one.views)]
    poses = {number: one.world_from_camera for number, one in captures.items()}
    candidates = []
    there = motions_between(poses, [(one.first, one.second) for one in pairs])
    back = motions_between(poses, [(one.second, one.first) for one in pairs])
    followed = track(
        [(captures[one.first], captures[one.second]) for one in pairs],
        [merge([marks[one.first], marks[one.second]]) for one in pairs],
    )
    for planned, moved, moved_back, tracked in zip(pairs, there, back, followed, strict=True):
        first = planned.first
        second = planned.second
        mine = [captures[view] for view in planned.views]
        if stays(moved.translation.tolist(), gates):  # what one camera sees from there, the other sees too
            tracked = tracked._replace(visible=np.maximum(tracked.visible, 0))
        seen = _seen(
            mine, [surfaces[i] for i in planned.views], cloud, tracked, view_set.object.front_azimuth_deg
        )
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
                drops.append(
                    Drop("views of scenes that show too little", f"{family_of(planned.code)}: {unfit}")
                )
                continue
        truth = _truth(moved, views[0], views[1], shared, view_set.object.front_azimuth_deg)
        found = decide(cloud, mine[0], mine[1], moved, gates)
        for name in found:
            found[name] = min(found[name], (exact or {}).get((first, second, name), 1.0))
        decidability = decidability_of(found, cloud, mine[1], truth, portrait)
        other_way = None
        if planned.both_orders:
            reversed_truth = _truth(moved_back, views[1], views[0], shared, view_set.object.front_azimuth_deg)
            found = decide(cloud, mine[1], mine[0], moved_back, gates)
            other_way = decidability_of(found, cloud, mine[0], reversed_truth, portrait)
        candidates.append(Candidate(planned, views, truth, decidability, other_way, seen, found_scene))
    return candidates, drops


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
    """What depth tells of a sample's views; `tracked` is seen by the first two."""
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
    """Whether a camera is where it was, so that nothing is hidden or revealed, whichever way it turned."""
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


def _truth(
    moved: Motion, first: View, second: View, covisible: float, front_azimuth_deg: float | None
) -> Truth:
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
