"""Reads COLMAP's models, text and binary, within bounds.

This is our own reader, because pycolmap answers a truncated file with an index error, or allocates as much
memory as the file demands. Both forms are documented (COLMAP, "Output Format"). Poses are world-to-camera in
OpenCV axes, as a quaternion with the real part first. The centre of the first pixel is (0.5, 0.5), as in this
project. Tracks are taken from the points.
"""

import mmap
import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.geometry.cameras import invert
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.photos.posed import (
    MOST_PHOTOGRAPHS,
    MOST_POINTS,
    Bending,
    Lens,
    Points,
    checked_lens,
    finite,
    rigid,
)
from viewpoint100k.shards import open_inside

PARTS = ("cameras", "images", "points3D")
MOST_CAMERAS = MOST_PHOTOGRAPHS
MOST_LINE_BYTES = 32 << 20  # longest line of a text file; a picture's 100,000 points take 5 MB
MOST_NAME_BYTES = 1000
MOST_OBSERVATIONS = 200_000_000  # of all points together
UNIT_ATOL = 1e-2  # tolerance of a quaternion's length


class Model(NamedTuple):
    """A camera model of COLMAP: the number of its focal lengths, and the meaning of its other parameters."""

    name: str
    focals: int
    bending: Bending
    coefficients: int

    @property
    def numbers(self) -> int:
        return self.focals + 2 + self.coefficients


# by the model number in binary files
MODELS = {
    0: Model("SIMPLE_PINHOLE", 1, "none", 0),
    1: Model("PINHOLE", 2, "none", 0),
    2: Model("SIMPLE_RADIAL", 1, "brown", 1),
    3: Model("RADIAL", 1, "brown", 2),
    4: Model("OPENCV", 2, "brown", 4),
    5: Model("OPENCV_FISHEYE", 2, "fisheye", 4),
    6: Model("FULL_OPENCV", 2, "rational", 8),
    8: Model("SIMPLE_RADIAL_FISHEYE", 1, "fisheye", 1),
    9: Model("RADIAL_FISHEYE", 1, "fisheye", 2),
}
BY_NAME = {model.name: model for model in MODELS.values()}
# OpenCV does not support these lenses; COLMAP's own `image_undistorter` does
UNSUPPORTED = {7: "FOV", 10: "THIN_PRISM_FISHEYE", 11: "RAD_TAN_THIN_PRISM_FISHEYE"}


class Image(NamedTuple):
    """A picture as a model lists it."""

    number: int
    name: str
    lens: Lens
    world_from_camera: Array  # (4, 4)


class Model3D(NamedTuple):
    """A whole model."""

    images: list[Image]
    points: Points | None
    problems: list[str]  # why pictures were left out


def has_model(folder: Path) -> bool:
    """Whether the three files of a model lie in a folder."""
    return any(all((folder / f"{part}{form}").is_file() for part in PARTS) for form in (".bin", ".txt"))


def read_model(folder: Path) -> Model3D:
    """The model in a folder; the binary one if both forms exist.

    Raises:
        InputError: a file is missing, truncated or not of this form; names the file and the place in it.
    """
    form = ".bin" if (folder / "images.bin").is_file() else ".txt"
    for part in PARTS:
        if not (folder / f"{part}{form}").is_file():
            raise InputError(
                f"{folder} has no {part}{form}; expected cameras{form}, images{form} and points3D{form}"
            )
    if form == ".bin":
        lenses = _binary_lenses(folder / "cameras.bin")
        images, problems = _kept(_binary_images(folder / "images.bin"), lenses, folder / "images.bin")
        points = _points(_binary_points(folder / "points3D.bin"), images)
    else:
        lenses = _text_lenses(folder / "cameras.txt")
        images, problems = _kept(_text_images(folder / "images.txt"), lenses, folder / "images.txt")
        points = _points(_text_points(folder / "points3D.txt"), images)
    return Model3D(images, points, problems)


