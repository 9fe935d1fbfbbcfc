"""Procedural places: a surface on which the object stands, and walls, furniture and clutter around it.

A place is determined by its seed and by the space that cameras need. It consists of a room, seen from inside,
and of boxes in it. All sides are parallel to the place's own axes, so that a ray is intersected by a few
divisions and comparisons in numpy: the background of an object is painted, not traced. No Blender here.

Lengths are in world units; `metres_per_unit` relates them to chairs and doors.
"""

from typing import NamedTuple

import numpy as np

from render_scenes import textures
from render_scenes.textures import Array, Canvas, Pyramid, Repeating, Rng

NEVER = np.float32(1e10)  # depth of a ray that meets nothing
# faces are numbered: the 6 of the room first, then 6 for each box
ROOM = 0
SKY = 255
FACES = ("left", "right", "front", "back", "bottom", "top")  # -x, +x, -y, +y, -z, +z
SHADE_PX = 96  # side of the maps that darken corners
CORNER_M = 0.35  # distance from a corner or a piece of furniture within which it is darker
DARKEST = 0.45  # share of the light where furniture meets the floor
CANVAS_PX_PER_M = 160.0
TABLE_M = 0.74  # height of a table
FAR_WALL = 1e4  # height of the box that holds the sky


class Finish(NamedTuple):
    """The appearance of a face."""

    tile: Repeating
    shade: Array  # (h, w) float32 factors over the whole face, first row at its top
    canvas: Pyramid | None = None  # painted over it: colours times alpha, and alpha


class Box(NamedTuple):
    """A box with sides along the axes of the place."""

    low: Array  # (3,)
    high: Array  # (3,)
    finishes: tuple[Finish, ...]  # one for each of its six faces


class Place(NamedTuple):
    """Everything that surrounds an object."""

    boxes: list[Box]  # the room first, which is seen from inside
    turn_rad: float  # rotation of its axes about the vertical
    ground: float  # height of the surface that the object stands on
    ground_face: int  # number of that surface's face
    wall_height: float  # above which there is sky; infinite indoors
    sky: Array | None  # (3, h, w) equirectangular, its upper half
    metres_per_unit: float

    @property
    def place_from_world(self) -> Array:
        """(3, 3) rotation from world axes to the place's axes."""
        c = np.cos(self.turn_rad)
        s = np.sin(self.turn_rad)
        return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


class Plan(NamedTuple):
    """The description of a place: fields of the supervisor's `Location`, and the object's lowest height."""

    sort: str  # table, room or yard
    seed: int
    metres_per_unit: float
    clear_radius: float
    clear_height: float
    ground: float


class _Maker(NamedTuple):
    """What the makers of all parts of a place need."""

    rng: Rng
    metres: float  # per unit
    clear: float  # radius, in metres
    ground: float  # in metres
    floor: float  # in metres: lower than the ground if that is a table

    def box(self, low: Array, high: Array, finishes: tuple[Finish, ...]) -> Box:
        """A box whose corners are given in metres, in world units."""
        return Box(np.asarray(low) / self.metres, np.asarray(high) / self.metres, finishes)


def build(plan: Plan) -> Place:
    """Build the place of a seed; it is the same on every machine."""
    rng = np.random.Generator(np.random.PCG64(plan.seed))
    metres = plan.metres_per_unit
    ground = plan.ground * metres
    floor = ground - TABLE_M if plan.sort == "table" else ground
    maker = _Maker(rng, metres, plan.clear_radius * metres, ground, floor)
    turn_rad = float(rng.uniform(0, 2 * np.pi))
    if plan.sort == "yard":
        return _yard(maker, turn_rad)
    return _room(maker, turn_rad, plan.clear_height * metres, plan.sort == "table")


# --- rooms -----------------------------------------------------------------------------------------


def _room(maker: _Maker, turn_rad: float, headroom: float, with_table: bool) -> Place:
    rng = maker.rng
    least = 1.5 if with_table else 1.9
    sides = np.array([max(rng.uniform(least, 3.6), 1.08 * maker.clear + 0.25) for _ in range(4)])
    ceiling = max(maker.floor + rng.uniform(2.4, 3.2), headroom + 0.15)
    low = np.array([-sides[0], -sides[2], maker.floor])
    high = np.array([sides[1], sides[3], ceiling])
    furniture = _furniture(maker, low, high)
    table = _table(maker) if with_table else []
    clutter = _clutter(maker, table[0]) if with_table else []
    standing = [*furniture, *table[1:]]
    room = maker.box(low, high, _walls(maker, low, high, standing))
    boxes = [room, *table, *clutter, *furniture]
    face = 6 + FACES.index("top") if with_table else FACES.index("bottom")
    return Place(boxes, turn_rad, maker.ground / maker.metres, face, np.inf, None, maker.metres)


