"""Scenes from the render process: what is hidden, what is alone, and what an event leaves as it was."""

import numpy as np
import pytest

from viewpoint100k.annotate import scene_now
from viewpoint100k.config import load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.objects.builtin import build_builtin, list_builtin
from viewpoint100k.plan import plan_views
from viewpoint100k.records import PlannedPair, PlannedView
from viewpoint100k.scenes.compose import scene_object
from viewpoint100k.scenes.labels import event_between, scene_of

CONFIG = load_config("scenes", ["render.size_px=160", "render.samples=1", "render.relit_share=0"])
GATES = CONFIG.gates.model_copy(update={"min_part_visible": 0.0, "min_part_pixels": 1})


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """Four builtin objects and their files."""
    folder, things = tmp_path_factory.mktemp("toys"), list_builtin(4, 7)
    paths = {}
    for number, thing in enumerate(things):
        paths[number] = folder / f"{thing.record.uid}.glb"
        paths[number].write_bytes(build_builtin(thing.record.uid))
    return scene_object(0, things), paths


@pytest.fixture(scope="module")
def engine(tmp_path_factory, needs_bpy):
    with Engine(CONFIG.render, tmp_path_factory.mktemp("engine")) as engine:
        yield engine


def planned(thing, event, azimuths=tuple(range(0, 360, 30))):
    """From each azimuth one picture of either state, low, so that things hide each other."""
    view_set = plan_views(CONFIG, thing, 2, [f"0000000/{event}"])
    views = []
    for azimuth in np.radians(azimuths):
        place = 1.5 * np.array([np.cos(azimuth), np.sin(azimuth), 0.15])
        ahead = -place / np.linalg.norm(place)
        right = np.cross(ahead, [0, 0, 1])
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = right, np.cross(ahead, right), ahead, place
        views += [PlannedView(world_from_camera=pose.tolist(), hfov_deg=55, state=state) for state in (0, 1)]
    pairs = [
        PlannedPair(first=i, second=i + 1, motion="0000000", event=event) for i in range(0, len(views), 2)
    ]
    return view_set.model_copy(update={"views": views, "pairs": pairs, "probes": []})


@pytest.fixture(scope="module")
def gone(toys, engine):
    thing, paths = toys
    view_set = planned(thing, "gone")
    rendered = engine.render(view_set, paths)
    assert isinstance(rendered, Rendered), rendered
    return view_set, rendered


def test_pixels_that_an_object_has_alone_are_those_that_it_has_once_what_hid_it_is_gone(gone):
    _, rendered = gone
    compared = 0
    for number in range(0, len(rendered.views), 2):
        with_it, without = rendered.views[number], rendered.views[number + 1]
        assert not (without.part_index == rendered.layout.changed + 1).any()
        assert (without.solo[rendered.layout.changed]) == 0
        for part in range(4):
            if part == rendered.layout.changed:
                continue
            alone = (
                without.part_index == part + 1
            ).sum()  # where the changing object was the only one to hide it
            if without.solo[part] != alone:
                continue
            assert with_it.solo[part] == pytest.approx(alone, rel=0.02, abs=4)
            hidden = alone - (with_it.part_index == part + 1).sum()
            assert (rendered.layout.changed in with_it.hidden_by[part]) == (
                hidden >= 0.05 * alone
            ) or hidden == 0
            compared += hidden > 20
    assert compared >= 2


def test_an_event_leaves_all_else_where_it_was_bit_by_bit(gone):
    _, rendered = gone
    changed = rendered.layout.changed + 1
    for number in range(0, len(rendered.views), 2):
        one, other = rendered.views[number], rendered.views[number + 1]
        same = one.part_index != changed
        assert np.array_equal(one.part_index[same], other.part_index[same])
        assert np.array_equal(
            one.depth[same & (one.part_index > 0)], other.depth[same & (one.part_index > 0)]
        )


@pytest.mark.parametrize("event", ["moved", "turned"])
def test_an_object_that_moves_or_turns_is_drawn_where_its_record_says(toys, engine, event):
    thing, paths = toys
    view_set = planned(thing, event, azimuths=(30, 200))
    rendered = engine.render(view_set, paths)
    records = {number: part.record for number, part in enumerate(thing.parts)}
    now = scene_now(view_set, rendered.views, [], rendered.layout, rendered.parts, records)
    shots = [now.shots[0], now.shots[1]]
    found = event_between(*shots, list(now.shots.values()), now.layout)
    scene = scene_of(now.parts, now.layout.ground, shots, GATES, found)
    assert scene.change.kind == event and scene.change.part == rendered.layout.changed
    assert scene.change.difference > 0.1
    for number, seen in enumerate(scene.views):
        for part, pixels in zip(scene.parts, seen.parts, strict=True):
            if pixels.box is None:
                continue
            # its mask is inside its 3D box, projected by the record, and fills most of it if nothing hides it
            box, full = np.array(pixels.box), np.array(pixels.full_box)
            assert (box[:2] >= full[:2] - 1.5).all() and (box[2:] <= full[2:] + 1.5).all()
            if pixels.visible_fraction == 1 and not pixels.cut:
                assert np.prod(box[2:] - box[:2]) > 0.5 * np.prod(full[2:] - full[:2]), (number, part.name)


def test_an_object_that_cannot_be_loaded_is_left_out_and_named(toys, engine, tmp_path):
    thing, paths = toys
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF" + bytes(40))
    view_set = planned(thing, "gone", azimuths=(0,))
    rendered = engine.render(view_set, {**paths, 1: broken})
    assert isinstance(rendered, Rendered), rendered
    assert rendered.parts == (0, 2, 3) and set(rendered.problems) == {1}
    assert {int(i) for i in np.unique(rendered.views[0].part_index)} <= {0, 1, 2, 3}
