"""Decides which motions a run asks for: a balanced design in which no motion gives away another.

Each of the seven things that a camera may do is drawn independently of the others, as often one way as the
other. Codes without cameras are not drawn: through a long lens there is no room to go up and tilt up.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.config import GateConfig, MotionShares, PlanConfig, ScenesConfig
from viewpoint100k.errors import InputError
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.motions import (
    EVENTS,
    FORWARD,
    NAMES,
    ORBITS,
    PITCH,
    RIGHT,
    ROLL,
    SETS,
    STILL,
    UP,
    YAW,
    ZOOM,
    backwards,
    clear_parts,
    has_cameras,
)

DOES = {
    "right": "move sideways",
    "up": "move up or down",
    "forward": "move forward or back",
    "yaw": "turn left or right",
    "pitch": "tilt up or down",
    "roll": "roll",
    "zoom": "zoom in or out",
}
LEAST_STILL = 0.002  # share of pairs: in at least two of each block nothing moves at all
# share of a motion's wanted frequency: with less, the settings leave too little of what they ask for
LEAST_OF_SHARE = 0.5
FITTING_ROUNDS = 100  # rounds of fitting the tables of two motions
COLUMNS_TRIED = 128  # random columns, of which the least coupled is taken
SHARES_MATTER = 2.0  # weight of right shares against independence when the best column is chosen
BLOCK = 1024  # pairs that are balanced together


def design(settings: PlanConfig, gates: GateConfig, count: int, rng: np.random.Generator) -> list[str]:
    """Codes for a number of pairs; every stretch has about its share of each, and all of them have cameras.

    Each code is followed by its opposite, for which the same two views will do the other way around; not in
    scenes, where something may happen between the views.

    Raises:
        InputError: the settings leave no room for a motion that they ask for; says which, and what would
        help.
    """
    if settings.sets:
        _check_sets(settings, gates)
        return [SETS[i] for i in rng.permutation(np.arange(count) % len(SETS))]
    where = _geometry(settings)
    _check_single_motions(settings, where, gates)
    combinations = [
        active for active in product((False, True), repeat=len(NAMES)) if _has_room(where, gates, active)
    ]
    shares = _combined_shares(settings, combinations)
    codes: list[str] = []
    for part in np.array_split(np.arange(count), max(math.ceil(count / BLOCK), 1)):
        if settings.scenes is None:
            half = _block(settings, combinations, shares, math.ceil(len(part) / 2), rng)
            codes += [code for one in half for code in (one, backwards(one))][: len(part)]
        else:
            codes += _block(settings, combinations, shares, len(part), rng)
    if settings.scenes is not None:
        codes = _with_events(settings.scenes, codes, rng)
    return codes


def _geometry(settings: PlanConfig) -> PlanConfig:
    """The settings that decide whether cameras are found; how often each motion is wanted does not."""
    return settings.model_copy(update={"motions": MotionShares(), "scenes": None, "pairs_per_object": None})


@functools.cache
def _has_room(where: PlanConfig, gates: GateConfig, active: tuple[bool, ...]) -> bool:
    """Whether these motions can be combined in every direction; else one would give away another."""
    ways = product(*("+-" if moves else "0" for moves in active))
    return all(has_cameras(where, gates, "".join(signs)) for signs in ways)


def _combined_shares(settings: PlanConfig, combinations: Sequence[tuple[bool, ...]]) -> Array:
    """(N,) in what share of the pairs each of N combinations is drawn: any two motions are independent.

    The nearest to fully independent motions among those that have room, by iterative proportional fitting of
    all tables of two motions. A pair in which one of them is neither nothing nor clear tells nothing of it,
    and is in none of its tables.

    Raises:
        InputError: what has room is so little that a motion gets less than half of the share that is wanted.

    Source:
        Csiszar, "I-divergence geometry of probability distributions", Annals of Probability 3, 1975.
    """
    active = np.array(combinations)  # (N, 7)
    clear = np.array([clear_parts(combination) for combination in combinations])
    wanted = _wanted(settings)
    at_rest = max(_at_rest(settings), LEAST_STILL)
    still = ~active.any(axis=1)
    found = np.where(active, wanted, 1 - wanted).prod(axis=1)
    for _ in range(FITTING_ROUNDS):
        for one, other in itertools.combinations(range(len(NAMES)), 2):
            told = clear[:, one] * clear[:, other]
            _make_independent(found, told, active[:, one], active[:, other])
        for place, share in enumerate(wanted):
            for moves, part in ((active[:, place], share), (~active[:, place], 1 - share)):
                if (there := found[moves].sum()) > 0:
                    found[moves] *= part / there
        found[still] = np.maximum(found[still], at_rest * found.sum())
    total = found.sum()
    if total > 0:
        found = found / total
    _check_room(settings, found @ active, LEAST_OF_SHARE * wanted)
    return np.asarray(found)


def _make_independent(found: Array, told: Array, one: Array, other: Array) -> None:
    """Change shares so that two motions are independent, in place.

    Args:
        found: (N,) shares of the combinations.
        told: (N,) 1 where a combination is clear about both motions, else 0.
        one: (N,) whether a combination has the first of them.
        other: (N,) whether it has the second.
    """
    cells = [
        [(one == with_one) & (other == with_other) for with_other in (False, True)]
        for with_one in (False, True)
    ]
    table = np.array([[(found * told)[cell].sum() for cell in row] for row in cells])
    even = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(float(table.sum()), 1e-12)
    for with_one, with_other in product(range(2), repeat=2):
        if table[with_one, with_other] > 0:
            found[cells[with_one][with_other]] *= even[with_one, with_other] / table[with_one, with_other]


def _check_room(settings: PlanConfig, found: Array, least: Array) -> None:
    """Refuse shares of motions, (7,), that are less than the least that will do."""
    for name, share, needed, got in zip(NAMES, _shares(settings), least, found, strict=True):
        if got < needed:
            raise InputError(
                f"plan.motions.{name} = {share:g}: beside the other motions there is room for it in "
                f"{got:.0%} of the pairs only, for the object has to stay in both pictures. "
                f"{_room(settings)}, or lower the other shares of plan.motions"
            )


def _check_single_motions(settings: PlanConfig, where: PlanConfig, gates: GateConfig) -> None:
    wanted = dict(zip(NAMES, _shares(settings), strict=True))
    codes = {
        name: ["0" * place + sign + "0" * (6 - place) for sign in "+-"] for place, name in enumerate(NAMES)
    }
    for name, share in wanted.items():
        if share > 0 and not all(has_cameras(where, gates, code) for code in codes[name]):
            raise InputError(
                f"plan.motions.{name} = {share}: no cameras were found that {DOES[name]} and keep "
                f"the object in the picture. "
                f"{_room(settings)}, or set plan.motions.{name}=0"
            )
    if settings.motions.orbits > 0 and not all(has_cameras(where, gates, code) for code in ORBITS):
        raise InputError(
            f"plan.motions.orbits = {settings.motions.orbits}: no cameras were found around the object. "
            f"{_room(settings)}"
        )


def _check_sets(settings: PlanConfig, gates: GateConfig) -> None:
    for code in SETS:
        if not has_cameras(settings, gates, code):
            raise InputError(f"plan.sets: no {code} of four cameras was found. {_room(settings)}")


def _room(settings: PlanConfig) -> str:
    lens = settings.hfov_deg
    size = settings.half_angle_deg
    return (
        f"Use a wider lens (plan.hfov_deg is {lens.low:g} to {lens.high:g}) or smaller objects in the "
        "picture "
        f"(plan.half_angle_deg is {size.low:g} to {size.high:g})"
    )


def _with_events(settings: ScenesConfig, codes: Sequence[str], rng: np.random.Generator) -> list[str]:
    """The same pairs with events: in a share of them the scene changes; in a share of those the camera stays.

    It stays in pairs that were designed so, as far as there are enough: then it moves as often in one way
    whatever it does in another.
    """
    order = [int(i) for i in rng.permutation(len(codes))]
    count = round(settings.events * len(codes))
    resting = round(settings.still_events * count)
    calm = round(settings.still * (len(codes) - count))
    order.sort(key=lambda place: codes[place] != STILL)
    at_rest = order[: resting + calm]
    going = order[resting + calm :]
    out = list(codes)
    for place in at_rest:
        out[place] = STILL
    # each event as often with the camera at rest as with all others
    for number, place in enumerate([*at_rest[:resting], *going[len(going) - (count - resting) :]]):
        out[place] += f"/{EVENTS[number % len(EVENTS)]}"
    return out


def _block(
    settings: PlanConfig,
    combinations: Sequence[tuple[bool, ...]],
    shares: Array,
    count: int,
    rng: np.random.Generator,
) -> list[str]:
    orbits = round(settings.motions.orbits * count)
    rest = count - orbits
    tried = [_active(combinations, shares, rest, rng) for _ in range(COLUMNS_TRIED)]
    wanted = np.floor(rest * _wanted(settings))  # of few pairs rather one more without: "none" is to be there
    active = min(tried, key=lambda rows: _off(rows, wanted))
    # elsewhere each motion's opposite follows, so that signs are even beside each of these anyway
    beside = list(active.T) if settings.scenes is not None else []
    columns: list[np.ndarray] = []
    for moves in active.T:
        ways = [_signs(moves > 0, rng) for _ in range(COLUMNS_TRIED)]
        columns.append(min(ways, key=lambda column: _coupling(column, [*columns, *beside])))
    codes = ["".join("-0+"[int(sign) + 1] for sign in row) for row in np.array(columns).T]
    codes += [ORBITS[i % 2] for i in range(orbits)]
    return [codes[i] for i in rng.permutation(count)]


def _shares(settings: PlanConfig) -> tuple[float, ...]:
    """Shares of the seven motions, in the order of a code's signs."""
    shares = settings.motions
    return shares.right, shares.up, shares.forward, shares.yaw, shares.pitch, shares.roll, shares.zoom


