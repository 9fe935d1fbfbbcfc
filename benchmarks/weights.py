"""Do the weights move? By launcher, format and rate: how many parameters a run of SFT changes, and how far,
over 32 bit.

    python benchmarks/weights.py WORK --data my-dataset [--rates 1e-4 5e-6 1e-6] [--steps 20] [--json
    weights.json]

A tiny Qwen2.5-VL, its weights as large as those of the real one and rounded to bfloat16 as they are. What was
asked is what the same run changes with everything in 32 bit. "As loaded" is without
`trainers.stages.hold_masters`: what TRL alone does; adapters over a model of 4 bits, which needs another
library, stand as TRL leaves them then, in bfloat16.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ONE = [sys.executable]
TWO = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--rdzv_backend", "c10d",
       "--rdzv_endpoint", "localhost:0"]  # fmt: skip
LAUNCHERS = {"one process": ONE, "DDP, two processes": TWO}
LORA = [
    "--use_peft",
    "True",
    "--lora_r",
    "8",
    "--lora_target_modules",
    "q_proj",
    "v_proj",
    "--lora_dropout",
    "0",
]
USUAL = 0.25  # tiny models have weights of 0.09, real ones of 0.02


class Way(NamedTuple):
    """How weights are kept."""

    dtype: str
    held: bool  # as the trainers do now
    lora: bool = False
    narrowed: bool = False  # adapters as TRL leaves them over a quantized model


WAYS = {
    "float32": Way("float32", held=True),  # what was asked
    "bfloat16 as loaded": Way("bfloat16", held=False),
    "bfloat16, held in 32 bit": Way("bfloat16", held=True),
    "LoRA float32": Way("float32", held=True, lora=True),  # what was asked
    "LoRA on bfloat16 as loaded": Way("bfloat16", held=False, lora=True),
    "LoRA in bfloat16, as on 4 bits": Way("bfloat16", held=False, lora=True, narrowed=True),
    "LoRA in bfloat16, held in 32 bit": Way("bfloat16", held=True, lora=True, narrowed=True),
}


def moved(way: Way, model: str, data: str, rate: float, steps: int, out: Path) -> Any:
    """Displacement of everything that is trained, as one float32 tensor: a run of `trainers.sft`."""
    import torch

    from trainers import sft, stages
    from trainers.cli import config_path

    before: list[Any] = []
    hold = stages.hold_masters

    def hold_and_look(trainer: Any) -> None:
        trained = [parameter for parameter in trainer.model.parameters() if parameter.requires_grad]
        if way.narrowed:
            for parameter in trained:
                parameter.data = parameter.data.to(torch.bfloat16)
        if way.held:
            hold(trainer)
        before.extend(parameter.detach().float().clone() for parameter in trained)

    given = ["--config", str(config_path("tiny_cpu")), "--model_name_or_path", model, "--data", data,
             "--bf16", "True",
             "--dtype", way.dtype, "--learning_rate", str(rate), "--lr_scheduler_type", "constant",
             "--warmup_steps", "0",
             "--max_steps", str(steps), "--output_dir", str(out), *(LORA if way.lora else [])]  # fmt: skip
    stages.hold_masters = hold_and_look
    try:
        trainer = sft.main(*sft.parser().parse_args_and_config(given))
    finally:
        stages.hold_masters = hold
    after = [
        parameter.detach().float() for parameter in trainer.model.parameters() if parameter.requires_grad
    ]
    return torch.cat([(new - old).flatten() for new, old in zip(after, before, strict=True)])


def worker(work: Path, data: str, rates: list[float], steps: int) -> None:
    """All ways and rates in this process, or this one of two; the first writes WORK/found.json."""
    from trainers import sft

    vars(sft)["finish"] = lambda trainer, datasets: (
        None
    )  # which would end the group of processes after the first run
    found, asked = [], {}
    for rate in rates:
        for name, way in WAYS.items():
            change = moved(way, str(work / "model"), data, rate, steps, work / "out")
            if way == Way("float32", held=True, lora=way.lora):
                asked[way.lora] = change
            wanted = asked[way.lora] != 0
            found.append(
                {
                    "weights": name,
                    "rate": rate,
                    "changed": float((change[wanted] != 0).float().mean()),
                    "movement": float(change[wanted].abs().mean() / asked[way.lora][wanted].abs().mean()),
                }
            )
    if os.environ.get("RANK", "0") == "0":
        (work / "found.json").write_text(json.dumps(found))


def build_model(folder: Path, data: str) -> None:
    import torch
    from transformers import AutoModelForImageTextToText

    from trainers.tiny import TinyArguments, main

    main(TinyArguments(out=str(folder), data=data, kind="qwen2_5_vl"))
    model = AutoModelForImageTextToText.from_pretrained(folder)
    for parameter in model.parameters():
        scaled = parameter.data * (USUAL if parameter.dim() > 1 else 1)
        parameter.data = scaled.to(torch.bfloat16).float()
    model.save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-4, 5e-6, 1e-6])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        return worker(given.work, given.data, given.rates, given.steps)
    given.work.mkdir(parents=True, exist_ok=True)
    build_model(given.work / "model", given.data)
    rates = [str(rate) for rate in given.rates]
    table = []
    for launcher, start in LAUNCHERS.items():
        command = [
            __file__,
            str(given.work),
            "--data",
            given.data,
            "--worker",
            "--steps",
            str(given.steps),
            "--rates",
            *rates,
        ]
        with open(given.work / "log.txt", "a") as log:
            subprocess.run(
                [*start, *command],
                check=True,
                stdout=log,
                stderr=log,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
        table += [
            {"launcher": launcher, **row} for row in json.loads((given.work / "found.json").read_text())
        ]
    print(f"| launcher | weights | rate | changed | movement over what was asked |\n|{'---|' * 5}")
    for row in table:
        print("| {launcher} | {weights} | {rate:g} | {changed:.1%} | {movement:.1%} |".format(**row))
    if given.json:
        given.json.write_text(json.dumps({"steps": given.steps, "rows": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
