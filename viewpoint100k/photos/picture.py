"""Turns a photograph into a view like a rendered one.

The result is square, undistorted and upright, with the object in it and the principal point in its middle.

The picture is what a pinhole camera at the same position would have taken. Lens distortion is removed, and if
the square around the object lies off the photograph's middle, the camera is rotated to look there. A mere
crop would show another direction than its pose says. The only change of the extrinsics is a rotation, which
the new pose contains.
"""

import io
import math
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.photos.posed import FORMATS, LONGEST_PHOTO_PX, Lens, Photograph
from viewpoint100k.photos.subject import Subject
from viewpoint100k.shards import open_inside

MOST_PIXELS = 200_000_000  # largest stored photograph
SAME_SHAPE = 0.01  # relative difference allowed between the aspect ratios of a scaled picture and of its lens
BORDER = 33  # points along a side of the square that must lie inside the photograph
AIMS = 11  # directions that are tried, from the photograph's own axis to the object's centre
MOST_MISSING = 0.5  # greatest part of the object beyond an edge of the square, in radii of its sphere
ROOM = 1.02  # around the object
NARROWEST = 0.6  # least size of a square, relative to the largest one around the principal point
JPEG_QUALITY = 95
WHITE = 127  # mask values above this are the object
FEWEST_WHITE = 0.002  # least share of the picture that a mask covers


class Pixels(NamedTuple):
    """A decoded photograph, and its lens in the decoded picture's pixels."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    lens: Lens


class Camera(NamedTuple):
    """A distortion-free, square camera at the position of a photograph's camera."""

    world_from_camera: Array  # (4, 4), in the set's world
    half: float  # half the picture's side at distance 1


def decoded(photo: Photograph) -> Pixels:
    """The photograph as it is displayed.

    Poses belong to the displayed picture: EXIF's orientation is applied, unless only the stored picture has
    the aspect ratio of the lens.

    Raises:
        InputError: it cannot be decoded, or has another shape than its lens.
    """
    picture = _frame(photo) if photo.second is not None else _opened(photo)
    height, width = picture.shape[:2]
    lens = photo.lens
    scale = width / lens.width
    if abs(height / lens.height - scale) > SAME_SHAPE * scale:
        raise InputError(
            f"{photo.path} has {width} x {height} pixels; its camera was found for {lens.width} x "
            f"{lens.height}"
        )
    down = height / lens.height
    scaled = lens._replace(
        width=width,
        height=height,
        fx=lens.fx * scale,
        fy=lens.fy * down,
        cx=lens.cx * scale,
        cy=lens.cy * down,
    )
    return Pixels(picture, scaled)


def _opened(photo: Photograph) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    try:
        with open_inside(photo.path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(file, formats=FORMATS)
            width, height = picture.size
            if max(width, height) > LONGEST_PHOTO_PX or width * height > MOST_PIXELS:
                raise InputError(
                    f"{photo.path} has {width} x {height} pixels; expected at most {MOST_PIXELS:,}"
                )
            displayed = ImageOps.exif_transpose(picture)
            if _fits(picture.size, photo.lens) and not _fits(displayed.size, photo.lens):
                displayed = picture
            return np.asarray(displayed.convert("RGB"))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise InputError(f"{photo.path} cannot be decoded: {one_line(str(error))}") from error


def _fits(size: tuple[int, int], lens: Lens) -> bool:
    scale = size[0] / lens.width
    return abs(size[1] / lens.height - scale) <= SAME_SHAPE * scale


def _frame(photo: Photograph) -> NDArray[np.uint8]:
    """A frame of a video, by its time."""
    import cv2

    capture = cv2.VideoCapture(str(photo.path))
    try:
        capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * (photo.second or 0.0))
        whole, frame = capture.read()
    finally:
        capture.release()
    if not whole or frame is None:
        raise InputError(f"{photo.path} has no frame at {photo.second:.3f} s")
    return np.asarray(frame[:, :, ::-1], dtype=np.uint8)


# --- the camera that takes the square ------------------------------------------------------------------


def square_camera(photo: Photograph, subject: Subject, turns: int) -> Camera | None:
    """The square camera that shows the object and is rotated least from the photograph's own axis.

    Args:
        turns: quarter turns counter-clockwise by which the picture is turned upright.

    Returns:
        The camera, or None if no square of the photograph shows the object.
    """
    rotation = photo.world_from_camera[:3, :3] @ _quarter(turns)
    away = rotation.T @ (subject.centre - photo.world_from_camera[:3, 3])
    distance = float(np.linalg.norm(away))
    if away[2] <= 0 or distance <= subject.radius:
        return None
    size = math.tan(math.asin(subject.radius / distance))
    widest = _largest(photo.lens, _quarter(turns))
    best: tuple[float, Array, float] | None = None
    for step in np.linspace(0, 1, AIMS):
        aim = _towards(away / distance, float(step))
        half = widest if step == 0 else _largest(photo.lens, _quarter(turns) @ aim)
        if half < NARROWEST * widest:
            break
        local = aim.T @ away
        off = float(max(abs(local[0]), abs(local[1])) / local[2])
        missing = max(0.0, off + ROOM * size - half)
        if best is None or missing < best[0]:
            best = (missing, aim, half)
        if missing == 0:
            break
    # an object that is cut a little still shows how the camera moved; half an object hardly does
    if best is None or best[0] > MOST_MISSING * size:
        return None
    pose = photo.world_from_camera.copy()
    pose[:3, :3] = rotation @ best[1]
    return Camera(pose, best[2])


