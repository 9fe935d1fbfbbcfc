"""The answers once more, of kinds that draw a figure and of kinds about sets of views.

From the stored poses, points, shares of sides and figures alone. As in `recompute`, nothing is shared with
what gave the answers. What no shard keeps cannot be computed again: whether a point is seen is taken as
stored, and only held against where the object is in the picture.
"""

import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.audit.recompute import Label, elevation_deg, measure, swing_deg
from viewpoint100k.audit.statistics import Array
from viewpoint100k.config import GateConfig, Range
from viewpoint100k.records import OBJECT_RADIUS, Mark, Question, Sample, SurfacePoint, View

NEAR_PX = 0.5  # between a dot and its point, as the pose projects it
BESIDE_PX = 2.0  # of an object's box: antialiased edges
DOT_COLOURS = {"red", "blue", "green", "yellow"}
DOTS_APART = 0.06  # picture sides
CAMERAS_APART_DEG, CAMERA_MOVED_DEG = 35.0, 20.0
ROUNDING_DEG = 1e-4  # of stored truth
SIDES_DEG = {
    "front": 0.0,
    "back": 180.0,
    "left": 90.0,
    "right": -90.0,
}  # from the front, counter-clockwise from above
TURNED_AWAY_DEG = 115.0  # between where a side faces and the camera: 25 degrees beyond grazing
STEP_DEG = 20.0
ROUNDED_DEG, LEVEL_DEG = 3.5, 6.0
COMPOSED_DEG, COMPOSED_EDGES_DEG = (60, 120), (43, 85, 165)
MOVES = re.compile(
    r"about (\d+) degrees (counter-clockwise|clockwise) \(seen from above\)|about (\d+) degrees more steeply"
)


class Found(NamedTuple):
    """The right answer of a question with a figure, and what it depends on."""

    label: Label
    decidability: float
    shared: tuple[tuple[int, int], ...] = ((0, 1),)  # views that must have surface in common


