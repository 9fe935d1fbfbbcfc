"""The supervisor and its render processes: the same bytes whoever renders, and what dies, hangs or is killed."""

import json
import os
import random
import re
import signal
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from viewpoint100k.config import load_config
from viewpoint100k.devices import Device, environment_of, find_devices
from viewpoint100k.engine import KILLS, PROBE_SIZE_PX, Engine, Rendered, warm_up
from viewpoint100k.errors import EngineError, InputError
from viewpoint100k.objects.builtin import build_builtin, list_builtin
from viewpoint100k.plan import plan_views
from viewpoint100k.records import Reject

# lit by Blender's own panoramas, whatever is behind: what stands in a place is tested with the studio
CONFIG = load_config(
    overrides=[
        "render.size_px=48",
        "render.samples=1",
        "render.relit_share=1",
        "render.backgrounds.place=0",
        "render.backgrounds.panorama=0",
    ]
)
KINDS = ("hdri", "ground", "gradient", "blurred")


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """(view set, file) of a few builtin objects: each with another background, all in two lights."""
    folder = tmp_path_factory.mktemp("toys")
    out = []
    for kind, thing in zip(KINDS, list_builtin(len(KINDS), 1), strict=True):
        path = folder / f"{thing.record.uid}.glb"
        path.write_bytes(build_builtin(thing.record.uid))
        view_set = plan_views(CONFIG, thing, 0, ["+00-000", "+000000", "0000000", "000+000"])
        background = view_set.background.model_copy(update={"kind": kind})
        few = {"background": background, "probes": view_set.probes[::3]}
        out.append((view_set.model_copy(update=few), path))
    return out


def taken(rendered):
    """All that a visit gave, byte by byte."""
    assert isinstance(rendered, Rendered), rendered
    of_views = {number: contents(view) for number, view in rendered.views.items()}
    return of_views, [contents(probe) for probe in rendered.probes]


def contents(view):
    """Of one view."""
    return (
        view.view.model_dump_json(),
        view.image,
        view.depth.tobytes(),
        view.albedo.tobytes(),
        view.statistics,
    )


def same(rendered, expected):
    """Whether a visit gave the same bytes. Not compared by pytest, which would print them."""
    return taken(rendered) == expected


@contextmanager
def limits(engine, **settings):
    """Other settings for as long as it lasts.

    What is set when a process starts needs an engine of its own.
    """
    for worker in engine._workers:
        worker.settings = CONFIG.render.model_copy(update=settings)
    try:
        yield
    finally:
        for worker in engine._workers:
            worker.settings = CONFIG.render


@pytest.fixture(scope="module")
def engine(tmp_path_factory, needs_bpy):
    """One for most of these tests: whatever one of them does to it, the next one finds it in order."""
    with Engine(CONFIG.render, tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="module")
def expected(toys, engine):
    return [taken(engine.render(*toy)) for toy in toys]


# --- what comes back ------------------------------------------------------------------------------


def test_depth_mask_and_albedo_come_with_every_picture(toys, engine):
    rendered = engine.render(*toys[0])
    assert isinstance(rendered, Rendered)
    assert list(rendered.views) == list(range(len(toys[0][0].views)))
    assert rendered.declined is None
    for view in rendered.views.values():
        seen = view.depth < 1e9
        assert 0.01 < seen.mean() < 0.9
        distance = np.linalg.norm(np.array(view.view.world_from_camera)[:3, 3])
        assert (
            np.abs(view.depth[seen] - distance).max() < 0.75
        )  # the object's radius is 0.5, planar depth a bit less
        assert np.isfinite(view.albedo).all()
        assert view.albedo[seen].std() > 0.02
        assert view.image.startswith(b"\xff\xd8")


def test_the_box_and_the_share_of_the_object_are_those_of_its_mask(toys, engine):
    rendered = engine.render(*toys[0])
    assert isinstance(rendered, Rendered)
    for one in rendered.views.values():
        pixels = [(x, y) for y, row in enumerate(one.depth) for x, depth in enumerate(row) if depth < 1e9]
        xs, ys = zip(*pixels, strict=True)
        assert one.view.object_box == [
            min(xs),
            min(ys),
            max(xs) + 1,
            max(ys) + 1,
        ]  # corners: pixel 0 covers [0, 1)
        assert one.view.object_share == pytest.approx(len(pixels) / 48**2, abs=1e-6)


