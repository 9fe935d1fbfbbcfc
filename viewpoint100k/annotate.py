"""What was rendered -> the truth of each pair, in both orders, and the reason where a pair is not used.

Everything comes from the poses read back from the renderer and from its depth and albedo, nothing from the plan.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.cameras import pose
from viewpoint100k.geometry.relations import Motion, motion
from viewpoint100k.geometry.rotations import wrap_deg
from viewpoint100k.geometry.visibility import (
    Capture,
    Surface,
    covisible_fraction,
    mask,
    merge,
    surface,
    turn_difference,
)
from viewpoint100k.records import Family, Truth, View, ViewSet, matrix

WHEN_STILL = {"translation": 0.3, "rotation": 15.0, "azimuth": 20.0}  # what a wrong answer would have meant


class RenderedView(NamedTuple):
    """One view as the renderer returned it."""

    view: View
    image: bytes  # JPEG
    depth: NDArray[np.float32]  # (H, W), `FAR` or more where there is no object
    albedo: NDArray[np.float32]  # (H, W, 3) in [0, 1]
    luminance_std: float  # of the picture, 0..1


def capture(view: RenderedView) -> Capture:
    return Capture(view.depth, view.albedo, matrix(view.view.world_from_camera), matrix(view.view.intrinsics))


class Annotation(NamedTuple):
    """The truth of one ordered pair."""

    first: int
    second: int
    truth: Truth
    decidability: dict[str, float]  # of the direction of "translation", "rotation" and "azimuth"


class Drop(NamedTuple):
    """A view or a pair that is not used."""

    kind: str  # for counting
    why: str  # one line for people


class Candidate(NamedTuple):
    """A usable pair of views, in both orders."""

    family: Family
    forward: Annotation
    backward: Annotation


def annotate(
    view_set: ViewSet, rendered: Sequence[RenderedView], probes: Sequence[RenderedView], gates: GateConfig
) -> tuple[list[Candidate], list[Drop]]:
    """The usable pairs of one view set, and why the others are not usable.

    Args:
        rendered: the views, in the order of the plan.
        probes: small views from all around: what the object looks like where none of the views has seen it.

    Returns:
        Candidates in the order of the plan, and each view or pair that was dropped.
    """
    bad = {number: problem for number, view in enumerate(rendered) if (problem := _view_problem(view, gates))}
    drops = list(bad.values())
    captures = [capture(view) for view in rendered]
    parts = [surface(one, max_points=800) for one in (*captures, *map(capture, probes))]
    cloud = merge([part for part in parts if len(part.points)] or parts)
    candidates = []
    for planned in view_set.pairs:
        if planned.first in bad or planned.second in bad:
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
            truth = make_truth(moved, shared, view_set.object.front_azimuth_deg)
            both.append(Annotation(first, second, truth, decidability))
        weakest, name = min((value, name) for one in both for name, value in one.decidability.items())
        if weakest < gates.min_decidability:
            why = f"{name}: under a wrong answer the picture would differ by {weakest:.3f} only, less than {gates.min_decidability}"
            drops.append(
                Drop("undecidable pairs (the object looks the same from elsewhere)", f"{planned.family}, {why}")
            )
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
    for name, turns in _wrong_turns_deg(first, second, moved, gates).items():
        worst = min(turn_difference(cloud, second, turn) for turn in turns) - found
        out[name] = worst if np.isfinite(worst) else 0.0  # what cannot be judged is not asked
    return out


def _wrong_turns_deg(first: Capture, second: Capture, moved: Motion, gates: GateConfig) -> dict[str, list[float]]:
    """By how much the object would seem turned (counter-clockwise from above) under each wrong answer."""
    right = float(moved.translation[0])
    if abs(right) <= gates.truck_grey.low:
        sideways = [-WHEN_STILL["translation"], WHEN_STILL["translation"]]
    else:
        sideways = [0.0, -right]
    distance = float(np.linalg.norm(first.world_from_camera[:3, 3]))
    elsewhere = []
    for x in sideways:
        position = first.world_from_camera[:3, 3] + distance * (
            first.world_from_camera[:3, :3] @ np.array([x, moved.translation[1], moved.translation[2]])
        )
        elsewhere.append(
            motion(second.world_from_camera, pose(second.world_from_camera[:3, :3], position)).azimuth_change_deg
        )
    yaw, around = float(moved.yaw_deg), float(moved.azimuth_change_deg)
    turned = [-WHEN_STILL["rotation"], WHEN_STILL["rotation"]] if abs(yaw) <= gates.yaw_grey_deg.low else [0.0, -yaw]
    went = (
        [-WHEN_STILL["azimuth"], WHEN_STILL["azimuth"]] if abs(around) <= gates.azimuth_grey_deg.low else [0.0, -around]
    )
    return {
        "translation": [-float(a) for a in elsewhere],  # a camera further around sees the object turned back
        "rotation": [float(wrap_deg(wrong - yaw)) for wrong in turned],
        "azimuth": [float(wrap_deg(around - wrong)) for wrong in went],
    }


def _view_problem(view: RenderedView, gates: GateConfig) -> Drop | None:
    """Why a view cannot be used; None if it can."""
    seen = mask(capture(view))
    share = float(seen.mean())
    border = float(np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]]).mean())
    if not np.isfinite(view.albedo).all() or not np.isfinite(view.depth).all():
        return Drop("broken views", "depth or albedo holds NaN")
    if share == 0:
        return Drop("empty views", "no object in the picture")
    if share < gates.min_object_share:
        return Drop(
            "views of a speck", f"the object fills {share:.4f} of the frame, less than {gates.min_object_share}"
        )
    if border > gates.max_border_share:
        return Drop(
            "cut views", f"the object covers {border:.3f} of the frame's border, more than {gates.max_border_share}"
        )
    if view.luminance_std < gates.min_contrast:
        return Drop("flat views", f"luminance varies by {view.luminance_std:.3f} only, less than {gates.min_contrast}")
    return None
