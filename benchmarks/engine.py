"""What a picture costs: `python benchmarks/engine.py SOURCE [--objects 8] [--workers 1 2] [--quality default]`.

Renders the planned views of some objects (FILES, a folder, or builtin:) with 1, 2, ... workers and prints CPU-seconds per
image by part, images per second, and the peak memory of a worker. The same views are then rendered by a bare loop: one
process, the same scenes, nothing but `bpy.ops.render.render`; what the engine costs more than that is its overhead.
CPU-seconds hardly depend on how busy the machine is; images per second do, so compare them within one run.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from viewpoint100k import objects as sources
from viewpoint100k.config import QUALITIES, RunConfig, load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.motions import design
from viewpoint100k.plan import generator, plan_views
from viewpoint100k.records import SourceObject, ViewSet

Job = tuple[ViewSet, Path]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a folder of .glb, or builtin:")
    parser.add_argument("--objects", type=int, default=8)
    parser.add_argument("--only", nargs="*", default=[], help="names of the objects, in place of the first ones")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--quality", choices=QUALITIES, default="default")
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--background", help="for all objects, in place of the planned ones")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    overrides = [f"render.size_px={arguments.size}", f"render.quality={arguments.quality}"]
    config = load_config("viewpoint-6dof", overrides, source=arguments.source)
    with tempfile.TemporaryDirectory() as scratch:
        jobs = _jobs(config, arguments, Path(scratch))
        rows = [_measure(config, jobs, workers, Path(scratch)) for workers in arguments.workers]
        bare = _bare(config, jobs, Path(scratch))
    title = f"{len(jobs)} objects, {rows[0]['images']} images of {arguments.size} px, {arguments.quality}: CPU-seconds per image"
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    console = Console()
    console.print(table)
    console.print(
        f"Bare loop: {bare['render']:.3f} in bpy.ops.render.render, {bare['all']:.3f} with start and import. "
        f"Overhead of one worker: views {rows[0]['views'] / bare['render']:.3f}, everything {rows[0]['all'] / bare['all']:.3f}"
    )
    if len(rows) > 1:
        console.print(
            f"{rows[-1]['workers']} workers: {rows[-1]['images/s'] / rows[0]['images/s']:.2f} times the images per second"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"title": title, "rows": rows, "bare": bare}, indent=1))


def _jobs(config: RunConfig, arguments: argparse.Namespace, scratch: Path) -> list[Job]:
    listing = sources.list_objects(
        config.source, wanted=max(arguments.objects, len(arguments.only)), seed=0, budgets=config.files
    )
    things: list[SourceObject] = [o for o in listing.objects if not arguments.only or o.record.uid in arguments.only]
    things = things if arguments.only else things[: arguments.objects]
    jobs = []
    for thing in things:
        wanted = design(config.plan, 12, generator(0, thing.record.uid))
        path, _ = sources.fetch_object(thing, config.source, scratch, config.files)
        view_set = plan_views(config, thing, 0, wanted)
        if arguments.background:
            behind = view_set.background.model_copy(update={"kind": arguments.background})
            view_set = view_set.model_copy(update={"background": behind})
        jobs.append((view_set, path))
    return jobs


def _measure(config: RunConfig, jobs: list[Job], workers: int, scratch: Path) -> dict[str, Any]:
    """One run of the engine. CPU-seconds are those of the processes, supervisor included."""
    before, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    with Engine(config.render, scratch / f"engine-{workers}", workers=workers) as engine:
        started = time.monotonic()
        with ThreadPoolExecutor(workers + 1) as threads:
            futures = [threads.submit(engine.render, *job) for job in jobs]
            done = [future.result() for future in track(futures, f"{workers} workers", transient=True)]
        seconds, start = time.monotonic() - started, engine.start_cpu_s
    rendered = [one for one in done if isinstance(one, Rendered)]
    for one in done:
        if not isinstance(one, Rendered):
            print(f"{one.uid}: {one.reason}", file=sys.stderr)
    images = sum(len(one.views) for one in rendered)
    parts = {part: sum(one.cpu_s[part] for one in rendered) / images for part in ("import", "probes", "views")}
    after = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    supervisor = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / images
    everything = (ended.ru_utime + ended.ru_stime - children.ru_utime - children.ru_stime) / images + supervisor
    return {
        "workers": workers,
        "images": images,
        "start": start / images,
        **parts,
        "supervisor": supervisor,
        "all": everything,
        "images/s": images / seconds,
        "peak MB": round(ended.ru_maxrss / 1024),
    }


def _bare(config: RunConfig, jobs: list[Job], scratch: Path) -> dict[str, float]:
    """The same scenes and views in one process that does nothing but render."""
    described = []
    for view_set, path in jobs:
        job = view_set.model_dump(mode="json", include={"lights", "background", "views"})
        described.append({**job, "path": str(path.resolve()), "out": str(scratch), "jpeg_quality": 92})
    settings = {"size_px": config.render.size_px, "picture": True, **config.render.settings()._asdict()}
    (scratch / "bare.json").write_text(json.dumps({"jobs": described, "settings": settings}))
    done = subprocess.run(
        [sys.executable, "-c", BARE_LOOP, str(scratch / "bare.json")], capture_output=True, text=True, check=True
    )
    out: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return out


BARE_LOOP = """
import json, sys, time
from render_scenes.__main__ import one_core
with one_core():
    import bpy
    from render_scenes import camera, scene
    studio = scene.Studio()
import numpy as np
task = json.load(open(sys.argv[1]))
images, render = 0, 0.0
studio.scene.compositing_node_group = None  # nothing leaves the renderer
for job in task["jobs"]:
    studio.open(job)
    studio._quality(task["settings"])
    for view in sorted(job["views"], key=lambda view: view["light"]):
        studio._light(view["light"])
        camera.place(studio.camera, view["world_from_camera"], view["hfov_deg"])
        studio._aim_lamps(np.asarray(view["world_from_camera"]))
        bpy.context.view_layer.update()
        size = task["settings"]["size_px"]
        taken = camera.read_back(studio.camera)
        studio._crop(studio._box(taken, size), size)
        before = time.process_time()
        bpy.ops.render.render()
        render += time.process_time() - before
        images += 1
print(json.dumps({"render": render / images, "all": time.process_time() / images}))
"""

if __name__ == "__main__":
    main()
