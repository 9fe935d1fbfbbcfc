"""What a second implementation says of questions: asked before they are written, and again by the audit.

It shares no code with what gave the answers (`recompute*.py`), so where both agree, a fault would have to be
there twice.
"""

from collections.abc import Iterator
from typing import NamedTuple

from viewpoint100k.audit import recompute_figures, recompute_scenes
from viewpoint100k.audit.recompute import LABELS, Label, Moved, decided_by, label, measure
from viewpoint100k.config import GateConfig, widened
from viewpoint100k.records import Question, Sample

MARGIN_ATOL = 1e-4
DECIDABILITY_ATOL = 2e-6  # it is stored to a millionth
TWIN = "-reversed"  # how the name of a question from the second view to the first ends
# kinds that are answered from what the whole sample shows, not from two poses
SOLVERS = {
    **dict.fromkeys(recompute_figures.KINDS, recompute_figures.solve),
    **dict.fromkeys(recompute_scenes.KINDS, recompute_scenes.solve),
}


class Opinion(NamedTuple):
    """The right answer of a question by the second implementation, and what it rests on."""

    label: Label
    decidability: float | str  # or why nothing is known of it
    shared: tuple[tuple[int, int], ...]  # views of a set that must have surface in common


def known(kind: str) -> bool:
    """Whether there is a second implementation of a kind."""
    return kind in LABELS or kind in SOLVERS


def contradicted(sample: Sample, gates: GateConfig) -> dict[str, str]:
    """The questions of a sample that the second implementation contradicts, and their twins: by their names, why not."""
    moved: dict[tuple[int, int], Moved] = {}
    found = dict[str, str]()
    for question in sample.questions:
        if (
            known(_kind(question))
            and (why := next(_objections(sample, question, gates, moved), None)) is not None
        ):
            found[question.id] = why
    for question in sample.questions:  # whoever sees one of two twins gets both right, or neither is asked
        twin = question.id.removesuffix(TWIN) if question.id.endswith(TWIN) else question.id + TWIN
        if twin in found:
            found.setdefault(question.id, f"its twin is not asked: {found[twin]}")
    return found


def opinion(
    sample: Sample, question: Question, gates: GateConfig, moved: dict[tuple[int, int], Moved] | None = None
) -> Opinion | str:
    """What the second implementation says of a question, or why the question must not be asked.

    Args:
        moved: motions that were measured before, by the numbers of the two views. Updated here.
    """
    kind, images = _kind(question), question.images
    if sample.photographed is not None:
        if kind in SOLVERS:
            return "needs depth, and its sample rests on poses alone"
        gates = widened(gates, sample.photographed.turn_error_deg, sample.photographed.move_error)
    if kind in SOLVERS:
        solved = SOLVERS[kind](sample, question, gates)
        return (
            solved
            if isinstance(solved, str)
            else Opinion(solved.label, min(1.0, solved.decidability), solved.shared)
        )
    count = len(sample.views)
    if len(images) != 2 or count > 2 or not all(0 <= view < count for view in images):
        return f"shows views {images} of {count}, not a pair"
    if question.marks or question.mirrored or question.map_cameras:
        return "has a figure, and its kind has none"
    pair = (images[0], images[1])
    moved = {} if moved is None else moved
    if pair not in moved:
        moved[pair] = measure(sample.views[pair[0]], sample.views[pair[1]], sample.truth.front_azimuth_deg)
    found = label(kind, moved[pair], sample.truth.covisible_fraction, gates)
    if found is None:
        return "is asked although the poses are in a grey band"
    return Opinion(found, _decidability(sample, kind, pair, moved[pair], gates), ())


def wrong_answer(question: Question, found: Opinion) -> Iterator[str]:
    """What is wrong with a question's answer and its margin."""
    right = question.options[question.answer_index] if question.options else ""
    answer, value, margin = found.label.words, found.label.value, found.label.margin
    if value is None and right != answer:
        yield f"says {right!r}; the poses say {answer!r}"
    if value is not None and (question.value is None or abs(question.value - value) > 0.06):
        yield f"says {question.value}; the poses say {value:.1f}"
    if abs(question.margin - margin) > MARGIN_ATOL * max(1.0, margin):
        yield f"has margin {question.margin}; the poses say {margin:.5f}"
    if question.margin < 1:
        yield f"has margin {question.margin}, less than 1"


def undecidable(
    question: Question, found: Opinion | str | None, gates: GateConfig, *, measured: bool = True
) -> str:
    """Why a wrong answer would not have implied another picture; empty if it would.

    Args:
        found: None where there is no second opinion: then only the gate counts.
        measured: whether decidability was measured at all; of photographs it was not.
    """
    value = question.decidability
    if measured and not value >= gates.min_decidability:
        return f"decidability {value:.4f}, less than {gates.min_decidability}"
    wanted = found.decidability if isinstance(found, Opinion) else found
    if wanted is None or isinstance(wanted, str):
        return wanted or ""
    away = abs(value - wanted) > DECIDABILITY_ATOL
    return f"decidability {value:.4f}; its sample says {wanted:.4f}" if away else ""


def apart(sample: Sample, found: Opinion, gates: GateConfig) -> Iterator[str]:
    """Views of a set that share too little for a question to lead from one to the other."""
    for one, other in found.shared if len(sample.views) > 2 else ():
        shared = sample.seen.covisible_fraction[one][other]
        if not shared >= gates.min_covisible_fraction:
            yield f"views {one} and {other} share {shared:.3f}, less than {gates.min_covisible_fraction}"


def _objections(
    sample: Sample, question: Question, gates: GateConfig, moved: dict[tuple[int, int], Moved]
) -> Iterator[str]:
    found = opinion(sample, question, gates, moved)
    if isinstance(found, str):
        yield found
        return
    yield from wrong_answer(question, found)
    if why := undecidable(question, found, gates, measured=sample.proof == "depth"):
        yield why
    yield from apart(sample, found, gates)
    if _kind(question) in recompute_scenes.KINDS:
        yield from recompute_scenes.reference_problems(sample, question, gates)


def _decidability(
    sample: Sample, kind: str, pair: tuple[int, int], moved: Moved, gates: GateConfig
) -> float | str:
    """What a question's decidability must be, by what is stored of its sample."""
    stored = sample.decidability if pair == (0, 1) else sample.decidability_reversed
    if stored is None:
        return "is asked from the second view to the first, and nothing is known of that"
    return min((float(getattr(stored, name)) for name in decided_by(kind, moved, gates)), default=0.0)


def _kind(question: Question) -> str:
    return f"{question.type}/{question.frame}"