def _walls(maker: _Maker, low: Array, high: Array, standing: list[Box]) -> tuple[Finish, ...]:
    """The six faces of a room: walls with windows, doors and pictures; floor and ceiling."""
    rng = maker.rng
    wall = _pick(rng, textures.INDOOR_WALLS)
    accent = _pick(rng, textures.INDOOR_WALLS) if rng.random() < 0.3 else wall
    skirting = textures.muted(rng, 0.3, 0.95, 0.04)
    window_wall = int(rng.integers(4))
    door_wall = int(rng.integers(4))
    height = float(high[2] - low[2])
    out = []
    for number in range(4):
        width = float((high - low)[1 if number < 2 else 0])
        canvas = Canvas(width, height, CANVAS_PX_PER_M)
        if number == window_wall:
            _windows(canvas, rng, width, height)
        else:
            _hangings(canvas, rng, width, height, number == door_wall)
        canvas.paint(0, 0, width, rng.uniform(0.06, 0.13), skirting)
        # the wall with the window is darkest, the opposite one brightest
        facing = number // 2 == window_wall // 2
        light = 0.95
        if number == window_wall:
            light = 0.84
        elif facing:
            light = 1.04
        shade = _corners(width, height, light, floor=True)
        tile = accent if number == window_wall else wall
        out.append(Finish(tile, shade, textures.pyramid(canvas.pixels)))
    floor = _pick(rng, textures.INDOOR_FLOORS)
    out.append(Finish(floor, _floor_shade(maker, low, high, standing)))
    size = (float(high[0] - low[0]), float(high[1] - low[1]))
    lamps = Canvas(*size, 60.0)
    for _ in range(int(rng.integers(1, 4))):
        x, y = (rng.uniform(0.2, 0.8) * side for side in size)
        half = rng.uniform(0.15, 0.4)
        lamps.paint(x - half, y - half * rng.uniform(0.3, 1), x + half, y + half, np.full(3, 2.2))
    white = Repeating(textures.pyramid(np.full((8, 8, 3), rng.uniform(0.82, 0.95))), 1.0)
    out.append(Finish(white, _corners(*size, 0.95, floor=True), textures.pyramid(lamps.pixels)))
    return tuple(out)


def _windows(canvas: Canvas, rng: Rng, width: float, height: float) -> None:
    count = max(1, int(width / rng.uniform(1.6, 3.0)))
    sill = rng.uniform(0.1, 1.0)
    top = min(height - 0.2, rng.uniform(2.0, 2.4))
    wide = min(rng.uniform(0.8, 1.6), 0.85 * width / count)
    for i in range(count):
        middle = (i + 0.5) * width / count
        textures.window(canvas, rng, (middle - wide / 2, sill, middle + wide / 2, top), rng.uniform(1.1, 1.5))


def _hangings(canvas: Canvas, rng: Rng, width: float, height: float, with_door: bool) -> None:
    """Pictures on a wall, and maybe a door."""
    left = 0.2
    if with_door and width > 1.6:
        left = rng.uniform(0.3, max(0.4, width - 1.3))
        textures.door(canvas, rng, left, rng.uniform(0.75, 0.95), min(2.05, height - 0.15))
        left += 1.15
    while left < width - 0.5:
        wide = rng.uniform(0.3, 1.1)
        high = rng.uniform(0.3, 0.9)
        if rng.random() < 0.7 and left + wide < width - 0.1:
            bottom = rng.uniform(1.2, 1.6)
            textures.painting(canvas, rng, (left, bottom, left + wide, min(bottom + high, height - 0.1)))
        left += wide + rng.uniform(0.2, 1.0)


def _furniture(maker: _Maker, low: Array, high: Array) -> list[Box]:
    """Furniture along the walls, outside the circle that cameras need."""
    rng = maker.rng
    tiles = [_pick(rng, textures.FURNITURE) for _ in range(2)]
    out: list[Box] = []
    for _ in range(int(rng.integers(5, 12))):
        kind = str(rng.choice(["shelf", "cupboard", "sofa", "chest", "pillar", "plinth"]))
        width, depth, height = _size_of(rng, kind)
        wall = int(rng.integers(4))
        axis, other = (0, 1) if wall < 2 else (1, 0)
        along = rng.uniform(low[other], max(high[other] - width, low[other] + 0.01))
        gap = 0.0 if kind in {"shelf", "cupboard"} else rng.uniform(0.0, 0.25)
        near = high[axis] - gap - depth if wall % 2 else low[axis] + gap
        corner = np.zeros(3)
        far = np.zeros(3)
        corner[axis] = near
        far[axis] = near + depth
        corner[other], far[other] = along, min(along + width, high[other])
        corner[2] = maker.floor
        far[2] = min(maker.floor + height, high[2] - 0.05)
        if _clear_of(corner, far, maker.clear + 0.05) and not _touches(corner, far, out, maker.metres):
            out += _piece(maker, kind, tiles[int(rng.integers(2))], corner, far)
    return out


