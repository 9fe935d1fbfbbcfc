"""Which questions of a shard are asked, in which wording, and which option has which letter.

Candidates are what could be asked of each sample; of these, the chosen ones are such that no flat cue
suggests the answer (`balance.py`); then all are worded.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig, QuestionConfig, widened
from viewpoint100k.glances import Glance
from viewpoint100k.proof import Reader
from viewpoint100k.questions.balance import balanced
from viewpoint100k.questions.facts.chain import write_chain
from viewpoint100k.questions.facts.pair import Case, Pair
from viewpoint100k.questions.flat_cues import cue_values
from viewpoint100k.questions.kind import Asked, DrawnKind, Fact, Figure, Kind, Known, PairKind
from viewpoint100k.questions.registry import BY_NAME, DRAWN_KINDS, KINDS, PAIR_KINDS
from viewpoint100k.questions.wording import (
    Templates,
    answer,
    lens_text,
    option_texts,
    prompt,
    translated,
    worded,
)
from viewpoint100k.questions.words_file import read_templates, shipped_templates
from viewpoint100k.records import AnswerForm, Decidability, Question, Sample, Scene, Truth, Vocabulary

BACK = Figure(images=(1, 0))  # a pair from its second view to its first
# what a kind may be decided by where no vertical is known: the camera's own axes, and its distance
WITHOUT_VERTICAL = ({"translation"}, {"forward"}, {"distance"})
OF_ONE_OBJECT = {"object_facing_camera_1", "object_front"}  # frames that a group of objects does not have
OTHER_FORMS: tuple[AnswerForm, ...] = ("digit", "word", "json")


def load_templates(path: str | None = None) -> Templates:
    """The words of all kinds, from our file or from the user's.

    Raises:
        InputError: the file cannot be read, or has something that cannot be used; names the kind and what was
            expected.
    """
    return read_templates(path, KINDS) if path else shipped_templates(KINDS)


# --- candidates ---------------------------------------------------------------------------------------


def facts_of(
    truth: Truth, decidability: Decidability, gates: GateConfig, *, measured: bool = True
) -> list[Asked]:
    """All that could be asked of a pair: clear facts whose wrong answers would look different.

    Args:
        measured: whether decidability was; without depth it was not, and nothing goes by it.
    """
    candidates = []
    for kind in PAIR_KINDS:
        fact = kind.fact(truth, gates)
        if fact is None:
            continue
        least = _least(kind, fact, decidability)
        if least >= gates.min_decidability or not measured:
            candidates.append(Asked(kind, fact, least))
    return candidates


def figures_of(known: Known, gates: GateConfig, rng: np.random.Generator) -> list[Asked]:
    """All that could be asked of a sample with a figure that is drawn at random."""
    candidates = []
    for kind in DRAWN_KINDS:
        figure = kind.draw(known, gates, rng) if fits(kind, known.scene) else None
        solved = kind.solve(known, figure, gates) if figure is not None else None
        if figure is not None and solved is not None and solved.decidability >= gates.min_decidability:
            candidates.append(
                Asked(kind, solved.fact, solved.decidability, figure, solved.cues, solved.alone)
            )
    return candidates


def fits(kind: Kind, scene: Scene | None) -> bool:
    """Whether a kind may be asked of a sample.

    Kinds about single objects ask about scenes only where nothing but the camera moved.
    """
    if scene is None or kind.of_scenes:
        return (scene is not None) == kind.of_scenes
    return scene.change is None and kind.frame not in OF_ONE_OBJECT


def gates_of(sample: Sample, gates: GateConfig) -> GateConfig:
    """The gates that a sample is asked by: of photographs, wider by what their poses may be off."""
    if sample.photographed is None:
        return gates
    return widened(gates, sample.photographed.turn_error_deg, sample.photographed.move_error)


def poses_suffice(kind: Kind, sample: Sample) -> bool:
    """Whether poses alone answer a kind: without depth or albedo, nor a vertical where none is known."""
    if sample.photographed is None:
        return True
    if isinstance(kind, DrawnKind) or kind.of_scenes:
        return False
    return sample.photographed.vertical != "unknown" or set(kind.decided_by) in WITHOUT_VERTICAL


def askable(sample: Sample, gates: GateConfig, rng: np.random.Generator) -> list[Asked]:
    """All that could be asked of a sample. Of more than two views, only what is about all of them."""
    if sample.photographed is not None:
        of_poses = facts_of(sample.truth, sample.decidability, gates_of(sample, gates), measured=False)
        return [asked for asked in of_poses if poses_suffice(asked.kind, sample)]
    of_pair = facts_of(sample.truth, sample.decidability, gates) if len(sample.views) == 2 else []
    of_pair = [asked for asked in of_pair if fits(asked.kind, sample.scene)]
    return of_pair + figures_of(sample, gates, rng)


def carries_question(known: Known, gates: GateConfig) -> bool:
    """Whether a pair or a set can be asked about; of a pair, also about what moved or changed if anything
    did.
    """
    if len(known.views) > 2:
        return bool(figures_of(known, gates, np.random.default_rng(0)))
    if known.scene is not None and known.scene.change is not None:
        drawn = figures_of(known, gates, np.random.default_rng(0))
        return any(len(asked.figure.images) > 1 for asked in drawn)
    candidates = facts_of(known.truth, known.decidability, gates)
    directions = [
        asked.kind.direction(asked.fact.option) for asked in candidates if fits(asked.kind, known.scene)
    ]
    facts = [(kind, kind.fact(known.truth, gates)) for kind in PAIR_KINDS]
    moves = any(fact and kind.direction(fact.option) is not None for kind, fact in facts)
    return any(not moves or direction is not None for direction in directions)


def figure_of(question: Question) -> Figure:
    """The figure of a question, as it is stored."""
    return Figure(
        images=tuple(question.images),
        marks=tuple(question.marks),
        mirrored=tuple(question.mirrored),
        map_cameras=tuple(question.map_cameras),
        parts=tuple(question.parts),
        relation=question.relation,
        move=question.move,
        change=question.change,
    )


def in_english(sample: Sample, vocabulary: Vocabulary | None) -> Sample:
    """A sample with its questions in our words, which those who check answers read.

    Args:
        vocabulary: of the dataset; None: of an early version, which had no other words than ours.
    """
    ours = shipped_templates(KINDS).vocabulary
    if vocabulary is None or vocabulary == ours:
        return sample
    questions = []
    for question in sample.questions:
        kind = BY_NAME.get(f"{question.type}/{question.frame}")
        known = kind is not None and (not kind.options or kind.name in vocabulary.options)
        questions.append(translated(question, sample, kind, vocabulary, ours) if kind and known else question)
    return sample.model_copy(update={"questions": questions})


def answered(sample: Sample, kind: Kind, figure: Figure, gates: GateConfig) -> Asked | None:
    """The answer to a kind of question about a sample with this figure; None if it must not be asked."""
    if not (fits(kind, sample.scene) and poses_suffice(kind, sample)):
        return None
    gates = gates_of(sample, gates)
    if isinstance(kind, DrawnKind):
        solved = kind.solve(sample, figure, gates)
        return solved and Asked(kind, solved.fact, solved.decidability, figure, solved.cues)
    decidability = sample.decidability_reversed if figure.images == BACK.images else sample.decidability
    if figure not in (Figure(), BACK) or decidability is None:
        return None
    fact = kind.fact(_truth_of(sample, figure.images), gates)
    return fact and Asked(kind, fact, _least(kind, fact, decidability), figure)


def _least(kind: PairKind, fact: Fact, decidability: Decidability) -> float:
    return float(min(getattr(decidability, name) for name in fact.decided_by or kind.decided_by))


def _truth_of(sample: Sample, images: Sequence[int]) -> Truth:
    """The truth of the two views of a pair in the order in which they are shown."""
    if images != BACK.images:
        return sample.truth
    shared = sample.truth.covisible_fraction
    front = sample.truth.front_azimuth_deg
    return make_truth(sample.views[1], sample.views[0], shared, front)


# --- chosen -------------------------------------------------------------------------------------------


def ask_all(
    keys: Sequence[str],
    samples: Sequence[Sample],
    gates: GateConfig,
    writer: "Writer",
    rng: np.random.Generator,
    glances: Sequence[Sequence[Glance]] = (),
) -> list[list[Question]]:
    """All questions that can be asked of a shard's samples, worded.

    Those that are chosen so that no cue suggests the answer come first. Some samples may have no chosen one:
    where a camera only turns, the shift of the object always reveals the turn.

    Args:
        glances: one at each picture of each sample; none: what they show is not balanced over.
    """
    candidates = [askable(sample, gates, rng) for sample in samples]
    looks = glances or [()] * len(samples)
    cues = [cue_values(sample.views, look) for sample, look in zip(samples, looks, strict=True)]
    chosen = balanced(candidates, cues, rng)
    fair = word_all(keys, samples, chosen, gates, writer, rng)
    others = [
        [asked for asked in mine if all(asked is not other for other in picked)]
        for mine, picked in zip(candidates, chosen, strict=True)
    ]
    unfair = word_all(keys, samples, others, gates, writer, rng)
    return [
        [*asked, *(question.model_copy(update={"fair": False}) for question in beside)]
        for asked, beside in zip(fair, unfair, strict=True)
    ]


class Writer:
    """What all questions of a shard are written with."""

    def __init__(self, settings: QuestionConfig, templates: Templates, start: int) -> None:
        """
        Args:
            start: the place of the first right option; the shard's number, so that the remainders of many
                small shards even out.
        """
        self.settings = settings
        self.templates = templates
        self.vocabulary = templates.vocabulary
        self.start = start


def word_all(
    keys: Sequence[str],
    samples: Sequence[Sample],
    chosen: Sequence[Sequence[Asked]],
    gates: GateConfig,
    writer: Writer,
    rng: np.random.Generator,
) -> list[list[Question]]:
    """The questions of a shard's samples, worded; also from the second view to the first where that was
    measured.

    Args:
        chosen: what is asked of each sample.
    """
    backs = [_truth_of(sample, BACK.images) if sample.decidability_reversed else None for sample in samples]
    chosen = [
        [*asked, *_back(sample, back, asked, gates)]
        for sample, back, asked in zip(samples, backs, chosen, strict=True)
    ]
    # chains of thought take nothing from the other random numbers
    of_chains = np.random.default_rng(rng.integers(2**63))
    used = Counter[tuple[str, int]]()  # how often each option of each kind was right: its place goes round
    worded_all = []
    for key, sample, back, asked in zip(keys, samples, backs, chosen, strict=True):
        pairs = _Pairs(sample, back)
        reader = Reader(sample, words=writer.vocabulary)
        questions = []
        for one in asked:
            question, right = _worded(key, sample, one, writer, rng, used)
            chain = _chain(sample, one, question, right, pairs, reader, of_chains)
            questions.append(question.model_copy(update={"chain_of_thought": chain}) if chain else question)
        worded_all.append(questions)
    return worded_all


def _back(sample: Sample, back: Truth | None, chosen: Sequence[Asked], gates: GateConfig) -> list[Asked]:
    """The same questions from the second view to the first, where that was measured.

    Somebody who understands the pair gets both right.
    """
    if sample.decidability_reversed is None or back is None:
        return []
    names = {asked.kind.name for asked in chosen if isinstance(asked.kind, PairKind)}
    candidates = facts_of(back, sample.decidability_reversed, gates)
    return [asked._replace(figure=BACK) for asked in candidates if asked.kind.name in names]


# --- worded -------------------------------------------------------------------------------------------


def _worded(
    key: str,
    sample: Sample,
    asked: Asked,
    writer: Writer,
    rng: np.random.Generator,
    used: "Counter[tuple[str, int]]",
) -> tuple[Question, str]:
    """A question without its chain of thought, and the right answer: the key of an option, or a number."""
    kind = asked.kind
    fact = asked.fact
    figure = asked.figure
    use = "test" if sample.split == "test" else "train"
    wordings = writer.templates.wordings[kind.name][use]
    number = int(rng.integers(len(wordings)))
    form = _form(fact, writer.settings, rng)
    shown, place = _shown(kind, fact, rng, used, writer.start)
    texts = option_texts(kind, figure, sample.scene, writer.vocabulary)
    options = [texts[i] for i in shown]
    question = Question(
        id=question_id(key, kind, figure),
        type=kind.type,
        tier=kind.tier,
        frame=kind.frame,
        prompt=_prompt(wordings[number], sample, asked, options, form, writer.vocabulary),
        options=options,
        option_keys=[kind.options[i] for i in shown],
        answer_index=place,
        answer=answer(options, place, form, fact.value),
        answer_form=form,
        value=fact.value,
        template=f"{kind.name}/{use}/{number}",
        margin=round(fact.margin, 6),
        decidability=round(asked.decidability, 6),
        **_as_stored(figure),
    )
    return question, kind.options[fact.option] if options else f"{round(fact.value or 0.0, -1):.0f}"


def _as_stored(figure: Figure) -> dict[str, Any]:
    """The fields of a question that make its figure."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in figure._asdict().items()
    }


