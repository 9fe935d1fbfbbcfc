"""Does a worker stay the same over a night? `python benchmarks/endurance.py FOLDER [--objects 500] [--json
OUT.json]`.

Each object of a folder, under new names and as often as needed, in one run of one engine that never recycles
a worker. Prints memory and CPU-seconds of every hundred objects, per worker.
"""

import argparse
import itertools
import json
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from viewpoint100k.config import load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.plan import plan_views
from viewpoint100k.records import ObjectRecord, SourceObject


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--objects", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    settings = [f"render.size_px={arguments.size}", f"render.quality={arguments.quality}"]
    never = ["render.recycle_after=1000000", "render.recycle_above_mb=100000"]
    config = load_config("viewpoint-6dof", [*settings, *never])
    files = sorted(arguments.folder.glob("*.glb"))
    rounds = [
        (f"{file.stem}-{n // len(files)}", file)
        for n in range(arguments.objects)
        for file in [files[n % len(files)]]
    ]

    def visit(engine: Engine, uid: str, file: Path) -> tuple[float, float] | None:
        """(resident MB, CPU-seconds per picture) after one object; None if it was refused."""
        view_set = plan_views(
            config,
            SourceObject(record=ObjectRecord(uid=uid)),
            0,
            ["+00-000", "-00+000", "+00-000", "+00+000"],
        )
        rendered = engine.render(view_set, file)
        if not isinstance(rendered, Rendered):
            return None
        return rendered.rss_mb, sum(rendered.cpu_s.values()) / len(rendered.views)

    with tempfile.TemporaryDirectory() as scratch:
        engines = [Engine(config.render, Path(scratch) / str(i)) for i in range(arguments.workers)]
        with ThreadPoolExecutor(arguments.workers) as threads:

            def work(number: int) -> list[tuple[float, float]]:
                mine = rounds[number :: arguments.workers]
                with engines[number] as engine:
                    steps = track(mine, f"worker {number}", transient=True) if number == 0 else mine
                    return [found for uid, file in steps if (found := visit(engine, uid, file)) is not None]

            found = list(threads.map(work, range(arguments.workers)))
    stretch = len(files)  # whole passes over the folder, so that the same objects are compared
    passes = [0, *range(stretch, arguments.objects + 1, stretch)]
    table = Table(
        "worker",
        "objects",
        "median MB",
        "largest MB",
        "CPU-s per picture",
        title=f"{arguments.objects} objects",
    )
    rows = []
    for worker, mine in enumerate(found):
        for low, high in itertools.pairwise(passes):
            part = mine[low // arguments.workers : high // arguments.workers]
            row = {
                "worker": worker,
                "objects": f"{low} to {high}",
                "median_mb": statistics.median(mb for mb, _ in part),
                "largest_mb": max(mb for mb, _ in part),
                "cpu_s": statistics.mean(s for _, s in part),
            }
            rows.append(row)
            table.add_row(
                str(worker),
                str(row["objects"]),
                *(f"{row[k]:.2f}" for k in ("median_mb", "largest_mb", "cpu_s")),
            )
    Console(width=110).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "each": found}))


if __name__ == "__main__":
    main()
