"""Reads a question by the published words of its dataset, into the English that proofs speak."""

import re
from collections.abc import Mapping

from viewpoint100k.proof.kinds import PROOFS
from viewpoint100k.records import Question, Sample, Vocabulary

PLACES = "abcdefg"  # in braces, the objects that a question speaks of
DEGREES = "{degrees}"
CONCLUSION = "So the answer is: "


def understood(sample: Sample, question: Question, words: Vocabulary | None) -> Question:
    """A question as proofs read it: its options, its phrases and the conclusion of its chain in our English.

    Only text is read, never the fields that say what was meant. Text that is not of the dataset's words stays
    as it is.

    Args:
        words: of the dataset; None: of an early version, which had no others than English.
    """
    kind = f"{question.type}/{question.frame}"
    if words is None or kind not in PROOFS:
        return question
    options = words.options.get(kind, {})
    phrases = words.phrases.get(kind, {})
    ours = PROOFS[kind].options
    if options.items() <= ours.items() and phrases.items() <= PROOFS[kind].phrases.items():
        return question
    texts = {
        _named(text, sample, question): _named(ours[key], sample, question)
        for key, text in options.items()
        if key in ours
    }
    wording, _, rest = question.prompt.partition("\n")
    return question.model_copy(
        update={
            "options": [texts.get(option, option) for option in question.options],
            "prompt": f"{_in_english(wording, kind, words)}\n{rest}",
            "chain_of_thought": _concluded(question.chain_of_thought, texts),
        }
    )


def _named(text: str, sample: Sample, question: Question) -> str:
    """An option with the names of the objects that it speaks of."""
    for place, part in zip(PLACES, question.parts if sample.scene else (), strict=False):
        text = text.replace(f"{{{place}}}", sample.scene.parts[part].name if sample.scene else "")
    return text


def _in_english(wording: str, kind: str, words: Vocabulary) -> str:
    """A wording with its only phrase in English; as it is where it has several, or none."""
    said = []
    for key, phrase in words.phrases.get(kind, {}).items():
        for variant in {phrase, _of_group(phrase, words.group)}:
            pattern = re.escape(variant).replace(re.escape(DEGREES), r"(?P<degrees>\d+)")
            said += [(key, match) for match in re.finditer(pattern, wording)]
    ours = PROOFS[kind].phrases
    if len(said) != 1 or said[0][0] not in ours:
        return wording
    key, match = said[0]
    english = ours[key].replace(DEGREES, match.groupdict().get("degrees") or "")
    return wording[: match.start()] + english + wording[match.end() :]


def _of_group(phrase: str, group: Mapping[str, str]) -> str:
    """A phrase about one object, said of several that stand together."""
    for alone, together in group.items():
        phrase = phrase.replace(alone, together)
    return phrase


def _concluded(chain: str | None, texts: Mapping[str, str]) -> str | None:
    """A chain of thought with its last words in English."""
    if chain is None or CONCLUSION not in chain:
        return chain
    facts, _, conclusion = chain.rpartition(CONCLUSION)
    option = conclusion.removesuffix(".")
    return f"{facts}{CONCLUSION}{texts.get(option, option)}{conclusion[len(option) :]}"
