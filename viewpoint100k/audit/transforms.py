"""Answers about figures and sets of views after a scene is mirrored, turned or swapped."""

import math
from collections.abc import Iterator

import numpy as np

from viewpoint100k.annotate import make_truth
from viewpoint100k.audit.statistics import Array
from viewpoint100k.config import GateConfig
from viewpoint100k.questions.ask import answered, figure_of
from viewpoint100k.questions.kind import Figure
from viewpoint100k.questions.registry import DRAWN_KINDS
from viewpoint100k.records import MapCamera, PartSeen, Relation, Sample, Scene, View, matrix

MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
HALF_A_CIRCLE_DEG = 180.0  # half a circle ends at the same place in both directions
OTHER_SIDE: dict[Relation | None, Relation] = {"left": "right", "right": "left"}
MARGIN_ATOL = 1e-3  # because pixels and points are stored rounded
LEFT_RIGHT = [0, 1, 3, 2, 4, 5]  # the sides of an object after mirroring, by index
# kinds that stay decidable when the two views are swapped
SWAPPED = {"camera_on_map", "mirrored", "zoom_or_dolly"}
TWINS = {i: i ^ 1 for i in range(6)}
MIRRORED_OPTION = {
    "revealed_side": {2: 3, 3: 2}, "composed_angle": TWINS, "side_of": TWINS, "side_after": TWINS,
    "hops": TWINS, "perspective": TWINS, "turn_to_face": TWINS, "faces": {1: 3, 3: 1}, "facing": {1: 3, 3: 1},
}  # fmt: skip


def figures_transformed(
    sample: Sample, gates: GateConfig, rng: np.random.Generator
) -> Iterator[tuple[str, str, bool]]:
    """Yield (change, kind, whether the answer is as it must be) for the stored figures of a sample.

    A mirror swaps left and right, and clockwise and counter-clockwise, in figures as in answers. A turn of
    the world changes nothing. Seen from image 2 instead of image 1, a map's cameras are on its other side.
    """
    kinds = {kind.name: kind for kind in DRAWN_KINDS}
    asked = [
        (kinds[name], figure_of(q))
        for q in sample.questions
        if (name := f"{q.type}/{q.frame}") in kinds and q.options
    ]
    if not asked:
        return
    angle = float(rng.uniform(0, 360))
    cases = [("mirrored", _in_mirror(sample)), ("turned", _turned(sample, angle))]
    if len(sample.views) == 2:
        cases.append(("swapped", _swapped(sample)))
    for kind, figure in asked:
        before = answered(sample, kind, figure, gates)
        for change, other in cases:
            if change == "swapped" and kind.type not in SWAPPED:
                continue
            shown = _other_figure(figure, sample) if change == "mirrored" else figure
            if change == "swapped":
                shown = figure._replace(map_cameras=_other_map(figure))
            after = answered(other, kind, shown, gates)
            if before is None or after is None:
                yield change, kind.name, before is after
                continue
            option = before.fact.option
            if change == "mirrored":
                option = MIRRORED_OPTION.get(kind.type, {}).get(option, option)
            near = abs(before.fact.margin - after.fact.margin) <= MARGIN_ATOL * max(1.0, before.fact.margin)
            yield change, kind.name, after.fact.option == option and near


def _in_mirror(sample: Sample) -> Sample:
    views = [_moved(view, MIRROR @ matrix(view.world_from_camera) @ MIRROR) for view in sample.views]
    points = [
        point.model_copy(
            update={
                "world": [-point.world[0], *point.world[1:]],
                "pixels": [
                    [2 * view.intrinsics[0][2] - x, y]
                    for view, (x, y) in zip(views, point.pixels, strict=False)
                ],
            }
        )
        for point in sample.seen.points
    ]
    sides = [[row[i] for i in LEFT_RIGHT] for row in sample.seen.sides]
    front = sample.truth.front_azimuth_deg
    other = _with(sample, views, None if front is None else 180 - front, points=points, sides=sides)
    return other.model_copy(update={"scene": _mirrored_scene(sample.scene, views)}) if sample.scene else other


