"""Every setting, with its unit and the reason for its default; presets and overrides.

Lengths are in object radii unless a field says otherwise. A preset is a YAML file that holds only what
differs from the defaults here; `--set plan.pairs_per_object=6` overrides one field. The resolved copy is
written into the run folder and is what later stages read.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import Field, ValidationError, model_validator

from viewpoint100k.errors import InputError
from viewpoint100k.records import Record


class FileBudgets(Record):
    """What an object file may contain before the renderer sees it. A file above a budget is refused by name."""

    max_bytes: int = Field(default=512 << 20, gt=0, description="file plus its side files")
    max_json_bytes: int = Field(default=64 << 20, gt=0, description="the JSON chunk; real objects have kilobytes")
    max_json_values: int = Field(default=2_000_000, gt=0, description="each costs the parser 100 bytes or more")
    max_json_depth: int = Field(default=64, gt=0, description="deep nesting is an attack on the parser")
    max_triangles: int = Field(default=4_000_000, gt=0, description="after instancing; 1 GB of BVH at most")
    max_vertices: int = Field(default=32_000_000, gt=0, description="after instancing; each morph target is a copy")
    max_primitives: int = Field(default=20_000, gt=0, description="Blender joins those of a mesh one by one")
    max_nodes: int = Field(
        default=5_000,
        gt=0,
        description="instances included; each becomes a Blender object, and costs 0.2 ms in each view",
    )
    max_node_depth: int = Field(default=256, gt=0, description="Blender recurses over parents")
    max_images: int = Field(default=1000, gt=0, description="that textures use")
    max_texture_pixels: int = Field(default=8192 * 8192, gt=0, description="of one image, from its header")
    max_total_texture_pixels: int = Field(
        default=4 * 8192 * 8192, gt=0, description="of all images: 1 GB as 8-bit RGBA"
    )


class Range(Record):
    """An interval to draw from uniformly."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low > self.high:
            raise ValueError(f"low = {self.low} is above high = {self.high}")
        return self


def _range(low: float, high: float) -> Range:
    return Range(low=low, high=high)


class MotionShares(Record):
    """In what share of the pairs the camera does what, each independently of the others: none answers for another."""

    right: float = Field(
        default=0.85,
        ge=0,
        le=1,
        description="moves sideways, to the right as often as to the left. High, as for yaw: only a camera that does both can "
        "shift the object against what one would think",
    )
    up: float = Field(default=0.65, ge=0, le=1)
    forward: float = Field(default=0.5, ge=0, le=1)
    yaw: float = Field(default=0.85, ge=0, le=1, description="turns left or right")
    pitch: float = Field(default=0.65, ge=0, le=1)
    roll: float = Field(default=0.35, ge=0, le=1)
    zoom: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="another lens: the question says which, and that must not tell where the camera went",
    )
    orbits: float = Field(
        default=0,
        ge=0,
        le=1,
        description="plain orbits beside all that: sideways and turning are one bit there, as in the paper",
    )


class ScenesConfig(Record):
    """How scenes of several objects are composed. Lengths are over the scene's radius."""

    fewest: int = Field(default=3, ge=2, le=7, description="objects in a scene")
    most: int = Field(default=6, ge=2, le=7)
    gap: float = Field(default=0.05, ge=0.01, le=0.5, description="between the outlines on the ground of any two")
    largest_over_smallest: float = Field(
        default=2.0,
        ge=1,
        le=4,
        description="of their sizes: true ratios are compressed into this, so that all can be seen",
    )
    events: float = Field(
        default=0.0, ge=0, le=1, description="of the pairs: one object moves, turns, comes or goes between the views"
    )
    still_events: float = Field(default=0.5, ge=0, le=1, description="of those: the camera stays where it is")
    still: float = Field(default=0.1, ge=0, le=1, description="of the other pairs: nothing happens at all")
    move: Range = _range(0.25, 0.7)  # questions need 0.15
    turn_deg: Range = _range(40, 140)  # questions need 25

    @model_validator(mode="after")
    def _ordered(self) -> "ScenesConfig":
        if self.fewest > self.most:
            raise ValueError(f"fewest = {self.fewest} is above most = {self.most}")
        return self


