"""Composes scenes from objects.

`placement` decides where the objects stand, once their sizes are known.
"""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from viewpoint100k.config import ScenesConfig
from viewpoint100k.records import ObjectRecord, SourceObject
from viewpoint100k.scenes.catalogue import noun_of

# share of scenes with two or more objects of one kind, so that there is something to count and to tell apart
ALIKE = 0.3


def compose(
    settings: ScenesConfig, objects: Sequence[SourceObject], count: int, rng: np.random.Generator
) -> list[SourceObject]:
    """`count` scenes in which each object appears equally often, up to one appearance."""
    deck = _Deck(objects, rng)
    scenes = []
    most = min(settings.most, len(objects))
    for number in range(count):
        wanted = int(rng.integers(min(settings.fewest, most), most + 1))
        parts = [deck.draw([])]
        alike = rng.random() < ALIKE
        while len(parts) < wanted:
            parts.append(deck.draw(parts, noun_of(parts[0].record) if alike and len(parts) < 3 else ""))
        scenes.append(scene_object(number, [parts[i] for i in rng.permutation(wanted)]))
    return scenes


class _Deck:
    """Objects in random order; they are shuffled again when all have been dealt."""

    def __init__(self, objects: Sequence[SourceObject], rng: np.random.Generator) -> None:
        self._objects = objects
        self._rng = rng
        self._left = list[SourceObject]()

    def draw(self, others: Sequence[SourceObject], noun: str = "") -> SourceObject:
        """The next object that is not among `others`, and has this noun, if one is left."""
        there = {other.record.uid for other in others}
        for wanted in (noun, ""):
            for place, other in enumerate(self._left):
                if other.record.uid not in there and (not wanted or noun_of(other.record) == wanted):
                    return self._left.pop(place)
        self._left += [self._objects[i] for i in self._rng.permutation(len(self._objects))]
        return self.draw(others)


def scene_object(number: int, parts: Sequence[SourceObject]) -> SourceObject:
    """A scene as an object of its own."""
    digest = hashlib.sha256(
        "\0".join([str(number), *(part.record.uid for part in parts)]).encode()
    ).hexdigest()
    return SourceObject(
        record=scene_record(f"scene-{digest[:12]}", [part.record for part in parts]), parts=list(parts)
    )


def scene_record(uid: str, parts: Sequence[ObjectRecord]) -> ObjectRecord:
    """A scene's identity: a hash of its objects' hashes, and a licence that all of theirs allow."""
    hashes = [part.sha256 for part in parts]
    return ObjectRecord(
        uid=uid,
        sha256=hashlib.sha256("".join(hashes).encode()).hexdigest() if all(hashes) else "",
        category="scene",
        title=", ".join(noun_of(part) or "object" for part in parts),
        author=" and ".join(sorted({part.author for part in parts})),
        licence=strictest(part.licence for part in parts),
    )


def strictest(licences: Iterator[str]) -> str:
    """The licence of a picture of several objects: all of their terms, without those that demand nothing."""
    distinct = {one for text in licences for one in text.split(" and ")}
    return " and ".join(sorted(distinct - {"CC0-1.0"} or distinct))
