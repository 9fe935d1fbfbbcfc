"""How far and which way around the object do two motions lead together?"""

import math

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.facts import PREMISES, about
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.points import SUM_SLACK_DEG
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.sets import around_deg, has_gone, looks_more_at, way_deg

BINS_DEG = (60, 120)  # the angles to choose from
EDGES_DEG = (43, 85, 165)  # where two of them are equally near, in proportion
SAID_DEG = {60: (44, 85), 120: (85, 160)}  # sums of tens from which each of them follows


def _solve(case: Case) -> Answer | str:
    if len(case.question.images) != 3 or case.question.images[0] != 0:
        return f"shows views {case.question.images}"
    first, middle, last = case.question.images
    legs = [way_deg(case, first, middle)[0], way_deg(case, middle, last)[0]]
    total = sum(legs)
    if legs[0] * legs[1] <= 0 or not EDGES_DEG[0] < abs(total) < EDGES_DEG[-1]:
        return f"has legs of {legs[0]:.0f} and {legs[1]:.0f} degrees"
    away = min(abs(math.log(abs(total) / edge)) for edge in EDGES_DEG) / case.gates.composed_bin_grey
    angle = BINS_DEG[sum(abs(total) > edge for edge in EDGES_DEG) - 1]
    way = "counter-clockwise" if total > 0 else "clockwise"
    seen = case.sample.seen
    # the other way around must look different too, at one of both places at least
    other_way = max(seen.other_side[middle], seen.other_side[last])
    apart = seen.difference
    least = min(apart[middle][first], apart[last][middle], apart[last][first], other_way)
    return Answer(Label(f"about {angle} degrees {way}", away), least, ((first, middle), (middle, last)))


# --- what chains say ---------------------------------------------------------------------------------


def _leg(say: Say) -> tuple[int, int]:
    """The pictures between which a part of the way leads."""
    return int(say["image_a"]), int(say["image_b"])


FROM = "<image_a:1|2>"
TO = "<image_b:2|3>"
PART = "<part:a third of the way|two thirds of the way|nearly all the way|all the way>"
LEG_SIDE = Fact(
    "leg_side",
    (
        f"image {TO} shows more of the side that was on the <way:left|right> in image {FROM}",
        f"in image {TO} the object is seen more from the side that was on the <way:left|right> in image "
        f"{FROM}",
    ),
    lambda case, say: looks_more_at(case, *_leg(say), say["way"]),
)
LEG_PART = Fact(
    "leg_part",
    (
        f"the part that faced the camera in image {FROM} has moved {PART} to the object's <way:left|right> "
        f"edge in image {TO}",
        f"in image {TO}, the part that faced camera {FROM} is {PART} to the object's <way:left|right> edge",
        f"the part that faced the camera in image {FROM} is <part:out of sight> in image {TO}, beyond the "
        "object's <way:left|right> edge",
        f"the part that faced camera {FROM} has <part:gone> behind the object's <way:left|right> edge in "
        f"image {TO}",
    ),
    lambda case, say: has_gone(case, *_leg(say), say["part"], say["way"]),
)
LEG_TURN = Fact(
    "leg_turn",
    (
        f"from image {FROM} to image {TO} that is about <deg:tens> degrees around the object",
        f"images {FROM} and {TO} are about <deg:tens> degrees apart around the object",
    ),
    lambda case, say: about(say["deg"], around_deg(case, *_leg(say))),
)
TOTAL = Fact(
    "total",
    ("both parts together come to <deg:tens> degrees", "added up, that is <deg:tens> degrees"),
    lambda case, say: about(say["deg"], around_deg(case, 1, 3), SUM_SLACK_DEG),
    after=("leg_turn",),
)


def _follows(said: Said) -> str:
    if any(name not in said for name in ("leg_side12", "leg_side23", "leg_turn12", "leg_turn23", "total")):
        return ""
    way = said.way("leg_side12")
    total = said.tens("leg_turn12") + said.tens("leg_turn23")
    if way != said.way("leg_side23") or total != said.tens("total"):
        return ""
    angle = next((angle for angle, (low, high) in SAID_DEG.items() if low < total <= high), None)
    if angle is None:
        return ""
    return f"about {angle} degrees {'counter-clockwise' if way == 'right' else 'clockwise'}"


PROOFS = {
    "composed_angle/seen_from_above": Proof(
        of_figure(_solve, images=()),
        (LEG_SIDE, LEG_PART, LEG_TURN, TOTAL),
        PREMISES
        | {
            "angles around the object in the same direction add up",
            "the two parts of one way around the object add up to the whole angle",
        },
        _follows,
        options={
            "60_degrees_clockwise": "about 60 degrees clockwise",
            "60_degrees_counter_clockwise": "about 60 degrees counter-clockwise",
            "120_degrees_clockwise": "about 120 degrees clockwise",
            "120_degrees_counter_clockwise": "about 120 degrees counter-clockwise",
        },
    )
}
