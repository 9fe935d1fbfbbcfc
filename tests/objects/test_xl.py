"""Objaverse-XL by its tables: what is used, where it comes from, and what is refused by name."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from support.objaverse_cache import BadLine, Cache, ask_objaverse, box

from viewpoint100k.config import FileBudgets, ObjectsConfig, load_config, public_tree
from viewpoint100k.errors import InputError, ObjectRefused
from viewpoint100k.objects import downloads, fetch_object, list_objects
from viewpoint100k.objects.downloads import CACHE
from viewpoint100k.objects.web import MIRROR

COMMIT = "0123456789abcdef" * 2 + "01234567"
RAW = "/raw.githubusercontent.com"
LARGE = "/media.githubusercontent.com/media"
SMITHSONIAN = "https://3d-api.si.edu/content/document/3d_package:1a/resources/helmet.glb"


def embedded():
    """A .gltf file that has all of it in itself."""
    points = (
        bytes.fromhex("000000000000000000000000")
        + b"\x00\x00\x80\x3f"
        + bytes(12)
        + b"\x00\x00\x80\x3f"
        + bytes(4)
    )
    buffer = {
        "byteLength": 36,
        "uri": "data:application/octet-stream;base64," + base64.b64encode(points).decode(),
    }
    accessor = {
        "bufferView": 0,
        "componentType": 5126,
        "count": 3,
        "type": "VEC3",
        "min": [0, 0, 0],
        "max": [1, 1, 0],
    }
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [accessor],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "buffers": [buffer],
    }  # fmt: skip
    return json.dumps(tree).encode()


def on_github(path, owner="ann"):
    return f"https://github.com/{owner}/things/blob/{COMMIT}/{path}"


def row(identifier, content=b"", kind="glb", source="github", licence="MIT License", **more):
    sha256 = hashlib.sha256(content).hexdigest()
    facts = {"fileIdentifier": identifier, "source": source, "license": licence, "fileType": kind}
    return {**facts, "sha256": sha256, "metadata": "{}", **more}


def table(path, rows):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return f"objaverse-xl:{path}"


class Xl:
    """Files of all four sources, some that are not used, and a web that has them."""

    def __init__(self, home):
        cache = Cache(home).write(glbs=True)
        chair = cache.uids[0]
        on_sketchfab = (cache.root / cache.paths[chair]).read_bytes()
        self.large = box(6)
        self.web = {
            f"{RAW}/ann/things/{COMMIT}/a%20chair.glb": box(5),
            f"{RAW}/ann/things/{COMMIT}/flat.gltf": embedded(),
            f"{RAW}/bob/things/{COMMIT}/large.glb": b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
            f"{LARGE}/bob/things/{COMMIT}/large.glb": self.large,
            "/" + SMITHSONIAN.removeprefix("https://"): box(7),
        }
        helmet = {"source": "smithsonian", "licence": "CC0", "metadata": '{"title": "A helmet"}'}
        self.rows = [
            row(on_github("a chair.glb"), box(5)),
            row(on_github("copies/again.glb", "bob"), box(5)),
            row(on_github("flat.gltf"), embedded(), kind="gltf", licence=None),
            row(on_github("large.glb", "bob"), self.large),
            row(SMITHSONIAN, box(7), **helmet),
            row(f"https://sketchfab.com/3d-models/{chair}", on_sketchfab, source="sketchfab", licence="by"),
            row(f"https://sketchfab.com/3d-models/{'e' * 32}", box(8), source="sketchfab", licence="by"),
            row(on_github("nd.glb"), box(9), licence="Creative Commons - Attribution - No Derivatives"),
            row("http://169.254.169.254/latest.glb", box(10)),
            row("https://3d-api.si.edu.example.org/a.glb", box(11), source="smithsonian"),
            row(on_github("nameless.glb"), box(12), sha256=None),
            *(row(f"https://www.thingiverse.com/thing:{n}", kind="stl", source="thingiverse") for n in range(3)),
            row(on_github("a.obj"), kind="OBJ"),
            row(on_github("b.obj"), kind="obj"),
            row(on_github("c.fbx"), kind="fbx"),
        ]  # fmt: skip
        self.chair = chair
        self.cache = cache


@pytest.fixture
def xl(tmp_path, monkeypatch):
    made = Xl(tmp_path)
    monkeypatch.setenv(CACHE, str(made.cache.root))
    return made


def listed(source, wanted=9, allow=None):
    """What a table lists, without fetching any of it."""
    return list_objects(source, wanted=wanted, seed=5, budgets=FileBudgets(), allow=allow)


def test_files_of_gltf_are_used_and_the_funnel_counts_everything_else_by_name(xl, tmp_path):
    found = listed(table(tmp_path / "some.parquet", xl.rows))
    assert found.selection.steps == [
        ("rows of the table", 17),
        ("not stl, which is no glTF", 14),
        ("not obj, which is no glTF", 12),
        ("not fbx, which is no glTF", 11),
        ("has a sha256 and an address of its source", 8),
        ("one of each sha256", 7),
        ("licence: not no-derivatives", 6),
        ("of Sketchfab: in Objaverse's index", 5),
        ("used", 5),
    ]
    objects = {each.record.source_url: each.record for each in found.objects}
    assert objects[SMITHSONIAN].title == "A helmet"
    assert objects[SMITHSONIAN].author == "Smithsonian Institution"
    assert objects[SMITHSONIAN].licence == "CC0-1.0"
    assert objects[on_github("a chair.glb")].author == "ann"
    assert objects[on_github("a chair.glb")].licence == "MIT License"
    assert objects[on_github("flat.gltf")].licence == "unknown"
    chair = objects[f"https://sketchfab.com/3d-models/{xl.chair}"]
    assert (chair.uid, chair.author, chair.licence) == (xl.chair, "User a", "CC-BY-4.0")
    assert any("forbids derivatives" in reject.reason for reject in found.rejects)


def test_a_larger_draw_extends_a_smaller_one_and_licences_are_those_of_each_source(xl, tmp_path):
    source = table(tmp_path / "some.parquet", xl.rows)
    drawn = [[each.record.uid for each in listed(source, wanted).objects] for wanted in (2, 4)]
    assert drawn[1][:2] == drawn[0]
    free = listed(source, allow=("cc0",))
    assert [each.record.source_url for each in free.objects] == [SMITHSONIAN]


def test_each_file_is_downloaded_once_over_a_bad_line_and_held_against_its_hash(xl, tmp_path, monkeypatch):
    source = table(tmp_path / "some.parquet", xl.rows)
    with BadLine(xl.web, faults=("short", "429")) as line:
        monkeypatch.setenv(MIRROR, line.url)
        said = ask_objaverse(tmp_path, source, hub=line.url)
        again = ask_objaverse(tmp_path, source, hub=line.url)
    assert said["refused"] == again["refused"] == {}
    by_url = {each["source_url"]: said["fetched"][each["uid"]] for each in said["objects"]}
    for url, content in ((on_github("a chair.glb"), box(5)), (on_github("large.glb", "bob"), xl.large)):
        path, sha256 = by_url[url]
        assert Path(path).read_bytes() == content
        assert sha256 == hashlib.sha256(content).hexdigest()
    assert again["fetched"] == said["fetched"]
    # a pointer to a large file is not an object
    assert {count for name, count in line.whole.items() if name.endswith(("chair.glb", "helmet.glb"))} == {1}
    assert line.whole[f"{LARGE}/bob/things/{COMMIT}/large.glb"] == 1


def test_a_file_that_is_another_now_or_gone_costs_itself_alone(xl, tmp_path, monkeypatch):
    source = table(tmp_path / "some.parquet", xl.rows)
    web = {name: content for name, content in xl.web.items() if "helmet" not in name}
    web = {name: b"another" if "flat" in name else content for name, content in web.items()}
    monkeypatch.setattr(downloads, "_PAUSES_S", (0.01,))  # what is another file is asked for again
    objects = listed(source).objects
    refused = {}
    with BadLine(web, faults=()) as line:
        monkeypatch.setenv(MIRROR, line.url)
        for thing in objects:
            try:
                fetch_object(thing, source, tmp_path, FileBudgets())
            except ObjectRefused as refusal:
                refused[thing.record.source_url] = str(refusal)
    assert set(refused) == {on_github("flat.gltf"), SMITHSONIAN}
    assert "its sha256 is" in refused[on_github("flat.gltf")]
    assert "404" in refused[SMITHSONIAN]


def test_the_tables_of_a_part_come_from_the_hub(xl, tmp_path, monkeypatch):
    name = "/datasets/allenai/objaverse-xl/resolve/main/smithsonian/smithsonian.parquet"
    table(tmp_path / "made.parquet", [one for one in xl.rows if one["source"] == "smithsonian"])
    web = {**xl.web, name: (tmp_path / "made.parquet").read_bytes()}
    with BadLine(web, faults=()) as line:
        monkeypatch.setenv(MIRROR, line.url)
        said = ask_objaverse(tmp_path, "objaverse-xl:smithsonian", hub=line.url)
    assert said["error"] == ""
    assert said["steps"][0] == ["objaverse-xl:smithsonian", 2]
    assert [each["source_url"] for each in said["objects"]] == [SMITHSONIAN]
    digest = hashlib.sha256((tmp_path / "made.parquet").read_bytes()).hexdigest()
    assert said["selection"]["files"] == {"objaverse-xl:smithsonian": digest}


def test_a_table_of_another_layout_says_what_is_missing(tmp_path):
    source = table(tmp_path / "other.parquet", [{"uid": "a", "sha256": "b"}])
    with pytest.raises(InputError, match="has no column fileIdentifier"):
        list_objects(source, wanted=3, seed=0, budgets=FileBudgets())
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(InputError, match="is not a Parquet file"):
        list_objects(f"objaverse-xl:{tmp_path / 'broken.parquet'}", wanted=3, seed=0, budgets=FileBudgets())
    with pytest.raises(InputError, match="expected all, github"):
        list_objects("objaverse-xl:githubb", wanted=3, seed=0, budgets=FileBudgets())


def test_what_the_tables_do_not_say_is_refused_by_name(xl, tmp_path):
    source = table(tmp_path / "some.parquet", xl.rows)
    choice = ObjectsConfig(categories=["chair"])
    with pytest.raises(InputError, match=r"objects\.categories"):
        list_objects(source, wanted=3, seed=0, budgets=FileBudgets(), choice=choice)


def test_the_path_of_a_table_is_not_published(tmp_path):
    config = load_config(source=f"objaverse-xl:{tmp_path}/secret.parquet")
    assert public_tree(config)["source"] == "objaverse-xl:table"
    assert public_tree(load_config(source="objaverse-xl:github"))["source"] == "objaverse-xl:github"


def test_a_plan_that_names_another_place_is_refused_before_anything_is_asked(xl, tmp_path):
    thing = next(
        each for each in listed(table(tmp_path / "some.parquet", xl.rows)).objects if "xl/" in each.path
    )
    elsewhere = thing.record.model_copy(update={"source_url": "https://example.org/a.glb"})
    changes = [{"path": "../../outside.glb"}, {"record": elsewhere}, {"path": thing.path + "/../x.glb"}]
    for change in changes:
        with pytest.raises(ObjectRefused, match="Objaverse-XL has no file"):
            fetch_object(thing.model_copy(update=change), "objaverse-xl:all", tmp_path, FileBudgets())
