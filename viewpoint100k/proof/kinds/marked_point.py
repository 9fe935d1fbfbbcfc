"""Which dot of image 2 is the point that is marked in image 1?"""

import math

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.facts import PREMISES, SIDE, UPPER
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.measure import within_box
from viewpoint100k.proof.points import (
    ABOUT_1,
    ABOUT_2,
    COLOURS,
    DOT,
    cell,
    consistent,
    marked,
    point_of,
)
from viewpoint100k.proof.reading import Fact, Proof, Said, Say

MOVED = 0.05  # of the object's box: less is neither to the left nor to the right


def _solve(case: Case) -> Answer | str:
    marks = [mark for mark in case.question.marks if mark.image == 0]
    dots = {mark.colour: mark for mark in case.question.marks if mark.image == 1}
    if len(marks) != 1 or len(case.question.marks) != 5 or set(dots) != set(COLOURS):
        return f"has {len(case.question.marks)} dots of the colours {sorted(dots)}"
    point = point_of(marks[0], case)
    if isinstance(point, str):
        return point
    if point.visible != ["yes", "yes"]:
        return "marks a point that is not clearly seen in both pictures"
    points = {}
    for colour, dot in dots.items():
        under = point_of(dot, case)
        if isinstance(under, str):
            return under
        points[colour] = under
    right = [colour for colour, under in points.items() if under is point]
    if len(right) != 1:
        return f"has {len(right)} dots on the marked point"
    mine = dots[right[0]]
    others = [colour for colour in dots if colour != mine.colour]
    apart = min(math.dist((mine.x, mine.y), (dots[other].x, dots[other].y)) for other in others)
    away = min(math.dist(point.world, points[other].world) for other in others)
    margin = apart / (case.gates.min_dots_apart * case.sample.views[1].size_px[0])
    decidability = min(case.sample.decidability.azimuth, away)
    return Answer(Label(f"the {mine.colour} dot", margin), decidability, ((0, 1),))


# --- what chains say ---------------------------------------------------------------------------------


def _lands(case: Case, say: Say) -> bool:
    point = marked(case)
    before = within_box(case.views[0], *point.pixels[0])[0]
    after = within_box(case.views[1], *point.pixels[1])[0]
    way = "right" if after > before else "left"
    if abs(after - before) <= MOVED:
        way = ""
    return way == say.get("way", "") and cell(case, 2, point.pixels[1]) == (say["x"], say["y"])


def _dots(case: Case, say: Say) -> bool:
    dots = [mark for mark in case.question.marks if mark.image == 1]
    cells = {mark.colour: cell(case, 2, [mark.x, mark.y]) for mark in dots}
    said = {colour: (say[f"x_{colour}"], say[f"y_{colour}"]) for colour in cells}
    return len(dots) == len(COLOURS) and cells == said


EACH_DOT = ", ".join(
    f"{colour} (<x_{colour}:left|middle|right>, <y_{colour}:top|middle|bottom>)" for colour in COLOURS
)
IN_THIRDS = "in the <x:left|middle|right> third horizontally and the <y:top|middle|bottom> third vertically"
IN_SIZES = "in the <x:left|middle|right> third of its width and the <y:top|middle|bottom> third of its height"
LANDS = Fact(
    "lands",
    (
        f"on the object in image 2, this place is further to the <way:left|right>, {IN_THIRDS}",
        f"on the object in image 2, this place is neither further left nor further right, {IN_THIRDS}",
        f"in image 2 this place is further to the <way:left|right> on the object, {IN_SIZES}",
        f"in image 2 this place has moved neither left nor right on the object, and is {IN_SIZES}",
    ),
    _lands,
    after=("about_1", "dot"),
)
DOTS = Fact(
    "dots",
    (
        f"horizontally and vertically, the dots in image 2 are in these thirds of the object: {EACH_DOT}",
        f"in image 2 the dots lie in these thirds of the object's width and height: {EACH_DOT}",
    ),
    _dots,
)


def _follows(said: Said) -> str:
    lands = said.say("lands")
    dots = said.say("dots")
    if lands is None or dots is None or "side" not in said or not consistent(said):
        return ""
    if "way" in lands and lands["way"] == said.way("side"):
        return ""  # what is seen goes against the camera's way
    cell_said = (lands["x"], lands["y"])
    fits = [colour for colour in COLOURS if (dots[f"x_{colour}"], dots[f"y_{colour}"]) == cell_said]
    return f"the {fits[0]} dot" if len(fits) == 1 else ""


PROOFS = {
    "marked_point/image_2": Proof(
        of_figure(_solve, draws="marks"),
        (DOT, ABOUT_1, ABOUT_2, LANDS, DOTS, SIDE, UPPER),
        PREMISES
        | {
            "what is visible shifts in the opposite direction to the camera's motion",
            "the visible surface turns to the side opposite to the camera's motion",
        },
        _follows,
        options={
            "red": "the red dot",
            "blue": "the blue dot",
            "green": "the green dot",
            "yellow": "the yellow dot",
        },
    )
}
