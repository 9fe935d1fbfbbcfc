"""Which of four cameras on a map took image 2."""

from collections.abc import Sequence

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases, Statement, by_predicate, tens
from viewpoint100k.questions.facts.figure import COLOURS, chain_of_figure, of_pair
from viewpoint100k.questions.facts.pair import Case
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved
from viewpoint100k.records import MapCamera

FURTHER_DEG = (35.0, 60.0)  # around the object from the right camera to the others on its side of the map
RIGHT_ATOL_DEG = 1.0


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B11. Four cameras on a map: the right one, its mirror image, and another couple nearer to the first
    or further away.
    """
    right = known.truth.azimuth_change_deg
    least, most = FURTHER_DEG
    # others must fit on either side, so that the right one is as often the nearer to the first
    nearer_by = abs(right) - gates.min_map_turn_deg
    further_by = 180 - 0.5 * gates.min_map_apart_deg - abs(right)
    if min(nearer_by, further_by) < least or known.truth.covisible_fraction < gates.min_covisible_fraction:
        return None
    near = abs(right) - rng.uniform(least, min(most, nearer_by))
    far = abs(right) + rng.uniform(least, min(most, further_by))
    other = near if rng.random() < 0.5 else far
    angles = [right, -right, other, -other]
    colours = rng.permutation(len(COLOURS))
    cameras = [
        MapCamera(azimuth_deg=round(float(angle), 3), colour=COLOURS[int(i)])
        for angle, i in zip(angles, colours, strict=True)
    ]
    return Figure(map_cameras=tuple(sorted(cameras, key=lambda camera: COLOURS.index(camera.colour))))


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B11. Which camera on the map, seen from above, took image 2."""
    right = known.truth.azimuth_change_deg
    away = {camera.colour: _apart_deg(camera.azimuth_deg, right) for camera in figure.map_cameras}
    angles = [0.0, *(camera.azimuth_deg for camera in figure.map_cameras)]
    nearest = min((_apart_deg(a, b) for i, a in enumerate(angles) for b in angles[:i] if b), default=0.0)
    at_the_place = [colour for colour, angle in away.items() if angle < RIGHT_ATOL_DEG]
    if set(away) != set(COLOURS) or len(at_the_place) != 1:
        return None
    if abs(right) < gates.min_map_turn_deg or nearest < gates.min_map_apart_deg:
        return None
    fact = Fact(COLOURS.index(at_the_place[0]), nearest / gates.min_map_apart_deg)
    alone = _alone([abs(camera.azimuth_deg) for camera in figure.map_cameras], abs(right))
    return Solved(fact, known.decidability.azimuth, alone=alone)


def _alone(angles_deg: Sequence[float], right_deg: float) -> tuple[float, ...]:
    """How the right camera differs from the mean of all: how far around it is, and whether it is of the
    nearer couple.
    """
    middle = (max(angles_deg) + min(angles_deg)) / 2
    features = np.array(
        [[a / 90, (a / 90) ** 2, (a / 90) ** 3, a < middle] for a in [right_deg, *angles_deg]]
    )
    return tuple((features[0] - features[1:].mean(axis=0)).tolist())


def _apart_deg(angle: float, other: float) -> float:
    return abs((angle - other + 180) % 360 - 180)


def _facts(case: Case) -> Facts:
    return of_pair(case, "side", "upper", "face", "between") | by_predicate(_map(case))


def _map(case: Case) -> Statement | None:
    at = {camera.colour: camera.azimuth_deg for camera in case.figure.map_cameras}
    if set(at) != set(COLOURS):
        return None
    words = [word for c in COLOURS for word in ("right" if at[c] > 0 else "left", tens(at[c]))]
    return Statement("map", tuple(words))


def _answers(facts: Facts) -> set[str]:
    if not {"side", "between", "map"} <= facts.keys():
        return set()
    low, high = (int(angle) for angle in facts["between"].args)
    words = facts["map"].args
    side = facts["side"].args[0]
    return {
        colour
        for i, colour in enumerate(COLOURS)
        if words[2 * i] == side and low <= int(words[2 * i + 1]) <= high
    }


PHRASES = {
    "map": Phrases(
        (
            "On the map, going around from the white camera, red is about {1} degrees to the {0}, blue {3} "
            "to the {2}, green {5} to the {4}, yellow {7} to the {6}",
            "Measured around the centre of the map from the white camera, red stands about {1} degrees to "
            "the {0}, blue {3} to the {2}, green {5} to the {4}, yellow {7} to the {6}",
        ),
    ),
}
KIND = DrawnKind(
    name="camera_on_map/seen_from_above",
    rank=21,
    tier="B",
    options=COLOURS,
    seen_alone=(),
    draw=draw,
    solve=solve,
    chain=chain_of_figure(
        _facts,
        _answers,
        (
            ("side!", "face?", "between!", "=map_right", "map!"),
            ("map!", "=map_right", "side!", "face?", "between!"),
            ("face!", "between!", "side!", "map!"),
            ("upper?", "side!", "face?", "between!", "=sees_more", "map!"),
        ),
        PHRASES,
        {
            "map_right": (
                "The white camera looks towards the top of the map, so its right is the map's right",
                "On the map the first camera stands below the object, so its right is the map's right",
            )
        },
    ),
)
KINDS = (KIND,)
