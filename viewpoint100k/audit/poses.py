"""Probes whether pictures agree with poses.

A textbook method recovers the motion from the pictures, and stored surface points are compared with the
pixels.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from viewpoint100k.audit.report import Bounds, Probe, all_of, not_measured
from viewpoint100k.audit.samples import Item, Samples
from viewpoint100k.audit.statistics import Array, Share, median_interval, share, wilson
from viewpoint100k.proof.measure import reprojection_px
from viewpoint100k.records import Sample, View

MOST = 150  # pairs, each of which takes a fifth of a second
FEWEST_PAIRS = 20
MAX_AZIMUTH_DEG = 35.0
MIN_COVISIBLE = 0.3
MIN_STEP = 0.1  # baseline over distance: without a baseline there is no translation to recover
MIN_INLIERS = 40
RATIO = 0.8
RANSAC_PX = 1.0
MAX_MEDIAN_DEG = 2.0
MIN_AGREEMENT = 0.99
AS_GOOD = (
    0.9  # of the matches that the recovered motion explains: if the stated one explains so many, it stands
)
MAX_REPROJECTION_PX = 0.5
# the sign of a smaller step or turn is not judged
CLEAR_STEP = 0.05
CLEAR_TURN_DEG = 2.0


class Recovered(NamedTuple):
    """The motion that was recovered from a pair's pictures, compared with the poses."""

    key: str
    uid: str
    inliers: int
    error_deg: float
    # signs of the sideways step and of the turn, where they are clear; none if they differ and the stated
    # motion explains the matches as well
    agrees: list[bool]


def pose_recovery(samples: Samples) -> Probe:
    """SIFT, essential matrix, cheirality: the rotation within 2 degrees, the signs the same."""
    name = "pose_recovery"
    what = (
        "rotation recovered from the pictures by SIFT + findEssentialMat: median error in degrees, and signs"
    )
    fit = samples.draw({item.key for item in samples.items if _is_fit(item.sample)}, MOST, name)
    tried = (_recover(item, images) for item, images in samples.pictures(fit))
    good = [recovered for recovered in tried if recovered is not None and recovered.inliers >= MIN_INLIERS]
    detail: dict[str, Any] = {"pairs tried": len(fit), f"pairs with {MIN_INLIERS} inliers": len(good)}
    if len(good) < FEWEST_PAIRS:
        few = f"{len(good)} of {len(fit)} pairs have {MIN_INLIERS} inliers; needs {FEWEST_PAIRS}"
        return not_measured(name, what, few, detail)
    errors = np.array([recovered.error_deg for recovered in good])
    interval = median_interval(errors, samples.rng(name))
    signs = [(agrees, recovered.uid) for recovered in good for agrees in recovered.agrees]
    agreement = (
        share([agrees for agrees, _ in signs], [uid for _, uid in signs]) if signs else Share(1.0, 0, 0.0)
    )
    low, high = wilson(agreement.value, agreement.effective_n) if signs else (0.0, 1.0)
    detail |= {"sign agreement": agreement.value, "signs": agreement.n, "sign agreement, 95 %": [low, high]}
    bad = interval[0] > MAX_MEDIAN_DEG or high < MIN_AGREEMENT
    by_error = sorted(good, key=lambda recovered: (all(recovered.agrees), -recovered.error_deg))
    return Probe(
        name=name,
        what=what,
        value=float(np.median(errors)),
        interval=interval,
        threshold=Bounds(high=MAX_MEDIAN_DEG),
        n=len(good),
        verdict="fail" if bad else "pass",
        because=(
            f"median {np.median(errors):.2f} degrees over {len(good)} pairs; {agreement.value:.1%} of "
            f"{agreement.n} signs agree (95 % {low:.1%} to {high:.1%}, bound {MIN_AGREEMENT:.0%})"
        ),
        detail=detail,
        worst=[recovered.key for recovered in by_error[:6]],
    )


def _is_fit(sample: Sample) -> bool:
    truth = sample.truth
    near = abs(truth.azimuth_change_deg) <= MAX_AZIMUTH_DEG and truth.covisible_fraction >= MIN_COVISIBLE
    return near and math.hypot(*truth.translation) >= MIN_STEP


