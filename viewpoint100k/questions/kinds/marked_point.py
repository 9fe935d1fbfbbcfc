"""Which dot of image 2 marks the point that a dot marks in image 1."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import (
    SAME,
    Facts,
    Grey,
    Phrases,
    PremiseNeed,
    Statement,
    by_predicate,
    three,
)
from viewpoint100k.questions.facts.figure import (
    BORDER,
    COLOURS,
    OF_MARKS,
    about,
    chain_of_figure,
    dot_1,
    mark_at,
    marked,
    of_pair,
    on_box,
    point_at,
    share_of_box,
    thirds,
    turns_fit,
)
from viewpoint100k.questions.facts.pair import LEFT_SAME_RIGHT, Case
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved
from viewpoint100k.records import SurfacePoint

Points = NDArray[np.float64]  # (N, 2) pixels
Flags = NDArray[np.bool_]

# how often the right dot is the nearest to where the mark was, in the picture or on the object's box
BY_CHANCE = 0.25
MOST_DOTS = 16
TRIPLES = [  # of that many points at most, those that are looked at, the least strange first
    np.array(list(combinations(range(count), 3)), dtype=np.intp).reshape(-1, 3).T
    for count in range(MOST_DOTS + 1)
]
OWN_BORDER = 0.015  # of the object's box, to the border of a third, for the place that is looked for
GREY_WAY = Grey(0.04, 0.06)  # of the object's box: a way to the left or right within it


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B13. A dot in image 1, four in image 2: one is the same point of the object, three are others that
    both images show.

    If the others were hidden in image 1, the dots of image 2 alone would reveal the answer: those at the side
    that came into view would be wrong.
    """
    if known.truth.covisible_fraction < gates.min_covisible_fraction:
        return None
    side = 2 * known.views[1].intrinsics[0][2]
    clear = [point for point in known.seen.points if point.visible == ["yes", "yes"]]
    if len(clear) < len(COLOURS):
        return None
    before, after = (np.array([point.pixels[i] for point in clear]) for i in (0, 1))
    apart = _distances(after, after) >= gates.min_dots_apart * side
    nearer = [
        _nearer_to_where_it_was(before, after),
        _nearer_to_where_it_was(on_box(known.views[0], before), on_box(known.views[1], after)),
    ]
    wanted = rng.random(2) >= BY_CHANCE
    decoys = [flags for flags, want in zip(nearer, wanted, strict=True) if want]
    fair = ~np.any([flags for flags, want in zip(nearer, wanted, strict=True) if not want], axis=0)
    can_be_marked = np.ones(len(clear), dtype=bool)
    for flags in decoys:  # where there is none of its sort, there is no need to look further
        can_be_marked &= (flags & fair & apart).any(axis=1)
    paint = np.array([point.albedo for point in clear])
    unlike = np.abs(paint[:, None] - paint).sum(axis=-1)
    outwards = int(rng.integers(len(COLOURS)))  # how many dots are to lie further in than the right one
    for right in rng.permutation(np.flatnonzero(can_be_marked)):
        usable = np.broadcast_to(fair, apart.shape)[right] & apart[right]
        strange = unlike[right] + 0.05 * rng.random(len(paint))
        others = _others(
            int(right), after, usable, apart, [flags[right] for flags in decoys], strange, outwards
        )
        if others:
            colours = [COLOURS[int(i)] for i in rng.permutation(len(COLOURS))]
            chosen = [int(right), *others]
            dots = [mark_at(1, clear[i], colour) for i, colour in zip(chosen, colours, strict=True)]
            dots.sort(key=lambda dot: COLOURS.index(dot.colour))
            return Figure(marks=(mark_at(0, clear[right], "red"), *dots))
    return None


def _distances(a: Points, b: Points) -> NDArray[np.float64]:
    """(N, M) between the points (N, 2) and (M, 2)."""
    (ax, ay) = a.T
    (bx, by) = b.T
    return np.asarray(np.hypot(ax[:, None] - bx, ay[:, None] - by))


def _nearer_to_where_it_was(before: Points, after: Points) -> Flags:
    """(N, N) per row: which other points now lie nearer to where that point was than it does itself."""
    away = _distances(before, after)
    return np.asarray(away < np.diag(away)[:, None])


