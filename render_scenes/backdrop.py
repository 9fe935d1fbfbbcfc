"""What is behind the object, as displayed: painted after the render, so that Cycles traces no ray for it.

Each backdrop is a function of a pixel's direction. An HDRI is kept as displayed: it is brought there once, by
Blender's own view transform. Where its pixels are mixed with each other, with an object's or with a shadow,
they are brought back to light before, by the film's curve: the same picture as a traced background, without
noise.
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
FULL_LIGHT = (0.85, 0.95)  # of what the lightest parts of a floor get: from one to the other, a shadow ends
LOWEST = 0.2  # sine of a lamp's height: shadows of lower ones are cut off
BLURRED_STEP = 8  # blurred surroundings are looked up once per so many pixels
SMALLEST_PIXEL = 0.3  # of a panorama, in those of the picture
RADIANCES = (1e-4, 60.0)  # from what the film shows as black to what it shows as white
STEPS = 4096  # between them: less than a grey level each
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


class Film(NamedTuple):
    """What the film makes of greys.

    By it, light is mixed and dimmed in pictures that are already as displayed, channel by channel.
    """

    log_radiance: np.ndarray  # (N,) rising, of those greys that are shown
    levels: np.ndarray  # (N,) 0..255, rising: as what
    table: np.ndarray  # (STEPS,) float32 levels of evenly spaced logarithms within `RADIANCES`

    def radiance(self, shown: np.ndarray) -> np.ndarray:
        """Of colours in 0..255, float32."""
        return np.exp(np.interp(shown, self.levels, self.log_radiance)).astype(np.float32)

    def displayed(self, radiance: np.ndarray) -> np.ndarray:
        """Colours in 0..255, float32."""
        darkest, brightest = np.log(RADIANCES)
        number = (np.log(radiance) - np.float32(darkest)) * np.float32((STEPS - 1) / (brightest - darkest))
        return np.asarray(self.table[np.clip(np.rint(number), 0, STEPS - 1).astype(np.int16)])


def film(path: Path) -> Film:
    """The film that the scene is set to.

    Args:
        path: of a temporary file.
    """
    darkest, brightest = np.log(RADIANCES)
    logs = np.linspace(darkest, brightest, STEPS)
    pixels = np.ones((1, STEPS, 4), dtype=np.float32)
    pixels[0, :, :3] = np.exp(logs)[:, None]
    shown = np.maximum.accumulate(hdri_as_displayed(pixels, 1.0, path)[0, :, 1])
    levels = np.unique(shown)
    middles = np.array([logs[shown == level].mean() for level in levels])  # of the greys that look the same
    return Film(middles, levels.astype(np.float64), np.interp(logs, middles, levels).astype(np.float32))


def blurred(equirectangular: np.ndarray) -> np.ndarray:
    """The same, smaller, with its shapes gone. It closes at the seam."""
    small = np.asarray(Image.fromarray(equirectangular).reduce(BLUR_STEP))
    radius = BLUR_PX // BLUR_STEP
    margin = 4 * radius
    wide = np.concatenate([small[:, -margin:], small, small[:, :margin]], axis=1)
    return np.asarray(Image.fromarray(wide).filter(ImageFilter.GaussianBlur(radius)))[:, margin:-margin]


def reduced(equirectangular: np.ndarray, camera: Camera) -> np.ndarray:
    """The same with pixels not much smaller than the camera's, lest some be left out."""
    pixel = camera.intrinsics[0][0] * 2 * np.pi / equirectangular.shape[1]
    times = int(2 ** max(0, np.ceil(np.log2(SMALLEST_PIXEL / pixel))))
    return equirectangular if times == 1 else np.asarray(Image.fromarray(equirectangular).reduce(times))


def look_up(
    equirectangular: np.ndarray, rotation_rad: float, camera: Camera, size_px: int, film: Film
) -> np.ndarray:
    """(size, size, 3) float32 in 0..255: the part of an equirectangular picture that a camera sees.

    Args:
        rotation_rad: of the lookup direction about the vertical, as Blender's mapping node has it.
    """
    return _towards(equirectangular, rotation_rad, _directions(camera, size_px, 1), film)


def look_up_blurred(
    equirectangular: np.ndarray, rotation_rad: float, camera: Camera, size_px: int
) -> np.ndarray:
    """The same of a picture without sharp edges, (size, size, 3) uint8."""
    coarse = _towards(equirectangular, rotation_rad, _directions(camera, size_px, BLURRED_STEP), None)
    return np.asarray(
        Image.fromarray(np.rint(coarse).astype(np.uint8)).resize(
            (size_px, size_px), Image.Resampling.BILINEAR
        )
    )


