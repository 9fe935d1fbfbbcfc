"""A question as it is published, and the words of a dataset."""

from typing import Literal

from pydantic import Field, model_validator

from viewpoint100k.records.base import (
    LETTER,
    MOST_OPTIONS,
    MOST_VIEWS,
    Degrees,
    Many,
    Name,
    Number,
    Place,
    Record,
)
from viewpoint100k.records.scene import ChangeKind

Colour = Literal["red", "blue", "green", "yellow"]  # of what is drawn into pictures
AnswerForm = Literal["letter", "digit", "word", "json", "number"]
Relation = Literal["left", "right", "closer", "farther"]  # of an object to another, for the camera


class Mark(Record):
    """A dot or a letter to be drawn into one of a question's pictures when it is shown."""

    image: Place = Field(description="place among the question's pictures")
    x: Number = Field(description="pixels")
    y: Number
    colour: Colour
    letter: str = Field(
        default="", pattern=f"^{LETTER}?$", description="drawn in place of a dot: names an object of a scene"
    )


class MapCamera(Record):
    """A camera on a question's map: a picture seen from above, with the first camera at its lower edge."""

    azimuth_deg: Degrees = Field(
        description="around the object from the first camera, counter-clockwise from above"
    )
    colour: Colour


class Move(Record):
    """A camera's move that a question names: around the middle of what it looks at and sees, or up."""

    around_deg: Degrees = Field(
        default=0.0, description="around the upright axis, counter-clockwise seen from above, degrees"
    )
    up_deg: Degrees = Field(
        default=0.0, description="by how much more steeply it looks down after the move, degrees"
    )


class Question(Record):
    id: str = Field(pattern=r"^[A-Za-z0-9_\-]{1,200}$", description="names files, so no dots")
    type: Name
    tier: Name
    frame: Name = Field(description="whose left and right the words mean")
    images: Many[Place] = Field(
        max_length=MOST_VIEWS, description="which of the sample's views the question shows, in this order"
    )
    prompt: str
    options: Many[str] = Field(max_length=MOST_OPTIONS, description="empty where a number is asked for")
    option_keys: Many[Name] = Field(
        default=[],
        max_length=MOST_OPTIONS,
        description="what the options are called in every language, in the same order; empty before schema 5",
    )
    answer_index: int = Field(
        ge=-1, lt=MOST_OPTIONS, description="of the right option; -1 where a number is asked for"
    )
    answer: str = Field(description="what the model should write")
    answer_form: AnswerForm = Field(
        description="how: a letter, the option's number, its words, JSON, or a number"
    )
    value: Number | None = Field(default=None, description="the right number, where one is asked for")
    marks: Many[Mark] = Field(
        default=[], max_length=100, description="dots in copies of the pictures: drawing.py"
    )
    mirrored: Many[Place] = Field(
        default=[], description="places of the pictures that are shown as in a mirror"
    )
    map_cameras: Many[MapCamera] = Field(
        default=[], max_length=100, description="of a map that is shown as a further picture"
    )
    parts: Many[Place] = Field(
        default=[], description="objects of the scene that it speaks of, by their number, in order"
    )
    relation: Relation | None = Field(
        default=None, description="which relation between objects it asks about, where it names one"
    )
    move: Move | None = Field(
        default=None, description="which move of the camera it asks about, where it names one"
    )
    change: ChangeKind | None = Field(
        default=None, description="which change of an object it asks about, where it names one"
    )
    template: str
    margin: Number = Field(
        description="distance from the nearest other answer, in grey bands; at least 1 when asked"
    )
    decidability: Number = Field(
        description="how different the picture would be if the nearest wrong answer were true"
    )
    chain_of_thought: str | None = None
    fair: bool = Field(
        default=True,
        description="of the balanced subset, in which no flat cue goes with the answers; the others are "
        "right as well, and only good for training",
    )

    @model_validator(mode="after")
    def _answerable(self) -> "Question":
        if not self.images or len(set(self.images)) < len(self.images):
            raise ValueError(f"shows the views {self.images}: expected one or more, none of them twice")
        if not self.options and (self.answer_index != -1 or not self.value):
            raise ValueError(
                f"answer_index = {self.answer_index} and value = {self.value}: expected -1 and a number "
                f"other than 0 where there are no options"
            )
        if self.options and not 0 <= self.answer_index < len(self.options):
            raise ValueError(
                f"answer_index = {self.answer_index}: expected 0 to {len(self.options) - 1}, for there are "
                f"{len(self.options)} options"
            )
        if self.options and self.value is not None:
            raise ValueError(f"value = {self.value}: expected none where there are options")
        if self.option_keys and len(self.option_keys) != len(self.options):
            raise ValueError(
                f"{len(self.option_keys)} option_keys for {len(self.options)} options: expected as many"
            )
        for place in (*self.mirrored, *(mark.image for mark in self.marks)):
            if place >= len(self.images):
                raise ValueError(f"marks or mirrors picture {place}: expected 0 to {len(self.images) - 1}")
        return self


class Vocabulary(Record):
    """The words of a dataset's prompts and options, by keys that are the same in every language."""

    endings: dict[AnswerForm, str] = Field(description="how to answer")
    lens: dict[str, str] = Field(description="how wide both pictures are: the same, or others")
    group: dict[str, str] = Field(
        description="phrases about one object -> what is said in their place of several that stand together"
    )
    options: dict[str, dict[str, str]] = Field(description="by kind and key")
    phrases: dict[str, dict[str, str]] = Field(
        description="relations, moves and changes that wordings name, by kind and key"
    )
