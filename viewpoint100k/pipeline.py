"""The stages in order: plan, render, finalize.

plan -> render_shard (one shard number a call, on any machine) -> finalize -> validate. The stages talk to
each other through files alone: any of them can be killed and run again, and gives the same bytes on every
machine.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from viewpoint100k import objects as sources
from viewpoint100k.card import write_dataset_files
from viewpoint100k.config import RunConfig, public_source, read_config, write_config
from viewpoint100k.devices import Device
from viewpoint100k.engine import Engine
from viewpoint100k.errors import InputError, ViewpointError, shell_line
from viewpoint100k.fill import Tally, fill_shard, first_objects
from viewpoint100k.identity import this_code
from viewpoint100k.index import has_pyarrow, write_index
from viewpoint100k.interpreters import check_engine
from viewpoint100k.manifest import Manifest, Removal, version_of
from viewpoint100k.partition import grow_plan, make_plan, objects_wanted
from viewpoint100k.plan import Plan, Shard
from viewpoint100k.questions import load_templates
from viewpoint100k.records import Reject, Sample
from viewpoint100k.run_state import (
    Progress,
    RunPaths,
    alone,
    begin_attempt,
    check_out,
    read_plan,
    read_receipt,
    removed_objects,
    report_progress,
    same_run,
    status,
    write_rejects,
)
from viewpoint100k.shards import Receipt, StoredSample, read_shard, sweep, write_atomically, write_shard
from viewpoint100k.surroundings import list_panoramas
from viewpoint100k.takedown import losses_of


def plan_run(
    out: Path,
    config: RunConfig,
    progress: Callable[[int, int], None] | None = None,
    removed: Sequence[Removal] | None = None,
) -> Plan:
    """List and check the objects, plan the shards, and write both into OUT/.run; if OUT has a plan, read it.

    If OUT holds a run with the same settings but fewer pairs, that run grows: shards are added to it.

    Args:
        removed: objects that were taken out of the dataset; None: those that the manifest in OUT names.

    Raises:
        InputError: OUT holds something else, or another run; the source has no usable objects.
    """
    paths = RunPaths(out)
    old = None
    if paths.plan.exists():
        config = same_run(paths, config)
        old = read_plan(out)
        if old.size == config.pairs:
            return old
    else:
        check_out(paths)
    load_templates(config.questions.templates)
    plan, rejects = _plan(config, old, removed_objects(out) if removed is None else removed, progress)
    write_plan(paths, config, plan, rejects)
    return plan


def _plan(
    config: RunConfig,
    plan: Plan | None,
    removed: Sequence[Removal],
    progress: Callable[[int, int], None] | None,
) -> tuple[Plan, list[Reject]]:
    """The plan of a run at its full size, and the objects that may not be used.

    Args:
        plan: the run's plan at a smaller size; None: there is none yet, and every size that the run has grown
            through is planned in turn.
    """
    rejects = list[Reject]()
    for step in config.steps():
        if plan is not None and plan.size >= step.pairs:
            continue
        listing = _listed(step, progress)
        rejects = list(listing.rejects)
        spread = public_source(config.source) == "folder"
        if plan is None:
            panoramas, refused = list_panoramas(config)
            rejects += refused
            plan = make_plan(step, listing.objects, spread=spread, panoramas=panoramas)
            plan = plan.model_copy(update={"code": this_code()})
        else:
            losses = losses_of(plan, removed)
            plan = grow_plan(step, plan, listing.objects, spread=spread, losses=losses)
        plan = plan.model_copy(update={"selection": listing.selection})
    assert plan is not None, "a run has at least one step"
    return plan, rejects


def _listed(config: RunConfig, progress: Callable[[int, int], None] | None) -> sources.Listing:
    listing = sources.list_objects(
        config.source,
        wanted=objects_wanted(config),
        seed=config.seed,
        budgets=config.files,
        allow=None if config.licences is None else tuple(config.licences),
        choice=config.objects,
        progress=progress,
    )
    if not listing.objects:
        why = ""
        if listing.rejects:
            first = listing.rejects[0]
            why = f"; all {len(listing.rejects)} are refused, the first ({first.uid}) because: {first.reason}"
        left = " > ".join(f"{number} {name}" for name, number in listing.selection.steps)
        raise InputError(f"source {config.source} has no usable object{why} ({left})")
    return listing


def write_plan(paths: RunPaths, config: RunConfig, plan: Plan, rejects: Iterable[Reject] = ()) -> None:
    """Begin a run: write its folders, settings and plan, and the objects that were refused while listing."""
    for folder in ("rejects", "receipts", "progress", "tmp"):
        (paths.run / folder).mkdir(parents=True, exist_ok=True)
    write_rejects(paths.listed_rejects, rejects)
    write_atomically(paths.config, write_config(config).encode())
    write_atomically(paths.plan, plan.model_dump_json().encode())  # last: it marks the stage as done


def render_shard(
    out: Path,
    number: int,
    engine_python: str | None = None,
    workers: int = 1,
    devices: Sequence[Device] = (Device(),),
) -> Receipt:
    """Make one shard with exactly the planned number of pairs, from its own objects and their reserves.

    The call is idempotent (a finished shard's receipt is returned) and atomic (the receipt is written last).

    Args:
        workers: number of render processes; the bytes do not depend on it.
        devices: what the processes render on; they are assigned round robin.

    Raises:
        InputError: there is no such shard, the wordings cannot be used, or this interpreter cannot render.
        RanDry: the objects do not yield enough pairs; the message says how many are missing and why.
    """
    paths = RunPaths(out)
    plan = read_plan(out)
    if not 0 <= number < len(plan.shards):
        raise InputError(f"--shard {number}: the run in {out} has shards 0 to {len(plan.shards) - 1}")
    shard = plan.shards[number]
    if (done := read_receipt(out, shard)) is not None:
        return done
    config = read_config(paths.config)
    removed_objects(out)  # a manifest that cannot be read is refused before anything is rendered
    load_templates(config.questions.templates)  # checked before rendering, though they are needed after it
    engine_args = (engine_python,) if engine_python else ()
    check_engine(*engine_args)
    scratch = paths.scratch(shard)
    scratch.mkdir(parents=True, exist_ok=True)
    begun = begin_attempt(out, shard)
    tally = Tally()
    try:
        engine = Engine(config.render, scratch / "engine", *engine_args, workers=workers, devices=devices)
        ahead = sources.fetch_ahead(first_objects(plan, shard), config.source, config.files)
        with ahead, engine:
            samples = fill_shard(config, plan, shard, engine, paths, tally, begun)
            samples = _without_removed(out, samples)
            tally.cpu_s["start"] += engine.start_cpu_s
        write_rejects(paths.shard_rejects(shard), tally.rejects)
        written = write_shard(paths.shard(shard), scratch, samples) if samples else ("", 0)
        receipt = _receipt(plan, shard, engine, samples, written, tally, begun)
        write_atomically(paths.receipt(shard), (receipt.model_dump_json(indent=1) + "\n").encode())
    except (ViewpointError, OSError) as error:
        why = str(error) or type(error).__name__
        with suppress(OSError):  # the disk may be full
            report_progress(paths, shard, begun, rejects=len(tally.rejects), error=why)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(paths.visits(shard), ignore_errors=True)
    paths.progress(shard).unlink(missing_ok=True)
    return receipt


def _without_removed(out: Path, samples: Sequence[StoredSample]) -> list[StoredSample]:
    """The samples of a shard without those of objects that were removed from the dataset.

    They are taken out only after questions were asked about every sample, so that the remaining samples keep
    the questions that they had.
    """
    gone = {removal.uid for removal in removed_objects(out)}
    return [stored for stored in samples if not gone & {thing.uid for thing in stored.sample.credited}]


def _receipt(
    plan: Plan,
    shard: Shard,
    engine: Engine,
    samples: Sequence[StoredSample],
    written: tuple[str, int],
    tally: Tally,
    begun: Progress,
) -> Receipt:
    """The receipt of a shard: what it holds and how it was made.

    Args:
        written: sha256 and size in bytes of the shard's file.
    """
    now = time.time()
    return Receipt(
        name=shard.name,
        number=shard.number,
        sha256=written[0],
        bytes=written[1],
        samples=len(samples),
        questions=sum(len(stored.sample.questions) for stored in samples),
        config_hash=plan.hash_of(shard),
        renderer=engine.renderer,
        device=engine.device,
        objects=sorted({thing.uid for stored in samples for thing in stored.sample.credited}),
        objects_visited=tally.visited,
        views_rendered=tally.views,
        rejects=len(tally.rejects),
        dropped=dict(tally.dropped),
        cpu_s={name: round(value, 3) for name, value in tally.cpu_s.items()},
        machine=begun.machine,
        seconds=round(now - begun.started, 1),
        finished=round(now, 1),
        attempts=begun.attempt,
        visits=tally.visits,
    )


def finalize(out: Path) -> Manifest:
    """Assemble manifest, attribution, card and the list of rejects.

    Several processes may finalize at once: one waits for the other, and both write the same bytes.

    Raises:
        InputError: shards are missing (the message names them), or the removal of an object is not finished.
    """
    with alone(RunPaths(out).run / "finalize.lock"):
        return _finalize(out)


def _finalize(out: Path) -> Manifest:
    paths = RunPaths(out)
    plan = read_plan(out)
    started = time.time()
    now = status(out, plan)
    if now.missing:
        names = ", ".join(str(shard.number) for shard in now.missing[:10])
        raise InputError(
            f"{len(now.missing)} of {len(plan.shards)} shards are missing: {names}"
            f"{', ...' if len(now.missing) > 10 else ''}. Make them with `{shell_line('generate', out)}` or "
            f"`{shell_line('render-shard', out)} --shard NUMBER`"
        )
    files = [paths.listed_rejects, *(paths.shard_rejects(shard) for shard in plan.shards)]
    write_atomically(paths.rejects, b"".join(path.read_bytes() for path in files if path.exists()))
    removed = removed_objects(out)
    back = {removal.uid for removal in removed} & {uid for receipt in now.done for uid in receipt.objects}
    if back:
        raise InputError(
            f"the removal of object {min(back)} is not finished: run `{shell_line('remove', out)}` first"
        )
    version = version_of(out, now.done)
    samples = (
        stored.sample
        for receipt in now.done
        if receipt.samples
        for stored in read_shard(out / f"{receipt.name}.tar")
    )
    manifest = write_beside_shards(out, read_config(paths.config), now.done, samples, version, removed)
    shutil.rmtree(paths.run / "tmp", ignore_errors=True)
    sweep(out, before=started)
    return manifest


def write_beside_shards(
    out: Path,
    config: RunConfig,
    receipts: list[Receipt],
    samples: Iterator[Sample],
    version: str,
    removed: Sequence[Removal],
) -> Manifest:
    """Write manifest, attribution and card, and the index too if pyarrow is installed."""
    manifest = write_dataset_files(out, config, receipts, samples, version, removed)
    if has_pyarrow():
        write_index(out)
    return manifest
