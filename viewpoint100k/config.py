"""Every setting, with its unit and the reason for its default; presets and overrides.

A preset is a YAML file that holds only what differs from the defaults here; `--set plan.pairs_per_object=6`
overrides one field. The resolved copy is written into the run folder and is what later stages read.
`docs/settings.md` is written from the descriptions here, by `python docs/settings.py`.

A dataset's manifest holds every setting, and unknown names are refused. So a setting that is taken away makes
each dataset that was made before unreadable for `requestion` and `reproduce`.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from viewpoint100k.errors import InputError
from viewpoint100k.records import Record

T = TypeVar("T")
BUNDLED = "bundled:"  # the surroundings that ship inside bpy
ENDS = (".low", ".high")  # of a range
RELEASED_WITH = "released_with"  # in the file of a preset: the renderer that it was released with
ALIKE_BESIDE, ALIKE_ELSEWHERE = 0.65, 0.8  # names that may mean the same, as difflib compares them


def setting(
    default: T,
    unit: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> T:
    """A field of a section. The docstring below it becomes its description: what it does, then why this default.

    Args:
        unit: what the value counts or measures, for the settings page.
    """
    # not `Field` itself, which claims to be of any type: so the checker compares the default with the field's
    # own
    field: T = Field(default=default, json_schema_extra={"unit": unit}, ge=ge, gt=gt, le=le, lt=lt)
    return field


class Section(Record):
    """Settings that belong together. The docstring below a field is its description."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Range(Record):
    """An interval to draw from uniformly, or the two edges of a grey band."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low > self.high:
            raise ValueError(f"low = {self.low} is above high = {self.high}")
        return self


class Within(NamedTuple):
    """What both ends of a range must lie within."""

    least: float
    most: float

    def __call__(self, value: Range) -> Range:
        if value.low < self.least or value.high > self.most:
            raise ValueError(f"expected low and high from {self.least:g} to {self.most:g}")
        return value


Turn = Annotated[Range, AfterValidator(Within(0, 180))]  # degrees
Slope = Annotated[Range, AfterValidator(Within(-89, 89))]  # degrees against the horizontal
FieldOfView = Annotated[Range, AfterValidator(Within(1, 170))]  # degrees
HalfAngle = Annotated[Range, AfterValidator(Within(0.5, 80))]  # degrees
Share = Annotated[Range, AfterValidator(Within(0, 1))]
InnerShare = Annotated[
    Range, AfterValidator(Within(0.001, 0.999))
]  # margins divide by it, and by what it leaves
Step = Annotated[Range, AfterValidator(Within(0, 10))]  # over a distance
Ratio = Annotated[Range, AfterValidator(Within(1, 10))]


def _listed(value: Any) -> Any:
    """One name, or a list of them, as a list."""
    return [value] if isinstance(value, str) else value


class FileBudgets(Section):
    """Limits on an object file, checked by our own reader before Blender sees it.

    A file over one of them is refused.
    """

    max_bytes: int = setting(512 << 20, "bytes", gt=0)
    """Size of the file with the files it refers to; also of all that its buffers, and all that its images, expand
    to. 512 MiB leaves a worker enough memory to render it."""
    max_json_bytes: int = setting(64 << 20, "bytes", gt=0)
    """Size of the file's JSON part. Real objects have kilobytes; far more would only exhaust the parser's
    memory."""
    max_json_values: int = setting(2_000_000, "values", gt=0)
    """Values in the JSON part. Each costs the parser at least 100 bytes of memory, so the default allows 200 MB
    and more."""
    max_json_depth: int = setting(64, "levels", gt=0)
    """How deeply the JSON may be nested. Real files are shallow; deep nesting is an attack on the parser."""
    max_triangles: int = setting(4_000_000, "triangles", gt=0)
    """Triangles, with every instance counted. The renderer's search tree for the default takes at most 1 GB."""
    max_vertices: int = setting(32_000_000, "vertices", gt=0)
    """Vertices, with every instance and every morph target counted. It is eight times the number of triangles,
    because each morph target is a copy of its mesh."""
    max_primitives: int = setting(20_000, "primitives", gt=0)
    """Primitives of all meshes: the pieces that have one material each. Blender joins those of a mesh one by one,
    which is slow for many."""
    max_nodes: int = setting(5_000, "nodes", gt=0)
    """Nodes, instances included. Each becomes a Blender object and costs 0.2 ms in every view; with many more, an
    import takes minutes."""
    max_node_depth: int = setting(256, "levels", gt=0)
    """How deeply nodes may be nested. Blender follows parents by recursion, which fails on very long chains."""
    max_images: int = setting(1000, "images", gt=0)
    """Images that textures use. Far above real objects, and low enough that a file cannot make us open images
    without end."""
    max_texture_pixels: int = setting(8192 * 8192, "pixels", gt=0)
    """Width times height of one image, read from its header before it is decoded. The default is 8192 x 8192, the
    largest size in common use."""
    max_total_texture_pixels: int = setting(4 * 8192 * 8192, "pixels", gt=0)
    """Pixels of all images together. The default is four of the largest: 1 GB as 8-bit RGBA."""
    max_panorama_pixels: int = setting(8192 * 4096, "pixels", gt=0)
    """Width times height of a panorama of your own, read from its header before it is decoded. The default is
    8192 x 4096: 400 MB while it is read, and far more than a picture of 512 pixels shows of it."""


Trait = Literal[
    "scene", "transparent", "single_color", "multi_object", "figure"
]  # as Objaverse++ labels them
Letters = Annotated[str, Field(min_length=1, max_length=200)]
MOST_STEPS = 100  # in which a dataset may have grown
TABLES = (".txt", ".csv", ".json", ".parquet")
LISTS = ("uids", "exclude", "quality", "groups")  # settings of `objects` that name a file


