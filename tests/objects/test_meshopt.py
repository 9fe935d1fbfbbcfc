"""What meshopt compresses: decoded as its own library does, and bounded before any decoder sees it."""

import copy
import ctypes
import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest
from support.glb_files import RED, box, write
from support.meshopt_streams import FAN, FILTERED, GRID, HALF, STREAMS, WALK, WAVES, glb, packed_box

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf import check_gltf, meshopt, read_surface

VALUES = {
    "v0": (WALK, "ATTRIBUTES"),
    "v1": (WALK, "ATTRIBUTES"),
    "v1_xor": (WAVES, "ATTRIBUTES"),
    "grid": (GRID.reshape(-1, 1), "TRIANGLES"),
    "sequence": (FAN.reshape(-1, 1), "INDICES"),
    "box_points": (box(HALF)[0].astype("<f4"), "ATTRIBUTES"),
    "box_indices": (box(HALF)[2].astype("<u4").reshape(-1, 1), "TRIANGLES"),
}


def decode(stream, mode, values, filtering="NONE"):
    """The elements of a stream, in the type of some values."""
    stride = values.strides[0]
    data = meshopt.decode(memoryview(bytes(stream)), mode, filtering, len(values), stride)
    return np.frombuffer(data, values.dtype).reshape(values.shape)


def turned(triangles):
    """Triangles from their least corner on: encoders turn them."""
    corners = triangles.reshape(-1, 3)
    return np.take_along_axis(corners, (corners.argmin(1)[:, None] + np.arange(3)) % 3, axis=1)


# --- the decoder ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VALUES)
def test_a_stream_gives_the_values_that_it_was_made_of(name):
    values, mode = VALUES[name]
    found = decode(STREAMS[name], mode, values)
    if mode == "TRIANGLES":
        found, values = turned(found), turned(values)
    assert np.array_equal(found, values)


def test_triangles_that_share_nothing_with_the_latest_are_decoded():
    assert np.array_equal(turned(decode(STREAMS["fan"], "TRIANGLES", FAN.reshape(-1, 1))), turned(FAN))


def test_indices_of_two_bytes_wrap_around():
    data = meshopt.decode(memoryview(STREAMS["grid"]), "TRIANGLES", "NONE", GRID.size, 2)
    assert np.array_equal(turned(np.frombuffer(data, "<u2")), turned(GRID))


@pytest.mark.parametrize("filtering", FILTERED)
def test_a_filter_is_undone_as_meshoptimizer_does_it_but_for_a_last_digit(filtering):
    stream, expected, kind, stride = FILTERED[filtering]
    expected = np.frombuffer(expected, kind).reshape(12, -1)
    found = decode(stream, "ATTRIBUTES", expected, filtering)
    assert np.abs(found.astype(float) - expected.astype(float)).max() <= (0 if kind == "<f4" else 1)
    assert stride == expected.strides[0]


