"""Which questions of a shard are asked, so that no flat shortcut and no favourite answer gives them away.

What tells without any idea of space is what the text states (the lenses), what one picture or one figure
shows by itself (where the object is, how large, where a dot lies on it), and how the object shifts and grows
between two pictures. For each kind of question a share is found to which each candidate is kept, as near to 1
as that allows, with which none of this goes with the answer: a quadratic programme with one equation for each
cue and each pair of opposite answers. Then lots are drawn by the shares, so that what a small shard leaves
uneven is as likely to one side as to the other and does not add up over shards, and then single questions are
swapped where that evens out the lots.

Growth with the same lens is no shortcut: who is told that the lens is the same may conclude from the size.
Where the lens differs, growth alone must be wrong as often as right.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.geometry.rotations import Array
from viewpoint100k.questions.kind import OF_ONE_PICTURE, OF_THE_LENS, Asked, Cue, Kind

TRUE_NONE = 0.2  # of the questions that offer "none"
GIVES_WAY = 0.5  # of the others that could stay: at least this share does when "none" gets its share
MOST_OFTEN = 1.1  # of many options, the most frequent over the mean
FIRES = {
    "shift": 0.02,
    "place": 0.02,
    "drift": 0.02,
    "growth": 0.08,
    "brighter": 0.004,
    "wider": 0.04,
    "across": 0.02,
    "height": 0.02,
    "looks": 0.08,
    "away": 0.08,
    "deeper": 0.05,
    "diagonal": 0.5,
}  # of the picture's side; log of areas, or of lengths in the picture; 0..1; scene radii: less is not seen
HIGH_RAD = math.radians(20)  # from where on a camera looks down on an object rather than at it
SAME_LENS = 0.03  # log of focal lengths over each other
FEWEST_ON_A_SIDE = 40  # questions: of fewer, both sides of a cue are evened out together
ONE_SIDED = 0.25  # of the questions: a cue that says one of its signs less often is let be
MOST_OF = 0.85  # those chosen at random, when the shares are evened out
CORE = "A"  # the tier of the kinds that the dataset exists for
# of the candidates of a kind whose answer is not "none": so few are fair by chance, and then none is said to
# be
HARDLY_ANY = 0.05
PREFERENCE = 4.0  # for questions of samples that have no other yet
STEPS = 60  # of finding shares: enough for a thousand questions
# of what single pictures tell: where an object nearer is larger, some of it is left whatever is asked
SOFT = 0.004
# times that, of what they tell of "none" for the core kinds, of which as many are to stay as can
SOFTER = 4.0
FEWEST_OF_MANY = 100  # questions of a kind of many options: of fewer, no cue is looked at
FEWEST_PER_SOFT_CUE = 3  # the same, where it may be off by a little
FEWEST_PER_CUE = 8  # questions: with fewer, an equation less


def balanced(
    candidates: Sequence[Sequence[Asked]], cues: Sequence[dict[Cue, float]], rng: np.random.Generator
) -> list[list[Asked]]:
    """Thin the questions of a shard, kind by kind. A sample may be left without any.

    Opposite answers are right equally often, and so they are among the questions in which a flat cue has any
    one value; "none" is right in a fifth of the questions; of many options, none is right much more often
    than another.

    Args:
        cues: of each sample, as `cue_values` finds them.
    """
    asked_of = Counter[int]()  # questions kept of each sample
    together = rng.random(
        len(candidates)
    )  # one lot a sample, for the core kinds: it has all of them, or none
    thinned = []
    for items in _by_kind(candidates).values():
        if not candidates[items[0][0]][items[0][1]].kind.can_be_fair:
            continue
        asked = [candidates[sample][place] for sample, place in items]
        lonely = np.array([not asked_of[sample] for sample, _ in items])
        seen = [
            {**cues[sample], **candidate.cues} for (sample, _), candidate in zip(items, asked, strict=True)
        ]
        lots = together[[sample for sample, _ in items]] if asked[0].kind.tier == CORE else None
        uneven, kept = _thinned(asked, seen, lonely, rng, lots)
        moved = np.array([candidate.fact.option != candidate.kind.none for candidate in asked])
        if (
            kept & moved
        ).sum() <= HARDLY_ANY * moved.sum():  # it cannot be fair here, and chance decides about the few
            continue
        thinned.append(_Thinned(items, _weighed(uneven, kept), kept))
        asked_of.update(items[i][0] for i in np.flatnonzero(kept))
    _rescue(candidates, thinned, asked_of, rng)
    keep: list[set[int]] = [set() for _ in candidates]
    for kind in thinned:
        for i in np.flatnonzero(kind.kept):
            keep[kind.items[i][0]].add(kind.items[i][1])
    return [
        [candidate for i, candidate in enumerate(mine) if i in keep[sample]]
        for sample, mine in enumerate(candidates)
    ]


class _Thinned(NamedTuple):
    """The candidates of one kind."""

    items: list[tuple[int, int]]  # (sample, place) of each
    uneven: Array  # (N, F) what each adds to the sums that are to be 0, the less the softer those are
    kept: NDArray[np.bool_]  # (N,)


def _rescue(
    candidates: Sequence[Sequence[Asked]],
    thinned: list[_Thinned],
    asked_of: Counter[int],
    rng: np.random.Generator,
) -> None:
    """Give a question to samples that have none, where one does little harm, in exchange for others'
    questions.
    """
    here = {sample for kind in thinned for sample, _ in kind.items}
    lonely = [sample for sample in sorted(here) if not asked_of[sample]]
    if not lonely:
        return
    sums = [kind.uneven[kind.kept].sum(axis=0) for kind in thinned]
    theirs: dict[int, list[tuple[int, int]]] = {
        sample: [] for sample in lonely
    }  # which kind, which of its candidates
    for number, kind in enumerate(thinned):
        for i, (sample, _) in enumerate(kind.items):
            if sample in theirs:
                theirs[sample].append((number, i))
    for sample in lonely:
        against = [
            (float(thinned[number].uneven[i] @ sums[number]), number, i) for number, i in theirs[sample]
        ]
        harm, number, i = min(against)
        if harm > 0:  # it would add to what is uneven
            continue
        thinned[number].kept[i] = True
        asked_of[sample] += 1
        sums[number] += thinned[number].uneven[i]
    for number, kind in enumerate(thinned):
        only = np.array(
            [kept and asked_of[sample] < 2 for kept, (sample, _) in zip(kind.kept, kind.items, strict=True)]
        )
        thinned[number] = kind._replace(kept=_evened_out(kind.uneven, kind.kept, rng, only))
        for i in map(int, np.flatnonzero(thinned[number].kept != kind.kept)):
            asked_of[kind.items[i][0]] += 1 if thinned[number].kept[i] else -1


def _by_kind(candidates: Sequence[Sequence[Asked]]) -> dict[str, list[tuple[int, int]]]:
    """(sample, place) of the candidates of each kind."""
    out: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for sample, asked in enumerate(candidates):
        for place, one in enumerate(asked):
            out[one.kind.name].append((sample, place))
    return out


def _of_many(kind: Kind) -> bool:
    """Whether a kind has other answers than two opposites and perhaps "none", so that one could be the
    favourite.
    """
    return len(kind.options) > 3 or not kind.opposites


class _Uneven(NamedTuple):
    """What N questions add to F sums that are to be 0."""

    parts: Array  # (N, F)
    # (F,) how far a sum may be from 0 for one unit of its price, over the questions kept; 0: not at all
    soft: Array


def _thinned(
    asked: Sequence[Asked],
    cues: Sequence[dict[Cue, float]],
    lonely: NDArray[np.bool_],
    rng: np.random.Generator,
    lots: Array | None,
) -> tuple[_Uneven, NDArray[np.bool_]]:
    """What is to be even for one kind, and (N,) which of its questions are kept.

    Args:
        lonely: whose sample has no other question yet: of two that are as good, these stay; not where lots
            are given.
        lots: (N,) 0..1, drawn already; None: drawn here.
    """
    kind = asked[0].kind
    if not kind.options:
        return _Uneven(np.zeros((len(asked), 0)), np.zeros(0)), np.ones(len(asked), dtype=bool)
    options = np.array([one.fact.option for one in asked])
    alone = np.array([one.alone for one in asked], dtype=np.float64).reshape(len(asked), -1)
    ease = np.where(lonely, 1 / PREFERENCE, 1.0) if lots is None else np.ones(len(options))
    most = np.ones(len(options))
    moved = float((options != kind.none).sum())
    uneven = _uneven(kind, options, cues, alone, most, moved)
    if kind.none is not None:  # as many "none" as go with the others that can stay
        moved = GIVES_WAY * float(_fair_shares(uneven, most, ease)[options != kind.none].sum())
        uneven = _uneven(kind, options, cues, alone, most, moved)
    if _of_many(kind):
        for _ in range(3):  # fewer of the favourite options, and then fair again
            most = most * _limits(kind, options, _fair_shares(uneven, most, ease))
            uneven = _uneven(kind, options, cues, alone, most, moved)
    shares = _fair_shares(uneven, most, ease)
    kept = _lots(shares, rng) if lots is None else lots < shares
    return uneven, _evened_out(_weighed(uneven, kept), kept, rng)


def _weighed(uneven: _Uneven, kept: NDArray[np.bool_]) -> Array:
    """(N, F) the parts, those of soft sums the smaller."""
    return np.asarray(uneven.parts / (1 + uneven.soft * kept.sum()))


class _Contrast(NamedTuple):
    """Answers that are to be right as often as their opposites, whatever these cues show."""

    values: Array  # (N,) 1 and -1 for a question of either answer, 0 for others; of a share t: 1 - t and -t
    cues: tuple[Cue, ...]
    soft: float = SOFT


def _contrasts(kind: Kind, options: NDArray[np.int64], most: Array, moved: float) -> Iterator[_Contrast]:
    for low, high, cues in kind.opposites:
        yield _Contrast(np.isin(options, high).astype(np.float64) - np.isin(options, low), cues)
    of_one = tuple(cue for cue in kind.seen_alone if cue not in OF_THE_LENS or kind.lens)
    if kind.none is not None:
        none = options == kind.none
        share = min(TRUE_NONE, float(none.sum()) / max(float(none.sum()) + moved, 1.0))
        yield _Contrast(none - share, of_one, SOFTER * SOFT if kind.tier == CORE else SOFT)
    elif not kind.opposites and of_one and len(options) >= FEWEST_OF_MANY:
        for option in range(len(kind.options)):
            right = (options == option).astype(np.float64)
            yield _Contrast(right - float(most @ right) / max(float(most.sum()), 1e-9), of_one)


class _Equation(NamedTuple):
    """A sum over the questions of a kind that is to be 0."""

    rank: int  # how late it is given up where there are few questions: the lower, the later
    parts: Array  # (N,)
    soft: float = 0.0


# ranks: how often each answer is right, rules of thumb, first and second moments
ANSWERS, HARD, MEANS, SPREADS = range(4)


def _uneven(
    kind: Kind,
    options: NDArray[np.int64],
    cues: Sequence[dict[Cue, float]],
    alone: Array,
    most: Array,
    moved: float,
) -> _Uneven:
    """What is to be even for one kind, the most important first.

    Args:
        alone: (N, A) how the right option differs from the mean of all, in what its figure shows.
        most: (N,) to what share each can be kept.
        moved: about how many are kept whose answer is not "none".
    """
    count = len(options)
    values: dict[str, Array] = {name: np.array([one[name] for one in cues]) for name in cues[0]}
    contrasts = list(_contrasts(kind, options, most, moved))
    equations = [_Equation(ANSWERS, contrast.values) for contrast in contrasts]
    for contrast in contrasts:
        for name in contrast.cues:
            equations += _equations(kind, contrast, name, values)
    equations += [_Equation(HARD, _scaled(column)) for column in alone.T]
    equations.sort(key=lambda equation: equation.rank)
    equations = [equation for equation in equations if np.abs(equation.parts).max(initial=0) > 1e-9]
    hard = [equation for equation in equations if not equation.soft]
    hard = hard[: max(count // FEWEST_PER_CUE, len(contrasts) + 1)]  # at least the first cue: the shift
    soft = [equation for equation in equations if equation.soft][: count // FEWEST_PER_SOFT_CUE]
    equations = [*hard, *soft]
    if not equations:
        return _Uneven(np.zeros((count, 0)), np.zeros(0))
    parts = np.stack([equation.parts for equation in equations], axis=1)
    return _Uneven(parts, np.array([equation.soft for equation in equations]))


def _equations(kind: Kind, contrast: _Contrast, name: Cue, values: Mapping[str, Array]) -> list[_Equation]:
    """With which one cue does not tell the answers of a contrast apart."""
    sort = name.partition("_")[0]
    if name in OF_ONE_PICTURE:
        return _of_one_picture(kind, contrast, name, values)
    if name == "lens":
        return _of_stated_lens(contrast, values)
    if name in ("brighter", "wider", "growth"):
        says = np.sign(values[name]) * (np.abs(values[name]) > FIRES[sort])
        if name == "growth":  # with the same lens it is no shortcut
            says = says * (np.abs(values["lens"]) > SAME_LENS)
        return [_Equation(HARD, contrast.values * says)]
    return _by_side(kind, contrast.values, values[name], FIRES[sort])


def _of_one_picture(
    kind: Kind, contrast: _Contrast, name: Cue, values: Mapping[str, Array]
) -> list[_Equation]:
    """Mean and spread of what one picture shows, and what it shows of a box with its shape; of a place
    also its side, unless the shift follows from the answer.
    """
    sort, picture = name.split("_")[:2]
    value = values[name] - values[name].mean()
    out = [_Equation(MEANS, contrast.values * _scaled(value), contrast.soft)]
    if sort == "place" and any(other.startswith("shift") for other in contrast.cues):
        out += _by_side(kind, contrast.values, values[name], FIRES[sort])
    if name == "high_1":
        out.append(_Equation(HARD, contrast.values * np.where(values[name] > HIGH_RAD, 1, -1)))
    if name not in OF_THE_LENS:
        out.append(_Equation(SPREADS, contrast.values * _scaled(np.square(value)), contrast.soft))
    if sort == "place":
        out.append(_Equation(SPREADS, contrast.values * _scaled(value * np.abs(value)), contrast.soft))
    together = [f"shape_{picture}"] if sort in ("size", "full") else []
    if sort == "size" and f"place_{picture}_y" in contrast.cues:
        # a large object low in the picture is a near one
        together.append(f"place_{picture}_y")
    for other in together:
        beside = values[other] - values[other].mean()
        out.append(_Equation(SPREADS, contrast.values * _scaled(value * beside), contrast.soft))
    return out


def _of_stated_lens(contrast: _Contrast, values: Mapping[str, Array]) -> list[_Equation]:
    """A longer or wider second lens must not tell; nor each picture to who knows the lenses."""
    longer = values["lens"] > SAME_LENS
    wider = values["lens"] < -SAME_LENS
    out = [_Equation(HARD, contrast.values * longer), _Equation(HARD, contrast.values * wider)]
    for near in (values["size_1"] - 2 * values["focal_1"], values["size_2"] - 2 * values["focal_2"]):
        for cell in (longer, wider, ~longer & ~wider):
            out.append(
                _Equation(MEANS, contrast.values * _scaled((near - near.mean()) * cell), contrast.soft)
            )
    return out


def _by_side(kind: Kind, contrast: Array, values: Array, fires: float) -> list[_Equation]:
    """The contrast on either side of a cue, and where it is silent; and both sides as often, to be right
    as often for each.
    """
    loud = np.abs(values) > fires
    if np.abs(contrast).sum() < 2 * FEWEST_ON_A_SIDE:
        return [_Equation(HARD, contrast * np.sign(values) * loud)]
    silent = 2 if (~loud & (contrast != 0)).sum() >= 2 * FEWEST_ON_A_SIDE else 0
    side = np.where(loud, 1, silent) * np.where(values < 0, -1, 1)
    out = [_Equation(HARD, contrast * (side == number)) for number in np.unique(side[side != 0])]
    said = np.sign(side) * (contrast != 0)
    if len(kind.options) <= 3 and min((said > 0).mean(), (said < 0).mean()) > ONE_SIDED:
        out.append(_Equation(HARD, said.astype(np.float64)))
    return out


def _scaled(values: Array) -> Array:
    return values / max(float(np.sqrt(np.mean(np.square(values)))), 1e-9) if len(values) else values


def _fair_shares(uneven: _Uneven, most: Array, ease: Array) -> Array:
    """(N,) shares to which questions are kept: the nearest to `most` (N,) with which every sum is even.

    A quadratic programme, solved by its dual with Newton's method: each sum has a price, and a share is what
    is left of `most` after the prices, no less than 0. A soft sum may be off by its softness times its price.

    Args:
        ease: (N,) how easily each gives way.
    """
    parts = uneven.parts
    slack = uneven.soft * len(most) + 0.01

    def shares_at(price: Array) -> tuple[Array, float]:
        """The shares, and the dual's value, which is least where the sums are even."""
        paid = parts @ price
        shares = np.clip(most - ease * paid, 0, most)
        value = ((shares**2 - most**2) / (2 * ease) - most * np.minimum(paid, 0)).sum() + 0.5 * (
            slack * price
        ) @ price
        return shares, float(value)

    price = np.zeros(parts.shape[1])
    shares, value = shares_at(price)
    for _ in range(STEPS):
        rest = shares @ parts - slack * price
        if np.abs(rest).max(initial=0) < 0.05:
            break
        free = (shares > 0) & (shares < most) if ((shares > 0) & (shares < most)).any() else shares > 0
        way = np.linalg.solve((parts[free].T * ease[free]) @ parts[free] + np.diag(slack), rest)
        step = 1.0
        while step > 1e-4 and shares_at(price + step * way)[1] > value - 0.1 * step * float(rest @ way):
            step /= 2
        price = price + step * way
        shares, value = shares_at(price)
    return shares


