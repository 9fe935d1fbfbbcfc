"""Photographs in, an ordinary dataset out.

The same samples, the same checks, the truth that is known beforehand.
"""

import csv
import importlib.util
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

cv2 = pytest.importorskip("cv2", reason="photographs are matched with opencv")
from support import photo_sets  # noqa: E402
from support.audit_sets import make_samples, write_dataset  # noqa: E402
from support.command import ROOT, SHARED, viewpoint100k  # noqa: E402
from support.photo_sets import elsewhere  # noqa: E402

from viewpoint100k.annotate import make_truth  # noqa: E402
from viewpoint100k.card import rewrite_card  # noqa: E402
from viewpoint100k.config import load_photos_config  # noqa: E402
from viewpoint100k.errors import InputError  # noqa: E402
from viewpoint100k.evaluate import evaluate, pictures_of  # noqa: E402
from viewpoint100k.manifest import read_manifest  # noqa: E402
from viewpoint100k.photos.pairs import errors_of  # noqa: E402
from viewpoint100k.photos.run import Credit, make_dataset  # noqa: E402
from viewpoint100k.questions.registry import DRAWN_KINDS  # noqa: E402
from viewpoint100k.requestion import requestion  # noqa: E402
from viewpoint100k.run_state import read_rejects  # noqa: E402
from viewpoint100k.shards import iter_samples  # noqa: E402
from viewpoint100k.takedown import remove_objects  # noqa: E402
from viewpoint100k.validate import validate_dataset  # noqa: E402

SMALL = ["render.size_px=128", "photos.apart_deg.high=60"]
CREDIT = Credit("CC-BY-4.0", "the author of the tests", "")
SKY = elsewhere(np.eye(4))[:3, 2].tolist()  # the tests' z axis in the sets' own world
OF_DEPTH = {"marked_point", "covisible_point", "revealed_side", "mirrored", "zoom_or_dolly"}


def make(source, out, *settings, pairs=6, workers=1):
    config = load_photos_config([*SMALL, *settings], source=f"photos:{source}", pairs=pairs, seed=3)
    return make_dataset(out, config, CREDIT, workers)


@pytest.fixture(scope="module")
def shots():
    return photo_sets.ring(8, 28.0, -98.0)


@pytest.fixture(scope="module")
def photographed(tmp_path_factory, shots):
    """Eight photographs of a box from around it, their poses in a world that is turned, scaled and moved."""
    folder = tmp_path_factory.mktemp("photos")
    photo_sets.write_colmap(folder / "sets" / "box", shots)
    ball = ",".join(map(str, [*elsewhere(np.eye(4))[:3, 3], 0.5 * 3.7]))
    make(folder / "sets", folder / "out", f"photos.subject=[{ball}]", f"photos.up={SKY}")
    return folder / "out"


def test_photographs_become_a_dataset_that_validates(photographed):
    report = validate_dataset(photographed, 1)
    assert report.problems == [] and report.samples >= 4 and report.questions > 10
    manifest = json.loads((photographed / "manifest.json").read_text())
    assert manifest["config"]["source"] == "photos:" and str(photographed.parent) not in json.dumps(manifest)
    assert "config_name: real" in (photographed / "README.md").read_text()
    row = next(csv.DictReader((photographed / "attribution.csv").open()))
    assert (row["licence"], row["author"]) == ("CC-BY-4.0", "the author of the tests")


def test_the_truth_is_that_of_the_cameras_that_took_the_pictures(photographed, shots):
    by_name = {shot.name: shot.world_from_camera for shot in shots}
    for stored in iter_samples(photographed):
        sample = stored.sample
        assert sample.proof == "poses" and sample.photographed.vertical == "given"
        first, second = (by_name[name] for name in sample.photographed.names)
        step = first[:3, :3].T @ (second[:3, 3] - first[:3, 3]) / np.linalg.norm(first[:3, 3])
        azimuths = [np.degrees(np.arctan2(pose[1, 3], pose[0, 3])) for pose in (first, second)]
        around = (azimuths[1] - azimuths[0] + 180) % 360 - 180
        assert sample.truth.azimuth_change_deg == pytest.approx(around, abs=0.1)
        # the squares look where the photographs do, or a little aside
        assert np.allclose(np.linalg.norm(sample.truth.translation), np.linalg.norm(step), atol=1e-3)
        assert sample.photographed.stated_share > sample.photographed.mirrored_share


