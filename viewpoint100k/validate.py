"""Are the files right? Rereads everything and derives every truth and answer again from the stored poses."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from pydantic_core import from_json

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.errors import InputError, one_line, shell_line
from viewpoint100k.identity import this_code
from viewpoint100k.index import FOLDER, index_files, rows, shard_differences
from viewpoint100k.manifest import (
    BESIDE_THE_SHARDS,
    MOST_MANIFEST_BYTES,
    MOST_ROW_BYTES,
    Manifest,
    ShardEntry,
    attribution,
    config_fault,
    features,
    read_any_config,
)
from viewpoint100k.proof import Reader
from viewpoint100k.questions.ask import answered, figure_of, load_templates, question_id
from viewpoint100k.questions.kind import DrawnKind, Kind
from viewpoint100k.questions.registry import BY_NAME, KINDS
from viewpoint100k.questions.wording import answer, lens_text, option_texts, phrase_of, prompt
from viewpoint100k.questions.words_file import vocabulary_problems
from viewpoint100k.records import (
    SCHEMA_VERSION,
    ObjectRecord,
    Provenance,
    Question,
    Sample,
    Truth,
    Vocabulary,
)
from viewpoint100k.scenes.checks import problems_of_scene
from viewpoint100k.scoring import score
from viewpoint100k.shards import (
    REAL,
    StoredSample,
    decode,
    has_photographs,
    in_sample,
    is_own_folder,
    keep_picture_memory,
    open_inside,
    parse_sample,
    read_inside,
    read_members,
    sha256_file,
    shard_paths,
    split_of,
)

LEAST_LEVEL = 1e-6  # part of a line of sight
TRUTH_ATOL = 2e-6  # the published truth is rounded to a millionth
MOST_CARD_BYTES = 4 << 20
MOST_HEAD = 1 << 17  # characters of the YAML of a card; ours have 7,500
MOST_EXTRA_LINES = 20  # of attribution.csv, that are listed one by one


class Problem(NamedTuple):
    where: str  # file, and sample where there is one
    what: str


class Report(NamedTuple):
    samples: int
    questions: int
    shards: int
    problems: list[Problem]


class MadeBy(NamedTuple):
    """What a sample says it was made by, as far as the manifest says so too."""

    version: str
    commit: str | None
    renderer: str
    device: str


class _Shard(NamedTuple):
    """What checking one shard found, and what only the whole dataset can judge."""

    problems: list[Problem]
    keys: list[str]
    objects: dict[str, ObjectRecord]  # by uid
    provenances: set[MadeBy]
    questions: int


def validate_dataset(dataset: Path, workers: int | None = None) -> Report:
    """Check every byte of a dataset folder that anybody will read.

    Args:
        workers: processes; None: one per core.

    Raises:
        InputError: the folder is no dataset of ours at all.
    """
    manifest = read_any_config(dataset)
    if manifest.schema_version != SCHEMA_VERSION:
        raise InputError(
            f"{dataset / 'manifest.json'} has schema {manifest.schema_version}; this version reads "
            f"{SCHEMA_VERSION}"
        )
    if fault := config_fault(manifest):
        what = f"its config is not one of ours, so nothing can be checked by it: {fault}"
        return Report(0, 0, 0, [Problem("manifest.json", what)])
    if fault := _fault_of_words(manifest.words):
        what = f"its words cannot be used, so no question can be checked by them: {fault}"
        return Report(0, 0, 0, [Problem("manifest.json", what)])
    gates = GateConfig.model_validate(manifest.config["gates"])
    problems = list(_folder_problems(dataset, manifest))
    here = [entry for entry in manifest.shards if os.path.lexists(dataset / entry.name)]
    if is_own_folder(dataset / FOLDER):
        index_files(dataset)  # imports pyarrow once, for all processes
    check = partial(_check_shard, dataset, manifest, gates)
    processes = min(workers or os.cpu_count() or 1, len(here))
    if processes > 1:
        with ProcessPoolExecutor(processes) as pool:
            found = list(pool.map(check, here))
    else:
        found = list(map(check, here))
    objects = dict[str, ObjectRecord]()
    used_in = dict[str, list[str]]()
    for entry, shard in zip(here, found, strict=True):
        problems += shard.problems
        for uid, record in shard.objects.items():
            if record != objects.setdefault(uid, record):
                what = f"object {uid} is described otherwise than in {used_in[uid][0]}"
                problems.append(Problem(entry.name, what))
            used_in.setdefault(uid, []).append(entry.name.removesuffix(".tar"))
    problems += _twice(here, found)
    problems += _split_problems(here, found)
    problems += _come_back(dataset, manifest, used_in)
    problems += _attribution_problems(dataset, objects, used_in)
    problems += _beside_problems(dataset, workers)
    problems += _manifest_problems(manifest, set[MadeBy]().union(*(shard.provenances for shard in found)))
    if is_own_folder(dataset / FOLDER):
        problems += _index_problems(dataset, manifest)
    samples = len(set[str]().union(*(shard.keys for shard in found)))
    return Report(samples, sum(shard.questions for shard in found), len(here), problems)


def _twice(entries: Sequence[ShardEntry], shards: Sequence[_Shard]) -> Iterator[Problem]:
    """Keys that several samples have."""
    keys = dict[str, str]()
    for entry, shard in zip(entries, shards, strict=True):
        for key in shard.keys:
            if key in keys:
                yield Problem(f"{entry.name}, {key}", f"the key is also in {keys[key]}")
            keys[key] = entry.name


def _split_problems(entries: Sequence[ShardEntry], shards: Sequence[_Shard]) -> Iterator[Problem]:
    """Objects that stand in two splits, under their own name or as another file of the same bytes."""
    splits = dict[str, tuple[str, str]]()
    for entry, shard in zip(entries, shards, strict=True):
        for uid, record in shard.objects.items():
            for name in {uid, record.sha256 or uid}:
                first, other = splits.setdefault(name, (entry.split, entry.name))
                if first != entry.split:
                    what = f"object {uid} is in split {entry.split} and, by {other}, in {first}"
                    yield Problem(entry.name, what)


def _come_back(dataset: Path, manifest: Manifest, used_in: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Objects that were removed and are there all the same."""
    for removal in manifest.removed:
        if removal.uid in used_in:
            where = ", ".join(f"{name}.tar" for name in used_in[removal.uid])
            what = (
                f"holds object {removal.uid}, which was removed: finish that with "
                f"`{shell_line('remove', dataset)}`"
            )
            yield Problem(where, what)


