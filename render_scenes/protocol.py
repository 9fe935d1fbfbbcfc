"""Messages between the supervisor and a render process: one JSON object per line in each direction.

This is the only module of the package that the supervisor imports as well. It needs only the standard
library, because the interpreter that renders may lack the supervisor's packages, and the supervisor never
loads Blender.

A process first sends `Ready`. Each request is then answered by the message that its class names, or by a
`Refusal`. Lengths are in world units, times in seconds, matrices are nested lists, row by row, and cameras
have OpenCV axes (x right, y down, z forward).
"""

import json
from dataclasses import dataclass, field
from typing import Any

# a record of the supervisor as JSON; the comment at each field names its class
Record = dict[str, Any]
Matrix = list[list[float]]
# a 4x4 matrix for each state of a scene and each loaded object; None where the object is absent
States = list[list[Matrix | None]]


# --- requests -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NamedView:
    """A view to take, and the name of its files."""

    name: str
    planned: Record  # `PlannedView`


@dataclass(frozen=True, kw_only=True)
class Open:
    """Load an object or a scene, and forget the previous one. Answer: `Opened`."""

    paths: list[str]  # path of the object's file, or those of a scene's objects
    scene: bool  # whether it is a scene, whose objects have no places before `Place`
    out: str  # folder for the pictures
    lights: list[Record]  # `Light`, one or two
    background: Record  # `Background`
    jpeg_quality: int
    pose: str  # for animated files: rest, animation or auto
    cpu_limit_s: float  # CPU time that the process may use from here until the next object
    # files of the user's own panoramas, by the names that lights use
    panoramas: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Measure the scene with its objects in these places, over all states.

    Answer: `Measured`.
    """

    # similarities to the world from an object's own axes, in which its radius is 0.5 about its box's centre
    states: States


@dataclass(frozen=True, kw_only=True)
class Place:
    """Put the objects of the scene in their places. Answer: `Placed`."""

    states: States  # as in `Measure`


@dataclass(frozen=True, kw_only=True)
class Shoot:
    """Take pictures of the open object or scene. Answer: `Shots`."""

    views: list[NamedView]
    size_px: int
    picture: bool  # false: only depth, albedo and opacity are wanted
    samples: int  # these four are the supervisor's `Quality`
    denoise: bool
    adaptive_threshold: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Remove every trace of the object before the next one. Answer: `Forgot`."""


# --- answers --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Devices:
    """What `python -m render_scenes devices` prints: the GPUs of the fastest kind that Cycles can use."""

    kind: str  # CPU if there are no GPUs
    names: list[str]


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The process waits for requests."""

    renderer: str  # name and version, for people
    device: str
    cpu_s: float  # CPU time that the start has cost


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The request was not carried out. The process lives on; after `render` it should be replaced."""

    stage: str  # import or render
    reason: str


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """An object that was requested.

    An object of a scene may have a problem and no other fields; it is then left out of the scene.
    """

    problem: str = ""  # empty: none
    pose: str = ""  # rest, or animation NAME at SECONDS s
    extent: list[float] = field(default_factory=list)  # sides of its bounding box
    # in a scene: how far it extends horizontally from the middle of its box, in equal angular steps
    # counter-clockwise from +x
    reach: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The loaded objects."""

    parts: list[Loaded]  # one for each of the paths
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A sphere around the scene."""

    middle: list[float]  # of its bounding box
    radius: float  # from there to the furthest vertex
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where the objects are now."""

    states: States  # read back from Blender
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera as read back from the renderer."""

    world_from_camera: Matrix  # 4x4
    intrinsics: Matrix  # 3x3, pixels
    hfov_deg: float


@dataclass(frozen=True, kw_only=True)
class Taken(Camera):
    """One view: its camera, its files and the statistics of its pixels."""

    # left, top, right, bottom of the rendered part, in pixels; right and bottom are exclusive
    box: list[int]
    arrays: str  # name of a file with the box's depth and albedo and, for a scene, its object numbers from 1
    image: str  # name of the picture's file; empty if no picture was wanted
    statistics: dict[str, float]  # the supervisor's `Statistics`; without a picture, only its opacity
    solo: list[int]  # for a scene: the pixels that each object would have if it were alone
    hidden_by: list[list[int]]  # for each object, the numbers of those that hide it, from 0


@dataclass(frozen=True, kw_only=True)
class Shots:
    """The pictures that were taken."""

    views: list[Taken]  # in the order of the request
    cpu_s: float
    rss_mb: float  # memory of the process


@dataclass(frozen=True, kw_only=True)
class Forgot:
    """The object was removed."""

    # false: something is left, or removal would take too long; the process should be replaced
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
    """The message as one line, without a line break."""
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
