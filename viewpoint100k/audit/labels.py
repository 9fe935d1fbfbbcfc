"""Probes whether answers are right, and change as they must when a scene is mirrored, swapped or turned."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from viewpoint100k.annotate import make_truth
from viewpoint100k.audit.report import Bounds, Probe, all_of, not_measured
from viewpoint100k.audit.samples import Asked, Item, Samples, says_none
from viewpoint100k.audit.statistics import Array, information_bits, information_interval
from viewpoint100k.audit.transforms import figures_transformed
from viewpoint100k.config import GateConfig
from viewpoint100k.proof import answer, known
from viewpoint100k.proof.judging import MARGIN_RTOL, wrong_answer
from viewpoint100k.proof.measure import MOTIONS, Pair, signs
from viewpoint100k.questions.kind import Fact, Kind
from viewpoint100k.questions.registry import PAIR_KINDS
from viewpoint100k.records import View, matrix

# fields are rounded to a millionth and computed by other formulas, some ill-conditioned near the zenith
TRUTH_ATOL = 2e-5
MOST_TRANSFORMED = 300
COUPLED_BITS = 0.01
ORBIT_PRESET = "viewpoint-100k"  # its labels are coupled by one bit by design, as in the paper
FEWEST_COUPLED = 100


def truth_recomputed(samples: Samples) -> Probe:
    """The published truth agrees with formulas that share no code with those that made it."""
    problems = []
    for item in samples.items:
        truth = item.sample.truth
        moved = _measured(item, 0, 1)
        right, down, forward = truth.translation
        stored = {
            "right": right,
            "up": -down,
            "forward": forward,
            "yaw_deg": truth.yaw_deg,
            "pitch_deg": truth.pitch_deg,
            "roll_deg": truth.roll_deg,
            "azimuth_deg": truth.azimuth_change_deg,
            "elevation_deg": truth.elevation_change_deg,
            "distance_ratio": truth.distance_ratio,
            "focal_ratio": truth.focal_ratio,
            "rotation_deg": truth.rotation_deg,
        }
        for name in MOTIONS:
            measured = getattr(moved, name)
            if _difference(name, stored[name], measured) > TRUTH_ATOL:
                what = f"truth says {name} = {stored[name]}; the poses say {measured:.6f}"
                problems.append((item.key, what))
        problems += [(item.key, what) for what in _ill_seen(item)]
    what = "published truth against a second implementation, from the stored poses"
    return all_of("truth_recomputed", what, len(samples.items), problems)


def _ill_seen(item: Item) -> Iterator[str]:
    """What is inconsistent in the stored visibility of a sample's views."""
    seen = item.sample.seen
    count = len(item.sample.views)
    for name, table in (("covisible_fraction", seen.covisible_fraction), ("difference", seen.difference)):
        if not table:
            continue
        values = np.array(table) if all(len(row) == count for row in table) else np.zeros(0)
        if values.shape != (count, count) or np.min(values) < 0 or np.max(values) > 1:
            yield f"seen.{name} is not a table of {count} x {count} shares"
        elif name == "covisible_fraction" and not np.allclose(values, values.T):
            yield "seen.covisible_fraction differs from a to b and from b to a"
        elif (
            name == "covisible_fraction"
            and abs(values[0, 1] - item.sample.truth.covisible_fraction) > TRUTH_ATOL
        ):
            shared = item.sample.truth.covisible_fraction
            yield f"truth says that {shared} is shared; seen says {values[0, 1]}"
    if seen.sides and (len(seen.sides) != count or any(abs(sum(side) - 1) > 1e-4 for side in seen.sides)):
        yield "seen.sides are not the shares of six sides for each view"


def labels_recomputed(samples: Samples) -> Probe:
    """Every answer agrees with formulas that share no code with those that gave it."""
    problems = list[tuple[str, str]]()
    unknown = Counter[str]()
    n = 0
    for kind, every in samples.asked().items():
        if not known(kind):
            unknown[kind] += len(every)
            continue
        for asked in every:
            n += 1
            problems += [
                (asked.item.key, f"{kind}: {what}") for what in _answer_problems(asked, samples.gates)
            ]
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
    return probe.model_copy(
        update={"because": f"{probe.because}; not recomputed: {', '.join(sorted(unknown))}"}
    )


def _answer_problems(asked: Asked, gates: GateConfig) -> Iterator[str]:
    proven = answer(asked.item.sample, asked.question, gates)
    if isinstance(proven, str):
        yield proven
    else:
        yield from wrong_answer(asked.question, proven)


def _difference(name: str, first: float, second: float) -> float:
    gap = abs(first - second)
    return min(gap, 360 - gap) if name.endswith("_deg") else gap


def _measured(item: Item, first: int, second: int) -> Pair:
    return Pair(item.sample.views[first], item.sample.views[second])


# --- reversal -------------------------------------------------------------------------------------

