"""The views that wrong answers imply, planned and really rendered."""

import numpy as np
import pytest
import trimesh

from viewpoint100k.annotate import Counterfactuals, promising, wrong_turns_deg
from viewpoint100k.config import load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.geometry.relations import motion
from viewpoint100k.plan import plan_views
from viewpoint100k.quality import portray
from viewpoint100k.records import ObjectRecord, SourceObject, matrix

CONFIG = load_config(overrides=["render.size_px=48", "render.samples=1"])


def planned(uid="toy", pairs=None):
    return plan_views(CONFIG, SourceObject(record=ObjectRecord(uid=uid)), 0, pairs or {"orbit": 1, "truck": 1})


def test_a_wrong_answer_is_the_second_camera_turned_about_the_object():
    view_set = planned()
    wrong = Counterfactuals(view_set, CONFIG.gates)
    positions = np.array([matrix(view.world_from_camera)[:3, 3] for view in wrong.views])
    for pair in view_set.pairs:
        first, second = (matrix(view_set.views[i].world_from_camera) for i in (pair.first, pair.second))
        turns = wrong_turns_deg(first, motion(first, second), CONFIG.gates)
        for turn in (turn for both in turns.values() for turn in both):
            # the object seen turned counter-clockwise is the object seen by a camera gone clockwise
            angle = np.radians(-turn)
            x, y, z = second[:3, 3]
            expected = [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z]
            assert np.abs(positions - expected).sum(axis=1).min() < 1e-3


def test_the_opposite_of_an_orbit_is_as_far_on_the_other_side():
    first, second = (matrix(view.world_from_camera) for view in planned(pairs={"orbit": 1}).views[:2])
    moved = motion(first, second)
    around = float(moved.azimuth_change_deg)
    turns = wrong_turns_deg(first, moved, CONFIG.gates)["azimuth"]
    assert sorted(turns) == pytest.approx(sorted([around, 2 * around]))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    ball = trimesh.creation.icosphere(subdivisions=3)
    ball.visual.vertex_colors = [200, 80, 60, 255]
    parts = [
        trimesh.creation.box((1.0, 0.4, 0.4)),
        trimesh.creation.box((0.4, 0.4, 1.2)).apply_translation((0.5, 0.1, 0.4)),
    ]
    for part, colour in zip(parts, ([220, 40, 40, 255], [40, 60, 220, 255]), strict=True):
        part.visual.vertex_colors = colour
    out = {"ball": folder / "ball.glb", "bent": folder / "bent.glb"}
    ball.export(out["ball"])
    trimesh.util.concatenate(parts).export(out["bent"])
    return out


def test_rendered_wrong_answers_differ_for_a_bent_thing_and_not_for_a_ball(files, tmp_path, needs_bpy):
    worst, worth = {}, {}
    with Engine(CONFIG.render, tmp_path) as engine:
        for name, path in files.items():
            view_set = planned(name)
            wrong = Counterfactuals(view_set, CONFIG.gates)
            ring = len(view_set.probes)
            asked = view_set.model_copy(update={"probes": [*view_set.probes, *wrong.views]})
            rendered = engine.render(asked, path, lambda probes: [])
            assert isinstance(rendered, Rendered)
            differences = wrong.differences(rendered.probes[ring:])
            assert len(differences) == len(view_set.pairs) * 2 * 3
            worst[name] = (min(differences.values()), max(differences.values()))
            probes = rendered.probes[:ring]
            worth[name], _ = promising(view_set, portray(probes, CONFIG.gates), probes, CONFIG.gates)
    assert worst["ball"][1] < 0.02
    assert worst["bent"][0] > CONFIG.gates.min_decidability
    assert not worth["ball"]
    assert worth["bent"]
