"""What both stages share: how the model is loaded, where a run goes on, what it prints and leaves behind."""

from pathlib import Path
from typing import Any

from transformers.trainer_utils import get_last_checkpoint

from trainers import preflight


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
    """The checkpoint that was asked for, else the last one in the output folder, else None."""
    asked = training_args.resume_from_checkpoint
    if isinstance(asked, str) and asked.lower() not in ("true", "false"):
        return asked
    if asked in (False, "false", "False"):
        return None
    folder = Path(training_args.output_dir)
    return get_last_checkpoint(str(folder)) if folder.is_dir() else None


def report(trainer: Any, plan: list[str], reference: bool = False) -> None:
    """Print the plan once."""
    model = trainer.model
    every = sum(parameter.numel() for parameter in model.parameters())
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    over = trainer.accelerator.num_processes if sharded else 1
    memory = preflight.memory_gb(model, reference=reference, sharded_over=over)
    lines = [
        f"{type(model).__name__}: {every / 1e6:.1f} M parameters, {trained / 1e6:.1f} M are trained",
        *plan,
        f"{memory:.2f} GB per device for weights, gradients and Adam; activations come on top",
    ]
    trainer.accelerator.print("\n".join(f"plan: {line}" for line in lines), flush=True)


def finish(trainer: Any, datasets: list[str]) -> None:
    """Weights, state and a card that names the datasets; and to the Hub, if that was asked for."""
    trainer.save_model()
    trainer.save_state()
    if trainer.args.push_to_hub:
        trainer.push_to_hub(dataset_name=", ".join(datasets), tags=["viewpoint100k"])
    else:
        trainer.create_model_card(dataset_name=", ".join(datasets), tags=["viewpoint100k"])
    trainer.end()
