"""What a GPU is worth: `python benchmarks/gpu.py [--json gpu.json]`, on a machine with one; minutes after
its kernels are compiled.

Which GPUs Cycles finds, how long the first start takes (the driver compiles Blender's kernels, once per
machine), seconds per view with one, two and three processes on a card at each quality, processor time per
view, how near the pictures are to those of the processor (PSNR), whether the same views have the same bytes
twice, memory, and a small dataset through the whole engine. Nothing is downloaded: the objects are
procedural. `--device cpu` tries the script itself where there is no card.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from viewpoint100k import objects as sources
from viewpoint100k.config import RunConfig, load_config
from viewpoint100k.design import design
from viewpoint100k.devices import Device, find_devices
from viewpoint100k.engine import Engine, Rendered, warm_up
from viewpoint100k.plan import generator, plan_views
from viewpoint100k.records import Reject, ViewSet

Job = tuple[ViewSet, Path]
QUALITIES = ("draft", "default", "high")
COMPARED = 2  # objects that the processor renders, too


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--objects", type=int, default=6)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found: dict[str, Any] = {}

        def note(**figures: Any) -> None:
            """Kept at once: whoever kills the run has what was measured until then."""
            found.update(figures)
            for name, value in figures.items():
                console.print(f"{name}: {value}", highlight=False)
            if arguments.json:
                arguments.json.write_text(json.dumps(found, indent=1) + "\n")

        devices = find_devices(arguments.device, scratch)
        note(devices=[f"{device.kind} {device.name}" for device in devices])
        config = load_config("viewpoint-6dof", [f"render.size_px={arguments.size}"], source="builtin:")
        took = warm_up(devices, config.render, scratch, sys.executable, console.print)
        note(first_start_s=[round(seconds, 1) for seconds in took.values()])
        again = warm_up(devices, config.render, scratch, sys.executable, console.print)
        note(second_start_s=[round(seconds, 1) for seconds in again.values()])
        rows = []
        for quality in QUALITIES:
            at = load_config(
                "viewpoint-6dof", [f"render.size_px={arguments.size}", f"render.quality={quality}"]
            )
            at = at.model_copy(update={"source": "builtin:"})
            jobs = _jobs(at, arguments.objects, scratch)
            for processes in arguments.processes:
                rows.append(_speed(at, jobs, devices[:1], processes, quality, scratch))
                note(views=rows)
            note(**_likeness(at, jobs[:COMPARED], devices[0], quality, scratch))
        console.print(_table(rows))
        note(**_whole(arguments.device, arguments.size, scratch))


def _jobs(config: RunConfig, count: int, scratch: Path) -> list[Job]:
    jobs = []
    for thing in sources.list_objects(config.source, wanted=count, seed=0, budgets=config.files).objects[
        :count
    ]:
        wanted = design(config.plan, config.gates, 6, generator(0, thing.record.uid))
        path, _ = sources.fetch_object(thing, config.source, scratch / "objects", config.files)
        jobs.append((plan_views(config, thing, 0, wanted), path))
    return jobs


def _render(
    config: RunConfig, jobs: Sequence[Job], devices: Sequence[Device], processes: int, scratch: Path
) -> tuple[list[Rendered], float]:
    """All objects, and the seconds from the first to the last, without starting."""
    with Engine(config.render, scratch / "engine", workers=processes, devices=devices) as engine:
        started = time.monotonic()
        with ThreadPoolExecutor(processes) as threads:
            done = list(threads.map(lambda job: engine.render(*job), jobs))
        seconds = time.monotonic() - started
    for one in done:
        if isinstance(one, Reject):
            print(f"{one.uid}: {one.reason}", file=sys.stderr)
    return [one for one in done if isinstance(one, Rendered)], seconds


def _speed(
    config: RunConfig,
    jobs: Sequence[Job],
    devices: Sequence[Device],
    processes: int,
    quality: str,
    scratch: Path,
) -> dict[str, Any]:
    done, seconds = _render(config, jobs, devices, processes, scratch)
    views = sum(len(one.views) for one in done)
    cpu_s = sum(sum(one.cpu_s.values()) for one in done)
    return {
        "quality": quality,
        "processes": processes,
        "views": views,
        "s/view": round(seconds / views, 4),
        "CPU-s/view": round(cpu_s / views, 4),
        "MB of a process": round(max(one.rss_mb for one in done)),
        "MB of the card": _card_mb(),
    }


def _card_mb() -> int | None:
    """In use on the first NVIDIA card, by all there are; None without its tool."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    asked = [tool, "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    done = subprocess.run(asked, capture_output=True, text=True)
    first = done.stdout.split("\n")[0].strip()
    return int(first) if first.isdigit() else None


def _likeness(
    config: RunConfig, jobs: Sequence[Job], device: Device, quality: str, scratch: Path
) -> dict[str, Any]:
    """Against the same device a second time, and against the processor."""
    one, other, on_processor = (
        _render(config, jobs, [on], 1, scratch)[0] for on in (device, device, Device())
    )
    same = [
        first.views[number].image == second.views[number].image
        for first, second in zip(one, other, strict=True)
        for number in first.views
    ]
    ratios = [
        _psnr(first.views[number].image, second.views[number].image)
        for first, second in zip(one, on_processor, strict=True)
        for number in first.views
    ]
    return {
        f"{quality}: same bytes twice": f"{sum(same)} of {len(same)} views",
        f"{quality}: PSNR against the processor": (
            f"median {np.median(ratios):.1f} dB, least {min(ratios):.1f}"
        ),
    }


def _psnr(one: bytes, other: bytes) -> float:
    """In dB; 99 for equal pictures."""
    first, second = (np.asarray(Image.open(io.BytesIO(image)), dtype=np.float64) for image in (one, other))
    error = float(np.mean(np.square(first - second)))
    return 99.0 if error == 0 else 10 * float(np.log10(255.0**2 / error))


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(*rows[0], title="on one card")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table


def _whole(device: str, size_px: int, scratch: Path) -> dict[str, Any]:
    """Twelve objects through `generate`."""
    command = [
        sys.executable,
        "-m",
        "viewpoint100k",
        "generate",
        str(scratch / "whole"),
        "--preset",
        "viewpoint-6dof",
    ]
    command += ["--source", "builtin:", "--pairs", "48", "--seed", "1", "--device", device]
    command += [
        "--set",
        f"render.size_px={size_px}",
        "--set",
        "render.quality=draft",
        "--set",
        "plan.pairs_per_object=4",
    ]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stdout.strip().splitlines()
    return {
        "48 pairs, whole run": f"exit {done.returncode} after {time.monotonic() - started:.0f} s",
        "it said": said[:3],
    }


if __name__ == "__main__":
    main()
