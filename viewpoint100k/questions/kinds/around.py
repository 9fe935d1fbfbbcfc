"""In which sense the camera went around the object, seen from above, and how far."""

import math
from bisect import bisect_left

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import SAME, Facts, words_of
from viewpoint100k.questions.facts.pair import TENS, Case, between, chain_of_pair, without_numbers
from viewpoint100k.questions.facts.pair_sentences import FACE_WORDS
from viewpoint100k.questions.kind import NONE, SIDEWAYS, Fact, Opposites, PairKind, either, signed
from viewpoint100k.records import Truth

BINS_DEG = (20, 45, 90)  # angles that people tell apart by eye: 20 from 40 degrees they do not
BIN_EDGES_DEG = (12, 30, 64, 135)  # where two of them are equally near, in proportion
BINS_SAID = {20: 10, 45: 15, 90: 20}  # angle -> how far from it a chain says that the truth may be
AROUND = ("clockwise", "counter_clockwise")


def object_orbit(truth: Truth, gates: GateConfig) -> Fact | None:
    """A2, without a front. Which way the camera went around the object, seen from above."""
    return signed(truth.azimuth_change_deg, gates.azimuth_grey_deg)


def angle(truth: Truth, gates: GateConfig) -> Fact | None:
    """B5. How far around the object the camera went, to the nearest of a few angles."""
    if truth.covisible_fraction < gates.min_covisible_for_size:
        return None
    return _nearest(abs(truth.azimuth_change_deg), gates)


def angle_number(truth: Truth, gates: GateConfig) -> Fact | None:
    """B5, as a number. How many degrees around the object the camera went."""
    if abs(truth.azimuth_change_deg) < BINS_DEG[0] or truth.covisible_fraction < gates.min_covisible_for_size:
        return None
    return Fact(-1, abs(truth.azimuth_change_deg) / BINS_DEG[0], round(abs(truth.azimuth_change_deg), 1))


def signed_angle(truth: Truth, gates: GateConfig) -> Fact | None:
    """B6. How far around the object the camera went, and in which sense."""
    fact = angle(truth, gates)
    if fact is None:
        return None
    return fact._replace(option=2 * fact.option + (truth.azimuth_change_deg > 0))


def _nearest(angle_deg: float, gates: GateConfig) -> Fact | None:
    if not BIN_EDGES_DEG[0] < angle_deg < BIN_EDGES_DEG[-1]:
        return None
    away = min(abs(math.log(angle_deg / edge)) for edge in BIN_EDGES_DEG)
    if away < gates.bin_grey:
        return None
    return Fact(bisect_left(BIN_EDGES_DEG, angle_deg) - 1, away / gates.bin_grey)


def _number_facts(case: Case) -> Facts:
    """Without the angles of other facts: one of them could be taken for the answer."""
    return without_numbers(case.pair.facts, ("side", "upper"))


def _bin_facts(case: Case) -> Facts:
    """The same, with an interval around one of the angles that are offered."""
    facts = {name: fact for name, fact in case.pair.facts.items() if name != "between"}
    if (interval := between(case.pair.truth.azimuth_change_deg, BINS_SAID)) is not None:
        facts["between"] = interval
    return without_numbers(facts, ("side", "upper"))


ANGLE_PLANS = (
    ("side?", "face!", "between!"),
    ("face!", "=third_is_small", "between!"),
    ("=third_is_small", "face!", "between!"),
    ("upper?", "face!", "between!"),
)
SIDE_OF_SENSE = {"clockwise": "left", "counter_clockwise": "right"}

KINDS = (
    PairKind(
        name="object_translation/seen_from_above",
        rank=4,
        tier="A",
        options=(*AROUND, NONE),
        fact=object_orbit,
        decided_by=("azimuth",),
        opposites=either(*SIDEWAYS),
        chain=chain_of_pair(
            words_of("side", **SIDE_OF_SENSE, none=SAME),
            (
                ("side!", "=sees_more", "=from_above"),
                ("=from_above", "side!"),
                ("upper?", "side!", "=from_above"),
                ("face?", "side!", "=sees_more", "=from_above"),
            ),
        ),
    ),
    PairKind(
        name="angle/around_object",
        rank=13,
        tier="B",
        options=tuple(f"{degrees}_degrees" for degrees in BINS_DEG),
        fact=angle,
        decided_by=("azimuth",),
        chain=chain_of_pair(
            {f"{n}_degrees": [{"middle": (str(n),), "face": FACE_WORDS}] for n in BINS_SAID},
            ANGLE_PLANS,
            _bin_facts,
        ),
    ),
    PairKind(
        name="angle_number/around_object",
        rank=14,
        tier="B",
        options=(),
        fact=angle_number,
        decided_by=("azimuth",),
        chain=chain_of_pair(
            {str(n): [{"middle": (str(n),), "face": FACE_WORDS}] for n in TENS}, ANGLE_PLANS, _number_facts
        ),
    ),
    PairKind(
        name="signed_angle/seen_from_above",
        rank=15,
        tier="B",
        options=tuple(f"{degrees}_degrees_{sense}" for degrees in BINS_DEG for sense in AROUND),
        fact=signed_angle,
        decided_by=("azimuth",),
        shown=4,
        twins=True,
        opposites=(Opposites((0, 2, 4), (1, 3, 5), SIDEWAYS),),
        chain=chain_of_pair(
            {
                f"{n}_degrees_{sense}": [{"middle": (str(n),), "face": FACE_WORDS, "side": (side,)}]
                for n in BINS_SAID
                for sense, side in SIDE_OF_SENSE.items()
            },
            (
                ("side!", "=from_above", "face!", "between!"),
                ("face!", "between!", "side!", "=from_above"),
                ("face!", "side!", "=third_is_small", "between!"),
            ),
            _bin_facts,
        ),
    ),
)
