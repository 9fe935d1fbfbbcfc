"""Hooks into Blender's glTF importer: facts that it must report, and things that it must not change.

Both would be lost once the import is done.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from io_scene_gltf2.blender.imp import mesh as importer_of_meshes
from io_scene_gltf2.blender.imp import texture as importer_of_textures
from io_scene_gltf2.blender.imp import vnode as importer_of_nodes
from io_scene_gltf2.blender.imp.node import BlenderNode
from io_scene_gltf2.blender.imp.scene import BlenderScene
from io_scene_gltf2.blender.imp.vnode import VNode
from io_scene_gltf2.io.com.gltf2_io import Material
from io_scene_gltf2.io.imp.gltf2_io_binary import BinaryData

from render_scenes.surfaces import mark_two_sided


def listen() -> None:
    """Install the hooks of this module into the importer. Call this once per process."""
    _listen_to_triangles()
    _listen_to_nodes()
    _listen_to_animations()
    _listen_to_skins()
    _listen_to_textures()


ONE_SIZE = 1.01  # largest ratio between the scales of bones that count as equal
LONGEST_S = 3600.0  # frames of an animation after this time are ignored


class Animated(NamedTuple):
    """The animations of a file, noted before the first of them moves anything."""

    name: str  # of the first animation
    seconds: float  # its length
    rest: Callable[[], None]  # brings all nodes back to where the file has them


_latest: list[Animated] = []


def take_animated() -> Animated | None:
    """The animations of the latest import; None if its file has none."""
    found = _latest[-1] if _latest else None
    _latest.clear()
    return found


def _listen_to_animations() -> None:
    """Note the nodes' rest pose, because the importer leaves them in the first frame of an animation."""
    animate = BlenderScene.create_animations

    def note_and_animate(gltf: Any) -> None:
        _latest.clear()
        if gltf.data.animations:
            _latest.append(_before_animations(gltf))
        animate(gltf)

    BlenderScene.create_animations = staticmethod(note_and_animate)


def _before_animations(gltf: Any) -> Animated:
    placed = []
    weights = []
    for node in gltf.vnodes.values():
        if node.type == VNode.Bone:
            thing = gltf.vnodes[node.bone_arma].blender_object.pose.bones[node.blender_bone_name]
        elif node.blender_object is None:
            continue
        else:
            thing = node.blender_object
            if thing.type == "MESH" and thing.data.shape_keys:
                keys = thing.data.shape_keys.key_blocks
                weights.append((keys, [key.value for key in keys]))
        placed.append((thing, thing.location.copy(), thing.rotation_quaternion.copy(), thing.scale.copy()))

    def rest() -> None:
        for thing, location, rotation, scale in placed:
            thing.location = location
            thing.rotation_quaternion = rotation
            thing.scale = scale
        for keys, values in weights:
            for key, value in zip(keys, values, strict=True):
                key.value = value

    first = gltf.data.animations[0]
    ends = [max(gltf.data.accessors[sampler.input].max or [0.0]) for sampler in first.samplers]
    name = " ".join((first.name or "0").split())[:60]
    return Animated(name, float(np.clip(max(ends, default=0.0), 0.0, LONGEST_S)), rest)


def _listen_to_skins() -> None:
    """Bind a mesh anew to its bones at rest if it was bound to bones of different sizes.

    The importer guesses the pose of the bones at binding but ignores their sizes, so that vertices bound to
    two bones fly apart.
    """
    pick = importer_of_nodes.pick_bind_pose

    def pick_what_fits(gltf: Any) -> None:
        skins = [
            skin.inverse_bind_matrices
            for skin in gltf.data.skins or []
            if skin.inverse_bind_matrices is not None
        ]
        if not all(_of_one_size(BinaryData.get_data_from_accessor(gltf, each)) for each in skins):
            gltf.import_settings["guess_original_bind_pose"] = False
        pick(gltf)

    importer_of_nodes.pick_bind_pose = pick_what_fits


def _of_one_size(matrices: Any) -> bool:
    """Whether all of some 4x4 matrices scale by one factor along every axis."""
    axes = np.linalg.norm(np.asarray(matrices, dtype=np.float64).reshape(-1, 4, 4)[:, :3, :3], axis=2)
    return bool(np.max(axes) < ONE_SIZE * np.min(axes))


def _listen_to_textures() -> None:
    """Split an image that one material shows as colour and another reads as data into two.

    The importer uses one image for both and declares it to be data, which makes colours too light.
    """
    tell = importer_of_textures.import_user_extensions

    def tell_and_divide(hook: str, gltf: Any, *about: Any) -> None:
        tell(hook, gltf, *about)
        if hook == "gather_import_texture_after_hook":
            tree = about[1]
            is_data = about[-1]
            if not hasattr(gltf, "images_by_role"):
                gltf.images_by_role = {}
            _divide_image(tree, is_data, gltf.images_by_role)

    importer_of_textures.import_user_extensions = tell_and_divide


def _divide_image(tree: Any, is_data: bool, by_role: dict[str, dict[bool, Any]]) -> None:
    """Give the newest texture of a node tree an image for its own role.

    Args:
        by_role: name of the image -> whether it is data -> the image, for all images met before.
    """
    node = next(node for node in reversed(tree.nodes) if node.type == "TEX_IMAGE")
    image = node.image
    if image is None:
        return
    roles = by_role.setdefault(image.name, {is_data: image})
    if is_data not in roles:
        roles[is_data] = image.copy()
        for numbers, each in roles.items():
            each.colorspace_settings.name = "Non-Color" if numbers else "sRGB"
    node.image = roles[is_data]


