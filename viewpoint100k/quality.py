"""Judges whether an object or a picture is fit for questions; each verdict has a reason and a threshold.

An object is judged by the depth and albedo of its probes, a ring of small, cheap views, before any full
picture is rendered. The probes also say how symmetric it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.points import chirality
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.geometry.visibility import (
    BACKGROUND_DIFFERENCE,
    FAR,
    Capture,
    Surface,
    mask,
    merge,
    surface,
)
from viewpoint100k.records import View, matrix

# the only problem that leaves some questions: those whose wrong answers still look different
SYMMETRIC = "symmetric"
FOLDS = (2, 3, 4, 6)  # orders of symmetry that a ring of twelve probes can tell
NOTHING = 1e10  # depth where there is no object
FEWEST_POINTS = 4  # fewer points span no volume
GRID = 24  # cells along the object's widest side, for finding connected parts
FLOOR = 0.06  # share of the object's diameter: points up to this height above the lowest belong to the floor
LOW = 0.15  # height over width: an object lower than this is itself flat
UPRIGHT = 0.95  # cosine of a normal that points up


class Statistics(NamedTuple):
    """Statistics of the object's displayed pixels, each in 0..1. A probe has its opacity only."""

    opacity: float  # mean alpha
    luminance: float = 0.0  # mean
    contrast: float = 0.0  # standard deviation of the luminance
    dark: float = 0.0  # share of pixels that are black
    bright: float = 0.0  # share of pixels that are white
    from_background: float = 0.0  # mean difference from the background that the object hides


class RenderedView(NamedTuple):
    """One view as the renderer returned it."""

    view: View
    image: bytes  # JPEG; empty for a probe
    depth: NDArray[np.float32]  # (H, W) in world units, `FAR` or more where there is no object
    albedo: NDArray[np.float32]  # (H, W, 3) in [0, 1]
    statistics: Statistics
    # (H, W) in a scene: number of the visible object, counted from 1; 0: none
    part_index: NDArray[np.uint8] | None = None
    solo: tuple[int, ...] = ()  # in a scene: pixels that each object would have if it were alone
    # for each object, the numbers of those that hide it, counted from 0
    hidden_by: tuple[tuple[int, ...], ...] = ()
    changes: int = 0  # number of the object that the scene's event changes, counted from 1; 0: none

    @property
    def capture(self) -> Capture:
        return Capture(
            self.depth, self.albedo, matrix(self.view.world_from_camera), matrix(self.view.intrinsics)
        )


def unchanged(view: RenderedView) -> RenderedView:
    """A view without the object that the scene's event changes: camera questions assume a still scene."""
    if view.part_index is None or not view.changes:
        return view
    gone = view.part_index == view.changes
    depth = np.where(gone, np.float32(NOTHING), view.depth)
    return view._replace(depth=depth, albedo=np.where(gone[..., None], np.float32(0), view.albedo))


class Drop(NamedTuple):
    """Why an object, a view or a pair is not used."""

    kind: str  # for counting
    why: str  # one line for people


class Portrait(NamedTuple):
    """What the probes say about an object."""

    cloud: Surface
    # mean difference between the object and its rotated self over all turns of the ring, 0..1
    asymmetry: float
    folds: dict[
        int, float
    ]  # difference after a turn of 360/k degrees, over `asymmetry`: near 0 if symmetric of order k
    thickness: float  # ratio of the thinnest to the widest direction
    main_part: float  # share of the surface in the largest connected part
    slab: float  # share of the footprint that is bare floor around the object
    chirality: float  # difference between the object and its mirror image, however turned
    problem: Drop | None


