"""The benchmark of damage, with few of each way: nothing passes, and what is no damage is none."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from viewpoint100k.validate import validate_dataset

_spec = importlib.util.spec_from_file_location(
    "corruptions", Path(__file__).resolve().parents[2] / "benchmarks" / "corruptions.py"
)
corruptions = importlib.util.module_from_spec(_spec)
sys.modules["corruptions"] = corruptions
_spec.loader.exec_module(corruptions)


def test_three_damages_of_every_way_are_found_and_the_sample_named(dataset, tmp_path):
    pytest.importorskip("pyarrow", reason="the index needs it")
    copy = shutil.copytree(dataset, tmp_path / "copy", ignore=shutil.ignore_patterns(".run"))
    tried, passed = corruptions.run(copy, 3 * len(corruptions.WAYS), seed=5)
    assert passed == []
    assert set(tried.values()) == {3} and len(tried) == len(corruptions.WAYS)
    assert validate_dataset(copy, 1).problems == []
