"""Asks new questions about the pairs of a dataset: other wordings, other forms of answers, other gates.

Nothing is rendered.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from viewpoint100k.config import RunConfig, config_hash, load_config_tree
from viewpoint100k.errors import InputError
from viewpoint100k.fill import asked, glance_of
from viewpoint100k.manifest import Manifest, next_version, read_manifest
from viewpoint100k.pipeline import write_beside_shards
from viewpoint100k.questions import load_templates
from viewpoint100k.run_state import RunPaths, check_out
from viewpoint100k.shards import (
    REAL,
    Receipt,
    StoredSample,
    has_photographs,
    in_sample,
    iter_samples,
    read_shard,
    write_shard,
)
from viewpoint100k.validate import truth_problems


def _receipt(
    number: int,
    samples: Sequence[StoredSample],
    config: RunConfig,
    manifest: Manifest,
    dropped: Counter[str],
) -> Receipt:
    """The receipt of a shard with new questions, still without the facts of its file."""
    return Receipt(
        name="",
        number=number,
        sha256="",
        bytes=0,
        samples=len(samples),
        questions=sum(len(stored.sample.questions) for stored in samples),
        config_hash=config_hash(config),
        renderer=manifest.renderer,
        device=manifest.device,
        objects=sorted({record.uid for stored in samples for record in stored.sample.credited}),
        objects_visited=0,
        views_rendered=0,
        rejects=0,
        dropped=dict(dropped),
        cpu_s={},
    )


def requestion(dataset: Path, out: Path, overrides: Sequence[str] = ()) -> Manifest:
    """Ask new questions about the pairs of a dataset, into a new folder, without rendering.

    Args:
        overrides: of settings, as in `generate`: wordings, forms of answers, gates. They hold for photographs
            beside renders as well.

    Raises:
        InputError: the dataset cannot be read, OUT is not empty, or an override would need a new render.
    """
    manifest = read_manifest(dataset)
    config = _changed_config(dataset, manifest, overrides)
    check_out(RunPaths(out))
    scratch = RunPaths(out).run / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    if has_photographs(dataset):  # before the card, which speaks of them
        requestion(dataset / REAL, out / REAL, overrides)
    receipts = []
    for number, entry in enumerate(manifest.shards):
        name = entry.name.removesuffix(".tar")
        stored = [_by_settings(config, sample) for sample in _consistent(dataset / entry.name)]
        dropped = Counter[str]()
        samples = _asked_anew(config, number, dataset / entry.name, stored, dropped)
        digest, size = write_shard(out / entry.name, scratch, samples)
        receipt = _receipt(number, samples, config, manifest, dropped)
        receipts.append(receipt.model_copy(update={"name": name, "sha256": digest, "bytes": size}))
    shutil.rmtree(RunPaths(out).run)
    if not any(receipt.samples for receipt in receipts):
        raise InputError(
            f"{dataset}: by these settings nothing can be asked about any of its {manifest.samples} samples"
        )
    rewritten = (stored.sample for stored in iter_samples(out))
    version = next_version(manifest.version)
    return write_beside_shards(out, config, receipts, rewritten, version, manifest.removed)


def _changed_config(dataset: Path, manifest: Manifest, overrides: Sequence[str]) -> RunConfig:
    """The dataset's settings with the overrides, none of which may require a new render.

    Raises:
        InputError: one does, or the wordings of the dataset are not named.
    """
    before = load_config_tree(manifest.config)
    config = load_config_tree(manifest.config, overrides)
    named = any(override.partition("=")[0].strip() == "questions.templates" for override in overrides)
    # a path that the dataset's maker chose belongs to another machine, or is a trap
    if config.questions.templates is not None and not named:
        raise InputError(
            f"{dataset} was made with the wordings in {config.questions.templates!r}. Say where they are "
            "here with --set questions.templates=FILE.yaml, or take ours with --set "
            "questions.templates=null"
        )
    for name in ("plan", "render", "files", "seed", "pairs", "source"):
        if getattr(config, name) != getattr(before, name):
            raise InputError(
                f"requestion changes questions.* and gates.* only; {name} needs a new render: use generate"
            )
    load_templates(config.questions.templates)
    return config


def _by_settings(config: RunConfig, stored: StoredSample) -> StoredSample:
    """The sample with a provenance that names these settings."""
    provenance = stored.sample.provenance.model_copy(update={"config_hash": config_hash(config)})
    return stored._replace(sample=stored.sample.model_copy(update={"provenance": provenance}))


def _asked_anew(
    config: RunConfig, number: int, path: Path, stored: Sequence[StoredSample], dropped: Counter[str]
) -> list[StoredSample]:
    """The samples of a shard with new questions, without those about which nothing can be asked."""
    glances = []
    for sample in stored:
        with in_sample(path, sample.key):
            glances.append([glance_of(image, f"view_{i}.jpg") for i, image in enumerate(sample.images)])
    with in_sample(path):
        asked_anew = asked(config, path.stem, number, stored, glances, dropped)
    samples = [sample for sample in asked_anew if sample.sample.questions]
    if len(samples) < len(stored):
        dropped["pairs left without a question"] += len(stored) - len(samples)
    return samples


def _consistent(path: Path) -> Iterator[StoredSample]:
    """The samples of a shard, whose truths must be what the poses say: the questions rest on them.

    Raises:
        InputError: a sample cannot be read, or says otherwise: names the shard and the key.
    """
    for stored in read_shard(path):
        with in_sample(path, stored.key):
            for problem in truth_problems(stored.sample):
                raise InputError(problem)
        yield stored
