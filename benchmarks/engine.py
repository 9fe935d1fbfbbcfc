"""What a picture costs: `python benchmarks/engine.py SOURCE [--objects 8] [--workers 1 2] [--quality
default]`.

Renders the planned views of some objects (FILES, a folder, or builtin:) with 1, 2, ... workers and prints
CPU-seconds per image by part, images per second, and the peak memory of a worker. The same views are then
rendered by two bare loops: one process each, the same scenes, samples and denoiser, nothing but
`bpy.ops.render.render`. The strict one renders what the engine renders and nothing of the background; the
other one makes the picture, full frame with the HDRI or a floor in it (a blurred HDRI is traced sharp). What
the engine costs more is its overhead. CPU-seconds depend on how busy the machine is, so each object is
rendered by all three in turn; images per second do so even more, so compare them within one run. No object
stands in a place or a panorama here unless `--background` says so: the bare loops do not draw these.

`--engine-python A B` compares renderers instead: each object is rendered by all of these interpreters in
turn, before all backgrounds of the defaults.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from render_scenes import protocol
from viewpoint100k import objects as sources
from viewpoint100k.config import QUALITIES, RunConfig, load_config
from viewpoint100k.design import design
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.plan import generator, plan_views
from viewpoint100k.records import STANDING, Reject, SourceObject, ViewSet
from viewpoint100k.settings.render import BackgroundShares

Job = tuple[ViewSet, Path]
BASELINES = {
    "strict": "Strict bare loop (same box, no background, nothing leaves the renderer)",
    "same picture": "Bare loop that makes the picture (full frame, HDRI or floor traced)",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="a folder of .glb, or builtin:")
    parser.add_argument("--objects", type=int, default=8)
    parser.add_argument(
        "--only", nargs="*", default=[], help="names of the objects, in place of the first ones"
    )
    parser.add_argument(
        "--pairs", type=int, default=12, help="of each object; fewer have fewer views to share its probes"
    )
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--quality", choices=QUALITIES, default="default")
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--baselines", nargs="+", choices=BASELINES, default=list(BASELINES))
    parser.add_argument(
        "--background",
        choices=list(BackgroundShares.model_fields),
        help="for all objects, in place of the planned ones",
    )
    parser.add_argument("--engine-python", nargs="+", help="interpreters with bpy, to be compared")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    overrides = [f"render.size_px={arguments.size}", f"render.quality={arguments.quality}"]
    overrides += ["render.deadline_s=36000", "render.cpu_limit_s=36000"]  # however busy the machine is
    overrides += _backgrounds(arguments)
    config = load_config("viewpoint-6dof", overrides, source=arguments.source)
    with tempfile.TemporaryDirectory() as scratch:
        jobs = _jobs(config, arguments, Path(scratch))
        if arguments.engine_python:
            _compare_renderers(config, jobs, arguments, Path(scratch))
            return
        bare = {which: Bare(config, Path(scratch), which == "same picture") for which in arguments.baselines}
        rows = [
            _measure(config, jobs, workers, Path(scratch), {}) for workers in arguments.workers if workers > 1
        ]
        rows.insert(0, _measure(config, jobs, 1, Path(scratch), bare))
    baselines = {which: one.per_image() for which, one in bare.items()}
    title = (
        f"{len(jobs)} objects, {rows[0]['images']} images of {arguments.size} px, {arguments.quality}: "
        "CPU-seconds per image"
    )
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    console = Console(width=120)
    console.print(table)
    one = rows[0]
    for which, cost in baselines.items():
        console.print(
            f"{BASELINES[which]}: {cost['render']:.3f} in bpy.ops.render.render, {cost['all']:.3f} with "
            "start and import. "
            f"Overhead of one worker: views {one['views'] / cost['render']:.3f}, everything "
            f"{one['all'] / cost['all']:.3f}"
        )
    console.print(f"Probes: {one['probes'] / one['all']:.3f} of everything")
    for row in rows[1:]:
        console.print(
            f"{row['workers']} workers: {row['images/s'] / one['images/s']:.2f} times the images per second"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"title": title, "rows": rows, "bare": baselines}, indent=1))


def _compare_renderers(
    config: RunConfig, jobs: list[Job], arguments: argparse.Namespace, scratch: Path
) -> None:
    """Print what each interpreter's renderer costs, and write it."""
    with ExitStack() as stack:
        engines = [
            stack.enter_context(Engine(config.render, scratch / f"renderer-{number}", python))
            for number, python in enumerate(arguments.engine_python)
        ]
        done: list[list[Rendered]] = [[] for _ in engines]
        for job in jobs:  # in turn, for a busy machine slows all of them alike
            for engine, mine in zip(engines, done, strict=True):
                rendered = engine.render(*job)
                if isinstance(rendered, Rendered):
                    mine.append(rendered)
                else:
                    print(f"{engine.renderer}: {rendered.uid}: {rendered.reason}", file=sys.stderr)
        rows = [_cost(engine, mine) for engine, mine in zip(engines, done, strict=True)]
    title = f"{len(jobs)} objects of {arguments.size} px, {arguments.quality}: CPU-seconds per image"
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"title": title, "rows": rows}, indent=1))


def _cost(engine: Engine, done: list[Rendered]) -> dict[str, Any]:
    """What an engine's renders cost, per image; without the supervisor, which is one for all."""
    images = sum(len(rendered.views) for rendered in done)
    parts = {
        part: sum(rendered.cpu_s[part] for rendered in done) / images
        for part in ("import", "probes", "views")
    }
    start = engine.start_cpu_s / images
    return {
        "renderer": engine.renderer,
        "images": images,
        "start": start,
        **parts,
        "all": start + sum(parts.values()),
        "peak MB": round(max(rendered.rss_mb for rendered in done)),
    }


