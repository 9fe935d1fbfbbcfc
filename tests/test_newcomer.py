"""docs/publishing.md, followed literally: each of its commands, in its order, against a Hub on this machine."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```(bash|python)\n(.*?)```", re.DOTALL)


@pytest.fixture
def missing_parts():
    names = ("datasets", "huggingface_hub", "sklearn", "cv2", "matplotlib")
    if missing := [name for name in names if importlib.util.find_spec(name) is None]:
        pytest.skip(f"needs the extras [publish] and [audit]: {', '.join(missing)} are not installed")


def test_every_command_of_the_way_to_a_published_dataset_works(dataset, missing_parts, tmp_path):
    """The first one, which renders for a minute, has been run already by the fixture, word for word: here it finds its work done."""
    text = (ROOT / "docs" / "publishing.md").read_text()
    blocks = BLOCK.findall(text)
    assert len(blocks) == 8
    shutil.copytree(dataset, tmp_path / "viewpoint-100k")
    uid = (dataset / "attribution.csv").read_text().splitlines()[-1].split(",")[0]
    with HubServer(tmp_path / "hub") as hub:
        env = environment(tmp_path, hub)
        printed = []
        for language, code in blocks:
            command = (
                ["bash", "-euo", "pipefail", "-c", code]
                if language == "bash"
                else [sys.executable, "-c", code]
            )
            done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
            assert done.returncode == 0, f"{code}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
            printed.append(done.stdout)
            assert hub.token not in done.stdout + done.stderr
        repository = hub.repositories["my-lab/viewpoint-100k"]
        assert "Nothing was sent" in printed[2]
        assert "train-00000-00003" in printed[3] and "(64, 64)" in printed[3]
        assert printed[4].strip()
        assert list(repository.tags) == ["v1.1.0"]
        assert list(repository.branches) == ["main"]
        assert len(repository.branches["main"]) == 1
        left = (tmp_path / "viewpoint-100k" / "attribution.csv").read_text()
        assert uid not in left
        files = repository.branches["main"][-1].files
        assert {path.name for path in (tmp_path / "viewpoint-100k").glob("*.tar")} <= set(files)


def environment(folder, hub):
    """Where `viewpoint100k` and `python` are these ones, and the Hub is ours."""
    programs = folder / "bin"
    programs.mkdir()
    for name, start in (
        ("viewpoint100k", f'"{sys.executable}" -m viewpoint100k'),
        ("python", f'"{sys.executable}"'),
    ):
        (programs / name).write_text(f'#!/bin/sh\nexec {start} "$@"\n')
        (programs / name).chmod(0o755)
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": hub.token,
        "HF_HOME": str(folder / "home"),
        "NO_PROXY": "127.0.0.1",
    }
    paths = os.pathsep.join(path for path in (str(ROOT), os.environ.get("PYTHONPATH", "")) if path)
    return env | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": paths}
