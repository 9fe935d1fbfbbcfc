"""Poses as people keep them.

Every form of the same photographs is read as the same cameras, and bad files are one line.
"""

import json
import sqlite3
import struct

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viewpoint100k.errors import InputError

cv2 = pytest.importorskip("cv2", reason="photographs are read with opencv")
from support import photo_sets  # noqa: E402
from support.photo_sets import SIZE, elsewhere, matrix  # noqa: E402

from viewpoint100k.photos.sources import list_places, read_place  # noqa: E402


@pytest.fixture(scope="module")
def shots():
    blank = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    poses = [photo_sets.camera_at(azimuth, 20 + azimuth / 9) for azimuth in (0, 25, 60, 120)]
    return [photo_sets.Shot(f"shot{i}.png", pose, blank) for i, pose in enumerate(poses)]


def read(source):
    places = list_places(str(source))
    assert len(places) == 1
    return read_place(places[0])


def write_matrices(folder, shots):
    photo_sets.save(folder / "image", shots)
    for name in ("intrinsic", "pose"):
        (folder / name).mkdir()
    for shot in shots:
        stem = shot.name.removesuffix(".png")
        np.savetxt(folder / "intrinsic" / f"{stem}.txt", matrix())
        np.savetxt(folder / "pose" / f"{stem}.txt", elsewhere(shot.world_from_camera))
    return folder


def write_parameters(folder, shots):
    photo_sets.save(folder, shots)
    lines = [str(len(shots))]
    for shot in shots:
        inverse = np.linalg.inv(elsewhere(shot.world_from_camera))
        numbers = [*matrix().ravel(), *inverse[:3, :3].ravel(), *inverse[:3, 3]]
        lines.append(" ".join([shot.name, *map(repr, map(float, numbers))]))
    (folder / "box_par.txt").write_text("\n".join(lines) + "\n")
    return folder