class ObjectsConfig(Section):
    """Which objects of a source are used. docs/objects.md has examples.

    A file that is named here is a .txt (one uid a line), .csv, .json or .parquet with a column `uid`. The plan
    records what was chosen, and a hash of it.
    """

    uids: str | None = setting(None, "path")
    """Use only the objects whose uids are in this file. null: all that the source has."""
    exclude: str | None = setting(None, "path")
    """Leave out the objects whose uids are in this file. null: none."""
    categories: list[Letters] | None = setting(None, "list of names")
    """Use only these categories: LVIS's or Sketchfab's, or those of a folder's manifest. null: all."""
    without_categories: list[Letters] = setting([], "list of names")
    """Leave out objects of these categories. None by default: what to leave out is a matter of taste."""
    tags: list[Letters] | None = setting(None, "list of names")
    """Use only objects of Objaverse with at least one of these tags. null: all."""
    without_tags: list[Letters] = setting([], "list of names")
    """Leave out objects of Objaverse with one of these tags. None by default, for tags are as people typed them."""
    authors: list[Letters] | None = setting(None, "list of names")
    """Use only objects of these authors. null: of all."""
    without_authors: list[Letters] = setting([], "list of names")
    """Leave out objects of these authors. None by default: an author may have asked you for it."""
    min_faces: int | None = setting(None, "faces", ge=0)
    """Fewest faces of an object of Objaverse, as its annotation counts them. null: no limit."""
    max_faces: int | None = setting(None, "faces", ge=0)
    """Most faces of an object of Objaverse. null: only `files.max_triangles` applies, when the file is here."""
    min_likes: int = setting(0, "likes", ge=0)
    """Fewest likes of an object of Objaverse. 0: all; a like says that somebody looked and was pleased."""
    min_views: int = setting(0, "views", ge=0)
    """How often an object of Objaverse must have been looked at. 0: all."""
    animated: bool | None = setting(None, "yes or no")
    """Use only objects of Objaverse that have animations (true), or that have none (false). null: both, since
    `render.pose` finds a pose for animated ones."""
    age_restricted: bool = setting(False, "yes or no")
    """Also use objects of Objaverse that Sketchfab shows to adults only. Left out by default, because datasets
    are published."""
    quality: str | None = setting(None, "path or Hub id")
    """Table of quality labels in the layout of Objaverse++: a file, or a dataset on the Hub such as
    cindyxl/ObjaversePlusPlus. Objects that it does not list are left out. null: none is read."""
    min_quality: int = setting(0, "score, 0 to 3", ge=0, le=3)
    """Lowest score in the table that `quality` names: 0 low, 1 medium, 2 high, 3 superior. 0: all."""
    without_traits: list[Trait] = setting([], "list of names")
    """Leave out objects with one of these traits in the table that `quality` names. None by default."""
    groups: str | None = setting(None, "path")
    """File with columns `uid` and `group`: objects of one group are taken for the same one, uploaded again.
    `objects groups` writes it. null: what looks the same by names and counts stays in one split."""
    duplicates: Literal["one", "together"] = setting("one", "name")
    """Of objects of the same shape, use the first (`one`), or all in one split (`together`). `one`, because a
    copy adds no variety; `together` for variants in colour, whose shape is the same."""
    category_share: float | None = setting(None, "share of the objects", gt=0, le=1)
    """Most objects of one category, over all objects of the run. null: as the source has them. 0.01 to 0.05 keeps
    a dataset of Objaverse from being chairs and characters."""

    @model_validator(mode="after")
    def _consistent(self) -> "ObjectsConfig":
        if self.quality is None and (self.min_quality or self.without_traits):
            raise ValueError("min_quality and without_traits need a table: set objects.quality as well")
        if None not in (self.min_faces, self.max_faces) and self.min_faces > self.max_faces:  # type: ignore[operator]
            raise ValueError(f"min_faces = {self.min_faces} is above max_faces = {self.max_faces}")
        return self


class MotionShares(Section):
    """In what share of the pairs the camera does what.

    Each is drawn independently, so that none answers for another.
    """

    right: float = setting(0.85, "share of pairs", ge=0, le=1)
    """The camera moves sideways, to the right as often as to the left. High, like `yaw`: only a camera that both
    moves and turns can shift the object against what one would expect."""
    up: float = setting(0.65, "share of pairs", ge=0, le=1)
    """The camera moves up or down. High, like `pitch`: only a camera that does both can shift the object up or
    down against what one would expect."""
    forward: float = setting(0.5, "share of pairs", ge=0, le=1)
    """The camera moves forward or back. In half of the pairs, so that it is as likely as not."""
    yaw: float = setting(0.85, "share of pairs", ge=0, le=1)
    """The camera turns left or right. High for the reason given at `right`."""
    pitch: float = setting(0.65, "share of pairs", ge=0, le=1)
    """The camera tilts up or down. High for the reason given at `up`."""
    roll: float = setting(0.35, "share of pairs", ge=0, le=1)
    """The camera rolls about its line of sight. In about a third of the pairs: enough to ask about, while most
    pictures stay upright."""
    zoom: float = setting(0.4, "share of pairs", ge=0, le=1)
    """The second picture is taken through another lens. The question states both lenses, and often enough for
    them not to tell where the camera went."""
    orbits: float = setting(0, "share of pairs", ge=0, le=1)
    """Plain orbits around the object, in place of all the above. None by default: in an orbit, moving sideways
    and turning always go together, so that one answers for the other."""


class ScenesConfig(Section):
    """How scenes of several objects are composed. Lengths are over the scene's radius.

    In the preset `scenes`.
    """

    fewest: int = setting(3, "objects", ge=2, le=7)
    """Fewest objects in a scene. With two, there is nothing to compare a third with."""
    most: int = setting(6, "objects", ge=2, le=7)
    """Most objects in a scene. More hide each other and become small in the picture."""
    gap: float = setting(0.05, "scene radii", ge=0.01, le=0.5)
    """Least distance between the outlines of any two objects on the ground. Small but visible, so that objects
    never touch."""
    largest_over_smallest: float = setting(2.0, "ratio", ge=1, le=4)
    """Largest size over smallest in a scene. True ratios are compressed into this, so that a mug can be seen
    beside a car."""
    events: float = setting(0.0, "share of pairs", ge=0, le=1)
    """One object moves, turns, appears or vanishes between the two views. None unless asked for; the preset
    `scenes` asks for it."""
    still_events: float = setting(0.5, "share of pairs with an event", ge=0, le=1)
    """The camera stays where it is while something happens. In half of them, so that an event does not tell
    whether the camera moved."""
    still: float = setting(0.1, "share of pairs without an event", ge=0, le=1)
    """Nothing happens at all and the camera stays. Some such pairs are needed for the answer that nothing changed
    to be true at times."""
    move: Step = setting(Range(low=0.25, high=0.7), "scene radii")
    """How far an object moves in an event. Questions need 0.15; the default is clearly more."""
    turn_deg: Turn = setting(Range(low=40, high=140), "degrees")
    """How far an object turns about the vertical in an event. Questions need 25; the default is clearly more."""

    @model_validator(mode="after")
    def _ordered(self) -> "ScenesConfig":
        if self.fewest > self.most:
            raise ValueError(f"fewest = {self.fewest} is above most = {self.most}")
        return self


