"""Probes flat shortcuts through questions with figures and about sets: rules of thumb, single pictures."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.audit.learners import ABOVE_MOST_FREQUENT, MOST, MOST_LEARNED, SURE_FROM
from viewpoint100k.audit.report import Bounds, Measured, Probe, judge
from viewpoint100k.audit.samples import Asked, Look, Samples
from viewpoint100k.audit.statistics import Array, Share, share
from viewpoint100k.audit.wording import FOLDS
from viewpoint100k.records import Mark, View

ABOVE_CHANCE = 0.03
FEWEST_ALONE = 60  # questions of a kind that a learner needs
TIE = 1e-6

MARKED = "marked_point/image_2"
COVISIBLE = "covisible_point/image_2"
MAP = "camera_on_map/seen_from_above"
SIDE = "revealed_side/object_front"
MIRRORED = "mirrored/object"
WHICH = "which_view/around_object"
ORDER = "order/around_object"
COMPOSED = "composed_angle/seen_from_above"


class Rule(NamedTuple):
    """A rule of thumb: picks the options with the highest score; `scores` returns None if it cannot say."""

    kind: str
    what: str
    scores: Callable[[Asked], dict[str, float] | None]
    bounds: Bounds
    two_way: bool = False  # the opposite rule is judged as well


# --- marked points ---------------------------------------------------------------------------------


def _dots(asked: Asked) -> dict[str, Mark]:
    """The dots of image 2 by the option that names each."""
    return {f"the {mark.colour} dot": mark for mark in asked.question.marks if mark.image == 1}


def _mark(asked: Asked) -> Mark | None:
    return next((mark for mark in asked.question.marks if mark.image == 0), None)


def _nearest_pixel(asked: Asked) -> dict[str, float] | None:
    mark = _mark(asked)
    if mark is None:
        return None
    return {name: -math.dist((dot.x, dot.y), (mark.x, mark.y)) for name, dot in _dots(asked).items()}


def _from_middle(asked: Asked) -> dict[str, float] | None:
    dots = _dots(asked)
    middle = np.mean([(dot.x, dot.y) for dot in dots.values()], axis=0) if dots else np.zeros(2)
    return {name: math.dist((dot.x, dot.y), middle) for name, dot in dots.items()}


def _middle_dot(asked: Asked) -> dict[str, float] | None:
    return {name: -away for name, away in (_from_middle(asked) or {}).items()}


def _nearest_in_box(asked: Asked) -> dict[str, float] | None:
    mark = _mark(asked)
    if mark is None:
        return None
    here = in_box(mark, asked.views[0])
    return {name: -math.dist(in_box(dot, asked.views[1]), here) for name, dot in _dots(asked).items()}


def _nearest_albedo(asked: Asked) -> dict[str, float] | None:
    """Scores for the dot whose surface point has the marked point's albedo."""
    mark = _mark(asked)
    colours = {name: _albedo(asked, dot, 1) for name, dot in _dots(asked).items()}
    wanted = _albedo(asked, mark, 0) if mark else None
    if wanted is None:
        return None
    return {name: -math.dist(colour, wanted) for name, colour in colours.items() if colour is not None}


def _albedo(asked: Asked, mark: Mark, image: int) -> list[float] | None:
    near = [(math.dist(p.pixels[image], (mark.x, mark.y)), p.albedo) for p in asked.item.sample.seen.points]
    away, colour = min(near, default=(math.inf, []))
    return colour if away < 1 else None


def in_box(mark: Mark, view: View) -> tuple[float, float]:
    """The place of a dot within the object's box, (x, y), each from -1 to 1."""
    left, top, right, bottom = view.object_box
    across = (mark.x - left) / max(right - left, 1e-6)
    return 2 * across - 1, 2 * (mark.y - top) / max(bottom - top, 1e-6) - 1


def _inner_dot(asked: Asked) -> dict[str, float] | None:
    """Scores "it can be seen" for a point nearer to the middle of the object's box than to its edge."""
    mark = _mark(asked)
    if mark is None:
        return None
    inner = math.hypot(*in_box(mark, asked.views[0])) < 0.6
    return {"it can be seen": float(inner), "it is hidden": float(not inner)}


# --- maps, sides, mirrors ----------------------------------------------------------------------------


