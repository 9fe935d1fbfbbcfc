"""What is behind the object, as displayed: painted after the render, so that Cycles traces no ray for it.

Each backdrop is a function of a pixel's direction, in display space. The HDRI is brought there once, by Blender's own
view transform, and then looked up: the same picture as a traced background within one or two grey levels on average
(edges of bright sources come out a little darker, since it is interpolated as displayed), without noise.
"""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import OpenEXR
from PIL import Image, ImageFilter

BLUR_PX = 24  # of a 1024 px wide HDRI: shapes go, the light stays
FULL_LIGHT = 0.88  # of what most of a floor gets: no shadow


def hdri_as_displayed(pixels: np.ndarray, gain: float, scratch: Path) -> np.ndarray:
    """An HDRI as the film would show it.

    Args:
        pixels: (H, W, 4) float32 linear radiance, first row at the bottom as Blender keeps it.
        gain: what the radiance is scaled by.
        scratch: a folder for a temporary file.

    Returns:
        (H, W, 3) uint8, first row at the top.
    """
    height, width, _ = pixels.shape
    scaled = pixels * np.float32(gain)
    scaled[..., 3] = 1
    image = bpy.data.images.new("As displayed", width, height, float_buffer=True)
    path = scratch / "hdri.png"
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
    """The same with its shapes gone. It closes at the seam."""
    margin = 4 * BLUR_PX
    wide = np.concatenate([equirectangular[:, -margin:], equirectangular, equirectangular[:, :margin]], axis=1)
    out = np.asarray(Image.fromarray(wide).filter(ImageFilter.GaussianBlur(BLUR_PX)))
    return out[:, margin:-margin]


def look_up(
    equirectangular: np.ndarray, rotation_rad: float, view: dict[str, Any], size_px: int, step: int = 2
) -> np.ndarray:
    """(size, size, 3) float32: the part of an equirectangular picture that a camera sees.

    Args:
        rotation_rad: of the lookup direction about the vertical, as Blender's mapping node has it.
        view: with `world_from_camera` (4x4, OpenCV axes) and `intrinsics` (3x3, pixels).
        step: looked up once per so many pixels; the bundled HDRIs have fewer pixels a degree than that.
    """
    focal_x, focal_y = view["intrinsics"][0][0], view["intrinsics"][1][1]
    center_x, center_y = view["intrinsics"][0][2], view["intrinsics"][1][2]
    count = -(-size_px // step)
    at = (np.arange(count, dtype=np.float32) + np.float32(0.5)) * np.float32(size_px / count)
    x, y = np.meshgrid((at - center_x) / focal_x, (at - center_y) / focal_y)
    rotation = np.asarray(view["world_from_camera"], dtype=np.float64)[:3, :3]
    c, s = np.cos(rotation_rad), np.sin(rotation_rad)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ rotation
    direction = np.stack([x, y, np.ones_like(x)], axis=-1).astype(np.float32) @ turn.T.astype(np.float32)
    height, width, _ = equirectangular.shape
    azimuth = np.arctan2(direction[..., 1], direction[..., 0])
    elevation = np.arctan2(direction[..., 2], np.hypot(direction[..., 0], direction[..., 1]))
    column = (0.5 - azimuth / (2 * np.pi)) * width - 0.5
    row = np.clip((0.5 - elevation / np.pi) * height - 0.5, 0, height - 1)
    left, top = np.floor(column).astype(np.int32), np.minimum(np.floor(row).astype(np.int32), height - 2)
    across, down = (column - left)[..., None], (row - top)[..., None]
    left, right = left % width, (left + 1) % width
    upper = equirectangular[top, left] * (1 - across) + equirectangular[top, right] * across
    lower = equirectangular[top + 1, left] * (1 - across) + equirectangular[top + 1, right] * across
    coarse = np.asarray(np.rint(upper * (1 - down) + lower * down), dtype=np.uint8)
    fine = Image.fromarray(coarse).resize((size_px, size_px), Image.Resampling.BILINEAR)
    return np.asarray(fine, dtype=np.float32)


def gradient(top: list[int], bottom: list[int], size_px: int) -> np.ndarray:
    """(size, size, 3) float32: one colour fading into another, down the picture. Equal colours: plain."""
    down = np.linspace(0, 1, size_px, dtype=np.float32)[:, None, None]
    fade = np.asarray(top, dtype=np.float32) * (1 - down) + np.asarray(bottom, dtype=np.float32) * down
    return np.broadcast_to(fade, (size_px, size_px, 3))


def light_share(path: Path, size_px: int) -> np.ndarray:
    """(size, size, 1) float32 factors, as displayed: 1 where a floor gets all of its light, or where there is no floor.

    Args:
        path: a linear picture of a floor in one colour, with what throws shadows on it unseen; transparent above it.
    """
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = {name.rsplit(".", 1)[-1]: channel.pixels for name, channel in file.parts[0].channels.items()}
    light, floor = channels["G"].astype(np.float32), channels["A"].astype(np.float32)
    there = floor > 0.99
    if not there.any():
        return np.ones((size_px, size_px, 1), np.float32)
    full = FULL_LIGHT * np.percentile(light[there], 75)  # below what noise and the horizon take away
    share = np.where(there, np.clip(light / max(full, 1e-6), 0, 1) ** (1 / 2.2), 1)
    factor = Image.fromarray(np.asarray(share, dtype=np.float32))
    return np.asarray(factor.resize((size_px, size_px), Image.Resampling.BILINEAR))[..., None]
