"""The source `builtin:`: a toy shop of procedural objects, for a good dataset without any assets.

Each family is one short function and one line in `_BUILDERS`: a list of painted parts, in lengths of about the size of
the toy. They stand on y = 0 and look along +z, so x > 0 is the toy's own left. They are lopsided on purpose: no turn
about the vertical and no mirror may map one onto itself, or questions about left and right would have no answer.
"""

import colorsys
import hashlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from viewpoint100k.errors import InputError
from viewpoint100k.objects.toy_parts import (
    PATTERNS,
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
_COLOURS = (  # sRGB; told apart by eye under any light
    "e6194b 2f9e44 ffd21f 3b5bdb f58231 8a2be2 22b8cf e64980 94d82d 12807a 9a5b20 7a1022 1b2a6b f4a7b9 c9b458"
).split()


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
            f"{uid!r} is not a builtin object: expected FAMILY-XXXXXXXX with eight hex digits, and FAMILY one of "
            f"{', '.join(FAMILIES)}. List some with list_builtin()."
        )
    return write_glb(uid, _BUILDERS[match[1]](Kit(uid)))


def _describe(uid: str, family: str) -> SourceObject:
    title = uid.replace("-", " ").replace("_", " ")
    record = ObjectRecord(uid=uid, category=family, title=title, author="viewpoint100k", licence="CC0-1.0")
    return SourceObject(record=record, front_azimuth_deg=-90.0)  # Blender turns +z of glTF into -y


class Kit:
    """What a builder works with: chance, and colours that no other part of the toy has."""

    def __init__(self, uid: str) -> None:
        self.rng = np.random.default_rng(int.from_bytes(hashlib.sha256(uid.encode()).digest(), "big"))
        self._fresh: list[str] = []

    def size(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def pick(self, *options: Any) -> Any:
        return options[self.rng.integers(len(options))]

    def colour(self) -> Paint:
        if not self._fresh:
            self._fresh = [_COLOURS[i] for i in self.rng.permutation(len(_COLOURS))]
        hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in bytes.fromhex(self._fresh.pop())))
        hue, saturation = (hue + self.size(-0.015, 0.015)) % 1, saturation * self.size(0.85, 1)
        return Paint(colorsys.hsv_to_rgb(hue, saturation, value * self.size(0.88, 1)), roughness=self.size(0.4, 0.9))

    def pattern(self, *names: str) -> Paint:
        """A texture of one of these kinds, in a new colour and a light or dark one."""
        colour, other = self.colour(), self.pick(WHITE, DARK, self.colour())
        return texture(self.pick(*names or PATTERNS), colour.rgb, other.rgb, colour.roughness, self.rng)

    def wood(self) -> Paint:
        red, green, blue = np.array([0.85, 0.58, 0.32]) * self.size(0.6, 1.1)
        return texture("wood", (red, green, blue), (red * 0.35, green * 0.3, blue * 0.3), 0.7, self.rng)

    def badge(self, radius: float) -> Part:
        """A raised star, diamond, disc, shield or flower, 0.08 thick. Looks along +z."""
        corners, inner = self.pick((5, 0.45), (2, 0.8), (12, 1.0), (3, 0.6), (7, 0.65), (4, 0.4))
        return prism(star(corners, radius, inner), 0.08, self.colour()).turn("z", self.size(-25, 25))


# --- the toys, in alphabetical order --------------------------------------------------------------


def _airplane(kit: Kit) -> list[Part]:
    r, span, y = kit.size(0.17, 0.22), kit.size(0.62, 0.85), 0.42
    hull = [(0, -0.8), (0.06, -0.8), (r * 0.9, -0.1), (r, 0.2), (r * 0.92, 0.5), (r * 0.6, 0.68), (0, 0.76)]
    fin = np.array([(-0.16, 0), (0.18, 0), (0.02, 0.36), (-0.14, 0.36)])
    parts = [
        lathe(hull, kit.pattern("stripes", "checks", "spots"), (0, 180)).turn("x", 90).at(y=y),
        lathe(hull, kit.colour(), (180, 360)).turn("x", 90).at(y=y),
        ball(r * 0.75, GLASS).stretch(y=1.1, z=1.7).at(y=y + r * 0.55, z=0.28),
        prism(fin, 0.06, kit.colour()).turn("y", -90).at(y=y + 0.08, z=-0.66),
        kit.badge(0.11).turn("y", 90).at(0.02, y + 0.26, -0.68),
        *(box(0.09, 0.62, 0.03, kit.colour()).at(y=-0.31).turn("z", a).at(y=y, z=0.76) for a in (20, 110)),
        ball(0.08, kit.colour()).at(y=y, z=0.77),
        wheel(0.07, 0.06, kit.colour()).at(0, 0.07, -0.62),
        tube([(0, 0.07, -0.62), (0, y, -0.66)], 0.025, STEEL),
        box(0.22, 0.09, 0.2, kit.colour()).turn("y", 8).at(span + r * 0.5, y - 0.075, 0.0),
    ]
    for side, paint in ((1, kit.colour()), (-1, kit.pattern("stripes", "checks", "blotches"))):
        parts += [
            box(span, 0.06, 0.38, paint).turn("y", side * 8).at(side * (span / 2 + r * 0.6), y - 0.06, 0.08),
            box(0.36, 0.05, 0.22, paint).at(side * 0.2, y + 0.04, -0.68),
            ball(0.1, kit.colour()).stretch(z=2.2).at(side * span * kit.size(0.5, 0.7), y - 0.1, 0.2),
            wheel(0.1, 0.08, DARK).at(side * 0.16, 0.1, 0.25),
            tube([(side * 0.16, 0.1, 0.25), (side * 0.1, y - 0.1, 0.22)], 0.025, STEEL),
        ]
    return parts


