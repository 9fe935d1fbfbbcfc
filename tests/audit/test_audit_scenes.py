"""Fair questions about scenes pass the audit, and whatever is planted in them is found."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import audit_sets as sets
from support.scene_samples import standing, synthetic

from viewpoint100k import audit
from viewpoint100k.audit import chains, gates, labels, scenes
from viewpoint100k.config import GateConfig, QuestionConfig
from viewpoint100k.questions import KINDS, load_templates
from viewpoint100k.questions.ask import Writer, answered, word_all
from viewpoint100k.questions.kind import Asked

EVENTS = (None, "moved", None, "turned", "appeared", "vanished")
GATES = GateConfig()
SCENES = {kind.name for kind in KINDS if kind.tier == "C"}


def stored_scenes(count=18):
    """Samples of synthetic scenes with every kind of question that they carry, whether that is fair or not."""
    rng, templates, out = np.random.default_rng(3), load_templates(), []
    for seed in range(count):
        stored = synthetic(
            seed, 5, EVENTS[seed % len(EVENTS)], camera_still=seed % 4 == 1, size_px=256,
            nouns=["chair"] * 5 if seed % 3 == 0 or seed > 15 else None,
        )  # fmt: skip
        key, questions = f"train-00000-{seed:05d}", []
        for kind in (kind for kind in KINDS if kind.tier == "C"):
            figure = kind.draw(stored.sample, GATES, rng)
            asked = answered(stored.sample, kind, figure, GATES) if figure else None
            if isinstance(asked, Asked):
                writer = Writer(QuestionConfig(other_forms=0), templates, seed)
                ((question,),) = word_all([key], [stored.sample], [[asked]], GATES, writer, rng)
                questions.append(question)
        out.append(stored._replace(key=key, sample=stored.sample.model_copy(update={"questions": questions})))
    return out


@pytest.fixture(scope="module")
def fair():
    """Samples without any fault, in memory. Not to be changed."""
    return stored_scenes()


@pytest.fixture
def loaded(tmp_path):
    return lambda stored: audit.load_samples(sets.write_dataset(tmp_path / "set", stored, preset="scenes"))


def with_kind(fair, kind, where=lambda sample, question: True):
    """(stored, question): the first question of a kind."""
    return next(
        (one, q) for one in fair for q in one.sample.questions if q.type == kind and where(one.sample, q)
    )


def only(one, question, **sample):
    """A sample with one question, and other fields."""
    return [sets.changed(one, questions=[question], **sample)]


def with_scene(one, part=None, view=None, **fields):
    """The sample's scene with one part, or what one view shows of it, changed."""
    scene = one.sample.scene
    if view is None:
        parts = [p.model_copy(update=fields) if i == part else p for i, p in enumerate(scene.parts)]
        return scene.model_copy(update={"parts": parts})
    shown = scene.views[view]
    seen = [p.model_copy(update=fields) if i == part else p for i, p in enumerate(shown.parts)]
    views = [shown.model_copy(update={"parts": seen}) if i == view else v for i, v in enumerate(scene.views)]
    return scene.model_copy(update={"views": views})


def test_fair_scenes_pass(fair, loaded):
    samples = loaded(fair)
    asked = {f"{q.type}/{q.frame}" for one in fair for q in one.sample.questions}
    assert asked >= SCENES - {"seen_in/images"}
    probes = (
        labels.labels_recomputed, labels.metamorphic, gates.decidability, scenes.scene_references, scenes.scene_labels,
        chains.chain_facts, chains.chain_length,
    )  # fmt: skip
    found = [probe(samples) for probe in probes]
    assert {one.name: one.because for one in found if one.verdict != "pass"} == {}


