"""Which questions of a shard are asked, so that no flat shortcut and no favourite answer gives them away.

What a flat look at the pictures sees of an object is where it is, how large it is, and how both change. Each of these is
cut into bins, and questions are thinned until in every bin either of two opposite answers is right as often: first a
share is found to which each is kept, as near to 1 as that allows, then lots are drawn by the shares, so that what a small
shard leaves uneven is as likely to one side as to the other and does not add up over shards, and then single questions
are swapped where that evens out the lots.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.geometry.rotations import Array
from viewpoint100k.questions.kinds import Cue, Kind
from viewpoint100k.records import View

if TYPE_CHECKING:
    from viewpoint100k.questions.ask import Asked

TRUE_NONE = 0.2  # of the questions that offer "none"
MOST_OFTEN = 1.1  # of many options, the most frequent over the mean
FIRES = {
    "shift": 0.02,
    "place": 0.02,
    "growth": 0.08,
    "lens": 0.03,
    "size": 0.0,
    "aside": 0.0,
    "across": 0.02,
    "height": 0.02,
    "looks": 0.08,
    "away": 0.08,
    "deeper": 0.05,
    "diagonal": 0.5,
}  # of the picture's side; log of areas, or of lengths in the picture; scene radii: less is not seen
BY_SIGN: tuple[Cue, ...] = ("growth", "lens")  # neither tells alone, and how much both say together is what is asked
FEWEST_IN_A_BIN = 40  # questions: so many of either sign make another bin of a cue
ONE_SIDED = 0.25  # of the questions: a cue that says one of its signs less often is let be
MOST_OF = 0.85  # those drawn by lot, when the lots are evened out
PREFERENCE = 4.0  # for questions of samples that have no other yet
MOST_BINS = 3  # of either sign
STEPS = 60  # of finding shares: enough for a thousand questions


def cue_values(views: Sequence[View]) -> dict[Cue, float]:
    """What a flat look at two pictures sees.

    Returns:
        The object's shift right or down, and its places right or down of the middle, in picture
        sides; the logarithms of its shares of the pictures, of its growth, and of the lens's, which the question tells; how far from
        the middles it is, in picture sides.
    """
    (x_1, y_1), (x_2, y_2) = (_place(view) for view in views[:2])
    size_1, size_2 = (math.log(max(view.object_share, 1e-6)) for view in views[:2])
    return {
        "place_1_x": x_1,
        "place_2_x": x_2,
        "shift_x": x_2 - x_1,
        "place_1_y": y_1,
        "place_2_y": y_2,
        "shift_y": y_2 - y_1,
        "size_1": size_1,
        "size_2": size_2,
        "growth": size_2 - size_1,
        "lens": math.log(views[1].intrinsics[0][0] / views[0].intrinsics[0][0]),
        "aside_1": math.hypot(x_1, y_1),
        "aside_2": math.hypot(x_2, y_2),
    }


def _place(view: View) -> tuple[float, float]:
    """How far right and down of the middle the object is, in picture sides."""
    left, top, right, bottom = view.object_box
    return (left + right) / (4 * view.intrinsics[0][2]) - 0.5, (top + bottom) / (4 * view.intrinsics[1][2]) - 0.5


def balanced(
    candidates: Sequence[Sequence["Asked"]], views: Sequence[Sequence[View]], rng: np.random.Generator
) -> list[list["Asked"]]:
    """Thin the questions of a shard, kind by kind.

    Opposite answers are right equally often, and so they are among the questions in which a flat cue has any one value;
    "none" is right in a fifth of the questions; of many options, none is right much more often than another. A sample
    that would be left without a question keeps one.
    """
    keep: list[set[int]] = [set() for _ in candidates]
    cues = [cue_values(two) for two in views]
    rest: dict[str, list[tuple[int, int]]] = {}  # the candidates of each kind that are answered by "none"
    ways, nones = Counter[str](), Counter[str]()  # how many of either answer are kept
    for name, items in _by_kind(candidates).items():
        kind = candidates[items[0][0]][items[0][1]].kind
        options = np.array([candidates[sample][place].fact.option for sample, place in items])
        moves = np.array([kind.direction(int(option)) is not None for option in options])
        moved, rest[name] = [items[i] for i in np.flatnonzero(moves)], [items[i] for i in np.flatnonzero(~moves)]
        lonely = np.array([not keep[sample] for sample, _ in moved])
        seen = [{**cues[sample], **candidates[sample][place].cues} for sample, place in moved]
        kept = _thinned(kind, options[moves], seen, lonely, rng)
        ways[name] = len(kept)
        for i in kept:
            keep[moved[i][0]].add(moved[i][1])
    for name, items in rest.items():
        # first those whose sample has nothing else to be asked
        order = sorted(rng.permutation(len(items)), key=lambda i: bool(keep[items[i][0]]))
        chosen = order[: int(ways[name] * TRUE_NONE / (1 - TRUE_NONE) + rng.random())]
        nones[name] = len(chosen)
        for i in chosen:
            keep[items[i][0]].add(items[i][1])
    for sample in rng.permutation(len(candidates)):
        if not keep[sample] and candidates[sample]:
            keep[sample].add(_last_resort(candidates[sample], ways, nones))
    return [[one for i, one in enumerate(asked) if i in keep[sample]] for sample, asked in enumerate(candidates)]


def _by_kind(candidates: Sequence[Sequence["Asked"]]) -> dict[str, list[tuple[int, int]]]:
    """(sample, place) of the candidates of each kind."""
    out: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for sample, asked in enumerate(candidates):
        for place, one in enumerate(asked):
            out[one.kind.name].append((sample, place))
    return out


def _last_resort(asked: Sequence["Asked"], ways: Counter[str], nones: Counter[str]) -> int:
    """The place of the question that does the least harm to the balance, counted as one more of its kind.

    A number; else one that no cue tells; else the "none" of the kind that has the smallest share of them; else any.
    """

    def harm(place: int) -> tuple[int, float]:
        kind, option = asked[place].kind, asked[place].fact.option
        if kind.direction(option) is None:
            return 1, (nones[kind.name] + 1) / (ways[kind.name] + nones[kind.name] + 1)
        told = _of_many(kind) or any(pair.cues for pair in kind.opposites)
        return (2 if told else 0), ways[kind.name]

    best = min(range(len(asked)), key=harm)
    of = asked[best]
    (nones if of.kind.direction(of.fact.option) is None else ways)[of.kind.name] += 1
    return best


def _of_many(kind: Kind) -> bool:
    """Whether a kind has other answers than two opposites and perhaps "none", so that one could be the favourite."""
    return len(kind.options) > 3 or not kind.opposites


def _thinned(
    kind: Kind,
    options: NDArray[np.int64],
    cues: Sequence[dict[Cue, float]],
    lonely: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Places of the questions of one kind that are kept; none of them is answered by "none".

    Args:
        lonely: whose sample has no other question yet: of two that are as good, these stay.
    """
    if not kind.options or not len(options):
        return np.arange(len(options))
    uneven, ease = _uneven(kind, options, cues), np.where(lonely, 1 / PREFERENCE, 1.0)
    most = np.ones(len(options))
    if _of_many(kind):
        for _ in range(3):  # fewer of the favourite options, and then fair again
            shares = _fair_shares(uneven, most, ease)
            most = most * _limits(options, shares, len(kind.options))
    return np.flatnonzero(_evened_out(uneven, _lots(_fair_shares(uneven, most, ease), rng), rng))


