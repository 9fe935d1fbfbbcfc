"""Scenes of several objects: who stands where, what each picture shows, and what changes."""

from typing import Literal

from pydantic import Field, model_validator

from viewpoint100k.records.base import (
    LETTER,
    LONGEST_SIDE_PX,
    MOST_OBJECTS,
    Degrees,
    Many,
    Number,
    Place,
    Pose,
    Record,
    Row2,
    Row3,
    Row4,
)
from viewpoint100k.records.objects import ObjectRecord

ObjectColour = Literal[
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "white"
]  # of the surface, whatever light falls on it
ChangeKind = Literal["moved", "turned", "appeared", "vanished"]


class ScenePart(Record):
    """An object of a scene: who it is, what it is called, and where it stands.

    Its box has axes of its own: +z is up, the origin is in the middle of the box's base, on the ground. World
    units: the whole scene has the radius `OBJECT_RADIUS` about the origin, as a single object has.
    """

    object: ObjectRecord
    letter: str = Field(
        pattern=f"^{LETTER}$", description="of the label that may be drawn beside it; A, B, ... in order"
    )
    name: str = Field(
        description='words that fit no other object of the scene, with "the": by its noun, by colour and '
        'noun, or "the object '
        'marked A" where such words do not exist; then the picture must show the letters'
    )
    named_by: Literal["noun", "colour", "letter"] = Field(description="what `name` rests on")
    noun: str = Field(
        description="what its category is called, without article; empty: nothing that people would know"
    )
    colour: ObjectColour | None = Field(
        description="of nearly all of what is seen of it; None: it has no one colour"
    )
    size: Row3 = Field(
        description="sides of its box along its own axes, in world units; size[2] is its height"
    )
    front_azimuth_deg: Number | None = Field(
        description="where its front faces in its own axes, counter-clockwise from its +x; None: it has no "
        "known front"
    )
    present: Many[bool] = Field(
        min_length=1, max_length=2, description="whether it is there, per state of the scene"
    )
    world_from_object: Many[Pose] = Field(
        min_length=1,
        max_length=2,
        description="rigid, per state: from the axes of its box to the world; where it is absent, where it "
        "would stand",
    )


class PartSeen(Record):
    """What one picture shows of one object of a scene.

    From the renderer's index and depth at pixel centres.
    """

    pixels: int = Field(ge=0, le=LONGEST_SIDE_PX**2, description="in which it is seen; 0 where it is absent")
    solo_pixels: int = Field(
        ge=0,
        le=LONGEST_SIDE_PX**2,
        description="in which it would be seen if it were alone; 0 where it is absent",
    )
    visible_fraction: float = Field(
        ge=0, le=1, description="`pixels` over `solo_pixels`; 0 where there are none"
    )
    box: Row4 | None = Field(description="left, top, right, bottom of those pixels; None: no pixel")
    full_box: Row4 = Field(
        description="the same of its 3D box's corners, projected: also what is hidden, and never smaller "
        "than `box`"
    )
    centre_pixel: Row2 = Field(description="where the middle of its 3D box is in the picture, hidden or not")
    base_pixel: Row2 = Field(description="where the middle of its base is, on the ground")
    depth: Number = Field(
        description="of the middle of its 3D box along the line of sight (camera z), in world units"
    )
    depth_range: Row2 | None = Field(
        description="least and greatest camera z of the pixels in which it is seen"
    )
    hidden_by: Many[Place] = Field(
        description="objects that hide a twentieth of `solo_pixels` or more, by their number"
    )
    cut: bool = Field(description="whether it reaches the edge of the picture")
    referable: bool = Field(
        description="whether it may be spoken of: enough pixels, little enough hidden, not cut"
    )


class SceneView(Record):
    """What one picture shows of a scene."""

    state: int = Field(
        ge=0, le=1, description="of the scene when the picture was taken; that of the first view is 0"
    )
    parts: Many[PartSeen] = Field(description="one for each of the scene's parts, in their order")


class SceneChange(Record):
    """What is different in state 1, compared with state 0, so from the first view to the second."""

    part: Place = Field(description="number of the one object that changes")
    kind: ChangeKind
    distance: Number = Field(ge=0, description="between both places, over the scene's radius; 0 unless moved")
    turn_deg: Degrees = Field(description="> 0: counter-clockwise, seen from above; 0 unless turned")
    difference: float = Field(
        ge=0,
        le=1,
        description="how different the object looks in the second picture from what no change would show",
    )


class Scene(Record):
    """Several objects on level ground: where they are, and what each picture shows of each."""

    ground: Number = Field(description="height (world z) of the ground, which all objects stand on")
    parts: Many[ScenePart] = Field(min_length=1, max_length=MOST_OBJECTS)
    views: Many[SceneView] = Field(description="one for each of the sample's views, in their order")
    change: SceneChange | None = Field(description="None: there is one state, and all views are of it")

    @model_validator(mode="after")
    def _numbered(self) -> "Scene":
        count = len(self.parts)
        states = {len(part.present) for part in self.parts}
        if len(states | {len(part.world_from_object) for part in self.parts}) != 1:
            raise ValueError(
                "parts: expected as many states of each object as of the others, and a pose in each"
            )
        for number, view in enumerate(self.views):
            if len(view.parts) != count or view.state >= min(states):
                raise ValueError(
                    f"views.{number}: expected one entry for each of the {count} objects, and one of "
                    f"{min(states)} states"
                )
            if any(other >= count for part in view.parts for other in part.hidden_by):
                raise ValueError(f"views.{number}: hidden_by: expected 0 to {count - 1}")
        if self.change is not None and self.change.part >= count:
            raise ValueError(f"change.part = {self.change.part}: expected 0 to {count - 1}")
        return self
