"""The independent sign check itself: points of known motions vote for them, and planted sign errors are
caught.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import binomtest

from viewpoint100k.records import Decidability, Sample
from viewpoint100k.shards import StoredSample, write_shard

cv2 = pytest.importorskip("cv2", reason="the check matches pictures with opencv")
library = pytest.importorskip("viewpoint100k.photos.epipolar")

_spec = importlib.util.spec_from_file_location(
    "epipolar", Path(__file__).resolve().parents[2] / "benchmarks" / "epipolar.py"
)
epipolar = importlib.util.module_from_spec(_spec)
sys.modules["epipolar"] = epipolar
_spec.loader.exec_module(epipolar)

K = np.array([[400.0, 0, 256], [0, 400, 256], [0, 0, 1]])
C40, S40 = 0.766044443118978, 0.6427876096865393
# columns: the camera's right, down and forward in the world (+Z up), then where it is
FRONT = np.array([[1.0, 0, 0, 0], [0, 0, 1, -2], [0, -1, 0, 0], [0, 0, 0, 1]])
AROUND = np.array(
    [[C40, 0, -S40, 2 * S40], [S40, 0, C40, -2 * C40], [0, -1, 0, 0], [0, 0, 0, 1]]
)  # to the right, by 40


def camera(right=0.0, down=0.0, forward=0.0, yaw_right=0.0, pitch_up=0.0, roll_clockwise=0.0):
    """`FRONT` moved and then turned about its own axes: right-handed about down, right and forward."""
    out = FRONT.copy()
    out[:3, 3] = FRONT[:3, :3] @ [right, down, forward] + FRONT[:3, 3]
    turn = Rotation.from_euler("YXZ", [yaw_right, pitch_up, roll_clockwise], degrees=True)
    out[:3, :3] = FRONT[:3, :3] @ turn.as_matrix()
    return out


def seen(world, pose):
    """(N, 2) pixels of world points."""
    points = (world - pose[:3, 3]) @ pose[:3, :3]
    assert (points[:, 2] > 0).all()
    return points[:, :2] / points[:, 2:] * 400 + 256


def cloud(count, seed=0):
    """Points of an object: in a ball of radius 0.5 about the origin."""
    points = np.random.default_rng(seed).normal(size=(count, 3))
    return 0.5 * points / np.linalg.norm(points, axis=1, keepdims=True) * np.linspace(0.3, 1, count)[:, None]


def matches(first, second, count=60, false=30, noise_px=0.4):
    """What a matcher would find: true matches with noise, and false ones anywhere on the object."""
    rng = np.random.default_rng(1)
    a, b = seen(cloud(count), first), seen(cloud(count), second)
    a, b = a + rng.normal(0, noise_px, a.shape), b + rng.normal(0, noise_px, b.shape)
    anywhere = [rng.uniform(points.min(0), points.max(0), (false, 2)) for points in (a, b)]
    return np.concatenate([a, anywhere[0]]), np.concatenate([b, anywhere[1]])


# signs of all six numbers, both ways, with a little of everything else as real pairs have
MOTIONS = {
    "orbit": camera(right=0.9, forward=0.25, yaw_right=-26, pitch_up=2, roll_clockwise=-1.5),
    "orbit to the left, from higher": camera(right=-0.8, down=-0.3, forward=0.2, yaw_right=23, pitch_up=-8),
    "truck": camera(right=0.55),
    "truck to the left": camera(right=-0.55),
    "pan": camera(yaw_right=12),
    "pan to the left": camera(yaw_right=-12),
    "same_sign": camera(right=0.55, yaw_right=12),
    "same_sign to the left": camera(right=-0.55, yaw_right=-12),
}


@pytest.mark.parametrize("name", MOTIONS)
def test_matches_vote_for_the_motion_that_made_them_against_each_wrong_one(name):
    stated = epipolar.pair_from_poses(FRONT, MOTIONS[name])
    wrong = epipolar.wrong_motions(stated)
    assert {"mirrored", "swapped"} <= set(wrong)
    for motion in wrong.values():
        vote = epipolar.vote(stated, motion, *matches(FRONT, MOTIONS[name]), (K, K))
        assert vote.verdict == "stated"
        assert vote.stated_share > 0.5 > vote.wrong_share


@pytest.mark.parametrize("name", MOTIONS)
def test_mirrored_pictures_vote_for_the_mirrored_motion(name):
    stated = epipolar.pair_from_poses(FRONT, MOTIONS[name])
    flipped = [np.array([512, 0]) + np.array([-1, 1]) * points for points in matches(FRONT, MOTIONS[name])]
    assert (
        epipolar.vote(stated, epipolar.wrong_motions(stated)["mirrored"], *flipped, (K, K)).verdict == "wrong"
    )


@pytest.mark.parametrize("name", MOTIONS)
def test_pictures_in_the_wrong_order_vote_for_the_swapped_motion(name):
    stated = epipolar.pair_from_poses(FRONT, MOTIONS[name])
    a, b = matches(FRONT, MOTIONS[name])
    assert epipolar.vote(stated, epipolar.wrong_motions(stated)["swapped"], b, a, (K, K)).verdict == "wrong"


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        (camera(right=-0.55, yaw_right=12), "moved"),
        (camera(right=0.55, yaw_right=-12), "turned"),
        (camera(right=-0.55, yaw_right=-12), "mirrored"),
    ],
)
def test_a_stated_motion_with_one_sign_wrong_is_outvoted(stated, name):
    """The wrong motion is written out here, so that `wrong_motions` is checked by it too."""
    planted = epipolar.pair_from_poses(FRONT, stated)
    right = epipolar.pair_from_poses(FRONT, camera(right=0.55, yaw_right=12))
    assert np.allclose(epipolar.wrong_motions(planted)[name].rotation, right.rotation)
    assert np.allclose(epipolar.wrong_motions(planted)[name].translation, right.translation)
    a, b = matches(FRONT, camera(right=0.55, yaw_right=12))
    assert epipolar.vote(planted, right, a, b, (K, K)).verdict == "wrong"


def outlines(stated, wrong, first, second):
    """Of an object that leans: the outline of a ball is the same from either side."""
    points = cloud(400) * [1, 1, 0.4]
    points[:, 2] += 0.6 * points[:, 0]
    return epipolar.compare_outlines(stated, wrong, seen(points, first), seen(points, second), (K, K))


@pytest.mark.parametrize("name", [name for name in MOTIONS if "pan" not in name])
def test_outlines_agree_under_the_motion_that_made_them_and_under_no_wrong_one(name):
    stated = epipolar.pair_from_poses(FRONT, MOTIONS[name])
    for wrong, motion in epipolar.wrong_motions(stated).items():
        said = outlines(stated, motion, FRONT, MOTIONS[name])
        if said is None:  # under this wrong motion the camera went towards the object
            continue
        assert said.stated_px < 1e-6
        assert said.verdict == ("undecided" if said.wrong_px < 5 else "stated"), wrong
    if "truck" not in name:
        assert (
            outlines(stated, epipolar.wrong_motions(stated)["mirrored"], FRONT, MOTIONS[name]).verdict
            == "stated"
        )


@pytest.mark.parametrize(
    "name", ["orbit", "orbit to the left, from higher", "same_sign", "same_sign to the left"]
)
def test_outlines_outvote_a_planted_mirrored_motion(name):
    right = epipolar.pair_from_poses(FRONT, MOTIONS[name])
    assert outlines(epipolar.wrong_motions(right)["mirrored"], right, FRONT, MOTIONS[name]).verdict == "wrong"


def test_outlines_say_nothing_of_a_turn_on_the_spot_or_a_move_towards_the_object():
    for pose in (camera(yaw_right=12), camera(forward=0.5)):
        assert (
            epipolar.outline_gap_px(
                epipolar.pair_from_poses(FRONT, pose), seen(cloud(9), FRONT), seen(cloud(9), pose), (K, K)
            )
            is None
        )


def test_a_background_at_infinity_says_nothing_of_the_move():
    rng = np.random.default_rng(2)
    far = np.column_stack([rng.uniform(-0.4, 0.4, 200), np.ones(200), rng.uniform(-0.4, 0.4, 200)]) * 1e6
    for pose in (camera(right=0.55), camera(right=0.55, yaw_right=12)):
        stated = epipolar.pair_from_poses(FRONT, pose)
        vote = epipolar.vote(
            stated, epipolar.wrong_motions(stated)["mirrored"], seen(far, FRONT), seen(far, pose), (K, K)
        )
        assert vote.verdict == "undecided"
        assert vote.matches == 0


def test_false_matches_and_few_matches_decide_nothing():
    stated = epipolar.pair_from_poses(FRONT, MOTIONS["orbit"])
    mirrored = epipolar.wrong_motions(stated)["mirrored"]
    shuffled = [
        np.random.default_rng(n).permutation(points)
        for n, points in enumerate(matches(FRONT, MOTIONS["orbit"], 300, 0))
    ]
    assert epipolar.vote(stated, mirrored, *shuffled, (K, K)).verdict == "undecided"
    assert (
        epipolar.vote(stated, mirrored, *matches(FRONT, MOTIONS["orbit"], 8, 0), (K, K)).verdict
        == "undecided"
    )
    nothing = np.zeros((0, 2))
    assert epipolar.vote(stated, mirrored, nothing, nothing, (K, K)).verdict == "undecided"


def test_wrong_motions_that_equal_the_stated_one_are_not_compared():
    names = {
        name: set(epipolar.wrong_motions(epipolar.pair_from_poses(FRONT, pose)))
        for name, pose in MOTIONS.items()
    }
    assert names["truck"] == {"mirrored", "moved", "swapped"}
    assert names["pan"] == {"mirrored", "turned", "swapped"}
    assert names["same_sign"] == names["orbit"] == set(epipolar.WRONG)
    assert set(epipolar.wrong_motions(epipolar.pair_from_poses(FRONT, camera(forward=0.5)))) == {"swapped"}


@pytest.mark.parametrize(("heads", "tails"), [(0, 0), (1, 0), (11, 0), (5, 5), (30, 12), (3, 60)])
def test_the_coin_is_fair(heads, tails):
    expected = binomtest(heads, heads + tails).pvalue if heads + tails else 1.0
    assert library.coin_p_value(heads, tails) == pytest.approx(min(expected, 1))


# --- pictures ---------------------------------------------------------------------------------------------


def noise_picture(seed=0):
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.random((n, n), np.float32), (256, 256), interpolation=cv2.INTER_CUBIC)
        for n in (8, 16, 32)
    ]
    return np.clip(85 * sum(layers), 0, 255).astype(np.uint8)


def jpeg(picture):
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def test_matches_are_in_our_pixels():
    """A blob in the middle of pixel (60, 100) is at (60.5, 100.5), and moves with the picture."""
    rng = np.random.default_rng(3)
    cols, rows = (
        part.ravel() + rng.integers(-8, 8, 25) for part in np.meshgrid(*2 * [np.arange(28, 256, 50)])
    )
    picture = 0.1 * noise_picture().astype(np.float32)
    y, x = np.indices(picture.shape)
    for col, row, size in zip(cols, rows, rng.uniform(2, 5, 25), strict=True):
        picture += 150 * np.exp(-((x - col) ** 2 + (y - row) ** 2) / (2 * size**2))
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    a, b = epipolar.match(jpeg(picture), jpeg(np.roll(picture, (3, 7), axis=(0, 1))))
    assert np.median(b - a, axis=0) == pytest.approx([7, 3], abs=0.05)
    off = a[:, None] - np.column_stack([cols + 0.5, rows + 0.5])
    off = off[np.linalg.norm(off, axis=2) < 1]
    assert len(off) >= 10
    assert np.median(off, axis=0) == pytest.approx([0, 0], abs=0.1)


def test_an_outline_is_in_our_pixels_and_only_on_a_plain_background():
    picture = np.full((256, 256, 3), 128, np.uint8)
    picture[100:150, 60:90] = (20, 200, 60)
    hull = epipolar.outline(jpeg(picture))
    assert hull.min(0) == pytest.approx([60.5, 100.5], abs=1)  # pixel centres, and a pixel of JPEG
    assert hull.max(0) == pytest.approx([89.5, 149.5], abs=1)
    assert epipolar.outline(jpeg(noise_picture())) is None
    picture[:, 60:90] = (20, 200, 60)  # cut by the frame
    assert epipolar.outline(jpeg(picture)) is None
    assert epipolar.outline(jpeg(np.full((256, 256, 3), 128, np.uint8))) is None


def orbit_json():
    """A sample as it is stored, from `FRONT` to `AROUND`, every number by hand."""
    options = {
        ("ego_translation", "camera_1"): (["left", "right", "no movement sideways"], 1),
        ("object_translation", "object_facing_camera_1"): (["right", "no movement sideways", "left"], 2),
        ("object_translation", "seen_from_above"): (
            ["clockwise", "no movement around it", "counter-clockwise"],
            2,
        ),
        ("ego_rotation", "camera_1"): (["left", "right", "no horizontal rotation"], 0),
    }
    return sample_json(
        "orbit",
        [FRONT, AROUND],
        {
            # a point (x, y, z) of the first camera; the object's centre, (0, 0, 2), must stay there
            "second_from_first": [
                [C40, 0, S40, -2 * S40],
                [0, 1, 0, 0],
                [-S40, 0, C40, 2 - 2 * C40],
                [0, 0, 0, 1],
            ],
            "translation": [S40, 0, 1 - C40],
            "yaw_deg": -40,
            "azimuth_change_deg": 40,
            "rotation_deg": 40,
        },
        options,
    )


def sample_json(family, poses, truth, options):
    zeros = dict.fromkeys(
        ("yaw_deg", "pitch_deg", "roll_deg", "azimuth_change_deg", "elevation_change_deg"), 0.0
    )
    hfov_deg = float(np.degrees(2 * np.arctan(0.64)))
    view = {"intrinsics": K.tolist(), "hfov_deg": hfov_deg, "light": "studio", "background": "plain"}
    view |= {"object_box": [0, 0, 9, 9], "object_share": 0.1}
    questions = [
        {"id": f"{kind}-{frame}", "type": kind, "tier": "A", "frame": frame, "prompt": "?", "options": texts}
        | {"answer_index": right, "answer": "ABC"[right], "template": "0", "margin": 2.0, "decidability": 1.0}
        | {"images": [0, 1], "answer_form": "letter"}
        for (kind, frame), (texts, right) in options.items()
    ]
    return {
        "object": {"uid": "thing"},
        "preset": "smoke",
        "family": family,
        "split": "train",
        "views": [{**view, "world_from_camera": pose.tolist()} for pose in poses],
        "decidability": dict.fromkeys(Decidability.model_fields, 1.0),
        "truth": {
            **zeros,
            "distance_ratio": 1.0,
            "focal_ratio": 1.0,
            "azimuth_deg": -90.0,
            "elevation_deg": 0.0,
            "covisible_fraction": 0.5,
            "front_azimuth_deg": None,
            **truth,
        },
        "questions": questions,
        "provenance": {"seed": 0, "config_hash": "", "code_version": "", "renderer": "", "device": ""},
    }


def test_a_right_json_agrees_with_its_poses():
    assert epipolar.disagreements(Sample.model_validate(orbit_json())) == []


@pytest.mark.parametrize("name", ["yaw_deg", "azimuth_change_deg"])
def test_a_planted_sign_in_the_truth_is_caught(name):
    tree = orbit_json()
    tree["truth"][name] *= -1
    assert [line.split(":")[0] for line in epipolar.disagreements(Sample.model_validate(tree))] == [name]


def test_a_planted_mirrored_translation_is_caught():
    tree = orbit_json()
    tree["truth"]["translation"][0] *= -1
    assert [line.split(":")[0] for line in epipolar.disagreements(Sample.model_validate(tree))] == ["right"]


def test_poses_stored_in_the_wrong_order_are_caught():
    tree = orbit_json()
    tree["views"].reverse()
    lines = epipolar.disagreements(Sample.model_validate(tree))
    assert len(lines) >= 8  # the numbers, the matrix and all four answers


@pytest.mark.parametrize("number", range(4))
def test_a_planted_answer_is_caught(number):
    tree = orbit_json()
    question = tree["questions"][number]
    question["answer_index"] = (question["answer_index"] + 1) % 3
    assert len(epipolar.disagreements(Sample.model_validate(tree))) == 1  # the index points elsewhere
    question["answer"] = "ABC"[question["answer_index"]]
    assert len(epipolar.disagreements(Sample.model_validate(tree))) == 1  # so do both


def test_a_question_from_the_second_view_to_the_first_has_the_other_answer():
    tree = orbit_json()
    question = tree["questions"][3]  # it turned left
    question["images"] = [1, 0]
    assert len(epipolar.disagreements(Sample.model_validate(tree))) == 1
    question["answer_index"] = 1
    question["answer"] = "B"
    assert epipolar.disagreements(Sample.model_validate(tree)) == []


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("letter", "A", "B"),
        ("digit", "1", "2"),
        ("word", "left", "right"),
        ("json", '{"answer": "A"}', '{"answer": "B"}'),
    ],
)
def test_answers_of_every_form_are_read(form, right, wrong):
    tree = orbit_json()
    tree["questions"][3] |= {"answer_form": form, "answer": right}  # it turned left
    assert epipolar.disagreements(Sample.model_validate(tree)) == []
    tree["questions"][3]["answer"] = wrong
    assert len(epipolar.disagreements(Sample.model_validate(tree))) == 1


@pytest.mark.parametrize(
    ("pose", "type_", "frame", "answer"),
    [
        (camera(down=-0.6), "vertical_translation", "camera_1", "up"),
        (camera(down=0.6), "vertical_translation", "camera_1", "down"),
        (camera(forward=0.6), "forward_translation", "camera_1", "forward"),
        (camera(forward=0.6), "distance", "object", "nearer"),
        (camera(forward=-0.6), "distance", "object", "farther"),
        (camera(down=-0.6), "elevation", "object", "higher"),
        (camera(pitch_up=10), "pitch", "camera_1", "up"),
        (camera(roll_clockwise=-10), "roll", "behind_camera_1", "counter-clockwise"),
        (AROUND, "relative_pose", "camera_1", "moved right, turned left"),
        (camera(right=-0.6, down=0.6), "combined_translation", "camera_1", "left and down"),
        (camera(), "pitch", "camera_1", "no tilt"),
        (camera(), "roll", "behind_camera_1", "no roll"),
        (camera(), "distance", "object", "equally far"),
    ],
)
def test_what_the_second_tier_should_answer(pose, type_, frame, answer):
    assert epipolar.expected_answer(type_, frame, epipolar.own_truth(FRONT, pose)) == {answer}


def test_a_question_without_movement_is_answered_so():
    own = epipolar.own_truth(FRONT, camera(forward=0.5))
    assert epipolar.expected_answer("ego_translation", "camera_1", own) == {"no movement sideways"}
    assert epipolar.expected_answer("ego_rotation", "camera_1", own) == {"no horizontal rotation"}
    assert epipolar.expected_answer("object_translation", "seen_from_above", own) == {"no movement around it"}
    assert epipolar.expected_answer("some", "other kind", own) == set()


@pytest.mark.parametrize(
    ("pose", "name", "value"),
    [
        (camera(right=0.5), "right", 0.25),
        (camera(down=-0.5), "down", -0.25),
        (camera(forward=0.5), "forward", 0.25),
        (camera(yaw_right=20), "yaw_deg", 20),
        (camera(pitch_up=20), "pitch_deg", 20),
        (camera(roll_clockwise=20), "roll_deg", 20),
        (camera(down=-2.0), "elevation_change_deg", 45),
        (camera(forward=1.0), "distance_ratio", 0.5),
        (AROUND, "azimuth_change_deg", 40),
        (AROUND, "yaw_deg", -40),
    ],
)
def test_its_own_truth_has_the_signs_of_the_conventions(pose, name, value):
    assert epipolar.own_truth(FRONT, pose)[name] == pytest.approx(value, abs=1e-9)


# --- a whole dataset --------------------------------------------------------------------------------------


def pan_dataset(folder, *, flipped):
    """Six pictures and what a camera that turned 12 degrees to a side would see; `flipped`: left and right
    exchanged.
    """
    k = np.array([[200.0, 0, 128], [0, 200, 128], [0, 0, 1]])
    half = np.array(
        [[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]
    )  # from our pixels to cv2's, whose centres are whole
    samples = []
    for number in range(6):
        side = 1 if number % 2 else -1
        first = noise_picture(number)
        angle = np.radians(side * 12)  # turned right: what was ahead is now at the left
        turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
        warp = half @ k @ turn @ np.linalg.inv(k) @ np.linalg.inv(half)
        second = cv2.warpPerspective(first, warp, (256, 256), borderValue=128)
        if flipped:
            first, second = first[:, ::-1], second[:, ::-1]
        second_from_first = np.eye(4)
        second_from_first[:3, :3] = turn
        truth = {
            "second_from_first": second_from_first.tolist(),
            "translation": [0, 0, 0],
            "yaw_deg": 12.0 * side,
        }
        right = ["left", "right", "no horizontal rotation"]
        options = {("ego_rotation", "camera_1"): (right, int(side > 0))}
        tree = sample_json(
            "pan", [FRONT, camera(yaw_right=12 * side)], truth | {"rotation_deg": 12.0}, options
        )
        for view in tree["views"]:
            view |= {"intrinsics": k.tolist()}
        samples.append(
            StoredSample(f"train-{number:05d}", Sample.model_validate(tree), [jpeg(first), jpeg(second)])
        )
    folder.mkdir()
    write_shard(folder / "train-00000-of-00001.tar", folder, samples)
    return folder


def test_a_right_dataset_passes_and_a_mirrored_one_does_not(tmp_path, capsys):
    assert epipolar.main(pan_dataset(tmp_path / "right", flipped=False), tmp_path / "right.json") == 0
    assert epipolar.main(pan_dataset(tmp_path / "wrong", flipped=True)) == 1
    out = capsys.readouterr().out
    assert "look at: train-00000" in out
    assert '"percent_stated": 100.0' in (tmp_path / "right.json").read_text()


def test_where_points_and_outlines_contradict_each_other_a_person_must_look():
    for_it, against = epipolar.Vote(50, 0.5, 0.0, 0.0, "stated"), epipolar.Outlines(9.0, 0.5, "wrong")
    row = epipolar.Checked(
        "key", "orbit", "plain", 40.0, 50, {"mirrored": for_it}, {"mirrored": against}, [], 0
    )
    assert row.verdict("mirrored") == "wrong"
    assert row._replace(outlines={}).verdict("mirrored") == "stated"
    assert row.verdict("swapped") == "undecided"
    summary = epipolar.summarise([row])
    assert summary["against"]["mirrored"] == ["key"]
    assert summary["families"]["orbit"]["mirrored"]["either"] == {
        "deciding": 1,
        "stated": 0,
        "wrong": 1,
        "percent_stated": 0.0,
    }
