"""Where the object of a set is, and how large.

From masks, from points that most pictures show, or as it is said.
"""

from typing import NamedTuple

import numpy as np

from viewpoint100k.errors import ObjectRefused
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.photos.posed import Photograph, PhotoSet, Points

LEAST_CROSSING = 0.004  # of optical axes, mean squared sine between them and their mean: 4 degrees
SHOWN_BY = 0.7  # share of the pictures around whose middle a point of the object must be
CENTRAL = 0.85  # of half the shorter side: what counts as around the middle
LEAST_ARC_DEG = 60.0  # between two cameras: a facade is photographed from less, a thing from more
SAY_WHERE = "if there is one, say where with --object x,y,z,radius"
FEWEST_POINTS = 50
ROUNDS = 8  # of leaving out what is far from the middle of what is left
NEAR = 2.5  # times the median distance from the middle: the object; beyond is what stands around it
RADIUS_SHARE = 0.95  # of its points
EXTREMES = (2.0, 98.0)  # percentiles between which the object's box lies: single points may be wrong
FILLS = 0.9  # half the shorter side of the picture: an object that is larger is cut in all of them
NEAREST = 1.05  # times the radius: no camera stands inside the object


class Subject(NamedTuple):
    """The object: a ball around it, in the set's world."""

    centre: Array  # (3,)
    radius: float
    source: str  # given, masks or points


def find_subject(photos: PhotoSet, points: Points | None, given: tuple[float, ...] | None = None) -> Subject:
    """The ball around the object.

    Args:
        points: of the set, or points found by matching its pictures.
        given: x, y, z and radius, in the set's own world.

    Raises:
        ObjectRefused: it cannot be told, or the set shows no object from around it; says why.
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
    """(3,) the point that the optical axes pass nearest; None where they are all but parallel.

    Least squares over the distances of a point to the axes.
    """
    centres = np.array([one.world_from_camera[:3, 3] for one in photographs])
    ahead = np.array([one.world_from_camera[:3, 2] for one in photographs])
    return _crossing(centres, ahead)


def _crossing(origins: Array, directions: Array) -> Array | None:
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    total = across.sum(0)
    if np.linalg.eigvalsh(total)[0] < LEAST_CROSSING * len(origins):
        return None
    return np.asarray(np.linalg.solve(total, (across @ origins[:, :, None])[:, :, 0].sum(0)))


def _of_masks(photos: PhotoSet) -> Subject:
    """Where the rays through the masks' middles meet; as large as the median mask at its distance."""
    origins = []
    directions = []
    half_widths = []
    for one in photos.photographs:
        if one.mask_box is None:
            continue
        left, top, right, bottom = one.mask_box
        middle = (
            (0.5 * (left + right) - one.lens.cx) / one.lens.fx,
            (0.5 * (top + bottom) - one.lens.cy) / one.lens.fy,
            1.0,
        )
        origins.append(one.world_from_camera[:3, 3])
        directions.append(one.world_from_camera[:3, :3] @ middle / np.linalg.norm(middle))
        # half the diagonal: the ball goes around the object's box
        half_widths.append(0.5 * np.hypot((right - left) / one.lens.fx, (bottom - top) / one.lens.fy))
    centre = _crossing(np.array(origins), np.array(directions))
    if centre is None:
        raise ObjectRefused("where the object is cannot be told: all masks are seen from nearly one place")
    distances = np.linalg.norm(np.array(origins) - centre, axis=1)
    return Subject(centre, float(np.median(distances * half_widths)), "masks")


def _of_points(photos: PhotoSet, points: Points) -> Subject:
    """The middle of the points around the middles of most pictures, without those that stand apart."""
    meeting = where_axes_meet(photos.photographs)
    if meeting is None:
        raise ObjectRefused(
            f"shows no object from around it: the optical axes are all but parallel; {SAY_WHERE}"
        )
    near = points.world[central_share(photos, points.world) >= SHOWN_BY]
    places = np.array([one.world_from_camera[:3, 3] for one in photos.photographs])
    distance = float(np.median(np.linalg.norm(places - meeting, axis=1)))
    near = near[np.linalg.norm(near - meeting, axis=1) < distance]  # beyond is behind all cameras
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
    # from the camera farthest from the mean: of many cameras, comparing all with all takes too long
    mean = unit.mean(0)
    extreme = unit[int((unit @ mean).argmin())]
    return float(np.degrees(np.arccos(np.clip(unit @ extreme, -1, 1))).max())


def central_share(photos: PhotoSet, world: Array) -> Array:
    """(N,) the share of the pictures around whose middle each point is, hidden there or not.

    Lenses are taken for straight.
    """
    count = np.zeros(len(world))
    for one in photos.photographs:
        local = (world - one.world_from_camera[:3, 3]) @ one.world_from_camera[:3, :3]
        half = 0.5 * min(one.lens.width / one.lens.fx, one.lens.height / one.lens.fy)
        away = np.hypot(local[:, 0], local[:, 1])
        count += (local[:, 2] > 0) & (away < CENTRAL * half * local[:, 2])
    return np.asarray(count / len(photos.photographs))


def _check(photos: PhotoSet, subject: Subject) -> None:
    """That cameras stand around the object, not in it, and that it fits into most pictures."""
    if not (np.isfinite(subject.centre).all() and 0 < subject.radius < 1e9):
        raise ObjectRefused("where the object is cannot be told: its points lie in one place")
    sizes = []
    for one in photos.photographs:
        distance = float(np.linalg.norm(one.world_from_camera[:3, 3] - subject.centre))
        if distance < NEAREST * subject.radius:
            sizes.append(np.inf)
            continue
        half = min(one.lens.width / one.lens.fx, one.lens.height / one.lens.fy) / 2
        sizes.append(np.tan(np.arcsin(subject.radius / distance)) / half)
    if np.median(sizes) > 1 / FILLS:
        raise ObjectRefused(
            f"shows no object from around it: what most pictures show is {np.median(sizes):.1f} times as "
            "large as "
            "the shorter side of a picture; {SAY_WHERE}"
        )
