"""Datasets for the audit's tests, made in seconds and without a renderer: clouds of coloured dots, looked at by real cameras.

Each of the camera's six motions is drawn independently; the questions are those that the project asks.
"""

import hashlib
import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig, QuestionConfig, RunConfig, config_hash
from viewpoint100k.manifest import Manifest, ShardEntry
from viewpoint100k.questions import KINDS, ask_all, load_templates
from viewpoint100k.questions.ask import Writer
from viewpoint100k.questions.kind import DrawnKind, placeholders
from viewpoint100k.questions.wording import Templates
from viewpoint100k.records import (
    SCHEMA_VERSION,
    Decidability,
    ObjectRecord,
    Provenance,
    Sample,
    Seen,
    SurfacePoint,
    View,
)
from viewpoint100k.shards import StoredSample, write_shard

GATES = GateConfig()
SIZE_PX = 96
SPLITS = ("train",) * 8 + ("validation", "test")


def asks_with(kind):
    return placeholders(kind)[0] if isinstance(kind, DrawnKind) and kind.parameter else ""


TEMPLATES = Templates(
    load_templates().vocabulary,
    {
        kind.name: {
            "train": [
                f"In the {number} way, {kind.name}: {asks_with(kind)}?" for number in ("first", "second")
            ],
            "test": [f"In another way, {kind.name}: {asks_with(kind)}?"],
        }
        for kind in KINDS
    },
)


# not a fair set: where two motions are asked at once, the place of the object in one picture tells much of
# the answer; after the short ways of these pairs, the right camera on a map is the nearest to the first one
NOT_ASKED = {"combined_translation", "relative_pose", "camera_on_map"}


class Thing(NamedTuple):
    """A cloud of coloured dots."""

    record: ObjectRecord
    points: np.ndarray  # (n, 3) inside the ball of radius 0.5
    colours: np.ndarray  # (n, 3)
    background: tuple[int, int, int]


def make_thing(number, rng):
    directions = rng.normal(size=(70, 3))
    points = directions / np.linalg.norm(directions, axis=1, keepdims=True) * rng.uniform(0.2, 0.46, (70, 1))
    uid = f"thing-{number:04d}"
    title = "".join(rng.choice(list("abcdefghijklmnop"), 9))
    record = ObjectRecord(
        uid=uid, sha256=hashlib.sha256(uid.encode()).hexdigest(), title=title, author="somebody"
    )
    colours = rng.integers(30, 255, (70, 3))
    return Thing(record, points, colours, tuple(int(v) for v in rng.integers(60, 200, 3)))


def pose(position, bearing_deg, pitch_deg, roll_deg):
    """A camera from what people call its angles, written out; bearing clockwise from north."""
    b, p, r = np.radians([bearing_deg, pitch_deg, roll_deg])
    forward = np.array([np.sin(b) * np.cos(p), np.cos(b) * np.cos(p), np.sin(p)])
    right = np.array([np.cos(b), -np.sin(b), 0.0])
    down = np.cross(forward, right)
    out = np.eye(4)
    out[:3, 0], out[:3, 1] = np.cos(r) * right + np.sin(r) * down, np.cos(r) * down - np.sin(r) * right
    out[:3, 2], out[:3, 3] = forward, position
    return out


def make_pair(signs, rng):
    """Two poses whose motion has these signs (right, up, forward, yaw, pitch, roll), the object in both pictures."""
    for _ in range(5000):
        azimuth, elevation, distance = (
            np.radians(rng.uniform(0, 360)),
            np.radians(rng.uniform(8, 30)),
            rng.uniform(2.6, 3.2),
        )
        level = np.array([np.cos(azimuth), np.sin(azimuth), 0])
        position = distance * (np.cos(elevation) * level + [0, 0, np.sin(elevation)])
        angles = np.array([np.degrees(np.arctan2(-level[0], -level[1])), -np.degrees(elevation), 0.0])
        angles += [rng.uniform(-25, 25), rng.uniform(-20, 20), rng.uniform(-2, 2)]
        first = pose(position, *angles)
        # moves and turns of many sizes: were they all alike, the size of the object's shift would tell them
        # apart
        step = np.array(signs[:3]) * rng.uniform(0.265, 0.45, 3) + rng.uniform(-0.005, 0.005, 3)
        turn = np.array(signs[3:]) * [rng.uniform(10.5, 32), rng.uniform(8.5, 28), rng.uniform(9, 18)]
        moved = position + distance * first[:3, :3] @ (step * [1, -1, 1])
        second = pose(moved, *(angles + turn + rng.uniform(-0.3, 0.3, 3)))
        if all(in_picture(one) for one in (first, second)):
            return first, second
    raise AssertionError(f"no room for {signs}")


