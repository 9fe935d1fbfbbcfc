"""Inspects the objects of a source: for each a verdict, the figures behind it, and a small picture.

Files, probes, thresholds and renderer are those of a run, so the verdicts are too. A run goes further with
those that are symmetric only: it asks what they can answer, pair by pair, which is little or nothing.
"""

import io
import math
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from viewpoint100k import objects as sources
from viewpoint100k.config import RenderConfig, RunConfig
from viewpoint100k.devices import Device
from viewpoint100k.engine import Engine
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.geometry.cameras import look_at, position_on_sphere
from viewpoint100k.mesh_facts import MeshFacts, describe, installed, know_mesh
from viewpoint100k.objects.gltf import check_gltf
from viewpoint100k.plan import PROBE_HFOV_DEG, probe_ring
from viewpoint100k.quality import Portrait, RenderedView, portray
from viewpoint100k.records import (
    OBJECT_RADIUS,
    Background,
    Lamp,
    Light,
    PlannedView,
    Record,
    Reject,
    SourceObject,
    ViewSet,
)

if TYPE_CHECKING:
    from PIL import Image

OK = "ok"
VERDICTS = {  # of what was refused before its probes, by the stage
    "list": "not listed",
    "check": "bad file",
    "fetch": "bad file",
    "import": "not imported",
    "render": "not rendered",
}
PICTURE = RenderConfig(size_px=160, quality="draft")
FRONT_AZIMUTH_DEG = -90.0  # where glTF's +Z looks once Blender has turned it
# of the picture: from the front left, a little from above
ASIDE_DEG = -40.0
ELEVATION_DEG = 20.0
ROOM = 1.05  # around the object's bounding sphere
BACKGROUND = Background(kind="plain", rgb=[208, 208, 208], rgb_below=[208, 208, 208])
LIGHT = Light(
    name="studio",
    rotation_deg=0.0,
    strength=0.6,
    lamps=[Lamp(direction=[-0.5, -0.6, 0.62], strength=1.0, angle_deg=10)],
)
AHEAD = 8  # objects begun per worker: one that takes long holds up the rows behind it, and no worker


class Finding(Record):
    """The facts about one object. Figures are None if it was refused before they could be measured."""

    uid: str
    verdict: str  # `OK`, one of `VERDICTS`, or the kind of the problem that its probes show
    reason: str = ""  # one line for people; empty if there is no problem
    asymmetry: float | None = None  # mean difference between the object and itself turned; 0..1
    folds: dict[int, float] | None = None  # difference after a turn of 360/k degrees, over `asymmetry`
    thickness: float | None = None  # thinnest over widest direction
    main_part: float | None = None  # share of the surface that hangs together
    slab: float | None = None  # share of the footprint that is bare floor
    extent: list[float] | None = None  # sides of the bounding box once the object's radius is `OBJECT_RADIUS`
    triangles: int | None = None
    mesh: MeshFacts | None = None  # None also where trimesh is not installed
    cpu_s: dict[str, float] | None = None  # import, probes, judge, views (the picture), mesh


class Seen(NamedTuple):
    """A finding, and a picture of the object."""

    finding: Finding
    picture: bytes = b""  # JPEG; empty if none could be rendered


def list_findings(config: RunConfig, listing: sources.Listing, scratch: Path) -> Iterator[Seen]:
    """The listing's own verdicts: objects in its order, then what it refuses. Nothing is rendered or fetched.

    Args:
        config: the source and its file budgets.
        scratch: a folder for files that are made on the spot, to look at their meshes.
    """
    for thing in listing.objects:
        finding = Finding(uid=thing.record.uid, verdict=OK)
        if installed() and (thing.path or listing.endless):  # else its file is not here
            try:
                path, _ = sources.fetch_object(thing, config.source, scratch, config.files)
            except ObjectRefused as refusal:
                yield _refused(Reject(uid=thing.record.uid, stage="fetch", reason=str(refusal)))
                continue
            finding = finding.model_copy(update={"mesh": know_mesh(path, config.files)})
        yield Seen(finding)
    yield from map(_refused, listing.rejects)


def inspect_objects(
    config: RunConfig,
    listing: sources.Listing,
    scratch: Path,
    *,
    engine_python: str | None = None,
    workers: int = 1,
    devices: Sequence[Device] = (Device(),),
) -> Iterator[Seen]:
    """Probe and judge every object: objects in the order of the listing, then what it refuses, one at a time.

    An object that cannot be fetched, imported or rendered gets a verdict that says so, and the others go on.

    Args:
        config: the source and its file budgets, the gates, and at which height the probes stand.
        scratch: a folder for files on their way.
        workers: render processes; the rows do not depend on it.
        devices: what they render on, by turns.

    Raises:
        EngineError: no render process can be started.
        InputError: the source is gone.
    """
    workers = min(workers, len(listing.objects))
    if workers:
        python = [engine_python] if engine_python else []
        with (
            Engine(PICTURE, scratch, *python, workers=workers, devices=devices) as engine,
            # one more, so that no worker waits for a file or a judgement
            ThreadPoolExecutor(workers + 1) as threads,
        ):
            yield from _inspect_all(config, listing.objects, engine, threads)
    yield from map(_refused, listing.rejects)


