"""Chains of thought from geometry: facts that the pictures show, then what follows from them.

`state_facts` computes what is clearly true of a pair (nothing within a grey zone), a plan says which of the
facts are said in which order, `PHRASES` puts each into one sentence of a closed grammar, and `EVIDENCE` holds
which facts make which answer. A chain is written only where its facts make the right answer and no other.
`verifier` reads the text back with its own grammar, formulas and rules.

Signs are those of docs/conventions.md; left, right, up and down are those of the picture or of the camera
that took it.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.geometry.rotations import wrapped_deg
from viewpoint100k.records import Truth, View

MAX_WORDS = 120  # 180 tokens at 1.5 tokens per word


class Grey(NamedTuple):
    """Up to `same` a quantity counts as none, from `clear` on as something; between, nothing is said about it."""

    same: float
    clear: float


GREY_SHIFT_DEG = Grey(2.5, 4.0)
GREY_ANGLE_DEG = Grey(4.0, 6.0)
GREY_TURN_DEG = Grey(2.0, 6.0)
GREY_SIZE = Grey(math.log(1.08), math.log(1.12))  # of the width: its shape from elsewhere also changes it
GREY_LENS = Grey(math.log(1.03), math.log(1.10))
MIN_NUMBER_DEG = 5.0  # smaller angles get no number: the nearest multiple of ten would be none
PLACE_MARGIN = 0.03  # of the picture, to the border of a third
FACE_EDGES_DEG = (
    12.0,
    29.0,
    49.0,
    73.0,
    107.0,
)  # whose sines part the way to the edge into what people can tell apart
FACE_MARGIN = 0.04  # a share of an edge
SECTOR_DEG = 43.0  # from the front, back, left or right: else it is said to be none of them
TENS = dict.fromkeys(
    range(20, 180, 10), 10
)  # angles that can be answered -> how far from each the truth may be
BINS = {20: 10, 45: 15, 90: 20}
BETWEEN_MARGIN_DEG = 1.0
WIDE_DEG = 40  # going so far around also brings a camera clearly ahead of where it began


class Statement(NamedTuple):
    """A fact about a pair of views."""

    predicate: str
    args: tuple[str | int, ...]  # which way, and a multiple of 10 degrees where one is said
    value: float  # what was measured: degrees, logarithms of ratios, or shares of the picture
    margin: float  # how clear it is, in grey zones; at least 1


Facts = Mapping[str, Statement]
Plan = tuple[
    str, ...
]  # predicates in order; `!` must be said, `?` is said if it is clear, `=` is a sentence of `PREMISES`


# --- facts ------------------------------------------------------------------------------------------


def state_facts(views: Sequence[View], truth: Truth) -> dict[str, Statement]:
    """What is clearly true of two views of an object at the origin, by predicate."""
    first, second = views[0], views[1]
    (across_1, down_1), (across_2, down_2) = _direction_of_box_deg(first), _direction_of_box_deg(second)
    beside, above = _turned_back_deg(first, second, truth)
    growth = 0.5 * math.log(max(second.object_share, 1e-9) / max(first.object_share, 1e-9))
    zoom = math.log(truth.focal_ratio)
    found = [
        _place("place_1", first),
        _place("place_2", second),
        _three("shift_x", across_2 - across_1, GREY_SHIFT_DEG, ("left", "same", "right"), degrees=True),
        _three("shift_y", down_2 - down_1, GREY_SHIFT_DEG, ("up", "same", "down"), degrees=True),
        _three("side", truth.azimuth_change_deg, GREY_ANGLE_DEG, ("left", "same", "right"), degrees=True),
        _three("upper", truth.elevation_change_deg, GREY_ANGLE_DEG, ("less", "same", "more"), degrees=True),
        _three("size", growth, GREY_SIZE, ("smaller", "same", "larger")),
        _three("beyond_lens", growth - zoom, GREY_SIZE, ("smaller", "same", "larger")),
        _lens(views, zoom),
        _three("unturned_x", beside[0], GREY_ANGLE_DEG, ("left", "same", "right"), degrees=True),
        _three("offset_x", beside[1], GREY_ANGLE_DEG, ("left", "same", "right"), degrees=True),
        _three("unturned_y", above[0], GREY_ANGLE_DEG, ("up", "same", "down"), degrees=True),
        _three("offset_y", above[1], GREY_ANGLE_DEG, ("up", "same", "down"), degrees=True),
        _three("turned", truth.yaw_deg, GREY_TURN_DEG, ("left", "same", "right"), degrees=True),
        _three("tilted", truth.pitch_deg, GREY_TURN_DEG, ("down", "same", "up"), degrees=True),
        # the picture's content turns against the camera
        _three(
            "lean", -truth.roll_deg, GREY_ANGLE_DEG, ("counter-clockwise", "same", "clockwise"), degrees=True
        ),
        _face(truth.azimuth_change_deg),
        _between(truth.azimuth_change_deg, TENS),
        _facing("faces_1", truth, 0.0),
        _facing("faces_2", truth, truth.azimuth_change_deg),
    ]
    return {one.predicate: one for one in found if one is not None}


def _three(
    name: str, value: float, grey: Grey, words: tuple[str, str, str], degrees: bool = False
) -> Statement | None:
    """One of three words: for clearly negative, for none, for clearly positive."""
    if abs(value) <= grey.same:
        return Statement(name, (words[1],), value, 2.0 - abs(value) / grey.same)
    if abs(value) < grey.clear:
        return None
    word: str = words[2] if value > 0 else words[0]
    args: tuple[str | int, ...] = (
        (word, _tens(value)) if degrees and abs(value) >= MIN_NUMBER_DEG else (word,)
    )
    return Statement(name, args, value, abs(value) / grey.clear)


def _tens(angle_deg: float) -> int:
    return max(10, 10 * int(abs(angle_deg) / 10 + 0.5))


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
    there_x = math.cos(back) * place_x + math.sin(back) * place_y
    there_y = math.cos(back) * place_y - math.sin(back) * place_x
    aside, _ = _direction_deg(
        -(a * there_x + d * there_y + g * place_z),
        -(b * there_x + e * there_y + h * place_z),
        -(c * there_x + f * there_y + i * place_z),
    )
    # the tilt is about the level axis to the right: unroll, tilt back, roll again
    roll, tilt = _roll(second), math.radians(truth.pitch_deg)
    level, down = x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)
    down, ahead = math.cos(tilt) * down - math.sin(tilt) * z, math.cos(tilt) * z + math.sin(tilt) * down
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
    column, row = (
        ("left", "middle", "right")[int(3 * where[0])],
        ("top", "middle", "bottom")[int(3 * where[1])],
    )
    return Statement(name, (column, row), where[0], away / PLACE_MARGIN)


def _lens(views: Sequence[View], zoom: float) -> Statement | None:
    known = _three("lens", zoom, GREY_LENS, ("out", "same", "in"))
    fields = [_tens(view.hfov_deg) for view in views[:2]]
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


def _between(angle_deg: float, half_widths: Mapping[int, int]) -> Statement | None:
    """Two multiples of ten between which the angle around the object is; the nearest of the keys is in their middle."""
    middle = min(half_widths, key=lambda one: abs(one - abs(angle_deg)))
    half = half_widths[middle]
    margin = half - abs(abs(angle_deg) - middle)
    if margin < BETWEEN_MARGIN_DEG:
        return None
    return Statement("between", (middle - half, middle + half), abs(angle_deg), margin / BETWEEN_MARGIN_DEG)


def _facing(name: str, truth: Truth, further_deg: float) -> Statement | None:
    """From which side of an object with a known front a camera looks at it; its left is counter-clockwise of its front."""
    if truth.front_azimuth_deg is None:
        return None
    off = wrapped_deg(truth.azimuth_deg + further_deg - truth.front_azimuth_deg)
    for side, middle in (("front", 0.0), ("left", 90.0), ("back", 180.0), ("right", -90.0)):
        away = abs(wrapped_deg(off - middle))
        if away <= SECTOR_DEG:
            return Statement(name, (side,), off, 2.0 - away / SECTOR_DEG)
    return None


# --- sentences ----------------------------------------------------------------------------------------

FACE_WORDS = (
    "a third of the way",
    "two thirds of the way",
    "nearly all the way",
    "all the way",
    "out of sight",
)
CONNECTIVES = ("", "", "", "First, ", "Next, ", "Also, ", "Further, ")
REFER_BACK = ("offset", "between", "about_2", "lands", "total")  # to the sentence before; no connective

# per predicate: what is said where there is something (with the words of the fact), and where there is
# nothing
PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "place_1": (
        (
            "The object's middle is in the {0} third of image 1 from left to right and in its {1} third from top to bottom",
            "Image 1 has the object's middle in the {0} third of its width and the {1} third of its height",
        ),
        (),
    ),
    "place_2": (
        (
            "The object's middle is in the {0} third of image 2 from left to right and in its {1} third from top to bottom",
            "Image 2 has the object's middle in the {0} third of its width and the {1} third of its height",
        ),
        (),
    ),
    "shift_x": (
        (
            "The object's middle shifted to the {0} in the picture{by}",
            "From image 1 to image 2, the object comes to lie further to the {0} in the picture{by}",
            "In the picture, the object has gone to the {0}{by}",
        ),
        (
            "The object's middle did not shift sideways in the picture",
            "From left to right, the object is at about the same place in both pictures",
        ),
    ),
    "shift_y": (
        (
            "The object's middle shifted {0} in the picture{by}",
            "From image 1 to image 2, the object comes to lie further {0} in the picture{by}",
            "In the picture, the object has gone {0}{by}",
        ),
        (
            "The object's middle did not shift up or down in the picture",
            "From top to bottom, the object is at about the same place in both pictures",
        ),
    ),
    "side": (
        (
            "In image 2 the object is seen more from the side that was on the {0} in image 1{by}",
            "The side of the object that was on the {0} in image 1 is turned more to the camera in image 2{by}",
            "Image 2 looks more at the side of the object that was on the {0} in image 1{by}",
        ),
        (
            "Both images show the object from nearly the same side",
            "Neither the left nor the right side of the object comes more into view in image 2",
            "The sides of the object are turned to the camera in image 2 as they were in image 1",
        ),
    ),
    "upper": (
        (
            "The object's upper side is turned {0} to the camera in image 2 than in image 1{by}",
            "In image 2 the top of the object faces the camera {0} than in image 1{by}",
            "Image 2 has the object's upper side {0} in view than image 1{by}",
        ),
        (
            "The object's upper side is turned to the camera equally in both images",
            "Both images see the top of the object at nearly the same slant",
        ),
    ),
    "size": (
        ("The object looks {0} in image 2 than in image 1", "In the picture, the object became {0}"),
        ("The object looks about as large in both images", "In the picture, the object kept its size"),
    ),
    "beyond_lens": (
        (
            "Compared with what the lens alone makes of its size, the object is {0} in image 2",
            "Leaving out what the lens did, the object looks {0} in image 2",
        ),
        (
            "What the lens did explains the size of the object in image 2",
            "Leaving out what the lens did, the object looks equally large in both images",
        ),
    ),
    "lens": (
        ("The lens zoomed {0}{fields}", "Between the images the lens was zoomed {0}{fields}"),
        ("The lens is the same in both images", "Both images have the same field of view"),
    ),
    "unturned_x": (
        (
            "Had the camera kept its heading, the object would have shifted to the {0} in the picture{by}",
            "Without turning, the move would have shifted the object to the {0} in the picture{by}",
        ),
        (
            "Had the camera kept its heading, the object would have stayed about where it was from left to right",
            "Without turning, there would be hardly any sideways shift of the object in the picture",
        ),
    ),
    "offset_x": (
        (
            "In image 2 the object is further to the {0} than that{by}",
            "Compared with that, image 2 has the object further to the {0}{by}",
        ),
        ("In image 2 the object is about where that puts it", "Image 2 has the object at about that place"),
    ),
    "unturned_y": (
        (
            "Had the camera kept its tilt, the object would have shifted {0} in the picture{by}",
            "Without tilting, the move would have shifted the object {0} in the picture{by}",
        ),
        (
            "Had the camera kept its tilt, the object would have stayed at about the same height in the picture",
            "Without tilting, there would be hardly any shift of the object up or down in the picture",
        ),
    ),
    "offset_y": (
        (
            "In image 2 the object is further {0} than that{by}",
            "Compared with that, image 2 has the object further {0}{by}",
        ),
        (
            "In image 2 the object is at about that height",
            "Image 2 has the object at about the height that this makes",
        ),
    ),
    "turned": (
        ("The camera turned to the {0}{by}", "The camera's heading swung to the {0}{by}"),
        ("The camera kept its heading", "The camera turned neither left nor right"),
    ),
    "tilted": (
        ("The camera tilted {0}{by}", "The camera's line of sight was tilted {0}{by}"),
        ("The camera kept its tilt", "The camera's line of sight was not tilted"),
    ),
    "lean": (
        (
            "Apart from perspective, the object's upright lines are turned {0} in the picture from image 1 to image 2{by}",
            "Perspective aside, what is upright on the object leans further {0} in image 2 than in image 1{by}",
        ),
        (
            "Apart from perspective, the object's upright lines have the same direction in both pictures",
            "Perspective aside, what is upright on the object leans the same way in both pictures",
        ),
    ),
    "face": (
        (
            "What faced the camera in image 1 has gone {0} to the object's {1} edge in image 2",
            "The part of the object that faced the camera in image 1 is {0} to the {1} edge of the object in image 2",
        ),
        (),
    ),
    "between": (
        (
            "That means that the direction from which the object is seen changed by more than {0} and less than {1} degrees",
            "The angle between both directions from the object to the camera is between {0} and {1} degrees",
        ),
        (),
    ),
    "faces_1": (
        ("Image 1 shows the object's {0}", "In image 1 the camera looks at the object's own {0}"),
        (),
    ),
    "faces_2": (
        ("Image 2 shows the object's {0}", "In image 2 the camera looks at the object's own {0}"),
        (),
    ),
}
# "out of sight" needs another sentence than a part of the way
FACE_GONE = (
    "What faced the camera in image 1 is out of sight in image 2, beyond the object's {1} edge",
    "The part of the object that faced the camera in image 1 is gone behind the {1} edge of the object in image 2",
)

PREMISES: dict[str, tuple[str, ...]] = {
    "sees_more": (
        "Going left, a camera sees more of the side that was on the left in its picture, and going right, of the one on the right",
        "The side that comes into view was on the left in the picture if the camera went left, and on the right if it went right",
    ),
    "turn_or_move": (
        "Turning to one side shifts the object to the other in the picture, and so does moving",
        "What a turn does not explain of the shift, the move does, and both shift the object the opposite way",
    ),
    "tilt_or_move": (
        "Tilting one way shifts the object the other way in the picture, and so does moving",
        "What a tilt does not explain of the shift, the move does, and both shift the object the opposite way",
    ),
    "turn_opposite": (
        "A turn takes the object the opposite way in the picture",
        "The object goes to the other side of the picture than the one to which the camera turns",
    ),
    "tilt_opposite": (
        "A tilt takes the object the opposite way in the picture",
        "The object goes up in the picture when the camera tilts down, and down when it tilts up",
    ),
    "roll_opposite": (
        "A roll turns the picture's content the opposite way",
        "The content of the picture turns against the camera's roll",
    ),
    "facing": (
        "An object that faces camera 1 has its own left on the right of image 1",
        "For something that faces the first camera, left and right are swapped",
    ),
    "from_above": (
        "Seen from above, going around something to the right is counter-clockwise and to the left clockwise",
        "A camera that goes around to its right goes counter-clockwise when seen from above, to its left clockwise",
    ),
    "own_sides": (
        "An object's own left is on the right of a picture of its front and on the left of a picture of its back",
        "Own left and right are swapped in a picture of the front, and as in the picture from behind",
    ),
    "higher_sees_top": (
        "The higher the place from which one looks, the more the top faces one",
        "The upper side is seen the better, the higher the camera looks from",
    ),
    "nearer_larger": (
        "Apart from the lens, an object looks the larger the nearer it is",
        "What the lens does not explain of the size comes from the distance",
    ),
    "ahead": (
        "Going far around an object also brings the camera ahead of where it was",
        "Whoever goes far around an object at the same distance also gets ahead along the first line of sight",
    ),
    "third_is_small": (
        "A third of the way to the edge is a small angle, two thirds a middle one, and the edge a quarter of a circle",
        "Halfway to the edge is a third of a quarter circle, and the edge itself is a whole one",
    ),
    "all_shift": ("A shift by itself does not tell a move from a tilt", "A shift alone may come from a tilt"),
}

# where a premise would be beside the point: it is said only if this fact, or what follows from the facts, is
# so
PREMISE_NEEDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ahead": ("wide", ("yes",)),
    "own_sides": ("faces_1", ("front", "back")),
}


def sentence(fact: Statement, rng: np.random.Generator) -> str:
    something, nothing = PHRASES[fact.predicate]
    phrases = nothing if fact.args == ("same",) else something
    if fact.predicate == "face" and fact.args[0] == FACE_WORDS[-1]:
        phrases = FACE_GONE
    numbers = [arg for arg in fact.args if isinstance(arg, int)]
    by = f", by about {numbers[0]} degrees" if numbers else ""
    fields = f", from a field of view of about {numbers[0]} to about {numbers[-1]} degrees" if numbers else ""
    return phrases[int(rng.integers(len(phrases)))].format(*fact.args, by=by, fields=fields)


# --- which facts make which answer ------------------------------------------------------------------

Words = tuple[str, ...]
Needs = Mapping[str, Words]  # predicate or conclusion from facts -> the words one of which it must have


def _ways(predicate: str, **answers: str) -> dict[str, list[Needs]]:
    """Answer -> the one word of one predicate that makes it; `_` in a keyword stands for a space."""
    return {answer.replace("_", " "): [{predicate: (word,)}] for answer, word in answers.items()}


def _either(*tables: dict[str, list[Needs]]) -> dict[str, list[Needs]]:
    return {answer: [needs for table in tables for needs in table.get(answer, [])] for answer in tables[0]}


def _both(
    first: dict[str, list[Needs]], second: dict[str, list[Needs]], joined: str
) -> dict[str, list[Needs]]:
    return {
        joined.format(one, other): [{**a, **b} for a in first[one] for b in second[other]]
        for one in first
        for other in second
    }


_SIDEWAYS = {"left": "left", "right": "right", "no_movement_sideways": "same"}
_FLIPPED = {"left": "right", "right": "left", "no_movement_sideways": "same"}
_TURNS = _ways("offset_x", left="right", right="left", no_horizontal_rotation="same")
_LEFT_RIGHT = _ways("side", left="left", right="right")
_SAME_PLACE: Needs = {"side": ("same",), "upper": ("same",)}
_MOTIONS: dict[str, list[Needs]] = {
    "it moved sideways": [{"side": ("left", "right"), "offset_x": ("same",)}],
    "it moved up or down": [{"upper": ("more", "less"), "side": ("same",), "offset_y": ("same",)}],
    "it moved forward or back": [{"grown": ("larger", "smaller"), **_SAME_PLACE}],
    "it turned left or right": [{"offset_x": ("left", "right"), **_SAME_PLACE}],
    "it tilted up or down": [{"offset_y": ("up", "down"), **_SAME_PLACE}],
    "it rolled to one side": [{"lean": ("clockwise", "counter-clockwise"), **_SAME_PLACE}],
    "it went around the object": [
        {"side": ("right",), "offset_x": ("right",)},
        {"side": ("left",), "offset_x": ("left",)},
    ],
}


def _action(motion: str, predicate: str, **answers: str) -> dict[str, list[Needs]]:
    """Actions from the motion that they are and the word that tells their direction."""
    return {
        answer.replace("_", " "): [{**needs, predicate: (word,)} for needs in _MOTIONS[motion]]
        for answer, word in answers.items()
    }


EVIDENCE: dict[str, dict[str, list[Needs]]] = {
    "ego_translation/camera_1": _either(_ways("side", **_SIDEWAYS), _ways("swept_x", **_SIDEWAYS)),
    "object_translation/object_facing_camera_1": _either(
        _ways("side", **_FLIPPED), _ways("swept_x", **_FLIPPED)
    ),
    "object_translation/object_front": {
        "left": [
            {"faces_1": ("front",), "side": ("right",)},
            {"faces_1": ("back",), "side": ("left",)},
        ],
        "right": [
            {"faces_1": ("front",), "side": ("left",)},
            {"faces_1": ("back",), "side": ("right",)},
        ],
        "no movement sideways": [{"faces_1": ("front", "back"), "side": ("same",)}],
    },
    "object_translation/seen_from_above": {
        "clockwise": [{"side": ("left",)}],
        "counter-clockwise": [{"side": ("right",)}],
        "no movement around it": [{"side": ("same",)}],
    },
    "ego_rotation/camera_1": _TURNS,
    "vertical_translation/camera_1": _either(
        _ways("upper", down="less", up="more", neither_up_nor_down="same"),
        _ways("swept_y", down="down", up="up", neither_up_nor_down="same"),
    ),
    "forward_translation/camera_1": {
        "backward": [{"grown": ("smaller",), "wide": ("no",)}],
        "forward": [{"grown": ("larger",)}, {"grown": ("same",), "wide": ("yes",)}],
        "neither forward nor backward": [{"grown": ("same",), "wide": ("no",)}],
    },
    "combined_translation/camera_1": _both(_LEFT_RIGHT, _ways("upper", down="less", up="more"), "{} and {}"),
    "pitch/camera_1": _ways("offset_y", down="up", up="down", no_tilt="same"),
    "roll/behind_camera_1": {
        "counter-clockwise": [{"lean": ("clockwise",)}],
        "clockwise": [{"lean": ("counter-clockwise",)}],
        "no roll": [{"lean": ("same",)}],
    },
    "which_motion/camera_1": _MOTIONS,
    "next_action/camera_1": {
        **_action("it moved sideways", "side", move_left="left", move_right="right"),
        **_action("it moved up or down", "upper", move_down="less", move_up="more"),
        **_action("it moved forward or back", "grown", move_backward="smaller", move_forward="larger"),
        **_action("it turned left or right", "offset_x", turn_left="right", turn_right="left"),
        **_action("it tilted up or down", "offset_y", tilt_down="up", tilt_up="down"),
        "roll counter-clockwise": [{"lean": ("clockwise",), **_SAME_PLACE}],
        "roll clockwise": [{"lean": ("counter-clockwise",), **_SAME_PLACE}],
    },
    "angle/around_object": {f"about {n} degrees": [{"middle": (str(n),), "face": FACE_WORDS}] for n in BINS},
    "angle_number/around_object": {str(n): [{"middle": (str(n),), "face": FACE_WORDS}] for n in TENS},
    "signed_angle/seen_from_above": {
        f"about {n} degrees {way}": [{"middle": (str(n),), "face": FACE_WORDS, "side": (side,)}]
        for n in BINS
        for way, side in (("clockwise", "left"), ("counter-clockwise", "right"))
    },
    "distance/object": _ways("grown", nearer="larger", farther="smaller", equally_far="same"),
    "elevation/object": _ways("upper", lower="less", higher="more", equally_high="same"),
    "relative_pose/camera_1": _both(
        _LEFT_RIGHT, _ways("offset_x", left="right", right="left"), "moved {}, turned {}"
    ),
}


def answers_of(kind_name: str, facts: Facts) -> set[str]:
    """The answers that these facts make; a sound chain makes exactly one."""
    known = {name: fact.args[0] for name, fact in facts.items()} | _consequences(facts)
    return {
        answer
        for answer, ways in EVIDENCE[kind_name].items()
        if any(all(known.get(name) in words for name, words in needs.items()) for needs in ways)
    }


def _consequences(facts: Facts) -> dict[str, str | int]:
    """What follows from several facts, or from their numbers."""
    known = {name: fact.args[0] for name, fact in facts.items()}
    out: dict[str, str | int] = {}
    if "beyond_lens" in known:
        out["grown"] = known["beyond_lens"]
    elif "lens" in known and "size" in known:
        # zooming in makes things larger: if they are not, they are farther away
        growth = {"same": known["size"], "in": "smaller", "out": "larger"}[str(known["lens"])]
        if known["lens"] == "same" or known["size"] in ("same", growth):
            out["grown"] = growth
    if "side" in facts:
        args = facts["side"].args
        out["wide"] = "yes" if len(args) > 1 and int(args[1]) >= WIDE_DEG else "no"
    if "between" in facts:
        low, high = facts["between"].args
        out["middle"] = str((int(low) + int(high)) // 2)
    for name, turn, shift, opposite in (
        ("swept_x", "turned", "shift_x", {"left": "right", "right": "left", "same": "same"}),
        ("swept_y", "tilted", "shift_y", {"up": "down", "down": "up", "same": "same"}),
    ):
        if turn in known and shift in known:
            turned, shifted = str(known[turn]), str(known[shift])
            # turning left takes the object right; if it is no further right, the camera went right
            if turned == "same":
                out[name] = opposite[shifted]
            elif shifted in ("same", turned):
                out[name] = opposite[turned]
    return out


# --- plans --------------------------------------------------------------------------------------------

_MOTION_PLANS: tuple[Plan, ...] = (
    ("side!", "upper!", "beyond_lens?", "unturned_x?", "offset_x?", "lean?"),
    ("side!", "upper!", "lens?", "size?", "unturned_y?", "offset_y?"),
    ("side!", "unturned_x!", "offset_x!", "=turn_opposite", "upper?", "lean?"),
    ("upper!", "unturned_y!", "offset_y!", "=tilt_opposite", "side!"),
    ("lens!", "size!", "side!", "upper!", "=nearer_larger"),
    ("lean!", "=roll_opposite", "side!", "upper!"),
    ("shift_x?", "shift_y?", "side!", "upper!", "unturned_x?", "offset_x?"),
    ("lean?", "size?", "upper!", "side!", "unturned_y?", "offset_y?"),
)

PLANS: dict[str, tuple[Plan, ...]] = {
    "ego_translation/camera_1": (
        ("side!", "=sees_more"),
        ("place_1?", "=sees_more", "side!"),
        ("shift_x!", "turned!", "=turn_or_move"),
        ("upper?", "size?", "side!", "=sees_more"),
    ),
    "object_translation/object_facing_camera_1": (
        ("side!", "=sees_more", "=facing"),
        ("=facing", "side!", "=sees_more"),
        ("shift_x!", "turned!", "=turn_or_move", "=facing"),
        ("place_1?", "side!", "=facing"),
    ),
    "object_translation/object_front": (
        ("faces_1!", "side!", "=own_sides", "=sees_more"),
        ("side!", "faces_1!", "faces_2?", "=own_sides"),
        ("=own_sides", "faces_1!", "upper?", "side!"),
    ),
    "object_translation/seen_from_above": (
        ("side!", "=sees_more", "=from_above"),
        ("=from_above", "side!"),
        ("upper?", "side!", "=from_above"),
        ("face?", "side!", "=sees_more", "=from_above"),
    ),
    "ego_rotation/camera_1": (
        ("side?", "unturned_x!", "offset_x!", "=turn_opposite"),
        ("shift_x?", "side?", "unturned_x!", "offset_x!", "=turn_opposite"),
        ("=turn_opposite", "unturned_x!", "offset_x!"),
        ("place_1?", "place_2?", "unturned_x!", "offset_x!"),
    ),
    "vertical_translation/camera_1": (
        ("upper!", "=higher_sees_top"),
        ("place_1?", "=higher_sees_top", "upper!"),
        ("shift_y!", "tilted!", "=tilt_or_move"),
        ("side?", "upper!", "=higher_sees_top"),
    ),
    "forward_translation/camera_1": (
        ("lens!", "size!", "=nearer_larger", "side!", "upper?"),
        ("side!", "upper?", "beyond_lens!", "=nearer_larger"),
        ("beyond_lens!", "side!", "upper?", "=ahead"),
        ("size?", "lens!", "beyond_lens!", "=nearer_larger", "side!", "upper?"),
    ),
    "combined_translation/camera_1": (
        ("side!", "upper!", "=sees_more"),
        ("upper!", "=higher_sees_top", "side!", "=sees_more"),
        ("place_1?", "side!", "upper!"),
    ),
    "pitch/camera_1": (
        ("upper?", "unturned_y!", "offset_y!", "=tilt_opposite"),
        ("shift_y?", "upper?", "unturned_y!", "offset_y!", "=tilt_opposite"),
        ("=tilt_opposite", "unturned_y!", "offset_y!"),
        ("place_1?", "place_2?", "unturned_y!", "offset_y!"),
    ),
    "roll/behind_camera_1": (
        ("lean!", "=roll_opposite"),
        ("=roll_opposite", "lean!"),
        ("side?", "upper?", "lean!", "=roll_opposite"),
        ("place_1?", "place_2?", "lean!", "=roll_opposite"),
    ),
    "which_motion/camera_1": _MOTION_PLANS,
    "next_action/camera_1": _MOTION_PLANS,
    "angle/around_object": (
        ("side?", "face!", "between!"),
        ("face!", "=third_is_small", "between!"),
        ("=third_is_small", "face!", "between!"),
        ("upper?", "face!", "between!"),
    ),
    "angle_number/around_object": (
        ("side?", "face!", "between!"),
        ("face!", "=third_is_small", "between!"),
        ("=third_is_small", "face!", "between!"),
        ("upper?", "face!", "between!"),
    ),
    "signed_angle/seen_from_above": (
        ("side!", "=from_above", "face!", "between!"),
        ("face!", "between!", "side!", "=from_above"),
        ("face!", "side!", "=third_is_small", "between!"),
    ),
    "distance/object": (
        ("lens!", "size!", "=nearer_larger"),
        ("beyond_lens!", "=nearer_larger"),
        ("=nearer_larger", "lens?", "size?", "beyond_lens!"),
        ("side?", "beyond_lens!", "=nearer_larger"),
    ),
    "elevation/object": (
        ("upper!", "=higher_sees_top"),
        ("=higher_sees_top", "side?", "upper!"),
        ("shift_y?", "=all_shift", "upper!", "=higher_sees_top"),
    ),
    "relative_pose/camera_1": (
        ("side!", "=sees_more", "unturned_x!", "offset_x!", "=turn_opposite"),
        ("shift_x?", "side!", "unturned_x!", "offset_x!", "=turn_opposite"),
        ("unturned_x!", "offset_x!", "=turn_opposite", "side!", "=sees_more"),
    ),
}
ANGLE_KINDS = ("angle/around_object", "angle_number/around_object", "signed_angle/seen_from_above")


def write_chain(
    kind_name: str,
    views: Sequence[View],
    truth: Truth,
    answer_text: str,
    rng: np.random.Generator,
    facts: Facts | None = None,
) -> str | None:
    """A chain of thought that ends in the right answer, or None where the facts do not clearly make it.

    Args:
        kind_name: "type/frame".
        views: the two views, in the order of the question.
        truth: the motion from the first to the second.
        answer_text: the words of the right option; for `angle_number` the angle rounded to ten degrees, such
            as "50".
        rng: chooses plan and phrases.
        facts: `state_facts(views, truth)`, where it is known already.

    Returns:
        Sentences that `verifier.verify_chain` accepts, at most `MAX_WORDS` words; the conclusion is the last
        one.
    """
    if answer_text not in EVIDENCE.get(kind_name, {}):
        return None
    facts = _facts_for(kind_name, truth, facts or state_facts(views, truth))
    if answers_of(kind_name, facts) - {answer_text}:
        return None  # something speaks against the answer: it is not left out, so there is no chain
    plans = PLANS[kind_name]
    order = rng.permutation(len(plans))
    for number, optional in [(number, True) for number in order] + [(number, False) for number in order]:
        said = said_by(plans[number], facts, optional)
        stated = {one.predicate: one for one in said if isinstance(one, Statement)}
        if said and answers_of(kind_name, stated) == {answer_text}:
            text = text_of(said, answer_text, rng)
            if len(text.split()) <= MAX_WORDS:
                return text
    return None


def _facts_for(kind_name: str, truth: Truth, facts: Facts) -> Facts:
    """The facts of a pair as a chain for this kind may tell them."""
    if kind_name in ("angle/around_object", "signed_angle/seen_from_above"):
        facts = {name: one for name, one in facts.items() if name != "between"}
        if (known := _between(truth.azimuth_change_deg, BINS)) is not None:
            facts["between"] = known
    if kind_name in ANGLE_KINDS:  # another angle's number could be taken for the label
        return _without_numbers(facts, ("side", "upper"))
    if not _sums_agree(facts):
        return _without_numbers(
            facts, ("unturned_x", "offset_x", "unturned_y", "offset_y", "shift_x", "shift_y")
        )
    return facts


def _without_numbers(facts: Facts, names: Sequence[str]) -> dict[str, Statement]:
    return {name: one._replace(args=one.args[:1]) if name in names else one for name, one in facts.items()}


def _sums_agree(facts: Facts) -> bool:
    """Whether shifts in the picture add up within their coarseness; else their numbers would look like bad sums."""
    for axis in ("x", "y"):
        parts = [facts.get(f"{name}_{axis}") for name in ("unturned", "offset", "shift")]
        kept, off, all_in_all = (0.0 if part is None else part.value for part in parts)
        if all(part is not None for part in parts) and abs(kept + off - all_in_all) > 8:
            return False
    return True


PremiseNeeds = Mapping[str, tuple[str, tuple[str, ...]]]


def said_by(
    plan: Plan, facts: Facts, optional: bool, needs: PremiseNeeds = PREMISE_NEEDS
) -> list[Statement | str]:
    """What a plan says of these facts, in order; empty where one is lacking that must be said."""
    out: list[Statement | str] = []
    known = {name: fact.args[0] for name, fact in facts.items()} | _consequences(facts)
    for step in plan:
        name, mark = (step[1:], "=") if step[0] == "=" else (step[:-1], step[-1])
        if mark == "=":
            if name in needs and known.get(needs[name][0]) not in needs[name][1]:
                return []
            out.append(name)
        elif mark == "?" and not optional:
            continue
        elif name in facts and not (name.startswith("offset") and f"unturned_{name[-1]}" not in facts):
            out.append(facts[name])
        elif mark == "!":
            return []
    return out


def text_of(
    said: Sequence[Statement | str],
    answer_text: str,
    rng: np.random.Generator,
    speak: Callable[[Statement, np.random.Generator], str] = sentence,
    premises: Mapping[str, tuple[str, ...]] = PREMISES,
) -> str:
    """The sentences of facts and premises, and the conclusion."""
    sentences = []
    for number, one in enumerate(said):
        if isinstance(one, str):
            sentences.append(premises[one][int(rng.integers(len(premises[one])))])
            continue
        connective = CONNECTIVES[int(rng.integers(len(CONNECTIVES)))]
        bound = one.predicate.startswith(REFER_BACK) or (connective == "First, ") != (number == 0)
        text = speak(one, rng)
        sentences.append(text if bound or not connective else connective + text[0].lower() + text[1:])
    return ". ".join([*sentences, f"So the answer is: {answer_text}"]) + "."
