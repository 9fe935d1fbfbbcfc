"""A folder of .glb and .gltf files as a source: find, hash, check, describe."""

import hashlib
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import InputError, ObjectRefused
from viewpoint100k.objects.credit import licence_refusal, normalise_licence, plain_text
from viewpoint100k.objects.metadata import NOT_DESCRIBED, Described, read_metadata
from viewpoint100k.records import Reject, SourceObject

_SUFFIXES = (".glb", ".gltf")
_MAX_UID = 80  # keys of samples are uids and become file names


def list_folder(
    folder: Path,
    budgets: FileBudgets,
    allow: tuple[str, ...] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[SourceObject], list[Reject]]:
    """All usable objects below `folder` in order of their paths, and the refused files with reasons.

    `SourceObject.path` is relative to the folder, so that a plan made on one machine serves on another.

    Raises:
        InputError: it is not a folder, holds no .glb or .gltf, or its manifest makes no sense.
    """
    check_folder(folder)
    names, others, rejects = _find(folder)
    if not names and not rejects:
        what = f"{others} files, none of them .glb or .gltf"
        raise InputError(f"{folder} holds {what}: pass a folder with objects in it")
    manifest, entries = read_metadata(folder)
    uids = assign_uids(names)
    described = _match(uids, entries)
    objects: list[SourceObject] = []
    first_with: dict[str, str] = {}
    for done, name in enumerate(names):
        if progress:
            progress(done, len(names))
        found = _usable(folder, name, uids[name], described[name], budgets, allow)
        if isinstance(found, Reject):
            rejects.append(found)
            continue
        twin = first_with.setdefault(found.record.sha256, name)
        if twin == name:
            objects.append(found)
        else:
            rejects.append(Reject(uid=uids[name], stage="list", reason=f"{name}: same bytes as {twin}"))
    if progress:
        progress(len(names), len(names))
    described_files = {entry.file for entry in described.values()}
    rejects += _lost_entries([file for file in entries if file not in described_files], manifest)
    return objects, rejects


def _usable(
    folder: Path,
    name: str,
    uid: str,
    described: Described,
    budgets: FileBudgets,
    allow: tuple[str, ...] | None,
) -> SourceObject | Reject:
    """An object of a folder, or the reason why it is not usable."""
    try:
        return _inspect(folder, name, uid, described, budgets, allow)
    except _UnlistedError as error:
        return Reject(uid=uid, stage="list", reason=f"{plain_text(name)}: {error}")
    except ObjectRefused as error:
        return Reject(uid=uid, stage="check", reason=f"{plain_text(name)}: {error}")


def _lost_entries(lost: Sequence[str], manifest: str) -> Iterator[Reject]:
    """Rejects for manifest entries that describe no file, because a licence might silently be lost."""
    for name in lost:
        reason = f"{name}: described in {manifest}, but no file or more than one is called so"
        yield Reject(uid=safe_uid(name), stage="list", reason=reason)