def solve(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    """The right answer of a question, or why it must not be asked.

    Raises:
        KeyError: there is no second implementation of this kind, or it needs none: see `recompute`.
    """
    kind = f"{question.type}/{question.frame}"
    shown = KINDS[kind].images
    if question.images != list(shown or question.images) or len({*question.images}) != len(question.images):
        return f"shows views {question.images}"
    of_a_pair, of_a_set = len(sample.views) == 2, len(sample.views) > 2
    if max(question.images) >= len(sample.views) or not (
        of_a_pair if KINDS[kind].only_pairs else of_a_set or shown == (0, 1)
    ):
        return f"is asked of {len(sample.views)} views"
    tables = sample.seen.difference, sample.seen.covisible_fraction
    other_side, views = sample.seen.other_side, len(sample.views)
    if len(sample.views) > 2 and not all(
        len(rows) == len(sample.views) == len(row)
        for rows in (*tables, [other_side] * views)
        for row in rows or [[]]
    ):
        return "is asked of a set of which it is not stored how its views differ"
    figures = {"marks": question.marks, "mirrored": question.mirrored, "map_cameras": question.map_cameras}
    for name, figure in figures.items():
        if figure and name != KINDS[kind].draws:
            return f"has {name} that its kind does not draw"
    return KINDS[kind].solve(sample, question, gates)


# --- marked points ---------------------------------------------------------------------------------


def project(worlds: Sequence[Sequence[float]] | Array, view: View) -> Array:
    """(n, 2) where points are in a picture, in pixels; infinitely far away behind the camera.

    By the camera's whole matrix.
    """
    camera = np.array(view.intrinsics) @ np.linalg.inv(np.array(view.world_from_camera))[:3]  # (3, 4)
    points = np.asarray(worlds, dtype=np.float64).reshape(-1, 3)
    x, y, w = camera @ np.vstack([points.T, np.ones(len(points))])
    ahead = w > 0
    return np.where(ahead[:, None], np.stack([x, y], axis=1) / np.where(ahead, w, 1.0)[:, None], np.inf)


def reprojection_px(points: Sequence[SurfacePoint], view: View, image: int) -> Array:
    """(n,) between where points are stored to be in a picture and where the pose has them."""
    stored = np.array([point.pixels[image] for point in points]).reshape(-1, 2)
    return np.asarray(np.hypot(*(project([point.world for point in points], view) - stored).T))


def _under(mark: Mark, sample: Sample) -> SurfacePoint | str:
    """The clearly visible stored point that the pose projects to a dot."""
    view = sample.views[mark.image]
    clear = [point for point in sample.seen.points if point.visible[mark.image] == "yes"]
    away = np.hypot(*(project([point.world for point in clear], view) - [mark.x, mark.y]).T)
    if not len(away) or away.min() > NEAR_PX:
        nearest = min(away, default=math.inf)
        return f"has a {mark.colour} dot in image {mark.image + 1} that is {nearest:.1f} px from the nearest visible point"
    width, height = 2 * view.intrinsics[0][2], 2 * view.intrinsics[1][2]
    if not (0 <= mark.x < width and 0 <= mark.y < height):
        return f"has a {mark.colour} dot outside image {mark.image + 1}"
    return clear[int(np.argmin(away))]


def _marked_point(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    marks = [mark for mark in question.marks if mark.image == 0]
    dots = {mark.colour: mark for mark in question.marks if mark.image == 1}
    if len(marks) != 1 or len(question.marks) != 5 or set(dots) != DOT_COLOURS:
        return f"has {len(question.marks)} dots of the colours {sorted(dots)}"
    marked = _under(marks[0], sample)
    if isinstance(marked, str):
        return marked
    if marked.visible != ["yes", "yes"]:
        return "marks a point that is not clearly seen in both pictures"
    points = {}
    for colour, dot in dots.items():
        point = _under(dot, sample)
        if isinstance(point, str):
            return point
        points[colour] = point
    right = [colour for colour, point in points.items() if point is marked]
    if len(right) != 1:
        return f"has {len(right)} dots on the marked point"
    mine = dots[right[0]]
    others = [colour for colour in dots if colour != mine.colour]
    apart = min(math.dist((mine.x, mine.y), (dots[other].x, dots[other].y)) for other in others)
    away = min(math.dist(marked.world, points[other].world) for other in others)
    side = 2 * sample.views[1].intrinsics[0][2]
    label = Label(f"the {mine.colour} dot", apart / (DOTS_APART * side))
    return Found(label, min(sample.decidability.azimuth, away))


def _covisible_point(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    if [(mark.image, mark.colour) for mark in question.marks] != [(0, "red")]:
        return "has not one red dot in image 1"
    point = _under(question.marks[0], sample)
    if isinstance(point, str):
        return point
    if point.visible[1] == "unclear":
        return "marks a point of which it is unclear whether image 2 shows it"
    if point.visible[1] == "no" and _stayed(sample, gates):
        return "says that a point is hidden, and the camera is where it was"
    view = sample.views[1]
    x, y = project([point.world], view)[0]
    left, top, right, bottom = view.object_box
    if not (left - BESIDE_PX <= x <= right + BESIDE_PX and top - BESIDE_PX <= y <= bottom + BESIDE_PX):
        return (
            "marks a point that is neither seen nor hidden by the object in image 2: it lies beside its box"
        )
    if small := _too_small(sample, gates):
        return small
    words = {"yes": "it can be seen", "no": "it is hidden"}[point.visible[1]]
    return Found(Label(words, 1.0), sample.decidability.azimuth)


def _stayed(sample: Sample, gates: GateConfig) -> bool:
    """Whether the second camera is where the first was, along each of its axes: then it sees the same, turned or not."""
    moved = measure(sample.views[0], sample.views[1], None)
    return all(abs(step) <= gates.truck_grey.low for step in (moved.right, moved.up, moved.forward))


def _too_small(sample: Sample, gates: GateConfig) -> str:
    """Why pixels cannot decide; empty if they can."""
    for number, view in enumerate(sample.views[:2]):
        across, down = 2 * view.intrinsics[0][2], 2 * view.intrinsics[1][2]
        count = round(view.object_share * across * down)
        if count < gates.min_pixels:
            return f"is asked of an object of {count} pixels in image {number + 1}, fewer than {gates.min_pixels}"
    return ""


# --- other figures of pairs ------------------------------------------------------------------------


def _camera_on_map(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    cameras = {camera.colour: camera.azimuth_deg for camera in question.map_cameras}
    if len(question.map_cameras) != 4 or set(cameras) != DOT_COLOURS:
        return f"has a map with the cameras {sorted(cameras)}"
    one, two = (np.array(view.world_from_camera)[:3, 3] for view in sample.views[:2])
    turn = swing_deg(one, two)
    right = [colour for colour, angle in cameras.items() if abs(math.remainder(angle - turn, 360)) < 1]
    if len(right) != 1:
        return f"has {len(right)} cameras on its map where image 2 was taken, {turn:.1f} degrees around"
    if abs(turn) < CAMERA_MOVED_DEG - ROUNDING_DEG:
        return f"has a camera only {abs(turn):.1f} degrees around"
    around = sorted(angle % 360 for angle in cameras.values())
    gaps = [b - a for a, b in zip(around, [*around[1:], around[0] + 360], strict=True)]
    return Found(Label(f"the {right[0]} camera", min(gaps) / CAMERAS_APART_DEG), sample.decidability.azimuth)


def side_angle_deg(view: View, side: str, front_azimuth_deg: float) -> float:
    """Between where a side of the object faces and the camera, seen from the object's middle."""
    angle = math.radians(front_azimuth_deg + SIDES_DEG[side])
    x, y, z = (row[3] for row in view.world_from_camera[:3])
    cosine = (x * math.cos(angle) + y * math.sin(angle)) / math.hypot(x, y, z)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def _revealed_side(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    front = sample.truth.front_azimuth_deg
    if front is None or len(sample.seen.sides) < 2:
        return "is asked of an object whose front is unknown"
    if _stayed(sample, gates):
        return "says that a side was revealed, and the camera is where it was"
    if small := _too_small(sample, gates):
        return small
    shares = [dict(zip(SIDES_DEG, sides, strict=False)) for sides in sample.seen.sides]
    for number, (view, share) in enumerate(zip(sample.views, shares, strict=True)):
        # a camera nearby sees around the corner by half of what the object spans
        reach = math.degrees(math.asin(min(1.0, OBJECT_RADIUS / math.dist(_place(view), (0, 0, 0)))))
        for side in SIDES_DEG:
            away = side_angle_deg(view, side, front)
            if share[side] >= gates.side_grey.high and away > TURNED_AWAY_DEG + reach:
                return f"has its {side} on {share[side]:.0%} of the object in image {number + 1}, {away:.0f} degrees away"
    new = [side for side in SIDES_DEG if shares[0][side] <= gates.side_grey.low < shares[1][side]]
    if len(new) != 1 or shares[1][new[0]] < gates.side_grey.high:
        return f"reveals {new or 'no side'} by the stored shares"
    before, after = (side_angle_deg(view, new[0], front) for view in sample.views)
    if after >= before:
        return f"reveals its {new[0]}, which turned away from the camera, from {before:.0f} to {after:.0f} degrees"
    margin = shares[1][new[0]] / gates.side_grey.high
    words = f"its {new[0]}" + (" side" if new[0] in ("left", "right") else "")
    return Found(Label(words, margin), sample.decidability.azimuth)


def _mirrored(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    if question.mirrored not in ([], [1]):
        return f"mirrors pictures {question.mirrored}"
    if not {view.background for view in sample.views} <= {"plain", "gradient"}:
        return "is asked before a background that tells a mirror by itself"
    if sample.truth.covisible_fraction < gates.min_covisible_for_size:
        return "is asked of views that share too little"
    least = sample.decidability.chirality
    words = "its mirror image" if question.mirrored else "the same object"
    return Found(Label(words, least / gates.min_chirality), least)


def _zoom_or_dolly(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    if {view.background for view in sample.views} != {"hdri"}:
        return "is asked without a far background"
    moved = measure(sample.views[0], sample.views[1], None)
    band = Range(low=math.log(gates.size_grey.low), high=math.log(gates.size_grey.high))
    clear = [_clear(abs(math.log(ratio)), band) for ratio in (moved.focal_ratio, moved.distance_ratio)]
    if clear[0] is None or clear[1] is None:
        return (
            f"changes the lens {moved.focal_ratio:.3f} times, the distance {moved.distance_ratio:.3f} times"
        )
    (zoomed, one), (went, other) = clear[0], clear[1]
    words = {
        (True, False): "only the lens zoomed",
        (False, True): "only the distance changed",
        (True, True): "the lens and the distance changed",
        (False, False): "the lens and the distance stayed",
    }[zoomed, went]
    return Found(Label(words, min(one, other)), sample.decidability.perspective)


def _clear(amount: float, band: Range) -> tuple[bool, float] | None:
    """Whether something changed, and how clear that is; None in the grey band."""
    if amount <= band.low:
        return False, 2 - amount / band.low
    return (True, amount / band.high) if amount >= band.high else None


# --- sets of views ---------------------------------------------------------------------------------


def _place(view: View) -> Array:
    return np.array(view.world_from_camera)[:3, 3]


def way_deg(one: View, other: View) -> tuple[float, float]:
    """From one view to another: around the object (counter-clockwise from above), and up."""
    here, there = _place(one), _place(other)
    return swing_deg(here, there), elevation_deg(there) - elevation_deg(here)


def _which_view(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    moves = MOVES.findall(question.prompt.split("\n")[0])
    if len(moves) != 1:
        return f"says {len(moves)} motions"
    tens, sense, rise = moves[0]
    wanted = (0.0, float(rise)) if rise else (float(tens) * (1 if sense.startswith("counter") else -1), 0.0)
    ways = [way_deg(sample.views[0], sample.views[view]) for view in question.images]
    main = 1 if rise else 0
    right = [
        place
        for place, way in enumerate(ways)
        if abs(way[main] - wanted[main]) <= ROUNDED_DEG and abs(way[1 - main]) <= LEVEL_DEG and place
    ]
    if len(right) != 1:
        return f"has {len(right)} views where the motion leads"
    view, others = right[0], [place for place in (1, 2, 3) if place != right[0]]
    apart = min(
        math.hypot(math.remainder(ways[view][0] - ways[o][0], 360), ways[view][1] - ways[o][1])
        for o in others
    )
    least = min(sample.seen.difference[view][other] for other in others)
    return Found(Label(f"image {view + 1}", 2 * apart / STEP_DEG), least, ((0, view),))


def _order(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    turns = {view: way_deg(sample.views[0], sample.views[view])[0] for view in (1, 2, 3)}
    along = [0, *sorted(turns, key=lambda view: abs(turns[view]))]
    legs = [way_deg(sample.views[a], sample.views[b])[0] for a, b in itertools.pairwise(along)]
    if len({leg > 0 for leg in legs}) != 1 or abs(sum(legs)) >= 180:
        return f"has no one way around its views: legs of {[round(leg) for leg in legs]} degrees"
    words = ", ".join(str(view + 1) for view in along[1:])
    least = min(sample.seen.difference[a][b] for a in range(4) for b in range(4) if a != b)
    shared = tuple(itertools.pairwise(along))
    return Found(Label(words, min(map(abs, legs)) / STEP_DEG), least, shared)


def _composed(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    if len(question.images) != 3 or question.images[0] != 0:
        return f"shows views {question.images}"
    first, middle, last = question.images
    legs = [way_deg(sample.views[a], sample.views[b])[0] for a, b in ((first, middle), (middle, last))]
    total = sum(legs)
    if legs[0] * legs[1] <= 0 or not COMPOSED_EDGES_DEG[0] < abs(total) < COMPOSED_EDGES_DEG[-1]:
        return f"has legs of {legs[0]:.0f} and {legs[1]:.0f} degrees"
    away = min(abs(math.log(abs(total) / edge)) for edge in COMPOSED_EDGES_DEG) / 0.15
    number = sum(abs(total) > edge for edge in COMPOSED_EDGES_DEG) - 1
    way = "counter-clockwise" if total > 0 else "clockwise"
    difference = sample.seen.difference
    other_way = max(sample.seen.other_side[middle], sample.seen.other_side[last])
    least = min(difference[middle][first], difference[last][middle], difference[last][first], other_way)
    shared = ((first, middle), (middle, last))
    return Found(Label(f"about {COMPOSED_DEG[number]} degrees {way}", away), least, shared)


class Solver(NamedTuple):
    """How a kind is answered again, and what it shows."""

    solve: Callable[[Sample, Question, GateConfig], Found | str]
    images: tuple[int, ...] = (0, 1)  # empty: whichever
    draws: str = ""
    only_pairs: bool = False  # else the first two views of a set will do


KINDS: dict[str, Solver] = {
    "marked_point/image_2": Solver(_marked_point, draws="marks"),
    "covisible_point/image_2": Solver(_covisible_point, draws="marks"),
    "camera_on_map/seen_from_above": Solver(_camera_on_map, draws="map_cameras"),
    "revealed_side/object_front": Solver(_revealed_side, only_pairs=True),
    "mirrored/object": Solver(_mirrored, draws="mirrored", only_pairs=True),
    "zoom_or_dolly/camera_1": Solver(_zoom_or_dolly, only_pairs=True),
    "which_view/around_object": Solver(_which_view, (0, 1, 2, 3)),
    "order/around_object": Solver(_order, (0, 1, 2, 3)),
    "composed_angle/seen_from_above": Solver(_composed, ()),
}