def _others(
    right: int,
    pixels: Points,
    usable: Flags,
    apart: Flags,
    decoys: Sequence[Flags],
    strange: NDArray[np.float64],
    outwards: int,
) -> list[int]:
    """Three points beside the right one, the least strange ones that will do; empty if there are none.

    All are apart from each other, at least one is of each sort of decoys, and `outwards` of the three are
    nearer to the middle of all four than the right one: what two views share tends to be in the middle, and
    that must not reveal the answer.
    """
    points = np.flatnonzero(usable)
    # a < b < c, so the first triples hold the least strange points
    points = points[np.argsort(strange[points])]
    a, b, c = points[TRIPLES[min(len(points), len(TRIPLES) - 1)]]
    fits = apart[a, b] & apart[a, c] & apart[b, c]
    for wanted in decoys:
        fits &= wanted[a] | wanted[b] | wanted[c]
    others = np.array([a, b, c])[:, fits]
    x, y = pixels.T
    middle_x, middle_y = ((at[right] + at[others].sum(axis=0)) / 4 for at in (x, y))
    mine = np.hypot(x[right] - middle_x, y[right] - middle_y)
    nearer = (np.hypot(x[others] - middle_x, y[others] - middle_y) < mine).sum(axis=0)
    will_do = np.flatnonzero(nearer == outwards)
    if not len(will_do):
        return []
    best: list[int] = others[:, will_do[np.argmin(strange[others[:, will_do]].sum(axis=0))]].tolist()
    return best


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B13. Which dot of image 2 is the point that is marked in image 1."""
    target = point_at(known, 0, [mark for mark in figure.marks if mark.image == 0])
    dots = {mark.colour: point_at(known, 1, [mark]) for mark in figure.marks if mark.image == 1}
    points = [dots.get(colour) for colour in COLOURS]
    if target is None or target.visible[0] != "yes" or set(dots) != set(COLOURS):
        return None
    clear = [point for point in points if point is not None and point.visible[1] == "yes"]
    if len(clear) != len(COLOURS) or clear.count(target) != 1:
        return None
    right = clear.index(target)
    others = [point for point in clear if point != target]
    side = 2 * known.views[1].intrinsics[0][2]
    away = [math.dist(point.pixels[1], target.pixels[1]) for point in others]
    fact = Fact(right, min(away) / (gates.min_dots_apart * side))
    if fact.margin < 1:
        return None
    # something that looks the same from elsewhere has no point of its own
    on_object = [math.dist(point.world, target.world) for point in others]
    decidability = min(known.decidability.azimuth, *on_object)
    return Solved(fact, decidability, alone=_alone(known, target, clear, right))


def _alone(known: Known, target: SurfacePoint, dots: Sequence[SurfacePoint], right: int) -> tuple[float, ...]:
    """How the right dot differs from the mean of all: its place, its rank from the middle, whether it is
    nearest to the mark.
    """
    pixels = np.array([point.pixels[1] for point in dots])
    side = 2 * known.views[1].intrinsics[0][2]
    places = on_box(known.views[1], pixels)
    away = np.linalg.norm(pixels - pixels.mean(axis=0), axis=1)
    ranks = np.argsort(np.argsort(away))
    to_mark = np.linalg.norm(pixels - np.array(target.pixels[0]), axis=1)
    between = _distances(pixels, pixels)
    nearest = np.where(np.eye(len(pixels), dtype=bool), np.inf, between).min(axis=1)
    features = np.column_stack(
        [
            to_mark == to_mark.min(),
            *(ranks == rank for rank in range(len(COLOURS) - 1)),
            away / side,
            places,
            np.square(places),
            np.abs(places).max(axis=1),
            nearest / side,
            between.max(axis=1) / side,
        ]
    ).astype(np.float64)
    return tuple((features[right] - features.mean(axis=0)).tolist())


def _facts(case: Case) -> Facts:
    facts = by_predicate(dot_1(case), about(case, 1), about(case, 2), _lands(case), _dots(case))
    return of_pair(case, "side", "upper") | facts


def _lands(case: Case) -> Statement | None:
    """Where the marked place is in image 2, and to which side it went on the object."""
    point = marked(case)
    if point is None:
        return None
    before, after = (share_of_box(view, *at) for view, at in zip(case.views, point.pixels, strict=False))
    way = three("lands", after[0] - before[0], GREY_WAY, LEFT_SAME_RIGHT)
    cell = thirds(after, OWN_BORDER)
    return way._replace(args=(*way.args, *cell)) if way and cell else None


def _dots(case: Case) -> Statement | None:
    """In which thirds of the object all the dots of image 2 are."""
    at = {
        mark.colour: share_of_box(case.views[1], mark.x, mark.y)
        for mark in case.figure.marks
        if mark.image == 1
    }
    cells = [thirds(at[colour], BORDER) if colour in at else None for colour in COLOURS]
    words = [word for cell in cells if cell for word in cell]
    return Statement("dots", tuple(words)) if None not in cells else None


def _answers(facts: Facts) -> set[str]:
    if not {"dots", "lands", "side"} <= facts.keys() or not turns_fit(facts):
        return set()
    way, *cell = facts["lands"].args
    if way == facts["side"].args[0] != SAME:  # it must go opposite to the camera
        return set()
    words = facts["dots"].args
    return {colour for i, colour in enumerate(COLOURS) if list(words[2 * i : 2 * i + 2]) == cell}


PHRASES = OF_MARKS | {
    "lands": Phrases(
        (
            "On the object in image 2, this place is further to the {0}, in the {1} third horizontally and "
            "the {2} third vertically",
            "In image 2 this place is further to the {0} on the object, in the {1} third of its width and "
            "the {2} third of its height",
        ),
        (
            "On the object in image 2, this place is neither further left nor further right, in the {1} "
            "third horizontally and the {2} third vertically",
            "In image 2 this place has moved neither left nor right on the object, and is in the {1} third "
            "of its width and the {2} third of its height",
        ),
        refers_back=True,
    ),
    "dots": Phrases(
        (
            "Horizontally and vertically, the dots in image 2 are in these thirds of the object: red ({0}, "
            "{1}), blue ({2}, {3}), green ({4}, {5}), yellow ({6}, {7})",
            "In image 2 the dots lie in these thirds of the object's width and height: red ({0}, {1}), blue "
            "({2}, {3}), green ({4}, {5}), yellow ({6}, {7})",
        ),
    ),
}
KIND = DrawnKind(
    name="marked_point/image_2",
    rank=19,
    tier="B",
    options=COLOURS,
    seen_alone=(),
    draw=draw,
    solve=solve,
    chain=chain_of_figure(
        _facts,
        _answers,
        (
            ("dot_1!", "side!", "=against_the_way", "lands!", "dots!"),
            ("about_1!", "side!", "about_2!", "lands!", "dots!"),
            ("side!", "upper?", "dot_1!", "lands!", "dots!"),
            ("dots!", "dot_1!", "side!", "lands!"),
        ),
        PHRASES,
        {
            "against_the_way": (
                "What is visible shifts in the opposite direction to the camera's motion",
                "The visible surface turns to the side opposite to the camera's motion",
            )
        },
        {"against_the_way": PremiseNeed("side", ("left", "right"))},
    ),
)
KINDS = (KIND,)
