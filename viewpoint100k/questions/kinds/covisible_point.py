"""Whether the point of the object that a dot marks in image 1 can be seen in image 2."""

import math
from itertools import product

import numpy as np

from viewpoint100k.annotate import stays
from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, by_predicate
from viewpoint100k.questions.facts.figure import (
    OF_MARKS,
    about,
    chain_of_figure,
    dot_1,
    enough_pixels,
    mark_at,
    of_pair,
    on_box,
    point_at,
    signed_number,
    turns_fit,
)
from viewpoint100k.questions.facts.pair import Case
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved, either
from viewpoint100k.records import SurfacePoint, View

AS_FAR_OUT = 0.15  # half sides of the object's box
MIDDLE_OF_BOX = 0.6  # half sides of the box: nearer to the middle than to the edge
# from what faces the camera
IN_VIEW_DEG = 70
OUT_OF_VIEW_DEG = 110
SEEN_WELL_DEG = 80


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B14. A dot on a point that is clearly seen in image 1, and clearly seen or clearly hidden in image
    2.
    """
    too_far = known.truth.covisible_fraction < gates.min_covisible_fraction
    if too_far or min(_size(view) for view in known.views[:2]) < gates.min_dotted_box:
        return None
    clear = [point for point in known.seen.points if point.visible[0] == "yes"]
    seen, hidden = ([point for point in clear if point.visible[1] == state] for state in ("yes", "no"))
    # one of each, as far out on the object's box, of which one is drawn: its place must not reveal the answer
    even = [
        points
        for points in product(seen, hidden)
        if abs(_out(known, points[0]) - _out(known, points[1])) <= AS_FAR_OUT
    ]
    if not even:
        return None
    return Figure(marks=(mark_at(0, even[int(rng.integers(len(even)))][int(rng.integers(2))], "red"),))


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B14. Whether the point that is marked in image 1 can be seen in image 2."""
    point = point_at(known, 0, figure.marks)
    if point is None or point.visible[0] != "yes" or point.visible[1] == "unclear":
        return None
    if not enough_pixels(known, gates):
        return None
    hidden = point.visible[1] == "no"
    if hidden and stays(known.truth.translation, gates):
        return None
    alone = tuple((1 if hidden else -1) * value for value in _alone(known.views[0], point))
    return Solved(Fact(int(hidden), 1.0), known.decidability.azimuth, alone=alone)


def _out(known: Known, point: SurfacePoint) -> float:
    """How far out on the object's box a point is in image 1: 1 at the middle of an edge."""
    return float(np.linalg.norm(on_box(known.views[0], np.array([point.pixels[0]]))))


def _alone(view: View, point: SurfacePoint) -> list[float]:
    """What one picture shows of a point: its place on the object's box and in the picture, its colour, and
    the object's size.
    """
    across, down = on_box(view, np.array([point.pixels[0]]))[0].tolist()
    side = 2 * view.intrinsics[0][2]
    x, y = point.pixels[0]
    out = math.hypot(across, down)
    places = [across, down, out, across * across, down * down, x / side - 0.5, y / side - 0.5]
    size = [_size(view), math.log(max(view.object_share, 1e-6))]
    light = sum(point.albedo) / 3
    return [*places, *size, float(out < MIDDLE_OF_BOX), light, light * out, across * down]


def _size(view: View) -> float:
    """The longer side of the object's box, in picture sides."""
    left, top, right, bottom = view.object_box
    return max(right - left, bottom - top) / (2 * view.intrinsics[0][2])


def _facts(case: Case) -> Facts:
    return of_pair(case, "side", "upper", "face") | by_predicate(dot_1(case), about(case, 1), about(case, 2))


def _answers(facts: Facts) -> set[str]:
    before, after, side = (signed_number(facts, name) for name in ("about_1", "about_2", "side"))
    if before is None or after is None or side is None or abs(before) > SEEN_WELL_DEG:
        return set()
    if not turns_fit(facts):
        return set()
    if abs(after) <= IN_VIEW_DEG:
        return {"seen"}
    low = "dot_1" in facts and facts["dot_1"].args[1] != "top"
    return {"hidden"} if abs(after) >= OUT_OF_VIEW_DEG and low else set()


KIND = DrawnKind(
    name="covisible_point/image_2",
    rank=20,
    tier="B",
    options=("seen", "hidden"),
    opposites=either(),
    draw=draw,
    solve=solve,
    chain=chain_of_figure(
        _facts,
        _answers,
        (
            ("dot_1!", "about_1!", "side!", "about_2!", "=quarter"),
            ("=quarter", "dot_1!", "about_1!", "side!", "about_2!"),
            ("side!", "upper?", "dot_1!", "about_1!", "about_2!", "=quarter"),
            ("side!", "face?", "dot_1!", "about_1!", "about_2!", "=quarter"),
        ),
        OF_MARKS,
        {
            "quarter": (
                "A place turned away by much less than a right angle is in view, and one turned away by "
                "much more is hidden, unless it is high up",
                "A place near the front is in view, and one turned away by much more than a right angle is "
                "hidden, unless it is high up",
            )
        },
    ),
)
KINDS = (KIND,)
