"""Fresh questions about the views of a dataset, without end and without rendering: for reinforcement
learning.

A stored pair was asked once, in one wording, with one set of wrong options, in one order. Here the same views
are asked about again: in other wordings and answer forms, with other wrong options, from the second view to
the first, with other dots, maps and mirrored pictures drawn into them. Only what the dataset's own proof
covers is asked, and nothing that the second implementation contradicts. Question i depends on the seed, i and
the difficulty alone.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from viewpoint100k.config import GateConfig, load_config_tree
from viewpoint100k.drawing import shown
from viewpoint100k.errors import InputError
from viewpoint100k.load import COLUMNS, shown_motion
from viewpoint100k.manifest import read_manifest
from viewpoint100k.plan import generator
from viewpoint100k.proof import contradicted
from viewpoint100k.questions import KINDS, load_templates
from viewpoint100k.questions.ask import Writer, askable, word_all
from viewpoint100k.records import Question, Sample
from viewpoint100k.scoring import score
from viewpoint100k.shards import (
    StoredSample,
    decode,
    in_sample,
    members_of,
    open_inside,
    parse_sample,
    shard_paths,
)

NAMES = tuple(kind.name for kind in KINDS)
WINDOW = 0.25  # share of the ranked pairs that a difficulty draws from
FEWEST = 8  # pairs that it draws from at least
TRIES = 200  # draws for one question: of some pairs a figure finds no room
STEP = 0.1  # by which a difficulty moves at most after a report
HALF = 0.5  # of the answers are right where there is most to learn


class Fresh(NamedTuple):
    """A new question, and what it is about."""

    question: Question
    sample: Sample
    key: str
    images: list[Any]  # pictures as they are shown


class _Place(NamedTuple):
    """Where a sample is: a shard, and its files there."""

    shard: Path
    key: str
    files: tuple[tuple[str, int, int], ...]  # what follows the key's dot, first byte, bytes


class _Bucket(NamedTuple):
    """The pairs of one kind and right answer, the clearest first."""

    samples: NDArray[np.int32]
    margins: NDArray[np.float32]


class Gym:
    """An endless, seeded stream of questions about the training objects of a dataset. Made by `gym`."""

    def __init__(
        self, dataset: Path, kinds: Collection[str], difficulty: float, seed: int, wordings: Path | None
    ) -> None:
        manifest = read_manifest(dataset)
        config = load_config_tree(manifest.config)
        self.dataset = dataset
        self.seed = seed
        self.gates: GateConfig = config.gates
        self._settings = config.questions
        # a path to wordings that the dataset's maker chose is of another machine, or worse
        self._templates = load_templates(None if wordings is None else str(wordings))
        self._places, self._buckets = _index(dataset, set(kinds))
        if not self._buckets:
            raise InputError(
                f"{dataset}: none of its training pairs is asked {', '.join(sorted(kinds))}; "
                "`viewpoint100k card` lists what it has"
            )
        self.kinds = sorted(self._buckets)
        self.difficulty = dict.fromkeys(self.kinds, difficulty)

    @property
    def samples(self) -> int:
        """How many samples are asked about; the stream itself has no end."""
        return len(self._places)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        number = 0
        while True:
            yield self.row(number)
            number += 1

    def row(self, number: int) -> dict[str, Any]:
        """Question `number` in the columns of `load_questions`, and its `kind`, `margin`, `difficulty`."""
        fresh = self.question(number)
        question = fresh.question
        row = {name: getattr(question, name, None) for name in COLUMNS}
        kind = f"{question.type}/{question.frame}"
        poses = [view.world_from_camera for view in fresh.sample.views]
        return row | {
            "motion": shown_motion(question.images, question.mirrored, poses),
            "images": fresh.images,
            "question_id": question.id,
            "sample_key": fresh.key,
            "family": fresh.sample.family,
            "kind": kind,
            "margin": question.margin,
            "difficulty": self.difficulty[kind],
        }

    def question(self, number: int) -> Fresh:
        """Question `number` of the stream, at the difficulty of now.

        Raises:
            InputError: a sample cannot be read, or no pair takes a question of these kinds.
        """
        rng = generator(self.seed, "gym", number)
        for _ in range(TRIES):
            kind = self.kinds[rng.integers(len(self.kinds))]
            stored = self._read(self._draw(kind, rng))
            with in_sample(self.dataset, stored.key):
                question = self._asked(stored, kind, number, rng)
                if question is None:
                    continue
                views = [decode(data, f"view_{view}.jpg") for view, data in enumerate(stored.images)]
                sample = stored.sample.model_copy(update={"questions": [question]})
                return Fresh(question, sample, stored.key, list(shown(question, views)))
        raise InputError(f"{self.dataset}: no pair takes a question of {', '.join(self.kinds)}")

    def reward(self, completion: str, row: Mapping[str, Any]) -> float:
        """What an answer is worth, by the one scorer."""
        options = row["options"] or []
        return score(completion, options, row["answer_index"], row["answer_form"], row["value"])

    def report(self, kind: str, right: float) -> float:
        """Say which share of the latest answers to a kind was right: it becomes harder above a half, else
        easier. Returns the difficulty from now on.
        """
        if kind not in self.difficulty or not 0 <= right <= 1:
            raise InputError(
                f"report({kind!r}, {right}): expected one of {', '.join(self.kinds)} and a share of 0 to 1"
            )
        moved = self.difficulty[kind] + 2 * STEP * (right - HALF)
        self.difficulty[kind] = min(1.0, max(0.0, moved))
        return self.difficulty[kind]

    def _draw(self, kind: str, rng: np.random.Generator) -> _Place:
        """A pair: each answer is right as often, and as far from the grey band as the difficulty says."""
        buckets = self._buckets[kind]
        samples = buckets[rng.integers(len(buckets))].samples
        width = min(len(samples), max(FEWEST, round(WINDOW * len(samples))))
        first = round(self.difficulty[kind] * (len(samples) - width))
        return self._places[int(samples[first + int(rng.integers(width))])]

    def _read(self, place: _Place) -> StoredSample:
        members = {}
        with open_inside(place.shard) as file:
            for name, start, size in place.files:
                file.seek(start)
                members[name] = file.read(size)
        return parse_sample(place.shard, place.key, members)

    def _asked(
        self, stored: StoredSample, kind: str, number: int, rng: np.random.Generator
    ) -> Question | None:
        """A question of a kind about a sample, or None where its figure finds no room, or in doubt."""
        bare = stored.sample.model_copy(update={"questions": []})
        found = [asked for asked in askable(bare, self.gates, rng) if asked.kind.name == kind]
        if not found:
            return None
        chosen = [found[rng.integers(len(found))]]
        start = int(rng.integers(60))  # which letter is right
        writer = Writer(self._settings, self._templates, start)
        worded = word_all([stored.key], [bare], [chosen], self.gates, writer, rng)[0]
        question = worded[rng.integers(len(worded))]
        if contradicted(bare.model_copy(update={"questions": [question]}), self.gates):
            return None
        # answers are balanced here, and what flat cues suggest is not
        return question.model_copy(update={"id": f"{question.id}-{self.seed}-{number}", "fair": False})


def _kinds_named(names: str | Collection[str]) -> set[str]:
    """The kinds that names of kinds and types stand for."""
    found = set[str]()
    for name in [names] if isinstance(names, str) else names:
        mine = {kind.name for kind in KINDS if name in (kind.name, kind.type)}
        if not mine:
            raise InputError(f"kinds: there is no {name!r}; expected one of {', '.join(NAMES)}, or a type")
        found |= mine
    return found


def gym(
    dataset: str | Path,
    kinds: str | Collection[str] | None = None,
    difficulty: float = 0.0,
    seed: int = 0,
    wordings: str | Path | None = None,
) -> Gym:
    """New questions about a dataset's training objects, without end: the same seed, the same stream.

    Args:
        dataset: a folder that `viewpoint100k generate` wrote.
        kinds: of questions, such as "ego_translation/camera_1", or types, such as "ego_translation"; None:
            all that the dataset has.
        difficulty: 0: the pairs that are farthest from the grey band of their question; 1: those just above
            it.
        seed: of the stream.
        wordings: a file of templates, as `questions.templates` takes it; None: those that ship. The dataset's
            own are not used, for its maker may be a stranger.

    Raises:
        InputError: there is no such dataset, kind or file, or the difficulty is outside 0 to 1.

    Example:
        >>> fresh = gym("viewpoint-100k", kinds="ego_translation", difficulty=0.3, seed=7)  # doctest: +SKIP
        >>> row = fresh.row(0)  # doctest: +SKIP
        >>> fresh.reward(row["answer"], row)  # doctest: +SKIP
        1.0
    """
    named = _kinds_named(NAMES if kinds is None else kinds)
    if not 0 <= difficulty <= 1:
        raise InputError(f"difficulty = {difficulty}: expected 0 (clearest) to 1 (just above the grey band)")
    if not Path(dataset).is_dir():
        raise InputError(f"{dataset} is not a folder; fetch a dataset from the Hub first: hf download")
    return Gym(Path(dataset), named, float(difficulty), seed, Path(wordings) if wordings else None)


def _index(dataset: Path, kinds: set[str]) -> tuple[list[_Place], dict[str, list[_Bucket]]]:
    """Where the samples are, and which of them carry a kind, by what is stored of them; no picture is read.

    Objects that another split has are left out, whatever the shards' names say.
    """
    elsewhere = set[str]()
    for shard in shard_paths(dataset):
        for _, _, record in _records(shard):
            if record["split"] != "train":
                elsewhere |= _objects(record)
    places = list[_Place]()
    found: dict[str, dict[str, list[tuple[float, int]]]] = {}
    for shard in shard_paths(dataset, "train"):
        for key, files, record in _records(shard):
            if record["split"] != "train" or _objects(record) & elsewhere:
                continue
            for question in record["questions"]:
                kind = f"{question['type']}/{question['frame']}"
                if kind in kinds:
                    entry = (-float(question["margin"]), len(places))
                    found.setdefault(kind, {}).setdefault(_answer_of(question), []).append(entry)
            places.append(_Place(shard, key, files))
    return places, {
        kind: [_bucket(entries) for _, entries in sorted(answers.items())]
        for kind, answers in sorted(found.items())
    }


def _answer_of(question: dict[str, Any]) -> str:
    """Which answers are to be right as often: the option; of numbers, all."""
    options = question["options"]
    return str(options[question["answer_index"]]) if options else ""


def _bucket(entries: list[tuple[float, int]]) -> _Bucket:
    ordered = sorted(set(entries))
    samples = np.array([number for _, number in ordered], np.int32)
    return _Bucket(samples, np.array([-margin for margin, _ in ordered], np.float32))


def _records(shard: Path) -> Iterator[tuple[str, tuple[tuple[str, int, int], ...], dict[str, Any]]]:
    """Key, files and record of each sample of a shard."""
    with open_inside(shard) as file:
        files = list[tuple[str, int, int]]()
        key = ""
        record = dict[str, Any]()
        for member in members_of(file, shard):
            if member.key != key and record:
                yield key, tuple(files), record
                files = []
                record = {}
            key = member.key
            files.append((member.extension, member.data, member.size))
            if member.extension == "json":
                file.seek(member.data)
                record = _record(shard, key, file.read(member.size))
        if record:
            yield key, tuple(files), record


def _record(shard: Path, key: str, data: bytes) -> dict[str, Any]:
    """What the index needs of a sample. The sample itself is checked when it is asked about."""
    try:
        record = from_json(data)
        _objects(record)
        for question in record["questions"]:
            options = question["options"]
            str(options[question["answer_index"]]) if options else float(question["margin"])
            question["type"] + question["frame"]
        return {name: record[name] for name in ("split", "object", "questions", "scene")}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(
            f"{shard}: sample {key!r}: {key}.json is not a valid sample; run `viewpoint100k validate`"
        ) from error


def _objects(record: dict[str, Any]) -> set[str]:
    parts = (record.get("scene") or {}).get("parts", [])
    return {record["object"]["uid"], *(part["object"]["uid"] for part in parts)}
