"""How different a picture would be if a wrong answer were true: what pixels cannot decide must not be asked.

`promising` judges planned poses by small probes, which saves rendering pairs that could not be asked about
anyway. `decide` judges a rendered pair by surface points that were already seen. `Counterfactuals` renders
the views that wrong answers imply, for some objects.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from viewpoint100k.config import GateConfig, Range
from viewpoint100k.geometry.cameras import elevation_about_origin_deg, look_at
from viewpoint100k.geometry.points import lens_or_place
from viewpoint100k.geometry.relations import Motion, motion, motions_between
from viewpoint100k.geometry.rotations import Array, wrap_deg, wrapped_deg
from viewpoint100k.geometry.visibility import Capture, Surface, look_differences, merge
from viewpoint100k.motions import SETS, family_of
from viewpoint100k.quality import SYMMETRIC, Drop, Portrait, RenderedView, picture_difference
from viewpoint100k.records import (
    OBJECT_RADIUS,
    Decidability,
    PlannedPair,
    PlannedView,
    Truth,
    ViewSet,
    matrix,
)

# the amount of motion that a wrong answer implies where there was none
WHEN_STILL = {"move": 0.3, "rotation": 15.0, "azimuth": 20.0, "tilt": 12.0, "ratio": 1.3}
# median ratio of the exact form to the cheap one, measured by benchmarks/counterfactual.py
EXACT_OVER_CHEAP = 1.5
POINTS = 250  # points of an object that are compared: enough to tell whether its appearance differs
BENEFIT_OF_DOUBT = 0.7  # small probes tell less than full pictures
UNDECIDABLE = "undecidable pairs (the object looks the same from elsewhere)"
UPRIGHT = (0.0, 0.0, 1.0)
EYE = np.eye(3)


def promising(
    view_set: ViewSet, portrait: Portrait, probes: Sequence[RenderedView], gates: GateConfig
) -> tuple[list[PlannedPair], list[Drop]]:
    """The planned pairs worth full pictures: the probes say that their wrong answers would look different."""
    captures = [probe.capture for probe in probes]
    azimuths = np.array([_azimuth(capture.world_from_camera) for capture in captures])
    poses = [matrix(view.world_from_camera) for view in view_set.views]
    moved_of = motions_between(poses, [(pair.first, pair.second) for pair in view_set.pairs])
    worth = []
    drops = []
    for planned, moved in zip(view_set.pairs, moved_of, strict=True):
        away = np.abs(wrap_deg(np.degrees(azimuths - _azimuth(poses[planned.second]))))
        nearest = captures[int(np.argmin(away))]
        found = differences(portrait.cloud, nearest, wrong_looks(poses[planned.first], moved, gates))
        found |= dict.fromkeys(_beyond(portrait), 0.0)
        best = max(found[name] for name in moving(planned.motion))
        if planned.event or best >= BENEFIT_OF_DOUBT * gates.min_decidability:
            worth.append(planned)
        else:
            why = f"by its probes, no wrong answer would change the picture by more than {best:.3f}"
            drops.append(Drop(UNDECIDABLE, f"{family_of(planned.motion)}: {why}"))
    return worth, drops


def _azimuth(world_from_camera: Array) -> float:
    """Azimuth of a camera about the object, in radians."""
    return float(np.arctan2(world_from_camera[1, 3], world_from_camera[0, 3]))


def _beyond(portrait: Portrait) -> tuple[str, ...]:
    """The questions that a rotationally symmetric object, however it is turned, leaves undecidable."""
    symmetric = portrait.problem is not None and portrait.problem.kind == SYMMETRIC
    return ("translation", "rotation", "azimuth") if symmetric else ()


def moving(code: str) -> list[str]:
    """The questions whose answer for this motion is not "none": the keys of `wrong_looks` for its signs."""
    of_sign = (
        ("translation", "azimuth"),
        ("vertical", "elevation"),
        ("forward", "distance"),
        ("rotation",),
        ("pitch",),
        ("roll",),
    )
    if code in SETS:
        return ["azimuth"]
    questions = [name for sign, names in zip(code, of_sign, strict=False) if sign in "+-" for name in names]
    return questions or [name for names in of_sign for name in names]


class Counterfactuals:
    """The views that wrong answers imply, actually rendered: small, aimed at the object, for some objects.

    `views` are to be rendered; `differences` of the results is the exact form of what `decide` estimates.
    """

    def __init__(self, view_set: ViewSet, gates: GateConfig) -> None:
        self.views: list[PlannedView] = []
        self._place: dict[tuple[int, float], int] = {}
        self._turns: dict[tuple[int, int, str], list[float]] = {}
        self._poses = [matrix(view.world_from_camera) for view in view_set.views]
        for planned in view_set.pairs:
            first = planned.first
            second = planned.second
            moved = motion(self._poses[first], self._poses[second])
            for name, turns in _wrong_turns_deg(
                self._poses[first], moved, self._poses[second][:3, 3].tolist(), gates
            ).items():
                self._turns[first, second, name] = [round(turn, 3) for turn in turns]
                for turn in (0.0, *self._turns[first, second, name]):
                    self._plan(second, turn)

    def _plan(self, second: int, turn_deg: float) -> None:
        """Add the second camera, carried around the object by the opposite of the object's turn.

        The view shows the object turned, under the same light of the camera.
        """
        if (second, turn_deg) in self._place:
            return
        c = np.cos(np.radians(-turn_deg))
        s = np.sin(np.radians(-turn_deg))
        position = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ self._poses[second][:3, 3]
        hfov_deg = 2 * np.degrees(np.arcsin(min(OBJECT_RADIUS / float(np.linalg.norm(position)), 0.9)))
        self._place[second, turn_deg] = len(self.views)
        self.views.append(
            PlannedView(world_from_camera=look_at(position, np.zeros(3)).tolist(), hfov_deg=float(hfov_deg))
        )

    def differences(self, rendered: Sequence[RenderedView]) -> dict[tuple[int, int, str], float]:
        """How different the nearest wrong answer's view is, by ordered pair and question."""
        captures = [view.capture for view in rendered]

        def difference(second: int, turn_deg: float) -> float:
            return picture_difference(
                captures[self._place[second, 0.0]], captures[self._place[second, turn_deg]]
            )

        return {key: min(difference(key[1], turn) for turn in turns) for key, turns in self._turns.items()}


