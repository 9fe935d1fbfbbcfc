"""Small drawings as inline SVG: each function takes numbers and returns one picture as text."""

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from viewpoint100k.audit.report import Bounds
from viewpoint100k.audit.statistics import Array

BAR_PX = 190.0
BAR_HEIGHT_PX = 20.0


def histogram(values: Sequence[float], title: str, *, bins: int = 36, unit: str = "°") -> str:
    """Bars of equal width over the range of the values."""
    width = 300.0
    height = 110.0
    data = np.asarray(values, dtype=np.float64)
    reach = max(float(np.abs(data).max(initial=0.0)), 1e-9)
    low = -reach if (data < 0).any() else 0.0
    counts, edges = np.histogram(data, bins, (low, reach))
    top = max(int(np.max(counts)), 1)
    step = width / bins
    bars = "".join(
        f'<rect class="bar" x="{i * step:.1f}" width="{max(step - 1, 0.5):.1f}" '
        f'y="{height * (1 - count / top):.1f}" height="{height * count / top:.1f}">'
        f"<title>{edges[i]:.0f}{unit} to {edges[i + 1]:.0f}{unit}: {count}</title></rect>"
        for i, count in enumerate(counts)
    )
    middle = -low / (reach - low) * width
    axis = f'<line class="axis" x1="{middle:.1f}" x2="{middle:.1f}" y1="0" y2="{height}"/>' if low < 0 else ""
    ends = (
        f'<text x="0" y="{height + 14}">{low:.0f}{unit}</text>'
        f'<text x="{width}" y="{height + 14}" text-anchor="end">{reach:.0f}{unit}</text>'
    )
    return _svg(width, height + 18, f"{bars}{axis}{ends}", title)


def rose(angles_deg: Sequence[float], title: str, *, bins: int = 24) -> str:
    """A rose of directions: a petal's area is its share; +X is right, angles go counter-clockwise."""
    side = 150.0
    radius = 66.0
    counts = np.histogram(np.mod(np.asarray(angles_deg, dtype=np.float64), 360), bins, (0, 360))[0]
    longest = math.sqrt(max(int(np.max(counts)), 1))
    petals = []
    for i, count in enumerate(counts):
        length = radius * math.sqrt(count) / longest
        ends = [math.radians(360 / bins * (i + each)) for each in (0, 1)]
        points = " ".join(
            f"{side / 2 + length * math.cos(a):.1f},{side / 2 - length * math.sin(a):.1f}" for a in ends
        )
        petals.append(
            f'<polygon class="bar" points="{side / 2},{side / 2} {points}">'
            f"<title>from {360 / bins * i:.0f}°: {count}</title></polygon>"
        )
    ring = f'<circle class="ring" cx="{side / 2}" cy="{side / 2}" r="{radius}"/>'
    return _svg(side, side, ring + "".join(petals), title)


def heat(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Array,
    bad: Array,
    limit: float,
    title: str,
    decimals: int = 3,
) -> str:
    """A table of numbers: the nearer to the limit, the darker; bad ones are red; cells with NaN are empty.

    Args:
        values: (rows, columns).
        bad: (rows, columns) whether a value is certainly beyond the limit.
    """
    cell = 62.0
    head = 8.0 + 6.6 * max(map(len, rows), default=1)
    tall = 26.0
    top = 24.0
    parts = [
        f'<text x="{head + (j + 0.5) * cell:.0f}" y="16" text-anchor="middle">{escape(name)}</text>'
        for j, name in enumerate(columns)
    ]
    for i, name in enumerate(rows):
        y = top + i * tall
        parts.append(f'<text x="{head - 6:.0f}" y="{y + 17:.0f}" text-anchor="end">{escape(name)}</text>')
        for j in range(len(columns)):
            value = float(values[i, j])
            if math.isnan(value):
                continue
            strength = min(max(value / limit, 0.0), 1.5) / 1.5
            kind = "over" if bad[i, j] else "under"
            parts.append(
                f'<rect class="{kind}" fill-opacity="{0.06 + 0.5 * strength:.2f}" x="{head + j * cell:.0f}" '
                f'y="{y:.0f}" width="{cell - 2}" height="{tall - 2}"/>'
                f'<text x="{head + (j + 0.5) * cell - 1:.0f}" y="{y + 17:.0f}" '
                f'text-anchor="middle">{value:.{decimals}f}</text>'
            )
    return _svg(head + cell * len(columns), top + tall * len(rows), "".join(parts), title)


def gauge(value: float, interval: tuple[float, float] | None, threshold: Bounds, verdict: str) -> str:
    """A bar for the value, a whisker for its interval, a line for each bound."""
    marks = [value, *(interval or ()), *(bound for bound in threshold if bound is not None)]
    full = 1.0 if max(marks) > 0.5 and max(marks) <= 1 else 1.3 * max(max(marks), 1e-9)
    low = min(0.0, *marks)

    def x(of: float) -> float:
        return float(2 + (BAR_PX - 4) * (of - low) / (full - low))

    kind = verdict.replace(" ", "-")
    parts = [
        f'<rect class="gauge {kind}" x="{x(0):.1f}" width="{max(x(value) - x(0), 1):.1f}" y="5" height="10"/>'
    ]
    if interval is not None:
        parts.append(
            f'<line class="whisker" x1="{x(interval[0]):.1f}" x2="{x(interval[1]):.1f}" y1="10" y2="10"/>'
        )
    parts += [
        f'<line class="bound" x1="{x(bound):.1f}" x2="{x(bound):.1f}" y1="1" y2="19"/>'
        for bound in threshold
        if bound is not None
    ]
    return _svg(BAR_PX, BAR_HEIGHT_PX, "".join(parts), f"{value:.4g}, bound {threshold}")


def shares(counts: Mapping[str, int], title: str) -> str:
    """A bar for each name, with its count."""
    total = max(sum(counts.values()), 1)
    width = 300.0
    tall = 20.0
    longest = max(counts.values(), default=1)
    parts = []
    for i, (name, count) in enumerate(counts.items()):
        parts.append(
            f'<rect class="bar" x="140" y="{i * tall + 3:.0f}" height="{tall - 6}" '
            f'width="{max(1, 90 * count / longest):.1f}"/>'
            f'<text x="134" y="{i * tall + 14:.0f}" text-anchor="end">{escape(name)}</text>'
            f'<text x="{144 + 90 * count / longest:.0f}" y="{i * tall + 14:.0f}">'
            f"{count} ({count / total:.0%})</text>"
        )
    return _svg(width, tall * max(len(counts), 1), "".join(parts), title)


def _svg(width: float, height: float, inside: str, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{inside}</svg>'
    )
