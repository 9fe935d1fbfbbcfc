"""Marked points of an object: which one a dot marks, and from where it is seen."""

import math

import numpy as np

from viewpoint100k.proof.case import Case
from viewpoint100k.proof.facts import COLUMNS, ROWS, about
from viewpoint100k.proof.measure import Array, project, swing_deg, third, within_box
from viewpoint100k.proof.reading import Fact, Said, Say
from viewpoint100k.records import Mark, SurfacePoint

COLOURS = ("red", "blue", "green", "yellow")
NEAR_PX = 0.5  # between a dot and its point, as the pose projects it
UNDER_PX = 0.05  # between a dot and its point, as both are stored
SAME_SIDE_DEG = 10.0  # so far from the side that faces a camera is still that side
FROM_AXIS = 0.07  # nearer to the upright axis, a place is on no side
SUM_SLACK_DEG = 10.0  # of angles that are each said in tens


def point_of(mark: Mark, case: Case) -> SurfacePoint | str:
    """The clearly visible stored point that the pose projects to a dot, or what is wrong with the dot."""
    view = case.sample.views[mark.image]
    clear = [point for point in case.sample.seen.points if point.visible[mark.image] == "yes"]
    away = np.hypot(*(project([point.world for point in clear], view) - [mark.x, mark.y]).T)
    if not len(away) or away.min() > NEAR_PX:
        nearest = min(away, default=math.inf)
        return (
            f"has a {mark.colour} dot in image {mark.image + 1} that is {nearest:.1f} px from the nearest "
            "visible point"
        )
    width, height = view.size_px
    if not (0 <= mark.x < width and 0 <= mark.y < height):
        return f"has a {mark.colour} dot outside image {mark.image + 1}"
    return clear[int(np.argmin(away))]


def too_small(case: Case) -> str:
    """Why pixels cannot decide; empty if they can."""
    for number, view in enumerate(case.sample.views[:2]):
        width, height = view.size_px
        count = round(view.object_share * width * height)
        least = case.gates.min_pixels
        if count < least:
            return f"is asked of an object of {count} pixels in image {number + 1}, fewer than {least}"
    return ""


# --- what chains say ---------------------------------------------------------------------------------


def marked(case: Case) -> SurfacePoint:
    """The point under the only dot of image 1.

    Raises:
        LookupError, ValueError: there is no such point, or no such dot.
    """
    (mark,) = (mark for mark in case.question.marks if mark.image == 0)
    under = (
        point
        for point in case.sample.seen.points
        if max(abs(point.pixels[0][0] - mark.x), abs(point.pixels[0][1] - mark.y)) < UNDER_PX
    )
    point = next(under, None)
    if point is None:
        raise LookupError("no point under the dot")
    return point


def cell(case: Case, image: int, pixel: list[float]) -> tuple[str, str]:
    """In which third of the object a pixel is, across and down."""
    across, down = within_box(case.views[image - 1], *pixel)
    return COLUMNS[third(across)], ROWS[third(down)]


def to_right(case: Case, image: int, point: Array | list[float]) -> float:
    """How far around the upright axis a place is from what faces a camera, to its right, degrees."""
    return swing_deg(case.pair().places[image - 1], np.asarray(point))


def _dot(case: Case, say: Say) -> bool:
    return cell(case, 1, marked(case).pixels[0]) == (say["x"], say["y"])


def _about(case: Case, say: Say, image: int) -> bool:
    point = marked(case).world
    turn_deg = to_right(case, image, point)
    if math.hypot(point[0], point[1]) < FROM_AXIS:
        return False
    if "way" not in say:
        return abs(turn_deg) <= SAME_SIDE_DEG
    side = "right" if turn_deg > 0 else "left"
    return say["way"] == side and about(say["deg"], turn_deg) and abs(turn_deg) > SAME_SIDE_DEG


DOT = Fact(
    "dot",
    (
        "in image 1 the dot is in the <x:left|middle|right> third of the object horizontally and in the "
        "<y:top|middle|bottom> third vertically",
        "in image 1 the dot lies in the <x:left|middle|right> third of the object's width and the "
        "<y:top|middle|bottom> third of its height",
    ),
    _dot,
)
ABOUT_1 = Fact(
    "about_1",
    (
        "seen from above, the marked place is about <deg:tens> degrees around the object to the "
        "<way:left|right> of the point facing camera 1",
        "measured around the vertical axis, the marked place lies about <deg:tens> degrees to the "
        "<way:left|right> of the point facing camera 1",
        "seen from above, the marked place faces camera 1",
        "measured around the vertical axis, the marked place lies in the direction of camera 1",
    ),
    lambda case, say: _about(case, say, 1),
)
ABOUT_2 = Fact(
    "about_2",
    (
        "seen from camera 2, this place is then about <deg:tens> degrees to the <way:left|right>",
        "that puts it about <deg:tens> degrees to the <way:left|right> of the point facing camera 2",
        "this place then faces camera 2",
        "that puts it at the point facing camera 2",
    ),
    lambda case, say: _about(case, say, 2),
    after=("about_1", "dot"),
)


# --- what follows ------------------------------------------------------------------------------------


def said_to_right(said: Said, name: str) -> int | None:
    """Degrees to the right, 0 where none are said; None if it is not said, or not by how much."""
    say = said.say(name)
    if say is None or ("way" in say and "deg" not in say):
        return None
    return int(say["deg"]) * {"left": -1, "right": 1}[say["way"]] if "way" in say else 0


def consistent(said: Said) -> bool:
    """Whether the angle for camera 1, less the camera's way, is that for camera 2, if all three are said."""
    before = said_to_right(said, "about_1")
    way = said_to_right(said, "side")
    after = said_to_right(said, "about_2")
    if before is None or way is None or after is None:
        return True
    left_over = before - way - after
    return min(left_over % 360, -left_over % 360) <= SUM_SLACK_DEG
