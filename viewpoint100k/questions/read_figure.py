"""A question's figure with its text, as those who check chains of thought read it."""

from typing import NamedTuple

from viewpoint100k.records import MapCamera, Mark


class ReadFigure(NamedTuple):
    """What a question shows beside plain pictures, and its prompt."""

    images: tuple[int, ...] = (0, 1)
    marks: tuple[Mark, ...] = ()
    mirrored: tuple[int, ...] = ()
    map_cameras: tuple[MapCamera, ...] = ()
    parts: tuple[int, ...] = ()
    words: str = ""
