"""Rows as TRL takes them: which think, what is asked, mixtures, public benchmarks; and what the pre-flight
refuses.
"""

import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

pytest.importorskip("trl", reason="needs the extra [train]")

from datasets import Dataset
from PIL import Image

from trainers import predict, preflight
from trainers.benchmarks import load_benchmark, score_benchmark
from trainers.data import (
    FEATURES,
    THINK_PROMPT,
    DataArguments,
    Source,
    ask_all,
    load_rows,
    load_watched,
    lot,
    parse_source,
    rotated,
)
from trainers.models import freeze, part_of
from viewpoint100k import InputError, load_questions
from viewpoint100k.load import KNOWN
from viewpoint100k.questions.wording import shipped_text
from viewpoint100k.shards import iter_samples


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def rows_of(folder, **more):
    return load_rows(DataArguments(data=[str(folder)], **more))


def test_sources_are_taken_apart(tmp_path):
    assert parse_source("org/name@v1=0.25") == Source(None, "org/name", "v1", 0.25)
    assert parse_source("sat:=3") == Source("sat", "array/SAT-v2", None, 3.0)
    assert parse_source("org/name#roll,pitch=2") == Source(None, "org/name", None, 2.0, ("roll", "pitch"))
    odd = tmp_path / "a=b@c#d"
    odd.mkdir()
    assert parse_source(str(odd)) == Source(None, str(odd), None, None)
    with pytest.raises(InputError, match="there is no 'sad'; expected one of blink"):
        parse_source("sad:org/name")
    with pytest.raises(InputError, match="above 0"):
        parse_source("org/name=-1")


def test_the_share_that_thinks_belongs_to_the_questions_not_to_their_order(dataset):
    table, stream = rows_of(dataset, think_ratio=0.3), rows_of(dataset, think_ratio=0.3, streaming=True)
    thinks = dict(zip(table["question_id"], table["thinks"], strict=True))
    assert {row["question_id"]: row["thinks"] for row in stream} == thinks
    more = rows_of(dataset, think_ratio=0.6)
    assert all(
        now for before, now in zip(table["thinks"], more["thinks"], strict=True) if before
    )  # only ever more
    drawn = [lot(f"train-{i:05d}", 0) < 0.1 for i in range(10_000)]
    assert sum(drawn) == pytest.approx(1000, abs=100)


def test_a_row_holds_what_the_dataset_says(dataset):
    original = {row["question_id"]: row for row in load_questions(dataset, "train", fair=False)}
    rows = rows_of(dataset, think_ratio=1.0, system_prompt="Look closely.")
    assert set(rows.column_names) == set(FEATURES) and len(rows) == len(original)
    for row in rows:
        known = original[row["question_id"]]
        system, user = row["prompt"]
        assert system == {"role": "system", "content": "Look closely."}
        assert user["content"] == known["prompt"] + ("\n" + THINK_PROMPT if row["thinks"] else "")
        said = row["completion"][0]["content"]
        chain = f"<think>{known['chain_of_thought']}</think> <answer>{known['answer']}</answer>"
        assert said == (chain if row["thinks"] else known["answer"])
        assert row["thinks"] == (known["chain_of_thought"] is not None)
        assert (
            len(row["images"]) == len(known["images"])
            and row["images"][0].tobytes() == known["images"][0].tobytes()
        )


def test_a_thought_about_the_motion_is_one_line_of_six_relations_that_the_poses_confirm(dataset):
    """Left and right of the way by the second camera's place in the first one's axes, read from the samples."""
    stored = {q.id: (one.sample, q) for one in iter_samples(dataset) for q in one.sample.questions}
    rows = rows_of(dataset, think_ratio=1.0, thought="motion").remove_columns("images")
    lines = 0
    for row in rows:
        sample, question = stored[row["question_id"]]
        said = row["completion"][0]["content"]
        if not row["thinks"]:
            assert len(question.images) != 2 or question.mirrored
            assert said == row["answer"]
            continue
        line = said.removeprefix("<think>").partition("</think> <answer>")[0]
        told = dict(part.rsplit(" ", 1) for part in line.replace("slightly ", "").split(", "))
        assert list(told) == ["sideways", "height", "depth", "yaw", "pitch", "roll"]
        first, second = (np.array(sample.views[view].world_from_camera) for view in question.images)
        right, down, ahead = first[:3, :3].T @ (second[:3, 3] - first[:3, 3])
        for name, amount, words in (
            ("sideways", right, ("left", "right")),
            ("height", down, ("up", "down")),
            ("depth", ahead, ("backward", "forward")),
        ):
            assert told[name] in ("none", words[int(amount > 0)])
        if question.type == "ego_translation":
            answer = question.options[question.answer_index]
            assert told["sideways"] == (answer if answer in ("left", "right") else "none")
        lines += 1
    assert lines > 10
    with pytest.raises(InputError, match="--thought aloud: expected one of chain, motion"):
        rows_of(dataset, thought="aloud")


