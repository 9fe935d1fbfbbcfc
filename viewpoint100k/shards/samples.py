"""A sample and its files: which there must be, what its record must be, and what is wrong with it."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.records import Sample

FIELD = re.compile(r"[a-z0-9_.]+: ")


class StoredSample(NamedTuple):
    """A sample as it lies in a shard."""

    key: str
    sample: Sample
    images: list[bytes]  # JPEG, in the order of the views


def parse_sample(path: Path | str, key: str, members: dict[str, bytes]) -> StoredSample:
    """A sample from its files. Its pictures are not decoded.

    Raises:
        InputError: a file is missing, or the json is not a sample: names the file, the sample and the field.
    """
    if "json" not in members:
        raise InputError(
            f"{path}: sample {key!r} has members {sorted(members)}; expected view_0.jpg, ..., json"
        )
    sample = parse_record(path, key, members["json"])
    check_members(path, key, members, sample)
    return StoredSample(key, sample, [members[f"view_{number}.jpg"] for number in range(len(sample.views))])


def parse_record(path: Path | str, key: str, data: bytes) -> Sample:
    try:
        sample = Sample.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise InputError(f"{path}: sample {key!r}: {key}.json: {first_fault(error)}") from error
    if len(sample.views) < 2:
        raise InputError(f"{path}: sample {key!r}: {key}.json: views: there is one; expected two or more")
    return sample


def check_members(path: Path | str, key: str, names: Iterable[str], sample: Sample) -> None:
    """A sample has its record, a picture for each view, each once, and nothing else."""
    found = sorted(names)
    views = len(sample.views)
    if found != ["json", *(f"view_{number}.jpg" for number in range(views))]:
        raise InputError(
            f"{path}: sample {key!r} has {len(found) - 1} images for {views} views: its members are {found}; "
            "expected json, view_0.jpg, ..., each once"
        )


def first_fault(error: ValidationError) -> str:
    """What is wrong first with a file that is no record of ours: the field, and what was expected."""
    if error.error_count() > 10_000:  # a list of them all takes hundreds of bytes for each
        return f"has {error.error_count()} faults"
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    between = "." if FIELD.match(what) else ": "  # checks of several fields at once name theirs first
    got = _given(first["input"])
    return one_line(f"{where}{between}{what}{got}" if where else what)


def _given(value: object) -> str:
    """What a field was given, for the end of a message; empty: too much to be shown."""
    if isinstance(value, str):
        return f"; got {value[:60]!a}"
    if isinstance(value, int | float):
        return f"; got {value}"
    return ""


@contextmanager
def in_sample(path: Path | str, key: str = "") -> Iterator[None]:
    """What goes wrong with a sample is an error that names its shard and its key; with all, the shard.

    The record of a sample is checked when it is read; what nobody thought of must not end in a traceback
    either.

    Raises:
        InputError: instead of what a stranger's numbers, lists and texts can raise.
    """
    where = f"{path}: sample {key!r}" if key else str(path)
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {one_line(str(error))}"
        raise InputError(
            f"{where}: its values do not fit each other ({what}); run `viewpoint100k validate`"
        ) from error
