"""Which pose of an animated file is the object: rest, or a moment of its first animation."""

from collections.abc import Callable, Sequence
from typing import Any

import bpy
import numpy as np

from render_scenes import importing, surfaces

MOMENTS = 8  # of the first animation that are looked at if neither rest nor its start will do
WHOLE = 0.97  # of the surface is there: a pose with less is not the object
APART = 1.4  # times as far across as the most compact pose, for the same surface: its parts have come apart
# of the area that a triangle has in another pose: with less, it has shrunk to less than half its size
GONE = 0.25
NOTHING = 1e-9  # of the extent, squared: the area of a triangle that is not there


def choose(things: Sequence[Any], wanted: str, shown: Callable[[], list[Any]]) -> str:
    """Bring a file that was just imported into the pose in which it is drawn, and forget its animations.

    At rest, if only rigid parts are moved: animations take them apart, or let them pop in. What bones or
    morph targets shape is better at the first moment of its first animation, for at rest it stands with its
    arms stretched out. Either is passed over if less than all of the surface is there, or if it is far apart;
    if both are, moments of the first animation are looked at.

    Args:
        things: all that was imported.
        wanted: `rest`, `animation` (the first moment of the first one, if there is any), or `auto`.
        shown: the meshes among them that are drawn.

    Returns:
        `rest`, or `animation NAME at SECONDS s`.
    """
    animated = importing.take_animated()
    if animated is None:
        _forget_animations(things)
        return "rest"
    chosen = (
        {"rest": None, "animation": 0.0}.get(wanted) if wanted != "auto" else _best(things, animated, shown())
    )
    if chosen is not None:
        _show(chosen)
    _forget_animations(things)
    if chosen is None:
        animated.rest()
    bpy.context.scene.frame_set(1)
    return "rest" if chosen is None else f"animation {animated.name} at {chosen:.1f} s"


def _show(seconds: float) -> None:
    render = bpy.context.scene.render
    frame = seconds * render.fps * render.fps_base
    bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))


def _forget_animations(things: Sequence[Any]) -> None:
    for thing in things:
        thing.animation_data_clear()
        if thing.type == "MESH" and thing.data.shape_keys:
            thing.data.shape_keys.animation_data_clear()


def _best(things: Sequence[Any], animated: importing.Animated, meshes: list[Any]) -> float | None:
    """Seconds of the first animation, or None for rest."""
    moments: list[float | None] = [0.0]
    areas = []
    across = []

    def look(seconds: float | None) -> None:
        if seconds is not None:
            _show(seconds)
        area, extent = _measure(meshes)
        areas.append(area)
        across.append(extent)

    look(0.0)
    with _Still(things):
        animated.rest()
        look(None)
    moments.append(None)
    if not _soft(meshes):
        moments.reverse()
        areas.reverse()
        across.reverse()
    if not all(_is_whole(area, extent) for area, extent in zip(areas, across, strict=True)):
        for number in range(1, MOMENTS + 1):
            moments.append(animated.seconds * number / MOMENTS)
            look(moments[-1])
    most = np.max(areas, axis=0)
    total = float(most.sum()) or 1.0
    whole = np.array([most[area > GONE * most].sum() for area in areas]) / total
    size = np.array(
        [extent / max(np.sqrt(area.sum()), 1e-30) for area, extent in zip(areas, across, strict=True)]
    )
    fit = whole >= WHOLE * whole.max()
    fit &= size <= APART * size[fit].min()
    preferred = np.flatnonzero(fit[:2])
    if len(preferred):
        return moments[int(preferred[0])]
    return moments[int(np.argmax(np.where(fit, [area.sum() for area in areas], -1.0)))]


def _is_whole(area: np.ndarray, extent: float) -> bool:
    return bool(area.size and (area > NOTHING * extent**2).mean() >= WHOLE)


def _measure(meshes: list[Any]) -> tuple[np.ndarray, float]:
    """(F,) areas of all triangles, and how far it is across."""
    read = surfaces.read(meshes)
    if not read:
        return np.zeros(0), 0.0
    points = np.concatenate([surface.points for surface in read])
    extent = float(np.linalg.norm(np.ptp(points, axis=0))) if len(points) else 0.0
    corners = [surface.points[surface.corners] for surface in read]
    return np.concatenate(
        [0.5 * np.linalg.norm(np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]), axis=1) for c in corners]
    ), extent


def _soft(meshes: list[Any]) -> bool:
    """Whether the first animation moves bones under a mesh, or morph targets."""
    holders = [mesh.data.shape_keys for mesh in meshes] + [
        bone.object for mesh in meshes for bone in mesh.modifiers
    ]
    return any(_action(holder) is not None for holder in holders if holder is not None)


def _action(holder: Any) -> Any:
    return holder.animation_data.action if holder.animation_data else None


class _Still:
    """Without the animations, for a while."""

    def __init__(self, things: Sequence[Any]) -> None:
        holders = [*things, *(thing.data.shape_keys for thing in things if thing.type == "MESH")]
        self.held = [
            (holder, holder.animation_data.action, holder.animation_data.action_slot)
            for holder in holders
            if holder is not None and _action(holder) is not None
        ]

    def __enter__(self) -> None:
        for holder, _, _ in self.held:
            holder.animation_data.action = None

    def __exit__(self, *_: object) -> None:
        for holder, action, slot in self.held:
            holder.animation_data.action = action
            holder.animation_data.action_slot = slot
