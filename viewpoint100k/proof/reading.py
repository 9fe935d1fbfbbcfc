"""Takes a chain of thought apart.

Every sentence must be of the grammar and true, and from all of them the answer must follow. The grammar is
written down here a second time, next to when its sentences are true: a `Fact` holds both. A sentence of the
grammar is English with slots, `<name:what stands there>`; what stands in brackets may be left out:

    the object's centre shifted to the <way:left|right> in the picture[, by about <deg:tens> degrees]
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.scene import names_of

Say = Mapping[str, str]  # what stands in the slots of one sentence

MAX_WORDS = 120
CONNECTIVE = re.compile(r"(?:First|Next|Also|Further), (?=[a-z])")
CONCLUSION = re.compile(r"So the answer is: (?P<answer>.+)")
SLOT = re.compile(r"(<[^<>]+>|\[|\])")
NUMBERS = {"tens": r"\d+", "percent": r"-?\d+", "number": r"\d+", "ratio": r"\d+\.\d"}
NAME = "NAME"  # of an object of the scene, in the items of a list
LISTS = {
    "sides": f"{NAME} is (?:further to the left|further to the right|(?:closer to|farther from) the camera)",
    "lengths": rf"about \d+ to {NAME}",
}


@dataclass(frozen=True, eq=False)
class Fact:
    """A thing that chains may say: in which sentences, and when these are true."""

    name: str
    sentences: tuple[str, ...]
    holds: Callable[[Case, Say], bool]
    after: tuple[str, ...] = ()  # it speaks of one of these facts, which must have been said before
    at_once: bool = False  # in the sentence right before
    lists_options: bool = False  # it goes through all of them, so that none stands out

    @cached_property
    def in_tens(self) -> frozenset[str]:
        """The slots whose numbers must be multiples of ten."""
        return frozenset(slot for slot, content in self._slots if content in ("tens", "percent"))

    @cached_property
    def names_objects(self) -> bool:
        """Whether its sentences name objects of a scene."""
        return any(content == "name" or content in LISTS for _, content in self._slots)

    @property
    def _slots(self) -> list[tuple[str, str]]:
        return [slot for sentence in self.sentences for slot in re.findall(r"<(\w+):([^<>]+)>", sentence)]


class Sentence(NamedTuple):
    """A sentence of a chain, read back."""

    text: str
    fact: Fact | None  # None: a premise, which is true of every picture
    say: Say


class Said:
    """What a chain says, for the rules that tell what follows from it."""

    def __init__(self, case: Case, sentences: Sequence[Sentence]) -> None:
        self.case = case
        self._facts = [
            (sentence.fact.name, sentence.say) for sentence in sentences if sentence.fact is not None
        ]
        self._last = {
            name + say.get("image", "") + say.get("image_a", "") + say.get("image_b", ""): say
            for name, say in self._facts
        }

    def __contains__(self, name: str) -> bool:
        return name in self._last

    def say(self, name: str) -> Say | None:
        """What is said of a fact. Its name ends in the numbers of its images, if it is about some of them."""
        return self._last.get(name)

    def every(self, name: str) -> list[Say]:
        """All that is said of a fact, in order."""
        return [say for said, say in self._facts if said == name]

    def only(self, name: str) -> Say | None:
        """What is said of a fact once; None where it is said several times, or not at all."""
        said = self.every(name)
        return said[0] if len(said) == 1 else None

    def way(self, name: str) -> str:
        """The direction that is said; "none" if it is said that there is none, "" if nothing is said."""
        say = self.say(name)
        return "" if say is None else say.get("way", "none")

    def tens(self, name: str) -> int:
        """The degrees that are said, 0 where none are."""
        return int((self.say(name) or {}).get("deg", 0))


@dataclass(frozen=True, eq=False)
class Proof:
    """How questions of one kind are answered again, and how their chains of thought are read back."""

    solve: Callable[[Case], Answer | str]  # or why the question must not be asked
    facts: tuple[Fact, ...] = ()  # what its chains may say
    premises: frozenset[str] = frozenset()  # sentences that are true of every picture
    # the answer that the facts make, "" for none; None: no chains
    follows: Callable[[Said], str] | None = None
    labels: frozenset[str] = frozenset()  # facts that would be the answer in other words
    # the English of this proof, which `language` puts in place of a dataset's own words, by the keys that
    # are the same in every language: options, in which {a}, {b} and {c} are names of objects, and what
    # wordings ask with: relations, moves and changes
    options: Mapping[str, str] = field(default_factory=dict)
    phrases: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def names_objects(self) -> bool:
        """Whether one of its facts has sentences that name objects of a scene."""
        return any(fact.names_objects for fact in self.facts)


def only_phrase(wording: str, phrases: Mapping[str, str]) -> str:
    """The key of the only one of some phrases that a wording has; empty if it has none, or several."""
    keys = [key for key, phrase in phrases.items() if phrase in wording]
    return keys[0] if len(keys) == 1 else ""


def items_of(list_said: str) -> list[str]:
    """The items of a list in a sentence: "a", "a, and b", "a, b, and c"."""
    return [item.removeprefix("and ") for item in list_said.split(", ")]


def problems_of_text(text: str, case: Case, proof: Proof | None) -> Iterator[str]:
    """What is wrong with a chain of thought, a line each; nothing if it is sound.

    Args:
        proof: of the question's kind; None where there is none.
    """
    if proof is None or proof.follows is None:
        yield f"no rule for {case.kind}"
        return
    if len(text.split()) > MAX_WORDS:
        yield f"{len(text.split())} words, more than {MAX_WORDS}"
    if not text.endswith("."):
        yield "it does not end with a full stop"
    *before, last = text.removesuffix(".").split(". ")
    names = names_of(case.sample.scene)
    sentences = []
    for said in before:
        sentence = read(said, proof, names if proof.names_objects else ())
        if sentence is None:
            yield f"cannot be read: {said!r}"
        else:
            sentences.append(sentence)
    for sentence in sentences:
        yield from _problems_of_sentence(sentence, case, proof, names)
    yield from _order_problems(sentences)
    concluded = CONCLUSION.fullmatch(last)
    if concluded is None:
        yield f"the last sentence is not a conclusion: {last!r}"
    else:
        yield from _conclusion_problems(concluded["answer"], case, proof.follows(Said(case, sentences)))


def _problems_of_sentence(
    sentence: Sentence, case: Case, proof: Proof, names: tuple[str, ...]
) -> Iterator[str]:
    fact = sentence.fact
    if fact is None:
        return
    if not _is_true(fact, case, sentence.say):
        yield f"not true: {sentence.text!r}"
    if any(int(sentence.say[slot]) % 10 for slot in fact.in_tens & sentence.say.keys()):
        yield f"a number finer than 10 degrees: {sentence.text!r}"
    if fact.name in proof.labels:
        yield f"this is the label: {sentence.text!r}"
    told_by_words = " " in case.right or case.question.frame == "seen_from_above"
    if told_by_words and case.right not in names and not fact.lists_options and case.right in sentence.text:
        yield f"the label comes before the conclusion: {sentence.text!r}"


def _is_true(fact: Fact, case: Case, say: Say) -> bool:
    """Whether a sentence is true; false as well if it speaks of what the question does not have."""
    try:
        return bool(fact.holds(case, say))
    except (LookupError, ValueError, ArithmeticError):
        return False


def _order_problems(sentences: Sequence[Sentence]) -> Iterator[str]:
    """`Further than that` needs a that, and a sum its parts."""
    said = [sentence.fact.name if sentence.fact else "" for sentence in sentences]
    for number, sentence in enumerate(sentences):
        fact = sentence.fact
        if fact is None or not fact.after:
            continue
        before = said[max(number - 1, 0) : number] if fact.at_once else said[:number]
        if not {*fact.after} & {*before}:
            yield f"refers to nothing: {sentence.text!r}"


def _conclusion_problems(answer: str, case: Case, follows: str) -> Iterator[str]:
    if answer != case.right:
        yield f"the conclusion {answer!r} is not the answer {case.right!r}"
    if case.question.options and answer not in case.question.options:
        yield f"the conclusion {answer!r} is not one of the options"
    if follows != answer:
        yield f"from what is said follows {follows!r}, not {answer!r}"


# --- the grammar -------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)  # a closed grammar with angles in tens: the same sentences come again and again
def read(text: str, proof: Proof, names: tuple[str, ...]) -> Sentence | None:
    """The sentence of a kind's grammar that a text is; None where it is none.

    Args:
        names: of the objects of the scene; none where no sentence of the kind names any.
    """
    if text[:1].islower():
        return None
    bare = CONNECTIVE.sub("", text, count=1) if CONNECTIVE.match(text) else text
    bare = bare[:1].lower() + bare[1:]
    if bare in proof.premises:
        return Sentence(text, None, {})
    for fact in proof.facts:
        for pattern in _patterns(fact, names if fact.names_objects else ()):
            if (matched := pattern.fullmatch(bare)) is not None:
                say = {slot: words for slot, words in matched.groupdict().items() if words is not None}
                return Sentence(text, fact, say)
    return None


@lru_cache(maxsize=1024)
def _patterns(fact: Fact, names: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """The sentences of a fact as regular expressions, in a scene with objects of these names."""
    longest_first = sorted(names, key=len, reverse=True)
    name = f"(?:{'|'.join(map(re.escape, longest_first))})" if names else r"(?!)"
    return tuple(re.compile("".join(_pieces(sentence, name))) for sentence in fact.sentences)


def _pieces(sentence: str, name: str) -> Iterator[str]:
    for piece in SLOT.split(sentence):
        if piece == "[":
            yield "(?:"
        elif piece == "]":
            yield ")?"
        elif piece.startswith("<"):
            slot, _, content = piece[1:-1].partition(":")
            yield f"(?P<{slot}>{_content(content, name)})"
        else:
            yield re.escape(piece)


def _content(content: str, name: str) -> str:
    """A slot's content as a regular expression: a number, a name, a list, or one of several words."""
    if content == "name":
        return name
    if content in LISTS:
        item = LISTS[content].replace(NAME, name)
        return f"{item}|(?:{item}, )+and {item}"
    return NUMBERS.get(content) or "|".join(map(re.escape, content.split("|")))