# two cameras turned by less than this agree on the direction of every clear step: 90 - 70.5
FAR_TURN_DEG = 19.0
OPPOSITE = {
    "left": "right", "down": "up", "backward": "forward", "nearer": "farther", "lower": "higher",
    "clockwise": "counter-clockwise",
}  # fmt: skip
OPPOSITE |= {second: first for first, second in OPPOSITE.items()}
STEPS = {"ego_translation", "vertical_translation", "forward_translation", "combined_translation"}
FACING = "object_translation/object_facing_camera_1"


def reversal(samples: Samples) -> Probe:
    """Every question from the second view to the first has the answer that its parent's answer implies."""
    problems = list[tuple[str, str]]()
    n = 0
    open_ones = Counter[str]()
    for kind, every in samples.asked().items():
        first = {asked.item.key: asked for asked in every if asked.question.images == [0, 1]}
        for asked in every:
            question = asked.question
            if question.images != [1, 0]:
                if question.id.endswith("-reversed"):
                    problems.append(
                        (asked.item.key, f"{kind} is called a twin and shows views {question.images}")
                    )
                continue
            n += 1
            parent = first.get(asked.item.key)
            if parent is None or question.id != f"{parent.question.id}-reversed":
                problems.append((asked.item.key, f"{kind}: its twin {question.id} has no parent"))
                continue
            said = _not_reversed(parent, asked)
            if said is None:
                open_ones[kind] += 1
            elif said:
                problems.append((asked.item.key, f"{kind}: {said}"))
    detail = {"the table does not tell, only the poses": dict(open_ones)} if open_ones else None
    what = "answers from the second view to the first that go with their parent's, by a table of opposites"
    return all_of("reversal", what, n, problems, nothing="no question has a twin", detail=detail)


def _not_reversed(parent: Asked, twin: Asked) -> str | None:
    """What is wrong with a twin's answer: "" if nothing, None if its parent's answer does not decide it."""
    if not parent.question.options:
        gap = abs((parent.question.value or 0) - (twin.question.value or 0))
        return f"{parent.question.value} one way and {twin.question.value} the other" if gap > 0.11 else ""
    if parent.question.type in STEPS | {"relative_pose"} or parent.kind == FACING:
        return _step_not_reversed(parent, twin)
    words = parent.right.split()
    if parent.question.type in ("angle", "which_motion"):
        wanted = parent.right
    else:
        wanted = " ".join(OPPOSITE.get(word, word) for word in words)
    return (
        ""
        if twin.right == wanted
        else f"{parent.right!r} one way and {twin.right!r} the other, not {wanted!r}"
    )


def _step_not_reversed(parent: Asked, twin: Asked) -> str | None:
    """`_not_reversed` for steps, which surely reverse only if the two cameras' axes are nearly parallel."""
    parallel = parent.item.sample.truth.rotation_deg < FAR_TURN_DEG
    turned = parent.question.type == "relative_pose"
    tells = False
    if says_none(parent.right) or says_none(twin.right):
        return None
    words = zip(parent.right.split(), twin.right.split(), strict=False)
    for place, (forth, back) in enumerate(words):
        if forth in OPPOSITE and (parallel or (turned and place == 3)):
            tells = True
            if back.rstrip(",") == forth.rstrip(","):
                return f"{parent.right!r} one way and {twin.right!r} the other"
    return "" if tells else None


# --- coupling -------------------------------------------------------------------------------------


class Coupling(NamedTuple):
    """The mutual information of the labels of two motions, in bits."""

    bits: float
    name: str
    interval: tuple[float, float]
    judged: tuple[float, float]  # the wider interval that judges this pair of labels as one of many
    n: int


COUPLING = (
    "mutual information of two labels (negative, none, positive) of motions and lens, in bits; the most "
    "coupled pair"
)


def label_coupling(samples: Samples) -> Probe:
    """Probes whether one motion, or the lens, gives away another.

    The value is zero for independent motions and near one bit for plain orbits.
    """
    name = "label_coupling"
    what = COUPLING
    tables = _coupling_tables(samples)
    rng = samples.rng(name)
    coupled = [_coupling(" x ".join(names), tables[names], rng, len(tables)) for names in tables]
    detail: dict[str, Any] = {
        "bits": {pair.name: round(pair.bits, 5) for pair in coupled},
        "pairs of labels": {pair.name: pair.n for pair in coupled},
    }
    enough = [pair for pair in coupled if pair.n >= FEWEST_COUPLED]
    if not enough:
        return not_measured(name, what, f"needs {FEWEST_COUPLED} samples outside the grey bands", detail)
    beyond = [pair for pair in enough if pair.judged[0] > COUPLED_BITS]
    detail["for certain"] = [pair.name for pair in beyond]
    worst = max(beyond or enough)
    by_design = samples.manifest.preset == ORBIT_PRESET
    interval = "95 % {:.4f} to {:.4f}".format(*worst.interval)
    because = f"{worst.name}: {worst.bits:.4f} bit, {interval}, n = {worst.n}"
    if worst.bits > COUPLED_BITS and not beyond:
        because += ": too few samples to be sure"
    if by_design:
        because = f"a fact of the preset {ORBIT_PRESET}, whose orbits couple by design; {because}"
    return Probe(
        name=name,
        what=what,
        value=worst.bits,
        interval=worst.interval,
        threshold=Bounds() if by_design else Bounds(high=COUPLED_BITS),
        n=worst.n,
        verdict="fail" if beyond and not by_design else "pass",
        because=because,
        detail=detail,
    )