# --- both forms ------------------------------------------------------------------------------------


class _Posed(NamedTuple):
    """A picture as its file describes it; only the form was checked."""

    number: int
    camera: int
    name: str
    quaternion: tuple[float, ...]
    translation: tuple[float, ...]


class _Point(NamedTuple):
    world: tuple[float, ...]
    error_px: float
    images: NDArray[np.int64]  # numbers of the pictures that show it


def _lens(model: Model, width: int, height: int, numbers: tuple[float, ...], where: str) -> Lens:
    if len(numbers) != model.numbers:
        raise InputError(f"{where}: {model.name} with {len(numbers)} numbers; expected {model.numbers}")
    if not np.isfinite(numbers).all():
        raise InputError(f"{where}: {model.name} with numbers that are not finite")
    fx = numbers[0]
    fy = numbers[model.focals - 1]
    cx, cy, *bent = numbers[model.focals :]
    lens = Lens(width, height, fx, fy, cx, cy, model.bending, tuple(bent))
    return checked_lens(lens, where)


def _kept(posed: Iterator[_Posed], lenses: dict[int, Lens], path: Path) -> tuple[list[Image], list[str]]:
    """The pictures whose poses can be used, by name, and why the others cannot."""
    images = dict[str, Image]()
    problems = list[str]()
    for picture in posed:
        where = f"{path}: picture {one_line(picture.name, 80)!a}"
        if picture.camera not in lenses:
            raise InputError(
                f"{where} was taken by camera {picture.camera}, which its cameras file does not have"
            )
        if picture.name in images:
            raise InputError(f"{where} is listed twice; expected each once")
        try:
            pose = _world_from_camera(picture, where)
        except InputError as error:
            problems.append(str(error))
            continue
        images[picture.name] = Image(picture.number, picture.name, lenses[picture.camera], pose)
        if len(images) > MOST_PHOTOGRAPHS:
            raise InputError(f"{path} lists more than {MOST_PHOTOGRAPHS:,} pictures; expected fewer")
    return [images[name] for name in sorted(images)], problems


def _world_from_camera(posed: _Posed, where: str) -> Array:
    quaternion = np.array(posed.quaternion)
    translation = np.array(posed.translation)
    length = float(np.linalg.norm(quaternion))
    if not abs(length - 1) <= UNIT_ATOL:
        raise InputError(f"{where}: its quaternion has length {length:.3g}; expected 1")
    w, x, y, z = quaternion / length
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return invert(rigid(rotation, translation, where))


def _points(listed: Iterator[_Point], images: list[Image]) -> Points | None:
    """The points in arrays.

    Tracks name pictures by number; observations in pictures that were left out are dropped.
    """
    name_of = {image.number: image.name for image in images}
    world = list[tuple[float, ...]]()
    errors = list[float]()
    seen = defaultdict[str, list[int]](list)
    observations = 0
    for point in listed:
        observations += len(point.images)
        if observations > MOST_OBSERVATIONS:
            raise InputError(f"the points have more than {MOST_OBSERVATIONS:,} observations; expected fewer")
        for number in set(point.images.tolist()):
            if number in name_of:
                seen[name_of[number]].append(len(world))
        world.append(point.world)
        errors.append(point.error_px)
    if not world:
        return None
    places = np.array(world, dtype=np.float64)
    fine = np.isfinite(places).all(1) & (np.abs(places) < 1e9).all(1)
    new_row = np.cumsum(fine) - 1
    seen_in = {}
    for name, listed_rows in seen.items():
        rows = np.array(listed_rows)
        seen_in[name] = new_row[rows[fine[rows]]]
    return Points(places[fine], np.array(errors, dtype=np.float64)[fine], seen_in)


# --- text ------------------------------------------------------------------------------------------


