"""The dataset as the probes see it: read once, with small copies of its pictures."""

import io
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from viewpoint100k.audit.report import Probe, merged
from viewpoint100k.audit.statistics import Array
from viewpoint100k.config import GateConfig
from viewpoint100k.manifest import Manifest, read_manifest
from viewpoint100k.questions.ask import in_english
from viewpoint100k.records import ObjectRecord, Question, Sample, View, Vocabulary
from viewpoint100k.shards import (
    StoredSample,
    iter_records,
    iter_samples,
    parse_sample,
    read_members,
    shard_paths,
)

SMALL_PX = 32  # side of the copy of a picture that all probes share: 3 kB each
CROP_PX = 17
PART = 500  # samples of a large dataset that are in memory at a time
KEPT_WHOLE = 10  # one of this many kept samples keeps its surface points too
STATED_LENSES = re.compile(
    r"(?:Both images have a horizontal field of view of (\d+) degrees"
    r"|The horizontal field of view is (\d+) degrees in image 1 and (\d+) degrees in image 2)\.\s*$"
)
NO_WORDS = {"no", "none", "neither", "equally"}  # first words of options that say that nothing happened


class Look(NamedTuple):
    """A small copy of one picture, and its statistics."""

    small: Array  # (SMALL_PX, SMALL_PX, 3) uint8, the whole picture
    crop: Array  # (CROP_PX, CROP_PX, 3) uint8, the object's box
    luminance: float  # mean of the whole picture, 0..1
    box_luminance: float  # mean inside the object's box
    box_contrast: float  # standard deviation of luminance inside the box
    size: tuple[int, int]  # width, height
    problem: str  # why the picture cannot be used; empty if it can


class Item(NamedTuple):
    """A sample and its small pictures."""

    key: str
    sample: Sample
    looks: list[Look]

    @property
    def group(self) -> str:
        """The object, whose questions are not independent of each other."""
        return self.sample.object.uid


class Asked(NamedTuple):
    """A question and the sample that it is asked about."""

    item: Item
    question: Question

    @property
    def kind(self) -> str:
        return f"{self.question.type}/{self.question.frame}"

    @property
    def right(self) -> str:
        """The text of the right option; empty if the answer is a number."""
        return self.question.options[self.question.answer_index] if self.question.options else ""

    @property
    def lenses(self) -> tuple[int, int] | None:
        """The fields of view of two pictures that the question states, in degrees; None if it states none."""
        stated = STATED_LENSES.search(self.question.prompt.partition("\n")[0])
        if stated is None:
            return None
        both, first, second = stated.groups()
        return (int(both), int(both)) if both else (int(first), int(second))

    @property
    def numbers(self) -> list[float]:
        """The other numbers of the question's first line."""
        first = STATED_LENSES.sub("", self.question.prompt.partition("\n")[0])
        return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", first)]

    @property
    def pair(self) -> tuple[int, int] | None:
        """The numbers of the two views that the question shows; None if it does not show exactly two."""
        shown = self.question.images
        valid = len(shown) == 2 and all(0 <= i < len(self.item.sample.views) for i in shown)
        return (shown[0], shown[1]) if valid else None

    @property
    def views(self) -> tuple[View, View]:
        """The two views with boxes as displayed; a view shown mirrored keeps its real pose."""
        views = [self.item.sample.views[i] for i in self.pair or (0, 1)]
        first, second = (_mirrored_box(v) if i in self.question.mirrored else v for i, v in enumerate(views))
        return first, second

    @property
    def shown(self) -> list[View]:
        """The views that the question shows, with the object's boxes as displayed."""
        views = [
            self.item.sample.views[i] for i in self.question.images if 0 <= i < len(self.item.sample.views)
        ]
        return [_mirrored_box(view) if i in self.question.mirrored else view for i, view in enumerate(views)]

    @property
    def looks(self) -> tuple[Look, Look]:
        """Both pictures of the pair as displayed, but without dots."""
        looks = [self.item.looks[i] for i in self.pair or (0, 1)]
        first, second = (
            _mirrored_look(look) if i in self.question.mirrored else look for i, look in enumerate(looks)
        )
        return first, second


def _mirrored_box(view: View) -> View:
    left, top, right, bottom = view.object_box
    width = 2 * view.intrinsics[0][2]
    return view.model_copy(update={"object_box": [width - right, top, width - left, bottom]})


def _mirrored_look(look: Look) -> Look:
    return look._replace(small=look.small[:, ::-1], crop=look.crop[:, ::-1])


class Thing(NamedTuple):
    """An object in a split, and a sample that shows it."""

    key: str
    split: str
    record: ObjectRecord


