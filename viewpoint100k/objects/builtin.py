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
    left, right = kit.pattern("stripes", "checks", "spots"), kit.colour()
    parts = [lathe(hull, left, (0, 180)).turn("x", 90).at(y=y), lathe(hull, right, (180, 360)).turn("x", 90).at(y=y)]
    for side, paint in ((1, kit.colour()), (-1, kit.pattern("stripes", "checks", "blotches"))):
        parts += [
            box(span, 0.06, 0.36, paint).turn("y", side * 8).at(side * (span / 2 + r * 0.7), y - 0.06, 0.08),
            box(0.34, 0.05, 0.2, paint).at(side * 0.2, y + 0.04, -0.68),
            ball(0.1, kit.colour()).stretch(z=2.2).at(side * span * kit.size(0.5, 0.7), y - 0.1, 0.2),
            wheel(0.1, 0.08, DARK).at(side * 0.16, 0.1, 0.25),
            tube([(side * 0.16, 0.1, 0.25), (side * 0.1, y - 0.1, 0.22)], 0.025, STEEL),
        ]
    fin = np.array([(-0.16, 0), (0.18, 0), (0.02, 0.36), (-0.14, 0.36)])
    return [
        *parts,
        prism(fin, 0.06, kit.colour()).turn("y", -90).at(y=y + 0.08, z=-0.66),
        kit.badge(0.1).turn("y", 90).at(0.02, y + 0.26, -0.68),
        box(0.2, 0.05, 0.14, kit.colour()).at(span + r * 0.7 - 0.1, y - 0.03, 0.05),
        ball(r * 0.75, GLASS).stretch(y=1.1, z=1.7).at(y=y + r * 0.55, z=0.28),
        box(0.1, kit.size(0.55, 0.68), 0.03, kit.colour()).turn("z", kit.size(20, 70)).at(0, y, 0.78),
        ball(0.08, kit.colour()).at(y=y, z=0.79),
        wheel(0.07, 0.05, kit.colour()).at(0, 0.07, -0.6),
        tube([(0, 0.07, -0.6), (0, y, -0.66)], 0.02, STEEL),
    ]