def _recover(item: Item, images: list[Array]) -> Recovered | None:
    import cv2

    first, second = item.sample.views[:2]
    points = _matches(images[0], images[1])
    if points is None:
        return None
    ours, theirs = (_on_plane(pixels, view) for pixels, view in zip(points, (first, second), strict=True))
    focal = 0.5 * (first.intrinsics[0][0] + second.intrinsics[0][0])
    cv2.setRNGSeed(0)
    essential, mask = cv2.findEssentialMat(
        ours, theirs, np.eye(3), method=cv2.RANSAC, prob=0.9999, threshold=RANSAC_PX / focal
    )
    if essential is None or essential.shape != (3, 3):
        return None
    inliers, rotation, step, _ = cv2.recoverPose(essential, ours, theirs, np.eye(3), mask=mask)
    poses = [np.array(view.world_from_camera) for view in (first, second)]
    true = poses[1][:3, :3].T @ poses[0][:3, :3]
    cosine = (np.trace(rotation.T @ true) - 1) / 2
    moved = -rotation.T @ step[:, 0]  # position of the second camera in the first one's axes, up to scale
    turned = rotation.T[:, 2]  # its viewing direction
    truth = item.sample.truth
    agrees = list[bool]()
    if abs(truth.translation[0]) >= max(CLEAR_STEP, 0.3 * math.hypot(*truth.translation)):
        agrees.append(bool((moved[0] > 0) == (truth.translation[0] > 0)))
    if abs(truth.yaw_deg) >= CLEAR_TURN_DEG:
        agrees.append(bool((_rightward(poses[0], turned) > 0) == (truth.yaw_deg > 0)))
    if not all(agrees):
        stated = _explained(ours, theirs, poses, RANSAC_PX / focal)
        if stated >= AS_GOOD * np.count_nonzero(mask):
            agrees = []
    return Recovered(
        item.key, item.group, int(inliers), math.degrees(math.acos(np.clip(cosine, -1, 1))), agrees
    )


def _explained(ours: Array, theirs: Array, poses: Sequence[Array], most: float) -> int:
    """How many matches lie at most so far from the epipolar lines of two poses.

    Args:
        ours, theirs: (n, 2) normalised image coordinates.
        poses: two (4, 4) world-from-camera matrices.
        most: Sampson distance, in the same coordinates.
    """
    rotation = poses[1][:3, :3].T @ poses[0][:3, :3]
    x, y, z = poses[1][:3, :3].T @ (poses[0][:3, 3] - poses[1][:3, 3])
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ rotation
    points = np.pad(ours, ((0, 0), (0, 1)), constant_values=1)
    others = np.pad(theirs, ((0, 0), (0, 1)), constant_values=1)
    lines = points @ essential.T
    back = others @ essential
    apart = np.einsum("ij,ij->i", others, lines)
    slope = (lines[:, :2] ** 2).sum(axis=1) + (back[:, :2] ** 2).sum(axis=1)
    return int(np.count_nonzero(apart**2 < most**2 * slope))


def _rightward(world_from_first: Array, looks: Array) -> float:
    """> 0 if a direction in the first camera's axes lies to the right of its view, seen from above."""
    ahead = world_from_first[:3, 2]
    then = world_from_first[:3, :3] @ looks
    return float(ahead[1] * then[0] - ahead[0] * then[1])


def _matches(first: Array, second: Array) -> tuple[Array, Array] | None:
    """Pixels that show the same point, by SIFT and Lowe's ratio.

    A feature that resembles another one of its own picture is left out: on wallpaper, tiles and stripes,
    matches that are off by a repeat agree with each other, and would outvote the right ones.
    """
    import cv2

    finder = cv2.SIFT_create(2000)  # type: ignore[attr-defined]
    features = [
        finder.detectAndCompute(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None) for image in (first, second)
    ]
    if any(descriptors is None or len(descriptors) < 8 for _, descriptors in features):
        return None
    matcher = cv2.BFMatcher()
    pairs = matcher.knnMatch(features[0][1], features[1][1], k=2)
    repeats = [
        [nearest[1].distance for nearest in matcher.knnMatch(descriptors, descriptors, k=2)]
        for _, descriptors in features
    ]
    kept = [
        match
        for match, other in pairs
        if match.distance
        < RATIO * min(other.distance, repeats[0][match.queryIdx], repeats[1][match.trainIdx])
    ]
    if len(kept) < 8:
        return None
    ours = np.array([features[0][0][match.queryIdx].pt for match in kept])
    theirs = np.array([features[1][0][match.trainIdx].pt for match in kept])
    return ours, theirs


