"""Whatever is damaged is found and named, with file and sample."""

import hashlib
import io
import json
import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image

from viewpoint100k.errors import InputError
from viewpoint100k.shards import iter_samples, sha256_file, shard_paths
from viewpoint100k.validate import validate_dataset


@pytest.fixture
def copy(dataset, tmp_path):
    """A copy of the rendered dataset to damage."""
    return shutil.copytree(dataset, tmp_path / "copy")


def problems(dataset):
    return [f"{problem.where}: {problem.what}" for problem in validate_dataset(dataset, 1).problems]


def rewrite(dataset, change, shard=0):
    """Change the first sample of a shard by `change(json, members)` and make hashes fit, as a careless editor would."""
    path = shard_paths(dataset)[shard]
    with tarfile.open(path) as tar:
        members = {info.name: tar.extractfile(info).read() for info in tar}
    key = next(iter(members)).split(".")[0]
    sample = json.loads(members[f"{key}.json"])
    change(sample, members)
    members[f"{key}.json"] = json.dumps(sample).encode()
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    manifest = json.loads((dataset / "manifest.json").read_text())
    entry = next(e for e in manifest["shards"] if e["name"] == path.name)
    entry.update(sha256=sha256_file(path), bytes=path.stat().st_size)
    (dataset / "manifest.json").write_text(json.dumps(manifest))
    return f"{path.name}, {key}"


def test_the_untouched_dataset_has_no_problem(dataset):
    report = validate_dataset(dataset, 1)
    assert report.problems == []
    assert (report.samples, report.shards) == (24, len(shard_paths(dataset)))


def test_a_hundred_flipped_bytes_are_each_found(dataset, copy):
    rng = np.random.default_rng(0)
    for path in shard_paths(copy):
        original = path.read_bytes()
        for place in rng.integers(0, len(original), 20):
            damaged = bytearray(original)
            damaged[place] ^= int(rng.integers(1, 256))
            path.write_bytes(damaged)
            assert any(path.name in line for line in problems(copy))
        path.write_bytes(original)
    assert problems(copy) == []


def flip_answer(sample, members):
    question = sample["questions"][0]
    question["answer_index"] = (question["answer_index"] + 1) % 3
    question["answer"] = "ABC"[question["answer_index"]]


def mirror_yaw(sample, members):
    sample["truth"]["yaw_deg"] = -sample["truth"]["yaw_deg"] - 1


def move_camera(sample, members):
    sample["views"][1]["world_from_camera"][0][3] += 0.01


def bend_camera(sample, members):
    sample["views"][0]["world_from_camera"][0][0] *= 1.1


def swap_options(sample, members):
    question = sample["questions"][0]
    question["options"] = question["options"][::-1]


def foreign_option(sample, members):
    sample["questions"][0]["options"][0] = "sideways"


def raise_margin(sample, members):
    sample["questions"][0]["margin"] += 1


def other_letter(sample, members):
    sample["questions"][0]["answer"] = "D"


def other_prompt(sample, members):
    sample["questions"][0]["prompt"] += " Hint: it is A."


def black_picture(sample, members):
    name = next(name for name in members if name.endswith("view_0.jpg"))
    out = io.BytesIO()
    Image.new("RGB", (32, 32)).save(out, "JPEG")
    members[name] = out.getvalue()


def torn_picture(sample, members):
    name = next(name for name in members if name.endswith("view_1.jpg"))
    members[name] = members[name][:300]


def no_picture(sample, members):
    del members[next(name for name in members if name.endswith("view_1.jpg"))]


def other_run(sample, members):
    sample["provenance"]["config_hash"] = "0" * 12


def other_split(sample, members):
    sample["split"] = "test"


def extra_field(sample, members):
    sample["comment"] = "hello"


def no_questions(sample, members):
    sample["questions"] = []


def number_as_text(sample, members):
    sample["truth"]["roll_deg"] = "flat"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip_answer, "answer_index"), (mirror_yaw, "truth.yaw_deg"), (move_camera, "truth.translation"),
        (bend_camera, "not rigid"), (swap_options, "options"), (foreign_option, "sideways"), (raise_margin, "margin"),
        (other_letter, "does not score 1"), (other_prompt, "prompt"), (black_picture, "intrinsics"),
        (torn_picture, "cannot be decoded"), (no_picture, "1 images for 2 views"), (other_run, "settings"), (other_split, "split"),
        (extra_field, "comment"), (no_questions, "no question"), (number_as_text, "roll_deg"),
    ],
)  # fmt: skip
def test_an_edit_with_fitting_hashes_is_found_and_the_sample_named(change, words, copy):
    where = rewrite(copy, change)
    found = problems(copy)
    assert any(words in line for line in found), found
    assert any(where.split(", ")[0] in line and where.split(", ")[1] in line for line in found), found


def test_an_object_in_two_splits_is_found(copy):
    uid = next(iter_samples(copy, "train")).sample.object.model_dump()
    rewrite(copy, lambda sample, members: sample["object"].update(uid), shard=len(shard_paths(copy)) - 1)
    assert any("is in split" in line for line in problems(copy))


def test_swapped_shards_are_found(copy):
    first, second = shard_paths(copy)[:2]
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert {first.name, second.name} <= {line.split(":")[0] for line in problems(copy)}


def test_a_missing_and_a_stray_shard_are_found(copy):
    shard_paths(copy)[0].rename(copy / "train-00099-of-00099.tar")
    found = problems(copy)
    assert any("not there" in line for line in found)
    assert any("train-00099" in line and "not listed" in line for line in found)


@pytest.mark.parametrize("name", ["README.md", "attribution.csv"])
@pytest.mark.parametrize("text", ["", "---\nconfigs: []\n---\n", "uid,title\nnobody,x\n"])
def test_a_damaged_card_or_attribution_is_found(name, text, copy):
    (copy / name).write_text(text)
    assert any(line.startswith(name) for line in problems(copy))


def test_a_card_with_one_wrong_type_is_found(copy):
    card = (copy / "README.md").read_text()
    assert "float64" in card
    (copy / "README.md").write_text(card.replace("float64", "int64", 1))
    assert any("features" in line for line in problems(copy))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": 1}'])
def test_a_damaged_manifest_is_an_error_that_names_it(text, copy):
    (copy / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="manifest"):
        validate_dataset(copy, 1)


def test_the_manifest_lists_the_hashes_that_the_files_have(dataset):
    manifest = json.loads((dataset / "manifest.json").read_text())
    for entry in manifest["shards"]:
        data = (dataset / entry["name"]).read_bytes()
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
