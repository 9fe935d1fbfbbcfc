"""Makes a dataset folder from photographs, by the same stages as for renders: plan, shards, finalize.

A run can be killed and run again.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from viewpoint100k import pipeline
from viewpoint100k.config import RunConfig, config_hash, write_config
from viewpoint100k.errors import InputError, MissingExtra
from viewpoint100k.fill import asked, glance_of
from viewpoint100k.glances import Glance
from viewpoint100k.identity import code_of_shard, this_code
from viewpoint100k.manifest import Manifest
from viewpoint100k.objects.credit import licence_refusal, normalise_licence
from viewpoint100k.objects.metadata import NOT_DESCRIBED, read_metadata
from viewpoint100k.partition import PAIRS_PER_SHARD
from viewpoint100k.photos.posed import PhotoSet
from viewpoint100k.photos.samples import NOT_MEASURED, PhotoPair, SetResult, pairs_of_set
from viewpoint100k.photos.sources import Place, list_places, read_place, root_of
from viewpoint100k.plan import Plan, Shard, generator
from viewpoint100k.questions import load_templates
from viewpoint100k.records import ObjectRecord, Provenance, Reject, Sample, SourceObject
from viewpoint100k.run_state import (
    RunPaths,
    check_out,
    machine_name,
    read_plan,
    read_receipt,
    same_run,
    write_rejects,
)
from viewpoint100k.shards import REAL, Receipt, StoredSample, write_atomically, write_shard

NAMED_BY = ("folder", "set", "file", "uid", "name")  # columns of a manifest that may name a set
FEWEST_PAIRS_PER_SET = 4  # even among very many sets, each is worth reading for this many
RENDERER = "photographs"
DEVICE = "camera"
UNKNOWN = ("", "unknown")
Say = Callable[[str, int, int], None]  # name of the set, its number from 1, of how many


class Credit(NamedTuple):
    """Author and licence for all sets of a source whose manifest does not state them."""

    licence: str = ""
    author: str = ""
    source_url: str = ""


NOBODY = Credit()


class _Work(NamedTuple):
    """One set, and the number of pairs wanted from it."""

    place: Place
    record: ObjectRecord
    wanted: int


class _Found(NamedTuple):
    """The result of a set, with its credits."""

    record: ObjectRecord
    result: SetResult


def make_dataset(
    out: Path,
    config: RunConfig,
    credit: Credit = NOBODY,
    workers: int = 1,
    say: Say = lambda name, number, of: None,
) -> Manifest:
    """Make the dataset of a source of photographs in a folder; finished shards are not made again.

    Args:
        config: settings with `source` and `photos`; `pairs` limits the pairs of all sets together.
        workers: processes that work on sets; the bytes do not depend on it.

    Raises:
        InputError: the source cannot be read, no pair can be used, or OUT holds something else.
        MissingExtra: opencv is not installed.
    """
    check_extra()
    plan = plan_photos(out, config, credit)
    for shard in plan.shards:
        if read_receipt(out, shard) is None:
            _make_shard(out, config, plan, shard, workers, say)
    receipts = [receipt for shard in plan.shards if (receipt := read_receipt(out, shard)) is not None]
    if not any(receipt.samples for receipt in receipts):
        raise InputError(f"no pair of {config.source} can be used: {_why(out, plan)}")
    return pipeline.finalize(out)


def check_extra() -> None:
    """Raise `MissingExtra` if opencv is not installed."""
    from importlib.util import find_spec

    if find_spec("cv2") is None:
        raise MissingExtra("photographs need opencv: pip install 'viewpoint100k[photos]'")


def plan_photos(out: Path, config: RunConfig, credit: Credit) -> Plan:
    """List the sets, assign them to shards, and write the plan into OUT/.run; if there is a plan, read it.

    Raises:
        InputError: as for `make_dataset`.
    """
    assert config.photos is not None, "the command photos sets it"
    paths = RunPaths(out)
    if paths.plan.exists():
        same_run(paths, config)
        return read_plan(out)
    check_out(paths)
    load_templates(config.questions.templates)
    places = list_places(config.source)
    things, rejects = _described(config, places, credit)
    if not things:
        raise InputError(f"no set of {config.source} may be used: {rejects[0].reason}")
    order = generator(config.seed, "sets").permutation(len(things))
    uids = [things[i].record.uid for i in order]
    per_set = min(config.photos.pairs_per_set, max(FEWEST_PAIRS_PER_SET, -(-config.pairs // len(uids))))
    count = max(1, -(-min(config.pairs, per_set * len(uids)) // PAIRS_PER_SHARD))
    shards = [
        Shard(number=i, split="test", name=f"test-{i:05d}-of-{count:05d}", motions=[], objects=uids[i::count])
        for i in range(count)
    ]
    plan = Plan(
        config_hash=config_hash(config),
        pairs_per_object=per_set,
        objects=things,
        shards=shards,
        code=this_code(),
    )
    for folder in ("rejects", "receipts", "progress", "tmp"):
        (paths.run / folder).mkdir(parents=True, exist_ok=True)
    write_rejects(paths.listed_rejects, rejects)
    write_atomically(paths.config, write_config(config).encode())
    write_atomically(paths.plan, plan.model_dump_json().encode())  # last: it marks the stage as done
    return plan


def _described(
    config: RunConfig, places: Sequence[Place], credit: Credit
) -> tuple[list[SourceObject], list[Reject]]:
    """The sets as the manifest of their source describes them, and those whose licence is not allowed."""
    root = root_of(config.source)
    _, entries = read_metadata(root, NAMED_BY)
    allow = None if config.licences is None else tuple(config.licences)
    things = []
    rejects = []
    for place in places:
        inside = place.folder.relative_to(root).as_posix()
        entry = entries.get(inside, entries.get(place.key or place.name, NOT_DESCRIBED))
        record = entry.record(place.name, "", place.category)
        if record.licence in UNKNOWN:
            licence = normalise_licence(credit.licence or place.licence)
            record = record.model_copy(update={"licence": licence})
        if record.author in UNKNOWN:
            record = record.model_copy(update={"author": credit.author or "unknown"})
        if not record.source_url:
            record = record.model_copy(update={"source_url": credit.source_url})
        refusal = licence_refusal(record.licence, allow)
        if refusal:
            rejects.append(Reject(uid=place.name, stage="list", reason=refusal))
        else:
            things.append(SourceObject(record=record, path=inside))
    return things, rejects


# --- one shard -----------------------------------------------------------------------------------------


class _Gathered(NamedTuple):
    """The combined results of a shard's sets."""

    pairs: list[tuple[ObjectRecord, PhotoPair]]
    rejects: list[Reject]
    dropped: Counter[str]
    visited: int
    looked_at: int


