"""Finds the sets of a source of photographs; their form is detected, or named by the source's scheme.

A source is `DIR` or `photos:DIR` (detected), `colmap:DIR`, `transforms:DIR` or `transforms:FILE`. A folder is
a set, holds sets, or holds categories of sets (MVImgNet: category/instance).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.photos import colmap, folders, transforms, uco3d
from viewpoint100k.photos.posed import Photograph, PhotoSet

SCHEMES = ("photos", "colmap", "transforms")
FORMS = (
    "a COLMAP model (sparse/0, or cameras, images and points3D as .txt or .bin), transforms.json, folders "
    "image, "
    "intrinsic and pose, Middlebury's *_par.txt, or uCO3D's metadata.sqlite"
)
DEEPEST = 2  # category/instance
MOST_SETS = 1_000_000
MODELS_AT = ("sparse/0", "sparse", "colmap/sparse/0", "0", "")  # below the folder of a set, best first


class Place(NamedTuple):
    """The location of one set, before it is read."""

    name: str  # unique in the source: letters, digits, - and _
    category: str
    form: str  # colmap, transforms, folders, middlebury, uco3d
    path: Path  # the folder or file that describes it
    folder: Path  # the set's folder, which contains pictures and masks
    key: str = ""  # key of the sequence in a database
    licence: str = ""  # if the form itself implies one


def list_places(source: str) -> list[Place]:
    """The sets of a source in order of their names; only folders are read.

    Raises:
        InputError: there is no such folder, or it holds no set of a known form.
    """
    scheme, root = _parsed(source)
    if root.is_file():
        if scheme == "colmap" or root.suffix != ".json":
            raise InputError(f"{root} is a file; expected a folder with {FORMS}")
        return [Place(_plain(root.parent.name), "unknown", "transforms", root, root.parent)]
    if not root.is_dir():
        raise InputError(f"{root} is not there; expected a folder with {FORMS}")
    if scheme != "transforms" and scheme != "colmap" and uco3d.has_database(root):
        return [
            Place(_plain(row.name), row.category, "uco3d", root, root, row.name, uco3d.LICENCE)
            for row in uco3d.list_sequences(root)
        ]
    sets = list(_below(root, scheme, DEEPEST))
    if not sets:
        wanted = {"colmap": "a COLMAP model", "transforms": "a transforms.json"}.get(scheme, FORMS)
        raise InputError(f"{root} holds no set of photographs: expected {wanted}, in it or in its folders")
    return sorted(_named(sets, root), key=lambda place: place.name)


def read_place(place: Place) -> PhotoSet:
    """Read the set at a place.

    Raises:
        InputError: it cannot be read; the message says what was expected where.
    """
    if place.form == "uco3d":
        return uco3d.read_sequence(place.path, place.key, place.name)
    if place.form == "colmap":
        photos = _of_model(place)
    elif place.form == "transforms":
        photos = transforms.read_transforms(place.path, place.name)
    elif place.form == "folders":
        photos = folders.read_matrices(place.folder, place.name)
    else:
        photos = folders.read_parameters(place.path, place.name)
    return photos._replace(category=place.category)


def full_name(source: str) -> str:
    """A source with its scheme and the absolute path of its folder: a run may be continued from elsewhere."""
    scheme, root = _parsed(source)
    return f"{scheme}:{root.absolute()}"


def root_of(source: str) -> Path:
    """The folder that a source names, or the folder of its file."""
    _, root = _parsed(source)
    return root.parent if root.is_file() else root


def _parsed(source: str) -> tuple[str, Path]:
    """Scheme and path of a source; without a scheme, `photos`."""
    scheme, separator, rest = source.partition(":")
    if separator and scheme in SCHEMES:
        if not rest:
            raise InputError(f"source {source!r} names no folder; expected {scheme}:DIR")
        return scheme, Path(rest)
    if not source or (separator and re.fullmatch(r"[a-z][a-z0-9]+", scheme) and not Path(source).exists()):
        raise InputError(
            f"no source {source!r}; expected DIR, or {', '.join(f'{one}:DIR' for one in SCHEMES)}"
        )
    return "photos", Path(source)


def _below(folder: Path, scheme: str, depth: int) -> Iterator[tuple[str, Path, Path]]:
    """Yield (form, describing path, folder) of each set in a folder and its subfolders."""
    if (found := _form_of(folder, scheme)) is not None:
        yield (*found, folder)
        return
    if depth == 0:
        return
    for inner in sorted(folder.iterdir()):
        # a link to another folder may lead out of the named one
        if inner.is_dir() and not inner.is_symlink() and not inner.name.startswith("."):
            yield from _below(inner, scheme, depth - 1)


def _form_of(folder: Path, scheme: str) -> tuple[str, Path] | None:
    if scheme in ("photos", "transforms") and (folder / "transforms.json").is_file():
        return "transforms", folder / "transforms.json"
    if scheme in ("photos", "colmap"):
        for inner in MODELS_AT:
            if colmap.has_model(folder / inner):
                return "colmap", folder / inner
        if (folder / "sparse").is_dir():  # an incomplete model is reported when it is read, not skipped
            return "colmap", next((folder / at for at in MODELS_AT if (folder / at).is_dir()), folder)
    if scheme == "photos" and folders.has_matrices(folder):
        return "folders", folder
    if scheme == "photos" and (lists := folders.parameter_lists(folder)):
        return "middlebury", lists[0]
    return None


def _named(found: list[tuple[str, Path, Path]], root: Path) -> Iterator[Place]:
    """Yield each set with a unique name, made of the folders on the way to it."""
    if len(found) > MOST_SETS:
        raise InputError(f"{root} holds {len(found):,} sets; expected at most {MOST_SETS:,}")
    used = set[str]()
    for form, path, folder in found:
        parts = folder.relative_to(root).parts or (folder.resolve().name,)
        name = plain = _plain("-".join(parts))
        number = 2
        while name in used:
            name = f"{plain}-{number}"
            number += 1
        used.add(name)
        yield Place(name, parts[0] if len(parts) > 1 else "unknown", form, path, folder)


def _plain(text: str) -> str:
    """A text made fit for file names: at most 60 letters, digits, - and _."""
    return re.sub(r"[^A-Za-z0-9_\-]+", "-", text).strip("-")[:60] or "set"


def _of_model(place: Place) -> PhotoSet:
    """Read a set with a COLMAP model; its pictures lie in `images`, or beside the model."""
    model = colmap.read_model(place.path)
    images = folders.first_folder(place.folder, ("images", "image")) or place.folder
    inside = images.resolve()
    photographs = []
    problems = list(model.problems)
    missing = []
    for image in model.images:
        path = images / image.name
        if "\0" in image.name or not path.resolve().is_relative_to(inside):
            raise InputError(
                f"{place.path}: picture {one_line(image.name, 80)!a} leads out of {images}; expected a "
                "picture inside it"
            )
        if not path.is_file():
            missing.append(image.name)
            continue
        mask = folders.mask_of(place.folder, image.name)
        photographs.append(Photograph(image.name, path, image.lens, image.world_from_camera, mask))
    if missing:
        first = one_line(missing[0], 80)
        problems.append(
            f"{len(missing)} of {len(model.images)} pictures are not in {images}, the first is {first!a}"
        )
    return PhotoSet(place.name, place.category, tuple(photographs), model.points, "colmap", tuple(problems))
