"""The gate for strangers' files: it finds what would crash or mislead Blender before Blender reads them.

`check_gltf` reads a .glb or .gltf as Blender's importer does (the same bytes, extensions and
defaults) but trusts nothing: numbers are checked before use, everything read is bounded by `FileBudgets`,
images are read up to their headers, and no file outside the object's own folder is opened.

`_check` is the recipe; its rooms, each of which imports only those before it: `container` (the file, its
JSON, side files), `shape`, `meshopt`, `buffers`, `images`, `meshes`, `animations`, `scene` (nodes and what
they draw), `visible` (what there is to see).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused, ViewpointError
from viewpoint100k.objects.gltf.animations import check_animations
from viewpoint100k.objects.gltf.buffers import read_accessors, read_views
from viewpoint100k.objects.gltf.container import SideFiles, parse, read_bytes, split
from viewpoint100k.objects.gltf.images import check_images
from viewpoint100k.objects.gltf.meshes import read_meshes
from viewpoint100k.objects.gltf.scene import Draw, read_draws, read_nodes
from viewpoint100k.objects.gltf.shape import SHAPE, SUPPORTED_EXTENSIONS, check_header, check_shape
from viewpoint100k.objects.gltf.visible import Surface, check_load, check_visible, place_triangles

__all__ = ["SUPPORTED_EXTENSIONS", "FileFacts", "Surface", "check_and_place", "check_gltf", "read_surface"]


@dataclass(frozen=True)
class FileFacts:
    """What a checked file contains."""

    triangles: int  # triangles of the scene, after instancing
    nodes: int  # nodes, including instances
    images: int  # images that textures use
    texture_pixels: int  # pixels of those images; 16-bit ones count four times
    extensions: tuple[str, ...]  # extensionsUsed
    skinned: bool
    animations: int
    files: tuple[Path, ...]  # side files used


def check_gltf(path: Path, budgets: FileBudgets) -> FileFacts:
    """The contents of a file, if Blender can import it and there is something to see.

    Raises:
        ObjectRefused: one line that says what was found and what was expected.
    """
    with _refusing():
        return _check(path, budgets)[0]


def read_surface(path: Path, budgets: FileBudgets, max_triangles: int) -> Surface:
    """The triangles of a file that passes the gate.

    Images are not decoded, and no file is opened that the gate does not open.

    Raises:
        ObjectRefused: the file does not pass, has more triangles, or they cannot be read here.
    """
    with _refusing():
        return place_triangles(_check(path, budgets)[1], max_triangles)


def check_and_place(path: Path, budgets: FileBudgets, max_triangles: int) -> tuple[FileFacts, Surface | None]:
    """The contents of a file and its triangles, read in one pass; None if these are unavailable.

    Skinned meshes are as modelled, where their first joint takes them.

    Raises:
        ObjectRefused: the file does not pass the gate.
    """
    with _refusing():
        facts, draws = _check(path, budgets)
    try:
        with _refusing():
            return facts, place_triangles(draws, max_triangles, by_joints=True)
    except ObjectRefused:
        return facts, None


@contextmanager
def _refusing() -> Iterator[None]:
    """A context in which any error while reading a file becomes a refusal of that file."""
    try:
        with np.errstate(all="ignore"):  # hostile numbers may overflow, but the results are checked
            yield
    except ViewpointError:
        raise
    except (RecursionError, MemoryError) as error:
        raise ObjectRefused(
            f"cannot be checked ({type(error).__name__}); expected a file of ordinary size"
        ) from error
    except Exception as error:  # an error of our own reader costs only this file
        raise ObjectRefused(
            f"cannot be checked: our reader fails on it ({type(error).__name__}: {error})"
        ) from error


def _check(path: Path, budgets: FileBudgets) -> tuple[FileFacts, list[Draw]]:
    """The contents of the file, and what its scene draws."""
    data = read_bytes(path, budgets.max_bytes, "it")
    text, binary = split(data)
    tree = parse(text, budgets)
    extensions = check_header(tree)
    check_shape(tree, SHAPE, "", tree)
    side_files = SideFiles(path.parent, budgets.max_bytes - len(data))
    views = read_views(tree, binary, side_files, budgets)
    accessors = read_accessors(tree, views, budgets)
    images, pixels = check_images(tree, views, side_files, budgets)
    meshes = read_meshes(tree, accessors, views, budgets)
    check_animations(tree, accessors, meshes)
    world, in_scene = read_nodes(tree, budgets)
    draws, nodes = read_draws(tree, world, meshes, accessors, budgets)
    check_load(draws, budgets)
    shown = [draw for draw in draws if draw.node in in_scene]
    check_visible(shown, tree.get("materials", []))
    facts = FileFacts(
        triangles=sum(draw.times * draw.mesh.triangles for draw in shown),
        nodes=nodes,
        images=images,
        texture_pixels=pixels,
        extensions=extensions,
        skinned=any(draw.skinned for draw in shown),
        animations=len(tree.get("animations", [])),
        files=tuple(side_files.used),
    )
    return facts, shown
