"""Checks whether a published shard is what its manifest says.

Renders it again and says what differs, and why.
"""

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from viewpoint100k import pipeline
from viewpoint100k.config import (
    BUNDLED,
    LISTS,
    XL_TABLE,
    RunConfig,
    config_hash,
    is_hub_id,
    load_config_tree,
    public_source,
    read_config,
)
from viewpoint100k.devices import Device
from viewpoint100k.errors import InputError, RanDry
from viewpoint100k.identity import Code, this_code
from viewpoint100k.interpreters import look_at
from viewpoint100k.manifest import Manifest, ShardEntry, read_attribution, read_manifest
from viewpoint100k.plan import Plan, Shard
from viewpoint100k.run_state import RunPaths
from viewpoint100k.shards import Receipt, StoredSample, decode, read_shard, sha256_file, write_shard

MANY = 5  # differences of a kind that are listed one by one
# grey levels of 255: differences by another CPU kernel of the same renderer, including JPEG, stay below this
PIXEL_TOLERANCE = 12
CLOSE_SHARE = 0.001  # share of pixels that may differ by more, at outlines


class Reproduction(NamedTuple):
    """The result of a comparison."""

    shard: str
    same_bytes: bool  # apart from the code that samples name in their provenance
    close: bool  # whether samples are equal, and pictures differ by no more than kernels do
    findings: list[str]
    other_code: str = ""  # how this code differs from the shard's, if that is known; not a fault by itself


