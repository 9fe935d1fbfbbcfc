"""Publishing against a Hub on this machine, with the released client: nobody ever reads half a dataset."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import viewpoint100k
from support.hub_server import DROP, MAIN, HubServer

from viewpoint100k import plots
from viewpoint100k.card import rewrite_card, write_dataset_files
from viewpoint100k.config import config_hash, load_config_tree
from viewpoint100k.manifest import BESIDE_THE_SHARDS, read_attribution, read_manifest, write_manifest
from viewpoint100k.shards import Receipt, iter_samples, read_shard, write_shard
from viewpoint100k.takedown import remove_objects
from viewpoint100k.validate import validate_dataset

pytest.importorskip("huggingface_hub", reason="needs the extra [publish]")
ROOT, REPO, SHARDS = Path(__file__).resolve().parents[1], "org/viewpoint-100k", 24
# many small commits and short waits: the rest is what a user runs
CLIENT = """
import sys
from viewpoint100k import cli, hub, hub_client
hub.GROUP_BYTES, hub.MOST_GROUPS, hub_client.PAUSES_S = 1, {groups}, (0.05,) * 8
sys.argv = ["viewpoint100k", *sys.argv[1:]]
cli.main()
"""
READ = """
import sys
from datasets import load_dataset
keys = []
for split in sys.argv[3:]:
    for row in load_dataset(sys.argv[1], revision=sys.argv[2], split=split, streaming=True):
        assert row["view_0.jpg"].size == (64, 64) and row["json"]["questions"], row["__key__"]
        keys.append(row["__key__"])
print(*keys)
"""
QUESTIONS = """
import sys
from viewpoint100k import load_questions
stream = load_questions(sys.argv[1], revision=sys.argv[2], split="train", streaming=True)
table = load_questions(sys.argv[1], revision=sys.argv[2], split="train")
for row, same in zip(stream, table, strict=True):
    assert row["question_id"] == same["question_id"] and row["images"][0].size == same["images"][0].size == (64, 64)
    print(row["question_id"])
"""


def many_shards(dataset, out, shards=SHARDS, seed=5):
    """Shards of one sample each, from those of the rendered dataset under other keys; as if of that seed; without plots."""
    manifest = read_manifest(dataset)
    config = load_config_tree({**manifest.config, "seed": seed})
    named = {"seed": seed, "config_hash": config_hash(config)}
    source = list(iter_samples(dataset, "train"))
    out.mkdir()
    (out / ".run").mkdir()
    receipts, samples = [], []
    for number in range(shards):
        name = f"train-{number:05d}-of-{shards:05d}"
        old, key = source[number % len(source)], f"train-{number:05d}-00000"
        questions = [q.model_copy(update={"id": q.id.replace(old.key, key)}) for q in old.sample.questions]
        provenance = old.sample.provenance.model_copy(update=named)
        sample = old.sample.model_copy(update={"questions": questions, "provenance": provenance})
        stored = [old._replace(key=key, sample=sample)]
        digest, size = write_shard(out / f"{name}.tar", out / ".run", stored)
        facts = {"name": name, "number": number, "sha256": digest, "bytes": size, "samples": 1}
        facts |= {
            "questions": sum(len(each.sample.questions) for each in stored),
            "config_hash": config_hash(config),
        }
        facts |= {"objects_visited": 0, "views_rendered": 0, "rejects": 0, "dropped": {}, "cpu_s": {}}
        uids = sorted({each.sample.object.uid for each in stored})
        receipts.append(Receipt(**facts, renderer=manifest.renderer, device=manifest.device, objects=uids))
        samples += [each.sample for each in stored]
    shutil.rmtree(out / ".run")
    write_dataset_files(out, config, receipts, samples)
    return out


@pytest.fixture(scope="module", autouse=True)
def no_plots():
    """Cards of this module are written without: they are another test's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "can_plot", lambda: False)
        yield


@pytest.fixture(scope="module")
def wide(dataset, tmp_path_factory):
    """Not to be changed."""
    return many_shards(dataset, tmp_path_factory.mktemp("wide") / "viewpoint-100k")


@pytest.fixture
def hub(tmp_path):
    with HubServer(tmp_path / "hub") as server:
        yield server


def environment(hub, way="xet", **more):
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": hub.token,
        "HF_HOME": str(hub.folder / "home"),
        "NO_PROXY": "127.0.0.1",
    }
    env |= {"PYTHONPATH": str(ROOT), **({"HF_HUB_DISABLE_XET": "1"} if way == "lfs" else {})}
    return {name: value for name, value in {**env, **more}.items() if value is not None}


