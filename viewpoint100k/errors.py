"""What a caller may catch, and the commands that messages name.

Every message says what was given, what was expected, where, and what to do.
"""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ViewpointError(Exception):
    """Base of everything this package raises on purpose."""


class InputError(ViewpointError):
    """Something the user can fix: an argument, a setting, a folder. The command line exits with 2."""


class MissingExtra(InputError):
    """An optional library is not installed; the message names the extra that brings it."""


class ObjectRefused(ViewpointError):
    """One object file cannot or must not be rendered. The run goes on; the reason is recorded."""


class EngineError(ViewpointError):
    """The render process could not be started or kept alive, whatever the object."""


class RanDry(ViewpointError):
    """A shard has no reserves left. The message says how many pairs are missing and why."""


@contextmanager
def disk_errors(out: Path | str) -> Iterator[None]:
    """Turn what the file system refuses into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, ViewpointError) or error.errno is None:
            raise
        raise InputError(
            f"cannot write to {out}: {error.strerror}. Free space or choose another folder, then run it again"
        ) from error


def shell_line(*words: object) -> str:
    """A command of ours, to be copied into a shell: its words are quoted where they need it."""
    return shlex.join(["viewpoint100k", *map(str, words)])


def load_line(dataset: str, revision: str = "") -> str:
    """A line that loads a dataset, to be copied into a shell."""
    names = [json.dumps(dataset, ensure_ascii=False)]
    if revision:
        names.append(f"revision={json.dumps(revision, ensure_ascii=False)}")
    code = f"from datasets import load_dataset; print(load_dataset({', '.join(names)}))"
    return shlex.join(["python", "-c", code])


def printable(text: str, most: int = 2000) -> str:
    """A stranger's text made safe for a terminal: without control characters and halves of characters.

    Lines stay lines. What is longer than `most` characters is cut.
    """
    short = text if len(text) <= most else f"{text[:most]}..."
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii")
        for one in short
    )


def one_line(text: str, most: int = 300) -> str:
    """The same on one line."""
    return printable(" ".join(text[: most + 1].split()), most)
