"""Shards -> the columns that trainers, and people, want: one row per question.

A stream reads the tar files itself and hands `datasets` one sample at a time, still in JPEG: node splitting,
shuffling, resuming and loader workers are its own, and skip or keep JPEG bytes. Pictures are decoded last,
once per sample. A folder is read by the strict reader of shards, whatever its card says; a dataset of the Hub
by `datasets`, and its samples checked.
"""

import io
import math
import os
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from viewpoint100k.drawing import draws, shown
from viewpoint100k.errors import InputError, MissingExtra, one_line
from viewpoint100k.geometry.relations import motion
from viewpoint100k.questions import KINDS, never_fair
from viewpoint100k.records import FAMILIES, Question
from viewpoint100k.shards import (
    MEMBER,
    MOST_JSON_BYTES,
    MOST_PICTURE_BYTES,
    REAL,
    StoredSample,
    decode,
    in_sample,
    iter_samples,
    keep_picture_memory,
    open_inside,
    open_picture,
    parse_sample,
    read_members,
    shard_paths,
)

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

COLUMNS = (
    "images", "prompt", "options", "answer", "answer_index", "answer_form", "value", "type", "tier", "frame",
    "chain_of_thought", "fair", "motion", "family", "question_id", "sample_key",
)  # fmt: skip
SHUFFLE_BUFFER = 256  # samples, in JPEG: some 40 MB
JPEG_QUALITY = 95  # of pictures that are drawn into, in a table
KNOWN: dict[str, set[str]] = {
    "types": {kind.type for kind in KINDS},
    "tiers": {kind.tier for kind in KINDS},
    "families": {*FAMILIES},
}

ARGUMENTS = {"tier": "tiers", "type": "types", "family": "families"}  # what names them, by column

Wanted = dict[str, list[Any]]  # column of a question, or "family" -> what is kept; no entry: all


def load_questions(  # noqa: PLR0913 - filters, by name
    path: str | Path,
    split: str = "train",
    *,
    streaming: bool = False,
    revision: str | None = None,
    tiers: str | Collection[str] | None = None,
    types: str | Collection[str] | None = None,
    families: str | Collection[str] | None = None,
    fair: bool = True,
    shuffle_seed: int | None = None,
    shuffle_buffer: int = SHUFFLE_BUFFER,
    rank: int = 0,
    world_size: int = 1,
) -> "Dataset | IterableDataset":
    """One row per question of a dataset folder or of a dataset on the Hub.

    Args:
        path: a folder that `viewpoint100k generate` wrote, or `org/name`; with `/real` behind it, the
            photographs beside its renders.
        split: train, validation or test.
        streaming: read the shards as they come, nothing is copied to a cache. A table holds the pictures of
            each of its questions: several times the shards' size.
        revision: tag, branch or commit on the Hub.
        tiers: only questions of these tiers, such as "A".
        types: only these types of questions, such as "ego_translation".
        families: only samples of these families of motions, such as "orbit".
        fair: only the balanced subset, in which no flat cue goes with the answers: what models are measured
            on. False: all questions, as right as these, twice as many.
        shuffle_seed: None: in the order of the shards. A table is shuffled all over. A stream shuffles the
            order of its shards, and then its samples in a buffer; the questions of a sample stay together, so
            that its pictures are decoded once.
        shuffle_buffer: of a stream, in samples. With 1 only the shards are shuffled, and a resumed stream
            goes on exactly; a larger buffer is lost when a stream is resumed, and filled anew.
        rank: of this node.
        world_size: how many nodes share the questions; each reads its own.

    Returns:
        Rows of `images` (list of pictures, figures drawn in; the questions of a sample share them, so change
        copies), `prompt` (with its lettered options), `options`, `answer` (what to write), `answer_index`,
        `answer_form`, `value` (the right number, where one is asked for), `type`, `tier`, `frame`, `fair`,
        `family`, `chain_of_thought` (or None), `motion` (as `shown_motion` has it, or None), `question_id`,
        `sample_key`.

    Raises:
        InputError: there is no such dataset, split, tier, type or family; `fair` is asked of types that never
            are; or, when it comes to be read, a sample is none of ours: names the shard and the key.
        MissingExtra: the `datasets` library is not installed.
    """
    _need_datasets()
    wanted = _wanted({"tier": tiers, "type": types, "family": families}, fair)
    if not 0 <= rank < world_size:
        raise InputError(f"rank = {rank}, world_size = {world_size}: expected 0 <= rank < world_size")
    if streaming:
        shuffle = None if shuffle_seed is None else (shuffle_seed, shuffle_buffer)
        return _stream(_shards(str(path), split, revision), wanted, shuffle, rank, world_size)
    table = _table(str(path), split, revision, wanted)
    table = table if shuffle_seed is None else table.shuffle(seed=shuffle_seed)
    return table if world_size == 1 else _share(table, rank, world_size)


