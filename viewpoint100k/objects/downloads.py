"""Downloads files of Objaverse into a cache that a farm shares; each file is downloaded once.

We do not use the downloads of the `objaverse` package, because it writes index files directly to their final
names (a killed download breaks every later call), never retries and ignores HF_ENDPOINT. The files end up
where that package looks for them.

A file is locked while it is downloaded, so that other processes wait for it instead of downloading it as
well. Each download also takes one of a few slots, which bounds the connections of all machines together. Both
are locks on files in the cache, which are released as soon as a process is killed. On a file system without
locks, files may be downloaded twice but are complete all the same.
"""

import errno
import fcntl
import hashlib
import os
import random
import re
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from viewpoint100k.errors import InputError, MissingExtra, ObjectRefused, ViewpointError, one_line
from viewpoint100k.hub_client import asked_pause_s, look_at_hub, may_pass
from viewpoint100k.objects.web import DamagedError, failed_on_the_web, from_addresses, may_pass_on_the_web

REPOSITORY = "allenai/objaverse"
# environment variable with the cache's path, if it is not ~/.objaverse/hf-objaverse-v1
CACHE = "VIEWPOINT100K_OBJAVERSE"
# environment variable: greatest number of simultaneous downloads of all processes that share a cache
CONNECTIONS = "VIEWPOINT100K_CONNECTIONS"
OURS = "viewpoint100k"  # folder in the cache for files that the package does not know
_USUAL_CONNECTIONS = 8
_LOCKS = 1024  # lock files; a few objects share each of them
_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # pauses between attempts
_LOOK_S = 10.0  # longest time that the Hub may take to answer at all
_DISK_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)

Failure = type[ObjectRefused] | type[InputError]


def cache_root() -> Path:
    """The folder in which the objaverse package keeps its files; it is fixed when the package is imported."""
    package = _objaverse()
    named = os.environ.get(CACHE, "")
    return Path(named) if named else Path(package._VERSIONED_PATH)


def ensure(name: str) -> Path:
    """A file of Objaverse's indices in the cache, downloaded if it is not there.

    Raises:
        InputError: it cannot be obtained; the message says why.
    """
    path = cache_root() / name
    if not path.is_file():
        _download(name, InputError)
    return path


def fetch_address(addresses: Sequence[str], relative: str, sha256: str, max_bytes: int) -> Path:
    """A file of the web in the cache, downloaded if necessary and checked against its hash.

    Args:
        addresses: https addresses of the file; the first that has it is used.
        relative: its path in the cache.
        max_bytes: a longer file is not read to its end.

    Raises:
        ObjectRefused: it cannot be downloaded, or has another hash.
        InputError: there is no network.
    """
    path = cache_root() / relative

    def is_whole(found: Path) -> bool:
        return found.is_file() and _sha256(found) == sha256

    def get(folder: Path) -> Path:
        if _is_offline():
            raise InputError(
                f"{addresses[0]} is not in {cache_root()}, and HF_HUB_OFFLINE says that there is no network"
            )
        return _patiently(
            lambda: from_addresses(addresses, folder / "file", sha256, max_bytes),
            may_pass_on_the_web,
            lambda error: failed_on_the_web(addresses[0], error),
        )

    if not is_whole(path):
        _put(relative, is_whole, get)
    return path


def fetch_glb(relative: str) -> Path:
    """An object's file in the cache, downloaded if it is missing or truncated.

    Raises:
        ObjectRefused: it cannot be downloaded, or is not a complete GLB.
        InputError: there is no network.
    """
    path = cache_root() / relative
    if not path.is_file() or what_is_missing(path):
        _download(relative, ObjectRefused)
    return path


def from_hub(repo_id: str, name: str) -> Path:
    """A file of another dataset, in the cache of the Hub's client.

    Raises:
        InputError: it cannot be obtained; the message says why.
    """
    try:
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(repo_id, name, repo_type="dataset"))
    except ImportError as error:
        raise _missing_extra() from error
    except Exception as error:  # whatever the HTTP library of this release raises
        raise InputError(
            f"cannot get {name} of {repo_id} from the Hub: {one_line(str(error), 200)}. Download it "
            "elsewhere and name the file instead"
        ) from error


def what_is_missing(path: Path) -> str:
    """Why the file is not a complete GLB; empty if it is."""
    with path.open("rb") as stream:
        header = stream.read(12)
    size = path.stat().st_size
    if header[:4] != b"glTF" or len(header) < 12:
        return "not a GLB"
    declared = int.from_bytes(header[8:12], "little")
    return f"cut short, {size} of {declared} bytes" if size < declared else ""


def _objaverse() -> Any:
    try:
        import huggingface_hub  # noqa: F401  (needed as well, and missing at a better moment here)
        import objaverse
    except ImportError as error:
        raise _missing_extra() from error
    return objaverse


def _missing_extra() -> MissingExtra:
    return MissingExtra(
        "objaverse: sources need the objaverse package: pip install 'viewpoint100k[objaverse]'"
    )


# --- one download ---------------------------------------------------------------------------------


