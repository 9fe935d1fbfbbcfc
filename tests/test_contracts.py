"""The house: who may import whom, what starts fast, and that the extras live together."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = {
    "render": ["bpy", "jinja2"],
    "publish": ["datasets", "huggingface_hub"],
    "train": ["torch", "trl", "transformers", "accelerate", "peft"],
    "ray": ["ray"],
    "s3": ["s3fs"],
    "objaverse": ["objaverse"],
    "audit": ["sklearn", "cv2", "matplotlib"],
}


def test_imports_go_one_way():
    pytest.importorskip("importlinter", reason="needs the extra [dev]")
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or "lint-imports"
    done = subprocess.run([command, "--config", "setup.cfg"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_command_line_starts_without_the_heavy_libraries():
    code = "import sys, viewpoint100k.cli; print([m for m in ('torch', 'datasets', 'ray', 'fsspec', 'bpy', 'webdataset') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_is_declared(extra):
    assert extra in importlib.metadata.metadata("viewpoint100k").get_all("Provides-Extra")


def test_all_extras_together_import_on_this_interpreter():
    missing = [name for names in EXTRAS.values() for name in names if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not all extras are installed here: {', '.join(missing)}")
    names = [name for names in EXTRAS.values() for name in names]
    code = "\n".join(f"import {name}" for name in names)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    broken = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    # the wheel of bpy names Python 3.9 inside, and a newer pip believes it; it has just been imported all the
    # same
    wrong_tag = f"bpy {importlib.metadata.version('bpy')} is not supported on this platform"
    said = [line for line in broken.stdout.splitlines() if line != wrong_tag]
    assert said in ([], ["No broken requirements found."]), broken.stdout + broken.stderr
    assert broken.stdout, broken.stderr


@pytest.mark.parametrize(
    ("name", "refused", "accepted"),
    [
        ("torch", "2.9.0 2.9.1", "2.8.0 2.10.0 2.13.0"),  # Qwen3-VL stands still in its 3-D convolution
        ("datasets", "4.8.5 5.1.0", "5.2.0"),  # a stream that was mapped skips rows when it is taken up again
        (
            "opencv-python-headless",
            "4.12.0.88",
            "4.11.0.86",
        ),  # numpy 2, with which the bpy of Python 3.11 does not live
    ],
)
def test_versions_that_are_known_to_be_bad_are_refused_by_every_extra(name, refused, accepted):
    from packaging.requirements import Requirement

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = [one for lines in extras.values() for one in map(Requirement, lines) if one.name == name]
    older = {"python_version": "3.11"}
    bounds = [one.specifier for one in wanted if one.marker is None or one.marker.evaluate(older)]
    assert bounds
    assert not [version for version in refused.split() for bound in bounds if bound.contains(version)]
    assert all(bound.contains(version) for version in accepted.split() for bound in bounds)


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_the_code_is_tidy(command):
    tool = shutil.which(command[0], path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip(f"{command[0]} is not installed: needs the extra [dev]")
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
