"""What a flat look at pictures sees, without any idea of space: cues over which questions are balanced."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.geometry.rotations import Array

if TYPE_CHECKING:
    from PIL.Image import Image

LUMINANCE = (0.2126, 0.7152, 0.0722)  # Rec. 709, of displayed values
LUMINANCE_PX = 32  # a picture is scaled down to that before its mean is taken
GREY_PX = 48  # and to that before its drift is measured
BLURS = (8, 3, 1)  # passes, from coarse to fine: each widens by about a pixel
STEPS = 6  # of finding the drift, for each blur
LONGEST_STEP_PX = 3.0
STILL_PX = 0.02  # a step shorter than that ends the search


class Glance(NamedTuple):
    """One picture."""

    luminance: float  # mean as displayed, 0..1
    grey: NDArray[np.uint8]  # (GREY_PX, GREY_PX)


def glance_at(picture: "Image") -> Glance:
    """Look at a picture.

    Args:
        picture: opened and not yet decoded, if it is a JPEG: then it is decoded at a fraction, for little.
    """
    from PIL import Image

    picture.draft("RGB", (4 * LUMINANCE_PX, 4 * LUMINANCE_PX))
    picture = picture.convert("RGB")
    small = picture.resize((LUMINANCE_PX, LUMINANCE_PX), Image.Resampling.BOX)
    count = LUMINANCE_PX * LUMINANCE_PX
    sums = [sum(value * number for value, number in enumerate(band.histogram())) for band in small.split()]
    mean = sum(weight * total for weight, total in zip(LUMINANCE, sums, strict=True)) / (255 * count)
    grey = picture.convert("L").resize((GREY_PX, GREY_PX), Image.Resampling.BOX)
    return Glance(mean, np.asarray(grey, dtype=np.uint8))


def drift(first: Glance, second: Glance, box: Sequence[float]) -> tuple[float, float]:
    """How far the first picture's content inside a box drifts right and down in the second, in picture sides.

    One shift for the whole box, by least squares over the brightness (Lucas and Kanade, 1981), from blurred
    pictures to sharp ones. It is the mean optical flow, roughly: of a camera that orbits an object, its near
    side drifts against the move.

    Args:
        box: left, top, right and bottom, in picture sides.
    """
    inside = np.zeros((GREY_PX, GREY_PX))
    left, top, right, bottom = (int(side * GREY_PX) for side in box)
    inside[top : max(bottom, top + 1), left : max(right, left + 1)] = 1.0
    found = np.zeros(2)
    for passes in BLURS:
        now, then = (_blurred(one.grey.astype(np.float64), passes) for one in (first, second))
        down, across = np.gradient(now)
        slopes = np.stack([inside * across, inside * down]).reshape(2, -1)
        system = slopes @ slopes.T + 0.01 * np.eye(2)
        for _ in range(STEPS):
            step = np.linalg.solve(system, slopes @ (now - _moved(then, *found)).ravel())
            length = float(np.hypot(*step))
            found = found + step * min(1.0, LONGEST_STEP_PX / max(length, 1e-9))
            if length < STILL_PX:
                break
    return float(found[0]) / GREY_PX, float(found[1]) / GREY_PX


def _blurred(grey: Array, passes: int) -> Array:
    for _ in range(passes):
        wide = np.pad(grey, 1, mode="edge")
        high = wide[:-2] + 2 * wide[1:-1] + wide[2:]
        grey = (high[:, :-2] + 2 * high[:, 1:-1] + high[:, 2:]) / 16
    return grey


def _moved(grey: Array, right: float, down: float) -> Array:
    """The picture sampled at an offset right and down of each pixel: bilinear, clamped to the border."""
    x, y = (np.clip(np.arange(GREY_PX) + by, 0, GREY_PX - 1.001) for by in (right, down))
    column = x.astype(int)
    row = y.astype(int)
    part_x = x - column
    part_y = (y - row)[:, None]
    rows = grey[row] * (1 - part_y) + grey[row + 1] * part_y
    return np.asarray(rows[:, column] * (1 - part_x) + rows[:, column + 1] * part_x)