def write_uco3d(folder, shots):
    """The documented tables: PyTorch3D's rows and axes, 32-bit numbers, a video."""
    video = folder / "boxes" / "box" / "1-2-3"
    video.mkdir(parents=True)
    writer = cv2.VideoWriter(str(video / "rgb_video.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, SIZE)
    for shot in shots:
        writer.write(shot.picture[:, :, ::-1])
    writer.release()
    with sqlite3.connect(folder / "metadata.sqlite") as database:
        database.execute(
            "CREATE TABLE sequence_annots (sequence_name, category, super_category, _video_path)"
        )
        row = ("1-2-3", "box", "boxes", "boxes/box/1-2-3/rgb_video.mp4")
        database.execute("INSERT INTO sequence_annots VALUES (?, ?, ?, ?)", row)
        columns = (
            "sequence_name, frame_number, frame_timestamp, _image_size, _mask_bounding_box_xywh, "
            "_viewpoint_R, _viewpoint_T, "
            "_viewpoint_focal_length, _viewpoint_principal_point, _viewpoint_colmap_distortion_coeffs, "
            "_viewpoint_intrinsics_format"
        )
        database.execute(f"CREATE TABLE frame_annots ({columns})")
        half = min(SIZE) / 2
        for number, shot in enumerate(shots):
            inverse = np.linalg.inv(elsewhere(shot.world_from_camera))
            rotation, place = inverse[:3, :3].T.copy(), inverse[:3, 3].copy()
            rotation[:, :2] *= -1  # left and up in place of right and down
            place[:2] *= -1
            k = matrix()
            centre = [-(k[0, 2] - SIZE[0] / 2) / half, -(k[1, 2] - SIZE[1] / 2) / half]
            values = (
                *("1-2-3", number, number / 10),
                struct.pack("<2i", SIZE[1], SIZE[0]),
                struct.pack("<4f", 100, 50, 200, 180),
                struct.pack("<9f", *rotation.ravel()),
                struct.pack("<3f", *place),
                struct.pack("<2f", k[0, 0] / half, k[1, 1] / half),
                struct.pack("<2f", *centre),
                struct.pack("<12f", *[0.0] * 12),
                "ndc_norm_image_bounds",
            )
            database.execute(f"INSERT INTO frame_annots VALUES ({', '.join('?' * 11)})", values)
    return folder


WRITERS = {
    "colmap text": photo_sets.write_colmap,
    "colmap binary": lambda folder, shots: photo_sets.write_colmap(folder, shots, binary=True),
    "transforms": photo_sets.write_transforms,
    "matrices": write_matrices,
    "parameters": write_parameters,
    "uco3d": write_uco3d,
}


@pytest.mark.parametrize("form", WRITERS)
def test_every_form_of_the_same_photographs_is_read_as_the_same_cameras(tmp_path, shots, form):
    found = read(WRITERS[form](tmp_path / "set", shots))
    assert len(found.photographs) == len(shots) and not found.problems
    for one, shot in zip(found.photographs, shots, strict=True):
        # uCO3D keeps 32 bits
        assert np.allclose(one.world_from_camera, elsewhere(shot.world_from_camera), atol=2e-5)
        assert np.allclose(one.lens.matrix, matrix(), atol=1e-4)
        assert (one.lens.width, one.lens.height) == SIZE


@pytest.mark.parametrize("binary", [False, True])
def test_pycolmap_reads_the_same_model(tmp_path, shots, binary):
    pycolmap = pytest.importorskip("pycolmap", reason="COLMAP's own reader, to compare ours with")
    folder = photo_sets.write_colmap(tmp_path, shots, binary=binary)
    found = read(folder)
    theirs = pycolmap.Reconstruction(folder / "sparse" / "0")
    by_name = {image.name: image for image in theirs.images.values()}
    for one in found.photographs:
        camera_from_world = by_name[one.name].cam_from_world().matrix()
        assert np.allclose(np.linalg.inv(one.world_from_camera)[:3], camera_from_world, atol=1e-9)
    world = sorted(tuple(point.xyz.round(6)) for point in theirs.points3D.values())
    assert np.allclose(sorted(map(tuple, found.points.world.round(6))), world)


def test_the_real_part_of_a_quaternion_stands_first(tmp_path, shots):
    photo_sets.write_colmap(tmp_path, shots[:1])
    sparse = tmp_path / "sparse" / "0"
    (sparse / "images.txt").write_text("1 0.8 0 0 0.6 0 0 0 1 shot0.png\n\n")
    turned = Rotation.from_euler("z", 2 * np.degrees(np.arctan2(0.6, 0.8)), degrees=True).as_matrix()
    assert np.allclose(read(tmp_path).photographs[0].world_from_camera[:3, :3], turned.T)


def test_tracks_tell_which_points_a_photograph_saw(tmp_path, shots):
    photo_sets.write_colmap(tmp_path, shots, points=np.eye(3))
    sparse = tmp_path / "sparse" / "0"
    (sparse / "points3D.txt").write_text("7 1 0 0 1 2 3 0.5 1 0 2 4\n9 0 1 0 1 2 3 0.5 2 0 2 1 4 0\n")
    seen = {name: rows.tolist() for name, rows in read(tmp_path).points.seen_in.items()}
    assert seen == {"shot0.png": [0], "shot1.png": [0, 1], "shot3.png": [1]}


def test_frames_without_a_picture_are_left_out_and_counted(tmp_path, shots):
    photo_sets.write_transforms(tmp_path, shots)
    (tmp_path / "images" / "shot2.png").unlink()
    found = read(tmp_path)
    assert [one.name for one in found.photographs] == [
        "images/shot0.png",
        "images/shot1.png",
        "images/shot3.png",
    ]
    assert found.problems == ("1 of 4 frames name pictures that are not there",)


def test_a_frame_may_have_a_lens_of_its_own(tmp_path, shots):
    photo_sets.write_transforms(tmp_path, shots)
    tree = json.loads((tmp_path / "transforms.json").read_text())
    tree["frames"][1]["fl_x"] = 555.0
    (tmp_path / "transforms.json").write_text(json.dumps(tree))
    assert [one.lens.fx for one in read(tmp_path).photographs] == [420, 555, 420, 420]


def test_sets_in_folders_of_categories_are_found_by_their_names(tmp_path, shots):
    for name in ("mug/a1", "mug/b2", "toy/c3"):
        photo_sets.write_colmap(tmp_path / name, shots)
    places = list_places(f"photos:{tmp_path}")
    assert [(place.name, place.category) for place in places] == [
        ("mug-a1", "mug"), ("mug-b2", "mug"), ("toy-c3", "toy"),
    ]  # fmt: skip
    assert read_place(places[1]).category == "mug"


def edit(name, change):
    """A fault: one file of the model with other bytes."""

    def fault(folder):
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return fault


def replaced(old, new):
    return lambda data: data.replace(old, new, 1)


S = "sparse/0/"
BAD_TEXT = {
    "unknown camera model": (edit(S + "cameras.txt", replaced(b"PINHOLE", b"MAGIC")), "camera model 'MAGIC'"),
    "lens that is not undone": (edit(S + "cameras.txt", replaced(b"PINHOLE", b"FOV")), "cannot undistort"),
    "too few numbers": (edit(S + "cameras.txt", replaced(b"PINHOLE", b"OPENCV")), "expected 8"),
    "NaN in a lens": (edit(S + "cameras.txt", replaced(b"420.0", b"nan")), "finite"),
    "huge picture": (edit(S + "cameras.txt", replaced(b"400 300", b"400000 300")), "400000 x 300"),
    "cut off": (edit(S + "images.txt", lambda data: data[:-60]), "images.txt, line"),
    "no number": (edit(S + "images.txt", replaced(b"\n1 ", b"\nx ")), "expected a whole number"),
    "camera that is not there": (edit(S + "images.txt", replaced(b" 1 shot1", b" 8 shot1")), "camera 8"),
    "listed twice": (edit(S + "images.txt", replaced(b"shot1", b"shot0")), "listed twice"),
    "leads out": (edit(S + "images.txt", replaced(b"shot1.png", b"../../secret.png")), "leads out of"),
    "points that are none": (
        edit(S + "points3D.txt", replaced(b" 1 2 3 0.4", b" 1 2 3 zero")),
        "points3D.txt, line 1",
    ),
    "no UTF-8": (edit(S + "points3D.txt", lambda data: b"\xff\xfe" + data), "UTF-8"),
    "file missing": (lambda folder: (folder / S / "points3D.txt").unlink(), "has no points3D.txt"),
}


@pytest.mark.parametrize("fault", BAD_TEXT)
def test_a_bad_text_model_is_refused_in_a_line_that_says_where(tmp_path, shots, fault):
    spoil, told = BAD_TEXT[fault]
    spoil(photo_sets.write_colmap(tmp_path, shots, points=np.eye(3)))
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert told in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["cameras", "images", "points3D"])
def test_a_binary_model_cut_anywhere_is_refused(tmp_path, shots, part):
    photo_sets.write_colmap(tmp_path, shots, points=np.eye(3), binary=True)
    path = tmp_path / S / f"{part}.bin"
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=rf"{part}\.bin"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("part", "at", "value"),
    [("cameras", 0, 2**60), ("images", 0, 2**60), ("points3D", 0, 2**60), ("points3D", 51, 2**60)],
)
def test_a_count_beyond_the_file_is_refused_before_room_is_made(tmp_path, shots, part, at, value):
    photo_sets.write_colmap(tmp_path, shots, points=np.eye(3), binary=True)
    path = tmp_path / S / f"{part}.bin"
    data = bytearray(path.read_bytes())
    data[at : at + 8] = struct.pack("<Q", value)
    path.write_bytes(data)
    with pytest.raises(InputError, match=part):
        read(tmp_path)


