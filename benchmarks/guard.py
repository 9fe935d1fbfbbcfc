"""Did a change of code change a question? `python benchmarks/guard.py DATASET... [--compare BEFORE.json]`.

Cuts the first samples out of each dataset, asks about them anew, validates the result and puts the audit's
exact probes to it. Prints one line for each dataset and writes all figures to FOLDER/guard.json; the
questions themselves lie in FOLDER/NAME.questions.jsonl, one a line, for `diff`. Samples name the code that
made them, so what is hashed is the content of questions and not the bytes of shards. Exits with 1 where
anything differs from BEFORE.json, a guard.json of an earlier run, or where a probe fails.
"""

import argparse
import hashlib
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

from viewpoint100k.audit import Probe, chains, gates, labels, scenes
from viewpoint100k.audit.samples import load_samples
from viewpoint100k.records import SCHEMA_VERSION, Question
from viewpoint100k.requestion import requestion
from viewpoint100k.shards import iter_samples
from viewpoint100k.validate import validate_dataset

# what a question has been made of since schema 4; whatever later schemas add is not compared
FIELDS = (
    "id", "type", "tier", "frame", "images", "prompt", "options", "answer_index", "answer", "answer_form",
    "value", "marks", "mirrored", "map_cameras", "parts", "template", "margin", "decidability", "fair",
)  # fmt: skip
PROBES = (
    labels.labels_recomputed,
    labels.truth_recomputed,
    labels.metamorphic,
    labels.reversal,
    gates.covisibility,
    gates.decidability,
    scenes.scene_references,
    scenes.scene_labels,
    chains.chain_facts,
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--samples", type=int, default=60, help="of each dataset's first shard")
    parser.add_argument("--folder", type=Path, default=Path("guard"), help="for all that is written")
    parser.add_argument("--compare", type=Path, help="guard.json of an earlier run")
    arguments = parser.parse_args()
    found = {path.name: guard(path, arguments.samples, arguments.folder) for path in arguments.datasets}
    for name, figures in found.items():
        print(f"{name}: {json.dumps(figures)}")
    before = json.loads(arguments.compare.read_text()) if arguments.compare else {}
    (arguments.folder / "guard.json").write_text(json.dumps(found, indent=1) + "\n")
    differences = [
        f"{name}: {key} was {before[name].get(key)!r}, is {value!r}"
        for name in found.keys() & before.keys()
        for key, value in found[name].items()
        if before[name].get(key) != value
    ]
    if arguments.compare:
        print("\n".join(differences) or f"the same as {arguments.compare}")
    unsound = any(figures["problems"] or figures["failed"] for figures in found.values())
    sys.exit(1 if differences or unsound else 0)


def guard(dataset: Path, samples: int, folder: Path) -> dict[str, Any]:
    """Ask anew about the first samples of a dataset, and check what came of it."""
    cut, asked = folder / f"{dataset.name}.cut", folder / f"{dataset.name}.asked"
    for path in (cut, asked):
        shutil.rmtree(path, ignore_errors=True)
    cut_out(dataset, samples, cut)
    requestion(cut, asked)
    questions = [question for stored in iter_samples(asked) for question in stored.sample.questions]
    rows = [json.dumps(_content(question)) for question in questions]
    thoughts = [question.chain_of_thought or "" for question in questions]
    lines = [f"{row} {json.dumps(thought)}\n" for row, thought in zip(rows, thoughts, strict=True)]
    (folder / f"{dataset.name}.questions.jsonl").write_text("".join(lines))
    report = validate_dataset(asked, workers=1)
    loaded = load_samples(asked)
    probes: list[Probe] = [probe(loaded) for probe in PROBES]
    return {
        "samples": report.samples,
        "questions": len(questions),
        "chains": sum(map(bool, thoughts)),
        "questions_sha256": _digest(rows),
        "chains_sha256": _digest(thoughts),
        "problems": [f"{problem.where}: {problem.what}" for problem in report.problems][:5],
        "probed": {probe.name: probe.n for probe in probes},
        "failed": {probe.name: probe.because for probe in probes if probe.verdict == "fail"},
    }


def cut_out(dataset: Path, samples: int, cut: Path) -> None:
    """The first samples of a dataset's first shard, without questions, as a dataset of today's schema."""
    manifest = json.loads((dataset / "manifest.json").read_text())
    entry = manifest["shards"][0]
    cut.mkdir(parents=True)
    keys = set[str]()
    with tarfile.open(dataset / entry["name"]) as whole, tarfile.open(cut / entry["name"], "w") as part:
        for member in whole:
            keys.add(member.name.partition(".")[0])
            if len(keys) > samples:
                keys.remove(member.name.partition(".")[0])
                break
            file = whole.extractfile(member)
            assert file is not None
            data = file.read()
            if member.name.endswith(".json"):
                data = json.dumps({**json.loads(data), "questions": []}).encode()
            member.size = len(data)
            part.addfile(member, io.BytesIO(data))
    entry |= {"samples": len(keys), "questions": 0}
    manifest |= {"shards": [entry], "samples": len(keys), "questions": 0, "schema_version": SCHEMA_VERSION}
    (cut / "manifest.json").write_text(json.dumps(manifest))


def _content(question: Question) -> dict[str, Any]:
    stored = question.model_dump(mode="json")
    return {field: stored[field] for field in FIELDS}


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
