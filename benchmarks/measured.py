"""Writes docs/measured.md from what the benchmarks left: `python benchmarks/measured.py`.

Each file of benchmarks/records/ is one row: what was measured, the figures, and the command, date, commit and
machine that they belong to. A benchmark leaves its own with `leave(...)`; nobody edits the page by hand.
`--stale` lists the rows whose benchmark has changed since.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "benchmarks" / "records"
PAGE = ROOT / "docs" / "measured.md"
GROUPS = {
    "release": "A rehearsed release",
    "truth": "Are the answers right?",
    "fairness": "Can they be guessed, and can they be told?",
    "speed": "Speed and quality",
    "interchange": "What other tools make of our exports",
    "robustness": "Kills, bad files, bad lines",
    "learning": "What a model learns",
}
NOT_MEASURED = (
    "rendering on GPUs: everything above was rendered on processors",
    "runs of more than 20,000 pairs",
    "what a model of billions of parameters learns from the data",
    "a Kubernetes cluster, and a SLURM site of more than one node",
    "the public benchmarks themselves; only their formats were tested, on small fixtures",
)
HEAD = """# What was measured

Every figure that this project states stands here, with the command that reproduces it, its date, the commit, and the
machine. The page is written by `python benchmarks/measured.py` from the records that the benchmarks leave in
`benchmarks/records/`. Times are CPU-seconds where the machine was shared. What was **not** measured is
[at the end](#not-measured).
"""


class Row(NamedTuple):
    """One measurement."""

    group: str  # a key of `GROUPS`
    what: str
    figures: list[str]
    command: str
    date: str  # ISO
    commit: str  # abbreviated
    machine: str
    note: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stale", action="store_true", help="list rows whose benchmark has changed since")
    if parser.parse_args().stale:
        for name, row in read().items():
            if commits := commits_since(row):
                print(f"{name}: {script_of(row.command)} has {commits} newer commits than {row.commit}")
        return
    PAGE.write_text(page(read()), encoding="utf-8")


def leave(name: str, what: str, group: str, figures: Sequence[str], note: str = "") -> Path:
    """Record a measurement of the running program. Returns the file.

    Args:
        name: of the file in benchmarks/records; a second measurement replaces the first.
        group: a key of `GROUPS`.
        figures: one short sentence each.
    """
    # no place on this machine: a folder is called by its own name
    shown = [Path(argument).name if os.path.isabs(argument) else argument for argument in sys.argv[1:]]
    arguments = [shlex.quote(argument) for argument in shown]
    script = Path(sys.argv[0]).resolve().relative_to(ROOT)
    row = Row(
        group=group,
        what=what,
        figures=list(figures),
        command=" ".join(["python", str(script), *arguments]),
        date=time.strftime("%Y-%m-%d"),
        commit=_git("rev-parse", "--short=8", "HEAD"),
        machine=this_machine(),
        note=note,
    )
    path = RECORDS / f"{name}.json"
    path.write_text(json.dumps(row._asdict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def tell(told: dict[str, Any], record: Callable[[dict[str, Any]], None] | None) -> int:
    """Print what a benchmark found.

    Args:
        told: what it found, with `wrong`: what is not as it should be.
        record: leaves a record of it, if nothing is wrong; None: none is wanted.

    Returns:
        The exit status.
    """
    print(json.dumps(told, indent=1, ensure_ascii=False))
    if record is not None and not told["wrong"]:
        record(told)
    return int(bool(told["wrong"]))


def this_machine() -> str:
    """This machine in words: no name, no address."""
    cores = len(os.sched_getaffinity(0))
    gpus = sum(1 for _ in Path("/dev").glob("nvidia[0-9]*"))
    plural = "s" if gpus > 1 else ""
    lent = f"{gpus} GPU{plural}" if gpus else "no GPU"
    try:
        renderer = f", bpy {metadata.version('bpy')}"
    except metadata.PackageNotFoundError:
        renderer = ""
    return f"{cores} shared cores ({platform.machine()}), {lent}{renderer}"


def read() -> dict[str, Row]:
    """All records, by name."""
    return {
        path.stem: Row(**json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(RECORDS.glob("*.json"))
    }


def page(rows: dict[str, Row]) -> str:
    """The whole page as Markdown."""
    parts = [HEAD]
    for group, title in GROUPS.items():
        members = [row for row in rows.values() if row.group == group]
        if members:
            parts.append(f"\n## {title}\n\n| what | result | how |\n|---|---|---|\n")
            parts += [_line(row) for row in members]
    parts.append("\n## Not measured\n\n")
    parts += [f"- {text}\n" for text in NOT_MEASURED]
    return "".join(parts)


def _line(row: Row) -> str:
    what = f"{row.what}. {row.note}" if row.note else row.what
    how = f"`{row.command}`<br>{row.date}, commit {row.commit}, {row.machine}"
    return f"| {what} | {';<br>'.join(row.figures)} | {how} |\n"


def script_of(command: str) -> Path | None:
    """The file of ours that a command runs, if it names one."""
    names = [word for word in shlex.split(command) if word.startswith(("benchmarks/", "tests/"))]
    return Path(names[0]) if names else None


def commits_since(row: Row) -> int:
    """How many commits have changed the benchmark of a row since it was measured."""
    script = script_of(row.command)
    if script is None:
        return 0
    return len(_git("log", "--format=%h", f"{row.commit}..HEAD", "--", str(script)).split())


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