def test_a_pose_that_is_not_finite_costs_its_own_picture_alone(tmp_path, shots):
    photo_sets.write_colmap(tmp_path, shots)
    path = tmp_path / S / "images.txt"
    lines = path.read_text().splitlines()
    lines[1] = " ".join(["1", "nan", *lines[1].split()[2:]])
    path.write_text("\n".join(lines) + "\n\n")
    found = read(tmp_path)
    assert [one.name for one in found.photographs] == ["shot1.png", "shot2.png", "shot3.png"]
    assert len(found.problems) == 1 and "shot0.png" in found.problems[0] and "quaternion" in found.problems[0]


BAD_TRANSFORMS = {
    "no JSON": (lambda tree: "{", "is not JSON"),
    "no frames": (lambda tree: {**tree, "frames": 3}, '"frames"'),
    "leads out": (lambda tree: framed(tree, file_path="../secret.png"), "leads out"),
    "no matrix": (lambda tree: framed(tree, transform_matrix=[[1, 2], [3, 4]]), "expected 4 x 4"),
    "words in a matrix": (lambda tree: framed(tree, transform_matrix="east"), "not made of numbers"),
    "unknown lens": (lambda tree: {**tree, "camera_model": "MAGIC"}, "camera_model"),
    "no focal length": (lambda tree: {**tree, "fl_x": "long"}, "fl_x is"),
    "focal length of nothing": (lambda tree: {**tree, "fl_x": 0, "fl_y": 0}, "focal lengths"),
    "huge distortion": (lambda tree: {**tree, "k1": 1e6}, "distortion"),
}


def framed(tree, **changes):
    first, *others = tree["frames"]
    return {**tree, "frames": [{**first, **changes}, *others]}


@pytest.mark.parametrize("fault", BAD_TRANSFORMS)
def test_bad_transforms_are_refused_or_left_out_in_a_line(tmp_path, shots, fault):
    change, told = BAD_TRANSFORMS[fault]
    path = photo_sets.write_transforms(tmp_path, shots) / "transforms.json"
    tree = change(json.loads(path.read_text()))
    path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
    try:
        problems = " ".join(read(tmp_path).problems)
    except InputError as error:
        problems = str(error)
    assert told in problems and "\n" not in problems


def test_a_database_that_leads_out_of_its_folder_is_refused(tmp_path, shots):
    folder = write_uco3d(tmp_path / "set", shots)
    (tmp_path / "secret.mp4").write_bytes(b"")
    with sqlite3.connect(folder / "metadata.sqlite") as database:
        database.execute("UPDATE sequence_annots SET _video_path = '../secret.mp4'")
    with pytest.raises(InputError, match="leads out"):
        read(folder)


def test_a_source_that_holds_nothing_says_what_was_expected(tmp_path):
    with pytest.raises(InputError, match=r"holds no set of photographs: expected .*COLMAP"):
        list_places(str(tmp_path))
    with pytest.raises(InputError, match="not there"):
        list_places(f"photos:{tmp_path}/absent")
    with pytest.raises(InputError, match="no source 'ftp:x'"):
        list_places("ftp:x")