def _beside_problems(dataset: Path, workers: int | None) -> Iterator[Problem]:
    """The photographs in the folder of a dataset of renders are a dataset that validates, too."""
    if not os.path.lexists(dataset / REAL):
        return
    if not has_photographs(dataset):
        yield Problem(REAL, "is no folder with a dataset of photographs; nothing else may lie there")
        return
    if not read_any_config(dataset / REAL).photographed:
        yield Problem(REAL, "is a dataset of renders; expected one that `viewpoint100k photos` wrote")
        return
    if os.path.lexists(dataset / REAL / REAL):
        yield Problem(f"{REAL}/{REAL}", "is not listed; expected one folder of photographs")
        return
    for problem in validate_dataset(dataset / REAL, workers).problems:
        yield Problem(f"{REAL}/{problem.where}", problem.what)


def _folder_problems(dataset: Path, manifest: Manifest) -> Iterator[Problem]:
    listed = {entry.name: entry for entry in manifest.shards}
    present = {path.name for path in shard_paths(dataset)} if any(dataset.glob("*.tar")) else set()
    for name in sorted(set(listed) - present):
        yield Problem(name, "listed in manifest.json, but not there")
    for entry in sorted(dataset.iterdir()):
        if entry.name not in {*BESIDE_THE_SHARDS, ".run", *listed}:
            yield Problem(entry.name, "is not listed in manifest.json; loaders may read it")
    for name in ("card", FOLDER, ".run"):
        if (dataset / name).is_symlink():
            yield Problem(name, "is a link; expected a folder of the dataset's own")
    for key in ("samples", "questions"):
        total = sum(getattr(entry, key) for entry in manifest.shards)
        if getattr(manifest, key) != total:
            yield Problem(
                "manifest.json", f"says {getattr(manifest, key)} {key}; its shards add up to {total}"
            )
    yield from _side_problems(dataset, manifest)
    try:
        declared, splits = _declared(read_inside(dataset / "README.md", MOST_CARD_BYTES).decode())
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError, yaml.YAMLError, InputError):
        yield Problem(
            "README.md", "has no YAML head with configs and dataset_info: loaders would guess, wrongly"
        )
        return
    if declared != features(manifest.views):
        yield Problem("README.md", "declares other features than the samples have")
    for name in ("README.md", "attribution.csv"):
        if name not in manifest.files and (dataset / name).is_file():
            yield Problem(name, "was changed since it was written: manifest.json does not list it")
    if splits != {entry.split: f"{entry.split}-*.tar" for entry in manifest.shards}:
        yield Problem("README.md", f"maps splits to {splits}, which is not what manifest.json lists")


