"""Which camera on the map took image 2?"""

import math

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.facts import BETWEEN, FACE, PREMISES, SIDE, UPPER, about
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.points import COLOURS
from viewpoint100k.proof.reading import Fact, Proof, Said, Say

ROUNDING_DEG = 1e-4  # of stored truth
AT_MOST_ONE_DEG = 20  # between the angles that are said: a wider interval could hold two cameras


def _solve(case: Case) -> Answer | str:
    cameras = {camera.colour: camera.azimuth_deg for camera in case.question.map_cameras}
    if len(case.question.map_cameras) != 4 or set(cameras) != set(COLOURS):
        return f"has a map with the cameras {sorted(cameras)}"
    turn = case.measured.pair(0, 1).azimuth_deg
    right = [colour for colour, angle in cameras.items() if abs(math.remainder(angle - turn, 360)) < 1]
    if len(right) != 1:
        return f"has {len(right)} cameras on its map where image 2 was taken, {turn:.1f} degrees around"
    if abs(turn) < case.gates.min_map_turn_deg - ROUNDING_DEG:
        return f"has a camera only {abs(turn):.1f} degrees around"
    around = sorted(angle % 360 for angle in cameras.values())
    gaps = [b - a for a, b in zip(around, [*around[1:], around[0] + 360], strict=True)]
    label = Label(f"the {right[0]} camera", min(gaps) / case.gates.min_map_apart_deg)
    return Answer(label, case.sample.decidability.azimuth, ((0, 1),))


def _map(case: Case, say: Say) -> bool:
    cameras = case.question.map_cameras
    for camera in cameras:
        side = "right" if camera.azimuth_deg > 0 else "left"
        said_side = say[f"way_{camera.colour}"]
        if said_side != side or not about(say[f"deg_{camera.colour}"], camera.azimuth_deg):
            return False
    return {camera.colour for camera in cameras} == set(COLOURS)


def _each_camera(verb: str) -> str:
    red, *others = (f"<deg_{colour}:tens>{{}} to the <way_{colour}:left|right>" for colour in COLOURS)
    items = [f"{colour} {item.format('')}" for colour, item in zip(COLOURS[1:], others, strict=True)]
    return ", ".join([f"red {verb} about {red.format(' degrees')}", *items])


MAP = Fact(
    "map",
    (
        "on the map, going around from the white camera, " + _each_camera("is"),
        "measured around the centre of the map from the white camera, " + _each_camera("stands"),
    ),
    _map,
)


def _follows(said: Said) -> str:
    cameras = said.say("map")
    between = said.say("between")
    way = said.way("side")
    if cameras is None or between is None or way not in ("left", "right"):
        return ""
    low = int(between["low"])
    high = int(between["high"])
    if high - low > AT_MOST_ONE_DEG:
        return ""
    half = [colour for colour in COLOURS if cameras[f"way_{colour}"] == way]
    fits = [colour for colour in half if low <= int(cameras[f"deg_{colour}"]) <= high]
    return f"the {fits[0]} camera" if len(fits) == 1 else ""


PROOFS = {
    "camera_on_map/seen_from_above": Proof(
        of_figure(_solve, draws="map_cameras"),
        (MAP, SIDE, UPPER, FACE, BETWEEN),
        PREMISES
        | {
            "the white camera looks towards the top of the map, so its right is the map's right",
            "on the map the first camera stands below the object, so its right is the map's right",
        },
        _follows,
        options={
            "red": "the red camera",
            "blue": "the blue camera",
            "green": "the green camera",
            "yellow": "the yellow camera",
        },
    )
}
