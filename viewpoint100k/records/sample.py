"""A sample as it is published: its views, truth and questions, and what it was made by."""

from typing import Literal

from pydantic import Field, model_validator

from viewpoint100k.records.base import MOST_VIEWS, Many, Record
from viewpoint100k.records.objects import ObjectRecord
from viewpoint100k.records.question import Question
from viewpoint100k.records.scene import Scene
from viewpoint100k.records.truth import Decidability, Seen, Truth, View

Split = Literal["train", "validation", "test"]
Family = Literal[
    "orbit",
    "truck",
    "pan",
    "same_sign",
    "pedestal",
    "crane",
    "dolly",
    "tilt",
    "roll",
    "zoom",
    "mixed",
    "still",
    "arc",
    "star",
    "event",
]
FAMILIES: dict[Family, str] = {
    "orbit": "around the object, turning to keep it in view",
    "truck": "sideways without turning",
    "pan": "turning on the spot, to the left or right",
    "same_sign": "sideways and turning to the same side: no orbit does that",
    "pedestal": "up or down without turning",
    "crane": "up or down and tilting",
    "dolly": "nearer or farther without turning",
    "tilt": "turning on the spot, up or down",
    "roll": "turning about the line of sight",
    "zoom": "another lens from the same place",
    "mixed": "several of these at once",
    "still": "nothing that one could see",
    "arc": "four views on the way around the object, the first at one end",
    "star": "a view of the object, and three others around it",
    "event": "an object of a scene changes, whether the camera moves or not",
}
COMMIT = r"^[0-9a-f]{7,64}(-dirty)?$"  # of git


class Provenance(Record):
    """What a sample was made by: with the objects, all that its bytes depend on."""

    seed: int = Field(ge=0, lt=2**63)
    config_hash: str
    code_version: str = Field(description="of the library that rendered it")
    code_commit: str | None = Field(
        default=None,
        pattern=COMMIT,
        description="of that library; ends in -dirty where its clone had other changes; null: not known, "
        "or of an early version",
    )
    renderer: str
    device: str


class Photographed(Record):
    """What a sample of photographs rests on: whose poses, and what its own pictures say of them."""

    names: Many[str] = Field(
        max_length=MOST_VIEWS, description="of the photographs in their set, in the order of the views"
    )
    form: Literal["colmap", "transforms", "folders", "middlebury", "uco3d"] = Field(
        description="in which the poses came"
    )
    vertical: Literal["given", "gravity", "ring", "level", "ground", "cameras", "unknown"] = Field(
        description="the cue that the vertical is taken from; unknown: the world's z, and all that is "
        "measured against it, "
        "mean nothing"
    )
    subject: Literal["given", "masks", "points"] = Field(description="what the object's place is taken from")
    matches: int = Field(ge=0, description="points that both pictures show, and that fit the poses")
    stated_share: float = Field(ge=0, le=1, description="of the matches that fit the stated motion")
    mirrored_share: float = Field(ge=0, le=1, description="of the matches that fit its mirror image")
    turn_error_deg: float = Field(ge=0, le=180, description="by which grey bands of angles are widened")
    move_error: float = Field(
        ge=0,
        le=10,
        description="by which grey bands of lengths, over the distance to the object, are widened",
    )


class Sample(Record):
    """The json member of a sample; the images are its siblings `KEY.view_0.jpg`, `KEY.view_1.jpg`."""

    object: ObjectRecord
    preset: str
    family: Family
    split: Split
    views: Many[View] = Field(min_length=1, max_length=MOST_VIEWS)
    truth: Truth = Field(description="from the first view to the second")
    decidability: Decidability
    decidability_reversed: Decidability | None = Field(
        default=None, description="from the second view to the first, where that is asked about too"
    )
    seen: Seen = Seen()
    scene: Scene | None = Field(
        default=None, description="of several objects; None: the sample is of a single object"
    )
    proof: Literal["depth", "poses"] = Field(
        default="depth",
        description="what the truth rests on. `poses`: photographs; there is no depth, so no decidability "
        "was measured, and "
        "all of it is 0",
    )
    photographed: Photographed | None = Field(
        default=None, description="of photographs; None: the pictures are rendered"
    )
    questions: Many[Question]
    provenance: Provenance

    @model_validator(mode="after")
    def _numbered(self) -> "Sample":
        """What is counted is there: views, objects of the scene, pixels of pictures."""
        if (self.proof == "poses") != (self.photographed is not None):
            raise ValueError(
                f"proof = {self.proof}: expected poses with `photographed`, and depth without it"
            )
        if self.photographed is not None and len(self.photographed.names) != len(self.views):
            raise ValueError(f"photographed.names: expected one for each of the {len(self.views)} views")
        views = len(self.views)
        if self.scene is not None and len(self.scene.views) != views:
            raise ValueError(f"scene.views: expected one for each of the {views} views")
        for name in ("covisible_fraction", "difference"):
            if {len(rows := getattr(self.seen, name)), *map(len, rows)} not in ({views}, {0}):
                raise ValueError(f"seen.{name}: expected {views} rows of {views} numbers, or none")
        if len(self.seen.other_side) not in (0, views) or len(self.seen.sides) not in (0, views):
            raise ValueError(
                f"seen: other_side, sides: expected one entry for each of the {views} views, or none"
            )
        for number, view in enumerate(self.views):
            if view.object_share <= 0:
                raise ValueError(f"views.{number}.object_share = 0: expected views that show the object")
            if not any(row[3] for row in view.world_from_camera[:3]):
                raise ValueError(f"views.{number}: the camera stands in the middle of what it looks at")
        for number, question in enumerate(self.questions):
            self._check_question(number, question)
        return self

    def _check_question(self, number: int, question: Question) -> None:
        """A question shows views, speaks of objects and marks pixels that are there."""
        views = len(self.views)
        objects = len(self.scene.parts) if self.scene else 0
        if max(question.images) >= views:
            raise ValueError(f"questions.{number}: shows the views {question.images}; the sample has {views}")
        if max(question.parts, default=-1) >= objects:
            raise ValueError(
                f"questions.{number}: speaks of the objects {question.parts}; its scene has {objects}"
            )
        for mark in question.marks:
            width, height = self.views[question.images[mark.image]].size_px
            if not (0 <= mark.x <= width and 0 <= mark.y <= height):
                raise ValueError(
                    f"questions.{number}: a mark at ({mark.x}, {mark.y}); the picture is {width:.0f} x "
                    f"{height:.0f}"
                )

    @property
    def fair_questions(self) -> list[Question]:
        """Those of the balanced subset."""
        return [question for question in self.questions if question.fair]

    @property
    def objects(self) -> list[ObjectRecord]:
        """What the pictures are of: the object, or each object of the scene."""
        return [part.object for part in self.scene.parts] if self.scene else [self.object]

    @property
    def credited(self) -> list[ObjectRecord]:
        """Whom to thank for what the pictures show: objects, and panoramas that surround them."""
        panoramas = {view.panorama.uid: view.panorama for view in self.views if view.panorama is not None}
        return [*self.objects, *panoramas.values()]