def test_nothing_is_asked_that_poses_alone_do_not_answer(photographed):
    asked = [question for stored in iter_samples(photographed) for question in stored.sample.questions]
    assert not {question.type for question in asked} & OF_DEPTH
    assert {"ego_translation", "ego_rotation"} <= {question.type for question in asked}
    assert all(question.margin >= 1 and question.chain_of_thought is None for question in asked)


def test_the_bytes_depend_on_the_seed_and_not_on_the_processes(tmp_path, photographed):
    sets = photographed.parent / "sets"
    ball = ",".join(map(str, [*elsewhere(np.eye(4))[:3, 3], 0.5 * 3.7]))
    make(sets, tmp_path / "again", f"photos.subject=[{ball}]", f"photos.up={SKY}", workers=2)
    for name in ("test-00000-of-00001.tar", "README.md", "attribution.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (photographed / name).read_bytes()


def test_poses_in_a_mirror_are_not_believed(tmp_path, shots):
    """The cameras of a set whose left and right were exchanged: each pair's own pictures speak against it."""
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    wrong = [shot._replace(world_from_camera=mirror @ shot.world_from_camera @ mirror) for shot in shots[:5]]
    photo_sets.write_transforms(tmp_path / "set", wrong)
    with pytest.raises(InputError, match=r"matches fit"):
        make(tmp_path / "set", tmp_path / "out", f"photos.subject=[{_ball()}]", pairs=4)


def _ball():
    return ",".join(map(str, [*elsewhere(np.eye(4))[:3, 3], 0.5 * 3.7]))


def test_axes_of_opengl_taken_for_opencvs_are_not_believed(tmp_path, shots):
    flipped = [
        shot._replace(world_from_camera=shot.world_from_camera @ np.diag([1.0, -1, -1, 1]))
        for shot in shots[:5]
    ]
    photo_sets.write_transforms(tmp_path / "set", flipped)
    with pytest.raises(InputError):
        make(tmp_path / "set", tmp_path / "out", f"photos.subject=[{_ball()}]", pairs=4)


def test_where_up_is_not_known_only_the_cameras_own_axes_are_asked_about(tmp_path, shots):
    photo_sets.write_transforms(tmp_path / "set", shots)
    make(tmp_path / "set", tmp_path / "out", f"photos.subject=[{_ball()}]", "photos.up=[1.0,0.0,0.0]")
    samples = [stored.sample for stored in iter_samples(tmp_path / "out")]
    assert {sample.photographed.vertical for sample in samples} == {"unknown"}
    types = {question.type for sample in samples for question in sample.questions}
    assert types <= {"ego_translation", "object_translation", "forward_translation", "distance"} and types
    assert any("given is" in reject.reason for reject in read_rejects(tmp_path / "out"))


def test_a_set_that_cannot_be_read_costs_itself_alone(tmp_path, shots):
    photo_sets.write_colmap(tmp_path / "sets" / "good", shots)
    photo_sets.write_colmap(tmp_path / "sets" / "bad", shots[:2], binary=True)
    path = tmp_path / "sets" / "bad" / "sparse" / "0" / "images.bin"
    path.write_bytes(path.read_bytes()[:50])
    manifest = make(tmp_path / "sets", tmp_path / "out", f"photos.subject=[{_ball()}]", pairs=8)
    assert manifest.samples >= 2
    assert any(r.uid == "bad" and "is cut off" in r.reason for r in read_rejects(tmp_path / "out"))


def test_uncertain_poses_widen_the_bands(photographed):
    sample = next(iter_samples(photographed)).sample
    assert 0 < sample.photographed.turn_error_deg < 6 and 0 < sample.photographed.move_error < 0.05
    turn_deg, move = errors_of(2.0, 500.0, 30.0, 1.0)
    assert turn_deg == pytest.approx(1 + 3 * np.degrees(2 / 500), rel=1e-3)
    assert move == pytest.approx(3 * (2 / 500) / 0.5, rel=1e-3)


def test_generate_sends_who_has_photographs_to_the_right_command(tmp_path):
    done = viewpoint100k("generate", tmp_path / "out", "--source", f"photos:{tmp_path}")
    assert done.returncode == 2 and "viewpoint100k photos" in done.stderr


def test_the_command_says_what_is_wrong_in_a_line(tmp_path):
    for arguments, told in (
        (["absent", tmp_path / "out"], "absent is not there"),
        ([tmp_path, tmp_path / "out"], "holds no set of photographs"),
        ([tmp_path, tmp_path / "out", "--up", "1,2"], "--up 1,2: expected x,y,z"),
        ([tmp_path, tmp_path / "out", "--object", "a,b,c,d"], "--object a,b,c,d: expected x,y,z,radius"),
    ):
        done = viewpoint100k("photos", *arguments)
        assert done.returncode == 2 and told in done.stderr.replace("\n", " "), done.stderr
        assert "Traceback" not in done.stderr


def gantry(folder):
    """Rotation (camera from world) and place of each camera of Middlebury's list, read here."""
    cameras = {}
    for line in (folder / "templeSR_par.txt").read_text().splitlines()[1:]:
        name, *numbers = line.split()
        rotation, shift = np.array(numbers[9:18], float).reshape(3, 3), np.array(numbers[18:], float)
        cameras[name] = rotation, -rotation.T @ shift
    return cameras


@pytest.mark.skipif(not (SHARED / "photos").is_dir(), reason="the shared photographs are not here")
def test_a_ring_of_lying_photographs_is_turned_upright_and_its_truth_is_the_gantrys(tmp_path):
    """templeSparseRing is calibrated, and stored on its side.

    The truth anew, from its list of parameters alone.
    """
    source = SHARED / "photos" / "templeSparseRing"
    config = load_photos_config(["photos.apart_deg.high=35"], source=f"photos:{source}", pairs=5)
    make_dataset(tmp_path / "out", config)
    cameras = gantry(source)
    samples = [stored.sample for stored in iter_samples(tmp_path / "out")]
    places = {}
    for sample in samples:
        assert sample.photographed.vertical == "ring" and sample.photographed.matches >= 30
        assert sample.photographed.stated_share > 2 * sample.photographed.mirrored_share
        for name, view in zip(sample.photographed.names, sample.views, strict=True):
            places[name] = np.array(view.world_from_camera)
    ours = np.array([pose[:3, 3] for pose in places.values()])
    theirs = np.array([cameras[name][1] for name in places])
    # the similarity between both worlds, by the places of the cameras (Umeyama, 1991)
    u, _, vt = np.linalg.svd((ours - ours.mean(0)).T @ (theirs - theirs.mean(0)))
    turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    scale = np.linalg.norm(ours - ours.mean(0)) / np.linalg.norm(theirs - theirs.mean(0))
    mapped = {
        name: scale * turn @ (place - theirs.mean(0)) + ours.mean(0) for name, (_, place) in cameras.items()
    }
    assert np.allclose(list(map(mapped.get, places)), ours, atol=1e-4)
    everywhere = np.array([place for _, place in cameras.values()])
    normal = turn @ cv2.PCACompute(everywhere, None)[1][2]
    assert np.degrees(np.arcsin(np.hypot(normal[0], normal[1]))) < 0.2  # up is the axis of the ring
    for sample in samples:
        first, second = sample.photographed.names
        azimuths = [np.degrees(np.arctan2(mapped[name][1], mapped[name][0])) for name in (first, second)]
        around = (azimuths[1] - azimuths[0] + 180) % 360 - 180
        assert sample.truth.azimuth_change_deg == pytest.approx(around, abs=0.2)
        for name in (first, second):  # a quarter turn, and a little aside to have the object in the square
            aside = places[name][:3, :3].T @ turn @ cameras[name][0].T
            upright = aside @ cv2.Rodrigues(np.radians([0, 0, 90.0]))[0]
            turned = [
                np.degrees(np.linalg.norm(cv2.Rodrigues(r)[0]))
                for r in (upright, upright @ np.diag([-1, -1, 1]))
            ]
            assert min(turned) < 6


@pytest.fixture
def both(photographed, tmp_path):
    """The photographs beside pairs that are drawn here, described by one card."""
    stored = make_samples(objects=10, pairs=3, seed=3, size_px=32)  # the last object is for testing
    folder = write_dataset(tmp_path / "both", stored)
    shutil.copytree(photographed, folder / "real", ignore=lambda *_: [".run"])
    rewrite_card(folder)
    return folder


def test_renders_that_are_asked_about_alone_leave_no_photograph_unanswered_and_the_other_way(both, tmp_path):
    """Both have a test split: who predicts one of them was never asked about the other."""
    for folder, source in ((both, "renders"), (both / "real", "photographs")):
        asked = [
            question for stored in iter_samples(folder, "test") for question in stored.sample.fair_questions
        ]
        said = [json.dumps({"question_id": one.id, "prediction": one.answer}) for one in asked]
        (tmp_path / "said.jsonl").write_text("\n".join(said))
        scores, _ = evaluate(tmp_path / "said.jsonl", both)
        assert set(scores.by["source"]) == {source} and scores.answered == len(asked) > 0
        assert (scores.unanswered_ids, scores.unknown_ids) == ([], [])


def test_a_photograph_is_found_by_whoever_inspects_or_removes_it_from_the_folder_of_the_renders(both):
    stored = next(iter_samples(both / "real"))
    shown = viewpoint100k("inspect", both, stored.key)
    assert json.loads(shown.stdout)["photographed"]["names"] == stored.sample.photographed.names
    with pytest.raises(
        InputError, match=r"remove \S+both/real --uid box`, then .*card \S+both --version 1\.1\.0"
    ):
        remove_objects(both, ["box"])


def test_a_card_that_speaks_of_other_photographs_than_there_are_does_not_validate(both):
    """Loaders go by the card: what it leaves out nobody gets, and what changed they take from their cache."""
    assert not [one for one in validate_dataset(both, 1).problems if "photographs" in one.what]
    shutil.move(both / "real", both.parent / "real")
    for name in ("gone", "come"):
        said = [one.what for one in validate_dataset(both, 1).problems if one.where == "README.md"]
        assert len(said) == 1 and re.search(
            r"photographs in real .* viewpoint100k card|`viewpoint100k card", said[0]
        )
        rewrite_card(both)
        assert not [one for one in validate_dataset(both, 1).problems if one.where == "README.md"]
        if name == "gone":
            shutil.move(both.parent / "real", both / "real")


def test_photographs_in_the_cache_of_the_hub_are_read(both, photographed, tmp_path):
    """It keeps files as links to blobs two folders above a snapshot, three above the photographs in it."""
    snapshot = tmp_path / "datasets--org--name" / "snapshots" / ("0" * 40)
    blobs = snapshot.parent.parent / "blobs"
    blobs.mkdir(parents=True)
    for number, path in enumerate(path for path in sorted(both.rglob("*")) if path.is_file()):
        link = snapshot / path.relative_to(both)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, blobs / str(number))
        link.symlink_to(Path(os.path.relpath(blobs / str(number), link.parent)))
    keys = [stored.key for stored in iter_samples(snapshot / "real")]
    assert keys == [stored.key for stored in iter_samples(photographed)]
    assert read_manifest(snapshot / "real").photographed
    outside = tmp_path / "secret.tar"
    outside.write_bytes(b"")
    (snapshot / "real" / "test-00001-of-00002.tar").symlink_to(outside)
    with pytest.raises(InputError, match="leads out of its folder"):
        list(iter_samples(snapshot / "real"))


