"""What was rendered -> the truth of each pair, in both orders, and the reason where a pair is not used.

Everything comes from the poses read back from the renderer and from its depth and albedo, nothing from the plan. Only
`promising` looks at planned poses: it saves pictures of pairs that could not be asked about anyway.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.geometry.relations import Motion, motion
from viewpoint100k.geometry.rotations import Array, wrap_deg
from viewpoint100k.geometry.visibility import Capture, Surface, covisible_fraction, merge, surface, turn_difference
from viewpoint100k.quality import Drop, Portrait, RenderedView, picture_difference, view_problem
from viewpoint100k.records import OBJECT_RADIUS, Family, PlannedPair, PlannedView, Truth, ViewSet, matrix

WHEN_STILL = {"translation": 0.3, "rotation": 15.0, "azimuth": 20.0}  # what a wrong answer would have meant
# what the exact form finds over the cheap one, at the median: benchmarks/counterfactual.py
EXACT_OVER_CHEAP = 1.5
BENEFIT_OF_DOUBT = 0.7  # small probes tell less than full pictures


class Annotation(NamedTuple):
    """The truth of one ordered pair."""

    first: int
    second: int
    truth: Truth
    decidability: dict[str, float]  # of the direction of "translation", "rotation" and "azimuth"


UNDECIDABLE = "undecidable pairs (the object looks the same from elsewhere)"


class Candidate(NamedTuple):
    """A usable pair of views, in both orders."""

    family: Family
    forward: Annotation
    backward: Annotation


def promising(
    view_set: ViewSet, portrait: Portrait, probes: Sequence[RenderedView], gates: GateConfig
) -> tuple[list[PlannedPair], list[Drop]]:
    """The planned pairs that are worth full pictures: their wrong answers would look different, as far as probes tell."""
    captures = [probe.capture for probe in probes]
    azimuths = [np.arctan2(*one.world_from_camera[[1, 0], 3]) for one in captures]
    known = dict[tuple[int, float], float]()

    def difference(probe: int, turn_deg: float) -> float:
        key = probe, round(turn_deg, 3)
        if key not in known:
            known[key] = turn_difference(portrait.cloud, captures[probe], turn_deg)
        return known[key]

    worth, drops = [], []
    for planned in view_set.pairs:
        poses = [matrix(view_set.views[i].world_from_camera) for i in (planned.first, planned.second)]
        second = np.arctan2(*poses[1][[1, 0], 3])
        nearest = int(np.argmin([abs(np.angle(np.exp(1j * (azimuth - second)))) for azimuth in azimuths]))
        turns = wrong_turns_deg(poses[0], motion(*poses), gates)
        found = difference(nearest, 0.0)
        best = EXACT_OVER_CHEAP * max(
            min(difference(nearest, turn) for turn in wrong) - found for wrong in turns.values()
        )
        if best >= BENEFIT_OF_DOUBT * gates.min_decidability:
            worth.append(planned)
        else:
            why = f"by its probes, no wrong answer would change the picture by more than {best:.3f}"
            drops.append(Drop(UNDECIDABLE, f"{planned.family}: {why}"))
    return worth, drops


class Counterfactuals:
    """The views that wrong answers imply, to be really rendered: small, aimed at the object, for a sample of objects.

    `views` are what to render; `differences` of what came back is the exact form of what `decide` estimates.
    """

    def __init__(self, view_set: ViewSet, gates: GateConfig) -> None:
        self.views: list[PlannedView] = []
        self._place: dict[tuple[int, float], int] = {}
        self._turns: dict[tuple[int, int, str], list[float]] = {}
        self._poses = [matrix(view.world_from_camera) for view in view_set.views]
        for planned in view_set.pairs:
            for first, second in ((planned.first, planned.second), (planned.second, planned.first)):
                moved = motion(self._poses[first], self._poses[second])
                for name, turns in wrong_turns_deg(self._poses[first], moved, gates).items():
                    self._turns[first, second, name] = [round(turn, 3) for turn in turns]
                    for turn in (0.0, *self._turns[first, second, name]):
                        self._plan(second, turn)

    def _plan(self, second: int, turn_deg: float) -> None:
        """The second camera, where it would stand if the object were not turned but everything else were."""
        if (second, turn_deg) in self._place:
            return
        c, s = np.cos(np.radians(-turn_deg)), np.sin(np.radians(-turn_deg))
        position = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ self._poses[second][:3, 3]
        hfov_deg = 2 * np.degrees(np.arcsin(min(OBJECT_RADIUS / float(np.linalg.norm(position)), 0.9)))
        self._place[second, turn_deg] = len(self.views)
        self.views.append(
            PlannedView(world_from_camera=look_at(position, np.zeros(3)).tolist(), hfov_deg=float(hfov_deg))
        )

    def differences(self, rendered: Sequence[RenderedView]) -> dict[tuple[int, int, str], float]:
        """For each ordered pair and each thing that is asked: how different the nearest wrong answer's view is."""
        captures = [view.capture for view in rendered]

        def difference(second: int, turn_deg: float) -> float:
            return picture_difference(captures[self._place[second, 0.0]], captures[self._place[second, turn_deg]])

        return {key: min(difference(key[1], turn) for turn in turns) for key, turns in self._turns.items()}


