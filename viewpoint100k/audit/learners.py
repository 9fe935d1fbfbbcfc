"""Probes with small learners that see next to nothing: the question's text, or the object's box in one
picture.

Each is compared with the baseline that always gives the most frequent answer among the options shown. The
motion between two pictures can neither be seen in one of them nor read in the question, so a learner should
gain nothing.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.audit.report import Bounds, Measured, Probe, judge
from viewpoint100k.audit.samples import Asked, Samples
from viewpoint100k.audit.statistics import Array, Share, share
from viewpoint100k.audit.wording import FOLDS, with_options
from viewpoint100k.records import View

ABOVE_MOST_FREQUENT = 0.04
FEWEST = 300  # questions of a kind: a learner needs examples
SURE_FROM = 1000  # questions; from this number on, the value itself is judged and not its interval
MOST = 20_000  # questions of a kind: enough to be sure of one percentage point
MOST_LEARNED = 6000  # training questions of a learner: more would teach it little
TREES = 60
FEWEST_IN_A_LEAF = 8
PLACES = "abcdefg"


class Choices(NamedTuple):
    """Questions of one kind as a choice among all the options that the kind has."""

    offered: Array  # (N, C) bool
    right: Array  # (N,) int
    groups: list[str]  # (N,) the object

    def hits(self, scores: Array) -> Array:
        """(N,) whether the offered option with the highest score is right.

        Args:
            scores: (N, C) or (C,).
        """
        best = np.argmax(np.where(self.offered, scores, -np.inf), axis=1)
        return np.asarray(best == self.right)


def learned_text(samples: Samples) -> Probe:
    """Probes whether the text gives answers away by the lenses and numbers it states, options or wording."""
    what = (
        "score of a small learner on what the question states, no pictures, over the most frequent answer's"
    )
    measured = []
    rng = samples.rng("learned_text")
    for kind, every in _enough(samples, "learned_text"):
        lenses = np.array([lens_features(asked) for asked in every])
        text = np.array([_text_features(asked) for asked in every])
        if _informative(lenses):
            measured.append(_measured(f"{kind}, the stated lenses", every, lenses, rng))
        stated = np.hstack([lenses, text, choices_of(every).offered])
        measured.append(_measured(f"{kind}, the text", every, stated, rng))
    return judge(
        "learned_text", what, measured, too_few=f"needs {FEWEST} questions of a kind, of {FOLDS} objects"
    )


def learned_box(samples: Samples) -> Probe:
    """Probes whether the object's box in one picture, alone or with the stated lenses, gives answers away."""
    what = "score of a small learner on the object's box in one picture, over the most frequent answer's"
    measured = []
    rng = samples.rng("learned_box")
    for kind, every in _enough(samples, "learned_box"):
        lenses = np.array([lens_features(asked) for asked in every])
        count = min(len(asked.question.images) for asked in every)
        for place in range(count) if count > 1 else ():
            box = np.array([box_features(asked.shown[place]) for asked in every])
            measured.append(_measured(f"{kind}, the box in image {place + 1}", every, box, rng))
            if _informative(lenses):
                name = f"{kind}, the box in image {place + 1} and the stated lenses"
                measured.append(_measured(name, every, np.hstack([box, lenses]), rng))
    return judge(
        "learned_box", what, measured, too_few=f"needs {FEWEST} questions of a kind, of {FOLDS} objects"
    )


def lens_features(asked: Asked) -> list[float]:
    """The fields of view that a question states, and their ratio; zeros where it states none."""
    if asked.lenses is None:
        return [0.0, 0.0, 0.0]
    wide = [math.tan(math.radians(angle) / 2) for angle in asked.lenses]
    return [*asked.lenses, math.log(wide[0] / wide[1])]