class PlanConfig(Record):
    """Which cameras look at each object, and how pairs are made of them."""

    pairs_per_object: int | None = Field(
        default=None, ge=1, le=60, description="None: spread over all objects of a folder, at most 12; else 12"
    )
    sets: bool = Field(
        default=False, description="samples of four views, in arcs and stars around the object, in place of pairs"
    )
    scenes: ScenesConfig | None = Field(default=None, description="several objects together; None: each by itself")
    both_orders: float = Field(
        default=0.1, ge=0, le=1, description="of the pairs: also asked about from the second view to the first"
    )
    pairs_per_view: int = Field(
        default=4, ge=1, description="no view is in more pairs than this, the same pair the other way around included"
    )
    motions: MotionShares = MotionShares()
    orbit_deg: Range = _range(20, 100)  # the paper's
    move: Range = _range(0.265, 0.34)  # over the distance, along each axis; questions need 0.25
    dolly: Range = _range(
        0.17, 0.26
    )  # forward or back, over the distance: a longer way would let the object's size tell it
    pan_deg: Range = _range(10.5, 14)  # questions need 10; more would push the object out of the frame
    tilt_deg: Range = _range(8.5, 12)
    roll_deg: Range = _range(9, 20)
    zoom: Range = _range(1.4, 1.7)  # ratio of the focal lengths, either way: more than a move changes the size
    still_deg: float = Field(default=0.5, ge=0, le=1, description="a turn that nobody sees, where none is wanted")
    elevation_deg: Range = _range(6, 38)  # below, one sees no top; above, left and right lose their meaning
    hfov_deg: Range = _range(60, 70)  # wide, so that an object shifted by several motions stays in the frame
    half_angle_deg: Range = _range(
        10, 20
    )  # of the object: so different that its size tells little of a way forward or back
    aside: float = Field(
        default=0.6, ge=0, le=1, description="how far from the middle the object may be, of the room there is"
    )
    overturn_deg: float = Field(
        default=12.0, ge=0, le=30, description="orbits turn too far or not far enough: else the object would stay put"
    )
    aim_jitter_deg: float = Field(default=4.0, ge=0, le=15, description="of plain orbits, instead")
    elevation_jitter_deg: float = Field(default=4.0, ge=0, le=15, description="of plain orbits")
    distance_jitter: float = Field(default=0.08, ge=0, le=0.3, description="of plain orbits")
    roll_jitter_deg: float = Field(default=2.0, ge=0, le=10)
    max_rounds: int = Field(default=6, ge=1, description="how often an object may be visited with new views")
    validation_share: float = Field(
        default=0.1,
        ge=0,
        lt=0.5,
        description="of the pairs; their objects are in no other split. Fewer than 10 objects are all for training",
    )
    test_share: float = Field(default=0.1, ge=0, lt=0.5)


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


class BackgroundShares(Record):
    """What is behind the objects. Any non-negative numbers; only their ratios count."""

    hdri: float = Field(default=0.35, ge=0, description="the surroundings that light the object")
    blurred: float = Field(default=0.15, ge=0, description="the same, out of focus")
    plain: float = Field(default=0.25, ge=0)
    gradient: float = Field(default=0.15, ge=0)
    ground: float = Field(default=0.1, ge=0, description="plain, with the shadow on a floor; costs the whole frame")

    @model_validator(mode="after")
    def _some(self) -> "BackgroundShares":
        if sum(self.model_dump().values()) <= 0:
            raise ValueError("at least one background needs a share above 0")
        return self


