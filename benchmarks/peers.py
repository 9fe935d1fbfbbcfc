"""Ours beside its peers: `python benchmarks/peers.py FOLDER --only milk_truck sheen_chair dutch_ship
--blenderproc-python PEER/bin/python --blenderproc-source BlenderProc [--views 2] [--no-psnr] [--json
OUT.json]`.

CPU-seconds per image of whatever peer is installed and of our presets, on the same objects at the same size,
and the PSNR of each picture against 1024 paths per pixel of its own scene, with another seed and without
denoiser. A peer that is missing is left out, and why is said. To install BlenderProc:

    python3.11 -m venv PEER PEER/bin/pip install "bpy==4.2.0" "numpy<2" pyyaml requests matplotlib pillow h5py
    imageio gitpython scikit-image \\
        pypng scipy scikit-learn opencv-contrib-python-headless rich trimesh
    git clone --depth 1 https://github.com/DLR-RM/BlenderProc

The wheel of 2.8.0 does not know `USE_EXTERNAL_BPY_MODULE`, the repository does. `--objaverse-script` takes
`scripts/rendering/blender_script.py` of allenai/objaverse-xl, which runs unmodified with our interpreter.

What is compared, and what is not:
- Each renders its own default scene, so the pictures differ, and a PSNR says how far a tool is from its own
  truth. Ours: planned HDRI, suns and background, 8-bit JPEG at quality 100. BlenderProc: dark grey world, two
  suns that send what our HDRI and suns send, PNG. objaverse-xl: four random suns, transparent, PNG.
- BlenderProc gets our cameras, opening angle, size and normalised object (`same view` is the overlap of the
  silhouettes, from depth) and also makes depth; samples, threshold, bounces, denoiser and threads are its
  defaults. objaverse-xl draws its own cameras (seeded here, so that its reference shows the same), is always
  512 px and makes no depth.
- BlenderProc's scene is easier than ours. One view of milk_truck took it 5.4 times as long under our HDRI and
  sun.
- Every object gets a fresh process. `start` is paid once a process, `import` once an object (ours with a ring
  of small probes, which no peer has), `view` is the mean over the views; the first of them is the dearest.
  `all` is user + system time of all processes, ours with the supervisor, over the images. With few views it
  is mostly start; a real run of ours keeps its processes over objects and makes about eight images of each.
- Peers use all cores they see. `taskset -c 0` before the command takes from them what that costs; on two
  cores, nothing.
- Dark pictures have a better PSNR: `brightness` is the mean over the object's pixels, of 255. `in the box` is
  PSNR around the object alone, because a plain background is right without effort.
"""

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from viewpoint100k.config import QUALITIES, RenderConfig, load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.geometry.visibility import mask
from viewpoint100k.plan import plan_views
from viewpoint100k.records import ObjectRecord, SourceObject, ViewSet

REFERENCE = "reference"
AS_IT_COMES = "as it comes"
DEADLINE_S = 7200
MARGIN_PX = 8  # of the box around the object
SAME_VIEW = 0.95  # overlap of silhouettes below which a peer did not render the same view
SUNS = (
    [0.6, -0.7, -0.4],
    [-0.7, -0.3, -0.6],
)  # towards the suns of a peer, in the first camera's axes (OpenCV)
SUN_SHARES = (0.7, 0.3)
BLENDERPROC_NEEDS = (
    *("blenderproc", "bpy", "numpy", "yaml", "requests", "matplotlib", "PIL", "h5py", "imageio", "git"),
    *("skimage", "png", "scipy", "sklearn", "cv2", "rich", "trimesh"),
)


@dataclass(frozen=True)
class Job:
    """One object and the cameras to take it from."""

    path: Path
    view_set: ViewSet
    size_px: int
    scratch: Path


