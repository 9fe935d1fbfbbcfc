"""What chains of many kinds say of two views of an object: the sentences, and when they are true."""

import math
from collections.abc import Callable

import numpy as np

from viewpoint100k.proof.case import Case
from viewpoint100k.proof.measure import Pair, middle_of_box, third
from viewpoint100k.proof.reading import Fact, Said, Say

SLACK_DEG = 6.0  # "about 20 degrees" is true from 14 to 26
# degrees, each in the middle of what is not said either way
NO_SHIFT_DEG = 3.2
NO_ANGLE_DEG = 5.0
NO_TURN_DEG = 4.0
SIZE_DIFFERS = 1.10  # ratio of widths
LENS_DIFFERS = 1.06  # ratio of focal lengths
SECTOR_DEG = 45.0  # to either side of where an object's own side faces
FAR_AROUND_DEG = 40  # going so far around an object also brings a camera clearly ahead of where it began
COLUMNS = ("left", "middle", "right")
ROWS = ("top", "middle", "bottom")
# degrees that a place has turned about the upright axis, by how far it has come towards the object's edge
FACE_DEG = {
    "a third of the way": (12, 29),
    "two thirds of the way": (29, 49),
    "nearly all the way": (49, 73),
    "all the way": (73, 107),
    "out of sight": (107, 180),
    "gone": (107, 180),
}
OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up", "none": "none"}

# slots of the grammar
BY = "[, by about <deg:tens> degrees]"
LEFT_RIGHT = "<way:left|right>"
UP_DOWN = "<way:up|down>"
MORE_LESS = "<way:more|less>"
LARGER_SMALLER = "<way:larger|smaller>"
CLOCKWISE = "<way:clockwise|counter-clockwise>"
COLUMN = "<column:left|middle|right>"
ROW = "<row:top|middle|bottom>"
REACHED = "<part:a third of the way|two thirds of the way|nearly all the way|all the way>"
OF_TWO = "<image:1|2>"

PREMISES = frozenset(
    {
        "a camera that moves left sees more of the side that was on the left in its picture, and one that "
        "moves right sees more of the right side",
        "the side that comes into view was on the left in the picture if the camera went left, and on the "
        "right if it went right",
        "turning the camera to one side shifts the object to the other side of the picture, and so does "
        "moving it",
        "the part of the shift that the turn does not explain comes from the move, and both shift the "
        "object in the opposite direction",
        "tilting the camera one way shifts the object the other way in the picture, and so does moving it",
        "the part of the shift that the tilt does not explain comes from the move, and both shift the "
        "object in the opposite direction",
        "turning the camera shifts the object the opposite way in the picture",
        "when the camera turns to one side, the object shifts to the other side of the picture",
        "tilting the camera shifts the object the opposite way in the picture",
        "the object goes up in the picture when the camera tilts down, and down when it tilts up",
        "when the camera rolls, the content of the picture rotates the opposite way",
        "the content of the picture rotates in the opposite direction to the camera's roll",
        "an object that faces camera 1 has its own left on the right of image 1",
        "for an object that faces the first camera, left and right are swapped compared with the picture",
        "seen from above, going around something to the right is counter-clockwise, and going to the left "
        "is clockwise",
        "a camera that goes around to its right moves counter-clockwise when seen from above, and one that "
        "goes to its left moves clockwise",
        "an object's own left is on the right of a picture of its front and on the left of a picture of its "
        "back",
        "seen from the front, an object's own left and right appear swapped; seen from behind, they do not",
        "the higher the viewpoint, the more the top faces the camera",
        "the higher the camera, the more of the top it sees",
        "apart from zooming, an object looks larger the nearer it is",
        "any change of size that the lens does not explain comes from a change of distance",
        "going far around an object also brings the camera forward",
        "going far around an object at a constant distance also moves the camera forward along its first "
        "line of sight",
        "a third of the way to the edge means a small angle, two thirds of the way a medium one, and the "
        "edge itself a right angle",
        "halfway to the edge means a third of a right angle, and the edge itself a full right angle",
        "a shift by itself does not distinguish a move from a tilt",
        "a shift alone may also come from a tilt",
    }
)