def _declared(card: str) -> tuple[Any, dict[str, str]]:
    """Features and files of each split, as the head of README.md declares them.

    Raises all kinds of errors.
    """
    head = card[:MOST_HEAD].removeprefix("---\n").split("\n---\n")
    if not card.startswith("---\n") or len(head) < 2:
        raise ValueError("it has no head, or one that is too long")
    # texts alone: what YAML makes of dates, numbers and true costs more than it says. Its aliases can blow up
    # what is printed
    front = yaml.load(head[0], Loader=yaml.BaseLoader)
    splits = {
        str(files["split"])[:99]: str(files["path"])[:99]
        for files in _texts(front["configs"][0]["data_files"])
    }
    return front["dataset_info"][0].get("features"), splits


def _texts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not all(isinstance(value, str) for row in rows for value in row.values()):
        raise TypeError("a list or a mapping where a text is expected")
    return rows


def _side_problems(dataset: Path, manifest: Manifest) -> Iterator[Problem]:
    """What lies beside the shards is what was written with them."""
    for name, digest in manifest.files.items():
        path = dataset / name
        if not path.is_file():
            yield Problem(name, "listed in manifest.json, but not there")
            continue
        try:
            if sha256_file(path, dataset) == digest:
                continue
            what = (
                f"is not what manifest.json says, or of another version: `{shell_line('card', dataset)}` "
                f"writes it anew"
            )
        except InputError as error:
            what = str(error)
        yield Problem(name, what)
    for path in sorted((dataset / "card").glob("*")) if is_own_folder(dataset / "card") else ():
        if manifest.files and f"card/{path.name}" not in manifest.files:
            yield Problem(f"card/{path.name}", "is not listed in manifest.json")
    audit = dataset / "audit.json"
    if os.path.lexists(audit):
        try:
            tree = from_json(read_inside(audit, MOST_MANIFEST_BYTES))
            fits = [tree[name] == getattr(manifest, name) for name in ("config_hash", "samples", "questions")]
        except (ValueError, LookupError, TypeError, InputError) as error:
            yield Problem("audit.json", f"cannot be read ({one_line(str(error))}): audit again, or delete it")
            return
        if not all(fits):
            yield Problem(
                "audit.json", "is of another dataset, or of another version: audit again, or delete it"
            )


