"""Which way is up, and where the object is.

Cues that agree are believed, a set that is wrong by 30 degrees is caught.
"""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("cv2", reason="photographs are read with opencv")
from support.photo_sets import SIZE, camera_at, corners, elsewhere, matrix

from viewpoint100k.errors import ObjectRefused
from viewpoint100k.photos.posed import Lens, Photograph, PhotoSet, Points
from viewpoint100k.photos.subject import Subject, find_subject, where_axes_meet
from viewpoint100k.photos.up import find_vertical, quarter_turns

K = matrix()
LENS = Lens(*SIZE, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
SKY = elsewhere(np.eye(4))[:3, 2]  # the tests' z axis in the set's own world
MIDDLE = elsewhere(np.eye(4))[:3, 3]
BALL = Subject(MIDDLE, 0.5 * 3.7, "given")
ORBIT = range(0, 360, 24)
ARC = range(-50, 50, 10)


def photos(poses, points=None):
    shots = [Photograph(f"{i}.png", None, LENS, elsewhere(pose)) for i, pose in enumerate(poses)]
    return PhotoSet("set", "unknown", tuple(shots), points, "colmap")


def orbit(azimuths=ORBIT, roll_deg=0.0, elevation_deg=20.0):
    return [
        camera_at(azimuth, elevation_deg + 6 * (i % 3), roll_deg=roll_deg)
        for i, azimuth in enumerate(azimuths)
    ]


def placed(points):
    out = []
    for point in points:
        marker = np.eye(4)
        marker[:3, 3] = point
        out.append(elsewhere(marker)[:3, 3])
    return Points(np.array(out), np.full(len(points), 0.5), {})


def apart_deg(one, other):
    return np.degrees(np.arccos(np.clip(one @ other, -1, 1)))


def test_up_is_found_from_a_whole_orbit():
    found = find_vertical(photos(orbit()), BALL)
    assert found.source == "ring" and apart_deg(found.up, SKY) < 1


def test_up_is_found_from_an_arc_of_cameras_that_look_level():
    found = find_vertical(
        photos([camera_at(azimuth, (2, 0, -2)[i % 3]) for i, azimuth in enumerate(ARC)]), BALL
    )
    assert found.source == "level" and apart_deg(found.up, SKY) < 1


def test_what_the_object_stands_on_tells_up_where_cameras_look_down_from_an_arc():
    poses = orbit(ARC, elevation_deg=25)
    assert find_vertical(photos(poses), BALL).up is None  # the pictures' tops lean to the object
    table = np.random.default_rng(1).uniform(-1, 1, (600, 3)) * [1, 1, 0.005] - [0, 0, 0.28]
    found = find_vertical(photos(poses), BALL, placed(np.concatenate([corners(), table])))
    assert found.source == "level" and apart_deg(found.up, SKY) < 1


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_up_is_found_where_pictures_lie_on_their_side(turns):
    poses = orbit(roll_deg=90.0 * turns)
    found = find_vertical(photos(poses), BALL)
    if turns == 2:  # all upside down: no picture tells, and the pictures' tops are believed
        assert apart_deg(found.up, -SKY) < 1
        return
    assert apart_deg(found.up, SKY) < 1
    assert {quarter_turns(elsewhere(pose)[:3, :3], found.up) for pose in poses} == {
        4 - turns if turns != 1 else 3
    }


def test_lying_pictures_that_look_level_leave_up_unknown():
    poses = [camera_at(azimuth, 0.0, roll_deg=90) for azimuth in ORBIT]
    assert find_vertical(photos(poses), BALL).up is None


def test_a_set_whose_cameras_were_all_rolled_by_30_degrees_is_caught():
    found = find_vertical(photos(orbit(ARC, roll_deg=30)), BALL)
    assert found.up is None and "no two cues agree" in found.why


def test_a_stated_up_that_is_wrong_by_30_degrees_is_caught():
    across = np.cross(SKY, [1, 0, 0])
    wrong = Rotation.from_rotvec(np.radians(30) * across / np.linalg.norm(across)).apply(SKY)
    found = find_vertical(photos(orbit()), BALL, given=wrong)
    assert found.up is None and "given is 30 degrees from ring" in found.why
    right = find_vertical(photos(orbit()), BALL, given=7 * SKY)
    assert right.source == "given" and apart_deg(right.up, SKY) < 1e-4


def test_the_plane_through_the_cameras_of_a_short_arc_is_no_cue():
    poses = [camera_at(azimuth, 20 + azimuth / 2) for azimuth in ARC]  # they climb on their way
    found = find_vertical(photos(poses), BALL)
    assert found.source != "ring"


def test_the_object_is_where_the_points_are_that_the_cameras_look_at():
    far = np.random.default_rng(0).normal(0, 1, (500, 3)) * 3 + [0, 30, 0]
    cloud = placed(np.concatenate([corners(), far]))
    found = find_subject(photos(orbit()), cloud)
    assert np.linalg.norm(found.centre - MIDDLE) < 0.05 * 3.7
    assert 0.3 * 3.7 < found.radius < 0.55 * 3.7
    assert np.linalg.norm(where_axes_meet(photos(orbit()).photographs) - MIDDLE) < 0.01


def test_masks_tell_where_the_object_is():
    shots = []
    for one in photos(orbit()).photographs:
        local = (placed(corners()).world - one.world_from_camera[:3, 3]) @ one.world_from_camera[:3, :3]
        pixels = (local @ K.T)[:, :2] / local[:, 2:]
        shots.append(one._replace(mask_box=(*pixels.min(0), *pixels.max(0))))
    found = find_subject(PhotoSet("set", "unknown", tuple(shots), None, "colmap"), None)
    assert found.source == "masks" and np.linalg.norm(found.centre - MIDDLE) < 0.15 * 3.7


@pytest.mark.parametrize(
    ("poses", "told"),
    [
        ([camera_at(azimuth, 10) for azimuth in range(0, 40, 5)], "as a facade is photographed"),
        ([camera_at(0.2 * i, 10) for i in range(8)], "all but parallel"),
    ],
)
def test_a_facade_is_no_object(poses, told):
    with pytest.raises(ObjectRefused, match=told):
        find_subject(photos(poses), placed(corners()))


def test_what_fills_all_pictures_is_no_object():
    with pytest.raises(ObjectRefused, match="times as large as"):
        find_subject(photos(orbit()), None, (*MIDDLE, 1.4 * 3.7))


def test_without_points_or_masks_the_user_is_asked():
    with pytest.raises(ObjectRefused, match="--object"):
        find_subject(photos(orbit()), None)
