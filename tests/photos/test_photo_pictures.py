"""The square picture of a photograph: straight, upright, its pose true to it.

Where things are in it is known beforehand.
"""

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

cv2 = pytest.importorskip("cv2", reason="pictures are straightened with opencv")
from support import photo_sets  # noqa: E402
from support.photo_sets import SIZE, camera_at, matrix  # noqa: E402

from viewpoint100k.errors import InputError  # noqa: E402
from viewpoint100k.photos.picture import decoded, square_camera, taken  # noqa: E402
from viewpoint100k.photos.posed import Lens, Photograph  # noqa: E402
from viewpoint100k.photos.subject import Subject  # noqa: E402

BALL = Subject(np.zeros(3), 0.5, "given")
SIDE = 256


def saved(folder, picture, name="one.png", **more):
    path = folder / name
    Image.fromarray(picture).save(path, **more)
    return path


def photo_of(path, pose, k=None, size=SIZE, bending="none", coefficients=()):
    k = matrix() if k is None else k
    lens = Lens(*size, k[0, 0], k[1, 1], k[0, 2], k[1, 2], bending, tuple(coefficients))
    return Photograph(path.name, path, lens, pose)


def square(photo, subject=BALL, turns=0, side=SIDE):
    camera = square_camera(photo, subject, turns)
    return camera, taken(photo, decoded(photo), camera, side)


def expected(camera, side=SIDE):
    """What a pinhole camera in that place sees, ray-cast anew."""
    k = matrix((side, side), side / 2 / camera.half)
    return photo_sets.photograph(camera.world_from_camera, k, (side, side))


def difference(a, b):
    inner = slice(4, -4)
    return np.abs(a.astype(float) - b.astype(float))[inner, inner].mean()


LENSES = {
    "straight": (matrix(), "none", ()),
    "principal point aside": (matrix(centre=(188.0, 161.0)), "none", ()),
    "barrel": (matrix(), "brown", (-0.25, 0.06, 0.002, -0.001)),
    "one number": (matrix(), "brown", (0.12,)),
}


@pytest.mark.parametrize("name", LENSES)
def test_the_square_is_what_a_pinhole_camera_with_its_pose_sees(tmp_path, name):
    k, bending, numbers = LENSES[name]
    pose = camera_at(30, aside_deg=7)
    distortion = np.zeros(5)
    distortion[: len(numbers)] = numbers
    path = saved(tmp_path, photo_sets.photograph(pose, k, distortion=distortion))
    camera, picture = square(photo_of(path, pose, k, bending=bending, coefficients=numbers))
    off = [difference(picture, expected(camera))]
    # half a pixel further, in either picture, would differ more
    half_pixel = camera._replace(
        world_from_camera=camera.world_from_camera
        @ np.block(
            [[Rotation.from_euler("y", camera.half / SIDE).as_matrix(), np.zeros((3, 1))], [0, 0, 0, 1]]
        )
    )
    off.append(difference(picture, expected(half_pixel)))
    assert off[0] < 3 and off[0] < 0.6 * off[1]