def _check_shard(dataset: Path, manifest: Manifest, gates: GateConfig, entry: ShardEntry) -> _Shard:
    keep_picture_memory()
    path = dataset / entry.name
    out = _Shard([], [], {}, set(), 0)
    listed = dict[str, list[dict[str, Any]]]() if is_own_folder(dataset / FOLDER) else None
    problems = out.problems
    questions = 0
    if not entry.name.startswith(f"{entry.split}-"):
        problems.append(Problem(entry.name, f"manifest.json says it is of split {entry.split}"))
    members = read_members(path)
    whole = True
    while True:
        try:
            key, files = next(members)
        except StopIteration:
            break
        except InputError as error:
            problems.append(Problem(entry.name, str(error)))
            whole = False
            break
        out.keys.append(key)
        try:
            stored = parse_sample(path, key, files)
        except InputError as error:
            problems.append(Problem(f"{entry.name}, {key}", str(error)))
            continue
        questions += len(stored.sample.questions)
        if listed is not None:
            listed[key] = list(rows(path, key, files, stored.sample))
        problems += _stored_problems(path, stored, out, manifest, gates, entry)
    if whole:  # else there is no end to what may have to be read
        problems[:0] = _other_bytes(path, entry)
    if len(out.keys) != entry.samples or questions != entry.questions:
        what = (
            f"{len(out.keys)} samples with {questions} questions; manifest.json says {entry.samples} "
            f"and {entry.questions}"
        )
        problems.append(Problem(entry.name, what))
    if listed is not None:
        problems += _row_problems(dataset, manifest, entry, listed)
    return out._replace(questions=questions)


def _stored_problems(
    path: Path, stored: StoredSample, shard: _Shard, manifest: Manifest, gates: GateConfig, entry: ShardEntry
) -> list[Problem]:
    """What is wrong with one sample of a shard. Notes in `shard` its objects and what it was made by."""
    where = f"{entry.name}, {stored.key}"
    problems = []
    for record in stored.sample.credited:
        if record != shard.objects.setdefault(record.uid, record):
            what = f"object {record.uid} is described otherwise than in a sample before"
            problems.append(Problem(where, what))
    shard.provenances.add(_made_with(stored.sample.provenance))
    try:
        with in_sample(path, stored.key):
            found = list(sample_problems(stored, entry.split, manifest, gates))
    except InputError as error:
        found = [str(error)]
    return problems + [Problem(where, what) for what in found]


def _row_problems(
    dataset: Path, manifest: Manifest, entry: ShardEntry, listed: Mapping[str, list[dict[str, Any]]]
) -> Iterator[Problem]:
    """Rows of the index that a shard contradicts."""
    file = f"{FOLDER}/{split_of(dataset / entry.name)}.parquet"
    most = sum(other.questions for other in manifest.shards if other.split == entry.split)
    for difference in shard_differences(dataset, entry.name, listed, most):
        if difference.key:
            yield Problem(f"{entry.name}, {difference.key}", f"{difference.what} ({file})")
        else:
            yield Problem(file, difference.what)


def _other_bytes(path: Path, entry: ShardEntry) -> Iterator[Problem]:
    size = path.stat().st_size
    digest = sha256_file(path)
    if size != entry.bytes or digest != entry.sha256:
        what = (
            f"{size} bytes with sha256 {digest[:12]}...; manifest.json says {entry.bytes} and "
            f"{entry.sha256[:12]}..."
        )
        yield Problem(entry.name, what)


def _made_with(provenance: Provenance) -> MadeBy:
    return MadeBy(provenance.code_version, provenance.code_commit, provenance.renderer, provenance.device)


def sample_problems(stored: StoredSample, split: str, manifest: Manifest, gates: GateConfig) -> Iterator[str]:
    """What is wrong with one sample, a line each."""
    sample = stored.sample
    if sample.split != split:
        yield f"says it is of split {sample.split}"
    if sample.preset != manifest.preset:
        yield f"is of preset {sample.preset}, the dataset of {manifest.preset}"
    if sample.provenance.config_hash not in {manifest.config_hash, *manifest.earlier_hashes}:
        yield (
            f"was made with settings {sample.provenance.config_hash}, the dataset with {manifest.config_hash}"
        )
    if len(sample.views) != manifest.views:
        yield f"has {len(sample.views)} views; the samples of this dataset have {manifest.views}"
    if len(stored.images) != len(sample.views):
        yield f"has {len(stored.images)} images for {len(sample.views)} views"
    for number, (image, view) in enumerate(zip(stored.images, sample.views, strict=False)):
        expected = (round(2 * view.intrinsics[0][2]), round(2 * view.intrinsics[1][2]))
        try:
            size = decode(image, f"view_{number}.jpg").size
        except InputError as error:
            yield str(error)
            continue
        if size != expected:
            yield f"view_{number}.jpg is JPEG RGB {size}; its intrinsics say JPEG RGB {expected}"
    yield from truth_problems(sample)
    yield from problems_of_scene(sample, gates)
    reader = Reader(sample, gates, manifest.words)
    for question in sample.questions:
        problems = list(_question_problems(question, sample, stored.key, gates, manifest.words))
        if not problems:  # a second opinion
            problems = reader.problems(question)
        yield from (f"question {question.id}: {what}" for what in problems)
    if not sample.questions:
        yield "has no question"
    if len({question.id for question in sample.questions}) != len(sample.questions):
        yield "has two questions of the same id"