class RenderConfig(Record):
    """How a view is rendered. Costs: docs/rendering.md."""

    size_px: int = Field(default=512, ge=32, le=4096, description="width and height")
    quality: Literal["draft", "default", "high", "reference"] = "default"
    samples: int | None = Field(default=None, ge=1, le=4096, description="paths per pixel; None: the quality's")
    jpeg_quality: int = Field(default=92, ge=50, le=100)
    pose: Literal["rest", "animation", "auto"] = Field(
        default="auto", description="of animated files: rest, the start of the first animation, or by rule"
    )
    backgrounds: BackgroundShares = BackgroundShares()
    camera_lamp_share: float = Field(default=0.3, ge=0, le=1, description="of objects; shading then says nothing")
    relit_share: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="of objects seen in two lights by turns: in half of their pairs they differ",
    )
    deadline_s: float = Field(default=300.0, gt=0, description="for one object; then the worker is replaced")
    cpu_limit_s: float = Field(default=240.0, gt=0, description="for one object, on all threads of its worker")
    memory_limit_mb: int = Field(default=6000, ge=1000, description="address space beyond start-up; bombs end here")
    recycle_after: int = Field(default=200, ge=1, description="objects per worker: memory grows for the first 50")
    recycle_above_mb: int = Field(default=2500, ge=500, description="resident, between objects; usually 500 to 800")

    def settings(self) -> Quality:
        quality = QUALITIES[self.quality]
        return quality._replace(samples=self.samples) if self.samples else quality


class GateConfig(Record):
    """When an object, a rendered view or a pair is not used."""

    min_thickness: float = Field(
        default=0.03, ge=0, lt=1, description="thinnest over widest direction of the object: below, flat as paper"
    )
    min_main_part: float = Field(
        default=0.55, ge=0, le=1, description="of the surface, that hangs together: below, several things"
    )
    max_slab: float = Field(
        default=0.6, ge=0, le=1, description="of the footprint, that is bare floor around the object: a ground slab"
    )
    min_asymmetry: float = Field(
        default=0.06, ge=0, lt=1, description="mean difference of the object and itself turned: below, symmetric"
    )
    min_opacity: float = Field(default=0.5, ge=0, le=1, description="mean alpha where the object is")
    min_object_share: float = Field(default=0.005, ge=0, lt=1, description="of the frame; below, nothing can be seen")
    max_border_share: float = Field(
        default=0.002, ge=0, le=1, description="of the frame's border that shows the object"
    )
    luminance: Range = _range(0.02, 0.97)  # mean over the object, of 0..1 as displayed
    max_clipped: float = Field(default=0.6, ge=0, le=1, description="of the object, all black or all white")
    min_contrast: float = Field(
        default=0.012, ge=0, description="std of 0..1 luminance over the object: below, one flat colour"
    )
    min_from_background: float = Field(
        default=0.04, ge=0, lt=1, description="mean difference of 0..1 colour between object and what it hides"
    )
    min_covisible_fraction: float = Field(default=0.10, ge=0, lt=1, description="else the views share too little")
    min_decidability: float = Field(
        default=0.03, ge=0, lt=1, description="see geometry/visibility.py; below, a question is not asked"
    )
    exact_share: float = Field(
        default=0.05, ge=0, le=1, description="of objects whose wrong answers' views are really rendered and compared"
    )
    min_part_pixels: int = Field(
        default=400, ge=1, description="of an object of a scene that may be spoken of, in a picture of 512 x 512"
    )
    min_part_visible: float = Field(default=0.4, ge=0, le=1, description="of what would be seen of it if it were alone")
    min_parts: int = Field(default=2, ge=1, le=7, description="objects that may be spoken of, in each view of a scene")
    min_change: float = Field(
        default=0.08, ge=0, le=1, description="of a scene's event: below, the picture hardly shows that there was one"
    )
    truck_grey: Range = _range(0.02, 0.25)  # over the distance: between, a sideways move is neither nothing nor clear
    dolly_grey: Range = _range(0.02, 0.15)  # forward and back: the object's size shows less of it
    yaw_grey_deg: Range = _range(1, 10)
    azimuth_grey_deg: Range = _range(1, 15)
    tilt_grey_deg: Range = _range(1, 8)  # of pitch, roll and elevation
    size_grey: Range = _range(1.03, 1.15)  # ratio of distances, or of focal lengths
    min_chirality: float = Field(
        default=0.06,
        ge=0,
        lt=1,
        description="below, an object is too much like its mirror image to be asked about that",
    )
    front_sector_deg: float = Field(
        default=45.0,
        gt=0,
        le=90,
        description="to either side of the object's front or back, where the first camera must stand for its own left and "
        "right to be asked: from beside it, they are nearer and farther",
    )
    min_pixels: int = Field(
        default=200,
        ge=1,
        description="of the object in both pictures, at any resolution, where they decide: on its sides, and on what is hidden",
    )  # sides are then off by less than the width of their grey band: 0.07 of the pixels at the 95th percentile
    side_grey: Range = _range(0.05, 0.15)  # share of the object's pixels: between, a side is neither hidden nor shown
    min_covisible_for_size: float = Field(
        default=0.25, ge=0, lt=1, description="of the surface: below, it is not asked how far the camera went"
    )


