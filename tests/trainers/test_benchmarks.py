"""Benchmarks whose questions stand beside files: MindCube, ViewSpatial-Bench, SPAR-Bench, VSI-Bench. Made-up rows in the
layout that each documents; and rows that are not as documented, which are refused by name.
"""

import json

import numpy as np
import pytest
from PIL import Image

datasets = pytest.importorskip("datasets", reason="needs the extra [train]")

from trainers.benchmarks import load_benchmark, load_named, score_benchmark  # noqa: E402
from viewpoint100k import InputError  # noqa: E402

MINDCUBE = [
    {
        "id": "rotation_group000_q1_1",
        "category": ["perpendicular", "PP", "rotation", "self"],
        "type": "three_view",
        "meta_info": ["chair and white board", "door"],
        "question": "Image 2 was taken after turning the camera 90 degrees to the right. If you are standing at the "
        "viewpoint of image 1, what is to your right? A. Chair and white board B. Door C. Two chairs",
        "images": ["other_all_image/rotation/a.png", "other_all_image/rotation/b.png"],
        "gt_answer": "B",
    },
    {
        "id": "aroundnew_q7",
        "category": ["linear"],
        "type": "two_view",
        "meta_info": [[4], ["sofa"]],  # another type than in the row above
        "question": "Which is nearer to you then? A. Sofa B. Lamp",
        "images": ["other_all_image/rotation/b.png"],
        "gt_answer": "A",
    },
]
VIEWSPATIAL = [
    {
        "question_type": "Person perspective - Relative Direction",
        "image_path": ["ViewSpatial-Bench/val2017/1.jpg"],
        "question": "From the perspective of the woman, where is the bus?",
        "answer": "C. front-right",
        "choices": "A. left\nB. back\nC. front-right\nD. right",
    },
    {
        "question_type": "Camera perspective - Relative Direction",
        "image_path": ["ViewSpatial-Bench/val2017/1.jpg"],
        "question": "Where is the cup from the jug?",
        "answer": "A. left",
        "choices": "A. left\nB. back\nC. front\nD. right",
    },
]
SPAR = [
    {
        "id": 3,
        "img_type": "multi_view",
        "format_type": "select",
        "task": "camera_motion_infer",
        "source": "scannet",
        "image": [],
        "question": "Where was the camera of the second picture?\nA. (12,500)\nB. (860,430)\nC. (400,90)\nD. (7,7)",
        "answer": "B",
    },
    {
        "id": 4,
        "img_type": "single_view",
        "format_type": "fill",
        "task": "depth_prediction_oc",
        "source": "scannet",
        "image": [],
        "question": "How far is the box, in metres?",
        "answer": "1.6",
    },
    {
        "id": 5,
        "img_type": "multi_view",
        "format_type": "fill",
        "task": "view_change_infer",
        "source": "scannet",
        "image": [],
        "question": "How did the camera move?",
        "answer": "move_right:0.3,rotate_left:20",
    },
]
VSI = [
    {
        "id": 0,
        "dataset": "scannet",
        "scene_name": "scene0001",
        "question_type": "object_rel_direction_hard",
        "question": "Standing by the stove and facing the tv, where is the sofa?",
        "ground_truth": "A",
        "options": ["A. front-left", "B. back-left"],
    },
    {
        "id": 1,
        "dataset": "scannet",
        "scene_name": "scene0001",
        "question_type": "object_counting",
        "question": "How many chairs are in this room?",
        "ground_truth": "4",
        "options": None,
    },
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def save(path, grey):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (grey, grey, grey)).save(path)
    return path


