"""Labels renders of a scene: what each picture shows of each object, and what changed between two pictures.

All labels are computed from the poses that the renderer reports, and from its object index, depth and albedo
at pixel centres.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.boxes import project_box, turn_deg
from viewpoint100k.geometry.cameras import project
from viewpoint100k.geometry.rotations import Array, wrap_deg
from viewpoint100k.geometry.visibility import (
    BACKGROUND_DIFFERENCE,
    GRAZING_COSINE,
    Capture,
    Surface,
    cosine_to_camera,
    merge,
    surface,
)
from viewpoint100k.records import (
    OBJECT_RADIUS,
    ObjectRecord,
    PartSeen,
    Scene,
    SceneChange,
    ScenePart,
    SceneView,
    SourceObject,
    View,
    matrix,
)
from viewpoint100k.scenes.naming import by_letters, call, colour_shares
from viewpoint100k.scenes.placement import Layout

POINTS = 400  # points of an object's surface that are looked up in another picture
COLOUR_PIXELS = 4000  # pixels of an object from which its colour is measured, over all pictures


class Shot(NamedTuple):
    """One picture of a scene with the renderer's passes."""

    state: int
    view: View
    capture: Capture
    part_index: NDArray[np.uint8]  # (H, W) number of the visible object, counted from 1; 0: none
    solo: Sequence[int]
    hidden_by: Sequence[Sequence[int]]


class Event(NamedTuple):
    """The change of one object between two pictures."""

    part: int
    difference: float


def describe(
    parts: Sequence[SourceObject], records: Sequence[ObjectRecord], layout: Layout, shots: Sequence[Shot]
) -> list[ScenePart]:
    """The objects of a scene with their places and names.

    Args:
        parts: the objects in the scene.
        records: the records of their files, as fetched.
        shots: all pictures that were taken; colours are measured in them.
    """
    shares = [colour_shares(_albedo(shots, number)) for number in range(len(parts))]
    out = []
    names = call(records, shares, letters=by_letters(records))
    for number, (part, record, named) in enumerate(zip(parts, records, names, strict=True)):
        out.append(
            ScenePart(
                object=record,
                letter=named.letter,
                name=named.name,
                named_by=named.named_by,
                noun=named.noun,
                colour=named.colour,
                size=_rounded(layout.sizes[number]),
                front_azimuth_deg=part.front_azimuth_deg,
                present=[state[number] is not None for state in layout.states],
                world_from_object=[
                    [_rounded(np.asarray(row)) for row in state[number]] for state in layout.poses
                ],
            )
        )
    return out


def look(shot: Shot, parts: Sequence[ScenePart], gates: GateConfig) -> SceneView:
    """What one picture shows of each object."""
    height, width = shot.part_index.shape
    return SceneView(
        state=shot.state,
        parts=[_part_seen(shot, number, part, gates, width, height) for number, part in enumerate(parts)],
    )


def _part_seen(
    shot: Shot, number: int, part: ScenePart, gates: GateConfig, width: int, height: int
) -> PartSeen:
    mine = shot.part_index == number + 1
    rows = np.flatnonzero(mine.any(axis=1))
    cols = np.flatnonzero(mine.any(axis=0))
    pixels = int(mine.sum())
    solo = max(int(shot.solo[number]), pixels)
    box = None
    depths = None
    cut = False
    if pixels:
        box = [float(v) for v in (cols[0], rows[0], cols[-1] + 1, rows[-1] + 1)]
        cut = bool(cols[0] == 0 or rows[0] == 0 or cols[-1] == width - 1 or rows[-1] == height - 1)
        depth = shot.capture.depth[mine]
        depths = _rounded(np.array([depth.min(), depth.max()], dtype=np.float64))
    pose = matrix(part.world_from_object[shot.state])
    flat = project_box(pose, part.size, shot.capture.world_from_camera, shot.capture.intrinsics)
    fraction = pixels / solo if solo else 0.0
    enough = gates.min_part_pixels * width * height / 512**2
    return PartSeen(
        pixels=pixels,
        solo_pixels=solo,
        visible_fraction=round(fraction, 6),
        box=box,
        full_box=_rounded(flat.full_box, 3),
        centre_pixel=_rounded(flat.centre_pixel, 3),
        base_pixel=_rounded(flat.base_pixel, 3),
        depth=round(flat.depth, 6),
        depth_range=depths,
        hidden_by=[int(other) for other in shot.hidden_by[number]],
        cut=cut,
        referable=pixels >= enough and fraction >= gates.min_part_visible and not cut,
    )


def scene_of(
    parts: Sequence[ScenePart], ground: float, shots: Sequence[Shot], gates: GateConfig, event: Event | None
) -> Scene:
    """The record of one sample.

    Args:
        parts: the objects, with all states of the scene.
        shots: the pictures of the sample's views, in order.
        event: what happens between the first view and the second; None: nothing.
    """
    order = [shots[0].state, 1 - shots[0].state] if event is not None else [shots[0].state]
    mine = [
        part.model_copy(
            update={
                "present": [part.present[state] for state in order],
                "world_from_object": [part.world_from_object[state] for state in order],
            }
        )
        for part in parts
    ]
    views = [look(shot._replace(state=order.index(shot.state)), mine, gates) for shot in shots]
    change = None
    if event is not None:
        change = _change(mine[event.part], event)
    return Scene(ground=round(ground, 6), parts=mine, views=views, change=change)


