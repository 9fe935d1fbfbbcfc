"""What a camera would see of a scene from elsewhere: which object is on which side, or closer, after a
move around it.
"""

import math

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts
from viewpoint100k.questions.facts.scene import PictureKind, Shot, across, closer, shot_of, solved
from viewpoint100k.questions.facts.scene_sentences import (
    Told,
    apart,
    bearing,
    between,
    chain_of_scene,
    closer_one,
    left_or_right,
    nearest_name,
    turned,
)
from viewpoint100k.questions.kind import Figure, Known, Parameter, Solved, either
from viewpoint100k.questions.kinds.scene.nearer_to import nearest_to
from viewpoint100k.records import OBJECT_RADIUS, Move

STAYS = Move()
# around the scene, keeping its middle in view; seen from above, counter-clockwise is to the camera's right
GOES = (Move(around_deg=90), Move(around_deg=-90), Move(around_deg=180))
KEYS = {0.0: "stays", 90.0: "right", -90.0: "left", 180.0: "half"}


def key_of(move: Move) -> str:
    """Under which its words are in the templates file."""
    return KEYS[move.around_deg]


def solve_side(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C11. Whether an object would be to the left or right of another if the camera went around the scene."""
    if figure.move not in GOES:
        return None
    now = shot_of(known, figure, 2)
    then = shot_of(known, figure, 2, figure.move.around_deg)
    if now is None or then is None:
        return None
    a, b = figure.parts
    side = _imagined_side(then, a, b, gates)
    if side is None:
        return None
    return solved(now, figure, *side, {"across": across(now, a, b)})


def _imagined_side(then: Shot, a: int, b: int, gates: GateConfig) -> tuple[int, float] | None:
    side = then.further_right(a, b, gates)
    if side is None:
        return None
    aside = abs(float(then.own[a, 0] - then.own[b, 0])) / OBJECT_RADIUS
    return int(side[0]), min(side[1], aside / gates.scene_imagined_side)


def solve_closer(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C11. Which of two objects would be closer to the camera if it went around the scene."""
    if figure.move not in GOES:
        return None
    now = shot_of(known, figure, 2)
    then = shot_of(known, figure, 2, figure.move.around_deg)
    if now is None or then is None:
        return None
    a, b = figure.parts
    deeper = float(now.own[a, 2] - now.own[b, 2]) / OBJECT_RADIUS
    return solved(now, figure, *closer(then, a, b, gates), {"deeper": deeper})


def solve_hops(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C14. Two steps: which object is nearest to one, and is it left or right of another; three: after a
    move of the camera.
    """
    if figure.move is None or figure.move not in (STAYS, *GOES):
        return None
    now = shot_of(known, figure, 2, of_all=True)
    then = shot_of(known, figure, 2, figure.move.around_deg, of_all=True)
    if now is None or then is None:
        return None
    a, b = figure.parts
    near = nearest_to(now, a)
    side = _imagined_side(then, near[0], b, gates) if near and near[0] != b else None
    if near is None or side is None:
        return None
    nearest = near[1] / math.log(gates.scene_nearer)
    return solved(now, figure, side[0], min(nearest, side[1]), {"across": across(now, a, b)})


def _hops(told: Told) -> Facts:
    a, b = told.figure.parts
    shot = told.shots[0]
    near = nearest_to(shot, a)
    if near is None:
        return {}
    before = bearing(told, "bearing", b, near[0])
    return apart(told, a, [i for i in shot.present if i != a]) | before | turned(told, before)


def _hopped(told: Told, facts: Facts) -> set[str]:
    if not {"apart", "bearing"} <= facts.keys() or facts["bearing"].args[1] != nearest_name(facts):
        return set()
    return left_or_right(told, facts)


PREMISES = {
    "goes_around": (
        "Going around to the right turns the camera counter-clockwise, and going around to the left turns "
        "it clockwise",
        "A camera that goes around a scene turns the opposite way, and directions are measured from its "
        "new line of sight",
    )
}

KINDS = (
    PictureKind(
        name="side_after/camera",
        rank=38,
        options=("left", "right"),
        solve=solve_side,
        parts=2,
        opposites=either("across"),
        parameter=Parameter("move", GOES, key_of),
        chain=chain_of_scene(
            between,
            left_or_right,
            (
                ("bearing!", "=goes_around", "turned!", "=right_half"),
                ("=goes_around", "bearing!", "turned!", "=right_half"),
                ("bearing!", "turned!", "=right_half"),
            ),
            premises=PREMISES,
        ),
    ),
    PictureKind(
        name="closer_after/camera",
        rank=39,
        options=("a", "b"),
        solve=solve_closer,
        parts=2,
        opposites=either("deeper"),
        parameter=Parameter("move", GOES, key_of),
        names={"a": "a", "b": "b"},
        chain=chain_of_scene(
            between,
            closer_one,
            (
                ("bearing!", "=goes_around", "turned!", "=near_half"),
                ("=goes_around", "bearing!", "turned!", "=near_half"),
                ("bearing!", "turned!", "=near_half"),
            ),
            premises=PREMISES,
        ),
    ),
    PictureKind(
        name="hops/camera",
        rank=40,
        options=("left", "right"),
        solve=solve_hops,
        parts=2,
        opposites=either("across"),
        parameter=Parameter("move", (STAYS, *GOES), key_of),
        of_all=True,
        chain=chain_of_scene(
            _hops,
            _hopped,
            (
                ("apart!", "bearing!", "turned*", "=right_half"),
                ("=right_half", "apart!", "bearing!", "turned*"),
                ("bearing!", "turned*", "apart!", "=right_half"),
            ),
        ),
    ),
)
