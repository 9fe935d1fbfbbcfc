"""What pictures show of a marked place on an object, and of ways around the object, with their sentences.

These facts are shared by kinds that draw a figure on a pair, or show three or four views. Angles are in
degrees; an angle around the object is above 0 to the camera's right, counter-clockwise seen from above.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.rotations import wrap_deg
from viewpoint100k.questions.facts.chain import (
    Chain,
    Facts,
    Grey,
    Phrases,
    Plan,
    PremiseNeed,
    Statement,
    three,
)
from viewpoint100k.questions.facts.pair import (
    COLUMNS,
    FACE_EDGES_DEG,
    FACE_MARGIN,
    LEFT_SAME_RIGHT,
    ROWS,
    Case,
    follows_from,
)
from viewpoint100k.questions.facts.pair_sentences import FACE_WORDS, OF_PAIRS
from viewpoint100k.questions.kind import Known
from viewpoint100k.records import Colour, Mark, SurfacePoint, View, matrix

COLOURS: tuple[Colour, ...] = ("red", "blue", "green", "yellow")
GREY_ABOUT_DEG = Grey(8.0, 12.0)
LEAST_RADIUS = 0.08  # world units from the upright axis: a place nearer to it is on no side of it
BORDER = 0.004  # of the object's box, to the border of a third; a dot is said to be in one of them
TURNS_ATOL_DEG = 10  # by how much angles around the object may miss their sum
FEWEST_DEG = 15.0  # around the object, to be spoken of as a way around it
MARK_ATOL_PX = 0.02  # between a mark and the point that it marks


# --- points of the object -----------------------------------------------------------------------------


def mark_at(image: int, point: SurfacePoint, colour: Colour) -> Mark:
    """A dot on a point of the object."""
    x, y = point.pixels[image]
    return Mark(image=image, x=x, y=y, colour=colour)


def point_at(known: Known, image: int, marks: Sequence[Mark]) -> SurfacePoint | None:
    """The point under a single dot."""
    if len(marks) != 1:
        return None
    at = (marks[0].x, marks[0].y)
    points = [point for point in known.seen.points if math.dist(point.pixels[image], at) < MARK_ATOL_PX]
    return points[0] if len(points) == 1 else None


def on_box(view: View, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) places on the object's box, from -1 to 1 in each direction, of (N, 2) pixels."""
    left, top, right, bottom = view.object_box
    return np.asarray(2 * (pixels - [left, top]) / [right - left, bottom - top] - 1)


def enough_pixels(known: Known, gates: GateConfig) -> bool:
    """Whether the object has enough pixels in both pictures to decide."""
    shown = [
        view.object_share * 4 * view.intrinsics[0][2] * view.intrinsics[1][2] for view in known.views[:2]
    ]
    return min(map(round, shown)) >= gates.min_pixels


def marked(case: Case) -> SurfacePoint | None:
    """The point of the object that is marked in image 1."""
    marks = [mark for mark in case.figure.marks if mark.image == 0]
    points = case.known.seen.points
    if not marks or not points:
        return None
    at = (marks[0].x, marks[0].y)
    nearest: SurfacePoint = min(points, key=lambda point: math.dist(point.pixels[0], at))
    return nearest


def share_of_box(view: View, x: float, y: float) -> tuple[float, float]:
    """Where a pixel is in the object's box: from left to right and from top to bottom, 0..1."""
    left, top, right, bottom = view.object_box
    return (x - left) / (right - left), (y - top) / (bottom - top)


def thirds(where: tuple[float, float], border: float) -> tuple[str, str] | None:
    """Column and row of a place in the object's box; None near the border of a third."""
    if min(abs(share - edge) for share in where for edge in (1 / 3, 2 / 3)) < border:
        return None
    column, row = (min(2, max(0, int(3 * share))) for share in where)
    return COLUMNS[column], ROWS[row]


def dot_1(case: Case) -> Statement | None:
    """In which third of the object the dot of image 1 is."""
    point = marked(case)
    cell = thirds(share_of_box(case.views[0], *point.pixels[0]), BORDER) if point else None
    return Statement("dot_1", cell) if cell else None


