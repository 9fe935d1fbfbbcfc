"""Shares, confidence intervals and mutual information: how sure a probe can be.

Questions about one object are not independent, and each pair is stored in both orders. The intervals here
therefore count objects, not questions: the more the objects' own means scatter, the smaller a share's
effective number of trials.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CONFIDENCE = 0.95
LN2 = math.log(2)


class Share(NamedTuple):
    """A mean of trials between 0 and 1."""

    value: float
    n: int
    effective_n: float  # number of independent trials with the same uncertainty


def share(hits: Sequence[float] | Array, groups: Sequence[str]) -> Share:
    """The mean of hits, and the number of independent trials that they are worth.

    Args:
        hits: (n,) each between 0 and 1.
        groups: (n,) the object of each trial; trials of one object may be correlated.
    """
    values = np.asarray(hits, dtype=np.float64)
    n = len(values)
    mean = float(np.mean(values))
    if mean in (0.0, 1.0):
        return Share(mean, n, float(n))
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(member, weights=values - mean)
    blocks = len(sums)
    if blocks < 2:
        return Share(mean, n, float(n))
    clustered = float((sums**2).sum()) / n**2 * blocks / (blocks - 1)
    independent = mean * (1 - mean) / n
    return Share(mean, n, n / max(1.0, clustered / independent))


def wilson(value: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The Wilson interval of a share.

    Source:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    middle = (value + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * value * (1 - value) / n + (z2 / (2 * n)) ** 2) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def chi_square_p(observed: Sequence[float] | Array, expected: Sequence[float] | Array) -> float:
    """The probability, by chance, of counts at least as far from the expected ones.

    Cells that cannot occur are ignored.
    """
    seen = np.asarray(observed, dtype=np.float64).ravel()
    wanted = np.asarray(expected, dtype=np.float64).ravel()
    cells = wanted > 0
    statistic = float(((seen - wanted)[cells] ** 2 / wanted[cells]).sum())
    return chi_square_tail(statistic, max(int(cells.sum()) - 1, 1))


def independence_p(table: Array) -> float:
    """Chi-square test that all rows of a table of counts have one distribution; 1 if it cannot be tested."""
    counts = np.asarray(table, dtype=np.float64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    if freedom < 1:
        return 1.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return chi_square_tail(float(((counts - expected) ** 2 / expected).sum()), freedom)


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(X >= statistic) of a chi-square variable with a whole number of degrees of freedom."""
    half = statistic / 2
    if half <= 0:
        return 1.0
    first = 1.0 if freedom % 2 == 0 else 0.5
    total = math.exp(-half) if freedom % 2 == 0 else math.erfc(math.sqrt(half))
    for i in range((freedom - 1) // 2):
        total += math.exp((first + i) * math.log(half) - half - math.lgamma(first + i + 1))
    return min(1.0, total)


def information_bits(table: Array) -> Array:
    """Mutual information of the rows and the columns of counts, bias-corrected.

    Args:
        table: (..., r, c) counts.

    Returns:
        (...) bits; for independent labels near 0, and as often below as above.

    Source:
        Miller, "Note on the bias of information estimates", 1955.
    """
    counts = np.asarray(table, dtype=np.float64)
    total = np.maximum(counts.sum(axis=(-2, -1)), 1e-300)
    joint = counts.reshape(*counts.shape[:-2], -1)
    rows = counts.sum(axis=-1)
    columns = counts.sum(axis=-2)
    plain: Array = _entropy(rows, total) + _entropy(columns, total) - _entropy(joint, total)
    cells = (rows > 0).sum(-1) + (columns > 0).sum(-1) - (joint > 0).sum(-1) - 1
    return np.asarray((plain + cells / (2 * total)) / LN2)


def information_interval(
    tables: Array, rng: np.random.Generator, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Basic bootstrap interval of `information_bits`, which draws objects with replacement.

    Args:
        tables: (objects, r, c) counts of each object.
    """
    drawn = rng.multinomial(len(tables), np.full(len(tables), 1 / len(tables)), size=400)
    values = information_bits(np.einsum("bo,orc->brc", drawn, tables))
    middle = float(information_bits(tables.sum(axis=0)))
    low, high = np.quantile(values, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return max(0.0, 2 * middle - float(high)), max(0.0, 2 * middle - float(low))


def median_interval(
    values: Array, rng: np.random.Generator, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Bootstrap interval of a median."""
    medians = np.median(rng.choice(values, (400, len(values))), axis=1)
    low, high = np.quantile(medians, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def _entropy(counts: Array, total: Array) -> Array:
    p = counts / total[..., None]
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1))
