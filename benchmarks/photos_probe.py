"""Does what a small probe learned on renders hold in photographs? Its towers, scored on photographs.

    python -m trainers.probe RENDERS --type ego_translation --tower TOWER
    python benchmarks/photos_probe.py TOWER PHOTOGRAPHS [--type ego_translation]

Prints accuracy with its 95 % interval for all pairs and for each set. Both orders of a pair vote, as in training on
orbits. Questions of photographs are scored whether they are of the balanced subset or not: a few pairs of a few
sets cannot be balanced, so compare with what always saying the more frequent answer earns, which is printed, too.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from trainers.probe import FRAME, SIGNS, Pairs, hits, restore, small
from viewpoint100k import load_questions
from viewpoint100k.audit.statistics import wilson
from viewpoint100k.shards import iter_samples


def scored(tower: Path, dataset: Path, kind: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Hits, signs of the right answers, and the set of each pair."""
    probe = restore(tower)
    size_px = probe.tower.config.image_size
    set_of = {stored.key: stored.sample.object.uid for stored in iter_samples(dataset)}
    pictures = []
    signs = []
    sets = []
    for row in load_questions(dataset, "test", streaming=True, types=kind, fair=False):
        sign = SIGNS.get(row["options"][row["answer_index"]].split()[0], 0)
        if sign and row["frame"] == FRAME.get(kind, row["frame"]):
            pictures.append(np.stack([small(picture, size_px) for picture in row["images"][:2]]))
            signs.append(sign)
            sets.append(set_of[row["sample_key"]])
    labels = np.array(signs, dtype=float)
    pairs = Pairs(np.stack(pictures), labels[:, None], np.array(sets))
    return hits(probe, pairs, swap=True)[:, 0], labels, sets


def main(tower: Path, dataset: Path, kind: str) -> int:
    """Print the scores."""
    found, labels, sets = scored(tower, dataset, kind)
    for name in ("all", *sorted(set(sets))):
        mine = np.array([name in ("all", each) for each in sets])
        value, n = float(found[mine].mean()), int(mine.sum())
        low, high = wilson(value, n)
        majority = Counter(labels[mine].tolist()).most_common(1)[0][1] / n
        print(
            f"{kind}, {name}: {value:.3f} [{low:.3f}, {high:.3f}] of {n} pairs; "
            f"the more frequent answer {majority:.3f}"
        )
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tower", type=Path, help="what `trainers.probe --tower` saved")
    parser.add_argument("dataset", type=Path, help="what `viewpoint100k photos` wrote")
    parser.add_argument("--type", dest="kind", default="ego_translation")
    sys.exit(main(**vars(parser.parse_args())))
