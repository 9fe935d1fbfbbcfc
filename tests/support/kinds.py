"""Kinds of questions by name, their options in English, and chains of thought for cases made by hand."""

from types import SimpleNamespace

import yaml

from support.published import chain_problems, scene_chain_problems
from viewpoint100k.questions import KINDS, load_templates
from viewpoint100k.questions.facts.chain import write_chain
from viewpoint100k.questions.facts.pair import Case, Pair
from viewpoint100k.questions.kind import Figure
from viewpoint100k.questions.wording import option_texts, phrase_of, shipped_text


def words_tree():
    """Our file of words, as it may be changed and written."""
    return yaml.safe_load(shipped_text())


def with_wordings(wordings):
    """Our file of words with other wordings for each kind: "train" and "test" -> wordings."""
    tree = words_tree()
    return {name: {**section, **wordings.get(name, {})} for name, section in tree.items()}


BY_NAME = {kind.name: kind for kind in KINDS}
PLAIN = Figure()
WORDS = load_templates().vocabulary


def options_of(kind):
    """The options in English, with placeholders where objects are named."""
    return [WORDS.options[kind.name][key] for key in kind.options] if kind.options else []


def texts_of(kind, figure, scene):
    """The options in English, with the names of objects."""
    return option_texts(kind, figure, scene, WORDS)


def chain_for(name, views, truth, answer, rng, known=None, figure=PLAIN):
    """A chain of thought for a kind of question that ends in this answer, or None.

    Args:
        answer: the words of an option, or a number as text.
    """
    kind = BY_NAME[name]
    known = known or SimpleNamespace(scene=None, seen=None, views=views, truth=truth)
    texts = dict(zip(texts_of(kind, figure, known.scene), kind.options, strict=True))
    if kind.chain is None or (texts and answer not in texts):
        return None
    case = Case(known, figure, views, Pair(views, truth))
    return write_chain(kind.chain, case, texts.get(answer, answer), answer, rng)


def problems_with(text, name, views, options, answer, front=None, seen=None, figure=PLAIN, words=None):
    """What the proof has against a chain of thought about an object.

    Args:
        words: the prompt; None: what the figure asks with, in English.
    """
    asked_with = phrase_of(BY_NAME[name], figure, WORDS) if words is None else words
    return chain_problems(text, name, views, list(options), answer, front, seen, figure, asked_with)


def problems_of_scene_chain(text, name, sample, figure, options, answer):
    """The same of a scene."""
    asked_with = phrase_of(BY_NAME[name], figure, WORDS)
    return scene_chain_problems(text, name, sample, figure, list(options), answer, asked_with)
