import hashlib
import io
import json
import os
import struct
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import InputError
from viewpoint100k.objects.builtin import FAMILIES, NO_FRONT, build_builtin, list_builtin
from viewpoint100k.objects.gltf import check_gltf
from viewpoint100k.objects.toy_parts import Paint, cylinder, texture, write_glb

SOME = [f"{family}-{number:08x}" for family in FAMILIES for number in (0, 0x9E3779B9)]


def chunks(glb):
    """The JSON tree and the binary chunk."""
    length = struct.unpack_from("<I", glb, 12)[0]
    return json.loads(glb[20 : 20 + length]), glb[28 + length :]


def meshes(glb):
    """The primitives, one for each paint, as trimesh reads them."""
    trimesh = pytest.importorskip("trimesh")
    return list(trimesh.load(io.BytesIO(glb), file_type="glb", process=False).geometry.values())


def colours(mesh, uvs):
    """(n, 3) sRGB in [0, 1] at texture coordinates of trimesh, whose v points up."""
    material = mesh.visual.material
    if material.baseColorTexture is None:
        return np.tile((material.baseColorFactor[:3] / 255) ** (1 / 2.2), (len(uvs), 1))
    image = np.asarray(material.baseColorTexture.convert("RGB")) / 255
    rows, columns = (1 - uvs[:, 1]) % 1 * len(image), uvs[:, 0] % 1 * image.shape[1]
    return image[rows.astype(int) % len(image), columns.astype(int) % image.shape[1]]


def coloured_points(glb, seed, count=3000):
    """(about count, 6): places spread evenly over the surface in units of its radius, centred; and half their colours."""
    rng = np.random.default_rng(seed)
    parts = meshes(glb)
    total = sum(mesh.area for mesh in parts)
    clouds = []
    for mesh in parts:
        faces = rng.choice(len(mesh.faces), round(count * mesh.area / total), p=mesh.area_faces / mesh.area)
        weights = rng.dirichlet((1, 1, 1), len(faces))[..., None]
        points = (weights * mesh.vertices[mesh.faces[faces]]).sum(1)
        textured = mesh.visual.material.baseColorTexture is not None
        uvs = (weights * mesh.visual.uv[mesh.faces[faces]]).sum(1) if textured else weights[:, :2, 0]
        clouds.append(np.concatenate([points, colours(mesh, uvs) / 2], axis=1))
    cloud = np.concatenate(clouds)
    low, high = cloud[:, :3].min(0), cloud[:, :3].max(0)
    cloud[:, :3] = (cloud[:, :3] - (low + high) / 2) / np.linalg.norm(high - low) * 2
    return cloud


def turned(cloud, angle_deg):
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    copy = cloud.copy()
    copy[:, 0], copy[:, 2] = cos * cloud[:, 0] + sin * cloud[:, 2], cos * cloud[:, 2] - sin * cloud[:, 0]
    return copy


def lopsidedness(glb):
    """How far the toy is from the nearest of its turns (20 to 340 degrees) and mirror images, relative to chance.

    The distance is the mean from a point to the nearest of the other cloud, in place and colour; it is 1 for
    a toy that looks the same, since two random samples of one surface do not meet either.
    """
    from scipy.spatial import cKDTree

    cloud, again = coloured_points(glb, seed=0), coloured_points(glb, seed=1)
    tree = cKDTree(cloud)
    mirrored = again * [-1, 1, 1, 1, 1, 1]
    turns = [turned(again, angle) for angle in range(20, 341, 20)]
    mirrors = [
        turned(mirrored, angle) for angle in range(0, 360, 20)
    ]  # all vertical planes through the middle
    return min(tree.query(other)[0].mean() for other in turns + mirrors) / tree.query(again)[0].mean()


def test_there_are_many_families_in_order():
    assert len(FAMILIES) >= 14
    assert list(FAMILIES) == sorted(set(FAMILIES))


def test_a_list_has_families_in_turn_and_no_uid_twice():
    records = [each.record for each in list_builtin(5 * len(FAMILIES), seed=3)]
    assert set(Counter(record.category for record in records).values()) == {5}
    assert {record.category for record in records[: len(FAMILIES)]} == set(FAMILIES)
    assert len({record.uid for record in records}) == len(records)
    assert {(record.licence, record.author, record.sha256) for record in records} == {
        ("CC0-1.0", "viewpoint100k", "")
    }


def test_a_longer_list_begins_with_the_shorter_one_and_another_seed_gives_others():
    assert list_builtin(50, seed=3)[:20] == list_builtin(20, seed=3)
    assert {o.record.uid for o in list_builtin(50, seed=3)}.isdisjoint(
        o.record.uid for o in list_builtin(50, seed=4)
    )
    assert list_builtin(0, seed=3) == []


