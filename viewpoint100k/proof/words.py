"""The words by which a question says motions, moves, relations and changes, as a reader finds them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

TENS = re.compile(
    r"about (?P<around>\d+) degrees (?P<sense>counter-clockwise|clockwise) \(seen from above\)"
    r"|about (?P<rise>\d+) degrees more steeply"
)
AROUND = re.compile(
    r"goes (?:a (quarter) of a circle around the scene to its (left|right)|half a circle around the scene)"
)
STAYS = "stays where it is"
RELATIONS: Mapping[str, str] = {
    "further to the left in the picture than": "left",
    "further to the right in the picture than": "right",
    "closer to the camera than": "closer",
    "farther from the camera than": "farther",
}
CHANGES: Mapping[str, str] = {
    "stands in another place in image 2": "moved",
    "has been turned on the spot in image 2": "turned",
    "is there in image 2 only": "appeared",
    "is there in image 1 only": "vanished",
}


class Motion(NamedTuple):
    """A motion about the object, in whole tens of degrees."""

    around_deg: int  # counter-clockwise from above
    rise_deg: int


def motion_in(wording: str) -> Motion | None:
    """The only motion about the object that a question says; None if it says none, or several."""
    found = list(TENS.finditer(wording))
    if len(found) != 1:
        return None
    if found[0]["rise"]:
        return Motion(0, int(found[0]["rise"]))
    sign = 1 if found[0]["sense"] == "counter-clockwise" else -1
    return Motion(sign * int(found[0]["around"]), 0)


def move_in(wording: str) -> int | None:
    """How far counter-clockwise the camera goes around the scene, degrees; None if that is not said."""
    moves = AROUND.findall(wording)
    if len(moves) != 1:
        return 0 if not moves and STAYS in wording else None
    quarter, side = moves[0]
    if not quarter:
        return 180
    return 90 if side == "right" else -90


def relation_in(wording: str) -> str:
    """The only relation that a question says: "left", "right", "closer" or "farther"; empty if not one."""
    return _only(wording, RELATIONS)


def change_in(wording: str) -> str:
    """The only change that a question says: "moved", "turned", "appeared" or "vanished"; empty if not one."""
    return _only(wording, CHANGES)


def _only(wording: str, phrases: Mapping[str, str]) -> str:
    found = [meaning for phrase, meaning in phrases.items() if phrase in wording]
    return found[0] if len(found) == 1 else ""
