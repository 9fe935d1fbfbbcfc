"""Reads uCO3D in its documented layout.

It has `metadata.sqlite`, and a folder for each sequence with its video and its mask.

Cameras are PyTorch3D's (x left, y up; points are rows, X_cam = X R + T) in its normalised coordinates: half
the shorter side of the picture is 1. Frames are found in the video by their time. Source: the layout that the
dataset's own repository documents, and its conversion to OpenCV's cameras.
"""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.geometry.cameras import invert
from viewpoint100k.photos.posed import (
    MOST_PHOTOGRAPHS,
    Lens,
    Photograph,
    PhotoSet,
    checked_lens,
    rigid,
)

DATABASE = "metadata.sqlite"
LICENCE = "CC-BY-4.0"  # licence of the data, according to its README
MOST_SEQUENCES = 1_000_000
FRAME_COLUMNS = (
    "frame_number", "frame_timestamp", "_image_size", "_mask_bounding_box_xywh", "_viewpoint_R",
    "_viewpoint_T",
    "_viewpoint_focal_length", "_viewpoint_principal_point", "_viewpoint_colmap_distortion_coeffs",
    "_viewpoint_intrinsics_format",
)  # fmt: skip
NORMALISED = "ndc_norm_image_bounds"


class Sequence(NamedTuple):
    """A video of one object."""

    name: str
    category: str


def has_database(root: Path) -> bool:
    return (root / DATABASE).is_file()


def list_sequences(root: Path) -> list[Sequence]:
    """The sequences of a copy of uCO3D, in order of their names.

    Raises:
        InputError: its database cannot be read.
    """
    rows = _rows(root, "SELECT sequence_name, category FROM sequence_annots ORDER BY sequence_name LIMIT ?",
                 (MOST_SEQUENCES,))  # fmt: skip
    return [Sequence(str(name), str(category or "unknown")) for name, category in rows]


def read_sequence(root: Path, key: str, name: str) -> PhotoSet:
    """The frames of one sequence that have a camera.

    Raises:
        InputError: the sequence, its video or its cameras cannot be read.
    """
    sequences = list(
        _rows(root, "SELECT category, _video_path FROM sequence_annots WHERE sequence_name = ?", (key,))
    )
    if not sequences:
        raise InputError(f"{root / DATABASE} has no sequence {one_line(key, 80)!a}")
    category, video_path = sequences[0]
    video = _inside(root, video_path, key)
    columns = ", ".join(FRAME_COLUMNS)
    rows = _rows(
        root,
        f"SELECT {columns} FROM frame_annots WHERE sequence_name = ? ORDER BY frame_number LIMIT ?",
        (key, MOST_PHOTOGRAPHS),
    )
    photographs = []
    problems = []
    for row in rows:
        frame = dict(zip(FRAME_COLUMNS, row, strict=True))
        where = f"{root / DATABASE}: sequence {one_line(key, 80)}, frame {frame['frame_number']}"
        try:
            photographs.append(_photograph(frame, video, where))
        except InputError as error:
            problems.append(str(error))
    return PhotoSet(
        name, str(category or "unknown"), tuple(photographs), None, "uco3d", tuple(problems), licence=LICENCE
    )


def _rows(root: Path, query: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Rows of the database, which is opened read-only."""
    path = root / DATABASE
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            yield from connection.execute(query, values)
    except sqlite3.Error as error:
        raise InputError(f"{path} is not uCO3D's database: {one_line(str(error))}") from error


def _inside(root: Path, named: Any, key: str) -> Path:
    path = root / str(named or "")
    if not path.resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"{root / DATABASE}: sequence {key}: {one_line(str(named), 80)!a} leads out of {root}"
        )
    if not path.is_file():
        raise InputError(f"{root / DATABASE}: sequence {key}: {path} is not there; download rgb_videos")
    return path


def _photograph(frame: dict[str, Any], video: Path, where: str) -> Photograph:
    height, width = _numbers(frame["_image_size"], "i", 2, f"{where}: _image_size")
    focal = _numbers(frame["_viewpoint_focal_length"], "f", 2, f"{where}: _viewpoint_focal_length")
    centre = _numbers(frame["_viewpoint_principal_point"], "f", 2, f"{where}: _viewpoint_principal_point")
    rotation = np.array(_numbers(frame["_viewpoint_R"], "f", 9, f"{where}: _viewpoint_R")).reshape(3, 3)
    position = np.array(_numbers(frame["_viewpoint_T"], "f", 3, f"{where}: _viewpoint_T"))
    if frame["_viewpoint_intrinsics_format"] not in (None, NORMALISED):
        given = one_line(str(frame["_viewpoint_intrinsics_format"]), 40)
        raise InputError(f"{where}: intrinsics of the format {given!a}; expected {NORMALISED}")
    if frame["frame_timestamp"] is None or not 0 <= float(frame["frame_timestamp"]) < 1e5:
        raise InputError(
            f"{where}: frame_timestamp is {frame['frame_timestamp']}; expected seconds of the video"
        )
    half = 0.5 * min(width, height)
    lens = checked_lens(
        Lens(
            int(width),
            int(height),
            focal[0] * half,
            focal[1] * half,
            0.5 * width - centre[0] * half,
            0.5 * height - centre[1] * half,
            *_bent(frame["_viewpoint_colmap_distortion_coeffs"], where),
        ),
        where,
    )
    # transpose rows to columns, and flip left and up to right and down
    flip = np.diag([-1.0, -1.0, 1.0])
    camera_from_world = rigid(flip @ rotation.T, flip @ position, where)
    return Photograph(
        f"frame{int(frame['frame_number']):06d}",
        video,
        lens,
        invert(camera_from_world),
        second=float(frame["frame_timestamp"]),
        mask_box=_box(frame["_mask_bounding_box_xywh"], where),
    )


def _bent(blob: Any, where: str) -> tuple[Any, ...]:
    """Bending and coefficients; the twelve are OpenCV's k1 k2 p1 p2 k3 to k6 and s1 to s4."""
    if blob is None:
        return ("none", ())
    numbers = _numbers(blob, "f", 12, f"{where}: _viewpoint_colmap_distortion_coeffs")
    return ("rational", numbers) if any(numbers) else ("none", ())


def _box(blob: Any, where: str) -> tuple[float, float, float, float] | None:
    if blob is None:
        return None
    left, top, width, height = _numbers(blob, "f", 4, f"{where}: _mask_bounding_box_xywh")
    return (left, top, left + width, top + height) if width > 0 and height > 0 else None


def _numbers(blob: Any, form: str, count: int, where: str) -> tuple[float, ...]:
    """32-bit floats as the dataset's own writer packs them."""
    size = struct.calcsize(f"<{count}{form}")
    if not isinstance(blob, bytes) or len(blob) != size:
        given = f"{len(blob)} bytes" if isinstance(blob, bytes) else type(blob).__name__
        raise InputError(f"{where} is {given}; expected {count} numbers in {size} bytes")
    out = tuple(float(value) for value in struct.unpack(f"<{count}{form}", blob))
    if not np.isfinite(out).all():
        raise InputError(f"{where} has numbers that are not finite")
    return out
