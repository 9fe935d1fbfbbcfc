"""Objaverse as a source: chooses its objects, and finds the file of each."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from viewpoint100k.config import ObjectsConfig
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.annotations import lvis_categories, read_index, read_tables, record_of, uids_of
from viewpoint100k.objects.credit import licence_refusal
from viewpoint100k.objects.downloads import fetch_glb
from viewpoint100k.objects.selection import Funnel, Lists, Row, choose, fold, folded
from viewpoint100k.objects.tables import Mask
from viewpoint100k.records import SourceObject

Progress = Callable[[int, int], None]

_PATH = re.compile(r"glbs/[0-9A-Za-z_-]+/([0-9A-Za-z_-]+)\.glb")
FEW = 64  # up to this many objects lie in few of the 160 annotation files, and only those are read
ANIMATIONS = {None: (None, None), True: (1, None), False: (None, 0)}  # fewest and most, by objects.animated
# from this number of faces on, objects with equal numbers of faces and vertices may be one, uploaded twice
SAME_COUNTS_FROM = 500


def list_objaverse(
    subset: str,
    wanted: int,
    seed: int,
    lists: Lists,
    allow: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> tuple[list[SourceObject], Funnel]:
    """`wanted` objects in an order that only the seed decides, and the funnel of those left out.

    A larger `wanted` extends the list of a smaller one. If the share of a category is bounded, it contains
    all of that list's objects with others in between. Fewer objects are returned only if no more pass the
    filters.

    Raises:
        InputError: an index file is broken, or is not in the cache and there is no network.
    """
    index = read_index()
    categories = lvis_categories()
    funnel = Funnel()
    everything = index.uids if subset == "all" else np.array(sorted(uid.encode() for uid in categories))
    order = everything[np.random.default_rng(seed).permutation(len(everything))]
    funnel.step(f"objaverse:{subset}", len(order))
    order = order[lists.by_uid(order, funnel)]
    folders = index.folder_of(order)
    search = _Search(lists, categories, allow, funnel, wanted)
    start = 0
    few = wanted <= FEW and not search.is_picky
    while True:
        # batches of the number that is missing, then larger ones; or all at once, if nearly all files are
        # read anyway
        size = max(wanted - search.passed, start, 1) if few else len(order)
        search.look_at(order[start : start + size], folders[start : start + size], index.names, progress)
        start += size
        if start >= len(order) or search.passed >= wanted:
            return search.finish(), funnel


def fetch_objaverse(thing: SourceObject) -> Path:
    """The object's file in Objaverse's cache, downloaded if it is not there or was cut short.

    Raises:
        ObjectRefused: it is not in the index, cannot be downloaded, or is not a complete GLB.
        InputError: there is no network.
    """
    uid = thing.record.uid
    relative = thing.path
    if not relative:  # planned by an earlier version
        index = read_index()
        place = int(index.folder_of(np.array([uid.encode()]))[0])
        relative = f"glbs/{index.names[place]}/{uid}.glb" if place >= 0 else ""
    match = _PATH.fullmatch(relative)
    if match is None or match[1] != uid:
        raise ObjectRefused(f"Objaverse's index has no file for {uid}")
    return fetch_glb(relative)


class _Search:
    """A search that filters objects batch by batch, in the order of the draw."""

    def __init__(
        self,
        lists: Lists,
        categories: dict[str, str],
        allow: tuple[str, ...] | None,
        funnel: Funnel,
        wanted: int,
    ) -> None:
        self.settings = lists.settings
        self.lists = lists
        self.categories = categories
        self.allow = allow
        self.funnel = funnel
        self.wanted = wanted
        self.counts = Counter[str]()  # number of objects left after each filter, in order
        # tables, and their rows that pass
        self.tables = list[tuple[Any, np.ndarray[Any, np.dtype[np.int64]]]]()
        self.where = list[str]()  # the folder of each object that passes
        self.rows = list[Row]()

    @property
    def is_picky(self) -> bool:
        """Whether a filter needs to see more than the first few objects of the draw."""
        usual = ObjectsConfig(groups=self.settings.groups, duplicates=self.settings.duplicates)
        return self.settings != usual or self.allow is not None

    @property
    def passed(self) -> int:
        return len(self.rows)

    def look_at(
        self,
        uids: np.ndarray[Any, np.dtype[np.bytes_]],
        folders: np.ndarray[Any, np.dtype[np.int64]],
        names: Sequence[str],
        progress: Progress | None,
    ) -> None:
        """Filter some objects.

        Args:
            folders: (n,) indices into `names`; -1: the object is not in the index.
        """
        needed = [names[place] for place in np.unique(folders[folders >= 0])]
        table = read_tables(needed, self._unread(), progress)
        known = uids_of(table)
        order = np.argsort(known, kind="stable")
        places = np.zeros(len(uids), np.int64)
        there = np.zeros(len(uids), bool)
        if len(known):
            places = order[np.minimum(np.searchsorted(known, uids, sorter=order), len(known) - 1)]
            there = (known[places] == uids) & (folders >= 0)
        for uid in uids[~there]:
            self.funnel.drop("unknown", uid.decode(), "is not in Objaverse's index and annotations")
        self._count("has an annotation", int(there.sum()))
        rows = self._filtered(table, places[there])
        if self.settings.category_share is None and self.lists.groups is None:
            rows = rows[: self.wanted - self.passed]  # the first ones are used, so the others do not matter
        self.tables.append((table, rows))
        where = np.zeros(len(known), np.int64)
        where[places[there]] = folders[there]
        self.where += [names[place] for place in where[rows]]
        taken = table["uid"].take(rows).to_pylist()
        own = (
            table["categories"].take(rows).to_pylist()
            if "categories" in table.column_names
            else [None] * len(rows)
        )
        for uid, others in zip(taken, own, strict=True):
            category = self.categories.get(uid) or (f"sketchfab: {others[0]}" if others else "unknown")
            self.rows.append(Row(uid, category))

    def _unread(self) -> list[str]:
        """The columns that no filter needs."""
        settings = self.settings
        by_category = settings.categories or settings.without_categories or settings.category_share
        unread = [] if settings.tags or settings.without_tags else ["tags"]
        return unread if by_category else [*unread, "categories"]

    def finish(self) -> list[SourceObject]:
        """The objects that are used."""
        for name, left in self.counts.items():
            self.funnel.step(name, left)
        chosen = choose(self.rows, self.lists, self.funnel, self.wanted)
        starts = np.cumsum([0, *(len(rows) for _, rows in self.tables)])
        out = []
        for number, (table, rows) in enumerate(self.tables):
            mine = [one for one in chosen if starts[number] <= one.place < starts[number + 1]]
            found = table.take(rows[[one.place - starts[number] for one in mine]]).to_pylist() if mine else []
            for one, row in zip(mine, found, strict=True):
                uid = row["uid"]
                counts = f"{row['faces']} faces, {row['vertices']} vertices"
                kin = [*one.kin, *([counts] if (row["faces"] or 0) >= SAME_COUNTS_FROM else [])]
                record = record_of(row, self.categories.get(uid, "unknown"))
                out.append(
                    SourceObject(record=record, path=f"glbs/{self.where[one.place]}/{uid}.glb", kin=kin)
                )
        return out

    def _count(self, name: str, left: int) -> None:
        self.counts[name] += left

    def _filtered(
        self, table: Any, rows: np.ndarray[Any, np.dtype[np.intp]]
    ) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The rows of a table that pass all filters on annotations, in order."""
        rows = rows.astype(np.int64)
        for name, kept in self._filters(table):
            rows = rows[kept[rows]]
            self._count(name, len(rows))
        licences = table["licence"].take(rows).to_pylist()
        refusals = {licence: licence_refusal(licence, self.allow) for licence in set(licences)}
        refused = [place for place, licence in enumerate(licences) if refusals[licence] is not None]
        uids = table["uid"].take(rows[refused]).to_pylist()
        for uid, place in zip(uids, refused, strict=True):
            self.funnel.drop("licence", uid, str(refusals[licences[place]]))
        rows = np.delete(rows, refused)
        allowed = "licence: not no-derivatives" if self.allow is None else f"licence: {', '.join(self.allow)}"
        self._count(allowed, len(rows))
        return rows

    def _filters(self, table: Any) -> list[tuple[str, Mask]]:
        """Name and mask of each active filter on a table."""
        settings = self.settings
        out = list[tuple[str, Mask]]()
        if not settings.age_restricted:
            out.append(("not age-restricted", ~_flags(table["age_restricted"])))
        if settings.categories is not None:
            out.append(("in objects.categories", self._in_categories(table, settings.categories)))
        if settings.without_categories:
            kept = ~self._in_categories(table, settings.without_categories)
            out.append(("not in objects.without_categories", kept))
        if settings.tags is not None:
            out.append(("has one of objects.tags", _any_of(table["tags"], settings.tags)))
        if settings.without_tags:
            out.append(("has none of objects.without_tags", ~_any_of(table["tags"], settings.without_tags)))
        if settings.authors is not None:
            out.append(
                ("by one of objects.authors", _is_in(table["author"].combine_chunks(), settings.authors))
            )
        if settings.without_authors:
            kept = ~_is_in(table["author"].combine_chunks(), settings.without_authors)
            out.append(("by none of objects.without_authors", kept))
        bounds = {
            "faces": (settings.min_faces, settings.max_faces),
            "likes": (settings.min_likes or None, None),
            "views": (settings.min_views or None, None),
            "animations": ANIMATIONS[settings.animated],
        }
        for name, (low, high) in bounds.items():
            if low is not None:
                out.append((f"{name}: {low} or more", _between(table[name], low, None)))
            if high is not None:
                out.append((f"{name}: {high} or fewer", _between(table[name], 0, high)))
        return out

    def _in_categories(self, table: Any, wanted: Sequence[str]) -> Mask:
        """(n,) whether an object's LVIS category, or one of its Sketchfab categories, is wanted."""
        names = folded(wanted)
        uids = {uid for uid, category in self.categories.items() if fold(category) in names}
        return _any_of(table["categories"], wanted) | _is_in(
            table["uid"].combine_chunks(), list(uids), exact=True
        )


