"""What a run would make and cost, from a short probe on this machine. Nothing is written where the run
would be.

The probe is a run itself: a few visits to objects of the source, with the same settings, in a temporary
folder. Its receipt says what a pair costs; the rest is multiplication.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from viewpoint100k import objects as sources
from viewpoint100k import pipeline
from viewpoint100k.config import RunConfig, config_hash, public_source
from viewpoint100k.devices import Device
from viewpoint100k.errors import InputError
from viewpoint100k.partition import count_shards, make_plan, objects_wanted, pairs_per_visit
from viewpoint100k.plan import Plan
from viewpoint100k.questions import load_templates
from viewpoint100k.run_state import RunPaths, check_out, read_plan, same_run, status
from viewpoint100k.shards import Receipt

VISITS = 2  # of the probe, at least
PROBE_PAIRS = 12  # at least
PROBE_OBJECTS = 12  # those and their reserves
PROBE_SCENE_OBJECTS = 40
INDEX_SHARE = 0.05  # of the shards' size: index, card and manifest beside them


class Forecast(NamedTuple):
    """The forecast of a run. Figures with `about` in the name are estimated from the probe."""

    pairs: int  # pairs that are still to be made
    done: int  # pairs that exist already
    objects: int  # that are visited, reserves left out; of scenes: how many scenes
    scenes: bool
    shards: int
    about_views: int
    about_cpu_s: float
    about_bytes: int
    fetched: int  # objects that are downloaded if they are not in the cache; 0 for a source on this machine
    refused: int  # objects of the source that were refused when they were listed
    probe_pairs: int
    probe_cpu_s: float
    probe_source: str


def forecast(
    out: Path | None,
    config: RunConfig,
    scratch: Path,
    engine_python: str | None = None,
    workers: int = 1,
    devices: Sequence[Device] = (Device(),),
    progress: Callable[[int, int], None] | None = None,
) -> Forecast:
    """Forecast what `generate` with these arguments would do.

    Args:
        out: where the run would be, to count what is done already; None: behind a URL, which is not looked
            at.
        scratch: a folder for the probe.
        progress: called with (done, total) while objects are listed.

    Raises:
        InputError: as `generate` would: OUT holds something else, no usable object, wrong wordings.
    """
    done = _pairs_done(out, config) if out is not None else 0
    load_templates(config.questions.templates)
    remote = public_source(config.source) not in ("builtin:", "folder")
    probed = config.model_copy(update={"source": "builtin:"}) if remote else config
    listing = _listed(config, probed, progress)
    folder = public_source(config.source) == "folder"
    per_object = pairs_per_visit(config, len(listing.objects), spread=folder)
    small = _small_run(probed, listing, per_object)
    receipt = _probe(*small, scratch, engine_python, workers, devices)
    pairs = config.pairs - done
    visits = math.ceil(pairs / per_object)
    usable = len(listing.objects) if folder else objects_wanted(config)
    share = pairs / receipt.samples
    shards = math.ceil(count_shards(config, usable) * pairs / config.pairs)
    running = sum(receipt.cpu_s.values()) - receipt.cpu_s["start"]
    return Forecast(
        pairs=pairs,
        done=done,
        objects=min(visits, usable) if folder and not config.plan.scenes else visits,
        scenes=config.plan.scenes is not None,
        shards=shards,
        about_views=round(receipt.views_rendered * share),
        about_cpu_s=running * share + receipt.cpu_s["start"] * shards,
        about_bytes=round(receipt.bytes * share * (1 + INDEX_SHARE)),
        fetched=visits if remote else 0,
        refused=len(listing.rejects),
        probe_pairs=receipt.samples,
        probe_cpu_s=sum(receipt.cpu_s.values()),
        probe_source=probed.source,
    )


def _listed(
    config: RunConfig, probed: RunConfig, progress: Callable[[int, int], None] | None
) -> sources.Listing:
    """Objects for the probe: from the run's own source, unless they would have to be fetched."""
    is_own = probed is config
    allowed = tuple(config.licences) if is_own and config.licences is not None else None
    listing = sources.list_objects(
        probed.source,
        wanted=PROBE_SCENE_OBJECTS if config.plan.scenes else PROBE_OBJECTS,
        seed=config.seed,
        budgets=config.files,
        allow=allowed,
        choice=config.objects if is_own else None,
        progress=progress,
    )
    if not listing.objects:
        raise InputError(
            f"source {config.source} has no usable object: `viewpoint100k objects check` says why"
        )
    return listing


def _pairs_done(out: Path, config: RunConfig) -> int:
    """How many pairs a run in this folder has finished; refuses a folder that `generate` would refuse."""
    paths = RunPaths(out)
    if not paths.plan.exists():
        check_out(paths)
        return 0
    same_run(paths, config)
    return sum(receipt.samples for receipt in status(out, read_plan(out)).done)


def _small_run(config: RunConfig, listing: sources.Listing, per_object: int) -> tuple[RunConfig, Plan]:
    """The same settings for a handful of pairs: its configuration and its plan of one shard."""
    plan = config.plan.model_copy(
        update={"pairs_per_object": per_object, "validation_share": 0.0, "test_share": 0.0}
    )
    most = PROBE_SCENE_OBJECTS if config.plan.scenes else PROBE_OBJECTS
    one_shard = config.shards.model_copy(update={"pairs_per_shard": None})
    small = config.model_copy(
        update={"pairs": max(PROBE_PAIRS, VISITS * per_object), "plan": plan, "shards": one_shard}
    )
    made = make_plan(small, listing.objects[:most], spread=False)
    return small, made.model_copy(update={"config_hash": config_hash(small)})


def _probe(
    config: RunConfig,
    plan: Plan,
    scratch: Path,
    engine_python: str | None,
    workers: int,
    devices: Sequence[Device],
) -> Receipt:
    out = scratch / "probe"
    pipeline.write_plan(RunPaths(out), config, plan)
    receipts = [
        pipeline.render_shard(out, shard.number, engine_python, workers, devices) for shard in plan.shards
    ]
    assert len(receipts) == 1, "a handful of pairs is one shard"
    return receipts[0]
