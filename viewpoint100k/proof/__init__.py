"""The second opinion: every answer and every chain of thought once more, by code of its own.

It shares nothing with what wrote them. It reads what a user reads, the published sample and the question,
and imports only our records, settings and errors; setup.cfg holds it to that. Where it agrees with the rest
of the house, a fault would have to be there twice in the same way. The thresholds that decide what is asked
are those of the dataset that is judged.

`kinds/` has one file for each kind of question, or for a family of kinds, named as in `questions/kinds/`: the
answer, the grammar of what chains say, when each sentence is true, and what follows from all of them.
"""

from viewpoint100k.config import GateConfig
from viewpoint100k.proof.case import Answer, Case, Measured, kind_of
from viewpoint100k.proof.judging import contradicted, objections
from viewpoint100k.proof.kinds import PROOFS
from viewpoint100k.proof.language import understood
from viewpoint100k.proof.reading import problems_of_chain as _problems_of_chain
from viewpoint100k.records import Question, Sample, Vocabulary

__all__ = ["Answer", "answer", "contradicted", "known", "problems_of_chain", "problems_of_question"]


def known(kind: str) -> bool:
    """Whether there is a proof of a kind of questions, by its name: "type/frame"."""
    return kind in PROOFS


def answer(
    sample: Sample, question: Question, gates: GateConfig | None = None, words: Vocabulary | None = None
) -> Answer | str:
    """The right answer of a question, in English, or why the question must not be asked.

    Args:
        gates: of the dataset that is judged; None: today's defaults. No sample says by which it was made.
        words: of the dataset, from its manifest; None: of an early version, which had no others than English.

    Raises:
        KeyError: there is no proof of the question's kind.
    """
    return PROOFS[kind_of(question)].solve(_case(sample, question, gates, words))


def problems_of_question(
    sample: Sample, question: Question, gates: GateConfig | None = None, words: Vocabulary | None = None
) -> list[str]:
    """What is wrong with a question and its chain of thought, a line each.

    Only the chain is judged where no proof of the kind is known.

    Args:
        gates, words: as in `answer`.
    """
    found = list(objections(_case(sample, question, gates, words))) if known(kind_of(question)) else []
    return found + [f"chain of thought: {problem}" for problem in problems_of_chain(sample, question, words)]


def problems_of_chain(sample: Sample, question: Question, words: Vocabulary | None = None) -> list[str]:
    """What is wrong with a question's chain of thought, a line each; nothing where it is sound, or missing.

    Every sentence is taken apart by a grammar that is written down a second time, each fact is measured anew,
    and the conclusion is drawn from the sentences alone.

    Args:
        words: as in `answer`.
    """
    if question.chain_of_thought is None:
        return []
    case = _case(sample, question, None, words)
    return list(_problems_of_chain(case.question.chain_of_thought or "", case, PROOFS.get(case.kind)))


def _case(sample: Sample, question: Question, gates: GateConfig | None, words: Vocabulary | None) -> Case:
    return Case(Measured(sample), understood(sample, question, words), gates or GateConfig())
