"""What supervisor and renderer say to each other survives the way as one line, and needs nothing but Python."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from render_scenes import protocol

EYE = [[1.0, 0.0], [0.0, 1.0]]
LAMP = {"direction": [0.1, 0.2, 0.3], "frame": "world", "strength": 1.5, "angle_deg": 5.0}
LIGHT = {"name": "studio", "rotation_deg": 0.1, "strength": 1 / 3, "lamps": [LAMP]}
PLANNED = {"world_from_camera": EYE, "hfov_deg": 40.0, "light": 0, "state": 1}
CAMERA = {"world_from_camera": EYE, "intrinsics": EYE, "hfov_deg": 40.1}
MESSAGES = [
    protocol.Open(
        paths=["a.glb", "ä b\n.glb"],
        panoramas={},
        scene=True,
        out="out",
        lights=[LIGHT],
        background={"kind": "plain", "rgb": [1, 2, 3]},
        jpeg_quality=90,
        pose="auto",
        cpu_limit_s=0.5,
    ),
    protocol.Measure(states=[[EYE, None], [None, EYE]]),
    protocol.Place(states=[[EYE]]),
    protocol.Shoot(
        views=[protocol.NamedView(name="0", planned=PLANNED)],
        size_px=64,
        picture=False,
        samples=1,
        denoise=False,
        adaptive_threshold=0.01,
        seed=7,
    ),
    protocol.Forget(),
    protocol.Opened(
        parts=[
            protocol.Loaded(problem="no mesh"),
            protocol.Loaded(pose="rest", extent=[0.1, 0.2, 0.3], reach=[0.1]),
        ],
        cpu_s=0.1,
    ),
    protocol.Measured(middle=[0.1, 0.2, 0.3], radius=1e-17, cpu_s=0.0),
    protocol.Placed(states=[[None, EYE]], cpu_s=0.0),
    protocol.Shots(
        views=[
            protocol.Taken(
                **CAMERA,
                box=[0, 1, 2, 3],
                arrays="0.npy",
                image="",
                statistics={"opacity": 0.5},
                solo=[7, 0],
                hidden_by=[[1], []],
            )
        ],
        cpu_s=0.2,
        rss_mb=300.0,
    ),
    protocol.Forgot(clean=False),
    protocol.Refusal(stage="import", reason="texture 'a' is missing\nor unreadable"),
    protocol.Ready(renderer="Cycles", device="cpu avx2", cpu_s=1.0),
    protocol.Devices(kind="CUDA", names=["one", "two"]),
]


def test_every_message_is_among_those_that_are_tried_here():
    assert {type(message) for message in MESSAGES} == set(protocol.MESSAGES.values())


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_way_as_one_line(message):
    line = protocol.encode(message)
    assert "\n" not in line
    assert protocol.decode(line) == message == protocol.decode(line.encode())


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_that_lacks_a_field_or_has_another_is_refused_by_its_name(message):
    fields = json.loads(protocol.encode(message))
    for name in [name for name in fields if name != "message"]:
        less = {key: value for key, value in fields.items() if key != name}
        with pytest.raises(ValueError, match=f"^{type(message).__name__}: .*{name}"):
            protocol.decode(json.dumps(less))
    with pytest.raises(ValueError, match=f"^{type(message).__name__}: .*surprise"):
        protocol.decode(json.dumps({**fields, "surprise": 1}))


@pytest.mark.parametrize(
    "line", ["", "Saved: a.png", "[]", "7", "null", "{}", '{"message": "NamedView"}', '{"message": []}']
)
def test_a_line_that_is_no_message_is_refused(line):
    with pytest.raises(ValueError):
        protocol.decode(line)


def test_a_python_without_any_packages_can_read_the_protocol():
    folder = Path(importlib.util.find_spec("render_scenes").origin).parents[1]
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from render_scenes import protocol; print(protocol.encode(protocol.Forget()))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert protocol.decode(done.stdout) == protocol.Forget()