class PlanConfig(Section):
    """Which cameras look at each object, and how pairs are made of them."""

    pairs_per_object: int | None = setting(None, "pairs", ge=1, le=60)
    """Pairs made in one visit to an object. null: 6 for a scene; 12 for objects that are downloaded, since each
    costs time; and for a folder 4 to 12, so that all its objects are used."""
    sets: bool = setting(False, "yes or no")
    """Make samples of four views, in arcs and stars around the object, instead of pairs. They have questions of
    their own; the preset `viewpoint-sets` turns this on."""
    scenes: ScenesConfig | None = setting(None, "section")
    """Put several objects together in each picture, as the section `plan.scenes` says. null: each object by
    itself. The preset `scenes` turns this on."""
    both_orders: float = setting(0.1, "share of pairs", ge=0, le=1)
    """The pair is also asked about from the second view to the first. A tenth suffices to measure whether a model
    answers consistently, and costs few near-duplicates."""
    pairs_per_view: int = setting(4, "pairs", ge=1)
    """Most pairs that share a view, counting a pair in both orders twice. Shared views save rendering; more would
    repeat the same pictures too often."""
    motions: MotionShares = MotionShares()
    orbit_deg: Turn = setting(Range(low=20, high=100), "degrees")
    """How far around the object a camera goes that keeps turning back to it. The default is that of the paper."""
    move: Step = setting(Range(low=0.265, high=0.34), "distances to the object")
    """How far a camera moves sideways or vertically without an orbit. Questions need 0.25 (`gates.truck_grey`);
    more would move the object out of the picture."""
    dolly: Step = setting(Range(low=0.17, high=0.26), "distances to the object")
    """How far a camera moves forward or back. Questions need 0.15 (`gates.dolly_grey`); more would let the
    object's size alone tell the answer."""
    pan_deg: Turn = setting(Range(low=10.5, high=14), "degrees")
    """How far a camera turns left or right without an orbit. Questions need 10 (`gates.yaw_grey_deg`); more would
    turn the object out of the picture."""
    tilt_deg: Turn = setting(Range(low=8.5, high=12), "degrees")
    """How far a camera tilts up or down. Questions need 8 (`gates.tilt_grey_deg`); more would tilt the object out
    of the picture."""
    roll_deg: Turn = setting(Range(low=9, high=20), "degrees")
    """How far a camera rolls. Questions need 8 (`gates.tilt_grey_deg`); a roll hardly moves the object, so it may
    be larger than a tilt."""
    zoom: Ratio = setting(Range(low=1.4, high=1.7), "ratio of focal lengths")
    """How much longer or shorter the other lens is. It changes the object's size by more than a move forward
    does, so that growth does not tell one from the other."""
    still_deg: float = setting(0.5, "degrees", ge=0, le=1)
    """Largest turn of a camera that is meant not to turn. Too small to see, and half of what questions still
    count as none (`gates.yaw_grey_deg`)."""
    elevation_deg: Slope = setting(Range(low=6, high=38), "degrees above the horizontal")
    """From how high the first camera looks at the object. Lower, no top can be seen; higher, left and right lose
    their meaning."""
    lowest_deg: float = setting(-8.0, "degrees above the horizontal", ge=-60, le=30)
    """How low a motion may lead a camera. Where the object is seen to stand on something, never below 3 degrees:
    a camera would look from under the floor."""
    hfov_deg: FieldOfView = setting(Range(low=60, high=70), "degrees, the full horizontal angle")
    """Field of view. Wide, so that an object that several motions shift stays in the picture."""
    half_angle_deg: HalfAngle = setting(Range(low=10, high=20), "degrees")
    """Half the angle under which the camera sees the object; it sets the distance. The range is wide, so that the
    object's size tells little about a move forward or back."""
    aside: float = setting(0.6, "share of the room there is", ge=0, le=1)
    """How far from the middle of the first picture the object may be, where 1 is as far as it can go without
    being cut off. The default varies its place and leaves room for motions."""
    overturn_deg: float = setting(12.0, "degrees", ge=0, le=30)
    """How much too far, or not far enough, a camera at most turns back to the object after moving around it or
    past it. With 0 the object would stay put in the picture, and its shift would tell the motion."""
    aim_jitter_deg: float = setting(4.0, "degrees", ge=0, le=15)
    """How far plain orbits and sets of views look past the object, at random. Without it the object would always
    be in the same place."""
    elevation_jitter_deg: float = setting(4.0, "degrees", ge=0, le=15)
    """How much plain orbits and arcs of views rise or fall, at random. Small, so that the way around the object
    stays the main motion."""
    distance_jitter: float = setting(0.08, "distances to the object", ge=0, le=0.3)
    """How much plain orbits and sets of views come nearer or go away, at random. Too little to count as a move
    forward or back (`gates.dolly_grey`)."""
    roll_jitter_deg: float = setting(2.0, "degrees", ge=0, le=10)
    """How far cameras are rolled without being asked to. As little as in a photograph taken by hand, and too
    little to count as a roll (`gates.tilt_grey_deg`)."""
    max_rounds: int = setting(6, "visits", ge=1)
    """How often an object may be visited with new views. Replaces pairs that fail a gate, without trying a
    hopeless object forever."""
    validation_share: float = setting(0.1, "share of pairs", ge=0, lt=0.5)
    """Pairs of the validation split, whose objects are in no other split. A tenth is usual; with fewer than 10
    objects (40 for scenes) all pairs are for training."""
    test_share: float = setting(0.1, "share of pairs", ge=0, lt=0.5)
    """Pairs of the test split, whose objects are in no other split. As for validation."""


class Quality(NamedTuple):
    """How well Cycles renders. What each is worth in decibels: docs/rendering.md."""

    samples: int  # paths per pixel
    denoise: bool  # OIDN FAST with prefilter FAST: what four times the samples would give
    adaptive_threshold: float  # of noise, where a pixel is done early; 0: never
    seed: int = 0


