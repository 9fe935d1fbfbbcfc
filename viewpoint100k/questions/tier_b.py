"""Tier B: all six degrees of freedom of the camera and its lens, how far, and several at once."""

import math
from bisect import bisect_left

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.questions.kinds import (
    AHEAD,
    NEARNESS,
    SIDEWAYS,
    UPRIGHT,
    WHETHER,
    Fact,
    Kind,
    Opposites,
    along,
    either,
    signed,
)
from viewpoint100k.questions.tier_a import ego_rotation, ego_translation
from viewpoint100k.records import Truth

NEARER_BY = 0.5  # of the way ahead, over the distance: so much nearer or farther at least
DOMINANT = 0.7  # share of all motion that the one motion has which a question asks for
BINS_DEG = (20, 45, 90)  # angles that people tell apart by eye: 20 from 40 degrees they do not
BIN_EDGES_DEG = (12, 30, 64, 135)  # where two of them are equally near, in proportion
BIN_GREY = 0.2  # a share of an edge, to either side: too near to it to be asked


def vertical(truth: Truth, gates: GateConfig) -> Fact | None:
    """B1. Up, down or neither, along the first camera's own vertical axis. OpenCV's y points down.

    For a camera that looks down, to stay as high and go around the object is also to go up. People judge by
    from how high the object is seen: where that says otherwise, it is not asked.
    """
    fact = along(truth, 1, gates)
    if fact is None:
        return None
    seen, option = elevation(truth, gates), (1, 0, 2)[fact.option]
    if option == 2:
        margin = 2 - abs(truth.elevation_change_deg) / gates.tilt_grey_deg.high
        return fact._replace(margin=min(fact.margin, margin)) if margin >= 1 else None
    if seen is None or seen.option != option:
        return None
    return fact._replace(option=option, margin=min(fact.margin, seen.margin))


def forward(truth: Truth, gates: GateConfig) -> Fact | None:
    """B1. Forward, back or neither, along the first camera's line of sight.

    On its way around an object a camera also gets ahead of where it began. People judge by whether it comes
    nearer: where less than half of the way ahead brings it nearer, it is not asked.
    """
    fact = along(truth, AHEAD, gates)
    if fact is None:
        return None
    nearer = -math.log(truth.distance_ratio)
    if fact.option == 2:
        return fact if abs(nearer) < math.log(gates.size_grey.high) else None
    ahead = truth.translation[AHEAD]
    return fact if nearer * ahead > 0 and abs(nearer) >= NEARER_BY * abs(ahead) else None


def combined(truth: Truth, gates: GateConfig) -> Fact | None:
    """B2. Two or three axes at once: sideways and vertical."""
    facts = ego_translation(truth, gates), vertical(truth, gates)
    if any(fact is None or fact.option == 2 for fact in facts):
        return None
    sideways, upward = (fact for fact in facts if fact is not None)
    return Fact(2 * upward.option + sideways.option, min(sideways.margin, upward.margin))


def pitch(truth: Truth, gates: GateConfig) -> Fact | None:
    """B3. Tilted down, up or neither."""
    return signed(truth.pitch_deg, gates.tilt_grey_deg)


def roll(truth: Truth, gates: GateConfig) -> Fact | None:
    """B3. Rolled counter-clockwise, clockwise (seen from behind the camera) or neither."""
    return signed(truth.roll_deg, gates.tilt_grey_deg)


def motions(truth: Truth, gates: GateConfig) -> dict[str, float]:
    """How much of each motion there is, in the smallest amount of it that is asked about; the sign is its direction."""
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
    """B4. The one motion that is nearly all there is; an orbit is sideways and turning back.

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
        fact = Fact(len(MOTIONS) - 1, least, decided_by=("translation", "rotation"))
        return fact if around >= DOMINANT * total else None
    number, amount = max(enumerate(map(abs, amounts.values())), key=lambda one: one[1])
    fact = Fact(number, amount, decided_by=(DECIDED_BY[number],))
    return fact if amount >= max(1.0, DOMINANT * total) else None


def next_action(truth: Truth, gates: GateConfig) -> Fact | None:
    """B20. The one action that takes the camera to where the second picture was taken."""
    fact = which_motion(truth, gates)
    if fact is None or 2 * fact.option >= len(ACTIONS):
        return None
    return fact._replace(option=2 * fact.option + (list(motions(truth, gates).values())[fact.option] > 0))


def angle(truth: Truth, gates: GateConfig) -> Fact | None:
    """B5. How far around the object, to the nearest of a few angles."""
    return (
        _nearest(abs(truth.azimuth_change_deg))
        if truth.covisible_fraction >= gates.min_covisible_for_size
        else None
    )


def angle_number(truth: Truth, gates: GateConfig) -> Fact | None:
    """B5, as a number: the angle around the object in degrees."""
    if abs(truth.azimuth_change_deg) < BINS_DEG[0] or truth.covisible_fraction < gates.min_covisible_for_size:
        return None
    return Fact(-1, abs(truth.azimuth_change_deg) / BINS_DEG[0], round(abs(truth.azimuth_change_deg), 1))


def signed_angle(truth: Truth, gates: GateConfig) -> Fact | None:
    """B6. Which way around the object and how far, at once."""
    fact = angle(truth, gates)
    if fact is None:
        return None
    return fact._replace(option=2 * fact.option + (truth.azimuth_change_deg > 0))


def distance(truth: Truth, gates: GateConfig) -> Fact | None:
    """B7. Nearer, farther or as far: of the camera's place, whatever the lens does to the size."""
    band = Range(low=math.log(gates.size_grey.low), high=math.log(gates.size_grey.high))
    return signed(math.log(truth.distance_ratio), band)


