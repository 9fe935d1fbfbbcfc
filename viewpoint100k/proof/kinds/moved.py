"""Which way did the camera move: sideways, up or down, forward or back?"""

import math

from viewpoint100k.proof import facts
from viewpoint100k.proof.case import Case, Label
from viewpoint100k.proof.facts import PAIR_FACTS, PREMISES
from viewpoint100k.proof.forms import of_pair, step
from viewpoint100k.proof.measure import Pair
from viewpoint100k.proof.reading import Proof, Said

STAYED_ASIDE = "no movement sideways"
STAYED_UPRIGHT = "neither up nor down"
STAYED_AHEAD = "neither forward nor backward"


def sideways(pair: Pair, case: Case) -> Label | None:
    return step(pair, "right", case.gates, ("left", "right", STAYED_ASIDE))


def vertical(pair: Pair, case: Case) -> Label | None:
    """Only where the object is seen from higher or lower too, or for "neither" not clearly so."""
    label = step(pair, "up", case.gates, ("down", "up", STAYED_UPRIGHT))
    if label is None:
        return None
    raised = pair.elevation_deg / case.gates.tilt_grey_deg.high
    agrees = {"down": -raised, "up": raised, STAYED_UPRIGHT: 2 - abs(raised)}[label.words]
    return label._replace(margin=min(label.margin, agrees)) if agrees >= 1 else None


def _forward(pair: Pair, case: Case) -> Label | None:
    """Only where enough of the way ahead brings the camera nearer, and for "neither" where it is as far."""
    label = step(pair, "forward", case.gates, ("backward", "forward", STAYED_AHEAD))
    if label is None:
        return None
    clear = case.gates.size_grey.high
    if label.words == STAYED_AHEAD:
        return label if 1 / clear < pair.distance_ratio < clear else None
    # of the distance, had just enough of the way ahead brought the camera nearer
    enough = math.exp(-pair.forward * case.gates.min_nearer_share)
    agrees = pair.distance_ratio <= enough if pair.forward > 0 else pair.distance_ratio >= enough
    return label if agrees else None


def _ahead_follows(said: Said) -> str:
    grown = facts.grown_by_distance(said)
    if grown == "larger":
        return "forward"
    if not said.way("side"):
        return ""
    far_around = said.tens("side") >= facts.FAR_AROUND_DEG
    if grown == "smaller":
        return "" if far_around else "backward"
    if grown == "none":
        return "forward" if far_around else STAYED_AHEAD
    return ""


PROOFS = {
    "ego_translation/camera_1": Proof(
        of_pair(sideways, "translation"),
        PAIR_FACTS,
        PREMISES,
        facts.in_words(facts.swept, STAYED_ASIDE),
        options={"left": "left", "right": "right", "none": "no movement sideways"},
    ),
    "vertical_translation/camera_1": Proof(
        of_pair(vertical, "vertical"),
        PAIR_FACTS,
        PREMISES,
        facts.in_words(facts.raised, STAYED_UPRIGHT),
        options={"down": "down", "up": "up", "none": "neither up nor down"},
    ),
    "forward_translation/camera_1": Proof(
        of_pair(_forward, "forward"),
        PAIR_FACTS,
        PREMISES,
        _ahead_follows,
        options={"backward": "backward", "forward": "forward", "none": "neither forward nor backward"},
    ),
}