@pytest.mark.parametrize("kind", sorted({name.split("/")[0] for name in SCENES} - {"seen_in"}))
def test_a_wrong_answer_is_found(kind, fair, loaded):
    one, question = with_kind(fair, kind)
    wrong = question.model_copy(update={"answer_index": (question.answer_index + 1) % len(question.options)})
    found = labels.labels_recomputed(loaded(only(one, wrong)))
    assert found.verdict == "fail" and "the poses say" in found.because


def test_a_swapped_depth_order_is_found(fair, loaded):
    """Two objects changed places in the world; answers and pictures did not."""
    one, question = with_kind(fair, "closer")
    a, b = question.parts
    poses = [one.sample.scene.parts[i].world_from_object for i in (a, b)]
    scene = with_scene(one, a, world_from_object=poses[1])
    scene = with_scene(sets.changed(one, scene=scene), b, world_from_object=poses[0])
    samples = loaded(only(one, question, scene=scene))
    assert labels.labels_recomputed(samples).verdict == "fail"
    assert "stored at depth" in scenes.scene_labels(samples).because


def test_a_hidden_object_that_is_asked_about_is_found(fair, loaded):
    one, question = with_kind(fair, "taller")
    part, view = question.parts[0], question.images[0]
    solo = one.sample.scene.views[view].parts[part].solo_pixels
    scene = with_scene(one, part, view, pixels=int(0.2 * solo), visible_fraction=0.2)
    found = scenes.scene_references(loaded(only(one, question, scene=scene)))
    assert found.verdict == "fail" and "too little can be seen" in found.because


@pytest.mark.parametrize(
    "fields", [{"cut": True}, {"pixels": 20, "solo_pixels": 20, "visible_fraction": 1.0}]
)
def test_an_object_at_the_edge_or_a_speck_is_found(fields, fair, loaded):
    one, question = with_kind(fair, "side_of")
    scene = with_scene(one, question.parts[1], question.images[0], **fields)
    assert (
        "too little can be seen" in scenes.scene_references(loaded(only(one, question, scene=scene))).because
    )


def test_a_name_that_fits_two_objects_is_found(fair, loaded):
    def by_noun(sample, question):
        return all(sample.scene.parts[part].named_by == "noun" for part in question.parts)

    one, question = with_kind(fair, "side_of", by_noun)
    mine = one.sample.scene.parts[question.parts[0]]
    other = next(i for i in range(5) if i not in question.parts)
    scene = with_scene(one, other, noun=mine.noun, name=f"the green {mine.noun}")
    found = scenes.scene_references(loaded(only(one, question, scene=scene)))
    assert found.verdict == "fail" and "which 2 objects are" in found.because


def test_a_letter_that_is_not_drawn_is_found(fair, loaded):
    one, question = with_kind(fair, "side_of", lambda sample, question: question.marks)
    found = scenes.scene_references(loaded(only(one, question.model_copy(update={"marks": []}))))
    assert "no such letter" in found.because


def test_a_letter_on_another_object_is_found(fair, loaded):
    one, question = with_kind(fair, "side_of", lambda sample, question: len(question.marks) > 1)
    places = [(mark.x, mark.y) for mark in question.marks]
    marks = [
        m.model_copy(update={"x": x, "y": y})
        for m, (x, y) in zip(question.marks, places[1:] + places[:1], strict=True)
    ]
    found = scenes.scene_references(loaded(only(one, question.model_copy(update={"marks": marks}))))
    assert "no such letter" in found.because


def test_letters_that_tell_what_is_gone_are_found(fair, loaded):
    def gone(sample, question):
        return question.marks and sample.scene.change.kind in ("appeared", "vanished")

    one, question = with_kind(fair, "changed_object", gone)
    shown = question.marks[0].image
    assert {mark.image for mark in question.marks} == {shown}  # all on the picture that has every object
    others = [
        m for m in question.marks if m.letter != one.sample.scene.parts[one.sample.scene.change.part].letter
    ]
    marks = [*question.marks, *(mark.model_copy(update={"image": 1 - shown}) for mark in others)]
    found = scenes.scene_references(loaded(only(one, question.model_copy(update={"marks": marks}))))
    assert "tells which object is gone" in found.because


