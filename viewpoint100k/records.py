"""The data that flows between stages. Frozen, checked when built, and the same in memory as on disk."""

from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, model_validator

SCHEMA_VERSION = 5

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

# Records are also read from strangers' files. Numbers have bounds so that no sum, square or ratio of them
# overflows, and no list of bins is as long as they say; a list with a fault is read no further, for each
# fault takes memory.
LARGEST = 1e9  # of lengths, pixels and shares; what lies behind a camera can be projected far away
LONGEST_SIDE_PX = 4096  # of a picture
FARTHEST = 1e4  # from the origin, in world units: an object has the size of one
RIGID_ATOL = 1e-4  # of what was rounded to six digits; who computes with a pose is stricter
MOST_OBJECTS = 7  # of a scene; each may need a letter
MOST_OPTIONS = 10  # of a question; each may need a letter
MOST_VIEWS = 4  # of a sample
LETTER = r"[A-G]"

T = TypeVar("T")
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Degrees = Annotated[float, Field(ge=-360, le=360)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,60}$")]  # of a kind of question
Place = Annotated[int, Field(ge=0, lt=100)]  # in a list
Many = Annotated[list[T], FailFast()]
Row2 = Annotated[list[Number], Field(min_length=2, max_length=2)]
Row3 = Annotated[list[Number], Field(min_length=3, max_length=3)]
Row6 = Annotated[list[Number], Field(min_length=6, max_length=6)]
Row4 = Annotated[list[Number], Field(min_length=4, max_length=4)]
Matrix3 = Annotated[list[Row3], Field(min_length=3, max_length=3)]
Matrix4 = Annotated[list[Row4], Field(min_length=4, max_length=4)]
SHAPE = r"^([0-9a-f]{76})?$"  # 19 numbers of 16 bits
COMMIT = r"^[0-9a-f]{7,64}(-dirty)?$"  # of git


class Record(BaseModel):
    """Immutable; unknown fields are errors, so that a typo in a file is found where it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _rigid(rows: list[list[float]]) -> list[list[float]]:
    """A (4, 4) pose as it is, if it is one.

    In plain Python: an array of sixteen numbers costs more than they do.
    """
    (a, b, c, x), (d, e, f, y), (g, h, i, z), last = rows
    unit = (a * a + d * d + g * g, b * b + e * e + h * h, c * c + f * f + i * i)
    right_angle = (a * b + d * e + g * h, a * c + d * f + g * i, b * c + e * f + h * i)
    off = max(*(abs(one - 1) for one in unit), *(abs(one) for one in right_angle))
    if off > RIGID_ATOL or a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0:
        raise ValueError("is not rigid: expected a rotation, and where it stands")
    if last != [0, 0, 0, 1] or max(abs(x), abs(y), abs(z)) > FARTHEST:
        raise ValueError(
            f"is not a pose: expected a last row of 0, 0, 0, 1, and a place within {FARTHEST:g} of the origin"
        )
    return rows


Pose = Annotated[Matrix4, AfterValidator(_rigid)]


# --- objects -------------------------------------------------------------------------------------


class ObjectRecord(Record):
    """Who an object is and whom to thank for it. Published with every sample."""

    uid: str = Field(
        pattern=r"^[A-Za-z0-9_\-]+$", description="unique in its source; names files, so no dots"
    )
    sha256: str = Field(
        default="", pattern=r"^([0-9a-f]{64})?$", description="of the file; empty until it is fetched"
    )
    category: str = "unknown"
    title: str = ""
    author: str = "unknown"
    licence: str = Field(default="unknown", description="SPDX identifier where the source gives one")
    source_url: str = ""
    pose: str = Field(
        default="",
        description="in which it was rendered: rest, or animation NAME at SECONDS s; empty before that",
    )
    shape: str = Field(
        default="",
        pattern=SHAPE,
        description="moments of its surface, nearly the same for copies however named, textured, turned "
        "about "
        "the vertical or exported: see kinship.py; empty where it cannot be measured",
    )


class SourceObject(Record):
    """An object as its source lists it: the record, where its file is, and what is known of its pose."""

    record: ObjectRecord
    path: str = Field(
        default="", description="the .glb or .gltf file; empty if it is made or fetched when needed"
    )
    front_azimuth_deg: float | None = Field(
        default=None,
        description="azimuth of a camera that looks at the front, counter-clockwise from +X; None: unknown",
    )
    parts: list["SourceObject"] = Field(
        default=[], description="of a scene, which is composed of other objects"
    )
    kin: list[str] = Field(
        default=[], description="names of groups; objects that share one may be the same thing: one split"
    )


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
    """One camera.

    World: right-handed, +Z up, object centred at the origin with bounding radius `OBJECT_RADIUS`.
    """

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


class Panorama(Record):
    """An equirectangular picture of the user's own, which surrounds objects."""

    record: ObjectRecord = Field(description="who made it; its uid is what views call it")
    folder: int = Field(ge=0, description="which entry of render.surroundings it lies in")
    path: str = Field(description="relative to that folder")


