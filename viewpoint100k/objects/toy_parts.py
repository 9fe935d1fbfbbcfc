"""Paint, shapes and the GLB file: what the toys of `builtin` are made of.

Only numpy is used, down to the PNG and the GLB, so that the bytes do not change with the version of an image
or mesh library, and small parts come with rounded edges, texture coordinates and exact normals. Toys stand on
y = 0 with y up and their front along +z (glTF). Azimuth 0 is the front, 90 the toy's left (+x).
"""

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Rgb = tuple[float, float, float]

_CREASE_COS = 0.75  # faces that meet at more than about 41 degrees keep a hard edge
_TEXTURE_PX = 128


# --- paint ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paint:
    rgb: Rgb  # sRGB in [0, 1]; not used where there is a texture
    roughness: float = 0.6
    metallic: float = 0.0
    png: bytes = b""  # the texture; repeats once per unit of length


def _stripes(x: Array, y: Array, rng: np.random.Generator) -> Array:
    slope = rng.integers(-1, 2, size=2) if rng.random() < 0.5 else (0, 1)
    edges = np.sort(rng.uniform(0, 1, 2 * int(rng.integers(4, 7))))
    levels = 0.75 * (np.arange(len(edges)) % 2) + rng.uniform(0, 0.25, len(edges))
    shade: Array = levels[np.searchsorted(edges, (slope[0] * x + (slope[1] or 1) * y) % 1) % len(edges)]
    return shade


def _checks(x: Array, y: Array, rng: np.random.Generator) -> Array:
    n = 2 * int(rng.integers(3, 6))
    i = (n * x).astype(int)
    j = (n * y).astype(int)
    shade: Array = 0.7 * ((i + j) % 2) + 0.3 * rng.uniform(size=(n, n))[i, j]
    return shade


def _spots(x: Array, y: Array, rng: np.random.Generator) -> Array:
    field = np.zeros_like(x)
    for _ in range(rng.integers(12, 22)):
        cx, cy, radius, level = rng.uniform((0, 0, 0.04, 0.6), (1, 1, 0.13, 1))
        dx = (x - cx + 0.5) % 1 - 0.5
        dy = (y - cy + 0.5) % 1 - 0.5
        field[dx**2 + dy**2 < radius**2] = level
    return field


def _bricks(x: Array, y: Array, rng: np.random.Generator) -> Array:
    rows = 8
    columns = 4
    row = (rows * y).astype(int)
    along = (columns * x + 0.5 * (row % 2)) % columns
    tint = 0.45 * rng.uniform(size=(rows, columns))[row, along.astype(int)]
    return np.where((along % 1 < 0.06) | ((rows * y) % 1 < 0.12), 1.0, tint)


def _wood(x: Array, y: Array, rng: np.random.Generator) -> Array:
    planks = 5
    plank = (planks * y).astype(int)
    grain = np.sin(2 * np.pi * (9 * y + 0.4 * np.sin(2 * np.pi * (x + rng.uniform(size=planks)[plank]))))
    seam = (planks * y) % 1 < 0.07
    return np.where(seam, 1.0, 0.5 * rng.uniform(size=planks)[plank] + 0.15 * (1 + grain))


def _blotches(x: Array, y: Array, rng: np.random.Generator) -> Array:
    field = np.zeros_like(x)
    for _ in range(12):
        i, j = rng.integers(-5, 6, size=2)
        field += np.sin(2 * np.pi * (i * x + j * y + rng.uniform())) / (1 + np.hypot(i, j))
    shade: Array = np.round(3 * (field - np.min(field)) / np.ptp(field)) / 3
    return shade


def _label(x: Array, y: Array, rng: np.random.Generator) -> Array:
    cells = rng.choice([0.0, 0.35, 1.0], size=(9, 9), p=[0.5, 0.2, 0.3])
    cells[[0, -1]] = 0.7
    cells[:, [0, -1]] = 0.7
    cells[[1, -2], 1:-1] = 0.0
    cells[1:-1, [1, -2]] = 0.0
    shade: Array = cells[(9 * x).astype(int), (9 * y).astype(int)]
    return shade


PATTERNS: dict[str, Callable[[Array, Array, np.random.Generator], Array]] = {
    "stripes": _stripes,
    "checks": _checks,
    "spots": _spots,
    "bricks": _bricks,
    "wood": _wood,
    "blotches": _blotches,
    "label": _label,
}