def _make_shard(out: Path, config: RunConfig, plan: Plan, shard: Shard, workers: int, say: Say) -> Receipt:
    started = time.time()
    paths = RunPaths(out)
    gathered = _gathered(config, plan, shard, workers, say)
    samples = _asked(config, plan, shard, gathered)
    scratch = paths.scratch(shard)
    scratch.mkdir(parents=True, exist_ok=True)
    write_rejects(paths.shard_rejects(shard), gathered.rejects)
    digest, size = write_shard(paths.shard(shard), scratch, samples) if samples else ("", 0)
    receipt = Receipt(
        name=shard.name,
        number=shard.number,
        sha256=digest,
        bytes=size,
        samples=len(samples),
        questions=sum(len(stored.sample.questions) for stored in samples),
        config_hash=plan.config_hash,
        renderer=RENDERER,
        device=DEVICE,
        objects=sorted({stored.sample.object.uid for stored in samples}),
        objects_visited=gathered.visited,
        views_rendered=gathered.looked_at,
        rejects=len(gathered.rejects),
        dropped=dict(gathered.dropped),
        cpu_s={},
        machine=machine_name(),
        seconds=round(time.time() - started, 1),
        finished=round(time.time(), 1),
    )
    write_atomically(paths.receipt(shard), (receipt.model_dump_json(indent=1) + "\n").encode())
    return receipt


