"""check_gltf: legal files pass with the right facts, everything else is refused with a reason, nothing else happens."""

import base64
import copy
import importlib.util
import io
import json
import os
import random
import re
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf import SUPPORTED_EXTENSIONS, FileFacts, check_gltf

ASSETS = Path(__file__).resolve().parents[2].parent / "shared/assets"
BUDGETS = FileBudgets()
Tree = dict[str, Any]
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="the shared assets are not on this machine")


# --- small files, made here -------------------------------------------------------------------------


def cube() -> tuple[Tree, bytes]:
    """12 triangles with every feature that can go wrong: a texture, a skin, an instance, a sparse morph target."""
    corners = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, 8).T
    faces = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    pieces = [
        corners.astype("<f4").tobytes(),
        np.array([[a, b, c, a, c, d] for a, b, c, d in faces], "<u2").tobytes(),
        np.zeros((8, 2), "<f4").tobytes(),
        np.zeros((8, 4), np.uint8).tobytes(),
        np.tile(np.array([1, 0, 0, 0], "<f4"), (8, 1)).tobytes(),
        np.eye(4, dtype="<f4").tobytes(),
        np.array([[0, 0, 0], [5, 0, 0]], "<f4").tobytes(),
        np.array([0, 7], "<u2").tobytes(),
        np.zeros((2, 3), "<f4").tobytes(),
        picture("PNG"),
        np.array([0, 1], "<f4").tobytes(),
    ]
    views, at = [], 0
    for piece in pieces:
        views.append({"buffer": 0, "byteOffset": at, "byteLength": len(piece)})
        at += -(-len(piece) // 4) * 4
    sparse = {"count": 2, "indices": {"bufferView": 7, "componentType": 5123}, "values": {"bufferView": 8}}
    tree: Tree = {
        "asset": {"version": "2.0"},
        "extensionsUsed": ["EXT_mesh_gpu_instancing"],
        "scene": 0,
        "scenes": [{"nodes": [0, 2]}],
        "nodes": [
            {"mesh": 0, "skin": 0, "children": [1]},
            {"translation": [0, 0, 1], "rotation": [0, 0, 0, 1], "scale": [1, 1, 1]},
            {"mesh": 1, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 6}}}},
        ],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "TEXCOORD_0": 2, "JOINTS_0": 3, "WEIGHTS_0": 4},
                        "indices": 1,
                        "material": 0,
                        "targets": [{"POSITION": 7}],
                    }
                ]
            },
            {"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]},
        ],
        "skins": [{"joints": [1], "inverseBindMatrices": 5}],
        "materials": [
            {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "baseColorFactor": [1, 1, 1, 1]}}
        ],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 9, "mimeType": "image/png"}],
        "animations": [
            {
                "channels": [{"sampler": 0, "target": {"node": 0, "path": "translation"}}],
                "samplers": [{"input": 8, "output": 6}],
            }
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 8,
                "type": "VEC3",
                "min": [-1] * 3,
                "max": [1] * 3,
            },
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
            {"bufferView": 2, "componentType": 5126, "count": 8, "type": "VEC2"},
            {"bufferView": 3, "componentType": 5121, "count": 8, "type": "VEC4"},
            {"bufferView": 4, "componentType": 5126, "count": 8, "type": "VEC4"},
            {"bufferView": 5, "componentType": 5126, "count": 1, "type": "MAT4"},
            {"bufferView": 6, "componentType": 5126, "count": 2, "type": "VEC3"},
            {"componentType": 5126, "count": 8, "type": "VEC3", "sparse": sparse},
            {"bufferView": 10, "componentType": 5126, "count": 2, "type": "SCALAR", "min": [0], "max": [1]},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": at}],
    }
    return tree, b"".join(piece.ljust(-(-len(piece) // 4) * 4, b"\0") for piece in pieces)


def picture(kind: str, size: tuple[int, int] = (4, 3)) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + b"IEND"
    )


def glb(text: bytes, binary: bytes | None) -> bytes:
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary is not None:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def pack(tree: Tree, binary: bytes | None) -> bytes:
    text = json.dumps(tree).encode()
    return glb(text.ljust(-(-len(text) // 4) * 4), binary)


def put(tree: Tree, where: str, value: Any) -> Tree:
    """A copy of the tree with `value` at a path such as nodes/0/mesh; `...` removes what is there."""
    tree = copy.deepcopy(tree)
    *way, last = (int(part) if part.isdigit() else part for part in where.split("/"))
    holder: Any = tree
    for part in way:
        holder = holder[part] if isinstance(part, int) else holder.setdefault(part, {})
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return tree


Check = Callable[..., FileFacts]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(data: bytes, name: str = "object.glb", budgets: FileBudgets = BUDGETS) -> FileFacts:
        path = tmp_path / name
        path.write_bytes(data)
        return check_gltf(path, budgets)

    return run


@pytest.fixture
def refusal(check: Check) -> Callable[..., str]:
    def run(*args: Any, **kwargs: Any) -> str:
        with pytest.raises(ObjectRefused) as caught:
            check(*args, **kwargs)
        reason = str(caught.value)
        assert reason.isprintable() and reason.isascii(), "one line for people"
        return reason

    return run


# --- legal files ------------------------------------------------------------------------------------


def test_a_legal_file_passes_with_its_facts(check):
    facts = check(pack(*cube()))
    assert facts == FileFacts(
        triangles=36,  # the mesh three times: once skinned, twice by instances
        nodes=5,
        images=1,
        texture_pixels=12,
        extensions=("EXT_mesh_gpu_instancing",),
        skinned=True,
        animations=1,
        files=(),
    )


def test_side_files_are_found_with_percent_signs_and_listed(check, tmp_path):
    tree, binary = cube()
    (tmp_path / "textures").mkdir()
    (tmp_path / "textures/my wood.png").write_bytes(picture("PNG"))
    (tmp_path / "data.bin").write_bytes(binary)
    tree = put(put(tree, "buffers/0/uri", "data.bin"), "images/0", {"uri": "./textures/my%20wood.png"})
    facts = check(json.dumps(tree).encode(), "object.gltf")
    assert [file.relative_to(tmp_path).as_posix() for file in facts.files] == [
        "data.bin",
        "textures/my wood.png",
    ]


def test_data_uris_are_read(check):
    tree, binary = cube()
    uri = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    assert check(json.dumps(put(tree, "buffers/0/uri", uri)).encode(), "object.gltf").triangles == 36


@pytest.mark.parametrize(
    ("kind", "lossless"), [("PNG", None), ("JPEG", None), ("WEBP", False), ("WEBP", True)]
)
def test_image_sizes_are_read_from_headers_as_pillow_reads_them(check, tmp_path, kind, lossless):
    stream = io.BytesIO()
    Image.effect_noise((37, 53), 50).save(
        stream, kind, **({} if lossless is None else {"lossless": lossless})
    )
    (tmp_path / "image").write_bytes(stream.getvalue())
    assert check(pack(*with_image({"uri": "image"}))).texture_pixels == 37 * 53


@pytest.mark.parametrize(("mode", "count", "triangles"), [(4, 36, 12), (5, 36, 34), (6, 36, 34)])
def test_triangles_are_counted_by_mode(check, mode, count, triangles):
    tree, binary = cube()
    assert check(pack(put(tree, "meshes/0/primitives/0/mode", mode), binary)).triangles == triangles + 24


WEIGHTS = {"sampler": 0, "target": {"node": 0, "path": "weights"}}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("scene", ...),
        ("scene", None),  # as Blender: null is absent
        ("nodes/1", {"matrix": [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 7, 7, 7, 1]}),
        ("nodes/1/rotation", [0, 0, 0, 0]),
        ("nodes/2/scale", [0, 0, 0]),  # hidden that way, as many exporters do
        ("accessors/0/min", [9, 9, 9]),  # sloppy bounds are for the tolerant
        ("meshes/0/primitives/0/indices", ...),
        ("images/0/mimeType", "image/jpeg"),  # Blender goes by content
        ("images/1", {"uri": "gone.png"}),  # no texture uses it
        ("extensionsUsed/0", "VENDOR_unknown"),  # used, not required
        ("extras", {"a": [{"b": "[[[[{{{{" * 100}], "name": "\ud800"}),
        ("nodes/0/name", "names may be \0 odd"),
        (
            "animations/0/channels/0/target/node",
            ...,
        ),  # Blender passes over channels without a target that it knows
        ("animations/0/channels/0/target/path", "pointer"),
        ("animations/0", {"channels": [WEIGHTS], "samplers": [{"input": 8, "output": 8}]}),
        ("nodes/2/weights", [1, 2]),  # of a mesh without morph targets
        (
            "extensions",
            {"KHR_lights_punctual": {"lights": [{"type": "spot", "spot": {}}, {"type": "point"}]}},
        ),
        ("extensions", {"KHR_materials_variants": {"variants": [{"name": "red"}]}, "VENDOR_x": {"y": None}}),
        (
            "materials/0/extensions",
            {"KHR_materials_sheen": {"sheenColorFactor": [1, 0, 0]}, "VENDOR_x": {"y": None}},
        ),
        ("materials/0", {"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.1]}}),
    ],
)
def test_what_is_legal_or_harmless_passes(check, where, value):
    tree, binary = cube()
    if where.endswith("indices"):  # 8 corners make no whole triangles
        tree = put(tree, "meshes/0/primitives/0/mode", 5)
    if where == "images/1":
        tree["images"].append({})
    check(pack(put(tree, where, value), binary))


def test_quantised_positions_are_placed_by_their_node(check):
    tree, binary = cube()
    corners = np.array(np.meshgrid([0, 255], [0, 255], [0, 255])).reshape(3, 8).T.astype(np.uint8)
    quantised = {"bufferView": 0, "componentType": 5121, "normalized": True, "count": 8, "type": "VEC3"}
    tree = put(tree, "accessors/0", quantised)
    assert check(pack(tree, corners.tobytes() + binary[24:])).triangles == 36


def test_meshopt_with_a_fallback_is_read_from_the_fallback_where_blender_does(check, refusal):
    tree, binary = cube()
    tree = put(tree, "extensionsUsed", ["EXT_meshopt_compression"])
    packing = {"buffer": 0, "byteLength": 9, "byteStride": 12, "count": 8, "mode": "ATTRIBUTES"}
    tree = put(tree, "bufferViews/0/extensions", {"EXT_meshopt_compression": packing})
    if "EXT_meshopt_compression" not in SUPPORTED_EXTENSIONS:
        check(pack(tree, binary))
    else:
        assert "meshopt data are damaged" in refusal(pack(tree, binary)), "5.2 does not look at the fallback"


def test_a_ktx2_texture_with_a_png_beside_it_passes_and_alone_is_refused(check, refusal):
    tree, binary = with_image({"uri": "data:image/png;base64," + base64.b64encode(picture("PNG")).decode()})
    tree["images"].append({"uri": "texture.ktx2"})
    basisu = {"extensions": {"KHR_texture_basisu": {"source": 1}}}
    assert check(pack(put(tree, "textures/0", {"source": 0, **basisu}), binary)).images == 1
    assert "KHR_texture_basisu" in refusal(pack(put(tree, "textures/0", basisu), binary))


# --- one thing wrong --------------------------------------------------------------------------------

TINY, BINARY = cube()
PART = "meshes/0/primitives/0/"
TEXTURE = "materials/0/pbrMetallicRoughness/baseColorTexture/"
INSTANCES = "nodes/2/extensions/EXT_mesh_gpu_instancing"


@pytest.mark.parametrize(
    ("where", "value", "word"),
    [
        ("asset", ..., "asset is missing"),
        ("asset", 7, "asset"),
        ("asset/version", "1.0", "'1.0'"),
        ("asset/version", 2.0, "expected a text"),
        ("scenes", ..., "scenes is missing"),
        ("scenes", [], "the file has 0 scenes"),
        ("scene", 1, "out of range"),
        ("scenes/0/nodes", [], "the scene is empty"),
        ("scenes/0/nodes", [99], "out of range"),
        ("scenes/0/nodes", [1], "none of its nodes has a mesh"),
        ("nodes", 5, "nodes is 5; expected a list"),
        ("nodes/0", "no", "nodes[0] is 'no'"),
        ("nodes/0/mesh", True, "nodes[0].mesh is True"),
        ("nodes/0/mesh", -1, "nodes[0].mesh is -1"),
        ("nodes/0/mesh", "0", "nodes[0].mesh is '0'"),
        ("nodes/0/mesh", 1.0, "nodes[0].mesh is 1.0"),
        ("nodes/0/mesh", 2, "the file has 2 meshes"),
        ("nodes/0/camera", 0, "the file has 0 cameras"),
        ("nodes/0/skin", 1, "the file has 1 skins"),
        ("nodes/0/children", [0], "cycle"),
        ("nodes/0/children", [1, 1], "two parents"),
        ("nodes/1/children", [0], "cycle"),
        ("nodes/2/children", [1], "two parents"),
        ("nodes/2/matrix", [1] * 15, "expected 16"),
        ("nodes/2/matrix", [1] * 15 + ["x"], "matrix[15] is 'x'"),
        ("nodes/2/matrix", [1e31] * 16, "finite number up to"),
        ("nodes/2/translation", [0, 0, 1e20], "coordinate 1e+20"),
        ("nodes/2/translation", [0, 0, 10**400], "translation[2] is inf"),
        ("nodes/1/scale", [1e30, 1e30, 1e30], "coordinate"),
        (INSTANCES, {"attributes": {"TRANSLATION": 0, "SCALE": 6}}, "do not match"),
        (INSTANCES, {"attributes": {"ROTATION": 6}}, "do not match"),
        (INSTANCES, {}, "attributes is missing"),
        ("meshes/0", {}, "primitives is missing"),
        (PART + "mode", 7, "expected one of"),
        (PART + "attributes/POSITION", "0", "expected an index"),
        (PART + "attributes/POSITION", 2, "2 numbers each"),
        (PART + "attributes/TEXCOORD_0", 6, "3 numbers each"),
        (PART + "attributes/NORMAL", 6, "2 values; expected one for each of 8"),
        (PART + "attributes/JOINTS_0", 4, "JOINTS are not unsigned"),
        (PART + "indices", 0, "not single unsigned integers"),
        (PART + "targets", [{"POSITION": 6}], "2 values"),
        (PART + "material", 3, "out of range"),
        (
            PART + "extensions",
            {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}},
            "Draco",
        ),
        ("accessors/0/count", -8, "expected an integer of at least 1"),
        ("accessors/0/count", 0, "at least 1"),
        ("accessors/0/count", 9, "out of its bufferView"),
        ("accessors/0/count", 2**62, "bytes of accessors"),
        ("accessors/0/count", 10**30, "count is 1e+30"),
        ("accessors/0/byteOffset", 4, "out of its bufferView"),
        ("accessors/0/byteOffset", 2**62, "out of its bufferView"),
        ("accessors/0/componentType", 5124, "expected one of"),
        ("accessors/0/componentType", [], "a list; expected one of"),
        ("accessors/0/type", "VEC9", "expected one of"),
        ("accessors/0/min", ["a"], "min[0]"),
        ("accessors/0/bufferView", ..., "POSITION has no data"),
        ("accessors/1/count", 35, "35 corners"),
        ("accessors/1/bufferView", ..., "zero area"),
        ("accessors/7/sparse/count", 9, "out of its bufferView"),
        ("accessors/7/sparse/indices/componentType", 5126, "expected one of"),
        ("accessors/7/sparse/indices/byteOffset", 2**40, "out of its bufferView"),
        ("accessors/7/count", 5, "out of range of 5"),
        ("accessors/5/type", "VEC4", "not one MAT4"),
        ("bufferViews/0/byteLength", 10**9, "out of its buffer"),
        ("bufferViews/0/byteOffset", -4, "at least 0"),
        ("bufferViews/0/buffer", 1, "out of range"),
        ("bufferViews/0/byteStride", 4, "byteStride of 4"),
        ("bufferViews/0/byteStride", 10**12, "out of its bufferView"),
        ("buffers/0/byteLength", 10**9, "but there are"),
        ("skins/0/joints", [], "no joints"),
        ("skins/0/joints", ..., "joints is missing"),
        ("skins/0/joints", [9], "out of range"),
        ("skins/0/skeleton", -1, "skeleton"),
        ("materials/0/pbrMetallicRoughness/baseColorTexture/index", 1, "out of range"),
        ("materials/0/emissiveTexture", 3, "expected an object"),
        ("textures/0/source", 1, "the file has 1 images"),
        ("images/0/uri", "x.png", "both uri and bufferView"),
        ("images/0/bufferView", ..., "neither uri nor"),
        ("images/0/bufferView", 0, "expected PNG, JPEG or WebP"),
        ("animations/0/samplers/0/input", 99, "out of range"),
        ("extensionsRequired", ["VENDOR_unknown"], "'VENDOR_unknown'"),
        ("extensionsRequired", ["EXT_meshopt_compression"], "meshopt"),
        ("extensionsRequired", ["KHR_texture_basisu"], "KTX2"),
        ("extensionsRequired", ["KHR_texture_transform"], "extensionsUsed"),
        ("extensionsRequired", [3], "expected a text"),
        ("extensionsUsed", "KHR_texture_transform", "expected a list"),
    ],
)
def test_one_wrong_value_in_the_json_is_refused_by_name(refusal, where, value, word):
    assert word in refusal(pack(put(TINY, where, value), BINARY))


CHANNEL, SAMPLER = "animations/0/channels/0/", "animations/0/samplers/0/"
MORPH, BARE = {"POSITION": 7}, {"POSITION": 0}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"asset/generator": 5}, "generator is 5; expected a text"),
        ({"nodes/0/name": "\ud800"}, "expected a text"),  # half a character
        ({"bufferViews/0/target": 1e308}, "expected an integer"),
        ({"bufferViews/0/extensions": []}, "expected an object"),
        ({"asset/extensions": {"VENDOR_x": 3}}, "expected an object"),
        ({"accessors/5/type": "MAT2"}, "expected one of"),
        ({"accessors/1/normalized": True}, "indices are not single unsigned integers"),
        ({"accessors/3/normalized": True}, "JOINTS are not unsigned integers"),
        ({"cameras": [{"type": "perspective"}], "nodes/1/camera": 0}, "camera without .perspective"),
        ({"cameras": [{"type": "orthographic", "orthographic": {}}]}, "xmag is missing"),
        ({"nodes/1/extensions": {"KHR_lights_punctual": {"light": 0}}}, "the file has 0 lights"),
        ({"nodes/1/extensions": {"KHR_lights_punctual": {}}}, "light is missing"),
        ({"extensions": {"KHR_lights_punctual": {"lights": [{"type": "sun"}]}}}, "expected one of"),
        ({"extensions": {"KHR_lights_punctual": {"lights": [{"type": "spot", "spot": None}]}}}, "expected"),
        (
            {"extensions": {"KHR_lights_punctual": {"lights": [{"type": "point", "color": [1]}]}}},
            "expected 3",
        ),
        ({"extensions": {"KHR_materials_variants": {"variants": [{}]}}}, "name is missing"),
        (
            {
                PART + "extensions": {
                    "KHR_materials_variants": {"mappings": [{"material": 0, "variants": [0]}]}
                }
            },
            "the file has 0 variants",
        ),
        ({"materials/0/extensions": {"KHR_materials_ior": {"ior": None}}}, "expected"),
        ({"materials/0/extensions": {"KHR_materials_sheen": {"sheenColorFactor": [1, 0]}}}, "expected 3"),
        (
            {"materials/0/extensions": {"KHR_materials_transmission": {"transmissionFactor": []}}},
            "a finite number",
        ),
        (
            {"materials/0/extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [1]}}},
            "expected 4",
        ),
        (
            {"materials/0/extensions": {"KHR_materials_pbrSpecularGlossiness": {"glossinessFactor": 10**40}}},
            "a finite number",
        ),
        (
            {TEXTURE + "extensions": {"KHR_texture_transform": {"offset": [0]}}},
            "offset has 1 numbers; expected 2",
        ),
        ({"scenes/0/nodes": [0, 2, 0]}, "scenes[0] has nodes[0] twice"),
        ({"scenes/0/nodes": [0, 2, 1]}, "scenes[0] has nodes[1] twice"),  # below nodes[0]
        ({"nodes/0/weights": [1, 2]}, "2 weights for 1 morph targets"),
        ({"meshes/0/weights": [1, 2]}, "2 weights for 1 morph targets"),
        (
            {
                "meshes/1/primitives": [
                    {"attributes": BARE, "indices": 1, "targets": [MORPH] * n} for n in (2, 1)
                ]
            },
            "2 morph targets, another 1",
        ),
        (
            {"meshes/1/primitives": [{"attributes": {**BARE, "_X": n}, "indices": 1} for n in (0, 4)]},
            "'_X' has 3 numbers each in one primitive, 4 in another",
        ),
        ({PART + "attributes/_" + 67 * "x": 0}, "too long"),
        ({CHANNEL + "sampler": 1}, "the animation has 1 samplers"),
        ({CHANNEL + "target/path": "rotation"}, "2 values of 3 numbers for 2 keyframes; expected 2 of 4"),
        ({SAMPLER + "interpolation": "CUBICSPLINE"}, "expected 6 of 3"),
        ({SAMPLER + "interpolation": "CUBIC"}, "interpolation is 'CUBIC'"),
        ({SAMPLER + "input": 1}, "2 values of 3 numbers for 36 keyframes"),
        ({CHANNEL + "target": {"node": 2, "path": "weights"}}, "meshes[1] has no morph targets"),
        (
            {"animations/0": {"channels": [WEIGHTS], "samplers": [{"input": 1, "output": 8}]}},
            "expected 36 of 1",
        ),
    ],
)
def test_what_the_importer_of_blender_fails_on_is_refused_before(refusal, changes, word):
    tree = TINY
    for where, value in changes.items():
        tree = put(tree, where, value)
    assert word in refusal(pack(tree, BINARY))


def test_animations_that_keep_blender_busy_for_minutes_are_refused(refusal):
    animation = TINY["animations"][0]
    assert "animations; expected at most" in refusal(
        pack(put(TINY, "animations", [animation] * 3_000), BINARY)
    )
    million = [{"componentType": 5126, "type": kind, "count": 1_000_000} for kind in ("SCALAR", "VEC3")]
    tree = put(TINY, "accessors", [*TINY["accessors"], *million])
    sampler = {"input": len(TINY["accessors"]), "output": len(TINY["accessors"]) + 1}
    tree = put(tree, "animations/0", {"channels": animation["channels"] * 6, "samplers": [sampler]})
    assert "6,000,000 keyframes; expected at most" in refusal(pack(tree, BINARY))


def test_scenes_and_materials_by_the_thousand_are_refused_because_blender_makes_each(refusal):
    assert "1,000 scenes; expected at most" in refusal(
        pack(put(TINY, "scenes", TINY["scenes"] * 1_000), BINARY)
    )
    assert "nodes in its scenes" in refusal(
        pack(put(TINY, "scenes", TINY["scenes"] * 9), BINARY),
        budgets=BUDGETS.model_copy(update={"max_nodes": 26}),
    )
    parts = [{"attributes": BARE, "indices": 1, "material": number} for number in range(5_000)]
    tree = put(put(TINY, "materials", TINY["materials"] * 5_000), "meshes/1/primitives", parts)
    assert "5,000 materials; expected at most" in refusal(pack(tree, BINARY))


@pytest.mark.parametrize(
    ("where", "value", "word"),
    [
        ("mode", 0, "only points or lines"),
        ("mode", 1, "only points or lines"),
        ("attributes", {}, "has a mesh"),
    ],
)
def test_a_scene_without_triangles_is_refused(refusal, where, value, word):
    assert word in refusal(pack(put(put(TINY, "scenes/0/nodes", [0]), PART + where, value), BINARY))


def test_instances_with_morph_targets_are_refused_because_blender_fails_on_them(refusal):
    assert "morph targets" in refusal(pack(put(TINY, "nodes/2/mesh", 0), BINARY))


def binary_with(view: int, values: np.ndarray) -> bytes:
    start = TINY["bufferViews"][view]["byteOffset"]
    return BINARY[:start] + values.tobytes() + BINARY[start + values.nbytes :]


@pytest.mark.parametrize(
    ("view", "values", "word"),
    [
        (0, np.full((8, 3), np.nan, "<f4"), "NaN"),
        (0, np.full((1, 3), np.inf, "<f4"), "infinity"),
        (0, np.zeros((8, 3), "<f4"), "zero area"),
        (0, np.full((8, 3), 3e38, "<f4"), "coordinate 3e+38"),
        (0, np.outer(np.arange(8), [1, 1, 1]).astype("<f4"), "zero area"),
        (0, np.outer(np.arange(8), [1, 0, 0]).astype("<f4"), "zero area"),
        (1, np.array([8], "<u2"), "index 8, out of range of 8 vertices"),
        (1, np.array([65535] * 36, "<u2"), "index 65535"),
        (1, np.zeros(36, "<u2"), "zero area"),
        (1, np.array([0, 1] * 18, "<u2"), "zero area"),
        (3, np.full((8, 4), 1, np.uint8), "joint 1, out of range of 1"),
        (4, np.full((8, 4), np.nan, "<f4"), "weights or morph targets contain NaN"),
        (8, np.full((1, 3), np.inf, "<f4"), "weights or morph targets contain NaN"),
        (5, np.full((4, 4), np.nan, "<f4"), "inverseBindMatrices contains NaN"),
        (5, np.full((4, 4), np.inf, "<f4"), "inverseBindMatrices contains NaN"),
        (6, np.full((2, 3), np.nan, "<f4"), "coordinate nan"),
        (7, np.array([0, 8], "<u2"), "row 8, out of range of 8"),
    ],
)
def test_one_wrong_value_in_the_binary_is_refused_by_name(refusal, view, values, word):
    assert word in refusal(pack(TINY, binary_with(view, values)))


def test_an_object_scaled_to_nothing_is_refused(refusal):
    tree = put(put(TINY, "nodes/1/scale", [0, 0, 0]), "nodes/2/scale", [0, 0, 0])
    assert "one point" in refusal(pack(put(tree, "nodes/2/translation", [0, 0, 1]), BINARY))


def test_an_object_lost_in_the_distance_is_refused(refusal):
    tree = put(put(TINY, "scenes/0/nodes", [2]), "nodes/2/translation", [1e9, 0, 0])
    assert "1e+09 from the origin" in refusal(pack(tree, BINARY))


@pytest.mark.parametrize(
    ("alpha", "mode", "cutoff", "passes"),
    [(0, "BLEND", 0.5, 0), (0.4, "MASK", 0.5, 0), (0, "OPAQUE", 0.5, 1), (0.4, "MASK", 0.3, 1)],
)
def test_materials_that_cannot_be_seen_are_refused(check, refusal, alpha, mode, cutoff, passes):
    factor = {"baseColorFactor": [1, 1, 1, alpha]}
    material = {"alphaMode": mode, "alphaCutoff": cutoff, "pbrMetallicRoughness": factor}
    data = pack(put(TINY, "materials/0", material), BINARY)
    if passes:
        check(data)
    else:
        assert "fully transparent" in refusal(data)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "0 bytes"),
        (b"\0" * 100, "unknown type"),
        (b"hello, I am not a model\n" * 9, "plain text"),
        (b"\n\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git-LFS"),
        (b"PK\3\4" + b"x" * 99, "ZIP"),
        (b'\xef\xbb\xbf{"asset": {"version": "2.0"}}', "byte order mark"),
        (b"glTX" + pack(TINY, BINARY)[4:], "'glTX'"),
        (pack(TINY, BINARY)[:4] + b"\1" + pack(TINY, BINARY)[5:], "GLB version 1"),
        (pack(TINY, BINARY)[:12], "truncated"),
        (pack(TINY, BINARY)[:1000], "truncated"),
        (pack(TINY, BINARY) + b"more", "declares a length"),
        (struct.pack("<4sIII4s", b"glTF", 2, 20, 2**32 - 1, b"JSON"), "JSON chunk declares"),
        (pack(TINY, BINARY).replace(b"JSON", b"BIN\0"), "expected JSON"),
        (pack(TINY, None), "has no data"),
        (glb(b'{"asset": ', b""), "syntax error"),
        (glb(b"[1, 2]", b""), "expected an object"),
        (glb(b'"glTF"', b""), "expected an object"),
        (glb(b"{}\0\0", b""), "syntax error"),
        (glb(b'{"asset": {"version": "\xff"}}', b""), "not UTF-8"),
        (glb(b'{"asset": {"version": "2.0"}, "asset": {}}', b""), "duplicate key 'asset'"),
        (glb(b'{"a": NaN}', b""), "NaN"),
        (glb(b'{"a": -Infinity}', b""), "Infinity"),
        (glb(b"[" * 100_000, b""), "nested 100,000 deep"),
        (glb(b'{"a":' * 65 + b"1" + b"}" * 65, b""), "nested 65 deep"),
        (glb(b'{"a\\ud800\\n": 1, "a\\ud800\\n": 2}', b""), "duplicate key"),
        (glb(b"{" + b" " * (64 << 20) + b"}", b""), "expected at most 67,108,864"),
        (glb(b'{"a": [' + b"[]," * 2_000_000 + b"[]]}", b""), "values"),
    ],
    ids=range(28),
)
def test_what_is_not_a_gltf_file_is_named(refusal, data, word):
    assert word in refusal(data)


