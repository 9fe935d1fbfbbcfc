"""Runs that grow: what was planned stays, no object changes its split, and the whole keeps its balance."""

from collections import Counter

import pytest

from viewpoint100k.config import RunConfig, config_hash, known_hashes, load_config, public_tree
from viewpoint100k.errors import InputError
from viewpoint100k.partition import Losses, grow_plan, make_plan
from viewpoint100k.pipeline import plan_run
from viewpoint100k.plan import plan_views
from viewpoint100k.records import ObjectRecord, SourceObject
from viewpoint100k.run_state import RunPaths, read_plan


def things(count, start=0):
    return [SourceObject(record=ObjectRecord(uid=f"thing-{i:04d}")) for i in range(start, start + count)]


def planned(sizes, counts, *overrides, preset="smoke", spread=False):
    """The plan of a run at its last size; `counts` of the source's objects at each."""
    config = load_config(preset, [f"grown_from={sizes[:-1]}", *overrides], pairs=sizes[-1])
    plan = None
    for step, count in zip(config.steps(), counts, strict=True):
        if plan is None:
            plan = make_plan(step, things(count), spread=spread)
        else:
            plan = grow_plan(step, plan, things(count), spread=spread)
    return config, plan


def pairs_by_split(plan):
    counts = Counter()
    for shard in plan.shards:
        counts[shard.split] += len(shard.motions)
    return counts


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize(("sizes", "counts"), [([200, 400], [60, 110]), ([100, 130, 700], [40, 45, 160])])
def test_a_run_that_grows_has_its_old_shards_and_as_many_pairs_as_asked_for(sizes, counts, spread):
    _, before = planned(sizes[:-1], counts[:-1], spread=spread)
    _, plan = planned(sizes, counts, spread=spread)
    old = plan.shards[: len(before.shards)]
    for shard, now in zip(before.shards, old, strict=True):
        assert (now.name, now.number, now.split) == (shard.name, shard.number, shard.split)
        assert (now.motions, now.objects, now.first_round) == (
            shard.motions,
            shard.objects,
            shard.first_round,
        )
        assert plan.hash_of(now) == before.hash_of(shard)
        assert plan.pairs_per_object_of(now) == before.pairs_per_object_of(shard)
    assert sum(len(shard.motions) for shard in plan.shards) == sizes[-1]
    assert [shard.number for shard in plan.shards] == list(range(len(plan.shards)))
    keys = [shard.name.split("-of-")[0] for shard in plan.shards]
    assert len(set(keys)) == len(keys)
    tenth = sizes[-1] / 10
    assert pairs_by_split(plan)["validation"] == pytest.approx(tenth, abs=1)
    assert pairs_by_split(plan)["test"] == pytest.approx(tenth, abs=1)


def test_no_object_is_in_two_splits_and_new_objects_come_first():
    _, plan = planned([200, 400], [60, 110])
    splits = {}
    for shard in plan.shards:
        for uid in shard.objects:
            splits.setdefault(uid, set()).add(shard.split)
    assert all(len(where) == 1 for where in splits.values())
    new = [shard for shard in plan.shards if shard.first_round]
    assert {uid for shard in new for uid in shard.objects} >= {one.record.uid for one in things(50, 60)}


def test_without_new_objects_the_old_ones_are_seen_from_other_sides():
    config, plan = planned([200, 400], [60, 60], spread=True)
    old = [shard for shard in plan.shards if not shard.first_round]
    new = [shard for shard in plan.shards if shard.first_round]
    split_of = {uid: shard.split for shard in old for uid in shard.objects}
    assert all(split_of[uid] == shard.split for shard in new for uid in shard.objects)
    uid = new[0].objects[0]
    thing = next(one for one in plan.objects if one.record.uid == uid)
    codes = new[0].motions[:4]
    assert (
        plan_views(config, thing, 0, codes).views
        != plan_views(config, thing, new[0].first_round, codes).views
    )


def test_each_step_is_as_balanced_as_a_run_of_its_own():
    _, plan = planned([200, 400], [60, 110])
    codes = [code for shard in plan.shards if shard.split == "train" for code in shard.motions]
    for place in range(4):
        counts = Counter(code[place] for code in codes)
        assert abs(counts["+"] - counts["-"]) <= 2


def test_a_new_object_that_may_be_an_old_one_goes_to_its_split():
    config = load_config(overrides=["grown_from=[200]"], pairs=400)
    before = make_plan(config.steps()[0], things(60), spread=False)
    split_of = {uid: shard.split for shard in before.shards for uid in shard.objects}
    at_home = next(uid for uid, split in split_of.items() if split == "test")
    marked = [
        one.model_copy(update={"kin": ["same"]}) if one.record.uid == at_home else one
        for one in before.objects
    ]
    twin = SourceObject(record=ObjectRecord(uid="twin"), kin=["same"])
    before = before.model_copy(update={"objects": marked})
    plan = grow_plan(config, before, [*marked, *things(60, 60), twin], spread=False)
    assert {shard.split for shard in plan.shards if "twin" in shard.objects} == {"test"}


