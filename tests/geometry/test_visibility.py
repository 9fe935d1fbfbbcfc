"""Co-visibility and decidability on shapes whose answer is known, ray-cast here by hand."""

import numpy as np
import pytest

from viewpoint100k.geometry.cameras import intrinsics_from_hfov, look_at, position_on_sphere
from viewpoint100k.geometry.visibility import Capture, covisible_fraction, surface, turn_difference

SIZE = 160
K = intrinsics_from_hfov(40.0, SIZE, SIZE)
RADIUS = 0.5


def ball(azimuth_deg, paint=lambda points: np.full_like(points, 0.5), elevation_deg=0.0, distance=2.5):
    """A ball at the origin, its albedo given by the point, ray-cast without the project's projection."""
    camera = look_at(position_on_sphere(azimuth_deg, elevation_deg, distance), [0, 0, 0])
    columns, rows = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    rays = np.stack([(columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1], np.ones_like(rows)], -1)
    directions = rays @ camera[:3, :3].T
    origin = camera[:3, 3]
    a, b = (directions**2).sum(-1), 2 * directions @ origin
    discriminant = b**2 - 4 * a * (origin @ origin - RADIUS**2)
    hit = discriminant > 0
    depth = np.where(hit, (-b - np.sqrt(np.where(hit, discriminant, 0))) / (2 * a), 1e10)
    points = origin + directions * np.where(hit, depth, 0)[..., None]
    return Capture(
        depth.astype(np.float32), np.where(hit[..., None], paint(points), 0).astype(np.float32), camera, K
    )


def rings(points):
    """Bands around the vertical axis: looks the same from every side."""
    return np.repeat(0.5 + 0.4 * np.sign(np.sin(20 * points[..., 2:])), 3, axis=-1)


def patches(points):
    """Three coloured patches around the ball: every side is different."""
    angle = np.arctan2(points[..., 1], points[..., 0])
    return np.stack([0.5 + 0.4 * np.cos(angle - shift) for shift in (0.0, 2.1, 4.2)], -1)


def test_surface_points_lie_on_the_ball_and_their_normals_point_outwards():
    seen = surface(ball(20, elevation_deg=15))
    assert np.allclose(np.linalg.norm(seen.points, axis=1), RADIUS, atol=1e-5)
    inner = np.linalg.norm(seen.points - surface(ball(20, elevation_deg=15)).points.mean(0), axis=1) < 0.3
    assert ((seen.points * seen.normals).sum(1)[inner] / RADIUS).min() > 0.97


def test_surface_area_of_the_seen_cap_is_the_caps():
    distance = 2.5
    cap = 2 * np.pi * RADIUS**2 * (1 - RADIUS / distance)
    # the cap as far as it is not grazing: seen under 80 degrees at most
    assert 0.75 * cap < surface(ball(0, distance=distance), max_points=10**6).area.sum() < cap


@pytest.mark.parametrize(
    ("turn_deg", "low", "high"), [(0, 0.97, 1.0), (30, 0.55, 0.85), (90, 0.1, 0.4), (180, 0.0, 0.01)]
)
def test_views_of_a_ball_share_less_the_further_apart_they_are(turn_deg, low, high):
    assert low <= covisible_fraction(ball(0), ball(turn_deg)) <= high


def test_co_visibility_does_not_depend_on_the_order():
    assert covisible_fraction(ball(10), ball(60)) == pytest.approx(covisible_fraction(ball(60), ball(10)))


def test_what_lies_behind_the_frames_edge_is_not_shared():
    far_aside = ball(0)._replace(world_from_camera=look_at([2.5, 0, 0], [2.4, 3, 0]))
    assert covisible_fraction(ball(0), far_aside) == 0


@pytest.mark.parametrize("turn_deg", [20, -35, 90])
def test_a_ball_with_rings_fits_as_well_under_any_turn(turn_deg):
    first, second = ball(0, rings), ball(30, rings)
    assert (
        turn_difference(surface(first), second, turn_deg) - turn_difference(surface(first), second, 0) < 0.02
    )


@pytest.mark.parametrize("turn_deg", [20, -35, 90])
def test_a_ball_with_patches_fits_only_where_it_stands(turn_deg):
    first, second = ball(0, patches), ball(30, patches)
    assert turn_difference(surface(first), second, 0) < 0.02
    assert turn_difference(surface(first), second, turn_deg) > 0.08


def test_the_turn_is_counter_clockwise_from_above():
    first, second = ball(0, patches), ball(0, lambda points: patches(points @ turned_by(25)))
    assert turn_difference(surface(first), second, 25) < 0.02
    assert turn_difference(surface(first), second, -25) > 0.1


def turned_by(angle_deg):
    """Looks up the paint where the point was before the ball turned counter-clockwise by the angle."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