QUALITIES: dict[str, Quality] = {
    "draft": Quality(4, True, 0.01),
    "default": Quality(10, True, 0.01),
    "high": Quality(64, True, 0.01),
    "reference": Quality(1024, False, 0.0, seed=1),  # its noise is not that of the others
}


class BackgroundShares(Section):
    """What is behind the objects.

    Any non-negative numbers, of which only the ratios count; at least one is above 0. Pictures of each:
    docs/rendering.md.
    """

    hdri: float = setting(0.2, "relative share of objects", ge=0)
    """The surroundings that light the object, in focus and infinitely far away. The object floats before them,
    so that they turn with the camera and never shift: some questions need that."""
    blurred: float = setting(0.1, "relative share of objects", ge=0)
    """The same surroundings, out of focus, as in photographs of something close."""
    plain: float = setting(0.2, "relative share of objects", ge=0)
    """One colour. It leaves nothing but the object to tell how the camera moved."""
    gradient: float = setting(0.1, "relative share of objects", ge=0)
    """A smooth change from one colour to another, from top to bottom: as plain as one colour, but less
    uniform."""
    ground: float = setting(0.05, "relative share of objects", ge=0)
    """One colour, with the object's shadow on a floor. Rare, because the two below show shadows, too; the preset
    `scenes` uses nothing else."""
    panorama: float = setting(0.1, "relative share of objects", ge=0)
    """The surroundings that light the object, projected onto a floor and a dome at a finite distance. The object
    stands on the floor and casts a shadow, and the surroundings shift as the camera moves."""
    place: float = setting(0.25, "relative share of objects", ge=0)
    """A place made by code, another one for each visit to an object: on a table or the floor of a room, or in a
    yard, by what the object is. The most frequent, because hand-held pictures look like that, and because no
    two objects share a place."""

    @model_validator(mode="after")
    def _some(self) -> "BackgroundShares":
        if sum(self.model_dump().values()) <= 0:
            raise ValueError("at least one background needs a share above 0")
        return self


class RenderConfig(Section):
    """How a view is rendered, and what a render process may use. Costs: docs/rendering.md."""

    size_px: int = setting(512, "pixels", ge=32, le=4096)
    """Width and height of a picture. The qualities were measured at 512."""
    quality: Literal["draft", "default", "high", "reference"] = setting("default", "name")
    """Paths per pixel and denoising: 4, 10 or 64 paths with the denoiser, or 1,024 without it. At the median
    `default` is within 4 dB of `high`, in a quarter of its time."""
    samples: int | None = setting(None, "paths per pixel", ge=1, le=4096)
    """Overrides the number of paths of the chosen quality. null: the quality's own number."""
    jpeg_quality: int = setting(92, "JPEG quality", ge=50, le=100)
    """Quality of the stored pictures. At 92, compression costs about 1 dB at the default render quality."""
    pose: Literal["rest", "animation", "auto"] = setting("auto", "name")
    """Pose of animated files: `rest`, or `animation` for the start of the first one. `auto` chooses by rule,
    because many files fall apart in one of the two."""
    surroundings: Annotated[list[str], BeforeValidator(_listed)] = setting([BUNDLED], "names or paths")
    """What surrounds objects and lights them: `bundled:` (eight panoramas that ship with Blender), and folders of
    equirectangular .hdr, .exr or .jpg files of your own. Each panorama belongs to one split."""
    backgrounds: BackgroundShares = BackgroundShares()
    camera_lamp_share: float = setting(0.3, "share of lights", ge=0, le=1)
    """The lamps go with the camera instead of standing in the world. Shading then says nothing about how the
    camera moved; in most pictures it may, as in photographs."""
    relit_share: float = setting(0.4, "share of objects", ge=0, le=1)
    """The object is seen in two lights by turns, so that half of its pairs differ in light. Often enough that one
    cannot rely on brightness staying the same."""
    deadline_s: float = setting(300.0, "seconds", gt=0)
    """Longest time for one object; after it, the object is given up and the worker replaced. Ordinary objects
    take seconds."""
    cpu_limit_s: float = setting(240.0, "CPU-seconds", gt=0)
    """Most processor time for one object, on all threads of its worker. Unlike the deadline, it refuses the same
    objects on a busy machine as on an idle one."""
    memory_limit_mb: int = setting(6000, "MB", ge=1000)
    """Address space that a worker may take beyond what it has at start. Files made to exhaust memory end here
    instead of taking the machine down."""
    recycle_after: int = setting(200, "objects", ge=1)
    """Objects that a worker renders before a fresh one takes over. A start costs seconds, so it is rare; memory
    grows for the first 50 objects or so."""
    recycle_above_mb: int = setting(2500, "MB", ge=500)
    """Memory in use between two objects above which a worker is replaced. Workers usually have 500 to 800 MB."""

    def settings(self) -> Quality:
        quality = QUALITIES[self.quality]
        return quality._replace(samples=self.samples) if self.samples else quality


