"""What files from Sketchfab are like: one small file for each habit, with a chair in it, made by hand.

`python docs/pictures.py habits` looks at them; the table is in docs/objects.md.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from support.glb_files import box, picture, write

WOOD, DARK, GREY, WHITE = [0.45, 0.2, 0.06, 1], [0.08, 0.1, 0.14, 1], [0.4, 0.4, 0.42, 1], [1, 1, 1, 1]
MATTE = {"glossinessFactor": 0.3, "specularFactor": [0.04, 0.04, 0.04]}


def chair(at=(0.0, 0.0, 0.0), size=1.0):
    """Shapes of a chair with one arm, so that no side of it looks like another. Glues: each touches the next."""
    parts = [((0.5, 0.06, 0.5), (0, 0.5, 0)), ((0.5, 0.45, 0.06), (0, 1.0, -0.44))]
    parts += [((0.06, 0.25, 0.06), (x, 0.25, z)) for x in (-0.42, 0.42) for z in (-0.42, 0.42)]
    parts.append(((0.05, 0.15, 0.4), (0.45, 0.7, -0.05)))
    return [
        box(tuple(size * side for side in half), tuple(size * np.array(place) + at)) for half, place in parts
    ]


def one(path, material=(WOOD, {}), shapes=None, node=None, **more):
    """A file of one mesh and one node."""
    return write(
        path, [[(shape, 0) for shape in shapes or chair()]], [node or {"mesh": 0}], [material], **more
    )


def specular_glossiness(path):
    """Colours in the extension that came before metal and roughness; the grey beside it is for nobody."""
    said = {"extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": WOOD, **MATTE}}}
    return one(path, (GREY, said))


def unlit(path):
    return one(path, (WOOD, {"extensions": {"KHR_materials_unlit": {}}}))


def vertex_colours(path):
    shapes = []
    for points, normals, indices in chair():
        height = np.clip(points[:, 1:2] / 1.4, 0, 1)
        colors = np.hstack([height, 0.3 + 0 * height, 1 - height, 1 + 0 * height])
        shapes.append((points, normals, indices, {"COLOR_0": colors}))
    return one(path, (WHITE, {}), shapes)


def half_tube(at, steps=16):
    """A sheet without thickness, bent around the vertical and open towards +Z: its inside is seen from there."""
    angles = np.linspace(np.pi, 2 * np.pi, steps + 1)
    ring = np.stack([np.cos(angles), np.zeros(steps + 1), np.sin(angles)], axis=1) * 0.45
    points = np.concatenate([ring, ring + (0, 1.2, 0)]) + at
    normals = np.concatenate([ring, ring]) / 0.45
    corners = [(i, i + steps + 1, i + 1, i + 1, i + steps + 1, i + steps + 2) for i in range(steps)]
    return points.astype(np.float32), normals.astype(np.float32), np.array(corners, np.uint16).ravel()


def thin_shells(path):
    """Two such sheets on a rail: the left is double-sided, the right is seen from its outside alone."""
    shapes = [half_tube((-0.5, 0.06, 0)), half_tube((0.5, 0.06, 0)), box((1.0, 0.06, 0.1), (0, 0, -0.4))]
    materials = [(WOOD, {"doubleSided": True}), (WOOD, {}), (DARK, {})]
    mesh = [(shape, number) for number, shape in enumerate(shapes)]
    return write(path, [mesh], [{"mesh": 0}], materials)


def hierarchy(path):
    """1,200 nodes, 150 deep, each with a matrix: exporters keep every joint and group."""
    quarter = [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1]  # Sketchfab's: the file is Z-up
    nodes = [{"name": "Sketchfab_model", "matrix": quarter, "children": [1]}]
    step = np.radians(360 / 150)
    c, s = np.cos(step), np.sin(step)
    for number in range(1, 151):
        matrix = [c, s, 0, 0, -s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        nodes.append({"matrix": matrix, "children": [number + 1]})
    back = [1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1]
    nodes.append({"name": "RootNode", "matrix": back, "children": []})
    root = nodes[-1]["children"]
    for number in range(1050):
        root.append(len(nodes))
        place = {"matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}
        nodes.append({**place, "mesh": number} if number < 7 else place)
    return write(path, [[(shape, 0)] for shape in chair()], nodes, [(WOOD, {})])


def baked_light(path):
    """Light and shadow are in the texture, which is unlit; a dark card stands for the shadow; a lamp is left."""
    points, normals, indices = box((0.5, 0.5, 0.5), (0, 0.5, 0))
    uv = np.tile(np.array([(0, 1), (1, 1), (1, 0), (0, 0)], np.float32), (6, 1))
    shade = np.linspace(255, 60, 32)[:, None, None] * np.array([0.9, 0.55, 0.3])
    card = np.array([(-1.5, 0, 1.5), (1.5, 0, 1.5), (1.5, 0, -1.5), (-1.5, 0, -1.5)], np.float32)
    floor = (card - (0, 0.01, 0), np.tile([0, 1, 0], (4, 1)), np.array([0, 1, 2, 0, 2, 3], np.uint16))
    paint = {"baseColorTexture": {"index": 0}}
    materials = [
        (WHITE, {"pbrMetallicRoughness": paint, "extensions": {"KHR_materials_unlit": {}}}),
        ([0, 0, 0, 0.5], {"alphaMode": "BLEND"}),
        (WOOD, {}),
    ]
    lamp = {"type": "point", "color": [1, 0.2, 0.1], "intensity": 3000.0}
    nodes = [
        {"mesh": 0},
        {"mesh": 1},
        {"extensions": {"KHR_lights_punctual": {"light": 0}}, "translation": [1, 2, 1]},
    ]
    handle = (box((0.12, 0.12, 0.3), (0.62, 0.6, 0.1)), 2)
    return write(
        path,
        [[((points, normals, indices, {"TEXCOORD_0": uv}), 0), handle], [(floor, 1)]],
        nodes,
        materials,
        images=[picture(np.tile(shade, (1, 32, 1)))],
        textures=[{"source": 0}],
        extensions={"KHR_lights_punctual": {"lights": [lamp]}},
    )


def ground_slab(path):
    return write(
        path,
        [[*((shape, 0) for shape in chair()), (box((3, 0.05, 3), (0, -0.05, 0)), 1)]],
        [{"mesh": 0}],
        [(WOOD, {}), (GREY, {})],
    )


def backdrop(path):
    """A wall behind the chair, and a plate with the author's name before it."""
    shapes = [(box((1.2, 1.2, 0.03), (0, 1.1, -1.0)), 1), (box((0.5, 0.1, 0.02), (0, 0.1, 0.9)), 2)]
    return write(
        path,
        [[*((shape, 0) for shape in chair()), *shapes]],
        [{"mesh": 0}],
        [(WOOD, {}), (GREY, {}), (WHITE, {})],
    )


