"""The stages in order, what marks them done, and where a run keeps its files.

plan -> render_shard (one number at a time, anywhere) -> finalize -> validate. Files are the interface: any stage
can be killed and run again, and whoever runs it gets the same bytes.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple
from uuid import uuid4

from pydantic import ConfigDict, TypeAdapter, ValidationError

from viewpoint100k import objects as sources
from viewpoint100k.annotate import Candidate, Counterfactuals, annotate, promising, scene_now
from viewpoint100k.audit.second_opinion import contradicted
from viewpoint100k.card import write_dataset_files
from viewpoint100k.config import (
    GateConfig,
    RunConfig,
    config_hash,
    load_config_tree,
    public_source,
    read_config,
    write_config,
)
from viewpoint100k.engine import FEWEST_OBJECTS, WHOLE, Device, Engine, check_engine
from viewpoint100k.errors import InputError, ObjectRefused, RanDry, ViewpointError
from viewpoint100k.glances import Glance, glance_at
from viewpoint100k.identity import code_of_shard, this_code
from viewpoint100k.index import has_pyarrow, write_index
from viewpoint100k.motions import event_of, family_of, simpler
from viewpoint100k.plan import Plan, Shard, generator, make_plan, objects_wanted, plan_views
from viewpoint100k.publish import Manifest, Removal, next_version, read_manifest
from viewpoint100k.quality import SYMMETRIC, Drop, Portrait, RenderedView, portray, unchanged
from viewpoint100k.questions import ask_all, carries_question, load_templates
from viewpoint100k.records import (
    ObjectRecord,
    PlannedPair,
    Provenance,
    Record,
    Reject,
    Sample,
    SourceObject,
    ViewSet,
)
from viewpoint100k.scenes.compose import scene_record
from viewpoint100k.shards import (
    Receipt,
    StoredSample,
    decoding,
    in_sample,
    iter_samples,
    open_picture,
    read_shard,
    sha256_file,
    sweep,
    write_atomically,
    write_shard,
)
from viewpoint100k.validate import truth_problems


class RunPaths(NamedTuple):
    """Every path of a run. OUT is the dataset; OUT/.run is the state that made it and is not published."""

    out: Path

    @property
    def run(self) -> Path:
        return self.out / ".run"

    @property
    def config(self) -> Path:
        return self.run / "config.yaml"

    @property
    def plan(self) -> Path:
        return self.run / "plan.json"

    @property
    def rejects(self) -> Path:
        return self.run / "rejects.jsonl"

    @property
    def listed_rejects(self) -> Path:
        return self.run / "rejects" / "source.jsonl"

    def shard_rejects(self, shard: Shard) -> Path:
        return self.run / "rejects" / f"{shard.name}.jsonl"

    def shard(self, shard: Shard) -> Path:
        return self.out / f"{shard.name}.tar"

    def receipt(self, shard: Shard) -> Path:
        return self.run / "receipts" / f"{shard.name}.json"

    def progress(self, shard: Shard) -> Path:
        return self.run / "progress" / f"{shard.name}.json"

    def visits(self, shard: Shard) -> Path:
        """What unfinished attempts at a shard have got of its objects."""
        return self.run / "tmp" / "visits" / shard.name

    def scratch(self, shard: Shard) -> Path:
        """Of this call alone, on whatever machine: two runs in one folder waste work, but do no harm."""
        return self.run / "tmp" / f"{shard.name}.{uuid4().hex[:12]}"


# --- plan --------------------------------------------------------------------------------------


def plan_run(out: Path, config: RunConfig, progress: Callable[[int, int], None] | None = None) -> Plan:
    """List and check the objects, plan the shards, and write both into OUT/.run; or read what is there.

    Raises:
        InputError: OUT holds something else, or another run; the source has no usable objects.
    """
    paths = RunPaths(out)
    if paths.plan.exists():
        _same_run(paths, config)
        return read_plan(out)
    _check_out(paths)
    load_templates(config.questions.templates)
    listing = sources.list_objects(
        config.source,
        wanted=objects_wanted(config),
        seed=config.seed,
        budgets=config.files,
        allow=None if config.licences is None else tuple(config.licences),
        progress=progress,
    )
    if not listing.objects:
        first = listing.rejects[0] if listing.rejects else None
        why = (
            f"; all {len(listing.rejects)} are refused, the first ({first.uid}) because: {first.reason}"
            if first
            else ""
        )
        raise InputError(f"source {config.source} has no usable object{why}")
    plan = make_plan(config, listing.objects, spread=public_source(config.source) == "folder")
    plan = plan.model_copy(update={"code": this_code()})
    for folder in ("rejects", "receipts", "progress", "tmp"):
        (paths.run / folder).mkdir(parents=True, exist_ok=True)
    write_atomically(paths.listed_rejects, _lines(listing.rejects))
    write_atomically(paths.config, write_config(config).encode())
    write_atomically(paths.plan, plan.model_dump_json().encode())  # last: it marks the stage as done
    return plan


def read_plan(out: Path) -> Plan:
    path = RunPaths(out).plan
    try:
        return Plan.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            f"{out} holds no run: it has no .run/plan.json. Start one with `viewpoint100k generate {out}`"
        ) from error
    except ValidationError as error:
        raise InputError(f"{path} is not a plan of this version; generate into a new folder") from error


def _check_out(paths: RunPaths) -> None:
    if paths.out.exists() and not paths.out.is_dir():
        raise InputError(f"{paths.out} is a file; expected a folder to write the dataset into")
    if paths.out.is_dir():
        foreign = sorted(entry.name for entry in paths.out.iterdir() if entry.name != ".run")
        if foreign:
            raise InputError(
                f"{paths.out} holds something else ({', '.join(foreign[:3])}{', ...' if len(foreign) > 3 else ''}) and no run "
                "of ours; pass a new or empty folder"
            )


def _same_run(paths: RunPaths, config: RunConfig) -> None:
    old, new = read_config(paths.config).model_dump(mode="json"), config.model_dump(mode="json")
    for name in new:
        if old[name] != new[name]:
            where = name
            if isinstance(new[name], dict):
                inner = next(key for key in new[name] if old[name][key] != new[name][key])
                where, before, after = f"{name}.{inner}", old[name][inner], new[name][inner]
            else:
                before, after = old[name], new[name]
            raise InputError(
                f"{paths.out} holds another run: there {where} is {before}, now it would be {after}. Use the same settings "
                "to go on with it, or another folder"
            )


# --- render one shard ----------------------------------------------------------------------------

SEARCHES_IN_VAIN = 3  # for the cameras of a motion; then it is exchanged
CONTRADICTED = "questions that the second opinion contradicts"  # in receipts, with the kind
OF_SCENES = {"min_main_part": 0.0, "max_slab": 1.0, "min_thickness": 0.0}  # several things, on purpose

MACHINE = "VIEWPOINT100K_MACHINE"  # names this machine in receipts, if its host name does not tell


class Progress(Record):
    """A shard in work, or one whose work has ended too soon. Lies in OUT/.run/progress until the shard is done."""

    attempt: int
    machine: str
    pid: int
    started: float  # Unix time
    updated: float
    pairs: int = 0
    rejects: int = 0
    error: str = ""  # why the attempt failed; a killed one leaves none


def machine_name() -> str:
    """How this machine is called in receipts, which are not published."""
    return os.environ.get(MACHINE) or platform.node()


class _Usable(NamedTuple):
    """What one visit to one object gave."""

    record: ObjectRecord
    images: dict[int, bytes]
    candidates: list[Candidate]


class _Visit(NamedTuple):
    """One visit: what came of it and what it cost."""

    usable: _Usable | None
    reject: Reject | None
    views: int
    dropped: Counter[str]
    cpu_s: dict[str, float]
    hopeless: bool = False  # no other views of it would do better


_VISITS = TypeAdapter(_Visit, config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))


class _Pick(NamedTuple):
    """A pair chosen for the shard."""

    usable: _Usable
    candidate: Candidate


class _Draft(NamedTuple):
    """A sample of the shard that is not asked about yet."""

    place: int  # of its motion in the shard's list
    stored: StoredSample
    glances: list[Glance]  # one at each picture


class _Tally:
    """What a shard has cost and refused so far."""

    def __init__(self) -> None:
        self.rejects: list[Reject] = []
        self.dropped: Counter[str] = Counter()
        self.visited, self.views = 0, 0
        self.visits: list[tuple[float, int]] = []
        self.cpu_s = dict.fromkeys(("start", "import", "probes", "views", "annotate"), 0.0)

    def add(self, visit: _Visit, pairs: int) -> None:
        self.visits.append((round(sum(visit.cpu_s.values()), 3), pairs))
        self.visited, self.views = self.visited + 1, self.views + visit.views
        self.dropped.update(visit.dropped)
        for part, seconds in visit.cpu_s.items():
            self.cpu_s[part] += seconds
        if visit.reject is not None:
            self.rejects.append(visit.reject)


def render_shard(
    out: Path, number: int, engine_python: str | None = None, workers: int = 1, devices: Sequence[Device] = (Device(),)
) -> Receipt:
    """Make one shard: exactly its number of pairs, from its own objects and reserves. Idempotent and atomic.

    Args:
        workers: render processes; the bytes do not depend on it.
        devices: what they render on, by turns.

    Raises:
        InputError: there is no such shard, the wordings cannot be used, or this interpreter cannot render.
        RanDry: the objects do not yield enough pairs; says how many are missing and why.
    """
    paths, plan = RunPaths(out), read_plan(out)
    if not 0 <= number < len(plan.shards):
        raise InputError(f"--shard {number}: the run in {out} has shards 0 to {len(plan.shards) - 1}")
    shard = plan.shards[number]
    if (done := read_receipt(out, shard)) is not None:
        return done
    config, gone = read_config(paths.config), {removal.uid for removal in _removed(out)}
    load_templates(config.questions.templates)  # here and now: they are needed when all is rendered
    engine_args = (engine_python,) if engine_python else ()
    check_engine(*engine_args)
    scratch, tally, now = paths.scratch(shard), _Tally(), time.time()
    scratch.mkdir(parents=True, exist_ok=True)
    before = read_progress(out, shard)
    begun = Progress(
        attempt=before.attempt + 1 if before else 1, machine=machine_name(), pid=os.getpid(), started=now, updated=now
    )
    _report(paths, shard, begun)
    try:
        with Engine(config.render, scratch / "engine", *engine_args, workers=workers, devices=devices) as engine:
            samples = _fill(config, plan, shard, engine, paths, tally, begun)
            gone = {
                removal.uid for removal in _removed(out)
            }  # after all were asked about: the others stay as they were
            samples = [stored for stored in samples if not gone & {thing.uid for thing in stored.sample.objects}]
            tally.cpu_s["start"] += engine.start_cpu_s
        write_atomically(paths.shard_rejects(shard), _lines(tally.rejects))
        digest, size = write_shard(paths.shard(shard), scratch, samples) if samples else ("", 0)
        receipt = Receipt(
            name=shard.name,
            number=number,
            sha256=digest,
            bytes=size,
            samples=len(samples),
            questions=sum(len(stored.sample.questions) for stored in samples),
            config_hash=plan.config_hash,
            renderer=engine.renderer,
            device=engine.device,
            objects=sorted({thing.uid for stored in samples for thing in stored.sample.objects}),
            objects_visited=tally.visited,
            views_rendered=tally.views,
            rejects=len(tally.rejects),
            dropped=dict(tally.dropped),
            cpu_s={name: round(value, 3) for name, value in tally.cpu_s.items()},
            machine=begun.machine,
            seconds=round(time.time() - begun.started, 1),
            finished=round(time.time(), 1),
            attempts=begun.attempt,
            visits=tally.visits,
        )
        write_atomically(paths.receipt(shard), (receipt.model_dump_json(indent=1) + "\n").encode())
    except (ViewpointError, OSError) as error:
        with suppress(OSError):  # the disk may be full
            _report(paths, shard, begun, tally, error=str(error) or type(error).__name__)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(paths.visits(shard), ignore_errors=True)
    paths.progress(shard).unlink(missing_ok=True)
    return receipt


def _report(
    paths: RunPaths, shard: Shard, begun: Progress, tally: _Tally | None = None, pairs: int = 0, error: str = ""
) -> None:
    """Say how far a shard is, for `status` to read."""
    rejects = len(tally.rejects) if tally else 0
    now = begun.model_copy(update={"updated": time.time(), "pairs": pairs, "rejects": rejects, "error": error})
    write_atomically(paths.progress(shard), now.model_dump_json().encode())


def read_progress(out: Path, shard: Shard) -> Progress | None:
    """How far the last attempt at an unfinished shard came; None: there was none."""
    try:
        return Progress.model_validate_json(RunPaths(out).progress(shard).read_bytes())
    except (OSError, ValidationError):
        return None


def read_receipt(out: Path, shard: Shard) -> Receipt | None:
    """The receipt of a finished shard; None if the shard is missing, torn, or of another run."""
    paths = RunPaths(out)
    try:
        receipt = Receipt.model_validate_json(paths.receipt(shard).read_bytes())
        if not receipt.samples:  # all its objects were removed: there is no file
            return receipt
        whole = paths.shard(shard).stat().st_size == receipt.bytes and sha256_file(paths.shard(shard)) == receipt.sha256
    except (OSError, ValidationError):
        return None
    return receipt if whole else None


def _fill(
    config: RunConfig, plan: Plan, shard: Shard, engine: Engine, paths: RunPaths, tally: _Tally, begun: Progress
) -> list[StoredSample]:
    """Visit objects, each for a few of the shard's motions, and others for those that failed, until all have a pair.

    A motion for which several objects find no cameras is exchanged for a simpler one. A pair about which nothing can
    be asked is replaced by another.
    """
    by_uid = {thing.record.uid: thing for thing in plan.objects}
    code = code_of_shard(plan.code)
    provenance = Provenance(
        seed=config.seed,
        config_hash=plan.config_hash,
        code_version=code.version,
        code_commit=code.commit,
        renderer=engine.renderer,
        device=engine.device,
    )
    motions = list(shard.motions)
    vain = Counter[int]()  # searches for cameras that found none, by the place of the motion in the shard's list
    rounds = Counter[str]()  # visits to each object so far
    picks: dict[int, _Pick] = {}  # by the place of the motion
    objects = deque(shard.objects)  # those that may still be visited, the next one first
    while True:
        if len(picks) == len(motions):
            drafts, doubtful = _drafts(config, shard, picks, provenance), Counter[str]()
            try:
                stored, glances = [draft.stored for draft in drafts], [draft.glances for draft in drafts]
                samples = _asked(config, shard.name, shard.number, stored, glances, doubtful)
            except (ViewpointError, OSError):  # of the settings or the disk: no fault of an object
                raise
            except Exception:  # whatever our own code makes of an object's pairs, it costs this object
                errors = _errors_in_questions(config, shard, drafts)
                if not errors:
                    raise
                tally.rejects += errors.values()
                tally.dropped["errors in questions"] += len(errors)
                picks = {place: pick for place, pick in picks.items() if pick.usable.record.uid not in errors}
                objects = deque(uid for uid in objects if uid not in errors)
                continue
            unasked = {draft.place for draft, one in zip(drafts, samples, strict=True) if not one.sample.questions}
            if not unasked:
                tally.dropped.update(doubtful)
                return samples
            tally.dropped["pairs left without a question"] += len(unasked)
            picks = {place: pick for place, pick in picks.items() if place not in unasked}
        if not objects:
            break
        # those of one event together: a visit to a scene has room for one
        missing = sorted(
            (place for place in range(len(motions)) if place not in picks),
            key=lambda place: (event_of(motions[place]) or "", place),
        )
        visits = []
        for part in _parts(missing, plan.pairs_per_object)[: len(objects)]:
            uid = objects.popleft()
            view_set = plan_views(config, by_uid[uid], rounds[uid], [motions[place] for place in part])
            _give_up(motions, _without_cameras(motions, part, view_set), vain, tally)
            if view_set.pairs:
                visits.append((uid, part, view_set))
            else:
                objects.append(uid)  # nothing was rendered: that is no visit
        with ThreadPoolExecutor(engine.workers + 1) as threads:
            waiting = [
                threads.submit(_visit_once, config, each, engine, paths.visits(shard), str(code))
                for _, _, each in visits
            ]
            try:  # results are looked at in the order of the plan, whoever is done first
                for (uid, part, _), future in zip(visits, waiting, strict=True):
                    visit = future.result()
                    rounds[uid] += 1
                    assigned = _assign(motions, part, visit.usable) if visit.usable is not None else {}
                    picks |= assigned
                    tally.add(visit, len(assigned))
                    if rounds[uid] < config.plan.max_rounds and not visit.hopeless:
                        objects.append(uid)
                    _report(paths, shard, begun, tally, len(picks))
            except BaseException:  # a full disk, or Ctrl-C: nobody waits for what was begun
                threads.shutdown(wait=False, cancel_futures=True)
                engine.stop()
                raise
    write_atomically(paths.shard_rejects(shard), _lines(tally.rejects))
    short = Counter(family_of(code) for place, code in enumerate(motions) if place not in picks)
    why = "; ".join(f"{number} x {reason}" for reason, number in tally.dropped.most_common(3)) or "nothing was rendered"
    raise RanDry(
        f"shard {shard.number} ({shard.name}): {short.total()} of {len(shard.motions)} pairs are missing "
        f"({', '.join(f'{number} {family}' for family, number in sorted(short.items()))}) after {tally.visited} visits to "
        f"{len(shard.objects)} objects, of which {len(tally.rejects)} were refused (see {paths.shard_rejects(shard)}). "
        f"Dropped: {why}. Use more objects or fewer pairs"
    )


def _without_cameras(motions: Sequence[str], part: Sequence[int], view_set: ViewSet) -> list[int]:
    """The places whose motions found no cameras in a visit that was made for them."""
    found = Counter(pair.code for pair in view_set.pairs)
    event = view_set.scene.event if view_set.scene else None
    out = []
    for place in part:
        code = motions[place]
        if found[code]:
            found[code] -= 1
        elif event_of(code) in (None, event):  # other events are for other visits
            out.append(place)
    return out


def _give_up(motions: list[str], places: Sequence[int], vain: Counter[int], tally: _Tally) -> None:
    """Count searches in vain, and exchange a motion that has had several for a simpler one."""
    for place in places:
        vain[place] += 1
        if vain[place] % SEARCHES_IN_VAIN == 0 and simpler(motions[place]) != motions[place]:
            motions[place] = simpler(motions[place])
            tally.dropped["motions that found no cameras, exchanged for simpler ones"] += 1


def _parts(places: list[int], size: int) -> list[list[int]]:
    return [places[i : i + size] for i in range(0, len(places), size)]


def _assign(motions: Sequence[str], part: list[int], usable: _Usable) -> dict[int, _Pick]:
    """Which of the motions that a visit was made for have a pair now."""
    out: dict[int, _Pick] = {}
    for candidate in usable.candidates:
        place = next((i for i in part if i not in out and motions[i] == candidate.planned.code), None)
        if place is not None:
            out[place] = _Pick(usable, candidate)
    return out


def _visit_once(config: RunConfig, view_set: ViewSet, engine: Engine, kept: Path, code: str) -> _Visit:
    """The visit as an earlier attempt at the shard made it, or a new one: a kill costs what is in work, and no more."""
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


def _error_of_ours(uid: str, error: Exception, round_: int, seconds: float) -> Reject:
    """An object that our own code trips over."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    reason = f"{type(error).__name__}: {error} ({Path(last.filename).name}, {last.name}, line {last.lineno})"
    short = " ".join(reason.split())[:500]
    return Reject(uid=uid, stage="annotate", reason=short, round=round_, seconds=round(seconds, 1))


