"""Tier B, kinds about three or four views of an object: which one, in which order, and what two motions come to."""

from itertools import pairwise, permutations

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.kinds import Fact, Figure, Kind, Known, Solved, of_figures_only
from viewpoint100k.records import matrix

LEAST_STEP_DEG = 20.0  # between neighbours
COMPOSED_DEG = (60, 120)  # well below and well above a right angle, which people can see
COMPOSED_EDGES_DEG = (43, 85, 165)  # where both are equally near, in proportion
EDGE_GREY = 0.15  # a share of an edge, to either side
TENS_OFF_DEG = 3.5  # how far a motion may be from the tens that the question says
LEVEL_DEG = 6.0  # a way around that stays as high, or a way up that stays on its side
RISES_DEG = 20.0
ALONE, GROUP = "the object", "the group of objects"  # what the camera moves about


def _around_deg(known: Known, view: int) -> float:
    """Azimuth about the object from view 0 to another, counter-clockwise from above."""
    first, other = (matrix(known.views[i].world_from_camera)[:3, 3] for i in (0, view))
    turned = np.degrees(np.arctan2(other[1], other[0]) - np.arctan2(first[1], first[0]))
    return float((turned + 180) % 360 - 180)


def _up_deg(known: Known, view: int) -> float:
    heights = []
    for i in (0, view):
        position = matrix(known.views[i].world_from_camera)[:3, 3]
        heights.append(np.degrees(np.arctan2(position[2], np.hypot(position[0], position[1]))))
    return float(heights[1] - heights[0])


# --- B10: which view -------------------------------------------------------------------------------


def move_words(known: Known, view: int) -> str | None:
    """The way from view 0 to another in words, to tens of degrees; None where it is not that plain."""
    around, up = _around_deg(known, view), _up_deg(known, view)
    way = around if abs(around) > abs(up) else up
    tens, aside = 10 * round(abs(way) / 10), up if abs(around) > abs(up) else around
    if abs(abs(way) - tens) > TENS_OFF_DEG or abs(aside) > LEVEL_DEG or tens < LEAST_STEP_DEG:
        return None
    thing = GROUP if known.scene else ALONE
    if way == around:
        return _goes(tens, "counter-clockwise" if around > 0 else "clockwise", thing)
    return _rises(tens, thing) if up > 0 else None


def _goes(tens: int, sense: str, thing: str) -> str:
    return f"goes about {tens} degrees {sense} (seen from above) around {thing}"


def _rises(tens: int, thing: str) -> str:
    return f"rises until it looks down at {thing} about {tens} degrees more steeply"


def _all_moves() -> tuple[str, ...]:
    """All that `move_words` may say."""
    out = []
    for thing in (ALONE, GROUP):
        for tens in range(int(LEAST_STEP_DEG), 190, 10):
            out += [
                _goes(tens, "clockwise", thing),
                _goes(tens, "counter-clockwise", thing),
                _rises(tens, thing),
            ]
    return tuple(out)


