"""Checks animations: their keyframes must be consistent.

No picture shows them, but Blender imports them, and fails where they do not.
"""

from typing import Any

from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf.buffers import Accessor
from viewpoint100k.objects.gltf.container import show
from viewpoint100k.objects.gltf.meshes import Mesh

_WIDTHS = {"translation": 3, "rotation": 4, "scale": 3, "weights": 1}
_MAX_KEYFRAMES = 5_000_000  # of all channels; each costs Blender 300 bytes and 4 us
_MAX_VISITS = 5_000_000  # for each animation, Blender visits each node and each other animation
_VALUES = {"STEP": 1, "LINEAR": 1, "CUBICSPLINE": 3}  # values per keyframe: CUBICSPLINE adds two tangents


def check_animations(tree: dict[str, Any], accessors: list[Accessor], meshes: list[Mesh]) -> None:
    animations = tree.get("animations", [])
    keyframes = 0
    others = len(tree.get("nodes", [])) + len(animations)
    if len(animations) * others > _MAX_VISITS:
        most = _MAX_VISITS // others
        raise ObjectRefused(f"{len(animations):,} animations; expected at most {most:,} with that many nodes")
    for number, animation in enumerate(animations):
        samplers = animation["samplers"]
        for which, channel in enumerate(animation["channels"]):
            where = f"animations[{number}].channels[{which}]"
            target = channel["target"]
            if channel["sampler"] >= len(samplers):
                found = f"{where}.sampler is {channel['sampler']}"
                raise ObjectRefused(f"{found}, out of range: the animation has {len(samplers)} samplers")
            node = tree["nodes"][target["node"]] if "node" in target else None
            weights = target["path"] == "weights"
            if node is None or target["path"] not in _WIDTHS or (weights and "mesh" not in node):
                continue  # Blender skips it
            mesh = meshes[node["mesh"]] if weights else None
            if mesh is not None and not mesh.morphs:
                raise ObjectRefused(f"{where} moves weights, but meshes[{node['mesh']}] has no morph targets")
            width = _WIDTHS[target["path"]]
            keyframes += _check_sampler(samplers[channel["sampler"]], where, accessors, width, mesh)
            if keyframes > _MAX_KEYFRAMES:
                raise ObjectRefused(f"{keyframes:,} keyframes; expected at most {_MAX_KEYFRAMES:,}")


def _check_sampler(
    sampler: dict[str, Any], where: str, accessors: list[Accessor], width: int, morphed: Mesh | None
) -> int:
    """The number of its values."""
    times = accessors[sampler["input"]]
    values = accessors[sampler["output"]]
    interpolation = sampler.get("interpolation", "LINEAR")
    if interpolation not in _VALUES:
        raise ObjectRefused(
            f"{where}: interpolation is {show(interpolation)}; expected one of {', '.join(_VALUES)}"
        )
    expected: int = times.count * _VALUES[interpolation] * (morphed.targets if morphed else 1)
    enough = values.count >= expected if morphed else values.count == expected
    if values.width < width or not enough:
        found = f"{where} has {values.count:,} values of {values.width} numbers for {times.count:,} keyframes"
        raise ObjectRefused(f"{found}; expected {expected:,} of {width}")
    return expected
