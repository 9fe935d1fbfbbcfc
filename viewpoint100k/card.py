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
from PIL import Image, ImageDraw
from pydantic import ValidationError

from viewpoint100k import croissant, plots
from viewpoint100k.audit.report import AuditReport
from viewpoint100k.config import GateConfig, RenderConfig, RunConfig
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
from viewpoint100k.records import FAMILIES, Sample
from viewpoint100k.shards import (
    Receipt,
    StoredSample,
    decode,
    in_sample,
    iter_records,
    own_folder,
    read_inside,
    read_shard,
    write_atomically,
)

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
PICTURE_PX = 320  # side of a view in the example


def write_dataset_files(
    dataset: Path,
    config: RunConfig,
    receipts: list[Receipt],
    samples: Iterable[Sample],
    version: str = "1.0.0",
    removed: Iterable[Removal] = (),
) -> Manifest:
    """Write all that lies beside the shards, each file atomically, manifest.json last."""
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
    """Write all that lies beside the shards anew, from them and manifest.json.

    Args:
        version: a higher one for the dataset; empty: as it is.
        audit: the report of `viewpoint100k audit --json`, to be shown on the card and kept beside it.

    Raises:
        InputError: no dataset, a version that is not higher, a report that is of something else.
    """
    manifest = read_manifest(dataset)
    if version:
        manifest = with_version(manifest, version)
    if audit is not None:
        report = _read_audit(audit.resolve())  # it may be anywhere: it is the user who names it
        if not _is_of(report, manifest):
            raise InputError(
                f"{audit} is of {report.samples} samples with settings {report.config_hash}; {dataset} has {manifest.samples} with "
                f"{manifest.config_hash}. Audit it again: `{shell_line('audit', dataset, '--json', audit)}`"
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
            f"--version {version}: the dataset has {manifest.version} already; expected a higher one"
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
    text = card(manifest, contents, example, set(pictures), _audit_of(dataset, manifest))
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
        if old.name not in pictures and not old.name.endswith(".partial"):  # somebody may be writing it
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
) -> str:
    """README.md of a dataset: YAML that loads it, text that explains it."""
    licences = Counter(thing.licence for thing in contents.objects.values())
    splits = ", ".join(f"{contents.counts[f'split/{split}']} {split}" for split in _splits(manifest))
    gates = GateConfig.model_validate(manifest.config.get("gates", {}))
    parts = [
        f"---\n{yaml.safe_dump(_head(manifest), sort_keys=False, allow_unicode=True)}---",
        f"# {_title(manifest)}",
        f"{manifest.samples} {_what(manifest)} ({splits}) of {len(contents.objects)} objects, {manifest.questions} questions, "
        f"{contents.counts['asked/fair']} of them in the balanced subset (`fair`). "
        "Rendered, not photographed: every answer is computed from the poses read back from the renderer. No object is in two "
        f"splits. Version {manifest.version}.",
        _example_text(example),
        _LOADING.format(tag=f"v{manifest.version}", split=_splits(manifest)[0]),
        _FRAMES.format(picture="![frames and signs](card/frames.png)" if "frames.png" in pictures else ""),
        _SCENES if manifest.config.get("plan", {}).get("scenes") else "",
        _asked_text(contents, gates),
        _statistics_text(contents, pictures),
        _audit_text(audit, manifest),
        _made_text(manifest),
        _limits_text(manifest, contents),
        _table("Licences", _LICENCES, ["licence", "objects"], sorted(licences.items())),
        _removed_text(manifest),
        _CITATION.format(citation=_citation(manifest)),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _head(manifest: Manifest) -> dict[str, Any]:
    """The YAML that `datasets` and the Hub read."""
    return {
        "pretty_name": _pretty_name(manifest),
        "license": "other",
        "license_name": "per-object",
        "license_link": "attribution.csv",
        "task_categories": ["visual-question-answering", "image-text-to-text"],
        "language": ["en"],
        "size_categories": [next((name for limit, name in SIZES if manifest.samples < limit), "1M<n<10M")],
        "tags": ["webdataset", "spatial-reasoning", "viewpoint", "3d", "synthetic"],
        "configs": [
            {
                "config_name": "default",
                "default": True,
                # `datasets` keys its cache by this head, not by the files
                "description": f"shards {content_name(manifest)}",
                "data_files": [{"split": split, "path": f"{split}-*.tar"} for split in _splits(manifest)],
            }
        ],
        "dataset_info": [{"config_name": "default", "features": features(manifest.views)}],
    }


_LOADING = """
## Load it

The folder, or the dataset on the Hub; one row per sample: `view_0.jpg`, `view_1.jpg`, ..., `json`.

```python
from datasets import load_dataset

samples = load_dataset("path/to/the/folder", split="{split}")                                       # a folder, as a table
stream = load_dataset("org/name", revision="{tag}", split="{split}", streaming=True)                # from the Hub, as it comes
```

One row per question, with `images`, `prompt`, `options`, `answer`, `type`, ...; what trainers, and people, want:

```python
from viewpoint100k import load_questions

questions = load_questions("org/name", revision="{tag}", split="{split}", streaming=True)           # or a folder
```

That is the balanced subset: questions whose answers no flat cue gives away. `fair=False` gives all, which are as right.

All columns are typed in the head of this page: `json` holds object, poses, truth and questions.
"""

_FRAMES = """
## Frames and signs

{picture}

World: right-handed, +Z up. Cameras: OpenCV axes, x right, y down, z forward. `world_from_camera` takes points in camera axes to the world.
The motion is the camera's, from the first picture to the second.

| in `truth` | positive means |
|---|---|
| `translation` (in the first camera's axes, over its distance to the object) | x right, y **down**, z forward |
| `yaw_deg`, `pitch_deg`, `roll_deg` | turned right, turned up, turned clockwise as seen from behind the camera |
| `azimuth_change_deg` | went counter-clockwise around the object, seen from above |
| `elevation_change_deg`, `distance_ratio` - 1, `focal_ratio` - 1 | higher, farther, zoomed in |
"""

_SCENES = """
## Scenes

Each sample shows several objects on level ground. `json.scene` has what each is called, its box and place in the world, its front where that is known, and per
picture its visible pixels, the pixels it would have alone, its box, depth and what hides it; `scene.change` is what happens between the pictures, if anything does.
`truth` is of the camera about the middle of the scene. Whom to thank is in `scene.parts[k].object`, for each object.
"""

_LICENCES = """
The pictures show objects of others; a render is a derivative of its object. `attribution.csv` names title, author, licence and source of
each, and every sample carries the same in `json.object`. Choose by licence:

```python
free = samples.filter(lambda row: row["json"]["object"]["licence"].startswith(("CC0", "CC-BY-4")))
```

To have an object taken out, write to who published this; its `uid` is in `attribution.csv`.
"""

_CITATION = """
## Citation

```bibtex
{citation}
```

It follows the questions of Viewpoint-100K (*Actial*, arXiv 2511.01618), whose pictures are photographs and whose engine was not published.
"""


def _asked_text(contents: Contents, gates: GateConfig) -> str:
    kinds = _answers(contents)
    intro = f"""
A question is asked only where its answer is clear: a sideways move of at least {gates.truck_grey.high:g} of the distance, a turn of at
least {gates.yaw_grey_deg.high:g} degrees, a tilt or roll of at least {gates.tilt_grey_deg.high:g}, an orbit of at least {gates.azimuth_grey_deg.high:g}, or none at all; and only where the picture
would differ if a wrong answer were true (`decidability`), so that a plain vase is not asked about. In the balanced subset (`fair`), which is
counted here, the object's shift or growth in the picture gives the wrong answer as often as the right one.
"""
    rows = [
        (kind, ", ".join(f"{answer} {n}" for answer, n in sorted(each.items())))
        for kind, each in kinds.items()
    ]
    return _table("What is asked", intro, ["question", "right answers"], rows)


def _statistics_text(contents: Contents, pictures: set[str]) -> str:
    shown = {
        "motions.png": "how far the camera went and turned",
        "families.png": "samples by family",
        "answers.png": "right answers of each question",
    }
    plots_text = "\n\n".join(f"![{about}](card/{name})" for name, about in shown.items() if name in pictures)
    families = {
        key.split("/", 1)[1]: n for key, n in sorted(contents.counts.items()) if key.startswith("family/")
    }
    rows = [(name, FAMILIES.get(name, ""), n) for name, n in families.items()]  # type: ignore[call-overload]
    return _table("Statistics", plots_text, ["family", "what the camera does", "samples"], rows)


def _audit_text(audit: AuditReport | None, manifest: Manifest) -> str:
    if audit is None:
        return ""
    verdicts = Counter(probe.verdict for probe in audit.probes)
    intro = (
        f"`viewpoint100k audit` tries to answer without looking properly, recomputes every label by a second implementation, and "
        f"looks for leaks: {verdicts['pass']} probes passed, {verdicts['fail']} failed, {verdicts['not measured']} not measured. In full in `audit.json`."
    )
    rows = [
        (
            probe.name,
            probe.what,
            probe.verdict,
            "" if probe.value is None else f"{probe.value:.4g}",
            "" if probe.value is None else str(probe.threshold),
        )
        for probe in audit.probes
    ]
    return _table("Audit", intro, ["probe", "what", "verdict", "value", "bound"], rows)


def _made_text(manifest: Manifest) -> str:
    render = manifest.config["render"]
    return f"""
## How it was made

Preset `{manifest.preset}`, seed {manifest.config["seed"]}, settings {manifest.config_hash} (in full in `manifest.json`), code {_code(manifest)}. {manifest.renderer} on {manifest.device},
{render["size_px"]} x {render["size_px"]} px, {_quality_in_words(render)}. `viewpoint100k validate` rereads every file, recomputes every truth and answer.
The same settings and seed give the same bytes, for one renderer version and one kind of processor.
"""


def _code(manifest: Manifest) -> str:
    return f"{manifest.code_version}{f' (commit {manifest.code_commit})' if manifest.code_commit else ''}"


def _limits_text(manifest: Manifest, contents: Contents) -> str:
    source = str(manifest.config.get("source", ""))
    objects = (
        "The objects are procedural shapes, made by code: few kinds, simple materials."
        if source.startswith("builtin:")
        else f"The objects come from {source if source.startswith('objaverse:') else 'a folder'} and are as good, and as many-sided, as that is."
    )
    return f"""
## Known limits

- One object in each picture, before a backdrop: no rooms, no people, no clutter. What is learnt here has to be shown to carry over to photographs.
- {objects} Objects that look the same from all sides are left out, because nothing could be told.
- Light comes from the few surroundings that ship with the renderer, and lamps. Lenses are ideal: no blur, no distortion, no noise of a sensor.
- Questions and chains of thought are English sentences from templates; `template` names the one that was used.
- Categories, titles and licences are what the objects' sources say; nobody has looked at all {len(contents.objects)}.
"""


def _removed_text(manifest: Manifest) -> str:
    rows = [(each.uid, each.version, each.reason) for each in manifest.removed]
    if not rows:
        return ""
    intro = "These were taken out, and are in no shard of this version. Earlier revisions of this repository may still hold them."
    return _table("Removed objects", intro, ["uid", "since version", "reason"], rows)


def _example_text(example: StoredSample) -> str:
    thing = example.sample.object
    lines = [f"![the views of a sample, in order](card/example.jpg)\n\nSample `{example.key}`"]
    if example.sample.questions:
        question = example.sample.questions[0]
        lines += [f"> {_cell(line)}  " for line in question.prompt.split("\n")]
        lines += [">", f"> **{_cell(question.answer)}**", ""]
    credit = [f"“{thing.title}”" if thing.title else "", f"by {thing.author},", thing.licence]
    return "\n".join([*lines, f"The object: {_cell(' '.join(part for part in credit if part))}."])


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
    families = {
        key.split("/", 1)[1]: n for key, n in sorted(contents.counts.items()) if key.startswith("family/")
    }
    return {
        "frames.png": plots.plot_frames(),
        "motions.png": plots.plot_motions(contents.measures),
        "families.png": plots.plot_families(families),
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
    description = (
        f"{manifest.samples} {_what(manifest)} with {manifest.questions} questions about how the camera moved; every answer is "
        "computed from the poses read back from the renderer."
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
    made = f"seed {manifest.config['seed']}, settings {manifest.config_hash}, rendered with viewpoint100k {manifest.code_version}"
    return (
        f"@misc{{viewpoint_{_name(manifest).replace('-', '_')},\n"
        f"  title = {{{_pretty_name(manifest)}: {_title(manifest)}}},\n"
        f"  note = {{Version {manifest.version}; {made}}}\n}}"
    )


def _quality_in_words(render: dict[str, Any]) -> str:
    quality = RenderConfig.model_validate(render).settings()
    return f"quality {render['quality']}: {quality.samples} paths per pixel{', denoised' if quality.denoise else ''}"


def _table(title: str, intro: str, head: list[str], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(str(cell)) for cell in row)} |" for row in rows]
    return "\n\n".join(part for part in (f"## {title}", intro.strip("\n"), "\n".join(lines)) if part)


def _cell(text: str) -> str:
    """Text of strangers' files that must neither end a table's cell nor be read as markup."""
    return text.replace("|", "/").replace("\n", " ").replace("<", "&lt;").replace("![", "!&#91;")
