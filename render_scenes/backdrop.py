"""What is behind the object, as displayed: painted after the render, so that Cycles traces no ray for it.

Each backdrop is a function of a pixel's direction, in display space. The HDRI is brought there once, by
Blender's own view transform, and then looked up: the same picture as a traced background within one or two
grey levels on average (edges of bright sources come out a little darker, since it is interpolated as
displayed), without noise.
"""

from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np
from PIL import Image, ImageFilter

from render_scenes.dome import Dome, dome_hits
from render_scenes.protocol import Camera

BLUR_PX = 24  # of a 1024 px wide HDRI: shapes go, the light stays
BLUR_STEP = 4  # blurred surroundings are kept at a quarter of the size
FULL_LIGHT = 0.95  # of what the lightest parts of a floor get: no shadow
LOWEST = 0.2  # sine of a lamp's height: shadows of lower ones are cut off
FADE = 0.1  # of the world's units, within which the edge of a floor map goes over into full light


def hdri_as_displayed(pixels: np.ndarray, gain: float, path: Path) -> np.ndarray:
    """An HDRI as the film would show it.

    Args:
        pixels: (H, W, 4) float32 linear radiance, first row at the bottom as Blender keeps it.
        gain: what the radiance is scaled by.
        path: of a temporary file.

    Returns:
        (H, W, 3) uint8, first row at the top.
    """
    height, width, _ = pixels.shape
    scaled = pixels * np.float32(gain)
    scaled[..., 3] = 1
    image = bpy.data.images.new("As displayed", width, height, float_buffer=True)
    try:
        image.pixels.foreach_set(scaled.ravel())
        image.save_render(str(path), scene=bpy.context.scene)
    finally:
        bpy.data.images.remove(image)
    with Image.open(path) as picture:
        shown = np.asarray(picture.convert("RGB"))
    path.unlink()
    return shown


def blurred(equirectangular: np.ndarray) -> np.ndarray:
    """The same, smaller, with its shapes gone. It closes at the seam."""
    small = np.asarray(Image.fromarray(equirectangular).reduce(BLUR_STEP))
    radius = BLUR_PX // BLUR_STEP
    margin = 4 * radius
    wide = np.concatenate([small[:, -margin:], small, small[:, :margin]], axis=1)
    return np.asarray(Image.fromarray(wide).filter(ImageFilter.GaussianBlur(radius)))[:, margin:-margin]


def look_up(
    equirectangular: np.ndarray, rotation_rad: float, camera: Camera, size_px: int, step: int = 2
) -> np.ndarray:
    """(size, size, 3) uint8: the part of an equirectangular picture that a camera sees.

    Args:
        rotation_rad: of the lookup direction about the vertical, as Blender's mapping node has it.
        step: how many pixels share one look-up; the bundled HDRIs have fewer pixels a degree than that.
    """
    direction = _directions(camera, size_px, step)
    return _towards(equirectangular, rotation_rad, direction, size_px)


def project(
    equirectangular: np.ndarray, rotation_rad: float, dome: Dome, camera: Camera, size_px: int, step: int = 2
) -> np.ndarray:
    """(size, size, 3) uint8: a panorama on a floor and a dome, as a camera within sees it."""
    direction = _directions(camera, size_px, step)
    origin = np.asarray(camera.world_from_camera)[:3, 3]
    place = origin.astype(np.float32)[:, None, None] + dome_hits(dome, origin, direction) * direction
    from_eye = place - np.array([0.0, 0.0, dome.ground + dome.eye], dtype=np.float32)[:, None, None]
    return _towards(equirectangular, rotation_rad, from_eye, size_px)


def _towards(
    equirectangular: np.ndarray, rotation_rad: float, direction: np.ndarray, size_px: int
) -> np.ndarray:
    """(size, size, 3) uint8: an equirectangular picture in directions (3, N, N) from its middle."""
    height, width, _ = equirectangular.shape
    azimuth = np.arctan2(direction[1], direction[0]) + np.float32(rotation_rad)
    elevation = np.arctan2(direction[2], np.hypot(direction[0], direction[1]))
    column = (0.5 - azimuth / np.float32(2 * np.pi)) * width - 0.5
    row = (0.5 - elevation / np.float32(np.pi)) * height - 0.5
    coarse = np.rint(_interpolated(equirectangular, column % width, row)).astype(np.uint8)
    bands = [Image.fromarray(band).resize((size_px, size_px), Image.Resampling.BILINEAR) for band in coarse]
    return np.asarray(Image.merge("RGB", bands))


