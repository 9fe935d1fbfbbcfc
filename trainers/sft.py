"""Stage 1, supervised fine-tuning: the model learns viewpoints, and a share of chains of thought keeps it
thinking.

    python -m trainers.sft --config qwen2_5_vl_7b_sft --data viewpoint-100k --output_dir out/sft
    accelerate launch --config_file trainers/accelerate/fsdp2.yaml -m trainers.sft --config ... --data ...

Every setting of TRL's SFTConfig and ModelConfig is an option and may be a line of the config file. A run that
is started again continues from the last checkpoint in `output_dir`.
"""

from typing import Any

from trl import ModelConfig, SFTConfig, SFTTrainer, TrlParser

from trainers import preflight
from trainers.callbacks import WatchCallback
from trainers.data import DataArguments, dataset_names
from trainers.stages import activations, finish, last_checkpoint, make_trainer, open_data, report


def main(data_args: DataArguments, training_args: SFTConfig, model_args: ModelConfig) -> SFTTrainer:
    """Train. Returns the trainer, its log in `state.log_history`.

    Raises:
        InputError: the pre-flight finds something; says what to change.
    """
    training_args.max_length = (
        None  # TRL cuts at 1024: pictures, or the answer, and the loss is 0.0 without a word
    )
    opened = open_data(data_args, training_args, model_args)
    trainer = make_trainer(SFTTrainer, data_args, training_args, model_args, opened)
    tokens = preflight.check_supervision(trainer.data_collator, opened.first)
    preflight.check_context(trainer.model.config, tokens[0], "a question with its answer")
    plan = preflight.sft_plan(training_args, opened.rows, trainer.accelerator.num_processes, tokens)
    longest = max(opened.first, key=lambda row: preflight.check_supervision(trainer.data_collator, [row])[0])
    shown = {name: longest[name] for name in ("images", "prompt", "completion")}
    kept = activations(trainer, lambda rows: trainer.data_collator([dict(shown) for _ in range(rows)]))
    report(trainer, [*plan, preflight.think_share(opened.rows)], kept)

    if opened.watched is not None:
        WatchCallback(
            opened.watched,
            every=data_args.watch_every,
            max_new_tokens=max(32, 2 * tokens[2]),
            max_fall=data_args.max_fall,
        ).attach(trainer)
    trainer.train(resume_from_checkpoint=last_checkpoint(training_args))
    finish(trainer, dataset_names(data_args.data))
    return trainer


def parser() -> Any:
    return TrlParser((DataArguments, SFTConfig, ModelConfig))


if __name__ == "__main__":
    from trainers.cli import run

    run(main, parser())
