"""Finds the position and size of a set's object.

They come from masks, from points that most pictures show, or from the user.
"""

from typing import NamedTuple

import numpy as np

from viewpoint100k.errors import ObjectRefused
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.photos.posed import Photograph, PhotoSet, Points

LEAST_CROSSING = 0.004  # mean squared sine between optical axes and their mean; this is about 4 degrees
SHOWN_BY = 0.7  # share of the pictures in which a point of the object must be central
CENTRAL = 0.85  # a point is central within this share of half the shorter side
# largest angle between two cameras: facades are photographed from less, objects from more
LEAST_ARC_DEG = 60.0
SAY_WHERE = "if there is one, say where with --object x,y,z,radius"
FEWEST_POINTS = 50
ROUNDS = 8  # rounds in which points far from the centre of the remaining ones are removed
NEAR = 2.5  # points within this many median distances from the centre are the object; others surround it
RADIUS_SHARE = 0.95  # share of its points within its radius
EXTREMES = (2.0, 98.0)  # percentiles between which the object's box lies: single points may be wrong
FILLS = 0.9  # in units of half the picture's shorter side: a larger object is cut off in all pictures
NEAREST = 1.05  # least distance of a camera in radii, because no camera is inside the object


class Subject(NamedTuple):
    """The object: a sphere around it, in the set's world."""

    centre: Array  # (3,)
    radius: float
    source: str  # given, masks or points


def find_subject(photos: PhotoSet, points: Points | None, given: tuple[float, ...] | None = None) -> Subject:
    """The sphere around the object.

    Args:
        points: points of the set, or points triangulated from its pictures.
        given: x, y, z and radius from the user, in the set's own world.

    Raises:
        ObjectRefused: the object cannot be located, or the set was not taken around one; the message says
            why.
    """
    if given is not None:
        subject = Subject(np.array(given[:3]), given[3], "given")
    elif sum(one.mask_box is not None for one in photos.photographs) >= max(
        2, SHOWN_BY * len(photos.photographs)
    ):
        subject = _of_masks(photos)
    elif points is not None and len(points.world) >= FEWEST_POINTS:
        subject = _of_points(photos, points)
    elif where_axes_meet(photos.photographs) is None:
        raise ObjectRefused(
            f"shows no object from around it: all its pictures were taken from nearly one place; {SAY_WHERE}"
        )
    else:
        count = 0 if points is None else len(points.world)
        raise ObjectRefused(
            f"where the object is cannot be told: no masks, and {count} points that several pictures show; "
            "say it with --object x,y,z,radius"
        )
    _check(photos, subject)
    return subject


def where_axes_meet(photographs: "tuple[Photograph, ...]") -> Array | None:
    """(3,) the point nearest to all optical axes; None if they are nearly parallel.

    It minimises the squared distances from the axes.
    """
    centres = np.array([photo.world_from_camera[:3, 3] for photo in photographs])
    ahead = np.array([photo.world_from_camera[:3, 2] for photo in photographs])
    return _crossing(centres, ahead)


def _crossing(origins: Array, directions: Array) -> Array | None:
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    total = across.sum(0)
    if np.linalg.eigvalsh(total)[0] < LEAST_CROSSING * len(origins):
        return None
    return np.asarray(np.linalg.solve(total, (across @ origins[:, :, None])[:, :, 0].sum(0)))


def _of_masks(photos: PhotoSet) -> Subject:
    """The object where the rays through the masks' centres meet, with the size of the median mask."""
    origins = []
    directions = []
    half_widths = []
    for photo in photos.photographs:
        if photo.mask_box is None:
            continue
        left, top, right, bottom = photo.mask_box
        middle = (
            (0.5 * (left + right) - photo.lens.cx) / photo.lens.fx,
            (0.5 * (top + bottom) - photo.lens.cy) / photo.lens.fy,
            1.0,
        )
        origins.append(photo.world_from_camera[:3, 3])
        directions.append(photo.world_from_camera[:3, :3] @ middle / np.linalg.norm(middle))
        # half the diagonal, because the sphere encloses the object's box
        half_widths.append(0.5 * np.hypot((right - left) / photo.lens.fx, (bottom - top) / photo.lens.fy))
    centre = _crossing(np.array(origins), np.array(directions))
    if centre is None:
        raise ObjectRefused("where the object is cannot be told: all masks are seen from nearly one place")
    distances = np.linalg.norm(np.array(origins) - centre, axis=1)
    return Subject(centre, float(np.median(distances * half_widths)), "masks")


