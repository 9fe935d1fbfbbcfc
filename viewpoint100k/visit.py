"""One visit to one object: it is fetched, probed from all sides, rendered and annotated.

An error during the visit costs this object only.
"""

import hashlib
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ConfigDict, TypeAdapter, ValidationError

from viewpoint100k import objects as sources
from viewpoint100k.annotate import Candidate, annotate, scene_now
from viewpoint100k.config import RunConfig
from viewpoint100k.decidability import Counterfactuals, promising
from viewpoint100k.engine import FEWEST_OBJECTS, WHOLE, Engine, Rendered
from viewpoint100k.errors import ObjectRefused, ViewpointError
from viewpoint100k.plan import generator
from viewpoint100k.quality import SYMMETRIC, Drop, Portrait, RenderedView, portray, unchanged
from viewpoint100k.questions import carries_question
from viewpoint100k.records import ObjectRecord, PlannedPair, Reject, SourceObject, ViewSet
from viewpoint100k.scenes.compose import scene_record
from viewpoint100k.shards import write_atomically

# a scene consists of several things on purpose
OF_SCENES = {"min_main_part": 0.0, "max_slab": 1.0, "min_thickness": 0.0}


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
    hopeless: bool = False  # other views of the object would fail in the same way


_VISITS = TypeAdapter(Visit, config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))


def visit_once(config: RunConfig, view_set: ViewSet, engine: Engine, kept: Path, code: str) -> Visit:
    """The visit as an earlier attempt at the shard stored it, or a new one: a kill costs only the latter."""
    key = "\0".join((code, engine.renderer, engine.device, view_set.model_dump_json()))
    path = kept / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    try:
        return _VISITS.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        pass
    begun = time.monotonic()
    try:
        visit = _visit(config, view_set, engine)
    except (ViewpointError, OSError):  # caused by settings, the renderer or the disk, not by the object
        raise
    except Exception as error:  # a fault of our own code costs only this object
        visit = _failed(view_set, error, time.monotonic() - begun)
    if visit.reject is None or visit.reject.stage == "gate":
        # other refusals may be the machine's fault: the next attempt tries again
        kept.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another process was faster and has tidied up
            write_atomically(path, _VISITS.dump_json(visit))
    return visit


def _failed(view_set: ViewSet, error: Exception, seconds: float) -> Visit:
    """A visit that ended in an error of our own code: no other views of the object are tried."""
    reject = error_of_ours(view_set.object.record.uid, error, view_set.round, seconds)
    return Visit(None, reject, 0, Counter({"errors in annotation": 1}), {}, hopeless=True)


