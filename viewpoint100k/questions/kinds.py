"""What a kind of question is: a function from truth to fact, and a fixed set of options.

Most kinds take the truth of a pair and the grey bands and return the right option of their fixed set with a
margin, or None where the pair does not carry the question. A margin is in grey bands: 1 is the nearest that
is still asked, a true "none" has 1 plus how far it is below the band.

Some kinds first draw a figure by lot: dots in the pictures, a map, a picture shown mirrored, which of four
views are shown. `draw` makes the figure, `solve` finds the answer that goes with it; validation solves stored
figures again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.records import Decidability, MapCamera, Mark, Scene, Seen, Truth, View

AHEAD = 2  # the axis of the line of sight, of a translation
PLACES = "abcdefg"  # of objects of a scene, in braces in wordings and options
NO_WORDS = {"no", "none", "neither", "equally"}  # how an option begins that says that nothing happened
Cue = Literal[
    "shift_x", "place_1_x", "place_2_x",
    "shift_y", "place_1_y", "place_2_y",
    "growth", "size_1", "size_2", "aside_1", "aside_2",
    "focal_1", "focal_2", "lens", "shape_1", "shape_2", "wider", "full_1", "full_2", "high_1", "high_2", "brighter",
    "drift_x", "drift_y",
    "across", "height", "looks", "away", "deeper", "diagonal",  # of objects of a scene: questions/tier_c.py
]  # fmt: skip
OF_THE_LENS: tuple[Cue, ...] = ("lens", "focal_1", "focal_2")  # stated, where a question states the lenses
OF_ONE_PICTURE: tuple[Cue, ...] = (
    "place_1_x", "place_2_x", "place_1_y", "place_2_y", "size_1", "size_2", "aside_1", "aside_2", "shape_1", "shape_2",
    "full_1", "full_2", "high_1", "high_2", "focal_1", "focal_2",
)  # fmt: skip
SIDEWAYS: tuple[Cue, ...] = (
    "shift_x",
    "drift_x",
    "place_1_x",
    "place_2_x",
)  # what might tell left from right
UPRIGHT: tuple[Cue, ...] = (
    "shift_y", "drift_y", "brighter", "place_1_y", "place_2_y", "size_1", "size_2", "high_1", "shape_1", "shape_2",
    "full_1", "full_2",
)  # fmt: skip
NEARNESS: tuple[Cue, ...] = (  # nearer from farther
    "growth", "lens", "wider", "size_1", "size_2", "aside_1", "aside_2", "place_1_y", "place_2_y", "shape_1", "shape_2",
    "full_1", "full_2", "high_1", "high_2", "focal_1", "focal_2",
)  # fmt: skip
WHETHER: tuple[Cue, ...] = (  # something from nothing, or one of many from the others
    "lens", "size_1", "size_2", "aside_1", "aside_2", "place_1_y", "place_2_y", "high_1", "high_2", "shape_1", "shape_2",
    "full_1", "full_2", "focal_1", "focal_2",
)  # fmt: skip


class Fact(NamedTuple):
    """The right one of a kind's options, and how clear it is."""

    option: int
    margin: float
    value: float | None = None  # the right number, where the kind asks for one
    decided_by: tuple[str, ...] = ()  # in place of the kind's


class Known(Protocol):
    """What is known of a sample before anything is asked."""

    @property
    def views(self) -> Sequence[View]: ...
    @property
    def truth(self) -> Truth: ...
    @property
    def decidability(self) -> Decidability: ...
    @property
    def seen(self) -> Seen: ...
    @property
    def scene(self) -> Scene | None: ...


class Figure(NamedTuple):
    """What a question shows beside plain pictures, or in place of them."""

    images: tuple[int, ...] = (0, 1)  # views, in the order in which they are shown
    marks: tuple[Mark, ...] = ()
    mirrored: tuple[int, ...] = ()  # places among `images`
    map_cameras: tuple[MapCamera, ...] = ()
    words: str = ""  # what stands for {move} in the wording
    parts: tuple[
        int, ...
    ] = ()  # of the scene, that stand for {a}, {b}, ... in the wording and in the options