def truth_problems(sample: Sample) -> Iterator[str]:
    """What a sample states about its truth or its pictures that its own poses contradict."""
    for number, view in enumerate(sample.views):
        if max(abs(row[2]) for row in view.world_from_camera[:2]) < LEAST_LEVEL:
            yield f"views.{number}.world_from_camera looks straight up or down, where roll has no meaning"
            return
    try:
        derived = make_truth(
            sample.views[0], sample.views[1], sample.truth.covisible_fraction, sample.truth.front_azimuth_deg
        )
    except InputError as error:
        yield f"the stored poses are not rigid: {error}"
        return
    if np.abs(_numbers(sample.truth) - _numbers(derived)).max() > TRUTH_ATOL:
        for name in Truth.model_fields:
            stored = getattr(sample.truth, name)
            recomputed = getattr(derived, name)
            if stored is not None and not np.allclose(stored, recomputed, rtol=0, atol=TRUTH_ATOL):
                yield f"truth.{name} = {stored}; the poses say {recomputed}"
    for number, view in enumerate(sample.views):
        hfov_deg = np.degrees(2 * np.arctan(view.intrinsics[0][2] / view.intrinsics[0][0]))
        if abs(view.hfov_deg - hfov_deg) > 1e-4:
            yield f"views.{number}.hfov_deg = {view.hfov_deg}; its intrinsics say {hfov_deg:.4f}"
        left, top, right, bottom = view.object_box
        width = 2 * view.intrinsics[0][2]
        height = 2 * view.intrinsics[1][2]
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            yield f"views.{number}.object_box = {view.object_box}; the picture is {width:.0f} x {height:.0f}"
        elif not 0 < view.object_share <= (right - left) * (bottom - top) / (width * height) + 1e-6:
            yield (
                f"views.{number}.object_share = {view.object_share}; its box is smaller, or the object is "
                "not there"
            )


def _numbers(truth: Truth) -> np.ndarray:
    """All of a truth in one array: comparing field by field takes longer than deriving it."""
    others = [
        getattr(truth, name)
        for name in Truth.model_fields
        if name not in ("second_from_first", "translation")
    ]
    return np.array(
        [
            *chain.from_iterable(truth.second_from_first),
            *truth.translation,
            *(value or 0.0 for value in others),
        ]
    )


def _fault_of_words(words: Vocabulary | None) -> str:
    """What is wrong with the words of a dataset; empty: nothing."""
    if words is None:
        return "there are none"
    known = [kind for kind in KINDS if kind.name in words.options or kind.name in words.phrases]
    return next(vocabulary_problems(words, known), "")