# --- when a sentence is true -------------------------------------------------------------------------


def about(said: str, value: float, slack: float = SLACK_DEG) -> bool:
    """Whether a number that is said is about as large as what was measured, whatever its sign."""
    return abs(int(said) - abs(value)) <= slack


def one_of_three(say: Say, value: float, none_below: float, negative: str, positive: str) -> bool:
    """Whether a value has the direction that is said (none, where none is said), and about the size."""
    if "way" not in say:
        return abs(value) <= none_below
    if abs(value) < none_below or say["way"] != (positive if value > 0 else negative):
        return False
    return "deg" not in say or about(say["deg"], value)


def ratio_of_three(say: Say, ratio: float, differs: float, below: str, above: str) -> bool:
    """The same of a ratio: more than it takes to differ, as much less, or neither."""
    if "way" not in say:
        return 1 / differs <= ratio <= differs
    return ratio > differs if say["way"] == above else say["way"] == below and ratio < 1 / differs


def face_has_turned(said: str, angle_deg: float) -> bool:
    """Whether what faced a camera has come as far towards the edge as is said, after a turn by an angle."""
    low, high = FACE_DEG[said]
    return low <= abs(angle_deg) <= high


def _measured(
    value: Callable[[Pair], float], none_below: float, negative: str, positive: str
) -> Callable[[Case, Say], bool]:
    return lambda case, say: one_of_three(say, value(case.pair()), none_below, negative, positive)


def _place(case: Case, say: Say) -> bool:
    view = case.views[int(say["image"]) - 1]
    x, y = middle_of_box(view)
    width, height = view.size_px
    return (COLUMNS[third(x / width)], ROWS[third(y / height)]) == (say["column"], say["row"])


def _shift_deg(pair: Pair, direction: int) -> float:
    return pair.seen_at_deg(1)[direction] - pair.seen_at_deg(0)[direction]


def _size(case: Case, say: Say) -> bool:
    return ratio_of_three(say, case.pair().growth, SIZE_DIFFERS, "smaller", "larger")


def grown(case: Case, say: Say) -> bool:
    """The object's size without what the lens does to it."""
    pair = case.pair()
    return ratio_of_three(say, pair.growth / pair.focal_ratio, SIZE_DIFFERS, "smaller", "larger")


def _lens(case: Case, say: Say) -> bool:
    for number, slot in enumerate(("from", "to")):
        view = case.views[number]
        field_deg = math.degrees(2 * math.atan(view.intrinsics[0][2] / view.intrinsics[0][0]))
        if slot in say and not about(say[slot], field_deg):
            return False
    return ratio_of_three(say, case.pair().focal_ratio, LENS_DIFFERS, "out", "in")


def _face(case: Case, say: Say) -> bool:
    """By where camera 2 sees the place that faced camera 1: between the object's middle and its edge."""
    (x1, y1), (x2, y2) = (place[:2] / np.linalg.norm(place[:2]) for place in case.pair().places)
    to_right = x2 * y1 - y2 * x1  # along the second camera's level right
    nearness = x1 * x2 + y1 * y2
    edge_deg = math.degrees(math.asin(min(abs(to_right), 1.0)))
    angle_deg = edge_deg if nearness >= 0 else 180 - edge_deg
    return face_has_turned(say["part"], angle_deg) and say["way"] == ("right" if to_right > 0 else "left")


def _between(case: Case, say: Say) -> bool:
    return int(say["low"]) < abs(case.pair().azimuth_deg) < int(say["high"])