def _download(relative: str, failure: Failure) -> None:
    """Put a file of the Objaverse repository into the cache."""

    def is_whole(path: Path) -> bool:
        return path.is_file() and not (relative.endswith(".glb") and what_is_missing(path))

    def get(folder: Path) -> Path:
        fetched = _patiently(
            lambda: _once(relative, folder), _may_pass, lambda error: _failed(relative, error, failure)
        )
        if relative.endswith(".glb") and (missing := what_is_missing(fetched)):
            raise failure(f"downloaded {relative} of {REPOSITORY}: {missing}")
        return fetched

    _put(relative, is_whole, get)


def _put(relative: str, is_whole: Callable[[Path], bool], get: Callable[[Path], Path]) -> None:
    """Put a file into the cache, atomically and only once.

    Args:
        is_whole: whether the file in the cache is complete.
        get: downloads it into an empty folder of ours and returns its path.
    """
    root = cache_root()
    path = root / relative
    key = f"{zlib.crc32(relative.encode()) % _LOCKS:04d}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(root / OURS / "locks" / key):
            if is_whole(path):
                return  # another process was faster
            folder = root / OURS / "fetching" / key
            shutil.rmtree(folder, ignore_errors=True)  # left by a killed process
            try:
                get(folder).replace(path)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise InputError(f"cannot write Objaverse's cache {root}: {error.strerror or error}") from error


def _patiently(
    once: Callable[[], Path],
    may_pass: Callable[[Exception], bool],
    failed: Callable[[Exception], ViewpointError],
) -> Path:
    """Call `once`, and retry after a pause if a server is busy, drops the line, or sends a damaged file."""
    for pause_s in (*_PAUSES_S, None):
        try:
            with _place():
                return once()
        except Exception as error:  # whatever the HTTP library of this release raises
            if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
                raise
            again = isinstance(error, DamagedError) or may_pass(error)
            if not again or pause_s is None:
                raise failed(error) from error
            cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
            wait_s = asked_pause_s(error) or asked_pause_s(cause) or pause_s
            # random, so that the machines of a farm do not retry all at once
            time.sleep(wait_s * random.uniform(1.0, 1.3))
    raise AssertionError("the last try returns or raises")


def _once(relative: str, folder: Path) -> Path:
    from huggingface_hub import hf_hub_download

    shutil.rmtree(folder, ignore_errors=True)  # left by the previous attempt
    fetched = Path(hf_hub_download(REPOSITORY, relative, repo_type="dataset", local_dir=folder))
    promised = _promised_sha256(folder, relative)
    if promised and promised != _sha256(fetched):
        raise DamagedError(f"its sha256 is not the promised {promised}")
    return fetched


def _promised_sha256(folder: Path, relative: str) -> str:
    """The hash that the server gave for a large file, as noted by the client; empty if it gave none."""
    note = folder / ".cache" / "huggingface" / "download" / f"{relative}.metadata"
    with suppress(OSError, UnicodeDecodeError):
        lines = note.read_text().splitlines()
        if len(lines) > 1 and re.fullmatch(r"[0-9a-f]{64}", lines[1].strip()):
            return lines[1].strip()
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may succeed."""
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    if _is_offline() or isinstance(error, RepositoryNotFoundError):
        return False
    if isinstance(error, LocalEntryNotFoundError):  # the server could not be reached, for whatever reason
        return True
    # an OSError without a number means that the client received too few bytes
    return may_pass(error) or (type(error) is OSError and error.errno is None)


def _failed(relative: str, error: Exception, failure: Failure) -> ObjectRefused | InputError:
    """The error after the last attempt: a fault of the object, or of the network."""
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    unreachable = isinstance(error, LocalEntryNotFoundError | RepositoryNotFoundError)
    if unreachable and not _answers():
        return InputError(
            f"Objaverse's {relative} is not (whole) in {cache_root()} and the Hub cannot be reached: needs "
            "network (HF_ENDPOINT names another server), or a cache at that place which holds the file"
        )
    return failure(f"cannot download {relative} of {REPOSITORY}: {one_line(str(error), 300)}")


def _is_offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _answers() -> bool:
    """Whether the Hub answers at all."""
    return not _is_offline() and look_at_hub(_LOOK_S).status is not None


# --- locks ----------------------------------------------------------------------------------------


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for a lock, and hold it in the context. Go on without it on a file system without locks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _place() -> Iterator[None]:
    """Wait for one of the download slots of all processes that share the cache."""
    folder = cache_root() / OURS / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    count = connections()
    while True:
        for number in random.sample(range(count), count):
            with open(folder / f"place-{number}", "ab") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                except OSError:
                    pass  # a file system without locks
                yield
                return
        time.sleep(random.uniform(0.05, 0.2))


def connections() -> int:
    """The greatest number of simultaneous downloads.

    Raises:
        InputError: the environment variable is not a number.
    """
    text = os.environ.get(CONNECTIONS, str(_USUAL_CONNECTIONS))
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text):
        raise InputError(f"{CONNECTIONS}={text!r}: expected a whole number from 1 to 9999")
    return int(text)
