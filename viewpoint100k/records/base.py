"""What all records are made of: the class, and numbers, lists and poses that have bounds.

Records are also read from strangers' files. Numbers have bounds so that no sum, square or ratio of them
overflows, and no list of bins is as long as they say; a list with a fault is read no further, for each fault
takes memory.
"""

from typing import Annotated, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field

SCHEMA_VERSION = 5

LARGEST = 1e9  # of lengths, pixels and shares; what lies behind a camera can be projected far away
LONGEST_SIDE_PX = 4096  # of a picture
FARTHEST = 1e4  # from the origin, in world units: an object has the size of one
RIGID_ATOL = 1e-4  # of what was rounded to six digits; who computes with a pose is stricter
OBJECT_RADIUS = 0.5  # of the normalised object, from the middle of its bounding box to its furthest vertex
MOST_OBJECTS = 7  # of a scene; each may need a letter
MOST_OPTIONS = 10  # of a question; each may need a letter
MOST_VIEWS = 4  # of a sample
LETTER = r"[A-G]"

T = TypeVar("T")
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Degrees = Annotated[float, Field(ge=-360, le=360)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,60}$")]  # of a kind of question
Place = Annotated[int, Field(ge=0, lt=100)]  # in a list
Many = Annotated[list[T], FailFast()]
Row2 = Annotated[list[Number], Field(min_length=2, max_length=2)]
Row3 = Annotated[list[Number], Field(min_length=3, max_length=3)]
Row4 = Annotated[list[Number], Field(min_length=4, max_length=4)]
Row6 = Annotated[list[Number], Field(min_length=6, max_length=6)]
Matrix3 = Annotated[list[Row3], Field(min_length=3, max_length=3)]
Matrix4 = Annotated[list[Row4], Field(min_length=4, max_length=4)]


class Record(BaseModel):
    """Immutable; unknown fields are errors, so that a typo in a file is found where it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _rigid(rows: list[list[float]]) -> list[list[float]]:
    """A (4, 4) pose as it is, if it is one.

    In plain Python: an array of sixteen numbers costs more than they do.
    """
    (a, b, c, x), (d, e, f, y), (g, h, i, z), last = rows
    unit = (a * a + d * d + g * g, b * b + e * e + h * h, c * c + f * f + i * i)
    right_angle = (a * b + d * e + g * h, a * c + d * f + g * i, b * c + e * f + h * i)
    off = max(*(abs(one - 1) for one in unit), *(abs(one) for one in right_angle))
    if off > RIGID_ATOL or a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0:
        raise ValueError("is not rigid: expected a rotation, and where it stands")
    if last != [0, 0, 0, 1] or max(abs(x), abs(y), abs(z)) > FARTHEST:
        raise ValueError(
            f"is not a pose: expected a last row of 0, 0, 0, 1, and a place within {FARTHEST:g} of the origin"
        )
    return rows


Pose = Annotated[Matrix4, AfterValidator(_rigid)]


def matrix(rows: list[list[float]]) -> np.ndarray:
    """A (3, 3) or (4, 4) float64 array from a record's nested lists."""
    return np.asarray(rows, dtype=np.float64)
