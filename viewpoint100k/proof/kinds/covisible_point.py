"""Can the point that is marked in image 1 be seen in image 2?"""

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.facts import FACE, PREMISES, SIDE, UPPER
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.measure import project, stays
from viewpoint100k.proof.points import ABOUT_1, ABOUT_2, DOT, consistent, point_of, said_to_right, too_small
from viewpoint100k.proof.reading import Proof, Said

BESIDE_PX = 2.0  # of an object's box: antialiased edges
SEEN_WELL_DEG = 80  # of what faces the first camera: further around, the place is at the object's edge
IN_VIEW_DEG = 70  # of what faces the second camera
OUT_OF_VIEW_DEG = 110
SEEN = "it can be seen"
HIDDEN = "it is hidden"


def _solve(case: Case) -> Answer | str:
    if [(mark.image, mark.colour) for mark in case.question.marks] != [(0, "red")]:
        return "has not one red dot in image 1"
    point = point_of(case.question.marks[0], case)
    if isinstance(point, str):
        return point
    if point.visible[1] == "unclear":
        return "marks a point of which it is unclear whether image 2 shows it"
    if point.visible[1] == "no" and stays(case.measured.pair(0, 1), case.gates):
        return "says that a point is hidden, and the camera is where it was"
    view = case.sample.views[1]
    x, y = project([point.world], view)[0]
    left, top, right, bottom = view.object_box
    if not (left - BESIDE_PX <= x <= right + BESIDE_PX and top - BESIDE_PX <= y <= bottom + BESIDE_PX):
        return (
            "marks a point that is neither seen nor hidden by the object in image 2: it lies beside its box"
        )
    if small := too_small(case):
        return small
    words = SEEN if point.visible[1] == "yes" else HIDDEN
    return Answer(Label(words, 1.0), case.sample.decidability.azimuth, ((0, 1),))


def _follows(said: Said) -> str:
    before = said_to_right(said, "about_1")
    after = said_to_right(said, "about_2")
    if before is None or after is None or said_to_right(said, "side") is None:
        return ""
    if abs(before) > SEEN_WELL_DEG or not consistent(said):
        return ""
    if abs(after) <= IN_VIEW_DEG:
        return SEEN
    dot = said.say("dot")
    over_the_top = dot is None or dot["y"] == "top"
    return HIDDEN if abs(after) >= OUT_OF_VIEW_DEG and not over_the_top else ""


PROOFS = {
    "covisible_point/image_2": Proof(
        of_figure(_solve, draws="marks"),
        (DOT, ABOUT_1, ABOUT_2, SIDE, UPPER, FACE),
        PREMISES
        | {
            "a place turned away by much less than a right angle is in view, and one turned away by much "
            "more is hidden, unless it is high up",
            "a place near the front is in view, and one turned away by much more than a right angle is "
            "hidden, unless it is high up",
        },
        _follows,
        options={"seen": "it can be seen", "hidden": "it is hidden"},
    )
}
