"""What a reader of a dataset sees first: README.md with its pictures, and croissant.json.

The head of README.md is what `datasets` loads by: which files are which split, and the type of every column.
The rest is for people. A card is written from the shards and the manifest alone, so it can be written again
at any time.
"""

import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined
from PIL import Image, ImageDraw
from pydantic import ValidationError

from viewpoint100k import croissant, plots
from viewpoint100k.audit.report import AuditReport
from viewpoint100k.config import (
    BUNDLED,
    GateConfig,
    RenderConfig,
    RunConfig,
    preset_names,
    preset_renderer,
)
from viewpoint100k.errors import InputError, shell_line
from viewpoint100k.manifest import (
    MOST_MANIFEST_BYTES,
    Contents,
    Manifest,
    Removal,
    attribution,
    content_name,
    count_samples,
    features,
    make_manifest,
    read_manifest,
    write_manifest,
)
from viewpoint100k.pages import asset
from viewpoint100k.records import FAMILIES, Sample
from viewpoint100k.shards import (
    REAL,
    Receipt,
    StoredSample,
    decode,
    has_photographs,
    in_sample,
    iter_records,
    own_folder,
    read_inside,
    read_shard,
    write_atomically,
)

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
MOST_CATEGORIES = 20  # that the card names
PICTURE_PX = 320  # side of a view in the example
PLOTS = {  # shown under the statistics, where they were drawn
    "motions.png": "how far the camera went and turned",
    "families.png": "samples by family",
    "answers.png": "right answers of each question",
}


def write_dataset_files(
    dataset: Path,
    config: RunConfig,
    receipts: list[Receipt],
    samples: Iterable[Sample],
    version: str = "1.0.0",
    removed: Iterable[Removal] = (),
) -> Manifest:
    """Write everything beside the shards, each file atomically, manifest.json last."""
    names = [receipt.name for receipt in receipts for _ in range(receipt.samples)]
    versions = set[str]()
    commits = set[str]()

    def seen() -> Iterator[tuple[str, Sample]]:
        for name, sample in zip(names, samples, strict=True):
            versions.add(sample.provenance.code_version)
            if sample.provenance.code_commit is not None:
                commits.add(sample.provenance.code_commit)
            yield name, sample

    contents = count_samples(seen())
    assert versions, "a run has at least one shard with at least one sample"
    code_version = ", ".join(sorted(versions))
    code_commit = ", ".join(sorted(commits)) or None
    manifest = make_manifest(config, receipts, code_version, version, list(removed), code_commit)
    return describe(dataset, manifest, contents)


