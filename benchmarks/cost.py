"""CPU-seconds per image, by part: `python benchmarks/cost.py FILE.glb ... [--size 512] [--samples 16] [--json OUT.json]`.

Renders the planned views of each file with one warm worker, one render thread, and prints what import, probes, the
first view and later views cost. CPU-seconds are those of the render process; they do not depend on how busy the machine is.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from viewpoint100k.config import load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.plan import plan_views
from viewpoint100k.records import ObjectRecord, SourceObject


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--samples", type=int, default=load_config().render.samples)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    config = load_config(overrides=[f"render.size_px={arguments.size}", f"render.samples={arguments.samples}"])
    wanted = {family: 12 * share for family, share in config.plan.families.fractions().items()}
    rows = []
    with tempfile.TemporaryDirectory() as scratch, Engine(config.render, Path(scratch)) as engine:
        for file in arguments.files:
            thing = SourceObject(record=ObjectRecord(uid=file.stem))
            for background in ("plain", "hdri"):
                view_set = plan_views(config, thing, 0, wanted)
                view_set = view_set.model_copy(
                    update={"background": view_set.background.model_copy(update={"kind": background})}
                )
                rendered = engine.render(view_set, file)
                assert isinstance(rendered, Rendered), rendered
                rows.append(
                    {
                        "object": file.stem,
                        "background": background,
                        "views": len(rendered.views),
                        "import": rendered.import_cpu_s,
                        "probes": sum(rendered.probe_cpu_s),
                        "first view": rendered.view_cpu_s[0],
                        "later views, median": statistics.median(rendered.view_cpu_s[1:]),
                        "per image, all": (rendered.import_cpu_s + sum(rendered.probe_cpu_s) + sum(rendered.view_cpu_s))
                        / len(rendered.views),
                    }
                )
        title = f"CPU-s at {arguments.size} px, {arguments.samples} samples, {engine.renderer}, {engine.device}"
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"title": title, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
