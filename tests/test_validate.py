"""Whatever is damaged is found and named, with file and sample."""

import hashlib
import io
import json
import re
import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image

from viewpoint100k.config import GateConfig, QuestionConfig
from viewpoint100k.errors import InputError
from viewpoint100k.manifest import read_manifest
from viewpoint100k.questions import ask_all, load_templates
from viewpoint100k.questions.ask import Writer
from viewpoint100k.questions.wording import answer
from viewpoint100k.shards import iter_samples, sha256_file, shard_paths
from viewpoint100k.validate import sample_problems, validate_dataset


@pytest.fixture
def copy(dataset, tmp_path):
    """A copy of the rendered dataset to damage."""
    return shutil.copytree(dataset, tmp_path / "copy")


def problems(dataset):
    return [f"{problem.where}: {problem.what}" for problem in validate_dataset(dataset, 1).problems]


def rewrite(dataset, change, shard=0):
    """Change one sample of a shard by `change(json, members)` and make hashes fit, as a careless editor would.

    It is the first one in which `change` finds what it needs: else that raises StopIteration.
    """
    path = shard_paths(dataset)[shard]
    with tarfile.open(path) as tar:
        members = {info.name: tar.extractfile(info).read() for info in tar}
    for key in dict.fromkeys(name.split(".")[0] for name in members):
        sample = json.loads(members[f"{key}.json"])
        mine = {name: data for name, data in members.items() if name.startswith(f"{key}.")}
        try:
            change(sample, mine)
        except StopIteration:
            continue
        members = {
            name: mine.get(name, data)
            for name, data in members.items()
            if name in mine or not name.startswith(f"{key}.")
        }
        break
    else:
        pytest.skip("no sample of the small dataset has what this change needs")
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


def test_flipped_bytes_are_each_found(dataset, copy):
    rng = np.random.default_rng(0)
    for path in shard_paths(copy):
        original = path.read_bytes()
        for place in rng.integers(0, len(original), 8):
            damaged = bytearray(original)
            damaged[place] ^= int(rng.integers(1, 256))
            path.write_bytes(damaged)
            assert any(path.name in line for line in problems(copy))
        path.write_bytes(original)
    assert problems(copy) == []


def some_question(sample, **fields):
    """The first question with these fields; one with options if nothing else is said."""
    fields = fields or {"answer_form": "letter"}
    return next(q for q in sample["questions"] if all(q[name] == value for name, value in fields.items()))


def flip_answer(sample, members):
    question = some_question(sample)
    question["answer_index"] = (question["answer_index"] + 1) % len(question["options"])
    question["answer"] = "ABCD"[question["answer_index"]]


def flip_answer_and_options(sample, members):
    """A consistent lie: the options change places, the letter stays."""
    question = some_question(sample)
    a, b = question["answer_index"], (question["answer_index"] + 1) % len(question["options"])
    question["options"][a], question["options"][b] = question["options"][b], question["options"][a]
    lines = question["prompt"].split("\n")
    for place in (a, b):
        lines[1 + place] = f"{'ABCD'[place]}. {question['options'][place]}"
    question["prompt"] = "\n".join(lines)


def mirror_yaw(sample, members):
    sample["truth"]["yaw_deg"] = -sample["truth"]["yaw_deg"] - 1


def move_camera(sample, members):
    sample["views"][1]["world_from_camera"][0][3] += 0.01


def bend_camera(sample, members):
    sample["views"][0]["world_from_camera"][0][0] *= 1.1


def swap_options(sample, members):
    question = some_question(sample)
    question["options"] = question["options"][1:] + question["options"][:1]


def foreign_option(sample, members):
    some_question(sample)["options"][0] = "sideways"


def raise_margin(sample, members):
    sample["questions"][0]["margin"] += 1


def other_letter(sample, members):
    some_question(sample)["answer"] = "J"


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


def set_field(*path, value):
    """A change that sets one field, found by its path."""

    def change(sample, members):
        at = sample
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = value(at[path[-1]]) if callable(value) else value

    return change


def set_in_question(which, **fields):
    """A change of one question; a function gets the old value."""

    def change(sample, members):
        question = some_question(sample, **which)
        for name, value in fields.items():
            question[name] = value(question[name]) if callable(value) else value

    return change


def hide_right_option(sample, members):
    question = some_question(sample)
    question["options"][question["answer_index"]] = question["options"][question["answer_index"] - 1]


def one_option_less(sample, members):
    question = some_question(sample)
    if question["answer_index"] == len(question["options"]) - 1:
        raise StopIteration
    gone = question["options"].pop()
    question["prompt"] = "\n".join(
        line for line in question["prompt"].split("\n") if not line.endswith(f". {gone}")
    )


def forget_the_lens(sample, members):
    question = next(q for q in sample["questions"] if "field of view" in q["prompt"].split("\n")[0])
    first, _, rest = question["prompt"].partition("\n")
    question["prompt"] = (
        re.sub(r"(Both images have a|The) horizontal field of view.*", "", first).strip() + "\n" + rest
    )


def another_lens(sample, members):
    question = next(q for q in sample["questions"] if "field of view" in q["prompt"].split("\n")[0])
    question["prompt"] = re.sub(r"\d\d degrees", "33 degrees", question["prompt"], count=1)