class Count(NamedTuple):
    """The size of a dataset."""

    samples: int
    questions: int
    fair: int  # questions of the balanced subset
    objects: int


@dataclass(frozen=True)
class Samples:
    """A dataset in memory; of a large one, a random choice of samples, so that memory stays bounded."""

    dataset: Path
    manifest: Manifest
    gates: GateConfig
    items: list[Item]
    seed: int = 0
    count: Count | None = None  # size of the dataset that was read, if only a part of it is kept
    _objects: list[Thing] = field(default_factory=list)
    _asked: dict[str, list[Asked]] = field(default_factory=dict)

    def asked(self) -> dict[str, list[Asked]]:
        """All questions by kind, in order; each of them must have a right answer."""
        if not self._asked:
            by_kind = defaultdict[str, list[Asked]](list)
            for item in self.items:
                for question in item.sample.questions:
                    asked = Asked(item, question)
                    by_kind[asked.kind].append(asked)
            self._asked.update(by_kind)
        return self._asked

    def fair(self) -> dict[str, list[Asked]]:
        """The questions of the balanced subset, by kind; nothing may give their answers away."""
        fair = {
            kind: [asked for asked in every if asked.question.fair] for kind, every in self.asked().items()
        }
        return {kind: every for kind, every in fair.items() if every}

    def rng(self, purpose: str) -> np.random.Generator:
        """A random generator for one purpose, the same in every run."""
        return np.random.default_rng([self.seed, *purpose.encode()])

    def draw(self, keys: Collection[str], most: int, purpose: str) -> set[str]:
        """At most `most` of these keys, drawn at random."""
        every = sorted(keys)
        if len(every) <= most:
            return set(every)
        return {every[i] for i in self.rng(purpose).choice(len(every), most, replace=False)}

    def pictures(self, keys: Collection[str]) -> Iterator[tuple[Item, list[Array]]]:
        """The full-size pictures of some samples, read from their shards; undecodable ones are skipped."""
        by_key = {item.key: item for item in self.items if item.key in keys}
        for path in shard_paths(self.dataset) if by_key else ():
            for key, members in read_members(path, by_key.keys()):
                images = parse_sample(path, key, members).images
                pictures = [decoded for image in images if (decoded := _decode(image)) is not None]
                if len(pictures) == len(images) >= 2:
                    yield by_key[key], pictures

    def objects(self) -> list[Thing]:
        """Each object of each split with the first sample that shows it, over all samples of the dataset."""
        return self._objects or list(_objects(self.items).values())


def load_samples(dataset: Path, seed: int = 0) -> Samples:
    """Read a whole dataset in one pass.

    Raises:
        InputError: the folder is no dataset of ours.
    """
    manifest = read_manifest(dataset)
    gates = GateConfig.model_validate(manifest.config.get("gates", {}))
    return Samples(
        dataset, manifest, gates, [_item(stored, manifest.words) for stored in iter_samples(dataset)], seed
    )


