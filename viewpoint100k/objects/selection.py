"""Selects the objects of a source, counts them at each filter, and records the selection."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from viewpoint100k.config import LISTS, ObjectsConfig
from viewpoint100k.errors import InputError
from viewpoint100k.kinship import groups_by_shape
from viewpoint100k.objects.credit import plain_text
from viewpoint100k.objects.tables import (
    TRAITS,
    Grouped,
    Listed,
    Mask,
    Quality,
    Uids,
    read_groups,
    read_quality,
    read_uids,
)
from viewpoint100k.plan import Selection
from viewpoint100k.records import Reject, SourceObject

MOST_REJECTS = 1000  # rejects of one filter that are listed one by one; the funnel counts all of them
# settings that select some objects among many
OF_LISTS = (
    "uids",
    "exclude",
    "categories",
    "without_categories",
    "authors",
    "without_authors",
    "quality",
    "groups",
    "category_share",
)
# settings about facts that only Objaverse's annotations state
OF_ANNOTATIONS = ("tags", "without_tags", "min_faces", "max_faces", "min_likes", "min_views", "animated")


@dataclass
class Funnel:
    """The number of objects left after each filter, and rows for the dropped ones."""

    steps: list[tuple[str, int]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    _listed: dict[str, int] = field(default_factory=dict)

    def step(self, name: str, left: int) -> None:
        """Note the number of objects left after a filter."""
        self.steps.append((name, left))

    def drop(self, kind: str, uid: str, reason: str) -> None:
        """Add a row for an object that is not used, up to `MOST_REJECTS` rows of a kind."""
        self._listed[kind] = self._listed.get(kind, 0) + 1
        if self._listed[kind] <= MOST_REJECTS:
            self.rejects.append(Reject(uid=uid, stage="list", reason=reason))


@dataclass(frozen=True)
class Lists:
    """The contents of the files that the settings name."""

    settings: ObjectsConfig
    uids: Listed | None
    exclude: Listed | None
    quality: Quality | None
    groups: Grouped | None

    def by_uid(self, uids: Uids, funnel: Funnel) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Indices of the `uids` that the files do not exclude, in order."""
        left = np.arange(len(uids))

        def keep(name: str, kept: Mask) -> None:
            nonlocal left
            left = left[kept]
            funnel.step(name, len(left))

        if self.uids is not None:
            keep("in objects.uids", self.uids.has(uids))
            known = Listed(np.unique(uids), "")
            for uid in self.uids.uids[~known.has(self.uids.uids)]:
                funnel.drop("unknown", uid.decode(), "is in objects.uids, and not in the source")
        if self.exclude is not None:
            keep("not in objects.exclude", ~self.exclude.has(uids[left]))
        if self.quality is not None:
            there, scores, traits = self.quality.of(uids[left])
            unwanted = sum(1 << TRAITS.index(trait) for trait in self.settings.without_traits)
            kept = there & (scores >= self.settings.min_quality) & ((traits & unwanted) == 0)
            wanted = f"score of {self.settings.min_quality} or more"
            without = f", not {', '.join(self.settings.without_traits)}" if unwanted else ""
            funnel.step("has quality labels", int(there.sum()))
            keep(f"quality: {wanted}{without}", kept)
        return left

    def files(self) -> dict[str, str]:
        """sha256 of each file, by its setting."""
        read = {name: getattr(self, name) for name in LISTS}
        return {name: table.sha256 for name, table in read.items() if table is not None}


def read_lists(settings: ObjectsConfig) -> Lists:
    """Read the files that the settings name.

    Raises:
        InputError: one cannot be read; the message says which and why.
    """
    return Lists(
        settings,
        uids=None if settings.uids is None else read_uids(Path(settings.uids)),
        exclude=None if settings.exclude is None else read_uids(Path(settings.exclude)),
        quality=None if settings.quality is None else read_quality(settings.quality),
        groups=None if settings.groups is None else read_groups(Path(settings.groups)),
    )


def check_possible(settings: ObjectsConfig, source: str, impossible: Sequence[str]) -> None:
    """Check that the source has the facts that the settings ask for.

    Raises:
        InputError: a setting cannot be applied; the message names the first one.
    """
    usual = ObjectsConfig()
    for name in impossible:
        if getattr(settings, name) != getattr(usual, name):
            raise InputError(
                f"objects.{name} = {getattr(settings, name)!r}: source {source} does not say that of its "
                "objects. Leave it out, or use objaverse:lvis or objaverse:all"
            )


def folded(names: Sequence[str]) -> set[str]:
    """Names in the form in which they are compared: without case, with spaces for underscores."""
    return {fold(name) for name in names}


def fold(name: str) -> str:
    return plain_text(name).casefold().replace("_", " ")


