"""A set of posed photographs, the result of every reader.

It holds lenses, poses, and the reconstructed points, if any.

World: the set's own, whose up, unit and origin are arbitrary. Cameras:
OpenCV axes (x right, y down, z forward). Pixels: (0, 0) is the top left corner of the picture, as in
docs/conventions.md.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.geometry.rotations import Array

MOST_PHOTOGRAPHS = 20_000  # of a set; a long video has 3,000 frames
MOST_POINTS = 5_000_000  # of a set
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")  # accepted formats of pictures; others are not even opened
ORIENTATION = 0x0112  # the EXIF tag that says how the picture must be turned for display
LONGEST_PHOTO_PX = 32_000  # longest side of a stored photograph; OpenCV resamples none larger
MOST_DISTORTION = 20.0  # largest absolute value of a distortion coefficient
FARTHEST_FROM_RIGID = 1e-2  # largest deviation of a stored rotation from an exact one

Bending = Literal["none", "brown", "rational", "fisheye"]


class Lens(NamedTuple):
    """How a camera maps directions to pixels.

    `coefficients` are in OpenCV's order for their model: `brown` k1 k2 p1 p2 k3, `rational` those and k4 to
    k6 and s1 to s4, `fisheye` k1 to k4.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    bending: Bending = "none"
    coefficients: tuple[float, ...] = ()

    @property
    def matrix(self) -> Array:
        """(3, 3) in pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


class Photograph(NamedTuple):
    """One picture and its camera."""

    name: str  # its name in the set, where it is unique
    path: Path  # path of the picture, or of the video from which the frame is taken
    lens: Lens
    world_from_camera: Array  # (4, 4)
    mask: Path | None = None  # mask of the object, white on black, as large as the picture
    second: float | None = None  # time in the video in seconds, if it is a frame of one
    # left, top, right, bottom in pixels, where stated
    mask_box: tuple[float, float, float, float] | None = None


class Points(NamedTuple):
    """The points with which the poses were estimated, and the photographs that show them."""

    world: Array  # (N, 3)
    error_px: Array  # (N,) mean reprojection error; nan where unknown
    seen_in: Mapping[str, NDArray[np.int64]]  # name of a photograph -> rows of `world`, ascending


class PhotoSet(NamedTuple):
    """Photographs of one object."""

    name: str  # unique in its source; names files
    category: str
    photographs: tuple[Photograph, ...]
    points: Points | None
    form: str  # colmap, transforms, folders, middlebury, uco3d
    problems: tuple[str, ...] = ()  # why photographs were left out, one line each
    up: Array | None = None  # if the set itself states it, for example from an accelerometer
    title: str = ""
    licence: str = ""


def checked_lens(lens: Lens, where: str) -> Lens:
    """The lens, if its parameters are plausible.

    Raises:
        InputError: a number is not finite or out of bounds; says which.
    """
    if not (0 < lens.width <= LONGEST_PHOTO_PX and 0 < lens.height <= LONGEST_PHOTO_PX):
        raise InputError(
            f"{where}: a picture of {lens.width} x {lens.height} px; expected 1 to {LONGEST_PHOTO_PX} each "
            "way"
        )
    longest = max(lens.width, lens.height)
    if not all(0.05 * longest <= focal <= 100 * longest for focal in (lens.fx, lens.fy)):
        raise InputError(
            f"{where}: focal lengths {lens.fx:g} and {lens.fy:g}; expected pixels, from {0.05 * longest:g} "
            "to "
            f"{100 * longest:g} for this size"
        )
    if not (0 <= lens.cx <= lens.width and 0 <= lens.cy <= lens.height):
        raise InputError(
            f"{where}: principal point ({lens.cx:g}, {lens.cy:g}); expected one inside the {lens.width} x "
            f"{lens.height} picture"
        )
    bad = [value for value in lens.coefficients if not abs(value) <= MOST_DISTORTION]
    if bad:
        raise InputError(f"{where}: a distortion of {bad[0]:g}; expected at most {MOST_DISTORTION:g}")
    return lens


def rigid(rotation: Array, position: Array, where: str) -> Array:
    """(4, 4) world_from_camera, from a rotation that was stored with few digits and is made exact.

    Raises:
        InputError: a number is not finite, or the matrix is not a rotation.
    """
    if not (np.isfinite(rotation).all() and np.isfinite(position).all()):
        raise InputError(f"{where}: its pose has numbers that are not finite")
    if np.abs(position).max() > 1e9:
        raise InputError(
            f"{where}: its camera is {np.abs(position).max():g} from the origin; expected at most 1e9"
        )
    if np.abs(rotation).max() > 2:
        raise InputError(f"{where}: its pose has no rotation: a cell is {np.abs(rotation).max():g}")
    u, singular, vt = np.linalg.svd(rotation)
    exact = u @ vt
    if np.linalg.det(exact) < 0 or np.abs(singular - 1).max() > FARTHEST_FROM_RIGID:
        raise InputError(
            f"{where}: its pose has no rotation: stretches by {np.min(singular):.3f} to "
            f"{np.max(singular):.3f}, or "
            "mirrors; expected a right-handed rotation"
        )
    out = np.eye(4)
    out[:3, :3] = exact
    out[:3, 3] = position
    return out


def from_opengl(world_from_camera: Array) -> Array:
    """Convert a camera-to-world matrix from OpenGL camera axes (looking along -z, y up) to OpenCV axes."""
    return np.asarray(world_from_camera @ np.diag([1.0, -1.0, -1.0, 1.0]))


def finite(text: str, where: str, what: str) -> float:
    """A number of a text file.

    Raises:
        InputError: it is not a number, or not finite.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {what} is {text[:40]!a}; expected a finite number")
    return value


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a stored picture as it is displayed, from its header.

    Raises:
        InputError: it is not a picture that can be read.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            turned = picture.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path} is no picture: {one_line(str(error))}; expected JPEG, PNG or WebP"
        ) from error
    return (height, width) if turned else (width, height)
