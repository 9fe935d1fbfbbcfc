"""Along which of its own axes the camera moved: sideways, up or down, forward or back."""

import math

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import SAME, any_of, words_of
from viewpoint100k.questions.facts.pair import chain_of_pair
from viewpoint100k.questions.kind import (
    AHEAD,
    NEARNESS,
    NONE,
    SIDEWAYS,
    UPRIGHT,
    Fact,
    PairKind,
    along,
    either,
)
from viewpoint100k.questions.kinds.nearer_or_higher import elevation
from viewpoint100k.records import Truth


def ego_translation(truth: Truth, gates: GateConfig) -> Fact | None:
    """A1. Which way the camera moved along its first horizontal axis: left, right or not at all."""
    return along(truth, 0, gates)


def vertical(truth: Truth, gates: GateConfig) -> Fact | None:
    """B1. Which way the camera moved along its first vertical axis: up, down or neither.

    OpenCV's y points down. A camera that looks down and goes around the object at the same height also goes
    up along that axis. People judge by how high up the object is seen from: where that says otherwise, it is
    not asked.
    """
    fact = along(truth, 1, gates)
    if fact is None:
        return None
    seen = elevation(truth, gates)
    option = (1, 0, 2)[fact.option]
    if option == 2:
        margin = 2 - abs(truth.elevation_change_deg) / gates.tilt_grey_deg.high
        return fact._replace(margin=min(fact.margin, margin)) if margin >= 1 else None
    if seen is None or seen.option != option:
        return None
    return fact._replace(option=option, margin=min(fact.margin, seen.margin))


def forward(truth: Truth, gates: GateConfig) -> Fact | None:
    """B1. Which way the camera moved along its first line of sight: forward, back or neither.

    A camera that goes around an object also gets ahead of where it began. People judge by whether it comes
    nearer: where less than half of the motion ahead brings it nearer, it is not asked.
    """
    fact = along(truth, AHEAD, gates)
    if fact is None:
        return None
    nearer = -math.log(truth.distance_ratio)
    if fact.option == 2:
        return fact if abs(nearer) < math.log(gates.size_grey.high) else None
    ahead = truth.translation[AHEAD]
    return fact if nearer * ahead > 0 and abs(nearer) >= gates.min_nearer_share * abs(ahead) else None


SIDEWAYS_MOVES = {"left": "left", "right": "right", NONE: SAME}

KINDS = (
    PairKind(
        name="ego_translation/camera_1",
        rank=1,
        tier="A",
        options=("left", "right", NONE),
        fact=ego_translation,
        decided_by=("translation",),
        opposites=either(*SIDEWAYS),
        chain=chain_of_pair(
            any_of(words_of("side", **SIDEWAYS_MOVES), words_of("swept_x", **SIDEWAYS_MOVES)),
            (
                ("side!", "=sees_more"),
                ("place_1?", "=sees_more", "side!"),
                ("shift_x!", "turned!", "=turn_or_move"),
                ("upper?", "size?", "side!", "=sees_more"),
            ),
        ),
    ),
    PairKind(
        name="vertical_translation/camera_1",
        rank=6,
        tier="B",
        options=("down", "up", NONE),
        fact=vertical,
        decided_by=("vertical",),
        opposites=either(*UPRIGHT),
        chain=chain_of_pair(
            any_of(
                words_of("upper", down="less", up="more", none=SAME),
                words_of("swept_y", down="down", up="up", none=SAME),
            ),
            (
                ("upper!", "=higher_sees_top"),
                ("place_1?", "=higher_sees_top", "upper!"),
                ("shift_y!", "tilted!", "=tilt_or_move"),
                ("side?", "upper!", "=higher_sees_top"),
            ),
        ),
    ),
    PairKind(
        name="forward_translation/camera_1",
        rank=7,
        tier="B",
        options=("backward", "forward", NONE),
        fact=forward,
        decided_by=("forward",),
        opposites=either(*NEARNESS),
        lens=True,
        chain=chain_of_pair(
            {
                "backward": [{"grown": ("smaller",), "wide": ("no",)}],
                "forward": [{"grown": ("larger",)}, {"grown": (SAME,), "wide": ("yes",)}],
                NONE: [{"grown": (SAME,), "wide": ("no",)}],
            },
            (
                ("lens!", "size!", "=nearer_larger", "side!", "upper?"),
                ("side!", "upper?", "beyond_lens!", "=nearer_larger"),
                ("beyond_lens!", "side!", "upper?", "=ahead"),
                ("size?", "lens!", "beyond_lens!", "=nearer_larger", "side!", "upper?"),
            ),
        ),
    ),
)