def _boat(kit: Kit) -> list[Part]:
    half = [(0.22, -0.8), (0.31, -0.35), (0.3, 0.15), (0.19, 0.55), (0, 0.9)]
    outline = np.array(half + [(-x, z) for x, z in reversed(half[:-1])]) * (kit.size(0.95, 1.25), kit.size(0.85, 1))
    height, x, z = kit.size(0.28, 0.4), kit.size(-0.08, 0), kit.size(-0.35, -0.15)
    top = 0.41 + height
    return [
        slab(outline, 0.16, kit.colour(), foot=0.75),
        slab(outline * 1.12, 0.25, kit.pattern("stripes", "checks", "wood"), foot=0.88).at(y=0.15),
        slab(outline * 1.02, 0.04, kit.wood()).at(y=0.38),
        box(0.36, height, 0.42, kit.colour()).at(x, 0.41, z),
        box(0.46, 0.06, 0.52, kit.pattern("stripes", "spots")).at(x, top, z),
        box(0.26, 0.13, 0.04, GLASS).at(x, top - 0.18, z + 0.2),
        box(0.04, 0.24, 0.16, kit.colour()).at(x + 0.17, 0.41, z - 0.05),
        *(disc(0.06, 0.04, GLASS).turn("y", -90).at(x - 0.17, top - 0.12, z + dz) for dz in (-0.1, 0.1)),
        kit.badge(0.11).at(x, 0.55, z - 0.2),
        cylinder(0.09, 0.34, kit.colour(), top=0.08).at(x - 0.08, top, z - 0.08),
        cylinder(0.1, 0.09, kit.colour()).at(x - 0.08, top + 0.22, z - 0.08),
        tube([(0, 0.4, 0.45), (0, top + 0.5, 0.42)], 0.025, STEEL),
        box(0.34, 0.22, 0.04, kit.pattern("stripes", "label", "checks")).at(0.18, top + 0.26, 0.42),
        ring(0.11, 0.035, kit.colour()).turn("z", 90).at(-outline[:, 0].max() * 1.08, 0.3, 0),
        kit.badge(0.1).turn("y", 90).at(outline[:, 0].max() * 1.07, 0.28, -0.25),
        cylinder(0.09, 0.2, kit.colour()).at(-0.14, 0.41, 0.28),
    ]


def _camera(kit: Kit) -> list[Part]:
    w, h, d, x = kit.size(0.9, 1.15), kit.size(0.5, 0.65), kit.size(0.3, 0.4), kit.size(0.02, 0.14)
    r, y, front, back, trim = kit.size(0.2, 0.25), h * 0.52, d / 2, -d / 2, kit.colour()
    return [
        box(w, h, d, kit.pattern("blotches", "checks", "spots", "stripes")),
        box(w * 0.97, 0.12, d * 0.9, trim).at(y=h - 0.02),
        disc(r * 1.15, 0.1, trim).at(x, y, front - 0.03),
        disc(r, kit.size(0.2, 0.4), DARK).at(x, y, front),
        disc(r * 0.98, 0.1, kit.colour()).at(x, y, front + 0.08),
        ball(r * 0.8, GLASS).stretch(z=0.4).at(x, y, front + 0.4),
        lathe([(r * 0.7, 0), (r, 0), (r, 0.22), (r * 0.86, 0.22), (r * 0.7, 0)], kit.colour())
        .turn("x", 90)
        .at(x, y, front + 0.26),
        box(0.15, h * 0.9, 0.12, DARK, bevel=0.4).at(-w / 2 + 0.09, h * 0.05, front + 0.03),
        box(0.3, 0.16, d * 0.7, kit.colour()).at(x, h + 0.06, 0),
        box(0.16, 0.1, 0.04, LIGHT).at(w / 2 - 0.14, h - 0.01, front - 0.02),
        cylinder(0.07, 0.12, kit.colour()).at(-w / 2 + 0.12, h + 0.04, 0.02),
        cylinder(0.1, 0.1, kit.pattern("stripes")).at(w / 2 - 0.14, h + 0.05, -0.02),
        box(w * 0.5, h * 0.6, 0.04, GLASS).at(-w * 0.12, h * 0.15, back),
        *(disc(0.05, 0.04, kit.colour()).at(w * 0.34, h * f, back - 0.03) for f in (0.25, 0.5, 0.75)),
        kit.badge(0.1).turn("y", 90).at(w / 2 - 0.02, h * 0.55, 0),
        box(0.04, h * 0.5, d * 0.5, kit.colour()).at(-w / 2, h * 0.25, -0.02),
    ]


def _car(kit: Kit) -> list[Part]:
    w, length, tall, paint = kit.size(0.68, 0.8), kit.size(1.4, 1.75), kit.size(0.26, 0.36), kit.colour()
    cabin = np.array([(-0.36, 0), (0.24, 0), (0.1, 1), (-0.3, 1)]) * (length, tall)
    odd, front, back, top = kit.pick(0, 1, 2, 3), length / 2, -length / 2, 0.42 + tall
    wheels = [(x, z) for x in (w / 2, -w / 2) for z in (front * 0.6, back * 0.6)]
    return [
        box(w, 0.3, length, paint).at(y=0.14),
        prism(cabin, w * 0.86, GLASS).turn("y", -90).at(y=0.42),
        box(w * 0.88, 0.06, length * 0.4, paint).at(0, top - 0.03, -length * 0.1),
        *(wheel(0.18, 0.15, kit.colour() if i == odd else DARK).at(x, 0.18, z) for i, (x, z) in enumerate(wheels)),
        box(0.04, 0.22, length * 0.36, kit.colour()).at(w / 2, 0.19, -length * 0.08),
        box(0.04, 0.2, length * 0.62, kit.pattern("checks", "stripes", "label")).at(-w / 2, 0.2, -0.04),
        box(0.16, 0.04, length * 0.3, kit.colour()).at(w * 0.18, 0.415, length * 0.345),
        *(disc(0.08, 0.05, LIGHT).at(x, 0.32, front - 0.02) for x in (w * 0.33, -w * 0.33)),
        box(w * 0.36, 0.11, 0.04, DARK).at(0, 0.24, front),
        *(box(0.12, 0.08, 0.04, Paint((0.8, 0.05, 0.05))).at(x, 0.3, back) for x in (w * 0.36, -w * 0.36)),
        kit.badge(0.09).at(-0.08, 0.3, back + 0.01),
        box(0.26, 0.16, length * 0.24, kit.wood()).at(w * 0.2, top + 0.02, -length * 0.1),
        box(0.2, 0.1, length * 0.3, kit.colour()).at(-w * 0.22, top + 0.02, -length * 0.1),
        tube([(-w * 0.4, 0.42, back * 0.85), (-w * 0.44, 0.95, back * 0.95)], 0.02, STEEL),
        ball(0.05, kit.colour()).at(-w * 0.44, 0.96, back * 0.95),
    ]