def decide(
    cloud: Surface, first: Capture, second: Capture, moved: Motion, gates: GateConfig
) -> dict[str, float]:
    """How much worse the second picture would fit if a wrong answer were true, by question.

    A wrong answer implies a camera elsewhere that still has the object where the picture shows it. Only the
    object's apparent rotation or its distance differs. What that camera would see is compared with what is
    seen, at the object's own points.
    """
    return differences(cloud, second, wrong_looks(first.world_from_camera, moved, gates))


def decidability_of(
    measured: Mapping[str, float], cloud: Surface, second: Capture, truth: Truth, portrait: Portrait
) -> Decidability:
    """The differences found, and those that zoom or a mirror could have caused, each within 0..1."""
    perspective = lens_or_place(
        cloud.points[::3],
        second.world_from_camera,
        second.intrinsics,
        truth.distance_ratio,
        truth.focal_ratio,
    )
    every = {**measured, "perspective": perspective, "chirality": EXACT_OVER_CHEAP * portrait.chirality}
    every |= dict.fromkeys(_beyond(portrait), 0.0)
    return Decidability(**{name: round(min(max(float(value), 0.0), 1.0), 6) for name, value in every.items()})


def unlike(
    cloud: Surface,
    capture: Capture,
    azimuth: float,
    height: float,
    azimuths: Sequence[float],
    heights: Sequence[float],
) -> Array:
    """(n,) How different the object looks to a camera from what cameras elsewhere around it would see.

    Args:
        azimuth: azimuth of the camera in degrees.
        height: elevation of the camera in degrees.
        azimuths, heights: (n,) those of the other cameras, in degrees.
    """
    here = math.radians(azimuth)
    across = (-math.sin(here), math.cos(here), 0.0)
    # a camera further around sees the object turned back, a higher camera sees it tipped down
    back = _turned([(UPRIGHT, azimuth - other) for other in azimuths])
    down = _turned([(across, other - height) for other in heights])
    found, *others = EXACT_OVER_CHEAP * look_differences(cloud, capture, np.array([EYE, *(down @ back)]))
    return np.asarray(np.clip(np.nan_to_num(np.array(others) - found), 0, 1))


