"""What a question shows: pictures with dots or letters drawn in, one of them mirrored, or a map beside them.

Shards keep plain pictures; figures are drawn when somebody looks, from what the question says.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from viewpoint100k.records import Colour, Question

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

RGB: dict[Colour, tuple[int, int, int]] = {
    "red": (230, 25, 45),
    "blue": (40, 90, 255),
    "green": (30, 175, 60),
    "yellow": (250, 215, 20),
}
LETTER = 0.052  # height of a letter's label, in picture sides
LETTER_PAPER = (255, 244, 150)
LETTER_INK = (20, 20, 20)
# capitals on a grid of 5 x 7, a row each from the top: no font is the same on every machine
CAPITALS = {
    "A": "01110 10001 10001 11111 10001 10001 10001", "B": "11110 10001 10001 11110 10001 10001 11110",
    "C": "01110 10001 10000 10000 10000 10001 01110", "D": "11110 10001 10001 10001 10001 10001 11110",
    "E": "11111 10000 10000 11110 10000 10000 11111", "F": "11111 10000 10000 11110 10000 10000 10000",
    "G": "01110 10001 10000 10111 10001 10001 01110",
}  # fmt: skip
DOT = 0.016  # radius, in picture sides
MAP_RADIUS = 0.36  # of the circle on which the cameras stand, in picture sides
MAP_SCALE = 3  # it is drawn so much larger and scaled down, for smooth edges
CAMERA = 0.052  # half a camera on the map, in picture sides
PAPER = (245, 245, 242)
INK = (40, 40, 40)

Box = tuple[int, int, int, int]


def draws(question: Question) -> bool:
    """Whether a question shows anything but plain pictures."""
    return bool(question.marks or question.mirrored or question.map_cameras)


def shown(question: Question, pictures: Sequence["Image"]) -> list["Image"]:
    """The pictures of a question, in order, as they are to be shown.

    Args:
        pictures: of all views of its sample, in order. They are not changed.
    """
    out = [pictures[view] for view in question.images]
    for place in question.mirrored:
        out[place] = mirrored(out[place])
    for place in sorted({mark.image for mark in question.marks}):
        out[place] = _with_marks(out[place], question, place)
    if question.map_cameras:
        out.append(_map(question, max(out[0].size)))
    return out


def mirrored(picture: "Image") -> "Image":
    """Left and right exchanged."""
    from PIL import ImageOps

    return ImageOps.mirror(picture)


def _with_marks(picture: "Image", question: Question, place: int) -> "Image":
    out = picture.convert("RGB") if picture.mode != "RGB" else picture.copy()
    for mark in (mark for mark in question.marks if mark.image == place):
        side = max(picture.size)
        drawn = _letter(side, mark.letter) if mark.letter else _dot(side, mark.colour)
        left = round(mark.x - drawn.width / 2)
        top = round(mark.y - drawn.height / 2)
        if mark.letter:  # all of it is to be read
            left = min(max(left, 0), picture.width - drawn.width)
            top = min(max(top, 0), picture.height - drawn.height)
        out.paste(drawn, (left, top), drawn)
    return out


@lru_cache(maxsize=64)
def _dot(picture_side: int, colour: Colour) -> "Image":
    """A dot with a white and a dark rim, visible on anything; drawn large, then scaled down to be smooth."""
    from PIL import Image, ImageDraw

    scale = 4
    radius = DOT * picture_side
    side = int(scale * 2 * (radius + 3)) + 1
    layer = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    middle = side / 2
    for extra, fill in ((2.0, INK), (1.2, (255, 255, 255)), (0.0, RGB[colour])):
        reach = scale * (radius + extra)
        ImageDraw.Draw(layer).ellipse(
            [middle - reach, middle - reach, middle + reach, middle + reach], fill=fill
        )
    return layer.resize((side // scale, side // scale), Image.Resampling.LANCZOS)


@lru_cache(maxsize=64)
def _letter(picture_side: int, letter: str) -> "Image":
    """A label with a capital on it; drawn large and scaled down, for smooth edges."""
    from PIL import Image, ImageDraw

    scale = 4
    height = max(11, round(LETTER * picture_side))
    rows = CAPITALS[letter].split()
    cell = scale * height / 11
    width = round(9 * height / 11)
    layer = Image.new("RGBA", (scale * width, scale * height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    edge = [0, 0, layer.width - 1, layer.height - 1]
    draw.rounded_rectangle(
        edge, 1.5 * cell, fill=LETTER_PAPER, outline=LETTER_INK, width=max(1, round(0.6 * cell))
    )
    for down, row in enumerate(rows):
        for across, ink in enumerate(row):
            if ink == "1":
                x = (layer.width - 5 * cell) / 2 + across * cell
                y = (layer.height - 7 * cell) / 2 + down * cell
                draw.rectangle([x, y, x + cell, y + cell], fill=LETTER_INK)
    return layer.resize((width, height), Image.Resampling.LANCZOS)


def _map(question: Question, side: int) -> "Image":
    """The scene from above: the object in the middle, the first camera white at the lower edge."""
    from PIL import ImageDraw

    large, small = _empty_map(side)
    out = small.copy()
    places = [_place(camera.azimuth_deg, large.width) for camera in question.map_cameras]
    for box in places:  # only where a camera is: scaling down is what takes long
        tile = large.crop(box)
        draw = ImageDraw.Draw(tile)
        for camera, other in zip(question.map_cameras, places, strict=True):
            if other[0] < box[2] and box[0] < other[2] and other[1] < box[3] and box[1] < other[3]:
                _camera(draw, large.width, camera.azimuth_deg, RGB[camera.colour], box)
        out.paste(tile.reduce(MAP_SCALE), (box[0] // MAP_SCALE, box[1] // MAP_SCALE))
    return out


@lru_cache(maxsize=4)
def _empty_map(side: int) -> tuple["Image", "Image"]:
    """A map with the first camera only: large, to draw on, and scaled down."""
    from PIL import Image, ImageDraw

    size = side * MAP_SCALE
    large = Image.new("RGB", (size, size), PAPER)
    draw = ImageDraw.Draw(large)
    middle = size / 2
    radius = MAP_RADIUS * size
    width = _line(size)
    draw.ellipse(
        [middle - radius, middle - radius, middle + radius, middle + radius],
        outline=(205, 205, 200),
        width=width,
    )
    box = 0.09 * size
    draw.rounded_rectangle(
        [middle - box, middle - box, middle + box, middle + box], box / 3, (150, 150, 150), INK, width
    )
    _camera(draw, size, 0.0, (255, 255, 255))
    return large, large.reduce(MAP_SCALE)


def _line(size: int) -> int:
    return max(1, size // 200)


def _place(azimuth_deg: float, size: int) -> Box:
    """Left, top, right, bottom of a camera on the large map, in whole pixels of the small one."""
    angle = math.radians(azimuth_deg - 90)
    reach = 1.75 * CAMERA * size + 2 * _line(size)
    middle = [size / 2 + MAP_RADIUS * size * way for way in (math.cos(angle), -math.sin(angle))]
    low = [max(0, int((at - reach) // MAP_SCALE) * MAP_SCALE) for at in middle]
    high = [min(size, int((at + reach) // MAP_SCALE + 1) * MAP_SCALE) for at in middle]
    return low[0], low[1], high[0], high[1]


def _camera(
    draw: "ImageDraw", size: int, azimuth_deg: float, colour: tuple[int, int, int], box: Box = (0, 0, 0, 0)
) -> None:
    """A camera on the circle that looks at the middle: a body and a lens. Drawn into a box of the large map.

    Seen from above with the first camera below the object, counter-clockwise is to the right of the lower
    edge and up.
    """
    middle = size / 2
    radius = MAP_RADIUS * size
    half = CAMERA * size
    width = _line(size)
    angle = math.radians(azimuth_deg - 90)  # 0 is below; pictures have y downwards
    outward = (math.cos(angle), -math.sin(angle))
    aside = (-outward[1], outward[0])

    def at(out: float, side: float) -> tuple[float, float]:
        return (
            middle - box[0] + (radius + out * half) * outward[0] + side * half * aside[0],
            middle - box[1] + (radius + out * half) * outward[1] + side * half * aside[1],
        )

    draw.polygon(
        [at(-0.6, -0.35), at(-0.6, 0.35), at(-1.5, 0.8), at(-1.5, -0.8)],
        fill=colour,
        outline=INK,
        width=width,
    )
    draw.polygon(
        [at(-0.7, -0.8), at(-0.7, 0.8), at(0.7, 0.8), at(0.7, -0.8)], fill=colour, outline=INK, width=width
    )
