"""What would the camera see from elsewhere around the scene?"""

import math

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Proof, Said
from viewpoint100k.proof.scene import Look
from viewpoint100k.proof.scene_facts import (
    APART,
    MOVES,
    NEAR_HALF,
    RIGHT_HALF,
    THEN,
    WAY,
    clear,
    left_or_right,
    move_in,
    sided,
    the_closer,
    the_nearest,
)

NOWHERE = "does not say where the camera goes"
GOES_AROUND = frozenset(
    {
        "going around to the right turns the camera counter-clockwise, and going around to the left turns "
        "it clockwise",
        "a camera that goes around a scene turns the opposite way, and directions are measured from its "
        "new line of sight",
    }
)


def _after(case: Case) -> Look | None:
    turned_deg = move_in(case.wording)
    return None if turned_deg is None else case.look(turned_deg=turned_deg)


def _side(case: Case) -> Answer | str:
    look = _after(case)
    first, second = case.parts
    return NOWHERE if look is None else sided(case, look.imagined_right(first, second, case.gates))


def _closer(case: Case) -> Answer | str:
    look = _after(case)
    if look is None:
        return NOWHERE
    first, second = case.parts
    amount = look.farther(first, second, case.gates)
    return clear(case, case.names[1 if amount > 0 else 0], abs(amount))


def _hops(case: Case) -> Answer | str:
    """The object that is nearest to the first one, and where it would be beside the second one."""
    look = _after(case)
    if look is None:
        return NOWHERE
    now = case.look()
    start, beside = case.parts
    ranked = sorted((abs(now.ground(i) - now.ground(start)), i) for i in now.present if i != start)
    if len(ranked) < 2 or ranked[0][1] == beside or not now.seen[ranked[0][1]].referable:
        return "has no other object that is seen to be the nearest"
    amount = look.imagined_right(ranked[0][1], beside, case.gates)
    ratio = math.log(ranked[1][0] / ranked[0][0]) / math.log(case.gates.scene_nearer)
    return sided(case, math.copysign(min(abs(amount), ratio), amount))


def _side_follows(said: Said) -> str:
    first, second = said.case.names
    return left_or_right(said, second, first)


def _hops_follow(said: Said) -> str:
    start, beside = said.case.names
    nearest = the_nearest(said, start)
    return left_or_right(said, beside, nearest) if nearest and nearest != beside else ""


PROOFS = {
    "side_after/camera": Proof(
        of_scene(_side, 2),
        (WAY, THEN),
        RIGHT_HALF | GOES_AROUND,
        _side_follows,
        options={"left": "to the left of it", "right": "to the right of it"},
        phrases=MOVES,
    ),
    "closer_after/camera": Proof(
        of_scene(_closer, 2),
        (WAY, THEN),
        NEAR_HALF | GOES_AROUND,
        the_closer,
        options={"a": "{a}", "b": "{b}"},
        phrases=MOVES,
    ),
    "hops/camera": Proof(
        of_scene(_hops, 2),
        (APART, WAY, THEN),
        RIGHT_HALF | GOES_AROUND,
        _hops_follow,
        options={"left": "to the left of it", "right": "to the right of it"},
        phrases=MOVES,
    ),
}
