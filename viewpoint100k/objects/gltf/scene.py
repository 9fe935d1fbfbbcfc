"""Places nodes and their meshes in the world, with skins and instances."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import FileBudgets
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf.buffers import Accessor
from viewpoint100k.objects.gltf.container import show
from viewpoint100k.objects.gltf.meshes import Mesh, check_weights
from viewpoint100k.objects.gltf.shape import extension

_MAX_SCENES = 100  # a thousand keep Blender busy for 6 s, and twice as many four times as long
# for each mesh that it makes, Blender visits each existing mesh and each node: 15 s
_MAX_LOOKS = 30_000_000
# joints that a skin lists repeatedly; they should be unique, and 5,000 keep Blender busy for 90 s
_MAX_TWICE = 100
_MAX_NAMESAKES = 300  # joints of one name: for each, Blender tries all number suffixes; 5,000 take it minutes
_NAME_BYTES = 58  # of 63, with room for a number
_MAX_HANGINGS = 1_000_000  # joints times meshes that hang on them: Blender makes a vertex group of each
_MAX_COMPARED = 400_000_000  # names of vertex groups of one mesh with each other: 6 s


def read_nodes(tree: dict[str, Any], budgets: FileBudgets) -> tuple[NDArray[np.float64], set[int]]:
    """The places of all nodes, because Blender also imports those that no scene shows.

    Returns:
        (n, 4, 4) local to world, and the numbers of those nodes that the scene shows.
    """
    items = tree.get("nodes", [])
    if len(items) > budgets.max_nodes:
        raise ObjectRefused(f"{len(items):,} nodes; expected at most {budgets.max_nodes:,}")
    parents: dict[int, int] = {}
    for number, item in enumerate(items):
        if (
            "camera" in item
            and (kind := tree["cameras"][item["camera"]]["type"]) not in tree["cameras"][item["camera"]]
        ):
            raise ObjectRefused(f"nodes[{number}] has a camera without .{kind}")
        for child in item.get("children", []):
            if child in parents:
                raise ObjectRefused(
                    f"nodes[{child}] has two parents: nodes[{parents[child]}] and nodes[{number}]"
                )
            parents[child] = number
    world = np.array([_local_transform(item) for item in items], np.float64).reshape(-1, 4, 4)
    level = [number for number in range(len(items)) if number not in parents]
    reached = depth = 0
    while level:
        reached = reached + len(level)
        depth = depth + 1
        if depth > budgets.max_node_depth:
            raise ObjectRefused(
                f"nodes are nested deeper than {budgets.max_node_depth} levels, the most expected"
            )
        level = [child for number in level for child in items[number].get("children", [])]
        for child in level:
            world[child] = world[parents[child]] @ world[child]
    if reached < len(items):
        raise ObjectRefused(
            f"nodes form a cycle: {len(items) - reached} of {len(items)} are in it or below it"
        )
    return world, _read_scenes(tree, items, budgets)


def _read_scenes(tree: dict[str, Any], items: list[dict[str, Any]], budgets: FileBudgets) -> set[int]:
    """The nodes of the displayed scene. Blender also makes the other scenes, each with all its nodes."""
    if len(tree["scenes"]) > _MAX_SCENES:
        raise ObjectRefused(f"{len(tree['scenes']):,} scenes; expected at most {_MAX_SCENES}")
    shown: set[int] = set()
    made = 0
    for number, scene in enumerate(tree["scenes"]):
        found: set[int] = set()
        waiting = list(scene.get("nodes", []))
        while waiting:
            node = waiting.pop()
            if node in found:
                raise ObjectRefused(f"scenes[{number}] has nodes[{node}] twice")
            found.add(node)
            waiting += items[node].get("children", [])
        made += len(found)
        if made > budgets.max_nodes:
            raise ObjectRefused(f"{made:,} nodes in its scenes; expected at most {budgets.max_nodes:,}")
        if number == tree.get("scene", 0):
            shown = found
    return shown - _hidden(items)


def _hidden(items: list[dict[str, Any]]) -> set[int]:
    """The nodes that KHR_node_visibility hides, and all nodes below them."""
    waiting = [
        number
        for number, item in enumerate(items)
        if not (extension(item, "KHR_node_visibility") or {}).get("visible", True)
    ]
    hidden: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node not in hidden:
            hidden.add(node)
            waiting += items[node].get("children", [])
    return hidden


def _local_transform(item: dict[str, Any]) -> NDArray[np.float64]:
    if "matrix" in item:
        return np.array(item["matrix"], np.float64).reshape(4, 4).T  # glTF writes columns
    given = [
        np.array([item[key]], np.float64) if key in item else None
        for key in ("translation", "rotation", "scale")
    ]
    local: NDArray[np.float64] = _transforms(1, *given)[0]
    return local


def _transforms(
    count: int, t: NDArray[Any] | None, r: NDArray[Any] | None, s: NDArray[Any] | None
) -> NDArray[np.float64]:
    """(count, 4, 4) from translations, quaternions x y z w and scales; None where a file leaves them out."""
    matrices = np.tile(np.eye(4), (count, 1, 1))
    if r is not None:
        norm = np.linalg.norm(r, axis=1, keepdims=True)
        x, y, z, w = np.where(norm > 0, r / norm, [0.0, 0.0, 0.0, 1.0]).T
        columns = [
            [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
            [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
            [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)],
        ]
        matrices[:, :3, :3] = np.array(columns).T
    if s is not None:
        matrices[:, :3, :3] *= s[:, None, :]
    if t is not None:
        matrices[:, :3, 3] = t
    return matrices


@dataclass(frozen=True)
class Draw:
    """One mesh at its places in the world."""

    node: int
    mesh: Mesh
    places: NDArray[np.float64]  # (n, 4, 4) of the node, its instances, or the joints of its skin
    times: int  # how often it is drawn
    skin: int | None

    @property
    def skinned(self) -> bool:
        return self.skin is not None


def read_draws(
    tree: dict[str, Any],
    world: NDArray[np.float64],
    meshes: list[Mesh],
    accessors: list[Accessor],
    budgets: FileBudgets,
) -> tuple[list[Draw], int]:
    """What the nodes draw, and the number of nodes including instances."""
    _check_names([tree["nodes"][joint] for skin in tree.get("skins", []) for joint in skin["joints"]])
    listed = enumerate(tree.get("skins", []))
    skins = [_read_skin(item, f"skins[{which}]", world, accessors) for which, item in listed]
    draws = []
    nodes = len(world)
    hanging = _Hanging()
    for number, item in enumerate(tree.get("nodes", [])):
        if "mesh" not in item:
            continue
        where = f"nodes[{number}]"
        mesh = meshes[item["mesh"]]
        check_weights(item, where, mesh.targets)
        instancing = extension(item, "EXT_mesh_gpu_instancing")
        if instancing is not None:
            instances = _read_instances(instancing["attributes"], accessors, where, budgets.max_nodes)
            draws.append(Draw(number, mesh, world[number] @ instances, len(instances), None))
            nodes += len(instances)
            if any(part.targets for part in mesh.primitives):
                found = "instances of a mesh with morph targets"
                raise ObjectRefused(f"{where}: {found}, which Blender cannot import")
            if nodes > budgets.max_nodes:
                found = f"{nodes:,} nodes, instances included"
                raise ObjectRefused(f"{found}; expected at most {budgets.max_nodes:,}")
            continue
        skin = item.get("skin")
        places = world[number : number + 1]
        if skin is not None and mesh.last_joint >= 0:
            places = skins[skin]
            hanging.add(mesh, len(places), where)
        draws.append(Draw(number, mesh, places, 1, skin))
    _check_looks(tree, draws, nodes)
    return draws, nodes


def _check_looks(tree: dict[str, Any], draws: list[Draw], nodes: int) -> None:
    """Refuse scenes whose meshes and nodes Blender would visit too often.

    It makes a mesh for each skin; of those that morph, one for each set of weights, and for each that is
    animated.
    """
    targets = [
        channel["target"] for animation in tree.get("animations", []) for channel in animation["channels"]
    ]
    animated = {target.get("node") for target in targets if target["path"] == "weights"}
    made = set[tuple[Any, ...]]()
    for draw in draws:
        item = tree["nodes"][draw.node]
        weights = draw.node if draw.node in animated else tuple(item.get("weights", ()))
        made.add((item["mesh"], draw.skin, weights if draw.mesh.targets else None))
    if (looks := len(made) * (len(made) + nodes)) > _MAX_LOOKS:
        found = f"{len(made):,} meshes in {nodes:,} nodes, which Blender would go through {looks:,} times"
        raise ObjectRefused(f"{found}; expected at most {_MAX_LOOKS:,}: join some")


@dataclass
class _Hanging:
    """The numbers of joints to which meshes are bound, which cost Blender time."""

    joints: int = 0  # of all meshes
    compared: int = 0  # names of joints of one mesh with each other

    def add(self, mesh: Mesh, joints: int, where: str) -> None:
        self.joints += joints
        self.compared += joints**2
        if self.joints > _MAX_HANGINGS:
            raise ObjectRefused(
                f"meshes hang on {self.joints:,} joints in sum; expected at most {_MAX_HANGINGS:,}"
            )
        if self.compared > _MAX_COMPARED:
            found = f"meshes hang on up to {joints:,} joints, whose names Blender compares"
            raise ObjectRefused(f"{found} {self.compared:,} times; expected at most {_MAX_COMPARED:,}")
        if mesh.last_joint >= joints:
            raise ObjectRefused(f"{where}: mesh hangs on joint {mesh.last_joint}, out of range of {joints}")


def _check_names(joints: list[dict[str, Any]]) -> None:
    """Refuse too many joints of one name.

    Bones need names of their own within 63 bytes: Blender cuts them and numbers those that are the same.
    """
    different = {id(joint): joint["name"] for joint in joints if "name" in joint}
    names = Counter(name.encode()[:_NAME_BYTES] for name in different.values())
    name, number = names.most_common(1)[0] if names else (b"", 0)
    if number > _MAX_NAMESAKES:
        found = f"{number:,} joints are called {show(name.decode(errors='replace'))}"
        raise ObjectRefused(f"{found} as far as Blender reads it; expected at most {_MAX_NAMESAKES}")


def _read_skin(
    item: dict[str, Any], where: str, world: NDArray[np.float64], accessors: list[Accessor]
) -> NDArray[np.float64]:
    """(joints, 4, 4) transforms by which each joint moves the vertices bound to it."""
    places = world[np.array(item["joints"], np.int64)]
    if not len(places):
        raise ObjectRefused(f"{where} has no joints; expected at least one")
    if (twice := len(places) - len(set(item["joints"]))) > _MAX_TWICE:
        raise ObjectRefused(f"{where} lists {twice:,} joints again; expected each of them once")
    if "inverseBindMatrices" in item:
        accessor = accessors[item["inverseBindMatrices"]]
        if accessor.width != 16 or accessor.count < len(places):
            raise ObjectRefused(
                f"{where}.inverseBindMatrices is not one MAT4 for each of the {len(places)} joints"
            )
        inverse = accessor.floats(slice(len(places)))
        if not np.isfinite(inverse).all():
            raise ObjectRefused(
                f"{where}.inverseBindMatrices contains NaN or infinity; expected finite numbers"
            )
        places = places @ inverse.reshape(-1, 4, 4).transpose(0, 2, 1)
    return places


def _read_instances(
    attributes: dict[str, int], accessors: list[Accessor], where: str, limit: int
) -> NDArray[np.float64]:
    names = {"TRANSLATION": 3, "ROTATION": 4, "SCALE": 3}
    used = {name: accessors[attributes[name]] for name in names if name in attributes}
    # none of the three: Blender draws nothing
    count = next((accessor.count for accessor in used.values()), 0)
    if count > limit:
        raise ObjectRefused(f"{where} has {count:,} instances; expected at most {limit:,}")
    if any((accessor.count, accessor.width) != (count, names[name]) for name, accessor in used.items()):
        raise ObjectRefused(f"{where}: translations, rotations and scales of its instances do not match")
    return _transforms(count, *(used[name].floats() if name in used else None for name in names))
