"""Which of three views a camera sees after a move that is told in words."""

from collections.abc import Mapping, Sequence

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases, PremiseNeed, Statement, by_predicate, tens
from viewpoint100k.questions.facts.figure import FEWEST_DEG, around_deg, chain_of_figure, up_deg
from viewpoint100k.questions.facts.pair import GREY_ANGLE_DEG, Case
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Parameter, Solved
from viewpoint100k.records import Move

FEWEST_TENS_DEG = 20  # of a move that wordings name
ALL_FOUR = (0, 1, 2, 3)


def move_to(known: Known, view: int, gates: GateConfig) -> Move | None:
    """The move from view 0 to another, to tens of degrees; None where it is not that plain."""
    around = around_deg(known.views[0], known.views[view])
    up = up_deg(known.views[0], known.views[view])
    level = abs(around) > abs(up)
    way, aside = (around, up) if level else (up, around)
    rounded = 10 * round(abs(way) / 10)
    if abs(abs(way) - rounded) > gates.max_off_tens_deg or abs(aside) > gates.max_off_level_deg:
        return None
    if rounded < gates.min_step_deg:
        return None
    if level:
        return Move(around_deg=rounded if around > 0 else -rounded)
    return Move(up_deg=rounded) if up > 0 else None


def key_of(move: Move) -> str:
    """Under which its words are in the templates file."""
    if move.up_deg:
        return "rises"
    return "counter_clockwise" if move.around_deg > 0 else "clockwise"


def degrees_of(move: Move) -> Mapping[str, int]:
    return {"degrees": int(abs(move.around_deg) + move.up_deg)}


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B10. Image 1, a motion in words, and three views of which one is what the camera then sees.

    Two of the three are equally far to either side, so that the sense in the words counts.
    """
    views = range(1, len(known.views))
    turns = [around_deg(known.views[0], known.views[view]) for view in views]
    most = gates.max_off_level_deg
    if not any(turn > most and abs(turn + other) < most for turn in turns for other in turns):
        return None
    moves = [move_to(known, view, gates) for view in views]
    distinct = {(move.around_deg, move.up_deg) for move in moves if move is not None}
    if len(views) != len(OPTIONS) or len(distinct) != len(OPTIONS):
        return None
    return Figure(images=(0, *views), move=moves[int(rng.integers(1, len(known.views))) - 1])


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B10. Which view the motion in the question leads to."""
    if figure.images != ALL_FOUR or len(known.views) != len(ALL_FOUR) or figure.move is None:
        return None
    views = figure.images[1:]
    right = [place for place, view in enumerate(views) if move_to(known, view, gates) == figure.move]
    if len(right) != 1:
        return None
    view = views[right[0]]
    least = min(known.seen.difference[view][other] for other in views if other != view)
    apart = min(_apart_deg(known, view, other) for other in views if other != view)
    if known.seen.covisible_fraction[0][view] < gates.min_covisible_fraction:
        return None
    fact = Fact(right[0], apart / (0.5 * gates.min_step_deg))
    return Solved(fact, least) if fact.margin >= 1 else None


def _apart_deg(known: Known, view: int, other: int) -> float:
    around = around_deg(known.views[other], known.views[view])
    return float(np.hypot(around, up_deg(known.views[other], known.views[view])))


def _facts(case: Case) -> Facts:
    return by_predicate(_expected(case), *_views(case))


def _expected(case: Case) -> Statement | None:
    """What the move does to the sides that are seen."""
    move: Move | None = case.figure.move
    if move is None:
        return None
    degrees = degrees_of(move)["degrees"]
    way = {"rises": "top", "counter_clockwise": "right", "clockwise": "left"}[key_of(move)]
    return Statement("expected", (way, degrees), float(degrees))


