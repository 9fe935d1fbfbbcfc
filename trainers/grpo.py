"""Stage 2, GRPO: the model learns to reason on other spatial questions, without forgetting viewpoints.

    python -m trainers.grpo --config qwen2_5_vl_7b_grpo --model_name_or_path out/sft --output_dir out/grpo \\
        --data sat:array/SAT-v2=0.75 viewpoint-100k=0.25 --watch viewpoint-100k --max_fall 0.05

Accuracy on held-out viewpoint questions (`--watch`) is logged while it trains; its fall stops the run.
"""

from dataclasses import dataclass, field
from typing import Any

from trl import GRPOConfig, GRPOTrainer, ModelConfig, TrlParser, get_peft_config, get_quantization_config

from trainers import preflight
from trainers.callbacks import WatchCallback
from trainers.data import DataArguments, dataset_names, load_rows, load_watched
from trainers.models import freeze, load_processor, lora_without
from trainers.rewards import REWARDS, length_reward
from trainers.stages import finish, last_checkpoint, model_settings, report
from viewpoint100k import InputError


@dataclass
class RewardArguments:
    """What is rewarded; `reward_weights`, an option of TRL, weighs it."""

    rewards: list[str] = field(
        default_factory=lambda: ["format", "accuracy"],
        metadata={"help": "Of format, accuracy, partial, length, paper. The paper: 0.5 format + 0.5 accuracy."},
    )


def reward_functions(names: list[str], max_completion_length: int) -> list[Any]:
    """
    Raises:
        InputError: there is no such reward.
    """
    known = {**REWARDS, "length": length_reward(max_completion_length)}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"--rewards {unknown[0]}: expected of {', '.join(known)}")
    return [known[name] for name in names]


def main(
    data_args: DataArguments, reward_args: RewardArguments, training_args: GRPOConfig, model_args: ModelConfig
) -> GRPOTrainer:
    """Train. Returns the trainer, its log in `state.log_history`.

    Raises:
        InputError: the pre-flight finds something; says what to change.
    """
    training_args.model_init_kwargs = model_settings(training_args, model_args)
    rewards = reward_functions(reward_args.rewards, training_args.max_completion_length)
    if training_args.reward_weights and len(training_args.reward_weights) != len(rewards):
        raise InputError(
            f"--reward_weights {training_args.reward_weights}: expected one for each of {', '.join(reward_args.rewards)}"
        )
    processor = load_processor(
        model_args.model_name_or_path, model_args.model_revision, training_args.trust_remote_code
    )
    rows, watched = load_rows(data_args), load_watched(data_args)
    first = preflight.first_rows(rows)
    preflight.check_rows(first, data_args.think_ratio)
    preflight.check_pictures(processor, first)
    preflight.check_padding(processor)
    rows = rows.remove_columns(["completion", "question"])  # TRL hands all other columns to the rewards

    trainer = GRPOTrainer(
        model=model_args.model_name_or_path,
        reward_funcs=rewards,
        args=training_args,
        train_dataset=rows,
        processing_class=processor,
        quantization_config=get_quantization_config(model_args),
        peft_config=lora_without(get_peft_config(model_args), data_args.freeze),
    )
    if data_args.freeze and not model_args.use_peft:
        freeze(trainer.model, data_args.freeze)
    processes = trainer.accelerator.num_processes
    preflight.check_batches(training_args, processes)
    prompt = preflight.prompt_tokens(processor, first)
    preflight.check_context(trainer.model.config, prompt + training_args.max_completion_length, "a completion")
    plan = preflight.grpo_plan(training_args, rows, processes, prompt)
    reference = bool(training_args.beta) and not model_args.use_peft
    report(trainer, plan, reference)

    if watched is not None:
        WatchCallback(
            watched,
            every=data_args.watch_every,
            max_new_tokens=training_args.max_completion_length if data_args.watch_thinks else 32,
            max_fall=data_args.max_fall,
        ).attach(trainer)
    trainer.train(resume_from_checkpoint=last_checkpoint(training_args))
    finish(trainer, dataset_names(data_args.data))
    return trainer


def parser() -> Any:
    return TrlParser((DataArguments, RewardArguments, GRPOConfig, ModelConfig))


if __name__ == "__main__":
    from trainers.cli import run

    run(main, parser())
