"""Is the second camera nearer to the object or farther from it, and does it look from higher or lower?"""

import math

from viewpoint100k.proof import facts
from viewpoint100k.proof.case import Case, Label
from viewpoint100k.proof.facts import PAIR_FACTS, PREMISES
from viewpoint100k.proof.forms import of_pair, one_of_three
from viewpoint100k.proof.measure import Pair, logarithms
from viewpoint100k.proof.reading import Proof, Said


def _farther(pair: Pair, case: Case) -> Label | None:
    band = logarithms(case.gates.size_grey)
    return one_of_three(math.log(pair.distance_ratio), band, "nearer", "farther", "equally far")


def _higher(pair: Pair, case: Case) -> Label | None:
    band = case.gates.tilt_grey_deg
    return one_of_three(pair.elevation_deg, band, "lower", "higher", "equally high")


def _distance_follows(said: Said) -> str:
    words = {"larger": "nearer", "smaller": "farther", "none": "equally far"}
    return words.get(facts.grown_by_distance(said), "")


def _height_follows(said: Said) -> str:
    return {"more": "higher", "less": "lower", "none": "equally high"}.get(said.way("upper"), "")


PROOFS = {
    "distance/object": Proof(
        of_pair(_farther, "distance"),
        PAIR_FACTS,
        PREMISES,
        _distance_follows,
        options={"nearer": "nearer", "farther": "farther", "none": "equally far"},
    ),
    "elevation/object": Proof(
        of_pair(_higher, "elevation"),
        PAIR_FACTS,
        PREMISES,
        _height_follows,
        options={"lower": "lower", "higher": "higher", "none": "equally high"},
    ),
}
