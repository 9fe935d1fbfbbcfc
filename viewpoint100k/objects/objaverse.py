"""Objaverse as a source. The `objaverse` package reads its own cache; what is missing there we download.

We download ourselves because the package writes index files straight to their final names (a killed download
breaks every later call), never retries and ignores HF_ENDPOINT. The files end up where the package looks for
them.
"""

import errno
import functools
import gzip
import json
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from viewpoint100k.errors import InputError, MissingExtra, ObjectRefused
from viewpoint100k.objects.credit import licence_refusal, normalise_licence, plain_text
from viewpoint100k.records import ObjectRecord, Reject, SourceObject

_REPOSITORY = "allenai/objaverse"
_INDEX, _LVIS = "object-paths.json.gz", "lvis-annotations.json.gz"
_PATH = re.compile(r"glbs/[0-9A-Za-z_-]+/([0-9A-Za-z_-]+)\.glb")
_MAX_BATCH = 20_000  # annotations in memory at once, about 20 kB each
_DISK_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


def list_objaverse(
    subset: str,
    wanted: int,
    seed: int,
    allow: tuple[str, ...] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[SourceObject], list[Reject]]:
    """`wanted` objects in an order that only the seed decides, and those that were drawn but may not be used.

    A larger `wanted` extends a smaller one. Fewer come back only when the subset has no more.

    Raises:
        InputError: an index file is broken, or is not in the cache and there is no network.
    """
    paths, categories = _object_paths(), _lvis_categories()
    uids = sorted(categories if subset == "lvis" else paths)
    order = [uids[index] for index in np.random.default_rng(seed).permutation(len(uids))]
    objects: list[SourceObject] = []
    rejects: list[Reject] = []
    start = 0
    while start < len(order) and len(objects) < wanted:
        # as many as are missing, then ever more, because every call reads up to 160 annotation files
        drawn = order[start : start + min(max(wanted - len(objects), start), _MAX_BATCH)]
        start += len(drawn)
        annotations = _annotations([uid for uid in drawn if uid in paths])
        for uid in drawn:
            if len(objects) == wanted:
                break
            if uid not in annotations:
                rejects.append(
                    Reject(uid=uid, stage="list", reason="is not in Objaverse's index and annotations")
                )
                continue
            record = _record(uid, annotations[uid], categories.get(uid, "unknown"))
            refusal = licence_refusal(record.licence, allow)
            if refusal:
                rejects.append(Reject(uid=uid, stage="list", reason=refusal))
            else:
                objects.append(SourceObject(record=record))
        if progress:
            progress(len(objects), wanted)
    return objects, rejects


def fetch_objaverse(uid: str) -> Path:
    """The object's file in Objaverse's cache, downloaded if it is not there or was cut short.

    Raises:
        ObjectRefused: not in the index, or cannot be downloaded, or is not a whole GLB.
        InputError: no network.
    """
    relative = _object_paths().get(uid)
    if relative is None:
        raise ObjectRefused(f"Objaverse's index has no file for {uid}")
    path = _root() / relative
    if not path.is_file() or _what_is_missing(path):
        _download(relative, ObjectRefused)
    return path


def _root() -> Path:
    """Where the objaverse package keeps its files; it decides so when it is imported."""
    return Path(_objaverse()._VERSIONED_PATH)


def _objaverse() -> Any:
    try:
        import huggingface_hub  # noqa: F401  (needed as well, and missing at a better moment here)
        import objaverse
    except ImportError as error:
        raise MissingExtra(
            "objaverse: sources need the objaverse package: pip install 'viewpoint100k[objaverse]'"
        ) from error
    return objaverse


@functools.cache
def _object_paths() -> dict[str, str]:
    """Uid to path below the cache. Paths of another form are left out: the index is a stranger's file too."""
    with _reading([_INDEX]):
        paths: dict[str, str] = _objaverse()._load_object_paths()
        return {
            uid: path for uid, path in paths.items() if (match := _PATH.fullmatch(path)) and match[1] == uid
        }


