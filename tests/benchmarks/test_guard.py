"""The guard says that nothing changed where nothing did, and names what did."""

import json
import sys
from pathlib import Path

import pytest
from support import audit_sets as sets

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import guard


def guarded(monkeypatch, *arguments):
    """The exit code of the script."""
    monkeypatch.setattr(sys, "argv", ["guard.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        guard.main()
    return ended.value.code


def test_a_question_that_changed_is_told_and_one_that_did_not_is_not(tmp_path, monkeypatch, capsys):
    dataset = sets.write_dataset(tmp_path / "objects", sets.make_figures(objects=1, pairs=3))
    guarded(monkeypatch, dataset, "--samples", 4, "--folder", tmp_path / "before")
    before = tmp_path / "before" / "guard.json"
    figures = json.loads(before.read_text())
    assert figures["objects"]["samples"] == 4
    assert figures["objects"]["chains"] > 10
    lines = (tmp_path / "before" / "objects.questions.jsonl").read_text().splitlines()
    assert len(lines) == figures["objects"]["questions"]
    capsys.readouterr()
    guarded(monkeypatch, dataset, "--samples", 4, "--folder", tmp_path / "again", "--compare", before)
    assert f"the same as {before}" in capsys.readouterr().out
    figures["objects"]["chains_sha256"] = "other"
    before.write_text(json.dumps(figures))
    assert (
        guarded(monkeypatch, dataset, "--samples", 4, "--folder", tmp_path / "again", "--compare", before)
        == 1
    )
    assert "objects: chains_sha256 was 'other'" in capsys.readouterr().out
