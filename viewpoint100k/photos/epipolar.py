"""Decides by matched points whether two pictures fit a stated motion or rather its mirror image.

This module shares no code with viewpoint100k/geometry, on purpose: it is the second opinion on labels that
come from there. The top of benchmarks/epipolar.py describes how votes are counted. It needs opencv.
"""

import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MIRROR = np.diag([-1.0, 1.0, 1.0])  # swaps left and right of a camera; its own inverse
MIN_MATCHES = 12
MOST_FEATURES = 6000  # per picture
MAX_P_VALUE = 1e-3  # a fair coin would decide one pair in a thousand
MIN_SHARE_DIFFERENCE = 0.1
ON_THE_SPOT = 1e-3  # a move shorter than this, relative to the distance to the object, counts as none


class Pair(NamedTuple):
    """The transform from first-camera to second-camera axes (OpenCV: x right, y down, z forward)."""

    rotation: Array  # (3, 3)
    translation: Array  # (3,) in the unit of `distance`
    distance: float  # from the first camera to the object


class Vote(NamedTuple):
    """The decision of one pair's matches between the stated motion and a wrong one."""

    matches: int
    stated_share: float
    wrong_share: float
    p_value: float
    verdict: str  # "stated", "wrong" or "undecided"


# --- motions --------------------------------------------------------------------------------------


def pair_from_poses(world_from_first: Array, world_from_second: Array) -> Pair:
    second_from_first = np.linalg.solve(world_from_second, world_from_first)
    return Pair(
        second_from_first[:3, :3], second_from_first[:3, 3], float(np.linalg.norm(world_from_first[:3, 3]))
    )


def wrong_motions(pair: Pair) -> dict[str, Pair]:
    """The wrong motions that differ from the stated one, by name (see the top of this file)."""
    back = pair.rotation.T
    wrong = {
        "mirrored": pair._replace(
            rotation=MIRROR @ pair.rotation @ MIRROR, translation=MIRROR @ pair.translation
        ),
        # the second camera's position is mirrored in the first camera's axes, its orientation is not
        "moved": pair._replace(translation=pair.rotation @ MIRROR @ back @ pair.translation),
        "turned": pair._replace(
            rotation=MIRROR @ pair.rotation @ MIRROR,
            translation=MIRROR @ pair.rotation @ MIRROR @ back @ pair.translation,
        ),
        "swapped": pair._replace(rotation=back, translation=-back @ pair.translation),
    }
    return {name: motion for name, motion in wrong.items() if _differ(pair, motion)}


def _differ(a: Pair, b: Pair) -> bool:
    """Whether two motions differ enough for a vote: by four degrees, or a tenth of the distance."""
    turn = np.linalg.norm(cv2.Rodrigues(a.rotation @ b.rotation.T)[0])
    return bool(turn > np.radians(4) or np.linalg.norm(a.translation - b.translation) > 0.1 * a.distance)


# --- matches and motions ----------------------------------------------------------------------------


def fits(
    pair: Pair, first_px: Array, second_px: Array, intrinsics: tuple[Array, Array], px: float
) -> NDArray[np.bool_]:
    """(N,) whether a motion explains each match.

    Args:
        first_px, second_px: (N, 2) matched pixels; pixel (0, 0) covers [0, 1) x [0, 1).
        intrinsics: (3, 3) of each picture.
        px: largest distance of a match from its epipolar line (or, without a move, from its point).
    """
    off = off_lines(pair, first_px, second_px, intrinsics)
    if np.linalg.norm(pair.translation) < ON_THE_SPOT * pair.distance:
        return np.asarray(off <= px)
    return np.asarray((off <= px) & _in_front(pair, first_px, second_px, intrinsics))