def _from_first(asked: Asked) -> dict[str, float] | None:
    return {
        f"the {camera.colour} camera": abs(math.remainder(camera.azimuth_deg, 360))
        for camera in asked.question.map_cameras
    }


def _nearest_camera(asked: Asked) -> dict[str, float] | None:
    return {name: -away for name, away in (_from_first(asked) or {}).items()}


def _right_half(asked: Asked) -> dict[str, float] | None:
    return {
        f"the {camera.colour} camera": float(math.remainder(camera.azimuth_deg, 360) > 0)
        for camera in asked.question.map_cameras
    }


def _brighter_side(asked: Asked) -> dict[str, float] | None:
    """Scores by which side of the object is brighter: in a mirror image that side may change."""
    sides = []
    for look in asked.looks:
        grey = look.crop.astype(np.float64).mean(axis=2)
        sides.append(float(grey[:, 9:].mean() - grey[:, :8].mean()))
    same = float(sides[0] * sides[1] > 0)
    return {"the same object": same, "its mirror image": 1 - same}


# --- sets --------------------------------------------------------------------------------------------


def _unlike(asked: Asked) -> dict[str, float] | None:
    """The distance of each picture's mean colour from that of image 1."""
    looks = [asked.item.looks[view] for view in asked.question.images]
    means = [look.small.reshape(-1, 3).mean(axis=0) for look in looks]
    return {f"image {i + 1}": float(np.linalg.norm(means[i] - means[0])) for i in range(1, len(means))}


def _unlike_pixels(asked: Asked) -> dict[str, float] | None:
    looks = [asked.item.looks[view] for view in asked.question.images]
    crops = [look.crop.astype(np.float64) for look in looks]
    return {f"image {i + 1}": float(np.abs(crops[i] - crops[0]).mean()) for i in range(1, len(crops))}


def _opposite_of(
    of: Callable[[Asked], dict[str, float] | None],
) -> Callable[[Asked], dict[str, float] | None]:
    return lambda asked: {name: -value for name, value in (of(asked) or {}).items()}


def _in_order_of(
    of: Callable[[Asked], dict[str, float] | None],
) -> Callable[[Asked], dict[str, float] | None]:
    """The order in which the pictures grow less like image 1."""

    def scores(asked: Asked) -> dict[str, float] | None:
        scored = of(asked) or {}
        order = ", ".join(
            name.removeprefix("image ") for name in sorted(scored, key=lambda name: scored[name])
        )
        return {option: float(option == order) for option in asked.question.options}

    return scores


def _always(wanted: str) -> Callable[[Asked], dict[str, float] | None]:
    return lambda asked: {option: float(option == wanted) for option in asked.question.options}


def _degrees(option: str) -> float:
    return float(next((word for word in option.split() if word.isdigit()), "0"))


def _largest_angle(asked: Asked) -> dict[str, float] | None:
    return {option: _degrees(option) for option in asked.question.options}


def _bounds(fair: float) -> Bounds:
    return Bounds(high=fair + ABOVE_CHANCE)


RULES = (
    Rule(
        MARKED,
        "the dot nearest to where the mark was",
        _nearest_pixel,
        Bounds(0.25 - ABOVE_CHANCE, 0.25 + ABOVE_CHANCE),
    ),
    Rule(MARKED, "the middle dot", _middle_dot, _bounds(0.25)),
    Rule(MARKED, "the outermost dot", _from_middle, _bounds(0.25)),
    Rule(COVISIBLE, "a dot in the inner part of the object's box", _inner_dot, _bounds(0.5), two_way=True),
    Rule(MAP, "the camera nearest to the white one", _nearest_camera, _bounds(0.25)),
    Rule(MAP, "the camera furthest from the white one", _from_first, _bounds(0.25)),
    Rule(MAP, "a camera in the right half", _right_half, _bounds(0.25)),
    Rule(WHICH, "the picture least like image 1 by mean colour", _unlike, _bounds(1 / 3)),
    Rule(WHICH, "the picture most like image 1 by mean colour", _opposite_of(_unlike), _bounds(1 / 3)),
    Rule(WHICH, "the object least like itself in image 1", _unlike_pixels, _bounds(1 / 3)),
    Rule(WHICH, "the object most like itself in image 1", _opposite_of(_unlike_pixels), _bounds(1 / 3)),
    Rule(ORDER, "as they are shown", _always("2, 3, 4"), Bounds(1 / 6 - ABOVE_CHANCE, 1 / 6 + ABOVE_CHANCE)),
    Rule(ORDER, "the other way around", _always("4, 3, 2"), _bounds(1 / 6)),
    Rule(COMPOSED, "the largest angle", _largest_angle, _bounds(0.25)),
)
# rules that use evidence which an honest answer uses as well
FACTS = (
    Rule(MARKED, "the dot at the same place of the object's box", _nearest_in_box, Bounds()),
    Rule(MARKED, "the dot whose point has the marked one's colour", _nearest_albedo, Bounds()),
    Rule(MIRRORED, "brighter on the same side", _brighter_side, Bounds(), two_way=True),
    Rule(ORDER, "by how unlike image 1 they are by mean colour", _in_order_of(_unlike), Bounds()),
    Rule(ORDER, "by how unlike image 1 the object is", _in_order_of(_unlike_pixels), Bounds()),
)


