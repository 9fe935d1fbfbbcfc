"""What the tests of the farm share: one small plan, made in peace, that every other run has to equal byte for byte."""

import os
import shutil

import pytest
from conftest import viewpoint100k

from benchmarks.farm_parts import NotHere

PLAN = ["--pairs", 4, "--seed", 3]
SETTINGS = ("render.size_px=48", "render.samples=1", "gates.min_decidability=0.02", "gates.exact_share=0")
SETTINGS += ("plan.pairs_per_object=1", "shards.pairs_per_shard=1", "plan.validation_share=0", "plan.test_share=0")
SET = [part for setting in SETTINGS for part in ("--set", setting)]
SHARDS = 4


@pytest.fixture(scope="session")
def planned(tmp_path_factory, needs_bpy):
    """A run of which nothing is made yet. Not to be changed."""
    out = tmp_path_factory.mktemp("planned") / "run"
    done = viewpoint100k("plan", out, *PLAN, *SET)
    assert done.returncode == 0, done.stderr
    assert "4 shards" in done.stdout
    return out


@pytest.fixture(scope="session")
def peaceful(tmp_path_factory, needs_bpy):
    """The run as processes of this machine make it. Not to be changed."""
    out = tmp_path_factory.mktemp("peaceful") / "run"
    done = viewpoint100k("generate", out, *PLAN, *SET, "--workers", 1)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def begun(peaceful, tmp_path):
    """The run with only its first shard made."""

    def copy(name="run", missing=range(1, SHARDS)):
        out = shutil.copytree(peaceful, tmp_path / name)
        for number in missing:
            for path in (*out.glob(f"train-{number:05d}*"), *out.glob(f".run/receipts/train-{number:05d}*")):
                path.unlink()
        for path in (*out.glob("*.json"), *out.glob("*.csv"), out / "README.md", out / ".run/rejects.jsonl"):
            path.unlink()
        for folder in ("card", "index"):
            shutil.rmtree(out / folder, ignore_errors=True)
        return out

    return copy


@pytest.fixture
def part():
    """Opens a part of a farm, or skips with the reason."""
    with __import__("contextlib").ExitStack() as stack:

        def open_part(make):
            try:
                return stack.enter_context(make())
            except NotHere as reason:
                pytest.skip(str(reason))

        yield open_part


@pytest.fixture
def environment():
    """This process's, with more in it."""
    return lambda more: {**os.environ, **more}