def annotate(
    view_set: ViewSet,
    rendered: Mapping[int, RenderedView],
    portrait: Portrait,
    gates: GateConfig,
    exact: Mapping[tuple[int, int, str], float] | None = None,
) -> tuple[list[Candidate], list[Drop]]:
    """The usable pairs of one view set, and why the others are not usable.

    Args:
        rendered: views by their number in the plan; a pair that lacks one is not looked at.
        portrait: what the object looks like where none of the views has seen it.
        exact: `Counterfactuals.differences`, where they were rendered: the smaller of both decides.

    Returns:
        Candidates in the order of the plan, and each view or pair that was dropped.
    """
    bad = {number: problem for number, view in rendered.items() if (problem := view_problem(view, gates))}
    drops = list(bad.values())
    captures = {number: view.capture for number, view in rendered.items() if number not in bad}
    cloud = merge([portrait.cloud, *(surface(one, max_points=800) for one in captures.values())])
    candidates = []
    for planned in view_set.pairs:
        if planned.first not in captures or planned.second not in captures:
            continue
        both = []
        shared = covisible_fraction(captures[planned.first], captures[planned.second])
        if shared < gates.min_covisible_fraction:
            why = f"the views share {shared:.2f} of the surface, less than {gates.min_covisible_fraction}"
            drops.append(Drop("pairs with too little in common", f"{planned.family}: {why}"))
            continue
        for first, second in ((planned.first, planned.second), (planned.second, planned.first)):
            moved = motion(captures[first].world_from_camera, captures[second].world_from_camera)
            decidability = decide(cloud, captures[first], captures[second], moved, gates)
            if exact:
                decidability = {name: min(value, exact[first, second, name]) for name, value in decidability.items()}
            truth = make_truth(moved, shared, view_set.object.front_azimuth_deg)
            both.append(Annotation(first, second, truth, decidability))
        best, name = min(max((value, name) for name, value in one.decidability.items()) for one in both)
        if best < gates.min_decidability:
            why = f"under a wrong answer (best: {name}) the picture would differ by {best:.3f} only, less than {gates.min_decidability}"
            drops.append(Drop(UNDECIDABLE, f"{planned.family}: {why}"))
            continue
        candidates.append(Candidate(planned.family, both[0], both[1]))
    return candidates, drops


def make_truth(moved: Motion, covisible: float, front_azimuth_deg: float | None) -> Truth:
    """The published truth. Rounded to a millionth, so that it does not depend on a machine's last bits."""

    def rounded(value: ArrayLike) -> float:
        return round(float(np.asarray(value)), 6) + 0.0  # + 0.0 turns -0.0 into 0.0

    return Truth(
        second_from_first=[[rounded(v) for v in row] for row in moved.second_from_first],
        translation=[rounded(v) for v in moved.translation],
        yaw_deg=rounded(moved.yaw_deg),
        pitch_deg=rounded(moved.pitch_deg),
        roll_deg=rounded(moved.roll_deg),
        azimuth_change_deg=rounded(moved.azimuth_change_deg),
        elevation_change_deg=rounded(moved.elevation_change_deg),
        distance_ratio=rounded(moved.distance_ratio),
        rotation_deg=rounded(moved.rotation_deg),
        covisible_fraction=rounded(covisible),
        front_azimuth_deg=front_azimuth_deg,
    )


def decide(cloud: Surface, first: Capture, second: Capture, moved: Motion, gates: GateConfig) -> dict[str, float]:
    """How much worse the second picture would fit if a wrong answer were true, for each thing that is asked.

    A wrong answer is a camera elsewhere that still has the object where the picture shows it: all that differs is by
    how much the object is turned. What would be seen then is compared with what is seen, on the object's own points.
    """
    found = turn_difference(cloud, second, 0.0)
    out = {}
    for name, turns in wrong_turns_deg(first.world_from_camera, moved, gates).items():
        worst = EXACT_OVER_CHEAP * (min(turn_difference(cloud, second, turn) for turn in turns) - found)
        out[name] = worst if np.isfinite(worst) else 0.0  # what cannot be judged is not asked
    return out


def wrong_turns_deg(world_from_first: Array, moved: Motion, gates: GateConfig) -> dict[str, list[float]]:
    """By how much the object would seem turned (counter-clockwise from above) under each wrong answer.

    Args:
        world_from_first: (4, 4) pose of the first camera.
        moved: what the camera really did.

    Returns:
        For "translation", "rotation" and "azimuth" the turns of their two wrong answers, in degrees.
    """
    second = (world_from_first @ np.linalg.inv(moved.second_from_first))[:3, 3]
    right = float(moved.translation[0])
    if abs(right) <= gates.truck_grey.low:
        sideways = [-WHEN_STILL["translation"], WHEN_STILL["translation"]]
    else:
        sideways = [0.0, -right]
    distance = float(np.linalg.norm(world_from_first[:3, 3]))
    elsewhere = []
    for x in sideways:
        moved_so = np.array([x, moved.translation[1], moved.translation[2]])
        position = world_from_first[:3, 3] + distance * (world_from_first[:3, :3] @ moved_so)
        azimuths = np.degrees([np.arctan2(point[1], point[0]) for point in (second, position)])
        elsewhere.append(float(wrap_deg(azimuths[1] - azimuths[0])))
    yaw, around = float(moved.yaw_deg), float(moved.azimuth_change_deg)
    turned = [-WHEN_STILL["rotation"], WHEN_STILL["rotation"]] if abs(yaw) <= gates.yaw_grey_deg.low else [0.0, -yaw]
    went = (
        [-WHEN_STILL["azimuth"], WHEN_STILL["azimuth"]] if abs(around) <= gates.azimuth_grey_deg.low else [0.0, -around]
    )
    return {
        "translation": [-further for further in elsewhere],  # a camera further around sees the object turned back
        "rotation": [float(wrap_deg(wrong - yaw)) for wrong in turned],
        "azimuth": [float(wrap_deg(around - wrong)) for wrong in went],
    }
