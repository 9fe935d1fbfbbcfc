"""From a dataset to a report, in one command that goes on where it was stopped.

    python -m trainers.recipe laptop --out runs/laptop [--seeds 3] [--plan]

A recipe is a YAML file of yours, or the name of one in `trainers/recipes/`. Its stages run in this order,
each a command of this project: the dataset is rendered or fetched, and checked; a small model is made where
none is named; the model is asked before anything is trained; stage 1, supervised; it is asked again; stage 2,
by rewards; it is asked again. Every stage leaves `STAGE.json` when it is done, with its cost, and is not run
again. `--plan` prints the commands. The report, `OUT/report.html`, needs nothing beside it.
"""

import argparse
import fcntl
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from trainers.benchmarks import BENCHMARKS, load_named, score_benchmark
from trainers.cli import config_path
from viewpoint100k import InputError
from viewpoint100k.audit.statistics import wilson
from viewpoint100k.evaluate import Answered, evaluate
from viewpoint100k.questions import KINDS, never_fair
from viewpoint100k.questions.wording import shipped_text

Options = dict[str, Any]  # of a command, by name: a value, a list of values, or a mapping as JSON


class Section(BaseModel):
    """Part of a recipe: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    """What is trained on and asked about."""

    path: str | None = None  # a dataset folder, or ORG/NAME[@REVISION] on the Hub; else one is rendered
    generate: Options = {}  # of `viewpoint100k generate`; `set` is a list of settings
    wordings: dict[str, str] = {}  # kind of question -> its one wording, where a small model wants few words
    questions: list[str] = []  # settings of `viewpoint100k requestion`


class Tiny(Section):
    """The model that is made where none is named: options of `trainers.tiny`."""

    options: Options = {}
    warm_pairs: int = 0  # pairs that its tower sees as a classifier first; 0: it starts from nothing
    warm_type: str = "ego_translation"


class Training(Section):
    """A stage of training."""

    config: str  # as `--config`
    data: list[str] = ["{data}"]  # as `--data`; {data} is the dataset of the recipe
    options: Options = {}


class Recipe(Section):
    """What `trainers/recipes/*.yaml` hold."""

    about: str
    data: Data
    types: list[str] | None = None  # of questions that are trained on and asked; null: all
    model: str | None = None  # a folder or a name on the Hub; null: a tiny one is made
    tiny: Tiny = Tiny()
    launcher: str | None = None  # a file of `trainers/accelerate/`, or yours; null: this process
    sft: Training
    grpo: Training | None = None
    split: str = "test"  # that is asked
    ask: dict[str, Options] = {"letter": {}}  # name -> options of `trainers.predict`
    benchmarks: dict[str, Options] = {}  # `NAME:` or `NAME:PATH` -> options of `trainers.predict`


class Stage(NamedTuple):
    """One of a run: commands, and what they leave."""

    name: str
    commands: list[list[str]]
    answers: Mapping[str, Path] = MappingProxyType(
        {}
    )  # of a stage that asks: form or benchmark -> predictions
    redo: tuple[Path, ...] = ()  # what is removed before it is run again: no command goes on from it


def read_recipe(name: str) -> Recipe:
    """
    Raises:
        InputError: there is no such file, or it is no recipe; says which line.
    """
    path = Path(name)
    if not path.is_file():
        shipped = Path(str(resources.files("trainers") / "recipes"))
        path = shipped / f"{path.stem}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(found.stem for found in shipped.glob("*.yaml")))
            raise InputError(f"{name}: there is no such recipe; expected a file, or one of {known}")
    try:
        recipe = Recipe.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: {where}: {first['msg']}, got {str(first.get('input'))[:80]!r}") from error
    _check(recipe, path)
    return recipe


def _check(recipe: Recipe, path: Path) -> None:
    for training in (recipe.sft, recipe.grpo):
        if training is not None:
            config_path(training.config)
    for name in recipe.benchmarks:
        if name.partition(":")[0] not in BENCHMARKS or ":" not in name:
            known = ", ".join(f"{known}:" for known in BENCHMARKS)
            raise InputError(f"{path}: benchmarks: there is no {name!r}; expected one of {known}")
    if not recipe.ask:
        raise InputError(f"{path}: ask names no way to ask; expected for example {{letter: {{}}}}")
    for name in recipe.ask:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):  # it names files
            raise InputError(f"{path}: ask: {name!r} is no name; expected letters, digits, - and _")
    _check_types(recipe, path)
    kinds = {kind.name for kind in KINDS}
    if unknown := sorted(set(recipe.data.wordings) - kinds):
        raise InputError(f"{path}: data.wordings: there is no kind of question {unknown[0]!r}")
    if not recipe.data.path and not recipe.data.generate:
        raise InputError(f"{path}: data: expected a path, or options to generate one")
    if recipe.data.path and recipe.data.generate:
        raise InputError(f"{path}: data has a path and options to generate one; leave out one of them")


def _check_types(recipe: Recipe, path: Path) -> None:
    """Types of questions are known, and where answers are scored, one can be of the balanced subset."""
    known = sorted({kind.type for kind in KINDS})
    trained = {"sft": recipe.sft, **({"grpo": recipe.grpo} if recipe.grpo else {})}
    options = {name: training.options for name, training in trained.items()}
    for name, given in (*recipe.ask.items(), *options.items()):
        types = given.get("types", recipe.types) or []
        types = [types] if isinstance(types, str) else types
        if unknown := [each for each in types if each not in known]:
            raise InputError(
                f"{path}: types: there is no {unknown[0]!r}; expected some of {', '.join(known)}"
            )
        if types and never_fair(types) and (name not in trained or given.get("watch") or given.get("fair")):
            raise InputError(
                f"{path}: {name}: questions of type {', '.join(types)} are never of the balanced subset, "
                "which alone is watched, asked and scored; name another type beside"
            )


# --- what will be run ------------------------------------------------------------------------------


def plan(recipe: Recipe, out: Path, seed: int) -> list[Stage]:
    """The stages of one seed, in order; the dataset's is the same for all."""
    folder = out / f"seed-{seed}"
    data = dataset_of(recipe, out)
    model = Path(recipe.model) if recipe.model else folder / "model"
    name = recipe.model or str(model)
    stages = [_data_stage(recipe, out)]
    if not recipe.model:
        stages.append(_model_stage(recipe, folder, data, seed))
    stages.append(_asking(recipe, "before", name, folder, data))
    stages.append(_training("sft", recipe, recipe.sft, name, folder, seed))
    stages.append(_asking(recipe, "after_sft", str(folder / "sft"), folder, data))
    if recipe.grpo is not None:
        stages.append(_training("grpo", recipe, recipe.grpo, str(folder / "sft"), folder, seed))
        stages.append(_asking(recipe, "after_grpo", str(folder / "grpo"), folder, data))
    return stages