def off_lines(pair: Pair, first_px: Array, second_px: Array, intrinsics: tuple[Array, Array]) -> Array:
    """(N,) distance in pixels of each match from its epipolar lines, the larger one of both pictures.

    For a pure rotation, which has no such lines, it is the distance from where the rotation takes the point.
    """
    if np.linalg.norm(pair.translation) < ON_THE_SPOT * pair.distance:
        return off_turn(pair, first_px, second_px, intrinsics)
    x, y, z = pair.translation
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    fundamental = np.linalg.inv(intrinsics[1]).T @ cross @ pair.rotation @ np.linalg.inv(intrinsics[0])
    lines_in_second = homogeneous(first_px) @ fundamental.T
    lines_in_first = homogeneous(second_px) @ fundamental
    residual = np.abs((homogeneous(second_px) * lines_in_second).sum(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.maximum(
                residual / np.hypot(*lines_in_second[:, :2].T), residual / np.hypot(*lines_in_first[:, :2].T)
            )
        )


def off_turn(pair: Pair, first_px: Array, second_px: Array, intrinsics: tuple[Array, Array]) -> Array:
    """(N,) distance in pixels of each second point from where the rotation alone takes the first.

    It is zero for infinitely distant points.
    """
    taken = homogeneous(first_px) @ (intrinsics[1] @ pair.rotation @ np.linalg.inv(intrinsics[0])).T
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.linalg.norm(taken[:, :2] / taken[:, 2:] - second_px, axis=1)
    return np.asarray(np.where(taken[:, 2] > 0, off, np.inf))


def _in_front(
    pair: Pair, first_px: Array, second_px: Array, intrinsics: tuple[Array, Array]
) -> NDArray[np.bool_]:
    """(N,) whether the nearest approach of the two rays lies in front of both cameras."""
    a = homogeneous(first_px) @ np.linalg.inv(intrinsics[0]).T @ pair.rotation.T  # depth_1 a + t = depth_2 b
    b = homogeneous(second_px) @ np.linalg.inv(intrinsics[1]).T
    aa = (a * a).sum(1)
    bb = (b * b).sum(1)
    ab = (a * b).sum(1)
    at = a @ pair.translation
    bt = b @ pair.translation
    nonparallel = aa * bb - ab * ab > 1e-12 * aa * bb
    return np.asarray(
        nonparallel & (ab * bt - bb * at > 0) & (aa * bt - ab * at > 0)
    )  # both over the determinant > 0


def homogeneous(pixels: Array) -> Array:
    """Homogeneous coordinates (N, 3) of pixels (N, 2)."""
    return np.column_stack([pixels, np.ones(len(pixels))])


def vote(
    stated: Pair,
    wrong: Pair,
    first_px: Array,
    second_px: Array,
    intrinsics: tuple[Array, Array],
    px: float = 2.0,
) -> Vote:
    """The motion that the matches of a pair fit better."""
    if (
        max(np.linalg.norm(stated.translation), np.linalg.norm(wrong.translation))
        >= ON_THE_SPOT * stated.distance
    ):
        far = [off_turn(motion, first_px, second_px, intrinsics) <= 1.5 * px for motion in (stated, wrong)]
        near = ~(far[0] | far[1])
        first_px = first_px[near]
        second_px = second_px[near]
    count = len(first_px)
    if not count:
        return Vote(0, 0.0, 0.0, 1.0, "undecided")
    for_stated = fits(stated, first_px, second_px, intrinsics, px)
    for_wrong = fits(wrong, first_px, second_px, intrinsics, px)
    p_value = coin_p_value(int((for_stated & ~for_wrong).sum()), int((for_wrong & ~for_stated).sum()))
    shares = float(for_stated.mean()), float(for_wrong.mean())
    clear = (
        count >= MIN_MATCHES and p_value <= MAX_P_VALUE and abs(shares[0] - shares[1]) >= MIN_SHARE_DIFFERENCE
    )
    better = "stated" if shares[0] > shares[1] else "wrong"
    verdict = better if clear else "undecided"
    return Vote(count, *shares, p_value, verdict)


def coin_p_value(heads: int, tails: int) -> float:
    """The two-sided probability that a fair coin gives a result at least this lopsided."""
    flips = heads + tails
    tail = sum(math.comb(flips, k) for k in range(min(heads, tails) + 1))
    return float(min(1.0, 2 * tail / 2**flips))


class Features(NamedTuple):
    """SIFT points of one picture."""

    px: Array  # (N, 2); pixel (0, 0) covers [0, 1) x [0, 1)
    roots: NDArray[np.float32]  # (N, 128) RootSIFT, of length 1


NO_FEATURES = Features(np.zeros((0, 2)), np.zeros((0, 128), dtype=np.float32))


def match(first: bytes, second: bytes, enlarge: float = 2.0, ratio: float = 0.9) -> tuple[Array, Array]:
    """Mutual SIFT matches of two image files.

    Two (N, 2) arrays of pixels, no two of them in the same 2 px cells.
    """
    found = []
    for data in (first, second):
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        found.append(features_of(np.asarray(grey, dtype=np.uint8), enlarge))
    return matched(found[0], found[1], ratio)


def features_of(grey: NDArray[np.uint8], enlarge: float = 1.0, most: int = MOST_FEATURES) -> Features:
    """The strongest SIFT points of a grey picture, found in an enlarged copy."""
    sift: Any = cv2.SIFT_create(  # type: ignore[attr-defined]
        nfeatures=most, contrastThreshold=0.005, enable_precise_upscale=True
    )
    large = grey
    if enlarge != 1:
        large = np.asarray(cv2.resize(grey, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC))
    points, descriptors = sift.detectAndCompute(large, None)
    if descriptors is None or len(points) < 2:
        return NO_FEATURES
    roots = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-9))
    # cv2 puts pixel centres at whole numbers, we put them at .5
    return Features((np.array([point.pt for point in points]) + 0.5) / enlarge, roots)


def matched(first: Features, second: Features, ratio: float = 0.9) -> tuple[Array, Array]:
    """Mutual nearest neighbours that pass the ratio test: two (N, 2) arrays of pixels."""
    if len(first.px) < 2 or len(second.px) < 2:
        return np.zeros((0, 2)), np.zeros((0, 2))
    alike = first.roots @ second.roots.T
    rows = np.arange(len(first.px))
    nearest = alike.argmax(1)
    back = alike.argmax(0)
    best = _distance(alike[rows, nearest])
    alike[rows, nearest] = -1.0
    good = np.flatnonzero((back[nearest] == rows) & (best < ratio * _distance(alike.max(1))))
    first_px = first.px[good]
    second_px = second.px[nearest[good]]
    cells = np.floor(np.column_stack([first_px, second_px]) / 2).astype(int)
    # copies of one point at several scales count once
    _, once = np.unique(cells, axis=0, return_index=True)
    return first_px[once], second_px[once]


def _distance(alike: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distances between unit vectors, from their dot products."""
    return np.asarray(np.sqrt(np.maximum(2 - 2 * alike, 0)))
