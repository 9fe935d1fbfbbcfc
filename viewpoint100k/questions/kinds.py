"""What a kind of question is: a function from truth to fact, and a fixed set of options.

A kind takes the truth of a pair and the grey bands and returns the right option of its fixed set with a margin, or None
where the pair does not carry the question. A margin is in grey bands: 1 is the nearest that is still asked, a true "none"
has 1 plus how far it is below the band.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.records import Truth

Cue = Literal[
    "shift_x", "place_1_x", "place_2_x",
    "shift_y", "place_1_y", "place_2_y",
    "growth", "size_1", "size_2", "aside_1", "aside_2",
]  # fmt: skip
SIDEWAYS: tuple[Cue, ...] = ("shift_x", "place_1_x", "place_2_x")  # what might tell left from right
UPRIGHT: tuple[Cue, ...] = ("shift_y", "place_1_y", "place_2_y")  # up from down
NEARNESS: tuple[Cue, ...] = ("growth", "size_1", "size_2", "aside_1", "aside_2")  # nearer from farther


class Fact(NamedTuple):
    """The right one of a kind's options, and how clear it is."""

    option: int
    margin: float
    value: float | None = None  # the right number, where the kind asks for one
    decided_by: tuple[str, ...] = ()  # in place of the kind's


class Opposites(NamedTuple):
    """Two sets of options of which either is to be right as often, whatever these flat cues show."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    cues: tuple[Cue, ...] = ()


def either(*cues: Cue) -> tuple[Opposites, ...]:
    """Option 0 against option 1."""
    return (Opposites((0,), (1,), cues),)


class Kind(NamedTuple):
    """A kind of question."""

    type: str
    frame: str
    tier: str
    options: tuple[str, ...]  # a fixed set: never filtered by the answer; empty for a number
    decided_by: tuple[str, ...]  # whose decidability counts, by the fields of `Decidability`; the least of them
    fact: Callable[[Truth, GateConfig], Fact | None]
    shown: int = 0  # so many options at a time, the wrong ones drawn by lot; 0: all
    twins: bool = False  # options 2i and 2i + 1 are opposites and are shown together, or neither is
    opposites: tuple[Opposites, ...] = ()  # what flat shortcuts must not tell apart
    lens: bool = False  # the question says what the lens did, for the object's size means nothing without that

    @property
    def name(self) -> str:
        return f"{self.type}/{self.frame}"

    def direction(self, option: int) -> int | None:
        """0 or 1 for an option and its opposite; None for "none"."""
        return None if len(self.options) == 3 and option == 2 else option % 2


def signed(value: float, grey: Range) -> Fact | None:
    """Option 0 for a clearly negative value, 1 for a clearly positive one, 2 for none, nothing in the grey band."""
    if abs(value) <= grey.low:
        return Fact(2, 1 + (grey.low - abs(value)) / grey.low)
    if abs(value) < grey.high:
        return None
    return Fact(int(value > 0), abs(value) / grey.high)


def along(truth: Truth, axis: int, gates: GateConfig) -> Fact | None:
    """`signed` of one axis of the translation; not asked if another axis is twice as large, for people then name that."""
    fact = signed(truth.translation[axis], gates.truck_grey)
    if fact is None or fact.option == 2:
        return fact
    largest = max(abs(component) for component in truth.translation)
    return fact if abs(truth.translation[axis]) >= 0.5 * largest else None
