"""Shards as tasks of a Ray cluster.

Ray only sees command lines and the text that comes back; files carry everything else.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from viewpoint100k.errors import InputError, MissingExtra, ViewpointError
from viewpoint100k.runners import WRONG_INPUT, Failure, Places, last_line, write_log
from viewpoint100k.runners.local import PARENT

POLL_S = 0.5
LOOK_S = 15.0  # interval between questions for the cluster's size, because nodes come and go
QUEUED = 2  # tasks in flight for each that can run, so that a free node does not wait for us
LOG_BYTES = 20_000  # at most this much of the end of a command's output comes back
STARTS = 3  # attempts to start a head of our own
LOST = 1  # exit code of a task that Ray gave up


def run_ray(
    command: Sequence[str], shards: Sequence[int], places: Places, logs: Path, tick: Callable[[], None]
) -> dict[int, Failure]:
    """A `Runner`: tasks on the cluster at `places.address`, or on our own head on loopback if that is empty.

    Ray restarts a task whose node is lost; we restart one whose command was killed, for example for lack of
    memory.

    Raises:
        InputError: there is no such cluster, or none of its nodes could ever run a command.
        MissingExtra: Ray is not installed.
        ViewpointError: a head of our own does not start.
    """
    ray = _connect(places)
    try:
        return _run(ray, command, shards, places, logs, tick)
    finally:
        ray.shutdown()  # commands that still run end with their workers


def _outcome(ray: Any, reference: Any, number: int) -> tuple[int, str]:
    """Exit code and output of a shard's command; `LOST` if all nodes on which it was tried were lost."""
    try:
        code, text = ray.get(reference)
    except ray.exceptions.RayError as error:
        return LOST, f"Ray gave up shard {number}: {' '.join(str(error).split())[:500]}"
    return code, text


def _run(
    ray: Any,
    command: Sequence[str],
    shards: Sequence[int],
    places: Places,
    logs: Path,
    tick: Callable[[], None],
) -> dict[int, Failure]:
    task = ray.remote(_render).options(num_cpus=places.cpus, num_gpus=places.gpus, max_retries=places.retries)
    waiting = deque(shards)
    failed = dict[int, Failure]()
    attempts = Counter[int]()
    running: dict[Any, int] = {}
    window = 0
    looked = float("-inf")
    while waiting or running:
        if time.monotonic() - looked > LOOK_S:
            window = _window(ray, places)
            looked = time.monotonic()
        while waiting and len(running) < window:
            number = waiting.popleft()
            attempts[number] += 1
            running[task.remote([*command, "--shard", str(number)])] = number
        done, _ = ray.wait(list(running), timeout=POLL_S)
        tick()
        for each in done:
            number = running.pop(each)
            code, text = _outcome(ray, each, number)
            write_log(logs, number, text)
            if code < 0 and attempts[number] <= places.retries:
                waiting.append(number)
            elif code:
                failed[number] = Failure(code, last_line(text))
                if code == WRONG_INPUT:
                    waiting.clear()
    return failed


def _render(arguments: list[str]) -> tuple[int, str]:
    """Run one command line on a node, in a process that ends when Ray's worker does."""
    done = subprocess.run(
        [sys.executable, "-m", "viewpoint100k", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, PARENT: str(os.getpid())},
    )
    return done.returncode, done.stdout[-LOG_BYTES:].decode(errors="replace")


def _connect(places: Places) -> Any:
    """Connect to Ray, and return its module."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("--runner ray needs Ray: pip install 'viewpoint100k[ray]'") from error
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if not places.address:
        _start_head(ray, places, quiet)
        _end_helpers(ray)
    else:
        try:
            ray.init(address=places.address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(
                f"--address {places.address}: no Ray cluster there ({str(error).splitlines()[0]}). Start "
                "one with `ray start --head`, or leave --address out to start one on this machine"
            ) from error
    for name, wanted in (("CPU", places.cpus), ("GPU", places.gpus)):
        most = max(node["Resources"].get(name, 0) for node in ray.nodes() if node["Alive"])
        if wanted > most and not places.address:  # a cluster that scales may bring larger nodes
            ray.shutdown()
            raise InputError(
                f"each shard wants {wanted} {name}s, this machine has {most:g}: lower "
                f"--{name.lower()}s-per-shard"
            )
    return ray


def _start_head(ray: Any, places: Places, quiet: dict[str, Any]) -> None:
    """Start a head of our own on loopback, and connect to it.

    Ray allows a head 30 s to start, and this cannot be changed. That may be too little on a busy machine.

    Raises:
        ViewpointError: it does not start.
    """
    for attempt in range(STARTS):
        try:
            ray.init(
                address="local",  # ignore a session that somebody left in the default folder
                num_cpus=places.at_a_time * places.cpus or None,
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                _temp_dir=tempfile.mkdtemp(
                    prefix="ray-"
                ),  # short: sockets lie in it, whose names may have 107 bytes
                **quiet,
            )
            return
        except Exception as error:  # Ray has no narrower class for this error
            ray.shutdown()
            if "timed out during startup" not in str(error):
                raise
            if attempt + 1 == STARTS:
                raise ViewpointError(
                    f"Ray did not start within 30 s, {STARTS} times: this machine is busy. Try again later, "
                    "or start a head with `ray start --head` and pass --address auto"
                ) from error


def _end_helpers(ray: Any) -> None:
    """End two processes of our own head that nobody needs: the log monitor and the autoscaler.

    `ray.init` cannot leave them out. They use half of the CPU time of an idle head, see docs/farm.md.
    """
    for name in ("kill_log_monitor", "kill_monitor"):
        # this is not a public name: if it is gone, the processes stay and do no harm
        with suppress(Exception):
            getattr(ray._private.worker._global_node, name)(check_alive=False)


def _window(ray: Any, places: Places) -> int:
    """How many tasks may be in flight."""
    if places.at_a_time:
        return places.at_a_time
    total = ray.cluster_resources()
    room = total.get("GPU", 0) / places.gpus if places.gpus else total.get("CPU", 0) / places.cpus
    return max(1, QUEUED * int(room))