def test_other_orders_of_the_options_have_the_answers_that_go_with_them(dataset):
    once, all_orders = rows_of(dataset), rows_of(dataset, orders=9, think_ratio=0.5)
    assert len(all_orders) == sum(max(1, len(options)) for options in once["options"])
    preflight.check_rows(list(all_orders))  # every gold answer scores 1
    texts = {row["question_id"]: row["options"][row["answer_index"]] for row in once if row["options"]}
    for row in all_orders.remove_columns("images"):
        if row["options"]:
            assert row["options"][row["answer_index"]] == texts[row["question_id"]]


def test_weights_mix_and_nothing_is_lost(dataset):
    one, kind = str(dataset), "object_translation"
    alone = rows_of(dataset, types=[kind])
    both = load_rows(DataArguments(data=[f"{one}=0.75", f"{one}#{kind}=0.25"], types=[kind]))
    assert set(both["question_id"]) == set(alone["question_id"]) and len(both) > len(alone)
    assert len(load_rows(DataArguments(data=[one, one], types=[kind]))) == 2 * len(alone)
    with pytest.raises(InputError, match="streams are mixed by weights"):
        load_rows(DataArguments(data=[one, one], streaming=True))


def test_nothing_left_to_ask_is_an_error_that_says_what_to_check(dataset):
    absent = next(name for name in sorted(KNOWN["types"]) if name not in rows_of(dataset)["type"])
    with pytest.raises(InputError, match=r"no question is left.*--types"):
        rows_of(dataset, types=[absent])


def test_what_is_never_fair_is_trained_on_and_neither_watched_nor_asked(dataset):
    """Not an empty table behind a list of options to check: which types these are is known beforehand."""
    types = ["roll"]
    assert set(rows_of(dataset, types=types)["type"]) == {"roll"}
    with pytest.raises(InputError, match=r"--types roll: .* never of the balanced subset.*--fair false"):
        rows_of(dataset, types=types, fair=True)
    about = DataArguments(data=[str(dataset)], types=types, watch=str(dataset))
    for ask in (lambda: load_watched(about), lambda: ask_all(str(dataset), "test", about, thinks=False)):
        with pytest.raises(InputError, match=r"--types roll: .* alone is watched, predicted and scored"):
            ask()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"batch_size": 0}, "--batch_size 0: expected 1 or more"),
        ({"limit": -1}, "--limit -1: expected 1 or more"),
        ({"vllm_gpu_memory_utilization": 1.5}, "--vllm_gpu_memory_utilization 1.5: expected a share"),
        ({"rotations": -1}, "--rotations -1: expected 0 or more"),
        ({"out": "."}, "--out . is a folder; name a file in it"),
    ],
)
def test_numbers_that_ask_nothing_and_a_folder_for_answers_are_refused_before_a_model_is_loaded(wrong, said):
    asked = predict.PredictArguments(**{"model": "none", "data": "none", "out": "p.jsonl"} | wrong)
    with pytest.raises(InputError, match=re.escape(said)):
        predict.main(asked)


# --- public benchmarks -----------------------------------------------------------------------------


def picture(grey, size=8):
    out = io.BytesIO()
    Image.new("RGB", (size, size), (grey, grey, grey)).save(out, "PNG")
    return {"bytes": out.getvalue(), "path": None}