def start(hub, *arguments, way="xet", groups=100, **more):
    command = [sys.executable, "-c", CLIENT.format(groups=groups), *map(str, arguments)]
    if arguments[0] == "publish":
        command += ["--workers", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment(hub, way, **more), **pipes)


def publish(hub, dataset, *arguments, repo=REPO, code=0, **more):
    """Run `publish`; what it printed, after having looked for the token in it."""
    process = start(hub, "publish", dataset, repo, *arguments, **more)
    said = " ".join("\n".join(process.communicate(timeout=300)).split())
    assert process.returncode == code, said
    assert hub.token not in said
    assert "Traceback" not in said
    return said


def read_all(hub, revision, *splits, way="xet", script=READ):
    done = subprocess.run(
        [sys.executable, "-c", script, REPO, revision, *splits],
        env=environment(hub, way),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def half_read(hub, branch=MAIN):
    """What a reader of the branch could ever have found wrong: shards that the manifest of the moment names and that are not so."""
    wrong = []
    for commit in hub.repositories[REPO].branches[branch]:
        if {"README.md", "manifest.json"} & set(commit.files):
            manifest = json.loads(hub.object(commit.files["manifest.json"].oid).read_bytes())
            wrong += [e["name"] for e in manifest["shards"] if commit.files[e["name"]].sha256 != e["sha256"]]
            readme = hub.object(commit.files["README.md"].oid).read_text()
            wrong += [] if f"Version {manifest['version']}." in readme else ["README.md"]
            wrong += [
                path for path in commit.files if path.endswith(".tar") and path not in str(manifest["shards"])
            ]
    return wrong


@pytest.mark.parametrize("way", ["xet", "lfs"])
def test_killed_then_resumed_then_nothing_more_is_sent_and_every_sample_streams(way, wide, hub):
    commits = []

    def kill_at_the_tenth(method, path):
        if method == "POST" and "/commit/publishing" in path:
            commits.append(path)
            if len(commits) == 10:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return DROP
        return None

    hub.fault = kill_at_the_tenth
    process = start(hub, "publish", wide, REPO, way=way)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    repository = hub.repositories[REPO]
    assert len(repository.branches["publishing-v1.0.0"]) == 10  # the first is main's
    assert [commit.title for commit in repository.branches[MAIN]] == ["initial commit"]
    hub.fault = lambda method, path: None

    seen, stored = len(hub.requests), hub.stored()
    publish(hub, wide, way=way)
    sizes = [entry.bytes for entry in read_manifest(wide).shards]
    if way == "lfs":  # the tenth had arrived, and was in no commit
        assert sum(one.received for one in hub.requests[seen:] if one.path.startswith("/_lfs")) == sum(
            sizes[10:]
        ) + pictures(wide)
    else:
        assert hub.stored() - stored < sum(sizes[10:]) + pictures(wide) + 100_000
    assert list(repository.branches) == [MAIN]
    assert repository.tags["v1.0.0"] == repository.branches[MAIN][-1]
    assert len(repository.branches[MAIN]) == 2
    assert half_read(hub) == []

    seen, stored = len(hub.requests), hub.stored()
    assert "Everything was already there" in publish(hub, wide, way=way)
    assert hub.written(seen) == []
    assert hub.stored() == stored
    print(
        f"{way}: {len(hub.requests)} requests, of the third run {len(hub.requests) - seen}, all to read; {stored} bytes"
    )

    assert read_all(hub, "v1.0.0", "train", way=way) == [stored.key for stored in iter_samples(wide)]


def pictures(dataset):
    """Bytes of what lies in card/: not in git either."""
    return sum(path.stat().st_size for path in (dataset / "card").iterdir())


@pytest.mark.parametrize("way", ["xet", "lfs"])
def test_a_hub_that_is_busy_or_hangs_up_is_tried_again(way, wide, hub):
    tried = {}

    def trouble(method, path):
        """Each new thing that is asked for fails first, in a way of its own."""
        kind = (method, re.sub("[0-9a-f]{40,}|/main$", "", path))
        tried[kind] = tried.get(kind, 0) + 1
        answers = [429, 504, DROP, 503]
        return answers[len(tried) % 4] if tried[kind] == 1 and "resolve" not in path else None

    hub.fault = trouble
    publish(hub, wide, way=way, groups=3)
    assert {one.status for one in hub.requests} >= {429, 504, 503, DROP}
    commit = hub.repositories[REPO].tags["v1.0.0"]
    assert {path for path in commit.files if path.endswith(".tar")} == {
        e.name for e in read_manifest(wide).shards
    }
    assert half_read(hub) == []


def test_a_connection_that_breaks_in_the_middle_of_a_shard_costs_only_that_shard(wide, hub):
    arrived = []

    def break_some(method, path):
        if method == "PUT":
            arrived.append(path)
            return DROP if len(arrived) in (3, 4, 9) else None
        return None

    hub.fault = break_some
    publish(hub, wide, way="lfs", groups=3)
    sent = [one for one in hub.requests if one.method == "PUT" and one.status == 200]
    assert len(sent) == len({one.path for one in sent})
    assert half_read(hub) == []


def test_a_dry_run_shows_what_would_go_and_sends_nothing(wide, hub):
    said = publish(hub, wide, "--dry-run")
    assert hub.written() == []
    assert hub.repositories == {}
    assert f"shards to send │ {SHARDS}" in said
    assert "CC0-1.0" in said
    assert "Nothing was sent" in said


def test_a_dry_run_without_a_token_shows_it_too_and_says_what_is_missing(wide, hub):
    said = publish(hub, wide, "--dry-run", code=1, HF_TOKEN=None)
    assert f"shards to send │ {SHARDS}" in said
    assert "hf auth login" in said
    assert hub.requests == []


def test_what_validate_refuses_is_not_published(wide, hub, tmp_path):
    copy = shutil.copytree(wide, tmp_path / "copy")
    path = copy / f"train-00003-of-{SHARDS:05d}.tar"
    path.write_bytes(path.read_bytes()[:-1024])
    said = publish(hub, copy, code=1)
    assert path.name in said
    assert "viewpoint100k validate" in said
    assert hub.requests == []


@pytest.fixture(scope="module")
def tiny(dataset, tmp_path_factory):
    """Not to be changed."""
    return many_shards(dataset, tmp_path_factory.mktemp("tiny") / "viewpoint-100k", shards=3)


@pytest.fixture(scope="module")
def small(dataset, tmp_path_factory):
    """The rendered dataset as it is published. Not to be changed."""
    return shutil.copytree(
        dataset, tmp_path_factory.mktemp("small") / "viewpoint-100k", ignore=lambda *_: [".run"]
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"HF_TOKEN": None}, ["no token", "hf auth login", "HF_TOKEN"]),
        ({"HF_TOKEN": "hf_wrong_0123456789"}, ["401", "hf auth login"]),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, ["cannot reach http://127.0.0.1:9", "network"]),
        ({"HF_HUB_OFFLINE": "1"}, ["HF_HUB_OFFLINE"]),
        ({"repo": "stranger/viewpoint-100k"}, ["403", "stranger", "member"]),
        ({"repo": "viewpoint-100k"}, ["owner/name"]),
    ],
)
def test_what_stands_in_the_way_is_named_with_what_to_do(more, words, tiny, hub):
    said = publish(hub, tiny, code=2, **more)
    for word in words:
        assert word in said
    assert "hf_wrong" not in said
    assert hub.repositories == {}


