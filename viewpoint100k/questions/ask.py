"""Puts facts into words and letters: which wording, which option under which letter."""

from collections import Counter
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
import yaml

from viewpoint100k.annotate import Annotation
from viewpoint100k.config import GateConfig
from viewpoint100k.errors import InputError
from viewpoint100k.questions.tier_a import KINDS, Fact, Kind
from viewpoint100k.records import Question
from viewpoint100k.scoring import LETTERS

Templates = Mapping[str, list[str]]  # "type/frame" -> wordings
ENDING = "Answer with the letter of the right option."


def load_templates(path: str | None = None) -> Templates:
    """Wordings per kind, from our file or from the user's.

    Raises:
        InputError: the file cannot be read, or lacks wordings for a kind; names the kind.
    """
    origin = path or "the built-in templates.yaml"
    try:
        text = Path(path).read_text("utf-8") if path else _shipped()
        tree = yaml.safe_load(text)
    except OSError as error:
        raise InputError(f"questions.templates = {path}: {error.strerror}; expected a YAML file of wordings") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{origin} is not YAML: {' '.join(str(error).split())}") from error
    names = [name(kind) for kind in KINDS]
    for wanted in names:
        wordings = tree.get(wanted) if isinstance(tree, dict) else None
        if (
            not isinstance(wordings, list)
            or not wordings
            or not all(isinstance(w, str) and w.strip() for w in wordings)
        ):
            raise InputError(f"{origin}: expected a list of wordings under {wanted!r}; kinds are {', '.join(names)}")
    if unknown := set(tree) - set(names):
        raise InputError(f"{origin}: unknown kind {sorted(unknown)[0]!r}; kinds are {', '.join(names)}")
    return dict(tree)


def name(kind: Kind) -> str:
    return f"{kind.type}/{kind.frame}"


def carries_question(*annotations: Annotation, gates: GateConfig) -> bool:
    """Whether each of these can be asked about at all."""
    return all(any(_fact(kind, one, gates) is not None for kind in KINDS) for one in annotations)


def _fact(kind: Kind, annotation: Annotation, gates: GateConfig) -> Fact | None:
    """The right option, if the pair carries this kind of question and its wrong answers would look different."""
    if annotation.decidability[kind.decided_by] < gates.min_decidability:
        return None
    return kind.fact(annotation.truth, gates)


def ask_all(
    annotation: Annotation,
    key: str,
    gates: GateConfig,
    templates: Templates,
    rng: np.random.Generator,
    used: "Counter[tuple[str, int]]",
    start: int,
) -> list[Question]:
    """All questions that a pair carries.

    Args:
        used: how often each option of each kind was right so far in this shard. Updated here: the letter of the
            right option goes round, so that no letter is right more often than another.
        start: where the round starts; the shard's number, so that the remainders of many small shards even out.
    """
    out = []
    for kind in KINDS:
        fact = _fact(kind, annotation, gates)
        if fact is None:
            continue
        wording = int(rng.integers(len(templates[name(kind)])))
        count = len(kind.options)
        place = (start + fact.option + used[name(kind), fact.option]) % count
        used[name(kind), fact.option] += 1
        others = [i for i in range(count) if i != fact.option]
        order = [others[i] for i in rng.permutation(len(others))]
        order.insert(place, fact.option)
        options = [kind.options[i] for i in order]
        out.append(
            Question(
                id=f"{key}-{kind.type}-{kind.frame}",
                type=kind.type,
                tier=kind.tier,
                frame=kind.frame,
                prompt=prompt(templates[name(kind)][wording], options),
                options=options,
                answer_index=place,
                answer=LETTERS[place],
                template=f"{name(kind)}/{wording}",
                margin=round(fact.margin, 6),
                decidability=round(annotation.decidability[kind.decided_by], 6),
            )
        )
    return out


def prompt(wording: str, options: list[str]) -> str:
    """The question, its lettered options, and how to answer."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([" ".join(wording.split()), *lines, ENDING])


def _shipped() -> str:
    return (resources.files("viewpoint100k.questions") / "templates.yaml").read_text("utf-8")
