"""Does a stranger's object look as its author sees it? `python benchmarks/faithful.py FOLDER [--json OUT]
[--page OUT]`.

Each object of a folder is drawn from four cameras by the engine, and by three.js in Chromium without a
screen, which is the referee: it reads the file itself and computes size, place and pose on its own. Compared
are

    overlap      of both silhouettes, intersection over union, mean of the four views
    colour       median difference of the base colour where both see the object: reflectance, 0..1. Ours
    counts what a surface
                 mirrors, some 0.05 of white
    brightness   of our picture over its own albedo, as displayed: finds what is black for other reasons than
    its colour pose         in which the engine has drawn it; the viewer takes the same

and a page shows the pictures of both, the worst first. Needs Chromium and npm, which fetches three.js into a
folder of caches.
"""

import argparse
import base64
import functools
import html
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from viewpoint100k.config import RunConfig, load_config
from viewpoint100k.engine import WHOLE, Engine, Rendered
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.geometry.cameras import look_at, position_on_sphere
from viewpoint100k.geometry.visibility import FAR
from viewpoint100k.objects.gltf import check_gltf
from viewpoint100k.plan import plan_views
from viewpoint100k.quality import RenderedView
from viewpoint100k.records import ObjectRecord, PlannedView, Reject, SourceObject

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.browser import Chromium, find_chromium

THREE = "three@0.187.0"
CAMERAS = ((-60, 20), (30, 10), (120, 35), (210, -15))  # azimuth and elevation, degrees
DISTANCE, HFOV_DEG = 2.2, 30.0
BEHIND = (150, 140, 120)  # plain, so that glass shows the same in both
VIEWER = Path(__file__).with_name("faithful_viewer.html")
OVERLAP, COLOUR, BRIGHTNESS = 0.98, 0.10, 0.4  # what is asked of each object