def load_records(dataset: Path, seed: int, most: int) -> Samples:
    """Read about `most` samples without their pictures, in whole shards spread evenly over the dataset.

    Raises:
        InputError: the folder is no dataset of ours.
    """
    manifest = read_manifest(dataset)
    gates = GateConfig.model_validate(manifest.config.get("gates", {}))
    paths = shard_paths(dataset)
    items = list[Item]()
    wanted = max(1, -(-len(paths) * most // max(manifest.samples, most)))
    for number in np.linspace(0, len(paths) - 1, wanted).round().astype(int):
        for key, sample in iter_records(paths[number]):
            sample = in_english(sample, manifest.words)
            items.append(Item(key, sample, [_unusable("was not read")] * len(sample.views)))
    return Samples(dataset, manifest, gates, items, seed)


def _without_samples(dataset: Path, manifest: Manifest, seed: int) -> Samples:
    gates = GateConfig.model_validate(manifest.config.get("gates", {}))
    return Samples(dataset, manifest, gates, [], seed)


def stream_samples(
    dataset: Path, seed: int, exact: Sequence[Callable[[Samples], Probe]], most: int
) -> tuple[Samples, list[Probe]]:
    """Read a dataset once, part by part, run some probes on each part, and keep a limited number of samples.

    Args:
        exact: probes that allow no exception and judge each sample by itself.
        most: number of samples that are kept, drawn at random, without what only exact probes need.

    Returns:
        The kept samples, and the verdicts of the probes over all samples.

    Raises:
        InputError: the folder is no dataset of ours.
    """
    manifest = read_manifest(dataset)
    empty = _without_samples(dataset, manifest, seed)
    wanted = set(empty.rng("kept").permutation(max(manifest.samples, most))[:most].tolist())
    kept = list[Item]()
    things = dict[tuple[str, str, str], Thing]()
    questions = 0
    fair = 0
    at = 0  # samples read so far
    groups = set[str]()
    verdicts: list[list[Probe]] = [[] for _ in exact]
    stream = (_item(stored, manifest.words) for stored in iter_samples(dataset))
    while part := list(islice(stream, PART)):
        for probe, said in zip(exact, verdicts, strict=True):
            said.append(probe(replace(empty, items=part, _asked={})))
        things = _objects(part) | things
        groups |= {item.group for item in part}
        questions += sum(len(item.sample.questions) for item in part)
        fair += sum(len(item.sample.fair_questions) for item in part)
        chosen = ((i, item) for i, item in enumerate(part, at) if i in wanted)
        kept += [_slim(item, whole=i % KEPT_WHOLE == 0) for i, item in chosen]
        at += len(part)
    count = Count(at, questions, fair, len(groups))
    samples = replace(empty, items=kept, count=count, _objects=list(things.values()), _asked={})
    said_of = zip(exact, verdicts, strict=True)
    return samples, [merged(said) if said else probe(empty) for probe, said in said_of]


def _item(stored: StoredSample, words: Vocabulary | None) -> Item:
    """A sample as probes see it: with its questions in English, whatever the language of the dataset."""
    key = stored.key
    images = stored.images
    sample = in_english(stored.sample, words)
    boxes: list[list[float] | None] = [view.object_box for view in sample.views]
    boxes += [None] * (len(images) - len(boxes))
    looks = [_look(image, box) for image, box in zip(images, boxes, strict=False)]
    looks += [_unusable("has no picture")] * (len(sample.views) - len(looks))
    return Item(key, sample, looks)


def _slim(item: Item, whole: bool) -> Item:
    """A sample without what only exact probes need: unmarked points, questions not in the balanced subset."""
    sample = item.sample.model_copy(update={"questions": item.sample.fair_questions})
    if whole or any(question.marks for question in sample.questions):
        return item._replace(sample=sample)
    return item._replace(
        sample=sample.model_copy(update={"seen": sample.seen.model_copy(update={"points": []})})
    )


def _objects(items: Sequence[Item]) -> dict[tuple[str, str, str], Thing]:
    """The objects by split, name and file, each with the first sample that shows it."""
    out = dict[tuple[str, str, str], Thing]()
    for item in items:
        for thing in item.sample.objects:
            split = item.sample.split
            out.setdefault((split, thing.uid, thing.sha256), Thing(item.key, split, thing))
    return out


def says_none(option: str) -> bool:
    """Whether an option says that nothing happened, such as "no tilt"."""
    return option.lower().partition(" ")[0] in NO_WORDS


def luminance(picture: Array) -> Array:
    """Luminance (...) in 0..1 of displayed colours (..., 3) uint8, by Rec. 709 weights."""
    return np.asarray(picture @ np.array([0.2126, 0.7152, 0.0722]) / 255)


def _look(image: bytes, box: list[float] | None) -> Look:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(image)) as opened:
            size = opened.size
            opened.draft("RGB", (4 * SMALL_PX, 4 * SMALL_PX))  # JPEG decoders reduce the size at no cost
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return _unusable(f"cannot be decoded: {error}")
    scale_x = picture.width / size[0]
    scale_y = picture.height / size[1]
    left, top, right, bottom = box or (0, 0, *size)
    edges = (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y)
    edges = (max(edges[0], 0), max(edges[1], 0), min(edges[2], picture.width), min(edges[3], picture.height))
    if edges[2] - edges[0] < 0.5 or edges[3] - edges[1] < 0.5:
        return _unusable(f"its object_box {box} lies outside the picture")._replace(size=size)
    small = np.asarray(picture.resize((SMALL_PX, SMALL_PX), Image.Resampling.BOX))
    crop = np.asarray(picture.resize((CROP_PX, CROP_PX), Image.Resampling.BOX, box=edges))
    inside = luminance(crop)
    return Look(
        small, crop, float(luminance(small).mean()), float(inside.mean()), float(inside.std()), size, ""
    )


def _unusable(problem: str) -> Look:
    black = np.zeros((SMALL_PX, SMALL_PX, 3), np.uint8)
    return Look(black, black[:CROP_PX, :CROP_PX], 0.0, 0.0, 0.0, (0, 0), problem)


def _decode(image: bytes) -> Array | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(image)) as opened:
            return np.asarray(opened.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
