"""Plans: exact numbers, disjoint splits, cameras that do what their family says."""

import functools
from collections import Counter

import numpy as np
import pytest

from viewpoint100k.config import load_config
from viewpoint100k.errors import InputError
from viewpoint100k.geometry.relations import motion
from viewpoint100k.plan import generator, make_plan, plan_views
from viewpoint100k.records import FAMILIES, OBJECT_RADIUS, ObjectRecord, SourceObject


def things(count):
    return [SourceObject(record=ObjectRecord(uid=f"thing-{i:03d}")) for i in range(count)]


def shares(config, pairs):
    return {family: share * pairs for family, share in config.plan.families.fractions().items()}


def pairs_of(config, rounds=60, pairs=12):
    """(family, motion) of every planned pair of some objects, both orders."""
    for thing in things(rounds):
        view_set = plan_views(config, thing, 0, shares(config, pairs))
        poses = [np.array(view.world_from_camera) for view in view_set.views]
        for pair in view_set.pairs:
            yield pair.family, motion(poses[pair.first], poses[pair.second])


@pytest.mark.parametrize("pairs", [1, 2, 7, 48, 300, 1003])
def test_the_shards_add_up_to_exactly_the_pairs_asked_for(pairs):
    plan = make_plan(load_config(pairs=pairs), things(200), spread=True)
    assert sum(sum(shard.pairs.values()) for shard in plan.shards) == pairs
    assert [shard.number for shard in plan.shards] == list(range(len(plan.shards)))


def test_no_object_is_in_two_shards():
    plan = make_plan(load_config(pairs=300), things(111), spread=True)
    counts = Counter(uid for shard in plan.shards for uid in shard.objects)
    assert set(counts.values()) == {1}
    assert len(counts) == 111


def test_families_have_their_shares_within_one_pair_in_every_split():
    config = load_config(pairs=400)
    plan = make_plan(config, things(200), spread=True)
    fractions = config.plan.families.fractions()
    for split in ("train", "validation", "test"):
        counts = Counter()
        for shard in plan.shards:
            if shard.split == split:
                counts.update(shard.pairs)
        for family in FAMILIES:
            assert abs(counts[family] - fractions[family] * counts.total()) <= 1.01


def test_no_movement_is_true_in_a_fifth_of_the_default_questions_and_says_nothing_about_the_turn():
    share = load_config().plan.families.fractions()
    no_move, no_turn = share["pan"] + share["still"], share["truck"] + share["still"]
    assert 0.15 <= no_move <= 0.25
    assert 0.15 <= no_turn <= 0.25
    assert share["still"] == pytest.approx(no_move * no_turn, abs=0.02)
    assert share["orbit"] == share["same_sign"]  # a right move goes with a right turn as often as with a left one


def test_the_order_of_the_listing_does_not_matter():
    config = load_config(pairs=100)
    assert make_plan(config, things(50), spread=True).shards == make_plan(config, things(50)[::-1], spread=True).shards


def test_another_seed_gives_another_split_and_other_cameras():
    one, two = load_config(seed=1, pairs=100), load_config(seed=2, pairs=100)
    assert make_plan(one, things(50), spread=True).shards != make_plan(two, things(50), spread=True).shards
    thing = things(1)[0]
    assert plan_views(one, thing, 0, shares(one, 12)) != plan_views(two, thing, 0, shares(two, 12))
    assert plan_views(one, thing, 0, shares(one, 12)) == plan_views(one, thing, 0, shares(one, 12))
    assert plan_views(one, thing, 0, shares(one, 12)) != plan_views(one, thing, 1, shares(one, 12))


def test_a_handful_of_objects_is_not_split():
    assert {shard.split for shard in make_plan(load_config(pairs=100), things(9), spread=True).shards} == {"train"}
    plan = make_plan(load_config(pairs=100), things(10), spread=True)
    objects = {
        split: [u for s in plan.shards if s.split == split for u in s.objects] for split in ("validation", "test")
    }
    assert [len(uids) for uids in objects.values()] == [3, 3]