@dataclass(frozen=True)
class Row:
    """One object. Figures are None where one of the two has drawn nothing."""

    uid: str
    overlap: float | None = None
    least_overlap: float | None = None
    colour: float | None = None
    brightness: float | None = None
    pose: str = ""
    about: str = ""  # what the viewer found in it: glass, blended, cut, metal, unlit, lines
    problem: str = ""  # who has drawn nothing, and why

    @property
    def badness(self) -> float:
        """Over 1: not as asked."""
        if self.overlap is None or self.colour is None or self.brightness is None:
            return math.inf if self.problem.startswith("viewer") else 1e6
        return max(
            (1 - self.overlap) / (1 - OVERLAP), self.colour / COLOUR, BRIGHTNESS / max(self.brightness, 1e-3)
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of .glb and .gltf")
    parser.add_argument("--only", nargs="*", default=[], help="names of objects")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pose", choices=("rest", "animation", "auto"), default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    if problem := missing():
        parser.error(problem)
    sheets: dict[str, bytes] = {}
    rows = []
    for row, sheet in compare(
        arguments.folder, only=arguments.only, size=arguments.size, pose=arguments.pose
    ):
        rows.append(row)
        sheets[row.uid] = sheet
        print(f"{len(rows)} {row.uid}: {row.problem or describe(row)}", flush=True)
    rows.sort(key=lambda row: -row.badness)
    show(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if arguments.page:
        arguments.page.write_text(page(rows, sheets), encoding="utf-8")


# --- the referee ----------------------------------------------------------------------------------


def missing() -> str:
    """What is not here, and how to get it; empty if all is."""
    if find_chromium() is None:
        return "Chromium is not here: apt-get install chromium"
    try:
        three()
    except (OSError, subprocess.SubprocessError) as error:
        return f"{THREE} is not here, and npm does not fetch it: {error}"
    return ""


def three() -> Path:
    """The folder of three.js, fetched once by npm."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "viewpoint100k"
    folder = caches / THREE.replace("@", "-")
    found = folder / "node_modules" / "three"
    if not (found / "package.json").is_file():
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm is not installed")
        caches.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=caches) as scratch:
            command = [
                npm,
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefix",
                scratch,
                THREE,
            ]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            try:
                Path(scratch).rename(folder)
            except OSError:  # somebody else was faster
                if not (found / "package.json").is_file():
                    raise
            Path(scratch).mkdir(exist_ok=True)  # for its owner to remove
    return found


class _Files(SimpleHTTPRequestHandler):
    """The viewer, three.js, and the folder of objects; nothing outside of these."""

    def __init__(self, *about: Any, roots: dict[str, Path], **more: Any) -> None:
        self.roots = roots
        super().__init__(*about, **more)

    def translate_path(self, path: str) -> str:
        first, *rest = PurePosixPath(unquote(path.partition("?")[0]).lstrip("/")).parts or ("",)
        root = self.roots.get(first)
        if root is None:
            return str(VIEWER)
        found = root.joinpath(*rest).resolve()
        return str(found if found.is_relative_to(root.resolve()) else root / "outside")

    def log_message(self, *about: Any) -> None:
        pass


class Viewer:
    """Three.js in Chromium. Use with `with`."""

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        handler = functools.partial(_Files, roots={"three": three(), "files": folder})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._browser = Chromium(size, size, webgl=True)

    def __enter__(self) -> "Viewer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._browser.__enter__()
        self._open()
        return self

    def __exit__(self, *error: object) -> None:
        self._browser.__exit__(*error)
        self._server.shutdown()
        self._server.server_close()

    def _open(self) -> None:
        self._browser.open(f"http://127.0.0.1:{self._server.server_port}/")
        self._browser.wait("window.ready", timeout_s=60)

    def draw(self, name: str, pose: str, cameras: Sequence[np.ndarray]) -> dict[str, Any]:
        """`shaded` and `colors`, a picture for each camera (S, S, 4), what it is `about`, and its `clips`.

        Args:
            name: of the file, relative to the folder.
            pose: as the engine says it.
            cameras: (4, 4) each, world_from_camera with OpenCV axes, z up in the world.

        Raises:
            RuntimeError: it cannot be loaded.
        """
        seconds = None if pose in {"", "rest"} else float(re.findall(r"at ([\d.]+) s$", pose)[0])
        theirs = [np.asarray(one) @ np.diag([1.0, -1.0, -1.0, 1.0]) for one in cameras]
        job = {
            "url": "/files/" + quote(name),
            "seconds": seconds,
            "cameras": [one.T.ravel().tolist() for one in theirs],
            "fov": HFOV_DEG,
            "size": self.size,
            "background": "#{:02x}{:02x}{:02x}".format(*BEHIND),
        }
        drawn: dict[str, Any] = self._browser.js(f"window.draw({json.dumps(job)})", timeout_s=180)
        for kind in ("shaded", "colors"):
            drawn[kind] = [_picture(base64.b64decode(url.partition(",")[2])) for url in drawn[kind]]
        return drawn


def _picture(data: bytes) -> np.ndarray:
    """(H, W, 4) in 0..1."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.float64) / 255


# --- both -----------------------------------------------------------------------------------------


def cameras() -> list[np.ndarray]:
    return [np.asarray(look_at(position_on_sphere(a, e, DISTANCE), np.zeros(3))) for a, e in CAMERAS]


def compare(
    folder: Path, *, only: Sequence[str] = (), size: int = 256, pose: str = "auto"
) -> Iterator[tuple[Row, bytes]]:
    """Each object of a folder, and a JPEG: our pictures, those of the viewer, and below each its base
    colours.
    """
    overrides = [f"render.size_px={size}", "render.quality=draft", f"render.pose={pose}"]
    # lit by Blender's own panoramas, whose names mean something without a place around the object
    overrides += ["render.backgrounds.place=0", "render.backgrounds.panorama=0"]
    config = load_config("viewpoint-6dof", overrides, source=str(folder))
    with (
        tempfile.TemporaryDirectory() as scratch,
        Engine(config.render, Path(scratch)) as engine,
        Viewer(folder, size) as viewer,
    ):
        for path in sorted(one for one in folder.rglob("*") if one.suffix in {".glb", ".gltf"}):
            name = path.relative_to(folder).as_posix()
            uid = re.sub(r"[^A-Za-z0-9_-]", "-", name.rpartition(".")[0])
            if only and uid not in only:
                continue
            try:
                check_gltf(path, config.files)
            except ObjectRefused as error:
                yield Row(uid, problem=f"gate: {error}"), b""
            else:
                yield _compare(
                    config, SourceObject(record=ObjectRecord(uid=uid), path=name), folder, engine, viewer
                )


def _compare(
    config: RunConfig, thing: SourceObject, folder: Path, engine: Engine, viewer: Viewer
) -> tuple[Row, bytes]:
    uid, where = thing.record.uid, cameras()
    planned = plan_views(config, thing, 0, [])
    views = [
        PlannedView(world_from_camera=one.tolist(), hfov_deg=HFOV_DEG, light=i % len(planned.lights))
        for i, one in enumerate(where)
    ]
    plain = planned.background.model_copy(
        update={"kind": "plain", "rgb": list(BEHIND), "rgb_below": list(BEHIND)}
    )
    view_set = planned.model_copy(update={"views": views, "probes": [], "pairs": [], "background": plain})
    ours = engine.render(view_set, folder / thing.path)
    if isinstance(ours, Reject):
        return Row(uid, problem=f"engine: {ours.reason}"), b""
    try:
        theirs = viewer.draw(thing.path, ours.poses[WHOLE], where)
    except RuntimeError as error:
        return Row(uid, pose=ours.poses[WHOLE], problem=f"viewer: {str(error).splitlines()[0]}"), b""
    return measure(uid, ours, theirs), sheet(list(ours.views.values()), theirs)


def measure(uid: str, ours: Rendered, theirs: dict[str, Any]) -> Row:
    overlaps, light, paint = list[float](), list[float](), list[float]()
    differences = list[np.ndarray]()
    for view, flat in zip(ours.views.values(), theirs["colors"], strict=True):
        mine, other = view.depth < FAR, flat[..., 3] > 0.5
        overlaps.append(float((mine & other).sum() / (mine | other).sum()) if (mine | other).any() else 1.0)
        both = mine & other
        differences.append(np.abs(view.albedo[both] - linear(flat[both][:, :3])).mean(axis=1))
        if mine.any():
            light.append(view.statistics.luminance)
            paint.append(float((displayed(view.albedo[mine]) @ [0.2126, 0.7152, 0.0722]).mean()))
    differing = np.concatenate(differences)
    return Row(
        uid,
        overlap=float(np.mean(overlaps)),
        least_overlap=min(overlaps),
        colour=float(np.median(differing)) if len(differing) else None,
        brightness=float(np.mean(light) / max(float(np.mean(paint)), 1e-3)) if light else None,
        pose=ours.poses[WHOLE],
        about=", ".join(kind for kind, there in theirs["about"].items() if there),
    )


def displayed(light: np.ndarray) -> np.ndarray:
    """Linear light, 0..1, as sRGB has it."""
    light = np.clip(np.asarray(light, dtype=np.float64), 0, 1)
    encoded: np.ndarray = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return encoded


def linear(shown: np.ndarray) -> np.ndarray:
    """The inverse of `displayed`."""
    decoded: np.ndarray = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    return decoded


# --- to look at -----------------------------------------------------------------------------------


def sheet(ours: Sequence[RenderedView], theirs: dict[str, Any]) -> bytes:
    """Four rows: our pictures, the viewer's, our base colours, the viewer's."""

    def over_grey(flat: np.ndarray) -> np.ndarray:
        mixed: np.ndarray = flat[..., :3] * flat[..., 3:] + 0.5 * (1 - flat[..., 3:])
        return mixed

    rows = [
        [_picture(view.image)[..., :3] for view in ours],
        [one[..., :3] for one in theirs["shaded"]],
        [np.where((view.depth < FAR)[..., None], displayed(view.albedo), 0.5) for view in ours],
        [over_grey(one) for one in theirs["colors"]],
    ]
    whole = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    out = io.BytesIO()
    Image.fromarray(np.rint(whole * 255).astype(np.uint8)).save(out, "JPEG", quality=80)
    return out.getvalue()


def describe(row: Row) -> str:
    figures = [f"{row.overlap:.4f}" if row.overlap is not None else "-"]
    figures += ["-" if value is None else f"{value:.3f}" for value in (row.colour, row.brightness)]
    return f"overlap {figures[0]}, colour {figures[1]}, brightness {figures[2]}, {row.pose} {row.about}"


def show(rows: Sequence[Row]) -> None:
    table = Table("object", "overlap", "least", "colour", "brightness", "pose", "has", "problem")
    for row in rows:
        figures = (row.overlap, row.least_overlap, row.colour, row.brightness)
        table.add_row(
            row.uid,
            *("" if one is None else f"{one:.3f}" for one in figures),
            row.pose,
            row.about,
            row.problem,
        )
    console = Console(width=180)
    console.print(table)
    drawn = [row for row in rows if row.overlap is not None]
    if drawn:
        middle = np.median([row.overlap for row in drawn if row.overlap is not None])
        worse = sum(row.badness > 1 for row in drawn)
        console.print(
            f"{len(drawn)} of {len(rows)} drawn by both, median overlap {middle:.4f}, {worse} not as asked"
        )


def page(rows: Sequence[Row], sheets: dict[str, bytes]) -> str:
    parts = [
        "<!doctype html><meta charset='utf-8'><title>As its author sees it</title>"
        "<style>body{font:15px sans-serif;margin:2em}img{display:block;max-width:100%}</style>"
        "<h1>As its author sees it</h1><p>Rows: our picture, the viewer's, our base colours, the "
        "viewer's.</p>"
    ]
    for row in rows:
        parts.append(f"<h2>{html.escape(row.uid)}</h2><p>{html.escape(row.problem or describe(row))}</p>")
        if sheets.get(row.uid):
            data = base64.b64encode(sheets[row.uid]).decode()
            parts.append(
                f"<img alt='{html.escape(row.uid)}' loading='lazy' src='data:image/jpeg;base64,{data}'>"
            )
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
