"""Sources of objects: lists what a source has, and fetches and checks single files.

A source is `builtin:` (shapes made here), a folder of .glb and .gltf files, `objaverse:lvis`,
`objaverse:all`, or `objaverse-xl:` with a part of it or a table.
"""

import os
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from viewpoint100k.config import XL_PARTS, FileBudgets, ObjectsConfig
from viewpoint100k.errors import InputError, ObjectRefused, ViewpointError
from viewpoint100k.objects.credit import licence_refusal
from viewpoint100k.objects.selection import (
    OF_ANNOTATIONS,
    OF_LISTS,
    Funnel,
    check_possible,
    read_lists,
    record_selection,
    select,
)
from viewpoint100k.plan import Selection
from viewpoint100k.records import ObjectRecord, Reject, SourceObject

MANY = 100  # objects of Objaverse: from this number on, all of its annotations are read
SOURCES = (
    "builtin:, a folder of .glb/.gltf files, objaverse:lvis, objaverse:all, or objaverse-xl: with "
    f"{', '.join(XL_PARTS)} or a Parquet file"
)
REMOTE = ("objaverse", "xl")  # kinds whose files are downloaded
# settings about facts that Objaverse-XL's tables do not state
NOT_IN_XL = (
    *OF_ANNOTATIONS,
    "categories",
    "without_categories",
    "authors",
    "without_authors",
    "category_share",
)


@dataclass(frozen=True)
class Listing:
    """The objects of a source. `endless`: it makes any number of objects."""

    objects: tuple[SourceObject, ...]
    rejects: tuple[Reject, ...]
    endless: bool
    selection: Selection


# the settings that a kind of source cannot apply
IMPOSSIBLE = {
    "builtin": (OF_ANNOTATIONS, OF_LISTS),
    "folder": (OF_ANNOTATIONS,),
    "objaverse": (),
    "xl": (NOT_IN_XL,),
}


