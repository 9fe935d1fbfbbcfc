"""Paints what a camera sees of a procedural place, in numpy: rays meet planes, and textures are looked up.

Each pixel's ray is intersected with the room and with the boxes whose outlines contain the pixel. A pixel in
which two faces meet is the mean of four rays. No Blender here.
"""

from typing import NamedTuple

import numpy as np

from render_scenes import pixel_filter
from render_scenes.places import FACES, NEVER, SKY, Box, Finish, Place
from render_scenes.textures import Array, Pyramid

NEAREST = 1e-3  # least depth of a box's corner in front of a camera, in world units
FILTER = 1.1  # width in pixels of the box by which lookups are filtered; `pixel_filter` adds the rest
UNFILTERED = pixel_filter.VARIANCE - FILTER**2 / 12
# size of a pyramid's texel in pixels: bilinear lookup then blurs as much as that filter
TEXEL = FILTER / 3**0.5
ROUNDING = 0.8  # of levels: 0.5 would be the nearest; pictures with coarser ones are closer to traced ones
LOWEST_SLANT = 0.02  # sine of the angle between a ray and a face: at flatter angles, spots grow no longer
LOOKS = (1, 2, 4, 8)  # lookups along a spot in a magnified texture
MAGNIFIED = 0.7  # pixels of a texture along a spot
# offsets of rays from the middle of a pixel in which faces meet
FINER = tuple((FILTER * x, FILTER * y) for x, y in pixel_filter.QUARTERS)
AXES = ((1, 2), (1, 2), (0, 2), (0, 2), (0, 1), (0, 1))  # the axes across and up each face


class Painted(NamedTuple):
    """A picture of a place."""

    rgb: Array  # (H, W, 3) float32 as displayed, 1 is white; brighter where something shines
    depth: Array  # (H, W) float32 along the camera's z; `NEVER` where there is sky
    on_ground: Array  # (H, W) bool: whether it shows the surface that the object stands on


class _Met(NamedTuple):
    """The faces that rays meet."""

    depth: Array  # (N,) float32, in lengths of their directions
    face: Array  # (N,) int16


def paint(place: Place, world_from_camera: Array, intrinsics: Array, size_px: int) -> Painted:
    """Paint the place as a camera sees it.

    Args:
        world_from_camera: (4, 4), OpenCV axes.
        intrinsics: (3, 3) in pixels.
    """
    margin = pixel_filter.MARGIN
    intrinsics = np.asarray(intrinsics) + np.array([[0, 0, margin], [0, 0, margin], [0, 0, 0]])
    size_px += 2 * margin
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
        finer = [
            _rays(turn, intrinsics, x.ravel()[edges] + right, y.ravel()[edges] + down)
            for right, down in FINER
        ]
        looks = [
            _colours(place, origin, rays, _meet(place, origin, rays, None), 0.5 * pixel) for rays in finer
        ]
        rgb[:, edges] = np.mean(looks, axis=0)
    rgb = pixel_filter.smoothed(rgb.reshape(3, size_px, size_px), UNFILTERED)
    inside = np.s_[margin:-margin, margin:-margin]
    depth, face = (values.reshape(size_px, size_px)[inside] for values in met)
    return Painted(_pixels(rgb, depth.shape), depth, face == place.ground_face)


def surroundings(place: Place, height: int) -> Array:
    """(height, 2 height, 3) equirectangular panorama from the object's middle, as displayed, that lights the
    object.

    Columns and rows are those of `backdrop.look_up`, in world axes.
    """
    azimuth = (0.5 - (np.arange(2 * height) + 0.5) / (2 * height)) * (2 * np.pi)
    elevation = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    across, up = np.meshgrid(azimuth, elevation)
    world = np.stack([np.cos(up) * np.cos(across), np.cos(up) * np.sin(across), np.sin(up)]).reshape(3, -1)
    directions = (place.place_from_world @ world).astype(np.float32)
    origin = np.zeros(3, dtype=np.float32)
    met = _meet(place, origin, directions, None)
    return _pixels(_colours(place, origin, directions, met, np.pi / height), (height, 2 * height))


def _pixels(planes: Array, shape: tuple[int, ...]) -> Array:
    """(3, ...) -> (H, W, 3): colours are computed plane by plane, because numpy is slow along short axes."""
    return np.ascontiguousarray(planes.reshape(3, -1).T).reshape(*shape, 3)