def texture(name: str, low: Rgb, high: Rgb, roughness: float, rng: np.random.Generator) -> Paint:
    """Paint with a seamless picture of a pattern, in shades between two sRGB colours."""
    x, y = np.meshgrid(*2 * [(np.arange(_TEXTURE_PX) + 0.5) / _TEXTURE_PX])
    shade = np.round(31 * np.clip(PATTERNS[name](x, y, rng), 0, 1)).astype(np.uint8)
    ramp = low + np.linspace(0, 1, 32)[:, None] * np.subtract(high, low)
    return Paint(low, roughness, png=_png(shade, np.round(255 * ramp).clip(0, 255).astype(np.uint8)))


def _png(index: np.ndarray[Any, np.dtype[np.uint8]], palette: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """A small image (less than 64 KiB) with a palette.

    Stored, not compressed, as zlibs differ in what they write.
    """
    height, width = index.shape
    raw = b"".join(b"\0" + row.tobytes() for row in index)
    stored = (
        b"\x78\x01\x01"
        + struct.pack("<HH", len(raw), len(raw) ^ 0xFFFF)
        + raw
        + struct.pack(">I", zlib.adler32(raw))
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", stored), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(c)) + tag + c + struct.pack(">I", zlib.crc32(tag + c)) for tag, c in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


# --- parts ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A painted surface.

    Its methods return a changed copy; azimuth 0 is the front, 90 the toy's left (+x).
    """

    paint: Paint
    points: Array  # (n, 3)
    normals: Array  # (n, 3), unit, outward
    uvs: Array  # (n, 2), in lengths
    faces: np.ndarray[Any, np.dtype[np.int64]]  # (m, 3), counter-clockwise from outside

    def at(self, x: float = 0, y: float = 0, z: float = 0) -> "Part":
        return replace(self, points=self.points + (x, y, z))

    def turn(self, axis: str, angle_deg: float) -> "Part":
        """About a coordinate axis: x takes y to z, y takes z to x, z takes x to y."""
        i = "xyz".index(axis)
        j = (i + 1) % 3
        k = (i + 2) % 3
        cos = np.cos(np.radians(angle_deg))
        sin = np.sin(np.radians(angle_deg))
        turn = np.eye(3)
        turn[[j, k, j, k], [j, k, k, j]] = cos, cos, -sin, sin
        return replace(self, points=self.points @ turn.T, normals=self.normals @ turn.T)

    def around(self, azimuth_deg: float, reach: float, y: float) -> "Part":
        """Out to `reach` from the axis, at height y, with what was its front looking outward."""
        return self.at(z=reach).turn("y", azimuth_deg).at(y=y)

    def stretch(self, x: float = 1, y: float = 1, z: float = 1) -> "Part":
        normals = self.normals / (x, y, z)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return replace(self, points=self.points * (x, y, z), normals=normals)

    def fit(self) -> "Part":
        """With the texture shown once instead of once per unit."""
        low = self.uvs.min(0)
        high = self.uvs.max(0)
        return replace(self, uvs=(self.uvs - low) / (high - low))


def _part(paint: Paint, points: Array, normals: Array, uvs: Array) -> Part:
    """From (strips, rows, columns, ...) grids of vertices; each strip is a surface of its own."""
    strips, rows, columns = points.shape[:3]
    index = np.arange(strips * rows * columns).reshape(strips, rows, columns)
    a = index[:, :-1, :-1]
    b = index[:, :-1, 1:]
    c = index[:, 1:, 1:]
    d = index[:, 1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    points = points.reshape(-1, 3)
    normals = normals.reshape(-1, 3)
    uvs = uvs.reshape(-1, 2)
    corners = points[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ij,ij->i", across, normals[faces].mean(1)) < 0
    faces[inward] = faces[inward][:, ::-1]
    return Part(paint, points, normals, uvs, faces[np.linalg.norm(across, axis=1) > 1e-9])


def _soften(normals: Array, closed: bool) -> Array:
    """(edges, d) normals of a polyline's edges to (edges, 2, d) at their ends, averaged at slight bends."""
    before = np.roll(normals, 1, 0)
    after = np.roll(normals, -1, 0)
    if not closed:
        before[0] = normals[0]
        after[-1] = normals[-1]
    ends = []
    for neighbour in (before, after):
        smooth = np.einsum("ij,ij->i", normals, neighbour) > _CREASE_COS
        both = np.where(smooth[:, None], normals + neighbour, normals)
        ends.append(both / np.linalg.norm(both, axis=1, keepdims=True))
    return np.stack(ends, axis=1)


def box(width: float, height: float, depth: float, paint: Paint, bevel: float = 0.12) -> Part:
    """Stands on y = 0. `bevel` is the radius of the rounded edges over the smallest side."""
    half = np.array([width, height, depth]) / 2
    radius = bevel * 2 * np.min(half)
    sides = []
    for axis in range(3):
        for sign in (-1, 1):
            i, j = [k for k in (0, 2, 1) if k != axis]  # v runs along y where it can
            grid = np.empty((4, 4, 3))
            grid[..., axis] = sign * half[axis]
            grid[..., i] = [[-half[i], radius - half[i], half[i] - radius, half[i]]]
            grid[..., j] = [[-half[j]], [radius - half[j]], [half[j] - radius], [half[j]]]
            sides.append(np.concatenate([grid, grid[..., [i, j]] * (1, -1)], axis=-1))
    grids = np.stack(sides)
    core = np.clip(grids[..., :3], radius - half, half - radius)
    normals = grids[..., :3] - core
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return _part(paint, core + radius * normals, normals, grids[..., 3:]).at(y=half[1])


def lathe(profile: Sequence[tuple[float, float]], paint: Paint, arc: tuple[float, float] = (0, 360)) -> Part:
    """Turns (radius, y) points about the y axis, from azimuth to azimuth.

    Outside is to the right of the profile.
    """
    line = np.array(profile, dtype=float)
    step = np.diff(line, axis=0)
    lengths = np.linalg.norm(step, axis=1)
    normals = _soften(np.stack([step[:, 1], -step[:, 0]], 1) / lengths[:, None], closed=False)
    widest = line[:, 0].max()
    columns = max(4, round((14 + 44 * min(widest, 0.5)) * (arc[1] - arc[0]) / 360)) + 1
    angle = np.radians(np.linspace(*arc, columns))
    around = np.stack([np.sin(angle), np.zeros(columns), np.cos(angle)], 1)
    rows = np.stack([line[:-1], line[1:]], 1)  # (edges, 2, 2): each edge its own strip
    rise = np.concatenate([[0.0], np.cumsum(lengths)])
    up = np.array([0.0, 1.0, 0.0])
    points, normals = (g[..., :1, None] * around + g[..., 1:, None] * up for g in (rows, normals))
    u = angle / (2 * np.pi) * max(1, round(2 * np.pi * widest))  # whole repeats, so that there is no seam
    v = -np.stack([rise[:-1], rise[1:]], 1)
    uvs = np.stack(np.broadcast_arrays(u, v[..., None]), -1)
    return _part(paint, points, normals, uvs)


def cylinder(radius: float, height: float, paint: Paint, top: float | None = None) -> Part:
    """Stands on y = 0; `top` is the radius up there, if it differs."""
    return lathe([(0, 0), (radius, 0), (radius if top is None else top, height), (0, height)], paint)


def disc(radius: float, depth: float, paint: Paint) -> Part:
    """A cylinder that looks along +z, from z = 0 to z = depth."""
    return cylinder(radius, depth, paint).turn("x", 90)


def ball(radius: float, paint: Paint, lowest_deg: float = -90) -> Part:
    """Centred; cut off flat below the latitude `lowest_deg`."""
    latitude = np.radians(np.linspace(lowest_deg, 90, 7 + round(16 * min(radius, 0.5))))
    profile = [(radius * float(np.cos(t)), radius * float(np.sin(t))) for t in latitude]
    floor = [] if lowest_deg == -90 else [(0.0, profile[0][1])]
    return lathe(floor + profile, paint)


def tube(
    path: Sequence[tuple[float, float, float]], radius: float, paint: Paint, end: float | None = None
) -> Part:
    """A round bar along a smooth curve through the points; `end` is its last radius, if it differs."""
    knots = np.array(path, dtype=float)
    knots = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
    t = np.linspace(0, 1, 7)[:, None]
    curve = []
    for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):  # Catmull-Rom
        bend = (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
        curve.append(b + 0.5 * ((c - a) * t + bend))
    line = np.concatenate([curve[0], *(piece[1:] for piece in curve[1:])])
    ahead = np.gradient(line, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.cross(ahead[0], np.eye(3)[np.abs(ahead[0]).argmin()])
    sides = []
    for direction in ahead:  # carried along, so that the bar does not twist
        side = side - direction * (side @ direction)
        side = side / np.linalg.norm(side)
        sides.append(side)
    angle = np.linspace(0, 2 * np.pi, 13)[:, None]
    round_ = np.cos(angle) * np.array(sides)[:, None] + np.sin(angle) * np.cross(ahead, sides)[:, None]
    radii = np.linspace(radius, radius if end is None else end, len(line))[:, None, None]
    rise = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    points = line[:, None] + radii * round_
    uvs = np.stack(np.broadcast_arrays(angle[:, 0] / (2 * np.pi), -rise[:, None]), -1)
    bar = _part(paint, points[None], round_[None], uvs[None])
    caps = []
    for i, outward in ((0, -ahead[0]), (-1, ahead[-1])):
        fan = np.stack([np.broadcast_to(line[i], points[i].shape), points[i]])[None]
        caps.append(_part(paint, fan, np.broadcast_to(outward, fan.shape), uvs[None, :2]))
    return join(bar, *caps)


def prism(outline: Array, depth: float, paint: Paint, taper: float = 1) -> Part:
    """An outline in x, y (counter-clockwise, all seen from the origin) from -depth/2 to depth/2 along z.

    `taper` scales the front end.
    """
    flat = np.concatenate([outline, np.zeros((len(outline), 1))], 1)
    back = flat - (0, 0, depth / 2)
    front = flat * taper + (0, 0, depth / 2)
    ring = np.stack(
        [np.stack([end, np.roll(end, -1, 0)], 1) for end in (back, front)], 1
    )  # (edges, 2 ends, 2, 3)
    across = np.cross(ring[:, 0, 1] - ring[:, 0, 0], ring[:, 1, 0] - ring[:, 0, 0])
    soft = _soften(across / np.linalg.norm(across, axis=1, keepdims=True), closed=True)
    rise = np.concatenate([[0.0], np.cumsum(np.linalg.norm(ring[:, 0, 1] - ring[:, 0, 0], axis=1))])
    u = np.stack([rise[:-1], rise[1:]], 1)[:, None]
    uvs = np.stack(np.broadcast_arrays(u, ring[..., 2]), -1)
    walls = _part(paint, ring, np.stack([soft, soft], 1), uvs)
    caps = []
    for end, z in ((back, -1.0), (front, 1.0)):
        loop = np.concatenate([end, end[:1]])
        fan = np.stack([np.broadcast_to((0, 0, z * depth / 2), loop.shape), loop])[None]
        caps.append(_part(paint, fan, np.broadcast_to((0, 0, z), fan.shape), fan[..., :2] * (1, -1)))
    return join(walls, *caps)


def star(corners: int, radius: float, inner: float) -> Array:
    """An outline with `corners` tips; inner = 1 makes a polygon of twice as many corners."""
    angle = np.arange(2 * corners) * np.pi / corners + np.pi / 2
    reach = radius * np.where(np.arange(2 * corners) % 2, inner, 1.0)
    return np.stack([reach * np.cos(angle), reach * np.sin(angle)], 1)


def slab(outline: Array, height: float, paint: Paint, foot: float = 1) -> Part:
    """An outline in x, z as a block that stands on y = 0; `foot` scales it down there."""
    return prism(outline, height, paint, taper=foot).turn("x", 90).at(y=height / 2)


def wheel(radius: float, width: float, paint: Paint) -> Part:
    """Centred, rolls along z, with a hub on both sides."""
    half = [
        (1, 0.3),
        (0.85, 0.5),
        (0.75, 0.35),
        (0.4, 0.35),
        (0.3, 0.62),
        (0, 0.62),
    ]  # from the tread to the axle
    profile = [(r, -y) for r, y in reversed(half)] + half
    return lathe([(radius * r, width * y) for r, y in profile], paint).turn("z", 90)


def ring(radius: float, thickness: float, paint: Paint) -> Part:
    """A torus about the y axis, centred."""
    angle = np.radians(np.linspace(180, 540, 13))  # the seam lies inside
    return lathe(
        [(radius + thickness * float(np.cos(t)), thickness * float(np.sin(t))) for t in angle], paint
    )


def join(*parts: Part) -> Part:
    """One part of several of the same paint."""
    offsets = np.cumsum([0, *(len(part.points) for part in parts)])
    return Part(
        parts[0].paint,
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.uvs for part in parts]),
        np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=False)]),
    )


