"""A run on other machines, killed, cut off and started twice, is the run that was made in peace, byte for byte."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from support.command import viewpoint100k
from test_main_job import published

from benchmarks import farm_parts
from benchmarks.farm_parts import (
    S3,
    NotHereError,
    RayNodes,
    Slurm,
    children,
    kill_tree,
    numbers_of,
    remount,
    small_disk,
    wait_for,
)

PLAN = ["--pairs", 4, "--seed", 3]
SETTINGS = ("render.size_px=48", "render.samples=1", "gates.min_decidability=0.02", "gates.exact_share=0")
SETTINGS += (
    "plan.pairs_per_object=1",
    "shards.pairs_per_shard=1",
    "plan.validation_share=0",
    "plan.test_share=0",
)
SET = [part for setting in SETTINGS for part in ("--set", setting)]
SHARDS = 4
PROGRAM = [sys.executable, "-m", "viewpoint100k"]


@pytest.fixture(scope="session")
def peaceful(tmp_path_factory, needs_bpy):
    """The run as processes of this machine make it. Not to be changed."""
    out = tmp_path_factory.mktemp("peaceful") / "run"
    done = viewpoint100k("generate", out, *PLAN, *SET, "--workers", 1)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def begun(peaceful, tmp_path):
    """The run with only its first shard made."""

    def copy(name="run", missing=range(1, SHARDS)):
        out = shutil.copytree(peaceful, tmp_path / name)
        for number in missing:
            for path in (*out.glob(f"train-{number:05d}*"), *out.glob(f".run/receipts/train-{number:05d}*")):
                path.unlink()
        for path in (*out.glob("*.json"), *out.glob("*.csv"), out / "README.md", out / ".run/rejects.jsonl"):
            path.unlink()
        for folder in ("card", "index"):
            shutil.rmtree(out / folder, ignore_errors=True)
        return out

    return copy


@pytest.fixture
def part():
    """Opens a part of a farm, or skips with the reason."""
    with ExitStack() as stack:

        def open_part(make):
            try:
                return stack.enter_context(make())
            except NotHereError as reason:
                pytest.skip(str(reason))

        yield open_part


def receipts(out):
    return [json.loads(path.read_bytes()) for path in sorted(out.glob(".run/receipts/*.json"))]


def start(*arguments, **more):
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def torn(out, whole):
    """Shards that a reader can see and that are not whole."""
    return [t.name for t in out.glob("*.tar") if hashlib.sha256(t.read_bytes()).hexdigest() != whole[t.name]]


# --- kills -----------------------------------------------------------------------------------------


def test_two_runs_in_one_folder_with_any_process_killed_at_any_moment_give_the_same_bytes(peaceful, begun):
    out, whole, rng, kills = begun(), published(peaceful), random.Random(1), 0
    while kills < 4:
        runs = [start("generate", out, *PLAN, *SET, "--workers", 1) for _ in range(2 if kills == 0 else 1)]
        for run in runs:
            time.sleep(rng.uniform(1.5, 6.0))
            pids = [run.pid, *children(run.pid)]
            if run.poll() is None:
                os.kill(rng.choice(pids), signal.SIGKILL)
            kills += 1
            assert torn(out, whole) == []
        for run in runs[:1]:
            kill_tree(run.pid)
        for run in runs:
            run.wait()
    done = viewpoint100k("generate", out, *PLAN, *SET, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert published(out) == whole
    assert not list(out.rglob("*.partial")) and not list((out / ".run").glob("tmp/*"))


def test_two_that_finalize_at_once_do_no_harm(peaceful, begun):
    out = begun(missing=())
    both = [start("finalize", out) for _ in range(2)]
    assert [run.wait() for run in both] == [0, 0]
    assert published(out) == published(peaceful)


def test_a_full_disk_ends_the_run_with_a_reason_and_it_goes_on_when_there_is_room(
    peaceful, begun, part, tmp_path
):
    disk = part(lambda: small_disk(tmp_path / "disk", 1.0))
    out = shutil.copytree(begun(), disk / "run")
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - 24_000))
    done = viewpoint100k("render-shard", out, "--shard", 1)
    assert done.returncode != 0
    assert "No space left" in done.stderr or "cannot write" in done.stderr
    assert torn(out, published(peaceful)) == []
    filler.unlink()
    remount(disk, "size=64m")
    done = viewpoint100k("render-shard", out, "--shard", 1)
    assert done.returncode == 0, done.stderr
    remount(disk, "ro")
    done = viewpoint100k("render-shard", out, "--shard", 2)
    assert done.returncode == 2
    assert "Read-only file system" in done.stderr
    assert len(done.stderr.splitlines()) <= 2  # the device, and the error
    assert torn(out, published(peaceful)) == []


# --- status, finalize ------------------------------------------------------------------------------


def test_status_tells_done_failed_running_and_missing_apart_and_who_made_what(begun, tmp_path):
    out = begun(missing=(1, 2, 3))
    failed = {"attempt": 2, "machine": "far", "pid": 1, "started": 1.0, "updated": time.time()}
    (out / ".run/progress/train-00001-of-00004.json").write_text(json.dumps({**failed, "error": "ran <dry>"}))
    (out / ".run/progress/train-00002-of-00004.json").write_text(json.dumps(failed))
    page = tmp_path / "page.html"
    done = viewpoint100k("status", out, "--json", "--html", page)
    report = json.loads(done.stdout)
    assert report["done"] == 1 and report["pairs_done"] == 1 and report["pairs_wanted"] == SHARDS
    assert [one["number"] for one in report["failed"]] == [1]
    assert [one["number"] for one in report["running"]] == [2]
    assert report["missing"] == [1, 3]
    assert [one["shards"] for one in report["machines"]] == [1]
    assert report["pairs_per_minute"] > 0 and report["eta_s"] > 0
    assert "ran &lt;dry&gt;" in page.read_text()
    missing = viewpoint100k("status", out, "--missing")
    assert missing.stdout == "1,3\n" and "2" in missing.stderr
    assert numbers_of(missing.stdout) == [1, 3]
    done = viewpoint100k("finalize", out)
    assert done.returncode == 2 and "3 of 4 shards are missing: 1, 2, 3" in done.stderr


def test_nothing_that_is_published_names_a_machine(peaceful):
    machine = receipts(peaceful)[0]["machine"].encode()
    assert machine
    for path in (*peaceful.glob("*.json"), *peaceful.glob("*.csv"), peaceful / "README.md"):
        assert machine + b'"' not in path.read_bytes()


# --- reproduce -------------------------------------------------------------------------------------


def test_a_published_shard_is_made_again_from_its_manifest_alone(peaceful, tmp_path):
    copy = shutil.copytree(peaceful, tmp_path / "copy", ignore=shutil.ignore_patterns(".run"))
    done = viewpoint100k("reproduce", copy, "--shard", 2, "--device", "cpu", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "train-00002-of-00004.tar: the same bytes" in done.stdout


def test_what_differs_from_a_published_shard_is_named(peaceful, tmp_path):
    copy = shutil.copytree(peaceful, tmp_path / "copy", ignore=shutil.ignore_patterns(".run"))
    manifest = json.loads((copy / "manifest.json").read_bytes())
    manifest["renderer"] = "Blender 4.0"
    manifest["config"]["render"]["jpeg_quality"] = 60
    (copy / "manifest.json").write_text(json.dumps(manifest))
    done = viewpoint100k("reproduce", copy, "--shard", 1, "--device", "cpu", "--workers", 1)
    assert done.returncode == 1
    for words in (
        "config: its hash was",
        "renderer: was Blender 4.0, is",
        "provenance.config_hash",
        "view_0.jpg",
    ):
        assert words in done.stderr


# --- Ray, SLURM, Kubernetes --------------------------------------------------------------------------


def test_ray_loses_a_node_and_then_its_driver_and_no_byte(peaceful, begun, part, tmp_path):
    nodes = part(lambda: RayNodes(tmp_path, [1, 1]))
    out, env = begun(), {**os.environ, **nodes.environment}
    command = ["generate", out, *PLAN, *SET, "--runner", "ray", "--address", nodes.address]
    driver = start(*command, env=env)
    wait_for(
        lambda: any(b'"node-1"' in p.read_bytes() for p in out.glob(".run/progress/*.json")), "work on node 1"
    )
    nodes.kill(1)
    before = len(receipts(out))
    wait_for(lambda: len(receipts(out)) > before or driver.poll() is not None, "a shard")
    kill_tree(driver.pid)
    driver.wait()
    done = viewpoint100k(*command, env=env)
    assert done.returncode == 0, done.stderr
    assert published(out) == published(peaceful)
    made = receipts(out)
    assert len(made) == SHARDS
    assert sum(one["attempts"] for one in made) > SHARDS  # what the node had begun was begun again
    assert {one["machine"] for one in made[1:]} <= {"node-0", "node-1"}


def test_ray_with_a_head_of_our_own_polls_for_nobody_and_leaves_nothing_behind(peaceful, begun):
    pytest.importorskip("ray")
    out = begun(missing=(1,))
    driver = start("generate", out, *PLAN, *SET, "--runner", "ray", "--at-a-time", 1)
    wait_for(lambda: list(out.glob(".run/progress/*.json")) or driver.poll() is not None, "a shard in work")
    processes = children(driver.pid)
    assert any("raylet" in words for words in processes.values())
    assert [words for words in processes.values() if "log_monitor.py" in words or "monitor.py" in words] == []
    assert driver.wait() == 0
    assert published(out) == published(peaceful)
    wait_for(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), "the end of Ray's processes"
    )


def test_slurm_an_array_whose_task_is_killed_is_resubmitted_from_what_is_missing(
    peaceful, begun, part, tmp_path
):
    site = part(lambda: Slurm(tmp_path, cpus=1))
    out, env = begun(missing=(1, 2)), {**os.environ, **site.environment}
    script = tmp_path / "job.sbatch"
    script.write_text(viewpoint100k("slurm", out, "--at-a-time", 1, "--sbatch=--time=30", env=env).stdout)
    assert "#SBATCH --array=1-2%1" in script.read_text()
    assert "#SBATCH --time=30" in script.read_text()
    shard = out / ".run/progress/train-00001-of-00004.json"
    job = site.call("sbatch", "--parsable", str(script)).strip()
    wait_for(shard.exists, "the first element")
    site.call("scancel", "--signal=KILL", "--full", f"{job}_1")
    wait_for(lambda: not site.call("squeue", "-h"), "the end of the array")
    missing = viewpoint100k("status", out, "--missing").stdout.strip()
    assert missing == "1"
    done = viewpoint100k("generate", out, *PLAN, *SET, "--runner", "slurm", env=env)
    assert done.returncode == 0, done.stderr
    assert published(out) == published(peaceful)
    assert [one["attempts"] for one in receipts(out)] == [1, 2, 1, 1]


def test_a_kubernetes_job_has_an_index_per_shard_and_its_command_reads_it(peaceful, begun, tmp_path):
    out = begun(missing=(2,))
    done = viewpoint100k(
        "k8s", out, "--image", "lab/viewpoint100k", "--claim", "data", "--at-a-time", 3, "--env", "A=b=c"
    )
    job = yaml.safe_load(done.stdout)
    assert job["spec"]["completionMode"] == "Indexed"
    assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (SHARDS, 3)
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "A", "value": "b=c"} in container["env"]
    assert container["volumeMounts"][0]["mountPath"] == str(out)
    program, *arguments = container["command"]
    assert program == "viewpoint100k"
    for index in (1, 2):
        env = {**os.environ, "JOB_COMPLETION_INDEX": str(index)}
        assert viewpoint100k(*arguments, env=env).returncode == 0
    assert viewpoint100k("finalize", out).returncode == 0
    assert published(out) == published(peaceful)
    refused = viewpoint100k("k8s", out, "--image", "lab/viewpoint100k")
    assert refused.returncode == 2 and "--claim" in refused.stderr


@pytest.mark.parametrize("runner", ["abacus", "k8s"])
def test_an_unknown_runner_is_refused_by_name(runner, tmp_path):
    done = viewpoint100k("generate", tmp_path / "out", "--runner", runner)
    assert done.returncode == 2
    assert runner in done.stderr and "local, ray or slurm" in done.stderr


# --- object storage --------------------------------------------------------------------------------


def test_a_run_behind_a_url_over_a_line_that_drops_gives_the_same_bytes(peaceful, begun, part, tmp_path):
    s3 = part(lambda: S3(tmp_path, drop_share=0.15, seed=4))
    env, url = {**os.environ, **s3.environment}, "s3://farm/run"
    files, there = s3.files(), "farm/run"
    assert viewpoint100k("plan", url, *PLAN, *SET, env=env).returncode == 0
    half = begun(missing=(0, 1))  # what others have made and sent meanwhile
    for path in (
        *half.glob("*.tar"),
        *half.glob(".run/receipts/*.json"),
        *half.glob(".run/rejects/train*.jsonl"),
    ):
        files.put_file(str(path), f"{there}/{path.relative_to(half)}")
    killed = start("render-shard", url, "--shard", 0, "--device", "cpu", env=env)
    wait_for(lambda: files.exists(f"{there}/.run/progress/train-00000-of-00004.json"), "a report")
    kill_tree(killed.pid)
    killed.wait()
    done = viewpoint100k("finalize", url, env=env)
    assert done.returncode == 2 and "2 of 4 shards are missing: 0, 1" in done.stderr and url in done.stderr
    done = viewpoint100k("generate", url, *PLAN, *SET, "--workers", 1, "--device", "cpu", env=env)
    assert done.returncode == 0, done.stderr
    local = tmp_path / "fetched"
    s3.files().get(f"{there}/", f"{local}/", recursive=True)
    assert published(local) == published(peaceful)
    assert receipts(local)[0]["attempts"] == 2
    assert not list((local / ".run").glob("progress/*.json"))
    assert s3.line.dropped > 0
    shard = sorted(local.glob("*.tar"))[1]
    files.pipe_file(f"{there}/{shard.name}", bytes(shard.stat().st_size))  # damaged, and of the right size
    done = viewpoint100k("finalize", url, env=env)
    assert done.returncode == 2 and "1 of 4 shards are missing: 1" in done.stderr
    assert viewpoint100k("status", url, "--missing", env=env).stdout == "1\n"


def test_a_store_that_does_not_answer_and_a_kind_of_url_that_nobody_knows_are_errors_of_one_line(tmp_path):
    done = viewpoint100k("status", "nonsense://bucket/run")
    assert done.returncode == 2 and "nonsense" in done.stderr and "Traceback" not in done.stderr
    if farm_parts.find_spec("s3fs") is None:
        pytest.skip("needs s3fs")
    done = viewpoint100k(
        "status",
        "s3://farm/run",
        env={**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"},
    )
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr
