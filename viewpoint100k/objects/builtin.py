"""The source `builtin:`: a toy shop of procedural objects, for a good dataset without any assets.

Each family is one short function and one line in `_BUILDERS`: a list of painted parts, in lengths of about
the size of the toy. They stand on y = 0 and look along +z, so x > 0 is the toy's own left; those of which
nobody could say where that is, such as a mug, are in `NO_FRONT` and have no published front. They are
lopsided on purpose: no turn about the vertical and no mirror may map one onto itself, or questions about left
and right would have no answer.
"""

import colorsys
import hashlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from viewpoint100k.errors import InputError
from viewpoint100k.objects.toy_parts import (
    Paint,
    Part,
    ball,
    box,
    cylinder,
    disc,
    lathe,
    prism,
    ring,
    slab,
    star,
    texture,
    tube,
    wheel,
    write_glb,
)
from viewpoint100k.records import ObjectRecord, SourceObject

_UID = re.compile(r"([a-z_]+)-([0-9a-f]{8})")

WHITE = Paint((0.93, 0.92, 0.88))
DARK = Paint((0.10, 0.10, 0.12))
STEEL = Paint((0.62, 0.64, 0.68), roughness=0.4, metallic=0.5)
GLASS = Paint((0.40, 0.66, 0.80), roughness=0.4)
LIGHT = Paint((1.0, 0.93, 0.62))
RED = Paint((0.8, 0.05, 0.05))
COFFEE = Paint((0.25, 0.13, 0.06), roughness=0.4)
ANY = ("stripes", "checks", "spots", "blotches", "label", "wood")  # bricks are for buildings
_COLOURS = (
    "e6194b 2f9e44 ffd21f 3b5bdb f58231 8a2be2 22b8cf e64980 94d82d 12807a 9a5b20 7a1022 1b2a6b f4a7b9 c9b458"
)


def list_builtin(count: int, seed: int) -> list[SourceObject]:
    """`count` toys, the families in turn. A longer list of the same seed begins with the shorter one."""
    rng = np.random.default_rng(seed)
    order = [FAMILIES[i] for i in rng.permutation(len(FAMILIES))]
    families: dict[str, str] = {}  # of each uid
    while len(families) < count:
        family = order[len(families) % len(order)]
        families[f"{family}-{rng.integers(2**32):08x}"] = family  # the rare repeat is drawn again
    return [_describe(uid, family) for uid, family in families.items()]


def build_builtin(uid: str) -> bytes:
    """The GLB file of a toy; the same bytes for the same uid, always.

    Raises:
        InputError: no toy has this uid.
    """
    match = _UID.fullmatch(uid)
    if not match or match[1] not in _BUILDERS:
        raise InputError(
            f"{uid!r} is not a builtin object: expected FAMILY-XXXXXXXX with 8 hex digits, and FAMILY one "
            f"of {', '.join(FAMILIES)}. List some with list_builtin()."
        )
    return write_glb(uid, _BUILDERS[match[1]](Kit(uid)))


def _describe(uid: str, family: str) -> SourceObject:
    title = uid.replace("-", " ").replace("_", " ")
    record = ObjectRecord(uid=uid, category=family, title=title, author="viewpoint100k", licence="CC0-1.0")
    front = None if family in NO_FRONT else -90.0  # Blender turns +z of glTF into -y
    return SourceObject(record=record, front_azimuth_deg=front)


class Kit:
    """What a builder works with: chance, and colours, of which none comes twice before all have come."""

    def __init__(self, uid: str) -> None:
        self.rng = np.random.default_rng(int.from_bytes(hashlib.sha256(uid.encode()).digest(), "big"))
        self._fresh: list[str] = []

    def size(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def pick(self, *options: Any) -> Any:
        return options[self.rng.integers(len(options))]

    def maybe(self, *parts: Part) -> tuple[Part, ...]:
        """These parts, or nothing: for what the toy can do without."""
        return parts if self.rng.random() < 0.65 else ()

    def colour(self) -> Paint:
        if not self._fresh:
            self._fresh = self.rng.permutation(_COLOURS.split()).tolist()
        hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in bytes.fromhex(self._fresh.pop())))
        hue = (hue + self.size(-0.015, 0.015)) % 1
        saturation = saturation * self.size(0.85, 1)
        return Paint(
            colorsys.hsv_to_rgb(hue, saturation, value * self.size(0.88, 1)), roughness=self.size(0.4, 0.9)
        )

    def pattern(self, *names: str) -> Paint:
        """A texture of one of these kinds, or of `ANY`, in a new colour and one of another grey."""
        colour = self.colour()
        other = self.pick(WHITE, DARK, self.colour())
        if abs(_grey(colour) - _grey(other)) < 0.25:
            other = WHITE if _grey(colour) < 0.5 else DARK
        return texture(self.pick(*names or ANY), colour.rgb, other.rgb, colour.roughness, self.rng)

    def wood(self) -> Paint:
        red, green, blue = np.array([0.85, 0.58, 0.32]) * self.size(0.6, 1.1)
        return texture("wood", (red, green, blue), (red * 0.35, green * 0.3, blue * 0.3), 0.7, self.rng)

    def badge(self, radius: float) -> Part:
        """A star, diamond, disc, shield or flower of a new colour, 0.08 thick.

        Looks along +z, a bit askew.
        """
        corners, inner = self.pick((5, 0.45), (2, 0.8), (12, 1.0), (3, 0.6), (7, 0.65), (4, 0.4))
        return prism(star(corners, radius, inner), 0.08, self.colour()).turn("z", self.size(-25, 25))


def _grey(paint: Paint) -> float:
    return float(np.dot(paint.rgb, (0.3, 0.59, 0.11)))


# --- the toys, in alphabetical order -------------------------------------------------------------- In each:
# first the sizes that vary, then parts from the largest to the smallest. `odd` is a part of another colour.


