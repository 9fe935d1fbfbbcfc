"""The second opinion: every answer and every chain of thought once more, by code of its own.

It shares nothing with what wrote them. It reads what a user reads, the published sample and the question,
and imports only our records, settings and errors; setup.cfg holds it to that. Where it agrees with the rest
of the house, a fault would have to be there twice in the same way. The thresholds that decide what is asked
are those of the dataset that is judged.

`kinds/` has one file for each kind of question, or for a family of kinds, named as in `questions/kinds/`: the
answer, the grammar of what chains say, when each sentence is true, and what follows from all of them.
"""

from viewpoint100k.config import GateConfig
from viewpoint100k.proof.case import Answer, Case, Measured
from viewpoint100k.proof.judging import contradicted, objections, solved
from viewpoint100k.proof.kinds import PROOFS
from viewpoint100k.proof.language import understood
from viewpoint100k.proof.reading import problems_of_text
from viewpoint100k.records import Question, Sample, Vocabulary

__all__ = ["Answer", "Reader", "answer", "contradicted", "known", "problems_of_chain"]


def known(kind: str) -> bool:
    """Whether there is a proof of a kind of questions, by its name: "type/frame"."""
    return kind in PROOFS


class Reader:
    """Proves the questions of one sample, and measures once what several of them need."""

    def __init__(
        self, sample: Sample, gates: GateConfig | None = None, words: Vocabulary | None = None
    ) -> None:
        """
        Args:
            gates: of the dataset that is judged; None: today's defaults. No sample says by which it was made.
            words: of the dataset, from its manifest; None: of an early version, which had no others than
                English.
        """
        self.measured = Measured(sample)
        self.gates = gates or GateConfig()
        self.words = words

    def answer(self, question: Question) -> Answer | str:
        """The right answer, in English, or why the question must not be asked.

        Raises:
            KeyError: there is no proof of the question's kind.
        """
        return solved(self._case(question))

    def problems(self, question: Question) -> list[str]:
        """What is wrong with a question and its chain of thought, a line each.

        Only the chain is judged where no proof of the kind is known.
        """
        case = self._case(question)
        wrong = list(objections(case)) if known(case.kind) else []
        return wrong + [f"chain of thought: {problem}" for problem in _problems_of_chain(case)]

    def problems_of_chain(self, question: Question) -> list[str]:
        """What is wrong with a chain of thought, a line each; nothing where it is sound, or missing.

        Every sentence is taken apart by a grammar that is written down a second time, each fact is measured
        anew, and the conclusion is drawn from the sentences alone.
        """
        return _problems_of_chain(self._case(question))

    def _case(self, question: Question) -> Case:
        return Case(self.measured, understood(self.measured.sample, question, self.words), self.gates)


def _problems_of_chain(case: Case) -> list[str]:
    chain = case.question.chain_of_thought
    return [] if chain is None else list(problems_of_text(chain, case, PROOFS.get(case.kind)))


def answer(
    sample: Sample, question: Question, gates: GateConfig | None = None, words: Vocabulary | None = None
) -> Answer | str:
    """As `Reader.answer`, of one question."""
    return Reader(sample, gates, words).answer(question)


def problems_of_chain(sample: Sample, question: Question, words: Vocabulary | None = None) -> list[str]:
    """As `Reader.problems_of_chain`, of one question."""
    return Reader(sample, None, words).problems_of_chain(question)
