"""Which way did the camera turn, tilt or roll?"""

from viewpoint100k.proof import facts
from viewpoint100k.proof.case import Case, Label
from viewpoint100k.proof.facts import PAIR_FACTS, PREMISES
from viewpoint100k.proof.forms import of_pair, one_of_three
from viewpoint100k.proof.measure import Pair
from viewpoint100k.proof.reading import Proof

NOT_TURNED = "no horizontal rotation"
NOT_TILTED = "no tilt"
NOT_ROLLED = "no roll"


def turned(pair: Pair, case: Case) -> Label | None:
    return one_of_three(pair.yaw_deg, case.gates.yaw_grey_deg, "left", "right", NOT_TURNED)


def _tilted(pair: Pair, case: Case) -> Label | None:
    return one_of_three(pair.pitch_deg, case.gates.tilt_grey_deg, "down", "up", NOT_TILTED)


def _rolled(pair: Pair, case: Case) -> Label | None:
    band = case.gates.tilt_grey_deg
    return one_of_three(pair.roll_deg, band, "counter-clockwise", "clockwise", NOT_ROLLED)


PROOFS = {
    "ego_rotation/camera_1": Proof(
        of_pair(turned, "rotation"),
        PAIR_FACTS,
        PREMISES,
        facts.in_words(facts.heading, NOT_TURNED),
        labels=frozenset({"turned"}),
        options={"left": "left", "right": "right", "none": "no horizontal rotation"},
    ),
    "pitch/camera_1": Proof(
        of_pair(_tilted, "pitch"),
        PAIR_FACTS,
        PREMISES,
        facts.in_words(facts.nod, NOT_TILTED),
        labels=frozenset({"tilted"}),
        options={"down": "down", "up": "up", "none": "no tilt"},
    ),
    "roll/behind_camera_1": Proof(
        of_pair(_rolled, "roll"),
        PAIR_FACTS,
        PREMISES,
        facts.in_words(facts.spin, NOT_ROLLED),
        options={"counter_clockwise": "counter-clockwise", "clockwise": "clockwise", "none": "no roll"},
    ),
}
