"""What is wrong, and where."""

from typing import NamedTuple

from viewpoint100k.records import (
    ObjectRecord,
)


class Problem(NamedTuple):
    where: str  # file, and sample where there is one
    what: str


class Report(NamedTuple):
    samples: int
    questions: int
    shards: int
    problems: list[Problem]


class MadeBy(NamedTuple):
    """What a sample says it was made by, as far as the manifest says so too."""

    version: str
    commit: str | None
    renderer: str
    device: str


class CheckedShard(NamedTuple):
    """What checking one shard found, and what only the whole dataset can judge."""

    problems: list[Problem]
    keys: list[str]
    objects: dict[str, ObjectRecord]  # by uid
    provenances: set[MadeBy]
    questions: int