FOCAL_PX = SIZE_PX / 2 / np.tan(np.radians(40))


def in_picture(world_from_camera):
    centre = -world_from_camera[:3, 3] @ world_from_camera[:3, :3]
    half = np.arcsin(0.5 / np.linalg.norm(centre))
    return centre[2] > 0 and all(
        abs(np.arctan2(centre[i], centre[2])) + half < np.radians(39) for i in (0, 1)
    )


def draw(thing, world_from_camera, size_px=SIZE_PX, dot=0.04, opaque=False, zoom=1.0):
    """(JPEG, box, share) of a thing; an opaque one hides the dots on its far side."""
    scale = zoom * size_px / SIZE_PX
    seen = (thing.points - world_from_camera[:3, 3]) @ world_from_camera[:3, :3]
    picture = Image.new("RGB", (size_px, size_px), thing.background)
    mask = Image.new("L", (size_px, size_px), 0)
    pens = ImageDraw.Draw(picture), ImageDraw.Draw(mask)
    facing = (thing.points * (world_from_camera[:3, 3] - thing.points)).sum(axis=1) > 0
    for i in np.argsort(-seen[:, 2]):
        if opaque and not facing[i]:
            continue
        x, y = FOCAL_PX * scale * seen[i, :2] / seen[i, 2] + size_px / 2
        radius = FOCAL_PX * scale * dot / seen[i, 2]
        place = [x - radius, y - radius, x + radius, y + radius]
        pens[0].ellipse(place, fill=tuple(int(v) for v in thing.colours[i]))
        pens[1].ellipse(place, fill=255)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    covered = np.asarray(mask) > 0
    rows, columns = np.nonzero(covered.any(axis=1))[0], np.nonzero(covered.any(axis=0))[0]
    box = [float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)]
    return out.getvalue(), box, float(covered.mean())


def make_view(
    world_from_camera, box, share, size_px=SIZE_PX, light="studio/world", zoom=1.0, background="plain"
):
    focal = zoom * FOCAL_PX * size_px / SIZE_PX
    return View(
        intrinsics=[[focal, 0, size_px / 2], [0, focal, size_px / 2], [0, 0, 1]],
        world_from_camera=world_from_camera.tolist(),
        hfov_deg=float(2 * np.degrees(np.arctan(np.tan(np.radians(40)) / zoom))),
        object_box=box,
        object_share=share,
        light=light,
        background=background,
    )


def make_sample(thing, split, signs, rng, size_px=SIZE_PX):
    """(sample without questions, its pictures)."""
    poses = make_pair(signs, rng)
    drawn = [draw(thing, one, size_px) for one in poses]
    views = [make_view(one, box, share, size_px) for one, (_, box, share) in zip(poses, drawn, strict=True)]
    sample = Sample(
        object=thing.record,
        preset="viewpoint-6dof",
        family="mixed",
        split=split,
        views=views,
        truth=make_truth(views[0], views[1], 0.5, None),
        decidability=Decidability(**dict.fromkeys(Decidability.model_fields, 0.2)),
        questions=[],
        provenance=Provenance(seed=0, config_hash="x", code_version="0", renderer="dots", device="cpu"),
    )
    return sample, [image for image, _, _ in drawn]