def test_the_engine_says_what_it_renders_with_and_what_that_costs(toys, engine):
    assert f"bpy {metadata.version('bpy')}" in engine.renderer
    assert engine.device.startswith("cpu")
    assert engine.start_cpu_s > 0
    rendered = engine.render(*toys[2])
    assert isinstance(rendered, Rendered)
    assert set(rendered.cpu_s) == {"import", "probes", "views"}
    assert min(rendered.cpu_s.values()) > 0
    assert 0.5 < max(rendered.extent) < 1.0001  # it is in a ball of radius 0.5
    assert min(rendered.extent) > 0.05


def test_probes_are_small_and_have_depth_and_albedo_but_no_picture(toys, engine):
    rendered = engine.render(*toys[1])
    assert isinstance(rendered, Rendered)
    assert len(rendered.probes) == len(toys[1][0].probes)
    for probe in rendered.probes:
        assert probe.image == b""
        assert probe.depth.shape == (PROBE_SIZE_PX, PROBE_SIZE_PX)
        assert probe.albedo.shape == (PROBE_SIZE_PX, PROBE_SIZE_PX, 3)
        assert 0.02 < (probe.depth < 1e9).mean() < 0.9
        assert probe.statistics.opacity > 0.5


def test_views_say_in_which_of_the_lights_they_are(toys, engine):
    for view_set, path in toys[:2]:
        rendered = engine.render(view_set, path)
        assert isinstance(rendered, Rendered)
        said = [view.view.light for view in rendered.views.values()]
        lights = [view_set.lights[planned.light] for planned in view_set.views]
        assert said == [f"{light.name}/{light.lamps[0].frame}" for light in lights]
        assert {planned.light for planned in view_set.views} == {0, 1}


def test_only_the_chosen_views_are_rendered_and_they_are_those_of_the_whole_set(toys, engine, expected):
    shown = []
    for index, chosen in ((0, [2, 0]), (1, [3])):
        rendered = engine.render(*toys[index], lambda probes, chosen=chosen: shown.append(probes) or chosen)
        views, probes = taken(rendered)
        assert sorted(views) == sorted(chosen)
        assert all(views[number] == expected[index][0][number] for number in chosen)
        assert probes == expected[index][1] == [contents(probe) for probe in shown[-1]]


def test_an_object_that_is_declined_costs_no_view_and_the_next_one_renders(toys, engine, expected):
    no = Reject(uid=toys[0][0].object.record.uid, stage="gate", reason="symmetric: as round as a ball")
    rendered = engine.render(*toys[0], lambda probes: no)
    assert isinstance(rendered, Rendered)
    assert (rendered.views, rendered.declined) == ({}, no)
    assert rendered.cpu_s["views"] == 0 < rendered.cpu_s["probes"]
    assert len(rendered.probes) == len(toys[0][0].probes)
    assert same(engine.render(*toys[1]), expected[1])