def _airplane(kit: Kit) -> list[Part]:
    r = kit.size(0.19, 0.24)
    span = kit.size(0.55, 0.7)
    y = 0.42
    hull = [(0, -0.7), (0.08, -0.7), (r * 0.9, -0.1), (r, 0.2), (r * 0.92, 0.45), (r * 0.6, 0.62), (0, 0.7)]
    fin = np.array([(-0.18, 0), (0.2, 0), (0.02, 0.38), (-0.16, 0.38)])
    parts = [
        lathe(hull, kit.pattern(), (0, 180)).turn("x", 90).at(y=y),
        lathe(hull, kit.colour(), (180, 360)).turn("x", 90).at(y=y),
        ball(r * 0.75, GLASS).stretch(y=1.1, z=1.7).at(y=y + r * 0.55, z=0.24),
        prism(fin, 0.07, kit.colour()).turn("y", -90).at(y=y + 0.08, z=-0.56),
        *kit.maybe(kit.badge(0.12).turn("y", 90).at(0.02, y + 0.27, -0.58)),
        *(
            box(0.11, 0.66, 0.04, kit.colour()).at(y=-0.33).turn("z", a).at(0, y, z)
            for a, z in ((20, 0.7), (110, 0.73))
        ),
        ball(0.09, kit.colour()).at(0, y, 0.74),
        wheel(0.08, 0.07, kit.colour()).at(0, 0.08, -0.55),
        tube([(0, 0.08, -0.55), (0, y, -0.6)], 0.03, STEEL),
        *kit.maybe(box(0.24, 0.12, 0.24, kit.colour()).turn("y", 8).at(span + r * 0.4, y - 0.09, 0)),
    ]
    for side, paint in ((1, kit.colour()), (-1, kit.pattern())):
        parts += [
            box(span, 0.07, 0.46, paint).turn("y", side * 8).at(side * (span / 2 + r * 0.6), y - 0.06, 0.08),
            box(0.36, 0.06, 0.26, paint).at(side * 0.2, y + 0.04, -0.58),
            ball(0.11, kit.colour()).stretch(z=2.2).at(side * span * kit.size(0.55, 0.8), y - 0.1, 0.2),
            wheel(0.11, 0.09, DARK).at(side * 0.18, 0.11, 0.25),
            tube([(side * 0.18, 0.11, 0.25), (side * 0.1, y - 0.1, 0.22)], 0.03, STEEL),
        ]
    return parts


def _boat(kit: Kit) -> list[Part]:
    half = [(0.22, -0.8), (0.31, -0.35), (0.3, 0.15), (0.19, 0.55), (0, 0.9)]
    outline = np.array(half + [(-x, z) for x, z in reversed(half[:-1])]) * (
        kit.size(0.95, 1.25),
        kit.size(0.8, 0.95),
    )
    height = kit.size(0.28, 0.4)
    x = kit.size(-0.08, 0)
    z = kit.size(-0.35, -0.15)
    beam = np.max(outline[:, 0])
    top = 0.41 + height
    return [
        slab(outline, 0.16, kit.colour(), foot=0.75),
        slab(outline * 1.12, 0.25, kit.pattern(), foot=0.88).at(y=0.15),
        slab(outline * 1.02, 0.04, kit.wood()).at(y=0.38),
        box(0.36, height, 0.42, kit.colour()).at(x, 0.41, z),
        box(0.46, 0.06, 0.52, kit.pattern()).at(x, top, z),
        box(0.26, 0.13, 0.04, GLASS).at(x, top - 0.18, z + 0.2),
        box(0.04, 0.24, 0.16, kit.colour()).at(x + 0.17, 0.41, z - 0.05),
        *(disc(0.06, 0.04, GLASS).turn("y", -90).at(x - 0.17, top - 0.12, z + dz) for dz in (-0.1, 0.1)),
        kit.badge(0.11).at(x, 0.55, z - 0.2),
        cylinder(0.09, 0.34, kit.colour(), top=0.08).at(x - 0.08, top, z - 0.08),
        *kit.maybe(cylinder(0.1, 0.09, kit.colour()).at(x - 0.08, top + 0.22, z - 0.08)),
        tube([(0, 0.4, 0.45), (0, top + 0.45, 0.42)], 0.025, STEEL),
        box(0.34, 0.22, 0.04, kit.pattern()).at(0.18, top + 0.21, 0.42),
        *kit.maybe(ring(0.11, 0.035, kit.colour()).turn("z", 90).at(-beam * 1.08, 0.3, 0)),
        kit.badge(0.1).turn("y", 90).at(beam * 1.07, 0.28, -0.25),
        *kit.maybe(cylinder(0.09, 0.2, kit.colour()).at(-0.14, 0.41, 0.28)),
    ]


def _camera(kit: Kit) -> list[Part]:
    w = kit.size(0.9, 1.15)
    h = kit.size(0.5, 0.65)
    d = kit.size(0.3, 0.4)
    x = kit.size(0.02, 0.14)
    r = kit.size(0.2, 0.25)
    y = h * 0.52
    front = d / 2
    back = -d / 2
    trim = kit.colour()
    hood = [(r * 0.7, 0), (r, 0), (r, 0.22), (r * 0.86, 0.22), (r * 0.7, 0)]
    return [
        box(w, h, d, kit.pattern()),
        box(w * 0.97, 0.12, d * 0.9, trim).at(y=h - 0.02),
        disc(r * 1.15, 0.1, trim).at(x, y, front - 0.03),
        disc(r * 0.96, 0.4, DARK).at(x, y, front),
        lathe(hood, kit.colour()).turn("x", 90).at(x, y, front + kit.size(0.22, 0.3)),
        ball(r * 0.8, GLASS).stretch(z=0.4).at(x, y, front + 0.36),
        *kit.maybe(box(0.15, h * 0.9, 0.12, DARK, bevel=0.4).at(-w / 2 + 0.09, h * 0.05, front + 0.03)),
        *kit.maybe(box(0.3, 0.16, d * 0.7, kit.colour()).at(x, h + 0.06, 0)),
        box(0.16, 0.1, 0.04, LIGHT).at(w / 2 - 0.14, h - 0.01, front - 0.02),
        cylinder(0.07, 0.12, kit.colour()).at(-w / 2 + 0.12, h + 0.04, 0.02),
        cylinder(0.1, 0.1, kit.pattern("stripes")).at(w / 2 - 0.14, h + 0.05, -0.02),
        box(w * 0.5, h * 0.6, 0.04, GLASS).at(-w * 0.12, h * 0.15, back),
        *(disc(0.05, 0.04, kit.colour()).at(w * 0.34, h * f, back - 0.03) for f in (0.25, 0.5, 0.75)),
        kit.badge(0.1).turn("y", 90).at(w / 2 - 0.02, h * 0.55, 0),
        box(0.04, h * 0.5, d * 0.5, kit.colour()).at(-w / 2, h * 0.25, -0.02),
    ]


