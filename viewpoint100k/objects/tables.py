"""Reads the user's files of uids, groups and quality labels: .txt, .csv, .json or .parquet."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from viewpoint100k.config import TABLES, is_hub_id
from viewpoint100k.errors import InputError, MissingExtra, one_line
from viewpoint100k.objects.credit import plain_text

Uids = np.ndarray[Any, np.dtype[np.bytes_]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

MOST_BYTES = 1 << 30  # largest file; the labels of all of Objaverse are 150 MB
MOST_ROWS = 20_000_000  # Objaverse-XL has 10 million
_UID_COLUMNS = ("uid", "object_id", "object_uid", "model_id", "id")  # compared without case, best first
_GROUP_COLUMNS = ("group", "group_id", "cluster", "cluster_id")
_UID = re.compile(r"[A-Za-z0-9_\-]{1,120}")
_LABELS_ON_HUB = "annotated_800k.json"  # of Objaverse++
TRAITS = ("scene", "transparent", "single_color", "multi_object", "figure")  # a bit each, in this order


class Listed(NamedTuple):
    """The uids of a file, sorted and unique."""

    uids: Uids
    sha256: str  # of the file

    def has(self, uids: Uids) -> Mask:
        """(n,) whether the file names each uid."""
        return _places(self.uids, uids)[1]


class Grouped(NamedTuple):
    """The groups of a file."""

    uids: Uids  # sorted
    groups: list[str]  # of each
    sha256: str

    def group(self, uid: str) -> str:
        """The group of a uid; empty if the file does not name it."""
        places, there = _places(self.uids, np.array([uid.encode()]))
        return self.groups[places[0]] if there[0] else ""


class Quality(NamedTuple):
    """The quality labels of a file."""

    uids: Uids  # sorted
    scores: np.ndarray[Any, np.dtype[np.int8]]  # 0 to 3
    traits: np.ndarray[Any, np.dtype[np.uint8]]  # a bit for each of `TRAITS`
    sha256: str

    def of(self, uids: Uids) -> tuple[Mask, Any, Any]:
        """(n,) whether each is listed, its score and its traits; 0 for those that are not."""
        places, there = _places(self.uids, uids)
        return there, np.where(there, self.scores[places], 0), np.where(there, self.traits[places], 0)


def read_uids(path: Path) -> Listed:
    """The uids of a file; a .txt has one a line.

    Raises:
        InputError: it cannot be read, or names no uid.
    """
    return Listed(np.unique(_array(uid for uid, _ in _rows(path))), file_digest(path))


def read_groups(path: Path) -> Grouped:
    """The groups of a file; a uid that occurs twice belongs to the group of its first row.

    Raises:
        InputError: it cannot be read, or has no such columns.
    """
    found = dict[str, str]()
    for uid, row in _rows(path):
        group = next((plain_text(row[name]) for name in _GROUP_COLUMNS if name in row), "")
        if not group:
            raise InputError(f"{path}: {uid} has no group; expected columns uid and {_GROUP_COLUMNS[0]}")
        found.setdefault(uid, group)
    names = sorted(found)
    return Grouped(_array(iter(names)), [found[name] for name in names], file_digest(path))


def read_quality(name: str) -> Quality:
    """Labels in the layout of Objaverse++: `UID`, `score` and `is_scene`, `is_transparent`, ...

    Args:
        name: a file, or a dataset on the Hub.

    Raises:
        InputError: it cannot be read, or a row is not of that layout.
    """
    path = _from_hub(name) if is_hub_id(name) else Path(name)
    names = list[bytes]()
    scores = bytearray()
    traits = bytearray()
    for uid, row in _rows(path):
        score = plain_text(row.get("score"))
        if score not in ("0", "1", "2", "3", "0.0", "1.0", "2.0", "3.0"):
            raise InputError(f"{path}: {uid} has score = {score[:40]!r}; expected 0, 1, 2 or 3")
        names.append(uid.encode())
        scores.append(int(score[0]))
        traits.append(sum(_says_yes(row.get(f"is_{trait}")) << bit for bit, trait in enumerate(TRAITS)))
    uids, first = np.unique(np.array(names), return_index=True)
    score_of = np.frombuffer(bytes(scores), np.int8)[first]
    return Quality(uids, score_of, np.frombuffer(bytes(traits), np.uint8)[first], file_digest(path))


def _says_yes(value: Any) -> int:
    return int(value is True or value == 1 or str(value).strip().lower() in ("true", "1", "yes"))


def _places(known: Uids, uids: Uids) -> tuple[np.ndarray[Any, np.dtype[np.intp]], Mask]:
    """(n,) the index of each uid among sorted ones, and whether it is present at all."""
    if not len(known):
        return np.zeros(len(uids), np.intp), np.zeros(len(uids), bool)
    places = np.minimum(np.searchsorted(known, uids), len(known) - 1)
    return places, known[places] == uids


def _array(uids: Iterator[str]) -> Uids:
    return np.array([uid.encode() for uid in uids])


def _from_hub(repo_id: str) -> Path:
    """The labels of a dataset on the Hub, in the Hub's cache."""
    from viewpoint100k.objects.downloads import from_hub

    return from_hub(repo_id, _LABELS_ON_HUB)


