"""Asking anew about the pairs of a dataset: other wordings, other forms of answers, other gates.

Nothing is rendered.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from viewpoint100k.config import config_hash, load_config_tree
from viewpoint100k.errors import InputError
from viewpoint100k.fill import asked, glance_of
from viewpoint100k.manifest import Manifest, next_version, read_manifest
from viewpoint100k.pipeline import write_beside_shards
from viewpoint100k.questions import load_templates
from viewpoint100k.run_state import RunPaths, check_out
from viewpoint100k.shards import Receipt, StoredSample, in_sample, iter_samples, read_shard, write_shard
from viewpoint100k.validate import truth_problems


def requestion(dataset: Path, out: Path, overrides: Sequence[str] = ()) -> Manifest:
    """Ask anew about the pairs of a dataset, into a new folder; nothing is rendered.

    Args:
        overrides: of settings, as in `generate`: wordings, forms of answers, gates.

    Raises:
        InputError: the dataset cannot be read, OUT is not empty, or an override would need a new render.
    """
    manifest = read_manifest(dataset)
    before = load_config_tree(manifest.config)
    config = load_config_tree(manifest.config, overrides)
    mine = any(override.partition("=")[0].strip() == "questions.templates" for override in overrides)
    if (
        config.questions.templates is not None and not mine
    ):  # a path that its maker chose: of another machine, or worse
        raise InputError(
            f"{dataset} was asked with the wordings in {config.questions.templates!r}. Say where they are here with "
            "--set questions.templates=FILE.yaml, or take ours with --set questions.templates=null"
        )
    changed = [
        name
        for name in ("plan", "render", "files", "seed", "pairs", "source")
        if getattr(config, name) != getattr(before, name)
    ]
    if changed:
        raise InputError(
            f"requestion changes questions.* and gates.* only; {changed[0]} needs a new render: use generate"
        )
    load_templates(config.questions.templates)
    check_out(RunPaths(out))
    scratch = RunPaths(out).run / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    receipts = []
    for number, entry in enumerate(manifest.shards):
        name = entry.name.removesuffix(".tar")
        before_asking = list(_consistent(dataset / entry.name))
        stored = [
            one._replace(
                sample=one.sample.model_copy(
                    update={
                        "provenance": one.sample.provenance.model_copy(
                            update={"config_hash": config_hash(config)}
                        )
                    }
                )
            )
            for one in before_asking
        ]
        dropped = Counter[str]()
        glances = []
        for one in stored:
            with in_sample(dataset / entry.name, one.key):
                glances.append([glance_of(image, f"view_{i}.jpg") for i, image in enumerate(one.images)])
        with in_sample(dataset / entry.name):
            asked_anew = asked(config, name, number, stored, glances, dropped)
        samples = [one for one in asked_anew if one.sample.questions]
        if len(samples) < len(stored):
            dropped["pairs left without a question"] += len(stored) - len(samples)
        digest, size = write_shard(out / entry.name, scratch, samples)
        receipts.append(
            Receipt(
                name=name,
                number=number,
                sha256=digest,
                bytes=size,
                samples=len(samples),
                questions=sum(len(one.sample.questions) for one in samples),
                config_hash=config_hash(config),
                renderer=manifest.renderer,
                device=manifest.device,
                objects=sorted({thing.uid for one in samples for thing in one.sample.credited}),
                objects_visited=0,
                views_rendered=0,
                rejects=0,
                dropped=dict(dropped),
                cpu_s={},
            )
        )
    shutil.rmtree(RunPaths(out).run)
    rewritten = (stored.sample for stored in iter_samples(out))
    return write_beside_shards(
        out, config, receipts, rewritten, next_version(manifest.version), manifest.removed
    )


def _consistent(path: Path) -> Iterator[StoredSample]:
    """The samples of a shard; what is asked of them rests on their truths, so these must be what the poses say.

    Raises:
        InputError: a sample cannot be read, or says otherwise: names the shard and the key.
    """
    for stored in read_shard(path):
        with in_sample(path, stored.key):
            for problem in truth_problems(stored.sample):
                raise InputError(problem)
        yield stored