def _car(kit: Kit) -> list[Part]:
    w = kit.size(0.68, 0.8)
    long = kit.size(1.35, 1.65)
    tall = kit.size(0.26, 0.36)
    paint = kit.colour()
    cabin = np.array([(-0.36, 0), (0.24, 0), (0.1, 1), (-0.3, 1)]) * (long, tall)
    odd = kit.pick(0, 1, 2, 3)
    front = long / 2
    back = -long / 2
    top = 0.42 + tall
    wheels = [(x, z) for x in (w / 2, -w / 2) for z in (front * 0.6, back * 0.6)]
    return [
        box(w, 0.3, long, paint).at(y=0.14),
        prism(cabin, w * 0.86, GLASS).turn("y", -90).at(y=0.42),
        box(w * 0.88, 0.06, long * 0.4, paint).at(0, top - 0.03, -long * 0.1),
        *(
            wheel(0.18, 0.15, kit.colour() if i == odd else DARK).at(x, 0.18, z)
            for i, (x, z) in enumerate(wheels)
        ),
        box(0.04, 0.22, long * 0.36, kit.colour()).at(w / 2, 0.19, -long * 0.08),
        box(0.04, 0.2, long * 0.62, kit.pattern()).at(-w / 2, 0.2, -0.04),
        box(0.16, 0.04, long * 0.3, kit.colour()).at(w * 0.18, 0.415, long * 0.345),
        *(disc(0.08, 0.05, LIGHT).at(x, 0.32, front - 0.02) for x in (w * 0.33, -w * 0.33)),
        box(w * 0.36, 0.11, 0.04, DARK).at(0, 0.24, front),
        *(box(0.12, 0.08, 0.04, RED).at(x, 0.32, back) for x in (w * 0.38, -w * 0.38)),
        *kit.maybe(disc(0.16, 0.12, kit.pattern()).at(-w * 0.14, 0.33, back - 0.1)),
        kit.badge(0.08).at(w * 0.2, 0.26, back),
        *kit.maybe(box(0.26, 0.16, long * 0.24, kit.wood()).at(w * 0.2, top + 0.02, -long * 0.1)),
        *kit.maybe(box(0.2, 0.1, long * 0.3, kit.colour()).at(-w * 0.22, top + 0.02, -long * 0.1)),
        *kit.maybe(
            tube([(-w * 0.4, 0.42, back * 0.85), (-w * 0.44, 0.95, back * 0.95)], 0.02, STEEL),
            ball(0.05, kit.colour()).at(-w * 0.44, 0.96, back * 0.95),
        ),
    ]


def _chair(kit: Kit) -> list[Part]:
    w = kit.size(0.6, 0.75)
    d = kit.size(0.55, 0.7)
    seat = kit.size(0.42, 0.55)
    back = kit.size(0.55, 0.8)
    frame = kit.wood()
    x = w / 2 - 0.06
    z = d / 2 - 0.06
    odd = kit.pick(0, 1, 2, 3)
    slats = kit.pick(2, 3, 4)
    legs = [(x, z), (-x, z), (-x, -z), (x, -z)]
    slat = back / slats
    return [
        *(
            box(0.1, seat, 0.1, kit.colour() if i == odd else frame).at(x, 0, z)
            for i, (x, z) in enumerate(legs)
        ),
        box(w, 0.09, d, frame).at(y=seat),
        box(w * 0.88, 0.1, d * 0.84, kit.pattern(), bevel=0.4).at(y=seat + 0.06),
        *(box(0.09, back, 0.09, kit.colour()).at(side * x, seat + 0.05, -z) for side in (1, -1)),
        *(
            box(w * 0.92, slat * 0.6, 0.06, kit.colour()).at(0, seat + 0.14 + slat * i, -z)
            for i in range(slats)
        ),
        kit.badge(0.12).at(w * 0.18, seat + 0.12 + slat * 0.3, -z - 0.03),
        box(0.11, 0.07, d * 0.95, kit.colour()).at(x, seat + 0.3, 0.02),
        box(0.08, 0.3, 0.08, frame).at(x, seat + 0.05, z * 0.9),
        *kit.maybe(box(0.07, seat * 0.35, d * 0.5, kit.pattern()).at(-x - 0.06, seat * 0.62, 0)),
        *kit.maybe(box(w * 0.8, 0.06, 0.06, kit.colour()).at(0, seat * 0.4, z)),
    ]


def _clock(kit: Kit) -> list[Part]:
    r = kit.size(0.4, 0.5)
    d = kit.size(0.36, 0.5)
    y = 0.58
    odd = kit.pick(1, 2, 4, 5, 7, 8, 10, 11)
    front = d / 2
    back = -d / 2
    ticks = [kit.colour() if i == odd else DARK for i in range(12)]
    drum = [(0, back), (r * 0.9, back), (r, back + 0.06), (r, front - 0.06), (r * 0.9, front), (0, front)]
    return [
        lathe(drum, kit.pattern(), (20, 200)).turn("x", 90).at(y=y),
        lathe(drum, kit.colour(), (200, 380)).turn("x", 90).at(y=y),
        disc(r * 0.86, 0.04, WHITE).at(y=y, z=front - 0.02),
        *kit.maybe(disc(r * 0.4, 0.02, kit.pattern()).at(y=y, z=front + 0.01)),
        box(0.08, r * 0.5, 0.03, DARK).turn("z", kit.size(0, 360)).at(y=y, z=front + 0.04),
        box(0.05, r * 0.75, 0.03, kit.colour()).turn("z", kit.size(0, 360)).at(y=y, z=front + 0.06),
        disc(0.06, 0.05, DARK).at(y=y, z=front + 0.04),
        *(
            box(0.05, r * 0.22, 0.03, p).at(y=r * 0.6).turn("z", -30 * i).at(0, y, front + 0.02)
            for i, p in enumerate(ticks)
        ),
        *(
            ball(0.17, kit.colour(), -10).turn("z", -side * 28).at(side * 0.26, y + r * 0.92, 0)
            for side in (1, -1)
        ),
        tube([(0.1, y + r * 0.8, 0), (0.1, y + r + 0.2, 0)], 0.03, STEEL),
        ball(0.06, kit.colour()).at(0.1, y + r + 0.22, 0),
        *(
            cylinder(0.09, 0.3, kit.colour(), top=0.07).turn("z", side * 20).at(side * r * 0.75)
            for side in (1, -1)
        ),
        box(0.24, 0.14, 0.08, kit.colour()).at(r * 0.4, y - r * 0.5, back - 0.02),
        disc(0.1, 0.14, kit.colour()).at(-r * 0.4, y + 0.12, back - 0.12),
        kit.badge(0.13).at(-r * 0.4, y - 0.2, back - 0.02),
        kit.badge(0.12).turn("y", -90).at(-r + 0.01, y - 0.06, -0.06),
        *kit.maybe(box(0.12, 0.12, 0.12, kit.colour()).at(-r + 0.01, y - 0.02, 0.1)),
        disc(0.08, 0.14, kit.colour()).turn("y", 90).at(r - 0.04, y, -0.06),
    ]