def _chair(kit: Kit) -> list[Part]:
    w, d, seat, back = kit.size(0.6, 0.75), kit.size(0.55, 0.7), kit.size(0.42, 0.55), kit.size(0.55, 0.8)
    frame, x, z, odd = kit.wood(), w / 2 - 0.06, d / 2 - 0.06, kit.pick(0, 1, 2, 3)
    legs = [(x, z), (-x, z), (-x, -z), (x, -z)]
    slats = kit.pick(2, 3, 4)
    return [
        *(box(0.1, seat, 0.1, kit.colour() if i == odd else frame).at(x, 0, z) for i, (x, z) in enumerate(legs)),
        box(w, 0.09, d, frame).at(y=seat),
        box(w * 0.88, 0.1, d * 0.84, kit.pattern("checks", "stripes", "spots", "blotches"), 0.4).at(y=seat + 0.06),
        *(box(0.09, back, 0.09, kit.colour()).at(side * x, seat + 0.05, -z) for side in (1, -1)),
        *(
            box(w * 0.92, back / slats * 0.6, 0.06, kit.colour()).at(0, seat + 0.14 + back * i / slats, -z)
            for i in range(slats)
        ),
        kit.badge(0.12).at(w * 0.18, seat + 0.12 + back * 0.3 / slats, -z - 0.03),
        box(0.09, 0.07, d * 0.95, kit.colour()).at(x, seat + 0.3, 0.02),
        box(0.08, 0.3, 0.08, frame).at(x, seat + 0.05, z * 0.9),
        box(0.05, seat * 0.35, d * 0.5, kit.pattern("label", "checks")).at(-x - 0.05, seat * 0.62, 0),
        box(w * 0.8, 0.06, 0.06, kit.colour()).at(0, seat * 0.4, z),
    ]


def _clock(kit: Kit) -> list[Part]:
    r, d, y = kit.size(0.4, 0.5), kit.size(0.36, 0.5), 0.58
    hour, minute, odd = kit.size(0, 360), kit.size(0, 360), kit.pick(1, 2, 4, 5, 7, 8, 10, 11)
    drum = [(0, -d / 2), (r * 0.9, -d / 2), (r, -d / 2 + 0.06), (r, d / 2 - 0.06), (r * 0.9, d / 2), (0, d / 2)]
    parts = [
        lathe(drum, kit.pattern("stripes", "checks", "spots"), (20, 200)).turn("x", 90).at(y=y),
        lathe(drum, kit.colour(), (200, 380)).turn("x", 90).at(y=y),
        disc(r * 0.86, 0.04, WHITE).at(y=y, z=d / 2 - 0.02),
        disc(r * 0.4, 0.02, kit.pattern()).at(y=y, z=d / 2 + 0.01),
        box(0.07, r * 0.5, 0.03, DARK).turn("z", hour).at(y=y, z=d / 2 + 0.04),
        box(0.045, r * 0.75, 0.03, kit.colour()).turn("z", minute).at(y=y, z=d / 2 + 0.06),
        disc(0.06, 0.05, DARK).at(y=y, z=d / 2 + 0.04),
        *(ball(0.17, kit.colour(), -10).turn("z", -side * 28).at(side * 0.26, y + r * 0.92, 0) for side in (1, -1)),
        tube([(0.1, y + r * 0.8, 0), (0.1, y + r + 0.2, 0)], 0.03, STEEL),
        ball(0.06, kit.colour()).at(0.1, y + r + 0.22, 0),
        *(cylinder(0.09, 0.3, kit.colour(), top=0.07).turn("z", side * 20).at(side * r * 0.75) for side in (1, -1)),
        box(0.22, 0.1, 0.04, kit.colour()).at(r * 0.4, y - r * 0.4, -d / 2),
        disc(0.1, 0.12, kit.colour()).at(-r * 0.35, y + 0.1, -d / 2 - 0.1),
        kit.badge(0.13).turn("y", -90).at(-r + 0.01, y - 0.02, 0),
        disc(0.08, 0.14, kit.colour()).turn("y", 90).at(r - 0.04, y, -0.02),
    ]
    for i in range(12):
        paint = kit.colour() if i == odd else DARK
        parts.append(
            box(0.05, r * (0.2 if i % 3 else 0.26), 0.03, paint)
            .at(y=r * 0.58)
            .turn("z", -30 * i)
            .at(y=y, z=d / 2 + 0.02)
        )
    return parts


