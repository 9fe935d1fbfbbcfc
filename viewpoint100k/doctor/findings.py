"""What a check finds, and what to do about it."""

from importlib import metadata
from typing import Literal

from viewpoint100k.errors import ViewpointError
from viewpoint100k.records import Record

PATIENCE_S = 5.0  # with each program and each server that is asked

Verdict = Literal["green", "yellow", "red"]


class Finding(Record):
    """One line."""

    name: str
    verdict: Verdict
    found: str
    advice: str = "nothing to do"


def red(name: str, found: str, error: ViewpointError) -> Finding:
    """A fault that makes a run fail; the error says what to do."""
    return Finding(name=name, verdict="red", found=found, advice=str(error))


def absent(name: str, how: str, wanted: str) -> Finding:
    """A program that is not here, `how` to get it, and what it is `wanted` for."""
    advice = f"nothing, unless you want {wanted}: {how}"
    return Finding(name=name, verdict="green", found="not here", advice=advice)


def version_of(package: str) -> str | None:
    """The installed version of a package; None: it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
