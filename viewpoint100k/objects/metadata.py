"""Reads a folder's manifest, which describes the files that were found and never adds new ones."""

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewpoint100k.errors import InputError
from viewpoint100k.objects.credit import normalise_licence, plain_text
from viewpoint100k.records import ObjectRecord

MANIFESTS = ("manifest.json", "manifest.csv", "metadata.csv")  # the first one that exists is read

# column names that people use, best first; compared without case
_FILE = ("file", "path", "filename", "uid", "name")
_CATEGORY = ("category", "class", "label")
_LICENCE = ("licence", "license")
_AUTHOR = ("author", "attribution", "creator", "user")
_URL = ("source_url", "source", "url", "source_repo", "viewerurl")
_TITLE = ("title", "name")


@dataclass(frozen=True)
class Described:
    """One entry of a manifest.

    `file` is as written, but with forward slashes; `sha256` is empty if not given.
    """

    file: str
    sha256: str
    category: str
    title: str
    author: str
    licence: str
    source_url: str
    front_azimuth_deg: float | None

    def record(self, uid: str, sha256: str, folder_name: str) -> ObjectRecord:
        """The object's record; `folder_name` is its category if the manifest gives none."""
        return ObjectRecord(
            uid=uid,
            sha256=sha256,
            category=self.category or folder_name or "unknown",
            title=self.title,
            author=self.author or "unknown",
            licence=normalise_licence(self.licence),
            source_url=self.source_url,
        )


NOT_DESCRIBED = Described("", "", "", "", "", "", "", None)


def read_metadata(folder: Path, named_by: tuple[str, ...] = _FILE) -> tuple[str, dict[str, Described]]:
    """Name of the folder's manifest ("" if it has none) and its entries by file.

    Args:
        named_by: the columns that may name what an entry describes, best first.

    Raises:
        InputError: the manifest cannot be read, or an entry is invalid; the message names the file and the
            line or entry.
    """
    for name in MANIFESTS:
        path = folder / name
        if path.is_file():
            entries: dict[str, Described] = {}
            for where, row in _rows(path):
                entry = _described(row, where, named_by)
                if entry.file in entries:
                    raise InputError(
                        f"{where} describes {entry.file}, as an entry before it does: keep one of them"
                    )
                entries[entry.file] = entry
            return name, entries
    return "", {}


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each entry with its place for error messages; keys are in lower case, with underscores."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8; save it as UTF-8") from error
    for where, row in _csv_rows(path, text) if path.suffix == ".csv" else _json_rows(path, text):
        yield where, {str(key).strip().lower().replace(" ", "_").replace("-", "_"): row[key] for key in row}


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if None in row:
                raise InputError(f"{path}, line {reader.line_num}: more values than the header has columns")
            yield f"{path}, line {reader.line_num},", row
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV ({error})") from error


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:  # a number of 5000 digits, 100 000 brackets
        raise InputError(f"{path} is not a manifest: {error}") from error
    if isinstance(tree, dict):
        keyed = [(f"{path}, entry {json.dumps(key)},", key, row) for key, row in tree.items()]
    elif isinstance(tree, list):
        keyed = [(f"{path}, entry {number},", "", row) for number, row in enumerate(tree, start=1)]
    else:
        raise InputError(
            f"{path} holds a {type(tree).__name__}; expected a list of objects, or a dict of them by file"
        )
    for where, key, row in keyed:
        if not isinstance(row, dict):
            raise InputError(
                f"{where} is a {type(row).__name__}; expected an object with file, category, licence, ..."
            )
        yield where, {**row, "file": key} if key else row


def _described(row: dict[str, Any], where: str, named_by: tuple[str, ...]) -> Described:
    def first(names: tuple[str, ...]) -> str:
        return next((text for name in names if (text := plain_text(row.get(name)))), "")

    file = first(named_by).replace("\\", "/").removeprefix("./")
    if not file:
        raise InputError(f"{where} names no file; expected one of the columns {', '.join(named_by)}")
    front = first(("front_azimuth_deg",))
    return Described(
        file=file,
        sha256=first(("sha256",)).lower(),
        category=first(_CATEGORY),
        title=first(_TITLE),
        author=first(_AUTHOR),
        licence=first(_LICENCE),
        source_url=first(_URL),
        front_azimuth_deg=_degrees(front, where) if front else None,
    )


def _degrees(text: str, where: str) -> float:
    try:
        degrees = float(text)
    except ValueError:
        degrees = math.nan
    if not math.isfinite(degrees):
        raise InputError(
            f"{where} has front_azimuth_deg = {text!r}: expected degrees, or nothing where it is unknown"
        )
    return degrees