class Taken(NamedTuple):
    """What a renderer made of a job."""

    pictures: list[NDArray[np.float64]]  # (H, W, 3), 0..255
    masks: list[NDArray[np.bool_]]
    start_cpu_s: float  # per process
    import_cpu_s: float  # per object, ours with its probes
    view_cpu_s: float  # mean over the views
    all_cpu_s: float  # of everything, over the views


class FailedError(Exception):
    """A peer did not render; the text says why."""


Take = Callable[[Job, str, int], Taken]  # at a quality or `REFERENCE`, so many views


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", required=True, help="names of .glb files in the folder")
    parser.add_argument("--views", type=int, default=2, help="of each object")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument(
        "--quality", nargs="+", choices=[*QUALITIES][:-1], default=["default", "draft"], help="ours"
    )
    parser.add_argument(
        "--no-psnr", action="store_true", help="a reference costs some CPU-minutes per tool and object"
    )
    parser.add_argument("--blenderproc-python", type=Path, help="an interpreter that has bpy 4.2")
    parser.add_argument("--blenderproc-source", type=Path, help="its repository, if it is not installed")
    parser.add_argument("--objaverse-script", type=Path, help="blender_script.py of objaverse-xl")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    console = Console(width=130)
    tools = _tools(arguments, console)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch, Progress(transient=True, console=console) as bar:
        task = bar.add_task("", total=len(arguments.only) * len(tools))
        for name in arguments.only:
            view_set = plan_views(
                load_config("viewpoint-6dof"),
                SourceObject(record=ObjectRecord(uid=name)),
                0,
                ["+**-**0", "-**+**0", "+**-**0"],
            )
            ours: Taken | None = None
            for tool, (take, qualities) in tools.items():
                bar.update(task, description=f"{name} {tool}")
                folder = Path(scratch) / f"{name}-{tool}"
                folder.mkdir()
                job = Job((arguments.folder / f"{name}.glb").resolve(), view_set, arguments.size, folder)
                try:
                    reference = None if arguments.no_psnr else take(job, REFERENCE, 1)
                    for quality in qualities:
                        taken = take(job, quality, arguments.views)
                        ours = ours or taken
                        rows.append(
                            {"object": name, "tool": tool, "quality": quality, **_row(taken, reference, ours)}
                        )
                except FailedError as failure:
                    console.print(f"{name}: {tool} failed: {failure}", style="red", markup=False)
                bar.advance(task)
            if arguments.json:  # as it goes: a run takes long
                arguments.json.write_text(json.dumps({**_about(arguments), "rows": rows}, indent=1))
    _print(console, arguments, rows)


def _tools(arguments: argparse.Namespace, console: Console) -> dict[str, tuple[Take, list[str]]]:
    """Who takes part. Ours is the first."""
    tools: dict[str, tuple[Take, list[str]]] = {"viewpoint100k": (_ours, arguments.quality)}
    if arguments.blenderproc_python is None:
        console.print("BlenderProc is left out: no --blenderproc-python")
    else:
        interpreter = Interpreter(arguments.blenderproc_python, arguments.blenderproc_source)
        if missing := interpreter.missing(BLENDERPROC_NEEDS):
            console.print(
                f"BlenderProc is left out: {arguments.blenderproc_python} lacks {', '.join(missing)}"
            )
        else:
            tools["BlenderProc"] = (_blenderproc(interpreter), [AS_IT_COMES])
    if arguments.objaverse_script is None:
        console.print("objaverse-xl is left out: no --objaverse-script")
    elif arguments.size != 512:
        console.print("objaverse-xl is left out: it always renders 512 px")
    else:
        tools["objaverse-xl"] = (
            _objaverse(Interpreter(Path(sys.executable)), arguments.objaverse_script),
            [AS_IT_COMES],
        )
    return tools


