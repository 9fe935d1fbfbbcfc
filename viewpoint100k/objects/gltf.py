"""The gate for strangers' files: everything Blender would trip over, or be led astray by, is found here first.

`check_gltf` reads a .glb or .gltf the way Blender 5.0.1's importer does (the same bytes, the same rules, the same
extensions), but trusts nothing in it: each number is checked before it is used, what is read is bounded by
`FileBudgets`, and no file outside the object's own folder is opened. Images are read up to their headers only.

Top to bottom: the file, its JSON, its side files, buffers and accessors, images and materials, meshes, nodes.
"""

import base64
import json
import re
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused

# What the importer of bpy 5.0.1 accepts in extensionsRequired (glTFImporter.extensions_managed); a test compares.
SUPPORTED_EXTENSIONS = frozenset(
    "KHR_materials_pbrSpecularGlossiness KHR_lights_punctual KHR_materials_unlit KHR_texture_transform "
    "KHR_materials_clearcoat KHR_mesh_quantization EXT_mesh_gpu_instancing KHR_draco_mesh_compression "
    "KHR_materials_variants KHR_materials_emissive_strength KHR_materials_transmission KHR_materials_specular "
    "KHR_materials_sheen KHR_materials_ior KHR_animation_pointer KHR_materials_volume EXT_texture_webp "
    "KHR_materials_anisotropy".split()
)
_WAYS_OUT = {
    "EXT_meshopt_compression": "; unpack it with `gltf-transform copy`",
    "KHR_meshopt_compression": "; unpack it with `gltf-transform copy`",
    "KHR_texture_basisu": "; convert its KTX2 textures to PNG or JPEG",
}
_COMPONENT_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_ATTRIBUTE_WIDTHS = {"POSITION": {3}, "NORMAL": {3}, "TEXCOORD": {2}, "COLOR": {3, 4}, "JOINTS": {4}, "WEIGHTS": {4}}
_MAX_FACTOR = 1e30  # of one number of a transform; beyond, products of a few leave float32
_MAX_COORDINATE = 1e15  # of a placed vertex; Blender squares lengths in float32
_MIN_SIZE = 1e-12  # of the object, in its own unit
_BLOCK = 3 << 16  # corners read at once, a multiple of 3
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
        with np.errstate(all="ignore"):  # hostile numbers overflow; results are checked instead
            return _check(path, budgets)
    except (RecursionError, MemoryError) as error:
        raise ObjectRefused(f"could not be checked: {type(error).__name__}; expected a file of ordinary size") from error


def _check(path: Path, budgets: FileBudgets) -> FileFacts:
    data = _read_bytes(path, budgets.max_bytes, "it")
    text, binary = _split(data)
    tree = _parse_json(text, budgets)
    extensions = _check_header(tree)
    side_files = _SideFiles(path.parent, budgets.max_bytes - len(data))
    views = _read_views(tree, binary, side_files)
    accessors = _read_accessors(tree, views, budgets)
    images, pixels = _check_images(tree, views, side_files, budgets)
    opaque = _check_materials(tree)
    meshes = _read_meshes(tree, accessors, views, budgets)
    nodes = _read_nodes(tree, budgets)
    skins = _read_skins(tree, nodes, accessors)
    draws = _read_draws(tree, nodes, meshes, skins, accessors)
    _check_animations(tree, len(accessors))
    total_nodes = len(nodes.world) + sum(len(draw.placed) for draw in draws if draw.instanced)
    if total_nodes > budgets.max_nodes:
        raise ObjectRefused(f"{total_nodes:,} nodes with instances; expected at most {budgets.max_nodes:,}")
    _check_load(draws, budgets)
    seen = [draw for draw in draws if draw.node in nodes.in_scene]
    _check_visible(seen, accessors, opaque)
    return FileFacts(
        triangles=sum(draw.times * draw.mesh.triangles for draw in seen),
        nodes=total_nodes,
        images=images,
        texture_pixels=pixels,
        extensions=extensions,
        skinned=any(draw.skinned for draw in seen),
        animations=len(_objects(tree, "animations")),
        files=tuple(side_files.used),
    )


# --- the file --------------------------------------------------------------------------------------