def _coupling(name: str, counts: Array, rng: np.random.Generator, pairs: int) -> Coupling:
    """The mutual information of two labels, from (objects, 3, 3) counts of both."""
    n = int(counts.sum())
    bits = float(information_bits(counts.sum(axis=0))) if n else 0.0
    if n < FEWEST_COUPLED:
        return Coupling(bits, name, (0.0, 0.0), (0.0, 0.0), n)
    # wide enough that the intervals of all pairs of labels together rarely miss
    judged = information_interval(counts, rng, 1 - 0.01 / pairs)
    return Coupling(bits, name, information_interval(counts, rng), judged, n)


def _coupling_tables(samples: Samples) -> dict[tuple[str, str], Array]:
    """(objects, 3, 3) counts for each pair of motions, taken from the first view to the second."""
    pairs = [item for item in samples.items if len(item.sample.views) == 2]
    groups = {uid: i for i, uid in enumerate(dict.fromkeys(item.group for item in pairs))}
    labels = [(groups[item.group], signs(_measured(item, 0, 1), samples.gates)) for item in pairs]
    names = list(labels[0][1]) if labels else []
    tables = {(a, b): np.zeros((len(groups), 3, 3)) for i, a in enumerate(names) for b in names[i + 1 :]}
    for group, each in labels:
        for (a, b), table in tables.items():
            first = each[a]
            second = each[b]
            if first is not None and second is not None:
                table[group, first + 1, second + 1] += 1
    return tables


# --- metamorphic ----------------------------------------------------------------------------------

MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
Change = Callable[[Kind, Fact], Fact]


def metamorphic(samples: Samples) -> Probe:
    """Labels follow changed poses: a mirror swaps left and right, a swap reverses, a turn changes nothing."""
    keys = {item.key for item in samples.items if item.sample.seen.points}  # some are kept without
    keys = keys if len(keys) >= MOST_TRANSFORMED else {item.key for item in samples.items}
    chosen = samples.draw(keys, MOST_TRANSFORMED, "metamorphic")
    rng = samples.rng("metamorphic")
    problems = []
    n = 0
    for item in samples.items:
        if item.key not in chosen:
            continue
        for change, kind, wanted, now in _transformed(item, samples.gates, rng):
            n += 1
            if not _same_fact(wanted, now):
                problems.append((item.key, f"{kind.name}, {change}: {now}, expected {wanted}"))
        for change, name, same in figures_transformed(item.sample, samples.gates, rng):
            n += 1
            if not same:
                problems.append((item.key, f"{name}, {change}: another answer"))
    what = "labels after mirroring the scene, swapping the views, and turning the world"
    return all_of("metamorphic", what, n, problems)


def _transformed(
    item: Item, gates: GateConfig, rng: np.random.Generator
) -> Iterator[tuple[str, Kind, Fact | None, Fact | None]]:
    views = item.sample.views[0], item.sample.views[1]
    front = item.sample.truth.front_azimuth_deg
    angle = float(rng.uniform(0, 360))
    turn = np.eye(4)
    cosine = np.cos(np.radians(angle))
    sine = np.sin(np.radians(angle))
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
        for kind in PAIR_KINDS:
            if name == "swapped" and kind.type not in REVERSED_BY_SWAP:
                continue
            old = before[kind.name]
            yield name, kind, None if old is None else change(kind, old), after[kind.name]


def _facts(
    item: Item, views: Sequence[View], front: float | None, gates: GateConfig
) -> dict[str, Fact | None]:
    truth = make_truth(views[0], views[1], item.sample.truth.covisible_fraction, front)
    return {kind.name: kind.fact(truth, gates) for kind in PAIR_KINDS}


def _placed(view: View, world_from_camera: Array) -> View:
    return view.model_copy(update={"world_from_camera": world_from_camera.tolist()})


@cache
def _flips() -> dict[str, Callable[[int], int]]:
    """For kinds that distinguish left from right: the option that a mirror turns each option into."""

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


# kinds whose answer reverses with the order of the views; steps need not (a camera that circles an object may
# come nearer along its first axes both ways)
REVERSED_BY_SWAP = {
    "ego_rotation",
    "pitch",
    "roll",
    "distance",
    "elevation",
    "angle",
    "angle_number",
    "signed_angle",
}


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


def _same_fact(wanted: Fact | None, now: Fact | None) -> bool:
    if wanted is None or now is None:
        # rounding may push a value on a boundary to the other side
        edge = wanted or now
        return edge is None or abs(edge.margin - 1) < MARGIN_RTOL
    near = abs(wanted.margin - now.margin) <= MARGIN_RTOL * max(1.0, wanted.margin)
    return wanted.option == now.option and near and abs((wanted.value or 0) - (now.value or 0)) < 0.11
