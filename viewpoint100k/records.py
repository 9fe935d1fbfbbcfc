"""The data that flows between stages. Frozen, checked when built, and the same in memory as on disk."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 4

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

Colour = Literal["red", "blue", "green", "yellow"]  # of what is drawn into pictures
ObjectColour = Literal[
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "white"
]  # of the surface, whatever light falls on it
EventKind = Literal["moved", "turned", "gone"]  # what a scene's two states differ by; `gone` in one of them
ChangeKind = Literal["moved", "turned", "appeared", "vanished"]
Visible = Literal["yes", "no", "unclear"]

Row2 = Annotated[list[float], Field(min_length=2, max_length=2)]
Row3 = Annotated[list[float], Field(min_length=3, max_length=3)]
Row6 = Annotated[list[float], Field(min_length=6, max_length=6)]
Row4 = Annotated[list[float], Field(min_length=4, max_length=4)]
Matrix3 = Annotated[list[Row3], Field(min_length=3, max_length=3)]
Matrix4 = Annotated[list[Row4], Field(min_length=4, max_length=4)]


class Record(BaseModel):
    """Immutable; unknown fields are errors, so that a typo in a file is found where it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- objects -------------------------------------------------------------------------------------


class ObjectRecord(Record):
    """Who an object is and whom to thank for it. Published with every sample."""

    uid: str = Field(pattern=r"^[A-Za-z0-9_\-]+$", description="unique in its source; names files, so no dots")
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="of the file; empty until it is fetched")
    category: str = "unknown"
    title: str = ""
    author: str = "unknown"
    licence: str = Field(default="unknown", description="SPDX identifier where the source gives one")
    source_url: str = ""


class SourceObject(Record):
    """An object as its source lists it: the record, where its file is, and what is known of its pose."""

    record: ObjectRecord
    path: str = Field(default="", description="the .glb or .gltf file; empty if it is made or fetched when needed")
    front_azimuth_deg: float | None = Field(
        default=None,
        description="azimuth of a camera that looks at the front, counter-clockwise from +X; None: unknown",
    )
    parts: list["SourceObject"] = Field(default=[], description="of a scene, which is composed of other objects")


class Reject(Record):
    """One object or view set that was not used, and why. A row of rejects.jsonl."""

    uid: str
    stage: Literal["list", "check", "fetch", "import", "render", "gate", "annotate"]
    reason: str = Field(description="one line for people")
    detail: str = Field(default="", description="last lines of the render process, where there are any")
    round: int = Field(default=0, description="which view set of the object, counted from 0")
    seconds: float = Field(default=0.0, ge=0, description="how long it was tried")


# --- what is asked of the renderer ------------------------------------------------------------


class PlannedView(Record):
    """One camera. World: right-handed, +Z up, object centred at the origin with bounding radius `OBJECT_RADIUS`."""

    world_from_camera: Matrix4 = Field(description="OpenCV camera axes: x right, y down, z forward")
    hfov_deg: float = Field(gt=1, lt=170)
    light: int = Field(default=0, ge=0, description="which of the view set's lights")
    state: int = Field(default=0, ge=0, le=1, description="of a scene: before or after its event")


class Lamp(Record):
    """A sun. `direction` points from the object to the lamp."""

    direction: Row3
    frame: Literal["world", "camera"] = Field(
        default="world", description="whose axes; a lamp in camera axes (OpenCV) goes with the camera"
    )
    strength: float = Field(ge=0, description="W/m2")
    angle_deg: float = Field(default=5, ge=0, le=90, description="apparent size: larger is softer")


class Light(Record):
    """An HDRI and the lamps that go with it."""

    name: str = Field(description="one of the HDRIs that ship inside bpy")
    rotation_deg: float = Field(description="of the HDRI about the vertical")
    strength: float = Field(gt=0, description="mean radiance after scaling; the HDRIs differ by a factor of 50")
    lamps: list[Lamp] = []

    @property
    def label(self) -> str:
        """How it is recorded with a view: the HDRI, and whether the lamps stand in the world or go with the camera."""
        frames = {lamp.frame for lamp in self.lamps}
        return f"{self.name}/{'camera' if 'camera' in frames else 'world'}"