def _desk(kit: Kit) -> list[Part]:
    w = kit.size(1.1, 1.35)
    d = kit.size(0.6, 0.75)
    h = kit.size(0.62, 0.75)
    x = kit.size(0.2, 0.3)
    side = w / 2 - x / 2 - 0.1
    left = -w * 0.38
    back = -d * 0.38
    parts = [
        box(w, 0.07, d, kit.wood()).at(y=h),
        box(x + 0.12, h, d * 0.88, kit.colour(), bevel=0.03).at(side, 0.01, 0),
        box(0.08, h, d * 0.88, kit.pattern()).at(-w / 2 + 0.08),
        box(w * 0.85, h * 0.4, 0.05, kit.pattern()).at(-0.02, h * 0.6, back),
        kit.badge(0.12).at(-w * 0.2, h * 0.8, back - 0.02),
        kit.badge(0.12).turn("y", 90).at(w / 2 - 0.04, h * 0.6, -0.05),
        box(0.5, 0.34, 0.06, DARK).at(-0.08, h + 0.15, -d * 0.2),
        box(0.44, 0.28, 0.03, kit.pattern()).at(-0.08, h + 0.18, -d * 0.2 + 0.03),
        box(0.1, 0.16, 0.08, STEEL).at(-0.08, h + 0.05, -d * 0.24),
        box(0.3, 0.04, 0.2, WHITE).at(-0.08, h + 0.06, -d * 0.2),
        box(0.4, 0.04, 0.15, kit.colour()).at(-0.08, h + 0.06, d * 0.22),
        *kit.maybe(cylinder(0.07, 0.16, kit.colour()).at(left, h + 0.06, d * 0.15)),
        cylinder(0.09, 0.14, kit.colour(), top=0.11).at(left, h + 0.06, -d * 0.2),
        ball(0.12, kit.colour()).at(left, h + 0.28, -d * 0.2),
    ]
    for i in range(3):  # drawers, and books above them
        parts += [
            box(x, h * 0.26, 0.06, kit.colour()).at(side, h * (0.07 + 0.3 * i), d * 0.43),
            ball(0.04, STEEL).at(side, h * (0.2 + 0.3 * i), d * 0.43 + 0.05),
            box(0.28, 0.07, 0.22, kit.colour()).turn("y", kit.size(-30, 30)).at(side, h + 0.06 + 0.07 * i, 0),
        ]
    return parts


def _dog(kit: Kit) -> list[Part]:
    leg = kit.size(0.26, 0.4)
    r = kit.size(0.22, 0.28)
    neck = kit.size(0.2, 0.32)
    y = leg + r * 0.7
    coat = kit.colour()
    spots = kit.pattern("spots", "blotches")
    odd = kit.pick(0, 1, 2, 3)
    body = [(0, -0.5), (r * 0.7, -0.48), (r, -0.36), (r * 0.9, 0), (r * 1.1, 0.3), (r * 0.8, 0.46), (0, 0.5)]
    band = [(0.13, -0.04), (0.19, -0.04), (0.19, 0.04), (0.13, 0.04)]
    feet = [(0.15, 0.32), (-0.15, 0.32), (0.15, -0.36), (-0.15, -0.36)]
    head = y + neck + 0.1
    socks = [kit.colour() if i == odd else WHITE for i in range(4)]
    return [
        lathe(body, spots, (50, 200)).turn("x", 90).at(y=y),
        lathe(body, coat, (200, 410)).turn("x", 90).at(y=y),
        *(
            cylinder(0.09, y, spots if i == odd else coat, top=0.11).at(x, 0, z)
            for i, (x, z) in enumerate(feet)
        ),
        *(
            ball(0.11, sock, 0).stretch(z=1.3).at(x, 0, z + 0.03)
            for sock, (x, z) in zip(socks, feet, strict=True)
        ),
        tube([(0, y, 0.34), (0, y + neck * 0.7, 0.46), (0, head, 0.52)], 0.15, coat, end=0.13),
        *kit.maybe(lathe(band, kit.colour()).turn("x", 25).at(0, y + neck * 0.55, 0.45)),
        ball(0.22, coat).stretch(y=0.95).at(0, head, 0.58),
        ball(0.12, WHITE).stretch(z=1.5).at(0, head - 0.05, 0.76),
        ball(0.05, DARK).at(0, head - 0.02, 0.94),
        *(ball(0.05, DARK).at(x, head + 0.06, 0.76) for x in (0.1, -0.1)),
        *kit.maybe(ball(0.14, spots).stretch(x=0.6).at(0.15, head + 0.06, 0.63)),
        ball(0.17, kit.colour()).stretch(x=0.3, z=0.6).turn("z", 20).at(0.22, head + 0.03, 0.52),
        ball(0.17, kit.colour()).stretch(x=0.35, z=0.6).turn("z", 20).at(-0.18, head + 0.2, 0.52),
        tube([(0, y + 0.1, -0.45), (0.06, y + 0.3, -0.6), (0.2, y + 0.42, -0.56)], 0.06, coat, end=0.03),
        ball(0.07, kit.colour()).at(0.2, y + 0.42, -0.56),
        kit.badge(0.14).turn("y", -90).at(-r + 0.02, y + 0.03, -0.12),
        kit.badge(0.1).at(-0.08, y + 0.05, -0.47),
    ]


