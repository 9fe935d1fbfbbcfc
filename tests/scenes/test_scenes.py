"""Scenes before anything is rendered: who is together, where they stand, what they are called."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.spatial import ConvexHull, Delaunay
from scipy.spatial.distance import cdist

from viewpoint100k.config import ScenesConfig, load_config
from viewpoint100k.errors import InputError
from viewpoint100k.partition import make_plan
from viewpoint100k.plan import plan_views
from viewpoint100k.records import OBJECT_RADIUS, ObjectRecord, ScenePlan, SourceObject
from viewpoint100k.scenes.catalogue import might_be, noun_of, size_m
from viewpoint100k.scenes.compose import compose, scene_object, scene_record
from viewpoint100k.scenes.naming import call, colour_of, colour_shares
from viewpoint100k.scenes.placement import DIRECTIONS, Footprint, arrange, fitted


def record(uid, category="unknown", title="", licence="CC0-1.0", author="A"):
    return ObjectRecord(uid=uid, sha256=f"{hash(uid) & 0xFFFF:064x}", category=category, title=title, licence=licence, author=author)  # fmt: skip


def things(count):
    nouns = ("chair", "car", "mug", "tree", "dog", "house")
    return [SourceObject(record=record(f"thing-{i:03d}", nouns[i % len(nouns)])) for i in range(count)]


def footprint(points):
    """What a renderer would measure of points (N, 3) about the middle of their box."""
    angles = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    return Footprint(np.ptp(points, axis=0), (points[:, :2] @ [np.cos(angles), np.sin(angles)]).max(axis=0))


def cloud(rng):
    """Points of an object in its own axes: long, round or flat, anything."""
    points = rng.normal(size=(60, 3)) * rng.uniform(0.15, 1, 3)
    points -= 0.5 * (points.min(axis=0) + points.max(axis=0))
    return points * OBJECT_RADIUS / np.linalg.norm(points, axis=1).max()


def plan(seed, event=None):
    return ScenePlan(
        seed=seed, gap=0.05, largest_over_smallest=2.0, event=event, move=[0.25, 0.7], turn_deg=[40, 140]
    )


def placed(matrix, points):
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def distance_on_the_ground(a, b):
    """Between the outlines of two sets of points; 0 if they meet.

    By hulls of scipy and many points on their edges.
    """
    hulls = [points[ConvexHull(points).vertices] for points in (a, b)]
    edges = [
        np.concatenate([h + t * (np.roll(h, -1, axis=0) - h) for t in np.linspace(0, 1, 25, endpoint=False)])
        for h in hulls
    ]
    if (Delaunay(hulls[0]).find_simplex(edges[1]) >= 0).any() or (
        Delaunay(hulls[1]).find_simplex(edges[0]) >= 0
    ).any():
        return 0.0
    return float(cdist(*edges).min())


@pytest.mark.parametrize("event", [None, "moved", "turned", "gone"])
def test_objects_stand_apart_upright_and_on_the_ground_whatever_their_shapes(event):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        points = [cloud(rng) for _ in range(3 + seed % 4)]
        footprints, parts = [footprint(p) for p in points], things(len(points))
        layout = arrange(plan(seed, event), parts, footprints)
        every = np.concatenate([placed(m, p) for state in layout.states for m, p in zip(state, points, strict=True) if m is not None])  # fmt: skip
        middle = 0.5 * (every.min(axis=0) + every.max(axis=0))
        assert np.linalg.norm(every, axis=1).max() <= OBJECT_RADIUS + 1e-9  # already, by what reach allows
        layout = fitted(layout, footprints, middle, float(np.linalg.norm(every - middle, axis=1).max()))
        for number, state in enumerate(layout.states):
            there = [placed(m, p) for m, p in zip(state, points, strict=True) if m is not None]
            for one, other in itertools.combinations(there, 2):
                assert distance_on_the_ground(one[:, :2], other[:, :2]) >= 0.05 * OBJECT_RADIUS - 1e-6
            for one in there:
                assert one[:, 2].min() == pytest.approx(layout.ground, abs=1e-9)
            for m, pose, size in zip(state, layout.poses[number], layout.sizes, strict=True):
                if m is not None:
                    assert m[2, :2] == pytest.approx(0) and m[2, 2] > 0
                    assert pose[:3, 3] + [0, 0, size[2] / 2] == pytest.approx(m[:3, 3])
        assert np.linalg.norm(np.concatenate([placed(m, p) for s in layout.states for m, p in zip(s, points, strict=True) if m is not None]), axis=1).max() == pytest.approx(OBJECT_RADIUS)  # fmt: skip


@pytest.mark.parametrize("event", ["moved", "turned", "gone"])
def test_an_event_changes_one_object_by_as_much_as_it_is_to_and_no_other(event):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        footprints = [footprint(cloud(rng)) for _ in range(4)]
        layout = arrange(plan(seed, event), things(4), footprints)
        before, after = layout.states
        for number in range(4):
            if number != layout.changed:
                assert np.array_equal(before[number], after[number])
        a, b = before[layout.changed], after[layout.changed]
        if event == "gone":
            assert b is None
        elif event == "moved":
            assert 0.25 * 0.8 <= np.linalg.norm(b[:3, 3] - a[:3, 3]) / OBJECT_RADIUS <= 0.71
            assert np.array_equal(a[:3, :3], b[:3, :3])
        else:
            turn = np.degrees(np.arccos(np.clip((np.trace(a[:3, :3].T @ b[:3, :3]) / np.linalg.det(a[:3, :3]) ** (2 / 3) - 1) / 2, -1, 1)))  # fmt: skip
            assert 38.5 <= turn <= 141.5
            assert np.array_equal(a[:3, 3], b[:3, 3])


def test_the_same_seed_gives_the_same_places():
    rng = np.random.default_rng(0)
    footprints = [footprint(cloud(rng)) for _ in range(5)]
    one, other, third = (arrange(plan(seed), things(5), footprints) for seed in (1, 1, 2))
    assert np.array_equal(one.states, other.states) and not np.array_equal(one.states, third.states)


def test_sizes_are_in_the_order_of_real_things_but_nearer_to_each_other():
    parts = [SourceObject(record=record(noun, noun)) for noun in ("mug", "chair", "house")]
    box = Footprint(np.ones(3), np.full(DIRECTIONS, 0.6))
    for seed in range(10):
        mug, chair, house = (size.max() for size in arrange(plan(seed), parts, [box] * 3).sizes)
        assert mug < chair < house and house / mug == pytest.approx(2.0)


# --- who is together ---------------------------------------------------------------------------------


def test_all_objects_appear_as_often_as_each_other_and_none_twice_in_a_scene():
    scenes = compose(ScenesConfig(), things(40), 60, np.random.default_rng(0))
    counts = Counter(part.record.uid for scene in scenes for part in scene.parts)
    assert len(counts) == 40 and max(counts.values()) - min(counts.values()) <= 2
    assert all(len({part.record.uid for part in scene.parts}) == len(scene.parts) for scene in scenes)
    assert {len(scene.parts) for scene in scenes} == {3, 4, 5, 6}
    assert len({scene.record.uid for scene in scenes}) == 60


def test_a_scene_is_under_all_licences_of_its_objects_that_ask_for_something():
    parts = [
        record("a"),
        record("b", licence="CC-BY-4.0", author="B"),
        record("c", licence="CC-BY-SA-4.0 and CC-BY-4.0"),
    ]
    assert scene_record("scene-x", parts).licence == "CC-BY-4.0 and CC-BY-SA-4.0"
    assert scene_record("scene-x", parts[:1] * 2).licence == "CC0-1.0"
    assert scene_record("scene-x", parts).author == "A and B"
    changed = [*parts[:2], parts[2].model_copy(update={"sha256": "f" * 64})]
    assert scene_record("scene-x", parts).sha256 != scene_record("scene-x", changed).sha256


def config(**overrides):
    settings = [f"{name}={value}" for name, value in overrides.items()]
    return load_config("scenes", ["plan.validation_share=0.2", "plan.test_share=0.1", *settings], pairs=90)


def test_the_objects_of_a_splits_scenes_are_in_no_other_split():
    made = make_plan(config(), things(80), spread=True)
    by_uid = {thing.record.uid: thing for thing in made.objects}
    used = {}
    for shard in made.shards:
        for uid in shard.objects:
            used.setdefault(shard.split, set()).update(part.record.uid for part in by_uid[uid].parts)
    assert set(used) == {"train", "validation", "test"}
    assert all(len(objects) >= 10 for objects in used.values())
    assert not any(used[a] & used[b] for a, b in itertools.combinations(used, 2))


def test_too_few_objects_for_scenes_are_an_error_that_says_what_to_do():
    with pytest.raises(InputError, match=r"plan\.scenes\.fewest = 3"):
        make_plan(config(), things(2), spread=True)


def test_events_are_as_many_as_asked_for_and_each_kind_as_often_with_a_camera_at_rest():
    made = make_plan(config(**{"plan.scenes.events": 0.6}), things(80), spread=True)
    codes = [code for shard in made.shards for code in shard.motions]
    events = [code for code in codes if "/" in code]
    assert len(events) == pytest.approx(0.6 * 90, abs=2)
    still = Counter(code.partition("/")[2] for code in events if code.startswith("0000000"))
    moving = Counter(code.partition("/")[2] for code in events if not code.startswith("0000000"))
    for counts in (still, moving):
        assert set(counts) == {"moved", "turned", "gone"}
        assert max(counts.values()) - min(counts.values()) <= 6  # some of the moving ones are at rest by lot


def test_the_two_views_of_an_event_are_of_different_states_and_other_pairs_of_the_first():
    thing = scene_object(0, things(4))
    codes = ["0000000/moved", "+00-000", "0000000/turned", "+00-000/moved", "0000000", "-00+000/moved"]
    for round_ in range(5):
        view_set = plan_views(config(), thing, round_, codes)
        assert view_set.scene.event == "moved"
        assert {pair.code for pair in view_set.pairs} <= set(codes) - {"0000000/turned"}
        for pair in view_set.pairs:
            states = [view_set.views[i].state for i in (pair.first, pair.second)]
            assert sorted(states) == ([0, 1] if pair.event else [0, 0])


# --- what they are called ------------------------------------------------------------------------------


def test_a_noun_is_a_known_category_or_the_one_known_word_of_a_title():
    assert noun_of(record("a", "chair")) == "chair"
    assert noun_of(record("a", "teddy_bear")) == "teddy bear"
    assert noun_of(record("a", "vehicle", "milk_truck")) == "truck"
    assert noun_of(record("a", "unknown", "OfficeChair 2")) == "chair"
    assert noun_of(record("a", "vehicle", "Model T")) == "vehicle"
    assert noun_of(record("a", "unknown", "car wheel")) == ""  # nobody knows which of both it is
    assert noun_of(record("a", "my_downloads")) == ""
    assert size_m(record("a", "mug")) < size_m(record("a", "chair")) < size_m(record("a", "house"))


def test_an_animal_might_be_a_dog_and_what_is_unknown_might_be_anything():
    assert might_be(record("a", "dog"), "animal") and might_be(record("a", "animal", "Rex"), "dog")
    assert not might_be(record("a", "car"), "dog")
    assert might_be(record("a"), "dog")
    assert not might_be(record("a", "tool", "blaster"), "dog")


PLAIN = {
    "red": (200, 20, 20), "orange": (240, 130, 20), "yellow": (240, 220, 40), "green": (40, 160, 60), "blue": (30, 60, 200),
    "purple": (120, 30, 190), "pink": (240, 110, 190), "brown": (110, 70, 35), "black": (15, 15, 15), "grey": (120, 120, 120),
    "white": (245, 245, 245),
}  # fmt: skip


def linear(rgb):
    value = np.asarray(rgb) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(("name", "rgb"), PLAIN.items())
def test_colours_have_the_names_that_people_give_them(name, rgb):
    assert colour_of(colour_shares(np.tile(linear(rgb), (50, 1)))) == name


def test_an_object_of_two_colours_has_no_one_colour():
    both = np.array([linear(PLAIN["red"]), linear(PLAIN["blue"])]).repeat(50, axis=0)
    assert colour_of(colour_shares(both)) is None
    assert colour_of(colour_shares(np.zeros((0, 3)))) is None


def test_a_name_fits_one_object_only_by_noun_then_colour_then_letter():
    def pixels(*names):
        return colour_shares(np.array([linear(PLAIN[name]) for name in names]).repeat(20, axis=0))

    cars = [record("a", "car"), record("b", "car"), record("c", "dog")]
    assert [one.name for one in call(cars, [pixels("red"), pixels("blue"), pixels("brown")])] == [
        "the red car", "the blue car", "the dog",
    ]  # fmt: skip
    # the second car is partly red: "the red car" might be either
    assert [one.name for one in call(cars, [pixels("red"), pixels("red", "blue"), pixels("brown")])] == [
        "the object marked A", "the object marked B", "the dog",
    ]  # fmt: skip
    animals = [record("a", "animal", "Rex"), record("b", "dog"), record("c", "car")]
    assert [one.named_by for one in call(animals, [pixels("red")] * 3)] == ["letter", "letter", "noun"]
    houses = [record("a", "building", "old pillar"), record("b", "house"), record("c", "car")]
    assert [one.named_by for one in call(houses, [pixels("red"), pixels("blue"), pixels("red")])] == [
        "letter",
        "colour",
        "noun",
    ]
    unknown = [record("a"), record("b", "dog"), record("c", "car")]
    assert {one.named_by for one in call(unknown, [pixels("red")] * 3)} == {"letter"}
