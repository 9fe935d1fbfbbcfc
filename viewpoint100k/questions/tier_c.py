"""Tier C, kinds about one picture of a scene: where its objects are, how large, how many, which way they face.

Which objects a question speaks of is drawn by lot among those that can be told in the picture; `solve` finds
the answer from the scene alone. Where a look at the flat picture gives a cue, either answer is as often right
when the cue says the other.
"""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.kinds import (
    Figure,
    Kind,
    Known,
    Opposites,
    Solved,
    either,
    of_figures_only,
    phrase_in,
)
from viewpoint100k.questions.scene_shots import MOVES, Shot, Solve, drawn, shot_of, solved
from viewpoint100k.records import OBJECT_RADIUS, ScenePart

BEFORE = 0.2  # scene radii along the line of sight
CLOSER, TALLER, NEARER = 1.15, 1.2, 1.25  # ratios
EDGE_DEG = 20.0  # from the edge of a sector
AXIS_DEG, HALF_DEG = 15.0, 45.0  # who faces within 30 degrees of an axis faces that way
TURNS_DEG, TURN_DEG, TURN_HALF_DEG = (
    (45, 90, 135),
    12.5,
    22.5,
)  # within 10 degrees: 60 and 75 look alike on the ground
CLEAR = 0.15  # scene radii to the side, of what is imagined only
HIDDEN, SEEN_WHOLE = (
    0.85,
    0.99,
)  # shares of an object that can be seen: between, it is not asked whether something hides it
UNSEEN = 0.02  # share of an object at which nobody would count it


# --- C1 and C2: places -----------------------------------------------------------------------------


