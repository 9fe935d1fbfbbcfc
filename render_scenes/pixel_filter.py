"""The pixel filter of painted backgrounds, which is the renderer's: Blackman-Harris, 1.5 px to each side.

What is painted is a mean over a smaller part of the filter: looking up between pixels is one such mean.
Mixing neighbouring pixels adds the rest. The renderer's `filter_width` of 1.5 is half of the filter's width.
No Blender here.
"""

import numpy as np

Array = np.ndarray
VARIANCE = 0.1726  # of the whole filter along an axis, in square pixels
MARGIN = 1  # pixels around a picture that `smoothed` needs
# offsets from the middle of a pixel, whose box they fill: no two share a row or a column
QUARTERS = ((-0.125, -0.375), (0.375, -0.125), (-0.375, 0.125), (0.125, 0.375))


def smoothed(planes: Array, variance: float) -> Array:
    """(..., H, W) -> (..., H - 2, W - 2): each pixel mixed with its eight neighbours.

    Args:
        variance: that this adds along each axis, in square pixels.
    """
    side = np.float32(0.5 * variance)
    middle = np.float32(1 - variance)
    rows = middle * planes[..., 1:-1, :] + side * (planes[..., :-2, :] + planes[..., 2:, :])
    return np.asarray(middle * rows[..., 1:-1] + side * (rows[..., :-2] + rows[..., 2:]))


def interpolated(planes: Array, column: Array, row: Array, *, wraps: tuple[bool, bool]) -> Array:
    """A picture (channels, H, W) at fractional pixels of shape S, by bilinear interpolation.

    Args:
        column: of shape S; 0 is the middle of the first column. So is row.
        wraps: whether the picture's left and right sides meet, and its top and bottom. If they do not, the
            pixels at the edge continue beyond it.

    Returns:
        (channels, *S) float32.
    """
    _, height, width = planes.shape
    left, right, across = _neighbours(column, width, wraps[0])
    top, bottom, down = _neighbours(row, height, wraps[1])
    top *= width
    bottom *= width
    corners = (top + left, top + right, bottom + left, bottom + right)
    out = np.empty((len(planes), *column.shape), dtype=np.float32)
    for plane, mixed in zip(planes, out, strict=True):  # plane by plane: numpy is slow along short axes
        flat = plane.ravel().astype(np.float32, copy=False)
        # numpy is fastest where it may clip; no corner is outside
        one, two, three, four = (flat.take(corner, mode="clip") for corner in corners)
        two -= one
        two *= across
        two += one
        four -= three
        four *= across
        four += three
        four -= two
        four *= down
        np.add(two, four, out=mixed)
    return out


def _neighbours(place: Array, count: int, wraps: bool) -> tuple[Array, Array, Array]:
    """The pixels before and after fractional ones along an axis with `count`, and the share of the latter."""
    if not wraps:
        place = np.clip(place, 0, count - 1)
    floor = np.floor(place)
    share = place - floor
    before = floor.astype(np.intp)
    after = before + 1
    if not wraps:
        return before, np.minimum(after, count - 1, out=after), share
    if count & (count - 1) == 0:  # a power of two: a remainder takes several times as long
        return before & (count - 1), after & (count - 1), share
    return before % count, after % count, share