def _guitar(kit: Kit) -> list[Part]:
    angle = np.radians(np.arange(0, 360, 10))
    reach = kit.size(0.36, 0.4) + kit.size(0.09, 0.13) * np.cos(2 * angle) - 0.07 * np.cos(angle)
    reach[2:7] *= kit.size(0.62, 0.8)  # the cutaway, on the toy's right
    outline = (reach * [-np.sin(angle), np.cos(angle)]).T * 1.2
    front = kit.size(0.09, 0.12)
    neck = kit.size(0.35, 0.5)
    top = reach[0] * 1.05
    frets = top + neck * np.linspace(0.05, 0.9, 5)
    strings = (-0.03, 0, 0.03)
    head = top + neck
    guitar = [
        prism(outline, front * 2, kit.colour()),
        prism(outline * 0.93, 0.02, kit.pattern()).at(z=front + 0.01),
        prism(outline * 0.93, 0.02, kit.pattern()).at(z=-front - 0.01),
        disc(0.12, 0.02, kit.colour()).at(0, 0.04, front + 0.01),
        disc(0.09, 0.02, DARK).at(0, 0.04, front + 0.02),
        *kit.maybe(prism(star(6, 0.17, 0.8), 0.03, kit.colour()).stretch(x=0.7).at(0.18, -0.2, front + 0.02)),
        box(0.22, 0.05, 0.04, DARK).at(0, -0.28, front + 0.02),
        box(0.12, neck + 0.25, 0.07, kit.wood()).at(0, top - 0.2, front),
        *(box(0.125, 0.02, 0.02, STEEL).at(0, fret, front + 0.03) for fret in frets),
        box(0.2, 0.26, 0.09, kit.colour()).at(0, head, front),
        *(ball(0.045, kit.colour()).stretch(x=1.6).at(0.13, head + 0.05 + 0.08 * i, front) for i in range(3)),
        *(tube([(x, -0.27, front + 0.065), (x, head + 0.1, front + 0.065)], 0.006, STEEL) for x in strings),
        kit.badge(0.16).at(-0.08, -0.2, -front - 0.03),
        box(0.09, 0.24, front, kit.colour()).at(0.38, -0.35, 0),
        *(disc(0.06, 0.1, kit.colour()).turn("y", -90).at(-0.33, h, 0) for h in (-0.28, -0.12)),
    ]
    return [
        *(part.turn("x", -10).at(y=0.68) for part in guitar),
        box(0.74, 0.09, 0.62, kit.colour()),
        *(box(0.12, 0.16, 0.18, kit.colour()).at(x, 0.07, 0.2) for x in (0.22, -0.22)),
        tube([(-0.16, 0.06, -0.26), (-0.1, 0.5, -0.2)], 0.05, kit.colour()),
    ]


def _house(kit: Kit) -> list[Part]:
    w = kit.size(0.85, 1.1)
    d = kit.size(0.75, 0.95)
    h = kit.size(0.5, 0.75)
    rise = kit.size(0.35, 0.55)
    gable = np.array([(-0.62 * w, 0), (0.62 * w, 0), (0, rise)])
    front = d / 2
    back = -d / 2
    low = kit.size(0.28, 0.4)
    tree = kit.size(0.3, 0.5)
    side = w / 2
    slope = np.degrees(np.arctan2(rise, 0.62 * w))
    return [
        box(w + 0.75, 0.08, d + 0.4, kit.pattern("spots", "blotches")).at(0.05),
        box(w, h, d, kit.pattern("bricks"), bevel=0.01).at(y=0.06),
        prism(gable, d + 0.14, kit.pattern("bricks", "stripes", "checks")).at(y=h + 0.05),
        *kit.maybe(disc(0.1, 0.04, GLASS).at(0, h + 0.05 + rise * 0.3, front + 0.06)),
        box(0.22, 0.38, 0.05, kit.colour()).at(-w * 0.22, 0.07, front),
        ball(0.03, STEEL).at(-w * 0.22 + 0.06, 0.26, front + 0.03),
        box(0.28, 0.22, 0.05, kit.colour()).at(w * 0.22, 0.24, front),
        box(0.22, 0.16, 0.05, GLASS).at(w * 0.22, 0.27, front + 0.02),
        *kit.maybe(
            box(0.14, rise * 0.9, 0.16, kit.colour(), bevel=0.05).at(-w * 0.32, h + 0.1, kit.size(-0.2, 0.1))
        ),
        box(0.34, low, d * 0.55, kit.colour(), bevel=0.03).at(side + 0.14, 0.06, d * 0.14),
        box(0.42, 0.07, d * 0.63, kit.colour()).at(side + 0.16, low + 0.05, d * 0.14),
        box(0.05, low * 0.7, d * 0.35, kit.pattern("stripes", "checks")).at(side + 0.3, 0.07, d * 0.18),
        box(0.05, 0.4, 0.2, kit.colour()).at(side, 0.07, -d * 0.33),
        *kit.maybe(box(0.3, 0.05, 0.24, GLASS).turn("z", -slope).at(w * 0.3, h + 0.04 + rise * 0.52, -0.15)),
        box(0.05, 0.24, 0.26, kit.colour()).at(-side, 0.24, 0.12),
        box(0.05, 0.18, 0.2, GLASS).at(-side - 0.02, 0.27, 0.12),
        box(0.05, 0.4, 0.22, kit.colour()).at(-side, 0.07, -0.2),
        box(0.34, 0.26, 0.05, kit.colour()).at(w * 0.15, 0.2, back),
        kit.badge(0.14).at(-w * 0.24, h * 0.7, back),
        *kit.maybe(
            cylinder(0.06, tree, kit.wood()).at(-side - 0.17, 0.06, front - 0.1),
            ball(0.19, kit.colour()).stretch(y=1.3).at(-side - 0.17, tree + 0.2, front - 0.1),
        ),
    ]