def _desk(kit: Kit) -> list[Part]:
    w, d, h, x = kit.size(1.15, 1.4), kit.size(0.6, 0.75), kit.size(0.62, 0.75), kit.size(0.2, 0.3)
    wood, side = kit.wood(), w / 2 - x / 2 - 0.1
    parts = [
        box(w, 0.07, d, wood).at(y=h),
        box(x + 0.12, h, d * 0.88, kit.colour(), 0.03).at(side, 0.01, 0),
        box(0.08, h, d * 0.88, kit.pattern("checks", "stripes", "blotches")).at(-w / 2 + 0.08),
        box(w * 0.85, h * 0.4, 0.05, kit.pattern("bricks", "wood", "label")).at(-0.02, h * 0.6, -d * 0.38),
        kit.badge(0.12).at(-w * 0.2, h * 0.8, -d * 0.38 - 0.02),
        kit.badge(0.12).turn("y", 90).at(w / 2 - 0.04, h * 0.6, -0.05),
        box(0.5, 0.34, 0.06, DARK).at(-0.08, h + 0.15, -d * 0.2),
        box(0.44, 0.28, 0.03, kit.pattern("label", "blotches")).at(-0.08, h + 0.18, -d * 0.2 + 0.03),
        box(0.1, 0.16, 0.08, STEEL).at(-0.08, h + 0.05, -d * 0.24),
        box(0.3, 0.04, 0.2, WHITE).at(-0.08, h + 0.06, -d * 0.2),
        box(0.4, 0.04, 0.15, kit.colour()).at(-0.08, h + 0.06, d * 0.22),
        cylinder(0.07, 0.16, kit.colour()).at(-w * 0.38, h + 0.06, d * 0.15),
        ball(0.12, kit.colour()).at(-w * 0.38, h + 0.28, -d * 0.2),
        cylinder(0.09, 0.14, kit.colour(), top=0.11).at(-w * 0.38, h + 0.06, -d * 0.2),
    ]
    for i in range(3):
        parts.append(box(x, h * 0.26, 0.06, kit.colour()).at(side, h * (0.07 + 0.3 * i), d * 0.43))
        parts.append(ball(0.04, STEEL).at(side, h * (0.2 + 0.3 * i), d * 0.43 + 0.05))
        parts.append(
            box(0.3 - 0.03 * i, 0.07, 0.22, kit.colour()).turn("y", kit.size(-30, 30)).at(side, h + 0.06 + 0.07 * i, 0)
        )
    return parts


def _dog(kit: Kit) -> list[Part]:
    leg, r, neck = kit.size(0.26, 0.4), kit.size(0.2, 0.26), kit.size(0.22, 0.34)
    y, coat, spots, odd = leg + r * 0.7, kit.colour(), kit.pattern("spots", "blotches"), kit.pick(0, 1, 2, 3)
    body = [(0, -0.56), (r * 0.7, -0.53), (r, -0.4), (r * 0.9, 0), (r * 1.1, 0.33), (r * 0.8, 0.5), (0, 0.55)]
    feet = [(0.14, 0.36), (-0.14, 0.36), (0.14, -0.4), (-0.14, -0.4)]
    head_y = y + neck + 0.1
    return [
        lathe(body, spots, (50, 200)).turn("x", 90).at(y=y),
        lathe(body, coat, (200, 410)).turn("x", 90).at(y=y),
        *(cylinder(0.08, y, spots if i == odd else coat, top=0.1).at(x, 0, z) for i, (x, z) in enumerate(feet)),
        *(
            ball(0.1, kit.colour() if i == odd else WHITE, 0).stretch(z=1.3).at(x, 0, z + 0.03)
            for i, (x, z) in enumerate(feet)
        ),
        tube([(0, y, 0.38), (0, y + neck * 0.7, 0.5), (0, head_y, 0.56)], 0.15, coat, end=0.13),
        lathe([(0.13, -0.04), (0.19, -0.04), (0.19, 0.04), (0.13, 0.04)], kit.colour())
        .turn("x", 25)
        .at(0, y + neck * 0.55, 0.49),
        ball(0.2, coat).stretch(y=0.95, z=1.1).at(0, head_y, 0.62),
        ball(0.11, WHITE).stretch(z=1.6).at(0, head_y - 0.05, 0.8),
        ball(0.05, DARK).at(0, head_y - 0.02, 0.98),
        *(ball(0.045, DARK).at(x, head_y + 0.06, 0.8) for x in (0.1, -0.1)),
        ball(0.13, spots).stretch(x=0.6).at(0.14, head_y + 0.06, 0.67),
        ball(0.16, kit.colour()).stretch(x=0.3, z=0.6).turn("z", 20).at(0.2, head_y + 0.03, 0.56),
        ball(0.16, kit.colour()).stretch(x=0.35, z=0.6).turn("z", 20).at(-0.17, head_y + 0.2, 0.56),
        tube([(0, y + 0.1, -0.5), (0.06, y + 0.3, -0.66), (0.2, y + 0.42, -0.62)], 0.055, coat, end=0.03),
        kit.badge(0.13).turn("y", -90).at(-r + 0.02, y + 0.03, -0.12),
        ball(0.06, kit.colour()).at(0.2, y + 0.42, -0.62),
    ]


