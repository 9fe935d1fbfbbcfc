"""Does vLLM answer what GRPO rewards? Tiny models of the real architectures, with vLLM in the same process.

    python benchmarks/rollouts.py WORK --data my-dataset [--kinds qwen2_5_vl qwen3_vl] [--record]

Each kind is trained for a minute, so that its answers are words. Then two steps of `trainers.grpo` with
`use_vllm`: vLLM's weights in 32 bit, in 16 bit, and in 32 bit without one of the two things that
`trainers.rollouts` changes in TRL. Counted are the image tokens of a prompt; TRL compares the
log-probabilities of what vLLM sampled. At last `python -m trainers.predict`, by transformers and by vLLM as
it comes.

In the steps vLLM runs without compilation, and on a processor without packing its weights: packed ones cannot
be renewed after a step.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.measured import leave

KINDS = ("qwen2_5_vl", "qwen3_vl")
WAYS = {  # name -> vLLM's number format, and what of trainers.rollouts is left out
    "32 bit": ("float32", ()),
    "16 bit": ("bfloat16", ()),
    "32 bit, pictures kept": ("float32", ("forget_pictures",)),
    "32 bit, prompts as TRL has them": ("float32", ("hand_over_unrepeated", "check_first_rollout")),
}
TINY = ["--config", "tiny_cpu", "--think_ratio", "0.5", "--dtype", "float32"]
QUESTIONS = 32
LOGGED = "sampling/sampling_logp_difference"


def plain_weights() -> None:
    """Keep vLLM from packing weights on a processor."""
    from vllm import _custom_ops
    from vllm.model_executor.layers import utils
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        vars(_custom_ops)["_supports_onednn"] = False
        vars(utils)["check_cpu_sgl_kernel"] = lambda n, k, dtype: False


def count_tokens() -> dict[str, list[int]]:
    """Count image tokens from now on: as the trainer has them, as vLLM is given them, and as it made them."""
    from trainers import rollouts

    seen: dict[str, list[int]] = {"model": [], "given": [], "made": []}
    hand_over = rollouts.hand_over_unrepeated

    def hand_over_and_count(generation: Any, processor: Any) -> None:
        token = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
        counted(generation, token, "given", "made")
        hand_over(generation, processor)
        counted(generation, token, "model", None)

    def counted(generation: Any, token: int, before: str, after: str | None) -> None:
        rollout = generation.generate

        def generate(prompts: Any, *args: Any, **more: Any) -> Any:
            result = rollout(prompts, *args, **more)
            seen[before] += [list(ids).count(token) for ids in prompts]
            if after:
                seen[after] += [list(ids).count(token) for ids in result[0]]
            return result

        generation.generate = generate

    vars(rollouts)["hand_over_unrepeated"] = hand_over_and_count
    return seen


def two_steps(model: str, data: str, way: str, out: Path) -> dict[str, Any]:
    """Two steps of GRPO: the image tokens, and TRL's differences of log-probabilities."""
    from trl.generation import vllm_generation

    from trainers import grpo, rollouts
    from trainers.cli import config_path

    dtype, left_out = WAYS[way]
    plain_weights()
    vars(vllm_generation)["LLM"] = partial(vllm_generation.LLM, dtype=dtype, enforce_eager=True)
    for name in left_out:
        vars(rollouts)[name] = lambda *given: None
    seen = count_tokens()
    config = [str(config_path(one)) if one == "tiny_cpu" else one for one in TINY]
    given = [*config, "--model_name_or_path", model, "--data", data, "--output_dir", str(out),
             "--use_vllm", "True", "--vllm_gpu_memory_utilization", "0.1", "--max_steps", "2",
             "--warmup_steps", "0", "--learning_rate", "1e-3", "--num_generations", "4",
             "--per_device_train_batch_size", "32", "--steps_per_generation", "1",
             "--max_completion_length", "48", "--rewards", "accuracy", "length"]  # fmt: skip
    trainer = grpo.main(*grpo.parser().parse_args_and_config(given))
    steps = [line for line in trainer.state.log_history if f"{LOGGED}/max" in line]
    return {
        "tokens": {name: sorted(set(counts)) for name, counts in seen.items()},
        "prompts": len(seen["model"]),
        "mean": [line[f"{LOGGED}/mean"] for line in steps],
        "max": [line[f"{LOGGED}/max"] for line in steps],
        "length": [line["completions/mean_length"] for line in steps],
        "grad_norm": [line["grad_norm"] for line in steps],
    }


