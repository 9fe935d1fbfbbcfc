"""Does a farm lose anything? `python benchmarks/farm.py ray|slurm|s3|kills [--shards 40] [--kills 50]
[--json OUT.json]`.

Makes a run in peace with processes of this machine, then the same one on a farm on loopback while something
goes wrong:

ray    two nodes; one is killed midway, and then the driver, which is started again
slurm  one node; one task is killed, and resubmitted from `status --missing`
s3     workers that share nothing but an object store, over a line on which connections drop
kills  SIGKILL to a random process of the run at random moments, two runs in one folder at first

Every published file must be the same, byte for byte. What a farm costs beside the rendering:
benchmarks/farm_overhead.py.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.farm_parts import S3, RayNodes, Slurm, children, kill_tree, wait_for

SETTINGS = [
    "gates.min_decidability=0.02",
    "gates.exact_share=0",
    "plan.pairs_per_object=2",
    "render.samples=1",
]
SETTINGS += ["plan.validation_share=0", "plan.test_share=0"]
PROGRAM = [sys.executable, "-m", "viewpoint100k"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["ray", "slurm", "s3", "kills"])
    parser.add_argument("--shards", type=int, default=40)
    parser.add_argument("--pairs-per-shard", type=int, default=2)
    parser.add_argument("--size", type=int, default=64, help="of the pictures, px")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of who is killed, and when")
    parser.add_argument(
        "--peaceful", type=Path, help="keep the run made in peace here, and use it if it is there"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        peaceful, folder = arguments.peaceful or Path(scratch) / "peaceful", Path(scratch)
        if not (peaceful / "manifest.json").exists():
            check(start(arguments, peaceful))
        result: dict[str, Any] = {"what": arguments.what, "shards": arguments.shards}
        farm = {"ray": ray, "slurm": slurm, "s3": s3, "kills": kills}[arguments.what]
        started = time.monotonic()
        out = farm(arguments, folder, result)
        result |= {"seconds": round(time.monotonic() - started), **compare(peaceful, out)}
    Console().print_json(data=result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))
    sys.exit(bool(result["different"]))


def start(arguments: argparse.Namespace, out: Any, *more: str, env: dict[str, str] | None = None) -> Any:
    """`viewpoint100k generate`, as a process."""
    pairs = arguments.shards * arguments.pairs_per_shard
    command = [*PROGRAM, "generate", str(out), "--pairs", str(pairs), "--seed", "3"]
    settings = [
        *SETTINGS,
        f"shards.pairs_per_shard={arguments.pairs_per_shard}",
        f"render.size_px={arguments.size}",
    ]
    command += [part for setting in settings for part in ("--set", setting)]
    command += more or ["--workers", str(arguments.workers), "--device", "cpu"]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})}
    )


def check(process: Any) -> None:
    """Wait for a run that nobody kills."""
    if code := process.wait():
        sys.exit(f"generate ended with {code}")


def ray(arguments: argparse.Namespace, folder: Path, result: dict[str, Any]) -> Path:
    """Two nodes; one is killed midway, then the driver."""
    out = folder / "ray"
    with RayNodes(folder, [1, 1]) as nodes:
        more = ["--runner", "ray", "--address", nodes.address]
        driver = start(arguments, out, *more, env=nodes.environment)
        wait_for(lambda: done(out) >= arguments.shards // 3 or driver.poll() is not None, "a third", 3000)
        wait_for(
            lambda: in_work(out, "node-1") or driver.poll() is not None, "a shard in work on node 1", 600
        )
        nodes.kill(1)
        result["node_killed_after"] = done(out)
        wait_for(
            lambda: done(out) >= arguments.shards * 2 // 3 or driver.poll() is not None, "two thirds", 3000
        )
        wait_for(
            lambda: in_work(out, "node-0") or driver.poll() is not None, "a shard in work on node 0", 600
        )
        result["driver_killed_after"] = done(out)
        kill_tree(driver.pid)
        driver.wait()
        nodes.start(1)
        check(start(arguments, out, *more, env=nodes.environment))
    result["attempts"] = sum(each["attempts"] for each in receipts(out))
    result["by_machine"] = {
        name: sum(r["machine"] == name for r in receipts(out)) for name in ("node-0", "node-1")
    }
    return out


def slurm(arguments: argparse.Namespace, folder: Path, result: dict[str, Any]) -> Path:
    """One node; a task is killed, and what is missing is run again."""
    out = folder / "slurm"
    (folder / "site").mkdir()
    with Slurm(folder / "site", cpus=arguments.workers) as site:
        more, env = ["--runner", "slurm"], site.environment
        run = start(arguments, out, *more, env=env)
        wait_for(lambda: done(out) >= arguments.shards // 3 or run.poll() is not None, "a third", 3000)
        job = (out / ".run/slurm/jobs.txt").read_text().split()[0]
        names = [path.stem for path in (out / ".run/progress").glob("*.json")]
        number = int(names[0].split("-")[1])
        site.call("scancel", "--signal=KILL", "--full", f"{job}_{number}")
        run.wait()
        said = subprocess.run(
            [*PROGRAM, "status", str(out), "--missing"], capture_output=True, text=True
        ).stdout
        result |= {"killed": number, "missing": said.strip()}
        check(start(arguments, out, *more, env=env))
    result["attempts"] = sum(each["attempts"] for each in receipts(out))
    return out


def s3(arguments: argparse.Namespace, folder: Path, result: dict[str, Any]) -> Path:
    """An object store over a line that drops."""
    out, url = folder / "fetched", "s3://farm/run"
    with S3(folder, drop_share=0.1, seed=arguments.seed) as store:
        check(start(arguments, url, env=store.environment))
        store.files().get("farm/run/", f"{out}/", recursive=True)
        result |= {"connections": store.line.made, "dropped": store.line.dropped}
    return out


def kills(arguments: argparse.Namespace, folder: Path, result: dict[str, Any]) -> Path:
    """SIGKILL at random moments to any process of the run."""
    out, rng = folder / "killed", random.Random(arguments.seed)
    count, torn, runs, seen = 0, 0, [start(arguments, out) for _ in range(2)], dict[str, str]()
    killed = Counter[str]()
    while count < arguments.kills:
        time.sleep(rng.uniform(0.2, 8.0))
        runs = [run for run in runs if run.poll() is None] or [start(arguments, out)]
        run = rng.choice(runs)
        victims = {run.pid: "generate", **children(run.pid)}
        pid = rng.choice(list(victims))
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        count += 1
        killed[
            next(
                (name for name in ("render_scenes", "render-shard", "generate") if name in victims[pid]),
                "other",
            )
        ] += 1
        for tar in out.glob("*.tar"):  # whatever is visible is whole, and stays what it is
            found = sha256(tar)
            torn += seen.setdefault(tar.name, found) != found
    for run in runs:
        run.wait()
    check(start(arguments, out))
    made = receipts(out)
    result |= {
        "kills": count,
        "killed": dict(killed),
        "torn": torn,
        "attempts": sum(each["attempts"] for each in made),
    }
    return out


def done(out: Path) -> int:
    """Shards with a receipt."""
    return len(list(out.glob(".run/receipts/*.json")))


def in_work(out: Path, machine: str) -> bool:
    """Whether a machine has begun a shard and not yet finished it."""
    for path in out.glob(".run/progress/*.json"):
        try:
            if json.loads(path.read_bytes())["machine"] == machine:
                return True
        except (OSError, ValueError):
            continue
    return False


def receipts(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(out.glob(".run/receipts/*.json"))]


def compare(peaceful: Path, out: Path) -> dict[str, Any]:
    """The published files of both runs."""
    left, right = ({p.relative_to(o).as_posix(): sha256(p) for p in published(o)} for o in (peaceful, out))
    return {"files": len(left), "different": sorted(n for n in left | right if left.get(n) != right.get(n))}


def published(out: Path) -> list[Path]:
    return [path for path in out.rglob("*") if path.is_file() and ".run" not in path.parts]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
