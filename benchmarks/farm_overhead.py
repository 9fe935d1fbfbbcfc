"""What does Ray cost beside the rendering? `python benchmarks/farm_overhead.py [--shards 6] [--json
OUT.json]`.

Makes the same run with processes of this machine and with Ray on a head of its own, two shards at a time, by
turns (local, ray, ray, local), because a shared machine's speed changes; at the settings of a real run, and
with shards of minutes. Counts CPU-seconds of all processes, daemons included, and says which part of Ray used
how much: that does not change with what the rendering costs. All runs must give the same bytes.

Then hands out shards that are done, so that there is nothing to do, one and all: what a runner costs once,
and for each shard.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.cpu_seconds import CpuSeconds
from benchmarks.farm import PROGRAM, compare
from benchmarks.farm_parts import children

ORDER = ("local", "ray", "ray", "local")
LOOK_S = 0.5
PARTS = {  # by what is in their command lines; the first that fits
    "rendering": "render_scenes",
    "shards": "render-shard",
    "driver": "viewpoint100k generate",
    "validation": "multiprocessing",
    "Ray: GCS": "gcs_server/gcs_server",
    "Ray: raylet": "raylet/raylet",
    "Ray: log monitor": "log_monitor.py",
    "Ray: autoscaler": "autoscaler/_private/monitor.py",
    "Ray: API server": "dashboard/dashboard.py",
    "Ray: agent": "dashboard/agent.py",
    "Ray: agent ": "ray::DashboardAgent",
    "Ray: environments": "runtime_env/agent",
    "Ray: environments ": "ray::RuntimeEnvAgent",
    "Ray: workers": "default_worker.py",
    "Ray: workers ": "ray::",
}
NOTHING_TO_DO = """
import sys
from pathlib import Path
from viewpoint100k.cli.places import runner_named
from viewpoint100k.runners import Places

runner, out, shards, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
places = Places(slots=[{}] * workers, at_a_time=workers)
runner_named(runner)(["render-shard", out, "--quiet"], range(shards), places, Path(out) / ".run/logs",
    lambda: None)
"""
TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Of one run."""

    cpu_s: float
    seconds: float
    by_part: dict[
        str, float
    ]  # CPU-seconds, as last seen: what a process does in its last half second is not in it


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=6)
    parser.add_argument("--pairs-per-shard", type=int, default=128)
    parser.add_argument("--size", type=int, default=256, help="of the pictures, px")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="keep the runs here")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        costs, files = list[tuple[str, Cost]](), dict[str, Any]()
        for number, runner in enumerate(ORDER):
            costs.append((runner, measure(generate(arguments, runner, folder / f"{number}-{runner}"))))
            show(costs[-1:])
        made = [folder / f"{number}-{runner}" for number, runner in enumerate(ORDER)]
        files = compare(made[0], made[1])
        files["different"] += [name for other in made[2:] for name in compare(made[0], other)["different"]]
        idle = [
            (runner, shards, measure(hand_out(runner, made[0], shards, arguments.workers)).cpu_s)
            for runner in ORDER
            for shards in (1, arguments.shards)
        ]
    result = {
        "shards": arguments.shards,
        "pairs_per_shard": arguments.pairs_per_shard,
        "size_px": arguments.size,
    }
    result |= summary(costs, idle, arguments.shards) | files
    show(costs)
    Console().print_json(data=result)
    if arguments.json:
        runs = [{"runner": runner, **cost._asdict()} for runner, cost in costs]
        arguments.json.write_text(json.dumps({**result, "runs": runs, "nothing_to_do": idle}, indent=1))
    sys.exit(bool(files["different"]))


def generate(arguments: argparse.Namespace, runner: str, out: Path) -> list[str]:
    """The command of a whole run."""
    pairs = arguments.shards * arguments.pairs_per_shard
    settings = [
        "plan.validation_share=0",
        "plan.test_share=0",
        f"shards.pairs_per_shard={arguments.pairs_per_shard}",
    ]
    settings += [f"render.size_px={arguments.size}"]
    sets = [part for setting in settings for part in ("--set", setting)]
    of_runner = {"local": ["--device", "cpu", "--workers"], "ray": ["--runner", "ray", "--at-a-time"]}[runner]
    places = [*of_runner, str(arguments.workers)]
    return [*PROGRAM, "generate", str(out), "--pairs", str(pairs), "--seed", "3", *sets, *places]


def hand_out(runner: str, out: Path, shards: int, workers: int) -> list[str]:
    """The command that hands out so many shards that are done."""
    return [sys.executable, "-c", NOTHING_TO_DO, runner, str(out), str(shards), str(workers)]


def measure(command: list[str]) -> Cost:
    """Run a command, and count what it and all that it started used."""
    used, part_of = dict[int, float](), dict[int, str]()
    started = time.monotonic()
    with CpuSeconds() as counter:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while process.poll() is None:
            time.sleep(LOOK_S)
            for pid, words in children(os.getpid()).items():
                with contextlib.suppress(OSError):
                    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                    used[pid] = (int(fields[11]) + int(fields[12])) / TICKS
                    part_of[pid] = part(words) or part_of.get(pid, "other")  # one that has ended has no words
        seconds = time.monotonic() - started
    if process.returncode:
        said = process.stderr.read().decode() if process.stderr else ""
        sys.exit(f"{' '.join(command)} ended with {process.returncode}: {said[-500:]}")
    parts: dict[str, float] = defaultdict(float)
    for pid, cpu_s in used.items():
        parts[part_of[pid]] += cpu_s
    by_part = dict(sorted(parts.items(), key=lambda part_s: -part_s[1]))
    return Cost(
        round(counter.seconds, 2), round(seconds, 1), {name: round(s, 2) for name, s in by_part.items()}
    )


def part(words: str) -> str:
    """What a process belongs to, by its command line; "" if that does not tell."""
    return next((name.strip() for name, sign in PARTS.items() if sign in words), "")


def summary(costs: list[tuple[str, Cost]], idle: list[tuple[str, int, float]], shards: int) -> dict[str, Any]:
    """What Ray costs more than processes of this machine."""

    def mean(runner: str) -> float:
        return statistics.mean(cost.cpu_s for name, cost in costs if name == runner)

    def mean_idle(runner: str, count: int) -> float:
        return statistics.mean(cpu_s for name, each, cpu_s in idle if (name, each) == (runner, count))

    once = mean_idle("ray", 1) - mean_idle("local", 1)
    all_of_them = mean_idle("ray", shards) - mean_idle("local", shards)
    return {
        "local_cpu_s": round(mean("local"), 1),
        "ray_cpu_s": round(mean("ray"), 1),
        "more_percent": round(100 * (mean("ray") / mean("local") - 1), 2),
        "once_cpu_s": round(once, 2),
        "per_shard_cpu_s": round((all_of_them - once) / max(shards - 1, 1), 3),
    }


def show(costs: list[tuple[str, Cost]]) -> None:
    """A column for each run."""
    table = Table("CPU-s", *(runner for runner, _ in costs))
    names = sorted({name for _, cost in costs for name in cost.by_part})
    table.add_row("all", *(f"{cost.cpu_s:.1f}" for _, cost in costs))
    for name in names:
        table.add_row(name, *(f"{cost.by_part.get(name, 0):.1f}" for _, cost in costs))
    table.add_row("seconds", *(f"{cost.seconds:.0f}" for _, cost in costs))
    Console().print(table)


if __name__ == "__main__":
    main()
