"""The report of a recipe's run: one HTML file with scores, curves, costs and examples, nothing beside it."""

import base64
import io
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from viewpoint100k.evaluate import Answered, evaluate, pictures_of
from viewpoint100k.pages import check_jinja, render
from viewpoint100k.shards import write_atomically

Found = dict[int, dict[str, Any]]  # seed -> stage -> what its mark holds
TITLES = {"before": "before training", "after_sft": "after stage 1", "after_grpo": "after stage 2"}
STAGES = {  # as the table of costs calls them
    "data": "dataset: made or fetched, and checked",
    "model": "model: made",
    "before": "asked before training",
    "sft": "stage 1, supervised",
    "after_sft": "asked after stage 1",
    "grpo": "stage 2, rewards",
    "after_grpo": "asked after stage 2",
}
FLOORS = ("chance", "commonest")  # what answers without looking earn
EXAMPLES = 6  # of each sort
CURVES = {
    "loss": "loss",
    "watch/accuracy": "accuracy on watched questions",
    "reward": "reward",
    "kl": "KL to the start",
}
COLOURS = {"sft": "#2f6db3", "grpo": "#c2452d"}
BARS = ("#9aa3ad", "#2f6db3", "#c2452d")  # before training, and after each stage
PACKAGES = ("viewpoint100k", "torch", "transformers", "trl", "datasets", "accelerate", "peft")


class Row(NamedTuple):
    """One figure of the table of scores, before and after each stage."""

    form: str
    name: str
    cells: list[dict[str, Any] | None]


class Example(NamedTuple):
    """A question, its pictures, and what was said to it first and last."""

    question: Any
    pictures: list[str]
    before: str
    after: str


def write_report(recipe: Any, data: Path, out: Path, found: Found) -> None:
    """`OUT/report.html`, and the same figures in `OUT/report.json`.

    Args:
        recipe: `trainers.recipe.Recipe`.
        data: the dataset that was asked about.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    check_jinja()
    asked = [name for name in TITLES if name in found[min(found)]]
    table = _table(found[min(found)], asked)
    spread = _spread(found, asked)
    titles = [TITLES[name] for name in asked]
    facts: dict[str, Any] = {
        "about": recipe.about,
        "learned": _learned(found[min(found)], asked),
        "versions": _versions(),
        "asked": titles,
        "scores": [row._asdict() for row in table],
        "spread": spread,
        "costs": _costs(found),
    }
    write_atomically(out / "report.json", (json.dumps(facts, indent=1) + "\n").encode())
    text = render(
        (resources.files("trainers") / "report.html.j2").read_text("utf-8"),
        **facts,
        name=out.name,
        rows=table,
        seeds=sorted(found),
        stages=STAGES,
        plots=_plots(found[min(found)], table, titles),
        examples=_examples(recipe, data, out, asked),
        recipe=yaml.safe_dump(recipe.model_dump(), sort_keys=False, allow_unicode=True),
    )
    write_atomically(out / "report.html", text.encode())


def _versions() -> dict[str, str]:
    known = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            known[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return known


def _table(marks: Mapping[str, Any], asked: Sequence[str]) -> list[Row]:
    rows = []
    for form, first in marks[asked[0]]["scores"].items():
        for name in first:
            if name not in FLOORS:
                rows.append(Row(form, name, [marks[stage]["scores"][form].get(name) for stage in asked]))
    return rows


def _learned(marks: Mapping[str, Any], asked: Sequence[str]) -> list[dict[str, Any]]:
    """In short, of each form: right before and in the end, and what answers without looking earn."""
    rows = []
    for form, last in marks[asked[-1]]["scores"].items():
        floors = {name: last[name]["value"] for name in FLOORS if name in last}
        above = bool(floors) and last["all"]["low"] > max(floors.values())
        before = marks[asked[0]]["scores"][form]["all"]["value"]
        rows.append({"form": form, "before": before, "after": last["all"], "floors": floors, "above": above})
    return rows


def _spread(found: Found, asked: Sequence[str]) -> list[dict[str, Any]]:
    """Mean and standard deviation over seeds, of all questions of each form."""
    if len(found) < 2:
        return []
    rows = []
    for form in found[min(found)][asked[0]]["scores"]:
        values = [
            [marks[stage]["scores"][form]["all"]["value"] for marks in found.values()] for stage in asked
        ]
        rows.append(
            {
                "form": form,
                "seeds": len(found),
                "mean": [statistics.mean(each) for each in values],
                "sd": [statistics.stdev(each) for each in values],
            }
        )
    return rows


def _costs(found: Found) -> list[dict[str, Any]]:
    return [
        {"seed": seed, "stage": stage} | mark["cost"]
        for seed, marks in found.items()
        for stage, mark in marks.items()
        if stage != "data" or seed == min(found)  # there is one dataset for all
    ]


# --- pictures --------------------------------------------------------------------------------------


def _plots(marks: Mapping[str, Any], table: Sequence[Row], titles: Sequence[str]) -> list[str]:
    """As addresses that hold the picture itself; none where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return []
    last = [marks[stage]["scores"] for stage in TITLES if stage in marks][-1].values()
    floor = max((scores[name]["value"] for scores in last for name in FLOORS if name in scores), default=0.0)
    return [_bars([row for row in table if row.name == "all"], titles, floor), _curves(marks)]


