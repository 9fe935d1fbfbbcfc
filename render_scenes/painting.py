"""What a camera sees of a procedural place, painted in numpy: rays meet planes, and textures are looked up.

Each pixel's ray meets the room and those boxes whose outline it is in; where two faces meet in a pixel, four
rays make the pixel. No Blender here.
"""

from typing import NamedTuple

import numpy as np

from render_scenes.places import FACES, NEVER, SKY, Box, Finish, Place
from render_scenes.textures import Array, Pyramid

NEAREST = 1e-3  # of a box's corners before a camera, in world units
FINER = ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25))  # of a pixel, where faces meet
AXES = ((1, 2), (1, 2), (0, 2), (0, 2), (0, 1), (0, 1))  # of each face: across and up


class Painted(NamedTuple):
    """A picture of a place."""

    rgb: Array  # (H, W, 3) float32 as displayed, 1 is white; brighter where something shines
    depth: Array  # (H, W) float32 along the camera's z; `NEVER` where there is sky
    on_ground: Array  # (H, W) bool: shows the surface that the object stands on


class _Met(NamedTuple):
    """What rays meet."""

    depth: Array  # (N,) float32, in lengths of their directions
    face: Array  # (N,) int16


def paint(place: Place, world_from_camera: Array, intrinsics: Array, size_px: int) -> Painted:
    """The place as a camera sees it.

    Args:
        world_from_camera: (4, 4), OpenCV axes.
        intrinsics: (3, 3) in pixels.
    """
    turn = (place.place_from_world @ world_from_camera[:3, :3]).astype(np.float32)
    origin = (place.place_from_world @ world_from_camera[:3, 3]).astype(np.float32)
    middle = np.arange(size_px, dtype=np.float32) + np.float32(0.5)
    x, y = np.meshgrid(middle, middle)
    directions = _rays(turn, intrinsics, x.ravel(), y.ravel())
    met = _meet(place, origin, directions, _outlines(place, turn, origin, intrinsics, size_px))
    pixel = 1 / float(intrinsics[0][0])
    rgb = _colours(place, origin, directions, met, pixel)
    edges = _edges(met.face.reshape(size_px, size_px))
    if len(edges):
        rgb[edges] = 0
        for right, down in FINER:
            finer = _rays(turn, intrinsics, x.ravel()[edges] + right, y.ravel()[edges] + down)
            rgb[edges] += 0.25 * _colours(place, origin, finer, _meet(place, origin, finer, None), pixel)
    shape = (size_px, size_px)
    ground = (met.face == place.ground_face).reshape(shape)
    return Painted(rgb.reshape(*shape, 3), met.depth.reshape(shape), ground)


def surroundings(place: Place, height: int) -> Array:
    """(height, 2 height, 3) equirectangular, as displayed: what lights the object, seen from its middle.

    Columns and rows as in `backdrop.look_up`, in the world's axes.
    """
    azimuth = (0.5 - (np.arange(2 * height) + 0.5) / (2 * height)) * (2 * np.pi)
    elevation = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    across, up = np.meshgrid(azimuth, elevation)
    world = np.stack([np.cos(up) * np.cos(across), np.cos(up) * np.sin(across), np.sin(up)]).reshape(3, -1)
    directions = (place.place_from_world @ world).astype(np.float32)
    origin = np.zeros(3, dtype=np.float32)
    met = _meet(place, origin, directions, None)
    return _colours(place, origin, directions, met, np.pi / height).reshape(height, 2 * height, 3)


def _rays(turn: Array, intrinsics: Array, x: Array, y: Array) -> Array:
    """(3, N) directions in the place's axes, as long as the camera's z axis at depth 1."""
    (focal_x, _, centre_x), (_, focal_y, centre_y), _ = np.asarray(intrinsics, dtype=np.float32)
    right = (x - centre_x) / focal_x
    down = (y - centre_y) / focal_y
    return np.asarray(turn[:, :1] * right + turn[:, 1:2] * down + turn[:, 2:])


# --- where rays end ----------------------------------------------------------------------------------


def _meet(place: Place, origin: Array, directions: Array, outlines: list[Array] | None) -> _Met:
    """The first face that each ray meets.

    Args:
        outlines: for each box beside the room, the numbers of the rays that may meet it; None: all may.
    """
    met = _inside(place.boxes[0], origin, directions)
    for number, box in enumerate(place.boxes[1:], start=1):
        if outlines is None:
            depth, face = _outside(box, origin, directions)
            nearer = depth < met.depth
            met.depth[nearer] = depth[nearer]
            met.face[nearer] = face[nearer] + 6 * number
            continue
        rays = outlines[number - 1]
        if len(rays):
            depth, face = _outside(box, origin, directions[:, rays])
            nearer = depth < met.depth[rays]
            met.depth[rays[nearer]] = depth[nearer]
            met.face[rays[nearer]] = face[nearer] + 6 * number
    if place.sky is not None:
        height = origin[2] + met.depth * directions[2]
        over = (met.face < FACES.index("bottom")) & (height > place.wall_height)
        over |= met.face == FACES.index("top")
        met.face[over] = SKY
        met.depth[over] = NEVER
    return met


