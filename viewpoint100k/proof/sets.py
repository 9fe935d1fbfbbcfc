"""Sets of views: how far each is from another, and what chains say of parts of a way around the object."""

from viewpoint100k.proof.case import Case
from viewpoint100k.proof.facts import about, face_has_turned
from viewpoint100k.proof.reading import Say

SAME_SIDE_DEG = 10.0  # so far around, an object is still seen from the same side
OTHERS = (2, 3, 4)  # the pictures of a set beside the first


def way_deg(case: Case, first: int, second: int) -> tuple[float, float]:
    """From one view of the sample to another: around the object (counter-clockwise from above), and up."""
    pair = case.measured.pair(first, second)
    return pair.azimuth_deg, pair.elevation_deg


def around_deg(case: Case, first: int, second: int) -> float:
    """From one picture that a question shows to another, around the object."""
    return case.pair(first, second).azimuth_deg


def looks_more_at(case: Case, first: int, second: int, side: str) -> bool:
    """Whether the second picture clearly shows more of a side than the first: where the camera went."""
    turn_deg = around_deg(case, first, second)
    return abs(turn_deg) > SAME_SIDE_DEG and side == ("right" if turn_deg > 0 else "left")


def has_gone(case: Case, first: int, second: int, part: str, edge: str) -> bool:
    """Whether what faced the first camera has gone as far towards an edge, against the camera's way."""
    turn_deg = around_deg(case, first, second)
    return edge == ("left" if turn_deg > 0 else "right") and face_has_turned(part, turn_deg)


def turns_by(case: Case, say: Say) -> bool:
    """Whether each picture is as far around the object from the first one as is said."""
    return all(about(say[f"deg{image}"], around_deg(case, 1, image)) for image in OTHERS)
