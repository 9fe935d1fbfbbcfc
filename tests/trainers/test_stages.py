"""From a rendered dataset to a score, with TRL, on a tiny model: SFT, GRPO, predict, evaluate; masks,
pictures, resuming.

Idefics3 of 1 M parameters with a tokenizer of its own; everything is real but the size. Nothing is fetched.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("trl", reason="needs the extra [train]")

import torch

from trainers import cli, grpo, predict, preflight, sft
from trainers.cli import config_path
from trainers.data import DataArguments, load_rows
from trainers.models import load_processor, widen
from trainers.stages import hold_masters, last_checkpoint
from trainers.tiny import TinyArguments, build, texts_of
from viewpoint100k import InputError, load_questions
from viewpoint100k.evaluate import evaluate

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--config", str(config_path("tiny_cpu"))]


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory):
    """No hub, one thread, a cache of our own."""
    import datasets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def texts(dataset):
    return texts_of(load_questions(dataset, streaming=True, fair=False).remove_columns("images"))


@pytest.fixture(scope="module")
def tiny(texts, tmp_path_factory):
    out = tmp_path_factory.mktemp("tiny")
    return build(TinyArguments(out=str(out), data="", hidden=64, layers=2), texts)


def sft_run(model, data, out, *more):
    given = [
        *TINY,
        "--model_name_or_path",
        str(model),
        "--data",
        str(data),
        "--output_dir",
        str(out),
        *map(str, more),
    ]
    return sft.main(*sft.parser().parse_args_and_config(given))


def grpo_run(model, data, out, *more):
    given = [
        *TINY,
        "--model_name_or_path",
        str(model),
        "--data",
        str(data),
        "--output_dir",
        str(out),
        *map(str, more),
    ]
    return grpo.main(*grpo.parser().parse_args_and_config(given))


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def weights(model):
    return {name: value.detach().clone() for name, value in model.named_parameters()}


@pytest.fixture(scope="module")
def trained(tiny, dataset, tmp_path_factory):
    """4 steps of SFT with letters and chains of thought, a checkpoint after each second one."""
    out = tmp_path_factory.mktemp("sft")
    watch = [
        "--watch",
        dataset,
        "--watch_split",
        "train",
        "--watch_questions",
        4,
        "--watch_every",
        4,
        "--watch_thinks",
        "False",
    ]
    trainer = sft_run(tiny, dataset, out, *watch, "--save_strategy", "steps", "--save_steps", 2)
    return out, trainer


def test_sft_changes_the_model_and_logs_what_it_watches(trained, tiny):
    trainer = trained[1]
    from transformers import AutoModelForImageTextToText

    before, after = weights(AutoModelForImageTextToText.from_pretrained(tiny)), weights(trainer.model)
    assert all(
        not torch.equal(before[name], after[name])
        for name in after
        if "weight" in name and "position" not in name
    )
    assert len(losses(trainer)) == 4 and losses(trainer)[-1] < losses(trainer)[0]
    watched = [entry for entry in trainer.state.log_history if "watch/accuracy" in entry]
    assert [entry["step"] for entry in watched] == [0, 4]
    assert any(key.startswith("watch/accuracy/") for key in watched[0])
    assert all(0 <= entry["watch/unreadable"] <= 1 for entry in watched)


def test_the_card_of_a_model_names_its_dataset(trained, dataset):
    assert (
        f"- {Path(dataset).name}" in (trained[0] / "README.md").read_text()
        or Path(dataset).name in (trained[0] / "README.md").read_text()
    )


def test_the_loss_covers_exactly_the_answer(trained, dataset):
    trainer = trained[1]
    tokenizer = trainer.processing_class.tokenizer
    rows = load_rows(DataArguments(data=[str(dataset)], think_ratio=0.5))
    forms = set()
    for row in preflight.first_rows(rows, 12):
        batch = trainer.data_collator([{name: row[name] for name in ("images", "prompt", "completion")}])
        supervised = tokenizer.decode(batch["labels"][batch["labels"] != preflight.IGNORED])
        assert supervised == row["completion"][0]["content"] + "<|im_end|>\n"
        forms.add(row["thinks"])
    assert forms == {True, False}


def test_an_answer_that_is_cut_off_is_found_before_training(trained, dataset):
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    rows = preflight.first_rows(load_rows(DataArguments(data=[str(dataset)])), 2)
    collator = DataCollatorForVisionLanguageModeling(
        trained[1].processing_class, max_length=8, completion_only_loss=True
    )
    with pytest.raises(InputError, match="no token of its answer is left to train on"):
        preflight.check_supervision(collator, rows)


def test_a_killed_run_goes_on_to_the_same_losses(trained, tiny, dataset, tmp_path):
    """The folder as it was after step 2; the same command again."""
    done, trainer = trained
    shutil.copytree(done / "checkpoint-2", tmp_path / "out" / "checkpoint-2")
    again = sft_run(tiny, dataset, tmp_path / "out")
    assert losses(again)[:2] == losses(trainer)[:2]  # of the log in the checkpoint
    assert losses(again) == pytest.approx(losses(trainer), rel=1e-5)


@pytest.mark.parametrize("state", [None, "", '{"global_step"', "[]"])
def test_a_checkpoint_that_a_killed_run_left_half_written_is_passed_over(state, tmp_path):
    for step in (9, 10, 11):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "model.safetensors").touch()
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(f'{{"global_step": {step}}}')
    if state is not None:
        (tmp_path / "checkpoint-11" / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-best").mkdir()
    given = SimpleNamespace(output_dir=str(tmp_path), resume_from_checkpoint=None)
    assert last_checkpoint(given) == str(tmp_path / "checkpoint-10")
    given.output_dir = str(tmp_path / "nowhere")
    assert last_checkpoint(given) is None


GRPO = [
    "--max_steps", 2, "--num_generations", 4, "--max_completion_length", 8, "--beta", 0.01, "--rewards", "format",
    "accuracy", "length", "--reward_weights", 0.5, 0.5, 0.1, "--think_ratio", 1, "--types", "ego_translation",
    "ego_rotation", "--save_strategy", "steps", "--save_steps", 1,
]  # fmt: skip


@pytest.fixture(scope="module")
def reinforced(trained, dataset, tmp_path_factory):
    """2 steps of GRPO on prompts of two pictures. `length` has variance even where nothing is right yet."""
    out = tmp_path_factory.mktemp("grpo")
    return out, grpo_run(trained[0], dataset, out, *GRPO)


def rewarded(trainer):
    return [entry for entry in trainer.state.log_history if "rewards/format_reward/mean" in entry]


def test_grpo_logs_both_rewards(reinforced):
    assert len(rewarded(reinforced[1])) == 2
    assert all("rewards/accuracy_reward/mean" in entry for entry in rewarded(reinforced[1]))


def test_a_killed_run_of_grpo_goes_on_to_the_same_rewards(trained, reinforced, dataset, tmp_path):
    """The folder as it was after step 1; the same command again."""
    done, trainer = reinforced
    shutil.copytree(done / "checkpoint-1", tmp_path / "out" / "checkpoint-1")
    again = grpo_run(trained[0], dataset, tmp_path / "out", *GRPO)
    for name in ("loss", "kl", "rewards/length_reward/mean", "completions/mean_length"):
        expected = [entry[name] for entry in rewarded(trainer)]
        assert [entry[name] for entry in rewarded(again)] == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_pictures_stay_with_their_samples_through_trls_shuffling(trained, dataset, tmp_path):
    """With learning rate 0 the model says of its completions what it said when it wrote them; with pictures
    swapped it does not.
    """
    from trl import GRPOTrainer

    found = {}

    class Looking(GRPOTrainer):
        def _compute_loss(self, model, inputs):
            batch = dict(inputs)
            for name in ("as it is", "swapped"):
                if name == "swapped":
                    batch["pixel_values"] = inputs["pixel_values"].flip(0)
                ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1)
                mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1)
                pictures = {k: batch.get(k) for k in ("pixel_values", "pixel_attention_mask", "num_images")}
                with torch.no_grad():
                    logps = self._get_per_token_logps_and_entropies(
                        model, ids, mask, batch["completion_ids"].size(1), compute_entropy=False, **pictures
                    )[0]
                gap = ((logps - batch["old_per_token_logps"]).abs() * batch["completion_mask"]).max().item()
                found[name] = max(found.get(name, 0.0), gap)
            return super()._compute_loss(model, inputs)

    rows = load_rows(
        DataArguments(data=[str(dataset)], think_ratio=1.0, types=["ego_translation"])
    )  # one of a pair
    arguments = grpo.parser().parse_args_and_config(
        [*TINY, "--data", "x", "--output_dir", str(tmp_path), "--learning_rate", "0", "--max_steps", "4",
         "--num_generations", "2", "--steps_per_generation", "2", "--num_iterations", "2",
         "--max_completion_length", "6"]
    )[2]  # fmt: skip
    trainer = Looking(
        model=str(trained[0]), reward_funcs=grpo.reward_functions(["accuracy"], 6), args=arguments,
        train_dataset=rows.remove_columns(["completion", "question"]),
        processing_class=load_processor(str(trained[0])),
    )  # fmt: skip
    trainer.train()
    assert found["as it is"] == pytest.approx(0.0, abs=1e-4)
    assert found["swapped"] > 0.1


def test_predictions_are_scored_and_nothing_is_asked_twice(reinforced, dataset, tmp_path):
    out = tmp_path / "predictions.jsonl"
    asked = predict.PredictArguments(
        model=str(reinforced[0]),
        data=str(dataset),
        out=str(out),
        split="train",
        limit=6,
        rotations=0,
        max_new_tokens=4,
    )
    written = predict.main(asked)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert written == len(lines) > 6 and {line["rotation"] for line in lines} >= {0, 1, 2}
    whole = out.read_text()
    out.write_text("".join(whole.splitlines(keepends=True)[:-2]) + '{"question_id": "')  # killed in a line
    assert predict.main(asked) == 2 and predict.main(asked) == 0
    assert out.read_text() == whole
    scores, _ = evaluate(out, Path(dataset))
    assert scores.answered == 6 and scores.circular is not None


def test_a_server_of_the_openai_interface_is_asked_with_pictures(dataset, tmp_path):
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    bodies = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(
                json.dumps({"choices": [{"message": {"content": "<answer>A</answer>"}}]}).encode()
            )

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url, out = f"http://127.0.0.1:{server.server_port}/v1", tmp_path / "said.jsonl"
        asked = predict.PredictArguments(
            model="m",
            data=str(dataset),
            out=str(out),
            split="train",
            backend="openai",
            url=url,
            limit=3,
            batch_size=2,
        )
        assert predict.main(asked) == 3
    finally:
        server.shutdown()
    parts = bodies[0]["messages"][-1]["content"]
    assert parts[0]["image_url"]["url"].startswith("data:image/png;base64,") and parts[-1]["type"] == "text"
    assert evaluate(out, Path(dataset))[0].answered == 3


# --- weights that move -----------------------------------------------------------------------------

NARROW = ["--dtype", "bfloat16", "--bf16", "True", "--lr_scheduler_type", "constant", "--warmup_steps", 0]
LORA = ["--use_peft", "True", "--lora_r", 4, "--lora_target_modules", "q_proj", "v_proj", "--lora_dropout", 0]


def moved(trainer, before):
    """The share of the trained numbers that a run changed, and how far they went on average."""
    pairs = [(value, before[name]) for name, value in trainer.model.named_parameters() if value.requires_grad]
    change = torch.cat([(new.detach().float() - old.float()).flatten() for new, old in pairs])
    return float((change != 0).float().mean()), float(change.abs().mean())


@pytest.fixture
def started(monkeypatch):
    """What each run starts with: name -> weights."""
    import transformers

    found, train = {}, transformers.Trainer.train

    def look(trainer, **more):
        found.update(weights(trainer.model))
        return train(trainer, **more)

    monkeypatch.setattr(transformers.Trainer, "train", look)
    return found


@pytest.mark.parametrize("more", [[], ["--freeze", "vision"], LORA], ids=["all", "without the tower", "LoRA"])
def test_weights_loaded_in_16_bit_are_all_moved_by_the_rate_of_stage_1(
    more, stand_ins, dataset, tmp_path, started
):
    watch = ["--watch", dataset, "--watch_split", "train", "--watch_questions", 2, "--watch_thinks", "False"]
    trainer = sft_run(
        stand_ins["qwen2_5_vl"],
        dataset,
        tmp_path,
        *NARROW,
        *more,
        *watch,
        "--learning_rate",
        5e-6,
        "--max_steps",
        3,
    )
    share, far = moved(trainer, started)
    assert share > 0.99
    assert 0.2 * 5e-6 < far <= 3.001 * 5e-6
    frozen = {parameter.dtype for parameter in trainer.model.parameters() if not parameter.requires_grad}
    assert frozen == ({torch.bfloat16} if more else set())  # which costs no memory that is not needed


def test_weights_loaded_in_16_bit_are_all_moved_by_the_rate_of_grpo(trained, dataset, tmp_path, started):
    """Beside a reference model in 16 bit."""
    trainer = grpo_run(
        trained[0], dataset, tmp_path, *NARROW, "--learning_rate", 1e-6, "--max_steps", 1,
        "--num_generations", 4,
        "--max_completion_length", 8, "--beta", 0.01, "--rewards", "format", "length", "--think_ratio", 1,
    )  # fmt: skip
    assert {value.dtype for value in trainer.ref_model.parameters()} == {torch.bfloat16}
    assert {value.dtype for value in trainer.model.parameters()} == {torch.float32}
    share, far = moved(trainer, started)
    assert share > 0.9 and 0.2e-6 < far < 1.001e-6  # gradients are small beside AdamW's epsilon


def test_without_autocast_frozen_and_trained_weights_still_fit_together(stand_ins, dataset, tmp_path):
    trainer = sft_run(
        stand_ins["qwen2_5_vl"],
        dataset,
        tmp_path,
        "--dtype",
        "bfloat16",
        "--freeze",
        "vision",
        "--max_steps",
        1,
    )
    assert {parameter.dtype for parameter in trainer.model.parameters()} == {torch.float32}


def test_two_processes_move_weights_that_were_loaded_in_16_bit(stand_ins, dataset, tmp_path):
    from transformers import AutoModelForImageTextToText

    run = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--rdzv_backend", "c10d",
           "--rdzv_endpoint", "localhost:0", "-m", "trainers.sft", *TINY, "--model_name_or_path",
           str(stand_ins["qwen2_5_vl"]),
           "--data", str(dataset), "--output_dir", str(tmp_path / "out"), *map(str, NARROW),
           "--learning_rate", "5e-6",
           "--max_steps", "2"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_DATASETS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(run, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    before = weights(
        AutoModelForImageTextToText.from_pretrained(stand_ins["qwen2_5_vl"], dtype=torch.bfloat16)
    )
    after = weights(AutoModelForImageTextToText.from_pretrained(tmp_path / "out"))
    assert {value.dtype for value in after.values()} == {torch.float32}
    changed = torch.cat([(after[name] != before[name].float()).flatten() for name in after])
    assert changed.float().mean() > 0.99


def test_adapters_that_were_left_in_16_bit_are_widened_and_the_model_below_is_not(tiny):
    """As TRL leaves them over a quantized model, and PEFT what it trains beside them."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(tiny, dtype=torch.bfloat16)
    config = LoraConfig(target_modules=["q_proj"], modules_to_save=["lm_head"])
    model = get_peft_model(model, config, autocast_adapter_dtype=False)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    widen(model)
    kinds = {(parameter.requires_grad, parameter.dtype) for parameter in model.parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}


