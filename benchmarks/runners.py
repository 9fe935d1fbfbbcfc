"""Do the runners of lmms-eval and VLMEvalKit score our test split as we do?

    python benchmarks/readers.py write DATASET WORK            # where viewpoint100k is installed
    python benchmarks/runners.py lmms-eval WORK                # where lmms-eval and viewpoint100k are
    python benchmarks/runners.py vlmevalkit WORK --checkout VLMEvalKit    # where VLMEvalKit is

Each runner is started by its own command line, `python -m lmms_eval` and `python run.py`, unmodified. It asks
a server of OpenAI's interface, as it would ask vLLM. Here the server finds the question by its words and
pictures and says a made-up answer: right, wrong or unreadable. Prints the runner's version, the first three
questions as they arrived, and both scores of the same answers. Exit 1 if a question was not asked exactly
once, or in other words than ours, or a score differs that should be ours.

VLMEvalKit reads no letter in an `<answer>` tag (docs/answers.md). So the answers `tags`, which are the same
ones in tags, score 0 there; that is printed beside our score and is no fault.
"""

import argparse
import base64
import contextlib
import csv
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, NamedTuple

from PIL import Image

from benchmarks.measured import leave, tell
from benchmarks.readers import NAME, apart, prompt_of, version

READ_ALIKE = {"lmms-eval": ("as_asked",), "vlmevalkit": ("letters",)}  # made-up answers that score the same
ALSO = {"lmms-eval": (), "vlmevalkit": ("tags",)}  # and those that do not, for a reason


class Work(NamedTuple):
    """What `readers.py write` left."""

    folder: Path
    split: str
    rows: list[dict[str, Any]]
    scores: dict[str, float]

    @property
    def task(self) -> str:
        return NAME.format(split=self.split)


# --- the server ------------------------------------------------------------------------------------


class Answers:
    """Says what was made up, and remembers what it was asked."""

    def __init__(self, runner: str, work: Work) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}  # by what the runner asks
        for row in work.rows:
            if row["options"] or runner != "vlmevalkit":
                self.rows.setdefault(prompt_of(runner, row).strip(), []).append(row)
        self.said = {name: _said(work.folder / f"said_{name}.jsonl") for name in work.scores}
        self.meant = work.folder / "meant"
        self.asked: dict[str, Counter[str]] = {name: Counter() for name in work.scores}
        self.strange = list[str]()
        self.first = list[str]()
        self.farthest = 0.0
        self.lock = Lock()

    def answer(self, name: str, messages: Sequence[dict[str, Any]]) -> str:
        """To a request for the model of this name."""
        text, pictures = _parts(messages)
        row, distance = self._row(text, pictures)
        with self.lock:
            if row is None:
                self.strange.append(text)
                return ""
            if len(self.first) < 3:
                sizes = [f"{picture.width}x{picture.height}" for picture in pictures]
                self.first.append(f"{row['question_id']}, pictures {', '.join(sizes)}: {text!r}")
            self.farthest = max(self.farthest, distance)
            self.asked[name][row["question_id"]] += 1
        return self.said[name][row["question_id"]]

    def _row(self, text: str, pictures: Sequence[Any]) -> tuple[dict[str, Any] | None, float]:
        """Of the rows with these words, the one with these pictures; and how far they are off in the mean."""
        distances = [
            (
                sum(self._apart(*pair) for pair in zip(row["images"], pictures, strict=True)) / len(pictures),
                place,
            )
            for place, row in enumerate(self.rows.get(text.strip(), []))
            if len(row["images"]) == len(pictures)
        ]
        if not distances:
            return None, 0.0
        distance, place = min(distances)
        return self.rows[text.strip()][place], distance

    def _apart(self, name: str, picture: Any) -> float:
        with Image.open(self.meant / name) as wanted:
            return apart(wanted, picture.resize(wanted.size))  # VLMEvalKit enlarges small ones


def _parts(messages: Sequence[dict[str, Any]]) -> tuple[str, list[Any]]:
    """The words and pictures of a request."""
    contents = [message["content"] for message in messages if message["role"] == "user"]
    parts = [part for content in contents for part in content]
    addresses = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    pictures = [Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) for address in addresses]
    return "".join(part["text"] for part in parts if part["type"] == "text"), pictures


def _said(path: Path) -> dict[str, str]:
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {line["question_id"]: line["prediction"] for line in lines}