def _size_of(rng: Rng, kind: str) -> tuple[float, float, float]:
    """Width along the wall, depth, height in metres."""
    if kind == "shelf":
        return rng.uniform(0.6, 1.8), rng.uniform(0.25, 0.4), rng.uniform(0.8, 2.1)
    if kind == "cupboard":
        return rng.uniform(0.6, 2.2), rng.uniform(0.4, 0.6), rng.uniform(0.7, 2.0)
    if kind == "sofa":
        return rng.uniform(1.0, 2.2), rng.uniform(0.7, 0.95), rng.uniform(0.7, 0.9)
    if kind == "pillar":
        return rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.4), 9.0
    if kind == "plinth":
        return rng.uniform(0.25, 0.5), rng.uniform(0.25, 0.5), rng.uniform(0.5, 1.1)
    return rng.uniform(0.4, 1.0), rng.uniform(0.35, 0.6), rng.uniform(0.35, 0.6)


def _piece(maker: _Maker, kind: str, tile: Repeating, low: Array, high: Array) -> list[Box]:
    rng = maker.rng
    if kind == "sofa":
        cloth = textures.fabric(rng)
        seat_top = low[2] + 0.45
        thick = 0.22
        seat = maker.box(low, np.array([high[0], high[1], seat_top]), _plain_faces(cloth, low, high))
        deep = 0 if high[0] - low[0] < high[1] - low[1] else 1
        back_low = low.copy()
        back_high = high.copy()
        if low[deep] + high[deep] > 0:
            back_low[deep] = high[deep] - thick
        else:
            back_high[deep] = low[deep] + thick
        return [seat, maker.box(back_low, back_high, _plain_faces(cloth, back_low, back_high))]
    faces = list(_plain_faces(tile, low, high))
    if kind in {"shelf", "cupboard"}:
        draw = textures.shelves if kind == "shelf" else textures.drawers
        sizes = high - low
        for number in range(4):
            width = float(sizes[1 if number < 2 else 0])
            height = float(sizes[2])
            if width >= 0.55:
                canvas = Canvas(width, height, CANVAS_PX_PER_M)
                draw(canvas, rng, width, height)
                faces[number] = faces[number]._replace(canvas=textures.pyramid(canvas.pixels))
    return [maker.box(low, high, tuple(faces))]


def _plain_faces(tile: Repeating, low: Array, high: Array) -> tuple[Finish, ...]:
    """One tile on all faces, each with the brightness of its direction and darker towards the floor."""
    down = np.linspace(1, 0.72, 16, dtype=np.float32)[:, None]
    even = np.ones((2, 2), dtype=np.float32)
    sides = [Finish(tile, down * np.float32(light)) for light in (0.82, 0.95, 0.78, 1.0)]
    return (*sides, Finish(tile, 0.4 * even), Finish(tile, 1.06 * even))


# --- tables ------------------------------------------------------------------------------------------


def _table(maker: _Maker) -> list[Box]:
    """The top, on which the object stands, and four legs."""
    rng = maker.rng
    least = 0.8 * maker.metres
    half = np.array([max(rng.uniform(0.45, 0.95), least), max(rng.uniform(0.32, 0.5), least)])
    aside = np.array([rng.uniform(-0.4, 0.4) * (side - least) for side in half])
    tile = _pick(rng, textures.TABLE_TOPS)
    thick = rng.uniform(0.02, 0.05)
    low = np.array([*(aside - half), maker.ground - thick])
    high = np.array([*(aside + half), maker.ground])
    faces = list(_plain_faces(tile, low, high))
    faces[FACES.index("top")] = Finish(tile, _tops(1.0))
    out = [maker.box(low, high, tuple(faces))]
    leg = rng.uniform(0.03, 0.07)
    for x in (low[0] + 0.04, high[0] - 0.04 - leg):
        for y in (low[1] + 0.04, high[1] - 0.04 - leg):
            corner = np.array([x, y, maker.floor])
            far = np.array([x + leg, y + leg, low[2]])
            out.append(maker.box(corner, far, _plain_faces(tile, corner, far)))
    return out