def _inside(room: Box, origin: Array, directions: Array) -> _Met:
    """Where rays leave a box that they begin in."""
    depth = np.full(directions.shape[1], NEVER, dtype=np.float32)
    face = np.zeros(directions.shape[1], dtype=np.int16)
    for axis in range(3):
        along = directions[axis]
        ahead = along > 0
        wall = np.where(ahead, np.float32(room.high[axis]), np.float32(room.low[axis]))
        with np.errstate(divide="ignore", invalid="ignore"):
            there = (wall - origin[axis]) / along
        nearer = there < depth
        depth[nearer] = there[nearer]
        face[nearer] = (2 * axis + ahead)[nearer]
    return _Met(depth, face)


def _outside(box: Box, origin: Array, directions: Array) -> tuple[Array, Array]:
    """Where rays enter a box, and through which face; `NEVER` where they do not."""
    count = directions.shape[1]
    enter = np.full(count, -np.inf, dtype=np.float32)
    leave = np.full(count, np.inf, dtype=np.float32)
    face = np.zeros(count, dtype=np.int16)
    for axis in range(3):
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / directions[axis]
        low = (np.float32(box.low[axis]) - origin[axis]) * inverse
        high = (np.float32(box.high[axis]) - origin[axis]) * inverse
        near = np.minimum(low, high)
        later = near > enter
        face[later] = (2 * axis + (inverse < 0))[later]
        np.maximum(enter, near, out=enter)
        np.minimum(leave, np.maximum(low, high), out=leave)
    return np.where((enter < leave) & (enter > NEAREST), enter, NEVER), face


def _outlines(place: Place, turn: Array, origin: Array, intrinsics: Array, size_px: int) -> list[Array]:
    """For each box beside the room, the numbers of the pixels in the rectangle around its corners."""
    numbers = np.arange(size_px * size_px).reshape(size_px, size_px)
    out = []
    for box in place.boxes[1:]:
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
        points = (np.where(corners == 1, box.high, box.low) - origin) @ turn
        if (points[:, 2] < NEAREST).all():
            out.append(numbers[:0, 0])
            continue
        if (points[:, 2] < NEAREST).any():
            out.append(numbers.ravel())
            continue
        x = intrinsics[0][0] * points[:, 0] / points[:, 2] + intrinsics[0][2]
        y = intrinsics[1][1] * points[:, 1] / points[:, 2] + intrinsics[1][2]
        left, right = np.clip([x.min() - 1, x.max() + 2], 0, size_px).astype(int)
        top, bottom = np.clip([y.min() - 1, y.max() + 2], 0, size_px).astype(int)
        out.append(numbers[top:bottom, left:right].ravel())
    return out


def _edges(face: Array) -> Array:
    """Numbers of the pixels that have a neighbour which shows another face."""
    other = np.zeros(face.shape, dtype=bool)
    across = face[:, 1:] != face[:, :-1]
    down = face[1:] != face[:-1]
    other[:, 1:] |= across
    other[:, :-1] |= across
    other[1:] |= down
    other[:-1] |= down
    return np.flatnonzero(other)


# --- what is there ---------------------------------------------------------------------------------


def _colours(place: Place, origin: Array, directions: Array, met: _Met, pixel: float) -> Array:
    """(N, 3) colours as displayed.

    Args:
        pixel: width of a pixel at depth 1.
    """
    out = np.empty((directions.shape[1], 3), dtype=np.float32)
    order = np.argsort(met.face, kind="stable")
    faces, starts = np.unique(met.face[order], return_index=True)
    for face, rays in zip(faces, np.split(order, starts[1:]), strict=True):
        toward = directions[:, rays]
        if face == SKY:
            assert place.sky is not None
            out[rays] = _sky_colour(place.sky, toward)
            continue
        box, side = divmod(int(face), 6)
        out[rays] = _face_colour(place, box, side, origin, toward, met.depth[rays], pixel)
    return out


