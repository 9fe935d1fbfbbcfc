"""Somebody who stands in the middle and looks away from the camera has the right on the right."""

import pytest
from support.published import proven, refusals
from support.scene_samples import placed

SCENE = placed((0.0, 0.0), (0.0, 0.4), (0.3, 0.2), (-0.3, -0.25), (0.3, 0.27))
A, B, C, D, E = (part.name for part in SCENE.scene.parts)


@pytest.mark.parametrize(
    ("kind", "parts", "words"),
    [
        ("perspective/object", [0, 1, 2], "ahead on the right"),
        ("perspective/object", [0, 1, 3], "behind on the left"),
        ("perspective/object", [0, 2, 3], None),  # straight behind
        ("turn_to_face/object", [0, 1, 4], "about 45 degrees to the right"),
        ("turn_to_face/object", [0, 1, 3], "about 135 degrees to the left"),
        ("turn_to_face/object", [0, 1, 2], None),  # 56 degrees: some would say 45, others 90
    ],
)
def test_where_things_are_for_somebody_in_the_scene(kind, parts, words):
    assert proven(kind, SCENE, images=[0], parts=parts) == words


def test_a_chain_turns_from_one_direction_to_the_other():
    way = (
        "Counted clockwise from above, with the camera's direction as 0 degrees, the direction from {} to "
        "{} is about {} degrees"
    )
    turn = "From the first of these directions to the second, the turn is about 130 degrees counter-clockwise"
    text = f"{way.format(A, B, 0)}. {way.format(A, D, 230)}. {turn}. So the answer is: behind on the left."
    fields = {"images": [0], "parts": [0, 1, 3]}
    assert refusals(text, "perspective/object", SCENE, "behind on the left", **fields) == []
    for old, new in (
        ("about 230", "about 130"),
        ("counter-clockwise.", "clockwise."),
        (D, C),
        ("130", "170"),
    ):
        assert refusals(text.replace(old, new), "perspective/object", SCENE, "behind on the left", **fields)