FIXTURES = {
    "blink": [
        {"idx": "val_1", "sub_task": "Multi-view_Reasoning", "question": "Which way?", "choices": ["left",
         "right"],
         "answer": "(B)", "image_1": picture(1), "image_2": picture(2), "image_3": None, "image_4": None},
    ],
    "cv-bench": [
        {"idx": 7, "type": "3D", "task": "Depth", "source": "Omni3D", "image": picture(1),
         "question": "Which is nearer?",
         "choices": ["chair", "table"], "answer": "(A)"},
    ],
    "3dsr-bench": [
        {"qid": "ABCD1234", "image": picture(1), "question": "Which is higher?", "A": "cup", "B": "lamp",
         "C": None,
         "D": None, "answer": "B", "category": "height"},
        {"qid": "ABCD1234-1", "image": picture(1), "question": "Which is higher?", "A": "lamp", "B": "cup",
         "C": None,
         "D": None, "answer": "A", "category": "height"},
    ],
    "mmsi-bench": [
        {"id": 3, "images": [picture(1), picture(2)], "question_type": "Motion (Cam.)", "answer": "C",
         "question": "How does the camera move?\nOptions: A: to the left, a bit, B: Up: then on, "
         "C: to the right, D: not at all"},
    ],
    "sat": [
        {"images": [picture(1), picture(2)], "question": "How did the camera rotate?", "answers": ["left",
         "right"],
         "correct_answer": "left", "question_type": "action"},
    ],
}  # fmt: skip
SPLITS = {"blink": "validation", "sat": "train"}  # of a folder; others: test
RIGHT = {
    "blink": "right",
    "cv-bench": "chair",
    "3dsr-bench": "lamp",
    "mmsi-bench": "to the right",
    "sat": "left",
}


def parquet(name, tmp_path):
    from datasets import Features, List, Value
    from datasets import Image as Picture

    rows = FIXTURES[name]
    kinds = {}
    for column, value in rows[0].items():
        if "image" in column:
            kinds[column] = List(Picture()) if isinstance(value, list) else Picture()
        elif isinstance(value, list):
            kinds[column] = List(Value("string"))
        else:
            kinds[column] = Value("int64" if isinstance(value, int) else "string")
    folder = tmp_path / name
    folder.mkdir()
    Dataset.from_list(rows, features=Features(kinds)).to_parquet(
        folder / f"{SPLITS.get(name, 'test')}-00000.parquet"
    )
    return folder


@pytest.mark.parametrize("name", FIXTURES)
def test_a_benchmark_is_read_in_its_documented_columns_and_scored_in_circles(name, tmp_path):
    folder = parquet(name, tmp_path)
    rows = load_benchmark(name, str(folder), SPLITS.get(name, "test"))
    assert len(rows) == len(FIXTURES[name])
    for row in rows:
        assert row["options"][row["answer_index"]] == RIGHT[name]
        assert f"{row['answer']}. {RIGHT[name]}" in row["prompt"]
        assert all(image.size == (8, 8) for image in row["images"])
    trained = load_rows(DataArguments(data=[f"{name}:{folder}"], split=SPLITS.get(name, "test")))
    preflight.check_rows(preflight.first_rows(trained))
    said = tmp_path / "said.jsonl"
    always_a = [
        {"question_id": row["question_id"], "rotation": by, "prediction": "A"}
        for row in rows
        for by in range(len(row["options"]))
    ]
    said.write_text("\n".join(map(json.dumps, always_a)))
    scores = score_benchmark(rows, said)
    assert scores["circular"].right == 0  # whoever always says A is right in one order only
    assert scores["unreadable"].right == 0
    by_words = [{**line, "prediction": RIGHT[name]} for line in always_a]
    said.write_text("\n".join(map(json.dumps, by_words)))
    assert score_benchmark(rows, said)["circular"] == (1.0, 1)
    hedged = [{**line, "prediction": "A or B"} for line in always_a]
    said.write_text("\n".join(map(json.dumps, hedged)))
    assert score_benchmark(rows, said)["unreadable"].right == 1


