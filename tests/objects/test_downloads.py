"""Objaverse's files over a bad line: each is downloaded once, by however many processes, and is whole."""

import json
import subprocess
import sys

import pytest
from support.command import ROOT
from support.objaverse_cache import BadLine, Cache, ask_objaverse, box, objaverse_environment

from viewpoint100k.config import load_config
from viewpoint100k.fetching import Fetching, objects_of, read_fetching, sum_up
from viewpoint100k.partition import make_plan
from viewpoint100k.pipeline import plan_run
from viewpoint100k.plan import Plan
from viewpoint100k.records import ObjectRecord, SourceObject

COMMAND = [sys.executable, "-m", "viewpoint100k"]


class Ring(Cache):
    """Objaverse's cache with 24 objects, all of them allowed."""

    uids = tuple(f"{number:032x}" for number in range(24))

    def __init__(self, home):
        super().__init__(home)
        self.lvis = {f"thing {number % 5}": list(self.uids[number::5]) for number in range(5)}
        self.licences = dict.fromkeys(self.uids, "by")

    def glbs(self):
        return {path: box(1 + number / 8) for number, path in enumerate(self.paths.values())}


def planned(home, pairs=24):
    """A run over a cache that has the indices, and no object yet."""
    cache = Ring(home).write(glbs=False)
    out = home / "run"
    done = subprocess.run(
        [*COMMAND, "plan", str(out), "--source", "objaverse:lvis", "--pairs", str(pairs)],
        env=objaverse_environment(home),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    plan = Plan.model_validate_json((out / ".run" / "plan.json").read_bytes())
    return cache, out, plan


def test_processes_at_once_download_each_object_once_and_whole_over_a_bad_line(tmp_path):
    cache, out, plan = planned(tmp_path)
    glbs = cache.glbs()
    with BadLine(glbs, faults=("drop", "short")) as line:
        env = objaverse_environment(tmp_path, line.url) | {"VIEWPOINT100K_CONNECTIONS": "3"}
        # all fetch everything, and two threads each would like to
        command = [*COMMAND, "objects", "fetch", str(out), "--connections", "2"]
        children = [
            subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for _ in range(4)
        ]
        for child in children:
            said, _ = child.communicate(timeout=500)
            assert child.returncode == 0, said.decode()
    wanted = {thing.path for thing in objects_of(plan)}
    assert len(wanted) >= 12
    assert line.whole == dict.fromkeys(wanted, 1)
    assert line.most_open <= 3
    for path in wanted:
        assert (cache.root / path).read_bytes() == glbs[path]
    assert cache.leftovers() == []
    states = read_fetching(out)
    assert [(one.done, one.failed) for one in states] == [(len(wanted), 0)]
    status = subprocess.run(
        [*COMMAND, "status", str(out)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert f"{len(wanted)} of {len(wanted)} objects fetched" in status.stdout
    # and now without network, from the cache alone
    again = subprocess.run(
        command, env=objaverse_environment(tmp_path), capture_output=True, cwd=ROOT, check=False
    )
    assert again.returncode == 0, again.stderr


def test_an_object_that_is_gone_costs_itself_alone(tmp_path):
    cache, out, plan = planned(tmp_path)
    glbs = cache.glbs()
    gone = objects_of(plan)[0]
    del glbs[gone.path]
    with BadLine(glbs, faults=()) as line:
        done = subprocess.run(
            [*COMMAND, "objects", "fetch", str(out), "--shard", "0/2"],
            env=objaverse_environment(tmp_path, line.url),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
    assert done.returncode == 0, done.stderr
    assert gone.record.uid in done.stderr
    assert "1 objects cannot be had" in done.stdout
    half = objects_of(plan)[::2]
    assert sorted(line.whole) == sorted(thing.path for thing in half[1:])


def test_bytes_that_are_not_those_that_were_promised_are_fetched_again(tmp_path):
    cache = Cache(tmp_path).write(glbs=False)
    path = cache.paths["c" * 32]
    with BadLine({path: box(2)}, faults=("wrong",)) as line:
        said = ask_objaverse(tmp_path, wanted=1, allow=["cc0"], hub=line.url)
    assert said["refused"] == {}
    assert (cache.root / path).read_bytes() == box(2)
    assert line.tries[path] == 2


def test_what_a_killed_download_left_is_swept_by_the_next(tmp_path):
    cache = Cache(tmp_path).write(glbs=False)
    path = cache.paths["c" * 32]
    for key in range(1024):  # whichever it was
        left = cache.root / "viewpoint100k" / "fetching" / f"{key:04d}"
        left.mkdir(parents=True)
        (left / "half.incomplete").write_bytes(b"glTF")
    with BadLine({path: box(2)}, faults=()) as line:
        ask_objaverse(tmp_path, wanted=1, allow=["cc0"], hub=line.url)
    assert (cache.root / path).read_bytes() == box(2)
    assert len(list((cache.root / "viewpoint100k" / "fetching").iterdir())) == 1023


@pytest.mark.parametrize("part", ["2/2", "x"])
def test_a_part_that_is_none_is_refused(tmp_path, part):
    plan_run(tmp_path / "run", load_config(pairs=24))
    done = subprocess.run(
        [*COMMAND, "objects", "fetch", str(tmp_path / "run"), f"--shard={part}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert "expected K/N" in done.stderr


def test_the_first_objects_of_all_shards_come_before_any_reserve():
    things = [SourceObject(record=ObjectRecord(uid=f"thing-{i:03d}")) for i in range(60)]
    config = load_config(pairs=300, overrides=["shards.pairs_per_shard=50"])
    plan = make_plan(config, things, spread=False)
    order = [thing.record.uid for thing in objects_of(plan)]
    assert len(order) == len(set(order)) == sum(len(shard.objects) for shard in plan.shards)
    assert order[: len(plan.shards)] == [shard.objects[0] for shard in plan.shards]


def test_parts_are_summed_up_and_those_of_another_division_are_not(tmp_path):
    folder = tmp_path / ".run" / "fetching"
    folder.mkdir(parents=True)
    common = {"machine": "m", "pid": 1, "failed": 0}
    for name, part, parts, updated in (
        ("0-of-1", 0, 1, 10.0),
        ("0-of-4", 0, 4, 20.0),
        ("3-of-4", 3, 4, 30.0),
    ):
        state = Fetching(part=part, parts=parts, total=10, done=part + 2, updated=updated, **common)
        (folder / f"{name}.json").write_text(state.model_dump_json())
    (folder / "1-of-4.json").write_text(json.dumps({"torn": True}))
    assert sum_up(read_fetching(tmp_path)) == "7 of 20 objects fetched (2 of 4 parts begun)"
    assert sum_up([]) == ""


def test_a_cache_may_lie_elsewhere(tmp_path):
    made = Cache(tmp_path / "farm").write(glbs=True)
    env = objaverse_environment(tmp_path) | {"VIEWPOINT100K_OBJAVERSE": str(made.root)}
    done = subprocess.run(
        [*COMMAND, "objects", "list", "objaverse:lvis", "--json"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
