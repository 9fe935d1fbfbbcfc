"""Run one command line per shard number. Engines choose where; the command line and its result are the same.

Each runner is a function of the same arguments: see `Runner`. What is done is judged from the files, not from
what it returns.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

# the exit code of an error that the user has to fix: it would be as wrong for the other shards
WRONG_INPUT = 2
PROGRAM = [sys.executable, "-m", "viewpoint100k"]


class Failure(NamedTuple):
    """How a command ended."""

    exit_code: int  # negative: killed by that signal
    last_line: str


class Places(NamedTuple):
    """Where commands may run. A runner takes of it what its engine knows."""

    slots: Sequence[Mapping[str, str]] = (
        {},
    )  # here: each runs one at a time, with this added to its environment
    at_a_time: int = 0  # elsewhere: how many at a time; 0: as many as there is room for
    cpus: int = 1  # of each command
    gpus: int = 0
    retries: int = 3  # of a command that was killed
    address: str = ""  # of a Ray cluster
    options: Sequence[str] = ()  # of sbatch, such as --partition=long


class Runner(Protocol):
    """Runs `command --shard NUMBER` for each number."""

    def __call__(
        self,
        command: Sequence[str],
        shards: Sequence[int],
        places: Places,
        logs: Path,
        tick: Callable[[], None],
    ) -> dict[int, Failure]:
        """
        Args:
            command: what follows `viewpoint100k`: render-shard OUT and its options.
            shards: numbers, at least one.
            logs: a folder for what each command prints.
            tick: called at least every few seconds, to show progress.

        Returns:
            The commands that failed, by shard number, as far as the engine tells.
        """
        ...


def write_log(logs: Path, number: int, text: str) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    (logs / f"{number}.txt").write_text(text)


def last_line(text: str) -> str:
    """The last line with something in it: the error, if the command printed one."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def array_spec(numbers: Sequence[int]) -> str:
    """Numbers as SLURM writes them: 3,7,12-14."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and parts[-1][-1] == number - 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
