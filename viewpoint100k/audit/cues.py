"""Probes flat shortcuts: what two pictures reveal as mere pictures, without any idea of space."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.audit.report import Bounds, Measured, Probe, judge, not_measured
from viewpoint100k.audit.samples import Asked, Item, Look, Samples, luminance, says_none
from viewpoint100k.audit.statistics import Array, Share, share
from viewpoint100k.audit.wording import FOLDS, SAME_LENS, always_all, by_stated_lens, chance, with_options
from viewpoint100k.records import View

# the two directions that kinds ask about: the answer against the axis, and the one along it
DIRECTIONS = {
    "left": -1, "right": 1, "down": -1, "up": 1, "backward": -1, "forward": 1, "nearer": -1, "farther": 1,
    "lower": -1, "higher": 1, "clockwise": -1, "counter-clockwise": 1,
}  # fmt: skip
FLAT_TOLERANCE = 0.02
MOST_FLOWS = 1_000
FLOW_PX = 96
FLOW_FIRES = 0.02  # picture sides
FLOW_ABOVE_CHANCE = 0.03
FLOW_KINDS = ("ego_translation/camera_1", "ego_rotation/camera_1", "vertical_translation/camera_1")
SINGLE_ABOVE_CHANCE = 0.04
FEWEST_SINGLE = 200
MOST_SINGLE = 2000


def two_way(samples: Samples) -> dict[str, list[tuple[Asked, int]]]:
    """The questions whose answer is one of two opposite directions, with its sign; "none" is left out."""
    out = {}
    for kind, every in with_options(samples).items():
        signed = [(asked, DIRECTIONS[asked.right]) for asked in every if asked.right in DIRECTIONS]
        if signed and len(signed) == sum(not says_none(asked.right) for asked in every):
            out[kind] = [(asked, sign) for asked, sign in signed if asked.pair is not None]
    return out


# --- rules that need no learning -------------------------------------------------------------------


def _shift_x(views: tuple[View, View], looks: tuple[Look, Look]) -> float:
    return _centre(views[1], 0) - _centre(views[0], 0)


def _shift_y(views: tuple[View, View], looks: tuple[Look, Look]) -> float:
    return _centre(views[1], 1) - _centre(views[0], 1)


def _offset_in(number: int, axis: int) -> Callable[[tuple[View, View], tuple[Look, Look]], float]:
    """The offset of the object from the middle of one of the pictures, along one axis."""

    def value(views: tuple[View, View], looks: tuple[Look, Look]) -> float:
        return _centre(views[number], axis) - 0.5

    return value


def _growth(views: tuple[View, View], looks: tuple[Look, Look]) -> float:
    return math.log(max(views[1].object_share, 1e-6) / max(views[0].object_share, 1e-6))


def _lens(views: tuple[View, View], looks: tuple[Look, Look]) -> float:
    return math.log(views[1].intrinsics[0][0] / views[0].intrinsics[0][0])


def _brighter(views: tuple[View, View], looks: tuple[Look, Look]) -> float:
    return looks[1].luminance - looks[0].luminance


def _wider(views: tuple[View, View], looks: tuple[Look, Look]) -> float:
    return _aspect(views[1]) - _aspect(views[0])


def _centre(view: View, axis: int) -> float:
    """The centre of the object's box along an axis, in picture sides."""
    return (view.object_box[axis] + view.object_box[axis + 2]) / (4 * view.intrinsics[axis][2])


def _aspect(view: View) -> float:
    left, top, right, bottom = view.object_box
    return math.log(max(right - left, 1e-6) / max(bottom - top, 1e-6))


class Cue(NamedTuple):
    """A flat rule: one direction if its value is above `fires`, the other if it is below `-fires`."""

    what: str
    value: Callable[[tuple[View, View], tuple[Look, Look]], float]
    fires: float  # smaller values are taken for invisible


