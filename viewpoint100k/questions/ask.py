"""Puts facts into words and letters: which questions of a shard are asked, in which wording, which option under which letter."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig, QuestionConfig, widened
from viewpoint100k.glances import Glance
from viewpoint100k.questions import tier_a, tier_b, tier_b_figures, tier_b_sets, tier_c, tier_c_pairs
from viewpoint100k.questions.balance import balanced, cue_values
from viewpoint100k.questions.chains import Facts, state_facts, write_chain
from viewpoint100k.questions.chains_figures import write_figure_chain
from viewpoint100k.questions.chains_scenes import write_scene_chain
from viewpoint100k.questions.kinds import Cue, Fact, Figure, Kind, Known, named
from viewpoint100k.questions.verifier import verify_chain
from viewpoint100k.questions.verifier_scenes import verify_scene_chain
from viewpoint100k.questions.wording import MOVE, Templates, read_templates, sentences
from viewpoint100k.records import AnswerForm, Decidability, Question, Sample, Scene, Truth, View
from viewpoint100k.scoring import LETTERS

KINDS: tuple[Kind, ...] = (
    *tier_a.KINDS,
    *tier_b.KINDS,
    *tier_b_figures.KINDS,
    *tier_b_sets.KINDS,
    *tier_c.KINDS,
    *tier_c_pairs.KINDS,
)
OF_TRUTH = tuple(kind for kind in KINDS if not kind.draw)  # a pair's truth alone answers them
DRAWN = tuple(kind for kind in KINDS if kind.draw)
BACK = Figure(images=(1, 0))  # a pair from its second view to its first
OF_SCENES = "C"
# what a kind may be decided by where no vertical is known: the camera's own axes, and its distance
WITHOUT_VERTICAL = ({"translation"}, {"forward"}, {"distance"})
OF_ONE_OBJECT = {"object_facing_camera_1", "object_front"}  # frames that a group of objects does not have
ARTICLES = {"an": "a", "An": "A"}
OTHER_FORMS: tuple[AnswerForm, ...] = ("digit", "word", "json")
ENDINGS: dict[AnswerForm, str] = {
    "letter": "Answer with the letter of the right option.",
    "digit": "Answer with the number of the right option.",
    "word": "Answer with the words of the right option.",
    "json": 'Answer with JSON: {"answer": "<letter>"}',
    "number": "Answer with a number of degrees.",
}


class Asked(NamedTuple):
    """A question that could be put to a sample."""

    kind: Kind
    fact: Fact
    decidability: float
    figure: Figure = Figure()
    cues: Mapping[Cue, float] = {}  # beside those of the pictures
    alone: tuple[
        float, ...
    ] = ()  # how the right option's part of the figure differs from the mean of all options' parts


def load_templates(path: str | None = None) -> Templates:
    """Wordings per kind, from our file or from the user's: those for training, and others for testing.

    Raises:
        InputError: the file cannot be read, or has a wording that cannot be used; names the kind and what was
        expected.
    """
    return read_templates(path, KINDS)


def facts_of(
    truth: Truth, decidability: Decidability, gates: GateConfig, *, measured: bool = True
) -> list[Asked]:
    """All that could be asked of a pair: its facts outside the grey bands whose wrong answers would look different.

    Args:
        measured: whether decidability was; without depth it was not, and nothing goes by it.
    """
    out = []
    for kind in OF_TRUTH:
        fact = kind.fact(truth, gates)
        if fact is None:
            continue
        least = _least(kind, fact, decidability)
        if least >= gates.min_decidability or not measured:
            out.append(Asked(kind, fact, least))
    return out


def figures_of(known: Known, gates: GateConfig, rng: np.random.Generator) -> list[Asked]:
    """All that could be asked of a sample with a figure, drawn by lot."""
    out = []
    for kind in (kind for kind in DRAWN if fits(kind, known.scene)):
        figure = kind.draw(known, gates, rng) if kind.draw else None
        solved = kind.solve(known, figure, gates) if kind.solve and figure is not None else None
        if figure is not None and solved is not None and solved.decidability >= gates.min_decidability:
            out.append(Asked(kind, solved.fact, solved.decidability, figure, solved.cues, solved.alone))
    return out


def fits(kind: Kind, scene: Scene | None) -> bool:
    """Whether a kind may be asked of a sample: those of single objects ask of scenes only where nothing but the camera moved."""
    if scene is None or kind.tier == OF_SCENES:
        return (scene is not None) == (kind.tier == OF_SCENES)
    return scene.change is None and kind.frame not in OF_ONE_OBJECT


def gates_of(sample: Sample, gates: GateConfig) -> GateConfig:
    """The gates that a sample is asked by: of photographs, wider by what their poses may be off."""
    if sample.photographed is None:
        return gates
    return widened(gates, sample.photographed.turn_error_deg, sample.photographed.move_error)


def poses_suffice(kind: Kind, sample: Sample) -> bool:
    """Whether poses alone answer a kind: it needs neither depth nor albedo, and no vertical where none is known."""
    if sample.photographed is None:
        return True
    if kind.draw is not None or kind.tier == OF_SCENES:
        return False
    return sample.photographed.vertical != "unknown" or set(kind.decided_by) in WITHOUT_VERTICAL


def carries_question(known: Known, gates: GateConfig) -> bool:
    """Whether a pair can be asked about, and about what moved or changed if anything did; whether a set can be asked about."""
    if len(known.views) > 2:
        return bool(figures_of(known, gates, np.random.default_rng(0)))
    if known.scene is not None and known.scene.change is not None:
        return any(len(one.figure.images) > 1 for one in figures_of(known, gates, np.random.default_rng(0)))
    found = [one for one in facts_of(known.truth, known.decidability, gates) if fits(one.kind, known.scene)]
    facts = [(kind, kind.fact(known.truth, gates)) for kind in KINDS]
    moves = any(fact and kind.direction(fact.option) is not None for kind, fact in facts)
    return any(not moves or one.kind.direction(one.fact.option) is not None for one in found)


def ask_all(
    keys: Sequence[str],
    samples: Sequence[Sample],
    settings: QuestionConfig,
    gates: GateConfig,
    templates: Templates,
    rng: np.random.Generator,
    start: int,
    glances: Sequence[Sequence[Glance]] = (),
) -> list[list[Question]]:
    """All questions that can be asked of a shard's samples, worded: first those chosen so that no cue tells, then the others.

    Some samples may have no chosen one: of a camera that only turns, the shift of the object always tells the
    turn.

    Args:
        start: where the round of letters starts; the shard's number, so that the remainders of many small
            shards even out.
        glances: one at each picture of each sample; none: what they show is not balanced over.
    """
    candidates = [askable(sample, gates, rng) for sample in samples]
    cues = [
        cue_values(sample.views, seen)
        for sample, seen in zip(samples, glances or [()] * len(samples), strict=True)
    ]
    chosen = balanced(candidates, cues, rng)
    fair = word_all(keys, samples, chosen, settings, gates, templates, rng, start)
    others = [
        [one for one in mine if all(one is not other for other in picked)]
        for mine, picked in zip(candidates, chosen, strict=True)
    ]
    more = word_all(keys, samples, others, settings, gates, templates, rng, start)
    return [
        [*asked, *(question.model_copy(update={"fair": False}) for question in beside)]
        for asked, beside in zip(fair, more, strict=True)
    ]


def word_all(
    keys: Sequence[str],
    samples: Sequence[Sample],
    chosen: Sequence[Sequence[Asked]],
    settings: QuestionConfig,
    gates: GateConfig,
    templates: Templates,
    rng: np.random.Generator,
    start: int,
) -> list[list[Question]]:
    """The questions of a shard's samples, worded, also from the second view to the first where that was measured.

    Args:
        chosen: what is asked of each sample.
        start: as in `ask_all`.
    """
    backs = [_truth_of(sample, BACK) if sample.decidability_reversed else None for sample in samples]
    chosen = [
        [*asked, *_back(sample, back, asked, gates)]
        for sample, back, asked in zip(samples, backs, chosen, strict=True)
    ]
    words = np.random.default_rng(
        rng.integers(2**63)
    )  # of chains of thought: they take nothing from the other lots
    used = Counter[tuple[str, int]]()  # how often each option of each kind was right: its letter goes round
    out = []
    for key, sample, back, asked in zip(keys, samples, backs, chosen, strict=True):
        orders = {one.figure.images for one in asked if set(one.figure.images) == {0, 1}}
        pairs = {order: _pair(sample, order, back) for order in sorted(orders)}
        out.append(
            [
                _question(key, sample, one, pairs, settings, templates, rng, words, used, start)
                for one in asked
            ]
        )
    return out


def askable(sample: Sample, gates: GateConfig, rng: np.random.Generator) -> list[Asked]:
    """All that could be asked of a sample. Of more than two views, only what is about all of them."""
    if sample.photographed is not None:
        found = facts_of(sample.truth, sample.decidability, gates_of(sample, gates), measured=False)
        return [one for one in found if poses_suffice(one.kind, sample)]
    of_pair = facts_of(sample.truth, sample.decidability, gates) if len(sample.views) == 2 else []
    of_pair = [one for one in of_pair if fits(one.kind, sample.scene)]
    return of_pair + figures_of(sample, gates, rng)


def _back(sample: Sample, back: Truth | None, chosen: Sequence[Asked], gates: GateConfig) -> list[Asked]:
    """The same questions from the second view to the first, where that was measured: whoever sees it gets both right."""
    if sample.decidability_reversed is None or back is None:
        return []
    kinds = {one.kind.name for one in chosen if not one.kind.draw}
    found = facts_of(back, sample.decidability_reversed, gates)
    return [one._replace(figure=BACK) for one in found if one.kind.name in kinds]


def _truth_of(sample: Sample, figure: Figure) -> Truth:
    """The truth of the two views of a pair in the order in which they are shown."""
    if figure.images != BACK.images:
        return sample.truth
    shared, front = sample.truth.covisible_fraction, sample.truth.front_azimuth_deg
    return make_truth(sample.views[1], sample.views[0], shared, front)


class _Pair(NamedTuple):
    """The two views of a pair in one order: what moved, and what is clearly true of it, which chains of thought say."""

    truth: Truth
    facts: Facts | None


def _pair(sample: Sample, order: tuple[int, ...], back: Truth | None) -> _Pair:
    truth = back if back and order == BACK.images else _truth_of(sample, Figure(order))
    return _Pair(truth, state_facts([sample.views[view] for view in order], truth))


def _question(
    key: str,
    sample: Sample,
    asked: Asked,
    pairs: Mapping[tuple[int, ...], _Pair],
    settings: QuestionConfig,
    templates: Templates,
    rng: np.random.Generator,
    words: np.random.Generator,
    used: "Counter[tuple[str, int]]",
    start: int,
) -> Question:
    kind, fact, figure = asked.kind, asked.fact, asked.figure
    views = [sample.views[view] for view in figure.images]
    use = "test" if sample.split == "test" else "train"
    number = int(rng.integers(len(templates[kind.name][use])))
    form: AnswerForm = "number" if fact.value is not None else "letter"
    if form == "letter" and rng.random() < settings.other_forms:
        form = OTHER_FORMS[rng.integers(len(OTHER_FORMS))]
    options, place = _options(kind, fact, kind.texts(figure, sample.scene), rng, used, start)
    right = options[place] if options else f"{round(fact.value or 0.0, -1):.0f}"
    wording = templates[kind.name][use][number].replace(MOVE, figure.words)
    if kind.tier == OF_SCENES:
        wording = sentences(named(wording, figure, sample.scene))
    elif sample.scene is not None:
        wording = of_group(wording)
    return Question(
        id=question_id(key, kind, figure),
        type=kind.type,
        tier=kind.tier,
        frame=kind.frame,
        images=list(figure.images),
        prompt=prompt(wording, options, form, lens(views) if kind.lens else ""),
        options=options,
        answer_index=place,
        answer=answer(options, place, form, fact.value),
        answer_form=form,
        value=fact.value,
        marks=list(figure.marks),
        mirrored=list(figure.mirrored),
        map_cameras=list(figure.map_cameras),
        parts=list(figure.parts),
        template=f"{kind.name}/{use}/{number}",
        margin=round(fact.margin, 6),
        decidability=round(asked.decidability, 6),
        chain_of_thought=_chain(
            kind,
            sample,
            figure,
            pairs.get(figure.images, _Pair(sample.truth, None)),
            options,
            right,
            words,
        ),
    )


def of_group(wording: str) -> str:
    """A wording about one object, said of several that stand together."""
    return re.sub(r"\b([Tt]he same|[Tt]he|[Tt]his|[Aa]n|[Oo]ne) object\b", _group, wording)


def _group(found: "re.Match[str]") -> str:
    return f"{ARTICLES.get(found[1], found[1])} group of objects"


def figure_of(question: Question) -> Figure:
    """The figure of a question, as it is stored; the whole prompt stands for its words."""
    return Figure(
        images=tuple(question.images),
        marks=tuple(question.marks),
        mirrored=tuple(question.mirrored),
        map_cameras=tuple(question.map_cameras),
        words=question.prompt,
        parts=tuple(question.parts),
    )


def answered(sample: Sample, kind: Kind, figure: Figure, gates: GateConfig) -> Asked | None:
    """The answer to a kind of question about a sample with this figure; None if it must not be asked."""
    if not (fits(kind, sample.scene) and poses_suffice(kind, sample)):
        return None
    gates = gates_of(sample, gates)
    if kind.solve is not None:
        solved = kind.solve(sample, figure, gates)
        return solved and Asked(kind, solved.fact, solved.decidability, figure, solved.cues)
    drawn = figure.marks or figure.mirrored or figure.map_cameras or figure.parts
    decidability = sample.decidability_reversed if figure.images == BACK.images else sample.decidability
    if drawn or figure.images not in (Figure().images, BACK.images) or decidability is None:
        return None
    fact = kind.fact(_truth_of(sample, figure), gates)
    return fact and Asked(kind, fact, _least(kind, fact, decidability), figure)


def _least(kind: Kind, fact: Fact, decidability: Decidability) -> float:
    return float(min(getattr(decidability, name) for name in fact.decided_by or kind.decided_by))


def question_id(key: str, kind: Kind, figure: Figure) -> str:
    """What a question is called; its twin from the second view to the first is called after it."""
    return f"{key}-{kind.type}-{kind.frame}{'-reversed' if figure.images == BACK.images else ''}"


def _chain(
    kind: Kind,
    sample: Sample,
    figure: Figure,
    pair: _Pair,
    options: list[str],
    right: str,
    rng: np.random.Generator,
) -> str | None:
    """A chain of thought that its verifier accepts, or None. None of photographs: its sentences take an exact box."""
    if sample.photographed is not None:
        return None
    if kind.tier == OF_SCENES and sample.scene is not None:
        text = write_scene_chain(kind.name, sample, figure, right, rng)
        wrong = text and verify_scene_chain(
            text, kind.name, sample.views, sample.scene, figure, options, right
        )
        return None if wrong else text
    views = [sample.views[view] for view in figure.images]
    front = sample.truth.front_azimuth_deg
    if kind.draw is not None:
        text = write_figure_chain(kind.name, views, pair.truth, sample.seen, figure, right, rng, pair.facts)
    else:
        text = write_chain(kind.name, views, pair.truth, right, rng, pair.facts)
    if text is not None and sample.scene is not None and "object" in text:
        return None  # its sentences are about one object
    if text is None or verify_chain(text, kind.name, views, options, right, front, sample.seen, figure):
        return None
    return text


def _options(
    kind: Kind,
    fact: Fact,
    texts: Sequence[str],
    rng: np.random.Generator,
    used: "Counter[tuple[str, int]]",
    start: int,
) -> tuple[list[str], int]:
    """The options that are shown, of these texts, and the place of the right one."""
    if not kind.options:
        return [], -1
    wrong = [i for i in range(len(kind.options)) if i != fact.option]
    if kind.shown and kind.twins:
        pairs = [i for i in range(len(kind.options) // 2) if i != fact.option // 2]
        others = rng.permutation(pairs)[: kind.shown // 2 - 1]
        wrong = [fact.option ^ 1, *(int(2 * i + j) for i in others for j in (0, 1))]
    elif kind.shown:
        wrong = [int(i) for i in rng.permutation(wrong)[: kind.shown - 1]]
    order = [wrong[i] for i in rng.permutation(len(wrong))]
    place = (start + fact.option + used[kind.name, fact.option]) % (len(order) + 1)
    used[kind.name, fact.option] += 1
    order.insert(place, fact.option)
    return [texts[i] for i in order], place


def prompt(wording: str, options: Sequence[str], form: AnswerForm, lens: str = "") -> str:
    """The question, what the lens did where that matters, the options with their marks, and how to answer."""
    marks = {"digit": [f"{i + 1}." for i in range(len(options))], "word": ["-"] * len(options)}.get(
        form, [f"{letter}." for letter in LETTERS]
    )
    lines = [f"{mark} {option}" for mark, option in zip(marks, options, strict=False)]
    first = " ".join([*wording.split(), *lens.split()])
    return "\n".join([first, *lines, ENDINGS[form]])


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


def lens(views: Sequence[View]) -> str:
    """How wide the pictures of a question are: without that, size says nothing about distance."""
    wide = [f"{view.hfov_deg:.0f}" for view in views[:2]]
    if wide[0] == wide[1]:
        return f"Both images have a horizontal field of view of {wide[0]} degrees."
    return f"The horizontal field of view is {wide[0]} degrees in image 1 and {wide[1]} degrees in image 2."
