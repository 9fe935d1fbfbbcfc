"""Which way did the camera move, in the object's own left and right?"""

from viewpoint100k.proof import facts
from viewpoint100k.proof.case import Case, Label
from viewpoint100k.proof.facts import OPPOSITE, PAIR_FACTS, PREMISES
from viewpoint100k.proof.forms import of_pair, one_of_three, step
from viewpoint100k.proof.kinds.moved import STAYED_ASIDE, sideways
from viewpoint100k.proof.measure import Pair
from viewpoint100k.proof.reading import Proof, Said


def _faces_camera(pair: Pair, case: Case) -> Label | None:
    return step(pair, "right", case.gates, ("right", "left", STAYED_ASIDE))


def _by_its_front(pair: Pair, case: Case) -> Label | None:
    """Only for a camera before the object or behind it, whose own left and right say the same."""
    if pair.objects_right is None or pair.off_front_deg is None:
        return None
    sector_deg = case.gates.front_sector_deg
    aside_deg = 90 - abs(90 - pair.off_front_deg)  # 0 straight before it or behind it
    if aside_deg > sector_deg:
        return None
    label = one_of_three(pair.objects_right, case.gates.truck_grey, "left", "right", STAYED_ASIDE)
    for_camera = (_faces_camera if pair.off_front_deg < 90 else sideways)(pair, case)
    if label is None or for_camera is None or label.words != for_camera.words:
        return None
    return label._replace(margin=min(label.margin, for_camera.margin, 2 - aside_deg / sector_deg))


def _swapped_follows(said: Said) -> str:
    return {"left": "right", "right": "left", "none": STAYED_ASIDE}.get(facts.swept(said), "")


def _own_way_follows(said: Said) -> str:
    """Nothing follows for a camera that looks at one of the object's sides."""
    seen = said.way("faces1")
    side = said.way("side")
    if not side or seen not in ("front", "back"):
        return ""
    if side == "none":
        return STAYED_ASIDE
    return OPPOSITE[side] if seen == "front" else side


PROOFS = {
    "object_translation/object_facing_camera_1": Proof(
        of_pair(_faces_camera, "translation"),
        PAIR_FACTS,
        PREMISES,
        _swapped_follows,
        options={"left": "left", "right": "right", "none": "no movement sideways"},
    ),
    "object_translation/object_front": Proof(
        of_pair(_by_its_front, "translation"),
        PAIR_FACTS,
        PREMISES,
        _own_way_follows,
        options={"left": "left", "right": "right", "none": "no movement sideways"},
    ),
}
