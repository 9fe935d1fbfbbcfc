"""One visit to one object: fetched, looked at from all sides, rendered, annotated.

Whatever goes wrong costs this object only.
"""

import hashlib
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ConfigDict, TypeAdapter, ValidationError

from viewpoint100k import objects as sources
from viewpoint100k.annotate import Candidate, annotate, scene_now
from viewpoint100k.config import RunConfig
from viewpoint100k.decidability import Counterfactuals, promising
from viewpoint100k.engine import FEWEST_OBJECTS, WHOLE, Engine
from viewpoint100k.errors import ObjectRefused, ViewpointError
from viewpoint100k.plan import generator
from viewpoint100k.quality import SYMMETRIC, Drop, Portrait, RenderedView, portray, unchanged
from viewpoint100k.questions import carries_question
from viewpoint100k.records import ObjectRecord, PlannedPair, Reject, SourceObject, ViewSet
from viewpoint100k.scenes.compose import scene_record
from viewpoint100k.shards import write_atomically

OF_SCENES = {"min_main_part": 0.0, "max_slab": 1.0, "min_thickness": 0.0}  # several things, on purpose


class Usable(NamedTuple):
    """What one visit to one object gave."""

    record: ObjectRecord
    images: dict[int, bytes]
    candidates: list[Candidate]


class Visit(NamedTuple):
    """One visit: its results and its cost."""

    usable: Usable | None
    reject: Reject | None
    views: int
    dropped: Counter[str]
    cpu_s: dict[str, float]
    hopeless: bool = False  # no other views of it would do better


_VISITS = TypeAdapter(Visit, config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))


def visit_once(config: RunConfig, view_set: ViewSet, engine: Engine, kept: Path, code: str) -> Visit:
    """The visit as an earlier attempt at the shard made it, or a new one: a kill costs what is in work."""
    key = "\0".join((code, engine.renderer, engine.device, view_set.model_dump_json()))
    path = kept / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    try:
        return _VISITS.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        pass
    begun = time.monotonic()
    try:
        visit = _visit(config, view_set, engine)
    except (ViewpointError, OSError):  # of the settings, the renderer, the disk: no fault of the object
        raise
    except Exception as error:  # whatever our own code makes of it, it costs this object
        visit = _failed(view_set, error, time.monotonic() - begun)
    if (
        visit.reject is None or visit.reject.stage == "gate"
    ):  # others may be the machine's fault: the next attempt tries again
        kept.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # somebody else was faster, and has tidied up
            write_atomically(path, _VISITS.dump_json(visit))
    return visit


def _failed(view_set: ViewSet, error: Exception, seconds: float) -> Visit:
    """A visit that ended in an error of ours: no other views of the object are tried."""
    reject = error_of_ours(view_set.object.record.uid, error, view_set.round, seconds)
    return Visit(None, reject, 0, Counter({"errors in annotation": 1}), {}, hopeless=True)