def test_json_numbers_of_a_million_digits_take_no_time(refusal):
    started = time.process_time()
    for number in (b"9" * 1_000_000, b"0." + b"1" * 1_000_000, b"1e" + b"9" * 1_000_000):
        assert "an integer of at least" in refusal(
            glb(b'{"asset": {"version": "2.0"}, "scenes": [{"nodes": [%b]}]}' % number, b"")
        )
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "text",
    [b'"' * 4_000_000, b'"\\"' * 2_000_000, b"\\" * 4_000_000, b'{"' + b"a" * 4_000_000, b"]" * 4_000_000],
)
def test_hostile_strings_take_no_time(refusal, text):
    started = time.process_time()
    refusal(glb(text, b""))
    assert time.process_time() - started < 2


# --- budgets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "word"),
    [
        ({"max_bytes": 1000}, "expected at most 1,000"),
        ({"max_json_bytes": 1000}, "its JSON has"),
        ({"max_json_values": 10}, "values"),
        ({"max_json_depth": 3}, "nested"),
        ({"max_triangles": 35}, "36 triangles, after instancing; expected at most 35"),
        ({"max_vertices": 31}, "32 vertices, morph targets included"),
        ({"max_primitives": 1}, "2 primitives"),
        ({"max_nodes": 2}, "3 nodes"),
        ({"max_nodes": 4}, "5 nodes"),
        ({"max_node_depth": 1}, "deeper than 1"),
        ({"max_texture_pixels": 11}, "4 x 3 = 12 pixels"),
        ({"max_total_texture_pixels": 11}, "12 with those before"),
    ],
)
def test_each_budget_is_kept(refusal, budget, word):
    assert word in refusal(pack(TINY, BINARY), budgets=FileBudgets(**budget))