def about(case: Case, number: int) -> Statement | None:
    """How far around the object's upright axis the marked place is from the side that faces a camera."""
    point = marked(case)
    if point is None or math.hypot(point.world[0], point.world[1]) < LEAST_RADIUS:
        return None
    position = matrix(case.views[number - 1].world_from_camera)[:3, 3]
    angles = [np.degrees(np.arctan2(y, x)) for x, y, _ in (point.world, position)]
    turned = float(wrap_deg(angles[0] - angles[1]))
    return three(f"about_{number}", turned, GREY_ABOUT_DEG, LEFT_SAME_RIGHT, degrees=True)


def signed_number(facts: Facts, name: str) -> int | None:
    """The angle that is said, above 0 to the right; 0 for none; None where no angle is said."""
    if name not in facts:
        return None
    args = facts[name].args
    if args[0] == LEFT_SAME_RIGHT[1]:
        return 0
    return int(args[1]) * (1 if args[0] == "right" else -1) if len(args) > 1 else None


def turns_fit(facts: Facts) -> bool:
    """Whether the marked place's angles fit how far the camera went, as far as that is said."""
    before, after, side = (signed_number(facts, name) for name in ("about_1", "about_2", "side"))
    if before is None or after is None or side is None:
        return True
    return abs((before - side - after + 180) % 360 - 180) <= TURNS_ATOL_DEG


# --- ways around the object ---------------------------------------------------------------------------


def around_deg(first: View, other: View) -> float:
    """The azimuth about the object from one view to another, in (-180, 180]."""
    places = [matrix(view.world_from_camera)[:3, 3] for view in (first, other)]
    angles = [np.degrees(np.arctan2(place[1], place[0])) for place in places]
    return float(wrap_deg(angles[1] - angles[0]))


def up_deg(first: View, other: View) -> float:
    """How much steeper another view looks down at the object."""
    places = [matrix(view.world_from_camera)[:3, 3] for view in (first, other)]
    heights = [np.degrees(np.arctan2(place[2], np.hypot(place[0], place[1]))) for place in places]
    return float(heights[1] - heights[0])


def part_of_way(angle_deg: float) -> str | None:
    """How far what faced a camera has gone to the object's edge."""
    if abs(angle_deg) < FACE_EDGES_DEG[0]:
        return None
    if min(abs(math.log(abs(angle_deg) / edge)) for edge in FACE_EDGES_DEG) < FACE_MARGIN:
        return None
    return FACE_WORDS[bisect_left(FACE_EDGES_DEG, abs(angle_deg)) - 1]


def of_pair(case: Case, *names: str) -> dict[str, Statement]:
    """Those facts of images 1 and 2 that chains of other kinds state too."""
    return {name: case.pair.facts[name] for name in names if name in case.pair.facts}


def chain_of_figure(
    facts: Callable[[Case], Facts],
    answers: Callable[[Facts], set[str]],
    plans: tuple[Plan, ...],
    phrases: Mapping[str, Phrases],
    premises: Mapping[str, tuple[str, ...]] | None = None,
    needs: Mapping[str, PremiseNeed] | None = None,
) -> Chain:
    """How chains of thought are written for a kind that draws a figure.

    Args:
        phrases: its own sentences, beside those about pairs.
        premises: its own, beside those about pairs.
    """
    return Chain(
        facts=facts,
        answers=lambda case, stated: answers(stated),
        plans=plans,
        language=OF_PAIRS.with_own(phrases, premises, needs),
        follows=follows_from,
    )


# --- sentences ----------------------------------------------------------------------------------------

OF_MARKS: dict[str, Phrases] = {
    "dot_1": Phrases(
        (
            "In image 1 the dot is in the {0} third of the object horizontally and in the {1} third "
            "vertically",
            "In image 1 the dot lies in the {0} third of the object's width and the {1} third of its height",
        ),
    ),
    "about_1": Phrases(
        (
            "Seen from above, the marked place is about {1} degrees around the object to the {0} of the "
            "point facing camera 1",
            "Measured around the vertical axis, the marked place lies about {1} degrees to the {0} of the "
            "point facing camera 1",
        ),
        (
            "Seen from above, the marked place faces camera 1",
            "Measured around the vertical axis, the marked place lies in the direction of camera 1",
        ),
    ),
    "about_2": Phrases(
        (
            "Seen from camera 2, this place is then about {1} degrees to the {0}",
            "That puts it about {1} degrees to the {0} of the point facing camera 2",
        ),
        (
            "This place then faces camera 2",
            "That puts it at the point facing camera 2",
        ),
        refers_back=True,
    ),
}