def _gathered(config: RunConfig, plan: Plan, shard: Shard, workers: int, say: Say) -> _Gathered:
    """Work through the shard's sets in order until there are as many pairs as are wanted."""
    wanted = -(-min(config.pairs, plan.pairs_per_object * len(plan.objects)) // len(plan.shards))
    places = {place.name: place for place in list_places(config.source)}
    record_of = {thing.record.uid: thing.record for thing in plan.objects}
    absent = [uid for uid in shard.objects if uid not in places]
    if absent:
        raise InputError(
            f"set {absent[0]} is no longer in {config.source}; bring it back, or begin in a new folder"
        )
    work = [_Work(places[uid], record_of[uid], plan.pairs_per_object) for uid in shard.objects]
    pairs = list[tuple[ObjectRecord, PhotoPair]]()
    rejects = list[Reject]()
    dropped = Counter[str]()
    visited = looked_at = 0
    for number, found in enumerate(_results(config, work, workers), start=1):
        say(found.record.uid, number, len(work))
        visited += 1
        looked_at += found.result.looked_at
        rejects += found.result.rejects
        dropped.update(found.result.dropped)
        pairs += [(found.record, pair) for pair in found.result.pairs][: wanted - len(pairs)]
        if len(pairs) >= wanted:
            break
    return _Gathered(pairs, rejects, dropped, visited, looked_at)


def _results(config: RunConfig, work: Sequence[_Work], workers: int) -> Iterator[_Found]:
    """Yield the result of each set, in order, while workers already process the next ones."""
    look = partial(look_at_set, config)
    if workers <= 1 or len(work) <= 1:
        yield from map(look, work)
        return
    with ProcessPoolExecutor(workers) as pool:
        waiting = [pool.submit(look, one) for one in work[: 2 * workers]]
        following = iter(work[2 * workers :])
        try:
            while waiting:
                yield waiting.pop(0).result()
                if (one := next(following, None)) is not None:
                    waiting.append(pool.submit(look, one))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def look_at_set(config: RunConfig, work: _Work) -> _Found:
    """Process one set; an error in it costs this set only."""
    uid = work.record.uid
    try:
        photos = read_place(work.place)
        result = pairs_of_set(photos, config, work.wanted, generator(config.seed, uid, "pairs"))
        return _Found(_titled(work.record, photos), result)
    except InputError as error:
        why = str(error)
    except Exception as error:  # a stranger's set may make our own code or a library raise anything
        why = f"{type(error).__name__}: {error}"
    reject = Reject(uid=uid, stage="import", reason=" ".join(why.split())[:2000])
    empty = SetResult([], [reject], Counter({"sets that cannot be read": 1}), 0, "unknown", "")
    return _Found(work.record, empty)


def _titled(record: ObjectRecord, photos: PhotoSet) -> ObjectRecord:
    return record.model_copy(update={"title": photos.title}) if photos.title and not record.title else record


def _asked(config: RunConfig, plan: Plan, shard: Shard, gathered: _Gathered) -> list[StoredSample]:
    """The samples of a shard with their questions; pairs about which nothing can be asked are left out."""
    stored = _unasked(config, plan, shard, gathered)
    if not stored:
        return []
    glance_at = dict[bytes, Glance]()
    for entry in stored:
        for jpeg in entry.images:
            if jpeg not in glance_at:
                glance_at[jpeg] = glance_of(jpeg, entry.key)
    glances = [[glance_at[jpeg] for jpeg in entry.images] for entry in stored]
    samples = asked(config, shard.name, shard.number, stored, glances, gathered.dropped)
    for entry in samples:
        if not entry.sample.questions and entry.sample.photographed is not None:
            names = " and ".join(entry.sample.photographed.names)
            why = f"pair {names}: no question is clear enough to be asked of it"
            gathered.rejects.append(Reject(uid=entry.sample.object.uid, stage="annotate", reason=why))
            gathered.dropped["pairs left without a question"] += 1
    return [entry for entry in samples if entry.sample.questions]


def _unasked(config: RunConfig, plan: Plan, shard: Shard, gathered: _Gathered) -> list[StoredSample]:
    """The samples of a shard in their final order, without questions."""
    code = code_of_shard(plan.code)
    provenance = Provenance(
        seed=config.seed,
        config_hash=plan.config_hash,
        code_version=code.version,
        code_commit=code.commit,
        renderer=RENDERER,
        device=DEVICE,
    )
    order = generator(config.seed, "samples", shard.name).permutation(len(gathered.pairs))
    out = []
    for number, (record, pair) in enumerate(gathered.pairs[i] for i in order):
        sample = Sample(
            object=record,
            preset=config.preset,
            family=pair.family,
            split=shard.split,
            views=pair.views,
            truth=pair.truth,
            decidability=NOT_MEASURED,
            proof="poses",
            photographed=pair.photographed,
            questions=[],
            provenance=provenance,
        )
        # distinct from the keys of renders
        out.append(StoredSample(f"{REAL}-{shard.number:05d}-{number:05d}", sample, pair.jpegs))
    return out


def _why(out: Path, plan: Plan) -> str:
    """The first few reasons for which sets and pairs were refused."""
    paths = RunPaths(out)
    rows = [
        Reject.model_validate_json(line)
        for path in (paths.listed_rejects, *(paths.shard_rejects(shard) for shard in plan.shards))
        if path.exists()
        for line in path.read_text("utf-8").splitlines()
    ]
    if not rows:
        return "it holds no two pictures of one object"
    more = ["..."] if len(rows) > 3 else []
    return "; ".join([*(f"{row.uid}: {row.reason}" for row in rows[:3]), *more])