def _bars(rows: Sequence[Row], titles: Sequence[str], floor: float) -> str:
    def draw(figure: Any) -> None:
        axis = figure.subplots()
        for column, title in enumerate(titles):
            cells = [row.cells[column] for row in rows]
            places = [number + 0.25 * column for number, cell in enumerate(cells) if cell]
            known = [cell for cell in cells if cell]
            values = [cell["value"] for cell in known]
            low = [cell["value"] - cell["low"] for cell in known]
            high = [cell["high"] - cell["value"] for cell in known]
            colour = BARS[min(column, len(BARS) - 1)]
            axis.bar(places, values, 0.22, label=title, yerr=[low, high], capsize=3, color=colour)
        axis.axhline(floor, color="#606060", linewidth=0.9, linestyle="--", label="without looking")
        axis.set_xlim(-0.4, len(rows) - 0.1)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xticks([number + 0.25 for number in range(len(rows))], [row.form for row in rows])
        axis.set_ylim(0, 1)
        axis.set_ylabel("right")
        axis.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")

    return _picture((6.4, 3.2), draw)


def _curves(marks: Mapping[str, Any]) -> str:
    stages = [stage for stage in COLOURS if stage in marks]
    keys = [key for key in CURVES if any(key in entry for stage in stages for entry in marks[stage]["log"])]

    def draw(figure: Any) -> None:
        axes = figure.subplots(-(-len(keys) // 2), 2, squeeze=False).flat
        for axis in axes[len(keys) :]:
            axis.set_axis_off()
        for axis, key in zip(axes[: len(keys)], keys, strict=True):
            for stage in stages:
                if (stage, key) == ("grpo", "loss"):
                    continue  # of rewards, which is another thing and near 0
                points = [(entry["step"], entry[key]) for entry in marks[stage]["log"] if key in entry]
                if points:
                    name = STAGES[stage].partition(",")[0]
                    axis.plot(*zip(*points, strict=True), color=COLOURS[stage], label=name)
            axis.set_title(CURVES[key], fontsize=9)
            axis.set_xlabel("step", fontsize=8)
            axis.spines[["top", "right"]].set_visible(False)
            axis.legend(frameon=False, fontsize=7)

    return _picture((6.4, 2.3 * max(1, -(-len(keys) // 2))), draw)


def _picture(size: tuple[float, float], draw: Callable[[Any], None]) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


# --- examples --------------------------------------------------------------------------------------


def _examples(recipe: Any, data: Path, out: Path, asked: Sequence[str]) -> dict[str, list[Example]]:
    """Questions that were learned, are still wrong, and were forgotten, of the first form and seed."""
    form = next(iter(recipe.ask))
    said = out / "seed-0" / "said"
    judged = {name: _first_orders(evaluate(said / f"{name}-{form}.jsonl", data)[1]) for name in asked}
    before = judged[asked[0]]
    after = judged[asked[-1]]
    ever = {name for stage in asked[:-1] for name, case in judged[stage].items() if case.credit == 1}
    sorts = {
        "Right now, wrong before": [n for n, case in after.items() if case.credit == 1 and n not in ever],
        "Wrong": [n for n, case in after.items() if case.credit == 0 and n not in ever],
        "Forgotten: right at an earlier time, wrong now": [
            n for n, case in after.items() if case.credit == 0 and n in ever
        ],
    }
    chosen = {sort: _spread_over_objects([after[name] for name in names]) for sort, names in sorts.items()}
    pictures = pictures_of(data, [case for cases in chosen.values() for case in cases])
    return {
        sort: [
            Example(
                case.question,
                pictures[case.question.id],
                (before[case.question.id].said or "")[:300] if case.question.id in before else "",
                (case.said or "")[:600],
            )
            for case in cases
        ]
        for sort, cases in chosen.items()
    }


def _first_orders(cases: Sequence[Answered]) -> dict[str, Answered]:
    return {case.question.id: case for case in cases if case.said is not None and case.rotation == 0}


def _spread_over_objects(cases: Sequence[Answered]) -> list[Answered]:
    """The clearest of each object first, so that no object fills the page."""
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, Answered]] = []
    for case in sorted(cases, key=lambda case: (-case.question.margin, case.question.id)):
        uid = case.sample.object.uid
        seen[uid] = seen.get(uid, 0) + 1
        ranked.append((seen[uid], len(ranked), case))
    return [case for _, _, case in sorted(ranked, key=lambda entry: entry[:2])[:EXAMPLES]]