def figure_rules(samples: Samples) -> Probe:
    """Rules of thumb about dots, maps and the order of pictures are right no more often than chance."""
    what = "score of rules that look at dots, maps and pictures without any idea of space"
    return judge(
        "figure_rules",
        what,
        measured_rules(samples, RULES),
        too_few="too few questions with figures or of sets",
    )


def figure_facts(samples: Samples) -> Probe:
    """Rules of thumb that may score above chance, because an honest answer uses the same evidence."""
    what = "score of rules by colours, and by places on the object's box"
    fact = "a fact, not judged: surface keeps its colour, and near views are alike"
    return judge(
        "figure_facts", what, measured_rules(samples, FACTS), too_few="too few such questions", fact=fact
    )


def measured_rules(samples: Samples, rules: Sequence[Rule]) -> list[Measured]:
    """How often each rule is right."""
    fair = samples.fair()
    out = []
    for rule in rules:
        hits = []
        groups = []
        for asked in fair.get(rule.kind, []):
            scores = rule.scores(asked)
            if not scores or any(asked.item.looks[view].problem for view in asked.question.images):
                continue
            best = [name for name, score in scores.items() if score >= max(scores.values()) - TIE]
            hits.append((asked.right in best) / len(best))
            groups.append(asked.item.group)
        if not hits:
            continue
        shares = share(hits, groups)
        if rule.two_way:
            shares = shares._replace(value=max(shares.value, 1 - shares.value))
        out.append(Measured(f"{rule.kind}, {rule.what}", shares, rule.bounds))
    return out


# --- one picture and its figure -----------------------------------------------------------------------


def figure_alone(samples: Samples) -> Probe:
    """A learner that gets one picture with its dots, or the map alone, must do no better than chance."""
    name = "figure_alone"
    what = "score of a random forest on one picture with its dots, or on the map, objects held out"
    measured = []
    for kind, (shown, features) in ALONE.items():
        every = [asked for asked in samples.fair().get(kind, []) if asked.right]
        chosen = samples.draw({asked.question.id for asked in every}, MOST, name)
        every = [asked for asked in every if asked.question.id in chosen]
        rows = [(asked, features(asked)) for asked in every]
        rows = [
            (asked, options)
            for asked, options in rows
            if options and set(options) == set(asked.question.options)
        ]
        groups = [asked.item.group for asked, _ in rows]
        if (
            len(rows) < FEWEST_ALONE
            or len(set(groups)) < FOLDS
            or len({asked.right for asked, _ in rows}) < 2
        ):
            continue
        fair = float(np.mean([1 / len(asked.question.options) for asked, _ in rows]))
        score = _best_option_share(rows, groups, samples.rng(kind))
        prior, count = Counter(asked.right for asked, _ in rows).most_common(1)[0]
        note = f"always saying {prior!r} scores {count / len(rows):.1%}"
        bounds = Bounds(high=max(fair, count / len(rows)) + ABOVE_MOST_FREQUENT)
        measured.append(Measured(f"{kind}, {shown}", score, bounds, note, sure_from=SURE_FROM))
    too_few = f"needs {FEWEST_ALONE} questions of a kind, of {FOLDS} objects"
    return judge(name, what, measured, too_few=too_few)


