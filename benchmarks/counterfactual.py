"""Does the cheap decidability tell the truth? `python benchmarks/counterfactual.py FOLDER [--objects N]
[--json OUT.json]`.

For each object, the view that every wrong answer implies is really rendered and compared with the true second
view (the exact form); beside it stands what `decide` estimates from points already seen (the cheap form,
which every pair gets). Prints how they agree, and the items that the cheap form would ask and the exact one
would not.
"""

import argparse
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from viewpoint100k.annotate import annotate
from viewpoint100k.config import load_config
from viewpoint100k.decidability import Counterfactuals
from viewpoint100k.design import design
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.plan import generator, plan_views
from viewpoint100k.quality import RenderedView, portray
from viewpoint100k.records import ObjectRecord, SourceObject


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    overrides = ["render.size_px=256", "render.quality=draft", "gates.min_decidability=0"]
    config = load_config("viewpoint-6dof", overrides)
    asked = load_config("viewpoint-6dof").gates.min_decidability
    files = sorted(arguments.folder.glob("*.glb"))[: arguments.objects]

    def visit(file: Path) -> list[dict[str, Any]]:
        wanted = design(config.plan, config.gates, 6, generator(0, file.stem))
        view_set = plan_views(config, SourceObject(record=ObjectRecord(uid=file.stem)), 0, wanted)
        wrong = Counterfactuals(view_set, config.gates)
        ring = len(view_set.probes)
        planned = view_set.model_copy(update={"probes": [*view_set.probes, *wrong.views]})
        shown: list[RenderedView] = []

        def choose(probes: list[RenderedView]) -> list[int]:
            shown.extend(probes)
            return list(range(len(view_set.views)))

        rendered = engine.render(planned, file, choose)
        if not isinstance(rendered, Rendered):
            return []
        portrait, exact = portray(shown[:ring], config.gates), wrong.differences(shown[ring:])
        candidates, _ = annotate(view_set, rendered.views, portrait, config.gates)
        return [
            {
                "object": file.stem,
                "symmetric": portrait.asymmetry < config.gates.min_asymmetry,
                "asked": name,
                "cheap": value,
                "exact": exact[one.planned.first, one.planned.second, name],
            }
            for one in candidates
            for name, value in one.decidability.model_dump().items()
            if (one.planned.first, one.planned.second, name)
            in exact  # only turns about the vertical are really rendered
        ]

    with (
        tempfile.TemporaryDirectory() as scratch,
        Engine(config.render, Path(scratch), workers=arguments.workers) as engine,
        ThreadPoolExecutor(arguments.workers) as threads,
    ):
        rows = [
            row
            for found in track(threads.map(visit, files), total=len(files), transient=True)
            for row in found
        ]
    table = Table(
        "objects",
        "items",
        "rank correlation",
        "exact over cheap, median",
        "cheap asks",
        "of these exact does not",
    )
    for name, mine in (
        ("all", rows),
        ("not symmetric", [row for row in rows if not row["symmetric"]]),
        ("symmetric", [row for row in rows if row["symmetric"]]),
    ):
        cheap, exact = (np.array([row[key] for row in mine]) for key in ("cheap", "exact"))
        ranks = np.stack([np.argsort(np.argsort(values)) for values in (cheap, exact)])
        ask = cheap >= asked
        table.add_row(
            f"{name}: {len({row['object'] for row in mine})}",
            str(len(mine)),
            f"{np.asarray(np.corrcoef(ranks))[0, 1]:.3f}",
            f"{np.median(exact[ask] / cheap[ask]) if ask.any() else float('nan'):.2f}",
            str(int(ask.sum())),
            str(int((ask & (exact < asked)).sum())),
        )
    console = Console(width=120)
    console.print(table)
    odd = sorted(
        (row for row in rows if not row["symmetric"] and row["cheap"] >= asked > row["exact"]),
        key=lambda r: r["exact"],
    )
    for row in odd[:20]:
        console.print(f"{row['object']} {row['asked']}: cheap {row['cheap']:.3f}, exact {row['exact']:.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
