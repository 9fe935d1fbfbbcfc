"""Samples without a renderer, for tests of the gallery: cameras written by hand, plain pictures, texts of strangers."""

import io

import numpy as np
from PIL import Image

from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.geometry.relations import motion
from viewpoint100k.records import (
    Decidability,
    ObjectRecord,
    Provenance,
    Question,
    Sample,
    Seen,
    SurfacePoint,
    Truth,
    View,
)  # fmt: skip
from viewpoint100k.shards import StoredSample

RIGHT, LEFT, UP = np.array([1.0, 0, 0]), np.array([-1.0, 0, 0]), np.array([0, 0, 1.0])
NORTH, SOUTH = np.array([0, 1.0, 0]), np.array([0, -1.0, 0])


def camera(position, right, forward):
    """A pose written by hand: its axes in world words, down = forward x right."""
    out = np.eye(4)
    out[:3, 0], out[:3, 1], out[:3, 2], out[:3, 3] = right, np.cross(forward, right), forward, position
    return out


def view(world_from_camera, hfov_deg=60.0, size_px=64):
    focal_px = 0.5 * size_px / np.tan(np.radians(0.5 * hfov_deg))
    return View(
        intrinsics=[[focal_px, 0, size_px / 2], [0, focal_px, size_px / 2], [0, 0, 1]],
        world_from_camera=np.asarray(world_from_camera).tolist(),
        hfov_deg=hfov_deg,
        object_box=[16, 16, 48, 48],
        object_share=0.2,
        light="studio",
        background="plain",
    )


SOUTH_CAMERA = camera([0, -3, 0], RIGHT, NORTH)  # its right is world +X
EAST_CAMERA = camera([3, 0, 0], NORTH, LEFT)  # stands at +X, looks to -X: its right is world +Y
NORTH_CAMERA = camera([0, 3, 1], LEFT, SOUTH)  # its right is world -X
PITCHED_CAMERA = camera([0, -3, 3], RIGHT, np.array([0, 1, -1]) / np.sqrt(2))


ANGLES = (
    "yaw_deg", "pitch_deg", "roll_deg", "azimuth_change_deg", "elevation_change_deg", "rotation_deg", "azimuth_deg",
    "elevation_deg",
)  # fmt: skip


def truth_of(first, second, front_azimuth_deg=None):
    moved = motion(first, second)
    return Truth(
        second_from_first=moved.second_from_first.tolist(),
        translation=moved.translation.tolist(),
        **{name: float(getattr(moved, name)) for name in (*ANGLES, "distance_ratio")},
        focal_ratio=1.0,
        covisible_fraction=0.64,
        front_azimuth_deg=front_azimuth_deg,
    )


HOSTILE = "<script>alert('title')</script>"


def jpeg(shade, size_px=512):
    out = io.BytesIO()
    Image.new("RGB", (size_px, size_px // 2), (shade, 90, 160)).save(out, "JPEG")
    return out.getvalue()


def question(id_, options, answer_index, type_="ego_translation"):
    lines = "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", options, strict=False))
    return Question(
        id=id_,
        type=type_,
        tier="A",
        frame="camera_1",
        images=[0, 1],
        prompt=f"Which way?\n{lines}\nAnswer with the letter.",
        options=options,
        answer_index=answer_index,
        answer="ABCD"[answer_index],
        answer_form="letter",
        value=None if options else 38.0,
        template="t/0",
        margin=2.25,
        decidability=0.125,
    )


def stored(number, split, **thing):
    """Camera 1 south of the object; camera 2 to its right in even samples, to its left in odd ones."""
    side = 1 if number % 2 == 0 else -1
    first, second = SOUTH_CAMERA, look_at([side * 1.0, -2.8, 0.4], [0, 0, 0])
    key = f"{split}-{number:06d}"
    sample = Sample(
        object=ObjectRecord(
            **{"uid": f"thing_{number}", "category": "chair", "title": f"Chair {number}", **thing}
        ),
        preset="smoke",
        family="orbit" if number % 3 else "truck",
        split=split,
        views=[view(first), view(second)],
        truth=truth_of(first, second, 30.0 if number == 2 else None),
        decidability=Decidability(**dict.fromkeys(Decidability.model_fields, 0.125)),
        questions=[
            question(f"{key}-a", ["left", "right", "no movement"], 1 if side > 0 else 0),
            question(f"{key}-b", ["no rotation", "left", "right"], number % 3, "ego_rotation"),
        ],
        provenance=Provenance(seed=0, config_hash="c0ffee", code_version="0", renderer="none", device="cpu"),
    )
    return StoredSample(key, sample, [jpeg(10 * number), jpeg(10 * number + 100)])


SAMPLES = [
    stored(0, "train", title=HOSTILE, source_url="https://example.org/chair?a=1&b=2"),
    stored(1, "train", author='"><img src=x onerror=alert(1)>', source_url="javascript:alert(1)"),
    stored(2, "train", category="' onclick='alert(1)"),
    stored(3, "train", licence="CC-BY-4.0"),
    stored(4, "validation", title="{{ 7 * 7 }}"),
    stored(5, "test", uid="thing_4", title=""),
]


def with_points(stored):
    """Two points: the middle of the object, and one nearer to camera 1, which camera 2 does not see."""
    seen = Seen(
        points=[
            SurfacePoint(
                world=[0, 0, 0], pixels=[[256, 128], [256, 128]], visible=["yes", "yes"], albedo=[1, 0.2, 0]
            ),
            SurfacePoint(
                world=[0, -0.5, 0], pixels=[[128, 64], [0, 256]], visible=["yes", "no"], albedo=[0, 0, 0]
            ),
        ]
    )
    return stored._replace(sample=stored.sample.model_copy(update={"seen": seen}))