class GateConfig(Section):
    """When an object, a rendered view or a pair is not used, and when a question is not asked.

    A `*_grey` setting is a grey band. What is at most its lower end counts as nothing, what is at least its
    upper end counts as clear; in between, people would disagree, and nothing is asked.
    """

    min_thickness: float = setting(0.03, "ratio", ge=0, lt=1)
    """Thinnest over widest direction of the object. Below, it is flat as paper and has no sides."""
    min_main_part: float = setting(0.55, "share of the surface", ge=0, le=1)
    """How much of the object hangs together. Below, it is several things rather than one; not applied to
    scenes."""
    max_slab: float = setting(0.6, "share of the footprint", ge=0, le=1)
    """How much of what the object covers is bare floor around it. Above, it is something small on a slab of
    ground; not applied to scenes."""
    min_asymmetry: float = setting(0.06, "mean difference, 0 to 1", ge=0, lt=1)
    """How much the object differs from itself when turned about the vertical. Below, it is symmetric; of 111 real
    objects, the default finds all 13 that a person called so, and one other."""
    min_opacity: float = setting(0.5, "mean alpha, 0 to 1", ge=0, le=1)
    """How opaque the object is where it is seen. Below, one sees more of the background than of the object."""
    min_object_share: float = setting(0.005, "share of the picture", ge=0, lt=1)
    """How much of the picture the object fills. Below, it is a speck: at 512 pixels about 36 x 36."""
    max_border_share: float = setting(0.002, "share of the picture's border", ge=0, le=1)
    """How much of the border shows the object. Above, it is cut off; the default forgives 4 pixels at 512."""
    luminance: Share = setting(Range(low=0.02, high=0.97), "mean luminance, 0 to 1 as displayed")
    """How bright the object may be on average. Outside, it is too dark or too bright to see its shape."""
    max_clipped: float = setting(0.6, "share of the object", ge=0, le=1)
    """How much of the object may be entirely black, or entirely white. Above, most of its surface shows
    nothing."""
    min_contrast: float = setting(0.012, "standard deviation of luminance, 0 to 1", ge=0)
    """How much brightness varies over the object. Below, it is one flat colour; 0.012 is 3 of 256 grey levels."""
    min_from_background: float = setting(0.04, "mean difference of colour, 0 to 1", ge=0, lt=1)
    """How much the object differs from the background it hides. Below, it can hardly be made out; 0.04 is 10 of
    256 levels."""
    min_covisible_fraction: float = setting(0.10, "share of the surface", ge=0, lt=1)
    """How much of the object's visible surface both views share. Below, too little is common to both for
    comparing them."""
    min_decidability: float = setting(0.03, "mean difference, 0 to 1", ge=0, lt=1)
    """How different the second picture would be if a wrong answer were true. Below, the question is not asked;
    symmetric objects come out below 0.026 (docs/conventions.md)."""
    exact_share: float = setting(0.05, "share of objects", ge=0, le=1)
    """Objects for which the views that wrong answers imply are really rendered and compared. Few, because that
    costs extra renders and agrees closely with the estimate."""
    min_part_pixels: int = setting(400, "pixels of a 512 x 512 picture", ge=1)
    """How large an object of a scene must be for questions to speak of it; scaled with the size of the picture.
    400 is 20 x 20."""
    min_part_visible: float = setting(0.4, "share of its pixels", ge=0, le=1)
    """How much of an object of a scene must be seen, of what would be if it were alone, for questions to speak of
    it. Below, it can hardly be told."""
    min_parts: int = setting(2, "objects", ge=1, le=7)
    """How many objects in each view of a scene questions must be able to speak of. Two, because questions compare
    objects."""
    min_change: float = setting(0.08, "mean difference, 0 to 1", ge=0, le=1)
    """How much the picture shows of what happened in a scene. Below, a person could overlook it."""
    truck_grey: Step = setting(Range(low=0.02, high=0.25), "distances to the object")
    """Grey band of moves sideways, up and down. A quarter of the distance is clear whatever else the camera
    does."""
    dolly_grey: Step = setting(Range(low=0.02, high=0.15), "distances to the object")
    """Grey band of moves forward and back. It ends lower than `truck_grey`, so that short moves can be asked
    about, which the object's size gives away less."""
    yaw_grey_deg: Turn = setting(Range(low=1, high=10), "degrees")
    """Grey band of turns left and right. One degree cannot be seen; ten shift the object by a seventh of the
    picture."""
    azimuth_grey_deg: Turn = setting(Range(low=1, high=15), "degrees")
    """Grey band of the way around the object. Wider than `yaw_grey_deg`, because it must show in the object
    itself."""
    tilt_grey_deg: Turn = setting(Range(low=1, high=8), "degrees")
    """Grey band of tilt, roll and the change of elevation. It ends lower than `yaw_grey_deg`, because a
    difference against the horizontal is noticed sooner."""
    size_grey: Ratio = setting(Range(low=1.03, high=1.15), "ratio")
    """Grey band of the ratio of two distances or two focal lengths. Three per cent cannot be seen, fifteen
    can."""
    min_chirality: float = setting(0.06, "mean difference, 0 to 1", ge=0, lt=1)
    """How much the object differs from its mirror image, however turned. Below, it is not asked whether a picture
    is mirrored; as for `min_asymmetry`."""
    front_sector_deg: float = setting(45.0, "degrees", gt=0, le=90)
    """How far to either side of the object's front or back the first camera may stand for the object's own left
    and right to be asked about. Seen from further to the side, these are nearer and farther instead."""
    min_pixels: int = setting(200, "pixels", ge=1)
    """How large the object must be in both pictures, at any resolution, for questions about its sides or hidden
    points. Sides are then off by at most 0.07 of its pixels in 95 of 100 pictures, less than `side_grey` is
    wide."""
    side_grey: Share = setting(Range(low=0.05, high=0.15), "share of the object's pixels")
    """Grey band of how much one sees of a side of the object. Below it the side is hidden, above it shown."""
    min_covisible_for_size: float = setting(0.25, "share of the surface", ge=0, lt=1)
    """How much of the surface both views must share for it to be asked how far around the camera went, or whether
    a picture is mirrored. With less, one could only guess."""
    min_axis_share: float = setting(0.5, "share of the largest step", gt=0, le=1)
    """How large a step along one axis must be, beside the step along any other, for questions about it. A smaller
    one hardly shows beside the larger one, which people would name instead."""
    min_nearer_share: float = setting(0.5, "share of the step", ge=0, le=1)
    """How much of a step forward or back must change the distance to the object. With less, the camera passes
    the object or goes around it, and people judge by the distance."""
    min_motion_share: float = setting(0.7, "share of all motion", gt=0.5, le=1)
    """How much of all motion must be of one kind for the question which motion it was. With less, another one
    would be an answer too."""
    bin_grey: float = setting(0.2, "share of an angle", gt=0, lt=0.35)
    """How far, in proportion, an angle around the object must be from where two of the angles to choose from are
    equally near. With a fifth, 20 and 45 degrees are never mistaken for each other."""
    composed_bin_grey: float = setting(0.15, "share of an angle", gt=0, lt=0.3)
    """The same for the angle that two motions make together. Lower, because only two angles are to choose from."""
    min_dots_apart: float = setting(0.06, "sides of the picture", gt=0, lt=0.5)
    """How far apart dots must be. At 512 pixels 31, four times the size of a dot."""
    min_dotted_box: float = setting(0.15, "sides of the picture", ge=0, lt=1)
    """How large the object must be for a dot to mark whether a place can be seen. On a smaller one the dot hides
    what it marks."""
    min_map_turn_deg: float = setting(20.0, "degrees", gt=0, lt=90)
    """How far around the object from the first camera the right one on a map must be. Nearer, both are drawn as
    one."""
    min_map_apart_deg: float = setting(35.0, "degrees", gt=0, lt=72)
    """How far apart all cameras on a map must be. Closer ones could not be told apart by the pictures."""
    min_step_deg: float = setting(20.0, "degrees", ge=15, lt=60)
    """How far around the object neighbouring views of a set must be from each other for questions about the set.
    Closer ones look alike."""
    max_off_tens_deg: float = setting(3.5, "degrees", gt=0, lt=5)
    """How far a motion that a question gives in tens of degrees may be from these tens. Larger differences show
    in the picture."""
    max_off_level_deg: float = setting(6.0, "degrees", gt=0, lt=20)
    """How much a camera may rise or sink on a way that a question says leads around the object, and how far it
    may go around on one that is said to lead up."""
    scene_side: float = setting(0.07, "radii of the scene", gt=0, lt=1)
    """How much further right an object must stand than another for questions about left and right. Less could be
    mistaken in the picture."""
    scene_across: float = setting(0.05, "widths of the picture", gt=0, lt=1)
    """How much further right it must be in the picture. At 512 pixels 26."""
    scene_imagined_side: float = setting(0.15, "radii of the scene", gt=0, lt=1)
    """As `scene_side`, for where the camera would be after a move. More, because nobody sees it."""
    scene_before: float = setting(0.2, "radii of the scene", gt=0, lt=1)
    """How much deeper an object must stand than another to be asked about as behind it. Less is hard to see
    along the line of sight."""
    scene_closer: float = setting(1.15, "ratio", gt=1, lt=10)
    """How much farther from the camera one of two objects must be for the question which is closer. Fifteen per
    cent can be seen by where they stand on the floor."""
    scene_taller: float = setting(1.2, "ratio", gt=1, lt=10)
    """How much taller one of two objects must be. More than `scene_closer`, because distance must be reckoned
    with too."""
    scene_nearer: float = setting(1.25, "ratio", gt=1, lt=10)
    """How much farther from a third object one of two must stand for the question which is nearer to it. More than
    `scene_closer`, because distances over the floor are foreshortened."""
    scene_sector_deg: float = setting(20.0, "degrees", gt=0, lt=45)
    """How far a direction must be from the line between ahead and behind, and from that between left and right, for
    somebody who stands at an object."""
    scene_facing_deg: float = setting(15.0, "degrees", gt=0, lt=45)
    """How far the way that an object faces must be from halfway between two of four directions. With 15, it faces
    within 30 degrees of one of them."""
    scene_turn_deg: float = setting(12.5, "degrees", gt=0, lt=22.5)
    """How far a turn must be from halfway between two of the turns to choose from. With 12.5, it is within 10
    degrees of one; 60 and 75 degrees look alike on the ground."""
    scene_hidden: InnerShare = setting(Range(low=0.85, high=0.99), "share of the object that can be seen")
    """Grey band of whether another object hides a part of this one: up to its lower end it does, from its upper end
    on nothing does."""
    scene_shown: InnerShare = setting(Range(low=0.2, high=0.6), "share of the object that can be seen")
    """Grey band of whether a picture shows an object that others may hide: up to its lower end it is hidden, from
    its upper end on it is shown."""
    max_uncounted: float = setting(0.02, "share of the object that can be seen", ge=0, lt=1)
    """How much may be seen of an object that is not counted because nobody would notice it."""
    scene_moved: float = setting(0.15, "radii of the scene", gt=0, lt=2)
    """How far an object must have moved for questions about what moved."""
    scene_turned_deg: float = setting(25.0, "degrees", gt=0, le=180)
    """How far an object must have turned on the spot for questions about it. A smaller turn hardly shows."""
    camera_still: Step = setting(Range(low=0.02, high=0.1), "world units")
    """Grey band of a camera's way between two pictures of a scene, whose radius is 0.5 units: up to its lower end the
    camera stood still."""
    camera_still_deg: Turn = setting(Range(low=1, high=5), "degrees")
    """Grey band of a camera's turn between two pictures of a scene. One degree cannot be seen, five shift the
    picture by a twelfth."""


