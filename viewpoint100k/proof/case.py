"""A question as its reader has it before them, and the answer that a proof finds."""

from typing import NamedTuple

from viewpoint100k.config import GateConfig, widened
from viewpoint100k.proof.measure import Pair
from viewpoint100k.proof.scene import Look
from viewpoint100k.records import Question, Sample, Scene, ScenePart, View

ALL_VIEWS = (0, 1, 2, 3)


class Label(NamedTuple):
    """The right answer's words and how clear it is; a number where one is asked for."""

    words: str
    margin: float
    value: float | None = None
    decided_by: tuple[str, ...] = ()  # in place of the kind's, by the fields of `Decidability`


class Answer(NamedTuple):
    """The right answer of a question, and what it rests on."""

    label: Label
    decidability: float | str  # or why nothing is known of it
    shared: tuple[tuple[int, int], ...] = ()  # views of a set that must have surface in common


class Measured:
    """A sample, with what has been measured on it so far: its questions ask for the same again and again."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self._pairs: dict[tuple[int, int], Pair] = {}
        self._looks: dict[tuple[int, float], Look] = {}

    def pair(self, first: int, second: int) -> Pair:
        """Two of the sample's views, by their numbers."""
        if (first, second) not in self._pairs:
            views = self.sample.views
            front = self.sample.truth.front_azimuth_deg
            self._pairs[first, second] = Pair(views[first], views[second], front)
        return self._pairs[first, second]

    def look(self, scene: Scene, view: int, turned_deg: float = 0.0) -> Look:
        """What a view of the sample has before it; as in `Look`."""
        if (view, turned_deg) not in self._looks:
            self._looks[view, turned_deg] = Look(self.sample.views[view], scene, view, turned_deg)
        return self._looks[view, turned_deg]


class Case:
    """A question as it is published, with the sample that it is asked of and the gates of its dataset."""

    def __init__(self, measured: Measured, question: Question, gates: GateConfig) -> None:
        self.measured = measured
        self.sample = measured.sample
        self.question = question
        self.gates = gates
        photographed = measured.sample.photographed
        if photographed is not None:  # poses that somebody found are not exact
            self.gates = widened(gates, photographed.turn_error_deg, photographed.move_error)

    @property
    def kind(self) -> str:
        return kind_of(self.question)

    @property
    def wording(self) -> str:
        """The question by itself, without options and without how to answer."""
        return self.question.prompt.partition("\n")[0]

    @property
    def right(self) -> str:
        """The words of the option that is said to be right; the number in tens where one is asked for."""
        question = self.question
        if question.options:
            return question.options[question.answer_index]
        return f"{round(question.value or 0.0, -1):.0f}"

    @property
    def views(self) -> list[View]:
        """Those that the question shows, in order."""
        return [self.sample.views[view] for view in self.question.images]

    def pair(self, first: int = 1, second: int = 2) -> Pair:
        """Two of the pictures that the question shows, by the numbers that it gives them."""
        return self.measured.pair(self.question.images[first - 1], self.question.images[second - 1])

    # of scenes

    @property
    def scene(self) -> Scene:
        """
        Raises:
            LookupError: the sample is of a single object.
        """
        if self.sample.scene is None:
            raise LookupError("the sample has no scene")
        return self.sample.scene

    @property
    def parts(self) -> list[int]:
        """The objects that the question speaks of."""
        return self.question.parts

    @property
    def names(self) -> list[str]:
        return [self.scene.parts[part].name for part in self.question.parts]

    def look(self, image: int = 1, turned_deg: float = 0.0) -> Look:
        """A picture that the question shows; as in `Look`."""
        return self.measured.look(self.scene, self.question.images[image - 1], turned_deg)

    def number(self, name: str) -> int:
        """Which object of the scene a name means.

        Raises:
            KeyError: none, or one that is called by a letter which the question does not draw.
        """
        drawn = {mark.letter for mark in self.question.marks}
        for number, part in reversed(list(enumerate(self.scene.parts))):
            if part.name == name and (part.named_by != "letter" or part.letter in drawn):
                return number
        raise KeyError(name)

    def part(self, name: str) -> ScenePart:
        return self.scene.parts[self.number(name)]


def kind_of(question: Question) -> str:
    """The name of a question's kind: "type/frame"."""
    return f"{question.type}/{question.frame}"
