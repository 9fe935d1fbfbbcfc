"""Is a run proof against bad files? Damages real objects in many ways and watches what gate and renderer
make of them.

    python benchmarks/hostile.py GOOD_FOLDER [--bad FOLDER] [--count 500] [--seed 0] [--bombs] [--json
    OUT.json] [--keep FOLDER]

COUNT files are made of the GLBs of GOOD_FOLDER, each damaged in one of the ways in `damages`, and the files
of `--bad` are added as they are. `--bombs` adds files that fill the budgets of the gate, each in one respect;
some of those keep a worker busy until it is out of time. All go the way of a run: the list of the source with
its gate, then, where that lets them pass, fetch, import, probes, portrait, two small pictures and their
annotation, by one worker with the limits of the defaults.

What is promised, and watched from outside:

- the run ends: no file raises more than the error that costs this file,
- every file has a verdict: "rendered"; refused by the "gate" or the "import"; "failed", an exception while
  rendering; "died", the worker twice; "late", out of wall clock or CPU time,
- no file outside an object's own folder is opened, or tried: by strace, or, where there is none, by inotify
  on the folders of the other objects and on decoys that lie where the damaged URIs lead. Blender, Python and
  the system may open files of their own, and the worker its scratch,
- no worker needs more memory than its limit,
- no file takes longer than its deadline, and a moment to replace the worker; no file keeps the gate for
  longer than `GATE_S`.

The exit code is 1 if a promise is broken. A second or two for each file that passes the gate.
"""

import argparse
import ctypes
import io
import json
import os
import random
import re
import resource
import shutil
import struct
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

import render_scenes
import viewpoint100k
from viewpoint100k.annotate import annotate
from viewpoint100k.config import RunConfig, load_config
from viewpoint100k.decidability import promising
from viewpoint100k.engine import Engine
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects import fetch_object
from viewpoint100k.objects.folder import assign_uids, list_folder
from viewpoint100k.plan import plan_views
from viewpoint100k.quality import Portrait, RenderedView, portray
from viewpoint100k.records import Reject, SourceObject

MESHOPT = "_meshopt_compression"  # how the names of the extensions end
LARGEST_ORIGINAL = 500_000  # bytes: 500 files of these stay below 100 MB
MOMENT_S = 15.0  # to replace a worker after a deadline
GATE_S = 60.0
SAMPLE_S = 0.05  # between two looks at the worker's memory
VERDICTS = RENDERED, GATE, IMPORT, FAILED, DIED, LATE = (
    "rendered",
    "gate",
    "import",
    "failed",
    "died",
    "late",
)
BROKEN = "ended the run"

# --- damage ----------------------------------------------------------------------------------------

Tree = dict[str, Any]
Damage = Callable[[random.Random, bytes], bytes]
Place = tuple[Any, Any]  # a list or object, and an index or key in it


class NotHereError(Exception):
    """This original has nothing that could be damaged so."""


