"""Which questions of a shard are asked, so that no flat shortcut and no favourite answer gives them away."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from viewpoint100k.questions.kinds import Cue, Kind
from viewpoint100k.records import View

if TYPE_CHECKING:
    from viewpoint100k.questions.ask import Asked

FIRES = {"shift_x": 0.02, "shift_y": 0.02, "size": 0.08}  # of the picture's side, and log of the ratio of areas
TRUE_NONE = 0.2  # of the questions that offer "none"


def cue_value(cue: Cue, views: Sequence[View]) -> float:
    """What a flat look at two pictures sees: the object's shift right or down in picture sides, or its log growth.

    0 where that is too little to be seen.
    """
    (left, top, right, bottom), (left_2, top_2, right_2, bottom_2) = (view.object_box for view in views[:2])
    side = 2 * views[0].intrinsics[0][2]
    value = {
        "shift_x": (left_2 + right_2 - left - right) / (2 * side),
        "shift_y": (top_2 + bottom_2 - top - bottom) / (2 * side),
        "size": float(np.log(max(views[1].object_share, 1e-6) / max(views[0].object_share, 1e-6))),
        "": 0.0,
    }[cue]
    return value if abs(value) > FIRES.get(cue, 0.0) else 0.0


def balanced(
    candidates: Sequence[Sequence["Asked"]], views: Sequence[Sequence[View]], rng: np.random.Generator
) -> list[list["Asked"]]:
    """Thin the questions of a shard, kind by kind.

    A kind with a cue is asked as often where the cue is right as where it is wrong, for either answer; "none" is right
    in a fifth of the questions; of many options, none is right much more often than another. A sample that would be
    left without a question keeps one.
    """
    keep: list[set[int]] = [set() for _ in candidates]
    by_kind: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for sample, asked in enumerate(candidates):
        for place, one in enumerate(asked):
            by_kind[one.kind.name].append((sample, place))
    for items in by_kind.values():
        kind = candidates[items[0][0]][items[0][1]].kind
        options = [candidates[sample][place].fact.option for sample, place in items]
        cues = [cue_value(kind.cue, views[sample]) for sample, _ in items]
        for number in _thinned(kind, options, cues, rng):
            sample, place = items[number]
            keep[sample].add(place)
    for sample, asked in enumerate(candidates):
        if not keep[sample] and asked:
            keep[sample].add(_last_resort(asked, rng))
    return [[one for i, one in enumerate(asked) if i in keep[sample]] for sample, asked in enumerate(candidates)]


def _last_resort(asked: Sequence["Asked"], rng: np.random.Generator) -> int:
    """The place of the question that does the least harm to the balance: a number, one of many options, or any "none"."""
    fair = [i for i, one in enumerate(asked) if not one.kind.cue and one.kind.direction(one.fact.option) is not None]
    numbers = [i for i in fair if not asked[i].kind.options]
    many = [i for i in fair if asked[i].kind.shown]
    nones = [i for i, one in enumerate(asked) if one.kind.direction(one.fact.option) is None]
    return int(rng.choice(numbers or many or nones or fair or range(len(asked))))


def _thinned(kind: Kind, options: Sequence[int], cues: Sequence[float], rng: np.random.Generator) -> list[int]:
    """Places of the questions of one kind that are kept."""
    order = [int(i) for i in rng.permutation(len(options))]
    if not kind.options:
        return order
    if len(kind.options) > 3:
        limit = 1 + int(np.median([options.count(option) for option in range(len(kind.options))]))
        order = [i for n, i in enumerate(order) if sum(options[j] == options[i] for j in order[:n]) < limit]
    strata: dict[tuple[int, int], list[int]] = defaultdict(
        list
    )  # (direction, 1: the cue is right, -1: wrong, 0: silent)
    nones = []
    for i in order:
        direction = kind.direction(options[i])
        if direction is None:
            nones.append(i)
        else:
            says = kind.says if cues[i] > 0 else 1 - kind.says
            strata[direction, 0 if cues[i] == 0 else 1 if says == direction else -1].append(i)
    kept = []
    for direction in (0, 1):
        many = min(len(strata[direction, 1]), len(strata[direction, -1]))
        kept += strata[direction, 0] + strata[direction, 1][:many] + strata[direction, -1][:many]
    most = len(kept) * TRUE_NONE / (1 - TRUE_NONE)
    return kept + nones[: int(most + rng.random())]
