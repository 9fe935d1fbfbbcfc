"""One command from dataset to report: what is planned, what is refused, what is not run twice, what is shown."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

pytest.importorskip("trl", reason="needs the extra [train]")

from support.audit_sets import make_samples, write_dataset

from trainers import grpo, predict, recipe, sft
from trainers.recipe import Stage, main, plan, read_recipe
from viewpoint100k import InputError
from viewpoint100k.shards import iter_samples

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in (ROOT / "trainers" / "recipes").glob("*.yaml"))
SMALL = {
    "about": "a test",
    "data": {"path": "data"},
    "sft": {"config": "tiny_cpu", "options": {"max_steps": 1, "save_strategy": "steps", "save_steps": 1}},
    "ask": {"letter": {"limit": 4, "max_new_tokens": 4, "batch_size": 2}},
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    stored = make_samples(objects=12, pairs=10, seed=1, size_px=32)
    return write_dataset(tmp_path_factory.mktemp("recipe") / "data", stored)


def written(path, **changes):
    path.write_text(yaml.safe_dump(SMALL | changes))
    return str(path)


def options_of(script):
    from trl import TrlParser

    parser = TrlParser((predict.PredictArguments,)) if script is predict else script.parser()
    return set(parser._option_string_actions)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_command_of_a_shipped_recipe_has_options_that_its_script_knows(name, tmp_path):
    """A night of eight cards must not end at a misspelt option of the second stage."""
    known = {"trainers.sft": sft, "trainers.grpo": grpo, "trainers.predict": predict}
    stages = plan(read_recipe(name), tmp_path, 0)
    assert [stage.name for stage in stages if stage.name != "model"] == [
        "data", "before", "sft", "after_sft", "grpo", "after_grpo",
    ]  # fmt: skip
    looked = set()
    for command in (command for stage in stages for command in stage.commands):
        module = next((word for word in command if word in known), None)
        if module is not None:
            looked.add(module)
            given = command[command.index(module) :]
            assert {word for word in given if word.startswith("--")} - {"--config"} <= options_of(
                known[module]
            )
    assert looked == set(known)


def test_each_stage_starts_from_what_the_one_before_left(tmp_path):
    commands = {
        stage.name: " ".join(stage.commands[-1]) for stage in plan(read_recipe("laptop"), tmp_path, 1)
    }
    folder = tmp_path / "seed-1"
    for stage, model in (("before", "model"), ("sft", "model"), ("after_sft", "sft"), ("after_grpo", "grpo")):
        assert re.search(rf"--model(_name_or_path)? {folder / model} ", commands[stage])
    assert f"--model_name_or_path {folder / 'sft'} " in commands["grpo"]


def test_a_launcher_is_put_before_training_and_before_nothing_else(tmp_path):
    stages = plan(read_recipe("paper_8gpu"), tmp_path, 0)
    launched = [stage.name for stage in stages if "accelerate.commands.launch" in stage.commands[0]]
    assert launched == ["sft", "grpo"]
    assert any(word.endswith("fsdp2.yaml") for word in stages[2].commands[0])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"sft": {"config": "tiny_gpu"}}, "--config tiny_gpu: there is no such file"),
        ({"data": {}}, "data: expected a path, or options to generate one"),
        ({"data": {"path": "x", "generate": {"pairs": 3}}}, "leave out one of them"),
        ({"data": {"path": "x", "wordings": {"kindness": "?"}}}, "no kind of question 'kindness'"),
        ({"benchmarks": {"blonk:": {}}}, "there is no 'blonk:'; expected one of blink:"),
        ({"steps": 3}, "steps: Extra inputs are not permitted"),
        ({"ask": {}}, "ask names no way to ask"),
        ({"ask": {"../../x": {}}}, "is no name"),
        ({"types": ["kindness"]}, "types: there is no 'kindness'"),
        ({"types": ["roll"]}, "letter: .* roll are never of the balanced subset"),
        ({"ask": {"letter": {}, "leaning": {"types": "roll"}}}, "leaning: .* never of the balanced subset"),
        ({"grpo": {"config": "tiny_cpu", "options": {"types": ["roll"], "watch": "{data}"}}}, "grpo: .* never"),
    ],
)  # fmt: skip
def test_what_is_no_recipe_is_refused_before_anything_runs(changes, complaint, tmp_path):
    with pytest.raises(InputError, match=complaint):
        read_recipe(written(tmp_path / "r.yaml", **changes))


def test_what_is_never_fair_may_be_trained_on_beside_what_is_asked(tmp_path):
    trained = {"config": "tiny_cpu", "options": {"types": ["roll"]}}
    path = written(
        tmp_path / "r.yaml", types=["roll", "pitch"], sft=trained, tiny={"warm_pairs": 2, "warm_type": "roll"}
    )
    stages = {stage.name: stage for stage in plan(read_recipe(path), tmp_path, 0)}
    assert "--types roll pitch" in " ".join(stages["before"].commands[0])
    assert "--type roll --size_px 64 --score all" in " ".join(stages["model"].commands[0])


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\x00"])
def test_what_is_no_yaml_of_ours_is_one_line(text, tmp_path, capsys):
    (tmp_path / "r.yaml").write_text(text)
    assert main([str(tmp_path / "r.yaml"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_unknown_name_says_which_there_are(tmp_path, capsys):
    assert main(["desktop", "--out", str(tmp_path)]) == 2
    assert "one of laptop, one_24gb, paper_8gpu" in capsys.readouterr().err


def test_a_dataset_that_is_nowhere_is_said_before_anything_runs(tmp_path, capsys):
    assert main([written(tmp_path / "r.yaml"), "--out", str(tmp_path / "out")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def counting(folder, fails_first):
    """A command that counts its runs, and fails the first time if it is to."""
    code = (
        "import pathlib, sys; path = pathlib.Path(sys.argv[1]); n = len(path.read_text()) if path.exists() else 0;"
        " path.write_text('x' * (n + 1)); print('run', n + 1);"
        f" sys.exit('no room' if n == 0 and {fails_first} else 0)"
    )
    return [sys.executable, "-c", code, str(folder / "count")]


def test_a_stage_that_failed_names_its_log_and_is_run_again_and_one_that_is_done_is_not(tmp_path, drawn):
    known = recipe.Recipe.model_validate(SMALL | {"data": {"path": str(drawn)}})
    stage = Stage("model", [counting(tmp_path, fails_first=True)])
    lock = os.open(tmp_path / "lock", os.O_CREAT)
    with pytest.raises(InputError, match=r"stage model ended with 1: .*no room.*model\.log"):
        recipe._once(stage, tmp_path, known, tmp_path, lock)
    found = recipe._once(stage, tmp_path, known, tmp_path, lock)
    assert found["cost"]["attempts"] == 2
    assert recipe._once(stage, tmp_path, known, tmp_path, lock) == found
    assert (tmp_path / "count").read_text() == "xx"
    os.close(lock)


def test_what_no_command_goes_on_from_is_removed_before_it_is_run_again(tmp_path, drawn):
    known = recipe.Recipe.model_validate(SMALL | {"data": {"path": str(drawn)}})
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "there").write_text("")
    lock = os.open(tmp_path / "lock", os.O_CREAT)
    stage = Stage("model", [counting(tmp_path, fails_first=False)], redo=(tmp_path / "half",))
    recipe._once(stage, tmp_path, known, tmp_path, lock)
    assert not (tmp_path / "half").exists()
    os.close(lock)


def test_a_folder_of_another_recipe_and_one_where_somebody_works_are_left_alone(tmp_path, drawn, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "recipe.yaml").write_text("about: another\n")
    mine = written(tmp_path / "r.yaml", data={"path": str(drawn)})
    assert main([mine, "--out", str(out)]) == 2
    assert "was begun with another recipe" in capsys.readouterr().err
    with open(out / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main([mine, "--out", str(out)]) == 2
    assert "a run is at work there" in capsys.readouterr().err
    assert (out / "recipe.yaml").read_text() == "about: another\n"


def answers(path, data, right):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    asked = [one for stored in iter_samples(data, "test") for one in stored.sample.questions if one.fair]
    for number, question in enumerate(asked):
        said = question.answer if right(number) else "I <b>cannot</b> tell"
        lines.append(json.dumps({"question_id": question.id, "prediction": said}))
    path.write_text("\n".join(lines) + "\n")


def test_the_report_stands_alone_and_shows_scores_costs_and_what_was_learned_and_forgotten(tmp_path, drawn):
    from trainers.report import write_report

    known = recipe.Recipe.model_validate(SMALL | {"data": {"path": str(drawn)}})
    marks = {"data": {"cost": {"wall_s": 3.0, "cpu_s": 2.0, "attempts": 1}, "scores": {}}}
    for name, right in (("before", lambda n: n % 4 == 0), ("after_sft", lambda n: n % 4 > 1)):
        said = tmp_path / "seed-0" / "said" / f"{name}-letter.jsonl"
        answers(said, drawn, right)
        scores = recipe._scores(Stage(name, [], {"letter": said}), drawn)
        marks[name] = {"cost": {"wall_s": 1.0, "cpu_s": 1.0, "attempts": 1}, "scores": scores}
    marks["sft"] = {
        "cost": {"wall_s": 61.0, "cpu_s": 77.0, "attempts": 2},
        "scores": {},
        "log": [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}],
    }
    write_report(known, drawn, tmp_path, {0: marks, 1: marks})
    page = (tmp_path / "report.html").read_text()
    facts = json.loads((tmp_path / "report.json").read_text())
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", page)
    assert facts["asked"] == ["before training", "after stage 1"]
    first = next(row for row in facts["scores"] if row["name"] == "all")
    count = first["cells"][0]["n"]
    right = [sum(n % 4 == 0 for n in range(count)), sum(n % 4 > 1 for n in range(count))]
    assert count > 4
    assert [cell["value"] for cell in first["cells"]] == pytest.approx([n / count for n in right])
    assert all(cell["low"] < cell["value"] < cell["high"] for cell in first["cells"])
    assert next(row for row in facts["scores"] if row["name"] == "unreadable")["cells"][0]["value"] > 0.5
    assert facts["spread"][0]["sd"] == [0, 0]
    asked = [q for stored in iter_samples(drawn, "test") for q in stored.sample.questions if q.fair]
    right = Counter((q.type, q.options[q.answer_index]) for q in asked if q.options)
    most = {kind: max(n for (other, _), n in right.items() if other == kind) for kind, _ in right}
    learned = facts["learned"][0]
    assert learned["floors"]["commonest"] == pytest.approx(sum(most.values()) / len(asked))
    assert learned["above"] == (first["cells"][1]["low"] > max(learned["floors"].values()))
    assert "do not show that anything was learned" in page or learned["above"]
    assert ">77<" in page
    for title in (
        "Right now, wrong before",
        "Forgotten: right at an earlier time, wrong now",
        "Over 2 seeds",
    ):
        assert title in page
    assert page.count("data:image/jpeg") >= 12  # two pictures each of six examples and more
    assert "<b>cannot</b>" not in page
    assert "&lt;b&gt;cannot" in page


SMALLEST = {
    "about": "a test that is killed",
    "types": ["ego_rotation"],
    "tiny": {
        "options": {"kind": "llava", "size_px": 32, "hidden": 32, "layers": 1, "vocabulary": 400},
        "warm_pairs": 64,
        "warm_type": "ego_rotation",
    },
    "sft": {
        "config": "tiny_cpu",
        "options": {"think_ratio": 0, "max_steps": 3, "save_strategy": "steps", "save_steps": 1},
    },
    "ask": {"letter": {"max_new_tokens": 6, "batch_size": 1}},
}  # fmt: skip


def killed_at(command, moment):
    """Start a run and kill it, and what it started, at the first moment at which something is there."""
    running = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    while running.poll() is None and not moment():
        time.sleep(0.02)
    alive = running.poll() is None
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    return alive


def test_killed_in_each_kind_of_stage_and_run_again_it_finds_the_same(tmp_path, monkeypatch):
    """Each kill falls where most is half done: a tower, some answers.

    That training goes on from a checkpoint is shown by test_stages.py, without so many processes.
    """
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    data = write_dataset(tmp_path / "data", make_samples(objects=30, pairs=6, seed=1, size_px=32))
    words = {"ego_rotation/camera_1": "Which way did the camera turn?"}
    mine = written(tmp_path / "r.yaml", data={"path": str(data), "wordings": words}, **SMALLEST)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-m", "trainers.recipe", mine, "--out"]
    subprocess.run([*command, str(whole)], check=True)
    seed = killed / "seed-0"
    half_done = {
        "model": seed / "tower" / "head.pt",
        "after_sft": seed / "said" / "after_sft-letter.jsonl",
    }
    for stage, path in half_done.items():
        assert killed_at([*command, str(killed)], path.exists), f"{stage} was not reached"
        assert not list(killed.glob(f"**/{stage}.json"))
    subprocess.run([*command, str(killed)], check=True)
    found, expected = (json.loads((out / "report.json").read_text()) for out in (killed, whole))
    assert found["scores"] == expected["scores"]
    attempts = {cost["stage"]: cost["attempts"] for cost in found["costs"]}
    assert attempts == {stage: 1 + (stage in half_done) for stage in attempts}
    # what was asked before training, to the letter; afterwards weights differ in their last digits
    said = [out / "seed-0" / "said" / "before-letter.jsonl" for out in (killed, whole)]
    assert said[0].read_text() == said[1].read_text()
    logs = [json.loads((out / "seed-0" / "sft.json").read_text())["log"] for out in (killed, whole)]
    values = [[entry["loss"] for entry in log if "loss" in entry] for log in logs]
    assert len(values[1]) == 3 and values[0] == pytest.approx(values[1], rel=1e-5, abs=1e-9)