def differences(cloud: Surface, second: Capture, wrong: Mapping[str, Sequence[Array]]) -> dict[str, float]:
    """The least difference of a wrong answer beyond that of the right one; 0 where it cannot be judged."""
    looks = np.array([EYE, *(look for looks in wrong.values() for look in looks)])
    values = look_differences(thin(cloud), second, looks).tolist()
    out = {}
    at = 1  # the first one belongs to the right answer
    for name, mine in wrong.items():
        least = EXACT_OVER_CHEAP * (min(values[at : at + len(mine)]) - values[0])
        out[name] = least if math.isfinite(least) else 0.0
        at += len(mine)
    return out


def thin(cloud: Surface) -> Surface:
    """At most `POINTS` points of an object, contiguous in memory."""
    return merge([cloud.every(math.ceil(len(cloud.points) / POINTS))])


def _turned_about(
    by_axis: Sequence[tuple[tuple[float, ...], Mapping[str, Sequence[float]]]],
) -> dict[str, list[Array]]:
    """(3, 3) rotations by question, about each axis by its angles in degrees."""
    angles_of = [(name, axis, angles) for axis, of_name in by_axis for name, angles in of_name.items()]
    turns = iter(_turned([(axis, angle) for _, axis, angles in angles_of for angle in angles]))
    return {name: [next(turns) for _ in angles] for name, _, angles in angles_of}


def wrong_looks(world_from_first: Array, moved: Motion, gates: GateConfig) -> dict[str, list[Array]]:
    """How the object would look to the second camera under each wrong answer, by question.

    Args:
        world_from_first: (4, 4) pose of the first camera.
        moved: what the camera really did.

    Returns:
        By question, the (3, 3) linear maps of the object, in world axes, that its wrong answers amount to.
    """
    x, y, z = second = _second_place(world_from_first, moved)
    around = math.atan2(y, x)
    here = math.hypot(x, y, z)
    _, down, ahead = moved.translation.tolist()
    move = WHEN_STILL["move"]
    tilts = gates.tilt_grey_deg
    tilt = WHEN_STILL["tilt"]
    wrong_moves = {1: _wrong(down, gates.truck_grey, move), 2: _wrong(ahead, gates.dolly_grey, move)}
    higher, nearer = _elsewhere(world_from_first, moved, wrong_moves)
    pitched = float(moved.pitch_deg)
    rolled = float(moved.roll_deg)
    raised = float(moved.elevation_change_deg)
    ratio = float(moved.distance_ratio)
    if abs(math.log(ratio)) <= math.log(gates.size_grey.low):
        ratio = WHEN_STILL["ratio"]
    elevation_deg = elevation_about_origin_deg((x, y, z))
    # a camera that is higher by an angle sees the object tipped towards it by that angle; a turn about
    # `across` tips it down
    tipped = {
        "vertical": [elevation_about_origin_deg(place) - elevation_deg for place in higher],
        "pitch": [pitched - wrong for wrong in _wrong(pitched, tilts, tilt)],
        "elevation": [wrong - raised for wrong in _wrong(raised, tilts, tilt)],
    }
    rolls = {"roll": [rolled - wrong for wrong in _wrong(rolled, tilts, tilt)]}
    across = (-math.sin(around), math.cos(around), 0.0)
    line_of_sight = tuple((world_from_first[:3, :3] @ moved.second_from_first[2, :3]).tolist())
    upright = _wrong_turns_deg(world_from_first, moved, second, gates)
    out = _turned_about(((UPRIGHT, upright), (across, tipped), (line_of_sight, rolls)))
    out["forward"] = [_larger(here / math.hypot(*place) for place in nearer)]
    # as if the distance had stayed; the opposite change would differ more
    out["distance"] = [_larger([ratio])]
    return out