def _tops(light: float) -> Array:
    """A surface that is a little brighter on one side."""
    return np.linspace(0.94, 1.04, 8, dtype=np.float32)[None, :] * np.full((8, 1), light, np.float32)


def _clutter(maker: _Maker, top: Box) -> list[Box]:
    """Books, boxes and the like that lie on a table, outside the circle that cameras need."""
    rng = maker.rng
    low = top.low * maker.metres
    high = top.high * maker.metres
    tiles = [_pick(rng, textures.FURNITURE) for _ in range(3)]
    out: list[Box] = []
    for _ in range(int(rng.integers(2, 9))):
        size = np.array([rng.uniform(0.05, 0.3), rng.uniform(0.05, 0.25), rng.uniform(0.01, 0.2)])
        spot = rng.uniform(low[:2], np.maximum(high[:2] - size[:2], low[:2] + 0.01))
        corner = np.array([*spot, maker.ground])
        far = np.minimum(corner + size, [high[0], high[1], np.inf])
        if _clear_of(corner, far, maker.clear + 0.01) and not _touches(corner, far, out, maker.metres):
            tile = tiles[int(rng.integers(3))]
            out.append(maker.box(corner, far, _plain_faces(tile, corner, far)))
    return out


# --- outdoors ----------------------------------------------------------------------------------------


def _yard(maker: _Maker, turn_rad: float) -> Place:
    rng = maker.rng
    sides = np.array([1.1 * maker.clear + 0.5 + rng.uniform(0.5, 8) for _ in range(4)])
    height = float(rng.uniform(0.18, 0.5) * sides.min() + rng.uniform(1.0, 2.5))
    low = np.array([-sides[0], -sides[2], maker.floor])
    high = np.array([sides[1], sides[3], maker.floor + FAR_WALL * maker.metres])
    things = _outdoor_things(maker, low, high, height)
    walls = rng.integers(len(textures.OUTDOOR_WALLS), size=2)
    tiles = [textures.OUTDOOR_WALLS[int(wall)](rng) for wall in walls]
    faces = []
    for number in range(4):
        width = float((high - low)[1 if number < 2 else 0])
        which = int(rng.random() < 0.4)
        built = textures.OUTDOOR_WALLS[int(walls[which])] in {textures.plaster, textures.bricks}
        light = np.full((2, 2), rng.uniform(0.72, 1.05), np.float32)
        canvas = _facade(rng, width, height) if built else None
        faces.append(Finish(tiles[which], light, canvas))
    ground = _pick(rng, textures.OUTDOOR_FLOORS)
    flat = np.array([high[0], high[1], maker.floor + height])
    faces.append(Finish(ground, _floor_shade(maker, low, flat, things)))
    faces.append(faces[-1])  # never visible, because the sky takes its place
    room = maker.box(low, high, tuple(faces))
    top = (maker.floor + height) / maker.metres
    bottom = FACES.index("bottom")
    return Place([room, *things], turn_rad, maker.ground / maker.metres, bottom, top, _sky(rng), maker.metres)


def _facade(rng: Rng, width: float, height: float) -> Pyramid:
    """Windows and doors of a wall; its box reaches far into the sky, so only the lowest part is painted."""
    canvas = Canvas(width, height, CANVAS_PX_PER_M)
    if height > 2.4 and rng.random() < 0.75:
        x = rng.uniform(0.5, 2.5)
        while x < width - 1.6:
            if rng.random() < 0.25:
                textures.door(canvas, rng, x, rng.uniform(0.9, 1.4), min(2.1, height - 0.2))
            else:
                for storey in range(max(1, int(height / 2.9))):
                    bottom = 0.9 + 2.8 * storey
                    box = (x, bottom, x + 1.0, min(bottom + rng.uniform(1.0, 1.4), height - 0.2))
                    textures.window(canvas, rng, box, rng.uniform(0.25, 0.6))
            x += rng.uniform(1.6, 3.2)
    rim = textures.muted(rng, 0.3, 0.8, 0.04)
    canvas.paint(0, 0, width, rng.uniform(0.05, 0.5), rim * 0.8)
    canvas.paint(0, height - rng.uniform(0.05, 0.2), width, height, rim)
    return textures.pyramid(canvas.pixels)


