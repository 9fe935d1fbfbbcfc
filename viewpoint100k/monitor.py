"""How far a run is and how fast, from receipts and reports only: what is done, running, failed, missing."""

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from viewpoint100k.pages import asset, render
from viewpoint100k.records import Record, Reject
from viewpoint100k.run_state import Status
from viewpoint100k.runners import array_spec
from viewpoint100k.shards import Receipt, write_atomically

LATELY_S = 3600.0  # the last work of this length determines the speed


class Machine(Record):
    """What one machine has done."""

    name: str
    shards: int
    pairs: int
    pairs_per_hour: float  # of the time in which it made shards that were finished
    cpu_s_per_pair: float


class Unfinished(Record):
    """A shard that is in progress or has failed."""

    number: int
    name: str
    machine: str
    attempt: int
    pairs: int
    pairs_wanted: int
    error: str


class Report(Record):
    """Everything that `status` shows."""

    shards: int
    pairs_wanted: int
    pairs_done: int
    done: int
    running: list[Unfinished]
    failed: list[Unfinished]
    missing: list[int]  # neither done nor in progress: failed, killed, or not begun
    attempts: int  # attempts at the finished shards
    pairs_per_minute: float
    eta_s: float | None  # None: nothing is done yet
    machines: list[Machine]
    rejects: dict[str, int]  # objects, by stage and reason
    dropped: dict[str, int]  # pairs that were rendered and not used, by reason
    fetching: str = ""  # how far `objects fetch` is; empty: nobody fetches ahead
    at: float  # Unix time

    @property
    def missing_spec(self) -> str:
        """As SLURM writes it: 3,7,12-14."""
        return array_spec(self.missing)


def _unfinished(status: Status) -> dict[int, Unfinished]:
    """The shards that were begun and are not done, by their numbers."""
    missing = {shard.number: shard for shard in status.missing}
    return {
        number: Unfinished(
            number=number,
            name=missing[number].name,
            machine=progress.machine,
            attempt=progress.attempt,
            pairs=progress.pairs,
            pairs_wanted=len(missing[number].motions),
            error=progress.error,
        )
        for number, progress in status.progress.items()
    }


def make_report(status: Status, rejects: Iterable[Reject], fetching: str = "") -> Report:
    """Sum up the state of a run.

    Args:
        fetching: how far its objects are fetched, for people.
    """
    running = status.running
    unfinished = _unfinished(status)
    done = sum(receipt.samples for receipt in status.done)
    rate = pairs_per_minute(status.done)
    left = sum(len(shard.motions) for shard in status.missing)
    return Report(
        shards=len(status.done) + len(status.missing),
        pairs_wanted=status.pairs_wanted,
        pairs_done=done,
        done=len(status.done),
        running=[unfinished[number] for number in running],
        failed=[one for one in unfinished.values() if one.error],
        missing=[shard.number for shard in status.missing if shard.number not in running],
        attempts=sum(receipt.attempts for receipt in status.done),
        pairs_per_minute=rate,
        eta_s=max(0, left - status.pairs_in_work) / rate * 60 if rate else None,
        machines=_machines(status.done),
        rejects=dict(Counter(f"{reject.stage}: {_kind(reject.reason)}" for reject in rejects).most_common()),
        dropped=dict(
            sum((Counter(receipt.dropped) for receipt in status.done), Counter[str]()).most_common()
        ),
        fetching=fetching,
        at=time.time(),
    )


def pairs_per_minute(receipts: Sequence[Receipt]) -> float:
    """Speed of the last hour of work.

    Time in which nothing that was finished was in work, such as a night, does not count.
    """
    timed = [receipt for receipt in receipts if receipt.finished]
    since = max((receipt.finished for receipt in timed), default=0.0) - LATELY_S
    lately = [receipt for receipt in timed if receipt.finished > since]
    seconds = _busy_s((max(r.finished - r.seconds, since), r.finished) for r in lately)
    inside = sum(r.samples * min(1.0, (r.finished - since) / max(r.seconds, 1e-9)) for r in lately)
    return inside / seconds * 60 if seconds else 0.0


def _busy_s(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of some spans of time."""
    total = 0.0
    end = float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def _machines(receipts: Sequence[Receipt]) -> list[Machine]:
    by_name: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        by_name.setdefault(receipt.machine or "unknown", []).append(receipt)
    out = []
    for name, mine in sorted(by_name.items()):
        pairs = sum(receipt.samples for receipt in mine)
        hours = _busy_s((r.finished - r.seconds, r.finished) for r in mine if r.finished) / 3600
        cpu_s = sum(sum(receipt.cpu_s.values()) for receipt in mine)
        speed = {"pairs_per_hour": pairs / hours if hours else 0.0, "cpu_s_per_pair": cpu_s / max(pairs, 1)}
        out.append(Machine(name=name, shards=len(mine), pairs=pairs, **speed))
    return out


def _kind(reason: str) -> str:
    """The common part of similar reasons: the words before a colon or a number."""
    return re.split(r":|\(|\d", reason)[0].strip()[:60] or reason[:60]


def duration(seconds: float | None) -> str:
    """For people: 40 s, 12 min, 3.5 h, 2.1 days."""
    if seconds is None:
        return "unknown"
    for size, name, digits in ((86_400, "days", 1), (3600, "h", 1), (60, "min", 0)):
        if seconds >= 2 * size or (size == 3600 and seconds >= 5400):
            return f"{seconds / size:.{digits}f} {name}"
    return f"{seconds:.0f} s"


def write_page(report: Report, name: str, path: Path, refresh_s: float = 0.0) -> None:
    """The report as one HTML page.

    Args:
        name: of the run, for the title.
        refresh_s: the seconds after which a browser reads it again; 0: never.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(report.at))
    left = duration(report.eta_s)
    text = render(
        asset("status.html.j2"), report=report, name=name, at=at, left=left, refresh_s=int(refresh_s)
    )
    write_atomically(path, text.encode())
