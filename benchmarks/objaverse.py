"""What does Objaverse cost to choose from? `python benchmarks/objaverse.py CACHE [--objects 800000] [--pairs 100000]`.

Makes a simulated Objaverse in the layout of the `objaverse` package in the folder CACHE, once: an index, LVIS's
categories (1,156 with a long tail), 160 files of annotations with all the fields that real ones have, and labels
in the layout of Objaverse++. No object files. Then prints CPU-seconds and peak memory of making the tables,
listing, filtering and planning, each in a process of its own, the funnel of the filters, and how many objects
of the most frequent categories are used with and without a bound on their share.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

FILES = 160
LVIS_CATEGORIES, LVIS_OBJECTS = 1156, 46_207
LICENCES = {
    "by": 0.85,
    "by-nc": 0.05,
    "by-nc-sa": 0.04,
    "by-sa": 0.02,
    "cc0": 0.02,
    "by-nc-nd": 0.01,
    "by-nd": 0.01,
}
SKETCHFAB = (
    "characters-creatures", "architecture", "weapons-military", "art-abstract", "furniture-home", "places-travel",
    "cultural-heritage-history", "cars-vehicles", "electronics-gadgets", "animals-pets", "science-technology",
    "food-drink", "people", "fashion-style", "nature-plants", "music", "sports-fitness", "news-politics",
)  # fmt: skip
SIZES_PX = ((1920, 1080), (1024, 576), (720, 405), (640, 360), (256, 144), (50, 50))
# of the settings that are tried
PICKY = {
    "objects.min_quality": "2",
    "objects.without_traits": "[scene, multi_object]",
    "objects.without_categories": "[places-travel, people]",
    "objects.min_faces": "500",
    "objects.max_faces": "500000",
    "objects.min_likes": "1",
    "objects.animated": "false",
    "objects.category_share": "0.01",
}


class Cost(NamedTuple):
    """What one command took."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    lines: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cache", type=Path)
    parser.add_argument("--objects", type=int, default=800_000)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    made = arguments.cache / f"made-{arguments.objects}"
    if not made.exists():
        simulate(arguments.cache, arguments.objects)
        made.touch()
    costs = measure(arguments.cache, arguments.pairs)
    show(costs)
    if arguments.json:
        arguments.json.write_text(
            json.dumps({name: cost._asdict() for name, cost in costs.items()}, indent=1)
        )


# --- the simulated Objaverse ----------------------------------------------------------------------


def simulate(root: Path, count: int) -> None:
    """Write the index, the annotations, LVIS's categories and quality labels."""
    rng = np.random.default_rng(0)
    uids = [rng.bytes(16).hex() for _ in range(count)]
    (root / "metadata").mkdir(parents=True, exist_ok=True)
    folders = [f"{number // 1000:03d}-{number % 1000:03d}" for number in range(FILES)]
    folder_of = rng.integers(0, FILES, count)
    index = {uid: f"glbs/{folders[folder]}/{uid}.glb" for uid, folder in zip(uids, folder_of, strict=True)}
    _write(root / "object-paths.json.gz", index)
    for number, folder in enumerate(folders):
        mine = np.flatnonzero(folder_of == number)
        _write(root / "metadata" / f"{folder}.json.gz", {uids[i]: annotation(uids[i], rng) for i in mine})
        print(f"\r{number + 1} of {FILES} files of annotations", end="", file=sys.stderr)
    print(file=sys.stderr)
    weights = 1 / (np.arange(LVIS_CATEGORIES) + 3) ** 0.8
    labels = rng.choice(LVIS_CATEGORIES, min(LVIS_OBJECTS, count), p=weights / weights.sum())
    lvis: dict[str, list[str]] = {}
    for uid, label in zip(uids, labels, strict=False):
        lvis.setdefault(f"category_{label:04d}", []).append(uid)
    _write(root / "lvis-annotations.json.gz", lvis)
    (root / "annotated_800k.json").write_text(
        json.dumps([quality(uid, rng) for uid in uids[: int(0.985 * count)]])
    )


