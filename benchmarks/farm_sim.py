"""How long will a farm take, and what is wasted? `python benchmarks/farm_sim.py RUN [--pairs 100000]
[--cores 4] [--json OUT.json]`.

RUN is a finished run whose receipts say what each visit to an object cost and gave, failures included: a few
hundred pairs of the objects and the preset that are planned. Shards are then drawn from these visits and
handed to nodes whose speeds differ, which are lost at random and replaced, as every runner hands them out:
the next shard to whoever is free, a lost one back into the queue.

Prints, for 10 to 1,000 nodes, the best of some shard sizes and cores per shard, the expected makespan, and
where the cores' time goes: starting, work that was lost, waiting for the last shard. `--check OTHER` compares
the prediction for OTHER, another finished run on the machine that made RUN, with what its receipts say:
`--slots` is how many shards it made at a time. `--sizing` prints core-hours and gigabytes for `--pairs` pairs
instead, a row for each RUN given.
"""

import argparse
import heapq
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from viewpoint100k.config import read_config
from viewpoint100k.shards import Receipt

SIZES = (128, 256, 512, 1000)  # pairs of a shard; with fewer, its questions cannot be balanced
NODES = (10, 30, 100, 300, 1000)
LAUNCH_S = 3.0  # from one shard to the next, if RUN does not tell