class QuestionConfig(Record):
    templates: str | None = Field(default=None, description="YAML file with your own wordings; None: those we ship")
    other_forms: float = Field(
        default=0.25, ge=0, le=1, description="of the questions: answered by number, in words or in JSON, not by letter"
    )


class ShardConfig(Record):
    pairs_per_shard: int | None = Field(
        default=None,
        ge=1,
        description="None: 1000. Questions are balanced in a shard: of smaller ones fewer are left, for chance alone is more uneven",
    )


class RunConfig(Record):
    """One run. `viewpoint100k generate` writes the resolved copy to OUT/.run/config.yaml."""

    preset: str = "smoke"
    source: str = Field(
        default="builtin:", description="builtin:, a folder of .glb/.gltf, objaverse:lvis or objaverse:all"
    )
    pairs: int = Field(default=48, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    licences: list[str] | None = Field(default=None, description="allowed ones; None: all but no-derivatives")
    files: FileBudgets = FileBudgets()
    plan: PlanConfig = PlanConfig()
    render: RenderConfig = RenderConfig()
    gates: GateConfig = GateConfig()
    questions: QuestionConfig = QuestionConfig()
    shards: ShardConfig = ShardConfig()


def config_hash(config: RunConfig) -> str:
    """Twelve hex digits that name every setting which decides the bytes of a run.

    Not where a folder lies: its objects have hashes of their own, and another machine may mount it elsewhere.
    """
    tree = config.model_dump(mode="json") | {"source": public_source(config.source)}
    text = json.dumps(tree, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def public_source(source: str) -> str:
    """How a source is named in what is published: never a path."""
    return source if source.startswith(("builtin:", "objaverse:")) else "folder"


def preset_names() -> list[str]:
    folder = resources.files("viewpoint100k") / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


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


def _preset_tree(preset: str) -> dict[str, Any]:
    if preset.endswith((".yaml", ".yml")):
        return {"preset": Path(preset).stem, **_read_yaml(Path(preset))}
    if preset not in preset_names():
        raise InputError(
            f"no preset {preset!r}; there are {', '.join(preset_names())}, or pass a FILE.yaml of your own"
        )
    return {"preset": preset, **_read_yaml(Path(str(resources.files("viewpoint100k") / "presets" / f"{preset}.yaml")))}


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
        raise InputError(f"{path} holds a {type(tree).__name__}; expected sections such as `plan:` and `render:`")
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
    for section in sections:
        inner = tree.setdefault(section, {})
        if not isinstance(inner, dict):
            raise InputError(f"--set {override}: {section} is a value, not a section")
        tree = inner
    tree[field] = value


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
    """The settings beside a mistyped one."""
    model: Any = RunConfig
    for part in location[:-1]:
        model = model.model_fields[part].annotation
    return f"there are {', '.join(model.model_fields)}"
