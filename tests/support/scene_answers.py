"""Answers to questions about scenes that are placed by hand."""

from support.kinds import options_of
from support.scene_samples import between, placed
from viewpoint100k.config import GateConfig
from viewpoint100k.questions import KINDS
from viewpoint100k.questions.ask import answered
from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import Move

GATES = GateConfig()
OF_SCENES = {kind.name: kind for kind in KINDS if kind.tier == "C"}
RIGHT = "to the right of it"
LEFT = "to the left of it"
QUARTER_RIGHT = Move(around_deg=90)
QUARTER_LEFT = Move(around_deg=-90)
HALF = Move(around_deg=180)


def answer(name, sample, *parts, images=(0,), **asked_with):
    """The right option in words, None where it is not asked.

    Args:
        parts: the objects that the question is about.
        asked_with: its relation, move or change.
    """
    kind = OF_SCENES[name]
    found = answered(sample, kind, Figure(images=images, parts=parts, **asked_with), GATES)
    return None if found is None else options_of(kind)[found.fact.option]


def hiding(sample, share, hidden_by):
    """A scene of which so large a share of the second object can be seen.

    Args:
        hidden_by: the numbers of the objects before it.
    """
    first, second = sample.scene.views[0].parts
    second = second.model_copy(update={"visible_fraction": share, "hidden_by": hidden_by})
    shot = sample.scene.views[0].model_copy(update={"parts": [first, second]})
    return sample.model_copy(update={"scene": sample.scene.model_copy(update={"views": [shot]})})


def seen_by(first, second):
    """Two pictures of a scene, in which these shares of its first object can be seen."""
    sample = between(placed((-0.3, 0.0), (0.3, 0.0)), (0.3, 0.0), {})
    views = []
    for shot, share in zip(sample.scene.views, (first, second), strict=True):
        parts = [shot.parts[0].model_copy(update={"visible_fraction": share}), *shot.parts[1:]]
        views.append(shot.model_copy(update={"parts": parts}))
    return sample.model_copy(update={"scene": sample.scene.model_copy(update={"views": views})})
