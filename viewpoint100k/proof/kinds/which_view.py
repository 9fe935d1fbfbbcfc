"""Which picture does the camera take after a motion that the question gives in words?"""

import math
import re
from typing import NamedTuple

from viewpoint100k.proof.case import ALL_VIEWS, Answer, Case, Label
from viewpoint100k.proof.facts import PREMISES, about
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.sets import OTHERS, way_deg

MOTIONS = {
    "clockwise": "goes about {degrees} degrees clockwise (seen from above) around the object",
    "counter_clockwise": "goes about {degrees} degrees counter-clockwise (seen from above) around the object",
    "rises": "rises until it looks down at the object about {degrees} degrees more steeply",
}
TENS = re.compile(
    r"about (?P<around>\d+) degrees (?P<sense>counter-clockwise|clockwise) \(seen from above\)"
    r"|about (?P<rise>\d+) degrees more steeply"
)


class Motion(NamedTuple):
    """A motion about the object, in whole tens of degrees."""

    around_deg: int  # counter-clockwise from above
    rise_deg: int


def motion_in(wording: str) -> Motion | None:
    """The only motion about the object that a question says; None if it says none, or several."""
    motions = list(TENS.finditer(wording))
    if len(motions) != 1:
        return None
    if motions[0]["rise"]:
        return Motion(0, int(motions[0]["rise"]))
    sign = 1 if motions[0]["sense"] == "counter-clockwise" else -1
    return Motion(sign * int(motions[0]["around"]), 0)


def _solve(case: Case) -> Answer | str:
    motion = motion_in(case.wording)
    if motion is None:
        return "does not say one motion"
    gates = case.gates
    ways = [way_deg(case, 0, view) for view in case.question.images]
    main = 1 if motion.rise_deg else 0
    right = [
        view
        for view, way in enumerate(ways)
        if view
        and abs(way[main] - motion[main]) <= gates.max_off_tens_deg
        and abs(way[1 - main]) <= gates.max_off_level_deg
    ]
    if len(right) != 1:
        return f"has {len(right)} views where the motion leads"
    view = right[0]
    others = [other for other in (1, 2, 3) if other != view]
    apart = min(
        math.hypot(math.remainder(ways[view][0] - ways[other][0], 360), ways[view][1] - ways[other][1])
        for other in others
    )
    least = min(case.sample.seen.difference[view][other] for other in others)
    return Answer(Label(f"image {view + 1}", 2 * apart / gates.min_step_deg), least, ((0, view),))


# --- what chains say ---------------------------------------------------------------------------------


def _expected(case: Case, say: Say) -> bool:
    """By the words of the question."""
    motion = motion_in(case.wording)
    if motion is None:
        return False
    if motion.rise_deg:
        return "way" not in say and int(say["deg"]) == motion.rise_deg
    way = "right" if motion.around_deg > 0 else "left"
    return say.get("way") == way and int(say["deg"]) == abs(motion.around_deg)


def _seen_from(case: Case, image: int) -> tuple[str, float]:
    """On which side of the first camera another one is, mostly, and how far."""
    pair = case.pair(1, image)
    if abs(pair.azimuth_deg) >= abs(pair.elevation_deg):
        return "right" if pair.azimuth_deg > 0 else "left", abs(pair.azimuth_deg)
    return "top" if pair.elevation_deg > 0 else "bottom", abs(pair.elevation_deg)


def _side_in(words: str) -> str:
    side = re.search("left|right", words)
    return side[0] if side else "top"


def _views(case: Case, say: Say) -> bool:
    for image in OTHERS:
        side, angle_deg = _seen_from(case, image)
        if _side_in(say[f"way{image}"]) != side:
            return False
        if f"deg{image}" in say and not about(say[f"deg{image}"], angle_deg):
            return False
    return True


def _away(image: int) -> str:
    return (
        f"from about <deg{image}:tens> degrees <way{image}:further to the left|further to the right|higher>"
    )


def _new(image: int) -> str:
    return f"the <way{image}:left side|right side|top> in image {image}"


TAKEN = f"image 2 was taken {_away(2)}, image 3 {_away(3)} and image 4 {_away(4)}"
COMES = f"{_new(2)}, {_new(3)} and {_new(4)}"
EXPECTED = Fact(
    "expected",
    (
        "the move brings more of the side that is on the <way:left|right> in image 1 into view, by about "
        "<deg:tens> degrees",
        "after the move, the object must be seen from about <deg:tens> degrees further to the "
        "<way:left|right> than in image 1",
        "the move turns the top of the object more towards the camera, by about <deg:tens> degrees",
        "after the move, the camera must look down at the object about <deg:tens> degrees more steeply "
        "than in image 1",
    ),
    _expected,
)
VIEWS = Fact(
    "views",
    (f"compared with image 1, {TAKEN}", f"judging by the sides that come into view, {TAKEN}"),
    _views,
    lists_options=True,
)
WAYS = Fact(
    "ways",
    (
        f"compared with image 1, what comes further into view is {COMES}",
        f"what is turned more towards the camera than in image 1 is {COMES}",
    ),
    _views,
    lists_options=True,
)


def _follows(said: Said) -> str:
    expected = said.say("expected")
    listed = [say for say in (said.say("views"), said.say("ways")) if say is not None]
    if expected is None or not listed:
        return ""
    way = expected.get("way", "top")
    fits = []
    for image in OTHERS:
        sides = {_side_in(say[f"way{image}"]) for say in listed}
        angles = {say[f"deg{image}"] for say in listed if f"deg{image}" in say}
        if sides == {way} and angles <= {expected["deg"]}:
            fits.append(f"image {image}")
    return fits[0] if len(fits) == 1 else ""


PROOFS = {
    "which_view/around_object": Proof(
        of_figure(_solve, images=ALL_VIEWS),
        (EXPECTED, VIEWS, WAYS),
        PREMISES,
        _follows,
        options={"image_2": "image 2", "image_3": "image 3", "image_4": "image 4"},
        phrases=MOTIONS,
    )
}
