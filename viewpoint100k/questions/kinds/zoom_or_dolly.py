"""Whether the lens zoomed or the distance changed, both or neither."""

import math

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import SAME, Facts, Phrases, Statement, by_predicate, three
from viewpoint100k.questions.facts.figure import chain_of_figure, of_pair
from viewpoint100k.questions.facts.pair import GREY_LENS, GREY_SIZE, Case
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved, draw_two_pictures

BACKGROUNDS = {"hdri"}  # far away: it grows with the lens and not with the camera's motion
SIZES = ("smaller", SAME, "larger")
OPTIONS = {(True, False): "lens", (False, True): "distance", (True, True): "both", (False, False): "neither"}


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B18. Did the lens zoom, did the camera get nearer or farther, both or neither?

    The question does not state what the lens did.
    """
    truth = known.truth
    band = gates.size_grey
    if any(view.background not in BACKGROUNDS for view in known.views):
        return None
    zoom, dolly = (abs(math.log(ratio)) for ratio in (truth.focal_ratio, truth.distance_ratio))
    low = math.log(band.low)
    high = math.log(band.high)
    if any(low < amount < high for amount in (zoom, dolly)):
        return None
    margins = [amount / high if amount >= high else 2 - amount / low for amount in (zoom, dolly)]
    option = list(OPTIONS).index((zoom >= high, dolly >= high))
    return Solved(Fact(option, min(margins)), known.decidability.perspective)


def _facts(case: Case) -> Facts:
    return of_pair(case, "side", "upper", "size") | by_predicate(_backdrop(case), _against(case))


def _backdrop(case: Case) -> Statement | None:
    return three("backdrop", math.log(case.pair.truth.focal_ratio), GREY_LENS, SIZES)


def _against(case: Case) -> Statement | None:
    """The object's size against what is far behind it, which grows with the lens alone."""
    shares = [max(view.object_share, 1e-9) for view in case.views]
    growth = 0.5 * math.log(shares[1] / shares[0]) - math.log(case.pair.truth.focal_ratio)
    return three("against", growth, GREY_SIZE, SIZES)


def _answers(facts: Facts) -> set[str]:
    if not {"backdrop", "against"} <= facts.keys():
        return set()
    zoomed, moved = (facts[name].args[0] != SAME for name in ("backdrop", "against"))
    return {OPTIONS[zoomed, moved]}


PHRASES = {
    "backdrop": Phrases(
        (
            "The distant background looks {0} in image 2 than in image 1",
            "Things in the background appear {0} in image 2 than in image 1",
        ),
        (
            "The distant background looks equally large in both images",
            "Things in the background appear at the same scale in both images",
        ),
    ),
    "against": Phrases(
        (
            "Measured against the background, the object is {0} in image 2 than in image 1",
            "Relative to what is behind it, the object has become {0}",
        ),
        (
            "Measured against the background, the object is equally large in both images",
            "Relative to what is behind it, the object has kept its size",
        ),
    ),
}
KIND = DrawnKind(
    name="zoom_or_dolly/camera_1",
    rank=24,
    tier="B",
    options=tuple(OPTIONS.values()),
    draw=draw_two_pictures,
    solve=solve,
    chain=chain_of_figure(
        _facts,
        _answers,
        (
            ("backdrop!", "against!", "=lens_all"),
            ("=lens_all", "size?", "backdrop!", "against!"),
            ("side?", "backdrop!", "against!", "=lens_all"),
            ("size?", "upper?", "=lens_all", "backdrop!", "against!"),
        ),
        PHRASES,
        {
            "lens_all": (
                "Zooming changes the size of everything alike, while the distance to the object changes "
                "only the object's size, not that of the distant background",
                "The distant background grows only with the lens, while the object also grows as the "
                "camera comes nearer",
            )
        },
    ),
)
KINDS = (KIND,)
