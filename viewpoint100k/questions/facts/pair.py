"""What is clearly true of two views of an object at the origin: where it is, its sides, its size, and what
a turn explains.

Signs are those of docs/conventions.md; left, right, up and down are those of the picture or of the camera
that took it. Angles are in degrees; sizes are natural logarithms of ratios.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from viewpoint100k.geometry.rotations import wrapped_deg
from viewpoint100k.questions.facts.chain import (
    SAME,
    Chain,
    Evidence,
    Facts,
    Grey,
    Plan,
    Statement,
    by_predicate,
    tens,
    three,
)
from viewpoint100k.questions.facts.pair_sentences import FACE_WORDS, OF_PAIRS
from viewpoint100k.records import Truth, View

GREY_SHIFT_DEG = Grey(2.5, 4.0)
GREY_ANGLE_DEG = Grey(4.0, 6.0)
GREY_TURN_DEG = Grey(2.0, 6.0)
GREY_SIZE = Grey(math.log(1.08), math.log(1.12))  # of the width: its shape from elsewhere also changes it
GREY_LENS = Grey(math.log(1.03), math.log(1.10))
LEFT_SAME_RIGHT = ("left", SAME, "right")
COLUMNS = ("left", "middle", "right")
ROWS = ("top", "middle", "bottom")
PLACE_MARGIN = 0.03  # of the picture, to the border of a third
# their sines divide the distance from the middle to the edge into steps that people can tell apart
FACE_EDGES_DEG = (12.0, 29.0, 49.0, 73.0, 107.0)
FACE_MARGIN = 0.04  # a share of an edge
SECTOR_DEG = 43.0  # from the front, back, left or right: further off, it is said to be none of them
TENS = dict.fromkeys(
    range(20, 180, 10), 10
)  # angles that can be answered -> how far each may be from the truth
BETWEEN_MARGIN_DEG = 1.0
WIDE_DEG = 40  # going so far around also brings a camera clearly ahead of where it began
SUM_ATOL_DEG = 8  # by how much shifts in the picture may miss their sum


class Pair:
    """Two views in the order in which they are shown, and the motion between them."""

    def __init__(self, views: Sequence[View], truth: Truth) -> None:
        self.views = views
        self.truth = truth

    @cached_property
    def facts(self) -> dict[str, Statement]:
        """What is clearly true of them, by predicate."""
        return state_facts(self.views, self.truth)


class Case(NamedTuple):
    """What a chain of thought is about."""

    known: Any  # `kind.Known`: the sample
    figure: Any  # `kind.Figure`: of the question
    views: Sequence[View]  # those that the question shows, in order
    pair: Pair  # its first two views


def state_facts(views: Sequence[View], truth: Truth) -> dict[str, Statement]:
    """What is clearly true of two views of an object at the origin, by predicate."""
    first = views[0]
    second = views[1]
    across_1, down_1 = _direction_of_box_deg(first)
    across_2, down_2 = _direction_of_box_deg(second)
    beside, above = _turned_back_deg(first, second, truth)
    growth = 0.5 * math.log(max(second.object_share, 1e-9) / max(first.object_share, 1e-9))
    zoom = math.log(truth.focal_ratio)
    sizes = ("smaller", SAME, "larger")
    upwards = ("up", SAME, "down")
    leans = ("counter-clockwise", SAME, "clockwise")
    return by_predicate(
        _place("place_1", first),
        _place("place_2", second),
        three("shift_x", across_2 - across_1, GREY_SHIFT_DEG, LEFT_SAME_RIGHT, degrees=True),
        three("shift_y", down_2 - down_1, GREY_SHIFT_DEG, upwards, degrees=True),
        three("side", truth.azimuth_change_deg, GREY_ANGLE_DEG, LEFT_SAME_RIGHT, degrees=True),
        three("upper", truth.elevation_change_deg, GREY_ANGLE_DEG, ("less", SAME, "more"), degrees=True),
        three("size", growth, GREY_SIZE, sizes),
        three("beyond_lens", growth - zoom, GREY_SIZE, sizes),
        _lens(views, zoom),
        three("unturned_x", beside[0], GREY_ANGLE_DEG, LEFT_SAME_RIGHT, degrees=True),
        three("offset_x", beside[1], GREY_ANGLE_DEG, LEFT_SAME_RIGHT, degrees=True),
        three("unturned_y", above[0], GREY_ANGLE_DEG, upwards, degrees=True),
        three("offset_y", above[1], GREY_ANGLE_DEG, upwards, degrees=True),
        three("turned", truth.yaw_deg, GREY_TURN_DEG, LEFT_SAME_RIGHT, degrees=True),
        three("tilted", truth.pitch_deg, GREY_TURN_DEG, ("down", SAME, "up"), degrees=True),
        # the picture's content turns against the camera
        three("lean", -truth.roll_deg, GREY_ANGLE_DEG, leans, degrees=True),
        _face(truth.azimuth_change_deg),
        between(truth.azimuth_change_deg, TENS),
        _facing("faces_1", truth, 0.0),
        _facing("faces_2", truth, truth.azimuth_change_deg),
    )


def _direction_of_box_deg(view: View) -> tuple[float, float]:
    """How far to the right and down of the line of sight the middle of the object's box is, degrees."""
    left, top, right, bottom = view.object_box
    (fx, _, cx), (_, fy, cy), _ = view.intrinsics
    return _direction_deg(((left + right) / 2 - cx) / fx, ((top + bottom) / 2 - cy) / fy, 1.0)