def annotation(uid: str, rng: np.random.Generator) -> dict[str, Any]:
    """All fields that Sketchfab's annotation of an object has in Objaverse, of about their usual lengths."""
    faces = int(np.exp(rng.normal(9, 2.2)))
    words = [f"word{rng.integers(5000)}" for _ in range(40)]
    author = f"user{int(rng.pareto(1.0) * 20) % 100_000}"
    images = [
        {"uid": rng.bytes(16).hex(), "size": 20_000, "width": w, "height": h, "url": f"https://media.sketchfab.com/models/{uid}/thumbnails/{rng.bytes(16).hex()}/{w}x{h}.jpeg"}
        for w, h in SIZES_PX
    ]  # fmt: skip
    avatars = [
        {"size": 800, "width": side, "height": side, "url": f"https://media.sketchfab.com/avatars/{rng.bytes(16).hex()}/{side}x{side}.jpeg"}
        for side in (32, 48, 90, 100)
    ]  # fmt: skip
    own = [SKETCHFAB[int(i)] for i in rng.choice(len(SKETCHFAB), rng.integers(0, 3), replace=False)]
    part = {
        "textureCount": 3,
        "size": 1_000_000,
        "type": "gltf",
        "textureMaxResolution": 2048,
        "faceCount": faces,
        "vertexCount": faces // 2,
    }
    return {
        "uri": f"https://api.sketchfab.com/v3/models/{uid}",
        "uid": uid,
        "name": " ".join(words[: rng.integers(1, 5)]),
        "staffpickedAt": None,
        "viewCount": int(rng.pareto(0.7) * 40),
        "likeCount": int(rng.pareto(0.9) * 2) if rng.random() < 0.6 else 0,
        "animationCount": int(rng.random() < 0.09),
        "viewerUrl": f"https://sketchfab.com/3d-models/{uid}",
        "embedUrl": f"https://sketchfab.com/models/{uid}/embed",
        "commentCount": 0,
        "isDownloadable": True,
        "publishedAt": "2019-03-11T18:06:09.123456",
        "tags": [{"name": word, "slug": word, "uri": f"https://api.sketchfab.com/v3/tags/{word}"} for word in words[5:rng.integers(5, 15)]],
        "categories": [{"uid": rng.bytes(8).hex(), "name": name, "uri": f"https://api.sketchfab.com/v3/categories/{name}", "slug": name} for name in own],
        "thumbnails": {"images": images},
        "user": {"uid": rng.bytes(16).hex(), "username": author, "displayName": author.title(), "profileUrl": f"https://sketchfab.com/{author}", "account": "basic", "avatar": {"uri": "", "images": avatars}},
        "description": " ".join(words),
        "faceCount": faces,
        "createdAt": "2019-03-11T18:00:00.123456",
        "vertexCount": faces // 2 + int(rng.integers(100)),
        "isAgeRestricted": bool(rng.random() < 0.004),
        "archives": {"glb": part, "gltf": part, "source": {**part, "type": "source"}, "usdz": {**part, "type": "usdz"}},
        "license": str(rng.choice(list(LICENCES), p=list(LICENCES.values()))),
    }  # fmt: skip


def quality(uid: str, rng: np.random.Generator) -> dict[str, Any]:
    """A row of Objaverse++."""
    said = {
        f"is_{name}": str(bool(rng.random() < 0.15)).lower() for name in ("multi_object", "scene", "figure")
    }
    more = {f"is_{name}": str(bool(rng.random() < 0.08)).lower() for name in ("transparent", "single_color")}
    score = int(rng.choice(4, p=[0.2, 0.25, 0.4, 0.15]))
    return {"UID": uid, "style": "realistic", "score": score, **said, **more, "density": "mid"}