def widened(gates: GateConfig, turn_deg: float, move: float) -> GateConfig:
    """The same gates for a pair whose poses are only known so well: its grey bands are wider by that at both ends.

    Args:
        turn_deg: how far angles may be off.
        move: how far lengths over the distance to the object may be off.
    """

    def wider(band: Range, by: float) -> Range:
        return Range(low=max(band.low - by, 1e-9), high=band.high + by)

    size = Range(low=max(gates.size_grey.low / (1 + move), 1 + 1e-9), high=gates.size_grey.high * (1 + move))
    return gates.model_copy(
        update={
            "truck_grey": wider(gates.truck_grey, move),
            "dolly_grey": wider(gates.dolly_grey, move),
            "yaw_grey_deg": wider(gates.yaw_grey_deg, turn_deg),
            "azimuth_grey_deg": wider(gates.azimuth_grey_deg, turn_deg),
            "tilt_grey_deg": wider(gates.tilt_grey_deg, turn_deg),
            "size_grey": size,
        }
    )


class PhotosConfig(Section):
    """How photographs with known poses are used, in place of renders: `viewpoint100k photos`.

    Coordinates are those of the set's own world.
    """

    up: list[float] | None = setting(None, "x, y, z")
    """Which way is up. null: found from the cameras, where two cues agree within 5 degrees."""
    subject: list[float] | None = setting(None, "x, y, z, radius")
    """Where the object is, and how large the ball around it. null: found from masks, or from points that most
    pictures show."""
    apart_deg: Turn = setting(Range(low=10, high=100), "degrees")
    """How far apart two cameras of a pair are, seen from the object. From what shows that it moved to what still has
    something in common."""
    pairs_per_set: int = setting(48, "pairs", ge=1, le=10_000)
    """Most pairs of one set of photographs. More would repeat the same few pictures."""
    tries_per_pair: int = setting(4, "pairs", ge=1, le=100)
    """How many pairs are looked at for each one that is wanted. Some have too little in common; a set of which most
    do is not searched to its end."""
    min_matches: int = setting(30, "matches", ge=12)
    """Fewest matched points that must fit the poses of a pair. With fewer, nothing shows that the poses are right;
    30 can be told from chance."""

    @model_validator(mode="after")
    def _placed(self) -> "PhotosConfig":
        if self.up is not None and (len(self.up) != 3 or not 1e-9 < sum(v * v for v in self.up) < 1e18):
            raise ValueError(f"up = {self.up}: expected three numbers x, y, z that are not all 0")
        if self.subject is not None and (len(self.subject) != 4 or not 0 < self.subject[3] < 1e9):
            raise ValueError(f"subject = {self.subject}: expected x, y, z and a radius above 0")
        return self