def test_an_error_while_choosing_is_raised_and_the_engine_goes_on(toys, engine, expected):
    with pytest.raises(ZeroDivisionError):
        engine.render(*toys[0], lambda probes: 1 // 0)
    assert same(engine.render(*toys[1]), expected[1])


# --- the same bytes -------------------------------------------------------------------------------


def test_in_any_order_the_pictures_are_the_same(toys, engine, expected):
    for index in (3, 2, 1, 0, 0, 2, 3, 0):
        assert same(engine.render(*toys[index]), expected[index])


@pytest.mark.parametrize("setting", ["recycle_after", "recycle_above_mb"])
def test_a_process_is_replaced_when_it_has_made_enough_or_grown_too_large_and_the_pictures_are_the_same(
    setting, toys, engine, expected
):
    process = engine._workers[0]._process
    with limits(engine, **{setting: 1}):
        assert same(engine.render(*toys[1]), expected[1])
    assert process.poll() is not None
    process = engine._workers[0]._process
    assert same(engine.render(*toys[3]), expected[3])
    assert engine._workers[0]._process is process


def test_two_processes_render_at_the_same_time_and_the_same_pictures(toys, expected, tmp_path):
    order = [3, 1, 0, 2, 2, 0]
    both = threading.Barrier(2, timeout=120)  # broken if the second process waits for the first

    def visit(place):
        def choose(probes):
            if place < 2:
                both.wait()
            return range(len(toys[order[place]][0].views))

        return pair.render(*toys[order[place]], choose)

    with Engine(CONFIG.render, tmp_path, workers=2) as pair, ThreadPoolExecutor(3) as threads:
        assert pair.workers == 2
        for index, rendered in zip(order, threads.map(visit, range(len(order))), strict=True):
            assert same(rendered, expected[index])


# --- what goes wrong ------------------------------------------------------------------------------


def test_killed_processes_cost_attempts_and_neither_an_object_nor_a_byte(toys, expected, tmp_path):
    order, kills, done = [0, 1, 2, 3], [], threading.Event()

    def kill():
        rng = random.Random(0)
        while len(kills) < 3 and not done.wait(rng.uniform(0.05, 0.3)):
            process = rng.choice(pair._workers)._process
            if process is not None and process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                kills.append(process.pid)

    with Engine(CONFIG.render, tmp_path, workers=2) as pair, ThreadPoolExecutor(2) as threads:
        os.kill(pair._workers[0]._process.pid, signal.SIGKILL)  # one that is idle
        killer = threading.Thread(target=kill)
        killer.start()
        rendered = list(threads.map(lambda index: pair.render(*toys[index]), order))
        done.set()
        killer.join()
    assert all(same(one, expected[index]) for one, index in zip(rendered, order, strict=True))
    assert len(kills) == 3 < KILLS


def test_an_object_whose_process_is_always_killed_is_given_up_and_the_next_one_renders(
    toys, engine, expected, monkeypatch
):
    monkeypatch.setattr("viewpoint100k.engine.KILLS", 2)
    started = time.monotonic()

    def kill(probes):
        time.sleep(4)  # a few tries in the time that it has, each of which starts a process
        os.kill(engine._workers[0]._process.pid, signal.SIGKILL)
        return [0]

    with limits(engine, deadline_s=20):
        reject = engine.render(*toys[0], kill)
    assert isinstance(reject, Reject)
    assert re.search(r"died \d+ times: signal 9", reject.reason)  # within its deadline it is tried on and on
    assert 20 < time.monotonic() - started < 120
    assert same(engine.render(*toys[1]), expected[1])


def test_an_object_that_crashes_its_process_twice_is_refused_and_the_next_one_renders(toys, engine, expected):
    pids = []

    def crash(probes):
        pids.append(engine._workers[0]._process.pid)
        os.kill(pids[-1], signal.SIGSEGV)
        return [0]

    reject = engine.render(*toys[0], crash)
    assert isinstance(reject, Reject)
    assert (reject.stage, reject.uid) == ("render", toys[0][0].object.record.uid)
    assert "died 2 times" in reject.reason
    assert len(set(pids)) == 2
    assert same(engine.render(*toys[1]), expected[1])


def test_a_hang_ends_at_the_deadline_with_a_reason_and_the_next_object_renders(toys, engine, expected):
    with limits(engine, deadline_s=3.0):
        started = time.monotonic()
        reject = engine.render(
            *toys[0], lambda probes: os.kill(engine._workers[0]._process.pid, signal.SIGSTOP) or [0]
        )
        assert isinstance(reject, Reject)
        assert "not finished after 3 s" in reject.reason
        assert time.monotonic() - started < 60
    assert same(engine.render(*toys[1]), expected[1])


def test_who_hangs_in_a_process_that_others_have_used_gets_a_new_one_and_then_renders(toys, engine, expected):
    assert same(engine.render(*toys[1]), expected[1])
    pids = []

    def hang_once(probes):
        pids.append(engine._workers[0]._process.pid)
        if len(pids) == 1:
            os.kill(pids[0], signal.SIGSTOP)
            engine._workers[0].settings = CONFIG.render  # the second time it has all the time it needs
        return range(len(toys[0][0].views))

    with limits(engine, deadline_s=20.0):
        assert same(engine.render(*toys[0], hang_once), expected[0])
    assert len(set(pids)) == 2


def test_an_object_that_takes_too_much_cpu_time_is_refused_and_the_next_one_renders(toys, engine, expected):
    with limits(engine, size_px=512, quality="reference", samples=None, cpu_limit_s=0.5):
        reject = engine.render(*toys[0])
        assert isinstance(reject, Reject)
        assert reject.stage == "render"
        assert "CPU-s" in reject.reason
    assert same(engine.render(*toys[1]), expected[1])


@pytest.mark.parametrize(("nodes", "scenes", "replaced"), [(20, 5, False), (3_200, 1, True)])
def test_what_an_object_leaves_is_gone_or_the_process_is_replaced(
    toys, engine, expected, tmp_path, nodes, scenes, replaced
):
    assert same(engine.render(*toys[1]), expected[1])
    process = engine._workers[0]._process
    path = scattered_glb(tmp_path / "many.glb", nodes, scenes)
    declined = engine.render(
        toys[0][0], path, lambda probes: Reject(uid="many", stage="gate", reason="seen enough")
    )
    assert isinstance(declined, Rendered), declined
    assert (engine._workers[0]._process is not process) == replaced
    process = engine._workers[0]._process
    assert same(engine.render(*toys[2]), expected[2])
    assert engine._workers[0]._process is process


def scattered_glb(path, nodes, scenes, pointer=None):
    """So many nodes with one triangle, in a row, which some scenes show."""
    triangle = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 1)
    tree = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(triangle)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(triangle)}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 3}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0, "translation": [i % 50, i // 50, 0]} for i in range(nodes)],
        "scenes": [{"nodes": list(range(nodes))}] * scenes,
        "animations": [{"channels": [], "samplers": []}],
    }
    if pointer is not None:
        extensions = {"KHR_animation_pointer": pointer}
        channel = {"sampler": 0, "target": {"path": "pointer", "extensions": extensions}}
        tree["animations"] = [{"channels": [channel], "samplers": [{"input": 0, "output": 0}]}]
        tree["extensionsUsed"] = ["KHR_animation_pointer"]
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", 36, b"BIN\0") + triangle
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def test_cpu_time_is_counted_from_each_object_anew(toys, engine, expected):
    process, used = engine._workers[0]._process, 0.0
    with limits(engine, cpu_limit_s=1.5):
        while used < 3:  # one object may use 1.5 s, rounded up to the next whole one
            rendered = engine.render(*toys[2])
            assert same(rendered, expected[2])
            used += sum(rendered.cpu_s.values())
    assert engine._workers[0]._process is process


