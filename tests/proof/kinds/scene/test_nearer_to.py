"""Which of two objects stands nearer to a third one, over the floor."""

from support.published import proven, refusals
from support.scene_samples import placed

from viewpoint100k.config import GateConfig

# from the third one: 0.45 and 0.25 world units, 9 and 5 tenths of the scene's radius of 0.5
SCENE = placed((-0.45, 0.0), (0.25, 0.0), (0.0, 0.0))
A, B, C = (part.name for part in SCENE.scene.parts)
FIELDS = {"images": [0], "parts": [0, 1, 2]}


def test_the_nearer_one():
    assert proven("nearer_to/scene", SCENE, **FIELDS) == B
    assert proven("nearer_to/scene", SCENE, GateConfig(scene_nearer=2), **FIELDS) is None


def test_a_chain_gives_both_distances():
    text = (
        f"On a floor plan, measured from {C} in tenths of the scene's radius: {A} at about 9, {B} at about 5. "
        f"So the answer is: {B}."
    )
    fields = FIELDS | {"options": [A, B]}
    assert refusals(text, "nearer_to/scene", SCENE, B, **fields) == []
    for old, new in (
        ("about 9", "about 4"),
        (f", {B} at about 5", ""),
        (f"from {C} in", f"from {A} in"),
        (f"is: {B}", f"is: {A}"),
    ):
        assert refusals(text.replace(old, new), "nearer_to/scene", SCENE, B, **fields)
