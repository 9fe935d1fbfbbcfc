"""Two motions at once; which motion it was; which action leads to the second picture."""

from viewpoint100k.proof import facts
from viewpoint100k.proof.case import Case, Label
from viewpoint100k.proof.facts import OPPOSITE, PAIR_FACTS, PREMISES
from viewpoint100k.proof.forms import both, of_pair
from viewpoint100k.proof.kinds.moved import sideways, vertical
from viewpoint100k.proof.kinds.turned import turned
from viewpoint100k.proof.measure import Pair
from viewpoint100k.proof.reading import Proof, Said

NAMES = {
    "sideways": "it moved sideways",
    "vertical": "it moved up or down",
    "forward": "it moved forward or back",
    "turn": "it turned left or right",
    "tilt": "it tilted up or down",
    "roll": "it rolled to one side",
    "around": "it went around the object",
}
ACTIONS = {
    "sideways": ("move left", "move right"),
    "vertical": ("move down", "move up"),
    "forward": ("move backward", "move forward"),
    "turn": ("turn left", "turn right"),
    "tilt": ("tilt down", "tilt up"),
    "roll": ("roll counter-clockwise", "roll clockwise"),
}
DECIDED_BY = {
    "sideways": ("translation",),
    "vertical": ("vertical",),
    "forward": ("forward",),
    "turn": ("rotation",),
    "tilt": ("pitch",),
    "roll": ("roll",),
    "around": ("translation", "rotation"),
}


def _sideways_and_vertical(pair: Pair, case: Case) -> Label | None:
    return both(sideways(pair, case), vertical(pair, case), "{} and {}")


def _moved_and_turned(pair: Pair, case: Case) -> Label | None:
    return both(sideways(pair, case), turned(pair, case), "moved {}, turned {}")


def _amounts(pair: Pair, case: Case) -> dict[str, float]:
    """Each motion in the smallest amount of it that is asked about."""
    gates = case.gates
    return {
        "sideways": pair.right / gates.truck_grey.high,
        "vertical": pair.up / gates.truck_grey.high,
        "forward": pair.forward / gates.dolly_grey.high,
        "turn": pair.yaw_deg / gates.yaw_grey_deg.high,
        "tilt": pair.pitch_deg / gates.tilt_grey_deg.high,
        "roll": pair.roll_deg / gates.tilt_grey_deg.high,
    }


def _the_motion(pair: Pair, case: Case) -> tuple[str, float] | None:
    """The one motion that is nearly all there is, with the lens unchanged, and how large it is."""
    if max(pair.focal_ratio, 1 / pair.focal_ratio) > case.gates.size_grey.low:
        return None
    amounts = _amounts(pair, case)
    enough = case.gates.min_motion_share * sum(map(abs, amounts.values()))
    side = amounts["sideways"]
    turn = amounts["turn"]
    least = min(abs(side), abs(turn))
    if least >= 1 and (side > 0) != (turn > 0):
        # on its way around, a camera also gets ahead of where it began
        circle = abs(side) + abs(turn) + max(0.0, amounts["forward"])
        return ("around", least) if circle >= enough else None
    name = max(amounts, key=lambda motion: abs(amounts[motion]))
    size = abs(amounts[name])
    return (name, size) if size >= 1 and size >= enough else None


def _which_motion(pair: Pair, case: Case) -> Label | None:
    motion = _the_motion(pair, case)
    if motion is None:
        return None
    name, size = motion
    return Label(NAMES[name], size, decided_by=DECIDED_BY[name])


def _next_action(pair: Pair, case: Case) -> Label | None:
    motion = _the_motion(pair, case)
    if motion is None or motion[0] not in ACTIONS:
        return None
    name, size = motion
    forth = _amounts(pair, case)[name] > 0
    return Label(ACTIONS[name][forth], size, decided_by=DECIDED_BY[name])


# --- what follows ------------------------------------------------------------------------------------


def _two_ways_follow(said: Said) -> str:
    side = said.way("side")
    upper = {"more": "up", "less": "down"}.get(said.way("upper"), "")
    return f"{side} and {upper}" if side in ("left", "right") and upper else ""


def _pose_follows(said: Said) -> str:
    side = said.way("side")
    heading = facts.heading(said)
    return f"moved {side}, turned {heading}" if {side, heading} <= {"left", "right"} else ""


def _motion_follows(said: Said) -> tuple[str, str]:
    """The only motion that explains what is said, and its direction; ("", "") if not exactly one does."""
    side = said.way("side")
    upper = said.way("upper")
    if side in ("left", "right"):
        heading = facts.heading(said)
        if heading == "none":
            return "sideways", side
        return ("around", side) if heading == OPPOSITE[side] else ("", "")
    if side != "none":
        return "", ""
    if upper in ("more", "less"):
        return ("vertical", "up" if upper == "more" else "down") if facts.nod(said) == "none" else ("", "")
    if upper != "none":
        return "", ""
    ahead = {"larger": "forward", "smaller": "backward"}
    ways = {
        "forward": ahead.get(facts.grown_by_distance(said), ""),
        "turn": facts.heading(said),
        "tilt": facts.nod(said),
        "roll": facts.spin(said),
    }
    moving = [(name, way) for name, way in ways.items() if way not in ("", "none")]
    return moving[0] if len(moving) == 1 else ("", "")


def _name_follows(said: Said) -> str:
    return NAMES.get(_motion_follows(said)[0], "")


def _action_follows(said: Said) -> str:
    motion, way = _motion_follows(said)
    verb = {"sideways": "move", "vertical": "move", "forward": "move"}.get(motion, motion)
    return f"{verb} {way}" if motion in ACTIONS else ""


TURNS = frozenset({"turned", "tilted"})
PROOFS = {
    "combined_translation/camera_1": Proof(
        of_pair(_sideways_and_vertical, "translation", "vertical"),
        PAIR_FACTS,
        PREMISES,
        _two_ways_follow,
        options={
            "left_and_down": "left and down",
            "right_and_down": "right and down",
            "left_and_up": "left and up",
            "right_and_up": "right and up",
        },
    ),
    "relative_pose/camera_1": Proof(
        of_pair(_moved_and_turned, "translation", "rotation"),
        PAIR_FACTS,
        PREMISES,
        _pose_follows,
        labels=frozenset({"turned"}),
        options={
            "moved_left_and_turned_left": "moved left, turned left",
            "moved_left_and_turned_right": "moved left, turned right",
            "moved_right_and_turned_left": "moved right, turned left",
            "moved_right_and_turned_right": "moved right, turned right",
        },
    ),
    "which_motion/camera_1": Proof(
        of_pair(_which_motion),
        PAIR_FACTS,
        PREMISES,
        _name_follows,
        labels=TURNS,
        options={
            "sideways": "it moved sideways",
            "up_or_down": "it moved up or down",
            "forward_or_back": "it moved forward or back",
            "turned": "it turned left or right",
            "tilted": "it tilted up or down",
            "rolled": "it rolled to one side",
            "around": "it went around the object",
        },
    ),
    "next_action/camera_1": Proof(
        of_pair(_next_action),
        PAIR_FACTS,
        PREMISES,
        _action_follows,
        labels=TURNS,
        options={
            "move_left": "move left",
            "move_right": "move right",
            "move_down": "move down",
            "move_up": "move up",
            "move_backward": "move backward",
            "move_forward": "move forward",
            "turn_left": "turn left",
            "turn_right": "turn right",
            "tilt_down": "tilt down",
            "tilt_up": "tilt up",
            "roll_counter_clockwise": "roll counter-clockwise",
            "roll_clockwise": "roll clockwise",
        },
    ),
}