def test_a_straight_line_stays_straight_where_the_lens_bends_it(tmp_path):
    pose, numbers = np.eye(4), np.array([-0.5, 0.15, 0, 0, 0])
    columns, rows = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    pixels = np.stack([columns.ravel(), rows.ravel()], 1)[:, None]
    rays = cv2.undistortPoints(pixels, matrix(), numbers)[:, 0]
    # a white wall above the line y = -0.18 (over the distance), black below
    wall = np.where(rays[:, 1] < -0.18, 255, 0).astype(np.uint8).reshape(SIZE[1], SIZE[0])
    path = saved(tmp_path, np.repeat(wall[:, :, None], 3, axis=2))

    def bend(picture):
        edge = (picture[:, :, 0] > 127).sum(0).astype(float)
        return np.abs(edge - edge.mean()).max()

    ahead = Subject(np.array([0, 0, 4.0]), 0.5, "given")
    _, straight = square(photo_of(path, pose, bending="brown", coefficients=tuple(numbers)), ahead)
    _, bent = square(photo_of(path, pose), ahead)
    assert bend(bent) > 2 and bend(straight) <= 1


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_picture_on_its_side_is_turned_upright_with_its_pose(tmp_path, turns):
    upright = camera_at(30)
    # the camera was turned clockwise by so many quarters, so that the picture lies counter-clockwise
    lying = upright.copy()
    lying[:3, :3] = upright[:3, :3] @ np.round(
        Rotation.from_euler("z", -90 * turns, degrees=True).as_matrix()
    )
    path = saved(tmp_path, photo_sets.photograph(lying))
    camera, picture = square(photo_of(path, lying), turns=turns)
    assert np.allclose(camera.world_from_camera, upright, atol=1e-9)
    assert difference(picture, expected(camera)) < 3


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_exif_orientation_is_applied_where_the_pose_is_of_the_displayed_picture(tmp_path, orientation):
    pose = camera_at(30)
    picture = photo_sets.photograph(pose)
    plain = saved(tmp_path, picture, "plain.png")
    back = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]  # quarter turns counter-clockwise: as the sensor lay
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, np.rot90(picture, back).copy(), "turned.png", exif=exif)
    assert np.array_equal(decoded(photo_of(path, pose)).rgb, decoded(photo_of(plain, pose)).rgb)


def test_exif_orientation_is_not_applied_where_the_lens_is_of_the_stored_picture(tmp_path):
    picture = photo_sets.photograph(camera_at(30))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, picture, exif=exif)
    assert np.array_equal(decoded(photo_of(path, camera_at(30))).rgb, picture)


def test_a_picture_stored_smaller_has_its_lens_scaled(tmp_path):
    pose = camera_at(30)
    picture = cv2.resize(
        photo_sets.photograph(pose), (SIZE[0] // 2, SIZE[1] // 2), interpolation=cv2.INTER_AREA
    )
    path = saved(tmp_path, picture)
    pixels = decoded(photo_of(path, pose))
    assert (pixels.lens.fx, pixels.lens.cx) == (210, 100)
    photo = photo_of(path, pose)._replace(lens=pixels.lens)
    camera = square_camera(photo, BALL, 0)
    coarse = cv2.resize(expected(camera, 256), (128, 128), interpolation=cv2.INTER_AREA)
    assert difference(taken(photo, pixels, camera, 128), coarse) < 4


def test_a_picture_of_another_shape_or_none_is_refused_by_name(tmp_path):
    path = saved(tmp_path, np.zeros((50, 300, 3), np.uint8))
    with pytest.raises(InputError, match="300 x 50 pixels"):
        decoded(photo_of(path, np.eye(4)))
    path.write_bytes(b"no picture at all")
    with pytest.raises(InputError, match=r"one\.png cannot be decoded"):
        decoded(photo_of(path, np.eye(4)))
    whole = saved(tmp_path, photo_sets.photograph(camera_at(0)), "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cut\.png cannot be decoded"):
        decoded(photo_of(tmp_path / "cut.png", np.eye(4)))


def test_an_object_beside_the_middle_turns_the_camera_and_its_pose_says_so(tmp_path):
    pose = camera_at(30, aside_deg=14)
    path = saved(tmp_path, photo_sets.photograph(pose))
    camera, picture = square(photo_of(path, pose))
    ahead = camera.world_from_camera[:3, 2]
    turned = np.degrees(np.arccos(ahead @ pose[:3, 2]))
    assert 3 < turned <= 14
    assert difference(picture, expected(camera)) < 3


def test_an_object_behind_the_camera_has_no_square(tmp_path):
    pose = camera_at(30, aside_deg=180)
    path = saved(tmp_path, photo_sets.photograph(pose))
    assert square_camera(photo_of(path, pose), BALL, 0) is None
