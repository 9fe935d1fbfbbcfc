"""How many objects of a scene are further to one side than another one, or closer, or farther away."""

from collections.abc import Mapping, Sequence

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases
from viewpoint100k.questions.facts.scene import PictureKind, Shot, closer, shot_of, solved
from viewpoint100k.questions.facts.scene_sentences import Told, chain_of_scene, enumerated, stated
from viewpoint100k.questions.kind import Figure, Known, Parameter, Solved
from viewpoint100k.records import Relation

MOST_MARGIN = 9.0
OPTIONS = ("zero", "one", "two", "three", "four")  # in words: a digit could be an option's number
RELATIONS: tuple[Relation, ...] = ("left", "right", "closer", "farther")
SIDEWAYS: tuple[Relation, ...] = ("left", "right")


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C4. How many of the other objects are further to the left than one, further to the right, closer, or
    farther.
    """
    shot = shot_of(known, figure, 1, of_all=True)
    relation = figure.relation
    if shot is None or relation is None:
        return None
    countable = [i for i in shot.present if shot.seen[i].referable]
    if any(shot.seen[i].visible_fraction > gates.max_uncounted for i in shot.present if i not in countable):
        return None  # nobody knows whether it counts
    number = 0
    margins = [MOST_MARGIN]
    for other in (i for i in countable if i != figure.parts[0]):
        answer = _is_so(shot, other, figure.parts[0], relation, gates)
        if answer is None:
            return None
        number += answer[0]
        margins.append(answer[1])
    return solved(shot, figure, number, min(margins)) if number < len(OPTIONS) and len(margins) > 2 else None


def _is_so(
    shot: Shot, other: int, part: int, relation: Relation, gates: GateConfig
) -> tuple[bool, float] | None:
    """Whether another object has this relation to one, and how clear that is."""
    if relation in SIDEWAYS:
        side = shot.further_right(other, part, gates)
        return side and (side[0] == (relation == "right"), side[1])
    farther, margin = closer(shot, other, part, gates)
    return bool(farther) == (relation == "farther"), margin


def _facts(told: Told) -> Facts:
    """On which side of one object each of the others is."""
    shot = told.shots[0]
    (a,) = told.figure.parts
    sideways = told.figure.relation in SIDEWAYS
    words: list[str | int] = [told.name(a)]
    for other in (i for i in shot.referable if i != a):
        axis = 0 if sideways else 2
        more = bool(shot.own[other, axis] > shot.own[a, axis])
        words += [told.name(other), RELATIONS[more] if sideways else RELATIONS[2 + more]]
    return stated("each", *words)


def _answers(told: Told, facts: Facts) -> set[str]:
    number = facts["each"].args[2::2].count(told.figure.relation) if "each" in facts else len(OPTIONS)
    return {OPTIONS[number]} if number < len(OPTIONS) else set()


SAID = {
    "left": "further to the left",
    "right": "further to the right",
    "closer": "closer to the camera",
    "farther": "farther from the camera",
}


def _items(args: Sequence[str | int]) -> Mapping[str, str]:
    pairs = zip(args[1::2], args[2::2], strict=True)
    return {"list": enumerated([f"{name} is {SAID[str(relation)]}" for name, relation in pairs])}


KIND = PictureKind(
    name="count/camera",
    rank=32,
    options=OPTIONS,
    solve=solve,
    parts=1,
    parameter=Parameter("relation", RELATIONS),
    of_all=True,
    chain=chain_of_scene(
        _facts,
        _answers,
        (("each!",),),
        {"each": Phrases(("Compared with {0}, {list}", "Relative to {0}, {list}"), fill=_items)},
    ),
)
KINDS = (KIND,)
