"""Questions about scenes of every kind: mirrors and swapped roles, chains, and what is drawn."""

import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageChops
from support.kinds import chain_for, options_of, problems_of_scene_chain, texts_of
from support.scene_answers import GATES, OF_SCENES
from support.scene_samples import synthetic_scene

from viewpoint100k.audit.transforms import _in_mirror, _turned
from viewpoint100k.config import QuestionConfig
from viewpoint100k.drawing import shown
from viewpoint100k.questions import KINDS, ask_all, carries_question, load_templates
from viewpoint100k.questions.ask import Writer, answered, figure_of
from viewpoint100k.questions.facts.scene import letters
from viewpoint100k.questions.kind import Figure
from viewpoint100k.questions.wording import sentences
from viewpoint100k.records import Move

EVENTS = (None, "moved", None, "turned", "appeared", None, "vanished", "moved")


@pytest.fixture(scope="module")
def scenes():
    """Samples of every event, some seen by a camera that stands still, some of alike objects.

    Not to be changed.
    """
    return [
        synthetic_scene(
            seed,
            count=5,
            event=EVENTS[seed % len(EVENTS)],
            camera_still=seed % 3 == 0,
            nouns=["chair"] * 5 if seed % 5 == 4 else None,
            size_px=256,
        )
        for seed in range(24)
    ]


@pytest.fixture(scope="module")
def drawn(scenes):
    """(sample, kind, figure, what is asked) of all kinds that these scenes carry, several times each."""
    rng, out = np.random.default_rng(0), []
    for sample in scenes:
        for kind in OF_SCENES.values():
            for _ in range(2):
                figure = kind.draw(sample, GATES, rng)
                asked = answered(sample, kind, figure, GATES) if figure else None
                if asked:
                    out.append((sample, kind, figure, asked))
    return out


@pytest.fixture(scope="module")
def questions(scenes):
    keys = [f"train-00000-{number:05d}" for number in range(len(scenes))]
    asked = ask_all(
        keys, scenes, GATES, Writer(QuestionConfig(), load_templates(), 0), np.random.default_rng(1)
    )
    return [
        (sample, one) for sample, every in zip(scenes, asked, strict=True) for one in every if one.tier == "C"
    ]


# --- properties ------------------------------------------------------------------------------------


def test_every_kind_is_drawn(drawn):
    assert {kind.name for _, kind, _, _ in drawn} >= set(OF_SCENES) - {"seen_in/images"}


SWAPPED = {"side_of", "front_of", "closer", "taller", "side_after", "closer_after"}


def test_swapped_roles_swap_the_answer(drawn):
    n = 0
    for sample, kind, figure, asked in drawn:
        if kind.type in SWAPPED:
            other = answered(sample, kind, figure._replace(parts=figure.parts[::-1]), GATES)
            assert other.fact.option == 1 - asked.fact.option, kind.name
            assert other.fact.margin == pytest.approx(asked.fact.margin)
            n += 1
    assert n > 100


FLIPS = {"side_of", "side_after", "hops", "perspective", "turn_to_face"}


def test_in_a_mirror_left_is_right_and_nothing_else_changes(drawn):
    relations = {"left": "right", "right": "left"}
    for sample, kind, figure, asked in drawn:
        other = _in_mirror(sample)
        parts, move = figure.parts, figure.move
        if move is not None and move.around_deg != 180:
            move = Move(around_deg=-move.around_deg)
        shot = figure._replace(move=move, relation=relations.get(figure.relation, figure.relation))
        everything = range(len(sample.scene.parts)) if kind.type in ("count", "hops") else parts
        found = answered(
            other, kind, shot._replace(marks=letters(other.scene, figure.images, everything)), GATES
        )
        wanted = asked.fact.option ^ 1 if kind.type in FLIPS else asked.fact.option
        if kind.type in ("faces", "facing"):
            wanted = {1: 3, 3: 1}.get(wanted, wanted)
        assert found is not None and found.fact.option == wanted, kind.name
        assert found.fact.margin == pytest.approx(asked.fact.margin, rel=1e-6)


def test_a_turn_of_the_world_changes_nothing(drawn):
    for sample, kind, figure, asked in drawn:
        found = answered(_turned(sample, 77.0), kind, figure, GATES)
        assert found is not None and found.fact.option == asked.fact.option, kind.name
        assert found.fact.margin == pytest.approx(asked.fact.margin, rel=1e-6)