def portray(probes: Sequence[RenderedView], gates: GateConfig) -> Portrait:
    """Judge an object by its ring of probes.

    Args:
        probes: views from all around, equally spaced in azimuth, at one elevation and distance.
    """
    captures = [probe.capture for probe in probes]
    # a coarse cloud, because it is compared with pictures many times
    cloud = merge([surface(capture, max_points=500) for capture in captures])
    if len(cloud.points) < FEWEST_POINTS:
        none = dict.fromkeys(FOLDS, 0.0)
        return Portrait(cloud, 0.0, none, 0.0, 0.0, 0.0, 0.0, _nothing_measured(probes, gates))
    dense = merge([surface(capture) for capture in captures])
    difference = turntable(captures)
    asymmetry = float(difference[1:].mean())
    folds = {
        k: float(difference[len(captures) // k] / max(asymmetry, 1e-9))
        for k in FOLDS
        if len(captures) % k == 0
    }
    portrait = Portrait(
        cloud,
        asymmetry,
        folds,
        _thickness(dense.points),
        _main_part(dense),
        _slab(dense),
        chirality(cloud, captures),
        problem=None,
    )
    return portrait._replace(problem=_object_problem(portrait, probes, gates))


def _nothing_measured(probes: Sequence[RenderedView], gates: GateConfig) -> Drop:
    """Why the probes of an object show no or hardly any point of its surface."""
    shown = [probe for probe in probes if mask(probe.capture).any()]
    if not shown:
        return Drop("empty", "nothing can be seen of it")
    return _see_through(shown, gates) or Drop(
        "unmeasurable",
        "hardly a pixel of its probes shows a piece of surface to measure: it is too thin or too faint",
    )


def _see_through(probes: Sequence[RenderedView], gates: GateConfig) -> Drop | None:
    opacity = float(np.mean([p.statistics.opacity for p in probes]))
    if opacity < gates.min_opacity:
        return Drop("see-through", f"its mean alpha is {opacity:.2f}, less than {gates.min_opacity}")
    return None


def turntable(ring: Sequence[Capture]) -> Array:
    """How different the object looks after each turn of the ring, by albedo and shape and without light.

    The views of a ring are what a turntable would show: entry k compares each view with the one k steps
    ahead.

    Returns:
        (len(ring),) mean difference in [0, 1]; entry 0 is 0.

    Source:
        Self-similarity across views; Orient Anything v2 predicts the same order of symmetry from pictures.
    """
    small = [_halved(capture) for capture in ring]
    out = np.zeros(len(ring))
    for step in range(1, len(ring) // 2 + 1):
        pairs = [_halves_difference(small[i], small[(i + step) % len(ring)]) for i in range(len(ring))]
        out[step] = out[-step] = np.mean(pairs)
    return out


def _halved(capture: Capture) -> tuple[Array, Array]:
    """Albedo and relative depth at half the resolution, because one path per pixel leaves textures noisy."""
    seen = mask(capture)
    height, width = (n // 2 * 2 for n in seen.shape)
    blocks = seen[:height, :width].reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3))
    distance = np.linalg.norm(capture.world_from_camera[:3, 3])

    def mean(values: NDArray[np.float32]) -> Array:
        masked = np.where(seen[..., None], values, 0.0)[:height, :width].astype(np.float64)
        sums = masked.reshape(height // 2, 2, width // 2, 2, -1).sum(axis=(1, 3))
        return np.where((blocks >= 2)[..., None], sums / np.maximum(blocks, 1)[..., None], np.nan)

    return mean(capture.albedo), mean(capture.depth[..., None])[..., 0] / float(distance)


def picture_difference(a: Capture, b: Capture) -> float:
    """How different two small views are in albedo and shape: the mean over both outlines, in [0, 1]."""
    return _halves_difference(_halved(a), _halved(b))


def _halves_difference(a: tuple[Array, Array], b: tuple[Array, Array]) -> float:
    """Mean difference over the union of both outlines."""
    either = np.isfinite(a[1]) | np.isfinite(b[1])
    both = np.isfinite(a[1]) & np.isfinite(b[1])
    of_albedo = np.abs(a[0][both] - b[0][both]).mean(axis=1)
    of_shape = np.minimum(2 * np.abs(a[1][both] - b[1][both]), BACKGROUND_DIFFERENCE)
    outside = BACKGROUND_DIFFERENCE * float((either & ~both).sum())
    return float((np.maximum(of_albedo, of_shape).sum() + outside) / max(int(either.sum()), 1))


def _thickness(points: Array) -> float:
    """Ratio of the thinnest to the widest direction of a point cloud, by standard deviations."""
    if len(points) < FEWEST_POINTS:
        return 0.0
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(points.T)), 0))
    return float(spread[0] / max(spread[2], 1e-12))


def _main_part(cloud: Surface) -> float:
    """Share of the visible surface in its largest connected part, on a grid with corner neighbours.

    Cells above others belong to them, because the ring does not see, for example, the underside of a
    mushroom's cap.
    """
    if not len(cloud.points):
        return 0.0
    low = cloud.points.min(axis=0)
    side = max(float(np.max(np.ptp(cloud.points, axis=0))), 1e-9)
    cells = np.minimum(((cloud.points - low) / side * GRID).astype(int), GRID - 1)
    area = np.zeros((GRID,) * 3)
    np.add.at(area, tuple(cells.T), cloud.area)
    filled = area > 0
    label = np.where(filled, np.arange(1, GRID**3 + 1).reshape(filled.shape), 0)
    while True:  # the largest label of a part spreads over the whole part
        wider = label
        for axis in range(3):
            padded = np.pad(wider, [(1, 1) if a == axis else (0, 0) for a in range(3)])
            wider = np.max([np.take(padded, np.arange(GRID) + k, axis=axis) for k in range(3)], axis=0)
        wider = np.broadcast_to(wider.max(axis=2, keepdims=True), wider.shape)
        wider = np.where(filled, wider, 0)
        if (wider == label).all():
            break
        label = wider
    parts = np.bincount(label[filled], weights=area[filled])
    return float(np.max(parts) / area.sum())


