"""Reads compressed geometry, for which Blender 5.2 needs libraries that its Python package leaves out.

What those libraries are built on is available: meshoptimizer comes with bpy, and Draco is another package.
The gate has checked all sizes before a file gets here.
"""

import ctypes
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from io_scene_gltf2.blender.imp import mesh as importer_of_meshes
from io_scene_gltf2.io.com.gltf2_io import BufferView
from io_scene_gltf2.io.imp.gltf2_io_binary import BinaryData
from io_scene_gltf2.io.imp.gltf2_io_gltf import ImportError as CannotImportError

MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")  # in the order in which Blender looks
DECODERS = {
    "ATTRIBUTES": "meshopt_decodeVertexBuffer",
    "TRIANGLES": "meshopt_decodeIndexBuffer",
    "INDICES": "meshopt_decodeIndexSequence",
}
FILTERS = {
    "OCTAHEDRAL": "meshopt_decodeFilterOct",
    "QUATERNION": "meshopt_decodeFilterQuat",
    "EXPONENTIAL": "meshopt_decodeFilterExp",
    "COLOR": "meshopt_decodeFilterColor",
}
COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


def listen() -> None:
    """Make the importer read compressed geometry from now on. Call this once per process."""
    try:
        from io_scene_gltf2.io.com.library import dll_path
        from io_scene_gltf2.io.imp.gltf2_io_binary_meshopt import MeshoptDecoder
    except ImportError:  # Blender before 5.2 has no meshopt, and ships Draco's library
        return
    libraries = Path(bpy.utils.resource_path("LOCAL")).parent / "lib"
    found = sorted(libraries.glob("*meshoptimizer.*"))
    if found:
        library = ctypes.CDLL(str(found[0]))
        MeshoptDecoder.get_buffer_view = staticmethod(lambda gltf, number: _unpack(library, gltf, number))
    bridge = dll_path("bf_intern_draco_bridge", "Draco")
    if bridge is None or not bridge.is_file():
        importer_of_meshes.decode_primitive = _decode_draco


# --- meshopt --------------------------------------------------------------------------------------


def _unpack(library: ctypes.CDLL, gltf: Any, number: int) -> bytes:
    """The bytes of a bufferView that meshopt compresses, once for each import.

    Unlike Blender's own reader, it supports the filters NONE and COLOR, and returns bytes that a sparse
    accessor cannot overwrite.
    """
    if not hasattr(gltf, "meshopt_cache"):
        gltf.meshopt_cache = {}
    cache: dict[int, bytes] = gltf.meshopt_cache
    if number not in cache:
        extensions = gltf.data.buffer_views[number].extensions
        packing = next(extensions[name] for name in MESHOPT if name in extensions)
        place = (packing["buffer"], packing.get("byteOffset", 0), packing["byteLength"])
        cache[number] = _decode_meshopt(library, packing, bytes(BinaryData.get_buffer_slice(gltf, *place)))
    return cache[number]


def _decode_meshopt(library: ctypes.CDLL, packing: dict[str, Any], stored: bytes) -> bytes:
    count = ctypes.c_size_t(packing["count"])
    stride = ctypes.c_size_t(packing["byteStride"])
    elements = np.zeros((packing["count"], packing["byteStride"]), np.uint8)
    target = ctypes.c_void_p(elements.ctypes.data)
    decode = library[DECODERS[packing["mode"]]]
    decode.restype = ctypes.c_int
    code = decode(target, count, stride, ctypes.c_char_p(stored), ctypes.c_size_t(len(stored)))
    if code:
        raise CannotImportError(f"meshopt data cannot be decoded (code {code})")
    filtering = packing.get("filter", "NONE")
    if filtering != "NONE":
        undo = library[FILTERS[filtering]]
        undo.restype = None
        undo(target, count, stride)
    return elements.tobytes()


# --- Draco ----------------------------------------------------------------------------------------


def _decode_draco(gltf: Any, primitive: Any) -> None:
    """Replace the accessors of a primitive by the values in its Draco data."""
    try:
        import DracoPy
    except ImportError as error:
        hint = "install DracoPy beside bpy (pip install 'viewpoint100k[render]')"
        raise CannotImportError(f"compressed with Draco, which this Blender cannot read; {hint}") from error
    draco = primitive.extensions["KHR_draco_mesh_compression"]
    try:
        mesh = DracoPy.decode(bytes(BinaryData.get_buffer_view(gltf, draco["bufferView"])))
        values = {part["unique_id"]: part["data"] for part in mesh.attributes}
        faces = mesh.faces
    except Exception as error:  # hostile data may raise anything here
        raise CannotImportError(f"its Draco data cannot be decoded ({type(error).__name__})") from error
    accessors = gltf.data.accessors
    _fill(gltf, accessors[primitive.indices], np.asarray(faces).reshape(-1, 1), "indices")
    for name, number in draco["attributes"].items():
        if number not in values:
            raise CannotImportError(f"its Draco data have no attribute {number} for {name}")
        _fill(gltf, accessors[primitive.attributes[name]], values[number], name)


def _fill(gltf: Any, accessor: Any, values: np.ndarray, name: str) -> None:
    """Give an accessor values, (N, components), in a buffer of its own."""
    width = WIDTHS.get(accessor.type, 0)
    if values.ndim != 2 or not 0 < width <= values.shape[1]:
        raise CannotImportError(f"its Draco data have {values.shape} numbers for {name}, a {accessor.type}")
    if len(values) > accessor.count:  # the gate has checked only what the file declares
        found = f"its Draco data have {len(values):,} values for {name}"
        raise CannotImportError(f"{found}; expected {accessor.count:,}")
    kept = np.ascontiguousarray(values[:, :width].astype(COMPONENTS[accessor.component_type]))
    number = max([len(gltf.data.buffers), *(1 + other for other in gltf.buffers)])
    gltf.buffers[number] = kept.tobytes()
    gltf.data.buffer_views.append(BufferView.from_dict({"buffer": number, "byteLength": kept.nbytes}))
    accessor.buffer_view = len(gltf.data.buffer_views) - 1
    accessor.byte_offset = 0
    accessor.count = len(kept)