def _lines(path: Path, *, comments: bool = True) -> Iterator[tuple[str, str]]:
    """Yield (place, line) of a text file; with `comments`, comments and empty lines are skipped."""
    with open_inside(path) as file:
        number = 0
        while line := file.readline(MOST_LINE_BYTES + 1):
            number += 1
            if len(line) > MOST_LINE_BYTES:
                raise InputError(
                    f"{path}, line {number}: more than {MOST_LINE_BYTES:,} bytes; expected fewer"
                )
            try:
                text = line.decode("utf-8").strip()
            except UnicodeDecodeError as error:
                raise InputError(f"{path}, line {number}: is not UTF-8 text") from error
            if not text.startswith("#") and (text or not comments):
                yield f"{path}, line {number}", text


def _whole(text: str, where: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InputError(f"{where}: {what} is {text[:40]!a}; expected a whole number from 0")
    return int(text)


def _text_lenses(path: Path) -> dict[int, Lens]:
    out = dict[int, Lens]()
    for where, line in _lines(path):
        cells = line.split()
        if len(cells) < 5:
            raise InputError(f"{where}: {len(cells)} cells; expected CAMERA_ID MODEL WIDTH HEIGHT PARAMS")
        name = cells[1]
        if name not in BY_NAME:
            what = (
                "which OpenCV cannot undistort" if name in UNSUPPORTED.values() else "which is unknown here"
            )
            raise InputError(
                f"{where}: camera model {name[:40]!a}, {what}; expected one of {', '.join(BY_NAME)}. "
                "Undistort "
                "the pictures with `colmap image_undistorter` and pass what it writes"
            )
        numbers = tuple(finite(cell, where, "a parameter") for cell in cells[4:])
        width = _whole(cells[2], where, "the width")
        height = _whole(cells[3], where, "the height")
        number = _whole(cells[0], where, "the camera's number")
        out[number] = _lens(BY_NAME[name], width, height, numbers, where)
        if len(out) > MOST_CAMERAS:
            raise InputError(f"{path} lists more than {MOST_CAMERAS:,} cameras; expected fewer")
    return out


def _text_images(path: Path) -> Iterator[_Posed]:
    """Yield pictures from every other line: a picture's second line lists its points and may be empty."""
    lines = _lines(path, comments=False)
    for where, line in lines:
        if not line:
            continue
        cells = line.split(maxsplit=9)
        if len(cells) < 10:
            raise InputError(
                f"{where}: {len(cells)} cells; expected IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME"
            )
        try:
            pose = tuple(float(cell) for cell in cells[1:8])  # the caller refuses NaN, picture by picture
        except ValueError as error:
            raise InputError(f"{where}: its pose is not made of numbers: {line[:60]!a}") from error
        number = _whole(cells[0], where, "the picture's number")
        camera = _whole(cells[8], where, "the camera's number")
        if next(lines, None) is None:
            raise InputError(f"{where}: the line with this picture's points is missing: the file is cut off")
        yield _Posed(number, camera, cells[9], pose[:4], pose[4:])


def _text_points(path: Path) -> Iterator[_Point]:
    for count, (where, line) in enumerate(_lines(path)):
        cells = line.split()
        if len(cells) < 8 or len(cells) % 2:
            raise InputError(
                f"{where}: {len(cells)} cells; expected POINT3D_ID X Y Z R G B ERROR and pairs of IMAGE_ID "
                "and place"
            )
        if count >= MOST_POINTS:
            raise InputError(f"{path} lists more than {MOST_POINTS:,} points; expected fewer")
        try:
            world = tuple(float(cell) for cell in cells[1:4])
            error_px = float(cells[7])
            images = np.array(cells[8::2], dtype=np.int64)
        except (ValueError, OverflowError) as error:
            raise InputError(f"{where}: a point that is not made of numbers: {line[:60]!a}") from error
        yield _Point(world, error_px, images)


# --- binary ----------------------------------------------------------------------------------------


class _Cursor:
    """A binary file that is read forward and never beyond its end."""

    def __init__(self, path: Path, data: "mmap.mmap | bytes") -> None:
        self.path = path
        self.data = data
        self.at = 0

    def take(self, form: str, what: str) -> tuple[float | int, ...]:
        """Read numbers in a format of `struct`, little-endian and unpadded."""
        size = struct.calcsize(form)
        self.need(size, what)
        out = struct.unpack_from(form, self.data, self.at)
        self.at += size
        return out

    def need(self, size: int, what: str) -> None:
        if size > len(self.data) - self.at:
            raise InputError(
                f"{self.path} is cut off: {what} at byte {self.at:,} takes {size:,} bytes, and the file "
                "ends at "
                f"{len(self.data):,}"
            )

    def count(self, most: int, least_bytes: int, what: str) -> int:
        """Read the number of records that follow, if the file is long enough to hold them."""
        number = int(self.take("<Q", f"the number of {what}")[0])
        if number > most:
            raise InputError(f"{self.path} says it has {number:,} {what}; expected at most {most:,}")
        self.need(number * least_bytes, f"{number:,} {what}")
        return number

    def text(self, what: str) -> str:
        """Read a text that ends with a zero byte."""
        end = self.data.find(b"\0", self.at, self.at + MOST_NAME_BYTES)
        if end < 0:
            raise InputError(
                f"{self.path}: {what} at byte {self.at:,} does not end within {MOST_NAME_BYTES} bytes"
            )
        raw = bytes(self.data[self.at : end])
        self.at = end + 1
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: {what} at byte {self.at:,} is not UTF-8") from error

    def finish(self) -> None:
        if self.at != len(self.data):
            raise InputError(
                f"{self.path}: {len(self.data) - self.at:,} bytes follow its last record; expected none"
            )


def _cursor(path: Path) -> _Cursor:
    with open_inside(path) as file:
        try:
            return _Cursor(path, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError:  # an empty file cannot be mapped
            return _Cursor(path, b"")


def _binary_lenses(path: Path) -> dict[int, Lens]:
    cursor = _cursor(path)
    out = dict[int, Lens]()
    for _ in range(cursor.count(MOST_CAMERAS, 24, "cameras")):
        number, kind, width, height = cursor.take("<IiQQ", "a camera")
        where = f"{path}: camera {number}"
        if kind not in MODELS:
            name = UNSUPPORTED.get(int(kind), "")
            raise InputError(
                f"{where}: camera model {kind}{f' ({name})' if name else ''}, which is not read; expected "
                "one of "
                f"{', '.join(f'{key} ({model.name})' for key, model in MODELS.items())}"
            )
        model = MODELS[int(kind)]
        numbers = cursor.take(f"<{model.numbers}d", "a camera's parameters")
        out[int(number)] = _lens(model, int(width), int(height), numbers, where)
    cursor.finish()
    return out


def _binary_images(path: Path) -> Iterator[_Posed]:
    cursor = _cursor(path)
    for _ in range(cursor.count(MOST_PHOTOGRAPHS, 73, "pictures")):
        number, *pose, camera = cursor.take("<I7dI", "a picture")
        name = cursor.text("a picture's name")
        points = int(cursor.take("<Q", "the number of a picture's points")[0])
        cursor.need(24 * points, "a picture's points")
        cursor.at += 24 * points
        yield _Posed(int(number), int(camera), name, tuple(pose[:4]), tuple(pose[4:]))
    cursor.finish()


def _binary_points(path: Path) -> Iterator[_Point]:
    cursor = _cursor(path)
    for _ in range(cursor.count(MOST_POINTS, 51, "points")):
        _, x, y, z, _, _, _, error_px, length = cursor.take("<Q3d3BdQ", "a point")
        cursor.need(8 * int(length), "a point's track")
        track = np.frombuffer(cursor.data, dtype="<u4", count=2 * int(length), offset=cursor.at)
        cursor.at += 8 * int(length)
        yield _Point((x, y, z), float(error_px), track[::2].astype(np.int64))
    cursor.finish()
