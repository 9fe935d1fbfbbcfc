"""Facts about scenes that several kinds state, with their sentences, and what follows from directions.

Directions are degrees clockwise, seen from above, from where the camera looks; distances are tenths of the
scene's radius. Objects are called by their names.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np

from viewpoint100k.questions.facts.chain import UNCLEAR, Chain, Facts, Language, Phrases, Plan, Statement
from viewpoint100k.questions.facts.pair import Case
from viewpoint100k.questions.facts.scene import Shot, shot_at
from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import Scene

FAR_ENOUGH = 10  # percent of the picture between two places, degrees between two directions
SURE_DEG = 15  # from the line between left and right, or before and behind
APART = 1  # tenths of the scene's radius between two distances
LEAST_RATIO = 1.1  # of what a product of two rounded ratios comes to


class Told:
    """What a chain is about."""

    def __init__(self, case: Case) -> None:
        self.known = case.known
        self.figure: Figure = case.figure
        self.scene: Scene = case.known.scene
        self.move_deg = int(self.figure.move.around_deg) if self.figure.move else 0

    @cached_property
    def shots(self) -> Sequence[Shot]:
        """The pictures that the question shows."""
        return [shot_at(self.known, view) for view in self.figure.images]

    def name(self, part: int) -> str:
        return self.scene.parts[part].name

    def letter(self, name: str) -> str:
        """Which of the objects that the question speaks of has this name: "a", "b", ...; empty for another
        one.
        """
        names = [self.name(part) for part in self.figure.parts]
        return "abc"[names.index(name)] if name in names else UNCLEAR


def nearest_tens(value: float) -> int:
    return 10 * int(np.floor(value / 10 + 0.5))


def angle_of(value_deg: float) -> int:
    return nearest_tens(value_deg) % 360


def tenths(length: float) -> int:
    return int(np.floor(10 * length + 0.5))


# --- facts ----------------------------------------------------------------------------------------------


def stated(predicate: str, *args: str | int, phrase: str = "") -> dict[str, Statement]:
    """One fact."""
    return {predicate: Statement(predicate, args, phrase=phrase)}


def bearing(told: Told, predicate: str, start: int, end: int) -> dict[str, Statement]:
    """In which direction one object is from another."""
    angle = angle_of(told.shots[0].from_to_deg(start, end))
    return stated(predicate, told.name(start), told.name(end), angle, phrase="bearing")


def turned(told: Told, before: Facts) -> dict[str, Statement]:
    """The same direction after the move: a camera that goes to its right turns counter-clockwise by as
    much.
    """
    if not told.move_deg:
        return {}
    start, end, angle = before["bearing"].args
    return stated("turned", start, end, (int(angle) + told.move_deg) % 360)


def between(told: Told) -> dict[str, Statement]:
    """Where the first object is from the second, before and after the move."""
    a, b = told.figure.parts
    before = bearing(told, "bearing", b, a)
    return before | turned(told, before)


def front(told: Told, predicate: str, part: int) -> dict[str, Statement]:
    """Which way an object faces."""
    facing = told.shots[0].front_deg(part)
    return {} if facing is None else stated(predicate, told.name(part), angle_of(facing), phrase="front")


def differ(first: Facts, second: Facts) -> dict[str, Statement]:
    """How far the second of two directions is turned from the first."""
    angles = [int(fact.args[-1]) for facts in (first, second) for fact in facts.values()]
    if len(angles) != 2:
        return {}
    turn = 180 - (180 - angles[1] + angles[0]) % 360
    return stated("differ", abs(turn), "clockwise" if turn >= 0 else "counter-clockwise")


def apart(told: Told, start: int, others: Sequence[int]) -> dict[str, Statement]:
    """How far other objects are from one."""
    shot = told.shots[0]
    items = [word for other in others for word in (told.name(other), tenths(shot.apart(start, other)))]
    return stated("apart", told.name(start), *items)


def compared(told: Told, predicate: str, values: Sequence[float]) -> dict[str, Statement]:
    """Which of both objects has more of something, and how many times as much, in whole and tenths."""
    parts = list(told.figure.parts[:2])
    if values[1] > values[0]:
        parts = parts[::-1]
        values = list(values)[::-1]
    ratio = tenths(values[0] / values[1])
    names = [told.name(part) for part in parts]
    if ratio == 10:
        return stated(predicate, *names, phrase=f"{predicate}_same")
    return stated(predicate, *names, ratio // 10, ratio % 10)


# --- what follows ---------------------------------------------------------------------------------------


def half(angle: int, low: str, high: str, from_deg: int) -> str:
    """The answer for a direction in the half circle that begins there, or in the other one; unclear near
    the line between them.
    """
    within = (angle - from_deg) % 360
    if min(within % 180, 180 - within % 180) < SURE_DEG:
        return UNCLEAR
    return high if within < 180 else low


def final_direction(told: Told, facts: Facts) -> int | None:
    """The direction that counts: after the move, if there is one."""
    if told.move_deg and "turned" not in facts:
        return None
    final = facts.get("turned", facts.get("bearing"))
    return int(final.args[2]) if final is not None else None


def by_place(said: Statement, less: str, more: str) -> str:
    """The answer by two places in the picture, of which the first is less or more."""
    first = int(said.args[1])
    second = int(said.args[3])
    if abs(first - second) < FAR_ENOUGH:
        return UNCLEAR
    return less if first < second else more


def left_or_right(told: Told, facts: Facts) -> set[str]:
    """On which side of the second object the first one is."""
    answers = set()
    if "across" in facts:
        answers.add(by_place(facts["across"], "left", "right"))
    direction = final_direction(told, facts)
    if direction is not None:
        answers.add(half(direction, "left", "right", 0))
    return answers


def near_or_far(told: Told, facts: Facts, near: str, far: str) -> set[str]:
    """Whether the first object is nearer than the second, or farther."""
    answers = set()
    if "stands" in facts:
        answers.add(by_place(facts["stands"], far, near))
    direction = final_direction(told, facts)
    if direction is not None:
        answers.add(half(direction, far, near, 90))
    return answers


def closer_one(told: Told, facts: Facts) -> set[str]:
    """Which of two objects is closer to the camera."""
    return near_or_far(told, facts, "a", "b")


def nearest_name(facts: Facts) -> str:
    """The object to which the distance is shortest, if that is clear."""
    if "apart" not in facts:
        return UNCLEAR
    args = facts["apart"].args
    ranked = sorted((int(length), str(name)) for name, length in zip(args[1::2], args[2::2], strict=True))
    return ranked[0][1] if len(ranked) > 1 and ranked[1][0] - ranked[0][0] >= APART else UNCLEAR


def times(said: Statement) -> float:
    """The ratio that is said."""
    return int(said.args[2]) + int(said.args[3]) / 10 if len(said.args) == 4 else 1.0


def turn_deg(facts: Facts) -> int | None:
    """How far the second direction is turned from the first, clockwise."""
    if "differ" not in facts:
        return None
    angle, sense = facts["differ"].args
    return int(angle) if sense == "clockwise" else -int(angle)


# --- sentences ------------------------------------------------------------------------------------------


def enumerated(items: Sequence[str]) -> str:
    """Items as a sentence lists them: "a", "a, and b", "a, b, and c"."""
    *others, last = items
    return ", ".join([*others, f"and {last}"]) if others else last


def _lengths(args: Sequence[str | int]) -> Mapping[str, str]:
    pairs = list(zip(args[1::2], args[2::2], strict=True))
    return {"lengths": enumerated([f"about {length} to {name}" for name, length in pairs])}


PHRASES: dict[str, Phrases] = {
    "bearing": Phrases(
        (
            "Seen from above and measured clockwise from the camera's line of sight, the direction from "
            "{0} to {1} is about {2} degrees",
            "Counted clockwise from above, with the camera's direction as 0 degrees, the direction from {0} "
            "to {1} is about {2} degrees",
        )
    ),
    "turned": Phrases(
        (
            "For the camera after its move, the direction from {0} to {1} is about {2} degrees",
            "Once the camera has moved, the direction from {0} to {1} is about {2} degrees",
        )
    ),
    "front": Phrases(
        (
            "Seen from above and measured clockwise from the camera's line of sight, the front of {0} "
            "points to about {1} degrees",
            "Counted clockwise from above, with the camera's direction as 0 degrees, the front of {0} "
            "points to about {1} degrees",
        )
    ),
    "differ": Phrases(
        (
            "From the first of these directions to the second, the turn is about {0} degrees {1}",
            "The second direction is turned from the first by about {0} degrees {1}",
        )
    ),
    "farther": Phrases(
        (
            "{0} is about {2}.{3} times as far from the camera as {1}",
            "The camera is about {2}.{3} times as far from {0} as from {1}",
        )
    ),
    "farther_same": Phrases(
        (
            "{0} is about as far from the camera as {1}",
            "The camera is about as far from {0} as from {1}",
        )
    ),
    "apart": Phrases(
        (
            "Across the floor, in tenths of the scene's radius, the distance from {0} is {lengths}",
            "In tenths of the scene's radius, the distances across the floor from {0} are {lengths}",
        ),
        fill=_lengths,
    ),
}
PREMISES: dict[str, tuple[str, ...]] = {
    "right_half": (
        "Directions from 0 to 180 degrees point to the right, and those from 180 to 360 to the left",
        "A direction below 180 degrees points to the right, and one above 180 degrees to the left",
    ),
    "near_half": (
        "Directions between 90 and 270 degrees point towards the camera, and all others away from it",
        "A direction between 90 and 270 degrees leads closer to the camera, and any other leads away from it",
    ),
    "clockwise_right": (
        "A clockwise turn is a turn to the right",
        "Clockwise means to the right, a turn of less than 90 degrees means ahead, and a larger turn means "
        "behind",
    ),
}
OF_SCENES = Language(phrases=PHRASES, premises=PREMISES, connectives=False)


def chain_of_scene(
    facts: Callable[[Told], Facts],
    answers: Callable[[Told, Facts], set[str]],
    plans: tuple[Plan, ...],
    phrases: Mapping[str, Phrases] | None = None,
    premises: Mapping[str, tuple[str, ...]] | None = None,
) -> Chain:
    """How chains of thought are written for a kind about scenes; its own sentences beside those of all
    such kinds.
    """
    return Chain(
        facts=facts,
        answers=answers,
        plans=plans,
        language=OF_SCENES.with_own(phrases, premises),
        prepare=Told,
        all_agree=False,
        may_be_said=_named,
    )


def _named(told: Told, facts: Facts) -> bool:
    """Whether all objects that are spoken of and have no name but a letter have it drawn."""
    drawn = {mark.letter for mark in told.figure.marks}
    spoken_of = {arg for fact in facts.values() for arg in fact.args}
    return all(
        part.letter in drawn
        for part in told.scene.parts
        if part.named_by == "letter" and part.name in spoken_of
    )
