"""Stage 2, GRPO: the model learns to reason on other spatial questions, without forgetting viewpoints.

    python -m trainers.grpo --config qwen2_5_vl_7b_grpo --model_name_or_path out/sft --output_dir out/grpo \\
        --data sat:array/SAT-v2=0.75 viewpoint-100k=0.25 --watch viewpoint-100k --max_fall 0.05

Accuracy on held-out viewpoint questions (`--watch`) is logged during training; if it falls, the run stops.
"""

from dataclasses import dataclass, field
from typing import Any

from trl import GRPOConfig, GRPOTrainer, ModelConfig, TrlParser
from trl.import_utils import is_vllm_available

from trainers import gym, preflight, rollouts
from trainers.callbacks import WatchCallback
from trainers.data import DataArguments, dataset_names
from trainers.rewards import REWARDS, accuracy_reward, length_reward
from trainers.stages import activations, finish, last_checkpoint, make_trainer, open_data, report
from viewpoint100k import InputError


@dataclass
class RewardArguments:
    """The reward functions; TRL's option `reward_weights` weighs them."""

    rewards: list[str] = field(
        default_factory=lambda: ["format", "accuracy"],
        metadata={
            "help": "Some of format, accuracy, partial, length, paper. paper is 0.5 format + 0.5 accuracy."
        },
    )


def reward_functions(names: list[str], max_completion_length: int) -> list[Any]:
    """
    Raises:
        InputError: there is no such reward.
    """
    known = {**REWARDS, "length": length_reward(max_completion_length)}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"--rewards {unknown[0]}: expected some of {', '.join(known)}")
    return [known[name] for name in names]


def main(
    data_args: DataArguments, reward_args: RewardArguments, training_args: GRPOConfig, model_args: ModelConfig
) -> GRPOTrainer:
    """Train. Returns the trainer, its log in `state.log_history`.

    Raises:
        InputError: the pre-flight finds something; says what to change.
    """
    rewards = reward_functions(reward_args.rewards, training_args.max_completion_length)
    check_arguments(reward_args, training_args)
    opened = open_data(data_args, training_args, model_args)
    if data_args.curriculum:
        # a shuffle buffer would hold questions of an earlier difficulty
        training_args.shuffle_dataset = False
        rewards = [gym.with_curriculum(reward) if reward is accuracy_reward else reward for reward in rewards]
    preflight.check_padding(opened.processor)
    rows = opened.rows.remove_columns(
        ["completion", "question"]
    )  # TRL passes all other columns to the reward functions
    opened = opened._replace(rows=rows)
    trainer = make_trainer(GRPOTrainer, data_args, training_args, model_args, opened, reward_funcs=rewards)
    processes = trainer.accelerator.num_processes
    check_curriculum(data_args, processes)
    preflight.check_batches(training_args, processes)
    prompt = preflight.prompt_tokens(opened.processor, opened.first)
    longest = prompt + training_args.max_completion_length
    preflight.check_context(trainer.model.config, longest, "a completion")
    if training_args.use_vllm:
        rollouts.hand_over_unrepeated(trainer.vllm_generation, opened.processor)
        rollouts.forget_pictures(trainer.vllm_generation)
        rollouts.check_first_rollout(trainer.vllm_generation, opened.processor)
    plan = preflight.grpo_plan(training_args, rows, processes, prompt)
    kept = activations(
        trainer,
        lambda rows: preflight.longest_rollout(
            opened.processor, opened.first, training_args.max_completion_length, rows
        ),
    )
    report(trainer, plan, kept)

    if opened.watched is not None:
        most = training_args.max_completion_length if data_args.watch_thinks else 32
        watch = WatchCallback(
            opened.watched, every=data_args.watch_every, max_new_tokens=most, max_fall=data_args.max_fall
        )
        watch.attach(trainer)
    trainer.train(resume_from_checkpoint=last_checkpoint(training_args))
    finish(trainer, dataset_names(data_args.data))
    return trainer


def check_arguments(reward_args: RewardArguments, training_args: GRPOConfig) -> None:
    """Refuse arguments that conflict.

    Raises:
        InputError: the numbers of rewards and weights differ, or the rollout engine would round the weights
            or is not installed.
    """
    weights = training_args.reward_weights
    if weights and len(weights) != len(reward_args.rewards):
        raise InputError(
            f"--reward_weights {weights}: expected one for each of {', '.join(reward_args.rewards)}"
        )
    if training_args.use_transformers_continuous_batching and (training_args.bf16 or training_args.fp16):
        raise InputError(
            "--use_transformers_continuous_batching with bf16 or fp16 turns the weights that are trained "
            "into 16 bit at every rollout, and steps are rounded away: leave it out, or take --use_vllm"
        )
    if training_args.use_vllm and not is_vllm_available():
        raise InputError("--use_vllm: vllm is not installed; install trl[vllm], or set use_vllm: false")


def check_curriculum(data_args: DataArguments, processes: int) -> None:
    if data_args.curriculum and processes > 1:
        raise InputError(
            f"--curriculum with {processes} processes: each would see other answers and ask other questions; "
            "leave it out, or take one process"
        )


def parser() -> Any:
    return TrlParser((DataArguments, RewardArguments, GRPOConfig, ModelConfig))


if __name__ == "__main__":
    from trainers.cli import run

    run(main, parser())
