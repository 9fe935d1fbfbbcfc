"""Where is an object for somebody who stands at a second one and faces a third; how do they turn to it?"""

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Proof, Said
from viewpoint100k.proof.scene import clockwise_deg
from viewpoint100k.proof.scene_facts import CLOCKWISE_IS_RIGHT, TURN, WAY, clear, turn_said

TURNS_DEG = (45, 90, 135)  # to choose from
HALFWAY_DEG = 22.5  # between two of them
SAID_WITHIN_DEG = 22  # of a turn in tens


def _turn_deg(case: Case) -> float:
    """To the right, from the second object to the third, for somebody who stands at the first."""
    here, ahead, then = (case.look().ground(part) for part in case.parts)
    return clockwise_deg(ahead - here, then - here)


def _quadrant(case: Case) -> Answer | str:
    turn = _turn_deg(case)
    words = f"{'ahead' if abs(turn) <= 90 else 'behind'} on the {'right' if turn > 0 else 'left'}"
    off_lines = min(abs(turn), 180 - abs(turn), abs(90 - abs(turn)))
    return clear(case, words, off_lines / case.gates.scene_sector_deg)


def _turn(case: Case) -> Answer | str:
    turn = _turn_deg(case)
    angle = min(TURNS_DEG, key=lambda choice: abs(abs(turn) - choice))
    words = f"about {angle} degrees to the {'right' if turn > 0 else 'left'}"
    return clear(case, words, (HALFWAY_DEG - abs(abs(turn) - angle)) / case.gates.scene_turn_deg)


def _turn_in_tens(said: Said) -> int | None:
    here, ahead, then = said.case.names
    return turn_said(said, "way", [(here, ahead), (here, then)])


def _quadrant_follows(said: Said) -> str:
    turn = _turn_in_tens(said)
    if turn is None or abs(turn) % 90 == 0:
        return ""
    return f"{'behind' if abs(turn) > 90 else 'ahead'} on the {'left' if turn < 0 else 'right'}"


def _turn_follows(said: Said) -> str:
    turn = _turn_in_tens(said)
    if turn is None:
        return ""
    near = [angle for angle in TURNS_DEG if abs(abs(turn) - angle) <= SAID_WITHIN_DEG]
    return f"about {near[0]} degrees to the {'left' if turn < 0 else 'right'}" if len(near) == 1 else ""


PROOFS = {
    "perspective/object": Proof(
        of_scene(_quadrant, 3),
        (WAY, TURN),
        CLOCKWISE_IS_RIGHT,
        _quadrant_follows,
        options={
            "ahead_left": "ahead on the left",
            "ahead_right": "ahead on the right",
            "behind_left": "behind on the left",
            "behind_right": "behind on the right",
        },
    ),
    "turn_to_face/object": Proof(
        of_scene(_turn, 3),
        (WAY, TURN),
        CLOCKWISE_IS_RIGHT,
        _turn_follows,
        options={
            "45_degrees_left": "about 45 degrees to the left",
            "45_degrees_right": "about 45 degrees to the right",
            "90_degrees_left": "about 90 degrees to the left",
            "90_degrees_right": "about 90 degrees to the right",
            "135_degrees_left": "about 135 degrees to the left",
            "135_degrees_right": "about 135 degrees to the right",
        },
    ),
}
