"""Datasets of strangers, a representative part of the benchmark in this process: each reader refuses each
with one line.
"""

import importlib.util
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from viewpoint100k.card import rewrite_card
from viewpoint100k.errors import InputError
from viewpoint100k.evaluate import evaluate, read_predictions
from viewpoint100k.export import export
from viewpoint100k.gallery import write_gallery
from viewpoint100k.load import load_questions
from viewpoint100k.requestion import requestion
from viewpoint100k.shards import iter_samples, read_shard, shard_paths
from viewpoint100k.takedown import remove_objects
from viewpoint100k.validate import validate_dataset

_spec = importlib.util.spec_from_file_location(
    "hostile_datasets", Path(__file__).resolve().parents[2] / "benchmarks" / "hostile_datasets.py"
)
hostile = importlib.util.module_from_spec(_spec)
sys.modules["hostile_datasets"] = hostile
_spec.loader.exec_module(hostile)

OF_SHARDS = {
    "inspect": lambda case, uid: list(iter_samples(case.dataset)),
    "export": lambda case, uid: export(case.dataset, "llamafactory", case.root / "exported", "train"),
    "requestion": lambda case, uid: requestion(case.dataset, case.root / "asked"),
    "remove": lambda case, uid: remove_objects(case.dataset, [uid]),
}
READERS = {
    **OF_SHARDS,
    "gallery": lambda case, uid: write_gallery(case.dataset, case.root / "page.html"),
    "card": lambda case, uid: rewrite_card(case.dataset),
    "evaluate": lambda case, uid: evaluate(case.predictions, case.dataset),
}
IN_SHARDS = [
    "symbolic link to a file outside", "hard link to a member", "FIFO", "folder", "old sparse file",
    "pax sparse file",
    "size of 2^62", "negative size", "size of -17 in digits", "chain of 5,000 pax headers",
    "chain of 5,000 long names",
    "long name of 2^40 bytes", "pax header that gives a size", "name that leads out",
    "name with line breaks and escapes",
    "name that is no UTF-8", "third picture", "member twice", "shard cut within a member",
    "shard cut behind a sample",
    "empty shard", "shard in gzip", "damaged header in the middle", "shard of 60 GB of holes",
    "shard is a FIFO",
    "shard is /dev/zero", "shard is a link outside", "shard is a link to itself", "shard is a folder",
    "json 100,000 deep in a field", "json is no UTF-8", "json with half a character", "json with infinity",
    "number of 5,000 digits", "list of 500,000 wrong numbers", "yaw of 1e308", "azimuth change of 1e8",
    "pose of 1e200",
    "pose of zeros", "mirrored pose", "camera in the middle of the object", "focal length 0", "no view",
    "one view",
    "answer_index 99", "no options", "pictures 99", "mark on picture 99", "mark at 1e300", "letter Z",
    "number 0 asked for",
    "question id that leads out", "number as text", "matrices of another size", "scene of numbers",
]  # fmt: skip
OTHERS = [
    "empty picture", "truncated picture", "EPS", "EPS behind the first bytes of a JPEG", "CMYK JPEG",
    "JPEG that says 10,000 x 10,000",
    "manifest names the shard '../outside/train-00000-of-00001.tar'", "manifest names the shard '/dev/zero'",
    "manifest names a FIFO", "manifest names a FIFO like a shard", "manifest names no shard",
    "manifest's config.plan is []",
    "manifest's config.render is None", "manifest's version of 5,000 digits", "manifest 100,000 deep",
    "manifest is a FIFO",
    "manifest is /dev/zero", "manifest lists a file outside", "card of aliases of aliases", "card is a FIFO",
    "card with a day that is none", "attribution is /dev/zero", "folder card is outside",
    "index has other columns",
    "audit 100,000 deep", "predictions 100,000 deep", "predictions with half a character",
    "predictions with an infinite rotation", "predictions that are a FIFO", "predictions of one line of 9 MB",
]  # fmt: skip
WAYS = {way.name: way for way in hostile.ways()}


def refusal(reader, case, uid):
    """What a reader says; empty: it took it."""
    if reader == "validate":
        try:
            return "".join(
                f"{one.where}: {one.what}" for one in validate_dataset(case.dataset, 1).problems[:1]
            )
        except InputError as error:
            return str(error)
    try:
        READERS[reader](case, uid)
    except InputError as error:
        return str(error)
    return ""


@pytest.fixture(autouse=True)
def no_plots(monkeypatch):
    monkeypatch.setattr("viewpoint100k.plots.can_plot", lambda: False)


@pytest.mark.parametrize("name", IN_SHARDS)
def test_what_is_wrong_in_a_shard_is_one_line_of_every_reader_that_names_the_shard(name, dataset, tmp_path):
    case, uid = hostile.make_case(dataset, tmp_path, WAYS[name])
    before = hostile._state(case.outside)
    for reader in ("validate", *OF_SHARDS):
        said = refusal(reader, case, uid)
        assert case.shard.name in said and said.isprintable(), (reader, said)
    assert hostile._state(case.outside) == before


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_wrong_elsewhere_is_one_line_of_those_who_read_it(name, dataset, tmp_path):
    case, uid = hostile.make_case(dataset, tmp_path, WAYS[name])
    before = hostile._state(case.outside)
    for reader in sorted(WAYS[name].refused_by & {"validate", *READERS}):
        said = refusal(reader, case, uid)
        assert said and said.isprintable(), reader
    assert hostile._state(case.outside) == before


