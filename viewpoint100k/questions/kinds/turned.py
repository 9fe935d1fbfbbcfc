"""How the camera turned: to the left or right, up or down, or about its line of sight."""

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import SAME, words_of
from viewpoint100k.questions.facts.pair import chain_of_pair
from viewpoint100k.questions.kind import NONE, SIDEWAYS, UPRIGHT, Fact, PairKind, either, signed
from viewpoint100k.records import Truth


def ego_rotation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A3. Which way the camera turned about the vertical: left, right or not at all."""
    return signed(truth.yaw_deg, gates.yaw_grey_deg)


def pitch(truth: Truth, gates: GateConfig) -> Fact | None:
    """B3. Which way the camera tilted: down, up or neither."""
    return signed(truth.pitch_deg, gates.tilt_grey_deg)


def roll(truth: Truth, gates: GateConfig) -> Fact | None:
    """B3. Which way the camera rolled, seen from behind: counter-clockwise, clockwise or neither."""
    return signed(truth.roll_deg, gates.tilt_grey_deg)


KINDS = (
    PairKind(
        name="ego_rotation/camera_1",
        rank=5,
        tier="A",
        options=("left", "right", NONE),
        fact=ego_rotation,
        decided_by=("rotation",),
        opposites=either(*SIDEWAYS),
        chain=chain_of_pair(
            words_of("offset_x", left="right", right="left", none=SAME),
            (
                ("side?", "unturned_x!", "offset_x!", "=turn_opposite"),
                ("shift_x?", "side?", "unturned_x!", "offset_x!", "=turn_opposite"),
                ("=turn_opposite", "unturned_x!", "offset_x!"),
                ("place_1?", "place_2?", "unturned_x!", "offset_x!"),
            ),
        ),
    ),
    PairKind(
        name="pitch/camera_1",
        rank=9,
        tier="B",
        options=("down", "up", NONE),
        fact=pitch,
        decided_by=("pitch",),
        opposites=either(*UPRIGHT),
        chain=chain_of_pair(
            words_of("offset_y", down="up", up="down", none=SAME),
            (
                ("upper?", "unturned_y!", "offset_y!", "=tilt_opposite"),
                ("shift_y?", "upper?", "unturned_y!", "offset_y!", "=tilt_opposite"),
                ("=tilt_opposite", "unturned_y!", "offset_y!"),
                ("place_1?", "place_2?", "unturned_y!", "offset_y!"),
            ),
        ),
    ),
    PairKind(
        name="roll/behind_camera_1",
        rank=10,
        tier="B",
        options=("counter_clockwise", "clockwise", NONE),
        fact=roll,
        decided_by=("roll",),
        opposites=either(),
        # a camera ends leaning further the way it rolled than it began: each picture by itself suggests it
        can_be_fair=False,
        chain=chain_of_pair(
            words_of("lean", counter_clockwise="clockwise", clockwise="counter-clockwise", none=SAME),
            (
                ("lean!", "=roll_opposite"),
                ("=roll_opposite", "lean!"),
                ("side?", "upper?", "lean!", "=roll_opposite"),
                ("place_1?", "place_2?", "lean!", "=roll_opposite"),
            ),
        ),
    ),
)