def _slab(cloud: Surface) -> float:
    """Share of the footprint that is bare, level floor around the object; 0 if the object itself is flat."""
    if not len(cloud.points):
        return 0.0
    low = cloud.points.min(axis=0)
    size = np.ptp(cloud.points, axis=0)
    level = (cloud.normals[:, 2] > UPRIGHT) & (
        cloud.points[:, 2] - low[2] < FLOOR * float(np.linalg.norm(size))
    )

    def cells(points: Array) -> set[tuple[int, int]]:
        return set(
            map(tuple, ((points[:, :2] - low[:2]) / max(size[0], size[1], 1e-9) * 16).astype(int).tolist())
        )

    above = cloud.points[:, 2] - low[2] >= FLOOR * float(np.linalg.norm(size))
    if above.mean() < 0.02 or size[2] < LOW * max(size[0], size[1]):
        return 0.0  # a plate, or a pizza on a plate, is not a slab with something else on it
    footprint = cells(cloud.points)
    return len(cells(cloud.points[level]) - cells(cloud.points[above])) / max(len(footprint), 1)


def _object_problem(portrait: Portrait, probes: Sequence[RenderedView], gates: GateConfig) -> Drop | None:
    """Why an object is not worth a full picture; None if it is."""
    if not all(np.isfinite(p.depth).all() and np.isfinite(p.albedo).all() for p in probes):
        return Drop("broken", "depth or albedo holds NaN")
    if portrait.main_part < gates.min_main_part:
        why = f"only {portrait.main_part:.2f} of its surface hangs together, less than {gates.min_main_part}"
        return Drop("several things", why)
    if portrait.slab > gates.max_slab:
        return Drop(
            "ground slab", f"{portrait.slab:.2f} of its footprint is bare floor, more than {gates.max_slab}"
        )
    if portrait.thickness < gates.min_thickness:
        why = (
            f"its thinnest direction is {portrait.thickness:.3f} of the widest, less than "
            f"{gates.min_thickness}"
        )
        return Drop("flat as paper", why)
    if (faint := _see_through(probes, gates)) is not None:
        return faint
    if portrait.asymmetry < gates.min_asymmetry:
        why = (
            f"turned, it differs from itself by {portrait.asymmetry:.3f} only, less than "
            f"{gates.min_asymmetry}"
        )
        return Drop(SYMMETRIC, why)
    return None


def view_problem(view: RenderedView, gates: GateConfig) -> Drop | None:
    """Why a picture cannot be used; None if it can."""
    if not np.isfinite(view.albedo).all() or not np.isfinite(view.depth).all():
        return Drop("broken views", "depth or albedo holds NaN")
    seen = view.depth < FAR
    stats = view.statistics
    share = float(seen.mean())
    border = float(np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]]).mean())
    if share == 0:
        return Drop("empty views", "no object in the picture")
    if share < gates.min_object_share:
        return Drop(
            "views of a speck",
            f"the object fills {share:.4f} of the frame, less than {gates.min_object_share}",
        )
    if border > gates.max_border_share:
        return Drop(
            "cut views", f"it covers {border:.3f} of the frame's border, more than {gates.max_border_share}"
        )
    if stats.opacity < gates.min_opacity:
        return Drop("see-through views", f"mean alpha {stats.opacity:.2f}, less than {gates.min_opacity}")
    if stats.luminance < gates.luminance.low or stats.dark > gates.max_clipped:
        return Drop(
            "under-exposed views", f"mean luminance {stats.luminance:.3f}, {stats.dark:.2f} of it black"
        )
    if stats.luminance > gates.luminance.high or stats.bright > gates.max_clipped:
        return Drop(
            "over-exposed views", f"mean luminance {stats.luminance:.3f}, {stats.bright:.2f} of it white"
        )
    if stats.contrast < gates.min_contrast:
        return Drop(
            "flat views", f"luminance varies by {stats.contrast:.3f} only, less than {gates.min_contrast}"
        )
    if stats.from_background < gates.min_from_background:
        why = (
            f"differs from the background by {stats.from_background:.3f} only, less than "
            f"{gates.min_from_background}"
        )
        return Drop("hidden views", why)
    return None