def test_a_mixture_of_ours_and_a_benchmark_has_the_columns_of_both(dataset, tmp_path):
    folder = parquet("sat", tmp_path)
    rows = load_rows(DataArguments(data=[f"sat:{folder}=0.5", f"{dataset}=0.5"], think_ratio=1.0))
    assert {row["type"] for row in rows} > {"action"}
    assert all(row["prompt"][-1]["content"].endswith(THINK_PROMPT) for row in rows if row["type"] == "action")


def test_scenes_are_mixed_with_replay_of_single_objects(dataset, tmp_path, monkeypatch):

    from support import audit_sets
    from support.scene_samples import synthetic

    from viewpoint100k.config import GateConfig, QuestionConfig
    from viewpoint100k.questions import ask_all, load_templates
    from viewpoint100k.questions.ask import Writer

    stored = [synthetic(seed, 5, size_px=128)._replace(key=f"train-00000-{seed:05d}") for seed in range(3)]
    samples = [one.sample for one in stored]
    keys = [one.key for one in stored]
    asked = ask_all(
        keys, samples, GateConfig(), Writer(QuestionConfig(), load_templates(), 0), np.random.default_rng(0)
    )
    stored = [audit_sets.changed(one, questions=every) for one, every in zip(stored, asked, strict=True)]
    scenes = audit_sets.write_dataset(tmp_path / "scenes", stored, preset="scenes")
    rows = load_rows(
        DataArguments(data=[f"{scenes}#hops,side_after=0.75", f"{dataset}=0.25"], think_ratio=1.0)
    )
    types = [row["type"] for row in rows.remove_columns("images")]
    of_scenes = sum(name in ("hops", "side_after") for name in types)
    assert 0.5 < of_scenes / len(types) < 0.95
    assert set(types) > {"hops", "side_after"}
    thought = next(row for row in rows if row["type"] == "hops" and row["thinks"])
    assert "<think>" in thought["completion"][0]["content"] and len(thought["images"]) == 1


def test_options_rotate_under_marks_that_stay():
    text = "Which?\n1. left\n2. right\n3. none\nAnswer with the number of the correct option."
    assert rotated(text, ["left", "right", "none"], 2).split("\n")[1:4] == ["1. none", "2. left", "3. right"]
    with pytest.raises(InputError, match="cannot find the options"):
        rotated(text, ["up", "down"], 1)


# --- pre-flight ------------------------------------------------------------------------------------


def a_row(**more):
    row = {"question_id": "q", "options": ["left", "right"], "answer_index": 1, "value": None,
           "answer_form": "letter",
           "images": ["picture"], "completion": [{"role": "assistant", "content": "B"}]}  # fmt: skip
    return row | more


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"answer_index": 2}, "option 2 of 2"),
        ({"completion": [{"role": "assistant", "content": "A"}]}, "does not accept its own answer 'A'"),
        ({"images": []}, "shows no picture"),
    ],
)
def test_what_does_not_fit_together_is_refused(more, said):
    preflight.check_rows([a_row()])
    with pytest.raises(InputError, match=said):
        preflight.check_rows([a_row(**more)])


def test_nothing_to_train_on_and_a_share_out_of_range_are_refused():
    with pytest.raises(InputError, match="no question is left"):
        preflight.first_rows([])
    with pytest.raises(InputError, match="think_ratio 10"):
        preflight.check_rows([a_row()], think_ratio=10)


def test_batches_that_do_not_divide_are_refused_with_the_sum():
    args = SimpleNamespace(
        per_device_train_batch_size=4,
        steps_per_generation=3,
        num_generations=16,
        gradient_accumulation_steps=3,
    )
    with pytest.raises(
        InputError, match="4 x 1 processes x 3 steps = 12 completions, which num_generations = 16"
    ):
        preflight.check_batches(args, 1)
    args.num_generations, args.gradient_accumulation_steps = 4, 2
    with pytest.raises(InputError, match="no multiple of gradient_accumulation_steps"):
        preflight.check_batches(args, 1)


def test_the_plan_of_the_papers_stage_2_counts_prompts_as_the_paper_does():
    args = SimpleNamespace(
        per_device_train_batch_size=4, steps_per_generation=64, num_generations=16,
        gradient_accumulation_steps=16,
        max_completion_length=4096, num_iterations=1, max_steps=600, num_train_epochs=1,
    )  # fmt: skip
    plan = preflight.grpo_plan(args, range(172_384), 64, 700)
    assert plan[0].startswith("a rollout: 1024 prompts x 16 = 16384 completions")
    assert plan[1].startswith("4 updates per rollout")


