"""`generate --dry-run`: what a run would make and cost, from a probe, before anything is written."""

import re
from pathlib import Path

import pytest
from support.command import SMALL, viewpoint100k

from viewpoint100k.config import load_config
from viewpoint100k.errors import InputError
from viewpoint100k.forecast import forecast
from viewpoint100k.run_state import read_plan, status


def config_of(*overrides, **fields):
    settings = [word for word in SMALL if word != "--set"]
    return load_config("smoke", [*settings, *overrides], **fields)


def test_it_says_what_a_real_run_then_makes(dataset, needs_bpy, tmp_path):
    """Views and bytes of the fixture's 24 pairs, against what their receipts and files have."""
    expected = forecast(None, config_of(pairs=24, seed=5), tmp_path)
    receipts = status(dataset, read_plan(dataset)).done
    views = sum(receipt.views_rendered for receipt in receipts)
    size = sum(path.stat().st_size for path in dataset.glob("*.tar"))
    assert expected.pairs == sum(receipt.samples for receipt in receipts) == 24
    assert expected.shards == len(receipts)
    assert 0.6 < expected.about_views / views < 1.6
    assert 0.5 < expected.about_bytes / size < 2
    assert expected.fetched == expected.done == 0


def test_nothing_is_written_where_the_run_would_be(needs_bpy, tmp_path):
    done = viewpoint100k("generate", "data", "--dry-run", "--pairs", 100, *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    assert re.search(r"pairs to make\W+100\b", done.stdout)
    assert re.search(r"to be fetched\W+nothing", done.stdout)


def test_of_a_run_that_is_finished_nothing_is_left_to_make(dataset, needs_bpy, tmp_path):
    expected = forecast(dataset, config_of(pairs=24, seed=5), tmp_path)
    assert (expected.pairs, expected.done) == (0, 24)
    assert expected.about_bytes == 0


def test_objaverse_is_not_asked_and_the_objects_to_fetch_are_counted(needs_bpy, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody answers there
    expected = forecast(None, config_of(source="objaverse:lvis", pairs=1200), tmp_path)
    assert expected.fetched == 400  # three pairs of each object
    assert expected.probe_source == "builtin:"


@pytest.mark.parametrize("fault", ["other settings", "a stranger's file"])
def test_a_folder_that_generate_would_refuse_is_refused_before_the_probe(fault, dataset, tmp_path):
    out = dataset if fault == "other settings" else tmp_path / "full"
    if fault != "other settings":
        out.mkdir()
        (out / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match=r"another run|something else"):
        forecast(Path(out), config_of(pairs=24, seed=6), tmp_path / "scratch")