# --- the file -------------------------------------------------------------------------------------


class _Gltf:
    """A glTF file that grows: one node with one mesh, and one buffer."""

    def __init__(self, name: str) -> None:
        self.blob = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.primitives: list[dict[str, Any]] = []
        self.materials: list[dict[str, Any]] = []
        self.file: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "viewpoint100k"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"name": name, "mesh": 0}],
            "meshes": [{"name": name, "primitives": self.primitives}],
            "materials": self.materials,
            "bufferViews": self.views,
            "accessors": self.accessors,
        }

    def add_view(self, data: bytes, **target: int) -> int:
        """Bytes of the buffer; returns their number."""
        self.views.append({"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data), **target})
        self.blob.extend(data + b"\0" * (-len(data) % 4))
        return len(self.views) - 1

    def add_floats(self, values: Array, kind: str, **bounds: list[float]) -> int:
        """An accessor of (n, k) numbers, one row for each vertex."""
        view = self.add_view(values.astype("<f4").tobytes(), target=34962)
        self.accessors.append(
            {"bufferView": view, "componentType": 5126, "count": len(values), "type": kind, **bounds}
        )
        return len(self.accessors) - 1

    def add_indices(self, faces: np.ndarray[Any, np.dtype[np.int64]]) -> int:
        """An accessor of the corners of (n, 3) triangles."""
        view = self.add_view(faces.astype("<u4").tobytes(), target=34963)
        self.accessors.append(
            {"bufferView": view, "componentType": 5125, "count": faces.size, "type": "SCALAR"}
        )
        return len(self.accessors) - 1

    def add_texture(self, png: bytes) -> int:
        images = self.file.setdefault("images", [])
        images.append({"bufferView": self.add_view(png), "mimeType": "image/png"})
        self.file.setdefault("textures", []).append({"source": len(images) - 1})
        return len(images) - 1

    def packed(self) -> bytes:
        """The file as GLB: a header, then a chunk of JSON, then the buffer."""
        self.file["buffers"] = [{"byteLength": len(self.blob)}]
        text = json.dumps(self.file, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = (
            struct.pack("<I4s", len(text), b"JSON")
            + text
            + struct.pack("<I4s", len(self.blob), b"BIN\0")
            + bytes(self.blob)
        )
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def write_glb(name: str, parts: Sequence[Part]) -> bytes:
    """One node with one mesh, one primitive for each paint; stood on y = 0 and centred over the origin."""
    corners = np.concatenate([part.points for part in parts])
    low = corners.min(0)
    high = corners.max(0)
    centre = (low + high) / 2
    gltf = _Gltf(name)
    for paint in dict.fromkeys(part.paint for part in parts):
        mesh = join(*(part for part in parts if part.paint == paint))
        points = np.round(mesh.points - (centre[0], low[1], centre[2]), 5) + 0.0  # + 0.0: no minus zeros
        _add_primitive(gltf, mesh, points, paint)
    return gltf.packed()


def _add_primitive(gltf: _Gltf, mesh: Part, points: Array, paint: Paint) -> None:
    """All of an object that has one paint; `points` are where its (n, 3) vertices are to be."""
    stored = points.astype(np.float32).astype(float)
    bounds = {"min": stored.min(0).tolist(), "max": stored.max(0).tolist()}
    attributes = {
        "POSITION": gltf.add_floats(points, "VEC3", **bounds),
        "NORMAL": gltf.add_floats(np.round(mesh.normals, 5) + 0.0, "VEC3"),
    }
    look: dict[str, Any] = {
        "metallicFactor": paint.metallic,
        "roughnessFactor": round(paint.roughness, 2),
    }
    if paint.png:
        attributes["TEXCOORD_0"] = gltf.add_floats(np.round(mesh.uvs, 5) + 0.0, "VEC2")
        look["baseColorTexture"] = {"index": gltf.add_texture(paint.png)}
    else:
        look["baseColorFactor"] = [round(_linear(channel), 4) for channel in paint.rgb] + [1]
    indices = gltf.add_indices(mesh.faces)
    number = len(gltf.materials)
    gltf.primitives.append({"attributes": attributes, "indices": indices, "material": number})
    gltf.materials.append({"name": f"paint_{number}", "pbrMetallicRoughness": look})


def _linear(srgb: float) -> float:
    return srgb / 12.92 if srgb <= 0.04045 else float(((srgb + 0.055) / 1.055) ** 2.4)
