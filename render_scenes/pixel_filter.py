"""The pixel filter of painted backgrounds, which is the renderer's: Blackman-Harris, 1.5 px to each side.

What is painted is a mean over a smaller part of the filter; mixing neighbouring pixels adds the rest. The
renderer's `filter_width` of 1.5 is half of the filter's width. No Blender here.
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
