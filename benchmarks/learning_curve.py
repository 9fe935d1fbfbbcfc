"""How much is learned for a CPU-second of rendering: accuracy on unseen objects over the cost of the pairs.

    python benchmarks/learning_curve.py WORK viewpoint-100k viewpoint-6dof=FOLDER:CPU_SECONDS \\
        [--pairs 500 2000 8000] [--seeds 0 1] [--samples 16000] [--plot FILE.png] [--json FILE.json]

A preset alone is rendered into WORK, 64 px, `draft`, and the CPU-seconds are counted; of a dataset that is
there already, its folder and what `generate` took are given. The probe of `trainers/probe.py` then learns the
sideways move from the first pairs of the training split, and is scored on fair questions about objects of the
other splits. Every probe sees the same number of pairs, augmented, so fewer pairs are seen more often. Each
figure leaves a file in WORK/results: a benchmark that was stopped goes on where it was.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from trainers import probe
from viewpoint100k import InputError
from viewpoint100k.audit.statistics import wilson
from viewpoint100k.manifest import read_manifest
from viewpoint100k.shards import iter_samples

TYPE = "ego_translation"
FRAME = "camera_1"
SIZE = 32  # pixels that the probe sees
UNSEEN = ("test", "validation")
COLOURS = ("#2f6db3", "#c2452d", "#3d8f4f", "#8a5fb0")
RENDER = ["--source", "builtin:", "--workers", "1", "--seed", "1", "--set", "render.size_px=64",
          "--set", "render.quality=draft", "--set", "plan.test_share=0.2"]  # fmt: skip


class Rendered(NamedTuple):
    """A dataset and what a pair of it cost."""

    name: str
    folder: Path
    cpu_s_per_pair: float


def rendered(given: str, work: Path, pairs: int) -> Rendered:
    """
    Args:
        given: a preset, or NAME=FOLDER:CPU_SECONDS.
        pairs: of a dataset that is made here.

    Raises:
        InputError: it is neither.
    """
    name, separator, rest = given.partition("=")
    if separator:
        path, _, seconds = rest.rpartition(":")
        try:
            cpu_s = float(seconds)
        except ValueError:
            raise InputError(f"{given}: expected NAME=FOLDER:CPU_SECONDS, or a preset") from None
        folder = Path(path)
    else:
        folder = work / name
        mark = work / f"{name}.json"
        if not mark.is_file():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = ["viewpoint100k", "generate", str(folder), "--preset", name, "--pairs", str(pairs)]
            subprocess.run([sys.executable, "-m", *command, *RENDER], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            mark.write_text(json.dumps({"cpu_s": spent}) + "\n")
        cpu_s = json.loads(mark.read_text())["cpu_s"]
    return Rendered(name, folder, cpu_s / read_manifest(folder).samples)


def first_pairs(folder: Path, pairs: int) -> probe.Pairs:
    """What can be learned about the sideways move from the first pairs of the training split.

    Pairs in which it is not asked, or which did not move sideways, teach nothing, but were rendered as well.
    """
    pictures = []
    labels = []
    names = []
    for stored in islice(iter_samples(folder, "train"), pairs):
        for question in stored.sample.questions:
            if (question.type, question.frame) != (TYPE, FRAME):
                continue
            sign = probe.SIGNS.get(question.options[question.answer_index].split()[0], 0)
            if sign:
                views = [Image.open(io.BytesIO(stored.images[view])) for view in question.images]
                pictures.append(np.stack([probe.small(view, SIZE) for view in views]))
                labels.append(sign)
                names.append(stored.sample.family)
    return probe.Pairs(np.stack(pictures), np.array(labels, dtype=float)[:, None], np.array(names))


def learn(known: Rendered, pairs: int, seed: int, samples: int, tests: probe.Pairs) -> dict[str, Any]:
    """Accuracy on unseen objects with its 95 % interval, and what it cost."""
    data = first_pairs(known.folder, pairs)
    # a camera that moves and turns at once has other axes in its second view: pairs are not swapped
    found = probe.train(data, {"unseen": tests}, samples=samples, swap=False, seed=seed)[1]["unseen"]
    low, high = wilson(found.accuracy, found.n)
    return {
        "set": known.name,
        "pairs": pairs,
        "seed": seed,
        "render_cpu_s": round(pairs * known.cpu_s_per_pair, 1),
        "taught": len(data.labels),
        "accuracy": found.accuracy,
        "low": low,
        "high": high,
        "n": found.n,
        "probe_cpu_s": round(found.cpu_s, 1),
    }


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.4), dpi=100, layout="constrained")
    axis = figure.subplots()
    for colour, name in zip(COLOURS, dict.fromkeys(row["set"] for row in rows), strict=False):
        mine = [row for row in rows if row["set"] == name]
        costs = sorted({row["render_cpu_s"] for row in mine})
        at = [[row["accuracy"] for row in mine if row["render_cpu_s"] == cost] for cost in costs]
        axis.plot(costs, [sum(values) / len(values) for values in at], color=colour, label=name)
        for row in mine:
            interval = [[row["accuracy"] - row["low"]], [row["high"] - row["accuracy"]]]
            axis.errorbar(row["render_cpu_s"], row["accuracy"], interval, fmt="o", color=colour, ms=3, lw=0.8)
    axis.axhline(0.5, color="#9a9a9a", linewidth=0.8)
    axis.set_xscale("log")
    axis.set_xlabel("CPU-seconds of rendering")
    axis.set_ylabel("right, unseen objects")
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("sets", nargs="+", help="presets, or NAME=FOLDER:CPU_SECONDS")
    parser.add_argument("--pairs", type=int, nargs="+", default=[500, 2000, 8000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--samples", type=int, default=16_000, help="pairs that a probe sees, augmented")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    results = given.work / "results"
    results.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in given.sets:
        known = rendered(name, given.work, round(1.35 * max(given.pairs)))
        tests = probe.joined([probe.load_pairs(str(known.folder), split, TYPE, SIZE) for split in UNSEEN])
        for seed in given.seeds:
            for pairs in given.pairs:
                path = results / f"{known.name}-{pairs}-{seed}-{given.samples}.json"
                if not path.is_file():
                    row = learn(known, pairs, seed, given.samples, tests)
                    path.write_text(json.dumps(row) + "\n")
                rows.append(json.loads(path.read_text()))
    for row in rows:
        cost = f"{row['pairs']:6} pairs {row['render_cpu_s']:7.1f} CPU-s"
        right = f"{row['accuracy']:.3f} ({row['low']:.3f} to {row['high']:.3f}, of {row['n']})"
        print(f"{row['set']:16} seed {row['seed']} {cost} {row['taught']:6} questions  {right}")
    if given.plot:
        plot(rows, given.plot)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