def tiny(path):
    """In another unit: the chair is a tenth of a millimetre high."""
    return one(path, node={"mesh": 0, "scale": [7e-5] * 3})


def far_off(path):
    """Where it stood in its city: the same chair, kilometres from the origin."""
    return one(path, node={"mesh": 0, "translation": [4000.0, 120.0, -3000.0]})


def in_a_row(path):
    """Four figures side by side, as characters are shown."""
    shapes = []
    for number in range(4):
        x = 1.4 * number
        shapes += [(box((0.25, 0.6, 0.15), (x, 0.6, 0)), number), (box((0.18, 0.18, 0.18), (x, 1.35, 0)), number)]  # fmt: skip
    colors = [(WOOD, {}), (DARK, {}), (GREY, {}), ([0.1, 0.3, 0.12, 1], {})]
    return write(path, [shapes], [{"mesh": 0}], colors)


def animated(path):
    """At rest its parts are far apart; at the first moment of its animation they are together."""
    shapes = chair()
    apart = [(points.mean(axis=0) - (0, 0.7, 0)) * 6 for points, _, _ in shapes]
    nodes = [{"mesh": number, "translation": [float(v) for v in place]} for number, place in enumerate(apart)]
    together = np.zeros(3)

    def animation(add):
        moment = add(np.array([0.0, 1.0], np.float32), "SCALAR", 5126, min=[0.0], max=[1.0])
        samplers = []
        for place in apart:
            values = np.stack([together, place]).astype(np.float32)
            samplers.append({"input": moment, "output": add(values, "VEC3", 5126)})
        channels = [
            {"sampler": number, "target": {"node": number, "path": "translation"}}
            for number in range(len(apart))
        ]
        return [{"name": "take apart", "samplers": samplers, "channels": channels}]

    return write(path, [[(shape, 0)] for shape in shapes], nodes, [(WOOD, {})], animations=animation)


HABITS: dict[str, Callable[[Path], Path]] = {
    make.__name__: make
    for make in (
        specular_glossiness,
        unlit,
        vertex_colours,
        thin_shells,
        hierarchy,
        baked_light,
        ground_slab,
        backdrop,
        tiny,
        far_off,
        in_a_row,
        animated,
    )
}


def write_habits(folder: Path) -> dict[str, Path]:
    """All of the files, by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    return {name: make(folder / f"{name}.glb") for name, make in HABITS.items()}
