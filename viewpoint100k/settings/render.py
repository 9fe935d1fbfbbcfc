"""How views are rendered: `render`."""

from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, model_validator

from viewpoint100k.settings.fields import Section, as_list, setting

BUNDLED = "bundled:"  # the surroundings that ship inside bpy


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
    """The surroundings that light the object, in focus and infinitely far away. The object floats before
    them, so that they turn with the camera and never shift: some questions need that."""
    blurred: float = setting(0.1, "relative share of objects", ge=0)
    """The same surroundings, out of focus, as in photographs of something close."""
    plain: float = setting(0.2, "relative share of objects", ge=0)
    """One colour. It leaves nothing but the object to tell how the camera moved."""
    gradient: float = setting(0.1, "relative share of objects", ge=0)
    """A smooth change from one colour to another, from top to bottom: as plain as one colour, but less
    uniform."""
    ground: float = setting(0.05, "relative share of objects", ge=0)
    """One colour, with the object's shadow on a floor. Rare, because the two below show shadows, too; the
    preset `scenes` uses nothing else."""
    panorama: float = setting(0.1, "relative share of objects", ge=0)
    """The surroundings that light the object, projected onto a floor and a dome at a finite distance. The
    object stands on the floor and casts a shadow, and the surroundings shift as the camera moves."""
    place: float = setting(0.25, "relative share of objects", ge=0)
    """A place made by code, another one for each visit to an object: on a table or the floor of a room, or in
    a yard, by what the object is. The most frequent, because hand-held pictures look like that, and because
    no two objects share a place."""

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
    surroundings: Annotated[list[str], BeforeValidator(as_list)] = setting([BUNDLED], "names or paths")
    """What surrounds objects and lights them: `bundled:` (eight panoramas that ship with Blender), and
    folders of equirectangular .hdr, .exr or .jpg files of your own. Each panorama belongs to one split."""
    backgrounds: BackgroundShares = BackgroundShares()
    camera_lamp_share: float = setting(0.3, "share of lights", ge=0, le=1)
    """The lamps go with the camera instead of standing in the world. Shading then says nothing about how the
    camera moved; in most pictures it may, as in photographs."""
    relit_share: float = setting(0.4, "share of objects", ge=0, le=1)
    """The object is seen in two lights by turns, so that half of its pairs differ in light. Often enough that
    one cannot rely on brightness staying the same."""
    deadline_s: float = setting(300.0, "seconds", gt=0)
    """Longest time for one object; after it, the object is given up and the worker replaced. Ordinary objects
    take seconds."""
    cpu_limit_s: float = setting(240.0, "CPU-seconds", gt=0)
    """Most processor time for one object, on all threads of its worker. Unlike the deadline, it refuses the
    same objects on a busy machine as on an idle one."""
    memory_limit_mb: int = setting(6000, "MB", ge=1000)
    """Address space that a worker may take beyond what it has at start. Files made to exhaust memory end here
    instead of taking the machine down."""
    recycle_after: int = setting(200, "objects", ge=1)
    """Objects that a worker renders before a fresh one takes over. A start costs seconds, so it is rare;
    memory grows for the first 50 objects or so."""
    recycle_above_mb: int = setting(2500, "MB", ge=500)
    """Memory in use between two objects above which a worker is replaced. Workers usually have 500 to 800
    MB."""

    def settings(self) -> Quality:
        quality = QUALITIES[self.quality]
        return quality._replace(samples=self.samples) if self.samples else quality