def make_samples(objects=50, pairs=10, seed=0, size_px=SIZE_PX):
    """A fair dataset: signs independent and balanced, questions as the project asks them."""
    rng = np.random.default_rng(seed)
    by_split = {split: ([], [], []) for split in ("train", "validation", "test")}
    signs = rng.choice([-1, 0, 1], (objects * pairs, 6), p=[0.4, 0.2, 0.4])
    for number in range(objects):
        thing, split = make_thing(number, rng), SPLITS[number % len(SPLITS)]
        keys, samples, images = by_split[split]
        for row in signs[number * pairs : (number + 1) * pairs]:
            sample, pictures = make_sample(thing, split, row, rng, size_px)
            keys.append(f"{split}-00000-{len(keys):05d}")
            samples.append(sample)
            images.append(pictures)
    out = []
    for keys, samples, images in by_split.values():
        asked = ask_all(keys, samples, GATES, Writer(QuestionConfig(), TEMPLATES, 0), rng) if keys else []
        for key, sample, questions, pictures in zip(keys, samples, asked, images, strict=True):
            told = [one for one in questions if one.type not in NOT_ASKED]
            out.append(StoredSample(key, sample.model_copy(update={"questions": told}), pictures))
    return out


# --- figures on pairs, and sets of views -----------------------------------------------------------

BALL = 0.45  # radius


def make_ball(number, rng):
    """A ball with coloured dots, dense enough to be seen as a whole. Its front is known."""
    thing = make_thing(number, rng)
    return thing._replace(points=BALL * on_sphere(150), colours=rng.integers(30, 255, (150, 3)))


def on_sphere(count):
    """(count, 3) unit vectors, evenly spread."""
    i = np.arange(count) + 0.5
    height, turn = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    flat = np.sqrt(1 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)


def facing(points, view):
    """(n,) cosines between outward from the ball's middle and the way to the camera."""
    to_camera = np.array(view.world_from_camera)[:3, 3] - points
    out = points / np.linalg.norm(points, axis=1, keepdims=True)
    return (out * to_camera).sum(axis=1) / np.linalg.norm(to_camera, axis=1)


def pixels(points, view):
    """(n, 2), by similar triangles."""
    pose_of = np.array(view.world_from_camera)
    seen = (points - pose_of[:3, 3]) @ pose_of[:3, :3]
    return seen[:, :2] / seen[:, 2:] * view.intrinsics[0][0] + view.intrinsics[0][2]


def _visibility(cosine):
    """Whether a point is seen whose normal has this cosine to the line of sight."""
    if cosine > 0.4:
        return "yes"
    return "no" if cosine < -0.1 else "unclear"


