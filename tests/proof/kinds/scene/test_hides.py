"""What hides what: by how much is seen of both, and by whose outlines meet."""

import pytest
from support.published import proven, refusals
from support.scene_answers import hiding
from support.scene_samples import placed

NEITHER = "neither hides a part of the other"
APART = placed((-0.3, 0.0), (0.3, 0.0))
BEHIND = placed((0.0, -0.3), (0.0, 0.3), sizes=[[0.3, 0.1, 0.3], [0.3, 0.1, 0.3]])
FIELDS = {"images": [0], "parts": [0, 1]}


def hides(scene):
    first, second = (part.name for part in scene.scene.parts)
    return f"{first} hides a part of {second}"


@pytest.mark.parametrize(
    ("share", "hidden_by", "words"), [(0.6, [0], "hides"), (0.9, [0], None), (0.6, [], None)]
)
def test_what_is_hidden_clearly_or_not_at_all(share, hidden_by, words):
    scene = hiding(BEHIND, share, hidden_by)
    assert proven("hides/camera", scene, **FIELDS) == (hides(scene) if words else None)


def test_whole_objects_hide_nothing_and_what_is_farther_hides_nothing():
    assert proven("hides/camera", APART, **FIELDS) == NEITHER
    swapped = hiding(placed((0.0, 0.45), (0.0, -0.45)), 0.6, [0])
    assert proven("hides/camera", swapped, **FIELDS) is None


def test_a_chain_needs_outlines_that_meet_and_the_closer_one():
    scene = hiding(BEHIND, 0.6, [0])
    first, second = (part.name for part in scene.scene.parts)
    depths = [part.depth for part in scene.scene.views[0].parts]
    far = f"The camera is about {depths[1] / depths[0]:.1f} times as far from {second} as from {first}"
    text = (
        f"In the picture the outlines of {first} and {second} meet. {far}. So the answer is: {hides(scene)}."
    )
    options = [hides(scene), f"{second} hides a part of {first}", NEITHER]
    fields = FIELDS | {"options": options}
    assert refusals(text, "hides/camera", scene, options[0], **fields) == []
    for old, new in (("meet", "do not meet"), (f"{far}. ", ""), (options[0], options[1])):
        assert refusals(text.replace(old, new), "hides/camera", scene, options[0], **fields)
    a, b = (part.name for part in APART.scene.parts)
    clear = f"In the picture the outlines of {a} and {b} do not meet. So the answer is: {NEITHER}."
    assert refusals(clear, "hides/camera", APART, NEITHER, **FIELDS) == []
    assert refusals(clear.replace("do not meet", "meet"), "hides/camera", APART, NEITHER, **FIELDS)