def _guitar(kit: Kit) -> list[Part]:
    angle = np.radians(np.arange(0, 360, 10))
    reach = kit.size(0.34, 0.37) + kit.size(0.09, 0.13) * np.cos(2 * angle) - 0.07 * np.cos(angle)
    reach[2:7] *= kit.size(0.62, 0.8)  # the cutaway, on the toy's right
    outline = (reach * [-np.sin(angle), np.cos(angle)]).T * 1.15
    d, neck, y, rim = kit.size(0.16, 0.22), kit.size(0.5, 0.65), 0.64, kit.colour()
    top = reach[0] + neck
    guitar = [
        prism(outline, d, rim),
        prism(outline * 0.93, 0.02, kit.pattern("wood", "stripes", "blotches")).at(z=d / 2 + 0.01),
        prism(outline * 0.93, 0.02, kit.pattern("checks", "spots", "label")).at(z=-d / 2 - 0.01),
        disc(0.12, 0.02, kit.colour()).at(0, 0.04, d / 2 + 0.01),
        disc(0.09, 0.02, DARK).at(0, 0.04, d / 2 + 0.02),
        prism(star(6, 0.17, 0.8), 0.03, kit.colour()).stretch(x=0.7).at(0.17, -0.18, d / 2 + 0.02),
        box(0.22, 0.05, 0.04, DARK).at(0, -0.28, d / 2 + 0.02),
        box(0.11, neck + 0.28, 0.07, kit.wood()).at(0, reach[0] - 0.22, d / 2),
        *(box(0.115, 0.018, 0.02, STEEL).at(0, reach[0] - 0.15 + f * neck, d / 2 + 0.03) for f in np.linspace(0.1, 0.95, 6)),
        box(0.2, 0.26, 0.08, kit.colour()).at(0, top, d / 2),
        *(ball(0.04, kit.colour()).stretch(x=1.6).at(0.13, top + 0.06 + 0.075 * i, d / 2) for i in range(3)),
        *(tube([(x, -0.27, d / 2 + 0.065), (x, top + 0.1, d / 2 + 0.065)], 0.006, STEEL) for x in (-0.03, 0, 0.03)),
        kit.badge(0.15).at(-0.08, -0.2, -d / 2 - 0.03),
        tube([(0.36, 0.2, -d * 0.6), (0.3, -0.3, -d), (0, -0.5, -d * 0.4)], 0.03, kit.colour()),
    ]  # fmt: skip
    return [
        *(part.turn("x", -10).at(y=y) for part in guitar),
        box(0.64, 0.08, 0.56, kit.colour()),
        box(0.1, 0.14, 0.16, kit.colour()).at(0.2, 0.07, 0.17),
        box(0.1, 0.14, 0.16, kit.colour()).at(-0.2, 0.07, 0.17),
        tube([(-0.1, 0.06, -0.22), (-0.05, 0.45, -0.16)], 0.04, kit.colour()),
    ]


def _house(kit: Kit) -> list[Part]:
    w, d, h, rise = kit.size(0.85, 1.1), kit.size(0.75, 0.95), kit.size(0.5, 0.75), kit.size(0.35, 0.55)
    gable, front, back = np.array([(-0.62 * w, 0), (0.62 * w, 0), (0, rise)]), d / 2, -d / 2
    low, leaf, trunk = kit.size(0.28, 0.4), kit.colour(), kit.size(0.3, 0.5)
    return [
        box(w + 0.75, 0.08, d + 0.4, kit.pattern("spots", "blotches")).at(0.05, 0, 0),
        box(w, h, d, kit.pattern("bricks"), 0.01).at(y=0.06),
        prism(gable, d + 0.14, kit.pattern("bricks", "stripes", "checks")).at(y=h + 0.05),
        disc(0.1, 0.04, GLASS).at(0, h + 0.05 + rise * 0.3, front + 0.06),
        box(0.22, 0.38, 0.05, kit.colour()).at(-w * 0.22, 0.07, front),
        ball(0.03, STEEL).at(-w * 0.22 + 0.06, 0.26, front + 0.03),
        box(0.28, 0.22, 0.05, kit.colour()).at(w * 0.22, 0.24, front),
        box(0.22, 0.16, 0.05, GLASS).at(w * 0.22, 0.27, front + 0.02),
        box(0.14, rise * 0.9, 0.16, kit.colour(), 0.05).at(-w * 0.32, h + 0.1, kit.size(-0.2, 0.1)),
        box(0.34, low, d * 0.6, kit.colour(), 0.03).at(w / 2 + 0.14, 0.06, -0.05),
        box(0.42, 0.07, d * 0.68, kit.colour()).at(w / 2 + 0.16, low + 0.05, -0.05),
        box(0.05, low * 0.7, d * 0.35, kit.pattern("stripes", "checks")).at(w / 2 + 0.3, 0.07, -0.05),
        box(0.05, 0.24, 0.26, kit.colour()).at(-w / 2, 0.24, 0.12),
        box(0.05, 0.18, 0.2, GLASS).at(-w / 2 - 0.02, 0.27, 0.12),
        box(0.05, 0.4, 0.22, kit.colour()).at(-w / 2, 0.07, -0.2),
        box(0.34, 0.26, 0.05, kit.colour()).at(w * 0.15, 0.2, back),
        kit.badge(0.14).at(-w * 0.24, h * 0.7, back),
        cylinder(0.06, trunk, kit.wood()).at(-w / 2 - 0.17, 0.06, front - 0.1),
        ball(0.19, leaf).stretch(y=1.3).at(-w / 2 - 0.17, trunk + 0.2, front - 0.1),
    ]


def _lamp(kit: Kit) -> list[Part]:
    r, top, shade, wide = kit.size(0.28, 0.34), kit.size(0.95, 1.2), kit.size(0.32, 0.42), kit.size(0.28, 0.38)
    cone = [(0, shade - 0.04), (0.09, shade - 0.04), (wide - 0.03, 0), (wide, 0), (0.11, shade), (0, shade)]
    first, second = kit.size(80, 140), kit.size(190, 250)
    arcs = [(0, first), (first, second), (second, 360)]
    paints = [kit.pattern("stripes", "spots", "checks"), kit.colour(), kit.colour()]
    head = [lathe(cone, paint, arc) for paint, arc in zip(paints, arcs, strict=True)]
    head += [ball(0.11, LIGHT).at(y=shade * 0.3), kit.badge(0.1).at(z=wide * 0.55).turn("y", 60).at(y=shade * 0.45)]
    foot = [(0, 0), (r, 0), (r, 0.07), (r * 0.5, 0.13), (0, 0.13)]
    return [
        lathe(foot, kit.pattern(), (30, 190)),
        lathe(foot, kit.colour(), (190, 390)),
        disc(0.06, 0.06, kit.colour()).turn("x", -90).at(r * 0.5, 0.1, r * 0.45),
        tube([(0, 0.1, -0.06), (0.03, top * 0.4, -0.22), (0.03, top * 0.75, -0.2)], 0.045, kit.colour()),
        tube([(0.03, top * 0.75, -0.2), (0, top, -0.04), (0, top, 0.1)], 0.045, kit.colour()),
        ball(0.08, kit.colour()).at(0.03, top * 0.75, -0.2),
        *(part.turn("x", -28).at(0, top - shade * 0.8, 0.24) for part in head),
        tube([(-r * 0.8, 0.05, -0.1), (-r - 0.1, 0.04, -0.2), (-r - 0.05, 0.04, -0.38)], 0.03, DARK),
        box(0.09, 0.08, 0.12, kit.colour()).at(-r - 0.05, 0, -0.42),
        tube([(0.14, top - shade * 0.6, 0.3), (0.16, top - shade - 0.12, 0.32)], 0.012, STEEL),
        ball(0.05, kit.colour()).at(0.16, top - shade - 0.15, 0.32),
    ]