@contextlib.contextmanager
def serving(answers: Answers) -> Iterator[str]:
    """The address of a server that answers chat completions."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            message = {"role": "assistant", "content": answers.answer(asked["model"], asked["messages"])}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            told = {
                "id": "0",
                "object": "chat.completion",
                "created": 0,
                "model": asked["model"],
                "choices": [choice],
            }
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: the runner shows its progress."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


# --- the runners: the command, and where they leave a score -----------------------------------------


def run_lmms_eval(
    work: Work, address: str, models: Sequence[str], out: Path, _: Path | None
) -> dict[str, float]:
    """`python -m lmms_eval`, as its documentation has it, for each model."""
    for model in models:
        served = f"model_version={model},base_url={address},api_key=none"
        command = ["-m", "lmms_eval", "--model", "openai", "--model_args", served, "--tasks", work.task]
        command += ["--include_path", str(work.folder / "lmms-eval"), "--batch_size", "1"]
        _run([*command, "--output_path", str(out / model)], out, {})
    return {model: _lmms_score(out / model, work.task) for model in models}


def _lmms_score(out: Path, task: str) -> float:
    paths = list(out.rglob("*_results.json"))
    if not paths:  # it ends with 0 after an error, too
        raise SystemExit(_end_of_log(out.parent) + "\nlmms-eval left no results")
    return float(json.loads(paths[0].read_text(encoding="utf-8"))["results"][task]["accuracy,none"])


def run_vlmevalkit(
    work: Work, address: str, models: Sequence[str], out: Path, checkout: Path | None
) -> dict[str, float]:
    """`python run.py --base-url`, without a judge; one after another in the same process."""
    if checkout is None:
        raise SystemExit("--checkout is not given: pass the folder of VLMEvalKit that holds run.py")
    command = [
        str(checkout.resolve() / "run.py"),
        "--data",
        work.task,
        "--model",
        *models,
        "--base-url",
        address,
    ]
    command += ["--judge", "exact_matching", "--max-tokens", "64", "--work-dir", str(out)]
    _run(command, out, {"LMUData": str(work.folder / "vlmevalkit")})
    return {model: _kit_score(out / model / f"{model}_{work.task}_acc.csv") for model in models}


def _kit_score(path: Path) -> float:
    with open(path, encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    return float(row["Overall"])


def _run(command: Sequence[str], out: Path, environment: dict[str, str]) -> None:
    shown = [f"{name}={value}" for name, value in environment.items()]
    print(" ".join([*shown, "python", *map(shlex.quote, command)]), file=sys.stderr)
    with open(out / "log.txt", "w", encoding="utf-8") as log:
        done = subprocess.run(
            [sys.executable, *command], env=os.environ | environment, cwd=out, stdout=log, stderr=log
        )
    if done.returncode:
        raise SystemExit(_end_of_log(out) + f"\nthe runner ended with {done.returncode}")


def _end_of_log(out: Path) -> str:
    return "\n".join((out / "log.txt").read_text(encoding="utf-8").splitlines()[-20:])


Runner = Callable[[Work, str, Sequence[str], Path, Path | None], dict[str, float]]
RUNNERS: dict[str, tuple[str, Runner]] = {  # and the package
    "lmms-eval": ("lmms_eval", run_lmms_eval),
    "vlmevalkit": ("vlmeval", run_vlmevalkit),
}


# --- compared --------------------------------------------------------------------------------------


def compare(name: str, folder: Path, checkout: Path | None) -> dict[str, Any]:
    left = json.loads((folder / "meant.json").read_text(encoding="utf-8"))
    work = Work(folder, left["split"], left["rows"], left["scores"])
    package, run = RUNNERS[name]
    answers = Answers(name, work)
    models = [*READ_ALIKE[name], *ALSO[name]]
    shutil.rmtree(folder / "vlmevalkit" / "images", ignore_errors=True)
    with serving(answers) as address, tempfile.TemporaryDirectory() as out:
        scores = run(work, address, models, Path(out), checkout)
    expected = [row["question_id"] for rows in answers.rows.values() for row in rows]
    wrong = [f"asked, but none of ours: {text!r}" for text in answers.strange]
    for model in models:
        asked = answers.asked[model]
        wrong += [f"{model}: {one} was asked {asked[one]} times" for one in expected if asked[one] != 1]
    differ = [model for model in READ_ALIKE[name] if abs(scores[model] - work.scores[model]) > 1e-6]
    return {
        "runner": name,
        "version": version(package) + _commit(checkout),
        "questions": len(expected),
        "first": answers.first,
        "pictures_apart": round(answers.farthest, 3),
        "scores": {model: {"theirs": scores[model], "ours": work.scores[model]} for model in models},
        "wrong": [*wrong[:20], *(f"{model}: another score than ours" for model in differ)],
    }


def _commit(checkout: Path | None) -> str:
    """Which checkout, where it is one of git."""
    if checkout is None:
        return ""
    command = ["git", "-C", str(checkout), "show", "-s", "--format=%h of %cs"]
    done = subprocess.run(command, capture_output=True, text=True)
    return f", commit {done.stdout.strip()}" if not done.returncode else ""


def leave_record(told: dict[str, Any]) -> None:
    scores = [
        f"answers `{model}`: {score['theirs']:.4f}, ours {score['ours']:.4f}"
        for model, score in told["scores"].items()
    ]
    what = f"{told['runner']} {told['version']}, by its own command line, over our test split"
    asked = (
        f"{told['questions']} questions, each asked exactly once, in the words and with the pictures meant"
    )
    leave(f"runner_{told['runner']}", what, "interchange", [asked, *scores])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runner", choices=RUNNERS)
    parser.add_argument("work", type=Path)
    parser.add_argument("--checkout", type=Path, help="VLMEvalKit's folder")
    parser.add_argument("--record", action="store_true", help="leave it in benchmarks/records")
    given = parser.parse_args()
    told = compare(given.runner, given.work.resolve(), given.checkout)
    return tell(told, leave_record if given.record else None)


if __name__ == "__main__":
    sys.exit(main())
