"""Can the answers be learned from the pixels? A small convolutional classifier, in minutes on a CPU.

    python -m trainers.probe viewpoint-100k --type ego_translation [--images both|second|none] [--tower OUT]

Trains on the split `train` and scores on objects it has never seen. A pair is also shown in a mirror and,
where that only exchanges the two directions, in the other order: each turns the answer around. Colours and
places are jittered. Pairs whose answer is "no movement" are left out unless `--still` makes them a third
class. `--images second` and `none` are for the audit: what a single picture, or nothing but how often each
answer is right, tells. `--tower` saves the vision tower for `trainers/tiny.py`.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from trainers.tower import ConvTower, TowerConfig
from viewpoint100k import InputError, load_questions
from viewpoint100k.questions import never_fair

SIGNS = {
    "left": -1,
    "right": 1,
    "clockwise": -1,
    "counter-clockwise": 1,
}  # first words of options; others: no movement
RATE = 2e-3  # of AdamW
MEASURED_EVERY = 100  # steps between two points of a curve
IGNORED = -100  # by torch's cross-entropy
FRAME = {"ego_translation": "camera_1", "ego_rotation": "camera_1"}


class Pairs(NamedTuple):
    """Pairs of pictures, small, and which way the answer goes."""

    pictures: np.ndarray  # (n, 2, size, size, 3) uint8
    labels: np.ndarray  # (n, questions) -1, 0 or 1; NaN: not asked
    families: np.ndarray  # (n,) names


class Result(NamedTuple):
    """Accuracies on unseen objects, and what it took."""

    accuracy: float
    n: int
    by_family: dict[str, tuple[float, int]]
    curve: list[tuple[int, float]]  # samples seen, and accuracy on a part of the test pairs
    cpu_s: float


def load_pairs(
    path: str,
    split: str,
    kind: str,
    size_px: int,
    families: Sequence[str] | None = None,
    *,
    still: bool = False,
    fair: bool = True,
) -> Pairs:
    """
    Args:
        still: keep pairs in which nothing moved that way, as a third class.
        fair: only questions of the balanced subset.

    Raises:
        InputError: the split has no such question.
    """
    rows = load_questions(path, split, streaming=True, types=kind, families=families, fair=fair)
    pictures = []
    labels = []
    names = []
    for row in rows:
        if row["frame"] != FRAME.get(kind, row["frame"]):
            continue
        sign = SIGNS.get(row["options"][row["answer_index"]].split()[0], 0)
        if sign or still:
            pictures.append(np.stack([small(picture, size_px) for picture in row["images"][:2]]))
            labels.append(sign)
            names.append(row["family"])
    if not labels:
        raise InputError(
            f"{path}, {split}: no question of type {kind} to learn from; `viewpoint100k card` lists what it "
            "has"
        )
    return Pairs(np.stack(pictures), np.array(labels, dtype=float)[:, None], np.array(names))


def small(picture: Image.Image, size_px: int) -> np.ndarray:
    return np.asarray(picture.convert("RGB").resize((size_px, size_px)))


def joined(parts: Sequence[Pairs]) -> Pairs:
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class Probe(nn.Module):
    """Both pictures through one tower, then a linear layer: (n, 2, 3, size, size) -> (n, 2, questions,
    classes).

    The first token answers for the pair as it is, the second for the pair in the other order.
    """

    def __init__(self, size_px: int, classes: int = 2, questions: int = 1, images: str = "both") -> None:
        super().__init__()
        self.images = images
        self.tower = ConvTower(TowerConfig(image_size=size_px))
        self.head = nn.Linear(self.tower.config.hidden_size, questions * classes)
        self.shape = (questions, classes)

    def forward(self, pair: Tensor) -> Tensor:
        pair = pair.clone() if self.images != "both" else pair
        if self.images in ("second", "none"):
            pair[:, 0] = 0
        if self.images == "none":
            pair[:, 1] = 0
        pictures = pair.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        said: Tensor = self.head(self.tower(pictures).last_hidden_state)
        return said.reshape(len(pair), 2, *self.shape)


def save(probe: Probe, folder: Path) -> None:
    """The tower as `from_pretrained` reads it, the head beside it."""
    probe.tower.save_pretrained(folder)
    torch.save({"shape": probe.shape, "head": probe.head.state_dict()}, folder / "head.pt")


def restore(folder: Path) -> Probe:
    stored = torch.load(folder / "head.pt", weights_only=True)
    tower = ConvTower.from_pretrained(folder)
    (questions, classes) = stored["shape"]
    probe = Probe(tower.config.image_size, classes, questions)
    probe.tower = tower
    probe.head.load_state_dict(stored["head"])
    return probe


def train(
    data: Pairs,
    tests: dict[str, Pairs],
    *,
    samples: int,
    batch: int = 64,
    images: str = "both",
    swap: bool = True,
    seed: int = 0,
) -> tuple[Probe, dict[str, Result]]:
    """
    Args:
        samples: pairs seen in all, augmented ones included.
        swap: each pair also counts in the other order. Only where that turns every answer around: orbits; a
            camera that moves and turns at once has other axes in its second view.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    classes = 3 if (data.labels == 0).any() else 2
    probe = Probe(data.pictures.shape[2], classes, data.labels.shape[1], images)
    probe.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(probe.parameters(), RATE)
    steps = max(1, samples // batch)
    started = time.process_time()
    schedule = _schedule(optimizer, steps)
    curves: dict[str, list[tuple[int, float]]] = {name: [] for name in tests}
    for step in range(steps):
        pair, signs = _augmented(data, rng.integers(len(data.labels), size=batch), rng)
        loss = _loss(probe(pair), signs, both_orders=swap and images == "both")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % MEASURED_EVERY == 0:
            for name, test in tests.items():
                curves[name].append(((step + 1) * batch, float(np.nanmean(hits(probe, test, swap, 500)))))
            latest = (f"{name} {curve[-1][1]:.3f}" for name, curve in curves.items())
            print(f"{(step + 1) * batch:7} samples", *latest, flush=True)
    cpu_s = time.process_time() - started
    return probe, {name: scored(probe, test, swap, curves[name], cpu_s) for name, test in tests.items()}


def _schedule(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """A rate that rises over 50 steps, and falls to nothing over the last three tenths."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 50, (steps - step) / (0.3 * steps))
    )


def _loss(said: Tensor, signs: np.ndarray, *, both_orders: bool) -> Tensor:
    """Cross-entropy of the answers for pairs as they are, and, if wanted, for those in the other order."""
    loss = nn.functional.cross_entropy(said[:, 0].flatten(0, 1), _classes(signs).flatten())
    if both_orders:
        loss = loss + nn.functional.cross_entropy(said[:, 1].flatten(0, 1), _classes(-signs).flatten())
    return loss


def scored(probe: Probe, test: Pairs, swap: bool, curve: list[tuple[int, float]], cpu_s: float) -> Result:
    """How well a trained probe answers for pairs that it has not seen."""
    right = hits(probe, test, swap)
    by = {str(family): accuracy(right[test.families == family]) for family in np.unique(test.families)}
    return Result(*accuracy(right), by, curve, cpu_s)


def _augmented(data: Pairs, chosen: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, np.ndarray]:
    """Pairs and their signs: mirrored or not, in other colours, from cameras that are held a little
    differently.
    """
    signs = data.labels[chosen].copy()
    pair = _tensor(data.pictures[chosen])
    mirror = rng.random(len(chosen)) < 0.5
    pair[torch.from_numpy(mirror)] = pair[torch.from_numpy(mirror)].flip(-1)
    signs[mirror] *= -1
    pair = pair[:, :, rng.permutation(3)]
    pictures = (len(chosen), 2, 3, 1, 1)
    gain = rng.uniform(0.8, 1.2, pictures)
    offset = rng.uniform(-0.2, 0.2, pictures)
    pair = pair * torch.from_numpy(gain).float() + torch.from_numpy(offset).float()
    return _held(pair, rng), signs


def _held(pair: Tensor, rng: np.random.Generator) -> Tensor:
    """Both cameras leaned and aimed aside by the same little, each with another lens: no direction is
    another by that.
    """
    count = len(pair)
    lean = np.radians(rng.uniform(-5, 5, (count, 1)))
    lens = rng.uniform(0.9, 1.1, (count, 2))
    aside = np.broadcast_to(rng.uniform(-0.12, 0.12, (count, 1, 2)), (count, 2, 2))  # of half a picture
    cosine = lens * np.cos(lean)
    sine = lens * np.sin(lean)
    rows = np.stack([cosine, -sine, aside[..., 0], sine, cosine, aside[..., 1]], axis=-1)
    pictures = pair.flatten(0, 1)
    grid = nn.functional.affine_grid(
        torch.from_numpy(rows).float().reshape(-1, 2, 3), list(pictures.shape), align_corners=False
    )
    return nn.functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False).reshape(
        pair.shape
    )


def _tensor(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 1, 4, 2, 3).float() / 127.5 - 1


def _classes(signs: np.ndarray) -> Tensor:
    classes = np.where(signs == 0, 2, (signs + 1) // 2)
    return torch.from_numpy(np.where(np.isnan(signs), IGNORED, classes)).long()


def hits(probe: Probe, pairs: Pairs, swap: bool, most: int | None = None) -> np.ndarray:
    """(n, questions) 1 for a right answer, 0 for a wrong one, NaN where not asked.

    With `swap` both tokens vote.
    """
    probe.eval()
    said = []
    with torch.no_grad():
        for start in range(0, len(pairs.labels[:most]), 256):
            both = probe(_tensor(pairs.pictures[start : start + 256])).log_softmax(-1)
            if swap and probe.images == "both":
                other = both[:, 1]
                both[:, 0] += torch.cat(
                    [other[..., [1, 0]], other[..., 2:]], dim=-1
                )  # left and right exchanged
            said.append(both[:, 0].argmax(-1))
    probe.train()
    found = torch.cat(said).numpy()[:most]
    labels = pairs.labels[: len(found)]
    return np.where(np.isnan(labels), np.nan, found == _classes(labels).numpy())


def accuracy(found: np.ndarray) -> tuple[float, int]:
    """Of `hits`, and how many were asked."""
    return float(np.nanmean(found)), int((~np.isnan(found)).sum())


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("--type", default="ego_translation", help="type of question")
    parser.add_argument("--families", nargs="*", help="train on pairs of these families of motions only")
    parser.add_argument("--images", choices=("both", "second", "none"), default="both")
    parser.add_argument(
        "--split", nargs="+", default=["test"], help="scored on; its objects are not trained on"
    )
    parser.add_argument("--samples", type=int, default=50_000, help="seen in all")
    parser.add_argument(
        "--size_px", type=int, default=32, help="pictures are scaled to this: 16, 32, 64 and so on"
    )
    parser.add_argument("--no_swap", action="store_true", help="for cameras that move and turn independently")
    parser.add_argument("--still", action="store_true", help='keep "no movement" as a third class')
    parser.add_argument("--fair", action="store_true", help="train on the balanced subset only")
    parser.add_argument(
        "--score", choices=("fair", "all"), default="fair", help="on the balanced subset, or on all pairs"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tower", type=Path, help="folder for the trained vision tower")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    given = options().parse_args(arguments)
    if never_fair([given.type]) and (given.fair or given.score == "fair"):
        raise InputError(
            f"--type {given.type}: such questions are never of the balanced subset; add --score all, and "
            "leave out --fair"
        )
    data = load_pairs(
        given.dataset, "train", given.type, given.size_px, given.families, still=given.still, fair=given.fair
    )
    test = joined(
        [
            load_pairs(
                given.dataset, split, given.type, given.size_px, still=given.still, fair=given.score == "fair"
            )
            for split in given.split
        ]
    )
    probe, results = train(
        data,
        {"unseen": test},
        samples=given.samples,
        images=given.images,
        swap=not given.no_swap,
        seed=given.seed,
    )
    found = results["unseen"]._asdict()
    print(
        f"{given.type}: {found['accuracy']:.3f} on {found['n']} pairs of unseen objects, "
        f"{found['cpu_s']:.0f} CPU-s"
    )
    for family, (accuracy, n) in found["by_family"].items():
        print(f"  {family:12} {accuracy:.3f} of {n}")
    if given.tower:
        save(probe, given.tower)
    if given.json:
        given.json.write_text(json.dumps(vars(given) | found, default=str, indent=1) + "\n")
    return found


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
