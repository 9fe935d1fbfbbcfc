"""Checks whether a run can write where it has to, before it begins and for `doctor`."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from viewpoint100k.engine import ROOM_FOR_A_VIEW_SET
from viewpoint100k.errors import InputError
from viewpoint100k.storage import is_url


def check_disk(folder: str) -> int:
    """Can files be written there, and do pictures of one object have room? A folder that is not there yet
    will be made.

    Returns:
        Bytes that are free.

    Raises:
        InputError: no.
    """
    try:
        place = nearest(folder)
        _try_to_write(place)
        free = shutil.disk_usage(place).free
    except OSError as error:
        reason = error.strerror or str(error)
        do = "Free space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Make it writable"
        raise InputError(
            f"cannot write to {folder}: {reason}. {do} or choose another folder, then run it again"
        ) from error
    if free < ROOM_FOR_A_VIEW_SET:
        raise InputError(
            f"cannot write to {folder}: {free / 1e6:.0f} MB are free, and the pictures of one object may "
            "need "
            f"{ROOM_FOR_A_VIEW_SET / 1e6:.0f} MB. Free space or choose another folder, then run it again"
        )
    return free


def written_to(out: str) -> list[str]:
    """The folders that a run writes to: its own, unless that is behind a URL, and the one for temporary
    files.
    """
    try:
        temporary = [tempfile.gettempdir()]
    except FileNotFoundError:  # it tries to write to each that it knows
        temporary = [os.environ.get("TMPDIR", "/tmp")]
    return temporary if is_url(out) else [out.removeprefix("file://"), *temporary]


def _try_to_write(folder: Path) -> None:
    """Write a block into a file without a name, which nobody else ever sees: another run may be looking at
    the folder.

    Raises:
        OSError: that fails.
    """
    flags = getattr(os, "O_TMPFILE", None)
    try:
        handle = None if flags is None else os.open(folder, flags | os.O_RDWR, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
        handle = None
    if handle is not None:
        try:
            os.write(handle, bytes(4096))
        finally:
            os.close(handle)
    elif not os.access(folder, os.W_OK | os.X_OK):  # a file system without such files
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def nearest(folder: str) -> Path:
    """It, or the first above it that is there."""
    path = Path(folder).absolute()
    return next((place for place in (path, *path.parents) if os.path.isdir(place)), Path("/"))
