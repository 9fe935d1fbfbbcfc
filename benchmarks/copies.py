"""Are copies found, and nothing else? `python benchmarks/copies.py OBJECTS OUT [--every 2]`; needs bpy.

Exports each GLB of the folder OBJECTS three times by Blender's own exporter: as it is, with textures of half
their size, and renamed, turned by 57 degrees about the vertical and scaled. Prints how many copies have the
shape of their original, and precision and recall over all pairs of files, with the pairs that are confused.
"""

import argparse
import math
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.kinship import SAME_SHAPE, groups_by_shape, unpack_shapes
from viewpoint100k.objects.folder import inspect_file

KINDS = ("exported again", "half-size textures", "renamed and turned")
TURN_DEG, SCALE = 57.0, 0.37


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("objects", type=Path)
    parser.add_argument(
        "out", type=Path, help="a folder for the copies; those that are there are not made again"
    )
    parser.add_argument("--every", type=int, default=1, help="take every Nth object")
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    found = list[tuple[str, str, str]]()  # name, kind, shape
    for path in sorted(arguments.objects.glob("*.glb"))[:: arguments.every]:
        files = {"original": path}
        for kind in KINDS:
            files[kind] = arguments.out / f"{path.stem}.{kind.replace(' ', '_')}.glb"
            if not files[kind].exists():
                export(path, files[kind], kind)
        for kind, file in files.items():
            try:
                found.append((path.stem, kind, inspect_file(file, FileBudgets())[1]))
            except ObjectRefused as refusal:
                print(f"{file}: {refusal}")
    report(found)


def export(source: Path, target: Path, kind: str) -> None:
    """One copy of a file."""
    import bpy
    import mathutils

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(source))
    if kind == "half-size textures":
        for image in bpy.data.images:
            image.scale(max(1, image.size[0] // 2), max(1, image.size[1] // 2))
    if kind == "renamed and turned":
        turn = mathutils.Matrix.Rotation(math.radians(TURN_DEG), 4, "Z") @ mathutils.Matrix.Scale(SCALE, 4)
        for thing in bpy.context.scene.objects:
            if thing.parent is None:
                thing.matrix_world = turn @ thing.matrix_world
            thing.name = "part"
    bpy.ops.export_scene.gltf(filepath=str(target), export_format="GLB")


def report(found: list[tuple[str, str, str]]) -> None:
    """Copies by kind, then pairs of files."""
    original = {name: shape for name, kind, shape in found if kind == "original"}
    apart = defaultdict[str, list[float]](list)
    for name, kind, shape in found:
        if kind != "original" and shape and original[name]:
            apart[kind].append(float(np.abs(np.subtract(*unpack_shapes([shape, original[name]]))).max()))
    for kind, values in apart.items():
        same = sum(value <= SAME_SHAPE for value in values)
        print(f"{kind}: {same} of {len(values)} have the original's shape; farthest {max(values):.5f}")
    without = [f"{name} ({kind})" for name, kind, shape in found if not shape]
    print(f"without a shape: {', '.join(without) or 'none'}")
    groups = groups_by_shape([shape for _, _, shape in found])
    hits = 0
    misses = 0
    confused = set[tuple[str, str]]()
    for one, other in combinations(range(len(found)), 2):
        is_copy = found[one][0] == found[other][0]
        is_found = groups[one] == groups[other]
        hits += is_copy and is_found
        misses += is_copy and not is_found
        if is_found and not is_copy:
            confused.add((found[one][0], found[other][0]))
    print(f"pairs of copies: {hits} found, {misses} missed; confused: {sorted(confused) or 'none'}")


if __name__ == "__main__":
    main()
