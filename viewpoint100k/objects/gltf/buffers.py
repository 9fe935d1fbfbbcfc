"""Reads buffers, bufferViews and accessors, and checks that each stays inside the other."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf import meshopt
from viewpoint100k.objects.gltf.container import SideFiles
from viewpoint100k.objects.gltf.shape import COMPONENTS, SUPPORTED_EXTENSIONS, WIDTHS, extension

_MAX_UNPACKED = 256 << 20  # bytes of all data compressed with meshopt, after decompression
# in the order in which Blender looks them up
_PACKED = ("EXT_meshopt_compression", "KHR_meshopt_compression")


@dataclass(frozen=True, eq=False)
class View:
    stored: memoryview
    stride: int  # 0: packed
    where: str = ""
    packing: dict[str, Any] | None = None  # the parameters of its meshopt compression

    @cached_property
    def data(self) -> memoryview:
        """Its bytes, decompressed."""
        if self.packing is None:
            return self.stored
        filtering: str = self.packing.get("filter", "NONE")
        count: int = self.packing["count"]
        stride: int = self.packing["byteStride"]
        try:
            return meshopt.decode(self.stored, self.packing["mode"], filtering, count, stride)
        except ValueError as error:
            raise ObjectRefused(f"{self.where}: its meshopt data are damaged: {error}") from error


@dataclass(frozen=True, eq=False)
class Accessor:
    count: int
    width: int
    dtype: np.dtype[Any]
    normalized: bool
    data: NDArray[Any] | None  # (count, width), a view into a buffer; None: zeros, or for Draco to fill
    # (n,) row numbers, and the (n, width) rows that replace them
    sparse: tuple[NDArray[Any], NDArray[Any]] | None
    bounds: list[list[float]] | None  # as declared, which is often inaccurate

    @cached_property
    def rows(self) -> NDArray[Any]:
        data = np.zeros((self.count, self.width), self.dtype) if self.data is None else self.data
        if self.sparse is not None:
            data = np.array(data)
            data[self.sparse[0]] = self.sparse[1]
        return data

    @cached_property
    def largest(self) -> int:
        """Its greatest value; the values are unsigned integers (indices or joints)."""
        return int(self.rows.max())

    @cached_property
    def finite(self) -> bool:
        return self.dtype.kind != "f" or bool(np.isfinite(self.rows).all())

    def floats(self, which: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
        rows = self.rows[which].astype(np.float64)
        return (
            np.maximum(rows / np.iinfo(self.dtype).max, -1.0)
            if self.normalized and self.dtype.kind != "f"
            else rows
        )


def read_views(
    tree: dict[str, Any], binary: memoryview | None, side_files: SideFiles, budgets: FileBudgets
) -> list[View]:
    """The bufferViews as Blender reads them; those with meshopt compression are read from the compressed
    data.

    A Blender that cannot read that form takes the other one, where there is one.
    """
    buffers = _read_buffers(tree, binary, side_files)
    items = tree.get("bufferViews", [])
    packings = [_packing(item, f"bufferViews[{number}]") for number, item in enumerate(items)]
    _check_packed([packing for packing in packings if packing is not None], budgets)
    reads_packed = not SUPPORTED_EXTENSIONS.isdisjoint(_PACKED)
    views = []
    for number, (item, packing) in enumerate(zip(items, packings, strict=True)):
        where = f"bufferViews[{number}]"
        stride = item.get("byteStride", 0)
        if packing is not None and reads_packed:
            views.append(View(_slice(packing, buffers, where), stride, where, packing))
        else:
            views.append(View(_slice(item, buffers, where), stride, where))
    return views


def _check_packed(packings: list[dict[str, Any]], budgets: FileBudgets) -> None:
    """Refuse data that would be too large after meshopt decompression."""
    unpacked = sum(packing["count"] * packing["byteStride"] for packing in packings)
    most = min(_MAX_UNPACKED, budgets.max_bytes)
    if unpacked > most:
        raise ObjectRefused(f"meshopt unpacks {unpacked:,} bytes; expected at most {most:,}")
    indices = sum(packing["count"] for packing in packings if packing["mode"] != "ATTRIBUTES")
    most = 3 * budgets.max_triangles
    if indices > most:
        raise ObjectRefused(f"meshopt unpacks {indices:,} indices; expected at most {most:,}")


def _packing(item: dict[str, Any], where: str) -> dict[str, Any] | None:
    """The meshopt parameters of a bufferView; None if it is not compressed."""
    found = [packing for name in _PACKED if (packing := extension(item, name)) is not None]
    if not found:
        return None
    packing = found[0]
    filtering = packing.get("filter", "NONE")
    count = packing["count"]
    stride = packing["byteStride"]
    try:
        meshopt.check_layout(packing["mode"], filtering, count, stride)
    except ValueError as error:
        raise ObjectRefused(f"{where}: meshopt has {error}") from error
    if item["byteLength"] != count * stride or item.get("byteStride", stride) != stride:
        declared = f"byteLength {item['byteLength']:,}, byteStride {item.get('byteStride', stride)}"
        raise ObjectRefused(f"{where} has {declared}, but meshopt {count:,} elements of {stride} bytes")
    return packing


def _read_buffers(
    tree: dict[str, Any], binary: memoryview | None, side_files: SideFiles
) -> list[memoryview | None]:
    buffers = []
    for number, item in enumerate(tree.get("buffers", [])):
        where = f"buffers[{number}]"
        data = binary if number == 0 else None
        if "uri" in item:
            data = side_files.read(item["uri"], f"{where}.uri")
        if data is not None and item["byteLength"] > len(data):
            raise ObjectRefused(f"{where} declares {item['byteLength']:,} bytes, but there are {len(data):,}")
        buffers.append(data)
    return buffers


def _slice(place: dict[str, Any], buffers: list[memoryview | None], where: str) -> memoryview:
    data = buffers[place["buffer"]]
    start = place.get("byteOffset", 0)
    end = start + place["byteLength"]
    if data is None:
        raise ObjectRefused(f"buffers[{place['buffer']}] has no data: neither a uri nor a BIN chunk")
    if end > len(data):
        raise ObjectRefused(f"{where} ends at byte {end:,}, out of its buffer of {len(data):,}")
    found: memoryview = data[start:end]
    return found


def read_accessors(tree: dict[str, Any], views: list[View], budgets: FileBudgets) -> list[Accessor]:
    accessors = []
    total = 0
    for number, item in enumerate(tree.get("accessors", [])):
        where = f"accessors[{number}]"
        dtype = np.dtype(COMPONENTS[item["componentType"]])
        width = WIDTHS[item["type"]]
        count = item["count"]
        data = sparse = None
        replaced = item["sparse"]["count"] if "sparse" in item else 0
        total += (count + replaced) * width * dtype.itemsize
        if total > budgets.max_bytes:  # zeros by the million, or the same bytes again and again
            raise ObjectRefused(
                f"{where} makes {total:,} bytes of accessors; expected at most {budgets.max_bytes:,}"
            )
        if "bufferView" in item:
            data = _rows(item, views, count, width, dtype, where)
        if replaced:
            indices = item["sparse"]["indices"]
            values = item["sparse"]["values"]
            index_type = np.dtype(COMPONENTS[indices["componentType"]])
            which = _rows(indices, views, replaced, 1, index_type, f"{where}.sparse.indices")[:, 0]
            if which.max() >= count:
                raise ObjectRefused(f"{where}.sparse replaces row {which.max()}, out of range of {count}")
            sparse = which, _rows(values, views, replaced, width, dtype, f"{where}.sparse.values")
        bounds = [item.get(key, []) for key in ("min", "max")]
        known = all(len(bound) == width for bound in bounds)
        normalized = item.get("normalized", False)
        accessors.append(Accessor(count, width, dtype, normalized, data, sparse, bounds if known else None))
    return accessors


def _rows(
    place: dict[str, Any], views: list[View], count: int, width: int, dtype: np.dtype[Any], where: str
) -> NDArray[Any]:
    view = views[place["bufferView"]]
    offset = place.get("byteOffset", 0)
    size = width * dtype.itemsize
    stride = view.stride or size
    if stride < size or stride % dtype.itemsize:
        raise ObjectRefused(
            f"{where} has elements of {size} bytes, but its bufferView a byteStride of {stride}"
        )
    end = offset + stride * (count - 1) + size
    if end > len(view.data):
        raise ObjectRefused(f"{where} ends at byte {end:,}, out of its bufferView of {len(view.data):,}")
    return np.ndarray((count, width), dtype, view.data, offset, (stride, dtype.itemsize))