def _write(path: Path, tree: Any) -> None:
    path.write_bytes(gzip.compress(json.dumps(tree).encode(), compresslevel=1))


# --- what it costs --------------------------------------------------------------------------------


def measure(cache: Path, pairs: int) -> dict[str, Cost]:
    """Each step in a process of its own."""
    picky = [f"--set={name}={value}" for name, value in PICKY.items()]
    picky.append(f"--set=objects.quality={cache / 'annotated_800k.json'}")
    run = ["--preset", "viewpoint-6dof", "--source"]
    steps = {
        "list 24 of objaverse:lvis": ["objects", "list", "objaverse:lvis", "--count", "24"],
        "list 100 of objaverse:all (makes the tables)": ["objects", "list", "objaverse:all", "--count", "100"],
        "list 100 of objaverse:all": ["objects", "list", "objaverse:all", "--count", "100"],
        "funnel of objaverse:all, filtered": ["objects", "list", "objaverse:all", "--count", "12500", "--why", *picky],
        "plan of objaverse:lvis": ["plan", "OUT", *run, "objaverse:lvis", "--pairs", str(pairs)],
        "plan of objaverse:lvis, cc0 alone": [
            *["plan", "OUT", *run, "objaverse:lvis", "--allow", "cc0", "--pairs", str(min(pairs, 4000))]
        ],
        "plan of objaverse:all": ["plan", "OUT", *run, "objaverse:all", "--pairs", str(pairs)],
        "plan of objaverse:all, cc0 alone": [
            *["plan", "OUT", *run, "objaverse:all", "--allow", "cc0", "--pairs", str(pairs)]
        ],
        "plan of objaverse:all, filtered": ["plan", "OUT", *run, "objaverse:all", "--pairs", str(pairs), *picky],
        "plan of objaverse:lvis, 1 % of a category": [
            *["plan", "OUT", *run, "objaverse:lvis", "--pairs", str(pairs), "--set", "objects.category_share=0.01"]
        ],
    }  # fmt: skip
    costs = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, command) in enumerate(steps.items()):
            out = Path(scratch) / f"run-{number}"
            costs[name] = _timed([str(out) if part == "OUT" else part for part in command], cache)
            print(f"{name}: {costs[name].cpu_s:.1f} CPU-s, {costs[name].peak_mb:.0f} MB", file=sys.stderr)
            if out.exists():
                costs[name] = costs[name]._replace(lines=_planned(out))
    return costs


def _planned(out: Path) -> list[str]:
    """What is used of the most frequent categories."""
    plan = json.loads((out / ".run" / "plan.json").read_bytes())
    counts = Counter(thing["record"]["category"] for thing in plan["objects"])
    total = sum(counts.values())
    top = ", ".join(f"{name} {number}" for name, number in counts.most_common(4))
    return [f"{total} objects of {len(counts)} categories; the most: {top}"]


def _timed(command: list[str], cache: Path) -> Cost:
    environment = os.environ | {
        "VIEWPOINT100K_OBJAVERSE": str(cache),
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "120",
    }
    before = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", "viewpoint100k", *command],
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().splitlines()
    if child.returncode:
        raise SystemExit("\n".join([" ".join(command), *lines[-20:]]))
    wall_s = time.monotonic() - before
    return Cost(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024, lines)


def show(costs: dict[str, Cost]) -> None:
    table = Table("step", "CPU-s", "wall s", "peak MB", "", title="Choosing from Objaverse")
    for name, cost in costs.items():
        note = cost.lines[0] if name.startswith("plan") else ""
        table.add_row(name, f"{cost.cpu_s:.1f}", f"{cost.wall_s:.1f}", f"{cost.peak_mb:.0f}", note)
    console = Console(width=150)
    console.print(table)
    console.print(
        "\n".join(
            line for line in costs["funnel of objaverse:all, filtered"].lines if "│" in line or "┃" in line
        )
    )


if __name__ == "__main__":
    main()