def test_the_example_of_the_standard_is_decoded_to_its_deltas():
    deltas = [-1, -4, -3, 26, -91, 0, -6, 6, -4, -4, 5, -5, 1, -1, 0, 0]
    group = bytes.fromhex("175ff0bc77a921003 4b5".replace(" ", ""))
    stream = b"\xa0" + b"\x02" + group + 3 * b"\0" + bytes(32)  # 4 bits, three bytes without deltas, the tail
    found = decode(stream, "ATTRIBUTES", np.zeros((16, 4), np.uint8))
    assert np.diff(found[:, 0].astype(np.int8), prepend=np.int8(0)).tolist() == deltas
    assert not found[:, 1:].any()


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_cut_or_too_long_is_damaged(name):
    stream = STREAMS[name]
    mode = "TRIANGLES" if stream[0] == 0xE1 else "ATTRIBUTES"
    if name == "sequence":
        mode = "INDICES"
    values = {**VALUES, "fan": (FAN.reshape(-1, 1), ""), "box_normals": (np.zeros((24, 4), np.uint8), "")}[
        name
    ][0]
    for length in range(0, len(stream), max(1, len(stream) // 50)):
        with pytest.raises(ValueError):
            decode(stream[:length], mode, values)
    with pytest.raises(ValueError):
        decode(stream[:1] + b"\0" + stream[1:], mode, values)


def test_damaged_streams_end_in_a_value_error_or_in_values():
    rng = random.Random(0)
    verdicts = set()
    for name, (values, mode) in VALUES.items():
        for _ in range(100):
            stream = bytearray(STREAMS[name])
            for _ in range(rng.randint(1, 6)):
                stream[rng.randrange(len(stream))] = rng.randrange(256)
            try:
                verdicts.add(decode(stream, mode, values).shape == values.shape)
            except ValueError:
                verdicts.add(None)
    assert verdicts == {True, None}


@pytest.mark.parametrize(
    ("mode", "filtering", "count", "stride"),
    [
        ("ATTRIBUTES", "NONE", 4, 0),
        ("ATTRIBUTES", "NONE", 4, 3),
        ("ATTRIBUTES", "NONE", 4, 260),
        ("ATTRIBUTES", "OCTAHEDRAL", 4, 12),
        ("ATTRIBUTES", "QUATERNION", 4, 4),
        ("ATTRIBUTES", "COLOR", 4, 12),
        ("ATTRIBUTES", "EXPONENTIAL", 4, 6),
        ("TRIANGLES", "NONE", 4, 2),
        ("TRIANGLES", "NONE", 3, 8),
        ("INDICES", "NONE", 3, 1),
        ("INDICES", "EXPONENTIAL", 4, 4),
    ],
)
def test_a_layout_that_native_decoders_would_overrun_is_refused(mode, filtering, count, stride):
    with pytest.raises(ValueError):
        meshopt.check_layout(mode, filtering, count, stride)


# --- against meshoptimizer itself -------------------------------------------------------------------


@pytest.fixture(scope="module")
def library():
    """The meshoptimizer that bpy 5.2 has."""
    found = importlib.util.find_spec("bpy")
    home = Path(found.origin).parent if found is not None and found.origin else Path("/none")
    files = sorted((home / "lib").glob("libmeshoptimizer.*"))
    if not files:
        pytest.skip("this bpy has no meshoptimizer (5.2, on Python 3.13, has)")
    return ctypes.CDLL(str(files[0]))


def encode(library, values, version, level):
    count, stride = (ctypes.c_size_t(number) for number in values.shape)
    bound = library.meshopt_encodeVertexBufferBound
    bound.restype = ctypes.c_size_t
    out = np.zeros(bound(count, stride) + 64, np.uint8)
    make = library.meshopt_encodeVertexBufferLevel
    make.restype = ctypes.c_size_t
    place, room = ctypes.c_void_p(out.ctypes.data), ctypes.c_size_t(len(out))
    size = make(place, room, ctypes.c_void_p(values.ctypes.data), count, stride, level, version)
    return out[:size].tobytes()


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("stride", [4, 8, 12, 64, 256])
def test_whatever_meshoptimizer_encodes_is_decoded(library, version, stride):
    rng = np.random.default_rng(stride)
    for count in (1, 16, 17, 255, 257, 1000):
        kinds = [
            rng.integers(0, 256, (count, stride)),
            np.cumsum(rng.integers(-2, 3, (count, stride)), axis=0),
            np.cumsum(rng.normal(0, 0.01, (count, stride // 4)), axis=0).astype("<f4").view(np.uint8),
            np.cumsum(rng.integers(-300, 300, (count, stride // 2)), axis=0).astype("<u2").view(np.uint8),
            np.full((count, stride), 7),
        ]
        for values in (np.ascontiguousarray(kind.astype(np.uint8)) for kind in kinds):
            for level in (0, 3):
                assert np.array_equal(
                    decode(encode(library, values, version, level), "ATTRIBUTES", values), values
                )


# --- the gate ---------------------------------------------------------------------------------------


@pytest.fixture
def on_blender(monkeypatch):
    """The gate as it is where some version of Blender is installed."""
    from viewpoint100k.objects.gltf import buffers, shape

    def choose(version):
        extensions = shape._ALWAYS | (shape._SINCE_5_2 if version >= (5, 2) else set())
        for module in (buffers, shape):
            monkeypatch.setattr(module, "SUPPORTED_EXTENSIONS", extensions)

    choose((5, 2))
    return choose


@pytest.fixture
def check(tmp_path):
    def run(tree, binary):
        path = tmp_path / "box.glb"
        path.write_bytes(glb(tree, binary))
        return check_gltf(path, FileBudgets())

    return run


def changed(tree, view, **fields):
    """The tree with other fields of the compression of a bufferView; None leaves one out."""
    tree = copy.deepcopy(tree)
    packing = tree["bufferViews"][view]["extensions"]["EXT_meshopt_compression"]
    packing |= fields
    for name in [name for name, value in fields.items() if value is None]:
        del packing[name]
    return tree


def test_a_compressed_box_passes_and_has_the_triangles_of_the_plain_one(on_blender, tmp_path, check):
    facts = check(*packed_box())
    assert facts.triangles == 12
    plain = write(tmp_path / "plain.glb", [[(box(HALF), 0)]], [{"mesh": 0}], [(RED, {})])
    surfaces = [read_surface(path, FileBudgets(), 100) for path in (plain, tmp_path / "box.glb")]
    seen = [{tuple(sorted(map(tuple, each.tolist()))) for each in surface.triangles} for surface in surfaces]
    assert seen[0] == seen[1]


def test_the_khronos_form_is_read_too(on_blender, check):
    tree, binary = packed_box()
    for view in tree["bufferViews"]:
        view["extensions"] = {"KHR_meshopt_compression": view["extensions"].pop("EXT_meshopt_compression")}
    for key in ("extensionsUsed", "extensionsRequired"):
        tree[key][0] = "KHR_meshopt_compression"
    assert check(tree, binary).triangles == 12


def test_before_blender_5_2_it_is_refused_by_name(on_blender, check):
    on_blender((5, 0))
    with pytest.raises(
        ObjectRefused, match=r"EXT_meshopt_compression.*before 5\.2; render with Python 3\.13"
    ):
        check(*packed_box())


def test_before_blender_5_2_the_fallback_is_read(on_blender, check):
    tree, binary = packed_box()
    tree["extensionsRequired"] = ["KHR_mesh_quantization"]
    with_data = binary + np.full(24 * 12, np.nan, "<f2").tobytes()
    tree["bufferViews"][0] |= {"buffer": 0, "byteOffset": len(binary)}
    tree["buffers"][0]["byteLength"] = len(with_data)
    assert check(tree, with_data).triangles == 12, "5.2 reads what is compressed"
    on_blender((5, 0))
    with pytest.raises(ObjectRefused, match=r"buffers\[1\] has no data"):
        check(tree, with_data)


@pytest.mark.parametrize(
    ("view", "fields", "words"),
    [
        (0, {"count": 30_000_000}, "byteLength 288"),
        (0, {"byteStride": 16}, "byteStride 12, but meshopt 24 elements of 16 bytes"),
        (0, {"byteStride": 512}, "byteStride 512 with mode ATTRIBUTES"),
        (0, {"byteLength": 9_999}, "out of its buffer"),
        (0, {"byteOffset": 9_999}, "out of its buffer"),
        (0, {"byteOffset": -4}, "at least 0"),
        (0, {"buffer": 1}, "buffers[1] has no data"),
        (0, {"buffer": 7}, "out of range"),
        (0, {"byteLength": 90}, "damaged"),
        (0, {"byteOffset": 1}, "damaged"),
        (0, {"mode": "INDICES"}, "expected 2 or 4"),
        (0, {"mode": "LINES"}, "expected one of"),
        (0, {"mode": None}, "mode is missing"),
        (0, {"filter": "SPHERICAL"}, "expected one of"),
        (0, {"filter": "QUATERNION"}, "expected 8"),
        (0, {"filter": None, "count": True}, "an integer"),
        (2, {"filter": "OCTAHEDRAL"}, "expected none"),
        (2, {"count": 35}, "whole triangles"),
        (2, {"mode": "ATTRIBUTES"}, "byteStride 2"),
        (2, {"byteLength": 12}, "damaged"),
    ],
)
def test_one_wrong_value_is_refused_by_name(on_blender, check, view, fields, words):
    tree, binary = packed_box()
    tree["bufferViews"][0]["extensions"]["EXT_meshopt_compression"]["filter"] = "NONE"
    with pytest.raises(ObjectRefused) as caught:
        check(changed(tree, view, **fields), binary)
    assert words in str(caught.value)


def test_the_values_that_come_out_are_looked_at_like_any_others(on_blender, check):
    tree, binary = packed_box()
    tree["accessors"][0] |= {"count": 12}  # fewer vertices than the indices name
    tree["accessors"][1] |= {"count": 12}
    with pytest.raises(ObjectRefused, match="index 23, out of range of 12 vertices"):
        check(tree, binary)


def test_a_bomb_is_refused_before_it_is_unpacked(on_blender, check, monkeypatch):
    monkeypatch.setattr(meshopt, "decode", None)  # nothing may be decoded
    tree, binary = packed_box()
    tree = changed(tree, 0, count=30_000_000)
    tree["bufferViews"][0]["byteLength"] = 30_000_000 * 12
    with pytest.raises(
        ObjectRefused, match=r"meshopt unpacks 360,000,1\d\d bytes; expected at most 268,435,456"
    ):
        check(tree, binary)
    tree = changed(packed_box()[0], 2, count=15_000_000)
    tree["bufferViews"][2]["byteLength"] = 15_000_000 * 2
    with pytest.raises(
        ObjectRefused, match="meshopt unpacks 15,000,000 indices; expected at most 12,000,000"
    ):
        check(tree, binary)


def test_a_hundred_damaged_boxes_have_a_verdict_each(on_blender, tmp_path):
    rng = random.Random(7)
    verdicts = []
    tree, binary = packed_box()
    whole = glb(tree, binary)
    for number in range(100):
        damaged = bytearray(whole)
        first = len(whole) - len(binary) if number % 2 else 0  # in the compressed data, or anywhere
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(first, len(damaged))] = rng.randrange(256)
        path = tmp_path / "damaged.glb"
        path.write_bytes(damaged)
        try:
            verdicts.append(check_gltf(path, FileBudgets()).triangles)
        except ObjectRefused as refusal:
            verdicts.append(str(refusal))
    assert len(verdicts) == 100
    assert any("meshopt data are damaged" in str(verdict) for verdict in verdicts)
    assert not [verdict for verdict in verdicts if "our reader fails" in str(verdict)]