def file_digest(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- rows -----------------------------------------------------------------------------------------


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (uid, row) of a table, with column names in lower case.

    Raises:
        InputError: the file or a row is invalid; the message names both.
    """
    readers = {".txt": _text_rows, ".csv": _csv_rows, ".json": _json_rows, ".parquet": _parquet_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: expected a file that ends in {', '.join(TABLES)}")
    try:
        size = path.stat().st_size
        if not path.is_file() or size > MOST_BYTES:
            raise InputError(f"{path}: expected an ordinary file of at most {MOST_BYTES:,} bytes")
        number = 0
        for number, (where, row) in enumerate(reader(path), start=1):
            if number > MOST_ROWS:
                raise InputError(f"{path} has more than {MOST_ROWS:,} rows")
            lower = {str(key).strip().lower(): value for key, value in row.items()}
            given = next((lower[name] for name in _UID_COLUMNS if name in lower), None)
            uid = plain_text(given).removesuffix(".glb")
            if not _UID.fullmatch(uid):
                raise InputError(
                    f"{path}, {where}: {one_line(ascii(given), 60)} is not a uid; expected a column `uid` "
                    "with letters, digits, - and _"
                )
            yield uid, lower
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start})") from error
    if not number:
        raise InputError(f"{path} names no uid; expected one a row")


def _text_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"line {number}", {"uid": line.strip()}


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a file with a header; a file of one column may have none."""
    rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    header = list[str]()
    try:
        for number, cells in enumerate(rows, start=1):
            if not header:
                header = [cell.strip() for cell in cells]
                if {cell.lower() for cell in header} & set(_UID_COLUMNS):
                    continue
                if len(header) != 1:
                    raise InputError(
                        f"{path}: its columns are {one_line(str(header))}; expected one called uid"
                    )
                header = ["uid"]
            if cells:
                yield f"line {number}", dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: not CSV ({error})") from error


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """A list of uids or of objects, or an object of them by uid.

    Entries are parsed one by one, because all at once would take gigabytes.
    """
    text = path.read_text(encoding="utf-8-sig")
    decoder = json.JSONDecoder()
    space = re.compile(r"[ \t\r\n]*")
    at = _after(space, text, 0)
    opening = text[at : at + 1]
    if opening not in ("[", "{"):
        raise InputError(
            f"{path}: expected a list of uids or of objects with one, or an object of them by uid"
        )
    closing = "]" if opening == "[" else "}"
    at = _after(space, text, at + 1)
    number = 0
    try:
        while text[at : at + 1] != closing:
            number += 1
            key = ""
            if opening == "{":
                key, at = decoder.raw_decode(text, at)
                at = _after(space, text, at)
                if not isinstance(key, str) or text[at : at + 1] != ":":
                    raise json.JSONDecodeError("expected a name and a colon", text, at)
                at = _after(space, text, at + 1)
            value, at = decoder.raw_decode(text, at)
            yield f"entry {number}", _json_row(key, value)
            at = _after(space, text, at)
            if text[at : at + 1] == ",":
                at = _after(space, text, at + 1)
            elif text[at : at + 1] != closing:
                raise json.JSONDecodeError("expected a comma or the end", text, at)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}, entry {number}: not JSON ({one_line(str(error), 100)})") from error


def _json_row(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        value = {"group": value} if key else {"uid": value}
    return {**value, "uid": key} if key else value


def _after(space: "re.Pattern[str]", text: str, at: int) -> int:
    found = space.match(text, at)
    return found.end() if found else at


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(f"{path} needs pyarrow: pip install 'viewpoint100k[objaverse]'") from error
    try:
        number = 0
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=10_000):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row
    except pyarrow.ArrowException as error:
        raise InputError(f"{path} is not a Parquet file: {one_line(str(error), 100)}") from error
