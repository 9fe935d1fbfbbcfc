"""Reads the sentences of chains about figures and sets of views back, and draws their conclusions.

`verifier` takes a chain apart and asks here for kinds that draw a figure. As there, nothing is shared with
the writer: the grammar is written down a second time, each fact is measured anew on stored data (poses,
intrinsics, boxes, what depth told of surface points, sides and shared surface, and the question's figure),
and rules of our own tell what follows.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.questions.read_figure import ReadFigure as Figure
from viewpoint100k.records import Seen, SurfacePoint, View

Array = NDArray[np.float64]
Say = Mapping[str, str]

SLACK_DEG = 6.0  # "about 20 degrees" is true from 14 to 26
SUM_SLACK_DEG = 10.0  # two of them
SAME_SIDE_DEG = 10.0  # so far from the side that faces a camera is still that side
FROM_AXIS = 0.07  # nearer to the upright axis, a place is on no side
MOVED = 0.05  # of the object's box
LENS_DIFFERS, SIZE_DIFFERS = 1.06, 1.10  # ratios
SIDE_SHOWN = 0.08  # of the object's pixels
DOTS = ("red", "blue", "green", "yellow")

# --- grammar ----------------------------------------------------------------------------------------

LR = "left|right"
COLUMN, ROW = "left|middle|right", "top|middle|bottom"
PART = "a third of the way|two thirds of the way|nearly all the way|all the way|out of sight"
GOING = "a third of the way|two thirds of the way|nearly all the way|all the way"
SIDES = "the front|the back|the left|the right"
RANK = "the most|a middle part|the least"
AWAY = "about (?P<deg{0}>\\d+) degrees (?P<way{0}>further to the left|further to the right|higher)"
NEW = "the (?P<way{0}>left side|right side|top)"


def _dots(joints: tuple[str, str]) -> str:
    """Thirds across and down of all four dots."""
    first, then = joints
    items = [
        f"{colour} {(first if i == 0 else then).format(f'(?P<x_{colour}>{COLUMN})', f'(?P<y_{colour}>{ROW})')}"
        for i, colour in enumerate(DOTS)
    ]
    return ", ".join(items)


def _cameras(verb: str) -> str:
    red, *others = (rf"(?P<deg_{c}>\d+){{0}} to the (?P<way_{c}>{LR})" for c in DOTS)
    items = [f"{colour} {item.format('')}" for colour, item in zip(DOTS[1:], others, strict=True)]
    return ", ".join([f"red {verb} about {red.format(' degrees')}", *items])


GRAMMAR: tuple[tuple[str, str], ...] = (
    (
        "dot",
        f"in image 1 the dot is in the (?P<x>{COLUMN}) third of the object across and in its (?P<y>{ROW}) third down",
    ),
    (
        "dot",
        f"image 1 has the dot in the (?P<x>{COLUMN}) third of the object's width and the (?P<y>{ROW}) third of its height",
    ),
    (
        "about_1",
        rf"seen from above, the marked place is about (?P<deg>\d+) degrees around the object to the (?P<way>{LR}) of what faces "
        "camera 1",
    ),
    (
        "about_1",
        rf"counted around the upright axis, the marked place lies about (?P<deg>\d+) degrees to the (?P<way>{LR}) of what faces "
        "camera 1",
    ),
    ("about_1", "seen from above, the marked place is where the object faces camera 1"),
    ("about_1", "counted around the upright axis, the marked place lies in the direction of camera 1"),
    ("about_2", rf"for camera 2 this place is then about (?P<deg>\d+) degrees to the (?P<way>{LR})"),
    ("about_2", rf"that puts it about (?P<deg>\d+) degrees to the (?P<way>{LR}) of what faces camera 2"),
    ("about_2", "for camera 2 this place is then straight ahead"),
    ("about_2", "that puts it where the object faces camera 2"),
    (
        "lands",
        f"on the object in image 2, this place is (?:further to the (?P<way>{LR})|neither further left nor right), in "
        f"the (?P<x>{COLUMN}) third across and the (?P<y>{ROW}) third down",
    ),
    (
        "lands",
        f"in image 2 this place is further to the (?P<way>{LR}) on the object, it is in the (?P<x>{COLUMN}) third of its width and the "
        f"(?P<y>{ROW}) third of its height",
    ),
    (
        "lands",
        f"in image 2 this place has gone neither left nor right on the object, it is in the (?P<x>{COLUMN}) third of its width "
        f"and the (?P<y>{ROW}) third of its height",
    ),
    (
        "dots",
        "of the dots in image 2, " + _dots(("is in the {} third across and the {} third down", "{} and {}")),
    ),
    ("dots", "by thirds of the object's width and height, image 2 has " + _dots(("{} and {}", "{} and {}"))),
    ("map", "on the map, going around from the white camera, " + _cameras("is")),
    ("map", "counted around the map's middle from the white camera, " + _cameras("stands")),
    (
        "shown",
        f"of the object's own upright sides, image 1 shows (?P<one>{SIDES})(?: and (?P<two>{SIDES}))? and no other",
    ),
    (
        "shown",
        f"the only ones of the object's own upright sides that image 1 shows clearly: (?P<one>{SIDES})(?: and (?P<two>{SIDES}))?",
    ),
    ("backdrop", "what is far behind the object looks (?P<way>larger|smaller) in image 2 than in image 1"),
    ("backdrop", "things in the background are drawn (?P<way>larger|smaller) in image 2 than in image 1"),
    ("backdrop", "what is far behind the object looks equally large in both images"),
    ("backdrop", "things in the background are drawn at the same scale in both images"),
    (
        "against",
        "measured against the background, the object is (?P<way>larger|smaller) in image 2 than in image 1",
    ),
    ("against", "in relation to what is behind it, the object became (?P<way>larger|smaller)"),
    ("against", "measured against the background, the object is equally large in both images"),
    ("against", "in relation to what is behind it, the object kept its size"),
    (
        "expected",
        rf"the move brings more of the side into view that is on the (?P<way>{LR}) in image 1, by about (?P<deg>\d+) degrees",
    ),
    (
        "expected",
        rf"after the move, one must see the object from about (?P<deg>\d+) degrees further to the (?P<way>{LR}) than in image 1",
    ),
    ("expected", r"the move turns the top of the object more to the camera, by about (?P<deg>\d+) degrees"),
    (
        "expected",
        r"after the move, one must look down at the object about (?P<deg>\d+) degrees more steeply than in image 1",
    ),
    (
        "views",
        "(?:compared with image 1|by the sides that come into view), "
        f"image 2 was taken from {AWAY.format(2)}, image 3 from {AWAY.format(3)} and image 4 from {AWAY.format(4)}",
    ),
    (
        "ways",
        "(?:compared with image 1, what comes more into view is|what is turned more to the camera than in image 1 is) "
        f"{NEW.format(2)} in image 2, {NEW.format(3)} in image 3 and {NEW.format(4)} in image 4",
    ),
    (
        "all_one_way",
        f"each of images 2, 3 and 4 looks more at the side of the object that was on the (?P<way>{LR}) in image 1",
    ),
    (
        "all_one_way",
        f"in images 2, 3 and 4 alike, the object is seen more from the side that was on the (?P<way>{LR}) in image 1",
    ),
    (
        "parts",
        f"towards the object's (?P<way>{LR}) edge, what faced the camera in image 1 is (?P<p2>{PART}) in image 2, (?P<p3>{PART}) "
        f"in image 3 and (?P<p4>{PART}) in image 4",
    ),
    (
        "parts",
        f"what faced the camera in image 1 has gone towards the (?P<way>{LR}) edge of the object: in image 2 it is (?P<p2>{PART}), "
        f"in image 3 (?P<p3>{PART}), in image 4 (?P<p4>{PART})",
    ),
    (
        "turns",
        r"the angle around the object from image 1 is about (?P<deg2>\d+) degrees to image 2, about (?P<deg3>\d+) to image 3 and "
        r"about (?P<deg4>\d+) to image 4",
    ),
    (
        "turns",
        r"around the object, image 2 is about (?P<deg2>\d+) degrees away from image 1, image 3 about (?P<deg3>\d+) and image 4 about (?P<deg4>\d+)",
    ),
    (
        "shared",
        f"of the surface that is seen in image 1, image 2 has (?P<p2>{RANK}) in common with it, image 3 (?P<p3>{RANK}) and image 4 "
        f"(?P<p4>{RANK})",
    ),
    (
        "shared",
        f"by the surface that they share with image 1, image 2 has (?P<p2>{RANK}), image 3 (?P<p3>{RANK}), image 4 (?P<p4>{RANK})",
    ),
    (
        "leg_side",
        f"image (?P<image_b>[23]) looks more at the side that was on the (?P<way>{LR}) in image (?P<image_a>[12])",
    ),
    (
        "leg_side",
        f"in image (?P<image_b>[23]) the object is seen more from the side that was on the (?P<way>{LR}) in image (?P<image_a>[12])",
    ),
    (
        "leg_part",
        f"what faced the camera in image (?P<image_a>[12]) has gone (?P<part>{GOING}) to the object's (?P<way>{LR}) edge in image "
        "(?P<image_b>[23])",
    ),
    (
        "leg_part",
        f"what faced camera (?P<image_a>[12]) is (?P<part>{GOING}) to the object's (?P<way>{LR}) edge in image (?P<image_b>[23])",
    ),
    (
        "leg_part",
        f"what faced the camera in image (?P<image_a>[12]) is (?P<part>out of sight) in image (?P<image_b>[23]), beyond the object's "
        f"(?P<way>{LR}) edge",
    ),
    (
        "leg_part",
        f"what faced camera (?P<image_a>[12]) is (?P<part>gone) behind the object's (?P<way>{LR}) edge in image (?P<image_b>[23])",
    ),
    (
        "leg_turn",
        r"from image (?P<image_a>[12]) to image (?P<image_b>[23]) that is about (?P<deg>\d+) degrees around the object",
    ),
    (
        "leg_turn",
        r"about (?P<deg>\d+) degrees around it lie between image (?P<image_a>[12]) and image (?P<image_b>[23])",
    ),
    ("total", r"both parts together come to (?P<deg>\d+) degrees"),
    ("total", r"added up, that is (?P<deg>\d+) degrees"),
)
# sentences that are true of every picture: how things are seen, never what happened
ALWAYS_TRUE = frozenset(
    """
