"""The public interface: a short list, lazily imported, of which every name is documented."""

import doctest
import importlib
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import SMALL

import viewpoint100k

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("numpy", "pydantic", "datasets", "torch", "ray", "sklearn")


@pytest.mark.parametrize("name", viewpoint100k.__all__)
def test_each_public_name_is_there_and_its_place_is_this_package(name):
    value = getattr(viewpoint100k, name)
    if name != "__version__":
        assert value.__module__.startswith("viewpoint100k.")
        assert len(inspect.getdoc(value)) > 20


def test_the_list_is_the_one_that_is_documented():
    documented = re.findall(
        r"^::: viewpoint100k\.(\w+)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE
    )
    assert sorted(documented) == sorted({*viewpoint100k.__all__} - {"__version__"})


def test_a_name_that_is_not_there_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="load_answers"):
        _ = viewpoint100k.load_answers
    assert {*viewpoint100k.__all__} <= {*dir(viewpoint100k)}


def test_importing_it_imports_nothing_heavy_until_a_name_is_used():
    code = (
        "import sys, viewpoint100k\n"
        f"heavy = set({HEAVY!r})\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "viewpoint100k.score\n"
        "assert 'torch' not in sys.modules and 'datasets' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["scoring"])
def test_the_examples_in_docstrings_give_what_they_say(module):
    tested = doctest.testmod(importlib.import_module(f"viewpoint100k.{module}"))
    assert tested.attempted >= 4
    assert tested.failed == 0


def test_generate_makes_what_the_command_line_makes(dataset, tmp_path):
    """Of a run of the command line that lacks a shard, it makes that shard and finishes the dataset."""
    out = tmp_path / "data"
    shutil.copytree(dataset, out)
    for made in (*out.glob("test-*.tar"), *out.glob(".run/receipts/test-*")):
        made.unlink()
    (out / "manifest.json").unlink()
    settings = [word for word in SMALL if word != "--set"]
    seen = []
    manifest = viewpoint100k.generate(
        out,
        overrides=settings,
        pairs=24,
        seed=5,
        workers=2,
        progress=lambda *at: seen.append(at),
    )
    assert manifest.samples == 24
    assert [entry.sha256 for entry in manifest.shards] == [
        entry.sha256 for entry in viewpoint100k.manifest.read_manifest(dataset).shards
    ]
    assert seen[0][0] == len(manifest.shards) - 1
    assert seen[-1][0] == seen[-1][1] == len(manifest.shards)