def _on_plane(pixels: Array, view: View) -> Array:
    """OpenCV pixels (n, 2) -> normalised image coordinates (n, 2), at depth 1.

    OpenCV puts the first pixel's centre at 0, we put it at 0.5.
    """
    (fx, _, cx), (_, fy, cy), _ = view.intrinsics
    return (pixels + 0.5 - [cx, cy]) / [fx, fy]


SEEN = "seen in both"
OTHER = "two points, one in each picture"


def surface_points(samples: Samples) -> Probe:
    """Stored surface points lie where the poses project them, and look alike in both pictures."""
    return with_colours(points_projected(samples), samples)


def points_projected(samples: Samples) -> Probe:
    """Stored surface points lie where the poses project them."""
    problems = list[tuple[str, str]]()
    errors = list[float]()
    for item in samples.items:
        for image, view in enumerate(item.sample.views[:2]):
            for number, away in enumerate(reprojection_px(item.sample.seen.points, view, image)):
                errors.append(float(away))
                if not away < MAX_REPROJECTION_PX:
                    problems.append(
                        (
                            item.key,
                            f"point {number} is {away:.2f} px from where the pose has it in view {image}",
                        )
                    )
    name = "surface_points"
    what = "stored points of the surface, as the poses project them, within half a pixel of their pixels"
    if not errors:
        return not_measured(name, what, "no sample has points of its surface")
    detail = {"reprojection, px": {"median": float(np.median(errors)), "largest": max(errors)}}
    return all_of(name, what, len(errors), problems, detail=detail)


def with_colours(probe: Probe, samples: Samples) -> Probe:
    """The probe with the colour differences of both pictures around some of the points added to it."""
    colours = _point_colours(samples) if probe.n else {}
    detail = {
        "colours of both pictures around a point, median difference of 255 (a fact: shading moves)": colours
    }
    probe = probe.model_copy(update={"detail": {**probe.detail, **detail}})
    seen = colours.get(SEEN)
    other = colours.get(OTHER)
    if seen is None or other is None:
        return probe
    apart = f"{seen} apart, {other} around two points that are not the same"
    said = f"{probe.because}; colours around points: {apart}"
    return probe.model_copy(update={"because": said})


def _point_colours(samples: Samples) -> dict[str, str]:
    """Colour differences of the two pictures around a point, for pairs under one light fixed in the world.

    They are taken for points that both pictures show, for points that are hidden in one of them, and, for
    comparison, for two different points.
    """
    keys = samples.draw(
        {item.key for item in samples.items if _one_light(item.sample)}, MOST, "surface_points"
    )
    apart = defaultdict[str, list[float]](list)
    for item, images in samples.pictures(keys):
        points = item.sample.seen.points
        states = ["/".join(point.visible) for point in points]
        patches = [[_patch(images[i], *point.pixels[i]) for i in (0, 1)] for point in points]
        both = [i for i, state in enumerate(states) if state == "yes/yes"]
        for i, state in enumerate(states):
            first, second = patches[i]
            if first is None or second is None:
                continue
            if state == "yes/yes":
                apart[SEEN].append(_colours_apart(first, second))
                other = patches[both[(both.index(i) + 1) % len(both)]][1]
                if len(both) > 1 and other is not None:
                    apart[OTHER].append(_colours_apart(first, other))
            elif "no" in state and "yes" in state:
                apart["seen in one, hidden in the other"].append(_colours_apart(first, second))
    rng = samples.rng("surface_points")
    out = {}
    for state, values in apart.items():
        if len(values) >= FEWEST_PAIRS:
            low, high = median_interval(np.array(values), rng)
            out[state] = f"{np.median(values):.1f} of 255 (95 % {low:.1f} to {high:.1f}, n = {len(values)})"
    return out


def _one_light(sample: Sample) -> bool:
    lights = {view.light for view in sample.views[:2]}
    return bool(sample.seen.points) and len(lights) == 1 and next(iter(lights)).endswith("/world")


def _patch(image: Array, x: float, y: float) -> Array | None:
    """Mean colour of 3 x 3 pixels; None outside the picture."""
    column = int(x)
    row = int(y)
    if not (1 <= column < image.shape[1] - 1 and 1 <= row < image.shape[0] - 1):
        return None
    return np.asarray(image[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3).mean(axis=0))


def _colours_apart(first: Array, second: Array) -> float:
    return float(np.abs(first - second).mean())