def dataset_of(recipe: Recipe, out: Path) -> Path:
    """Where the dataset is that is trained on."""
    if recipe.data.wordings or recipe.data.questions:
        return out / "questions"
    return _source_of(recipe, out)


def _source_of(recipe: Recipe, out: Path) -> Path:
    path = recipe.data.path
    return Path(path) if path and Path(path).is_dir() else out / "dataset"


def _data_stage(recipe: Recipe, out: Path) -> Stage:
    source = _source_of(recipe, out)
    data = dataset_of(recipe, out)
    commands = []
    if recipe.data.generate:
        commands.append(_python("viewpoint100k", "generate", str(source), *_options(recipe.data.generate)))
    elif source == out / "dataset":
        commands.append(_python("trainers.recipe", "--fetch", str(recipe.data.path), "--out", str(source)))
    if data != source:
        settings = list(recipe.data.questions)
        if recipe.data.wordings:
            settings.insert(0, f"questions.templates={out / 'wordings.yaml'}")
        asked = [word for setting in settings for word in ("--set", setting)]
        commands.append(_python("viewpoint100k", "requestion", str(source), str(data), *asked))
    commands.append(_python("viewpoint100k", "validate", str(data)))
    return Stage("data", commands, redo=(data,) if data != source else ())


def _model_stage(recipe: Recipe, folder: Path, data: Path, seed: int) -> Stage:
    commands = []
    tiny = dict(recipe.tiny.options)
    tower = folder / "tower"
    if recipe.tiny.warm_pairs:
        size = ["--size_px", str(tiny.get("size_px", 64))]
        if never_fair([recipe.tiny.warm_type]):
            size += ["--score", "all"]
        commands.append(
            _python("trainers.probe", str(data), "--type", recipe.tiny.warm_type, *size, "--seed", str(seed),
                    "--samples", str(recipe.tiny.warm_pairs), "--split", recipe.split, "--tower", str(tower))
        )  # fmt: skip
        tiny |= {"tower": str(tower)}
    options = _options(tiny | {"seed": seed} | ({"types": recipe.types} if recipe.types else {}))
    commands.append(_python("trainers.tiny", str(folder / "model"), "--data", str(data), *options))
    return Stage("model", commands, redo=(tower, folder / "model"))


