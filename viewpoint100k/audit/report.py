"""The result of an audit: for each probe, its number, bound and verdict."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from viewpoint100k.audit.statistics import CONFIDENCE, Share, wilson
from viewpoint100k.records import Record

Verdict = Literal["pass", "fail", "not measured"]
FAMILY_ERROR = 0.01  # probability that a probe fails a fair dataset by chance, over all of its parts together
FEWEST = 20  # trials of a part; fewer are not judged
MOST_WORST = 12  # sample keys that are kept as examples
MOST_PROBLEMS = 50  # problems that are listed


class Bounds(NamedTuple):
    """The interval in which a value passes; None: no bound on that side."""

    low: float | None = None
    high: float | None = None

    def miss(self, value: float) -> float:
        """How far a value is beyond the bounds; negative: how far it is inside the nearer bound."""
        beyond = [-1e9]
        if self.low is not None:
            beyond.append(self.low - value)
        if self.high is not None:
            beyond.append(value - self.high)
        return max(beyond)

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:.4g} to {self.high:.4g}"
        if self.high is not None:
            return f"<= {self.high:.4g}"
        return f">= {self.low:.4g}" if self.low is not None else "none"


class Part(Record):
    """One row of a probe with several parts, such as the kinds of questions."""

    name: str
    value: float
    interval: tuple[float, float] | None = Field(description="95 %")
    threshold: Bounds
    n: int
    verdict: Verdict
    note: str = ""


class Probe(Record):
    """The outcome of one probe. Its value is that of the worst part if there are several."""

    name: str
    what: str = Field(description="one line for people")
    value: float | None = None
    interval: tuple[float, float] | None = Field(default=None, description="95 %")
    threshold: Bounds = Bounds()
    n: int = 0
    verdict: Verdict
    because: str
    detail: dict[str, Any] = Field(default={})
    worst: list[str] = Field(default=[], description="keys of samples to look at")
    parts: list[Part] = Field(default=[])


class AuditReport(Record):
    """The outcomes of all probes of one dataset."""

    dataset: str
    preset: str
    config_hash: str
    samples: int
    questions: int
    fair: int = Field(
        default=0, description="questions of the balanced subset: probes of shares judge them alone"
    )
    objects: int
    drawn: int = Field(
        default=0, description="samples that probes of shares looked at, chosen at random; 0: all"
    )
    probes: list[Probe]

    @property
    def failed(self) -> list[Probe]:
        return [probe for probe in self.probes if probe.verdict == "fail"]

    def to_json(self) -> str:
        """The whole report as indented JSON."""
        return self.model_dump_json(indent=1)

    def __getitem__(self, name: str) -> Probe:
        return next(probe for probe in self.probes if probe.name == name)


class Measured(NamedTuple):
    """A share of one part before it is judged."""

    name: str
    share: Share
    threshold: Bounds
    note: str = ""
    chi_square_p: float | None = None  # a part also fails if this is too small
    # trials; from this number on, the value itself is judged and not its interval
    sure_from: int | None = None


def judge(
    name: str,
    what: str,
    measured: Sequence[Measured],
    *,
    too_few: str = "",
    fact: str = "",
    detail: dict[str, Any] | None = None,
    worst: Sequence[str] = (),
) -> Probe:
    """The verdict over shares: it fails if the whole interval of a part lies beyond its bounds.

    With many parts, a few 95 % intervals miss the truth by chance. The interval that judges is therefore
    wider, so that all parts together fail a fair dataset in one of a hundred cases.

    Args:
        too_few: why there may be nothing to measure.
        fact: why the numbers are only reported; empty: they are judged.
    """
    enough = [part for part in measured if part.share.n >= FEWEST]
    if not enough:
        return not_measured(name, what, too_few or f"no part has {FEWEST} trials", detail)
    allowed = FAMILY_ERROR / len(enough)
    parts = [_judged_part(part, allowed, bool(fact)) for part in enough]
    bad = [part for part in parts if part.verdict == "fail"]
    head = max(bad or parts, key=lambda part: (part.threshold.miss(part.value), part.value))
    return Probe(
        name=name,
        what=what,
        value=head.value,
        interval=head.interval,
        threshold=head.threshold,
        n=head.n,
        verdict="fail" if bad else "pass",
        because=_because(head, parts, fact),
        detail=detail or {},
        worst=list(worst)[:MOST_WORST] if bad else [],
        parts=parts,
    )


def _because(head: Part, parts: Sequence[Part], fact: str) -> str:
    """The reason for a verdict over shares.

    Args:
        head: the part that is furthest beyond its bound or, if none is beyond, the nearest to it.
    """
    bound = "" if fact else f", bound {_bound(head.threshold)}"
    score = f"{head.name} {head.value:.1%} (n = {head.n}, 95 % {_percent(head.interval)}{bound})"
    if fact:
        return f"{fact}; highest: {score}"
    if bad := sum(part.verdict == "fail" for part in parts):
        return f"{bad} of {len(parts)} parts; worst: {score}{_note(head)}"
    unsure = sum(_straddles(part) for part in parts)
    few = f", {unsure} of them too small to be sure" if unsure else ""
    return f"none of {len(parts)} parts is beyond its bound{few}; nearest: {score}"


def all_of(
    name: str,
    what: str,
    n: int,
    problems: Sequence[tuple[str, str]],
    *,
    nothing: str = "nothing to check",
    detail: dict[str, Any] | None = None,
) -> Probe:
    """The verdict of a probe that allows no exception.

    Args:
        n: how many things were checked.
        problems: (sample key, what is wrong), one for each faulty thing.
    """
    if not n:
        return not_measured(name, what, nothing, detail)
    bad = min(len(problems), n)
    value = 1 - bad / n
    first = f": {problems[0][0]}: {problems[0][1]}" if problems else ""
    return Probe(
        name=name,
        what=what,
        value=value,
        interval=wilson(value, n),
        threshold=Bounds(low=1.0),
        n=n,
        verdict="fail" if problems else "pass",
        because=f"{len(problems)} of {n} wrong{first}" if problems else f"all {n}",
        detail={
            **(detail or {}),
            **(
                {"problems": [f"{key}: {text}" for key, text in problems[:MOST_PROBLEMS]]} if problems else {}
            ),
        },
        worst=list(dict.fromkeys(key for key, _ in problems))[:MOST_WORST],
    )


def merged(parts: Sequence[Probe]) -> Probe:
    """What `all_of` would return for a whole dataset, from its results for the parts."""
    measured = [part for part in parts if part.verdict != "not measured"]
    if len(parts) == 1 or not measured:
        return parts[0]
    n = sum(part.n for part in measured)
    bad = sum(round((1 - (part.value or 0.0)) * part.n) for part in measured)
    problems = [text for part in measured for text in part.detail.get("problems", [])][:MOST_PROBLEMS]
    counts = dict[str, Counter[str]]()
    for part in measured:
        for what, rows in part.detail.items():
            if isinstance(rows, dict) and all(isinstance(count, int) for count in rows.values()):
                counts.setdefault(what, Counter()).update(rows)
    detail: dict[str, Any] = {what: dict(rows) for what, rows in counts.items() if rows}
    detail |= {"problems": problems} if problems else {}
    counted = "; ".join(f"{what}: {', '.join(sorted(rows))}" for what, rows in counts.items() if rows)
    because = f"{bad} of {n} wrong: {problems[0]}" if problems else f"all {n}"
    return measured[0].model_copy(
        update={
            "value": 1 - bad / n,
            "interval": wilson(1 - bad / n, n),
            "n": n,
            "verdict": "fail" if problems else "pass",
            "because": f"{because}; {counted}" if counted else because,
            "detail": detail,
            "worst": list(dict.fromkeys(key for part in measured for key in part.worst))[:MOST_WORST],
        }
    )


def not_measured(name: str, what: str, because: str, detail: dict[str, Any] | None = None) -> Probe:
    """The outcome of a probe that had nothing to measure."""
    return Probe(name=name, what=what, verdict="not measured", because=because, detail=detail or {})


def _judged_part(measured: Measured, allowed: float, fact: bool) -> Part:
    value, n, effective = measured.share
    judged = wilson(value, effective, 1 - allowed)
    low, high = measured.threshold
    beyond = (high is not None and judged[0] > high) or (low is not None and judged[1] < low)
    beyond |= (
        measured.sure_from is not None and n >= measured.sure_from and measured.threshold.miss(value) >= 0
    )
    unlikely = measured.chi_square_p is not None and measured.chi_square_p < allowed
    return Part(
        name=measured.name,
        value=value,
        interval=wilson(value, effective, CONFIDENCE),
        threshold=Bounds() if fact else measured.threshold,
        n=n,
        verdict="fail" if (beyond or unlikely) and not fact else "pass",
        note=measured.note,
    )


def _straddles(part: Part) -> bool:
    """Whether a part passes only because it is too small to be judged with certainty."""
    return part.interval is not None and any(part.threshold.miss(end) > 0 for end in part.interval)


def _note(part: Part) -> str:
    return f"; {part.note}" if part.note else ""


def _percent(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.1%} to {interval[1]:.1%}"


def _bound(threshold: Bounds) -> str:
    low, high = threshold
    if low is not None and high is not None:
        return f"{low:.1%} to {high:.1%}"
    if high is not None:
        return f"<= {high:.1%}"
    return "none" if low is None else f">= {low:.1%}"
