"""Does a preset hold at its size? `python benchmarks/at_size.py PRESET OUT [--pairs 20000] [--json
OUT.json]`.

The whole way at tiny pictures, on procedural objects: plan, render, ask, finalize, `validate`, `audit`.
Checks that exactly as many samples came out as were asked for, and prints CPU-seconds and peak memory of each
stage, what the audit fails, and what was rendered and not used, by reason. Times are also extrapolated to
100,000 pairs: by the pairs for CPU, by a line through two sizes for memory, for which a quarter of the pairs
is made as well.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

FULL = 100_000


class Cost(NamedTuple):
    """What one command took, all its processes together."""

    exit_code: int
    cpu_s: float
    wall_s: float
    peak_mb: float  # resident, of its largest process


class Size(NamedTuple):
    """A dataset of one size, and what it took."""

    pairs: int
    samples: int
    questions: int
    fair: int  # of the questions; of a large dataset by its audit
    core_fair: dict[str, float]  # kind -> of the samples, those with a fair question of it
    costs: dict[str, Cost]
    failures: list[str]  # of the audit
    rendered: int
    used: int
    dropped: dict[str, int]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("preset")
    parser.add_argument("out", type=Path, help="a folder for the dataset; made if it is not there")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=48, help="of the pictures, in pixels")
    parser.add_argument("--source", default="builtin:")
    parser.add_argument("--once", action="store_true", help="no second size: memory is not extrapolated")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    size = measure(arguments.out, arguments, arguments.pairs)
    smaller = None
    if not arguments.once:
        with tempfile.TemporaryDirectory() as folder:
            smaller = measure(Path(folder) / "smaller", arguments, max(arguments.pairs // 4, 1))
    show(arguments.preset, size, smaller)
    if arguments.json:
        sizes = [
            one._asdict() | {"costs": {k: v._asdict() for k, v in one.costs.items()}}
            for one in (size, smaller)
            if one
        ]
        arguments.json.write_text(
            json.dumps({"preset": arguments.preset, "seed": arguments.seed, "sizes": sizes}, indent=1)
        )
    wrong = [name for name, cost in size.costs.items() if cost.exit_code]
    if wrong or size.samples != size.pairs:
        raise SystemExit(f"{size.samples} of {size.pairs} samples; failed: {', '.join(wrong) or 'nothing'}")


def measure(out: Path, arguments: argparse.Namespace, pairs: int) -> Size:
    """Make a dataset of so many pairs and check it; a run that was begun goes on."""
    settings = [f"render.size_px={arguments.size}", "render.quality=draft"]
    report = out.with_name(f"{out.name}.audit.json")
    generate = ["generate", str(out), "--preset", arguments.preset, "--source", arguments.source]
    generate += ["--pairs", str(pairs), "--seed", str(arguments.seed)]
    costs = {
        "generate": run([*generate, *(word for setting in settings for word in ("--set", setting))]),
        "validate": run(["validate", str(out)]),
        "audit": run(["audit", str(out), "--json", str(report)]),
    }
    receipts = [json.loads(path.read_text()) for path in sorted((out / ".run" / "receipts").glob("*.json"))]
    dropped = Counter[str]()
    for receipt in receipts:
        dropped.update(receipt["dropped"])
    said: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {"fair": 0, "probes": []}
    used, core = looked_at(out)
    return Size(
        pairs=pairs,
        samples=sum(receipt["samples"] for receipt in receipts),
        questions=sum(receipt["questions"] for receipt in receipts),
        fair=said["fair"],
        core_fair=core,
        costs=costs,
        failures=[
            f"{probe['name']}: {probe['because']}" for probe in said["probes"] if probe["verdict"] == "fail"
        ],
        rendered=sum(receipt["views_rendered"] for receipt in receipts),
        used=used,
        dropped=dict(dropped.most_common()),
    )


def run(words: list[str]) -> Cost:
    """Run one of our commands and wait for it; what it prints goes to the screen."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "viewpoint100k", *words])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = used.ru_utime + used.ru_stime
    return Cost(
        process.returncode,
        round(cpu_s, 1),
        round(time.monotonic() - started, 1),
        round(used.ru_maxrss / 1024),
    )


def looked_at(out: Path) -> tuple[int, dict[str, float]]:
    """Different pictures in the dataset; and in which share of the samples each kind of tier A is asked
    fairly.
    """
    from viewpoint100k.shards import iter_samples

    pictures, core, samples = set(), Counter[str](), 0
    for stored in iter_samples(out):
        samples += 1
        core.update({question.type for question in stored.sample.fair_questions if question.tier == "A"})
        for view in stored.sample.views:
            pictures.add(
                (stored.sample.objects[0].uid, tuple(map(tuple, view.world_from_camera)), view.hfov_deg)
            )
    return len(pictures), {kind: round(number / max(samples, 1), 3) for kind, number in sorted(core.items())}


def show(preset: str, size: Size, smaller: Size | None) -> None:
    """Print the table."""
    console = Console()
    table = Table(
        "stage", "CPU-s", "wall s", "peak MB", f"CPU-h of {FULL:,}", f"peak MB of {FULL:,}", title=preset
    )
    for name, cost in size.costs.items():
        hours = cost.cpu_s * FULL / size.pairs / 3600
        memory = "" if smaller is None else f"{extrapolated(smaller, size, name):.0f}"
        table.add_row(
            name, f"{cost.cpu_s:.0f}", f"{cost.wall_s:.0f}", f"{cost.peak_mb:.0f}", f"{hours:.2f}", memory
        )
    console.print(table)
    console.print(
        f"{size.samples} of {size.pairs} samples, {size.questions} questions, {size.fair} of them fair; "
        f"{size.rendered} views rendered, "
        f"{size.used} used ({size.rendered / max(size.samples, 1):.2f} a sample)"
    )
    console.print(
        "fair, of the samples: " + ", ".join(f"{kind} {share:.1%}" for kind, share in size.core_fair.items())
    )
    for reason, number in size.dropped.items():
        console.print(f"  {number} x {reason}")
    console.print(f"the audit fails {len(size.failures)} probes", *size.failures, sep="\n  ")


def extrapolated(smaller: Size, size: Size, stage: str) -> float:
    """Peak memory in MB at the full size, on a line through both; no less than what was measured."""
    few, many = smaller.costs[stage].peak_mb, size.costs[stage].peak_mb
    slope = (many - few) / max(size.pairs - smaller.pairs, 1)
    return max(many + slope * (FULL - size.pairs), many)


if __name__ == "__main__":
    main()