def _jobs(config: RunConfig, arguments: argparse.Namespace, scratch: Path) -> list[Job]:
    listing = sources.list_objects(
        config.source, wanted=max(arguments.objects, len(arguments.only)), seed=0, budgets=config.files
    )
    things: list[SourceObject] = [
        o for o in listing.objects if not arguments.only or o.record.uid in arguments.only
    ]
    things = things if arguments.only else things[: arguments.objects]
    jobs = []
    for thing in things:
        wanted = design(config.plan, config.gates, arguments.pairs, generator(0, thing.record.uid))
        path, _ = sources.fetch_object(thing, config.source, scratch, config.files)
        jobs.append((plan_views(config, thing, 0, wanted), path))
    return jobs


def _backgrounds(arguments: argparse.Namespace) -> list[str]:
    """Settings that plan the backgrounds that are asked for, each in the light that goes with it."""
    if arguments.background:
        shares = {kind: float(kind == arguments.background) for kind in BackgroundShares.model_fields}
    elif arguments.engine_python:
        shares = {}
    else:
        shares = dict.fromkeys(STANDING, 0.0)
    return [f"render.backgrounds.{kind}={share}" for kind, share in shares.items()]


class Bare:
    """The same scenes and views in one process that does nothing but render: opened once, asked object by
    object.
    """

    def __init__(self, config: RunConfig, scratch: Path, same_picture: bool) -> None:
        self.settings = config.render
        self.scratch, self.times, self.images = scratch, {"render": 0.0, "all": 0.0}, 0
        command = [sys.executable, "-c", BARE_LOOP, "same picture" if same_picture else "strict"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def render(self, job: Job) -> None:
        view_set, path = job
        described = view_set.model_dump(mode="json", include={"lights", "background", "views"})
        opened = protocol.Open(
            paths=[str(path.resolve())],
            panoramas={},
            scene=False,
            out=str(self.scratch),
            lights=described["lights"],
            background=described["background"],
            jpeg_quality=92,
            pose=self.settings.pose,
            cpu_limit_s=self.settings.cpu_limit_s,
        )
        shoot = protocol.Shoot(
            views=[
                protocol.NamedView(name=str(i), planned=view) for i, view in enumerate(described["views"])
            ],
            size_px=self.settings.size_px,
            picture=True,
            **self.settings.settings()._asdict(),
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(protocol.encode(opened), protocol.encode(shoot), sep="\n", file=self.process.stdin, flush=True)
        times = next(json.loads(line[2:]) for line in self.process.stdout if line.startswith("##"))
        self.times = {"render": self.times["render"] + times["render"], "all": times["all"]}
        self.images += len(view_set.views)

    def per_image(self) -> dict[str, float]:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        return {part: seconds / self.images for part, seconds in self.times.items()}


def _measure(
    config: RunConfig, jobs: list[Job], workers: int, scratch: Path, bare: dict[str, Bare]
) -> dict[str, Any]:
    """One run of the engine. CPU-seconds are those of the processes, supervisor included.

    Args:
        bare: loops that render each object right after one worker did, for a busy machine slows all of them
            alike.
    """
    before, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    with Engine(config.render, scratch / f"engine-{workers}", workers=workers) as engine:
        seconds, done = 0.0, list[Rendered | Reject]()
        if bare:
            for job in jobs:  # without a progress bar: drawing it would count as the supervisor's
                started = time.monotonic()
                done.append(engine.render(*job))
                seconds += time.monotonic() - started
                if isinstance(done[-1], Rendered):
                    for loop in bare.values():
                        loop.render(job)
        else:
            started = time.monotonic()
            with ThreadPoolExecutor(workers + 1) as threads:
                done = list(threads.map(lambda job: engine.render(*job), jobs))
            seconds = time.monotonic() - started
        start = engine.start_cpu_s
    rendered = [one for one in done if isinstance(one, Rendered)]
    for one in done:
        if not isinstance(one, Rendered):
            print(f"{one.uid}: {one.reason}", file=sys.stderr)
    images = sum(len(one.views) for one in rendered)
    parts = {
        part: sum(one.cpu_s[part] for one in rendered) / images for part in ("import", "probes", "views")
    }
    after = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    supervisor = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / images
    everything = (
        ended.ru_utime + ended.ru_stime - children.ru_utime - children.ru_stime
    ) / images + supervisor
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


BARE_LOOP = """
import json, sys, time
from render_scenes.__main__ import one_core
with one_core():
    import bpy
    from render_scenes import camera, passes, protocol, scene
    passes.listen = lambda: None  # nothing leaves the renderer
    studio = scene.Studio()
import numpy as np
same_picture = sys.argv[1] == "same picture"
for line in sys.stdin:
    job, shoot, render = protocol.decode(line), protocol.decode(next(sys.stdin)), 0.0
    studio.open(job)
    studio._set_quality(shoot)
    kind = job.background["kind"]
    studio.scene.render.film_transparent = not (same_picture and kind in ("hdri", "blurred"))
    studio.scene.render.use_border = not same_picture
    if same_picture and studio.ground is not None:
        studio.ground.thing.hide_render = False  # shadows as part of the picture
    for view in sorted((one.planned for one in shoot.views), key=lambda view: view["light"]):
        studio.lighting.aim_lamps(np.asarray(view["world_from_camera"]))
        studio.lighting.set_up_view(studio.camera, view)
        studio._crop(studio._box(camera.read_back(studio.camera), shoot.size_px), shoot.size_px)
        before = time.process_time()
        bpy.ops.render.render()
        render += time.process_time() - before
    print("##" + json.dumps({"render": render, "all": time.process_time()}), flush=True)
"""

if __name__ == "__main__":
    main()
