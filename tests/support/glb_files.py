"""Small GLB files made by hand, and what the studio of a render process makes of them."""

import base64
import io
import json
import struct
import subprocess
import sys

import numpy as np

from render_scenes import protocol
from viewpoint100k.geometry.cameras import look_at, position_on_sphere

SIZE = 64
RED, BLUE, GREEN = [0.8, 0.05, 0.05, 1], [0.05, 0.05, 0.8, 1], [0.05, 0.8, 0.05, 1]
FACES = [  # of a box, counter-clockwise seen from outside
    [(-1, -1, -1), (-1, -1, 1), (-1, 1, 1), (-1, 1, -1)],
    [(1, -1, 1), (1, -1, -1), (1, 1, -1), (1, 1, 1)],
    [(-1, -1, -1), (1, -1, -1), (1, -1, 1), (-1, -1, 1)],
    [(-1, 1, 1), (1, 1, 1), (1, 1, -1), (-1, 1, -1)],
    [(1, -1, -1), (-1, -1, -1), (-1, 1, -1), (1, 1, -1)],
    [(-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)],
]
STUDIO = """
import json, sys
from render_scenes import loading, protocol, scene

studio = scene.Studio()
for job in json.load(sys.stdin):
    try:
        answers = [studio.open(protocol.decode(job["open"])), studio.shoot(protocol.decode(job["shoot"]))]
    except loading.RefusedError as refusal:
        answers = [protocol.Refusal(stage=refusal.stage, reason=str(refusal))]
    with open(job["to"], "w") as file:
        print(*map(protocol.encode, answers), sep="\\n", file=file)
"""


def box(half=(0.5, 0.5, 0.5), at=(0.0, 0.0, 0.0), inward=False):
    """Positions, normals and indices of a box."""
    points = np.array([corner for face in FACES for corner in face], np.float32) * half + at
    a, b, c = points[0::4], points[1::4], points[2::4]
    normals = np.repeat(np.cross(b - a, c - a), 4, axis=0)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    indices = np.array([4 * f + i for f in range(6) for i in (0, 1, 2, 0, 2, 3)], np.uint16)
    return (points, -normals, indices[::-1]) if inward else (points, normals, indices)


def quad(half, at, turned=False):
    """An upright one that faces +Z of glTF; turned: -Z."""
    points = (
        np.array([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], np.float32) + at
    )
    indices = np.array([0, 1, 2, 0, 2, 3], np.uint16)
    normals = np.tile([0, 0, -1 if turned else 1], (4, 1))
    return points, normals, indices[::-1] if turned else indices


def names_of(part):
    """Of all extensions within a part of a file."""
    if isinstance(part, list):
        return {name for one in part for name in names_of(one)}
    if not isinstance(part, dict):
        return set()
    return set(part.get("extensions", {})) | {name for one in part.values() for name in names_of(one)}


