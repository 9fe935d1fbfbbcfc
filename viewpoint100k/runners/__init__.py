"""Runners execute one command line per shard number; each engine decides where, with the same result.

All runners are functions with the signature of `Runner`. Which shards are done is judged from the files, not
from what a runner returns.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

# exit code of an error that the user has to fix, which the other shards would run into as well
WRONG_INPUT = 2
PROGRAM = [sys.executable, "-m", "viewpoint100k"]


class Failure(NamedTuple):
    """How a command ended."""

    exit_code: int  # negative: the number of the signal that killed it
    last_line: str


class Places(NamedTuple):
    """Where commands may run; a runner uses the fields that its engine supports."""

    slots: Sequence[Mapping[str, str]] = (
        {},
    )  # on this machine: each slot runs one command at a time, with these environment variables
    at_a_time: int = 0  # elsewhere: number of commands at a time; 0: as many as fit
    cpus: int = 1  # of each command
    gpus: int = 0
    retries: int = 3  # for a command that was killed
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
            command: the arguments of `viewpoint100k`: render-shard OUT and its options.
            shards: numbers, at least one.
            logs: a folder for the output of each command.
            tick: called at least every few seconds, to show progress.

        Returns:
            The commands that failed, by shard number, as far as the engine reports them.
        """
        ...


def write_log(logs: Path, number: int, text: str) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    (logs / f"{number}.txt").write_text(text)


def last_line(text: str) -> str:
    """The last line that is not empty: the error, if the command printed one."""
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
