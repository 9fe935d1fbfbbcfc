"""The gate for strangers' files: what Blender would trip over, or be led astray by, is found here first.

`check_gltf` reads a .glb or .gltf as the importer of Blender 5.0.1 does (the same bytes, extensions and defaults) but
trusts nothing: numbers are checked before use, everything read is bounded by `FileBudgets`, images are read up to
their headers, and no file outside the object's own folder is opened.

Top to bottom: the file, its JSON, side files, buffers, images, meshes, nodes, and what there is to see.
"""

import base64
import json
import math
import re
import stat
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused

# What the importer of bpy 5.0.1 takes in extensionsRequired (glTFImporter.extensions_managed); a test compares.
SUPPORTED_EXTENSIONS = {
    "EXT_mesh_gpu_instancing", "EXT_texture_webp", "KHR_animation_pointer", "KHR_draco_mesh_compression",
    "KHR_lights_punctual", "KHR_materials_anisotropy", "KHR_materials_clearcoat", "KHR_materials_emissive_strength",
    "KHR_materials_ior", "KHR_materials_pbrSpecularGlossiness", "KHR_materials_sheen", "KHR_materials_specular",
    "KHR_materials_transmission", "KHR_materials_unlit", "KHR_materials_variants", "KHR_materials_volume",
    "KHR_mesh_quantization", "KHR_texture_transform",
}  # fmt: skip
_WAYS_OUT = {
    "EXT_meshopt_compression": "; unpack it with `gltf-transform copy`",
    "KHR_texture_basisu": "; convert its KTX2 textures to PNG or JPEG",
}
_COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_PER_VERTEX = {"POSITION": (3,), "NORMAL": (3,), "TEXCOORD": (2,), "COLOR": (3, 4), "JOINTS": (4,), "WEIGHTS": (4,)}
_MAX_FACTOR = 1e30  # of one number of a transform; products of a few leave float32
_MAX_COORDINATE = 1e15  # of a placed vertex; Blender squares lengths in float32
_MAX_HANGINGS = 1_000_000  # joints times meshes that hang on them: Blender makes a vertex group of each
_BLOCK = 3 << 16  # corners looked at together; a multiple of 3
_TAIL = 1 << 16  # bytes at the end of an image in which its end mark is looked for


@dataclass(frozen=True)
class FileFacts:
    """What a checked file contains."""

    triangles: int  # of the scene, after instancing
    nodes: int  # instances included
    images: int  # that textures use
    texture_pixels: int
    extensions: tuple[str, ...]  # extensionsUsed
    skinned: bool
    animations: int
    files: tuple[Path, ...]  # side files used


def check_gltf(path: Path, budgets: FileBudgets) -> FileFacts:
    """What the file contains, if Blender can import it and there is something to see.

    Raises:
        ObjectRefused: one line that says what was found and what was expected.
    """
    try:
        with np.errstate(all="ignore"):  # hostile numbers overflow; it is the results that are checked
            return _check(path, budgets)
    except (RecursionError, MemoryError) as error:
        raise ObjectRefused(f"cannot be checked ({type(error).__name__}); expected a file of ordinary size") from error


def _check(path: Path, budgets: FileBudgets) -> FileFacts:
    data = _read_bytes(path, budgets.max_bytes, "it")
    text, binary = _split(data)
    tree = _parse(text, budgets)
    extensions = _check_header(tree)
    _check_shape(tree, _SHAPE, "", tree)
    side_files = _SideFiles(path.parent, budgets.max_bytes - len(data))
    views = _read_views(tree, binary, side_files)
    accessors = _read_accessors(tree, views, budgets)
    images, pixels = _check_images(tree, views, side_files, budgets)
    meshes = _read_meshes(tree, accessors, views, budgets)
    world, in_scene = _read_nodes(tree, budgets)
    draws, nodes = _read_draws(tree, world, meshes, accessors, budgets)
    _check_load(draws, budgets)
    shown = [draw for draw in draws if draw.node in in_scene]
    _check_visible(shown, tree.get("materials", []))
    return FileFacts(
        triangles=sum(draw.times * draw.mesh.triangles for draw in shown),
        nodes=nodes,
        images=images,
        texture_pixels=pixels,
        extensions=extensions,
        skinned=any(draw.skinned for draw in shown),
        animations=len(tree.get("animations", [])),
        files=tuple(side_files.used),
    )


# --- the file --------------------------------------------------------------------------------------


