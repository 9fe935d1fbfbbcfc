"""Shapes: what copying, naming, texturing, turning and exporting leave alone, and what they do not confuse."""

import hashlib
import json
import struct
from collections import Counter

import numpy as np
import pytest
from support.command import SHARED

from viewpoint100k.config import FileBudgets, ObjectsConfig, load_config
from viewpoint100k.errors import InputError
from viewpoint100k.kinship import connected, groups_by_shape, kin_of, pack_shape, series, unpack_shapes
from viewpoint100k.objects import list_objects
from viewpoint100k.objects.builtin import build_builtin, list_builtin
from viewpoint100k.objects.folder import inspect_file
from viewpoint100k.partition import make_plan
from viewpoint100k.records import ObjectRecord, SourceObject

BUDGETS = FileBudgets()
TOYS = [thing.record.uid for thing in list_builtin(60, seed=3)]


def rewritten(glb, change):
    """A GLB with another JSON part, and the same binary part."""
    length = struct.unpack_from("<I", glb, 12)[0]
    tree = json.loads(glb[20 : 20 + length])
    change(tree)
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + glb[20 + length :]
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def turned(degrees, scale=1.0, at=(0.0, 0.0, 0.0)):
    """A change that turns the whole scene about the vertical, scales and moves it."""
    half = np.radians(degrees) / 2

    def change(tree):
        place = {"rotation": [0, float(np.sin(half)), 0, float(np.cos(half))], "scale": [scale] * 3}
        tree["nodes"].append({**place, "translation": list(at), "children": list(tree["scenes"][0]["nodes"])})
        tree["scenes"][0]["nodes"] = [len(tree["nodes"]) - 1]

    return change


def renamed(tree):
    tree["asset"]["generator"] = "another"
    tree["nodes"][0]["name"] = "somebody else's"
    for material in tree["materials"]:
        material["name"] += " (copy)"
        material["pbrMetallicRoughness"]["roughnessFactor"] = 0.31


def shape(tmp_path, glb):
    path = tmp_path / f"{hashlib.sha256(glb).hexdigest()[:12]}.glb"
    path.write_bytes(glb)
    return inspect_file(path, BUDGETS)[1]


def apart(one, other):
    return float(np.abs(np.subtract(*unpack_shapes([one, other]))).max())


