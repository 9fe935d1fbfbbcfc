"""Tier B, kinds that draw a figure on a pair: marked points, a map, a mirror, an object's sides, the lens."""

import math
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.annotate import stays
from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.points import SIDES
from viewpoint100k.questions.kinds import Fact, Figure, Kind, Known, Solved, either, of_figures_only
from viewpoint100k.records import Colour, MapCamera, Mark, SurfacePoint, View

COLOURS: tuple[Colour, ...] = ("red", "blue", "green", "yellow")
APART = 0.06  # picture sides between dots, in both pictures
LEAST_SIZE = 0.15  # of the object's box, in picture sides: a dot must not hide what it marks
# how often the right dot is the nearest to where the mark was, in the picture or on the object's box
BY_CHANCE = 0.25
MOST_DOTS = 16
TRIPLES = [  # of so many points at most, those that are looked at, the least strange first
    np.array(list(combinations(range(count), 3)), dtype=np.intp).reshape(-1, 3).T
    for count in range(MOST_DOTS + 1)
]
AS_FAR_OUT = 0.15  # half sides of the object's box
MIDDLE_OF_BOX = 0.6  # the same: nearer to the middle than to the edge
NEAREST_CAMERA_DEG = 20.0  # to the first one, on the map
CAMERAS_APART_DEG = 35.0
FURTHER_DEG = (35.0, 60.0)  # around the object from the right camera to the others on its side of the map
MIRROR_BACKGROUNDS = {"plain", "gradient"}  # others tell a mirror by themselves
ZOOM_BACKGROUNDS = {"hdri"}  # far away: it grows with the lens and not with the camera's way


# --- B13 and B14: a marked point -------------------------------------------------------------------


