"""Divides pairs and objects into shards, and adds shards to a run that grows.

A run of some size is planned once. It may grow: shards that were planned keep their objects and their bytes,
and more are added, of objects that were not used yet and of views that no older shard has.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.config import RunConfig, config_hash
from viewpoint100k.design import design
from viewpoint100k.errors import InputError
from viewpoint100k.kinship import kin_of
from viewpoint100k.plan import Plan, Shard, generator
from viewpoint100k.records import Panorama, SourceObject, Split
from viewpoint100k.scenes.compose import compose

MOST_PAIRS_PER_OBJECT = 12
PAIRS_OF_A_SMALL_VISIT = 4  # even, as all numbers of pairs in a visit: opposites share their views
# questions are balanced within a shard: with fewer pairs, chance alone leaves them more uneven
PAIRS_PER_SHARD = 1000
PAIRS_PER_SCENE = 6  # unless the settings say otherwise; a scene costs several imports, and can be rearranged
OBJECTS_PER_SHARD = 3  # at least, because one or two may be refused
FEWEST_OBJECTS_TO_SPLIT = 10
# a split's scenes show only its own objects, and should not all show the same few
FEWEST_TO_SPLIT_FOR_SCENES = 40
SCENES_OF_AN_OBJECT = 4  # in an endless source: number of scenes that show each object
SPARE_OBJECTS = 1.5  # in an endless source: ratio of listed to needed objects
ROUNDS_OF_A_STEP = 1000  # visits to an object are numbered from here, and from twice here, as the run grows

Pairs = dict[Split, int]


class _Share(NamedTuple):
    """The share of one split in one step of a run."""

    split: Split
    pairs: int
    uids: Sequence[str]  # of its objects, or scenes, in the order in which they are visited
    shards_before: int  # of this split


def objects_wanted(config: RunConfig) -> int:
    """The number of objects that a run lists from an endless source, including reserves."""
    if config.plan.scenes is not None:
        scenes = SPARE_OBJECTS * config.pairs / (config.plan.pairs_per_object or PAIRS_PER_SCENE)
        return FEWEST_TO_SPLIT_FOR_SCENES + int(
            np.ceil(scenes * config.plan.scenes.most / SCENES_OF_AN_OBJECT)
        )
    per_object = config.plan.pairs_per_object or MOST_PAIRS_PER_OBJECT
    needed = sum(
        int(np.ceil(pairs / per_object)) for pairs in _split_pairs(config, FEWEST_OBJECTS_TO_SPLIT).values()
    )
    return FEWEST_OBJECTS_TO_SPLIT + int(np.ceil(SPARE_OBJECTS * needed))


def make_plan(
    config: RunConfig, objects: Sequence[SourceObject], *, spread: bool, panoramas: Sequence[Panorama] = ()
) -> Plan:
    """Split the objects, cut the pairs into shards, and give each shard its objects.

    Args:
        config: of a run that has not grown.
        spread: use as many of the objects as the pairs allow (a folder); else as few (each costs a download).
        panoramas: of the user's own, which are split, too; a run that grows keeps them as they are.

    Raises:
        InputError: if there are too few objects for the splits.
    """
    per_object = pairs_per_visit(config, len(objects), spread=spread)
    pairs_of = _split_pairs(config, len(objects))
    by_split = _split_objects(config, objects, pairs_of, "splits")
    shards = list[Shard]()
    listed = list(objects)
    for split, pairs in pairs_of.items():
        uids = by_split[split]
        if config.plan.scenes is not None:
            scenes = _scenes(config, _only(objects, uids), split, pairs, per_object)
            listed = [*listed, *scenes]
            uids = [scene.record.uid for scene in scenes]
        shards += _cut(config, _Share(split, pairs, uids, 0), len(shards))
    return Plan(
        config_hash=config_hash(config),
        pairs_per_object=per_object,
        objects=listed,
        shards=shards,
        panoramas=_split_panoramas(config, panoramas, list(pairs_of)),
    )


def _not_in(there: Sequence[SourceObject], things: Sequence[SourceObject]) -> list[SourceObject]:
    known = {thing.record.uid for thing in there}
    return [thing for thing in things if thing.record.uid not in known]


def _again(config: RunConfig, split: str, split_of: Mapping[str, str], removed: Collection[str]) -> list[str]:
    """The objects that a split has already, in random order; they are shown again in new views."""
    step = len(config.grown_from)
    uids = sorted(uid for uid, where in split_of.items() if where == split and uid not in removed)
    order = generator(config.seed, "again", split, step).permutation(len(uids))
    return [uids[place] for place in order]


class Losses(NamedTuple):
    """The losses of a dataset to removals."""

    uids: Collection[str] = ()  # of the objects that were taken out, and are in no new shard
    pairs: int = 0  # of those that were planned: they went with the objects, and new ones make up for them


NO_LOSSES = Losses()


def grow_plan(
    config: RunConfig,
    plan: Plan,
    objects: Sequence[SourceObject],
    *,
    spread: bool,
    losses: Losses = NO_LOSSES,
) -> Plan:
    """Add shards to a plan. Existing shards stay as they are, and no object changes its split.

    New pairs are of objects that the plan does not have yet; where these are too few, also of others, in new
    views.

    Args:
        config: of the run at its new size; `grown_from` has the sizes before.
        plan: of the run before.
        objects: of the source, listed for the new size; the plan's own are known by their uids.
        losses: before it grew to this size.

    Raises:
        InputError: if there are too few objects for the splits.
    """
    old = [_as_planned(shard, plan) for shard in plan.shards]
    split_of = _splits_so_far(plan)
    known = [thing for thing in plan.objects if not thing.parts]
    not_fresh = {thing.record.uid for thing in known} | set(losses.uids)
    fresh = [thing for thing in objects if thing.record.uid not in not_fresh]
    added = config.pairs - sum(len(shard.motions) for shard in old) + losses.pairs
    per_object = pairs_per_visit(config, len(objects), spread=spread, pairs=added)
    pairs_of = _pairs_to_add(config, old, added, len(known) + len(fresh))
    fresh_of = _split_fresh(config, known, fresh, split_of, pairs_of)
    shards = list(old)
    everything = [*plan.objects, *fresh]
    for split, pairs in pairs_of.items():
        names = [*fresh_of.get(split, [])]
        enough = OBJECTS_PER_SHARD + int(np.ceil(pairs / per_object))
        if config.plan.scenes is not None or len(names) < enough:
            names += _again(config, split, split_of, losses.uids)
        if config.plan.scenes is not None:
            made = _scenes(config, _only([*known, *fresh], names), split, pairs, per_object)
            scenes = _not_in(everything, made)
            everything += scenes
            names = [scene.record.uid for scene in scenes]
        before = sum(shard.split == split for shard in old)
        shards += _cut(config, _Share(split, pairs, names, before), len(shards))
    sizes = {
        "config_hash": config_hash(config),
        "pairs": config.pairs,
        "pairs_per_object": per_object,
    }
    return plan.model_copy(update={**sizes, "objects": everything, "shards": shards})


def _as_planned(shard: Shard, plan: Plan) -> Shard:
    """A shard that states the values that the plan had when it was planned."""
    said = {"config_hash": plan.hash_of(shard), "pairs_per_object": plan.pairs_per_object_of(shard)}
    return shard.model_copy(update=said)


def _cut(config: RunConfig, share: _Share, number: int) -> list[Shard]:
    """The shards of one split in one step of a run, counted from `number`."""
    step = len(config.grown_from)
    names = ("motions", share.split, *([step] if step else []))
    motions = design(config.plan, config.gates, share.pairs, generator(config.seed, *names))
    count = _shard_count(config, share.pairs, len(share.uids))
    if count > len(share.uids):
        raise InputError(
            f"{len(share.uids)} objects for {count} shards of split {share.split}: each shard needs at least "
            "one. Use more objects, fewer pairs, or a larger shards.pairs_per_shard"
        )
    out = []
    for index, part in enumerate(np.array_split(np.arange(share.pairs), count)):
        place = share.shards_before + index
        out.append(
            Shard(
                number=number + index,
                split=share.split,
                name=f"{share.split}-{place:05d}-of-{share.shards_before + count:05d}",
                motions=[motions[i] for i in part],
                objects=list(share.uids[index::count]),
                first_round=step * ROUNDS_OF_A_STEP,
            )
        )
    return out


def _only(objects: Sequence[SourceObject], uids: Sequence[str]) -> list[SourceObject]:
    wanted = set(uids)
    return [
        thing for thing in sorted(objects, key=lambda thing: thing.record.uid) if thing.record.uid in wanted
    ]


def _scenes(
    config: RunConfig, objects: Sequence[SourceObject], split: Split, pairs: int, per_scene: int
) -> list[SourceObject]:
    """Scenes of one split's own objects only; more than are needed, because some find no cameras."""
    assert config.plan.scenes is not None
    if len(objects) < config.plan.scenes.fewest:
        raise InputError(
            f"{len(objects)} objects for the scenes of split {split}: plan.scenes.fewest = "
            f"{config.plan.scenes.fewest}. Use more objects, or no such split: plan.validation_share=0, "
            "plan.test_share=0"
        )
    step = len(config.grown_from)
    count = OBJECTS_PER_SHARD + int(np.ceil(SPARE_OBJECTS * pairs / per_scene))
    names = ("scenes", split, *([step] if step else []))
    return compose(config.plan.scenes, objects, count, generator(config.seed, *names))