CUES = {
    "flat_shift_x": Cue("the object's shift to the side", _shift_x, 0.02),
    "flat_shift_y": Cue("the object's shift up or down", _shift_y, 0.02),
    "flat_place_1_x": Cue("where in picture 1 the object is, from left to right", _offset_in(0, 0), 0.02),
    "flat_place_1_y": Cue("where in picture 1 the object is, from top to bottom", _offset_in(0, 1), 0.02),
    "flat_place_2_x": Cue("where in picture 2 the object is, from left to right", _offset_in(1, 0), 0.02),
    "flat_place_2_y": Cue("where in picture 2 the object is, from top to bottom", _offset_in(1, 1), 0.02),
    "flat_size": Cue("the object's growth", _growth, 0.08),
    "flat_lens": Cue("what the lens did, which the question tells", _lens, 0.03),
    "flat_luminance": Cue("the picture's brightness", _brighter, 0.004),
    "flat_shape": Cue("the object's box becoming wider or slimmer", _wider, 0.04),
}


def flat_cue(name: str) -> Callable[[Samples], Probe]:
    """The probe of one flat cue: right as often as wrong, for every kind with two directions.

    What the text states counts as visible: if it states the lenses, pairs with the same lens are judged apart
    from the others. A reader who knows that the lens is the same may conclude from the size, so the object's
    growth is no shortcut there.
    """

    def probe(samples: Samples) -> Probe:
        cue = CUES[name]
        measured = []
        by_family = defaultdict[str, dict[str, str]](dict)
        worst = []
        for kind, lens, every in _by_stated_lens(samples):
            seen = [(asked, sign, cue.value(asked.views, asked.looks)) for asked, sign in every]
            seen = [row for row in seen if abs(row[2]) > cue.fires]
            if not seen:
                continue
            hits = [(value > 0) == (sign > 0) for _, sign, value in seen]
            direct = share(hits, [asked.item.group for asked, _, _ in seen])
            better = direct._replace(value=max(direct.value, 1 - direct.value))
            rule = "with it" if direct.value >= 0.5 else "against it"
            note = f"the answer goes {rule}; it can be seen in {len(seen)} of {len(every)}"
            honest = name == "flat_size" and lens == SAME_LENS
            bounds = Bounds() if honest else Bounds(high=0.5 + FLAT_TOLERANCE)
            measured.append(Measured(kind, better, bounds, f"{note}; not judged" if honest else note))
            by_family[kind] = _by_family([asked for asked, _, _ in seen], hits)
            given_away = [
                asked.item.key
                for (asked, _, _), hit in zip(seen, hits, strict=True)
                if hit == (direct.value >= 0.5)
            ]
            worst += given_away[:2] if bounds.miss(better.value) > 0 else []
        what = f"score of the better of two rules that go by {cue.what} alone, where the answer is no none"
        return judge(
            name, what, measured, too_few="too few questions of two directions",
            detail={"by family": dict(by_family)}, worst=worst,
        )  # fmt: skip

    return probe


def _by_stated_lens(samples: Samples) -> Iterator[tuple[str, str, list[tuple[Asked, int]]]]:
    """Yield (name, stated lens, questions) for the two-way questions of each kind."""
    for kind, every in two_way(samples).items():
        sign_of = {asked.question.id: sign for asked, sign in every}
        for lens, mine in by_stated_lens([asked for asked, _ in every]).items():
            yield (
                f"{kind}, {lens}" if lens else kind,
                lens,
                [(asked, sign_of[asked.question.id]) for asked in mine],
            )


