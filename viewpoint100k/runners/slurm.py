"""Shards as elements of a SLURM job array, with a script that can be read, kept and submitted by hand."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from viewpoint100k.errors import InputError, ViewpointError
from viewpoint100k.runners import PROGRAM, Failure, Places, array_spec, last_line

POLL_S = 2.0
UNKNOWN_TRIES = 5  # calls of squeue without an answer: a controller that restarts is silent for a while
MAX_ARRAY_SIZE = 1001  # SLURM's default; larger numbers are refused
LOST = 1  # exit code of an element about which nothing else is known


def run_slurm(
    command: Sequence[str], shards: Sequence[int], places: Places, logs: Path, tick: Callable[[], None]
) -> dict[int, Failure]:
    """A `Runner` that submits job arrays and waits for them, or for a job that was submitted before.

    Raises:
        InputError: SLURM is not installed here, or refuses the job.
    """
    folder = logs.parent / "slurm"
    folder.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    note = folder / "jobs.txt"
    jobs = [job for job in (note.read_text().split() if note.exists() else []) if _queued([job])]
    if not jobs:
        size = _max_array_size()
        for offset in sorted({number // size * size for number in shards}):
            part = [number - offset for number in shards if offset <= number < offset + size]
            script = folder / f"array-{offset}.sbatch"
            script.write_text(sbatch_script(command, part, places, logs, offset))
            jobs.append(_call("sbatch", "--parsable", str(script)).strip().partition(";")[0])
            # written immediately, so that the next call after a kill finds the job
            note.write_text("\n".join(jobs) + "\n")
    while _queued(jobs):
        tick()
        time.sleep(POLL_S)
    tick()
    note.unlink(missing_ok=True)
    said = {number: last_line(path.read_text(errors="replace")) for number, path in _logs(logs, shards)}
    return {
        number: Failure(LOST, line) for number, line in said.items() if line
    }  # --quiet: only errors are printed


def sbatch_script(
    command: Sequence[str], shards: Sequence[int], places: Places, logs: Path, offset: int = 0
) -> str:
    """The script to submit.

    Args:
        shards: shard numbers minus `offset`.
        offset: is added to each array index, because SLURM refuses large indices.
    """
    throttle = f"%{places.at_a_time}" if places.at_a_time else ""
    options = [
        "--job-name=viewpoint100k",
        f"--array={array_spec(shards)}{throttle}",
        f"--cpus-per-task={places.cpus}",
        *([f"--gpus-per-task={places.gpus}", "--ntasks=1"] if places.gpus else []),
        "--requeue",
        "--open-mode=truncate",
        f"--output={logs.resolve()}/slurm-%a.txt"
        if not offset
        else f"--output={logs.resolve()}/slurm-{offset}+%a.txt",
        *places.options,
    ]
    number = "$SLURM_ARRAY_TASK_ID" if not offset else f"$((SLURM_ARRAY_TASK_ID + {offset}))"
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH {option}" for option in options),
        "",
        "# One shard per array element. It can be killed and run again: a shard that is done is not made "
        "twice.",
        f"exec {shlex.join([*PROGRAM, *command])} --shard {number}",
    ]
    return "\n".join(lines) + "\n"


def _logs(logs: Path, shards: Sequence[int]) -> list[tuple[int, Path]]:
    size = _max_array_size()
    names = {n: f"slurm-{n}.txt" if n < size else f"slurm-{n // size * size}+{n % size}.txt" for n in shards}
    return [(number, logs / name) for number, name in names.items() if (logs / name).exists()]


def _max_array_size() -> int:
    for line in _call("scontrol", "show", "config").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize":
            return max(1, int(value))
    return MAX_ARRAY_SIZE


def _queued(jobs: Sequence[str]) -> bool:
    """Whether SLURM still has elements of these jobs in its queue."""
    for attempt in range(UNKNOWN_TRIES):
        try:
            return bool(_call("squeue", "--noheader", "--format=%i", f"--jobs={','.join(jobs)}").strip())
        except ViewpointError as error:
            if "Invalid job id" in str(error):  # SLURM has forgotten the jobs, so they have ended
                return False
            if attempt + 1 == UNKNOWN_TRIES:
                raise
            time.sleep(POLL_S * 2**attempt)
    return False


def _call(*words: str) -> str:
    """Run a SLURM command and return its output.

    Raises:
        InputError: the command does not exist here, or it failed.
    """
    try:
        done = subprocess.run(words, capture_output=True, text=True, env=os.environ)
    except FileNotFoundError as error:
        raise InputError(
            f"--runner slurm: there is no {words[0]} here; run this on a node of the cluster from which "
            "jobs are submitted"
        ) from error
    if done.returncode:
        raise InputError(
            f"{shlex.join(words)} failed: {last_line(done.stderr) or f'exit code {done.returncode}'}"
        )
    return done.stdout