def reproduce_shard(  # noqa: PLR0913 - how to render, by name
    dataset: Path,
    number: int,
    scratch: Path,
    *,
    source: str | None = None,
    engine_python: str | None = None,
    workers: int = 1,
    devices: Sequence[Device] = (Device(),),
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Reproduction:
    """Render a shard of a published dataset again, from its manifest and its objects, and compare.

    Args:
        number: as `render-shard` counts: all shards of the run, from 0, train first.
        scratch: an empty folder for the new shard.
        source: where the objects are, if they came from a folder.
        say: is told before anything is rendered if the shard was made by other code, or another Blender.

    Raises:
        InputError: no dataset, no such shard, or its objects' folder is not known.
    """
    manifest = _rendered_manifest(dataset)
    config = _config(dataset, manifest, source)
    findings = list(_edited_settings(manifest, config))
    plan = pipeline.plan_run(scratch, config, progress, manifest.removed)
    shard, entry = _the_shard(dataset, manifest, plan, number)
    other_code = _other_code(dataset, manifest, entry)
    other_blender = _other_blender(manifest, look_at(engine_python or sys.executable).blender)
    for difference in filter(None, (other_code, other_blender)):
        say(difference)
    findings += [*_published(dataset, entry), *_objects(dataset, entry, plan)]
    shutil.copy(dataset / "manifest.json", scratch)  # objects that were removed since stay out
    try:
        receipt = pipeline.render_shard(scratch, number, engine_python, workers, devices)
    except RanDry as error:
        return Reproduction(entry.name, False, False, [*findings, str(error)], other_code)
    if receipt.sha256 == entry.sha256:
        return Reproduction(entry.name, not findings, not findings, findings, other_code)
    findings += _another_renderer(manifest, receipt)
    same, close = _compared_with_published(dataset, entry, RunPaths(scratch), shard, findings)
    return Reproduction(entry.name, same, close, findings, other_code)


def _rendered_manifest(dataset: Path) -> Manifest:
    manifest = read_manifest(dataset)
    if manifest.photographed:
        raise InputError(
            f"{dataset} is of photographs, which are not rendered: make it again with `viewpoint100k "
            f"photos` and the settings in its manifest.json"
        )
    return manifest


def _edited_settings(manifest: Manifest, config: RunConfig) -> Iterator[str]:
    """Whether the settings are still those whose hash the manifest has."""
    if (now := config_hash(config)) != manifest.config_hash:
        yield (
            f"config: its hash was {manifest.config_hash}, is {now}: settings were edited, or have others "
            "beside them"
        )


def _compared_with_published(
    dataset: Path, entry: ShardEntry, again: RunPaths, shard: Shard, findings: list[str]
) -> tuple[bool, bool]:
    """Whether a shard of other bytes is the same but for the code that it names, and whether it is close.

    Args:
        again: where it was rendered again.
        findings: what was found before; what differs is added.
    """
    try:
        old = list(read_shard(dataset / entry.name))
    except InputError as error:
        findings.append(str(error))
        return False, False
    new = _as_by_the_code_of(old, list(read_shard(again.shard(shard))))
    if write_shard(again.run / "compared.tar", again.run, new)[0] == entry.sha256:
        return not findings, not findings
    close = _compare(old, new, findings)
    if not findings:
        findings.append("records: they say the same in other bytes, as another version writes them")
    return False, close


def _the_shard(dataset: Path, manifest: Manifest, plan: Plan, number: int) -> tuple[Shard, ShardEntry]:
    """A shard by its number, as planned and as published.

    Raises:
        InputError: the run has no such shard, or the dataset no longer has it.
    """
    if not 0 <= number < len(plan.shards):
        raise InputError(f"--shard {number}: the run of {dataset} has shards 0 to {len(plan.shards) - 1}")
    shard = plan.shards[number]
    entry = next((entry for entry in manifest.shards if entry.name == f"{shard.name}.tar"), None)
    if entry is None:
        listed = ", ".join(each.name for each in manifest.shards[:3])
        raise InputError(
            f"shard {number} would be {shard.name}.tar, which {dataset} does not have (it has {listed}, "
            "...): all of it was removed, or the source has another number of objects now; pass the one it "
            "was made from with --source"
        )
    return shard, entry


def _another_renderer(manifest: Manifest, receipt: Receipt) -> Iterator[str]:
    """Whether the shard was rendered again by another Blender, or on another device."""
    for what, before, after in (
        ("renderer", manifest.renderer, receipt.renderer),
        ("device", manifest.device, receipt.device),
    ):
        if after not in before:
            yield f"{what}: was {before}, is {after}"


def _other_code(dataset: Path, manifest: Manifest, entry: ShardEntry) -> str:
    """How the code that made a shard differs from this; empty if it does not, as far as both are known."""
    made_by = _code_of(dataset, manifest, entry)
    here = this_code()
    other_commit = made_by.commit is not None and here.commit is not None and made_by.commit != here.commit
    return f"code: was {made_by}, is {here}" if made_by.version != here.version or other_commit else ""


def _other_blender(manifest: Manifest, here: str) -> str:
    """How the Blender that made a dataset differs from this one; empty if it does not, or is not known to."""
    made_by = re.findall(r"(?:bpy|Blender) (\d+(?:\.\d+)+)", manifest.renderer)
    if not made_by or not here or here in made_by:
        return ""
    made = f"rendered by Blender {' and '.join(made_by)}"
    return f"{made}, you have {here}: expect other bytes, and slightly other pictures"


def _code_of(dataset: Path, manifest: Manifest, entry: ShardEntry) -> Code:
    """The renderer by the shard's first sample; if that cannot be read, by the manifest."""
    try:
        first = next(iter(read_shard(dataset / entry.name))).sample.provenance
        return Code(version=first.code_version, commit=first.code_commit)
    except (InputError, StopIteration):
        commit = manifest.code_commit
        return Code(version=manifest.code_version, commit=commit if commit and "," not in commit else None)


def _as_by_the_code_of(old: list[StoredSample], new: list[StoredSample]) -> list[StoredSample]:
    """New samples that claim the code of the old ones: a comparison then shows whether it matters."""
    out = []
    for number, one in enumerate(new):
        before = old[min(number, len(old) - 1)].sample.provenance if old else one.sample.provenance
        named = {"code_version": before.code_version, "code_commit": before.code_commit}
        provenance = one.sample.provenance.model_copy(update=named)
        out.append(one._replace(sample=one.sample.model_copy(update={"provenance": provenance})))
    return out


def _config(dataset: Path, manifest: Manifest, source: str | None) -> RunConfig:
    config = load_config_tree(manifest.config)
    if (templates := config.questions.templates) is not None and not Path(templates).is_file():
        raise InputError(f"{dataset} was made with the wordings in {templates!r}, which is not a file here")
    if public_source(config.source) in ("folder", XL_TABLE):
        here = RunPaths(dataset).config
        source = source or (read_config(here).source if here.is_file() else None)
        if source is None:
            what = "a folder of objects" if config.source == "folder" else "a table of Objaverse-XL"
            raise InputError(f"{dataset} was made of {what}: say with --source where that is")
    config = config.model_copy(update={"source": source or config.source})
    return _with_surroundings(dataset, _with_lists(dataset, config))


def _with_lists(dataset: Path, config: RunConfig) -> RunConfig:
    """The settings with the run's own files of uids and labels: a manifest may name any file of ours."""
    named = [name for name in LISTS if (value := getattr(config.objects, name)) and not is_hub_id(value)]
    if not named:
        return config
    here = RunPaths(dataset).config
    if not here.is_file():
        raise InputError(
            f"objects of {dataset} were chosen by a file (objects.{named[0]}), which only the folder of its "
            f"run "
            "knows: reproduce it there"
        )
    there = read_config(here).objects
    objects = config.objects.model_copy(update={name: getattr(there, name) for name in named})
    return config.model_copy(update={"objects": objects})


def _with_surroundings(dataset: Path, config: RunConfig) -> RunConfig:
    """The settings with the folders of panoramas that the run used, where it used any."""
    if all(entry == BUNDLED for entry in config.render.surroundings):
        return config
    here = RunPaths(dataset).config
    if not here.is_file():
        raise InputError(
            f"{dataset} shows panoramas of a folder, which only the folder of its run knows: reproduce it "
            f"there"
        )
    folders = read_config(here).render.surroundings
    render = config.render.model_copy(update={"surroundings": folders})
    return config.model_copy(update={"render": render})


def _published(dataset: Path, entry: ShardEntry) -> list[str]:
    """Whether the published file is the one that the manifest lists."""
    path = dataset / entry.name
    if not path.exists():
        return [f"{path} is not there"]
    found = sha256_file(path)
    return (
        []
        if found == entry.sha256
        else [f"{path} is not what manifest.json lists: sha256 {found}, not {entry.sha256}"]
    )


def _objects(dataset: Path, entry: ShardEntry, plan: Plan) -> list[str]:
    """Objects of the shard that the source lacks, or has others of.

    Those made on the spot have no hash yet.
    """
    now = {thing.record.uid: thing.record.sha256 for thing in plan.objects}
    out = []
    for uid, row in read_attribution(dataset).items():
        if entry.name.removesuffix(".tar") not in row["shards"].replace(".tar", "").split():
            continue
        if uid not in now:
            out.append(f"object {uid}: is not in the source any more")
        elif now[uid] not in ("", row["sha256"]):
            out.append(f"object {uid}: its sha256 was {row['sha256']}, is {now[uid]}")
    return _shortened(out)


def _compare(old: list[StoredSample], new: list[StoredSample], findings: list[str]) -> bool:
    """Report the differences of two versions of a shard; return whether they are only what kernels change."""
    if len(old) != len(new):
        findings.append(f"samples: were {len(old)}, are {len(new)}")
    fields = list[str]()
    pictures = list[str]()
    close = len(old) == len(new)
    for before, after in zip(old, new, strict=False):
        tree = before.sample.model_dump(mode="json")
        other = after.sample.model_dump(mode="json")
        differ = [name for name in tree if tree[name] != other[name]]
        if "provenance" in differ:
            parts = [key for key, value in tree["provenance"].items() if value != other["provenance"][key]]
            fields += [
                f"provenance.{key}: was {tree['provenance'][key]}, is {other['provenance'][key]}"
                for key in parts
            ]
        if (
            before.sample.object.sha256 != after.sample.object.sha256
            and before.sample.object.uid == after.sample.object.uid
        ):
            fields.append(
                f"object {before.sample.object.uid}: its sha256 was {before.sample.object.sha256}, "
                f"is {after.sample.object.sha256}"
            )
        if rest := [name for name in differ if name != "provenance"]:
            fields.append(f"{before.key}: {', '.join(rest)} differ")
            close = close and not set(rest) & {"object", "questions", "family", "split"}
        for number, (one, another) in enumerate(zip(before.images, after.images, strict=False)):
            if one != another:
                text, near = _pixels(one, another)
                pictures.append(f"{before.key}.view_{number}.jpg: {text}")
                close = close and near
    findings += [*_shortened(list(dict.fromkeys(fields))), *_shortened(pictures)]
    return close


def _pixels(one: bytes, another: bytes) -> tuple[str, bool]:
    """How two pictures differ, and whether by no more than kernels do."""
    a, b = (np.asarray(decode(data, "a picture"), np.int16) for data in (one, another))
    if a.shape != b.shape:
        return f"was {a.shape[1]} px wide, is {b.shape[1]}", False
    off = np.abs(a - b).max(axis=2)
    share = float((off > PIXEL_TOLERANCE).mean())
    return (
        f"{100 * (off > 0).mean():.2f} % of the pixels differ, by at most {off.max()} of 255",
        share <= CLOSE_SHARE,
    )


def _shortened(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MANY else [*lines[:MANY], f"... and {len(lines) - MANY} more like these"]