def _asking(recipe: Recipe, name: str, model: str, folder: Path, data: Path) -> Stage:
    commands = []
    answers = {}
    for form, options in recipe.ask.items():
        answers[form] = folder / "said" / f"{name}-{form}.jsonl"
        types = {"types": recipe.types} if recipe.types else {}
        about = _options({"data": str(data), "split": recipe.split} | types | options)
        commands.append(_python("trainers.predict", "--model", model, *about, "--out", str(answers[form])))
    for benchmark, options in recipe.benchmarks.items():
        known = BENCHMARKS[benchmark.partition(":")[0]]
        answers[benchmark] = folder / "said" / f"{name}-{benchmark.partition(':')[0]}.jsonl"
        about = _options({"data": benchmark, "split": known.split} | options)
        commands.append(
            _python("trainers.predict", "--model", model, *about, "--out", str(answers[benchmark]))
        )
    return Stage(name, commands, answers)


def _training(name: str, recipe: Recipe, training: Training, model: str, folder: Path, seed: int) -> Stage:
    data = dataset_of(recipe, folder.parent)
    sources = [source.replace("{data}", str(data)) for source in training.data]
    given = {"model_name_or_path": model, "data": sources, "output_dir": str(folder / name), "seed": seed}
    options: Options = ({"types": recipe.types} if recipe.types else {}) | training.options
    if options.get("watch") == "{data}":
        options = options | {"watch": str(data)}
    arguments = ["--config", str(config_path(training.config)), *_options(given | options)]
    if recipe.launcher is None:
        return Stage(name, [_python(f"trainers.{name}", *arguments)])
    launcher = ["accelerate.commands.launch", "--config_file", str(launcher_path(recipe.launcher))]
    return Stage(name, [_python(*launcher, "-m", f"trainers.{name}", *arguments)])


