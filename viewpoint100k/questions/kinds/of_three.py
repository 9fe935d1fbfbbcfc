"""Which of three pictures of a set was taken from nearest, from highest, or from furthest around
the object.
"""

from collections.abc import Callable, Sequence

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import UNCLEAR, Facts, Phrases, Statement, tens
from viewpoint100k.questions.facts.figure import FEWEST_DEG, around_deg, chain_of_figure
from viewpoint100k.questions.facts.pair import Case
from viewpoint100k.questions.flat_cues import fullness, place, shape, size
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved
from viewpoint100k.questions.kinds.order import ALL_FOUR
from viewpoint100k.questions.kinds.order import PHRASES as OF_ORDER
from viewpoint100k.records import View, matrix

OTHERS = (1, 2, 3)
OPTIONS = ("image_2", "image_3", "image_4")
SAID_APART_DEG = 20  # between angles in tens, of which one is said to be the largest


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """All four views; the question is about the last three."""
    return Figure(images=ALL_FOUR) if len(known.views) == len(ALL_FOUR) else None


def solve_nearest(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B21. From which of three places the object is nearest; all four pictures have the same lens."""
    if not _of_set(known, figure) or not _same_lens(known, gates):
        return None
    distances = [np.log(np.linalg.norm(_position(known.views[view]))) for view in OTHERS]
    return _most(known, [-distance for distance in distances], np.log(gates.size_grey.high))


def solve_highest(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B21. Which of three cameras looks at the object from the highest angle."""
    if not _of_set(known, figure):
        return None
    return _most(known, [_elevation_deg(known.views[view]) for view in OTHERS], gates.tilt_grey_deg.high)


def solve_furthest(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B21. Which of three cameras is furthest around the object from the first, whichever way around."""
    if not _of_set(known, figure):
        return None
    turns = {view: around_deg(known.views[0], known.views[view]) for view in OTHERS}
    amounts = [abs(turns[view]) for view in OTHERS]
    shared = known.seen.covisible_fraction
    if any(shared[start][end] < gates.min_covisible_fraction for start, end in steps_of(turns)):
        return None
    if max(amounts) > 180 - gates.min_step_deg:  # beyond that, people go around the other way
        return None
    return _most(known, amounts, gates.min_step_deg)


def steps_of(turns: dict[int, float]) -> list[tuple[int, int]]:
    """From each view to the one before it on its side of view 0, or to view 0."""
    steps = []
    for view, turn in turns.items():
        before = [other for other in turns if turns[other] * turn > 0 and abs(turns[other]) < abs(turn)]
        steps.append((max(before, key=lambda other: abs(turns[other]), default=0), view))
    return steps


def _most(known: Known, amounts: Sequence[float], grey: float) -> Solved | None:
    """The view of which there is most, if it is ahead of the next one by `grey`."""
    second, first = sorted(amounts)[-2:]
    margin = float((first - second) / grey)
    if margin < 1:
        return None
    option = list(amounts).index(first)
    right = OTHERS[option]
    least = min(known.seen.difference[right][other] for other in OTHERS if other != right)
    return Solved(Fact(option, margin), least, alone=_alone(known.views, option))


def _alone(views: Sequence[View], option: int) -> tuple[float, ...]:
    """How the right picture differs from the mean of all three in what a flat look sees, and in how that
    changed since image 1.
    """
    looks = [np.array([size(view), shape(view), fullness(view), *place(view)]) for view in views]
    features = np.array([[*look, *np.abs(look - looks[0])[:3]] for look in looks[1:]])
    return tuple((features[option] - features.mean(axis=0)).tolist())


def _of_set(known: Known, figure: Figure) -> bool:
    return len(known.views) == len(ALL_FOUR) and figure == Figure(images=ALL_FOUR)


def _same_lens(known: Known, gates: GateConfig) -> bool:
    focals = np.log([view.intrinsics[0][0] / view.intrinsics[0][2] for view in known.views])
    return bool(np.ptp(focals) <= np.log(gates.size_grey.low))


def _position(view: View) -> np.ndarray:
    return matrix(view.world_from_camera)[:3, 3]


def _elevation_deg(view: View) -> float:
    x, y, z = _position(view)
    return float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _turns(case: Case) -> Facts:
    angles = [around_deg(case.views[0], view) for view in case.views[1:]]
    if min(map(abs, angles)) < FEWEST_DEG:
        return {}
    return {"turns": Statement("turns", tuple(tens(angle) for angle in angles))}


def _heights(case: Case) -> Facts:
    angles = [_elevation_deg(view) for view in case.views[1:]]
    if min(angles) < 0:
        return {}
    return {"heights": Statement("heights", tuple(tens(angle) for angle in angles))}


def _largest(predicate: str) -> Callable[[Facts], set[str]]:
    """The picture for which the largest number is said, if that is clear."""

    def answers(facts: Facts) -> set[str]:
        if predicate not in facts:
            return set()
        numbers = [int(number) for number in facts[predicate].args]
        second, first = sorted(numbers)[-2:]
        return {OPTIONS[numbers.index(first)] if first - second >= SAID_APART_DEG else UNCLEAR}

    return answers


HEIGHTS = Phrases(
    (
        "The camera looks down at the object at an angle of about {0} degrees in image 2, about {1} in "
        "image 3 and about {2} in image 4",
        "As seen from the object, camera 2 is about {0} degrees above the horizontal, camera 3 about {1} "
        "and camera 4 about {2}",
    )
)

KINDS = (
    DrawnKind(
        name="nearest_of_three/object",
        rank=45,
        tier="B",
        options=OPTIONS,
        seen_alone=(),
        can_be_fair=False,  # a large object in one picture suggests that this is the one
        draw=draw,
        solve=solve_nearest,
    ),
    DrawnKind(
        name="highest_of_three/object",
        rank=46,
        tier="B",
        options=OPTIONS,
        seen_alone=(),
        can_be_fair=False,  # each picture by itself shows from how high it was taken
        draw=draw,
        solve=solve_highest,
        chain=chain_of_figure(
            _heights,
            _largest("heights"),
            (("heights!",), ("=higher_sees_top", "heights!"), ("heights!", "=higher_sees_top")),
            {"heights": HEIGHTS},
        ),
    ),
    DrawnKind(
        name="furthest_of_three/around_object",
        rank=47,
        tier="B",
        options=OPTIONS,
        seen_alone=(),
        draw=draw,
        solve=solve_furthest,
        chain=chain_of_figure(
            _turns,
            _largest("turns"),
            (("turns!",), ("=further_round", "turns!"), ("turns!", "=further_round")),
            {"turns": OF_ORDER["turns"]},
            {
                "further_round": (
                    "The further around the object a camera is, the less it sees of what image 1 shows",
                    "Only the size of the angle around the object counts, not which way the camera went",
                )
            },
        ),
    ),
)