def _uneven(kind: Kind, options: NDArray[np.int64], cues: Sequence[dict[Cue, float]]) -> Array:
    """(N, F) what each question adds to the unevenness of F bins: 1 if it is of one answer, -1 of the opposite.

    Between two answers each cue is also to say either as often, so that it is right as often for one as for the other;
    not where it nearly always says the same, and so tells nothing.
    """
    columns = [np.zeros((len(options), 0))]
    for low, high, names in kind.opposites:
        sign: Array = np.isin(options, high).astype(np.float64) - np.isin(options, low)
        columns.append(sign[:, None])
        for name in names:
            values, fires = np.array([one[name] for one in cues]), FIRES[name.split("_")[0]]
            bins = _bins(values, sign, fires)
            few = np.abs(sign).sum() < 2 * FEWEST_IN_A_BIN
            if few or name in BY_SIGN:  # it is even if the cue is right as often as wrong
                columns.append((sign * np.sign(values) * (np.abs(values) > fires))[:, None])
                continue
            columns.append(sign[:, None] * (bins[:, None] == np.unique(bins[bins != 0])))
            said = np.sign(bins)
            if len(kind.options) <= 3 and min((said > 0).mean(), (said < 0).mean()) > ONE_SIDED:
                columns.append(said[:, None])
    return np.concatenate(columns, axis=1)