Backdrop = Literal["hdri", "blurred", "plain", "gradient", "ground"]
Rgb = Annotated[list[int], Field(min_length=3, max_length=3)]


class Background(Record):
    """What is behind the object, as displayed. `ground` is a plain colour with the object's shadow on a floor."""

    kind: Backdrop
    rgb: Rgb = [128, 128, 128]
    rgb_below: Rgb = Field(
        default=[128, 128, 128], description="at the lower edge; the same as `rgb` but for a gradient"
    )


class PlannedPair(Record):
    """Two views of a visit, by their number, and the motion from the first to the second; or a set of four."""

    first: int
    second: int
    motion: str = Field(pattern=r"^([-+0*]{7}|arc|star)$", description="signs, or what a set of views is: motions.py")
    more: list[int] = Field(default=[], description="further views of a set")
    both_orders: bool = Field(default=False, description="it is also asked about from the second view to the first")
    event: EventKind | None = Field(
        default=None, description="what happens in the scene meanwhile, one way or the other"
    )

    @property
    def code(self) -> str:
        """What was wanted: the motion, and the event if there is one."""
        return f"{self.motion}/{self.event}" if self.event else self.motion

    @property
    def views(self) -> list[int]:
        """All views of the sample, in order."""
        return [self.first, self.second, *self.more]


class ScenePlan(Record):
    """How the objects of a scene are to stand in one visit. Lengths are over the scene's radius."""

    seed: int = Field(ge=0)
    gap: float
    largest_over_smallest: float
    event: EventKind | None = None
    move: Row2
    turn_deg: Row2


class ViewSet(Record):
    """All that one visit of the renderer to one object needs. `round` counts the visits."""

    object: SourceObject
    round: int
    views: list[PlannedView]
    probes: list[PlannedView] = Field(description="all around, small and cheap: what it looks like where no view looks")
    pairs: list[PlannedPair]
    lights: Annotated[list[Light], Field(min_length=1)] = Field(
        description="one, or two that take turns over the views"
    )
    background: Background
    scene: ScenePlan | None = Field(default=None, description="of a scene's objects; None: a single object")


# --- what is published ----------------------------------------------------------------------------


class View(Record):
    """One image's camera as read back from the renderer."""

    intrinsics: Matrix3 = Field(description="pixels; pixel (0, 0) covers [0, 1) x [0, 1), so cx = width / 2")
    world_from_camera: Matrix4 = Field(description="OpenCV camera axes: x right, y down, z forward")
    hfov_deg: float
    object_box: Row4 = Field(description="left, top, right, bottom of the object in the picture, in pixels")
    object_share: float = Field(ge=0, le=1, description="of the picture that the object covers")
    light: str = Field(description="HDRI / world or camera: whether the lamps stand still or go with the camera")
    background: str = Field(description="hdri, blurred, plain, gradient or ground")


class Truth(Record):
    """How the camera moved from the first view to the second. Signs: docs/conventions.md."""

    second_from_first: Matrix4 = Field(description="takes points in first-camera axes to second-camera axes")
    translation: Row3 = Field(description="of the camera, in first-camera axes, over the distance to the object")
    yaw_deg: float = Field(description="> 0: turned right")
    pitch_deg: float = Field(description="> 0: turned up")
    roll_deg: float = Field(description="> 0: turned clockwise, seen from behind the camera")
    azimuth_change_deg: float = Field(description="> 0: counter-clockwise around the object, seen from above")
    elevation_change_deg: float
    distance_ratio: float = Field(gt=0, description="second distance to the object over the first")
    focal_ratio: float = Field(gt=0, description="second focal length over the first: > 1 zoomed in")
    azimuth_deg: float = Field(description="of the first camera about the object, counter-clockwise from +X")
    elevation_deg: float = Field(description="of the first camera about the object")
    rotation_deg: float = Field(description="angle of the whole rotation, about whatever axis")
    covisible_fraction: float = Field(ge=0, le=1, description="surface seen in both views over surface seen in either")
    front_azimuth_deg: float | None = Field(description="azimuth of the object's front; None: it has no known front")


