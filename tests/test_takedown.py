"""An object that is taken out is gone from every file, stays gone, and costs no other sample a byte."""

import hashlib
import json
import os
import shutil

import pytest
from support.command import SMALL, viewpoint100k

from viewpoint100k import plots
from viewpoint100k.errors import InputError
from viewpoint100k.manifest import read_attribution, read_manifest
from viewpoint100k.shards import iter_samples, read_shard, shard_paths, write_shard
from viewpoint100k.takedown import remove_objects
from viewpoint100k.validate import validate_dataset


@pytest.fixture
def copy(dataset, tmp_path, monkeypatch):
    """A copy to take something out of; its card without plots, which are another test's."""
    monkeypatch.setattr(plots, "can_plot", lambda: False)
    return shutil.copytree(dataset, tmp_path / "copy")


def in_split(dataset, split):
    """Objects of a split, those in the most samples first."""
    uids = [stored.sample.object.uid for stored in iter_samples(dataset, split)]
    return sorted(set(uids), key=lambda uid: (-uids.count(uid), uid))


def problems(dataset):
    return [f"{problem.where}: {problem.what}" for problem in validate_dataset(dataset, 1).problems]


def files(dataset):
    """sha256 of every published file."""
    paths = [
        path
        for path in dataset.rglob("*")
        if path.is_file() and ".run" not in path.relative_to(dataset).parts
    ]
    return {str(path.relative_to(dataset)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_removed_object_is_in_no_file_and_all_else_is_as_it_was(dataset, copy):
    uid = in_split(dataset, "train")[0]
    held = {
        path.name
        for path in shard_paths(dataset)
        if any(s.sample.object.uid == uid for s in read_shard(path))
    }
    done = remove_objects(copy, [uid], "asked by its author")
    assert problems(copy) == []
    assert done.shards == sorted(held)
    before = {stored.key: stored for stored in iter_samples(dataset) if stored.sample.object.uid != uid}
    after = {stored.key: stored for stored in iter_samples(copy)}
    assert after == before
    for path in shard_paths(dataset):
        if path.name not in held:
            assert (copy / path.name).read_bytes() == path.read_bytes()
    manifest = read_manifest(copy)
    assert manifest.version == "1.1.0"
    assert [(each.uid, each.version, each.reason) for each in manifest.removed] == [
        (uid, "1.1.0", "asked by its author")
    ]
    mentions = [path.name for path in copy.iterdir() if path.is_file() and uid.encode() in path.read_bytes()]
    assert sorted(mentions) == ["README.md", "manifest.json"]  # which list the removal
    assert "asked by its author" in (copy / "README.md").read_text()


def test_a_cut_shard_has_the_bytes_that_its_writer_would_have_written(dataset, copy, tmp_path):
    uid = in_split(dataset, "train")[0]
    remove_objects(copy, [uid])
    for path in shard_paths(copy, "train"):
        written = tmp_path / path.name
        write_shard(written, tmp_path, read_shard(path))
        assert written.read_bytes() == path.read_bytes()


def test_removing_twice_changes_nothing_more(dataset, copy):
    uid = in_split(dataset, "train")[0]
    remove_objects(copy, [uid])
    once = files(copy)
    done = remove_objects(copy, [uid])
    assert (done.shards, done.samples, done.manifest.version) == ([], 0, "1.1.0")
    assert files(copy) == once


def test_killed_at_any_step_it_is_finished_by_running_it_again_and_validate_names_what_is_torn(
    dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr(plots, "can_plot", lambda: False)
    uids = [in_split(dataset, "train")[0], *in_split(dataset, "test")]  # one shard is cut, another goes
    whole = shutil.copytree(dataset, tmp_path / "whole")
    remove_objects(whole, uids)
    wanted, untouched, torn = files(whole), files(dataset), 0
    for step in range(100):
        copy = shutil.copytree(dataset, tmp_path / f"{step}")
        ended = killed_at(step, copy, uids)
        state = files(copy)
        if state not in (wanted, untouched):
            torn += 1
            assert problems(copy), (
                f"killed at step {step}: validate finds nothing, but it is neither the old nor the new"
            )
        remove_objects(copy, uids)
        assert files(copy) == wanted, f"killed at step {step}"
        if ended:
            break
    assert step > torn > 5
    assert problems(whole) == []


def killed_at(step, dataset, uids):
    """Remove in a process that is gone at the step-th time it would move or delete a file.

    Whether it came to its end.
    """
    child = os.fork()
    if child == 0:
        left = step

        def counted(real):
            def call(*arguments, **named):
                nonlocal left
                if left == 0:
                    os._exit(9)
                left -= 1
                return real(*arguments, **named)

            return call

        os.replace, os.unlink = counted(os.replace), counted(os.unlink)
        try:
            remove_objects(dataset, uids)
            os._exit(0)
        except BaseException:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 0


def test_an_unfinished_removal_is_finished_without_naming_the_object_again(dataset, copy):
    uid = in_split(dataset, "train")[0]
    killed_at(2, copy, [uid])
    said = " ".join(problems(copy))
    assert f"viewpoint100k remove {copy}" in said
    assert uid in said
    done = viewpoint100k("remove", copy)
    assert done.returncode == 0, done.stderr
    assert problems(copy) == []


def test_generate_in_the_same_folder_does_not_bring_it_back(dataset, copy):
    uids = in_split(dataset, "test")  # its only shard goes
    remove_objects(copy, [*uids, in_split(dataset, "validation")[0]])
    after, manifest = files(copy), read_manifest(copy)
    (copy / "validation-00000-of-00001.tar").unlink(missing_ok=True)  # has to be rendered again
    done = viewpoint100k("generate", copy, "--pairs", 24, "--seed", 5, "--workers", 2, *SMALL)
    assert done.returncode == 0, done.stderr
    # but for the plots, which are left out in this process alone
    same = {name for name in after if name.endswith((".tar", ".csv", "croissant.json"))}
    assert {name: files(copy).get(name) for name in same} == {name: after[name] for name in same}
    assert {path.name for path in copy.glob("*.tar")} == {name for name in same if name.endswith(".tar")}
    assert read_manifest(copy).model_copy(update={"files": {}}) == manifest.model_copy(update={"files": {}})
    assert read_manifest(copy).version == "1.1.0"
    assert not set(uids) & set(read_attribution(copy))


def test_finalize_refuses_while_a_removal_is_unfinished(dataset, copy):
    killed_at(1, copy, [in_split(dataset, "train")[0]])
    done = viewpoint100k("finalize", copy)
    assert done.returncode == 2
    assert f"viewpoint100k remove {copy}" in done.stderr


@pytest.mark.parametrize(
    ("uids", "words"),
    [(["no-such-object"], ["no-such-object", "attribution.csv"]), ([], ["--uid"])],
)
def test_what_cannot_be_removed_is_named(uids, words, copy):
    before = files(copy)
    with pytest.raises(InputError) as raised:
        remove_objects(copy, uids)
    for word in words:
        assert word in str(raised.value)
    assert files(copy) == before


def test_the_last_object_is_not_removed(copy):
    with pytest.raises(InputError, match="nothing would be left"):
        remove_objects(copy, list(read_attribution(copy)))
    assert problems(copy) == []


def test_a_damaged_shard_is_not_rewritten_as_if_it_were_good(dataset, copy):
    uid = in_split(dataset, "train")[0]
    path = shard_paths(copy, "train")[0]
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(b"\xff\xd8") + 40] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="viewpoint100k validate"):
        remove_objects(copy, [uid])
    assert path.read_bytes() == bytes(damaged)


def test_the_index_loses_its_rows_and_an_audit_of_what_was_goes(dataset, copy):
    pytest.importorskip("pyarrow", reason="needs the extra [publish]")
    import pyarrow.parquet

    uid = in_split(dataset, "train")[0]
    rows = pyarrow.parquet.read_table(copy / "index" / "train.parquet").to_pylist()
    (copy / "audit.json").write_text(json.dumps({"of": "before"}))
    remove_objects(copy, [uid])
    left = pyarrow.parquet.read_table(copy / "index" / "train.parquet").to_pylist()
    assert 0 < len(left) < len(rows)
    assert left == [row for row in rows if row["uid"] != uid]
    assert not (copy / "audit.json").exists()


def test_new_questions_about_what_is_left_keep_the_removal(dataset, copy, tmp_path):
    uid = in_split(dataset, "train")[0]
    remove_objects(copy, [uid])
    done = viewpoint100k("requestion", copy, tmp_path / "new", "--set", "questions.other_forms=0")
    assert done.returncode == 0, done.stderr
    manifest = read_manifest(tmp_path / "new")
    assert [each.uid for each in manifest.removed] == [uid]
    assert manifest.version == "1.2.0"