def _wanted(settings: PlanConfig) -> Array:
    """(7,) shares among all pairs, corrected for those in which the camera shall stay."""
    return np.array(_shares(settings)) * (1 - _at_rest(settings))


def _at_rest(settings: PlanConfig) -> float:
    """The share of pairs in which the camera shall stay."""
    if settings.scenes is None:
        return 0.0
    events = settings.scenes.events
    return events * settings.scenes.still_events + (1 - events) * settings.scenes.still


def _active(
    combinations: Sequence[tuple[bool, ...]], shares: Array, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """(count, 7) 1 where a pair has a motion: combinations as often as their shares say, to within one."""
    columns = [*rng.permutation([RIGHT, YAW]), *rng.permutation([UP, FORWARD, PITCH, ROLL, ZOOM])]
    order = np.lexsort(
        np.array(combinations).T[columns[::-1]]
    )  # few pairs have the shares of the first columns best
    drawn = np.searchsorted(
        np.cumsum(shares[order]), (np.arange(count) + rng.random()) / max(count, 1), side="right"
    )
    return np.asarray(np.array(combinations, dtype=np.int64)[order[np.minimum(drawn, len(combinations) - 1)]])


def _off(rows: NDArray[np.int64], wanted: Array) -> tuple[float, float]:
    """How far drawn motions deviate from their shares and from independence.

    Before that, whether "none" of what tier A asks about is as frequent as wanted.
    """
    coupling = sum(_coupling(rows[:, i], list(rows[:, :i].T)) for i in range(len(NAMES)))
    over = rows.sum(axis=0) - wanted
    return float(np.maximum(over[[RIGHT, YAW]], 0).sum()), SHARES_MATTER * float(
        np.square(over).sum()
    ) + coupling


def _signs(moves: NDArray[np.bool_], rng: np.random.Generator) -> np.ndarray:
    """(N,) as many minus as plus in random order where there is a motion, 0 elsewhere."""
    out = np.zeros(len(moves), dtype=np.int64)
    number = int(moves.sum())
    out[moves] = rng.permutation(np.where((np.arange(number) + rng.integers(2)) % 2 == 0, 1, -1))
    return out


def _coupling(column: np.ndarray, others: Sequence[np.ndarray]) -> float:
    """How far a column is from independent of others: squared differences of counts from those of chance."""
    total = 0.0
    for other in others:
        table = np.zeros((3, 3))
        np.add.at(table, (column + 1, other + 1), 1)
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(len(column), 1)
        total += float((np.square(table - expected) / np.maximum(expected, 0.5)).sum())
    return total