class Light(Record):
    """What surrounds the object and lights it, and the lamps that go with it."""

    name: str = Field(
        description="an HDRI that ships inside bpy, a panorama of the user's own, or a procedural place"
    )
    panorama: Panorama | None = Field(default=None, description="of the user's own, if the light is one")
    rotation_deg: float = Field(description="of the HDRI about the vertical")
    strength: float = Field(
        gt=0, description="mean radiance after scaling; surroundings differ by a factor of 50"
    )
    lamps: list[Lamp] = []

    @property
    def label(self) -> str:
        """How it is recorded with a view: the surroundings, and whether the lamps stand still or go along."""
        frames = {lamp.frame for lamp in self.lamps}
        return f"{self.name}/{'camera' if 'camera' in frames else 'world'}"


Backdrop = Literal["hdri", "blurred", "plain", "gradient", "ground", "panorama", "place"]
STANDING: tuple[Backdrop, ...] = ("panorama", "place")  # in these the object stands on a textured surface
Rgb = Annotated[list[int], Field(min_length=3, max_length=3)]
PlaceSort = Literal["table", "room", "yard", "dome"]


class Location(Record):
    """Where the object stands: a surface under it, and things at finite distances around. World units."""

    sort: PlaceSort = Field(description="dome: a panorama projected onto a floor and a dome")
    seed: int = Field(ge=0, lt=2**53, description="everything about a procedural place follows from it")
    metres_per_unit: float = Field(gt=0, description="how large the object is: its longest side has one unit")
    clear_radius: float = Field(gt=0, description="walls and furniture stay so far from the vertical axis")
    clear_height: float = Field(gt=0, description="and the ceiling so far above the origin")


class Background(Record):
    """What is behind the object, as displayed.

    `ground` is a plain colour with the object's shadow on a floor.
    """

    kind: Backdrop
    place: Location | None = Field(default=None, description="of a background in which the object stands")
    rgb: Rgb = [128, 128, 128]
    rgb_below: Rgb = Field(
        default=[128, 128, 128], description="at the lower edge; the same as `rgb` but for a gradient"
    )


class PlannedPair(Record):
    """Two views of a visit, by number, and the motion from the first to the second; or a set of four."""

    first: int
    second: int
    motion: str = Field(
        pattern=r"^([-+0*]{7}|arc|star)$", description="signs, or what a set of views is: motions.py"
    )
    more: list[int] = Field(default=[], description="further views of a set")
    both_orders: bool = Field(
        default=False, description="it is also asked about from the second view to the first"
    )
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
    probes: list[PlannedView] = Field(
        description="all around, small and cheap: what it looks like where no view looks"
    )
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
    world_from_camera: Pose = Field(description="OpenCV camera axes: x right, y down, z forward")
    hfov_deg: float = Field(gt=0, lt=180)
    object_box: Row4 = Field(description="left, top, right, bottom of the object in the picture, in pixels")
    object_share: float = Field(ge=0, le=1, description="of the picture that the object covers")
    light: str = Field(
        description="surroundings / world or camera: whether the lamps stand still or go with the camera"
    )
    background: str = Field(description="hdri, blurred, plain, gradient, ground, panorama or place")
    panorama: ObjectRecord | None = Field(
        default=None, description="the user's own panorama that lights the picture; None: none"
    )

    @property
    def size_px(self) -> tuple[float, float]:
        """Width and height of the picture."""
        return 2 * self.intrinsics[0][2], 2 * self.intrinsics[1][2]

    @model_validator(mode="after")
    def _a_camera(self) -> "View":
        (fx, _, cx), (shear, fy, cy), last = self.intrinsics
        if (
            last != [0, 0, 1]
            or shear
            or not (0.5 <= cx <= LONGEST_SIDE_PX / 2 and 0.5 <= cy <= LONGEST_SIDE_PX / 2)
        ):
            raise ValueError(
                f"intrinsics: expected the middle of a picture of at most {LONGEST_SIDE_PX} px, and a last "
                f"row of 0, 0, 1"
            )
        if not (1e-3 <= fx / cx <= 1e3 and 1e-3 <= fy / cy <= 1e3):
            raise ValueError(f"intrinsics: focal lengths {fx} and {fy}: expected positive ones, in pixels")
        left, top, right, bottom = self.object_box
        if (
            not (left < right and top < bottom) and self.object_share > 0
        ):  # a picture may not show the object at all
            raise ValueError("object_box: expected left < right and top < bottom")
        return self


