"""What is an endless stream of questions worth? `python benchmarks/environment.py DATASET [DATASET ...]
[--count 10000] [--seed 0] [--json environment.json]`.

Asks so many questions of one stream, and says what share of them is stored in the dataset, word for word, and
what share asks something of which no stored question is only another wording: other views or another order,
another figure, other wrong options. Every answer is computed again by the second implementation, which shares
no code with the first. Prints a table; exit 1 if one of them disagrees, or a test object is asked about.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from viewpoint100k.config import load_config_tree
from viewpoint100k.environment import gym
from viewpoint100k.manifest import read_manifest
from viewpoint100k.proof import contradicted
from viewpoint100k.records import Question
from viewpoint100k.shards import iter_samples


def in_words(key: str, question: Question) -> tuple[Any, ...]:
    """What a model is shown."""
    return (key, question.prompt, *shown(question))


def in_substance(key: str, question: Question) -> tuple[Any, ...]:
    """What is asked, however it is worded and in whatever order its options are."""
    return (key, question.type, question.frame, frozenset(question.options), *shown(question))


def shown(question: Question) -> Iterator[str]:
    for part in (question.images, question.marks, question.mirrored, question.map_cameras, question.parts):
        yield repr(part)


def measure(dataset: Path, count: int, seed: int) -> dict[str, Any]:
    started = time.process_time()
    stream = gym(dataset, difficulty=0.5, seed=seed)
    index_s = time.process_time() - started
    gates = load_config_tree(read_manifest(dataset).config).gates
    words, substance, test_objects = set[Any](), set[Any](), set[str]()
    for stored in iter_samples(dataset):
        if stored.sample.split != "train":
            test_objects.add(stored.sample.object.uid)
        for question in stored.sample.questions:
            words.add(in_words(stored.key, question))
            substance.add(in_substance(stored.key, question))
    asked_s, new_words, new_substance, repeated, wrong, leaked = 0.0, 0, 0, 0, 0, 0
    seen = set[Any]()
    kinds = set[str]()
    for number in range(count):
        started = time.process_time()
        question, sample, key, _ = stream.question(number)
        asked_s += time.process_time() - started
        new_words += in_words(key, question) not in words
        new_substance += in_substance(key, question) not in substance
        repeated += in_words(key, question) in seen
        seen.add(in_words(key, question))
        wrong += bool(contradicted(sample, gates))
        leaked += sample.object.uid in test_objects
        kinds.add(f"{question.type}/{question.frame}")
    return {
        "dataset": dataset.name,
        "samples": stream.samples,
        "index_cpu_s": index_s,
        "questions": count,
        "kinds": len(kinds),
        "new_in_words": new_words / count,
        "new_in_substance": new_substance / count,
        "repeated_within_the_stream": repeated / count,
        "contradicted": wrong,
        "about_test_objects": leaked,
        "questions_per_cpu_s": count / asked_s,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = [measure(dataset, given.count, given.seed) for dataset in given.datasets]
    table = Table("what", *(row["dataset"] for row in found))
    for name in found[0]:
        table.add_row(name.replace("_", " "), *(_told(row[name]) for row in found))
    Console(width=110).print(table)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(any(row["contradicted"] or row["about_test_objects"] for row in found))


def _told(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