the white camera looks up the map, so its right is the map's right
on the map the first camera stands below the object, so its right is the map's right
what one sees of an object goes against the camera's way
the surface that one sees turns to the other side than the camera goes
what is turned from the camera by well less than a quarter of a circle is in view, by well more it is behind the object, unless it is high up
a place in front is in view, and one that is turned away by far more than a quarter of a circle is not, unless it is high up
going around an object to the right, one meets the front, left, back and right of it in this order, to the left the other way round
from above and counter-clockwise, an object's own sides are front, left, back, right, and to one's right is counter-clockwise
a lens changes the size of everything alike, and the distance to the object only that of the object, not of what is far behind
what is far away grows with the lens alone, and the object also with the camera's nearness
the further the camera has gone around, the further what it faced has turned away
the further along the way a picture was taken, the less it has in common with the first
ways around the object in the same sense add up
two parts of one way around the object make an angle that is their sum
""".strip().splitlines()
)
COMPILED = tuple((predicate, re.compile(pattern)) for predicate, pattern in GRAMMAR)

# what a chain of a kind may say, of ours and of the facts about pairs that `verifier` knows
VOCABULARY: Mapping[str, frozenset[str]] = {
    "marked_point/image_2": frozenset({"dot", "about_1", "about_2", "lands", "dots", "side", "upper"}),
    "covisible_point/image_2": frozenset({"dot", "about_1", "about_2", "side", "upper", "face"}),
    "camera_on_map/seen_from_above": frozenset({"map", "side", "upper", "face", "between"}),
    "revealed_side/object_front": frozenset({"shown", "side", "upper", "face", "faces"}),
    "zoom_or_dolly/camera_1": frozenset({"backdrop", "against", "side", "upper", "size"}),
    "which_view/around_object": frozenset({"expected", "views", "ways"}),
    "order/around_object": frozenset({"all_one_way", "parts", "turns", "shared"}),
    "composed_angle/seen_from_above": frozenset({"leg_side", "leg_part", "leg_turn", "total"}),
}
EVERY_OPTION = frozenset({"views", "ways"})  # they name all options, in order: none stands out
REFERS_BACK: Mapping[str, frozenset[str]] = {
    "about_2": frozenset({"about_1", "dot"}),
    "lands": frozenset({"about_1", "dot"}),
    "total": frozenset({"leg_turn"}),
}


def read(bare: str, vocabulary: Collection[str]) -> tuple[str, Say] | None:
    """Predicate and words of the one sentence of the grammar that this is; "" for what is always true."""
    if bare in ALWAYS_TRUE:
        return "", {}
    for predicate, pattern in COMPILED:
        if predicate in vocabulary and (found := pattern.fullmatch(bare)) is not None:
            return predicate, {k: v for k, v in found.groupdict().items() if v is not None}
    return None


def order_problems(predicates: Sequence[str]) -> list[str]:
    """`This place` needs one, and a sum its parts."""
    return [
        f"refers to nothing: {one!r} sentence"
        for number, one in enumerate(predicates)
        if one in REFERS_BACK and not REFERS_BACK[one] & set(predicates[:number])
    ]


# --- what is true -----------------------------------------------------------------------------------


class Shown(NamedTuple):
    """What can be measured on what a question shows."""

    views: Sequence[View]
    seen: Seen
    figure: Figure

    def agrees(self, predicate: str, say: Say) -> bool:
        """Whether a sentence is true; false as well if it is about something that the question does not have."""
        try:
            return bool(CHECKS[predicate](self, say))
        except (IndexError, KeyError, ValueError, ZeroDivisionError):
            return False

    def place(self, image: int) -> Array:
        return np.array(self.views[image - 1].world_from_camera, dtype=np.float64)[:3, 3]

    def around(self, start: int, end: int) -> float:
        """From one image to another about the object, counter-clockwise from above, which is to the right."""
        return _turn(self.place(start), self.place(end))

    def climb(self, end: int) -> float:
        first, second = (self.place(image) for image in (1, end))
        return _deg(
            np.arcsin(second[2] / np.linalg.norm(second)) - np.arcsin(first[2] / np.linalg.norm(first))
        )

    def point(self) -> SurfacePoint:
        """The one under the only dot of image 1."""
        (mark,) = (mark for mark in self.figure.marks if mark.image == 0)
        under = [
            p
            for p in self.seen.points
            if max(abs(p.pixels[0][0] - mark.x), abs(p.pixels[0][1] - mark.y)) < 0.05
        ]
        return under[0]

    def cell(self, image: int, x: float, y: float) -> tuple[str, str]:
        across, down = self.within(image, x, y)
        return COLUMN.split("|")[_third(across)], ROW.split("|")[_third(down)]

    def within(self, image: int, x: float, y: float) -> tuple[float, float]:
        box = self.views[image - 1].object_box
        return (x - box[0]) / (box[2] - box[0]), (y - box[1]) / (box[3] - box[1])


def _turn(one: Any, other: Any) -> float:
    """Degrees about the vertical from one direction to another, counter-clockwise from above."""
    return _deg(np.angle(complex(other[0], other[1]) * complex(one[0], -one[1])))


def _deg(radians: Any) -> float:
    return float(radians) * 180.0 / float(np.pi)


def _third(share: float) -> int:
    return 0 if 3 * share < 1 else 1 if 3 * share < 2 else 2


def _near(said: str, value: float, slack: float = SLACK_DEG) -> bool:
    return abs(int(said) - abs(value)) <= slack


def _side_and_size(say: Say, value: float, suffix: str = "") -> bool:
    return say["way" + suffix] == ("right" if value > 0 else "left") and _near(say["deg" + suffix], value)


def _dot(shown: Shown, say: Say) -> bool:
    return shown.cell(1, *shown.point().pixels[0]) == (say["x"], say["y"])


def _about(shown: Shown, say: Say, image: int) -> bool:
    point = shown.point().world
    turn = _turn(shown.place(image), point)
    if np.hypot(point[0], point[1]) < FROM_AXIS:
        return False
    return (
        _side_and_size(say, turn) and abs(turn) > SAME_SIDE_DEG
        if "way" in say
        else abs(turn) <= SAME_SIDE_DEG
    )


def _lands(shown: Shown, say: Say) -> bool:
    point = shown.point()
    went = shown.within(2, *point.pixels[1])[0] - shown.within(1, *point.pixels[0])[0]
    way = "" if abs(went) <= MOVED else "right" if went > 0 else "left"
    return way == say.get("way", "") and shown.cell(2, *point.pixels[1]) == (say["x"], say["y"])


def _all_dots(shown: Shown, say: Say) -> bool:
    dots = [mark for mark in shown.figure.marks if mark.image == 1]
    cells = {mark.colour: shown.cell(2, mark.x, mark.y) for mark in dots}
    return len(dots) == len(DOTS) and all(cells[c] == (say[f"x_{c}"], say[f"y_{c}"]) for c in cells)


def _on_map(shown: Shown, say: Say) -> bool:
    cameras = shown.figure.map_cameras
    right = all(_side_and_size(say, camera.azimuth_deg, f"_{camera.colour}") for camera in cameras)
    return right and {camera.colour for camera in cameras} == set(DOTS)


def _own_sides(shown: Shown, say: Say) -> bool:
    front, back, left, right, *_ = shown.seen.sides[shown.figure.images[0]]
    shares = {"the front": front, "the back": back, "the left": left, "the right": right}
    return {side for side, share in shares.items() if share > SIDE_SHOWN} == {
        say["one"],
        say.get("two", say["one"]),
    }


def _scale(say: Say, ratio: float, differs: float) -> bool:
    way = "larger" if ratio > differs else "smaller" if ratio < 1 / differs else ""
    return way == say.get("way", "")


def _zoom(shown: Shown) -> float:
    return shown.views[1].intrinsics[0][0] / shown.views[0].intrinsics[0][0]


def _against(shown: Shown, say: Say) -> bool:
    grown = (shown.views[1].object_share / shown.views[0].object_share) ** 0.5
    return _scale(say, grown / _zoom(shown), SIZE_DIFFERS)


def _expected(shown: Shown, say: Say) -> bool:
    """By the words of the question."""
    around = re.search(
        r"goes about (\d+) degrees (counter-clockwise|clockwise) \(seen from above\)", shown.figure.words
    )
    if around is not None:
        way = {"clockwise": "left", "counter-clockwise": "right"}[around[2]]
        return (say.get("way"), say["deg"]) == (way, around[1])
    rises = re.search(
        r"rises until it looks down at the object about (\d+) degrees more steeply", shown.figure.words
    )
    return rises is not None and "way" not in say and say["deg"] == rises[1]


def _seen_from(shown: Shown, image: int) -> tuple[str, float]:
    around, up = shown.around(1, image), shown.climb(image)
    if abs(around) >= abs(up):
        return ("right" if around > 0 else "left"), abs(around)
    return ("top" if up > 0 else "bottom"), abs(up)


def _which_way(words: str) -> str:
    return "left" if "left" in words else "right" if "right" in words else "top"


def _views(shown: Shown, say: Say) -> bool:
    found = {image: _seen_from(shown, image) for image in (2, 3, 4)}
    return all(_which_way(say[f"way{i}"]) == way for i, (way, _) in found.items()) and all(
        _near(say[f"deg{i}"], angle) for i, (_, angle) in found.items() if f"deg{i}" in say
    )


def _all_one_way(shown: Shown, say: Say) -> bool:
    turns = [shown.around(1, image) for image in (2, 3, 4)]
    return min(turns) > SAME_SIDE_DEG if say["way"] == "right" else max(turns) < -SAME_SIDE_DEG


def _part(said: str, turn: float) -> bool:
    low, high = {
        "a third of the way": (12, 29),
        "two thirds of the way": (29, 49),
        "nearly all the way": (49, 73),
        "all the way": (73, 107),
        "out of sight": (107, 180),
        "gone": (107, 180),
    }[said]
    return low < abs(turn) <= high


def _parts(shown: Shown, say: Say) -> bool:
    turns = {image: shown.around(1, image) for image in (2, 3, 4)}
    edges = {"left" if turn > 0 else "right" for turn in turns.values()}  # against the camera's way
    return edges == {say["way"]} and all(_part(say[f"p{image}"], turn) for image, turn in turns.items())


def _turns(shown: Shown, say: Say) -> bool:
    return all(_near(say[f"deg{image}"], shown.around(1, image)) for image in (2, 3, 4))


def _shared(shown: Shown, say: Say) -> bool:
    images = shown.figure.images
    shares = {place + 1: shown.seen.covisible_fraction[images[0]][images[place]] for place in (1, 2, 3)}
    said = {say[f"p{image}"]: image for image in shares}
    return shares[said["the most"]] > shares[said["a middle part"]] > shares[said["the least"]]


def _leg(say: Say) -> tuple[int, int]:
    return int(say["image_a"]), int(say["image_b"])


def _leg_side(shown: Shown, say: Say) -> bool:
    turn = shown.around(*_leg(say))
    return abs(turn) > SAME_SIDE_DEG and say["way"] == ("right" if turn > 0 else "left")


def _leg_part(shown: Shown, say: Say) -> bool:
    turn = shown.around(*_leg(say))
    return say["way"] == ("left" if turn > 0 else "right") and _part(say["part"], turn)


CHECKS: Mapping[str, Callable[[Shown, Say], bool]] = {
    "dot": _dot,
    "about_1": lambda shown, say: _about(shown, say, 1),
    "about_2": lambda shown, say: _about(shown, say, 2),
    "lands": _lands,
    "dots": _all_dots,
    "map": _on_map,
    "shown": _own_sides,
    "backdrop": lambda shown, say: _scale(say, _zoom(shown), LENS_DIFFERS),
    "against": _against,
    "expected": _expected,
    "views": _views,
    "ways": _views,
    "all_one_way": _all_one_way,
    "parts": _parts,
    "turns": _turns,
    "shared": _shared,
    "leg_side": _leg_side,
    "leg_part": _leg_part,
    "leg_turn": lambda shown, say: _near(say["deg"], shown.around(*_leg(say))),
    "total": lambda shown, say: _near(say["deg"], shown.around(1, 3), SUM_SLACK_DEG),
}


# --- what follows -----------------------------------------------------------------------------------

Told = Mapping[str, Say]  # predicate, for legs with the numbers of their images -> the words


def follows(kind_name: str, facts: Sequence[tuple[str, Say]]) -> str:
    """The answer that the facts of a chain make; "" if they make none."""
    told = {one + say.get("image_a", "") + say.get("image_b", ""): say for one, say in facts}
    return RULES[kind_name](told) if kind_name in RULES else ""


def _only(found: Sequence[str]) -> str:
    return found[0] if len(found) == 1 else ""


def _to_right(say: Say | None) -> int | None:
    """Degrees to the right, 0 where none are said; None if it is not told, or not by how much."""
    if say is None or ("way" in say and "deg" not in say):
        return None
    return int(say["deg"]) * {"left": -1, "right": 1}[say["way"]] if "way" in say else 0


def _consistent(told: Told) -> bool:
    """The place's angle for camera 1, less the camera's way, is its angle for camera 2, where all three are told."""
    angles = [_to_right(told.get(name)) for name in ("about_1", "side", "about_2")]
    if None in angles:
        return True
    left_over = (angles[0] or 0) - (angles[1] or 0) - (angles[2] or 0)
    return min(left_over % 360, -left_over % 360) <= SUM_SLACK_DEG


def _the_dot(told: Told) -> str:
    if "lands" not in told or "dots" not in told or "side" not in told or not _consistent(told):
        return ""
    lands, dots = told["lands"], told["dots"]
    if "way" in lands and lands["way"] == told["side"].get("way"):
        return ""  # what is seen goes against the camera's way
    cell = (lands["x"], lands["y"])
    return _only([f"the {c} dot" for c in DOTS if (dots[f"x_{c}"], dots[f"y_{c}"]) == cell])


def _in_view(told: Told) -> str:
    before, after, side = (_to_right(told.get(name)) for name in ("about_1", "about_2", "side"))
    if before is None or after is None or side is None or abs(before) > 80 or not _consistent(told):
        return ""
    if abs(after) <= 70:
        return "it can be seen"
    over_the_top = "dot" not in told or told["dot"]["y"] == "top"
    return "it is hidden" if abs(after) >= 110 and not over_the_top else ""


def _the_camera(told: Told) -> str:
    if "map" not in told or "between" not in told or "way" not in told.get("side", {}):
        return ""
    cameras, low, high = told["map"], int(told["between"]["low"]), int(told["between"]["high"])
    if high - low > 20:
        return ""  # it could hold more than one
    half = [c for c in DOTS if cameras[f"way_{c}"] == told["side"]["way"]]
    return _only([f"the {c} camera" for c in half if low <= int(cameras[f"deg_{c}"]) <= high])


def _next_side(told: Told) -> str:
    """Round the object counter-clockwise: its front, its left, its back, its right."""
    if "shown" not in told or "way" not in told.get("side", {}):
        return ""
    compass = {"the front": 0, "the left": 90, "the back": 180, "the right": 270}
    seen = {compass[side] for side in told["shown"].values()}
    step = 90 if told["side"]["way"] == "right" else 270
    ahead = [(angle + step) % 360 for angle in seen if (angle + step) % 360 not in seen]
    names = {0: "its front", 90: "its left side", 180: "its back", 270: "its right side"}
    return _only([names[angle] for angle in ahead])


def _lens_or_distance(told: Told) -> str:
    if "backdrop" not in told or "against" not in told:
        return ""
    if "way" in told["backdrop"]:
        return "the lens and the distance changed" if "way" in told["against"] else "only the lens zoomed"
    return "only the distance changed" if "way" in told["against"] else "the lens and the distance stayed"


def _the_view(told: Told) -> str:
    if "expected" not in told or not {"views", "ways"} & told.keys():
        return ""
    way, angle = told["expected"].get("way", "top"), told["expected"]["deg"]
    fits = []
    for image in (2, 3, 4):
        ways = [_which_way(told[name][f"way{image}"]) for name in ("views", "ways") if name in told]
        if set(ways) == {way} and ("views" not in told or told["views"][f"deg{image}"] == angle):
            fits.append(f"image {image}")
    return _only(fits)


def _the_order(told: Told) -> str:
    if "all_one_way" not in told:
        return ""
    scale = [
        "a third of the way",
        "two thirds of the way",
        "nearly all the way",
        "all the way",
        "out of sight",
    ]
    ranks = ["the most", "a middle part", "the least"]
    rows: list[tuple[str, list[int]]] = []  # per thing told, how far along the way images 2, 3, 4 are
    for name, prefix, value in (
        ("turns", "deg", int),
        ("parts", "p", scale.index),
        ("shared", "p", ranks.index),
    ):
        if name in told:
            rows.append((name, [value(told[name][f"{prefix}{image}"]) for image in (2, 3, 4)]))
    if not any(name != "shared" and len(set(row)) == 3 for name, row in rows):
        return ""
    fits = []
    for one, two in ((2, 3), (2, 4), (3, 2), (3, 4), (4, 2), (4, 3)):
        way = (one, two, 9 - one - two)
        sorted_rows = [[row[image - 2] for image in way] for _, row in rows]
        if all(a <= b <= c for a, b, c in sorted_rows):
            fits.append(", ".join(map(str, way)))
    return _only(fits)


def _the_sum(told: Told) -> str:
    if not {"leg_side12", "leg_side23", "leg_turn12", "leg_turn23", "total"} <= told.keys():
        return ""
    way = told["leg_side12"]["way"]
    total = int(told["leg_turn12"]["deg"]) + int(told["leg_turn23"]["deg"])
    if way != told["leg_side23"]["way"] or total != int(told["total"]["deg"]):
        return ""
    near = [n for n, low, high in ((60, 44, 85), (120, 85, 160)) if low < total <= high]
    return f"about {near[0]} degrees {'counter-clockwise' if way == 'right' else 'clockwise'}" if near else ""


RULES: Mapping[str, Callable[[Told], str]] = {
    "marked_point/image_2": _the_dot,
    "covisible_point/image_2": _in_view,
    "camera_on_map/seen_from_above": _the_camera,
    "revealed_side/object_front": _next_side,
    "zoom_or_dolly/camera_1": _lens_or_distance,
    "which_view/around_object": _the_view,
    "order/around_object": _the_order,
    "composed_angle/seen_from_above": _the_sum,
}