def mindcube(folder, rows=MINDCUBE):
    for grey, name in enumerate("ab"):
        save(folder / f"other_all_image/rotation/{name}.png", 40 + 60 * grey)
    (folder / "raw").mkdir()
    (folder / "raw" / "MindCube_tinybench.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def viewspatial(folder, rows=VIEWSPATIAL):
    save(folder / "val2017/1.jpg", 90)
    (folder / "ViewSpatial-Bench.json").write_text(json.dumps(rows))
    return folder


def spar(folder, rows=SPAR):
    folder.mkdir(exist_ok=True)
    picture = {"bytes": save(folder.parent / "one.png", 30).read_bytes(), "path": None}
    features = {name: datasets.Value("int64" if name == "id" else "string") for name in rows[0]}
    features["image"] = datasets.List(datasets.Image())
    filled = [row | {"image": [picture, picture]} for row in rows]
    datasets.Dataset.from_list(filled, features=datasets.Features(features)).to_parquet(
        folder / "test-0.parquet"
    )
    return folder


def vsi(folder, rows=VSI):
    """A video of 64 frames, each as bright as its number."""
    cv2 = pytest.importorskip("cv2", reason="needs the extra [photos]")
    (folder / "scannet").mkdir(parents=True)
    out = cv2.VideoWriter(
        str(folder / "scannet/scene0001.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 24, (64, 48)
    )
    for number in range(64):
        out.write(np.full((48, 64, 3), 3 * number, np.uint8))
    out.release()
    datasets.Dataset.from_list(rows).to_parquet(folder / "test-00000-of-00001.parquet")
    return folder


def brightness(picture):
    return float(np.asarray(picture.convert("L"), float).mean())


def test_mindcube_is_read_from_its_own_files(tmp_path):
    rows = load_benchmark("mindcube", str(mindcube(tmp_path / "data")))
    first, second = rows
    assert first["options"] == ["Chair and white board", "Door", "Two chairs"]
    assert (first["answer"], first["answer_index"], first["type"]) == ("B", 1, "rotation")
    assert "A. Chair and white board\nB. Door" in first["prompt"] and "right? A." not in first["prompt"]
    assert [brightness(picture) for picture in first["images"]] == [40, 100]
    assert (second["type"], second["family"]) == ("around", "viewpoints")


def test_viewspatial_is_read_from_its_own_files_and_other_perspectives_are_marked(tmp_path):
    rows = load_benchmark("viewspatial", str(viewspatial(tmp_path / "bench")))
    assert [row["options"][row["answer_index"]] for row in rows] == ["front-right", "left"]
    assert [row["family"] for row in rows] == ["viewpoints", None]
    assert brightness(rows[0]["images"][0]) == pytest.approx(90, abs=2)


def test_spar_bench_asks_for_letters_and_numbers_and_leaves_lists_of_motions_out(tmp_path):
    motion, depth = load_benchmark("spar-bench", str(spar(tmp_path / "spar")))
    assert motion["options"][motion["answer_index"]] == "(860,430)"
    assert motion["family"] == "viewpoints" and "0 to 1000" in motion["prompt"]
    assert (depth["value"], depth["options"], depth["family"]) == (1.6, [], None)
    assert len(motion["images"]) == 2


def test_vsi_bench_shows_frames_of_the_video_in_order(tmp_path):
    where, count = load_benchmark("vsi-bench", str(vsi(tmp_path / "vsi")))
    assert (where["options"], where["answer"], where["family"]) == (
        ["front-left", "back-left"],
        "A",
        "viewpoints",
    )
    assert (count["value"], count["family"]) == (4.0, None)
    seen = [brightness(picture) / 3 for picture in where["images"]]
    assert seen == pytest.approx([4 * i + 2 for i in range(16)], abs=2)


def test_numbers_count_by_nearness_and_viewpoints_have_a_score_of_their_own(tmp_path):
    rows = load_benchmark("spar-bench", str(spar(tmp_path / "spar")))
    said = tmp_path / "said.jsonl"
    lines = [("spar-3", "B"), ("spar-4", "about 2.0 m")]  # 25 % off: within six of ten tolerances
    said.write_text("\n".join(json.dumps({"question_id": name, "prediction": text}) for name, text in lines))
    scores = score_benchmark(rows, said)
    assert scores["viewpoints"] == (1.0, 1)
    assert scores["depth_prediction_oc"].right == pytest.approx(0.6)
    assert scores["all"].right == pytest.approx(0.8)
    assert scores["unreadable"].right == 0


def test_only_questions_about_viewpoints_are_asked_if_so_named(tmp_path):
    folder = viewspatial(tmp_path / "bench")
    assert [row["type"] for row in load_named(f"viewspatial:{folder}#viewpoints")] == [
        "Person perspective - Relative Direction"
    ]
    assert len(load_named(f"viewspatial:{folder}")) == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"images": ["../../secret.png"]}, "row 1: '../../secret.png' leads out of"),
        ({"images": ["/etc/hostname"]}, "row 1: '/etc/hostname' leads out of"),
        ({"images": ["other_all_image/none.png"]}, "row 1: .* has no file"),
        ({"images": ["link.png"]}, "row 1: 'link.png' leads out of"),
        ({"images": "a.png"}, "row 1: column 'images' is 'a.png'; expected a list"),
        ({"images": []}, "row 1: column 'images'"),
        ({"gt_answer": "E"}, "row 1: the answer is E, but there are 2 options"),
        ({"gt_answer": None}, "row 1: the answer is None; expected a letter"),
        ({"question": "Which is it?"}, "row 1: expected options A., B., ..."),
        ({"question": "Which? A. one C. two"}, "row 1: expected options A., B., ..."),
        ({"question": 7}, "row 1: column 'question' is '7'; expected text"),
        ({"id": ["x"]}, "row 1: column 'id'"),
    ],
)
def test_a_row_that_is_not_as_documented_is_refused_by_name(change, complaint, tmp_path):
    folder = mindcube(tmp_path / "data", [MINDCUBE[0], MINDCUBE[1] | change])
    save(tmp_path / "outside.png", 1)
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(InputError, match=f"mindcube, {complaint}"):
        load_benchmark("mindcube", str(folder))


