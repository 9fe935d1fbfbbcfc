"""Which objects are used: lists of uids, filters over annotations, quality labels, shares of categories."""

import json
from typing import ClassVar

import pytest
from support.objaverse_cache import Cache, ask_objaverse, box

from viewpoint100k.config import FileBudgets, ObjectsConfig
from viewpoint100k.errors import InputError
from viewpoint100k.objects import list_objects
from viewpoint100k.objects.selection import Funnel, Row, choose, read_lists
from viewpoint100k.objects.tables import read_groups, read_quality, read_uids

BUDGETS = FileBudgets()
FULL = {
    "faceCount": 700,
    "vertexCount": 400,
    "likeCount": 3,
    "viewCount": 50,
    "animationCount": 0,
    "isAgeRestricted": False,
    "tags": [{"name": "Red"}, {"name": "old"}],
    "categories": [{"name": "furniture-home"}],
}


class Annotated(Cache):
    """Objaverse's cache whose objects have all fields that filters ask for; `more` changes some of them."""

    more: ClassVar[dict] = {}

    def annotation(self, uid):
        return super().annotation(uid) | FULL | self.more.get(uid[0], {})


def used(home, *overrides, source="objaverse:all", **options):
    """First letters of the uids that are used."""
    said = ask_objaverse(home, source, overrides=overrides, **options)
    assert said["error"] == "", said["error"]
    return "".join(sorted(record["uid"][0] for record in said["objects"])), said


def cache(home, **more):
    found = Annotated(home)
    found.more = more
    found.licences["d" * 32] = "by"
    return found.write(glbs=True)


@pytest.mark.parametrize(
    ("override", "more", "expected"),
    [
        ("objects.min_faces=600", {"b": {"faceCount": 599}}, "acd"),
        ("objects.max_faces=700", {"b": {"faceCount": 701}, "c": {"faceCount": None}}, "ad"),
        ("objects.min_likes=3", {"a": {"likeCount": 2}}, "bcd"),
        ("objects.min_views=50", {"a": {"viewCount": "many"}}, "bcd"),
        ("objects.animated=false", {"c": {"animationCount": 2}}, "abd"),
        ("objects.animated=true", {"c": {"animationCount": 2}}, "c"),
        ("objects.tags=[RED]", {"d": {"tags": [{"name": "blue"}]}, "a": {"tags": None}}, "bc"),
        ("objects.without_tags=[blue]", {"d": {"tags": [{"name": "Blue"}]}}, "abc"),
        ("objects.categories=[armchair]", {}, "ab"),  # LVIS's
        ("objects.categories=[Animals-Pets]", {"d": {"categories": [{"name": "animals-pets"}]}}, "d"),
        ("objects.without_categories=[mug, food-drink]", {"d": {"categories": ["food-drink"]}}, "ab"),
        ("objects.authors=[user c]", {}, "c"),
        ("objects.without_authors=[User C]", {}, "abd"),
        ("objects.age_restricted=false", {"b": {"isAgeRestricted": True}}, "acd"),
        ("objects.age_restricted=true", {"b": {"isAgeRestricted": True}}, "abcd"),
    ],
)
def test_a_filter_keeps_what_it_says(tmp_path, override, more, expected):
    cache(tmp_path, **more)
    found, said = used(tmp_path, override)
    assert found == expected
    assert said["steps"][-1] == ["used", len(expected)]


def test_the_funnel_counts_what_is_left_at_each_filter(tmp_path):
    cache(tmp_path, a={"isAgeRestricted": True}, b={"faceCount": 5})
    (tmp_path / "not.txt").write_text(f"# hand-picked\n{'c' * 32}\n")
    _, said = used(tmp_path, f"objects.exclude={tmp_path / 'not.txt'}", "objects.min_faces=10")
    assert said["steps"] == [
        ["objaverse:all", 4],
        ["not in objects.exclude", 3],
        ["has an annotation", 3],
        ["not age-restricted", 2],
        ["faces: 10 or more", 1],
        ["licence: not no-derivatives", 1],
        ["used", 1],
    ]


