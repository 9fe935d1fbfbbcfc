"""Does the data teach? The paper's story in miniature, on rendered pairs and a model of 1 M parameters, CPU
only.

    python benchmarks/learning.py WORK [--seeds 0 1] [--pairs 5200] [--only probe sft ...] [--json
    learning.json]

Each stage is a command of this project, run as a user would, and leaves `WORK/results/STAGE.json`: a stage
that has its file is not run again, so a stopped benchmark goes on where it was. Scores are of objects that no
stage trained on.

    probe       a convolutional classifier: direction of translation on orbits; its tower is passed on
    sft         answers of every form; from there the hybrid
    grpo        from the hybrid, and from the model that never saw a chain of thought: what it buys
    forget      another question alone, and with a quarter of viewpoint questions
    pure        in place of the hybrid, letters alone and chains of thought alone
    overfit     64 pairs by sft and predict: from chance to all, options in every order
    decoupled   which way it went and turned, learned from orbits and from decoupled pairs, scored on both
    moonshot    which way it went, turned and rolled, asked together of decoupled pairs
    curriculum  the same from nothing, tower and all, one question after another: not learned so far

Datasets are rendered when a stage first needs them: WORK/orbits, WORK/decoupled. Models are asked in short
words, for every token counts in a model this small. `--plots` draws what was found.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from PIL import Image

from trainers import probe
from trainers.rewards import format_reward
from viewpoint100k.questions.wording import shipped_text
from viewpoint100k.shards import iter_samples

TYPE = "ego_translation"
THREE = {
    "ego_translation": 0.25,
    "ego_rotation": 10.0,
    "roll": 8.0,
}  # types of questions, and how much is clear
SHORT = {"ego_translation/camera_1": "Which way did the camera move?",
         "ego_rotation/camera_1": "Which way did it turn?",
         "roll/behind_camera_1": "Which way did it roll?",
         "angle/around_object": "How far around?"}  # fmt: skip
SAMPLES = 90_000  # pairs that a probe sees
SIZE = 32  # pixels that models see
UNSEEN = ("test", "validation")  # objects of no training pair; nothing is chosen by either
LONGEST = (
    100  # tokens of a chain of thought and its answer; in scoring more, for a model that forgets rambles
)
SMALL = [
    "--hidden",
    96,
    "--layers",
    3,
    "--vocabulary",
    700,
]  # the language model; a token costs as much as all this
BATCH = 32
SFT = {  # model to start from, share of chains of thought, steps
    "forms": ("", 0.0, 400), "hybrid": ("forms", 0.5, 300), "letter": ("forms", 0.0, 150), "think": ("forms",
        1.0, 300),
}  # fmt: skip
MOONSHOT = {  # model to start from, how often letters are asked for beside other forms (3), steps
    "warm": ("", 1, 1500), "letters": ("warm", 0, 600), "nothing": ("", 1, 1300),
}  # fmt: skip
CURRICULUM = {  # model to start from, questions asked, how often letters and other forms are asked for, steps
    "one": ("", 1, 0, 1, 3000), "two": ("one", 2, 0, 1, 1500), "three": ("two", 3, 1, 3, 900),
    "letters": ("three", 3, 1, 0, 600),
}  # fmt: skip
THINK = "Think."  # every token counts in a model this small
RENDER = ["--source", "builtin:", "--workers", "1", "--set", "render.size_px=64", "--set",
          "render.quality=draft",
          "--set", "plan.test_share=0.2", "--set", "plan.validation_share=0.04", "--set",
          "plan.pairs_per_object=8",
          "--set", "gates.min_decidability=0.02", "--set", "gates.exact_share=0"]  # fmt: skip
SETS = {
    "orbits": ["--preset", "viewpoint-100k", "--seed", "1", "--set", "plan.motions.orbits=1.0"],
    "decoupled": ["--preset", "viewpoint-6dof", "--seed", "2",
                  "--set",
                  "plan.motions={right: 0.85, up: 0, forward: 0, yaw: 0.85, pitch: 0, roll: 0.7, zoom: 0, "
                  "orbits: 0}",
                  "--set", "plan.hfov_deg={low: 55, high: 60}", "--set", "plan.overturn_deg=18", "--set",
                  "shards.pairs_per_shard=1000",
                  "--set",
                   "render.backgrounds={hdri: 1, blurred: 0, plain: 0, gradient: 0, ground: 0, panorama: 0, "
                   "place: 0}"],
}  # fmt: skip
SETS["64"] = [*SETS["orbits"], "--set", "plan.test_share=0", "--set", "plan.validation_share=0"]
PAIRS = {"orbits": 1, "decoupled": 0.8}  # shares of --pairs
TRAIN = ["--config", "tiny_cpu", "--think_prompt", THINK, "--per_device_train_batch_size", BATCH,
         "--warmup_steps", "30",
         "--logging_steps", "10"]  # fmt: skip


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
            path.with_suffix(".tmp").write_text(json.dumps(work(), indent=1) + "\n")
            path.with_suffix(".tmp").replace(path)
        found: dict[str, Any] = json.loads(path.read_text())
        print(
            f"== {name}: "
            + ", ".join(f"{what} {shown(figure)}" for what, figure in found.items() if shown(figure)),
            flush=True,
        )
        return found

    def steps(self, count: int) -> int:
        return max(2, round(count * self.scale))

    def score(
        self, model: Path, data: Path, name: str, *, think: bool, splits: Sequence[str] = UNSEEN,
        rotations: int = 1,
        types: Sequence[str] = (TYPE,),
    ) -> list[float]:  # fmt: skip
        """Accuracy by `predict` and `evaluate`, how many were asked, and how many answers have the form
        asked for.
        """
        said = self.work / "said" / f"{name}-{'think' if think else 'letter'}.jsonl"
        more = ["--think", "--think_prompt", THINK] if think else []
        for split in splits:
            self("trainers.predict", "--model", model, "--data", data, "--split", split, "--types", *types,
                 "--out", said,
                 "--batch_size", 128, "--max_new_tokens", 250 if think else 4, "--rotations", rotations,
                 *more)  # fmt: skip
        scores = said.with_suffix(".json")
        self("viewpoint100k", "evaluate", said, data, "--json", scores)
        found = json.loads(scores.read_text())
        cell = found["circular"] if rotations != 1 else found["accuracy"]
        texts = [json.loads(line)["prediction"] for line in said.read_text().splitlines()]
        form = [
            format_reward([[{"content": text}]])[0] if think else float(text in ("A", "B", "C"))
            for text in texts
        ]
        return [cell["value"], cell["n"], sum(form) / len(form)]

    def by_type(self, name: str) -> dict[str, list[float]]:
        """Of what `score` asked for a letter: accuracy and how many were asked, by type."""
        found = json.loads((self.work / "said" / f"{name}-letter.json").read_text())["by"]["type"]
        return {kind: [cell["value"], cell["n"]] for kind, cell in found.items()}

    def curve(self, out: Path, key: str = "watch/accuracy") -> list[list[float]]:
        """(step, figure) as a trainer logged it."""
        log = json.loads((out / "trainer_state.json").read_text())["log_history"]
        return [[entry["step"], entry[key]] for entry in log if key in entry]


def render(bench: Bench, name: str) -> Path:
    """One of `SETS`, rendered."""
    out = bench.work / name

    def work() -> dict[str, Any]:
        pairs = round(bench.pairs * PAIRS[name]) if name in PAIRS else int(name)
        return {
            "pairs": pairs,
            "cpu_s": bench("viewpoint100k", "generate", out, "--pairs", pairs, *RENDER, *SETS[name]),
        }

    bench.once(f"render-{name}", work)
    return out


def shortened(bench: Bench, name: str, other_forms: float = 0.0) -> Path:
    """The same pairs, asked about in a few words; a share to be answered by number, in words or in JSON."""
    out = bench.work / (f"{name}_forms" if other_forms else f"{name}_short")
    if not (out / "manifest.json").is_file():
        templates = yaml.safe_load(shipped_text())
        for kind, words in SHORT.items():
            templates[kind] |= {"train": [words], "test": [words]}
        file = bench.work / "short.yaml"
        file.write_text(yaml.safe_dump(templates))
        bench("viewpoint100k", "requestion", render(bench, name), out, "--set",
              f"questions.templates={file}",
              "--set", f"questions.other_forms={other_forms}")  # fmt: skip
    return out


def run_probe(bench: Bench, seed: int) -> None:
    tower, figures = bench.work / f"tower-{seed}", bench.work / f"probe-{seed}.json"

    def work() -> dict[str, Any]:
        bench("trainers.probe", render(bench, "orbits"), "--type", TYPE, "--samples", bench.steps(SAMPLES),
              "--split", *UNSEEN,
              "--size_px", SIZE, "--seed", seed, "--tower", tower, "--json", figures)  # fmt: skip
        found = json.loads(figures.read_text())
        return {name: found[name] for name in ("accuracy", "n", "cpu_s", "curve")}

    bench.once(f"probe-{seed}", work)


def model_of(bench: Bench, seed: int, data: Path) -> Path:
    out = bench.work / f"tiny-{seed}"
    run_probe(bench, seed)
    build(bench, out, data, seed, TYPE, "angle", more=["--tower", bench.work / f"tower-{seed}"])
    return out


def build(bench: Bench, out: Path, data: Path, seed: int, *types: str, more: Sequence[Any] = ()) -> None:
    if not (out / "config.json").is_file():
        bench("trainers.tiny", out, "--data", data, "--kind", "llava", "--types", *types, "--size_px", SIZE,
              *SMALL,
              "--seed", seed, *more)  # fmt: skip


def sft(bench: Bench, seed: int, names: Sequence[str] = ("forms", "hybrid")) -> None:
    """First answers of every form, for in words the right option is a word and no letter stands between;
    then the rest.

    In a chain of thought the word that the pictures decide is one of 75: from nothing it was not learned in
    300 steps. The tower stays as the probe left it.
    """
    for name in names:
        start, ratio, steps = SFT[name]

        def work(
            name: str = name, start: str = start, ratio: float = ratio, steps: int = steps
        ) -> dict[str, Any]:
            short, out = shortened(bench, "orbits"), bench.work / f"sft-{name}-{seed}"
            data = shortened(bench, "orbits", other_forms=1.0) if name == "forms" else short
            model = bench.work / f"sft-{start}-{seed}" if start else model_of(bench, seed, short)
            watch = [
                "--watch",
                data,
                "--watch_questions",
                128,
                "--watch_every",
                75,
                "--watch_thinks",
                ratio > 0,
            ]
            cpu_s = bench("trainers.sft", *TRAIN, "--model_name_or_path", model, "--data", data, "--types",
                          TYPE, *watch,
                          "--freeze", "vision", "--think_ratio", ratio, "--orders", 3, "--max_steps",
                          bench.steps(steps),
                          "--learning_rate", 2e-3, "--lr_scheduler_type", "warmup_stable_decay",
                          "--lr_scheduler_kwargs",
                          json.dumps({"num_decay_steps": bench.steps(steps // 4)}), "--output_dir", out,
                          "--seed", seed,
                          "--save_strategy", "steps", "--save_steps", 50, "--save_total_limit",
                          1)  # fmt: skip
            asked = {"think": [True], "letter": [False], "hybrid": [True, False]}.get(name, [])
            scores = {f"asked for a {'thought' if think else 'letter'}": bench.score(out, short, out.name,
                      think=think)
                      for think in asked}  # fmt: skip
            return {**scores, "curve": bench.curve(out), "loss": bench.curve(out, "loss"), "cpu_s": cpu_s}

        bench.once(f"sft-{name}-{seed}", work)


def pure(bench: Bench, seed: int) -> None:
    sft(bench, seed, ("letter", "think"))


def grpo(bench: Bench, seed: int) -> None:
    for start in ("hybrid", "forms"):

        def work(start: str = start) -> dict[str, Any]:
            data, model, out = (
                shortened(bench, "orbits"),
                bench.work / f"sft-{start}-{seed}",
                bench.work / f"grpo-{start}-{seed}",
            )
            cpu_s = bench("trainers.grpo", *TRAIN, "--model_name_or_path", model, "--data", data, "--types",
                          TYPE,
                          "--freeze", "vision", "--think_ratio", 1, "--max_steps", bench.steps(20),
                          "--learning_rate", 3e-5,
                          "--num_generations", 8, "--per_device_train_batch_size", 128,
                          "--max_completion_length", LONGEST,
                          "--beta", 0.01, "--reward_weights", 0.5, 0.5, "--warmup_steps", 2,
                          "--logging_steps", 1,
                          "--output_dir", out, "--seed", seed)  # fmt: skip
            return {"asked for a thought": bench.score(out, data, out.name, think=True),
                    "curve": bench.curve(out, "reward"),
                    "accuracy reward": bench.curve(out, "rewards/accuracy_reward/mean"),
                    "kl": bench.curve(out, "kl"),
                    "cpu_s": cpu_s}  # fmt: skip

        bench.once(f"grpo-{start}-{seed}", work)


def forget(bench: Bench, seed: int) -> None:
    """The angle alone, and mixed with a quarter of viewpoint questions; nothing frozen, at a high rate: the
    hard case.
    """
    for name, share in {"alone": 0.0, "replay": 0.25}.items():

        def work(name: str = name, share: float = share) -> dict[str, Any]:
            data, out = shortened(bench, "orbits"), bench.work / f"forget-{name}-{seed}"
            sources = [f"{data}#angle={1 - share}"] + ([f"{data}#{TYPE}={share}"] if share else [])
            watch = ["--watch", f"{data}#{TYPE}", "--watch_questions", 128, "--watch_every", 25]
            cpu_s = bench("trainers.sft", *TRAIN, "--model_name_or_path", bench.work / f"sft-hybrid-{seed}",
                          "--data", *sources,
                          "--think_ratio", 1, "--max_steps", bench.steps(100), "--learning_rate", 1e-3,
                          *watch,
                          "--output_dir", out, "--seed", seed)  # fmt: skip
            return {
                "asked for a thought": bench.score(out, data, out.name, think=True),
                "curve": bench.curve(out),
                "cpu_s": cpu_s,
            }

        bench.once(f"forget-{name}-{seed}", work)


def overfit(bench: Bench, seed: int) -> None:
    """From nothing, tower and all. A question counts where it is right in every order of its options."""

    def work() -> dict[str, Any]:
        data, forms = shortened(bench, "64"), shortened(bench, "64", other_forms=1.0)
        model, out = bench.work / f"fresh-{seed}", bench.work / f"overfit-{seed}"
        build(bench, model, data, seed, TYPE)
        before = bench.score(model, data, model.name, think=False, splits=["train"], rotations=0)
        cpu_s = sft_all_forms(bench, model, out, seed, [data, forms, "--types", TYPE], 1000)
        after = bench.score(out, data, out.name, think=False, splits=["train"], rotations=0)
        return {"before": before, "after": after, "loss": bench.curve(out, "loss"), "cpu_s": cpu_s}

    bench.once(f"overfit-{seed}", work)


def sft_all_forms(
    bench: Bench, model: Path, out: Path, seed: int, data: Sequence[Any], steps: int, *more: Any
) -> float:
    """Questions as they are, in every order of their options. Returns CPU-seconds."""
    return bench("trainers.sft", *TRAIN, "--model_name_or_path", model, "--data", *data,
                 "--orders", 3, "--think_ratio", 0, "--max_steps", bench.steps(steps), "--learning_rate",
                 2e-3,
                 "--lr_scheduler_type", "warmup_stable_decay", "--lr_scheduler_kwargs",
                 json.dumps({"num_decay_steps": bench.steps(steps // 4)}), "--output_dir", out, "--seed",
                 seed,
                 "--save_strategy", "steps", "--save_steps", 200, "--save_total_limit", 1, *more)  # fmt: skip


def decoupled(bench: Bench, seed: int) -> None:
    """Trained on one set, scored on both; and on those decoupled pairs that go and turn to the same side,
    which no orbit does.

    On orbits left and right are one bit for both questions, so the probe of the first stage, read the other
    way around, answers the second.
    """
    run_probe(bench, seed)

    def work() -> dict[str, Any]:
        folders = {name: render(bench, name) for name in ("orbits", "decoupled")}
        data, seen = pairs_of(folders["decoupled"], ["train"]), {}
        tests = {name: pairs_of(folder, UNSEEN) for name, folder in folders.items()}
        of_orbits = probe.restore(bench.work / f"tower-{seed}")
        of_all, found = probe.train(
            data, {"unseen": tests["decoupled"]}, samples=bench.steps(SAMPLES), seed=seed
        )
        probe.save(of_all, bench.work / f"tower-decoupled-{seed}")
        out: dict[str, Any] = {"cpu_s": found["unseen"].cpu_s, "curve": found["unseen"].curve}
        asked = pairs_of(folders["decoupled"], UNSEEN, asked=True)
        for column, kind in enumerate(THREE):
            out[f"{kind}, pairs"] = probe.accuracy(
                probe.hits(of_all, tests["decoupled"], swap=True)[:, column]
            )
            out[f"{kind}, asked"] = probe.accuracy(probe.hits(of_all, asked, swap=True)[:, column])
        for name, pairs in tests.items():
            seen[name] = np.ones(len(pairs.labels), dtype=bool)
        seen["same side"] = tests["decoupled"].families == "same side"
        for column, kind in enumerate(list(THREE)[:2]):
            for test, chosen in seen.items():
                pairs = tests["orbits" if test == "orbits" else "decoupled"]
                moves = chosen & (np.abs(pairs.labels[:, column]) == 1)
                one = probe.Pairs(pairs.pictures[moves], pairs.labels[moves], pairs.families[moves])
                sign = one._replace(labels=one.labels[:, [column]] * (1 if kind == TYPE else -1))
                out[f"{kind}, orbits -> {test}"] = probe.accuracy(probe.hits(of_orbits, sign, swap=True))
                out[f"{kind}, decoupled -> {test}"] = probe.accuracy(
                    probe.hits(of_all, one, swap=True)[:, column]
                )
        return out

    bench.once(f"decoupled-{seed}", work)


def pairs_of(folder: Path, splits: Sequence[str], *, asked: bool = False) -> probe.Pairs:
    """Pairs and what the camera did in each of `THREE`, by the truth; or only what is asked, which is
    balanced and less.

    These cameras keep their height and turn little where they do not orbit: the pair in the other order has
    the other sign.
    """
    pictures, labels, names = [], [], []
    for stored in (one for split in splits for one in iter_samples(folder, split)):
        truth = stored.sample.truth
        amounts = np.array([truth.translation[0], truth.yaw_deg, truth.roll_deg]) / list(THREE.values())
        signs = np.where(np.abs(amounts) >= 1, np.sign(amounts), np.where(np.abs(amounts) < 0.1, 0, np.nan))
        if asked:
            kinds = {question.type for question in stored.sample.questions if question.images == [0, 1]}
            signs[[kind not in kinds for kind in THREE]] = np.nan
        pictures.append(
            np.stack([probe.small(Image.open(io.BytesIO(jpeg)), SIZE) for jpeg in stored.images[:2]])
        )
        labels.append(signs)
        names.append("same side" if signs[0] * signs[1] == 1 else "others")
    return probe.Pairs(np.stack(pictures), np.array(labels), np.array(names))


def moonshot(bench: Bench, seed: int) -> None:
    """What a camera did in three ways, asked together: on the tower of the decoupled probe, then in letters
    alone; from nothing.

    Each type is asked as often, and at first three times as often in numbers, words and JSON as in letters:
    in words, what is seen and what is said are nearest.
    """
    decoupled(bench, seed)
    for name, (start, letters, steps) in MOONSHOT.items():
        tower = [] if name == "nothing" else ["--tower", bench.work / f"tower-decoupled-{seed}"]
        model = bench.work / (f"moonshot-{start}-{seed}" if start else f"{name}-{seed}")
        lesson = Lesson(
            f"moonshot-{name}-{seed}", model, list(THREE), letters or 1, 3 if letters else 0, steps
        )
        teach(bench, seed, lesson, tower)


def curriculum(bench: Bench, seed: int) -> None:
    """From nothing, tower and all: one question until it is learned, in words, then the next one beside it.

    Letters are asked for at last, and alone.
    """
    for name, (start, count, letters, words, steps) in CURRICULUM.items():
        model = bench.work / (f"curriculum-{start}-{seed}" if start else f"empty-{seed}")
        lesson = Lesson(f"curriculum-{name}-{seed}", model, list(THREE)[:count], letters, words, steps)
        teach(bench, seed, lesson, tower=[])


class Lesson(NamedTuple):
    """Questions of decoupled pairs, each type as often."""

    name: str
    model: Path  # to start from; one that is not there is made
    kinds: Sequence[str]
    letters: int  # how often letters are asked for
    words: int  # how often words, numbers and JSON are
    steps: int


def teach(bench: Bench, seed: int, lesson: Lesson, tower: Sequence[Any]) -> None:
    """Give a lesson, and score its model by letters.

    Args:
        tower: options for a warmed tower, which stays frozen; empty: everything is trained.
    """

    def work() -> dict[str, Any]:
        data = shortened(bench, "decoupled")
        forms = shortened(bench, "decoupled", other_forms=1.0)
        if not lesson.model.name.startswith(("moonshot", "curriculum")):
            build(bench, lesson.model, data, seed, *THREE, more=tower)
        mixture = [f"{data}#{kind}={lesson.letters}" for kind in lesson.kinds if lesson.letters]
        mixture += [f"{forms}#{kind}={lesson.words}" for kind in lesson.kinds if lesson.words]
        watched = data if lesson.letters else forms
        watch = ["--watch", f"{watched}#{','.join(lesson.kinds)}", "--watch_questions", 192]
        watch += ["--watch_every", 150, "--watch_thinks", False]
        freeze = ["--freeze", "vision"] if tower else []
        out = bench.work / lesson.name
        cpu_s = sft_all_forms(bench, lesson.model, out, seed, mixture, lesson.steps, *freeze, *watch)
        scores = bench.score(out, data, out.name, think=False, types=lesson.kinds)
        return {"all": scores, **bench.by_type(out.name), "curve": bench.curve(out), "cpu_s": cpu_s}

    bench.once(lesson.name, work)


def shown(figure: Any) -> str:
    """A figure, or one with how many were asked, or nothing where it is a curve."""
    if isinstance(figure, list) and figure and not isinstance(figure[0], list):
        form = f", format {figure[2]:.3f}" if len(figure) > 2 else ""
        return f"{figure[0]:.3f} of {figure[1]:.0f}{form}"
    return f"{figure:.3f}" if isinstance(figure, float) else ""


def plot(found: dict[str, Any], folder: Path) -> None:
    """`learning.png` and `decoupled.png`, of what is there."""
    from matplotlib.figure import Figure

    colours = {"0": "#2f6db3", "1": "#c2452d"}  # by seed
    panels = {
        "probe": ("probe, pairs seen", {"probe": "curve", "decoupled": "curve"}, 1),
        "sft": ("SFT, questions seen", {"sft-forms": "curve", "sft-hybrid": "curve"}, BATCH),
        "pure": (
            "the same, but only thoughts or letters",
            {"sft-think": "curve", "sft-letter": "curve"},
            BATCH,
        ),
        "grpo": (
            "GRPO, steps: accuracy while sampling",
            {"grpo-hybrid": "accuracy reward", "grpo-forms": "accuracy reward"},
            1,
        ),
        "forget": (
            "SFT on the angle, questions seen",
            {"forget-replay": "curve", "forget-alone": "curve"},
            BATCH,
        ),
        "moonshot": (
            "translation, yaw and roll, questions seen",
            {"moonshot-warm": "curve", "moonshot-letters": "curve", "moonshot-nothing": "curve"},
            BATCH,
        ),
    }
    drawn = [(title, lines, per_step) for title, lines, per_step in panels.values()
             if any(name.rpartition("-")[0] in lines for name in found)]  # fmt: skip
    figure = Figure(
        figsize=(4.5 * min(2, len(drawn)), 2.6 * -(-len(drawn) // 2)), dpi=90, layout="constrained"
    )
    axes = figure.subplots(-(-len(drawn) // 2), min(2, len(drawn)), squeeze=False)
    for axis, (title, lines, per_step) in zip(axes.flat, drawn, strict=False):
        for style, (stage, key) in zip(("-", "--", ":"), lines.items(), strict=False):
            for seed, colour in colours.items():
                points = found.get(f"{stage}-{seed}", {}).get(key)
                if points:
                    axis.plot([step * per_step for step, _ in points], [value for _, value in points], style,
                              color=colour,
                              label=f"{stage}, seed {seed}")  # fmt: skip
        axis.axhline(0.5, color="#9a9a9a", linewidth=0.8)
        axis.set_ylim(-0.02, 1.02)
        axis.set_title(title, fontsize=9)
        axis.tick_params(labelsize=7)
        axis.legend(fontsize=7, frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[len(drawn) :]:
        axis.set_axis_off()
    figure.suptitle(
        "accuracy on objects that were not trained on; of GRPO, on the prompts it samples", fontsize=10
    )
    figure.savefig(folder / "learning.png", metadata={"Software": None})
    sets = [figures for name, figures in found.items() if name.startswith("decoupled-")]
    if not sets:
        return
    figure = Figure(figsize=(8, 3.0), dpi=90, layout="constrained")
    for axis, (kind, asked) in zip(figure.subplots(1, 2, sharey=True), ((TYPE, "which way did it go?"),
        ("ego_rotation", "which way did it turn?")), strict=True):  # fmt: skip
        for place, (name, colour) in enumerate((("orbits", "#c2452d"), ("decoupled", "#2f6db3"))):
            tests = {
                "orbits": "orbits",
                "decoupled": "decoupled",
                "same side": "decoupled,\nto the same side",
            }
            values = [sum(one[f"{kind}, {name} -> {test}"][0] for one in sets) / len(sets) for test in tests]
            bars = axis.bar(
                [at + 0.4 * place for at in range(len(tests))],
                values,
                0.36,
                color=colour,
                label=f"learned from {name}",
            )
            axis.bar_label(bars, [f"{value:.2f}" for value in values], fontsize=7)
            axis.set_xticks([at + 0.2 for at in range(len(tests))], tests.values(), fontsize=7)
        axis.axhline(0.5, color="#9a9a9a", linewidth=0.8)
        axis.set_ylim(0, 1.3)
        axis.set_title(asked, fontsize=9)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=7, frameon=False, loc="upper left")
    figure.savefig(folder / "decoupled.png", metadata={"Software": None})


STAGES: dict[str, Callable[[Bench, int], None]] = {
    "probe": run_probe, "sft": sft, "grpo": grpo, "forget": forget, "pure": pure, "overfit": overfit,
    "decoupled": decoupled,
    "moonshot": moonshot, "curriculum": curriculum,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument(
        "--pairs", type=int, default=5200, help="of each set; a fifth are of objects that are not trained on"
    )
    parser.add_argument(
        "--only", nargs="+", choices=STAGES, default=list(STAGES), help="stages; they need those before them"
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of all steps; below 1 to try the commands out"
    )
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--plots", type=Path, help="folder for pictures of them")
    given = parser.parse_args()
    bench = Bench(given.work.resolve(), given.pairs, given.scale)
    for seed in given.seeds:
        for name in given.only:
            STAGES[name](bench, seed)
    found = {path.stem: json.loads(path.read_text()) for path in sorted(bench.results.glob("*.json"))}
    print(f"\n{'stage':22} {'what':44} figure")
    for stage, figures in found.items():
        for what, figure in figures.items():
            if shown(figure):
                print(f"{stage:22} {what:44} {shown(figure)}")
    if given.plots:
        plot(found, given.plots)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
