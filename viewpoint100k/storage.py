"""Files of a run that lies behind a URL: s3://, gs:// and whatever else fsspec opens.

Object stores show a file whole or not at all, which is all that a run asks of them. Elsewhere an upload that
is cut off may be seen, but it has no receipt, and is made again.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from viewpoint100k.errors import InputError, MissingExtra, ViewpointError

TRIES = 3  # of one transfer, each with the tries that the library makes itself
FIRST_WAIT_S = 1.0  # doubled each time
EXTRAS = {"s3": "pip install 'viewpoint100k[s3]'", "gs": "pip install gcsfs", "az": "pip install adlfs"}
T = TypeVar("T")


class StorageError(ViewpointError):
    """A transfer failed repeatedly."""


class Store(NamedTuple):
    """A folder behind a URL."""

    url: str
    files: Any  # fsspec's file system
    root: str

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"


def is_url(out: str) -> bool:
    """Whether a run folder is named by a URL rather than by a local path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", out) is not None and not out.startswith("file://")


def open_store(url: str) -> Store:
    """Open a URL.

    Raises:
        InputError: no such kind of URL.
        MissingExtra: the library that opens it is not installed: says which.
    """
    kind = url.partition("://")[0]
    try:
        from fsspec.core import url_to_fs

        files, root = url_to_fs(url)
    except ImportError as error:
        raise MissingExtra(
            f"{url} needs a library: {EXTRAS.get(kind, f'pip install fsspec; {error}')}"
        ) from error
    except ValueError as error:
        raise InputError(f"{url}: {error}; expected a folder, or a URL such as s3://bucket/run") from error
    return Store(url.rstrip("/"), files, str(root).rstrip("/"))


def put(store: Store, source: Path, name: str) -> None:
    """Upload a file atomically, with retries if the connection drops.

    Raises:
        StorageError: it could not be sent, or less of it arrived.
    """
    size = source.stat().st_size

    def send() -> None:
        store.files.put_file(str(source), store.path(name))
        store.files.invalidate_cache()
        if (there := store.files.size(store.path(name))) != size:
            raise OSError(f"{there} of {size} bytes arrived")

    _persist(send, f"send {name} to {store.url}")


def get(store: Store, name: str, target: Path) -> bool:
    """Download a file; the target is complete when this returns.

    Returns:
        Whether there is such a file.

    Raises:
        StorageError: it could not be fetched.
    """

    def fetch() -> bool:
        try:
            data_size = store.files.size(store.path(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            store.files.get_file(store.path(name), str(target))
        except FileNotFoundError:
            return False
        if target.stat().st_size != data_size:
            raise OSError(f"{target.stat().st_size} of {data_size} bytes arrived")
        return True

    return _persist(fetch, f"fetch {name} from {store.url}")


def read_all(store: Store, folder: str) -> dict[str, bytes]:
    """The small files of a folder, by their names."""

    def fetch() -> dict[str, bytes]:
        store.files.invalidate_cache()
        try:
            names = [
                path for path in store.files.ls(store.path(folder), detail=False) if not path.endswith("/")
            ]
        except FileNotFoundError:
            return {}
        # a file may go between being listed and being read: a shard that is done loses its progress
        found = store.files.cat(names, on_error="return") if names else {}
        for path, data in found.items():
            if isinstance(data, Exception) and not isinstance(data, FileNotFoundError):
                raise OSError(f"{path}: {data}") from data
        return {path.rpartition("/")[2]: data for path, data in found.items() if isinstance(data, bytes)}

    return _persist(fetch, f"read {store.url}/{folder}")


def sizes(store: Store) -> dict[str, int]:
    """Bytes of each file directly in the folder, by its name."""

    def listing() -> dict[str, int]:
        store.files.invalidate_cache()
        try:
            entries = store.files.ls(store.root, detail=True)
        except FileNotFoundError:
            return {}
        return {
            each["name"].rpartition("/")[2]: int(each["size"] or 0)
            for each in entries
            if each["type"] == "file"
        }

    return _persist(listing, f"list {store.url}")


def delete(store: Store, name: str) -> None:
    """Delete a file, if it is there."""

    def remove() -> None:
        try:
            store.files.rm_file(store.path(name))
        except FileNotFoundError:
            pass

    _persist(remove, f"delete {name} in {store.url}")


def _persist(action: Callable[[], T], what: str) -> T:
    """Repeat an action over a network until it succeeds."""
    for attempt in range(TRIES):
        try:
            return action()
        except PermissionError as error:
            raise InputError(f"cannot {what}: {error or 'not allowed'}. Check the credentials") from error
        except (
            Exception
        ) as error:  # each file system has its own for a dropped connection, and few are OSError
            if attempt + 1 == TRIES:
                said = " ".join(str(error).split()) or type(error).__name__
                raise StorageError(f"cannot {what} after {TRIES} tries: {said}") from error
            time.sleep(FIRST_WAIT_S * 2**attempt)
    raise AssertionError("the last try returns or raises")
