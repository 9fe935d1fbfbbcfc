"""A dataset that grows, with real renders: old shards keep their bytes, and only new ones are sent."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from support.command import SMALL, viewpoint100k
from support.hub_server import HubServer

from viewpoint100k.manifest import read_manifest
from viewpoint100k.run_state import read_plan
from viewpoint100k.shards import iter_samples
from viewpoint100k.takedown import remove_objects

GROW = ["--pairs", 36, "--seed", 5, "--workers", 2, *SMALL]


def hashes(out):
    """sha256 of every published file."""
    files = [path for path in out.rglob("*") if path.is_file() and ".run" not in path.parts]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def smaller(dataset, tmp_path_factory):
    """The rendered dataset of 24 pairs, without one of its objects. Not to be changed."""
    out = tmp_path_factory.mktemp("smaller") / "viewpoint-100k"
    shutil.copytree(dataset, out)
    remove_objects(out, [next(iter_samples(dataset, "train")).sample.object.uid])
    assert len(list(iter_samples(out))) < 24
    return out


@pytest.fixture(scope="module")
def grown(smaller, tmp_path_factory):
    """The same, grown to 36. Not to be changed."""
    out = tmp_path_factory.mktemp("grown") / "viewpoint-100k"
    shutil.copytree(smaller, out)
    done = viewpoint100k("generate", out, *GROW)
    assert done.returncode == 0, done.stderr + done.stdout
    return out


def test_old_shards_keep_their_bytes_and_the_version_rises(smaller, grown):
    old = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in smaller.glob("*.tar")}
    new = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in grown.glob("*.tar")}
    assert new.items() > old.items()
    assert read_manifest(smaller).version == "1.1.0"
    manifest = read_manifest(grown)
    assert manifest.version == "1.2.0"
    assert manifest.samples == len(list(iter_samples(grown))) == 36
    assert [shard.name for shard in manifest.shards[: len(old)]] == [
        f"{shard.name}.tar" for shard in read_plan(smaller).shards
    ]


def test_what_was_removed_stays_out_and_is_made_up_for_by_others(grown):
    manifest = read_manifest(grown)
    gone = {removal.uid for removal in manifest.removed}
    assert gone
    assert not gone & {stored.sample.object.uid for stored in iter_samples(grown)}
    number = len(manifest.shards) - 1  # a shard that was planned after the removal
    again = viewpoint100k("reproduce", grown, "--shard", number)
    assert again.returncode == 0, again.stderr + again.stdout


def test_a_grown_dataset_is_valid_and_no_object_is_in_two_splits(grown):
    done = viewpoint100k("validate", grown)
    assert done.returncode == 0, done.stderr
    splits = {}
    for stored in iter_samples(grown):
        splits.setdefault(stored.sample.object.uid, set()).add(stored.sample.split)
    assert all(len(where) == 1 for where in splits.values())
    keys = [stored.key for stored in iter_samples(grown)]
    assert len(set(keys)) == 36


def test_growing_that_is_killed_and_run_again_gives_the_same_bytes(smaller, grown, tmp_path):
    out = tmp_path / "killed"
    shutil.copytree(smaller, out)
    command = [sys.executable, "-m", "viewpoint100k", "generate", str(out), *map(str, GROW)]
    for wait_for in (".run/tmp/visits/*/*.json", ".run/receipts/*-of-0000[2-9].json"):
        run = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        end = time.monotonic() + 240
        while not list(out.glob(wait_for)) and run.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    done = viewpoint100k("generate", out, *GROW)
    assert done.returncode == 0, done.stderr
    assert hashes(out) == hashes(grown)


def test_publishing_a_grown_dataset_sends_only_what_is_new(smaller, grown, tmp_path, monkeypatch):
    pytest.importorskip("huggingface_hub", reason="needs the extra [publish]")
    with HubServer(tmp_path / "hub") as hub:
        env = os.environ | {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1"}
        env |= {"HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}
        first = viewpoint100k("publish", smaller, "org/set", env=env)
        assert first.returncode == 0, first.stderr
        before = {path.name for path in (hub.folder / "objects").iterdir()}
        second = viewpoint100k("publish", grown, "org/set", env=env)
        assert second.returncode == 0, second.stderr
        sent = {path.name for path in (hub.folder / "objects").iterdir()} - before
        old = {shard.sha256 for shard in read_manifest(smaller).shards}
        new = {shard.sha256 for shard in read_manifest(grown).shards} - old
        assert new <= sent
        assert not old & sent
        puts = [one.path for one in hub.requests if one.method == "PUT"]
        for digest in old:
            assert sum(digest in path for path in puts) == 1
        assert set(hub.repositories["org/set"].tags) == {"v1.1.0", "v1.2.0"}
