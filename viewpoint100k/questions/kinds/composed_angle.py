"""How far around the object, and in which sense, two motions lead together."""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases, Statement, by_predicate, tens
from viewpoint100k.questions.facts.figure import FEWEST_DEG, around_deg, chain_of_figure, part_of_way
from viewpoint100k.questions.facts.pair import Case
from viewpoint100k.questions.facts.pair_sentences import GONE
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved
from viewpoint100k.questions.kinds.order import along_arc

BINS_DEG = (60, 120)  # well below and well above a right angle, which people can see
EDGES_DEG = (43, 85, 165)  # where both are equally near, in proportion
SENSES = ("clockwise", "counter_clockwise")
LEGS = ((1, 2), (2, 3), (1, 3))
LEGS_ATOL_DEG = 9  # by how much the rounded legs may miss the whole way
SAID_DEG = (45, 160)  # a sum outside is not said to be about one of the angles


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B19. Three views of an arc: the first, one on the way, and one further on."""
    along = along_arc(known)
    if along is None:
        return None
    on_the_way, end = sorted(rng.choice(3, 2, replace=False))
    return Figure(images=(0, along[int(on_the_way)], along[int(end)]))


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B19. How far around the object, and in which sense, from image 1 to image 3, by way of image 2."""
    along = along_arc(known)
    if along is None or len(figure.images) != 3 or figure.images[0] != 0:
        return None
    _, middle, end = figure.images
    if middle not in along or end not in along or along.index(middle) >= along.index(end):
        return None
    shared = known.seen.covisible_fraction
    different = known.seen.difference
    if min(shared[0][middle], shared[middle][end]) < gates.min_covisible_fraction:
        return None
    turn = around_deg(known.views[0], known.views[end])
    angle = abs(turn)
    if not EDGES_DEG[0] < angle < EDGES_DEG[-1]:
        return None
    margin = float(min(abs(np.log(angle / edge)) for edge in EDGES_DEG) / gates.composed_bin_grey)
    if margin < 1:
        return None
    number = int(np.searchsorted(EDGES_DEG, angle)) - 1
    least = min(different[middle][0], different[end][middle], different[end][0])
    # the other way around must look different too, at least at one of both places
    least = min(least, max(known.seen.other_side[middle], known.seen.other_side[end]))
    return Solved(Fact(2 * number + (turn > 0), margin), least)


def _facts(case: Case) -> Facts:
    legs = {leg: around_deg(case.views[leg[0] - 1], case.views[leg[1] - 1]) for leg in LEGS}
    facts = by_predicate(*(fact for leg, turn in legs.items() for fact in _leg(leg, turn)))
    parts = [facts.get("leg_turn_12"), facts.get("leg_turn_23")]
    total = sum(int(part.args[2]) for part in parts if part)
    if None not in parts and abs(total - abs(legs[1, 3])) < LEGS_ATOL_DEG:
        facts["total"] = Statement("total", (total,), float(total))
    return facts


def _leg(leg: tuple[int, int], turn: float) -> list[Statement]:
    """From one image to another: which side comes into view, how far the middle went to the edge, and the
    angle.
    """
    if abs(turn) < FEWEST_DEG:
        return []
    start, end = leg
    way, edge = ("right", "left") if turn > 0 else ("left", "right")
    said: dict[str, tuple[str | int, ...]] = {"side": (way,), "turn": (tens(turn),)}
    if (part := part_of_way(turn)) is not None:
        said["part"] = (part, edge)
    return [
        Statement(f"leg_{name}_{start}{end}", (start, end, *args), turn, phrase=f"leg_{name}")
        for name, args in said.items()
    ]


def _answers(facts: Facts) -> set[str]:
    if not {"leg_side_12", "leg_side_23", "leg_turn_12", "leg_turn_23", "total"} <= facts.keys():
        return set()
    ways = {facts[f"leg_side_{leg}"].args[2] for leg in ("12", "23")}
    total = int(facts["total"].args[0])
    if len(ways) != 1 or not SAID_DEG[0] <= total <= SAID_DEG[1]:
        return set()
    angle = min(BINS_DEG, key=lambda degrees: abs(np.log(total / degrees)))
    return {f"{angle}_degrees_{SENSES['right' in ways]}"}


OUT_OF_SIGHT = (
    "The part that faced the camera in image {0} is out of sight in image {1}, beyond the object's {3} edge",
    "The part that faced camera {0} has gone behind the object's {3} edge in image {1}",
)
PHRASES = {
    "leg_side": Phrases(
        (
            "Image {1} shows more of the side that was on the {2} in image {0}",
            "In image {1} the object is seen more from the side that was on the {2} in image {0}",
        ),
    ),
    "leg_part": Phrases(
        (
            "The part that faced the camera in image {0} has moved {2} to the object's {3} edge in image {1}",
            "In image {1}, the part that faced camera {0} is {2} to the object's {3} edge",
        ),
        special={GONE: OUT_OF_SIGHT},
    ),
    "leg_turn": Phrases(
        (
            "From image {0} to image {1} that is about {2} degrees around the object",
            "Images {0} and {1} are about {2} degrees apart around the object",
        ),
    ),
    "total": Phrases(
        (
            "Both parts together come to {0} degrees",
            "Added up, that is {0} degrees",
        ),
        refers_back=True,
    ),
}
KIND = DrawnKind(
    name="composed_angle/seen_from_above",
    rank=27,
    tier="B",
    options=tuple(f"{degrees}_degrees_{sense}" for degrees in BINS_DEG for sense in SENSES),
    seen_alone=(),
    draw=draw,
    solve=solve,
    chain=chain_of_figure(
        _facts,
        _answers,
        (
            (
                "leg_side_12!",
                "leg_part_12?",
                "leg_turn_12!",
                "leg_side_23!",
                "leg_part_23?",
                "leg_turn_23!",
                "total!",
            ),
            (
                "leg_part_12?",
                "leg_turn_12!",
                "leg_part_23?",
                "leg_turn_23!",
                "leg_side_12!",
                "leg_side_23!",
                "total!",
            ),
            (
                "=legs_add",
                "leg_side_12!",
                "leg_turn_12!",
                "leg_side_23!",
                "leg_turn_23!",
                "total!",
                "leg_part_13?",
            ),
            (
                "leg_side_12!",
                "leg_side_23!",
                "=from_above",
                "leg_turn_12!",
                "leg_turn_23!",
                "=legs_add",
                "total!",
            ),
        ),
        PHRASES,
        {
            "legs_add": (
                "Angles around the object in the same direction add up",
                "The two parts of one way around the object add up to the whole angle",
            )
        },
    ),
)
KINDS = (KIND,)