def error_of_ours(uid: str, error: Exception, round_: int, seconds: float) -> Reject:
    """An object that our own code trips over."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    reason = f"{type(error).__name__}: {error} ({Path(last.filename).name}, {last.name}, line {last.lineno})"
    short = " ".join(reason.split())[:500]
    return Reject(uid=uid, stage="annotate", reason=short, round=round_, seconds=round(seconds, 1))


def _visit(config: RunConfig, view_set: ViewSet, engine: Engine) -> Visit:
    """Render one view set; what goes wrong costs this object only and is recorded."""
    uid = view_set.object.record.uid
    dropped = Counter[str]()
    of_annotating = 0.0
    portraits: list[Portrait] = []
    gates = config.gates if view_set.scene is None else config.gates.model_copy(update=OF_SCENES)
    exact: dict[tuple[int, int, str], float] = {}
    ring = len(view_set.probes)
    wrong = None
    if generator(config.seed, uid, "exact", view_set.round).random() < config.gates.exact_share:
        wrong = Counterfactuals(view_set, config.gates)
        view_set = view_set.model_copy(update={"probes": [*view_set.probes, *wrong.views]})

    begun = time.monotonic()

    def refused(stage: Literal["fetch", "gate"], reason: str) -> Reject:
        seconds = round(time.monotonic() - begun, 1)
        return Reject(uid=uid, stage=stage, reason=reason, round=view_set.round, seconds=seconds)

    def choose(probes: list[RenderedView]) -> list[int] | Reject:
        """The views that are worth rendering, judged by the probes."""
        nonlocal of_annotating
        started = time.thread_time()
        dropped.clear()  # it may be tried a second time
        probes = [unchanged(one) for one in probes]
        if wrong is not None:
            exact.update(wrong.differences(probes[ring:]))
        probes = probes[:ring]
        portraits.append(portray(probes, gates))
        problem = portraits[-1].problem
        worth = list[PlannedPair]()
        drops = list[Drop]()
        if problem is None or problem.kind == SYMMETRIC:
            worth, drops = promising(view_set, portraits[-1], probes, config.gates)
        of_annotating += time.thread_time() - started
        dropped.update(drop.kind for drop in drops)
        if problem is not None and not worth:
            dropped[problem.kind] += 1
            return refused("gate", f"{problem.kind}: {problem.why}")
        if not worth:
            return refused(
                "gate", drops[0].why if drops else "none of the wanted pairs could be planned for it"
            )
        return sorted({view for pair in worth for view in pair.views})

    try:
        fetched = _fetch(config, view_set.object, engine.scratch / "objects")
    except ObjectRefused as refusal:
        return Visit(None, refused("fetch", str(refusal)), 0, dropped, {}, hopeless=True)
    rendered = engine.render(view_set, fetched.paths, choose)
    if isinstance(rendered, Reject):
        return Visit(None, rendered, 0, dropped, {"annotate": of_annotating}, hopeless=True)
    if rendered.declined is not None:
        cpu_s = {**rendered.cpu_s, "annotate": of_annotating}
        return Visit(None, rendered.declined, 0, dropped, cpu_s, hopeless=portraits[-1].problem is not None)
    started = time.thread_time()
    views = rendered.views
    scene = None
    records = {
        number: record.model_copy(update={"pose": rendered.poses[number]})
        if number in rendered.poses
        else record
        for number, record in fetched.records.items()
    }
    record = records[WHOLE]
    if rendered.layout is not None:
        scene = scene_now(view_set, views, rendered.probes[:ring], rendered.layout, rendered.parts, records)
        views = {number: unchanged(view) for number, view in views.items()}
        record = scene_record(record.uid, [records[number] for number in rendered.parts])
    candidates, drops = annotate(view_set, views, portraits[-1], config.gates, exact, scene)
    candidates = [one for one in candidates if carries_question(one, config.gates)]
    of_annotating += time.thread_time() - started
    dropped.update(drop.kind for drop in drops)
    reject: Reject | None = None
    problems = {**fetched.problems, **rendered.problems}
    if problems:  # the scene goes on without them
        number, why = min(problems.items())
        stage: Literal["fetch", "import"] = "fetch" if number in fetched.problems else "import"
        uid_of = view_set.object.parts[number].record.uid
        reject = Reject(uid=uid_of, stage=stage, reason=f"left out of {uid}: {why}", round=view_set.round)
        dropped["objects left out of scenes"] += len(problems)
    if not candidates:
        kinds = ", ".join(f"{number} {kind}" for kind, number in dropped.most_common())
        reject = refused(
            "gate", f"{kinds}; the first: {drops[0].why}" if drops else kinds or "no pair carries a question"
        )
    # without depth and albedo: a shard keeps what all its objects gave until it can choose
    images = {number: view.image for number, view in rendered.views.items()}
    usable = Usable(record, images, candidates) if candidates else None
    return Visit(usable, reject, len(images), dropped, {**rendered.cpu_s, "annotate": of_annotating})


class _Fetched(NamedTuple):
    """The files of an object, or of a scene's objects by their number."""

    paths: Path | dict[int, Path]
    records: dict[int, ObjectRecord]  # `WHOLE`: of the object, or of the scene
    problems: dict[int, str]  # of a scene: why other objects are not at hand


def _fetch(config: RunConfig, thing: SourceObject, folder: Path) -> _Fetched:
    """Bring an object here; of a scene, all that can be had.

    Raises:
        ObjectRefused: it cannot be had; of a scene, fewer than two.
    """
    if not thing.parts:
        path, record = sources.fetch_object(thing, config.source, folder, config.files)
        return _Fetched(path, {WHOLE: record}, {})
    paths = dict[int, Path]()
    records = {WHOLE: thing.record}
    problems = dict[int, str]()
    for number, part in enumerate(thing.parts):
        try:
            paths[number], records[number] = sources.fetch_object(part, config.source, folder, config.files)
        except ObjectRefused as refusal:
            problems[number] = str(refusal)
    if len(paths) < FEWEST_OBJECTS:
        raise ObjectRefused("; ".join(["fewer than two of its objects can be had", *problems.values()]))
    return _Fetched(paths, records, problems)