def test_ten_thousand_instances_of_one_mesh_are_counted(refusal):
    nodes = [{"mesh": 0} for _ in range(15_000)]
    tree = put(put(TINY, "nodes", nodes), "scenes/0/nodes", list(range(15_000)))
    tree = put(tree, "skins", ...)
    assert "180,000 triangles" in refusal(
        pack(tree, BINARY), budgets=FileBudgets(max_triangles=179_999, max_nodes=20_000)
    )


def heavy(**lists: Any) -> Tree:
    """The cube's file with other lists, whose nodes are all roots of its scene."""
    tree = copy.deepcopy(TINY) | {"skins": []} | lists
    tree["scenes"], tree["scene"] = [{"nodes": list(range(len(tree["nodes"])))}], 0
    return tree


CUSTOM = {"POSITION": 0} | {f"_{i}": 0 for i in range(201)}
SKINNED = TINY["meshes"][0]["primitives"]
JOINTS = [{"name": "x" * 70 + str(i)} for i in range(400)]  # the same within the 63 bytes that Blender keeps


@pytest.mark.parametrize(
    ("lists", "word"),
    [
        ({"nodes": [{}] * 5_001}, "5,001 nodes"),
        (
            {"meshes": [{"primitives": SKINNED}] * 4_000, "nodes": [{"mesh": i} for i in range(4_000)]},
            "join some",
        ),
        ({"nodes": [{}, {}], "skins": [{"joints": [0, 1] * 60}]}, "lists 118 joints again"),
        ({"nodes": JOINTS, "skins": [{"joints": list(range(400))}]}, "400 joints are called"),
        (
            {"meshes": [{"primitives": [SKINNED[0] | {"attributes": CUSTOM}]}], "nodes": [{"mesh": 0}]},
            "201 custom attributes",
        ),
    ],
)
def test_what_would_keep_blender_busy_for_minutes_is_refused(refusal, lists, word):
    assert word in refusal(pack(heavy(**lists), BINARY))


