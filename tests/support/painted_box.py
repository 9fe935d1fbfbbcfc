"""A box with a colour of its own on each face, and half a face, ray-cast here; and cameras in words."""

import numpy as np

from viewpoint100k.geometry.cameras import intrinsics_from_hfov
from viewpoint100k.geometry.visibility import Capture

SIZE = 96
K = intrinsics_from_hfov(60.0, SIZE, SIZE)
HALF = np.array([0.32, 0.22, 0.28])


def camera(position, bearing_deg, pitch_deg, roll_deg=0.0):
    """A camera in words, its axes written out here: bearing clockwise from +Y, pitch up, roll clockwise from behind."""
    b, p, r = np.radians([bearing_deg, pitch_deg, roll_deg])
    ahead = np.array([np.sin(b) * np.cos(p), np.cos(b) * np.cos(p), np.sin(p)])
    aside = np.array([np.cos(b), -np.sin(b), 0])
    overhead = np.cross(aside, ahead)
    out = np.eye(4)
    out[:3, 0] = np.cos(r) * aside - np.sin(r) * overhead
    out[:3, 1] = -np.cos(r) * overhead - np.sin(r) * aside
    out[:3, 2] = ahead
    out[:3, 3] = position
    return out


def on_sphere(azimuth_deg, elevation_deg, distance):
    a, e = np.radians([azimuth_deg, elevation_deg])
    return distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])


def cast(world_from_camera, look=None, painted=True, size=SIZE):
    """A box about the origin, each face and each half of a face in its own colour, turned or scaled by `look` before."""
    look, k = np.eye(3) if look is None else look, intrinsics_from_hfov(60.0, size, size)
    columns, rows = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    rays = np.stack([(columns - k[0, 2]) / k[0, 0], (rows - k[1, 2]) / k[1, 1], np.ones_like(rows)], -1)
    back = np.linalg.inv(look)  # into the box's own axes
    origin, directions = back @ world_from_camera[:3, 3], rays @ (back @ world_from_camera[:3, :3]).T
    with np.errstate(divide="ignore"):
        slabs = np.stack([(side * HALF - origin) / directions for side in (-1, 1)])
    enter, leave = slabs.min(0).max(-1), slabs.max(0).min(-1)
    hit = (enter < leave) & (enter > 0)
    points = origin + directions * np.where(hit, enter, 0)[..., None]
    face = np.argmax(np.abs(points) / HALF, axis=-1)
    colours = np.random.default_rng(0).uniform(0.05, 0.95, (3, 2, 2, 2, 3))
    sides = (points > 0).astype(int)
    albedo = (
        colours[face, sides[..., 0], sides[..., 1], sides[..., 2]]
        if painted
        else np.full((*hit.shape, 3), 0.5)
    )
    depth = np.where(hit, enter, 1e10).astype(np.float32)
    return Capture(depth, np.where(hit[..., None], albedo, 0).astype(np.float32), world_from_camera, k)