def elevation(truth: Truth, gates: GateConfig) -> Fact | None:
    """B8. Does the second camera look at the object from lower, higher, or as high?"""
    return signed(truth.elevation_change_deg, gates.tilt_grey_deg)


def relative_pose(truth: Truth, gates: GateConfig) -> Fact | None:
    """B9. Sideways and turning at once: all four combinations are equally frequent."""
    moved, turned = ego_translation(truth, gates), ego_rotation(truth, gates)
    if moved is None or turned is None or 2 in (moved.option, turned.option):
        return None
    return Fact(2 * moved.option + turned.option, min(moved.margin, turned.margin))


def _nearest(angle_deg: float) -> Fact | None:
    if not BIN_EDGES_DEG[0] < angle_deg < BIN_EDGES_DEG[-1]:
        return None
    away = min(abs(math.log(angle_deg / edge)) for edge in BIN_EDGES_DEG)
    if away < BIN_GREY:
        return None
    return Fact(bisect_left(BIN_EDGES_DEG, angle_deg) - 1, away / BIN_GREY)


def _same_lens(truth: Truth, gates: GateConfig) -> bool:
    return abs(math.log(truth.focal_ratio)) <= math.log(gates.size_grey.low)


DECIDED_BY = ("translation", "vertical", "forward", "rotation", "pitch", "roll")
MOTIONS = (
    "it moved sideways",
    "it moved up or down",
    "it moved forward or back",
    "it turned left or right",
    "it tilted up or down",
    "it rolled to one side",
    "it went around the object",
)
ACTIONS = (
    "move left",
    "move right",
    "move down",
    "move up",
    "move backward",
    "move forward",
    "turn left",
    "turn right",
    "tilt down",
    "tilt up",
    "roll counter-clockwise",
    "roll clockwise",
)
# of a single motion the shift and the growth follow: only the single pictures can be kept from telling
ACTION_CUES = (SIDEWAYS[2:], UPRIGHT[2:], NEARNESS[1:], SIDEWAYS[2:], UPRIGHT[2:], ())
ACTS = tuple(Opposites((2 * i,), (2 * i + 1,), cues) for i, cues in enumerate(ACTION_CUES))
AROUND = ("clockwise", "counter-clockwise")
OF_ANGLES = (
    Opposites(tuple(range(0, 2 * len(BINS_DEG), 2)), tuple(range(1, 2 * len(BINS_DEG), 2)), SIDEWAYS),
)

KINDS: tuple[Kind, ...] = (
    Kind(
        "vertical_translation",
        "camera_1",
        "B",
        ("down", "up", "neither up nor down"),
        ("vertical",),
        vertical,
        opposites=either(*UPRIGHT),
    ),
    Kind(
        "forward_translation",
        "camera_1",
        "B",
        ("backward", "forward", "neither forward nor backward"),
        ("forward",),
        forward,
        opposites=either(*NEARNESS),
        lens=True,
    ),
    Kind(
        "combined_translation",
        "camera_1",
        "B",
        ("left and down", "right and down", "left and up", "right and up"),
        ("translation", "vertical"),
        combined,
        opposites=(
            Opposites((0, 2), (1, 3), SIDEWAYS),
            Opposites((0, 1), (2, 3), UPRIGHT),
            Opposites((0, 3), (1, 2), WHETHER),
        ),
    ),
    Kind("pitch", "camera_1", "B", ("down", "up", "no tilt"), ("pitch",), pitch, opposites=either(*UPRIGHT)),
    Kind(
        "roll",
        "behind_camera_1",
        "B",
        ("counter-clockwise", "clockwise", "no roll"),
        ("roll",),
        roll,
        opposites=either(),
    ),
    Kind("which_motion", "camera_1", "B", MOTIONS, (), which_motion, shown=4, lens=True),
    Kind(
        "next_action",
        "camera_1",
        "B",
        ACTIONS,
        (),
        next_action,
        shown=4,
        twins=True,
        lens=True,
        opposites=ACTS,
    ),
    Kind(
        "angle",
        "around_object",
        "B",
        tuple(f"about {angle} degrees" for angle in BINS_DEG),
        ("azimuth",),
        angle,
    ),
    Kind("angle_number", "around_object", "B", (), ("azimuth",), angle_number),
    Kind(
        "signed_angle",
        "seen_from_above",
        "B",
        tuple(f"about {angle} degrees {way}" for angle in BINS_DEG for way in AROUND),
        ("azimuth",),
        signed_angle,
        shown=4,
        twins=True,
        opposites=OF_ANGLES,
    ),
    Kind(
        "distance",
        "object",
        "B",
        ("nearer", "farther", "equally far"),
        ("distance",),
        distance,
        opposites=either(*NEARNESS),
        lens=True,
    ),
    Kind(
        "elevation",
        "object",
        "B",
        ("lower", "higher", "equally high"),
        ("elevation",),
        elevation,
        opposites=either(*UPRIGHT),
    ),
    Kind(
        "relative_pose",
        "camera_1",
        "B",
        (
            "moved left, turned left",
            "moved left, turned right",
            "moved right, turned left",
            "moved right, turned right",
        ),
        ("translation", "rotation"),
        relative_pose,
        opposites=(
            # moving and turning to one side always shifts the object to the other: only its places can be
            # kept from telling
            Opposites((0, 1), (2, 3), SIDEWAYS[2:]),
            Opposites((0, 2), (1, 3), SIDEWAYS[2:]),
            Opposites((0, 3), (1, 2), WHETHER),
        ),
    ),
)
