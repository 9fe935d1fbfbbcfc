"""Are the answers right, and do they behave as answers must when the scene is mirrored, swapped or turned?"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from viewpoint100k.annotate import make_truth
from viewpoint100k.audit.recompute import LABELS, Moved, label, measure, signs
from viewpoint100k.audit.report import Bounds, Probe, all_of, not_measured
from viewpoint100k.audit.samples import Asked, Item, Samples
from viewpoint100k.audit.statistics import Array, information_bits, information_interval
from viewpoint100k.config import GateConfig
from viewpoint100k.questions import KINDS
from viewpoint100k.questions.kinds import Fact, Kind
from viewpoint100k.records import View, matrix

TRUTH_ATOL = 2e-5  # of fields that are rounded to a millionth, by other formulas, some near the zenith
MARGIN_ATOL = 1e-4
MOST_TRANSFORMED = 300
COUPLED_BITS = 0.01
ORBIT_PRESET = "viewpoint-100k"  # one bit by design, as in the paper
FEWEST_COUPLED = 100


def truth_recomputed(samples: Samples) -> Probe:
    """The published truth against formulas that share no code with those that made it."""
    problems = []
    for item in samples.items:
        truth = item.sample.truth
        moved = _measured(item, 0, 1)
        right, down, forward = truth.translation
        stored = Moved(
            right=right,
            up=-down,
            forward=forward,
            yaw_deg=truth.yaw_deg,
            pitch_deg=truth.pitch_deg,
            roll_deg=truth.roll_deg,
            azimuth_deg=truth.azimuth_change_deg,
            elevation_deg=truth.elevation_change_deg,
            distance_ratio=truth.distance_ratio,
            focal_ratio=truth.focal_ratio,
            rotation_deg=truth.rotation_deg,
            objects_right=None,
        )
        for name, said, found in zip(Moved._fields, stored, moved, strict=True):
            if said is not None and found is not None and _apart(name, said, found) > TRUTH_ATOL:
                problems.append((item.key, f"truth says {name} = {said}; the poses say {found:.6f}"))
    what = "published truth against a second implementation, from the stored poses"
    return all_of("truth_recomputed", what, len(samples.items), problems)


def labels_recomputed(samples: Samples) -> Probe:
    """Every answer against formulas that share no code with those that gave it."""
    problems, unknown, n = list[tuple[str, str]](), Counter[str](), 0
    for kind, every in samples.asked().items():
        if kind not in LABELS:
            unknown[kind] += len(every)
            continue
        for one in every:
            n += 1
            problems += [(one.item.key, f"{kind}: {what}") for what in _wrong(one, samples.gates)]
    probe = all_of(
        "labels_recomputed",
        "answers and margins against a second implementation, from the stored poses",
        n,
        problems,
        nothing="no question is of a kind that has a second implementation",
        detail={"without a second implementation": dict(unknown)} if unknown else None,
    )
    if not unknown:
        return probe
    return probe.model_copy(update={"because": f"{probe.because}; not recomputed: {', '.join(sorted(unknown))}"})


def _wrong(one: Asked, gates: GateConfig) -> Iterator[str]:
    question, pair = one.question, one.pair
    if pair is None:
        yield f"shows views {question.images}, not two of the sample's"
        return
    found = label(one.kind, _measured(one.item, *pair), one.item.sample.truth.covisible_fraction, gates)
    if found is None:
        yield "is asked although the poses are in a grey band"
        return
    if found.value is None and one.right != found.words:
        yield f"says {one.right!r}; the poses say {found.words!r}"
    if found.value is not None and (question.value is None or abs(question.value - found.value) > 0.06):
        yield f"says {question.value}; the poses say {found.value:.1f}"
    if abs(question.margin - found.margin) > MARGIN_ATOL * max(1.0, found.margin):
        yield f"has margin {question.margin}; the poses say {found.margin:.5f}"
    if question.margin < 1:
        yield f"has margin {question.margin}, less than 1"


def _apart(name: str, one: float, other: float) -> float:
    gap = abs(one - other)
    return min(gap, 360 - gap) if name.endswith("_deg") else gap


def _measured(item: Item, first: int, second: int) -> Moved:
    views = item.sample.views
    return measure(views[first], views[second], item.sample.truth.front_azimuth_deg)


# --- coupling -------------------------------------------------------------------------------------


def label_coupling(samples: Samples) -> Probe:
    """Does one motion answer for another? Zero for independent ones, near one bit for plain orbits."""
    name = "label_coupling"
    what = "mutual information of two motions' labels (negative, none, positive), in bits; the most coupled pair"
    tables = _coupling_tables(samples)
    rng = samples.rng(name)
    names = list(tables)
    matrix_bits, rows = dict[str, float](), []
    for pair in names:
        counts = tables[pair]
        n = int(counts.sum())
        bits = float(information_bits(counts.sum(axis=0))) if n else 0.0
        matrix_bits[" x ".join(pair)] = round(bits, 5)
        if n >= FEWEST_COUPLED:
            # the interval of one pair of fifteen: wide enough that all of them together rarely miss
            judged = information_interval(counts, rng, 1 - 0.01 / len(names))
            rows.append((bits, " x ".join(pair), information_interval(counts, rng), judged, n))
    detail: dict[str, Any] = {
        "bits": matrix_bits,
        "pairs of labels": {" x ".join(pair): int(tables[pair].sum()) for pair in names},
    }
    if not rows:
        return not_measured(name, what, f"needs {FEWEST_COUPLED} samples outside the grey bands", detail)
    beyond = [row for row in rows if row[3][0] > COUPLED_BITS]
    detail["for certain"] = [row[1] for row in beyond]
    bits, worst, interval, _, n = max(beyond or rows)
    fact = samples.manifest.preset == ORBIT_PRESET
    because = f"{worst}: {bits:.4f} bit, 95 % {interval[0]:.4f} to {interval[1]:.4f}, n = {n}"
    if bits > COUPLED_BITS and not beyond:
        because += ": too few samples to be sure"
    if fact:
        because = f"a fact of the preset {ORBIT_PRESET}, whose orbits couple by design; {because}"
    return Probe(
        name=name,
        what=what,
        value=bits,
        interval=interval,
        threshold=Bounds() if fact else Bounds(high=COUPLED_BITS),
        n=n,
        verdict="fail" if beyond and not fact else "pass",
        because=because,
        detail=detail,
    )


def _coupling_tables(samples: Samples) -> dict[tuple[str, str], Array]:
    """(objects, 3, 3) counts for each pair of motions."""
    groups = {uid: i for i, uid in enumerate(dict.fromkeys(item.group for item in samples.items))}
    labels = [(groups[item.group], signs(_measured(item, 0, 1), samples.gates)) for item in samples.items]
    names = list(labels[0][1]) if labels else []
    tables = {(a, b): np.zeros((len(groups), 3, 3)) for i, a in enumerate(names) for b in names[i + 1 :]}
    for group, each in labels:
        for (a, b), table in tables.items():
            one, other = each[a], each[b]
            if one is not None and other is not None:
                table[group, one + 1, other + 1] += 1
    return tables


# --- metamorphic ----------------------------------------------------------------------------------

MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
Change = Callable[[Kind, Fact], Fact]


def metamorphic(samples: Samples) -> Probe:
    """The project's own labels on changed poses: a mirror swaps left and right, a swap reverses, a turn does nothing."""
    chosen = samples.draw({item.key for item in samples.items}, MOST_TRANSFORMED, "metamorphic")
    rng, problems, n = samples.rng("metamorphic"), [], 0
    for item in samples.items:
        if item.key not in chosen:
            continue
        for change, kind, wanted, found in _transformed(item, samples.gates, rng):
            n += 1
            if not _same(wanted, found):
                problems.append((item.key, f"{kind.name}, {change}: {found}, expected {wanted}"))
    what = "labels after mirroring the scene, swapping the views, and turning the world"
    return all_of("metamorphic", what, n, problems)