class Solved(NamedTuple):
    """The answer that goes with a figure."""

    fact: Fact
    decidability: float
    cues: Mapping[
        Cue, float
    ] = {}  # what a flat look at the objects it speaks of says; > 0: the higher options
    alone: tuple[
        float, ...
    ] = ()  # how the right option's part of the figure differs from the mean of all options' parts


def of_figures_only(truth: Truth, gates: GateConfig) -> Fact | None:
    """The truth of a pair alone does not answer kinds that draw a figure."""
    return None


def named(text: str, figure: Figure, scene: Scene | None) -> str:
    """A wording with the names of the objects of a scene in their places, and a capital where a sentence begins."""
    if scene is None or not figure.parts:
        return text
    for place, part in zip(PLACES, figure.parts, strict=False):
        text = text.replace(f"{{{place}}}", scene.parts[part].name)
    return text


def phrase_in(words: str, phrases: Sequence[str]) -> str | None:
    """Which one of some phrases a wording has; None if it has several, or none."""
    found = [phrase for phrase in phrases if phrase in words.split("\n")[0]]
    return found[0] if len(found) == 1 else None


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
    decided_by: tuple[
        str, ...
    ]  # whose decidability counts, by the fields of `Decidability`; the least of them
    fact: Callable[[Truth, GateConfig], Fact | None]
    shown: int = 0  # so many options at a time, the wrong ones drawn by lot; 0: all
    twins: bool = False  # options 2i and 2i + 1 are opposites and are shown together, or neither is
    opposites: tuple[Opposites, ...] = ()  # what flat shortcuts must not tell apart
    seen_alone: tuple[Cue, ...] = (
        WHETHER  # must not tell "none" from the others; where there is none, one from another
    )
    can_be_fair: bool = (
        True  # else one picture by itself tells, whatever is left out: never of the balanced subset
    )
    lens: bool = (
        False  # the question says what the lens did, for the object's size means nothing without that
    )
    words: tuple[
        str, ...
    ] = ()  # all that may stand for {move} in its wordings: a move, a relation or a change
    parts: int = 0  # so many objects of a scene are named in its wordings: {a}, {b}, ...
    draw: Callable[[Known, GateConfig, np.random.Generator], Figure | None] | None = None
    solve: Callable[[Known, Figure, GateConfig], Solved | None] | None = None

    @property
    def name(self) -> str:
        return f"{self.type}/{self.frame}"

    @property
    def placeholders(self) -> tuple[str, ...]:
        """What stands in braces in each of its wordings."""
        return (*(["{move}"] if self.words else []), *(f"{{{place}}}" for place in PLACES[: self.parts]))

    @property
    def none(self) -> int | None:
        """The option that says that nothing happened, if there is one."""
        found = [option for option in range(len(self.options)) if self.direction(option) is None]
        return found[0] if len(found) == 1 else None

    def texts(self, figure: Figure, scene: Scene | None) -> list[str]:
        """The options in words, with the names of the objects that they speak of."""
        return [named(option, figure, scene) for option in self.options]

    def direction(self, option: int) -> int | None:
        """0 or 1 for an option and its opposite; None for "none"."""
        if self.options and self.options[option].partition(" ")[0] in NO_WORDS:
            return None
        return option % 2


def signed(value: float, grey: Range) -> Fact | None:
    """Option 0 for a clearly negative value, 1 for a clearly positive one, 2 for none, nothing in the grey band."""
    if abs(value) <= grey.low:
        return Fact(2, 1 + (grey.low - abs(value)) / grey.low)
    if abs(value) < grey.high:
        return None
    return Fact(int(value > 0), abs(value) / grey.high)


def along(truth: Truth, axis: int, gates: GateConfig) -> Fact | None:
    """`signed` of one axis of the translation; not asked if another axis is twice as large, for people then name that."""
    fact = signed(truth.translation[axis], gates.dolly_grey if axis == AHEAD else gates.truck_grey)
    if fact is None or fact.option == 2:
        return fact
    largest = max(abs(component) for component in truth.translation)
    return fact if abs(truth.translation[axis]) >= 0.5 * largest else None