def _mug(kit: Kit) -> list[Part]:
    r, h, split = kit.size(0.34, 0.44), kit.size(0.7, 1.0), kit.size(110, 190)
    wall = [(0, 0), (r * 0.85, 0), (r, 0.06), (r, h), (r - 0.05, h), (r - 0.06, 0.12), (0, 0.12)]
    low, high = h * 0.25, h * 0.75
    print_ = [(r - 0.02, low), (r + 0.015, low), (r + 0.015, high), (r - 0.02, high)]
    grip = kit.size(0.2, 0.3)
    return [
        lathe(wall, kit.colour(), (-80, split)),
        lathe(wall, kit.pattern("stripes", "checks", "spots", "blotches"), (split, 280)),
        lathe(print_, kit.pattern("label"), (-45, 30)).fit(),
        cylinder(r - 0.04, 0.03, Paint((0.25, 0.13, 0.06), 0.4)).at(y=h * 0.82),
        tube(
            [(r - 0.03, h * 0.82, 0), (r + grip, h * 0.76, 0), (r + grip, h * 0.32, 0), (r - 0.03, h * 0.2, 0)],
            0.055,
            kit.colour(),
        ),
        kit.badge(kit.size(0.12, 0.16)).at(z=r - 0.02).turn("y", 150).at(y=h * 0.6),
        kit.badge(kit.size(0.12, 0.16)).at(z=r - 0.02).turn("y", 215).at(y=h * 0.35),
        kit.badge(0.12).at(z=r - 0.02).turn("y", -85).at(y=h * 0.65),
        tube([(0.05, h * 0.5, -0.1), (-0.2, h + 0.1, -0.24), (-0.25, h + 0.3, -0.28)], 0.03, STEEL),
        ball(0.09, kit.colour()).stretch(z=0.6).at(-0.26, h + 0.33, -0.29),
        tube([(-r * 0.6, h, r * 0.7), (-r * 0.7, h + 0.02, r * 0.75), (-r * 0.72, h * 0.7, r * 0.77)], 0.012, WHITE),
        box(0.14, 0.16, 0.05, kit.pattern("label")).turn("y", -43).at(-r * 0.72, h * 0.55, r * 0.76).fit(),
    ]


def _robot(kit: Kit) -> list[Part]:
    w, h, leg, head = kit.size(0.5, 0.65), kit.size(0.5, 0.65), kit.size(0.25, 0.4), kit.size(0.36, 0.5)
    steel, neck = kit.pick(STEEL, kit.colour()), leg + h
    face, x = neck + 0.06, w / 2 + 0.1
    return [
        box(w, h, 0.4, kit.colour()).at(y=leg),
        *(box(0.17, leg + 0.05, 0.2, paint).at(side * w * 0.28) for side, paint in ((1, kit.colour()), (-1, steel))),
        *(box(0.22, 0.11, 0.36, kit.colour()).at(side * w * 0.28, 0, 0.05) for side in (1, -1)),
        cylinder(0.1, 0.1, DARK).at(y=neck - 0.02),
        box(head, 0.34, 0.36, kit.colour()).at(y=face),
        disc(0.08, 0.04, LIGHT).at(head * 0.24, face + 0.2, 0.16),
        disc(0.06, 0.04, kit.colour()).at(-head * 0.24, face + 0.2, 0.16),
        *(disc(0.035, 0.06, DARK).at(side * head * 0.24, face + 0.2, 0.16) for side in (1, -1)),
        box(head * 0.6, 0.06, 0.04, kit.pattern("checks", "stripes")).at(0, face + 0.05, 0.18),
        tube([(head * 0.3, face + 0.3, 0), (head * 0.34, face + 0.54, -0.03)], 0.02, STEEL),
        ball(0.06, kit.colour()).at(head * 0.34, face + 0.56, -0.03),
        cylinder(0.08, head + 0.14, kit.colour()).turn("z", 90).at(head / 2 + 0.07, face + 0.17, 0),
        tube([(x - 0.12, neck - 0.1, 0), (x + 0.12, neck - 0.02, 0.05), (x + 0.16, neck + 0.25, 0.12)], 0.07, steel),
        ball(0.1, kit.colour()).at(x + 0.16, neck + 0.3, 0.14),
        tube(
            [(-x + 0.12, neck - 0.1, 0), (-x - 0.06, neck - 0.2, 0), (-x - 0.05, neck - 0.42, 0.1)], 0.07, kit.colour()
        ),
        box(0.16, 0.16, 0.16, kit.colour()).at(-x - 0.05, neck - 0.58, 0.12),
        box(w * 0.5, h * 0.36, 0.04, kit.pattern("label", "checks")).at(w * 0.14, leg + h * 0.5, 0.2),
        *(disc(0.045, 0.05, kit.colour()).at(-w * 0.3, leg + h * f, 0.18) for f in (0.35, 0.58, 0.8)),
        box(w * 0.6, h * 0.6, 0.14, kit.pattern("stripes", "bricks", "spots")).at(w * 0.1, leg + h * 0.2, -0.24),
        kit.badge(0.12).at(-w * 0.05, leg + h * 0.55, -0.3),
        kit.badge(0.1).turn("y", -90).at(-w / 2 + 0.02, leg + h * 0.3, 0),
    ]