def _rays(turn: Array, intrinsics: Array, x: Array, y: Array) -> Array:
    """(3, N) directions in the place's axes, scaled so that the camera's z is 1."""
    (focal_x, _, centre_x), (_, focal_y, centre_y), _ = np.asarray(intrinsics, dtype=np.float32)
    right = (x - centre_x) / focal_x
    down = (y - centre_y) / focal_y
    return np.asarray(turn[:, :1] * right + turn[:, 1:2] * down + turn[:, 2:])


# --- where rays end ----------------------------------------------------------------------------------


def _meet(place: Place, origin: Array, directions: Array, outlines: list[Array] | None) -> _Met:
    """The first face that each ray meets.

    Args:
        outlines: for each box except the room, the numbers of the rays that may meet it; None: all rays may.
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
    """The face through which each ray leaves a box in which it begins."""
    depth = np.full(directions.shape[1], NEVER, dtype=np.float32)
    face = np.zeros(directions.shape[1], dtype=np.int16)
    for axis in range(3):
        along = directions[axis]
        ahead = along > 0
        wall = np.where(ahead, np.float32(room.high[axis]), np.float32(room.low[axis]))
        with np.errstate(divide="ignore", invalid="ignore"):
            there = (wall - origin[axis]) / along
        nearer = (along != 0) & (there < depth)
        depth[nearer] = there[nearer]
        face[nearer] = (2 * axis + ahead)[nearer]
    return _Met(depth, face)


def _outside(box: Box, origin: Array, directions: Array) -> tuple[Array, Array]:
    """The distance at which each ray enters a box (`NEVER` if it does not), and the face."""
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
    """For each box except the room, the numbers of the pixels in the rectangle around its corners."""
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
    """The numbers of the pixels with a neighbour that shows another face."""
    other = np.zeros(face.shape, dtype=bool)
    across = face[:, 1:] != face[:, :-1]
    down = face[1:] != face[:-1]
    other[:, 1:] |= across
    other[:, :-1] |= across
    other[1:] |= down
    other[:-1] |= down
    return np.flatnonzero(other)


# --- colours ---------------------------------------------------------------------------------------


def _colours(place: Place, origin: Array, directions: Array, met: _Met, pixel: float) -> Array:
    """(3, N) colours of the met faces, as displayed.

    Args:
        pixel: width of a pixel at depth 1.
    """
    out = np.empty((3, directions.shape[1]), dtype=np.float32)
    order = np.argsort(met.face, kind="stable")
    faces, starts = np.unique(met.face[order], return_index=True)
    for face, rays in zip(faces, np.split(order, starts[1:]), strict=True):
        toward = directions[:, rays]
        if face == SKY:
            assert place.sky is not None
            out[:, rays] = _sky_colour(place.sky, toward)
            continue
        box, side = divmod(int(face), 6)
        out[:, rays] = _face_colour(place, box, side, origin, toward, met.depth[rays], pixel)
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
    along = (toward[across], toward[up], toward[side // 2])
    spots = _spots(right, height, along, depth * np.float32(pixel))
    scale = place.metres_per_unit / finish.tile.side_m
    colour = _mean(finish.tile.pyramid, spots, (scale, scale), repeats=True)
    if finish.canvas is not None:
        painted = _mean(finish.canvas, spots, (1 / wide, 1 / high), repeats=False)
        colour = colour * (1 - painted[3]) + painted[:3]
    return np.asarray(colour * _smooth(finish.shade, right / wide, 1 - height / high))


class _Spots(NamedTuple):
    """Ellipses that pixels cover on a face, long where it is seen at a slant; (N,) each, in world units."""

    x: Array  # of the centre, from the face's lower left corner
    y: Array  # upwards
    along_x: Array  # x of the unit vector along the spot's long axis
    along_y: Array
    width: Array
    length: Array


def _spots(x: Array, y: Array, toward: tuple[Array, Array, Array], width: Array) -> _Spots:
    """The spots that pixels cover.

    Args:
        x: where their rays end, from the face's lower left corner; so is y.
        toward: components of these rays' directions: across the face, up it, and into it.
        width: of the pixels there.
    """
    flat = np.maximum(np.hypot(toward[0], toward[1]), np.float32(1e-9))
    slant = np.abs(toward[2]) / np.hypot(flat, toward[2])
    length = width / np.maximum(slant, np.float32(LOWEST_SLANT))
    return _Spots(x, y, toward[0] / flat, toward[1] / flat, width, length)


def _mean(pyramid: Pyramid, spots: _Spots, scale: tuple[float, float], *, repeats: bool) -> Array:
    """(channels, N) mean of a texture over spots, by lookups of round parts side by side.

    A magnified texture needs one lookup. Otherwise there are four lookups for each spot width along the spot.

    Args:
        scale: repetitions of the texture per world unit, across and up.
        repeats: whether the texture repeats beyond its sides; else its edge pixels continue.
    """
    texture_px = np.float32(scale[0] * pyramid.levels[0].shape[2])
    stretch = spots.length / spots.width
    looks = np.ones(len(spots.x), dtype=np.int8)
    for count in LOOKS[1:]:
        looks[stretch >= 0.7 * count] = count
    looks[spots.length * texture_px < MAGNIFIED] = 1
    blur = np.sqrt(spots.width * spots.length / looks.astype(np.float32)) * (texture_px * np.float32(TEXEL))
    looks = np.where(blur > 1, -looks, looks)  # negative: two rows with twice as many each
    out = np.empty((len(pyramid.levels[0]), len(spots.x)), dtype=np.float32)
    for count in (sign * number for sign in (-1, 1) for number in LOOKS):
        mine = np.flatnonzero(looks == count)
        if not len(mine):
            continue
        part = _Spots(*(values[mine] for values in spots))
        if count > 0:
            out[:, mine] = _looked_at(pyramid, part, blur[mine], scale, (count, 1), repeats)
        else:
            out[:, mine] = _looked_at(pyramid, part, 0.5 * blur[mine], scale, (-2 * count, 2), repeats)
    return out


def _looked_at(
    pyramid: Pyramid,
    spots: _Spots,
    blur: Array,
    scale: tuple[float, float],
    looks: tuple[int, int],
    repeats: bool,
) -> Array:
    """(channels, N) mean of a grid of lookups at each spot; `looks` are their numbers along and across."""
    total = np.zeros((len(pyramid.levels[0]), len(spots.x)), dtype=np.float32)
    for i in range(looks[0]):
        along = spots.length * np.float32(FILTER * ((i + 0.5) / looks[0] - 0.5))
        for j in range(looks[1]):
            aside = spots.width * np.float32(FILTER * ((j + 0.5) / looks[1] - 0.5))
            x = (spots.x + along * spots.along_x - aside * spots.along_y) * np.float32(scale[0])
            y = 1 - (spots.y + along * spots.along_y + aside * spots.along_x) * np.float32(scale[1])
            total += look_up(pyramid, x, y, blur, repeats=repeats)
    return total / np.float32(looks[0] * looks[1])


def look_up(pyramid: Pyramid, x: Array, y: Array, blur: Array, *, repeats: bool) -> Array:
    """(channels, N) colours of a texture at x, y, given in its widths and heights.

    Args:
        blur: (N,) width of a pixel of the wanted level, in pixels of the texture.
        repeats: whether the texture repeats beyond its sides; else its edge pixels continue.
    """
    level = np.floor(np.log2(np.maximum(blur, np.float32(1e-6))) + np.float32(ROUNDING))
    level = np.clip(level, 0, len(pyramid.levels) - 1).astype(np.int8)
    present = np.flatnonzero(np.bincount(level))
    if len(present) == 1:
        return _bilinear(pyramid.levels[present[0]], x, y, repeats)
    out = np.empty((len(pyramid.levels[0]), len(x)), dtype=np.float32)
    for number in present:
        mine = np.flatnonzero(level == number)
        out[:, mine] = _bilinear(pyramid.levels[number], x[mine], y[mine], repeats)
    return out


def _bilinear(planes: Array, x: Array, y: Array, repeats: bool) -> Array:
    """(channels, N) bilinear lookup in a picture (channels, H, W) at x, y in its widths and heights."""
    _, height, width = planes.shape
    column = x * np.float32(width) - np.float32(0.5)
    row = y * np.float32(height) - np.float32(0.5)
    return pixel_filter.interpolated(planes, column, row, wraps=(repeats, repeats))


def _smooth(shade: Array, right: Array, down: Array) -> Array:
    """(N,) bilinear lookup in a small picture that covers a whole face."""
    if shade.shape == (2, 2) and shade[0, 0] == shade[1, 1]:
        return np.full(len(right), shade[0, 0], dtype=np.float32)
    return np.asarray(_bilinear(shade[None], right, down, False)[0])


def _sky_colour(sky: Array, toward: Array) -> Array:
    azimuth = np.arctan2(toward[1], toward[0]) / np.float32(2 * np.pi)
    elevation = np.arctan2(toward[2], np.hypot(toward[0], toward[1])) / np.float32(np.pi / 2)
    flat = np.clip(1 - elevation, 0, 1)
    height = sky.shape[1]
    return _bilinear(sky, azimuth % 1, np.clip(flat, 0.5 / height, 1 - 0.5 / height), True)
