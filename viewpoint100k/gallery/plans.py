"""Plans of the cameras, from above and from the side: where they stand on the page.

Drawn from the poses alone, not from the truth, so that a wrong sign in either can be seen.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.geometry.rotations import Array
from viewpoint100k.records import OBJECT_RADIUS, View, matrix

# A plan is a parallel projection. `page_from_world` is (2, 3): its rows are the world directions that point
# right and up on the page. Only `Plan` is in SVG pixels, where y grows downwards: one flip, in `_fit`.

PLAN_PX = 260.0
SIDE_HEIGHT_PX = 120.0
MARGIN_PX = 30.0  # room for the letters behind the cameras
GLYPH_PX = 15.0
LABEL_PX = 16.0  # from a camera to its number


class PlanCamera(NamedTuple):
    """One camera in SVG pixels."""

    position: Array  # (2,)
    # (2, 2) ends of the rays along the picture's left and right border; from the side, top and bottom
    edges: Array
    glyph: Array  # (2, 2) ends of the little frustum; it starts at `position`
    label: Array  # (2,)


class Plan(NamedTuple):
    """A drawing in SVG pixels."""

    width: float
    height: float
    object: Array  # (2,)
    object_radius: float
    ring_radius: float  # of the circle about the object through camera 1
    front: Array | None  # (2,) unit direction on the page from the object to where its front looks
    cameras: list[PlanCamera]
    travel: Array | None  # (2, 2) from camera 1 to camera 2; None if they stand in one place


def top_axes(world_from_camera: Array) -> Array:
    """Seen from above, turned so that the camera looks up the page: what is on the page's right is on its
    right.

    Args:
        world_from_camera: (4, 4), OpenCV camera axes. Its roll does not matter; a camera that is upside down
            has its right on the page's left.

    Returns:
        (2, 3) page_from_world: rows are the world directions of the page's right and up, both level.
    """
    down = world_from_camera[:3, 1]
    forward = world_from_camera[:3, 2]
    level = np.array([forward[0], forward[1], 0.0])
    if np.linalg.norm(level) < 1e-6:  # straight down: the image's top is ahead; straight up: its bottom is
        level = np.array([down[0], down[1], 0.0]) * np.sign(forward[2])
    ahead = level / np.linalg.norm(level)
    return np.stack([[ahead[1], -ahead[0], 0.0], ahead])


def side_axes(world_from_camera: Array) -> Array:
    """Seen from the camera's right: it looks to the right of the page, and up is up.

    (2, 3) page_from_world.
    """
    return np.stack([top_axes(world_from_camera)[1], [0.0, 0.0, 1.0]])


def draw_top(views: Sequence[View], front_azimuth_deg: float | None) -> Plan:
    """The plan from above, camera 1 looking up the page."""
    poses = [matrix(view.world_from_camera) for view in views]
    slopes = [np.tan(np.radians(0.5 * view.hfov_deg)) for view in views]
    rays = [np.array([[-slope, 0.0, 1.0], [slope, 0.0, 1.0]]) for slope in slopes]
    front = None
    if front_azimuth_deg is not None:
        azimuth = np.radians(front_azimuth_deg)
        front = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    return _draw(poses, rays, top_axes(poses[0]), front, PLAN_PX)


def draw_side(views: Sequence[View]) -> Plan:
    """The plan from camera 1's right."""
    poses = [matrix(view.world_from_camera) for view in views]
    slopes = [view.intrinsics[1][2] / view.intrinsics[1][1] for view in views]
    rays = [np.array([[0.0, -slope, 1.0], [0.0, slope, 1.0]]) for slope in slopes]
    return _draw(poses, rays, side_axes(poses[0]), None, SIDE_HEIGHT_PX)


def _draw(
    poses: list[Array], rays: list[Array], page_from_world: Array, front: Array | None, height: float
) -> Plan:
    """Rays are (2, 3) in camera axes with z = 1, so that their multiples by a depth end on one plane of the
    picture.
    """
    places = np.stack([pose[:3, 3] for pose in poses]) @ page_from_world.T
    scale, origin = _fit(places, PLAN_PX, height)
    flip = np.array([scale, -scale])
    positions = origin + places * flip
    arrow = np.linspace(positions[0], positions[min(1, len(positions) - 1)], 24)  # no number may cover it
    cameras: list[PlanCamera] = []
    for pose, two_rays, position in zip(poses, rays, positions, strict=True):
        reach = np.linalg.norm(pose[:3, 3]) + OBJECT_RADIUS  # just past the object
        directions = (two_rays @ pose[:3, :3].T @ page_from_world.T) * flip
        glyph = position + GLYPH_PX * directions / max(np.linalg.norm(directions, axis=1).max(), 1e-9)
        label = _label(
            position, directions.mean(axis=0), np.stack([*arrow, *(other.label for other in cameras)])
        )
        cameras.append(PlanCamera(position, position + reach * directions, glyph, label))
    return Plan(
        width=PLAN_PX,
        height=height,
        object=origin,
        object_radius=OBJECT_RADIUS * scale,
        ring_radius=float(np.linalg.norm(places[0])) * scale,
        front=None if front is None else (page_from_world @ front) * [1, -1],
        cameras=cameras,
        travel=_travel(positions[0], positions[1]) if len(positions) > 1 else None,
    )


def _fit(places: Array, width: float, height: float) -> tuple[float, Array]:
    """(scale, where the world's origin lies) so that the object and the places (N, 2) are centred and fill
    the plan.
    """
    low = np.minimum(places.min(axis=0), -OBJECT_RADIUS)
    high = np.maximum(places.max(axis=0), OBJECT_RADIUS)
    room = np.array([width, height]) - 2 * MARGIN_PX
    scale = float((room / (high - low)).min())
    middle = 0.5 * (low + high)
    return scale, np.array([0.5 * width, 0.5 * height]) + middle * [-scale, scale]


def _label(camera: Array, ahead: Array, obstacles: Array) -> Array:
    """Where a camera's number goes: behind it, or as far aside as it takes to keep clear of the obstacles
    (N, 2).
    """
    length = np.linalg.norm(ahead)
    back = -ahead / length if length > 1e-6 else np.array([0.0, 1.0])
    places: list[Array] = []
    for turn_deg in (0, 55, -55, 100, -100):
        cosine = np.cos(np.radians(turn_deg))
        sine = np.sin(np.radians(turn_deg))
        places.append(camera + LABEL_PX * np.array([[cosine, -sine], [sine, cosine]]) @ back)
    clear = [
        place for place in places if np.min(np.linalg.norm(obstacles - place, axis=1), initial=np.inf) >= 10
    ]
    return clear[0] if clear else places[0]


def _travel(start: Array, end: Array) -> Array | None:
    """The arrow between two cameras, clear of both dots; None if there is no room for one."""
    way = end - start
    length = float(np.linalg.norm(way))
    if length < 20:
        return None
    return np.stack([start + way * 8 / length, end - way * 9 / length])
