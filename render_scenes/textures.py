"""Textures of procedural places: small pictures made of noise and simple shapes.

All colours are as displayed, (H, W, 3) float32 with 1 for white; light sources are brighter. Tiles repeat
seamlessly. No Blender here.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

Array = np.ndarray
Rng = np.random.Generator
TILE = 512  # pixels along a side of a repeating tile
SMALL = 256  # pixels along a side of a nearly uniform tile


class Pyramid(NamedTuple):
    """A picture and its successive halves (mipmaps), so that distant surfaces do not flicker."""

    levels: list[Array]  # (channels, H, W) float32, each half as wide and high as the one before


class Repeating(NamedTuple):
    """A texture that repeats."""

    pyramid: Pyramid
    side_m: float  # side of one repetition in metres


def pyramid(picture: Array) -> Pyramid:
    """The pyramid of a picture (H, W, channels), down to two pixels.

    Each level covers the whole picture, even if its sides are odd.
    """
    levels = [np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)]
    while min(levels[-1].shape[1:]) >= 4:
        narrow = _halved(levels[-1])
        levels.append(np.ascontiguousarray(_halved(narrow.swapaxes(1, 2)).swapaxes(1, 2)))
    return Pyramid(levels)


def _halved(planes: Array) -> Array:
    """Half as many columns, each the mean of those that it covers; with an odd number, each blends three."""
    width = planes.shape[2]
    count = width // 2
    if width == 2 * count:
        return np.asarray((planes[..., 0::2] + planes[..., 1::2]) * np.float32(0.5))
    number = np.arange(count, dtype=np.float32)
    first = (count - number) * planes[..., 0:-1:2]
    last = (number + 1) * planes[..., 2::2]
    return np.asarray((first + count * planes[..., 1::2] + last) / np.float32(width))


# --- noise -----------------------------------------------------------------------------------------


def noise(rng: Rng, size: int, slope: float, stretch: tuple[float, float] = (1.0, 1.0)) -> Array:
    """(size, size) seamless noise with mean 0 and deviation 1, whose power falls with frequency by `slope`.

    Args:
        stretch: factors along x and y; above 1, the noise is stretched along that axis.
    """
    white = rng.standard_normal((size, size // 2 + 1, 2), dtype=np.float32).view(np.complex64)[..., 0]
    values = np.fft.irfft2(white * _falling(size, slope, stretch), s=(size, size))
    return np.asarray(values / max(float(values.std()), 1e-9), dtype=np.float32)


@lru_cache(32)  # tiles of a kind share it; it takes a third as long as their transforms
def _falling(size: int, slope: float, stretch: tuple[float, float]) -> Array:
    """(size, size / 2 + 1) amplitudes of `noise` by frequency."""
    across = np.fft.rfftfreq(size)[None, :] * size * stretch[0]
    down = np.fft.fftfreq(size)[:, None] * size * stretch[1]
    frequency = np.hypot(across, down)
    frequency[0, 0] = np.inf
    amplitude = frequency**-slope
    amplitude[:, [0, -1]] *= 2**0.5  # of these columns, the transform uses half
    return np.asarray(amplitude)


def tinted(colour: Array, factor: Array) -> Array:
    """(H, W, 3): a colour times (H, W) factors of brightness."""
    return _picture([np.float32(channel) * factor for channel in colour])


def between(low: Array, high: Array, share: Array) -> Array:
    """(H, W, 3) blend of two colours, or pictures, by (H, W) shares, which are clipped to 0..1."""
    of_high = np.clip(share, 0, 1).astype(np.float32)
    of_low = 1 - of_high
    planes = [np.moveaxis(np.asarray(colour, dtype=np.float32), -1, 0) for colour in (low, high)]
    return _picture([one * of_low + other * of_high for one, other in zip(*planes, strict=True)])


def _picture(planes: list[Array]) -> Array:
    """(H, W, 3) float32 whose channels are planes in memory, too: numpy is slow along short axes."""
    return np.moveaxis(np.stack(planes).astype(np.float32, copy=False), 0, -1)


def muted(rng: Rng, low: float, high: float, colourful: float) -> Array:
    """A random colour with a brightness between `low` and `high`."""
    grey = rng.uniform(low, high)
    return np.asarray(np.clip(grey + colourful * rng.uniform(-1, 1, 3), 0.03, 0.98), dtype=np.float32)


# --- what repeats ------------------------------------------------------------------------------------


def wood(rng: Rng) -> Repeating:
    """Boards side by side along x, with grain and gaps."""
    boards = int(rng.choice([1, 4, 6, 8]))
    dark = np.array([0.30, 0.19, 0.11]) + rng.uniform(-0.06, 0.06, 3)
    light = np.array([0.66, 0.47, 0.30]) + rng.uniform(-0.12, 0.14)
    grain = noise(rng, TILE, 1.1, (0.12, 1.6))
    waves = noise(rng, TILE, 1.8, (0.3, 1.2))
    y, x = np.mgrid[:TILE, :TILE]
    board = y * boards // TILE
    shift = rng.integers(TILE, size=boards)
    tone = rng.uniform(-0.16, 0.16, boards) if boards > 1 else np.zeros(1)
    column = (x + shift[board]) % TILE
    rings = np.sin(9 * waves[y, column] + 0.8 * grain[y, column])
    share = 0.55 + 0.13 * grain[y, column] + 0.10 * rings + tone[board]
    out = between(dark, light, share)
    if boards > 1:
        edge = np.minimum(y % (TILE // boards), TILE // boards - 1 - y % (TILE // boards))
        ends = np.abs((x + shift[board]) % TILE - TILE // 2)
        gap = np.minimum(np.clip(edge / 1.5, 0.35, 1), np.clip(ends / 1.5, 0.45, 1))
        out = out * gap[..., None].astype(np.float32)
    return Repeating(pyramid(np.clip(out, 0.02, 1)), 0.16 * max(boards, 3))


def tiles(rng: Rng) -> Repeating:
    """Square or oblong tiles with grout."""
    count = int(rng.choice([2, 3, 4]))
    base = muted(rng, 0.45, 0.88, 0.06)
    other = base * rng.uniform(0.45, 1.0) if rng.random() < 0.4 else base
    grout = base * rng.uniform(0.55, 0.85)
    return _laid(rng, Bond(count, count, base, other, grout), rng.uniform(0.25, 0.5) * count)


def paving(rng: Rng) -> Repeating:
    """Slabs or bricks in a bond, rougher than tiles."""
    base = muted(rng, 0.38, 0.66, 0.04)
    rows, columns = (4, 2) if rng.random() < 0.5 else (8, 4)
    return _laid(rng, Bond(rows, columns, base, base * 0.9, base * 0.55, 0.5, 0.11), 1.6)


def bricks(rng: Rng) -> Repeating:
    """A wall of bricks with mortar."""
    base = np.array([0.58, 0.30, 0.22]) + rng.uniform(-0.1, 0.1, 3)
    if rng.random() < 0.35:
        base = muted(rng, 0.5, 0.8, 0.03)
    return _laid(rng, Bond(16, 4, base, base * 0.85, np.full(3, 0.68), 0.5, 0.08), 1.1)


class Bond(NamedTuple):
    """Rectangles in rows, with joints between them."""

    rows: int
    columns: int
    base: Array  # (3,) colour
    other: Array  # (3,) colour of every other one
    joint: Array  # (3,) colour
    shift: float = 0.0  # shift of every other row, as a share of a rectangle
    rough: float = 0.03


def _laid(rng: Rng, bond: Bond, side_m: float) -> Repeating:
    """A floor or a wall of rectangles."""
    rows, columns, base, other, joint, shift, rough = bond
    y, x = np.mgrid[:TILE, :TILE]
    row = y * rows // TILE
    shifted = (x + (row % 2) * int(shift * TILE / columns)) % TILE
    column = shifted * columns // TILE
    tone = 1 + 2.0 * rough * rng.uniform(-1, 1, (rows, columns))[row, column]
    picture = between(base, other, (row + column) % 2) * tone[..., None]
    grain = 1 + rough * noise(rng, TILE, 1.0) + 0.4 * rough * noise(rng, TILE, 0.3)
    down = np.minimum(y % (TILE // rows), TILE // rows - 1 - y % (TILE // rows))
    across = np.minimum(shifted % (TILE // columns), TILE // columns - 1 - shifted % (TILE // columns))
    picture = between(joint, picture, (np.minimum(down, across) - 1.0) / 2.0)
    return Repeating(pyramid(np.clip(picture * grain[..., None], 0.02, 1)), float(side_m))


def carpet(rng: Rng) -> Repeating:
    """Pile of one colour, or with stripes."""
    base = muted(rng, 0.2, 0.7, 0.16)
    pile = 1 + 0.10 * noise(rng, TILE, 0.2) + 0.06 * noise(rng, TILE, 1.0)
    picture = tinted(base, pile)
    if rng.random() < 0.4:
        y = np.arange(TILE)[:, None] * int(rng.integers(2, 7))
        stripe = np.clip(4 * np.sin(2 * np.pi * y / TILE) + 0.5, 0, 1)
        picture = between(
            picture, tinted(muted(rng, 0.3, 0.8, 0.2), pile), np.broadcast_to(stripe, pile.shape)
        )
    return Repeating(pyramid(np.clip(picture, 0.02, 1)), 0.8)


def grass(rng: Rng) -> Repeating:
    """A lawn."""
    dark = np.array([0.13, 0.20, 0.06]) + rng.uniform(-0.03, 0.03, 3)
    light = np.array([0.47, 0.56, 0.22]) + rng.uniform(-0.08, 0.08, 3)
    blades = 0.5 + 0.22 * noise(rng, TILE, 0.35) + 0.12 * noise(rng, TILE, 1.2)
    return Repeating(pyramid(between(dark, light, blades)), 2.5)


def gravel(rng: Rng) -> Repeating:
    """Gravel, sand, asphalt or concrete: grains of a greyish colour."""
    base = muted(rng, 0.3, 0.68, 0.03)
    grains = 1 + rng.uniform(0.04, 0.2) * noise(rng, TILE, 0.3) + 0.07 * noise(rng, TILE, 1.3)
    return Repeating(pyramid(np.clip(tinted(base, grains), 0.02, 1)), rng.uniform(1.0, 2.5))


def plaster(rng: Rng) -> Repeating:
    """A painted wall."""
    base = muted(rng, 0.6, 0.92, 0.07)
    rough = 1 + 0.012 * noise(rng, SMALL, 0.5) + 0.015 * noise(rng, SMALL, 1.5)
    return Repeating(pyramid(np.clip(tinted(base, rough), 0.02, 1)), 1.6)


def wallpaper(rng: Rng) -> Repeating:
    """Stripes, or a small pattern that repeats."""
    base = muted(rng, 0.55, 0.9, 0.09)
    y, x = np.mgrid[:TILE, :TILE] * (2 * np.pi / TILE)
    count = int(rng.integers(3, 9))
    if rng.random() < 0.5:
        pattern = np.clip(3 * np.sin(count * x) + 0.5, 0, 1)
    else:
        petals = int(rng.integers(2, 6))
        pattern = np.clip(
            2.5 * np.sin(count * x) * np.sin(count * y) + np.sin(petals * count * (x + y)) - 0.6, 0, 1
        )
    picture = between(base, base * rng.uniform(0.6, 0.95) + rng.uniform(-0.06, 0.06, 3), pattern)
    rough = 1 + 0.012 * noise(rng, TILE, 0.6)
    return Repeating(pyramid(np.clip(picture * rough[..., None], 0.02, 1)), rng.uniform(0.5, 1.0))


def hedge(rng: Rng) -> Repeating:
    """Leaves."""
    leaves = 0.4 + 0.25 * noise(rng, TILE, 0.6) + 0.15 * noise(rng, TILE, 1.3)
    low = np.array([0.06, 0.10, 0.03])
    return Repeating(pyramid(between(low, np.array([0.36, 0.48, 0.18]), leaves)), 1.2)


def boards(rng: Rng) -> Repeating:
    """A fence of upright boards."""
    lying = wood(rng)
    upright = lying.pyramid.levels[0].transpose(2, 1, 0)
    return Repeating(pyramid(upright), 2 * lying.side_m)


def lacquer(rng: Rng) -> Repeating:
    """An almost uniform colour, as of painted furniture."""
    base = muted(rng, 0.15, 0.92, 0.12)
    return Repeating(pyramid(np.clip(tinted(base, 1 + 0.012 * noise(rng, SMALL, 1.5)), 0.02, 1)), 1.0)


def fabric(rng: Rng) -> Repeating:
    """Woven cloth."""
    base = muted(rng, 0.2, 0.75, 0.15)
    y, x = np.mgrid[:SMALL, :SMALL] * (2 * np.pi / SMALL)
    weave = 1 + 0.05 * np.sin(32 * x) * np.sin(32 * y) + 0.05 * noise(rng, SMALL, 0.8)
    return Repeating(pyramid(np.clip(tinted(base, weave), 0.02, 1)), 0.2)


INDOOR_FLOORS: tuple[Callable[[Rng], Repeating], ...] = (wood, wood, tiles, carpet, gravel)
TABLE_TOPS: tuple[Callable[[Rng], Repeating], ...] = (wood, wood, wood, lacquer, tiles, fabric, gravel)
OUTDOOR_FLOORS: tuple[Callable[[Rng], Repeating], ...] = (grass, gravel, paving, paving, gravel)
INDOOR_WALLS: tuple[Callable[[Rng], Repeating], ...] = (plaster, plaster, plaster, wallpaper, bricks)
OUTDOOR_WALLS: tuple[Callable[[Rng], Repeating], ...] = (plaster, bricks, bricks, boards, hedge)
FURNITURE: tuple[Callable[[Rng], Repeating], ...] = (wood, wood, lacquer, lacquer, fabric)


# --- what hangs on walls -----------------------------------------------------------------------------


class Canvas:
    """A picture over a whole face, not repeated: (H, W, 4), colours premultiplied by alpha."""

    def __init__(self, width_m: float, height_m: float, px_per_m: float) -> None:
        self.px_per_m = min(px_per_m, 1024 / max(width_m, height_m))
        size = (max(4, int(height_m * self.px_per_m)), max(4, int(width_m * self.px_per_m)))
        self.pixels = np.zeros((*size, 4), dtype=np.float32)
        self.height_m = height_m

    def paint(self, left: float, bottom: float, right: float, top: float, colour: Array) -> None:
        """Paint a rectangle, in metres from the lower left corner, with a colour or a (h, w, 3) picture."""
        rows = self._rows(bottom, top)
        columns = self._columns(left, right)
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return
        target = self.pixels[rows, columns]
        picture = np.asarray(colour, dtype=np.float32)
        if picture.ndim == 3:
            down = np.linspace(0, picture.shape[0] - 1, target.shape[0]).astype(int)
            across = np.linspace(0, picture.shape[1] - 1, target.shape[1]).astype(int)
            picture = picture[down[:, None], across]
        target[..., :3] = picture
        target[..., 3] = 1

    def _rows(self, bottom: float, top: float) -> slice:
        height = self.pixels.shape[0]
        low = int(np.clip(round((self.height_m - top) * self.px_per_m), 0, height))
        return slice(low, int(np.clip(round((self.height_m - bottom) * self.px_per_m), 0, height)))

    def _columns(self, left: float, right: float) -> slice:
        width = self.pixels.shape[1]
        low = int(np.clip(round(left * self.px_per_m), 0, width))
        return slice(low, int(np.clip(round(right * self.px_per_m), 0, width)))


def window(canvas: Canvas, rng: Rng, box: tuple[float, float, float, float], shine: float) -> None:
    """A window with frame, sill and bars; the view through it is `shine` times as bright."""
    left, bottom, right, top = box
    frame = muted(rng, 0.3, 0.95, 0.04)
    canvas.paint(left, bottom, right, top, frame)
    canvas.paint(left - 0.05, bottom - 0.05, right + 0.05, bottom, frame * 0.8)
    panes = int(rng.integers(1, 4))
    floors = int(rng.integers(1, 3))
    view = outdoors(rng) * shine
    rim = 0.06
    bar = 0.025
    wide = (right - left - 2 * rim) / panes
    high = (top - bottom - 2 * rim) / floors
    for i in range(panes):
        for j in range(floors):
            x = left + rim + i * wide
            y = bottom + rim + j * high
            columns = slice(int(64 * i / panes), int(64 * (i + 1) / panes))
            rows = slice(int(64 * (floors - 1 - j) / floors), int(64 * (floors - j) / floors))
            canvas.paint(x + bar, y + bar, x + wide - bar, y + high - bar, view[rows, columns])


def outdoors(rng: Rng) -> Array:
    """(64, 64, 3) view through a window, out of focus."""
    sky = np.array([0.80, 0.88, 0.96]) + rng.uniform(-0.06, 0.04)
    land = np.array([0.34, 0.42, 0.28]) + rng.uniform(-0.12, 0.12, 3)
    rows = np.linspace(0, 1, 64, dtype=np.float32)[:, None]
    horizon = rng.uniform(0.4, 0.8) + 0.08 * noise(rng, 64, 1.6)[:1]
    scene = between(sky, land, 4 * (rows - horizon))
    return np.asarray(scene * (1 + 0.05 * noise(rng, 64, 1.4))[..., None])


def painting(canvas: Canvas, rng: Rng, box: tuple[float, float, float, float]) -> None:
    """A picture in its frame, with a mount around it."""
    left, bottom, right, top = box
    canvas.paint(left + 0.02, bottom - 0.03, right + 0.03, top - 0.02, np.full(3, 0.3))
    canvas.paint(left, bottom, right, top, muted(rng, 0.1, 0.8, 0.1))
    rim = rng.uniform(0.02, 0.05)
    if rng.random() < 0.5:
        canvas.paint(left + rim, bottom + rim, right - rim, top - rim, np.full(3, 0.9))
        rim += rng.uniform(0.03, 0.08)
    low = muted(rng, 0.1, 0.5, 0.3)
    high = muted(rng, 0.5, 0.9, 0.3)
    shapes = between(
        low, high, 0.5 + 0.6 * noise(rng, 64, rng.uniform(1.0, 2.2), (1.0, rng.uniform(0.5, 3.0)))
    )
    spot = muted(rng, 0.2, 0.9, 0.4)
    y, x = np.mgrid[:64, :64] / 64 - rng.uniform(0.3, 0.7, 2)[:, None, None]
    shapes = np.where((np.hypot(x, y) < rng.uniform(0, 0.3))[..., None], spot, shapes)
    canvas.paint(left + rim, bottom + rim, right - rim, top - rim, shapes)


def door(canvas: Canvas, rng: Rng, left: float, width: float, height: float) -> None:
    """A door with its frame, two panels and a handle."""
    colour = muted(rng, 0.25, 0.92, 0.08)
    canvas.paint(left - 0.07, 0, left + width + 0.07, height + 0.07, colour * 0.85)
    canvas.paint(left, 0, left + width, height, colour)
    for low, high in ((0.08, 0.42), (0.5, 0.94)):
        canvas.paint(left + 0.12, low * height, left + width - 0.12, high * height, colour * 0.9)
        canvas.paint(left + 0.14, low * height, left + width - 0.12, high * height - 0.02, colour * 0.97)
    canvas.paint(left + width - 0.11, 0.48 * height, left + width - 0.03, 0.495 * height, np.full(3, 0.75))


def shelves(canvas: Canvas, rng: Rng, width: float, height: float) -> None:
    """Shelves full of books over a whole face."""
    rows = max(1, round(height / rng.uniform(0.3, 0.42)))
    high = height / rows
    frame = muted(rng, 0.25, 0.9, 0.06)
    canvas.paint(0, 0, width, height, frame)
    for row in range(rows):
        bottom = row * high + 0.03
        canvas.paint(0.03, bottom, width - 0.03, (row + 1) * high, frame * 0.3)
        x = 0.04
        while x < width - 0.09:
            thick = rng.uniform(0.015, 0.06)
            if rng.random() < 0.1:
                x += rng.uniform(0.05, 0.25)
                continue
            tall = min(rng.uniform(0.55, 0.9) * high, high - 0.05)
            canvas.paint(x, bottom, min(x + thick, width - 0.04), bottom + tall, muted(rng, 0.12, 0.8, 0.28))
            x += thick + 0.004


def drawers(canvas: Canvas, rng: Rng, width: float, height: float) -> None:
    """Doors or drawers of a cupboard: dark gaps and handles over the tile."""
    columns = max(1, round(width / rng.uniform(0.4, 0.7)))
    rows = int(rng.integers(1, 4))
    gap = np.full(3, 0.12)
    for i in range(columns + 1):
        x = min(i * width / columns, width - 0.01)
        canvas.paint(x - 0.006, 0.05, x + 0.006, height - 0.02, gap)
    for j in range(rows + 1):
        y = 0.05 + j * (height - 0.07) / rows
        canvas.paint(0, y - 0.006, width, y + 0.006, gap)
    for i in range(columns):
        for j in range(rows):
            x = (i + 0.5) * width / columns
            y = 0.05 + (j + 0.75) * (height - 0.07) / rows
            canvas.paint(x - 0.05, y - 0.01, x + 0.05, y + 0.008, np.full(3, 0.7))