# --- columns of a table ---------------------------------------------------------------------------


def _flags(column: Any) -> Mask:
    return np.asarray(column.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _between(column: Any, low: int, high: int | None) -> Mask:
    """(n,) whether each number is in a closed interval; an unknown number never is."""
    values = column.fill_null(-1).to_numpy(zero_copy_only=False)
    above = values >= max(low, 0)
    return np.asarray(above if high is None else above & (values <= high), dtype=bool)


def _is_in(column: Any, names: Sequence[str], *, exact: bool = False) -> Mask:
    """(n,) whether each text is among some names; both are folded by `fold` unless `exact`."""
    encoded = column.dictionary_encode()
    known = encoded.dictionary.to_pylist()
    wanted = set(names) if exact else folded(names)
    is_wanted = np.array([(name if exact else fold(name)) in wanted for name in known] or [False])
    return np.asarray(is_wanted[encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)], dtype=bool)


def _any_of(column: Any, names: Sequence[str]) -> Mask:
    """(n,) whether each list contains one of some names."""
    joined = column.combine_chunks()
    found = np.zeros(len(joined), dtype=bool)
    if len(joined.flatten()):
        hits = _is_in(joined.flatten(), names)
        found[joined.value_parent_indices().to_numpy()[hits]] = True
    return found