def project(
    equirectangular: np.ndarray, rotation_rad: float, dome: Dome, camera: Camera, size_px: int, film: Film
) -> np.ndarray:
    """(size, size, 3) float32 in 0..255: a panorama on a floor and a dome, as a camera within sees it."""
    direction = _directions(camera, size_px, 1)
    origin = np.asarray(camera.world_from_camera)[:3, 3]
    place = origin.astype(np.float32)[:, None, None] + dome_hits(dome, origin, direction) * direction
    from_eye = place - np.array([0.0, 0.0, dome.ground + dome.eye], dtype=np.float32)[:, None, None]
    return _towards(equirectangular, rotation_rad, from_eye, film)


def _towards(
    equirectangular: np.ndarray, rotation_rad: float, direction: np.ndarray, film: Film | None
) -> np.ndarray:
    """(N, N, 3) float32: an equirectangular picture in directions (3, N, N) from its middle.

    Args:
        film: if given, light is interpolated, else what is displayed.
    """
    height, width, _ = equirectangular.shape
    azimuth = np.arctan2(direction[1], direction[0]) + np.float32(rotation_rad)
    elevation = np.arctan2(direction[2], np.hypot(direction[0], direction[1]))
    column = (0.5 - azimuth / np.float32(2 * np.pi)) * width - 0.5
    row = (0.5 - elevation / np.float32(np.pi)) * height - 0.5
    planes = equirectangular.transpose(2, 0, 1)
    if film is None:
        seen = _interpolated(planes, column % width, row)
    else:
        light = film.radiance(np.arange(256))[planes]
        seen = film.displayed(_interpolated(light, column % width, row))
    return np.ascontiguousarray(seen.transpose(1, 2, 0))


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


def _interpolated(planes: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """A picture (channels, H, W) at fractional pixels of shape S, which closes at its sides.

    Returns:
        (channels, *S) float32.
    """
    channels, height, width = planes.shape
    row = np.clip(row, 0, height - 1)
    left = column.astype(np.int32)
    top = np.minimum(row.astype(np.int32), height - 2)
    across = column - left
    down = row - top
    right = np.where(left + 1 < width, left + 1, 0)
    out = np.empty((channels, *column.shape), dtype=np.float32)
    for channel in range(channels):  # by planes: numpy is slow along short axes
        plane = np.ascontiguousarray(planes[channel]).ravel()
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

    share: np.ndarray  # (H, W) float32; 1 at the edge and beyond it
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
    """Light on a floor in one colour (H, W) -> its share of full light, 1 where it gets all of it."""
    share = light / max(float(np.percentile(light, 90)), 1e-6)
    # what is almost full light is full, for it is noisy
    share = np.interp(share, (0, *FULL_LIGHT), (0, FULL_LIGHT[0], 1))
    from_edge = [np.minimum(np.arange(n), np.arange(n)[::-1]) / max(fade_px, 1.0) for n in light.shape]
    inside = np.clip(np.minimum(from_edge[0][:, None], from_edge[1]), 0, 1)
    return np.asarray(1 - (1 - share) * inside, dtype=np.float32)


def dimmed(behind: np.ndarray, share: np.ndarray, film: Film) -> np.ndarray:
    """(H, W, 3) in 0..255, as displayed, with shares (H, W) of its light."""
    out = np.array(behind, dtype=np.float32)
    dark = share < 1
    out[dark] = film.displayed(film.radiance(out[dark]) * share[dark][:, None])
    return out


def shaded(floor: Floor, camera: Camera, size_px: int) -> np.ndarray:
    """(size, size) float32 shares of light on the floor, as a camera sees it; 1 where there is none."""
    direction = _directions(camera, size_px, 2)
    x, y, z = np.asarray(camera.world_from_camera, dtype=np.float32)[:3, 3]
    falls = direction[2] < -1e-3
    along = (floor.height - z) / np.where(falls, direction[2], -1)
    column = (x + along * direction[0] - floor.left) * floor.detail - 0.5
    row = (floor.top - y - along * direction[1]) * floor.detail - 0.5
    height, width = floor.share.shape
    on_it = falls & (column > 0) & (column < width - 1) & (row > 0) & (row < height - 1)
    share = np.ones(column.shape, dtype=np.float32)
    share[on_it] = _interpolated(floor.share[None], column[on_it], row[on_it])[0]
    factor = Image.fromarray(share)
    return np.asarray(factor.resize((size_px, size_px), Image.Resampling.BILINEAR))
