"""The shape of an object in 19 numbers that survive copying, renaming, retexturing, turning and exporting.

They are moments of the surface: area-weighted means of polynomials of its points, computed exactly for each
triangle. Neither the order of vertices and triangles nor the triangulation of a face matters. Points are
relative to the centroid of the surface and divided by its extent. Moments whose phase changes when the object
turns about the vertical are replaced by their absolute values. A mirror image has the same shape.
"""

from typing import Any

import numpy as np

from viewpoint100k.kinship import pack_shape
from viewpoint100k.objects.gltf import Surface

Array = np.ndarray[Any, np.dtype[np.float64]]

MAX_TRIANGLES = 2_000_000  # 72 bytes each; an object with more has no shape
_BLOCK = 65_536  # triangles per block

# A rule for triangles that is exact up to the fourth degree: Dunavant, "High degree efficient symmetrical
# Gaussian quadrature rules for the triangle", IJNME 21, 1985, table II, p = 4. Barycentric, and weights.
_A = 0.445948490915965
_B = 0.091576213509771
_CORNERS = np.array(
    [
        [1 - 2 * _A, _A, _A],
        [_A, 1 - 2 * _A, _A],
        [_A, _A, 1 - 2 * _A],
        [1 - 2 * _B, _B, _B],
        [_B, 1 - 2 * _B, _B],
        [_B, _B, 1 - 2 * _B],
    ]
)
_WEIGHTS = np.array([0.223381589678011] * 3 + [0.109951743655322] * 3)
# powers of x + iy, of the height, and of the squared distance from the vertical, up to the fourth degree in
# all; of the second degree without E[r^2], which is 1 - E[z^2]
_POWERS = (
    (0, 2, 0), (2, 0, 0), (1, 1, 0),
    (0, 3, 0), (0, 1, 1), (3, 0, 0), (2, 1, 0), (1, 2, 0), (1, 0, 1),
    (0, 4, 0), (0, 2, 1), (0, 0, 2), (4, 0, 0), (3, 1, 0), (2, 2, 0), (2, 0, 1), (1, 3, 0), (1, 1, 1),
)  # fmt: skip


def shape_of(surface: Surface) -> str:
    """The shape as `ObjectRecord.shape` has it; empty if the triangles have no area or no size.

    Args:
        surface: triangles in the axes of glTF: y is up.
    """
    corners = surface.triangles[:, :, [0, 2, 1]]  # x and z are level, y is up
    with np.errstate(all="ignore"):
        low = corners.min(axis=(0, 1), initial=np.inf)
        size = float(np.max(corners.max(axis=(0, 1), initial=-np.inf) - low))
        if not 0 < size < np.inf:
            return ""
        # scaled before anything is squared, because a file may be in micrometres
        corners = (corners - low) / size
        areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        total = float(areas.sum())
        if not 0 < total < np.inf:
            return ""
        values = _moments(corners, areas, total)
    return pack_shape(values) if np.isfinite(values).all() else ""


def _moments(corners: Array, areas: Array, total: float) -> Array:
    """(19,) numbers from -1 to 1.

    Args:
        corners: (n, 3, 3) of the triangles, the third coordinate up.
        areas: (n,) in any unit.
        total: the sum of the areas.
    """
    middle = np.einsum("n,nck->k", areas, corners) / (3 * total)
    spread = 0.0
    sums = np.zeros(len(_POWERS), dtype=complex)
    for start in range(0, len(corners), _BLOCK):
        points = np.einsum("qc,nck->nqk", _CORNERS, corners[start : start + _BLOCK] - middle).reshape(-1, 3)
        weights = (areas[start : start + _BLOCK, None] * _WEIGHTS / total).ravel()
        level = _powers(points[:, 0] + 1j * points[:, 1])
        up = _powers(points[:, 2])
        away = points[:, 0] ** 2 + points[:, 1] ** 2
        spread += float(weights @ (away + up[2]))
        for number, (m, i, j) in enumerate(_POWERS):
            sums[number] += np.sum(weights * away**j * up[i] * level[m])
    sums /= spread ** (np.array([m + i + 2 * j for m, i, j in _POWERS]) / 2)
    # in moments without x + iy, the sign says which end is up
    upright = np.array([m == 0 for m, _, _ in _POWERS])
    found = np.where(upright, sums.real, np.abs(sums))
    bounded = found / (1 + np.abs(found))
    how_much = np.clip(np.log10(total / spread) / 4, -1, 1)  # surface there is for the object's extent
    return np.append(bounded, how_much)


def _powers(values: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Powers from the zeroth to the fourth."""
    square = values * values
    return [np.ones_like(values), values, square, square * values, square * square]