def launcher_path(name: str) -> Path:
    """
    Raises:
        InputError: there is no such file.
    """
    shipped = Path(str(resources.files("trainers") / "accelerate"))
    for path in (Path(name), shipped / f"{name}.yaml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in shipped.glob("*.yaml")))
    raise InputError(f"launcher {name}: there is no such file; expected one of yours, or of {known}")


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _options(options: Mapping[str, Any]) -> list[str]:
    """Options as words of a command line; `set` is given once for each of its settings.

    Example:
        >>> _options({"set": ["seed=1"], "think": True, "types": ["roll", "angle"]})
        ['--set', 'seed=1', '--think', 'True', '--types', 'roll', 'angle']
    """
    words = []
    for name, value in options.items():
        if name == "set":
            words += [word for setting in value for word in ("--set", str(setting))]
        elif isinstance(value, list):
            words += [f"--{name}", *map(str, value)]
        elif isinstance(value, dict):
            words += [f"--{name}", json.dumps(value)]
        else:
            words += [f"--{name}", str(value)]
    return words


# --- running ---------------------------------------------------------------------------------------


def run(recipe: Recipe, out: Path, seeds: int) -> Path:
    """Run what is not done yet. Returns the report.

    Raises:
        InputError: OUT is another recipe's, somebody is at work there, or a stage failed: names its log.
    """
    from trainers.report import write_report

    path = recipe.data.path
    if path and not Path(path).is_dir() and path.count("/") != 1:
        raise InputError(
            f"data.path {path}: there is no such folder, and no dataset on the Hub has this name; expected a "
            "folder that `viewpoint100k generate` wrote, or ORG/NAME"
        )
    out.mkdir(parents=True, exist_ok=True)
    with _alone(out) as lock:
        _remember(recipe, out)
        found: dict[int, dict[str, Any]] = {}
        for seed in range(seeds):
            marks = {}
            for stage in plan(recipe, out, seed):
                folder = out if stage.name == "data" else out / f"seed-{seed}"
                marks[stage.name] = _once(stage, folder, recipe, out, lock)
            found[seed] = marks
            write_report(recipe, dataset_of(recipe, out), out, found)  # what is known so far, after each seed
    return out / "report.html"


@contextmanager
def _alone(out: Path) -> Iterator[int]:
    """Nobody else works in this folder. Commands hold the lock as well: one may outlive a killed recipe."""
    with open(out / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{out}: a run is at work there; wait for it, or end it first") from error
        yield lock.fileno()


def _remember(recipe: Recipe, out: Path) -> None:
    path = out / "recipe.yaml"
    text = yaml.safe_dump(recipe.model_dump(), sort_keys=False, allow_unicode=True)
    if path.is_file() and path.read_text("utf-8") != text:
        raise InputError(f"{out} was begun with another recipe, {path}; pass that one, or another --out")
    _write(path, text)
    if recipe.data.wordings:
        templates = yaml.safe_load(shipped_text())
        for kind, words in recipe.data.wordings.items():
            templates[kind] |= {"train": [words], "test": [words]}
        _write(out / "wordings.yaml", yaml.safe_dump(templates, allow_unicode=True))


def _once(stage: Stage, folder: Path, recipe: Recipe, out: Path, lock: int) -> dict[str, Any]:
    """What a stage found, now or in an earlier run."""
    mark = folder / f"{stage.name}.json"
    where = stage.name if folder == out else f"{folder.name}, {stage.name}"
    if mark.is_file():
        print(f"{where}: done before", flush=True)
        found: dict[str, Any] = json.loads(mark.read_text("utf-8"))
        return found
    folder.mkdir(parents=True, exist_ok=True)
    for path in stage.redo:
        shutil.rmtree(path, ignore_errors=True)
    begun = folder / f"{stage.name}.begun"
    attempts = int(begun.read_text()) + 1 if begun.is_file() else 1
    begun.write_text(str(attempts))
    print(f"{where} ...", flush=True)
    cost = _spend(stage, folder / f"{stage.name}.log", lock)
    result = {"cost": cost | {"attempts": attempts}, "scores": _scores(stage, dataset_of(recipe, out))}
    if stage.name in ("sft", "grpo"):
        state = json.loads((folder / stage.name / "trainer_state.json").read_text("utf-8"))
        result["log"] = state["log_history"]
    _write(mark, json.dumps(result, indent=1) + "\n")
    begun.unlink()
    print(f"{where}: {cost['wall_s']:.0f} s, {cost['cpu_s']:.0f} CPU-s{_in_words(result)}", flush=True)
    return result


def _spend(stage: Stage, log: Path, lock: int) -> dict[str, float]:
    """Run the commands of a stage one after the other. Returns what they cost.

    Raises:
        InputError: one failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with open(log, "a", encoding="utf-8") as written:
        for command in stage.commands:
            written.write(f"$ {shlex.join(command)}\n")
            written.flush()
            done = subprocess.run(command, stdout=written, stderr=subprocess.STDOUT, pass_fds=[lock])
            if done.returncode:
                last = " | ".join(log.read_text("utf-8", "replace").strip().splitlines()[-3:])
                raise InputError(
                    f"stage {stage.name} ended with {done.returncode}: {last[-600:]}; all it said is in "
                    f"{log}. Run again to go on from there"
                )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(time.monotonic() - started, 1), "cpu_s": round(cpu_s, 1)}


def _scores(stage: Stage, data: Path) -> dict[str, Any]:
    """What the answers of a stage are worth, by form or benchmark, each figure with its interval."""
    found: dict[str, Any] = {}
    for form, path in stage.answers.items():
        if ":" in form:
            scores = score_benchmark(load_named(form), path)
            found[form] = {kind: _interval(score.right, score.n) for kind, score in scores.items()}
            continue
        judged, cases = evaluate(path, data)
        cells = {"all": judged.accuracy, **judged.by["type"], "circular": judged.circular}
        cells["unreadable"] = judged.unreadable
        found[form] = {name: cell.model_dump() for name, cell in cells.items() if cell is not None}
        found[form]["chance"] = _interval(judged.chance, judged.answered)
        found[form]["commonest"] = _interval(_commonest(cases), judged.answered)
    return found


def _commonest(cases: Sequence[Answered]) -> float:
    """What always giving the most frequent right answer of each type of question earns; of numbers nothing.

    It may be more than guessing does: an option that is shown may be one that is never right.
    """
    answered = [case.question for case in cases if case.said is not None]
    right: dict[str, Counter[str]] = defaultdict(Counter)
    for question in answered:
        if question.options:
            right[question.type][question.options[question.answer_index]] += 1
    return sum(max(counts.values()) for counts in right.values()) / max(1, len(answered))


def _interval(value: float, n: int) -> dict[str, Any]:
    low, high = wilson(value, n)
    return {"value": value, "low": low, "high": high, "n": n}


def _in_words(result: dict[str, Any]) -> str:
    text = ""
    for form, scores in result["scores"].items():
        cell = scores["all"]
        text += f"; {form}: {cell['value']:.3f} ({cell['low']:.3f} to {cell['high']:.3f}, of {cell['n']})"
    return text


def _write(path: Path, text: str) -> None:
    """All of it or nothing: a mark that is half there would stop the next run."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, "utf-8")
    os.replace(partial, path)


def fetch(source: str, out: Path) -> None:
    """A dataset of the Hub as a folder, for what reads folders alone."""
    from huggingface_hub import snapshot_download

    name, _, revision = source.partition("@")
    snapshot_download(name, repo_type="dataset", revision=revision or None, local_dir=out)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainers.recipe", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("recipe", nargs="?", help="a YAML file, or the name of one that ships")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; run again to go on")
    parser.add_argument("--seeds", type=int, default=1, help="repeat with seeds 0 to N - 1")
    parser.add_argument("--plan", action="store_true", help="print the commands and run nothing")
    parser.add_argument("--fetch", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        if given.fetch:
            fetch(given.fetch, given.out)
            return 0
        if not given.recipe or given.seeds < 1:
            raise InputError("expected a recipe, and --seeds of 1 or more")
        recipe = read_recipe(given.recipe)
        if given.plan:
            for stage in (stage for seed in range(given.seeds) for stage in plan(recipe, given.out, seed)):
                print(f"# {stage.name}", *map(shlex.join, stage.commands), sep="\n")
            return 0
        print(f"report: {run(recipe, given.out, given.seeds)}")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