def _row(taken: Taken, reference: Taken | None, ours: Taken) -> dict[str, Any]:
    costs = {
        "start": taken.start_cpu_s,
        "import": taken.import_cpu_s,
        "view": taken.view_cpu_s,
        "all": taken.all_cpu_s,
    }
    both, either = taken.masks[0] & ours.masks[0], taken.masks[0] | ours.masks[0]
    row = {
        **costs,
        "psnr": None,
        "psnr_box": None,
        "same_view": float(both.sum()) / max(int(either.sum()), 1),
    }
    row |= {"brightness": float(taken.pictures[0][taken.masks[0]].mean())}
    if reference is not None:
        rows, cols = np.nonzero(reference.masks[0])
        top, left = (max(int(np.min(axis)) - MARGIN_PX, 0) for axis in (rows, cols))
        box = np.s_[top : np.max(rows) + MARGIN_PX, left : np.max(cols) + MARGIN_PX]
        picture, true = taken.pictures[0], reference.pictures[0]
        row |= {"psnr": _psnr(picture, true), "psnr_box": _psnr(picture[box], true[box])}
        row |= {"reference_cpu_s": reference.all_cpu_s}
    return row


def _psnr(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(10 * np.log10(255**2 / max(np.square(a - b).mean(), 1e-12)))


def _about(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"size_px": arguments.size, "views": arguments.views, "cores": len(os.sched_getaffinity(0))}


def _print(console: Console, arguments: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    cores = len(os.sched_getaffinity(0))
    title = f"CPU-seconds; {arguments.views} views of {arguments.size} px per object, {cores} cores"
    table = Table(
        *(
            "object",
            "tool",
            "start",
            "import",
            "view",
            "all / image",
            "PSNR dB",
            "in the box",
            "brightness",
            "same view",
        ),
        title=title,
    )
    for row in rows:
        costs = (f"{row[key]:.2f}" for key in ("start", "import", "view", "all"))
        decibels = ("-" if row[key] is None else f"{row[key]:.1f}" for key in ("psnr", "psnr_box"))
        own = row["tool"] == "objaverse-xl"  # with cameras of its own
        same = "-"
        if not own:
            same = f"{row['same_view']:.3f}" + ("" if row["same_view"] > SAME_VIEW else " NO")
        table.add_row(
            row["object"],
            f"{row['tool']}, {row['quality']}",
            *costs,
            *decibels,
            f"{row['brightness']:.0f}",
            same,
        )
    console.print(table)
    for tool in dict.fromkeys(row["tool"] for row in rows if row["tool"] != "viewpoint100k"):
        for quality in arguments.quality:
            view, everything = (_times(rows, tool, quality, key) for key in ("view", "all"))
            console.print(
                f"{tool} costs {min(view):.1f} to {max(view):.1f} times a view of {quality}, median "
                f"{statistics.median(view):.1f}; with start and import {statistics.median(everything):.1f}"
            )


def _times(rows: list[dict[str, Any]], tool: str, quality: str, key: str) -> list[float]:
    """A peer's cost over that of one of our presets, for each object that both rendered."""
    ours = {row["object"]: row[key] for row in rows if row["quality"] == quality}
    return [row[key] / ours[row["object"]] for row in rows if row["tool"] == tool]


# --- ours ------------------------------------------------------------------------------------------


def _ours(job: Job, quality: str, views: int) -> Taken:
    """By the engine, as a run does it, with one worker that is started for this object alone."""
    settings = RenderConfig.model_validate(
        {
            "size_px": job.size_px,
            "quality": quality,
            "jpeg_quality": 100,
            "deadline_s": DEADLINE_S,
            "cpu_limit_s": DEADLINE_S,
        }
    )
    before = _cpu_s()
    with Engine(settings, job.scratch / quality) as engine:
        rendered = engine.render(job.view_set, job.path, lambda probes: list(range(views)))
        start = engine.start_cpu_s
    spent = _cpu_s() - before
    if not isinstance(rendered, Rendered):
        raise SystemExit(f"{job.path}: {rendered.reason}")
    cpu_s, taken = rendered.cpu_s, [rendered.views[i] for i in range(views)]
    return Taken(
        [np.asarray(Image.open(io.BytesIO(view.image)), dtype=np.float64) for view in taken],
        [mask(view.capture) for view in taken],
        start,
        cpu_s["import"] + cpu_s["probes"],
        cpu_s["views"] / views,
        spent / views,
    )


def _cpu_s() -> float:
    """User and system time of this process and of all its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


# --- peers -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interpreter:
    """Somebody else's Python."""

    python: Path
    source: Path | None = None  # of what is not installed in it

    def missing(self, modules: tuple[str, ...]) -> list[str]:
        code = (
            f"import importlib.util as u; print('lacks', *[n for n in {modules!r} if u.find_spec(n) is None])"
        )
        try:
            done = subprocess.run(
                [self.python, "-c", code], capture_output=True, text=True, env=self._environment(), check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"{self.python}: is not a Python interpreter: {error}") from error
        return done.stdout.split()[1:]

    def run(self, script: str, task: dict[str, Any], scratch: Path) -> tuple[dict[str, Any], float]:
        """Run a script that reads `task.json` and writes `done.json`, which it must, whatever its exit code.

        Returns:
            What it wrote, and its CPU-seconds.

        Raises:
            FailedError: it wrote nothing, or not in time.
        """
        (scratch / "task.json").write_text(json.dumps(task))
        (scratch / "done.json").unlink(missing_ok=True)
        before = _cpu_s()
        try:
            ended = subprocess.run(
                [self.python, "-c", script, scratch / "task.json", scratch / "done.json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=self._environment(),
                timeout=DEADLINE_S,
            )
        except subprocess.TimeoutExpired as error:
            raise FailedError(f"not finished after {DEADLINE_S} s") from error
        spent = _cpu_s() - before
        if not (scratch / "done.json").exists():
            raise FailedError(f"exit code {ended.returncode}\n" + "\n".join(ended.stdout.splitlines()[-8:]))
        done: dict[str, Any] = json.loads((scratch / "done.json").read_text())
        return done, spent

    def _environment(self) -> dict[str, str]:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment |= {"USE_EXTERNAL_BPY_MODULE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return environment | ({"PYTHONPATH": str(self.source.resolve())} if self.source else {})


def _blenderproc(interpreter: Interpreter) -> Take:
    def take(job: Job, quality: str, views: int) -> Taken:
        planned, light = job.view_set.views[:views], job.view_set.lights[0]
        irradiance = np.pi * light.strength + sum(lamp.strength for lamp in light.lamps)
        rotation = np.asarray(planned[0].world_from_camera)[:3, :3]
        task = {
            "path": str(job.path),
            "out": str(job.scratch),
            "size_px": job.size_px,
            "hfov_deg": planned[0].hfov_deg,
            "cameras": [view.world_from_camera for view in planned],
            "suns": [
                [(rotation @ towards).tolist(), share * irradiance]
                for towards, share in zip(SUNS, SUN_SHARES, strict=True)
            ],
            "reference": QUALITIES[REFERENCE].samples if quality == REFERENCE else 0,
        }
        done, spent = interpreter.run(BLENDERPROC_SCRIPT, task, job.scratch)
        with np.load(job.scratch / "arrays.npz") as arrays:
            colors, depth = arrays["colors"], arrays["depth"]
        return Taken(
            [picture[..., :3].astype(np.float64) for picture in colors],
            [one.reshape(one.shape[:2] + (-1,))[..., 0] < 1e9 for one in depth],
            done["start"],
            done["load"] - done["start"],
            (spent - done["load"]) / views,
            spent / views,
        )

    return take


BLENDERPROC_SCRIPT = """
import importlib.util, json, os, sys, time
# BlenderProc takes the folder it lies in from sys.path; where that is site-packages, all else would be gone
# with it
sys.path.append(os.path.dirname(os.path.dirname(importlib.util.find_spec("blenderproc").origin)))
import blenderproc as bproc
import bpy
import numpy as np
from mathutils import Vector

task = json.load(open(sys.argv[1]))
bproc.init(temp_dir=os.path.join(task["out"], "blenderproc"))
done = {"start": time.process_time()}

before = set(bpy.context.scene.objects)
meshes = [thing for thing in bproc.loader.load_obj(task["path"]) if thing.blender_obj.type == "MESH"]
new = [thing for thing in bpy.context.scene.objects if thing not in before]
for thing in new:
    thing.animation_data_clear()
bpy.context.view_layer.update()
points = []
for mesh in meshes:
    corners = np.array([vertex.co for vertex in mesh.get_mesh().vertices])
    world = np.array(mesh.get_local2world_mat())
    points.append(corners @ world[:3, :3].T + world[:3, 3])
points = np.concatenate(points)
middle = (points.min(axis=0) + points.max(axis=0)) / 2
scale = 0.5 / np.linalg.norm(points - middle, axis=1).max()
parent = bproc.object.create_empty("Normalise")
for thing in new:
    if thing.parent is None:
        thing.parent = parent.blender_obj
parent.set_local2world_mat(np.vstack([np.column_stack([scale * np.eye(3), -scale * middle]), [0, 0, 0, 1]]))

for towards, energy in task["suns"]:
    sun = bproc.types.Light("SUN")
    sun.set_rotation_euler(Vector(towards).to_track_quat("Z", "Y").to_euler())
    sun.set_energy(energy)
size = task["size_px"]
bproc.camera.set_intrinsics_from_blender_params(np.radians(task["hfov_deg"]), size, size, lens_unit="FOV")
for camera in task["cameras"]:
    bproc.camera.add_camera_pose(
        bproc.math.change_source_coordinate_frame_of_transformation_matrix(np.array(camera), ["X", "-Y",
            "-Z"])
    )
bproc.renderer.enable_depth_output(activate_antialiasing=False)
if task["reference"]:
    bproc.renderer.set_max_amount_of_samples(task["reference"])
    bproc.renderer.set_noise_threshold(0)
    bproc.renderer.set_denoiser(None)
    bpy.context.scene.cycles.seed = 1
done["load"] = time.process_time()

data = bproc.renderer.render()
np.savez(os.path.join(task["out"], "arrays.npz"), colors=data["colors"], depth=data["depth"])
json.dump(done, open(sys.argv[2], "w"))
"""


def _objaverse(interpreter: Interpreter, script: Path) -> Take:
    def take(job: Job, quality: str, views: int) -> Taken:
        task = {
            "script": str(script.resolve()),
            "path": str(job.path),
            "out": str(job.scratch),
            "views": views,
            "reference": QUALITIES[REFERENCE].samples if quality == REFERENCE else 0,
        }
        done, spent = interpreter.run(OBJAVERSE_SCRIPT, task, job.scratch)
        images = [
            np.asarray(Image.open(job.scratch / f"{i:03d}.png"), dtype=np.float64) for i in range(views)
        ]
        return Taken(
            [image[..., :3] * image[..., 3:] / 255 for image in images],
            [image[..., 3] > 0 for image in images],
            done["start"],
            done["load"] - done["start"],
            (spent - done["load"]) / views,
            spent / views,
        )

    return take


OBJAVERSE_SCRIPT = """
import json, random, runpy, sys, time
import bpy
import numpy as np

task = json.load(open(sys.argv[1]))
random.seed(0)
np.random.seed(0)
done = {"start": time.process_time()}

def first(scene, *_):
    done.setdefault("load", time.process_time())
    if task["reference"]:
        scene.cycles.samples, scene.cycles.seed = task["reference"], 1
        scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False

bpy.app.handlers.render_init.append(first)
out = sys.argv[2]
options = ["--object_path", task["path"], "--output_dir", task["out"], "--num_renders", str(task["views"])]
sys.argv = [task["script"], "--", "--engine", "CYCLES", *options]
runpy.run_path(task["script"], run_name="__main__")
json.dump(done, open(out, "w"))
"""

if __name__ == "__main__":
    main()