def _direction_deg(x: float, y: float, z: float) -> tuple[float, float]:
    """Degrees to the right and down of the line of sight at which a point in camera axes is seen."""
    return math.degrees(math.atan2(x, z)), math.degrees(math.atan2(y, math.hypot(x, z)))


def _object_from(view: View) -> tuple[float, float, float]:
    """The object's middle, which is the origin, in the camera's axes."""
    (a, b, c, x), (d, e, f, y), (g, h, i, z), _ = view.world_from_camera
    return -(a * x + d * y + g * z), -(b * x + e * y + h * z), -(c * x + f * y + i * z)


def _roll(view: View) -> float:
    """How far the camera is turned about its line of sight, radians; clockwise seen from behind it."""
    (right_x, _, x, _), (right_y, _, y, _), (right_z, _, z, _), _ = view.world_from_camera
    # level axes of a camera that looks along (x, y, z): (y, -x, 0) to the right, (x z, y z, -(x x + y y))
    # down
    flat = math.hypot(x, y)
    return math.atan2(
        (right_x * x + right_y * y) * z / flat - right_z * flat, (right_x * y - right_y * x) / flat
    )


def _turned_back_deg(
    first: View, second: View, truth: Truth
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where the object would be seen from the second place, had the camera kept its heading, or its tilt.

    Returns:
        For the heading, to the right, and for the tilt, downwards: degrees from where the object's middle is
        in image 1 to where it then would be in image 2, and from there to where it is.
    """
    across_1, down_1 = _direction_deg(*_object_from(first))
    x, y, z = _object_from(second)
    across_2, down_2 = _direction_deg(x, y, z)
    # had it not turned to the right by the yaw, it would see the world turned clockwise about the vertical by
    # as much
    back = math.radians(truth.yaw_deg)
    (a, b, c, place_x), (d, e, f, place_y), (g, h, i, place_z), _ = second.world_from_camera
    unturned_x = math.cos(back) * place_x + math.sin(back) * place_y
    unturned_y = math.cos(back) * place_y - math.sin(back) * place_x
    aside, _ = _direction_deg(
        -(a * unturned_x + d * unturned_y + g * place_z),
        -(b * unturned_x + e * unturned_y + h * place_z),
        -(c * unturned_x + f * unturned_y + i * place_z),
    )
    # the tilt is about the level axis to the right: unroll, tilt back, roll again
    roll = _roll(second)
    tilt = math.radians(truth.pitch_deg)
    level = x * math.cos(roll) - y * math.sin(roll)
    unrolled = x * math.sin(roll) + y * math.cos(roll)
    down = math.cos(tilt) * unrolled - math.sin(tilt) * z
    ahead = math.cos(tilt) * z + math.sin(tilt) * unrolled
    _, lower = _direction_deg(
        level * math.cos(roll) + down * math.sin(roll), down * math.cos(roll) - level * math.sin(roll), ahead
    )
    return (
        (wrapped_deg(aside - across_1), wrapped_deg(across_2 - aside)),
        (wrapped_deg(lower - down_1), wrapped_deg(down_2 - lower)),
    )


def _place(name: str, view: View) -> Statement | None:
    left, top, right, bottom = view.object_box
    where = (
        (left + right) / 4 / view.intrinsics[0][2],
        (top + bottom) / 4 / view.intrinsics[1][2],
    )  # shares of the picture
    away = min(abs(share - border) for share in where for border in (1 / 3, 2 / 3))
    if away < PLACE_MARGIN or not all(0 <= share < 1 for share in where):
        return None
    column = COLUMNS[int(3 * where[0])]
    row = ROWS[int(3 * where[1])]
    return Statement(name, (column, row), where[0], away / PLACE_MARGIN)


def _lens(views: Sequence[View], zoom: float) -> Statement | None:
    known = three("lens", zoom, GREY_LENS, ("out", "same", "in"))
    fields = [tens(view.hfov_deg) for view in views[:2]]
    if (
        known is None
        or known.args == ("same",)
        or (fields[0] > fields[1]) != (zoom > 0)
        or fields[0] == fields[1]
    ):
        return known
    return known._replace(args=(known.args[0], fields[0], fields[1]))


def _face(angle_deg: float) -> Statement | None:
    """How far what faced the camera has moved to the object's edge."""
    if abs(angle_deg) < FACE_EDGES_DEG[0]:
        return None
    away = min(abs(math.log(abs(angle_deg) / edge)) for edge in FACE_EDGES_DEG)
    if away < FACE_MARGIN:
        return None
    way = "left" if angle_deg > 0 else "right"  # a camera that goes right sees what it faced go to its left
    number = bisect_left(FACE_EDGES_DEG, abs(angle_deg)) - 1
    return Statement("face", (FACE_WORDS[number], way), angle_deg, away / FACE_MARGIN)


def between(angle_deg: float, half_widths: Mapping[int, int]) -> Statement | None:
    """Two multiples of ten between which the angle around the object is; the nearest of the keys is in
    their middle.
    """
    middle = min(half_widths, key=lambda angle: abs(angle - abs(angle_deg)))
    half = half_widths[middle]
    margin = half - abs(abs(angle_deg) - middle)
    if margin < BETWEEN_MARGIN_DEG:
        return None
    return Statement("between", (middle - half, middle + half), abs(angle_deg), margin / BETWEEN_MARGIN_DEG)


def _facing(name: str, truth: Truth, further_deg: float) -> Statement | None:
    """From which side of an object with a known front a camera looks at it; its left is counter-clockwise
    of its front.
    """
    if truth.front_azimuth_deg is None:
        return None
    off = wrapped_deg(truth.azimuth_deg + further_deg - truth.front_azimuth_deg)
    for side, middle in (("front", 0.0), ("left", 90.0), ("back", 180.0), ("right", -90.0)):
        away = abs(wrapped_deg(off - middle))
        if away <= SECTOR_DEG:
            return Statement(name, (side,), off, 2.0 - away / SECTOR_DEG)
    return None


# --- what follows ------------------------------------------------------------------------------------


def follows_from(facts: Facts) -> dict[str, str | int]:
    """What follows from several facts, or from their numbers."""
    known = {name: fact.args[0] for name, fact in facts.items()}
    out: dict[str, str | int] = {}
    if "beyond_lens" in known:
        out["grown"] = known["beyond_lens"]
    elif "lens" in known and "size" in known:
        # zooming in makes things larger: if they are not, they are farther away
        growth = {SAME: known["size"], "in": "smaller", "out": "larger"}[str(known["lens"])]
        if known["lens"] == SAME or known["size"] in (SAME, growth):
            out["grown"] = growth
    if "side" in facts:
        args = facts["side"].args
        out["wide"] = "yes" if len(args) > 1 and int(args[1]) >= WIDE_DEG else "no"
    if "between" in facts:
        low, high = facts["between"].args
        out["middle"] = str((int(low) + int(high)) // 2)
    for name, turn, shift, opposite in (
        ("swept_x", "turned", "shift_x", {"left": "right", "right": "left", SAME: SAME}),
        ("swept_y", "tilted", "shift_y", {"up": "down", "down": "up", SAME: SAME}),
    ):
        if turn in known and shift in known:
            turned = str(known[turn])
            shifted = str(known[shift])
            # turning left takes the object right; if it is no further right, the camera went right
            if turned == SAME:
                out[name] = opposite[shifted]
            elif shifted in (SAME, turned):
                out[name] = opposite[turned]
    return out


def answers_by(evidence: Evidence, facts: Facts) -> set[str]:
    """The answers to which these facts lead."""
    known = {name: fact.args[0] for name, fact in facts.items()} | follows_from(facts)
    return {
        answer
        for answer, sets in evidence.items()
        if any(all(known.get(name) in words for name, words in needs.items()) for needs in sets)
    }


def pair_facts(case: Case) -> Facts:
    """The facts of a pair as a chain may tell them."""
    facts = case.pair.facts
    if _sums_agree(facts):
        return facts
    return without_numbers(facts, ("unturned_x", "offset_x", "unturned_y", "offset_y", "shift_x", "shift_y"))


def chain_of_pair(
    evidence: Evidence, plans: tuple[Plan, ...], facts: Callable[[Case], Facts] = pair_facts
) -> Chain:
    """How chains of thought are written for a kind that is answered by the motion between two views."""
    return Chain(
        facts=facts,
        answers=lambda case, stated: answers_by(evidence, stated),
        plans=plans,
        language=OF_PAIRS,
        follows=follows_from,
        can_follow=frozenset(evidence),
    )


def without_numbers(facts: Facts, names: Sequence[str]) -> dict[str, Statement]:
    """The same facts, these without the angle that they say."""
    return {
        name: fact._replace(args=fact.args[:1]) if name in names else fact for name, fact in facts.items()
    }


def _sums_agree(facts: Facts) -> bool:
    """Whether shifts in the picture add up within their coarseness; else their numbers would look like bad
    sums.
    """
    for axis in ("x", "y"):
        parts = [facts.get(f"{name}_{axis}") for name in ("unturned", "offset", "shift")]
        unturned, offset, shift = (0.0 if part is None else part.value for part in parts)
        if None not in parts and abs(unturned + offset - shift) > SUM_ATOL_DEG:
            return False
    return True