def _best_option_share(
    rows: Sequence[tuple[Asked, dict[str, Array]]], groups: Sequence[str], rng: np.random.Generator
) -> Share:
    """The score of a learner that rates each option by its features and answers with the best one."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold

    hits = np.zeros(len(rows))
    for train, test in GroupKFold(FOLDS).split(rows, groups=groups):
        if len(train) > MOST_LEARNED:
            train = rng.choice(train, MOST_LEARNED, replace=False)
        values = [value for row in train for value in rows[row][1].values()]
        right = [name == rows[row][0].right for row in train for name in rows[row][1]]
        model = RandomForestClassifier(80, min_samples_leaf=6, random_state=0)
        model.fit(np.array(values), np.array(right))
        scores = model.predict_proba(np.array([value for row in test for value in rows[row][1].values()]))[
            :, -1
        ]
        start = 0
        for row in test:
            asked, options = rows[row]
            likely = scores[start : start + len(options)]
            hits[row] = list(options)[int(np.argmax(likely))] == asked.right
            start += len(options)
    return share(hits, groups)


def _dot_features(mark: Mark, view: View, look: Look) -> Array:
    """Features of a dot: its place in the picture and in the object's box, and its surroundings."""
    across, down = in_box(mark, view)
    width = 2 * view.intrinsics[0][2]
    height = 2 * view.intrinsics[1][2]
    left, top, right, bottom = view.object_box
    size = [(right - left) / width, (bottom - top) / height, view.object_share]
    column = int(mark.x / width * look.small.shape[1])
    row = int(mark.y / height * look.small.shape[0])
    patch = look.small[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3].astype(np.float64)
    colour = patch.mean(axis=(0, 1)) if patch.size else np.zeros(3)
    spread = patch.std() if patch.size else 0.0
    place = [across, down, abs(across), abs(down), math.hypot(across, down), mark.x / width, mark.y / height]
    return np.array([*place, *size, *(colour / 255), spread / 255])


def _covisible_features(asked: Asked) -> dict[str, Array]:
    """Features of image 1 and its dot. Options differ only by their number, on which a tree can split."""
    mark = _mark(asked)
    if mark is None or asked.looks[0].problem:
        return {}
    place = _dot_features(mark, asked.views[0], asked.looks[0])
    return {
        option: np.array([i, *place * (1 if i else -1)])
        for i, option in enumerate(("it can be seen", "it is hidden"))
    }


def _marked_features(asked: Asked) -> dict[str, Array]:
    """Features of image 2 and its dots, without the mark of image 1."""
    dots = _dots(asked)
    away = _from_middle(asked) or {}
    if asked.looks[1].problem:
        return {}
    ranks = {name: rank for rank, name in enumerate(sorted(away, key=lambda name: away[name]))}
    return {
        name: np.array(
            [
                away[name],
                ranks[name],
                *_to_others(name, dots),
                *_dot_features(dot, asked.views[1], asked.looks[1]),
                list(COLOURS).index(dot.colour),
            ]
        )
        for name, dot in dots.items()
    }


def _to_others(name: str, dots: dict[str, Mark]) -> tuple[float, float]:
    """Distances of a dot from the nearest and from the furthest other dot."""
    mine = dots[name]
    away = [math.dist((mine.x, mine.y), (dot.x, dot.y)) for other, dot in dots.items() if other != name]
    return (min(away), max(away)) if away else (0.0, 0.0)


def _map_features(asked: Asked) -> dict[str, Array]:
    away = _from_first(asked) or {}
    ranks = {name: sum(other < mine - TIE for other in away.values()) for name, mine in away.items()}
    return {
        f"the {camera.colour} camera": np.array(
            [
                camera.azimuth_deg,
                away[f"the {camera.colour} camera"],
                ranks[f"the {camera.colour} camera"],
                max(away.values()) - min(away.values()),
                list(COLOURS).index(camera.colour),
            ]
        )
        for camera in asked.question.map_cameras
    }


COLOURS = ("red", "blue", "green", "yellow")
ALONE: dict[str, tuple[str, Callable[[Asked], dict[str, Array]]]] = {
    COVISIBLE: ("image 1 and its dot", _covisible_features),
    MARKED: ("image 2 and its dots", _marked_features),
    MAP: ("the map alone", _map_features),
}