def _shoe(kit: Kit) -> list[Part]:
    long, tall, wide = kit.size(0.9, 1.05), kit.size(0.55, 0.75), kit.size(0.9, 1.1)
    foot = [(0.1, -0.48), (0.18, -0.35), (0.16, 0), (0.22, 0.28), (0.16, 0.46), (0.02, 0.53), (-0.12, 0.46), (-0.19, 0.22), (-0.14, -0.05), (-0.18, -0.35), (-0.1, -0.48)]  # fmt: skip
    sole = np.array(foot) * (wide, long)
    cuff = [(0.13, 0), (0.19, 0), (0.17, tall * 0.5), (0.2, tall), (0.15, tall), (0.13, 0)]
    upper, side = kit.colour(), kit.pattern("stripes", "checks", "spots", "blotches")
    return [
        slab(sole * 1.06, 0.1, kit.colour()),
        slab(sole * 1.02, 0.05, WHITE).at(y=0.09),
        ball(0.2, upper, 0).stretch(0.98 * wide, 1.25, 2.3 * long).at(0, 0.12, 0.02),
        ball(0.17, WHITE, 0).stretch(1.15 * wide, 1.1, 1.1).at(0.02, 0.125, 0.33 * long),
        lathe(cuff, side, (10, 180)).stretch(wide, 1, 1.15).at(0, 0.14, -0.26 * long),
        lathe(cuff, upper, (180, 370)).stretch(wide, 1, 1.15).at(0, 0.14, -0.26 * long),
        *(
            box(0.24, 0.035, 0.05, kit.colour()).turn("z", kit.size(-12, 12)).at(0, y, -0.045)
            for y in np.linspace(0.4, tall + 0.04, 4)
        ),
        box(0.13, 0.14, 0.05, kit.colour()).at(0, tall - 0.02, -0.49),
        box(0.1, 0.2, 0.04, kit.colour()).at(0, 0.16, -0.5 * long),
        *(box(0.05, 0.22, 0.06, kit.colour()).turn("x", 25).at(0.185 * wide, 0.12, z) for z in (0.02, 0.13, 0.24)),
        kit.badge(0.13).turn("y", -90).at(-0.17 * wide, tall * 0.65, -0.26 * long),
        ball(0.1, kit.colour()).stretch(x=0.4).at(-0.19 * wide, 0.22, 0.12),
    ]


def _teapot(kit: Kit) -> list[Part]:
    r, tall, start = kit.size(0.38, 0.46), kit.size(0.62, 0.8), kit.size(15, 60)
    bulge = kit.size(0.35, 0.6)
    t = np.linspace(0, 1, 10)
    radii = r * (0.62 + 0.38 * np.sin(np.pi * t**bulge) - 0.12 * t)
    pot = [(0.0, 0.0), *zip(radii.tolist(), (t * tall).tolist(), strict=True), (0.0, tall)]
    lid = [(0, 0), (radii[-1] * 1.05, 0), (radii[-1] * 0.9, 0.07), (0.08, 0.13), (0, 0.13)]
    return [
        lathe(pot, kit.pattern(), (start, start + 150)),
        lathe(pot, kit.colour(), (start + 150, start + 240)),
        lathe(pot, kit.colour(), (start + 240, start + 360)),
        lathe(lid, kit.colour(), (0, 200)).at(y=tall - 0.01),
        lathe(lid, kit.pattern("stripes", "checks"), (200, 360)).at(y=tall - 0.01),
        ball(0.08, kit.colour()).at(y=tall + 0.17),
        tube(
            [
                (0, tall * 0.3, r * 0.75),
                (0, tall * 0.45, r + 0.14),
                (0, tall * 0.85, r + 0.24),
                (0, tall * 0.98, r + 0.36),
            ],
            0.11,
            kit.colour(),
            end=0.05,
        ),
        tube(
            [
                (0, tall * 0.85, -r * 0.7),
                (0, tall * 0.95, -r - 0.2),
                (0, tall * 0.45, -r - 0.3),
                (0, tall * 0.2, -r * 0.8),
            ],
            0.06,
            kit.colour(),
        ),
        kit.badge(0.15).at(z=r * 0.95).turn("y", 80).at(y=tall * 0.45),
        kit.badge(0.11).at(z=r * 0.95).turn("y", -70).at(y=tall * 0.6),
        kit.badge(0.13).at(z=r * 0.95).turn("y", -125).at(y=tall * 0.4),
        kit.badge(0.1).at(z=r * 0.95).turn("y", 140).at(y=tall * 0.5),
    ]


def _train(kit: Kit) -> list[Part]:
    r, long, cab, odd = kit.size(0.22, 0.28), kit.size(0.75, 0.95), kit.size(0.42, 0.52), kit.pick(0, 1, 2, 4, 5)
    y, front, rear = 0.36 + r, long * 0.72, -long * 0.28
    boiler = [(0.0, -0.02), (r, -0.02), (r, long), (r * 0.9, long + 0.05), (0.0, long + 0.05)]
    wheels = [(x, z) for x in (0.24, -0.24) for z in (front - 0.12, front - 0.5, rear - 0.2)]
    plough = np.array([(-0.3, 0), (0.3, 0), (0, 0.34)])
    return [
        lathe(boiler, kit.pattern("stripes", "checks", "spots"), (20, 190)).turn("x", 90).at(y=y, z=rear),
        lathe(boiler, kit.colour(), (190, 380)).turn("x", 90).at(y=y, z=rear),
        box(0.44, 0.14, long + 0.5, DARK).at(0, 0.25, (front + rear - 0.38) / 2),
        *(wheel(0.2, 0.12, kit.colour() if i == odd else STEEL).at(x * 1.1, 0.2, z) for i, (x, z) in enumerate(wheels)),
        box(0.58, cab + 0.2, 0.4, kit.colour(), 0.05).at(0, 0.37, rear - 0.18),
        box(0.68, 0.07, 0.52, kit.pattern("stripes", "wood")).at(0, cab + 0.56, rear - 0.18),
        box(0.05, 0.2, 0.24, GLASS).at(0.28, 0.3 + cab, rear - 0.18),
        box(0.05, 0.36, 0.2, kit.colour()).at(-0.28, 0.42, rear - 0.22),
        kit.badge(0.12).turn("y", 90).at(0.28, 0.54, rear - 0.16),
        box(0.26, 0.18, 0.05, kit.colour()).at(0.1, 0.3 + cab, rear - 0.38),
        kit.badge(0.12).at(-0.1, 0.56, rear - 0.38),
        cylinder(0.07, 0.36, kit.colour(), top=0.11).at(0, y + r - 0.04, front - 0.14),
        ball(0.13, kit.colour(), 0).at(0, y + r - 0.05, front - 0.46),
        disc(r * 0.7, 0.03, kit.colour()).at(0, y, front + 0.04),
        disc(0.08, 0.1, LIGHT).at(r * 0.6, y + r * 0.75, front - 0.02),
        slab(plough, 0.2, kit.colour(), foot=1.15).at(0, 0.04, front + 0.02),
        tube([(-0.28, 0.2, rear - 0.2), (-0.34, 0.28, front - 0.5), (-0.34, 0.2, front - 0.12)], 0.03, kit.colour()),
        box(0.1, 0.12, long * 0.6, kit.colour()).at(r + 0.03, 0.42, front - long * 0.4),
    ]