def _faces(case: Case, say: Say) -> bool:
    pair = case.pair()
    if pair.front_azimuth_deg is None:
        return False
    front = math.radians(pair.front_azimuth_deg)
    forward = np.array([math.cos(front), math.sin(front)])
    left = np.array([-forward[1], forward[0]])  # up cross forward
    x, y = pair.places[int(say["image"]) - 1][:2]
    towards = {"front": forward, "back": -forward, "left": left, "right": -left}[say["way"]]
    return bool(np.array([x, y]) @ towards > math.hypot(x, y) * math.cos(math.radians(SECTOR_DEG)))


# --- the sentences -----------------------------------------------------------------------------------

PLACE = Fact(
    "place",
    (
        f"the centre of the object is in the {COLUMN} third of image {OF_TWO} horizontally and in the {ROW} "
        "third vertically",
        f"in image {OF_TWO}, the object's centre lies in the {COLUMN} third of the width and the {ROW} "
        "third of the height",
    ),
    _place,
)
SHIFT_X = Fact(
    "shift_x",
    (
        f"the object's centre shifted to the {LEFT_RIGHT} in the picture{BY}",
        f"from image 1 to image 2, the object's position in the picture shifts to the {LEFT_RIGHT}{BY}",
        f"in the picture, the object appears further to the {LEFT_RIGHT} in image 2{BY}",
        "the object's centre did not shift sideways in the picture",
        "horizontally, the object is at about the same place in both pictures",
    ),
    _measured(lambda pair: _shift_deg(pair, 0), NO_SHIFT_DEG, "left", "right"),
)
SHIFT_Y = Fact(
    "shift_y",
    (
        f"the object's centre shifted {UP_DOWN} in the picture{BY}",
        f"from image 1 to image 2, the object's position in the picture shifts {UP_DOWN}{BY}",
        f"in the picture, the object appears further {UP_DOWN} in image 2{BY}",
        "the object's centre did not shift up or down in the picture",
        "vertically, the object is at about the same place in both pictures",
    ),
    _measured(lambda pair: _shift_deg(pair, 1), NO_SHIFT_DEG, "up", "down"),
)
SIDE = Fact(
    "side",
    (
        f"in image 2 the object is seen more from the side that was on the {LEFT_RIGHT} in image 1{BY}",
        f"the side of the object that was on the {LEFT_RIGHT} in image 1 is turned more towards the camera "
        f"in image 2{BY}",
        f"image 2 shows more of the side of the object that was on the {LEFT_RIGHT} in image 1{BY}",
        "both images show the object from nearly the same side",
        "neither the left nor the right side of the object comes further into view in image 2",
        "the sides of the object face the camera in image 2 just as they did in image 1",
    ),
    _measured(lambda pair: pair.azimuth_deg, NO_ANGLE_DEG, "left", "right"),
)
UPPER = Fact(
    "upper",
    (
        f"the top of the object is turned {MORE_LESS} towards the camera in image 2 than in image 1{BY}",
        f"in image 2 the top of the object faces the camera {MORE_LESS} than in image 1{BY}",
        f"image 2 shows {MORE_LESS} of the top of the object than image 1{BY}",
        "the top of the object is turned towards the camera equally in both images",
        "both images show the top of the object at nearly the same angle",
    ),
    _measured(lambda pair: pair.elevation_deg, NO_ANGLE_DEG, "less", "more"),
)
SIZE = Fact(
    "size",
    (
        f"the object looks {LARGER_SMALLER} in image 2 than in image 1",
        f"in the picture, the object has become {LARGER_SMALLER}",
        "the object looks about equally large in both images",
        "in the picture, the object has kept its size",
    ),
    _size,
)
GROWN = Fact(
    "grown",
    (
        f"beyond what zooming explains, the object looks {LARGER_SMALLER} in image 2",
        f"apart from the effect of the lens, the object looks {LARGER_SMALLER} in image 2",
        "the lens alone explains the size of the object in image 2",
        "apart from the effect of the lens, the object looks equally large in both images",
    ),
    grown,
)
FIELDS = "[, from a field of view of about <from:tens> to about <to:tens> degrees]"
LENS = Fact(
    "lens",
    (
        f"the lens zoomed <way:in|out>{FIELDS}",
        f"between the images the lens was zoomed <way:in|out>{FIELDS}",
        "the lens is the same in both images",
        "both images have the same field of view",
    ),
    _lens,
)
UNTURNED_X = Fact(
    "unturned_x",
    (
        f"had the camera kept its heading, the object would have shifted to the {LEFT_RIGHT} in the "
        f"picture{BY}",
        f"without the turn, the move would have shifted the object to the {LEFT_RIGHT} in the picture{BY}",
        "had the camera kept its heading, the object would have stayed at about the same horizontal position",
        "without the turn, the object would hardly have shifted sideways in the picture",
    ),
    _measured(lambda pair: pair.turned_back_deg[0], NO_ANGLE_DEG, "left", "right"),
)
OFFSET_X = Fact(
    "offset_x",
    (
        f"in image 2 the object is further to the {LEFT_RIGHT} than this predicts{BY}",
        f"compared with this prediction, the object in image 2 is further to the {LEFT_RIGHT}{BY}",
        "in image 2 the object is about where this predicts",
        "in image 2 the object is at about the predicted place",
    ),
    _measured(lambda pair: pair.turned_back_deg[1], NO_ANGLE_DEG, "left", "right"),
    after=("unturned_x",),
    at_once=True,
)
UNTURNED_Y = Fact(
    "unturned_y",
    (
        f"had the camera kept its tilt, the object would have shifted {UP_DOWN} in the picture{BY}",
        f"without the tilt, the move would have shifted the object {UP_DOWN} in the picture{BY}",
        "had the camera kept its tilt, the object would have stayed at about the same height in the picture",
        "without the tilt, the object would hardly have shifted up or down in the picture",
    ),
    _measured(lambda pair: pair.tilted_back_deg[0], NO_ANGLE_DEG, "up", "down"),
)
OFFSET_Y = Fact(
    "offset_y",
    (
        f"in image 2 the object is further {UP_DOWN} than this predicts{BY}",
        f"compared with this prediction, the object in image 2 is further {UP_DOWN}{BY}",
        "in image 2 the object is at about the predicted height",
        "in image 2 the object is at about the height that this predicts",
    ),
    _measured(lambda pair: pair.tilted_back_deg[1], NO_ANGLE_DEG, "up", "down"),
    after=("unturned_y",),
    at_once=True,
)
TURNED = Fact(
    "turned",
    (
        f"the camera turned to the {LEFT_RIGHT}{BY}",
        f"the camera's heading swung to the {LEFT_RIGHT}{BY}",
        "the camera kept its heading",
        "the camera turned neither left nor right",
    ),
    _measured(lambda pair: pair.yaw_deg, NO_TURN_DEG, "left", "right"),
)
TILTED = Fact(
    "tilted",
    (
        f"the camera tilted {UP_DOWN}{BY}",
        f"the camera's line of sight was tilted {UP_DOWN}{BY}",
        "the camera kept its tilt",
        "the camera's line of sight was not tilted",
    ),
    _measured(lambda pair: pair.pitch_deg, NO_TURN_DEG, "down", "up"),
)
LEAN = Fact(
    "lean",
    (
        f"apart from perspective, the object's vertical lines rotate {CLOCKWISE} in the picture from image "
        f"1 to image 2{BY}",
        f"perspective aside, the object's vertical lines are rotated further {CLOCKWISE} in image 2 than in "
        f"image 1{BY}",
        "apart from perspective, the object's vertical lines have the same direction in both pictures",
        "perspective aside, the object's vertical lines lean the same way in both pictures",
    ),
    # what a picture shows turns against the camera
    _measured(lambda pair: -pair.roll_deg, NO_ANGLE_DEG, "counter-clockwise", "clockwise"),
)
FACE = Fact(
    "face",
    (
        f"the part that faced the camera in image 1 has moved {REACHED} to the object's {LEFT_RIGHT} edge "
        "in image 2",
        f"in image 2, the part of the object that faced the camera in image 1 is {REACHED} to the object's "
        f"{LEFT_RIGHT} edge",
        "the part that faced the camera in image 1 is <part:out of sight> in image 2, beyond the object's "
        f"{LEFT_RIGHT} edge",
        f"the part of the object that faced the camera in image 1 has <part:gone> behind the {LEFT_RIGHT} "
        "edge of the object in image 2",
    ),
    _face,
)
BETWEEN = Fact(
    "between",
    (
        "so the viewing direction changed by more than <low:tens> and less than <high:tens> degrees",
        "the angle between the two directions from the object to the camera is between <low:tens> and "
        "<high:tens> degrees",
    ),
    _between,
)
FACES = Fact(
    "faces",
    (
        f"image {OF_TWO} shows the object's <way:front|back|left|right> side",
        f"in image {OF_TWO} the camera looks at the object's own <way:front|back|left|right> side",
    ),
    _faces,
)
PAIR_FACTS = (
    PLACE, SHIFT_X, SHIFT_Y, SIDE, UPPER, SIZE, GROWN, LENS, UNTURNED_X, OFFSET_X, UNTURNED_Y, OFFSET_Y,
    TURNED, TILTED, LEAN, FACE, BETWEEN, FACES,
)  # fmt: skip


