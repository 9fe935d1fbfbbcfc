"""Which object changed between two pictures, and whether it did what the question says."""

import pytest
from support.published import proven, refusals
from support.scene_samples import between, placed

KIND = "changed_object/scene"
# one and two stand 6 tenths of the scene's radius apart, three comes 10 tenths nearer to both
SCENE = placed((-0.15, 0.0), (0.15, 0.0), (0.0, -0.6))
MOVED = between(SCENE, (0.0, 0.0), {2: (0.0, -0.2)})
A, B, C = (part.name for part in SCENE.scene.parts)
WORDING = "Which object {}?"


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("stands in another place in image 2", C),
        ("has been turned on the spot in image 2", None),
        ("is present in image 1 only", None),
        ("changed", None),
    ],
)
def test_the_change_that_is_asked_for(phrase, words):
    assert proven(KIND, MOVED, parts=[0, 1, 2], prompt=WORDING.format(phrase)) == words


def test_a_short_way_is_not_asked_about():
    short = between(SCENE, (0.0, 0.0), {2: (0.0, -0.55)})
    wording = WORDING.format("stands in another place in image 2")
    assert proven(KIND, short, parts=[0, 1, 2], prompt=wording) is None


def test_a_chain_finds_the_one_whose_distances_changed():
    radius = "tenths of the scene's radius"
    text = (
        f"{A[0].upper()}{A[1:]} and {B} are about 6 {radius} apart in both images. The distance "
        f"between {A} and {C} is about 12 {radius} in image 1 and about 5 in image 2. So the answer is: {C}."
    )
    wording = WORDING.format("stands in another place in image 2")
    fields = {"parts": [0, 1, 2], "prompt": wording, "options": [A, B, C]}
    assert refusals(text, KIND, MOVED, C, **fields) == []
    for old, new in (
        ("about 6", "about 9"),
        ("about 12", "about 5"),
        ("about 5 in image 2", "about 11 in image 2"),
        (f"is: {C}", f"is: {A}"),
    ):
        assert refusals(text.replace(old, new), KIND, MOVED, C, **fields)
    turned = fields | {"prompt": WORDING.format("has been turned on the spot in image 2")}
    assert refusals(text, KIND, MOVED, C, **turned)