def _of_points(photos: PhotoSet, points: Points) -> Subject:
    """The object as the points that are central in most pictures, without outliers."""
    meeting = where_axes_meet(photos.photographs)
    if meeting is None:
        raise ObjectRefused(
            f"shows no object from around it: the optical axes are all but parallel; {SAY_WHERE}"
        )
    near = points.world[central_share(photos, points.world) >= SHOWN_BY]
    places = np.array([photo.world_from_camera[:3, 3] for photo in photos.photographs])
    distance = float(np.median(np.linalg.norm(places - meeting, axis=1)))
    # points further away lie behind all cameras
    near = near[np.linalg.norm(near - meeting, axis=1) < distance]
    for _ in range(ROUNDS):
        if len(near) < FEWEST_POINTS:
            raise ObjectRefused(
                f"where the object is cannot be told: {len(near)} points that most pictures show; {SAY_WHERE}"
            )
        away = np.linalg.norm(near - np.median(near, axis=0), axis=1)
        kept = away <= NEAR * np.median(away)
        if kept.all():
            break
        near = near[kept]
    low, high = np.percentile(near, EXTREMES, axis=0)
    centre = 0.5 * (low + high)
    arc_deg = _arc_deg(places - centre)
    if arc_deg < LEAST_ARC_DEG:
        raise ObjectRefused(
            f"shows no object from around it: the cameras see what is in the middle within {arc_deg:.0f} "
            "degrees, "
            f"as a facade is photographed; expected {LEAST_ARC_DEG:g} or more; {SAY_WHERE}"
        )
    radius = float(np.quantile(np.linalg.norm(near - centre, axis=1), RADIUS_SHARE))
    return Subject(centre, radius, "points")


def _arc_deg(offsets: Array) -> float:
    """The largest angle between two cameras, seen from the object."""
    unit = offsets / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), 1e-12)
    # measured from the camera farthest from the mean, because comparing all with all takes too long
    mean = unit.mean(0)
    extreme = unit[int(np.argmin(unit @ mean))]
    return float(np.degrees(np.arccos(np.clip(unit @ extreme, -1, 1))).max())


def central_share(photos: PhotoSet, world: Array) -> Array:
    """(N,) the share of the pictures in which each point is central, whether it is visible or not.

    Lens distortion is ignored.
    """
    count = np.zeros(len(world))
    for photo in photos.photographs:
        local = (world - photo.world_from_camera[:3, 3]) @ photo.world_from_camera[:3, :3]
        half = 0.5 * min(photo.lens.width / photo.lens.fx, photo.lens.height / photo.lens.fy)
        away = np.hypot(local[:, 0], local[:, 1])
        count += (local[:, 2] > 0) & (away < CENTRAL * half * local[:, 2])
    return np.asarray(count / len(photos.photographs))


def _check(photos: PhotoSet, subject: Subject) -> None:
    """Check that cameras are around the object, not inside it, and that it fits into most pictures."""
    if not (np.isfinite(subject.centre).all() and 0 < subject.radius < 1e9):
        raise ObjectRefused("where the object is cannot be told: its points lie in one place")
    sizes = []
    for photo in photos.photographs:
        distance = float(np.linalg.norm(photo.world_from_camera[:3, 3] - subject.centre))
        if distance < NEAREST * subject.radius:
            sizes.append(np.inf)
            continue
        half = min(photo.lens.width / photo.lens.fx, photo.lens.height / photo.lens.fy) / 2
        sizes.append(np.tan(np.arcsin(subject.radius / distance)) / half)
    if np.median(sizes) > 1 / FILLS:
        raise ObjectRefused(
            f"shows no object from around it: what most pictures show is {np.median(sizes):.1f} times as "
            "large as "
            "the shorter side of a picture; {SAY_WHERE}"
        )