def test_the_same_choice_has_the_same_hash_and_another_file_another(tmp_path):
    cache(tmp_path)
    (tmp_path / "one.txt").write_text("a" * 32)
    (tmp_path / "two.csv").write_text("uid\n" + "a" * 32)
    digests = [
        used(tmp_path, f"objects.uids={tmp_path / name}")[1]["selection"]["sha256"]
        for name in ("one.txt", "one.txt", "two.csv")
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("u.txt", "\ufeffaaa\n\n# no\nbbb\r\n"),
        ("u.csv", "score,UID\n3,aaa\n1,bbb\n"),
        ("u.csv", "aaa\nbbb\n"),
        ("u.json", '["aaa", "bbb.glb"]'),
        ("u.json", '[{"uid": "aaa", "x": [1]}, {"uid": "bbb"}]'),
        ("u.json", '{"aaa": {"score": 1}, "bbb": 3}'),
    ],
)
def test_uids_are_read_from_any_of_the_usual_files(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_uids(tmp_path / name).uids.tolist() == [b"aaa", b"bbb"]


def test_uids_are_read_from_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"object_id": ["bbb", "aaa"], "n": [1, 2]}), tmp_path / "u.parquet")
    assert read_uids(tmp_path / "u.parquet").uids.tolist() == [b"aaa", b"bbb"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("u.txt", "", ["names no uid"]),
        ("u.txt", "aaa\n../../etc/passwd\n", ["line 2", "not a uid"]),
        ("u.csv", "name,score\nx,1\n", ["columns", "uid"]),
        ("u.json", '["aaa", ', ["entry 2", "not JSON"]),
        ("u.json", '"aaa"', ["expected a list"]),
        ("u.json", "[" * 100_000, ["not JSON"]),
        ("u.json", '[{"name": 3}]', ["entry 1", "uid"]),
        ("u.parquet", "PAR1", ["not a Parquet file"]),
        ("u.xlsx", "aaa", [".txt, .csv, .json, .parquet"]),
    ],
)
def test_a_file_that_is_no_list_says_where_and_what_was_expected(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read_uids(tmp_path / name)
    assert all(word in str(caught.value) for word in [str(tmp_path / name), *words]), caught.value


def test_a_list_that_is_not_there_says_so(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_uids(tmp_path / "none.txt")


LABELS = [
    {"UID": "a" * 32, "score": 3, "is_scene": "false", "is_transparent": "true"},
    {"UID": "b" * 32, "score": 2, "is_scene": "true", "is_transparent": "false"},
    {"UID": "c" * 32, "score": 0, "is_scene": "false", "is_transparent": "false"},
]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], "abc"),  # d has no labels
        (["objects.min_quality=2"], "ab"),
        (["objects.without_traits=[scene]"], "ac"),
        (["objects.min_quality=1", "objects.without_traits=[scene, transparent]"], ""),
    ],
)
def test_quality_labels_are_joined_by_uid(tmp_path, overrides, expected):
    cache(tmp_path)
    (tmp_path / "labels.json").write_text(json.dumps(LABELS))
    assert used(tmp_path, f"objects.quality={tmp_path / 'labels.json'}", *overrides)[0] == expected


def test_a_score_that_is_none_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_text("UID,score\naaa,high\n")
    with pytest.raises(InputError, match=r"score = 'high'; expected 0, 1, 2 or 3"):
        read_quality(str(tmp_path / "labels.csv"))


def test_filters_on_labels_need_labels():
    with pytest.raises(ValueError, match=r"objects\.quality"):
        ObjectsConfig(min_quality=2)


