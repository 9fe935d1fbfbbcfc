"""Compressed geometry renders as its plain form does, where Blender or what we give it can read it."""

import importlib.util

import numpy as np
import pytest
from support.glb_files import RED, box, see, write
from support.meshopt_streams import HALF, STREAMS, glb, packed_box

from viewpoint100k.objects.gltf import SUPPORTED_EXTENSIONS


@pytest.fixture(scope="module")
def seen(tmp_path_factory, needs_bpy):
    """What the studio made of a box, plain and compressed in several ways."""
    folder = tmp_path_factory.mktemp("compressed")
    files = {"plain": write(folder / "plain.glb", [[(box(HALF), 0)]], [{"mesh": 0}], [(RED, {})])}
    if "EXT_meshopt_compression" in SUPPORTED_EXTENSIONS:
        tree, binary = packed_box()
        files["meshopt"] = folder / "meshopt.glb"
        files["meshopt"].write_bytes(glb(tree, binary))
        packing = tree["bufferViews"][0]["extensions"]["EXT_meshopt_compression"]
        packing["filter"] = "NONE"  # which Blender's own reader stumbles over
        tree["bufferViews"][0]["extensions"] = {"KHR_meshopt_compression": packing}
        tree["extensionsUsed"].append("KHR_meshopt_compression")
        files["khronos"] = folder / "khronos.glb"
        files["khronos"].write_bytes(glb(tree, binary))
        files["damaged"] = folder / "damaged.glb"
        end = len(STREAMS["box_points"])
        files["damaged"].write_bytes(glb(tree, bytes([0xA0]) + bytes(end - 1) + binary[end:]))
    if importlib.util.find_spec("DracoPy") is not None:
        files["draco"] = folder / "draco.glb"
        files["draco"].write_bytes(draco_box())
    return see(folder, files)


def draco_box():
    """The box with all its geometry compressed by Draco, without loss to speak of."""
    import DracoPy

    points, normals, indices = box(HALF)
    data = DracoPy.encode(
        points,
        indices.reshape(-1, 3).astype(np.uint32),
        quantization_bits=16,
        normals=normals,
        preserve_order=True,
    )
    numbers = {part["attribute_type"]: part["unique_id"] for part in DracoPy.decode(data).attributes}
    compressed = {"bufferView": 0, "attributes": {"POSITION": numbers[0], "NORMAL": numbers[1]}}
    part = {"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}
    bounds = {"min": points.min(0).tolist(), "max": points.max(0).tolist()}
    look = {"baseColorFactor": RED, "metallicFactor": 0, "roughnessFactor": 1}
    tree = {
        "asset": {"version": "2.0"},
        "extensionsUsed": ["KHR_draco_mesh_compression"],
        "extensionsRequired": ["KHR_draco_mesh_compression"],
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{**part, "extensions": {"KHR_draco_mesh_compression": compressed}}]}],
        "materials": [{"pbrMetallicRoughness": look}],
        "accessors": [
            {"componentType": 5126, "count": 24, "type": "VEC3", **bounds},
            {"componentType": 5126, "count": 24, "type": "VEC3"},
            {"componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": 0, "byteLength": len(data)}],
        "buffers": [{"byteLength": len(data)}],
    }
    return glb(tree, data + bytes(-len(data) % 4))


def decibels(first, second):
    """The PSNR of two pictures of values 0..1."""
    return -10 * np.log10(max(float(((first - second) ** 2).mean()), 1e-12))


@pytest.mark.parametrize("name", ["meshopt", "khronos", "draco"])
def test_a_compressed_box_renders_the_picture_of_the_plain_one(seen, name):
    if name not in seen:
        pytest.skip(f"{name}: Blender 5.2 (Python 3.13) reads meshopt, and there DracoPy reads Draco")
    assert not seen[name].refused
    assert seen["plain"].share(RED) > 0.9
    for view in (0, 1):
        assert decibels(seen[name].picture[view], seen["plain"].picture[view]) > 45


def test_damaged_data_are_refused_and_name_what_compresses_them(seen):
    if "damaged" not in seen:
        pytest.skip("only Blender 5.2 (Python 3.13) reads meshopt")
    assert "meshopt" in seen["damaged"].refused
