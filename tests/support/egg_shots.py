"""Views of an egg, and chains of thought about figures that are drawn on them."""

from typing import NamedTuple

import numpy as np

from support.kinds import chain_for, options_of, problems_with
from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.questions.kind import Figure
from viewpoint100k.questions.registry import DRAWN_KINDS
from viewpoint100k.records import Decidability, Mark, Seen, SurfacePoint, Truth, View

GATES = GateConfig()
SIZE_PX = 512
KINDS = {kind.name: kind for kind in DRAWN_KINDS if not kind.of_scenes}
CLEAR = Decidability(**dict.fromkeys(Decidability.model_fields, 0.3))


class Egg(NamedTuple):
    points: np.ndarray  # (n, 3)
    normals: np.ndarray


def egg(radii=(0.4, 0.4, 0.4), count=600):
    """Evenly spread over the surface, by the golden angle."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    level = np.sqrt(1 - height**2)
    ball = np.stack([level * np.cos(angle), level * np.sin(angle), height], axis=1)
    normals = ball / np.array(radii)
    return Egg(ball * radii, normals / np.linalg.norm(normals, axis=1, keepdims=True))


def around(azimuth_deg, elevation_deg=10.0, distance=2.2):
    """world_from_camera of a camera that looks at the origin from there: right, down, forward, written out."""
    a, e = np.radians([azimuth_deg, elevation_deg])
    out = np.eye(4)
    out[:3, 3] = distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    out[:3, 0] = [-np.sin(a), np.cos(a), 0]
    out[:3, 2] = -out[:3, 3] / distance
    out[:3, 1] = np.cross(out[:3, 2], out[:3, 0])
    return out


def pixels(points, pose, hfov_deg):
    seen = (points - pose[:3, 3]) @ pose[:3, :3]
    return seen[:, :2] / seen[:, 2:] * SIZE_PX / 2 / np.tan(np.radians(hfov_deg / 2)) + SIZE_PX / 2


def cosines(thing, pose):
    to_camera = pose[:3, 3] - thing.points
    return (to_camera * thing.normals).sum(axis=1) / np.linalg.norm(to_camera, axis=1)


def view_of(thing, pose, hfov_deg=60.0, background="hdri"):
    at = pixels(thing.points, pose, hfov_deg)
    focal = SIZE_PX / 2 / np.tan(np.radians(hfov_deg / 2))
    width, height = np.ptp(at, axis=0)
    return View(
        intrinsics=[[focal, 0, SIZE_PX / 2], [0, focal, SIZE_PX / 2], [0, 0, 1]],
        world_from_camera=pose.tolist(),
        hfov_deg=hfov_deg,
        object_box=[*at.min(axis=0), *at.max(axis=0)],
        object_share=float(np.pi / 4 * width * height / SIZE_PX**2),
        light="studio/world",
        background=background,
    )


class Shot(NamedTuple):
    """What is known of a sample."""

    views: list[View]
    truth: Truth
    decidability: Decidability
    seen: Seen
    scene: None = None


def _visibility(cosine):
    """Whether a point is seen whose normal has this cosine to the line of sight."""
    if cosine > 0.31:
        return "yes"
    return "no" if cosine < -0.1 else "unclear"


def shoot(poses, thing=None, hfovs=None, front_azimuth_deg=-90.0, points=None):
    thing = thing or egg()
    hfovs = hfovs or [60.0] * len(poses)
    views = [view_of(thing, pose, hfov) for pose, hfov in zip(poses, hfovs, strict=True)]
    facing = np.array([cosines(thing, pose) for pose in poses])
    clear = facing > 0.31
    shared = [[float((a & b).sum() / (a | b).sum()) for b in clear] for a in clear]
    f = np.radians(front_azimuth_deg)
    front, left, top = (
        np.array(v) for v in ([np.cos(f), np.sin(f), 0], [-np.sin(f), np.cos(f), 0], [0, 0, 1])
    )
    nearest = np.argmax(thing.normals @ np.array([front, -front, left, -left, top, -top]).T, axis=1)
    weights = np.maximum(facing, 0)
    sides = [np.bincount(nearest, weight, 6) / weight.sum() for weight in weights]
    which = np.arange(0, len(thing.points), 17) if points is None else points
    tracked = [
        SurfacePoint(
            world=thing.points[i].tolist(),
            pixels=[pixels(thing.points[[i]], poses[v], hfovs[v])[0].tolist() for v in (0, 1)],
            visible=[_visibility(facing[v, i]) for v in (0, 1)],
            albedo=[0.5, 0.5, 0.5],
        )
        for i in which
    ]
    seen = Seen(
        covisible_fraction=shared,
        difference=(0.3 * (1 - np.eye(len(poses)))).tolist(),
        other_side=[0.3] * len(poses),
        sides=[side.tolist() for side in sides],
        points=tracked,
    )
    return Shot(views, make_truth(views[0], views[1], shared[0][1], front_azimuth_deg), CLEAR, seen)


class Item(NamedTuple):
    name: str
    shot: Shot
    figure: Figure
    answer: str

    @property
    def views(self):
        return [self.shot.views[view] for view in self.figure.images]

    @property
    def options(self):
        return options_of(KINDS[self.name])


def write(item, rng, answer=None):
    shot = item.shot
    return chain_for(item.name, item.views, shot.truth, answer or item.answer, rng, shot, item.figure)


def problems(item, text, answer=None, words=None):
    right, seen = answer or item.answer, item.shot.seen
    return problems_with(text, item.name, item.views, item.options, right, None, seen, item.figure, words)


def soundly(item):
    """Chains of a hand-made question in all its wordings."""
    texts = [write(item, np.random.default_rng(seed)) for seed in range(12)]
    assert None not in texts
    for text in texts:
        assert problems(item, text) == [], text
    return texts


def dots(shot, right, others, colours=("red", "blue", "green", "yellow")):
    points = shot.seen.points
    marks = [Mark(image=0, x=points[right].pixels[0][0], y=points[right].pixels[0][1], colour="red")]
    for number, colour in zip((right, *others), colours, strict=True):
        marks.append(
            Mark(image=1, x=points[number].pixels[1][0], y=points[number].pixels[1][1], colour=colour)
        )
    return Figure(marks=tuple(marks))


def nearest(thing, place):
    return int(np.argmin(np.linalg.norm(thing.points - np.array(place), axis=1)))