def test_objects_that_may_be_re_uploads_are_told_by_their_counts(tmp_path):
    cache(tmp_path, b={"faceCount": 800})
    _, said = used(tmp_path)
    assert said["kin"]["a" * 32] == said["kin"]["c" * 32] == ["700 faces, 400 vertices"]
    assert said["kin"]["b" * 32] != said["kin"]["a" * 32]


def test_tables_are_made_once_and_again_when_their_file_is_newer(tmp_path):
    made = cache(tmp_path)
    used(tmp_path)
    (made.root / "metadata" / "000-000.json.gz").unlink()  # a node that was given the tables alone
    assert used(tmp_path)[0] == "abcd"
    made.more = {"a": {"isAgeRestricted": True}}
    made.write(glbs=True)
    assert used(tmp_path)[0] == "bcd"


def test_a_cache_that_cannot_be_written_to_serves_all_the_same(tmp_path):
    made = cache(tmp_path)
    (made.root / "viewpoint100k").write_text("a file in the folder's place")
    assert used(tmp_path)[0] == "abcd"


# --- categories -----------------------------------------------------------------------------------


def shares(rows, share, wanted=None):
    lists = read_lists(ObjectsConfig(category_share=share))
    counts = {}
    for one in choose(rows, lists, Funnel(), wanted):
        category = rows[one.place].category
        counts[category] = counts.get(category, 0) + 1
    return counts


def test_no_category_has_more_than_its_share_of_what_is_used():
    rows = [Row(f"{name}{i}", name) for name, n in (("chair", 90), ("mug", 8), ("fox", 6)) for i in range(n)]
    for share in (0.34, 0.5, 0.7, 1.0):
        counts = shares(rows, share)
        assert max(counts.values()) <= max(1, share * sum(counts.values()))
        assert counts["mug"] == 8 or share < 0.5
    assert shares(rows, 1.0) == {"chair": 90, "mug": 8, "fox": 6}
    assert max(shares(rows, 0.5, wanted=20).values()) <= 10


def test_a_share_that_cannot_be_kept_says_what_could_be():
    rows = [Row(f"{name}{i}", name) for name in ("chair", "mug") for i in range(9)]
    with pytest.raises(InputError, match=r"2 categories.*at least 0\.5"):
        shares(rows, 0.3)


# --- folders --------------------------------------------------------------------------------------


def test_lists_and_categories_choose_among_the_files_of_a_folder(tmp_path):
    for number, name in enumerate(("red/cup", "red/fox", "blue/pear", "blue/mug")):
        (tmp_path / "objects" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "objects" / f"{name}.glb").write_bytes(box(1 + number / 8))
    (tmp_path / "not.txt").write_text("red_cup\nnobody\n")

    def uids(**choice):
        found = list_objects(
            str(tmp_path / "objects"), wanted=1, seed=0, budgets=BUDGETS, choice=ObjectsConfig(**choice)
        )
        return [each.record.uid for each in found.objects]

    assert uids(exclude=str(tmp_path / "not.txt")) == ["blue_mug", "blue_pear", "red_fox"]
    assert uids(categories=["BLUE"]) == ["blue_mug", "blue_pear"]
    assert uids(uids=str(tmp_path / "not.txt")) == ["red_cup"]


@pytest.mark.parametrize(
    ("source", "choice", "name"),
    [("builtin:", {"uids": "x.txt"}, "objects.uids"), (".", {"min_likes": 2}, "objects.min_likes")],
)
def test_what_a_source_cannot_tell_is_refused_by_name(source, choice, name):
    with pytest.raises(InputError, match=name):
        list_objects(source, wanted=1, seed=0, budgets=BUDGETS, choice=ObjectsConfig(**choice))


def test_a_group_is_read_for_each_uid(tmp_path):
    (tmp_path / "groups.json").write_text('{"aaa": "g1", "bbb": "g2"}')
    groups = read_groups(tmp_path / "groups.json")
    assert [groups.group(uid) for uid in ("aaa", "bbb", "ccc")] == ["g1", "g2", ""]