def test_an_object_that_wants_too_much_memory_is_refused_and_the_next_one_renders(toys, expected, tmp_path):
    settings = CONFIG.render.model_copy(update={"memory_limit_mb": 1000})
    with Engine(settings, tmp_path / "engine") as small:
        points = small.render(toys[0][0], zeros_glb(tmp_path / "points.glb", 300))
        assert isinstance(points, Reject)
        assert "radius" in points.reason  # the file is sound
        bomb = small.render(toys[0][0], zeros_glb(tmp_path / "bomb.glb", 300_000_000))
        assert isinstance(bomb, Reject)
        assert bomb.stage in {"import", "render"}
        assert "radius" not in bomb.reason
        assert same(small.render(*toys[1]), expected[1])


def zeros_glb(path, count):
    """A GLB of a few hundred bytes whose mesh has `count` vertices: an accessor without data is all zeros."""
    bounds = {"min": [0, 0, 0], "max": [0, 0, 0]}
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"componentType": 5126, "type": "VEC3", "count": count, **bounds}],
    }
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    path.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON") + text)
    return path


def test_a_file_that_is_no_glb_is_refused_and_the_next_object_renders(toys, engine, expected, tmp_path):
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF" + bytes(100))
    reject = engine.render(toys[0][0], broken)
    assert isinstance(reject, Reject)
    assert (reject.stage, reject.uid) == ("import", toys[0][0].object.record.uid)
    assert same(engine.render(*toys[1]), expected[1])


@pytest.mark.parametrize(
    ("pointer", "error"),
    [
        ({}, "KeyError: 'pointer'"),
        ({"pointer": "/materials/99/alphaCutoff"}, "TypeError"),
        ({"pointer": "/nodes/77/translation"}, "IndexError"),
        ({"pointer": 5}, "AttributeError"),
    ],
)
def test_a_file_that_the_importer_fails_on_is_refused_in_a_sentence(toys, engine, tmp_path, pointer, error):
    reject = engine.render(toys[0][0], scattered_glb(tmp_path / "odd.glb", 2, 1, pointer))
    assert isinstance(reject, Reject)
    assert reject.stage == "import"
    assert reject.reason.startswith("Blender's glTF importer failed on it (its ")
    assert error in reject.reason
    assert "Traceback" not in reject.reason
    assert "/" not in reject.reason


