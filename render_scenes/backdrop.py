"""The background as displayed: it is painted after the render, so that Cycles traces no ray for it.

Each backdrop is a function of a pixel's direction. The radiance of an HDRI is filtered, dimmed by shadows,
and then displayed as Blender's own view transform does it. What is given as displayed, like a plain colour,
is converted to radiance by the film's curve before it is dimmed or mixed with the pixels of an object. The
picture is the same as with a traced background, but without noise.
"""

from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np
from PIL import Image, ImageFilter

from render_scenes import pixel_filter
from render_scenes.dome import Dome, dome_hits
from render_scenes.protocol import Camera

BLUR_PX = 24  # in an HDRI 1024 px wide: removes shapes and keeps the light
BLUR_STEP = 4  # blurred surroundings are kept at a quarter of the size
# share of the light on the brightest parts of a floor: between these two a shadow fades out
FULL_LIGHT = (0.85, 0.95)
LOWEST = 0.2  # sine of a lamp's elevation: the shadows of lower lamps are cut off
BLURRED_STEP = 8  # blurred surroundings are looked up at every pixel of a grid with this step
SMALLEST_PIXEL = 0.4  # least size of a panorama's pixel, in pixels of the picture
RADIANCES = (1e-4, 60.0)  # from what the film shows as black to what it shows as white
STEPS = 4096  # between those radiances: each is less than a grey level
GRID = 49  # steps between them along each axis of a table of colours: within a level, but for neon
FADE = 0.1  # width in world units over which the edge of a floor map fades into full light


