"""Objaverse's annotations as compact tables, one for each of its 160 files, made once on each machine.

The original files are gigabytes of JSON. The fields that filters and attribution need are kept as Parquet in
a folder beside them, so that all of Objaverse is read in seconds. A table is made when it is first needed,
and again when its file is newer. If the folder cannot be written to, the table is made in memory each time.
"""

import functools
import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np

from viewpoint100k.errors import InputError, MissingExtra
from viewpoint100k.objects.credit import normalise_licence, plain_text
from viewpoint100k.objects.downloads import OURS, cache_root, ensure
from viewpoint100k.objects.tables import Uids
from viewpoint100k.records import ObjectRecord

FOLDER = f"{OURS}/tables-1"  # the number changes with the contents of the tables
INDEX = "object-paths.json.gz"
LVIS = "lvis-annotations.json.gz"
_VIEWER = "https://sketchfab.com/3d-models/"
_MOST_COUNT = 2**31 - 1
_BROKEN = (EOFError, zlib.error, ValueError, OSError, RecursionError, AttributeError, TypeError)


class Index(NamedTuple):
    """All objects, and the folder of each."""

    uids: Uids  # sorted
    folders: np.ndarray[Any, np.dtype[np.int16]]  # for each object, an index into `names`
    names: list[str]  # such as 000-023

    def folder_of(self, uids: Uids) -> np.ndarray[Any, np.dtype[np.int64]]:
        """(n,) indices into `names`; -1 for unknown objects."""
        places = np.minimum(np.searchsorted(self.uids, uids), len(self.uids) - 1)
        found = self.folders[places].astype(np.int64)
        return np.where(self.uids[places] == uids, found, -1)


def read_index() -> Index:
    """Objaverse's index; paths that do not have the form glbs/FOLDER/UID.glb are left out.

    Like any stranger's file, it is not trusted.

    Raises:
        InputError: it is broken, or is not in the cache and there is no network.
    """
    source, kept = _sources(INDEX, "index.npz")
    if kept is not None:
        with suppress(*_BROKEN, KeyError), np.load(kept, allow_pickle=False) as stored:
            return Index(stored["uids"], stored["folders"], [str(name) for name in stored["names"]])
    with _Reading(source):
        tree = _unpacked(source)
        pairs = sorted(
            (uid, folder) for uid, path in tree.items() if (folder := _folder_of(uid, path)) is not None
        )
    del tree
    if not pairs:
        raise InputError(f"{source} names no object; delete it and try again")
    names = sorted({folder for _, folder in pairs})
    number = {name: place for place, name in enumerate(names)}
    index = Index(
        np.array([uid.encode() for uid, _ in pairs]),
        np.array([number[folder] for _, folder in pairs], np.int16),
        names,
    )
    _keep("index.npz", lambda path: _save_index(path, index))
    return index


@functools.cache
def lvis_categories() -> dict[str, str]:
    """The category of each object that LVIS has one for."""
    ensure(LVIS)
    source = cache_root() / LVIS
    with _Reading(source):
        by_category = _unpacked(source)
        return {
            str(uid): plain_text(category)
            for category in sorted(by_category)
            for uid in by_category[category]
        }


def read_tables(
    folders: Sequence[str], without: Sequence[str] = (), progress: Callable[[int, int], None] | None = None
) -> Any:
    """The annotations of the objects in some folders, as one Arrow table.

    Args:
        without: columns that are not needed; tags are half of the data.

    Raises:
        InputError: a file is broken, or is not in the cache and there is no network.
    """
    pyarrow = _arrow()
    tables = [_as_table([]).drop_columns(list(without))]
    for done, folder in enumerate(folders):
        if progress and len(folders) > 1:
            progress(done, len(folders))
        tables.append(_table(folder, without))
    return pyarrow.concat_tables(tables)


def uids_of(table: Any) -> Uids:
    """(n,) the uids of a table, in its order."""
    return np.concatenate(
        [np.array(chunk.to_pylist(), dtype=np.bytes_) for chunk in table["uid"].chunks if len(chunk)]
        or [np.array([], dtype="S1")]
    )


def record_of(row: dict[str, Any], category: str) -> ObjectRecord:
    """Only what attribution needs: no e-mail addresses, no avatars."""
    return ObjectRecord(
        uid=row["uid"],
        category=category,
        title=row["name"],
        author=row["author"] or "unknown",
        licence=row["licence"],
        source_url=row["url"] if row["url"] is not None else f"{_VIEWER}{row['uid']}",
    )


