"""A dataset in another language is read by the words that it publishes, and judged like any other."""

import re

import numpy as np
import pytest
import yaml
from support import audit_sets as sets
from support.scene_samples import synthetic

from viewpoint100k.config import GateConfig, QuestionConfig
from viewpoint100k.proof import contradicted, problems_of_chain
from viewpoint100k.proof.kinds import PROOFS
from viewpoint100k.proof.language import understood
from viewpoint100k.questions import KINDS, ask_all, load_templates
from viewpoint100k.questions.ask import Writer
from viewpoint100k.questions.wording import shipped_text

GATES = GateConfig()
VOWELS = str.maketrans("aeiou", "uoiea")


def made_up(text):
    """The text in a language that nobody speaks; placeholders stay."""
    pieces = re.split(r"(\{\w+\})", text)
    return "".join(piece if piece.startswith("{") else piece.translate(VOWELS)[::-1] for piece in pieces)


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    tree = yaml.safe_load(shipped_text())
    for kind in (kind.name for kind in KINDS):
        for section, texts in tree[kind].items():
            if isinstance(texts, dict):
                tree[kind][section] = {key: made_up(text) for key, text in texts.items()}
    path = tmp_path_factory.mktemp("words") / "made_up.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True))
    return load_templates(str(path))


@pytest.fixture(scope="module")
def asked(templates):
    """Samples of objects, sets and scenes with their questions in the made-up language."""
    stored = [sets.changed(one, questions=[]) for one in sets.make_figures(objects=3, pairs=4)]
    scenes = [
        synthetic(seed, 5, event, size_px=256) for seed, event in enumerate((None, "moved", None, "turned"))
    ]
    out = []
    for samples in ([one.sample for one in stored], [one.sample for one in scenes]):
        keys = [f"train-00000-{number:05d}" for number in range(len(samples))]
        writer = Writer(QuestionConfig(), templates, 0)
        questions = ask_all(keys, samples, GATES, writer, np.random.default_rng(1))
        out += [
            sample.model_copy(update={"questions": mine})
            for sample, mine in zip(samples, questions, strict=True)
        ]
    return out


def test_nothing_that_is_asked_in_another_language_is_contradicted(asked, templates):
    kinds = {f"{question.type}/{question.frame}" for sample in asked for question in sample.questions}
    assert len(kinds) >= 35
    assert [contradicted(sample, GATES, templates.vocabulary) for sample in asked] == [{}] * len(asked)


def test_without_its_words_nearly_everything_is(asked):
    questions = [question for sample in asked for question in sample.questions if question.options]
    refused = {name for sample in asked for name in contradicted(sample, GATES)}
    assert np.mean([question.id in refused for question in questions]) > 0.7  # names of objects are the same


def test_another_option_is_found_in_any_language(asked, templates):
    for sample in asked:
        questions = [question for question in sample.questions if question.options]
        wrong = [
            question.model_copy(update={"answer_index": (question.answer_index + 1) % len(question.options)})
            for question in questions
        ]
        refused = contradicted(sample.model_copy(update={"questions": wrong}), GATES, templates.vocabulary)
        assert {question.id for question in wrong} == set(refused)


def test_chains_end_in_the_words_of_the_dataset(asked, templates):
    chains = [(sample, q) for sample in asked for q in sample.questions if q.chain_of_thought]
    assert len(chains) > 50
    for sample, question in chains:
        right = question.options[question.answer_index] if question.options else ""
        assert question.chain_of_thought.removesuffix(".").endswith(right)
        assert problems_of_chain(sample, question, templates.vocabulary) == []


def test_only_text_is_read_and_not_what_it_was_made_from(asked, templates):
    """A question whose fields say otherwise than its text is answered by its text, as its reader answers it."""
    for sample in asked:
        for question in sample.questions:
            blind = question.model_copy(
                update={"option_keys": [], "relation": None, "move": None, "change": None}
            )
            read = understood(sample, blind, templates.vocabulary)
            assert read.options == understood(sample, question, templates.vocabulary).options
            assert read.prompt == understood(sample, question, templates.vocabulary).prompt


def test_the_proofs_have_english_for_every_option_and_phrase(templates):
    words = templates.vocabulary
    assert {kind: set(texts) for kind, texts in words.options.items() if texts} == {
        kind: set(proof.options) for kind, proof in PROOFS.items() if proof.options
    }
    for kind, phrases in words.phrases.items():
        assert set(phrases) <= set(PROOFS[kind].phrases)
