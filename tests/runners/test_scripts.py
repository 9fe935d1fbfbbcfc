"""What is handed to SLURM, and the arithmetic of `status`: text and numbers, without an engine."""

import shlex
import time

import pytest

from benchmarks.farm_parts import numbers_of
from viewpoint100k.errors import InputError, ViewpointError
from viewpoint100k.monitor import duration, pairs_per_minute
from viewpoint100k.runners import Places, array_spec
from viewpoint100k.runners.kubernetes import job_manifest
from viewpoint100k.runners.ray import STARTS, _start_head
from viewpoint100k.runners.slurm import sbatch_script
from viewpoint100k.shards import Receipt


@pytest.mark.parametrize(
    ("numbers", "spec"),
    [([], ""), ([4], "4"), ([3, 7, 12, 13, 14], "3,7,12-14"), ([2, 1, 2, 0], "0-2"), ([0, 2], "0,2")],
)
def test_an_array_spec_is_as_short_as_slurm_takes_it_and_says_the_same(numbers, spec):
    assert array_spec(numbers) == spec
    assert numbers_of(spec) == sorted(set(numbers))


def test_a_batch_script_can_be_read_and_quotes_what_a_shell_would_split(tmp_path):
    places = Places(at_a_time=8, cpus=4, gpus=1, options=("--partition=long",))
    text = sbatch_script(["render-shard", "/data/my run"], [0, 1, 2, 9], places, tmp_path)
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    for option in (
        "--array=0-2,9%8",
        "--cpus-per-task=4",
        "--gpus-per-task=1",
        "--requeue",
        "--partition=long",
    ):
        assert f"#SBATCH {option}" in lines
    words = shlex.split(lines[-1])
    assert words[0] == "exec"
    assert words[2:] == [
        "-m",
        "viewpoint100k",
        "render-shard",
        "/data/my run",
        "--shard",
        "$SLURM_ARRAY_TASK_ID",
    ]


def test_numbers_that_slurm_would_refuse_are_offset(tmp_path):
    text = sbatch_script(["render-shard", "run"], [3], Places(), tmp_path, offset=2002)
    assert "#SBATCH --array=3\n" in text
    assert "--shard $((SLURM_ARRAY_TASK_ID + 2002))" in text


def test_a_name_that_kubernetes_would_refuse_is_refused_here():
    with pytest.raises(InputError, match="My_Job"):
        job_manifest(["render-shard", "s3://a/b"], 3, Places(), image="x", name="My_Job")


def receipt(finished, seconds, samples=10):
    facts = {
        "sha256": "",
        "bytes": 0,
        "questions": 0,
        "config_hash": "",
        "renderer": "",
        "device": "",
        "objects": [],
    }
    more = {"objects_visited": 0, "views_rendered": 0, "rejects": 0, "dropped": {}, "cpu_s": {}}
    return Receipt(
        name="a", number=0, samples=samples, finished=finished, seconds=seconds, machine="m", **facts, **more
    )


def test_speed_leaves_out_the_time_in_which_nothing_ran():
    now = time.time()
    assert pairs_per_minute([]) == 0
    side_by_side = [receipt(now, 60), receipt(now, 60)]
    assert pairs_per_minute(side_by_side) == pytest.approx(20)
    with_a_pause = [receipt(now, 60), receipt(now - 1800, 60)]
    assert pairs_per_minute(with_a_pause) == pytest.approx(10)
    assert pairs_per_minute([receipt(now, 60), receipt(now - 90_000, 6)]) == pytest.approx(10)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown"), (40, "40 s"), (720, "12 min"), (12_600, "3.5 h"), (181_440, "2.1 days")],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration(seconds) == text


# --- Ray's head --------------------------------------------------------------------------------------


class BusyRay:
    """Ray on a machine where it starts at the last of so many tries."""

    def __init__(
        self, tries, said="The current node timed out during startup. This could happen because ..."
    ):
        self.left, self.said, self.tried = tries, said, 0

    def init(self, **options):
        self.tried, self.left = self.tried + 1, self.left - 1
        if self.left:
            raise Exception(self.said)

    def shutdown(self):
        pass


def test_a_head_that_does_not_start_in_time_is_started_again():
    busy = BusyRay(STARTS)
    _start_head(busy, Places(), {})
    assert busy.tried == STARTS


def test_a_head_that_never_starts_is_an_error_that_says_what_to_do():
    with pytest.raises(ViewpointError, match=r"busy.*--address"):
        _start_head(BusyRay(STARTS + 1), Places(), {})


def test_what_else_goes_wrong_with_a_head_is_not_tried_again():
    broken = BusyRay(9, said="no such folder")
    with pytest.raises(Exception, match="no such folder"):
        _start_head(broken, Places(), {})
    assert broken.tried == 1
