"""Where an object is in relation to another one, as the camera sees them."""

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases
from viewpoint100k.questions.facts.scene import PictureKind, closer, lower, shot_of, solved
from viewpoint100k.questions.facts.scene_sentences import (
    Told,
    between,
    chain_of_scene,
    closer_one,
    left_or_right,
    near_or_far,
    nearest_tens,
    stated,
)
from viewpoint100k.questions.kind import Figure, Known, Solved, either
from viewpoint100k.records import OBJECT_RADIUS


def solve_side(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C1. Whether an object is to the left or to the right of another, as the camera sees them."""
    shot = shot_of(known, figure, 2)
    if shot is None:
        return None
    a, b = figure.parts
    side = shot.further_right(a, b, gates)
    if side is None:
        return None
    middles = [shot.middle(part)[0] for part in figure.parts]  # of what is not hidden
    return solved(shot, figure, int(side[0]), side[1]) if (middles[0] > middles[1]) == side[0] else None


def solve_front(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C1. Whether an object is in front of another or behind it, along the camera's line of sight."""
    shot = shot_of(known, figure, 2)
    if shot is None:
        return None
    a, b = figure.parts
    deeper = float(shot.own[a, 2] - shot.own[b, 2]) / OBJECT_RADIUS
    over_ground = shot.camera[:2, 2] @ (shot.centres[a] - shot.centres[b])[:2]
    if deeper * over_ground <= 0 or (shot.away(a) > shot.away(b)) != (deeper > 0):
        return None
    return solved(
        shot, figure, int(deeper > 0), abs(deeper) / gates.scene_before, {"height": lower(shot, a, b)}
    )


def solve_closer(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C2. Which of two objects is closer to the camera."""
    shot = shot_of(known, figure, 2)
    if shot is None:
        return None
    a, b = figure.parts
    option, margin = closer(shot, a, b, gates)
    return solved(shot, figure, option, margin, {"height": lower(shot, a, b)})


def _across(told: Told) -> Facts:
    """Where both objects are in the picture, from the left, and in which direction one is from the other."""
    shot = told.shots[0]
    (a, b) = told.figure.parts
    at = [nearest_tens(100 * shot.pixels[part, 0] / shot.width) for part in (a, b)]
    return stated("across", told.name(a), at[0], told.name(b), at[1]) | between(told)


def _stands(told: Told) -> Facts:
    """Where both objects touch the floor in the picture, from the top, and in which direction one is from
    the other.
    """
    shot = told.shots[0]
    (a, b) = told.figure.parts
    at = [nearest_tens(100 * shot.seen[part].base_pixel[1] / shot.height) for part in (a, b)]
    return stated("stands", told.name(a), at[0], told.name(b), at[1]) | between(told)


def _front_or_behind(told: Told, facts: Facts) -> set[str]:
    return near_or_far(told, facts, "front", "behind")


PHRASES = {
    "across": Phrases(
        (
            "{0} is at about {1} percent of the picture's width from the left, and {2} at about {3}",
            "Measured from the left edge, {0} is at about {1} percent of the width and {2} at about {3}",
        )
    ),
    "stands": Phrases(
        (
            "{0} stands on the floor at about {1} percent of the picture's height from the top, and {2} at "
            "about {3}",
            "Measured from the top, the base of {0} is at about {1} percent of the height and that of {2} "
            "at about {3}",
        )
    ),
}
PREMISES = {
    "lower_closer": (
        "On a level floor, what stands lower in the picture is closer to the camera",
        "The camera looks down at the floor, so an object that stands lower in the picture is closer",
    )
}
BY_HEIGHT = either("height")

KINDS = (
    PictureKind(
        name="side_of/camera",
        rank=28,
        options=("left", "right"),
        solve=solve_side,
        parts=2,
        opposites=either(),
        chain=chain_of_scene(
            _across,
            left_or_right,
            (("across!",), ("bearing!", "=right_half"), ("=right_half", "bearing!", "across!")),
            PHRASES,
        ),
    ),
    PictureKind(
        name="front_of/camera",
        rank=29,
        options=("front", "behind"),
        solve=solve_front,
        parts=2,
        opposites=BY_HEIGHT,
        chain=chain_of_scene(
            _stands,
            _front_or_behind,
            (
                ("stands!", "=lower_closer"),
                ("bearing!", "=near_half"),
                ("=near_half", "bearing!", "stands!"),
            ),
            PHRASES,
            PREMISES,
        ),
    ),
    PictureKind(
        name="closer/camera",
        rank=30,
        options=("a", "b"),
        solve=solve_closer,
        parts=2,
        opposites=BY_HEIGHT,
        names={"a": "a", "b": "b"},
        chain=chain_of_scene(
            _stands,
            closer_one,
            (
                ("stands!", "=lower_closer"),
                ("bearing!", "=near_half"),
                ("=lower_closer", "bearing!", "stands!"),
            ),
            PHRASES,
            PREMISES,
        ),
    ),
)
