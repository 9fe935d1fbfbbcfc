"""Two comparisons on a model of 1 M parameters with a tower that a probe warmed up; CPU only.

    python benchmarks/compare.py said WORK --data DATASET --tower TOWER [--steps 150] [--seeds 0]
    python benchmarks/compare.py curriculum WORK --data DATASET --start SFT [--wordings FILE] [--seeds 0 1]

`said`: what a model is taught to say before its answer, by SFT: nothing; the dataset's chain of thought;
one line that states the motion; a chain for a tenth of the questions. `curriculum`: GRPO on the stored
questions, and on fresh ones whose difficulty follows what answers earn, from the same SFT, with as many
rollouts. All are scored on objects that none of them trained on. Each run leaves a file in WORK/results: a
benchmark that was stopped goes on where it was.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from viewpoint100k.audit.statistics import wilson

TYPE = "ego_translation"
THINK = "Think."  # every token counts in a model this small
BATCH = 32
TINY = ["--kind", "llava", "--size_px", "32", "--hidden", "96", "--layers", "3", "--vocabulary", "700"]
SAID = {  # name -> share of thoughts, what they say, whether it is asked to think
    "answer alone": (0.0, "chain", False),
    "motion, then answer": (1.0, "motion", True),
    "chain, then answer": (1.0, "chain", True),
    "chain for a tenth": (0.1, "chain", False),
}
STREAMS = {"stored questions": False, "fresh, with the curriculum": True}


class Bench:
    """A work folder: commands are run in it, and what a run found is kept."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.work: Path = given.work.resolve()
        self.results = self.work / "results"
        self.results.mkdir(parents=True, exist_ok=True)

    def __call__(self, *command: Any) -> float:
        """Run a command of ours. Returns its CPU-seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        words = [str(word) for word in command]
        print("$", *words, flush=True)
        log = self.work / "log.txt"
        with open(log, "a", encoding="utf-8") as written:
            subprocess.run([sys.executable, "-m", *words], check=True, env=environment, stdout=written,
                           stderr=subprocess.STDOUT)  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def model(self, seed: int) -> Path:
        """A model with the tower, and a tokenizer for what the dataset asks and says."""
        out = self.work / f"model-{seed}"
        if not (out / "config.json").is_file():
            self("trainers.tiny", out, "--data", self.given.data, "--types", TYPE, *TINY, "--seed", seed,
                 "--tower", self.given.tower)  # fmt: skip
        return out

    def sft(self, model: Path, out: Path, seed: int, *more: Any) -> float:
        steps = self.given.steps
        return self("trainers.sft", "--config", "tiny_cpu", "--model_name_or_path", model, "--data",
                    self.given.data, "--types", TYPE, "--freeze", "vision", "--orders", 3,
                    "--max_steps", steps, "--per_device_train_batch_size", BATCH, "--learning_rate", 2e-3,
                    "--lr_scheduler_type", "warmup_stable_decay", "--lr_scheduler_kwargs",
                    json.dumps({"num_decay_steps": steps // 4}), "--warmup_steps", 20, "--logging_steps", 10,
                    "--think_prompt", THINK, "--output_dir", out, "--seed", seed, *more)  # fmt: skip

    def watched(self, thinks: bool, every: int) -> list[Any]:
        return ["--watch", f"{self.given.data}#{TYPE}", "--watch_split", "test", "--watch_questions",
                self.given.questions, "--watch_every", every, "--watch_thinks", thinks]  # fmt: skip


def said(bench: Bench, name: str, seed: int) -> dict[str, Any]:
    """What was learned after so many questions, and after so many tokens."""
    ratio, thought, asked = SAID[name]
    out = bench.work / f"said-{list(SAID).index(name)}-{seed}"
    every = max(1, bench.given.steps // 3)
    more = ["--think_ratio", ratio, "--thought", thought, *bench.watched(asked, every)]
    cpu_s = bench.sft(bench.model(seed), out, seed, *more)
    log = log_of(out)
    tokens = {entry["step"]: entry["num_tokens"] for entry in log if "num_tokens" in entry}
    curve = [
        {"questions": BATCH * entry["step"], "tokens": tokens.get(entry["step"], 0),
         "accuracy": entry["watch/accuracy"]}
        for entry in log if "watch/accuracy" in entry
    ]  # fmt: skip
    return {"curve": curve, "cpu_s": round(cpu_s, 1)} | interval(curve[-1]["accuracy"], bench.given.questions)


def curriculum(bench: Bench, name: str, seed: int) -> dict[str, Any]:
    """What the same number of rollouts taught, and how difficult the questions became."""
    given = bench.given
    fresh = STREAMS[name]
    data = ["--data", given.data, "--types", TYPE]
    if fresh:
        data = ["--data", f"gym:{given.data}#{TYPE}", "--streaming", True, "--curriculum", True]
        data += ["--wordings", given.wordings] if given.wordings else []
    out = bench.work / f"grpo-{'fresh' if fresh else 'stored'}-{seed}"
    cpu_s = bench("trainers.grpo", "--config", "tiny_cpu", "--model_name_or_path", given.start, *data,
                  "--freeze", "vision", "--think_ratio", 0, "--rewards", "accuracy", "--reward_weights", 1.0,
                  "--num_generations", 8, "--per_device_train_batch_size", 128, "--max_completion_length", 12,
                  "--max_steps", given.grpo_steps, "--learning_rate", given.grpo_rate, "--beta", 0.01,
                  "--warmup_steps", 2, "--logging_steps", 1, "--output_dir", out, "--seed", seed,
                  *bench.watched(False, max(1, given.grpo_steps // 4)))  # fmt: skip
    log = log_of(out)
    found: dict[str, Any] = {"cpu_s": round(cpu_s, 1)}
    difficulty = f"difficulty/{TYPE}/camera_1"
    for key in ("watch/accuracy", "reward", "frac_reward_zero_std", difficulty):
        found[key] = [[entry["step"], entry[key]] for entry in log if key in entry]
    return found | interval(found["watch/accuracy"][-1][1], given.questions)


def interval(value: float, n: int) -> dict[str, float]:
    low, high = wilson(value, n)
    return {"accuracy": value, "low": low, "high": high, "n": n}


def log_of(out: Path) -> list[dict[str, Any]]:
    log: list[dict[str, Any]] = json.loads((out / "trainer_state.json").read_text())["log_history"]
    return log


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("said", "curriculum"))
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", required=True, help="a dataset of orbits; its test objects are asked about")
    parser.add_argument("--tower", help="of trainers.probe, 32 px; for `said`")
    parser.add_argument("--start", help="a model that knows the questions; for `curriculum`")
    parser.add_argument("--wordings", help="templates of the dataset, if they are not those that ship")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=150, help="of SFT, 32 questions each")
    parser.add_argument("--grpo_steps", type=int, default=16, help="of 16 prompts x 8 completions")
    parser.add_argument("--grpo_rate", type=float, default=3e-5)
    parser.add_argument("--questions", type=int, default=256, help="that are asked at each measurement")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    bench = Bench(given)
    rows = []
    names, run = (SAID, said) if given.what == "said" else (STREAMS, curriculum)
    for seed in given.seeds:
        for number, name in enumerate(names):
            path = bench.results / f"{given.what}-{number}-{seed}.json"
            if not path.is_file():
                path.write_text(json.dumps({"what": name, "seed": seed} | run(bench, name, seed)) + "\n")
            rows.append(json.loads(path.read_text()))
    for row in rows:
        right = f"{row['accuracy']:.3f} ({row['low']:.3f} to {row['high']:.3f}, of {row['n']})"
        print(f"{row['what']:28} seed {row['seed']}  {right}  {row['cpu_s']:.0f} CPU-s")
        for key in ("curve", "watch/accuracy", "reward", f"difficulty/{TYPE}/camera_1"):
            if row.get(key):
                print(f"    {key}: {row[key]}")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
