"""What a kind of question is: a fixed set of options, and how the right one is found.

A `PairKind` is answered by the motion between two views: its `fact` takes the truth of the pair and the
settings, and returns the right option with a margin, or None where the pair does not carry the question. A
`DrawnKind` first draws a figure at random: dots in the pictures, a map, which objects of a scene it is
about; its `solve` finds the answer that goes with the figure, and validation solves stored figures again.

Options have keys ("left", "none"), which are the same in every language; their words are in the templates
file (`wording.py`). A margin counts in grey bands: 1 is the nearest that is still asked, and a true "none"
has 1 plus how far it is below the band.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.questions.facts.chain import Chain
from viewpoint100k.records import (
    ChangeKind,
    Decidability,
    MapCamera,
    Mark,
    Move,
    Relation,
    Scene,
    Seen,
    Truth,
    View,
)

AHEAD = 2  # the axis of a translation that is the line of sight
OF_SCENES = "C"  # the tier of the kinds about scenes of several objects
NONE = "none"  # the key of the option that says that nothing happened
PLACES = "abcdefg"  # placeholders of objects of a scene, in braces in wordings and options
PAIR = (0, 1)  # the views of a pair, in the order in which they were planned
Cue = Literal[
    "shift_x", "place_1_x", "place_2_x",
    "shift_y", "place_1_y", "place_2_y",
    "growth", "size_1", "size_2", "aside_1", "aside_2",
    "focal_1", "focal_2", "lens", "shape_1", "shape_2", "wider", "full_1", "full_2", "high_1", "high_2",
    "brighter",
    "drift_x", "drift_y",
    "across", "height", "looks", "away", "deeper", "diagonal",  # cues of the objects of a scene: kinds/scene/
]  # fmt: skip
OF_THE_LENS: tuple[Cue, ...] = ("lens", "focal_1", "focal_2")  # stated, where a question states the lenses
OF_ONE_PICTURE: tuple[Cue, ...] = (
    "place_1_x", "place_2_x", "place_1_y", "place_2_y", "size_1", "size_2", "aside_1", "aside_2",
    "shape_1", "shape_2",
    "full_1", "full_2", "high_1", "high_2", "focal_1", "focal_2",
)  # fmt: skip
SIDEWAYS: tuple[Cue, ...] = ("shift_x", "drift_x", "place_1_x", "place_2_x")  # might tell left from right
UPRIGHT: tuple[Cue, ...] = (
    "shift_y", "drift_y", "brighter", "place_1_y", "place_2_y", "size_1", "size_2", "high_1", "shape_1",
    "shape_2",
    "full_1", "full_2",
)  # fmt: skip
NEARNESS: tuple[Cue, ...] = (  # might tell nearer from farther
    "growth", "lens", "wider", "size_1", "size_2", "aside_1", "aside_2", "place_1_y", "place_2_y",
    "shape_1", "shape_2",
    "full_1", "full_2", "high_1", "high_2", "focal_1", "focal_2",
)  # fmt: skip
WHETHER: tuple[Cue, ...] = (  # might tell something from nothing, or one option of many from the others
    "lens", "size_1", "size_2", "aside_1", "aside_2", "place_1_y", "place_2_y", "high_1", "high_2",
    "shape_1", "shape_2",
    "full_1", "full_2", "focal_1", "focal_2",
)  # fmt: skip


class Fact(NamedTuple):
    """Which of a kind's options is right, and how clear that is."""

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
    """What a question is about beside its kind: pictures, what is drawn into them, objects, and
    parameters.
    """

    images: tuple[int, ...] = PAIR  # views, in the order in which they are shown
    marks: tuple[Mark, ...] = ()
    mirrored: tuple[int, ...] = ()  # places among `images`
    map_cameras: tuple[MapCamera, ...] = ()
    parts: tuple[int, ...] = ()  # objects of the scene that {a}, {b}, ... stand for in wordings and options
    relation: Relation | None = None
    move: Move | None = None
    change: ChangeKind | None = None


class Solved(NamedTuple):
    """The answer that goes with a figure."""

    fact: Fact
    decidability: float
    # what a flat look at the objects spoken of suggests; above 0: the options with the higher numbers
    cues: Mapping[Cue, float] = {}
    # how the right option's part of the figure differs from the mean of all options' parts
    alone: tuple[float, ...] = ()


