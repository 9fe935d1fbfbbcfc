"""What the supervisor asks of a render process, and what that answers: one JSON object a line, each way.

The one module of this package that the supervisor imports, too. It needs nothing but Python's own library:
the interpreter that renders may lack all of the supervisor's packages, and the supervisor never loads
Blender.

A process first says `Ready`. Then each request gets the answer that is named in it, or `Refusal`. Lengths are
in units of the world, times in seconds, matrices nested lists, row by row; cameras have OpenCV axes (x right,
y down, z forward).
"""

import json
from dataclasses import dataclass, field
from typing import Any

# a record of the supervisor as JSON; which one, and so what is in it, says each field
Record = dict[str, Any]
Matrix = list[list[float]]
# per state of a scene, per object that was loaded, a 4x4; None where it is absent
States = list[list[Matrix | None]]


# --- requests -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NamedView:
    """A view to take, and what its files are to be called."""

    name: str
    planned: Record  # `PlannedView`


@dataclass(frozen=True, kw_only=True)
class Open:
    """Load what the pictures are to show, and forget what was before. Answer: `Opened`."""

    paths: list[str]  # of the object's file, or of those of a scene
    scene: bool  # its objects have no places before `Place`
    out: str  # folder for the pictures
    lights: list[Record]  # `Light`, one or two
    background: Record  # `Background`
    jpeg_quality: int
    pose: str  # of animated files: rest, animation or auto
    cpu_limit_s: float  # what the process may use from here on, until the next object
    # files of panoramas of the user's own, by the names that lights call them
    panoramas: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How large would the scene be with its objects in these places, all states together?

    Answer: `Measured`.
    """

    # the similarity from an object's own axes, in which its radius is 0.5 about the middle of its box
    states: States


@dataclass(frozen=True, kw_only=True)
class Place:
    """Put the objects of the scene in their places. Answer: `Placed`."""

    states: States  # as in `Measure`


@dataclass(frozen=True, kw_only=True)
class Shoot:
    """Take pictures of what is open. Answer: `Shots`."""

    views: list[NamedView]
    size_px: int
    picture: bool  # false: only depth, albedo and the opacity are wanted
    samples: int  # these four are the supervisor's `Quality`
    denoise: bool
    adaptive_threshold: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Leave nothing of the object for the next one to meet. Answer: `Forgot`."""


# --- answers --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Devices:
    """What `python -m render_scenes devices` prints: the GPUs that Cycles does best on."""

    kind: str  # CPU if there are none
    names: list[str]


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The process waits for requests."""

    renderer: str  # for people, with its version
    device: str
    cpu_s: float  # what the start has cost


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The request was not carried out. The process lives on; after `render` it should be replaced."""

    stage: str  # import or render
    reason: str


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """An object that was asked for.

    One of a scene may have a problem, and nothing else; it counts as not there.
    """

    problem: str = ""  # empty: none
    pose: str = ""  # rest, or animation NAME at SECONDS s
    extent: list[float] = field(default_factory=list)  # sides of its bounding box
    # in a scene: how far it goes over the ground from the middle of its box, in equal steps counter-clockwise
    # from +x
    reach: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What was loaded."""

    parts: list[Loaded]  # one for each of the paths
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A ball around the scene."""

    middle: list[float]  # of its bounding box
    radius: float  # from there to the furthest vertex
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where the objects are now."""

    states: States  # as Blender has them
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera as the renderer has it."""

    world_from_camera: Matrix  # 4x4
    intrinsics: Matrix  # 3x3, pixels
    hfov_deg: float


@dataclass(frozen=True, kw_only=True)
class Taken(Camera):
    """One view: its camera, its files, and what is known of its pixels."""

    # left, top, right, bottom of the part that was rendered, in pixels; the last ones are outside
    box: list[int]
    arrays: str  # name of a file with depth and albedo of the box and, of a scene, its object numbers from 1
    image: str  # name of the picture's file; empty if no picture was wanted
    statistics: dict[str, float]  # the supervisor's `Statistics`; without a picture, its opacity alone
    solo: list[int]  # of a scene's picture: per object, its pixels if it were alone
    hidden_by: list[list[int]]  # per object, the numbers of those that hide it, from 0


@dataclass(frozen=True, kw_only=True)
class Shots:
    """The pictures that were taken."""

    views: list[Taken]  # in the order in which they were asked for
    cpu_s: float
    rss_mb: float  # memory of the process


@dataclass(frozen=True, kw_only=True)
class Forgot:
    """The object is gone."""

    # false: something of it is left, or it would take long to remove; the process should be replaced
    clean: bool


Request = Open | Measure | Place | Shoot | Forget
Answer = Opened | Measured | Placed | Shots | Forgot
Message = Request | Answer | Refusal | Ready | Devices

MESSAGES: dict[str, type[Message]] = {
    message.__name__: message
    for message in (
        Open,
        Measure,
        Place,
        Shoot,
        Forget,
        Opened,
        Measured,
        Placed,
        Shots,
        Forgot,
        Refusal,
        Ready,
        Devices,
    )
}
PARTS: dict[
    str, tuple[str, type[NamedView | Loaded | Taken]]
] = {  # fields that are lists of further dataclasses
    "Shoot": ("views", NamedView),
    "Opened": ("parts", Loaded),
    "Shots": ("views", Taken),
}


def encode(message: Message) -> str:
    """One line, without its end."""
    return json.dumps({"message": type(message).__name__, **vars(message)}, default=vars)


def decode(line: str | bytes) -> Message:
    """A line that `encode` wrote.

    Raises:
        ValueError: it is no message, or a message lacks a field or has one too many.
    """
    fields = json.loads(line)
    name = fields.pop("message", None) if isinstance(fields, dict) else None
    message = MESSAGES.get(name) if isinstance(name, str) else None
    if message is None:
        raise ValueError(f"expected one of the messages {', '.join(MESSAGES)}; got {line[:200]!r}")
    try:
        if message.__name__ in PARTS:
            of_parts, part = PARTS[message.__name__]
            fields[of_parts] = [part(**described) for described in fields[of_parts]]
        return message(**fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{message.__name__}: not the fields of this message: {error}") from error
