"""Files of a dataset's folder: opened only if they are regular and lie in it, replaced only as a whole."""

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from viewpoint100k.errors import InputError, one_line

REAL = "real"  # folder beside a dataset's shards: a dataset of photographs, under a configuration of its own


def open_inside(path: Path, root: Path | None = None) -> io.BufferedReader:
    """Open a file of a dataset for reading.

    Args:
        root: the folder that it must lie in; None: the one that `path` names.

    Raises:
        InputError: it does not exist, is not a regular file, or is a link that leads out of the folder.
    """
    try:
        real = path.resolve(strict=True)
        folder = (root or path.parent).resolve()
        # the Hub's cache keeps every file of a snapshot, photographs' too, as a link to where its bytes are
        snapshot = folder.parent if folder.name == REAL else folder
        cache = snapshot.parent.parent / "blobs" if snapshot.parent.name == "snapshots" else folder
        if not (real.is_relative_to(folder) or real.is_relative_to(cache)):
            raise InputError(
                f"{path} leads out of its folder, to {one_line(str(real))}; expected a file in {folder}"
            )
        if not stat.S_ISREG(
            os.stat(real).st_mode
        ):  # before it is opened: that alone may wait, or do something
            raise InputError(
                f"{path} is not a regular file; expected a file with content, neither a folder nor a device"
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


def has_photographs(dataset: Path) -> bool:
    """Whether a dataset of photographs lies in the folder of one of renders."""
    return is_own_folder(dataset / REAL) and (dataset / REAL / "manifest.json").is_file()


def folders_of(dataset: Path) -> list[Path]:
    """Where a dataset's shards lie: its own folder, and that of the photographs beside its renders."""
    return [dataset, dataset / REAL] if has_photographs(dataset) else [dataset]


def sha256_file(path: Path, root: Path | None = None) -> str:
    """Hash of a file of a dataset, in hex digits.

    Raises:
        InputError: as `open_inside`.
    """
    with open_inside(path, root) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(target: Path, data: bytes) -> None:
    """Write a small file so that a reader sees the old or the new one, never a part."""
    with replacing(target) as file:
        file.write(data)


@contextmanager
def replacing(target: Path, scratch: Path | None = None) -> Iterator[BinaryIO]:
    """A new file that takes the place of `target` when the block ends; after an error nothing has changed.

    Args:
        scratch: an existing folder on the same file system, for the unfinished file; None: the target's.
    """
    unfinished = (scratch or target.parent) / f".{target.name}.{uuid4().hex[:12]}.partial"  # nobody else's
    try:
        with open(unfinished, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
        _sync_folder(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def sweep(out: Path, *, before: float) -> None:
    """Remove what killed processes left half-written, here and in OUT/.run, and began before `before`."""
    folders = list(filter(is_own_folder, out.glob("*")))
    mine = [each for folder in (out, *folders) for each in folder.glob(".*.partial")]
    mine += (out / ".run").rglob(".*.partial") if is_own_folder(out / ".run") else ()
    for unfinished in mine:
        with suppress(FileNotFoundError, IsADirectoryError):  # another finalizer was faster
            if unfinished.lstat().st_mtime < before:
                unfinished.unlink()


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