def _transformed(
    item: Item, gates: GateConfig, rng: np.random.Generator
) -> Iterator[tuple[str, Kind, Fact | None, Fact | None]]:
    views = item.sample.views[0], item.sample.views[1]
    front = item.sample.truth.front_azimuth_deg
    angle = float(rng.uniform(0, 360))
    turn = np.eye(4)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn[:2, :2] = [[cosine, -sine], [sine, cosine]]
    turned = [_placed(view, turn @ matrix(view.world_from_camera)) for view in views]
    mirrored = [_placed(view, MIRROR @ matrix(view.world_from_camera) @ MIRROR) for view in views]
    cases = [
        ("mirrored", mirrored, None if front is None else 180 - front, _after_mirror),
        ("turned", turned, None if front is None else front + angle, _unchanged),
        ("swapped", views[::-1], front, _after_swap),
    ]
    before = _facts(item, views, front, gates)
    for name, moved, moved_front, change in cases:
        after = _facts(item, moved, moved_front, gates)
        for kind in KINDS:
            if name == "swapped" and kind.type not in REVERSED_BY_SWAP:
                continue
            old = before[kind.name]
            yield name, kind, None if old is None else change(kind, old), after[kind.name]


def _facts(item: Item, views: Sequence[View], front: float | None, gates: GateConfig) -> dict[str, Fact | None]:
    truth = make_truth(views[0], views[1], item.sample.truth.covisible_fraction, front)
    return {kind.name: kind.fact(truth, gates) for kind in KINDS}


def _placed(view: View, world_from_camera: Array) -> View:
    return view.model_copy(update={"world_from_camera": world_from_camera.tolist()})


@cache
def _flips() -> dict[str, Callable[[int], int]]:
    """What a mirror does to the number of an option, for kinds that know left from right."""

    def other(option: int) -> int:
        return option if option == 2 else 1 - option

    return {
        "ego_translation": other,
        "object_translation": other,
        "ego_rotation": other,
        "roll": other,
        "combined_translation": lambda option: option ^ 1,
        "signed_angle": lambda option: option ^ 1,
        "relative_pose": lambda option: 3 - option,
        "next_action": lambda option: option ^ 1 if option // 2 in (0, 3, 5) else option,
    }


# reversing a walk need not reverse its steps (who circles an object steps right both ways' opposite, but nears twice)
REVERSED_BY_SWAP = {"ego_rotation", "pitch", "roll", "distance", "elevation", "angle", "angle_number", "signed_angle"}


def _after_mirror(kind: Kind, fact: Fact) -> Fact:
    flip = _flips().get(kind.type)
    return fact._replace(option=flip(fact.option)) if flip else fact


def _after_swap(kind: Kind, fact: Fact) -> Fact:
    if kind.type in ("angle", "angle_number"):
        return fact
    if kind.type == "signed_angle":
        return fact._replace(option=fact.option ^ 1)
    return fact._replace(option=fact.option if fact.option == 2 else 1 - fact.option)


def _unchanged(kind: Kind, fact: Fact) -> Fact:
    return fact


def _same(wanted: Fact | None, found: Fact | None) -> bool:
    if wanted is None or found is None:
        # rounding may push what lies on an edge to its other side
        edge = wanted or found
        return edge is None or abs(edge.margin - 1) < MARGIN_ATOL
    near = abs(wanted.margin - found.margin) <= MARGIN_ATOL * max(1.0, wanted.margin)
    return wanted.option == found.option and near and abs((wanted.value or 0) - (found.value or 0)) < 0.11