def _listen_to_nodes() -> None:
    """Do not render nodes that KHR_node_visibility hides, nor anything below them.

    The importer ignores this extension.
    """
    make_thing = BlenderNode.create_object

    def make_and_hide(gltf: Any, key: Any) -> Any:
        thing = make_thing(gltf, key)
        if not hasattr(gltf, "hidden_nodes"):
            gltf.hidden_nodes = _hidden(gltf.data.nodes or [])
        while key is not None and gltf.hidden_nodes:
            node = gltf.vnodes[key]
            number = key if isinstance(key, int) else node.mesh_node_idx
            if number is not None:  # bones and their children have other parents than in the file
                thing.hide_render = number in gltf.hidden_nodes
                break
            key = node.parent
        return thing

    BlenderNode.create_object = staticmethod(make_and_hide)


def _hidden(nodes: list[Any]) -> set[int]:
    def says_so(node: Any) -> bool:
        return not ((node.extensions or {}).get("KHR_node_visibility") or {}).get("visible", True)

    waiting = [number for number, node in enumerate(nodes) if says_so(node)]
    hidden = set[int]()
    while waiting:
        number = waiting.pop()
        if number not in hidden:
            hidden.add(number)
            waiting += nodes[number].children or []
    return hidden


def _listen_to_triangles() -> None:
    """Merge a triangle and its reverse on the same vertices into one that is marked as two-sided.

    Blender's validation would silently keep one of them, and not always the one whose normals are right.
    """
    triangles_of = importer_of_meshes.points_edges_tris
    make_mesh = importer_of_meshes.do_primitives
    two_sided: list[np.ndarray] = []

    def triangles_once(mode: int, indices: np.ndarray) -> tuple[Any, Any, Any]:
        points, edges, triangles = triangles_of(mode, indices)
        if triangles is not None:
            triangles, both = _once(triangles)
            two_sided.append(both)
        return points, edges, triangles

    def mesh_with_marks(gltf: Any, mesh_number: int, skin: Any, mesh: Any, thing: Any) -> None:
        two_sided.clear()
        found = gltf.data.meshes[mesh_number]
        found.primitives = _different(found.primitives)
        _wear_default(gltf, found.primitives)
        make_mesh(gltf, mesh_number, skin, mesh, thing)
        marks = np.concatenate([np.zeros(0, dtype=bool), *two_sided])
        if marks.any() and len(marks) == len(mesh.polygons):
            mark_two_sided(mesh, marks)

    importer_of_meshes.points_edges_tris = triangles_once
    importer_of_meshes.do_primitives = mesh_with_marks


def _different(primitives: list[Any]) -> list[Any]:
    """The primitives without duplicates of earlier ones, which would lie in the same place."""
    return list({repr(sorted(part.to_dict().items())): part for part in reversed(primitives)}.values())[::-1]


def _wear_default(gltf: Any, primitives: list[Any]) -> None:
    """Give primitives without a material glTF's default material: white and single-sided.

    Blender's default is grey.
    """
    bare = [part for part in primitives if part.material is None]
    if not bare:
        return
    if not hasattr(gltf, "number_of_default"):
        default = Material.from_dict({"name": "Default", "pbrMetallicRoughness": {}})
        default.blender_material = {}  # where the importer keeps the materials that it has made
        gltf.data.materials = [*(gltf.data.materials or []), default]
        gltf.number_of_default = len(gltf.data.materials) - 1
    for part in bare:
        part.material = gltf.number_of_default


def _once(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangles without duplicates on the same vertices, and (F,) whether each also stands for its reverse.

    Nothing changes if there are no duplicates. Otherwise triangles without area are removed as well, as
    Blender's validation would do.
    """
    corners = triangles.reshape(-1, 3)
    ordered = np.sort(corners, axis=1).astype(np.uint64)
    keys = (ordered[:, 0] << np.uint64(42)) ^ (ordered[:, 1] << np.uint64(21)) ^ ordered[:, 2]
    # budgets keep vertex numbers mostly below 2^21; triangles with equal keys are compared in full
    order = np.argsort(keys, kind="stable")
    equal = (keys[order][1:] == keys[order][:-1]) & (ordered[order][1:] == ordered[order][:-1]).all(axis=1)
    if not equal.any():
        return triangles, np.zeros(len(corners), dtype=bool)
    first = np.append(True, ~equal)
    group = np.cumsum(first) - 1
    turned = np.take_along_axis(corners, (corners.argmin(axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    front = turned[:, 1] < turned[:, 2]
    both = np.zeros(len(corners), dtype=bool)
    sides = np.bincount(group, front[order]) > 0, np.bincount(group, ~front[order]) > 0
    both[order[first]] = sides[0] & sides[1]
    solid = (ordered[:, 0] < ordered[:, 1]) & (ordered[:, 1] < ordered[:, 2])
    keep = np.zeros(len(corners), dtype=bool)
    keep[order[first]] = True
    keep &= solid
    return corners[keep].ravel(), both[keep]
