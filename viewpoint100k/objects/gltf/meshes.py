"""Checks meshes: attributes, indices, morph targets and Draco data of primitives must be consistent."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf.buffers import Accessor, View
from viewpoint100k.objects.gltf.container import show
from viewpoint100k.objects.gltf.shape import extension

_PER_VERTEX = {
    "POSITION": (3,),
    "NORMAL": (3,),
    "TEXCOORD": (2,),
    "COLOR": (3, 4),
    "JOINTS": (4,),
    "WEIGHTS": (4,),
}
_MAX_MATERIALS = 2_500  # they keep Blender busy for 8 s, and twice as many for four times as long
_MAX_TARGETS = 1_000  # morph targets of one mesh; Blender compares all of their names with each other
_MAX_ATTRIBUTE_NAME = 67  # bytes
_MAX_CUSTOM = 200  # attributes of one mesh
# bytes of custom attributes in all meshes: no picture shows them, but Blender stores and copies them
_MAX_CUSTOM_BYTES = 128 << 20


@dataclass(frozen=True, eq=False)
class Primitive:
    where: str
    mode: int
    position: Accessor
    indices: Accessor | None
    joints: list[Accessor]
    pulls: list[Accessor]  # accessors that also move its vertices: weights of joints, and morph targets
    targets: int
    draco: bool
    material: int | None

    @property
    def corners(self) -> int:
        return (self.indices or self.position).count

    @property
    def triangles(self) -> int:
        return {4: self.corners // 3, 5: self.corners - 2, 6: self.corners - 2}.get(self.mode, 0)


@dataclass(frozen=True, eq=False)
class Mesh:
    primitives: list[Primitive]
    targets: int  # morph targets, after the first primitive that has some, as Blender counts them
    morphs: bool  # whether one of them moves vertices: only those become shape keys

    @cached_property
    def triangles(self) -> int:
        return sum(part.triangles for part in self.primitives)

    @cached_property
    def corners(self) -> int:
        return sum(part.corners for part in self.primitives)

    @cached_property
    def vertices(self) -> int:
        """The number of vertices that Blender stores: those in use, and a copy for each morph target."""
        return sum(min(part.corners, part.position.count) * (1 + part.targets) for part in self.primitives)

    @cached_property
    def last_joint(self) -> int:
        return max((joint.largest for part in self.primitives for joint in part.joints), default=-1)


def read_meshes(
    tree: dict[str, Any], accessors: list[Accessor], views: list[View], budgets: FileBudgets
) -> list[Mesh]:
    meshes = []
    total = custom = 0
    worn = {
        part["material"]
        for mesh in tree.get("meshes", [])
        for part in mesh["primitives"]
        if "material" in part
    }
    if len(worn) > _MAX_MATERIALS:
        raise ObjectRefused(f"{len(worn):,} materials; expected at most {_MAX_MATERIALS:,}")
    for number, mesh in enumerate(tree.get("meshes", [])):
        total += len(mesh["primitives"])
        if total > budgets.max_primitives:
            raise ObjectRefused(
                f"{total:,} primitives in its meshes; expected at most {budgets.max_primitives:,}"
            )
        parts = [
            _read_primitive(item, f"meshes[{number}].primitives[{which}]", accessors, views)
            for which, item in enumerate(mesh["primitives"])
            if "POSITION" in item["attributes"]  # without positions, nothing is drawn
        ]
        custom += _check_custom(mesh["primitives"], f"meshes[{number}]", accessors)
        if custom > _MAX_CUSTOM_BYTES:
            found = f"{custom:,} bytes of values in custom attributes"
            raise ObjectRefused(f"{found}; expected at most {_MAX_CUSTOM_BYTES:,}: no picture shows them")
        meshes.append(Mesh(parts, *_read_targets(mesh, f"meshes[{number}]")))
    return meshes


def _read_targets(mesh: dict[str, Any], where: str) -> tuple[int, bool]:
    """The number of morph targets of a mesh, and whether any of them moves vertices."""
    targets = [part["targets"] for part in mesh["primitives"] if part.get("targets")]
    count, least = (len(targets[0]), min(map(len, targets))) if targets else (0, 0)
    if count > _MAX_TARGETS:
        raise ObjectRefused(f"{where} has {count:,} morph targets; expected at most {_MAX_TARGETS:,}")
    if least < count:
        raise ObjectRefused(
            f"{where}: one primitive has {count} morph targets, another {least}; expected the same"
        )
    check_weights(mesh, where, count)
    return count, any("POSITION" in target for each in targets for target in each[:count])


def check_weights(holder: dict[str, Any], where: str, targets: int) -> None:
    """Those of a mesh or node: not more than there are morph targets.

    Without any, Blender passes them over.
    """
    weights = len(holder.get("weights", []))
    if 0 < targets < weights:
        raise ObjectRefused(f"{where} has {weights} weights for {targets} morph targets")


def _check_custom(parts: list[dict[str, Any]], where: str, accessors: list[Accessor]) -> int:
    """Check attributes, which Blender joins over all primitives, and return the bytes of their values."""
    widths: dict[str, int] = {}
    drawn = [part for part in parts if "POSITION" in part["attributes"]]
    for part in drawn:
        for name in part["attributes"]:
            width = accessors[part["attributes"][name]].width
            if name.startswith("_") and len(name.encode(errors="replace")) > _MAX_ATTRIBUTE_NAME:
                raise ObjectRefused(
                    f"{where}: {show(name)} is too long for the name of an attribute in Blender"
                )
            if name.startswith("_") and widths.setdefault(name, width) != width:
                found = f"{where}: {show(name)} has {widths[name]} numbers each in one primitive"
                raise ObjectRefused(f"{found}, {width} in another; expected the same")
    if len(widths) > _MAX_CUSTOM:
        raise ObjectRefused(f"{where} has {len(widths):,} custom attributes; expected at most {_MAX_CUSTOM}")
    vertices: int = sum(accessors[part["attributes"]["POSITION"]].count for part in drawn)
    return 4 * vertices * sum(widths.values())  # numbers of fewer bytes become ones of four


def _check_attributes(attributes: dict[str, Accessor], vertices: int, where: str) -> None:
    """Those of a primitive or of a morph target."""
    for name, accessor in attributes.items():
        widths = _PER_VERTEX.get(name.partition("_")[0], (accessor.width,))
        if accessor.width not in widths:
            raise ObjectRefused(
                f"{where}: {show(name)} has {accessor.width} numbers each; expected {widths[-1]}"
            )
        if accessor.count < vertices:
            found = f"{show(name)} has {accessor.count:,} values"
            raise ObjectRefused(f"{where}: {found}; expected one for each of {vertices:,} vertices")


def _read_primitive(
    item: dict[str, Any], where: str, accessors: list[Accessor], views: list[View]
) -> Primitive:
    attributes = {name: accessors[number] for name, number in item["attributes"].items()}
    targets = [
        {name: accessors[number] for name, number in target.items()} for target in item.get("targets", [])
    ]
    position = attributes["POSITION"]
    joints, pulls = (
        [attributes[name] for name in attributes if name.startswith(kind)] for kind in ("JOINTS", "WEIGHTS")
    )
    pulls += [target["POSITION"] for target in targets if "POSITION" in target]
    for group in (attributes, *targets):
        _check_attributes(group, position.count, where)
    indices = accessors[item["indices"]] if "indices" in item else None
    if any(accessor.dtype.kind != "u" or accessor.normalized for accessor in joints):
        raise ObjectRefused(f"{where}: JOINTS are not unsigned integers")
    if indices is not None and (indices.dtype.kind != "u" or indices.normalized or indices.width != 1):
        raise ObjectRefused(f"{where}: indices are not single unsigned integers")
    if indices is not None and indices.largest >= position.count:
        raise ObjectRefused(f"{where}: index {indices.largest}, out of range of {position.count:,} vertices")
    draco = extension(item, "KHR_draco_mesh_compression")
    mode = item.get("mode", 4)
    material = item.get("material")
    part = Primitive(where, mode, position, indices, joints, pulls, len(targets), draco is not None, material)
    if (mode == 4 and part.corners % 3) or (mode in (5, 6) and part.corners < 3):
        raise ObjectRefused(f"{where} has {part.corners:,} corners; expected whole triangles")
    if draco is not None:
        names = set(draco["attributes"])
        magic = bytes(views[draco["bufferView"]].data[:5])
        if magic != b"DRACO" or indices is None or not {"POSITION"} <= names <= set(attributes):
            raise ObjectRefused(
                f"{where} has Draco data that Blender cannot decode; expected POSITION and indices"
            )
    elif position.data is None and position.sparse is None:
        raise ObjectRefused(
            f"{where}: POSITION has no data: all {position.count:,} vertices are at one point"
        )
    return part