def hdri_as_displayed(pixels: np.ndarray, gain: float, path: Path) -> np.ndarray:
    """An HDRI as the film would show it.

    Args:
        pixels: (H, W, 4) float32 linear radiance, first row at the bottom as Blender keeps it.
        gain: factor on the radiance.
        path: path of a temporary file.

        Returns: (H, W, 3) uint8, first row at the top.
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
    """How radiance is displayed."""

    log_radiance: np.ndarray  # (N,) logarithms of the greys' radiances, rising
    levels: np.ndarray  # (N,) the levels that display them, 0..255, rising
    table: np.ndarray  # (STEPS,) float32 levels for evenly spaced logarithms of radiance within `RADIANCES`
    # (3, GRID**3) float32 displayed red, green and blue, each for a grid of such logarithms of all three
    colours: np.ndarray

    def radiance(self, shown: np.ndarray) -> np.ndarray:
        """Radiance, float32, of displayed values in 0..255, by the curve for greys."""
        return np.asarray(np.exp(np.interp(shown, self.levels, self.log_radiance)), dtype=np.float32)

    def displayed(self, radiance: np.ndarray) -> np.ndarray:
        """Displayed values in 0..255, float32, of radiances: the inverse of `radiance`."""
        number = np.rint(_on_a_scale(radiance, STEPS)).astype(np.int16)
        return np.asarray(self.table[number])

    def developed(self, light: np.ndarray) -> np.ndarray:
        """(3, ...) displayed colours in 0..255, float32, of radiances (3, ...).

        Channels are not displayed one by one: what is bright becomes pale.
        """
        at = _on_a_scale(light, GRID)
        before = np.minimum(at.astype(np.intp), GRID - 2)
        shares: np.ndarray = at - before.astype(np.float32)
        corner = (before[0] * GRID + before[1]) * GRID + before[2]
        corners = [corner + step for step in (0, 1, GRID, GRID + 1)]
        corners += [each + GRID * GRID for each in corners]
        out = np.empty_like(light, dtype=np.float32)
        for colours, mixed in zip(self.colours, out, strict=True):
            values = [colours.take(each, mode="clip") for each in corners]
            for channel in (2, 1, 0):  # the table's last axis is that of blue
                pairs = zip(values[0::2], values[1::2], strict=True)
                values = [one + shares[channel] * (other - one) for one, other in pairs]
            mixed[:] = values[0]
        return out


def _on_a_scale(radiance: np.ndarray, steps: int) -> np.ndarray:
    """Float32 places of radiances among `steps` whose logarithms are evenly spaced within `RADIANCES`."""
    darkest, brightest = RADIANCES
    scale = np.float32((steps - 1) / np.log(brightest / darkest))
    within = np.clip(radiance, darkest, brightest).astype(np.float32)
    return np.asarray(np.log(within / np.float32(darkest)) * scale)


def film(path: Path) -> Film:
    """The film of the scene's view settings.

    Args:
        path: path of a temporary file.
    """
    darkest, brightest = np.log(RADIANCES)
    logs = np.linspace(darkest, brightest, STEPS)
    greys = np.repeat(np.exp(logs)[:, None], 3, axis=1)
    shown = np.maximum.accumulate(_developed(greys[None], path)[0, :, 1])
    levels = np.unique(shown)
    # one radiance for all greys that look the same
    middles = np.array([logs[shown == level].mean() for level in levels])
    axis = np.exp(np.linspace(darkest, brightest, GRID))
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    colours = _developed(grid.reshape(GRID, GRID * GRID, 3), path).reshape(-1, 3).T
    return Film(
        middles,
        levels.astype(np.float64),
        np.interp(logs, middles, levels).astype(np.float32),
        np.ascontiguousarray(colours, dtype=np.float32),
    )


def _developed(radiance: np.ndarray, path: Path) -> np.ndarray:
    """(H, W, 3) radiance -> (H, W, 3) uint8, by Blender itself."""
    rgba = np.ones((*radiance.shape[:2], 4), dtype=np.float32)
    rgba[..., :3] = radiance[::-1]
    return hdri_as_displayed(rgba, 1.0, path)


def blurred(equirectangular: np.ndarray) -> np.ndarray:
    """A smaller, blurred copy without recognisable shapes and without a seam."""
    small = np.asarray(Image.fromarray(equirectangular).reduce(BLUR_STEP))
    radius = BLUR_PX // BLUR_STEP
    margin = 4 * radius
    wide = np.concatenate([small[:, -margin:], small, small[:, :margin]], axis=1)
    return np.asarray(Image.fromarray(wide).filter(ImageFilter.GaussianBlur(radius)))[:, margin:-margin]


def look_up(light: np.ndarray, rotation_rad: float, camera: Camera, size_px: int) -> np.ndarray:
    """(3, size, size) float32: the part of an equirectangular picture's radiance that a camera sees.

    Args:
        light: (3, H, W) float32 radiance.
        rotation_rad: rotation of the lookup direction about the vertical, as in Blender's mapping node.
    """
    reduced, variance = _reduced(light, camera)
    seen = _towards(reduced, rotation_rad, _directions(camera, size_px, 1, pixel_filter.MARGIN))
    return _filtered(seen, variance)


def look_up_blurred(shown: np.ndarray, rotation_rad: float, camera: Camera, size_px: int) -> np.ndarray:
    """(size, size, 3) uint8: the part of an equirectangular picture without sharp edges that a camera sees.

    Args:
        shown: (H, W, 3) uint8.
    """
    direction = _directions(camera, size_px, BLURRED_STEP)
    coarse = _towards(shown.transpose(2, 0, 1), rotation_rad, direction).transpose(1, 2, 0)
    return np.asarray(
        Image.fromarray(np.rint(coarse).astype(np.uint8)).resize(
            (size_px, size_px), Image.Resampling.BILINEAR
        )
    )


def project(light: np.ndarray, rotation_rad: float, dome: Dome, camera: Camera, size_px: int) -> np.ndarray:
    """(3, size, size) float32: the radiance of a panorama on a floor and a dome, as a camera within sees it.

    Where the floor is seen at a slant, its pixels are small: a pixel of the picture is the mean of four rays.

    Args:
        light: (3, H, W) float32 radiance of the panorama.
    """
    reduced, variance = _reduced(light, camera)
    origin = np.asarray(camera.world_from_camera)[:3, 3]
    middle = np.array([0.0, 0.0, dome.ground + dome.eye])
    eye = (origin - middle).astype(np.float32)[:, None, None]
    seen = []
    for offset in pixel_filter.QUARTERS:
        direction = _directions(camera, size_px, 1, pixel_filter.MARGIN, offset)
        from_eye = eye + dome_hits(dome, origin, direction) * direction
        seen.append(_towards(reduced, rotation_rad, from_eye))
    return _filtered(np.mean(seen, axis=0), variance + 1 / 12)


def _filtered(light: np.ndarray, variance: float) -> np.ndarray:
    """(3, H, W) of radiances (3, H + 2, W + 2) whose lookups had this variance."""
    return pixel_filter.smoothed(light, max(0.0, pixel_filter.VARIANCE - variance))


def _reduced(planes: np.ndarray, camera: Camera) -> tuple[np.ndarray, float]:
    """A panorama (3, H, W) whose pixels are not much smaller than the camera's: lookups skip none.

    Returns:
        It, and the variance that it adds to the pixel filter, in square pixels of the camera.
    """
    pixel = camera.intrinsics[0][0] * 2 * np.pi / planes.shape[2]
    times = int(2 ** max(0, np.ceil(np.log2(SMALLEST_PIXEL / pixel))))
    if times == 1:
        return planes, 0.0
    small = np.stack([np.asarray(Image.fromarray(plane).reduce(times)) for plane in planes])
    # a twelfth of the square of a pixel by its mean, and a sixth by interpolation
    return small, float((times**2 - 1) * pixel**2 / 4)


def _towards(planes: np.ndarray, rotation_rad: float, direction: np.ndarray) -> np.ndarray:
    """(channels, N, M): an equirectangular picture (channels, H, W) looked up in directions (3, N, M)."""
    _, height, width = planes.shape
    azimuth = np.arctan2(direction[1], direction[0]) + np.float32(rotation_rad)
    elevation = np.arctan2(direction[2], np.hypot(direction[0], direction[1]))
    column = (0.5 - azimuth / np.float32(2 * np.pi)) * width - 0.5
    row = (0.5 - elevation / np.float32(np.pi)) * height - 0.5
    return pixel_filter.interpolated(planes, column, row, wraps=(True, False))


def _directions(
    camera: Camera, size_px: int, step: int, margin: int = 0, offset: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """(3, N, N) float32: world directions of the rays through every `step`th pixel, not of unit length.

    Args:
        margin: how many rays more there are on each side.
        offset: of the rays from the middles of pixels, to the right and downwards.
    """
    count = -(-size_px // step)
    at = (np.arange(-margin, count + margin) + 0.5) * (size_px / count)
    (focal_x, _, center_x), (_, focal_y, center_y), _ = camera.intrinsics
    turn = np.asarray(camera.world_from_camera, dtype=np.float32)[:3, :3, None, None]
    x = ((at + offset[0] - center_x) / focal_x).astype(np.float32)
    y = ((at + offset[1] - center_y) / focal_y).astype(np.float32)
    out: np.ndarray = turn[:, 0] * x[None, None, :] + turn[:, 1] * y[None, :, None] + turn[:, 2]
    return out


def gradient(top: list[int], bottom: list[int], size_px: int) -> np.ndarray:
    """(size, size, 3) float32: one colour that fades into another down the picture."""
    down = np.linspace(0, 1, size_px, dtype=np.float32)[:, None, None]
    fade = np.asarray(top, dtype=np.float32) * (1 - down) + np.asarray(bottom, dtype=np.float32) * down
    return np.broadcast_to(fade, (size_px, size_px, 3))


class Floor(NamedTuple):
    """A map, seen from straight above, of the share of its full light that each place of a floor gets.

    A matte floor looks the same from everywhere.
    """

    share: np.ndarray  # (3, H, W) float32 of red, green and blue; 1 at the edge and beyond it
    left: float  # x of the first column's edge, in the world
    top: float  # y of the first row's edge
    detail: float  # pixels per unit
    height: float  # z


def floor_window(
    points: np.ndarray, towards: list[np.ndarray], reach: float
) -> tuple[float, float, float, float]:
    """The part of a floor that an object on it may darken: left, bottom, right, top, in world units.

    Args:
        points: (3, N) points of the object's surface.
        towards: unit vectors to the lamps; the long shadows of low lamps are cut off.
        reach: how far around the object it darkens the floor by hiding the surroundings, in world units.
    """
    above = points[2] - points[2].min()
    feet = points[:2]
    shadows = [feet - above * (lamp[:2, None] / max(lamp[2], LOWEST)) for lamp in towards]
    low = np.min([shadow.min(axis=1) for shadow in [feet, *shadows]], axis=0) - reach
    high = np.max([shadow.max(axis=1) for shadow in [feet, *shadows]], axis=0) + reach
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def light_share(light: np.ndarray, fade_px: float) -> np.ndarray:
    """Light on a white floor (3, H, W) -> share of full light (3, H, W), 1 where nothing is hidden.

    Channels differ: in the shadow of a lamp a floor has the colour of the sky.
    """
    full = np.maximum(np.percentile(light, 90, axis=(1, 2)), 1e-6)
    # almost full light counts as full, because it is noisy
    share = np.interp(light / full[:, None, None], (0, *FULL_LIGHT), (0, FULL_LIGHT[0], 1))
    from_edge = [np.minimum(np.arange(n), np.arange(n)[::-1]) / max(fade_px, 1.0) for n in light.shape[1:]]
    inside = np.clip(np.minimum(from_edge[0][:, None], from_edge[1]), 0, 1)
    return np.asarray(1 - (1 - share) * inside, dtype=np.float32)


def dimmed(behind: np.ndarray, share: np.ndarray, film: Film) -> np.ndarray:
    """(H, W, 3) in 0..255: a displayed background whose light is reduced to shares (H, W, 3)."""
    out = np.array(behind, dtype=np.float32)
    dark = (share < 1).any(axis=2)
    out[dark] = film.displayed(film.radiance(out[dark]) * share[dark])
    return out


def shaded(floor: Floor, camera: Camera, size_px: int) -> np.ndarray:
    """(size, size, 3) float32 shares of light on the floor as a camera sees it; 1 where none is visible."""
    direction = _directions(camera, size_px, 2)
    x, y, z = np.asarray(camera.world_from_camera, dtype=np.float32)[:3, 3]
    falls = direction[2] < -1e-3
    along = (floor.height - z) / np.where(falls, direction[2], -1)
    column = (x + along * direction[0] - floor.left) * floor.detail - 0.5
    row = (floor.top - y - along * direction[1]) * floor.detail - 0.5
    _, height, width = floor.share.shape
    on_it = falls & (column > 0) & (column < width - 1) & (row > 0) & (row < height - 1)
    share = np.ones((3, *column.shape), dtype=np.float32)
    share[:, on_it] = pixel_filter.interpolated(floor.share, column[on_it], row[on_it], wraps=(False, False))
    whole = [Image.fromarray(plane).resize((size_px, size_px), Image.Resampling.BILINEAR) for plane in share]
    return np.dstack([np.asarray(plane) for plane in whole])