def test_nothing_is_left_of_pictures_that_were_handed_over(toys, engine):
    engine.render(*toys[0])
    engine.render(*toys[0], lambda probes: Reject(uid="toy", stage="gate", reason="no"))
    assert [path for path in engine.scratch.rglob("*") if path.suffix in {".png", ".npy", ".jpg"}] == []


def test_the_processes_end_with_their_supervisor_and_so_does_what_threads_wait_for(toys, tmp_path, needs_bpy):
    asked = threading.Event()
    with ThreadPoolExecutor(1) as threads, Engine(CONFIG.render, tmp_path, workers=2) as pair:
        pids = [worker._process.pid for worker in pair._workers]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        visit = threads.submit(lambda: (asked.set(), pair.render(*toys[0]))[1])
        asked.wait()
        time.sleep(0.2)
        pair.stop()
        reject = visit.result(timeout=60)
    assert isinstance(reject, Reject)
    assert "the run was ended" in reject.reason
    assert len(set(pids)) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_nothing_is_left_in_the_folder_for_temporary_files(tmp_path, monkeypatch, needs_bpy):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    with Engine(CONFIG.render, tmp_path / "engine"):
        pass
    assert list((tmp_path / "temporary").iterdir()) == []


# --- devices --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def no_gpu(tmp_path_factory, needs_bpy):
    found = find_devices("auto", tmp_path_factory.mktemp("devices"))
    if any(device.kind != "CPU" for device in found):
        pytest.skip(f"there is a GPU here: {found}")
    return found


def test_without_a_gpu_the_processor_renders(no_gpu, tmp_path):
    assert no_gpu == find_devices("cpu", tmp_path) == [Device("CPU", 0, "")]


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error_that_says_so(no_gpu, tmp_path):
    with pytest.raises(InputError, match=r"finds no GPU.*--device cpu"):
        find_devices("gpu", tmp_path)