def solve_side(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C1. Whether an object is to the left or to the right of another, as the camera sees them."""
    shot = shot_of(known, figure, 2)
    found = shot.further_right(*figure.parts) if shot else None
    if shot is None or found is None:
        return None
    seen = [shot.middle(part)[0] for part in figure.parts]  # of what is not hidden
    return solved(shot, figure, int(found[0]), found[1]) if (seen[0] > seen[1]) == found[0] else None


def solve_front(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C1. Whether an object is before or behind another along the camera's line of sight."""
    shot = shot_of(known, figure, 2)
    if shot is None:
        return None
    a, b = figure.parts
    deeper = float(shot.own[a, 2] - shot.own[b, 2]) / OBJECT_RADIUS
    over_ground = shot.camera[:2, 2] @ (shot.centres[a] - shot.centres[b])[:2]
    if deeper * over_ground <= 0 or (shot.away(a) > shot.away(b)) != (deeper > 0):
        return None
    return solved(shot, figure, int(deeper > 0), abs(deeper) / BEFORE, {"height": _lower(shot, a, b)})


def _lower(shot: Shot, a: int, b: int) -> float:
    """How much lower in the picture the second of two objects is seen: what is lower is mostly closer."""
    return shot.middle(b)[1] - shot.middle(a)[1]


def solve_closer(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C2. Which of two objects is closer to the camera."""
    shot = shot_of(known, figure, 2)
    if shot is None:
        return None
    return solved(shot, figure, *_closer(shot, *figure.parts), {"height": _lower(shot, *figure.parts)})


def _closer(shot: Shot, a: int, b: int) -> tuple[int, float]:
    """Which is closer, by distance and by depth alike, and how clear that is."""
    ratios = np.log([shot.away(a) / shot.away(b), shot.own[a, 2] / shot.own[b, 2]])
    margin = np.abs(ratios).min() / np.log(CLOSER) if ratios[0] * ratios[1] > 0 else 0.0
    return int(ratios[0] > 0), float(margin)


# --- C3 to C5: sizes, numbers, distances -----------------------------------------------------------


def solve_taller(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C3. Which of two objects is taller in truth, however tall it looks.

    Of objects that words tell apart only by letter or colour: that a lamp is taller than a car is in no
    picture.
    """
    shot = shot_of(known, figure, 2)
    if shot is None or not _words_say_nothing(*(shot.scene.parts[part] for part in figure.parts)):
        return None
    ratio = np.log([shot.scene.parts[part].size[2] for part in figure.parts])
    looks = [box[3] - box[1] for part in figure.parts if (box := shot.seen[part].box) is not None]
    cue = float(np.log(looks[1] / looks[0])) if len(looks) == 2 and min(looks) > 0 else 0.0
    return solved(
        shot, figure, int(ratio[1] > ratio[0]), abs(ratio[1] - ratio[0]) / np.log(TALLER), {"looks": cue}
    )


def _words_say_nothing(a: ScenePart, b: ScenePart) -> bool:
    return a.named_by == b.named_by == "letter" or (bool(a.noun) and a.noun == b.noun)


RELATIONS = (
    "further to the left in the picture than",
    "further to the right in the picture than",
    "closer to the camera than",
    "farther from the camera than",
)


def solve_count(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C4.

    How many of the other objects are further to the left, further to the right, closer or farther than one.
    """
    shot, relation = shot_of(known, figure, 1, of_all=True), phrase_in(figure.words, RELATIONS)
    if shot is None or relation is None:
        return None
    countable = [i for i in shot.present if shot.seen[i].referable]
    if any(shot.seen[i].visible_fraction > UNSEEN for i in shot.present if i not in countable):
        return None  # nobody knows whether it counts
    (a,), number, margins = figure.parts, 0, [9.0]
    for other in (i for i in countable if i != a):
        if RELATIONS.index(relation) < 2:
            found = shot.further_right(other, a)
            if found is None:
                return None
            number += found[0] == bool(RELATIONS.index(relation))
            margins.append(found[1])
        else:
            farther, margin = _closer(shot, other, a)
            number += farther == RELATIONS.index(relation) - 2
            margins.append(margin)
    return solved(shot, figure, number, min(margins)) if number < len(COUNTS) and len(margins) > 2 else None


def solve_nearer_to(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C5. Which of two objects stands closer to a third one."""
    shot = shot_of(known, figure, 3)
    if shot is None:
        return None
    a, b, c = figure.parts
    apart = [shot.apart(a, c), shot.apart(b, c)]
    gaps = [one - _reach(shot, part) for one, part in zip(apart, (a, b), strict=True)]
    if min(apart) <= 0 or (gaps[0] > gaps[1]) != (apart[0] > apart[1]):
        return None
    flat = [float(np.hypot(*(shot.pixels[part] - shot.pixels[c]))) for part in (a, b)]
    cue = float(np.log(max(flat[0], 1.0) / max(flat[1], 1.0)))
    margin = abs(np.log(apart[0] / apart[1])) / np.log(NEARER)
    return solved(shot, figure, int(apart[0] > apart[1]), float(margin), {"away": cue})


def _reach(shot: Shot, part: int) -> float:
    """From an object's middle to its sides, on average."""
    x, y, _ = shot.scene.parts[part].size
    return (x + y) / 4 / OBJECT_RADIUS


# --- C6 and C7: other points of view ---------------------------------------------------------------


def _off_axis(angle_deg: float) -> tuple[int, float]:
    """The nearest of four directions, a quarter of a circle apart, and how far it is off that."""
    quarter = int(np.floor(angle_deg / 90 + 0.5)) % 4
    return quarter, abs((angle_deg - 90 * quarter + 180) % 360 - 180)


def solve_faces(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C6. Which way an object with a known front faces, for the camera."""
    shot = shot_of(known, figure, 1)
    front = shot.front_deg(figure.parts[0]) if shot else None
    if shot is None or front is None:
        return None
    sight = shot.bearing_deg(shot.centres[figure.parts[0]] - shot.camera[:3, 3])
    quarter, off = _off_axis(front)
    by_sight, off_sight = _off_axis((front - sight) % 360)
    if quarter != by_sight:
        return None
    return solved(shot, figure, quarter, (HALF_DEG - max(off, off_sight)) / AXIS_DEG)


def solve_facing(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C6.

    How the way that an object faces differs from the way that another one faces, by their known fronts.
    """
    shot = shot_of(known, figure, 2)
    fronts = [shot.front_deg(part) for part in figure.parts] if shot else []
    if shot is None or fronts[0] is None or fronts[1] is None:
        return None
    quarter, off = _off_axis((fronts[1] - fronts[0]) % 360)
    return solved(shot, figure, quarter, (HALF_DEG - off) / AXIS_DEG)


def _turn_deg(shot: Shot, at: int, towards: int, then: int) -> float:
    """Clockwise, for who stands at an object and faces another, to a third one; in (-180, 180]."""
    return float(180 - (180 - shot.from_to_deg(at, then) + shot.from_to_deg(at, towards)) % 360)


def solve_perspective(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C7. Where a third object is for somebody who stands at one object and faces another."""
    shot = shot_of(known, figure, 3)
    if shot is None:
        return None
    a, b, c = figure.parts
    turn = _turn_deg(shot, a, b, c)
    margin = min(abs((turn - edge + 180) % 360 - 180) for edge in (0, 90, 180, 270)) / EDGE_DEG
    option = int(turn > 0) + 2 * int(abs(turn) > 90)
    deeper = float(shot.own[a, 2] - shot.own[c, 2]) / OBJECT_RADIUS
    across = _across(shot, c, a)
    diagonal = -float(
        np.sign(across) * np.sign(deeper)
    )  # by this, both cues together are right no more often either
    return solved(shot, figure, option, margin, {"across": across, "deeper": deeper, "diagonal": diagonal})


def _across(shot: Shot, one: int, other: int) -> float:
    """How much further right in the picture one object is than another."""
    return float((shot.pixels[one, 0] - shot.pixels[other, 0]) / shot.width)


def solve_turn(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C12. By which turn somebody who stands at one object and faces another comes to face a third one."""
    shot = shot_of(known, figure, 3)
    if shot is None:
        return None
    a, b, c = figure.parts
    turn = _turn_deg(shot, a, b, c)
    off = [abs(abs(turn) - angle) for angle in TURNS_DEG]
    number = int(np.argmin(off))
    margin = (TURN_HALF_DEG - off[number]) / TURN_DEG
    return solved(shot, figure, 2 * number + int(turn > 0), margin, {"across": _across(shot, c, a)})


# --- C11 and C14: what would be seen from elsewhere ------------------------------------------------

GOES = tuple(phrase for phrase, angle in MOVES.items() if angle)


def solve_side_after(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C11. Whether an object would be to the left or right of another if the camera went around the scene."""
    phrase = phrase_in(figure.words, GOES)
    now, then = shot_of(known, figure, 2), shot_of(known, figure, 2, MOVES[phrase or GOES[0]])
    if phrase is None or now is None or then is None:
        return None
    found = _imagined_side(then, *figure.parts)
    return found and solved(now, figure, *found, {"across": _across(now, *figure.parts)})


def _imagined_side(then: Shot, a: int, b: int) -> tuple[int, float] | None:
    found = then.further_right(a, b)
    if found is None:
        return None
    aside = abs(float(then.own[a, 0] - then.own[b, 0])) / OBJECT_RADIUS
    return int(found[0]), min(found[1], aside / CLEAR)


def solve_closer_after(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C11. Which of two objects would be closer to the camera if that went around the scene."""
    phrase = phrase_in(figure.words, GOES)
    now, then = shot_of(known, figure, 2), shot_of(known, figure, 2, MOVES[phrase or GOES[0]])
    if phrase is None or now is None or then is None:
        return None
    a, b = figure.parts
    deeper = float(now.own[a, 2] - now.own[b, 2]) / OBJECT_RADIUS
    return solved(now, figure, *_closer(then, a, b), {"deeper": deeper})


def nearest_to(shot: Shot, part: int) -> tuple[int, float] | None:
    """Which object stands nearest to one, and how clear that is; None if that cannot be told in the picture."""
    away = sorted((shot.apart(part, other), other) for other in shot.present if other != part)
    if len(away) < 2 or away[0][1] not in shot.referable:
        return None
    return away[0][1], float(np.log(away[1][0] / away[0][0]) / np.log(NEARER))


def solve_hops(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C14.

    Two steps: which object is nearest to one, and is it left or right of another; three: after the camera has
    moved.
    """
    phrase = phrase_in(figure.words, tuple(MOVES))
    now = shot_of(known, figure, 2, of_all=True)
    then = shot_of(known, figure, 2, MOVES[phrase or GOES[0]], of_all=True)
    if phrase is None or now is None or then is None:
        return None
    a, b = figure.parts
    near = nearest_to(now, a)
    found = _imagined_side(then, near[0], b) if near and near[0] != b else None
    if near is None or found is None:
        return None
    return solved(now, figure, found[0], min(near[1], found[1]), {"across": _across(now, a, b)})


# --- C13: what hides what --------------------------------------------------------------------------


def solve_hides(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C13. Which of two objects hides a part of the other, if either does."""
    shot = shot_of(known, figure, 2)
    if shot is None:
        return None
    a, b = figure.parts
    shares, hidden_by = (
        [shot.seen[i].visible_fraction for i in (a, b)],
        [shot.seen[i].hidden_by for i in (a, b)],
    )
    if min(shares) >= SEEN_WHOLE:
        return solved(shot, figure, 2, 1 + (min(shares) - SEEN_WHOLE) / (1 - SEEN_WHOLE))
    for option, (share, by, other) in enumerate(((shares[1], hidden_by[1], a), (shares[0], hidden_by[0], b))):
        if by == [other] and share <= HIDDEN and (b, a)[option] not in hidden_by[option]:
            return solved(shot, figure, option, 1 + (HIDDEN - share) / HIDDEN)
    return None


LEFT_RIGHT = ("to the left of it", "to the right of it")
NAMES = ("{a}", "{b}")
COUNTS = ("zero", "one", "two", "three", "four")  # in words: a digit could be an option's number
FACES = ("away from the camera", "to the right", "towards the camera", "to the left")
FACING = (
    "the same way",
    "a quarter turn to the right of that",
    "the opposite way",
    "a quarter turn to the left of that",
)
QUADRANTS = ("ahead on the left", "ahead on the right", "behind on the left", "behind on the right")
TURNS = tuple(f"about {angle} degrees to the {side}" for angle in TURNS_DEG for side in ("left", "right"))
HIDES = ("{a} hides a part of {b}", "{b} hides a part of {a}", "neither hides a part of the other")

BY_HEIGHT, BY_LOOKS, BY_AWAY, BY_ACROSS, BY_DEPTH = (
    either(c) for c in ("height", "looks", "away", "across", "deeper")
)
OF_QUADRANTS = (
    Opposites((0, 2), (1, 3), ("across",)),
    Opposites((0, 1), (2, 3), ("deeper",)),
    Opposites((0, 3), (1, 2), ("diagonal",)),
)
OF_TURNS = (Opposites((0, 2, 4), (1, 3, 5), ("across",)),)


def _kind(
    name: str,
    options: tuple[str, ...],
    solve: Solve,
    count: int,
    opposites: tuple[Opposites, ...] = (),
    words: tuple[str, ...] = (),
    of_all: bool = False,
) -> Kind:
    type_, frame = name.split("/")
    return Kind(
        type_,
        frame,
        "C",
        options,
        (),
        of_figures_only,
        opposites=opposites,
        seen_alone=(),
        words=words,
        parts=count,
        draw=drawn(solve, count, len(options), words or ("",), opposites, of_all),
        solve=solve,
    )


KINDS: tuple[Kind, ...] = (
    _kind("side_of/camera", LEFT_RIGHT, solve_side, 2, either()),
    _kind("front_of/camera", ("in front of it", "behind it"), solve_front, 2, BY_HEIGHT),
    _kind("closer/camera", NAMES, solve_closer, 2, BY_HEIGHT),
    _kind("taller/scene", NAMES, solve_taller, 2, BY_LOOKS),
    _kind("count/camera", COUNTS, solve_count, 1, words=RELATIONS, of_all=True),
    _kind("nearer_to/scene", NAMES, solve_nearer_to, 3, BY_AWAY),
    _kind("faces/camera", FACES, solve_faces, 1),
    _kind("facing/objects", FACING, solve_facing, 2),
    _kind("perspective/object", QUADRANTS, solve_perspective, 3, OF_QUADRANTS),
    _kind("turn_to_face/object", TURNS, solve_turn, 3, OF_TURNS)._replace(shown=4, twins=True),
    _kind("side_after/camera", LEFT_RIGHT, solve_side_after, 2, BY_ACROSS, GOES),
    _kind("closer_after/camera", NAMES, solve_closer_after, 2, BY_DEPTH, GOES),
    _kind("hops/camera", LEFT_RIGHT, solve_hops, 2, BY_ACROSS, tuple(MOVES), of_all=True),
    _kind("hides/camera", HIDES, solve_hides, 2, either()),
)