def box_features(view: View) -> list[float]:
    """Features of the object's box: place, sides, shape, and the shares of picture and box that it fills."""
    left, top, right, bottom = view.object_box
    width = 2 * view.intrinsics[0][2]
    height = 2 * view.intrinsics[1][2]
    across = max((right - left) / width, 1e-6)
    down = max((bottom - top) / height, 1e-6)
    share_of_box = max(view.object_share, 1e-6) / (across * down)
    x = (left + right) / (2 * width) - 0.5
    y = (top + bottom) / (2 * height) - 0.5
    shape = math.log(across / down)
    filled = math.log(max(view.object_share, 1e-6))
    return [x, y, math.hypot(x, y), across, down, shape, filled, share_of_box]


def held_out(choices: Choices, features: Array, rng: np.random.Generator) -> Array:
    """(N, C) The probability of each answer by a learner that never saw the question's object.

    Args:
        features: (N, F).
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import GroupKFold

    out = np.zeros(choices.offered.shape)
    for train, test in GroupKFold(FOLDS).split(features, groups=choices.groups):
        if len(train) > MOST_LEARNED:
            train = rng.choice(train, MOST_LEARNED, replace=False)
        leaf = max(FEWEST_IN_A_LEAF, len(train) // 100)
        model = ExtraTreesClassifier(TREES, min_samples_leaf=leaf, max_features=None, random_state=0)
        model.fit(features[train], choices.right[train])
        out[np.ix_(test, model.classes_)] = model.predict_proba(features[test])
    return out


def _enough(samples: Samples, name: str) -> Iterator[tuple[str, list[Asked]]]:
    """The kinds that have enough questions for a learner, up to a limit."""
    for kind, every in with_options(samples).items():
        every = [asked for asked in every if len(set(asked.question.options)) == len(asked.question.options)]
        chosen = samples.draw({asked.question.id for asked in every}, MOST, name)
        every = [asked for asked in every if asked.question.id in chosen]
        if len(every) >= FEWEST and len({asked.item.group for asked in every}) >= FOLDS:
            yield kind, every


def choices_of(every: Sequence[Asked]) -> Choices:
    """Questions as `Choices`: options are matched by their text, with a scene's objects named by position."""
    options = [[_unnamed(asked, option) for option in asked.question.options] for asked in every]
    known = {text: i for i, text in enumerate(sorted({text for each in options for text in each}))}
    offered = np.zeros((len(every), len(known)), bool)
    for row, each in enumerate(options):
        offered[row, [known[text] for text in each]] = True
    right = np.array(
        [known[each[asked.question.answer_index]] for asked, each in zip(every, options, strict=True)]
    )
    return Choices(offered, right, [asked.item.group for asked in every])


def _unnamed(asked: Asked, option: str) -> str:
    scene = asked.item.sample.scene
    if scene is None:
        return option
    names = [
        (scene.parts[part].name, place) for place, part in zip(PLACES, asked.question.parts, strict=False)
    ]
    for name, place in sorted(names, key=lambda each: -len(each[0])):
        option = option.replace(name, f"{{{place}}}")
    return option


def _text_features(asked: Asked) -> list[float]:
    """Features: the numbers and the direction that a question states, its wording, its form of answer."""
    numbers = [*asked.numbers, 0.0, 0.0][:2]
    first = asked.question.prompt.partition("\n")[0]
    wording = asked.question.template.rpartition("/")[2]
    return [*numbers, float("counter-clockwise" in first), float(wording) if wording.isdigit() else -1.0]


def _informative(features: Array) -> bool:
    """Whether any feature differs between questions."""
    return bool((features != features[:1]).any())


def _measured(name: str, every: Sequence[Asked], features: Array, rng: np.random.Generator) -> Measured:
    choices = choices_of(every)
    often = np.bincount(choices.right, minlength=choices.offered.shape[1]).astype(np.float64)
    usual = float(choices.hits(often).mean())
    if len(np.unique(choices.right)) < 2:
        score = Share(usual, len(every), float(len(every)))
    else:
        score = share(choices.hits(held_out(choices, features, rng)), choices.groups)
    bounds = Bounds(high=usual + ABOVE_MOST_FREQUENT)
    note = f"the most frequent answer scores {usual:.1%}"
    return Measured(name, score, bounds, note, sure_from=SURE_FROM)
