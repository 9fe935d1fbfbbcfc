"""Names the objects of a scene: by words that fit only one of them, or by letters.

Colours are the renderer's albedo, without light and shadow. A colour is used if nearly all of an object has
it. It distinguishes two objects of a kind only if the other one has hardly any of it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.geometry.rotations import Array
from viewpoint100k.records import ObjectColour, ObjectRecord
from viewpoint100k.scenes.catalogue import UNSAID, might_be, noun_of

COLOURS: tuple[ObjectColour, ...] = get_args(ObjectColour)
LETTERS = "ABCDEFG"
LETTERED = 0.5  # share of scenes whose objects are named by letters only
OF_ONE_COLOUR = 0.6  # least share of an object's pixels that have its colour
NEXT_COLOUR = 0.25  # greatest share of pixels with the second colour
HARDLY_ANY = 0.15
HUES = (
    (14, "red"),
    (40, "orange"),
    (66, "yellow"),
    (165, "green"),
    (255, "blue"),
    (290, "purple"),
    (343, "pink"),
    (361, "red"),
)


class Named(NamedTuple):
    """The name of one object of a scene, and what it is made of."""

    name: str
    named_by: Literal["noun", "colour", "letter"]
    letter: str
    noun: str
    colour: ObjectColour | None


def colour_shares(albedo: Array | NDArray[np.float32]) -> dict[ObjectColour, float]:
    """The share of pixels that people would call by each of eleven colours; ambiguous pixels count for none.

    Args:
        albedo: (N, 3) linear, in [0, 1].
    """
    if not len(albedo):
        return dict.fromkeys(COLOURS, 0.0)
    linear = np.clip(np.asarray(albedo, dtype=np.float64), 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)  # as displayed
    high = rgb.max(axis=1)
    low = rgb.min(axis=1)
    chroma = high - low
    saturation = chroma / np.maximum(high, 1e-9)
    red, green, blue = rgb.T
    safe = np.maximum(chroma, 1e-9)
    hue = 60 * np.select(
        [high == red, high == green],
        [((green - blue) / safe) % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    names = np.full(len(rgb), "", dtype="<U6")
    for edge, name in reversed(HUES):
        names[hue < edge] = name
    near = np.min([np.abs(hue - edge) for edge, _ in HUES[:-1]], axis=0)
    names[near < 4] = ""  # between two hues
    brown = np.isin(names, ["orange", "red", "yellow"]) & (hue > 8) & (hue < 55) & (high < 0.62)
    names[brown] = "brown"
    names[(saturation < 0.3) | (chroma < 0.12)] = ""  # neither coloured nor grey
    grey = (saturation < 0.15) | (chroma < 0.05)
    names[grey] = np.select([high[grey] < 0.2, high[grey] > 0.82], ["black", "white"], "grey")
    names[grey & (((high >= 0.2) & (high < 0.28)) | ((high > 0.72) & (high <= 0.82)))] = ""
    names[high < 0.12] = "black"
    return {colour: float((names == colour).mean()) for colour in COLOURS}


def colour_of(shares: Mapping[ObjectColour, float]) -> ObjectColour | None:
    """The colour of an object; None if it has no single colour."""
    first, second = sorted(shares, key=lambda name: -shares[name])[:2]
    return first if shares[first] >= OF_ONE_COLOUR and shares[second] <= NEXT_COLOUR else None


def by_letters(records: Sequence[ObjectRecord]) -> bool:
    """Whether a scene, one of a share `LETTERED`, is named by letters only, so that words reveal nothing."""
    digest = hashlib.sha256("\0".join(record.uid for record in records).encode()).digest()
    return digest[0] < 256 * LETTERED


def call(
    records: Sequence[ObjectRecord], shares: Sequence[Mapping[ObjectColour, float]], *, letters: bool = False
) -> list[Named]:
    """Names for all objects of a scene.

    Args:
        records: the records of the objects.
        shares: `colour_shares` of each.
        letters: whether to use letters only.
    """
    nouns = [noun_of(record) for record in records]
    colours = [colour_of(each) for each in shares]
    out = []
    for number, (noun, colour) in enumerate(zip(nouns, colours, strict=True)):
        twins = [i for i, other in enumerate(records) if i != number and noun and might_be(other, noun)]
        letter = LETTERS[number]
        noun = "" if noun in UNSAID else noun
        if letters:
            out.append(Named(f"the object marked {letter}", "letter", letter, noun, colour))
        elif noun and not twins:
            out.append(Named(f"the {noun}", "noun", letter, noun, colour))
        elif noun and colour and all(nouns[i] and shares[i][colour] <= HARDLY_ANY for i in twins):
            article = f"the {colour} {noun}"
            out.append(Named(article, "colour", letter, noun, colour))
        else:
            out.append(Named(f"the object marked {letter}", "letter", letter, noun, colour))
    return out
