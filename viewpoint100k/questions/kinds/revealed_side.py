"""Which side of the object, by its own front, image 2 shows and image 1 does not."""

from collections.abc import Mapping, Sequence

from viewpoint100k.annotate import stays
from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.points import SIDES
from viewpoint100k.questions.facts.chain import SAME, Facts, Phrases, Statement, by_predicate
from viewpoint100k.questions.facts.figure import chain_of_figure, enough_pixels, of_pair
from viewpoint100k.questions.facts.pair import Case
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved, draw_two_pictures

UPRIGHT_SIDES = ("front", "back", "left", "right")
RING = ("front", "left", "back", "right")  # as a camera that goes to its right meets them
# of the object's pixels, on one of its own sides
HIDDEN_SHARE = 0.05
SHOWN_SHARE = 0.10


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B15. Which one side of the object, by its own front, image 2 shows and image 1 does not."""
    if not known.seen.sides or not enough_pixels(known, gates) or stays(known.truth.translation, gates):
        return None
    first, second = (dict(zip(SIDES, known.seen.sides[view], strict=True)) for view in figure.images)
    hidden = gates.side_grey.low
    shown = gates.side_grey.high
    new = [side for side in UPRIGHT_SIDES if first[side] <= hidden and second[side] > hidden]
    if len(new) != 1 or second[new[0]] < shown:
        return None
    fact = Fact(UPRIGHT_SIDES.index(new[0]), second[new[0]] / shown)
    return Solved(fact, known.decidability.azimuth)


def _facts(case: Case) -> Facts:
    return of_pair(case, "side", "upper", "face") | by_predicate(_shown(case))


def _shown(case: Case) -> Statement | None:
    """Which of the object's own upright sides image 1 shows."""
    if not case.known.seen.sides:
        return None
    shares = dict(zip(SIDES, case.known.seen.sides[case.figure.images[0]], strict=True))
    if any(HIDDEN_SHARE < shares[side] < SHOWN_SHARE for side in UPRIGHT_SIDES):
        return None
    sides = tuple(side for side in UPRIGHT_SIDES if shares[side] >= SHOWN_SHARE)
    return Statement("shown", sides) if 1 <= len(sides) <= 2 else None


def _answers(facts: Facts) -> set[str]:
    """The side that comes next after those that are seen, on the way around."""
    if not {"shown", "side"} <= facts.keys() or facts["side"].args[0] == SAME:
        return set()
    step = 1 if facts["side"].args[0] == "right" else -1
    shown = facts["shown"].args
    following = {str(side): RING[(RING.index(str(side)) + step) % 4] for side in shown}
    new = [side for side in following.values() if side not in shown]
    return {new[0]} if len(new) == 1 else set()


def _sides(args: Sequence[str | int]) -> Mapping[str, str]:
    return {"sides": " and ".join(f"the {side}" for side in args)}


PHRASES = {
    "shown": Phrases(
        (
            "Image 1 shows {sides} of the object, and none of its other vertical sides",
            "Of the object's front, back, left and right, image 1 clearly shows only {sides}",
        ),
        fill=_sides,
    ),
}
KIND = DrawnKind(
    name="revealed_side/object_front",
    rank=22,
    tier="B",
    options=UPRIGHT_SIDES,
    draw=draw_two_pictures,
    solve=solve,
    # the shape of the object's box reveals from which side it is seen, and so what can come into view
    can_be_fair=False,
    chain=chain_of_figure(
        _facts,
        _answers,
        (
            ("shown!", "side!", "=sees_more", "=round_order"),
            ("=round_order", "shown!", "upper?", "side!"),
            ("side!", "=sees_more", "shown!", "=round_order"),
            ("side!", "face?", "shown!", "=round_order"),
        ),
        PHRASES,
        {
            "round_order": (
                "A camera that goes around an object to the right passes the front, left, back and right in "
                "this order, and one that goes to the left passes them in reverse order",
                "Counter-clockwise as seen from above, an object's own sides come in the order front, left, "
                "back and right, and going to the right is counter-clockwise",
            )
        },
    ),
)
KINDS = (KIND,)
