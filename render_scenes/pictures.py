"""Turns Cycles' passes into the files of a view: the picture over its background, depth and albedo."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from render_scenes import passes
from render_scenes.backdrop import Film

OBJECT_INDEX = 1  # object index of the first object's pixels, 2 for the second, and so on; the floor has none
VEIL_PX = 2  # a pixel of a blended surface shows the mean of its neighbours up to this far away
VEIL_DEPTH = 0.03  # largest difference in depth of those neighbours, in world units


class Box(NamedTuple):
    """The part of the frame that is rendered, in pixels; the last row and column are outside."""

    left: int
    top: int
    right: int
    bottom: int


class Kind(NamedTuple):
    """What kind of picture a view is."""

    scene: bool  # whether it shows several objects
    veiled: bool  # whether some of it is alpha-blended
    denoised: bool
    film: Film  # the film curve by which it is displayed


class Finished(NamedTuple):
    """The fields of `protocol.Taken` that are known once a view's files are written."""

    arrays: str
    image: str
    statistics: dict[str, float]


def finish(
    path: Path, taken: dict[str, np.ndarray], box: Box, behind: np.ndarray | None, quality: int, kind: Kind
) -> Finished:
    """Write the picture over its background, and depth and albedo of the box; return statistics.

    This runs in parallel with the next render. The statistics cover the object's pixels; gates judge them
    before a picture is kept.
    """
    depth, albedo = passes.depth_and_albedo(taken, OBJECT_INDEX)
    with open(path.with_suffix(".npy"), "wb") as file:
        np.save(file, depth)
        np.save(file, albedo)
        if kind.scene:
            np.save(file, taken["Object Index"][..., 0].astype(np.uint8))  # 0 where there is no object
    there = depth < 1e9
    alpha = taken["Combined"][..., 3]
    statistics = {"opacity": float(alpha[there].mean()) if there.any() else 0.0}
    arrays = path.with_suffix(".npy").name
    image = ""
    if behind is not None:
        picture = path.with_suffix(".jpg")
        image = picture.name
        inside = np.s_[box.top : box.bottom, box.left : box.right]
        before = behind[inside].astype(np.float32)
        rgb, after = over(path, before, kind.film, depth if kind.veiled else None, denoised=kind.denoised)
        path.unlink()
        if there.any():
            statistics |= _exposure(rgb[there], np.abs(after - before)[there])
        whole = behind.copy()
        whole[inside] = np.rint(after)
        Image.fromarray(whole).save(picture, quality=quality, subsampling=0)
    return Finished(arrays, image, statistics)


def over(
    path: Path, behind: np.ndarray, film: Film, veil: np.ndarray | None, *, denoised: bool
) -> tuple[np.ndarray, np.ndarray]:
    """A picture's own colours, and these composited over the background; both (H, W, 3) float32 in 0..255.

    Where a pixel shows both, their radiance is mixed, as it would be before the film.

    Args:
        veil: (H, W) depth, if some of the object is alpha-blended: few paths leave its alpha grainy.
        denoised: whether the object's radiance along its outline is taken from each pixel's neighbourhood.
            The denoiser spreads light over the outline but leaves alpha alone: a pixel that all paths found
            covered by chance would be dark.
    """
    with Image.open(path) as picture:
        rgba = np.asarray(picture.convert("RGBA"), dtype=np.float32)
    if veil is not None:
        rgba = _without_grain(rgba, veil)
    rgb = rgba[..., :3]
    alpha = rgba[..., 3] / 255
    spread = denoised and veil is None
    both = (alpha > 0) & ((_least_around(alpha) if spread else alpha) < 1)
    own = _light_around(rgb, alpha, both, film) if spread else film.radiance(rgb[both])
    share = alpha[both][:, None]
    mixed = np.where(alpha[..., None] > 0, rgb, behind)
    mixed[both] = film.displayed(own * share + film.radiance(behind[both]) * (1 - share))
    return rgb, mixed


def _least_around(values: np.ndarray) -> np.ndarray:
    """(H, W): the least value of each pixel and its eight neighbours."""
    wide = np.pad(values, 1, mode="edge")
    rows = np.minimum(np.minimum(wide[:-2], wide[1:-1]), wide[2:])
    return np.asarray(np.minimum(np.minimum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]))


def _light_around(rgb: np.ndarray, alpha: np.ndarray, wanted: np.ndarray, film: Film) -> np.ndarray:
    """(N, 3) radiance of the wanted pixels (H, W) and their neighbours, weighed by alpha."""
    y, x = np.nonzero(wanted)
    height, width = alpha.shape
    total = np.zeros((len(y), 3), dtype=np.float32)
    covered = np.zeros((len(y), 1), dtype=np.float32)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            there = np.clip(y + down, 0, height - 1), np.clip(x + right, 0, width - 1)
            share = alpha[there][:, None]
            total += film.radiance(rgb[there]) * share
            covered += share
    return total / covered


def _without_grain(rgba: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Colours and alpha in which blended pixels are the mean of their neighbours at a similar depth.

    This is needed because the denoiser leaves alpha alone.
    """
    thin = (depth < 1e9) & (rgba[..., 3] > 0) & (rgba[..., 3] < 255)
    height, width = depth.shape
    weighed = np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=2)
    far = np.pad(depth, VEIL_PX, constant_values=np.inf)
    near = np.pad(weighed, ((VEIL_PX, VEIL_PX), (VEIL_PX, VEIL_PX), (0, 0)))
    total = np.zeros_like(weighed)
    count = np.zeros((height, width, 1), dtype=np.float32)
    for down in range(2 * VEIL_PX + 1):
        for right in range(2 * VEIL_PX + 1):
            there = np.s_[down : down + height, right : right + width]
            same = (np.abs(far[there] - depth) < VEIL_DEPTH)[..., None]
            total += same * near[there]
            count += same
    smooth = np.concatenate(
        [total[..., :3] / np.maximum(total[..., 3:], 1e-6), total[..., 3:] / count.clip(1)], axis=2
    )
    return np.where(thin[..., None], smooth, rgba)


def _exposure(rgb: np.ndarray, from_behind: np.ndarray) -> dict[str, float]:
    """Statistics of the brightness of the object's pixels (N, 3) in 0..255."""
    luminance = rgb @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) / 255
    return {
        "luminance": float(luminance.mean()),
        "contrast": float(luminance.std()),
        "dark": float((luminance < 0.02).mean()),
        "bright": float((luminance > 0.98).mean()),
        "from_background": float(from_behind.mean()) / 255,
    }