def _question_problems(
    question: Question, sample: Sample, key: str, gates: GateConfig, words: Vocabulary | None
) -> Iterator[str]:
    kind = BY_NAME.get(f"{question.type}/{question.frame}")
    if kind is None:
        yield f"no such kind: {question.type} in frame {question.frame}"
        return
    if words is None or (kind.options and kind.name not in words.options):
        yield f"manifest.json has no words for the kind {kind.name}"
        return
    figure = figure_of(question)
    if question.id != question_id(key, kind, figure):
        yield f"its id does not fit the sample {key} and the kind"
    if wrong := _views_problem(question, sample, kind):
        yield f"shows the views {question.images}; {wrong}"
        return
    asked = answered(sample, kind, figure, gates)
    if asked is None:
        yield "is asked although the truth is in the grey band, or its figure does not belong to the sample"
        return
    fact = asked.fact
    texts = option_texts(kind, figure, sample.scene, words)
    unknown = set(question.options) - set(texts)
    if (
        unknown
        or len(set(question.options)) != len(question.options)
        or len(question.options) != _shown(kind)
    ):
        yield f"options {question.options}; expected {_shown(kind)} different ones of {texts}"
        return
    if texts and texts[fact.option] not in question.options:
        yield f"the right option ({texts[fact.option]}) is not shown"
        return
    keys = [kind.options[texts.index(option)] for option in question.options]
    if question.option_keys != keys:
        yield f"option_keys = {question.option_keys}; its options are {keys}"
    right = question.options.index(texts[fact.option]) if texts else -1
    if question.answer_index != right:
        named = f" ({question.options[right]})" if question.options else ""
        yield f"answer_index = {question.answer_index}; the poses say {right}{named}"
    if question.value != fact.value:
        yield f"value = {question.value}; the poses say {fact.value}"
    if (question.answer_form == "number") != (fact.value is not None):
        yield (
            f"its answer_form is {question.answer_form}; it asks for "
            f"{'one of its options' if kind.options else 'a number'}"
        )
        return
    gold = answer(question.options, right, question.answer_form, fact.value)
    scored = score(question.answer, question.options, right, question.answer_form, fact.value)
    if question.answer != gold or scored != 1:
        yield f"the gold answer {question.answer!r} does not score 1 (right is {gold!r})"
    if abs(question.margin - fact.margin) > 1e-5 or question.margin < 1:
        yield f"margin = {question.margin}; the poses say {fact.margin:.6f}, and at least 1 is needed"
    least = asked.decidability
    unproven = sample.proof == "depth" and question.decidability < gates.min_decidability
    if unproven or abs(question.decidability - least) > 1e-5:
        yield (
            f"decidability = {question.decidability}; the sample says {least}, and {gates.min_decidability} "
            "is needed"
        )
    yield from _prompt_problems(question, sample, kind, words)


def _prompt_problems(question: Question, sample: Sample, kind: Kind, words: Vocabulary) -> Iterator[str]:
    """What the prompt does not say, or says otherwise than the question's fields."""
    views = [sample.views[view] for view in question.images]
    lens = lens_text(views, words) if kind.lens else ""
    wording = question.prompt.split("\n")[0].removesuffix(lens).strip()
    expected = prompt(wording, question.options, question.answer_form, words, lens)
    if not wording or question.prompt != expected:
        yield "the prompt does not show its own options, or not what its lens did"
    if (phrase := phrase_of(kind, figure_of(question), words)) not in wording:
        yield f"the prompt does not say {phrase!r}, which it asks about"


def _views_problem(question: Question, sample: Sample, kind: Kind) -> str:
    if not question.images or set(question.images) - set(range(len(sample.views))):
        return f"the sample has {len(sample.views)}"
    if len(set(question.images)) < len(question.images):
        return "one of them twice"
    if isinstance(kind, DrawnKind) and question.images == [1, 0]:
        return "expected [0, 1]: with a figure, no pair is asked about in the other order"
    if not isinstance(kind, DrawnKind) and question.images not in ([0, 1], [1, 0]):
        return "expected [0, 1], or [1, 0] where both orders are asked about"
    if not isinstance(kind, DrawnKind) and question.images == [1, 0] and sample.decidability_reversed is None:
        return "expected [0, 1]: the sample has no decidability_reversed"
    return ""


def _shown(kind: Kind) -> int:
    return kind.shown or len(kind.options)


