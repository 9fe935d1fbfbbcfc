"""What both stages share: loading the model, resuming a run, printing the plan and saving the results."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from trl import get_peft_config, get_quantization_config

from trainers import memory, preflight
from trainers.data import DataArguments, load_rows, load_watched
from trainers.models import check_model_name, freeze, load_processor, lora_without, widen
from viewpoint100k import InputError


class Opened(NamedTuple):
    """The data of a stage, checked as far as possible without the model."""

    processor: Any
    rows: Any  # a table or a stream
    watched: Any  # a table, or None
    first: list[dict[str, Any]]  # the first rows and, for a table, the longest ones


def open_data(data_args: DataArguments, training_args: Any, model_args: Any) -> Opened:
    """
    Raises:
        InputError: a source or the model's processor is missing or unsuitable; the message says what to
            change.
    """
    check_model_name(model_args.model_name_or_path)
    training_args.model_init_kwargs = model_settings(training_args, model_args)
    processor = load_processor(
        model_args.model_name_or_path, model_args.model_revision, training_args.trust_remote_code
    )
    rows = load_rows(data_args)
    watched = load_watched(data_args)
    first = [*preflight.first_rows(rows), *preflight.longest_rows(rows)]
    preflight.check_rows(first, data_args.think_ratio)
    preflight.check_pictures(processor, first)
    return Opened(processor, rows, watched, first)


def make_trainer(
    kind: Any, data_args: DataArguments, training_args: Any, model_args: Any, opened: Opened, **more: Any
) -> Any:
    """A trainer of TRL over what was opened, with LoRA or frozen parts as asked, its weights such that they
    can move.

    Raises:
        InputError: there are no weights, or the rate cannot move them.
    """
    try:
        trainer = kind(
            model=model_args.model_name_or_path,
            args=training_args,
            train_dataset=opened.rows,
            processing_class=opened.processor,
            quantization_config=get_quantization_config(model_args),
            peft_config=lora_without(get_peft_config(model_args), data_args.freeze),
            **more,
        )
    except OSError as error:
        raise InputError(
            f"cannot load {model_args.model_name_or_path}: {str(error).splitlines()[0]}"
        ) from error
    if data_args.freeze and not model_args.use_peft:
        freeze(trainer.model, data_args.freeze)
    hold_masters(trainer)
    return trainer


def hold_masters(trainer: Any) -> None:
    """Keep trained parameters in 32 bit under every launcher: DeepSpeed and FSDP do so themselves, else we
    do.

    Raises:
        InputError: it is not, or the rate cannot move it all the same.
    """
    accelerator = trainer.accelerator
    kept = None
    computed = accelerator.mixed_precision
    if trainer.is_deepspeed_enabled:
        settings = accelerator.state.deepspeed_plugin.deepspeed_config
        for name, option in (
            ("bf16", "bf16_master_weights_and_grads"),
            ("fp16", "fp16_master_weights_and_grads"),
        ):
            if settings.get(name, {}).get(option):
                raise InputError(f"{name}.{option} in DeepSpeed's settings rounds steps away: take it out")
        kept = torch.float32
    elif trainer.is_fsdp_enabled and not accelerator.is_fsdp2 and computed != "no":
        kept = torch.float32  # accelerate widens whole shards, which must be of one kind until then
    elif not trainer.is_fsdp_enabled or accelerator.is_fsdp2:
        quantized = getattr(trainer.model, "is_quantized", False)
        widen(trainer.model, everything=computed == "no" and not quantized)
    if accelerator.is_main_process:  # the others may wait for their weights
        preflight.check_rate(trainer.model, trainer.args.learning_rate, kept)


def model_settings(training_args: Any, model_args: Any) -> dict[str, Any]:
    """Keyword arguments of `from_pretrained`, as TRL's own scripts pass them."""
    settings = {
        "revision": model_args.model_revision,
        "trust_remote_code": training_args.trust_remote_code,
        "attn_implementation": model_args.attn_implementation,
        "dtype": model_args.dtype,
    }
    return settings | dict(training_args.model_init_kwargs or {})


def last_checkpoint(training_args: Any) -> str | None:
    """The requested checkpoint, else the last complete one in the output folder, else None."""
    asked = training_args.resume_from_checkpoint
    if isinstance(asked, str) and asked.lower() not in ("true", "false"):
        return asked
    if asked in (False, "false", "False"):
        return None
    numbered = [
        (int(path.name.rpartition("-")[2]), path)
        for path in Path(training_args.output_dir).glob("checkpoint-*")
        if path.name.rpartition("-")[2].isdecimal() and _is_whole(path)
    ]
    return str(max(numbered)[1]) if numbered else None


def _is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is complete: the trainer's state is its last file.

    No run could ever continue from a checkpoint that a killed run left half-written.
    """
    try:
        return "global_step" in json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False


def report(trainer: Any, plan: list[str], kept: memory.Activations | None) -> None:
    """Print the plan once.

    Args:
        kept: what a forward pass keeps; None: not measured.
    """
    model = trainer.model
    reference = getattr(trainer, "ref_model", None)
    every = sum(map(preflight.numbers, model.parameters()))
    trained = sum(preflight.numbers(parameter) for parameter in model.parameters() if parameter.requires_grad)
    layout = memory.layout_of(trainer)
    needed = memory.plan_memory(memory.counts_of(model, reference), kept, layout)
    lines = [
        f"{type(model).__name__}: {every / 1e6:.1f} M parameters, {trained / 1e6:.1f} M are trained, in 32 "
        "bit",
        *plan,
        *memory.in_words(needed, layout),
        *(["what the layers keep comes on top: it was not measured"] if kept is None else []),
    ]
    trainer.accelerator.print("\n".join(f"plan: {line}" for line in lines), flush=True)


def activations(trainer: Any, batch_of: Callable[[int], Any]) -> memory.Activations | None:
    """The measured activations of the longest row; None if the weights are already sharded.

    Args:
        batch_of: a number of copies of that row, as the model takes them.
    """
    if trainer.is_deepspeed_enabled:
        return None

    def forward(rows: int) -> Any:
        batch = {name: values.to(trainer.model.device) for name, values in batch_of(rows).items()}
        batch.setdefault("labels", batch["input_ids"])
        # accelerate casts in the model that it prepared, which this is not yet
        with trainer.accelerator.autocast(), trainer.compute_loss_context_manager():
            return trainer.model(**batch, fused_lm_head=True).log_probs.sum()

    return memory.measure(trainer.model, forward)


def finish(trainer: Any, datasets: list[str]) -> None:
    """Save weights, state and a card that names the datasets, and push them to the Hub if requested."""
    trainer.save_model()
    trainer.save_state()
    if trainer.args.push_to_hub:
        trainer.push_to_hub(dataset_name=", ".join(datasets), tags=["viewpoint100k"])
    else:
        trainer.create_model_card(dataset_name=", ".join(datasets), tags=["viewpoint100k"])
    trainer.accelerator.wait_for_everyone()  # no process leaves the group while another one still writes
    trainer.end()