def _face_colour(
    place: Place, number: int, side: int, origin: Array, toward: Array, depth: Array, pixel: float
) -> Array:
    box = place.boxes[number]
    finish: Finish = box.finishes[side]
    across, up = AXES[side]
    right = origin[across] + depth * toward[across] - np.float32(box.low[across])
    height = origin[up] + depth * toward[up] - np.float32(box.low[up])
    wide = float(box.high[across] - box.low[across])
    high = float(box.high[up] - box.low[up])
    if number == 0 and np.isfinite(place.wall_height) and side < FACES.index("bottom"):
        high = place.wall_height - float(box.low[2])
    slant = np.abs(toward[side // 2]) / np.sqrt((toward**2).sum(axis=0))
    covered = depth * np.float32(pixel)
    scale = place.metres_per_unit / finish.tile.side_m
    along = (
        toward[across] / np.hypot(toward[across], toward[up]),
        toward[up] / np.hypot(toward[across], toward[up]),
    )
    spot = _Spots(right * scale, -height * scale, along[0], -along[1], covered * scale, slant)
    colour = _askew(finish.tile.pyramid, spot)
    covered = covered / np.sqrt(np.maximum(slant, 1e-3))
    share_right = right / wide
    share_down = 1 - height / high
    colour *= _smooth(finish.shade, share_right, share_down)[:, None]
    if finish.canvas is not None:
        painted = look_up(finish.canvas, share_right, share_down, covered / wide, repeats=False)
        colour = (
            colour * (1 - painted[:, 3:])
            + painted[:, :3] * _smooth(finish.shade, share_right, share_down)[:, None]
        )
    return colour


class _Spots(NamedTuple):
    """What pixels cover of a texture that lies askew: long spots. All (N,), in its widths."""

    x: Array
    y: Array
    along_x: Array  # unit vector, the way in which they are long
    along_y: Array
    across: Array  # their width
    slant: Array  # width over length


def _askew(pyramid: Pyramid, spots: _Spots) -> Array:
    """Mean of a texture over long spots, (N, channels), by as many round ones side by side as are needed."""
    out = np.empty((len(spots.x), pyramid.levels[0].shape[2]), dtype=np.float32)
    counts = np.select([spots.slant > 0.6, spots.slant > 0.3], [1, 2], 4)
    for count in np.unique(counts):
        mine = np.flatnonzero(counts == count)
        x, y, along_x, along_y, across, slant = (values[mine] for values in spots)
        length = across / np.maximum(slant, 0.02)
        size = np.maximum(across, length / np.float32(count))
        total = np.zeros((len(mine), out.shape[1]), dtype=np.float32)
        for place in (np.arange(count) + 0.5) / count - 0.5:
            step = length * np.float32(place)
            total += look_up(pyramid, x + step * along_x, y + step * along_y, size)
        out[mine] = total / np.float32(count)
    return out


def look_up(pyramid: Pyramid, x: Array, y: Array, covered: Array, *, repeats: bool = True) -> Array:
    """A texture at places x, y in its widths and heights, (N, channels), each the mean over a spot of it.

    Args:
        covered: (N,) width of a pixel, over the width of the texture.
        repeats: beyond its sides; else these go on.
    """
    width = pyramid.levels[0].shape[1]
    # between levels, the finer one: rather too sharp than blurred
    level = np.log2(np.maximum(covered * width, 1e-6)).astype(np.float32)
    level = np.clip(np.floor(level - 0.3), 0, len(pyramid.levels) - 1).astype(np.int8)
    present = np.unique(level)
    if len(present) == 1:
        return _bilinear(pyramid.levels[int(present[0])], x, y, repeats)
    out = np.empty((len(x), pyramid.levels[0].shape[2]), dtype=np.float32)
    for number in present:
        mine = np.flatnonzero(level == number)
        out[mine] = _bilinear(pyramid.levels[int(number)], x[mine], y[mine], repeats)
    return out


def _bilinear(picture: Array, x: Array, y: Array, repeats: bool) -> Array:
    height, width, channels = picture.shape
    column = x * np.float32(width) - np.float32(0.5)
    row = y * np.float32(height) - np.float32(0.5)
    if not repeats:
        column = np.clip(column, 0, width - 1)
        row = np.clip(row, 0, height - 1)
    left = np.floor(column)
    top = np.floor(row)
    across = (column - left)[:, None]
    down = (row - top)[:, None]
    left = left.astype(np.int32)
    top = top.astype(np.int32)
    if repeats:
        left, right = left % width, (left + 1) % width
        top, bottom = top % height, (top + 1) % height
    else:
        right = np.minimum(left + 1, width - 1)
        bottom = np.minimum(top + 1, height - 1)
    flat = picture.reshape(-1, channels)
    upper = flat[top * width + left] * (1 - across) + flat[top * width + right] * across
    lower = flat[bottom * width + left] * (1 - across) + flat[bottom * width + right] * across
    return np.asarray(upper * (1 - down) + lower * down)


def _smooth(shade: Array, right: Array, down: Array) -> Array:
    """(N,) of a small picture that covers a face."""
    if shade.shape == (2, 2) and shade[0, 0] == shade[1, 1]:
        return np.full(len(right), shade[0, 0], dtype=np.float32)
    return _bilinear(shade[..., None], right, down, False)[:, 0]


def _sky_colour(sky: Array, toward: Array) -> Array:
    azimuth = np.arctan2(toward[1], toward[0]) / np.float32(2 * np.pi)
    elevation = np.arctan2(toward[2], np.hypot(toward[0], toward[1])) / np.float32(np.pi / 2)
    flat = np.clip(1 - elevation, 0, 1)
    return _bilinear(sky, azimuth % 1, np.clip(flat, 0.5 / sky.shape[0], 1 - 0.5 / sky.shape[0]), True)
