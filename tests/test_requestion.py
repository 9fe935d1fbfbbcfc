"""Other questions for a dataset that is there, without rendering; and the page that shows one of each kind."""

import hashlib
import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from support import audit_sets as sets
from support.kinds import options_of, with_wordings, words_tree

from viewpoint100k.config import QuestionConfig, RunConfig
from viewpoint100k.errors import InputError
from viewpoint100k.pipeline import plan_run, render_shard
from viewpoint100k.questions import KINDS, load_templates
from viewpoint100k.requestion import requestion
from viewpoint100k.shards import iter_samples
from viewpoint100k.validate import validate_dataset


def contents(dataset):
    return {stored.key: stored for stored in iter_samples(dataset)}


def digest(dataset):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(dataset.glob("*.tar"))
    }


def test_the_same_settings_give_the_same_shards(dataset, tmp_path):
    requestion(dataset, tmp_path / "again")
    assert digest(tmp_path / "again") == digest(dataset)


def test_new_wordings_come_into_every_question_and_nothing_else_changes(dataset, tmp_path):
    filled = {
        kind: " ".join(sorted({*re.findall(r"{\w+}", ours["train"][0])}))
        for kind, ours in load_templates().wordings.items()
    }
    mine = {
        kind: {"train": [f"Mine: which {gaps}?"], "test": [f"Mine: what {gaps}?"]}
        for kind, gaps in filled.items()
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(with_wordings(mine)))
    requestion(
        dataset,
        tmp_path / "out",
        [f"questions.templates={tmp_path / 'mine.yaml'}", "questions.other_forms=0"],
    )
    before, after = contents(dataset), contents(tmp_path / "out")
    assert set(before) == set(after)
    for key, stored in after.items():
        assert stored.images == before[key].images
        assert (
            stored.sample.truth == before[key].sample.truth and stored.sample.seen == before[key].sample.seen
        )
        assert all(question.prompt.startswith("Mine: ") for question in stored.sample.questions)
        assert all(question.answer_form in ("letter", "number") for question in stored.sample.questions)
    assert validate_dataset(tmp_path / "out").problems == []
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["config_hash"] != json.loads((dataset / "manifest.json").read_text())["config_hash"]


def test_a_wording_that_cannot_be_used_stops_it_before_anything_is_read_or_written(dataset, tmp_path):
    """Also of a kind that this dataset has no pictures for."""
    ours = words_tree()
    ours["count/camera"]["test"] = ["How many things are near {a}?"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(ours))
    wanted = r"count/camera, test, .*'How many things are near \{a\}\?': lacks \{relation\}"
    with pytest.raises(InputError, match=wanted):
        requestion(dataset, tmp_path / "out", [f"questions.templates={tmp_path / 'mine.yaml'}"])
    with pytest.raises(InputError, match=wanted):
        plan_run(tmp_path / "out", RunConfig(questions=QuestionConfig(templates=str(tmp_path / "mine.yaml"))))
    assert not (tmp_path / "out").exists()


def test_wordings_that_were_spoiled_since_the_plan_stop_a_shard_before_it_renders(dataset, tmp_path):
    ours = words_tree()
    file, out = tmp_path / "mine.yaml", tmp_path / "run"
    file.write_text(yaml.safe_dump(ours))
    plan = plan_run(out, RunConfig(pairs=8, questions=QuestionConfig(templates=str(file))))
    file.write_text(
        yaml.safe_dump(with_wordings({"hops/camera": {"train": ["{move}?"], "test": ["{move}?"]}}))
    )
    with pytest.raises(InputError, match=r"hops/camera, train, wording 1 of 1, '\{move\}\?': lacks \{a\}"):
        render_shard(out, plan.shards[0].number)
    assert not list(out.glob(".run/progress/*")) and not list(out.glob(".run/tmp/*"))


def test_what_needs_a_new_render_is_refused_and_nothing_is_written(dataset, tmp_path):
    with pytest.raises(InputError, match="needs a new render"):
        requestion(dataset, tmp_path / "out", ["render.size_px=32"])
    with pytest.raises(InputError, match="templates"):
        requestion(dataset, tmp_path / "out", [f"questions.templates={tmp_path / 'none.yaml'}"])
    assert not (tmp_path / "out").exists()


def test_what_the_second_opinion_contradicts_is_not_written(tmp_path):
    """Dots that lie beside the object in image 2 can be neither seen nor hidden there; nothing else speaks of that box."""

    def asked_of(name, stored):
        requestion(sets.write_dataset(tmp_path / name, stored), tmp_path / f"{name}-again")
        again = iter_samples(tmp_path / f"{name}-again")
        return Counter(question.type for one in again for question in one.sample.questions)

    fair = sets.make_figures(objects=8, arcs=0, stars=0)
    faulty = []
    for one in fair:
        aside = one.sample.views[1].model_copy(
            update={"object_box": [0.0, 0.0, 20.0, 20.0], "object_share": 0.03}
        )
        faulty.append(sets.changed(one, views=[one.sample.views[0], aside]))
    assert asked_of("fair", fair)["covisible_point"] > 0
    after = asked_of("faulty", faulty)
    assert after["covisible_point"] == 0
    assert after.total() > 50


def test_settings_by_which_nothing_can_be_asked_are_refused_by_name(tmp_path):
    pairs = sets.write_dataset(tmp_path / "data", sets.make_samples(objects=3, pairs=2, seed=1, size_px=32))
    with pytest.raises(InputError, match="by these settings nothing can be asked about any of its 6 samples"):
        requestion(pairs, tmp_path / "out", ["gates.min_decidability=0.999"])


def test_a_folder_that_holds_something_is_not_written_into(dataset, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        requestion(dataset, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_page_of_questions_shows_every_kind_and_comes_from_the_registry():
    pages = {
        name: (Path(__file__).resolve().parents[1] / "docs" / name).read_text()
        for name in ("questions.md", "questions_scenes.md")
    }
    for kind in KINDS:
        page = pages["questions_scenes.md" if kind.tier == "C" else "questions.md"]
        assert f"\n## {kind.name}\n" in page
        assert (
            Path(__file__).parents[1]
            / "docs"
            / "pictures"
            / "questions"
            / f"{kind.name.replace('/', '-')}.jpg"
        ).is_file()
        assert all(option in page for option in options_of(kind))


def test_a_dataset_without_every_kind_is_no_source_for_that_page(dataset, tmp_path):
    path = Path(__file__).resolve().parents[1] / "docs" / "questions.py"
    spec = importlib.util.spec_from_file_location("docs_questions", path)
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    with pytest.raises(SystemExit, match="no example of"):
        page.write([dataset], tmp_path)
    assert not list(tmp_path.iterdir())