def scene_problem(scene: Scene, gates: GateConfig) -> str | None:
    """Why too little of a scene's sample can be asked about; None if the sample is used."""
    for number, view in enumerate(scene.views):
        clear = sum(part.referable for part in view.parts)
        if clear < gates.min_parts:
            return f"view {number} shows {clear} objects clearly, fewer than {gates.min_parts}"
    if scene.change is None:
        return None
    for number, view in enumerate(scene.views[:2]):
        if scene.parts[scene.change.part].present[view.state] and not view.parts[scene.change.part].referable:
            return f"view {number} does not show clearly what changes"
    if scene.change.difference < gates.min_change:
        return f"the change makes a difference of {scene.change.difference:.3f}, less than {gates.min_change}"
    return None


# --- what changed ----------------------------------------------------------------------------------


def event_between(first: Shot, second: Shot, shots: Sequence[Shot], layout: Layout) -> Event:
    """The event between two pictures, and how much the changed object's pixels differ.

    Surface points of the object, from all pictures of one state, are looked up where the other picture would
    show them if nothing had changed. Points that another object would hide count as no difference.
    """
    assert layout.changed is not None
    before, after = (
        (first, second) if layout.states[first.state][layout.changed] is not None else (second, first)
    )
    known = [surface(_only(shot, layout.changed)) for shot in shots if shot.state == before.state]
    known = [part_cloud for part_cloud in known if len(part_cloud.points)]
    if not known:
        return Event(layout.changed, 0.0)
    cloud = merge(known)
    cloud = cloud.every(-(-len(cloud.points) // POINTS))
    return Event(layout.changed, round(_missing(cloud, after, layout.changed), 6))


def _missing(cloud: Surface, shot: Shot, number: int) -> float:
    """Mean difference, in [0, 1], of an object's points that face the camera from what a picture shows."""
    capture = shot.capture
    height, width = shot.part_index.shape
    pixels, depth = project(cloud.points, capture.world_from_camera, capture.intrinsics)
    cosine = cosine_to_camera(cloud.points, cloud.normals, capture.world_from_camera)
    inside = (
        (cosine > GRAZING_COSINE)
        & (depth > 0)
        & (pixels >= 0).all(axis=1)
        & (pixels < [width, height]).all(axis=1)
    )
    if not inside.any():
        return 0.0
    cols, rows = pixels[inside].astype(np.int64).T
    there = capture.depth[rows, cols].astype(np.float64)
    who = shot.part_index[rows, cols]
    away = (there - depth[inside]) / OBJECT_RADIUS
    of_albedo = np.abs(capture.albedo[rows, cols] - cloud.albedo[inside]).mean(axis=1)
    itself = np.maximum(of_albedo, np.minimum(np.abs(away), BACKGROUND_DIFFERENCE))
    hidden = (who != number + 1) & (away < 0)
    differences = np.where(who == number + 1, itself, np.where(hidden, 0.0, BACKGROUND_DIFFERENCE))
    return float(np.average(differences, weights=cosine[inside]))


def _only(shot: Shot, number: int) -> Capture:
    """The capture restricted to the visible pixels of one object."""
    mine = shot.part_index == number + 1
    return shot.capture._replace(depth=np.where(mine, shot.capture.depth, np.float32(1e10)))


def _change(part: ScenePart, event: Event) -> SceneChange:
    before, after = (matrix(pose) for pose in part.world_from_object)
    distance = float(np.linalg.norm(after[:3, 3] - before[:3, 3])) / OBJECT_RADIUS
    turned = float(wrap_deg(turn_deg(after) - turn_deg(before)))
    if part.present != [True, True]:
        return SceneChange(
            part=event.part,
            kind="vanished" if part.present[0] else "appeared",
            distance=0.0,
            turn_deg=0.0,
            difference=event.difference,
        )
    moved = distance > 1e-4
    return SceneChange(
        part=event.part,
        kind="moved" if moved else "turned",
        distance=round(distance, 6) if moved else 0.0,
        turn_deg=0.0 if moved else round(turned, 3),
        difference=event.difference,
    )


def _albedo(shots: Sequence[Shot], number: int) -> Array:
    """(N, 3) albedo of an object's pixels in all pictures."""
    found = np.concatenate(
        [np.zeros((0, 3)), *(shot.capture.albedo[shot.part_index == number + 1] for shot in shots)]
    )
    return np.asarray(found[:: max(1, len(found) // COLOUR_PIXELS)], dtype=np.float64)


def _rounded(values: Array, digits: int = 6) -> list[float]:
    """A list, rounded so that no machine's last bits remain, and without -0.0."""
    out: list[float] = (np.round(values, digits) + 0.0).tolist()
    return out
