"""Did the lens zoom, did the distance change, both or neither?"""

import math

from viewpoint100k.config import Range
from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.facts import LENS_DIFFERS, PREMISES, SIDE, SIZE, UPPER, grown, ratio_of_three
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.measure import logarithms
from viewpoint100k.proof.reading import Fact, Proof, Said

ANSWERS = {
    (True, False): "only the lens zoomed",
    (False, True): "only the distance changed",
    (True, True): "the lens and the distance changed",
    (False, False): "the lens and the distance stayed the same",
}


def _solve(case: Case) -> Answer | str:
    if {view.background for view in case.sample.views} != {"hdri"}:
        return "is asked without a far background"
    pair = case.measured.pair(0, 1)
    band = logarithms(case.gates.size_grey)
    lens = _changed(abs(math.log(pair.focal_ratio)), band)
    distance = _changed(abs(math.log(pair.distance_ratio)), band)
    if lens is None or distance is None:
        return f"changes the lens {pair.focal_ratio:.3f} times, the distance {pair.distance_ratio:.3f} times"
    label = Label(ANSWERS[lens[0], distance[0]], min(lens[1], distance[1]))
    return Answer(label, case.sample.decidability.perspective, ((0, 1),))


def _changed(amount: float, band: Range) -> tuple[bool, float] | None:
    """Whether something changed, and how clear that is; None in the grey band."""
    if amount <= band.low:
        return False, 2 - amount / band.low
    return (True, amount / band.high) if amount >= band.high else None


BACKDROP = Fact(
    "backdrop",
    (
        "the distant background looks <way:larger|smaller> in image 2 than in image 1",
        "things in the background appear <way:larger|smaller> in image 2 than in image 1",
        "the distant background looks equally large in both images",
        "things in the background appear at the same scale in both images",
    ),
    lambda case, say: ratio_of_three(say, case.pair().focal_ratio, LENS_DIFFERS, "smaller", "larger"),
)
AGAINST = Fact(
    "against",
    (
        "measured against the background, the object is <way:larger|smaller> in image 2 than in image 1",
        "relative to what is behind it, the object has become <way:larger|smaller>",
        "measured against the background, the object is equally large in both images",
        "relative to what is behind it, the object has kept its size",
    ),
    grown,
)


def _follows(said: Said) -> str:
    lens = said.way("backdrop")
    distance = said.way("against")
    return ANSWERS[lens != "none", distance != "none"] if lens and distance else ""


PROOFS = {
    "zoom_or_dolly/camera_1": Proof(
        of_figure(_solve, only_pairs=True),
        (BACKDROP, AGAINST, SIDE, UPPER, SIZE),
        PREMISES
        | {
            "zooming changes the size of everything alike, while the distance to the object changes only "
            "the object's size, not that of the distant background",
            "the distant background grows only with the lens, while the object also grows as the camera "
            "comes nearer",
        },
        _follows,
        options={
            "lens": "only the lens zoomed",
            "distance": "only the distance changed",
            "both": "the lens and the distance changed",
            "neither": "the lens and the distance stayed the same",
        },
    )
}
