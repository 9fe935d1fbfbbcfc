"""Do both roads meet? Renders written out as COLMAP models, read back as photographs, must keep their truth.

    python benchmarks/photos_roundtrip.py DATASET [--pairs 200] [--keep FOLDER]

Each object of a rendered dataset becomes a set: its pictures, and `sparse/0` with poses in a world that is
turned, scaled and moved, as structure from motion leaves it. The sets are read as any others; up and the
object's ball are stated, since a render's truth counts from the middle of its bounding box. Each pair's truth
is then compared with the stored one, and the answers to all kinds that poses alone decide with those of the
render. Exit 1 where anything
differs: angles by more than 0.1 degrees, lengths by more than 0.002 of the distance, or an answer.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig, load_photos_config
from viewpoint100k.manifest import read_manifest
from viewpoint100k.photos.samples import Desk
from viewpoint100k.photos.sources import list_places, read_place
from viewpoint100k.photos.up import Vertical
from viewpoint100k.questions.registry import PAIR_KINDS
from viewpoint100k.records import OBJECT_RADIUS, Sample, Truth
from viewpoint100k.shards import StoredSample, iter_samples

Array = NDArray[np.float64]
SCALE = 3.7
SHIFT = np.array([5.0, -2.0, 8.0])
ANGLES = (
    "yaw_deg", "pitch_deg", "roll_deg", "azimuth_change_deg", "elevation_change_deg", "rotation_deg",
)  # fmt: skip
MOST_DEG = 0.1
MOST_LENGTH = 0.002


class Compared(NamedTuple):
    """What differs in one pair."""

    degrees: float  # the most of all angles
    length: float  # the most of translation, and of the logarithms of ratios
    answers: int  # to kinds that both ask
    other: list[str]  # kinds with another answer


def turn() -> Array:
    """(3, 3) a rotation that takes no axis to an axis."""
    x, y, z = np.array([1.0, -2.0, 2.0]) / 3
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(1.9) * cross + (1 - np.cos(1.9)) * cross @ cross)


def quaternion(rotation: Array) -> Array:
    """w, x, y, z of a rotation: the eigenvector of Bar-Itzhack's matrix, which has no special cases."""
    (a, b, c), (d, e, f), (g, h, i) = rotation
    k = np.array([[a - e - i, d + b, g + c, h - f], [d + b, e - a - i, h + f, c - g],
                  [g + c, h + f, i - a - e, d - b], [h - f, c - g, d - b, a + e + i]]) / 3  # fmt: skip
    x, y, z, w = np.linalg.eigh(k)[1][:, 3]
    return np.array([w, x, y, z])


def write_set(folder: Path, samples: list[StoredSample]) -> dict[tuple[str, int], str]:
    """A COLMAP model of all different pictures of some samples; each view's name in it."""
    names = dict[bytes, str]()
    of_view = dict[tuple[str, int], str]()
    cameras = list[str]()
    images = list[str]()
    (folder / "images").mkdir(parents=True)
    sparse = folder / "sparse" / "0"
    sparse.mkdir(parents=True)
    for stored in samples:
        for place, (jpeg, view) in enumerate(zip(stored.images, stored.sample.views, strict=True)):
            if jpeg not in names:
                number = len(names) + 1
                names[jpeg] = f"{number:05d}.jpg"
                (folder / "images" / names[jpeg]).write_bytes(jpeg)
                k = view.intrinsics
                width, height = view.size_px
                cells = (number, "PINHOLE", round(width), round(height), k[0][0], k[1][1], k[0][2], k[1][2])
                cameras.append(" ".join(map(str, cells)))
                pose = np.array(view.world_from_camera)
                rotation = (turn() @ pose[:3, :3]).T
                shift = -rotation @ (SCALE * turn() @ pose[:3, 3] + SHIFT)
                numbers = " ".join(repr(float(value)) for value in (*quaternion(rotation), *shift))
                images += [f"{number} {numbers} {number} {names[jpeg]}", ""]
            of_view[stored.key, place] = names[jpeg]
    (sparse / "cameras.txt").write_text("\n".join(cameras) + "\n", encoding="utf-8")
    (sparse / "images.txt").write_text("\n".join(images) + "\n", encoding="utf-8")
    (sparse / "points3D.txt").write_text("", encoding="utf-8")
    return of_view


def compare(sample: Sample, truth: Truth, gates: GateConfig) -> Compared:
    """A sample's own truth, and that of its pictures as photographs."""
    mine = sample.truth
    degrees = max(abs((getattr(mine, name) - getattr(truth, name) + 180) % 360 - 180) for name in ANGLES)
    ratios = [
        abs(np.log(getattr(mine, name) / getattr(truth, name))) for name in ("distance_ratio", "focal_ratio")
    ]
    steps = [abs(a - b) for a, b in zip(mine.translation, truth.translation, strict=True)]
    answers = 0
    other = []
    for kind in PAIR_KINDS:
        one, two = kind.fact(mine, gates), kind.fact(truth, gates)
        if one is None or two is None:
            continue
        answers += 1
        if one.option != two.option:
            other.append(kind.name)
    return Compared(degrees, max(*ratios, *steps), answers, other)


def roundtrip(samples: list[StoredSample], folder: Path, gates: GateConfig) -> list[Compared]:
    """All pairs of one object, there and back."""
    of_view = write_set(folder, samples)
    config = load_photos_config(
        [f"photos.subject={[*SHIFT.tolist(), OBJECT_RADIUS * SCALE]}",
         f"render.size_px={round(samples[0].sample.views[0].size_px[0])}"],
        source=f"photos:{folder}",
    )  # fmt: skip
    photos = read_place(list_places(config.source)[0])
    # some of a render's cameras are rolled on purpose, so that no two cues need agree
    desk = Desk(photos, config, Vertical(turn()[:, 2], "given", "stated", 0.0))
    number: Mapping[str, int] = {one.name: place for place, one in enumerate(photos.photographs)}
    out = []
    for stored in samples:
        first, second = (
            desk.look(number[of_view[stored.key, place]], matched=False).view for place in (0, 1)
        )
        mine = stored.sample.truth
        # a front is an azimuth in the world of the renders, which photographs do not have
        truth = make_truth(first, second, mine.covisible_fraction, None)
        out.append(compare(stored.sample, truth, gates))
    return out


def main(dataset: Path, pairs: int = 200, keep: Path | None = None) -> int:
    """Print what differs; 1 if anything does."""
    gates = GateConfig.model_validate(read_manifest(dataset).config["gates"])
    of_object = defaultdict[str, list[StoredSample]](list)
    for count, stored in enumerate(iter_samples(dataset)):
        if count >= pairs:
            break
        of_object[stored.sample.object.uid].append(stored)
    found = list[Compared]()
    with tempfile.TemporaryDirectory() as scratch:
        for uid, samples in of_object.items():
            found += roundtrip(samples, (keep or Path(scratch)) / uid, gates)
    worst_deg = max(one.degrees for one in found)
    worst_length = max(one.length for one in found)
    other = [name for one in found for name in one.other]
    print(
        f"{len(found)} pairs of {len(of_object)} objects: angles differ by at most {worst_deg:.4f} "
        "degrees, lengths by "
        f"{worst_length:.6f}; {len(other)} of {sum(one.answers for one in found)} answers differ "
        f"{sorted(set(other))}"
    )
    return int(worst_deg > MOST_DEG or worst_length > MOST_LENGTH or bool(other))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path, help="a folder of renders that `viewpoint100k generate` wrote")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="leave the COLMAP models in this folder")
    sys.exit(main(**vars(parser.parse_args())))