# --- what follows, for more than one kind ------------------------------------------------------------


def grown_by_distance(said: Said) -> str:
    """How the object's size changed by the distance: "larger", "smaller" or "none"; "" if that is unclear."""
    if "grown" in said:
        return said.way("grown")
    rank = {"smaller": -1, "none": 0, "larger": 1}
    zoom = {"out": -1, "none": 0, "in": 1}
    if said.way("size") not in rank or said.way("lens") not in zoom:
        return ""
    size = rank[said.way("size")]
    lens = zoom[said.way("lens")]
    if size == lens != 0:
        return ""  # it would take a number to tell
    return {-1: "smaller", 0: "none", 1: "larger"}[int(np.sign(size - lens))]


def swept(said: Said) -> str:
    """Which way the camera moved sideways; "none" for neither, "" if nothing tells."""
    seen = {"left": "left", "right": "right", "none": "none"}.get(said.way("side"), "")
    return _agreed(seen, _residual(said, "turned", "shift_x"))


def raised(said: Said) -> str:
    """Which way the camera moved up or down."""
    seen = {"more": "up", "less": "down", "none": "none"}.get(said.way("upper"), "")
    return _agreed(seen, _residual(said, "tilted", "shift_y"))


def heading(said: Said) -> str:
    """Which way the camera turned."""
    return {"left": "right", "right": "left", "none": "none"}.get(said.way("offset_x"), "")


def nod(said: Said) -> str:
    """Which way the camera tilted."""
    return {"up": "down", "down": "up", "none": "none"}.get(said.way("offset_y"), "")


def spin(said: Said) -> str:
    """Which way the camera rolled."""
    words = {"clockwise": "counter-clockwise", "counter-clockwise": "clockwise", "none": "none"}
    return words.get(said.way("lean"), "")


def _agreed(first: str, second: str) -> str:
    if first and second and first != second:
        return "contradiction"
    return first or second


def _residual(said: Said, turn: str, shift: str) -> str:
    """Which way the camera moved, by the shift that its turn leaves unexplained; "" if that takes numbers."""
    turned = said.way(turn)
    shifted = said.way(shift)
    if not turned or not shifted or (turned != "none" and shifted == OPPOSITE[turned]):
        return ""
    return OPPOSITE[shifted if turned == "none" else turned]


def in_words(rule: Callable[[Said], str], none: str) -> Callable[[Said], str]:
    """A rule, with its "none" in the words of the option."""

    def named(said: Said) -> str:
        follows = rule(said)
        return none if follows == "none" else follows

    return named