def _watering_can(kit: Kit) -> list[Part]:
    r, h, top, split = kit.size(0.32, 0.4), kit.size(0.5, 0.65), kit.size(0.8, 0.95), kit.size(160, 220)
    can = [(0, 0), (r, 0), (r * top, h), (r * top - 0.04, h), (r - 0.06, 0.1), (0, 0.1)]
    rose = (0, h + kit.size(0.05, 0.2), r + kit.size(0.4, 0.5))
    return [
        lathe(can, kit.pattern("stripes", "checks", "spots", "blotches"), (10, split)),
        lathe(can, kit.colour(), (split, 370)),
        lathe([(0.05, 0), (r * top - 0.01, 0), (r * top - 0.01, 0.04), (0.05, 0.04)], kit.colour(), (-90, 90)).at(
            y=h - 0.06
        ),
        ring(r + 0.005, 0.03, kit.colour()).at(y=0.1),
        tube([(0, 0.14, r * 0.8), (0, 0.2, r + 0.12), rose], 0.08, kit.colour(), end=0.05),
        cylinder(0.05, 0.13, kit.colour(), top=0.15).turn("x", 55).at(rose[0], rose[1] - 0.02, rose[2] - 0.03),
        tube(
            [(0, h * 0.9, -r * top + 0.02), (0, h + 0.1, -r - 0.22), (0, h * 0.6, -r - 0.3), (0, 0.14, -r + 0.02)],
            0.05,
            kit.colour(),
        ),
        tube([(0, h - 0.03, r * 0.6), (0, h + 0.26, 0.1), (0, h - 0.03, -r * 0.7)], 0.04, kit.colour()),
        kit.badge(0.16).at(z=r * 0.95).turn("y", 85).at(y=h * 0.5),
        kit.badge(0.12).at(z=r * 0.95).turn("y", -60).at(y=h * 0.62),
        kit.badge(0.15).at(z=r * 0.95).turn("y", -115).at(y=h * 0.4),
        kit.badge(0.12).at(z=r * 0.95).turn("y", 145).at(y=h * 0.62),
        box(0.1, 0.24, 0.16, kit.wood()).at(-r - 0.01, 0.02, -0.03),
    ]


def _windmill(kit: Kit) -> list[Part]:
    r, h, vane, phase = kit.size(0.3, 0.38), kit.size(0.8, 1.0), kit.size(0.45, 0.58), kit.size(5, 40)
    tower = [(0, 0), (r, 0), (r * 0.66, h), (0, h)]
    y, z, inn, out = h + 0.04, r * 0.66 + 0.14, r * 0.92, r * 0.8
    return [
        box(r * 3, 0.08, r * 2.9, kit.pattern("spots", "blotches")),
        lathe(tower, kit.pattern("bricks"), (-70, 130)).at(y=0.06),
        lathe(tower, kit.pattern("stripes", "bricks", "checks"), (130, 290)).at(y=0.06),
        ball(r * 0.74, kit.colour(), 0).stretch(y=1.1).at(y=h + 0.05),
        disc(0.07, 0.34, DARK).at(y=y + 0.05, z=z - 0.24),
        *(
            box(0.2, vane, 0.04, kit.pattern("stripes", "checks") if i == 1 else kit.colour())
            .at(0.06, 0.1, 0)
            .turn("z", phase + 90 * i)
            .at(y=y + 0.05, z=z)
            for i in range(4)
        ),
        *(box(0.05, vane + 0.1, 0.06, DARK).turn("z", phase + 90 * i).at(y=y + 0.05, z=z) for i in range(4)),
        ball(0.08, kit.colour()).at(y=y + 0.05, z=z + 0.06),
        box(0.2, 0.32, 0.1, kit.colour()).at(-0.02, 0.06, r * 0.9),
        box(0.08, 0.16, 0.15, kit.colour()).at(inn, 0.34, 0),
        box(0.08, 0.28, 0.18, kit.colour()).at(-out, 0.52, 0),
        box(0.2, 0.2, 0.1, GLASS).at(0.03, 0.5, -out),
        kit.badge(0.12).at(z=r * 0.93).turn("y", 160).at(y=0.27),
        cylinder(0.05, 0.25, kit.wood()).at(-r * 1.25, 0.06, r * 0.8),
        ball(0.15, kit.colour()).stretch(y=1.4).at(-r * 1.25, 0.42, r * 0.8),
        box(0.2, 0.14, 0.3, kit.wood()).at(r * 1.2, 0.06, -r * 0.7),
    ]


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