def test_a_rig_and_a_scene_of_ordinary_size_pass(check):
    nodes = [{"mesh": 0}] * 2_000 + [{"name": f"bone {i}"} for i in range(500)]
    assert (
        check(pack(heavy(nodes=nodes, skins=[{"joints": list(range(2_000, 2_500))}]), BINARY)).nodes == 2_500
    )


def test_values_of_custom_attributes_are_counted_for_each_of_them(refusal):
    zeros = {"componentType": 5121, "type": "SCALAR", "count": 999_999}
    first = {"count": 1, "indices": {"bufferView": 0, "componentType": 5121}, "values": {"bufferView": 0}}
    many = {"POSITION": len(TINY["accessors"]) + 1} | {f"_{i}": len(TINY["accessors"]) for i in range(40)}
    place = {**zeros, "componentType": 5126, "type": "VEC3", "sparse": first}
    lists = {"accessors": [*TINY["accessors"], zeros, place], "nodes": [{"mesh": 0}]}
    tree = heavy(meshes=[{"primitives": [*SKINNED, {"attributes": many}]}], **lists)
    assert "custom attributes" in refusal(pack(tree, BINARY))


def test_an_error_of_our_own_reader_refuses_the_file_and_no_more(refusal, monkeypatch):
    monkeypatch.setattr("viewpoint100k.objects.gltf.check_load", lambda *_: {}["load"])
    assert "our reader fails on it (KeyError: 'load')" in refusal(pack(TINY, BINARY))