def _directions(camera: Camera, size_px: int, step: int) -> np.ndarray:
    """(3, N, N) float32: where the rays through every `step`th pixel go, in the world; not of unit length."""
    count = -(-size_px // step)
    at = (np.arange(count) + 0.5) * (size_px / count)
    (focal_x, _, center_x), (_, focal_y, center_y), _ = camera.intrinsics
    turn = np.asarray(camera.world_from_camera, dtype=np.float32)[:3, :3, None, None]
    x = ((at - center_x) / focal_x).astype(np.float32)
    y = ((at - center_y) / focal_y).astype(np.float32)
    out: np.ndarray = turn[:, 0] * x[None, None, :] + turn[:, 1] * y[None, :, None] + turn[:, 2]
    return out


def _interpolated(picture: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """A picture (H, W, channels) at fractional pixels of shape S, which closes at its sides.

    Returns:
        (channels, *S) float32.
    """
    height, width, channels = picture.shape
    row = np.clip(row, 0, height - 1)
    left = column.astype(np.int32)
    top = np.minimum(row.astype(np.int32), height - 2)
    across = column - left
    down = row - top
    right = np.where(left + 1 < width, left + 1, 0)
    out = np.empty((channels, *column.shape), dtype=np.float32)
    for channel in range(channels):  # by planes: numpy is slow along short axes
        plane = np.ascontiguousarray(picture[..., channel]).ravel()
        upper, lower = (
            _mixed(plane[below + left], plane[below + right], across)
            for below in (top * width, (top + 1) * width)
        )
        out[channel] = _mixed(upper, lower, down)
    return out


def _mixed(a: np.ndarray, b: np.ndarray, share_of_b: np.ndarray) -> np.ndarray:
    return np.asarray(a * (1 - share_of_b) + b * share_of_b)


def gradient(top: list[int], bottom: list[int], size_px: int) -> np.ndarray:
    """(size, size, 3) float32: one colour fading into another, down the picture. Equal colours: plain."""
    down = np.linspace(0, 1, size_px, dtype=np.float32)[:, None, None]
    fade = np.asarray(top, dtype=np.float32) * (1 - down) + np.asarray(bottom, dtype=np.float32) * down
    return np.broadcast_to(fade, (size_px, size_px, 3))


class Floor(NamedTuple):
    """What share of its light a floor gets, seen from straight above.

    A matte floor looks the same from everywhere.
    """

    share: np.ndarray  # (H, W) float32 factors, as displayed; 1 at the edge and beyond it
    left: float  # x of the first column's edge, in the world
    top: float  # y of the first row's edge
    detail: float  # pixels per unit
    height: float  # z


def floor_window(
    points: np.ndarray, towards: list[np.ndarray], reach: float
) -> tuple[float, float, float, float]:
    """What of a floor may be darker for an object that stands on it: left, bottom, right, top.

    Args:
        points: (3, N) of the object's surface.
        towards: unit vectors to the lamps. Long shadows of low ones are cut off.
        reach: how far around that the object hides the surroundings.
    """
    above = points[2] - points[2].min()
    feet = points[:2]
    shadows = [feet - above * (lamp[:2, None] / max(lamp[2], LOWEST)) for lamp in towards]
    low = np.min([shadow.min(axis=1) for shadow in [feet, *shadows]], axis=0) - reach
    high = np.max([shadow.max(axis=1) for shadow in [feet, *shadows]], axis=0) + reach
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def light_share(light: np.ndarray, fade_px: float) -> np.ndarray:
    """Linear light on a floor in one colour (H, W) -> factors as displayed: 1 where it gets all of it."""
    full = FULL_LIGHT * np.percentile(light, 90)
    share = np.clip(light / max(float(full), 1e-6), 0, 1) ** (1 / 2.2)
    from_edge = [np.minimum(np.arange(n), np.arange(n)[::-1]) / max(fade_px, 1.0) for n in light.shape]
    inside = np.clip(np.minimum(from_edge[0][:, None], from_edge[1]), 0, 1)
    return np.asarray(1 - (1 - share) * inside, dtype=np.float32)


def shaded(floor: Floor, camera: Camera, size_px: int) -> np.ndarray:
    """(size, size, 1) float32 factors, as displayed: the floor as a camera sees it; 1 where there is none."""
    direction = _directions(camera, size_px, 2)
    x, y, z = np.asarray(camera.world_from_camera, dtype=np.float32)[:3, 3]
    falls = direction[2] < -1e-3
    along = (floor.height - z) / np.where(falls, direction[2], -1)
    column = (x + along * direction[0] - floor.left) * floor.detail - 0.5
    row = (floor.top - y - along * direction[1]) * floor.detail - 0.5
    height, width = floor.share.shape
    on_it = falls & (column > 0) & (column < width - 1) & (row > 0) & (row < height - 1)
    share = np.ones(column.shape, dtype=np.float32)
    share[on_it] = _interpolated(floor.share[..., None], column[on_it], row[on_it])[0]
    factor = Image.fromarray(share)
    return np.asarray(factor.resize((size_px, size_px), Image.Resampling.BILINEAR))[..., None]
