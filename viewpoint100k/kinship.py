"""Which objects may be the same thing: by names, by hashes, and by the moments of their surfaces.

What may be the same stays in one split, and of what is the same one is used. The plan decides so, and the
audit checks it, both by the rules here.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from viewpoint100k.records import ObjectRecord, SourceObject

Array = np.ndarray[Any, np.dtype[np.float64]]

# Largest difference of any of the 19 numbers of a shape for two to be one: turned copies of real objects with
# positions of 16 bits differ by at most a third of it (docs/objects.md)
SAME_SHAPE = 0.001
# Objects of one series stay in one split unless that is more of the source than this: then it tells nothing
MOST_OF_A_SERIES = 0.1
MADE_HERE = "viewpoint100k"  # author of `builtin:`, whose titles are numbers in hex: they tell no series
_SCALE = 65_535
# of one shape to others: a thousand that are nearly the same hang together by fewer than all
_MOST_LINKS = 32


def series(thing: ObjectRecord) -> str:
    """Author and title without numbers and endings; empty where one of them is not known.

    "Chair 12 (red)" and "chair_7" of one author are one series.
    """
    title = re.sub(r"[\W\d_]+", " ", re.sub(r"\(.*?\)", " ", thing.title.lower())).strip()
    known = thing.author.strip().lower() not in ("", "unknown") and len(title) >= 3
    return f"{thing.author.strip().lower()}: {title[:24]}" if known else ""


# --- shapes ---------------------------------------------------------------------------------------


def pack_shape(values: Array) -> str:
    """(19,) numbers from -1 to 1 as text: four hex digits for each."""
    whole = np.clip(np.round((np.asarray(values) + 1) / 2 * _SCALE), 0, _SCALE).astype(">u2")
    return str(whole.tobytes().hex())


def unpack_shapes(shapes: Sequence[str]) -> Array:
    """(n, 19) numbers from -1 to 1."""
    joined = np.frombuffer(bytes.fromhex("".join(shapes)), ">u2").astype(np.float64)
    return joined.reshape(len(shapes), -1) / _SCALE * 2 - 1


def same_shapes(shapes: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of places in a list whose shapes are the same, the smaller place first.

    Empty shapes are like none. Of many that are the same, not all pairs are given, but enough to join them.
    """
    places = np.array([place for place, shape in enumerate(shapes) if shape], dtype=np.int64)
    if not len(places):
        return
    values = unpack_shapes([shapes[place] for place in places])
    order = np.argsort(values[:, 0], kind="stable")
    places = places[order]
    values = values[order]
    ends = np.searchsorted(values[:, 0], values[:, 0] + SAME_SHAPE, side="right")
    for row, end in enumerate(ends):
        near = np.abs(values[row + 1 : end] - values[row]).max(axis=1, initial=0) <= SAME_SHAPE
        for other in np.flatnonzero(near)[:_MOST_LINKS]:
            pair = sorted((int(places[row]), int(places[row + 1 + other])))
            yield pair[0], pair[1]


def groups_by_shape(shapes: Sequence[str]) -> list[int]:
    """For each shape the place of the first in the list that is the same, perhaps by way of others."""
    first = {shape: place for place, shape in reversed(list(enumerate(shapes)))}
    distinct = list(first)
    keys = [[("shape", place)] for place in range(len(distinct))]
    for one, other in same_shapes(distinct):
        keys[other].append(("shape", one))
    group_of = dict(zip(distinct, connected(keys), strict=True))
    firsts = dict[int, int]()
    out = []
    for place, shape in enumerate(shapes):
        out.append(firsts.setdefault(group_of[shape], place) if shape else place)
    return out


# --- groups ---------------------------------------------------------------------------------------


def connected(keys: Sequence[Iterable[Hashable]]) -> list[int]:
    """For each item the place of the first one that it hangs together with, directly or by way of others.

    Args:
        keys: of each item; items that share a key hang together.
    """
    parent = list(range(len(keys)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first = dict[Hashable, int]()
    for place, mine in enumerate(keys):
        for key in mine:
            one = root(place)
            other = root(first.setdefault(key, place))
            parent[max(one, other)] = min(one, other)
    return [root(place) for place in range(len(keys))]


def kin_of(objects: Sequence[SourceObject]) -> list[int]:
    """For each object the place of the first one that it may be the same as: these belong in one split.

    By what its source says (`SourceObject.kin`), its file, its shape, and its author's series.
    """
    shapes = groups_by_shape([thing.record.shape for thing in objects])
    names = ["" if thing.record.author == MADE_HERE else series(thing.record) for thing in objects]
    sizes = dict[str, int]()
    for name in names:
        sizes[name] = sizes.get(name, 0) + 1
    most = max(MOST_OF_A_SERIES * len(objects), 1)
    keys = list[list[Hashable]]()
    for place, thing in enumerate(objects):
        mine: list[Hashable] = [("shape", shapes[place]), *thing.kin]
        if thing.record.sha256:
            mine.append(("file", thing.record.sha256))
        if names[place] and sizes[names[place]] <= most:
            mine.append(("series", names[place]))
        keys.append(mine)
    return connected(keys)
