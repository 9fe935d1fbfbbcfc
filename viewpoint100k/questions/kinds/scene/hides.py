"""Which of two objects of a scene hides a part of the other, if either does."""

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases
from viewpoint100k.questions.facts.scene import PictureKind, shot_of, solved
from viewpoint100k.questions.facts.scene_sentences import (
    LEAST_RATIO,
    Told,
    chain_of_scene,
    compared,
    stated,
    times,
)
from viewpoint100k.questions.kind import NONE, Figure, Known, Solved, either

A_HIDES_B = "a_hides_b"
B_HIDES_A = "b_hides_a"


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C13. Which of two objects hides a part of the other, if either does."""
    shot = shot_of(known, figure, 2)
    if shot is None:
        return None
    a, b = figure.parts
    shares = [shot.seen[part].visible_fraction for part in (a, b)]
    hidden_by = [shot.seen[part].hidden_by for part in (a, b)]
    band = gates.scene_hidden
    if min(shares) >= band.high:
        return solved(shot, figure, 2, 1 + (min(shares) - band.high) / (1 - band.high))
    for option, hidden, hider in ((0, 1, a), (1, 0, b)):
        only_that = hidden_by[hidden] == [hider] and figure.parts[hidden] not in hidden_by[1 - hidden]
        if only_that and shares[hidden] <= band.low:
            return solved(shot, figure, option, 1 + (band.low - shares[hidden]) / band.low)
    return None


def _facts(told: Told) -> Facts:
    shot = told.shots[0]
    (a, b) = told.figure.parts
    boxes = [shot.seen[part].full_box for part in (a, b)]
    meet = all(min(boxes[0][i + 2], boxes[1][i + 2]) > max(boxes[0][i], boxes[1][i]) for i in (0, 1))
    hidden = [part for part, other in ((a, b), (b, a)) if other in shot.seen[part].hidden_by]
    depths = [float(shot.own[part, 2]) for part in (a, b)]
    farther = a if depths[0] > depths[1] else b
    if hidden != ([farther] if meet else []):
        return {}  # boxes meet where shapes do not, or a near part of what is farther hides the other
    outlines = stated("meet" if meet else "clear", told.name(a), told.name(b))
    return outlines | compared(told, "farther", depths)


def _answers(told: Told, facts: Facts) -> set[str]:
    if "clear" in facts:
        return {NONE}
    if not {"meet", "farther"} <= facts.keys() or times(facts["farther"]) < LEAST_RATIO:
        return set()
    nearer = told.letter(str(facts["farther"].args[1]))
    return {A_HIDES_B if nearer == "a" else B_HIDES_A}


KIND = PictureKind(
    name="hides/camera",
    rank=41,
    options=(A_HIDES_B, B_HIDES_A, NONE),
    solve=solve,
    parts=2,
    opposites=either(),
    names={A_HIDES_B: "ab", B_HIDES_A: "ab"},
    chain=chain_of_scene(
        _facts,
        _answers,
        (
            ("meet!", "farther!", "=nearer_hides"),
            ("=nearer_hides", "meet!", "farther!"),
            ("clear!", "=nearer_hides"),
            ("farther!", "clear!"),
        ),
        {
            "meet": Phrases(
                ("In the picture the outlines of {0} and {1} meet", "{0} and {1} overlap in the picture")
            ),
            "clear": Phrases(
                (
                    "In the picture the outlines of {0} and {1} do not meet",
                    "{0} and {1} do not overlap in the picture",
                )
            ),
        },
        {
            "nearer_hides": (
                "Where two outlines meet, the closer object hides the other",
                "Where two objects overlap, the closer one hides the other, and where they do not overlap, "
                "neither does",
            )
        },
    ),
)
KINDS = (KIND,)
