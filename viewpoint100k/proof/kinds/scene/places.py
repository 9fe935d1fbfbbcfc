"""Left or right, in front or behind, which of two is closer: as the camera sees the objects."""

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.scene_facts import (
    NEAR_HALF,
    RIGHT_HALF,
    SLACK_PERCENT,
    WAY,
    clear,
    is_closer,
    left_or_right,
    near,
    sided,
    the_closer,
)
from viewpoint100k.records import OBJECT_RADIUS

BEFORE = "in front of it"
BEHIND = "behind it"


def _side(case: Case) -> Answer | str:
    first, second = case.parts
    look = case.look()
    amount = look.right(first, second, case.gates)
    if (look.middle(first)[0] > look.middle(second)[0]) != (amount > 0):
        return "is asked although what is seen of both is the other way round"
    return sided(case, amount)


def _depth(case: Case) -> Answer | str:
    first, second = case.parts
    look = case.look()
    depth = (look.before[first, 2] - look.before[second, 2]) / OBJECT_RADIUS
    over_ground = ((look.ground(first) - look.ground(second)) * look.heading.conjugate()).real
    by_distance = look.away(first) - look.away(second)
    if len({value > 0 for value in (depth, over_ground, by_distance)}) != 1:
        return "is asked although depth, distance and the ground say different things"
    return clear(case, BEHIND if depth > 0 else BEFORE, abs(depth) / case.gates.scene_before)


def _closer(case: Case) -> Answer | str:
    first, second = case.parts
    amount = case.look().farther(first, second, case.gates)
    return clear(case, case.names[1 if amount > 0 else 0], abs(amount))


def _across(case: Case, say: Say) -> bool:
    look = case.look()
    reached = {
        slot: look.middle_percent(case.number(say[name]))[0] for slot, name in (("p", "a"), ("q", "b"))
    }
    return all(near(say[slot], value, SLACK_PERCENT) for slot, value in reached.items())


def _foot(case: Case, say: Say) -> bool:
    look = case.look()
    reached = {}
    for slot, name in (("p", "a"), ("q", "b")):
        reached[slot] = look.percent(look.foot(case.number(say[name])))[1]
    return all(near(say[slot], value, SLACK_PERCENT) for slot, value in reached.items())


ACROSS = Fact(
    "across",
    (
        "<a:name> is at about <p:percent> percent of the picture's width from the left, and <b:name> at "
        "about <q:percent>",
        "measured from the left edge, <a:name> is at about <p:percent> percent of the width and <b:name> "
        "at about <q:percent>",
    ),
    _across,
)
FOOT = Fact(
    "foot",
    (
        "<a:name> stands on the floor at about <p:percent> percent of the picture's height from the top, "
        "and <b:name> at about <q:percent>",
        "measured from the top, the base of <a:name> is at about <p:percent> percent of the height and "
        "that of <b:name> at about <q:percent>",
    ),
    _foot,
)
LOWER_IS_CLOSER = frozenset(
    {
        "on a level floor, what stands lower in the picture is closer to the camera",
        "the camera looks down at the floor, so an object that stands lower in the picture is closer",
    }
)


def _side_follows(said: Said) -> str:
    first, second = said.case.names
    return left_or_right(said, second, first)


def _depth_follows(said: Said) -> str:
    first, second = said.case.names
    closer = is_closer(said, second, first)
    if closer is None:
        return ""
    return BEFORE if closer else BEHIND


PROOFS = {
    "side_of/camera": Proof(
        of_scene(_side, 2),
        (ACROSS, WAY),
        RIGHT_HALF,
        _side_follows,
        options={"left": "to the left of it", "right": "to the right of it"},
    ),
    "front_of/camera": Proof(
        of_scene(_depth, 2),
        (FOOT, WAY),
        NEAR_HALF | LOWER_IS_CLOSER,
        _depth_follows,
        options={"front": "in front of it", "behind": "behind it"},
    ),
    "closer/camera": Proof(
        of_scene(_closer, 2),
        (FOOT, WAY),
        NEAR_HALF | LOWER_IS_CLOSER,
        the_closer,
        options={"a": "{a}", "b": "{b}"},
    ),
}
