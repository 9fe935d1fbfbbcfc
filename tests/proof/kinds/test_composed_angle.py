"""Two motions together, by hand."""

import pytest
from support.published import proven, refusals, sample_of, set_seen, view_at

KIND = "composed_angle/seen_from_above"
IMAGES = [0, 1, 2]
ANSWER = "about 120 degrees counter-clockwise"
OPTIONS = [
    f"about {angle} degrees {way}" for angle in (60, 120) for way in ("clockwise", "counter-clockwise")
]


def legs(first, second):
    views = [view_at(-90), view_at(-90 + first), view_at(-90 + first + second), view_at(0, 40)]
    return sample_of(views, seen=set_seen(4))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (50, 60, ANSWER),
        (-30, -30, "about 60 degrees clockwise"),
        (60, -30, None),
        (40, 44, None),  # as near to 60 as to 120
        (100, 100, None),
    ],
)
def test_two_legs(first, second, words):
    assert proven(KIND, legs(first, second), images=IMAGES) == words


def test_a_chain_adds_both_legs():
    text = (
        "Image 2 shows more of the side that was on the right in image 1. From image 1 to image 2 that is about 50 "
        "degrees around the object. Image 3 shows more of the side that was on the right in image 2. From image 2 to "
        "image 3 that is about 60 degrees around the object. Added up, that is 110 degrees. So the answer is: "
        f"{ANSWER}."
    )
    assert refusals(text, KIND, legs(50, 60), ANSWER, OPTIONS, images=IMAGES) == []
    for old, new in (
        ("about 50", "about 70"),
        ("is 110 degrees", "is 120 degrees"),
        (
            "Image 3 shows more of the side that was on the right",
            "Image 3 shows more of the side that was on the left",
        ),
        ("From image 1 to image 2 that is about 50 degrees around the object. ", ""),
    ):
        assert refusals(text.replace(old, new), KIND, legs(50, 60), ANSWER, OPTIONS, images=IMAGES)
    early = f"Added up, that is 110 degrees. {text}"
    assert any(
        "refers to nothing" in why
        for why in refusals(early, KIND, legs(50, 60), ANSWER, OPTIONS, images=IMAGES)
    )
