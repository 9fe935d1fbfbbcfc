"""In which order three views were taken on a way around the object."""

from itertools import pairwise, permutations

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases, Statement, by_predicate, tens
from viewpoint100k.questions.facts.figure import FEWEST_DEG, around_deg, chain_of_figure, part_of_way
from viewpoint100k.questions.facts.pair import Case
from viewpoint100k.questions.facts.pair_sentences import FACE_WORDS
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved

SHARED_APART = 0.04  # of the surface: below, two views share about as much with a third
MOST = ("the most", "an amount in between", "the least")
ALL_FOUR = (0, 1, 2, 3)
OPTIONS = tuple("images_" + "_".join(map(str, order)) for order in permutations((2, 3, 4)))


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B12. All four views; the first is at one end of the way around the object."""
    return Figure(images=ALL_FOUR) if len(known.views) == len(ALL_FOUR) else None


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B12. In which order the other views were taken on a way around the object that starts at image 1."""
    along = along_arc(known)
    if along is None or figure.images != ALL_FOUR:
        return None
    views = [0, *along]
    shared = known.seen.covisible_fraction
    if min(shared[a][b] for a, b in pairwise(views)) < gates.min_covisible_fraction:
        return None
    turns = [around_deg(known.views[0], known.views[view]) if view else 0.0 for view in views]
    steps = [abs(b - a) for a, b in pairwise(turns)]
    if min(steps) < gates.min_step_deg:
        return None
    least = min(known.seen.difference[a][b] for a in range(4) for b in range(4) if a != b)
    option = OPTIONS.index("images_" + "_".join(str(view + 1) for view in along))
    return Solved(Fact(option, min(steps) / gates.min_step_deg), least)


def along_arc(known: Known) -> list[int] | None:
    """Views 1 to 3 in the order of an arc that starts at view 0; None if they are not on one."""
    turns = {view: around_deg(known.views[0], known.views[view]) for view in range(1, len(known.views))}
    if len({turn > 0 for turn in turns.values()}) != 1 or len(turns) != 3:
        return None
    return sorted(turns, key=lambda view: abs(turns[view]))


def _facts(case: Case) -> Facts:
    turns = [around_deg(case.views[0], view) for view in case.views[1:]]
    return by_predicate(_all_one_way(turns), _parts(turns), _turns(turns), _shared(case))


def _all_one_way(turns: list[float]) -> Statement | None:
    if min(abs(turn) for turn in turns) < FEWEST_DEG or len({turn > 0 for turn in turns}) != 1:
        return None
    return Statement("all_one_way", ("right" if turns[0] > 0 else "left",), turns[0])


def _parts(turns: list[float]) -> Statement | None:
    parts = [part for turn in turns if (part := part_of_way(turn)) is not None]
    edge = "left" if turns[0] > 0 else "right"
    return Statement("parts", (*parts, edge)) if len(parts) == 3 else None


def _turns(turns: list[float]) -> Statement:
    return Statement("turns", tuple(tens(turn) for turn in turns))


def _shared(case: Case) -> Statement | None:
    """Which of the others shows most of the surface that image 1 shows."""
    if not case.known.seen.covisible_fraction:
        return None
    images = case.figure.images
    shares = [case.known.seen.covisible_fraction[images[0]][view] for view in images[1:]]
    ranked = sorted(shares, reverse=True)
    if min(ranked[0] - ranked[1], ranked[1] - ranked[2]) < SHARED_APART:
        return None
    return Statement("shared", tuple(MOST[ranked.index(share)] for share in shares))


def _answers(facts: Facts) -> set[str]:
    """The orders that fit all that is said."""
    if "all_one_way" not in facts:
        return set()
    keys: list[list[int]] = []
    if "turns" in facts:
        keys.append([int(angle) for angle in facts["turns"].args])
    if "parts" in facts:
        keys.append([FACE_WORDS.index(str(part)) for part in facts["parts"].args[:3]])
    if not any(len(set(key)) == 3 for key in keys):
        return set()
    if "shared" in facts:
        keys.append([MOST.index(str(word)) for word in facts["shared"].args])
    orders = {tuple(sorted(range(3), key=key.__getitem__)) for key in keys if len(set(key)) == 3}
    fitting = [o for o in orders if all(key[o[0]] <= key[o[1]] <= key[o[2]] for key in keys)]
    return {"images_" + "_".join(str(i + 2) for i in order) for order in fitting}


PHRASES = {
    "all_one_way": Phrases(
        (
            "Images 2, 3 and 4 each show more of the side of the object that was on the {0} in image 1",
            "In all of images 2, 3 and 4, the object is seen more from the side that was on the {0} in "
            "image 1",
        ),
    ),
    "parts": Phrases(
        (
            "Moving towards the object's {3} edge, the part that faced the camera in image 1 is {0} in "
            "image 2, {1} in image 3 and {2} in image 4",
            "The part that faced the camera in image 1 has moved towards the {3} edge of the object: in "
            "image 2 it is {0}, in image 3 {1}, in image 4 {2}",
        ),
    ),
    "turns": Phrases(
        (
            "Counted from image 1, the angle around the object is about {0} degrees for image 2, about {1} "
            "for image 3 and about {2} for image 4",
            "Around the object, image 2 is about {0} degrees away from image 1, image 3 about {1} and "
            "image 4 about {2}",
        ),
    ),
    "shared": Phrases(
        (
            "Of the surface seen in image 1, image 2 shows {0}, image 3 {1} and image 4 {2}",
            "Image 2 has {0} in common with image 1, image 3 {1} and image 4 {2}",
        ),
    ),
}
KIND = DrawnKind(
    name="order/around_object",
    rank=26,
    tier="B",
    options=OPTIONS,
    seen_alone=(),
    draw=draw,
    solve=solve,
    chain=chain_of_figure(
        _facts,
        _answers,
        (
            ("all_one_way!", "parts!", "=further_on", "turns?"),
            ("all_one_way!", "parts?", "turns!"),
            ("shared!", "all_one_way!", "=further_on", "turns!"),
            ("=further_on", "all_one_way!", "turns!"),
        ),
        PHRASES,
        {
            "further_on": (
                "The further the camera goes around, the further the part that it faced at first turns away",
                "The further along the way a picture was taken, the less it has in common with the first",
            )
        },
    ),
)
KINDS = (KIND,)
