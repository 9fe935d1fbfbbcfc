"""Chooses the pose in which an animated file is shown: rest, or a moment of its first animation."""

from collections.abc import Callable, Sequence
from typing import Any

import bpy
import numpy as np

from render_scenes import importing, surfaces

MOMENTS = 8  # moments of the first animation that are tried if neither rest nor its start will do
WHOLE = 0.97  # share of the surface that must be present in a usable pose
APART = 1.4  # a pose this many times as wide as the most compact one, for the same surface, has come apart
# share of a triangle's area in another pose; with less, its sides have shrunk to less than half
GONE = 0.25
NOTHING = 1e-9  # in squares of the extent: a triangle with less area counts as absent


def choose(things: Sequence[Any], wanted: str, shown: Callable[[], list[Any]]) -> str:
    """Bring a freshly imported file into the pose in which it is rendered, and remove its animations.

    If an animation moves only rigid parts, the rest pose is taken, because animations take parts apart or let
    them pop in. If bones or morph targets shape the surface, the first moment of the first animation is
    taken, because at rest such objects stand with their arms stretched out. A pose is passed over if some of
    the surface is missing or if the parts are far apart. If both poses are, later moments of the first
    animation are tried.

    Args:
        things: everything that was imported.
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
    """The best moment of the first animation in seconds, or None for rest."""
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
    fit = whole >= WHOLE * np.max(whole)
    fit &= size <= APART * size[fit].min()
    preferred = np.flatnonzero(fit[:2])
    if len(preferred):
        return moments[int(preferred[0])]
    return moments[int(np.argmax(np.where(fit, [area.sum() for area in areas], -1.0)))]


def _is_whole(area: np.ndarray, extent: float) -> bool:
    return bool(area.size and (area > NOTHING * extent**2).mean() >= WHOLE)


def _measure(meshes: list[Any]) -> tuple[np.ndarray, float]:
    """(F,) areas of all triangles, and the largest extent."""
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
    """A context in which the animations are switched off."""

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
