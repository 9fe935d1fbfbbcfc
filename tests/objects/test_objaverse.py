"""Objaverse as a source: the real package over a small cache, and a Hub of our own for what is not cached."""

import hashlib
import re
import sys
from pathlib import Path

import pytest
from support.objaverse_cache import Cache, ask_objaverse, box, hub_with

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import InputError
from viewpoint100k.objects import list_objects

BUDGETS = FileBudgets()


def test_a_cached_objaverse_needs_no_network(tmp_path):
    cache = Cache(tmp_path).write(glbs=True)
    said = ask_objaverse(tmp_path)
    by_uid = {record["uid"]: record for record in said["objects"]}
    assert said["error"] == ""
    assert sorted(by_uid) == list(cache.uids[:3])
    assert by_uid["a" * 32] == {
        "uid": "a" * 32,
        "sha256": "",
        "category": "armchair",
        "title": "Thing a",
        "author": "User a",
        "licence": "CC-BY-4.0",
        "source_url": f"https://sketchfab.com/3d-models/{'a' * 32}",
        "pose": "",
        "shape": "",
    }
    assert said["found"] == {uid: path for uid, (path, _) in said["fetched"].items()}
    for uid, (path, sha256) in said["fetched"].items():
        assert Path(path) == cache.root / cache.paths[uid]
        assert sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_a_larger_draw_extends_a_smaller_one_and_goes_on_past_what_is_refused(tmp_path):
    Cache(tmp_path).write(glbs=True)
    one, three = ask_objaverse(tmp_path, wanted=1), ask_objaverse(tmp_path, wanted=3)
    assert one["objects"] == three["objects"][:1]
    free = ask_objaverse(tmp_path, wanted=1, allow=["cc0"])
    assert [record["uid"] for record in free["objects"]] == ["c" * 32]
    assert set(free["rejects"]) <= {"a" * 32, "b" * 32}


def test_the_whole_of_objaverse_can_be_drawn_from_but_for_no_derivatives(tmp_path):
    Cache(tmp_path).write(glbs=True)
    said = ask_objaverse(tmp_path, "objaverse:all")
    assert sorted(record["uid"] for record in said["objects"]) == ["a" * 32, "b" * 32, "c" * 32]
    stage, reason = said["rejects"]["d" * 32]
    assert stage == "list"
    assert "CC-BY-ND-4.0" in reason


def test_uids_without_path_or_annotation_are_told(tmp_path):
    cache = Cache(tmp_path)
    cache.lvis["ghost"] = ["e" * 32]
    del cache.licences["b" * 32]
    cache.write(glbs=True)
    said = ask_objaverse(tmp_path)
    assert {uid: stage for uid, (stage, _) in said["rejects"].items()} == {"e" * 32: "list", "b" * 32: "list"}
    assert len(said["objects"]) == 2


def test_what_is_not_cached_comes_from_the_hub_to_where_objaverse_finds_it(tmp_path):
    cache = Cache(tmp_path)
    glbs = {path: box(1 + ord(uid[0])) for uid, path in cache.paths.items()}
    with hub_with(cache.index_files() | glbs) as hub:
        said = ask_objaverse(tmp_path, hub=hub)
    assert (said["error"], said["refused"]) == ("", {})
    assert sorted(said["found"]) == list(cache.uids[:3])
    for uid in cache.uids[:3]:
        assert (cache.root / cache.paths[uid]).read_bytes() == glbs[cache.paths[uid]]
    assert cache.leftovers() == []
    assert ask_objaverse(tmp_path)["fetched"] == said["fetched"]  # and now without network


def test_a_download_that_breaks_off_is_resumed(tmp_path):
    cache = Cache(tmp_path).write(glbs=False)
    path = cache.paths["c" * 32]
    with hub_with({path: box(2)}, drop_first=300) as hub:
        said = ask_objaverse(tmp_path, wanted=1, allow=["cc0"], hub=hub)
    assert said["refused"] == {}
    assert (cache.root / path).read_bytes() == box(2)


def test_a_damaged_download_is_refused_and_leaves_nothing_behind(tmp_path):
    cache = Cache(tmp_path).write(glbs=False)
    first, second, third = (cache.paths[uid] for uid in cache.uids[:3])
    with hub_with({first: box(1)[:-40], second: b"<html>busy</html>"}) as hub:
        said = ask_objaverse(tmp_path, hub=hub)
    assert said["fetched"] == {}
    assert "cut short" in said["refused"]["a" * 32]
    assert "not a GLB" in said["refused"]["b" * 32]
    assert third in said["refused"]["c" * 32]
    assert cache.leftovers() == []
    assert list(cache.root.rglob("*.glb")) == []


def test_a_cached_file_that_was_cut_short_is_downloaded_again(tmp_path):
    cache = Cache(tmp_path).write(glbs=True)
    path = cache.root / cache.paths["c" * 32]
    path.write_bytes(box(2)[:-40])
    with hub_with({cache.paths["c" * 32]: box(2)}) as hub:
        said = ask_objaverse(tmp_path, wanted=1, allow=["cc0"], hub=hub)
    assert said["refused"] == {}
    assert path.read_bytes() == box(2)


@pytest.mark.parametrize(
    "name", ["object-paths.json.gz", "lvis-annotations.json.gz", "metadata/000-001.json.gz"]
)
def test_an_index_that_was_cut_short_is_named(tmp_path, name):
    cache = Cache(tmp_path).write(glbs=True)
    (cache.root / name).write_bytes((cache.root / name).read_bytes()[:-30])
    said = ask_objaverse(tmp_path)
    assert str(cache.root / name) in said["error"]
    assert "delete" in said["error"]


@pytest.mark.parametrize(
    "missing", ["object-paths.json.gz", "metadata/000-000.json.gz", f"glbs/000-000/{'a' * 32}.glb"]
)
def test_without_network_and_cache_the_message_names_both(tmp_path, missing):
    cache = Cache(tmp_path).write(glbs=True)
    (cache.root / missing).unlink()
    said = ask_objaverse(tmp_path)
    assert all(word in said["error"] for word in (missing, "network", str(cache.root)))


def test_a_path_in_the_index_that_leads_elsewhere_is_refused(tmp_path):
    cache = Cache(tmp_path)
    cache.paths["c" * 32] = "glbs/../../../../secret.glb"
    cache.write(glbs=False)
    (tmp_path / "secret.glb").write_bytes(box(1))
    said = ask_objaverse(tmp_path, allow=["cc0"])
    assert (said["error"], said["fetched"]) == ("", {})
    assert "index" in said["rejects"]["c" * 32][1]


def test_without_the_objaverse_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "objaverse", None)
    with pytest.raises(InputError, match=re.escape("viewpoint100k[objaverse]")):
        list_objects("objaverse:lvis", wanted=1, seed=0, budgets=BUDGETS)