def _errors_in_questions(config: RunConfig, shard: Shard, drafts: Sequence[_Draft]) -> dict[str, Reject]:
    """The objects about which nothing can be asked for an error of ours, each asked about by itself."""
    out: dict[str, Reject] = {}
    for draft in drafts:
        try:
            _asked(config, shard.name, shard.number, [draft.stored], [draft.glances], Counter())
        except Exception as error:
            uid = draft.stored.sample.object.uid
            out[uid] = _error_of_ours(uid, error, 0, 0.0)
    return out


def _failed(view_set: ViewSet, error: Exception, seconds: float) -> _Visit:
    """A visit that ended in an error of ours: no other views of the object are tried."""
    reject = _error_of_ours(view_set.object.record.uid, error, view_set.round, seconds)
    return _Visit(None, reject, 0, Counter({"errors in annotation": 1}), {}, hopeless=True)


def _visit(config: RunConfig, view_set: ViewSet, engine: Engine) -> _Visit:
    """Render one view set; what goes wrong costs this object only and is recorded."""
    uid, dropped, of_annotating = view_set.object.record.uid, Counter[str](), 0.0
    portraits: list[Portrait] = []
    gates = config.gates if view_set.scene is None else config.gates.model_copy(update=OF_SCENES)
    exact: dict[tuple[int, int, str], float] = {}
    ring, wrong = len(view_set.probes), None
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
        problem, worth, drops = portraits[-1].problem, list[PlannedPair](), list[Drop]()
        if problem is None or problem.kind == SYMMETRIC:
            worth, drops = promising(view_set, portraits[-1], probes, config.gates)
        of_annotating += time.thread_time() - started
        dropped.update(drop.kind for drop in drops)
        if problem is not None and not worth:
            dropped[problem.kind] += 1
            return refused("gate", f"{problem.kind}: {problem.why}")
        if not worth:
            return refused("gate", drops[0].why if drops else "none of the wanted pairs could be planned for it")
        return sorted({view for pair in worth for view in pair.views})

    try:
        fetched = _fetch(config, view_set.object, engine.scratch / "objects")
    except ObjectRefused as refusal:
        return _Visit(None, refused("fetch", str(refusal)), 0, dropped, {}, hopeless=True)
    rendered = engine.render(view_set, fetched.paths, choose)
    if isinstance(rendered, Reject) or rendered.declined is not None:
        reject, cpu_s = (rendered, {}) if isinstance(rendered, Reject) else (rendered.declined, rendered.cpu_s)
        hopeless = isinstance(rendered, Reject) or portraits[-1].problem is not None
        return _Visit(None, reject, 0, dropped, {**cpu_s, "annotate": of_annotating}, hopeless)
    started = time.thread_time()
    views, scene = rendered.views, None
    records = {
        number: record.model_copy(update={"pose": rendered.poses[number]}) if number in rendered.poses else record
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
    reject = None
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
    usable = _Usable(record, images, candidates) if candidates else None
    return _Visit(usable, reject, len(images), dropped, {**rendered.cpu_s, "annotate": of_annotating})


def _glance(image: bytes, name: str) -> Glance:
    """What a flat look at a JPEG of ours sees."""
    with open_picture(image, name) as picture, decoding(name):
        return glance_at(picture)


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
    paths, records, problems = dict[int, Path](), {WHOLE: thing.record}, dict[int, str]()
    for number, part in enumerate(thing.parts):
        try:
            paths[number], records[number] = sources.fetch_object(part, config.source, folder, config.files)
        except ObjectRefused as refusal:
            problems[number] = str(refusal)
    if len(paths) < FEWEST_OBJECTS:
        raise ObjectRefused("; ".join(["fewer than two of its objects can be had", *problems.values()]))
    return _Fetched(paths, records, problems)


def _drafts(config: RunConfig, shard: Shard, picks: Mapping[int, _Pick], provenance: Provenance) -> list[_Draft]:
    """The samples of a shard in their final order, without questions."""
    places = sorted(picks)
    order = generator(config.seed, "samples", shard.name).permutation(len(places))
    out = []
    for number, place in enumerate(places[i] for i in order):
        usable, pair = picks[place]
        sample = Sample(
            object=usable.record,
            preset=config.preset,
            family=family_of(pair.planned.code),
            split=shard.split,
            views=pair.views,
            truth=pair.truth,
            decidability=pair.decidability,
            decidability_reversed=pair.decidability_reversed,
            seen=pair.seen,
            scene=pair.scene,
            questions=[],
            provenance=provenance,
        )
        key = f"{shard.name.split('-of-')[0]}-{number:05d}"
        stored = StoredSample(key, sample, [usable.images[i] for i in pair.planned.views])
        glances = [_glance(image, f"{key}, view {i}") for i, image in enumerate(stored.images)]
        out.append(_Draft(place, stored, glances))
    return out


def _asked(
    config: RunConfig,
    name: str,
    number: int,
    samples: Sequence[StoredSample],
    glances: Sequence[Sequence[Glance]],
    dropped: Counter[str],
) -> list[StoredSample]:
    """The samples of a shard with their questions; none that the second implementation contradicts.

    Args:
        glances: one at each picture of each sample.
        dropped: counts those that are not asked because they are contradicted, by kind.
    """
    rng = generator(config.seed, "questions", name)
    templates = load_templates(config.questions.templates)
    keys, drafts = [stored.key for stored in samples], [stored.sample for stored in samples]
    asked = ask_all(keys, drafts, config.questions, config.gates, templates, rng, number, glances)
    out = []
    for stored, questions in zip(samples, asked, strict=True):
        sample = stored.sample.model_copy(update={"questions": questions})
        out.append(stored._replace(sample=_agreed(sample, config.gates, dropped)))
    return out


def _agreed(sample: Sample, gates: GateConfig, dropped: Counter[str]) -> Sample:
    """A sample with those of its questions on which two implementations agree: perhaps none."""
    doubtful = contradicted(sample, gates)
    if not doubtful:
        return sample
    dropped.update(f"{CONTRADICTED}: {one.type}/{one.frame}" for one in sample.questions if one.id in doubtful)
    return sample.model_copy(update={"questions": [one for one in sample.questions if one.id not in doubtful]})


def requestion(dataset: Path, out: Path, overrides: Sequence[str] = ()) -> Manifest:
    """Ask anew about the pairs of a dataset, into a new folder; nothing is rendered.

    Args:
        overrides: of settings, as in `generate`: wordings, forms of answers, gates.

    Raises:
        InputError: the dataset cannot be read, OUT is not empty, or an override would need a new render.
    """
    manifest = read_manifest(dataset)
    before = load_config_tree(manifest.config)
    config = load_config_tree(manifest.config, overrides)
    mine = any(override.partition("=")[0].strip() == "questions.templates" for override in overrides)
    if config.questions.templates is not None and not mine:  # a path that its maker chose: of another machine, or worse
        raise InputError(
            f"{dataset} was asked with the wordings in {config.questions.templates!r}. Say where they are here with "
            "--set questions.templates=FILE.yaml, or take ours with --set questions.templates=null"
        )
    changed = [
        name
        for name in ("plan", "render", "files", "seed", "pairs", "source")
        if getattr(config, name) != getattr(before, name)
    ]
    if changed:
        raise InputError(
            f"requestion changes questions.* and gates.* only; {changed[0]} needs a new render: use generate"
        )
    load_templates(config.questions.templates)
    _check_out(RunPaths(out))
    scratch = RunPaths(out).run / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    receipts = []
    for number, entry in enumerate(manifest.shards):
        name = entry.name.removesuffix(".tar")
        before_asking = list(_consistent(dataset / entry.name))
        stored = [
            one._replace(
                sample=one.sample.model_copy(
                    update={"provenance": one.sample.provenance.model_copy(update={"config_hash": config_hash(config)})}
                )
            )
            for one in before_asking
        ]
        dropped = Counter[str]()
        glances = []
        for one in stored:
            with in_sample(dataset / entry.name, one.key):
                glances.append([_glance(image, f"view_{i}.jpg") for i, image in enumerate(one.images)])
        with in_sample(dataset / entry.name):
            asked_anew = _asked(config, name, number, stored, glances, dropped)
        samples = [one for one in asked_anew if one.sample.questions]
        if len(samples) < len(stored):
            dropped["pairs left without a question"] += len(stored) - len(samples)
        digest, size = write_shard(out / entry.name, scratch, samples)
        receipts.append(
            Receipt(
                name=name,
                number=number,
                sha256=digest,
                bytes=size,
                samples=len(samples),
                questions=sum(len(one.sample.questions) for one in samples),
                config_hash=config_hash(config),
                renderer=manifest.renderer,
                device=manifest.device,
                objects=sorted({thing.uid for one in samples for thing in one.sample.objects}),
                objects_visited=0,
                views_rendered=0,
                rejects=0,
                dropped=dict(dropped),
                cpu_s={},
            )
        )
    shutil.rmtree(RunPaths(out).run)
    asked = (stored.sample for stored in iter_samples(out))
    return _write_beside_shards(out, config, receipts, asked, next_version(manifest.version), manifest.removed)


def _consistent(path: Path) -> Iterator[StoredSample]:
    """The samples of a shard; what is asked of them rests on their truths, so these must be what the poses say.

    Raises:
        InputError: a sample cannot be read, or says otherwise: names the shard and the key.
    """
    for stored in read_shard(path):
        with in_sample(path, stored.key):
            for problem in truth_problems(stored.sample):
                raise InputError(problem)
        yield stored


# --- finish ------------------------------------------------------------------------------------


QUIET_S = 900.0  # a shard in work reports after each object, which may be tried twice: its deadline is a third of this


class Status(NamedTuple):
    """How far a run is, from what is on disk alone."""

    done: list[Receipt]
    missing: list[Shard]  # all that are not done
    progress: dict[int, Progress]  # of those that are missing and were begun, by number
    pairs_wanted: int

    @property
    def running(self) -> dict[int, Progress]:
        """Those that are in work, as far as their reports tell."""
        return {number: one for number, one in self.progress.items() if not one.error and _alive(one)}

    @property
    def pairs_in_work(self) -> int:
        return sum(one.pairs for one in self.running.values())

    @property
    def rejects_in_work(self) -> int:
        return sum(one.rejects for one in self.running.values())


def status(out: Path, plan: Plan | None = None, known: dict[int, Receipt] | None = None) -> Status:
    """Judge completeness from receipts and shards, never from an exit code.

    Args:
        known: receipts that were read before, and need not be checked against their shards again. Updated here.
    """
    plan = plan or read_plan(out)
    known = {} if known is None else known
    done, missing, progress = [], [], {}
    for shard in plan.shards:
        receipt = known.get(shard.number) or read_receipt(out, shard)
        if receipt is not None:
            known[shard.number] = receipt
            done.append(receipt)
            continue
        missing.append(shard)
        if (begun := read_progress(out, shard)) is not None:
            progress[shard.number] = begun
    return Status(done, missing, progress, sum(len(shard.motions) for shard in plan.shards))


def _alive(progress: Progress) -> bool:
    """Whether somebody works on a shard: it has reported lately, and if that was here, the process is still there."""
    if time.time() - progress.updated > QUIET_S:
        return False
    if not progress.machine == machine_name() == platform.node():
        return True
    try:
        os.kill(progress.pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)  # one that is not ours to signal is alive
    return True


def finalize(out: Path) -> Manifest:
    """Assemble manifest, attribution, card and the list of rejects; refuse an incomplete run by naming what is missing.

    Several may do so at once: one waits for the other, and both write the same bytes.

    Raises:
        InputError: shards are missing, or a removal is not finished.
    """
    with _alone(RunPaths(out).run / "finalize.lock"):
        return _finalize(out)


def _finalize(out: Path) -> Manifest:
    paths, plan, started = RunPaths(out), read_plan(out), time.time()
    now = status(out, plan)
    if now.missing:
        names = ", ".join(str(shard.number) for shard in now.missing[:10])
        raise InputError(
            f"{len(now.missing)} of {len(plan.shards)} shards are missing: {names}{', ...' if len(now.missing) > 10 else ''}. "
            f"Make them with `viewpoint100k generate {out}` or `viewpoint100k render-shard {out} --shard NUMBER`"
        )
    files = [paths.listed_rejects, *(paths.shard_rejects(shard) for shard in plan.shards)]
    write_atomically(paths.rejects, b"".join(path.read_bytes() for path in files if path.exists()))
    removed = _removed(out)
    back = {removal.uid for removal in removed} & {uid for receipt in now.done for uid in receipt.objects}
    if back:
        raise InputError(f"the removal of object {min(back)} is not finished: run `viewpoint100k remove {out}` first")
    version = read_manifest(out).version if (out / "manifest.json").exists() else "1.0.0"
    samples = (
        stored.sample for receipt in now.done if receipt.samples for stored in read_shard(out / f"{receipt.name}.tar")
    )
    manifest = _write_beside_shards(out, read_config(paths.config), now.done, samples, version, removed)
    shutil.rmtree(paths.run / "tmp", ignore_errors=True)
    sweep(out, before=started)
    return manifest


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process holds this lock. Where a file system has no locks, go on without."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _removed(out: Path) -> list[Removal]:
    """Objects that were taken out of this folder, and must not come back."""
    return read_manifest(out).removed if (out / "manifest.json").exists() else []


def _write_beside_shards(
    out: Path,
    config: RunConfig,
    receipts: list[Receipt],
    samples: Iterator[Sample],
    version: str,
    removed: Sequence[Removal],
) -> Manifest:
    """Manifest, attribution and card; and the index, where there is pyarrow to write it."""
    manifest = write_dataset_files(out, config, receipts, samples, version, removed)
    if has_pyarrow():
        write_index(out)
    return manifest


def read_rejects(out: Path) -> list[Reject]:
    """Every object that was refused, and why."""
    paths = RunPaths(out)
    files = [paths.rejects] if paths.rejects.exists() else sorted((paths.run / "rejects").glob("*.jsonl"))
    return [Reject.model_validate_json(line) for path in files for line in path.read_text("utf-8").splitlines()]


@contextmanager
def disk_errors(out: Path | str) -> Iterator[None]:
    """Turn what the file system refuses into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, ViewpointError) or error.errno is None:
            raise
        raise InputError(
            f"cannot write to {out}: {error.strerror}. Free space or choose another folder, then run it again"
        ) from error


def _lines(rejects: list[Reject] | tuple[Reject, ...]) -> bytes:
    return "".join(reject.model_dump_json() + "\n" for reject in rejects).encode()