def _attribution_problems(
    dataset: Path, objects: dict[str, ObjectRecord], used_in: dict[str, list[str]]
) -> Iterator[Problem]:
    """The shards say what must be there, line by line."""
    expected = attribution(objects, {uid: set(names) for uid, names in used_in.items()}).splitlines()
    wanted = set(expected)
    missing = set(expected)
    named = set[str]()
    unasked = list[str]()
    more = 0
    try:
        with open_inside(dataset / "attribution.csv") as file:
            for data in iter(partial(file.readline, MOST_ROW_BYTES), b""):
                for line in data.decode().splitlines():
                    missing.discard(line)
                    if (uid := line.partition(",")[0]) in objects:
                        named.add(uid)
                    if line not in wanted:
                        more += len(unasked) == MOST_EXTRA_LINES
                        unasked += [line[:80]] * (len(unasked) < MOST_EXTRA_LINES)
    except (OSError, UnicodeDecodeError, InputError) as error:
        yield Problem("attribution.csv", f"cannot be read: {one_line(str(error))}")
        return
    for line in expected:
        if line in missing:
            uid = line.split(",")[0]
            yield Problem(
                "attribution.csv",
                f"says otherwise of object {uid}" if uid in named else f"does not name {uid}",
            )
    for line in sorted(set(unasked)):
        yield Problem("attribution.csv", f"has a line that no shard asks for: {line}")
    if more:
        yield Problem("attribution.csv", f"has {more} more lines that no shard asks for")


def _manifest_problems(manifest: Manifest, made_by: set[MadeBy]) -> Iterator[Problem]:
    """What manifest.json says of how the dataset was made is what its samples say."""
    digest = hashlib.sha256(json.dumps(manifest.config, sort_keys=True).encode()).hexdigest()[:12]
    if digest != manifest.config_hash:
        yield Problem("manifest.json", f"config_hash = {manifest.config_hash}; its config hashes to {digest}")
    ours = manifest.config.get("questions", {}).get("templates") is None
    if (
        ours
        and manifest.code_version == this_code().version
        and manifest.words != load_templates().vocabulary
    ):
        yield Problem("manifest.json", "words: they are not those that this version asks in")
    if manifest.preset != manifest.config.get("preset"):
        yield Problem(
            "manifest.json", f"preset = {manifest.preset}; its config says {manifest.config.get('preset')}"
        )
    if not made_by:
        return
    versions = {one.version for one in made_by}
    named = set(manifest.code_version.split(", "))  # early manifests name the first of several
    if not (
        named <= versions or (named & versions and manifest.removed)
    ):  # what others made may have been removed
        told = ", ".join(sorted(versions))
        yield Problem("manifest.json", f"code_version = {manifest.code_version}; the samples say {told}")
    commits = {one.commit for one in made_by if one.commit is not None}
    named = set(manifest.code_commit.split(", ")) if manifest.code_commit else set()
    if not (commits == named or (commits < named and manifest.removed)):
        told = ", ".join(sorted(commits)) or "none"
        yield Problem("manifest.json", f"code_commit = {manifest.code_commit}; the samples say {told}")
    for name, said, found in (
        ("renderer", manifest.renderer, sorted({one.renderer for one in made_by})),
        ("device", manifest.device, sorted({one.device for one in made_by})),
    ):
        if set(said.split(", ")) != set(", ".join(found).split(", ")):
            yield Problem("manifest.json", f"{name} = {said}; the samples say {', '.join(found)}")


def _index_problems(dataset: Path, manifest: Manifest) -> Iterator[Problem]:
    """The files of the index are those of the splits; their rows are compared shard by shard."""
    found = index_files(dataset)
    expected = {f"{entry.split}.parquet" for entry in manifest.shards}
    for name in sorted(found.keys() - expected):
        yield Problem(f"{FOLDER}/{name}", "is of no split")
    for name in sorted(expected):
        rows_wanted = sum(entry.questions for entry in manifest.shards if f"{entry.split}.parquet" == name)
        if name in found and found[name] >= 0 and found[name] != rows_wanted:
            yield Problem(
                f"{FOLDER}/{name}", f"has {found[name]} rows; the shards have {rows_wanted} questions"
            )
