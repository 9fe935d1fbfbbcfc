"""A level floor under a half sphere, onto which a panorama is projected. No Blender here."""

from typing import NamedTuple

import numpy as np


class Dome(NamedTuple):
    """A level floor under a half sphere, onto which a panorama is projected from where it was taken."""

    ground: float  # height of the floor; the sphere's centre lies on it, on the vertical axis
    eye: float  # height of the panorama's camera above the floor
    radius: float


def dome_hits(dome: Dome, origin: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(...) distances at which rays meet the floor or the sphere, in lengths of their directions.

    Args:
        origin: (3,) within the dome.
        direction: (3, ...) of any length.
    """
    from_middle = (origin - np.array([0.0, 0.0, dome.ground])).astype(np.float32)
    along = np.einsum("i,i...->...", from_middle, direction)
    squared = (direction**2).sum(axis=0)
    inside = float(from_middle @ from_middle) - dome.radius**2
    sphere = (-along + np.sqrt(np.maximum(along**2 - squared * inside, 0))) / squared
    falls = direction[2] < -1e-6
    floor = from_middle[2] / np.where(falls, -direction[2], 1)
    return np.asarray(np.where(falls & (floor < sphere), floor, sphere))
