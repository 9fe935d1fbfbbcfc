"""Two views of a ball, and what chains of thought state of them."""

from typing import NamedTuple

import numpy as np

from viewpoint100k.annotate import make_truth
from viewpoint100k.questions.facts.pair import state_facts
from viewpoint100k.records import Truth, View

SIZE_PX = 512
DISTANCE = 2.0


def camera(place, bearing_deg=0.0, pitch_deg=0.0, roll_deg=0.0):
    """world_from_camera of a camera whose heading is clockwise from north (+Y), tilted up, then rolled clockwise."""
    b, p, r = np.radians([bearing_deg, pitch_deg, roll_deg])
    heading = np.array(
        [[np.cos(b), 0, np.sin(b)], [-np.sin(b), 0, np.cos(b)], [0, -1, 0]]
    )  # right, down, forward
    up = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    clockwise = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = heading @ up @ clockwise, place
    return out


def around(azimuth_deg, elevation_deg=0.0, distance=DISTANCE, roll_deg=0.0):
    """A camera that looks at the origin from there."""
    a, e = np.radians([azimuth_deg, elevation_deg])
    place = distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    return camera(place, -90 - azimuth_deg, -elevation_deg, roll_deg)


def pixels(points, world_from_camera, hfov_deg):
    focal = SIZE_PX / 2 / np.tan(np.radians(hfov_deg / 2))
    seen = (points - world_from_camera[:3, 3]) @ world_from_camera[:3, :3]
    return seen[:, :2] / seen[:, 2:] * focal + SIZE_PX / 2


def picture(points, world_from_camera, hfov_deg=60.0):
    """The view of a cloud of points; its share of the picture is that of their convex hull."""
    at = pixels(points, world_from_camera, hfov_deg)
    focal = SIZE_PX / 2 / np.tan(np.radians(hfov_deg / 2))
    return View(
        intrinsics=[[focal, 0, SIZE_PX / 2], [0, focal, SIZE_PX / 2], [0, 0, 1]],
        world_from_camera=world_from_camera.tolist(),
        hfov_deg=hfov_deg,
        object_box=[*at.min(axis=0), *at.max(axis=0)],
        object_share=min(area_of_hull(at) / SIZE_PX**2, 1.0),
        light="studio/world",
        background="plain",
    )


def area_of_hull(points):
    """Square pixels, summed over directions: the hull's support function, by Cauchy's formula."""
    angles = np.radians(np.arange(0, 360, 2.0))
    reach = (points @ np.stack([np.cos(angles), np.sin(angles)])).max(axis=0)
    change = (np.roll(reach, -1) - np.roll(reach, 1)) / (2 * np.radians(2.0))
    return 0.5 * float(np.sum(reach**2 - change**2) * np.radians(2.0))


def ball(count=4000):
    """Points all over a sphere of radius 0.4; their directions are their normals."""
    z = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.pi * (1 + 5**0.5) * np.arange(count)
    return 0.4 * np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)


class Pair(NamedTuple):
    views: list[View]
    truth: Truth


def pair_of(points, first, second, hfovs=(60.0, 60.0), front_azimuth_deg=None):
    views = [picture(points, pose, hfov) for pose, hfov in zip((first, second), hfovs, strict=True)]
    return Pair(views, make_truth(*views, 0.5, front_azimuth_deg))


def words_of_facts(pair):
    return {name: one.args[0] for name, one in state_facts(pair.views, pair.truth).items()}
