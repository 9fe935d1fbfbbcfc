"""Which way does an object face, for the camera and compared with another object?"""

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.scene import clockwise_deg
from viewpoint100k.proof.scene_facts import (
    CLOCKWISE_IS_RIGHT,
    TURN,
    clear,
    front_deg,
    quarter,
    same_direction,
    turn_said,
    within_deg,
)

HALFWAY_DEG = 45.0  # between two of four directions
SURE_DEG = 38  # of a direction in tens: so far from one of four it is still that one
WAYS = ("away from the camera", "to the right", "towards the camera", "to the left")
COMPARED = (
    "the same way",
    "a quarter turn to the right of that",
    "the opposite way",
    "a quarter turn to the left of that",
)


def _faces(case: Case) -> Answer | str:
    look = case.look()
    front = look.front(case.parts[0])
    if front is None:
        return "is asked of an object whose front is unknown"
    by_camera, off = quarter(clockwise_deg(look.heading, front))
    by_sight, off_sight = quarter(clockwise_deg(look.ground(case.parts[0]) - look.eye, front))
    if by_camera != by_sight:
        return "is asked although the camera's direction and that towards the object say different things"
    return clear(case, WAYS[by_camera], (HALFWAY_DEG - max(off, off_sight)) / case.gates.scene_facing_deg)


def _compared(case: Case) -> Answer | str:
    first, second = (case.look().front(part) for part in case.parts)
    if first is None or second is None:
        return "is asked of objects whose fronts are unknown"
    number, off = quarter(clockwise_deg(first, second))
    return clear(case, COMPARED[number], (HALFWAY_DEG - off) / case.gates.scene_facing_deg)


def _front(case: Case, say: Say) -> bool:
    return same_direction(say["deg"], front_deg(case, case.number(say["a"])))


FRONT = Fact(
    "front",
    (
        "seen from above and measured clockwise from the camera's line of sight, the front of <a:name> "
        "points to about <deg:tens> degrees",
        "counted clockwise from above, with the camera's direction as 0 degrees, the front of <a:name> "
        "points to about <deg:tens> degrees",
    ),
    _front,
)


def _way_follows(said: Said) -> str:
    front = said.say("front")
    if front is None or front["a"] != said.case.names[0]:
        return ""
    return _nearest(int(front["deg"]), WAYS)


def _comparison_follows(said: Said) -> str:
    turn = turn_said(said, "front", [(name,) for name in said.case.names])
    return "" if turn is None else _nearest(turn, COMPARED)


def _nearest(angle_deg: int, words: tuple[str, ...]) -> str:
    """Which of four directions an angle is, in their words."""
    near = [said for number, said in enumerate(words) if within_deg(angle_deg, 90 * number, SURE_DEG)]
    return near[0] if near else ""


PROOFS = {
    "faces/camera": Proof(
        of_scene(_faces, 1),
        (FRONT,),
        frozenset(
            {
                "0 degrees is away from the camera, 90 to the right, 180 towards it and 270 to the left",
                "away from the camera is 0 degrees, to the right is 90, towards the camera is 180 and to "
                "the left is 270",
            }
        ),
        _way_follows,
        options={
            "away": "away from the camera",
            "right": "to the right",
            "towards": "towards the camera",
            "left": "to the left",
        },
    ),
    "facing/objects": Proof(
        of_scene(_compared, 2),
        (FRONT, TURN),
        CLOCKWISE_IS_RIGHT,
        _comparison_follows,
        options={
            "same": "the same way",
            "quarter_right": "a quarter turn to the right of that",
            "opposite": "the opposite way",
            "quarter_left": "a quarter turn to the left of that",
        },
    ),
}