def load_samples(dataset: Path | str, split: str | None = None) -> Iterator[StoredSample]:
    """All samples of a dataset folder, one at a time, as they are stored.

    Args:
        dataset: a folder that `viewpoint100k generate` wrote.
        split: train, validation or test; None: all of them.

    Returns:
        Named tuples of `key`, `sample` (a `Sample`: object, views, truth, questions) and `images` (JPEG
        bytes).

    Raises:
        InputError: no dataset, no such split, or a file that is not what a dataset has.
    """
    return iter_samples(Path(dataset), split)


def _need_datasets() -> None:
    try:
        import datasets.distributed  # noqa: F401 - what is loaded, and how nodes share it
    except ImportError as error:
        raise MissingExtra(
            "loading needs the `datasets` library: pip install 'viewpoint100k[publish]'"
        ) from error


def _wanted(chosen: Mapping[str, str | Collection[str] | None], fair: bool) -> Wanted:
    """Which questions are kept, by column; a column of which nothing is said is left out."""
    wanted: Wanted = {
        column: _names(ARGUMENTS[column], names) for column, names in chosen.items() if names is not None
    }
    if not fair:
        return wanted
    if never_fair(wanted.get("type"), wanted.get("tier")):
        named = ", ".join(wanted.get("type") or wanted["tier"])
        raise InputError(
            f"{named}: such questions are never of the balanced subset, for one picture by itself suggests "
            "the answer; pass fair=False to have them"
        )
    return {**wanted, "fair": [True]}


def _share(rows: Any, rank: int, world_size: int) -> Any:
    from datasets.distributed import split_dataset_by_node

    return split_dataset_by_node(rows, rank, world_size)


def _names(argument: str, names: str | Collection[str]) -> list[str]:
    """What is kept, as a list; unknown names are errors, for they would keep nothing."""
    given = sorted({names} if isinstance(names, str) else set(names))
    if unknown := [name for name in given if name not in KNOWN[argument]]:
        raise InputError(
            f"{argument}: there is no {unknown[0]!r}; expected some of {', '.join(sorted(KNOWN[argument]))}"
        )
    return given


def features() -> Any:
    """The columns of `load_questions` as `datasets` knows them."""
    from datasets import Features, Image, List, Value

    others = {
        "images": List(Image()),
        "options": List(Value("string")),
        "answer_index": Value("int64"),
        "value": Value("float64"),
        "fair": Value("bool"),
        "motion": List(Value("float64")),
    }
    return Features({name: others.get(name, Value("string")) for name in COLUMNS})


# --- a stream --------------------------------------------------------------------------------------


def _stream(
    shards: Sequence[str], wanted: Wanted, shuffle: tuple[int, int] | None, rank: int, world_size: int
) -> "IterableDataset":
    """The wanted questions of shards, as they come.

    A shard is read in parts where the nodes could not share whole ones evenly: each would decode all.

    Args:
        shuffle: seed, and how many samples the buffer holds.
    """
    from datasets import IterableDataset

    parts = world_size // math.gcd(world_size, len(shards))
    units = [(shard, part, parts) for shard in shards for part in range(parts)]
    samples = IterableDataset.from_generator(_samples, gen_kwargs={"units": units})
    if shuffle is not None:
        samples = samples.shuffle(seed=shuffle[0], buffer_size=shuffle[1])
    if world_size > 1:
        samples = _share(samples, rank, world_size)
    return samples.map(
        _decoded_rows,
        batched=True,
        batch_size=1,
        remove_columns=["shard", "key", "json", "pictures"],
        features=features(),
        fn_kwargs={"wanted": wanted},
    )


def _shards(path: str, split: str, revision: str | None) -> list[str]:
    """The addresses of a split's shards: those of a folder, or on the Hub those that its card lists."""
    if os.path.isdir(path) and revision is None:
        try:
            return [os.path.abspath(shard) for shard in shard_paths(Path(path), split)]
        except InputError as error:
            raise _cannot_load(path, split, error) from error
    from datasets import load_dataset_builder

    try:
        found = load_dataset_builder(*_on_hub(path), revision=revision).config.data_files or {}
    except Exception as error:  # whatever `datasets` and the network raise
        raise _cannot_load(path, split, error) from error
    if split not in found:
        raise InputError(f"cannot load split {split!r} of {path}: it has {', '.join(map(str, found))}")
    return [str(address) for address in found[split]]