class Decidability(Record):
    """How different the second picture would be under the nearest wrong answer, for each thing that is asked; 0..1."""

    translation: float = Field(description="sideways")
    vertical: float
    forward: float
    rotation: float = Field(description="yaw")
    pitch: float
    roll: float
    azimuth: float
    elevation: float
    distance: float
    perspective: float = Field(
        description="how far points would be elsewhere, over the object's width, had the lens done what the camera's way "
        "did, or the other way around"
    )
    chirality: float = Field(description="how different the object is from its mirror image")


class SurfacePoint(Record):
    """A point of the object's surface, and what the first two views see of it."""

    world: Row3
    pixels: Annotated[list[Row2], Field(min_length=2, max_length=2)] = Field(description="where it is in each picture")
    visible: Annotated[list[Visible], Field(min_length=2, max_length=2)] = Field(
        description="`unclear` at outlines, and where the surface is seen at a slant"
    )
    albedo: Row3


class Seen(Record):
    """What depth and albedo tell of a sample's views, beyond their poses; shards keep no depth."""

    covisible_fraction: list[list[float]] = Field(
        default=[], description="(n, n): surface seen in both views over surface seen in either"
    )
    difference: list[list[float]] = Field(
        default=[], description="(n, n): how different the object looks to one camera from what another would see, 0..1"
    )
    other_side: list[float] = Field(
        default=[],
        description="(n,): how different the object looks to each camera from what one as far to the other side of the first "
        "would see, 0..1; empty for pairs",
    )
    sides: list[Row6] = Field(
        default=[],
        description="per view the shares of the object's pixels on its front, back, left, right, top and bottom; empty "
        "where its front is unknown",
    )
    points: list[SurfacePoint] = []


class Mark(Record):
    """A dot or a letter to be drawn into one of a question's pictures when it is shown."""

    image: int = Field(description="place among the question's pictures")
    x: float = Field(description="pixels")
    y: float
    colour: Colour
    letter: str = Field(
        default="", pattern=r"^[A-Z]?$", description="drawn in place of a dot: names an object of a scene"
    )


class MapCamera(Record):
    """A camera on the map of a question: a further picture, seen from above, the first camera at its lower edge."""

    azimuth_deg: float = Field(description="around the object from the first camera, counter-clockwise from above")
    colour: Colour


AnswerForm = Literal["letter", "digit", "word", "json", "number"]


class Question(Record):
    id: str
    type: str
    tier: str
    frame: str = Field(description="whose left and right the words mean")
    images: list[int] = Field(description="which of the sample's views the question shows, in this order")
    prompt: str
    options: list[str] = Field(description="empty where a number is asked for")
    answer_index: int = Field(description="of the right option; -1 where a number is asked for")
    answer: str = Field(description="what the model should write")
    answer_form: AnswerForm = Field(description="how: a letter, the option's number, its words, JSON, or a number")
    value: float | None = Field(default=None, description="the right number, where one is asked for")
    marks: list[Mark] = Field(default=[], description="dots in copies of the pictures: drawing.py")
    mirrored: list[int] = Field(default=[], description="places of the pictures that are shown as in a mirror")
    map_cameras: list[MapCamera] = Field(default=[], description="of a map that is shown as a further picture")
    parts: list[int] = Field(
        default=[], description="objects of the scene that it speaks of, by their number, in order"
    )
    template: str
    margin: float = Field(description="distance from the nearest other answer, in grey bands; at least 1 when asked")
    decidability: float = Field(description="how different the picture would be if the nearest wrong answer were true")
    chain_of_thought: str | None = None


class Provenance(Record):
    seed: int
    config_hash: str
    code_version: str
    renderer: str
    device: str


class ScenePart(Record):
    """An object of a scene: who it is, what it is called, and where it stands.

    Its box has axes of its own: +z is up, the origin is in the middle of the box's base, on the ground. World units: the
    whole scene has the radius `OBJECT_RADIUS` about the origin, as a single object has.
    """

    object: ObjectRecord
    letter: str = Field(pattern=r"^[A-Z]$", description="of the label that may be drawn beside it; A, B, ... in order")
    name: str = Field(
        description='words that fit no other object of the scene, with "the": by its noun, by colour and noun, or "the object '
        'marked A" where such words do not exist; then the picture must show the letters'
    )
    named_by: Literal["noun", "colour", "letter"] = Field(description="what `name` rests on")
    noun: str = Field(description="what its category is called, without article; empty: nothing that people would know")
    colour: ObjectColour | None = Field(description="of nearly all of what is seen of it; None: it has no one colour")
    size: Row3 = Field(description="sides of its box along its own axes, in world units; size[2] is its height")
    front_azimuth_deg: float | None = Field(
        description="where its front faces in its own axes, counter-clockwise from its +x; None: it has no known front"
    )
    present: list[bool] = Field(description="whether it is there, per state of the scene")
    world_from_object: list[Matrix4] = Field(
        description="rigid, per state: from the axes of its box to the world; where it is absent, where it would stand"
    )


