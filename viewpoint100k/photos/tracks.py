"""Triangulates points for a set whose poses came without any.

Points are matched between neighbouring pictures and triangulated by the poses.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from viewpoint100k.errors import InputError
from viewpoint100k.geometry.rotations import Array, turned_deg
from viewpoint100k.photos.epipolar import NO_FEATURES, Features, features_of, fits, matched, pair_from_poses
from viewpoint100k.photos.picture import decoded
from viewpoint100k.photos.posed import Lens, Photograph, PhotoSet, Points

NEIGHBOURS_DEG = (5.0, 25.0)  # angle between two cameras: near enough to match, far enough to triangulate
MOST_PAIRS = 20  # spread over the set
LOOKED_AT_PX = 640  # longer side of the pictures that are matched
OFF_PX = 1.5
MOST_FEATURES = 2500  # per picture: enough to find the object
WIDE_COEFFICIENTS = 12


def found_points(photos: PhotoSet) -> Points | None:
    """Points that neighbouring pictures have in common; None if there are none."""
    chosen = _neighbours(photos.photographs)
    straight = {
        number: _straight(photos.photographs[number])
        for number in sorted({i for pair in chosen for i in pair})
    }
    world = []
    seen = dict[str, list[NDArray[np.int64]]]()
    count = 0
    for first, second in chosen:
        points = _triangulated(photos.photographs, first, second, straight)
        rows = np.arange(count, count + len(points))
        count += len(points)
        world.append(points)
        for number in (first, second):
            seen.setdefault(photos.photographs[number].name, []).append(rows)
    if not count:
        return None
    places = np.concatenate(world)
    seen_in = {name: np.concatenate(rows) for name, rows in seen.items()}
    return Points(places, np.full(len(places), np.nan), seen_in)


def _neighbours(photographs: Sequence[Photograph]) -> list[tuple[int, int]]:
    """Pairs of each picture and its nearest neighbour, spread evenly over the set."""
    rotations = np.array([photo.world_from_camera[:3, :3] for photo in photographs])
    pairs = list[tuple[int, int]]()
    for number, rotation in enumerate(rotations):
        apart = turned_deg(rotations @ rotation.T)
        apart[: number + 1] = np.inf
        apart[apart < NEIGHBOURS_DEG[0]] = np.inf
        nearest = int(np.argmin(apart))
        if apart[nearest] <= NEIGHBOURS_DEG[1]:
            pairs.append((number, nearest))
    step = max(1, -(-len(pairs) // MOST_PAIRS))
    return pairs[::step]


def _straight(photo: Photograph) -> tuple[Features, float]:
    """Undistorted features in units of the focal length, and that focal length in pixels.

    A picture that cannot be decoded has no features.
    """
    try:
        pixels = decoded(photo)
    except InputError:
        return NO_FEATURES, 1.0
    grey = np.asarray(cv2.cvtColor(pixels.rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    scale = min(1.0, LOOKED_AT_PX / max(grey.shape))
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    features = features_of(grey, most=MOST_FEATURES)
    lens = pixels.lens
    rays = rays_of(features.px / scale, lens)
    return Features(rays, features.roots), scale * 0.5 * (lens.fx + lens.fy)


def rays_of(px: Array, lens: Lens) -> Array:
    """(N, 2) normalised, undistorted image coordinates of pixels."""
    if not len(px):
        return np.zeros((0, 2))
    if lens.bending == "none":
        return np.asarray((px - [lens.cx, lens.cy]) / [lens.fx, lens.fy])
    points = np.ascontiguousarray(px[:, None], dtype=np.float64)
    size = {"fisheye": 4, "brown": 5, "rational": WIDE_COEFFICIENTS}[lens.bending]
    numbers = np.zeros(size)
    numbers[: len(lens.coefficients)] = lens.coefficients
    undo = cv2.fisheye.undistortPoints if lens.bending == "fisheye" else cv2.undistortPoints
    return np.asarray(undo(points, lens.matrix, numbers).reshape(-1, 2), dtype=np.float64)


def _triangulated(
    photographs: Sequence[Photograph],
    first: int,
    second: int,
    straight: dict[int, tuple[Features, float]],
) -> Array:
    """(N, 3) points, in the set's world, of matches that the poses explain."""
    (a, focal_a) = straight[first]
    (b, focal_b) = straight[second]
    if not len(a.px) or not len(b.px):
        return np.zeros((0, 3))
    # `matched` counts cells of pixels
    first_px, second_px = matched(Features(a.px * focal_a, a.roots), Features(b.px * focal_b, b.roots))
    poses = photographs[first].world_from_camera, photographs[second].world_from_camera
    lenses = np.diag([focal_a, focal_a, 1.0]), np.diag([focal_b, focal_b, 1.0])
    pair = pair_from_poses(*poses)
    kept = fits(pair, first_px, second_px, lenses, OFF_PX) if len(first_px) else np.zeros(0, dtype=bool)
    if not kept.any():
        return np.zeros((0, 3))
    cameras = [lens @ np.linalg.inv(pose)[:3] for lens, pose in zip(lenses, poses, strict=True)]
    homogeneous = cv2.triangulatePoints(cameras[0], cameras[1], first_px[kept].T, second_px[kept].T)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray((homogeneous[:3] / homogeneous[3]).T, dtype=np.float64)
    return np.asarray(found[np.isfinite(found).all(1)])