def flat_learned(samples: Samples) -> Probe:
    """The score of a learner that combines all flat cues.

    Each cue is right as often as wrong, but together with its size it may still reveal something.
    """
    name = "flat_learned"
    what = (
        "score of a random forest on all flat cues together, sizes included, objects held out, 2-way answers"
    )
    measured = []
    for kind, every in two_way(samples).items():
        chosen = samples.draw({asked.question.id for asked, _ in every}, MOST_SINGLE, name)
        every = [row for row in every if row[0].question.id in chosen]
        groups = [asked.item.group for asked, _ in every]
        if len(every) < FEWEST_SINGLE or len(set(groups)) < FOLDS or len({sign for _, sign in every}) < 2:
            continue
        values = [[cue.value(asked.views, asked.looks) for cue in CUES.values()] for asked, _ in every]
        measured.append(
            Measured(kind, _forest_share(values, [sign for _, sign in every], groups), Bounds(high=0.52))
        )
    fact = "a fact, not judged: size and shape of the shift are also what an honest answer goes by"
    return judge(name, what, measured, too_few=f"needs {FEWEST_SINGLE} questions of a kind", fact=fact)


def _forest_share(values: Sequence[Sequence[float]], answers: Sequence[int], groups: Sequence[str]) -> Share:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict

    model = RandomForestClassifier(60, min_samples_leaf=8, random_state=0)
    said = cross_val_predict(model, np.array(values), np.array(answers), groups=groups, cv=GroupKFold(FOLDS))
    return share(said == np.array(answers), groups)


# --- optical flow ----------------------------------------------------------------------------------


def optical_flow(samples: Samples) -> Probe:
    """The object's mean optical flow must not give the answer away.

    The flow of the far background may, because it shows the camera's rotation.
    """
    name = "optical_flow"
    what = "score of the sign of the mean flow in the object's box, better of two rules, 2-way answers"
    kinds = {kind: every for kind, every in two_way(samples).items() if kind in FLOW_KINDS}
    keys = {asked.item.key for every in kinds.values() for asked, _ in every}
    flows = {
        item.key: _mean_flows(item, images)
        for item, images in samples.pictures(samples.draw(keys, MOST_FLOWS, name))
    }
    measured = []
    families = dict[str, dict[str, str]]()
    backgrounds = dict[str, str]()
    for kind, every in kinds.items():
        axis = 1 if kind.startswith("vertical") else 0
        rows = [
            (asked, sign, flows[asked.item.key])
            for asked, sign in every
            if asked.item.key in flows and asked.pair == (0, 1)
        ]
        for place, region in enumerate(("object", "background")):
            moving = [row for row in rows if abs(row[2][place][axis]) > FLOW_FIRES]
            hits = [(flow[place][axis] > 0) == (sign > 0) for _, sign, flow in moving]
            if not hits:
                continue
            score = share(hits, [asked.item.group for asked, _, _ in moving])
            score = score._replace(value=max(score.value, 1 - score.value))
            if region == "object":
                measured.append(Measured(kind, score, Bounds(high=0.5 + FLOW_ABOVE_CHANCE)))
                families[kind] = _by_family([asked for asked, _, _ in moving], hits)
            else:
                backgrounds[kind] = f"{score.value:.1%} of {score.n}"
    detail = {
        "by family": families,
        "background (a fact: what is far away turns with the camera)": backgrounds,
    }
    return judge(name, what, measured, too_few="too few pairs with such questions", detail=detail)


def _by_family(every: Sequence[Asked], hits: Sequence[bool]) -> dict[str, str]:
    families = defaultdict[str, list[bool]](list)
    for asked, hit in zip(every, hits, strict=True):
        families[asked.item.sample.family].append(hit)
    return {family: f"{np.mean(rows):.1%} of {len(rows)}" for family, rows in families.items()}


def flow_between(images: Sequence[Array]) -> tuple[Array, Array]:
    """The first picture in grey, (FLOW_PX, FLOW_PX), and the optical flow to the second in its pixels."""
    import cv2

    grey = [
        cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (FLOW_PX, FLOW_PX), interpolation=cv2.INTER_AREA)
        for image in images[:2]
    ]
    start = np.zeros((FLOW_PX, FLOW_PX, 2), np.float32)
    flow = np.asarray(cv2.calcOpticalFlowFarneback(grey[0], grey[1], start, 0.5, 4, 21, 3, 7, 1.5, 0))
    return grey[0], flow