def test_single_objects_are_not_asked_about_scenes_nor_events_about_camera_moves(scenes):
    kinds = {kind.name: kind for kind in KINDS}
    event = next(sample for sample in scenes if sample.scene.change is not None)
    assert answered(event, kinds["ego_translation/camera_1"], Figure(), GATES) is None
    alone = event.model_copy(update={"scene": None})
    assert all(answered(alone, kind, Figure(parts=(0, 1)), GATES) is None for kind in OF_SCENES.values())


def test_a_static_pair_is_asked_the_kinds_of_single_objects_too(scenes):
    """C8: tiers A and B, said of the group."""
    static = [sample for sample in scenes if sample.scene.change is None]
    keys = [f"k-{number}" for number in range(len(static))]
    asked = ask_all(
        keys, static, GATES, Writer(QuestionConfig(), load_templates(), 0), np.random.default_rng(0)
    )
    found = [one for every in asked for one in every if one.tier in "AB"]
    assert found
    assert all("the object " not in one.prompt for one in found)
    for sample, every in zip(static, asked, strict=True):
        kinds = {f"{kind.type}/{kind.frame}": kind for kind in KINDS}
        for one in every:
            again = answered(sample, kinds[f"{one.type}/{one.frame}"], figure_of(one), GATES)
            assert again is not None and again.fact.margin == pytest.approx(one.margin, abs=1e-5)


def test_a_pair_of_an_event_is_kept_only_if_it_is_asked_about(scenes):
    event = next(
        sample for sample in scenes if sample.scene.change is not None and sample.scene.change.kind == "moved"
    )
    hidden = [
        view.model_copy(
            update={"parts": [part.model_copy(update={"referable": False}) for part in view.parts]}
        )
        for view in event.scene.views
    ]
    assert carries_question(event, GATES)
    assert not carries_question(
        event.model_copy(update={"scene": event.scene.model_copy(update={"views": hidden})}), GATES
    )


# --- as they are asked -------------------------------------------------------------------------------


def test_stored_questions_are_solved_again(questions):
    for sample, one in questions:
        kind = OF_SCENES[f"{one.type}/{one.frame}"]
        again = answered(sample, kind, figure_of(one), GATES)
        assert (
            texts_of(kind, figure_of(one), sample.scene)[again.fact.option] == one.options[one.answer_index]
        )
        assert not any(
            place in one.prompt for place in ("{a}", "{b}", "{c}", "{move}", "{relation}", "{change}")
        )


def test_names_are_said_and_begin_sentences_with_a_capital(questions):
    for sample, one in questions:
        said = f"{one.prompt} {' '.join(one.options)}".lower()
        assert all(sample.scene.parts[part].name.lower() in said for part in one.parts), one.prompt
        assert one.prompt[0].isupper()
    assert sentences("the car? the cat: the dog") == "The car? The cat: the dog"


def test_opposite_answers_are_right_equally_often(questions):
    counts = {name: Counter() for name in ("side_of", "side_after", "hops", "taller", "closer_after")}
    for _, one in questions:
        kind = OF_SCENES[f"{one.type}/{one.frame}"]
        if one.type in counts:
            names = options_of(kind)
            counts[one.type][names[0] == one.options[one.answer_index] or one.margin < 0] += 1
    for name in ("side_of", "side_after", "hops"):
        assert abs(counts[name][True] - counts[name][False]) <= 2, (name, counts[name])


def test_letters_are_drawn_where_a_name_needs_them(questions):
    lettered = [(sample, one) for sample, one in questions if one.marks]
    assert lettered
    sample, one = lettered[0]
    assert any(sample.scene.parts[part].named_by == "letter" for part in one.parts) or one.type in (
        "count",
        "hops",
    )
    plain = [Image.new("RGB", (256, 256), (90, 120, 90)) for _ in sample.views]
    for place, picture in enumerate(shown(one, plain)):
        changed = ImageChops.difference(picture, plain[one.images[place]]).convert("L")
        for mark in (mark for mark in one.marks if mark.image == place):
            x, y = min(max(mark.x, 8), 248), min(max(mark.y, 8), 248)
            assert (
                np.asarray(changed.crop((round(x) - 6, round(y) - 6, round(x) + 6, round(y) + 6))).max() > 80
            )
    assert shown(one, plain)[0].tobytes() == shown(one, plain)[0].tobytes()


