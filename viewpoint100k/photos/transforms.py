"""`transforms.json` of instant-ngp and nerfstudio: camera to world in OpenGL axes (x right, y up, z back).

Intrinsics are given once for all pictures or with each frame; those of a frame take precedence. A frame may
name a picture that does not exist, and `file_path` may lack its extension.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.photos.posed import (
    MOST_PHOTOGRAPHS,
    Bending,
    Lens,
    Photograph,
    PhotoSet,
    checked_lens,
    from_opengl,
    rigid,
    size_of,
)
from viewpoint100k.shards import read_inside

MOST_BYTES = 64 << 20
EXTENSIONS = (".png", ".jpg", ".jpeg", ".JPG", ".PNG")
BROWN = ("k1", "k2", "p1", "p2", "k3")
FISHEYE = ("k1", "k2", "k3", "k4")
FISHEYES = {"OPENCV_FISHEYE"}
STRAIGHT_OR_BROWN = {"OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", ""}


def read_transforms(path: Path, name: str) -> PhotoSet:
    """The set that a `transforms.json` describes.

    Args:
        path: path of the file; pictures lie in its folder.
        name: name of the set.

    Raises:
        InputError: the file has another form; the message names the frame and what was expected.
    """
    tree = _tree(path)
    frames = _frames(tree, path)
    photographs = dict[str, Photograph]()
    problems = list[str]()
    missing = 0
    for number, frame in enumerate(frames):
        where = f"{path}, frame {number}"
        name_in_set = _file_path(frame, where)
        picture = _picture(path.parent, name_in_set, where)
        if picture is None:
            missing += 1
            continue
        settings = {**tree, **frame}
        if not {"w", "h"} <= settings.keys():
            settings["w"], settings["h"] = size_of(picture)
        lens = _lens(settings, where)
        try:
            pose = from_opengl(_matrix(frame.get("transform_matrix"), where))
            pose = rigid(pose[:3, :3], pose[:3, 3], where)
        except InputError as error:
            problems.append(str(error))
            continue
        if name_in_set in photographs:
            raise InputError(f"{where}: {one_line(name_in_set, 80)!a} is listed twice; expected each once")
        mask = _mask(path.parent, frame, where)
        photographs[name_in_set] = Photograph(name_in_set, picture, lens, pose, mask)
    if missing:
        problems.append(f"{missing} of {len(frames)} frames name pictures that are not there")
    ordered = tuple(photographs[key] for key in sorted(photographs))
    return PhotoSet(name, "unknown", ordered, None, "transforms", tuple(problems))


def _frames(tree: dict[str, Any], path: Path) -> list[Any]:
    """The entries of a file, one per picture."""
    frames = tree.get("frames")
    if not isinstance(frames, list):
        raise InputError(
            f'{path} has no list "frames"; expected a transforms.json of nerfstudio or instant-ngp'
        )
    if len(frames) > MOST_PHOTOGRAPHS:
        raise InputError(f"{path} lists {len(frames):,} frames; expected at most {MOST_PHOTOGRAPHS:,}")
    return frames


def _tree(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(read_inside(path, MOST_BYTES))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {one_line(str(error))}") from error
    if not isinstance(tree, dict):
        raise InputError(f'{path} holds a {type(tree).__name__}; expected an object with "frames"')
    return tree


def _picture(folder: Path, file_path: str, where: str) -> Path | None:
    """The picture that a frame names; None if it does not exist."""
    if not file_path or "\0" in file_path or len(file_path) > 1000:
        raise InputError(f"{where}: file_path is {one_line(file_path, 60)!a}; expected the path of a picture")
    named = folder / file_path
    inside = named.resolve().is_relative_to(folder.resolve())
    if not inside:
        raise InputError(
            f"{where}: {one_line(file_path, 80)!a} leads out of the set's folder; expected a picture "
            "inside it"
        )
    if named.is_file():
        return named
    return next((found for end in EXTENSIONS if (found := Path(f"{named}{end}")).is_file()), None)


def _file_path(frame: Any, where: str) -> str:
    if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
        raise InputError(f"{where}: expected an object with file_path and transform_matrix")
    return str(frame["file_path"])


def _mask(folder: Path, frame: dict[str, Any], where: str) -> Path | None:
    named = frame.get("mask_path")
    return _picture(folder, named, where) if isinstance(named, str) and named else None


def _matrix(rows: Any, where: str) -> Array:
    try:
        out = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: transform_matrix is not made of numbers") from error
    if out.shape not in ((4, 4), (3, 4)):
        raise InputError(f"{where}: transform_matrix has shape {out.shape}; expected 4 x 4")
    return out if len(out) == 4 else np.vstack([out, [0.0, 0.0, 0.0, 1.0]])


def _lens(tree: dict[str, Any], where: str) -> Lens:
    """The lens, from focal lengths in pixels or from the field of view."""
    model = str(tree.get("camera_model", "") or "")
    if model not in FISHEYES | STRAIGHT_OR_BROWN:
        known = ", ".join(sorted(FISHEYES | STRAIGHT_OR_BROWN - {""}))
        raise InputError(f"{where}: camera_model {model[:40]!a} is unknown here; expected one of {known}")
    width = _number(tree, "w", where)
    height = _number(tree, "h", where)
    fx = _focal(tree, "fl_x", "camera_angle_x", width, where)
    fy = _number(tree, "fl_y", where, fx) if "fl_y" in tree else fx
    cx = _number(tree, "cx", where, width / 2)
    cy = _number(tree, "cy", where, height / 2)
    names = FISHEYE if model in FISHEYES or tree.get("is_fisheye") is True else BROWN
    numbers = tuple(_number(tree, name, where, 0.0) for name in names)
    bending: Bending = "fisheye" if names is FISHEYE else "brown"
    if not any(numbers) and bending == "brown":
        bending = "none"
    lens = Lens(int(width), int(height), fx, fy, cx, cy, bending, numbers if bending != "none" else ())
    return checked_lens(lens, where)


def _focal(tree: dict[str, Any], name: str, angle_name: str, width: float, where: str) -> float:
    if name in tree:
        return _number(tree, name, where)
    if angle_name not in tree:
        raise InputError(
            f"{where}: neither {name} nor {angle_name} is given; expected the focal length in pixels"
        )
    angle = _number(tree, angle_name, where)
    if not 0 < angle < math.pi:
        raise InputError(f"{where}: {angle_name} is {angle:g}; expected radians between 0 and pi")
    return 0.5 * width / math.tan(0.5 * angle)


def _number(tree: dict[str, Any], name: str, where: str, default: float | None = None) -> float:
    value = tree.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        given = "missing" if name not in tree else one_line(repr(value), 40)
        raise InputError(f"{where}: {name} is {given}; expected a finite number")
    return float(value)