def draw_which_view(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B10. Image 1, a motion in words, and three views of which one is what the camera then sees.

    Two of the three are as far to either side, so that the words' sense counts.
    """
    views = range(1, len(known.views))
    turns = [_around_deg(known, view) for view in views]
    if not any(one > LEVEL_DEG and abs(one + other) < LEVEL_DEG for one in turns for other in turns):
        return None
    words = {view: move_words(known, view) for view in views}
    if len(views) != len(WHICH) or None in words.values() or len(set(words.values())) != len(WHICH):
        return None
    return Figure(images=(0, *views), words=words[int(rng.integers(1, len(known.views)))] or "")


def solve_which_view(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B10. The view that the motion in the question leads to."""
    views = figure.images[1:]
    right = [
        place
        for place, view in enumerate(views)
        if (words := move_words(known, view)) and words in figure.words
    ]
    if len(right) != 1 or figure.images != (0, 1, 2, 3):
        return None
    view = views[right[0]]
    least = min(known.seen.difference[view][other] for other in views if other != view)
    apart = min(_apart_deg(known, view, other) for other in views if other != view)
    if known.seen.covisible_fraction[0][view] < gates.min_covisible_fraction:
        return None
    fact = Fact(right[0], apart / (0.5 * LEAST_STEP_DEG))
    return Solved(fact, least) if fact.margin >= 1 else None


def _apart_deg(known: Known, one: int, other: int) -> float:
    around = (_around_deg(known, one) - _around_deg(known, other) + 180) % 360 - 180
    return float(np.hypot(around, _up_deg(known, one) - _up_deg(known, other)))


# --- B12: the order --------------------------------------------------------------------------------


def draw_order(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B12. All four views; the first is at one end of the way around the object."""
    return Figure(images=tuple(range(4))) if len(known.views) == 4 else None


def solve_order(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B12. In which order the other views were taken on a way around the object that starts at image 1."""
    along = _along(known)
    if along is None or figure.images != (0, 1, 2, 3):
        return None
    views = [0, *along]
    shared = known.seen.covisible_fraction
    if min(shared[a][b] for a, b in pairwise(views)) < gates.min_covisible_fraction:
        return None
    steps = [abs(_around_deg(known, b) - _around_deg(known, a)) for a, b in pairwise(views)]
    least = min(known.seen.difference[a][b] for a in range(4) for b in range(4) if a != b)
    option = ORDERS.index(", ".join(str(view + 1) for view in along))
    return Solved(Fact(option, min(steps) / LEAST_STEP_DEG), least) if min(steps) >= LEAST_STEP_DEG else None


def _along(known: Known) -> list[int] | None:
    """Views 1 to 3 in the order of an arc that starts at view 0; None if they are not on one."""
    turns = {view: _around_deg(known, view) for view in range(1, len(known.views))}
    if len({turn > 0 for turn in turns.values()}) != 1 or len(turns) != 3:
        return None
    return sorted(turns, key=lambda view: abs(turns[view]))


# --- B19: two motions together ----------------------------------------------------------------------


def draw_composed(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B19. Three views of an arc: the first, one on the way, and one further on."""
    along = _along(known)
    if along is None:
        return None
    on_the_way, end = sorted(rng.choice(3, 2, replace=False))
    return Figure(images=(0, along[int(on_the_way)], along[int(end)]))


def solve_composed(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B19. How far and which way around the object from image 1 to image 3, by way of image 2."""
    along = _along(known)
    if along is None or len(figure.images) != 3 or figure.images[0] != 0:
        return None
    _, middle, end = figure.images
    if middle not in along or end not in along or along.index(middle) >= along.index(end):
        return None
    shared, different = known.seen.covisible_fraction, known.seen.difference
    if min(shared[0][middle], shared[middle][end]) < gates.min_covisible_fraction:
        return None
    turn = _around_deg(known, end)
    angle = abs(turn)
    if not COMPOSED_EDGES_DEG[0] < angle < COMPOSED_EDGES_DEG[-1]:
        return None
    away = min(abs(np.log(angle / edge)) for edge in COMPOSED_EDGES_DEG) / EDGE_GREY
    number = int(np.searchsorted(COMPOSED_EDGES_DEG, angle)) - 1
    least = min(different[middle][0], different[end][middle], different[end][0])
    # the other way around must look different too, at one of both places at least
    least = min(least, max(known.seen.other_side[middle], known.seen.other_side[end]))
    return Solved(Fact(2 * number + (turn > 0), float(away)), least) if away >= 1 else None


WHICH = ("image 2", "image 3", "image 4")
ORDERS = tuple(", ".join(map(str, order)) for order in permutations((2, 3, 4)))
COMPOSED = tuple(
    f"about {n} degrees {way}" for n in COMPOSED_DEG for way in ("clockwise", "counter-clockwise")
)

KINDS: tuple[Kind, ...] = (
    Kind(
        "which_view",
        "around_object",
        "B",
        WHICH,
        (),
        of_figures_only,
        seen_alone=(),
        words=_all_moves(),
        draw=draw_which_view,
        solve=solve_which_view,
    ),
    Kind(
        "order",
        "around_object",
        "B",
        ORDERS,
        (),
        of_figures_only,
        seen_alone=(),
        draw=draw_order,
        solve=solve_order,
    ),
    Kind(
        "composed_angle",
        "seen_from_above",
        "B",
        COMPOSED,
        (),
        of_figures_only,
        seen_alone=(),
        draw=draw_composed,
        solve=solve_composed,
    ),
)