def draw_marked_point(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B13. A dot in image 1, four in image 2: one is the same point of the object, three are others that both images show.

    Were the others hidden in image 1, the dots of image 2 alone would tell: those at the side that came into
    view are wrong.
    """
    if known.truth.covisible_fraction < gates.min_covisible_fraction:
        return None
    side = 2 * known.views[1].intrinsics[0][2]
    clear = [point for point in known.seen.points if point.visible == ["yes", "yes"]]
    if len(clear) < len(COLOURS):
        return None
    before, after = (np.array([point.pixels[i] for point in clear]) for i in (0, 1))
    on_box = [_on_box(view, pixels) for view, pixels in zip(known.views, (before, after), strict=False)]
    paint = np.array([point.albedo for point in clear])
    apart = _distances(after, after) >= APART * side
    # (N, N) per row: which others lie nearer to where that point was, in the picture and on the object's box
    nearer = [
        away < np.diag(away)[:, None]
        for away in (_distances(before, after), _distances(on_box[0], on_box[1]))
    ]
    wanted = rng.random(2) >= BY_CHANCE
    decoys = [one for one, want in zip(nearer, wanted, strict=True) if want]
    fair = ~np.any([one for one, want in zip(nearer, wanted, strict=True) if not want], axis=0)
    marked = np.ones(len(clear), dtype=bool)
    for one in decoys:  # none of its sort: no need to look further
        marked &= (one & fair & apart).any(axis=1)
    unlike = np.abs(paint[:, None] - paint).sum(axis=-1)
    outwards = int(rng.integers(len(COLOURS)))  # how many dots are to lie further in than the right one
    for right in rng.permutation(np.flatnonzero(marked)):
        usable = np.broadcast_to(fair, apart.shape)[right] & apart[right]
        strange = unlike[right] + 0.05 * rng.random(len(paint))
        chosen = _dots(int(right), after, usable, apart, [one[right] for one in decoys], strange, outwards)
        if chosen:
            colours = [COLOURS[int(i)] for i in rng.permutation(len(COLOURS))]
            dots = [_mark(1, clear[i], colour) for i, colour in zip(chosen, colours, strict=True)]
            dots.sort(key=lambda dot: COLOURS.index(dot.colour))
            return Figure(marks=(_mark(0, clear[right], "red"), *dots))
    return None


def _distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) between the points (N, 2) and (M, 2)."""
    (ax, ay), (bx, by) = a.T, b.T
    return np.asarray(np.hypot(ax[:, None] - bx, ay[:, None] - by))


def _dots(
    right: int,
    pixels: NDArray[np.float64],
    usable: NDArray[np.bool_],
    apart: NDArray[np.bool_],
    decoys: Sequence[NDArray[np.bool_]],
    strange: NDArray[np.float64],
    outwards: int,
) -> list[int]:
    """The right point and three others, the least strange ones that will do; empty if there are none.

    All are apart from each other, one at least is of each sort of decoys, and so many of the three are nearer
    to the middle of all four than the right one: what two views share tends to be in the middle, and that
    must not tell.
    """
    points = np.flatnonzero(usable)
    points = points[
        np.argsort(strange[points])
    ]  # a < b < c, so the first triples hold the least strange points
    a, b, c = points[TRIPLES[min(len(points), len(TRIPLES) - 1)]]
    fits = apart[a, b] & apart[a, c] & apart[b, c]
    for wanted in decoys:
        fits &= wanted[a] | wanted[b] | wanted[c]
    others = np.array([a, b, c])[:, fits]
    x, y = pixels.T
    middle_x, middle_y = ((at[right] + at[others].sum(axis=0)) / 4 for at in (x, y))
    mine = np.hypot(x[right] - middle_x, y[right] - middle_y)
    nearer = (np.hypot(x[others] - middle_x, y[others] - middle_y) < mine).sum(axis=0)
    will_do = np.flatnonzero(nearer == outwards)
    if not len(will_do):
        return []
    best = others[:, will_do[np.argmin(strange[others[:, will_do]].sum(axis=0))]]
    return [right, *best.tolist()]


def _on_box(view: View, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) places on the object's box, from -1 to 1 in each direction."""
    left, top, right, bottom = view.object_box
    return np.asarray(2 * (pixels - [left, top]) / [right - left, bottom - top] - 1)


def _mark(image: int, point: SurfacePoint, colour: Colour) -> Mark:
    x, y = point.pixels[image]
    return Mark(image=image, x=x, y=y, colour=colour)


def solve_marked_point(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B13. Which dot of image 2 is the point that is marked in image 1."""
    marked = _point_at(known, 0, [mark for mark in figure.marks if mark.image == 0])
    dots = {mark.colour: _point_at(known, 1, [mark]) for mark in figure.marks if mark.image == 1}
    right = [colour for colour, point in dots.items() if point is not None and point == marked]
    if marked is None or len(right) != 1 or set(dots) != set(COLOURS) or None in dots.values():
        return None
    if (
        not all(point is not None and point.visible[1] == "yes" for point in dots.values())
        or marked.visible[0] != "yes"
    ):
        return None
    away = [math.dist(p.pixels[1], marked.pixels[1]) for c, p in dots.items() if p and c != right[0]]
    side = 2 * known.views[1].intrinsics[0][2]
    on_object = [math.dist(p.world, marked.world) for c, p in dots.items() if p and c != right[0]]
    fact = Fact(COLOURS.index(right[0]), min(away) / (APART * side))
    # what looks the same from elsewhere has no point of its own
    if fact.margin < 1:
        return None
    alone = _marked_alone(known, marked, [dots[colour] for colour in COLOURS], COLOURS.index(right[0]))
    return Solved(fact, min(known.decidability.azimuth, *on_object), alone=alone)


def _marked_alone(
    known: Known, marked: SurfacePoint, dots: Sequence[SurfacePoint | None], right: int
) -> tuple[float, ...]:
    """What the right dot has over the mean of all: its place, its rank from the middle, whether it is nearest to the mark."""
    pixels = np.array([point.pixels[1] for point in dots if point is not None])
    side = 2 * known.views[1].intrinsics[0][2]
    on_box = _on_box(known.views[1], pixels)
    away = np.linalg.norm(pixels - pixels.mean(axis=0), axis=1)
    ranks = np.argsort(np.argsort(away))
    to_mark = np.linalg.norm(pixels - np.array(marked.pixels[0]), axis=1)
    nearest, furthest = _away_from_others(pixels)
    features = np.column_stack(
        [
            to_mark == to_mark.min(),
            *(ranks == rank for rank in range(len(COLOURS) - 1)),
            away / side,
            on_box,
            np.square(on_box),
            np.abs(on_box).max(axis=1),
            nearest / side,
            furthest / side,
        ]
    ).astype(np.float64)
    return tuple((features[right] - features.mean(axis=0)).tolist())


def _away_from_others(pixels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) from each of N points to the nearest and to the furthest of the others."""
    away = _distances(pixels, pixels)
    return np.where(np.eye(len(pixels), dtype=bool), np.inf, away).min(axis=1), away.max(axis=1)


def draw_covisible_point(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B14.

    A dot on a point that is clearly seen in image 1, and clearly seen or clearly hidden in image 2.
    """
    too_far = known.truth.covisible_fraction < gates.min_covisible_fraction
    if too_far or min(_size(view) for view in known.views[:2]) < LEAST_SIZE:
        return None
    clear = [point for point in known.seen.points if point.visible[0] == "yes"]
    seen, hidden = ([point for point in clear if point.visible[1] == state] for state in ("yes", "no"))
    # one of each, as far out on the object's box, of which one is drawn: its place must not tell
    even = [
        pair
        for pair in product(seen, hidden)
        if abs(_out(known, pair[0]) - _out(known, pair[1])) <= AS_FAR_OUT
    ]
    if not even:
        return None
    return Figure(marks=(_mark(0, even[int(rng.integers(len(even)))][int(rng.integers(2))], "red"),))


def _out(known: Known, point: SurfacePoint) -> float:
    """How far out on the object's box a point is in image 1: 1 at the middle of an edge."""
    return float(np.linalg.norm(_on_box(known.views[0], np.array([point.pixels[0]]))))


def solve_covisible_point(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B14. Whether the point that is marked in image 1 can be seen in image 2."""
    point = _point_at(known, 0, figure.marks)
    if (
        point is None
        or point.visible[0] != "yes"
        or point.visible[1] == "unclear"
        or not _enough_pixels(known, gates)
    ):
        return None
    if point.visible[1] == "no" and stays(known.truth.translation, gates):
        return None
    hidden = point.visible[1] == "no"
    alone = tuple((1 if hidden else -1) * value for value in _covisible_alone(known.views[0], point))
    return Solved(Fact(int(hidden), 1.0), known.decidability.azimuth, alone=alone)


def _covisible_alone(view: View, point: SurfacePoint) -> list[float]:
    """What one picture shows of a point: its place on the object's box and in the picture, its colour, and the object's size."""
    across, down = _on_box(view, np.array([point.pixels[0]]))[0].tolist()
    side = 2 * view.intrinsics[0][2]
    x, y = point.pixels[0]
    out = math.hypot(across, down)
    places = [across, down, out, across * across, down * down, x / side - 0.5, y / side - 0.5]
    size = [_size(view), math.log(max(view.object_share, 1e-6))]
    light = sum(point.albedo) / 3
    return [*places, *size, float(out < MIDDLE_OF_BOX), light, light * out, across * down]


def _size(view: View) -> float:
    """The longer side of the object's box, in picture sides."""
    left, top, right, bottom = view.object_box
    return max(right - left, bottom - top) / (2 * view.intrinsics[0][2])


def _enough_pixels(known: Known, gates: GateConfig) -> bool:
    """Whether the object has so many in both pictures that they can decide."""
    shown = [
        view.object_share * 4 * view.intrinsics[0][2] * view.intrinsics[1][2] for view in known.views[:2]
    ]
    return min(map(round, shown)) >= gates.min_pixels


def _point_at(known: Known, image: int, marks: Sequence[Mark]) -> SurfacePoint | None:
    """The point under a dot."""
    if len(marks) != 1:
        return None
    at = [p for p in known.seen.points if math.dist(p.pixels[image], (marks[0].x, marks[0].y)) < 0.02]
    return at[0] if len(at) == 1 else None


# --- B11: a map ------------------------------------------------------------------------------------


def draw_map(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B11.

    Four cameras on a map: the right one, its mirror image, and another couple nearer to the first or further.
    """
    right = known.truth.azimuth_change_deg
    least, most = FURTHER_DEG
    # others must fit on either side, so that the right one is as often the nearer to the first
    nearer_by, further_by = abs(right) - NEAREST_CAMERA_DEG, 180 - 0.5 * CAMERAS_APART_DEG - abs(right)
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


def solve_map(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B11. Which camera on the map, seen from above, took image 2."""
    right = known.truth.azimuth_change_deg
    away = {camera.colour: _apart_deg(camera.azimuth_deg, right) for camera in figure.map_cameras}
    angles = [0.0, *(camera.azimuth_deg for camera in figure.map_cameras)]
    nearest = min((_apart_deg(a, b) for i, a in enumerate(angles) for b in angles[:i] if b), default=0.0)
    found = [colour for colour, angle in away.items() if angle < 1]
    if (
        set(away) != set(COLOURS)
        or len(found) != 1
        or abs(right) < NEAREST_CAMERA_DEG
        or nearest < CAMERAS_APART_DEG
    ):
        return None
    alone = _map_alone([abs(camera.azimuth_deg) for camera in figure.map_cameras], abs(right))
    return Solved(
        Fact(COLOURS.index(found[0]), nearest / CAMERAS_APART_DEG), known.decidability.azimuth, alone=alone
    )


def _map_alone(angles_deg: Sequence[float], right_deg: float) -> tuple[float, ...]:
    """What the right camera has over the mean of all: how far around it is, and whether it is of the nearer couple."""
    middle = (max(angles_deg) + min(angles_deg)) / 2
    features = np.array(
        [[a / 90, (a / 90) ** 2, (a / 90) ** 3, a < middle] for a in [right_deg, *angles_deg]]
    )
    return tuple((features[0] - features[1:].mean(axis=0)).tolist())


def _apart_deg(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


# --- B15: the object's own sides -------------------------------------------------------------------


def draw_pair(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """The two pictures of a pair as they are."""
    return Figure() if len(known.views) == 2 else None


def solve_revealed_side(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B15. The one side of the object, by its own front, that image 2 shows and image 1 does not."""
    if not known.seen.sides or not _enough_pixels(known, gates) or stays(known.truth.translation, gates):
        return None
    first, second = (dict(zip(SIDES, known.seen.sides[view], strict=True)) for view in figure.images)
    hidden, shown = gates.side_grey.low, gates.side_grey.high
    sides = SIDES[: len(REVEALED)]
    new = [side for side in sides if first[side] <= hidden and second[side] > hidden]
    if len(new) != 1 or second[new[0]] < shown:
        return None
    return Solved(Fact(sides.index(new[0]), second[new[0]] / shown), known.decidability.azimuth)


# --- B16: a mirror ---------------------------------------------------------------------------------


def draw_mirrored(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B16. Every other time, image 2 is shown as in a mirror.

    Never in the same light: its side would tell.
    """
    if len(known.views) != 2 or any(view.background not in MIRROR_BACKGROUNDS for view in known.views):
        return None
    if known.views[0].light == known.views[1].light:
        return None
    return Figure(mirrored=(1,) if rng.random() < 0.5 else ())


def solve_mirrored(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B16. Whether image 2 shows the object or its mirror image, from wherever."""
    least = known.decidability.chirality
    if least < gates.min_chirality or known.truth.covisible_fraction < gates.min_covisible_for_size:
        return None
    return Solved(Fact(len(figure.mirrored), least / gates.min_chirality), least)


# --- B18: the lens or the camera's way --------------------------------------------------------------


def solve_zoom_or_dolly(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B18. Did the lens zoom, did the camera get nearer or farther, both or neither?

    Not told what the lens did.
    """
    truth, band = known.truth, gates.size_grey
    if any(view.background not in ZOOM_BACKGROUNDS for view in known.views):
        return None
    zoom, dolly = (abs(math.log(ratio)) for ratio in (truth.focal_ratio, truth.distance_ratio))
    low, high = math.log(band.low), math.log(band.high)
    if any(low < amount < high for amount in (zoom, dolly)):
        return None
    margins = [amount / high if amount >= high else 2 - amount / low for amount in (zoom, dolly)]
    option = (3, 0, 1, 2)[(zoom >= high) + 2 * (dolly >= high)]
    return Solved(Fact(option, min(margins)), known.decidability.perspective)


DOTS = tuple(f"the {colour} dot" for colour in COLOURS)
CAMERAS = tuple(f"the {colour} camera" for colour in COLOURS)
REVEALED = ("its front", "its back", "its left side", "its right side")

KINDS: tuple[Kind, ...] = (
    Kind(
        "marked_point",
        "image_2",
        "B",
        DOTS,
        (),
        of_figures_only,
        seen_alone=(),
        draw=draw_marked_point,
        solve=solve_marked_point,
    ),
    Kind(
        "covisible_point",
        "image_2",
        "B",
        ("it can be seen", "it is hidden"),
        (),
        of_figures_only,
        opposites=either(),
        draw=draw_covisible_point,
        solve=solve_covisible_point,
    ),
    Kind(
        "camera_on_map",
        "seen_from_above",
        "B",
        CAMERAS,
        (),
        of_figures_only,
        seen_alone=(),
        draw=draw_map,
        solve=solve_map,
    ),
    Kind(
        "revealed_side",
        "object_front",
        "B",
        REVEALED,
        (),
        of_figures_only,
        draw=draw_pair,
        solve=solve_revealed_side,
        # the shape of the object's box tells from which side it is seen, and so what can come into view
        can_be_fair=False,
    ),
    Kind(
        "mirrored",
        "object",
        "B",
        ("the same object", "its mirror image"),
        (),
        of_figures_only,
        opposites=either(),
        draw=draw_mirrored,
        solve=solve_mirrored,
    ),
    Kind(
        "zoom_or_dolly",
        "camera_1",
        "B",
        (
            "only the lens zoomed",
            "only the distance changed",
            "the lens and the distance changed",
            "the lens and the distance stayed",
        ),
        (),
        of_figures_only,
        draw=draw_pair,
        solve=solve_zoom_or_dolly,
    ),
)