def test_more_shards_than_objects_is_an_error_that_says_so():
    with pytest.raises(InputError, match="2 objects for 3 shards"):
        make_plan(load_config(pairs=24, overrides=["shards.pairs_per_shard=8"]), things(2), spread=True)
    assert len(make_plan(load_config(pairs=24), things(1), spread=True).shards) == 1


def test_generators_of_different_purposes_are_independent_and_repeatable():
    draws = {generator(7, *names).random() for names in [("a",), ("b",), ("a", 0), ("a", 1), ("a0",)]}
    assert len(draws) == 5
    assert generator(7, "a", 0).random() == generator(7, "a", 0).random()


def test_eight_views_make_about_twelve_pairs():
    config = load_config()
    sets = [plan_views(config, thing, 0, shares(config, 12)) for thing in things(40)]
    assert 7.5 <= np.mean([len(one.views) for one in sets]) <= 9.5
    assert np.mean([len(one.pairs) for one in sets]) >= 11.5


@pytest.mark.parametrize("pairs", [1, 3, 6, 12, 30])
def test_one_visit_carries_its_objects_share_of_every_family(pairs):
    config = load_config()
    counts, share = Counter(), config.plan.families.fractions()
    for thing in things(200):
        counts.update(pair.family for pair in plan_views(config, thing, 0, shares(config, pairs)).pairs)
    for family in FAMILIES:
        assert counts[family] / 200 >= 0.85 * min(share[family] * pairs, share[family] * pairs - 0.9)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_visit_for_one_missing_pair_makes_that_pair_with_few_views(family):
    for thing in things(20):
        view_set = plan_views(load_config(), thing, 1, {family: 1.0})
        assert family in {pair.family for pair in view_set.pairs}
        assert len(view_set.views) <= 3


def test_each_family_moves_and_turns_as_its_name_says():
    config = load_config()
    seen = Counter()
    for family, found in pairs_of(config):
        right, yaw, around = found.translation[0], found.yaw_deg, found.azimuth_change_deg
        seen[family] += 1
        if family == "orbit":
            assert 19.99 <= abs(around) <= 100.01
            assert np.sign(right) == np.sign(around) == -np.sign(yaw)
        elif family == "truck":
            assert abs(right) >= 0.25
            assert yaw == pytest.approx(0, abs=1e-9)
        elif family == "pan":
            assert np.allclose(found.translation, 0)
            assert abs(yaw) >= 10
        elif family == "same_sign":
            assert abs(right) >= 0.25
            assert abs(yaw) >= 10
            assert np.sign(right) == np.sign(yaw)
        else:
            assert abs(right) <= 0.02
            assert abs(yaw) <= 1e-6
            assert np.abs(found.translation[1:]).max() >= 0.15  # it does move, only not sideways
    assert set(seen) == set(FAMILIES)


def test_the_preset_of_the_paper_holds_orbits_and_still_pairs_only():
    families = {family for family, _ in pairs_of(load_config("viewpoint-100k"), rounds=20)}
    assert families == {"orbit", "still"}


@pytest.mark.parametrize("preset", ["smoke", "viewpoint-100k", "viewpoint-6dof"])
def test_nearly_all_of_the_objects_sphere_is_inside_every_frame(preset):
    config = load_config(preset)
    outside = []
    for thing in things(60):
        view_set = plan_views(config, thing, 0, shares(config, 12))
        for view in view_set.views:
            camera = np.array(view.world_from_camera)
            to_object = camera[:3, :3].T @ -camera[:3, 3]
            half_sphere = np.arcsin(OBJECT_RADIUS / np.linalg.norm(to_object))
            for side in to_object[:2]:
                angle = np.arctan2(abs(side), to_object[2]) + half_sphere
                outside.append(np.degrees(angle) - 0.5 * view.hfov_deg)
    assert np.quantile(outside, 0.9) < 1.5


# --- light and background -------------------------------------------------------------------------


@functools.cache
def planned(*overrides):
    """View sets of many objects."""
    config = load_config(overrides=list(overrides))
    return [plan_views(config, thing, 0, shares(config, 6)) for thing in things(120)]