def _table(folder: str, without: Sequence[str]) -> Any:
    """The table of one folder, without some columns."""
    source, kept = _sources(f"metadata/{folder}.json.gz", f"{folder}.parquet")
    if kept is not None:
        import pyarrow
        from pyarrow import parquet

        with suppress(pyarrow.ArrowException, *_BROKEN):
            schema = _as_table([]).schema
            if parquet.read_schema(kept).equals(schema):
                return parquet.read_table(
                    kept, columns=[name for name in schema.names if name not in without]
                )
    with _Reading(source):
        tree = _unpacked(source)
        table = _as_table([_row(str(uid), tree[uid]) for uid in tree])
    del tree
    _keep(f"{folder}.parquet", lambda path: _save_table(path, table))
    return table.drop_columns(list(without))


def _row(uid: str, annotation: dict[str, Any]) -> dict[str, Any]:
    url = plain_text(annotation.get("viewerUrl")) or plain_text(annotation.get("uri"))
    return {
        "uid": uid,
        "name": plain_text(annotation.get("name")),
        "author": plain_text(annotation.get("user")),
        "licence": normalise_licence(plain_text(annotation.get("license"))),
        "url": None if url == _VIEWER + uid else url,
        "faces": _count(annotation.get("faceCount")),
        "vertices": _count(annotation.get("vertexCount")),
        "animations": _count(annotation.get("animationCount")),
        "likes": _count(annotation.get("likeCount")),
        "views": _count(annotation.get("viewCount")),
        "age_restricted": annotation.get("isAgeRestricted") is True,
        "categories": _names(annotation.get("categories")),
        "tags": _names(annotation.get("tags")),
    }


def _count(value: Any) -> int | None:
    whole = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST_COUNT
    return int(value) if whole else None


def _names(value: Any) -> list[str]:
    """Names of tags or categories, which are given as a list of objects with a name or of texts."""
    texts = [plain_text(each) for each in value] if isinstance(value, list) else []
    return [text.casefold() for text in texts if text]


def _as_table(rows: list[dict[str, Any]]) -> Any:
    pyarrow = _arrow()
    names = pyarrow.list_(pyarrow.string())
    text = {name: pyarrow.string() for name in ("uid", "name", "author", "licence", "url")}
    counts = {name: pyarrow.int32() for name in ("faces", "vertices", "animations", "likes", "views")}
    rest = {"age_restricted": pyarrow.bool_(), "categories": names, "tags": names}
    return pyarrow.Table.from_pylist(rows, schema=pyarrow.schema({**text, **counts, **rest}))


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtra(
            "objaverse: sources need objaverse and pyarrow: pip install 'viewpoint100k[objaverse]'"
        ) from error
    return pyarrow


# --- files ----------------------------------------------------------------------------------------


def _sources(name: str, table: str) -> tuple[Path, Path | None]:
    """The file in Objaverse's cache, downloaded if necessary, and its table if that is up to date."""
    source = cache_root() / name
    kept = cache_root() / FOLDER / table
    if kept.is_file():
        with suppress(OSError):
            if not source.is_file() or kept.stat().st_mtime >= source.stat().st_mtime:
                return source, kept
    ensure(name)
    return source, None


def _keep(name: str, save: Callable[[Path], None]) -> None:
    """Save a table atomically; a cache that cannot be written to stays as it is."""
    folder = cache_root() / FOLDER
    part = folder / f".{name}.{uuid4().hex[:12]}.partial"
    with suppress(OSError):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save(part)
            part.replace(folder / name)
        finally:
            part.unlink(missing_ok=True)


def _save_index(path: Path, index: Index) -> None:
    with path.open("wb") as stream:
        np.savez_compressed(stream, uids=index.uids, folders=index.folders, names=np.array(index.names))


def _save_table(path: Path, table: Any) -> None:
    from pyarrow import parquet

    parquet.write_table(table, path, compression="zstd")


def _unpacked(path: Path) -> dict[str, Any]:
    with gzip.open(path, "rb") as stream:
        tree = json.load(stream)
    if not isinstance(tree, dict):
        raise ValueError(f"it holds a {type(tree).__name__}; expected an object")
    return tree


class _Reading:
    """A context that names the broken file of the cache if reading it fails."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, _BROKEN) and not isinstance(error, InputError):
            raise InputError(
                f"{self.path} is broken ({error}), probably by a download that was cut short: delete it and "
                "try again"
            ) from error


def _folder_of(uid: str, path: Any) -> str | None:
    """The folder in a path glbs/FOLDER/UID.glb; None if it has another form."""
    parts = path.split("/") if isinstance(path, str) else []
    if len(parts) != 3 or parts[0] != "glbs" or parts[2] != f"{uid}.glb":
        return None
    plain = all(
        each and all(c.isascii() and (c.isalnum() or c in "_-") for c in each) for each in (parts[1], uid)
    )
    return parts[1] if plain else None