def test_zeros_by_the_billion_are_refused_before_they_are_made(refusal):
    tree = put(TINY, "accessors/7/count", 2**31)
    assert "bytes of accessors" in refusal(pack(tree, BINARY))


def test_one_accessor_in_a_thousand_morph_targets_is_counted_each_time(refusal):
    tree = put(TINY, PART + "targets", [{"POSITION": 7}] * 1000)
    assert "vertices, morph" in refusal(pack(tree, BINARY), budgets=FileBudgets(max_vertices=8_000))


def test_one_side_file_in_many_buffers_is_counted_each_time(refusal, tmp_path):
    (tmp_path / "data.bin").write_bytes(bytes(10_000))
    tree = put(TINY, "buffers", [{"uri": "data.bin", "byteLength": 10_000} for _ in range(20)])
    assert "side files included" in refusal(pack(tree, None), budgets=FileBudgets(max_bytes=100_000))


# --- where a file may lead --------------------------------------------------------------------------

OUTSIDE = ["../secret.png", "%2e%2e/secret.png", "a/../../secret.png", "..%2fsecret.png", "..\\secret.png"]
OUTSIDE += ["..%5Csecret.png", "/etc/hostname", "//etc/hostname", "%2Fetc%2Fhostname", "file:///etc/hostname"]
OUTSIDE += [
    "http://example.org/a.png",
    "HTTPS://example.org/a.png",
    "DATA:image/png;base64,AAAA",
    "C:\\a.png",
    "",
    ".",
]
OUTSIDE += [
    "link.png",
    "folder/secret.png",
    "loop",
    "a\0b",
    "a%00b",
    "x" * 5000,
    "\ud800.png",
    "fifo",
    "missing.png",
]
OUTSIDE += [
    "data:,/../../secret.png",
    "data:image/png,/../../secret.png",
    "..",
    "textures/..",
    "data:;base64,*",
]