@pytest.mark.parametrize("rate", [1e-6, 5e-6, 1e-4, 1e-2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_rate_is_refused_exactly_where_adamw_would_not_move_weights_by_it(rate, dtype):
    """Against AdamW itself, at steps of a tenth of the rate as they are when gradients disagree."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(200, 200, bias=False)
    torch.nn.init.normal_(layer.weight, std=0.02)
    layer.to(dtype)
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.randn(200, 200).to(dtype)
    torch.optim.AdamW(layer.parameters(), rate / 10, weight_decay=0).step()
    really = float((layer.weight != before).float().mean())
    layer.weight.data = before
    if really < preflight.MOVED:
        with pytest.raises(
            InputError, match=f"kept in {str(dtype)[6:]}, where a tenth of a step is rounded away"
        ):
            preflight.check_rate(layer, rate)
        assert preflight.check_rate(layer, rate, torch.float32) > 0.99  # where the launcher keeps a copy
    else:
        assert preflight.check_rate(layer, rate) == pytest.approx(really, abs=0.02)


@pytest.mark.parametrize("rate", [0.0, -1e-6, float("nan"), 1e-12])
def test_a_rate_that_moves_nothing_in_32_bit_either_is_refused_before_training(rate, tiny, dataset, tmp_path):
    with pytest.raises(InputError, match="--learning_rate"):
        sft_run(tiny, dataset, tmp_path, f"--learning_rate={rate}")


@pytest.mark.parametrize(("settings", "fits"), [
    ({"bf16": {"enabled": True}}, True),
    ({"bf16": {"enabled": True, "bf16_master_weights_and_grads": True}}, False),
])  # fmt: skip
def test_deepspeed_is_trusted_with_its_copies_unless_it_is_told_to_keep_none(settings, fits):
    """DeepSpeed itself needs GPUs: a stand-in for what is asked of a trainer."""
    model = torch.nn.Linear(64, 64).to(torch.bfloat16)
    plugin = SimpleNamespace(deepspeed_config=settings)
    accelerator = SimpleNamespace(
        mixed_precision="bf16", is_main_process=True, state=SimpleNamespace(deepspeed_plugin=plugin)
    )
    trainer = SimpleNamespace(
        model=model,
        accelerator=accelerator,
        args=SimpleNamespace(learning_rate=1e-6),
        is_deepspeed_enabled=True,
    )
    if fits:
        hold_masters(trainer)
        assert model.weight.dtype == torch.bfloat16  # the engine makes its own copies
    else:
        with pytest.raises(InputError, match="bf16_master_weights_and_grads"):
            hold_masters(trainer)


def test_a_rollout_that_would_narrow_the_weights_is_refused(tiny, dataset, tmp_path):
    with pytest.raises(InputError, match="use_transformers_continuous_batching"):
        grpo_run(
            tiny,
            dataset,
            tmp_path,
            *NARROW,
            "--num_generations",
            4,
            "--use_transformers_continuous_batching",
            "True",
        )


# --- a model that is not there ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [[], ["None"], [""], ["out/first/stage"], ["./nowhere"], [__file__]], ids=str
)
@pytest.mark.parametrize("script", [sft, grpo, predict], ids=["sft", "grpo", "predict"])
def test_a_model_that_cannot_be_there_is_one_line(script, name, dataset, tmp_path, monkeypatch, capsys):
    """Nobody is asked for it: the Hub would be, for minutes, where there is no network."""
    from trl import TrlParser

    option = "--model" if script is predict else "--model_name_or_path"
    given = (
        ["--out", str(tmp_path / "o.jsonl")] if script is predict else [*TINY, "--output_dir", str(tmp_path)]
    )
    more = ["--num_generations", "4"] if script is grpo else []
    parser = TrlParser((predict.PredictArguments,)) if script is predict else script.parser()
    if script is predict and not name:
        pytest.skip("argparse asks for it")
    sources = [str(dataset)] if script is predict else ["--data", str(dataset)]
    given += ["--data", *sources] if script is predict else sources
    monkeypatch.setattr(sys, "argv", ["script", *given, *more, *([option, *name] if name else [])])
    with pytest.raises(SystemExit) as ended:
        cli.run(script.main, parser)
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and len(said) == 1 and said[0].startswith(f"error: {option}")


@pytest.mark.parametrize(
    "wrong", [["--nonsense", "3"], ["--learning_rate", "fast"], ["--bf16", "True", "--fp16", "True"]], ids=str
)
def test_settings_that_trl_refuses_are_one_line_and_no_traceback(wrong, tmp_path, monkeypatch, capsys):
    given = [*TINY, "--model_name_or_path", "m", "--data", "d", "--output_dir", str(tmp_path), *wrong]
    monkeypatch.setattr(sys, "argv", ["script", *given])
    with pytest.raises(SystemExit) as ended:
        cli.run(sft.main, sft.parser())
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


def test_a_folder_without_weights_is_one_line(tiny, dataset, tmp_path):
    import shutil

    shutil.copytree(tiny, tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(InputError, match=r"cannot load .*model"):
        sft_run(tmp_path / "model", dataset, tmp_path / "out")
    asked = predict.PredictArguments(
        model=str(tmp_path / "model"),
        data=str(dataset),
        out=str(tmp_path / "said.jsonl"),
        split="train",
        limit=1,
    )
    with pytest.raises(InputError, match=r"cannot load .*model"):
        predict.main(asked)


# --- configs ---------------------------------------------------------------------------------------

CONFIGS = sorted((ROOT / "trainers" / "configs").glob("*.yaml"))
ON_CPU = ["--use_cpu", "True", "--gradient_checkpointing", "False"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_parses(path, tmp_path):
    """On a processor and without vLLM: all else as the file says."""
    script = grpo if "grpo" in path.stem else sft
    parsed = script.parser().parse_args_and_config(
        ["--config", str(path), "--data", "x", "--output_dir", str(tmp_path), *ON_CPU]
    )
    training = next(one for one in parsed if hasattr(one, "learning_rate"))
    if path.stem == "qwen2_5_vl_7b_sft":
        assert (training.learning_rate, training.num_train_epochs, training.warmup_steps) == (5e-6, 2, 50)
        assert training.per_device_train_batch_size * training.gradient_accumulation_steps * 8 == 128
        assert parsed[0].think_ratio == 0.1
    if path.stem.startswith("qwen2_5_vl_7b_grpo"):
        assert (training.learning_rate, training.beta, training.epsilon, training.num_generations) == (
            1e-6,
            0.01,
            0.2,
            16,
        )
        assert training.max_completion_length == 4096 and training.reward_weights == [0.5, 0.5]
        preflight.check_batches(training, 64)
        completions = training.per_device_train_batch_size * training.steps_per_generation * 64
        assert (
            completions == 1024 * 16
            and training.max_steps * training.gradient_accumulation_steps
            == 150 * training.steps_per_generation
        )


@pytest.fixture(scope="module")
def stand_ins(texts, tmp_path_factory):
    """A tiny model of each architecture that a config names; without torchvision a Qwen processor is put
    together without videos.
    """
    root = tmp_path_factory.mktemp("stand-ins")
    return {
        kind: build(TinyArguments(out=str(root / kind), data="", kind=kind, hidden=64, layers=1), texts)
        for kind in ("idefics3", "qwen2_5_vl", "qwen3_vl")
    }


@pytest.mark.parametrize(
    ("kind", "videos"),  # as the published checkpoints name them
    [("qwen2_5_vl", "Qwen2VLVideoProcessor"), ("qwen3_vl", "Qwen3VLVideoProcessor")],
)
def test_a_processor_saved_without_torchvision_has_the_part_for_videos_that_vllm_asks_for(
    kind, videos, stand_ins
):
    """Read by the very function with which transformers, and so vLLM, looks for it."""
    from transformers.video_processing_utils import BaseVideoProcessor

    found, _ = BaseVideoProcessor.get_video_processor_dict(str(stand_ins[kind]))
    vision = json.loads((stand_ins[kind] / "config.json").read_text())["vision_config"]
    assert found["video_processor_type"] == videos
    assert (found["patch_size"], found["merge_size"]) == (vision["patch_size"], vision["spatial_merge_size"])
    assert load_processor(str(stand_ins[kind])).image_processor.patch_size == vision["patch_size"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_passes_the_pre_flight_on_the_stand_in_of_its_architecture(
    path, stand_ins, dataset, tmp_path, monkeypatch, capsys
):
    """The whole script up to its first step: data, model, LoRA, frozen parts, checks and plan. A batch is
    for one process here, 8 completions of 8 tokens; vLLM is not."""
    import transformers

    model = stand_ins["idefics3" if path.stem == "tiny_cpu" else path.stem.split("_vl_")[0] + "_vl"]
    script = grpo if "grpo" in path.stem else sft
    small = ["--num_generations", "8", "--per_device_train_batch_size", "8", "--max_completion_length", "8",
             "--steps_per_generation", "1", "--use_vllm", "False"] if script is grpo else []  # fmt: skip
    given = [
        "--config",
        str(path),
        "--data",
        str(dataset),
        "--model_name_or_path",
        str(model),
        "--output_dir",
        str(tmp_path),
    ]
    started = []
    monkeypatch.setattr(transformers.Trainer, "train", lambda trainer, **more: started.append(trainer))
    more = ["--gradient_accumulation_steps", "1", "--attn_implementation", "eager", *small]
    trainer = script.main(*script.parser().parse_args_and_config([*given, *ON_CPU, *more]))
    assert started == [trainer]
    said = capsys.readouterr().out
    assert "plan: " in said and ("completions" if script is grpo else "of them trained on") in said
    trained = {name for name, parameter in trainer.model.named_parameters() if parameter.requires_grad}
    if "lora" in path.stem:
        assert trained and all("lora" in name and "visual" not in name for name in trained)
    kinds = {parameter.requires_grad: parameter.dtype for parameter in trainer.model.parameters()}
    assert kinds.pop(True) == torch.float32
    assert kinds == ({False: torch.bfloat16} if "lora" in path.stem else {})


@pytest.mark.parametrize("kind", ["qwen2_5_vl", "qwen3_vl"])
def test_the_real_architectures_train_at_a_thousandth_of_the_size(kind, stand_ins, dataset, tmp_path):
    trainer = sft_run(
        stand_ins[kind],
        dataset,
        tmp_path,
        "--max_steps",
        1,
        "--per_device_train_batch_size",
        2,
        "--freeze",
        "vision",
    )
    assert len(losses(trainer)) == 1 and losses(trainer)[0] > 0
    frozen = {name for name, parameter in trainer.model.named_parameters() if not parameter.requires_grad}
    assert frozen and all("visual" in name and "merger" not in name for name in frozen)


def test_accelerate_reads_its_configs():
    from accelerate.commands.config.config_args import load_config_from_file

    kinds = {
        path.stem: load_config_from_file(str(path)).distributed_type
        for path in (ROOT / "trainers" / "accelerate").glob("*")
    }
    assert {name: kind.value for name, kind in kinds.items()} == {
        "one_gpu": "NO", "ddp": "MULTI_GPU", "fsdp2": "FSDP", "zero3": "DEEPSPEED",
    }  # fmt: skip


def test_two_processes_read_disjoint_questions(dataset, tmp_path):
    """torchrun with gloo, a stream: what each process was given."""
    script = tmp_path / "read.py"
    script.write_text(
        "import sys\nfrom accelerate import Accelerator\nfrom accelerate.utils import "
        "DataLoaderConfiguration\n"
        "from torch.utils.data import DataLoader\nfrom trainers.data import DataArguments, load_rows\n"
        "accelerator = Accelerator(cpu=True, "
        "dataloader_config=DataLoaderConfiguration(dispatch_batches=False))\n"
        "rows = load_rows(DataArguments(data=[sys.argv[1]], streaming=True))\n"
        "loader = accelerator.prepare(DataLoader(rows, batch_size=2, collate_fn=lambda rows: rows))\n"
        "names = [row['question_id'] for batch in loader for row in batch]\n"
        "open(f'{sys.argv[2]}/{accelerator.process_index}', 'w').write('\\n'.join(names))\n"
    )
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "0",
           "--rdzv_backend", "c10d",
           "--rdzv_endpoint", "localhost:0", str(script), str(dataset), str(tmp_path)]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_DATASETS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(run, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = ((tmp_path / name).read_text().split("\n") for name in "01")
    everything = {row["question_id"] for row in load_questions(dataset, streaming=True, fair=False)}
    assert set(first) | set(second) == everything
    assert len(set(first) & set(second)) <= 2  # accelerate fills the last batch from the beginning