def predicted(work: Path, kind: str, data: str, backend: str) -> dict[str, str]:
    """The answers by `python -m trainers.predict`, by question."""
    out = work / f"{kind}_{backend}.jsonl"
    out.unlink(missing_ok=True)
    run("-m", "trainers.predict", "--model", work / kind, "--data", data, "--split", "train", "--out", out,
        "--backend", backend, "--limit", QUESTIONS, "--max_new_tokens", 32,
        "--dtype", "float32", "--think", "True")  # fmt: skip
    lines = map(json.loads, out.read_text("utf-8").splitlines())
    return {line["question_id"]: line["prediction"] for line in lines}


def run(*command: Any) -> None:
    subprocess.run([sys.executable, *map(str, command)], check=True)


def measure(work: Path, kind: str, data: str, train_steps: int) -> dict[str, Any]:
    """All ways for one kind of model. What an interrupted run has found is not measured again."""
    kept = work / f"{kind}.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
    if not (work / kind / "config.json").is_file():
        run("-m", "trainers.tiny", work / f"{kind}_raw", "--data", data, "--kind", kind, "--size_px", 128)
        run("-m", "trainers.sft", *TINY, "--model_name_or_path", work / f"{kind}_raw", "--data", data,
            "--output_dir", work / kind, "--max_steps", train_steps)  # fmt: skip
    for way in WAYS:
        if way not in found:
            run(__file__, work, "--data", data, "--worker", kind, way)
            found[way] = json.loads((work / "steps.json").read_text())
            kept.write_text(json.dumps(found, indent=1))
    ours, theirs = (predicted(work, kind, data, backend) for backend in ("transformers", "vllm"))
    found["same answers"] = sum(ours[name] == theirs[name] for name in ours)
    return found


def figures(kind: str, found: dict[str, Any]) -> list[str]:
    """The record's sentences about one kind."""
    sound, narrow, kept, stock = (found[way] for way in WAYS)
    assert min(sound["grad_norm"]) > 0, "the weights have not moved: ask more questions"
    tokens = {name: "/".join(map(str, counts)) for name, counts in sound["tokens"].items()}
    twice = "/".join(map(str, stock["tokens"]["made"]))
    furthest = [f"{max(way['max']):.1g}" for way in (sound, narrow, kept, stock)]
    return [
        f"{kind}: {tokens['model']} image tokens in each of {sound['prompts']} prompts for the model, "
        f"{tokens['given']} handed to vLLM, {tokens['made']} made by it; {twice} where TRL hands them over",
        f"{kind}: log-probabilities differ by at most {furthest[0]} (32 bit), {furthest[1]} (16 bit), "
        f"{furthest[2]} (32 bit, earlier weights' pictures kept), {furthest[3]} (prompts as TRL has them)",
        f"{kind}: {found['same answers']} of {QUESTIONS} greedy answers of `predict` are the same",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--train_steps", type=int, default=150)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--worker", nargs=2, metavar=("KIND", "WAY"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    work: Path = arguments.work
    if arguments.worker:
        kind, way = arguments.worker
        found = two_steps(str(work / kind), arguments.data, way, work / "grpo")
        (work / "steps.json").write_text(json.dumps(found))
        return
    work.mkdir(parents=True, exist_ok=True)
    results = {kind: measure(work, kind, arguments.data, arguments.train_steps) for kind in arguments.kinds}
    (work / "rollouts.json").write_text(json.dumps(results, indent=1))
    lines = [line for kind, found in results.items() for line in figures(kind, found)]
    print("\n".join(lines))
    if arguments.record:
        record(lines)


def record(lines: Sequence[str]) -> None:
    vllm = metadata.packages_distributions()["vllm"][0]  # its build for processors has another name
    names = (vllm, "trl", "transformers", "torch")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    leave(
        "rollouts",
        "Does vLLM answer what GRPO rewards? Two steps of GRPO with vLLM in the same process, tiny models",
        "learning",
        lines,
        f"{versions}. [More](training.md#before-a-gpu-hour-is-spent).",
    )


if __name__ == "__main__":
    main()