def _bins(values: Array, sign: Array, fires: float) -> NDArray[np.int64]:
    """(N,) numbers of bins of a cue: positive and negative ones by its size, 0 where there are too few for a bin.

    Sizes have no middle of their own, so theirs is the median.
    """
    if not fires:
        values = values - np.median(values)
    size, fewest = np.abs(values), FEWEST_IN_A_BIN
    seen = size[(sign != 0) & (size > fires)]
    count = int(np.clip(len(seen) // (4 * fewest), 1, MOST_BINS))
    edges = np.quantile(seen, np.linspace(0, 1, count + 1)[1:-1]) if len(seen) else np.array([])
    number = 1 + np.searchsorted(edges, size)
    silent = size <= fires
    number[silent] = MOST_BINS + 1 if (silent & (sign != 0)).sum() >= 2 * fewest else 0
    return np.asarray(np.where(values < 0, -number, number))


def _fair_shares(uneven: Array, most: Array, ease: Array) -> Array:
    """(N,) shares to which questions are kept: the nearest to `most` (N,) with which every bin is even.

    A quadratic programme, solved by its dual with Newton's method: each bin has a price, and a share is what is left of
    `most` after the prices, no less than 0.

    Args:
        ease: (N,) how easily each gives way.
    """

    def shares_at(price: Array) -> tuple[Array, float]:
        """The shares, and the dual's value, which is least where the bins are even."""
        paid = uneven @ price
        shares = np.clip(most - ease * paid, 0, most)
        return shares, float(((shares**2 - most**2) / (2 * ease) - most * np.minimum(paid, 0)).sum())

    price = np.zeros(uneven.shape[1])
    shares, value = shares_at(price)
    for _ in range(STEPS):
        rest = shares @ uneven
        if np.abs(rest).max(initial=0) < 0.05:
            break
        free = (shares > 0) & (shares < most) if ((shares > 0) & (shares < most)).any() else shares > 0
        way = np.linalg.solve((uneven[free].T * ease[free]) @ uneven[free] + 0.01 * np.eye(len(price)), rest)
        step = 1.0
        while step > 1e-4 and shares_at(price + step * way)[1] > value - 0.1 * step * float(rest @ way):
            step /= 2
        price = price + step * way
        shares, value = shares_at(price)
    return shares


def _limits(options: NDArray[np.int64], shares: Array, count: int) -> Array:
    """(N,) factors with which no option is much more frequent than the mean; one more of each is thought to be there.

    Of few pairs some options are missing by chance: that alone must not keep the others out.
    """
    there = 1 + np.bincount(options, shares, minlength=count)
    limit = there.max()
    for _ in range(STEPS):
        limit = min(limit, MOST_OFTEN * float(np.minimum(there, limit).mean()))
    return np.asarray(np.minimum((max(limit, 1.0) - 1) / np.maximum(there - 1, 1e-9), 1.0)[options])


def _lots(shares: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(N,) who is kept, each with its share; in number as near as can be to what the shares add up to."""
    order = rng.permutation(len(shares))
    reached = np.floor(np.cumsum(shares[order]) + rng.random())
    out = np.zeros(len(shares), dtype=bool)
    out[order] = np.diff(reached, prepend=0) > 0
    return out


def _evened_out(uneven: Array, kept: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """(N,) who is kept after the best single changes, as long as the sum of squares of the bins' unevenness falls.

    Of few questions nearly any could go for that: hence no fewer than most of those that were drawn.
    """
    kept, least = kept.copy(), MOST_OF * kept.sum()
    own = np.square(uneven).sum(axis=1) + 1e-6 * rng.random(len(kept))
    sums = kept @ uneven
    for _ in range(len(kept)):
        way = np.where(kept, -1, 1)
        change = 2 * way * (uneven @ sums) + own
        if kept.sum() <= least:
            change[kept] = np.inf
        best = int(np.argmin(change))
        if change[best] >= -0.5:
            break
        kept[best] = not kept[best]
        sums = sums + way[best] * uneven[best]
    return kept