class Truth(Record):
    """How the camera moved from the first view to the second. Signs: docs/conventions.md."""

    second_from_first: Pose = Field(description="takes points in first-camera axes to second-camera axes")
    translation: Row3 = Field(
        description="of the camera, in first-camera axes, over the distance to the object"
    )
    yaw_deg: Degrees = Field(description="> 0: turned right")
    pitch_deg: Degrees = Field(description="> 0: turned up")
    roll_deg: Degrees = Field(description="> 0: turned clockwise, seen from behind the camera")
    azimuth_change_deg: Degrees = Field(
        description="> 0: counter-clockwise around the object, seen from above"
    )
    elevation_change_deg: Degrees
    distance_ratio: float = Field(gt=1e-6, lt=1e6, description="second distance to the object over the first")
    focal_ratio: float = Field(
        gt=1e-6, lt=1e6, description="second focal length over the first: > 1 zoomed in"
    )
    azimuth_deg: Degrees = Field(
        description="of the first camera about the object, counter-clockwise from +X"
    )
    elevation_deg: Degrees = Field(description="of the first camera about the object")
    rotation_deg: Degrees = Field(description="angle of the whole rotation, about whatever axis")
    covisible_fraction: float = Field(
        ge=0, le=1, description="surface seen in both views over surface seen in either"
    )
    front_azimuth_deg: Number | None = Field(
        description="azimuth of the object's front; None: it has no known front"
    )


class Decidability(Record):
    """How different picture 2 would be under the nearest wrong answer, for each thing that is asked; 0..1."""

    translation: Number = Field(description="sideways")
    vertical: Number
    forward: Number
    rotation: Number = Field(description="yaw")
    pitch: Number
    roll: Number
    azimuth: Number
    elevation: Number
    distance: Number
    perspective: Number = Field(
        description="how far points would be elsewhere, over the object's width, had the lens done what the "
        "camera's way "
        "did, or the other way around"
    )
    chirality: Number = Field(description="how different the object is from its mirror image")


class SurfacePoint(Record):
    """A point of the object's surface, and what the first two views see of it."""

    world: Row3
    pixels: Annotated[list[Row2], Field(min_length=2, max_length=2)] = Field(
        description="where it is in each picture"
    )
    visible: Annotated[list[Visible], Field(min_length=2, max_length=2)] = Field(
        description="`unclear` at outlines, and where the surface is seen at a slant"
    )
    albedo: Row3


class Seen(Record):
    """What depth and albedo tell of a sample's views, beyond their poses; shards keep no depth."""

    covisible_fraction: Many[Many[Number]] = Field(
        default=[], description="(n, n): surface seen in both views over surface seen in either"
    )
    difference: Many[Many[Number]] = Field(
        default=[],
        description="(n, n): how different the object looks to one camera from what another would see, 0..1",
    )
    other_side: Many[Number] = Field(
        default=[],
        description="(n,): how different the object looks to each camera from what one as far to the other "
        "side of the first "
        "would see, 0..1; empty for pairs",
    )
    sides: Many[Row6] = Field(
        default=[],
        description="per view the shares of the object's pixels on its front, back, left, right, top and "
        "bottom; empty "
        "where its front is unknown",
    )
    points: Many[SurfacePoint] = []


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


AnswerForm = Literal["letter", "digit", "word", "json", "number"]
Relation = Literal["left", "right", "closer", "farther"]  # of an object to another, for the camera


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
        objects = len(self.scene.parts) if self.scene else 0
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
            if max(question.images) >= views:
                raise ValueError(
                    f"questions.{number}: shows the views {question.images}; the sample has {views}"
                )
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
        return self

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


OBJECT_RADIUS = 0.5  # of the normalised object, from the middle of its bounding box to its furthest vertex


def matrix(rows: list[list[float]]) -> np.ndarray:
    """A (3, 3) or (4, 4) float64 array from a record's nested lists."""
    return np.asarray(rows, dtype=np.float64)
