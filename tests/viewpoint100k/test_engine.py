"""The supervisor against a render process that dies, hangs or is killed."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from viewpoint100k.config import load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.objects.builtin import build_builtin, list_builtin
from viewpoint100k.plan import plan_views
from viewpoint100k.records import Reject

CONFIG = load_config(overrides=["render.size_px=48", "render.samples=1"])


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toys")
    out = []
    for thing in list_builtin(3, 1):
        path = folder / f"{thing.record.uid}.glb"
        path.write_bytes(build_builtin(thing.record.uid))
        out.append((plan_views(CONFIG, thing, 0, {"orbit": 1, "same_sign": 1}), path))
    return out


def pictures(rendered):
    assert isinstance(rendered, Rendered), rendered
    return [view.image for view in rendered.views]


@pytest.fixture(scope="module")
def expected(toys, tmp_path_factory, needs_bpy):
    with Engine(CONFIG.render, tmp_path_factory.mktemp("engine")) as engine:
        return [pictures(engine.render(*toy)) for toy in toys]


def test_depth_mask_and_albedo_come_with_every_picture(toys, tmp_path, needs_bpy):
    with Engine(CONFIG.render, tmp_path) as engine:
        rendered = engine.render(*toys[0])
        assert "bpy 5.0" in engine.renderer
    assert isinstance(rendered, Rendered)
    assert len(rendered.views) == len(toys[0][0].views)
    for view in rendered.views:
        seen = view.depth < 1e9
        assert 0.01 < seen.mean() < 0.9
        distance = np.linalg.norm(np.array(view.view.world_from_camera)[:3, 3])
        assert np.abs(view.depth[seen] - distance).max() < 0.75  # the object's radius is 0.5, planar depth a bit less
        assert np.isfinite(view.albedo).all()
        assert view.albedo[seen].std() > 0.02


def test_warm_or_cold_and_in_any_order_the_pictures_are_the_same(toys, expected, tmp_path):
    with Engine(CONFIG.render, tmp_path) as engine:
        for index in (2, 0, 1, 0):
            assert pictures(engine.render(*toys[index])) == expected[index]


def test_a_killed_render_process_costs_an_attempt_and_no_object(toys, expected, tmp_path):
    with Engine(CONFIG.render, tmp_path) as engine:
        os.kill(engine._process.pid, signal.SIGKILL)
        assert pictures(engine.render(*toys[0])) == expected[0]
        threading.Timer(0.15, lambda pid=engine._process.pid: os.kill(pid, signal.SIGKILL)).start()
        assert pictures(engine.render(*toys[1])) == expected[1]


def test_a_hang_ends_at_the_deadline_with_a_reason_and_the_next_object_renders(toys, expected, tmp_path):
    settings = CONFIG.render.model_copy(update={"deadline_s": 3.0})
    with Engine(settings, tmp_path) as engine:
        os.kill(engine._process.pid, signal.SIGSTOP)
        started = time.monotonic()
        reject = engine.render(*toys[0])
        assert isinstance(reject, Reject)
        assert "not finished" in reject.reason
        assert time.monotonic() - started < 60
        engine.settings = CONFIG.render  # a busy machine may need more than 3 s
        assert pictures(engine.render(*toys[1])) == expected[1]


def test_a_file_that_is_no_glb_is_refused_and_the_next_object_renders(toys, expected, tmp_path):
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF" + bytes(100))
    with Engine(CONFIG.render, tmp_path / "engine") as engine:
        reject = engine.render(toys[0][0], broken)
        assert isinstance(reject, Reject)
        assert (reject.stage, reject.uid) == ("import", toys[0][0].object.record.uid)
        assert pictures(engine.render(*toys[1])) == expected[1]
        assert not [entry for entry in (tmp_path / "engine").iterdir() if entry.is_dir() and entry.name != "path"]


def test_the_render_process_ends_with_its_supervisor(tmp_path, needs_bpy):
    with Engine(CONFIG.render, tmp_path) as engine:
        pid = engine._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