opened: list[str] | None = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if opened is not None and event in ("open", "os.listdir", "os.scandir", "socket.connect"):
        opened.append(
            os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else str(arguments[0])
        )


@pytest.fixture
def openings() -> Iterator[list[str]]:
    """All that Python opens meanwhile."""
    global opened
    if not getattr(sys, "_gltf_test_listens", False):  # a hook stays until the process ends
        sys.addaudithook(_listen)
        sys._gltf_test_listens = True  # type: ignore[attr-defined]
    opened = []
    yield opened
    opened = None


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder with a way out by each kind of link, and a picture outside."""
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "secret.png").write_bytes(picture("PNG"))
    (home / "link.png").symlink_to("../secret.png")
    (home / "folder").symlink_to("..", target_is_directory=True)
    (home / "loop").symlink_to("loop")
    os.mkfifo(home / "fifo")
    return home


def with_image(image: Tree) -> tuple[Tree, bytes]:
    return put(TINY, "images/0", image), BINARY


@pytest.mark.parametrize("what", ["images", "buffers", "unused image"])
@pytest.mark.parametrize("uri", OUTSIDE)
def test_no_uri_leads_out_of_the_folder(trap, openings, what, uri):
    tree = put(TINY, "buffers/0/uri", uri) if what == "buffers" else put(TINY, "images/0", {"uri": uri})
    if what == "unused image":
        tree = put(put(tree, "textures", ...), "materials", [{}])
    path = trap / "object.glb"
    path.write_bytes(pack(tree, BINARY))
    openings.clear()
    inside = uri in (".", "fifo", "missing.png", "x" * 5000) or uri.startswith("data:")
    if inside and what == "unused image":
        check_gltf(path, BUDGETS)  # Blender would not open it
    else:
        with pytest.raises(ObjectRefused, match=r"^(images|buffers)\[0\]") as caught:
            check_gltf(path, BUDGETS)
        assert str(caught.value).isprintable()
    assert set(openings) == {str(path)}


def test_a_link_that_stays_inside_is_followed(check, tmp_path):
    (tmp_path / "real.png").write_bytes(picture("PNG"))
    (tmp_path / "link.png").symlink_to("real.png")
    assert check(pack(*with_image({"uri": "link.png"}))).images == 1


@pytest.mark.parametrize("make", ["missing", "folder", "fifo"])
def test_an_object_that_is_no_ordinary_file_is_refused(tmp_path, make):
    path = tmp_path / "object.glb"
    {"missing": lambda: None, "folder": path.mkdir, "fifo": lambda: os.mkfifo(path)}[make]()
    with pytest.raises(ObjectRefused, match=r"missing|not an ordinary file"):
        check_gltf(path, BUDGETS)


# --- images -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "unknown type"),
        (picture("PNG")[:-20], "truncated"),
        (picture("JPEG", (64, 64))[:-200], "truncated"),
        (picture("JPEG")[:30], "truncated or damaged"),
        (picture("WEBP")[:-9], "truncated"),
        (b"\xff\xd8" + b"\xff" * 1_000_000, "without a readable header"),
        (b"\xff\xd8\xff" + b"\xe0\0\0" * 100, "without a readable header"),
        (png_header(30_000, 30_000), "900,000,000 pixels"),
        (png_header(2**32 - 1, 2**32 - 1), "expected 1 to"),
        (png_header(0, 5), "0 pixels"),
        (picture("PNG")[:20] + b"\xff" + picture("PNG")[21:], "damaged"),
        (b"RIFF\xff\0\0\0WEBPVP8?" + bytes(50), "damaged"),
        (picture("GIF"), "a GIF"),
        (picture("BMP"), "a BMP"),
        (picture("TIFF"), "a TIFF"),
        (b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(50), "KTX"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git-LFS"),
    ],
    ids=range(17),
)
def test_images_that_blender_would_choke_on_are_refused(refusal, tmp_path, data, word):
    (tmp_path / "image").write_bytes(data)
    reason = refusal(pack(*with_image({"uri": "image"})))
    assert word in reason and "images[0]" in reason


def test_images_of_16_bits_count_four_times_for_blender_keeps_floats_of_them(check, refusal, tmp_path):
    Image.new("I;16", (4, 3)).save(tmp_path / "image", "PNG")
    deep = pack(*with_image({"uri": "image"}))
    assert check(deep, budgets=BUDGETS.model_copy(update={"max_total_texture_pixels": 48})).images == 1
    budgets = BUDGETS.model_copy(update={"max_total_texture_pixels": 47})
    assert "48 with those before, those of 16 bits counted four times" in refusal(deep, budgets=budgets)


# --- whatever else strangers may send ----------------------------------------------------------------


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    return [way, *(place for key, child in children for place in _places(child, (*way, key)))]


def _damaged(rng: random.Random) -> bytes:
    data = pack(TINY, BINARY)
    kind = rng.randrange(4)
    if kind == 0:
        return data[: rng.randrange(len(data))]
    if kind == 1:
        flipped = bytearray(data)
        for _ in range(rng.choice([1, 3, 30])):
            flipped[rng.randrange(len(data))] = rng.randrange(256)
        return bytes(flipped)
    tree = copy.deepcopy(TINY)
    for _ in range(rng.choice([1, 1, 3])):
        *way, last = rng.choice([place for place in _places(tree) if place])
        holder: Any = tree
        for key in way:
            holder = holder[key]
        nasty = [
            None,
            True,
            -1,
            0,
            1,
            7,
            2**31,
            2**63,
            10**50,
            0.5,
            1e308,
            "",
            "x",
            "../x",
            [],
            {},
            [[]],
            [0],
            {"a": 0},
        ]
        holder[last] = copy.deepcopy(rng.choice([*nasty, *TINY.values()]))
    return pack(tree, BINARY)


@pytest.mark.parametrize("seed", range(300))
def test_damaged_files_are_refused_or_pass_but_nothing_else_happens(check, seed):
    reason = "passed"
    try:
        check(_damaged(random.Random(seed)))
    except ObjectRefused as refused:
        reason = str(refused)
    assert reason.isprintable() and len(reason) < 300


# --- against the world ------------------------------------------------------------------------------


def test_the_supported_extensions_are_those_of_the_installed_blender():
    found = importlib.util.find_spec("bpy")
    if found is None or not found.submodule_search_locations:
        pytest.skip("bpy is not installed")
    sources = list(
        Path(found.submodule_search_locations[0]).glob(
            "*/scripts/addons_core/io_scene_gltf2/io/imp/gltf2_io_gltf.py"
        )
    )
    assert len(sources) == 1
    listed = re.search(r"extensions_managed = \[(.*?)\]", sources[0].read_text(), re.DOTALL)
    readable = set(re.findall(r"'(\w+)'", listed[1])) if listed else set()
    assert readable == SUPPORTED_EXTENSIONS


@needs_assets
def test_all_good_objects_pass_quickly_with_the_facts_of_their_manifest():
    started = time.process_time()
    for entry in json.loads((ASSETS / "objects/manifest.json").read_text()):
        facts = check_gltf(ASSETS / "objects" / entry["file"], BUDGETS)
        assert facts.triangles == entry["triangles"], entry["file"]
        assert facts.skinned == entry["skinned"], entry["file"]
        assert facts.animations == entry["animations"], entry["file"]
        assert sorted(facts.extensions) == sorted(entry["extensions"]), entry["file"]
        assert (facts.images > 0) == entry["textured"], entry["file"]
    assert time.process_time() - started < 10


REASONS = {
    "01": "truncated", "02": "glTX", "03": "syntax error", "05": "BIN chunk declares", "06": "empty", "07": "NaN",
    "09": "empty", "10": "one point", "11": "only points", "12": "out of range", "13": "missing",
    "14": "outside the folder", "19": "base64", "20": "20,001,800 triangles", "21": "5,001 nodes", "22": "cycle",
    "23": "900,000,000 pixels", "25": "plain text", "27": "git-LFS", "36": "GLB version 1",
    "37": "EXT_meshopt_compression", "38": "none of its nodes has a mesh", "43": "fully transparent",
    "44": "missing", "45": "VENDOR_unknown", "54": "outside the folder",
}  # fmt: skip


@needs_assets
@pytest.mark.parametrize("number", REASONS)
def test_each_bad_object_is_refused_for_what_is_wrong_with_it(openings, number):
    (path,) = (ASSETS / "bad").glob(f"{number}_*")
    if REASONS[number] in SUPPORTED_EXTENSIONS:  # bad where Blender is older
        assert check_gltf(path, BUDGETS).triangles == 5010
        return
    openings.clear()
    with pytest.raises(ObjectRefused) as caught:
        check_gltf(path, BUDGETS)
    assert REASONS[number] in str(caught.value)
    assert set(openings) == {str(path)}, "and nothing beside it is opened"


# --- what would be drawn as something else -----------------------------------------------------------


def test_a_texture_without_a_source_is_refused_where_a_material_shows_it(refusal, check):
    tree, binary = cube()
    tree = put(tree, "textures", [{"source": 0}, {}])
    assert check(pack(tree, binary)).images == 1
    for where in (
        "normalTexture",
        "pbrMetallicRoughness/metallicRoughnessTexture",
        "extensions/KHR_x/coatTexture",
    ):
        reason = refusal(pack(put(tree, f"materials/0/{where}", {"index": 1}), binary))
        assert "textures[1]" in reason and where.rpartition("/")[2] in reason


def with_jpeg(data: bytes) -> bytes:
    """The cube with that picture behind all other bytes."""
    tree, binary = cube()
    place = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)}
    tree = put(
        put(tree, "bufferViews", [*tree["bufferViews"], place]),
        "images/0/bufferView",
        len(tree["bufferViews"]),
    )
    tree = put(tree, "buffers/0/byteLength", len(binary) + len(data))
    return pack(tree, binary + data.ljust(-(-len(data) // 4) * 4, b"\0"))


def jpeg(pixels: np.ndarray, **settings: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **settings)
    return stream.getvalue()


@pytest.mark.parametrize("settings", [{}, {"quality": 30}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.97])
def test_a_jpeg_cut_short_is_refused_also_with_an_end_mark(refusal, check, settings, share):
    pixels = np.random.default_rng(0).integers(0, 256, (96, 120, 3), np.uint8)
    whole = jpeg(pixels, **settings)
    assert check(with_jpeg(whole)).images == 1
    assert "images[0] is truncated" in refusal(with_jpeg(whole[: int(share * len(whole))] + b"\xff\xd9"))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_whole_jpeg_that_ends_in_grey_passes(check, progressive):
    grey = np.full((64, 64, 3), 128, np.uint8)
    assert check(with_jpeg(jpeg(grey, progressive=progressive))).images == 1
    assert check(with_jpeg(jpeg(grey[..., 0], progressive=progressive) + b"\0\0")).images == 1


def test_a_hidden_node_and_all_below_it_are_not_counted_as_seen(refusal, check):
    tree, binary = cube()
    hidden = {"KHR_node_visibility": {"visible": False}}
    assert check(pack(put(tree, "nodes/0/extensions", hidden), binary)).triangles == 24
    tree = put(
        put(tree, "nodes", [*tree["nodes"], {"children": [0, 2], "extensions": hidden}]),
        "scenes/0/nodes",
        [3],
    )
    assert "empty" in refusal(pack(tree, binary))
    assert "visible" in refusal(pack(put(tree, "nodes/3/extensions/KHR_node_visibility/visible", 0), binary))


@needs_assets
@pytest.mark.parametrize(
    ("name", "words"),
    [("07_texture_without_source", "textures[1]"), ("08_jpg_cut_with_eoi", "images[0] is truncated")],
)
def test_cases_that_would_be_drawn_as_something_else_are_refused(name, words):
    with pytest.raises(ObjectRefused) as caught:
        check_gltf(ASSETS / "cases" / f"{name}.glb", BUDGETS)
    assert words in str(caught.value)