class PartSeen(Record):
    """What one picture shows of one object of a scene. From the renderer's index and depth at pixel centres."""

    pixels: int = Field(ge=0, description="in which it is seen; 0 where it is absent")
    solo_pixels: int = Field(ge=0, description="in which it would be seen if it were alone; 0 where it is absent")
    visible_fraction: float = Field(ge=0, le=1, description="`pixels` over `solo_pixels`; 0 where there are none")
    box: Row4 | None = Field(description="left, top, right, bottom of those pixels; None: no pixel")
    full_box: Row4 = Field(
        description="the same of its 3D box's corners, projected: also what is hidden, and never smaller than `box`"
    )
    centre_pixel: Row2 = Field(description="where the middle of its 3D box is in the picture, hidden or not")
    base_pixel: Row2 = Field(description="where the middle of its base is, on the ground")
    depth: float = Field(description="of the middle of its 3D box along the line of sight (camera z), in world units")
    depth_range: Row2 | None = Field(description="least and greatest camera z of the pixels in which it is seen")
    hidden_by: list[int] = Field(description="objects that hide a twentieth of `solo_pixels` or more, by their number")
    cut: bool = Field(description="whether it reaches the edge of the picture")
    referable: bool = Field(description="whether it may be spoken of: enough pixels, little enough hidden, not cut")


class SceneView(Record):
    """What one picture shows of a scene."""

    state: int = Field(ge=0, le=1, description="of the scene when the picture was taken; that of the first view is 0")
    parts: list[PartSeen] = Field(description="one for each of the scene's parts, in their order")


class SceneChange(Record):
    """What is different in state 1, compared with state 0, so from the first view to the second."""

    part: int = Field(ge=0, description="number of the one object that changes")
    kind: ChangeKind
    distance: float = Field(ge=0, description="between both places, over the scene's radius; 0 unless moved")
    turn_deg: float = Field(description="> 0: counter-clockwise, seen from above; 0 unless turned")
    difference: float = Field(
        ge=0, le=1, description="how different the object looks in the second picture from what no change would show"
    )


class Scene(Record):
    """Several objects on level ground: where they are, and what each picture shows of each."""

    ground: float = Field(description="height (world z) of the ground, which all objects stand on")
    parts: list[ScenePart]
    views: list[SceneView] = Field(description="one for each of the sample's views, in their order")
    change: SceneChange | None = Field(description="None: there is one state, and all views are of it")


class Sample(Record):
    """The json member of a sample; the images are its siblings `KEY.view_0.jpg`, `KEY.view_1.jpg`."""

    object: ObjectRecord
    preset: str
    family: str
    split: str
    views: list[View]
    truth: Truth = Field(description="from the first view to the second")
    decidability: Decidability
    decidability_reversed: Decidability | None = Field(
        default=None, description="from the second view to the first, where that is asked about too"
    )
    seen: Seen = Seen()
    scene: Scene | None = Field(default=None, description="of several objects; None: the sample is of a single object")
    questions: list[Question]
    provenance: Provenance

    @property
    def objects(self) -> list[ObjectRecord]:
        """Whom to thank for what the pictures show: the object, or each object of the scene."""
        return [part.object for part in self.scene.parts] if self.scene else [self.object]


OBJECT_RADIUS = 0.5  # of the normalised object, from the middle of its bounding box to its furthest vertex


def matrix(rows: list[list[float]]) -> np.ndarray:
    """A (3, 3) or (4, 4) float64 array from a record's nested lists."""
    return np.asarray(rows, dtype=np.float64)
