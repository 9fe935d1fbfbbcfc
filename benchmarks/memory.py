"""Is the memory plan right? `python benchmarks/memory.py WORK --data my-dataset [--json memory.json]`.

Trains small models for a few steps in several settings, in one process without a GPU, counts the bytes of all
tensors that are alive at a time, and compares the most with what `trainers/memory.py` predicted before the
first step. All rows are the longest of the dataset, for which the plan is. Prints a table and writes JSON;
exit 1 if a prediction is off by more than 15 %.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from trainers import grpo, memory, sft, tiny
from trainers.cli import config_path

CLOSE = 0.15
ROWS = 64


class Setting(NamedTuple):
    """How a small model is trained."""

    name: str
    options: list[str]
    stage: str = "sft"


BF16 = ["--dtype", "bfloat16", "--bf16", "True"]
LORA = ["--use_peft", "True", "--lora_r", "8", "--lora_target_modules", "all-linear"]
SETTINGS = (
    Setting("32 bit", []),
    Setting("masters in 32 bit, autocast to 16", BF16),
    Setting("the same, gradient checkpointing", [*BF16, "--gradient_checkpointing", "True"]),
    Setting("the same, 4 batches accumulated", [*BF16, "--gradient_accumulation_steps", "4"]),
    Setting("LoRA on 16 bit", [*BF16, *LORA]),
    Setting("tower and projector frozen", [*BF16, "--freeze", "vision", "projector"]),
    Setting("GRPO with a reference model", [*BF16, "--beta", "0.01", "--num_generations", "4",
                                            "--max_completion_length", "32"], "grpo"),
)  # fmt: skip


def run(setting: Setting, model: Path, data: str, out: Path, steps: int) -> tuple[float, float]:
    """Megabytes predicted and measured."""
    predicted: dict[str, Any] = {}
    module = {"sft": sft, "grpo": grpo}[setting.stage]
    given = ["--config", str(config_path("tiny_cpu")), "--model_name_or_path", str(model), "--data", data,
             "--output_dir", str(out), "--max_steps", str(steps), "--per_device_train_batch_size", "8",
             *setting.options]  # fmt: skip
    alive = memory.AliveBytes()
    told = memory.in_words

    def tell(found: memory.Memory, layout: memory.Layout) -> list[str]:
        """The plan is made right before the first step: from here on is counted."""
        predicted["bytes"] = found.peak
        trainer = predicted["trainer"]
        alive.add(trainer.model.parameters())
        if getattr(trainer, "ref_model", None) is not None:
            alive.add(trainer.ref_model.parameters())
        return told(found, layout)

    plan = memory.layout_of

    def layout_of(trainer: Any) -> memory.Layout:
        predicted["trainer"] = trainer
        trainer.train_dataset = longest_alone(trainer.train_dataset)
        return plan(trainer)

    vars(memory)["in_words"], vars(memory)["layout_of"] = tell, layout_of
    train = module.SFTTrainer.train if setting.stage == "sft" else module.GRPOTrainer.train  # type: ignore[attr-defined]
    kind = module.SFTTrainer if setting.stage == "sft" else module.GRPOTrainer  # type: ignore[attr-defined]

    def counted(self: Any, *args: Any, **more: Any) -> Any:
        with alive:
            return train(self, *args, **more)

    kind.train = counted
    try:
        module.main(*module.parser().parse_args_and_config(given))
    finally:
        kind.train = train
        vars(memory)["in_words"], vars(memory)["layout_of"] = told, plan
    return predicted["bytes"] / 1e6, alive.most / 1e6


def longest_alone(rows: Any) -> Any:
    """The row with the longest text, again and again: the plan is for batches of it, which few steps meet."""
    names = [name for name in ("prompt", "completion") if name in rows.column_names]
    lengths = [
        sum(len(part["content"]) for name in names for part in row[name])
        for row in rows.select_columns(names)
    ]
    return rows.select([lengths.index(max(lengths))] * ROWS)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--only", help="word of the settings that are tried")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model = given.work / "model"
    if not (model / "config.json").is_file():
        tiny.main(
            tiny.TinyArguments(
                out=str(model), data=given.data, kind="qwen2_5_vl", size_px=96, hidden=256, layers=6
            )
        )
    table = Table("setting", "predicted MB", "measured MB", "off by")
    rows: list[dict[str, Any]] = []
    for number, setting in enumerate(SETTINGS):
        if given.only and given.only not in setting.name:
            continue
        predicted, measured = run(setting, model, given.data, given.work / f"run-{number}", given.steps)
        off = predicted / measured - 1
        rows.append({"setting": setting.name, "predicted_mb": predicted, "measured_mb": measured, "off": off})
        table.add_row(setting.name, f"{predicted:.1f}", f"{measured:.1f}", f"{100 * off:+.1f} %")
    Console(width=110).print(table)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(any(abs(row["off"]) > CLOSE for row in rows))


if __name__ == "__main__":
    sys.exit(main())