def test_padding_and_context_are_refused_with_the_remedy():
    with pytest.raises(InputError, match='padding_side="left"'):
        preflight.check_padding(SimpleNamespace(tokenizer=SimpleNamespace(padding_side="right")))
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(max_position_embeddings=100))
    with pytest.raises(InputError, match="needs 101 tokens, the model has room for 100"):
        preflight.check_context(config, 101, "a completion")


def test_parts_of_real_models_are_told_by_the_names_of_their_parameters():
    names = {
        "model.visual.blocks.0.attn.qkv.weight": "vision",
        "model.visual.deepstack_merger_list.0.norm.weight": "projector",
        "model.visual.merger.mlp.0.weight": "projector",
        "model.vision_tower.features.0.weight": "vision",
        "model.vision_model.embeddings.patch_embedding.weight": "vision",
        "model.multi_modal_projector.linear_1.weight": "projector",
        "model.connector.modality_projection.proj.weight": "projector",
        "model.language_model.layers.0.mlp.up_proj.weight": "language",
    }
    assert {name: part_of(name) for name in names} == names
    import torch

    model = torch.nn.ModuleDict({"vision_tower": torch.nn.Linear(2, 2), "lm_head": torch.nn.Linear(2, 2)})
    assert freeze(model, ["vision"]) == 6
    with pytest.raises(InputError, match="expected some of vision, projector, language"):
        freeze(model, ["eyes"])
    with pytest.raises(InputError, match="has only language, vision"):
        freeze(model, ["projector"])


def test_fresh_questions_are_a_source_like_any_other_and_follow_what_answers_earn(tmp_path):
    from support.audit_sets import make_samples, write_dataset

    from trainers import gym
    from trainers.rewards import accuracy_reward

    dataset = write_dataset(tmp_path / "data", make_samples(objects=8, pairs=6, seed=2, size_px=32))
    asked = DataArguments(
        data=[f"gym:{dataset}#ego_translation"], streaming=True, think_ratio=0.0, difficulty=0.5
    )
    rows = [row for row, _ in zip(load_rows(asked), range(4), strict=False)]
    assert [set(row) for row in rows] == [set(FEATURES)] * 4
    assert {row["type"] for row in rows} == {"ego_translation"}
    preflight.check_rows(rows)
    reward = gym.with_curriculum(accuracy_reward)
    said = [[{"role": "assistant", "content": row["answer"]}] for row in rows]
    columns = {
        name: [row[name] for row in rows] for name in ("options", "answer_index", "answer_form", "value")
    }
    logged = {}
    about = {name: [row[name] for row in rows] for name in ("type", "frame")}
    assert reward(said, **columns, **about, log_metric=logged.__setitem__) == [1.0] * 4
    assert logged == {"difficulty/ego_translation/camera_1": pytest.approx(0.6)}
    with pytest.raises(InputError, match="has no end: add --streaming"):
        load_rows(DataArguments(data=[f"gym:{dataset}"]))
    words = yaml.safe_load(shipped_text())
    words["ego_translation/camera_1"] |= {"train": ["Whither?"], "test": ["Whither?"]}
    (tmp_path / "words.yaml").write_text(yaml.safe_dump(words, allow_unicode=True))
    asked.wordings = str(tmp_path / "words.yaml")
    row = next(iter(load_rows(asked)))
    assert "Whither?" in row["prompt"][-1]["content"]


def test_the_longest_of_a_table_are_looked_at_wherever_they_are(dataset):
    rows = rows_of(dataset, think_ratio=1.0)
    lengths = [
        sum(len(part["content"]) for part in [*row["prompt"], *row["completion"]])
        for row in rows.remove_columns("images")
    ]
    most = sorted(range(len(rows)), key=lambda place: -lengths[place])[:4]
    expected = [rows[place]["question_id"] for place in most]
    assert [row["question_id"] for row in preflight.longest_rows(rows)] == expected
    assert preflight.longest_rows(rows_of(dataset, streaming=True)) == []
