"""Pictures of strangers, decoded: JPEG in RGB, whole, and no larger than they may be."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from viewpoint100k.errors import InputError, one_line
from viewpoint100k.records import LONGEST_SIDE_PX

if TYPE_CHECKING:
    from PIL.Image import Image


MOST_SCANS = 30  # of a JPEG: each passes over the whole picture; a progressive one has about ten
BLOCKS_KEPT = 8  # of 16 MB each, by Pillow


def decode(data: bytes, name: str) -> "Image":
    """A picture of a sample, decoded: RGB. The header is looked at before any pixel is.

    Args:
        name: of the picture, for the message.

    Raises:
        InputError: not a whole JPEG in RGB of no more than `LONGEST_SIDE_PX` each way.
    """
    picture = open_picture(data, name)
    with decoding(name):
        picture.load()
    return picture


def open_picture(data: bytes, name: str) -> "Image":
    """A picture of a sample whose header is one of ours; no pixel is decoded.

    Args:
        name: of the picture, for the message.

    Raises:
        InputError: not a JPEG in RGB of no more than `LONGEST_SIDE_PX` each way, or without its end.
    """
    from PIL import Image

    if not data.startswith(b"\xff\xd8\xff"):
        raise InputError(f"{name} cannot be decoded: its {len(data)} bytes do not start as those of a JPEG")
    if not data.endswith(b"\xff\xd9"):
        raise InputError(f"{name} cannot be decoded: its {len(data)} bytes do not end as those of a JPEG")
    if (scans := data.count(b"\xff\xda")) > MOST_SCANS:
        raise InputError(f"{name} cannot be decoded: it has {scans} scans; expected at most {MOST_SCANS}")
    with decoding(name), warnings.catch_warnings(action="error"):
        picture = Image.open(io.BytesIO(data), formats=("JPEG",))
    if picture.format != "JPEG" or picture.mode != "RGB" or max(picture.size) > LONGEST_SIDE_PX:
        found = f"{picture.format} {picture.mode} {picture.size}"
        raise InputError(f"{name} is {found}; expected JPEG RGB of at most {LONGEST_SIDE_PX} pixels each way")
    return picture


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Whatever a decoder raises at damage (there is no list of it) is an error that names the picture."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise InputError(
            f"{name} cannot be decoded: {one_line(str(error)) or type(error).__name__}"
        ) from error


def keep_picture_memory() -> None:
    """Let Pillow use the memory of pictures again; to ask for it anew takes a fifth of the time."""
    from PIL import Image

    core: Any = Image.core  # type: ignore[attr-defined]
    core.set_blocks_max(max(core.get_blocks_max(), BLOCKS_KEPT))