def _outdoor_things(maker: _Maker, low: Array, high: Array, wall_height: float) -> list[Box]:
    """Benches, planters, crates and houses."""
    rng = maker.rng
    out: list[Box] = []
    kinds = [_pick(rng, textures.OUTDOOR_WALLS), _pick(rng, textures.OUTDOOR_WALLS), textures.wood(rng)]
    for _ in range(int(rng.integers(4, 14))):
        large = rng.random() < 0.5
        size = wall_height * rng.uniform(0.3, 1.1, 3) if large else rng.uniform(0.4, 1.8, 3)
        if not large:
            size[2] = rng.uniform(0.3, 1.1)
        spot = rng.uniform(low[:2], np.maximum(high[:2] - size[:2], low[:2] + 0.01))
        corner = np.array([*spot, maker.floor])
        far = np.minimum(corner + size, [high[0], high[1], maker.floor + wall_height + 3.0])
        if not _clear_of(corner, far, maker.clear + 0.3) or _touches(corner, far, out, maker.metres):
            continue
        tile = kinds[int(rng.integers(2 if large else 3))]
        out.append(maker.box(corner, far, _plain_faces(tile, corner, far)))
    return out


def _sky(rng: Rng) -> Array:
    """(3, 128, 512): the upper half of the sphere, from the zenith to the horizon, with clouds."""
    high = np.array([0.36, 0.56, 0.86]) + rng.uniform(-0.06, 0.06, 3)
    low = np.array([0.82, 0.88, 0.95]) + rng.uniform(-0.08, 0.03)
    rows = np.linspace(0, 1, 128, dtype=np.float32)[:, None]
    clear = textures.between(high, low, np.broadcast_to(rows**2, (128, 512)))
    clouds = textures.noise(rng, 512, 1.7, (0.6, 1.6))[:128] * rng.uniform(0.2, 0.6) + rng.uniform(-0.5, 0.6)
    sky = textures.between(clear, np.full(3, rng.uniform(0.8, 1.0)), clouds)
    return np.ascontiguousarray(sky.transpose(2, 0, 1))


# --- light and shade --------------------------------------------------------------------------------


def _pick(rng: Rng, makers: tuple) -> Repeating:
    made: Repeating = makers[int(rng.integers(len(makers)))](rng)
    return made


def _clear_of(low: Array, high: Array, radius: float) -> bool:
    """Whether a box stays outside a circle about the vertical axis."""
    nearest = np.clip(0, low[:2], high[:2])
    return bool(np.hypot(*nearest) > radius)


def _touches(low: Array, high: Array, others: list[Box], metres: float) -> bool:
    margin = 0.03
    return any(
        (low[:2] - margin < other.high[:2] * metres).all()
        and (high[:2] + margin > other.low[:2] * metres).all()
        for other in others
    )


def _corners(width: float, height: float, light: float, *, floor: bool) -> Array:
    """(SHADE_PX, SHADE_PX) light on a face that is darker towards its edges."""
    across = np.linspace(0, width, SHADE_PX, dtype=np.float32)
    up = np.linspace(height, 0, SHADE_PX, dtype=np.float32)
    dark = (np.exp(-across / CORNER_M) + np.exp(-(width - across) / CORNER_M))[None, :]
    dark = dark + np.exp(-(height - up) / CORNER_M)[:, None]
    if floor:
        dark = dark + np.exp(-up / CORNER_M)[:, None]
    return np.asarray(light * (1 - 0.16 * dark), dtype=np.float32)


def _floor_shade(maker: _Maker, low: Array, high: Array, standing: list[Box]) -> Array:
    """(SHADE_PX, SHADE_PX) light on a floor: darker along the walls, and where furniture stands on it."""
    x = np.linspace(low[0], high[0], SHADE_PX, dtype=np.float32)[None, :]
    y = np.linspace(high[1], low[1], SHADE_PX, dtype=np.float32)[:, None]
    light = 1 - 0.18 * sum(
        np.exp(-edge / CORNER_M) for edge in (x - low[0], high[0] - x, y - low[1], high[1] - y)
    )
    uneven = textures.noise(maker.rng, 128, 1.5)[:SHADE_PX, :SHADE_PX]
    light = light * np.linspace(0.93, 1.05, SHADE_PX, dtype=np.float32)[None, :] * (1 + 0.035 * uneven)
    for box in standing:
        near = box.low[:2] * maker.metres
        far = box.high[:2] * maker.metres
        away = np.hypot(
            np.maximum(np.maximum(near[0] - x, x - far[0]), 0),
            np.maximum(np.maximum(near[1] - y, y - far[1]), 0),
        )
        light = light * (1 - (1 - DARKEST) * np.exp(-away / 0.12))
    return np.asarray(light, dtype=np.float32)