def _inspect_all(
    config: RunConfig, objects: Sequence[SourceObject], engine: Engine, threads: ThreadPoolExecutor
) -> Iterator[Seen]:
    """Objects in their order, a few of them on their way at a time."""
    waiting: deque[Future[Seen]] = deque()
    try:
        for thing in objects:
            waiting.append(threads.submit(_inspect, config, thing, engine))
            if len(waiting) > AHEAD * engine.workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        if waiting:  # nobody will look at them
            for future in waiting:
                future.cancel()
            engine.stop()


def _inspect(config: RunConfig, thing: SourceObject, engine: Engine) -> Seen:
    """Fetch, probe and judge an object; an error becomes its verdict."""
    portraits: list[Portrait] = []
    of_judging = 0.0

    def choose(probes: list[RenderedView]) -> list[int]:
        """Choose the picture in any case, so that people see what is refused."""
        nonlocal of_judging
        started = time.thread_time()
        portraits.append(portray(probes, config.gates))
        of_judging += time.thread_time() - started
        return [0]

    try:
        path, _ = sources.fetch_object(thing, config.source, engine.scratch / "objects", config.files)
        triangles = check_gltf(path, config.files).triangles
    except ObjectRefused as refusal:
        return _refused(Reject(uid=thing.record.uid, stage="fetch", reason=str(refusal)))
    rendered = engine.render(_views(config, thing), path, choose)
    started = time.thread_time()
    mesh = know_mesh(path, config.files)
    of_mesh = time.thread_time() - started
    if isinstance(rendered, Reject):
        return _refused(rendered, triangles, mesh)
    cpu_s = {**rendered.cpu_s, "judge": of_judging}
    if mesh is not None:
        cpu_s["mesh"] = of_mesh
    finding = _judged(thing.record.uid, portraits[-1]).model_copy(
        update={
            "extent": [round(side, 4) for side in rendered.extent],
            "triangles": triangles,
            "mesh": mesh,
            "cpu_s": {part: round(seconds, 3) for part, seconds in cpu_s.items()},
        }
    )
    return Seen(finding, rendered.views[0].image)


def _judged(uid: str, portrait: Portrait) -> Finding:
    """The verdict on an object, and the figures that it rests on."""
    problem = portrait.problem
    return Finding(
        uid=uid,
        verdict=problem.kind if problem else OK,
        reason=problem.why if problem else "",
        asymmetry=_figure(portrait.asymmetry),
        folds={k: value for k, each in portrait.folds.items() if (value := _figure(each)) is not None},
        thickness=_figure(portrait.thickness),
        main_part=_figure(portrait.main_part),
        slab=_figure(portrait.slab),
    )


def _views(config: RunConfig, thing: SourceObject) -> ViewSet:
    """A run's ring of probes, and one view for people that holds all of the object's bounding sphere."""
    front = FRONT_AZIMUTH_DEG if thing.front_azimuth_deg is None else thing.front_azimuth_deg
    distance = ROOM * OBJECT_RADIUS / np.sin(np.radians(0.5 * PROBE_HFOV_DEG))
    camera = look_at(position_on_sphere(front + ASIDE_DEG, ELEVATION_DEG, distance), np.zeros(3))
    return ViewSet(
        object=thing,
        round=0,
        views=[PlannedView(world_from_camera=camera.tolist(), hfov_deg=PROBE_HFOV_DEG)],
        probes=probe_ring(config.plan, front + ASIDE_DEG),
        pairs=[],
        lights=[LIGHT],
        background=BACKGROUND,
    )


def _refused(reject: Reject, triangles: int | None = None, mesh: MeshFacts | None = None) -> Seen:
    verdict = VERDICTS.get(reject.stage, reject.stage)
    return Seen(
        Finding(uid=reject.uid, verdict=verdict, reason=reject.reason, triangles=triangles, mesh=mesh)
    )


def _figure(value: float) -> float | None:
    """Rounded for the row; None for the NaN of a broken object."""
    return round(float(value), 4) if math.isfinite(value) else None


def count_verdicts(findings: Iterable[Finding]) -> str:
    """One line for people: "9 objects can be used, 2 are refused: 1 bad file, 1 symmetric"."""
    counts = Counter(finding.verdict for finding in findings)
    usable = counts.pop(OK, 0)
    why = ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common())
    return f"{usable} objects can be used, {counts.total()} are refused" + (f": {why}" if why else "")


