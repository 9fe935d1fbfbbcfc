"""Stage 1, supervised fine-tuning: the model learns viewpoints, and a share of chains of thought keeps it thinking.

    python -m trainers.sft --config qwen2_5_vl_7b_sft --data viewpoint-100k --output_dir out/sft
    accelerate launch --config_file trainers/accelerate/fsdp2.yaml -m trainers.sft --config ... --data ...

Any setting of TRL's SFTConfig and ModelConfig is an option, and a line of the file. Run again, it goes on from the last
checkpoint in `output_dir`.
"""

from typing import Any

from trl import ModelConfig, SFTConfig, SFTTrainer, TrlParser, get_peft_config, get_quantization_config

from trainers import preflight
from trainers.callbacks import WatchCallback
from trainers.data import DataArguments, dataset_names, load_rows, load_watched
from trainers.models import freeze, load_processor, lora_without
from trainers.stages import finish, last_checkpoint, model_settings, report


def main(data_args: DataArguments, training_args: SFTConfig, model_args: ModelConfig) -> SFTTrainer:
    """Train. Returns the trainer, its log in `state.log_history`.

    Raises:
        InputError: the pre-flight finds something; says what to change.
    """
    training_args.max_length = None  # TRL cuts at 1024: pictures, or the answer, and the loss is 0.0 without a word
    training_args.model_init_kwargs = model_settings(training_args, model_args)
    processor = load_processor(
        model_args.model_name_or_path, model_args.model_revision, training_args.trust_remote_code
    )
    rows, watched = load_rows(data_args), load_watched(data_args)
    first = preflight.first_rows(rows)
    preflight.check_rows(first, data_args.think_ratio)
    preflight.check_pictures(processor, first)

    trainer = SFTTrainer(
        model=model_args.model_name_or_path,
        args=training_args,
        train_dataset=rows,
        processing_class=processor,
        quantization_config=get_quantization_config(model_args),
        peft_config=lora_without(get_peft_config(model_args), data_args.freeze),
    )
    if data_args.freeze and not model_args.use_peft:
        freeze(trainer.model, data_args.freeze)
    tokens = preflight.check_supervision(trainer.data_collator, first)
    preflight.check_context(trainer.model.config, tokens[0], "a question with its answer")
    plan = preflight.sft_plan(training_args, rows, trainer.accelerator.num_processes, tokens)
    report(trainer, [*plan, preflight.think_share(rows)])

    if watched is not None:
        longest = max(32, 2 * tokens[2])
        WatchCallback(watched, every=data_args.watch_every, max_new_tokens=longest, max_fall=data_args.max_fall).attach(
            trainer
        )
    trainer.train(resume_from_checkpoint=last_checkpoint(training_args))
    finish(trainer, dataset_names(data_args.data))
    return trainer


def parser() -> Any:
    return TrlParser((DataArguments, SFTConfig, ModelConfig))


if __name__ == "__main__":
    from trainers.cli import run

    run(main, parser())