def error_of_ours(uid: str, error: Exception, round_: int, seconds: float) -> Reject:
    """The record of an object that makes our own code fail."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    reason = f"{type(error).__name__}: {error} ({Path(last.filename).name}, {last.name}, line {last.lineno})"
    short = " ".join(reason.split())[:500]
    return Reject(uid=uid, stage="annotate", reason=short, round=round_, seconds=round(seconds, 1))


@dataclass
class _Visiting:
    """A visit under way: what is rendered, what was found so far, and what judging it has cost."""

    config: RunConfig
    view_set: ViewSet  # its probes are followed by those that show what wrong answers would look like
    ring: int  # how many probes go around the object
    counterfactuals: Counterfactuals | None  # only in the few visits whose differences are measured exactly
    begun: float
    portrait: Portrait | None = None
    exact: dict[tuple[int, int, str], float] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    annotate_s: float = 0.0  # of this thread's CPU

    def refused(self, stage: Literal["fetch", "gate"], reason: str) -> Reject:
        seconds = round(time.monotonic() - self.begun, 1)
        uid = self.view_set.object.record.uid
        return Reject(uid=uid, stage=stage, reason=reason, round=self.view_set.round, seconds=seconds)

    def choose(self, probes: list[RenderedView]) -> list[int] | Reject:
        """The views that are worth rendering, judged by the probes."""
        started = time.thread_time()
        gates = self.config.gates
        self.dropped.clear()  # this may be a second attempt
        probes = [unchanged(probe) for probe in probes]
        if self.counterfactuals is not None:
            self.exact.update(self.counterfactuals.differences(probes[self.ring :]))
        probes = probes[: self.ring]
        of_scene = self.view_set.scene is not None
        self.portrait = portray(probes, gates.model_copy(update=OF_SCENES) if of_scene else gates)
        problem = self.portrait.problem
        worth = list[PlannedPair]()
        drops = list[Drop]()
        if problem is None or problem.kind == SYMMETRIC:
            worth, drops = promising(self.view_set, self.portrait, probes, gates)
        self.annotate_s += time.thread_time() - started
        self.dropped.update(drop.kind for drop in drops)
        if worth:
            return sorted({view for pair in worth for view in pair.views})
        if problem is not None:
            self.dropped[problem.kind] += 1
            return self.refused("gate", f"{problem.kind}: {problem.why}")
        why = drops[0].why if drops else "none of the wanted pairs could be planned for it"
        return self.refused("gate", why)


def _visit(config: RunConfig, view_set: ViewSet, engine: Engine) -> Visit:
    """Render one view set; an error costs this object only and is recorded."""
    visiting = _begin(config, view_set)
    dropped = visiting.dropped
    try:
        fetched = _fetch(config, view_set.object, engine.scratch / "objects")
    except ObjectRefused as refusal:
        return Visit(None, visiting.refused("fetch", str(refusal)), 0, dropped, {}, hopeless=True)
    rendered = engine.render(visiting.view_set, fetched.paths, visiting.choose)
    if isinstance(rendered, Reject):
        return Visit(None, rendered, 0, dropped, {"annotate": visiting.annotate_s}, hopeless=True)
    portrait = visiting.portrait
    assert portrait is not None, "views are rendered after they were chosen"
    if rendered.declined is not None:
        cpu_s = {**rendered.cpu_s, "annotate": visiting.annotate_s}
        return Visit(None, rendered.declined, 0, dropped, cpu_s, hopeless=portrait.problem is not None)
    usable, drops = _annotated(visiting, portrait, fetched, rendered)
    reject = _objects_left_out(visiting, fetched, rendered)
    if usable is None:
        kinds = ", ".join(f"{number} {kind}" for kind, number in dropped.most_common())
        why = f"{kinds}; the first: {drops[0].why}" if drops else kinds
        reject = visiting.refused("gate", why or "no pair carries a question")
    cpu_s = {**rendered.cpu_s, "annotate": visiting.annotate_s}
    return Visit(usable, reject, len(rendered.views), dropped, cpu_s)


def _begin(config: RunConfig, view_set: ViewSet) -> _Visiting:
    """Begin a visit; in a random share of the visits, the views of wrong answers are rendered too."""
    ring = len(view_set.probes)
    counterfactuals = None
    rng = generator(config.seed, view_set.object.record.uid, "exact", view_set.round)
    if rng.random() < config.gates.exact_share:
        counterfactuals = Counterfactuals(view_set, config.gates)
        view_set = view_set.model_copy(update={"probes": [*view_set.probes, *counterfactuals.views]})
    return _Visiting(config, view_set, ring, counterfactuals, begun=time.monotonic())


def _annotated(
    visiting: _Visiting, portrait: Portrait, fetched: "_Fetched", rendered: Rendered
) -> tuple[Usable | None, list[Drop]]:
    """The pairs of a visit that carry questions, and the reasons why others were dropped.

    The pairs come without depth and albedo, because a shard keeps those of all its objects until it can
    choose.
    """
    started = time.thread_time()
    gates = visiting.config.gates
    view_set = visiting.view_set
    views = rendered.views
    records = dict(fetched.records)
    for number, pose in rendered.poses.items():
        if number in records:
            records[number] = records[number].model_copy(update={"pose": pose})
    record = records[WHOLE]
    scene = None
    if rendered.layout is not None:
        probes = rendered.probes[: visiting.ring]
        scene = scene_now(view_set, views, probes, rendered.layout, rendered.parts, records)
        views = {number: unchanged(view) for number, view in views.items()}
        record = scene_record(record.uid, [records[number] for number in rendered.parts])
    candidates, drops = annotate(view_set, views, portrait, gates, visiting.exact, scene)
    candidates = [candidate for candidate in candidates if carries_question(candidate, gates)]
    visiting.annotate_s += time.thread_time() - started
    visiting.dropped.update(drop.kind for drop in drops)
    images = {number: view.image for number, view in rendered.views.items()}
    return (Usable(record, images, candidates) if candidates else None), drops


def _objects_left_out(visiting: _Visiting, fetched: "_Fetched", rendered: Rendered) -> Reject | None:
    """The first object that was left out of a scene, if any; all of them are counted."""
    problems = {**fetched.problems, **rendered.problems}
    if not problems:
        return None
    view_set = visiting.view_set
    number, why = min(problems.items())
    visiting.dropped["objects left out of scenes"] += len(problems)
    return Reject(
        uid=view_set.object.parts[number].record.uid,
        stage="fetch" if number in fetched.problems else "import",
        reason=f"left out of {view_set.object.record.uid}: {why}",
        round=view_set.round,
    )


class _Fetched(NamedTuple):
    """The files of an object, or those of a scene's objects, by the object's number."""

    paths: Path | dict[int, Path]
    records: dict[int, ObjectRecord]  # key `WHOLE`: the record of the object, or of the scene
    problems: dict[int, str]  # in a scene: why other objects are not available


def _fetch(config: RunConfig, thing: SourceObject, folder: Path) -> _Fetched:
    """Fetch an object, or as many of a scene's objects as can be fetched.

    Raises:
        ObjectRefused: the object cannot be fetched, or fewer than two of a scene's objects can.
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
