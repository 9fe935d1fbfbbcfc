"""What was rendered, as read back: each view's camera, the motion between them, and what they see."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from viewpoint100k.records.base import (
    LONGEST_SIDE_PX,
    Degrees,
    Many,
    Matrix3,
    Number,
    Pose,
    Record,
    Row2,
    Row3,
    Row4,
    Row6,
)
from viewpoint100k.records.objects import ObjectRecord

Visible = Literal["yes", "no", "unclear"]


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
        if not (left < right and top < bottom) and self.object_share > 0:
            # a picture may not show the object at all
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
    points: Many[SurfacePoint] = Field(default=[])
