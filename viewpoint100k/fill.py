"""Fills one shard: objects are visited until every motion has a pair and every pair has questions."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from viewpoint100k.annotate import Candidate
from viewpoint100k.config import GateConfig, RunConfig
from viewpoint100k.engine import Engine
from viewpoint100k.errors import RanDry, ViewpointError
from viewpoint100k.glances import Glance, glance_at
from viewpoint100k.identity import code_of_shard
from viewpoint100k.motions import event_of, family_of, simpler
from viewpoint100k.plan import Plan, Shard, generator, plan_views
from viewpoint100k.proof import contradicted
from viewpoint100k.questions import ask_all, load_templates
from viewpoint100k.questions.ask import Writer
from viewpoint100k.questions.wording import Templates
from viewpoint100k.records import Provenance, Reject, Sample, SourceObject, ViewSet
from viewpoint100k.run_state import Progress, RunPaths, report_progress, write_rejects
from viewpoint100k.shards import StoredSample, decoding, open_picture
from viewpoint100k.visit import Usable, Visit, error_of_ours, visit_once

SEARCHES_IN_VAIN = 3  # for the cameras of a motion, which is then exchanged for a simpler one
CONTRADICTED = "questions that the second opinion contradicts"  # key in receipts, followed by the kind


class _Pick(NamedTuple):
    """A pair chosen for the shard."""

    usable: Usable
    candidate: Candidate


class _Draft(NamedTuple):
    """A sample of the shard that has no questions yet."""

    place: int  # index of its motion in the shard's list
    stored: StoredSample
    glances: list[Glance]  # one at each picture


class Tally:
    """What a shard has cost and refused so far."""

    def __init__(self) -> None:
        self.rejects: list[Reject] = []
        self.dropped: Counter[str] = Counter()
        self.visited = 0
        self.views = 0
        self.visits: list[tuple[float, int]] = []
        self.cpu_s = dict.fromkeys(("start", "import", "probes", "views", "annotate"), 0.0)

    def add(self, visit: Visit, pairs: int) -> None:
        self.visits.append((round(sum(visit.cpu_s.values()), 3), pairs))
        self.visited += 1
        self.views += visit.views
        self.dropped.update(visit.dropped)
        for part, seconds in visit.cpu_s.items():
            self.cpu_s[part] += seconds
        if visit.reject is not None:
            self.rejects.append(visit.reject)


@dataclass
class _Filling:
    """A shard on the way to being full."""

    config: RunConfig
    plan: Plan
    shard: Shard
    tally: Tally
    motions: list[str]  # those wanted; one that finds no cameras is exchanged for a simpler one
    objects: deque[str]  # those that may still be visited, the next one first
    provenance: Provenance
    picks: dict[int, _Pick] = field(default_factory=dict)  # by the place of the motion
    in_vain: Counter[int] = field(default_factory=Counter)  # searches for cameras, by the place of the motion
    rounds: Counter[str] = field(default_factory=Counter)  # visits to each object so far
    # keyed by the picture: pairs share pictures, and questions may be drawn for a shard more than once
    glances_at: dict[bytes, Glance] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        """The indices of the motions without a pair.

        Motions with the same event are neighbours, because one visit to a scene can show only one event.
        """
        places = (place for place in range(len(self.motions)) if place not in self.picks)
        return sorted(places, key=lambda place: (event_of(self.motions[place]) or "", place))


class _PlannedVisit(NamedTuple):
    """An object that is to be visited next, and the motions that the visit is for."""

    uid: str
    places: list[int]  # indices of the motions in the shard's list
    view_set: ViewSet


def first_objects(plan: Plan, shard: Shard) -> list[SourceObject]:
    """The objects that a shard needs if none is refused, and one more."""
    by_uid = {thing.record.uid: thing for thing in plan.objects}
    needed = len(shard.motions) // plan.pairs_per_object_of(shard) + 2
    first = [by_uid[uid] for uid in shard.objects[:needed]]
    return [part for thing in first for part in thing.parts or [thing]]


def fill_shard(
    config: RunConfig,
    plan: Plan,
    shard: Shard,
    engine: Engine,
    paths: RunPaths,
    tally: Tally,
    begun: Progress,
) -> list[StoredSample]:
    """Visit objects, each for a few of the shard's motions, until every motion has a pair.

    A motion that fails at one object is tried at another. A motion for which several objects find no cameras
    is exchanged for a simpler one. A pair about which nothing can be asked is replaced by another.
    """
    code = code_of_shard(plan.code)
    provenance = Provenance(
        seed=config.seed,
        config_hash=plan.hash_of(shard),
        code_version=code.version,
        code_commit=code.commit,
        renderer=engine.renderer,
        device=engine.device,
    )
    filling = _Filling(
        config, plan, shard, tally, list(shard.motions), deque(shard.objects), provenance=provenance
    )
    while True:
        if not filling.missing and (samples := _samples_of_picks(filling)) is not None:
            return samples
        if not filling.objects:
            break
        _visit_all(filling, _next_visits(filling), engine, paths, begun)
    write_rejects(paths.shard_rejects(shard), tally.rejects)
    raise RanDry(_why_dry(filling, paths))


def _samples_of_picks(filling: _Filling) -> list[StoredSample] | None:
    """The samples of a shard with their questions; None if some pairs had none and were taken out.

    Objects that make our own code fail are taken out with all their pairs and are not visited again.
    """
    config = filling.config
    shard = filling.shard
    tally = filling.tally
    drafts = _drafts(config, shard, filling.picks, filling.provenance, filling.glances_at)
    doubtful = Counter[str]()
    try:
        stored = [draft.stored for draft in drafts]
        glances = [draft.glances for draft in drafts]
        samples = asked(config, shard.name, shard.number, stored, glances, doubtful)
    except (ViewpointError, OSError):  # caused by settings or the disk, not by an object
        raise
    except Exception:  # a fault of our own code costs only the object that it failed on
        errors = _errors_in_questions(config, shard, drafts)
        if not errors:
            raise
        tally.rejects += errors.values()
        tally.dropped["errors in questions"] += len(errors)
        filling.picks = {
            place: pick for place, pick in filling.picks.items() if pick.usable.record.uid not in errors
        }
        filling.objects = deque(uid for uid in filling.objects if uid not in errors)
        return None
    unasked = {
        draft.place for draft, asked in zip(drafts, samples, strict=True) if not asked.sample.questions
    }
    if not unasked:
        tally.dropped.update(doubtful)
        return samples
    tally.dropped["pairs left without a question"] += len(unasked)
    filling.picks = {place: pick for place, pick in filling.picks.items() if place not in unasked}
    return None


def _next_visits(filling: _Filling) -> list[_PlannedVisit]:
    """Which objects to visit next, each for a few of the motions that are missing.

    An object for which no cameras are found for any of them goes to the end of the queue. Nothing is
    rendered, so that does not count as a visit.
    """
    plan = filling.plan
    shard = filling.shard
    by_uid = {thing.record.uid: thing for thing in plan.objects}
    visits = []
    for places in _parts(filling.missing, plan.pairs_per_object_of(shard))[: len(filling.objects)]:
        uid = filling.objects.popleft()
        view_set = plan_views(
            filling.config,
            by_uid[uid],
            shard.first_round + filling.rounds[uid],
            [filling.motions[place] for place in places],
            shard.split,
            plan.panoramas.get(shard.split, []),
        )
        without = _without_cameras(filling.motions, places, view_set)
        _give_up(filling.motions, without, filling.in_vain, filling.tally)
        if view_set.pairs:
            visits.append(_PlannedVisit(uid, places, view_set))
        else:
            filling.objects.append(uid)
    return visits


def _visit_all(
    filling: _Filling, visits: Sequence[_PlannedVisit], engine: Engine, paths: RunPaths, begun: Progress
) -> None:
    """Render some objects, several at a time, and pick pairs from the results."""
    config = filling.config
    shard = filling.shard
    tally = filling.tally
    folder = paths.visits(shard)
    code = str(code_of_shard(filling.plan.code))
    with ThreadPoolExecutor(engine.workers + 1) as threads:
        waiting = [
            threads.submit(visit_once, config, planned.view_set, engine, folder, code) for planned in visits
        ]
        try:  # results are judged in the order of the plan, not in the order in which they finish
            for planned, future in zip(visits, waiting, strict=True):
                visit = future.result()
                filling.rounds[planned.uid] += 1
                assigned = _assign(filling.motions, planned.places, visit.usable)
                filling.picks |= assigned
                tally.add(visit, len(assigned))
                if filling.rounds[planned.uid] < config.plan.max_rounds and not visit.hopeless:
                    filling.objects.append(planned.uid)
                report_progress(paths, shard, begun, len(filling.picks), len(tally.rejects))
        except BaseException:  # a full disk, or Ctrl-C: do not wait for the visits under way
            threads.shutdown(wait=False, cancel_futures=True)
            engine.stop()
            raise


def _why_dry(filling: _Filling, paths: RunPaths) -> str:
    """What a shard still lacks after all of its objects were visited, and why."""
    shard = filling.shard
    tally = filling.tally
    missing = Counter(family_of(filling.motions[place]) for place in filling.missing)
    families = ", ".join(f"{number} {family}" for family, number in sorted(missing.items()))
    reasons = "; ".join(f"{number} x {reason}" for reason, number in tally.dropped.most_common(3))
    return (
        f"shard {shard.number} ({shard.name}): {missing.total()} of {len(shard.motions)} pairs are missing "
        f"({families}) after "
        f"{tally.visited} visits to {len(shard.objects)} objects, of which {len(tally.rejects)} were refused "
        f"(see {paths.shard_rejects(shard)}). "
        f"Dropped: {reasons or 'nothing was rendered'}. Use more objects or fewer pairs"
    )


def _without_cameras(motions: Sequence[str], part: Sequence[int], view_set: ViewSet) -> list[int]:
    """The places whose motions found no cameras in a visit that was made for them."""
    arranged = Counter(pair.code for pair in view_set.pairs)
    event = view_set.scene.event if view_set.scene else None
    out = []
    for place in part:
        code = motions[place]
        if arranged[code]:
            arranged[code] -= 1
        elif event_of(code) in (None, event):  # other events are for other visits
            out.append(place)
    return out


def _give_up(motions: list[str], places: Sequence[int], vain: Counter[int], tally: Tally) -> None:
    """Count failed searches for cameras, and exchange a motion that has had several for a simpler one."""
    for place in places:
        vain[place] += 1
        if vain[place] % SEARCHES_IN_VAIN == 0 and simpler(motions[place]) != motions[place]:
            motions[place] = simpler(motions[place])
            tally.dropped["motions that found no cameras, exchanged for simpler ones"] += 1


def _parts(places: list[int], size: int) -> list[list[int]]:
    return [places[i : i + size] for i in range(0, len(places), size)]


def _assign(motions: Sequence[str], part: list[int], usable: Usable | None) -> dict[int, _Pick]:
    """The pairs that a visit gave, by the index of the motion; none if it gave nothing usable."""
    out: dict[int, _Pick] = {}
    if usable is None:
        return out
    for candidate in usable.candidates:
        place = next((i for i in part if i not in out and motions[i] == candidate.planned.code), None)
        if place is not None:
            out[place] = _Pick(usable, candidate)
    return out


def _errors_in_questions(config: RunConfig, shard: Shard, drafts: Sequence[_Draft]) -> dict[str, Reject]:
    """The objects whose questions fail through an error of ours, found by asking about each one alone."""
    out: dict[str, Reject] = {}
    for draft in drafts:
        try:
            asked(config, shard.name, shard.number, [draft.stored], [draft.glances], Counter())
        except Exception as error:
            uid = draft.stored.sample.object.uid
            out[uid] = error_of_ours(uid, error, 0, 0.0)
    return out


def _drafts(
    config: RunConfig,
    shard: Shard,
    picks: Mapping[int, _Pick],
    provenance: Provenance,
    glances_at: dict[bytes, Glance],
) -> list[_Draft]:
    """The samples of a shard in their final order, without questions.

    Args:
        glances_at: glances at pictures that were taken before; new ones are added here.
    """
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
        for i, image in enumerate(stored.images):
            if image not in glances_at:
                glances_at[image] = glance_of(image, f"{key}, view {i}")
        out.append(_Draft(place, stored, [glances_at[image] for image in stored.images]))
    return out


def asked(
    config: RunConfig,
    name: str,
    number: int,
    samples: Sequence[StoredSample],
    glances: Sequence[Sequence[Glance]],
    dropped: Counter[str],
) -> list[StoredSample]:
    """The samples of a shard with their questions, without those that the second implementation contradicts.

    Args:
        glances: for each sample, one for each of its pictures.
        dropped: counts the contradicted questions by kind; updated here.
    """
    rng = generator(config.seed, "questions", name)
    templates = load_templates(config.questions.templates)
    keys = [stored.key for stored in samples]
    drafts = [stored.sample for stored in samples]
    writer = Writer(config.questions, templates, number)
    asked = ask_all(keys, drafts, config.gates, writer, rng, glances)
    out = []
    for stored, questions in zip(samples, asked, strict=True):
        sample = stored.sample.model_copy(update={"questions": questions})
        out.append(stored._replace(sample=_agreed(sample, config.gates, templates, dropped)))
    return out


def _agreed(sample: Sample, gates: GateConfig, templates: Templates, dropped: Counter[str]) -> Sample:
    """A sample with only those questions on which both implementations agree; there may be none."""
    doubtful = contradicted(sample, gates, templates.vocabulary)
    if not doubtful:
        return sample
    dropped.update(
        f"{CONTRADICTED}: {question.type}/{question.frame}"
        for question in sample.questions
        if question.id in doubtful
    )
    return sample.model_copy(
        update={"questions": [question for question in sample.questions if question.id not in doubtful]}
    )


def glance_of(image: bytes, name: str) -> Glance:
    """What a look at one of our JPEGs shows without any idea of space."""
    with open_picture(image, name) as picture, decoding(name):
        return glance_at(picture)
