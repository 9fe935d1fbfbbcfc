"""Tar shards: the same samples give the same bytes, and no reader ever sees a torn one.

Written with webdataset's own writer, times and owners fixed; first beside the run's state, then renamed into
place. A shard is done when it and its receipt are there and the receipt's hash is the shard's.

Datasets come from strangers, so there is one reader, for all commands, and it is strict: it opens regular
files in the dataset's folder and nothing else, takes from a tar regular members of the names that we write
and nothing else, and knows what a size may be before it makes room for it. What is wrong is one `InputError`,
which says where.
"""

import hashlib
import io
import json
import os
import re
import stat
import tarfile
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from uuid import uuid4

import numpy as np
from pydantic import Field, ValidationError

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.records import LONGEST_SIDE_PX, Record, Sample

if TYPE_CHECKING:
    from PIL.Image import Image

# 2020-01-01: a fixed time, for bytes that do not depend on the day; whole, else each file gets a second
# header
MTIME = 1_577_836_800
BLOCKS_KEPT = 8  # of 16 MB each, by Pillow

MEMBER = re.compile(r"([A-Za-z0-9_\-]{1,90})\.(json|view_[0-3]\.jpg)")  # key and extension of a member's name
MOST_JSON_BYTES = 2 << 20  # of a sample; ours have 10 to 30 kB
MOST_PICTURE_BYTES = 32 << 20  # of a view, in JPEG; ours have 10 to 500 kB
FIELD = re.compile(r"[a-z0-9_.]+: ")
MOST_REST_BYTES = 1 << 20  # behind the mark of a tar's end: it may be filled up to a large block
MOST_SCANS = 30  # of a JPEG: each passes over the whole picture; a progressive one has about ten
NOT_REGULAR = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a FIFO",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.GNUTYPE_LONGNAME: "the header of a long name",
    tarfile.GNUTYPE_LONGLINK: "the header of a long link",
    tarfile.XGLTYPE: "a header for all members",
    tarfile.SOLARIS_XHDTYPE: "a header of Solaris",
}
MOST_PAX_BYTES = 4096  # of a second header with times and owners, which other writers leave
PAX_RECORD = re.compile(rb"\d{1,4} ([^=\n]+)=[^\n]*\n")
# what says nothing of the content
PAX_HARMLESS = frozenset({b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname", b"comment"})


REAL = "real"  # folder beside a dataset's shards: a dataset of photographs, under a configuration of its own


class StoredSample(NamedTuple):
    """A sample as it lies in a shard."""

    key: str
    sample: Sample
    images: list[bytes]  # JPEG, in the order of the views


class Receipt(Record):
    """What a finished shard holds and how it was made. Lies in OUT/.run/receipts; not published."""

    name: str
    number: int
    sha256: str
    bytes: int
    samples: int
    questions: int
    config_hash: str
    renderer: str
    device: str
    objects: list[str]
    objects_visited: int
    views_rendered: int
    rejects: int
    dropped: dict[
        str, int
    ]  # pairs that were rendered and not used, and questions that were not asked, by reason
    cpu_s: dict[str, float]
    machine: str = ""  # who made it and how fast; nothing that is published depends on what follows
    seconds: float = 0.0
    finished: float = 0.0  # Unix time
    attempts: int = 1
    visits: list[tuple[float, int]] = Field(
        default=[], description="CPU-seconds and pairs of each visit to an object"
    )


def write_shard(target: Path, scratch: Path, samples: Iterable[StoredSample]) -> tuple[str, int]:
    """Write a shard atomically.

    Args:
        target: the final path, ending in .tar.
        scratch: an existing folder on the same file system, for the unfinished file.

    Returns:
        (sha256, size in bytes) of the shard.
    """
    from webdataset import TarWriter

    unfinished = scratch / _unfinished(target).name
    try:
        with open(unfinished, "wb") as file:
            writer = TarWriter(file, user="viewpoint100k", group="viewpoint100k", mtime=MTIME, encoder=False)
            for stored in samples:
                members = {f"view_{i}.jpg": image for i, image in enumerate(stored.images)}
                writer.write({"__key__": stored.key, **members, "json": _json(stored.sample)})
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        digest = sha256_file(unfinished)
        size = unfinished.stat().st_size
        os.replace(unfinished, target)
        _sync_folder(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return digest, size


def write_atomically(target: Path, data: bytes) -> None:
    """Write a small file so that a reader sees the old or the new one, never a part."""
    unfinished = _unfinished(target)
    try:
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
        _sync_folder(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


class Kept(NamedTuple):
    """What stays of a shard that some objects leave."""

    spans: list[tuple[int, int]]  # of bytes, each a sample's members with their headers
    samples: int
    questions: int
    dropped: int
    seen: set[str]  # objects, before


def keep_samples(path: Path, gone: set[str]) -> Kept:
    """Find the samples of a shard that are of other objects. Reads no picture.

    Raises:
        InputError: not a shard of ours.
    """
    ends = dict[str, list[int]]()
    names = dict[str, list[str]]()
    spans = list[tuple[int, int]]()
    questions = 0
    seen = set[str]()
    records = list[tuple[str, Sample]]()
    with open_inside(path) as file:
        for member in members_of(file, path):
            span = ends.setdefault(member.key, [member.start, member.start])
            if span[1] != member.start:
                raise InputError(
                    f"{path}: sample {member.key!r}: its members lie apart; expected them side by side"
                )
            span[1] = member.end
            names.setdefault(member.key, []).append(member.extension)
            if member.extension == "json":
                records.append((member.key, _sample(path, member.key, _read(file, path, member))))
    if len(records) != len(ends) or {key for key, _ in records} != set(ends):
        raise InputError(
            f"{path}: {len(ends)} samples, and {len(records)} json members; expected one in each"
        )
    for key, sample in records:
        _check_members(path, key, names[key], sample)
        mine = {thing.uid for thing in sample.credited}
        seen |= mine
        if not mine & gone:
            spans.append((ends[key][0], ends[key][1]))
            questions += len(sample.questions)
    return Kept(spans, len(spans), questions, len(ends) - len(spans), seen)


def cut_digest(path: Path, kept: Kept) -> tuple[str, int]:
    """(sha256, size in bytes) that a shard is going to have."""
    digest = hashlib.sha256()
    size = 0
    for piece in _pieces(path, kept):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def cut_shard(path: Path, kept: Kept) -> None:
    """Rewrite a shard with only what stays, atomically. The bytes of what stays are copied as they are."""
    unfinished = _unfinished(path)
    try:
        with open(unfinished, "wb") as file:
            for piece in _pieces(path, kept):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
        _sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _pieces(path: Path, kept: Kept) -> Iterator[bytes]:
    """The bytes of a shard of what stays, as its writer would have written them."""
    written = 0
    with open_inside(path) as file:
        for start, end in kept.spans:
            file.seek(start)
            yield file.read(end - start)
            written += end - start
    ending = 2 * tarfile.BLOCKSIZE  # two empty blocks, then up to a whole record
    yield bytes(ending + -(written + ending) % tarfile.RECORDSIZE)


def _unfinished(target: Path) -> Path:
    """A hidden name beside a file that no other process takes: many machines may share the folder."""
    return target.with_name(f".{target.name}.{uuid4().hex[:12]}.partial")


def sweep(out: Path, *, before: float) -> None:
    """Remove what killed processes left half-written, here and in OUT/.run, and began before `before`."""
    folders = list(filter(is_own_folder, out.glob("*")))
    mine = [each for folder in (out, *folders) for each in folder.glob(".*.partial")]
    mine += (out / ".run").rglob(".*.partial") if is_own_folder(out / ".run") else ()
    for unfinished in mine:
        with suppress(FileNotFoundError, IsADirectoryError):  # another finalizer was faster
            if unfinished.lstat().st_mtime < before:
                unfinished.unlink()


def read_shard(path: Path) -> Iterator[StoredSample]:
    """The samples of one shard, in order.

    Raises:
        InputError: not a shard of ours: names the file and the sample.
    """
    for key, members in read_members(path):
        yield parse_sample(path, key, members)


def read_members(path: Path, keys: Collection[str] | None = None) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and files of each sample of one shard, in order; the files by what follows the key's dot.

    Args:
        keys: of the samples that are wanted; the others are not read. None: all.

    Raises:
        InputError: not a whole tar file of members such as we write, each there once: names the file and the
        member.
    """
    key = ""
    members = dict[str, bytes]()
    with open_inside(path) as file:
        for member in members_of(file, path):
            if keys is not None and member.key not in keys:
                continue
            if member.key != key and members:
                yield key, members
                members = {}
            if member.extension in members:
                raise InputError(f"{path}: member {member.name} is there twice; expected each once")
            key = member.key
            members[member.extension] = _read(file, path, member)
    if members:
        yield key, members


def iter_records(path: Path) -> Iterator[tuple[str, Sample]]:
    """(Key, sample) of one shard, in order, without reading the pictures.

    Raises:
        InputError: not a shard of ours: names the file and the sample.
    """
    with open_inside(path) as file:
        for member in members_of(file, path):
            if member.extension == "json":
                yield member.key, _sample(path, member.key, _read(file, path, member))


# --- files and members -----------------------------------------------------------------------------


class Member(NamedTuple):
    """A regular member of a shard, and where it lies: all in bytes from the start of the file."""

    key: str
    extension: str  # json, view_0.jpg, view_1.jpg, ...
    start: int  # of its headers
    data: int  # of its content
    size: int  # of its content
    end: int  # where the next member starts

    @property
    def name(self) -> str:
        return f"{self.key}.{self.extension}"


def open_inside(path: Path, root: Path | None = None) -> io.BufferedReader:
    """Open a file of a dataset for reading.

    Args:
        root: the folder that it must lie in; None: the one that `path` names.

    Raises:
        InputError: it is not there, is no regular file, or a link that leads out of the folder.
    """
    try:
        real = path.resolve(strict=True)
        folder = (root or path.parent).resolve()
        # the Hub's cache keeps every file of a snapshot as a link to where its bytes are
        cache = folder.parent.parent / "blobs" if folder.parent.name == "snapshots" else folder
        if not (real.is_relative_to(folder) or real.is_relative_to(cache)):
            raise InputError(
                f"{path} leads out of its folder, to {one_line(str(real))}; expected a file in {folder}"
            )
        if not stat.S_ISREG(
            os.stat(real).st_mode
        ):  # before it is opened: that alone may wait, or do something
            raise InputError(
                f"{path} is no regular file; expected a file with content, neither a folder nor a device"
            )
        return open(os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except (OSError, RuntimeError) as error:  # a ring of links
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path} cannot be read: {why}") from error


def read_inside(path: Path, most_bytes: int, root: Path | None = None) -> bytes:
    """A small file of a dataset as a whole.

    Raises:
        InputError: as `open_inside`, or it has more bytes than that.
    """
    with open_inside(path, root) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise InputError(f"{path} has more than {most_bytes:,} bytes; expected fewer")
    return data


def is_own_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one: what a link leads to is not ours."""
    return path.is_dir() and not path.is_symlink()


def has_photographs(dataset: Path) -> bool:
    """Whether a dataset of photographs lies in the folder of one of renders."""
    return is_own_folder(dataset / REAL) and (dataset / REAL / "manifest.json").is_file()


def own_folder(path: Path) -> Path:
    """A folder in a dataset into which we write, and in which we delete; made if it is not there.

    Raises:
        InputError: it is no folder, or a link: what it leads to is not ours.
    """
    if os.path.lexists(path) and not is_own_folder(path):
        raise InputError(
            f"{path} is a link or a file; expected a folder of the dataset's own. Delete it, then try again"
        )
    path.mkdir(exist_ok=True)
    return path


def members_of(file: BinaryIO, path: Path) -> Iterator[Member]:
    """The members of an open shard, in order; the caller may read one, and leave the file anywhere.

    `tarfile` reads headers; which of them there may be is decided here: it follows links and chains of
    headers, makes room for whatever size they name, and takes a damaged header for the end.

    Raises:
        InputError: not a whole tar file of members such as we write: names the file and the member.
    """
    whole = os.fstat(file.fileno()).st_size
    at = 0
    start = 0
    while True:
        file.seek(at)
        header = file.read(tarfile.BLOCKSIZE)
        if len(header) < tarfile.BLOCKSIZE:
            raise InputError(
                f"{path} is not a whole tar file: it ends at byte {whole}, without the mark of its end"
            )
        if not header[0] and not any(header):
            if whole - at > MOST_REST_BYTES:
                raise InputError(
                    f"{path} is not a whole tar file: {whole - at} bytes follow the mark of its end"
                )
            return
        name, size, kind = _header(header, path, at)
        data = at + tarfile.BLOCKSIZE
        most = MOST_JSON_BYTES if name.endswith(".json") else MOST_PICTURE_BYTES
        if kind == tarfile.XHDTYPE and at == start:  # two in a row could as well be ten thousand
            most = MOST_PAX_BYTES
        elif kind not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            what = NOT_REGULAR.get(kind, f"of the unknown kind {kind!a}")
            raise InputError(f"{path}: member {one_line(name)!a} is {what}; expected regular files alone")
        elif (match := MEMBER.fullmatch(name)) is None:
            raise InputError(
                f"{path}: member {one_line(name)!a}: expected names such as train-00000-00003.json and "
                "train-00000-00003.view_0.jpg"
            )
        if not 0 <= size <= most:
            raise InputError(f"{path}: member {one_line(name)!a} has {size} bytes; expected at most {most}")
        if data + size > whole:
            raise InputError(
                f"{path} is not a whole tar file: it ends at byte {whole}, within the {size} bytes of member "
                f"{one_line(name)!a}"
            )
        at = data + -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        if kind == tarfile.XHDTYPE:
            file.seek(data)
            _check_pax(file.read(size), path, name)
            continue
        assert match is not None, "it is regular, so its name was matched"
        yield Member(match[1], match[2], start, data, size, at)
        start = at


def _header(header: bytes, path: Path, at: int) -> tuple[str, int, bytes]:
    """Name, size and kind that a header names; one such as we write is read at a third of the cost."""
    kind = header[156:157]
    # a size beyond octal digits, or damage: the standard library reads it, or says what is wrong
    with suppress(ValueError):
        plain = kind == tarfile.REGTYPE and not header[345]
        if plain and int(header[148:156].strip(b" \0"), 8) == 256 + sum(header[:148]) + sum(header[156:]):
            return (
                header[:100].split(b"\0", 1)[0].decode("ascii"),
                int(header[124:136].strip(b" \0"), 8),
                kind,
            )
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError) as error:
        raise InputError(
            f"{path} is not a whole tar file: no header of a member at byte {at}: {error}"
        ) from error
    return info.name, info.size, info.type


def _check_pax(data: bytes, path: Path, name: str) -> None:
    """Let second headers pass that give a member times and owners, and none that give it anything else."""
    names = {record[1] for record in PAX_RECORD.finditer(data)}
    if sum(len(record[0]) for record in PAX_RECORD.finditer(data)) != len(data) or names - PAX_HARMLESS:
        raise InputError(
            f"{path}: member {one_line(name)!a} is a second header that says more than times and owners; "
            "expected plain members"
        )


def _read(file: BinaryIO, path: Path, member: Member) -> bytes:
    """The content of a member."""
    file.seek(member.data)
    data = file.read(member.size)
    if len(data) < member.size:
        raise InputError(f"{path} is not a whole tar file: it ends within member {member.name}")
    return data


def decode(data: bytes, name: str) -> "Image":
    """A picture of a sample, decoded: RGB. The header is looked at before any pixel is.

    Args:
        name: of the picture, for the message.

    Raises:
        InputError: not a whole JPEG in RGB of no more than `LONGEST_SIDE_PX` each way.
    """
    picture = open_picture(data, name)
    with decoding(name):
        picture.load()
    return picture


def open_picture(data: bytes, name: str) -> "Image":
    """A picture of a sample whose header is one of ours; no pixel is decoded.

    Args:
        name: of the picture, for the message.

    Raises:
        InputError: not a JPEG in RGB of no more than `LONGEST_SIDE_PX` each way, or without its end.
    """
    from PIL import Image

    if not data.startswith(b"\xff\xd8\xff"):
        raise InputError(f"{name} cannot be decoded: its {len(data)} bytes do not start as those of a JPEG")
    if not data.endswith(b"\xff\xd9"):
        raise InputError(f"{name} cannot be decoded: its {len(data)} bytes do not end as those of a JPEG")
    if (scans := data.count(b"\xff\xda")) > MOST_SCANS:
        raise InputError(f"{name} cannot be decoded: it has {scans} scans; expected at most {MOST_SCANS}")
    with decoding(name), warnings.catch_warnings(action="error"):
        picture = Image.open(io.BytesIO(data), formats=("JPEG",))
    if picture.format != "JPEG" or picture.mode != "RGB" or max(picture.size) > LONGEST_SIDE_PX:
        found = f"{picture.format} {picture.mode} {picture.size}"
        raise InputError(f"{name} is {found}; expected JPEG RGB of at most {LONGEST_SIDE_PX} pixels each way")
    return picture


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Whatever a decoder raises at damage (there is no list of it) is an error that names the picture."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise InputError(
            f"{name} cannot be decoded: {one_line(str(error)) or type(error).__name__}"
        ) from error


@contextmanager
def in_sample(path: Path | str, key: str = "") -> Iterator[None]:
    """What goes wrong with a sample is an error that names its shard and its key; with all, the shard.

    The record of a sample is checked when it is read; what nobody thought of must not end in a traceback
    either.

    Raises:
        InputError: instead of what a stranger's numbers, lists and texts can raise.
    """
    where = f"{path}: sample {key!r}" if key else str(path)
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {one_line(str(error))}"
        raise InputError(
            f"{where}: its values do not fit each other ({what}); run `viewpoint100k validate`"
        ) from error


def shard_paths(dataset: Path, split: str | None = None) -> list[Path]:
    """The shards of a dataset folder, in order; all splits, or one.

    Raises:
        InputError: there is no such folder, or it holds no shards.
    """
    if not dataset.is_dir():
        raise InputError(f"{dataset} is not a folder; pass the folder that `viewpoint100k generate` wrote")
    paths = sorted(
        dataset.glob(f"{split or '*'}-[0-9]*-of-[0-9]*.tar"),
        key=lambda p: (_ORDER.get(split_of(p), 9), p.name),
    )
    if not paths:
        raise InputError(
            f"{dataset} holds no shards of {split or 'any split'}: expected files such as "
            "train-00000-of-00010.tar"
        )
    return paths


def iter_samples(dataset: Path, split: str | None = None) -> Iterator[StoredSample]:
    """All samples of a dataset folder, shard by shard."""
    return (stored for _, stored in iter_stored(dataset, split))


def iter_stored(dataset: Path, split: str | None = None) -> Iterator[tuple[Path, StoredSample]]:
    """(Shard, sample) of a dataset folder, shard by shard."""
    for path in shard_paths(dataset, split):
        for stored in read_shard(path):
            yield path, stored


def split_of(path: Path) -> str:
    """Which split a shard is of, by its name."""
    return path.name.split("-")[0]


def sha256_file(path: Path, root: Path | None = None) -> str:
    """Hash of a file of a dataset, in hex digits.

    Raises:
        InputError: as `open_inside`.
    """
    with open_inside(path, root) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_ORDER = {"train": 0, "validation": 1, "test": 2}


def _json(sample: Sample) -> bytes:
    return json.dumps(sample.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()


def parse_sample(path: Path | str, key: str, members: dict[str, bytes]) -> StoredSample:
    """A sample from its files. Its pictures are not decoded.

    Raises:
        InputError: a file is missing, or the json is not a sample: names the file, the sample and the field.
    """
    if "json" not in members:
        raise InputError(
            f"{path}: sample {key!r} has members {sorted(members)}; expected view_0.jpg, ..., json"
        )
    sample = _sample(path, key, members["json"])
    _check_members(path, key, members, sample)
    return StoredSample(key, sample, [members[f"view_{number}.jpg"] for number in range(len(sample.views))])


def _check_members(path: Path | str, key: str, names: Iterable[str], sample: Sample) -> None:
    """A sample has its record, a picture for each view, each once, and nothing else."""
    found = sorted(names)
    views = len(sample.views)
    if found != ["json", *(f"view_{number}.jpg" for number in range(views))]:
        raise InputError(
            f"{path}: sample {key!r} has {len(found) - 1} images for {views} views: its members are {found}; "
            "expected json, view_0.jpg, ..., each once"
        )


def _sample(path: Path | str, key: str, data: bytes) -> Sample:
    try:
        sample = Sample.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise InputError(f"{path}: sample {key!r}: {key}.json: {first_fault(error)}") from error
    if len(sample.views) < 2:
        raise InputError(f"{path}: sample {key!r}: {key}.json: views: there is one; expected two or more")
    return sample


def first_fault(error: ValidationError) -> str:
    """What is wrong first with a file that is no record of ours: the field, and what was expected."""
    if error.error_count() > 10_000:  # a list of them all takes hundreds of bytes for each
        return f"has {error.error_count()} faults"
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    between = "." if FIELD.match(what) else ": "  # checks of several fields at once name theirs first
    given = first["input"]
    got = (
        f"; got {given[:60]!a}"
        if isinstance(given, str)
        else f"; got {given}"
        if isinstance(given, int | float)
        else ""
    )
    return one_line(f"{where}{between}{what}{got}" if where else what)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the file system lets us."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems cannot sync a folder; the rename itself is still atomic
    finally:
        os.close(handle)


def keep_picture_memory() -> None:
    """Let Pillow use the memory of pictures again; to ask for it anew takes a fifth of the time."""
    from PIL import Image

    core: Any = Image.core  # type: ignore[attr-defined]
    core.set_blocks_max(max(core.get_blocks_max(), BLOCKS_KEPT))
