"""Several motions at once, and which one of all motions it was."""

import math

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import SAME, Evidence, Needs, both_of, words_of
from viewpoint100k.questions.facts.pair import chain_of_pair
from viewpoint100k.questions.kind import NEARNESS, SIDEWAYS, UPRIGHT, WHETHER, Fact, Opposites, PairKind
from viewpoint100k.questions.kinds.moved import ego_translation, vertical
from viewpoint100k.questions.kinds.turned import ego_rotation
from viewpoint100k.records import Truth


def combined(truth: Truth, gates: GateConfig) -> Fact | None:
    """B2. Which way the camera moved sideways and vertically at once."""
    sideways = ego_translation(truth, gates)
    upward = vertical(truth, gates)
    if sideways is None or upward is None or 2 in (sideways.option, upward.option):
        return None
    return Fact(2 * upward.option + sideways.option, min(sideways.margin, upward.margin))


def relative_pose(truth: Truth, gates: GateConfig) -> Fact | None:
    """B9. Which way the camera moved sideways and which way it turned; all four pairs are as frequent."""
    moved = ego_translation(truth, gates)
    turned = ego_rotation(truth, gates)
    if moved is None or turned is None or 2 in (moved.option, turned.option):
        return None
    return Fact(2 * moved.option + turned.option, min(moved.margin, turned.margin))


def motions(truth: Truth, gates: GateConfig) -> dict[str, float]:
    """How much of each motion there is, in the smallest amount of it that is asked about; the sign is its
    direction.
    """
    right, down, ahead = truth.translation
    return {
        "right": right / gates.truck_grey.high,
        "up": -down / gates.truck_grey.high,
        "forward": ahead / gates.dolly_grey.high,
        "yaw": truth.yaw_deg / gates.yaw_grey_deg.high,
        "pitch": truth.pitch_deg / gates.tilt_grey_deg.high,
        "roll": truth.roll_deg / gates.tilt_grey_deg.high,
    }


def which_motion(truth: Truth, gates: GateConfig) -> Fact | None:
    """B4. Which one motion explains nearly everything; an orbit is moving sideways and turning back.

    The lens must not change.
    """
    if not _same_lens(truth, gates):
        return None
    amounts = motions(truth, gates)
    total = sum(abs(amount) for amount in amounts.values())
    least = min(abs(amounts["right"]), abs(amounts["yaw"]))
    if amounts["right"] * amounts["yaw"] < 0 and least >= 1:
        # on its way around, a camera also gets ahead of where it began
        around = abs(amounts["right"]) + abs(amounts["yaw"]) + max(amounts["forward"], 0.0)
        fact = Fact(MOTIONS.index("around"), least, decided_by=("translation", "rotation"))
        return fact if around >= gates.min_motion_share * total else None
    number, amount = max(enumerate(map(abs, amounts.values())), key=lambda numbered: numbered[1])
    fact = Fact(number, amount, decided_by=(DECIDED_BY[number],))
    return fact if amount >= max(1.0, gates.min_motion_share * total) else None


def next_action(truth: Truth, gates: GateConfig) -> Fact | None:
    """B20. Which one action takes the camera to where the second picture was taken."""
    fact = which_motion(truth, gates)
    if fact is None or 2 * fact.option >= len(ACTIONS):
        return None
    amount = list(motions(truth, gates).values())[fact.option]
    return fact._replace(option=2 * fact.option + (amount > 0))


def _same_lens(truth: Truth, gates: GateConfig) -> bool:
    return abs(math.log(truth.focal_ratio)) <= math.log(gates.size_grey.low)


DECIDED_BY = ("translation", "vertical", "forward", "rotation", "pitch", "roll")
MOTIONS = ("sideways", "up_or_down", "forward_or_back", "turned", "tilted", "rolled", "around")
ACTIONS = (
    "move_left",
    "move_right",
    "move_down",
    "move_up",
    "move_backward",
    "move_forward",
    "turn_left",
    "turn_right",
    "tilt_down",
    "tilt_up",
    "roll_counter_clockwise",
    "roll_clockwise",
)
# the shift and the growth follow from a single motion: only the single pictures can be kept from telling
ACTION_CUES = (SIDEWAYS[2:], UPRIGHT[2:], NEARNESS[1:], SIDEWAYS[2:], UPRIGHT[2:], ())
ACTION_OPPOSITES = tuple(Opposites((2 * i,), (2 * i + 1,), cues) for i, cues in enumerate(ACTION_CUES))
SAME_PLACE: Needs = {"side": (SAME,), "upper": (SAME,)}
MOTION_EVIDENCE: Evidence = {
    "sideways": [{"side": ("left", "right"), "offset_x": (SAME,)}],
    "up_or_down": [{"upper": ("more", "less"), "side": (SAME,), "offset_y": (SAME,)}],
    "forward_or_back": [{"grown": ("larger", "smaller"), **SAME_PLACE}],
    "turned": [{"offset_x": ("left", "right"), **SAME_PLACE}],
    "tilted": [{"offset_y": ("up", "down"), **SAME_PLACE}],
    "rolled": [{"lean": ("clockwise", "counter-clockwise"), **SAME_PLACE}],
    "around": [
        {"side": ("right",), "offset_x": ("right",)},
        {"side": ("left",), "offset_x": ("left",)},
    ],
}
MOTION_PLANS = (
    ("side!", "upper!", "beyond_lens?", "unturned_x?", "offset_x?", "lean?"),
    ("side!", "upper!", "lens?", "size?", "unturned_y?", "offset_y?"),
    ("side!", "unturned_x!", "offset_x!", "=turn_opposite", "upper?", "lean?"),
    ("upper!", "unturned_y!", "offset_y!", "=tilt_opposite", "side!"),
    ("lens!", "size!", "side!", "upper!", "=nearer_larger"),
    ("lean!", "=roll_opposite", "side!", "upper!"),
    ("shift_x?", "shift_y?", "side!", "upper!", "unturned_x?", "offset_x?"),
    ("lean?", "size?", "upper!", "side!", "unturned_y?", "offset_y?"),
)