def test_groups_that_are_larger_than_a_split_are_divided_by_their_number():
    copies = [one.model_copy(update={"kin": [f"mesh {n % 25}"]}) for n, one in enumerate(things(1000))]
    config = load_config(pairs=200, overrides=["plan.validation_share=0.02", "plan.test_share=0.02"])
    plan = make_plan(config, copies, spread=True)
    group_of = {one.record.uid: one.kin[0] for one in copies}
    splits = {}
    for shard in plan.shards:
        for uid in shard.objects:
            splits.setdefault(group_of[uid], set()).add(shard.split)
    assert len(splits) == 25
    assert all(len(where) == 1 for where in splits.values())
    assert Counter(next(iter(where)) for where in splits.values())["test"] >= 2


def test_scenes_of_a_grown_run_are_of_objects_of_their_own_split():
    _, plan = planned([60, 120], [60, 80], preset="scenes")
    parts = {one.record.uid: [part.record.uid for part in one.parts] for one in plan.objects if one.parts}
    splits = {}
    for shard in plan.shards:
        for uid in shard.objects:
            for part in parts[uid]:
                splits.setdefault(part, set()).add(shard.split)
    assert all(len(where) == 1 for where in splits.values())
    assert sum(len(shard.motions) for shard in plan.shards) == 120


def test_a_run_that_was_too_small_to_split_gets_its_splits_from_new_objects():
    _, plan = planned([40, 200], [6, 60])
    assert pairs_by_split(plan)["validation"] == 20
    assert all(shard.split == "train" for shard in plan.shards if not shard.first_round)


# --- the folder of a run --------------------------------------------------------------------------


def test_a_run_folder_grows_and_planning_it_from_its_last_settings_gives_the_same_plan(tmp_path):
    plan_run(tmp_path / "run", load_config(pairs=60, seed=3))
    for _ in range(2):  # the second time there is nothing to do
        grown = plan_run(tmp_path / "run", load_config(pairs=150, seed=3))
    grown = plan_run(tmp_path / "run", load_config(pairs=200, seed=3))
    config = load_config(overrides=["grown_from=[60,150]"], pairs=200, seed=3)
    assert plan_run(tmp_path / "other", config) == grown == read_plan(tmp_path / "run")
    hashes = {grown.hash_of(shard) for shard in grown.shards}
    assert hashes == known_hashes(public_tree(config)) == {config_hash(step) for step in config.steps()}
    assert len(hashes) == 3


def test_growing_that_was_killed_before_the_plan_was_written_is_taken_up(tmp_path):
    out = tmp_path / "run"
    plan_run(out, load_config(pairs=60))
    before = RunPaths(out).plan.read_bytes()
    grown = plan_run(out, load_config(pairs=120))
    RunPaths(out).plan.write_bytes(before)  # the settings were written, the plan was not
    assert plan_run(out, load_config(pairs=120)) == grown


def test_a_run_that_lost_objects_grows_to_the_pairs_asked_for_without_them():
    _, plan = planned([200, 400], [60, 60])
    before = planned([200], [60])[1]
    gone = {shard.objects[0] for shard in before.shards}
    config = load_config(overrides=["grown_from=[200]"], pairs=400)
    grown = grow_plan(config, before, things(60), spread=False, losses=Losses(gone, 17))
    new = [shard for shard in grown.shards if shard.first_round]
    assert grown.shards[0].objects == plan.shards[0].objects  # what was planned stays
    assert not gone & {uid for shard in new for uid in shard.objects}
    assert sum(len(shard.motions) for shard in grown.shards) == 417
    assert grown.size == 400


@pytest.mark.parametrize(
    ("change", "message"),
    [({"pairs": 40}, "can grow, not shrink"), ({"pairs": 90, "seed": 8}, "there seed is 0")],
)
def test_a_run_does_not_shrink_and_does_not_change_otherwise(tmp_path, change, message):
    plan_run(tmp_path / "run", load_config(pairs=60))
    with pytest.raises(InputError, match=message):
        plan_run(tmp_path / "run", load_config(**change))


@pytest.mark.parametrize("grown_from", [[100], [50, 50], [0], [70, 60]])
def test_sizes_that_do_not_grow_are_refused(grown_from):
    with pytest.raises(ValueError, match="growing"):
        RunConfig(pairs=100, grown_from=grown_from)