def _form(fact: Fact, settings: QuestionConfig, rng: np.random.Generator) -> AnswerForm:
    """How the question is to be answered."""
    if fact.value is not None:
        return "number"
    return OTHER_FORMS[rng.integers(len(OTHER_FORMS))] if rng.random() < settings.other_forms else "letter"


def _prompt(
    wording: str,
    sample: Sample,
    asked: Asked,
    options: Sequence[str],
    form: AnswerForm,
    vocabulary: Vocabulary,
) -> str:
    views = [sample.views[view] for view in asked.figure.images]
    lens = lens_text(views, vocabulary) if asked.kind.lens else ""
    text = worded(wording, asked.kind, asked.figure, sample.scene, vocabulary)
    return prompt(text, options, form, vocabulary, lens)


def question_id(key: str, kind: Kind, figure: Figure) -> str:
    """What a question is called; its twin from the second view to the first is called after it."""
    return f"{key}-{kind.type}-{kind.frame}{'-reversed' if figure.images == BACK.images else ''}"


def _shown(
    kind: Kind, fact: Fact, rng: np.random.Generator, used: "Counter[tuple[str, int]]", start: int
) -> tuple[list[int], int]:
    """Which options are shown, in order, and the place of the right one."""
    if not kind.options:
        return [], -1
    wrong = [i for i in range(len(kind.options)) if i != fact.option]
    if kind.shown and kind.twins:
        pairs = [i for i in range(len(kind.options) // 2) if i != fact.option // 2]
        others = rng.permutation(pairs)[: kind.shown // 2 - 1]
        twin = fact.option + 1 if fact.option % 2 == 0 else fact.option - 1
        wrong = [twin, *(int(2 * i + j) for i in others for j in (0, 1))]
    elif kind.shown:
        wrong = [int(i) for i in rng.permutation(wrong)[: kind.shown - 1]]
    order = [wrong[i] for i in rng.permutation(len(wrong))]
    place = (start + fact.option + used[kind.name, fact.option]) % (len(order) + 1)
    used[kind.name, fact.option] += 1
    order.insert(place, fact.option)
    return order, place


class _Pairs:
    """The first two views of questions about one sample, in each order in which they are shown."""

    def __init__(self, sample: Sample, back: Truth | None) -> None:
        self.sample = sample
        self.back = back
        self.pairs: dict[tuple[int, ...], Pair] = {}

    def shown_as(self, images: tuple[int, ...]) -> Pair:
        if images not in self.pairs:
            turned = self.back is not None and images == BACK.images
            truth = self.back if turned and self.back else _truth_of(self.sample, images)
            self.pairs[images] = Pair([self.sample.views[view] for view in images], truth)
        return self.pairs[images]


def _chain(
    sample: Sample,
    asked: Asked,
    question: Question,
    right: str,
    pairs: _Pairs,
    reader: Reader,
    rng: np.random.Generator,
) -> str | None:
    """A chain of thought that is read back and found to be true, or None."""
    kind = asked.kind
    figure = asked.figure
    if kind.chain is None or sample.photographed is not None:
        return None  # sentences about photographs would need an exact box of the object
    views = [sample.views[view] for view in figure.images]
    case = Case(sample, figure, views, pairs.shown_as(figure.images))
    answer_text = question.options[question.answer_index] if question.options else right
    text = write_chain(kind.chain, case, right, answer_text, rng)
    if text is None or (sample.scene is not None and not kind.of_scenes and "object" in text):
        return None  # sentences about one object do not suit a group
    with_chain = question.model_copy(update={"chain_of_thought": text})
    return None if reader.problems_of_chain(with_chain) else text