def list_objects(
    source: str,
    *,
    wanted: int,
    seed: int,
    budgets: FileBudgets,
    allow: tuple[str, ...] | None = None,
    choice: ObjectsConfig | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Listing:
    """The objects of a source, the same on every machine, and those that may not be used with the reasons.

    Args:
        source: one of `SOURCES`. A folder is read whole, whatever is wanted, and every file in it hashed and
            checked; Objaverse's files are checked when they are fetched.
        wanted: how many to make (`builtin:`) or draw (Objaverse).
        seed: seed of that draw.
        budgets: what one file may contain.
        allow: allowed licences, see `credit.licence_refusal`; None: all but no-derivatives.
        choice: which of the objects are wanted; None: the default settings.
        progress: called with (done, total) from time to time.

    Raises:
        InputError: there is no such source, it cannot be listed, or it lacks the facts that `choice` asks
            for.
    """
    kind, rest = _parse(source)
    choice = choice or ObjectsConfig()
    for settings in IMPOSSIBLE[kind]:
        check_possible(choice, source, settings)
    files = dict[str, str]()
    lists = read_lists(choice)
    funnel = Funnel()
    rejects: list[Reject] = []
    if kind == "builtin":
        objects, rejects = _made(wanted, seed, allow, funnel)
    elif kind == "objaverse":
        from viewpoint100k.objects.objaverse import list_objaverse

        objects, funnel = list_objaverse(rest, wanted, seed, lists, allow, progress)
    elif kind == "xl":
        from viewpoint100k.objects.xl import list_xl

        objects, funnel, files = list_xl(rest, wanted, seed, lists, allow)
    else:
        usable, rejects = _in_folder(Path(rest), budgets, allow, progress, funnel)
        objects = select(usable, lists, funnel)
    selection = record_selection(lists, allow, funnel, [thing.record.uid for thing in objects])
    selection = selection.model_copy(update={"files": {**selection.files, **files}})
    return Listing(tuple(objects), (*rejects, *funnel.rejects), kind == "builtin", selection)


def _in_folder(
    folder: Path,
    budgets: FileBudgets,
    allow: tuple[str, ...] | None,
    progress: Callable[[int, int], None] | None,
    funnel: Funnel,
) -> tuple[list[SourceObject], list[Reject]]:
    """The usable objects of a folder, and the refused ones."""
    from viewpoint100k.objects.folder import list_folder

    usable, rejects = list_folder(folder, budgets, allow, progress)
    funnel.step("files of objects", len(usable) + len(rejects))
    funnel.step("pass the gate, with a licence that is allowed", len(usable))
    return usable, rejects


def _made(
    wanted: int, seed: int, allow: tuple[str, ...] | None, funnel: Funnel
) -> tuple[list[SourceObject], list[Reject]]:
    """Objects that our own code makes, and those whose licence is not allowed."""
    from viewpoint100k.objects.builtin import list_builtin

    made = list_builtin(wanted, seed)
    funnel.step("made", len(made))
    refusals = {thing.record.uid: licence_refusal(thing.record.licence, allow) for thing in made}
    objects = [thing for thing in made if not refusals[thing.record.uid]]
    return objects, [
        Reject(uid=uid, stage="list", reason=reason) for uid, reason in refusals.items() if reason
    ]


def _file_of(obj: SourceObject, source: str, folder: Path, budgets: FileBudgets) -> Path:
    """The object's file on this machine, not yet checked: see `fetch_object`."""
    from viewpoint100k.objects.folder import check_folder, open_inside

    kind, rest = _parse(source)
    if kind == "builtin":
        return _make_builtin(obj.record.uid, folder)
    if kind == "objaverse":
        from viewpoint100k.objects.objaverse import fetch_objaverse

        return fetch_objaverse(obj)
    if kind == "xl":
        from viewpoint100k.objects.xl import fetch_xl

        return fetch_xl(obj, budgets.max_bytes)
    check_folder(Path(rest))
    return open_inside(Path(rest), obj.path)


def fetch_object(
    obj: SourceObject, source: str, folder: Path, budgets: FileBudgets
) -> tuple[Path, ObjectRecord]:
    """The object's file on this machine, checked, and its record with the sha256 filled in.

    Args:
        obj: an object from `list_objects`, perhaps listed long ago on another machine.
        source: the same source, or the path of the same folder on this machine.
        folder: a folder for files that are generated.
        budgets: what one file may contain.

    Raises:
        ObjectRefused: the file is missing, differs from the plan, or must not be rendered.
        InputError: there is no such source, or it cannot be reached.
    """
    from viewpoint100k.objects.folder import inspect_file

    kind, _ = _parse(source)
    path = _file_of(obj, source, folder, budgets)
    planned = obj.record.sha256
    was_checked = planned and kind not in REMOTE
    try:
        sha256, shape = inspect_file(path, budgets)
    except ObjectRefused as error:
        raise ObjectRefused(
            f"changed since it was planned, when it was fine: {error}" if was_checked else error
        ) from error
    if planned not in ("", sha256):
        when = "planned" if was_checked else "listed"
        raise ObjectRefused(f"changed since it was {when}: sha256 was {planned}, is {sha256}")
    return path, obj.record.model_copy(update={"sha256": sha256, "shape": shape})


@contextmanager
def fetch_ahead(things: Sequence[SourceObject], source: str, budgets: FileBudgets) -> Iterator[None]:
    """While the context is open, download the objects of a remote source in the background, in order.

    Failures are ignored here: they are met again when the object is fetched.
    """
    kind = _parse(source)[0]
    if kind not in REMOTE:
        yield
        return
    from viewpoint100k.objects.objaverse import fetch_objaverse
    from viewpoint100k.objects.xl import fetch_xl

    over = threading.Event()

    def fetch() -> None:
        for thing in things:
            if over.is_set():
                return
            with suppress(ViewpointError, OSError):
                if kind == "objaverse":
                    fetch_objaverse(thing)
                else:
                    fetch_xl(thing, budgets.max_bytes)

    thread = threading.Thread(target=fetch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()  # a download under way continues as long as the process lives


def _parse(source: str) -> tuple[str, str]:
    """Kind of the source and what follows its scheme; for a folder its path."""
    if source == "builtin:":
        return "builtin", ""
    if source in ("objaverse:lvis", "objaverse:all"):
        return "objaverse", source.partition(":")[2]
    if source.startswith("objaverse-xl:") and source != "objaverse-xl:":
        return "xl", source.partition(":")[2]
    # a folder's name may contain a colon, and C: is not a scheme
    if source and (Path(source).exists() or not re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", source)):
        return "folder", source
    if source.startswith(("photos:", "colmap:", "transforms:")):
        raise InputError(
            f"source {source!r} is of photographs, which are not rendered: run `viewpoint100k photos "
            f"{source} OUT`"
        )
    raise InputError(f"no source {source!r}: expected {SOURCES}")


def _make_builtin(uid: str, folder: Path) -> Path:
    from viewpoint100k.objects.builtin import build_builtin

    path = folder / f"{uid}.glb"
    part = folder / f".{uid}.{os.getpid()}.{uuid.uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(build_builtin(uid))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
