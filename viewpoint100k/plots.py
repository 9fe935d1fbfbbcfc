"""The pictures of a dataset's card: what is in it, drawn by matplotlib, and what the signs mean.

The same numbers give the same bytes.
"""

import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from viewpoint100k.errors import one_line

INK = "#333333"
BLUE = "#2f6db3"
RED = "#c2452d"
GREY = "#9a9a9a"
# that are drawn; there are half as many kinds
MOST_KINDS = 100
MOST_ANSWERS = 100
SHADES = ("#2f6db3", "#8fb8de", "#c2452d", "#e5a08f", "#5a8f5a", "#a9cfa9", "#8a6bb1", "#c9b8df")


def can_plot() -> bool:
    """Whether matplotlib is installed; without it a card has no plots."""
    return find_spec("matplotlib") is not None


def plot_motions(measures: Mapping[str, Sequence[float]]) -> bytes:
    """How far cameras turned and went: a histogram of each measure, as PNG."""
    titles = {
        "azimuth_change_deg": "way around the object (degrees)",
        "rotation_deg": "turn of the camera (degrees)",
        "elevation_change_deg": "higher or lower (degrees)",
        "covisible_fraction": "surface seen in both views",
    }
    figure, axes = _figure(2, 2, (7.2, 4.0))
    for axis, (name, title) in zip(axes.flat, titles.items(), strict=True):
        axis.hist(measures[name], bins=36, histtype="stepfilled", color=BLUE)
        axis.set_title(title)
    return _png(figure)


def plot_families(families: Mapping[str, int]) -> bytes:
    """How many samples each family of motions has, as PNG."""
    figure, axes = _figure(1, 1, (4.6, 0.6 + 0.24 * max(len(families), 3)))
    names = sorted(families, key=lambda name: families[name])
    bars = axes[0, 0].barh(names, [families[name] for name in names], color=BLUE)
    axes[0, 0].bar_label(bars, padding=2, color=INK, fontsize=8)
    axes[0, 0].set_title("samples by family of motion")
    return _png(figure)


def plot_answers(answers: Mapping[str, Counter[str]]) -> bytes:
    """How the right answers of each question spread, as PNG: no answer should be the safe guess."""
    kinds = list(reversed(list(answers)[:MOST_KINDS]))
    figure, axes = _figure(1, 1, (7.2, 0.7 + 0.26 * max(len(kinds), 3)))
    axis = axes[0, 0]
    for row, kind in enumerate(kinds):
        total = answers[kind].total()
        left = 0.0
        for number, (answer, count) in enumerate(sorted(answers[kind].items())[:MOST_ANSWERS]):
            axis.barh(row, count / total, left=left, color=SHADES[number % len(SHADES)], edgecolor="white")
            if count / total > 0.055 + 0.0125 * len(answer):
                ink = "white" if number % 2 == 0 else INK
                shown = one_line(answer).replace("$", r"\$")  # else it is read as a formula
                axis.text(
                    left + count / total / 2, row, shown, ha="center", va="center", fontsize=6.5, color=ink
                )
            left += count / total
    axis.set_yticks(range(len(kinds)), [f"{kind}, {answers[kind].total()}" for kind in kinds])
    axis.set_xlim(0, 1)
    axis.set_title("right answers of each question, and how many there are")
    return _png(figure)


def plot_frames() -> bytes:
    """The frames and signs that truths and questions use, as PNG."""
    figure, axes = _figure(1, 2, (7.2, 3.2))
    above, camera = axes[0]
    for axis in (above, camera):
        axis.set_aspect("equal")
        axis.set_axis_off()
    above.text(-0.6, 0.85, "the world, seen from above; +Z is up", color=INK, fontsize=8.5)
    above.add_patch(_patches().Circle((0, 0), 0.16, color=GREY))
    _arrow(above, (0, 0), (0.5, 0), "+X", GREY)
    _arrow(above, (0, 0), (0, 0.5), "+Y", GREY)
    for number, azimuth_deg in enumerate((-90, -50), 1):
        x = 1.15 * math.cos(math.radians(azimuth_deg))
        y = 1.15 * math.sin(math.radians(azimuth_deg))
        _arrow(above, (x, y), (0.62 * x, 0.62 * y), "", BLUE)
        above.plot([x], [y], "s", color=BLUE, markersize=9)
        above.text(x + 0.1, y - 0.16, f"camera {number}", color=BLUE, fontsize=8)
    above.add_patch(_patches().Arc((0, 0), 1.7, 1.7, theta1=-90, theta2=-50, color=RED, linewidth=1.5))
    above.text(0.78, -0.42, "azimuth change > 0\n(counter-clockwise)", color=RED, fontsize=8)
    above.text(0.98, 0.0, "moved right: x > 0\nturned left: yaw < 0", color=INK, fontsize=8)
    above.set_xlim(-0.6, 1.9)
    above.set_ylim(-1.45, 1.0)
    camera.text(-1.0, 1.0, "a camera's axes, seen from behind it", color=INK, fontsize=8.5)
    camera.add_patch(_patches().Rectangle((-0.5, -0.35), 1, 0.7, fill=False, edgecolor=GREY))
    _arrow(camera, (0, 0), (0.85, 0), "+x right", RED)
    _arrow(camera, (0, 0), (0, -0.75), "+y down", RED)
    _arrow(camera, (0, 0), (0.42, 0.52), "+z forward, to the object", RED)
    camera.text(
        -0.95,
        -1.2,
        "pitch > 0: turned up      roll > 0: turned clockwise\nyaw > 0: turned right",
        color=INK,
        fontsize=8,
    )
    camera.set_xlim(-1.0, 1.5)
    camera.set_ylim(-1.3, 1.15)
    return _png(figure)


def _patches() -> Any:
    from matplotlib import patches

    return patches


def _arrow(axis: Any, start: tuple[float, float], end: tuple[float, float], label: str, colour: str) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.5})
    axis.text(end[0] + 0.04, end[1] + 0.04, label, color=colour, fontsize=8)


def _figure(rows: int, columns: int, size: tuple[float, float]) -> Any:
    """A figure that no window knows of, and its axes, always (rows, columns)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.tick_params(labelsize=7, colors=INK)
        axis.title.set_fontsize(8.5)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:
    for axis in figure.axes:
        axis.title.set_fontsize(8.5)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})  # no version, no date
    return out.getvalue()