def check_folder(folder: Path) -> None:
    """Check that the folder exists.

    Raises:
        InputError: it does not exist, or is a file.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise InputError(
            f"source {folder} {what}: expected builtin:, a folder of .glb/.gltf files, or objaverse:lvis"
        )


def open_inside(folder: Path, name: str) -> Path:
    """The path of a file of the folder.

    Raises:
        ObjectRefused: it does not exist, leads out of the folder, or is not an ordinary file.
    """
    path = folder / name
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to(folder.resolve()):
            raise ObjectRefused("leads out of the folder; copy the file into it")
        if not stat.S_ISREG(target.stat().st_mode):
            raise ObjectRefused("is not an ordinary file")
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise ObjectRefused(f"cannot be opened ({getattr(error, 'strerror', None) or error})") from error
    return path


def inspect_file(path: Path, budgets: FileBudgets) -> tuple[str, str]:
    """sha256 and shape of an object's file, if it passes the gate.

    The shape is empty if it cannot be measured.

    Raises:
        ObjectRefused: it does not pass, or cannot be read.
    """
    from viewpoint100k.objects.gltf import check_and_place
    from viewpoint100k.objects.shape import MAX_TRIANGLES, shape_of

    facts, surface = check_and_place(path, budgets, MAX_TRIANGLES)
    return object_sha256(path, facts.files), shape_of(surface) if surface is not None else ""


def object_sha256(path: Path, side_files: Sequence[Path]) -> str:
    """SHA-256 of the file, or of the hashes of all its files if it has side files.

    Two equal .gltf files may refer to different .bin files.

    Raises:
        ObjectRefused: a file cannot be read.
    """
    if not side_files:
        return file_sha256(path)
    return hashlib.sha256("".join(file_sha256(each) for each in (path, *side_files)).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of one file.

    Raises:
        ObjectRefused: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ObjectRefused(f"cannot be read ({error.strerror})") from error


def assign_uids(names: list[str]) -> dict[str, str]:
    """A uid for each relative path; it depends on other files only if two would get the same uid."""
    plain = {name: safe_uid(str(PurePosixPath(name).with_suffix(""))) for name in names}
    # compared without case, because sample keys become file names on systems that ignore it
    count = Counter(uid.lower() for uid in plain.values())
    return {
        name: uid if count[uid.lower()] == 1 else f"{uid}-{_short_hash(name)}" for name, uid in plain.items()
    }


def safe_uid(text: str) -> str:
    """`text` with only A-Z a-z 0-9 _ -.

    Accents are dropped, other characters become underscores, and long texts are cut and hashed.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    uid = re.sub(r"[^A-Za-z0-9-]+", "_", ascii_text).strip("_-") or "object"
    return uid if len(uid) <= _MAX_UID else f"{uid[:_MAX_UID]}-{_short_hash(text)}"


class _UnlistedError(Exception):
    """The reason why a file is not used although its contents may be fine."""


def _find(folder: Path) -> tuple[list[str], int, list[Reject]]:
    """Relative paths of the objects, the number of other files, and the folders that cannot be read."""
    names: list[str] = []
    others = 0
    rejects: list[Reject] = []

    def skip(path: str, reason: str) -> None:
        name = plain_text(os.path.relpath(path, folder))
        rejects.append(Reject(uid=safe_uid(name), stage="list", reason=f"{name}: {reason}"))

    def unreadable(error: OSError) -> None:
        skip(str(error.filename), f"folder cannot be read ({error.strerror})")

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        for linked in (entry for entry in folders if os.path.islink(os.path.join(parent, entry))):
            skip(os.path.join(parent, linked), "links to folders are not followed")
        for file in files:
            if file.lower().endswith(_SUFFIXES):
                names.append(Path(parent, file).relative_to(folder).as_posix())
            else:
                others += 1
    return sorted(names), others, sorted(rejects, key=lambda reject: reject.reason)


def _inspect(
    folder: Path, name: str, uid: str, entry: Described, budgets: FileBudgets, allow: tuple[str, ...] | None
) -> SourceObject:
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise _UnlistedError("its name is not UTF-8 and cannot be written into a plan; rename it")
    refusal = licence_refusal(normalise_licence(entry.licence), allow)
    if refusal:
        raise _UnlistedError(refusal)
    try:
        path = open_inside(folder, name)
        sha256 = file_sha256(path)
    except ObjectRefused as error:
        raise _UnlistedError(str(error)) from error
    if entry.sha256 not in ("", sha256):
        raise _UnlistedError(f"its sha256 is {sha256}, the manifest says {entry.sha256}; get the file again")
    sha256, shape = inspect_file(path, budgets)
    record = entry.record(uid, sha256, folder_name=PurePosixPath(name).parent.name)
    record = record.model_copy(update={"shape": shape})
    return SourceObject(record=record, path=name, front_azimuth_deg=entry.front_azimuth_deg)


def _match(uids: dict[str, str], entries: dict[str, Described]) -> dict[str, Described]:
    """The entry of each file: by relative path or uid, or by file name if that is unique.

    The suffix may be missing, and accents may be composed or not.
    """
    by_file = {unicodedata.normalize("NFC", file): entry for file, entry in entries.items()}
    paths = {name: PurePosixPath(name) for name in uids}
    count = Counter(key for path in paths.values() for key in {path.name, path.stem})
    found = {}
    for name, path in paths.items():
        keys = [
            name,
            str(path.with_suffix("")),
            uids[name],
            *(key for key in (path.name, path.stem) if count[key] == 1),
        ]
        known = (by_file.get(unicodedata.normalize("NFC", key)) for key in keys)
        found[name] = next((entry for entry in known if entry), NOT_DESCRIBED)
    return found


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