def test_missing_columns_broken_lines_and_other_files_are_errors_that_name_them(tmp_path):
    without = [{name: value for name, value in MINDCUBE[0].items() if name != "gt_answer"}]
    with pytest.raises(InputError, match="row 0: there is no column 'gt_answer'"):
        load_benchmark("mindcube", str(mindcube(tmp_path / "a", without)))
    with pytest.raises(InputError, match=r"mindcube, row 0: it is .* expected an object"):
        load_benchmark("mindcube", str(mindcube(tmp_path / "b", [[1, 2]])))
    folder = viewspatial(tmp_path / "c", {"rows": []})
    with pytest.raises(InputError, match="expected a list of rows"):
        load_benchmark("viewspatial", str(folder))
    wrong = [VIEWSPATIAL[0] | {"answer": "C. left"}]
    with pytest.raises(InputError, match=r"viewspatial, row 0: the answer is 'C. left', which is none"):
        load_benchmark("viewspatial", str(viewspatial(tmp_path / "d", wrong)))
    zero = [SPAR[1] | {"answer": "0"}]
    with pytest.raises(InputError, match="spar-bench, row 0: the answer is '0'; an error relative to it"):
        load_benchmark("spar-bench", str(spar(tmp_path / "e", zero)))


def test_a_video_that_is_none_is_an_error(tmp_path):
    folder = vsi(tmp_path / "vsi")
    (folder / "scannet/scene0001.mp4").write_bytes(b"no video" * 99)
    with pytest.raises(InputError, match=r"vsi-bench, row 0: scene0001.mp4 is no video"):
        load_benchmark("vsi-bench", str(folder))
    away = [VSI[0] | {"scene_name": "../../etc/passwd"}]
    with pytest.raises(InputError, match=r"vsi-bench, row 0: .* leads out of"):
        load_benchmark("vsi-bench", str(vsi(tmp_path / "away", away)))