class QuestionConfig(Section):
    """How questions are worded and answered."""

    templates: str | None = setting(None, "path")
    """YAML file with wordings of your own. null: those that ship with the tool."""
    other_forms: float = setting(0.25, "share of questions", ge=0, le=1)
    """Questions answered by number, in words or in JSON instead of by letter. A quarter keeps a model from
    learning letters alone, while most answers stay easy to score."""


class ShardConfig(Section):
    """How a dataset is cut into files."""

    pairs_per_shard: int | None = setting(None, "pairs", ge=1)
    """Pairs in one shard. null: 1,000, or more where shards would get fewer than three objects each. Questions
    are balanced within a shard; in smaller ones chance leaves more uneven, so more questions are left out."""


class RunConfig(Section):
    """One run. `viewpoint100k generate` writes the resolved copy to OUT/.run/config.yaml."""

    preset: str = setting("smoke", "name")
    """Name of the preset that the run began with, for the record. Chosen by `--preset`; the default is done
    soonest."""
    source: str = setting("builtin:", "name or path")
    """Where objects come from: `builtin:` (made by our code, so that nothing need be downloaded), a folder of
    .glb and .gltf files, `objaverse:lvis` or `objaverse:all`."""
    pairs: int = setting(48, "pairs", ge=1)
    """How many pairs, or sets of views, the dataset has in all. 48 take minutes on two cores."""
    seed: int = setting(0, "integer", ge=0, lt=2**63)
    """Where all random numbers begin: the same seed gives the same bytes. 0 is as good as any other."""
    licences: list[str] | None = setting(None, "list of names")
    """Licences that objects may be under. null: all but no-derivatives, for a rendered picture is derived from
    the object. `--allow` takes short names."""
    grown_from: list[int] = setting([], "list of pairs")
    """How many pairs the dataset had before it grew, first to last. Written by `generate` when it is given a
    larger `pairs` for a run; the pairs that were there stay as they are."""
    objects: ObjectsConfig = ObjectsConfig()
    files: FileBudgets = FileBudgets()
    plan: PlanConfig = PlanConfig()
    render: RenderConfig = RenderConfig()
    gates: GateConfig = GateConfig()
    photos: PhotosConfig | None = setting(None, "section")
    """Use photographs with known poses, as the section `photos` says. null: objects are rendered. The command
    `viewpoint100k photos` turns this on."""
    questions: QuestionConfig = QuestionConfig()
    shards: ShardConfig = ShardConfig()

    @model_validator(mode="after")
    def _growing(self) -> "RunConfig":
        sizes = [*self.grown_from, self.pairs]
        if len(sizes) > MOST_STEPS:
            raise ValueError(f"grown_from: the dataset has grown {MOST_STEPS} times; make a new one")
        if any(before >= after for before, after in pairwise(sizes)) or sizes[0] < 1:
            raise ValueError(
                f"grown_from = {self.grown_from}, pairs = {self.pairs}: expected growing numbers"
            )
        return self

    def steps(self) -> list["RunConfig"]:
        """The settings of the run at each of its sizes, first to last; one if it never grew."""
        sizes = [*self.grown_from, self.pairs]
        return [
            self.model_copy(update={"pairs": pairs, "grown_from": sizes[:number]})
            for number, pairs in enumerate(sizes)
        ]


class Setting(NamedTuple):
    """One setting as it is named after `--set`."""

    name: str  # dotted
    section: type[Section]
    field: FieldInfo

    @property
    def description(self) -> str:
        """In one line."""
        return " ".join((self.field.description or "").split())

    @property
    def unit(self) -> str:
        extra = self.field.json_schema_extra
        return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def all_settings(section: type[Section] = RunConfig, prefix: str = "") -> Iterator[Setting]:
    """All settings in the order of the code.

    A section that may be left out (`plan.scenes`) is a setting, too.
    """
    for name, field in section.model_fields.items():
        inner = _section_of(field)
        if inner is None or field.json_schema_extra:
            yield Setting(prefix + name, section, field)
        if inner is not None:
            yield from all_settings(inner, f"{prefix}{name}.")


def _section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, or may hold; None if it is a value. A range is a value of two ends."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def config_hash(config: RunConfig) -> str:
    """Twelve hex digits that name every setting which decides the bytes of a run.

    Not where a folder lies: its objects have hashes of their own, and another machine may mount it elsewhere.
    """
    return tree_hash(public_tree(config))


def tree_hash(tree: Mapping[str, Any]) -> str:
    """`config_hash` of a configuration as a manifest holds it."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:12]


def known_hashes(tree: Mapping[str, Any]) -> set[str]:
    """`config_hash` of a manifest's configuration at each size that the dataset had, and has."""
    grown_from = tree.get("grown_from")
    if not isinstance(grown_from, list) or len(grown_from) > MOST_STEPS:
        return {tree_hash(tree)}
    sizes = [*grown_from, tree.get("pairs")]
    return {
        tree_hash({**tree, "pairs": pairs, "grown_from": sizes[:number]})
        for number, pairs in enumerate(sizes)
    }


def public_list(name: str) -> str:
    """How a file of uids or labels is named in what is published: by its name alone, or by its id on the Hub."""
    return name if is_hub_id(name) else Path(name).name


