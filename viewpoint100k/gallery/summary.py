"""Figures of a whole dataset, for the head of the page."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from viewpoint100k.records import Sample

MOST_CATEGORIES = 11  # with a bar of their own
OTHER = "other"  # answers that are too many for a bar of their own


@dataclass
class Summary:
    """What the head of the page says about the whole dataset."""

    samples: int = 0
    questions: int = 0
    fair: int = 0  # of the questions
    objects: dict[str, str] = field(default_factory=dict)  # the category of each
    splits: Counter[str] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    azimuth_changes_deg: list[float] = field(default_factory=list)
    # (type, frame) -> right options of fair questions
    answers: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def categories(self) -> list[tuple[str, int]]:
        """Name and objects of the most frequent categories, then of the others; none if there is one."""
        counts = Counter(self.objects.values())
        if len(counts) < 2:
            return []
        most = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
        rest = most[MOST_CATEGORIES:]
        others = [(f"{len(rest)} {OTHER}s", sum(count for _, count in rest))] if rest else []
        return [*most[:MOST_CATEGORIES], *others]

    def shares(self) -> list[tuple[str, str, list[tuple[str, float, str]]]]:
        """(type, frame, [(answer, share, tone)]) for the bars; what says "no" comes last, in grey."""
        out = []
        for (kind, frame), counts in self.answers.items():
            if not counts:  # it asks for a number
                continue
            named = sorted(counts.most_common(5), key=lambda item: (_is_no(item[0]), item[0]))
            if rest := counts.total() - sum(count for _, count in named):
                named.append((OTHER, rest))
            parts = [
                (answer, count / counts.total(), "none" if _is_no(answer) or answer == OTHER else str(i))
                for i, (answer, count) in enumerate(named)
            ]
            out.append((kind, frame, parts))
        return out


def _is_no(answer: str) -> bool:
    """Whether an option says that nothing happened, such as "no movement sideways"."""
    return answer.lower().partition(" ")[0] in {"no", "none", "neither", "equally"}


def summarise(samples: Iterable[Sample]) -> Summary:
    """Count everything once."""
    summary = Summary()
    for sample in samples:
        summary.samples += 1
        summary.questions += len(sample.questions)
        summary.fair += len(sample.fair_questions)
        summary.objects.update((thing.uid, thing.category) for thing in sample.objects)
        summary.splits[sample.split] += 1
        summary.families[sample.family] += 1
        summary.azimuth_changes_deg.append(sample.truth.azimuth_change_deg)
        for question in sample.fair_questions:
            counts = summary.answers.setdefault((question.type, question.frame), Counter())
            if 0 <= question.answer_index < len(question.options):
                counts[question.options[question.answer_index]] += 1
    return summary


class Bar(NamedTuple):
    low_deg: float
    high_deg: float
    samples: int
    height: float  # over the highest


def histogram(values_deg: Sequence[float], width_deg: float = 10.0) -> list[Bar]:
    """Bars from clockwise (negative) to counter-clockwise, as many on both sides; the middle one is around
    zero.
    """
    reach = int(np.ceil(max(map(abs, values_deg), default=0) / width_deg - 0.5))
    edges = width_deg * (np.arange(-reach, reach + 2) - 0.5)
    counts = np.histogram(np.asarray(values_deg, dtype=np.float64), edges)[0]
    highest = max(int(np.max(counts)), 1)
    return [
        Bar(float(low), float(high), int(count), int(count) / highest)
        for (low, high), count in zip(pairwise(edges), counts, strict=True)
    ]
