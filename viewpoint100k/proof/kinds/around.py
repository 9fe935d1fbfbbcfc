"""Which way around the object did the camera go, and how far?"""

import math

from viewpoint100k.proof.case import Case, Label
from viewpoint100k.proof.facts import PAIR_FACTS, PREMISES
from viewpoint100k.proof.forms import of_pair, one_of_three
from viewpoint100k.proof.measure import Pair
from viewpoint100k.proof.reading import Proof, Said

BINS_DEG = (20, 45, 90)  # the angles to choose from
EDGES_DEG = (12, 30, 64, 135)  # where two of them are equally near, in proportion
STAYED = "no movement around it"


def _which_way(pair: Pair, case: Case) -> Label | None:
    band = case.gates.azimuth_grey_deg
    return one_of_three(pair.azimuth_deg, band, "clockwise", "counter-clockwise", STAYED)


def _angle(pair: Pair, case: Case) -> Label | None:
    """The angle between whose edges the camera went around, away from both."""
    size = abs(pair.azimuth_deg)
    shared = case.sample.truth.covisible_fraction
    if shared < case.gates.min_covisible_for_size or not EDGES_DEG[0] < size < EDGES_DEG[-1]:
        return None
    away = min(abs(math.log(size / edge)) for edge in EDGES_DEG) / case.gates.bin_grey
    number = sum(size > edge for edge in EDGES_DEG) - 1
    return Label(f"about {BINS_DEG[number]} degrees", away) if away >= 1 else None


def _angle_and_way(pair: Pair, case: Case) -> Label | None:
    label = _angle(pair, case)
    way = "counter-clockwise" if pair.azimuth_deg > 0 else "clockwise"
    return label and label._replace(words=f"{label.words} {way}")


def _degrees(pair: Pair, case: Case) -> Label | None:
    size = abs(pair.azimuth_deg)
    shared = case.sample.truth.covisible_fraction
    if size < BINS_DEG[0] or shared < case.gates.min_covisible_for_size:
        return None
    return Label("", size / BINS_DEG[0], size)


# --- what follows ------------------------------------------------------------------------------------


def _way_follows(said: Said) -> str:
    return {"left": "clockwise", "right": "counter-clockwise", "none": STAYED}.get(said.way("side"), "")


def _middle_follows(said: Said) -> int:
    """Halfway between the angles that are said; 0 unless the way of the object's face is said as well."""
    between = said.say("between")
    if between is None or "face" not in said:
        return 0
    return (int(between["low"]) + int(between["high"])) // 2


def _angle_follows(said: Said) -> str:
    middle = _middle_follows(said)
    return f"about {middle} degrees" if middle else ""


def _angle_and_way_follow(said: Said) -> str:
    way = {"left": "clockwise", "right": "counter-clockwise"}.get(said.way("side"), "")
    angle = _angle_follows(said)
    return f"{angle} {way}" if way and angle else ""


def _degrees_follow(said: Said) -> str:
    middle = _middle_follows(said)
    return str(middle) if middle else ""


PROOFS = {
    "object_translation/seen_from_above": Proof(
        of_pair(_which_way, "azimuth"),
        PAIR_FACTS,
        PREMISES,
        _way_follows,
        options={
            "clockwise": "clockwise",
            "counter_clockwise": "counter-clockwise",
            "none": "no movement around it",
        },
    ),
    "angle/around_object": Proof(
        of_pair(_angle, "azimuth"),
        PAIR_FACTS,
        PREMISES,
        _angle_follows,
        options={
            "20_degrees": "about 20 degrees",
            "45_degrees": "about 45 degrees",
            "90_degrees": "about 90 degrees",
        },
    ),
    "angle_number/around_object": Proof(of_pair(_degrees, "azimuth"), PAIR_FACTS, PREMISES, _degrees_follow),
    "signed_angle/seen_from_above": Proof(
        of_pair(_angle_and_way, "azimuth"),
        PAIR_FACTS,
        PREMISES,
        _angle_and_way_follow,
        options={
            "20_degrees_clockwise": "about 20 degrees clockwise",
            "20_degrees_counter_clockwise": "about 20 degrees counter-clockwise",
            "45_degrees_clockwise": "about 45 degrees clockwise",
            "45_degrees_counter_clockwise": "about 45 degrees counter-clockwise",
            "90_degrees_clockwise": "about 90 degrees clockwise",
            "90_degrees_counter_clockwise": "about 90 degrees counter-clockwise",
        },
    ),
}
