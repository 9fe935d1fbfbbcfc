"""Does the data teach? The paper's story in miniature, on rendered pairs and a model of 1 M parameters, CPU only.

    python benchmarks/learning.py WORK [--seeds 0 1] [--pairs 5200] [--only probe overfit ...] [--json learning.json]

Each stage is a command of this project, run as a user would, and leaves `WORK/results/STAGE.json`: a stage that has its
file is not run again, so a stopped benchmark goes on where it was. Scores are of objects that no stage trained on.

    render      orbits, and a decoupled set: WORK/orbits, WORK/decoupled; reworded in short for a small model
    probe       a convolutional classifier: direction of translation on orbits; its tower goes on to the later stages
    decoupled   the same for yaw and for translation on the decoupled set, and an orbit-trained probe on same-sign pairs
    overfit     64 pairs by sft and predict: from chance to all, options in every order
    sft         chains of thought; letters only; the hybrid of both: each asked both ways
    grpo        from the chains of thought, and from letters only: what the cold start buys
    forget      another question alone, and with a quarter of viewpoint questions
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from trainers import probe
from viewpoint100k.questions import KINDS, load_templates

TYPE = "ego_translation"
SHORT = {"ego_translation/camera_1": "Which way did the camera move?", "ego_rotation/camera_1": "Which way did it turn?",
         "angle/around_object": "How far around?"}  # fmt: skip
THINK = "Think."  # every token counts in a model this small
RENDER = ["--source", "builtin:", "--workers", "1", "--set", "render.size_px=64", "--set", "render.quality=draft",
          "--set", "plan.test_share=0.2", "--set", "plan.validation_share=0.04", "--set", "plan.pairs_per_object=8",
          "--set", "gates.min_decidability=0.02", "--set", "gates.exact_share=0"]  # fmt: skip
SETS = {
    "orbits": ["--preset", "viewpoint-100k", "--seed", "1", "--set", "plan.motions.orbits=1.0"],
    "decoupled": ["--preset", "viewpoint-6dof", "--seed", "2",
                  "--set", "plan.motions={right: 0.7, up: 0, forward: 0, yaw: 0.7, pitch: 0, roll: 0, zoom: 0, zoom_ahead: 0, orbits: 0}",
                  "--set", "plan.hfov_deg={low: 55, high: 60}",
                  "--set", "render.backgrounds={hdri: 1, blurred: 0, plain: 0, gradient: 0, ground: 0}"],
}  # fmt: skip
TRAIN = ["--config", "tiny_cpu", "--think_prompt", THINK, "--per_device_train_batch_size", "64", "--warmup_steps", "30",
         "--logging_steps", "10", "--types", TYPE]  # fmt: skip


class Bench:
    """A work folder: commands are run in it, and what a stage found is kept."""

    def __init__(self, work: Path, pairs: int, scale: float) -> None:
        self.work, self.pairs, self.scale = work, pairs, scale
        self.results = work / "results"
        self.results.mkdir(parents=True, exist_ok=True)

    def __call__(self, *command: Any) -> float:
        """Run one of our commands. Returns its CPU-seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        print("$", *command, flush=True)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        subprocess.run([sys.executable, "-m", *map(str, command)], check=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def once(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What a stage found, now or in an earlier run."""
        path = self.results / f"{name}.json"
        if not path.is_file():
            found = work()
            path.with_suffix(".tmp").write_text(json.dumps(found, indent=1) + "\n")
            path.with_suffix(".tmp").replace(path)
        found = json.loads(path.read_text())
        print(f"== {name}: " + ", ".join(f"{k} {v:.3f}" for k, v in found.items() if isinstance(v, float)), flush=True)
        return found

    def steps(self, count: int) -> int:
        return max(2, round(count * self.scale))

    def score(self, model: Path, data: str, name: str, *, think: bool, limit: int = 0, split: str = "test", rotations: int = 1, kind: str = TYPE) -> float:  # fmt: skip
        """Accuracy by `predict` and `evaluate`."""
        said = self.work / "said" / f"{name}-{'think' if think else 'letter'}.jsonl"
        more = ["--think", "--think_prompt", THINK] if think else []
        more += ["--limit", limit] if limit else []
        self("trainers.predict", "--model", model, "--data", self.work / data, "--split", split, "--types", kind, "--out", said,
             "--batch_size", 64, "--max_new_tokens", 120 if think else 6, "--rotations", rotations, *more)  # fmt: skip
        scores = said.with_suffix(".json")
        self("viewpoint100k", "evaluate", said, self.work / data, "--json", scores)
        found = json.loads(scores.read_text())
        return float((found["circular"] if rotations != 1 else found["accuracy"])["value"])


def render(bench: Bench) -> None:
    templates = {kind.name: dict(load_templates()[kind.name]) for kind in KINDS}
    templates |= {name: {"train": [words], "test": [words]} for name, words in SHORT.items()}
    (bench.work / "short.yaml").write_text(yaml.safe_dump(templates))
    for name, settings in SETS.items():

        def work(name: str = name, settings: Sequence[str] = settings) -> dict[str, Any]:
            out = bench.work / name
            cpu_s = bench("viewpoint100k", "generate", out, "--pairs", bench.pairs, *RENDER, *settings)
            short = bench.work / f"{name}_short"
            bench(
                "viewpoint100k", "requestion", out, short, "--set", f"questions.templates={bench.work / 'short.yaml'}"
            )
            return {"pairs": bench.pairs, "cpu_s": cpu_s}

        bench.once(f"render-{name}", work)


def run_probe(bench: Bench, seed: int) -> None:
    tower = bench.work / f"tower-{seed}"

    def work() -> dict[str, Any]:
        found = probe.main([str(bench.work / "orbits"), "--type", TYPE, "--samples", str(bench.steps(60_000)),
                            "--seed", str(seed), "--tower", str(tower)])  # fmt: skip
        return {name: found[name] for name in ("accuracy", "n", "cpu_s", "curve")}

    bench.once(f"probe-{seed}", work)


def decoupled(bench: Bench, seed: int) -> None:
    """Trained on one set, scored on both."""

    def work() -> dict[str, Any]:
        out: dict[str, Any] = {}
        for kind in ("ego_rotation", TYPE):
            tests = {name: probe.load_pairs(str(bench.work / name), "test", kind, 64) for name in SETS}
            for name in SETS:
                data = probe.load_pairs(str(bench.work / name), "train", kind, 64)
                swap = name == "orbits"
                _, found = probe.train(data, tests, samples=bench.steps(60_000), swap=swap, seed=seed)
                for test, result in found.items():
                    out[f"{kind}, {name} -> {test}"] = result.accuracy
                    for family, (accuracy, n) in result.by_family.items():
                        out[f"{kind}, {name} -> {test}, {family} ({n})"] = accuracy
        return out

    bench.once(f"decoupled-{seed}", work)


def model_of(bench: Bench, seed: int, data: str = "orbits_short") -> Path:
    out = bench.work / f"tiny-{seed}"
    if not (out / "config.json").is_file():
        run_probe(bench, seed)
        bench("trainers.tiny", out, "--data", bench.work / data, "--kind", "llava", "--types", TYPE, "angle",
              "--tower", bench.work / f"tower-{seed}", "--seed", seed)  # fmt: skip
    return out


def overfit(bench: Bench, seed: int) -> None:
    def work() -> dict[str, Any]:
        small, model = bench.work / "64_short", bench.work / f"fresh-{seed}"
        if not small.is_dir():
            bench("viewpoint100k", "generate", bench.work / "64", "--pairs", 64, *RENDER, *SETS["orbits"],
                  "--set", "plan.test_share=0", "--set", "plan.validation_share=0")  # fmt: skip
            bench(
                "viewpoint100k",
                "requestion",
                bench.work / "64",
                small,
                "--set",
                f"questions.templates={bench.work / 'short.yaml'}",
            )
        bench("trainers.tiny", model, "--data", small, "--kind", "llava", "--types", TYPE, "--seed", seed)
        more: dict[str, Any] = {"split": "train", "rotations": 0}
        before = bench.score(model, "64_short", f"fresh-{seed}", think=False, **more)
        out = bench.work / f"overfit-{seed}"
        cpu_s = bench("trainers.sft", *TRAIN, "--model_name_or_path", model, "--data", small, "--orders", 3, "--think_ratio", 0.5,
                      "--max_steps", bench.steps(300), "--learning_rate", 1e-3, "--output_dir", out, "--seed", seed)  # fmt: skip
        after = {f"{'think' if think else 'letter'}, every order right": bench.score(out, "64_short", out.name, think=think, **more)
                 for think in (False, True)}  # fmt: skip
        return {"before, every order right": before, **after, "cpu_s": cpu_s}

    bench.once(f"overfit-{seed}", work)


def sft(bench: Bench, seed: int) -> None:
    for name, ratio in {"think": 1.0, "letter": 0.0, "hybrid": 0.5}.items():

        def work(name: str = name, ratio: float = ratio) -> dict[str, Any]:
            model, out = model_of(bench, seed), bench.work / f"sft-{name}-{seed}"
            cpu_s = bench("trainers.sft", *TRAIN, "--model_name_or_path", model, "--data", bench.work / "orbits_short",
                          "--freeze", "vision", "--think_ratio", ratio, "--orders", 3, "--max_steps", bench.steps(300),
                          "--learning_rate", 2e-3, "--output_dir", out, "--seed", seed, "--save_strategy", "steps",
                          "--save_steps", 100)  # fmt: skip
            asked = {"think": [True], "letter": [False]}.get(name, [True, False])
            scores = {f"asked for {'a thought' if think else 'a letter'}": bench.score(out, "orbits_short", out.name, think=think)
                      for think in asked}  # fmt: skip
            return {**scores, "cpu_s": cpu_s}

        bench.once(f"sft-{name}-{seed}", work)


def grpo(bench: Bench, seed: int) -> None:
    for start in ("think", "letter"):

        def work(start: str = start) -> dict[str, Any]:
            model, out = bench.work / f"sft-{start}-{seed}", bench.work / f"grpo-{start}-{seed}"
            cpu_s = bench("trainers.grpo", *TRAIN, "--model_name_or_path", model, "--data", bench.work / "orbits_short",
                          "--freeze", "vision", "--think_ratio", 1, "--max_steps", bench.steps(45), "--learning_rate", 3e-5,
                          "--num_generations", 8, "--per_device_train_batch_size", 128, "--max_completion_length", 120,
                          "--beta", 0.01, "--reward_weights", 0.5, 0.5, "--output_dir", out, "--seed", seed)  # fmt: skip
            return {"asked for a thought": bench.score(out, "orbits_short", out.name, think=True), "cpu_s": cpu_s}

        bench.once(f"grpo-{start}-{seed}", work)


def forget(bench: Bench, seed: int) -> None:
    """The angle alone, and mixed with a quarter of viewpoint questions; nothing frozen, at a high rate: the hard case."""
    data = bench.work / "orbits_short"
    for name, kinds in {"alone": ["angle"], "replay": ["angle", "angle", "angle", TYPE]}.items():

        def work(name: str = name, kinds: Sequence[str] = kinds) -> dict[str, Any]:
            model, out = bench.work / f"sft-think-{seed}", bench.work / f"forget-{name}-{seed}"
            share = kinds.count(TYPE) / len(kinds)
            sources = [f"{data}#angle={1 - share}"] + ([f"{data}#{TYPE}={share}"] if share else [])
            train = TRAIN[: TRAIN.index("--types")]
            cpu_s = bench("trainers.sft", *train, "--model_name_or_path", model, "--data", *sources, "--think_ratio", 1,
                          "--max_steps", bench.steps(110), "--learning_rate", 1e-3, "--output_dir", out, "--seed", seed)  # fmt: skip
            return {"asked for a thought": bench.score(out, "orbits_short", out.name, think=True), "cpu_s": cpu_s}

        bench.once(f"forget-{name}-{seed}", work)


STAGES: dict[str, Callable[[Bench, int], None]] = {
    "probe": run_probe, "decoupled": decoupled, "overfit": overfit, "sft": sft, "grpo": grpo, "forget": forget,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument(
        "--pairs", type=int, default=5200, help="of each set; a fifth are of objects that are not trained on"
    )
    parser.add_argument(
        "--only", nargs="+", choices=STAGES, default=list(STAGES), help="stages; they need those before them"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="of all steps; below 1 to try the commands out")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    bench = Bench(given.work.resolve(), given.pairs, given.scale)
    render(bench)
    for seed in given.seeds:
        for name in given.only:
            STAGES[name](bench, seed)
    found = {path.stem: json.loads(path.read_text()) for path in sorted(bench.results.glob("*.json"))}
    print(f"\n{'stage':22} {'what':44} figure")
    for stage, figures in found.items():
        for what, figure in figures.items():
            if isinstance(figure, float):
                print(f"{stage:22} {what:44} {figure:.3f}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