def test_a_name_that_is_never_said_is_found(fair, loaded):
    one, question = with_kind(fair, "front_of", lambda sample, question: not question.marks)
    name = one.sample.scene.parts[question.parts[0]].name
    changed = question.model_copy(
        update={"prompt": question.prompt.replace(name, "it").replace(name.capitalize(), "It")}
    )
    assert "never says" in scenes.scene_references(loaded(only(one, changed))).because


def test_a_distractor_that_is_also_true_is_found(fair, loaded):
    """The other object is moved until it is as close to the third one as the right one is."""
    one, question = with_kind(fair, "nearer_to")
    state = one.sample.scene.views[question.images[0]].state
    places = [
        np.array(one.sample.scene.parts[part].world_from_object[state])[:3, 3] for part in question.parts
    ]
    right = question.options[question.answer_index]
    near = next(i for i in (0, 1) if one.sample.scene.parts[question.parts[i]].name == right)
    moved = 2 * places[2] - places[near]  # on the other side of the third
    poses = list(one.sample.scene.parts[question.parts[1 - near]].world_from_object)
    poses[state] = standing(*moved, 0.0).tolist()
    scene = with_scene(one, question.parts[1 - near], world_from_object=poses)
    found = labels.labels_recomputed(loaded(only(one, question, scene=scene)))
    assert found.verdict == "fail"
    assert "another option is as good" in found.because or "another order" in found.because


def test_two_options_that_say_the_same_are_found(fair, loaded):
    one, question = with_kind(fair, "changed_object")
    options = [question.options[question.answer_index]] * 2 + [question.options[0]]
    found = labels.labels_recomputed(loaded(only(one, question.model_copy(update={"options": options}))))
    assert "two options that say the same" in found.because


def test_two_objects_that_moved_are_found(fair, loaded):
    one, question = with_kind(
        fair, "changed_object", lambda sample, question: sample.scene.change.kind == "moved"
    )
    other = next(part for part in question.parts if part != one.sample.scene.change.part)
    poses = list(one.sample.scene.parts[other].world_from_object)
    poses[1] = (np.array(poses[1]) + [[0, 0, 0, 0.2], [0] * 4, [0] * 4, [0] * 4]).tolist()
    found = labels.labels_recomputed(
        loaded(only(one, question, scene=with_scene(one, other, world_from_object=poses)))
    )
    assert "2 objects that changed" in found.because


def test_a_chain_about_another_scene_is_found(fair, loaded):
    (one, question), (_, other) = (with_kind(fair[start:], "perspective") for start in (1, 8))
    changed = question.model_copy(
        update={"chain_of_thought": other.chain_of_thought or "So the answer is: it."}
    )
    assert chains.chain_facts(loaded(only(one, changed))).verdict == "fail"


def rigged(fair, kind, rule):
    """All samples with a question of a kind, whose right option is what a rule of thumb says."""
    out = []
    for one in fair:
        for question in (q for q in one.sample.questions if q.type == kind):
            said = rule(audit.samples.Asked(audit.samples.Item(one.key, one.sample, []), question))
            best = max(said, key=said.get)
            if best in question.options:
                changed = question.model_copy(update={"answer_index": question.options.index(best)})
                for copy in range(8):
                    out.append(
                        one._replace(
                            key=f"{one.key}{copy}",
                            sample=one.sample.model_copy(update={"questions": [changed]}),
                        )
                    )
    return out


@pytest.mark.parametrize(
    "rule", [rule for rule in scenes.RULES if rule.kind != "perspective/object"], ids=lambda r: r.what
)
def test_answers_that_a_flat_rule_gives_are_found(rule, fair, loaded):
    found = scenes.scene_rules(loaded(rigged(fair, rule.kind.split("/")[0], rule.scores)))
    assert found.verdict == "fail", found.because
