"""The second geometry measures what one can work out by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support import audit_sets as sets

from viewpoint100k.proof.measure import Pair, project, side_angle_deg


def test_the_second_implementation_measures_hand_made_motions():
    """A camera south of the object, looking north, that steps east, up and ahead, turns right, up and clockwise."""
    box, share = [0.0, 0.0, 96.0, 96.0], 0.2
    first = sets.make_view(sets.pose([0, -4, 0], 0, 0, 0), box, share)
    second = sets.make_view(sets.pose([1, -3, 2], 20, 10, 5), box, share)
    moved = Pair(first, second, -90.0)  # the object looks south, at the camera: its right hand is to the west
    assert (moved.right, moved.up, moved.forward) == pytest.approx((0.25, 0.5, 0.25))
    assert (moved.yaw_deg, moved.pitch_deg, moved.roll_deg) == pytest.approx((20, 10, 5))
    assert moved.azimuth_deg == pytest.approx(np.degrees(np.arctan2(1, 3)))
    assert moved.elevation_deg == pytest.approx(np.degrees(np.arcsin(2 / np.sqrt(14))))
    assert moved.objects_right == pytest.approx(-0.25)
    turn = np.array(second.world_from_camera)[:3, :3].T @ np.array(first.world_from_camera)[:3, :3]
    assert moved.rotation_deg == pytest.approx(np.degrees(Rotation.from_matrix(turn).magnitude()))


def test_a_point_is_projected_by_similar_triangles():
    """A camera four units south of the origin that looks north: east is to the right, up is up."""
    view = sets.make_view(sets.pose([0, -4, 0], 0, 0, 0), [0.0, 0.0, 96.0, 96.0], 0.2)
    focal = view.intrinsics[0][0]
    ahead, behind = project([[1, 0, 2], [0, -5, 0]], view)
    assert ahead == pytest.approx([48 + focal / 4, 48 - focal / 2])
    assert np.isinf(behind).all()


def test_an_object_that_looks_at_the_camera_has_its_left_on_the_right_of_the_picture():
    box = [0.0, 0.0, 96.0, 96.0]
    ahead = sets.make_view(sets.pose([0, -4, 0], 0, 0, 0), box, 0.2)
    angles = [side_angle_deg(ahead, side, -90.0) for side in ("front", "back", "left", "right")]
    assert angles == pytest.approx([0, 180, 90, 90])
    from_the_east = sets.make_view(sets.pose([4, 0, 0], -90, 0, 0), box, 0.2)
    assert side_angle_deg(from_the_east, "left", -90.0) == pytest.approx(0, abs=1e-5)