def pairs_per_visit(config: RunConfig, objects: int, *, spread: bool, pairs: int | None = None) -> int:
    """How many pairs are planned for one visit to an object, or to a scene.

    Args:
        spread: as many of the objects are used as the pairs allow.
        pairs: of this step of a run that grows; None: all.
    """
    if config.plan.pairs_per_object is not None:
        return config.plan.pairs_per_object
    if config.plan.scenes is not None:
        return PAIRS_PER_SCENE
    if not spread:
        return MOST_PAIRS_PER_OBJECT
    # few enough that every object is visited if there are enough pairs, but enough to be worth a visit
    each = (config.pairs if pairs is None else pairs) // max(objects, 1)
    return int(np.clip(each, PAIRS_OF_A_SMALL_VISIT, MOST_PAIRS_PER_OBJECT)) // 2 * 2


def count_shards(config: RunConfig, objects: int) -> int:
    """How many shards a run is cut into, by its number of objects."""
    return sum(_shard_count(config, pairs, objects) for pairs in _split_pairs(config, objects).values())


def _split_pairs(config: RunConfig, objects: int) -> Pairs:
    """The number of pairs of each split that has any; a handful of objects is not split."""
    fewest = FEWEST_OBJECTS_TO_SPLIT if config.plan.scenes is None else FEWEST_TO_SPLIT_FOR_SCENES
    split = objects >= fewest
    validation = round(config.pairs * config.plan.validation_share) if split else 0
    test = round(config.pairs * config.plan.test_share) if split else 0
    pairs: Pairs = {"train": config.pairs - validation - test, "validation": validation, "test": test}
    return {name: number for name, number in pairs.items() if number}