def count_meshes(findings: Iterable[Finding]) -> str:
    """One line for people: "Of 9 meshes 4 are watertight, 3 one body; 1 is not known".

    Empty where nothing was asked.
    """
    meshes = [finding.mesh for finding in findings if finding.mesh]
    if not meshes:
        return ""
    closed, single = (
        sum(map(of, meshes)) for of in (lambda mesh: bool(mesh.watertight), lambda mesh: mesh.bodies == 1)
    )
    unknown = sum(mesh.watertight is None for mesh in meshes)
    return f"Of {len(meshes)} meshes {closed} are watertight, {single} one body" + (
        f"; {unknown} not known" if unknown else ""
    )


# --- contact sheet ---------------------------------------------------------------------------------

COLUMNS = 10
MOST_ON_A_SHEET = 400
GAP_PX = 10
LINE_PX = 16
FRAME_PX = 3
PAPER = "#ffffff"
INK = "#222222"
GREY = "#777777"
RED = "#c81e1e"


def draw_sheet(seen: Sequence[Seen], title: str) -> bytes:
    """A JPEG with the pictures and their verdicts: what can be used, then what is refused, framed in red.

    Args:
        seen: the first `MOST_ON_A_SHEET` that have a picture are drawn.
    """
    from PIL import Image, ImageDraw, ImageFont

    shown = [item for item in seen if item.picture][:MOST_ON_A_SHEET]
    refused = [item for item in shown if item.finding.verdict != OK]
    parts = {
        INK: [item for item in shown if item.finding.verdict == OK],
        RED: sorted(refused, key=lambda item: item.finding.verdict),
    }
    words = {INK: "can be used", RED: "refused"}
    columns = min(COLUMNS, max(map(len, parts.values())) or 1)
    lines = max((len(_caption(item.finding)) for item in shown), default=0)
    cell_px = PICTURE.size_px + GAP_PX
    row_px = cell_px + lines * LINE_PX
    rows = sum(math.ceil(len(part) / columns) for part in parts.values())
    headings = 1 + sum(bool(part) for part in parts.values())
    # the title needs some width, however few the pictures are
    size = (max(GAP_PX + columns * cell_px, 4 * cell_px), GAP_PX + headings * 2 * LINE_PX + rows * row_px)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    large = ImageFont.load_default(20)
    small = ImageFont.load_default(12)
    draw.text((GAP_PX, GAP_PX), _shortened(title, large, size[0] - 2 * GAP_PX), INK, large)
    top = GAP_PX + 2 * LINE_PX
    for colour, part in parts.items():
        if not part:
            continue
        draw.text((GAP_PX, top), f"{len(part)} {words[colour]}", colour, large)
        top += 2 * LINE_PX
        for index, item in enumerate(part):
            place = (GAP_PX + index % columns * cell_px, top + index // columns * row_px)
            _draw_cell(sheet, item, place, small, framed=colour == RED)
        top += math.ceil(len(part) / columns) * row_px
    return _encoded(sheet)


def _encoded(sheet: Any) -> bytes:
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=90, optimize=True)
    return out.getvalue()


def _draw_cell(sheet: Any, seen: Seen, place: tuple[int, int], font: Any, *, framed: bool) -> None:
    """Draw a picture, and below it the verdict on the object.

    Args:
        place: left and top, in pixels of the sheet.
    """
    from PIL import ImageDraw

    draw = ImageDraw.Draw(sheet)
    left, top = place
    sheet.paste(_picture(seen.picture), place)
    if framed:
        box = (left, top, left + PICTURE.size_px - 1, top + PICTURE.size_px - 1)
        draw.rectangle(box, outline=RED, width=FRAME_PX)
    for line, (text, ink) in enumerate(_caption(seen.finding)):
        below = top + PICTURE.size_px + line * LINE_PX
        draw.text((left, below), _shortened(text, font, PICTURE.size_px), ink, font)


def _caption(finding: Finding) -> list[tuple[str, str]]:
    """Two lines below a picture, with their colours, and up to three more where trimesh was asked."""
    asymmetry = "" if finding.asymmetry is None else f"{finding.asymmetry:.3f}"
    verdict = (f"asymmetry {asymmetry}", GREY)
    if finding.verdict != OK:
        verdict = (f"{finding.verdict}, {asymmetry}".strip(", "), RED)
    return [(finding.uid, INK), verdict, *((line, GREY) for line in describe(finding.mesh))]


def _picture(image: bytes) -> "Image.Image":
    from PIL import Image

    with Image.open(io.BytesIO(image), formats=["JPEG"]) as opened:
        return opened.convert("RGB").resize((PICTURE.size_px, PICTURE.size_px))


def _shortened(text: str, font: object, width_px: float) -> str:
    """The text, with its end cut off if it is too wide."""
    measure = font.getlength  # type: ignore[attr-defined]
    if measure(text) <= width_px:
        return text
    while text and measure(text + "...") > width_px:
        text = text[:-1]
    return text + "..."
