"""What is wrong with questions, by the answers that their proofs find."""

from collections.abc import Iterator

from viewpoint100k.config import GateConfig
from viewpoint100k.proof.case import Answer, Case, Measured, kind_of
from viewpoint100k.proof.kinds import PROOFS
from viewpoint100k.proof.language import understood
from viewpoint100k.proof.references import problems_of_references
from viewpoint100k.records import Question, Sample, Vocabulary

MARGIN_RTOL = 1e-4
VALUE_ATOL = 0.06  # of a number of degrees that is stored with one decimal
DECIDABILITY_ATOL = 2e-6  # it is stored to a millionth
OF_DEPTH = {"marked_point", "covisible_point", "revealed_side", "mirrored", "zoom_or_dolly", "camera_on_map"}
TWIN = "-reversed"  # how the name of a question from the second view to the first ends


def contradicted(sample: Sample, gates: GateConfig, words: Vocabulary | None = None) -> dict[str, str]:
    """Why questions of a sample must not be asked, by id: those that proofs contradict, and their twins.

    Args:
        words: as in `understood`.
    """
    measured = Measured(sample)
    why = dict[str, str]()
    for question in sample.questions:
        if kind_of(question) in PROOFS:
            case = Case(measured, understood(sample, question, words), gates)
            objection = next(objections(case), None)
            if objection is not None:
                why[question.id] = objection
    # a reader who sees one of two twins gets both right, or neither is asked
    for question in sample.questions:
        twin = question.id.removesuffix(TWIN) if question.id.endswith(TWIN) else question.id + TWIN
        if twin in why:
            why.setdefault(question.id, f"its twin is not asked: {why[twin]}")
    return why


def objections(case: Case) -> Iterator[str]:
    """What a question's proof has against it, a line each; the kind must have a proof."""
    answer = solved(case)
    if isinstance(answer, str):
        yield answer
        return
    yield from wrong_answer(case.question, answer)
    if why := undecidable(case.question, answer, case.gates, measured=case.sample.proof == "depth"):
        yield why
    yield from apart(case.sample, answer, case.gates)
    if speaks_of_parts(case.question):
        yield from problems_of_references(case)


def solved(case: Case) -> Answer | str:
    """The answer of a question's proof; of photographs only where it needs no depth."""
    if case.sample.photographed is not None and needs_depth(case.kind):
        return "needs depth, and its sample rests on poses alone"
    return PROOFS[case.kind].solve(case)


def needs_depth(kind: str) -> bool:
    """Whether a kind is about the object's surface: what is seen of it, what mirror or lens would change."""
    return kind.partition("/")[0] in OF_DEPTH


def speaks_of_parts(question: Question) -> bool:
    """Whether a question is of a kind about scenes."""
    return question.tier == "C"


def wrong_answer(question: Question, answer: Answer) -> Iterator[str]:
    """What is wrong with a question's answer and its margin."""
    said = question.options[question.answer_index] if question.options else ""
    words, margin, value, _ = answer.label
    if value is None and said != words:
        yield f"says {said!r}; the poses say {words!r}"
    if value is not None and (question.value is None or abs(question.value - value) > VALUE_ATOL):
        yield f"says {question.value}; the poses say {value:.1f}"
    if abs(question.margin - margin) > MARGIN_RTOL * max(1.0, margin):
        yield f"has margin {question.margin}; the poses say {margin:.5f}"
    if question.margin < 1:
        yield f"has margin {question.margin}, less than 1"


def undecidable(
    question: Question, answer: Answer | str | None, gates: GateConfig, *, measured: bool = True
) -> str:
    """Why a wrong answer would not have implied another picture; empty if it would.

    Args:
        answer: None where there is no proof of the kind: then only the gate counts.
        measured: whether decidability was measured at all; of photographs it was not.
    """
    value = question.decidability
    if measured and not value >= gates.min_decidability:
        return f"decidability {value:.4f}, less than {gates.min_decidability}"
    wanted = answer.decidability if isinstance(answer, Answer) else answer
    if wanted is None or isinstance(wanted, str):
        return wanted or ""
    away = abs(value - wanted) > DECIDABILITY_ATOL
    return f"decidability {value:.4f}; its sample says {wanted:.4f}" if away else ""


def apart(sample: Sample, answer: Answer, gates: GateConfig) -> Iterator[str]:
    """Views of a set that share too little for a question to lead from one to the other."""
    for first, second in answer.shared if len(sample.views) > 2 else ():
        shared = sample.seen.covisible_fraction[first][second]
        if not shared >= gates.min_covisible_fraction:
            yield f"views {first} and {second} share {shared:.3f}, less than {gates.min_covisible_fraction}"