def test_new_questions_about_renders_keep_the_photographs_beside_them(both, tmp_path):
    requestion(both, tmp_path / "asked")
    now = [stored.sample.photographed.names for stored in iter_samples(tmp_path / "asked" / "real")]
    assert now == [stored.sample.photographed.names for stored in iter_samples(both / "real")]
    assert not [
        one for one in validate_dataset(tmp_path / "asked", 1).problems if "real" in one.where + one.what
    ]


def test_photographs_beside_renders_are_a_configuration_of_their_own(dataset, photographed, tmp_path):
    """Nobody who loads the renders gets them; who asks for `real` does; scores are given for each."""
    both = shutil.copytree(dataset, tmp_path / "both", ignore=lambda *_: [".run"])
    shutil.copytree(photographed, both / "real", ignore=lambda *_: [".run"])
    rewrite_card(both)
    head = yaml.safe_load((both / "README.md").read_text().split("\n---\n")[0].removeprefix("---\n"))
    assert [config["config_name"] for config in head["configs"]] == ["default", "real"]
    assert head["configs"][1]["data_files"] == [{"split": "test", "path": "real/test-*.tar"}]
    assert validate_dataset(both, 1).problems == []
    renders = list(iter_samples(both))
    photographs = list(iter_samples(both / "real"))
    assert {stored.sample.proof for stored in renders} == {"depth"}
    fair = [question for stored in [*renders, *photographs] for question in stored.sample.fair_questions]
    said = [json.dumps({"question_id": one.id, "prediction": one.answer}) for one in fair]
    (tmp_path / "said.jsonl").write_text("\n".join(said))
    scores, cases = evaluate(tmp_path / "said.jsonl", both)
    assert {name: cell.value for name, cell in scores.by["source"].items()} == {
        "renders": 1,
        "photographs": 1,
    }
    assert scores.by["source"]["photographs"].n == sum(
        len(stored.sample.fair_questions) for stored in photographs
    )
    assert pictures_of(both, cases).keys() == {one.id for one in fair}
    alone, _ = evaluate(tmp_path / "said.jsonl", photographed)
    assert alone.by["source"]["photographs"].value == 1
    (both / "real" / "test-00000-of-00001.tar").write_bytes(b"")
    assert any(problem.where.startswith("real/") for problem in validate_dataset(both, 1).problems)


