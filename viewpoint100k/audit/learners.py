"""Small learners that get next to nothing: what the text states, or where and how large the object is in one picture.

Each is held against somebody who always says what is most often right among the options shown. What moved
between two pictures cannot be seen in one of them, nor read in the question, so a learner should gain
nothing.
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
SURE_FROM = 1000  # questions, from which on the value itself is judged and not its interval
MOST = 20_000  # questions of a kind: enough to be sure of a point
MOST_LEARNED = 6000  # of them that a learner sees: more would teach it little
TREES, FEWEST_IN_A_LEAF = 60, 8
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
    """Does the text alone tell: the fields of view that it states, other numbers, which options it offers, its wording?"""
    what = "score of a small learner on what the question states, without pictures, over the most frequent answer's"
    measured, rng = [], samples.rng("learned_text")
    for kind, every in _enough(samples, "learned_text"):
        lenses = np.array([lens_features(one) for one in every])
        text = np.array([_text_features(one) for one in every])
        if _informative(lenses):
            measured.append(_measured(f"{kind}, the stated lenses", every, lenses, rng))
        stated = np.hstack([lenses, text, choices_of(every).offered])
        measured.append(_measured(f"{kind}, the text", every, stated, rng))
    return judge(
        "learned_text", what, measured, too_few=f"needs {FEWEST} questions of a kind, of {FOLDS} objects"
    )


def learned_box(samples: Samples) -> Probe:
    """Does the object's box in one of several pictures tell, alone or with the lenses that the text states?"""
    what = "score of a small learner on the object's box in one picture, over the most frequent answer's"
    measured, rng = [], samples.rng("learned_box")
    for kind, every in _enough(samples, "learned_box"):
        lenses = np.array([lens_features(one) for one in every])
        count = min(len(one.question.images) for one in every)
        for place in range(count) if count > 1 else ():
            box = np.array([box_features(one.shown[place]) for one in every])
            measured.append(_measured(f"{kind}, the box in image {place + 1}", every, box, rng))
            if _informative(lenses):
                name = f"{kind}, the box in image {place + 1} and the stated lenses"
                measured.append(_measured(name, every, np.hstack([box, lenses]), rng))
    return judge(
        "learned_box", what, measured, too_few=f"needs {FEWEST} questions of a kind, of {FOLDS} objects"
    )


def lens_features(one: Asked) -> list[float]:
    """The fields of view that a question states, and their ratio; zeros where it states none."""
    if one.lenses is None:
        return [0.0, 0.0, 0.0]
    wide = [math.tan(math.radians(angle) / 2) for angle in one.lenses]
    return [*one.lenses, math.log(wide[0] / wide[1])]


def box_features(view: View) -> list[float]:
    """Where the object's box is, its sides, its shape, and how much of the picture and of the box the object fills."""
    left, top, right, bottom = view.object_box
    width, height = 2 * view.intrinsics[0][2], 2 * view.intrinsics[1][2]
    across, down = max((right - left) / width, 1e-6), max((bottom - top) / height, 1e-6)
    share_of_box = max(view.object_share, 1e-6) / (across * down)
    x, y = (left + right) / (2 * width) - 0.5, (top + bottom) / (2 * height) - 0.5
    return [x, y, math.hypot(x, y), across, down, math.log(across / down), math.log(max(view.object_share, 1e-6)), share_of_box]  # fmt: skip


def held_out(choices: Choices, features: Array, rng: np.random.Generator) -> Array:
    """(N, C) how likely each answer is said to be by a learner that never saw the question's object.

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
    """The kinds that have enough questions for a learner, and at most so many of them."""
    for kind, every in with_options(samples).items():
        every = [one for one in every if len(set(one.question.options)) == len(one.question.options)]
        chosen = samples.draw({one.question.id for one in every}, MOST, name)
        every = [one for one in every if one.question.id in chosen]
        if len(every) >= FEWEST and len({one.item.group for one in every}) >= FOLDS:
            yield kind, every


def choices_of(every: Sequence[Asked]) -> Choices:
    """Options by what they say, objects of scenes by their place in the question."""
    options = [[_unnamed(one, option) for option in one.question.options] for one in every]
    known = {text: i for i, text in enumerate(sorted({text for each in options for text in each}))}
    offered = np.zeros((len(every), len(known)), bool)
    for row, each in enumerate(options):
        offered[row, [known[text] for text in each]] = True
    right = np.array(
        [known[each[one.question.answer_index]] for one, each in zip(every, options, strict=True)]
    )
    return Choices(offered, right, [one.item.group for one in every])


def _unnamed(one: Asked, option: str) -> str:
    scene = one.item.sample.scene
    if scene is None:
        return option
    names = [(scene.parts[part].name, place) for place, part in zip(PLACES, one.question.parts, strict=False)]
    for name, place in sorted(names, key=lambda each: -len(each[0])):
        option = option.replace(name, f"{{{place}}}")
    return option


def _text_features(one: Asked) -> list[float]:
    """The numbers that a question states, which way it says to go, its wording, and how it is to be answered."""
    numbers = [*one.numbers, 0.0, 0.0][:2]
    first = one.question.prompt.partition("\n")[0]
    wording = one.question.template.rpartition("/")[2]
    return [*numbers, float("counter-clockwise" in first), float(wording) if wording.isdigit() else -1.0]


def _informative(features: Array) -> bool:
    """Whether anything differs from question to question."""
    return bool((features != features[:1]).any())


def _measured(name: str, every: Sequence[Asked], features: Array, rng: np.random.Generator) -> Measured:
    choices = choices_of(every)
    often = np.bincount(choices.right, minlength=choices.offered.shape[1]).astype(np.float64)
    usual = float(choices.hits(often).mean())
    if len(np.unique(choices.right)) < 2:
        found = Share(usual, len(every), float(len(every)))
    else:
        found = share(choices.hits(held_out(choices, features, rng)), choices.groups)
    bounds, note = Bounds(high=usual + ABOVE_MOST_FREQUENT), f"the most frequent answer scores {usual:.1%}"
    return Measured(name, found, bounds, note, sure_from=SURE_FROM)
