"""What annotation and questions cost: `OPENBLAS_NUM_THREADS=1 python benchmarks/questions.py [--pairs 2000]
[--size 64]`.

Synthetic cameras around synthetic objects (ellipsoids with painted patches, depth and albedo computed in
closed form), so that nothing is rendered: per pair, CPU-milliseconds of annotation, of questions with their
chains of thought and of the second opinion on them, what 100,000 pairs would take on one core, and the
process's memory at the start and at the end. The variable is what the command line sets for itself; as there,
reference cycles are looked for seldom.
"""

import argparse
import resource
import time
from collections import Counter, defaultdict

import numpy as np
from rich.console import Console
from rich.progress import track

from viewpoint100k.annotate import annotate
from viewpoint100k.cli import collect_rarely
from viewpoint100k.config import load_config
from viewpoint100k.design import design
from viewpoint100k.geometry.cameras import intrinsics_from_hfov
from viewpoint100k.geometry.visibility import FAR
from viewpoint100k.motions import family_of
from viewpoint100k.plan import generator, plan_views
from viewpoint100k.proof import contradicted
from viewpoint100k.quality import RenderedView, Statistics, portray
from viewpoint100k.questions import ask_all, load_templates
from viewpoint100k.questions.ask import Writer
from viewpoint100k.records import ObjectRecord, PlannedView, Provenance, Sample, SourceObject, View, matrix

GOOD = Statistics(opacity=1.0, luminance=0.5, contrast=0.2, dark=0.0, bright=0.0, from_background=0.5)
PROVENANCE = Provenance(seed=0, config_hash="", code_version="", renderer="", device="")
SHARD = 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--size", type=int, default=64)
    arguments = parser.parse_args()
    collect_rarely()
    config = load_config("viewpoint-6dof")
    codes = design(config.plan, config.gates, arguments.pairs, generator(0, "benchmark"))
    spent: dict[str, float] = defaultdict(float)
    questions, pairs, samples = Counter[str](), 0, list[Sample]()
    doubts = Counter[str]()
    rng, templates = np.random.default_rng(0), load_templates()
    memory = [_memory_mb()]

    def ask() -> None:
        nonlocal samples
        started = time.process_time()
        keys = [f"train-00000-{i:05d}" for i in range(len(samples))]
        all_asked = ask_all(keys, samples, config.gates, Writer(config.questions, templates, 0), rng)
        spent["questions"] += time.process_time() - started
        started = time.process_time()
        for sample, asked in zip(samples, all_asked, strict=True):
            questions.update(question.type for question in asked)
            doubts.update(contradicted(sample.model_copy(update={"questions": asked}), config.gates).values())
        spent["second opinion"] += time.process_time() - started
        samples = []
        memory.append(_memory_mb())

    for number in track(range(0, len(codes), 12), transient=True):
        uid = f"object-{number}"
        thing = SourceObject(record=ObjectRecord(uid=uid))
        view_set = plan_views(config, thing, 0, codes[number : number + 12])
        shape = np.random.default_rng(number).uniform(0.15, 0.3, 3)
        rendered = {i: _look(view, shape, arguments.size) for i, view in enumerate(view_set.views)}
        portrait = portray([_look(view, shape, 48) for view in view_set.probes], config.gates)
        started = time.process_time()
        candidates, _ = annotate(view_set, rendered, portrait, config.gates)
        spent["annotation"] += time.process_time() - started
        for one in candidates:
            samples.append(
                Sample(
                    object=thing.record,
                    preset=config.preset,
                    family=family_of(one.planned.motion),
                    split="train",
                    views=one.views,
                    truth=one.truth,
                    decidability=one.decidability,
                    decidability_reversed=one.decidability_reversed,
                    seen=one.seen,
                    questions=[],
                    provenance=PROVENANCE,
                )
            )
        pairs += len(candidates)
        if len(samples) >= SHARD:
            ask()
    ask()
    for part, seconds in spent.items():
        Console().print(f"{part}: {1000 * seconds / pairs:.2f} ms per pair")
    total = sum(spent.values()) / pairs
    Console().print(
        f"{pairs} pairs, {questions.total()} questions, {doubts.total()} contradicted; 100,000 pairs: "
        f"{total * 100_000 / 60:.1f} minutes on one core; "
        f"memory {memory[0]:.0f} MB at the start, {memory[1]:.0f} after a shard, {memory[-1]:.0f} at the end"
    )


def _look(planned: PlannedView, radii: np.ndarray, size: int) -> RenderedView:
    """An ellipsoid about the origin with painted patches, seen by a camera: exact depth and albedo."""
    world_from_camera, intrinsics = (
        matrix(planned.world_from_camera),
        intrinsics_from_hfov(planned.hfov_deg, size, size),
    )
    rows, cols = np.mgrid[:size, :size] + 0.5
    rays = np.stack(
        [(cols - size / 2) / intrinsics[0, 0], (rows - size / 2) / intrinsics[1, 1], np.ones_like(rows)], -1
    )
    direction = (rays @ world_from_camera[:3, :3].T) / radii
    origin = world_from_camera[:3, 3] / radii
    a, b, c = (direction**2).sum(-1), direction @ origin, origin @ origin - 1
    inside = b**2 - a * c
    depth = np.where(inside > 0, (-b - np.sqrt(np.maximum(inside, 0))) / a, FAR * 10).astype(np.float32)
    points = origin + depth[..., None] * direction
    albedo = np.where((inside > 0)[..., None], 0.5 + 0.4 * np.sin(4 * points + [0, 1, 2]), 0).astype(
        np.float32
    )
    seen = inside > 0
    box = [np.flatnonzero(seen.any(axis=axis)) for axis in (0, 1)]
    view = View(
        intrinsics=intrinsics.tolist(),
        world_from_camera=planned.world_from_camera,
        hfov_deg=planned.hfov_deg,
        object_box=[float(v) for v in (box[0][0], box[1][0], box[0][-1] + 1, box[1][-1] + 1)],
        object_share=float(seen.mean()),
        light="",
        background="plain",
    )
    return RenderedView(view, b"", depth, albedo, GOOD)


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