def _pairs_to_add(config: RunConfig, old: Sequence[Shard], added: int, objects: int) -> Pairs:
    """The number of added pairs that each split gets.

    All together it has its share again, as far as that is possible.
    """
    have = Counter[Split]()
    for shard in old:
        have[shard.split] += len(shard.motions)
    left = added
    out: Pairs = {}
    for split, target in reversed(_split_pairs(config, objects).items()):
        out[split] = left if split == "train" else min(left, max(0, target - have[split]))
        left -= out[split]
    return {split: pairs for split, pairs in reversed(out.items()) if pairs}


def _shard_count(config: RunConfig, pairs: int, objects: int) -> int:
    """How many shards a split is cut into: by the setting, else so that each has objects enough."""
    if config.shards.pairs_per_shard:
        return int(np.ceil(pairs / config.shards.pairs_per_shard))
    return max(1, min(int(np.ceil(pairs / PAIRS_PER_SHARD)), objects // OBJECTS_PER_SHARD))


# --- which object is in which split ---------------------------------------------------------------


def _split_objects(
    config: RunConfig, objects: Sequence[SourceObject], pairs_of: Mapping[Split, int], *purpose: str | int
) -> dict[Split, list[str]]:
    """Shuffled uids of each split, in proportion to its pairs; objects that may be the same are in one."""
    things = sorted(objects, key=lambda thing: thing.record.uid)
    uids = [thing.record.uid for thing in things]
    if len(set(uids)) != len(uids):
        raise InputError(f"object uid {next(u for u, n in Counter(uids).items() if n > 1)!r} is listed twice")
    kin = kin_of(things)
    groups = dict[int, list[str]]()
    for place in generator(config.seed, *purpose).permutation(len(uids)):
        groups.setdefault(kin[place], []).append(uids[place])
    left = list(groups.values())
    out: dict[Split, list[str]] = {}
    total = sum(pairs_of.values())
    for split in list(pairs_of)[1:]:
        least = OBJECTS_PER_SHARD if config.plan.scenes is None else FEWEST_TO_SPLIT_FOR_SCENES // 4
        share = max(round(len(uids) * pairs_of[split] / total), least)
        taken, left = _take(left, share)
        if not taken:  # every group is larger than the share: as many groups as it would have objects
            count = max(round(len(groups) * pairs_of[split] / total), least)
            if len(left) >= 2 * count:
                taken = [uid for group in left[:count] for uid in group]
                left = left[count:]
        if not taken:
            raise InputError(
                f"no objects for split {split}: of {len(uids)}, {max(map(len, left), default=0)} may be the "
                "same thing, and must not be in two splits. Use more objects, or no such split: "
                "plan.validation_share=0, plan.test_share=0"
            )
        out[split] = taken
    rest = [uid for group in left for uid in group]
    return {next(iter(pairs_of)): rest, **out} if pairs_of else {}


def _take(groups: Sequence[list[str]], share: int) -> tuple[list[str], list[list[str]]]:
    """The first groups that fit into a share, and the remaining groups."""
    taken = list[str]()
    left = list[list[str]]()
    for group in groups:
        if len(taken) + len(group) <= share:
            taken += group
        else:
            left.append(group)
    return taken, left


def _splits_so_far(plan: Plan) -> dict[str, Split]:
    """The split of each object that a plan uses; of scenes, that of their parts."""
    by_uid = {thing.record.uid: thing for thing in plan.objects}
    out: dict[str, Split] = {}
    for shard in plan.shards:
        for uid in shard.objects:
            for thing in by_uid[uid].parts or [by_uid[uid]]:
                out[thing.record.uid] = shard.split
    return out


def _split_fresh(
    config: RunConfig,
    known: Sequence[SourceObject],
    fresh: Sequence[SourceObject],
    split_of: Mapping[str, Split],
    pairs_of: Mapping[Split, int],
) -> dict[Split, list[str]]:
    """Shuffled uids of the new objects of each split; one that may be an older one goes to its split."""
    step = len(config.grown_from)
    kin = kin_of([*known, *fresh])
    splits_of = dict[int, set[Split]]()
    for thing, group in zip(known, kin, strict=False):
        if thing.record.uid in split_of:
            splits_of.setdefault(group, set()).add(split_of[thing.record.uid])
    free = list[SourceObject]()
    out: dict[Split, list[str]] = {}
    for thing, group in zip(fresh, kin[len(known) :], strict=True):
        where = splits_of.get(group, set())
        if not where:
            free.append(thing)
        elif len(where) == 1:  # otherwise it is related to two splits, and goes to neither
            out.setdefault(next(iter(where)), []).append(thing.record.uid)
    enough = len(pairs_of) * OBJECTS_PER_SHARD
    if len(free) < enough and free:
        out.setdefault("train", []).extend(thing.record.uid for thing in free)
    elif free:
        for split, uids in _split_objects(config, free, pairs_of, "splits", step).items():
            out.setdefault(split, []).extend(uids)
    for split, uids in out.items():
        order = generator(config.seed, "fresh", split, step).permutation(len(uids))
        out[split] = [uids[place] for place in order]
    return out


def _split_panoramas(
    config: RunConfig, panoramas: Sequence[Panorama], splits: Sequence[Split]
) -> dict[Split, list[Panorama]]:
    """Panoramas by the only split that shows them, in the order of their hashes.

    Each split beside the first has one at least, if there are enough for the first to have one, too.
    """
    shares = {"validation": config.plan.validation_share, "test": config.plan.test_share}
    ordered = sorted(panoramas, key=lambda panorama: panorama.record.sha256)
    out: dict[Split, list[Panorama]] = {}
    if len(ordered) >= len(splits):
        for split in splits[1:]:
            count = max(1, round(shares[split] * len(panoramas)))
            out[split] = ordered[:count]
            ordered = ordered[count:]
    out[splits[0]] = ordered
    return out
