"""Probes what the background alone and the object alone reveal: the other is masked before flow is measured.

The background may reveal how the camera moved, as it does in photographs. It must not reveal what only the
object can show.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from viewpoint100k.audit.cues import FLOW_PX, flow_between
from viewpoint100k.audit.learners import Choices, choices_of, held_out
from viewpoint100k.audit.report import Bounds, Measured, Probe, judge
from viewpoint100k.audit.samples import Asked, Item, Samples
from viewpoint100k.audit.statistics import Array, share
from viewpoint100k.audit.wording import FOLDS, with_options

NAME = "one_region_alone"
MOST_PAIRS = 1500
FEWEST = 150  # questions of a kind
GRID = 3  # cells along a side; the mean flow is taken in each
# margin around the object's box, in the `FLOW_PX` picture: the object's flow reaches beyond the box
MARGIN_PX = 4
# kinds that ask about the object, which no motion of the camera can answer
OF_THE_OBJECT = ("mirrored/object", "revealed_side/object_front")
ABOVE_MOST_FREQUENT = 0.08  # a learner of a few hundred questions may gain this much by chance


def one_region_alone(samples: Samples) -> Probe:
    """The score of a small learner that sees the flow of the background only, or of the object only."""
    what = "score of a learner on the flow of one region, the other covered, over the most frequent answer's"
    kinds = {kind: _of_pairs(every) for kind, every in with_options(samples).items()}
    kinds = {kind: every for kind, every in kinds.items() if len(every) >= FEWEST}
    keys = {question.item.key for every in kinds.values() for question in every}
    flows = {
        item.key: _features(item, images)
        for item, images in samples.pictures(samples.draw(keys, MOST_PAIRS, NAME))
    }
    measured = list[Measured]()
    table = dict[str, dict[str, str]]()
    for kind, every in kinds.items():
        seen = [question for question in every if question.item.key in flows]
        if len(seen) < FEWEST or len({question.item.group for question in seen}) < FOLDS:
            continue
        choices = choices_of(seen)
        usual = _usual(choices)
        table[kind] = {"the most frequent answer": f"{usual:.1%}"}
        for place, region in enumerate(("background", "object")):
            values = np.array([flows[question.item.key][place] for question in seen])
            hits = choices.hits(held_out(choices, values, samples.rng(NAME)))
            table[kind][f"{region} alone"] = f"{hits.mean():.1%} of {len(seen)}"
            table[kind] |= _by_background(seen, hits, region)
            if region == "background":
                judged = kind in OF_THE_OBJECT
                bounds = Bounds(high=usual + ABOVE_MOST_FREQUENT) if judged else Bounds()
                note = f"the most frequent answer scores {usual:.1%}"
                note += (
                    "" if judged else "; not judged: what surrounds the object may tell how the camera moved"
                )
                measured.append(Measured(kind, share(hits, choices.groups), bounds, note))
    detail = {"kinds": table, "surroundings seen in two splits": _shared(samples)}
    return judge(NAME, what, measured, too_few=f"needs {FEWEST} questions of a kind", detail=detail)


def _of_pairs(every: Sequence[Asked]) -> list[Asked]:
    """The questions about the first and the second view in that order, neither of them mirrored."""
    return [question for question in every if question.pair == (0, 1) and not question.question.marks]


def _usual(choices: Choices) -> float:
    often = np.bincount(choices.right, minlength=choices.offered.shape[1]).astype(np.float64)
    return float(choices.hits(often).mean())


def _by_background(seen: Sequence[Asked], hits: Array, region: str) -> dict[str, str]:
    """Scores by the kind of background."""
    rows = defaultdict[str, list[bool]](list)
    for one, hit in zip(seen, hits, strict=True):
        rows[one.item.sample.views[0].background].append(bool(hit))
    return {f"{region} alone, {kind}": f"{np.mean(mine):.1%} of {len(mine)}" for kind, mine in rows.items()}


def _features(item: Item, images: Sequence[Array]) -> tuple[Array, Array]:
    """Mean flow in the cells of a grid, where there is texture to follow.

    Returns:
        Features of the region outside the object's boxes in both views, and of the region inside its box in
        the first.
    """
    grey, flow = flow_between(images)
    boxes = [_box(view.object_box, image) for view, image in zip(item.sample.views, images, strict=False)]
    covered = np.zeros((FLOW_PX, FLOW_PX), bool)
    for box in boxes:
        covered[box] = True
    inside = np.zeros((FLOW_PX, FLOW_PX), bool)
    inside[boxes[0]] = True
    weight = np.hypot(*np.gradient(grey.astype(np.float64)))
    return _grid(flow, weight * ~covered, np.s_[:, :]), _grid(flow, weight * inside, boxes[0])


def _box(box: Sequence[float], image: Array) -> tuple[slice, slice]:
    """Rows and columns of the object in a picture of flow, with a margin.

    Args:
        box: left, top, right, bottom, in pixels of the picture.
    """
    left, top, right, bottom = box
    height, width = image.shape[:2]
    return (
        _span(top * FLOW_PX / height, bottom * FLOW_PX / height),
        _span(left * FLOW_PX / width, right * FLOW_PX / width),
    )


def _span(low: float, high: float) -> slice:
    return slice(max(0, int(low) - MARGIN_PX), min(FLOW_PX, int(high) + MARGIN_PX + 1))


def _grid(flow: Array, weight: Array, where: tuple[slice, slice]) -> Array:
    """(GRID * GRID * 2 + 2,) mean flows of the cells and of all, in picture sides; 0 without texture."""
    flow = flow[where]
    weight = weight[where] + 1e-9
    out = []
    for part_rows in np.array_split(np.arange(flow.shape[0]), GRID):
        for part_columns in np.array_split(np.arange(flow.shape[1]), GRID):
            cell = np.ix_(part_rows, part_columns)
            out.append(
                (flow[cell] * weight[cell][..., None]).sum(axis=(0, 1)) / max(weight[cell].sum(), 1e-6)
            )
    out.append((flow * weight[..., None]).sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6))
    return np.asarray(np.concatenate(out) / FLOW_PX)


def _shared(samples: Samples) -> int:
    """The number of panoramas and places that pictures of more than one split show."""
    splits = defaultdict[str, set[str]](set)
    for item in samples.items:
        for view in item.sample.views:
            if view.background in {"hdri", "blurred", "panorama", "place"}:
                splits[view.light.rpartition("/")[0]].add(item.sample.split)
    return sum(len(found) > 1 for found in splits.values())
