"""What is different between two pictures of a scene, by the places of its camera and of its objects."""

import math
from typing import NamedTuple

import numpy as np

from viewpoint100k.proof.case import Case
from viewpoint100k.proof.scene import clockwise_deg
from viewpoint100k.records import OBJECT_RADIUS

SAME_LENS = 0.01  # of its length
CHANGED_PLACE = 1e-6  # scene radii: less is rounding
CHANGED_TURN_DEG = 1e-4
CAME_OR_WENT = 2.0  # the margin of what is there in one picture only
STAYED = 0.1  # tenths of the scene's radius: between distances in both pictures


class Event(NamedTuple):
    """How one object differs between the two states of a scene."""

    part: int
    kind: str  # "moved", "turned", "appeared" or "vanished"
    margin: float


def camera_moved(case: Case) -> tuple[bool, float] | None:
    """Whether the camera moved between both pictures, and how clear that is; None in the grey band."""
    pair = case.measured.pair(0, 1)
    way = case.gates.camera_still
    turn = case.gates.camera_still_deg
    went = math.dist(pair.places[0], pair.places[1])
    if went <= way.low and pair.rotation_deg <= turn.low and abs(pair.focal_ratio - 1) <= SAME_LENS:
        return False, 2 - max(went / way.low, pair.rotation_deg / turn.low)
    margin = max(went / way.high, pair.rotation_deg / turn.high)
    return (True, margin) if margin >= 1 else None


def event_of(case: Case) -> Event | str | None:
    """The one object that differs; what is wrong if there are several; None if nothing differs."""
    events = []
    for number, part in enumerate(case.scene.parts):
        if len(part.present) < 2 or len(part.world_from_object) < 2:
            continue
        before, after = (np.array(pose) for pose in part.world_from_object[:2])
        length = math.dist(before[:3, 3], after[:3, 3]) / OBJECT_RADIUS
        turn = abs(clockwise_deg(complex(before[0, 0], before[1, 0]), complex(after[0, 0], after[1, 0])))
        if part.present[0] != part.present[1]:
            events.append(Event(number, "appeared" if part.present[1] else "vanished", CAME_OR_WENT))
        elif length > CHANGED_PLACE:
            events.append(Event(number, "moved", length / case.gates.scene_moved))
        elif turn > CHANGED_TURN_DEG:
            events.append(Event(number, "turned", turn / case.gates.scene_turned_deg))
    if len(events) > 1:
        return f"has {len(events)} objects that changed"
    return events[0] if events else None


def movers(case: Case) -> set[str]:
    """The objects that stand elsewhere in image 2, by their names."""
    states = [case.look(image).state for image in (1, 2)]
    out = set()
    for part in case.scene.parts:
        before, after = (np.array(part.world_from_object[state])[:3, 3] for state in states)
        if np.linalg.norm(before - after) * 10 / OBJECT_RADIUS > STAYED:
            out.add(part.name)
    return out
