"""For somebody who stands at one object of a scene and faces another: where a third one is, and which turn
leads to it.
"""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import UNCLEAR, Facts
from viewpoint100k.questions.facts.scene import PictureKind, Shot, across, shot_of, solved
from viewpoint100k.questions.facts.scene_sentences import (
    FAR_ENOUGH,
    Told,
    bearing,
    chain_of_scene,
    differ,
    turn_deg,
)
from viewpoint100k.questions.kind import Figure, Known, Opposites, Solved
from viewpoint100k.records import OBJECT_RADIUS

TURNS_DEG = (45, 90, 135)
TURN_HALF_DEG = 22.5  # from one of these to the middle between two
SAID_WITHIN_DEG = 20
QUADRANTS = ("ahead_left", "ahead_right", "behind_left", "behind_right")
TURNS = tuple(f"{angle}_degrees_{side}" for angle in TURNS_DEG for side in ("left", "right"))


def _turn_deg(shot: Shot, at: int, towards: int, then: int) -> float:
    """Clockwise, for somebody who stands at an object and faces another, to a third one; in (-180, 180]."""
    return float(180 - (180 - shot.from_to_deg(at, then) + shot.from_to_deg(at, towards)) % 360)


def solve_perspective(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C7. Where a third object is for somebody who stands at one object and faces another."""
    shot = shot_of(known, figure, 3)
    if shot is None:
        return None
    a, b, c = figure.parts
    turn = _turn_deg(shot, a, b, c)
    margin = min(abs((turn - edge + 180) % 360 - 180) for edge in (0, 90, 180, 270)) / gates.scene_sector_deg
    option = int(turn > 0) + 2 * int(abs(turn) > 90)
    deeper = float(shot.own[a, 2] - shot.own[c, 2]) / OBJECT_RADIUS
    aside = across(shot, c, a)
    # by this, both cues together are right no more often either
    diagonal = -float(np.sign(aside) * np.sign(deeper))
    return solved(shot, figure, option, margin, {"across": aside, "deeper": deeper, "diagonal": diagonal})


def solve_turn(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C12. By which turn somebody who stands at one object and faces another comes to face a third one."""
    shot = shot_of(known, figure, 3)
    if shot is None:
        return None
    a, b, c = figure.parts
    turn = _turn_deg(shot, a, b, c)
    off = [abs(abs(turn) - angle) for angle in TURNS_DEG]
    number = int(np.argmin(off))
    margin = (TURN_HALF_DEG - off[number]) / gates.scene_turn_deg
    return solved(shot, figure, 2 * number + int(turn > 0), margin, {"across": across(shot, c, a)})


def _facts(told: Told) -> Facts:
    a, b, c = told.figure.parts
    first = bearing(told, "bearing_b", a, b)
    second = bearing(told, "bearing_c", a, c)
    return first | second | differ(first, second)


def _quadrant(told: Told, facts: Facts) -> set[str]:
    turn = turn_deg(facts)
    if turn is None:
        return set()
    if min(abs(abs(turn) - edge) for edge in (0, 90, 180)) < FAR_ENOUGH:
        return {UNCLEAR}
    return {QUADRANTS[2 * (abs(turn) > 90) + (turn > 0)]}


def _turn(told: Told, facts: Facts) -> set[str]:
    turn = turn_deg(facts)
    if turn is None:
        return set()
    near = [angle for angle in TURNS_DEG if abs(abs(turn) - angle) <= SAID_WITHIN_DEG]
    side = "right" if turn > 0 else "left"
    return {f"{near[0]}_degrees_{side}" if len(near) == 1 else UNCLEAR}


PLANS = (
    ("bearing_b!", "bearing_c!", "differ!", "=clockwise_right"),
    ("=clockwise_right", "bearing_b!", "bearing_c!", "differ!"),
    ("bearing_b!", "bearing_c!", "differ!"),
)

KINDS = (
    PictureKind(
        name="perspective/object",
        rank=36,
        options=QUADRANTS,
        solve=solve_perspective,
        parts=3,
        opposites=(
            Opposites((0, 2), (1, 3), ("across",)),
            Opposites((0, 1), (2, 3), ("deeper",)),
            Opposites((0, 3), (1, 2), ("diagonal",)),
        ),
        chain=chain_of_scene(_facts, _quadrant, PLANS),
    ),
    PictureKind(
        name="turn_to_face/object",
        rank=37,
        options=TURNS,
        solve=solve_turn,
        parts=3,
        opposites=(Opposites((0, 2, 4), (1, 3, 5), ("across",)),),
        shown=4,
        twins=True,
        chain=chain_of_scene(_facts, _turn, PLANS),
    ),
)