def picture(pixels):
    """(H, W, 3 or 4) of 0..255 as an image of a file, first row at the top."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(out, "PNG")
    return {"uri": "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()}


def write(path, meshes, nodes, materials, **more):
    """A GLB.

    Each mesh is a list of (shape, number of the material); a shape is positions, normals and indices, and
    perhaps a dictionary of more attributes, and of `targets`. A material is a colour and what else it says.
    `more` are other parts of the file: functions of `add` make accessors for them.
    """
    blob, views, accessors, known = bytearray(), [], [], {}

    def add(array, kind, component, **facts):
        if (same := known.get((array.tobytes(), kind, component))) is not None:
            return same
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": array.nbytes})
        accessors.append(
            {
                "bufferView": len(views) - 1,
                "componentType": component,
                "count": len(array),
                "type": kind,
                **facts,
            }
        )
        blob.extend(array.tobytes() + b"\0" * (-array.nbytes % 4))
        known[array.tobytes(), kind, component] = len(accessors) - 1
        return len(accessors) - 1

    listed = []
    for mesh in meshes:
        parts = []
        for (points, normals, indices, *others), material in mesh:
            points = np.asarray(points, np.float32)
            bounds = {"min": points.min(0).tolist(), "max": points.max(0).tolist()}
            attributes = {"POSITION": add(points, "VEC3", 5126, **bounds)}
            attributes["NORMAL"] = add(np.asarray(normals, np.float32), "VEC3", 5126)
            given = dict(*others)
            targets = [
                {
                    "POSITION": add(
                        np.asarray(by, np.float32),
                        "VEC3",
                        5126,
                        min=by.min(0).tolist(),
                        max=by.max(0).tolist(),
                    )
                }
                for by in given.pop("targets", [])
            ]
            for name, values in given.items():
                whole = name.startswith("JOINTS")
                array = np.asarray(values, np.uint16 if whole else np.float32)
                attributes[name] = add(array, f"VEC{array.shape[1]}", 5123 if whole else 5126)
            indices = add(np.ascontiguousarray(indices, np.uint16), "SCALAR", 5123)
            part = {"attributes": attributes, "indices": indices}
            part |= {} if material is None else {"material": material}
            parts.append({**part, "targets": targets} if targets else part)
        listed.append({"primitives": parts})
    looks = [
        {
            **said,
            "pbrMetallicRoughness": {
                "baseColorFactor": color,
                "metallicFactor": 0,
                "roughnessFactor": 1,
                **said.get("pbrMetallicRoughness", {}),
            },
        }
        for color, said in materials
    ]
    used = sorted(
        {name for one in looks for name in names_of(one)} | {name for one in nodes for name in names_of(one)}
    )
    roots = sorted(set(range(len(nodes))) - {child for node in nodes for child in node.get("children", [])})
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": roots}],
        "nodes": nodes,
        "meshes": listed,
    }
    tree |= {"extensionsUsed": used} if used else {}
    for key, make in more.items():
        tree[key] = make(add) if callable(make) else make
    tree |= {
        "materials": looks,
        "bufferViews": views,
        "accessors": accessors,
        "buffers": [{"byteLength": len(blob)}],
    }
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(blob), b"BIN\0") + blob
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


class Seen:
    """What the studio made of a file, from the front (world -Y, glTF +Z) and from behind, a little from above."""

    def __init__(self, folder, answers):
        from PIL import Image

        refusal = answers[0] if isinstance(answers[0], protocol.Refusal) else None
        self.refused = refusal.reason if refusal else ""
        self.pose = None if refusal else answers[0].parts[0].pose
        views = [] if refusal else answers[1].views
        self.albedo, self.depth, self.picture = [], [], []
        self.opacity = [taken.statistics["opacity"] for taken in views]
        for taken in views:
            left, top, right, bottom = taken.box
            depth, albedo = np.full((SIZE, SIZE), 1e10, np.float32), np.zeros((SIZE, SIZE, 3))
            with open(folder / taken.arrays, "rb") as file:
                depth[top:bottom, left:right], albedo[top:bottom, left:right] = np.load(file), np.load(file)
            self.depth.append(depth)
            self.albedo.append(albedo)
            with Image.open(folder / taken.image) as picture:
                self.picture.append(np.asarray(picture.convert("RGB")) / 255)

    def share(self, color, view=0):
        """Of the pixels that show anything, those in this colour."""
        there = self.depth[view] < 1e9
        return float((np.abs(self.albedo[view] - np.array(color[:3])).max(axis=-1) < 0.06)[there].mean())

    def brightness(self, view=0):
        return float(self.picture[view][self.depth[view] < 1e9].mean())


def see(folder, files, background=(128, 128, 128), pose="auto"):
    """Look at some files in one process. By name."""
    cameras = [look_at(position_on_sphere(azimuth, 12, 2.0), np.zeros(3)) for azimuth in (-90, 90)]
    jobs = []
    for name, path in files.items():
        mine = folder / name
        mine.mkdir()
        light = {"name": "courtyard", "rotation_deg": 30.0, "strength": 0.9, "lamps": []}
        plain = {"kind": "plain", "rgb": list(background), "rgb_below": list(background)}
        opened = protocol.Open(
            paths=[str(path)],
            panoramas={},
            scene=False,
            out=str(mine),
            lights=[light],
            background=plain,
            jpeg_quality=100,
            pose=pose,
            cpu_limit_s=300,
        )
        planned = [
            {"world_from_camera": one.tolist(), "hfov_deg": 40.0, "light": 0, "state": 0} for one in cameras
        ]
        shoot = protocol.Shoot(
            views=[protocol.NamedView(name=str(i), planned=one) for i, one in enumerate(planned)],
            size_px=SIZE,
            picture=True,
            samples=8,
            denoise=False,
            adaptive_threshold=0.0,
            seed=0,
        )
        asked = {"open": protocol.encode(opened), "shoot": protocol.encode(shoot)}
        jobs.append({**asked, "to": str(mine / "answers.txt")})
    done = subprocess.run(
        [sys.executable, "-c", STUDIO], input=json.dumps(jobs), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    written = {name: (folder / name / "answers.txt").read_text().splitlines() for name in files}
    return {
        name: Seen(folder / name, [protocol.decode(line) for line in lines])
        for name, lines in written.items()
    }