def _second_place(world_from_first: Array, moved: Motion) -> list[float]:
    """(3,) position of the second camera in world axes."""
    position = world_from_first[:3, 3]
    rotation = world_from_first[:3, :3]
    out: list[float] = (position + math.hypot(*position) * rotation @ moved.translation).tolist()
    return out


def _elsewhere(
    world_from_first: Array, moved: Motion, wrong: Mapping[int, Sequence[float]]
) -> list[list[list[float]]]:
    """Positions of the second camera if it moved differently along an axis of the first: a list per axis."""
    position = world_from_first[:3, 3]
    rotation = world_from_first[:3, :3]
    ways: list[float] = moved.translation.tolist()
    translations = [[*ways[:axis], one, *ways[axis + 1 :]] for axis, ones in wrong.items() for one in ones]
    places = iter((position + math.hypot(*position) * np.array(translations) @ rotation.T).tolist())
    return [[next(places) for _ in ones] for ones in wrong.values()]


def _wrong(value: float, grey: Range, when_still: float) -> list[float]:
    """The amounts that wrong answers imply: the opposite or none; either direction where there was none."""
    return [-when_still, when_still] if abs(value) <= grey.low else [0.0, -value]


def _wrong_turns_deg(
    world_from_first: Array, moved: Motion, second: Sequence[float], gates: GateConfig
) -> dict[str, list[float]]:
    """How far the object would seem turned (counter-clockwise from above) under each wrong answer.

    Args:
        second: (3,) position of the second camera in world axes.

    Returns:
        For "translation", "rotation" and "azimuth", the apparent turns under their two wrong answers, in
        degrees.
    """
    x, y, _ = second
    sideways = _wrong(float(moved.translation[0]), gates.truck_grey, WHEN_STILL["move"])
    further = [
        math.degrees(math.atan2(there_y, there_x) - math.atan2(y, x))
        for there_x, there_y, _ in _elsewhere(world_from_first, moved, {0: sideways})[0]
    ]
    yaw = float(moved.yaw_deg)
    around = float(moved.azimuth_change_deg)
    turned = _wrong(yaw, gates.yaw_grey_deg, WHEN_STILL["rotation"])
    went = _wrong(around, gates.azimuth_grey_deg, WHEN_STILL["azimuth"])
    return {
        # a camera further around sees the object turned back
        "translation": [wrapped_deg(-angle) for angle in further],
        "rotation": [wrapped_deg(wrong - yaw) for wrong in turned],
        "azimuth": [wrapped_deg(around - wrong) for wrong in went],
    }


def _larger(factors: Iterable[float]) -> Array:
    """(3, 3) scaling of the object by the least of some factors.

    An object that should shrink is enlarged as well: that differs as much, and it shows beside the outline.
    """
    return np.asarray(EYE * min(max(factor, 1 / factor) for factor in factors))


def _turned(turns: Sequence[tuple[tuple[float, ...], float]]) -> Array:
    """(K, 3, 3) right-handed rotations about unit axes, each by an angle in degrees."""
    cross = np.array([[[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]] for (x, y, z), _ in turns])
    angles = np.radians([angle for _, angle in turns])[:, None, None]
    return np.asarray(EYE + np.sin(angles) * cross + (1 - np.cos(angles)) * (cross @ cross))