def _views(case: Case) -> list[Statement]:
    """Which way each of the others was taken from image 1, with and without how far."""
    words: list[str | int] = []
    for view in case.views[1:]:
        around = around_deg(case.views[0], view)
        up = up_deg(case.views[0], view)
        level = abs(around) > abs(up)
        aside = up if level else around
        if max(abs(around), abs(up)) < FEWEST_DEG or abs(aside) > GREY_ANGLE_DEG.clear:
            return []
        if level:
            words += ["right" if around > 0 else "left", tens(around)]
        elif up > 0:
            words += ["top", tens(up)]
        else:
            return []
    return [Statement("views", tuple(words)), Statement("ways", tuple(words[::2]))]


def _answers(facts: Facts) -> set[str]:
    if "expected" not in facts:
        return set()
    fitting = []
    if "views" in facts:
        words = facts["views"].args
        ways = list(zip(words[::2], words[1::2], strict=True))
        fitting.append({i for i, way in enumerate(ways) if way == facts["expected"].args})
    if "ways" in facts:
        expected = facts["expected"].args[0]
        fitting.append({i for i, way in enumerate(facts["ways"].args) if way == expected})
    return {OPTIONS[i] for i in set.intersection(*fitting)} if fitting else set()


def _views_in_words(args: Sequence[str | int]) -> Mapping[str, str]:
    words = {
        "left": "about {} degrees further to the left",
        "right": "about {} degrees further to the right",
        "top": "about {} degrees higher",
    }
    items = [words[str(way)].format(angle) for way, angle in zip(args[::2], args[1::2], strict=True)]
    text = f"image 2 was taken from {items[0]}, image 3 from {items[1]} and image 4 from {items[2]}"
    return {"list": text}


def _ways_in_words(args: Sequence[str | int]) -> Mapping[str, str]:
    words = {"left": "the left side", "right": "the right side", "top": "the top"}
    items = [words[str(way)] for way in args]
    return {"list": f"{items[0]} in image 2, {items[1]} in image 3 and {items[2]} in image 4"}


OPTIONS = ("image_2", "image_3", "image_4")
MOVES = tuple(
    move
    for degrees in range(FEWEST_TENS_DEG, 190, 10)
    for move in (Move(around_deg=-degrees), Move(around_deg=degrees), Move(up_deg=degrees))
)
RISEN = (
    "The move turns the top of the object more towards the camera, by about {1} degrees",
    "After the move, the camera must look down at the object about {1} degrees more steeply than in image 1",
)
PHRASES = {
    "expected": Phrases(
        (
            "The move brings more of the side that is on the {0} in image 1 into view, by about {1} degrees",
            "After the move, the object must be seen from about {1} degrees further to the {0} than in "
            "image 1",
        ),
        special={"top": RISEN},
    ),
    "views": Phrases(
        (
            "Compared with image 1, {list}",
            "Judging by the sides that come into view, {list}",
        ),
        fill=_views_in_words,
    ),
    "ways": Phrases(
        (
            "Compared with image 1, what comes further into view is {list}",
            "What is turned more towards the camera than in image 1 is {list}",
        ),
        fill=_ways_in_words,
    ),
}
KIND = DrawnKind(
    name="which_view/around_object",
    rank=25,
    tier="B",
    options=OPTIONS,
    seen_alone=(),
    parameter=Parameter("move", MOVES, key_of, degrees_of),
    draw=draw,
    solve=solve,
    chain=chain_of_figure(
        _facts,
        _answers,
        (
            ("=from_above", "expected!", "views!"),
            ("views!", "=from_above", "expected!"),
            ("expected!", "ways!", "views!"),
            ("=from_above", "expected!", "ways!"),
            ("=higher_sees_top", "expected!", "views!"),
            ("ways!", "views!", "=higher_sees_top", "expected!"),
        ),
        PHRASES,
        needs={
            "from_above": PremiseNeed("expected", ("left", "right")),
            "higher_sees_top": PremiseNeed("expected", ("top",)),
        },
    ),
)
KINDS = (KIND,)
