"""Which of two objects of a scene stands closer to a third one."""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts
from viewpoint100k.questions.facts.scene import PictureKind, Shot, shot_of, solved
from viewpoint100k.questions.facts.scene_sentences import Told, apart, chain_of_scene, nearest_name
from viewpoint100k.questions.kind import Figure, Known, Solved, either
from viewpoint100k.records import OBJECT_RADIUS


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C5. Which of two objects stands closer to a third one."""
    shot = shot_of(known, figure, 3)
    if shot is None:
        return None
    a, b, c = figure.parts
    away = [shot.apart(a, c), shot.apart(b, c)]
    gaps = [distance - _reach(shot, part) for distance, part in zip(away, (a, b), strict=True)]
    if min(away) <= 0 or (gaps[0] > gaps[1]) != (away[0] > away[1]):
        return None
    flat = [float(np.hypot(*(shot.pixels[part] - shot.pixels[c]))) for part in (a, b)]
    cue = float(np.log(max(flat[0], 1.0) / max(flat[1], 1.0)))
    margin = abs(np.log(away[0] / away[1])) / np.log(gates.scene_nearer)
    return solved(shot, figure, int(away[0] > away[1]), float(margin), {"away": cue})


def _reach(shot: Shot, part: int) -> float:
    """From an object's middle to its sides, on average."""
    x, y, _ = shot.scene.parts[part].size
    return (x + y) / 4 / OBJECT_RADIUS


def nearest_to(shot: Shot, part: int) -> tuple[int, float] | None:
    """Which object stands nearest to one, and the logarithm by which the next is farther; None if unseen."""
    away = sorted((shot.apart(part, other), other) for other in shot.present if other != part)
    if len(away) < 2 or away[0][1] not in shot.referable:
        return None
    return away[0][1], float(np.log(away[1][0] / away[0][0]))


def _facts(told: Told) -> Facts:
    a, b, c = told.figure.parts
    return apart(told, c, (a, b))


def _answers(told: Told, facts: Facts) -> set[str]:
    return {told.letter(nearest_name(facts))}


KIND = PictureKind(
    name="nearer_to/scene",
    rank=33,
    options=("a", "b"),
    solve=solve,
    parts=3,
    opposites=either("away"),
    names={"a": "a", "b": "b"},
    chain=chain_of_scene(_facts, _answers, (("apart!",),)),
)
KINDS = (KIND,)
