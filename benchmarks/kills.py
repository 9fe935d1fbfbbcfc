"""Does killing workers change a byte? `python benchmarks/kills.py SOURCE [--pairs 400] [--every 3]
[--workers 2]`.

Generates a dataset twice, small and at low quality: once in peace, once while a random render process is
killed with SIGKILL every few seconds. The published files must be the same, byte for byte.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

SETTINGS = (
    "render.size_px=96",
    "render.quality=draft",
    "plan.pairs_per_object=2",
    "gates.min_decidability=0.02",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source")
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between kills, on average")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of who is killed, and when")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        peaceful, _ = _generate(
            arguments, Path(scratch) / "peaceful" / "data", random.Random(arguments.seed), kill=False
        )
        killed, kills = _generate(
            arguments, Path(scratch) / "killed" / "data", random.Random(arguments.seed), kill=True
        )
    different = sorted(name for name in peaceful | killed if peaceful.get(name) != killed.get(name))
    Console().print(
        f"{kills} workers killed; {len(peaceful)} files, {len(different)} different"
        + "".join(f"\n  {d}" for d in different)
    )
    sys.exit(bool(different))


def _generate(
    arguments: argparse.Namespace, out: Path, rng: random.Random, *, kill: bool
) -> tuple[dict[str, str], int]:
    """Hashes of what is published, and how many workers were killed meanwhile."""
    out.parent.mkdir()
    command = [sys.executable, "-m", "viewpoint100k", "generate", str(out), "--source", arguments.source]
    command += ["--pairs", str(arguments.pairs), "--workers", str(arguments.workers)]
    command += [part for setting in SETTINGS for part in ("--set", setting)]
    run, kills = subprocess.Popen(command), 0
    while run.poll() is None:
        time.sleep(rng.uniform(0.5, 1.5) * arguments.every)
        workers = _render_processes(run.pid)
        if kill and workers:
            kills += subprocess.run(["kill", "-9", str(rng.choice(workers))]).returncode == 0
    if run.returncode:
        sys.exit(f"generate ended with {run.returncode}")
    published = [path for path in out.rglob("*") if path.is_file() and ".run" not in path.parts]
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in published
    }, kills


def _render_processes(ancestor: int) -> list[int]:
    """Render processes below a process. Linux."""
    parents, out = dict[int, int](), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if b"render_scenes" in (entry / "cmdline").read_bytes():
                out.append(int(entry.name))
        except OSError:
            continue  # it has just ended

    def below(pid: int) -> bool:
        while pid in parents and pid != ancestor:
            pid = parents[pid]
        return pid == ancestor

    return sorted(pid for pid in out if below(pid))


if __name__ == "__main__":
    main()