def test_every_process_makes_the_same_bytes():
    uids = [f"{family}-0badcafe" for family in FAMILIES[::4]]
    code = (
        "import sys, hashlib; from viewpoint100k.objects.builtin import build_builtin\n"
        "for uid in sys.argv[1:]: print(hashlib.sha256(build_builtin(uid)).hexdigest())"
    )
    command = [sys.executable, "-c", code, *uids]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.split() == [hashlib.sha256(build_builtin(uid)).hexdigest() for uid in uids]


def test_no_two_toys_have_the_same_shape():
    shapes = set()
    for each in list_builtin(200, seed=0):
        tree, binary = chunks(build_builtin(each.record.uid))  # without the JSON, which names the uid
        views = [tree["bufferViews"][a["bufferView"]] for a in tree["accessors"] if "min" in a]
        points = b"".join(binary[view["byteOffset"] :][: view["byteLength"]] for view in views)
        shapes.add(hashlib.sha256(points).hexdigest())
    assert len(shapes) == 200


@pytest.mark.parametrize("uid", SOME)
def test_a_toy_is_one_object_that_stands_upright_and_is_not_flat(uid):
    glb = build_builtin(uid)
    tree, _ = chunks(glb)
    assert tree["asset"] == {"version": "2.0", "generator": "viewpoint100k"}
    assert len(tree["nodes"]) == len(tree["meshes"]) == 1
    parts = meshes(glb)
    points = np.concatenate([mesh.vertices for mesh in parts])
    low, high = points.min(0), points.max(0)
    assert low[1] == 0
    assert low[[0, 2]] + high[[0, 2]] == pytest.approx(0, abs=3e-5)
    assert (high - low).min() / (high - low).max() >= 0.2
    assert 500 <= sum(len(mesh.faces) for mesh in parts) <= 20_000


@pytest.mark.parametrize("uid", SOME)
def test_a_toy_looks_different_from_all_sides_and_in_the_mirror(uid):
    assert lopsidedness(build_builtin(uid)) > 1.4


def test_the_measure_of_lopsidedness_sees_symmetry():
    stripes = texture("stripes", (1, 0, 0), (0, 0, 1), 0.5, np.random.default_rng(0))
    tower = [
        cylinder(0.5, 0.4, stripes),
        cylinder(0.4, 1, Paint((0, 1, 0))),
        cylinder(0.2, 1.5, Paint((1, 1, 0))),
    ]
    assert lopsidedness(write_glb("tower", tower)) < 1.15


@pytest.mark.parametrize("uid", SOME)
def test_faces_turn_the_way_their_normals_point(uid):
    for mesh in meshes(build_builtin(uid)):
        assert np.linalg.norm(mesh.vertex_normals, axis=1) == pytest.approx(1, abs=1e-4)
        # trimesh leaves the normals of the file as they are, and takes those of faces from the order of
        # corners
        assert (np.einsum("ij,ikj->ik", mesh.face_normals, mesh.vertex_normals[mesh.faces]) > 0).all()


def test_headlights_are_at_the_front_which_is_plus_z():
    lamps = [mesh for mesh in meshes(build_builtin("car-00000000")) if np.allclose(
        colours(mesh, np.zeros((1, 2))), (1, 0.93, 0.62), atol=0.03)]  # fmt: skip
    assert len(lamps) == 1
    assert lamps[0].vertices[:, 2].min() > 0.5


def test_only_toys_of_which_people_agree_which_side_is_the_front_have_one():
    fronts = {toy.record.category: toy.front_azimuth_deg for toy in list_builtin(len(FAMILIES), 0)}
    assert {fronts[family] for family in ("car", "dog", "robot", "train", "chair")} == {
        -90.0
    }  # glTF's +z in Blender
    assert {fronts[family] for family in ("mug", "watering_can")} == {None}
    assert {family for family, front in fronts.items() if front is None} == NO_FRONT < set(FAMILIES)


def test_textures_are_pictures_with_something_to_match():
    from PIL import Image

    kinds = set()
    for uid in SOME:
        tree, binary = chunks(build_builtin(uid))
        for image in tree.get("images", []):
            view = tree["bufferViews"][image["bufferView"]]
            picture = Image.open(io.BytesIO(binary[view["byteOffset"] :][: view["byteLength"]])).convert("L")
            assert picture.size == (128, 128)
            assert np.asarray(picture, dtype=float).std() > 8
            kinds.add(uid.split("-")[0])
    assert len(kinds) >= len(FAMILIES) / 3


@pytest.mark.parametrize("uid", SOME)
def test_toys_pass_the_check_of_foreign_files(uid, tmp_path):
    path = tmp_path / "toy.glb"
    path.write_bytes(build_builtin(uid))
    check_gltf(path, FileBudgets())


@pytest.mark.parametrize(
    "uid", ["unicorn-00000000", "mug", "mug-123", "mug-0000000G", "../mug-00000000", "mug-00000000\n"]
)
def test_a_uid_of_no_toy_is_refused_with_the_families_that_exist(uid):
    with pytest.raises(InputError, match=r"airplane, boat, .*windmill"):
        build_builtin(uid)