@functools.cache
def _lvis_categories() -> dict[str, str]:
    with _reading([_LVIS]):
        by_category = _objaverse().load_lvis_annotations()
        return {
            uid: plain_text(category) for category in sorted(by_category) for uid in by_category[category]
        }


def _annotations(uids: list[str]) -> dict[str, dict[str, Any]]:
    """Of just these; without those that have none."""
    folders = sorted({_object_paths()[uid].split("/")[1] for uid in uids})
    with _reading([f"metadata/{folder}.json.gz" for folder in folders]):
        return dict(_objaverse().load_annotations(uids)) if uids else {}


def _record(uid: str, annotation: dict[str, Any], category: str) -> ObjectRecord:
    """Only what attribution needs: no e-mail addresses, no avatars."""
    return ObjectRecord(
        uid=uid,
        category=category,
        title=plain_text(annotation.get("name")),
        author=plain_text(annotation.get("user")) or "unknown",
        licence=normalise_licence(plain_text(annotation.get("license"))),
        source_url=plain_text(annotation.get("viewerUrl")) or plain_text(annotation.get("uri")),
    )


@contextmanager
def _reading(files: Iterable[str]) -> Iterator[None]:
    """Make sure that the package finds these files, and say which one is broken when it cannot read them."""
    files = list(files)
    for file in files:
        if not (_root() / file).is_file():
            _download(file, InputError)
    try:
        yield
    except (EOFError, zlib.error, ValueError, OSError) as error:
        broken = next((_root() / file for file in files if not _readable(_root() / file)), None)
        if broken is None:
            raise InputError(f"cannot read Objaverse's cache {_root()}: {error}") from error
        raise InputError(
            f"{broken} is broken ({error}), probably by a download that was cut short: delete it and try again"
        ) from error


def _readable(path: Path) -> bool:
    try:
        with gzip.open(path, "rb") as stream:
            json.load(stream)
    except (EOFError, zlib.error, ValueError, OSError):
        return False
    return True


def _download(relative: str, failure: type[ObjectRefused] | type[InputError]) -> None:
    """Put a file of the Objaverse repository into the cache: all of it or nothing."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    path = _root() / relative
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # a folder of its own, so that two processes do not meet, and beside the target, so that it can be
        # renamed
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=_root(), ignore_cleanup_errors=True) as folder:
            try:
                fetched = Path(hf_hub_download(_REPOSITORY, relative, repo_type="dataset", local_dir=folder))
            except (
                LocalEntryNotFoundError,
                RepositoryNotFoundError,
            ) as error:  # the Hub's fault, not this file's
                raise InputError(
                    f"Objaverse's {relative} is not (whole) in {_root()} and the Hugging Face Hub cannot be reached: needs "
                    "network (HF_ENDPOINT names another server), or a cache at that place which holds the file"
                ) from error
            except Exception as error:  # whatever the HTTP library of this release raises
                if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
                    raise
                raise failure(
                    f"cannot download {relative} of {_REPOSITORY}: {' '.join(str(error).split())}"
                ) from error
            if relative.endswith(".glb") and (missing := _what_is_missing(fetched)):
                raise failure(f"downloaded {relative} of {_REPOSITORY}: {missing}")
            fetched.replace(path)
    except OSError as error:
        raise InputError(f"cannot write Objaverse's cache {_root()}: {error.strerror or error}") from error


def _what_is_missing(path: Path) -> str:
    """Why the file is not a whole GLB; empty if it is."""
    with path.open("rb") as stream:
        header = stream.read(12)
    size = path.stat().st_size
    if header[:4] != b"glTF" or len(header) < 12:
        return "not a GLB"
    declared = int.from_bytes(header[8:12], "little")
    return f"cut short, {size} of {declared} bytes" if size < declared else ""