def select(objects: Sequence[SourceObject], lists: Lists, funnel: Funnel) -> list[SourceObject]:
    """The objects that the settings want, among objects whose facts are all known."""
    settings = lists.settings
    places = lists.by_uid(np.array([thing.record.uid.encode() for thing in objects]), funnel)
    kept = [objects[place] for place in places]
    for name, field_name in (("categories", "category"), ("authors", "author")):
        wanted = getattr(settings, name)
        unwanted = folded(getattr(settings, f"without_{name}"))
        if wanted is not None:
            kept = [thing for thing in kept if fold(getattr(thing.record, field_name)) in folded(wanted)]
            funnel.step(f"in objects.{name}", len(kept))
        if unwanted:
            kept = [thing for thing in kept if fold(getattr(thing.record, field_name)) not in unwanted]
            funnel.step(f"not in objects.without_{name}", len(kept))
    rows = [Row(thing.record.uid, thing.record.category, thing.record.shape) for thing in kept]
    out = []
    for one in choose(rows, lists, funnel):
        thing = kept[one.place]
        out.append(thing.model_copy(update={"kin": [*thing.kin, *one.kin]}) if one.kin else thing)
    return out


class Row(NamedTuple):
    """What choosing needs to know about an object that passes all filters."""

    uid: str
    category: str
    shape: str = ""


class Chosen(NamedTuple):
    """An object that is used."""

    place: int  # index among the rows
    kin: list[str]  # names of the groups it belongs to


def choose(rows: Sequence[Row], lists: Lists, funnel: Funnel, wanted: int | None = None) -> list[Chosen]:
    """The objects that are used among those that pass all filters: one per group, not too many per category.

    Args:
        rows: in the order in which they are taken.
        wanted: number of objects; None: all.

    Raises:
        InputError: there are too few categories for the allowed share of each.
    """
    settings = lists.settings
    chosen = _grouped(rows, lists)
    if settings.duplicates == "one":
        chosen = _firsts(rows, chosen, funnel)
    if settings.category_share is not None:
        chosen = _balanced(rows, chosen, settings.category_share, wanted)
        funnel.step(f"at most {settings.category_share:.1%} of one category", len(chosen))
    return chosen if wanted is None else chosen[:wanted]


def _grouped(rows: Sequence[Row], lists: Lists) -> list[Chosen]:
    """All rows, with their groups by shape and by the file of groups."""
    shapes = groups_by_shape([row.shape for row in rows])
    sizes = Counter(shapes)
    out = []
    for place, row in enumerate(rows):
        kin = [f"shape of {rows[shapes[place]].uid}"] if sizes[shapes[place]] > 1 else []
        if lists.groups is not None and (group := lists.groups.group(row.uid)):
            kin.append(f"group {group}")
        out.append(Chosen(place, kin))
    return out


def _firsts(rows: Sequence[Row], found: Sequence[Chosen], funnel: Funnel) -> list[Chosen]:
    """The first of each group, in order."""
    first = dict[str, str]()
    out = []
    for choice in found:
        uid = rows[choice.place].uid
        earlier = next(((name, first[name]) for name in choice.kin if name in first), None)
        if earlier is None:
            out.append(choice)
        elif earlier[0].startswith("shape of "):
            funnel.drop("copies", uid, f"same shape as {earlier[1]}; objects.duplicates=together uses both")
        else:
            funnel.drop("copies", uid, f"in one group with {earlier[1]}, as objects.groups says")
        for name in choice.kin:
            first.setdefault(name, uid)
    if len(out) < len(found):
        funnel.step("one of each shape or group", len(out))
    return out


def _balanced(rows: Sequence[Row], found: Sequence[Chosen], share: float, wanted: int | None) -> list[Chosen]:
    """As many objects as possible, in order, with no category above its share of them."""
    counts = Counter(rows[choice.place].category for choice in found)
    if counts and share * len(counts) < 1:
        raise InputError(
            f"objects.category_share = {share:g}: the objects are of {len(counts)} categories, one of which "
            f"is always above that; expected at least {1 / len(counts):.2g}, or null"
        )
    most = _most_of_one(list(counts.values()), share, len(found) if wanted is None else wanted)
    used = Counter[str]()
    out = []
    for choice in found:
        category = rows[choice.place].category
        if used[category] < most:
            used[category] += 1
            out.append(choice)
    return out


def _most_of_one(counts: Sequence[int], share: float, wanted: int) -> int:
    """How many objects of a category may be used, so that none exceeds its share: at least one."""
    most = max(1, int(share * wanted))
    while True:
        total = min(wanted, sum(min(count, most) for count in counts))
        fitting = max(1, min(most, int(share * total)))
        if fitting == most:
            return most
        most = fitting


def record_selection(
    lists: Lists, licences: Sequence[str] | None, funnel: Funnel, chosen: Sequence[str]
) -> Selection:
    """The record of how a plan's objects were selected."""
    settings = lists.settings.model_dump(mode="json") | lists.files()
    text = json.dumps(
        [settings, None if licences is None else list(licences), list(chosen)],
        sort_keys=True,
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Selection(sha256=digest, files=lists.files(), steps=[*funnel.steps, ("used", len(chosen))])
