"""Checks that a scene's record agrees with itself, with the sample's cameras and with the settings.

`validate` uses it.
"""

import math
from collections.abc import Iterator

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.boxes import project_box, turn_deg
from viewpoint100k.geometry.rotations import Array, wrap_deg
from viewpoint100k.records import OBJECT_RADIUS, PartSeen, Sample, Scene, ScenePart, View, matrix
from viewpoint100k.scenes.compose import scene_record
from viewpoint100k.scenes.labels import scene_problem

ON_THE_GROUND = 0.01  # share of an object's height by which it may stand off the ground
BESIDE_PX = 1.5  # by how much a mask may reach beyond its box: half a pixel, and the renderer's rounding
# tolerances of stored values, in world units and in pixels
ATOL = 2e-5
ATOL_PX = 0.01


def problems_of_scene(sample: Sample, gates: GateConfig) -> Iterator[str]:
    """Yield one line for each fault in the scene of a sample."""
    scene = sample.scene
    if scene is None:
        return
    if sample.object != scene_record(sample.object.uid, [part.object for part in scene.parts]):
        yield "object is not what its parts make it: hash, licence, author or title"
    for name, values in (
        ("objects", [part.object.uid for part in scene.parts]),
        ("names", [part.name for part in scene.parts]),
        ("letters", [part.letter for part in scene.parts]),
    ):
        if len(set(values)) != len(values) or len(values) < 2:
            yield f"scene: its {name} {values} are not two or more different ones"
    states = 1 if scene.change is None else 2
    shapes = {(len(part.present), len(part.world_from_object)) for part in scene.parts}
    order = [view.state for view in scene.views]
    if (
        shapes != {(states, states)}
        or len(order) != len(sample.views)
        or order != [0, states - 1, *order[2:]]
    ):
        yield (
            f"scene: {states} states, views of the states {order}, {len(sample.views)} pictures, parts of "
            f"{sorted(shapes)}"
        )
        return
    if any(len(view.parts) != len(scene.parts) for view in scene.views):
        yield "scene: a view does not have one entry for each object"
        return
    for part in scene.parts:
        yield from _standing_problems(part, scene.ground)
    for number, (view, seen) in enumerate(zip(sample.views, scene.views, strict=True)):
        for part, found in zip(scene.parts, seen.parts, strict=True):
            where = f"scene.views.{number}, {part.object.uid}"
            yield from (f"{where}: {what}" for what in _seen_problems(part, found, view, seen.state, gates))
    yield from _change_problems(scene)
    if (unfit := scene_problem(scene, gates)) is not None:
        yield f"scene: {unfit}"


def _standing_problems(part: ScenePart, ground: float) -> Iterator[str]:
    for pose in map(matrix, part.world_from_object):
        turn = pose[:3, :3]
        rigid = np.allclose(turn @ turn.T, np.eye(3), atol=1e-4) and np.linalg.det(turn) > 0
        if not rigid or not np.allclose(turn[2], [0, 0, 1], atol=1e-4):
            yield f"scene, {part.object.uid}: does not stand upright"
        if abs(pose[2, 3] - ground) > ON_THE_GROUND * part.size[2]:
            yield (
                f"scene, {part.object.uid}: stands {pose[2, 3] - ground:.4f} off the ground, its height is "
                f"{part.size[2]:.4f}"
            )


def _seen_problems(
    part: ScenePart, found: PartSeen, view: View, state: int, gates: GateConfig
) -> Iterator[str]:
    pose = matrix(part.world_from_object[state])
    flat = project_box(pose, part.size, matrix(view.world_from_camera), matrix(view.intrinsics))
    if not _close(flat.full_box, found.full_box, ATOL_PX) or not _close(
        flat.centre_pixel, found.centre_pixel, ATOL_PX
    ):
        yield "full_box or centre_pixel is not where its box is"
    if not _close(flat.base_pixel, found.base_pixel, ATOL_PX) or not _close(
        [flat.depth], [found.depth], ATOL
    ):
        yield "base_pixel or depth is not where its box is"
    if found.pixels > found.solo_pixels or (not part.present[state] and found.solo_pixels):
        yield (
            f"{found.pixels} pixels, {found.solo_pixels} alone, "
            f"{'there' if part.present[state] else 'absent'}"
        )
    share = found.pixels / found.solo_pixels if found.solo_pixels else 0.0
    if abs(share - found.visible_fraction) > 1e-5:
        yield f"visible_fraction = {found.visible_fraction}; its pixels say {share:.4f}"
    if (found.box is None) != (found.pixels == 0) or (found.depth_range is None) != (found.pixels == 0):
        yield "box and depth_range belong to what has pixels, and to nothing else"
    width, height = view.size_px
    yield from _pixel_problems(part, found, view)
    enough = found.pixels >= gates.min_part_pixels * width * height / 512**2
    if found.referable != (enough and found.visible_fraction >= gates.min_part_visible and not found.cut):
        yield f"referable = {found.referable} with {found.pixels} pixels, {found.visible_fraction} of it seen"


def _pixel_problems(part: ScenePart, found: PartSeen, view: View) -> Iterator[str]:
    """Yield what is wrong if an object's pixels are not where its box is, in the picture and in depth."""
    if found.box is None or found.depth_range is None:
        return
    width, height = view.size_px
    left, top, right, bottom = found.box
    full_left, full_top, full_right, full_bottom = found.full_box
    over_px = max(full_left - left, full_top - top, right - full_right, bottom - full_bottom)
    if over_px > BESIDE_PX or not (0 <= left < right <= width and 0 <= top < bottom <= height):
        yield f"its pixels are in {found.box}, its box in {found.full_box}"
    if found.pixels > (right - left) * (bottom - top):
        yield f"{found.pixels} pixels in {found.box}"
    reach = 0.5 * math.hypot(*part.size) + 1e-3
    if not found.depth - reach <= found.depth_range[0] <= found.depth_range[1] <= found.depth + reach:
        yield (
            f"is seen at depths {found.depth_range}; its middle is at {found.depth}, its half diagonal "
            f"{reach:.3f}"
        )


def _change_problems(scene: Scene) -> Iterator[str]:
    """Yield what is wrong if more or other things changed than the one that the record names."""
    change = scene.change
    if change is None:
        return
    for number, part in enumerate(scene.parts):
        before, after = map(matrix, part.world_from_object)
        distance = float(np.linalg.norm(after[:3, 3] - before[:3, 3])) / OBJECT_RADIUS
        turned = float(wrap_deg(turn_deg(after) - turn_deg(before)))
        changed = {"moved": distance > 1e-3, "turned": abs(turned) > 0.1}
        changed |= {"vanished": part.present == [True, False], "appeared": part.present == [False, True]}
        expected = {name: number == change.part and name == change.kind for name in changed}
        if changed != expected:
            yield (
                f"scene, {part.object.uid}: {[name for name in changed if changed[name]]}; change says "
                f"{change.kind} of {change.part}"
            )
        elif number == change.part and change.kind == "moved" and abs(distance - change.distance) > 1e-3:
            yield f"scene.change.distance = {change.distance}; the poses say {distance:.4f}"
        elif (
            number == change.part
            and change.kind == "turned"
            and abs(wrap_deg(turned - change.turn_deg)) > 0.1
        ):
            yield f"scene.change.turn_deg = {change.turn_deg}; the poses say {turned:.2f}"


def _close(one: Array | list[float], other: Array | list[float], atol: float) -> bool:
    """Whether two rows of finite numbers differ by at most `atol`.

    `np.allclose` would take ten times as long.
    """
    return bool(np.abs(np.subtract(one, other)).max() <= atol)
