"""Whether the second camera is nearer to the object or farther from it, and whether it looks from higher
or lower.
"""

import math

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.questions.facts.chain import SAME, words_of
from viewpoint100k.questions.facts.pair import chain_of_pair
from viewpoint100k.questions.kind import NEARNESS, NONE, UPRIGHT, Fact, PairKind, either, signed
from viewpoint100k.records import Truth


def distance(truth: Truth, gates: GateConfig) -> Fact | None:
    """B7. Whether the camera is nearer or farther: its place counts, whatever the lens does to the size."""
    band = Range(low=math.log(gates.size_grey.low), high=math.log(gates.size_grey.high))
    return signed(math.log(truth.distance_ratio), band)


def elevation(truth: Truth, gates: GateConfig) -> Fact | None:
    """B8. Whether the second camera looks at the object from lower, from higher, or from equally high."""
    return signed(truth.elevation_change_deg, gates.tilt_grey_deg)


KINDS = (
    PairKind(
        name="distance/object",
        rank=16,
        tier="B",
        options=("nearer", "farther", NONE),
        fact=distance,
        decided_by=("distance",),
        opposites=either(*NEARNESS),
        lens=True,
        chain=chain_of_pair(
            words_of("grown", nearer="larger", farther="smaller", none=SAME),
            (
                ("lens!", "size!", "=nearer_larger"),
                ("beyond_lens!", "=nearer_larger"),
                ("=nearer_larger", "lens?", "size?", "beyond_lens!"),
                ("side?", "beyond_lens!", "=nearer_larger"),
            ),
        ),
    ),
    PairKind(
        name="elevation/object",
        rank=17,
        tier="B",
        options=("lower", "higher", NONE),
        fact=elevation,
        decided_by=("elevation",),
        opposites=either(*UPRIGHT),
        chain=chain_of_pair(
            words_of("upper", lower="less", higher="more", none=SAME),
            (
                ("upper!", "=higher_sees_top"),
                ("=higher_sees_top", "side?", "upper!"),
                ("shift_y?", "=all_shift", "upper!", "=higher_sees_top"),
            ),
        ),
    ),
)
