"""How fast a dataset is read: pairs a second and CPU-seconds, against a plain loop over the tar files with
Pillow.

    python benchmarks/reading.py my-dataset [--samples 1000] [--size 512] [--json reading.json] [--memory
    20000]

The samples of a finished dataset are written again and again under new keys, with pictures of --size pixels,
into shards of 250. Every reader decodes all pictures of all samples, in a process of its own, and is compared
with the plain loop by CPU-seconds: other work on the machine then counts less. Prints one table and writes
JSON.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from viewpoint100k.manifest import attribution, read_manifest
from viewpoint100k.records import Sample
from viewpoint100k.shards import StoredSample, iter_samples, sha256_file, write_shard

SHARD = 250
READERS = {
    "raw": "tarfile + Pillow, both pictures decoded",
    "load_dataset": "load_dataset(streaming=True)",
    "load_questions": "load_questions(streaming=True)",
    "questions_1_worker": "the same, DataLoader with 1 worker",
    "questions_2_workers": "the same, DataLoader with 2 workers",
    "validate": "validate, 1 process",
    "validate_2": "validate, 2 processes",
    "table": "load_questions(), building the table",
}


def multiply(source: Path, out: Path, samples: int, size_px: int) -> None:
    """A dataset of so many samples, by writing those of another again under new keys, pictures made larger.

    Pictures get grain, so that they are as heavy as rendered ones of their size; every truth and answer stays
    right.
    """
    manifest = read_manifest(source)
    originals = [s for s in iter_samples(source) if s.sample.split == "train"]
    big = [_enlarged(s, size_px, np.random.default_rng(i)) for i, s in enumerate(originals)]
    out.mkdir(parents=True)
    shards = list[dict[str, Any]]()
    endless, left, number = cycle(big), samples, 0
    used_in: dict[str, set[str]] = {}
    while left:
        mine, left = min(SHARD, left), left - min(SHARD, left)
        name = f"train-{number:05d}-of-{-(-samples // SHARD):05d}.tar"
        stored = [_renamed(next(endless), f"{name[:11]}-{i:05d}") for i in range(mine)]
        digest, size = write_shard(out / name, out, stored)
        questions = sum(len(one.sample.questions) for one in stored)
        shards.append(
            {
                "name": name,
                "split": "train",
                "sha256": digest,
                "bytes": size,
                "samples": mine,
                "questions": questions,
            }
        )
        for one in stored:
            used_in.setdefault(one.sample.object.uid, set()).add(name.removesuffix(".tar"))
        number += 1
    total = {key: sum(shard[key] for shard in shards) for key in ("samples", "questions")}
    card = (source / "README.md").read_text("utf-8").split("\n---\n")[0]
    head = card.replace("  - split: test\n    path: test-*.tar\n", "").replace(
        "  - split: validation\n    path: validation-*.tar\n", ""
    )
    (out / "README.md").write_text(head + "\n---\n", "utf-8")
    objects = {s.sample.object.uid: s.sample.object for s in originals}
    (out / "attribution.csv").write_text(attribution(objects, used_in), "utf-8")
    files = {name: sha256_file(out / name) for name in ("README.md", "attribution.csv")}
    text = manifest.model_dump(mode="json") | total | {"shards": shards, "files": files}
    (out / "manifest.json").write_text(json.dumps(text))


def _enlarged(stored: StoredSample, size_px: int, rng: np.random.Generator) -> StoredSample:
    tree = stored.sample.model_dump(mode="json")
    by = size_px / round(2 * tree["views"][0]["intrinsics"][0][2])
    for view in tree["views"]:
        view["intrinsics"] = [[by * value for value in row] for row in view["intrinsics"][:2]] + [
            [0.0, 0.0, 1.0]
        ]
        view["object_box"] = [by * value for value in view["object_box"]]
    for point in tree["seen"]["points"]:
        point["pixels"] = [[by * value for value in row] for row in point["pixels"]]
    for question in tree["questions"]:
        for mark in question["marks"]:
            mark["x"], mark["y"] = by * mark["x"], by * mark["y"]
    images = []
    for data in stored.images:
        picture = Image.open(io.BytesIO(data)).resize((size_px, size_px), Image.Resampling.BICUBIC)
        grain = rng.normal(0, 9, (size_px, size_px, 3))
        out = io.BytesIO()
        Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)).save(
            out, "JPEG", quality=92
        )
        images.append(out.getvalue())
    return StoredSample(stored.key, Sample.model_validate(tree), images)


def _renamed(stored: StoredSample, key: str) -> StoredSample:
    questions = [
        q.model_copy(update={"id": key + q.id.removeprefix(stored.key)}) for q in stored.sample.questions
    ]
    return StoredSample(key, stored.sample.model_copy(update={"questions": questions}), stored.images)


# --- readers: each returns how many samples it has read --------------------------------------------


def raw(dataset: Path) -> int:
    count = 0
    for path in sorted(dataset.glob("train-*.tar")):
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                data = tar.extractfile(info).read()  # type: ignore[union-attr]
                if info.name.endswith(".jpg"):
                    Image.open(io.BytesIO(data)).load()
                else:
                    count += 1
    return count


def load_dataset(dataset: Path) -> int:
    import datasets

    return sum(1 for _ in datasets.load_dataset(str(dataset), split="train", streaming=True))


def load_questions(dataset: Path) -> int:
    from viewpoint100k import load_questions

    return len({row["sample_key"] for row in load_questions(dataset, streaming=True)})


def questions_with_workers(dataset: Path, workers: int) -> int:
    from torch.utils.data import DataLoader

    from viewpoint100k import load_questions

    stream = load_questions(dataset, streaming=True)
    loader = DataLoader(stream, batch_size=8, num_workers=workers, collate_fn=_keys_and_pixels)
    return len({key for keys, _ in loader for key in keys})


def _keys_and_pixels(rows: list[dict]) -> tuple[list[str], int]:
    """What a trainer's collator would hand on is another matter: here keys, and how many pixels there
    were.
    """
    pixels = sum(image.width * image.height for row in rows for image in row["images"])
    return [row["sample_key"] for row in rows], pixels


def table(dataset: Path) -> int:
    import datasets

    from viewpoint100k import load_questions

    with tempfile.TemporaryDirectory() as cache:
        datasets.config.HF_DATASETS_CACHE = Path(cache)
        return len(set(load_questions(dataset)["sample_key"]))


def validate(dataset: Path, workers: int) -> int:
    from viewpoint100k.validate import validate_dataset

    report = validate_dataset(dataset, workers)
    assert not report.problems, report.problems[:3]
    return report.samples


def read(name: str, dataset: Path) -> dict:
    """Run one reader here and say what it took, imports left out.

    CPU-seconds are of this process and its children.
    """
    _import(name)
    started, before = time.perf_counter(), _cpu_s()
    match name.split("_"):
        case ["questions", workers, _]:
            samples = questions_with_workers(dataset, int(workers))
        case ["validate", *workers]:
            samples = validate(dataset, int(workers[0]) if workers else 1)
        case _:
            samples = globals()[name](dataset)
    wall_s, cpu_s = time.perf_counter() - started, _cpu_s() - before
    return {
        "samples": samples,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _import(name: str) -> None:
    import viewpoint100k.validate  # noqa: F401

    if name not in {"raw", "validate", "validate_2"}:
        import datasets  # noqa: F401
        import torch.utils.data  # noqa: F401

        from viewpoint100k import load_questions  # noqa: F401


def _cpu_s() -> float:
    return sum(
        u.ru_utime + u.ru_stime
        for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def memory(dataset: Path, samples: int) -> list[tuple[int, float]]:
    """Resident memory while the stream is read over and over, at twenty points of the way."""
    from viewpoint100k import load_questions

    seen, key, points = 0, "", []
    while True:
        for row in load_questions(dataset, streaming=True):
            if row["sample_key"] == key:
                continue
            seen, key = seen + 1, row["sample_key"]
            if seen % (samples // 20) == 0:
                points.append((seen, _rss_mb()))
            if seen == samples:
                return points


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def measure(name: str, dataset: Path) -> dict[str, Any]:
    """One reader in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, str(dataset), "--only", name], capture_output=True, text=True
    )
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument(
        "--rounds", type=int, default=3, help="each reader so often, in turn; the median counts"
    )
    parser.add_argument(
        "--memory", type=int, default=0, help="also follow the stream's memory over so many samples"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(read(options.only, options.dataset)))
        return
    with tempfile.TemporaryDirectory() as folder:
        big = Path(folder) / "many"
        multiply(options.dataset, big, options.samples, options.size)
        megabytes = sum(path.stat().st_size for path in big.glob("*.tar")) / 1e6
        results: dict[str, list[dict]] = {name: [] for name in READERS}
        for _ in range(options.rounds):
            for name in READERS:
                results[name].append(measure(name, big))
        out = {
            "samples": options.samples,
            "size_px": options.size,
            "shards_mb": round(megabytes),
            "readers": {},
        }
        print(
            f"{options.samples} pairs of {options.size} px, {megabytes:.0f} MB, median of {options.rounds} "
            "rounds\n"
        )
        print(
            "| reader | pairs/s | CPU-s | rate per CPU-s over raw's | worst and best round | MB "
            "|\n|---|---|---|---|---|---|"
        )
        for name, what in READERS.items():
            runs = results[name]
            if failed := [run["failed"] for run in runs if "failed" in run]:
                out["readers"][name] = {"failed": failed[0]}
                print(f"| {what} | failed: {failed[0]} | | | | |")
                continue
            assert all(run["samples"] == options.samples for run in runs), (name, runs)
            ratios = [a["cpu_s"] / b["cpu_s"] for a, b in zip(results["raw"], runs, strict=True)]
            cpu_s, wall_s = (float(np.median([run[key] for run in runs])) for key in ("cpu_s", "wall_s"))
            ratio, rss = float(np.median(ratios)), max(run["max_rss_mb"] for run in runs)
            out["readers"][name] = {
                "cpu_s": cpu_s,
                "pairs_per_s": options.samples / wall_s,
                "ratio": ratio,
                "ratios": ratios,
                "max_rss_mb": rss,
            }
            print(
                f"| {what} | {options.samples / wall_s:.0f} | {cpu_s:.1f} | {ratio:.2f} | "
                f"{min(ratios):.2f}, {max(ratios):.2f} | {rss:.0f} |"
            )
        if options.memory:
            out["memory_mb"] = memory(big, options.memory)
            print(
                "\nMB of the stream after so many samples: "
                + ", ".join(f"{n}: {mb:.0f}" for n, mb in out["memory_mb"])
            )
    if options.json:
        options.json.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
