"""Probes whether splits share objects, and whether answers depend on light, background or lens."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from viewpoint100k.audit.cues import two_way
from viewpoint100k.audit.report import Bounds, Measured, Probe, all_of, judge, not_measured
from viewpoint100k.audit.samples import Asked, Look, Samples, luminance
from viewpoint100k.audit.statistics import Array, independence_p, share
from viewpoint100k.kinship import groups_by_shape, series

SAME_BITS = 10  # of 272 bits: at most so many differ between the hashes of two near-identical pictures
SAME_COLOUR = 6.0  # mean difference of their 4 x 4 colours, on the scale 0..255
BLOCK = 2000  # pictures compared at a time
REGIME_TOLERANCE = 0.02


def split_leakage(samples: Samples) -> Probe:
    """No object is in two splits, judged by its name, its file, its author's series and its appearance."""
    problems = list(_shared_names(samples)) + list(_shared_looks(samples))
    objects = {item.group for item in samples.items}
    what = (
        "objects in one split only: by uid, file hash, shape (moments of the surface), author and title, and "
        "appearance (dHash of the object's box)"
    )
    if len({item.sample.split for item in samples.items}) < 2:
        return not_measured("split_leakage", what, "there is only one split")
    return all_of("split_leakage", what, len(objects), problems)


def _shared_names(samples: Samples) -> Iterator[tuple[str, str]]:
    made_by_us = str(samples.manifest.config.get("source", "")).startswith("builtin:")
    things = list(samples.objects())
    shapes = _shape_names([thing.record.shape for thing in things])
    names: dict[str, list[str]] = {
        "uid": [thing.record.uid for thing in things],
        "file": [thing.record.sha256 for thing in things],
        "shape": shapes,
        "author and title": ["" if made_by_us else series(thing.record) for thing in things],
    }
    for called, mine in names.items():
        first = dict[str, tuple[str, str]]()
        seen = set[str]()
        for thing, name in zip(things, mine, strict=True):
            split, key = first.setdefault(name, (thing.split, thing.key))
            if name and split != thing.split and name not in seen:
                seen.add(name)
                yield thing.key, f"{called} {name[:60]!r} is in {thing.split} and, in {key}, in {split}"


def _shape_names(shapes: list[str]) -> list[str]:
    """A name for each shape; shapes that differ by no more than copying changes have the same name."""
    distinct = list(dict.fromkeys(shapes))
    firsts = groups_by_shape(distinct)
    name_of = {shape: distinct[first] for shape, first in zip(distinct, firsts, strict=True)}
    return [name_of[shape] for shape in shapes]


def _shared_looks(samples: Samples) -> Iterator[tuple[str, str]]:
    """Pictures of different splits that look the same, compared within the object's box."""
    by_split = defaultdict[str, list[tuple[str, str, Look]]](list)
    for item in samples.items:
        for look in item.looks:
            if not look.problem and look.box_contrast > 0.02:
                by_split[item.sample.split].append((item.key, item.group, look))
    splits = sorted(by_split, key=lambda split: len(by_split[split]))
    paired = set[tuple[str, str]]()
    for i, small in enumerate(splits):
        for large in splits[i + 1 :]:
            for mine, other in _near(by_split[small], by_split[large]):
                pair = (mine[1], other[1])
                if mine[1] != other[1] and pair not in paired:
                    paired.add(pair)
                    yield (
                        mine[0],
                        f"object {mine[1]} of {small} looks like {other[1]} of {large}, in {other[0]}",
                    )


def _near(
    few: list[tuple[str, str, Look]], many: list[tuple[str, str, Look]]
) -> Iterator[tuple[tuple[str, str, Look], tuple[str, str, Look]]]:
    ours = np.stack([_hash(row[2]) for row in few])
    for start in range(0, len(many), BLOCK):
        block = many[start : start + BLOCK]
        theirs = np.stack([_hash(row[2]) for row in block])
        apart = (ours.shape[1] - ours @ theirs.T) / 2  # the number of differing entries, which are +-1
        for a, b in np.argwhere(apart <= SAME_BITS):
            mine = few[a]
            other = block[b]
            if np.abs(_colours(mine[2]) - _colours(other[2])).mean() <= SAME_COLOUR:
                yield mine, other


def _hash(look: Look) -> Array:
    """Whether each pixel of the object's box is brighter than its left neighbour, as +-1."""
    grey = luminance(look.crop)
    return np.where(np.diff(grey, axis=1) > 0, 1.0, -1.0).astype(np.float32).ravel()


def _colours(look: Look) -> Array:
    return np.asarray(look.crop[:16, :16].astype(np.float64).reshape(4, 4, 4, 4, 3).mean(axis=(1, 3)))


# --- regimes ----------------------------------------------------------------------------------------


def regime_gap(samples: Samples) -> Probe:
    """Both directions must be right equally often in any light, before any background and in any family."""
    measured = []
    detail = dict[str, str]()
    for kind, every in two_way(samples).items():
        for regime, name_of in REGIMES.items():
            cells = defaultdict[str, list[tuple[Asked, int]]](list)
            for asked, sign in every:
                cells[name_of(asked)].append((asked, sign))
            table = [Counter(sign for _, sign in rows) for rows in cells.values()]
            p = independence_p(np.array([[row[-1], row[1]] for row in table]))
            detail[f"{kind} by {regime}"] = f"chi-square p = {p:.3g}"
            for cell, rows in cells.items():
                score = share([sign > 0 for _, sign in rows], [asked.item.group for asked, _ in rows])
                bounds = Bounds(0.5 - REGIME_TOLERANCE, 0.5 + REGIME_TOLERANCE)
                measured.append(Measured(f"{kind}, {regime} {cell}", score, bounds))
    what = (
        "share of the second direction of two, by light, relighting, background, family, lens and elevation"
    )
    return judge("regime_gap", what, measured, too_few="too few questions of two directions", detail=detail)


REGIMES: dict[str, Callable[[Asked], str]] = {
    "lamps": lambda asked: asked.views[0].light.rpartition("/")[2],
    "lights": lambda asked: "the same" if asked.views[0].light == asked.views[1].light else "changed",
    "background": lambda asked: asked.views[0].background,
    "family": lambda asked: asked.item.sample.family,
    "lens": lambda asked: "wide" if asked.views[0].hfov_deg > 60 else "long",
    "elevation": lambda asked: "high" if asked.item.sample.truth.elevation_deg > 20 else "low",
}