@pytest.mark.parametrize(
    ("device", "lent", "seen"),
    [
        (Device(), None, {}),
        (Device("OPTIX", 1), None, {"CUDA_VISIBLE_DEVICES": "1"}),
        (Device("CUDA", 1), "3,5", {"CUDA_VISIBLE_DEVICES": "5"}),
        (Device("CUDA", 0), "GPU-8f3a, MIG-1", {"CUDA_VISIBLE_DEVICES": "GPU-8f3a"}),
        (Device("CUDA", 2), "3,5", {}),  # of a card that is not lent, nothing is said
        (Device("CUDA", 0), "", {}),  # none is lent
        (Device("HIP", 0), None, {"HIP_VISIBLE_DEVICES": "0"}),
        (Device("METAL"), None, {}),
    ],
)
def test_a_process_sees_its_own_gpu_only_of_those_the_scheduler_lends(device, lent, seen, monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    if lent is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", lent)
    assert device.environment() == seen


def test_a_render_process_looks_for_plugins_in_no_folder_but_its_own(tmp_path):
    folder = environment_of(tmp_path)["LIBHEIF_PLUGIN_PATH"]
    assert [path.name for path in Path(folder).iterdir()] == ["render_scenes"]
    assert Path(folder).is_relative_to(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Cycles is always asked")
def test_without_a_driver_cycles_is_only_asked_for_a_gpu_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr("viewpoint100k.devices.NODES", [str(tmp_path / "render*")])
    assert find_devices("auto", tmp_path, "/no/python") == [Device()]
    with pytest.raises(OSError):
        find_devices("gpu", tmp_path, "/no/python")
    (tmp_path / "renderD128").touch()
    with pytest.raises(OSError):
        find_devices("auto", tmp_path, "/no/python")


RECORDED = [  # what Cycles said on some machines, with what its drivers print before
    ('{"message": "Devices", "kind": "CPU", "names": []}', [Device()]),
    (
        'Found 2 devices\n{"message": "Devices", "kind": "OPTIX", "names": ["NVIDIA H100 PCIe", "NVIDIA H100 PCIe"]}',
        [Device("OPTIX", 0, "NVIDIA H100 PCIe"), Device("OPTIX", 1, "NVIDIA H100 PCIe")],
    ),
    ('{"message": "Devices", "kind": "HIP", "names": ["AMD Radeon"]}', [Device("HIP", 0, "AMD Radeon")]),
]


@pytest.mark.parametrize(("said", "expected"), RECORDED)
def test_devices_are_chosen_by_what_cycles_answers(said, expected, tmp_path, monkeypatch):
    monkeypatch.setattr("viewpoint100k.devices.NODES", [str(tmp_path)])  # as where a driver is loaded
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nprint({said!r})\n")
    python.chmod(0o755)
    assert find_devices("auto", tmp_path, str(python)) == expected
    if expected == [Device()]:
        with pytest.raises(InputError, match="finds no GPU"):
            find_devices("gpu", tmp_path, str(python))
    else:
        assert find_devices("gpu", tmp_path, str(python)) == expected
    assert find_devices("cpu", tmp_path, str(python)) == [Device()]


# --- GPUs, as far as they can be tried without one ----------------------------------------------------- A
# worker that is told to render on CUDA renders on the processor where there is none: all else is as on a GPU.


def wrapped(folder, code):
    """An interpreter that runs some code and then what it is asked to run, as `python -m render_scenes ...`."""
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\nimport mmap, runpy, sys, time\nsys.argv = sys.argv[2:]\n{code}\n"
        "runpy.run_module('render_scenes', run_name='__main__', alter_sys=True)\n"
    )
    path.chmod(0o755)
    return str(path)


WHEN_OPENED = """
from render_scenes import scene
def then(open_object):
    def opened(self, job):
        %s
        return open_object(self, job)
    return opened
scene.Studio.open = then(scene.Studio.open)
"""
RESERVE = (
    WHEN_OPENED
    % "self.reserved = mmap.mmap(-1, 100 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)"
)
USE = WHEN_OPENED % "self.used = bytearray(b'x') * (1500 << 20); time.sleep(5)"


def on_gpu(tmp_path, python, config, **more):
    settings = config.render.model_copy(update=more)
    return Engine(settings, tmp_path / "scratch", python, devices=[Device("CUDA", 0, "a card")])


def test_a_gpus_driver_may_reserve_as_much_address_space_as_it_likes(toys, tmp_path):
    view_set, path = toys[0]
    with on_gpu(tmp_path, wrapped(tmp_path, RESERVE), CONFIG) as engine:
        assert isinstance(engine.render(view_set, path), Rendered)
    with Engine(CONFIG.render, tmp_path / "other", wrapped(tmp_path, RESERVE)) as engine:
        refused = engine.render(view_set, path)  # on the processor, that is a bomb
    assert isinstance(refused, Reject)


def test_on_a_gpu_what_is_resident_is_watched(toys, tmp_path):
    view_set, path = toys[0]
    with on_gpu(tmp_path, wrapped(tmp_path, USE), CONFIG, memory_limit_mb=1000) as engine:
        refused = engine.render(view_set, path)
    assert isinstance(refused, Reject)
    assert refused.reason == "needed more than 1000 MB of memory"


def test_a_gpu_that_compiles_first_is_waited_for_and_said_to(tmp_path, monkeypatch, needs_bpy):
    monkeypatch.setattr("viewpoint100k.render_process.START_S", 0.5)
    monkeypatch.setattr("viewpoint100k.engine.PATIENCE_S", 0.5)
    slow, said = wrapped(tmp_path, "time.sleep(1)"), []
    cards = [Device("CUDA", 0, "a card"), Device("CUDA", 1, "a card"), Device()]
    took = warm_up(cards, CONFIG.render, tmp_path, slow, said.append)
    assert list(took) == cards[:1] and took[cards[0]] > 1
    assert said == ["compiling Blender's kernels for a card, once on this machine, about ten minutes"]
    with pytest.raises(EngineError, match=r"no answer in [01] s"), Engine(CONFIG.render, tmp_path, slow):
        pass


def test_the_processor_has_nothing_to_compile(tmp_path):
    assert warm_up([Device()], CONFIG.render, tmp_path, "/no/python", print) == {}