def is_hub_id(name: str) -> bool:
    """Whether a table is named by its id on the Hub: owner/name, and no such file is here."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w-][\w.-]*", name) is not None and not (
        Path(name).suffix in TABLES or Path(name).exists()
    )


def public_tree(config: RunConfig) -> dict[str, Any]:
    """All settings as they are published: a folder of the user's own is called "folder".

    Nothing is said of photographs where objects are rendered.
    """
    tree = config.model_dump(mode="json")
    tree["source"] = public_source(config.source)
    tree["render"]["surroundings"] = list(map(public_surroundings, config.render.surroundings))
    for name in LISTS:
        if tree["objects"][name] is not None:
            tree["objects"][name] = public_list(tree["objects"][name])
    if config.photos is None:
        del tree["photos"]
    return tree


def public_source(source: str) -> str:
    """How a source is named in what is published: never a path."""
    if source.startswith(("builtin:", "objaverse:")):
        return source
    return "photos:" if source.startswith(("photos:", "colmap:", "transforms:")) else "folder"


def public_surroundings(name: str) -> str:
    """How an entry of `render.surroundings` is named in what is published: never a path."""
    return name if name == BUNDLED else "folder"


def preset_names() -> list[str]:
    folder = resources.files("viewpoint100k") / "presets"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load_config(preset: str = "smoke", overrides: Sequence[str] = (), **fields: Any) -> RunConfig:
    """The preset (a name, or a YAML file of your own), then `fields` that are not None, then `a.b=c` overrides.

    Raises:
        InputError: unknown preset or field, or a value of the wrong type or out of range; names the field.
    """
    tree = _merged(RunConfig().model_dump(mode="json"), _preset_tree(preset))
    tree.update({name: value for name, value in fields.items() if value is not None})
    for override in overrides:
        _set(tree, override)
    return _checked(tree, f"preset {preset}")


def load_photos_config(overrides: Sequence[str] = (), **fields: Any) -> RunConfig:
    """The configuration of a dataset of photographs, with `photos` switched on; then as `load_config`."""
    photos = PhotosConfig().model_dump(mode="json")
    return load_config("smoke", ["preset=photos", *overrides], photos=photos, **fields)


def load_config_tree(tree: Mapping[str, Any], overrides: Sequence[str] = ()) -> RunConfig:
    """The configuration that a manifest holds, then `a.b=c` overrides.

    Raises:
        InputError: as `load_config`.
    """
    mine: dict[str, Any] = json.loads(json.dumps(tree))
    for override in overrides:
        _set(mine, override)
    return _checked(mine, "manifest.json")


def read_config(path: Path) -> RunConfig:
    """The resolved configuration of a run folder."""
    return _checked(_read_yaml(path), str(path))


def write_config(config: RunConfig) -> str:
    return str(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def preset_renderer(preset: str) -> str:
    """The renderer that a preset was released with, for the record; empty if the preset names none.

    It is no setting: any renderer may take a preset, and what a dataset was rendered by is in its manifest.
    """
    return str(_preset_file(preset).get(RELEASED_WITH, ""))


def _preset_tree(preset: str) -> dict[str, Any]:
    """The settings of a preset."""
    tree = _preset_file(preset)
    tree.pop(RELEASED_WITH, None)
    return {"preset": Path(preset).stem if preset.endswith((".yaml", ".yml")) else preset, **tree}


def _preset_file(preset: str) -> dict[str, Any]:
    if preset.endswith((".yaml", ".yml")):
        return _read_yaml(Path(preset))
    if preset not in preset_names():
        raise InputError(
            f"no preset {preset!r}; there are {', '.join(preset_names())}, or pass a FILE.yaml of your own"
        )
    return _read_yaml(Path(str(resources.files("viewpoint100k") / "presets" / f"{preset}.yaml")))


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` on top of `base`, section by section; what `base` does not know stays, to be refused by name."""
    sections = {name for name in base if isinstance(base[name], dict) and isinstance(over.get(name), dict)}
    return {**base, **over, **{name: _merged(base[name], over[name]) for name in sections}}


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise InputError(
            f"{path} holds a {type(tree).__name__}; expected sections such as `plan:` and `render:`"
        )
    return tree


def _set(tree: dict[str, Any], override: str) -> None:
    name, separator, text = override.partition("=")
    if not separator or not name.strip():
        raise InputError(f"--set {override}: expected a.b=value, for instance render.samples=8")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--set {override}: {text!r} is not a YAML value") from error
    *sections, field = name.strip().split(".")
    for depth, section in enumerate(sections, 1):
        inner, so_far = tree.setdefault(section, {}), ".".join(sections[:depth])
        if inner is None and so_far in _switched_off():
            raise InputError(
                f"--set {override}: {so_far} is null here. Switch it on before: --set {so_far}={{}}"
            )
        if not isinstance(inner, dict):
            raise InputError(f"--set {override}: {section} is a value, not a section")
        tree = inner
    tree[field] = value


def _switched_off() -> list[str]:
    """The sections that are null unless a preset, or somebody, gives them."""
    return [one.name for one in all_settings() if _section_of(one.field) is not None]


def _checked(tree: dict[str, Any], origin: str) -> RunConfig:
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "the configuration"
        if first["type"] == "extra_forbidden":
            what = f"there is no setting {name}; {_neighbours(first['loc'])}"
        else:
            what = f"{name} = {first['input']!r}: {first['msg']}"
        raise InputError(f"{what} (in {origin} with its overrides)") from error


def _neighbours(location: tuple[int | str, ...]) -> str:
    """The settings beside a mistyped one; before them the nearest, if one is near."""
    section: type[Record] = RunConfig
    for part in location[:-1]:
        field = section.model_fields[str(part)]
        section = _section_of(field) or Range
    listed = f"there are {', '.join(section.model_fields)}"
    nearest = _nearest(".".join(map(str, location)))
    return f"did you mean {nearest}? In its section {listed}" if nearest else listed


def _nearest(name: str) -> str | None:
    """What a mistyped name may mean: one beside it that is spelt alike, or the same or nearly the same in another section."""
    section, _, last = name.rpartition(".")
    known = list(_all_names())
    beside = {one.rpartition(".")[2]: one for one in known if one.rpartition(".")[0] == section}
    anywhere = {one.rpartition(".")[2]: one for one in reversed(known) if not one.endswith(ENDS)}
    for names, alike in ((beside, ALIKE_BESIDE), (anywhere, ALIKE_ELSEWHERE)):
        if found := difflib.get_close_matches(last, names, n=1, cutoff=alike):
            return names[found[0]]
    return None


def _all_names() -> Iterator[str]:
    """Settings, the sections they are in, and the ends of ranges."""
    for one in all_settings():
        parts = one.name.split(".")
        yield from (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        if one.field.annotation is Range:
            yield from (one.name + end for end in ENDS)
