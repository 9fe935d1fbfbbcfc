"""Chooses pairs of photographs, and checks whether their pictures support the motion of their poses."""

import math
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.config import PhotosConfig
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.photos.epipolar import (
    Features,
    Pair,
    fits,
    matched,
    off_lines,
    pair_from_poses,
    vote,
    wrong_motions,
)
from viewpoint100k.photos.posed import Points

MATCHED_PX = 768  # side of the squares that are matched
OFF_PX = 2.0  # largest distance of a match from its epipolar lines, in such a square
BINS = 4  # bins of the angle between two cameras, from which pairs are drawn evenly
ERRORS = 3.0  # standard errors by which margins are widened


class Support(NamedTuple):
    """How well the two pictures of a pair support the motion that their poses state."""

    matches: int  # number of matches that fit the motion
    stated_share: float
    mirrored_share: float
    error_px: float  # median distance of the fitting matches from their epipolar lines
    problem: str  # why the pair is not used; empty: it is used


class Candidate(NamedTuple):
    """Two photographs, in the order in which they would be shown."""

    first: int
    second: int
    bin: int  # the bin of the angle between them


def candidate_pairs(
    poses: Sequence[Array], settings: PhotosConfig, rng: np.random.Generator, closed: Collection[int] = ()
) -> Iterator[Candidate]:
    """Yield ordered pairs of cameras whose angle around the object is within the settings, in random order.

    Each pair is given in one order, drawn at random; the bins of angles take turns.

    Args:
        poses: (4, 4) each, the object in the origin.
        closed: bins of which no more pairs are wanted; read again before each pair.
    """
    away = np.array([pose[:3, 3] / np.linalg.norm(pose[:3, 3]) for pose in poses])
    low = settings.apart_deg.low
    high = settings.apart_deg.high
    bins: list[list[tuple[int, int]]] = [[] for _ in range(BINS)]
    for first in range(len(away)):
        angles = np.degrees(np.arccos(np.clip(away[first + 1 :] @ away[first], -1, 1)))
        for offset in np.flatnonzero((angles >= low) & (angles <= high)).tolist():
            place = min(BINS - 1, int(BINS * (angles[offset] - low) / max(high - low, 1e-9)))
            bins[place].append((first, first + 1 + offset))
    orders = [iter(rng.permutation(len(pairs)).tolist()) for pairs in bins]
    flips = np.random.default_rng(rng.integers(2**63))
    left = list(range(BINS))
    while left:
        for place in list(left):
            number = None if place in closed else next(orders[place], None)
            if number is None:
                left.remove(place)
                continue
            first, second = bins[place][number]
            if flips.random() < 0.5:
                first, second = second, first
            yield Candidate(first, second, place)


def support(
    poses: tuple[Array, Array],
    lenses: tuple[Array, Array],
    features: tuple[Features, Features],
    settings: PhotosConfig,
) -> Support:
    """Check that matches fit the stated motion, and fit it better than its mirror image.

    Args:
        poses: (4, 4) each, the object in the origin.
        lenses: (3, 3) of the squares in which the features were found.
    """
    stated = pair_from_poses(*poses)
    first_px, second_px = matched(*features)
    fitting = fits(stated, first_px, second_px, lenses, OFF_PX) if len(first_px) else np.zeros(0, dtype=bool)
    count = int(fitting.sum())
    if count < settings.min_matches:
        what = f"{count} of {len(first_px)} matches fit its poses; expected {settings.min_matches} or more"
        return Support(count, 0.0, 0.0, math.nan, what)
    error_px = float(np.median(off_lines(stated, first_px[fitting], second_px[fitting], lenses)))
    wrong = _opposite(stated)
    if wrong is None:
        return Support(count, 1.0, 0.0, error_px, "its motion cannot be told from its mirror image")
    voted = vote(stated, wrong, first_px, second_px, lenses, OFF_PX)
    problem = ""
    if voted.verdict != "stated":
        problem = (
            f"{voted.stated_share:.2f} of {voted.matches} matches fit its motion, and "
            f"{voted.wrong_share:.2f} the mirror image "
            "of it; expected clearly more for its motion"
        )
    return Support(count, voted.stated_share, voted.wrong_share, error_px, problem)


def _opposite(stated: Pair) -> Pair | None:
    """The mirror image of a motion; if that is the motion itself, its inverse."""
    wrong = wrong_motions(stated)
    return wrong.get("mirrored") or wrong.get("swapped")


def shared_share(points: Points, first: str, second: str) -> float | None:
    """The share of points in both photographs among those in either; None if one of them has none."""
    one = points.seen_in.get(first)
    other = points.seen_in.get(second)
    if one is None or other is None or not len(one) or not len(other):
        return None
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)


def errors_of(error_px: float, focal_px: float, apart_deg: float, vertical_deg: float) -> tuple[float, float]:
    """The errors of a pair's rotation (in degrees) and translation (relative to the distance).

    The error of a camera's direction is that of its matches, as an angle. The error of its position is that
    angle over the sine of the angle at which the object is triangulated. The error of the vertical adds to
    everything that is measured against it.

    Args:
        error_px: median distance of matches from their lines.
        focal_px: of the same picture.
        apart_deg: between both cameras, seen from the object.
        vertical_deg: between the two cues that agree on the vertical.
    """
    seen = math.atan(error_px / focal_px)
    place = seen / max(math.sin(math.radians(min(apart_deg, 90.0))), 0.1)
    return ERRORS * math.degrees(seen) + vertical_deg, ERRORS * place
