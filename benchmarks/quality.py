"""How good are the quality presets: `python benchmarks/quality.py FOLDER [--only NAME ...] [--views 1]
[--json OUT.json]`.

Renders the same views at each quality and at `reference` (1024 paths per pixel, another seed, no denoiser),
and prints PSNR and SSIM against it and what a picture costs. Backgrounds are painted, hence exact: PSNR is
also given inside the box around the object. Compared are pictures at JPEG quality 100; `as published` is with
the preset's own JPEG quality. With `--engine-python A B` each of these renderers is compared with its own
reference.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from viewpoint100k.config import QUALITIES, RenderConfig, load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.geometry.visibility import mask
from viewpoint100k.interpreters import look_at
from viewpoint100k.plan import plan_views
from viewpoint100k.quality import RenderedView
from viewpoint100k.records import ObjectRecord, SourceObject, ViewSet
from viewpoint100k.settings.render import BackgroundShares

TEXTURED = (
    "milk_truck",
    "sheen_chair",
    "dutch_ship",
    "velvet_sofa",
    "clearcoat_wicker",
    "plastic_monobloc_chair",
    "avocado",
    "boombox",
    "town_tree",
    "spellbook_open",
)
MARGIN_PX = 8  # of the box around the object
Picture = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=TEXTURED, help="names of .glb files in the folder")
    parser.add_argument("--views", type=int, default=1, help="of each object")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--quality", nargs="+", choices=list(QUALITIES)[:-1], default=list(QUALITIES)[:-1])
    parser.add_argument("--engine-python", nargs="+", default=[sys.executable], help="interpreters with bpy")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    names = [*arguments.quality, "reference"]
    rows: list[dict[str, Any]] = []
    total = len(arguments.only) * len(arguments.engine_python)
    with tempfile.TemporaryDirectory() as scratch, Progress(transient=True) as bar:
        task = bar.add_task("", total=total)
        for number, name in enumerate(arguments.only):
            for python in arguments.engine_python:
                bar.update(task, description=name)
                job = Job(name, _view_set(name, number), python, Path(scratch))
                rows += _rows(arguments, job, names)
                bar.advance(task)
    console = Console(width=120)
    each = Table(
        "object", "quality", "PSNR dB", "in the box", "SSIM", "CPU-s per image", title=f"{arguments.size} px"
    )
    for row in rows:
        each.add_row(
            row["object"], row["quality"], *(f"{row[k]:.2f}" for k in ("psnr", "psnr_box", "ssim", "cpu_s"))
        )
    console.print(each)
    table = Table(
        "quality", "median PSNR", "least", "median in the box", "median SSIM", "median CPU-s", title="All"
    )
    for quality in dict.fromkeys(row["quality"] for row in rows):
        mine = [row for row in rows if row["quality"] == quality]
        middle = {
            key: statistics.median(row[key] for row in mine) for key in ("psnr", "psnr_box", "ssim", "cpu_s")
        }
        least = min(row["psnr"] for row in mine)
        table.add_row(
            quality,
            f"{middle['psnr']:.1f}",
            f"{least:.1f}",
            f"{middle['psnr_box']:.1f}",
            f"{middle['ssim']:.4f}",
            f"{middle['cpu_s']:.2f}",
        )
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


class Job(NamedTuple):
    """An object and what renders it."""

    name: str
    view_set: ViewSet
    python: str
    scratch: Path


def _rows(arguments: argparse.Namespace, job: Job, names: list[str]) -> list[dict[str, Any]]:
    """Each quality of one object against the reference of the same renderer."""
    taken = {quality: _render(arguments, quality, 100, job) for quality in reversed(names)}
    wanted = [(quality, *taken[quality]) for quality in names[:-1]]
    if "default" in names:
        published, _ = _render(arguments, "default", 92, job)
        wanted.append(("default, as published", published, taken["default"][1]))
    label = f" on {look_at(job.python).blender}" if len(arguments.engine_python) > 1 else ""
    return [
        {"object": job.name, "quality": quality + label, "cpu_s": cpu_s, **_compare(view, reference)}
        for quality, views, cpu_s in wanted
        for view, reference in zip(views, taken["reference"][0], strict=True)
    ]


def _view_set(name: str, number: int) -> ViewSet:
    """A planned view set; every other object before its HDRI, the rest before a plain colour."""
    wanted = "hdri" if number % 2 else "plain"
    shares = {kind: float(kind == wanted) for kind in BackgroundShares.model_fields}
    config = load_config(
        "viewpoint-6dof", [f"render.backgrounds.{kind}={share}" for kind, share in shares.items()]
    )
    return plan_views(
        config, SourceObject(record=ObjectRecord(uid=name)), 0, ["+**-**0", "-**+**0", "+**-**0"]
    )


def _render(
    arguments: argparse.Namespace, quality: str, jpeg: int, job: Job
) -> tuple[list[RenderedView], float]:
    """Some views of one object, and CPU-seconds per image.

    One more is taken first, which pays for the scene.
    """
    settings = RenderConfig.model_validate(
        {
            "size_px": arguments.size,
            "quality": quality,
            "jpeg_quality": jpeg,
            "deadline_s": 7200,
            "cpu_limit_s": 7200,
        }
    )
    path = arguments.folder / f"{job.name}.glb"
    with Engine(settings, job.scratch / quality, job.python) as engine:
        rendered = engine.render(job.view_set, path, lambda probes: list(range(arguments.views)))
    assert isinstance(rendered, Rendered), rendered
    return [rendered.views[i] for i in range(arguments.views)], rendered.cpu_s["views"] / arguments.views


def _compare(view: RenderedView, reference: RenderedView) -> dict[str, float]:
    picture, true = (np.asarray(Image.open(io.BytesIO(v.image)), dtype=np.float64) for v in (view, reference))
    rows, cols = np.nonzero(mask(reference.capture))
    top, left = (max(int(np.min(axis)) - MARGIN_PX, 0) for axis in (rows, cols))
    box = np.s_[top : np.max(rows) + MARGIN_PX, left : np.max(cols) + MARGIN_PX]
    return {
        "psnr": _psnr(picture, true),
        "psnr_box": _psnr(picture[box], true[box]),
        "ssim": _ssim(picture, true),
    }


def _psnr(a: Picture, b: Picture) -> float:
    return float(10 * np.log10(255**2 / max(np.square(a - b).mean(), 1e-12)))


def _ssim(a: Picture, b: Picture) -> float:
    """Wang et al. 2004, Gaussian window of 11 pixels, on luminance."""
    x, y = (picture @ np.array([0.2126, 0.7152, 0.0722]) for picture in (a, b))

    def blur(values: Picture) -> Picture:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5))

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2, blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ratio = (
        (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    )
    return float(ratio.mean())


if __name__ == "__main__":
    main()
