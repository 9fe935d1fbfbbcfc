"""Sources of objects: folders and our own shapes."""

import hashlib
import json
import os
import re
import sys
from pathlib import Path

import pytest
from support.objaverse_cache import box

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import InputError, ObjectRefused
from viewpoint100k.objects import Listing, fetch_object, list_objects
from viewpoint100k.objects.credit import licence_refusal, normalise_licence, plain_text

BUDGETS = FileBudgets()
ASSETS = Path(__file__).resolve().parents[2].parent / "shared/assets"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"no example objects at {ASSETS}")


def fill(folder: Path, *names: str) -> None:
    """Each file a box of its own."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(box(1 + number / 8))


def listed(folder: Path, allow: tuple[str, ...] | None = None) -> Listing:
    return list_objects(str(folder), wanted=1, seed=0, budgets=BUDGETS, allow=allow)


# --- licences and names --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("by", "CC-BY-4.0"),
        ("by-sa", "CC-BY-SA-4.0"),
        ("by-nc-nd", "CC-BY-NC-ND-4.0"),
        ("cc0", "CC0-1.0"),
        ("CC0-1.0", "CC0-1.0"),
        ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
        ("CC-BY 4.0", "CC-BY-4.0"),
        ("CC BY-NC-SA v3.0", "CC-BY-NC-SA-3.0"),
        ("CC-BY", "CC-BY"),
        ("Creative Commons Attribution", "CC-BY"),
        ("Creative Commons Attribution-NonCommercial-NoDerivs 3.0 Unported License", "CC-BY-NC-ND-3.0"),
        ("Attribution 4.0 International (CC BY 4.0)", "CC-BY-4.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("MIT", "MIT"),
        ("CC0-1.0 and CC-BY-4.0 (rig/animation)", "CC0-1.0 and CC-BY-4.0 (rig/animation)"),
        ("CC-BY-4.0 with Cesium trademark limitations", "CC-BY-4.0 with Cesium trademark limitations"),
        ("CC-BY-3.0, CC-BY-4.0", "CC-BY-3.0, CC-BY-4.0"),
        ("made by Kay", "made by Kay"),
        ("", "unknown"),
        ("None", "unknown"),
    ],
)
def test_a_licence_has_one_name_however_it_is_spelt(spelling, expected):
    assert normalise_licence(spelling) == expected
    assert normalise_licence(expected) == expected


@pytest.mark.parametrize(
    ("licence", "allow", "is_used"),
    [
        ("unknown", None, True),
        ("CC-BY-NC-4.0", None, True),
        ("CC-BY-ND-4.0", None, False),
        ("CC0-1.0 and CC-BY-ND-4.0", None, False),
        ("no derivative works", None, False),
        ("Standard Sandbox", None, True),
        ("CC-BY-ND-4.0", ("by-nd",), True),
        ("CC-BY-3.0", ("by",), True),
        ("CC-BY-3.0", ("CC-BY-4.0",), False),
        ("CC-BY-SA-4.0", ("by", "cc0"), False),
        ("CC0-1.0", ("CC0",), True),
        ("MIT", ("mit",), True),
        ("unknown", ("by",), False),
        ("unknown", ("unknown",), True),
        ("CC0-1.0 and CC-BY-4.0 (rig/animation)", ("cc0", "by"), True),
        ("CC0-1.0 and CC-BY-4.0 (rig/animation)", ("cc0",), False),
        ("CC-BY-4.0 with Cesium trademark limitations", ("by",), False),
        (
            "CC-BY-4.0 with Cesium trademark limitations",
            ("CC-BY-4.0 with Cesium trademark limitations",),
            True,
        ),
        ("CC0-1.0", (), False),
    ],
)
def test_only_allowed_licences_are_used_and_no_derivatives_only_by_name(licence, allow, is_used):
    assert (licence_refusal(licence, allow) is None) == is_used


def test_of_a_person_only_the_name_is_kept_and_every_text_can_be_written():
    person = {"email": "a@b.c", "avatar": {"uri": "x"}, "username": "kay", "displayName": ""}
    assert plain_text(person) == "kay"
    assert plain_text(" two\nlines\x00 \ud800end ") == "two lines end"
    assert plain_text(None) == plain_text(["a"]) == ""


# --- folders -------------------------------------------------------------------------------------


def test_a_folder_gives_all_its_objects_in_order_of_their_paths(tmp_path):
    fill(tmp_path, "chairs/b.glb", "a.GLB", "chairs/old/c.glb")
    (tmp_path / "notes.txt").write_text("not an object")
    listing = listed(tmp_path)
    assert [each.path for each in listing.objects] == ["a.GLB", "chairs/b.glb", "chairs/old/c.glb"]
    assert [each.record.uid for each in listing.objects] == ["a", "chairs_b", "chairs_old_c"]
    assert [each.record.category for each in listing.objects] == ["unknown", "chairs", "old"]
    assert listing.objects[0].record.sha256 == hashlib.sha256((tmp_path / "a.GLB").read_bytes()).hexdigest()
    assert {each.record.licence for each in listing.objects} == {"unknown"}
    assert (listing.rejects, listing.endless) == ((), False)


def test_uids_are_safe_and_different_whatever_the_files_are_called(tmp_path):
    names = [
        "a b.glb",
        "a_b.glb",
        "A_b.glb",
        "a.b.glb",
        "пёс.glb",
        "犬.glb",
        "café.glb",
        "-rf.glb",
        f"{'x' * 200}.glb",
    ]
    fill(tmp_path, *names)
    listing = listed(tmp_path)
    uids = [each.record.uid for each in listing.objects]
    assert listing.rejects == ()
    assert len({uid.lower() for uid in uids}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,100}", uid) for uid in uids)
    assert "cafe" in uids


def test_a_file_with_the_bytes_of_another_is_left_out(tmp_path):
    fill(tmp_path, "first.glb")
    (tmp_path / "second.glb").write_bytes((tmp_path / "first.glb").read_bytes())
    listing = listed(tmp_path)
    assert [each.path for each in listing.objects] == ["first.glb"]
    [reject] = listing.rejects
    assert (reject.uid, reject.stage) == ("second", "list")
    assert "same bytes as first.glb" in reject.reason


def test_a_damaged_file_is_a_record_with_a_reason_and_stops_nothing(tmp_path):
    fill(tmp_path, "bad.glb", "good.glb")
    (tmp_path / "bad.glb").write_bytes(box(2)[:-100])
    listing = listed(tmp_path)
    assert [each.path for each in listing.objects] == ["good.glb"]
    [reject] = listing.rejects
    assert (reject.uid, reject.stage) == ("bad", "check")


def test_a_list_of_entries_describes_the_files(tmp_path):
    fill(tmp_path, "fruit/pear.glb", "mug.glb")
    entries = [
        {
            "file": "fruit/pear.glb",
            "name": "Pear",
            "category": "food",
            "attribution": "Ann",
            "licence": "cc0",
        },
        {
            "File": "./mug.glb",
            "class": "cup",
            "user": {"displayName": "Bo", "email": "b@c.d"},
            "viewerUrl": "https://x.y",
        }
        | {"license": "by", "front azimuth deg": 90},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    pear, mug = listed(tmp_path).objects
    assert (pear.record.title, pear.record.category, pear.record.author) == ("Pear", "food", "Ann")
    assert (pear.record.licence, pear.front_azimuth_deg) == ("CC0-1.0", None)
    assert (mug.record.category, mug.record.author, mug.record.licence) == ("cup", "Bo", "CC-BY-4.0")
    assert (mug.record.source_url, mug.front_azimuth_deg) == ("https://x.y", 90.0)


def test_entries_may_be_keyed_by_uid_or_stand_in_a_table(tmp_path):
    fill(tmp_path, "keyed/fruit/pear.glb", "table/mug.glb")
    (tmp_path / "keyed/manifest.json").write_text(
        json.dumps({"fruit_pear": {"name": "Pear", "license": "by-sa"}})
    )
    (tmp_path / "table/metadata.csv").write_text(
        "filename,label,license,creator\nmug.glb,cup,CC-BY 4.0,Bø\n", "utf-8"
    )
    [pear], [mug] = listed(tmp_path / "keyed").objects, listed(tmp_path / "table").objects
    assert (pear.record.title, pear.record.licence) == ("Pear", "CC-BY-SA-4.0")
    assert (mug.record.category, mug.record.licence, mug.record.author) == ("cup", "CC-BY-4.0", "Bø")


def test_a_bare_name_describes_a_file_in_any_folder_if_only_one_is_called_so(tmp_path):
    fill(tmp_path, "000-001/mug.glb", "000-001/pear.glb", "000-002/pear.glb")
    (tmp_path / "manifest.json").write_text(
        json.dumps({"mug": {"license": "by"}, "pear.glb": {"license": "cc0"}})
    )
    listing = listed(tmp_path)
    assert [each.record.licence for each in listing.objects] == ["CC-BY-4.0", "unknown", "unknown"]
    [reject] = listing.rejects
    assert reject.reason == "pear.glb: described in manifest.json, but no file or more than one is called so"


def test_a_file_that_is_not_the_one_its_manifest_describes_is_left_out(tmp_path):
    fill(tmp_path, "mug.glb")
    (tmp_path / "manifest.json").write_text(json.dumps([{"file": "mug.glb", "sha256": "0" * 64}]))
    listing = listed(tmp_path)
    assert listing.objects == ()
    assert listing.rejects[0].stage == "list"
    assert "sha256" in listing.rejects[0].reason


def test_entries_name_no_new_files_and_those_without_a_file_are_told(tmp_path):
    fill(tmp_path, "in/mug.glb", "outside.glb")
    (tmp_path / "in/manifest.json").write_text(json.dumps([{"file": "../outside.glb"}, {"file": "Mug.glb"}]))
    listing = listed(tmp_path / "in")
    assert [each.path for each in listing.objects] == ["mug.glb"]
    assert [reject.reason.split(":")[0] for reject in listing.rejects] == ["../outside.glb", "Mug.glb"]


def test_no_derivatives_objects_are_refused_and_allowed_licences_are_kept(tmp_path):
    fill(tmp_path, "a.glb", "b.glb", "c.glb")
    terms = {"a.glb": {"licence": "by-nd"}, "b.glb": {"licence": "CC BY 3.0"}, "c.glb": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(terms))
    assert [each.record.uid for each in listed(tmp_path).objects] == ["b", "c"]
    listing = listed(tmp_path, allow=("by",))
    assert [each.record.uid for each in listing.objects] == ["b"]
    assert {reject.stage for reject in listing.rejects} == {"list"}
    assert "CC-BY-ND-4.0" in listing.rejects[0].reason


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("manifest.json", '[\n{"file": "a.glb"},\n{"file": }\n]', ["manifest.json", "line 3"]),
        ("manifest.json", '"a.glb"', ["manifest.json", "str"]),
        ("manifest.json", '[{"file": "a.glb"}, "b"]', ["entry 2"]),
        ("manifest.json", '[{"category": "food"}]', ["entry 1", "filename"]),
        ("manifest.json", '{"a.glb": {"front_azimuth_deg": "left"}}', ['"a.glb"', "left"]),
        ("manifest.json", '[{"file": "a.glb"}, {"path": "a.glb"}]', ["entry 2", "a.glb"]),
        ("manifest.json", "[" * 100_000, ["manifest.json"]),
        ("manifest.csv", "file,licence\na.glb,by\nb.glb,by,4.0\n", ["manifest.csv", "line 3"]),
        ("manifest.csv", 'file,licence\n"a.glb,by\n', ["manifest.csv", "line"]),
    ],
)
def test_a_malformed_manifest_is_named_with_the_place(tmp_path, name, text, words):
    fill(tmp_path, "a.glb")
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        listed(tmp_path)
    assert all(word in str(caught.value) for word in words)


def test_a_manifest_in_another_encoding_is_named_with_its_line(tmp_path):
    fill(tmp_path, "a.glb")
    (tmp_path / "manifest.csv").write_bytes("file,author\na.glb,Bø\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"manifest\.csv, line 2.*UTF-8"):
        listed(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="links and pipes as POSIX has them")
def test_what_leads_out_of_the_folder_or_would_hang_is_refused(tmp_path):
    fill(tmp_path, "in/a.glb", "in/real/b.glb", "outside/c.glb")
    folder = tmp_path / "in"
    (folder / "out.glb").symlink_to(tmp_path / "outside/c.glb")
    (folder / "linked").symlink_to(tmp_path / "outside", target_is_directory=True)
    (folder / "round.glb").symlink_to(folder / "round.glb")
    (folder / "gone.glb").symlink_to(folder / "nothing.glb")
    os.mkfifo(folder / "pipe.glb")
    listing = listed(folder)
    assert [each.path for each in listing.objects] == ["a.glb", "real/b.glb"]
    assert {reject.uid: reject.stage for reject in listing.rejects} == dict.fromkeys(
        ["out", "linked", "round", "gone", "pipe"], "list"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_cannot_be_written_down_is_refused(tmp_path):
    fill(tmp_path, "a.glb")
    os.rename(tmp_path / "a.glb", os.fsencode(tmp_path) + b"/\xff.glb")
    listing = listed(tmp_path)
    assert listing.objects == ()
    listing.rejects[0].model_dump_json().encode()


def test_a_source_that_is_none_says_what_is_expected(tmp_path):
    file = tmp_path / "a.glb"
    file.write_bytes(b"")
    empty = tmp_path / "empty"
    fill(empty)
    (empty / "deep").mkdir(parents=True)
    (empty / "deep/a.txt").write_text("")
    (empty / "b.obj").write_text("")
    for source, words in {
        str(tmp_path / "nowhere"): ["nowhere", "does not exist"],
        str(file): ["is a file", "folder"],
        str(empty): ["holds 2 files", ".glb"],
        "objaverse:xl": ["objaverse:xl", "builtin:", "folder", "objaverse:lvis"],
        "s3://bucket/x": ["builtin:", "folder", "objaverse:lvis"],
        "": ["builtin:", "folder", "objaverse:lvis"],
    }.items():
        with pytest.raises(InputError) as caught:
            list_objects(source, wanted=1, seed=0, budgets=BUDGETS)
        assert all(word in str(caught.value) for word in words), source


def test_a_file_is_fetched_as_planned_wherever_the_folder_lies(tmp_path):
    fill(tmp_path / "here", "deep/mug.glb")
    [mug] = listed(tmp_path / "here").objects
    (tmp_path / "here").rename(tmp_path / "there")
    path, record = fetch_object(mug, str(tmp_path / "there"), tmp_path / "work", BUDGETS)
    assert path == tmp_path / "there/deep/mug.glb"
    assert record == mug.record
    assert not (tmp_path / "work").exists()
    with pytest.raises(InputError, match="does not exist"):  # not one refusal for each object of the run
        fetch_object(mug, str(tmp_path / "here"), tmp_path / "work", BUDGETS)


def test_side_files_belong_to_an_object(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    for number, name in enumerate(["low", "high"]):
        files = trimesh.creation.box(extents=(1, 1, 1)).export(file_type="gltf")
        files |= {
            file: content.replace(b"\0\0\0?", b"\0\0@?", number)
            for file, content in files.items()
            if ".bin" in file
        }
        for file, content in files.items():
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file).write_bytes(content)
    listing = listed(tmp_path)
    texts = {(tmp_path / each.path).read_bytes() for each in listing.objects}
    assert (len(texts), len(listing.objects), listing.rejects) == (
        1,
        2,
        (),
    )  # equal .gltf, other .bin: no twins
    high, low = listing.objects
    assert fetch_object(high, str(tmp_path), tmp_path, BUDGETS)[1] == high.record
    for side_file in (tmp_path / "low").glob("*.bin"):
        side_file.write_bytes((tmp_path / "high" / side_file.name).read_bytes())
    with pytest.raises(ObjectRefused, match="changed since it was planned"):
        fetch_object(low, str(tmp_path), tmp_path, BUDGETS)


def test_a_file_that_changed_or_went_since_it_was_planned_is_refused(tmp_path):
    fill(tmp_path, "cup.glb", "mug.glb", "pear.glb")
    cup, mug, pear = listed(tmp_path).objects
    (tmp_path / "cup.glb").write_bytes(b"something else")
    (tmp_path / "mug.glb").write_bytes(box(9))
    (tmp_path / "pear.glb").unlink()
    for changed in (cup, mug):
        with pytest.raises(ObjectRefused, match="changed since it was planned"):
            fetch_object(changed, str(tmp_path), tmp_path, BUDGETS)
    with pytest.raises(ObjectRefused, match="cannot be opened"):
        fetch_object(pear, str(tmp_path), tmp_path, BUDGETS)


def test_a_plan_cannot_lead_out_of_the_folder(tmp_path):
    fill(tmp_path, "in/mug.glb", "outside.glb")
    [mug] = listed(tmp_path / "in").objects
    for path in ("../outside.glb", str(tmp_path / "outside.glb")):
        with pytest.raises(ObjectRefused, match="out of the folder"):
            fetch_object(mug.model_copy(update={"path": path}), str(tmp_path / "in"), tmp_path, BUDGETS)


@needs_assets
def test_the_example_objects_are_all_used_with_their_licences():
    steps: list[tuple[int, int]] = []
    listing = list_objects(
        str(ASSETS / "objects"), wanted=3, seed=0, budgets=BUDGETS, progress=lambda *step: steps.append(step)
    )
    entries = {
        each["file"]: each for each in json.loads((ASSETS / "objects/manifest.json").read_text("utf-8"))
    }
    assert [reject.reason for reject in listing.rejects] == []
    assert [each.path for each in listing.objects] == sorted(entries)
    for each in listing.objects:
        entry = entries[each.path]
        assert (each.record.sha256, each.record.licence) == (entry["sha256"], entry["licence"])
        assert (each.record.author, each.record.category) == (entry["attribution"], entry["category"])
        assert each.record.source_url == entry["source_repo"]
    assert steps[-1] == (len(entries), len(entries))


@needs_assets
def test_the_example_objects_can_be_chosen_by_licence():
    listing = listed(ASSETS / "objects", allow=("cc0",))
    assert {each.record.licence for each in listing.objects} == {"CC0-1.0"}
    assert len(listing.objects) + len(listing.rejects) == len(list((ASSETS / "objects").glob("*.glb")))


@needs_assets
def test_every_file_of_the_bad_examples_is_used_or_has_a_reason():
    listing = listed(ASSETS / "bad")
    files = {path.name for path in (ASSETS / "bad").iterdir() if path.suffix in (".glb", ".gltf")}
    used = {each.path for each in listing.objects}
    refused = {reject.reason.split(":")[0] for reject in listing.rejects}
    assert used | refused == files
    assert {"02_wrong_magic.glb", "06_zero_byte.glb", "54_traversal_real_image.glb"} <= refused


# --- our own shapes -------------------------------------------------------------------------------


def test_our_own_shapes_come_in_any_number_and_are_made_when_fetched(tmp_path):
    listing = list_objects("builtin:", wanted=5, seed=3, budgets=BUDGETS)
    assert (len(listing.objects), listing.rejects, listing.endless) == (5, (), True)
    first = listing.objects[0]
    path, record = fetch_object(first, "builtin:", tmp_path / "work", BUDGETS)
    assert path == tmp_path / f"work/{first.record.uid}.glb"
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert fetch_object(first, "builtin:", tmp_path / "work", BUDGETS) == (path, record)
    assert [entry.name for entry in (tmp_path / "work").iterdir()] == [path.name]  # nothing half-written