def _mirrored_scene(scene: Scene, views: list[View]) -> Scene:
    """The scene with each object mirrored, both in its position and in its own axes."""
    parts = [
        part.model_copy(
            update={
                "world_from_object": [
                    (MIRROR @ matrix(pose) @ MIRROR).tolist() for pose in part.world_from_object
                ],
                "front_azimuth_deg": None if part.front_azimuth_deg is None else 180 - part.front_azimuth_deg,
            }
        )
        for part in scene.parts
    ]
    seen = [
        shown.model_copy(
            update={"parts": [_mirrored_seen(part, 2 * view.intrinsics[0][2]) for part in shown.parts]}
        )
        for shown, view in zip(scene.views, views, strict=True)
    ]
    change = scene.change and scene.change.model_copy(update={"turn_deg": -scene.change.turn_deg})
    return scene.model_copy(update={"parts": parts, "views": seen, "change": change})


def _mirrored_seen(seen: PartSeen, width: float) -> PartSeen:
    def box(edges: list[float] | None) -> list[float] | None:
        return edges and [width - edges[2], edges[1], width - edges[0], edges[3]]

    return seen.model_copy(
        update={
            "box": box(seen.box),
            "full_box": box(seen.full_box),
            "centre_pixel": [width - seen.centre_pixel[0], seen.centre_pixel[1]],
            "base_pixel": [width - seen.base_pixel[0], seen.base_pixel[1]],
        }
    )


def _turned(sample: Sample, angle_deg: float) -> Sample:
    cosine = math.cos(math.radians(angle_deg))
    sine = math.sin(math.radians(angle_deg))
    turn = np.eye(4)
    turn[:2, :2] = [[cosine, -sine], [sine, cosine]]
    views = [_moved(view, turn @ matrix(view.world_from_camera)) for view in sample.views]
    points = [
        point.model_copy(update={"world": (turn[:3, :3] @ np.array(point.world)).tolist()})
        for point in sample.seen.points
    ]
    front = sample.truth.front_azimuth_deg
    other = _with(sample, views, None if front is None else front + angle_deg, points=points)
    if sample.scene is None:
        return other
    parts = [
        part.model_copy(
            update={"world_from_object": [(turn @ matrix(pose)).tolist() for pose in part.world_from_object]}
        )
        for part in sample.scene.parts
    ]
    return other.model_copy(update={"scene": sample.scene.model_copy(update={"parts": parts})})


def _swapped(sample: Sample) -> Sample:
    """A pair from its second view to its first, without points and sides, which are not needed."""
    return _with(sample, sample.views[::-1], sample.truth.front_azimuth_deg)


def _with(sample: Sample, views: list[View], front_azimuth_deg: float | None, **seen: object) -> Sample:
    truth = make_truth(views[0], views[1], sample.truth.covisible_fraction, front_azimuth_deg)
    return sample.model_copy(
        update={"views": views, "truth": truth, "seen": sample.seen.model_copy(update=seen)}
    )


def _moved(view: View, world_from_camera: Array) -> View:
    return view.model_copy(update={"world_from_camera": world_from_camera.tolist()})


def _other_figure(figure: Figure, sample: Sample) -> Figure:
    """The figure as it would be drawn for the mirrored scene."""
    marks = tuple(
        mark.model_copy(update={"x": 2 * sample.views[figure.images[mark.image]].intrinsics[0][2] - mark.x})
        for mark in figure.marks
    )
    move = figure.move
    if move is not None and abs(move.around_deg) != HALF_A_CIRCLE_DEG:
        move = move.model_copy(update={"around_deg": -move.around_deg})
    return figure._replace(
        marks=marks,
        map_cameras=_other_map(figure),
        move=move,
        relation=OTHER_SIDE.get(figure.relation, figure.relation),
    )


def _other_map(figure: Figure) -> tuple[MapCamera, ...]:
    return tuple(
        camera.model_copy(update={"azimuth_deg": -camera.azimuth_deg}) for camera in figure.map_cameras
    )