def test_a_token_that_may_only_read_is_named(tiny, hub):
    hub.may_write = False
    assert "write" in publish(hub, tiny, code=2)


def test_a_repository_that_holds_something_else_is_left_alone(tiny, hub):
    publish(hub, tiny)
    files = hub.repositories[REPO].branches[MAIN][-1].files
    del files["manifest.json"]
    seen = len(hub.requests)
    said = publish(hub, tiny, code=2)
    assert "holds something else" in said
    assert "another REPO_ID" in said
    assert hub.written(seen) == []


def test_another_dataset_takes_the_place_only_as_a_new_major_version(dataset, tiny, hub, tmp_path):
    publish(hub, tiny)
    other = many_shards(dataset, tmp_path / "other", shards=3, seed=6)
    said = publish(hub, other, code=2)
    assert "another dataset" in said
    assert "--version 2.0.0" in said
    rewrite_card(other, "2.0.0")
    publish(hub, other)
    assert set(hub.repositories[REPO].tags) == {"v1.0.0", "v2.0.0"}
    assert half_read(hub) == []


def remove_some(dataset, version):
    """Take an object out, and call what is left by an old version."""
    uid = next(iter(read_attribution(dataset)))
    manifest = remove_objects(dataset, [uid]).manifest
    write_manifest(dataset, manifest.model_copy(update={"version": version}))
    rewrite_card(dataset)