LETTER, NUMBER, DIGIT = {"answer_form": "letter"}, {"answer_form": "number"}, {"answer_form": "digit"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_field("truth", "focal_ratio", value=1.9), "truth.focal_ratio"),
        (set_field("truth", "azimuth_deg", value=lambda v: v + 1), "truth.azimuth_deg"),
        (set_field("truth", "elevation_deg", value=lambda v: -v - 1), "truth.elevation_deg"),
        (set_field("truth", "pitch_deg", value=lambda v: v + 0.001), "truth.pitch_deg"),
        (set_field("views", 1, "hfov_deg", value=lambda v: v + 1), "views.1.hfov_deg"),
        (set_field("views", 0, "intrinsics", 0, 0, value=lambda v: 1.3 * v), "truth.focal_ratio"),
        (set_field("views", 0, "object_box", value=[0.0, 0.0, 65.0, 64.0]), "views.0.object_box"),
        (set_field("views", 1, "object_box", value=[30.0, 30.0, 20.0, 40.0]), "views.1.object_box"),
        (set_field("views", 1, "object_box", value=[30.0, 30.0, 40.0]), "object_box"),
        (set_field("views", 1, "object_share", value=0.9999), "views.1.object_share"),
        (set_field("views", 1, "object_share", value=1.5), "object_share"),
        (set_field("decidability", value={"translation": 1.0}), "decidability"),
        (set_in_question(LETTER, decidability=lambda v: v + 0.01), "decidability"),
        (set_in_question(LETTER, images=[1, 0]), "shows the views"),
        (set_in_question(LETTER, images=[0, 0]), "shows the views"),
        (set_in_question(LETTER, images=[0, 2]), "shows the views"),
        (set_in_question(LETTER, images=[]), "shows the views"),
        (set_in_question(LETTER, frame="nowhere"), "no such kind"),
        (set_in_question(LETTER, id="another"), "id"),
        (set_in_question(LETTER, answer_form="digit"), "does not score 1"),
        (set_in_question(LETTER, answer_form="number"), "answer_form"),
        (set_in_question(LETTER, answer_form="song"), "answer_form"),
        (set_in_question(LETTER, value=3.0), "value"),
        (set_in_question(LETTER, answer=lambda v: f"It is {v}"), "does not score 1"),
        (set_in_question(NUMBER, value=lambda v: v + 1), "value"),
        (set_in_question(NUMBER, answer=lambda v: str(int(v) + 1)), "does not score 1"),
        (set_in_question(NUMBER, answer_index=0), "answer_index"),
        (set_in_question(NUMBER, answer_form="word"), "answer_form"),
        (set_in_question(NUMBER, options=["a", "b"]), "options"),
        (set_in_question(DIGIT, answer=lambda v: str(int(v) % 3 + 1)), "does not score 1"),
        (set_in_question(DIGIT, answer_form="letter"), "does not score 1"),
        (hide_right_option, "options"), (one_option_less, "options"), (flip_answer_and_options, "answer_index"),
        (forget_the_lens, "lens"), (another_lens, "lens"),
    ],
)  # fmt: skip
def test_a_fault_in_what_a_question_says_of_itself_is_found(change, words, copy):
    where = rewrite(copy, change)
    found = [line for line in problems(copy) if where in line or where.split(",")[0] in line]
    assert any(words in line for line in found), found


def test_the_right_pose_with_a_wrong_sign_in_one_answer_is_found_for_every_kind(dataset, monkeypatch):
    """Each question's answer is changed to each of its other options, with letters and prompt left consistent.

    All that could be asked is asked here: of a small shard, thinning leaves some kinds out.
    """
    monkeypatch.setattr("viewpoint100k.questions.ask.balanced", lambda candidates, views, rng: candidates)
    seen = set()
    manifest = read_manifest(dataset)
    gates = GateConfig.model_validate(manifest.config["gates"])
    rng, templates = np.random.default_rng(0), load_templates()
    for stored in iter_samples(dataset):
        (questions,) = ask_all(
            [stored.key], [stored.sample], gates, Writer(QuestionConfig(), templates, 0), rng
        )
        for question in questions:
            for place in range(len(question.options)):
                if place == question.answer_index:
                    continue
                lie = answer(question.options, place, question.answer_form, None)
                changed = question.model_copy(update={"answer_index": place, "answer": lie})
                sample = stored.sample.model_copy(update={"questions": [changed]})
                found = list(sample_problems(stored._replace(sample=sample), sample.split, manifest, gates))
                assert any("answer_index" in line for line in found), question.id
                seen.add(question.type)
    assert len(seen) >= 12


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip_answer, "answer_index"), (mirror_yaw, "truth.yaw_deg"), (move_camera, "truth.translation"),
        (bend_camera, "not rigid"), (swap_options, "answer_index"), (foreign_option, "sideways"), (raise_margin, "margin"),
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


@pytest.mark.parametrize(
    ("schema", "remedy"), [(4, "requestion .* NEW_FOLDER"), (99, "a newer viewpoint100k")]
)
def test_a_dataset_of_another_schema_is_refused_with_what_to_do(schema, remedy, copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"schema_version": schema}))
    with pytest.raises(InputError, match=f"has schema {schema}; .*{remedy}"):
        validate_dataset(copy, 1)


def test_nothing_may_be_missing_from_the_manifest(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    for name in manifest:
        (copy / "manifest.json").write_text(
            json.dumps({key: value for key, value in manifest.items() if key != name})
        )
        if name == "code_commit":  # early manifests lack it, and their samples too
            said = read_manifest(copy).code_commit is None and validate_dataset(copy).problems
            assert said == [] if manifest[name] is None else "code_commit" in said[0].what
            continue
        if name == "words":  # manifests before schema 5 lack them
            assert ["words" in problem.what for problem in validate_dataset(copy).problems] == [True]
            continue
        with pytest.raises(InputError, match=f"manifest.*{name}|1 validation error"):
            validate_dataset(copy, 1)


def test_the_manifest_lists_the_hashes_that_the_files_have(dataset):
    manifest = json.loads((dataset / "manifest.json").read_text())
    for entry in manifest["shards"]:
        data = (dataset / entry["name"]).read_bytes()
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