def _lamp(kit: Kit) -> list[Part]:
    r = kit.size(0.28, 0.34)
    top = kit.size(0.95, 1.2)
    shade = kit.size(0.32, 0.42)
    wide = kit.size(0.28, 0.38)
    cone = [(0, shade - 0.04), (0.09, shade - 0.04), (wide - 0.03, 0), (wide, 0), (0.11, shade), (0, shade)]
    foot = [(0, 0), (r, 0), (r, 0.07), (r * 0.5, 0.13), (0, 0.13)]
    first = kit.size(80, 140)
    second = kit.size(190, 250)
    knee = (0.03, top * 0.75, -0.2)
    low = top - shade - 0.12
    chain = [(0.14, top - shade * 0.6, 0.3), (0.16, low, 0.32)]
    head = [
        lathe(cone, kit.pattern(), (0, first)),
        lathe(cone, kit.colour(), (first, second)),
        lathe(cone, kit.colour(), (second, 360)),
        ball(0.11, LIGHT).at(y=shade * 0.3),
        kit.badge(0.1).around(60, wide * 0.55, shade * 0.45),
    ]
    return [
        *(part.turn("x", -28).at(0, top - shade * 0.8, 0.24) for part in head),
        lathe(foot, kit.pattern(), (30, 190)),
        lathe(foot, kit.colour(), (190, 390)),
        cylinder(0.06, 0.06, kit.colour()).at(r * 0.5, 0.1, r * 0.45),
        tube([(0, 0.1, -0.06), (0.03, top * 0.4, -0.22), knee], 0.045, kit.colour()),
        tube([knee, (0, top, -0.04), (0, top, 0.1)], 0.045, kit.colour()),
        *kit.maybe(ball(0.08, kit.colour()).at(*knee)),
        tube([(-r * 0.8, 0.05, -0.1), (-r - 0.1, 0.04, -0.2), (-r - 0.05, 0.04, -0.38)], 0.03, DARK),
        box(0.09, 0.08, 0.12, kit.colour()).at(-r - 0.05, 0, -0.42),
        *kit.maybe(tube(chain, 0.012, STEEL), ball(0.05, kit.colour()).at(0.16, low - 0.03, 0.32)),
    ]


def _mug(kit: Kit) -> list[Part]:
    r = kit.size(0.34, 0.44)
    h = kit.size(0.7, 1.0)
    split = kit.size(110, 190)
    grip = kit.size(0.2, 0.3)
    wall = [(0, 0), (r * 0.85, 0), (r, 0.06), (r, h), (r - 0.05, h), (r - 0.06, 0.12), (0, 0.12)]
    picture = [(r - 0.02, h / 4), (r + 0.015, h / 4), (r + 0.015, h * 0.75), (r - 0.02, h * 0.75)]
    near = r - 0.03
    far = r + grip
    spoon = [(0.05, h * 0.5, -0.1), (-0.2, h + 0.1, -0.24), (-0.25, h + 0.3, -0.28)]
    handle = [(near, h * 0.82, 0), (far, h * 0.76, 0), (far, h * 0.32, 0), (near, h * 0.2, 0)]
    return [
        lathe(wall, kit.colour(), (-80, split)),
        lathe(wall, kit.pattern("stripes", "checks", "spots", "blotches"), (split, 280)),
        lathe(picture, kit.pattern("label"), (-45, 30)).fit(),
        cylinder(r - 0.04, 0.03, COFFEE).at(y=h * 0.82),
        tube(handle, 0.055, kit.colour()),
        kit.badge(kit.size(0.12, 0.16)).around(150, r - 0.005, h * 0.6),
        kit.badge(kit.size(0.12, 0.16)).around(215, r - 0.005, h * 0.35),
        *kit.maybe(kit.badge(0.12).around(-85, r - 0.005, h * 0.65)),
        *kit.maybe(
            tube(spoon, 0.03, STEEL), ball(0.09, kit.colour()).stretch(z=0.6).at(-0.26, h + 0.33, -0.29)
        ),
        *kit.maybe(
            tube([(-r * 0.68, h, r * 0.71), (-r * 0.72, h * 0.7, r * 0.77)], 0.012, WHITE),
            box(0.14, 0.16, 0.05, kit.pattern("label"))
            .fit()
            .turn("y", -43)
            .at(-r * 0.72, h * 0.55, r * 0.76),
        ),
    ]


def _robot(kit: Kit) -> list[Part]:
    w = kit.size(0.5, 0.65)
    h = kit.size(0.5, 0.65)
    leg = kit.size(0.25, 0.4)
    head = kit.size(0.36, 0.5)
    steel = kit.pick(STEEL, kit.colour())
    neck = leg + h
    face = leg + h + 0.06
    x = w / 2 + 0.1
    waving = [(x - 0.12, neck - 0.1, 0), (x + 0.12, neck - 0.02, 0.05), (x + 0.16, neck + 0.25, 0.12)]
    hanging = [(-x + 0.12, neck - 0.1, 0), (-x - 0.06, neck - 0.2, 0), (-x - 0.05, neck - 0.42, 0.1)]
    return [
        box(w, h, 0.4, kit.colour()).at(y=leg),
        *(box(0.17, leg + 0.05, 0.2, kit.colour()).at(side * w * 0.28) for side in (1, -1)),
        *(box(0.22, 0.11, 0.36, kit.colour()).at(side * w * 0.28, 0, 0.05) for side in (1, -1)),
        cylinder(0.1, 0.1, DARK).at(y=neck - 0.02),
        box(head, 0.34, 0.36, kit.colour()).at(y=face),
        disc(0.08, 0.04, LIGHT).at(head * 0.24, face + 0.2, 0.16),
        disc(0.06, 0.04, kit.colour()).at(-head * 0.24, face + 0.2, 0.16),
        *(disc(0.035, 0.06, DARK).at(side * head * 0.24, face + 0.2, 0.16) for side in (1, -1)),
        box(head * 0.6, 0.06, 0.04, kit.pattern()).at(0, face + 0.05, 0.18),
        tube([(head * 0.3, face + 0.3, 0), (head * 0.34, face + 0.54, -0.03)], 0.02, STEEL),
        ball(0.06, kit.colour()).at(head * 0.34, face + 0.56, -0.03),
        *kit.maybe(
            cylinder(0.08, head + 0.14, kit.colour()).turn("z", 90).at(head / 2 + 0.07, face + 0.17, 0)
        ),
        tube(waving, 0.07, steel),
        ball(0.1, kit.colour()).at(x + 0.16, neck + 0.3, 0.14),
        tube(hanging, 0.07, kit.colour()),
        box(0.16, 0.16, 0.16, kit.colour()).at(-x - 0.05, neck - 0.58, 0.12),
        box(w * 0.5, h * 0.36, 0.04, kit.pattern("label", "checks")).at(w * 0.14, leg + h * 0.5, 0.2),
        *(disc(0.045, 0.05, kit.colour()).at(-w * 0.3, leg + h * f, 0.18) for f in (0.35, 0.58, 0.8)),
        box(w * 0.6, h * 0.6, 0.14, kit.pattern()).at(w * 0.1, leg + h * 0.2, -0.24),
        kit.badge(0.12).at(-w * 0.05, leg + h * 0.55, -0.3),
        *kit.maybe(kit.badge(0.1).turn("y", -90).at(-w / 2 + 0.02, leg + h * 0.3, 0)),
    ]


