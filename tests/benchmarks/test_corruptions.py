"""The benchmark of damage, with few of each way: nothing passes, and what is no damage is none."""

import shutil

import pytest
from benchmarks.corruptions import WAYS, run

from viewpoint100k.validate import validate_dataset


def test_three_damages_of_every_way_are_found_and_the_sample_named(dataset, tmp_path):
    pytest.importorskip("pyarrow", reason="the index needs it")
    copy = shutil.copytree(dataset, tmp_path / "copy", ignore=shutil.ignore_patterns(".run"))
    tried, passed = run(copy, 3 * len(WAYS), seed=5)
    assert passed == []
    assert set(tried.values()) == {3} and len(tried) == len(WAYS)
    assert validate_dataset(copy, 1).problems == []