def _quarter(turns: int) -> Array:
    """(3, 3) axes of the turned camera in those of the photograph.

    The picture is turned by quarter turns counter-clockwise.
    """
    c, s = ((1, 0), (0, 1), (-1, 0), (0, -1))[turns % 4]
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _towards(direction: Array, share: float) -> Array:
    """(3, 3) rotation by a share of the shortest turn from straight ahead to a direction."""
    axis = np.array([-direction[1], direction[0], 0.0])
    length = float(np.linalg.norm(axis))
    if length < 1e-12 or share == 0:
        return np.eye(3)
    angle = share * math.atan2(length, float(direction[2]))
    x, y, z = axis / length
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross))


def _largest(lens: Lens, photo_from_square: Array) -> float:
    """Half the side, at distance 1, of the largest square that lies inside the photograph."""
    low = 0.0
    high = 2 * max(lens.width / lens.fx, lens.height / lens.fy)
    if _inside(lens, photo_from_square, high):
        return high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _inside(lens, photo_from_square, middle) else (low, middle)
    return low


def _inside(lens: Lens, photo_from_square: Array, half: float) -> bool:
    side = np.linspace(-half, half, BORDER)
    ends = np.full(BORDER, half)
    x = np.concatenate([side, side, -ends, ends])
    y = np.concatenate([-ends, ends, side, side])
    rays = np.column_stack([x, y, np.ones(4 * BORDER)]) @ photo_from_square.T
    if (rays[:, 2] <= 0.05).any():
        return False
    pixels = pixels_of(rays, lens)
    slack = 1e-9 * max(lens.width, lens.height)
    return bool(
        (pixels >= -slack).all() and (pixels[:, 0] <= lens.width + slack).all()
        and (pixels[:, 1] <= lens.height + slack).all() and _unfolded(rays, pixels, lens)
    )  # fmt: skip


def _unfolded(rays: Array, pixels: Array, lens: Lens) -> bool:
    """Whether the lens is still monotonic there: a polynomial may fold back into the picture far off axis."""
    if lens.bending == "none":
        return True
    wider = rays * np.array([1.001, 1.001, 1.0])
    centre = np.array([lens.cx, lens.cy])
    return bool(
        (
            np.linalg.norm(pixels_of(wider, lens) - centre, axis=1) > np.linalg.norm(pixels - centre, axis=1)
        ).all()
    )


def pixels_of(rays: Array, lens: Lens) -> Array:
    """(N, 2) projections of directions in camera axes, in pixels; (0, 0) is the picture's corner, as in
    `Lens`.

    Args:
        rays: (N, 3) with z > 0.
    """
    if lens.bending == "none":
        return np.asarray(rays[:, :2] / rays[:, 2:] * [lens.fx, lens.fy] + [lens.cx, lens.cy])
    import cv2

    still = np.zeros(3)
    points = np.ascontiguousarray((rays / rays[:, 2:])[:, None], dtype=np.float64)
    numbers = np.zeros({"fisheye": 4, "brown": 5, "rational": 12}[lens.bending])
    numbers[: len(lens.coefficients)] = lens.coefficients
    if lens.bending == "fisheye":
        found, _ = cv2.fisheye.projectPoints(points, still, still, lens.matrix, numbers)
    else:
        found, _ = cv2.projectPoints(points, still, still, lens.matrix, numbers)
    return np.asarray(found.reshape(-1, 2), dtype=np.float64)


# --- the picture that it takes -------------------------------------------------------------------------


def taken(photo: Photograph, pixels: Pixels, camera: Camera, size_px: int) -> NDArray[np.uint8]:
    """(size_px, size_px, 3) the square picture, averaged down from a finer one if the photograph is finer."""
    return _resampled(photo, pixels.rgb, pixels.lens, camera, size_px)


def _resampled(photo: Photograph, source: Any, lens: Lens, camera: Camera, size_px: int) -> NDArray[np.uint8]:
    import cv2

    fine = max(1, round(2 * camera.half * max(lens.fx, lens.fy) / size_px))
    side = fine * size_px
    # the middles of the pixels, as directions
    at = (np.arange(side) + 0.5) / side * 2 * camera.half - camera.half
    x, y = np.meshgrid(at, at)
    photo_from_square = photo.world_from_camera[:3, :3].T @ camera.world_from_camera[:3, :3]
    square = np.column_stack([x.ravel(), y.ravel(), np.ones(side * side)])
    rays = np.asarray(square @ photo_from_square.T, dtype=np.float64)
    # OpenCV puts the centre of the first pixel at 0
    pixels = (pixels_of(rays, lens) - 0.5).astype(np.float32).reshape(side, side, 2)
    out = cv2.remap(source, pixels, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    if fine > 1:
        out = cv2.resize(out, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(out, dtype=np.uint8)


def mask_taken(photo: Photograph, pixels: Pixels, camera: Camera, size_px: int) -> NDArray[np.bool_] | None:
    """(size_px, size_px) bool: where the square picture shows the object; None if no mask shows it.

    Raises:
        InputError: the mask cannot be decoded, or has another shape than the picture.
    """
    if photo.mask is None:
        return None
    mask = decoded(photo._replace(path=photo.mask, mask=None, second=None))
    grey = np.ascontiguousarray(mask.rgb.max(axis=2))
    out = _resampled(photo, grey, mask.lens, camera, size_px) > WHITE
    return out if out.mean() >= FEWEST_WHITE else None


def mask_box(mask: NDArray[np.bool_], width: int = 0) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a mask's object, in pixels.

    Args:
        width: width of the masked picture, if it differs from that of the mask; 0: it does not.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    scale = width / mask.shape[1] if width else 1.0
    edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    left, top, right, bottom = (float(edge * scale) for edge in edges)
    return left, top, right, bottom


def as_jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """The picture as JPEG, the same bytes for the same pixels."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