def _shoe(kit: Kit) -> list[Part]:
    long = kit.size(0.9, 1.05)
    tall = kit.size(0.55, 0.75)
    wide = kit.size(0.95, 1.15)
    inner = [(-0.1, -0.48), (-0.17, -0.36), (-0.15, -0.05), (-0.19, 0.22), (-0.13, 0.44), (0.02, 0.53)]
    outer = [(0.1, -0.48), (0.18, -0.36), (0.17, 0), (0.22, 0.25), (0.16, 0.45)]
    sole = np.array(outer + inner[::-1]) * (wide, long)
    cuff = [(0.13, 0), (0.19, 0), (0.17, tall * 0.5), (0.2, tall), (0.15, tall), (0.13, 0)]
    upper = kit.colour()
    heel = -0.26 * long
    laces = np.linspace(0.4, tall + 0.04, 4)
    return [
        slab(sole * 1.06, 0.1, kit.colour()),
        slab(sole * 1.02, 0.05, WHITE).at(y=0.09),
        ball(0.2, upper, 0).stretch(0.98 * wide, 1.25, 2.3 * long).at(0, 0.12, 0.02),
        *kit.maybe(ball(0.17, WHITE, 0).stretch(1.15 * wide, 1.1, 1.1).at(0.02, 0.125, 0.33 * long)),
        lathe(cuff, kit.pattern(), (10, 180)).stretch(wide, 1, 1.15).at(0, 0.14, heel),
        lathe(cuff, upper, (180, 370)).stretch(wide, 1, 1.15).at(0, 0.14, heel),
        *(
            box(0.24, 0.04, 0.06, kit.colour()).turn("z", kit.size(-12, 12)).at(0, y, heel + 0.2)
            for y in laces
        ),
        *kit.maybe(box(0.13, 0.14, 0.05, kit.colour()).at(0.03, tall - 0.02, heel - 0.23)),
        box(0.1, 0.2, 0.06, kit.colour()).at(-0.04, 0.16, heel - 0.22),
        *(
            box(0.05, 0.22, 0.06, kit.colour()).turn("x", 25).at(0.18 * wide, 0.12, z)
            for z in (0.02, 0.13, 0.24)
        ),
        kit.badge(0.13).turn("y", -90).at(-0.17 * wide, tall * 0.65, heel),
        ball(0.1, kit.colour()).stretch(x=0.4).at(-0.18 * wide, 0.22, 0.12),
    ]


def _teapot(kit: Kit) -> list[Part]:
    r = kit.size(0.38, 0.46)
    tall = kit.size(0.58, 0.75)
    start = kit.size(15, 60)
    t = np.linspace(0, 1, 11)
    radii = r * (0.55 + 0.45 * np.sin(np.pi * t ** kit.size(0.65, 1)) - 0.1 * t)
    pot = [(0, 0), *zip(radii.tolist(), (t * tall).tolist(), strict=True), (0, tall)]
    lid = [(0, 0), (radii[-1] * 1.05, 0), (radii[-1] * 0.9, 0.06), (0.08, 0.12), (0, 0.12)]
    spout = [
        (0, tall * 0.3, r * 0.75),
        (0, tall * 0.4, r + 0.1),
        (0, tall * 0.8, r + 0.2),
        (0, tall * 0.95, r + 0.32),
    ]
    handle = [
        (0, tall * 0.85, -r * 0.6),
        (0, tall * 0.9, -r - 0.2),
        (0, tall * 0.4, -r - 0.26),
        (0, tall * 0.2, -r * 0.7),
    ]
    return [
        lathe(pot, kit.pattern(), (start, start + 150)),
        lathe(pot, kit.colour(), (start + 150, start + 240)),
        lathe(pot, kit.colour(), (start + 240, start + 360)),
        lathe(lid, kit.colour(), (0, 200)).at(y=tall - 0.01),
        lathe(lid, kit.pattern(), (200, 360)).at(y=tall - 0.01),
        ball(0.09, kit.colour()).at(y=tall + 0.17),
        tube(spout, 0.12, kit.colour(), end=0.06),
        tube(handle, 0.06, kit.colour()),
        kit.badge(0.16).around(85, r * 0.94, tall * 0.45),
        kit.badge(0.12).around(-60, r * 0.94, tall * 0.55),
        kit.badge(0.14).around(-115, r * 0.94, tall * 0.4),
        *kit.maybe(kit.badge(0.1).around(145, r * 0.94, tall * 0.5)),
    ]


def _train(kit: Kit) -> list[Part]:
    r = kit.size(0.22, 0.28)
    long = kit.size(0.75, 0.95)
    cab = kit.size(0.42, 0.52)
    odd = kit.pick(0, 1, 2, 4, 5)
    y = 0.36 + r
    front = long * 0.72
    rear = -long * 0.28
    roof = cab + 0.56
    boiler = [(0, -0.02), (r, -0.02), (r, long), (r * 0.9, long + 0.05), (0, long + 0.05)]
    wheels = [(x, z) for x in (0.26, -0.26) for z in (front - 0.12, front - 0.5, rear - 0.2)]
    rod = [(-0.3, 0.2, rear - 0.2), (-0.36, 0.28, front - 0.5), (-0.36, 0.2, front - 0.12)]
    return [
        lathe(boiler, kit.pattern(), (20, 190)).turn("x", 90).at(y=y, z=rear),
        lathe(boiler, kit.colour(), (190, 380)).turn("x", 90).at(y=y, z=rear),
        box(0.44, 0.14, long + 0.5, DARK).at(0, 0.25, (front + rear - 0.38) / 2),
        *(
            wheel(0.2, 0.12, kit.colour() if i == odd else STEEL).at(x, 0.2, z)
            for i, (x, z) in enumerate(wheels)
        ),
        box(0.58, cab + 0.2, 0.4, kit.colour(), bevel=0.05).at(0, 0.37, rear - 0.18),
        box(0.68, 0.07, 0.52, kit.pattern()).at(0, roof, rear - 0.18),
        box(0.05, 0.2, 0.24, GLASS).at(0.28, roof - 0.26, rear - 0.18),
        box(0.05, 0.36, 0.2, kit.colour()).at(-0.28, 0.42, rear - 0.22),
        kit.badge(0.12).turn("y", 90).at(0.28, 0.54, rear - 0.16),
        box(0.26, 0.18, 0.05, kit.colour()).at(0.1, roof - 0.26, rear - 0.38),
        kit.badge(0.12).at(-0.1, 0.56, rear - 0.38),
        cylinder(0.07, 0.36, kit.colour(), top=0.11).at(0, y + r - 0.04, front - 0.14),
        *kit.maybe(ball(0.13, kit.colour(), 0).at(0, y + r - 0.05, front - 0.46)),
        disc(r * 0.7, 0.03, kit.colour()).at(0, y, front + 0.04),
        disc(0.08, 0.1, LIGHT).at(r * 0.6, y + r * 0.75, front - 0.02),
        slab(np.array([(-0.3, 0), (0.3, 0), (0, 0.3)]), 0.2, kit.colour(), foot=1.15).at(
            0, 0.04, front + 0.02
        ),
        *kit.maybe(tube(rod, 0.03, kit.colour())),
        box(0.1, 0.12, long * 0.6, kit.colour()).at(r + 0.03, 0.42, front - long * 0.4),
    ]


