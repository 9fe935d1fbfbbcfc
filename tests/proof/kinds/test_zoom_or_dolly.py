"""The lens or the distance, by hand: a lens enlarges the background too, and nearness the object alone."""

import pytest
from support.published import proven, refusals, sample_of, view_from

KIND = "zoom_or_dolly/camera_1"
OPTIONS = [
    "only the lens zoomed",
    "only the distance changed",
    "the lens and the distance changed",
    "the lens and the distance stayed the same",
]


def pair(distance, zoom, background="hdri"):
    return sample_of(
        [
            view_from((0, -3, 0), background=background),
            view_from((0, -distance, 0), zoom=zoom, background=background),
        ]
    )


@pytest.mark.parametrize(
    ("distance", "zoom", "words"),
    [(3, 1.5, OPTIONS[0]), (2, 1, OPTIONS[1]), (4.5, 1.5, OPTIONS[2]), (3, 1, OPTIONS[3]), (3.2, 1, None)],
)
def test_lens_and_distance(distance, zoom, words):
    assert proven(KIND, pair(distance, zoom)) == words


def test_without_a_far_background_nobody_can_tell():
    assert proven(KIND, pair(3, 1.5, background="plain")) is None


@pytest.mark.parametrize(
    ("distance", "zoom", "backdrop", "against", "answer"),
    [
        (3, 1.5, "larger", "equally large in both images", OPTIONS[0]),
        (2, 1, "equally large in both images", "larger", OPTIONS[1]),
        (4.5, 1.5, "larger", "smaller", OPTIONS[2]),
    ],
)
def test_a_chain_compares_the_object_with_its_background(distance, zoom, backdrop, against, answer):
    def said(word):
        return word if "both" in word else f"{word} in image 2 than in image 1"

    text = (
        f"The distant background looks {said(backdrop)}. Measured against the background, the object is "
        f"{said(against)}. So the answer is: {answer}."
    )
    assert refusals(text, KIND, pair(distance, zoom), answer, OPTIONS) == []
    for sentence in text.split(". ")[:2]:
        assert refusals(text.replace(f"{sentence}. ", ""), KIND, pair(distance, zoom), answer, OPTIONS)
    flipped = text.replace("larger", "bigger").replace("smaller", "larger").replace("bigger", "smaller")
    assert refusals(flipped, KIND, pair(distance, zoom), answer, OPTIONS)