def _read_bytes(path: Path, limit: int, what: str) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ObjectRefused(f"{what} is not an ordinary file")
        if found.st_size > limit:
            raise ObjectRefused(f"{what} has {found.st_size:,} bytes; with side files expected at most {limit:,}")
        with path.open("rb") as stream:
            return stream.read(found.st_size)
    except (OSError, ValueError) as error:
        raise ObjectRefused(f"{what} cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _split(data: bytes) -> tuple[bytes, memoryview | None]:
    """The JSON text and the binary chunk. Like Blender, by content: the suffix of the name means nothing."""
    if not data:
        raise ObjectRefused("the file is empty (0 bytes)")
    if data[:4] != b"glTF":
        if data.lstrip(b" \t\r\n")[:1] != b"{":
            raise ObjectRefused(f"this is {_kind(data)}; expected a GLB (begins with glTF) or glTF JSON (begins with {{)")
        return data, None
    if len(data) < 20:
        raise ObjectRefused(f"truncated: {len(data)} bytes; expected a GLB header of 12 and a JSON chunk")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ObjectRefused(f"GLB version {version}; expected 2" + ("; convert it with gltf-pipeline" * (version == 1)))
    if length != len(data):
        cut = "truncated: " if length > len(data) else ""
        raise ObjectRefused(f"{cut}the header declares a length of {length:,} bytes, the file has {len(data):,}")
    text, after = _chunk(data, 12, b"JSON")
    if after == len(data):
        return bytes(text), None
    if data[after + 4 : after + 8] != b"BIN\0":  # of some extension: Blender and the standard pass over it
        return bytes(text), None
    return bytes(text), _chunk(data, after, b"BIN\0")[0]


def _chunk(data: bytes, offset: int, expected: bytes) -> tuple[memoryview, int]:
    length, kind = struct.unpack_from("<I4s", data, offset)
    name = expected.rstrip(b"\0").decode()
    if kind != expected:
        raise ObjectRefused(f"chunk at byte {offset} is of type {_show(kind.decode('latin-1'))}; expected {name}")
    if offset + 8 + length > len(data):
        raise ObjectRefused(f"the {name} chunk declares {length:,} bytes, the file has {len(data) - offset - 8:,} left")
    return memoryview(data)[offset + 8 : offset + 8 + length], offset + 8 + length


def _kind(data: bytes | memoryview) -> str:
    """What some bytes look like, for people who expected a model or a picture."""
    head = bytes(data[:512])
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"version https://git-lfs"):
        return "a git-LFS pointer, not the file itself (run `git lfs pull`)"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page (HTML), probably an error message of a download"
    if head.startswith(b"\xef\xbb\xbf"):
        return "text with a byte order mark (BOM)"
    for magic, name in _MAGICS.items():
        if head.startswith(magic):
            return f"a {name} file"
    if start and all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return f"a text file that begins with {_show(head[:16].decode('latin-1'))}"
    return f"of unknown type: first bytes (magic) {_show(head[:4].decode('latin-1'))}"


_MAGICS = {
    b"\xabKTX": "KTX texture", b"DDS ": "DDS texture", b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF",
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"PK\3\4": "ZIP", b"\x1f\x8b": "gzip", b"Kaydara FBX": "FBX",
    b"BLENDER": "Blender", b"<?xml": "XML", b"ply": "PLY", b"glT": "binary (almost glTF, but not its magic)",
}  # fmt: skip

# --- its JSON --------------------------------------------------------------------------------------

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # possessive, and the last quote optional: linear time
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _parse_json(data: bytes, budgets: FileBudgets) -> dict[str, Any]:
    if len(data) > budgets.max_json_bytes:
        raise ObjectRefused(f"its JSON has {len(data):,} bytes; expected at most {budgets.max_json_bytes:,}")
    skeleton = _STRINGS.sub(b"", data)
    brackets = skeleton.translate(None, _NOT_BRACKETS)
    values = skeleton.count(b",") + len(brackets)
    if values > budgets.max_json_values:
        raise ObjectRefused(f"its JSON holds about {values:,} values; expected at most {budgets.max_json_values:,}")
    steps = np.frombuffer(brackets, np.uint8)
    depth = np.cumsum(np.where((steps == ord("[")) | (steps == ord("{")), 1, -1)).max(initial=0)
    if depth > budgets.max_json_depth:
        raise ObjectRefused(f"its JSON is nested {depth:,} deep; expected at most {budgets.max_json_depth}")
    try:
        tree = json.loads(
            data.decode("utf-8"), parse_int=_whole, parse_constant=_constant, object_pairs_hook=_without_twins
        )
    except UnicodeDecodeError as error:
        raise ObjectRefused(f"its JSON is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise ObjectRefused(f"its JSON has a syntax error: {error.msg} at character {error.pos:,}") from error
    if not isinstance(tree, dict):
        raise ObjectRefused(f"its JSON is {_show(tree)}; expected an object with `asset`")
    return tree


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= 20 else float(text[:400])  # int() of a million digits takes minutes


def _constant(text: str) -> float:
    raise ObjectRefused(f"its JSON contains {text}, which JSON does not know; expected finite numbers")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for number, name in enumerate(names) if name in set(names[:number]))
        raise ObjectRefused(f"its JSON has the duplicate key {_show(twin)} in one object")
    return result