def _limits(kind: Kind, options: NDArray[np.int64], shares: Array) -> Array:
    """(N,) factors with which no option is much more frequent than the mean.

    Of few pairs some options are missing by chance: that alone must not keep the others out, so one more of
    each is thought to be there. Not where only some options are shown: one that hardly ever occurs would be
    known not to be right.
    """
    more = 0.0 if kind.seen_alone and kind.shown else 1.0
    there = more + np.bincount(options, shares, minlength=len(kind.options))
    limit = float(np.max(there))
    for _ in range(STEPS):
        limit = min(limit, MOST_OFTEN * float(np.minimum(there, limit).mean()))
    return np.asarray(np.minimum((max(limit, more) - more) / np.maximum(there - more, 1e-9), 1.0)[options])


def _lots(shares: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(N,) who is kept, each with its share; in number as near as can be to what the shares add up to."""
    order = rng.permutation(len(shares))
    reached = np.floor(np.cumsum(shares[order]) + rng.random())
    out = np.zeros(len(shares), dtype=bool)
    out[order] = np.diff(reached, prepend=0) > 0
    return out


def _evened_out(
    uneven: Array, kept: NDArray[np.bool_], rng: np.random.Generator, fixed: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """(N,) who is kept after the best single changes, as long as the sum of squares of the bins'
    unevenness falls.

    Of few questions nearly any could go for that: hence no fewer than most of those that were drawn, unless
    these are hardly any.

    Args:
        fixed: (N,) which must not change.
    """
    kept = kept.copy()
    least = MOST_OF * kept.sum() if kept.mean() > HARDLY_ANY else 0.0
    own = np.square(uneven).sum(axis=1) + 1e-6 * rng.random(len(kept))
    with_each = uneven @ uneven.T
    together = with_each @ kept
    for _ in range(len(kept)):
        way = np.where(kept, -1, 1)
        change = 2 * way * together + own
        if kept.sum() <= least:
            change[kept] = np.inf
        if fixed is not None:
            change[fixed] = np.inf
        best = int(np.argmin(change))
        if change[best] >= -0.5:
            break
        kept[best] = not kept[best]
        together = together + way[best] * with_each[best]
    return kept