# --- chains ------------------------------------------------------------------------------------------


def chain_of(sample, kind, figure, asked, rng):
    right = texts_of(kind, figure, sample.scene)[asked.fact.option]
    return right, scene_chain(sample, kind, figure, right, rng)


def scene_chain(sample, kind, figure, right, rng):
    views = [sample.views[view] for view in figure.images]
    return chain_for(kind.name, views, sample.truth, right, rng, sample, figure)


def test_chains_are_verified_and_short(drawn):
    rng, written = np.random.default_rng(0), Counter()
    for sample, kind, figure, asked in drawn:
        right, text = chain_of(sample, kind, figure, asked, rng)
        if text is None:
            continue
        written[kind.name] += 1
        options = texts_of(kind, figure, sample.scene)
        assert problems_of_scene_chain(text, kind.name, sample, figure, options, right) == [], text
        assert len(text.split()) <= 120
    assert set(written) >= {name for name, kind in OF_SCENES.items() if kind.chain} - {"seen_in/images"}


def test_no_chain_is_written_for_a_wrong_answer(drawn):
    rng = np.random.default_rng(0)
    for sample, kind, figure, asked in drawn:
        for option, words in enumerate(texts_of(kind, figure, sample.scene)):
            if option != asked.fact.option:
                assert scene_chain(sample, kind, figure, words, rng) is None, (kind.name, words)


@pytest.mark.parametrize("name", sorted(set(OF_SCENES) - {"seen_in/images"}))
def test_a_chain_with_another_number_side_or_name_is_refused(name, drawn):
    rng, refused = np.random.default_rng(0), 0
    for sample, kind, figure, asked in (one for one in drawn if one[1].name == name):
        right, text = chain_of(sample, kind, figure, asked, rng)
        if text is None:
            continue
        options = texts_of(kind, figure, sample.scene)
        for changed in spoiled(text, [part.name for part in sample.scene.parts]):
            said = problems_of_scene_chain(changed, kind.name, sample, figure, options, right)
            assert said, f"{text}\n{changed}"
            refused += 1
    assert refused


def spoiled(text, names):
    """The chain with one thing wrong: a number, a side, another object, another conclusion, or a sentence left out."""
    facts, _, conclusion = text.rpartition(". So the answer")
    if "degrees" in facts:
        digits = re.search(r"about (\d+) degrees", facts)
        other = (int(digits[1]) + 40) % 360
        yield f"{facts[: digits.start(1)]}{other}{facts[digits.end(1) :]}. So the answer{conclusion}"
    for word, other in (
        ("clockwise from the camera", "counter-clockwise from the camera"),
        ("is further to the left", "is further to the right"),
        (" meet", " part"),
    ):
        if word in facts:
            yield f"{facts.replace(word, other, 1)}. So the answer{conclusion}"
    yield f"{facts}. So the answer is: something else."
    yield f"{facts}. The sky is blue. So the answer{conclusion}"
    absent = next(f"the {noun}" for noun in ("piano", "robot") if f"the {noun}" not in names)
    named = next((name for name in names if name in facts), None)
    if named:
        yield f"{facts.replace(named, absent, 1)}. So the answer{conclusion}"
    yield f"So the answer{conclusion}"


# --- what wordings get ---------------------------------------------------------------------------------


def test_kinds_say_what_they_ask_with_and_how_many_objects_their_wordings_get(drawn):
    """What is drawn of scenes is what `load_templates` goes by."""
    asked_with = set()
    for _, kind, figure, _ in drawn:
        for field in ("relation", "move", "change"):
            value = getattr(figure, field)
            mine = kind.parameter is not None and kind.parameter.field == field
            assert (value is not None) == mine, kind.name
            assert not mine or value in kind.parameter.values, kind.name
            asked_with |= {kind.name} if mine else set()
        named_in_options = 3 if kind.name == "changed_object/scene" else 0
        assert len(figure.parts) == kind.parts + named_in_options, kind.name
    assert asked_with == {kind.name for kind in OF_SCENES.values() if kind.parameter}
