"""What the renderer is asked for: cameras, lights, backgrounds, and which views make a pair."""

from typing import Annotated, Literal

from pydantic import Field

from viewpoint100k.records.base import Matrix4, Record, Row2, Row3
from viewpoint100k.records.objects import ObjectRecord, SourceObject

EventKind = Literal["moved", "turned", "gone"]  # what a scene's two states differ by; `gone` in one of them
Backdrop = Literal["hdri", "blurred", "plain", "gradient", "ground", "panorama", "place"]
STANDING: tuple[Backdrop, ...] = ("panorama", "place")  # in these the object stands on a textured surface
Rgb = Annotated[list[int], Field(min_length=3, max_length=3)]
PlaceSort = Literal["table", "room", "yard", "dome"]


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
    lamps: list[Lamp] = Field(default=[])

    @property
    def label(self) -> str:
        """How it is recorded with a view: the surroundings, and whether the lamps stand still or go along."""
        frames = {lamp.frame for lamp in self.lamps}
        return f"{self.name}/{'camera' if 'camera' in frames else 'world'}"


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
    rgb: Rgb = Field(default=[128, 128, 128])
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
