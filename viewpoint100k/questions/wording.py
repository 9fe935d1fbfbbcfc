"""The words of questions: files of them, read and checked, and what is written with them.

Everything that a user reads in a prompt or an option comes from one file, so that a translation of that file
is a dataset in another language. What would otherwise show only in what was rendered for hours is refused
when the file is loaded. The words that a dataset was made with, its vocabulary, are published in its
manifest; wordings are not needed to read it.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from viewpoint100k.questions.kind import PLACES, DrawnKind, Figure, Kind
from viewpoint100k.records import AnswerForm, Question, Sample, Scene, View, Vocabulary
from viewpoint100k.scoring import LETTERS

SHARED = "shared"  # the section of the file that is of no kind
USES = ("train", "test")
MARKS: Mapping[AnswerForm, Sequence[str]] = {
    "digit": [f"{number + 1}." for number in range(len(LETTERS))],
    "word": ["-"] * len(LETTERS),
}  # before options; letters in other forms
CONCLUSION = "So the answer is: "


class Templates(NamedTuple):
    """A file of words."""

    vocabulary: Vocabulary
    wordings: Mapping[str, Mapping[str, Sequence[str]]]  # kind -> "train" and "test" -> wordings


@lru_cache(maxsize=1)
def shipped_text() -> str:
    """Our own file of words."""
    return (resources.files("viewpoint100k.questions") / "templates.yaml").read_text("utf-8")


# --- what is written ----------------------------------------------------------------------------------


def phrase_of(kind: Kind, figure: Figure, vocabulary: Vocabulary) -> str:
    """The words of the relation, move or change that a question asks with; empty if it asks with none."""
    if not isinstance(kind, DrawnKind) or kind.parameter is None:
        return ""
    value = getattr(figure, kind.parameter.field)
    text = vocabulary.phrases[kind.name][kind.parameter.key(value)]
    for name, number in kind.parameter.numbers(value).items():
        text = text.replace(f"{{{name}}}", str(number))
    return text


def phrases_of(kind: Kind, vocabulary: Vocabulary) -> list[str]:
    """All that `phrase_of` may say of a kind."""
    if not isinstance(kind, DrawnKind) or kind.parameter is None:
        return []
    figures = [kind.parameter.in_figure(Figure(), value) for value in kind.parameter.values]
    return [phrase_of(kind, figure, vocabulary) for figure in figures]


def phrase_in(text: str, phrases: Sequence[str]) -> str | None:
    """Which one of some phrases the first line of a text has; None if it has several, or none."""
    first = text.partition("\n")[0]
    present = [phrase for phrase in phrases if phrase in first]
    return present[0] if len(present) == 1 else None


def worded(wording: str, kind: Kind, figure: Figure, scene: Scene | None, vocabulary: Vocabulary) -> str:
    """A wording with everything in its placeholders."""
    if isinstance(kind, DrawnKind) and kind.parameter is not None:
        wording = wording.replace(kind.parameter.placeholder, phrase_of(kind, figure, vocabulary))
    if scene is None:
        return wording
    if kind.of_scenes:
        return sentences(named(wording, figure, scene))
    return of_group(wording, vocabulary)


def named(text: str, figure: Figure, scene: Scene | None) -> str:
    """A text with the names of the objects of a scene in their places."""
    if scene is None or not figure.parts:
        return text
    for place, part in zip(PLACES, figure.parts, strict=False):
        text = text.replace(f"{{{place}}}", scene.parts[part].name)
    return text


def sentences(text: str) -> str:
    """A capital where a sentence begins, for names that stand there."""
    return re.sub(r"(^|[.?!] )([a-z])", lambda found: found[1] + found[2].upper(), text)


def of_group(wording: str, vocabulary: Vocabulary) -> str:
    """A wording about one object, said of several that stand together."""
    phrases = {phrase.lower(): said for phrase, said in vocabulary.group.items()}

    def said_of_group(found: re.Match[str]) -> str:
        said = phrases[found[0].lower()]
        return said[:1].upper() + said[1:] if found[0][0].isupper() else said

    return _any_of(tuple(phrases)).sub(said_of_group, wording) if phrases else wording


@lru_cache(maxsize=8)
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these phrases as whole words, the longest that is there."""
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def option_texts(kind: Kind, figure: Figure, scene: Scene | None, vocabulary: Vocabulary) -> list[str]:
    """All options in words, with the names of the objects that they speak of."""
    words = vocabulary.options.get(kind.name, {})
    return [named(words[key], figure, scene) for key in kind.options]


def lens_text(views: Sequence[View], vocabulary: Vocabulary) -> str:
    """How wide the pictures of a question are: without that, size says nothing about distance."""
    first, second = (f"{view.hfov_deg:.0f}" for view in views[:2])
    text = vocabulary.lens["same" if first == second else "other"]
    return text.replace("{first}", first).replace("{second}", second)


def prompt(
    wording: str, options: Sequence[str], form: AnswerForm, vocabulary: Vocabulary, lens: str = ""
) -> str:
    """The question, what the lens did where that matters, the options with their marks, and how to answer."""
    marks = MARKS.get(form, [f"{letter}." for letter in LETTERS])
    lines = [f"{mark} {option}" for mark, option in zip(marks, options, strict=False)]
    first = " ".join([*wording.split(), *lens.split()])
    return "\n".join([first, *lines, vocabulary.endings[form]])


def answer(options: Sequence[str], place: int, form: AnswerForm, value: float | None) -> str:
    """What a model should write."""
    match form:
        case "letter":
            return LETTERS[place]
        case "digit":
            return str(place + 1)
        case "word":
            return options[place]
        case "json":
            return f'{{"answer": "{LETTERS[place]}"}}'
        case "number":
            return f"{value:.0f}"


# --- from one language to another ---------------------------------------------------------------------


def translated(
    question: Question, sample: Sample, kind: Kind, given: Vocabulary, wanted: Vocabulary
) -> Question:
    """A question in the words of another vocabulary, read from its text.

    A wording has no counterpart in another language: only what stands in its placeholder changes. An option
    that is not of the given vocabulary stays as it is.

    Args:
        sample: to which it belongs.
        given: the vocabulary of the dataset.
        wanted: the one to translate into.
    """
    if given is wanted or given == wanted:
        return question
    figure = Figure(parts=tuple(question.parts))
    before = option_texts(kind, figure, sample.scene, given)
    after = option_texts(kind, figure, sample.scene, wanted)
    texts = dict(zip(before, after, strict=True))
    options = [texts.get(option, option) for option in question.options]
    views = [sample.views[view] for view in question.images]
    lens = [lens_text(views, words) if kind.lens else "" for words in (given, wanted)]
    wording = question.prompt.partition("\n")[0].removesuffix(lens[0]).strip()
    phrases = phrases_of(kind, given)
    if (phrase := phrase_in(wording, phrases)) is not None:
        wording = wording.replace(phrase, phrases_of(kind, wanted)[phrases.index(phrase)])
    return question.model_copy(
        update={
            "prompt": prompt(wording, options, question.answer_form, wanted, lens[1]),
            "options": options,
            "answer": texts.get(question.answer, question.answer),
            "chain_of_thought": _concluded(question.chain_of_thought, texts),
        }
    )


def _concluded(chain: str | None, texts: Mapping[str, str]) -> str | None:
    """A chain of thought with its last words in another language."""
    if chain is None or CONCLUSION not in chain:
        return chain
    facts, _, conclusion = chain.rpartition(CONCLUSION)
    option = conclusion.removesuffix(".")
    return f"{facts}{CONCLUSION}{texts.get(option, option)}."