class Measured(NamedTuple):
    """What a run tells about its objects and its machine."""

    cpu_s: np.ndarray  # (visits,) of each visit
    pairs: np.ndarray  # (visits,) that it gave
    start_cpu_s: float  # of a shard, before its first visit
    seconds_per_cpu_s: float  # while a shard is made by one process
    launch_s: float  # between two shards on one slot: starting the command

    def shard_cpu_s(self, pairs: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """(count,) CPU-seconds of shards of so many pairs: visits are drawn until the pairs are there."""
        gained = max(float(self.pairs.mean()), 1e-9)
        most = int(pairs / gained * 1.3 + 6 * np.sqrt(pairs / gained) + 20)
        out = np.empty(count)
        for i in range(count):
            drawn = rng.integers(len(self.pairs), size=most)
            enough = int(np.searchsorted(np.cumsum(self.pairs[drawn]), pairs)) + 1
            out[i] = self.cpu_s[drawn[:enough]].sum()
        return out + self.start_cpu_s


class Outcome(NamedTuple):
    """How one simulated run went. Core-seconds are of all cores, from the start to the end."""

    makespan_s: float
    useful: float
    starting: float
    lost: float
    idle: float
    attempts: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--cores", type=int, default=4, help="of a node")
    parser.add_argument("--nodes", type=int, nargs="+", default=NODES)
    parser.add_argument(
        "--lost-after-h", type=float, default=24.0, help="mean life of a node; spot instances: 5 to 20"
    )
    parser.add_argument("--replaced-after-min", type=float, default=5.0)
    parser.add_argument("--spread", type=float, default=0.15, help="of the nodes' speeds, as a share")
    parser.add_argument(
        "--stragglers", type=float, default=0.02, help="share of nodes at a third of the speed"
    )
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--sizing", action="store_true")
    parser.add_argument("--check", type=Path, help="a run to predict and compare with")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.sizing:
        sizing(arguments.runs, arguments.pairs)
        return
    measured = measure([receipt for run in arguments.runs for receipt in read_receipts(run)], arguments.slots)
    if arguments.check:
        check(measured, read_receipts(arguments.check), arguments)
        return
    rows = [best(measured, nodes, arguments) for nodes in arguments.nodes]
    table = Table(
        "nodes",
        "pairs a shard",
        "cores a shard",
        "shards",
        "makespan, h",
        "wasted: lost",
        "starting",
        "idle",
        "attempts",
    )
    for row in rows:
        table.add_row(
            f"{row['nodes']:,}",
            str(row["pairs_per_shard"]),
            str(row["cpus"]),
            f"{row['shards']:,}",
            f"{row['makespan_h']:.2f}",
            *(f"{100 * row[name]:.1f} %" for name in ("lost", "starting", "idle")),
            f"{row['attempts']:,.0f}",
        )
    failed = float((measured.pairs == 0).mean())
    Console().print(
        f"{arguments.pairs:,} pairs; {len(measured.pairs)} measured visits, {100 * failed:.0f} % without a "
        "pair, "
        f"{float(measured.cpu_s.sum()) / int(measured.pairs.sum()):.2f} CPU-s a pair; "
        f"nodes of {arguments.cores} cores, lost after "
        f"{arguments.lost_after_h:g} h, {100 * arguments.stragglers:g} % at a third of the speed"
    )
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def sizing(runs: list[Path], pairs: int) -> None:
    """Print what so many pairs cost, at the price of those that some runs made."""
    table = Table(
        "preset",
        "quality",
        "px",
        "measured pairs",
        "CPU-s a pair",
        f"core-hours for {pairs:,}",
        "GB",
        "device",
    )
    for path in runs:
        config = read_config(path / ".run/config.yaml")
        receipts = [
            Receipt.model_validate_json(each.read_bytes()) for each in path.glob(".run/receipts/*.json")
        ]
        made = sum(receipt.samples for receipt in receipts)
        cost = sum(sum(receipt.cpu_s.values()) for receipt in receipts) / made
        size = sum(receipt.bytes for receipt in receipts) / made
        table.add_row(
            config.preset,
            config.render.quality,
            str(config.render.size_px),
            str(made),
            f"{cost:.2f}",
            f"{cost * pairs / 3600:.0f}",
            f"{size * pairs / 1e9:.1f}",
            ", ".join(sorted({receipt.device for receipt in receipts})),
        )
    Console().print(table)


def read_receipts(run: Path) -> list[Receipt]:
    """The receipts of a run.

    Where they do not tell of single visits, as older ones do not, each visit is taken for the shard's mean.
    """
    out = []
    for path in sorted(run.glob(".run/receipts/*.json")):
        receipt = Receipt.model_validate_json(path.read_bytes())
        if not receipt.visits and receipt.objects_visited:
            cost = sum(receipt.cpu_s.values()) - receipt.cpu_s["start"]
            mean = (cost / receipt.objects_visited, receipt.samples / receipt.objects_visited)
            receipt = receipt.model_construct(**{**dict(receipt), "visits": [mean] * receipt.objects_visited})
        out.append(receipt)
    if not out:
        raise SystemExit(f"{run} has no receipts; expected a finished run of `viewpoint100k generate`")
    return out


def measure(receipts: list[Receipt], slots: int) -> Measured:
    """What receipts tell, of a run that made `slots` shards at a time, each with one process."""
    visits = np.array([visit for receipt in receipts for visit in receipt.visits])
    start = float(np.mean([receipt.cpu_s["start"] for receipt in receipts]))
    spent = visits[:, 0].sum() + start * len(receipts)
    stretch = sum(receipt.seconds for receipt in receipts) / spent or 1.0  # older receipts have no seconds
    free, gaps = list[float](), list[float]()  # who was free for how long before taking the next shard
    for receipt in sorted((r for r in receipts if r.finished), key=lambda r: r.finished - r.seconds):
        began = receipt.finished - receipt.seconds
        if len(free) == slots:
            gaps.append(began - heapq.heappop(free))
        heapq.heappush(free, receipt.finished)
    launch = float(np.median(gaps)) if gaps else LAUNCH_S
    return Measured(visits[:, 0], visits[:, 1], start, stretch, max(launch, 0.0))


def best(measured: Measured, nodes: int, arguments: argparse.Namespace) -> dict[str, float]:
    """The shard size and cores per shard with the shortest makespan, and how it would go."""
    options = []
    for size in SIZES:
        for cpus in sorted({1, 4, arguments.cores}):
            if cpus <= arguments.cores:
                rng = np.random.default_rng([arguments.seed, nodes, size, cpus])
                outcomes = [
                    simulate(measured, nodes, size, cpus, arguments, rng) for _ in range(arguments.draws)
                ]
                options.append((float(np.mean([o.makespan_s for o in outcomes])), size, cpus, outcomes))
    makespan, size, cpus, outcomes = min(options, key=lambda option: option[0])
    total = [o.useful + o.starting + o.lost + o.idle for o in outcomes]
    shares = {
        name: float(np.mean([getattr(o, name) / t for o, t in zip(outcomes, total, strict=True)]))
        for name in ("useful", "starting", "lost", "idle")
    }
    shards = int(np.ceil(arguments.pairs / size))
    attempts = float(np.mean([o.attempts for o in outcomes]))
    return {
        "nodes": nodes,
        "pairs_per_shard": size,
        "cpus": cpus,
        "shards": shards,
        "makespan_h": makespan / 3600,
        "attempts": attempts,
        **shares,
    }


def simulate(
    measured: Measured,
    nodes: int,
    size: int,
    cpus: int,
    arguments: argparse.Namespace,
    rng: np.random.Generator,
) -> Outcome:
    """One run: the next shard to whoever is free; what a lost node had begun goes back into the queue."""
    shards = int(np.ceil(arguments.pairs / size))
    work = measured.shard_cpu_s(size, shards, rng)
    speed = np.maximum(rng.normal(1.0, arguments.spread, nodes), 0.3)
    speed[rng.random(nodes) < arguments.stragglers] /= 3
    places = arguments.cores // cpus
    farm = Farm(speed, places, cpus, arguments.lost_after_h * 3600, arguments.replaced_after_min * 60)
    return run(measured, work, farm, rng)


class Farm(NamedTuple):
    """Nodes, and how long they last."""

    speed: np.ndarray  # (nodes,) 1 is the machine that was measured
    places: int  # shards that a node makes at a time, each with `cpus` processes
    cpus: int
    life_s: float  # mean time until a node is lost; inf: never
    replace_s: float  # until another one is there


def run(measured: Measured, work: np.ndarray, farm: Farm, rng: np.random.Generator) -> Outcome:
    """Hand shards to nodes.

    Args:
        work: (shards,) CPU-seconds of each.
    """
    speed, places, cpus, life_s, replace_s = farm
    nodes, queue = len(speed), list(range(len(work) - 1, -1, -1))
    begun: dict[int, dict[int, tuple[float, int]]] = {
        node: {} for node in range(nodes)
    }  # place -> (when, shard)
    events: list[
        tuple[float, int, int, int]
    ] = []  # when; 0: a place is free, 1: its shard is done, 2: a node is lost; node; place
    down_until = np.zeros(nodes)
    for node in range(nodes):
        events += [(0.0, 0, node, place) for place in range(places)]
        if np.isfinite(life_s):
            events.append((rng.exponential(life_s), 2, node, 0))
    heapq.heapify(events)
    done = attempts = 0
    starting = lost = useful = now = 0.0
    idle: list[tuple[int, int]] = []
    start_s = measured.launch_s
    while done < len(work):
        now, kind, node, place = heapq.heappop(events)
        if kind == 2:
            for when, shard in begun[node].values():
                lost += (now - when) * cpus
                queue.append(shard)
            begun[node].clear()
            down_until[node] = now + replace_s
            idle = [one for one in idle if one[0] != node]
            for each in range(places):
                heapq.heappush(events, (now + replace_s, 0, node, each))
            heapq.heappush(events, (now + replace_s + rng.exponential(life_s), 2, node, 0))
            for other in [idle.pop() for _ in range(min(len(idle), len(queue)))]:
                heapq.heappush(events, (now, 0, *other))
            continue
        if kind == 1:
            entry = begun[node].get(place)
            if (
                entry is None
                or abs(entry[0] + _seconds(measured, work[entry[1]], speed[node], cpus) - now) > 1e-6
            ):
                continue  # of a life that is over
            del begun[node][place]
            done += 1
            useful += (now - entry[0]) * cpus - start_s * cpus
            starting += start_s * cpus
        elif place in begun[node] or now < down_until[node]:
            continue
        if not queue:
            idle.append((node, place))
            continue
        shard = queue.pop()
        attempts += 1
        begun[node][place] = (now, shard)
        heapq.heappush(events, (now + _seconds(measured, work[shard], speed[node], cpus), 1, node, place))
    total = now * nodes * places * cpus
    shift = (
        measured.start_cpu_s * measured.seconds_per_cpu_s * len(work)
    )  # each process of a shard starts, at the same time
    starting, useful = starting + shift * cpus, useful - shift * cpus
    return Outcome(now, useful, starting, lost, max(0.0, total - useful - starting - lost), attempts)


def _seconds(measured: Measured, cpu_s: float, speed: float, cpus: int) -> float:
    """How long a shard takes, from handing it out."""
    visits = (cpu_s - measured.start_cpu_s) / cpus
    return measured.launch_s + (measured.start_cpu_s + visits) * measured.seconds_per_cpu_s / speed


def check(measured: Measured, receipts: list[Receipt], arguments: argparse.Namespace) -> None:
    """Predict a run from another one, and compare."""
    sizes, rng = [receipt.samples for receipt in receipts], np.random.default_rng(arguments.seed)
    predictions = []
    for _ in range(200):
        work = np.array([measured.shard_cpu_s(size, 1, rng)[0] for size in sizes])
        outcome = run(measured, work, Farm(np.ones(1), arguments.slots, 1, float("inf"), 0.0), rng)
        predictions.append(outcome.makespan_s - measured.launch_s)
    took = max(r.finished for r in receipts) - min(r.finished - r.seconds for r in receipts)
    predicted = float(np.mean(predictions))
    low, high = np.percentile(predictions, [2.5, 97.5])
    Console().print(
        f"{len(receipts)} shards, {sum(sizes)} pairs, {arguments.slots} at a time: predicted "
        f"{predicted:.0f} s "
        f"(95 % {low:.0f} to {high:.0f}), took {took:.0f} s: {100 * (predicted / took - 1):+.1f} %"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps({"predicted_s": predicted, "took_s": took}))


if __name__ == "__main__":
    main()
