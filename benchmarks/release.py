"""A release, rehearsed as a user would make it: `python benchmarks/release.py OUT [--pairs 10000]`.

Half of the objects are builtin ones, half those of `--objects`. The run is asked what it will cost,
started, killed with SIGKILL when a third of its pairs are there, and started again; then validated,
audited, described with its audit, shown in a gallery, published to a Hub on this machine, loaded
from there, and learned from: by the probe, and by a tiny model that is trained and scored. Every
step is a command of the command line; its time and its last line are logged in OUT/release.json.
Nothing is repaired by hand: a step that fails is listed, and the others go on where they can.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.hub_server import HubServer  # type: ignore[import-not-found, import-untyped]  # noqa: E402

from benchmarks import measured  # noqa: E402

REPOSITORY = "my-lab/rehearsal"
KILLED_AT = 1 / 3  # of the pairs
LOADED = (
    "from viewpoint100k import load_questions; "
    f"rows = load_questions('{REPOSITORY}', split='train', revision='v1.0.0', streaming=True); "
    "print(sum(1 for _ in rows), 'fair questions of the training split')"
)


class Step(NamedTuple):
    """One command, and what came of it."""

    name: str
    exit_code: int
    wall_s: float
    cpu_s: float  # of its processes
    last_line: str


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="a new folder for everything")
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=512, help="side of a picture, in pixels")
    parser.add_argument("--objects", type=Path, help="a folder of .glb files for half of the objects")
    parser.add_argument("--builtin", type=int, default=111, help="how many builtin objects")
    parser.add_argument("--leave", metavar="NAME", help="leave the figures in benchmarks/records/NAME.json")
    parser.add_argument("--samples", type=int, default=50_000, help="pairs that the probe sees in all")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True)
    given = (arguments.pairs, arguments.size, arguments.objects, arguments.builtin, arguments.samples)
    steps = list[Step]()
    for step in rehearse(arguments.out, *given):
        steps.append(step)
        print(
            f"{step.name:18} {step.exit_code:4} {step.wall_s:8.1f} s {step.cpu_s:8.1f} CPU-s  "
            f"{step.last_line}"
        )
        log = json.dumps([each._asdict() for each in steps], indent=1)
        (arguments.out / "release.json").write_text(f"{log}\n")
    failed = [step for step in steps if step.exit_code]
    print(f"{len(failed)} of {len(steps)} steps failed")
    if arguments.leave:
        what = (
            f"{arguments.pairs:,} pairs of `viewpoint-6dof` at {arguments.size} px, `draft`, made, "
            "killed, resumed, audited, published, loaded, learned from"
        )
        measured.leave(arguments.leave, what, "release", figures(steps), NOTE)
    sys.exit(bool(failed))


NOTE = "The tiny model takes four steps: its score shows that the way is whole, not that it learns."


def rehearse(
    out: Path, pairs: int, size: int, objects: Path | None, builtin: int, samples: int
) -> Iterator[Step]:
    """All steps, in order. Each is done when it is asked for."""
    source, data = out / "objects", out / "data"
    yield run("fetch objects", "objects", "fetch", "builtin:", source / "builtin", "--count", builtin)
    if objects is not None:
        shutil.copytree(objects, source / "real")
    generate = ["generate", data, "--preset", "viewpoint-6dof", "--source", source, "--pairs", pairs]
    for setting in (
        f"render.size_px={size}",
        "render.quality=draft",
        "plan.validation_share=0.05",
        "plan.test_share=0.1",
    ):
        generate += ["--set", setting]
    yield run("check objects", "objects", "check", source)
    yield run("dry run", *generate, "--dry-run")
    yield kill_on_the_way(out, generate, round(pairs * KILLED_AT))
    yield run("generate again", *generate)
    yield run("validate", "validate", data)
    audit = out / "audit.json"
    yield run("audit", "audit", data, "--json", audit, "--html", out / "audit.html")
    yield run("card", "card", data, "--audit", audit)
    yield run("gallery", "gallery", data, out / "gallery.html")
    with HubServer(out / "hub") as hub:
        env = os.environ | {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": hub.token,
            "HF_HOME": str(out / "home"),
            "NO_PROXY": "127.0.0.1",
        }
        yield run("publish", "publish", data, REPOSITORY, env=env)
        yield python("load from the Hub", "-c", LOADED, env=env)
    yield from learn(out, data, samples)


def learn(out: Path, data: Path, samples: int) -> Iterator[Step]:
    """What the probe gets right on unseen objects, and a tiny model from training to its score."""
    tiny, sft, said = out / "tiny", out / "sft", out / "said.jsonl"
    probe = [data, "--type", "ego_translation", "--no_swap", "--score", "all", "--samples", samples]
    train = ["--config", "tiny_cpu", "--model_name_or_path", tiny, "--data", data, "--output_dir", sft]
    predict = ["--model", sft, "--data", data, "--split", "test", "--out", said, "--max_new_tokens", 8]
    yield python("probe", "-m", "trainers.probe", *probe)
    yield python("tiny model", "-m", "trainers.tiny", tiny, "--data", data)
    yield python("sft", "-m", "trainers.sft", *train)
    yield python("predict", "-m", "trainers.predict", *predict)
    yield run("evaluate", "evaluate", said, data, "--html", out / "scores.html")


def run(name: str, *arguments: object, env: dict[str, str] | None = None) -> Step:
    """A command of ours."""
    return python(name, "-m", "viewpoint100k", *arguments, env=env)


def python(name: str, *arguments: object, env: dict[str, str] | None = None) -> Step:
    """A command of Python, timed."""
    print(f"-- {name}", file=sys.stderr)
    started, before = time.monotonic(), children_cpu_s()
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, env=env, cwd=ROOT
    )
    lines = said_lines(done.stdout) or said_lines(done.stderr)
    if done.returncode:
        lines = said_lines(done.stderr) or lines
    wall_s = time.monotonic() - started
    telling = [line for line in lines if re.search(SHOWN.get(name, "."), line)] or lines
    line = telling[-1].strip("│ ") if telling else ""
    return Step(name, done.returncode, wall_s, children_cpu_s() - before, line)


def kill_on_the_way(out: Path, generate: Sequence[object], pairs: int) -> Step:
    """Start the run, and kill all its processes once so many pairs are there. Exit code 0 if it could be
    killed.
    """
    print("-- generate, killed", file=sys.stderr)
    started, before = time.monotonic(), children_cpu_s()
    command = [sys.executable, "-m", "viewpoint100k", *map(str, generate)]
    running = subprocess.Popen(
        command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while running.poll() is None and pairs_there(out / "data") < pairs:
        time.sleep(0.2)
    killed = running.poll() is None
    if killed:
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    there = pairs_there(out / "data")
    line = f"killed with {there} pairs there" if killed else "ended before it was killed"
    return Step(
        "generate, killed", int(not killed), time.monotonic() - started, children_cpu_s() - before, line
    )


def pairs_there(data: Path) -> int:
    """Pairs of finished shards, and of visits that are kept."""
    receipts = [json.loads(path.read_bytes())["samples"] for path in data.glob(".run/receipts/*.json")]
    progress = [
        json.loads(path.read_bytes()).get("pairs", 0) for path in data.glob(".run/progress/[!.]*.json")
    ]
    return int(sum(receipts) + sum(progress))


def children_cpu_s() -> float:
    """CPU-seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def said_lines(text: str) -> list[str]:
    """Lines with words in them: no frames of tables."""
    return [line.strip() for line in text.splitlines() if re.search(r"\w", line)]


def figures(steps: Sequence[Step]) -> list[str]:
    """The steps in sentences, for the page of all figures."""
    total = sum(step.cpu_s for step in steps)
    failed = [f"{step.name} ({step.last_line})" for step in steps if step.exit_code]
    lines = [
        f"{step.name}: {step.cpu_s:,.0f} CPU-seconds; {step.last_line}"
        for step in steps
        if step.name in SHOWN
    ]
    ending = f"{total:,.0f} CPU-seconds in all; failed: {', '.join(failed) or 'nothing'}"
    return [*(line.replace("|", "/") for line in lines), ending.replace("|", "/")]


# the steps whose figures are left, and the line of each that says most
SHOWN = {
    "dry run": "CPU-",
    "generate, killed": "killed",
    "generate again": r"pairs.* of \d+ objects",
    "validate": "samples",
    "audit": "probes passed",
    "publish": "is commit",
    "load from the Hub": "questions",
    "probe": "accuracy|error",
    "evaluate": "accuracy",
}

if __name__ == "__main__":
    main()
