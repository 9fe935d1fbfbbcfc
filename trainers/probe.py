"""Can the answers be learned from the pixels? A small convolutional classifier, in minutes on a CPU.

    python -m trainers.probe viewpoint-100k --type ego_translation [--images both|second|none] [--tower OUT]

Trains on the split `train` and scores on objects it has never seen. A pair is also shown in a mirror and, where that only
exchanges the two directions, in the other order: that turns the answer around. `--images second` and `none` are for the audit: what a single picture, or
nothing but how often each answer is right, tells. `--tower` saves the vision tower for `trainers/tiny.py`.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from trainers.tower import ConvTower, TowerConfig
from viewpoint100k import InputError, load_questions

SIGNS = {"left": -1, "right": 1, "clockwise": -1, "counter-clockwise": 1}  # first words of options; others: no movement
FRAME = {"ego_translation": "camera_1", "ego_rotation": "camera_1"}


class Pairs(NamedTuple):
    """Pairs of pictures, small, and which way the answer goes."""

    pictures: np.ndarray  # (n, 2, size, size, 3) uint8
    labels: np.ndarray  # (n,) -1, 0 or 1
    families: np.ndarray  # (n,) names


class Result(NamedTuple):
    """Accuracies on unseen objects, and what it took."""

    accuracy: float
    n: int
    by_family: dict[str, tuple[float, int]]
    curve: list[tuple[int, float]]  # after so many samples, on a part of the test pairs
    cpu_s: float


def load_pairs(
    path: str, split: str, kind: str, size_px: int, families: Sequence[str] | None = None, *, still: bool = False
) -> Pairs:
    """
    Args:
        still: keep pairs in which nothing moved that way, as a third class.

    Raises:
        InputError: the split has no such question.
    """
    rows = load_questions(path, split, streaming=True, types=kind, families=families)
    pictures, labels, names = [], [], []
    for row in rows:
        if row["frame"] != FRAME.get(kind, row["frame"]) or row["question_id"].endswith("-reversed"):
            continue
        sign = SIGNS.get(row["options"][row["answer_index"]].split()[0], 0)
        if sign or still:
            both = [np.asarray(picture.convert("RGB").resize((size_px, size_px))) for picture in row["images"][:2]]
            pictures.append(np.stack(both))
            labels.append(sign)
            names.append(row["family"])
    if not labels:
        raise InputError(
            f"{path}, {split}: no question of type {kind} to learn from; `viewpoint100k card` lists what it has"
        )
    return Pairs(np.stack(pictures), np.array(labels), np.array(names))


class Probe(nn.Module):
    """Both pictures through one tower, then a small head: (n, 2, 3, size, size) -> (n, classes)."""

    def __init__(self, size_px: int, classes: int = 2, images: str = "both") -> None:
        super().__init__()
        self.images = images
        self.tower = ConvTower(TowerConfig(image_size=size_px))
        width = self.tower.config.hidden_size
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, classes))

    def forward(self, pair: Tensor) -> Tensor:
        pair = pair.clone() if self.images != "both" else pair
        if self.images in ("second", "none"):
            pair[:, 0] = 0
        if self.images == "none":
            pair[:, 1] = 0
        tokens = self.tower(pair.flatten(0, 1)).last_hidden_state
        return self.head(tokens.reshape(len(pair), -1))


def train(
    data: Pairs, tests: dict[str, Pairs], *, samples: int, batch: int = 64, rate: float = 1e-3, images: str = "both",
    swap: bool = True, seed: int = 0, every: int = 200,
) -> tuple[Probe, dict[str, Result]]:  # fmt: skip
    """
    Args:
        samples: seen in all, augmented ones included.
        swap: also show the views in the other order. Only where that turns every answer around: orbits; a camera that moves
            and turns at once has other axes in its second view.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    classes = 3 if (data.labels == 0).any() else 2
    probe = Probe(data.pictures.shape[2], classes, images)
    optimizer = torch.optim.AdamW(probe.parameters(), rate)
    steps, started = max(1, samples // batch), time.process_time()
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 50, (steps - step) / (0.3 * steps))
    )
    curves: dict[str, list[tuple[int, float]]] = {name: [] for name in tests}
    for step in range(steps):
        chosen = rng.integers(len(data.labels), size=batch)
        signs = data.labels[chosen].copy()
        pair = _tensor(data.pictures[chosen])
        mirror = torch.from_numpy(rng.random(batch) < 0.5)
        pair[mirror] = pair[mirror].flip(-1)
        signs[mirror.numpy()] *= -1
        if swap:
            turned = torch.from_numpy(rng.random(batch) < 0.5)
            pair[turned] = pair[turned].flip(1)
            signs[turned.numpy()] *= -1
        loss = nn.functional.cross_entropy(probe(pair), _classes(signs))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % every == 0:
            for name, test in tests.items():
                curves[name].append(((step + 1) * batch, float(_hits(probe, test, 500).mean())))
            print(
                f"{(step + 1) * batch:7} samples",
                *(f"{name} {curve[-1][1]:.3f}" for name, curve in curves.items()),
                flush=True,
            )
    cpu_s = time.process_time() - started
    results = {}
    for name, test in tests.items():
        hits = _hits(probe, test)
        by = {str(family): (float(hits[test.families == family].mean()), int((test.families == family).sum()))
              for family in np.unique(test.families)}  # fmt: skip
        results[name] = Result(float(hits.mean()), len(hits), by, curves[name], cpu_s)
    return probe, results


