"""One question: its answer is derived again, and its text must say what its fields say."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.ask import answered, figure_of, question_id
from viewpoint100k.questions.kind import Asked, DrawnKind, Fact, Figure, Kind
from viewpoint100k.questions.registry import BY_NAME, KINDS
from viewpoint100k.questions.wording import answer, lens_text, option_texts, phrase_of, prompt
from viewpoint100k.questions.words_file import vocabulary_problems
from viewpoint100k.records import (
    AnswerForm,
    Question,
    Sample,
    Vocabulary,
)
from viewpoint100k.scoring import score

MOST_REMEMBERED = 1000  # characters of an answer and its options: ours have 10 to 200


def fault_of_words(words: Vocabulary | None) -> str:
    """What is wrong with the words of a dataset; empty: nothing."""
    if words is None:
        return "there are none"
    known = [kind for kind in KINDS if kind.name in words.options or kind.name in words.phrases]
    return next(vocabulary_problems(words, known), "")


def question_problems(
    question: Question, sample: Sample, key: str, gates: GateConfig, words: Vocabulary | None
) -> Iterator[str]:
    """What is wrong with a question of the sample `key`, a line each."""
    kind = BY_NAME.get(f"{question.type}/{question.frame}")
    if kind is None:
        yield f"no such kind: {question.type} in frame {question.frame}"
        return
    if words is None or (kind.options and kind.name not in words.options):
        yield f"manifest.json has no words for the kind {kind.name}"
        return
    figure = figure_of(question)
    if question.id != question_id(key, kind, figure):
        yield f"its id does not fit the sample {key} and the kind"
    if wrong := _views_problem(question, sample, kind):
        yield f"shows the views {question.images}; {wrong}"
        return
    asked = answered(sample, kind, figure, gates)
    if asked is None:
        yield "is asked although the truth is in the grey band, or its figure does not belong to the sample"
        return
    texts = option_texts(kind, figure, sample.scene, words)
    if wrong := _options_problem(question, kind, texts, asked.fact):
        yield wrong
        return
    right = question.options.index(texts[asked.fact.option]) if texts else -1
    yield from _right_option_problems(question, kind, texts, right)
    if question.value != asked.fact.value:
        yield f"value = {question.value}; the poses say {asked.fact.value}"
    if (question.answer_form == "number") != (asked.fact.value is not None):
        wanted = "one of its options" if kind.options else "a number"
        yield f"its answer_form is {question.answer_form}; it asks for {wanted}"
        return
    yield from _gold_answer_problems(question, right, asked.fact)
    yield from _clearness_problems(question, sample, asked, gates)
    yield from _prompt_problems(question, sample, kind, figure, words)


def _options_problem(question: Question, kind: Kind, texts: Sequence[str], fact: Fact) -> str:
    """Why a question's options are not such as its kind shows, or lack the right one; empty: they are.

    Args:
        texts: all options of the kind.
    """
    shown = kind.shown or len(kind.options)
    different = set(question.options)
    if different - set(texts) or len(different) != len(question.options) or len(different) != shown:
        return f"options {question.options}; expected {shown} different ones of {texts}"
    if texts and texts[fact.option] not in different:
        return f"the right option ({texts[fact.option]}) is not shown"
    return ""


def _right_option_problems(question: Question, kind: Kind, texts: Sequence[str], right: int) -> Iterator[str]:
    """Whether the options are called what they are, and the `right` one is marked, by its place."""
    keys = [kind.options[texts.index(option)] for option in question.options]
    if question.option_keys != keys:
        yield f"option_keys = {question.option_keys}; its options are {keys}"
    if question.answer_index != right:
        named = f" ({question.options[right]})" if question.options else ""
        yield f"answer_index = {question.answer_index}; the poses say {right}{named}"


def _gold_answer_problems(question: Question, right: int, fact: Fact) -> Iterator[str]:
    """Whether what the model should write is what its form asks for, and our scorer takes it for right."""
    gold = answer(question.options, right, question.answer_form, fact.value)
    if question.answer != gold or not _scores_one(question, right, fact):
        yield f"the gold answer {question.answer!r} does not score 1 (right is {gold!r})"


def _scores_one(question: Question, right: int, fact: Fact) -> bool:
    given = (question.answer, tuple(question.options), right, question.answer_form, fact.value)
    characters = len(question.answer) + sum(map(len, question.options))
    score_of = _remembered_score if characters <= MOST_REMEMBERED else score
    return score_of(*given) == 1


@lru_cache(maxsize=4096)  # the same answers to the same options come again and again
def _remembered_score(
    said: str, options: tuple[str, ...], right: int, form: AnswerForm, value: float | None
) -> float:
    return score(said, options, right, form, value)


def _clearness_problems(question: Question, sample: Sample, asked: Asked, gates: GateConfig) -> Iterator[str]:
    """Whether the stored margin and decidability are those of the sample, and large enough."""
    if abs(question.margin - asked.fact.margin) > 1e-5 or question.margin < 1:
        yield f"margin = {question.margin}; the poses say {asked.fact.margin:.6f}, and at least 1 is needed"
    least = asked.decidability
    unproven = sample.proof == "depth" and question.decidability < gates.min_decidability
    if unproven or abs(question.decidability - least) > 1e-5:
        yield (
            f"decidability = {question.decidability}; the sample says {least}, and {gates.min_decidability} "
            "is needed"
        )


def _prompt_problems(
    question: Question, sample: Sample, kind: Kind, figure: Figure, words: Vocabulary
) -> Iterator[str]:
    """What the prompt does not say, or says otherwise than the question's fields."""
    views = [sample.views[view] for view in question.images]
    lens = lens_text(views, words) if kind.lens else ""
    wording = question.prompt.split("\n")[0].removesuffix(lens).strip()
    expected = prompt(wording, question.options, question.answer_form, words, lens)
    if not wording or question.prompt != expected:
        yield "the prompt does not show its own options, or not what its lens did"
    if (phrase := phrase_of(kind, figure, words)) not in wording:
        yield f"the prompt does not say {phrase!r}, which it asks about"


def _views_problem(question: Question, sample: Sample, kind: Kind) -> str:
    if not question.images or set(question.images) - set(range(len(sample.views))):
        return f"the sample has {len(sample.views)}"
    if len(set(question.images)) < len(question.images):
        return "one of them twice"
    if isinstance(kind, DrawnKind) and question.images == [1, 0]:
        return "expected [0, 1]: with a figure, no pair is asked about in the other order"
    if not isinstance(kind, DrawnKind) and question.images not in ([0, 1], [1, 0]):
        return "expected [0, 1], or [1, 0] where both orders are asked about"
    if not isinstance(kind, DrawnKind) and question.images == [1, 0] and sample.decidability_reversed is None:
        return "expected [0, 1]: the sample has no decidability_reversed"
    return ""