def unpack(data: bytes) -> tuple[Tree, bytes]:
    """JSON and BIN chunk of a GLB."""
    (length,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def pack(tree: Tree, binary: bytes) -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def places(value: Any, name: str = "") -> Iterator[tuple[str, Place]]:
    """Everything in a JSON tree and how to get at it, by its name or that of the list it is in."""
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        called = key if isinstance(key, str) else name
        yield called, (value, key)
        yield from places(child, called)


def pick(rng: random.Random, tree: Tree, kind: type | tuple[type, ...] = object) -> Place:
    """A place by its name first: an object may have a thousand accessors and only one scene."""
    named: dict[str, list[Place]] = {}
    for name, (holder, key) in places(tree):
        if isinstance(holder[key], kind) and (kind is object or not isinstance(holder[key], bool)):
            named.setdefault(name, []).append((holder, key))
    if not named:
        raise NotHereError
    return rng.choice(named[rng.choice(list(named))])


def flip(rng: random.Random, data: bytes, start: int, end: int) -> bytes:
    """Change some bytes of a range: one, a few, many, or a whole block."""
    if start >= end:
        raise NotHereError
    out = bytearray(data)
    if rng.random() < 0.2:
        first = rng.randrange(start, end)
        last = min(end, first + rng.choice([4, 64, 1024]))
        out[first:last] = rng.choice(
            [bytes(last - first), b"\xff" * (last - first), rng.randbytes(last - first)]
        )
    for _ in range(rng.choice([1, 2, 5, 50, 500])):
        at = rng.randrange(start, end)
        out[at] = rng.choice([rng.randrange(256), out[at] ^ (1 << rng.randrange(8)), 0, 255])
    return bytes(out)


def flip_view(rng: random.Random, data: bytes, numbers: Sequence[int | None]) -> bytes:
    tree, binary = unpack(data)
    found = [number for number in numbers if number is not None]
    if not found:
        raise NotHereError
    view = tree["bufferViews"][rng.choice(found)]
    start = view.get("byteOffset", 0)
    begin = rng.choice(
        [0, 0, min(64, view["byteLength"] - 1)]
    )  # often the header, at times only what comes after
    return pack(tree, flip(rng, binary, start + begin, start + view["byteLength"]))


def header_bytes(rng: random.Random, data: bytes) -> bytes:
    return flip(rng, data, 0, 20)


def json_bytes(rng: random.Random, data: bytes) -> bytes:
    """Any byte, or a digit of a number, after which it is still JSON."""
    end = 20 + struct.unpack_from("<I", data, 12)[0]
    if rng.random() < 0.3:
        return flip(rng, data, 20, end)
    out, digits = bytearray(data), [at for at in range(20, end) if data[at : at + 1].isdigit()]
    for at in rng.sample(digits, min(len(digits), rng.choice([1, 2, 5]))):
        out[at] = ord(rng.choice("0123456789"))
    return bytes(out)


def bin_bytes(rng: random.Random, data: bytes) -> bytes:
    return flip(rng, data, 28 + struct.unpack_from("<I", data, 12)[0], len(data))


def bin_floats(rng: random.Random, data: bytes) -> bytes:
    """What floats must not be, in vertices, normals, texture coordinates, weights, matrices and keyframes."""
    tree, binary = unpack(data)
    views = tree.get("bufferViews", [])
    floats = [
        views[a["bufferView"]] for a in tree["accessors"] if a["componentType"] == 5126 and "bufferView" in a
    ]
    floats = [view for view in floats if view["buffer"] == 0]  # not those that lie there compressed
    if not floats:
        raise NotHereError
    view, out = rng.choice(floats), bytearray(binary)
    nasty = [float("nan"), float("inf"), -float("inf"), 3.4e38, -3.4e38, 1e30, 1e20, 1e-45, -0.0, 0.0, 1e6]
    for _ in range(rng.choice([1, 3, 100])):
        at = view.get("byteOffset", 0) + 4 * rng.randrange(max(1, view["byteLength"] // 4))
        struct.pack_into("<f", out, at, rng.choice(nasty))
    return pack(tree, bytes(out))


def image_bytes(rng: random.Random, data: bytes) -> bytes:
    return flip_view(rng, data, [item.get("bufferView") for item in unpack(data)[0].get("images", [])])


def draco_bytes(rng: random.Random, data: bytes) -> bytes:
    parts = [part for mesh in unpack(data)[0].get("meshes", []) for part in mesh["primitives"]]
    draco = [part.get("extensions", {}).get("KHR_draco_mesh_compression", {}) for part in parts]
    return flip_view(rng, data, [item.get("bufferView") for item in draco])


def meshopt_packings(tree: Tree) -> list[dict[str, Any]]:
    """How its bufferViews are compressed with meshopt."""
    extensions = [view.get("extensions", {}) for view in tree.get("bufferViews", [])]
    return [packing for each in extensions for name, packing in each.items() if name.endswith(MESHOPT)]


def meshopt_bytes(rng: random.Random, data: bytes) -> bytes:
    """Other bytes in what is compressed."""
    tree, binary = unpack(data)
    packings = meshopt_packings(tree)
    if not packings:
        raise NotHereError
    packing = rng.choice(packings)
    start = packing.get("byteOffset", 0)
    return pack(tree, flip(rng, binary, start, start + packing["byteLength"]))


def meshopt_numbers(rng: random.Random, tree: Tree) -> None:
    """Other sizes, modes and filters of what is compressed."""
    packings = meshopt_packings(tree)
    if not packings:
        raise NotHereError
    packing = rng.choice(packings)
    name = rng.choice([*packing, "filter"])
    if name in ("mode", "filter"):
        modes = ("ATTRIBUTES", "TRIANGLES", "INDICES")
        filters = ("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL", "COLOR")
        packing[name] = rng.choice(modes if name == "mode" else filters)
    else:
        packing[name] = rng.choice(
            [0, 1, 2, 3, 4, 256, 260, 1 << 20, 1 << 31, packing[name] + rng.choice([-4, -1, 1, 4])]
        )


def truncated(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def shortened(rng: random.Random, data: bytes) -> bytes:
    """Cut short, with all lengths put right: only what points into the data can tell."""
    tree, binary = unpack(data)
    binary = binary[: rng.randrange(len(binary))] if rng.random() < 0.7 else binary[: -rng.randrange(1, 9)]
    tree["buffers"][0]["byteLength"] = max(len(binary), 1)
    if rng.random() < 0.5:
        for view in tree["bufferViews"]:
            view["byteLength"] = max(1, min(view["byteLength"], len(binary) - view.get("byteOffset", 0)))
    return pack(tree, binary)


def lengths(rng: random.Random, data: bytes) -> bytes:
    out, after = bytearray(data), 20 + struct.unpack_from("<I", data, 12)[0]
    for at in rng.sample([8, 12, after], rng.choice([1, 1, 2])):
        (old,) = struct.unpack_from("<I", out, at)
        new = rng.choice(
            [0, 1, old - 1, old + 1, old - 4, old + 4, old * 2, 2**31, 2**32 - 1, rng.randrange(2**32)]
        )
        struct.pack_into("<I", out, at, new % 2**32)
    return bytes(out)


def edit(change: Callable[[random.Random, Tree], None]) -> Damage:
    """One to three changes of the JSON; the file around it stays whole."""

    def damage(rng: random.Random, data: bytes) -> bytes:
        tree, binary = unpack(data)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            change(rng, tree)
        return pack(tree, binary)

    return damage


def numbers(rng: random.Random, tree: Tree) -> None:
    """Counts, offsets, strides, types, indices: other, but not absurd."""
    holder, key = pick(rng, tree, (int, float))
    old = holder[key]
    near = [old + 1, old - 1, old * 2, old // 2, 0, 1, -1, 2, 3, 4, 16, rng.randrange(100), -old, old + 0.5]
    component_types = [5120, 5121, 5122, 5123, 5125, 5126]
    holder[key] = rng.choice(component_types if key == "componentType" else near)


def huge_numbers(rng: random.Random, tree: Tree) -> None:
    holder, key = pick(rng, tree, (int, float))
    huge = [
        2**31 - 1,
        2**31,
        2**32,
        2**53,
        2**63,
        10**30,
        1e15,
        1e20,
        1e29,
        1e38,
        1e308,
        1e-40,
        -(2**31),
        -1e20,
    ]
    holder[key] = rng.choice(huge)


def delete(rng: random.Random, tree: Tree) -> None:
    holder, key = pick(rng, tree)
    del holder[key]


def swap(rng: random.Random, tree: Tree) -> None:
    """Two values, of the same type more often than not."""
    holder, key = pick(rng, tree)
    other, name = pick(rng, tree, type(holder[key]) if rng.random() < 0.7 else object)
    if not any(value is holder or value is other for value in (holder[key], other[name])):
        holder[key], other[name] = json.loads(json.dumps([other[name], holder[key]]))


def types(rng: random.Random, tree: Tree) -> None:
    holder, key = pick(rng, tree)
    holder[key] = rng.choice(
        [
            None,
            True,
            False,
            0,
            -1,
            0.5,
            "",
            "x",
            "../../secret",
            "\0",
            "😀" * 100,
            [],
            {},
            [[]],
            [0],
            [None],
            {"a": 0},
        ]
    )


URIS = (
    "../secret.png", "../../secret.png", "./../secret.png", "x/../../secret.png", "..%2Fsecret.png",
    "..\\secret.png",
    "%2e%2e/secret.png", "{root}/secret.png", "file://{root}/secret.png", "//{root}/secret.png", "link.png",
    "{root}",
    "http://127.0.0.1:9/secret.png", "secret.png\0", "../secret.png?x", "~/secret.png", "/dev/zero",
    "/dev/stdin",
    "/proc/self/environ", "/etc/passwd", ".", "..", "", "data:image/png;base64,AAAA", "data:,../secret.png",
)  # fmt: skip


def uris(root: Path) -> Callable[[random.Random, Tree], None]:
    """Of images, buffers and names, which lead to the decoys."""

    def change(rng: random.Random, tree: Tree) -> None:
        uri = rng.choice(URIS).format(root=root)
        what = rng.choice(["image", "image", "buffer", "name"])
        if what == "name":
            holder, key = pick(rng, tree, dict)
            holder[key]["name"] = uri
        elif what == "buffer":
            tree["buffers"].append({"uri": uri, "byteLength": rng.choice([1, 100])})
            if rng.random() < 0.5:
                rng.choice(tree["bufferViews"]).update(
                    buffer=len(tree["buffers"]) - 1, byteOffset=0, byteLength=1
                )
        else:
            image = {"uri": uri, "name": uri} if rng.random() < 0.8 else {"uri": uri, "bufferView": 0}
            tree.setdefault("images", []).append(image)
            tree.setdefault("textures", []).append({"source": len(tree["images"]) - 1})
            material = rng.choice(tree.setdefault("materials", [{}]) or [{}])
            texture = {"index": len(tree["textures"]) - 1}
            material.setdefault("pbrMetallicRoughness", {})["baseColorTexture"] = texture

    return change


def nesting(rng: random.Random, data: bytes) -> bytes:
    """Too deep: JSON in extras, or nodes below nodes; or too long: a name."""
    tree, binary = unpack(data)
    depth, what = rng.choice([20, 60, 70, 200, 1000, 5000]), rng.choice(["extras", "nodes", "name"])
    if what == "name":
        rng.choice(tree["nodes"])["name"] = rng.choice(["x", "é", "😀", "\\", "."]) * depth * 10
    elif what == "nodes":
        root = len(tree["nodes"])
        tree["scenes"][tree.get("scene", 0)]["nodes"].append(root)
        tree["nodes"] += [{"children": [root + i + 1], "scale": [1.01] * 3} for i in range(depth)]
        tree["nodes"].append(dict(next((node for node in tree["nodes"] if "mesh" in node), {}), children=[]))
    else:
        tree["asset"]["extras"] = "HERE"
        opening, closing = rng.choice([("[", "]"), ('{"a":', "}")])
        text = json.dumps(tree).replace('"HERE"', opening * depth + "0" + closing * depth)
        whole = pack({}, binary)
        chunk = text.encode() + b" " * (-len(text.encode()) % 4)
        rest = whole[20 + struct.unpack_from("<I", whole, 12)[0] :]
        body = struct.pack("<I4s", len(chunk), b"JSON") + chunk + rest
        return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body
    return pack(tree, binary)


def damages(root: Path) -> dict[str, Damage]:
    return {
        "header-bytes": header_bytes,
        "json-bytes": json_bytes,
        "bin-bytes": bin_bytes,
        "bin-floats": bin_floats,
        "image-bytes": image_bytes,
        "draco-bytes": draco_bytes,
        "truncated": truncated,
        "shortened": shortened,
        "chunk-lengths": lengths,
        "json-numbers": edit(numbers),
        "json-huge": edit(huge_numbers),
        "json-delete": edit(delete),
        "json-swap": edit(swap),
        "json-types": edit(types),
        "json-uris": edit(uris(root)),
        "nesting": nesting,
    }


def spaced(data: bytes, spaces: int) -> bytes:
    """The same file with so much white space in its JSON."""
    tree, binary = unpack(data)
    text = json.dumps(tree).encode().replace(b" ", b" " * (spaces // json.dumps(tree).count(" ")))
    text += b" " * (-len(text) % 4)
    chunks = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def bombs() -> dict[str, bytes]:
    """Files within the budgets of the gate, and as large as these allow in one respect."""
    grid = np.stack(np.meshgrid(range(100), range(100), range(3)), axis=-1).reshape(-1, 3).astype("<f4")
    corners = (
        np.random.default_rng(0).integers(0, len(grid), 60_000).astype("<u4")
    )  # 20,000 triangles, all over it
    part = {"attributes": {"POSITION": 0}, "indices": 1}
    skinned = {"attributes": {"POSITION": 0, "JOINTS_0": 4, "WEIGHTS_0": 5}, "indices": 1}
    zeros = {"componentType": 5126, "count": 999_999}
    first = {"count": 3, "indices": {"bufferView": 1, "componentType": 5125}, "values": {"bufferView": 0}}
    channels = [{"sampler": 0, "target": {"node": 0, "path": "translation"}}] * 5

    def file(corners: NDArray[Any] = corners, picture: bytes = b"", scenes: int = 1, **parts: Any) -> bytes:
        sizes = [grid.nbytes, corners.nbytes, len(picture) or 1]
        tree = {
            "asset": {"version": "2.0"},
            "buffers": [{"byteLength": sum(sizes)}],
            "bufferViews": [
                {"buffer": 0, "byteOffset": sum(sizes[:i]), "byteLength": sizes[i]} for i in range(3)
            ],
            "accessors": [
                {"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": len(grid)},
                {"bufferView": 1, "componentType": 5125, "type": "SCALAR", "count": len(corners)},
                {**zeros, "type": "SCALAR"},
                {**zeros, "type": "VEC3"},
                {"componentType": 5121, "type": "VEC4", "count": len(grid)},
                {"componentType": 5126, "type": "VEC4", "count": len(grid)},
                {**zeros, "type": "VEC3", "sparse": first},
            ],
            "meshes": [{"primitives": [part]}],
            "nodes": [{"mesh": 0}],
            **parts,
        }
        tree["scenes"] = [{"nodes": list(range(len(tree["nodes"])))}] * scenes
        return pack(tree, grid.tobytes() + corners.tobytes() + (picture or b"\0"))

    def textured(images: int, mode: str, side: int) -> bytes:
        stream = io.BytesIO()
        Image.new(mode, (side, side), 1).save(stream, "PNG")
        return file(
            corners[: 60_000 // images // 3 * 3],
            stream.getvalue(),
            images=[{"bufferView": 2, "name": str(i)} for i in range(images)],
            textures=[{"source": i} for i in range(images)],
            materials=[{"emissiveTexture": {"index": i}} for i in range(images)],
            meshes=[{"primitives": [{**part, "material": i} for i in range(images)]}],
        )

    def attributes(number: int) -> dict[str, Any]:
        """So many custom attributes of as many values as a million vertices have."""
        return {
            "meshes": [
                {"primitives": [part, {"attributes": {"POSITION": 6} | {f"_{i}": 2 for i in range(number)}}]}
            ]
        }

    def flat(triangles: int, *three: int) -> bytes:
        """Many triangles without an area beside some of the grid's: all with the same three corners."""
        return file(np.concatenate([corners[:3000], np.tile(np.array(three, "<u4"), triangles)]))

    few = corners[:3]
    return {
        "triangles": file(meshes=[{"primitives": [part]}] * 200, nodes=[{"mesh": i} for i in range(200)]),
        "primitives": file(meshes=[{"primitives": [part] * 200}]),
        "tiny-primitives": file(few, meshes=[{"primitives": [part] * 20_000}]),
        "objects": file(
            few, meshes=[{"primitives": [part]}] * 20_000, nodes=[{"mesh": i} for i in range(20_000)]
        ),
        "some-objects": file(
            few,
            meshes=[{"primitives": [part]}] * 3_800,
            nodes=[{"mesh": i, "translation": [i, 0, 0]} for i in range(3_800)],
        ),
        "some-nodes": file(
            few, nodes=[{"mesh": 0, "translation": [i % 70, i // 70, 0]} for i in range(5_000)]
        ),
        "names": file(
            few, meshes=[{"name": "x", "primitives": [part]}], nodes=[{"mesh": 0, "name": "x"}] * 20_000
        ),
        "scenes": file(few, scenes=100, nodes=[{"mesh": 0}] * 50),
        "morph-targets": file(meshes=[{"primitives": [{**part, "targets": [{"POSITION": 0}] * 1_000}]}]),
        "joints": file(
            few,
            meshes=[{"primitives": [skinned]}] * 15,
            nodes=[{"mesh": i, "skin": 0} for i in range(15)] + [{}] * 4_900,
            skins=[{"joints": list(range(15, 4_915))}],
        ),
        "pixels": textured(4, "RGB", 8192),
        "deep-pixels": textured(1, "I;16", 8192),
        "images": textured(1_000, "RGB", 512),
        "materials": file(
            few,
            materials=[{"doubleSided": True}] * 2_500,
            meshes=[{"primitives": [{**part, "material": i} for i in range(2_500)]}],
        ),
        "same-joint": file(
            meshes=[{"primitives": [skinned]}],
            nodes=[{"mesh": 0, "skin": 0}, {}],
            skins=[{"joints": [1] * 5_000}],
        ),
        "attributes": file(**attributes(1_000)),
        "fewer-attributes": file(**attributes(60)),
        "points": flat(3_900_000, 0, 0, 0),
        "edges": flat(3_900_000, 0, 0, 29_997),
        "lines": flat(3_900_000, 0, 15_150, 29_997),
        "white-space": spaced(file(), 60_000_000),
        "keyframes": file(animations=[{"channels": channels, "samplers": [{"input": 2, "output": 3}]}]),
        "animations": file(few, animations=[{"name": "x", "channels": [], "samplers": []}] * 2_200),
    }


def make_files(good: Path, folder: Path, count: int, seed: int) -> None:
    """Each file alone in a folder, beside a link that leads to a decoy."""
    originals = [
        path.read_bytes() for path in sorted(good.glob("*.glb")) if path.stat().st_size <= LARGEST_ORIGINAL
    ]
    if not originals:
        raise SystemExit(
            f"{good} holds no .glb of at most {LARGEST_ORIGINAL:,} bytes: pass a folder of good objects"
        )
    kinds = damages(folder.parent)
    if any(MESHOPT.encode() in data for data in originals):
        kinds |= {"meshopt-bytes": meshopt_bytes, "meshopt-numbers": edit(meshopt_numbers)}
    for number in range(count):
        kind, rng = list(kinds)[number % len(kinds)], random.Random(f"{seed}/{number}")
        for data in rng.choices(originals, k=1000):
            try:
                damaged = kinds[kind](rng, data)
            except NotHereError:
                continue
            if damaged != data:
                break
        else:
            continue  # no original has Draco data, say
        home = folder / f"{number:04d}"
        home.mkdir()
        (home / f"{kind}.glb").write_bytes(damaged)
        (home / "link.png").symlink_to("../secret.png")


# --- watching --------------------------------------------------------------------------------------


@dataclass
class Observed:
    """What became of one file."""

    file: str
    kind: str
    verdict: str = ""
    reason: str = ""
    gate_s: float = 0.0
    seconds: float = 0.0  # from its fetch to its annotation
    peak_rss_mb: float = 0.0  # of the worker, while it had this file
    starts: int = 0  # of workers, to replace those that ended
    strayed: list[str] = field(default_factory=list)  # opened, or tried, outside its folder


class Permitted:
    """Where workers may open files besides the folder of their object."""

    def __init__(self, *own: Path) -> None:
        system = (
            "/usr",
            "/lib",
            "/lib64",
            "/proc",
            "/sys",
            "/dev/null",
            "/dev/urandom",
            "/dev/dri",
            "/dev/shm",
        )
        loader = (
            "/etc/ld.so.cache",
            "/etc/ld.so.preload",
            "/etc/localtime",
            "/etc/locale.alias",
            "/etc/fonts",
        )
        python = (sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix))
        self.folders = [*system, *loader, *python, *map(str, own)]
        self.home = os.getcwd()  # Python lists it, for `-m` puts it into sys.path
        self.of_start: set[str] = set()  # what a worker opens before it gets its first object

    def __call__(self, path: str, folder: Path) -> bool:
        return path == self.home or any(
            path == each or path.startswith(f"{each}/") for each in [*self.folders, folder]
        )


class Trace:
    """What a worker opens, by strace."""

    CALL = re.compile(r'(open\w*|creat|execve)\((?:(?:AT_FDCWD|\d+)<(.*?)>, )?"((?:[^"\\]|\\.)*)"')
    OPENED = re.compile(r"= \d+<(.+)>$")
    COMMAND = (
        "strace -D -f --seccomp-bpf -y -qq -s 4096 -e trace=open,openat,openat2,creat,execve,connect "
        "-o '{log}.'$$"
    )

    def __init__(self, root: Path) -> None:
        self.log = root / "trace"
        self.prefix = self.COMMAND.format(log=self.log)
        self.read: Counter[Path] = Counter()

    def opened(self) -> list[str]:
        """All paths since the last call, as they were asked for and as they were opened."""
        found = set[str]()
        for log in sorted(self.log.parent.glob("trace.*")):
            with log.open(errors="replace") as stream:
                stream.seek(self.read[log])
                text = stream.read()
                self.read[log] += len(text.encode())
            for line in text.splitlines():
                if (call := self.CALL.search(line)) is not None:
                    found.add(os.path.normpath(os.path.join(call[2] or "/", call[3])))
                if (opened := self.OPENED.search(line)) is not None and opened[1].startswith("/"):
                    found.add(opened[1])
                if "sa_family=AF_INET" in line:
                    found.add(f"network: {line[:200]}")
        return sorted(found)


class Inotify:
    """What anybody opens below a folder, where there is no strace: this sees the decoys, and the other
    objects.
    """

    prefix = ""

    def __init__(self, root: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_NONBLOCK)
        folders = [
            root / "secret.png",
            *(path for path in (root / "objects").rglob("*") if path.is_dir()),
            root / "objects",
        ]
        self.folders = {
            libc.inotify_add_watch(self.descriptor, str(path).encode(), 0x20): path for path in folders
        }

    def opened(self) -> list[str]:
        found = set[str]()
        while True:
            try:
                events = os.read(self.descriptor, 1 << 20)
            except BlockingIOError:
                return sorted(found)
            while events:
                which, mask, _, length = struct.unpack_from("iIII", events)
                name = events[16 : 16 + length].rstrip(b"\0").decode(errors="replace")
                if not mask & 0x40000000 and which in self.folders:  # not of folders
                    found.add(str(self.folders[which] / name))
                events = events[16 + length :]


class Memory(threading.Thread):
    """Looks at the worker's peaks again and again, for the last look at one that dies comes too late."""

    def __init__(self, pids: Path) -> None:
        super().__init__(daemon=True)
        self.pids, self.peak_mb = pids, 0.0
        self.started = 0  # workers in the whole run; their list goes with the folder of the run
        self.most: dict[str, int] = {}  # bytes of addresses by worker
        self.unlimited: set[str] = set()

    def run(self) -> None:
        while True:
            self.look()
            time.sleep(SAMPLE_S)

    def workers(self) -> list[str]:
        return self.pids.read_text().split() if self.pids.exists() else []

    def look(self, *, anew: bool = False) -> None:
        for pid in self.workers()[-1:]:
            process = Path("/proc", pid)
            try:
                if anew:
                    (process / "clear_refs").write_text("5")  # the resident peak starts from now
                status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
                resident = int(status["VmHWM"].split()[0]) / 1024
                self.peak_mb = resident if anew else max(self.peak_mb, resident)
                self.most[pid] = int(status["VmPeak"].split()[0]) << 10
                limit = re.search(r"Max address space +(\d+)", (process / "limits").read_text())
                if anew and (limit is None or int(limit[1]) < self.most[pid]):
                    self.unlimited.add(pid)
            except (OSError, KeyError):  # it has ended
                pass


# --- the run ---------------------------------------------------------------------------------------


def wrapped_python(root: Path, prefix: str) -> Path:
    """The interpreter as the engine starts it, observed: notes its number, keeps temporary files here."""
    script = root / "python"
    lines = ["#!/bin/sh", f"echo $$ >> '{root}/pids'", f"export TMPDIR='{root}/tmp'"]
    script.write_text("\n".join([*lines, f"exec {prefix} '{sys.executable}' \"$@\""]) + "\n")
    script.chmod(0o755)
    return script


def pass_gate(
    root: Path, config: RunConfig, seen: dict[str, Observed], permitted: Permitted
) -> list[SourceObject]:
    """List the source as a run does, and note what is refused, how long it took and what was opened."""
    opened: list[str] = []
    watching = True
    names = sorted(seen)
    since = [0, time.monotonic()]

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
            opened.append(os.path.realpath(os.fsdecode(arguments[0])))

    def next_file(done: int, total: int) -> None:
        if done:
            one = seen[names[int(since[0])]]
            one.gate_s = time.monotonic() - since[1]
            one.strayed += [
                path for path in opened if not permitted(path, (root / "objects" / one.file).parent)
            ]
        opened.clear()
        since[:] = done, time.monotonic()

    sys.addaudithook(audit)
    objects, rejects = list_folder(root / "objects", config.files, progress=next_file)
    watching = False
    of_uid = {uid: name for name, uid in assign_uids(names).items()}
    for reject in rejects:
        if reject.uid in of_uid:
            seen[of_uid[reject.uid]].verdict, seen[of_uid[reject.uid]].reason = GATE, reject.reason
    return objects


def visit(root: Path, config: RunConfig, thing: SourceObject, engine: Engine) -> tuple[str, str]:
    """What a run does with one object, with one pair of small pictures.

    Returns the verdict and its reason.
    """
    view_set = plan_views(config, thing, 0, ["+**-**0"])
    portraits: list[Portrait] = []

    def choose(probes: list[RenderedView]) -> list[int]:
        portraits.append(portray(probes, config.gates))
        promising(view_set, portraits[-1], probes, config.gates)
        return [
            view_set.pairs[0].first,
            view_set.pairs[0].second,
        ]  # even if it is not worth it: it is to be tried

    try:
        path, _ = fetch_object(thing, str(root / "objects"), root / "scratch", config.files)
    except ObjectRefused as refusal:
        return GATE, str(refusal)
    rendered = engine.render(view_set, path, choose)
    if isinstance(rendered, Reject):
        return verdict_of(rendered), f"{rendered.reason} {rendered.detail}".strip()
    _, drops = annotate(view_set, rendered.views, portraits[-1], config.gates)
    return RENDERED, "; ".join(sorted({drop.why for drop in drops}))


def verdict_of(reject: Reject) -> str:
    if reject.stage == "import":
        return IMPORT
    if reject.reason.startswith("the render process died"):
        return DIED
    if reject.reason.startswith(("not finished after", "used more than")):
        return LATE
    return FAILED


def run(root: Path, config: RunConfig, console: Console) -> tuple[list[Observed], Memory, str]:
    """All files below root/objects."""
    found = sorted(
        path.relative_to(root / "objects").as_posix() for path in (root / "objects").rglob("*.gl[bt]*")
    )
    seen = {name: Observed(name, "bad" if name.startswith("bad/") else Path(name).stem) for name in found}
    for folder in (root / "tmp", root / "scratch"):
        folder.mkdir()
    ours = [Path(path) for path in (*render_scenes.__path__, *viewpoint100k.__path__)]
    permitted = Permitted(root / "tmp", root / "scratch", root / "python", *ours)
    trace = Trace(root) if shutil.which("strace") else Inotify(root)
    objects = pass_gate(root, config, seen, permitted)
    console.print(f"{len(objects)} of {len(seen)} files pass the gate")
    memory = Memory(root / "pids")
    with Engine(config.render, root / "scratch", str(wrapped_python(root, trace.prefix))) as engine:
        memory.start()
        permitted.of_start = set(trace.opened())
        for thing in track(objects, "rendering", console=console):
            one, before = seen[thing.path], len(memory.workers())
            memory.look(anew=True)
            started = time.monotonic()
            try:
                one.verdict, one.reason = visit(root, config, thing, engine)
            except Exception:  # nothing but its own rejection may come of a file
                one.verdict, one.reason = BROKEN, traceback.format_exc(limit=-3)
            one.seconds = time.monotonic() - started
            memory.look()
            one.peak_rss_mb, one.starts = memory.peak_mb, len(memory.workers()) - before
            folder = (root / "objects" / thing.path).parent
            strayed = {path for path in trace.opened() if not permitted(path, folder)}
            one.strayed += sorted(strayed - permitted.of_start if one.starts else strayed)
        memory.started = len(memory.workers())
    return list(seen.values()), memory, type(trace).__name__


# --- the report ------------------------------------------------------------------------------------


def broken_promises(seen: list[Observed], memory: Memory, config: RunConfig) -> dict[str, list[str]]:
    limit_mb, deadline_s = config.render.memory_limit_mb, config.render.deadline_s + MOMENT_S
    return {
        "the run ends": [f"{one.file}: {one.reason}" for one in seen if one.verdict == BROKEN],
        "every file has a verdict": [one.file for one in seen if not one.verdict],
        "nothing outside its folder is opened": [
            f"{one.file}: {', '.join(one.strayed)}" for one in seen if one.strayed
        ],
        f"at most {limit_mb:,} MB per worker": [
            *(f"{one.file}: {one.peak_rss_mb:,.0f} MB" for one in seen if one.peak_rss_mb > limit_mb),
            *(
                f"worker {pid}: {memory.most[pid]:,} bytes of addresses and no limit"
                for pid in memory.unlimited
            ),
        ],
        f"at most {GATE_S:.0f} s in the gate, {deadline_s:.0f} s in the renderer": [
            f"{one.file}: {one.gate_s:.0f} s, {one.seconds:.0f} s"
            for one in seen
            if one.gate_s > GATE_S or one.seconds > deadline_s
        ],
    }


def table(seen: list[Observed]) -> Table:
    out = Table(
        box=box.SIMPLE, padding=(0, 0, 0, 1), title="Files by how they were damaged and what became of them"
    )
    for heading in ("damage", "files", *VERDICTS, "ends", "gate s", "slowest s", "peak MB"):
        out.add_column(heading, justify="left" if heading == "damage" else "right", no_wrap=True)
    for kind in [*dict.fromkeys(one.kind for one in seen), "all"]:
        mine = [one for one in seen if kind in (one.kind, "all")]
        counts = [sum(one.verdict == verdict for one in mine) for verdict in VERDICTS]
        slowest = (f"{max(getattr(one, name) for one in mine):.1f}" for name in ("gate_s", "seconds"))
        peaks = (*slowest, f"{max(one.peak_rss_mb for one in mine):,.0f}")
        numbers_ = (str(n or "-") for n in (len(mine), *counts, sum(one.starts for one in mine)))
        out.add_row(kind, *numbers_, *peaks, end_section=kind == "bad")
    return out


def main(
    good: Path,
    bad: Path | None,
    count: int,
    seed: int,
    with_bombs: bool = False,
    json_file: Path | None = None,
    keep: Path | None = None,
) -> int:
    """Make the files, run over them, print what was seen, and return 1 if a promise is broken."""
    console = Console()
    config = load_config(overrides=["render.size_px=64", "render.samples=1"])
    with tempfile.TemporaryDirectory() as temporary:
        root = (keep or Path(temporary)).resolve()
        (root / "objects" / "bad").mkdir(parents=True)
        (root / "objects" / "outside").mkdir()
        for decoy in (root, root / "objects", root / "objects" / "outside"):  # where ../ and ../outside/ lead
            Image.new("RGB", (4, 4), "red").save(decoy / "secret.png")
        make_files(good, root / "objects", count, seed)
        for path in [] if bad is None else sorted(bad.iterdir()):
            shutil.copyfile(path, root / "objects" / "bad" / path.name)
        for name, data in bombs().items() if with_bombs else ():
            home = root / "objects" / "bombs" / name
            home.mkdir(parents=True)
            (home / f"{name}.glb").write_bytes(data)
        seen, memory, by = run(root, config, console)
    console.print(table(seen))
    for one in seen:
        if one.verdict in (FAILED, DIED, LATE, BROKEN) or one.starts:
            console.print(f"{one.file}: {one.verdict}: {one.reason}", markup=False, soft_wrap=True)
    slowest, largest = max(seen, key=lambda one: one.seconds), max(seen, key=lambda one: one.peak_rss_mb)
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    most_mb = max(memory.most.values(), default=0) >> 20
    console.print(
        f"slowest: {slowest.file}, {slowest.seconds:.1f} s. Highest memory of a worker: {largest.file}, "
        f"{largest.peak_rss_mb:,.0f} MB resident, {most_mb:,} MB of addresses; of the gate: {own_mb:,.0f} "
        "MB. "
        f"{memory.started} worker starts; watched by {by}"
    )
    promises = broken_promises(seen, memory, config)
    for promise, broken in promises.items():
        console.print(f"{'BROKEN' if broken else 'kept'}: {promise}")
        for line in broken:
            console.print(f"    {line}", markup=False, soft_wrap=True)
    if json_file:
        report = {"count": count, "seed": seed, "promises": promises, "files": [asdict(one) for one in seen]}
        json_file.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return int(any(promises.values()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("good", type=Path, help="a folder of .glb files that are in order")
    parser.add_argument("--bad", type=Path, help="a folder of .glb and .gltf files to add as they are")
    parser.add_argument("--count", type=int, default=500, help="how many damaged files to make")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--bombs", action="store_true", dest="with_bombs", help="add files that fill the budgets"
    )
    parser.add_argument("--json", type=Path, dest="json_file", help="write what was seen of every file here")
    parser.add_argument("--keep", type=Path, help="a new folder to make the files in, and leave them there")
    sys.exit(main(**vars(parser.parse_args())))
