"""The two speeds of the tests: what is left out is there, and `--all` runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
SLOW = [line for line in (TESTS / "slow.txt").read_text().splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize("entry", SLOW)
def test_what_is_left_out_is_there(entry):
    if entry.startswith("fixture "):
        name = entry.removeprefix("fixture ")
        sources = [path.read_text() for path in TESTS.rglob("test_*.py")]
        assert any(f"\ndef {name}(" in source for source in sources)
        return
    path, _, name = entry.partition("::")
    assert (ROOT / path).exists()
    assert not name or f"\ndef {name}(" in (ROOT / path).read_text()


def collected(*arguments):
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 5), done.stderr[-1000:]  # 5: nothing is left
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_all_runs_more_and_a_test_that_is_named_is_run_whatever_it_costs():
    slow = "tests/test_forecast.py::test_nothing_is_written_where_the_run_would_be"
    assert slow in SLOW
    fast, everything = collected("tests/test_forecast.py"), collected("--all", "tests/test_forecast.py")
    assert set(fast) < set(everything)
    assert slow not in fast
    assert slow in everything
    assert collected(slow) == [slow]