def _show(value: Any) -> str:
    """One short ASCII line, whatever a stranger wrote."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return ascii(value[:60]) if isinstance(value, str) else str(value)


def _object(holder: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    """As everywhere below, null counts as absent: so it does in Blender."""
    value = holder.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ObjectRefused(f"{where}{key} is {_show(value)}; expected an object")
    return value


def _list(holder: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ObjectRefused(f"{where}{key} is {_show(value)}; expected a list")
    return value


def _objects(holder: Mapping[str, Any], key: str, where: str = "") -> list[dict[str, Any]]:
    for number, value in enumerate(_list(holder, key, where)):
        if not isinstance(value, dict):
            raise ObjectRefused(f"{where}{key}[{number}] is {_show(value)}; expected an object")
    return _list(holder, key, where)


def _strings(holder: Mapping[str, Any], key: str) -> list[str]:
    for number, value in enumerate(_list(holder, key, "")):
        if not isinstance(value, str):
            raise ObjectRefused(f"{key}[{number}] is {_show(value)}; expected a text")
    return _list(holder, key, "")


def _integer(value: Any, where: str, low: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ObjectRefused(f"{where} is {'missing' if value is None else _show(value)}; expected an integer")
    if value < low:
        raise ObjectRefused(f"{where} is {value}; expected at least {low}")
    return value


def _index(value: Any, size: int, of: str, where: str) -> int:
    if _integer(value, where) >= size:
        raise ObjectRefused(f"{where} is {value}, out of range: the file has {size} {of}")
    return int(value)


def _numbers(holder: Mapping[str, Any], key: str, length: int, where: str) -> list[float] | None:
    if holder.get(key) is None:
        return None
    values = _list(holder, key, where)
    if len(values) != length:
        raise ObjectRefused(f"{where}{key} has {len(values)} numbers; expected {length}")
    for value in values:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) <= _MAX_FACTOR:
            raise ObjectRefused(f"{where}{key} contains {_show(value)}; expected finite numbers up to {_MAX_FACTOR:g}")
    return values


def _extension(holder: Mapping[str, Any], name: str, where: str) -> dict[str, Any] | None:
    extensions = _object(holder, "extensions", where)
    return None if extensions.get(name) is None else _object(extensions, name, where + "extensions.")


def _check_header(tree: dict[str, Any]) -> tuple[str, ...]:
    version = _object(tree, "asset", "").get("version")
    if version != "2.0":
        found = "is missing" if version is None else f"is {_show(version)}"
        raise ObjectRefused(f"asset.version {found}; expected '2.0'")
    used, required = _strings(tree, "extensionsUsed"), _strings(tree, "extensionsRequired")
    for name in required:
        if name not in SUPPORTED_EXTENSIONS:
            raise ObjectRefused(f"needs the extension {_show(name)}, which Blender cannot read{_WAYS_OUT.get(name, '')}")
        if name not in used:
            raise ObjectRefused(f"needs the extension {name} without listing it in extensionsUsed; Blender refuses that")
    return tuple(sorted(set(used)))


# --- its side files --------------------------------------------------------------------------------

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


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
        self.left -= len(data)  # at each mention: Blender reads again, too
        self.used[path] = None
        return memoryview(data)

    def locate(self, uri: str, where: str) -> Path:
        """The path that Blender would open for this URI."""
        decoded = unquote(uri)
        if _SCHEME.match(uri):
            raise ObjectRefused(f"{where} {_show(uri)} is not a data: URI nor a file beside the object")
        inside = decoded and not decoded.startswith("/") and "\\" not in decoded and ".." not in decoded.split("/")
        try:
            path = self.folder / decoded
            if not inside or not path.resolve().is_relative_to(self.folder.resolve()):
                raise ObjectRefused(f"{where} {_show(uri)} leads outside the folder of the object")
            if not path.exists():
                raise ObjectRefused(f"{where} {_show(uri)} is missing: there is no such file beside the object")
        except (OSError, ValueError, RuntimeError) as error:  # too long, NUL inside, links in a circle
            raise ObjectRefused(f"{where} {_show(uri)} is not a usable file name") from error
        return path


def _decode_data_uri(uri: str, where: str) -> memoryview:
    head, mark, body = uri.partition(";base64,")
    if not mark or len(head) > 200:  # without the mark, Blender takes it for a path
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


@dataclass(frozen=True)
class _Accessor:
    count: int
    width: int
    dtype: np.dtype[Any]
    normalized: bool
    data: np.ndarray | None  # (count, width), a view into a buffer; None: zeros, or to be filled by Draco
    sparse: tuple[np.ndarray, np.ndarray] | None  # (n,) row numbers and (n, width) rows that replace them
    bounds: tuple[list[float], list[float]] | None  # declared

    def rows(self) -> np.ndarray:
        data = np.zeros((self.count, self.width), self.dtype) if self.data is None else self.data
        if self.sparse is None:
            return data
        data = np.array(data)
        data[self.sparse[0]] = self.sparse[1]
        return data

    def as_float(self, rows: np.ndarray) -> np.ndarray:
        if self.normalized and self.dtype.kind != "f":
            return np.maximum(rows.astype(np.float64) / np.iinfo(self.dtype).max, -1.0)
        return rows.astype(np.float64)


def _read_views(tree: dict[str, Any], binary: memoryview | None, side_files: _SideFiles) -> list[_View]:
    buffers: list[memoryview | None] = []
    for number, item in enumerate(_objects(tree, "buffers")):
        where = f"buffers[{number}]"
        length, uri = _integer(item.get("byteLength"), f"{where}.byteLength", low=1), item.get("uri")
        if uri is not None and not isinstance(uri, str):
            raise ObjectRefused(f"{where}.uri is {_show(uri)}; expected a text")
        data = side_files.read(uri, f"{where}.uri") if uri is not None else binary if number == 0 else None
        if data is not None and length > len(data):
            raise ObjectRefused(f"{where} declares {length:,} bytes, but there are {len(data):,}")
        buffers.append(data)
    views = []
    for number, item in enumerate(_objects(tree, "bufferViews")):
        where = f"bufferViews[{number}]"
        source = _index(item.get("buffer"), len(buffers), "buffers", f"{where}.buffer")
        offset = _integer(item.get("byteOffset") or 0, f"{where}.byteOffset")
        length = _integer(item.get("byteLength"), f"{where}.byteLength", low=1)
        stride = _integer(item.get("byteStride") or 0, f"{where}.byteStride")
        data = buffers[source]
        if data is None:
            raise ObjectRefused(f"{where} is in buffers[{source}], which has no data: neither a uri nor a BIN chunk")
        if offset + length > len(data):
            end = offset + length
            raise ObjectRefused(f"{where} ends at byte {end:,}, out of buffers[{source}], which has {len(data):,}")
        views.append(_View(data[offset : offset + length], stride))
    return views


def _read_accessors(tree: dict[str, Any], views: list[_View], budgets: FileBudgets) -> list[_Accessor]:
    accessors = []
    total = 0
    for number, item in enumerate(_objects(tree, "accessors")):
        where = f"accessors[{number}]"
        dtype = np.dtype(_choice(item, "componentType", _COMPONENT_TYPES, where))
        width = _choice(item, "type", _WIDTHS, where)
        count = _integer(item.get("count"), f"{where}.count", low=1)
        sparse = _object(item, "sparse", f"{where}.")
        replaced = _integer(sparse.get("count"), f"{where}.sparse.count", low=1) if sparse else 0
        total += (count + replaced) * width * dtype.itemsize
        if total > budgets.max_bytes:  # two in the same bytes, or zeros by the million
            raise ObjectRefused(f"up to {where}, accessors ask for {total:,} bytes; expected {budgets.max_bytes:,} at most")
        low, high = (_numbers_of_any_size(item, key, width, where) for key in ("min", "max"))
        accessors.append(
            _Accessor(
                count,
                width,
                dtype,
                item.get("normalized") is True,
                None if item.get("bufferView") is None else _rows(item, views, count, width, dtype, where),
                _read_sparse(sparse, views, replaced, count, width, dtype, f"{where}.sparse") if sparse else None,
                None if low is None or high is None else (low, high),
            )
        )
    return accessors


def _choice(item: dict[str, Any], key: str, choices: Mapping[Any, Any], where: str) -> Any:
    value = item.get(key)
    if type(value) not in (int, str) or value not in choices:
        found = "missing" if value is None else _show(value)
        raise ObjectRefused(f"{where}.{key} is {found}; expected one of {', '.join(map(str, choices))}")
    return choices[value]


def _numbers_of_any_size(item: dict[str, Any], key: str, width: int, where: str) -> list[float] | None:
    """Declared bounds; often sloppy, and read only where Draco hides the real ones."""
    values = _list(item, key, f"{where}.")
    if any(not isinstance(value, (int, float)) or isinstance(value, bool) for value in values):
        raise ObjectRefused(f"{where}.{key} contains something else than numbers")
    return values if len(values) == width else None


def _rows(
    item: dict[str, Any], views: list[_View], count: int, width: int, dtype: np.dtype[Any], where: str
) -> np.ndarray:
    number = _index(item.get("bufferView"), len(views), "bufferViews", f"{where}.bufferView")
    view = views[number]
    offset = _integer(item.get("byteOffset") or 0, f"{where}.byteOffset")
    size = width * dtype.itemsize
    stride = view.stride or size
    if stride < size or stride % dtype.itemsize:
        raise ObjectRefused(f"bufferViews[{number}].byteStride is {stride}; {where} has elements of {size} bytes")
    end = offset + stride * (count - 1) + size
    if end > len(view.data):
        raise ObjectRefused(f"{where} ends at byte {end:,}, out of bufferViews[{number}], which has {len(view.data):,}")
    return np.ndarray((count, width), dtype, view.data, offset, (stride, dtype.itemsize))


def _read_sparse(
    sparse: dict[str, Any], views: list[_View], replaced: int, count: int, width: int, dtype: np.dtype[Any], where: str
) -> tuple[np.ndarray, np.ndarray]:
    indices, values = (_object(sparse, key, f"{where}.") for key in ("indices", "values"))
    index_type = np.dtype(_choice(indices, "componentType", _COMPONENT_TYPES, f"{where}.indices"))
    if index_type.kind != "u":
        raise ObjectRefused(f"{where}.indices has signed or floating numbers; expected unsigned integers")
    rows = _rows(indices, views, replaced, 1, index_type, f"{where}.indices")[:, 0]
    if rows.max() >= count:
        raise ObjectRefused(f"{where} replaces row {rows.max()}, out of range: the accessor has {count}")
    return rows, _rows(values, views, replaced, width, dtype, f"{where}.values")


# --- images and materials --------------------------------------------------------------------------


def _check_images(
    tree: dict[str, Any], views: list[_View], side_files: _SideFiles, budgets: FileBudgets
) -> tuple[int, int]:
    """How many images Blender would load, and their pixels. Others are only asked where they lead."""
    images = _objects(tree, "images")
    samplers = len(_list(tree, "samplers", ""))
    wanted = {}
    for number, texture in enumerate(_objects(tree, "textures")):
        where = f"textures[{number}]"
        if texture.get("sampler") is not None:
            _index(texture["sampler"], samplers, "samplers", f"{where}.sampler")
        source = texture.get("source")
        if source is None:  # with both, Blender takes the core one
            source = (_extension(texture, "EXT_texture_webp", f"{where}.") or {}).get("source")
        if source is None and texture.get("extensions"):
            names = ", ".join(_show(name) for name in texture["extensions"])
            raise ObjectRefused(f"{where} has an image only in {names}, which Blender cannot read; expected PNG or JPEG")
        if source is not None:
            wanted[_index(source, len(images), "images", f"{where}.source")] = None
    if len(wanted) > budgets.max_images:
        raise ObjectRefused(f"{len(wanted):,} images; expected at most {budgets.max_images:,}")
    total, total_bytes = 0, 0
    for number, item in enumerate(images):
        where, uri = f"images[{number}]", item.get("uri")
        if uri is not None and not isinstance(uri, str):
            raise ObjectRefused(f"{where}.uri is {_show(uri)}; expected a text")
        if number not in wanted:
            if uri is not None and not uri.startswith("data:"):
                side_files.locate(uri, f"{where}.uri")
            continue
        if (uri is None) == (item.get("bufferView") is None):
            raise ObjectRefused(f"{where} has {'both' if uri else 'neither'} uri and bufferView; expected one of them")
        if uri is not None:
            data = side_files.read(uri, f"{where}.uri")
        else:
            data = views[_index(item["bufferView"], len(views), "bufferViews", f"{where}.bufferView")].data
        width, height = _image_size(data, where)
        total, total_bytes = total + width * height, total_bytes + len(data)
        size = f"{where} has {width} x {height} = {width * height:,} pixels"
        if width * height == 0:
            raise ObjectRefused(f"{size}; expected at least one")
        if width * height > budgets.max_texture_pixels:
            raise ObjectRefused(f"{size}; expected at most {budgets.max_texture_pixels:,}")
        if total > budgets.max_total_texture_pixels:
            raise ObjectRefused(f"{size}, {total:,} with those before; expected {budgets.max_total_texture_pixels:,}")
        if total_bytes > budgets.max_bytes:
            raise ObjectRefused(f"images up to {where} have {total_bytes:,} bytes; expected at most {budgets.max_bytes:,}")
    return len(wanted), total


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
        raise ObjectRefused(f"{where} is truncated: {width} x {height} pixels by its header, but its data end too early")
    return width, height


def _jpeg_size(data: memoryview, where: str) -> tuple[int, int]:
    at = 2
    for _ in range(4096):  # real ones have tens of segments before the frame header
        if at + 9 > len(data) or data[at] != 0xFF:
            break
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:
            at += 1  # a fill byte
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2  # alone, without a length
        elif marker in (0xD9, 0xDA):
            break
        else:
            at += 2 + max(2, *struct.unpack_from(">H", data, at + 2))
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


def _check_materials(tree: dict[str, Any]) -> list[bool]:
    """For each material, whether any of it can be seen."""
    textures = len(_list(tree, "textures", ""))
    seen = []
    for number, material in enumerate(_objects(tree, "materials")):
        where = f"materials[{number}]."
        pbr = _object(material, "pbrMetallicRoughness", where)
        extensions = _object(material, "extensions", where)
        for holder in (material, pbr, *(_object(extensions, name, where) for name in extensions)):
            for key in (key for key in holder if key.endswith("Texture")):
                if info := _object(holder, key, where):
                    _index(info.get("index"), textures, "textures", f"{where}{key}.index")
        alpha = (_numbers(pbr, "baseColorFactor", 4, where + "pbrMetallicRoughness.") or [1.0])[-1]
        textured = pbr.get("baseColorTexture") is not None or "KHR_materials_pbrSpecularGlossiness" in extensions
        mode, cutoff = material.get("alphaMode"), material.get("alphaCutoff", 0.5)
        if mode == "MASK" and not textured and isinstance(cutoff, (int, float)) and alpha < cutoff:
            alpha = 0.0
        seen.append(mode not in ("MASK", "BLEND") or textured or alpha > 0)
    return seen


# --- meshes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Primitive:
    where: str
    mode: int
    position: int  # accessor
    indices: int | None  # accessor
    corners: int
    draco: bool
    targets: int
    joints: tuple[int, ...]  # accessors
    material: int | None

    @property
    def triangles(self) -> int:
        return {4: self.corners // 3, 5: self.corners - 2, 6: self.corners - 2}.get(self.mode, 0)


@dataclass(frozen=True)
class _Mesh:
    primitives: tuple[_Primitive, ...]
    triangles: int
    corners: int
    vertices: int  # as Blender stores them, each morph target a copy


def _read_meshes(
    tree: dict[str, Any], accessors: list[_Accessor], views: list[_View], budgets: FileBudgets
) -> list[_Mesh]:
    materials = len(_list(tree, "materials", ""))
    meshes = []
    total = 0
    for number, item in enumerate(_objects(tree, "meshes")):
        where = f"meshes[{number}]"
        items = _objects(item, "primitives", f"{where}.")
        total += len(items)
        if total > budgets.max_primitives:
            raise ObjectRefused(f"{total:,} primitives up to {where}; expected at most {budgets.max_primitives:,}")
        read = [
            _read_primitive(part, f"{where}.primitives[{i}]", accessors, views, materials)
            for i, part in enumerate(items)
            if "POSITION" in _object(part, "attributes", f"{where}.primitives[{i}].")  # without, nothing is drawn
        ]
        meshes.append(
            _Mesh(
                tuple(read),
                sum(part.triangles for part in read),
                sum(part.corners for part in read),
                sum(min(part.corners, accessors[part.position].count) * (1 + part.targets) for part in read),
            )
        )
    return meshes


def _read_primitive(
    item: dict[str, Any], where: str, accessors: list[_Accessor], views: list[_View], materials: int
) -> _Primitive:
    attributes = _object(item, "attributes", f"{where}.")
    position = _index(attributes["POSITION"], len(accessors), "accessors", f"{where}.attributes.POSITION")
    vertices = accessors[position].count
    mode = _integer(4 if item.get("mode") is None else item["mode"], f"{where}.mode")
    if mode > 6:
        raise ObjectRefused(f"{where}.mode is {mode}; expected 0 to 6")
    targets = _objects(item, "targets", f"{where}.")
    for group in (attributes, *targets):
        for name, value in group.items():
            accessor = accessors[_index(value, len(accessors), "accessors", f"{where}.attributes.{_show(name)}")]
            widths = _ATTRIBUTE_WIDTHS.get(name.partition("_")[0])
            if widths and accessor.width not in widths:
                raise ObjectRefused(f"{where}.{_show(name)} has {accessor.width} numbers per vertex; expected {widths}")
            if accessor.count < vertices:
                raise ObjectRefused(f"{where}.{_show(name)} has {accessor.count:,} values for {vertices:,} vertices")
    indices = item.get("indices")
    corners = vertices
    if indices is not None:
        accessor = accessors[_index(indices, len(accessors), "accessors", f"{where}.indices")]
        if accessor.width != 1 or accessor.dtype.kind != "u":
            raise ObjectRefused(f"{where}.indices are not unsigned integers, one by one")
        corners = accessor.count
    if (mode == 4 and corners % 3) or (mode in (5, 6) and corners < 3):
        raise ObjectRefused(f"{where} has {corners:,} corners, which do not make whole triangles")
    draco = _extension(item, "KHR_draco_mesh_compression", f"{where}.")
    if draco is not None:
        view = views[_index(draco.get("bufferView"), len(views), "bufferViews", f"{where}: Draco bufferView")]
        packed = _object(draco, "attributes", f"{where}: Draco ")
        if bytes(view.data[:5]) != b"DRACO" or indices is None or not {"POSITION"} <= set(packed) <= set(attributes):
            raise ObjectRefused(f"{where} has Draco data that Blender cannot decode; expected data, indices and POSITION")
    elif accessors[position].data is None and accessors[position].sparse is None:
        raise ObjectRefused(f"{where}.attributes.POSITION has no data: all {vertices:,} vertices at one point")
    material = item.get("material")
    return _Primitive(
        where,
        mode,
        position,
        indices,
        corners,
        draco is not None,
        len(targets),
        tuple(attributes[name] for name in attributes if re.fullmatch(r"JOINTS_\d", name)),
        None if material is None else _index(material, materials, "materials", f"{where}.material"),
    )


# --- nodes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Nodes:
    items: list[dict[str, Any]]
    world: np.ndarray  # (nodes, 4, 4), local to world
    in_scene: set[int]


def _read_nodes(tree: dict[str, Any], budgets: FileBudgets) -> _Nodes:
    """The node tree of the whole file, for Blender imports what no scene shows, too."""
    items = _objects(tree, "nodes")
    if len(items) > budgets.max_nodes:
        raise ObjectRefused(f"{len(items):,} nodes; expected at most {budgets.max_nodes:,}")
    parents: dict[int, int] = {}
    children = []
    for number, item in enumerate(items):
        where = f"nodes[{number}].children"
        children.append([_index(c, len(items), "nodes", where) for c in _list(item, "children", f"nodes[{number}].")])
        for child in children[-1]:
            if child == number:
                raise ObjectRefused(f"cycle of nodes: nodes[{number}] is its own child")
            if child in parents:
                raise ObjectRefused(f"nodes[{child}] has two parents, nodes[{parents[child]}] and nodes[{number}]")
            parents[child] = number
    world = np.stack([_local_transform(item, f"nodes[{n}].") for n, item in enumerate(items)] or [np.eye(4)])
    level = [number for number in range(len(items)) if number not in parents]
    reached = depth = 0
    while level:
        reached, depth = reached + len(level), depth + 1
        if depth > budgets.max_node_depth:
            raise ObjectRefused(f"nodes are nested deeper than {budgets.max_node_depth} levels, the most expected")
        level = [child for number in level for child in children[number]]
        for child in level:
            world[child] = world[parents[child]] @ world[child]
    if reached < len(items):
        raise ObjectRefused(f"cycle of nodes: {len(items) - reached} of {len(items)} are below themselves")
    return _Nodes(items, world[: len(items)], _scene_nodes(tree, children))


def _scene_nodes(tree: dict[str, Any], children: list[list[int]]) -> set[int]:
    scenes = _objects(tree, "scenes")
    if not scenes:
        raise ObjectRefused("there is no scene; expected one with a mesh")
    roots = [
        [_index(n, len(children), "nodes", f"scenes[{s}].nodes") for n in _list(scene, "nodes", f"scenes[{s}].")]
        for s, scene in enumerate(scenes)
    ]
    shown = tree.get("scene")
    waiting = list(roots[0 if shown is None else _index(shown, len(scenes), "scenes", "scene")])
    found: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += children[number]
    if not found:
        raise ObjectRefused("the scene is empty: it has no nodes; expected a mesh")
    return found


def _local_transform(item: dict[str, Any], where: str) -> np.ndarray:
    matrix = _numbers(item, "matrix", 16, where)
    if matrix is not None:
        return np.array(matrix, np.float64).reshape(4, 4).T  # glTF writes columns
    given = (_numbers(item, key, n, where) for key, n in (("translation", 3), ("rotation", 4), ("scale", 3)))
    t, r, s = (None if numbers is None else np.array([numbers], np.float64) for numbers in given)
    return np.eye(4) if t is r is s is None else _transforms(t, r, s)[0]


def _transforms(t: np.ndarray | None, r: np.ndarray | None, s: np.ndarray | None) -> np.ndarray:
    """(n, 4, 4) from n translations, quaternions x y z w and scales; None where a file leaves them out."""
    count = next(len(given) for given in (t, r, s) if given is not None)
    matrices = np.tile(np.eye(4), (count, 1, 1))
    if r is not None:
        norm = np.linalg.norm(r, axis=1, keepdims=True)
        x, y, z, w = np.where(norm > 0, r / norm, [0.0, 0.0, 0.0, 1.0]).T
        rows = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
        matrices[:, :3, :3] = np.moveaxis(np.array(rows), 2, 0)
    if s is not None:
        matrices[:, :3, :3] *= s[:, None, :]
    if t is not None:
        matrices[:, :3, 3] = t
    return matrices


def _read_skins(tree: dict[str, Any], nodes: _Nodes, accessors: list[_Accessor]) -> list[np.ndarray]:
    """For each skin, the (joints, 4, 4) matrices that place its vertices in the world."""
    skins = []
    for number, item in enumerate(_objects(tree, "skins")):
        where = f"skins[{number}]."
        joints = [_index(j, len(nodes.items), "nodes", f"{where}joints") for j in _list(item, "joints", where)]
        if not joints:
            raise ObjectRefused(f"{where}joints is missing or empty; expected at least one")
        if item.get("skeleton") is not None:
            _index(item["skeleton"], len(nodes.items), "nodes", f"{where}skeleton")
        placed = nodes.world[joints]
        if item.get("inverseBindMatrices") is not None:
            chosen = _index(item["inverseBindMatrices"], len(accessors), "accessors", f"{where}inverseBindMatrices")
            accessor = accessors[chosen]
            if accessor.width != 16 or accessor.count < len(joints):
                raise ObjectRefused(f"{where}inverseBindMatrices is not one MAT4 for each of {len(joints)} joints")
            inverse = accessor.as_float(accessor.rows()[: len(joints)])
            if not np.isfinite(inverse).all():
                raise ObjectRefused(f"{where}inverseBindMatrices contains NaN or infinity; expected finite numbers")
            placed = placed @ inverse.reshape(-1, 4, 4).transpose(0, 2, 1)
        skins.append(placed)
    return skins


@dataclass(frozen=True)
class _Draw:
    """One mesh at its places in the world."""

    node: int
    mesh: _Mesh
    placed: np.ndarray  # (n, 4, 4): of the node, of its instances, or of the joints of its skin
    instanced: bool
    skinned: bool

    @property
    def times(self) -> int:
        return len(self.placed) if self.instanced else 1


def _read_draws(
    tree: dict[str, Any], nodes: _Nodes, meshes: list[_Mesh], skins: list[np.ndarray], accessors: list[_Accessor]
) -> list[_Draw]:
    cameras = len(_list(tree, "cameras", ""))
    draws = []
    widest: dict[int, int] = {}  # joint number, by accessor
    for number, item in enumerate(nodes.items):
        where = f"nodes[{number}]."
        if item.get("camera") is not None:
            _index(item["camera"], cameras, "cameras", f"{where}camera")
        skin = item.get("skin")
        skin = None if skin is None else _index(skin, len(skins), "skins", f"{where}skin")
        if item.get("mesh") is None:
            continue
        mesh = meshes[_index(item["mesh"], len(meshes), "meshes", f"{where}mesh")]
        placed = nodes.world[number : number + 1]
        instancing = _extension(item, "EXT_mesh_gpu_instancing", where)
        if instancing is not None:
            placed = placed @ _instances(instancing, accessors, where)
            skin = None
        joints = {j for part in mesh.primitives for j in part.joints} if skin is not None else set()
        for j in joints:
            if j not in widest:
                widest[j] = int(accessors[j].rows().max()) if accessors[j].dtype.kind == "u" else -1
            if not 0 <= widest[j] < len(skins[skin or 0]):
                raise ObjectRefused(f"{where}mesh hangs on joint {widest[j]}, out of range: skins[{skin}] has fewer")
        placed = skins[skin] if skin is not None and joints else placed
        draws.append(_Draw(number, mesh, placed, instancing is not None, skin is not None))
    return draws


def _instances(instancing: dict[str, Any], accessors: list[_Accessor], where: str) -> np.ndarray:
    attributes = _object(instancing, "attributes", f"{where}EXT_mesh_gpu_instancing.")
    read: list[np.ndarray | None] = []
    for name, width in (("TRANSLATION", 3), ("ROTATION", 4), ("SCALE", 3)):
        if attributes.get(name) is None:
            read.append(None)
            continue
        accessor = accessors[_index(attributes[name], len(accessors), "accessors", f"{where}instances.{name}")]
        if accessor.width != width:
            raise ObjectRefused(f"{where}instances.{name} has {accessor.width} numbers each; expected {width}")
        read.append(accessor.as_float(accessor.rows()))
    counts = {len(values) for values in read if values is not None}
    if len(counts) > 1:
        raise ObjectRefused(f"{where}instances have {sorted(counts)} transforms; expected the same number of each kind")
    return _transforms(*read) if counts else np.empty((0, 4, 4))


def _check_animations(tree: dict[str, Any], accessors: int) -> None:
    nodes = len(_list(tree, "nodes", ""))
    for number, item in enumerate(_objects(tree, "animations")):
        where = f"animations[{number}]."
        samplers = _objects(item, "samplers", where)
        for sampler in samplers:
            for key in ("input", "output"):
                _index(sampler.get(key), accessors, "accessors", f"{where}samplers.{key}")
        for channel in _objects(item, "channels", where):
            _index(channel.get("sampler"), len(samplers), "samplers in this animation", f"{where}channels.sampler")
            target = _object(channel, "target", f"{where}channels.")
            if target.get("node") is not None:
                _index(target["node"], nodes, "nodes", f"{where}channels.target.node")


# --- what there is to see --------------------------------------------------------------------------


def _check_load(draws: Sequence[_Draw], budgets: FileBudgets) -> None:
    for what, number, limit in (
        ("triangles", sum(draw.times * draw.mesh.triangles for draw in draws), budgets.max_triangles),
        ("corners of triangles, lines and points", sum(d.times * d.mesh.corners for d in draws), 3 * budgets.max_triangles),
        ("vertices, morph targets included,", sum(d.times * d.mesh.vertices for d in draws), budgets.max_vertices),
    ):
        if number > limit:
            raise ObjectRefused(f"{number:,} {what} after instancing; expected at most {limit:,}")


def _check_visible(draws: Sequence[_Draw], accessors: list[_Accessor], opaque: list[bool]) -> None:
    if not any(draw.mesh.primitives and draw.times for draw in draws):
        raise ObjectRefused("the scene has no mesh; expected at least one")
    parts = [part for draw in draws if draw.times for part in draw.mesh.primitives if part.triangles]
    if not parts:
        raise ObjectRefused("the scene has no triangles, only points or lines; expected a surface")
    if not any(part.material is None or opaque[part.material] for part in parts):
        raise ObjectRefused("every material is fully transparent: nothing would be seen")
    extents = _measure(draws, accessors)
    if extents is None:
        return  # in Draco data without declared bounds
    low, high, flat = extents
    far = max(np.abs(low).max(), np.abs(high).max())
    if not far <= _MAX_COORDINATE:
        raise ObjectRefused(f"reaches to coordinate {far:g} once placed; expected finite and at most {_MAX_COORDINATE:g}")
    sizes = np.sort(high - low)
    if not sizes[-1] > max(_MIN_SIZE, 1e-6 * far):
        raise ObjectRefused(f"all vertices are at one point: the object has size {sizes[-1]:g}, {far:g} from the origin")
    if flat or not sizes[1] > 1e-9 * sizes[-1]:
        raise ObjectRefused("all triangles have zero area: expected a surface")


def _measure(draws: Sequence[_Draw], accessors: list[_Accessor]) -> tuple[np.ndarray, np.ndarray, bool] | None:
    """Bounds of all that is drawn, in the world, and whether its surface is nil; None where they cannot be known."""
    corners: list[np.ndarray] = []
    flat = True
    measured: dict[int, tuple[np.ndarray, float] | None] = {}
    rows: dict[int, np.ndarray] = {}
    for draw in draws:
        for part in draw.mesh.primitives:
            if id(part) not in measured:
                measured[id(part)] = _measure_primitive(part, accessors, rows)
            found = measured[id(part)]
            if found is None:
                return None
            box, area = found
            flat = flat and not area > 1e-12 * float(np.sum((box[1] - box[0]) ** 2))
            eight = np.stack(np.meshgrid(*box.T), axis=-1).reshape(-1, 3)
            placed = np.einsum("nij,cj->nci", draw.placed[:, :3, :3], eight) + draw.placed[:, None, :3, 3]
            corners += [placed.min(axis=(0, 1), initial=np.inf), placed.max(axis=(0, 1), initial=-np.inf)]
    every = np.array(corners)
    return every.min(axis=0), every.max(axis=0), flat


def _measure_primitive(
    part: _Primitive, accessors: list[_Accessor], rows: dict[int, np.ndarray]
) -> tuple[np.ndarray, float] | None:
    """(2, 3) bounds of the vertices in use, and the area of the triangles, in the mesh's own frame."""
    accessor = accessors[part.position]
    if part.draco and accessor.data is None:
        if accessor.bounds is None:
            return None
        box = np.array(accessor.bounds, np.float64)
        if not np.isfinite(box).all():
            raise ObjectRefused(f"{part.where}: the declared bounds of POSITION are not finite")
        return box, np.inf
    for number in (part.position, part.indices):
        if number is not None and number not in rows:
            rows[number] = accessors[number].rows()
    low, high, area = np.full(3, np.inf), np.full(3, -np.inf), 0.0
    for vertices in _blocks(part, rows):
        if vertices.max() >= accessor.count:
            raise ObjectRefused(f"{part.where}: index {vertices.max()} out of range of {accessor.count:,} vertices")
        points = accessor.as_float(rows[part.position][vertices])
        if not np.isfinite(points).all():
            raise ObjectRefused(f"{part.where}: vertex positions contain NaN or infinity; expected finite numbers")
        low, high = np.minimum(low, points.min(axis=0)), np.maximum(high, points.max(axis=0))
        if part.mode == 4:
            a, b, c = points[0::3], points[1::3], points[2::3]
        elif part.mode in (5, 6):
            a, b, c = points[:-2] if part.mode == 5 else points[:1], points[1:-1], points[2:]
        else:
            continue
        area += 0.5 * float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())
    return np.stack([low, high]), area


def _blocks(part: _Primitive, rows: dict[int, np.ndarray]) -> Iterator[np.ndarray]:
    """The vertex numbers of the corners, in pieces of bounded size that overlap so that no triangle is lost."""
    overlap = 2 if part.mode in (5, 6) else 0
    for start in range(0, max(1, part.corners - overlap), _BLOCK):
        stop = min(start + _BLOCK + overlap, part.corners)
        if part.indices is not None:
            block = rows[part.indices][start:stop, 0].astype(np.int64)
        else:
            block = np.arange(start, stop)
        if part.mode == 6 and start:  # a fan turns about its first corner
            block[0] = 0 if part.indices is None else rows[part.indices][0, 0]
        yield block