def _watering_can(kit: Kit) -> list[Part]:
    r = kit.size(0.34, 0.42)
    h = kit.size(0.5, 0.65)
    top = kit.size(0.8, 0.95)
    split = kit.size(160, 220)
    can = [(0, 0), (r, 0), (r * top, h), (r * top - 0.04, h), (r - 0.06, 0.1), (0, 0.1)]
    lid = [(0, 0), (r * top - 0.01, 0), (r * top - 0.01, 0.04), (0, 0.04)]
    x = 0
    y = h + kit.size(0.05, 0.15)
    z = r + kit.size(0.3, 0.4)
    handle = [
        (0, h * 0.9, -r * top + 0.02),
        (0, h + 0.04, -r - 0.13),
        (0, h * 0.65, -r - 0.28),
        (0, 0.14, -r + 0.02),
    ]
    return [
        lathe(can, kit.pattern("stripes", "checks", "spots", "blotches"), (10, split)),
        lathe(can, kit.colour(), (split, 370)),
        *kit.maybe(lathe(lid, kit.colour(), (-90, 90)).at(y=h - 0.06)),
        *kit.maybe(ring(r + 0.005, 0.03, kit.colour()).at(y=0.1)),
        tube([(0, 0.14, r * 0.8), (0, 0.2, r + 0.12), (x, y, z)], 0.09, kit.colour(), end=0.05),
        cylinder(0.05, 0.13, kit.colour(), top=0.16).turn("x", 55).at(x, y - 0.02, z - 0.03),
        tube(handle, 0.055, kit.colour()),
        tube(
            [(0, h - 0.03, r * 0.6), (0, h + 0.22, 0.2), (0, h + 0.2, -0.1), (0, h - 0.03, -r * 0.7)],
            0.045,
            kit.colour(),
        ),
        kit.badge(0.16).around(85, r * 0.95, h * 0.5),
        kit.badge(0.12).around(-60, r * 0.95, h * 0.62),
        kit.badge(0.15).around(-115, r * 0.95, h * 0.4),
        kit.badge(0.12).around(145, r * 0.95, h * 0.62),
        *kit.maybe(box(0.1, 0.24, 0.16, kit.wood()).at(-r - 0.01, 0.02, -0.03)),
    ]


def _windmill(kit: Kit) -> list[Part]:
    r = kit.size(0.3, 0.38)
    h = kit.size(0.8, 1.0)
    vane = kit.size(0.45, 0.58)
    phase = kit.size(5, 40)
    tower = [(0, 0), (r, 0), (r * 0.66, h), (0, h)]
    y = h + 0.09
    z = r * 0.66 + 0.14
    parts = [
        box(r * 3, 0.08, r * 2.9, kit.pattern("spots", "blotches")),
        lathe(tower, kit.pattern("bricks"), (-70, 130)).at(y=0.06),
        lathe(tower, kit.pattern(), (130, 290)).at(y=0.06),
        ball(r * 0.74, kit.colour(), 0).stretch(y=1.1).at(y=h + 0.05),
        disc(0.07, 0.34, DARK).at(0, y, z - 0.24),
        ball(0.08, kit.colour()).at(0, y, z + 0.06),
        box(0.2, 0.32, 0.1, kit.colour()).at(-0.02, 0.06, r * 0.9),
        box(0.08, 0.16, 0.15, kit.colour()).at(r * 0.92, 0.34, 0),
        box(0.08, 0.28, 0.18, kit.colour()).at(-r * 0.8, 0.52, 0),
        box(0.2, 0.2, 0.1, GLASS).at(0.03, 0.5, -r * 0.8),
        kit.badge(0.12).around(160, r * 0.93, 0.27),
        *kit.maybe(
            cylinder(0.05, 0.25, kit.wood()).at(-r * 1.25, 0.06, r * 0.8),
            ball(0.15, kit.colour()).stretch(y=1.4).at(-r * 1.25, 0.42, r * 0.8),
        ),
        *kit.maybe(box(0.2, 0.14, 0.3, kit.wood()).at(r * 1.2, 0.06, -r * 0.7)),
    ]
    for i in range(4):
        sail = box(0.2, vane, 0.04, kit.pattern() if i == 1 else kit.colour()).at(0.06, 0.1)
        spar = box(0.05, vane + 0.07, 0.06, DARK)
        parts += [part.turn("z", phase + 90 * i).at(0, y, z) for part in (sail, spar)]
    return parts


_BUILDERS: dict[str, Callable[[Kit], list[Part]]] = {
    "airplane": _airplane,
    "boat": _boat,
    "camera": _camera,
    "car": _car,
    "chair": _chair,
    "clock": _clock,
    "desk": _desk,
    "dog": _dog,
    "guitar": _guitar,
    "house": _house,
    "lamp": _lamp,
    "mug": _mug,
    "robot": _robot,
    "shoe": _shoe,
    "teapot": _teapot,
    "train": _train,
    "watering_can": _watering_can,
    "windmill": _windmill,
}
FAMILIES: tuple[str, ...] = tuple(sorted(_BUILDERS))
# asked for their front, people point to different sides: a spout or the broad side, a desk's drawers or the
# visitor's side
NO_FRONT = frozenset({"desk", "house", "lamp", "mug", "teapot", "watering_can"})
