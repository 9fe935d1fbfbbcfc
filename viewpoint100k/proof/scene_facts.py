"""What chains of more than one kind say of a scene: the sentences, and when they are true.

Directions are degrees clockwise, seen from above, from where the camera looks; distances over the floor are
tenths of the scene's radius.
"""

import re

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.reading import Fact, Said, Say, items_of
from viewpoint100k.proof.scene import clockwise_deg

SLACK_DEG = 6.0  # "about 20 degrees" is true from 14 to 26
SLACK_PERCENT = 6.0
SLACK_TENTHS = 0.6
SLACK_TIMES = 0.06
NEAR_LINE_DEG = 12  # from the line between two halves: nothing follows
RADIUS = "tenths of the scene's radius"
LEFT = "to the left of it"
RIGHT = "to the right of it"
MOVES = {
    "stays": "stays where it is",
    "right": "goes a quarter of a circle around the scene to its right",
    "left": "goes a quarter of a circle around the scene to its left",
    "half": "goes half a circle around the scene",
}
AROUND = re.compile(
    r"goes (?:a (quarter) of a circle around the scene to its (left|right)|half a circle around the scene)"
)


def move_in(wording: str) -> int | None:
    """How far counter-clockwise the camera goes around the scene, degrees; None if that is not said."""
    moves = AROUND.findall(wording)
    if len(moves) != 1:
        return 0 if not moves and MOVES["stays"] in wording else None
    quarter, side = moves[0]
    if not quarter:
        return 180
    return 90 if side == "right" else -90


def clear(case: Case, words: str, margin: float) -> Answer | str:
    """An answer about one picture, decided by how much of the objects is seen; or that it is not clear."""
    if margin < 1:
        return (
            f"is asked although it is not clear: another option is as good as {words!r} (margin {margin:.3f})"
        )
    seen = case.look().seen
    return Answer(
        Label(words, margin), min((seen[part].visible_fraction for part in case.parts), default=1.0)
    )


def sided(case: Case, amount: float) -> Answer | str:
    """Left or right, by an amount to the right in grey bands."""
    return clear(case, RIGHT if amount > 0 else LEFT, abs(amount))


# --- when a sentence is true -------------------------------------------------------------------------


def near(said: str, value: float, slack: float) -> bool:
    return abs(int(said) - value) <= slack


def same_direction(said: str, value_deg: float) -> bool:
    return abs((int(said) - value_deg + 180) % 360 - 180) <= SLACK_DEG


def times(say: Say) -> float:
    """How many times as much as the second object the first one has; once where nothing is said."""
    return float(say.get("times", "1.0"))


def direction(case: Case, say: Say, turned_deg: float = 0.0) -> bool:
    """From one object to another, for a camera that goes so far counter-clockwise around the scene."""
    look = case.look(turned_deg=turned_deg)
    first = case.number(say["a"])
    second = case.number(say["b"])
    if not {first, second} <= {*look.present}:
        return False
    return same_direction(say["deg"], look.clock_deg(look.ground(second) - look.ground(first)))


def _after_the_move(case: Case, say: Say) -> bool:
    turned_deg = move_in(case.wording)
    return bool(turned_deg) and direction(case, say, turned_deg or 0.0)


def _far(case: Case, say: Say) -> bool:
    look = case.look()
    depths = [look.before[_there(case, say[slot]), 2] for slot in ("a", "b")]
    return bool(abs(times(say) - depths[0] / depths[1]) <= SLACK_TIMES)


def _there(case: Case, name: str) -> int:
    """An object that is there in the first picture that a question shows.

    Raises:
        KeyError: it is not.
    """
    number = case.number(name)
    if number not in case.look().present:
        raise KeyError(name)
    return number


def _apart(case: Case, say: Say) -> bool:
    """To all others: the nearest of some would prove nothing; for a question about two, to these two."""
    look = case.look()
    lengths = lengths_of(say)
    said = {name for name, _ in lengths}
    others = {case.scene.parts[part].name for part in look.present} - {say["a"]}
    asked = {*case.names} - {say["a"]}
    if said != others and not (len(case.parts) == 3 and said == asked):
        return False
    here = _there(case, say["a"])
    return all(near(length, look.apart(here, _there(case, name)), SLACK_TENTHS) for name, length in lengths)


def lengths_of(say: Say) -> list[tuple[str, str]]:
    """(name, tenths) of a list of distances."""
    items = (item.removeprefix("about ").partition(" to ") for item in items_of(say["list"]))
    return [(name, length) for length, _, name in items]