class Opposites(NamedTuple):
    """Two sets of options, either of which must be right equally often whatever these flat cues show."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    cues: tuple[Cue, ...] = ()


def either(*cues: Cue) -> tuple[Opposites, ...]:
    """Option 0 against option 1."""
    return (Opposites((0,), (1,), cues),)


class Parameter(NamedTuple):
    """What a kind asks with: a field of the question, which a placeholder of the same name stands for in
    wordings.
    """

    field: Literal["relation", "move", "change"]
    values: tuple[Relation | Move | ChangeKind, ...]  # all that it may be
    key: Callable[..., str] = str  # of a value: under which its words are in the templates file
    numbers: Callable[..., Mapping[str, int]] = (
        lambda value: {}
    )  # of a value: placeholders within those words

    @property
    def placeholder(self) -> str:
        return f"{{{self.field}}}"

    def in_figure(self, figure: Figure, value: Relation | Move | ChangeKind | None) -> Figure:
        """A figure that asks with this value."""
        return figure._replace(**{self.field: value})  # type: ignore[arg-type]  # one of three fields

    def keys(self) -> dict[str, tuple[str, ...]]:
        """Each key of its words, and which numbers stand in them."""
        return {self.key(value): tuple(self.numbers(value)) for value in self.values}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Kind:
    """What all kinds have."""

    name: str  # "type/frame"
    rank: int  # its place among all kinds, on which random draws depend; a new kind takes the next number
    tier: str
    options: tuple[str, ...]  # keys of a fixed set, which is never filtered by the answer; empty: a number
    chain: Chain | None = None  # how chains of thought are written
    shown: int = 0  # how many options are shown at a time, the wrong ones drawn at random; 0: all
    twins: bool = False  # options 2i and 2i + 1 are opposites, and either both are shown or neither is
    opposites: tuple[Opposites, ...] = ()  # what flat shortcuts must not tell apart
    # cues that must not tell "none" from the others; where there is no "none", one option from another
    seen_alone: tuple[Cue, ...] = WHETHER
    # False: one picture by itself suggests the answer, so that no question is of the balanced subset
    can_be_fair: bool = True
    lens: bool = False  # the question states the lenses, for the object's size means nothing without them

    @property
    def type(self) -> str:
        return self.name.partition("/")[0]

    @property
    def frame(self) -> str:
        return self.name.partition("/")[2]

    @property
    def of_scenes(self) -> bool:
        """Whether it is about the objects of a scene; other kinds are about one object."""
        return self.tier == OF_SCENES

    @property
    def none(self) -> int | None:
        """The option that says that nothing happened, if there is one."""
        return self.options.index(NONE) if NONE in self.options else None

    def direction(self, option: int) -> int | None:
        """0 or 1 for an option and its opposite; None for "none"."""
        return None if option == self.none else option % 2


@dataclass(frozen=True, kw_only=True, eq=False)
class PairKind(_Kind):
    """A kind that is answered by the motion between two views."""

    fact: Callable[[Truth, GateConfig], Fact | None]
    decided_by: tuple[str, ...]  # fields of `Decidability`, of which the least counts


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnKind(_Kind):
    """A kind that draws a figure at random."""

    draw: Callable[[Known, GateConfig, np.random.Generator], Figure | None]
    solve: Callable[[Known, Figure, GateConfig], Solved | None]
    parts: int = 0  # how many objects of a scene its wordings name: {a}, {b}, ...
    parameter: Parameter | None = None
    names: Mapping[str, str] = field(
        default_factory=dict
    )  # option -> the letters of the objects that it names


Kind = PairKind | DrawnKind


class Asked(NamedTuple):
    """A question that could be put to a sample."""

    kind: Kind
    fact: Fact
    decidability: float
    figure: Figure = Figure()
    cues: Mapping[Cue, float] = {}  # beside those of the pictures
    alone: tuple[float, ...] = ()  # as in `Solved`


def placeholders(kind: Kind) -> tuple[str, ...]:
    """What stands in braces in each wording of a kind."""
    if isinstance(kind, PairKind):
        return ()
    parameter = (kind.parameter.placeholder,) if kind.parameter else ()
    return (*parameter, *(f"{{{place}}}" for place in PLACES[: kind.parts]))


def signed(value: float, grey: Range) -> Fact | None:
    """Option 0 for a clearly negative value, 1 for a clearly positive one, 2 for none, nothing in the grey
    band.
    """
    if abs(value) <= grey.low:
        return Fact(2, 1 + (grey.low - abs(value)) / grey.low)
    if abs(value) < grey.high:
        return None
    return Fact(int(value > 0), abs(value) / grey.high)


def along(truth: Truth, axis: int, gates: GateConfig) -> Fact | None:
    """`signed` of one axis of the translation; not asked beside a much larger axis, which people name
    instead.
    """
    fact = signed(truth.translation[axis], gates.dolly_grey if axis == AHEAD else gates.truck_grey)
    if fact is None or fact.option == 2:
        return fact
    largest = max(abs(component) for component in truth.translation)
    return fact if abs(truth.translation[axis]) >= gates.min_axis_share * largest else None


def draw_two_pictures(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """The two pictures of a pair as they are."""
    return Figure() if len(known.views) == 2 else None