def rewrite_card(
    dataset: Path,
    version: str = "",
    audit: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """Write everything beside the shards again, from the shards and manifest.json.

    Args:
        version: a higher one for the dataset; empty: as it is.
        audit: the report of `viewpoint100k audit --json`, to show on the card and to keep beside it.

    Raises:
        InputError: no dataset, a version that is not higher, a report that is of something else.
    """
    manifest = read_manifest(dataset)
    if version:
        manifest = with_version(manifest, version)
    if audit is not None:
        report = _read_audit(audit.resolve())  # it may lie anywhere: the user names it
        if not _is_of(report, manifest):
            raise InputError(
                f"{audit} is the report of {report.samples} samples with settings {report.config_hash}; "
                f"{dataset} has "
                f"{manifest.samples} with {manifest.config_hash}. Audit it again: "
                f"`{shell_line('audit', dataset, '--json', audit)}`"
            )
        write_atomically(dataset / "audit.json", (report.to_json() + "\n").encode())
    return describe(dataset, manifest, count_samples(iter_dataset(dataset, manifest, progress)))


def with_version(manifest: Manifest, version: str) -> Manifest:
    """The manifest with a higher version.

    Raises:
        InputError: it is not one, or not higher.
    """
    try:
        new = Manifest.model_validate({**manifest.model_dump(), "version": version})
    except ValidationError as error:
        raise InputError(f"--version {version}: expected three numbers, such as 1.1.0") from error
    if [int(part) for part in version.split(".")] < [int(part) for part in manifest.version.split(".")]:
        raise InputError(
            f"--version {version}: the dataset already has version {manifest.version}; expected a higher one"
        )
    return new


def iter_dataset(
    dataset: Path, manifest: Manifest, progress: Callable[[int, int], None] | None = None
) -> Iterator[tuple[str, Sample]]:
    """(Name of the shard, sample) of all that the manifest lists, without reading pictures."""
    for done, entry in enumerate(manifest.shards):
        if progress is not None:
            progress(done, len(manifest.shards))
        for _, sample in iter_records(dataset / entry.name):
            yield entry.name.removesuffix(".tar"), sample


def describe(dataset: Path, manifest: Manifest, contents: Contents) -> Manifest:
    """Write attribution, card, pictures and croissant.json, and last a manifest that has their hashes.

    Plots are only drawn where matplotlib is installed.
    """
    path, example = _example(dataset, manifest)
    with in_sample(path, example.key):
        pictures = {"example.jpg": _side_by_side(example)}
    pictures |= _plots(contents)
    beside = read_manifest(dataset / REAL) if has_photographs(dataset) else None
    text = card(manifest, contents, example, set(pictures), _audit_of(dataset, manifest), beside)
    files = {
        **{f"card/{name}": data for name, data in pictures.items()},
        "attribution.csv": attribution(contents.objects, contents.used_in).encode(),
        "croissant.json": _croissant(manifest).encode(),
        "README.md": text.encode(),
    }
    folder = own_folder(dataset / "card")
    for name, data in files.items():
        write_atomically(dataset / name, data)
    for old in folder.iterdir():
        if old.name not in pictures and not old.name.endswith(
            ".partial"
        ):  # another process may be writing it
            old.unlink(missing_ok=True)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest = manifest.model_copy(update={"files": hashes})
    write_manifest(dataset, manifest)
    return manifest


def card(
    manifest: Manifest,
    contents: Contents,
    example: StoredSample,
    pictures: set[str],
    audit: AuditReport | None = None,
    beside: Manifest | None = None,
) -> str:
    """README.md of a dataset: YAML that loads it, text that explains it.

    Args:
        beside: of the photographs that lie in its folder `real`, if there are any.
    """
    head = yaml.safe_dump(_head(manifest, beside), sort_keys=False, allow_unicode=True)
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["cell"] = lambda value: _cell(str(value))
    template = environment.from_string(asset("card.md.j2"))
    text = template.render(
        **_facts(manifest, contents),
        **_shown(example),
        **_audited(audit),
        beside=beside,
        pictures=pictures,
        plots=[(about, name) for name, about in PLOTS.items() if name in pictures],
    )
    return f"---\n{head}---\n\n{text.strip()}\n"


def _facts(manifest: Manifest, contents: Contents) -> dict[str, Any]:
    """What the card says of the dataset as a whole."""
    splits = _splits(manifest)
    families = _families(contents)
    licences = Counter(thing.licence for thing in contents.objects.values())
    asked = [
        (kind, ", ".join(f"{answer} {n}" for answer, n in sorted(answers.items())))
        for kind, answers in _answers(contents).items()
    ]
    return {
        "manifest": manifest,
        "title": _title(manifest),
        "what": _what(manifest),
        "split": splits[0],
        "splits": ", ".join(f"{contents.counts[f'split/{split}']} {split}" for split in splits),
        "objects": len(contents.objects) - len(contents.panoramas),
        "fair": contents.counts["asked/fair"],
        "scenes": bool(manifest.config.get("plan", {}).get("scenes")),
        "gates": GateConfig.model_validate(manifest.config.get("gates", {})),
        "asked": asked,
        "families": [
            (name, FAMILIES.get(name, ""), n)  # type: ignore[call-overload]
            for name, n in families.items()
        ],
        "code": _code(manifest),
        "render": manifest.config["render"],
        "quality": _quality_in_words(manifest.config["render"]),
        "released_with": preset_renderer(manifest.preset) if manifest.preset in preset_names() else "",
        "source_limits": _source_limits(str(manifest.config.get("source", ""))),
        "surroundings": _surroundings_in_words(manifest, contents),
        "licences": sorted(licences.items()),
        "categories": _categories(contents),
        "removed": [(each.uid, each.version, each.reason) for each in manifest.removed],
        "citation": _citation(manifest),
    }


def _shown(example: StoredSample) -> dict[str, Any]:
    """The sample on the card, its first question, and whom to credit."""
    thing = example.sample.object
    credit = [f"“{thing.title}”" if thing.title else "", f"by {thing.author},", thing.licence]
    return {
        "example": example,
        "question": example.sample.questions[0] if example.sample.questions else None,
        "credit": " ".join(part for part in credit if part),
    }


def _audited(audit: AuditReport | None) -> dict[str, Any]:
    """The probes of an audit, a row each."""
    if audit is None:
        return {"audit": None}
    rows = []
    for probe in audit.probes:
        measured = probe.value is not None
        value = f"{probe.value:.4g}" if measured else ""
        bound = str(probe.threshold) if measured else ""
        rows.append((probe.name, probe.what, probe.verdict, value, bound))
    return {"audit": audit, "verdicts": Counter(probe.verdict for probe in audit.probes), "probes": rows}


def _config_name(manifest: Manifest) -> str:
    """What loaders call the rows: photographs are never `default`, so that nobody mixes them in unawares."""
    return "real" if manifest.photographed else "default"


def _head(manifest: Manifest, beside: Manifest | None = None) -> dict[str, Any]:
    """The YAML that `datasets` and the Hub read."""
    parts = [(manifest, ""), *([(beside, f"{REAL}/")] if beside is not None else [])]
    kind = "photographs" if manifest.photographed else "synthetic"
    return {
        "pretty_name": _pretty_name(manifest),
        "license": "other",
        "license_name": "per-object",
        "license_link": "attribution.csv",
        "task_categories": ["visual-question-answering", "image-text-to-text"],
        "language": ["en"],
        "size_categories": [next((name for limit, name in SIZES if manifest.samples < limit), "1M<n<10M")],
        "tags": ["webdataset", "spatial-reasoning", "viewpoint", "3d", kind],
        "configs": [
            {
                "config_name": _config_name(part),
                **({} if folder else {"default": True}),
                # `datasets` keys its cache by this head, not by the files
                "description": f"shards {content_name(part)}",
                "data_files": [{"split": split, "path": f"{folder}{split}-*.tar"} for split in _splits(part)],
            }
            for part, folder in parts
        ],
        "dataset_info": [
            {"config_name": _config_name(part), "features": features(part.views)} for part, _ in parts
        ],
    }


def _code(manifest: Manifest) -> str:
    return f"{manifest.code_version}{f' (commit {manifest.code_commit})' if manifest.code_commit else ''}"


def _source_limits(source: str) -> str:
    if source.startswith("builtin:"):
        return "The objects are procedural shapes, made by code: few kinds, simple materials."
    place = source if source.startswith("objaverse:") else "a folder"
    return f"The objects come from {place}, and are as good and as varied as what it holds."


def _surroundings_in_words(manifest: Manifest, contents: Contents) -> str:
    """Where light and backgrounds come from."""
    sources = []
    if contents.panoramas:
        sources.append(f"{len(contents.panoramas)} panoramas of a folder (listed in `attribution.csv`)")
    if BUNDLED in manifest.config.get("render", {}).get("surroundings", [BUNDLED]):
        sources.append("the eight panoramas that ship with the renderer")
    return f"Light and surroundings come from {' and '.join(sources) or 'the renderer'}, and from lamps."


def _families(contents: Contents) -> dict[str, int]:
    """Samples of each family, by name."""
    counts = sorted(contents.counts.items())
    return {key.partition("/")[2]: n for key, n in counts if key.startswith("family/")}


def _categories(contents: Contents) -> list[tuple[str, int, str]]:
    """Name, objects and share of the most frequent categories, then of the others; none if there is one."""
    things = [thing for uid, thing in contents.objects.items() if uid not in contents.panoramas]
    counts = Counter(thing.category for thing in things)
    most = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    rows = most[:MOST_CATEGORIES]
    if rest := most[MOST_CATEGORIES:]:
        rows.append((f"{len(rest)} others", sum(count for _, count in rest)))
    return [(name, count, f"{count / len(things):.1%}") for name, count in rows] if len(most) > 1 else []


def _answers(contents: Contents) -> dict[str, Counter[str]]:
    """Right answers and how often, by kind of question."""
    out: dict[str, Counter[str]] = {}
    for key, number in sorted(contents.counts.items()):
        kind, _, answer = key.partition("/")
        if kind not in ("family", "split", "asked"):
            out.setdefault(kind, Counter())[answer] += number
    return out


def _plots(contents: Contents) -> dict[str, bytes]:
    if not plots.can_plot():
        return {}
    return {
        "frames.png": plots.plot_frames(),
        "motions.png": plots.plot_motions(contents.measures),
        "families.png": plots.plot_families(_families(contents)),
        "answers.png": plots.plot_answers(_answers(contents)),
    }


def _example(dataset: Path, manifest: Manifest) -> tuple[Path, StoredSample]:
    """The first sample that has a question, and its shard; the first of all, where none has."""
    first: tuple[Path, StoredSample] | None = None
    for entry in manifest.shards:
        for stored in read_shard(dataset / entry.name):
            first = first or (dataset / entry.name, stored)
            if stored.sample.fair_questions:
                return dataset / entry.name, stored
    if first is None:
        raise InputError(f"{dataset} has no sample to describe")
    return first


def _side_by_side(example: StoredSample) -> bytes:
    """The views of a sample in a row, numbered, as JPEG."""
    decoded = [decode(image, f"view_{number}.jpg") for number, image in enumerate(example.images)]
    views = [picture.resize((PICTURE_PX, PICTURE_PX)) for picture in decoded]
    row = Image.new("RGB", ((PICTURE_PX + 6) * len(views) - 6, PICTURE_PX), "white")
    for number, view in enumerate(views):
        ImageDraw.Draw(view).text((8, 6), f"{number + 1}", fill="white", stroke_width=2, stroke_fill="black")
        row.paste(view, ((PICTURE_PX + 6) * number, 0))
    out = io.BytesIO()
    row.save(out, "JPEG", quality=88)
    return out.getvalue()


def _croissant(manifest: Manifest) -> str:
    poses = "that came with the photographs" if manifest.photographed else "read back from the renderer"
    description = (
        f"{manifest.samples} {_what(manifest)} with {manifest.questions} questions about how the camera "
        f"moved; every answer is computed from the poses {poses}."
    )
    tree = croissant.croissant(manifest, _name(manifest), description, _citation(manifest))
    return json.dumps(tree, indent=1, ensure_ascii=False) + "\n"


def _audit_of(dataset: Path, manifest: Manifest) -> AuditReport | None:
    """The audit that lies in the folder, if it is of these shards."""
    path = dataset / "audit.json"
    if not os.path.lexists(path):
        return None
    report = _read_audit(path)
    return report if _is_of(report, manifest) else None


def drop_stale_audit(dataset: Path, manifest: Manifest) -> None:
    """Delete the folder's audit report if it is of another state of the dataset."""
    try:
        stale = _audit_of(dataset, manifest) is None
    except InputError:
        stale = True
    if stale:
        (dataset / "audit.json").unlink(missing_ok=True)


def _read_audit(path: Path) -> AuditReport:
    try:
        return AuditReport.model_validate_json(read_inside(path, MOST_MANIFEST_BYTES))
    except ValidationError as error:
        raise InputError(f"{path} is not a report that `viewpoint100k audit --json` wrote") from error


def _is_of(report: AuditReport, manifest: Manifest) -> bool:
    mine = (manifest.config_hash, manifest.samples, manifest.questions)
    return (report.config_hash, report.samples, report.questions) == mine


def _splits(manifest: Manifest) -> list[str]:
    return list(dict.fromkeys(shard.split for shard in manifest.shards))


def _what(manifest: Manifest) -> str:
    return "pairs of views" if manifest.views == 2 else "sets of four views"


def _title(manifest: Manifest) -> str:
    return (
        "Two views of one object: how did the camera move?"
        if manifest.views == 2
        else "Four views of one object"
    )


def _pretty_name(manifest: Manifest) -> str:
    return (
        "Viewpoint-100K, rendered"
        if manifest.preset == "viewpoint-100k"
        else f"Viewpoint ({manifest.preset})"
    )


def _name(manifest: Manifest) -> str:
    """A name that files and keys may have."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in manifest.preset)


def _citation(manifest: Manifest) -> str:
    made = (
        f"seed {manifest.config['seed']}, settings {manifest.config_hash}, made with viewpoint100k "
        f"{manifest.code_version}"
    )
    return (
        f"@misc{{viewpoint_{_name(manifest).replace('-', '_')},\n"
        f"  title = {{{_pretty_name(manifest)}: {_title(manifest)}}},\n"
        f"  note = {{Version {manifest.version}; {made}}}\n}}"
    )


def _quality_in_words(render: dict[str, Any]) -> str:
    quality = RenderConfig.model_validate(render).settings()
    return (
        f"quality {render['quality']}: {quality.samples} paths per "
        f"pixel{', denoised' if quality.denoise else ''}"
    )


def _cell(text: str) -> str:
    """Text from strangers' files, which must neither end a table's cell nor be read as markup."""
    return text.replace("|", "/").replace("\n", " ").replace("<", "&lt;").replace("![", "!&#91;")
