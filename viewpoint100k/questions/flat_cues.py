"""What a flat look at two pictures sees, without any idea of space."""

import math
from collections.abc import Sequence

from viewpoint100k.glances import Glance, drift
from viewpoint100k.questions.kind import Cue
from viewpoint100k.records import View


def cue_values(views: Sequence[View], glances: Sequence[Glance] = ()) -> dict[Cue, float]:
    """What a flat look at two pictures sees.

    Args:
        glances: one at each picture; none: they are not looked at.

    Returns:
        The object's shift right or down, and its places right or down of the middle, in picture sides; the
        logarithms of its shares of the pictures, of its growth, of the focal lengths over the pictures' width
        and of their ratio, of the shapes of its box, wide over high, and of how full that is; how far from
        the middles it is, in picture sides; how high the cameras stand, in radians; how much brighter the
        second picture is, and how far what the first shows where the object is has drifted right and down, in
        picture sides.
    """
    (x_1, y_1), (x_2, y_2) = (place(view) for view in views[:2])
    size_1, size_2 = (size(view) for view in views[:2])
    focal_1, focal_2 = (math.log(view.intrinsics[0][0] / (2 * view.intrinsics[0][2])) for view in views[:2])
    shape_1, shape_2 = (shape(view) for view in views[:2])
    high_1, high_2 = (_elevation_rad(view) for view in views[:2])
    brighter, drift_x, drift_y = _glanced(views[0], *glances[:2]) if glances else (0.0, 0.0, 0.0)
    return {
        "place_1_x": x_1,
        "place_2_x": x_2,
        "shift_x": x_2 - x_1,
        "place_1_y": y_1,
        "place_2_y": y_2,
        "shift_y": y_2 - y_1,
        "size_1": size_1,
        "size_2": size_2,
        "growth": size_2 - size_1,
        "focal_1": focal_1,
        "focal_2": focal_2,
        "lens": focal_2 - focal_1,
        "shape_1": shape_1,
        "shape_2": shape_2,
        "wider": shape_2 - shape_1,
        "full_1": fullness(views[0]),
        "full_2": fullness(views[1]),
        "aside_1": math.hypot(x_1, y_1),
        "aside_2": math.hypot(x_2, y_2),
        "high_1": high_1,
        "high_2": high_2,
        "brighter": brighter,
        "drift_x": drift_x,
        "drift_y": drift_y,
    }


def _glanced(first: View, glance: Glance, then: Glance) -> tuple[float, float, float]:
    """How much brighter the second picture is, and how far what the first shows in the object's box drifts
    right and down.
    """
    width = 2 * first.intrinsics[0][2]
    height = 2 * first.intrinsics[1][2]
    left, top, right, bottom = first.object_box
    box = left / width, top / height, right / width, bottom / height
    return (then.luminance - glance.luminance, *drift(glance, then, box))


def place(view: View) -> tuple[float, float]:
    """How far right and down of the middle the object is, in picture sides."""
    left, top, right, bottom = view.object_box
    return (left + right) / (4 * view.intrinsics[0][2]) - 0.5, (top + bottom) / (
        4 * view.intrinsics[1][2]
    ) - 0.5


def size(view: View) -> float:
    """The logarithm of the object's share of the picture."""
    return math.log(max(view.object_share, 1e-6))


def shape(view: View) -> float:
    """The logarithm of how wide the object's box is over how high."""
    left, top, right, bottom = view.object_box
    return math.log(max(right - left, 1e-6) / max(bottom - top, 1e-6))


def fullness(view: View) -> float:
    """The logarithm of how much of its box the object fills."""
    left, top, right, bottom = view.object_box
    box_share = (right - left) * (bottom - top) / (4 * view.intrinsics[0][2] * view.intrinsics[1][2])
    return math.log(max(view.object_share, 1e-6) / max(box_share, 1e-6))


def _elevation_rad(view: View) -> float:
    x, y, z = (row[3] for row in view.world_from_camera[:3])
    return math.atan2(z, math.hypot(x, y))
