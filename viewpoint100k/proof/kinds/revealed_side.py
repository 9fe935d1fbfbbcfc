"""Which of the object's own sides does image 2 show that image 1 does not?"""

import math
from collections.abc import Mapping, Sequence

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.facts import FACE, FACES, PREMISES, SIDE, UPPER
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.measure import SIDES_DEG, place, side_angle_deg, stays
from viewpoint100k.proof.points import too_small
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.records import OBJECT_RADIUS

TURNED_AWAY_DEG = 115.0  # between where a side faces and the camera: 25 degrees beyond grazing
SIDE_SHOWN = 0.08  # of the object's pixels: in the middle of what chains do not say either way
NAMES = {"front": "its front", "back": "its back", "left": "its left side", "right": "its right side"}


def _solve(case: Case) -> Answer | str:
    front = case.sample.truth.front_azimuth_deg
    if front is None or len(case.sample.seen.sides) < 2:
        return "is asked of an object whose front is unknown"
    if stays(case.measured.pair(0, 1), case.gates):
        return "says that a side was revealed, and the camera is where it was"
    if small := too_small(case):
        return small
    shares = [dict(zip(SIDES_DEG, sides, strict=False)) for sides in case.sample.seen.sides]
    if behind := _shown_from_behind(case, shares, front):
        return behind
    band = case.gates.side_grey
    new = [side for side in SIDES_DEG if shares[0][side] <= band.low < shares[1][side]]
    if len(new) != 1 or shares[1][new[0]] < band.high:
        return f"reveals {new or 'no side'} by the stored shares"
    before, after = (side_angle_deg(view, new[0], front) for view in case.sample.views)
    if after >= before:
        turned = f"from {before:.0f} to {after:.0f} degrees"
        return f"reveals its {new[0]}, which turned away from the camera, {turned}"
    label = Label(NAMES[new[0]], shares[1][new[0]] / band.high)
    return Answer(label, case.sample.decidability.azimuth, ((0, 1),))


def _shown_from_behind(case: Case, shares: Sequence[Mapping[str, float]], front_azimuth_deg: float) -> str:
    """Which side is said to be seen although it faces away from a camera; empty if none is."""
    for number, (view, share) in enumerate(zip(case.sample.views, shares, strict=True)):
        # a camera nearby sees around the corner by half of what the object spans
        reach = math.degrees(math.asin(min(1.0, OBJECT_RADIUS / math.dist(place(view), (0, 0, 0)))))
        for side in SIDES_DEG:
            away = side_angle_deg(view, side, front_azimuth_deg)
            if share[side] >= case.gates.side_grey.high and away > TURNED_AWAY_DEG + reach:
                return (
                    f"has its {side} on {share[side]:.0%} of the object in image {number + 1}, {away:.0f} "
                    "degrees away"
                )
    return ""


def _shown(case: Case, say: Say) -> bool:
    shares = dict(zip(SIDES_DEG, case.sample.seen.sides[case.question.images[0]], strict=False))
    shown = {f"the {side}" for side, share in shares.items() if share > SIDE_SHOWN}
    return shown == {say["one"], say.get("two", say["one"])}


SIDES = "the front|the back|the left|the right"
SHOWN = Fact(
    "shown",
    (
        f"image 1 shows <one:{SIDES}>[ and <two:{SIDES}>] of the object, and none of its other vertical "
        "sides",
        f"of the object's front, back, left and right, image 1 clearly shows only <one:{SIDES}>[ and "
        f"<two:{SIDES}>]",
    ),
    _shown,
)


def _follows(said: Said) -> str:
    """Around the object counter-clockwise: its front, its left, its back, its right."""
    shown = said.say("shown")
    way = said.way("side")
    if shown is None or way not in ("left", "right"):
        return ""
    compass = {f"the {side}": int(angle) % 360 for side, angle in SIDES_DEG.items()}
    seen = {compass[side] for side in shown.values()}
    step = 90 if way == "right" else 270
    ahead = [(angle + step) % 360 for angle in seen if (angle + step) % 360 not in seen]
    names = {int(angle) % 360: NAMES[side] for side, angle in SIDES_DEG.items()}
    return names[ahead[0]] if len(ahead) == 1 else ""


PROOFS = {
    "revealed_side/object_front": Proof(
        of_figure(_solve, only_pairs=True),
        (SHOWN, SIDE, UPPER, FACE, FACES),
        PREMISES
        | {
            "a camera that goes around an object to the right passes the front, left, back and right in "
            "this order, and one that goes to the left passes them in reverse order",
            "counter-clockwise as seen from above, an object's own sides come in the order front, left, "
            "back and right, and going to the right is counter-clockwise",
        },
        _follows,
        options={
            "front": "its front",
            "back": "its back",
            "left": "its left side",
            "right": "its right side",
        },
    )
}
