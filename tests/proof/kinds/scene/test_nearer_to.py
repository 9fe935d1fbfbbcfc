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
        f"In tenths of the scene's radius, the distances across the floor from {C} are about 9 to {A}, and "
        f"about 5 to {B}. "
        f"So the answer is: {B}."
    )
    fields = FIELDS | {"options": [A, B]}
    assert refusals(text, "nearer_to/scene", SCENE, B, **fields) == []
    for old, new in (
        ("about 9", "about 4"),
        (f", and about 5 to {B}", ""),
        (f"from {C} are", f"from {A} are"),
        (f"is: {B}", f"is: {A}"),
    ):
        assert refusals(text.replace(old, new), "nearer_to/scene", SCENE, B, **fields)