def seen_of(thing, views, front_deg, rng):
    """What two or four views see of a ball: the half that faces them."""
    cosines = [facing(thing.points, view) for view in views[:2]]
    places = [pixels(thing.points, view) for view in views[:2]]
    chosen = []
    for cosine in cosines:
        clear = [i for i in np.nonzero(cosine > 0.4)[0] if i not in chosen]
        chosen += [int(i) for i in rng.permutation(clear)[:10]]
    points = [
        SurfacePoint(
            world=np.round(thing.points[i], 5).tolist(),
            pixels=[np.round(place[i], 2).tolist() for place in places],
            visible=[_visibility(c[i]) for c in cosines],
            albedo=np.round(thing.colours[i] / 255, 3).tolist(),
        )
        for i in chosen
    ]
    normals, angle = on_sphere(1500), np.radians(front_deg)
    front, left, top = np.array(
        [[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    nearest = np.argmax(normals @ np.array([front, -front, left, -left, top, -top]).T, axis=1)
    weights = [np.maximum(facing(BALL * normals, view), 0) for view in views]
    sides = [(np.bincount(nearest, weight, 6) / weight.sum()).tolist() for weight in weights]
    apart = 1 - np.eye(len(views))
    return Seen(
        covisible_fraction=(1 - 0.5 * apart).tolist(),
        difference=(0.2 * apart).tolist(),
        other_side=[0.2] * len(apart),
        sides=sides,
        points=points,
    )


def make_set(rng, family):
    """Four poses on a way around the object, or around the first of them."""
    azimuth, height = rng.uniform(0, 360), rng.uniform(10, 25)
    if family == "arc":
        ways = [(turn, 0.0) for turn in np.cumsum(rng.uniform(25, 50, 3)) * rng.choice([-1, 1])]
    else:
        ways = [(40.0, 0.0), (-40.0, 0.0), ((20.0, 0.0), (-20.0, 0.0), (0.0, 30.0))[rng.integers(3)]]
    poses = []
    for turn, rise in [(0.0, 0.0), *(ways[i] for i in rng.permutation(3))]:
        a, h = np.radians([azimuth + turn, height + rise])
        position = 2.8 * np.array([np.cos(h) * np.cos(a), np.cos(h) * np.sin(a), np.sin(h)])
        poses.append(pose(position, np.degrees(np.arctan2(-position[0], -position[1])), -height - rise, 0.0))
    return poses


def make_figures(objects=24, pairs=8, orbits=3, arcs=3, stars=3, seed=5):
    """Pairs and sets of balls in one dataset, with all that figures need, and every pair asked both ways."""
    rng = np.random.default_rng(seed)
    keys, samples, images = [], [], []
    for number in range(objects):
        thing = make_ball(number, rng)
        for family in ["mixed"] * pairs + ["orbit"] * orbits + ["arc"] * arcs + ["star"] * stars:
            zooms, background = [1.0, 1.0], "plain"
            if family == "orbit":
                poses = make_set(rng, "arc")[:2]
            elif family == "mixed":
                poses = make_pair(rng.choice([-1, 0, 1], 6, p=[0.4, 0.2, 0.4]), rng)
                background = str(rng.choice(["plain", "hdri"]))
                zooms = [1.0, float(rng.choice([1.0, 0.8]))]
            else:
                poses = make_set(rng, family)
                zooms *= 2
            drawn = [draw(thing, one, opaque=True, zoom=zoom) for one, zoom in zip(poses, zooms, strict=True)]
            lights = ("studio/world", "city/world") * 2  # in one light, its side would tell a mirror
            views = [
                make_view(one, box, share, zoom=zoom, background=background, light=light)
                for one, zoom, light, (_, box, share) in zip(poses, zooms, lights, drawn, strict=False)
            ]
            decidability = Decidability(**dict.fromkeys(Decidability.model_fields, 0.2))
            front = float(rng.uniform(-180, 180))
            samples.append(
                Sample(
                    object=thing.record,
                    preset="viewpoint-6dof",
                    family=family,
                    split="train",
                    views=views,
                    truth=make_truth(views[0], views[1], 0.5, front),
                    decidability=decidability,
                    decidability_reversed=decidability if len(views) == 2 else None,
                    seen=seen_of(thing, views, front, rng),
                    questions=[],
                    provenance=Provenance(
                        seed=0, config_hash="x", code_version="0", renderer="dots", device="cpu"
                    ),
                )
            )
            keys.append(f"train-00000-{len(keys):05d}")
            images.append([image for image, _, _ in drawn])
    asked = ask_all(keys, samples, GATES, Writer(QuestionConfig(), TEMPLATES, 0), rng)
    return [
        StoredSample(key, sample.model_copy(update={"questions": questions}), pictures)
        for key, sample, questions, pictures in zip(keys, samples, asked, images, strict=True)
    ]


def write_dataset(folder, stored, preset="viewpoint-6dof"):
    """Shards and manifest of some samples."""
    folder.mkdir(parents=True, exist_ok=True)
    config = RunConfig(preset=preset, source="folder")
    entries = []
    for split in ("train", "validation", "test"):
        mine = [one for one in stored if one.sample.split == split]
        if not mine:
            continue
        name = f"{split}-00000-of-00001.tar"
        digest, size = write_shard(folder / name, folder, mine)
        asked = sum(len(one.sample.questions) for one in mine)
        entries.append(
            ShardEntry(name=name, split=split, sha256=digest, bytes=size, samples=len(mine), questions=asked)
        )
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        words=TEMPLATES.vocabulary,
        version="1.0.0",
        preset=preset,
        config_hash=config_hash(config),
        config=config.model_dump(mode="json"),
        code_version="0",
        renderer="dots",
        device="cpu",
        samples=sum(entry.samples for entry in entries),
        questions=sum(entry.questions for entry in entries),
        shards=entries,
        files={},
        removed=[],
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def changed(one, **fields):
    """A stored sample with other fields in its sample."""
    return one._replace(sample=one.sample.model_copy(update=fields))


def with_questions(one, change):
    """A stored sample, each question changed by a function that returns the fields to change."""
    questions = [question.model_copy(update=change(question)) for question in one.sample.questions]
    return changed(one, questions=questions)