def _tensor(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 1, 4, 2, 3).float() / 127.5 - 1


def _classes(signs: np.ndarray) -> Tensor:
    return torch.from_numpy(np.where(signs == 0, 2, (signs + 1) // 2)).long()


def _hits(probe: Probe, pairs: Pairs, most: int | None = None) -> np.ndarray:
    """(n,) whether each pair's answer is right."""
    probe.eval()
    with torch.no_grad():
        said = [probe(_tensor(pairs.pictures[i : i + 256])).argmax(-1) for i in range(0, len(pairs.labels[:most]), 256)]
    probe.train()
    right = _classes(pairs.labels).numpy()
    found = torch.cat(said).numpy()[: most or len(right)]
    return found == right[: len(found)]


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--type", default="ego_translation", help="type of question")
    parser.add_argument("--families", nargs="*", help="train on pairs of these families of motions only")
    parser.add_argument("--images", choices=("both", "second", "none"), default="both")
    parser.add_argument("--split", default="test", help="scored on; its objects are not trained on")
    parser.add_argument("--samples", type=int, default=50_000, help="seen in all")
    parser.add_argument("--size_px", type=int, default=64)
    parser.add_argument("--no_swap", action="store_true", help="for cameras that move and turn independently")
    parser.add_argument("--still", action="store_true", help='keep "no movement" as a third class')
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tower", type=Path, help="folder for the trained vision tower")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args(arguments)
    data = load_pairs(given.dataset, "train", given.type, given.size_px, given.families, still=given.still)
    test = load_pairs(given.dataset, given.split, given.type, given.size_px, still=given.still)
    probe, results = train(
        data, {"unseen": test}, samples=given.samples, images=given.images, swap=not given.no_swap, seed=given.seed
    )
    found = results["unseen"]._asdict()
    print(f"{given.type}: {found['accuracy']:.3f} on {found['n']} pairs of unseen objects, {found['cpu_s']:.0f} CPU-s")
    for family, (accuracy, n) in found["by_family"].items():
        print(f"  {family:12} {accuracy:.3f} of {n}")
    if given.tower:
        probe.tower.save_pretrained(given.tower)
    if given.json:
        given.json.write_text(json.dumps(vars(given) | found, default=str, indent=1) + "\n")
    return found


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
