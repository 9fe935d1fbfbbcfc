"""Chains of thought: facts that are clearly true, a plan that orders them, a sentence for each, and what
follows.

A chain is written only where the facts that it states lead to the right answer and to no other. Each sentence
belongs to a closed grammar, so that the proof, which shares no code with this, can read it back. Chains are
in English in every dataset; only their last words, the answer, are those of the dataset's own options.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

MAX_WORDS = 120  # 180 tokens at 1.5 tokens a word
MIN_NUMBER_DEG = 5.0  # smaller angles get no number: the nearest multiple of ten would be none
CONNECTIVES = ("", "", "", "First, ", "Next, ", "Also, ", "Further, ")
FIRST = "First, "  # the one that begins a chain, and only that
SAME = "same"  # the word of a fact that says that there is nothing
UNCLEAR = ""  # the "answer" of facts that are too near to the line between two answers


class Grey(NamedTuple):
    """Up to `same` a quantity counts as none, from `clear` on as something; between them, nothing is said
    about it.
    """

    same: float
    clear: float


class Statement(NamedTuple):
    """A fact."""

    predicate: str
    args: tuple[str | int, ...]  # words, and numbers where some are said
    value: float = 0.0  # what was measured: degrees, logarithms of ratios, or shares of the picture
    margin: float = 1.0  # how clear it is, in grey zones; at least 1
    phrase: str = ""  # the key of its sentences; empty: the predicate


Facts = Mapping[str, Statement]  # predicate -> what is clearly true
# Predicates in order. `!`: must be said; `?`: said if it is clear, unless too much is said with it; `*`: said
# if it is clear; `=` before a name: a premise.
Plan = tuple[str, ...]


class Phrases(NamedTuple):
    """The sentences for a predicate, one of which is chosen at random."""

    something: tuple[str, ...]
    nothing: tuple[str, ...] = ()  # where the fact's first word says that there is nothing
    special: Mapping[str, tuple[str, ...]] = {}  # a word of the fact -> sentences of its own
    fill: Callable[[Sequence[str | int]], Mapping[str, str]] | None = None  # further placeholders
    refers_back: bool = False  # to the sentence before it, so that it takes no connective
    after: str = ""  # the predicate without which this one is not said


class PremiseNeed(NamedTuple):
    """A premise is beside the point unless this predicate, or what follows from the facts, has one of
    these words.
    """

    predicate: str
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Language:
    """The sentences of a group of kinds."""

    phrases: Mapping[str, Phrases]
    premises: Mapping[str, tuple[str, ...]]
    needs: Mapping[str, PremiseNeed] = field(default_factory=dict)  # by premise
    connectives: bool = True  # "First, ", "Next, ", ...

    def with_own(
        self,
        phrases: Mapping[str, Phrases] | None = None,
        premises: Mapping[str, tuple[str, ...]] | None = None,
        needs: Mapping[str, PremiseNeed] | None = None,
    ) -> "Language":
        """The same with the sentences of one kind."""
        return Language(
            phrases={**self.phrases, **(phrases or {})},
            premises={**self.premises, **(premises or {})},
            needs={**self.needs, **(needs or {})},
            connectives=self.connectives,
        )


def _as_it_is(case: Any) -> Any:
    return case


def _anything(case: Any, stated: Facts) -> bool:
    return True


def _nothing(facts: Facts) -> dict[str, str | int]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Chain:
    """How chains of thought for a kind are written.

    A case is what the chain is about: `facts/pair.py` has it, and `prepare` adds what some kinds need.
    """

    facts: Callable[[Any], Facts]
    answers: Callable[
        [Any, Facts], set[str]
    ]  # keys of the options that follow; a sound chain has exactly one
    plans: tuple[Plan, ...]
    language: Language
    prepare: Callable[[Any], Any] = _as_it_is
    follows: Callable[[Facts], dict[str, str | int]] = _nothing  # from several facts, for needs of premises
    can_follow: frozenset[str] | None = None  # the only answers that can; None: all may
    all_agree: bool = True  # no chain where any fact, said or not, speaks for another answer
    may_be_said: Callable[[Any, Facts], bool] = _anything


def write_chain(
    chain: Chain, case: Any, right: str, answer_text: str, rng: np.random.Generator
) -> str | None:
    """A chain of thought that ends in the right answer, or None where the facts do not clearly lead to it.

    Args:
        chain: that of the kind.
        case: the question, and what is known of its pictures.
        right: the key of the right option; for a number, the number itself, such as "50".
        answer_text: the words of the right option.
        rng: chooses plan and phrases.

    Returns:
        Sentences of the grammar, at most `MAX_WORDS` words; the conclusion is the last one.
    """
    if chain.can_follow is not None and right not in chain.can_follow:
        return None
    case = chain.prepare(case)
    facts = chain.facts(case)
    if chain.all_agree and chain.answers(case, facts) - {right}:
        return None
    order = rng.permutation(len(chain.plans))
    shorter = any(step.endswith("?") for plan in chain.plans for step in plan)
    for with_optional in (True, False) if shorter else (True,):
        for number in order:
            said = _said_by(chain, chain.plans[int(number)], facts, with_optional)
            stated = {fact.predicate: fact for fact in said if isinstance(fact, Statement)}
            if not stated or chain.answers(case, stated) != {right}:
                continue
            text = _text_of(chain.language, said, answer_text, rng)
            if len(text.split()) <= MAX_WORDS and chain.may_be_said(case, stated):
                return text
    return None


def _said_by(chain: Chain, plan: Plan, facts: Facts, with_optional: bool) -> list[Statement | str]:
    """Facts and names of premises that a plan says, in order; empty where a fact is missing that must be
    said.
    """
    out: list[Statement | str] = []
    known: dict[str, str | int] = {name: fact.args[0] for name, fact in facts.items()}
    known |= chain.follows(facts)
    for step in plan:
        if step.startswith("="):
            need = chain.language.needs.get(step[1:])
            if need and known.get(need.predicate) not in need.words:
                return []
            out.append(step[1:])
            continue
        name = step[:-1]
        mark = step[-1]
        if mark == "?" and not with_optional:
            continue
        if name in facts and _can_follow(chain.language, facts, facts[name]):
            out.append(facts[name])
        elif mark == "!":
            return []
    return out


def _can_follow(language: Language, facts: Facts, fact: Statement) -> bool:
    """Whether the fact that this one refers to is there."""
    after = language.phrases[fact.phrase or fact.predicate].after
    return not after or after in facts


def _text_of(
    language: Language, said: Sequence[Statement | str], answer_text: str, rng: np.random.Generator
) -> str:
    """The sentences of facts and premises, and the conclusion."""
    sentences = []
    for number, fact in enumerate(said):
        if isinstance(fact, str):
            premise = language.premises[fact]
            sentences.append(premise[int(rng.integers(len(premise)))])
            continue
        connective = CONNECTIVES[int(rng.integers(len(CONNECTIVES)))] if language.connectives else ""
        phrases = language.phrases[fact.phrase or fact.predicate]
        text = _sentence(phrases, fact, rng)
        misplaced = phrases.refers_back or (connective == FIRST) != (number == 0)
        sentences.append(text if misplaced or not connective else connective + text[0].lower() + text[1:])
    return ". ".join([*sentences, f"So the answer is: {answer_text}"]) + "."


def _sentence(phrases: Phrases, fact: Statement, rng: np.random.Generator) -> str:
    choices = phrases.nothing if fact.args[0] == SAME else phrases.something
    for word, own in phrases.special.items():
        if word in fact.args:
            choices = own
    numbers = [arg for arg in fact.args if isinstance(arg, int)]
    by = f", by about {numbers[0]} degrees" if numbers else ""
    more = phrases.fill(fact.args) if phrases.fill else {}
    text = choices[int(rng.integers(len(choices)))].format(*fact.args, by=by, **more)
    return text[0].upper() + text[1:]


def three(
    name: str, value: float, grey: Grey, words: tuple[str, str, str], degrees: bool = False
) -> Statement | None:
    """One of three words, for clearly negative, none and clearly positive, with a multiple of ten degrees
    if `degrees`.
    """
    if abs(value) <= grey.same:
        return Statement(name, (words[1],), value, 2.0 - abs(value) / grey.same)
    if abs(value) < grey.clear:
        return None
    word = words[2] if value > 0 else words[0]
    with_number = degrees and abs(value) >= MIN_NUMBER_DEG
    args: tuple[str | int, ...] = (word, tens(value)) if with_number else (word,)
    return Statement(name, args, value, abs(value) / grey.clear)


def tens(angle_deg: float) -> int:
    """The nearest multiple of ten degrees, without a sign; at least 10."""
    return max(10, 10 * int(abs(angle_deg) / 10 + 0.5))


def by_predicate(*facts: Statement | None) -> dict[str, Statement]:
    """Those that are clear."""
    return {fact.predicate: fact for fact in facts if fact is not None}


# --- answers by tables of evidence -------------------------------------------------------------------

Needs = Mapping[
    str, tuple[str, ...]
]  # predicate, or what follows from facts -> the words one of which it must have
Evidence = Mapping[str, Sequence[Needs]]  # key of an option -> sets of facts, each of which leads to it


def words_of(predicate: str, **answers: str) -> dict[str, list[Needs]]:
    """Evidence that is one word of one predicate for each answer."""
    return {answer: [{predicate: (word,)}] for answer, word in answers.items()}


def any_of(*tables: Evidence) -> dict[str, list[Needs]]:
    """Evidence of either table."""
    return {answer: [needs for table in tables for needs in table.get(answer, [])] for answer in tables[0]}


def both_of(first: Evidence, second: Evidence) -> dict[str, list[Needs]]:
    """Evidence for answers of two parts, whose keys are joined by `_and_`."""
    both: dict[str, list[Needs]] = {}
    for answer in first:
        for other in second:
            both[f"{answer}_and_{other}"] = [{**a, **b} for a in first[answer] for b in second[other]]
    return both