def _on_hub(path: str) -> tuple[str, str | None]:
    """`ORG/NAME`, and the configuration: that of the photographs, where they are named as in a folder."""
    name, _, last = path.rpartition("/")
    return (name, REAL) if last == REAL and name.count("/") == 1 else (path, None)


def _samples(units: list[tuple[str, int, int]]) -> Iterator[dict[str, Any]]:
    """The samples of shards, or of one part of them, as they are stored."""
    keep_picture_memory()
    for address, part, parts in units:
        for number, (key, members) in enumerate(_stored(address)):
            if number % parts == part:
                pictures = parse_sample(address, key, members).images
                yield {"shard": address, "key": key, "json": members["json"], "pictures": pictures}


def _stored(address: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and members of each sample of a shard, here or on the Hub."""
    if os.path.isabs(address):
        yield from read_members(Path(address))
        return
    key = ""
    members = dict[str, bytes]()
    for stem, extension, data in _remote_files(address):
        if stem != key and members:
            yield key, members
            members = {}
        key = stem
        members[extension] = data
    if members:
        yield key, members


def _remote_files(address: str) -> Iterator[tuple[str, str, bytes]]:
    """One request for a whole shard, tried again where the connection breaks: `datasets` knows how.

    It leaves out links.
    """
    from datasets import StreamingDownloadManager

    try:
        for name, file in StreamingDownloadManager().iter_archive(address):
            found = MEMBER.fullmatch(name)
            most = MOST_JSON_BYTES if name.endswith(".json") else MOST_PICTURE_BYTES
            if found is None or len(data := file.read(most + 1)) > most:
                raise InputError(
                    f"{address}: member {one_line(name)!a}: expected names such as ours, and at most {most} "
                    "bytes"
                )
            yield found[1], found[2], data
    except (tarfile.TarError, RecursionError, EOFError, ValueError, OverflowError) as error:
        raise InputError(f"{address} is not a whole tar file: {one_line(str(error))}") from error


def _decoded_rows(batch: dict[str, list[Any]], wanted: Wanted) -> dict[str, list[Any]]:
    """The wanted questions of samples; the questions of a sample share its pictures."""
    out: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for shard, key, text, stored in zip(
        *(batch[name] for name in ("shard", "key", "json", "pictures")), strict=True
    ):
        sample = from_json(text)
        pictures = _Pictures(stored)
        motions = _Motions(sample)
        with in_sample(shard, key):
            for question in _kept(sample, wanted):
                record = _if_drawn(question)
                images = (
                    [pictures[view] for view in question["images"]]
                    if record is None
                    else shown(record, pictures)
                )
                _add(out, key, motions, question, images)
    return out


class _Pictures(list[Any]):
    """The pictures of a sample, decoded when they are first looked at."""

    def __getitem__(self, view: Any) -> Any:
        picture = super().__getitem__(view)
        if isinstance(picture, bytes):
            picture = decode(picture, f"view_{view}.jpg")
            self[view] = picture
        return picture


# --- a table ---------------------------------------------------------------------------------------


def _table(path: str, split: str, revision: str | None, wanted: Wanted) -> Any:
    from datasets import Dataset, Image, load_dataset

    if os.path.isdir(path) and revision is None:
        shards = _shards(path, split, revision)
        # a cache goes by what is handed on here, so what tells one content of a file from another is, too
        seen = [(shard, *_content(shard)) for shard in shards]
        try:
            return Dataset.from_generator(
                _table_rows, features=features(), gen_kwargs={"seen": seen, "wanted": wanted}, split=split
            )
        except Exception as error:  # `datasets` wraps what a generator raises
            nothing_fits = "no data" in str(error) and not isinstance(error.__cause__, InputError)
            if nothing_fits:
                return Dataset.from_dict({name: [] for name in COLUMNS}, features=features(), split=split)
            raise _cannot_load(path, split, error.__cause__ or error) from error
    try:
        pairs = load_dataset(*_on_hub(path), split=split, revision=revision)
    except Exception as error:  # whatever `datasets` and the network raise
        raise _cannot_load(path, split, error.__cause__ or error) from error
    for name in (name for name in pairs.column_names if name.startswith("view_")):
        pairs = pairs.cast_column(name, Image(decode=False))  # bytes are copied, not decoded and encoded
    return pairs.map(
        _undecoded_rows,
        batched=True,
        batch_size=16,
        remove_columns=pairs.column_names,
        features=features(),
        fn_kwargs={"wanted": wanted},
    )


def _content(shard: str) -> tuple[int, int]:
    """Size and time of a file, which tell whether a cache is of what it holds now."""
    with open_inside(Path(shard)) as file:
        found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _table_rows(seen: list[tuple[str, int, int]], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The wanted questions of shards, one by one."""
    keep_picture_memory()
    for shard, *_ in seen:
        for key, members in read_members(Path(shard)):
            stored = parse_sample(shard, key, members).images
            out: dict[str, list[Any]] = {name: [] for name in COLUMNS}
            with in_sample(shard, key):
                _undecoded(out, key, from_json(members["json"]), stored, wanted)
            for values in zip(*out.values(), strict=True):
                yield dict(zip(out, values, strict=True))


def _undecoded_rows(batch: dict[str, list[Any]], wanted: Wanted) -> dict[str, list[Any]]:
    """The wanted questions of samples, pictures as JPEG."""
    out: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    views = sorted(name for name in batch if name.startswith("view_"))
    for number, (key, sample) in enumerate(zip(batch["__key__"], batch["json"], strict=True)):
        _undecoded(out, key, sample, [batch[name][number]["bytes"] for name in views], wanted)
    return out


def _undecoded(
    out: dict[str, list[Any]], key: str, sample: dict[str, Any], stored: list[bytes], wanted: Wanted
) -> None:
    """Add the wanted questions of a sample; only what is drawn into is decoded and encoded, once each.

    The others are decoded by `datasets`, which takes any format (EPS starts a program): their headers are
    looked at here.
    """
    for view, picture in enumerate(stored):
        open_picture(picture, f"view_{view}.jpg")
    pictures = _Pictures(stored)
    motions = _Motions(sample)
    for question in _kept(sample, wanted):
        record = _if_drawn(question)
        if record is None:
            images = [stored[view] for view in question["images"]]
        else:
            plain = [pictures[view] for view in record.images]
            images = [
                stored[record.images[place]]
                if place < len(plain) and picture is plain[place]
                else _encode(picture)
                for place, picture in enumerate(shown(record, pictures))
            ]
        _add(out, key, motions, question, [{"bytes": image, "path": None} for image in images])


# --- both ------------------------------------------------------------------------------------------


def _kept(sample: dict[str, Any], wanted: Wanted) -> Iterable[dict[str, Any]]:
    if sample["family"] not in wanted.get("family", [sample["family"]]):
        return
    for question in sample["questions"]:
        question = {"fair": True, **question}  # datasets of earlier versions have no others
        if all(question[column] in names for column, names in wanted.items() if column != "family"):
            yield question


def _if_drawn(question: dict[str, Any]) -> Question | None:
    """The question as a record, if it shows more than plain pictures."""
    if not (question["marks"] or question["mirrored"] or question["map_cameras"]):
        return None
    record = Question.model_validate(question)
    assert draws(record)
    return record


def shown_motion(
    images: Sequence[int], mirrored: Sequence[int], poses: Sequence[Sequence[Sequence[float]]]
) -> list[float] | None:
    """How the camera moved from the first to the second of the two views that a question shows.

    Args:
        images: views that it shows, in order.
        mirrored: places among them that are shown as in a mirror.
        poses: of each view of the sample, (4, 4) `world_from_camera`, OpenCV axes.

    Returns:
        Right, down and ahead in the first camera's axes, over its distance to the object; then yaw, pitch and
        roll in degrees, > 0: to the right, up, clockwise seen from behind the camera. None where a question
        shows another number of views, or one of them in a mirror.
    """
    if len(images) != 2 or mirrored:
        return None
    moved = motion(poses[images[0]], poses[images[1]])
    angles = (moved.yaw_deg, moved.pitch_deg, moved.roll_deg)
    return [round(float(value), 6) for value in (*moved.translation, *angles)]


class _Motions(dict[tuple[int, ...], list[float] | None]):
    """`shown_motion` of the questions of a sample, computed once for each order of its views."""

    def __init__(self, sample: dict[str, Any]) -> None:
        super().__init__()
        self.family = sample["family"]
        self._poses = [view["world_from_camera"] for view in sample["views"]]

    def __missing__(self, images: tuple[int, ...]) -> list[float] | None:
        self[images] = shown_motion(images, (), self._poses)
        return self[images]


def _add(
    out: dict[str, list[Any]], key: str, motions: _Motions, question: dict[str, Any], images: list[Any]
) -> None:
    out["images"].append(images)
    out["question_id"].append(question["id"])
    out["sample_key"].append(key)
    out["family"].append(motions.family)
    out["motion"].append(None if question["mirrored"] else motions[tuple(question["images"])])
    for name in COLUMNS[1:-4]:
        out[name].append(question[name])


def _encode(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)  # dots are small and of strong colours
    return out.getvalue()


def _cannot_load(path: str, split: str, error: BaseException) -> InputError:
    return InputError(
        f"cannot load split {split!r} of {path}: {one_line(str(error)) or type(error).__name__}"
    )