CHANGES = {
    "renamed": renamed,
    "turned by 37 degrees": turned(37),
    "turned, in centimetres, elsewhere": turned(-128, 100.0, (4.0, 1.0, -70.0)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_copy_has_the_same_shape_and_another_hash(tmp_path, change):
    glb = build_builtin(TOYS[0])
    copy = rewritten(glb, change)
    assert hashlib.sha256(copy).digest() != hashlib.sha256(glb).digest()
    assert apart(shape(tmp_path, glb), shape(tmp_path, copy)) < 0.0003  # a third of what counts as the same


def test_triangles_in_another_order_cut_smaller_and_stored_in_16_bits_have_the_same_shape(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    path = tmp_path / "one.glb"
    path.write_bytes(build_builtin(TOYS[4]))
    mesh = trimesh.load(path, force="mesh", process=False)
    rng = np.random.default_rng(0)
    faces = mesh.faces[rng.permutation(len(mesh.faces))][:, [1, 2, 0]]
    other = trimesh.Trimesh(mesh.vertices, faces, process=False).subdivide()
    step = np.ptp(other.vertices) / 65_535
    other.vertices = np.round(other.vertices / step) * step
    assert apart(inspect_file(path, BUDGETS)[1], shape(tmp_path, other.export(file_type="glb"))) < 0.0003


def test_no_two_toys_have_the_same_shape(tmp_path):
    shapes = [shape(tmp_path, build_builtin(uid)) for uid in TOYS]
    assert groups_by_shape(shapes) == list(range(len(TOYS)))


def test_an_object_that_is_stretched_or_lies_on_its_side_has_another_shape(tmp_path):
    glb = build_builtin(TOYS[1])
    one = shape(tmp_path, glb)

    def stretched(tree):
        tree["nodes"][0]["scale"] = [1, 1.1, 1]

    def on_its_side(tree):
        tree["nodes"][0]["rotation"] = [2**-0.5, 0, 0, 2**-0.5]

    assert apart(one, shape(tmp_path, rewritten(glb, stretched))) > 0.01
    assert apart(one, shape(tmp_path, rewritten(glb, on_its_side))) > 0.01


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real objects at {SHARED}")
def test_real_objects_are_grouped_with_their_turned_and_renamed_copies_and_with_nothing_else(tmp_path):
    names, shapes = list[str](), list[str]()
    for path in sorted((SHARED / "objects").glob("*.glb"))[::6]:
        whole = path.read_bytes()
        for glb in (whole, rewritten(whole, turned(71))):
            if found := shape(tmp_path, glb):
                names.append(path.stem)
                shapes.append(found)
    groups = groups_by_shape(shapes)
    assert len(set(names)) >= 15
    for place, name in enumerate(names):
        mine = [other for other in range(len(names)) if groups[other] == groups[place]]
        assert {names[other] for other in mine} == {name}
        assert len(mine) == names.count(name)


def test_shapes_survive_being_written_down():
    values = np.linspace(-1, 1, 19)
    assert unpack_shapes([pack_shape(values), pack_shape(-values)]) == pytest.approx(
        np.stack([values, -values]), abs=2e-5
    )


def test_things_that_share_a_name_by_way_of_others_are_connected():
    assert connected([["a"], ["b"], ["b", "c"], [], ["c", "a"], []]) == [0, 0, 0, 3, 0, 5]


# --- copies in a source ---------------------------------------------------------------------------


def copies(folder, meshes, each):
    """Files of some toys, each several times with another number in its JSON."""
    for number in range(meshes):
        glb = build_builtin(TOYS[number])
        for copy in range(each):

            def change(tree, copy=copy):
                tree["asset"]["extras"] = {"copy": copy}

            (folder / f"{copy:03d}-{TOYS[number]}.glb").write_bytes(rewritten(glb, change))


def test_of_copies_that_differ_in_one_field_one_is_used_and_the_others_are_told(tmp_path):
    copies(tmp_path, meshes=6, each=5)
    found = list_objects(str(tmp_path), wanted=1, seed=0, budgets=BUDGETS)
    assert len(found.objects) == 6
    assert len(found.rejects) == 24
    assert {reject.reason.split(" 000")[0] for reject in found.rejects} == {"same shape as"}
    assert found.selection.steps[-2:] == [("one of each shape or group", 6), ("used", 6)]


def test_copies_that_are_all_used_stay_in_one_split(tmp_path):
    copies(tmp_path, meshes=12, each=4)
    together = ObjectsConfig(duplicates="together")
    found = list_objects(str(tmp_path), wanted=1, seed=0, budgets=BUDGETS, choice=together)
    assert len(found.objects) == 48
    plan = make_plan(load_config(pairs=200), found.objects, spread=True)
    splits = {uid: shard.split for shard in plan.shards for uid in shard.objects}
    assert set(splits.values()) == {"train", "validation", "test"}
    by_toy = {}
    for uid, split in splits.items():
        by_toy.setdefault(uid[4:], set()).add(split)
    assert len(by_toy) == 12
    assert all(len(where) == 1 for where in by_toy.values())


def test_a_source_of_copies_of_one_thing_cannot_be_split_and_says_so(tmp_path):
    copies(tmp_path, meshes=1, each=12)
    together = ObjectsConfig(duplicates="together")
    found = list_objects(str(tmp_path), wanted=1, seed=0, budgets=BUDGETS, choice=together)
    with pytest.raises(InputError, match="may be the same thing"):
        make_plan(load_config(pairs=100), found.objects, spread=True)


def test_a_file_of_groups_names_copies_that_no_shape_tells(tmp_path):
    for uid in TOYS[:3]:
        (tmp_path / f"{uid}.glb").write_bytes(build_builtin(uid))
    table = tmp_path / "groups.csv"
    table.write_text(f"uid,group\n{TOYS[0]},7\n{TOYS[2]},7\n")
    choice = ObjectsConfig(groups=str(table))
    found = list_objects(str(tmp_path), wanted=1, seed=0, budgets=BUDGETS, choice=choice)
    assert len(found.objects) == 2
    assert "objects.groups" in found.rejects[0].reason


def thing(uid, **more):
    return SourceObject(record=ObjectRecord(uid=uid, **more))


def test_a_series_of_an_author_is_kept_together_unless_it_is_most_of_the_source():
    assert series(ObjectRecord(uid="a", title="Chair 12 (red)", author="Ann")) == series(
        ObjectRecord(uid="b", title="chair_7", author="ann")
    )
    others = [
        thing(f"x{i}", title="abcdefghijklmnopqrstuvwx"[i:] + " thing", author="Bob") for i in range(21)
    ]
    pair = [thing("a", title="Chair 1", author="Ann"), thing("b", title="Chair 2", author="Ann")]
    assert kin_of([*others, *pair])[-2:] == [21, 21]
    many = [thing(f"c{i}", title=f"Chair {i}", author="Ann") for i in range(20)]
    assert Counter(kin_of(many)).most_common(1)[0][1] == 1
