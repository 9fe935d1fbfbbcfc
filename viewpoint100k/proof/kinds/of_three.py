"""Which of the last three pictures of a set is nearest, highest, or furthest round from the first?"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from viewpoint100k.proof.case import ALL_VIEWS, Answer, Case, Label
from viewpoint100k.proof.facts import PREMISES, about
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.kinds.order import TURNS
from viewpoint100k.proof.measure import elevation_deg
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.sets import OTHERS, way_deg

APART_DEG = 15  # between the largest of three numbers that are said and the next
Measure = Callable[[Case], Mapping[int, float] | str]


def _place(case: Case, view: int) -> list[float]:
    return [row[3] for row in case.sample.views[view].world_from_camera[:3]]


def _nearness(case: Case) -> Mapping[int, float] | str:
    lenses = [view.intrinsics[0][0] / view.intrinsics[0][2] for view in case.sample.views]
    if max(lenses) / min(lenses) > case.gates.size_grey.low:
        return f"has other lenses in its views: {[round(lens, 3) for lens in lenses]}"
    unit = math.log(case.gates.size_grey.high)
    return {image: -math.log(math.hypot(*_place(case, image - 1))) / unit for image in OTHERS}


def _height(case: Case) -> Mapping[int, float] | str:
    unit = case.gates.tilt_grey_deg.high
    return {image: _above_deg(case, image) / unit for image in OTHERS}


def _above_deg(case: Case, image: int) -> float:
    return elevation_deg(np.array(_place(case, image - 1)))


def _roundness(case: Case) -> Mapping[int, float] | str:
    ways = {image: abs(way_deg(case, 0, image - 1)[0]) for image in OTHERS}
    if max(ways.values()) > 180 - case.gates.min_step_deg:
        return f"has a view {max(ways.values()):.0f} degrees around, which is as far the other way"
    return {image: way / case.gates.min_step_deg for image, way in ways.items()}


def _solve(measure: Measure, follows_views: bool = False) -> Callable[[Case], Answer | str]:
    """
    Args:
        follows_views: the answer is found by going from view to view, so neighbours must share surface.
    """

    def solve(case: Case) -> Answer | str:
        amounts = measure(case)
        if isinstance(amounts, str):
            return amounts
        ranked = sorted(OTHERS, key=lambda image: amounts[image])
        most = ranked[-1]
        difference = case.sample.seen.difference
        least = min(difference[most - 1][image - 1] for image in OTHERS if image != most)
        label = Label(f"image {most}", amounts[most] - amounts[ranked[-2]])
        return Answer(label, least, _neighbours(case) if follows_views else ())

    return solve


def _neighbours(case: Case) -> tuple[tuple[int, int], ...]:
    """Views one after the other, going out from the first to either side."""
    ways = {view: way_deg(case, 0, view)[0] for view in (1, 2, 3)}
    steps: list[tuple[int, int]] = []
    for side in (-1, 1):
        outwards = sorted((way * side, view) for view, way in ways.items() if way * side > 0)
        along = [0, *(view for _, view in outwards)]
        steps += itertools.pairwise(along)
    return tuple(steps)


def _heights(case: Case, say: Say) -> bool:
    return all(about(say[f"deg{image}"], _above_deg(case, image)) for image in OTHERS)


HEIGHTS = Fact(
    "heights",
    (
        "the camera looks down at the object at an angle of about <deg2:tens> degrees in image 2, about "
        "<deg3:tens> in image 3 and about <deg4:tens> in image 4",
        "as seen from the object, camera 2 is about <deg2:tens> degrees above the horizontal, camera 3 "
        "about <deg3:tens> and camera 4 about <deg4:tens>",
    ),
    _heights,
    lists_options=True,
)
ALL_TURNS = replace(TURNS, lists_options=True)  # here the pictures are what there is to choose from


def _largest(name: str) -> Callable[[Said], str]:
    def follows(said: Said) -> str:
        say = said.say(name)
        if say is None:
            return ""
        numbers = {image: int(say[f"deg{image}"]) for image in OTHERS}
        most = max(numbers, key=lambda image: numbers[image])
        others = [number for image, number in numbers.items() if image != most]
        return f"image {most}" if numbers[most] - max(others) >= APART_DEG else ""

    return follows


PROOFS = {
    "nearest_of_three/object": Proof(
        of_figure(_solve(_nearness), images=ALL_VIEWS),
        options={"image_2": "image 2", "image_3": "image 3", "image_4": "image 4"},
    ),
    "highest_of_three/object": Proof(
        of_figure(_solve(_height), images=ALL_VIEWS),
        (HEIGHTS,),
        PREMISES,
        _largest("heights"),
        options={"image_2": "image 2", "image_3": "image 3", "image_4": "image 4"},
    ),
    "furthest_of_three/around_object": Proof(
        of_figure(_solve(_roundness, follows_views=True), images=ALL_VIEWS),
        (ALL_TURNS,),
        PREMISES
        | {
            "the further around the object a camera is, the less it sees of what image 1 shows",
            "only the size of the angle around the object counts, not which way the camera went",
        },
        _largest("turns"),
        options={"image_2": "image 2", "image_3": "image 3", "image_4": "image 4"},
    ),
}
