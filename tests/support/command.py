"""Where the real objects are, and the command line as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

from support.forks import Forks

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "assets"
# as the installed program starts, so that it knows itself by its name
MAIN = 'import sys; sys.argv[0] = "viewpoint100k"; from viewpoint100k.cli import main; main()'
SMALL = ["--set", "render.size_px=64", "--set", "render.samples=1", "--set", "gates.min_decidability=0.02"]


FORKS = Forks()


def viewpoint100k(*arguments, timeout=600, cwd=None, env=None, **more):
    """Run the command line as a user does, in a process of its own.

    It is forked from one that has imported the library (support/forks.py), unless something is asked that only a new
    process can have: another user, or variables that are read while Python and numpy start.
    """
    words = [*map(str, arguments)]
    if not more and (env is None or started_with(env) == started_with(os.environ)):
        return FORKS.run(words, timeout, cwd, env)
    command = [sys.executable, "-m", "viewpoint100k", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=env, **more)


def started_with(environment):
    """The variables that a process reads before it reads its arguments."""
    early = ("PYTHON", "LD_", "LC_", "LANG", "OMP_", "OPENBLAS_", "MKL_", "MALLOC_")
    return {name: value for name, value in environment.items() if name.startswith(early)}


def parse_command(words):
    """Parse the words behind `viewpoint100k` as the command line does, without running anything.

    Raises:
        Exception: of the parser, where a command, an option or a value is unknown or missing.
    """
    from typer.main import get_command

    from viewpoint100k.cli import app

    command, rest = get_command(app), list(words)
    name = "viewpoint100k"
    while hasattr(command, "commands"):
        name, rest = rest[0], rest[1:]
        if name in {"--version", "--install-completion", "--show-completion"}:
            return
        assert name in command.commands, f"no command {name!r}"
        command = command.commands[name]
    command.make_context(name, rest, resilient_parsing=False)


def every_command():
    """(Words, command) of each command of the command line, those in groups included."""
    from typer.main import get_command

    from viewpoint100k.cli import app

    for name, command in get_command(app).commands.items():
        if hasattr(command, "commands"):
            yield from (((name, inner), member) for inner, member in command.commands.items())
        else:
            yield (name,), command


def fake_programs(folder):
    """A folder for PATH whose `viewpoint100k` and `python` are those of this interpreter and this checkout."""
    programs = folder / "bin"
    programs.mkdir()
    for name, start in (
        ("viewpoint100k", f"'{sys.executable}' -c '{MAIN}'"),
        ("python", f'"{sys.executable}"'),
    ):
        (programs / name).write_text(f'#!/bin/sh\nexec {start} "$@"\n')
        (programs / name).chmod(0o755)
    paths = os.pathsep.join(path for path in (str(ROOT), os.environ.get("PYTHONPATH", "")) if path)
    return {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": paths}