def _mean_flows(item: Item, images: Sequence[Array]) -> tuple[Array, Array]:
    """Mean flow (x, y) inside and outside the object's box in the first picture."""
    grey, flow = flow_between(images)
    height, width = images[0].shape[:2]
    left, top, right, bottom = item.sample.views[0].object_box
    inside = np.zeros((FLOW_PX, FLOW_PX), bool)
    rows = slice(
        int(top * FLOW_PX / height), max(int(bottom * FLOW_PX / height), int(top * FLOW_PX / height) + 1)
    )
    columns = slice(
        int(left * FLOW_PX / width), max(int(right * FLOW_PX / width), int(left * FLOW_PX / width) + 1)
    )
    inside[rows, columns] = True
    # only where there is texture to follow: on a plain wall, flow is only interpolated from its neighbours
    weight = np.hypot(*np.gradient(grey.astype(np.float64))) + 1e-3
    return _weighted(flow, weight * inside), _weighted(flow, weight * ~inside)


def _weighted(flow: Array, weight: Array) -> Array:
    """Weighted mean flow in picture sides."""
    return np.asarray(
        (flow * weight[..., None]).sum(axis=(0, 1)) / (max(float(weight.sum()), 1e-9) * FLOW_PX)
    )


# --- one picture alone -----------------------------------------------------------------------------


def single_image(samples: Samples) -> Probe:
    """A classifier that gets one picture only must do no better than chance: it cannot show a motion."""
    name = "single_image"
    what = "score of colours and gradients of one picture + logistic regression, objects held out"
    measured = []
    for kind, every in with_options(samples).items():
        every = [asked for asked in every if asked.pair is not None]
        chosen = samples.draw({asked.question.id for asked in every}, MOST_SINGLE, name)
        every = [asked for asked in every if asked.question.id in chosen]
        enough = len(every) >= FEWEST_SINGLE and len({asked.item.group for asked in every}) >= FOLDS
        if not enough or not always_all(every) or len({asked.right for asked in every}) < 2:
            continue
        for place in (0, 1):
            score = _single_share(every, place)
            bounds = Bounds(high=chance(every) + SINGLE_ABOVE_CHANCE)
            measured.append(Measured(f"{kind}, image {place + 1} only", score, bounds))
    if not measured:
        return not_measured(name, what, f"needs {FEWEST_SINGLE} questions of a kind, of {FOLDS} objects")
    return judge(name, what, measured)


def _single_share(every: Sequence[Asked], place: int) -> Share:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = np.stack([picture_features(asked.looks[place], asked.views[place]) for asked in every])
    answers = np.array([asked.right for asked in every])
    groups = [asked.item.group for asked in every]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=100, tol=1e-2))
    said = cross_val_predict(model, features, answers, groups=groups, cv=GroupKFold(FOLDS))
    return share(said == answers, groups)


def picture_features(look: Look, view: View) -> Array:
    """Features: colours of a 4 x 4 grid, gradient directions of a 2 x 2 grid, and the object's place."""
    small = look.small.astype(np.float64) / 255
    colours = small.reshape(4, 8, 4, 8, 3).mean(axis=(1, 3)).ravel()
    grey = luminance(look.small)
    down, right = np.gradient(grey)
    bins = ((np.arctan2(down, right) / (2 * np.pi) + 0.5) * 8).astype(int) % 8
    edges = [
        np.bincount(
            bins[y : y + 16, x : x + 16].ravel(), np.hypot(down, right)[y : y + 16, x : x + 16].ravel(), 8
        )
        for y in (0, 16)
        for x in (0, 16)
    ]
    box = [_centre(view, 0), _centre(view, 1), _aspect(view), math.log(max(view.object_share, 1e-6))]
    return np.concatenate([colours, *edges, box])