WAY = Fact(
    "way",
    (
        "seen from above and measured clockwise from the camera's line of sight, the direction from "
        "<a:name> to <b:name> is about <deg:tens> degrees",
        "counted clockwise from above, with the camera's direction as 0 degrees, the direction from "
        "<a:name> to <b:name> is about <deg:tens> degrees",
    ),
    direction,
)
THEN = Fact(
    "then",
    (
        "for the camera after its move, the direction from <a:name> to <b:name> is about <deg:tens> degrees",
        "once the camera has moved, the direction from <a:name> to <b:name> is about <deg:tens> degrees",
    ),
    _after_the_move,
)
TURN = Fact(
    "turn",
    (
        "from the first of these directions to the second, the turn is about <deg:tens> degrees "
        "<sense:clockwise|counter-clockwise>",
        "the second direction is turned from the first by about <deg:tens> degrees "
        "<sense:clockwise|counter-clockwise>",
    ),
    # that it is the difference of the two directions before is for `turn_said`
    lambda case, say: int(say["deg"]) <= 180,
)
FAR = Fact(
    "far",
    (
        "<a:name> is about <times:ratio> times as far from the camera as <b:name>",
        "the camera is about <times:ratio> times as far from <a:name> as from <b:name>",
        "<a:name> is about as far from the camera as <b:name>",
        "the camera is about as far from <a:name> as from <b:name>",
    ),
    _far,
)
APART = Fact(
    "apart",
    (
        f"across the floor, in {RADIUS}, the distance from <a:name> is <list:lengths>",
        f"in {RADIUS}, the distances across the floor from <a:name> are <list:lengths>",
    ),
    _apart,
)
RIGHT_HALF = frozenset(
    {
        "directions from 0 to 180 degrees point to the right, and those from 180 to 360 to the left",
        "a direction below 180 degrees points to the right, and one above 180 degrees to the left",
    }
)
NEAR_HALF = frozenset(
    {
        "directions between 90 and 270 degrees point towards the camera, and all others away from it",
        "a direction between 90 and 270 degrees leads closer to the camera, and any other leads away from it",
    }
)
CLOCKWISE_IS_RIGHT = frozenset(
    {
        "a clockwise turn is a turn to the right",
        "clockwise means to the right, a turn of less than 90 degrees means ahead, and a larger turn means "
        "behind",
    }
)


# --- what follows ------------------------------------------------------------------------------------


def final_way(said: Said, start: str, end: str) -> int | None:
    """The direction from one object to another as it is asked for: after the move where there is one."""
    way = said.only("way")
    if way is None or (way["a"], way["b"]) != (start, end):
        return None
    turned_deg = move_in(said.case.wording) or 0
    if not turned_deg:
        return int(way["deg"])
    then = said.only("then")
    if then is None or (then["a"], then["b"]) != (start, end):
        return None
    moved = (int(way["deg"]) + turned_deg) % 360
    return moved if moved == int(then["deg"]) else None


def left_or_right(said: Said, start: str, end: str) -> str:
    """On which side of the first object the second one is."""
    follows = set()
    way = final_way(said, start, end)
    if way is not None and min(way % 180, 180 - way % 180) > NEAR_LINE_DEG:
        follows.add(RIGHT if way < 180 else LEFT)
    across = said.say("across")
    if across is not None and (across["a"], across["b"]) == (end, start) and across["p"] != across["q"]:
        follows.add(LEFT if int(across["p"]) < int(across["q"]) else RIGHT)
    return follows.pop() if len(follows) == 1 else ""


def is_closer(said: Said, start: str, end: str) -> bool | None:
    """Whether the second object is closer to the camera than the first; None if nothing tells."""
    follows = set()
    way = final_way(said, start, end)
    if way is not None and min((way + 90) % 180, 180 - (way + 90) % 180) > NEAR_LINE_DEG:
        follows.add(90 < way < 270)
    foot = said.say("foot")
    if foot is not None and (foot["a"], foot["b"]) == (end, start) and foot["p"] != foot["q"]:
        follows.add(int(foot["p"]) > int(foot["q"]))
    return follows.pop() if len(follows) == 1 else None


def the_closer(said: Said) -> str:
    """Which of the two objects that a question speaks of is closer to the camera."""
    first, second = said.case.names
    closer = is_closer(said, second, first)
    if closer is None:
        return ""
    return first if closer else second


def the_nearest(said: Said, start: str) -> str:
    """Which object is nearest to one, over the floor."""
    apart = said.say("apart")
    if apart is None or apart["a"] != start:
        return ""
    lengths = {name: int(length) for name, length in lengths_of(apart)}
    least = [name for name, length in lengths.items() if length == min(lengths.values())]
    return least[0] if len(least) == 1 else ""


def turn_said(said: Said, name: str, objects: list[tuple[str, ...]]) -> int | None:
    """Degrees clockwise from the first of two directions to the second, None if that is not what is said.

    Args:
        name: of the facts that say directions.
        objects: which objects each of both directions is about.
    """
    both = said.every(name)
    turn = said.only("turn")
    slots = ("a", "b") if name == "way" else ("a",)
    if turn is None or [tuple(say[slot] for slot in slots) for say in both] != objects:
        return None
    angle = int(turn["deg"]) * (1 if turn["sense"] == "clockwise" else -1)
    return angle if (int(both[1]["deg"]) - int(both[0]["deg"]) - angle) % 360 == 0 else None


def within_deg(angle_deg: int, direction_deg: int, most_deg: int) -> bool:
    """Whether an angle is at most so far from a direction, around the circle."""
    return abs((angle_deg - direction_deg + 180) % 360 - 180) <= most_deg


def quarter(angle_deg: float) -> tuple[int, float]:
    """The nearest of four directions, a quarter of a circle apart, and how far an angle is off it."""
    number = round(angle_deg / 90)
    return number % 4, abs(angle_deg - 90 * number)


def front_deg(case: Case, part: int) -> float:
    """Where an object's front faces, clockwise from where the camera looks.

    Raises:
        KeyError: it has no known front.
    """
    look = case.look()
    front = look.front(part)
    if front is None:
        raise KeyError(case.scene.parts[part].name)
    return clockwise_deg(look.heading, front) % 360