def test_a_fault_in_a_record_is_said_with_shard_key_member_field_and_what_was_expected(dataset, tmp_path):
    case, uid = hostile.make_case(dataset, tmp_path, WAYS["answer_index 99"])
    said = refusal("inspect", case, uid)
    for word in (
        case.shard.name,
        f"'{case.key}'",
        f"{case.key}.json",
        "questions.0.answer_index",
        "less than 10",
    ):
        assert word in said


def test_a_run_of_every_reader_is_measured_in_a_process_of_its_own(dataset):
    """The benchmark sees what it is to see: a spoiled dataset is refused, a good one is read, within its
    limits.
    """
    readers = ["validate", "inspect", "export"]
    runs, faults = hostile.read_by_all(dataset, WAYS["negative size"], readers)
    assert faults == [] and [one.code for one in runs] == [1, 2, 2]
    runs, faults = hostile.read_by_all(dataset, None, readers)
    assert faults == [] and [one.code for one in runs] == [0, 0, 0]
    way = WAYS["shard is a link outside"]._replace(refused_by=frozenset({"inspect"}), spoil=lambda case: None)
    assert hostile.read_by_all(dataset, way, ["inspect"])[1] == ["inspect: takes it"]


@pytest.mark.parametrize("streaming", [True, False])
def test_load_questions_refuses_by_the_same_reader_and_reads_nothing_that_a_card_names(
    streaming, dataset, tmp_path, monkeypatch
):
    datasets = pytest.importorskip("datasets", reason="needs the extra [publish]")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    case, _ = hostile.make_case(dataset, tmp_path / "a", WAYS["mark at 1e300"])
    with pytest.raises(InputError, match=rf"{case.shard.name}.*{case.key}.*marks.*got 1e\+300"):
        list(load_questions(case.dataset, streaming=streaming))
    case, _ = hostile.make_case(dataset, tmp_path / "b", WAYS["no dataset: other files"])
    with pytest.raises(InputError, match="cannot load split 'train'"):
        load_questions(case.dataset, streaming=streaming)
    case, _ = hostile.make_case(dataset, tmp_path / "c", WAYS["card that lists files outside"])
    rows = list(load_questions(case.dataset, streaming=streaming))
    stored = [question.id for one in iter_samples(dataset, "train") for question in one.sample.fair_questions]
    assert [row["question_id"] for row in rows] == stored
    for name in ("EPS", "PNG", "CMYK JPEG", "JPEG that says 65,000 x 65,000", "truncated picture"):
        case, _ = hostile.make_case(dataset, tmp_path / name, WAYS[name])
        with pytest.raises(InputError, match=rf"{case.shard.name}.*view_0"):
            list(load_questions(case.dataset, streaming=streaming))


# --- what is good stays good -----------------------------------------------------------------------


def test_shards_are_read_as_tarfile_reads_them(dataset):
    for path in shard_paths(dataset):
        with tarfile.open(path) as tar:
            files = {info.name: tar.extractfile(info).read() for info in tar}
        found = {
            f"{one.key}.view_{i}.jpg": data for one in read_shard(path) for i, data in enumerate(one.images)
        }
        assert found == {name: data for name, data in files.items() if name.endswith(".jpg")}
        assert len(files) == len(found) * 3 / 2


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_shard_that_another_tool_packed_again_is_read_the_same(kind, dataset, tmp_path):
    """With times in fractions of a second, owners in other letters, and room at the end: all of that is
    harmless.
    """
    path = shard_paths(dataset)[0]
    again = tmp_path / path.name
    with tarfile.open(path) as tar, tarfile.open(again, "w", format=kind) as out:
        for info in tar:
            info.mtime, info.uname = 1.5 if kind == tarfile.PAX_FORMAT else 1, "j\u00fcrgen"
            out.addfile(info, tar.extractfile(info))
    with open(again, "ab") as file:
        file.write(bytes(65536))
    assert list(read_shard(again)) == list(read_shard(path))


def test_the_hubs_cache_of_links_is_read_and_other_links_are_not(dataset, tmp_path):
    blobs, snapshot = (
        tmp_path / "datasets--a--b" / "blobs",
        tmp_path / "datasets--a--b" / "snapshots" / "0123",
    )
    shutil.copytree(dataset, blobs, ignore=shutil.ignore_patterns(".run"))
    for path in [path for path in blobs.rglob("*") if path.is_file()]:
        link = snapshot / path.relative_to(blobs)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(path, link.parent))
    assert validate_dataset(snapshot, 1).problems == []
    elsewhere = shutil.copytree(snapshot, tmp_path / "elsewhere", symlinks=True)
    for path in elsewhere.rglob("*.tar"):
        path.unlink()
        path.symlink_to(blobs / path.name)
    with pytest.raises(InputError, match="leads out of its folder"):
        list(iter_samples(elsewhere))


def test_predictions_may_come_through_a_pipe_and_keep_what_divides_lines_elsewhere(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, '{"id": "a", "prediction": "one\u2028two"}\n\n{"id": 7, "completion": null}\n'.encode())
    os.close(writing)
    assert read_predictions(Path(f"/dev/fd/{reading}")) == {"a": {0: "one\u2028two"}, "7": {0: ""}}
    os.close(reading)


def test_wordings_that_a_manifest_names_are_not_read_unless_the_user_says_so(dataset, tmp_path):
    case, _ = hostile.make_case(dataset, tmp_path, WAYS["manifest's wordings are outside"])
    with pytest.raises(InputError, match=r"Say where they are here.*--set questions\.templates"):
        requestion(case.dataset, tmp_path / "asked")
    asked = requestion(case.dataset, tmp_path / "asked", ["questions.templates=null"])
    assert asked.questions > 0