def _actions(motion: str, predicate: str, **answers: str) -> Evidence:
    """Actions from the motion that they are and the word that tells their direction."""
    return {
        answer: [{**needs, predicate: (word,)} for needs in MOTION_EVIDENCE[motion]]
        for answer, word in answers.items()
    }


ACTION_EVIDENCE: Evidence = {
    **_actions("sideways", "side", move_left="left", move_right="right"),
    **_actions("up_or_down", "upper", move_down="less", move_up="more"),
    **_actions("forward_or_back", "grown", move_backward="smaller", move_forward="larger"),
    **_actions("turned", "offset_x", turn_left="right", turn_right="left"),
    **_actions("tilted", "offset_y", tilt_down="up", tilt_up="down"),
    "roll_counter_clockwise": [{"lean": ("clockwise",), **SAME_PLACE}],
    "roll_clockwise": [{"lean": ("counter-clockwise",), **SAME_PLACE}],
}

KINDS = (
    PairKind(
        name="combined_translation/camera_1",
        rank=8,
        tier="B",
        options=("left_and_down", "right_and_down", "left_and_up", "right_and_up"),
        fact=combined,
        decided_by=("translation", "vertical"),
        opposites=(
            Opposites((0, 2), (1, 3), SIDEWAYS),
            Opposites((0, 1), (2, 3), UPRIGHT),
            Opposites((0, 3), (1, 2), WHETHER),
        ),
        chain=chain_of_pair(
            both_of(words_of("side", left="left", right="right"), words_of("upper", down="less", up="more")),
            (
                ("side!", "upper!", "=sees_more"),
                ("upper!", "=higher_sees_top", "side!", "=sees_more"),
                ("place_1?", "side!", "upper!"),
            ),
        ),
    ),
    PairKind(
        name="which_motion/camera_1",
        rank=11,
        tier="B",
        options=MOTIONS,
        fact=which_motion,
        decided_by=(),
        shown=4,
        lens=True,
        chain=chain_of_pair(MOTION_EVIDENCE, MOTION_PLANS),
    ),
    PairKind(
        name="next_action/camera_1",
        rank=12,
        tier="B",
        options=ACTIONS,
        fact=next_action,
        decided_by=(),
        shown=4,
        twins=True,
        lens=True,
        opposites=ACTION_OPPOSITES,
        chain=chain_of_pair(ACTION_EVIDENCE, MOTION_PLANS),
    ),
    PairKind(
        name="relative_pose/camera_1",
        rank=18,
        tier="B",
        options=(
            "moved_left_and_turned_left",
            "moved_left_and_turned_right",
            "moved_right_and_turned_left",
            "moved_right_and_turned_right",
        ),
        fact=relative_pose,
        decided_by=("translation", "rotation"),
        opposites=(
            # moving and turning to one side always shifts the object to the other side: only its places can
            # be kept from telling
            Opposites((0, 1), (2, 3), SIDEWAYS[2:]),
            Opposites((0, 2), (1, 3), SIDEWAYS[2:]),
            Opposites((0, 3), (1, 2), WHETHER),
        ),
        chain=chain_of_pair(
            both_of(
                words_of("side", moved_left="left", moved_right="right"),
                words_of("offset_x", turned_left="right", turned_right="left"),
            ),
            (
                ("side!", "=sees_more", "unturned_x!", "offset_x!", "=turn_opposite"),
                ("shift_x?", "side!", "unturned_x!", "offset_x!", "=turn_opposite"),
                ("unturned_x!", "offset_x!", "=turn_opposite", "side!", "=sees_more"),
            ),
        ),
    ),
)