def test_a_tag_never_changes(tiny, hub, tmp_path):
    publish(hub, tiny)
    copy = shutil.copytree(tiny, tmp_path / "copy")
    remove_some(copy, "1.0.0")
    said = publish(hub, copy, code=2)
    assert "v1.0.0 already" in said
    assert "--version 1.1.0" in said
    publish(hub, copy, "--tag", "second-look")
    assert set(hub.repositories[REPO].tags) == {"v1.0.0", "second-look"}


def test_private_and_branch_and_both_are_only_asked_for_once(tiny, hub):
    publish(hub, tiny, "--private", "--branch", "next")
    repository = hub.repositories[REPO]
    assert repository.private
    assert repository.branches[MAIN][-1].files == {}
    assert "manifest.json" in repository.branches["next"][-1].files
    assert half_read(hub, "next") == []
    seen = len(hub.requests)
    publish(hub, tiny, "--private", "--branch", "next")
    assert hub.written(seen) == []


def test_after_a_removal_only_the_changed_shards_are_sent_and_nobody_reads_a_mixture(wide, hub, tmp_path):
    publish(hub, wide, groups=3, way="lfs")
    copy = shutil.copytree(wide, tmp_path / "copy")
    uid = min(read_attribution(copy), key=lambda uid: len(read_attribution(copy)[uid]["shards"]))
    done = viewpoint100k("remove", copy, "--uid", uid, "--reason", "asked by its author")
    assert done.returncode == 0, done.stderr
    changed = {
        path.name
        for path in wide.glob("*.tar")
        if not (copy / path.name).exists() or (copy / path.name).read_bytes() != path.read_bytes()
    }
    assert changed == {f"{name}.tar" for name in read_attribution(wide)[uid]["shards"].split()}
    assert 0 < len(changed) < SHARDS / 2
    seen = len(hub.requests)
    publish(hub, copy, way="lfs")
    left = [copy / name for name in changed if (copy / name).exists()]
    sent = [one.received for one in hub.requests[seen:] if one.method == "PUT"]
    there = {path.read_bytes() for path in (wide / "card").iterdir()}
    new_pictures = [path for path in (copy / "card").iterdir() if path.read_bytes() not in there]
    assert sum(sent) == sum(path.stat().st_size for path in [*left, *new_pictures])
    assert half_read(hub) == []
    main = hub.repositories[REPO].branches[MAIN]
    assert hub.repositories[REPO].tags == {"v1.0.0": main[-2], "v1.1.0": main[-1]}
    assert {path for path in main[-1].files if path.endswith(".tar")} == {
        path.name for path in copy.glob("*.tar")
    }
    said = publish(hub, wide, "--tag", "again", code=2)  # a folder that still has it
    assert f"remove {wide} --uid {uid}" in said


def test_every_split_streams_what_lies_in_the_index_goes_along_and_hidden_files_stay_here(
    small, hub, tmp_path
):
    copy = shutil.copytree(small, tmp_path / "copy")
    if not (copy / "index").exists():  # where nothing writes it
        (copy / "index").mkdir()
        (copy / "index" / "train.parquet").write_bytes(b"a table")
    (copy / "index" / ".train.parquet.7.partial").write_bytes(b"half a table")
    publish(hub, copy)
    assert "index/train.parquet" in hub.repositories[REPO].tags["v1.0.0"].files
    assert not [path for path in hub.repositories[REPO].tags["v1.0.0"].files if "/." in f"/{path}"]
    assert {path.split("/")[0] for path in hub.repositories[REPO].tags["v1.0.0"].files} <= {
        *BESIDE_THE_SHARDS,
        *(path.name for path in small.glob("*.tar")),
    }
    keys = read_all(hub, "v1.0.0", "train", "validation", "test")
    assert keys == [stored.key for path in sorted_by_split(small) for stored in read_shard(path)]
    questions = [
        question.id for stored in iter_samples(small, "train") for question in stored.sample.fair_questions
    ]
    assert read_all(hub, "v1.0.0", script=QUESTIONS) == questions


def sorted_by_split(dataset):
    return [
        path for split in ("train", "validation", "test") for path in sorted(dataset.glob(f"{split}-*.tar"))
    ]


def test_the_copy_is_a_dataset_that_validates(small, wide):
    assert validate_dataset(small, 1).problems == []
    assert validate_dataset(wide, 1).problems == []
