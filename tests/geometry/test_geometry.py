"""Poses, frames and signs, against scipy and against cases that a person can check with a finger in the air."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viewpoint100k.errors import InputError
from viewpoint100k.geometry.cameras import (
    back_project,
    intrinsics_from_hfov,
    invert,
    look_at,
    pose,
    position_on_sphere,
    project,
)
from viewpoint100k.geometry.relations import motion
from viewpoint100k.geometry.rotations import (
    bearing_deg,
    camera_rotation,
    pitch_deg,
    roll_deg,
    rotation_angle_deg,
    wrap_deg,
    wrapped_deg,
)

# A camera that stands at world -Y and looks along +Y, written by hand: x right = +X, y down = -Z, z forward =
# +Y.
NORTH = np.array([[1.0, 0, 0, 0], [0, 0, 1, -3], [0, -1, 0, 0], [0, 0, 0, 1]])


def moved(right=0.0, up=0.0, forward=0.0):
    """`NORTH` after a move along its own axes, by hand."""
    out = NORTH.copy()
    out[:3, 3] += [right, forward, up]
    return out


def turned(axis, angle_deg):
    """`NORTH` turned about a world axis by the right-hand rule."""
    out = NORTH.copy()
    out[:3, :3] = (
        Rotation.from_rotvec(np.radians(angle_deg) * np.asarray(axis, float)).as_matrix() @ NORTH[:3, :3]
    )
    return out


@pytest.mark.parametrize("angle_deg", [0.0, 1e-7, 30.0, 90.0, 179.9999999, 180.0])
def test_rotation_angle_survives_the_hard_ends_of_the_range(angle_deg):
    axis = np.array([1.0, -2.0, 2.0]) / 3.0  # unit, along no coordinate axis
    turn = Rotation.from_rotvec(np.radians(angle_deg) * axis).as_matrix()
    assert rotation_angle_deg(turn) == pytest.approx(angle_deg, abs=1e-6)


def test_rotation_angle_works_over_leading_batch_axes():
    turns = Rotation.random(12, random_state=3)
    batch = turns.as_matrix().reshape(3, 4, 3, 3)
    assert np.allclose(rotation_angle_deg(batch).ravel(), np.degrees(turns.magnitude()))


@pytest.mark.parametrize("bad", [np.eye(3) * 1.01, np.diag([1.0, 1, -1]), np.full((3, 3), np.nan), np.eye(4)])
def test_what_is_no_rotation_is_refused_by_name(bad):
    with pytest.raises(InputError, match="second_from_first"):
        rotation_angle_deg(bad)


@pytest.mark.parametrize(
    ("angle", "wrapped"), [(180, 180), (-180, 180), (181, -179), (540, 180), (-1, -1), (720, 0)]
)
def test_wrapping_keeps_half_a_turn_positive(angle, wrapped):
    assert wrap_deg(angle) == wrapped
    assert wrapped_deg(angle) == wrapped


def test_three_angles_and_back():
    rng = np.random.default_rng(0)
    bearing, pitch, roll = rng.uniform(-179, 179, 50), rng.uniform(-85, 85, 50), rng.uniform(-179, 179, 50)
    rotation = camera_rotation(bearing, pitch, roll)
    assert np.allclose(bearing_deg(rotation), bearing)
    assert np.allclose(pitch_deg(rotation), pitch)
    assert np.allclose(roll_deg(rotation), roll)


def test_a_camera_without_angles_looks_along_world_y_with_its_head_up():
    assert np.allclose(camera_rotation(0.0, 0.0), NORTH[:3, :3])


def test_a_camera_that_looks_at_a_point_has_it_in_the_middle_of_the_image():
    k = intrinsics_from_hfov(50.0, 640, 480)
    pixel, depth = project([[0.3, -0.2, 0.5]], look_at([2.0, 1.0, 1.5], [0.3, -0.2, 0.5], 17.0), k)
    assert np.allclose(pixel, [[320, 240]])
    assert depth == pytest.approx(np.linalg.norm([1.7, 1.2, 1.0]))


def test_what_is_to_the_right_of_and_above_the_axis_lands_right_and_up_in_the_image():
    k = intrinsics_from_hfov(60.0, 512, 512)
    pixel, _ = project([[0.5, 0, 0.25]], NORTH, k)  # the camera stands south and looks north: east is right
    assert pixel[0, 0] > 256
    assert pixel[0, 1] < 256


def test_field_of_view_is_the_angle_between_the_left_and_the_right_edge():
    k = intrinsics_from_hfov(70.0, 512, 512)
    edge = np.tan(np.radians(35.0)) * 3
    pixel, _ = project([[edge, 0, 0], [-edge, 0, 0]], NORTH, k)
    assert np.allclose(pixel[:, 0], [512, 0])


def test_back_projection_undoes_projection():
    rng = np.random.default_rng(1)
    points = rng.uniform(-0.5, 0.5, (40, 3))
    camera, k = look_at([1.5, -2.0, 1.0], [0.1, 0, 0], -8.0), intrinsics_from_hfov(55.0, 512, 384)
    assert np.allclose(back_project(*project(points, camera, k), camera, k), points)


def test_inverting_a_pose_gives_the_matrix_inverse():
    poses = pose(Rotation.random(5, random_state=1).as_matrix(), np.random.default_rng(2).normal(size=(5, 3)))
    assert np.allclose(invert(poses), np.linalg.inv(poses))


@pytest.mark.parametrize(
    ("second", "sign", "name"),
    [
        (moved(right=0.6), (+1, 0, 0), "right"),
        (moved(right=-0.6), (-1, 0, 0), "left"),
        (moved(up=0.6), (0, -1, 0), "up"),
        (moved(up=-0.6), (0, +1, 0), "down"),
        (moved(forward=0.6), (0, 0, +1), "forward"),
        (moved(forward=-0.6), (0, 0, -1), "back"),
    ],
)
def test_translation_has_the_sign_of_the_move(second, sign, name):
    found = motion(NORTH, second)
    assert np.allclose(found.translation, 0.2 * np.array(sign)), name  # 0.6 over a distance of 3
    assert found.yaw_deg == found.pitch_deg == found.roll_deg == 0


@pytest.mark.parametrize(
    ("axis", "angle_deg", "yaw", "pitch", "roll"),
    [
        ((0, 0, 1), -20, 20, 0, 0),  # clockwise from above: to the right
        ((0, 0, 1), 20, -20, 0, 0),
        ((1, 0, 0), 15, 0, 15, 0),  # about east, right-hand rule: north goes up
        ((1, 0, 0), -15, 0, -15, 0),
        ((0, 1, 0), 10, 0, 0, 10),  # about the line of sight: up goes east, clockwise from behind
        ((0, 1, 0), -10, 0, 0, -10),
    ],
)
def test_turns_have_the_sign_of_the_turn(axis, angle_deg, yaw, pitch, roll):
    found = motion(NORTH, turned(axis, angle_deg))
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == pytest.approx((yaw, pitch, roll), abs=1e-9)
    assert np.allclose(found.translation, 0)
    assert found.azimuth_change_deg == found.elevation_change_deg == 0
    assert found.rotation_deg == pytest.approx(abs(angle_deg))


def test_walking_east_around_the_object_from_the_south_is_counter_clockwise_and_to_the_right_and_turns_left():
    east = look_at([3.0, 0, 0], [0, 0, 0])
    found = motion(NORTH, east)
    assert found.azimuth_change_deg == pytest.approx(90)
    assert found.yaw_deg == pytest.approx(-90)
    assert np.allclose(found.translation, [1, 0, 1])
    assert found.distance_ratio == pytest.approx(1)


def test_swapping_the_views_inverts_the_motion_and_flips_the_signs():
    rng = np.random.default_rng(4)
    for _ in range(20):
        azimuth, elevation = rng.uniform(-180, 180), rng.uniform(0, 40)
        first = look_at(position_on_sphere(azimuth, elevation, 2.0), [0.1, 0, 0])
        second = look_at(position_on_sphere(azimuth + rng.uniform(20, 100), elevation + 5, 2.4), [0, 0.1, 0])
        there, back = motion(first, second), motion(second, first)
        assert np.allclose(there.second_from_first @ back.second_from_first, np.eye(4))
        for name in ("yaw_deg", "pitch_deg", "roll_deg", "azimuth_change_deg", "elevation_change_deg"):
            assert getattr(there, name) == pytest.approx(-getattr(back, name))
        assert there.distance_ratio * back.distance_ratio == pytest.approx(1)
        assert there.rotation_deg == pytest.approx(back.rotation_deg)


def test_turning_the_whole_world_about_the_vertical_changes_nothing():
    world = pose(Rotation.from_euler("z", 77, degrees=True).as_matrix(), np.zeros(3))
    first, second = look_at([2.0, 0.4, 0.7], [0, 0, 0], 3.0), look_at([1.0, 1.9, 0.9], [0.1, 0, 0], -2.0)
    before, after = motion(first, second), motion(world @ first, world @ second)
    for name in before._fields:
        turned = (
            77 if name == "azimuth_deg" else 0
        )  # of the first camera: it says where that stands, not how it moved
        assert np.allclose(getattr(before, name) + turned, getattr(after, name)), name


@pytest.mark.parametrize(
    ("position", "azimuth_deg", "elevation_deg"),
    [
        ([0, -3, 0], -90, 0),
        ([2, 0, 2], 0, 45),
        ([0, 1, 3**0.5], 90, 60),
        ([-1, 0, -1], 180, -45),
        ([1, 1, 0], 45, 0),
    ],
)
def test_azimuth_and_elevation_are_those_of_the_first_camera(position, azimuth_deg, elevation_deg):
    aside = look_at(position, [0.3, 0.2, -0.1])  # where it looks does not matter
    for second in (NORTH, look_at([2.0, 0.4, 0.7], [0, 0, 0])):
        found = motion(aside, second)
        assert (found.azimuth_deg, found.elevation_deg) == pytest.approx((azimuth_deg, elevation_deg))


def test_mirroring_the_world_flips_left_and_right_and_nothing_else():
    def mirrored(camera):
        flip = np.diag([-1.0, 1, 1, 1])  # east for west, and the camera's own left for right
        return flip @ camera @ flip

    first, second = look_at([0.3, -2.4, 0.7], [0, 0, 0], 3.0), look_at([1.4, -1.9, 0.9], [0.1, 0, 0], -2.0)
    there, other = motion(first, second), motion(mirrored(first), mirrored(second))
    assert np.allclose(other.translation, there.translation * [-1, 1, 1])
    for name in ("yaw_deg", "roll_deg", "azimuth_change_deg"):
        assert getattr(other, name) == pytest.approx(-getattr(there, name))
    for name in ("pitch_deg", "elevation_change_deg", "elevation_deg", "distance_ratio", "rotation_deg"):
        assert getattr(other, name) == pytest.approx(getattr(there, name))


def test_the_stored_transform_takes_points_from_first_to_second_camera_axes():
    first, second = look_at([2.0, 0.4, 0.7], [0, 0, 0]), look_at([1.0, 1.9, 0.9], [0.1, 0, 0])
    point = np.array([0.2, -0.1, 0.3, 1.0])
    in_first, in_second = np.linalg.inv(first) @ point, np.linalg.inv(second) @ point
    assert np.allclose(motion(first, second).second_from_first @ in_first, in_second)


def test_a_camera_on_the_objects_centre_is_refused():
    with pytest.raises(InputError, match="centre"):
        motion(pose(np.eye(3), np.zeros(3)), NORTH)
