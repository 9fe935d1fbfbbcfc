"""Reads sets without a file for the whole set: a matrix per picture, and Middlebury's parameter lists.

`image`, `intrinsic`, `pose` (MobileBrick): for each picture a 3 x 3 matrix in pixels and a 4 x 4
camera-to-world matrix in OpenCV axes, in files with the picture's stem. `*_par.txt` (Middlebury multi-view
stereo): a line for each picture with its name, K and R row by row and t; world-to-camera, OpenCV axes.
Neither form says whether pixel (0, 0) is a corner or a centre; half a pixel is below the accuracy of their
poses.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.geometry.cameras import invert
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.photos.posed import (
    MOST_PHOTOGRAPHS,
    Lens,
    Photograph,
    PhotoSet,
    checked_lens,
    finite,
    rigid,
    size_of,
)
from viewpoint100k.shards import read_inside

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}
IMAGE_FOLDERS = ("image", "images", "rgb")
INTRINSIC_FOLDERS = ("intrinsic", "intrinsics")
POSE_FOLDERS = ("pose", "poses")
MASK_FOLDERS = ("mask", "masks")
MOST_MATRIX_BYTES = 4096
MOST_LIST_BYTES = 16 << 20
OF_A_LINE = 22  # a name, K, R and t


def first_folder(folder: Path, names: Sequence[str]) -> Path | None:
    """The first of these subfolders that exists; None if none does."""
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def has_matrices(folder: Path) -> bool:
    """Whether it has a folder of each kind: pictures, intrinsics, poses."""
    return all(first_folder(folder, names) for names in (IMAGE_FOLDERS, INTRINSIC_FOLDERS, POSE_FOLDERS))


def parameter_lists(folder: Path) -> list[Path]:
    """Middlebury's lists in a folder."""
    return sorted(path for path in folder.glob("*_par.txt") if path.is_file())


def mask_of(folder: Path, name: str) -> Path | None:
    """The mask of a picture, in a folder `mask` or `masks` beside the pictures: NAME.png, or STEM.png."""
    masks = first_folder(folder, MASK_FOLDERS)
    if masks is None:
        return None
    inside = masks.resolve()
    named = [masks / f"{name}.png", *((masks / name).with_suffix(end) for end in (".png", ".jpg"))]
    return next((path for path in named if path.is_file() and path.resolve().is_relative_to(inside)), None)


def read_matrices(folder: Path, name: str) -> PhotoSet:
    """A folder of `image`, `intrinsic` and `pose` files.

    Raises:
        InputError: a matrix is not one; names the file.
    """
    images, intrinsics, poses = (
        first_folder(folder, names) for names in (IMAGE_FOLDERS, INTRINSIC_FOLDERS, POSE_FOLDERS)
    )
    assert images is not None and intrinsics is not None and poses is not None, "has_matrices was asked"
    pictures = sorted(path for path in images.iterdir() if path.suffix.lower() in PICTURES)
    if len(pictures) > MOST_PHOTOGRAPHS:
        raise InputError(f"{images} holds {len(pictures):,} pictures; expected at most {MOST_PHOTOGRAPHS:,}")
    photographs = []
    problems = []
    for picture in pictures:
        files = (intrinsics / f"{picture.stem}.txt", poses / f"{picture.stem}.txt")
        absent = [path for path in files if not path.is_file()]
        if absent:
            problems.append(f"{picture.name} is left out: {absent[0]} is not there")
            continue
        try:
            lens = _lens_of(_matrix(files[0], 3), picture, str(files[0]))
            pose = _matrix(files[1], 4)
            world_from_camera = rigid(pose[:3, :3], pose[:3, 3], str(files[1]))
        except InputError as error:
            problems.append(str(error))
            continue
        mask = mask_of(folder, picture.name)
        photographs.append(Photograph(picture.name, picture, lens, world_from_camera, mask))
    return PhotoSet(name, "unknown", tuple(photographs), None, "folders", tuple(problems))


def _matrix(path: Path, size: int) -> Array:
    try:
        text = read_inside(path, MOST_MATRIX_BYTES).decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text; expected {size} x {size} numbers") from error
    cells = text.replace(",", " ").split()
    if len(cells) != size * size:
        raise InputError(f"{path} has {len(cells)} numbers; expected {size} x {size}")
    return np.array([finite(cell, str(path), "a cell") for cell in cells]).reshape(size, size)


def _lens_of(matrix: Array, picture: Path, where: str) -> Lens:
    width, height = size_of(picture)
    if abs(matrix[0, 1]) > 1e-3 * abs(matrix[0, 0]):
        raise InputError(f"{where}: a skew of {matrix[0, 1]:g} px; expected none")
    fx = matrix[0, 0]
    fy = matrix[1, 1]
    lens = Lens(width, height, float(fx), float(fy), float(matrix[0, 2]), float(matrix[1, 2]))
    return checked_lens(lens, where)


def read_parameters(path: Path, name: str) -> PhotoSet:
    """Middlebury's list of parameters, and the pictures beside it.

    Raises:
        InputError: a line is not of the form; names it.
    """
    try:
        lines = read_inside(path, MOST_LIST_BYTES).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text; expected Middlebury's parameters") from error
    photographs = dict[str, Photograph]()
    problems = []
    # the first line says how many follow
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split()
        where = f"{path}, line {number}"
        if not cells:
            continue
        if len(cells) != OF_A_LINE:
            raise InputError(
                f"{where}: {len(cells)} cells; expected a name and 21 numbers: K, R and t row by row"
            )
        picture = path.parent / cells[0]
        if Path(cells[0]).name != cells[0]:
            raise InputError(
                f"{where}: {one_line(cells[0], 80)!a}; expected the plain name of a picture beside it"
            )
        if not picture.is_file():
            problems.append(f"{where}: {cells[0]} is not there")
            continue
        try:
            photographs[cells[0]] = _of_parameters(cells, picture, where)
        except InputError as error:
            problems.append(str(error))
    ordered = tuple(photographs[key] for key in sorted(photographs))
    return PhotoSet(name, "unknown", ordered, None, "middlebury", tuple(problems))


def _of_parameters(cells: Sequence[str], picture: Path, where: str) -> Photograph:
    numbers = np.array([finite(cell, where, "a number") for cell in cells[1:]])
    lens = _lens_of(numbers[:9].reshape(3, 3), picture, where)
    camera_from_world = rigid(numbers[9:18].reshape(3, 3), numbers[18:], where)
    mask = mask_of(picture.parent, picture.name)
    return Photograph(picture.name, picture, lens, invert(camera_from_world), mask)