def test_renders_written_out_as_colmap_models_keep_their_truth_and_answers(dataset):
    path = ROOT / "benchmarks" / "photos_roundtrip.py"
    spec = importlib.util.spec_from_file_location("photos_roundtrip", path)
    roundtrip = importlib.util.module_from_spec(spec)
    sys.modules["photos_roundtrip"] = roundtrip
    spec.loader.exec_module(roundtrip)
    assert roundtrip.main(dataset, pairs=6) == 0


def test_loaders_take_the_photographs_with_all_their_columns(photographed):
    datasets = pytest.importorskip("datasets", reason="the loader that the card is for")
    rows = datasets.load_dataset(str(photographed), split="test")
    assert rows[0]["json"]["proof"] == "poses" and rows[0]["json"]["photographed"]["matches"] >= 30
    assert len(rows) == read_manifest(photographed).samples


def test_every_kind_is_either_asked_of_photographs_or_needs_more_than_poses():
    needing = {kind.type for kind in DRAWN_KINDS}
    assert needing >= OF_DEPTH


def test_make_truth_is_the_only_way_to_a_photographs_truth(photographed):
    for stored in iter_samples(photographed):
        views, truth = stored.sample.views, stored.sample.truth
        assert make_truth(views[0], views[1], truth.covisible_fraction, None) == truth