def _read_bytes(path: Path, limit: int, what: str) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ObjectRefused(f"{what} is not an ordinary file")
        if found.st_size > limit:
            raise ObjectRefused(f"{what} has {found.st_size:,} bytes; expected at most {limit:,}, side files included")
        with path.open("rb") as stream:
            return stream.read(found.st_size)
    except FileNotFoundError as error:
        raise ObjectRefused(f"{what} is missing: there is no such file") from error
    except (OSError, ValueError) as error:
        raise ObjectRefused(f"{what} cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _split(data: bytes) -> tuple[bytes, memoryview | None]:
    """The JSON text and the binary chunk. Like Blender, by content: the suffix of the name means nothing."""
    if not data:
        raise ObjectRefused("the file is empty: 0 bytes")
    if data[:4] != b"glTF":
        if data.lstrip(b" \t\r\n")[:1] != b"{":
            raise ObjectRefused(f"this is {_kind(data)}; expected a GLB (magic glTF) or glTF JSON")
        return data, None
    if len(data) < 20:
        raise ObjectRefused(f"truncated: {len(data)} bytes; expected a GLB header and a JSON chunk")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ObjectRefused(f"GLB version {version}; expected 2")
    if length != len(data):
        cut = "truncated: " if length > len(data) else ""
        raise ObjectRefused(f"{cut}the header declares a length of {length:,} bytes, the file has {len(data):,}")
    text, after = _chunk(data, 12, "JSON")
    if after == len(data):
        return bytes(text), None
    if after + 8 > len(data):
        raise ObjectRefused(f"truncated: {len(data) - after} bytes after the JSON chunk; expected none or a BIN chunk")
    if data[after + 4 : after + 8] != b"BIN\0":  # of some extension: passed over, as the standard says
        return bytes(text), None
    return bytes(text), _chunk(data, after, "BIN\0")[0]


def _chunk(data: bytes, offset: int, expected: str) -> tuple[memoryview, int]:
    length, kind = struct.unpack_from("<I4s", data, offset)
    if kind != expected.encode():
        raise ObjectRefused(f"the first chunk is of type {_show(kind.decode('latin-1'))}; expected {expected}")
    start, end, name = offset + 8, offset + 8 + length, expected.rstrip("\0")
    if end > len(data):
        raise ObjectRefused(f"truncated: the {name} chunk declares {length:,} bytes, {len(data) - start:,} are left")
    return memoryview(data)[start:end], end


_MAGICS = {
    b"\xabKTX": "a KTX texture", b"DDS ": "a DDS texture", b"GIF8": "a GIF", b"BM": "a BMP", b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF", b"\x89PNG": "a PNG", b"\xff\xd8\xff": "a JPEG", b"PK\3\4": "a ZIP file", b"ply": "a PLY mesh",
    b"\x1f\x8b": "a gzip file", b"Kaydara FBX": "an FBX file", b"BLENDER": "a .blend file", b"<?xml": "an XML file",
    b"version https://git-lfs": "a git-LFS pointer, not the file itself (run `git lfs pull`)",
    b"\xef\xbb\xbf": "text that begins with a byte order mark (BOM)",
}  # fmt: skip


def _kind(data: bytes | memoryview) -> str:
    """What some bytes look like, for people who expected a model or a picture."""
    head = bytes(data[:256])
    if re.match(rb"[\xef\xbb\xbf\s]*<(!doctype html|html|head|body)", head, re.IGNORECASE):
        return "a web page (HTML), often the error message of a download"
    for magic, name in _MAGICS.items():
        if head.startswith(magic):
            return name
    if head and all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return f"plain text that begins with {_show(head[:16].decode('latin-1'))}"
    return f"of an unknown type that begins with {_show(head[:4].decode('latin-1'))}"


# --- its JSON --------------------------------------------------------------------------------------


def _parse(data: bytes, budgets: FileBudgets) -> dict[str, Any]:
    if len(data) > budgets.max_json_bytes:
        raise ObjectRefused(f"its JSON has {len(data):,} bytes; expected at most {budgets.max_json_bytes:,}")
    _check_json_size(data, budgets)
    try:
        tree = json.loads(data.decode(), parse_int=_whole, parse_constant=_constant, object_pairs_hook=_without_twins)
    except UnicodeDecodeError as error:
        raise ObjectRefused(f"its JSON is not UTF-8: byte {error.start:,}") from error
    except json.JSONDecodeError as error:
        raise ObjectRefused(f"its JSON has a syntax error: {error.msg}, character {error.pos:,}") from error
    if not isinstance(tree, dict):
        raise ObjectRefused(f"its JSON is {_show(tree)}; expected an object with `asset`")
    return tree


def _check_json_size(data: bytes, budgets: FileBudgets) -> None:
    """How many values and how deep, found without parsing, by array operations that no input makes slow."""
    plain = np.frombuffer(data.replace(b"\\\\", b"").replace(b'\\"', b""), np.uint8)
    in_string = np.cumsum(plain == ord('"'), dtype=np.uint8) & 1  # wraps around, but odd stays odd
    structure = plain[in_string == 0]
    opening, closing = ((structure == ord(a)) | (structure == ord(b)) for a, b in ("[{", "]}"))
    brackets = opening[opening | closing]
    values = np.count_nonzero(structure == ord(",")) + len(brackets)
    if values > budgets.max_json_values:
        raise ObjectRefused(f"its JSON has about {values:,} values; expected at most {budgets.max_json_values:,}")
    depth = np.cumsum(np.where(brackets, 1, -1)).max(initial=0)
    if depth > budgets.max_json_depth:
        raise ObjectRefused(f"its JSON is nested {depth:,} deep; expected at most {budgets.max_json_depth}")


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= 20 else float(text)  # int() of very long numbers is slow, or an error


def _constant(text: str) -> float:
    raise ObjectRefused(f"its JSON contains {text}; expected finite numbers")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        twin = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ObjectRefused(f"its JSON has the duplicate key {_show(twin)} in one object")
    return found


def _show(value: Any) -> str:
    """One short line of ASCII, whatever a stranger wrote."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return ascii(value[:60]) if isinstance(value, str) else str(value)


# A name that ends in ! must be there, and * is any name that ends so. 0 or 1: an integer of at least that. A text: an
# index into that list of the file. A set: one of these. (n,): the n numbers of a transform. float: any finite number.
_TEXTURE = {"index!": "textures", "texCoord": 0, "scale": float, "strength": float}
_PLACE = {"bufferView!": "bufferViews", "byteOffset": 0}
_HEADER = {"asset!": {"version!": str}, "extensionsUsed": [str], "extensionsRequired": [str]}
_SHAPE = {
    "scenes!": [{"nodes": ["nodes"]}],
    "scene": "scenes",
    "nodes": [{
        "children": ["nodes"], "mesh": "meshes", "skin": "skins", "camera": "cameras",
        "matrix": (16,), "translation": (3,), "rotation": (4,), "scale": (3,), "weights": [float],
        "extensions": {"*": {}, "EXT_mesh_gpu_instancing": {"attributes!": {"*": "accessors"}}},
    }],
    "meshes": [{"weights": [float], "primitives!": [{
        "attributes!": {"*": "accessors"}, "targets": [{"*": "accessors"}], "indices": "accessors",
        "material": "materials", "mode": {0, 1, 2, 3, 4, 5, 6},
        "extensions": {"*": {}, "KHR_draco_mesh_compression": {**_PLACE, "attributes!": {"*": 0}}},
    }]}],
    "skins": [{"joints!": ["nodes"], "skeleton": "nodes", "inverseBindMatrices": "accessors"}],
    "cameras": [{"type!": {"perspective", "orthographic"}, "perspective": {"yfov!": float, "znear!": float}}],
    "animations": [{
        "channels!": [{"sampler!": 0, "target!": {"node": "nodes", "path!": str}}],
        "samplers!": [{"input!": "accessors", "output!": "accessors", "interpolation": str}],
    }],
    "materials": [{
        "pbrMetallicRoughness": {
            "baseColorFactor": (4,), "metallicFactor": float, "roughnessFactor": float, "*Texture": _TEXTURE,
        },
        "*Texture": _TEXTURE, "emissiveFactor": (3,), "alphaMode": {"OPAQUE", "MASK", "BLEND"}, "alphaCutoff": float,
        "doubleSided": bool, "extensions": {"*": {"*Texture": _TEXTURE}},
    }],
    "textures": [{
        "source": "images", "sampler": "samplers",
        "extensions": {"*": {}, "EXT_texture_webp": {"source!": "images"}},
    }],
    "samplers": [{"magFilter": 0, "minFilter": 0, "wrapS": 0, "wrapT": 0}],
    "images": [{"uri": str, "bufferView": "bufferViews", "mimeType": str}],
    "accessors": [{
        "componentType!": {*_COMPONENTS}, "type!": {*_WIDTHS}, "count!": 1, "bufferView": "bufferViews", "byteOffset": 0,
        "normalized": bool, "min": [float], "max": [float],
        "sparse": {"count!": 1, "indices!": {**_PLACE, "componentType!": {5121, 5123, 5125}}, "values!": _PLACE},
    }],
    "bufferViews": [{"buffer!": "buffers", "byteLength!": 1, "byteOffset": 0, "byteStride": 0}],
    "buffers": [{"byteLength!": 1, "uri": str}],
}  # fmt: skip


def _check_shape(value: Any, shape: Any, where: str, tree: dict[str, Any]) -> None:
    """Refuse wrong types, missing fields and indices out of range. Nulls are removed: Blender sees nothing there."""
    match shape:
        case dict():
            _expect(isinstance(value, dict), where, value, "an object")
            for key in [key for key in value if value[key] is None and "*" not in shape]:
                del value[key]
            for name, inner in {"name": str, **shape}.items():
                key = name.rstrip("!")
                if key.startswith("*"):
                    for found in [found for found in value if found.endswith(key[1:])]:
                        _check_shape(value[found], inner, f"{where}.{_show(found)}", tree)
                elif key in value:
                    _check_shape(value[key], inner, f"{where}.{key}".lstrip("."), tree)
                elif name != key:
                    raise ObjectRefused(f"{where}.{key} is missing".lstrip("."))
        case list() | tuple():
            _expect(isinstance(value, list), where, value, "a list")
            if isinstance(shape, tuple) and len(value) != shape[0]:
                raise ObjectRefused(f"{where} has {len(value)} numbers; expected {shape[0]}")
            for number, item in enumerate(value):
                _check_shape(item, shape[0] if isinstance(shape, list) else _MAX_FACTOR, f"{where}[{number}]", tree)
        case set():
            allowed = type(value) in (int, str) and value in shape
            _expect(allowed, where, value, f"one of {', '.join(map(str, sorted(shape)))}")
        case str():
            held = tree.get(shape, [])
            _expect(isinstance(held, list), shape, held, "a list")
            _expect(type(value) is int and value >= 0, where, value, "an index: an integer of at least 0")
            if value >= len(held):
                raise ObjectRefused(f"{where} is {value}, out of range: the file has {len(held)} {shape}")
        case int():
            _expect(type(value) is int and value >= shape, where, value, f"an integer of at least {shape}")
        case float():
            within = type(value) in (int, float) and abs(value) <= shape
            _expect(within, where, value, f"a finite number up to {shape:g}")
        case _:
            fits = type(value) in (int, float) and math.isfinite(value) if shape is float else isinstance(value, shape)
            _expect(fits, where, value, {str: "a text", bool: "true or false", float: "a finite number"}[shape])


def _expect(fits: bool, where: str, value: Any, expected: str) -> None:
    if not fits:
        raise ObjectRefused(f"{where} is {_show(value)}; expected {expected}")


def _check_header(tree: dict[str, Any]) -> tuple[str, ...]:
    _check_shape(tree, _HEADER, "", tree)
    if tree["asset"]["version"] != "2.0":
        raise ObjectRefused(f"asset.version is {_show(tree['asset']['version'])}; expected '2.0'")
    used = set(tree.get("extensionsUsed", []))
    for name in tree.get("extensionsRequired", []):
        if name not in SUPPORTED_EXTENSIONS:
            way_out = _WAYS_OUT.get(name, "")
            raise ObjectRefused(f"needs the extension {_show(name)}, which Blender cannot read{way_out}")
        if name not in used:
            raise ObjectRefused(f"needs the extension {name}, but does not list it in extensionsUsed")
    return tuple(sorted(used))


def _extension(holder: dict[str, Any], name: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = holder.get("extensions", {}).get(name)
    return found


# --- its side files --------------------------------------------------------------------------------


@dataclass
class _SideFiles:
    """Reads what a URI names, inside one folder, until `left` bytes are used up."""

    folder: Path
    left: int
    used: dict[Path, None] = field(default_factory=dict)  # a set that keeps its order

    def read(self, uri: str, where: str) -> memoryview:
        if uri.startswith("data:"):
            return _decode_data_uri(uri, where)
        path = self.locate(uri, where)
        data = _read_bytes(path, self.left, f"{where} {_show(uri)}")
        self.left -= len(data)  # at each mention: Blender reads it again, too
        self.used[path] = None
        return memoryview(data)

    def locate(self, uri: str, where: str) -> Path:
        """The path that Blender would open for this URI."""
        decoded = unquote(uri)
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", uri):
            raise ObjectRefused(f"{where} is {_show(uri)}; expected a file beside the object or a data: URI")
        inside = decoded and not decoded.startswith("/") and "\\" not in decoded and ".." not in decoded.split("/")
        try:
            path = self.folder / decoded
            if not inside or not path.resolve().is_relative_to(self.folder.resolve()):
                raise ObjectRefused(f"{where} {_show(uri)} leads outside the folder of the object")
        except (OSError, ValueError, RuntimeError) as error:  # too long, NUL inside, links in a circle
            raise ObjectRefused(f"{where} {_show(uri)} cannot be the name of a file") from error
        return path


def _decode_data_uri(uri: str, where: str) -> memoryview:
    _, mark, body = uri.partition(";base64,")
    if not mark:  # Blender would take it for the path of a file
        raise ObjectRefused(f"{where} {_show(uri)} is a data: URI without ;base64,")
    try:
        return memoryview(base64.b64decode(body, validate=True))
    except ValueError as error:
        raise ObjectRefused(f"{where} is a data: URI that is not valid base64 ({error})") from error


# --- buffers and accessors -------------------------------------------------------------------------


@dataclass(frozen=True)
class _View:
    data: memoryview
    stride: int  # 0: packed


@dataclass(frozen=True, eq=False)
class _Accessor:
    count: int
    width: int
    dtype: np.dtype[Any]
    normalized: bool
    data: NDArray[Any] | None  # (count, width), a view into a buffer; None: zeros, or for Draco to fill
    sparse: tuple[NDArray[Any], NDArray[Any]] | None  # (n,) row numbers, and (n, width) rows that replace those
    bounds: list[list[float]] | None  # as declared: often sloppy

    @cached_property
    def rows(self) -> NDArray[Any]:
        data = np.zeros((self.count, self.width), self.dtype) if self.data is None else self.data
        if self.sparse is not None:
            data = np.array(data)
            data[self.sparse[0]] = self.sparse[1]
        return data

    @cached_property
    def largest(self) -> int:
        """Of unsigned integers: indices and joints."""
        return int(self.rows.max())

    @cached_property
    def finite(self) -> bool:
        return self.dtype.kind != "f" or bool(np.isfinite(self.rows).all())

    def floats(self, which: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
        rows = self.rows[which].astype(np.float64)
        return np.maximum(rows / np.iinfo(self.dtype).max, -1.0) if self.normalized and self.dtype.kind != "f" else rows


def _read_views(tree: dict[str, Any], binary: memoryview | None, side_files: _SideFiles) -> list[_View]:
    buffers = []
    for number, item in enumerate(tree.get("buffers", [])):
        where = f"buffers[{number}]"
        data = side_files.read(item["uri"], f"{where}.uri") if "uri" in item else binary if number == 0 else None
        if data is not None and item["byteLength"] > len(data):
            raise ObjectRefused(f"{where} declares {item['byteLength']:,} bytes, but there are {len(data):,}")
        buffers.append(data)
    views = []
    for number, item in enumerate(tree.get("bufferViews", [])):
        data, start = buffers[item["buffer"]], item.get("byteOffset", 0)
        end = start + item["byteLength"]
        if data is None:
            raise ObjectRefused(f"buffers[{item['buffer']}] has no data: neither a uri nor a BIN chunk")
        if end > len(data):
            raise ObjectRefused(f"bufferViews[{number}] ends at byte {end:,}, out of its buffer of {len(data):,}")
        views.append(_View(data[start:end], item.get("byteStride", 0)))
    return views


def _read_accessors(tree: dict[str, Any], views: list[_View], budgets: FileBudgets) -> list[_Accessor]:
    accessors = []
    total = 0
    for number, item in enumerate(tree.get("accessors", [])):
        where = f"accessors[{number}]"
        dtype, width, count = np.dtype(_COMPONENTS[item["componentType"]]), _WIDTHS[item["type"]], item["count"]
        data = sparse = None
        replaced = item["sparse"]["count"] if "sparse" in item else 0
        total += (count + replaced) * width * dtype.itemsize
        if total > budgets.max_bytes:  # zeros by the million, or the same bytes again and again
            raise ObjectRefused(f"{where} makes {total:,} bytes of accessors; expected at most {budgets.max_bytes:,}")
        if "bufferView" in item:
            data = _rows(item, views, count, width, dtype, where)
        if replaced:
            indices, values = item["sparse"]["indices"], item["sparse"]["values"]
            index_type = np.dtype(_COMPONENTS[indices["componentType"]])
            which = _rows(indices, views, replaced, 1, index_type, f"{where}.sparse.indices")[:, 0]
            if which.max() >= count:
                raise ObjectRefused(f"{where}.sparse replaces row {which.max()}, out of range of {count}")
            sparse = which, _rows(values, views, replaced, width, dtype, f"{where}.sparse.values")
        bounds = [item.get(key, []) for key in ("min", "max")]
        known = all(len(bound) == width for bound in bounds)
        normalized = item.get("normalized", False)
        accessors.append(_Accessor(count, width, dtype, normalized, data, sparse, bounds if known else None))
    return accessors


def _rows(
    place: dict[str, Any], views: list[_View], count: int, width: int, dtype: np.dtype[Any], where: str
) -> NDArray[Any]:
    view, offset, size = views[place["bufferView"]], place.get("byteOffset", 0), width * dtype.itemsize
    stride = view.stride or size
    if stride < size or stride % dtype.itemsize:
        raise ObjectRefused(f"{where} has elements of {size} bytes, but its bufferView a byteStride of {stride}")
    end = offset + stride * (count - 1) + size
    if end > len(view.data):
        raise ObjectRefused(f"{where} ends at byte {end:,}, out of its bufferView of {len(view.data):,}")
    return np.ndarray((count, width), dtype, view.data, offset, (stride, dtype.itemsize))


# --- images ----------------------------------------------------------------------------------------


def _check_images(
    tree: dict[str, Any], views: list[_View], side_files: _SideFiles, budgets: FileBudgets
) -> tuple[int, int]:
    """How many images Blender would load, and their pixels. Of others, only where they lead is checked."""
    wanted = set()
    for number, texture in enumerate(tree.get("textures", [])):
        source = texture.get("source", (_extension(texture, "EXT_texture_webp") or {}).get("source"))
        if source is not None:
            wanted.add(source)
        elif texture.get("extensions"):
            name = _show(next(iter(texture["extensions"])))
            raise ObjectRefused(f"textures[{number}] has only an image of {name}, which Blender cannot read")
    if len(wanted) > budgets.max_images:
        raise ObjectRefused(f"{len(wanted):,} images; expected at most {budgets.max_images:,}")
    pixels = size = 0
    for number, item in enumerate(tree.get("images", [])):
        where, uri = f"images[{number}]", item.get("uri")
        if number not in wanted:
            if uri is not None and not uri.startswith("data:"):
                side_files.locate(uri, where)
            continue
        if (uri is None) == ("bufferView" not in item):
            has = "neither uri nor" if uri is None else "both uri and"
            raise ObjectRefused(f"{where} has {has} bufferView; expected one of them")
        data = views[item["bufferView"]].data if uri is None else side_files.read(uri, f"{where}.uri")
        width, height = _image_size(data, where)
        pixels, size = pixels + width * height, size + len(data)
        found = f"{where} has {width} x {height} = {width * height:,} pixels"
        if not 0 < width * height <= budgets.max_texture_pixels:
            raise ObjectRefused(f"{found}; expected 1 to {budgets.max_texture_pixels:,}")
        if pixels > budgets.max_total_texture_pixels:
            limit = budgets.max_total_texture_pixels
            raise ObjectRefused(f"{found}, {pixels:,} with those before; expected at most {limit:,}")
        if size > budgets.max_bytes:  # the same bytes again and again: Blender copies them for each image
            raise ObjectRefused(f"{where} makes {size:,} bytes of images; expected at most {budgets.max_bytes:,}")
    return len(wanted), pixels


def _image_size(data: memoryview, where: str) -> tuple[int, int]:
    """Width and height from the header; nothing is decoded. An image cut short is refused."""
    head, tail = bytes(data[:64]), bytes(data[-_TAIL:])
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        if head[12:16] != b"IHDR" or head[29:33] != zlib.crc32(head[12:29]).to_bytes(4, "big"):
            raise ObjectRefused(f"{where} is a PNG whose header is damaged")
        width, height = struct.unpack(">II", head[16:24])
        whole = b"IEND" in tail
    elif head.startswith(b"\xff\xd8\xff"):
        width, height = _jpeg_size(data, where)
        whole = b"\xff\xd9" in tail
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        width, height = _webp_size(head, where)
        whole = int.from_bytes(head[4:8], "little") + 8 <= len(data)
    else:
        raise ObjectRefused(f"{where} is {_kind(data)}; expected PNG, JPEG or WebP")
    if not whole:
        raise ObjectRefused(f"{where} is truncated: a header of {width} x {height} pixels, but no end of the data")
    return width, height


def _jpeg_size(data: memoryview, where: str) -> tuple[int, int]:
    at = 2
    for _ in range(4096):  # segments; real files have tens before the frame header
        if at + 9 > len(data) or data[at] != 0xFF:
            break
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker in (0xD9, 0xDA):
            break
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # alone, without a length
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    raise ObjectRefused(f"{where} is a JPEG without a readable header: truncated or damaged")


def _webp_size(head: bytes, where: str) -> tuple[int, int]:
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if head[12:16] == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise ObjectRefused(f"{where} is a WebP whose header is damaged")


# --- meshes ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Primitive:
    where: str
    mode: int
    position: _Accessor
    indices: _Accessor | None
    joints: list[_Accessor]
    pulls: list[_Accessor]  # what else moves its vertices: weights of joints and morph targets
    targets: int
    draco: bool
    material: int | None

    @property
    def corners(self) -> int:
        return (self.indices or self.position).count

    @property
    def triangles(self) -> int:
        return {4: self.corners // 3, 5: self.corners - 2, 6: self.corners - 2}.get(self.mode, 0)


@dataclass(frozen=True, eq=False)
class _Mesh:
    primitives: list[_Primitive]

    @cached_property
    def triangles(self) -> int:
        return sum(part.triangles for part in self.primitives)

    @cached_property
    def corners(self) -> int:
        return sum(part.corners for part in self.primitives)

    @cached_property
    def vertices(self) -> int:
        """As Blender stores them: those in use, and a copy for each morph target."""
        return sum(min(part.corners, part.position.count) * (1 + part.targets) for part in self.primitives)

    @cached_property
    def last_joint(self) -> int:
        return max((joint.largest for part in self.primitives for joint in part.joints), default=-1)


def _read_meshes(
    tree: dict[str, Any], accessors: list[_Accessor], views: list[_View], budgets: FileBudgets
) -> list[_Mesh]:
    meshes = []
    total = 0
    for number, mesh in enumerate(tree.get("meshes", [])):
        total += len(mesh["primitives"])
        if total > budgets.max_primitives:
            raise ObjectRefused(f"{total:,} primitives in its meshes; expected at most {budgets.max_primitives:,}")
        parts = [
            _read_primitive(item, f"meshes[{number}].primitives[{which}]", accessors, views)
            for which, item in enumerate(mesh["primitives"])
            if "POSITION" in item["attributes"]  # without, nothing is drawn
        ]
        meshes.append(_Mesh(parts))
    return meshes


def _read_primitive(item: dict[str, Any], where: str, accessors: list[_Accessor], views: list[_View]) -> _Primitive:
    attributes = {name: accessors[number] for name, number in item["attributes"].items()}
    targets = [{name: accessors[number] for name, number in target.items()} for target in item.get("targets", [])]
    position = attributes["POSITION"]
    joints, pulls = (
        [attributes[name] for name in attributes if name.startswith(kind)] for kind in ("JOINTS", "WEIGHTS")
    )
    pulls += [target["POSITION"] for target in targets if "POSITION" in target]
    for group in (attributes, *targets):
        for name, accessor in group.items():
            widths = _PER_VERTEX.get(name.partition("_")[0], (accessor.width,))
            if accessor.width not in widths:
                raise ObjectRefused(f"{where}: {_show(name)} has {accessor.width} numbers each; expected {widths[-1]}")
            if accessor.count < position.count:
                found = f"{_show(name)} has {accessor.count:,} values"
                raise ObjectRefused(f"{where}: {found}; expected one for each of {position.count:,} vertices")
    indices = accessors[item["indices"]] if "indices" in item else None
    if any(accessor.dtype.kind != "u" for accessor in joints):
        raise ObjectRefused(f"{where}: JOINTS are not unsigned integers")
    if indices is not None and (indices.dtype.kind != "u" or indices.width != 1):
        raise ObjectRefused(f"{where}: indices are not single unsigned integers")
    if indices is not None and indices.largest >= position.count:
        raise ObjectRefused(f"{where}: index {indices.largest}, out of range of {position.count:,} vertices")
    draco = _extension(item, "KHR_draco_mesh_compression")
    mode = item.get("mode", 4)
    material = item.get("material")
    part = _Primitive(where, mode, position, indices, joints, pulls, len(targets), draco is not None, material)
    if (mode == 4 and part.corners % 3) or (mode in (5, 6) and part.corners < 3):
        raise ObjectRefused(f"{where} has {part.corners:,} corners; expected whole triangles")
    if draco is not None:
        names, magic = set(draco["attributes"]), bytes(views[draco["bufferView"]].data[:5])
        if magic != b"DRACO" or indices is None or not {"POSITION"} <= names <= set(attributes):
            raise ObjectRefused(f"{where} has Draco data that Blender cannot decode; expected POSITION and indices")
    elif position.data is None and position.sparse is None:
        raise ObjectRefused(f"{where}: POSITION has no data: all {position.count:,} vertices are at one point")
    return part


# --- nodes -----------------------------------------------------------------------------------------


def _read_nodes(tree: dict[str, Any], budgets: FileBudgets) -> tuple[NDArray[np.float64], set[int]]:
    """(n, 4, 4) local to world for all nodes, for Blender imports what no scene shows, too; and those of the scene."""
    items = tree.get("nodes", [])
    if len(items) > budgets.max_nodes:
        raise ObjectRefused(f"{len(items):,} nodes; expected at most {budgets.max_nodes:,}")
    parents: dict[int, int] = {}
    for number, item in enumerate(items):
        for child in item.get("children", []):
            if child in parents:
                raise ObjectRefused(f"nodes[{child}] has two parents: nodes[{parents[child]}] and nodes[{number}]")
            parents[child] = number
    world = np.array([_local_transform(item) for item in items], np.float64).reshape(-1, 4, 4)
    level = [number for number in range(len(items)) if number not in parents]
    reached = depth = 0
    while level:
        reached, depth = reached + len(level), depth + 1
        if depth > budgets.max_node_depth:
            raise ObjectRefused(f"nodes are nested deeper than {budgets.max_node_depth} levels, the most expected")
        level = [child for number in level for child in items[number].get("children", [])]
        for child in level:
            world[child] = world[parents[child]] @ world[child]
    if reached < len(items):
        raise ObjectRefused(f"nodes form a cycle: {len(items) - reached} of {len(items)} are in it or below it")
    shown = tree["scenes"][tree.get("scene", 0)] if tree["scenes"] else {}
    in_scene: set[int] = set()
    waiting = list(shown.get("nodes", []))
    while waiting:
        number = waiting.pop()
        if number not in in_scene:
            in_scene.add(number)
            waiting += items[number].get("children", [])
    return world, in_scene


def _local_transform(item: dict[str, Any]) -> NDArray[np.float64]:
    if "matrix" in item:
        return np.array(item["matrix"], np.float64).reshape(4, 4).T  # glTF writes columns
    given = [np.array([item[key]], np.float64) if key in item else None for key in ("translation", "rotation", "scale")]
    local: NDArray[np.float64] = _transforms(1, *given)[0]
    return local


def _transforms(
    count: int, t: NDArray[Any] | None, r: NDArray[Any] | None, s: NDArray[Any] | None
) -> NDArray[np.float64]:
    """(count, 4, 4) from translations, quaternions x y z w and scales; None where a file leaves them out."""
    matrices = np.tile(np.eye(4), (count, 1, 1))
    if r is not None:
        norm = np.linalg.norm(r, axis=1, keepdims=True)
        x, y, z, w = np.where(norm > 0, r / norm, [0.0, 0.0, 0.0, 1.0]).T
        columns = [
            [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
            [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
            [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)],
        ]
        matrices[:, :3, :3] = np.array(columns).T
    if s is not None:
        matrices[:, :3, :3] *= s[:, None, :]
    if t is not None:
        matrices[:, :3, 3] = t
    return matrices


@dataclass(frozen=True)
class _Draw:
    """One mesh at its places in the world."""

    node: int
    mesh: _Mesh
    places: NDArray[np.float64]  # (n, 4, 4): of the node, its instances, or the joints of its skin
    times: int  # it is drawn
    skinned: bool


def _read_draws(
    tree: dict[str, Any],
    world: NDArray[np.float64],
    meshes: list[_Mesh],
    accessors: list[_Accessor],
    budgets: FileBudgets,
) -> tuple[list[_Draw], int]:
    """What the nodes draw, and how many nodes there are with instances."""
    skins = [_read_skin(item, f"skins[{n}]", world, accessors) for n, item in enumerate(tree.get("skins", []))]
    draws = []
    nodes, hangings = len(world), 0
    for number, item in enumerate(tree.get("nodes", [])):
        if "mesh" not in item:
            continue
        where, mesh, skin = f"nodes[{number}]", meshes[item["mesh"]], item.get("skin")
        places, times = world[number : number + 1], 1
        instancing = _extension(item, "EXT_mesh_gpu_instancing")
        if instancing is not None:
            instances = _read_instances(instancing["attributes"], accessors, where, budgets.max_nodes)
            places, times, skin = places @ instances, len(instances), None
            nodes += times
            if any(part.targets for part in mesh.primitives):
                raise ObjectRefused(f"{where}: instances of a mesh with morph targets, which Blender cannot import")
            if nodes > budgets.max_nodes:
                raise ObjectRefused(f"{nodes:,} nodes, instances included; expected at most {budgets.max_nodes:,}")
        elif skin is not None and mesh.last_joint >= 0:
            places = skins[skin]
            hangings += len(places)
            if hangings > _MAX_HANGINGS:
                raise ObjectRefused(f"meshes hang on {hangings:,} joints in sum; expected at most {_MAX_HANGINGS:,}")
            if mesh.last_joint >= len(places):
                raise ObjectRefused(f"{where}: mesh hangs on joint {mesh.last_joint}, out of range of {len(places)}")
        draws.append(_Draw(number, mesh, places, times, skin is not None))
    return draws, nodes


def _read_skin(
    item: dict[str, Any], where: str, world: NDArray[np.float64], accessors: list[_Accessor]
) -> NDArray[np.float64]:
    """(joints, 4, 4): where each joint puts the vertices that hang on it."""
    places = world[np.array(item["joints"], np.int64)]
    if not len(places):
        raise ObjectRefused(f"{where} has no joints; expected at least one")
    if "inverseBindMatrices" in item:
        accessor = accessors[item["inverseBindMatrices"]]
        if accessor.width != 16 or accessor.count < len(places):
            raise ObjectRefused(f"{where}.inverseBindMatrices is not one MAT4 for each of the {len(places)} joints")
        inverse = accessor.floats(slice(len(places)))
        if not np.isfinite(inverse).all():
            raise ObjectRefused(f"{where}.inverseBindMatrices contains NaN or infinity; expected finite numbers")
        places = places @ inverse.reshape(-1, 4, 4).transpose(0, 2, 1)
    return places


def _read_instances(
    attributes: dict[str, int], accessors: list[_Accessor], where: str, limit: int
) -> NDArray[np.float64]:
    names = {"TRANSLATION": 3, "ROTATION": 4, "SCALE": 3}
    used = {name: accessors[attributes[name]] for name in names if name in attributes}
    count = next((accessor.count for accessor in used.values()), 0)  # none of the three: Blender draws nothing
    if count > limit:
        raise ObjectRefused(f"{where} has {count:,} instances; expected at most {limit:,}")
    if any((accessor.count, accessor.width) != (count, names[name]) for name, accessor in used.items()):
        raise ObjectRefused(f"{where}: translations, rotations and scales of its instances do not match")
    return _transforms(count, *(used[name].floats() if name in used else None for name in names))


# --- what there is to see --------------------------------------------------------------------------


def _check_load(draws: Sequence[_Draw], budgets: FileBudgets) -> None:
    """Of all nodes, shown or not, for Blender makes them all."""
    for name, what, limit in (
        ("triangles", "triangles", budgets.max_triangles),
        ("corners", "corners of triangles, lines and points", 3 * budgets.max_triangles),
        ("vertices", "vertices, morph targets included", budgets.max_vertices),
    ):
        number = sum(draw.times * getattr(draw.mesh, name) for draw in draws)
        if number > limit:
            raise ObjectRefused(f"{number:,} {what}, after instancing; expected at most {limit:,}")


def _check_visible(draws: Sequence[_Draw], materials: list[dict[str, Any]]) -> None:
    draws = [draw for draw in draws if draw.times and draw.mesh.primitives]
    meshes = {mesh: _measure(mesh) for mesh in dict.fromkeys(draw.mesh for draw in draws)}
    if not meshes:
        raise ObjectRefused("the scene is empty: none of its nodes has a mesh, so there is nothing to see")
    parts = [part for mesh in meshes for part in mesh.primitives if part.triangles]
    if not parts:
        raise ObjectRefused("the scene has no triangles, only points or lines; expected a surface")
    if all(part.material is not None and _invisible(materials[part.material]) for part in parts):
        raise ObjectRefused("every material is fully transparent: there is nothing to see")
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for draw in draws:
        box, _ = meshes[draw.mesh]
        if box is None:
            return
        eight = np.stack(np.meshgrid(*box.T), axis=-1).reshape(-1, 3)
        placed = np.einsum("nij,cj->nci", draw.places[:, :3, :3], eight) + draw.places[:, None, :3, 3]
        low, high = np.minimum(low, placed.min(axis=(0, 1))), np.maximum(high, placed.max(axis=(0, 1)))
    far = max(np.abs(low).max(), np.abs(high).max())
    if not far <= _MAX_COORDINATE:
        raise ObjectRefused(f"reaches to coordinate {far:g} in the world; expected finite, at most {_MAX_COORDINATE:g}")
    sizes = np.sort(high - low)
    if sizes[2] <= max(1e-12, 1e-6 * far):
        raise ObjectRefused(f"all vertices are at one point: size {sizes[2]:g}, {far:g} from the origin")
    if sizes[1] <= 1e-9 * sizes[2] or not any(surface for _, surface in meshes.values()):
        raise ObjectRefused("all triangles have zero area; expected a surface")


def _invisible(material: dict[str, Any]) -> bool:
    pbr = material.get("pbrMetallicRoughness", {})
    if "baseColorTexture" in pbr or _extension(material, "KHR_materials_pbrSpecularGlossiness") is not None:
        return False
    alpha, mode = pbr.get("baseColorFactor", [1.0])[-1], material.get("alphaMode")
    return (mode == "MASK" and alpha < material.get("alphaCutoff", 0.5)) or (mode == "BLEND" and alpha <= 0)


def _measure(mesh: _Mesh) -> tuple[NDArray[np.float64] | None, bool]:
    """(2, 3) bounds of the vertices in use, None if Draco hides them, and whether any triangle has an area."""
    low, high, area, known = np.full(3, np.inf), np.full(3, -np.inf), 0.0, True
    for part in mesh.primitives:
        if part.draco and part.position.data is None:
            area = np.inf
            if part.position.bounds is None:
                known = False
            else:
                low, high = np.minimum(low, part.position.bounds[0]), np.maximum(high, part.position.bounds[1])
            continue
        if not all(pull.finite for pull in part.pulls):
            raise ObjectRefused(
                f"{part.where}: weights or morph targets contain NaN or infinity; expected finite numbers"
            )
        for vertices in _blocks(part):
            points = part.position.floats(vertices)
            if not np.isfinite(points).all():
                raise ObjectRefused(f"{part.where}: vertex positions contain NaN or infinity; expected finite numbers")
            low, high = np.minimum(low, points.min(axis=0)), np.maximum(high, points.max(axis=0))
            if part.triangles:
                a, b, c = points[0::3], points[1::3], points[2::3]
                if part.mode != 4:
                    a, b, c = points[:1] if part.mode == 6 else points[:-2], points[1:-1], points[2:]
                area += float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())
    return np.stack([low, high]) if known else None, area > 1e-12 * float(np.sum((high - low) ** 2))


def _blocks(part: _Primitive) -> Iterator[NDArray[np.int64]]:
    """The vertex numbers of the corners in pieces of bounded size. Pieces of strips and fans overlap."""
    overlap = 2 if part.mode in (5, 6) else 0
    for start in range(0, part.corners - overlap, _BLOCK):
        block = np.arange(start, min(start + _BLOCK + overlap, part.corners))
        if part.mode == 6:
            block[0] = 0  # a fan turns about its first corner
        yield block if part.indices is None else part.indices.rows[block, 0].astype(np.int64)
