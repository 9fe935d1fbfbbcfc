"""Does an object spoil the next? Heavy files, and after each of them the same small object, in one worker.

    python benchmarks/neighbours.py GOOD.glb [--heavy FOLDER] [--only NAME ...] [--json OUT.json]

The heavy files are those of `hostile.bombs`, each within the budgets of the gate or just above them in one
respect, and the GLBs of FOLDER. Each goes the way of a run: gate, import, probes, portrait, one pair of small
pictures; then GOOD goes the same way in what is then the worker. Before all, GOOD is taken some times by
fresh workers, for comparison.

Printed for each: what became of it, CPU-seconds in the gate and in the renderer (workers that were replaced
and their starts included), and CPU-seconds of the good object after it. The exit code is 1 if

- a heavy file passes the gate and costs more than `MOST_S` CPU-seconds,
- the good object costs more than `WORSE` times what it costs in a fresh worker, or gives other bytes than
  there.
"""

import argparse
import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.hostile import GATE, bombs, verdict_of, wrapped_python
from viewpoint100k.config import RunConfig, load_config
from viewpoint100k.engine import Engine
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf import check_gltf
from viewpoint100k.plan import plan_views
from viewpoint100k.quality import RenderedView, portray
from viewpoint100k.records import ObjectRecord, Reject, SourceObject

MOST_S = 20.0
WORSE = 1.5
FRESH = 5  # measurements of the good object by itself


@dataclass
class Cost:
    """What became of a heavy file and of the good one after it."""

    name: str
    verdict: str = ""
    reason: str = ""
    gate_cpu_s: float = 0.0
    cpu_s: float = 0.0
    seconds: float = 0.0
    starts: int = 0
    good_cpu_s: float = 0.0
    same: bool = True


def used_cpu_s(pids: Path) -> float:
    """CPU-seconds of all render processes so far: those that have ended, and the last one."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime
    for pid in pids.read_text().split()[-1:]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            pass
    return total


def take(config: RunConfig, engine: Engine, path: Path) -> tuple[str, str, str]:
    """One object as a run takes it. Returns the verdict, its reason, and a hash of the pictures."""
    thing = SourceObject(record=ObjectRecord(uid=path.stem), path=path.name)
    view_set = plan_views(config, thing, 0, ["+**-**0"])

    def choose(probes: list[RenderedView]) -> list[int]:
        portray(probes, config.gates)
        return [view_set.pairs[0].first, view_set.pairs[0].second]

    rendered = engine.render(view_set, path, choose)
    if isinstance(rendered, Reject):
        return verdict_of(rendered), rendered.reason, ""
    digest = hashlib.sha256()
    for _, view in sorted(rendered.views.items()):
        digest.update(view.image + view.depth.tobytes() + view.albedo.tobytes())
    return (
        "rendered",
        str({name: round(value, 1) for name, value in rendered.cpu_s.items()}),
        digest.hexdigest(),
    )


def measure(root: Path, good: Path, heavy: list[Path], console: Console) -> tuple[list[float], list[Cost]]:
    """CPU-seconds of the good object by itself, and what became of each heavy one."""
    config = load_config(overrides=["render.size_px=64", "render.samples=1"])
    pids, python = root / "pids", str(wrapped_python(root, ""))
    alone, expected = list[float](), ""
    for number in range(FRESH):
        with Engine(config.render, root / f"fresh-{number}", python) as engine:
            before = used_cpu_s(pids)
            _, _, expected = take(config, engine, good)
            alone.append(used_cpu_s(pids) - before)
    costs = []
    with Engine(config.render, root / "scratch", python) as engine:
        take(config, engine, good)  # the worker is to have served another object
        for path in heavy:
            one = Cost(path.stem)
            started = time.process_time()
            try:
                check_gltf(path, config.files)
            except ObjectRefused as refusal:
                one.verdict, one.reason = GATE, str(refusal)
            one.gate_cpu_s = time.process_time() - started
            if not one.verdict:
                before, starts, started = used_cpu_s(pids), len(pids.read_text().split()), time.monotonic()
                one.verdict, one.reason, _ = take(config, engine, path)
                one.cpu_s, one.seconds = used_cpu_s(pids) - before, time.monotonic() - started
                one.starts = len(pids.read_text().split()) - starts
            before = used_cpu_s(pids)
            _, _, found = take(config, engine, good)
            one.good_cpu_s, one.same = used_cpu_s(pids) - before, found == expected
            costs.append(one)
            console.print(
                f"{one.name}: {one.verdict}, {one.cpu_s:.1f} CPU-s, then {one.good_cpu_s:.2f}: {one.reason}",
                markup=False,
            )
    return alone, costs


def main(good: Path, heavy: Path | None, only: list[str], json_file: Path | None = None) -> int:
    """Make the files, take them, print what they cost, and return 1 if one is too heavy or spoils the
    next.
    """
    console = Console()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary).resolve()
        for folder in ("heavy", "tmp"):
            (root / folder).mkdir()
        for name, data in bombs().items():
            (root / "heavy" / f"{name}.glb").write_bytes(data)
        files = [*sorted((root / "heavy").iterdir()), *([] if heavy is None else sorted(heavy.glob("*.glb")))]
        files = [path for path in files if not only or path.stem in only]
        alone, costs = measure(root, good, files, console)
    usual = sorted(alone)[len(alone) // 2]
    table = Table(
        box=box.SIMPLE,
        title=f"Heavy files, and {good.stem} after each; in a fresh worker it takes {usual:.2f} CPU-s",
    )
    for heading in (
        "file",
        "verdict",
        "gate CPU-s",
        "CPU-s",
        "s",
        "starts",
        f"{good.stem} CPU-s",
        "same bytes",
    ):
        table.add_column(heading, justify="left" if heading in ("file", "verdict") else "right")
    for one in costs:
        figures = (f"{value:.2f}" for value in (one.gate_cpu_s, one.cpu_s, one.seconds))
        table.add_row(
            one.name,
            one.verdict,
            *figures,
            str(one.starts),
            f"{one.good_cpu_s:.2f}",
            "yes" if one.same else "NO",
        )
    console.print(table)
    wrong = [
        f"{one.name} costs {one.cpu_s:.1f} CPU-s"
        for one in costs
        if one.cpu_s > MOST_S or one.gate_cpu_s > MOST_S
    ]
    wrong += [
        f"after {one.name}: {one.good_cpu_s:.2f} CPU-s" for one in costs if one.good_cpu_s > WORSE * usual
    ]
    wrong += [f"after {one.name}: other bytes" for one in costs if not one.same]
    for line in wrong or ["nothing is too heavy, and nothing spoils the next"]:
        console.print(line)
    if json_file:
        json_file.write_text(
            json.dumps({"alone": alone, "files": [asdict(one) for one in costs]}, indent=1), "utf-8"
        )
    return int(bool(wrong))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("good", type=Path, help="a small .glb that is in order")
    parser.add_argument("--heavy", type=Path, help="a folder of further .glb files")
    parser.add_argument("--only", nargs="*", default=[], help="names of files to take, of those")
    parser.add_argument("--json", type=Path, dest="json_file", help="write the figures here")
    sys.exit(main(**vars(parser.parse_args())))