def test_lamps_of_the_world_hang_above_and_those_on_the_camera_are_behind_it():
    lamps = [lamp for one in planned() for light in one.lights for lamp in light.lamps]
    assert all(np.linalg.norm(lamp.direction) == pytest.approx(1) for lamp in lamps)
    assert all(lamp.direction[2] > 0.3 for lamp in lamps if lamp.frame == "world")
    assert all(lamp.direction[2] < -0.5 for lamp in lamps if lamp.frame == "camera")  # OpenCV axes: z is forward
    assert all(len({lamp.frame for lamp in light.lamps}) == 1 for one in planned() for light in one.lights)


def test_lights_take_turns_over_the_views_in_no_fixed_order():
    patterns = set()
    for one in planned():
        counts = Counter(view.light for view in one.views)
        assert set(counts) == set(range(len(one.lights)))
        assert max(counts.values()) - min(counts.values()) <= 1
        assert {probe.light for probe in one.probes} == {0}
        if len(one.lights) == 2:
            patterns.add(tuple(view.light for view in one.views)[:4])
    assert len(patterns) > 8


def test_in_about_half_of_the_pairs_of_a_relit_object_the_light_differs():
    relit = [one for one in planned("render.relit_share=1") if len(one.lights) == 2]
    assert len(relit) == 120
    differ = [one.views[pair.first].light != one.views[pair.second].light for one in relit for pair in one.pairs]
    assert 0.45 < np.mean(differ) < 0.7
    assert all(one.lights[0].lamps != one.lights[1].lamps for one in relit)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_so_many_objects_are_seen_in_two_lights_and_so_many_lights_stand_on_the_camera(share):
    sets = planned(f"render.relit_share={share}", f"render.camera_lamp_share={share}")
    assert np.mean([len(one.lights) == 2 for one in sets]) == pytest.approx(share, abs=0.12)
    on_camera = [light.label.endswith("/camera") for one in sets for light in one.lights]
    assert np.mean(on_camera) == pytest.approx(share, abs=0.12)


def test_where_the_surroundings_are_seen_another_light_is_not_another_place():
    seen = [one for one in planned("render.relit_share=1") if one.background.kind in {"hdri", "blurred"}]
    assert len(seen) > 30
    for one in seen:
        assert len({(light.name, light.rotation_deg) for light in one.lights}) == 1


def test_backgrounds_have_their_shares_and_only_a_gradient_fades():
    config = load_config(overrides=["render.backgrounds={hdri: 1, blurred: 2, plain: 0, gradient: 3, ground: 4}"])
    backgrounds = [plan_views(config, thing, 0, {"orbit": 1}).background for thing in things(200)]
    counts = Counter(background.kind for background in backgrounds)
    for kind, share in {"hdri": 0.1, "blurred": 0.2, "plain": 0, "gradient": 0.3, "ground": 0.4}.items():
        assert counts[kind] / 200 == pytest.approx(share, abs=0.1)
    for background in backgrounds:
        assert (background.rgb != background.rgb_below) == (background.kind == "gradient")


def test_another_visit_to_the_same_object_has_another_light():
    config, thing = load_config(), things(1)[0]
    one, two = (plan_views(config, thing, round_, shares(config, 6)).lights for round_ in (0, 1))
    assert one != two


def test_probes_stand_around_the_object_at_even_steps_and_hold_its_whole_sphere():
    for one in planned():
        positions = np.array([probe.world_from_camera for probe in one.probes])[:, :3, 3]
        azimuths = np.degrees(np.arctan2(positions[:, 1], positions[:, 0]))
        assert np.allclose(np.diff(np.unwrap(azimuths, period=360)), 30)
        assert len(positions) == 12
        assert np.allclose(positions[:, 2], positions[0, 2])
        half_sphere = np.degrees(np.arcsin(OBJECT_RADIUS / np.linalg.norm(positions[0])))
        assert half_sphere <= one.probes[0].hfov_deg / 2 + 1e-9
